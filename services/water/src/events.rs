//! The water events as they are recorded, and what decides as aggregates.

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, Event, EventCodecError, Payload, Rejection, Setting, aggregate,
    event_id_bytes,
};
use terrarium_model::{Interval, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::water::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    FlowContext, FlowFact, Irrigation, IrrigationCommand, IrrigationContext, IrrigationEvent,
    IrrigationFact, LeakWatch, MeteredWater, QualityContext, QualityFact, Tank, TankAlarm,
    TankCommand, TankContext, TankEvent, TankFact, TankFlows, TankLevel, WaterMeter,
    WaterMeterCommand, WaterMeterContext, WaterMeterFact, WaterMetered, WaterNetwork, WaterQuality,
};

aggregate!(TankFlows: "water" "flow", FlowContext, wire::TankFlowMeteredV1 => FlowFact {
    fn forget_old(&mut self) {
        TankFlows::forget_old(self);
    }

    fn needs_forgotten(&self, command: &wire::TankFlowMeteredV1) -> bool {
        TankFlows::needs_forgotten(self, command)
    }
});
aggregate!(WaterQuality: "water" "quality", QualityContext, wire::WaterQualitySampledV1 => QualityFact);

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
/// See [`wire::TankLevelQuarantinedV1`].
pub const TANK_LEVEL_QUARANTINED_V1: &str = "terrarium.water.v1.TankLevelQuarantinedV1";
/// See [`wire::TankLevelReleasedV1`].
pub const TANK_LEVEL_RELEASED_V1: &str = "terrarium.water.v1.TankLevelReleasedV1";
/// See [`wire::TankFlowMeteredV1`].
const TANK_FLOW_METERED_V1: &str = "terrarium.water.v1.TankFlowMeteredV1";
/// See [`wire::WaterQualitySampledV1`].
const WATER_QUALITY_SAMPLED_V1: &str = "terrarium.water.v1.WaterQualitySampledV1";

/// Any event of this domain.
#[derive(Clone, Debug, PartialEq)]
pub enum WaterEvent {
    /// Of a tank.
    Tank(TankEvent),
    /// Of an irrigation zone.
    Irrigation(IrrigationEvent),
    /// Water was metered.
    Metered(WaterMetered),
    /// Anything else of a water meter: leaks, and readings in quarantine.
    Meter(Event<WaterMeterFact>),
    /// Of what flows into and out of a tank.
    Flow(Event<FlowFact>),
    /// Of the quality of a tank's water.
    Quality(Event<QualityFact>),
}

/// Reads a recorded event of this domain.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<WaterEvent, EventCodecError> {
    match event_type {
        TANK_LEVEL_MEASURED_V1
        | TANK_ALARM_RAISED_V1
        | TANK_ALARM_CLEARED_V1
        | TANK_LEVEL_QUARANTINED_V1
        | TANK_LEVEL_RELEASED_V1 => Tank::decode(id, event_type, data).map(WaterEvent::Tank),
        IRRIGATION_STARTED_V1 | IRRIGATION_ENDED_V1 => {
            Irrigation::decode(id, event_type, data).map(WaterEvent::Irrigation)
        }
        TANK_FLOW_METERED_V1 => Event::decode(id, event_type, data).map(WaterEvent::Flow),
        WATER_QUALITY_SAMPLED_V1 => Event::decode(id, event_type, data).map(WaterEvent::Quality),
        _ => {
            let event = WaterMeter::decode(id, event_type, data)?;
            match &event.fact {
                WaterMeterFact::WaterMeteredV1(message) => {
                    let water = metered_water(Payload::new(event_type, data), id, message)?;
                    Ok(WaterEvent::Metered(water))
                }
                _ => Ok(WaterEvent::Meter(event)),
            }
        }
    }
}

impl Aggregate for Tank {
    type Command = TankCommand;
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
        command: &TankCommand,
    ) -> Result<Vec<TankEvent>, Rejection> {
        Tank::decide(self, context, command)
    }

    fn evolve(&mut self, event: &TankEvent) {
        Tank::evolve(self, event);
    }

    fn forget_old(&mut self) {
        Tank::forget_old(self);
    }

    fn needs_forgotten(&self, command: &TankCommand) -> bool {
        Tank::needs_forgotten(self, command)
    }

    fn is_quarantine(event: &TankEvent) -> bool {
        matches!(event.fact, TankFact::Quarantined { .. })
    }

    fn encode(event: &TankEvent) -> EncodedEvent {
        let tank = event.tank.to_string();
        let causation = match &event.fact {
            TankFact::Released { quarantined, .. } => Some(*quarantined),
            _ => None,
        };
        let (event_type, data, time) = match &event.fact {
            TankFact::Quarantined { level, reason } => (
                TANK_LEVEL_QUARANTINED_V1,
                wire::TankLevelQuarantinedV1 {
                    tank,
                    time_s: level.time.0,
                    level_l: level.level_l,
                    reason: reason.to_string(),
                }
                .encode_to_vec(),
                level.time,
            ),
            TankFact::Released {
                quarantined,
                time,
                reason,
            } => (
                TANK_LEVEL_RELEASED_V1,
                wire::TankLevelReleasedV1 {
                    tank,
                    quarantined_event_id: event_id_bytes(quarantined),
                    time_s: time.0,
                    reason: reason.to_string(),
                }
                .encode_to_vec(),
                *time,
            ),
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
            known_at: Some(time),
            causation,
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
            TANK_LEVEL_QUARANTINED_V1 => {
                let message: wire::TankLevelQuarantinedV1 = payload.read()?;
                let fact = TankFact::Quarantined {
                    level: level(message.time_s, message.level_l),
                    reason: message.reason.into(),
                };
                (message.tank, fact)
            }
            TANK_LEVEL_RELEASED_V1 => {
                let message: wire::TankLevelReleasedV1 = payload.read()?;
                let fact = TankFact::Released {
                    quarantined: payload.event_id(&message.quarantined_event_id)?,
                    time: UnixSeconds(message.time_s),
                    reason: message.reason.into(),
                };
                (message.tank, fact)
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
            known_at: Some(time),
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
    type Command = WaterMeterCommand;
    type Event = Event<WaterMeterFact>;
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
        command: &WaterMeterCommand,
    ) -> Result<Vec<Event<WaterMeterFact>>, Rejection> {
        WaterMeter::decide(self, context, command)
    }

    fn evolve(&mut self, event: &Event<WaterMeterFact>) {
        WaterMeter::evolve(self, event);
    }

    fn forget_old(&mut self) {
        WaterMeter::forget_old(self);
    }

    fn needs_forgotten(&self, command: &WaterMeterCommand) -> bool {
        WaterMeter::needs_forgotten(self, command)
    }

    fn is_quarantine(event: &Event<WaterMeterFact>) -> bool {
        matches!(event.fact, WaterMeterFact::WaterReadingQuarantinedV1(_))
    }

    fn sets(event: &Event<WaterMeterFact>) -> Option<Setting> {
        match &event.fact {
            WaterMeterFact::LeakWatchSetV1(set) => Some(LeakWatch::of(set).setting(set.network())),
            _ => None,
        }
    }

    fn asks_to_set(command: &WaterMeterCommand) -> Option<Setting> {
        match command {
            WaterMeterCommand::SetWatch(network, watch) => {
                Some(watch.setting(network_to_wire(*network)))
            }
            WaterMeterCommand::Report(_) => None,
        }
    }

    fn encode(event: &Event<WaterMeterFact>) -> EncodedEvent {
        event.encode()
    }

    fn decode(
        id: Uuid,
        event_type: &str,
        data: &Bytes,
    ) -> Result<Event<WaterMeterFact>, EventCodecError> {
        Event::decode(id, event_type, data)
    }
}

fn metered_water(
    payload: Payload<'_>,
    id: Uuid,
    message: &wire::WaterMeteredV1,
) -> Result<WaterMetered, EventCodecError> {
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

/// The wire's word for a network.
pub fn network_to_wire(network: WaterNetwork) -> wire::WaterNetwork {
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
mod tests;
