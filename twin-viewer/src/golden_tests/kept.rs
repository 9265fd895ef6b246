//! The scene and the panels are drawn when they changed and where they are seen; signs stand where their assets are drawn.

use std::sync::{Arc, Mutex};

use bevy::prelude::*;
use bevy::render::render_resource::{ComputePipelineDescriptor, PipelineCache};
use bevy::render::{Render, RenderApp, RenderSystems};
use bevy::shader::Shader;
use terrarium_render::{PanelChange, PanelDrawings, PanelsVersion, SceneDrawings};
use terrarium_view_model::{AssetIndex, Command, Connection, Drawing, Language, Overlay, Report};

use super::show::{Show, values_of};
use crate::picture::Picture;

/// It is put back as it was, to the byte; what changes is drawn.
pub fn an_unchanged_scene_is_not_drawn_again(park: &mut Show, before: &Picture) {
    // Until all of it has settled it is drawn.
    park.picture();
    let drawings = park.stage.world().resource::<SceneDrawings>().clone();
    let (drawn, put_back) = (drawings.drawn(), drawings.put_back());
    assert_eq!(park.picture(), *before, "what was kept is another picture");
    assert_eq!(drawings.drawn(), drawn, "nothing changed");
    assert!(drawings.put_back() > put_back);
    park.does(Command::Select(AssetIndex(0)));
    park.picture();
    assert!(drawings.drawn() > drawn);
    park.does(Command::ClearSelection);
    assert_eq!(park.picture(), *before);
    // Behind a plan there is nothing to draw.
    park.does(Command::ShowDrawing(Drawing::Plan));
    park.picture();
    park.does(Command::ShowDrawing(Drawing::Scene));
    assert_eq!(park.picture(), *before, "the scene comes back whole");
}

/// Cars, cables and gauges are drawn where only they have changed; nobody sees that it was only they.
pub fn what_stirs_comes_out_over_the_kept_rest_as_if_all_were_drawn(park: &mut Show, camera: &str) {
    let drawings = park.stage.world().resource::<SceneDrawings>().clone();
    let before = park.picture();
    let now_ms = park.state().timeline.now_ms();
    for hour in 1..4 {
        let delta = values_of(park.state().park().expect("a park"), now_ms, 0, hour);
        let waited_ms = 0;
        park.take(Report::Live { delta, waited_ms });
        let stirring = drawings.stirring();
        let over_the_rest = park.picture();
        assert!(drawings.stirring() > stirring, "all was drawn for {hour}");
        assert_ne!(over_the_rest, before, "nothing stirs in {hour}");
        park.look("home");
        park.picture();
        park.look(camera);
        let whole = drawings.whole();
        assert_eq!(park.picture(), over_the_rest, "drawn whole, {hour}");
        assert!(drawings.whole() > whole, "nothing was drawn whole");
    }
}

/// The shader of a pipeline that is asked for as soon as a test puts it here.
#[derive(Resource, Clone, Default)]
pub struct LateShader(Arc<Mutex<Option<Handle<Shader>>>>);

impl LateShader {
    /// Lets an app ask for it.
    pub fn install(&self, app: &mut App) {
        app.insert_resource(self.clone());
        if let Some(render) = app.get_sub_app_mut(RenderApp) {
            render
                .insert_resource(self.clone())
                .add_systems(Render, ask_for_late_shader.in_set(RenderSystems::Queue));
        }
    }
}

fn ask_for_late_shader(late: Res<'_, LateShader>, pipelines: Res<'_, PipelineCache>) {
    let wanted = late.0.lock().ok().and_then(|mut shader| shader.take());
    if let Some(shader) = wanted {
        pipelines.queue_compute_pipeline(ComputePipelineDescriptor {
            shader,
            ..ComputePipelineDescriptor::default()
        });
    }
}

/// While a shader is awaited, what needs it may be missing: such a picture is drawn anew until it is whole.
pub fn a_scene_whose_shaders_are_not_there_is_not_kept(park: &mut Show, before: &Picture) {
    const FRAMES: usize = 12;
    let world = park.stage.world();
    let shader = world.resource::<Assets<Shader>>().reserve_handle();
    let late = world.resource::<LateShader>().clone();
    *late.0.lock().expect("nobody panicked") = Some(shader.clone());
    let drawings = world.resource::<SceneDrawings>().clone();
    park.does(Command::Select(AssetIndex(0)));
    park.stage.frame().expect("a frame");
    park.stage.frame().expect("a frame");
    let put_back = drawings.put_back();
    for _ in 0..FRAMES {
        park.stage.frame().expect("a frame");
    }
    assert_eq!(drawings.put_back(), put_back, "half a picture was kept");
    let nothing = "@compute @workgroup_size(1) fn main() {}";
    let shaders = &mut park.stage.world().resource_mut::<Assets<Shader>>();
    shaders
        .insert(&shader, Shader::from_wgsl(nothing, "late.wgsl"))
        .expect("its handle was kept free");
    park.picture();
    assert!(drawings.put_back() > put_back, "now it is whole");
    park.does(Command::ClearSelection);
    assert_eq!(park.picture(), *before);
}

/// What stands in the picture from the frame before is what would be drawn, whatever has changed; and while nothing changes
/// nothing of it is drawn.
pub fn panels_stand_until_one_of_them_changes(desk: &mut Show) {
    let first = desk.picture();
    let drawings = desk.stage.world().resource::<PanelDrawings>().clone();
    let (whole, standing) = (drawings.whole(), drawings.standing());
    assert_eq!(desk.picture(), first);
    assert_eq!(drawings.whole(), whole, "nothing changed");
    assert!(drawings.standing() > standing);
    type Change = (&'static str, fn(&mut Show), fn(&mut Show));
    let changes: [Change; 10] = [
        (
            "the time of day",
            |desk| desk.at("2026-06-22T12:00:30+08:00"),
            |desk| desk.at("2026-06-22T12:00:00+08:00"),
        ),
        (
            "a selection and its panel",
            |desk| desk.does(Command::Select(AssetIndex(0))),
            |desk| desk.does(Command::ClearSelection),
        ),
        (
            "another language",
            |desk| desk.does(Command::SetLanguage(Language::Chinese)),
            |desk| desk.does(Command::SetLanguage(Language::English)),
        ),
        (
            "an overlay and its legend",
            |desk| desk.does(Command::SetOverlay(Overlay::Power)),
            |desk| desk.does(Command::SetOverlay(Overlay::None)),
        ),
        (
            "a panel that takes room from the scene",
            |desk| desk.does(Command::ShowCarbon(true)),
            |desk| desk.does(Command::ShowCarbon(false)),
        ),
        (
            "a plan in the place of the scene",
            |desk| desk.does(Command::ShowDrawing(Drawing::Plan)),
            |desk| desk.does(Command::ShowDrawing(Drawing::Scene)),
        ),
        (
            "larger texts",
            |desk| desk.does(Command::SetUiScale(1.5)),
            |desk| desk.does(Command::SetUiScale(1.0)),
        ),
        (
            "another eye",
            |desk| desk.look("parking"),
            |desk| desk.look("home"),
        ),
        (
            "a lost connection",
            |desk| {
                desk.take(Report::Connection(Connection::Connecting {
                    server: "http://127.0.0.1:7470".to_owned(),
                }));
            },
            |desk| desk.take(Report::Connection(Connection::Live)),
        ),
        (
            "another sky",
            |desk| desk.at("2026-06-21T22:00:00+08:00"),
            |desk| desk.at("2026-06-22T12:00:00+08:00"),
        ),
    ];
    let drawings = desk.stage.world().resource::<PanelDrawings>().clone();
    let partly = drawings.partly();
    for (what, change, back) in changes {
        let before = desk.picture();
        change(desk);
        let changed = desk.picture();
        assert_ne!(changed, before, "{what} is not seen");
        assert_eq!(drawn_whole(desk), changed, "{what} is seen in part");
        back(desk);
        let after = desk.picture();
        assert_ne!(after, changed, "{what} stays");
        assert_eq!(drawn_whole(desk), after, "{what} stays in part");
    }
    assert!(drawings.partly() > partly, "all was drawn for every change");
}

/// With nothing in it from a frame before.
fn drawn_whole(desk: &mut Show) -> Picture {
    let drawings = desk.stage.world().resource::<PanelDrawings>().clone();
    let whole = drawings.whole();
    desk.stage
        .world()
        .resource_mut::<PanelsVersion>()
        .change(PanelChange::Everywhere);
    // The second frame is there when the first one is drawn.
    desk.stage.frame().expect("a frame");
    desk.stage.frame().expect("a frame");
    assert!(drawings.whole() > whole);
    desk.picture()
}

/// The lower corners around what is selected stand below its foot, however large they are.
pub fn signs_stand_at_their_assets_at_every_size_of_text(park: &mut Show, before: &Picture) {
    const MOST_APART_PX: f64 = 4.0;
    /// Corners keep this distance, and half of their own stroke, in points.
    const AWAY: f64 = 7.0;
    let asset = {
        let park = park.state().park().expect("a park");
        park.index_of("visitor-centre").expect("it has one")
    };
    let mut feet: Vec<(f64, f64)> = Vec::new();
    for scale in [1.0, 1.5, 2.0] {
        park.does(Command::SetUiScale(scale));
        park.does(Command::ClearSelection);
        let without = park.picture();
        park.does(Command::Select(asset));
        let (x, y) = lowest_new_black(&park.picture(), &without);
        feet.push((x, y - AWAY * f64::from(scale)));
    }
    for (x, y) in &feet {
        let (first_x, first_y) = feet[0];
        assert!(
            (x - first_x).hypot(y - first_y) < MOST_APART_PX,
            "the corners stand elsewhere: {feet:?}"
        );
    }
    park.does(Command::SetUiScale(1.0));
    park.does(Command::ClearSelection);
    assert_eq!(park.picture(), *before);
}

/// The middle of the lowest rows that became nearly black.
fn lowest_new_black(picture: &Picture, without: &Picture) -> (f64, f64) {
    const ROWS: u32 = 3;
    let is_black = |pixel: [u8; 3]| pixel.iter().all(|channel| *channel < 60);
    let pairs = picture.pixels().zip(without.pixels());
    let places: Vec<(u32, u32)> = (0..)
        .zip(pairs)
        .filter(|(_, (now, before))| is_black(*now) && !is_black(*before))
        .map(|(place, _)| (place % picture.width, place / picture.width))
        .collect();
    let lowest = places.iter().map(|place| place.1).max();
    let lowest = lowest.expect("corners are seen");
    let row = places.iter().filter(|place| place.1 + ROWS > lowest);
    let (least, most) = row.fold((u32::MAX, 0), |(least, most), place| {
        (least.min(place.0), most.max(place.0))
    });
    (f64::from(least + most) / 2.0, f64::from(lowest))
}
