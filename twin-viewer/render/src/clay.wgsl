// The one material of the park: flat faces lit per vertex, which a processor without a graphics card draws fast. Vertices
// stand in the world already; the rows of their tag say how they look and how far they have moved.

#import bevy_pbr::mesh_view_bindings::view

// `WORDS_PER_TAG` words for every tag, and the light of the moment; written by `looks.rs`. Without a graphics card the words
// that a vertex reads are most of its cost, so there are few of them.
@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<storage, read> words: array<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var<uniform> light: array<vec4<f32>, 7>;

const WORDS_PER_TAG: u32 = 13u;
// Places among the words of a tag. From `STANCE` on there are two for every kind of motion.
const TINT: u32 = 0u;
const EMPHASIS: u32 = 4u;
const FADE: u32 = 5u;
const FLOW_SPEED: u32 = 6u;
const STANCE: u32 = 7u;

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
    return smoothstep(light[3].w, light[4].w, away);
}

fn word_of(tag: u32, which: u32) -> f32 {
    return words[WORDS_PER_TAG * tag + which];
}

#ifdef MOVES
// How the part of this vertex stands: cosine and sine of its angle, how full, or growth and how many live.
fn stance_of(in: Vertex) -> vec2<f32> {
    let first = STANCE + 2u * (in.follows & KIND_MASK);
    return vec2(word_of(in.tag, first), word_of(in.tag, first + 1u));
}

// About the axis (Rodrigues).
fn turned(vector: vec3<f32>, axis: vec3<f32>, angle: vec2<f32>) -> vec3<f32> {
    return vector * angle.x + cross(axis, vector) * angle.y + axis * (dot(axis, vector) * (1.0 - angle.x));
}
#endif

fn place(in: Vertex) -> vec3<f32> {
#ifdef MOVES
    let stance = stance_of(in);
    let arm = in.position - in.pivot;
    let axis = normalize(in.axis.xyz);
    let kind = in.follows & KIND_MASK;
    if kind == TURN {
        return in.pivot + turned(arm, axis, stance);
    }
    if kind == FILL {
        return in.position - axis * (dot(axis, arm) * (1.0 - stance.x));
    }
    // A tree that is felled and a car that is gone draw in to a point.
    let lives = f32(in.follows >> NUMBER_SHIFT) < stance.y;
    return in.pivot + arm * select(0.0, stance.x, lives);
#else
    return in.position;
#endif
}

#ifdef SHADOW
// Thrown onto the plane of the ground along the light.
fn thrown(world: vec3<f32>) -> vec3<f32> {
    let plane = light[0].w;
    let sun = light[0].xyz;
    let height = max(world.y - plane, 0.0);
    return vec3(world.x - sun.x / sun.y * height, plane, world.z - sun.z / sun.y * height);
}
#endif

@vertex
fn vertex(in: Vertex) -> Out {
    var out: Out;

#ifdef RAIN
    // Streaks in front of everything: the seed is a place on the screen and a depth, `tag` the streak's number.
    let rain = light[6];
    let px = 2.0 / view.viewport.zw * max(view.viewport.w / 1080.0, 0.6);
    let near = 0.5 + in.position.z;
    let fallen = light[2].w * (1.4 + near);
    let x = fract(in.position.x + fallen * rain.z) * 2.2 - 1.1;
    let y = 1.2 - fract(in.position.y + fallen) * 2.4;
    let length = 26.0 * near;
    let corner = vec2(
        (in.along.x - 0.5) * 1.7 * near - (in.along.y - 0.5) * length * rain.z,
        (in.along.y - 0.5) * length,
    );
    let falls = f32(in.tag) < rain.x;
    out.position = vec4(vec2(x, y) + corner * px * select(0.0, 1.0, falls), 0.999, 1.0);
    out.color = vec4(light[4].rgb * 1.1 + vec3(0.06), 1.0);
    return out;
#else
#ifdef BACKDROP
    // Corners of the clip space, behind everything.
    out.position = vec4(in.position, 1.0);
    out.color = vec4(light[4].rgb, 1.0);
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
    let lamps = light[1].w;
    let paint = in.color.rgb * in.color.rgb;

#ifdef GLOW
    out.color = vec4(paint * sqrt(lamps), 1.0);
    return out;
#else
    let tint = vec4(word_of(in.tag, TINT), word_of(in.tag, TINT + 1u), word_of(in.tag, TINT + 2u), word_of(in.tag, TINT + 3u));
    var normal = in.normal.xyz;
#ifdef MOVES
    if (in.follows & KIND_MASK) == TURN {
        normal = turned(normal, normalize(in.axis.xyz), stance_of(in));
    }
#endif

    // What rain falls on is darker.
    let wet = 1.0 - light[6].y * 0.24 * clamp(normal.y, 0.0, 1.0);
    // While an overlay is on, what it does not colour goes pale.
    let pale = light[5].w * (1.0 - tint.w);
    let clay = mix(paint, vec3(0.62, 0.62, 0.61) * (0.5 + 0.8 * dot(paint, vec3(0.2126, 0.7152, 0.0722))), pale * 0.75) * wet;
    // Old values fade towards the ground's grey.
    let brightness = dot(clay, vec3(0.2126, 0.7152, 0.0722));
    let base = mix(clay, tint.rgb * (0.72 + 0.4 * brightness), tint.w);
    let faded = mix(base, vec3(0.46, 0.46, 0.45), word_of(in.tag, FADE) * 0.6);

    let sun = max(dot(normal, light[0].xyz), 0.0);
    let sky = 0.5 + 0.5 * normal.y;
    let shine = mix(light[3].rgb, light[2].rgb, sky) + light[1].rgb * sun;
    // The colour of a value stays the one of its legend: light without a colour of its own, and not more of it than the
    // brightest of its channels can show.
    let grey = dot(shine, vec3(0.2126, 0.7152, 0.0722));
    var lit = faded * mix(shine, vec3(grey), tint.w);
    lit = lit / mix(1.0, max(1.0, max(lit.r, max(lit.g, lit.b))), tint.w);
    // What is abnormal or chosen is seen by night too.
    lit = max(lit, faded * (tint.w * 0.55));
    let glow = (1.0 - in.color.a) * lamps;
    lit = max(lit, paint * glow * vec3(1.5, 1.42, 1.28) * (1.0 - tint.w));
    lit = lit + (vec3(0.92) - lit) * word_of(in.tag, EMPHASIS) * 0.45;
    let away = haze(world);
    let lies_flat = world.y < light[0].w && normal.y > 0.9;
    out.color = vec4(mix(lit, light[4].rgb, away), select(1.0, mix(light[5].x, 1.0, away), lies_flat));
    if light[6].w > 0.5 {
        out.color = vec4(tint.rgb * tint.w, 1.0);
    }
#ifdef FLOW
    out.along = in.along;
    out.speed = word_of(in.tag, FLOW_SPEED);
#endif
    return out;
#endif
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
    let place = in.along.x * way + across * 1.1 - abs(in.speed) * light[2].w;
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
