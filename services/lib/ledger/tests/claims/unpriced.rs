//! What has no factor: inventories state it, promises are refused.

use terrarium_ledger::carbon::Unpriced;
use terrarium_ledger::claims::policy::Policy;
use terrarium_ledger::claims::statement::VerdictKind;
use terrarium_ledger::claims::{ClaimKind, Refusal, Statement, make};
use terrarium_ledger::{Books, WithoutFactor};
use terrarium_model::{AssetId, UnixSeconds};

use crate::life_cycle::{construction, plan};
use crate::stages::{park, year};
use crate::world::*;

/// A park that has decided all that any claim asks for, and would hold all of them.
fn decided_everything() -> Policy {
    let mut policy = park(950_000);
    policy.life_cycle = Some(decided(plan()));
    policy
}

fn good_year() -> Books {
    let mut books = year(960_000, 10, 12);
    books.postings.push(construction());
    books.postings.extend(grid(40_000, 600_000));
    books
}

fn base() -> Books {
    base_books(vec![emission(
        terrarium_ledger::Scope::Three(5),
        "waste-landfill",
        100 * T,
    )])
}

fn compost() -> WithoutFactor {
    WithoutFactor {
        activities: vec![Unpriced {
            activity: "compost wet-mass".into(),
            asset: AssetId::new("bin-garden").expect("valid"),
            interval: (UnixSeconds(START_OF_2025), 0),
            problem: "no factor of composting is known in china".into(),
        }],
        ..WithoutFactor::default()
    }
}

fn ten_hours() -> WithoutFactor {
    WithoutFactor {
        hours: 10,
        first_hour: Some(UnixSeconds(START_OF_2025)),
        region: "north-china".into(),
        ..WithoutFactor::default()
    }
}

fn asked(
    kind: ClaimKind,
    of: &Books,
    base: &Books,
    provisional: bool,
) -> Result<Statement, Refusal> {
    let policy = decided_everything();
    let mut asked = question(of, &policy);
    asked.base_year = Some(base);
    asked.provisional = provisional;
    make(kind, &asked)
}

#[test]
fn every_promise_is_refused_and_names_what_has_no_price_and_every_inventory_states_it() {
    for (lacking, said) in [
        (compost(), "compost wet-mass of bin-garden"),
        (
            ten_hours(),
            "10 metered hours from 2024-12-31T16:00:00Z on with energy across the grid have no grid_average factor of region \
             north-china",
        ),
    ] {
        let mut of = good_year();
        of.without_factor = lacking;
        let mut refused = Vec::new();
        for kind in ClaimKind::ALL {
            asked(kind, &good_year(), &base(), false).expect("everything has its price");
            match asked(kind, &of, &base(), false) {
                Err(refusal @ Refusal::Unpriced { .. }) => {
                    let text = refusal.to_string();
                    assert!(text.contains(said), "{text}");
                    assert!(text.contains("publish the missing factors"), "{text}");
                    assert!(text.contains(kind.token()), "{text}");
                    refused.push(kind);
                }
                Err(other) => panic!("{kind:?}: {other}"),
                Ok(statement) => assert!(
                    statement.notes[0].en.starts_with("Not everything"),
                    "{kind:?} says nothing of it"
                ),
            }
        }
        assert_eq!(
            refused,
            [
                ClaimKind::NdrcZeroCarbonPark,
                ClaimKind::Iso14068Neutrality,
                ClaimKind::LeedZero,
                ClaimKind::Sbti,
                ClaimKind::Stage,
            ]
        );
    }
}

#[test]
fn what_has_no_price_in_the_base_year_stands_in_the_way_of_those_who_compare_with_it() {
    let mut base = base();
    base.without_factor = compost();
    for kind in [
        ClaimKind::Iso14068Neutrality,
        ClaimKind::Sbti,
        ClaimKind::Stage,
    ] {
        let refusal = asked(kind, &good_year(), &base, false).expect_err("base year");
        assert!(
            refusal.to_string().contains("in the base year: compost"),
            "{refusal}"
        );
    }
    asked(ClaimKind::LeedZero, &good_year(), &base, false).expect("compares with nothing");
}

#[test]
fn a_provisional_statement_shows_the_figures_and_holds_nothing_to_be_so() {
    let mut of = good_year();
    of.without_factor = compost();
    for kind in ClaimKind::ALL {
        let statement = asked(kind, &of, &base(), true).expect("provisional");
        assert!(!statement.lines.is_empty());
        if kind.promises_on_factors() {
            assert!(
                !matches!(
                    statement.verdict.kind,
                    VerdictKind::Holds | VerdictKind::HoldsStraddling | VerdictKind::ByCredits
                ),
                "{kind:?}: {}",
                statement.verdict.words.en
            );
        }
    }
    let is_inventory =
        |kind: &ClaimKind| matches!(kind, ClaimKind::GhgpInventory(_) | ClaimKind::Iso14064);
    for kind in ClaimKind::ALL.into_iter().filter(is_inventory) {
        let verdict = |books: &Books| {
            let statement = asked(kind, books, &base(), true).expect("provisional");
            statement.verdict.words.en
        };
        assert!(verdict(&of).starts_with("Incomplete"), "{kind:?}");
        assert!(!verdict(&good_year()).contains("Incomplete"), "{kind:?}");
    }
    // Without its construction the park would stand in the highest stage.
    let mut zero = year(960_000, 10, 12);
    let stage = asked(ClaimKind::Stage, &zero, &base(), true).expect("provisional");
    assert!(stage.verdict.words.en.starts_with("Stage: Zero"));
    zero.without_factor = compost();
    let stage = asked(ClaimKind::Stage, &zero, &base(), true).expect("provisional");
    assert!(stage.verdict.words.en.contains("Nothing is claimed"));
}

#[test]
fn many_activities_are_named_by_the_first_few() {
    let mut of = good_year();
    let one = compost().activities.remove(0);
    of.without_factor.activities = vec![one; 8];
    let refusal = asked(ClaimKind::Stage, &of, &base(), false).expect_err("unpriced");
    assert!(
        refusal.to_string().contains("and 5 more activities"),
        "{refusal}"
    );
}
