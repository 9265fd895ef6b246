//! Pictures of the shipped parks against the ones that a person looked at, in `tests/golden`.
//!
//! They are the same to the byte with the driver that they were made with (`tests/golden/driver.txt`), and nearly the same
//! with any other. `TERRARIUM_BLESS=1 cargo test -p terrarium-twin-viewer` makes them anew; look at them before you commit.

use std::path::{Path, PathBuf};

use bevy::render::renderer::RenderAdapterInfo;
use terrarium_model::Name;
use terrarium_view_model::{
    Alarm, AlarmDefinition, AlarmPriority, AlarmState, AlarmStatus, Report,
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
    fn of(park: &str, at: &str) -> Show {
        let mut stage = OffscreenStage::new(SIZE, 1).expect("a software adapter is installed");
        let mut view = View::default();
        view.0.reduced_motion = true;
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../deploy/parks/{park}.toml"));
        start::park_of_file(&mut view, &file, Some(at)).expect("a shipped park can be shown");
        view.0.take_camera_wish();
        stage.world().insert_resource(Bare(true));
        stage.world().insert_resource(view);
        let info = stage.world().resource::<RenderAdapterInfo>();
        let driver = format!("{} {}", info.name, info.driver_info);
        let mut show = Show { stage, driver };
        show.look("home");
        show
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
        let now_ms = start::moment_ms(at).expect("a moment");
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
    let mut haotian = Show::of("haotian", "2026-06-21T12:00:00+08:00");
    let noon = haotian.assert_golden("haotian-noon");
    assert!(
        noon.saturated_share() < 0.01,
        "at noon {} of the pixels are coloured",
        noon.saturated_share()
    );

    haotian.look("parking");
    let parking = haotian.assert_golden("haotian-parking");
    assert!(
        parking.saturated_share() < 0.01,
        "{} of the car park is coloured",
        parking.saturated_share()
    );
    haotian.look("home");

    haotian.at("2026-06-21T19:20:00+08:00");
    let dusk = haotian.assert_golden("haotian-dusk");
    assert!(
        dusk.saturated_share() < 0.01,
        "at dusk {} of the pixels are coloured",
        dusk.saturated_share()
    );

    haotian.at("2026-06-21T23:00:00+08:00");
    let night = haotian.assert_golden("haotian-night");
    assert!(
        night.saturated_share() < 0.01,
        "at night {} of the pixels are coloured",
        night.saturated_share()
    );
    assert!(brightness(&night) < 0.6 * brightness(&noon));

    haotian.at("2026-06-22T12:00:00+08:00");
    haotian.take(Report::Alarms {
        alarms: vec![alarm_of("bin-4")],
        position: Some(1),
        counted: None,
    });
    haotian.look("bin-4");
    let alarm = haotian.assert_golden("haotian-alarm");
    assert_only_one_place_is_saturated(&alarm);
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
