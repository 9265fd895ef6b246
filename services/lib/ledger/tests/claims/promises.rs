use terrarium_ledger::claims::statement::VerdictKind;
use terrarium_ledger::claims::{ClaimKind, Refusal, make};
use terrarium_ledger::{CarbonBook, HourAmounts, Posting, Scope};

use crate::world::*;

/// Goldwind's park in Yizhuang: 11,937 t of 2020, all covered by CCER (carbon accounting note 1.5).
#[test]
fn a_park_that_covers_all_it_emits_with_credits_is_told_so() {
    let mut books = books(vec![emission(Scope::Three(4), "freight", 11_937 * T)]);
    books.instruments = vec![credit(11_937_000_000, "2025")];
    let statement = claim(ClaimKind::Iso14068Neutrality, &books, &policy());
    assert_eq!(statement.value("balance"), Some(0));
    assert_eq!(statement.verdict.kind, VerdictKind::ByCredits);
    assert!(
        statement
            .verdict
            .words
            .en
            .contains("by credits, not by reduction"),
        "{}",
        statement.verdict.words.en
    );
}

#[test]
fn a_balance_whose_interval_straddles_zero_is_not_called_neutral_without_saying_so() {
    let mut policy = policy();
    with_base_year_and_target(&mut policy);
    let base = base_books(vec![emission(Scope::Three(5), "waste-landfill", 100 * T)]);
    let now = books(vec![
        emission(Scope::Three(5), "waste-landfill", 40 * T),
        trees(41 * T, false),
    ]);
    let mut asked = question(&now, &policy);
    asked.base_year = Some(&base);
    let statement = make(ClaimKind::Iso14068Neutrality, &asked).expect("made");
    assert_eq!(statement.value("balance"), Some(-T));
    assert_eq!(statement.verdict.kind, VerdictKind::HoldsStraddling);
    assert!(statement.verdict.words.en.contains("straddles zero"));
    let mut certain = now.clone();
    for posting in &mut certain.postings {
        posting.activity_u95_ppm = 1_000;
    }
    let mut asked = question(&certain, &policy);
    asked.base_year = Some(&base);
    let statement = make(ClaimKind::Iso14068Neutrality, &asked).expect("made");
    assert_eq!(statement.verdict.kind, VerdictKind::Holds);
}

#[test]
fn targets_are_measured_on_the_straight_path_and_credits_do_not_help() {
    let mut policy = policy();
    let year = books(vec![emission(Scope::One, "diesel", 96 * T)]);
    assert!(matches!(
        make(ClaimKind::Sbti, &question(&year, &policy)),
        Err(Refusal::Undecided { .. })
    ));
    with_base_year_and_target(&mut policy);
    let base = base_books(vec![emission(Scope::One, "diesel", 100 * T)]);
    // Half of it in ten years: 5 t a year.
    for (emitted_t, kind) in [(95, VerdictKind::Holds), (96, VerdictKind::Fails)] {
        let mut year = books(vec![emission(Scope::One, "diesel", emitted_t * T)]);
        year.instruments = vec![credit(90_000_000, "2025")];
        let mut asked = question(&year, &policy);
        asked.base_year = Some(&base);
        let statement = make(ClaimKind::Sbti, &asked).expect("made");
        assert_eq!(statement.value("target-near-term-path"), Some(95 * T));
        assert_eq!(statement.verdict.kind, kind, "{emitted_t} t");
        assert_eq!(statement.charts.len(), 1);
    }
}

#[test]
fn exported_renewables_count_in_leed_zero_and_in_no_inventory() {
    let mut postings = grid(50_000_000, 600_000).to_vec();
    // 5 MWh more came out of visitors' cars: no renewables of the site.
    postings.push(Posting {
        amount: 60_000_000,
        ..posting(CarbonBook::Avoided, "grid-export", 36 * T)
    });
    let mut books = books(postings);
    books.energy = hour(HourAmounts {
        consumption: 80_000_000,
        generation: 90_000_000,
        import: 50_000_000,
        export: 65_000_000,
        self_use: 30_000_000,
        ..HourAmounts::default()
    });
    let statement = claim(ClaimKind::LeedZero, &books, &policy());
    assert_eq!(statement.value("exported-renewables"), Some(36 * T));
    assert_eq!(statement.value("leed-balance"), Some(-6 * T));
    let mut short = books.clone();
    short.period.to.0 -= 86_400;
    let statement = claim(ClaimKind::LeedZero, &short, &policy());
    assert_eq!(statement.verdict.kind, VerdictKind::NotApplicable);
}

#[test]
fn the_surplus_of_one_hour_never_helps_another() {
    let mut books = books(Vec::new());
    let at = |hour: i64| terrarium_model::UnixSeconds(START_OF_2025 + hour * 3_600);
    books.energy.insert(
        at(0),
        HourAmounts {
            consumption: 100,
            generation: 200,
            export: 100,
            self_use: 100,
            ..HourAmounts::default()
        },
    );
    books.energy.insert(
        at(1),
        HourAmounts {
            consumption: 100,
            import: 100,
            ..HourAmounts::default()
        },
    );
    let statement = claim(ClaimKind::CfeHourly, &books, &policy());
    assert_eq!(statement.value("cfe-score"), Some(500_000));
    assert_eq!(statement.value("cfe-volumetric"), Some(1_000_000));
    // The year begins at midnight of the park, not of Greenwich.
    let generated = &statement.charts[0].series[1];
    assert_eq!(generated.values[..3], [Some(200), Some(0), None]);
}
