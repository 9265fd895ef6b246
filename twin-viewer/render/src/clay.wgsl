// The one material of the park: flat faces lit per vertex, which a processor without a graphics card draws fast. Vertices
// stand in the world already; the rows of their tag say how they look and how far they have moved.

#import bevy_pbr::mesh_view_bindings::view

// First the light of the moment (`LIGHT_ROWS` rows), then `ROWS_PER_TAG` rows for every tag; written by `looks.rs`.
@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<storage, read> rows: array<vec4<f32>>;

const LIGHT_ROWS: u32 = 7u;
const ROWS_PER_TAG: u32 = 3u;

// `terrarium_scene::Follows`, and the place of a tree's number above it.
const GROWTH: u32 = 0u;
const FILL: u32 = 1u;
const TURN: u32 = 2u;
const KIND_MASK: u32 = 3u;
const NUMBER_SHIFT: u32 = 2u;

struct Vertex {
    @location(0) position: vec3<f32>,
    @location(1) tag: u32,
#ifdef SURFACE
    @location(2) normal: vec4<f32>,
    @location(3) color: vec4<f32>,
#endif
#ifdef ALONG
    @location(4) along: vec2<f32>,
#endif
#ifdef MOVES
    @location(5) pivot: vec3<f32>,
    @location(6) axis: vec4<f32>,
    @location(7) follows: u32,
#endif
}

struct Out {
    @builtin(position) position: vec4<f32>,
    // Alpha: what a shadow would leave of it.
    @location(0) color: vec4<f32>,
#ifdef FLOW
    @location(1) along: vec2<f32>,
    @location(2) @interpolate(flat) speed: f32,
#endif
}

fn haze(world: vec3<f32>) -> f32 {
    let away = distance(view.world_position.xyz, world);
    return smoothstep(rows[3].w, rows[4].w, away);
}

fn row_of(tag: u32, which: u32) -> vec4<f32> {
    return rows[LIGHT_ROWS + ROWS_PER_TAG * tag + which];
}

#ifdef MOVES
// About the axis by the angle (Rodrigues).
fn turned(vector: vec3<f32>, axis: vec3<f32>, angle: f32) -> vec3<f32> {
    let along = cos(angle);
    return vector * along + cross(axis, vector) * sin(angle) + axis * (dot(axis, vector) * (1.0 - along));
}
#endif

fn place(in: Vertex) -> vec3<f32> {
#ifdef MOVES
    let stance = row_of(in.tag, 2u);
    let arm = in.position - in.pivot;
    let axis = normalize(in.axis.xyz);
    let kind = in.follows & KIND_MASK;
    if kind == TURN {
        return in.pivot + turned(arm, axis, stance.y);
    }
    if kind == FILL {
        return in.position - axis * (dot(axis, arm) * (1.0 - stance.x));
    }
    // A tree that is felled and a car that is gone draw in to a point.
    let lives = f32(in.follows >> NUMBER_SHIFT) < stance.w;
    return in.pivot + arm * select(0.0, stance.z, lives);
#else
    return in.position;
#endif
}

#ifdef SHADOW
// Thrown onto the plane of the ground along the light.
fn thrown(world: vec3<f32>) -> vec3<f32> {
    let plane = rows[0].w;
    let light = rows[0].xyz;
    let height = max(world.y - plane, 0.0);
    return vec3(world.x - light.x / light.y * height, plane, world.z - light.z / light.y * height);
}
#endif

@vertex
fn vertex(in: Vertex) -> Out {
    var out: Out;

#ifdef RAIN
    // Streaks in front of everything: the seed is a place on the screen and a depth, `tag` the streak's number.
    let rain = rows[6];
    let px = 2.0 / view.viewport.zw * max(view.viewport.w / 1080.0, 0.6);
    let near = 0.5 + in.position.z;
    let fallen = rows[2].w * (1.4 + near);
    let x = fract(in.position.x + fallen * rain.z) * 2.2 - 1.1;
    let y = 1.2 - fract(in.position.y + fallen) * 2.4;
    let length = 26.0 * near;
    let corner = vec2(
        (in.along.x - 0.5) * 1.7 * near - (in.along.y - 0.5) * length * rain.z,
        (in.along.y - 0.5) * length,
    );
    let falls = f32(in.tag) < rain.x;
    out.position = vec4(vec2(x, y) + corner * px * select(0.0, 1.0, falls), 0.999, 1.0);
    out.color = vec4(rows[4].rgb * 1.1 + vec3(0.06), 1.0);
    return out;
#else
    let world = place(in);

#ifdef SHADOW
    let ground = thrown(world);
    out.position = view.clip_from_world * vec4(ground, 1.0);
    out.color = vec4(0.0, 0.0, 0.0, 1.0);
    return out;
#else
    out.position = view.clip_from_world * vec4(world, 1.0);
    let lamps = rows[1].w;
    let paint = in.color.rgb * in.color.rgb;

#ifdef GLOW
    out.color = vec4(paint * sqrt(lamps), 1.0);
    return out;
#else
    let tint = row_of(in.tag, 0u);
    let extra = row_of(in.tag, 1u);
    var normal = in.normal.xyz;
#ifdef MOVES
    if (in.follows & KIND_MASK) == TURN {
        normal = turned(normal, normalize(in.axis.xyz), row_of(in.tag, 2u).y);
    }
#endif

    // What rain falls on is darker.
    let wet = 1.0 - rows[6].y * 0.24 * clamp(normal.y, 0.0, 1.0);
    // While an overlay is on, what it does not colour goes pale.
    let pale = rows[5].w * (1.0 - tint.w);
    let clay = mix(paint, vec3(0.62, 0.62, 0.61) * (0.5 + 0.8 * dot(paint, vec3(0.2126, 0.7152, 0.0722))), pale * 0.75) * wet;
    // Old values fade towards the ground's grey.
    let brightness = dot(clay, vec3(0.2126, 0.7152, 0.0722));
    let base = mix(clay, tint.rgb * (0.72 + 0.4 * brightness), tint.w);
    let faded = mix(base, vec3(0.46, 0.46, 0.45), extra.y * 0.6);

    let sun = max(dot(normal, rows[0].xyz), 0.0);
    let sky = 0.5 + 0.5 * normal.y;
    let light = mix(rows[3].rgb, rows[2].rgb, sky) + rows[1].rgb * sun;
    // The colour of a value stays the one of its legend: light without a colour of its own, and not more of it than the
    // brightest of its channels can show.
    let grey = dot(light, vec3(0.2126, 0.7152, 0.0722));
    var lit = faded * mix(light, vec3(grey), tint.w);
    lit = lit / mix(1.0, max(1.0, max(lit.r, max(lit.g, lit.b))), tint.w);
    // What is abnormal or chosen is seen by night too.
    lit = max(lit, faded * (tint.w * 0.55));
    let glow = (1.0 - in.color.a) * lamps;
    lit = max(lit, paint * glow * vec3(1.5, 1.42, 1.28) * (1.0 - tint.w));
    lit = lit + (vec3(0.92) - lit) * extra.x * 0.45;
    let away = haze(world);
    let lies_flat = world.y < rows[0].w && normal.y > 0.9;
    out.color = vec4(mix(lit, rows[4].rgb, away), select(1.0, mix(rows[5].x, 1.0, away), lies_flat));
    if rows[6].w > 0.5 {
        out.color = vec4(tint.rgb * tint.w, 1.0);
    }
#ifdef FLOW
    out.along = in.along;
    out.speed = extra.z;
#endif
    return out;
#endif
#endif
#endif
}

@fragment
fn fragment(in: Out) -> @location(0) vec4<f32> {
#ifdef SHADOW
    return in.color;
#else
#ifdef GLOW
    // Falls off towards the rim like light, not like a cone.
    return vec4(in.color.rgb * in.color.rgb * 0.17, 0.0);
#else
#ifdef RAIN
    return vec4(in.color.rgb, 0.4);
#else
#ifdef FLOW
    let across = abs(in.along.y - 0.5) * 2.0;
    let way = sign(in.speed);
    let place = in.along.x * way + across * 1.1 - abs(in.speed) * rows[2].w;
    let is_arrow = fract(place / 4.5) < 0.36 && way != 0.0;
    let body = in.color.rgb * 0.8;
    return vec4(select(body, mix(in.color.rgb, vec3(1.0), 0.55), is_arrow), 1.0);
#else
    return in.color;
#endif
#endif
#endif
#endif
}
