// The one material of the park: flat faces lit per vertex, which a processor without a graphics card draws fast.

#import bevy_pbr::{
    forward_io::Vertex,
    mesh_functions,
    mesh_view_bindings::view,
    view_transformations::position_world_to_clip,
}

// First the light of the moment (`LIGHT_ROWS` rows), then two rows for every tag; written by `looks.rs`.
@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<storage, read> rows: array<vec4<f32>>;

const LIGHT_ROWS: u32 = 6u;

struct Out {
    @builtin(position) position: vec4<f32>,
    @location(0) color: vec3<f32>,
#ifdef FLOW
    @location(1) along: vec2<f32>,
    @location(2) @interpolate(flat) speed: f32,
#endif
}

fn haze(world: vec3<f32>) -> f32 {
    let away = distance(view.world_position.xyz, world);
    return smoothstep(rows[3].w, rows[4].w, away);
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
    let world_from_local = mesh_functions::get_world_from_local(in.instance_index);
    let world = mesh_functions::mesh_position_local_to_world(world_from_local, vec4(in.position, 1.0)).xyz;

#ifdef SHADOW
    let ground = thrown(world);
    out.position = position_world_to_clip(ground);
    // A tree's own shadow is lighter than a wall's where the definition of the tag says so.
    out.color = rows[5].rgb * (1.0 - haze(ground));
    return out;
#else
    out.position = position_world_to_clip(world);
    let lamps = rows[1].w;

#ifdef GLOW
    out.color = in.color.rgb * sqrt(lamps);
    return out;
#else
    let tag = mesh_functions::get_tag(in.instance_index);
    let tint = rows[LIGHT_ROWS + 2u * tag];
    let extra = rows[LIGHT_ROWS + 2u * tag + 1u];
    let normal = mesh_functions::mesh_normal_local_to_world(in.normal, in.instance_index);

    // While an overlay is on, what it does not colour goes pale.
    let pale = rows[5].w * (1.0 - tint.w);
    let clay = mix(in.color.rgb, vec3(0.62, 0.62, 0.61) * (0.5 + 0.8 * dot(in.color.rgb, vec3(0.2126, 0.7152, 0.0722))), pale * 0.75);
    // Old values fade towards the ground's grey.
    let brightness = dot(clay, vec3(0.2126, 0.7152, 0.0722));
    let base = mix(clay, tint.rgb * (0.72 + 0.4 * brightness), tint.w);
    let faded = mix(base, vec3(0.46, 0.46, 0.45), extra.y * 0.6);

    let sun = max(dot(normal, rows[0].xyz), 0.0);
    let sky = 0.5 + 0.5 * normal.y;
    let light = mix(rows[3].rgb, rows[2].rgb, sky) + rows[1].rgb * sun;
    var lit = faded * light;
    // What is abnormal or chosen is seen by night too.
    lit = max(lit, faded * (tint.w * 0.55));
    let glow = (1.0 - in.color.a) * lamps;
    lit = max(lit, in.color.rgb * glow * vec3(1.5, 1.42, 1.28));
    lit = lit + (vec3(0.92) - lit) * extra.x * 0.45;
    out.color = mix(lit, rows[4].rgb, haze(world));
#ifdef FLOW
#ifdef VERTEX_UVS_A
    out.along = in.uv;
#endif
    out.speed = extra.z;
#endif
    return out;
#endif
#endif
}

@fragment
fn fragment(in: Out) -> @location(0) vec4<f32> {
#ifdef SHADOW
    return vec4(in.color, 0.0);
#else
#ifdef GLOW
    // Falls off towards the rim like light, not like a cone.
    return vec4(in.color * in.color * 0.17, 0.0);
#else
#ifdef FLOW
    let across = abs(in.along.y - 0.5) * 2.0;
    let way = sign(in.speed);
    let place = in.along.x * way + across * 1.1 - abs(in.speed) * rows[2].w;
    let is_arrow = fract(place / 4.5) < 0.36 && way != 0.0;
    let body = in.color * 0.8;
    return vec4(select(body, mix(in.color, vec3(1.0), 0.55), is_arrow), 1.0);
#else
    return vec4(in.color, 1.0);
#endif
#endif
#endif
}
