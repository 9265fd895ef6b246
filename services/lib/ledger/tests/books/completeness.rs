//! What is there and what is missing.

use terrarium_ledger::completeness::MOST_GAPS;
use terrarium_ledger::{Fact, Gap, Period, completeness};
use terrarium_model::UnixSeconds;

use crate::world::*;

#[test]
fn gaps_are_shown_from_hour_to_hour_for_meters_and_factors() {
    let mut facts = vec![
        defined(&park(), 1),
        published(hourly_factors("a", "1", "2020-01-01", 1, &[1, 1])),
        Fact::ReadingQuarantined {
            meter: meter("home.load"),
        },
    ];
    for number in [0, 3, 4] {
        facts.push(hourly("home.load", number, 1));
    }
    // Half an hour is no hour.
    facts.push(counted("home.load", interval(HOUR, 1_800), 1));
    let ledger = ledger_of(&facts);
    let found = completeness(&ledger.present(), period(0, 6));
    let load = found
        .meters
        .iter()
        .find(|found| found.meter == meter("home.load"))
        .expect("defined");
    assert_eq!(
        (
            load.hours_expected,
            load.hours_metered,
            load.readings,
            load.quarantined
        ),
        (6, 3, 4, 1)
    );
    let gap = |from, to| Gap {
        from: hour(from),
        to: hour(to),
    };
    assert_eq!(load.gaps, [gap(1, 3), gap(5, 6)]);
    assert_eq!(
        (found.factor_hours, found.factor_gaps),
        (2, vec![gap(0, 1), gap(3, 6)])
    );
    assert_eq!(found.meters.len(), METERS.len());
    let silent = found
        .meters
        .iter()
        .find(|found| found.meter == meter("yard.in"))
        .expect("defined");
    assert_eq!(
        (
            silent.hours_metered,
            silent.readings,
            silent.gaps.as_slice()
        ),
        (0, 0, [gap(0, 6)].as_slice())
    );
}

#[test]
fn only_the_first_gaps_are_listed_and_all_hours_counted() {
    let mut facts = vec![defined(&park(), 1)];
    for number in 0..200 {
        facts.push(hourly("home.load", number * 2, 1));
    }
    let found = completeness(&ledger_of(&facts).present(), period(0, 400));
    let load = found
        .meters
        .iter()
        .find(|found| found.meter == meter("home.load"))
        .expect("defined");
    assert_eq!((load.hours_metered, load.gaps.len()), (200, MOST_GAPS));
}

#[test]
fn the_metered_period_goes_from_the_first_hour_touched_to_the_last() {
    let period_of = |facts: &[Fact]| {
        let definition = defined(&park(), 1);
        ledger_of(std::iter::once(&definition).chain(facts)).metered_period()
    };
    assert_eq!(period_of(&[]), None);
    let within = counted("home.load", interval(100, 60), 1);
    assert_eq!(period_of(std::slice::from_ref(&within)), Some(period(0, 1)));
    let to_the_border = counted("home.pv", interval(2 * HOUR, 3_600), 1);
    assert_eq!(
        period_of(&[within.clone(), to_the_border]),
        Some(period(0, 3))
    );
    let over_the_border = counted("home.pv", interval(2 * HOUR, 3_601), 1);
    assert_eq!(period_of(&[within, over_the_border]), Some(period(0, 4)));
    let reads = [
        counted("yard.in", interval(HOUR, 0), 1),
        counted("yard.in", interval(5 * HOUR, 0), 2),
    ];
    assert_eq!(period_of(&reads), Some(period(1, 5)));
    let before_1970 = hourly("home.load", -MIDNIGHT / HOUR - 10, 1);
    let expected = Period {
        from: UnixSeconds(-10 * HOUR),
        to: UnixSeconds(-9 * HOUR),
    };
    assert_eq!(period_of(&[before_1970]), Some(expected));
}

/// Meters of heat do not stretch the time that electricity is asked of, nor what it is found to lack.
#[test]
fn the_metered_period_is_that_of_electricity_and_the_reported_one_of_all_meters() {
    let text = park_text("", "Etc/UTC")
        + "\n[[assets]]\nid = \"pump\"\nkind = \"heat_pump\"\nzone = \"street\"\nname = { en = \"Pump\", zh = \"泵\" }\n\
           rated_kw = 4\nheat_w = 12000\nheat_source = \"air\"\n\
           \n[[connections]]\nkind = \"heat\"\nfrom = \"pump\"\nto = \"home\"\n";
    let meters = [("pump", "heat_supply"), ("home", "heat_use")].map(|(asset, measures)| {
        format!(
            "\n[[meters]]\nid = \"{asset}.heat\"\nasset = \"{asset}\"\nmeasures = \"{measures}\"\nreports = \"interval\"\n\
             rated_kw = 50.0\n"
        )
    });
    let warm = parse_park(&(text + &meters.concat()));
    let ledger = ledger_of([
        defined(&warm, 1),
        hourly("pump.heat", 0, 1_000),
        hourly("home.load", 5, 100),
        hourly("home.pv", 5, 0),
    ]);
    assert_eq!(ledger.metered_period(), Some(period(5, 6)));
    assert_eq!(ledger.reported_period(), Some(period(0, 6)));
}
