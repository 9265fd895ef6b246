//! Lays the panels out only when they would come out otherwise: layout and tessellation cost more than drawing what was laid
//! out before.

use std::time::{Duration, Instant};

use bevy::ecs::change_detection::Tick;
use bevy::math::URect;
use bevy::prelude::*;
use bevy_egui::{
    EguiContext, EguiContextSettings, EguiFullOutput, EguiInput, EguiPostUpdateSet,
    EguiPrimaryContextPass, EguiRenderOutput, egui,
};

use terrarium_render::{PanelChange, PanelsVersion, SceneRoom};

use crate::rig::SceneCamera;
use crate::view::View;

/// Values are read at most so often; what a person does shows at once.
pub(crate) const BETWEEN_VALUES: Duration = Duration::from_millis(100);

/// Whether new values may wait a moment.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patience {
    /// New values show in the very next frame: for pictures.
    #[default]
    None,
    /// New values show [`BETWEEN_VALUES`] after those before them.
    Short,
}

/// What decides how the panels come out: the values, where the scene is seen from, and how large the screen is.
type Basis = (Tick, GlobalTransform, Option<egui::Rect>);

/// What the panels looked like last, and what of.
#[derive(Resource, Default)]
pub(crate) struct LaidOut {
    at: Option<Instant>,
    of: Option<Basis>,
    /// When they are laid out again even if nothing happens until then.
    again_at: Option<Instant>,
    shapes: Vec<egui::epaint::ClippedShape>,
    /// Where they differ from the shapes laid out before.
    changed: PanelChange,
    jobs: Vec<egui::ClippedPrimitive>,
    cursor: egui::CursorIcon,
    pixels_per_point: f32,
    is_new: bool,
    /// Until glyphs that it needs have reached the adapter.
    frames_to_settle: u32,
}

/// Frames until a changed texture has reached the adapter.
const FRAMES_TO_SETTLE: u32 = 4;

/// Whether the panels have to be laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Not,
    Now,
    At(Instant),
}

impl LaidOut {
    /// Whether they want a frame until then even if nothing happens.
    pub(crate) fn come_back_before(&self, then: Instant) -> bool {
        self.again_at.is_some_and(|again_at| again_at < then)
    }

    fn due(&self, of: Basis, patience: Patience, now: Instant) -> Due {
        let Some((values, place, screen)) = self.of else {
            return Due::Now;
        };
        if (place, screen) != (of.1, of.2) {
            return Due::Now;
        }
        if values == of.0 {
            return Due::Not;
        }
        match self.at.map(|at| at + BETWEEN_VALUES) {
            Some(at) if patience == Patience::Short && at > now => Due::At(at),
            _ => Due::Now,
        }
    }

    /// New values that wait must not wait for somebody else to want a frame.
    pub(crate) fn come_back_at(&mut self, at: Instant) {
        self.again_at = Some(self.again_at.map_or(at, |known| known.min(at)));
    }
}

/// How often the panels were laid out.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layouts(pub u64);

pub struct RepaintPlugin;

impl Plugin for RepaintPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<LaidOut>()
            .init_resource::<Patience>()
            .init_resource::<Layouts>()
            .add_systems(PreUpdate, take_over)
            .add_systems(
                PostUpdate,
                (
                    lay_out.in_set(EguiPostUpdateSet::EndPass),
                    draw_again
                        .after(EguiPostUpdateSet::ProcessOutput)
                        .before(EguiPostUpdateSet::PostProcessOutput),
                ),
            );
    }
}

fn take_over(mut contexts: Query<'_, '_, &mut EguiContextSettings, Added<EguiContext>>) {
    for mut settings in &mut contexts {
        settings.run_manually = true;
    }
}

fn lay_out(world: &mut World) -> Result {
    let changed = world.resource_ref::<View>().last_changed();
    let patience = *world.resource::<Patience>();
    let mut contexts = world.query_filtered::<(
        &mut EguiContext,
        &mut EguiInput,
        &EguiContextSettings,
        &GlobalTransform,
    ), With<SceneCamera>>();
    let Ok((mut context, input, settings, place)) = contexts.single_mut(world) else {
        return Ok(());
    };
    if !settings.run_manually {
        return Ok(());
    }
    let context = context.get_mut().clone();
    let of = (changed, *place, input.screen_rect);
    let has_input = !input.events.is_empty();
    let now = Instant::now();
    let input = input.0.clone();
    let mut laid = world.resource_mut::<LaidOut>();
    let due = laid.due(of, patience, now);
    if let Due::At(at) = due {
        laid.come_back_at(at);
    }
    let is_awaited = laid.again_at.is_some_and(|again_at| again_at <= now);
    if due != Due::Now && !is_awaited && !has_input {
        return skip(world);
    }
    let mut outcome = Ok(());
    let output = context.run_ui(input, |_| {
        outcome = world.try_run_schedule(EguiPrimaryContextPass);
    });
    outcome?;
    let mut contexts =
        world.query_filtered::<(&mut EguiInput, &mut EguiFullOutput), With<SceneCamera>>();
    let (mut input, mut full) = contexts.single_mut(world)?;
    input.take();
    let delay = output
        .viewport_output
        .values()
        .map(|viewport| viewport.repaint_delay)
        .min();
    let cursor = output.platform_output.cursor_icon;
    let pixels_per_point = output.pixels_per_point;
    let shapes = output.shapes.clone();
    full.0 = Some(output);
    world.resource_mut::<Layouts>().0 += 1;
    let room = world.resource::<SceneRoom>().0.unwrap_or_default();
    let mut laid = world.resource_mut::<LaidOut>();
    // A layout that nobody saw, or one of another scale, tells nothing of what stands in the picture.
    laid.changed = match laid.is_new || laid.pixels_per_point != pixels_per_point {
        true => PanelChange::Everywhere,
        false => changed_between(&laid.shapes, &shapes, room, pixels_per_point),
    };
    laid.shapes = shapes;
    laid.at = Some(now);
    laid.of = Some(of);
    laid.again_at = delay.and_then(|delay| now.checked_add(delay));
    laid.cursor = cursor;
    laid.pixels_per_point = pixels_per_point;
    laid.is_new = true;
    Ok(())
}

/// Nothing changed: what egui would answer, without asking it.
fn skip(world: &mut World) -> Result {
    let laid = world.resource::<LaidOut>();
    let output = egui::FullOutput {
        platform_output: egui::PlatformOutput {
            cursor_icon: laid.cursor,
            ..egui::PlatformOutput::default()
        },
        pixels_per_point: laid.pixels_per_point,
        ..egui::FullOutput::default()
    };
    let mut contexts = world.query_filtered::<&mut EguiFullOutput, With<SceneCamera>>();
    contexts.single_mut(world)?.0 = Some(output);
    Ok(())
}

/// The renderer takes the pictures of the panels away, so it is given them again.
fn draw_again(
    mut laid: ResMut<'_, LaidOut>,
    mut version: ResMut<'_, PanelsVersion>,
    mut outputs: Query<'_, '_, &mut EguiRenderOutput, With<SceneCamera>>,
) {
    let Ok(mut output) = outputs.single_mut() else {
        return;
    };
    let mut is_other = false;
    if std::mem::take(&mut laid.is_new) {
        is_other = !are_same(&laid.jobs, &output.paint_jobs);
        laid.jobs.clone_from(&output.paint_jobs);
    } else {
        output.paint_jobs.clone_from(&laid.jobs);
    }
    if !output.textures_delta.is_empty() {
        laid.frames_to_settle = FRAMES_TO_SETTLE;
    }
    if laid.frames_to_settle > 0 {
        version.change(PanelChange::Everywhere);
        laid.frames_to_settle -= 1;
    } else if is_other {
        version.change(std::mem::take(&mut laid.changed));
    }
}

/// Where two pictures of the panels differ, but for the room of the scene, which is drawn with every frame. More than a few
/// places are everywhere.
fn changed_between(
    before: &[egui::epaint::ClippedShape],
    now: &[egui::epaint::ClippedShape],
    room: URect,
    pixels_per_point: f32,
) -> PanelChange {
    const MOST_AREAS: usize = 24;
    /// Edges are smoothed.
    const MARGIN_PX: f32 = 2.0;
    let is_same = |(one, other): &(_, _)| one == other;
    let begin = before.iter().zip(now).take_while(is_same).count();
    let (before, now) = (&before[begin..], &now[begin..]);
    let rest = before.iter().rev().zip(now.iter().rev());
    let end = rest.take_while(is_same).count();
    let (before, now) = (&before[..before.len() - end], &now[..now.len() - end]);
    let is_alike = before.len() == now.len();
    let other = before.iter().zip(now).filter(|(one, other)| one != other);
    let differing: Vec<&egui::epaint::ClippedShape> = match is_alike {
        true => other.flat_map(|(one, other)| [one, other]).collect(),
        false => before.iter().chain(now).collect(),
    };
    let mut areas: Vec<URect> = Vec::new();
    for shape in differing {
        if matches!(shape.shape, egui::Shape::Callback(_)) {
            return PanelChange::Everywhere;
        }
        let seen = shape
            .shape
            .visual_bounding_rect()
            .intersect(shape.clip_rect);
        if !seen.is_positive() {
            continue;
        }
        let low = (seen.min * pixels_per_point - egui::Vec2::splat(MARGIN_PX)).floor();
        let high = (seen.max * pixels_per_point + egui::Vec2::splat(MARGIN_PX)).ceil();
        let pixel = |at: egui::Pos2| UVec2::new(at.x.max(0.0) as u32, at.y.max(0.0) as u32);
        let mut area = URect::from_corners(pixel(low), pixel(high));
        if room.contains(area.min) && room.contains(area.max) {
            continue;
        }
        // What overlaps is one area.
        while let Some(place) = areas
            .iter()
            .position(|known| !known.intersect(area).is_empty())
        {
            area = area.union(areas.swap_remove(place));
        }
        areas.push(area);
        if areas.len() > MOST_AREAS {
            return PanelChange::Everywhere;
        }
    }
    PanelChange::Within(areas)
}

/// Whether two pictures of the panels are alike: what is laid out anew often comes out as before.
fn are_same(ones: &[egui::ClippedPrimitive], others: &[egui::ClippedPrimitive]) -> bool {
    use egui::epaint::Primitive;
    ones.len() == others.len()
        && ones.iter().zip(others).all(|(one, other)| {
            let is_same = match (&one.primitive, &other.primitive) {
                (Primitive::Mesh(one), Primitive::Mesh(other)) => one == other,
                _ => false,
            };
            is_same && one.clip_rect == other.clip_rect
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_panels_differ_is_told_but_for_the_room_of_the_scene() {
        let rect = |x: f32, y: f32| egui::Rect::from_min_size((x, y).into(), (10.0, 4.0).into());
        let filled = |rect, color| egui::epaint::ClippedShape {
            clip_rect: egui::Rect::from_min_size((0.0, 0.0).into(), (500.0, 500.0).into()),
            shape: egui::Shape::rect_filled(rect, 0.0, color),
        };
        let (red, blue) = (egui::Color32::RED, egui::Color32::BLUE);
        let room = URect::new(300, 300, 800, 800);
        let changed = |one: &[_], other: &[_]| changed_between(one, other, room, 2.0);
        let before = [
            filled(rect(10.0, 10.0), red),
            filled(rect(50.0, 10.0), red),
            filled(rect(200.0, 200.0), red),
        ];
        let nothing = PanelChange::Within(Vec::new());
        assert_eq!(changed(&before, &before), nothing);
        let mut now = before.clone();
        now[2] = filled(rect(210.0, 210.0), blue);
        assert_eq!(changed(&before, &now), nothing, "that is drawn anyway");
        now[1] = filled(rect(50.0, 10.0), blue);
        let there = PanelChange::Within(vec![URect::new(98, 18, 122, 30)]);
        assert_eq!(changed(&before, &now), there);
        // What is gone and what is there now, with what overlaps.
        let fewer = [before[0].clone(), filled(rect(58.0, 11.0), blue)];
        let both = PanelChange::Within(vec![URect::new(98, 18, 138, 32)]);
        assert_eq!(changed(&before[..2], &fewer), both);
        let gone = PanelChange::Within(vec![URect::new(98, 18, 122, 30)]);
        assert_eq!(changed(&before[..2], &before[..1]), gone);
        let many = |color| -> Vec<_> {
            (0..40)
                .map(|row| filled(rect(0.0, 6.0 * row as f32), color))
                .collect()
        };
        assert_eq!(changed(&many(red), &many(blue)), PanelChange::Everywhere);
    }

    #[test]
    fn pictures_are_alike_when_their_meshes_and_where_they_are_seen_are() {
        let job = |right: f32, color: egui::Color32| {
            let mut mesh = egui::Mesh::default();
            mesh.add_colored_rect(egui::Rect::EVERYTHING, color);
            egui::ClippedPrimitive {
                clip_rect: egui::Rect::from_min_max((0.0, 0.0).into(), (right, 9.0).into()),
                primitive: egui::epaint::Primitive::Mesh(mesh),
            }
        };
        let one = [job(5.0, egui::Color32::RED)];
        assert!(are_same(&one, &one.clone()));
        assert!(!are_same(&one, &[]));
        assert!(!are_same(&one, &[job(6.0, egui::Color32::RED)]));
        assert!(!are_same(&one, &[job(5.0, egui::Color32::BLUE)]));
    }

    const HERE: GlobalTransform = GlobalTransform::IDENTITY;

    #[test]
    fn values_that_come_soon_after_others_have_their_own_moment_to_be_laid_out_at() {
        let began = Instant::now();
        let soon = began + BETWEEN_VALUES / 3;
        let mut laid = LaidOut::default();
        let (old, new) = (Tick::new(1), Tick::new(2));
        assert_eq!(
            laid.due((old, HERE, None), Patience::Short, began),
            Due::Now
        );
        laid.at = Some(began);
        laid.of = Some((old, HERE, None));
        assert_eq!(laid.due((old, HERE, None), Patience::Short, soon), Due::Not);
        let later = began + BETWEEN_VALUES;
        let waits = laid.due((new, HERE, None), Patience::Short, soon);
        assert_eq!(waits, Due::At(later));
        assert_eq!(
            laid.due((new, HERE, None), Patience::Short, later),
            Due::Now
        );
        assert_eq!(laid.due((new, HERE, None), Patience::None, soon), Due::Now);
        // A tooltip that comes up earlier is not put off, and one that comes up later waits for no values.
        laid.come_back_at(later);
        assert!(!laid.come_back_before(later));
        laid.come_back_at(soon);
        laid.come_back_at(later);
        assert_eq!(laid.again_at, Some(soon));
    }

    #[test]
    fn another_eye_or_screen_is_laid_out_at_once() {
        let began = Instant::now();
        let of = (Tick::new(1), HERE, None);
        let laid = LaidOut {
            at: Some(began),
            of: Some(of),
            ..LaidOut::default()
        };
        let moved = GlobalTransform::from_xyz(1.0, 0.0, 0.0);
        let screen = Some(egui::Rect::EVERYTHING);
        for other in [(of.0, moved, None), (of.0, HERE, screen)] {
            assert_eq!(laid.due(other, Patience::Short, began), Due::Now);
        }
    }
}
