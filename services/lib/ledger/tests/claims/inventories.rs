use terrarium_ledger::claims::statement::VerdictKind;
use terrarium_ledger::claims::{ClaimKind, Refusal, Scope2Total, make};
use terrarium_ledger::gas::{Gas, GasMasses};
use terrarium_ledger::{Basis, CarbonBook, Posting, Scope};

use crate::world::*;

fn a_year() -> Vec<Posting> {
    let mut postings = vec![
        Posting {
            amount: 2_000,
            unit: "l",
            ..emission(Scope::One, "diesel", 5_200_000_000)
        },
        Posting {
            gases: GasMasses::of(Gas::Hfc32, 500_000),
            ..emission(Scope::One, "refrigerant-loss", 0)
        },
        emission(Scope::Three(1), "water-supply", 400_000_000),
        emission(Scope::Three(5), "waste-landfill", 15_600_000_000),
        Posting {
            scope: Some(Scope::Three(2)),
            ..posting(CarbonBook::Embodied, "concrete", 10 * T)
        },
        trees(20 * T, false),
        trees(2 * T, true),
        posting(CarbonBook::Avoided, "grid-export", 16 * T),
        posting(CarbonBook::Biogenic, "biomass", 3 * T),
    ];
    postings.extend(grid(50_000_000, 636_100));
    postings
}

/// Figures with one name are one figure, in whichever statement they stand.
#[test]
fn the_inventories_agree_on_every_figure_that_they_share() {
    let books = books(a_year());
    let policy = policy();
    let statements = [
        ClaimKind::GhgpInventory(Scope2Total::Location),
        ClaimKind::GhgpInventory(Scope2Total::Market),
        ClaimKind::Iso14064,
        ClaimKind::CnGuideline,
        ClaimKind::NdrcZeroCarbonPark,
        ClaimKind::Iso14068Neutrality,
    ]
    .map(|kind| claim(kind, &books, &policy));
    let mut shared = 0;
    for one in &statements {
        assert_figures_lead_back(one);
        for line in &one.lines {
            for other in &statements {
                if let Some(same) = other.line(&line.id) {
                    assert_eq!(same.value, line.value, "{} of {:?}", line.id, other.claim);
                    shared += 1;
                }
            }
        }
    }
    assert!(shared > 60, "only {shared} comparisons");
    let ghgp = &statements[0];
    let iso = &statements[2];
    assert_eq!(iso.value("iso-1"), ghgp.value("scope1"));
    assert_eq!(iso.value("iso-2"), ghgp.value("scope2-location"));
    assert_eq!(iso.value("total-location"), ghgp.value("total-location"));
    assert_eq!(
        statements[3].value("co2-electricity-in"),
        ghgp.value("scope2-location")
    );
}

#[test]
fn removals_avoided_and_biogenic_carbon_stand_beside_and_in_no_total() {
    let policy = policy();
    let whole = claim(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        &books(a_year()),
        &policy,
    );
    let kept: Vec<Posting> = a_year()
        .into_iter()
        .filter(|posting| matches!(posting.book, CarbonBook::Emission | CarbonBook::Embodied))
        .collect();
    let bare = claim(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        &books(kept),
        &policy,
    );
    assert_eq!(whole.value("total-location"), bare.value("total-location"));
    assert_eq!(whole.value("removals-net"), Some(18 * T));
    assert_eq!(whole.value("removals-reversed"), Some(2 * T));
    assert_eq!(whole.value("avoided"), Some(16 * T));
    assert_eq!(whole.verdict.kind, VerdictKind::Stated);
}

#[test]
fn without_contracts_the_location_based_figure_stands_in_both_totals() {
    let mut only_location = a_year();
    only_location.retain(|posting| posting.basis != Basis::Market);
    let statement = claim(
        ClaimKind::GhgpInventory(Scope2Total::Market),
        &books(only_location),
        &policy(),
    );
    let market = statement.line("scope2-market").expect("a line");
    assert_eq!(market.value, statement.value("scope2-location"));
    assert!(market.remark.is_some());
}

#[test]
fn a_claim_over_an_open_period_is_refused_unless_it_may_be_provisional() {
    let books = books(a_year());
    let mut open = policy();
    let period = open.periods.get_mut("2025").expect("there");
    period.what.state = terrarium_ledger::claims::policy::PeriodState::Live;
    let refused = make(ClaimKind::Iso14064, &question(&books, &open)).expect_err("open");
    assert!(matches!(refused, Refusal::OpenPeriod { .. }), "{refused}");
    assert!(refused.to_string().contains("close the period first"));
    let mut asked = question(&books, &open);
    asked.provisional = true;
    let statement = make(ClaimKind::Iso14064, &asked).expect("provisional");
    assert!(statement.provisional);
    assert!(statement.notes[0].en.starts_with("Provisional"));
    let unknown = terrarium_ledger::claims::policy::Policy::default();
    let refused = make(ClaimKind::Iso14064, &question(&books, &unknown)).expect_err("no period");
    assert!(matches!(refused, Refusal::NoPeriod { .. }), "{refused}");
}

/// Carbon accounting note 4.1: gross 54.0 t with 17 %, net 4.5 t with 28 t.
#[test]
fn a_net_near_zero_shows_an_interval_far_wider_than_itself() {
    let part = |scope, activity: &str, mg, u95_ppm| Posting {
        activity_u95_ppm: u95_ppm,
        ..emission(scope, activity, mg)
    };
    let postings = vec![
        part(Scope::Two, "grid-import", 31_800_000_000, 102_000),
        part(Scope::One, "diesel", 6_200_000_000, 70_000),
        part(Scope::Three(1), "water-supply", 400_000_000, 500_000),
        part(Scope::Three(5), "waste-landfill", 15_600_000_000, 540_000),
        trees(49_500_000_000, false),
    ];
    let mut policy = policy();
    with_base_year_and_target(&mut policy);
    let books = books(postings);
    let statement = claim(ClaimKind::Iso14068Neutrality, &books, &policy);
    let gross = statement.line("total-market").expect("a line");
    let share = gross.half95.expect("an interval") * 1_000 / gross.value.expect("a sum");
    assert!((165..=172).contains(&share), "{share} thousandths");
    let residual = statement.line("residual").expect("a line");
    assert_eq!(residual.value, Some(4_500_000_000));
    let half_t = residual.half95.expect("an interval") / T;
    assert!((27..=28).contains(&half_t), "{half_t} t");
    assert_eq!(statement.verdict.kind, VerdictKind::Fails);
}
