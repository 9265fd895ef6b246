use std::collections::{BTreeMap, BTreeSet};

use terrarium_ledger::carbon::ActivityKind;
use terrarium_ledger::carbon::attribution::place;
use terrarium_ledger::claims::boundary::{
    Boundary, Consolidation, LeftOut, ParkRole, Party, Place, Relation, TenantEnergy,
};
use terrarium_ledger::claims::policy::{PeriodState, Policy};
use terrarium_ledger::claims::portfolio::{Transfer, UnbalancedTransfer, roll_up, statement};
use terrarium_ledger::claims::{ClaimKind, Scope2Total};
use terrarium_ledger::{Posting, Scope};
use terrarium_model::{AssetId, ParkId, UnixSeconds};

use crate::world::*;

fn let_to_tenants() -> Vec<Posting> {
    let of = |party: &str, posting: Posting| Posting {
        party: party.into(),
        ..posting
    };
    vec![
        emission(Scope::Two, "grid-import", 10 * T),
        of("tenant-a", emission(Scope::Two, "grid-import", 30 * T)),
        of("tenant-a", emission(Scope::One, "natural-gas", 5 * T)),
        of("tenant-a", emission(Scope::Three(7), "commuting", 8 * T)),
        of("joint", emission(Scope::One, "diesel", 4 * T)),
    ]
}

fn totals(boundary: Boundary) -> [Option<i64>; 5] {
    let mut policy = policy();
    policy.boundaries.insert(UnixSeconds(0), decided(boundary));
    let statement = claim(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        &books(let_to_tenants()),
        &policy,
    );
    assert_figures_lead_back(&statement);
    [
        "scope1",
        "scope2-location",
        "scope3-13",
        "scope3",
        "total-location",
    ]
    .map(|id| statement.value(id).map(|mg| mg / T))
}

fn joint(park_operates: bool, equity_ppm: u32) -> BTreeMap<String, Party> {
    BTreeMap::from([(
        "joint".to_owned(),
        Party {
            relation: Relation::JointVenture,
            park_operates,
            park_controls_financially: false,
            equity_ppm,
        },
    )])
}

#[test]
fn a_landlord_counts_what_tenants_burn_and_buy_as_downstream_leased_assets() {
    let landlord = Boundary {
        role: ParkRole::Landlord,
        tenants: TenantEnergy::DownstreamLeased,
        parties: joint(true, 250_000),
        ..Boundary::default()
    };
    assert_eq!(
        totals(landlord.clone()),
        [Some(4), Some(10), Some(35), Some(35), Some(49)]
    );
    let without_13 = Boundary {
        scope3: BTreeSet::from([1, 2, 3]),
        ..landlord
    };
    assert_eq!(
        totals(without_13),
        [Some(4), Some(10), None, Some(0), Some(14)]
    );
}

#[test]
fn who_operates_what_tenants_use_counts_it_in_scopes_1_and_2() {
    let operator = Boundary {
        tenants: TenantEnergy::OwnScopes,
        parties: joint(false, 250_000),
        ..Boundary::default()
    };
    // The tenant's own value chain comes with it here; the joint venture is run by the other side.
    assert_eq!(
        totals(operator),
        [Some(5), Some(40), None, Some(8), Some(53)]
    );
}

#[test]
fn by_equity_share_everything_counts_by_the_share() {
    let equity = Boundary {
        consolidation: Consolidation::EquityShare,
        equity_ppm: 500_000,
        tenants: TenantEnergy::DownstreamLeased,
        parties: joint(false, 250_000),
        ..Boundary::default()
    };
    assert_eq!(
        totals(equity),
        [Some(1), Some(5), Some(35), Some(35), Some(41)]
    );
}

/// Where every kind of activity stands, by who does it and who controls it: chapters 3 and 4 of the Corporate Standard, appendix F
/// for leases.
#[test]
fn who_controls_accounts_whatever_the_activity() {
    use Consolidation::{EquityShare, FinancialControl, OperationalControl};
    use ParkRole::{Landlord, OwnerOperated};
    use Scope::{One, Three, Two};
    const ALL: [Consolidation; 3] = [EquityShare, FinancialControl, OperationalControl];

    let own = |scope| Some(scope);
    let of_tenant = |scope| matches!(scope, One | Two).then_some(Three(13));
    let of_lessor = |scope| matches!(scope, One | Two).then_some(Three(8));
    let of_supplier = |scope| match scope {
        Three(1 | 2 | 4 | 5) => Some(scope),
        One | Two | Three(3 | 6 | 7 | 8) => Some(Three(1)),
        Three(_) => None,
    };
    let of_others = |_| None;
    type Rule<'a> = &'a dyn Fn(Scope) -> Option<Scope>;
    let party = |relation, park_operates, park_controls_financially, equity_ppm| Party {
        relation,
        park_operates,
        park_controls_financially,
        equity_ppm,
    };
    let named = |party| ("them", OwnerOperated, TenantEnergy::NoTenants, Some(party));
    let unnamed = |role, tenants| ("somebody", role, tenants, None);
    let tenant =
        |operates, financial, ppm| named(party(Relation::Tenant, operates, financial, ppm));
    let of = |relation| named(party(relation, false, false, 0));
    let cases: Vec<(_, &[Consolidation], Rule<'_>, u32)> = vec![
        (
            ("park", OwnerOperated, TenantEnergy::NoTenants, None),
            &ALL,
            &own,
            1_000_000,
        ),
        (
            ("park", Landlord, TenantEnergy::DownstreamLeased, None),
            &ALL,
            &own,
            1_000_000,
        ),
        (tenant(false, false, 0), &ALL, &of_tenant, 1_000_000),
        (
            tenant(true, false, 0),
            &[OperationalControl],
            &own,
            1_000_000,
        ),
        (
            tenant(true, false, 0),
            &[FinancialControl],
            &of_tenant,
            1_000_000,
        ),
        // An operating lease: the asset stays the lessor's, who does not operate it.
        (tenant(false, true, 0), &[FinancialControl], &own, 1_000_000),
        (
            tenant(false, true, 0),
            &[OperationalControl],
            &of_tenant,
            1_000_000,
        ),
        (tenant(false, false, 300_000), &[EquityShare], &own, 300_000),
        (of(Relation::Lessor), &ALL, &of_lessor, 1_000_000),
        (of(Relation::Supplier), &ALL, &of_supplier, 1_000_000),
        (of(Relation::Concession), &ALL, &of_others, 0),
        (of(Relation::JointVenture), &ALL, &of_others, 0),
        (
            unnamed(OwnerOperated, TenantEnergy::NoTenants),
            &ALL,
            &of_supplier,
            1_000_000,
        ),
        (
            unnamed(Landlord, TenantEnergy::NoTenants),
            &ALL,
            &of_tenant,
            1_000_000,
        ),
        (
            unnamed(OwnerOperated, TenantEnergy::DownstreamLeased),
            &ALL,
            &of_tenant,
            1_000_000,
        ),
        (
            unnamed(OwnerOperated, TenantEnergy::OwnScopes),
            &ALL,
            &own,
            1_000_000,
        ),
    ];
    for ((id, role, tenants, party), consolidations, rule, share_ppm) in cases {
        for consolidation in consolidations {
            let boundary = Boundary {
                consolidation: *consolidation,
                role,
                tenants,
                parties: party
                    .iter()
                    .map(|party| (id.to_owned(), party.clone()))
                    .collect(),
                ..Boundary::default()
            };
            for kind in ActivityKind::ALL {
                let scope = place(kind.token()).scope;
                let done = Posting {
                    party: id.to_owned(),
                    ..emission(scope, kind.token(), T)
                };
                let expected = match rule(scope) {
                    Some(scope) => Place::In(Some(scope), share_ppm),
                    None => Place::Out(LeftOut::AnotherParty),
                };
                assert_eq!(
                    boundary.place(&done),
                    expected,
                    "{} of {id}: {boundary:?}",
                    kind.token()
                );
            }
        }
    }
}

#[test]
fn what_is_left_out_stands_in_the_netting_list_with_its_size() {
    let mut policy = policy();
    policy.boundaries.insert(
        UnixSeconds(0),
        decided(Boundary {
            scope3: BTreeSet::new(),
            exclusions: "Visitors' travel: no data.".into(),
            ..Boundary::default()
        }),
    );
    let statement = claim(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        &books(vec![emission(Scope::Three(9), "visitor-travel", 12 * T)]),
        &policy,
    );
    let out: Vec<_> = statement
        .netting
        .iter()
        .filter(|line| line.treatment == terrarium_ledger::claims::statement::Treatment::Out)
        .collect();
    assert_eq!(out[0].amount.map(|(mg, _)| mg), Some(12 * T));
    assert!(out.iter().any(|line| line.why.en.contains("no data")));
}

#[test]
fn what_one_park_sells_another_is_counted_once() {
    let policy = policy();
    let mut plant = books(vec![emission(Scope::One, "natural-gas", 100 * T)]);
    plant.park = ParkId::new("plant").expect("valid");
    let mut office = books(vec![
        emission(Scope::Two, "heat-import", 30 * T),
        emission(Scope::Two, "grid-import", 20 * T),
    ]);
    office.park = ParkId::new("office").expect("valid");
    let transfer = Transfer {
        from: plant.park.clone(),
        to: office.park.clone(),
        asset: AssetId::new("centre").expect("valid"),
        activity: "heat-import".into(),
    };
    let questions = [question(&plant, &policy), question(&office, &policy)];
    let whole = roll_up(&questions, &BTreeSet::from([transfer.clone()])).expect("balanced");
    assert_eq!(
        (whole.sum_mg, whole.twice_mg, whole.total_mg()),
        (150 * T, 30 * T, 120 * T)
    );
    assert_eq!(
        whole.lines.last().and_then(|line| line.value),
        Some(120 * T)
    );
    let nowhere = Transfer {
        activity: "cooling-import".into(),
        ..transfer.clone()
    };
    assert!(matches!(
        roll_up(&questions, &BTreeSet::from([nowhere])),
        Err(UnbalancedTransfer::NotReceived { .. })
    ));
    let stranger = Transfer {
        from: ParkId::new("elsewhere").expect("valid"),
        ..transfer
    };
    let refused = roll_up(&questions, &BTreeSet::from([stranger])).expect_err("no such park");
    assert!(refused.to_string().contains("elsewhere"), "{refused}");
}

/// Two parks of 2025; of the second the period is still open.
#[test]
fn a_portfolio_over_an_open_period_is_refused_or_marked() {
    let closed = policy();
    let mut open = policy();
    let reporting = open.periods.get_mut("2025").expect("it is there");
    reporting.what.state = PeriodState::Live;
    let mut plant = books(vec![emission(Scope::One, "natural-gas", 100 * T)]);
    plant.park = ParkId::new("plant").expect("valid");
    let mut office = books(vec![emission(Scope::Two, "heat-import", 30 * T)]);
    office.park = ParkId::new("office").expect("valid");
    let state = |policy_of_office, provisional| {
        let mut questions = [
            question(&plant, &closed),
            question(&office, policy_of_office),
        ];
        for question in &mut questions {
            question.provisional = provisional;
        }
        let whole = roll_up(&questions, &BTreeSet::new())?;
        statement(whole, &questions, &BTreeSet::new())
    };
    let refused = state(&open, false).expect_err("the office's year is open");
    assert!(
        refused
            .to_string()
            .starts_with("office: period 2025 is open"),
        "{refused}"
    );
    let without = Policy::default();
    let refused = state(&without, false).expect_err("the office has no period");
    assert!(
        refused
            .to_string()
            .starts_with("office: no reporting period"),
        "{refused}"
    );
    let marked = state(&open, true).expect("it may be provisional");
    assert!(marked.provisional);
    assert!(marked.notes[0].en.starts_with("Provisional"));
    for provisional in [false, true] {
        let stands = state(&closed, provisional).expect("both are closed");
        assert!(!stands.provisional);
        assert!(!stands.notes[0].en.starts_with("Provisional"));
    }
}

#[test]
fn parks_without_transfers_are_added_up_and_the_statement_says_so() {
    let policy = policy();
    let mut plant = books(vec![emission(Scope::One, "natural-gas", 100 * T)]);
    plant.park = ParkId::new("plant").expect("valid");
    let mut office = books(vec![emission(Scope::Two, "heat-import", 30 * T)]);
    office.park = ParkId::new("office").expect("valid");
    let questions = [question(&plant, &policy), question(&office, &policy)];
    let state = |transfers: BTreeSet<Transfer>| {
        let whole = roll_up(&questions, &transfers).expect("balanced");
        statement(whole, &questions, &transfers).expect("both are closed")
    };
    let transfer = Transfer {
        from: plant.park.clone(),
        to: office.park.clone(),
        asset: AssetId::new("centre").expect("valid"),
        activity: "heat-import".into(),
    };
    let once = "each tonne once";
    let added_up = state(BTreeSet::new());
    let words = &added_up.verdict.words.en;
    assert!(words.contains("no transfers between them"), "{words}");
    assert!(!words.contains(once), "{words}");
    let total = added_up.lines.last().expect("a total");
    assert!(!total.words.en.contains(once), "{total:?}");
    assert!(
        added_up
            .notes
            .iter()
            .any(|note| note.en.contains("No transfers"))
    );
    let netted = state(BTreeSet::from([transfer]));
    assert!(netted.verdict.words.en.contains(once));
    assert!(
        netted
            .lines
            .last()
            .expect("a total")
            .words
            .en
            .contains(once)
    );
    assert_eq!(netted.value("portfolio-total"), Some(100 * T));
    assert_eq!(added_up.value("portfolio-total"), Some(130 * T));
}
