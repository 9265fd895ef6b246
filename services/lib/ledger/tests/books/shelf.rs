//! A ledger whose far past lies on a shelf answers as one that holds everything.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::carbon::{CarbonFact, WaterFlow, WaterMetered};
use terrarium_ledger::{AsOf, DayBlocks, Fact, Grouping, How, ParkLedger, Period, balance};
use terrarium_model::{AssetId, Interval, Shelf};

use crate::world::*;

const DAYS: i64 = 420;
const HOUR_S: u32 = 3_600;

/// A shelf in memory with so many places.
#[derive(Debug)]
struct Places {
    kept: Mutex<Vec<Vec<u8>>>,
    most: usize,
}

impl Shelf for Places {
    fn put(&self, bytes: &[u8]) -> Option<u64> {
        let mut kept = self.kept.lock().expect("no test holds it");
        if kept.len() == self.most {
            return None;
        }
        kept.push(bytes.to_vec());
        Some(kept.len() as u64 - 1)
    }

    fn get(&self, place: u64, bytes: usize) -> Vec<u8> {
        let kept = self.kept.lock().expect("no test holds it");
        let found = kept[place as usize].clone();
        assert_eq!(found.len(), bytes);
        found
    }
}

fn places(most: usize) -> Arc<Places> {
    Arc::new(Places {
        kept: Mutex::default(),
        most,
    })
}

/// A reading of a meter for electricity, a read of a register, or a reading of water.
fn told(kind: u8, hour_number: i64, amount: i64) -> Fact {
    match kind {
        0 => hourly("home.load", hour_number, amount),
        1 => counted("yard.in", interval(hour_number * HOUR, 0), amount),
        _ => Fact::Carbon(CarbonFact::Water(WaterMetered {
            asset: AssetId::new("home").expect("an id"),
            flow: WaterFlow::Supply,
            interval: Interval {
                start: hour(hour_number),
                seconds: HOUR_S,
            },
            litres: amount,
        })),
    }
}

fn water(ledger: &ParkLedger, period: Period, as_of: AsOf) -> Vec<(Interval, i64, u64)> {
    let home = AssetId::new("home").expect("an id");
    let flow = WaterFlow::Supply;
    ledger
        .activities()
        .water_readings(&home, flow, period.from, period.to, as_of)
        .map(|reading| (reading.interval, reading.litres, reading.position))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_shelf_changes_no_answer(
        days in prop::collection::vec((0_u8..3, 0_i64..24, 0_i64..5_000), 600),
        gap in 0_i64..120,
        late in prop::collection::vec((0_u8..3, 0_i64..DAYS * 24, 0_i64..5_000), 0..40),
        corrected in prop::collection::vec((any::<Index>(), 0_i64..5_000), 0..20),
        releases in prop::collection::vec((any::<Index>(), 0_i64..DAYS * 24, 1_i64..DAYS * 24), 0..5),
        most in prop_oneof![0_usize..12, Just(usize::MAX)],
        asked_at in any::<Index>(),
        asked in (0_i64..DAYS * 24, 1_i64..DAYS * 24),
    ) {
        let mut facts = vec![defined(&park(), 1)];
        for (place, (kind, hour_of_day, amount)) in days.iter().enumerate() {
            // A stretch of silence in the middle.
            let day = place as i64 * DAYS / 600;
            let day = day + if day > DAYS / 2 { gap } else { 0 };
            facts.push(told(*kind, day * 24 + hour_of_day, *amount));
        }
        facts.extend(late.iter().map(|(kind, hour_number, amount)| told(*kind, *hour_number, *amount)));
        for (which, amount) in &corrected {
            let (_, hour_of_day, _) = days[which.index(days.len())];
            let day = which.index(days.len()) as i64 * DAYS / 600;
            let of = interval((day * 24 + hour_of_day) * HOUR, HOUR_S);
            facts.push(counted_as("home.load", of, *amount, 1, How::Corrected));
        }
        for (number, (place, from, hours)) in releases.iter().enumerate() {
            let (set, on) = (format!("release-{number}"), format!("2016-01-{:02}", number + 1));
            let factor = 100 + number as i64;
            let released = constant_factor(&set, "1", &on, *from, from + hours, factor);
            facts.insert(1 + place.index(facts.len()), published(released));
        }
        let shelf = places(most);
        let on_shelf = || Some(Arc::clone(&shelf) as Arc<dyn Shelf>);
        let mut shelved = ParkLedger::shelved(on_shelf());
        let mut whole = ParkLedger::default();
        for (position, fact) in (0..).zip(&facts) {
            tell(&mut shelved, position, fact);
            tell(&mut whole, position, fact);
        }
        let put = shelf.kept.lock().expect("no test holds it").len();
        prop_assert!(put > 0 || most == 0, "nothing was put away");
        prop_assert_eq!(shelved.hashes(), whole.hashes());
        let as_of = AsOf { at: None, known_at: Some(asked_at.index(facts.len()) as u64) };
        let period = period(asked.0, asked.0 + asked.1);
        for as_of in [AsOf::default(), as_of] {
            for grouping in [Grouping::Asset, Grouping::Hour] {
                prop_assert_eq!(
                    balance(&shelved.view(as_of), period, grouping, None),
                    balance(&whole.view(as_of), period, grouping, None)
                );
            }
            prop_assert_eq!(water(&shelved, period, as_of), water(&whole, period, as_of));
        }
        // What is kept between two runs is the same, and goes to the shelf again when it is taken in.
        let blocks = shelved.day_blocks();
        prop_assert_eq!(&blocks, &whole.day_blocks());
        let mut again = ParkLedger::shelved(on_shelf());
        for (position, fact) in (0..).zip(&facts) {
            if !matches!(fact, Fact::ReadingCounted { .. }) {
                tell(&mut again, position, fact);
            }
        }
        again.take_day_blocks(DayBlocks::read(&blocks).expect("just written"));
        prop_assert_eq!(again.hashes(), whole.hashes());
    }
}
