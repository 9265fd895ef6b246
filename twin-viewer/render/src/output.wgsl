// The finished picture into the window or image, pixel by pixel: both have the same size, so nothing has to be sampled.

#import bevy_core_pipeline::fullscreen_vertex_shader::FullscreenVertexOutput

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var unused: sampler;

@fragment
fn fs_main(in: FullscreenVertexOutput) -> @location(0) vec4<f32> {
    return textureLoad(picture, vec2<i32>(in.position.xy), 0);
}
