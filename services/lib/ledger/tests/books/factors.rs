//! Which factor prices an hour, whenever it arrives.

use terrarium_ledger::{Fact, FactorKind, FactorSet, Grouping, Pricing, Quality, balance};
use terrarium_model::MassMg;

use crate::world::*;

/// 1,000 Wh imported in each of three hours.
fn imports() -> Vec<Fact> {
    let mut facts = vec![defined(&park(), 1)];
    for number in 0..3 {
        facts.push(hourly("home.load", number, 1_000));
        facts.push(hourly("home.pv", number, 0));
    }
    facts
}

/// mg of each hour; `None` without a factor.
fn prices(sets: &[FactorSet]) -> [Option<i64>; 3] {
    let mut facts = imports();
    facts.extend(sets.iter().cloned().map(published));
    let late = ledger_of(&facts);
    facts.rotate_right(sets.len());
    let early = ledger_of(&facts);
    let sets_first: Vec<Fact> = facts.iter().cloned().rev().collect();
    let backwards = ledger_of(&sets_first);
    [0, 1, 2].map(|number| {
        let hours = [&late, &early, &backwards]
            .map(|ledger| ledger.node_hour(&asset("home"), hour(number)));
        assert_eq!(hours[0], hours[1], "whether factors or readings come first");
        assert_eq!(hours[0], hours[2], "whatever the order");
        match hours[0].pricing {
            Pricing::Priced {
                scope2_location: MassMg(mg),
                ..
            } => Some(mg / 1_000),
            Pricing::NoFactor => None,
            Pricing::NotNeeded => panic!("energy was imported"),
        }
    })
}

#[test]
fn a_factor_holds_from_its_first_hour_to_before_its_end() {
    assert_eq!(prices(&[]), [None; 3]);
    assert_eq!(
        prices(&[constant_factor("a", "1", "2020-01-01", 1, 2, 300)]),
        [None, Some(300), None]
    );
    assert_eq!(
        prices(&[hourly_factors("a", "1", "2020-01-01", 1, &[1, 2])]),
        [None, Some(1), Some(2)]
    );
}

#[test]
fn an_hourly_series_comes_before_a_constant_that_was_published_later() {
    let constant = constant_factor("z", "9", "2025-01-01", 0, 3, 300);
    let series = hourly_factors("a", "1", "2020-01-01", 1, &[7]);
    assert_eq!(prices(&[constant, series]), [Some(300), Some(7), Some(300)]);
}

#[test]
fn of_equals_the_latest_publication_wins_then_the_version_then_the_set() {
    let older = constant_factor("z", "9", "2020-01-01", 0, 3, 1);
    let newer = constant_factor("a", "1", "2021-01-01", 0, 3, 2);
    assert_eq!(prices(&[older.clone(), newer.clone()])[0], Some(2));
    let next_version = constant_factor("a", "2", "2021-01-01", 0, 3, 3);
    assert_eq!(
        prices(&[newer.clone(), next_version.clone(), older])[0],
        Some(3)
    );
    let other_set = constant_factor("b", "2", "2021-01-01", 0, 3, 4);
    assert_eq!(prices(&[other_set, next_version, newer])[0], Some(4));
}

#[test]
fn a_factor_of_another_region_prices_nothing() {
    let mut elsewhere = constant_factor("a", "1", "2020-01-01", 0, 3, 300);
    elsewhere.region = "pjm".to_owned();
    assert_eq!(prices(&[elsewhere]), [None; 3]);
}

#[test]
fn a_negative_factor_and_one_of_zero_are_factors() {
    let negative = hourly_factors("a", "1", "2020-01-01", 0, &[-30, 0, 1]);
    assert_eq!(prices(&[negative]), [Some(-30), Some(0), Some(1)]);
}

#[test]
fn only_factors_of_the_margin_are_published_below_zero() {
    let mut set = hourly_factors("a", "1", "2020-01-01", 0, &[30, 0, -1]);
    let refused = set.refuse_below_zero().expect_err("an average");
    assert_eq!(refused.field, "series.hourly");
    assert!(
        refused
            .problem
            .starts_with("row 2: -0.001 is below zero; only factors of the margin"),
        "{refused}"
    );
    set.kind = FactorKind::GridMarginal;
    assert_eq!(set.refuse_below_zero(), Ok(()));
    let constant = constant_factor("a", "1", "2020-01-01", 0, 3, -5);
    assert_eq!(
        constant.refuse_below_zero().expect_err("one value").field,
        "constant"
    );
}

#[test]
fn hours_without_the_factor_they_need_are_counted_apart_and_weigh_nothing() {
    let mut facts = imports();
    facts.push(published(constant_factor(
        "a",
        "1",
        "2020-01-01",
        0,
        1,
        300,
    )));
    // Nothing crosses the grid in the fourth hour.
    facts.push(hourly("home.load", 3, 5));
    facts.push(hourly("home.pv", 3, 5));
    let ledger = ledger_of(&facts);
    let (_, total) = balance(
        &ledger.present(),
        period(0, 4),
        Grouping::Total,
        Some(&asset("home")),
    );
    assert_eq!((total.hours_metered, total.hours_without_factor), (4, 2));
    assert_eq!(
        (total.import_wh, total.scope2_location_mg),
        (3_000, 300_000)
    );
    let entries = ledger.entries(&asset("home"), hour(1));
    assert!(entries.iter().all(|entry| entry.mass.is_none()) && !entries.is_empty());
}

#[test]
fn a_set_says_which_of_its_fields_is_wrong() {
    type Change = fn(&mut FactorSet);
    let series = || hourly_factors("a", "1", "2020-01-01", 0, &[1, 2, 3]);
    series().check().expect("valid");
    let cases: [(&str, Change); 11] = [
        ("version", |set| set.version.clear()),
        ("region", |set| set.region = "x".repeat(65)),
        ("published_on", |set| {
            set.published_on = "+123-01-01".to_owned()
        }),
        ("published_on", |set| {
            set.published_on = "2020-13-01".to_owned()
        }),
        ("published_on", |set| {
            set.published_on = "2020-1-011".to_owned()
        }),
        ("valid_to", |set| set.valid_to = set.valid_from),
        ("valid_to", |set| {
            set.valid_from.0 = i64::MAX;
            set.valid_to.0 = i64::MIN;
        }),
        ("valid_from", |set| set.valid_from.0 += 1),
        ("series", |set| set.step_seconds = Some(900)),
        ("series.hourly", |set| set.values.push(4)),
        ("constant", |set| set.step_seconds = None),
    ];
    for (field, change) in cases {
        let mut set = series();
        change(&mut set);
        assert_eq!(set.check().expect_err(field).field, field, "{set:?}");
    }
}

#[test]
fn the_rows_of_a_series_cover_its_time_without_gap_or_overlap() {
    let set = hourly_factors("a", "1", "2020-01-01", 0, &[1, 2, 3]);
    for second in 0..3 * HOUR {
        let at = terrarium_model::UnixSeconds(MIDNIGHT + second);
        let row = set.row_at(at).expect("valid then");
        let (from, to) = set.row_validity(row);
        assert!(from <= at && at < to);
    }
    assert_eq!(
        (
            set.row_at(hour(3)),
            set.row_at(terrarium_model::UnixSeconds(MIDNIGHT - 1))
        ),
        (None, None)
    );
}

/// Province, regional grid, country; never another country.
#[test]
fn a_wider_region_prices_what_the_parks_own_does_not_and_the_entry_says_so() {
    let in_beijing = parse_park(&park_text("", "Etc/UTC").replace("caiso", "beijing"));
    let of_region = |region: &str, from: i64, to, thousandths| {
        let version = from.to_string();
        published(FactorSet {
            region: region.to_owned(),
            ..constant_factor(region, &version, "2020-01-01", from, to, thousandths)
        })
    };
    let mut facts = vec![
        defined(&in_beijing, 1),
        of_region("uk", 0, 24, 200),
        of_region("china", 0, 3, 530),
        of_region("north-china", 0, 2, 636),
        of_region("beijing", 0, 1, 558),
    ];
    for number in 0..4 {
        facts.push(hourly("home.load", number, 1_000));
        facts.push(hourly("home.pv", number, 0));
    }
    // A release of the own region that comes later takes the place of the wider one.
    let late = of_region("beijing", 2, 3, 500);
    let priced = |facts: &[Fact]| -> Vec<_> {
        let ledger = ledger_of(facts);
        (0..4)
            .map(|number| {
                let entries = ledger.entries(&asset("home"), hour(number));
                let entry = entries.into_iter().find(|entry| entry.factor.is_some())?;
                let region = entry.factor.expect("found by it").set.region.clone();
                let mg = entry.mass.expect("it is priced").0;
                Some((region, mg, entry.quality.has(Quality::WIDER_REGION)))
            })
            .collect()
    };
    let of = |region: &str, mg, is_wider| Some((region.to_owned(), mg, is_wider));
    let beijing = of("beijing", 558_000, false);
    let north = of("north-china", 636_000, true);
    let expected = [
        beijing.clone(),
        north.clone(),
        of("china", 530_000, true),
        None,
    ];
    assert_eq!(priced(&facts), expected);
    let total = |facts: &[Fact]| {
        let (_, total) = balance(
            &ledger_of(facts).present(),
            period(0, 4),
            Grouping::Total,
            None,
        );
        (total.scope2_location_mg, total.hours_without_factor)
    };
    assert_eq!(total(&facts), (1_724_000, 1));
    facts.push(late);
    assert_eq!(
        priced(&facts),
        [beijing, north, of("beijing", 500_000, false), None]
    );
    assert_eq!(total(&facts), (1_694_000, 1));
}
