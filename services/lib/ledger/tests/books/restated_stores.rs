//! What moves closed periods from outside of their own time: contents of stores, and certificates of several months.

use terrarium_ledger::energy::sessions::CarOwner;
use terrarium_ledger::{
    Fact, FactorKind, FactorSet, GwpSet, How, InstrumentStep, ParkLedger, PeriodStep, Restatement,
    RestatementReason,
};

use crate::cars::{METERS, charging_park, session};
use crate::invariants::{certificate, instrument, moved, opened};
use crate::storage::stored_park;
use crate::world::*;

/// "January" is the first four hours, "February" the next four.
fn two_months() -> [Fact; 2] {
    [opened("january", 0, 4), opened("february", 4, 8)]
}

fn closed() -> [Fact; 2] {
    ["january", "february"].map(|month| moved(month, 8, PeriodStep::Closed))
}

fn average(version: &str, from: i64, to: i64, thousandths: i64) -> Fact {
    let published_on = format!("2020-01-0{version}");
    let set = constant_factor("average", version, &published_on, from, to, thousandths);
    published(set)
}

fn restatements(ledger: &ParkLedger, month: &str) -> Vec<Restatement> {
    let entries = ledger.present().restatements(month, GwpSet::Ar6);
    entries.expect("opened").expect("CO2 has a potential")
}

/// The last entry of each month.
fn told(facts: &[Fact]) -> [Vec<Restatement>; 2] {
    let ledger = ledger_of(facts);
    ["january", "february"].map(|month| restatements(&ledger, month))
}

fn barn_hour(number: i64, [generation, consumption, charge, discharge]: [i64; 4]) -> [Fact; 4] {
    [
        ("generation", generation),
        ("consumption", consumption),
        ("storage_charge", charge),
        ("storage_discharge", discharge),
    ]
    .map(|(measures, wh)| hourly(&format!("barn.{measures}"), number, wh))
}

#[test]
fn where_januarys_charge_came_from_decides_over_februarys_export() {
    let mut facts = vec![defined(&stored_park(), 1), average("1", 0, 24, 600)];
    facts.extend(two_months());
    // 1,000 Wh of the sun are stored in January, and 900 of them leave for the grid in February.
    facts.extend(barn_hour(1, [1_000, 0, 1_000, 0]));
    facts.extend(barn_hour(5, [0, 0, 0, 900]));
    facts.extend(closed());
    // There was no sun: what was stored came from the grid.
    let no_sun = interval(HOUR, 3_600);
    facts.push(counted_as("barn.generation", no_sun, 0, 1, How::Corrected));
    let [january, february] = told(&facts);
    assert_eq!(january.len(), 1);
    assert_eq!(january[0].after.location_mg, 600_000);
    assert_eq!(february.len(), 1);
    assert_eq!(february[0].run.reason, RestatementReason::CorrectedData);
    assert_eq!(
        (february[0].before.avoided_mg, february[0].after.avoided_mg),
        (540_000, 0)
    );
}

#[test]
fn what_januarys_power_emitted_is_in_what_is_bought_out_of_a_car_in_february() {
    let mut facts = vec![defined(&charging_park(), 1), average("1", 0, 24, 600)];
    facts.extend(two_months());
    for (number, wh) in [
        (3, [0, 0, 0, 0, 1_000, 0, 0]),
        (4, [0, 900, 0, 0, 0, 900, 0]),
    ] {
        for ((asset, measures), wh) in METERS.iter().zip(wh) {
            facts.push(hourly(&format!("{asset}.{measures}"), number, wh));
        }
    }
    facts.extend(session("charger", CarOwner::Other, 3, 5));
    facts.extend(closed());
    // Of January's hours alone.
    facts.push(average("2", 0, 4, 500));
    let [january, february] = told(&facts);
    assert_eq!(january.len(), 1);
    assert_eq!(february.len(), 1);
    assert_eq!(february[0].run.reason, RestatementReason::NewFactors);
    let mg = |restatement: &Restatement| {
        (
            restatement.before.location_mg,
            restatement.after.location_mg,
        )
    };
    assert_eq!(mg(&february[0]), (600_000, 500_000));
    // Told that nobody's car was there at all, February buys from nowhere known.
    facts.truncate(facts.len() - 1);
    let place = facts
        .iter()
        .position(|fact| matches!(fact, Fact::ChargeSession { .. }));
    let sessions: Vec<Fact> = facts.drain(place.expect("told")..).take(2).collect();
    facts.extend(closed());
    facts.extend(sessions);
    let [_, february] = told(&facts);
    assert_eq!(mg(&february[0]), (540_000, 600_000));
}

/// A house that uses 1,000 Wh and makes `made` of them every hour of both months.
fn house(made: [i64; 8]) -> Vec<Fact> {
    let residual = FactorSet {
        kind: FactorKind::ResidualMix,
        ..constant_factor("residual", "1", "2020-01-01", 0, 24, 800)
    };
    let mut facts = vec![
        defined(&park(), 1),
        average("1", 0, 24, 600),
        published(residual),
    ];
    facts.extend(two_months());
    for (number, made) in (0..).zip(made) {
        facts.push(hourly("home.load", number, 1_000));
        facts.push(hourly("home.pv", number, made));
    }
    facts
}

#[test]
fn a_late_export_of_february_frees_januarys_sun_of_a_certificate_that_was_sold() {
    let mut facts = house([700, 0, 0, 0, 0, 0, 0, 0]);
    let own = InstrumentStep::Held {
        own_generation: true,
    };
    facts.extend([
        certificate("year", 500, 0, 8),
        instrument("year", 8, own),
        instrument("year", 8, InstrumentStep::Sold),
    ]);
    facts.extend(closed());
    facts.push(counted_as(
        "home.pv",
        interval(6 * HOUR, 3_600),
        1_400,
        1,
        How::Corrected,
    ));
    let [january, _] = told(&facts);
    assert_eq!(january.len(), 1);
    // 400 of the 500 Wh that were sold stand for the export now: so much of January's sun is zero again.
    assert_eq!(
        january[0].before.market_mg - january[0].after.market_mg,
        400 * 800
    );
    assert_eq!(january[0].before.location_mg, january[0].after.location_mg);
}

#[test]
fn a_vintage_that_is_sold_moves_the_months_of_another_that_it_overlaps() {
    // Exported: 500 Wh in the fourth hour. Used: 700 of the first, 1,000 of the fourth, 700 of the sixth.
    let mut facts = house([700, 0, 0, 1_500, 0, 700, 0, 0]);
    let own = InstrumentStep::Held {
        own_generation: true,
    };
    for (serial, wh, from, to) in [("early", 500, 0, 4), ("late", 1_500, 3, 8)] {
        facts.push(certificate(serial, wh, from, to));
        facts.push(instrument(serial, 8, own.clone()));
    }
    facts.push(instrument("late", 8, InstrumentStep::Sold));
    facts.extend(closed());
    facts.push(instrument("early", 9, InstrumentStep::Sold));
    let [_, february] = told(&facts);
    // The export is the earlier vintage's now: 500 Wh of the later one are of what February used.
    assert_eq!(february.len(), 1);
    assert_eq!(
        february[0].after.market_mg - february[0].before.market_mg,
        500 * 800
    );
}

#[test]
fn a_late_import_of_january_takes_a_certificate_of_the_year_from_february() {
    let mut facts = house([1_000, 0, 0, 0, 0, 0, 0, 0]);
    facts.extend([
        opened("year", 0, 8),
        certificate("bought", 4_000, 0, 8),
        instrument(
            "bought",
            8,
            InstrumentStep::Retired {
                period: "year".into(),
            },
        ),
    ]);
    facts.extend(closed());
    let no_sun = interval(0, 3_600);
    facts.push(counted_as("home.pv", no_sun, 0, 1, How::Corrected));
    let [_, february] = told(&facts);
    // Of 4,000 Wh January takes all now, and 1,000 of February's are bought at the residual mix.
    assert_eq!(february.len(), 1);
    assert_eq!(
        february[0].after.market_mg - february[0].before.market_mg,
        1_000 * 800
    );
}
