//! What holds for statements over any books.

use std::collections::BTreeMap;

use proptest::prelude::*;
use terrarium_ledger::claims::base_year::counterpart;
use terrarium_ledger::claims::boundary::{Boundary, Consolidation, Party, Relation, TenantEnergy};
use terrarium_ledger::claims::{ClaimKind, Scope2Total};
use terrarium_ledger::{CarbonBook, Period, Posting, Scope};
use terrarium_model::{TimeZone, UnixSeconds, parse_rfc3339_with_offset};

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

const MEMBER: Party = Party {
    relation: Relation::JointVenture,
    park_operates: false,
    park_controls_financially: false,
    equity_ppm: 250_000,
};

/// Somebody's emissions: the park's own, a tenant's, of a contractor, of a joint venture; of any scope.
fn any_partys() -> impl Strategy<Value = (&'static str, Scope, i64)> {
    let scope = prop_oneof![
        Just(Scope::One),
        Just(Scope::Two),
        (1..=15_u8).prop_map(Scope::Three)
    ];
    let party = prop_oneof![
        Just("park"),
        Just("tenant"),
        Just("contractor"),
        Just("joint")
    ];
    (party, scope, (1..1_000_i64).prop_map(|tonnes| tonnes * T))
}

/// Who controls, accounts (module docs of the boundary): the millionths that count in the park's total, worked out anew.
fn counted_ppm(party: &str, scope: Scope, boundary: &Boundary) -> i64 {
    let by_equity = boundary.consolidation == Consolidation::EquityShare;
    let operates = |party: &str| {
        boundary
            .parties
            .get(party)
            .is_some_and(|it| it.park_operates)
    };
    let own_scope = match party {
        "park" if by_equity => 500_000,
        "park" => 1_000_000,
        "tenant" => 0,
        _ if by_equity => 250_000,
        party if operates(party) => 1_000_000,
        _ => 0,
    };
    let is_counted = |category: u8| boundary.scope3.contains(&category);
    if own_scope > 0 {
        return match scope {
            Scope::Three(category) if !is_counted(category) => 0,
            _ => own_scope,
        };
    }
    let category = match (party, scope) {
        ("tenant", Scope::One | Scope::Two) => 13,
        ("contractor", Scope::Three(category @ (1 | 2 | 4 | 5))) => category,
        ("contractor", Scope::One | Scope::Two | Scope::Three(3 | 6 | 7 | 8)) => 1,
        _ => return 0,
    };
    if is_counted(category) { 1_000_000 } else { 0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn who_controls_accounts_and_the_rest_is_the_value_chains(
        emitted in proptest::collection::vec(any_partys(), 1..20),
        categories in proptest::collection::btree_set(1..=15_u8, 0..15),
        by_equity in any::<bool>(),
        (operates_joint, operates_contractor) in any::<(bool, bool)>(),
    ) {
        let contractor = Party { relation: Relation::Supplier, park_operates: operates_contractor, ..MEMBER };
        let joint = Party { park_operates: operates_joint, ..MEMBER };
        let boundary = Boundary {
            consolidation: if by_equity { Consolidation::EquityShare } else { Consolidation::OperationalControl },
            equity_ppm: 500_000,
            scope3: categories,
            tenants: TenantEnergy::DownstreamLeased,
            parties: BTreeMap::from([("contractor".to_owned(), contractor), ("joint".to_owned(), joint)]),
            ..Boundary::default()
        };
        let expected: i64 = emitted
            .iter()
            .map(|(party, scope, mg)| mg / 1_000_000 * counted_ppm(party, *scope, &boundary))
            .sum();
        let postings = emitted.iter().map(|(party, scope, mg)| Posting {
            party: (*party).to_owned(),
            ..emission(*scope, "by-hand", *mg)
        });
        let mut policy = policy();
        let books = books(postings.collect());
        policy.boundaries.insert(UnixSeconds(0), decided(boundary));
        let inventory = claim(ClaimKind::GhgpInventory(Scope2Total::Location), &books, &policy);
        prop_assert_eq!(inventory.value("total-location"), Some(expected));
    }

    /// A stretch of whole months is compared with the same months of the base year, whatever the year and the zone.
    #[test]
    fn the_counterpart_is_the_same_months(
        (year, base_year) in (2001_i64..2040, 2001_i64..2040),
        (first, count) in (1_i64..=12, 1_i64..=12),
        zone in prop_oneof![Just("Asia/Shanghai"), Just("Europe/Berlin"), Just("America/Los_Angeles")],
    ) {
        let zone = TimeZone::named(zone).expect("a zone");
        let last = (first + count).min(13);
        let month_start = |year: i64, month: i64| {
            let (year, month) = if month == 13 { (year + 1, 1) } else { (year, month) };
            let utc = parse_rfc3339_with_offset(&format!("{year:04}-{month:02}-01T00:00:00Z")).expect("a time");
            // No zone of these changes its clock at midnight of a month.
            let near = UnixSeconds(utc.0 - i64::from(zone.offset_seconds(utc)));
            UnixSeconds(utc.0 - i64::from(zone.offset_seconds(near)))
        };
        let of = |year| Period { from: month_start(year, first), to: month_start(year, last) };
        let base = u32::try_from(base_year).expect("after Christ");
        let like = counterpart(of(year), base, &zone).expect("whole months are alike");
        prop_assert_eq!(like.period, of(base_year));
        prop_assert_eq!(like.is_whole_year, (first, last) == (1, 13));
    }
}
