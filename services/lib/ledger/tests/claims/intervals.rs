//! The intervals of statements against a Monte Carlo of 100,000 draws: they agree within 5 %.

use terrarium_ledger::claims::statement::Source;
use terrarium_ledger::claims::{ClaimKind, Scope2Total};
use terrarium_ledger::{FactorMark, FactorUse, Posting, Scope};

use crate::draws::drawn_half_width;
use crate::world::*;

fn uncertain(posting: Posting, activity_percent: u32, factors: &[(&str, u32)]) -> Posting {
    Posting {
        activity_u95_ppm: activity_percent * 10_000,
        factors: factors
            .iter()
            .map(|(key, percent)| FactorUse {
                key: (*key).to_owned(),
                mark: FactorMark::Secondary,
                u95_ppm: percent * 10_000,
            })
            .collect(),
        ..posting
    }
}

/// Carbon accounting note 4.1, with errors as wide as waste and trees have: the second order of a product counts here. Water
/// moves with the grid's factor.
fn wide_year() -> Vec<Posting> {
    let grid = ("grid", 10);
    vec![
        uncertain(
            emission(Scope::Two, "grid-import", 31_800_000_000),
            2,
            &[grid],
        ),
        uncertain(
            emission(Scope::One, "diesel", 6_200_000_000),
            5,
            &[("diesel", 5)],
        ),
        uncertain(
            emission(Scope::Three(1), "water-supply", 9_400_000_000),
            50,
            &[("intensity", 90), grid],
        ),
        uncertain(
            emission(Scope::Three(5), "waste-landfill", 45_600_000_000),
            100,
            &[("waste", 100)],
        ),
        uncertain(trees(49_500_000_000, false), 60, &[("tree", 70)]),
        uncertain(trees(9_000_000_000, true), 60, &[("tree", 70)]),
    ]
}

#[test]
fn the_intervals_of_an_inventory_and_of_a_net_figure_agree_with_draws_within_five_per_cent() {
    let books = books(wide_year());
    let inventory = claim(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        &books,
        &policy(),
    );
    let mut checked = 0;
    let drawn_of = |statement: &terrarium_ledger::claims::Statement, lines: &[(&str, f64)]| {
        let mut parts = Vec::new();
        for (id, sign) in lines {
            for source in &statement.line(id).expect("a line").from {
                let Source::Posting { index, share_ppm } = source else {
                    continue;
                };
                let posting = &statement.postings[*index];
                let mg = posting.gases.co2e_mg(statement.gwp).expect("known") as f64;
                parts.push((sign * mg * (*share_ppm as f64 / 1e6), posting));
            }
        }
        // Growth and loss of trees come from the same surveys: one error.
        let surveyed: Vec<(f64, Posting)> = parts
            .into_iter()
            .map(|(mg, posting)| {
                let mut posting = posting.clone();
                if posting.activity.starts_with("tree") {
                    posting.activity = "trees".to_owned();
                }
                (mg, posting)
            })
            .collect();
        let parts: Vec<(f64, &Posting)> = surveyed.iter().map(|(mg, of)| (*mg, of)).collect();
        drawn_half_width(&parts)
    };
    let mut agree = |id: &str, half95: Option<i64>, drawn: f64| {
        let ratio = half95.expect("an interval") as f64 / drawn;
        assert!((0.95..=1.05).contains(&ratio), "{id}: {ratio}");
        checked += 1;
    };
    for id in [
        "scope2-location",
        "scope3",
        "total-location",
        "removals-net",
    ] {
        let half95 = inventory.line(id).expect("a line").half95;
        agree(id, half95, drawn_of(&inventory, &[(id, 1.0)]));
    }
    let neutrality = claim(ClaimKind::Iso14068Neutrality, &books, &policy());
    let net = [("total-market", 1.0), ("removals-net", -1.0)];
    let half95 = neutrality.line("residual").expect("a line").half95;
    agree("residual", half95, drawn_of(&neutrality, &net));
    assert_eq!(checked, 5);
    let last = &neutrality.notes.last().expect("notes").en;
    assert!(last.contains("IPCC 2006"), "the method is told: {last}");
}
