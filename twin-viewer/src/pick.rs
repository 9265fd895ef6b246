//! Pointing at things: a ray from the eye into the park.

use bevy::prelude::*;
use terrarium_scene::{Poses, Stage};
use terrarium_view_model::{AssetIndex, Command};

use crate::rig::{PointerElsewhere, SceneCamera, SceneClick};
use crate::view::{Hovered, Link, View, apply};

pub struct PickPlugin;

impl Plugin for PickPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, (hover, select).run_if(resource_exists::<Stage>));
    }
}

/// The asset that a point of the picture shows.
fn under(
    at: Vec2,
    (camera, place): (&Camera, &GlobalTransform),
    stage: &Stage,
    poses: &Poses,
) -> Option<AssetIndex> {
    let ray = camera.viewport_to_world(place, at).ok()?;
    stage.pick(poses, ray)
}

#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
fn hover(
    window: Single<'_, '_, &Window>,
    elsewhere: Res<'_, PointerElsewhere>,
    buttons: Res<'_, ButtonInput<MouseButton>>,
    camera: Single<'_, '_, (&Camera, &GlobalTransform), With<SceneCamera>>,
    stage: Res<'_, Stage>,
    poses: Res<'_, Poses>,
    mut hovered: ResMut<'_, Hovered>,
    mut last: Local<'_, Option<Vec2>>,
) {
    let cursor = window.cursor_position().filter(|_| !elsewhere.0);
    let is_dragging = buttons.get_pressed().next().is_some();
    if *last == cursor || is_dragging {
        return;
    }
    *last = cursor;
    let asset = cursor.and_then(|at| under(at, *camera, &stage, &poses));
    hovered.set_if_neq(Hovered(asset));
}

fn select(
    mut clicks: MessageReader<'_, '_, SceneClick>,
    camera: Single<'_, '_, (&Camera, &GlobalTransform), With<SceneCamera>>,
    stage: Res<'_, Stage>,
    poses: Res<'_, Poses>,
    mut view: ResMut<'_, View>,
    link: Res<'_, Link>,
) {
    for click in clicks.read() {
        let command = match under(click.at, *camera, &stage, &poses) {
            Some(asset) if click.adds => Command::ToggleSelect(asset),
            Some(asset) => Command::Select(asset),
            None => Command::ClearSelection,
        };
        apply(&mut view, &link, [command]);
    }
}
