//! The pass that draws the scene: only where the panels leave room for it, and only when something in it has changed; else the
//! picture that was kept of it is put back. Without a graphics card the scene is most of what a frame costs. Around it the
//! picture stays as it was while the panels stand there.
//!
//! Where only what stirs has changed (rotors, cars, gauges, what flows), it is drawn over a picture that was kept of all the
//! rest, with its depths. That comes out as if everything were drawn at once: what is solid hides what is behind it in
//! whatever order, and a shadow darkens the ground once, whoever comes first.
//!
//! It takes the place of Bevy's opaque and transparent passes, which always draw everything.

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
    RenderPassDepthStencilAttachment, RenderPassDescriptor, StoreOp, TexelCopyTextureInfo, Texture,
    TextureDescriptor, TextureDimension, TextureUsages,
};
use bevy::render::renderer::{RenderAdapterInfo, RenderContext, RenderDevice, ViewQuery};
use bevy::render::view::{ExtractedView, RetainedViewEntity, ViewDepthTexture, ViewTarget};

use crate::standing::StandingPanels;

/// Frames until meshes and buffers that changed have reached the adapter.
const FRAMES_TO_SETTLE: u32 = 4;

/// Where the scene is seen, in pixels of the picture. `None`: everywhere; empty: nowhere.
#[derive(Resource, ExtractResource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SceneRoom(pub Option<URect>);

/// Which state of the scene the present frame shows.
#[derive(Resource, ExtractResource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SceneVersion {
    /// Of all that is seen.
    whole: Version,
    /// Of all but what stirs often.
    standing: Version,
}

/// A state of what is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Version {
    /// Grows with every change.
    number: u64,
    /// Until the last change is sure to be seen.
    frames_to_settle: u32,
}

impl SceneVersion {
    /// Other meshes, another eye, another place for it.
    pub(crate) fn change(&mut self) {
        self.whole.change(FRAMES_TO_SETTLE);
        self.standing.change(FRAMES_TO_SETTLE);
    }

    /// Other values of what is there already. The next frame need not be like this one, so its picture is not kept yet.
    pub(crate) fn change_values(&mut self) {
        self.whole.change(1);
        self.standing.change(1);
    }

    /// Other values of what stirs often, and of nothing else.
    pub(crate) fn stir(&mut self) {
        self.whole.change(1);
    }
}

impl Version {
    fn change(&mut self, frames_to_settle: u32) {
        self.number += 1;
        self.frames_to_settle = self.frames_to_settle.max(frames_to_settle);
    }

    /// Another frame; whether anything changed in it tells its number.
    fn pass(&mut self, last_number: u64) {
        if self.number == last_number {
            self.frames_to_settle = self.frames_to_settle.saturating_sub(1);
        }
    }

    fn is_settled(self) -> bool {
        self.frames_to_settle == 0
    }
}

/// How often the scene was drawn, and how often its kept picture was put back; counted where frames are rendered, which is
/// another thread.
#[derive(Resource, Debug, Clone, Default)]
pub struct SceneDrawings {
    whole: Arc<AtomicU64>,
    stirring: Arc<AtomicU64>,
    put_back: Arc<AtomicU64>,
}

impl SceneDrawings {
    /// Frames in which anything was drawn.
    pub fn drawn(&self) -> u64 {
        self.whole() + self.stirring()
    }

    /// Frames in which everything was drawn.
    pub fn whole(&self) -> u64 {
        self.whole.load(Ordering::Relaxed)
    }

    /// Frames in which only what stirs was drawn, over the rest.
    pub fn stirring(&self) -> u64 {
        self.stirring.load(Ordering::Relaxed)
    }

    /// Frames in which nothing was drawn.
    pub fn put_back(&self) -> u64 {
        self.put_back.load(Ordering::Relaxed)
    }
}

/// Pictures of the scene without panels.
#[derive(Resource, Default)]
struct Kept(Mutex<KeptPictures>);

#[derive(Default)]
struct KeptPictures {
    whole: KeptTexture,
    /// All but what stirs, and how far away it is.
    standing: KeptTexture,
    depths: KeptTexture,
}

/// A copy, and of which version it is.
#[derive(Default)]
struct KeptTexture {
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

fn held(kept: &Kept) -> std::sync::MutexGuard<'_, KeptPictures> {
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
    mut last: Local<'_, SceneVersion>,
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
    }
    version.whole.pass(last.whole.number);
    version.standing.pass(last.standing.number);
    *last = *version;
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
    let picture = target.main_texture();
    let scene = Scene {
        world,
        entity,
        seen: &extracted.retained_view_entity,
        room,
    };
    let wiped = color_attachment(target, panels.stand_but().is_some());
    // Until its shaders are there, whatever needs them is left out: such a picture would stay until the next change.
    let pipelines = world.resource::<PipelineCache>();
    let is_ready = pipelines.waiting_pipelines().next().is_none();
    let device = world.resource::<RenderDevice>();
    let mut kept = held(&kept);
    let KeptPictures {
        whole,
        standing,
        depths,
    } = &mut *kept;
    if let Some(whole) = whole.of(version.whole, picture) {
        drawings.put_back.fetch_add(1, Ordering::Relaxed);
        wipe(&mut context, wiped);
        copy_room(&mut context, whole, picture, room);
        return Ok(());
    }
    if let Some(standing) = standing.of(version.standing, picture)
        && let Some(depths) = depths.of(version.standing, &depth.texture)
    {
        drawings.stirring.fetch_add(1, Ordering::Relaxed);
        wipe(&mut context, wiped);
        copy_room(&mut context, standing, picture, room);
        copy_whole(&mut context, depths, &depth.texture);
        let known_depths = RenderPassDepthStencilAttachment {
            view: depth.view(),
            depth_ops: Some(Operations {
                load: LoadOp::Load,
                store: StoreOp::Discard,
            }),
            stencil_ops: None,
        };
        let onto = (target.get_color_attachment(), known_depths);
        scene.draw(&mut context, onto, &[Part::Stirring])?;
    } else {
        drawings.whole.fetch_add(1, Ordering::Relaxed);
        let stirs = !version.whole.is_settled();
        if stirs && version.standing.is_settled() && is_ready && copies_depths(world) {
            let onto = (wiped, depth.get_attachment(StoreOp::Store));
            scene.draw(&mut context, onto, &[Part::Standing])?;
            let texture = standing.keep(version.standing, picture, device);
            copy_room(&mut context, picture, texture, room);
            let texture = depths.keep(version.standing, &depth.texture, device);
            copy_whole(&mut context, &depth.texture, texture);
            let depths = depth.get_attachment(StoreOp::Discard);
            let onto = (target.get_color_attachment(), depths);
            scene.draw(&mut context, onto, &[Part::Stirring])?;
        } else {
            // Nobody looks at the depths afterwards.
            let onto = (wiped, depth.get_attachment(StoreOp::Discard));
            scene.draw(&mut context, onto, &[Part::Standing, Part::Stirring])?;
        }
    }
    if version.whole.is_settled() && is_ready {
        let texture = whole.keep(version.whole, picture, device);
        copy_room(&mut context, picture, texture, room);
    }
    Ok(())
}

/// What draws the scene of a view.
struct Scene<'a> {
    world: &'a World,
    entity: Entity,
    seen: &'a RetainedViewEntity,
    room: URect,
}

/// A part of the scene, by how it is kept.
#[derive(Debug, Clone, Copy)]
enum Part {
    Standing,
    /// And what shines through: light and rain.
    Stirring,
}

type Onto<'a> = (
    RenderPassColorAttachment<'a>,
    RenderPassDepthStencilAttachment<'a>,
);

impl Scene<'_> {
    /// Draws parts in one pass, where the scene is seen.
    fn draw(
        &self,
        context: &mut RenderContext<'_, '_>,
        (color, depth): Onto<'_>,
        parts: &[Part],
    ) -> Result {
        let Scene {
            world,
            entity,
            seen,
            room,
        } = *self;
        let mut pass = context.begin_tracked_render_pass(RenderPassDescriptor {
            label: Some("park_scene"),
            color_attachments: &[Some(color)],
            depth_stencil_attachment: Some(depth),
            timestamp_writes: None,
            occlusion_query_set: None,
            multiview_mask: None,
        });
        if room.is_empty() {
            return Ok(());
        }
        pass.set_scissor_rect(room.min.x, room.min.y, room.width(), room.height());
        for part in parts {
            match part {
                Part::Standing => {
                    let opaque = world.resource::<ViewBinnedRenderPhases<Opaque3d>>();
                    let masks = world.resource::<ViewBinnedRenderPhases<AlphaMask3d>>();
                    if let Some(phase) = opaque.get(seen).filter(|phase| !phase.is_empty()) {
                        phase.render(&mut pass, world, entity)?;
                    }
                    if let Some(phase) = masks.get(seen).filter(|phase| !phase.is_empty()) {
                        phase.render(&mut pass, world, entity)?;
                    }
                }
                Part::Stirring => {
                    let clear = world.resource::<ViewSortedRenderPhases<Transparent3d>>();
                    if let Some(phase) = clear.get(seen).filter(|phase| !phase.items.is_empty()) {
                        phase.render(&mut pass, world, entity)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether the adapter copies depths: OpenGL does not, and does not say so (wgpu 29 copies by way of a colour attachment).
fn copies_depths(world: &World) -> bool {
    // The renderer does not hand its own type on, only the value.
    let adapter = world.get_resource::<RenderAdapterInfo>();
    adapter.is_none_or(|info| format!("{:?}", info.backend) != "Gl")
}

/// Wipes the picture, where it is to be.
fn wipe(context: &mut RenderContext<'_, '_>, attachment: RenderPassColorAttachment<'_>) {
    if matches!(attachment.ops.load, LoadOp::Clear(_)) {
        let _ = context.begin_tracked_render_pass(RenderPassDescriptor {
            label: Some("wiped_picture"),
            color_attachments: &[Some(attachment)],
            ..RenderPassDescriptor::default()
        });
    }
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

/// Copies a texture of depths, which adapters copy whole or not at all.
fn copy_whole(context: &mut RenderContext<'_, '_>, from: &Texture, to: &Texture) {
    let (one, other) = (from.as_image_copy(), to.as_image_copy());
    let encoder = context.command_encoder();
    encoder.copy_texture_to_texture(one, other, from.size());
}

impl KeptTexture {
    /// It, where it is of this version and like another.
    fn of(&self, version: Version, like: &Texture) -> Option<&Texture> {
        self.texture
            .as_ref()
            .filter(|texture| self.version == Some(version.number) && is_like(texture, like))
    }

    /// The texture that a version is now kept in.
    fn keep(&mut self, version: Version, like: &Texture, device: &RenderDevice) -> &Texture {
        self.version = Some(version.number);
        self.texture.take_if(|texture| !is_like(texture, like));
        self.texture.get_or_insert_with(|| {
            device.create_texture(&TextureDescriptor {
                label: Some("kept_scene"),
                size: like.size(),
                mip_level_count: 1,
                sample_count: 1,
                dimension: TextureDimension::D2,
                format: like.format(),
                usage: TextureUsages::COPY_DST | TextureUsages::COPY_SRC,
                view_formats: &[],
            })
        })
    }
}

fn is_like(one: &Texture, other: &Texture) -> bool {
    one.size() == other.size() && one.format() == other.format()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_drawn_until_it_has_settled_and_a_value_once_more() {
        let mut version = Version::default();
        version.change(FRAMES_TO_SETTLE);
        let number = version.number;
        version.pass(0);
        for _ in 0..FRAMES_TO_SETTLE {
            assert!(!version.is_settled());
            version.pass(number);
        }
        assert!(version.is_settled());
        version.change(1);
        assert_ne!(
            version.number, number,
            "what was kept is of another version"
        );
        version.pass(number);
        assert!(!version.is_settled(), "the next frame may move on");
        version.pass(version.number);
        assert!(version.is_settled());
        version.change(FRAMES_TO_SETTLE);
        version.change(1);
        assert_eq!(version.frames_to_settle, FRAMES_TO_SETTLE);
    }

    #[test]
    fn what_stirs_leaves_the_rest_as_it_was() {
        let mut version = SceneVersion::default();
        version.stir();
        assert_eq!(version.standing, Version::default());
        assert_ne!(version.whole, Version::default());
        let stirred = version;
        version.change_values();
        assert_ne!(version.standing.number, stirred.standing.number);
        assert_ne!(version.whole.number, stirred.whole.number);
    }
}
