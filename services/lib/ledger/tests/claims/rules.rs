//! What holds for statements over any books.

use proptest::prelude::*;
use terrarium_ledger::claims::{ClaimKind, Scope2Total};
use terrarium_ledger::{CarbonBook, Posting, Scope};

use crate::world::*;

/// Any posting: emissions of three scopes, growth and loss of trees, what is avoided, what is of living origin.
fn any_posting() -> impl Strategy<Value = Posting> {
    (0..7_u8, 0_i64..100_000_000_000, 1..=15_u8).prop_map(|(what, mg, category)| match what {
        0 => emission(Scope::One, "diesel", mg),
        1 => emission(Scope::Two, "heat-import", mg),
        2 => emission(Scope::Three(category), "freight", mg),
        3 => trees(mg, false),
        4 => trees(mg, true),
        5 => posting(CarbonBook::Avoided, "grid-export", mg),
        _ => posting(CarbonBook::Biogenic, "compost", mg),
    })
}

fn sum(postings: &[Posting], pick: impl Fn(&Posting) -> bool) -> i64 {
    let picked = postings.iter().filter(|posting| pick(posting));
    picked
        .flat_map(|posting| posting.gases.iter())
        .map(|(_, mg)| mg)
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Invariants 4 and 5: an inventory is its emissions and nothing else; what went back is taken from what was taken up; a net
    /// figure is the one less the other and the credits.
    #[test]
    fn totals_are_emissions_removals_are_growth_less_loss_and_a_balance_is_what_is_left(
        postings in proptest::collection::vec(any_posting(), 1..20),
        credited_g in 0_i64..10_000_000,
    ) {
        let emitted = sum(&postings, |posting| posting.book == CarbonBook::Emission);
        let grown = sum(&postings, |posting| posting.activity == "tree-growth");
        let lost = sum(&postings, |posting| posting.activity == "tree-loss");
        let mut books = books(postings);
        books.instruments = vec![credit(credited_g, "2025")];
        for total in [Scope2Total::Location, Scope2Total::Market] {
            let inventory = claim(ClaimKind::GhgpInventory(total), &books, &policy());
            prop_assert_eq!(inventory.value("total-location"), Some(emitted));
            prop_assert_eq!(inventory.value("total-market"), Some(emitted));
            prop_assert_eq!(inventory.value("removals-gross"), Some(grown));
            prop_assert_eq!(inventory.value("removals-reversed"), Some(lost));
            prop_assert_eq!(inventory.value("removals-net"), Some(grown - lost));
            assert_figures_lead_back(&inventory);
        }
        let iso = claim(ClaimKind::Iso14064, &books, &policy());
        prop_assert_eq!(iso.value("total-location"), Some(emitted));
        let neutrality = claim(ClaimKind::Iso14068Neutrality, &books, &policy());
        prop_assert_eq!(neutrality.value("residual"), Some(emitted - (grown - lost)));
        prop_assert_eq!(neutrality.value("balance"), Some(emitted - (grown - lost) - credited_g * 1_000));
    }
}
