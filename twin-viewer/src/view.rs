//! What is shown, kept in step with the services and put onto the stage.

use bevy::prelude::*;
use bevy::window::RequestRedraw;
use terrarium_network::Network;
use terrarium_render::{Light, Looks, Rain};
use terrarium_scene::{Poses, Stage, StillMotion, set_stage};
use terrarium_view_model::{AssetIndex, Command, Report, ViewState};

use crate::dress;
use crate::pace::Pace;
use crate::rig::Rig;

/// All that is shown.
#[derive(Resource, Default)]
pub struct View(pub ViewState);

/// The connection to the park's server; `None`: a park from a file.
#[derive(Resource, Default)]
pub struct Link(pub Option<Network>);

/// Who reads the pictures.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reader {
    #[default]
    Person,
    /// No signs over the scene.
    Program,
    /// Which asset every pixel shows, and nothing else.
    ProgramForPlaces,
}

/// What the pointer is over.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hovered(pub Option<AssetIndex>);

/// What is on the stage, so that only changes are put there.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
struct Staged {
    park: u64,
    looks: Option<Dressed>,
    sky: Option<Sky>,
}

/// What the light depends on, as finely as anybody could see.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sky {
    minute: i64,
    cloud_percent: i32,
    rain_tenths_mm: i32,
    wind_m_per_s: i32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Dressed {
    generation: u64,
    selection: u64,
    hovered: Option<AssetIndex>,
    reader: Reader,
}

/// How many values came from the server and were taken in.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenValues(pub u64);

/// Keeps [`View`] up to date and the stage with it.
pub struct ViewPlugin;

impl Plugin for ViewPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<View>()
            .init_resource::<Link>()
            .init_resource::<Hovered>()
            .init_resource::<Reader>()
            .init_resource::<Staged>()
            .init_resource::<TakenValues>()
            .add_systems(PreUpdate, take_reports)
            .add_systems(
                Update,
                (stage_park, dress_stage, light_stage, fulfil_camera_wish).chain(),
            );
    }
}

/// Applies what a person did, and asks the services for what follows from it.
pub fn apply(view: &mut View, link: &Link, commands: impl IntoIterator<Item = Command>) {
    for command in commands {
        let requests = view.0.apply(command);
        if let Some(network) = &link.0 {
            requests
                .into_iter()
                .for_each(|request| network.send(request));
        }
    }
}

/// Takes reports in, and asks for what follows from them.
pub fn report(view: &mut View, link: &Link, reports: impl IntoIterator<Item = Report>) {
    for report in reports {
        let requests = view.0.take(report);
        if let Some(network) = &link.0 {
            requests
                .into_iter()
                .for_each(|request| network.send(request));
        }
    }
}

fn take_reports(
    mut view: ResMut<'_, View>,
    link: Res<'_, Link>,
    mut taken: ResMut<'_, TakenValues>,
    mut redraw: MessageWriter<'_, RequestRedraw>,
) {
    let Some(network) = &link.0 else {
        return;
    };
    let reports = network.take();
    if !reports.is_empty() {
        taken.0 += reports.iter().map(values_in).sum::<u64>();
        report(&mut view, &link, reports);
        redraw.write(RequestRedraw);
    }
}

fn values_in(report: &Report) -> u64 {
    match report {
        Report::Live { delta, .. } | Report::Replay { delta, .. } => delta.values.len() as u64,
        _ => 0,
    }
}

fn stage_park(world: &mut World) {
    let park_generation = world.resource::<View>().0.park_generation();
    if world.resource::<Staged>().park == park_generation {
        return;
    }
    let Some(park) = world.resource::<View>().0.park().cloned() else {
        return;
    };
    set_stage(world, &park);
    let (low, high) = park.bounds();
    let reach = (high.east_m - low.east_m).hypot(high.north_m - low.north_m);
    *world.resource_mut::<Staged>() = Staged {
        park: park_generation,
        ..Staged::default()
    };
    let mut looks = Looks::default();
    looks.haze_m = (reach * 3.2, reach * 9.0);
    world.insert_resource(looks);
}

#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
fn dress_stage(
    view: Res<'_, View>,
    hovered: Res<'_, Hovered>,
    reader: Res<'_, Reader>,
    mut staged: ResMut<'_, Staged>,
    mut looks: ResMut<'_, Looks>,
    mut poses: ResMut<'_, Poses>,
    mut still: ResMut<'_, StillMotion>,
    pace: Option<Res<'_, Pace>>,
) {
    let state = &view.0;
    let selection = state.selection.all().iter().fold(0_u64, |sum, asset| {
        sum.wrapping_mul(31).wrapping_add(u64::from(asset.0) + 1)
    });
    let wanted = Dressed {
        generation: state.generation(),
        selection,
        hovered: hovered.0,
        reader: *reader,
    };
    let is_idle_wall = pace.is_some_and(|pace| pace.is_idle_kiosk());
    still.set_if_neq(StillMotion(state.reduced_motion || is_idle_wall));
    if staged.looks == Some(wanted) {
        return;
    }
    let is_only_marked = staged
        .looks
        .is_some_and(|known| known.generation == wanted.generation);
    staged.looks = Some(wanted);
    if !is_only_marked {
        poses.set_if_neq(dress::poses(state));
    }
    let paleness = f32::from(u8::from(
        state.shown_overlay() != terrarium_view_model::Overlay::None,
    ));
    let flat = *reader == Reader::ProgramForPlaces;
    let mut changed = match flat {
        true => dress::numbers(state),
        false => dress::looks(state, hovered.0),
    };
    changed.retain(|(tag, look)| looks.get(*tag) != *look);
    // What looks as before is not written: the scene is drawn anew for every change.
    if changed.is_empty() && (looks.paleness, looks.flat) == (paleness, flat) {
        return;
    }
    looks.paleness = paleness;
    looks.flat = flat;
    for (tag, look) in changed {
        looks.set(tag, look);
    }
}

/// The light follows the moment shown, minute by minute, and the weather.
fn light_stage(view: Res<'_, View>, mut staged: ResMut<'_, Staged>, mut looks: ResMut<'_, Looks>) {
    const MINUTE_MS: i64 = 60_000;
    /// Where nothing tells how much of the sky is covered. Assumed.
    const USUAL_CLOUD: f32 = 0.2;
    let state = &view.0;
    let weather = &state.weather;
    let rain_mm_per_h = weather.rain_mm_per_h.unwrap_or(0.0).max(0.0);
    // It does not rain from a clear sky, whatever the weather station says of it.
    let cloud = weather.cloud.unwrap_or(USUAL_CLOUD);
    let cloud = if rain_mm_per_h > 0.0 {
        cloud.max(0.85)
    } else {
        cloud
    };
    let wind_m_per_s = weather.wind_m_per_s.unwrap_or(0.0);
    let sky = Sky {
        minute: state.timeline.shown_ms().div_euclid(MINUTE_MS),
        cloud_percent: (cloud * 100.0).round() as i32,
        rain_tenths_mm: (rain_mm_per_h * 10.0).round() as i32,
        wind_m_per_s: wind_m_per_s.round() as i32,
    };
    if staged.sky == Some(sky) || state.park().is_none() {
        return;
    }
    staged.sky = Some(sky);
    looks.light = match state.sun() {
        Some(sun) => Light::of(sun, cloud),
        None => Light::constant(),
    };
    looks.rain = Rain::of(rain_mm_per_h, wind_m_per_s);
}

fn fulfil_camera_wish(
    mut view: ResMut<'_, View>,
    mut rig: ResMut<'_, Rig>,
    stage: Option<Res<'_, Stage>>,
) {
    if stage.is_none() {
        return;
    }
    let is_first = view.0.camera.is_none();
    let reduced = view.0.reduced_motion;
    if let Some(wish) = view.bypass_change_detection().0.take_camera_wish() {
        rig.fulfil(wish, reduced || is_first);
    }
    if view.0.camera != Some(rig.pose) {
        view.bypass_change_detection().0.camera = Some(rig.pose);
    }
}
