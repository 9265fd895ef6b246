//! What is refused at the door, field by field.

use terrarium_model::UnixSeconds;

use super::*;

const PARK: &str = r#"
[park]
id = "demo"
name = { en = "Demo", zh = "演示" }
time_zone = "Etc/UTC"
clock = "wall"
grid_region = "caiso"

[[zones]]
id = "street"
name = { en = "Street", zh = "街区" }

[[assets]]
id = "home-01"
kind = "building"
zone = "street"
name = { en = "Home 1", zh = "一号住宅" }

[[connections]]
kind = "electric"
from = "grid"
to = "home-01"

[[meters]]
id = "home-01.load"
asset = "home-01"
measures = "consumption"
reports = "interval"
rated_kw = 20.0

[[meters]]
id = "home-01.counter"
asset = "home-01"
measures = "grid_import"
reports = "register"
rated_kw = 20.0
"#;

fn park() -> ParkDefinition {
    ParkDefinition::parse(PARK, "demo.toml").expect("a valid park")
}

fn interval_reading() -> Reading {
    Reading {
        meter: "home-01.load".into(),
        quantity: "active_energy".into(),
        interval_start: "2016-07-31T23:00:00-08:00".into(),
        interval_seconds: 3_600,
        value: "2.2758".into(),
        unit: "kWh".into(),
        correction: None,
    }
}

fn register_reading() -> Reading {
    Reading {
        meter: "home-01.counter".into(),
        quantity: "active_energy_register".into(),
        interval_seconds: 0,
        ..interval_reading()
    }
}

#[test]
fn a_reading_is_taken_in_at_its_utc_instant() {
    let (meter, reported) = take_in(&park(), &interval_reading()).expect("valid");
    assert_eq!(meter.as_str(), "home-01.load");
    assert_eq!(reported.interval.start, UnixSeconds(1_470_034_800));
    assert_eq!(reported.interval.seconds, 3_600);
    assert!(reported.correction.is_none());
    let (_, reported) = take_in(&park(), &register_reading()).expect("valid");
    assert_eq!(reported.interval.seconds, 0);
}

#[test]
fn each_malformed_field_is_refused_by_name_with_its_remedy() {
    type Change = fn(&mut Reading);
    let cases: [(&str, &str, Change); 18] = [
        ("meter", "park demo has no meter \"home-02\"", |reading| {
            reading.meter = "home-02".into()
        }),
        ("meter", "", |reading| reading.meter = "Home 1".into()),
        ("meter", "", |reading| reading.meter.clear()),
        ("quantity", "reports \"active_energy\"", |reading| {
            reading.quantity = "active_power".into()
        }),
        ("quantity", "active_energy", |reading| {
            reading.quantity = "active_energy_register".into()
        }),
        ("interval_start", "no UTC offset", |reading| {
            reading.interval_start = "2016-07-31T23:00:00".into()
        }),
        ("interval_start", "RFC 3339", |reading| {
            reading.interval_start = "yesterday".into()
        }),
        ("interval_start", "out of range", |reading| {
            reading.interval_start = "2016-02-30T00:00:00Z".into()
        }),
        ("interval_start", "whole seconds", |reading| {
            reading.interval_start = "2016-07-31T23:00:00.5Z".into()
        }),
        ("interval_start", "check the meter's clock", |reading| {
            reading.interval_start = "1970-01-01T00:00:00Z".into()
        }),
        ("interval_seconds", "1 to 31622400", |reading| {
            reading.interval_seconds = 0
        }),
        ("interval_seconds", "1 to 31622400", |reading| {
            reading.interval_seconds = LONGEST_INTERVAL_S + 1
        }),
        ("interval_seconds", "1 to 31622400", |reading| {
            reading.interval_seconds = u32::MAX
        }),
        ("value", "not a decimal", |reading| {
            reading.value = "NaN".into()
        }),
        ("value", "not a decimal", |reading| {
            reading.value = "1e3".into()
        }),
        ("value", "not a decimal", |reading| reading.value.clear()),
        ("unit", "no known unit", |reading| {
            reading.unit = "kwh".into()
        }),
        ("unit", "kWh", |reading| reading.unit = "furlong".into()),
    ];
    let park = park();
    for (field, remedy, change) in cases {
        let mut reading = interval_reading();
        change(&mut reading);
        let refusal = take_in(&park, &reading).expect_err(field);
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::InvalidArgument, field),
            "{refusal}"
        );
        assert!(refusal.message.contains(remedy), "{remedy} in {refusal}");
    }
}

#[test]
fn an_interval_may_have_from_one_second_to_a_leap_year() {
    for seconds in [1, LONGEST_INTERVAL_S] {
        let reading = Reading {
            interval_seconds: seconds,
            ..interval_reading()
        };
        assert_eq!(
            take_in(&park(), &reading)
                .expect("valid")
                .1
                .interval
                .seconds,
            seconds
        );
    }
}

#[test]
fn a_register_read_has_no_length() {
    let reading = Reading {
        interval_seconds: 3_600,
        ..register_reading()
    };
    let refusal = take_in(&park(), &reading).expect_err("refused");
    assert_eq!(refusal.field, "interval_seconds");
    assert!(refusal.message.contains("send 0"), "{refusal}");
    let reading = Reading {
        quantity: "active_energy".into(),
        ..register_reading()
    };
    assert_eq!(
        take_in(&park(), &reading).expect_err("refused").field,
        "quantity"
    );
}

#[test]
fn a_known_unit_of_another_dimension_gets_past_the_door_so_that_it_can_be_quarantined() {
    let reading = Reading {
        unit: "kVA".into(),
        ..interval_reading()
    };
    assert_eq!(
        take_in(&park(), &reading).expect("well-formed").1.unit,
        Unit::KilovoltAmpere
    );
}

#[test]
fn a_correction_keeps_its_reason_and_a_reason_that_is_too_long_is_refused() {
    let with_reason = |reason: String| Reading {
        correction: Some(Correction {
            replaces_revision: Some(3),
            reason,
        }),
        ..interval_reading()
    };
    let longest = "x".repeat(LONGEST_REASON_BYTES);
    let (_, reported) = take_in(&park(), &with_reason(longest.clone())).expect("valid");
    let correction = reported.correction.expect("it is one");
    assert_eq!(
        (correction.replaces_revision, &*correction.reason),
        (Some(3), longest.as_str())
    );
    let refusal = take_in(&park(), &with_reason(longest + "x")).expect_err("too long");
    assert_eq!(refusal.field, "correction.reason");
    assert!(refusal.message.contains("say it shorter"), "{refusal}");
}
