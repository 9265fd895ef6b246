use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<UnixSeconds, TimeError> {
    parse_rfc3339_with_offset(text)
}

fn interval(start: i64, seconds: u32) -> Interval {
    Interval {
        start: UnixSeconds(start),
        seconds,
    }
}

#[test]
fn instants_with_an_offset_are_read() {
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00+00:00", 0),
        ("2016-07-31T23:00:00-08:00", 1_470_034_800),
        ("2016-08-01T07:00:00Z", 1_470_034_800),
        ("2016-08-01T12:45:00.000+05:45", 1_470_034_800),
        ("2000-02-29T00:00:00Z", 951_782_400),
        ("1969-12-31T23:59:59Z", -1),
    ] {
        assert_eq!(parse(text), Ok(UnixSeconds(expected)), "{text}");
    }
}

#[test]
fn a_time_without_offset_is_refused_with_how_to_write_it() {
    assert_eq!(
        parse("2016-07-31T23:00:00").unwrap_err().to_string(),
        "\"2016-07-31T23:00:00\" has no UTC offset: write Z for UTC, or the offset after the seconds, such as \
         2016-07-31T23:00:00Z or 2016-07-31T23:00:00+08:00"
    );
    assert!(matches!(
        parse("2016-07-31T23:00:00.0"),
        Err(TimeError::NoOffset { .. })
    ));
    assert!(matches!(
        parse("2016-07-31T23:00:00-00:00"),
        Err(TimeError::NoOffset { .. })
    ));
}

#[test]
fn other_forms_are_refused() {
    for bad in [
        "",
        "2016-07-31",
        "2016-07-31T23:00Z",
        "2016-07-31 23:00:00Z",
        "2016-07-31t23:00:00Z",
        "2016-07-31T23:00:00z",
        "2016-07-31T23:00:00 Z",
        "2016-07-31T23:00:00Z ",
        "2016-07-31T23:00:00+0800",
        "2016-07-31T23:00:00+08",
        "2016-07-31T23:00:00.Z",
        "2016-07-31T23:00:00+08:00[Asia/Shanghai]",
        "16-07-31T23:00:00Z",
        "+2016-07-31T23:00:00Z",
        "2016-7-31T23:00:00Z",
        "2016/07/31T23:00:00Z",
        "20a6-07-31T23:00:00Z",
        "２016-07-31T23:00:00Z",
        "2016-07-31T23:00:00é",
    ] {
        let error = parse(bad).expect_err(bad);
        assert!(
            matches!(error, TimeError::NotRfc3339 { .. }),
            "{bad}: {error}"
        );
    }
    assert!(matches!(
        parse("2016-07-31T23:00:00.5Z"),
        Err(TimeError::FractionOfSecond { .. })
    ));
}

#[test]
fn days_and_times_that_do_not_exist_are_refused_by_field() {
    for (bad, expected) in [
        ("2016-13-01T00:00:00Z", "month"),
        ("2016-00-01T00:00:00Z", "month"),
        ("2015-02-29T00:00:00Z", "day"),
        ("1900-02-29T00:00:00Z", "day"),
        ("2016-04-31T00:00:00Z", "day"),
        ("2016-04-00T00:00:00Z", "day"),
        ("2016-04-01T24:00:00Z", "hour"),
        ("2016-04-01T00:60:00Z", "minute"),
        ("2016-12-31T23:59:60Z", "second"),
        ("2016-04-01T00:00:00+24:00", "offset"),
        ("2016-04-01T00:00:00-08:60", "offset"),
    ] {
        match parse(bad) {
            Err(TimeError::OutOfRange { field, .. }) => assert_eq!(field, expected, "{bad}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
}

#[test]
fn instants_are_printed_in_utc() {
    assert_eq!(
        format_rfc3339_utc(UnixSeconds(1_470_034_800)),
        "2016-08-01T07:00:00Z"
    );
    assert_eq!(
        UnixMillis(1_795_201_501_123).to_string(),
        "2026-11-20T19:05:01.123Z"
    );
    assert_eq!(UnixMillis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    assert_eq!(
        UnixSeconds(i64::MAX).to_string(),
        "292277026596-12-04T15:30:07Z"
    );
}

#[test]
fn days_and_months_are_those_of_the_zone() {
    let fixed = TimeZone::named("Etc/GMT+8").unwrap();
    let instant = UnixSeconds(1_470_034_800);
    assert_eq!(fixed.format_rfc3339(instant), "2016-07-31T23:00:00-08:00");
    assert_eq!(fixed.day_key(instant), "2016-07-31");
    assert_eq!(fixed.month_key(instant), "2016-07");
    assert_eq!(
        fixed.hour_key(UnixSeconds(instant.0 + 3_599)),
        "2016-07-31T23:00:00-08:00"
    );
    let shanghai = TimeZone::named("asia/shanghai").unwrap();
    assert_eq!(shanghai.name(), "Asia/Shanghai");
    assert_eq!(shanghai.day_key(instant), "2016-08-01");
    assert_eq!(
        TimeZone::named("UTC").unwrap().format_rfc3339(instant),
        "2016-08-01T07:00:00+00:00"
    );
    let local_mean_time = UnixSeconds(-3_000_000_000);
    assert_eq!(
        shanghai.format_rfc3339(local_mean_time),
        format_rfc3339_utc(local_mean_time)
    );
}

#[test]
fn the_two_hours_of_one_name_have_different_keys() {
    let los_angeles = TimeZone::named("America/Los_Angeles").unwrap();
    let first = parse("2016-11-06T01:00:00-07:00").unwrap();
    assert_eq!(los_angeles.hour_key(first), "2016-11-06T01:00:00-07:00");
    assert_eq!(
        los_angeles.hour_key(UnixSeconds(first.0 + 3_600)),
        "2016-11-06T01:00:00-08:00"
    );
}

#[test]
fn a_name_that_is_no_zone_is_refused() {
    let refused = TimeZone::named("Mars/Olympus").unwrap_err().to_string();
    assert!(
        refused.starts_with(
            "\"Mars/Olympus\" is no IANA time zone: write a name such as Asia/Shanghai"
        )
    );
    for bad in ["", "UTC+8", "-08:00", "PST8PDT,M3.2.0,M11.1.0"] {
        assert!(TimeZone::named(bad).is_err(), "{bad}");
    }
}

#[test]
fn intervals_know_what_they_cover() {
    let hour = interval(3_600, 3_600);
    assert_eq!(hour.end(), UnixSeconds(7_200));
    assert!(hour.contains(UnixSeconds(3_600)) && !hour.contains(UnixSeconds(7_200)));
    assert!(hour.overlaps(interval(7_199, 10)) && !hour.overlaps(interval(7_200, 10)));
    assert!(
        !hour.overlaps(interval(4_000, 0)),
        "an empty interval overlaps nothing"
    );
    assert!(hour.contains_hour(UnixSeconds(3_600)));
    assert!(!interval(3_601, 3_600).contains_hour(UnixSeconds(3_600)));
    assert!(!hour.crosses_hour_border() && interval(3_601, 3_600).crosses_hour_border());
    assert_eq!(Interval::hour_of(UnixSeconds(-1)), interval(-3_600, 3_600));
    assert_eq!(UnixSeconds(-1).start_of_hour(), UnixSeconds(-3_600));
    assert_eq!(interval(4_000, 0).hour_starts().count(), 0);
}

#[test]
fn a_fixed_clock_stands_still_until_it_is_set() {
    let clock = FixedClock::new(UnixMillis(5));
    assert_eq!(clock.now(), UnixMillis(5));
    clock.set(UnixMillis(7));
    assert_eq!(clock.now(), UnixMillis(7));
    assert_eq!(UnixMillis(-1).seconds(), UnixSeconds(-1));
}

#[test]
fn three_million_instants_are_read_in_a_second() {
    const TEXTS: usize = 100_000;
    let texts: Vec<String> = (0..TEXTS)
        .map(|hour| {
            let zone = if hour % 2 == 0 { "-08:00" } else { "Z" };
            let utc = format_rfc3339_utc(UnixSeconds(hour as i64 * 3_600));
            format!("{}{zone}", utc.trim_end_matches('Z'))
        })
        .collect();
    let mut best = Duration::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        let sum: i64 = texts
            .iter()
            .map(|text| parse(text).expect("a good instant").0)
            .sum();
        std::hint::black_box(sum);
        best = best.min(begun.elapsed());
    }
    let per_second = TEXTS as f64 / best.as_secs_f64();
    println!("{per_second:.0} instants read per second");
    assert!(per_second > 3e6, "{per_second:.0} instants read per second");
}

proptest! {
    #[test]
    fn instants_read_and_print_as_jiff_does(
        // Years 0001 to 9998, so that no offset leaves the calendar.
        second in -62_135_596_800_i64..253_370_764_800,
        offset_min in -1_439_i64..=1_439,
    ) {
        let utc = format_rfc3339_utc(UnixSeconds(second));
        prop_assert_eq!(&utc, &jiff::Timestamp::from_second(second).unwrap().to_string());
        prop_assert_eq!(parse(&utc), Ok(UnixSeconds(second)));

        prop_assume!(offset_min != 0);
        let sign = if offset_min < 0 { '-' } else { '+' };
        let magnitude = offset_min.abs();
        let text = format!("{}{sign}{:02}:{:02}", utc.trim_end_matches('Z'), magnitude / 60, magnitude % 60);
        let by_jiff: jiff::Timestamp = text.parse().unwrap();
        prop_assert_eq!(parse(&text), Ok(UnixSeconds(by_jiff.as_second())));
    }

    #[test]
    fn whatever_is_read_jiff_reads_too(text in "[0-9]{4}-[0-3][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.0{1,3})?(Z|[+-][0-2][0-9]:[0-6][0-9])") {
        if let Ok(instant) = parse(&text) {
            let by_jiff: Result<jiff::Timestamp, _> = text.parse();
            if let Ok(by_jiff) = by_jiff {
                prop_assert_eq!(instant.0, by_jiff.as_second());
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,40}") {
        let _ = parse(&text);
    }

    #[test]
    fn a_zone_prints_what_is_read_back(second in 0_i64..4_102_444_800, zone in prop::sample::select(vec![
        "Asia/Shanghai", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "Etc/GMT+8",
    ])) {
        let zone = TimeZone::named(zone).unwrap();
        let text = zone.format_rfc3339(UnixSeconds(second));
        prop_assert_eq!(parse(&text), Ok(UnixSeconds(second)));
        prop_assert!(text.starts_with(&zone.day_key(UnixSeconds(second))));
        prop_assert!(text.starts_with(&zone.month_key(UnixSeconds(second))));
    }
}
