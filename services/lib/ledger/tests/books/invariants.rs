//! The invariants of one ledger that shows inventory and avoided emissions honestly, over random histories. Their numbers are those
//! of the project's carbon accounting note, section 1.8.

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::{
    AsOf, Basis, CarbonBook, Fact, Grouping, GwpSet, InstrumentKind, InstrumentStep, ParkLedger,
    PeriodStep, balance,
};
use terrarium_model::UnixSeconds;

use crate::order::{HOURS, any_chains, interleaved};
use crate::world::*;

const NODES: [&str; 4] = ["home", "shop", "works", "yard"];

pub fn moved(period: &str, at: i64, step: PeriodStep) -> Fact {
    Fact::PeriodMoved {
        period: period.into(),
        at: hour(at),
        by: "someone".into(),
        step,
    }
}

pub fn opened(period: &str, from: i64, to: i64) -> Fact {
    let step = PeriodStep::Opened {
        from: hour(from),
        to: hour(to),
    };
    moved(period, from, step)
}

pub fn certificate(serial: &str, wh: i64, from: i64, to: i64) -> Fact {
    let step = InstrumentStep::Issued {
        kind: InstrumentKind::Certificate,
        amount: wh,
        vintage: (hour(from), hour(to)),
    };
    instrument(serial, to, step)
}

pub fn instrument(serial: &str, at: i64, step: InstrumentStep) -> Fact {
    Fact::InstrumentMoved {
        registry: "cger".into(),
        serial: serial.into(),
        at: hour(at),
        step,
    }
}

fn known_at(position: usize) -> AsOf {
    AsOf {
        at: None,
        known_at: Some(position as u64),
    }
}

/// Everything that a ledger answers of the first hours.
fn answers(ledger: &ParkLedger, as_of: AsOf) -> Vec<String> {
    let view = ledger.view(as_of);
    // Two whole days, so that the sums of days are asked for too.
    let whole = period(-24, 24);
    let mut answers = Vec::new();
    for grouping in [
        Grouping::Total,
        Grouping::Asset,
        Grouping::Hour,
        Grouping::Day,
    ] {
        answers.push(format!("{:?}", balance(&view, whole, grouping, None)));
    }
    answers.push(format!(
        "{:?}",
        balance(&view, whole, Grouping::Hour, Some(&asset("works")))
    ));
    for node in NODES {
        for number in -1..HOURS + 3 {
            answers.push(format!("{:?}", view.node_hour(&asset(node), hour(number))));
            for entry in view.entries(&asset(node), hour(number)) {
                let factor = entry.factor.map(|row| (row.origin.event, row.row));
                answers.push(format!(
                    "{} {:?} {:?} {factor:?}",
                    entry.id, entry.energy, entry.mass
                ));
            }
        }
    }
    answers.push(format!(
        "{:?}",
        terrarium_ledger::completeness(&view, whole)
    ));
    answers.push(format!("{:?}", view.metered_period()));
    let books = view.books(whole);
    answers.push(format!(
        "{:?}",
        books.as_ref().map(|books| (&books.postings, &books.energy))
    ));
    answers.push(format!("{:?}", books.map(|books| books.sha256())));
    answers
}

/// The same intervals a day earlier too, told last: whole days stand beside parts of days.
fn on_several_days(facts: &[Fact]) -> Vec<Fact> {
    let mut all = facts.to_vec();
    for fact in facts {
        if let Fact::ReadingCounted {
            meter,
            interval,
            energy,
            revision,
            how,
        } = fact
            && interval.seconds > 0
        {
            let mut later = *interval;
            later.start = UnixSeconds(interval.start.0 - 86_400);
            all.push(Fact::ReadingCounted {
                meter: meter.clone(),
                interval: later,
                energy: *energy,
                revision: *revision,
                how: *how,
            });
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Invariant 6: what was known at a position is what a ledger that was told no more says.
    #[test]
    fn older_knowledge_is_what_was_said_then(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
        cuts in proptest::collection::vec(any::<Index>(), 3),
    ) {
        let facts = on_several_days(&interleaved(&chains, &order));
        let whole = ledger_of(&facts);
        for cut in cuts {
            let cut = cut.index(facts.len());
            let then = ledger_of(&facts[..=cut]);
            let (seen, said) = (answers(&whole, known_at(cut)), answers(&then, AsOf::default()));
            for (seen, said) in seen.iter().zip(&said) {
                prop_assert_eq!(seen, said, "after fact {}", cut);
            }
        }
        let now = answers(&whole, AsOf::default());
        for (seen, said) in answers(&whole, known_at(facts.len())).iter().zip(&now) {
            prop_assert_eq!(seen, said);
        }
    }

    /// The other time: what had happened by a moment is what a ledger says that was told of nothing that ended later.
    #[test]
    fn what_had_happened_is_what_ended_by_then(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
        until in -1_i64..HOURS * 4 + 8,
    ) {
        let facts = interleaved(&chains, &order);
        let at = UnixSeconds(MIDNIGHT + until * 900);
        let by_then: Vec<&Fact> = facts
            .iter()
            .filter(|fact| match fact {
                Fact::ReadingCounted { interval, .. } => interval.end() <= at,
                _ => true,
            })
            .collect();
        let seen = ledger_of(&facts);
        let told = ledger_of(by_then);
        let as_of = AsOf { at: Some(at), known_at: None };
        for node in NODES {
            for number in -1..HOURS + 3 {
                if hour(number + 1) <= at {
                    prop_assert_eq!(
                        seen.view(as_of).node_hour(&asset(node), hour(number)),
                        told.node_hour(&asset(node), hour(number)),
                        "{} {}", node, number
                    );
                } else {
                    prop_assert!(!seen.view(as_of).node_hour(&asset(node), hour(number)).complete);
                }
            }
        }
        let whole = period(-24, 48);
        let (_, total) = balance(&seen.view(as_of), whole, Grouping::Total, None);
        let (_, by_asset) = balance(&seen.view(as_of), whole, Grouping::Asset, None);
        prop_assert_eq!(&total, &by_asset);
    }

    /// Invariants 1, 2 and 4: energy balances, every generated Wh goes one way, and certificates move nothing but the
    /// market-based total.
    #[test]
    fn certificates_move_nothing_but_the_market_based_total(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
        retired_wh in 1_i64..40_000,
        sold_wh in 1_i64..40_000,
        is_own in any::<bool>(),
    ) {
        let facts = interleaved(&chains, &order);
        let mut with = facts.clone();
        with.extend([
            opened("p", 0, HOURS),
            certificate("a", retired_wh, 0, HOURS),
            certificate("b", sold_wh, 0, HOURS),
            instrument("b", HOURS, InstrumentStep::Held { own_generation: true }),
            instrument("b", HOURS, InstrumentStep::Sold),
        ]);
        if is_own {
            with.push(instrument("a", HOURS, InstrumentStep::Held { own_generation: true }));
        }
        with.push(instrument("a", HOURS, InstrumentStep::Retired { period: "p".into() }));
        let whole = period(0, HOURS);
        let (before, after) = (ledger_of(&facts), ledger_of(&with));
        let (Some(before), Some(after)) = (before.books(whole, AsOf::default()), after.books(whole, AsOf::default())) else {
            return Ok(());
        };
        prop_assert_eq!(&before.energy, &after.energy);
        let but_market = |books: &terrarium_ledger::Books| -> Vec<_> {
            books.postings.iter().filter(|posting| posting.basis != Basis::Market).cloned().collect()
        };
        prop_assert_eq!(but_market(&before), but_market(&after));
        let wh = |books: &terrarium_ledger::Books, method: &str| -> i64 {
            books.postings.iter().filter(|posting| posting.method.token == method).map(|posting| posting.amount).sum()
        };
        let energy = |account: fn(&terrarium_ledger::HourAmounts) -> i64| -> i64 {
            after.energy.values().map(account).sum()
        };
        let imported = energy(|amounts| amounts.import.max(0));
        let certified = wh(&after, "scope2-market-certificate");
        // Hour by hour until it is used up: nothing of it is lost on an hour that imports less.
        let wanted = if is_own { 0 } else { retired_wh.min(imported) };
        prop_assert_eq!(certified, wanted);
        for posting in &after.postings {
            prop_assert!(posting.book != CarbonBook::Emission || posting.gases.co2e_mg(GwpSet::Ar6).expect("CO2") >= 0);
            if posting.method.token == "scope2-market-certificate" {
                prop_assert!(posting.gases.is_empty(), "what a certificate covers is zero");
            }
        }
        let reentered: i64 = after.postings.iter().filter(|posting| posting.activity == "self-use-attribute-sold").map(|posting| posting.amount).sum();
        let exported = energy(|amounts| amounts.export.max(0));
        let self_use = energy(|amounts| amounts.self_use);
        prop_assert!(reentered <= (sold_wh - exported).max(0).min(self_use));
        for amounts in after.energy.values() {
            prop_assert_eq!(
                amounts.generation + amounts.import + amounts.discharge,
                amounts.consumption + amounts.export + amounts.charge + amounts.unexplained
            );
        }
    }

    /// Invariant 7: what moves a closed period makes entries that lead from what was reported to what is known, without a gap.
    #[test]
    fn restatements_lead_from_what_was_reported_to_what_is_known(
        chains in any_chains(),
        order in proptest::collection::vec(any::<Index>(), 40),
        closed_after in any::<Index>(),
    ) {
        let mut facts = vec![opened("p", 0, HOURS)];
        facts.extend(interleaved(&chains, &order));
        let close = 1 + closed_after.index(facts.len());
        facts.insert(close.min(facts.len()), moved("p", HOURS, PeriodStep::Closed));
        let ledger = ledger_of(&facts);
        let view = ledger.present();
        let Some(entries) = view.restatements("p", GwpSet::Ar6) else {
            return Ok(());
        };
        let entries = entries.expect("CO2 has a potential");
        let reported = view.reported("p", GwpSet::Ar6).expect("closed").expect("CO2 has a potential");
        let mut last = reported;
        for entry in &entries {
            prop_assert_eq!(entry.before.books_sha256, last.books_sha256, "{:?}", entry);
            prop_assert!(entry.before.books_sha256 != entry.after.books_sha256, "{:?}", entry);
            prop_assert!(entry.run.first > reported.known_at);
            last = entry.after;
        }
        let Some(now) = ledger.books(period(0, HOURS), AsOf::default()) else {
            return Ok(());
        };
        prop_assert_eq!(last.books_sha256, now.sha256(), "nothing moved without an entry");
        // Nothing was overwritten.
        let then = ledger_of(&facts[..=close.min(facts.len() - 1)]);
        if let Some(books) = then.books(period(0, HOURS), AsOf::default()) {
            prop_assert_eq!(books.sha256(), reported.books_sha256);
        }
    }
}

#[test]
fn a_fact_at_the_very_position_is_known_and_the_next_one_is_not() {
    let facts = [
        defined(&park(), 1),
        hourly("home.pv", 0, 0),
        hourly("home.load", 0, 700),
        counted_as(
            "home.load",
            interval(0, 3_600),
            900,
            1,
            terrarium_ledger::How::Corrected,
        ),
    ];
    let ledger = ledger_of(&facts);
    let consumption = |position| {
        let hour = ledger
            .view(known_at(position))
            .node_hour(&asset("home"), hour(0));
        hour.complete.then_some(hour.amounts.consumption)
    };
    assert_eq!(
        [0, 1, 2, 3, 9].map(consumption),
        [None, None, Some(700), Some(900), Some(900)]
    );
}

#[test]
fn whole_days_are_known_as_they_were_between_two_releases_and_a_correction() {
    let mut facts = vec![defined(&park(), 1)];
    for number in 0..24 {
        facts.push(hourly("home.load", number, 1_000));
        facts.push(hourly("home.pv", number, 0));
    }
    let first_release = facts.len();
    for (version, thousandths) in [("1", 700), ("2", 650), ("3", 600)] {
        let published_on = format!("2020-01-0{version}");
        facts.push(published(constant_factor(
            "grid",
            version,
            &published_on,
            0,
            24,
            thousandths,
        )));
    }
    facts.push(counted_as(
        "home.load",
        interval(0, 3_600),
        2_000,
        1,
        terrarium_ledger::How::Corrected,
    ));
    let whole = ledger_of(&facts);
    for cut in 0..facts.len() {
        let then = ledger_of(&facts[..=cut]);
        for grouping in [Grouping::Asset, Grouping::Total] {
            assert_eq!(
                balance(&whole.view(known_at(cut)), period(0, 24), grouping, None),
                balance(&then.present(), period(0, 24), grouping, None),
                "known at {cut}, the first release at {first_release}"
            );
        }
    }
}

#[test]
fn a_reading_that_reaches_past_the_moment_counts_for_no_hour_before_it() {
    let facts = [
        defined(&park(), 1),
        counted("home.load", interval(20 * HOUR, 36_000), 1_000),
        counted("home.pv", interval(20 * HOUR, 36_000), 0),
    ];
    let ledger = ledger_of(&facts);
    let metered = |at: i64| {
        let as_of = AsOf {
            at: Some(hour(at)),
            known_at: None,
        };
        [Grouping::Asset, Grouping::Total].map(|grouping| {
            balance(&ledger.view(as_of), period(0, 24), grouping, None)
                .1
                .hours_metered
        })
    };
    assert_eq!(metered(24), [0, 0], "it had not ended at midnight");
    assert_eq!(metered(29), [0, 0]);
    assert_eq!(metered(30), [4, 4]);
    assert_eq!(metered(80), [4, 4]);
}
