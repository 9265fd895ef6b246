//! The carbon events as they are recorded, and both records as aggregates.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, Event, EventCodecError, PARK_DEFINED_V1, aggregate,
};
use terrarium_ledger::{FactorKind, FactorSet};
use terrarium_model::{
    FactorSetId, FactorUnit, ParkId, UnixMillis, UnixSeconds, format_rfc3339_utc,
};
use terrarium_proto::carbon::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    DefinePark, EmbodiedCarbon, EmbodiedContext, EmbodiedFact, FactorSetPublished, FactorSetRecord,
    Instrument, InstrumentContext, InstrumentFact, MeterChangedKind, ParkDefined, ParkRecord,
    PeriodCommand, PeriodContext, PeriodFact, Periods, Policy, PolicyCommand, PolicyContext,
    PolicyFact, TreeCommand, TreeContext, TreeFact, TreeGroup, VersionTaken,
};

aggregate!(TreeGroup: "carbon" "trees", TreeContext, TreeCommand => TreeFact);
aggregate!(EmbodiedCarbon: "carbon" "embodied", EmbodiedContext, wire::EmbodiedCarbonRecordedV1 => EmbodiedFact);
aggregate!(Instrument: "carbon" "instrument", InstrumentContext, InstrumentFact => InstrumentFact);
aggregate!(Periods: "carbon" "period", PeriodContext, PeriodCommand => PeriodFact);
aggregate!(Policy: "carbon" "policy", PolicyContext, PolicyCommand => PolicyFact);

/// Every event type of this domain starts with it.
pub const TYPE_PREFIX: &str = "terrarium.carbon.v1.";

/// An event of this domain that is neither a definition nor a factor set.
#[derive(Clone, Debug, PartialEq)]
pub enum CarbonEvent {
    /// Of a tree group.
    Trees(Event<TreeFact>),
    /// Of an asset's embodied carbon.
    Embodied(Event<EmbodiedFact>),
    /// Of a certificate, credit or allowance.
    Instrument(Event<InstrumentFact>),
    /// Of a reporting period.
    Period(Event<PeriodFact>),
    /// Of what the park decided about its accounts.
    Policy(Event<PolicyFact>),
}

/// Reads a recorded event of this domain that is neither a definition nor a factor set.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<CarbonEvent, EventCodecError> {
    let name = event_type.strip_prefix(TYPE_PREFIX).unwrap_or_default();
    match name {
        trees if trees.starts_with("Trees") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Trees)
        }
        embodied if embodied.starts_with("Embodied") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Embodied)
        }
        instrument if instrument.starts_with("Instrument") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Instrument)
        }
        period if period.starts_with("Period") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Period)
        }
        _ => Event::decode(id, event_type, data).map(CarbonEvent::Policy),
    }
}

/// Full name of the payload.
pub const FACTOR_SET_PUBLISHED_V1: &str = "terrarium.carbon.v1.FactorSetPublishedV1";

/// What a definition's decision needs beside the past: when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Now(pub UnixMillis);

/// A definition event, with its time.
#[derive(Clone, Debug)]
pub struct TimedParkDefined {
    event: ParkDefined,
    at: Option<UnixMillis>,
}

impl Aggregate for ParkRecord {
    type Command = DefinePark;
    type Event = TimedParkDefined;
    type Rejection = MeterChangedKind;
    type Context = Now;

    const DOMAIN: &'static str = "carbon";
    const KIND: &'static str = "park";

    fn new() -> ParkRecord {
        ParkRecord::default()
    }

    fn decide(
        &self,
        now: &Now,
        command: &DefinePark,
    ) -> Result<Vec<TimedParkDefined>, MeterChangedKind> {
        Ok(ParkRecord::decide(self, command)?
            .into_iter()
            .map(|event| TimedParkDefined {
                event,
                at: Some(now.0),
            })
            .collect())
    }

    fn evolve(&mut self, timed: &TimedParkDefined) {
        ParkRecord::evolve(self, &timed.event);
    }

    fn encode(timed: &TimedParkDefined) -> EncodedEvent {
        let event = &timed.event;
        EncodedEvent {
            id: event.id,
            event_type: PARK_DEFINED_V1,
            data: wire::ParkDefinedV1 {
                park: event.park.to_string(),
                definition_toml: event.definition_toml.to_string(),
                definition_sha256: Bytes::copy_from_slice(&event.sha256),
            }
            .encode_to_vec()
            .into(),
            time: timed.at.map_or_else(String::new, |at| at.to_string()),
            causation: None,
        }
    }

    fn decode(
        id: Uuid,
        event_type: &str,
        data: &Bytes,
    ) -> Result<TimedParkDefined, EventCodecError> {
        Ok(TimedParkDefined {
            event: decode_park_defined(id, event_type, data)?,
            at: None,
        })
    }
}

impl Aggregate for FactorSetRecord {
    type Command = Arc<FactorSet>;
    type Event = FactorSetPublished;
    type Rejection = VersionTaken;
    type Context = ParkId;

    const DOMAIN: &'static str = "carbon";
    const KIND: &'static str = "factors";

    fn new() -> FactorSetRecord {
        FactorSetRecord::default()
    }

    fn decide(
        &self,
        park: &ParkId,
        command: &Arc<FactorSet>,
    ) -> Result<Vec<FactorSetPublished>, VersionTaken> {
        FactorSetRecord::decide(self, park, command)
    }

    fn evolve(&mut self, event: &FactorSetPublished) {
        FactorSetRecord::evolve(self, event);
    }

    fn encode(event: &FactorSetPublished) -> EncodedEvent {
        let set = &event.factor_set;
        EncodedEvent {
            id: event.id,
            event_type: FACTOR_SET_PUBLISHED_V1,
            data: wire::FactorSetPublishedV1 {
                set: set.set.to_string(),
                version: set.version.clone(),
                publisher: set.publisher.clone(),
                region: set.region.clone(),
                kind: set.kind.token().to_owned(),
                unit: set.unit.token(),
                valid_from_s: set.valid_from.0,
                valid_to_s: set.valid_to.0,
                published_on: set.published_on.clone(),
                source: set.source.clone(),
                scale: set.scale,
                step_seconds: set.step_seconds.unwrap_or(0),
                values: set.values.clone(),
            }
            .encode_to_vec()
            .into(),
            time: format_rfc3339_utc(set.valid_from),
            causation: None,
        }
    }

    fn decode(
        id: Uuid,
        event_type: &str,
        data: &Bytes,
    ) -> Result<FactorSetPublished, EventCodecError> {
        decode_factor_set(id, event_type, data)
    }
}

/// Reads a recorded definition.
pub fn decode_park_defined(
    id: Uuid,
    event_type: &str,
    data: &Bytes,
) -> Result<ParkDefined, EventCodecError> {
    if event_type != PARK_DEFINED_V1 {
        return Err(EventCodecError::UnknownType(event_type.to_owned()));
    }
    let malformed = |reason: String| EventCodecError::Malformed {
        event_type: event_type.to_owned(),
        reason,
    };
    let message =
        wire::ParkDefinedV1::decode(data.clone()).map_err(|error| malformed(error.to_string()))?;
    Ok(ParkDefined {
        id,
        park: ParkId::new(&message.park).map_err(|error| malformed(error.to_string()))?,
        definition_toml: message.definition_toml.into(),
        sha256: message
            .definition_sha256
            .as_ref()
            .try_into()
            .map_err(|_| malformed("its definition_sha256 does not have 32 bytes".to_owned()))?,
    })
}

/// Reads a recorded factor set.
pub fn decode_factor_set(
    id: Uuid,
    event_type: &str,
    data: &Bytes,
) -> Result<FactorSetPublished, EventCodecError> {
    if event_type != FACTOR_SET_PUBLISHED_V1 {
        return Err(EventCodecError::UnknownType(event_type.to_owned()));
    }
    let malformed = |reason: String| EventCodecError::Malformed {
        event_type: event_type.to_owned(),
        reason,
    };
    let message = wire::FactorSetPublishedV1::decode(data.clone())
        .map_err(|error| malformed(error.to_string()))?;
    let factor_set = FactorSet {
        set: FactorSetId::new(&message.set).map_err(|error| malformed(error.to_string()))?,
        version: message.version,
        publisher: message.publisher,
        region: message.region,
        kind: FactorKind::parse(&message.kind)
            .ok_or_else(|| malformed(format!("its kind \"{}\" is not known", message.kind)))?,
        unit: FactorUnit::parse(&message.unit).map_err(|error| malformed(error.to_string()))?,
        valid_from: UnixSeconds(message.valid_from_s),
        valid_to: UnixSeconds(message.valid_to_s),
        published_on: message.published_on,
        source: message.source,
        scale: message.scale,
        step_seconds: (message.step_seconds > 0).then_some(message.step_seconds),
        values: message.values,
    };
    factor_set
        .check()
        .map_err(|error| malformed(error.to_string()))?;
    Ok(FactorSetPublished {
        id,
        factor_set: Arc::new(factor_set),
    })
}

#[cfg(test)]
mod tests;
