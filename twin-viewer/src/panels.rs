//! The operator's panels and the signs over the scene, once per frame.

use bevy::asset::load_internal_asset;
use bevy::math::URect;
use bevy::prelude::*;
use bevy::shader::Shader;
use bevy_egui::render::EGUI_SHADER_HANDLE;
use bevy_egui::{EguiContexts, EguiPrimaryContextPass, egui};
use terrarium_render::SceneRoom;
use terrarium_scene::Stage;
use terrarium_ui::Drafts;

use crate::marks::{self, Names, Projection};
use crate::pace::Waker;
use crate::rig::{PointerElsewhere, Rig, SceneCamera};
use crate::view::{Link, Reader, View, apply};

/// Panels are drawn around the scene; without it, only the signs are.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bare(pub bool);

#[derive(Resource, Default)]
struct PanelState {
    is_installed: bool,
    drafts: Drafts,
}

pub struct PanelsPlugin;

impl Plugin for PanelsPlugin {
    fn build(&self, app: &mut App) {
        load_internal_asset!(app, EGUI_SHADER_HANDLE, "panels.wgsl", Shader::from_wgsl);
        app.init_resource::<PanelState>()
            .init_resource::<PointerElsewhere>()
            .init_resource::<Bare>()
            .init_resource::<Names>()
            .add_systems(EguiPrimaryContextPass, draw);
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
fn draw(
    mut contexts: EguiContexts<'_, '_>,
    mut panels: ResMut<'_, PanelState>,
    mut view: ResMut<'_, View>,
    link: Res<'_, Link>,
    bare: Res<'_, Bare>,
    reader: Res<'_, Reader>,
    stage: Option<Res<'_, Stage>>,
    mut rig: ResMut<'_, Rig>,
    mut elsewhere: ResMut<'_, PointerElsewhere>,
    mut scene_room: ResMut<'_, SceneRoom>,
    mut names: ResMut<'_, Names>,
    camera: Single<'_, '_, (&Camera, &GlobalTransform), With<SceneCamera>>,
    waker: Option<Res<'_, Waker>>,
) -> Result {
    let context = contexts.ctx_mut()?;
    if !panels.is_installed {
        // Fonts are there from the next pass on.
        terrarium_ui::install(context);
        if let Some(waker) = waker {
            let wake = waker.wake();
            context.set_request_repaint_callback(move |request| {
                if request.delay.is_zero() {
                    wake();
                }
            });
        }
        panels.is_installed = true;
        context.request_repaint();
        return Ok(());
    }
    let state = &view.bypass_change_detection().0;
    if let Some(scale) = state.ui_scale {
        context.set_zoom_factor(scale);
    }
    let screen = context.viewport_rect();
    let mut root = egui::Ui::new(
        context.clone(),
        "viewer".into(),
        egui::UiBuilder::new()
            .layer_id(egui::LayerId::background())
            .max_rect(screen),
    );
    let (commands, room) = if bare.0 {
        (Vec::new(), screen)
    } else {
        let answer = terrarium_ui::show(&mut root, state, &mut panels.drafts);
        (answer.commands, answer.scene)
    };
    if *reader == Reader::ProgramForPlaces {
        hide_all_but(context, room, state.shows_scene());
    } else if let Some(stage) = &stage
        && state.shows_scene()
        && *reader == Reader::Person
    {
        let (camera, place) = *camera;
        let zoom = context.zoom_factor();
        let eye = Projection {
            camera,
            place,
            zoom,
        };
        let painter =
            context.layer_painter(egui::LayerId::new(egui::Order::Background, "signs".into()));
        marks::draw(&painter, room, state, stage.anchors(), &eye, &mut names);
    }
    let seen = if state.shows_scene() {
        in_pixels(room, context.pixels_per_point())
    } else {
        URect::default()
    };
    scene_room.set_if_neq(SceneRoom(Some(seen)));
    let share = |from: f32, all: f32| (from / all.max(1.0)).clamp(0.0, 1.0);
    let free = [
        share(room.left(), screen.width()),
        share(room.top(), screen.height()),
        share(room.right(), screen.width()),
        share(room.bottom(), screen.height()),
    ];
    if rig.free != free {
        rig.free = free;
    }
    let is_over_scene = context
        .pointer_latest_pos()
        .is_none_or(|at| room.contains(at));
    let is_elsewhere = !is_over_scene || context.egui_wants_pointer_input() || !state.shows_scene();
    elsewhere.set_if_neq(PointerElsewhere(is_elsewhere));
    if !commands.is_empty() {
        apply(&mut view, &link, commands);
    }
    Ok(())
}

/// Black over everything that is not the scene.
fn hide_all_but(context: &egui::Context, room: egui::Rect, shows_scene: bool) {
    let layer = egui::LayerId::new(egui::Order::Debug, "all but the scene".into());
    let painter = context.layer_painter(layer);
    let screen = context.viewport_rect();
    let black = |rect| painter.rect_filled(rect, egui::CornerRadius::ZERO, egui::Color32::BLACK);
    if !shows_scene {
        black(screen);
        return;
    }
    let (low, high) = (screen.min, screen.max);
    for (from, to) in [
        (low, egui::pos2(high.x, room.top())),
        (egui::pos2(low.x, room.bottom()), high),
        (low, egui::pos2(room.left(), high.y)),
        (egui::pos2(room.right(), low.y), high),
    ] {
        black(egui::Rect::from_min_max(from, to));
    }
}

/// The pixels that a part of the screen touches, and one more all around: edges of panels are smoothed.
fn in_pixels(room: egui::Rect, pixels_per_point: f32) -> URect {
    let from = |points: f32| (points * pixels_per_point - 1.0).floor().max(0.0) as u32;
    let to = |points: f32| (points * pixels_per_point + 1.0).ceil().max(0.0) as u32;
    URect::new(
        from(room.min.x),
        from(room.min.y),
        to(room.max.x),
        to(room.max.y),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scene_reaches_under_the_smoothed_edges_of_the_panels() {
        let room = egui::Rect::from_min_max(egui::pos2(300.5, 40.0), egui::pos2(1600.0, 900.25));
        assert_eq!(in_pixels(room, 1.0), URect::new(299, 39, 1601, 902));
        assert_eq!(in_pixels(room, 2.0), URect::new(600, 79, 3201, 1802));
        let whole = egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(10.0, 10.0));
        assert_eq!(in_pixels(whole, 1.0).min, bevy::math::UVec2::ZERO);
    }
}
