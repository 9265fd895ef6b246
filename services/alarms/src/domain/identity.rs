//! Ids of alarm events: they follow from what the events say, so that two replicas, or a service that starts again, record
//! each transition once.

use terrarium_model::{ParkId, UnixMillis, event_id};
use uuid::Uuid;

use super::words::{AlarmCommand, AlarmContext};

/// Id of the event that raises an alarm.
pub fn raised_id(park: &ParkId, alarm: &str, cause: &Uuid, time: UnixMillis) -> Uuid {
    event_id(&[
        b"terrarium.alarm.raised",
        park.as_str().as_bytes(),
        alarm.as_bytes(),
        cause.as_bytes(),
        &time.0.to_le_bytes(),
    ])
}

/// Id of the event that clears an alarm.
pub fn cleared_id(park: &ParkId, alarm: &str, cause: &Uuid, time: UnixMillis) -> Uuid {
    event_id(&[
        b"terrarium.alarm.cleared",
        park.as_str().as_bytes(),
        alarm.as_bytes(),
        cause.as_bytes(),
        &time.0.to_le_bytes(),
    ])
}

/// Id of the event that a transition found out by the service leads to; `None` for what people ask for, and for the end of
/// shelving.
pub fn transition_id(park: &ParkId, alarm: &str, command: &AlarmCommand) -> Option<Uuid> {
    let context = |now: UnixMillis| AlarmContext {
        park: park.clone(),
        alarm: alarm.into(),
        now,
    };
    match command {
        AlarmCommand::Raise(raise) => Some(raised_id(park, alarm, &raise.cause, raise.time)),
        AlarmCommand::Clear(clear) => Some(cleared_id(park, alarm, &clear.cause, clear.time)),
        AlarmCommand::Suppress {
            by_raised, time, ..
        } => Some(led_to_id(b"suppressed", &context(*time), by_raised)),
        AlarmCommand::Release { by_cleared, time } => {
            Some(led_to_id(b"released", &context(*time), by_cleared))
        }
        _ => None,
    }
}

/// Id of an event that another event led to.
pub(super) fn led_to_id(statement: &[u8], context: &AlarmContext, by: &Uuid) -> Uuid {
    event_id(&[
        b"terrarium.alarm",
        statement,
        context.park.as_str().as_bytes(),
        context.alarm.as_bytes(),
        by.as_bytes(),
    ])
}

/// Id of an event that a person asked for.
pub(super) fn asked_id(statement: &[u8], context: &AlarmContext, client_request_id: &str) -> Uuid {
    event_id(&[
        b"terrarium.alarm.asked",
        statement,
        context.park.as_str().as_bytes(),
        context.alarm.as_bytes(),
        client_request_id.as_bytes(),
    ])
}
