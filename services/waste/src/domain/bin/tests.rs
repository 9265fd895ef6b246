use proptest::prelude::*;
use terrarium_journal::{ForgetfulPair, RejectionCode};

use super::*;

fn context() -> BinContext {
    BinContext {
        park: ParkId::new("haotian").expect("valid"),
        bin: AssetId::new("bin-1").expect("valid"),
        capacity_l: 240,
        limit_g: 80_000,
        now: UnixSeconds(100_000),
    }
}

fn measurement(time: i64, fill_l: i64, weight_g: i64) -> BinMeasurement {
    BinMeasurement {
        time: UnixSeconds(time),
        fill_l,
        weight_g,
    }
}

fn carry_out(bin: &mut Bin, command: &BinCommand) -> Vec<&'static str> {
    let events = bin.decide(&context(), command).expect("a good command");
    for event in &events {
        bin.evolve(event);
    }
    events
        .iter()
        .map(|event| match event.fact {
            BinFact::Weighed(_) => "weighed",
            BinFact::OverflowRaised { .. } => "raised",
            BinFact::OverflowCleared { .. } => "cleared",
            BinFact::Emptied { .. } => "emptied",
            BinFact::Quarantined { .. } => "quarantined",
            BinFact::Released { .. } => "released",
        })
        .collect()
}

fn report(bin: &mut Bin, time: i64, fill_l: i64, weight_g: i64) -> Vec<&'static str> {
    carry_out(
        bin,
        &BinCommand::Report(measurement(time, fill_l, weight_g)),
    )
}

fn empty(bin: &mut Bin, time: i64, executed: u128) -> Vec<&'static str> {
    let command = BinCommand::Empty {
        time: UnixSeconds(time),
        collection: "round-1".into(),
        executed: Uuid::from_u128(executed),
    };
    carry_out(bin, &command)
}

#[test]
fn the_overflow_alarm_is_raised_at_90_percent_fill_and_cleared_below_80() {
    let mut bin = Bin::default();
    assert_eq!(report(&mut bin, 1, 215, 0), ["weighed"]);
    assert_eq!(report(&mut bin, 2, 216, 0), ["weighed", "raised"]);
    assert_eq!(report(&mut bin, 3, 192, 0), ["weighed"]);
    assert_eq!(report(&mut bin, 4, 191, 0), ["weighed", "cleared"]);
}

#[test]
fn the_overflow_alarm_is_raised_at_the_weight_limit_and_cleared_below_nine_tenths_of_it() {
    let mut bin = Bin::default();
    assert_eq!(report(&mut bin, 1, 10, 79_999), ["weighed"]);
    assert_eq!(report(&mut bin, 2, 10, 80_000), ["weighed", "raised"]);
    assert_eq!(report(&mut bin, 3, 10, 72_000), ["weighed"]);
    assert_eq!(report(&mut bin, 4, 10, 71_999), ["weighed", "cleared"]);
}

#[test]
fn emptying_clears_the_alarm_once_and_not_when_something_newer_is_known() {
    let mut bin = Bin::default();
    report(&mut bin, 10, 240, 0);
    assert_eq!(empty(&mut bin, 9, 1), ["emptied"]);
    assert!(bin.is_overflowing());
    assert_eq!(empty(&mut bin, 11, 2), ["emptied", "cleared"]);
    assert_eq!(empty(&mut bin, 11, 2), [""; 0]);
    assert_eq!(report(&mut bin, 10, 240, 0), [""; 0]);
    assert_eq!(report(&mut bin, 8, 240, 0), ["weighed"]);
    assert!(!bin.is_overflowing());
}

#[test]
fn measurements_a_bin_can_not_have_are_kept_in_quarantine_and_move_nothing() {
    for (sent, said) in [
        (measurement(1, -1, 0), "below zero"),
        (measurement(1, 0, -1), "set the scale to zero"),
        (measurement(1, 241, 0), "more than bin bin-1 holds"),
        (measurement(1, 0, 160_001), "2 times the limit"),
    ] {
        let mut bin = Bin::default();
        let command = BinCommand::Report(sent);
        assert_eq!(carry_out(&mut bin, &command), ["quarantined"]);
        assert_eq!(carry_out(&mut bin, &command), [""; 0], "sent again");
        let (_, (kept, reason)) = bin.quarantined().next().expect("one");
        assert_eq!(*kept, sent);
        assert!(reason.contains(said), "{reason}");
        assert!(!bin.is_overflowing());
        // The right value of that time is simply reported.
        assert_eq!(report(&mut bin, 1, 100, 5), ["weighed"]);
    }
    let refusal = Bin::default()
        .decide(&context(), &BinCommand::Report(measurement(100_061, 0, 0)))
        .expect_err("the future");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "time")
    );
}

#[test]
fn a_released_measurement_counts_once_unless_another_took_its_place() {
    let mut bin = Bin::default();
    report(&mut bin, 1, 250, 5);
    let id = *bin.quarantined().next().expect("one").0;
    let release = BinCommand::Release {
        quarantined: id,
        reason: "a second lid was put on".into(),
    };
    assert_eq!(
        carry_out(&mut bin, &release),
        ["released", "weighed", "raised"]
    );
    assert_eq!(carry_out(&mut bin, &release), [""; 0]);
    assert_eq!(bin.quarantined().count(), 0);

    report(&mut bin, 2, 260, 5);
    report(&mut bin, 2, 100, 5);
    let late = BinCommand::Release {
        quarantined: *bin.quarantined().next().expect("one").0,
        reason: "it was so".into(),
    };
    let refusal = bin.decide(&context(), &late).expect_err("another stands");
    assert_eq!(refusal.code, RejectionCode::AlreadyExists);
    let unknown = BinCommand::Release {
        quarantined: Uuid::nil(),
        reason: "it was so".into(),
    };
    let refusal = bin.decide(&context(), &unknown).expect_err("unknown");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::NotFound, "event_id")
    );
}

#[test]
fn an_emptied_bin_says_what_it_weighed_where_it_knew() {
    let mut bin = Bin::default();
    report(&mut bin, 10, 100, 30_000);
    report(&mut bin, 20, 120, 41_000);
    empty(&mut bin, 25, 1);
    assert_eq!(bin.emptied_g("round-1"), Some(41_000));
    empty(&mut bin, 26, 2);
    assert_eq!(bin.emptied_g("round-1"), None, "nothing was reported since");
}

#[test]
fn another_measurement_of_the_same_time_is_refused() {
    let mut bin = Bin::default();
    report(&mut bin, 1, 100, 5);
    let command = BinCommand::Report(measurement(1, 100, 6));
    let refusal = bin.decide(&context(), &command).expect_err("another one");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::AlreadyExists, "time")
    );
}

proptest! {
    #[test]
    fn raises_and_clears_take_turns_and_a_full_bin_always_has_its_alarm(
        steps in prop::collection::vec((0i64..60, 0i64..=240, 0i64..=160_000, any::<bool>()), 1..60)
    ) {
        let mut bin = Bin::default();
        for (number, (time, fill_l, weight_g, empties)) in (0u128..).zip(steps) {
            let before = (bin.is_overflowing(), bin.newest);
            let command = if empties {
                BinCommand::Empty { time: UnixSeconds(time), collection: "c".into(), executed: Uuid::from_u128(number) }
            } else {
                BinCommand::Report(measurement(time, fill_l, weight_g))
            };
            let Ok(events) = bin.decide(&context(), &command) else { continue };
            for event in &events {
                match event.fact {
                    BinFact::OverflowRaised { .. } => prop_assert!(!bin.is_overflowing()),
                    BinFact::OverflowCleared { .. } => prop_assert!(bin.is_overflowing()),
                    _ => {}
                }
                bin.evolve(event);
            }
            let is_newest = before.1.is_none_or(|newest| newest.0 < time);
            if !is_newest && !empties {
                prop_assert_eq!(before.0, bin.is_overflowing());
            }
            if is_newest && !empties && (fill_l >= 216 || weight_g >= 80_000) {
                prop_assert!(bin.is_overflowing());
            }
            if is_newest && empties {
                prop_assert!(!bin.is_overflowing());
            }
        }
    }
}

#[test]
fn a_bin_that_lets_go_decides_as_one_that_remembers() {
    const HOURS: i64 = 5_000;
    let context = BinContext {
        now: UnixSeconds(HOURS * 4_000),
        ..context()
    };
    let emptied = |time: i64, number: i64| BinCommand::Empty {
        time: UnixSeconds(time),
        collection: format!("round-{number}").into(),
        executed: Uuid::from_u128(number as u128),
    };
    let sent = |time: i64, fill_l: i64| BinCommand::Report(measurement(time, fill_l, fill_l * 100));
    let mut pair = ForgetfulPair::<Bin>::default();
    for hour in 0..HOURS {
        assert!(pair.carry_out(&context, &sent(hour * 3_600, hour * 7 % 240)));
        if hour % 50 == 49 {
            assert!(pair.carry_out(&context, &emptied(hour * 3_600 + 60, hour)));
        }
    }
    let mut undecided = 0;
    for hour in 0..HOURS + 3 {
        let time = hour * 3_600;
        for command in [
            sent(time, hour * 7 % 240),
            sent(time, 3),
            sent(time + 1_800, 239),
            emptied(time + 60, hour),
            emptied(time + 1_800, HOURS + hour),
        ] {
            undecided += i64::from(!pair.decide_alike(&context, &command));
        }
    }
    assert!(undecided > 0, "nothing was let go of");
}
