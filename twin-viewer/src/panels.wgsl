// Texts and panels, in the place of bevy_egui's own shader, whose six powers a pixel are a fifth of a frame without a graphics
// card. The only texture that our panels use is egui's own: glyphs and plain fills, white that covers more or less, so its alpha
// says all.

struct Transform {
    scale: vec2<f32>,
    translation: vec2<f32>,
}

struct VertexInput {
    @location(0) position: vec2<f32>,
    @location(1) uv: vec2<f32>,
    @location(2) color: vec4<f32>,
}

struct VertexOutput {
    @builtin(position) position: vec4<f32>,
    @location(0) color: vec4<f32>,
    @location(1) uv: vec2<f32>,
}

@group(0) @binding(0) var<uniform> transform: Transform;

#ifdef BINDLESS
@group(1) @binding(0) var image_texture: binding_array<texture_2d<f32>>;
@group(1) @binding(1) var image_sampler: binding_array<sampler>;

struct BindlessOffset {
    offset: u32,
};
var<immediate> offset: BindlessOffset;
#else
@group(1) @binding(0) var image_texture: texture_2d<f32>;
@group(1) @binding(1) var image_sampler: sampler;
#endif

@vertex
fn vs_main(in: VertexInput) -> VertexOutput {
    let position = in.position * transform.scale + transform.translation;
    return VertexOutput(vec4<f32>(position, 0.0, 1.0), in.color, in.uv);
}

// Linear light of sRGB (IEC 61966-2-1): the curve by a polynomial that is off by less than a tenth of a step of eight bits.
fn linear(srgb: vec3<f32>) -> vec3<f32> {
    let curve = ((( -0.1170267 * srgb + 0.5269697) * srgb + 0.5600935) * srgb + 0.0284615) * srgb + 0.0010432;
    return select(curve, srgb / 12.92, srgb < vec3<f32>(0.04045));
}

@fragment
fn fs_main(in: VertexOutput) -> @location(0) vec4<f32> {
#ifdef BINDLESS
    let coverage = textureSample(image_texture[offset.offset], image_sampler[offset.offset], in.uv).a;
#else
    let coverage = textureSample(image_texture, image_sampler, in.uv).a;
#endif
    // Colours are multiplied as they are encoded, as egui means them.
    let color = in.color * coverage;
    return vec4<f32>(linear(color.rgb), color.a);
}
