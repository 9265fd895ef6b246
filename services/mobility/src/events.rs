//! The mobility events as they are recorded, and the charger as an aggregate.

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, Event, EventCodecError, Payload, Rejection, aggregate, event_id_bytes,
};
use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use terrarium_proto::mobility::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    Charger, ChargerCommand, ChargerContext, ChargerEvent, ChargerFact, Emergency,
    EmergencyCommand, EmergencyContext, EmergencyFact, EntranceCounter, MissReason, OwnerTerms,
    PowerAsk, SessionStart, Totals, Vehicle, VehicleClass, VehicleCommand, VehicleContext,
    VehicleFact, VisitorContext, VisitorFact,
};

/// Every event type of this domain starts with it.
pub const TYPE_PREFIX: &str = "terrarium.mobility.v1.";
/// See [`wire::ChargeSessionStartedV1`].
pub const CHARGE_SESSION_STARTED_V1: &str = "terrarium.mobility.v1.ChargeSessionStartedV1";
/// See [`wire::ChargeSessionMeteredV1`].
pub const CHARGE_SESSION_METERED_V1: &str = "terrarium.mobility.v1.ChargeSessionMeteredV1";
/// See [`wire::ChargeSessionEndedV1`].
pub const CHARGE_SESSION_ENDED_V1: &str = "terrarium.mobility.v1.ChargeSessionEndedV1";
/// See [`wire::ChargerFaultRaisedV1`].
pub const CHARGER_FAULT_RAISED_V1: &str = "terrarium.mobility.v1.ChargerFaultRaisedV1";
/// See [`wire::ChargerFaultClearedV1`].
pub const CHARGER_FAULT_CLEARED_V1: &str = "terrarium.mobility.v1.ChargerFaultClearedV1";
/// See [`wire::ChargePowerAskedV1`].
pub const CHARGE_POWER_ASKED_V1: &str = "terrarium.mobility.v1.ChargePowerAskedV1";
/// See [`wire::ChargePowerObeyedV1`].
pub const CHARGE_POWER_OBEYED_V1: &str = "terrarium.mobility.v1.ChargePowerObeyedV1";
/// See [`wire::ChargePowerMissedV1`].
pub const CHARGE_POWER_MISSED_V1: &str = "terrarium.mobility.v1.ChargePowerMissedV1";

/// See [`wire::ChargeSessionMeterQuarantinedV1`].
pub const CHARGE_SESSION_METER_QUARANTINED_V1: &str =
    "terrarium.mobility.v1.ChargeSessionMeterQuarantinedV1";
/// See [`wire::OwnerReserveUndercutV1`].
pub const OWNER_RESERVE_UNDERCUT_V1: &str = "terrarium.mobility.v1.OwnerReserveUndercutV1";
/// See [`wire::VisitorsCountedV1`].
const VISITORS_COUNTED_V1: &str = "terrarium.mobility.v1.VisitorsCountedV1";
/// Events of vehicles start with one of them.
const VEHICLE_PREFIXES: [&str; 2] = [
    "terrarium.mobility.v1.FleetVehicle",
    "terrarium.mobility.v1.ShuttleTrip",
];
/// Events of emergencies start with it.
const EMERGENCY_PREFIX: &str = "terrarium.mobility.v1.Emergency";

aggregate!(Emergency: "mobility" "emergency", EmergencyContext, EmergencyCommand => EmergencyFact);
aggregate!(Vehicle: "mobility" "vehicle", VehicleContext, VehicleCommand => VehicleFact {
    fn forget_old(&mut self) {
        Vehicle::forget_old(self);
    }

    fn needs_forgotten(&self, command: &VehicleCommand) -> bool {
        Vehicle::needs_forgotten(self, command)
    }
});
aggregate!(EntranceCounter: "mobility" "visitors", VisitorContext, wire::VisitorsCountedV1 => VisitorFact {
    fn forget_old(&mut self) {
        EntranceCounter::forget_old(self);
    }

    fn needs_forgotten(&self, command: &wire::VisitorsCountedV1) -> bool {
        EntranceCounter::needs_forgotten(self, command)
    }
});

/// Any event of this domain.
#[derive(Clone, Debug, PartialEq)]
pub enum MobilityEvent {
    /// Of a charger.
    Charger(ChargerEvent),
    /// Of a park's emergency supply.
    Emergency(Event<EmergencyFact>),
    /// Of a vehicle of the park.
    Vehicle(Event<VehicleFact>),
    /// Of an entrance counter.
    Visitors(Event<VisitorFact>),
}

/// Reads a recorded event of this domain.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<MobilityEvent, EventCodecError> {
    if VEHICLE_PREFIXES
        .iter()
        .any(|prefix| event_type.starts_with(prefix))
    {
        return Event::decode(id, event_type, data).map(MobilityEvent::Vehicle);
    }
    if event_type == VISITORS_COUNTED_V1 {
        return Event::decode(id, event_type, data).map(MobilityEvent::Visitors);
    }
    if event_type.starts_with(EMERGENCY_PREFIX) {
        return Event::decode(id, event_type, data).map(MobilityEvent::Emergency);
    }
    decode_charger(id, event_type, data).map(MobilityEvent::Charger)
}

impl Aggregate for Charger {
    type Command = ChargerCommand;
    type Event = ChargerEvent;
    type Rejection = Rejection;
    type Context = ChargerContext;

    const DOMAIN: &'static str = "mobility";
    const KIND: &'static str = "charger";

    fn new() -> Charger {
        Charger::default()
    }

    fn decide(
        &self,
        context: &ChargerContext,
        command: &ChargerCommand,
    ) -> Result<Vec<ChargerEvent>, Rejection> {
        Charger::decide(self, context, command)
    }

    fn evolve(&mut self, event: &ChargerEvent) {
        Charger::evolve(self, event);
    }

    fn forget_old(&mut self) {
        Charger::forget_old(self);
    }

    fn needs_forgotten(&self, command: &ChargerCommand) -> bool {
        Charger::needs_forgotten(self, command)
    }

    fn due(&self) -> Option<UnixSeconds> {
        self.asks().due()
    }

    fn encode(event: &ChargerEvent) -> EncodedEvent {
        encode(event)
    }

    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<ChargerEvent, EventCodecError> {
        decode_charger(id, event_type, data)
    }

    fn is_quarantine(event: &ChargerEvent) -> bool {
        matches!(event.fact, ChargerFact::MeterQuarantined { .. })
    }
}

/// Writes an event as it is recorded.
pub fn encode(event: &ChargerEvent) -> EncodedEvent {
    let charger = event.charger.to_string();
    let (event_type, data, time, causation) = match &event.fact {
        ChargerFact::SessionStarted { session, start } => (
            CHARGE_SESSION_STARTED_V1,
            wire::ChargeSessionStartedV1 {
                charger,
                session: session.to_string(),
                vehicle_class: class_to_wire(start.vehicle_class).into(),
                time_s: start.time.0,
                allows_discharge: start.allows_discharge,
                owner_terms: start.owner.map(|owner| wire::OwnerTerms {
                    battery_wh: owner.battery_wh,
                    stored_wh: owner.stored_wh,
                    reserve_wh: owner.reserve_wh,
                    departure_s: owner.departure.0,
                }),
            }
            .encode_to_vec(),
            start.time,
            None,
        ),
        ChargerFact::SessionMetered {
            session,
            time,
            totals,
        } => (
            CHARGE_SESSION_METERED_V1,
            wire::ChargeSessionMeteredV1 {
                charger,
                session: session.to_string(),
                time_s: time.0,
                energy_in_wh: totals.energy_in_wh,
                energy_out_wh: totals.energy_out_wh,
            }
            .encode_to_vec(),
            *time,
            None,
        ),
        ChargerFact::SessionEnded {
            session,
            vehicle_class,
            started,
            ended,
            totals,
        } => (
            CHARGE_SESSION_ENDED_V1,
            wire::ChargeSessionEndedV1 {
                charger,
                session: session.to_string(),
                vehicle_class: class_to_wire(*vehicle_class).into(),
                started_s: started.0,
                ended_s: ended.0,
                energy_in_wh: totals.energy_in_wh,
                energy_out_wh: totals.energy_out_wh,
            }
            .encode_to_vec(),
            *ended,
            None,
        ),
        ChargerFact::MeterQuarantined {
            session,
            time,
            totals,
            reason,
        } => (
            CHARGE_SESSION_METER_QUARANTINED_V1,
            wire::ChargeSessionMeterQuarantinedV1 {
                charger,
                session: session.to_string(),
                time_s: time.0,
                energy_in_wh: totals.energy_in_wh,
                energy_out_wh: totals.energy_out_wh,
                reason: reason.to_string(),
            }
            .encode_to_vec(),
            *time,
            None,
        ),
        ChargerFact::ReserveUndercut {
            session,
            time,
            stored_wh,
            reserve_wh,
        } => (
            OWNER_RESERVE_UNDERCUT_V1,
            wire::OwnerReserveUndercutV1 {
                charger,
                session: session.to_string(),
                time_s: time.0,
                stored_wh: *stored_wh,
                reserve_wh: *reserve_wh,
            }
            .encode_to_vec(),
            *time,
            None,
        ),
        ChargerFact::FaultRaised { fault, time } => (
            CHARGER_FAULT_RAISED_V1,
            wire::ChargerFaultRaisedV1 {
                charger,
                fault: fault.to_string(),
                time_s: time.0,
            }
            .encode_to_vec(),
            *time,
            None,
        ),
        ChargerFact::FaultCleared { fault, time } => (
            CHARGER_FAULT_CLEARED_V1,
            wire::ChargerFaultClearedV1 {
                charger,
                fault: fault.to_string(),
                time_s: time.0,
            }
            .encode_to_vec(),
            *time,
            None,
        ),
        ChargerFact::PowerAsked(ask) => (
            CHARGE_POWER_ASKED_V1,
            wire::ChargePowerAskedV1 {
                charger,
                limit_w: ask.limit_w,
                time_s: ask.time.0,
                answer_by_s: ask.answer_by.0,
                client_request_id: ask.client_request_id.to_string(),
            }
            .encode_to_vec(),
            ask.time,
            None,
        ),
        ChargerFact::PowerObeyed {
            asked,
            time,
            power_w,
        } => (
            CHARGE_POWER_OBEYED_V1,
            wire::ChargePowerObeyedV1 {
                charger,
                asked_event_id: event_id_bytes(asked),
                time_s: time.0,
                power_w: *power_w,
            }
            .encode_to_vec(),
            *time,
            Some(*asked),
        ),
        ChargerFact::PowerMissed {
            asked,
            time,
            reason,
            power_w,
        } => (
            CHARGE_POWER_MISSED_V1,
            wire::ChargePowerMissedV1 {
                charger,
                asked_event_id: event_id_bytes(asked),
                time_s: time.0,
                reason: reason_to_wire(*reason).into(),
                power_w: *power_w,
            }
            .encode_to_vec(),
            *time,
            Some(*asked),
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

/// Reads a recorded event of a charger.
pub fn decode_charger(
    id: Uuid,
    event_type: &str,
    data: &Bytes,
) -> Result<ChargerEvent, EventCodecError> {
    let payload = Payload::new(event_type, data);
    let class = |class: wire::VehicleClass| {
        class_from_wire(class).ok_or_else(|| payload.malformed("it names no vehicle class"))
    };
    let (charger, fact) = match event_type {
        CHARGE_SESSION_STARTED_V1 => {
            let message: wire::ChargeSessionStartedV1 = payload.read()?;
            let start = SessionStart {
                vehicle_class: class(message.vehicle_class())?,
                time: UnixSeconds(message.time_s),
                allows_discharge: message.allows_discharge,
                owner: message.owner_terms.map(|owner| OwnerTerms {
                    battery_wh: owner.battery_wh,
                    stored_wh: owner.stored_wh,
                    reserve_wh: owner.reserve_wh,
                    departure: UnixSeconds(owner.departure_s),
                }),
            };
            let session = message.session.into();
            (
                message.charger,
                ChargerFact::SessionStarted { session, start },
            )
        }
        CHARGE_SESSION_METERED_V1 => {
            let message: wire::ChargeSessionMeteredV1 = payload.read()?;
            let fact = ChargerFact::SessionMetered {
                session: message.session.into(),
                time: UnixSeconds(message.time_s),
                totals: Totals {
                    energy_in_wh: message.energy_in_wh,
                    energy_out_wh: message.energy_out_wh,
                },
            };
            (message.charger, fact)
        }
        CHARGE_SESSION_ENDED_V1 => {
            let message: wire::ChargeSessionEndedV1 = payload.read()?;
            let fact = ChargerFact::SessionEnded {
                vehicle_class: class(message.vehicle_class())?,
                session: message.session.into(),
                started: UnixSeconds(message.started_s),
                ended: UnixSeconds(message.ended_s),
                totals: Totals {
                    energy_in_wh: message.energy_in_wh,
                    energy_out_wh: message.energy_out_wh,
                },
            };
            (message.charger, fact)
        }
        CHARGE_SESSION_METER_QUARANTINED_V1 => {
            let message: wire::ChargeSessionMeterQuarantinedV1 = payload.read()?;
            let fact = ChargerFact::MeterQuarantined {
                session: message.session.into(),
                time: UnixSeconds(message.time_s),
                totals: Totals {
                    energy_in_wh: message.energy_in_wh,
                    energy_out_wh: message.energy_out_wh,
                },
                reason: message.reason.into(),
            };
            (message.charger, fact)
        }
        OWNER_RESERVE_UNDERCUT_V1 => {
            let message: wire::OwnerReserveUndercutV1 = payload.read()?;
            let fact = ChargerFact::ReserveUndercut {
                session: message.session.into(),
                time: UnixSeconds(message.time_s),
                stored_wh: message.stored_wh,
                reserve_wh: message.reserve_wh,
            };
            (message.charger, fact)
        }
        CHARGER_FAULT_RAISED_V1 => {
            let message: wire::ChargerFaultRaisedV1 = payload.read()?;
            let fact = ChargerFact::FaultRaised {
                fault: message.fault.into(),
                time: UnixSeconds(message.time_s),
            };
            (message.charger, fact)
        }
        CHARGER_FAULT_CLEARED_V1 => {
            let message: wire::ChargerFaultClearedV1 = payload.read()?;
            let fact = ChargerFact::FaultCleared {
                fault: message.fault.into(),
                time: UnixSeconds(message.time_s),
            };
            (message.charger, fact)
        }
        CHARGE_POWER_ASKED_V1 => {
            let message: wire::ChargePowerAskedV1 = payload.read()?;
            let fact = ChargerFact::PowerAsked(PowerAsk {
                limit_w: message.limit_w,
                time: UnixSeconds(message.time_s),
                answer_by: UnixSeconds(message.answer_by_s),
                client_request_id: message.client_request_id.into(),
            });
            (message.charger, fact)
        }
        CHARGE_POWER_OBEYED_V1 => {
            let message: wire::ChargePowerObeyedV1 = payload.read()?;
            let fact = ChargerFact::PowerObeyed {
                asked: payload.event_id(&message.asked_event_id)?,
                time: UnixSeconds(message.time_s),
                power_w: message.power_w,
            };
            (message.charger, fact)
        }
        CHARGE_POWER_MISSED_V1 => {
            let message: wire::ChargePowerMissedV1 = payload.read()?;
            let fact = ChargerFact::PowerMissed {
                asked: payload.event_id(&message.asked_event_id)?,
                time: UnixSeconds(message.time_s),
                reason: reason_from_wire(message.reason())
                    .ok_or_else(|| payload.malformed("it has no reason"))?,
                power_w: message.power_w,
            };
            (message.charger, fact)
        }
        _ => return Err(payload.unknown_type()),
    };
    Ok(ChargerEvent {
        id,
        charger: payload.asset(&charger)?,
        fact,
    })
}

fn class_to_wire(class: VehicleClass) -> wire::VehicleClass {
    match class {
        VehicleClass::Fleet => wire::VehicleClass::Fleet,
        VehicleClass::Public => wire::VehicleClass::Public,
        VehicleClass::Visitor => wire::VehicleClass::Visitor,
    }
}

/// `None` when the wire leaves it open.
pub fn class_from_wire(class: wire::VehicleClass) -> Option<VehicleClass> {
    match class {
        wire::VehicleClass::Fleet => Some(VehicleClass::Fleet),
        wire::VehicleClass::Public => Some(VehicleClass::Public),
        wire::VehicleClass::Visitor => Some(VehicleClass::Visitor),
        wire::VehicleClass::Unspecified => None,
    }
}

fn reason_to_wire(reason: MissReason) -> wire::ChargePowerMiss {
    match reason {
        MissReason::NotFollowed => wire::ChargePowerMiss::NotFollowed,
        MissReason::TooLate => wire::ChargePowerMiss::TooLate,
        MissReason::Replaced => wire::ChargePowerMiss::Replaced,
        MissReason::NotAnswered => wire::ChargePowerMiss::NotAnswered,
    }
}

fn reason_from_wire(reason: wire::ChargePowerMiss) -> Option<MissReason> {
    match reason {
        wire::ChargePowerMiss::NotFollowed => Some(MissReason::NotFollowed),
        wire::ChargePowerMiss::TooLate => Some(MissReason::TooLate),
        wire::ChargePowerMiss::Replaced => Some(MissReason::Replaced),
        wire::ChargePowerMiss::NotAnswered => Some(MissReason::NotAnswered),
        wire::ChargePowerMiss::Unspecified => None,
    }
}

#[cfg(test)]
mod tests;
