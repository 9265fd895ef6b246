//! Pictures of the shipped parks against the ones that a person looked at, in `tests/golden`.
//!
//! They are the same to the byte with the driver that they were made with (`tests/golden/driver.txt`), and nearly the same
//! with any other. `TERRARIUM_BLESS=1 cargo test --workspace --bin twin-viewer golden` makes them anew; look at them before you
//! commit.
//!
//! - here: the parks by day, by night, in rain, in every overlay; `desk`: the panels around them
//! - `colour`: colour is kept for what is abnormal, and says what it stands for; `faults`: pictures for fresh eyes
//! - `kept`: what is drawn again and what is not
//! - `show`: a park on a stage; `golden`: a picture against another

mod colour;
mod desk;
mod faults;
mod golden;
mod kept;
mod show;

use terrarium_view_model::{Command, Overlay, Report};

use self::colour::{assert_is_calm, only_the_asset_is_coloured, values_are_read_back};
use self::kept::{
    a_scene_whose_shaders_are_not_there_is_not_kept, an_unchanged_scene_is_not_drawn_again,
    signs_stand_at_their_assets_at_every_size_of_text,
    what_stirs_comes_out_over_the_kept_rest_as_if_all_were_drawn,
};
use self::show::{Show, alarms_of, balances};
use crate::picture::Picture;

const SIZE: (u32, u32) = (640, 360);

/// One test, as every app takes a renderer of its own.
#[test]
fn the_parks_look_as_they_did_and_colour_is_kept_for_what_is_abnormal() {
    let mut park = Show::of("haotian", "2026-06-21T12:00:00+08:00", SIZE, true);
    let noon = park.assert_golden("haotian-noon");
    assert_is_calm(&noon, "at noon");
    an_unchanged_scene_is_not_drawn_again(&mut park, &noon);
    a_scene_whose_shaders_are_not_there_is_not_kept(&mut park, &noon);
    signs_stand_at_their_assets_at_every_size_of_text(&mut park, &noon);
    park.look("parking");
    assert_is_calm(&park.assert_golden("haotian-parking"), "in the car park");
    park.look("compost-bay-2");
    assert_is_calm(&park.assert_golden("haotian-compost"), "at the empty bays");
    park.look("home");
    park.at("2026-06-21T19:20:00+08:00");
    assert_is_calm(&park.assert_golden("haotian-dusk"), "at dusk");
    park.at("2026-06-21T23:00:00+08:00");
    let night = park.assert_golden("haotian-night");
    assert_is_calm(&night, "at night");
    assert!(brightness(&night) < 0.6 * brightness(&noon));

    park.at("2026-06-22T12:00:00+08:00");
    alarm_at(&mut park, "haotian", "bin-4");
    park.look("bin-4");
    park.assert_golden("haotian-alarm");
    only_the_asset_is_coloured(&mut park, "haotian");

    park.look("home");
    park.values("2026-06-22T13:00:00+08:00", 12_000);
    let rain = park.assert_golden("haotian-rain");
    assert_is_calm(&rain, "in rain");
    assert!(
        brightness(&rain) < brightness(&noon),
        "rain is as bright as noon"
    );

    park.values("2026-06-22T13:30:00+08:00", 0);
    park.look("parking");
    assert_is_calm(&park.assert_golden("haotian-cars"), "with cars");
    what_stirs_comes_out_over_the_kept_rest_as_if_all_were_drawn(&mut park, "parking");
    park.values("2026-06-22T13:30:00+08:00", 0);
    park.look("home");
    overlays(&mut park, "haotian");
    values_are_read_back(&mut park);
    yizhuang(&mut park);
}

/// Alarms of one asset.
fn alarm_at(park: &mut Show, name: &str, asset: &str) {
    let now_ms = park.state().timeline.now_ms();
    let mut alarms = alarms_of(name, now_ms - 60_000);
    alarms.retain(|alarm| alarm.definition.asset == asset);
    assert!(!alarms.is_empty(), "nothing can be wrong with {asset}");
    park.alarms(alarms);
}

/// Each has its own picture, and all but none bring colour.
fn overlays(park: &mut Show, name: &str) {
    let carbon = balances(park.state());
    park.take(Report::Carbon(Box::new(carbon)));
    let mut seen: Vec<Picture> = Vec::new();
    for (overlay, of) in [
        (Overlay::Power, "power"),
        (Overlay::StateOfCharge, "charge"),
        (Overlay::Water, "water"),
        (Overlay::WasteFill, "waste"),
        (Overlay::CarbonIntensity, "carbon"),
        (Overlay::DataQuality, "quality"),
        (Overlay::Imbalance, "imbalance"),
    ] {
        park.does(Command::SetOverlay(overlay));
        let picture = park.assert_golden(&format!("{name}-{of}"));
        assert!(!seen.contains(&picture), "{of} looks like another overlay");
        seen.push(picture);
    }
    park.does(Command::SetOverlay(Overlay::None));
}

/// The other park: its turbines stand in the wind's way and are seen from far.
fn yizhuang(park: &mut Show) {
    park.change_to("yizhuang", "2026-06-21T12:00:00+08:00");
    park.values("2026-06-21T12:00:00+08:00", 0);
    assert_is_calm(&park.assert_golden("yizhuang-noon"), "at noon in Yizhuang");
    park.values("2026-06-21T23:00:00+08:00", 0);
    assert_is_calm(
        &park.assert_golden("yizhuang-night"),
        "at night in Yizhuang",
    );
    park.values("2026-06-22T12:00:00+08:00", 12_000);
    assert_is_calm(&park.assert_golden("yizhuang-rain"), "in rain in Yizhuang");
    park.values("2026-06-22T13:00:00+08:00", 0);
    alarm_at(park, "yizhuang", "storage.lithium");
    park.assert_golden("yizhuang-alarm");
    only_the_asset_is_coloured(park, "yizhuang");
    overlays(park, "yizhuang");
}

fn brightness(picture: &Picture) -> f64 {
    let sum: u64 = picture.rgb.iter().map(|value| u64::from(*value)).sum();
    sum as f64 / picture.rgb.len() as f64
}
