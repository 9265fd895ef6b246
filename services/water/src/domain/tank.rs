//! A tank: its levels and its alarms.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

/// The high alarm is raised above this share of the capacity.
const HIGH_PERCENT: i64 = 95;
/// An alarm clears when the level is back by this share of the capacity.
const HYSTERESIS_PERCENT: i64 = 5;

/// Everything a decision needs beside the tank's own past.
#[derive(Clone, Debug)]
pub struct TankContext {
    /// Park of the tank.
    pub park: ParkId,
    /// The tank.
    pub tank: AssetId,
    /// Litres it holds.
    pub capacity_l: i64,
    /// Litres that are kept.
    pub reserve_l: i64,
    /// The park's time.
    pub now: UnixSeconds,
}

/// A level as reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TankLevel {
    /// When.
    pub time: UnixSeconds,
    /// Litres in the tank.
    pub level_l: i64,
}

/// The alarms a tank can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TankAlarm {
    /// Below the reserve.
    Low,
    /// Above 95 % of the capacity.
    High,
}

/// An event of a tank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TankEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The tank.
    pub tank: AssetId,
    /// What happened.
    pub fact: TankFact,
}

/// What happened to a tank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TankFact {
    /// A level was measured.
    LevelMeasured(TankLevel),
    /// The newest level left the allowed range.
    AlarmRaised {
        /// Which.
        alarm: TankAlarm,
        /// The newest level.
        level: TankLevel,
        /// The level that was crossed.
        limit_l: i64,
    },
    /// The newest level is back in the allowed range.
    AlarmCleared {
        /// Which.
        alarm: TankAlarm,
        /// The newest level.
        level: TankLevel,
        /// The level that was crossed.
        limit_l: i64,
    },
}

/// A tank, as its past left it.
#[derive(Default)]
pub struct Tank {
    levels_l: BTreeMap<UnixSeconds, i64>,
    alarms: BTreeSet<TankAlarm>,
}

impl Tank {
    /// The newest level.
    pub fn newest(&self) -> Option<TankLevel> {
        let (time, level_l) = self.levels_l.last_key_value()?;
        Some(TankLevel {
            time: *time,
            level_l: *level_l,
        })
    }

    /// Alarms that are raised.
    pub fn alarms(&self) -> &BTreeSet<TankAlarm> {
        &self.alarms
    }

    /// Decides about a reported level. A level older than the newest is recorded and moves no alarm.
    pub fn decide(
        &self,
        context: &TankContext,
        level: &TankLevel,
    ) -> Result<Vec<TankEvent>, Rejection> {
        if level.level_l < 0 {
            return Err(Rejection::invalid(
                "level_l",
                format!("{} l is below zero; an empty tank has 0 l", level.level_l),
            ));
        }
        if level.level_l > context.capacity_l {
            return Err(Rejection::invalid(
                "level_l",
                format!(
                    "{} l is more than tank {} holds ({} l); check the sensor's unit, or the capacity in the park definition",
                    level.level_l, context.tank, context.capacity_l
                ),
            ));
        }
        match self.levels_l.get(&level.time) {
            Some(recorded) if *recorded == level.level_l => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "level_l",
                    format!(
                        "tank {} at {}: {recorded} l is recorded, and {} l was sent; a tank has one level at a time",
                        context.tank,
                        format_rfc3339_utc(level.time),
                        level.level_l
                    ),
                ));
            }
            None => {}
        }
        refuse_future("time", level.time, context.now)?;
        let measured = TankEvent {
            id: tank_event_id(context, b"level", level),
            tank: context.tank.clone(),
            fact: TankFact::LevelMeasured(*level),
        };
        let mut events = vec![measured];
        if self.newest().is_none_or(|newest| newest.time < level.time) {
            events.extend(self.alarm_changes(context, level));
        }
        Ok(events)
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &TankEvent) {
        match &event.fact {
            TankFact::LevelMeasured(level) => {
                self.levels_l.insert(level.time, level.level_l);
            }
            TankFact::AlarmRaised { alarm, .. } => {
                self.alarms.insert(*alarm);
            }
            TankFact::AlarmCleared { alarm, .. } => {
                self.alarms.remove(alarm);
            }
        }
    }

    fn alarm_changes(&self, context: &TankContext, level: &TankLevel) -> Vec<TankEvent> {
        let hysteresis_l = share_l(context.capacity_l, HYSTERESIS_PERCENT);
        let high_l = share_l(context.capacity_l, HIGH_PERCENT);
        // A reserve near the capacity must not leave the alarm standing on a full tank.
        let low_clears_l = (context.reserve_l + hysteresis_l).min(context.capacity_l);
        let bounds = [
            (
                TankAlarm::Low,
                context.reserve_l,
                level.level_l < context.reserve_l,
                level.level_l >= low_clears_l,
            ),
            (
                TankAlarm::High,
                high_l,
                level.level_l > high_l,
                level.level_l <= high_l - hysteresis_l,
            ),
        ];
        let mut events = Vec::new();
        for (alarm, limit_l, raises, clears) in bounds {
            let is_raised = self.alarms.contains(&alarm);
            let (fact, statement): (_, &[u8]) = match (is_raised, raises, clears) {
                (false, true, _) => (
                    TankFact::AlarmRaised {
                        alarm,
                        level: *level,
                        limit_l,
                    },
                    b"raised",
                ),
                (true, false, true) => (
                    TankFact::AlarmCleared {
                        alarm,
                        level: *level,
                        limit_l,
                    },
                    b"cleared",
                ),
                _ => continue,
            };
            let name: &[u8] = match alarm {
                TankAlarm::Low => b"low",
                TankAlarm::High => b"high",
            };
            events.push(TankEvent {
                id: tank_event_id(context, &[name, b"-", statement].concat(), level),
                tank: context.tank.clone(),
                fact,
            });
        }
        events
    }
}

/// A share of a capacity in whole litres, rounded down.
fn share_l(capacity_l: i64, percent: i64) -> i64 {
    i64::try_from(i128::from(capacity_l) * i128::from(percent) / 100)
        .expect("a share is no more than the whole")
}

fn tank_event_id(context: &TankContext, statement: &[u8], level: &TankLevel) -> Uuid {
    event_id(&[
        b"terrarium.water.tank",
        statement,
        context.park.as_str().as_bytes(),
        context.tank.as_str().as_bytes(),
        &level.time.0.to_le_bytes(),
        &level.level_l.to_le_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use terrarium_journal::RejectionCode;

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

    fn level(time: i64, level_l: i64) -> TankLevel {
        TankLevel {
            time: UnixSeconds(time),
            level_l,
        }
    }

    /// Reports levels and gives the alarm changes of each.
    fn report(tank: &mut Tank, time: i64, level_l: i64) -> Vec<(bool, TankAlarm)> {
        let events = tank
            .decide(&context(), &level(time, level_l))
            .expect("a good level");
        for event in &events {
            tank.evolve(event);
        }
        events
            .iter()
            .filter_map(|event| match event.fact {
                TankFact::LevelMeasured(_) => None,
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
        assert_eq!(tank.decide(&context(), &level(1, 5_000)), Ok(Vec::new()));
        let refusal = tank
            .decide(&context(), &level(1, 5_001))
            .expect_err("another level");
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::AlreadyExists, "level_l")
        );
        assert!(refusal.message.contains("5000 l is recorded"), "{refusal}");
    }

    #[test]
    fn levels_the_tank_can_not_have_are_refused() {
        let tank = Tank::default();
        for (level_l, said) in [
            (20_001, "more than tank rain-tank-1 holds"),
            (-1, "below zero"),
        ] {
            let refusal = tank
                .decide(&context(), &level(1, level_l))
                .expect_err("impossible");
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::InvalidArgument, "level_l")
            );
            assert!(refusal.message.contains(said), "{refusal}");
        }
        let refusal = tank
            .decide(&context(), &level(100_061, 5))
            .expect_err("in the future");
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::FailedPrecondition, "time")
        );
    }

    #[test]
    fn a_reserve_near_the_capacity_leaves_no_alarm_on_a_full_tank() {
        let context = TankContext {
            reserve_l: 19_500,
            ..context()
        };
        let mut tank = Tank::default();
        for (time, level_l) in [(1, 19_000), (2, 20_000)] {
            for event in tank.decide(&context, &level(time, level_l)).expect("good") {
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
                let Ok(events) = tank.decide(&context(), &level(time, level_l)) else { continue };
                for event in &events {
                    match event.fact {
                        TankFact::AlarmRaised { alarm, .. } => prop_assert!(raised.insert(alarm)),
                        TankFact::AlarmCleared { alarm, .. } => prop_assert!(raised.remove(&alarm)),
                        TankFact::LevelMeasured(_) => {}
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
}
