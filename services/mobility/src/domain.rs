//! What chargers, vehicles and entrance counters decide. Pure.
//!
//! - [`session`]: charging sessions, one at a time, whose totals never shrink
//! - [`power`]: limits that the charger is asked to keep, and its answers
//! - [`emergency`]: the cars feed the park
//! - [`fleet`]: the park's own vehicles and the trips of its shuttles
//! - [`visitors`]: people counted at an entrance
//! - here: the charger as a whole, and its faults

pub mod emergency;
pub mod fleet;
pub mod power;
pub mod session;
#[cfg(test)]
mod tests;
pub mod visitors;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use uuid::Uuid;

pub use emergency::{Emergency, EmergencyCommand, EmergencyContext, EmergencyFact};
pub use fleet::{Vehicle, VehicleCommand, VehicleContext, VehicleFact};
pub use power::{Asks, MissReason, PowerAsk};
pub use session::{OwnerTerms, SessionStart, Sessions, Totals, VehicleClass};
pub use visitors::{EntranceCounter, VisitorContext, VisitorFact};

/// Everything a decision needs beside the charger's own past.
#[derive(Clone, Debug)]
pub struct ChargerContext {
    /// Park of the charger.
    pub park: ParkId,
    /// The charger.
    pub charger: AssetId,
    /// Rated power in W, in both directions if it is bidirectional.
    pub rated_w: i64,
    /// It can take energy from a car.
    pub bidirectional: bool,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked of a charger.
#[derive(Clone, Debug)]
pub enum ChargerCommand {
    /// A session began.
    StartSession {
        /// Opaque id.
        session: Arc<str>,
        /// What is known of it.
        start: SessionStart,
    },
    /// The totals of a session were read.
    MeterSession {
        /// Opaque id.
        session: Arc<str>,
        /// When.
        time: UnixSeconds,
        /// Since it began.
        totals: Totals,
    },
    /// A session came to its end.
    EndSession {
        /// Opaque id.
        session: Arc<str>,
        /// When.
        time: UnixSeconds,
        /// Since it began.
        totals: Totals,
    },
    /// The charger has a fault, or has it no more.
    ReportFault {
        /// The charger's own word.
        fault: Arc<str>,
        /// True: it has it.
        present: bool,
        /// When.
        time: UnixSeconds,
    },
    /// Keep the power within a limit.
    SetPower {
        /// To the car in W; below zero: from the car.
        limit_w: i64,
        /// The caller's own id of the command.
        client_request_id: Arc<str>,
    },
    /// The newest ask was not answered in time.
    MissUnanswered,
    /// The charger's answer to that.
    ReportPower {
        /// Event that asked.
        asked: Uuid,
        /// When.
        time: UnixSeconds,
        /// To the car in W; below zero: from the car.
        power_w: i64,
    },
}

/// An event of a charger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargerEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The charger.
    pub charger: AssetId,
    /// What happened.
    pub fact: ChargerFact,
}

/// What happened to a charger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargerFact {
    /// A session began.
    SessionStarted {
        /// Opaque id.
        session: Arc<str>,
        /// What is known of it.
        start: SessionStart,
    },
    /// The totals of a session were read.
    SessionMetered {
        /// Opaque id.
        session: Arc<str>,
        /// When.
        time: UnixSeconds,
        /// Since it began.
        totals: Totals,
    },
    /// A session came to its end.
    SessionEnded {
        /// Opaque id.
        session: Arc<str>,
        /// Whose car it was.
        vehicle_class: VehicleClass,
        /// When it began.
        started: UnixSeconds,
        /// When it ended.
        ended: UnixSeconds,
        /// Since it began.
        totals: Totals,
    },
    /// Totals that can't be are kept out of everything.
    MeterQuarantined {
        /// Opaque id.
        session: Arc<str>,
        /// As reported.
        time: UnixSeconds,
        /// As reported.
        totals: Totals,
        /// Why.
        reason: Arc<str>,
    },
    /// A car has less left than its owner asked for.
    ReserveUndercut {
        /// Opaque id.
        session: Arc<str>,
        /// When.
        time: UnixSeconds,
        /// Wh in the car.
        stored_wh: i64,
        /// Wh that nobody may take it below.
        reserve_wh: i64,
    },
    /// The charger has a fault.
    FaultRaised {
        /// The charger's own word.
        fault: Arc<str>,
        /// When.
        time: UnixSeconds,
    },
    /// It has it no more.
    FaultCleared {
        /// The charger's own word.
        fault: Arc<str>,
        /// When.
        time: UnixSeconds,
    },
    /// The charger was asked to keep its power within a limit.
    PowerAsked(PowerAsk),
    /// It does.
    PowerObeyed {
        /// Event that asked.
        asked: Uuid,
        /// When.
        time: UnixSeconds,
        /// To the car in W; below zero: from the car.
        power_w: i64,
    },
    /// It does not.
    PowerMissed {
        /// Event that asked.
        asked: Uuid,
        /// When.
        time: UnixSeconds,
        /// Why.
        reason: MissReason,
        /// Its power in W, where it told.
        power_w: Option<i64>,
    },
}

/// A charger, as its past left it.
#[derive(Default)]
pub struct Charger {
    sessions: Sessions,
    asks: Asks,
    faults: BTreeSet<Arc<str>>,
    /// Newest time that was reported of each fault.
    fault_times: BTreeMap<Arc<str>, UnixSeconds>,
}

impl Charger {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.sessions.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, command: &ChargerCommand) -> bool {
        match command {
            ChargerCommand::StartSession { session, .. }
            | ChargerCommand::MeterSession { session, .. }
            | ChargerCommand::EndSession { session, .. } => self.sessions.is_forgotten(session),
            ChargerCommand::ReportFault { .. }
            | ChargerCommand::SetPower { .. }
            | ChargerCommand::MissUnanswered
            | ChargerCommand::ReportPower { .. } => false,
        }
    }

    /// Its sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What it was asked for.
    pub fn asks(&self) -> &Asks {
        &self.asks
    }

    /// Faults that it has.
    pub fn faults(&self) -> &BTreeSet<Arc<str>> {
        &self.faults
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &ChargerContext,
        command: &ChargerCommand,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        match command {
            ChargerCommand::StartSession { session, start } => {
                self.sessions.start(context, session, start)
            }
            ChargerCommand::MeterSession {
                session,
                time,
                totals,
            } => self.sessions.meter(context, session, *time, *totals),
            ChargerCommand::EndSession {
                session,
                time,
                totals,
            } => self.sessions.end(context, session, *time, *totals),
            ChargerCommand::ReportFault {
                fault,
                present,
                time,
            } => self.report_fault(context, fault, *present, *time),
            ChargerCommand::SetPower {
                limit_w,
                client_request_id,
            } => self.asks.ask(
                context,
                &self.sessions,
                &self.faults,
                *limit_w,
                client_request_id,
            ),
            ChargerCommand::MissUnanswered => Ok(self.asks.miss_unanswered(context)),
            ChargerCommand::ReportPower {
                asked,
                time,
                power_w,
            } => self.asks.answer(context, *asked, *time, *power_w),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &ChargerEvent) {
        match &event.fact {
            ChargerFact::SessionStarted { .. }
            | ChargerFact::SessionMetered { .. }
            | ChargerFact::SessionEnded { .. }
            | ChargerFact::MeterQuarantined { .. }
            | ChargerFact::ReserveUndercut { .. } => {
                self.sessions.evolve(event);
            }
            ChargerFact::FaultRaised { fault, time } => {
                self.faults.insert(Arc::clone(fault));
                self.fault_times.insert(Arc::clone(fault), *time);
            }
            ChargerFact::FaultCleared { fault, time } => {
                self.faults.remove(fault);
                self.fault_times.insert(Arc::clone(fault), *time);
            }
            ChargerFact::PowerAsked(_)
            | ChargerFact::PowerObeyed { .. }
            | ChargerFact::PowerMissed { .. } => {
                self.asks.evolve(event);
            }
        }
    }

    fn report_fault(
        &self,
        context: &ChargerContext,
        fault: &Arc<str>,
        present: bool,
        time: UnixSeconds,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        if self.faults.contains(fault) == present {
            return Ok(Vec::new());
        }
        if let Some(newest) = self.fault_times.get(fault)
            && time <= *newest
        {
            return Err(Rejection::failed_precondition(
                "time",
                format!(
                    "fault {fault} of charger {} was reported at {} already, and {} is no later; send what holds now",
                    context.charger,
                    format_rfc3339_utc(*newest),
                    format_rfc3339_utc(time)
                ),
            ));
        }
        refuse_future("time", time, context.now)?;
        let (statement, fact): (&[u8], _) = if present {
            (
                b"fault-raised",
                ChargerFact::FaultRaised {
                    fault: Arc::clone(fault),
                    time,
                },
            )
        } else {
            (
                b"fault-cleared",
                ChargerFact::FaultCleared {
                    fault: Arc::clone(fault),
                    time,
                },
            )
        };
        let parts: [&[u8]; 3] = [statement, fault.as_bytes(), &time.0.to_le_bytes()];
        Ok(vec![charger_event(context, &parts, fact)])
    }
}

/// An event whose id follows from the charger and these parts.
fn charger_event(context: &ChargerContext, parts: &[&[u8]], fact: ChargerFact) -> ChargerEvent {
    let mut all: Vec<&[u8]> = vec![
        b"terrarium.mobility.charger",
        context.park.as_str().as_bytes(),
        context.charger.as_str().as_bytes(),
    ];
    all.extend(parts);
    ChargerEvent {
        id: event_id(&all),
        charger: context.charger.clone(),
        fact,
    }
}
