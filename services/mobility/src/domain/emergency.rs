//! The cars at the chargers feed the park while it has no other power.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{Event, Rejection, event_id_bytes, facts};
use terrarium_model::{ParkId, UnixSeconds, event_id, format_rfc3339_utc};
use terrarium_proto::mobility::v1::{EmergencySupplyEndedV1, EmergencySupplyStartedV1};
use uuid::Uuid;

facts! {
    /// What happened to a park's emergency supply.
    pub enum EmergencyFact in "terrarium.mobility.v1" {
        EmergencySupplyStartedV1 at time_s,
        EmergencySupplyEndedV1 at time_s,
    }
}

/// Everything a decision needs beside the earlier emergencies.
#[derive(Clone, Debug)]
pub struct EmergencyContext {
    /// The park.
    pub park: ParkId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked.
#[derive(Clone, Debug)]
pub enum EmergencyCommand {
    /// The cars shall feed the park.
    Start {
        /// W that it needs.
        need_w: i64,
        /// Why, in a person's words.
        reason: Arc<str>,
        /// The caller's own id of the command.
        client_request_id: Arc<str>,
    },
    /// The park needs it no more.
    End {
        /// Event that started it.
        started: Uuid,
    },
}

/// The emergencies of one park, as their past left them.
#[derive(Default)]
pub struct Emergency {
    by_id: BTreeMap<Uuid, EmergencySupplyStartedV1>,
    running: Option<Uuid>,
}

impl Emergency {
    /// The one that runs.
    pub fn running(&self) -> Option<Uuid> {
        self.running
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &EmergencyContext,
        command: &EmergencyCommand,
    ) -> Result<Vec<Event<EmergencyFact>>, Rejection> {
        match command {
            EmergencyCommand::Start {
                need_w,
                reason,
                client_request_id,
            } => self.start(context, *need_w, reason, client_request_id),
            EmergencyCommand::End { started } => self.end(context, *started),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<EmergencyFact>) {
        match &event.fact {
            EmergencyFact::EmergencySupplyStartedV1(started) => {
                self.by_id.insert(event.id, started.clone());
                self.running = Some(event.id);
            }
            EmergencyFact::EmergencySupplyEndedV1(_) => self.running = None,
        }
    }

    fn start(
        &self,
        context: &EmergencyContext,
        need_w: i64,
        reason: &Arc<str>,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<Event<EmergencyFact>>, Rejection> {
        let id = emergency_id(&context.park, client_request_id);
        match self.by_id.get(&id) {
            Some(recorded) if recorded.need_w == need_w => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "client_request_id",
                    format!(
                        "\"{client_request_id}\" asked for {} W before, not for {need_w} W; give a new command an id of its own",
                        recorded.need_w
                    ),
                ));
            }
            None => {}
        }
        if need_w <= 0 {
            return Err(Rejection::invalid(
                "need_w",
                format!("{need_w} W is no need; ask for 1 W or more"),
            ));
        }
        if let Some(running) = self.running.and_then(|id| self.by_id.get(&id)) {
            return Err(Rejection::failed_precondition(
                "park",
                format!(
                    "an emergency runs since {} ({}); end it first",
                    format_rfc3339_utc(UnixSeconds(running.time_s)),
                    running.reason
                ),
            ));
        }
        let started = EmergencySupplyStartedV1 {
            need_w,
            time_s: context.now.0,
            reason: reason.to_string(),
            client_request_id: client_request_id.to_string(),
        };
        Ok(vec![Event {
            id,
            fact: started.into(),
            causation: None,
        }])
    }

    fn end(
        &self,
        context: &EmergencyContext,
        started: Uuid,
    ) -> Result<Vec<Event<EmergencyFact>>, Rejection> {
        if !self.by_id.contains_key(&started) {
            return Err(Rejection::not_found(
                "emergency_id",
                format!("there was no emergency {started}; send the id that its start gave"),
            ));
        }
        if self.running != Some(started) {
            return Ok(Vec::new());
        }
        let ended = EmergencySupplyEndedV1 {
            started_event_id: event_id_bytes(&started),
            time_s: context.now.0,
        };
        let event = Event::once(&context.park, &[started.as_bytes()], ended);
        Ok(vec![event.because_of(started)])
    }
}

/// Id of what a command starts: the same command always gets the same id.
pub fn emergency_id(park: &ParkId, client_request_id: &str) -> Uuid {
    event_id(&[
        b"terrarium.mobility.emergency-started",
        park.as_str().as_bytes(),
        client_request_id.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emergency_at_a_time_and_each_ends_once() {
        let context = EmergencyContext {
            park: ParkId::new("haotian").expect("valid"),
            now: UnixSeconds(1_000),
        };
        let start = |need_w, request: &str| EmergencyCommand::Start {
            need_w,
            reason: "the grid is down".into(),
            client_request_id: request.into(),
        };
        let mut park = Emergency::default();
        let events = park.decide(&context, &start(5_000, "a")).expect("a need");
        park.evolve(&events[0]);
        let id = events[0].id;
        assert_eq!(park.decide(&context, &start(5_000, "a")), Ok(Vec::new()));
        for (command, field) in [
            (start(6_000, "a"), "client_request_id"),
            (start(6_000, "b"), "park"),
            (start(0, "c"), "need_w"),
            (
                EmergencyCommand::End {
                    started: Uuid::nil(),
                },
                "emergency_id",
            ),
        ] {
            assert_eq!(
                park.decide(&context, &command).expect_err(field).field,
                field
            );
        }
        let end = EmergencyCommand::End { started: id };
        let ended = park.decide(&context, &end).expect("it ends");
        assert_eq!(ended[0].causation, Some(id));
        park.evolve(&ended[0]);
        assert_eq!(park.decide(&context, &end), Ok(Vec::new()));
        assert!(park.decide(&context, &start(6_000, "b")).is_ok());
    }
}
