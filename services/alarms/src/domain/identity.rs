//! Ids of alarm events: they follow from what the events say, so that two replicas, or a service that starts again, record
//! each transition once.

use terrarium_model::{ParkId, UnixMillis, event_id};
use uuid::Uuid;

use super::words::AlarmContext;

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
