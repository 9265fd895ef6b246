use proptest::prelude::*;
use terrarium_journal::{ForgetfulPair, RejectionCode};

use super::*;

fn context() -> TankContext {
    TankContext {
        park: ParkId::new("haotian").expect("valid"),
        tank: AssetId::new("rain-tank-1").expect("valid"),
        capacity_l: 20_000,
        reserve_l: 2_000,
        now: UnixSeconds(100_000),
    }
}

fn sent(time: i64, level_l: i64) -> TankCommand {
    TankCommand::Report(level(time, level_l))
}

fn level(time: i64, level_l: i64) -> TankLevel {
    TankLevel {
        time: UnixSeconds(time),
        level_l,
    }
}

/// Reports levels and gives the alarm changes of each.
fn report(tank: &mut Tank, time: i64, level_l: i64) -> Vec<(bool, TankAlarm)> {
    let events = tank
        .decide(&context(), &sent(time, level_l))
        .expect("a good level");
    for event in &events {
        tank.evolve(event);
    }
    events
        .iter()
        .filter_map(|event| match event.fact {
            TankFact::LevelMeasured(_)
            | TankFact::Quarantined { .. }
            | TankFact::Released { .. } => None,
            TankFact::AlarmRaised { alarm, .. } => Some((true, alarm)),
            TankFact::AlarmCleared { alarm, .. } => Some((false, alarm)),
        })
        .collect()
}

#[test]
fn the_low_alarm_is_raised_below_the_reserve_and_cleared_five_percent_above_it() {
    let mut tank = Tank::default();
    assert_eq!(report(&mut tank, 1, 2_000), []);
    assert_eq!(report(&mut tank, 2, 1_999), [(true, TankAlarm::Low)]);
    assert_eq!(report(&mut tank, 3, 1_000), []);
    assert_eq!(report(&mut tank, 4, 2_999), []);
    assert_eq!(report(&mut tank, 5, 3_000), [(false, TankAlarm::Low)]);
}

#[test]
fn the_high_alarm_is_raised_above_95_percent_and_cleared_at_90() {
    let mut tank = Tank::default();
    assert_eq!(report(&mut tank, 1, 19_000), []);
    assert_eq!(report(&mut tank, 2, 19_001), [(true, TankAlarm::High)]);
    assert_eq!(report(&mut tank, 3, 18_001), []);
    assert_eq!(report(&mut tank, 4, 18_000), [(false, TankAlarm::High)]);
}

#[test]
fn a_level_that_arrives_late_is_recorded_and_moves_no_alarm() {
    let mut tank = Tank::default();
    report(&mut tank, 10, 5_000);
    assert_eq!(report(&mut tank, 9, 100), []);
    assert!(tank.alarms().is_empty());
    assert_eq!(tank.newest(), Some(level(10, 5_000)));
}

#[test]
fn the_same_level_again_changes_nothing_and_another_at_the_same_time_is_refused() {
    let mut tank = Tank::default();
    report(&mut tank, 1, 5_000);
    assert_eq!(tank.decide(&context(), &sent(1, 5_000)), Ok(Vec::new()));
    let refusal = tank
        .decide(&context(), &sent(1, 5_001))
        .expect_err("another level");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::AlreadyExists, "level_l")
    );
    assert!(refusal.message.contains("5000 l is recorded"), "{refusal}");
}

#[test]
fn levels_the_tank_can_not_have_are_kept_in_quarantine_until_someone_decides() {
    for (level_l, said) in [
        (20_001, "more than tank rain-tank-1 holds"),
        (-1, "below zero"),
    ] {
        let mut tank = Tank::default();
        report(&mut tank, 1, level_l);
        let (id, reason) = {
            let (id, (kept, reason)) = tank.quarantined().next().expect("one");
            assert_eq!(*kept, level(1, level_l));
            (*id, reason.clone())
        };
        assert!(reason.contains(said), "{reason}");
        assert_eq!(tank.newest(), None);
        assert_eq!(
            tank.decide(&context(), &sent(1, level_l)),
            Ok(Vec::new()),
            "sent again"
        );
        let release = TankCommand::Release {
            quarantined: id,
            reason: "a float was stuck".into(),
        };
        for event in tank.decide(&context(), &release).expect("released") {
            tank.evolve(&event);
        }
        assert_eq!(tank.newest(), Some(level(1, level_l)));
        assert_eq!(tank.quarantined().count(), 0);
        assert_eq!(tank.decide(&context(), &release), Ok(Vec::new()));
    }
    let tank = Tank::default();
    let refusal = tank
        .decide(&context(), &sent(100_061, 5))
        .expect_err("in the future");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "time")
    );
    let unknown = TankCommand::Release {
        quarantined: Uuid::nil(),
        reason: "it was so".into(),
    };
    let refusal = tank.decide(&context(), &unknown).expect_err("unknown");
    assert_eq!(refusal.code, RejectionCode::NotFound);
}

#[test]
fn a_reserve_near_the_capacity_leaves_no_alarm_on_a_full_tank() {
    let context = TankContext {
        reserve_l: 19_500,
        ..context()
    };
    let mut tank = Tank::default();
    for (time, level_l) in [(1, 19_000), (2, 20_000)] {
        for event in tank.decide(&context, &sent(time, level_l)).expect("good") {
            tank.evolve(&event);
        }
    }
    assert!(!tank.alarms().contains(&TankAlarm::Low));
}

proptest! {
    #[test]
    fn raises_and_clears_of_an_alarm_take_turns_and_the_newest_level_agrees_with_them(
        levels in prop::collection::vec((0i64..50, 0i64..=20_000), 1..60)
    ) {
        let mut tank = Tank::default();
        let mut raised = BTreeSet::new();
        for (time, level_l) in levels {
            let before = tank.newest();
            let Ok(events) = tank.decide(&context(), &sent(time, level_l)) else { continue };
            for event in &events {
                match event.fact {
                    TankFact::AlarmRaised { alarm, .. } => prop_assert!(raised.insert(alarm)),
                    TankFact::AlarmCleared { alarm, .. } => prop_assert!(raised.remove(&alarm)),
                    TankFact::LevelMeasured(_)
                    | TankFact::Quarantined { .. }
                    | TankFact::Released { .. } => {}
                }
                tank.evolve(event);
            }
            if before.is_some_and(|newest| newest.time.0 >= time) {
                prop_assert!(events.len() <= 1);
            }
            prop_assert_eq!(&raised, tank.alarms());
            let newest = tank.newest().expect("one was taken");
            prop_assert!(newest.level_l >= 2_000 || raised.contains(&TankAlarm::Low));
            prop_assert!(newest.level_l < 3_000 || !raised.contains(&TankAlarm::Low));
            prop_assert!(newest.level_l <= 19_000 || raised.contains(&TankAlarm::High));
            prop_assert!(newest.level_l > 18_000 || !raised.contains(&TankAlarm::High));
        }
    }
}

#[test]
fn a_tank_that_lets_go_decides_as_one_that_remembers() {
    const QUARTERS: i64 = 7_000;
    let context = TankContext {
        now: UnixSeconds(QUARTERS * 1_000),
        ..context()
    };
    let mut pair = ForgetfulPair::<Tank>::default();
    for quarter in 0..QUARTERS {
        // Some of them can't be, and are kept apart.
        let level_l = if quarter % 97 == 0 {
            -quarter
        } else {
            quarter * 37 % 20_000
        };
        assert!(pair.carry_out(&context, &sent(quarter * 900, level_l)));
    }
    let mut undecided = 0;
    for quarter in (0..QUARTERS + 3).step_by(5) {
        for (time, level_l) in [
            (quarter * 900, quarter * 37 % 20_000),
            (quarter * 900, 1),
            (quarter * 900 + 450, 1),
            (quarter * 900 + 450, -1),
        ] {
            undecided += i64::from(!pair.decide_alike(&context, &sent(time, level_l)));
        }
    }
    assert!(undecided > 0, "nothing was let go of");
    for quarter in (0..QUARTERS).step_by(97) {
        let lowest = level(quarter * 900, -quarter);
        let recorded = Tank::default().decide(&context, &TankCommand::Report(lowest));
        for event in recorded.expect("kept apart") {
            let release = TankCommand::Release {
                quarantined: event.id,
                reason: "seen".into(),
            };
            pair.decide_alike(&context, &release);
        }
    }
}
