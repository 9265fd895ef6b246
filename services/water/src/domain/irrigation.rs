//! An irrigation zone: one irrigation at a time, from what its tank has above the reserve.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

/// Everything a decision needs beside the zone's own past.
#[derive(Clone, Debug)]
pub struct IrrigationContext {
    /// Park of the zone.
    pub park: ParkId,
    /// The zone.
    pub zone: AssetId,
    /// Tank that it draws from.
    pub tank: AssetId,
    /// The tank's newest level; `None` when it never reported.
    pub tank_level_l: Option<i64>,
    /// Litres that the tank keeps.
    pub tank_reserve_l: i64,
    /// Litres of the tank that running irrigations of other zones were promised.
    pub promised_l: i64,
    /// The tank's newest sample, if it says that its water is not fit for irrigation.
    pub unfit_sample: Option<Arc<str>>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked of an irrigation zone.
#[derive(Clone, Debug)]
pub enum IrrigationCommand {
    /// Give water.
    Start {
        /// How much.
        litres: i64,
        /// The caller's own id of the command.
        client_request_id: Arc<str>,
    },
    /// It has come to its end.
    ReportEnd {
        /// Event that started it.
        started: Uuid,
        /// When.
        time: UnixSeconds,
        /// Litres given.
        litres: i64,
    },
}

/// An event of an irrigation zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrrigationEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The zone.
    pub zone: AssetId,
    /// Tank that it draws from.
    pub tank: AssetId,
    /// What happened.
    pub fact: IrrigationFact,
}

/// What happened to an irrigation zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IrrigationFact {
    /// It was told to give water.
    Started {
        /// When.
        time: UnixSeconds,
        /// How much to give.
        litres: i64,
        /// The caller's own id of the command.
        client_request_id: Arc<str>,
    },
    /// An irrigation came to its end.
    Ended {
        /// Event that started it.
        started: Uuid,
        /// When.
        time: UnixSeconds,
        /// Litres given.
        litres: i64,
    },
}

/// An irrigation zone, as its past left it.
#[derive(Default)]
pub struct Irrigation {
    by_id: BTreeMap<Uuid, OneIrrigation>,
    running: Option<Uuid>,
}

struct OneIrrigation {
    started: UnixSeconds,
    asked_l: i64,
    ended: Option<(UnixSeconds, i64)>,
}

impl Irrigation {
    /// Litres that a running irrigation was asked to give; 0 when none runs.
    pub fn promised_l(&self) -> i64 {
        self.running
            .and_then(|id| self.by_id.get(&id))
            .map_or(0, |running| running.asked_l)
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &IrrigationContext,
        command: &IrrigationCommand,
    ) -> Result<Vec<IrrigationEvent>, Rejection> {
        match command {
            IrrigationCommand::Start {
                litres,
                client_request_id,
            } => self.start(context, *litres, client_request_id),
            IrrigationCommand::ReportEnd {
                started,
                time,
                litres,
            } => self.end(context, *started, *time, *litres),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &IrrigationEvent) {
        match &event.fact {
            IrrigationFact::Started { time, litres, .. } => {
                let irrigation = OneIrrigation {
                    started: *time,
                    asked_l: *litres,
                    ended: None,
                };
                self.by_id.insert(event.id, irrigation);
                self.running = Some(event.id);
            }
            IrrigationFact::Ended {
                started,
                time,
                litres,
            } => {
                if let Some(irrigation) = self.by_id.get_mut(started) {
                    irrigation.ended = Some((*time, *litres));
                }
                if self.running == Some(*started) {
                    self.running = None;
                }
            }
        }
    }

    fn start(
        &self,
        context: &IrrigationContext,
        litres: i64,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<IrrigationEvent>, Rejection> {
        let id = irrigation_id(&context.park, &context.zone, client_request_id);
        match self.by_id.get(&id) {
            Some(recorded) if recorded.asked_l == litres => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "client_request_id",
                    format!(
                        "\"{client_request_id}\" asked zone {} for {} l before, not for {litres} l; give a new command an id \
                         of its own",
                        context.zone, recorded.asked_l
                    ),
                ));
            }
            None => {}
        }
        if litres <= 0 {
            return Err(Rejection::invalid(
                "litres",
                format!("{litres} l is no irrigation; ask for 1 l or more"),
            ));
        }
        if let Some(running) = self.running.and_then(|id| self.by_id.get(&id)) {
            return Err(Rejection::failed_precondition(
                "zone",
                format!(
                    "zone {} is irrigating since {} ({} l); wait for its end",
                    context.zone,
                    format_rfc3339_utc(running.started),
                    running.asked_l
                ),
            ));
        }
        let Some(level_l) = context.tank_level_l else {
            return Err(Rejection::failed_precondition(
                "zone",
                format!(
                    "tank {} has not reported its level; report it first",
                    context.tank
                ),
            ));
        };
        if let Some(sample) = &context.unfit_sample {
            return Err(Rejection::failed_precondition(
                "zone",
                format!(
                    "the water of tank {} is not fit for irrigation by its newest sample, {sample}; treat it and report a \
                     new sample",
                    context.tank
                ),
            ));
        }
        let available_l = level_l - context.tank_reserve_l - context.promised_l;
        if litres > available_l {
            return Err(Rejection::failed_precondition(
                "litres",
                format!(
                    "tank {} has {level_l} l, keeps {} l and promised {} l to other zones: {} l can be given, not {litres} l; \
                     ask for less, or fill it",
                    context.tank,
                    context.tank_reserve_l,
                    context.promised_l,
                    available_l.max(0)
                ),
            ));
        }
        Ok(vec![IrrigationEvent {
            id,
            zone: context.zone.clone(),
            tank: context.tank.clone(),
            fact: IrrigationFact::Started {
                time: context.now,
                litres,
                client_request_id: Arc::clone(client_request_id),
            },
        }])
    }

    fn end(
        &self,
        context: &IrrigationContext,
        started: Uuid,
        time: UnixSeconds,
        litres: i64,
    ) -> Result<Vec<IrrigationEvent>, Rejection> {
        let Some(irrigation) = self.by_id.get(&started) else {
            return Err(Rejection::not_found(
                "irrigation_id",
                format!(
                    "zone {} has no irrigation {started}; send the id that its start gave",
                    context.zone
                ),
            ));
        };
        if litres < 0 {
            return Err(Rejection::invalid(
                "litres",
                format!("{litres} l is below zero; send what was given"),
            ));
        }
        match irrigation.ended {
            Some(recorded) if recorded == (time, litres) => return Ok(Vec::new()),
            Some((ended, given_l)) => {
                return Err(Rejection::already_exists(
                    "irrigation_id",
                    format!(
                        "irrigation {started} is recorded as ended at {} with {given_l} l; it ends once",
                        format_rfc3339_utc(ended)
                    ),
                ));
            }
            None => {}
        }
        if time < irrigation.started {
            return Err(Rejection::invalid(
                "time",
                format!(
                    "{} is before the irrigation's start at {}; check the device's clock",
                    format_rfc3339_utc(time),
                    format_rfc3339_utc(irrigation.started)
                ),
            ));
        }
        refuse_future("time", time, context.now)?;
        Ok(vec![IrrigationEvent {
            id: event_id(&[
                b"terrarium.water.irrigation-ended",
                started.as_bytes(),
                &time.0.to_le_bytes(),
                &litres.to_le_bytes(),
            ]),
            zone: context.zone.clone(),
            tank: context.tank.clone(),
            fact: IrrigationFact::Ended {
                started,
                time,
                litres,
            },
        }])
    }
}

/// Id of the irrigation that a command starts: the same command always gets the same id.
pub fn irrigation_id(park: &ParkId, zone: &AssetId, client_request_id: &str) -> Uuid {
    event_id(&[
        b"terrarium.water.irrigation-started",
        park.as_str().as_bytes(),
        zone.as_str().as_bytes(),
        client_request_id.as_bytes(),
    ])
}

#[cfg(test)]
mod tests;
