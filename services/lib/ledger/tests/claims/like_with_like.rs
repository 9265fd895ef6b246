//! A part of a year is compared with the same months of the base year, and what nothing is like is not compared.

use terrarium_ledger::claims::base_year::counterpart;
use terrarium_ledger::claims::policy::{Decided, PeriodState, Policy, ReportingPeriod};
use terrarium_ledger::claims::statement::VerdictKind;
use terrarium_ledger::claims::{ClaimKind, Refusal, Statement, make};
use terrarium_ledger::{Books, Period, Scope};
use terrarium_model::{UnixSeconds, parse_rfc3339_with_offset};

use crate::stages::park;
use crate::world::*;

fn between(from: &str, to: &str) -> Period {
    let day =
        |text: &str| parse_rfc3339_with_offset(&format!("{text}T00:00:00+08:00")).expect("a time");
    Period {
        from: day(from),
        to: day(to),
    }
}

fn landfill(period: Period, tonnes: i64) -> Books {
    let mut posting = emission(Scope::Three(5), "waste-landfill", tonnes * T);
    posting.interval.start = period.from;
    let mut books = books(vec![posting]);
    books.period = period;
    books
}

/// A policy with everything decided and this period closed.
fn closed(period: Period) -> Policy {
    let mut policy = park(950_000);
    let what = ReportingPeriod {
        period,
        state: PeriodState::Closed,
    };
    policy
        .periods
        .insert("asked".into(), Decided { what, position: 9 });
    policy
}

fn asked(kind: ClaimKind, of: &Books, base: &Books) -> Result<Statement, Refusal> {
    let policy = closed(of.period);
    let mut asked = question(of, &policy);
    asked.base_year = Some(base);
    make(kind, &asked)
}

const QUARTER: (&str, &str) = ("2025-01-01", "2025-04-01");

/// 20 t against the 25 t of the same quarter are a fifth less; against the 100 t of the whole year they would be four fifths.
#[test]
fn a_quarter_is_compared_with_the_same_quarter() {
    let quarter = landfill(between(QUARTER.0, QUARTER.1), 20);
    let base = landfill(between("2024-01-01", "2024-04-01"), 25);
    let neutrality = asked(ClaimKind::Iso14068Neutrality, &quarter, &base).expect("made");
    assert_eq!(neutrality.value("base-year-total"), Some(25 * T));
    assert_eq!(neutrality.value("reduction"), Some(5 * T));
    let label = &neutrality.line("base-year-total").expect("a line").words.en;
    assert!(label.contains("same months of base year 2024"), "{label}");

    let stage = asked(ClaimKind::Stage, &quarter, &base).expect("made");
    let net_share = stage
        .lines
        .iter()
        .find(|line| line.id.starts_with("zero-removal-net-share"))
        .expect("a criterion");
    assert_eq!(net_share.value, Some(800_000));
}

#[test]
fn a_target_is_on_its_path_in_a_quarter_and_that_promises_nothing_of_the_year() {
    let base = landfill(between("2024-01-01", "2024-04-01"), 100);
    // Half of it in ten years: 5 % a year.
    for (tonnes, said) in [(95, "on the path"), (96, "above the path: near-term")] {
        let quarter = landfill(between(QUARTER.0, QUARTER.1), tonnes);
        let statement = asked(ClaimKind::Sbti, &quarter, &base).expect("made");
        assert_eq!(statement.value("target-near-term-path"), Some(95 * T));
        assert_eq!(statement.verdict.kind, VerdictKind::Stated);
        let words = &statement.verdict.words.en;
        assert!(
            words.contains(said) && words.contains("nothing is claimed"),
            "{words}"
        );
    }
    let year = landfill(between("2025-01-01", "2026-01-01"), 95);
    let whole = landfill(between("2024-01-01", "2025-01-01"), 100);
    let statement = asked(ClaimKind::Sbti, &year, &whole).expect("made");
    assert_eq!(statement.verdict.kind, VerdictKind::Holds);
}

#[test]
fn another_stretch_of_the_base_year_than_the_like_one_is_refused() {
    let quarter = landfill(between(QUARTER.0, QUARTER.1), 20);
    let whole = landfill(between("2024-01-01", "2025-01-01"), 100);
    for kind in [
        ClaimKind::Iso14068Neutrality,
        ClaimKind::Sbti,
        ClaimKind::Stage,
    ] {
        let refused = asked(kind, &quarter, &whole).expect_err("not alike");
        assert!(matches!(refused, Refusal::Unlike { .. }), "{refused}");
        let long = landfill(between("2022-04-01", "2025-08-01"), 20);
        let refused = asked(kind, &long, &whole).expect_err("nothing is like it");
        assert!(
            refused.to_string().contains("ask year by year"),
            "{refused}"
        );
    }
}

#[test]
fn the_national_indicators_judge_a_calendar_year_and_nothing_else() {
    let mut policy = closed(between(QUARTER.0, QUARTER.1));
    policy.boundaries.insert(
        UnixSeconds(0),
        decided(terrarium_ledger::claims::boundary::Boundary {
            development_zone: true,
            ..Default::default()
        }),
    );
    let quarter = landfill(between(QUARTER.0, QUARTER.1), 20);
    let statement =
        make(ClaimKind::NdrcZeroCarbonPark, &question(&quarter, &policy)).expect("made");
    assert_eq!(statement.verdict.kind, VerdictKind::NotApplicable);
    let words = &statement.verdict.words.en;
    assert!(words.contains("one calendar year"), "{words}");
    assert!(!words.contains("tce a year"), "{words}");
}

#[test]
fn a_target_against_another_year_than_the_base_year_is_to_be_set_again() {
    let year = landfill(between("2025-01-01", "2026-01-01"), 95);
    let base = landfill(between("2024-01-01", "2025-01-01"), 100);
    let mut policy = closed(year.period);
    let target = policy.targets.get_mut("near-term").expect("there");
    target.what.base_year = 2020;
    let mut asked = question(&year, &policy);
    asked.base_year = Some(&base);
    let refused = make(ClaimKind::Sbti, &asked).expect_err("other years");
    let text = refused.to_string();
    assert!(
        text.contains("2020") && text.contains("set the target again"),
        "{text}"
    );
}

#[test]
fn hours_that_the_base_year_lacks_are_told() {
    let quarter = landfill(between(QUARTER.0, QUARTER.1), 20);
    let mut base = landfill(between("2024-01-01", "2024-04-01"), 25);
    base.node_hours = (2_184, 2_000);
    let statement = asked(ClaimKind::Iso14068Neutrality, &quarter, &base).expect("made");
    let told = statement.notes.iter().any(|note| {
        note.en
            .contains("184 of 2184 metered hours of the base year")
    });
    assert!(told, "{:?}", statement.notes);
    // What is compared with is the like of what is asked for.
    let like = counterpart(quarter.period, 2024, &SHANGHAI).expect("alike");
    assert_eq!(like.period, base.period);
}
