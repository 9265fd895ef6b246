//! What an alarm decides about commands, and why it refuses some.

use std::sync::Arc;

use terrarium_journal::Rejection;
use terrarium_model::UnixMillis;
use uuid::Uuid;

use super::Alarm;
use super::identity::{asked_id, cleared_id, led_to_id, raised_id};
use super::words::{
    AlarmCommand, AlarmContext, AlarmEvent, AlarmFact, AlarmState, Clear, Raise, UnshelveCause,
};

/// An alarm is shelved for at least this long ...
const SHORTEST_SHELVING_MS: i64 = 60_000;
/// ... and at most for this long; what shall be hidden for longer is taken out of service.
const LONGEST_SHELVING_MS: i64 = 24 * 3_600_000;

pub(super) fn decide(
    alarm: &Alarm,
    context: &AlarmContext,
    command: &AlarmCommand,
) -> Result<Vec<AlarmEvent>, Rejection> {
    match command {
        AlarmCommand::Raise(raise) => Ok(alarm.raise(context, raise)),
        AlarmCommand::Clear(clear) => Ok(alarm.clear(context, clear)),
        AlarmCommand::Suppress {
            by_alarm,
            by_raised,
            time,
        } => Ok(alarm.suppress(context, by_alarm, by_raised, *time)),
        AlarmCommand::Release { by_cleared, time } => Ok(alarm.release(context, by_cleared, *time)),
        AlarmCommand::EndShelving { shelved } => Ok(alarm.end_shelving(context, shelved)),
        AlarmCommand::Acknowledge {
            occurrence,
            comment,
            client_request_id,
        } => alarm.acknowledge(context, *occurrence, comment, client_request_id),
        AlarmCommand::Shelve {
            until,
            reason,
            client_request_id,
        } => alarm.shelve(context, *until, reason, client_request_id),
        AlarmCommand::Unshelve { client_request_id } => alarm.unshelve(context, client_request_id),
        AlarmCommand::SetService {
            out_of_service: true,
            reason,
            client_request_id,
        } => alarm.remove_from_service(context, reason, client_request_id),
        AlarmCommand::SetService {
            out_of_service: false,
            reason,
            client_request_id,
        } => alarm.return_to_service(context, reason, client_request_id),
    }
}

/// What the service itself finds out. It may find out again what is on record: after it has started again, or beside another
/// replica. That changes nothing, and neither does what is older than the newest change on record.
impl Alarm {
    fn raise(&self, context: &AlarmContext, raise: &Raise) -> Vec<AlarmEvent> {
        let id = raised_id(&context.park, &context.alarm, &raise.cause, raise.time);
        let is_old = self
            .condition_changed
            .is_some_and(|changed| raise.time < changed);
        if self.is_active || is_old || self.own_events.contains(&id) {
            return Vec::new();
        }
        vec![event(context, id, AlarmFact::Raised(raise.clone()))]
    }

    fn clear(&self, context: &AlarmContext, clear: &Clear) -> Vec<AlarmEvent> {
        let id = cleared_id(&context.park, &context.alarm, &clear.cause, clear.time);
        let is_old = self
            .condition_changed
            .is_some_and(|changed| clear.time < changed);
        let Some(newest) = self.newest.as_ref().filter(|_| self.is_active) else {
            return Vec::new();
        };
        if is_old || self.own_events.contains(&id) {
            return Vec::new();
        }
        let fact = AlarmFact::Cleared {
            clear: clear.clone(),
            raised: newest.id,
        };
        vec![event(context, id, fact)]
    }

    fn suppress(
        &self,
        context: &AlarmContext,
        by_alarm: &Arc<str>,
        by_raised: &Uuid,
        time: UnixMillis,
    ) -> Vec<AlarmEvent> {
        let id = led_to_id(b"suppressed", context, by_raised);
        let is_old = self
            .suppression_changed
            .is_some_and(|changed| time < changed);
        if self.suppression.is_some() || is_old || self.own_events.contains(&id) {
            return Vec::new();
        }
        let fact = AlarmFact::Suppressed {
            by_alarm: Arc::clone(by_alarm),
            by_raised: *by_raised,
            time,
        };
        vec![event(context, id, fact)]
    }

    fn release(
        &self,
        context: &AlarmContext,
        by_cleared: &Uuid,
        time: UnixMillis,
    ) -> Vec<AlarmEvent> {
        let id = led_to_id(b"released", context, by_cleared);
        let is_old = self
            .suppression_changed
            .is_some_and(|changed| time < changed);
        match &self.suppression {
            Some(suppression) if !is_old && !self.own_events.contains(&id) => {
                let fact = AlarmFact::Released {
                    suppressed: suppression.id,
                    time,
                };
                vec![event(context, id, fact)]
            }
            _ => Vec::new(),
        }
    }

    fn end_shelving(&self, context: &AlarmContext, shelved: &Uuid) -> Vec<AlarmEvent> {
        match &self.shelving {
            Some(shelving) if shelving.id == *shelved && shelving.until <= context.now => {
                let fact = AlarmFact::Unshelved {
                    shelved: *shelved,
                    time: shelving.until,
                    cause: UnshelveCause::Time,
                };
                let id = led_to_id(b"unshelved", context, shelved);
                vec![event(context, id, fact)]
            }
            _ => Vec::new(),
        }
    }
}

/// What people ask for.
impl Alarm {
    fn acknowledge(
        &self,
        context: &AlarmContext,
        occurrence: Uuid,
        comment: &Arc<str>,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        let id = asked_id(b"acknowledged", context, client_request_id);
        let fact = AlarmFact::Acknowledged {
            raised: occurrence,
            time: context.now,
            comment: Arc::clone(comment),
            client_request_id: Arc::clone(client_request_id),
        };
        if self.is_asked_before(context, &id, &fact)? {
            return Ok(Vec::new());
        }
        let waits_to_be_seen = matches!(
            self.state(),
            AlarmState::Unacknowledged | AlarmState::ReturnedUnacknowledged
        );
        let Some(newest) = self.newest.as_ref().filter(|_| waits_to_be_seen) else {
            return Err(self.refuse(
                context,
                match self.state() {
                    AlarmState::Normal => "nothing waits to be acknowledged",
                    AlarmState::Acknowledged => "nothing is left to do for you",
                    AlarmState::Shelved => "unshelve it first",
                    AlarmState::Suppressed => {
                        "it shows itself when the alarm that suppresses it is over"
                    }
                    _ => "take it back into service first",
                },
            ));
        };
        if newest.id != occurrence {
            return Err(Rejection::failed_precondition(
                "occurrence",
                format!(
                    "{occurrence} is not the newest occurrence of alarm {}: it was raised again at {}, as {}; list the alarms, \
                     look, and acknowledge that one",
                    context.alarm, newest.time, newest.id
                ),
            ));
        }
        Ok(vec![event(context, id, fact)])
    }

    fn shelve(
        &self,
        context: &AlarmContext,
        until: UnixMillis,
        reason: &Arc<str>,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        let id = asked_id(b"shelved", context, client_request_id);
        let fact = AlarmFact::Shelved {
            time: context.now,
            until,
            reason: Arc::clone(reason),
            client_request_id: Arc::clone(client_request_id),
        };
        if self.is_asked_before(context, &id, &fact)? {
            return Ok(Vec::new());
        }
        let ahead_ms = until.0.saturating_sub(context.now.0);
        if !(SHORTEST_SHELVING_MS..=LONGEST_SHELVING_MS).contains(&ahead_ms) {
            return Err(Rejection::invalid(
                "until_ms",
                format!(
                    "{until} is not 1 minute to 24 hours after the park's time {}; shelve it for a shorter time, or take it out \
                     of service",
                    context.now
                ),
            ));
        }
        match self.state() {
            AlarmState::OutOfService => Err(self.refuse(
                context,
                "it is hidden already; take it back into service first",
            )),
            AlarmState::Shelved => Err(self.refuse(context, "unshelve it first")),
            _ => Ok(vec![event(context, id, fact)]),
        }
    }

    fn unshelve(
        &self,
        context: &AlarmContext,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        let id = asked_id(b"unshelved", context, client_request_id);
        // Which shelving it ended is on record; asking once more with the same id means that one.
        if self.asked.contains_key(&id) {
            return Ok(Vec::new());
        }
        let Some(shelving) = &self.shelving else {
            return Err(self.refuse(context, "only a shelved alarm can be unshelved"));
        };
        let fact = AlarmFact::Unshelved {
            shelved: shelving.id,
            time: context.now,
            cause: UnshelveCause::Person {
                client_request_id: Arc::clone(client_request_id),
            },
        };
        Ok(vec![event(context, id, fact)])
    }

    fn remove_from_service(
        &self,
        context: &AlarmContext,
        reason: &Arc<str>,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        let id = asked_id(b"removed", context, client_request_id);
        let fact = AlarmFact::RemovedFromService {
            time: context.now,
            reason: Arc::clone(reason),
            client_request_id: Arc::clone(client_request_id),
        };
        if self.is_asked_before(context, &id, &fact)? {
            return Ok(Vec::new());
        }
        match self.removal {
            Some(_) => Err(self.refuse(context, "nothing is left to do for you")),
            None => Ok(vec![event(context, id, fact)]),
        }
    }

    fn return_to_service(
        &self,
        context: &AlarmContext,
        reason: &Arc<str>,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        let id = asked_id(b"returned", context, client_request_id);
        let recorded = self.asked.get(&id);
        let removed = match (recorded, &self.removal) {
            (Some(AlarmFact::ReturnedToService { removed, .. }), _) | (None, Some(removed)) => {
                *removed
            }
            _ => return Err(self.refuse(context, "it is in service")),
        };
        let fact = AlarmFact::ReturnedToService {
            removed,
            time: context.now,
            reason: Arc::clone(reason),
            client_request_id: Arc::clone(client_request_id),
        };
        if self.is_asked_before(context, &id, &fact)? {
            return Ok(Vec::new());
        }
        Ok(vec![event(context, id, fact)])
    }

    /// Whether this very command was carried out before; refuses another one of the same request id.
    fn is_asked_before(
        &self,
        context: &AlarmContext,
        id: &Uuid,
        fact: &AlarmFact,
    ) -> Result<bool, Rejection> {
        let Some(recorded) = self.asked.get(id) else {
            return Ok(false);
        };
        if asks_the_same(recorded, fact) {
            return Ok(true);
        }
        Err(Rejection::already_exists(
            "client_request_id",
            format!(
                "\"{}\" asked something else of alarm {} before; give a new command an id of its own",
                fact.client_request_id().map_or("", |id| id),
                context.alarm
            ),
        ))
    }

    fn refuse(&self, context: &AlarmContext, remedy: &str) -> Rejection {
        let until = match &self.shelving {
            Some(shelving) if self.state() == AlarmState::Shelved => {
                format!(" until {}", shelving.until)
            }
            _ => String::new(),
        };
        Rejection::failed_precondition(
            "alarm",
            format!(
                "alarm {} is {}{until}; {remedy}",
                context.alarm,
                self.state()
            ),
        )
    }
}

/// Whether two facts come from the same command, at whatever time it was sent.
fn asks_the_same(recorded: &AlarmFact, sent: &AlarmFact) -> bool {
    let shelved_until = |fact: &AlarmFact| match fact {
        AlarmFact::Shelved { until, .. } => Some(*until),
        _ => None,
    };
    let seen = |fact: &AlarmFact| match fact {
        AlarmFact::Acknowledged { raised, .. } => Some(*raised),
        _ => None,
    };
    recorded.words() == sent.words()
        && shelved_until(recorded) == shelved_until(sent)
        && seen(recorded) == seen(sent)
}

fn event(context: &AlarmContext, id: Uuid, fact: AlarmFact) -> AlarmEvent {
    AlarmEvent {
        id,
        alarm: Arc::clone(&context.alarm),
        fact,
    }
}
