//! Purchased electricity twice, by hand: location-based and market-based, what covers what, and what is lost on the way.

use terrarium_ledger::claims::{ClaimKind, Scope2Total};
use terrarium_ledger::{
    AsOf, Basis, Books, CarbonBook, Detail, Fact, FactorKind, FactorSet, InstrumentState,
    InstrumentStep, Scope,
};

use crate::cars::provisional;
use crate::invariants::{certificate, instrument, opened};
use crate::world::*;

fn of_kind(kind: FactorKind, set: &str, from: i64, to: i64, thousandths: i64) -> Fact {
    published(FactorSet {
        kind,
        ..constant_factor(set, "1", "2020-01-01", from, to, thousandths)
    })
}

/// 1,000 Wh imported in each of four hours, 300 Wh exported in a fifth.
fn facts() -> Vec<Fact> {
    let mut facts = vec![
        defined(&park(), 1),
        of_kind(FactorKind::GridAverage, "average", 0, 24, 600),
    ];
    for number in 0..5 {
        facts.push(hourly(
            "home.load",
            number,
            if number < 4 { 1_000 } else { 200 },
        ));
        facts.push(hourly("home.pv", number, if number < 4 { 0 } else { 500 }));
    }
    facts
}

fn books(facts: &[Fact], from: i64, to: i64) -> Books {
    let books = ledger_of(facts).books(period(from, to), AsOf::default());
    books.expect("the park is defined")
}

/// Method, Wh and mg of the postings of a total of scope 2.
fn scope2(books: &Books, basis: Basis) -> Vec<(&'static str, i64, i64)> {
    books
        .postings
        .iter()
        .filter(|posting| posting.scope == Some(Scope::Two) && posting.basis == basis)
        .map(|posting| (posting.method.token, posting.amount, mg(posting)))
        .collect()
}

fn mg(posting: &terrarium_ledger::Posting) -> i64 {
    posting.gases.iter().map(|(_, mg)| mg).sum()
}

#[test]
fn without_instruments_both_totals_are_the_grids_average_and_the_market_based_one_says_so() {
    let books = books(&facts(), 0, 5);
    assert_eq!(
        scope2(&books, Basis::Location),
        [("scope2-location", 4_000, 2_400_000)]
    );
    assert_eq!(
        scope2(&books, Basis::Market),
        [("scope2-market-grid-average", 4_000, 2_400_000)]
    );
    let avoided: Vec<_> = books
        .postings
        .iter()
        .filter(|posting| posting.book == CarbonBook::Avoided)
        .collect();
    assert_eq!(avoided.len(), 1);
    assert_eq!((avoided[0].amount, mg(avoided[0])), (300, 180_000));
    let baseline = Detail::Avoided {
        baseline: "grid-average".to_owned(),
    };
    assert_eq!(avoided[0].detail, baseline);
    assert_eq!(books.node_hours, (20, 5));
    assert_eq!(books.energy[&hour(4)].export, 300);
}

#[test]
fn the_best_cover_counts_first_certificates_then_contract_supplier_residual_mix() {
    let mut facts = facts();
    facts.extend([
        of_kind(FactorKind::ResidualMix, "residual", 0, 24, 800),
        of_kind(FactorKind::Supplier, "supplier", 2, 24, 400),
        of_kind(FactorKind::Contract, "contract", 3, 24, 100),
        opened("p", 0, 24),
        certificate("a", 700, 0, 24),
        instrument("a", 24, InstrumentStep::Retired { period: "p".into() }),
    ]);
    assert_eq!(
        scope2(&books(&facts, 0, 5), Basis::Market),
        [
            ("scope2-market-certificate", 700, 0),
            ("scope2-market-contract", 1_000, 100_000),
            ("scope2-market-supplier", 1_000, 400_000),
            ("scope2-market-residual-mix", 1_300, 1_040_000),
        ]
    );
    // Asked for a later part, the certificate is used up already: parts add up to the whole.
    assert_eq!(
        scope2(&books(&facts, 1, 2), Basis::Market),
        [("scope2-market-residual-mix", 1_000, 800_000)]
    );
}

#[test]
fn certificates_of_the_parks_own_plants_or_of_long_ago_cover_nothing() {
    for (own_generation, from, to) in [(true, 0, 24), (false, -9_000, -8_900)] {
        let mut facts = facts();
        facts.extend([
            opened("p", 0, 24),
            certificate("a", 700, from, to),
            instrument("a", 24, InstrumentStep::Held { own_generation }),
            instrument("a", 24, InstrumentStep::Retired { period: "p".into() }),
        ]);
        assert_eq!(
            scope2(&books(&facts, 0, 5), Basis::Market),
            [("scope2-market-grid-average", 4_000, 2_400_000)]
        );
    }
}

#[test]
fn the_sun_whose_certificate_was_sold_is_bought_back_at_the_residual_mix() {
    let mut facts = facts();
    facts.extend([
        of_kind(FactorKind::ResidualMix, "residual", 0, 24, 800),
        certificate("b", 450, 0, 24),
        instrument(
            "b",
            24,
            InstrumentStep::Held {
                own_generation: true,
            },
        ),
        instrument("b", 24, InstrumentStep::Sold),
    ]);
    let books = books(&facts, 0, 5);
    // 300 Wh of it were exported; the other 150 of the 200 used on site are not zero any more.
    let sold: Vec<_> = books
        .postings
        .iter()
        .filter(|posting| posting.activity == "self-use-attribute-sold")
        .map(|posting| (posting.amount, mg(posting), posting.basis))
        .collect();
    assert_eq!(sold, [(150, 120_000, Basis::Market)]);
}

/// LEED Zero counts exported renewables only while the project retains their attributes (carbon accounting note, section 1.7).
/// Certificates are mostly issued and sold after the year that they are of.
#[test]
fn what_was_exported_and_whose_certificate_was_sold_avoids_nothing_in_leed_zero() {
    let mut facts = facts();
    // 300 Wh exported, 0.6 kg each kWh; of the certificate's two days the park generated in the first alone.
    for (sold, left_mg) in [(None, 180_000), (Some(500), 120_000)] {
        if let Some(at) = sold {
            facts.extend([
                certificate("b", 100, 0, 48),
                instrument(
                    "b",
                    400,
                    InstrumentStep::Held {
                        own_generation: true,
                    },
                ),
                instrument("b", at, InstrumentStep::Sold),
            ]);
        }
        let ledger = ledger_of(&facts);
        let books = ledger.books(period(0, 5), AsOf::default());
        let books = books.expect("the park is defined");
        let leed = provisional(&ledger, &books, ClaimKind::LeedZero);
        assert_eq!(leed.value("exported-renewables"), Some(left_mg));
        let inventory = ClaimKind::GhgpInventory(Scope2Total::Location);
        let inventory = provisional(&ledger, &books, inventory);
        assert_eq!(inventory.value("total-location"), Some(2_400_000));
    }
}

#[test]
fn an_exported_watt_hour_stands_for_one_sold_certificate_however_vintages_overlap() {
    let mut facts = facts();
    let own = InstrumentStep::Held {
        own_generation: true,
    };
    for (serial, from, to) in [("b", 0, 24), ("c", 4, 5), ("d", -9_000_000, 1 << 40)] {
        facts.extend([
            certificate(serial, 150, from, to),
            instrument(serial, to, own.clone()),
            instrument(serial, to, InstrumentStep::Sold),
        ]);
    }
    facts.push(of_kind(FactorKind::ResidualMix, "residual", 0, 24, 800));
    // 450 Wh are sold; 300 of them were exported, all in the fifth hour, and 200 used on site.
    let sold: i64 = books(&facts, 0, 5)
        .postings
        .iter()
        .filter(|posting| posting.activity == "self-use-attribute-sold")
        .map(|posting| posting.amount)
        .sum();
    assert_eq!(sold, 150);
}

#[test]
fn a_marginal_factor_prices_exports_alone_and_losses_are_scope_3() {
    let mut facts = facts();
    facts.extend([
        of_kind(FactorKind::GridMarginal, "marginal", 0, 24, -50),
        of_kind(FactorKind::GridLosses, "losses", 0, 24, 20),
    ]);
    let books = books(&facts, 0, 5);
    let of_book = |book| -> Vec<_> {
        let of_it = books
            .postings
            .iter()
            .filter(move |posting| posting.book == book);
        of_it
            .map(|posting| {
                (
                    posting.activity.as_str(),
                    posting.scope,
                    posting.amount,
                    mg(posting),
                )
            })
            .collect()
    };
    assert_eq!(
        of_book(CarbonBook::Avoided),
        [("grid-export", None, 300, -15_000)]
    );
    let losses = ("grid-losses", Some(Scope::Three(3)), 4_000, 80_000);
    assert!(of_book(CarbonBook::Emission).contains(&losses));
}

#[test]
fn postings_are_parted_at_the_months_of_the_parks_zone() {
    let mut facts = facts();
    facts[0] = defined(&parse_park(&park_text("", "Asia/Shanghai")), 1);
    // 2016-08-01T00:00Z is 08:00 in Shanghai: the month began eight hours before.
    facts.extend([hourly("home.load", -9, 10), hourly("home.pv", -9, 0)]);
    facts.push(of_kind(FactorKind::GridAverage, "before", -24, 0, 500));
    let books = books(&facts, -24, 5);
    let months: Vec<_> = books
        .postings
        .iter()
        .filter(|posting| posting.method.token == "scope2-location")
        .map(|posting| (posting.interval.start, posting.amount, mg(posting)))
        .collect();
    assert_eq!(
        months,
        [(hour(-24), 10, 5_000), (hour(-8), 4_000, 2_400_000)]
    );
}

#[test]
fn what_is_retired_for_a_period_after_its_end_is_in_the_books_of_that_period_and_of_no_other() {
    let mut facts = facts();
    facts.extend([
        opened("p", 0, 24),
        opened("q", 24, 48),
        certificate("a", 700, 0, 24),
        instrument(
            "a",
            24,
            InstrumentStep::Held {
                own_generation: false,
            },
        ),
        instrument("a", 100, InstrumentStep::Retired { period: "p".into() }),
    ]);
    let state_in = |from, to| {
        let books = books(&facts, from, to);
        books.instruments.first().map(|line| line.state)
    };
    assert_eq!(state_in(0, 24), Some(InstrumentState::Retired));
    assert_eq!(state_in(24, 48), Some(InstrumentState::Held));
}
