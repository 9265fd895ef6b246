//! Registers that come round or are exchanged: the books go on across both.

use terrarium_ledger::{AsOf, Fact, Grouping, balance};
use terrarium_model::EnergyWh;

use crate::world::*;

fn continued(number: i64, wh: i64, offset_wh: i64, next_offset_wh: i64) -> Fact {
    Fact::RegisterContinued {
        meter: meter("yard.in"),
        at: hour(number),
        energy: EnergyWh(wh),
        offset: EnergyWh(offset_wh),
        next_offset: EnergyWh(next_offset_wh),
    }
}

/// Wh that the yard imported, hour by hour.
fn imports_wh(facts: &[Fact], hours: i64) -> Vec<i64> {
    let ledger = ledger_of(facts);
    let (lines, _) = balance(
        &ledger.present(),
        period(0, hours),
        Grouping::Hour,
        Some(&asset("yard")),
    );
    assert!(lines.iter().all(|line| line.hours_missing == 0));
    lines.iter().map(|line| line.import_wh).collect()
}

#[test]
fn the_energy_between_two_reads_goes_on_over_a_turn_and_an_exchange() {
    let facts = [
        defined(&park(), 1),
        counted("yard.in", interval(0, 0), 995_000),
        // It came round at a million.
        continued(1, 2_000, 1_000_000, 1_000_000),
        // Exchanged at 5,000: the new one starts at 300.
        continued(2, 5_000, 1_000_000, 1_004_700),
        continued(3, 1_300, 1_004_700, 1_004_700),
    ];
    assert_eq!(imports_wh(&facts, 3), [7_000, 3_000, 1_000]);
    let explained = ledger_of(&facts)
        .present()
        .contributions(&meter("yard.in"), hour(1));
    assert_eq!(explained.len(), 1);
    assert_eq!(explained[0].interval_energy, EnergyWh(3_000));
}

#[test]
fn a_corrected_or_released_read_keeps_the_turn_it_is_in() {
    let quarantined = Fact::ReadingQuarantined {
        meter: meter("yard.in"),
    };
    let released = terrarium_ledger::How::Released {
        quarantined: id_of(&quarantined),
    };
    let facts = [
        defined(&park(), 1),
        counted("yard.in", interval(0, 0), 995_000),
        continued(1, 2_000, 1_000_000, 1_000_000),
        quarantined,
        counted_as(
            "yard.in",
            interval(HOUR, 0),
            2_500,
            1,
            terrarium_ledger::How::Corrected,
        ),
        counted_as("yard.in", interval(2 * HOUR, 0), 90_000, 0, released),
    ];
    assert_eq!(imports_wh(&facts, 2), [7_500, 87_500]);
}

#[test]
fn the_hashes_tell_a_turn_from_none() {
    let hashes = |offset_wh| {
        let facts = [
            defined(&park(), 1),
            continued(0, 2_000, offset_wh, offset_wh),
            continued(1, 3_000, offset_wh, offset_wh),
        ];
        // The same events, so that only what is counted can differ.
        let mut ledger = terrarium_ledger::ParkLedger::default();
        for (position, fact) in (0..).zip(&facts) {
            let origin = terrarium_ledger::Origin {
                position,
                event: uuid::Uuid::from_u128(position.into()),
            };
            ledger.apply(fact, origin, &mut Vec::new());
        }
        ledger.hashes()
    };
    assert_ne!(hashes(0), hashes(1_000_000));
    assert_eq!(hashes(1_000_000), hashes(1_000_000));
}

/// A view of long ago is no slower for what was recorded since: hour by hour through all of it this would not come to an end.
#[test]
fn what_was_known_early_is_told_of_a_long_record_without_looking_through_all_of_it() {
    const READS: i64 = 100_000;
    let mut facts = vec![defined(&park(), 1)];
    facts.extend((0..READS).map(|number| counted("yard.in", interval(number * HOUR, 0), number)));
    let ledger = ledger_of(&facts);
    let early = AsOf {
        at: None,
        known_at: Some(100),
    };
    let view = ledger.view(early);
    let yard = asset("yard");
    let complete = period(0, READS)
        .hour_starts()
        .filter(|hour_start| view.node_hour(&yard, *hour_start).complete);
    assert_eq!(complete.count(), 99);
    assert_eq!(view.metered_period(), Some(period(0, 99)));
}
