//! The material. `StandardMaterial` is fifteen times slower without a graphics card, so there is one flat material for all.

use bevy::asset::{load_internal_asset, uuid_handle};
use bevy::mesh::{MeshVertexAttribute, MeshVertexBufferLayoutRef};
use bevy::pbr::{MaterialPipeline, MaterialPipelineKey};
use bevy::prelude::*;
use bevy::render::render_resource::{
    AsBindGroup, BlendComponent, BlendFactor, BlendOperation, BlendState, RenderPipelineDescriptor,
    SpecializedMeshPipelineError,
};
use bevy::render::storage::ShaderBuffer;
use bevy::shader::{Shader, ShaderDefVal, ShaderRef};
use terrarium_scene::{ALONG, AXIS, COLOR, FOLLOWS, Layer, NORMAL, PIVOT, TAG};

const SHADER: Handle<Shader> = uuid_handle!("5f0a7c1e-6d43-4c57-9a2b-8f7b1a52d9c4");

/// Flat clay. All look alike but for the finish; what differs between things is kept under their tags in `rows`.
#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
#[bind_group_data(Finish)]
pub(crate) struct Clay {
    #[storage(0, read_only)]
    pub rows: Handle<ShaderBuffer>,
    pub finish: Finish,
}

/// How the pipeline is set up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Finish {
    Solid,
    Shadow,
    Glow,
    Flow,
    Rain,
}

impl Finish {
    pub const ALL: [Finish; 5] = [
        Finish::Solid,
        Finish::Shadow,
        Finish::Glow,
        Finish::Flow,
        Finish::Rain,
    ];

    /// What the shader calls it; solid is what it does without a word.
    fn shader_name(self) -> Option<&'static str> {
        match self {
            Finish::Solid => None,
            Finish::Shadow => Some("SHADOW"),
            Finish::Glow => Some("GLOW"),
            Finish::Flow => Some("FLOW"),
            Finish::Rain => Some("RAIN"),
        }
    }

    pub fn of(layer: Layer) -> Finish {
        match layer {
            Layer::Ground | Layer::Clay => Finish::Solid,
            Layer::Shadow => Finish::Shadow,
            Layer::Glow => Finish::Glow,
            Layer::Flow => Finish::Flow,
        }
    }
}

impl From<&Clay> for Finish {
    fn from(clay: &Clay) -> Finish {
        clay.finish
    }
}

impl Material for Clay {
    fn vertex_shader() -> ShaderRef {
        SHADER.into()
    }

    fn fragment_shader() -> ShaderRef {
        SHADER.into()
    }

    /// Shadows go into the phase of masks: after all that is opaque, and batched as such. Faces that look away from the
    /// light are culled: thrown onto the ground they cover the same.
    fn alpha_mode(&self) -> AlphaMode {
        match self.finish {
            Finish::Solid | Finish::Flow => AlphaMode::Opaque,
            Finish::Shadow => AlphaMode::Mask(0.5),
            Finish::Glow => AlphaMode::Add,
            Finish::Rain => AlphaMode::Blend,
        }
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _pipeline: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        layout: &MeshVertexBufferLayoutRef,
        key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        let finish = key.bind_group_data;
        let has = |attribute: MeshVertexAttribute| layout.0.contains(attribute);
        let mut attributes = vec![
            Mesh::ATTRIBUTE_POSITION.at_shader_location(0),
            TAG.at_shader_location(1),
        ];
        let mut names: Vec<&'static str> = finish.shader_name().into_iter().collect();
        if has(NORMAL) {
            names.push("SURFACE");
            attributes.push(NORMAL.at_shader_location(2));
            attributes.push(COLOR.at_shader_location(3));
        }
        if has(ALONG) {
            names.push("ALONG");
            attributes.push(ALONG.at_shader_location(4));
        }
        if has(PIVOT) {
            names.push("MOVES");
            attributes.push(PIVOT.at_shader_location(5));
            attributes.push(AXIS.at_shader_location(6));
            attributes.push(FOLLOWS.at_shader_location(7));
        }
        descriptor.vertex.buffers = vec![layout.0.get_layout(&attributes)?];
        let defines = || names.iter().map(|name| ShaderDefVal::from(*name));
        descriptor.vertex.shader_defs.extend(defines());
        if let Some(fragment) = &mut descriptor.fragment {
            fragment.shader_defs.extend(defines());
            if finish == Finish::Shadow {
                let targets = fragment.targets.iter_mut().flatten();
                targets.for_each(|target| target.blend = Some(SHADE_ONCE));
            }
        }
        if matches!(finish, Finish::Flow | Finish::Rain) {
            descriptor.primitive.cull_mode = None;
        }
        if matches!(finish, Finish::Shadow | Finish::Rain)
            && let Some(depth) = &mut descriptor.depth_stencil
        {
            depth.depth_write_enabled = Some(false);
        }
        Ok(())
    }
}

/// Everything drawn leaves in the target's alpha what a shadow would leave of its light: less than 1 only on flat ground, so
/// that nothing that stands is darkened by the plane of the shadows. A shadow multiplies by it and sets it to 1: those that
/// overlap darken only once.
const SHADE_ONCE: BlendState = BlendState {
    color: BlendComponent {
        src_factor: BlendFactor::Zero,
        dst_factor: BlendFactor::DstAlpha,
        operation: BlendOperation::Add,
    },
    alpha: BlendComponent {
        src_factor: BlendFactor::One,
        dst_factor: BlendFactor::Zero,
        operation: BlendOperation::Add,
    },
};

pub(crate) struct ClayPlugin;

impl Plugin for ClayPlugin {
    fn build(&self, app: &mut App) {
        load_internal_asset!(app, SHADER, "clay.wgsl", Shader::from_wgsl);
        app.add_plugins(MaterialPlugin::<Clay>::default());
    }
}
