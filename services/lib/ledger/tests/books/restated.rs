//! Closed periods and what moves them: both values, the reason, the threshold, and what was known when.

use terrarium_ledger::claims::boundary::Boundary;
use terrarium_ledger::{
    AsOf, Fact, Figures, GwpSet, How, ParkLedger, PeriodState, PeriodStep, Restatement,
    RestatementReason, Sight,
};

use crate::invariants::{moved, opened};
use crate::world::*;

const DAY: i64 = 24;

/// Average factor of North China for the day, as released for data years 2021, 2022 and 2023, in ten-thousandths.
const RELEASES: [(&str, &str, i64); 3] = [
    ("2021", "2024-04-12", 7_120),
    ("2022", "2024-12-31", 6_776),
    ("2023", "2026-01-15", 6_361),
];

fn release(number: usize) -> Fact {
    let (version, published_on, ten_thousandths) = RELEASES[number];
    let mut set = constant_factor(
        "cn-north-average",
        version,
        published_on,
        0,
        DAY,
        ten_thousandths,
    );
    set.scale = 4;
    published(set)
}

/// A day of 1,000 Wh imported every hour but the last, priced by the first release, closed.
fn closed_day() -> Vec<Fact> {
    let mut facts = vec![defined(&park(), 1), release(0), opened("day", 0, DAY)];
    for number in 0..DAY - 1 {
        facts.push(hourly("home.load", number, 1_000));
        facts.push(hourly("home.pv", number, 0));
    }
    facts.push(moved("day", DAY, PeriodStep::Closed));
    facts
}

fn restatements(ledger: &ParkLedger, as_of: AsOf) -> Vec<Restatement> {
    let entries = ledger.view(as_of).restatements("day", GwpSet::Ar6);
    entries
        .expect("it was opened")
        .expect("CO2 has a potential")
}

fn reported(ledger: &ParkLedger) -> Figures {
    let figures = ledger.present().reported("day", GwpSet::Ar6);
    figures
        .expect("it was closed")
        .expect("CO2 has a potential")
}

fn known_at(position: usize) -> AsOf {
    AsOf {
        at: None,
        known_at: Some(position as u64),
    }
}

#[test]
fn each_release_restates_the_day_and_only_the_step_past_five_per_cent_is_flagged() {
    let mut facts = closed_day();
    let closed_at = facts.len() - 1;
    facts.extend([
        release(1),
        moved(
            "day",
            30,
            PeriodStep::Restated(RestatementReason::NewFactors),
        ),
    ]);
    facts.push(release(2));
    let ledger = ledger_of(&facts);
    let entries = restatements(&ledger, AsOf::default());
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.run.reason,
                entry.before.location_mg,
                entry.after.location_mg,
                entry.is_material,
                entry.taken_over_at,
            )
        })
        .collect();
    // 23 kWh; 0.7120 -> 0.6776 is -4.8 %, 0.6776 -> 0.6361 is -6.1 %.
    let reason = RestatementReason::NewFactors;
    assert_eq!(
        told,
        [
            (
                reason,
                16_376_000,
                15_584_800,
                false,
                Some(closed_at as u64 + 2)
            ),
            (reason, 15_584_800, 14_630_300, true, None),
        ]
    );
    assert_eq!(
        entries[0].after.books_sha256,
        entries[1].before.books_sha256
    );
    assert_ne!(
        entries[0].before.books_sha256,
        entries[0].after.books_sha256
    );
    // What was reported is what a person took over last, whatever came since.
    assert_eq!(reported(&ledger).location_mg, 15_584_800);
    // At any moment: what was known then.
    for (position, mg, number) in [
        (closed_at, 16_376_000, 0),
        (closed_at + 1, 15_584_800, 1),
        (closed_at + 2, 15_584_800, 1),
        (closed_at + 3, 14_630_300, 2),
    ] {
        let books = ledger
            .books(period(0, DAY), known_at(position))
            .expect("defined");
        let figures =
            Figures::of(&books, &Boundary::default(), GwpSet::Ar6).expect("CO2 has a potential");
        assert_eq!(figures.location_mg, mg, "known at {position}");
        assert_eq!(restatements(&ledger, known_at(position)).len(), number);
    }
}

#[test]
fn late_readings_corrections_and_definitions_each_have_their_reason() {
    let mut facts = closed_day();
    facts.extend([
        hourly("home.load", DAY - 1, 5_000),
        hourly("home.pv", DAY - 1, 0),
        counted_as("home.load", interval(0, 3_600), 2_000, 1, How::Corrected),
        counted_as(
            "home.load",
            interval(3_600, 3_600),
            2_000,
            1,
            How::Corrected,
        ),
        // Outside of the day: it moves nothing of it.
        hourly("home.load", DAY + 3, 1),
        hourly("home.pv", DAY + 3, 1),
        // A release that another one precedes moves nothing either.
        published(constant_factor("older", "1", "2000-01-01", 0, DAY, 1)),
        defined(
            &parse_park(&park_text("pjm", "Etc/UTC").replace("caiso", "pjm")),
            2,
        ),
    ]);
    let entries = restatements(&ledger_of(&facts), AsOf::default());
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.number,
                entry.run.reason,
                entry.run.facts,
                entry.after.location_mg,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, RestatementReason::LateData, 1, 19_936_000),
            (2, RestatementReason::CorrectedData, 2, 21_360_000),
            (3, RestatementReason::BoundaryChange, 1, 0),
        ]
    );
}

#[test]
fn the_policys_threshold_counts_and_the_base_year_is_told() {
    let mut facts = closed_day();
    facts.insert(
        1,
        Fact::BaseYearSet {
            year: 2016,
            recalculation_permille: 48,
            at: hour(0),
        },
    );
    facts.push(release(1));
    let entries = restatements(&ledger_of(&facts), AsOf::default());
    assert_eq!(entries[0].materiality_permille, 48);
    assert!(entries[0].is_material, "48.3 thousandths");
    assert_eq!(
        entries[0].base_year_effect_mg,
        Some(15_584_800 - 16_376_000)
    );
    facts[1] = Fact::BaseYearSet {
        year: 2015,
        recalculation_permille: 49,
        at: hour(0),
    };
    let entries = restatements(&ledger_of(&facts), AsOf::default());
    assert!(!entries[0].is_material);
    assert_eq!(
        entries[0].base_year_effect_mg, None,
        "the day is not of 2015"
    );
}

#[test]
fn a_period_goes_from_live_to_verified_and_back_to_restated() {
    let state = |facts: &[Fact]| {
        let ledger = ledger_of(facts);
        ledger
            .periods()
            .get("day", Sight::ALL)
            .map(|period| period.state)
    };
    let mut facts = closed_day();
    assert_eq!(state(&facts[..2]), None);
    assert_eq!(state(&facts[..3]), Some(PeriodState::Live));
    assert_eq!(state(&facts), Some(PeriodState::Closed));
    facts.push(moved("day", 25, PeriodStep::Reviewed));
    assert_eq!(state(&facts), Some(PeriodState::Reviewed));
    facts.push(moved("day", 26, PeriodStep::Verified));
    assert_eq!(state(&facts), Some(PeriodState::Verified));
    facts.push(moved(
        "day",
        27,
        PeriodStep::Restated(RestatementReason::LateData),
    ));
    assert_eq!(state(&facts), Some(PeriodState::Restated));
}

#[test]
fn a_factor_that_nobody_checked_is_named() {
    let ledger = ledger_of(closed_day());
    let unchecked = ledger.present().unchecked_factors(period(0, DAY));
    let keys: Vec<&str> = unchecked.iter().map(|used| used.key.as_str()).collect();
    assert_eq!(keys, ["cn-north-average/2021"]);
}

#[test]
fn live_figures_move_without_any_entry() {
    let mut facts = closed_day();
    facts.pop();
    facts.push(release(2));
    let ledger = ledger_of(&facts);
    assert_eq!(restatements(&ledger, AsOf::default()), []);
    assert!(ledger.present().reported("day", GwpSet::Ar6).is_none());
}
