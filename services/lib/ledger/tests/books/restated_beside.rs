//! What moves the figures of a closed period beside readings and factors: sold certificates, corrections of another time,
//! construction, and the boundary.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrarium_ledger::carbon::{Activity, ActivityKind, CarbonFact, EmbodiedRecord};
use terrarium_ledger::claims::boundary::{Boundary, TenantEnergy};
use terrarium_ledger::claims::policy::{Decision, Target};
use terrarium_ledger::{
    Fact, FactorKind, FactorSet, GwpSet, InstrumentStep, LifeCycleModule, PeriodStep, Restatement,
    RestatementReason,
};
use terrarium_model::{AmountUnit, Interval};

use crate::invariants::{certificate, instrument, moved, opened};
use crate::world::*;

const DAY: i64 = 24;
const KG: i64 = 1_000_000;

/// A day of 1,000 Wh used every hour, 400 of them made on site.
fn open_day() -> Vec<Fact> {
    let of_kind = |kind, set, thousandths| {
        published(FactorSet {
            kind,
            ..constant_factor(set, "1", "2020-01-01", 0, DAY, thousandths)
        })
    };
    let mut facts = vec![
        defined(&park(), 1),
        of_kind(FactorKind::GridAverage, "average", 600),
        of_kind(FactorKind::ResidualMix, "residual", 800),
        opened("day", 0, DAY),
    ];
    for number in 0..DAY {
        facts.push(hourly("home.load", number, 1_000));
        facts.push(hourly("home.pv", number, 400));
    }
    facts
}

/// Entries of the day, when it was closed between the two.
fn entries(
    before: impl IntoIterator<Item = Fact>,
    after: impl IntoIterator<Item = Fact>,
) -> Vec<Restatement> {
    let mut facts = open_day();
    facts.extend(before);
    facts.push(moved("day", DAY, PeriodStep::Closed));
    facts.extend(after);
    let ledger = ledger_of(&facts);
    let entries = ledger.present().restatements("day", GwpSet::Ar6);
    entries.expect("opened").expect("CO2 has a potential")
}

/// CO2 as measured, in kg.
fn released(party: &str, at: i64, kilograms: i64, revision: u32) -> Fact {
    Fact::Carbon(CarbonFact::Activity(Arc::new(Activity {
        kind: ActivityKind::GasReleased,
        subject: "CO2".to_owned(),
        asset: asset("home"),
        name: "leak".to_owned(),
        party: party.to_owned(),
        interval: Interval {
            start: hour(at),
            seconds: 0,
        },
        amount: kilograms * 1_000,
        unit: AmountUnit::Gram,
        revision,
        tier: 2,
        u95_ppm: 0,
        source: "log".to_owned(),
        evidence: None,
    })))
}

#[test]
fn an_own_certificate_that_is_sold_later_takes_the_zero_from_what_was_used_on_site() {
    let own = InstrumentStep::Held {
        own_generation: true,
    };
    let held = [certificate("a", 5_000, 0, DAY), instrument("a", DAY, own)];
    let told = entries(held, [instrument("a", 30, InstrumentStep::Sold)]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].before.location_mg, told[0].after.location_mg);
    // 5,000 Wh at the residual mix.
    assert_eq!(told[0].after.market_mg - told[0].before.market_mg, 4 * KG);
}

#[test]
fn a_correction_that_moves_something_out_of_a_period_restates_the_period_it_was_in() {
    let told = entries([released("park", 2, 7, 0)], [released("park", 50, 7, 1)]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].run.reason, RestatementReason::CorrectedData);
    assert_eq!(
        told[0].after.location_mg - told[0].before.location_mg,
        -7 * KG
    );
}

#[test]
fn what_happened_at_the_very_start_of_a_period_belongs_to_it() {
    let told = entries([], [released("park", 0, 7, 0)]);
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].after.location_mg - told[0].before.location_mg,
        7 * KG
    );
}

#[test]
fn construction_that_is_told_later_restates_the_embodied_book() {
    let built = Fact::Carbon(CarbonFact::Embodied(EmbodiedRecord {
        asset: asset("home"),
        module: LifeCycleModule::A1A3,
        item: "concrete".to_owned(),
        revision: 0,
        time: hour(5),
        co2e_mg: 9 * KG,
        source: "declaration".to_owned(),
        evidence: None,
    }));
    let told = entries([], [built]);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].before.embodied_mg, told[0].after.embodied_mg),
        (0, 9 * KG)
    );
    assert_eq!(told[0].before.location_mg, told[0].after.location_mg);
    assert!(told[0].is_material);
}

#[test]
fn a_change_of_the_boundary_restates_what_it_takes_in_or_leaves_out() {
    let decided = |decision| Fact::Decided {
        decision: Arc::new(decision),
        at: hour(40),
    };
    let boundary = |boundary| {
        decided(Decision::Boundary {
            valid_from: hour(0),
            boundary,
        })
    };
    let of_tenant = [released("tenant-1", 3, 7, 0)];
    let told = entries(
        of_tenant,
        [
            // A target moves nothing.
            decided(Decision::Target(
                "t".to_owned(),
                Target {
                    scopes: vec![1],
                    base_year: 2016,
                    target_year: 2030,
                    reduction_permille: 500,
                    standard: String::new(),
                },
            )),
            // From a supplier's category 1 to a tenant's category 13: the total stays.
            boundary(Boundary {
                tenants: TenantEnergy::DownstreamLeased,
                ..Boundary::default()
            }),
            boundary(Boundary {
                scope3: BTreeSet::new(),
                ..Boundary::default()
            }),
        ],
    );
    let changes: Vec<_> = told
        .iter()
        .map(|entry| {
            (
                entry.run.reason,
                entry.after.location_mg - entry.before.location_mg,
            )
        })
        .collect();
    assert_eq!(changes, [(RestatementReason::BoundaryChange, -7 * KG)]);
    assert_eq!(
        told[0].number, 2,
        "the first change of the boundary moved no figure"
    );
}

#[test]
fn a_plan_is_worked_off_in_parts_and_gives_the_same_entries() {
    let mut facts = open_day();
    facts.push(moved("day", DAY, PeriodStep::Closed));
    for (version, thousandths) in [("2", 500), ("3", 400), ("4", 300)] {
        let published_on = format!("2021-01-0{version}");
        facts.push(published(constant_factor(
            "average",
            version,
            &published_on,
            0,
            DAY,
            thousandths,
        )));
    }
    let ledger = ledger_of(&facts);
    let view = ledger.present();
    let whole = view
        .restatements("day", GwpSet::Ar6)
        .expect("opened")
        .expect("CO2 has a potential");
    assert_eq!(whole.len(), 3);
    let (mut parts, mut after) = (Vec::new(), Some(0));
    while let Some(position) = after {
        let plan = view.restatement_plan("day", position, 2).expect("opened");
        let needed = plan.needed();
        assert!(needed.len() <= 4, "two figures a step");
        let figures = needed
            .into_iter()
            .map(|(period, known_at)| {
                let figures = view.figures(period, known_at, GwpSet::Ar6);
                ((period, known_at), figures.expect("CO2 has a potential"))
            })
            .collect();
        parts.extend(plan.entries(&figures));
        after = plan.more_after;
    }
    assert_eq!(parts, whole);
}
