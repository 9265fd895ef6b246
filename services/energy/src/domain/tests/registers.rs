//! Registers: reads of a counter that only grows.

use super::*;

#[test]
fn a_growing_register_counts_and_may_stand_still() {
    let mut bench = Bench::register_meter();
    for (number, kwh) in [(0, "100"), (1, "101"), (2, "101"), (3, "102.5")] {
        let event = bench.counts(&register(number, kwh));
        assert!(matches!(event.fact, MeterFact::RegisterRead(_)));
    }
    assert_eq!(bench.counted().len(), 4);
}

#[test]
fn the_first_read_may_be_of_any_size() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "123456789"));
}

#[test]
fn a_register_that_goes_down_is_kept_apart_with_both_contents_named() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    let (_, finding) =
        bench.is_quarantined(&register(1, "99.999"), QuarantineReason::CounterBackwards);
    assert!(
        finding.contains("from 100000 Wh down to 99999 Wh"),
        "{finding}"
    );
}

#[test]
fn a_late_read_counts_when_it_fits_between_its_neighbours() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    bench.counts(&register(2, "104"));
    bench.counts(&register(1, "103"));
    assert_eq!(bench.counted()[1], (3_600, 0, 103_000, 0));
}

#[test]
fn a_late_read_that_is_above_its_successor_or_below_its_predecessor_is_kept_apart() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    bench.counts(&register(2, "104"));
    bench.is_quarantined(&register(1, "104.001"), QuarantineReason::CounterBackwards);
    bench.is_quarantined(&register(1, "99"), QuarantineReason::CounterBackwards);
    bench.is_quarantined(&register(-1, "100.5"), QuarantineReason::CounterBackwards);
    bench.counts(&register(-1, "99.5"));
}

#[test]
fn a_register_that_grows_more_than_ten_times_the_rating_is_kept_apart_on_both_sides() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(10, "100"));
    bench.counts(&register(11, "110"));
    bench.is_quarantined(&register(12, "120.001"), QuarantineReason::AboveRating);
    bench.is_quarantined(&register(9, "89.999"), QuarantineReason::AboveRating);
    // The same growth over two hours is nothing special.
    bench.counts(&register(13, "120.001"));
}

#[test]
fn a_read_that_is_too_high_from_below_and_backwards_from_above_is_found_to_go_backwards() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    bench.counts(&register(2, "120"));
    let (id, _) = bench.is_quarantined(&register(1, "150"), QuarantineReason::CounterBackwards);
    // So nobody can let it count: a register that goes down would be negative energy.
    bench.is_refused(
        &release(id),
        RejectionCode::FailedPrecondition,
        "quarantine_id",
    );
}

#[test]
fn the_same_read_again_makes_no_event_and_another_at_its_instant_is_refused() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    bench.changes_nothing(&register(0, "100.0"));
    bench.is_refused(&register(0, "101"), RejectionCode::AlreadyExists, "value");
}

#[test]
fn a_negative_or_future_or_foreign_read_is_kept_apart_as_for_intervals() {
    let mut bench = Bench::register_meter();
    bench.is_quarantined(&register(0, "-1"), QuarantineReason::Negative);
    bench.is_quarantined(&register(24 * 30, "1"), QuarantineReason::InFuture);
    bench.is_quarantined(
        &report(0, 0, "1", Unit::KilovarHour),
        QuarantineReason::WrongDimension,
    );
}
