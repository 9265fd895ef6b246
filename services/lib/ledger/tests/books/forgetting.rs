//! A ledger that lets go of old days, and what comes late: the days that it keeps are those of one that keeps everything.

use proptest::prelude::*;
use terrarium_ledger::{Fact, Grouping, ParkLedger, balance};

use crate::world::*;

const DAY: i64 = 24;
/// 2016-08-01, in days since 1970.
const FIRST_DAY: i64 = MIDNIGHT / 86_400;

fn read(id: &str, number: i64, wh: i64) -> Fact {
    counted(id, interval(number * HOUR, 0), wh)
}

/// What is asked of the hours of some days.
fn answers(ledger: &ParkLedger, from_hour: i64, to_hour: i64) -> Vec<String> {
    let view = ledger.present();
    let asked = period(from_hour, to_hour);
    let mut answers: Vec<String> = [Grouping::Asset, Grouping::Hour, Grouping::Day]
        .into_iter()
        .map(|grouping| format!("{:?}", balance(&view, asked, grouping, None)))
        .collect();
    for node in ["home", "shop", "works", "yard"] {
        for number in from_hour..to_hour {
            let hour = ledger.node_hour(&asset(node), hour(number));
            answers.push(format!("{node} {number} {hour:?}"));
        }
    }
    answers
}

/// A ledger that keeps everything, and one that was told the same and lets go of days: `(fact, None)`, or the day before which
/// it lets go, counted from the first.
fn both(steps: &[(Fact, Option<i64>)]) -> [ParkLedger; 2] {
    let mut full = ParkLedger::default();
    let mut brief = ParkLedger::default();
    for (position, (fact, cut)) in (0..).zip(steps) {
        tell(&mut full, position, fact);
        tell(&mut brief, position, fact);
        if let Some(day) = cut {
            brief.forget_days_before(FIRST_DAY + day);
        }
    }
    [full, brief]
}

#[test]
fn a_read_that_comes_after_its_day_was_let_go_of_moves_nothing_that_is_kept() {
    let steps = [
        (defined(&park(), 1), None),
        // The read of 11:00 is missing: both hours are spread.
        (read("yard.in", 10, 1_000), None),
        (read("yard.in", 13, 4_000), None),
        (hourly("home.load", 15 * DAY, 1), Some(1)),
        (read("yard.in", 11, 1_500), None),
        (read("yard.in", DAY + 5, 5_000), None),
    ];
    let [full, brief] = both(&steps);
    assert_eq!(
        answers(&brief, DAY, 2 * DAY),
        answers(&full, DAY, 2 * DAY),
        "the day that is kept"
    );
}

#[test]
fn a_register_that_was_silent_for_weeks_may_backfill_them() {
    let mut steps = vec![
        (defined(&park(), 1), None),
        (read("yard.in", 2, 1_000), None),
        (read("yard.in", 20 * DAY, 9_000), Some(6)),
    ];
    // The day after, it sends what it had kept.
    for number in 1..20 {
        let wh = 1_000 + number * 400;
        steps.push((read("yard.in", number * DAY, wh), None));
    }
    let [full, brief] = both(&steps);
    let kept = (6 * DAY, 20 * DAY);
    assert_eq!(
        answers(&brief, kept.0, kept.1),
        answers(&full, kept.0, kept.1)
    );
}

#[test]
fn a_new_definition_sums_up_only_the_days_that_are_kept() {
    let mut steps = vec![(defined(&park(), 1), None)];
    for number in 0..3 * DAY {
        steps.push((read("yard.in", number, number * 100), None));
    }
    steps.push((read("yard.in", 3 * DAY, 3 * DAY * 100), Some(2)));
    let other = parse_park(&park_text("another note", "Etc/UTC"));
    steps.push((defined(&other, 2), None));
    // Late: the day before the cut is still in the meter's book.
    let half_past = counted("yard.in", interval(DAY * HOUR + 1_800, 0), 2_450);
    steps.push((half_past, None));
    let [full, brief] = both(&steps);
    assert_eq!(
        answers(&brief, 2 * DAY, 3 * DAY),
        answers(&full, 2 * DAY, 3 * DAY)
    );
}

/// A meter of the park, when it was read (quarter hours), how much later that is told (hours), and what it says.
type Told = (usize, i64, i64, i64);

const TOLD_METERS: [(&str, bool); 5] = [
    ("yard.in", true),
    ("shop.pv", true),
    ("shop.in", false),
    ("shop.out", false),
    ("home.load", false),
];

/// In the order in which they are told; what is told twice stands once.
fn in_order(told: &[Told]) -> Vec<(Fact, i64)> {
    let mut seen = std::collections::BTreeSet::new();
    let mut told: Vec<Told> = told.to_vec();
    told.sort_by_key(|(_, quarter, late, _)| quarter + late * 4);
    told.into_iter()
        .filter_map(|(meter, quarter, late, wh)| {
            let (id, is_register) = TOLD_METERS[meter];
            let place = match is_register {
                true => interval(quarter * 900, 0),
                // Whole hours do not overlap.
                false => interval(quarter.div_euclid(4) * HOUR, 3_600),
            };
            let is_new = seen.insert((meter, place.start));
            is_new.then(|| (counted(id, place, wh), quarter.div_euclid(4) + late))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_ledger_that_lets_go_of_days_has_the_kept_ones_as_one_that_keeps_everything(
        told in proptest::collection::vec(
            (
                // The yard has no other meter: its hours are complete.
                prop_oneof![3 => Just(0_usize), 1 => 0..TOLD_METERS.len()],
                prop_oneof![3 => (0_i64..6 * 24).prop_map(|hour| hour * 4), 1 => 0_i64..6 * 24 * 4],
                prop_oneof![2 => Just(0_i64), 1 => 0_i64..60],
                0_i64..5_000,
            ),
            100..200,
        ),
        keeps_days in 0_i64..3,
    ) {
        let mut full = ParkLedger::default();
        let mut brief = ParkLedger::default();
        let definition = defined(&park(), 1);
        tell(&mut full, 0, &definition);
        tell(&mut brief, 0, &definition);
        let mut kept_from = i64::MIN;
        for (position, (fact, now)) in (1..).zip(in_order(&told)) {
            tell(&mut full, position, &fact);
            tell(&mut brief, position, &fact);
            let first_kept = now.div_euclid(DAY) - keeps_days;
            if first_kept > kept_from {
                kept_from = first_kept;
                brief.forget_days_before(FIRST_DAY + first_kept);
            }
        }
        let from = kept_from.max(-1) * DAY;
        for (seen, said) in answers(&brief, from, 11 * DAY).iter().zip(&answers(&full, from, 11 * DAY)) {
            prop_assert_eq!(seen, said);
        }
    }
}
