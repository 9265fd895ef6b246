//! Colour is kept for what is abnormal, and says what it stands for.

use std::collections::BTreeSet;

use terrarium_model::AssetKind;
use terrarium_view_model::{
    AssetIndex, Command, NewPoint, Overlay, PointName, Quality, Quantity, Report, Sample, TwinDelta,
};

use super::show::{Show, alarms_of};
use crate::picture::{Picture, is_saturated};
use crate::view::Reader;

/// Every so many of the things that can be wrong are looked at.
const ALARMS_PER_LOOK: usize = 9;

pub fn assert_is_calm(picture: &Picture, when: &str) {
    let share = picture.saturated_share();
    assert!(share < 0.01, "{when} {share} of the pixels are coloured");
}

/// With an alarm the only saturated pixels are the asset and its marker: looked at from near and with the whole park in sight.
/// Ends without alarms.
pub fn only_the_asset_is_coloured(park: &mut Show, name: &str) {
    let now_ms = park.state().timeline.now_ms();
    let alarms = alarms_of(name, now_ms - 60_000);
    for alarm in alarms.iter().step_by(ALARMS_PER_LOOK) {
        let asset = &alarm.definition.asset;
        let park_view = park.state().park().expect("a park");
        let index = park_view.index_of(asset).expect("it is there");
        for camera in ["home", asset] {
            park.alarms(Vec::new());
            park.look(camera);
            // Paint that is coloured for itself is as rare as in any normal scene.
            let normal = park.picture();
            assert_is_calm(&normal, &format!("at {asset} without its alarm"));
            let own = coloured(&normal);
            park.alarms(vec![alarm.clone()]);
            let marked = added(&park.picture(), &own);
            let scene = added(&park.picture_for(Reader::Program), &own);
            let asset_pixels = pixels_of(&park.picture_for(Reader::ProgramForPlaces), index);
            let astray: Vec<&(u32, u32)> = scene
                .iter()
                .filter(|place| !is_near(&asset_pixels, **place))
                .collect();
            assert!(
                astray.is_empty(),
                "{} from {camera} colours {} pixels that are not of {asset}, such as {:?}",
                alarm.id,
                astray.len(),
                astray[0]
            );
            let count = marked.len();
            let what = format!("{} from {camera}", alarm.id);
            assert!(count > 60, "{what} can't be seen: {count} coloured pixels");
            let marker: Vec<(u32, u32)> = marked
                .into_iter()
                .filter(|place| !is_near(&asset_pixels, *place))
                .collect();
            assert_is_a_marker(&marker, &what);
        }
    }
    park.alarms(Vec::new());
    park.look("home");
}

fn coloured(picture: &Picture) -> BTreeSet<(u32, u32)> {
    (0..)
        .zip(picture.pixels())
        .filter(|(_, pixel)| is_saturated(*pixel))
        .map(|(place, _)| (place % picture.width, place / picture.width))
        .collect()
}

fn added(picture: &Picture, before: &BTreeSet<(u32, u32)>) -> BTreeSet<(u32, u32)> {
    coloured(picture).difference(before).copied().collect()
}

/// The pixels of an asset in a mask.
fn pixels_of(mask: &Picture, asset: AssetIndex) -> BTreeSet<(u32, u32)> {
    (0..)
        .zip(mask.pixels())
        .filter(|(_, pixel)| {
            let digits = pixel.map(|channel| u32::from(channel >> 3));
            (digits[0] << 10) | (digits[1] << 5) | digits[2] == asset.0 + 1
        })
        .map(|(place, _)| (place % mask.width, place / mask.width))
        .collect()
}

fn is_near(pixels: &BTreeSet<(u32, u32)>, (x, y): (u32, u32)) -> bool {
    (x.saturating_sub(1)..=x + 1)
        .any(|x| (y.saturating_sub(1)..=y + 1).any(|y| pixels.contains(&(x, y))))
}

/// One sign with its stalk or its arrow, and nothing else.
fn assert_is_a_marker(places: &[(u32, u32)], what: &str) {
    const MOST_WIDTH: u32 = 50;
    const MOST_HEIGHT: u32 = 60;
    let span = |of: fn(&(u32, u32)) -> u32| {
        let least = places.iter().map(of).min().unwrap_or(0);
        let most = places.iter().map(of).max().unwrap_or(0);
        most - least
    };
    let (width, height) = (span(|place| place.0), span(|place| place.1));
    assert!(
        width <= MOST_WIDTH && height <= MOST_HEIGHT,
        "{what} is marked over {width} by {height} pixels"
    );
}

/// A store is told to hold one share of its capacity after the other, and its colour in the picture says the same.
pub fn values_are_read_back(park: &mut Show) {
    const MINUTE_MS: i64 = 60_000;
    let (id, capacity_wh, now_ms) = {
        let state = park.state();
        let mut assets = state.park().expect("a park").assets.iter();
        let store = assets.find(|asset| asset.kind == AssetKind::Battery);
        let store = store.expect("the park has a battery");
        let capacity_wh = store.capacity().expect("it holds something");
        (store.id.clone(), capacity_wh, state.timeline.now_ms())
    };
    park.look(&id);
    park.does(Command::SetOverlay(Overlay::StateOfCharge));
    let mut chance: u64 = 7;
    for round in 1..=40 {
        // A linear congruential generator (Knuth, MMIX).
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = ((chance >> 33) % 1_001) as i64;
        let moment_ms = now_ms + round * MINUTE_MS;
        tell_charge(park, &id, capacity_wh * share / 1_000, moment_ms);
        let read = share_read(&park.picture());
        let told = share as f32 / 1_000.0;
        // The darkest blues of the scale differ by their brightness alone.
        let most_off = if told < 0.14 { 0.12 } else { 0.03 };
        assert!(
            (read - told).abs() < most_off,
            "told {told}, the picture says {read}"
        );
    }
    park.does(Command::SetOverlay(Overlay::None));
    park.look("home");
}

fn tell_charge(park: &mut Show, id: &str, held_wh: i64, moment_ms: i64) {
    let name = PointName {
        asset: id.to_owned(),
        quantity: Quantity::StoredWh,
        source: String::new(),
    };
    let sample = Sample {
        value: held_wh,
        time_ms: moment_ms,
        recorded: Quality::Good,
    };
    let delta = TwinDelta {
        begins_anew: true,
        new_points: [(
            0,
            NewPoint {
                name,
                usual_interval_s: 900,
            },
        )]
        .into(),
        values: [(0, Some(sample))].into(),
        moment_ms,
        caught_up: true,
        ..TwinDelta::default()
    };
    park.take(Report::LiveMoment {
        first_ms: None,
        now_ms: moment_ms,
    });
    park.take(Report::Live {
        delta,
        waited_ms: 0,
    });
}

/// Where the colour in the middle of the picture stands on the scale. Light makes it brighter or darker, so only its
/// chromaticity counts.
fn share_read(picture: &Picture) -> f32 {
    let middle = (picture.height / 2 * picture.width + picture.width / 2) as usize;
    let seen = chromaticity(picture.pixels().nth(middle).expect("a pixel in the middle"));
    let off = |share: f32| {
        let of_scale = chromaticity(terrarium_view_model::color::sequential(share).0);
        (0..3)
            .map(|channel| (of_scale[channel] - seen[channel]).powi(2))
            .sum::<f32>()
    };
    let places = (0..=200).map(|place| place as f32 / 200.0);
    places
        .min_by(|one, other| off(*one).total_cmp(&off(*other)))
        .unwrap_or(0.0)
}

/// The shares of red, green and blue in the light of a colour.
fn chromaticity([red, green, blue]: [u8; 3]) -> [f32; 3] {
    let srgb = u32::from_be_bytes([0, red, green, blue]);
    let light = terrarium_scene::linear_of_srgb(srgb);
    let sum: f32 = light.iter().sum::<f32>().max(1e-6);
    light.map(|channel| channel / sum)
}
