//! Pictures of the shipped parks against the ones that a person looked at, in `tests/golden`.
//!
//! They are the same to the byte with the driver that they were made with (`tests/golden/driver.txt`), and nearly the same
//! with any other. `TERRARIUM_BLESS=1 cargo test -p terrarium-twin-viewer` makes them anew; look at them before you commit.

use std::path::{Path, PathBuf};

use bevy::render::renderer::RenderAdapterInfo;
use terrarium_model::{AssetKind, Name};
use terrarium_render::SceneDrawings;
use terrarium_view_model::{
    Alarm, AlarmDefinition, AlarmPriority, AlarmState, AlarmStatus, AssetIndex, AssetView,
    CarbonBalances, CarbonLine, Command, Drawing, Language, NewPoint, Overlay, Page, ParkView,
    PointName, Quality, Quantity, Report, Sample, TwinDelta,
};

use crate::offscreen::OffscreenStage;
use crate::panels::Bare;
use crate::picture::{Picture, is_saturated};
use crate::rig::Rig;
use crate::view::View;
use crate::{cameras, start};

const SIZE: (u32, u32) = (640, 360);

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

/// A park on the stage, without panels.
struct Show {
    stage: OffscreenStage,
    driver: String,
}

impl Show {
    fn of(park: &str, at: &str, size: (u32, u32), bare: bool) -> Show {
        let mut stage = OffscreenStage::new(size, 1).expect("a software adapter is installed");
        stage.world().insert_resource(Bare(bare));
        stage.world().insert_resource(view_of(park, at));
        let info = stage.world().resource::<RenderAdapterInfo>();
        let driver = format!("{} {}", info.name, info.driver_info);
        let mut show = Show { stage, driver };
        show.look("home");
        show
    }

    /// Another park on the same stage.
    fn change_to(&mut self, park: &str, at: &str) {
        let mut view = view_of(park, at);
        let known = &mut self.stage.world().resource_mut::<View>().0;
        // The stage sees by its number that the park is another one.
        while view.0.park_generation() <= known.park_generation() {
            let definition = std::fs::read_to_string(file_of("zne-homes")).expect("a shipped park");
            for text in [
                definition,
                std::fs::read_to_string(file_of(park)).expect("a shipped park"),
            ] {
                let now_ms = view.0.timeline.now_ms();
                view.0.take(Report::Park {
                    definition: text,
                    first_ms: None,
                    now_ms,
                });
            }
        }
        view.0.take_camera_wish();
        *known = view.0;
        self.look("home");
    }

    fn does(&mut self, command: Command) {
        self.stage.world().resource_mut::<View>().0.apply(command);
    }

    /// Values of every asset at a moment, rain with them or not.
    fn values(&mut self, at: &str, rain_um_per_h: i64) {
        self.at(at);
        let state = &self.stage.world().resource::<View>().0;
        let delta = values_of(
            state.park().expect("a park"),
            state.timeline.now_ms(),
            rain_um_per_h,
        );
        self.take(Report::Live {
            delta,
            waited_ms: 0,
        });
    }

    fn look(&mut self, camera: &str) {
        let world = self.stage.world();
        let pose = cameras::named(world.resource::<View>().0.park().expect("a park"), camera)
            .expect("a camera");
        world.resource_mut::<Rig>().jump(pose);
    }

    fn take(&mut self, report: Report) {
        self.stage.world().resource_mut::<View>().0.take(report);
    }

    fn at(&mut self, at: &str) {
        let now_ms = start::moment_ms("--at", at).expect("a moment");
        self.take(Report::LiveMoment {
            first_ms: None,
            now_ms,
        });
    }

    fn picture(&mut self) -> Picture {
        self.stage.picture().expect("a picture")
    }

    fn assert_golden(&mut self, name: &str) -> Picture {
        let picture = self.picture();
        compare(&picture, name, &self.driver);
        picture
    }
}

fn file_of(park: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../deploy/parks/{park}.toml"))
}

fn view_of(park: &str, at: &str) -> View {
    let mut view = View::default();
    view.0.reduced_motion = true;
    start::park_of_file(&mut view, &file_of(park), Some(at)).expect("a shipped park can be shown");
    view.0.take_camera_wish();
    view
}

/// A value of each asset that has one, other ones from asset to asset.
fn values_of(park: &ParkView, moment_ms: i64, rain_um_per_h: i64) -> TwinDelta {
    let mut delta = TwinDelta {
        begins_anew: true,
        moment_ms,
        position: Some(1),
        head_position: Some(1),
        caught_up: true,
        ..TwinDelta::default()
    };
    for (number, asset) in (0_i64..).zip(&park.assets) {
        for (quantity, value) in values_of_asset(asset, number, rain_um_per_h) {
            let point = delta.new_points.len() as u32;
            let name = PointName {
                asset: asset.id.clone(),
                quantity,
                source: String::new(),
            };
            delta.new_points.insert(
                point,
                NewPoint {
                    name,
                    usual_interval_s: 900,
                },
            );
            let sample = Sample {
                value,
                time_ms: moment_ms,
                recorded: Quality::Good,
            };
            delta.values.insert(point, Some(sample));
        }
    }
    delta
}

fn values_of_asset(asset: &AssetView, number: i64, rain_um_per_h: i64) -> Vec<(Quantity, i64)> {
    let share = |whole: i64| whole * (30 + number * 17 % 60) / 100;
    let rated_w = asset.rated_w.unwrap_or(5_000);
    let held = share(asset.capacity().unwrap_or(0));
    match asset.kind {
        AssetKind::Battery => vec![
            (Quantity::StoredWh, held),
            (Quantity::StoragePowerW, -share(rated_w)),
        ],
        AssetKind::Pv | AssetKind::Wind => vec![(Quantity::GenerationW, share(rated_w))],
        AssetKind::Tank => vec![(Quantity::LevelL, held)],
        AssetKind::CompostBay => vec![(Quantity::CompostG, held)],
        AssetKind::Bin => vec![(Quantity::FillPermille, share(1_000))],
        AssetKind::Charger => {
            let way = if number % 2 == 0 { 1 } else { -1 };
            vec![
                (Quantity::Session, 1),
                (Quantity::SessionPowerW, way * share(rated_w)),
            ]
        }
        AssetKind::WeatherStation => {
            let cloud = if rain_um_per_h > 0 { 950 } else { 100 };
            vec![
                (Quantity::RainUmPerH, rain_um_per_h),
                (Quantity::CloudPermille, cloud),
            ]
        }
        AssetKind::Building | AssetKind::HeatPump | AssetKind::Chiller | AssetKind::Load => {
            vec![(Quantity::ConsumptionW, share(rated_w))]
        }
        _ => Vec::new(),
    }
}

/// A balance in which every asset with a meter has a line.
fn balances(park: &ParkView) -> CarbonBalances {
    let mut carbon = CarbonBalances {
        from: "2026-06-21T00:00:00+08:00".to_owned(),
        to: "2026-06-22T00:00:00+08:00".to_owned(),
        position: Some(4_711),
        ..CarbonBalances::default()
    };
    for (number, asset) in (1_i64..)
        .zip(&park.assets)
        .filter(|(_, asset)| !asset.meters.is_empty())
    {
        let consumption_wh = 10_000 * number;
        let line = CarbonLine {
            consumption_wh,
            unexplained_wh: (number % 7 - 3) * 400,
            scope2_location_mg: consumption_wh * (number * 53 % 600),
            hours_expected: 24,
            hours_metered: 24,
            ..CarbonLine::default()
        };
        carbon.total.consumption_wh += line.consumption_wh;
        carbon.total.scope2_location_mg += line.scope2_location_mg;
        carbon.by_asset.insert(asset.id.clone(), line);
    }
    carbon.total.hours_expected = 24;
    carbon.total.hours_metered = 24;
    carbon
}

fn compare(picture: &Picture, name: &str, driver: &str) {
    let folder = golden_folder();
    let file = folder.join(format!("{name}.png"));
    let bytes = picture.png().expect("a PNG");
    if std::env::var_os("TERRARIUM_BLESS").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder of golden images");
        std::fs::write(&file, bytes).expect("a golden image is written");
        std::fs::write(folder.join("driver.txt"), driver).expect("the driver is written");
        return;
    }
    let golden = read(&file);
    let made_with = std::fs::read_to_string(folder.join("driver.txt")).unwrap_or_default();
    let is_right = if made_with == driver {
        golden == *picture
    } else {
        is_nearly_the_same(&golden, picture)
    };
    if !is_right {
        let actual = std::env::temp_dir().join(format!("terrarium-{name}.png"));
        std::fs::write(&actual, bytes).expect("the actual picture is written");
        panic!(
            "{name} does not look like {} any more (made with {made_with}, drawn with {driver}); it now looks like {}",
            file.display(),
            actual.display()
        );
    }
}

fn read(file: &Path) -> Picture {
    let opened =
        std::fs::File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(opened))
        .read_info()
        .expect("a PNG");
    let mut rgb = vec![0; reader.output_buffer_size().expect("a PNG of our size")];
    let info = reader.next_frame(&mut rgb).expect("a PNG");
    Picture {
        width: info.width,
        height: info.height,
        rgb,
    }
}

/// Other drivers round otherwise and cut edges otherwise.
fn is_nearly_the_same(one: &Picture, other: &Picture) -> bool {
    const FAR: u8 = 24;
    const MOST_FAR_SHARE: f64 = 0.03;
    let far = one
        .pixels()
        .zip(other.pixels())
        .filter(|(one, other)| one.iter().zip(other).any(|(a, b)| a.abs_diff(*b) > FAR))
        .count();
    (one.width, one.height) == (other.width, other.height)
        && far as f64 <= MOST_FAR_SHARE * f64::from(one.width * one.height)
}

fn alarm_of(asset: &str) -> Alarm {
    let text = |text: &str| Name {
        en: text.to_owned(),
        zh: text.to_owned(),
    };
    Alarm {
        id: format!("overflow/{asset}"),
        definition: AlarmDefinition {
            asset: asset.to_owned(),
            condition: "bin_overflow".to_owned(),
            priority: AlarmPriority::High,
            name: text("Overflow"),
            cause: text("The bin is full"),
            consequence: text("Waste lies about"),
            action: text("Empty it"),
            respond_within_s: 3_600,
            quantity: None,
        },
        status: AlarmStatus {
            state: AlarmState::Unacknowledged,
            is_active: true,
            occurrence: String::new(),
            raised_ms: None,
            changed_ms: None,
            shelved_until_ms: None,
            actor: String::new(),
            reason: String::new(),
            value: None,
            limit: None,
        },
    }
}

/// One test, as every app takes a renderer of its own.
#[test]
fn the_parks_look_as_they_did_and_colour_is_kept_for_what_is_abnormal() {
    let mut park = Show::of("haotian", "2026-06-21T12:00:00+08:00", SIZE, true);
    let noon = park.assert_golden("haotian-noon");
    assert_is_calm(&noon, "at noon");
    an_unchanged_scene_is_not_drawn_again(&mut park, &noon);
    signs_stand_at_their_assets_at_every_size_of_text(&mut park, &noon);
    park.look("parking");
    assert_is_calm(&park.assert_golden("haotian-parking"), "in the car park");
    park.look("home");
    park.at("2026-06-21T19:20:00+08:00");
    assert_is_calm(&park.assert_golden("haotian-dusk"), "at dusk");
    park.at("2026-06-21T23:00:00+08:00");
    let night = park.assert_golden("haotian-night");
    assert_is_calm(&night, "at night");
    assert!(brightness(&night) < 0.6 * brightness(&noon));

    park.at("2026-06-22T12:00:00+08:00");
    park.take(Report::Alarms {
        alarms: vec![alarm_of("bin-4")],
        position: Some(1),
        counted: None,
    });
    park.look("bin-4");
    assert_only_one_place_is_saturated(&park.assert_golden("haotian-alarm"));
    park.take(Report::Alarms {
        alarms: Vec::new(),
        position: Some(2),
        counted: None,
    });

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
    park.look("home");
    overlays(&mut park);
    values_are_read_back_from_the_picture(&mut park);
    yizhuang(&mut park);
}

/// It is put back as it was, to the byte; what changes is drawn.
fn an_unchanged_scene_is_not_drawn_again(park: &mut Show, before: &Picture) {
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

/// The lower corners around what is selected stand below its foot, however large they are.
fn signs_stand_at_their_assets_at_every_size_of_text(park: &mut Show, before: &Picture) {
    const MOST_APART_PX: f64 = 4.0;
    /// Corners keep this distance, and half of their own stroke, in points.
    const AWAY: f64 = 7.0;
    let asset = {
        let state = &park.stage.world().resource::<View>().0;
        let park = state.park().expect("a park");
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

fn assert_is_calm(picture: &Picture, when: &str) {
    let share = picture.saturated_share();
    assert!(share < 0.01, "{when} {share} of the pixels are coloured");
}

/// Each has its own picture, and all but none bring colour.
fn overlays(park: &mut Show) {
    let carbon = {
        let state = &park.stage.world().resource::<View>().0;
        balances(state.park().expect("a park"))
    };
    park.take(Report::Carbon(Box::new(carbon)));
    let mut seen: Vec<Picture> = Vec::new();
    for (overlay, name) in [
        (Overlay::Power, "power"),
        (Overlay::StateOfCharge, "charge"),
        (Overlay::Water, "water"),
        (Overlay::WasteFill, "waste"),
        (Overlay::CarbonIntensity, "carbon"),
        (Overlay::DataQuality, "quality"),
        (Overlay::Imbalance, "imbalance"),
    ] {
        park.does(Command::SetOverlay(overlay));
        let picture = park.assert_golden(&format!("haotian-{name}"));
        assert!(
            !seen.contains(&picture),
            "{name} looks like another overlay"
        );
        seen.push(picture);
    }
    park.does(Command::SetOverlay(Overlay::None));
}

/// A store is told to hold one share of its capacity after the other, and its colour in the picture says the same.
fn values_are_read_back_from_the_picture(park: &mut Show) {
    // The sun is yellowish, the sky bluish, and some of the clay shows through.
    const MOST_OFF: f32 = 0.12;
    const MINUTE_MS: i64 = 60_000;
    let (id, capacity_wh, now_ms) = {
        let state = &park.stage.world().resource::<View>().0;
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
        let name = PointName {
            asset: id.clone(),
            quantity: Quantity::StoredWh,
            source: String::new(),
        };
        let sample = Sample {
            value: capacity_wh * share / 1_000,
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
        let read = share_read(&park.picture());
        let told = share as f32 / 1_000.0;
        assert!(
            (read - told).abs() < MOST_OFF,
            "told {told}, the picture says {read}"
        );
    }
    park.does(Command::SetOverlay(Overlay::None));
    park.look("home");
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
}

/// The operator's panels around the park: a replay that can't be taken for live, the plan, the ledger in both languages.
#[test]
fn the_panels_look_as_they_did() {
    let mut desk = Show::of("haotian", "2026-06-21T12:00:00+08:00", (1_120, 630), false);
    desk.values("2026-06-21T12:00:00+08:00", 0);
    let carbon = {
        let state = &desk.stage.world().resource::<View>().0;
        balances(state.park().expect("a park"))
    };
    desk.take(Report::Carbon(Box::new(carbon)));
    desk.does(Command::ShowCarbon(true));
    let english = desk.assert_golden("desk-ledger-en");
    desk.does(Command::SetLanguage(Language::Chinese));
    let chinese = desk.assert_golden("desk-ledger-zh");
    assert_ne!(english, chinese);
    desk.does(Command::ShowCarbon(false));
    desk.does(Command::SetLanguage(Language::English));
    desk.does(Command::ShowDrawing(Drawing::Plan));
    desk.assert_golden("desk-plan");
    desk.does(Command::ShowDrawing(Drawing::Scene));

    let moment_ms = start::moment_ms("--at", "2026-06-21T11:00:00+08:00").expect("a moment");
    desk.does(Command::SeekExact { moment_ms });
    let mut delta = {
        let state = &desk.stage.world().resource::<View>().0;
        values_of(state.park().expect("a park"), moment_ms, 0)
    };
    delta.caught_up = true;
    desk.take(Report::Replay {
        delta,
        is_end: true,
    });
    let replay = desk.assert_golden("desk-replay");
    let frame = replay.pixels().filter(|pixel| is_violet(*pixel)).count();
    assert!(frame > 1_000, "the frame of a replay has {frame} pixels");
    assert_eq!(
        english.pixels().filter(|pixel| is_violet(*pixel)).count(),
        0
    );

    desk.does(Command::ShowPage(Page::Visitors));
    desk.assert_golden("desk-visitors");
}

/// The colour that only a replay has.
fn is_violet([red, green, blue]: [u8; 3]) -> bool {
    blue > 140 && red > 80 && red < 140 && green < 90
}

/// The coloured pixels fit into a box of a quarter of the picture: the asset and the sign above it.
fn assert_only_one_place_is_saturated(picture: &Picture) {
    let places: Vec<(u32, u32)> = (0..)
        .zip(picture.pixels())
        .filter(|(_, pixel)| is_saturated(*pixel))
        .map(|(place, _)| (place % picture.width, place / picture.width))
        .collect();
    assert!(
        places.len() > 60,
        "the alarm can't be seen: {} coloured pixels",
        places.len()
    );
    let span = |of: &dyn Fn(&(u32, u32)) -> u32| {
        let least = places.iter().map(of).min().unwrap_or(0);
        let most = places.iter().map(of).max().unwrap_or(0);
        most - least
    };
    let (width, height) = (span(&|place| place.0), span(&|place| place.1));
    assert!(
        width <= picture.width / 2 && height <= picture.height / 2,
        "colour is spread over {width} by {height} pixels"
    );
}

fn brightness(picture: &Picture) -> f64 {
    let sum: u64 = picture.rgb.iter().map(|value| u64::from(*value)).sum();
    sum as f64 / picture.rgb.len() as f64
}
