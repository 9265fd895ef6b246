//! A fixture park for each stage lands in its stage.

use std::collections::BTreeMap;

use terrarium_ledger::claims::policy::Policy;
use terrarium_ledger::claims::stage::{
    Criterion, Cutoff, Indicator, Measure, Stage, StageCriteria,
};
use terrarium_ledger::claims::statement::VerdictKind;
use terrarium_ledger::claims::{ClaimKind, Refusal, Statement, make};
use terrarium_ledger::{Books, HourAmounts, Scope};

use crate::world::*;

/// Cut-offs of the fixtures: assumed, as every park sets its own.
fn criteria() -> StageCriteria {
    use Cutoff::{AtLeast, AtMost};
    let stage = |rows: &[(Measure, &str, Cutoff)]| {
        rows.iter()
            .map(|(measure, indicator, cutoff)| Criterion {
                measure: *measure,
                indicator: (*indicator).to_owned(),
                cutoff: *cutoff,
            })
            .collect::<Vec<_>>()
    };
    let eight = |clean: i64, net: i64, share: i64| {
        stage(&[
            (Measure::Platform, "metered-hours", AtLeast(900_000)),
            (Measure::Energy, "clean-share", AtLeast(clean)),
            (Measure::Industry, "solid-waste-use", AtLeast(share)),
            (Measure::Transport, "electric-fleet", AtLeast(share)),
            (Measure::Buildings, "efficient-buildings", AtLeast(share)),
            (Measure::Removal, "net-share", AtMost(net)),
            (Measure::Resources, "waste-diverted", AtLeast(share)),
            (Measure::People, "staff-trained", AtLeast(share)),
        ])
    };
    StageCriteria {
        stages: BTreeMap::from([
            (Stage::LowCarbon, eight(300_000, 800_000, 500_000)),
            (Stage::NearZero, eight(800_000, 200_000, 700_000)),
            (Stage::Zero, eight(950_000, 0, 900_000)),
        ]),
        source: "assumed".into(),
    }
}

pub fn park(reported_ppm: i64) -> Policy {
    let mut policy = policy();
    with_base_year_and_target(&mut policy);
    policy.stages = Some(decided(criteria()));
    for token in [
        "solid-waste-use",
        "electric-fleet",
        "efficient-buildings",
        "waste-diverted",
        "staff-trained",
    ] {
        policy.indicators.insert(
            token.into(),
            decided(Indicator {
                value: reported_ppm,
                at: terrarium_model::UnixSeconds(0),
                source: "yearly audit".into(),
                evidence: Some([7; 32]),
            }),
        );
    }
    policy
}

pub fn year(clean_ppm: i64, emitted_t: i64, removed_t: i64) -> Books {
    let mut books = books(vec![
        emission(Scope::Three(5), "waste-landfill", emitted_t * T),
        trees(removed_t * T, false),
    ]);
    books.energy = hour(HourAmounts {
        consumption: 1_000_000,
        import: 1_000_000 - clean_ppm,
        generation: clean_ppm,
        self_use: clean_ppm,
        ..HourAmounts::default()
    });
    books
}

fn stage_of(policy: &Policy, year: &Books) -> Statement {
    let base = base_books(vec![emission(Scope::Three(5), "waste-landfill", 100 * T)]);
    let mut asked = question(year, policy);
    asked.base_year = Some(&base);
    make(ClaimKind::Stage, &asked).expect("made")
}

#[test]
fn a_park_of_each_stage_lands_in_its_stage_with_the_evidence_listed() {
    for (reported, clean, emitted, removed, verdict) in [
        (400_000, 350_000, 70, 0, "No stage"),
        (600_000, 350_000, 70, 0, "Stage: Low-carbon."),
        (800_000, 850_000, 25, 10, "Stage: Near-zero."),
        (950_000, 960_000, 10, 12, "Stage: Zero."),
    ] {
        let statement = stage_of(&park(reported), &year(clean, emitted, removed));
        assert!(
            statement.verdict.words.en.starts_with(verdict),
            "{verdict}: {}",
            statement.verdict.words.en
        );
        let criteria: Vec<_> = statement
            .lines
            .iter()
            .filter(|line| {
                Stage::ALL
                    .iter()
                    .any(|stage| line.id.starts_with(stage.token()))
            })
            .collect();
        assert_eq!(criteria.len(), 24);
        for line in criteria {
            assert!(!line.from.is_empty(), "{} leads nowhere", line.id);
            assert!(
                line.remark.is_some(),
                "{} does not say whether it holds",
                line.id
            );
        }
    }
}

#[test]
fn what_is_not_reported_does_not_hold() {
    let mut policy = park(950_000);
    policy.indicators.remove("staff-trained");
    let statement = stage_of(&policy, &year(960_000, 10, 12));
    assert_eq!(statement.verdict.kind, VerdictKind::Fails);
    assert!(statement.verdict.words.en.contains("staff-trained"));
}

#[test]
fn without_cut_offs_on_record_there_is_no_stage() {
    let mut policy = park(950_000);
    policy.stages = None;
    let year = year(960_000, 10, 12);
    let refused = make(ClaimKind::Stage, &question(&year, &policy)).expect_err("undecided");
    assert!(matches!(refused, Refusal::Undecided { .. }));
}

/// Credits bring no park to a stage.
#[test]
fn credits_do_not_lift_a_park() {
    let policy = park(950_000);
    let mut with_credits = year(960_000, 90, 0);
    with_credits.instruments = vec![credit(90_000_000, "2025")];
    let statement = stage_of(&policy, &with_credits);
    assert_eq!(statement.verdict.kind, VerdictKind::Fails);
}

#[test]
fn the_date_of_neutrality_is_forecast_with_its_interval() {
    let policy = park(950_000);
    let mut years = vec![year(960_000, 30, 0), year(960_000, 20, 0)];
    years[0].period.from.0 -= YEAR_S;
    years[0].period.to.0 -= YEAR_S;
    let this = years[1].clone();
    let mut asked = question(&this, &policy);
    asked.years = &years;
    let statement = make(ClaimKind::Stage, &asked).expect("made");
    let line = statement.line("neutral-date").expect("two years");
    assert_eq!(line.value, Some(START_OF_2025 + 2 * YEAR_S));
    assert!(
        line.remark
            .as_ref()
            .is_some_and(|words| words.en.contains("between"))
    );
}
