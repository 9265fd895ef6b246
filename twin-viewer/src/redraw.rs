//! Draws of the panels only what does not stand in the picture already: inside of the scene's room everything, around it
//! nothing while they are as they were.

use bevy::core_pipeline::Core3d;
use bevy::core_pipeline::upscaling::upscaling;
use bevy::math::URect;
use bevy::prelude::*;
use bevy::render::render_resource::PipelineCache;
use bevy::render::sync_world::MainEntity;
use bevy::render::view::ViewTarget;
use bevy::render::{Render, RenderApp, RenderSystems};
use bevy_egui::render::systems::{
    EguiPipelines, EguiTextureBindGroups, EguiTextureId, prepare_egui_render_target_data_system,
};
use bevy_egui::render::{EguiCameraView, egui_pass};
use bevy_egui::{EguiPixelsPerPoint, EguiRenderOutput, egui};
use terrarium_render::{SceneRoom, SeeWhatStands, StandingPanels};

pub struct RedrawPlugin;

impl Plugin for RedrawPlugin {
    fn build(&self, app: &mut App) {
        let Some(render_app) = app.get_sub_app_mut(RenderApp) else {
            return;
        };
        render_app
            .add_systems(
                Render,
                keep_to_the_room
                    .in_set(RenderSystems::Prepare)
                    .after(SeeWhatStands)
                    .before(prepare_egui_render_target_data_system),
            )
            .add_systems(Core3d, note_drawn.after(egui_pass).before(upscaling));
    }
}

fn keep_to_the_room(
    panels: Res<'_, StandingPanels>,
    room: Res<'_, SceneRoom>,
    mut outputs: Query<'_, '_, (&mut EguiRenderOutput, &EguiPixelsPerPoint)>,
) {
    let (true, Some(room)) = (panels.stand(), room.0) else {
        return;
    };
    for (mut output, scale) in &mut outputs {
        cut(&mut output.paint_jobs, room, scale.pixels_per_point);
    }
}

/// Leaves of the pictures what lies in a part of the screen, in pixels.
fn cut(jobs: &mut Vec<egui::ClippedPrimitive>, room: URect, pixels_per_point: f32) {
    let point = |x: u32, y: u32| egui::pos2(x as f32, y as f32) / pixels_per_point;
    let room =
        egui::Rect::from_min_max(point(room.min.x, room.min.y), point(room.max.x, room.max.y));
    jobs.retain_mut(|job| {
        job.clip_rect = job.clip_rect.intersect(room);
        job.clip_rect.is_positive()
    });
}

/// Tells whether the panels are in the picture now: the pass leaves out what the adapter does not have yet.
fn note_drawn(
    view: bevy::render::renderer::ViewQuery<'_, '_, (&ViewTarget, &MainEntity, &EguiCameraView)>,
    outputs: Query<'_, '_, &EguiRenderOutput>,
    pipelines: Option<Res<'_, EguiPipelines>>,
    textures: Option<Res<'_, EguiTextureBindGroups>>,
    cache: Res<'_, PipelineCache>,
    mut panels: ResMut<'_, StandingPanels>,
) {
    if panels.stand() {
        return;
    }
    let (target, camera, panel_view) = view.into_inner();
    let Ok(output) = outputs.get(panel_view.0) else {
        return;
    };
    let (Some(pipelines), Some(textures)) = (pipelines, textures) else {
        return;
    };
    let is_ready = pipelines
        .0
        .get(camera)
        .is_some_and(|pipeline| cache.get_render_pipeline(*pipeline).is_some());
    let is_there = |job: &egui::ClippedPrimitive| match &job.primitive {
        egui::epaint::Primitive::Mesh(mesh) => textures.contains_key(&match mesh.texture_id {
            egui::TextureId::Managed(id) => EguiTextureId::Managed(*camera, id),
            egui::TextureId::User(id) => EguiTextureId::User(id),
        }),
        // Who draws by itself may draw something else with every frame.
        egui::epaint::Primitive::Callback(_) => false,
    };
    if is_ready && output.paint_jobs.iter().all(is_there) {
        panels.note_drawn(target.main_texture().id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_the_room_is_left_out_and_the_rest_is_cut() {
        let job = |from: (f32, f32), to: (f32, f32)| egui::ClippedPrimitive {
            clip_rect: egui::Rect::from_min_max(from.into(), to.into()),
            primitive: egui::epaint::Primitive::Mesh(egui::Mesh::default()),
        };
        let mut jobs = vec![
            job((0.0, 0.0), (100.0, 400.0)),
            job((0.0, 0.0), (800.0, 400.0)),
            job((200.0, 100.0), (210.0, 110.0)),
        ];
        cut(&mut jobs, URect::new(201, 30, 1201, 700), 2.0);
        let left: Vec<egui::Rect> = jobs.iter().map(|job| job.clip_rect).collect();
        assert_eq!(
            left,
            [
                egui::Rect::from_min_max((100.5, 15.0).into(), (600.5, 350.0).into()),
                egui::Rect::from_min_max((200.0, 100.0).into(), (210.0, 110.0).into()),
            ]
        );
    }
}
