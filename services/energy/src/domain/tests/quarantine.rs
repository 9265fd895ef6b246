//! What people decide about quarantined readings.

use super::*;

fn decided(event: &MeterEvent) -> (&RecordedReading, Uuid, bool) {
    match &event.fact {
        MeterFact::QuarantineDecided {
            quarantine_id,
            reading,
            corrected,
            ..
        } => (reading, *quarantine_id, *corrected),
        other => panic!("a decision expected, but {other:?}"),
    }
}

#[test]
fn a_released_reading_counts_as_it_is_and_leaves_the_quarantine() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    assert!(bench.meter.undecided().contains_key(&id));
    let event = bench.event(&release(id));
    let (reading, quarantine_id, corrected) = decided(&event);
    assert_eq!(
        (reading.energy, quarantine_id, corrected),
        (Some(EnergyWh(99_000)), id, false)
    );
    assert!(bench.meter.undecided().is_empty() && bench.meter.knows_quarantine(&id));
    assert_eq!(bench.counted(), [(0, HOUR, 99_000, 0)]);
}

#[test]
fn a_corrected_quarantined_reading_counts_with_its_new_value_and_unit() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(
        &report(0, HOUR, "5", Unit::KilovoltAmpere),
        QuarantineReason::WrongDimension,
    );
    let event = bench.event(&correct_quarantined(id, "4500", Unit::WattHour));
    let (reading, _, corrected) = decided(&event);
    assert_eq!(
        (reading.energy, reading.unit, corrected),
        (Some(EnergyWh(4_500)), Unit::WattHour, true)
    );
    assert_eq!(bench.counted(), [(0, HOUR, 4_500, 0)]);
}

#[test]
fn the_reported_reading_sent_again_after_a_decision_changes_nothing() {
    let mut bench = Bench::interval_meter();
    let (released, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    let (corrected, _) = bench.is_quarantined(&hour(1, "98"), QuarantineReason::AboveRating);
    bench.event(&release(released));
    bench.event(&correct_quarantined(corrected, "0.98", KWH));
    bench.changes_nothing(&hour(0, "99"));
    bench.changes_nothing(&hour(1, "98"));
}

#[test]
fn the_same_decision_again_changes_nothing_and_another_is_refused() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    bench.event(&correct_quarantined(id, "9.9", KWH));
    bench.changes_nothing(&correct_quarantined(id, "9.9", KWH));
    for other in [release(id), correct_quarantined(id, "9.8", KWH)] {
        let message = bench.is_refused(&other, RejectionCode::AlreadyExists, "quarantine_id");
        assert!(message.contains("another way"), "{message}");
    }
}

#[test]
fn the_same_decision_again_after_a_correction_of_its_reading_still_changes_nothing() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    bench.event(&release(id));
    bench.event(&as_correction(hour(0, "9.9"), None));
    bench.changes_nothing(&release(id));
    bench.changes_nothing(&hour(0, "99"));
    assert_eq!(bench.counted(), [(0, HOUR, 9_900, 1)]);
}

#[test]
fn a_decision_about_what_was_never_quarantined_is_not_found() {
    let mut bench = Bench::interval_meter();
    let counted = bench.counts(&hour(0, "1")).id;
    for unknown in [Uuid::nil(), counted] {
        bench.is_refused(&release(unknown), RejectionCode::NotFound, "quarantine_id");
        bench.is_refused(
            &correct_quarantined(unknown, "1", KWH),
            RejectionCode::NotFound,
            "quarantine_id",
        );
        assert!(!bench.meter.knows_quarantine(&unknown));
    }
}

#[test]
fn a_place_that_was_taken_meanwhile_is_not_given_to_a_quarantined_reading() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    bench.counts(&hour(0, "0.99"));
    for command in [release(id), correct_quarantined(id, "0.98", KWH)] {
        let message =
            bench.is_refused(&command, RejectionCode::FailedPrecondition, "quarantine_id");
        assert!(
            message.contains("0.99 kWh by now") && message.contains("correction"),
            "{message}"
        );
    }
}

#[test]
fn an_overlap_cannot_be_released_as_long_as_the_other_reading_counts() {
    let mut bench = Bench::interval_meter();
    bench.counts(&hour(0, "1"));
    let (id, _) = bench.is_quarantined(&report(1_800, HOUR, "1", KWH), QuarantineReason::Overlap);
    bench.is_refused(
        &release(id),
        RejectionCode::FailedPrecondition,
        "quarantine_id",
    );
    bench.is_refused(
        &correct_quarantined(id, "0.5", KWH),
        RejectionCode::FailedPrecondition,
        "value",
    );
}

#[test]
fn what_is_no_energy_cannot_be_released_only_corrected() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(
        &report(0, HOUR, "5", Unit::Kilowatt),
        QuarantineReason::WrongDimension,
    );
    let message = bench.is_refused(
        &release(id),
        RejectionCode::FailedPrecondition,
        "quarantine_id",
    );
    assert!(
        message.contains("5 kW is no energy") && message.contains("quarantine correct"),
        "{message}"
    );
}

#[test]
fn a_wrong_correction_of_a_quarantined_reading_is_refused() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    for (value, unit) in [("98", KWH), ("-1", KWH), ("1", Unit::Litre)] {
        bench.is_refused(
            &correct_quarantined(id, value, unit),
            RejectionCode::FailedPrecondition,
            "value",
        );
    }
    assert!(bench.meter.undecided().contains_key(&id));
}

#[test]
fn a_future_or_negative_reading_may_be_vouched_for() {
    let mut bench = Bench::interval_meter();
    bench.context.now = UnixSeconds(MIDNIGHT);
    let (future, _) = bench.is_quarantined(&hour(0, "1"), QuarantineReason::InFuture);
    let (negative, _) = bench.is_quarantined(&hour(-1, "-1"), QuarantineReason::Negative);
    bench.event(&release(future));
    bench.event(&release(negative));
    assert_eq!(
        bench.counted(),
        [(-3_600, HOUR, -1_000, 0), (0, HOUR, 1_000, 0)]
    );
}

#[test]
fn a_register_read_above_the_rating_may_be_released_while_it_grows_and_not_after_a_lower_one_counts()
 {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    let (first, _) = bench.is_quarantined(&register(1, "150"), QuarantineReason::AboveRating);
    let (second, _) = bench.is_quarantined(&register(2, "200"), QuarantineReason::AboveRating);
    bench.event(&release(first));
    bench.counts(&register(3, "151"));
    let message = bench.is_refused(
        &release(second),
        RejectionCode::FailedPrecondition,
        "quarantine_id",
    );
    assert!(message.contains("down to"), "{message}");
}

#[test]
fn a_released_reading_can_be_corrected_like_any_other() {
    let mut bench = Bench::interval_meter();
    let (id, _) = bench.is_quarantined(&hour(0, "99"), QuarantineReason::AboveRating);
    let decision = bench.event(&release(id));
    let correction = bench.event(&as_correction(hour(0, "9.9"), Some(0)));
    let MeterFact::Corrected { replaces, .. } = correction.fact else {
        panic!("a correction")
    };
    assert_eq!(replaces, decision.id);
}
