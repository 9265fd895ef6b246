//! A bin: its fill and weight, its overflow alarm, and when it was emptied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{Rejection, TimeBook, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

/// The overflow alarm is raised at this share of the capacity.
const OVERFLOW_PERCENT: i64 = 90;
/// It clears when fill and weight are below what raises it by this share of capacity and limit.
const HYSTERESIS_PERCENT: i64 = 10;
/// A bin may weigh this many times its limit; beyond it the scale is wrong.
const HEAVIEST_FACTOR: i64 = 2;

/// Everything a decision needs beside the bin's own past.
#[derive(Clone, Debug)]
pub struct BinContext {
    /// Park of the bin.
    pub park: ParkId,
    /// The bin.
    pub bin: AssetId,
    /// Litres it holds.
    pub capacity_l: i64,
    /// Grams it may hold.
    pub limit_g: i64,
    /// The park's time.
    pub now: UnixSeconds,
}

/// A measurement as reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinMeasurement {
    /// When.
    pub time: UnixSeconds,
    /// Litres filled.
    pub fill_l: i64,
    /// Grams in the bin.
    pub weight_g: i64,
}

/// What can be asked of a bin.
#[derive(Clone, Debug)]
pub enum BinCommand {
    /// Take in a measurement.
    Report(BinMeasurement),
    /// A collection emptied it.
    Empty {
        /// When.
        time: UnixSeconds,
        /// The collection.
        collection: Arc<str>,
        /// Event that executed it.
        executed: Uuid,
    },
    /// Let a quarantined measurement count after all.
    Release {
        /// Event that quarantined it.
        quarantined: Uuid,
        /// Why, in a person's words.
        reason: Arc<str>,
    },
}

/// An event of a bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The bin.
    pub bin: AssetId,
    /// What happened.
    pub fact: BinFact,
}

/// What happened to a bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinFact {
    /// It was measured.
    Weighed(BinMeasurement),
    /// Its newest measurement reached a limit.
    OverflowRaised {
        /// The newest measurement.
        measurement: BinMeasurement,
        /// The fill that raises.
        limit_l: i64,
        /// The weight that raises.
        limit_g: i64,
    },
    /// It is below both limits again.
    OverflowCleared {
        /// The newest measurement, or nothing in it after it was emptied.
        measurement: BinMeasurement,
    },
    /// A collection emptied it.
    Emptied {
        /// When.
        time: UnixSeconds,
        /// The collection.
        collection: Arc<str>,
        /// Event that executed it.
        executed: Uuid,
        /// Grams it weighed last, where it had reported since it was emptied before.
        weight_g: Option<i64>,
    },
    /// A measurement that can't be is kept out of everything.
    Quarantined {
        /// As reported.
        measurement: BinMeasurement,
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

/// A bin, as its past left it.
#[derive(Default)]
pub struct Bin {
    /// Fill and weight.
    measurements: TimeBook<(i64, i64)>,
    /// Events that executed the collections which emptied it.
    emptied_by: BTreeSet<Uuid>,
    /// Time of the newest measurement or emptying.
    newest: Option<UnixSeconds>,
    is_overflowing: bool,
    /// When it was last emptied.
    last_emptied: Option<UnixSeconds>,
    /// What it weighed when a collection emptied it.
    emptied_g: BTreeMap<Arc<str>, Option<i64>>,
    /// Measurements that count nowhere, by the events that recorded them.
    quarantined: BTreeMap<Uuid, (BinMeasurement, Arc<str>)>,
    released: BTreeSet<Uuid>,
}

impl Bin {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.measurements.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, command: &BinCommand) -> bool {
        let time = match command {
            BinCommand::Report(measurement) => Some(measurement.time),
            BinCommand::Empty { time, .. } => Some(*time),
            BinCommand::Release { quarantined, .. } => {
                let measurement = self.quarantined.get(quarantined);
                measurement.map(|(measurement, _)| measurement.time)
            }
        };
        time.is_some_and(|time| self.measurements.is_forgotten(time))
    }

    /// Whether the overflow alarm is raised.
    pub fn is_overflowing(&self) -> bool {
        self.is_overflowing
    }

    /// Grams it weighed itself when a collection emptied it, where it knew.
    pub fn emptied_g(&self, collection: &str) -> Option<i64> {
        self.emptied_g.get(collection).copied().flatten()
    }

    /// Measurements in quarantine, by the events that recorded them, with the reasons.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Uuid, &(BinMeasurement, Arc<str>))> {
        self.quarantined
            .iter()
            .filter(|(id, _)| !self.released.contains(id))
    }

    /// Decides about a command. What is older than the newest is recorded and moves no alarm.
    pub fn decide(
        &self,
        context: &BinContext,
        command: &BinCommand,
    ) -> Result<Vec<BinEvent>, Rejection> {
        match command {
            BinCommand::Report(measurement) => self.report(context, measurement),
            BinCommand::Empty {
                time,
                collection,
                executed,
            } => Ok(self.empty(context, *time, collection, *executed)),
            BinCommand::Release {
                quarantined,
                reason,
            } => self.release(context, *quarantined, reason),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &BinEvent) {
        match &event.fact {
            BinFact::Weighed(measurement) => {
                self.measurements
                    .insert(measurement.time, (measurement.fill_l, measurement.weight_g));
                self.newest = self.newest.max(Some(measurement.time));
            }
            BinFact::OverflowRaised { .. } => self.is_overflowing = true,
            BinFact::OverflowCleared { .. } => self.is_overflowing = false,
            BinFact::Emptied {
                time,
                executed,
                collection,
                weight_g,
            } => {
                self.emptied_by.insert(*executed);
                self.newest = self.newest.max(Some(*time));
                self.last_emptied = self.last_emptied.max(Some(*time));
                self.emptied_g.insert(Arc::clone(collection), *weight_g);
            }
            BinFact::Quarantined {
                measurement,
                reason,
            } => {
                self.quarantined
                    .insert(event.id, (*measurement, Arc::clone(reason)));
            }
            BinFact::Released { quarantined, .. } => {
                self.released.insert(*quarantined);
            }
        }
    }

    fn report(
        &self,
        context: &BinContext,
        measurement: &BinMeasurement,
    ) -> Result<Vec<BinEvent>, Rejection> {
        self.refuse_other(context, measurement)?;
        if self.measurements.contains_key(&measurement.time) {
            return Ok(Vec::new());
        }
        refuse_future("time", measurement.time, context.now)?;
        if let Some(reason) = impossible(context, measurement) {
            let fact = BinFact::Quarantined {
                measurement: *measurement,
                reason: reason.into(),
            };
            let event = bin_event(context, b"quarantined", measurement, fact);
            let is_known = self.quarantined.contains_key(&event.id);
            return Ok(if is_known { Vec::new() } else { vec![event] });
        }
        Ok(self.take_in(context, measurement))
    }

    /// Refuses a measurement where another one stands.
    fn refuse_other(
        &self,
        context: &BinContext,
        measurement: &BinMeasurement,
    ) -> Result<(), Rejection> {
        match self.measurements.get(&measurement.time) {
            Some((fill_l, weight_g))
                if (*fill_l, *weight_g) != (measurement.fill_l, measurement.weight_g) =>
            {
                Err(Rejection::already_exists(
                    "time",
                    format!(
                        "bin {} at {}: {fill_l} l and {weight_g} g are recorded, and {} l and {} g were sent; a bin has one \
                         measurement at a time",
                        context.bin,
                        format_rfc3339_utc(measurement.time),
                        measurement.fill_l,
                        measurement.weight_g
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// A measurement counts.
    fn take_in(&self, context: &BinContext, measurement: &BinMeasurement) -> Vec<BinEvent> {
        let mut events = vec![bin_event(
            context,
            b"weighed",
            measurement,
            BinFact::Weighed(*measurement),
        )];
        if self.newest.is_none_or(|newest| newest < measurement.time) {
            events.extend(self.alarm_change(context, measurement));
        }
        events
    }

    fn release(
        &self,
        context: &BinContext,
        quarantined: Uuid,
        reason: &Arc<str>,
    ) -> Result<Vec<BinEvent>, Rejection> {
        let Some((measurement, _)) = self.quarantined.get(&quarantined) else {
            return Err(Rejection::not_found(
                "event_id",
                format!(
                    "bin {} has no measurement {quarantined} in quarantine; list them",
                    context.bin
                ),
            ));
        };
        if self.released.contains(&quarantined) {
            return Ok(Vec::new());
        }
        self.refuse_other(context, measurement)?;
        let mut events = vec![BinEvent {
            id: event_id(&[b"terrarium.waste.bin-released", quarantined.as_bytes()]),
            bin: context.bin.clone(),
            fact: BinFact::Released {
                quarantined,
                time: context.now,
                reason: Arc::clone(reason),
            },
        }];
        if !self.measurements.contains_key(&measurement.time) {
            events.extend(self.take_in(context, measurement));
        }
        Ok(events)
    }

    fn empty(
        &self,
        context: &BinContext,
        time: UnixSeconds,
        collection: &Arc<str>,
        executed: Uuid,
    ) -> Vec<BinEvent> {
        if self.emptied_by.contains(&executed) {
            return Vec::new();
        }
        let mut events = vec![BinEvent {
            id: event_id(&[
                b"terrarium.waste.bin-emptied",
                context.park.as_str().as_bytes(),
                context.bin.as_str().as_bytes(),
                executed.as_bytes(),
            ]),
            bin: context.bin.clone(),
            fact: BinFact::Emptied {
                time,
                collection: Arc::clone(collection),
                executed,
                weight_g: self.weight_before(time),
            },
        }];
        if self.is_overflowing && self.newest.is_none_or(|newest| newest <= time) {
            let nothing = BinMeasurement {
                time,
                fill_l: 0,
                weight_g: 0,
            };
            let fact = BinFact::OverflowCleared {
                measurement: nothing,
            };
            events.push(bin_event(
                context,
                b"overflow-cleared-by-emptying",
                &nothing,
                fact,
            ));
        }
        events
    }

    /// Grams that it weighed last up to a time, if that was after it was emptied before.
    fn weight_before(&self, time: UnixSeconds) -> Option<i64> {
        let (measured, (_, weight_g)) = self.measurements.range(..=time).next_back()?;
        self.last_emptied
            .is_none_or(|emptied| emptied < *measured)
            .then_some(*weight_g)
    }

    fn alarm_change(&self, context: &BinContext, measurement: &BinMeasurement) -> Option<BinEvent> {
        let limit_l = share(context.capacity_l, OVERFLOW_PERCENT);
        let limit_g = context.limit_g;
        let raises = measurement.fill_l >= limit_l || measurement.weight_g >= limit_g;
        let clears = measurement.fill_l < limit_l - share(context.capacity_l, HYSTERESIS_PERCENT)
            && measurement.weight_g < limit_g - share(limit_g, HYSTERESIS_PERCENT);
        if raises && !self.is_overflowing {
            let fact = BinFact::OverflowRaised {
                measurement: *measurement,
                limit_l,
                limit_g,
            };
            return Some(bin_event(context, b"overflow-raised", measurement, fact));
        }
        (clears && self.is_overflowing).then(|| {
            let fact = BinFact::OverflowCleared {
                measurement: *measurement,
            };
            bin_event(context, b"overflow-cleared", measurement, fact)
        })
    }
}

/// Why a measurement can't be, if it can't.
fn impossible(context: &BinContext, measurement: &BinMeasurement) -> Option<String> {
    let BinMeasurement {
        fill_l, weight_g, ..
    } = *measurement;
    if fill_l < 0 {
        return Some(format!("{fill_l} l is below zero; an empty bin has 0 l"));
    }
    if weight_g < 0 {
        return Some(format!(
            "{weight_g} g is below zero; an empty bin has 0 g, set the scale to zero"
        ));
    }
    if fill_l > context.capacity_l {
        return Some(format!(
            "{fill_l} l is more than bin {} holds ({} l); check the sensor's unit, or the capacity in the park definition",
            context.bin, context.capacity_l
        ));
    }
    (weight_g > context.limit_g.saturating_mul(HEAVIEST_FACTOR)).then(|| {
        format!(
            "{weight_g} g is more than {HEAVIEST_FACTOR} times the limit of bin {} ({} g); check the scale's unit, or the limit \
             in the park definition",
            context.bin, context.limit_g
        )
    })
}

/// A share of a whole in whole units, rounded down.
fn share(whole: i64, percent: i64) -> i64 {
    i64::try_from(i128::from(whole) * i128::from(percent) / 100)
        .expect("a share is no more than the whole")
}

fn bin_event(
    context: &BinContext,
    statement: &[u8],
    measurement: &BinMeasurement,
    fact: BinFact,
) -> BinEvent {
    BinEvent {
        id: event_id(&[
            b"terrarium.waste.bin",
            statement,
            context.park.as_str().as_bytes(),
            context.bin.as_str().as_bytes(),
            &measurement.time.0.to_le_bytes(),
            &measurement.fill_l.to_le_bytes(),
            &measurement.weight_g.to_le_bytes(),
        ]),
        bin: context.bin.clone(),
        fact,
    }
}

#[cfg(test)]
mod tests;
