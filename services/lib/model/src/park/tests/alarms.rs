//! Alarm definitions, and what is refused of them.

use super::super::*;
use super::{good_with, parse, problems};
use crate::MeterId;

const THINGS: &str = r#"
[[assets]]
id = "tank-1"
kind = "tank"
zone = "street"
name = { en = "Tank", zh = "水箱" }
capacity_l = 20000
reserve_l = 2000
water = "rain"

[[assets]]
id = "bin-1"
kind = "bin"
zone = "street"
name = { en = "Bin 1", zh = "一号桶" }
capacity_l = 240
limit_g = 80000
waste = "residual"

[[assets]]
id = "bin-2"
kind = "bin"
zone = "street"
name = { en = "Bin 2", zh = "二号桶" }
capacity_l = 240
limit_g = 80000
waste = "residual"

[[assets]]
id = "battery-1"
kind = "battery"
zone = "street"
name = { en = "Battery", zh = "电池" }
rated_kw = 50
capacity_wh = 100001
chemistry = "lithium"
"#;

/// An alarm with all that each needs, and these lines.
fn alarm(id: &str, lines: &str) -> String {
    format!(
        "[[alarms]]\nid = '{id}'\npriority = 'low'\nname = {{ en = 'N', zh = '名' }}\ncause = {{ en = 'C', zh = '因' }}\n\
         consequence = {{ en = 'Q', zh = '果' }}\naction = {{ en = 'A', zh = '做' }}\nrespond_within_s = 600\n{lines}\n"
    )
}

fn park_with(alarms: &str) -> String {
    good_with(&format!("{THINGS}{alarms}"))
}

fn read(lines: &str) -> AlarmDefinition {
    let park = parse(&park_with(&alarm("a", lines))).unwrap_or_else(|errors| panic!("{errors}"));
    park.alarms["a"].clone()
}

fn tests_of(lines: &str) -> Vec<AlarmTest> {
    let watches = read(lines).watches;
    watches.into_iter().map(|watch| watch.test).collect()
}

/// Passes if the park with this alarm has one problem that says this.
#[track_caller]
fn expect_problem(alarms: &str, said: &str) {
    let found = problems(&park_with(alarms));
    assert!(found.contains(said), "{said:?} is not in:\n{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn an_alarm_stands_for_one_alarm_of_each_thing_that_it_watches() {
    let definition = read("condition = 'bin_overflow'\nassets = ['bin-2', 'bin-1']");
    let ids: Vec<String> = definition
        .watches
        .iter()
        .map(|watch| definition.alarm_id(watch))
        .collect();
    assert_eq!(ids, ["a/bin-2", "a/bin-1"]);
    assert_eq!(definition.action.zh, "做");
    assert_eq!((definition.delay_s, definition.off_delay_s), (0, 0));
    assert_eq!(
        read("condition = 'bin_overflow'\nassets = 'all'")
            .watches
            .len(),
        2
    );

    let silent = read("condition = 'meter_silent'\nmeters = ['home-01.pv']\ndelay_s = 3600");
    assert_eq!(silent.alarm_id(&silent.watches[0]), "a/home-01.pv");
    assert_eq!(silent.watches[0].asset.as_str(), "home-01.pv");
    let test = AlarmTest::Silent {
        meter: MeterId::new("home-01.pv").expect("valid"),
        after_s: 3_600,
    };
    assert_eq!(silent.watches[0].test, test);
}

#[test]
fn limits_are_in_the_unit_of_the_point_whatever_the_file_gives_them_in() {
    let point = |quantity, trigger, deadband| AlarmTest::Point {
        quantity,
        trigger,
        deadband,
    };
    let expected = [
        (
            "condition = 'tank_low'\nassets = ['tank-1']",
            point(PointQuantity::LevelL, AlarmTrigger::Below(2_000), 400),
        ),
        (
            "condition = 'tank_low'\nassets = ['tank-1']\nlimit_percent = 25\ndeadband_percent = 0",
            point(PointQuantity::LevelL, AlarmTrigger::Below(5_000), 0),
        ),
        (
            "condition = 'tank_high'\nassets = 'all'",
            point(PointQuantity::LevelL, AlarmTrigger::Above(19_000), 400),
        ),
        (
            "condition = 'storage_out_of_limits'\nassets = 'all'\nlow_percent = 10\nhigh_percent = 90\ndeadband_percent = 1",
            point(
                PointQuantity::StoredWh,
                AlarmTrigger::Outside {
                    low: 10_000,
                    high: 90_000,
                },
                1_000,
            ),
        ),
        (
            "condition = 'leak_suspected'\nassets = ['home-01']\nlimit = 5\ndeadband = 1",
            point(PointQuantity::SupplyLPerH, AlarmTrigger::Above(5), 1),
        ),
        (
            "condition = 'point_above'\nmeters = ['home-01.load']\nlimit = 18000",
            point(PointQuantity::ConsumptionW, AlarmTrigger::Above(18_000), 0),
        ),
        (
            "condition = 'point_below'\nassets = ['home-01']\nquantity = 'rain_l_per_h'\nlimit = -10000",
            point(PointQuantity::RainLPerH, AlarmTrigger::Below(-10_000), 0),
        ),
    ];
    for (lines, test) in expected {
        assert_eq!(tests_of(lines), [test], "{lines}");
    }
    assert_eq!(
        read("condition = 'leak_suspected'\nassets = ['home-01']\nlimit = 5").delay_s,
        4 * 3_600
    );
}

#[test]
fn an_alarm_without_an_action_is_refused() {
    let text = alarm("a", "condition = 'bin_overflow'\nassets = 'all'")
        .replace("action = { en = 'A', zh = '做' }\n", "");
    expect_problem(
        &text,
        "[[alarms]] \"a\" has no key \"action\"; write action = ",
    );
    let text = alarm("a", "condition = 'bin_overflow'\nassets = 'all'")
        .replace("cause = { en = 'C', zh = '因' }", "cause = { en = 'C' }");
    expect_problem(&text, "cause of [[alarms]] \"a\" has no key \"zh\"");
}

#[test]
fn a_condition_must_fit_what_it_watches() {
    let cases = [
        (
            "condition = 'bin_overflow'\nassets = ['tank-1']",
            "\"tank-1\" is of kind \"tank\", but \"bin_overflow\" is about kind \"bin\"; write one of \"bin-1\", \"bin-2\"",
        ),
        (
            "condition = 'charger_fault'\nassets = 'all'",
            "watches nothing: nothing in this park fits it; leave the alarm out",
        ),
        (
            "condition = 'bin_overflow'\nassets = ['bin-3']",
            "there is no asset \"bin-3\"; did you mean",
        ),
        (
            "condition = 'bin_overflow'",
            "has no key \"assets\"; write assets = ",
        ),
        (
            "condition = 'meter_silent'\nassets = ['home-01']\ndelay_s = 60",
            "watches meters, but it has a key \"assets\"; write meters = [...]",
        ),
        (
            "condition = 'meter_silent'\nmeters = 'all'",
            "has no key \"delay_s\"; write delay_s = 1800 (in seconds)",
        ),
        (
            "condition = 'balance_open'\nassets = ['home-01']\nlimit_wh = 100",
            "the balance of node \"home-01\" closes by itself: only one side of it is metered",
        ),
        (
            "condition = 'balance_open'\nassets = ['bin-1']\nlimit_wh = 100",
            "\"bin-1\" is no node, so it has no balance",
        ),
        (
            "condition = 'point_above'\nassets = ['home-01']\nquantity = 'consumption_w'\nlimit = 1",
            "watches meters, but it has a key \"assets\"; for meters leave \"quantity\" out",
        ),
        (
            "condition = 'point_above'\nassets = ['home-01']\nquantity = 'level_l'\nlimit = 1",
            "\"home-01\" is of kind \"building\", but \"point_above\" is about kind \"tank\"",
        ),
        (
            "condition = 'storage_out_of_limits'\nassets = 'all'\nlow_percent = 90\nhigh_percent = 10",
            "low_percent = 90 is not below high_percent = 10; write the lower limit as low_percent",
        ),
        (
            "condition = 'bin_overflow'\nassets = 'all'\nlimit = 3",
            "has an unknown key \"limit\"",
        ),
        (
            "condition = 'bin_overflow'\nassets = ['bin-1', 'bin-1']",
            "assets lists \"bin-1\" twice; leave one out",
        ),
        (
            "condition = 'bin_overflow'\nassets = 'all'\ndelay_s = 999999999",
            "delay_s = 999999999 is out of range",
        ),
        (
            "condition = 'leak_suspected'\nassets = 'all'\nlimit = 3",
            "it could be any asset, so \"all\" says nothing; list the assets that it watches",
        ),
        (
            "condition = 'bin_overflows'\nassets = 'all'",
            "did you mean \"bin_overflow\"?",
        ),
    ];
    for (lines, said) in cases {
        expect_problem(&alarm("a", lines), said);
    }
}

#[test]
fn suppression_leads_to_another_alarm_and_in_no_circle() {
    let bins = "condition = 'bin_overflow'\nassets = 'all'\nsuppressed_while = ";
    expect_problem(
        &alarm("a", &format!("{bins}'b'")),
        "there is no alarm \"b\"",
    );
    expect_problem(
        &alarm("a", &format!("{bins}'a'")),
        "alarms suppress each other in a circle: a -> a; leave out one suppressed_while",
    );
    let tank = "condition = 'tank_low'\nassets = 'all'\nsuppressed_while = 'a'";
    expect_problem(
        &(alarm("a", &format!("{bins}'b'")) + &alarm("b", tank)),
        "in a circle: a -> b -> a",
    );
}

#[test]
fn one_thing_is_watched_once_for_the_same() {
    let bins = alarm("a", "condition = 'bin_overflow'\nassets = 'all'");
    expect_problem(
        &(bins.clone() + &alarm("b", "condition = 'bin_overflow'\nassets = ['bin-2']")),
        "[[alarms]] \"a\" and [[alarms]] \"b\" watch \"bin-2\" for the same",
    );
    expect_problem(
        &(bins.clone() + &alarm("a", "condition = 'tank_low'\nassets = 'all'")),
        "two alarms are named \"a\"",
    );
    // Another limit is another alarm: low, and very low.
    let low = alarm("b", "condition = 'tank_low'\nassets = 'all'");
    let very_low = alarm(
        "c",
        "condition = 'tank_low'\nassets = 'all'\nlimit_percent = 5",
    );
    parse(&park_with(&(bins + &low + &very_low))).unwrap_or_else(|errors| panic!("{errors}"));
}
