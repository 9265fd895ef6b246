//! The colours of the assets in rendered pictures, read through the legend that stands in the same picture.

use std::collections::BTreeMap;

use terrarium_proto::ledger::v1::BalanceLine;
use terrarium_tests::haotian::{FROM, TO, ms, park, simulate};
use terrarium_tests::{Clients, Seed, is_long};

use crate::image::{chroma_of, places, strength};
use crate::program::{Shot, Viewer};
use crate::said::{Asset, Trust, Twin, assets, expected, ledger_to};

const PICTURES: u64 = 150;
const PICTURES_OF_A_LONG_RUN: u64 = 3_000;
/// Of the legend's length: the bar has 48 steps.
const MOST_OFF: f64 = 0.025;
/// In shares of light: eight bits a channel.
const MOST_COLOUR_OFF: f64 = 0.015;
/// A value in doubt has lost at least a tenth of its colour.
const MOST_STRENGTH_IN_DOUBT: f64 = 0.9;
/// Colours that are nearly grey have nothing to lose.
const LEAST_STRENGTH: f64 = 0.08;
/// Meters that fall silent, so that there is something in doubt.
const SILENT: [&str; 5] = [
    "monitoring.load:dropout=1@2025-06-01T02:00:00Z..2025-06-01T12:00:00Z",
    "canopy.pv-1:dropout=1@2025-06-01T02:00:00Z..2025-06-02T02:00:00Z",
    "canopy.pv-3:dropout=1@2025-06-01T02:00:00Z..2025-06-02T02:00:00Z",
    "gallery.pv-2:dropout=1@2025-06-01T02:00:00Z..2025-06-02T02:00:00Z",
    "visitor-centre.pv-1:dropout=1@2025-06-01T02:00:00Z..2025-06-02T02:00:00Z",
];

/// A day after the last of them is heard again the ledger's day has no gap any more.
const WITHOUT_GAPS: [&str; 2] = ["2025-06-03T11:00:00+08:00", "2025-06-03T16:00:00+08:00"];

const OVERLAYS: [(&str, &[&str]); 7] = [
    (
        "power",
        &[
            "pv",
            "battery",
            "building",
            "charger",
            "load",
            "heat_pump",
            "chiller",
        ],
    ),
    ("charge", &["battery"]),
    ("water", &["tank"]),
    ("waste", &["bin", "compost_bay"]),
    // Haotian is balanced at its connection to the grid.
    ("carbon", &["connection_point"]),
    ("quality", &["pv", "battery", "building", "charger", "load"]),
    ("imbalance", &["connection_point"]),
];

/// How many colours were compared.
#[derive(Debug, Default)]
pub struct Compared {
    pub fresh: u64,
    pub doubtful: u64,
    pub by_overlay: BTreeMap<&'static str, u64>,
}

/// A view from somewhere around one of these assets.
pub fn view_of(seed: &mut Seed, assets: &[Asset], kinds: &[&str]) -> String {
    let of_kind: Vec<&Asset> = assets
        .iter()
        .filter(|asset| kinds.contains(&asset.kind.as_str()))
        .collect();
    let asset = of_kind[seed.below(of_kind.len() as u64) as usize];
    let (east, north) = asset.at;
    let distance_m = seed.between(14, 110);
    let (pitch_deg, heading_deg) = (seed.between(30, 75), seed.below(360));
    format!("eye={east:.1},{north:.1},{distance_m},{pitch_deg},{heading_deg}")
}

/// Every asset that shows enough of itself has the colour of its value. `may_be_fresh`: false while everything is old.
pub fn compare(
    shot: &Shot,
    overlay: &'static str,
    assets: &[Asset],
    twin: &Twin,
    ledger: &BTreeMap<String, BalanceLine>,
    may_be_fresh: bool,
    compared: &mut Compared,
) {
    let legend = shot.legend();
    let (low, high) = legend.range;
    for (number, pixels) in places(&shot.mask) {
        let asset = &assets[number - 1];
        let Some((value, trust)) = expected(overlay, asset, twin, ledger) else {
            continue;
        };
        if twin.has_alarm(asset) {
            // It has the colour of its alarm.
            continue;
        }
        let drawn = chroma_of(&shot.picture, &pixels);
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        let trust = if may_be_fresh { trust } else { Trust::Doubtful };
        match trust {
            Trust::Fresh => {
                let place = legend.scale.place(drawn);
                let off = legend
                    .scale
                    .off(drawn, (share - MOST_OFF, share + MOST_OFF));
                assert!(
                    off < MOST_COLOUR_OFF,
                    "{overlay} of {} is {value}, at {share:.3} of a legend from {low} to {high}; {} pixels of it show \
                     {place:.3} ({drawn:?} where {:?} is right)\n{}",
                    asset.id,
                    pixels.len(),
                    legend.scale.color(share),
                    at(shot, twin)
                );
                compared.fresh += 1;
                *compared.by_overlay.entry(overlay).or_default() += 1;
            }
            Trust::Doubtful => {
                let full = strength(legend.scale.color(share));
                if full < LEAST_STRENGTH {
                    continue;
                }
                assert!(
                    strength(drawn) < full * MOST_STRENGTH_IN_DOUBT,
                    "{overlay} of {} is {value} and in doubt, and looks as if it were not: {drawn:?}\n{}",
                    asset.id,
                    at(shot, twin)
                );
                compared.doubtful += 1;
            }
            Trust::Between => {}
        }
    }
}

fn at(shot: &Shot, twin: &Twin) -> String {
    let moment = jiff::Timestamp::from_millisecond(twin.moment_ms).expect("a moment");
    format!("at {moment}; {}", shot.path.display())
}

/// The ledger's lines where an overlay is about them.
pub async fn ledger_of(
    clients: &Clients,
    overlay: &str,
    moment_ms: i64,
) -> BTreeMap<String, BalanceLine> {
    match overlay {
        "carbon" | "imbalance" => ledger_to(clients, moment_ms).await,
        _ => BTreeMap::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_colours_of_the_assets_are_what_the_services_say() {
    let mut seed = Seed::from_environment("viewer_truth, pixels");
    let park = park(&SILENT);
    simulate(&park, WITHOUT_GAPS[1], &SILENT);
    let clients = park.clients().await;
    let assets = assets();
    let mut viewer = Viewer::start(&park.endpoint().grpc, &park.scratch("pictures"));
    let pictures = if is_long() {
        PICTURES_OF_A_LONG_RUN
    } else {
        PICTURES
    };
    let mut compared = Compared::default();
    for number in 0..pictures {
        let (overlay, kinds) = OVERLAYS[(number % OVERLAYS.len() as u64) as usize];
        let (from_ms, to_ms) = stretch(overlay, number / OVERLAYS.len() as u64);
        let seconds = u64::try_from((to_ms - from_ms) / 1_000).expect("later");
        let moment_ms = from_ms + 1_000 * i64::try_from(seed.below(seconds)).expect("two days");
        let moment = jiff::Timestamp::from_millisecond(moment_ms).expect("a moment");
        let eye = view_of(&mut seed, &assets, kinds);
        let shot = viewer.draw(&format!("at={moment}&overlay={overlay}&{eye}"));
        let twin = Twin::at(&clients, Some(moment_ms)).await;
        if twin.rains() {
            continue;
        }
        let ledger = ledger_of(&clients, overlay, moment_ms).await;
        compare(&shot, overlay, &assets, &twin, &ledger, true, &mut compared);
    }
    println!("{compared:?} in {pictures} pictures");
    assert!(compared.fresh > pictures, "{compared:?}");
    assert!(compared.doubtful > pictures / 50, "{compared:?}");
    for (overlay, _) in OVERLAYS {
        assert!(compared.by_overlay.contains_key(overlay), "{compared:?}");
    }
}

/// Where the moments of an overlay lie. A day of the ledger ends at the moment, and all of it has to be on record; every other
/// of them has no gap, so that its colours have to be trusted.
fn stretch(overlay: &str, round: u64) -> (i64, i64) {
    const HOUR_MS: i64 = 3_600_000;
    match (overlay, round % 2) {
        ("carbon" | "imbalance", 0) => (ms(WITHOUT_GAPS[0]), ms(WITHOUT_GAPS[1])),
        ("carbon" | "imbalance", _) => (ms(FROM) + 25 * HOUR_MS, ms(TO)),
        _ => (ms(FROM) + 6 * HOUR_MS, ms(TO)),
    }
}
