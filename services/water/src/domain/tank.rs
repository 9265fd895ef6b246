//! A tank: its levels and its alarms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{Rejection, TimeBook, refuse_future};
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

/// What can be asked of a tank.
#[derive(Clone, Debug)]
pub enum TankCommand {
    /// Take in a level.
    Report(TankLevel),
    /// Let a quarantined level count after all.
    Release {
        /// Event that quarantined it.
        quarantined: Uuid,
        /// Why, in a person's words.
        reason: Arc<str>,
    },
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
    /// A level that can't be is kept out of everything.
    Quarantined {
        /// As reported.
        level: TankLevel,
        /// Why.
        reason: Arc<str>,
    },
    /// It counts after all.
    Released {
        /// Event that quarantined it.
        quarantined: Uuid,
        /// When that was decided.
        time: UnixSeconds,
        /// Why.
        reason: Arc<str>,
    },
}

/// A tank, as its past left it.
#[derive(Default)]
pub struct Tank {
    levels_l: TimeBook<i64>,
    alarms: BTreeSet<TankAlarm>,
    /// Levels that count nowhere, by the events that recorded them.
    quarantined: BTreeMap<Uuid, (TankLevel, Arc<str>)>,
    released: BTreeSet<Uuid>,
}

impl Tank {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.levels_l.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, command: &TankCommand) -> bool {
        let time = match command {
            TankCommand::Report(level) => Some(level.time),
            TankCommand::Release { quarantined, .. } => {
                let level = self.quarantined.get(quarantined);
                level.map(|(level, _)| level.time)
            }
        };
        time.is_some_and(|time| self.levels_l.is_forgotten(time))
    }

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

    /// Levels in quarantine, by the events that recorded them, with the reasons.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Uuid, &(TankLevel, Arc<str>))> {
        self.quarantined
            .iter()
            .filter(|(id, _)| !self.released.contains(id))
    }

    /// Decides about a command. A level that is older than the newest is recorded and moves no alarm.
    pub fn decide(
        &self,
        context: &TankContext,
        command: &TankCommand,
    ) -> Result<Vec<TankEvent>, Rejection> {
        match command {
            TankCommand::Report(level) => self.report(context, level),
            TankCommand::Release {
                quarantined,
                reason,
            } => self.release(context, *quarantined, reason),
        }
    }

    fn report(
        &self,
        context: &TankContext,
        level: &TankLevel,
    ) -> Result<Vec<TankEvent>, Rejection> {
        self.refuse_other(context, level)?;
        if self.levels_l.contains_key(&level.time) {
            return Ok(Vec::new());
        }
        refuse_future("time", level.time, context.now)?;
        if let Some(reason) = impossible(context, level) {
            let event = TankEvent {
                id: tank_event_id(context, b"quarantined", level),
                tank: context.tank.clone(),
                fact: TankFact::Quarantined {
                    level: *level,
                    reason: reason.into(),
                },
            };
            let is_known = self.quarantined.contains_key(&event.id);
            return Ok(if is_known { Vec::new() } else { vec![event] });
        }
        Ok(self.take_in(context, level))
    }

    /// Refuses a level where another one stands.
    fn refuse_other(&self, context: &TankContext, level: &TankLevel) -> Result<(), Rejection> {
        match self.levels_l.get(&level.time) {
            Some(recorded) if *recorded != level.level_l => Err(Rejection::already_exists(
                "level_l",
                format!(
                    "tank {} at {}: {recorded} l is recorded, and {} l was sent; a tank has one level at a time",
                    context.tank,
                    format_rfc3339_utc(level.time),
                    level.level_l
                ),
            )),
            _ => Ok(()),
        }
    }

    /// A level counts.
    fn take_in(&self, context: &TankContext, level: &TankLevel) -> Vec<TankEvent> {
        let mut events = vec![TankEvent {
            id: tank_event_id(context, b"level", level),
            tank: context.tank.clone(),
            fact: TankFact::LevelMeasured(*level),
        }];
        if self.newest().is_none_or(|newest| newest.time < level.time) {
            events.extend(self.alarm_changes(context, level));
        }
        events
    }

    fn release(
        &self,
        context: &TankContext,
        quarantined: Uuid,
        reason: &Arc<str>,
    ) -> Result<Vec<TankEvent>, Rejection> {
        let Some((level, _)) = self.quarantined.get(&quarantined) else {
            return Err(Rejection::not_found(
                "event_id",
                format!(
                    "tank {} has no level {quarantined} in quarantine; list them",
                    context.tank
                ),
            ));
        };
        if self.released.contains(&quarantined) {
            return Ok(Vec::new());
        }
        self.refuse_other(context, level)?;
        let mut events = vec![TankEvent {
            id: event_id(&[b"terrarium.water.tank-released", quarantined.as_bytes()]),
            tank: context.tank.clone(),
            fact: TankFact::Released {
                quarantined,
                time: context.now,
                reason: Arc::clone(reason),
            },
        }];
        if !self.levels_l.contains_key(&level.time) {
            events.extend(self.take_in(context, level));
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
            TankFact::Quarantined { level, reason } => {
                self.quarantined
                    .insert(event.id, (*level, Arc::clone(reason)));
            }
            TankFact::Released { quarantined, .. } => {
                self.released.insert(*quarantined);
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

/// Why a level can't be, if it can't.
fn impossible(context: &TankContext, level: &TankLevel) -> Option<String> {
    let level_l = level.level_l;
    if level_l < 0 {
        return Some(format!("{level_l} l is below zero; an empty tank has 0 l"));
    }
    (level_l > context.capacity_l).then(|| {
        format!(
            "{level_l} l is more than tank {} holds ({} l); check the sensor's unit, or the capacity in the park definition",
            context.tank, context.capacity_l
        )
    })
}

#[cfg(test)]
mod tests;
