//! Registers that come round after their last digit, and registers that are exchanged.

use proptest::prelude::*;

use super::*;

/// Three digits of kWh: after 999 it reads 0.
fn three_digits() -> Bench {
    let mut bench = Bench::register_meter();
    bench.context.register_wraps_at_wh = Some(1_000_000);
    bench
}

fn swap(number: i64, last: &str, first: &str) -> MeterCommand {
    MeterCommand::Swap(ReportedSwap {
        time: UnixSeconds(MIDNIGHT + number * 3_600),
        last: decimal(last),
        first: decimal(first),
        unit: KWH,
        reason: "calibration was due".into(),
    })
}

/// Wh between the neighbouring reads that count, in order of time.
fn steps_wh(bench: &Bench) -> Vec<i64> {
    let reads: Vec<i64> = bench
        .meter
        .counted
        .range(..)
        .map(|(_, read)| read.continued().0)
        .collect();
    reads.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn a_register_with_so_many_digits_comes_round_and_goes_on() {
    let mut bench = three_digits();
    bench.counts(&register(0, "995"));
    for (number, kwh, offset_wh) in [(1, "2", 1_000_000), (2, "5.5", 1_000_000)] {
        let event = bench.event(&register(number, kwh));
        let MeterFact::RegisterContinued { offset, .. } = event.fact else {
            panic!("{event:?}");
        };
        assert_eq!(offset, EnergyWh(offset_wh));
        bench.changes_nothing(&register(number, kwh));
    }
    assert_eq!(steps_wh(&bench), [7_000, 3_500]);
}

#[test]
fn reads_that_come_late_find_their_turn() {
    let mut bench = three_digits();
    bench.counts(&register(0, "992"));
    bench.event(&register(4, "8"));
    // Before it came round, and after.
    bench.counts(&register(1, "996"));
    bench.event(&register(3, "4"));
    bench.is_quarantined(&register(2, "990"), QuarantineReason::CounterBackwards);
    assert_eq!(steps_wh(&bench), [4_000, 8_000, 4_000]);
}

#[test]
fn going_back_is_no_turn_where_the_rating_does_not_allow_it_or_no_digits_are_known() {
    let mut bench = three_digits();
    bench.counts(&register(0, "500"));
    // It would have counted 600 kWh in an hour at 1 kW.
    bench.is_quarantined(&register(1, "100"), QuarantineReason::CounterBackwards);
    let mut endless = Bench::register_meter();
    endless.counts(&register(0, "995"));
    endless.is_quarantined(&register(1, "2"), QuarantineReason::CounterBackwards);
}

#[test]
fn a_correction_stays_in_its_turn() {
    let mut bench = three_digits();
    bench.counts(&register(0, "995"));
    bench.event(&register(1, "2"));
    bench.event(&as_correction(register(1, "3"), Some(0)));
    assert_eq!(steps_wh(&bench), [8_000]);
    bench.is_refused(
        &as_correction(register(1, "-1"), None),
        RejectionCode::FailedPrecondition,
        "value",
    );
}

#[test]
fn an_exchanged_register_goes_on_where_the_old_one_left_off() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(0, "100"));
    let swapped = bench.event(&swap(2, "104", "0.5"));
    assert!(matches!(
        swapped.fact,
        MeterFact::Swapped {
            last_offset: EnergyWh(0),
            offset: EnergyWh(103_500),
            ..
        }
    ));
    bench.changes_nothing(&swap(2, "104", "0.5"));
    bench.event(&register(3, "1.5"));
    // Late, but of the old register.
    bench.counts(&register(1, "103"));
    bench.is_quarantined(&register(4, "1"), QuarantineReason::CounterBackwards);
    assert_eq!(steps_wh(&bench), [3_000, 1_000, 1_000]);
    // And once more.
    bench.event(&swap(5, "2.5", "700"));
    bench.event(&register(6, "701"));
    assert_eq!(steps_wh(&bench), [3_000, 1_000, 1_000, 1_000, 1_000]);
}

#[test]
fn an_exchange_that_can_not_be_is_refused() {
    let mut bench = Bench::register_meter();
    bench.counts(&register(2, "100"));
    let failed = RejectionCode::FailedPrecondition;
    bench.is_refused(&swap(2, "100", "0"), failed, "time");
    bench.is_refused(&swap(1, "100", "0"), failed, "time");
    bench.is_refused(&swap(3, "99", "0"), failed, "last_value");
    bench.is_refused(&swap(3, "111", "0"), failed, "last_value");
    bench.is_refused(&swap(3, "101", "-1"), failed, "first_value");
    bench.is_refused(&swap(24 * 8, "101", "0"), failed, "last_value");
    bench.event(&swap(3, "101", "0"));
    bench.is_refused(
        &as_correction(register(3, "102"), None),
        failed,
        "interval_start",
    );
    let intervals = Bench::interval_meter();
    intervals.is_refused(&swap(3, "101", "0"), failed, "meter");
}

proptest! {
    #[test]
    fn whatever_the_digits_and_exchanges_no_energy_is_made_or_lost(
        steps in prop::collection::vec((0i64..10_000, any::<bool>(), 0i64..1_000), 1..60)
    ) {
        let mut bench = three_digits();
        // What the register shows, in Wh, and what really went through.
        let (mut shown_wh, mut used_wh) = (990_000_i64, Vec::new());
        bench.event(&register(0, "990"));
        for (hour, (step_wh, is_exchanged, first_kwh)) in (1i64..).zip(steps) {
            shown_wh = (shown_wh + step_wh) % 1_000_000;
            used_wh.push(step_wh);
            let shown_kwh = format!("{}.{:03}", shown_wh / 1_000, shown_wh % 1_000);
            if is_exchanged {
                bench.event(&swap(hour, &shown_kwh, &first_kwh.to_string()));
                shown_wh = first_kwh * 1_000;
            } else {
                bench.event(&register(hour, &shown_kwh));
            }
        }
        prop_assert_eq!(steps_wh(&bench), used_wh);
    }
}
