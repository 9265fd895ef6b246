//! The competency questions 11 to 25 about a factor, one by one, and the steps behind a figure.

use terrarium_ledger::carbon::competency::answers;
use terrarium_ledger::carbon::{ActivityKind, Quantity};
use terrarium_ledger::{AsOf, FactorKind, FactorMark, FactorQuery, ParkLedger};
use terrarium_model::{AmountUnit, UnixSeconds};

use crate::world::{NEW_YEAR, activity, ledger_of, published, reported, row, told, year};

fn regional(year: i64, value: &str) -> terrarium_ledger::FactorSet {
    let mut set = row(
        FactorKind::GridAverage,
        "electricity",
        "north-china",
        "kgCO2/kWh",
        value,
    );
    set.detail.row = format!("north-{year}");
    let new_year = |year: i64| {
        terrarium_model::parse_rfc3339_with_offset(&format!("{year}-01-01T00:00:00Z"))
            .expect("a time")
    };
    set.valid_from = new_year(year);
    set.valid_to = new_year(year + 1);
    set.detail.context = "generation only".to_owned();
    set.detail.tags = vec!["grid".to_owned(), "location-based".to_owned()];
    set.detail.note = "North China".to_owned();
    set.detail.mark = FactorMark::Secondary;
    set
}

fn ledger() -> ParkLedger {
    let other = row(
        FactorKind::GridAverage,
        "electricity",
        "china",
        "kgCO2/kWh",
        "0.5306",
    );
    ledger_of([regional(2022, "0.6776"), regional(2023, "0.6361"), other].map(published))
}

fn answer(question: u8) -> Vec<String> {
    let ledger = ledger();
    let regions = ["north-china".to_owned()];
    let query = FactorQuery {
        kind: FactorKind::GridAverage,
        subject: "electricity",
        unit: None,
        regions: &regions,
        set: None,
    };
    let in_2023 = UnixSeconds(NEW_YEAR - 500 * 86_400);
    let row = ledger
        .factors()
        .find(&query, in_2023, AsOf::default())
        .expect("a row");
    let all = answers(&row, ledger.factors());
    assert_eq!(all.len(), 15);
    all.into_iter()
        .find(|answer| answer.question == question)
        .expect("every question")
        .answers
}

#[test]
fn question_11_its_emission_source() {
    assert_eq!(answer(11), ["electricity"]);
}

#[test]
fn question_12_the_unit_of_its_source() {
    assert_eq!(answer(12), ["kWh"]);
}

#[test]
fn question_13_its_target_gas() {
    assert_eq!(answer(13), ["CO2"]);
}

#[test]
fn question_14_the_unit_of_the_gas() {
    assert_eq!(answer(14), ["kg"]);
}

#[test]
fn question_15_its_region() {
    assert_eq!(answer(15), ["north-china"]);
}

#[test]
fn question_16_its_period() {
    assert!(answer(16)[0].starts_with("2023-01-01T"), "{:?}", answer(16));
}

#[test]
fn question_17_how_it_varied_over_the_years() {
    let years = answer(17);
    assert_eq!(years.len(), 2);
    assert!(years[0].starts_with("2022: 0.6776") && years[1].starts_with("2023: 0.6361"));
}

#[test]
fn question_18_its_publisher() {
    assert_eq!(answer(18), ["a test"]);
}

#[test]
fn question_19_added_context() {
    assert_eq!(answer(19), ["generation only"]);
}

#[test]
fn question_20_other_factors_of_the_same_source_and_gas() {
    let others = answer(20);
    assert_eq!(others.len(), 2);
    assert!(
        others
            .iter()
            .any(|other| other.contains("0.5306 kgCO2/kWh in china"))
    );
}

#[test]
fn question_21_its_tags() {
    assert_eq!(answer(21), ["grid", "location-based"]);
}

#[test]
fn question_22_its_warnings_and_notes() {
    let notes = answer(22);
    assert!(notes[0].contains("secondary source") && notes[1] == "North China");
}

#[test]
fn question_23_its_value() {
    assert_eq!(answer(23), ["0.6361"]);
}

#[test]
fn question_24_the_formula_of_the_gas() {
    assert_eq!(answer(24), ["CO2"]);
}

#[test]
fn question_25_the_symbols_of_the_units() {
    assert_eq!(answer(25), ["kgCO2/kWh"]);
}

/// Questions 4 to 9 and 1, of a figure: the steps with what they took in and put out, in quantities and units.
#[test]
fn a_figure_tells_every_step_with_its_quantities_and_units() {
    let ledger = told([reported(activity(
        ActivityKind::FuelBurnt,
        "diesel",
        1_000_000,
        AmountUnit::Millilitre,
    ))]);
    let worked = ledger.worked(year(), AsOf::default(), true);
    let line = worked
        .lines
        .iter()
        .find(|line| line.posting.activity == "diesel")
        .expect("burnt");
    assert!(
        line.id()
            .starts_with("emission/centre/2025-01-11T00:00:00Z/diesel/"),
        "{}",
        line.id()
    );
    assert_eq!(line.steps.len(), 2);
    assert_eq!(
        line.steps[0].output,
        Quantity::new("energy", "35.82768", "GJ")
    );
    assert_eq!(line.steps[1].output.unit, "mg");
    assert_eq!(
        line.steps[0].inputs[0],
        Quantity::new("amount", 1_000_000, "ml")
    );
    assert_eq!(line.rows.len(), 4);
    assert_eq!(line.told_at.len(), 1);
    assert_eq!(line.evidence, [[7; 32]]);
    assert_eq!(line.posting.interval.start.0, NEW_YEAR + 10 * 86_400);
    // Nobody asked: nothing is written down.
    assert!(
        ledger.worked(year(), AsOf::default(), false).lines[0]
            .steps
            .is_empty()
    );
}
