use proptest::prelude::*;
use terrarium_journal::{ForgetfulPair, RejectionCode};

use super::*;

/// 2025-08-01T00:00:00+08:00.
const MIDNIGHT_S: i64 = 1_753_977_600;

fn context() -> WaterMeterContext {
    WaterMeterContext {
        park: ParkId::new("haotian").expect("valid"),
        asset: AssetId::new("toilets").expect("valid"),
        time_zone: TimeZone::named("Asia/Shanghai").expect("a zone"),
        now: UnixSeconds(MIDNIGHT_S + 100 * DAY_S),
    }
}

fn water(network: WaterNetwork, start: i64, seconds: u32, litres: i64) -> WaterMeterCommand {
    WaterMeterCommand::Report(MeteredWater {
        network,
        interval: Interval {
            start: UnixSeconds(start),
            seconds,
        },
        litres,
    })
}

fn carry_out(meter: &mut WaterMeter, command: &WaterMeterCommand) -> Vec<WaterMeterFact> {
    let events = meter.decide(&context(), command).expect("a good command");
    for event in &events {
        meter.evolve(event);
    }
    events.into_iter().map(|event| event.fact).collect()
}

/// Reports a night in quarters of an hour; gives what it led to besides.
fn night(meter: &mut WaterMeter, day: i64, litres_per_quarter: i64) -> Vec<WaterMeterFact> {
    let mut led_to = Vec::new();
    for quarter in 0..8 {
        let start = MIDNIGHT_S + day * DAY_S + NIGHT_FROM_S + quarter * 900;
        let facts = carry_out(
            meter,
            &water(WaterNetwork::Supply, start, 900, litres_per_quarter),
        );
        led_to.extend(facts.into_iter().skip(1));
    }
    led_to
}

#[test]
fn litres_count_once_and_each_network_by_itself() {
    let mut meter = WaterMeter::default();
    let first = water(WaterNetwork::Supply, 0, 3_600, 12);
    assert_eq!(carry_out(&mut meter, &first).len(), 1);
    assert_eq!(carry_out(&mut meter, &first).len(), 0);
    let future = context().now.0 - 1_000;
    for (reading, code, field) in [
        (
            water(WaterNetwork::Supply, 0, 3_600, 13),
            RejectionCode::AlreadyExists,
            "litres",
        ),
        (
            water(WaterNetwork::Supply, 1_800, 3_600, 5),
            RejectionCode::FailedPrecondition,
            "interval_start",
        ),
        (
            water(WaterNetwork::Supply, future, 3_600, 1),
            RejectionCode::FailedPrecondition,
            "interval_start",
        ),
    ] {
        let refusal = meter
            .decide(&context(), &reading)
            .expect_err("a bad reading");
        assert_eq!((refusal.code, refusal.field), (code, field));
    }
    for good in [
        water(WaterNetwork::Supply, 3_600, 3_600, 0),
        water(WaterNetwork::Reclaimed, 0, 3_600, 13),
    ] {
        assert_eq!(carry_out(&mut meter, &good).len(), 1);
    }
}

#[test]
fn less_than_nothing_is_kept_in_quarantine_until_the_right_reading_comes() {
    let mut meter = WaterMeter::default();
    let negative = water(WaterNetwork::Supply, 0, 3_600, -1);
    let facts = carry_out(&mut meter, &negative);
    assert!(
        matches!(facts[..], [WaterMeterFact::WaterReadingQuarantinedV1(_)]),
        "{facts:?}"
    );
    assert_eq!(carry_out(&mut meter, &negative), []);
    assert_eq!(meter.quarantined().count(), 1);
    carry_out(&mut meter, &water(WaterNetwork::Supply, 0, 3_600, 1));
    assert_eq!(meter.quarantined().count(), 0);
}

#[test]
fn a_leak_is_suspected_after_three_wet_nights_and_cleared_by_a_dry_one() {
    let mut meter = WaterMeter::default();
    // 6 l in a quarter of an hour are 24 l/h, above the 20 l/h of the default watch.
    assert_eq!(night(&mut meter, 0, 6), []);
    assert_eq!(night(&mut meter, 1, 6), []);
    let suspected = night(&mut meter, 2, 7);
    let [WaterMeterFact::LeakSuspectedV1(leak)] = &suspected[..] else {
        panic!("{suspected:?}");
    };
    assert_eq!(leak.night_flows_l_per_h, [24, 24, 28]);
    assert_eq!(leak.time_s, MIDNIGHT_S + 2 * DAY_S + 4 * 3_600);
    assert_eq!(night(&mut meter, 3, 9), [], "it is known");
    assert_eq!(meter.leaks().count(), 1);
    let cleared = night(&mut meter, 4, 5);
    assert!(
        matches!(&cleared[..], [WaterMeterFact::LeakClearedV1(cleared)] if cleared.night_flow_l_per_h == 20),
        "{cleared:?}"
    );
    assert_eq!(meter.leaks().count(), 0);
}

#[test]
fn a_night_without_all_readings_says_nothing_until_the_last_one_comes() {
    let mut meter = WaterMeter::default();
    assert_eq!(night(&mut meter, 0, 6), []);
    let gap = MIDNIGHT_S + DAY_S + NIGHT_FROM_S + 900;
    for quarter in [0, 2, 3, 4, 5, 6, 7] {
        let start = MIDNIGHT_S + DAY_S + NIGHT_FROM_S + quarter * 900;
        carry_out(&mut meter, &water(WaterNetwork::Supply, start, 900, 6));
    }
    assert_eq!(night(&mut meter, 2, 6), []);
    let late = carry_out(&mut meter, &water(WaterNetwork::Supply, gap, 900, 6));
    assert!(
        matches!(late[..], [_, WaterMeterFact::LeakSuspectedV1(_)]),
        "{late:?}"
    );
}

#[test]
fn the_watch_can_be_set_and_bad_ones_are_refused() {
    let mut meter = WaterMeter::default();
    let watch = |limit_l_per_h, nights| {
        let watch = LeakWatch {
            limit_l_per_h,
            nights,
        };
        WaterMeterCommand::SetWatch(WaterNetwork::Supply, watch)
    };
    assert_eq!(carry_out(&mut meter, &watch(0, 1)).len(), 1);
    assert_eq!(carry_out(&mut meter, &watch(0, 1)).len(), 0);
    assert_eq!(night(&mut meter, 0, 0), []);
    assert_eq!(night(&mut meter, 1, 1).len(), 1);
    for (command, field) in [
        (watch(-1, 1), "limit_l_per_h"),
        (watch(0, 0), "nights"),
        (watch(0, 31), "nights"),
    ] {
        let refusal = meter.decide(&context(), &command).expect_err(field);
        assert_eq!(refusal.field, field);
    }
}

proptest! {
    #[test]
    fn what_is_taken_never_overlaps(readings in prop::collection::vec((0i64..200, 1u32..40, 0i64..100), 1..60)) {
        let mut meter = WaterMeter::default();
        let mut taken: Vec<Interval> = Vec::new();
        for (start, seconds, litres) in readings {
            let interval = Interval { start: UnixSeconds(start), seconds };
            let overlaps = taken.iter().any(|other| other.overlaps(interval));
            match meter.decide(&context(), &water(WaterNetwork::Rain, start, seconds, litres)) {
                Ok(events) if !events.is_empty() => {
                    prop_assert!(!overlaps);
                    meter.evolve(&events[0]);
                    taken.push(interval);
                }
                _ => prop_assert!(overlaps),
            }
        }
    }
}

/// A meter that reports each quarter of an hour for two months, is silent for so many days, and reports again for 25 days; and
/// the start of what it reported last.
fn pair_with_a_gap(
    gap_days: i64,
    leak_l: i64,
) -> (ForgetfulPair<WaterMeter>, WaterMeterContext, UnixSeconds) {
    const QUARTERS_A_DAY: i64 = 96;
    let context = WaterMeterContext {
        now: UnixSeconds(MIDNIGHT_S + 1_000 * DAY_S),
        ..context()
    };
    let mut pair = ForgetfulPair::<WaterMeter>::default();
    let back = 60 + gap_days;
    let before = 0..60 * QUARTERS_A_DAY;
    let after = back * QUARTERS_A_DAY..(back + 25) * QUARTERS_A_DAY;
    let mut newest = UnixSeconds(0);
    for quarter in before.chain(after) {
        newest = UnixSeconds(MIDNIGHT_S + quarter * 900);
        let report = water(WaterNetwork::Rain, newest.0, 900, leak_l + quarter % 7);
        let is_decided = pair.carry_out(&context, &report);
        assert!(
            is_decided,
            "what it says now needs its whole past: {report:?}"
        );
    }
    (pair, context, newest)
}

#[test]
fn a_meter_that_lets_go_decides_as_one_that_remembers_also_beside_a_long_silence() {
    for (gap_days, leak_l) in [(0, 10), (33, 0), (40, 4)] {
        let (pair, context, newest) = pair_with_a_gap(gap_days, leak_l);
        let mut undecided = 0;
        for start in (MIDNIGHT_S..newest.0 + 3_600).step_by(37 * 900) {
            for (shift_s, seconds, litres) in
                [(0, 900, leak_l), (0, 900, 50), (300, 300, 5), (450, 900, 1)]
            {
                let report = water(WaterNetwork::Rain, start + shift_s, seconds, litres);
                undecided += i64::from(!pair.decide_alike(&context, &report));
            }
        }
        assert!(undecided > 0, "nothing was let go of");
    }
}
