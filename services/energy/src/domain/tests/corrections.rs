//! Corrections: a new revision that takes the place of the old one.

use super::*;

#[test]
fn a_correction_is_the_next_revision_and_names_the_event_it_replaces() {
    let mut bench = Bench::interval_meter();
    let original = bench.counts(&hour(0, "1"));
    let first = bench.event(&as_correction(hour(0, "2"), None));
    let MeterFact::Corrected {
        reading,
        replaces,
        reason,
    } = &first.fact
    else {
        panic!("a correction")
    };
    assert_eq!(
        (reading.revision, *replaces, &**reason),
        (1, original.id, "meter was exchanged")
    );
    let second = bench.event(&as_correction(hour(0, "3"), Some(1)));
    let MeterFact::Corrected { replaces, .. } = second.fact else {
        panic!("a correction")
    };
    assert_eq!(replaces, first.id);
    assert_eq!(bench.counted(), [(0, HOUR, 3_000, 2)]);
}

#[test]
fn the_original_file_sent_again_after_a_correction_changes_nothing() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    bench.event(&as_correction(hour(0, "2"), None));
    bench.event(&as_correction(hour(0, "3"), None));
    bench.changes_nothing(&hour(0, "1"));
    assert_eq!(bench.counted(), [(0, HOUR, 3_000, 2)]);
}

#[test]
fn a_correction_sent_again_changes_nothing_also_without_or_with_its_revision() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    bench.event(&as_correction(hour(0, "2"), Some(0)));
    bench.changes_nothing(&as_correction(hour(0, "2"), Some(0)));
    bench.changes_nothing(&as_correction(hour(0, "2"), None));
}

#[test]
fn a_named_correction_that_arrives_again_after_a_later_one_does_not_bring_its_value_back() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    bench.event(&as_correction(hour(0, "2"), Some(0)));
    bench.event(&as_correction(hour(0, "3"), Some(1)));
    bench.changes_nothing(&as_correction(hour(0, "2"), Some(0)));
    assert_eq!(bench.counted(), [(0, HOUR, 3_000, 2)]);
}

#[test]
fn a_corrected_value_sent_as_a_plain_reading_changes_nothing() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    bench.event(&as_correction(hour(0, "2"), None));
    bench.changes_nothing(&hour(0, "2"));
    bench.is_refused(&hour(0, "4"), RejectionCode::AlreadyExists, "value");
}

#[test]
fn a_correction_of_another_revision_than_it_names_is_refused() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    bench.event(&as_correction(hour(0, "2"), None));
    let message = bench.is_refused(
        &as_correction(hour(0, "3"), Some(0)),
        RejectionCode::FailedPrecondition,
        "correction.replaces_revision",
    );
    assert!(message.contains("revision 1, not 0"), "{message}");
    bench.is_refused(
        &as_correction(hour(0, "3"), Some(u32::MAX)),
        RejectionCode::FailedPrecondition,
        "correction.replaces_revision",
    );
}

#[test]
fn a_correction_of_nothing_is_not_found_also_when_only_a_part_is_there() {
    let mut bench = Bench::interval_meter();
    bench.is_refused(
        &as_correction(hour(0, "1"), None),
        RejectionCode::NotFound,
        "interval_start",
    );
    bench.counts(&hour(0, "1"));
    let half = as_correction(report(0, 1_800, "1", KWH), None);
    assert!(
        bench
            .is_refused(&half, RejectionCode::NotFound, "interval_start")
            .contains("1800 s")
    );
}

#[test]
fn a_correction_of_a_quarantined_reading_points_to_the_quarantine() {
    let mut bench = Bench::interval_meter();
    bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    let message = bench.is_refused(
        &as_correction(hour(0, "1"), None),
        RejectionCode::NotFound,
        "interval_start",
    );
    assert!(message.contains("quarantine"), "{message}");
}

#[test]
fn a_correction_that_is_wrong_itself_is_refused_and_never_quarantined() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    for (value, unit) in [("99", KWH), ("-1", KWH), ("1", Unit::KilovoltAmpere)] {
        let wrong = as_correction(report(0, HOUR, value, unit), None);
        let message = bench.is_refused(&wrong, RejectionCode::FailedPrecondition, "value");
        assert!(message.contains("has to be right"), "{message}");
    }
    assert_eq!(bench.counted(), [(0, HOUR, 1_000, 0)]);
}

#[test]
fn a_correction_of_a_register_read_still_has_to_fit_between_its_neighbours() {
    let mut bench = Bench::register_meter();
    for (number, kwh) in [(0, "100"), (1, "101"), (2, "102")] {
        bench.counts(&register(number, kwh));
    }
    bench.event(&as_correction(register(1, "101.5"), None));
    bench.is_refused(
        &as_correction(register(1, "99"), None),
        RejectionCode::FailedPrecondition,
        "value",
    );
    bench.is_refused(
        &as_correction(register(1, "102.1"), None),
        RejectionCode::FailedPrecondition,
        "value",
    );
    assert_eq!(bench.counted()[1], (3_600, 0, 101_500, 1));
}
