//! The alarm events as they are recorded, and what decides as an aggregate.

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, EventCodecError, Payload, Rejection, event_id_bytes,
};
use terrarium_model::{AlarmCondition, AlarmPriority, UnixMillis};
use terrarium_proto::alarm::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    Alarm, AlarmCommand, AlarmContext, AlarmEvent, AlarmFact, AlarmState, Clear, Raise,
    UnshelveCause,
};

/// Every event type of this domain starts with it.
pub const TYPE_PREFIX: &str = "terrarium.alarm.v1.";
/// See [`wire::AlarmRaisedV1`].
pub const ALARM_RAISED_V1: &str = "terrarium.alarm.v1.AlarmRaisedV1";
/// See [`wire::AlarmClearedV1`].
pub const ALARM_CLEARED_V1: &str = "terrarium.alarm.v1.AlarmClearedV1";
/// See [`wire::AlarmAcknowledgedV1`].
pub const ALARM_ACKNOWLEDGED_V1: &str = "terrarium.alarm.v1.AlarmAcknowledgedV1";
/// See [`wire::AlarmShelvedV1`].
pub const ALARM_SHELVED_V1: &str = "terrarium.alarm.v1.AlarmShelvedV1";
/// See [`wire::AlarmUnshelvedV1`].
pub const ALARM_UNSHELVED_V1: &str = "terrarium.alarm.v1.AlarmUnshelvedV1";
/// See [`wire::AlarmSuppressedV1`].
pub const ALARM_SUPPRESSED_V1: &str = "terrarium.alarm.v1.AlarmSuppressedV1";
/// See [`wire::AlarmReleasedV1`].
pub const ALARM_RELEASED_V1: &str = "terrarium.alarm.v1.AlarmReleasedV1";
/// See [`wire::AlarmRemovedFromServiceV1`].
pub const ALARM_REMOVED_FROM_SERVICE_V1: &str = "terrarium.alarm.v1.AlarmRemovedFromServiceV1";
/// See [`wire::AlarmReturnedToServiceV1`].
pub const ALARM_RETURNED_TO_SERVICE_V1: &str = "terrarium.alarm.v1.AlarmReturnedToServiceV1";

/// Reads a recorded event of this domain.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<AlarmEvent, EventCodecError> {
    Alarm::decode(id, event_type, data)
}

/// A state as the wire carries it.
pub fn state_to_wire(state: AlarmState) -> wire::AlarmState {
    match state {
        AlarmState::Normal => wire::AlarmState::Normal,
        AlarmState::Unacknowledged => wire::AlarmState::Unacknowledged,
        AlarmState::Acknowledged => wire::AlarmState::Acknowledged,
        AlarmState::ReturnedUnacknowledged => wire::AlarmState::ReturnedUnacknowledged,
        AlarmState::Shelved => wire::AlarmState::Shelved,
        AlarmState::Suppressed => wire::AlarmState::Suppressed,
        AlarmState::OutOfService => wire::AlarmState::OutOfService,
    }
}

/// A priority as the wire carries it.
pub fn priority_to_wire(priority: AlarmPriority) -> wire::AlarmPriority {
    match priority {
        AlarmPriority::Low => wire::AlarmPriority::Low,
        AlarmPriority::Medium => wire::AlarmPriority::Medium,
        AlarmPriority::High => wire::AlarmPriority::High,
    }
}

impl Aggregate for Alarm {
    type Command = AlarmCommand;
    type Event = AlarmEvent;
    type Rejection = Rejection;
    type Context = AlarmContext;

    const DOMAIN: &'static str = "alarm";
    const KIND: &'static str = "alarm";

    fn new() -> Alarm {
        Alarm::default()
    }

    fn decide(
        &self,
        context: &AlarmContext,
        command: &AlarmCommand,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        Alarm::decide(self, context, command)
    }

    fn evolve(&mut self, event: &AlarmEvent) {
        Alarm::evolve(self, event);
    }

    fn encode(event: &AlarmEvent) -> EncodedEvent {
        let (event_type, data) = encode_payload(event.alarm.to_string(), &event.fact);
        EncodedEvent {
            id: event.id,
            event_type,
            data: data.into(),
            time: event.fact.time().to_string(),
            known_at: None,
            causation: causation(&event.fact),
        }
    }

    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<AlarmEvent, EventCodecError> {
        let (alarm, fact) = decode_payload(Payload::new(event_type, data), event_type)?;
        Ok(AlarmEvent {
            id,
            alarm: alarm.into(),
            fact,
        })
    }
}

fn causation(fact: &AlarmFact) -> Option<Uuid> {
    match fact {
        AlarmFact::Raised(raise) => Some(raise.cause),
        AlarmFact::Cleared { clear, .. } => Some(clear.cause),
        AlarmFact::Acknowledged { raised, .. } => Some(*raised),
        AlarmFact::Unshelved { shelved, .. } => Some(*shelved),
        AlarmFact::Suppressed { by_raised, .. } => Some(*by_raised),
        AlarmFact::Released { suppressed, .. } => Some(*suppressed),
        AlarmFact::ReturnedToService { removed, .. } => Some(*removed),
        AlarmFact::Shelved { .. } | AlarmFact::RemovedFromService { .. } => None,
    }
}

fn encode_payload(alarm: String, fact: &AlarmFact) -> (&'static str, Vec<u8>) {
    let time_ms = fact.time().0;
    let client_request_id = fact
        .client_request_id()
        .map(|id| id.to_string())
        .unwrap_or_default();
    let words = fact.words().to_owned();
    match fact {
        AlarmFact::Raised(raise) => (
            ALARM_RAISED_V1,
            wire::AlarmRaisedV1 {
                alarm,
                asset: raise.asset.to_string(),
                condition: raise.condition.token().to_owned(),
                priority: priority_to_wire(raise.priority) as i32,
                time_ms,
                value: raise.value,
                limit: raise.limit,
                cause_event_id: event_id_bytes(&raise.cause),
            }
            .encode_to_vec(),
        ),
        AlarmFact::Cleared { clear, raised } => (
            ALARM_CLEARED_V1,
            wire::AlarmClearedV1 {
                alarm,
                raised_event_id: event_id_bytes(raised),
                time_ms,
                value: clear.value,
                limit: clear.limit,
                cause_event_id: event_id_bytes(&clear.cause),
            }
            .encode_to_vec(),
        ),
        AlarmFact::Acknowledged { raised, .. } => (
            ALARM_ACKNOWLEDGED_V1,
            wire::AlarmAcknowledgedV1 {
                alarm,
                raised_event_id: event_id_bytes(raised),
                time_ms,
                comment: words,
                client_request_id,
            }
            .encode_to_vec(),
        ),
        AlarmFact::Shelved { until, .. } => (
            ALARM_SHELVED_V1,
            wire::AlarmShelvedV1 {
                alarm,
                time_ms,
                until_ms: until.0,
                reason: words,
                client_request_id,
            }
            .encode_to_vec(),
        ),
        AlarmFact::Unshelved { shelved, cause, .. } => (
            ALARM_UNSHELVED_V1,
            wire::AlarmUnshelvedV1 {
                alarm,
                shelved_event_id: event_id_bytes(shelved),
                time_ms,
                cause: match cause {
                    UnshelveCause::Person { .. } => wire::UnshelveCause::Person,
                    UnshelveCause::Time => wire::UnshelveCause::Time,
                } as i32,
                client_request_id,
            }
            .encode_to_vec(),
        ),
        AlarmFact::Suppressed {
            by_alarm,
            by_raised,
            ..
        } => (
            ALARM_SUPPRESSED_V1,
            wire::AlarmSuppressedV1 {
                alarm,
                by_alarm: by_alarm.to_string(),
                by_raised_event_id: event_id_bytes(by_raised),
                time_ms,
            }
            .encode_to_vec(),
        ),
        AlarmFact::Released { suppressed, .. } => (
            ALARM_RELEASED_V1,
            wire::AlarmReleasedV1 {
                alarm,
                suppressed_event_id: event_id_bytes(suppressed),
                time_ms,
            }
            .encode_to_vec(),
        ),
        AlarmFact::RemovedFromService { .. } => (
            ALARM_REMOVED_FROM_SERVICE_V1,
            wire::AlarmRemovedFromServiceV1 {
                alarm,
                time_ms,
                reason: words,
                client_request_id,
            }
            .encode_to_vec(),
        ),
        AlarmFact::ReturnedToService { removed, .. } => (
            ALARM_RETURNED_TO_SERVICE_V1,
            wire::AlarmReturnedToServiceV1 {
                alarm,
                removed_event_id: event_id_bytes(removed),
                time_ms,
                reason: words,
                client_request_id,
            }
            .encode_to_vec(),
        ),
    }
}

fn decode_payload(
    payload: Payload<'_>,
    event_type: &str,
) -> Result<(String, AlarmFact), EventCodecError> {
    Ok(match event_type {
        ALARM_RAISED_V1 => decode_raised(payload)?,
        ALARM_CLEARED_V1 => {
            let message: wire::AlarmClearedV1 = payload.read()?;
            let fact = AlarmFact::Cleared {
                clear: Clear {
                    time: UnixMillis(message.time_ms),
                    value: message.value,
                    limit: message.limit,
                    cause: payload.event_id(&message.cause_event_id)?,
                },
                raised: payload.event_id(&message.raised_event_id)?,
            };
            (message.alarm, fact)
        }
        ALARM_ACKNOWLEDGED_V1 => {
            let message: wire::AlarmAcknowledgedV1 = payload.read()?;
            let fact = AlarmFact::Acknowledged {
                raised: payload.event_id(&message.raised_event_id)?,
                time: UnixMillis(message.time_ms),
                comment: message.comment.into(),
                client_request_id: message.client_request_id.into(),
            };
            (message.alarm, fact)
        }
        ALARM_SHELVED_V1 => {
            let message: wire::AlarmShelvedV1 = payload.read()?;
            let fact = AlarmFact::Shelved {
                time: UnixMillis(message.time_ms),
                until: UnixMillis(message.until_ms),
                reason: message.reason.into(),
                client_request_id: message.client_request_id.into(),
            };
            (message.alarm, fact)
        }
        ALARM_UNSHELVED_V1 => {
            let message: wire::AlarmUnshelvedV1 = payload.read()?;
            let cause = match message.cause() {
                wire::UnshelveCause::Person => UnshelveCause::Person {
                    client_request_id: message.client_request_id.into(),
                },
                wire::UnshelveCause::Time => UnshelveCause::Time,
                wire::UnshelveCause::Unspecified => {
                    return Err(payload.malformed("it does not say why shelving ended"));
                }
            };
            let fact = AlarmFact::Unshelved {
                shelved: payload.event_id(&message.shelved_event_id)?,
                time: UnixMillis(message.time_ms),
                cause,
            };
            (message.alarm, fact)
        }
        ALARM_SUPPRESSED_V1 => {
            let message: wire::AlarmSuppressedV1 = payload.read()?;
            let fact = AlarmFact::Suppressed {
                by_alarm: message.by_alarm.into(),
                by_raised: payload.event_id(&message.by_raised_event_id)?,
                time: UnixMillis(message.time_ms),
            };
            (message.alarm, fact)
        }
        ALARM_RELEASED_V1 => {
            let message: wire::AlarmReleasedV1 = payload.read()?;
            let fact = AlarmFact::Released {
                suppressed: payload.event_id(&message.suppressed_event_id)?,
                time: UnixMillis(message.time_ms),
            };
            (message.alarm, fact)
        }
        ALARM_REMOVED_FROM_SERVICE_V1 => {
            let message: wire::AlarmRemovedFromServiceV1 = payload.read()?;
            let fact = AlarmFact::RemovedFromService {
                time: UnixMillis(message.time_ms),
                reason: message.reason.into(),
                client_request_id: message.client_request_id.into(),
            };
            (message.alarm, fact)
        }
        ALARM_RETURNED_TO_SERVICE_V1 => {
            let message: wire::AlarmReturnedToServiceV1 = payload.read()?;
            let fact = AlarmFact::ReturnedToService {
                removed: payload.event_id(&message.removed_event_id)?,
                time: UnixMillis(message.time_ms),
                reason: message.reason.into(),
                client_request_id: message.client_request_id.into(),
            };
            (message.alarm, fact)
        }
        _ => return Err(payload.unknown_type()),
    })
}

fn decode_raised(payload: Payload<'_>) -> Result<(String, AlarmFact), EventCodecError> {
    let message: wire::AlarmRaisedV1 = payload.read()?;
    let condition = AlarmCondition::TOKENS
        .iter()
        .find(|(token, _)| *token == message.condition)
        .map(|(_, condition)| *condition)
        .ok_or_else(|| {
            payload.malformed(format!("condition {:?} is not known", message.condition))
        })?;
    let priority = match message.priority() {
        wire::AlarmPriority::Low => AlarmPriority::Low,
        wire::AlarmPriority::Medium => AlarmPriority::Medium,
        wire::AlarmPriority::High => AlarmPriority::High,
        wire::AlarmPriority::Unspecified => {
            return Err(payload.malformed("it has no priority"));
        }
    };
    let raise = Raise {
        asset: payload.asset(&message.asset)?,
        condition,
        priority,
        time: UnixMillis(message.time_ms),
        value: message.value,
        limit: message.limit,
        cause: payload.event_id(&message.cause_event_id)?,
    };
    Ok((message.alarm, AlarmFact::Raised(raise)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use terrarium_model::AssetId;

    use super::*;

    #[test]
    fn every_event_is_read_as_it_was_written() {
        let id = |number| Uuid::from_u128(number);
        let time = UnixMillis(1_790_000_000_123);
        let request = || Arc::from("request-1");
        let reason = || Arc::from("cleaning the sensor");
        let facts = [
            AlarmFact::Raised(Raise {
                asset: AssetId::new("bin-1").expect("valid"),
                condition: AlarmCondition::BinOverflow,
                priority: AlarmPriority::Medium,
                time,
                value: Some(-5),
                limit: None,
                cause: id(1),
            }),
            AlarmFact::Cleared {
                clear: Clear {
                    time,
                    value: None,
                    limit: Some(0),
                    cause: id(2),
                },
                raised: id(3),
            },
            AlarmFact::Acknowledged {
                raised: id(3),
                time,
                comment: Arc::from("on my way"),
                client_request_id: request(),
            },
            AlarmFact::Shelved {
                time,
                until: UnixMillis(time.0 + 60_000),
                reason: reason(),
                client_request_id: request(),
            },
            AlarmFact::Unshelved {
                shelved: id(4),
                time,
                cause: UnshelveCause::Time,
            },
            AlarmFact::Unshelved {
                shelved: id(4),
                time,
                cause: UnshelveCause::Person {
                    client_request_id: request(),
                },
            },
            AlarmFact::Suppressed {
                by_alarm: Arc::from("gateway-silent/grid.import"),
                by_raised: id(5),
                time,
            },
            AlarmFact::Released {
                suppressed: id(6),
                time,
            },
            AlarmFact::RemovedFromService {
                time,
                reason: reason(),
                client_request_id: request(),
            },
            AlarmFact::ReturnedToService {
                removed: id(7),
                time,
                reason: reason(),
                client_request_id: request(),
            },
        ];
        for fact in facts {
            let event = AlarmEvent {
                id: id(9),
                alarm: Arc::from("bin-full/bin-1"),
                fact,
            };
            let encoded = Alarm::encode(&event);
            assert_eq!(encoded.time, "2026-09-21T14:13:20.123Z");
            let read = decode(encoded.id, encoded.event_type, &encoded.data).expect("reads");
            assert_eq!(read, event);
        }
    }

    #[test]
    fn what_is_no_event_of_this_domain_is_refused() {
        let unknown = decode(
            Uuid::nil(),
            "terrarium.alarm.v1.AlarmPaintedV1",
            &Bytes::new(),
        );
        assert!(matches!(unknown, Err(EventCodecError::UnknownType(_))));
        let empty = decode(Uuid::nil(), ALARM_RAISED_V1, &Bytes::new());
        assert!(matches!(empty, Err(EventCodecError::Malformed { .. })));
    }
}
