//! The pass that draws the scene: only where the panels leave room for it, and only when something in it has changed; else the
//! picture that was kept of it is put back. Without a graphics card the scene is most of what a frame costs. Around it the
//! picture stays as it was while the panels stand there.
//!
//! It takes the place of Bevy's opaque and transparent passes, which always draw everything, and does in one pass what they
//! do in two.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bevy::camera::primitives::Aabb;
use bevy::core_pipeline::core_3d::{AlphaMask3d, Opaque3d, Transparent3d};
use bevy::core_pipeline::upscaling::upscaling;
use bevy::core_pipeline::{Core3d, Core3dSystems};
use bevy::math::URect;
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::camera::ExtractedCamera;
use bevy::render::extract_resource::{ExtractResource, ExtractResourcePlugin};
use bevy::render::render_phase::{ViewBinnedRenderPhases, ViewSortedRenderPhases};
use bevy::render::render_resource::{
    Extent3d, LoadOp, Operations, Origin3d, PipelineCache, RenderPassColorAttachment,
    RenderPassDescriptor, StoreOp, TexelCopyTextureInfo, Texture, TextureDescriptor,
    TextureDimension, TextureUsages,
};
use bevy::render::renderer::{RenderContext, RenderDevice, ViewQuery};
use bevy::render::view::{ExtractedView, ViewDepthTexture, ViewTarget};

use crate::standing::StandingPanels;

/// Frames until meshes and buffers that changed have reached the adapter.
const FRAMES_TO_SETTLE: u32 = 4;

/// Where the scene is seen, in pixels of the picture. `None`: everywhere; empty: nowhere.
#[derive(Resource, ExtractResource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SceneRoom(pub Option<URect>);

/// Which state of the scene the present frame shows.
#[derive(Resource, ExtractResource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SceneVersion {
    /// Grows with every change of what is seen.
    number: u64,
    /// Until the last change is sure to be seen.
    frames_to_settle: u32,
}

impl SceneVersion {
    /// Other meshes, another eye, another place for it.
    pub(crate) fn change(&mut self) {
        self.number += 1;
        self.frames_to_settle = FRAMES_TO_SETTLE;
    }

    /// Other values of what is there already. The next frame need not be like this one, so its picture is not kept yet.
    pub(crate) fn change_values(&mut self) {
        self.number += 1;
        self.frames_to_settle = self.frames_to_settle.max(1);
    }

    /// A frame in which nothing changed.
    fn rest(&mut self) {
        self.frames_to_settle = self.frames_to_settle.saturating_sub(1);
    }

    fn is_settled(self) -> bool {
        self.frames_to_settle == 0
    }
}

/// How often the scene was drawn, and how often its kept picture was put back; counted where frames are rendered, which is
/// another thread.
#[derive(Resource, Debug, Clone, Default)]
pub struct SceneDrawings {
    drawn: Arc<AtomicU64>,
    put_back: Arc<AtomicU64>,
}

impl SceneDrawings {
    pub fn drawn(&self) -> u64 {
        self.drawn.load(Ordering::Relaxed)
    }

    pub fn put_back(&self) -> u64 {
        self.put_back.load(Ordering::Relaxed)
    }
}

/// The picture of the scene without panels, and of which version it is.
#[derive(Resource, Default)]
struct Kept(Mutex<KeptPicture>);

#[derive(Default)]
struct KeptPicture {
    texture: Option<Texture>,
    version: Option<u64>,
}

pub(crate) struct ScenePassPlugin;

impl Plugin for ScenePassPlugin {
    fn build(&self, app: &mut App) {
        let drawings = SceneDrawings::default();
        app.init_resource::<SceneRoom>()
            .init_resource::<SceneVersion>()
            .insert_resource(drawings.clone())
            .add_plugins((
                ExtractResourcePlugin::<SceneRoom>::default(),
                ExtractResourcePlugin::<SceneVersion>::default(),
            ))
            .add_systems(Last, note_changes);
        let Some(render_app) = app.get_sub_app_mut(RenderApp) else {
            return;
        };
        render_app
            .init_resource::<Kept>()
            .insert_resource(drawings)
            .configure_sets(Core3d, Core3dSystems::MainPass.run_if(never))
            .add_systems(
                Core3d,
                show_scene
                    .after(Core3dSystems::MainPass)
                    .before(Core3dSystems::EarlyPostProcess)
                    .before(upscaling),
            );
    }
}

fn never() -> bool {
    false
}

fn held(kept: &Kept) -> std::sync::MutexGuard<'_, KeptPicture> {
    kept.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is in the scene, how it is seen, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Eye {
    place: GlobalTransform,
    lens: Mat4,
    size: Option<UVec2>,
    room: SceneRoom,
    background: Option<Color>,
}

type Shown = (Changed<InheritedVisibility>, With<Mesh3d>);
type Remade = (Or<(Changed<Mesh3d>, Changed<Aabb>)>, With<Mesh3d>);

#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
fn note_changes(
    mut version: ResMut<'_, SceneVersion>,
    cameras: Query<'_, '_, (&Camera, &GlobalTransform), With<Camera3d>>,
    room: Res<'_, SceneRoom>,
    background: Res<'_, ClearColor>,
    shown: Query<'_, '_, (), Shown>,
    remade: Query<'_, '_, (), Remade>,
    mut gone: RemovedComponents<'_, '_, Mesh3d>,
    mut known: Local<'_, Eye>,
    mut last_number: Local<'_, u64>,
) {
    let camera = cameras.iter().next();
    let eye = Eye {
        place: camera.map_or(GlobalTransform::IDENTITY, |(_, place)| *place),
        lens: camera.map_or(Mat4::IDENTITY, |(camera, _)| camera.clip_from_view()),
        size: camera.and_then(|(camera, _)| camera.physical_target_size()),
        room: *room,
        background: Some(background.0),
    };
    let is_other = std::mem::replace(&mut *known, eye) != eye;
    let is_gone = gone.read().count() > 0;
    if is_other || is_gone || !shown.is_empty() || !remade.is_empty() {
        version.change();
    } else if version.number == *last_number {
        version.rest();
    }
    *last_number = version.number;
}

fn show_scene(
    world: &World,
    view: ViewQuery<
        '_,
        '_,
        (
            &ExtractedCamera,
            &ExtractedView,
            &ViewTarget,
            &ViewDepthTexture,
        ),
    >,
    (version, room, panels): (
        Res<'_, SceneVersion>,
        Res<'_, SceneRoom>,
        Res<'_, StandingPanels>,
    ),
    kept: Res<'_, Kept>,
    drawings: Res<'_, SceneDrawings>,
    mut context: RenderContext<'_, '_>,
) -> Result {
    let entity = view.entity();
    let (camera, extracted, target, depth) = view.into_inner();
    let size = camera.physical_target_size.unwrap_or(UVec2::ZERO);
    let whole = URect::from_corners(UVec2::ZERO, size);
    let room = room.0.map_or(whole, |room| room.intersect(whole));
    let attachment = color_attachment(target, panels.stand());
    let mut kept = held(&kept);
    if let Some(texture) = kept.of(*version, target) {
        if matches!(attachment.ops.load, LoadOp::Clear(_)) {
            let _ = context.begin_tracked_render_pass(RenderPassDescriptor {
                label: Some("wiped_picture"),
                color_attachments: &[Some(attachment)],
                ..RenderPassDescriptor::default()
            });
        }
        copy_room(&mut context, texture, target.main_texture(), room);
        drawings.put_back.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    drawings.drawn.fetch_add(1, Ordering::Relaxed);
    let opaque = world.resource::<ViewBinnedRenderPhases<Opaque3d>>();
    let masks = world.resource::<ViewBinnedRenderPhases<AlphaMask3d>>();
    let clear = world.resource::<ViewSortedRenderPhases<Transparent3d>>();
    let seen = &extracted.retained_view_entity;
    {
        let mut pass = context.begin_tracked_render_pass(RenderPassDescriptor {
            label: Some("park_scene"),
            color_attachments: &[Some(attachment)],
            // Nobody looks at the depths afterwards.
            depth_stencil_attachment: Some(depth.get_attachment(StoreOp::Discard)),
            timestamp_writes: None,
            occlusion_query_set: None,
            multiview_mask: None,
        });
        if !room.is_empty() {
            pass.set_scissor_rect(room.min.x, room.min.y, room.width(), room.height());
            if let Some(phase) = opaque.get(seen).filter(|phase| !phase.is_empty()) {
                phase.render(&mut pass, world, entity)?;
            }
            if let Some(phase) = masks.get(seen).filter(|phase| !phase.is_empty()) {
                phase.render(&mut pass, world, entity)?;
            }
            if let Some(phase) = clear.get(seen).filter(|phase| !phase.items.is_empty()) {
                phase.render(&mut pass, world, entity)?;
            }
        }
    }
    // Until its shaders are there, whatever needs them is left out: such a picture would stay until the next change.
    let pipelines = world.resource::<PipelineCache>();
    let is_whole = pipelines.waiting_pipelines().next().is_none();
    if version.is_settled() && is_whole {
        let texture = kept.texture_like(target, world.resource());
        copy_room(&mut context, target.main_texture(), &texture, room);
        *kept = KeptPicture {
            texture: Some(texture),
            version: Some(version.number),
        };
    }
    Ok(())
}

/// The picture, wiped unless the panels stand in it. The scene has a background of its own.
fn color_attachment(target: &ViewTarget, panels_stand: bool) -> RenderPassColorAttachment<'_> {
    // The first who asks for it gets one that is cleared: that has to be us.
    let attachment = target.get_color_attachment();
    if !panels_stand {
        return attachment;
    }
    RenderPassColorAttachment {
        ops: Operations {
            load: LoadOp::Load,
            ..attachment.ops
        },
        ..attachment
    }
}

/// Copies the part of a picture that shows the scene.
fn copy_room(context: &mut RenderContext<'_, '_>, from: &Texture, to: &Texture, room: URect) {
    if room.is_empty() {
        return;
    }
    let origin = Origin3d {
        x: room.min.x,
        y: room.min.y,
        z: 0,
    };
    let size = Extent3d {
        width: room.width(),
        height: room.height(),
        depth_or_array_layers: 1,
    };
    context.command_encoder().copy_texture_to_texture(
        TexelCopyTextureInfo {
            origin,
            ..from.as_image_copy()
        },
        TexelCopyTextureInfo {
            origin,
            ..to.as_image_copy()
        },
        size,
    );
}

impl KeptPicture {
    /// It, where it is of this version.
    fn of(&self, version: SceneVersion, target: &ViewTarget) -> Option<&Texture> {
        self.texture
            .as_ref()
            .filter(|texture| self.version == Some(version.number) && is_like(texture, target))
    }

    /// The texture to keep it in.
    fn texture_like(&mut self, target: &ViewTarget, device: &RenderDevice) -> Texture {
        let main = target.main_texture();
        let known = self
            .texture
            .take()
            .filter(|texture| is_like(texture, target));
        known.unwrap_or_else(|| {
            device.create_texture(&TextureDescriptor {
                label: Some("kept_scene"),
                size: main.size(),
                mip_level_count: 1,
                sample_count: 1,
                dimension: TextureDimension::D2,
                format: main.format(),
                usage: TextureUsages::COPY_DST | TextureUsages::COPY_SRC,
                view_formats: &[],
            })
        })
    }
}

fn is_like(texture: &Texture, target: &ViewTarget) -> bool {
    let main = target.main_texture();
    texture.size() == main.size() && texture.format() == main.format()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_drawn_until_it_has_settled_and_a_value_once_more() {
        let mut version = SceneVersion::default();
        version.change();
        for _ in 0..FRAMES_TO_SETTLE {
            assert!(!version.is_settled());
            version.rest();
        }
        assert!(version.is_settled());
        let before = version.number;
        version.change_values();
        assert_ne!(
            version.number, before,
            "what was kept is of another version"
        );
        assert!(!version.is_settled(), "the next frame may move on");
        version.rest();
        assert!(version.is_settled());
        version.change();
        version.change_values();
        assert_eq!(version.frames_to_settle, FRAMES_TO_SETTLE);
    }
}
