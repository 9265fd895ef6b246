//! The water events as they are recorded, and what decides as aggregates.

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, EventCodecError, Payload, Rejection, event_id_bytes,
};
use terrarium_model::{Interval, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::water::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    Irrigation, IrrigationCommand, IrrigationContext, IrrigationEvent, IrrigationFact,
    MeteredWater, Tank, TankAlarm, TankContext, TankEvent, TankFact, TankLevel, WaterMeter,
    WaterMeterContext, WaterMetered, WaterNetwork,
};

/// Every event type of this domain starts with it.
pub const TYPE_PREFIX: &str = "terrarium.water.v1.";
/// See [`wire::TankLevelMeasuredV1`].
pub const TANK_LEVEL_MEASURED_V1: &str = "terrarium.water.v1.TankLevelMeasuredV1";
/// See [`wire::TankAlarmRaisedV1`].
pub const TANK_ALARM_RAISED_V1: &str = "terrarium.water.v1.TankAlarmRaisedV1";
/// See [`wire::TankAlarmClearedV1`].
pub const TANK_ALARM_CLEARED_V1: &str = "terrarium.water.v1.TankAlarmClearedV1";
/// See [`wire::IrrigationStartedV1`].
pub const IRRIGATION_STARTED_V1: &str = "terrarium.water.v1.IrrigationStartedV1";
/// See [`wire::IrrigationEndedV1`].
pub const IRRIGATION_ENDED_V1: &str = "terrarium.water.v1.IrrigationEndedV1";
/// See [`wire::WaterMeteredV1`].
pub const WATER_METERED_V1: &str = "terrarium.water.v1.WaterMeteredV1";

/// Any event of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaterEvent {
    /// Of a tank.
    Tank(TankEvent),
    /// Of an irrigation zone.
    Irrigation(IrrigationEvent),
    /// Of a water meter.
    Metered(WaterMetered),
}

/// Reads a recorded event of this domain.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<WaterEvent, EventCodecError> {
    match event_type {
        TANK_LEVEL_MEASURED_V1 | TANK_ALARM_RAISED_V1 | TANK_ALARM_CLEARED_V1 => {
            Tank::decode(id, event_type, data).map(WaterEvent::Tank)
        }
        IRRIGATION_STARTED_V1 | IRRIGATION_ENDED_V1 => {
            Irrigation::decode(id, event_type, data).map(WaterEvent::Irrigation)
        }
        _ => WaterMeter::decode(id, event_type, data).map(WaterEvent::Metered),
    }
}

impl Aggregate for Tank {
    type Command = TankLevel;
    type Event = TankEvent;
    type Rejection = Rejection;
    type Context = TankContext;

    const DOMAIN: &'static str = "water";
    const KIND: &'static str = "tank";

    fn new() -> Tank {
        Tank::default()
    }

    fn decide(
        &self,
        context: &TankContext,
        command: &TankLevel,
    ) -> Result<Vec<TankEvent>, Rejection> {
        Tank::decide(self, context, command)
    }

    fn evolve(&mut self, event: &TankEvent) {
        Tank::evolve(self, event);
    }

    fn encode(event: &TankEvent) -> EncodedEvent {
        let tank = event.tank.to_string();
        let (event_type, data, time) = match &event.fact {
            TankFact::LevelMeasured(level) => (
                TANK_LEVEL_MEASURED_V1,
                wire::TankLevelMeasuredV1 {
                    tank,
                    time_s: level.time.0,
                    level_l: level.level_l,
                }
                .encode_to_vec(),
                level.time,
            ),
            TankFact::AlarmRaised {
                alarm,
                level,
                limit_l,
            } => (
                TANK_ALARM_RAISED_V1,
                wire::TankAlarmRaisedV1 {
                    tank,
                    alarm: alarm_to_wire(*alarm).into(),
                    time_s: level.time.0,
                    level_l: level.level_l,
                    limit_l: *limit_l,
                }
                .encode_to_vec(),
                level.time,
            ),
            TankFact::AlarmCleared {
                alarm,
                level,
                limit_l,
            } => (
                TANK_ALARM_CLEARED_V1,
                wire::TankAlarmClearedV1 {
                    tank,
                    alarm: alarm_to_wire(*alarm).into(),
                    time_s: level.time.0,
                    level_l: level.level_l,
                    limit_l: *limit_l,
                }
                .encode_to_vec(),
                level.time,
            ),
        };
        EncodedEvent {
            id: event.id,
            event_type,
            data: data.into(),
            time: format_rfc3339_utc(time),
            causation: None,
        }
    }

    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<TankEvent, EventCodecError> {
        let payload = Payload::new(event_type, data);
        let level = |time_s: i64, level_l: i64| TankLevel {
            time: UnixSeconds(time_s),
            level_l,
        };
        let (tank, fact) = match event_type {
            TANK_LEVEL_MEASURED_V1 => {
                let message: wire::TankLevelMeasuredV1 = payload.read()?;
                (
                    message.tank,
                    TankFact::LevelMeasured(level(message.time_s, message.level_l)),
                )
            }
            TANK_ALARM_RAISED_V1 => {
                let message: wire::TankAlarmRaisedV1 = payload.read()?;
                let fact = TankFact::AlarmRaised {
                    alarm: alarm_from_wire(message.alarm())
                        .ok_or_else(|| payload.malformed("it names no alarm"))?,
                    level: level(message.time_s, message.level_l),
                    limit_l: message.limit_l,
                };
                (message.tank, fact)
            }
            TANK_ALARM_CLEARED_V1 => {
                let message: wire::TankAlarmClearedV1 = payload.read()?;
                let fact = TankFact::AlarmCleared {
                    alarm: alarm_from_wire(message.alarm())
                        .ok_or_else(|| payload.malformed("it names no alarm"))?,
                    level: level(message.time_s, message.level_l),
                    limit_l: message.limit_l,
                };
                (message.tank, fact)
            }
            _ => return Err(payload.unknown_type()),
        };
        Ok(TankEvent {
            id,
            tank: payload.asset(&tank)?,
            fact,
        })
    }
}

impl Aggregate for Irrigation {
    type Command = IrrigationCommand;
    type Event = IrrigationEvent;
    type Rejection = Rejection;
    type Context = IrrigationContext;

    const DOMAIN: &'static str = "water";
    const KIND: &'static str = "irrigation";

    fn new() -> Irrigation {
        Irrigation::default()
    }

    fn decide(
        &self,
        context: &IrrigationContext,
        command: &IrrigationCommand,
    ) -> Result<Vec<IrrigationEvent>, Rejection> {
        Irrigation::decide(self, context, command)
    }

    fn evolve(&mut self, event: &IrrigationEvent) {
        Irrigation::evolve(self, event);
    }

    fn encode(event: &IrrigationEvent) -> EncodedEvent {
        let (zone, tank) = (event.zone.to_string(), event.tank.to_string());
        let (event_type, data, time, causation) = match &event.fact {
            IrrigationFact::Started {
                time,
                litres,
                client_request_id,
            } => (
                IRRIGATION_STARTED_V1,
                wire::IrrigationStartedV1 {
                    zone,
                    tank,
                    time_s: time.0,
                    litres: *litres,
                    client_request_id: client_request_id.to_string(),
                }
                .encode_to_vec(),
                *time,
                None,
            ),
            IrrigationFact::Ended {
                started,
                time,
                litres,
            } => (
                IRRIGATION_ENDED_V1,
                wire::IrrigationEndedV1 {
                    zone,
                    tank,
                    started_event_id: event_id_bytes(started),
                    time_s: time.0,
                    litres: *litres,
                }
                .encode_to_vec(),
                *time,
                Some(*started),
            ),
        };
        EncodedEvent {
            id: event.id,
            event_type,
            data: data.into(),
            time: format_rfc3339_utc(time),
            causation,
        }
    }

    fn decode(
        id: Uuid,
        event_type: &str,
        data: &Bytes,
    ) -> Result<IrrigationEvent, EventCodecError> {
        let payload = Payload::new(event_type, data);
        let (zone, tank, fact) = match event_type {
            IRRIGATION_STARTED_V1 => {
                let message: wire::IrrigationStartedV1 = payload.read()?;
                let fact = IrrigationFact::Started {
                    time: UnixSeconds(message.time_s),
                    litres: message.litres,
                    client_request_id: message.client_request_id.into(),
                };
                (message.zone, message.tank, fact)
            }
            IRRIGATION_ENDED_V1 => {
                let message: wire::IrrigationEndedV1 = payload.read()?;
                let fact = IrrigationFact::Ended {
                    started: payload.event_id(&message.started_event_id)?,
                    time: UnixSeconds(message.time_s),
                    litres: message.litres,
                };
                (message.zone, message.tank, fact)
            }
            _ => return Err(payload.unknown_type()),
        };
        Ok(IrrigationEvent {
            id,
            zone: payload.asset(&zone)?,
            tank: payload.asset(&tank)?,
            fact,
        })
    }
}

impl Aggregate for WaterMeter {
    type Command = MeteredWater;
    type Event = WaterMetered;
    type Rejection = Rejection;
    type Context = WaterMeterContext;

    const DOMAIN: &'static str = "water";
    const KIND: &'static str = "meter";

    fn new() -> WaterMeter {
        WaterMeter::default()
    }

    fn decide(
        &self,
        context: &WaterMeterContext,
        command: &MeteredWater,
    ) -> Result<Vec<WaterMetered>, Rejection> {
        WaterMeter::decide(self, context, command)
    }

    fn evolve(&mut self, event: &WaterMetered) {
        WaterMeter::evolve(self, event);
    }

    fn encode(event: &WaterMetered) -> EncodedEvent {
        let water = &event.water;
        EncodedEvent {
            id: event.id,
            event_type: WATER_METERED_V1,
            data: wire::WaterMeteredV1 {
                asset: event.asset.to_string(),
                network: network_to_wire(water.network).into(),
                interval_start_s: water.interval.start.0,
                interval_seconds: water.interval.seconds,
                litres: water.litres,
            }
            .encode_to_vec()
            .into(),
            time: format_rfc3339_utc(water.interval.start),
            causation: None,
        }
    }

    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<WaterMetered, EventCodecError> {
        let payload = Payload::new(event_type, data);
        if event_type != WATER_METERED_V1 {
            return Err(payload.unknown_type());
        }
        let message: wire::WaterMeteredV1 = payload.read()?;
        Ok(WaterMetered {
            id,
            asset: payload.asset(&message.asset)?,
            water: MeteredWater {
                network: network_from_wire(message.network())
                    .ok_or_else(|| payload.malformed("it names no network"))?,
                interval: Interval {
                    start: UnixSeconds(message.interval_start_s),
                    seconds: message.interval_seconds,
                },
                litres: message.litres,
            },
        })
    }
}

/// The wire's word for an alarm.
pub fn alarm_to_wire(alarm: TankAlarm) -> wire::TankAlarm {
    match alarm {
        TankAlarm::Low => wire::TankAlarm::Low,
        TankAlarm::High => wire::TankAlarm::High,
    }
}

fn alarm_from_wire(alarm: wire::TankAlarm) -> Option<TankAlarm> {
    match alarm {
        wire::TankAlarm::Low => Some(TankAlarm::Low),
        wire::TankAlarm::High => Some(TankAlarm::High),
        wire::TankAlarm::Unspecified => None,
    }
}

fn network_to_wire(network: WaterNetwork) -> wire::WaterNetwork {
    match network {
        WaterNetwork::Supply => wire::WaterNetwork::Supply,
        WaterNetwork::Reclaimed => wire::WaterNetwork::Reclaimed,
        WaterNetwork::Rain => wire::WaterNetwork::Rain,
    }
}

/// `None` when the wire leaves it open.
pub fn network_from_wire(network: wire::WaterNetwork) -> Option<WaterNetwork> {
    match network {
        wire::WaterNetwork::Supply => Some(WaterNetwork::Supply),
        wire::WaterNetwork::Reclaimed => Some(WaterNetwork::Reclaimed),
        wire::WaterNetwork::Rain => Some(WaterNetwork::Rain),
        wire::WaterNetwork::Unspecified => None,
    }
}

#[cfg(test)]
mod tests {
    use terrarium_model::AssetId;

    use super::*;

    fn asset(id: &str) -> AssetId {
        AssetId::new(id).expect("valid")
    }

    fn read_again<A: Aggregate>(event: &A::Event) -> WaterEvent {
        let encoded = A::encode(event);
        decode(encoded.id, encoded.event_type, &encoded.data).expect("own events can be read")
    }

    #[test]
    fn every_event_is_read_as_it_was_written() {
        let level = TankLevel {
            time: UnixSeconds(1_754_000_000),
            level_l: 1_234,
        };
        let alarm = |alarm| TankFact::AlarmRaised {
            alarm,
            level,
            limit_l: 2_000,
        };
        let cleared = TankFact::AlarmCleared {
            alarm: TankAlarm::High,
            level,
            limit_l: 19_000,
        };
        for fact in [
            TankFact::LevelMeasured(level),
            alarm(TankAlarm::Low),
            alarm(TankAlarm::High),
            cleared,
        ] {
            let event = TankEvent {
                id: Uuid::from_u128(1),
                tank: asset("rain-tank-1"),
                fact,
            };
            assert_eq!(read_again::<Tank>(&event), WaterEvent::Tank(event));
        }
        let started = IrrigationFact::Started {
            time: UnixSeconds(5),
            litres: 500,
            client_request_id: "a".into(),
        };
        let ended = IrrigationFact::Ended {
            started: Uuid::from_u128(2),
            time: UnixSeconds(6),
            litres: 480,
        };
        for fact in [started, ended] {
            let event = IrrigationEvent {
                id: Uuid::from_u128(2),
                zone: asset("lawn"),
                tank: asset("rain-tank-1"),
                fact,
            };
            assert_eq!(
                read_again::<Irrigation>(&event),
                WaterEvent::Irrigation(event)
            );
        }
        for network in [
            WaterNetwork::Supply,
            WaterNetwork::Reclaimed,
            WaterNetwork::Rain,
        ] {
            let event = WaterMetered {
                id: Uuid::from_u128(3),
                asset: asset("toilets"),
                water: MeteredWater {
                    network,
                    interval: Interval {
                        start: UnixSeconds(0),
                        seconds: 900,
                    },
                    litres: 3,
                },
            };
            assert_eq!(read_again::<WaterMeter>(&event), WaterEvent::Metered(event));
        }
    }

    #[test]
    fn what_is_no_event_of_this_domain_is_refused() {
        let unknown = decode(
            Uuid::nil(),
            "terrarium.water.v1.TankPaintedV1",
            &Bytes::new(),
        );
        assert!(matches!(unknown, Err(EventCodecError::UnknownType(_))));
        let empty = decode(Uuid::nil(), TANK_ALARM_RAISED_V1, &Bytes::new());
        assert!(matches!(empty, Err(EventCodecError::Malformed { .. })));
    }
}
