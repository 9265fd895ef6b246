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
use bevy_egui::egui::epaint::Primitive;
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
    let (Some(amiss), Some(room)) = (panels.stand_but(), room.0) else {
        return;
    };
    let background = panels.background();
    for (mut output, scale) in &mut outputs {
        let jobs = &mut output.paint_jobs;
        let scale = scale.pixels_per_point;
        let anew: Vec<egui::ClippedPrimitive> = amiss
            .iter()
            .flat_map(|area| outside(*area, room))
            .flat_map(|area| drawn_anew(jobs, in_points(area, scale), background))
            .collect();
        cut(jobs, in_points(room, scale));
        jobs.extend(anew);
    }
}

fn in_points(area: URect, pixels_per_point: f32) -> egui::Rect {
    let point = |at: UVec2| egui::pos2(at.x as f32, at.y as f32) / pixels_per_point;
    egui::Rect::from_min_max(point(area.min), point(area.max))
}

/// An area without what of it lies in the room: above, below, left and right of that.
fn outside(area: URect, room: URect) -> impl Iterator<Item = URect> {
    let within = area.intersect(room);
    let parts = match within.is_empty() {
        true => [area, URect::default(), URect::default(), URect::default()],
        false => [
            URect::new(area.min.x, area.min.y, area.max.x, within.min.y),
            URect::new(area.min.x, within.max.y, area.max.x, area.max.y),
            URect::new(area.min.x, within.min.y, within.min.x, within.max.y),
            URect::new(within.max.x, within.min.y, area.max.x, within.max.y),
        ],
    };
    parts.into_iter().filter(|part| !part.is_empty())
}

/// All that is seen in an area, its background first.
fn drawn_anew(
    jobs: &[egui::ClippedPrimitive],
    area: egui::Rect,
    background: LinearRgba,
) -> Vec<egui::ClippedPrimitive> {
    let [red, green, blue, _] = Srgba::from(background).to_u8_array();
    let mut wiped = egui::Mesh::default();
    wiped.add_colored_rect(area, egui::Color32::from_rgb(red, green, blue));
    let clipped = |clip_rect, mesh| egui::ClippedPrimitive {
        clip_rect,
        primitive: Primitive::Mesh(mesh),
    };
    let mut anew = vec![clipped(area, wiped)];
    anew.extend(jobs.iter().filter_map(|job| {
        let clip_rect = job.clip_rect.intersect(area);
        let Primitive::Mesh(mesh) = &job.primitive else {
            return None;
        };
        let part = clip_rect.is_positive().then(|| part_of(mesh, clip_rect))?;
        (!part.is_empty()).then(|| clipped(clip_rect, part))
    }));
    anew
}

/// The triangles of a mesh that may be seen in an area.
fn part_of(mesh: &egui::Mesh, area: egui::Rect) -> egui::Mesh {
    let mut part = egui::Mesh::with_texture(mesh.texture_id);
    let mut places = vec![u32::MAX; mesh.vertices.len()];
    for corners in mesh.indices.as_chunks::<3>().0 {
        let at = corners.map(|corner| mesh.vertices[corner as usize].pos);
        if !egui::Rect::from_points(&at).intersects(area) {
            continue;
        }
        for corner in corners {
            let place = &mut places[*corner as usize];
            if *place == u32::MAX {
                *place = part.vertices.len() as u32;
                part.vertices.push(mesh.vertices[*corner as usize]);
            }
            part.indices.push(*place);
        }
    }
    part
}

/// Leaves of the pictures what lies in a part of the screen.
fn cut(jobs: &mut Vec<egui::ClippedPrimitive>, room: egui::Rect) {
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
    if panels.stand_but() == Some(&[]) {
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
        Primitive::Mesh(mesh) => textures.contains_key(&match mesh.texture_id {
            egui::TextureId::Managed(id) => EguiTextureId::Managed(*camera, id),
            egui::TextureId::User(id) => EguiTextureId::User(id),
        }),
        // Who draws by itself may draw something else with every frame.
        Primitive::Callback(_) => false,
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
            primitive: Primitive::Mesh(egui::Mesh::default()),
        };
        let mut jobs = vec![
            job((0.0, 0.0), (100.0, 400.0)),
            job((0.0, 0.0), (800.0, 400.0)),
            job((200.0, 100.0), (210.0, 110.0)),
        ];
        cut(&mut jobs, in_points(URect::new(201, 30, 1201, 700), 2.0));
        let left: Vec<egui::Rect> = jobs.iter().map(|job| job.clip_rect).collect();
        assert_eq!(
            left,
            [
                egui::Rect::from_min_max((100.5, 15.0).into(), (600.5, 350.0).into()),
                egui::Rect::from_min_max((200.0, 100.0).into(), (210.0, 110.0).into()),
            ]
        );
    }

    #[test]
    fn an_area_is_drawn_beside_the_room_only() {
        let room = URect::new(10, 10, 20, 20);
        let parts = |area| outside(area, room).collect::<Vec<_>>();
        let beside = URect::new(0, 0, 9, 30);
        assert_eq!(parts(beside), [beside]);
        assert_eq!(parts(URect::new(12, 12, 14, 14)), []);
        assert_eq!(
            parts(URect::new(5, 15, 25, 30)),
            [
                URect::new(5, 20, 25, 30),
                URect::new(5, 15, 10, 20),
                URect::new(20, 15, 25, 20),
            ]
        );
    }

    #[test]
    fn in_an_area_there_is_the_background_and_over_it_what_reaches_into_it() {
        let rect =
            |from: (f32, f32), to: (f32, f32)| egui::Rect::from_min_max(from.into(), to.into());
        let mut mesh = egui::Mesh::default();
        mesh.add_colored_rect(rect((0.0, 0.0), (4.0, 4.0)), egui::Color32::RED);
        mesh.add_colored_rect(rect((50.0, 50.0), (60.0, 60.0)), egui::Color32::GREEN);
        let job = |clip_rect| egui::ClippedPrimitive {
            clip_rect,
            primitive: Primitive::Mesh(mesh.clone()),
        };
        let jobs = [
            job(rect((0.0, 0.0), (100.0, 100.0))),
            job(rect((0.0, 0.0), (10.0, 10.0))),
        ];
        let area = rect((55.0, 55.0), (70.0, 70.0));
        let anew = drawn_anew(&jobs, area, LinearRgba::WHITE);
        let colors: Vec<egui::Color32> = anew
            .iter()
            .map(|job| {
                assert_eq!(job.clip_rect, area);
                let Primitive::Mesh(mesh) = &job.primitive else {
                    panic!("a mesh")
                };
                assert_eq!((mesh.vertices.len(), mesh.indices.len()), (4, 6));
                mesh.vertices[0].color
            })
            .collect();
        assert_eq!(colors, [egui::Color32::WHITE, egui::Color32::GREEN]);
    }
}
