//! Readings of intervals: what counts, what is known already, what is kept apart.

use super::*;

#[test]
fn a_plausible_reading_counts_in_whole_watt_hours_with_its_reported_value_kept() {
    let mut bench = Bench::interval_meter();
    let event = bench.counts(&hour(0, "2.2758"));
    let MeterFact::IntervalMetered(reading) = event.fact else {
        panic!("an interval")
    };
    assert_eq!(reading.energy, Some(EnergyWh(2_276)));
    assert_eq!(
        (reading.value, reading.unit, reading.revision),
        (decimal("2.2758"), KWH, 0)
    );
    assert_eq!(bench.counted(), [(0, HOUR, 2_276, 0)]);
}

#[test]
fn the_same_reading_again_makes_no_event_however_its_number_is_written() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "2.50"));
    bench.changes_nothing(&hour(0, "2.50"));
    bench.changes_nothing(&hour(0, "2.5"));
    bench.changes_nothing(&hour(0, "02.500"));
}

#[test]
fn another_value_for_a_recorded_interval_is_refused_with_both_values_and_the_remedy() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "2.5"));
    let message = bench.is_refused(&hour(0, "2.6"), RejectionCode::AlreadyExists, "value");
    for part in [
        "2.5 kWh",
        "2.6 kWh",
        "home-01.load",
        "2016-08-01T00:00:00Z",
        "as a correction",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

#[test]
fn the_same_energy_in_another_unit_is_another_statement_and_refused() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "2.5"));
    bench.is_refused(
        &report(0, HOUR, "2500", Unit::WattHour),
        RejectionCode::AlreadyExists,
        "value",
    );
}

#[test]
fn neighbours_that_only_touch_both_count() {
    let mut bench = Bench::interval_meter();
    for number in [1, 0, 2] {
        bench.counts(&hour(number, "1"));
    }
    assert_eq!(bench.counted().len(), 3);
}

#[test]
fn an_overlap_is_kept_apart_whatever_side_it_overlaps_from() {
    for (start, seconds) in [
        (1_800, HOUR),
        (-1_800, HOUR),
        (-1, 2),
        (3_599, 1),
        (-3_600, 3 * HOUR),
        (0, 900),
        (0, 7_200),
        (900, 900),
    ] {
        let mut bench = Bench::interval_meter();
        bench.counts(&hour(0, "1"));
        let (_, finding) =
            bench.is_quarantined(&report(start, seconds, "0", KWH), QuarantineReason::Overlap);
        assert!(finding.contains("2016-08-01T00:00:00Z"), "{finding}");
        assert_eq!(bench.counted(), [(0, HOUR, 1_000, 0)], "{start} {seconds}");
    }
}

#[test]
fn an_overlap_with_an_earlier_reading_is_found_behind_none_that_starts_later() {
    let mut bench = Bench::interval_meter();
    bench.counts(&report(0, 4 * HOUR, "1", KWH));
    bench.counts(&report(4 * 3_600, HOUR, "1", KWH));
    bench.is_quarantined(
        &report(2 * 3_600, HOUR, "1", KWH),
        QuarantineReason::Overlap,
    );
    bench.is_quarantined(
        &report(3 * 3_600, 2 * HOUR, "1", KWH),
        QuarantineReason::Overlap,
    );
}

#[test]
fn energy_below_zero_is_kept_apart() {
    let mut bench = Bench::interval_meter();
    bench.is_quarantined(&hour(0, "-0.001"), QuarantineReason::Negative);
    // Rounds to no energy at all.
    bench.counts(&hour(1, "-0.0004"));
}

#[test]
fn exactly_ten_times_the_rating_counts_and_one_watt_hour_more_does_not() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "10"));
    let (_, finding) = bench.is_quarantined(&hour(1, "10.001"), QuarantineReason::AboveRating);
    assert!(
        finding.contains("10001 Wh") && finding.contains("1000 W"),
        "{finding}"
    );
    bench.counts(&report(7_200, 900, "2.5", KWH));
    bench.is_quarantined(
        &report(8_100, 900, "2.501", KWH),
        QuarantineReason::AboveRating,
    );
}

#[test]
fn a_known_unit_of_another_dimension_is_kept_apart_without_an_energy() {
    let mut bench = Bench::interval_meter();
    let event = bench.event(&hour_in(Unit::KilovoltAmpere));
    let MeterFact::Quarantined {
        reading,
        reason,
        finding,
    } = event.fact
    else {
        panic!("quarantined")
    };
    assert_eq!(
        (reading.energy, reason),
        (None, QuarantineReason::WrongDimension)
    );
    assert!(
        finding.contains("apparent power") && finding.contains("kWh"),
        "{finding}"
    );
}

fn hour_in(unit: Unit) -> MeterCommand {
    report(0, HOUR, "1", unit)
}

#[test]
fn a_reading_may_end_a_minute_after_the_parks_clock_but_no_later() {
    let mut bench = Bench::interval_meter();
    bench.context.now = UnixSeconds(MIDNIGHT + 3_600 - CLOCK_TOLERANCE_S);
    bench.counts(&hour(0, "1"));
    bench.context.now = UnixSeconds(MIDNIGHT + 7_200 - CLOCK_TOLERANCE_S - 1);
    let (_, finding) = bench.is_quarantined(&hour(1, "1"), QuarantineReason::InFuture);
    assert!(finding.contains("2016-08-01T02:00:00Z"), "{finding}");
}

#[test]
fn a_reading_that_was_kept_apart_as_in_the_future_stays_so_when_it_is_sent_again_later() {
    let mut bench = Bench::interval_meter();
    bench.context.now = UnixSeconds(MIDNIGHT);
    bench.is_quarantined(&hour(5, "1"), QuarantineReason::InFuture);
    bench.context.now = UnixSeconds(MIDNIGHT + 86_400);
    bench.changes_nothing(&hour(5, "1"));
}

#[test]
fn a_quarantined_reading_again_makes_no_event_and_does_not_block_a_right_one() {
    let mut bench = Bench::interval_meter();
    bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    bench.changes_nothing(&hour(0, "99"));
    bench.counts(&hour(0, "0.99"));
    bench.changes_nothing(&hour(0, "99"));
    assert_eq!(bench.counted(), [(0, HOUR, 990, 0)]);
}

#[test]
fn an_energy_beyond_all_limits_is_refused_and_not_recorded() {
    let bench = Bench::interval_meter();
    let message = bench.is_refused(
        &report(0, HOUR, "999999999999999999", Unit::GigawattHour),
        RejectionCode::InvalidArgument,
        "value",
    );
    assert!(message.contains("check value and unit"), "{message}");
}

#[test]
fn the_id_of_a_reading_follows_from_all_that_it_says() {
    let id_of = |change: fn(&mut Bench), command: MeterCommand| {
        let mut bench = Bench::interval_meter();
        change(&mut bench);
        bench.event(&command).id
    };
    let plain = id_of(|_| {}, hour(0, "1"));
    assert_eq!(
        plain,
        id_of(
            |bench| bench.context.now = UnixSeconds(MIDNIGHT + 99 * 86_400),
            hour(0, "1")
        )
    );
    let others = [
        id_of(|_| {}, hour(1, "1")),
        id_of(|_| {}, hour(0, "1.1")),
        id_of(|_| {}, report(0, 1_800, "1", KWH)),
        id_of(|_| {}, report(0, HOUR, "1", Unit::WattHour)),
        id_of(
            |bench| bench.context.park = ParkId::new("other").expect("valid"),
            hour(0, "1"),
        ),
        id_of(
            |bench| bench.context.meter = MeterId::new("other").expect("valid"),
            hour(0, "1"),
        ),
        id_of(
            |bench| bench.context.reports = Reports::Register,
            register(0, "1"),
        ),
    ];
    let mut all: Vec<Uuid> = others.into_iter().chain([plain]).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 8);
}
