//! Numbers worked out by hand.

use terrarium_ledger::{
    BalanceLine, Book, EnergyAccount, EntryId, Fact, Grouping, HourAmounts, How, Pricing, Quality,
    balance,
};
use terrarium_model::{EnergyWh, MassMg};

use crate::world::*;

/// A home with sun: short of energy, long, even, and with a gap.
fn four_hours() -> Vec<Fact> {
    let mut facts = vec![
        defined(&park(), 1),
        published(hourly_factors(
            "caiso-hourly",
            "1",
            "2017-01-01",
            0,
            &[500, 234, 300, 300],
        )),
    ];
    for (number, load, pv) in [(0, 2_276, 1_000), (1, 500, 1_500), (2, 1_000, 1_000)] {
        facts.push(hourly("home.load", number, load));
        facts.push(hourly("home.pv", number, pv));
    }
    facts.push(hourly("home.load", 3, 400));
    facts
}

#[test]
fn the_balance_of_a_home_with_sun_has_the_numbers_of_a_calculation_on_paper() {
    let ledger = ledger_of(four_hours());
    let home = asset("home");
    let (lines, total) = balance(
        &ledger.present(),
        period(0, 4),
        Grouping::Asset,
        Some(&home),
    );
    let expected = BalanceLine {
        key: "home".to_owned(),
        consumption_wh: 2_276 + 500 + 1_000,
        generation_wh: 1_000 + 1_500 + 1_000,
        import_wh: 1_276,
        export_wh: 1_000,
        self_use_wh: 1_000 + 500 + 1_000,
        unexplained_wh: 0,
        charge_wh: 0,
        discharge_wh: 0,
        // 1,276 Wh x 0.500 kg/kWh; the export of hour 1 at 0.234.
        scope2_location_mg: 638_000,
        avoided_mg: 234_000,
        hours_expected: 4,
        hours_metered: 3,
        hours_missing: 1,
        hours_without_factor: 0,
        hours_estimated: 0,
    };
    assert_eq!(lines, std::slice::from_ref(&expected));
    assert_eq!(
        total,
        BalanceLine {
            key: "total".to_owned(),
            ..expected
        }
    );
    // 2,500 / 3,776, rounded down.
    assert_eq!(total.matched_ppm(), Some(662_076));
}

#[test]
fn a_share_of_nothing_is_no_number() {
    assert_eq!(BalanceLine::of("x").matched_ppm(), None);
}

#[test]
fn an_hour_with_a_gap_in_any_meter_counts_in_no_total_and_has_no_entries() {
    let ledger = ledger_of(four_hours());
    let incomplete = ledger.node_hour(&asset("home"), hour(3));
    assert!(incomplete.any && !incomplete.complete);
    assert!(ledger.entries(&asset("home"), hour(3)).is_empty());
    let (_, total) = balance(
        &ledger.present(),
        period(3, 4),
        Grouping::Total,
        Some(&asset("home")),
    );
    assert_eq!(
        (
            total.consumption_wh,
            total.hours_missing,
            total.hours_expected
        ),
        (0, 1, 1)
    );
}

#[test]
fn each_side_that_is_metered_gives_the_others_by_its_own_rule() {
    let mut facts = vec![defined(&park(), 1)];
    for (id, wh) in [
        ("shop.in", 700),
        ("shop.out", 200),
        ("works.load", 1_390),
        ("works.out", 200),
        ("works.pv", 900),
    ] {
        facts.push(hourly(id, 0, wh));
    }
    for (id, wh) in [("shop.pv", 900), ("works.in", 700), ("yard.in", 50)] {
        facts.push(counted(id, interval(0, 0), 10_000));
        facts.push(counted(id, interval(HOUR, 0), 10_000 + wh));
    }
    let ledger = ledger_of(&facts);
    let shop = ledger.node_hour(&asset("shop"), hour(0));
    assert!(shop.complete && shop.quality.has(Quality::FROM_REGISTER) && !shop.is_estimated());
    let from_the_grid = HourAmounts {
        consumption: 1_400,
        generation: 900,
        import: 700,
        export: 200,
        self_use: 700,
        ..HourAmounts::default()
    };
    assert_eq!(shop.amounts, from_the_grid);
    let both_sides = HourAmounts {
        consumption: 1_390,
        unexplained: 10,
        ..from_the_grid
    };
    assert_eq!(
        ledger.node_hour(&asset("works"), hour(0)).amounts,
        both_sides
    );
    // Without a meter for them, generation and export are nothing.
    let yard = ledger.node_hour(&asset("yard"), hour(0));
    assert!(yard.complete);
    assert_eq!(
        (
            yard.amounts.consumption,
            yard.amounts.import,
            yard.amounts.export
        ),
        (50, 50, 0)
    );
}

#[test]
fn a_day_of_energy_is_spread_to_the_watt_hour_and_its_hours_are_estimated() {
    let facts = [
        defined(&park(), 1),
        counted("home.load", interval(0, 86_400), 100),
        counted("home.pv", interval(0, 86_400), 0),
    ];
    let ledger = ledger_of(&facts);
    let (lines, total) = balance(
        &ledger.present(),
        period(0, 24),
        Grouping::Hour,
        Some(&asset("home")),
    );
    // 100 Wh in 24 h: floor(100 (h+1) / 24) - floor(100 h / 24).
    let hours: Vec<i64> = lines.iter().map(|line| line.consumption_wh).collect();
    assert_eq!(&hours[..7], [4, 4, 4, 4, 4, 5, 4]);
    assert_eq!(
        (
            total.consumption_wh,
            total.hours_estimated,
            total.hours_metered
        ),
        (100, 24, 24)
    );
    assert_eq!(lines[23].key, "2016-08-01T23:00:00+00:00");
}

#[test]
fn lines_go_by_the_days_and_months_of_the_parks_zone() {
    let park = parse_park(&park_text("", "Asia/Shanghai"));
    let mut facts = vec![defined(&park, 1)];
    // 2016-07-31T22:00Z to 02:00Z is 06:00 to 10:00 of 1 August there.
    for number in -2..2 {
        facts.push(hourly("home.load", number, 1));
        facts.push(hourly("home.pv", number, 0));
    }
    let ledger = ledger_of(&facts);
    let keys = |grouping| -> Vec<(String, i64)> {
        balance(
            &ledger.present(),
            period(-8, 16),
            grouping,
            Some(&asset("home")),
        )
        .0
        .into_iter()
        .map(|line| (line.key, line.consumption_wh))
        .collect()
    };
    assert_eq!(keys(Grouping::Day), [("2016-08-01".to_owned(), 4)]);
    assert_eq!(keys(Grouping::Month), [("2016-08".to_owned(), 4)]);
    assert_eq!(keys(Grouping::Total), [("total".to_owned(), 4)]);
    assert_eq!(
        keys(Grouping::Hour)[6],
        ("2016-08-01T06:00:00+08:00".to_owned(), 1)
    );
}

#[test]
fn the_entries_of_an_hour_name_what_moved_and_what_it_weighed() {
    let ledger = ledger_of(four_hours());
    let texts: Vec<(String, i64, Option<i64>)> = ledger
        .entries(&asset("home"), hour(1))
        .into_iter()
        .map(|entry| {
            (
                entry.id.to_string(),
                entry.energy.0,
                entry.mass.map(|mass| mass.0),
            )
        })
        .collect();
    let name = |book: &str, what: &str| format!("{book}/home/2016-08-01T01:00:00Z/{what}");
    assert_eq!(
        texts,
        [
            (name("energy", "consumption"), 500, None),
            (name("energy", "generation"), 1_500, None),
            (name("energy", "export"), 1_000, None),
            (name("energy", "self_use"), 500, None),
            (name("avoided", "avoided-export"), 1_000, Some(234_000)),
        ]
    );
    let id = EntryId::parse(&name("avoided", "avoided-export")).expect("an id");
    let entry = ledger.entry(&id).expect("it is there");
    assert_eq!(
        (entry.id.line.book(), entry.mass),
        (Book::Avoided, Some(MassMg(234_000)))
    );
    let factor = entry.factor.expect("it was priced");
    assert_eq!((factor.row, factor.set.version.as_str()), (1, "1"));
    assert!(
        ledger
            .entry(&EntryId::parse(&name("energy", "import")).expect("an id"))
            .is_none()
    );
}

#[test]
fn a_correction_replaces_the_hour_and_leaves_a_flag() {
    let mut facts = four_hours();
    facts.push(counted_as(
        "home.load",
        interval(0, 3_600),
        1_500,
        1,
        How::Corrected,
    ));
    let ledger = ledger_of(&facts);
    let home = ledger.node_hour(&asset("home"), hour(0));
    assert_eq!(
        (home.amounts.consumption, home.amounts.import),
        (1_500, 500)
    );
    assert!(home.quality.has(Quality::CORRECTED));
    assert!(matches!(
        home.pricing,
        Pricing::Priced {
            scope2_location: MassMg(250_000),
            ..
        }
    ));
    let book = &ledger.meter(&meter("home.load")).expect("it reported");
    assert_eq!(book.superseded().len(), 1);
    assert_eq!(
        book.reading_at(hour(0)).expect("it counts").energy,
        EnergyWh(1_500)
    );
}

#[test]
fn the_formulas_that_are_shown_are_those_that_are_used() {
    use terrarium_model::NodeMetering;
    for metering in [
        NodeMetering::Consumption,
        NodeMetering::Grid,
        NodeMetering::ConsumptionAndGrid,
    ] {
        for (account, has_storage) in EnergyAccount::ALL
            .into_iter()
            .flat_map(|account| [(account, false), (account, true)])
        {
            let formula = HourAmounts::formula(metering, has_storage, account);
            assert!(formula.starts_with(account.token()), "{formula}");
            assert!(
                has_storage
                    || !formula.contains("charge")
                    || [EnergyAccount::Charge, EnergyAccount::Discharge].contains(&account),
                "{formula}"
            );
        }
    }
}
