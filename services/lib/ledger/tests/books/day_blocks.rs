//! A start from day blocks and what is recorded after them gives the ledger that the whole record gives.

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::{AsOf, DayBlocks, Fact, Grouping, GwpSet, ParkLedger, PeriodStep, balance};

use crate::invariants::{moved, opened};
use crate::order::{any_chains, interleaved};
use crate::world::*;

/// Readings: what day blocks stand for.
fn is_of_blocks(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ReadingCounted { .. }
            | Fact::RegisterContinued { .. }
            | Fact::ReadingQuarantined { .. }
    )
}

fn from_blocks(facts: &[Fact], cut: usize) -> ParkLedger {
    let bytes = ledger_of(&facts[..cut]).day_blocks();
    let mut ledger = ParkLedger::default();
    for (position, fact) in (0..).zip(&facts[..cut]) {
        if !is_of_blocks(fact) {
            tell(&mut ledger, position, fact);
        }
    }
    ledger.take_day_blocks(DayBlocks::read(&bytes).expect("just written"));
    for (position, fact) in (0..).zip(facts).skip(cut) {
        tell(&mut ledger, position, fact);
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn day_blocks_and_the_rest_of_the_record_are_the_whole_record(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
        cut in any::<Index>(),
        asked_at in any::<Index>(),
    ) {
        let mut facts = interleaved(&chains, &order);
        let closed_at = facts.len() / 2;
        facts.splice(closed_at..closed_at, [opened("p", 0, 24), moved("p", 24, PeriodStep::Closed)]);
        let mut whole = ledger_of(&facts);
        let mut parts = from_blocks(&facts, cut.index(facts.len() + 1));
        prop_assert_eq!(parts.hashes(), whole.hashes());
        let as_of = AsOf { at: None, known_at: Some(asked_at.index(facts.len()) as u64) };
        let asked = period(-48, 48);
        for grouping in [Grouping::Asset, Grouping::Hour] {
            prop_assert_eq!(
                balance(&parts.view(as_of), asked, grouping, None),
                balance(&whole.view(as_of), asked, grouping, None)
            );
        }
        let restated = |ledger: &ParkLedger| ledger.present().restatements("p", GwpSet::Ar6).map(|entries| entries.expect("CO2 has a potential"));
        prop_assert_eq!(restated(&parts), restated(&whole));
    }
}

#[test]
fn what_is_cut_off_or_changed_is_no_day_blocks() {
    let facts = [
        defined(&park(), 1),
        hourly("home.load", 0, 10),
        hourly("home.pv", 0, 3),
    ];
    let bytes = ledger_of(&facts).day_blocks();
    assert!(DayBlocks::read(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(DayBlocks::read(&bytes[..length]).is_err(), "{length} bytes");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(DayBlocks::read(&longer).is_err());
}
