//! The material. `StandardMaterial` is fifteen times slower without a graphics card, so there is one flat material for all.

use bevy::asset::{load_internal_asset, uuid_handle};
use bevy::ecs::system::SystemParamItem;
use bevy::ecs::system::lifetimeless::SRes;
use bevy::mesh::{MeshVertexAttribute, MeshVertexBufferLayoutRef};
use bevy::pbr::{MaterialPipeline, MaterialPipelineKey};
use bevy::prelude::*;
use bevy::render::render_asset::RenderAssets;
use bevy::render::render_resource::{
    AsBindGroup, AsBindGroupError, BindGroupLayout, BindGroupLayoutEntry, BindingResources,
    BindingType, BlendComponent, BlendFactor, BlendOperation, BlendState, BufferBindingType,
    OwnedBindingResource, RenderPipelineDescriptor, ShaderStages, SpecializedMeshPipelineError,
    UnpreparedBindGroup,
};
use bevy::render::renderer::RenderDevice;
use bevy::render::storage::{GpuShaderBuffer, ShaderBuffer};
use bevy::shader::{Shader, ShaderDefVal, ShaderRef};
use terrarium_scene::{ALONG, AXIS, COLOR, Drawn, FOLLOWS, Layer, NORMAL, PIVOT, Stirs, TAG};

const SHADER: Handle<Shader> = uuid_handle!("5f0a7c1e-6d43-4c57-9a2b-8f7b1a52d9c4");

/// Flat clay. All look alike but for the finish; what differs between things is kept under their tags in `words`.
#[derive(Asset, TypePath, Debug, Clone)]
pub(crate) struct Clay {
    pub words: Handle<ShaderBuffer>,
    pub light: Handle<ShaderBuffer>,
    pub finish: Finish,
}

impl AsBindGroup for Clay {
    type Data = Finish;
    type Param = SRes<RenderAssets<GpuShaderBuffer>>;

    fn label() -> &'static str {
        "clay"
    }

    fn bind_group_data(&self) -> Finish {
        self.finish
    }

    fn unprepared_bind_group(
        &self,
        _layout: &BindGroupLayout,
        _device: &RenderDevice,
        buffers: &mut SystemParamItem<'_, '_, Self::Param>,
        _force_no_bindless: bool,
    ) -> Result<UnpreparedBindGroup, AsBindGroupError> {
        let bound = |binding: u32, handle: &Handle<ShaderBuffer>| {
            let buffer = buffers
                .get(handle)
                .ok_or(AsBindGroupError::RetryNextUpdate)?
                .buffer
                .clone();
            Ok((binding, OwnedBindingResource::Buffer(buffer)))
        };
        let bindings = vec![bound(0, &self.words)?, bound(1, &self.light)?];
        Ok(UnpreparedBindGroup {
            bindings: BindingResources(bindings),
        })
    }

    fn bind_group_layout_entries(
        _device: &RenderDevice,
        _force_no_bindless: bool,
    ) -> Vec<BindGroupLayoutEntry> {
        let entry = |binding: u32, ty: BufferBindingType| BindGroupLayoutEntry {
            binding,
            visibility: ShaderStages::VERTEX_FRAGMENT,
            ty: BindingType::Buffer {
                ty,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        vec![
            entry(0, BufferBindingType::Storage { read_only: true }),
            entry(1, BufferBindingType::Uniform),
        ]
    }
}

/// How the pipeline is set up. What stirs often is drawn over a picture of what does not, which is kept (`scene_pass`).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Finish {
    Solid,
    Shadow,
    StirringSolid,
    StirringShadow,
    Glow,
    Flow,
    Rain,
    Backdrop,
}

impl Finish {
    pub const ALL: [Finish; 8] = [
        Finish::Solid,
        Finish::Shadow,
        Finish::StirringSolid,
        Finish::StirringShadow,
        Finish::Glow,
        Finish::Flow,
        Finish::Rain,
        Finish::Backdrop,
    ];

    /// What the shader calls it; solid is what it does without a word.
    fn shader_name(self) -> Option<&'static str> {
        match self {
            Finish::Solid | Finish::StirringSolid => None,
            Finish::Shadow | Finish::StirringShadow => Some("SHADOW"),
            Finish::Glow => Some("GLOW"),
            Finish::Flow => Some("FLOW"),
            Finish::Rain => Some("RAIN"),
            Finish::Backdrop => Some("BACKDROP"),
        }
    }

    pub fn of(drawn: Drawn) -> Finish {
        match (drawn.layer, drawn.stirs) {
            (Layer::Clay, Stirs::Often) => Finish::StirringSolid,
            (Layer::Shadow, Stirs::Often) => Finish::StirringShadow,
            (Layer::Ground | Layer::Clay, _) => Finish::Solid,
            (Layer::Shadow, _) => Finish::Shadow,
            (Layer::Glow, _) => Finish::Glow,
            (Layer::Flow, _) => Finish::Flow,
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

    /// Says the phase. What is kept as a picture: solids are opaque, and shadows masks, after all that is opaque and batched
    /// as such. Faces that look away from the light are culled: thrown onto the ground they cover the same. All that stirs is
    /// in the phase of what is transparent, solid or not.
    fn alpha_mode(&self) -> AlphaMode {
        match self.finish {
            Finish::Solid | Finish::Backdrop => AlphaMode::Opaque,
            Finish::Shadow => AlphaMode::Mask(0.5),
            Finish::Glow => AlphaMode::Add,
            Finish::StirringSolid | Finish::StirringShadow | Finish::Flow | Finish::Rain => {
                AlphaMode::Blend
            }
        }
    }

    /// In metres that are added to the distance: what is solid comes first, then its shadows, then what shines through.
    fn depth_bias(&self) -> f32 {
        /// More than anything in a park is away.
        const BEYOND_M: f32 = 1e6;
        match self.finish {
            Finish::StirringSolid | Finish::Flow => -2.0 * BEYOND_M,
            Finish::StirringShadow => -BEYOND_M,
            _ => 0.0,
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
            let blend = match finish {
                Finish::Shadow | Finish::StirringShadow => Some(Some(SHADE_ONCE)),
                Finish::StirringSolid | Finish::Flow => Some(None),
                _ => None,
            };
            if let Some(blend) = blend {
                let targets = fragment.targets.iter_mut().flatten();
                targets.for_each(|target| target.blend = blend);
            }
        }
        if matches!(finish, Finish::Flow | Finish::Rain) {
            descriptor.primitive.cull_mode = None;
        }
        if let Some(depth) = &mut descriptor.depth_stencil {
            let is_solid = matches!(
                finish,
                Finish::Solid | Finish::StirringSolid | Finish::Flow | Finish::Backdrop
            );
            depth.depth_write_enabled = Some(is_solid);
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
