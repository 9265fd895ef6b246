//! What holds for any facts: the order does not matter, nothing is lost, and the lines add up.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::{EnergyAccount, Fact, Grouping, How, ParkLedger, Pricing, balance};
use terrarium_model::{NodeMetering, ParkDefinition};

use crate::world::*;

pub const HOURS: i64 = 8;

/// Facts that have to keep their order among themselves: a report and its corrections, the definitions of the park.
pub type Chain = Vec<Fact>;

/// Shuffled reports of one meter cover the period in pieces; some are left out, some corrected.
pub fn chains_of_meter(meter: usize) -> impl Strategy<Value = Vec<Chain>> {
    let piece = (
        prop_oneof![Just(900_u32), Just(3_600), Just(7_200), Just(1_234)],
        0_i64..3_000,
        0_u8..8,
        0_i64..3_000,
    );
    proptest::collection::vec(piece, 4..16).prop_map(move |pieces| {
        let (_, id, _, reports) = METERS[meter];
        let (mut start, mut content) = (0, 50_000);
        let mut chains = Vec::new();
        for (seconds, wh, fate, other) in pieces {
            let (place, wh) = match reports {
                "register" => (interval(start, 0), content),
                _ => (interval(start, seconds), wh),
            };
            start += i64::from(seconds);
            content += wh % 1_000;
            if fate == 0 {
                continue;
            }
            let mut chain = vec![counted(id, place, wh)];
            if fate == 1 {
                chain.push(counted_as(
                    id,
                    place,
                    if reports == "register" { wh } else { other },
                    1,
                    How::Corrected,
                ));
            }
            if fate == 2 {
                // Quarantined first, and let in by a person.
                let quarantined = Fact::ReadingQuarantined {
                    meter: crate::world::meter(id),
                };
                let how = How::Released {
                    quarantined: id_of(&quarantined),
                };
                chain = vec![quarantined, counted_as(id, place, wh, 0, how)];
            }
            chains.push(chain);
            if start > HOURS * HOUR {
                break;
            }
        }
        chains
    })
}

pub fn any_chains() -> impl Strategy<Value = Vec<Chain>> {
    let readings: Vec<_> = (0..METERS.len()).map(chains_of_meter).collect();
    let factors = proptest::collection::vec(
        (0_i64..HOURS, 1_i64..5, 0_u8..3, any::<bool>(), 0_i64..900),
        0..5,
    );
    (readings, factors).prop_map(|(readings, factors)| {
        let mut chains: Vec<Chain> = readings.into_iter().flatten().collect();
        for (number, (from, length, day, is_hourly, value)) in factors.into_iter().enumerate() {
            let published_on = format!("2020-01-0{}", day + 1);
            let version = number.to_string();
            let set = if is_hourly {
                let values: Vec<i64> = (0..length).map(|hour| value + hour).collect();
                hourly_factors("hourly", &version, &published_on, from, &values)
            } else {
                constant_factor(
                    "constant",
                    &version,
                    &published_on,
                    from,
                    from + length,
                    value,
                )
            };
            chains.push(vec![published(set)]);
        }
        let older = parse_park(&park_text("older", "Etc/UTC").replace("caiso", "pjm"));
        chains.push(vec![defined(&older, 1), defined(&park(), 2)]);
        chains
    })
}

/// Some interleaving of the chains.
pub fn interleaved(chains: &[Chain], order: &[Index]) -> Vec<Fact> {
    let mut left: Vec<&[Fact]> = chains.iter().map(Vec::as_slice).collect();
    let mut facts = Vec::new();
    for pick in order.iter().cycle() {
        left.retain(|chain| !chain.is_empty());
        if left.is_empty() {
            break;
        }
        // Differently each time around.
        let chain = (pick.index(left.len()) + facts.len()) % left.len();
        let (first, rest) = left[chain].split_first().expect("not empty");
        facts.push(first.clone());
        left[chain] = rest;
    }
    facts
}

fn node_hours(ledger: &ParkLedger) -> Vec<String> {
    let mut hours = Vec::new();
    for node in ["home", "shop", "works", "yard"] {
        for number in -1..HOURS + 4 {
            hours.push(format!(
                "{node} {number} {:?}",
                ledger.node_hour(&asset(node), hour(number))
            ));
        }
    }
    hours
}

/// Only what counts at last: each reading once, in order.
fn final_facts(chains: &[Chain]) -> Vec<Fact> {
    chains
        .iter()
        .filter_map(|chain| chain.last().cloned())
        .collect()
}

fn every_complete_hour_balances(ledger: &ParkLedger, park: &ParkDefinition) {
    for (id, node) in &park.nodes {
        for number in 0..HOURS {
            let hour = ledger.node_hour(id, hour(number));
            let amounts = hour.amounts;
            assert_eq!(
                amounts.generation + amounts.import,
                amounts.consumption + amounts.export + amounts.unexplained,
                "{id} {number}"
            );
            if node.metering != NodeMetering::ConsumptionAndGrid {
                assert_eq!(amounts.unexplained, 0);
            }
            if node.metering == NodeMetering::Consumption {
                assert!(amounts.import == 0 || amounts.export == 0);
                assert_eq!(amounts.self_use + amounts.import, amounts.consumption);
                assert_eq!(amounts.self_use + amounts.export, amounts.generation);
            }
            assert!(
                hour.complete || hour.pricing == Pricing::NotNeeded,
                "an incomplete hour has no price"
            );
        }
    }
}

fn entries_add_up_to_the_balance(ledger: &ParkLedger) {
    let whole = period(0, HOURS);
    let (by_asset, total) = balance(&ledger.present(), whole, Grouping::Asset, None);
    for line in &by_asset {
        let mut sums = [0; 8];
        let (mut scope2_mg, mut avoided_mg) = (0, 0);
        for hour_start in whole.hour_starts() {
            for entry in ledger.entries(&asset(&line.key), hour_start) {
                assert_eq!(
                    ledger.entry(&entry.id).expect("it is there").energy,
                    entry.energy
                );
                match entry.id.line {
                    terrarium_ledger::entry::EntryLine::Energy(account) => {
                        let place = EnergyAccount::ALL
                            .iter()
                            .position(|known| *known == account);
                        sums[place.expect("one of all")] += entry.energy.0;
                    }
                    terrarium_ledger::entry::EntryLine::Scope2Location => {
                        scope2_mg += entry.mass.expect("priced").0
                    }
                    terrarium_ledger::entry::EntryLine::AvoidedExport => {
                        avoided_mg += entry.mass.expect("priced").0
                    }
                }
            }
        }
        let lines = [
            line.consumption_wh,
            line.generation_wh,
            line.import_wh,
            line.export_wh,
            line.self_use_wh,
            line.unexplained_wh,
            line.charge_wh,
            line.discharge_wh,
        ];
        assert_eq!(sums, lines, "{}", line.key);
        assert_eq!(
            (scope2_mg, avoided_mg),
            (line.scope2_location_mg, line.avoided_mg),
            "{}",
            line.key
        );
        assert_eq!(line.hours_expected, line.hours_metered + line.hours_missing);
    }
    for grouping in [
        Grouping::Total,
        Grouping::Hour,
        Grouping::Day,
        Grouping::Month,
    ] {
        assert_eq!(
            balance(&ledger.present(), whole, grouping, None).1,
            total,
            "{grouping:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_gives_the_same_content_and_the_same_order_the_same_state(
        chains in any_chains(),
        one_order in proptest::collection::vec(any::<Index>(), 40),
        other_order in proptest::collection::vec(any::<Index>(), 40),
        looks in proptest::collection::vec(any::<Index>(), 3),
    ) {
        let facts = interleaved(&chains, &one_order);
        let mut one = ledger_of(&facts);
        let mut other = ledger_of(interleaved(&chains, &other_order));
        prop_assert_eq!(node_hours(&one), node_hours(&other));
        let (content, state) = one.hashes();
        prop_assert_eq!(other.hashes().0, content);

        // Looking at the hashes in between must not change them.
        let mut looked_at = ParkLedger::default();
        for (position, fact) in facts.iter().enumerate() {
            tell(&mut looked_at, position as u64, fact);
            if looks.iter().any(|look| look.index(facts.len()) == position) {
                looked_at.hashes();
            }
        }
        prop_assert_eq!(looked_at.hashes(), (content, state));

        // Taken in from scratch, with nothing that was replaced.
        let from_scratch = ledger_of(final_facts(&chains));
        prop_assert_eq!(node_hours(&from_scratch), node_hours(&one));

        every_complete_hour_balances(&one, &park());
        entries_add_up_to_the_balance(&one);
    }

    #[test]
    fn a_changed_number_anywhere_changes_the_content(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
        which in any::<Index>(),
    ) {
        let facts = interleaved(&chains, &order);
        let mut changed = facts.clone();
        let which = which.index(changed.len());
        match &mut changed[which] {
            Fact::ReadingCounted { energy, .. } => energy.0 += 1,
            Fact::FactorSetPublished(set) => Arc::make_mut(set).values[0] += 1,
            // Another definition in force, or another event.
            _ => return Ok(()),
        }
        prop_assert_ne!(ledger_of(&changed).hashes().0, ledger_of(&facts).hashes().0);
    }

    #[test]
    fn each_fact_names_every_hour_that_it_changed(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
    ) {
        let mut ledger = ParkLedger::default();
        let mut before = node_hours(&ledger);
        for (position, fact) in (0..).zip(&interleaved(&chains, &order)) {
            let mut touched = Vec::new();
            let origin = terrarium_ledger::Origin { position, event: id_of(fact) };
            ledger.apply(fact, origin, &mut touched);
            let after = node_hours(&ledger);
            let mut names = Vec::new();
            for node in ["home", "shop", "works", "yard"] {
                for number in -1..HOURS + 4 {
                    names.push((asset(node), hour(number)));
                }
            }
            for (place, name) in names.iter().enumerate() {
                let has_changed = before[place] != after[place];
                prop_assert!(!has_changed || touched.contains(name), "{:?} after {:?}", name, fact);
            }
            before = after;
        }
    }
}

#[test]
fn the_state_hash_tells_orders_apart_that_the_content_hash_does_not() {
    let facts = [
        defined(&park(), 1),
        hourly("home.load", 0, 1),
        hourly("home.load", 1, 2),
    ];
    let mut one = ledger_of(&facts);
    let mut other = ledger_of([&facts[0], &facts[2], &facts[1]]);
    assert_eq!(one.hashes().0, other.hashes().0);
    assert_ne!(one.hashes().1, other.hashes().1);
}

#[test]
fn a_new_definition_balances_everything_anew() {
    let readings = [
        hourly("shop.in", 0, 500),
        hourly("shop.out", 0, 0),
        counted("shop.pv", interval(0, 0), 0),
        counted("shop.pv", interval(HOUR, 0), 100),
    ];
    let without_sun = {
        let text = park_text("no sun", "Etc/UTC");
        let meter = "[[meters]]\nid = \"shop.pv\"";
        let from = text.find(meter).expect("it is there");
        let to = from
            + meter.len()
            + text[from + meter.len()..]
                .find("[[meters]]")
                .expect("another follows");
        parse_park(&format!("{}{}", &text[..from], &text[to..]))
    };
    let mut facts = vec![defined(&park(), 1)];
    facts.extend(readings.clone());
    facts.push(defined(&without_sun, 2));
    let mut redefined = ledger_of(&facts);
    assert_eq!(
        redefined
            .node_hour(&asset("shop"), hour(0))
            .amounts
            .consumption,
        500
    );
    let mut fresh = ledger_of(std::iter::once(&defined(&without_sun, 2)).chain(&readings));
    assert_eq!(redefined.hashes().0, fresh.hashes().0);
    assert_eq!(
        ledger_of(&facts[..5])
            .node_hour(&asset("shop"), hour(0))
            .amounts
            .consumption,
        600
    );
}
