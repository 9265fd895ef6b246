//! The energy events as they are recorded, and the meter as an aggregate.

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{Aggregate, EncodedEvent, EventCodecError};
use terrarium_model::{
    Decimal, EnergyWh, Interval, MeterId, Unit, UnixSeconds, format_rfc3339_utc,
};
use terrarium_proto::energy::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    Meter, MeterCommand, MeterContext, MeterEvent, MeterFact, MeterRejection, QuarantineReason,
    RecordedReading,
};

/// Full names of the payloads.
pub const INTERVAL_METERED_V1: &str = "terrarium.energy.v1.IntervalMeteredV1";
/// See [`wire::RegisterReadV1`].
pub const REGISTER_READ_V1: &str = "terrarium.energy.v1.RegisterReadV1";
/// See [`wire::RegisterReadV2`].
pub const REGISTER_READ_V2: &str = "terrarium.energy.v1.RegisterReadV2";
/// See [`wire::MeterSwappedV1`].
pub const METER_SWAPPED_V1: &str = "terrarium.energy.v1.MeterSwappedV1";
/// See [`wire::ReadingCorrectedV1`].
pub const READING_CORRECTED_V1: &str = "terrarium.energy.v1.ReadingCorrectedV1";
/// See [`wire::ReadingQuarantinedV1`].
pub const READING_QUARANTINED_V1: &str = "terrarium.energy.v1.ReadingQuarantinedV1";
/// See [`wire::QuarantineReleasedV1`].
pub const QUARANTINE_RELEASED_V1: &str = "terrarium.energy.v1.QuarantineReleasedV1";
/// See [`wire::QuarantineCorrectedV1`].
pub const QUARANTINE_CORRECTED_V1: &str = "terrarium.energy.v1.QuarantineCorrectedV1";

impl Aggregate for Meter {
    type Command = MeterCommand;
    type Event = MeterEvent;
    type Rejection = MeterRejection;
    type Context = MeterContext;

    const DOMAIN: &'static str = "energy";
    const KIND: &'static str = "meter";

    fn new() -> Meter {
        Meter::new()
    }

    fn decide(
        &self,
        context: &MeterContext,
        command: &MeterCommand,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        Meter::decide(self, context, command)
    }

    fn evolve(&mut self, event: &MeterEvent) {
        Meter::evolve(self, event);
    }

    fn forget_old(&mut self) {
        Meter::forget_old(self);
    }

    fn needs_forgotten(&self, command: &MeterCommand) -> bool {
        Meter::needs_forgotten(self, command)
    }

    fn encode(event: &MeterEvent) -> EncodedEvent {
        encode(event)
    }

    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<MeterEvent, EventCodecError> {
        decode(id, event_type, data)
    }
}

/// Writes an event as it is recorded.
pub fn encode(event: &MeterEvent) -> EncodedEvent {
    let (event_type, data, reading, causation) = match &event.fact {
        MeterFact::IntervalMetered(reading) => (
            INTERVAL_METERED_V1,
            wire::IntervalMeteredV1 {
                reading: Some(reading_to_wire(reading)),
            }
            .encode_to_vec(),
            reading,
            None,
        ),
        MeterFact::RegisterRead(reading) => (
            REGISTER_READ_V1,
            wire::RegisterReadV1 {
                reading: Some(reading_to_wire(reading)),
            }
            .encode_to_vec(),
            reading,
            None,
        ),
        MeterFact::RegisterContinued { reading, offset } => (
            REGISTER_READ_V2,
            wire::RegisterReadV2 {
                reading: Some(reading_to_wire(reading)),
                offset_wh: offset.0,
            }
            .encode_to_vec(),
            reading,
            None,
        ),
        MeterFact::Swapped {
            last,
            first,
            last_offset,
            offset,
            reason,
        } => (
            METER_SWAPPED_V1,
            wire::MeterSwappedV1 {
                last: Some(reading_to_wire(last)),
                first: Some(reading_to_wire(first)),
                last_offset_wh: last_offset.0,
                offset_wh: offset.0,
                reason: reason.to_string(),
            }
            .encode_to_vec(),
            last,
            None,
        ),
        MeterFact::Corrected {
            reading,
            replaces,
            reason,
        } => (
            READING_CORRECTED_V1,
            wire::ReadingCorrectedV1 {
                reading: Some(reading_to_wire(reading)),
                replaces_event_id: Bytes::copy_from_slice(replaces.as_bytes()),
                reason: reason.to_string(),
            }
            .encode_to_vec(),
            reading,
            Some(*replaces),
        ),
        MeterFact::Quarantined {
            reading,
            reason,
            finding,
        } => (
            READING_QUARANTINED_V1,
            wire::ReadingQuarantinedV1 {
                reading: Some(reading_to_wire(reading)),
                reason: reason_to_wire(*reason).into(),
                finding: finding.clone(),
            }
            .encode_to_vec(),
            reading,
            None,
        ),
        MeterFact::QuarantineDecided {
            quarantine_id,
            reading,
            corrected,
            reason,
        } => {
            let quarantined_event_id = Bytes::copy_from_slice(quarantine_id.as_bytes());
            let wire_reading = Some(reading_to_wire(reading));
            let (event_type, data) = if *corrected {
                let message = wire::QuarantineCorrectedV1 {
                    quarantined_event_id,
                    reading: wire_reading,
                    reason: reason.to_string(),
                };
                (QUARANTINE_CORRECTED_V1, message.encode_to_vec())
            } else {
                let message = wire::QuarantineReleasedV1 {
                    quarantined_event_id,
                    reading: wire_reading,
                    reason: reason.to_string(),
                };
                (QUARANTINE_RELEASED_V1, message.encode_to_vec())
            };
            (event_type, data, reading, Some(*quarantine_id))
        }
    };
    EncodedEvent {
        id: event.id,
        event_type,
        data: data.into(),
        time: format_rfc3339_utc(reading.interval.start),
        known_at: Some(reading.interval.end()),
        causation,
    }
}

/// Reads a recorded event.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<MeterEvent, EventCodecError> {
    let malformed = |reason: String| EventCodecError::Malformed {
        event_type: event_type.to_owned(),
        reason,
    };
    let not_protobuf = |error: prost::DecodeError| malformed(error.to_string());
    let fact = match event_type {
        INTERVAL_METERED_V1 => {
            let message = wire::IntervalMeteredV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::IntervalMetered(reading_from_wire(message.reading).map_err(malformed)?)
        }
        REGISTER_READ_V1 => {
            let message = wire::RegisterReadV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::RegisterRead(reading_from_wire(message.reading).map_err(malformed)?)
        }
        REGISTER_READ_V2 => {
            let message = wire::RegisterReadV2::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::RegisterContinued {
                reading: reading_from_wire(message.reading).map_err(malformed)?,
                offset: EnergyWh(message.offset_wh),
            }
        }
        METER_SWAPPED_V1 => {
            let message = wire::MeterSwappedV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::Swapped {
                last: reading_from_wire(message.last).map_err(malformed)?,
                first: reading_from_wire(message.first).map_err(malformed)?,
                last_offset: EnergyWh(message.last_offset_wh),
                offset: EnergyWh(message.offset_wh),
                reason: message.reason.into(),
            }
        }
        READING_CORRECTED_V1 => {
            let message = wire::ReadingCorrectedV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::Corrected {
                reading: reading_from_wire(message.reading).map_err(malformed)?,
                replaces: uuid_from_wire(&message.replaces_event_id).map_err(malformed)?,
                reason: message.reason.into(),
            }
        }
        READING_QUARANTINED_V1 => {
            let message = wire::ReadingQuarantinedV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::Quarantined {
                reason: reason_from_wire(message.reason()).map_err(malformed)?,
                reading: reading_from_wire(message.reading).map_err(malformed)?,
                finding: message.finding,
            }
        }
        QUARANTINE_RELEASED_V1 => {
            let message = wire::QuarantineReleasedV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::QuarantineDecided {
                quarantine_id: uuid_from_wire(&message.quarantined_event_id).map_err(malformed)?,
                reading: reading_from_wire(message.reading).map_err(malformed)?,
                corrected: false,
                reason: message.reason.into(),
            }
        }
        QUARANTINE_CORRECTED_V1 => {
            let message =
                wire::QuarantineCorrectedV1::decode(data.clone()).map_err(not_protobuf)?;
            MeterFact::QuarantineDecided {
                quarantine_id: uuid_from_wire(&message.quarantined_event_id).map_err(malformed)?,
                reading: reading_from_wire(message.reading).map_err(malformed)?,
                corrected: true,
                reason: message.reason.into(),
            }
        }
        other => return Err(EventCodecError::UnknownType(other.to_owned())),
    };
    Ok(MeterEvent { id, fact })
}

/// A reading as the wire carries it.
pub fn reading_to_wire(reading: &RecordedReading) -> wire::MeteredReading {
    wire::MeteredReading {
        meter: reading.meter.to_string(),
        interval_start_s: reading.interval.start.0,
        interval_seconds: reading.interval.seconds,
        value: reading.value.to_string(),
        unit: reading.unit.token().to_owned(),
        energy_wh: reading.energy.map(|energy| energy.0),
        revision: reading.revision,
    }
}

/// The wire's word for a quarantine reason.
pub fn reason_to_wire(reason: QuarantineReason) -> wire::QuarantineReason {
    match reason {
        QuarantineReason::WrongDimension => wire::QuarantineReason::WrongDimension,
        QuarantineReason::AboveRating => wire::QuarantineReason::AboveRating,
        QuarantineReason::CounterBackwards => wire::QuarantineReason::CounterBackwards,
        QuarantineReason::Negative => wire::QuarantineReason::Negative,
        QuarantineReason::Overlap => wire::QuarantineReason::Overlap,
        QuarantineReason::InFuture => wire::QuarantineReason::InFuture,
    }
}

fn reading_from_wire(reading: Option<wire::MeteredReading>) -> Result<RecordedReading, String> {
    let reading = reading.ok_or("it has no reading")?;
    Ok(RecordedReading {
        meter: MeterId::new(&reading.meter).map_err(|error| error.to_string())?,
        interval: Interval {
            start: UnixSeconds(reading.interval_start_s),
            seconds: reading.interval_seconds,
        },
        value: Decimal::parse(&reading.value).map_err(|error| error.to_string())?,
        unit: Unit::parse(&reading.unit).map_err(|error| error.to_string())?,
        energy: reading.energy_wh.map(EnergyWh),
        revision: reading.revision,
    })
}

fn reason_from_wire(reason: wire::QuarantineReason) -> Result<QuarantineReason, String> {
    Ok(match reason {
        wire::QuarantineReason::WrongDimension => QuarantineReason::WrongDimension,
        wire::QuarantineReason::AboveRating => QuarantineReason::AboveRating,
        wire::QuarantineReason::CounterBackwards => QuarantineReason::CounterBackwards,
        wire::QuarantineReason::Negative => QuarantineReason::Negative,
        wire::QuarantineReason::Overlap => QuarantineReason::Overlap,
        wire::QuarantineReason::InFuture => QuarantineReason::InFuture,
        wire::QuarantineReason::Unspecified => return Err("it has no quarantine reason".to_owned()),
    })
}

fn uuid_from_wire(bytes: &Bytes) -> Result<Uuid, String> {
    Uuid::from_slice(bytes)
        .map_err(|_| format!("an event id has {} bytes instead of 16", bytes.len()))
}

#[cfg(test)]
mod tests;
