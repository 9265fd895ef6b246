//! Pictures of random faults for eyes that were not told where to look.

use std::fmt::Write;
use std::path::PathBuf;

use terrarium_view_model::{Language, ParkView};

use super::show::{Show, alarms_of};
use crate::picture::is_saturated;

const PICTURES: u64 = 10;
const SIZE: (u32, u32) = (1_280, 720);
/// A sign alone has more than this.
const LEAST_COLOURED: usize = 100;

/// `TERRARIUM_FAULT_PICTURES=FOLDER` keeps the pictures and which asset is faulty in each; `TERRARIUM_FAULT_SEED` makes
/// others.
#[test]
fn a_random_fault_can_be_seen_from_anywhere() {
    let folder = std::env::var_os("TERRARIUM_FAULT_PICTURES").map(PathBuf::from);
    let seed =
        std::env::var("TERRARIUM_FAULT_SEED").map_or(1, |text| text.parse().expect("a number"));
    let mut chance = Chance(seed);
    let mut answers = String::new();
    let mut park = Show::of("haotian", "2026-06-21T12:00:00+08:00", SIZE, true);
    for number in 1..=PICTURES {
        let name = ["haotian", "yizhuang"][usize::from(number > PICTURES / 2)];
        if number == PICTURES / 2 + 1 {
            park.change_to(name, "2026-06-21T12:00:00+08:00");
        }
        let hour = chance.below(24);
        // The clock only goes on.
        let at = format!("2026-07-{:02}T{hour:02}:00:00+08:00", number + 1);
        park.values(&at, if chance.below(5) == 0 { 6_000 } else { 0 });
        let now_ms = park.state().timeline.now_ms();
        let alarms = alarms_of(name, now_ms - 120_000);
        let alarm = alarms[chance.below(alarms.len() as u64) as usize].clone();
        let asset = alarm.definition.asset.clone();
        let what = alarm.definition.name.en.clone();
        park.alarms(vec![alarm]);
        let camera = camera(park.state().park().expect("a park"), &mut chance);
        park.look(&camera);
        let picture = park.picture();
        let coloured = picture
            .pixels()
            .filter(|pixel| is_saturated(*pixel))
            .count();
        assert!(
            coloured > LEAST_COLOURED,
            "{what} at {asset} from {camera}: {coloured} coloured pixels"
        );
        let view = park.state().park().expect("a park");
        let index = view.index_of(&asset).expect("it is there");
        let called = view.asset(index).name_in(Language::English);
        writeln!(
            answers,
            "{number}: {asset} ({called}): {what}; {name}, {at}, camera {camera}"
        )
        .expect("a String takes all");
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).expect("the folder of pictures");
            let png = picture.png().expect("a PNG");
            std::fs::write(folder.join(format!("{number}.png")), png).expect("writable");
        }
    }
    match folder {
        Some(folder) => std::fs::write(folder.join("answers.txt"), answers).expect("writable"),
        None => println!("{answers}"),
    }
}

/// Of the whole park, or of one of its zones: the fault may be out of sight.
fn camera(park: &ParkView, chance: &mut Chance) -> String {
    let zones = park.zones.iter().filter(|zone| !zone.outline.is_empty());
    let mut names: Vec<&str> = vec!["home", "south", "west", "east", "north", "top"];
    names.extend(zones.map(|zone| zone.id.as_str()));
    names[chance.below(names.len() as u64) as usize].to_owned()
}

/// A linear congruential generator (Knuth, MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
