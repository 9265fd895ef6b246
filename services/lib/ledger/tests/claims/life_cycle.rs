//! Haotian's life cycle: carbon accounting note 7.1 to 7.4.

use terrarium_ledger::claims::life_cycle::{LifeCyclePlan, tonnes};
use terrarium_ledger::claims::{ClaimKind, Refusal, Statement, make};
use terrarium_ledger::{CarbonBook, Detail, HourAmounts, LifeCycleModule, Posting, Scope};
use terrarium_model::UnixSeconds;

use crate::world::*;

/// 2022-04-01T00:00:00+08:00.
const OPENING_S: i64 = 1_648_742_400;

pub fn plan() -> LifeCyclePlan {
    LifeCyclePlan {
        opening: UnixSeconds(OPENING_S),
        years: 25,
        generation_wh: 112_000_000,
        self_use_wh: 82_000_000,
        generation_credit_mg: tonnes(1_823),
        export_credit_mg: tonnes(24),
        grid_mg_per_kwh: 530_600,
        trees_mg: tonnes(1_237),
        crown: (26_600_000_000, 20),
        design_saving_mg: tonnes(934),
        stated_year: 2031,
        source: "published figures of the park".into(),
    }
}

pub fn construction() -> Posting {
    Posting {
        scope: Some(Scope::Three(2)),
        detail: Detail::Embodied {
            module: LifeCycleModule::A1A3,
            item: "park".into(),
        },
        ..posting(CarbonBook::Embodied, "construction", 921 * T)
    }
}

fn haotian() -> Statement {
    let mut policy = policy();
    policy.life_cycle = Some(decided(plan()));
    claim(
        ClaimKind::LifeCycleNeutrality,
        &books(vec![construction()]),
        &policy,
    )
}

fn whole_t(statement: &Statement, id: &str) -> i64 {
    let mg = statement.value(id).unwrap_or_else(|| panic!("no {id}"));
    terrarium_model::round_half_even_div(i128::from(mg), i128::from(T)) as i64
}

/// Year with its tenths.
fn tenths_of_year(statement: &Statement, id: &str) -> i64 {
    let seconds = statement.value(id).unwrap_or_else(|| panic!("no {id}"));
    // 1970 begins the count of Unix seconds; a mean year.
    19_700 + seconds * 10 / 31_556_952
}

#[test]
fn the_founders_view_prints_their_figures() {
    let statement = haotian();
    assert_eq!(whole_t(&statement, "founders-start"), -921);
    assert_eq!(whole_t(&statement, "founders-end"), 2_139);
    for (id, years) in [
        (
            "founders-checkpoint",
            [
                (1, -799),
                (5, -309),
                (10, 303),
                (15, 915),
                (20, 1_527),
                (25, 2_139),
            ],
        ),
        (
            "founders-young-checkpoint",
            [
                (1, -841),
                (5, -462),
                (10, 94),
                (15, 719),
                (20, 1_403),
                (25, 2_139),
            ],
        ),
        (
            "removals-young-checkpoint",
            [
                (1, -914),
                (5, -827),
                (10, -635),
                (15, -375),
                (20, -55),
                (25, 316),
            ],
        ),
    ] {
        for (year, expected_t) in years {
            let found = whole_t(&statement, &format!("{id}-{year}"));
            assert!((found - expected_t).abs() <= 1, "{id} year {year}: {found}");
        }
    }
}

#[test]
fn every_honest_view_prints_its_figure_and_its_date() {
    let statement = haotian();
    for (view, end_t, crossings) in [
        ("founders", 2_139, [20_297, 20_310, 20_320]),
        ("export", 916, [20_348, 20_366, 20_382]),
        ("export-grid", 714, [20_363, 20_383, 20_399]),
        ("removals", 316, [20_408, 20_425, 20_436]),
    ] {
        let found = whole_t(&statement, &format!("{view}-end"));
        assert!((found - end_t).abs() <= 1, "{view}: {found}");
        let dates = ["crossing", "crossing-1400", "crossing-1900"]
            .map(|id| tenths_of_year(&statement, &format!("{view}-{id}")));
        for (date, expected) in dates.into_iter().zip(crossings) {
            assert!((date - expected).abs() <= 1, "{view}: {dates:?}");
        }
    }
    assert_eq!(whole_t(&statement, "crown-end"), -389);
    assert_eq!(statement.value("crown-crossing"), None);
}

#[test]
fn the_report_says_that_the_printed_averages_mean_october_2029() {
    let statement = haotian();
    let notes: String = statement
        .notes
        .iter()
        .map(|note| note.en.as_str())
        .collect();
    assert!(notes.contains("October 2029, not in 2031"), "{notes}");
    assert!(notes.contains("twice"), "{notes}");
    let zh: String = statement
        .notes
        .iter()
        .map(|note| note.zh.as_str())
        .collect();
    assert!(
        zh.contains("2029年10月") && zh.contains("而非 2031"),
        "{zh}"
    );
    assert!(statement.verdict.words.en.contains("straddles zero"));
}

/// The credit is worked out from energy: entries of the avoided book change nothing.
#[test]
fn the_credit_comes_from_energy_and_never_from_avoided_entries() {
    let mut policy = policy();
    policy.life_cycle = Some(decided(plan()));
    let mut measured = books(vec![construction(), trees(30 * T, false)]);
    measured.energy = hour(HourAmounts {
        generation: 112_000_000,
        export: 30_000_000,
        ..HourAmounts::default()
    });
    let without = claim(ClaimKind::LifeCycleNeutrality, &measured, &policy);
    let mut with_avoided = measured.clone();
    with_avoided
        .postings
        .push(posting(CarbonBook::Avoided, "grid-export", 500 * T));
    let with = claim(ClaimKind::LifeCycleNeutrality, &with_avoided, &policy);
    for (one, other) in without.lines.iter().zip(&with.lines) {
        assert_eq!((&one.id, one.value), (&other.id, other.value));
    }
    // A year's planned generation at the founders' factor: 72.92 t.
    assert_eq!(
        without.value("measured-credit").map(|mg| mg / 10_000_000),
        Some(7_292)
    );
    assert_eq!(whole_t(&without, "measured-balance"), 73 + 30 - 921);
}

/// Note 7.7: 180,700 kWh exported from April 2022 to July 2025 are 54.2 MWh a year, 1.81 times the plan.
#[test]
fn the_measured_export_stands_beside_the_planned_one_and_drives_the_figures() {
    let mut policy = policy();
    policy.life_cycle = Some(decided(plan()));
    let mut measured = books(vec![construction()]);
    let hours = 40 * 730;
    for number in 0..hours {
        let before = 180_700_000 * number / hours;
        let after = 180_700_000 * (number + 1) / hours;
        measured.energy.insert(
            UnixSeconds(OPENING_S + number * 3_600),
            HourAmounts {
                export: after - before,
                generation: after - before,
                ..HourAmounts::default()
            },
        );
    }
    let simulated = {
        let mut simulated = books(Vec::new());
        simulated.energy = hour(HourAmounts {
            generation: 12_000,
            export: 4_000,
            ..HourAmounts::default()
        });
        simulated
    };
    let mut asked = question(&measured, &policy);
    asked.beside = Some(&simulated);
    let statement = make(ClaimKind::LifeCycleNeutrality, &asked).expect("made");
    let export_mwh = statement.value("measured-export").expect("measured") / 100_000;
    assert_eq!(export_mwh, 542);
    let notes: String = statement
        .notes
        .iter()
        .map(|note| note.en.as_str())
        .collect();
    assert!(notes.contains("1.81 times the planned one"), "{notes}");
    assert!(statement.value("simulated-generation").is_some());
    assert_eq!(statement.value("plan-export"), Some(30_000_000));
}

#[test]
fn without_a_plan_or_without_construction_there_is_no_such_claim() {
    let mut policy = policy();
    let empty = books(Vec::new());
    for _ in 0..2 {
        let refused = make(ClaimKind::LifeCycleNeutrality, &question(&empty, &policy))
            .expect_err("something lacks");
        assert!(matches!(refused, Refusal::Undecided { .. }));
        policy.life_cycle = Some(decided(plan()));
    }
}
