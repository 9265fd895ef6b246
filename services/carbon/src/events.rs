//! The carbon events as they are recorded, and both records as aggregates.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, Event, EventCodecError, PARK_DEFINED_V1, Setting, aggregate,
};
use terrarium_ledger::{FactorDetail, FactorKind, FactorMark, FactorSet};
use terrarium_model::{
    FactorSetId, FactorUnit, ParkId, UnixMillis, UnixSeconds, format_rfc3339_utc,
};
use terrarium_proto::carbon::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    AccountingProfile, Activities, ActivitiesContext, ActivityFact, DefinePark, EmbodiedCarbon,
    EmbodiedContext, EmbodiedFact, Evidence, EvidenceContext, EvidenceFact, FactorPublication,
    FactorSetPublished, FactorSetRecord, Instrument, InstrumentContext, InstrumentFact,
    InvoiceFact, Invoices, InvoicesContext, MeterChangedKind, ParkDefined, ParkRecord,
    PeriodCommand, PeriodContext, PeriodFact, Periods, Policy, PolicyCommand, PolicyContext,
    PolicyFact, ProfileContext, ProfileFact, TreeCommand, TreeContext, TreeFact, TreeGroup,
    VersionTaken,
};

aggregate!(TreeGroup: "carbon" "trees", TreeContext, TreeCommand => TreeFact);
aggregate!(EmbodiedCarbon: "carbon" "embodied", EmbodiedContext, wire::EmbodiedCarbonRecordedV1 => EmbodiedFact);
aggregate!(Instrument: "carbon" "instrument", InstrumentContext, InstrumentFact => InstrumentFact);
aggregate!(Periods: "carbon" "period", PeriodContext, PeriodCommand => PeriodFact {
    fn sets(event: &Event<PeriodFact>) -> Option<Setting> {
        Periods::setting(&event.fact)
    }

    fn asks_to_set(command: &PeriodCommand) -> Option<Setting> {
        command.setting()
    }
});
aggregate!(Policy: "carbon" "policy", PolicyContext, PolicyCommand => PolicyFact {
    fn sets(event: &Event<PolicyFact>) -> Option<Setting> {
        event.fact.setting()
    }

    fn asks_to_set(command: &PolicyCommand) -> Option<Setting> {
        command.setting()
    }
});
aggregate!(Activities: "carbon" "activities", ActivitiesContext, wire::ActivityReportedV1 => ActivityFact);
aggregate!(Evidence: "carbon" "evidence", EvidenceContext, wire::EvidenceAttachedV1 => EvidenceFact);
aggregate!(Invoices: "carbon" "invoices", InvoicesContext, wire::InvoiceRecordedV1 => InvoiceFact);
aggregate!(AccountingProfile: "carbon" "profile", ProfileContext, wire::AccountingProfileSetV1 => ProfileFact {
    fn sets(event: &Event<ProfileFact>) -> Option<Setting> {
        let ProfileFact::AccountingProfileSetV1(set) = &event.fact;
        Some(AccountingProfile::setting(set))
    }

    fn asks_to_set(sent: &wire::AccountingProfileSetV1) -> Option<Setting> {
        Some(AccountingProfile::setting(sent))
    }
});

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
    /// Of what no meter sees.
    Activity(Event<ActivityFact>),
    /// Of a document.
    Evidence(Event<EvidenceFact>),
    /// Of an invoice.
    Invoice(Event<InvoiceFact>),
    /// Of how activities are accounted for.
    Profile(Event<ProfileFact>),
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
        activity if activity.starts_with("Activity") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Activity)
        }
        evidence if evidence.starts_with("Evidence") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Evidence)
        }
        invoice if invoice.starts_with("Invoice") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Invoice)
        }
        profile if profile.starts_with("Accounting") => {
            Event::decode(id, event_type, data).map(CarbonEvent::Profile)
        }
        _ => Event::decode(id, event_type, data).map(CarbonEvent::Policy),
    }
}

/// Full name of the payload.
pub const FACTOR_SET_PUBLISHED_V1: &str = "terrarium.carbon.v1.FactorSetPublishedV1";
/// A table: many rows.
pub const FACTOR_SET_PUBLISHED_V2: &str = "terrarium.carbon.v1.FactorSetPublishedV2";

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

    fn sets(defined: &TimedParkDefined) -> Option<Setting> {
        Some(Setting::of(&[&defined.event.sha256]))
    }

    fn asks_to_set(command: &DefinePark) -> Option<Setting> {
        Some(Setting::of(&[&command.sha256]))
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
            known_at: None,
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
    type Command = FactorPublication;
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
        command: &FactorPublication,
    ) -> Result<Vec<FactorSetPublished>, VersionTaken> {
        FactorSetRecord::decide(self, park, command)
    }

    fn evolve(&mut self, event: &FactorSetPublished) {
        FactorSetRecord::evolve(self, event);
    }

    fn encode(event: &FactorSetPublished) -> EncodedEvent {
        let publication = &event.publication;
        let (event_type, data) = if publication.is_table() {
            let data = table_to_wire(publication).encode_to_vec();
            (FACTOR_SET_PUBLISHED_V2, data)
        } else {
            let data = set_to_wire(publication.head()).encode_to_vec();
            (FACTOR_SET_PUBLISHED_V1, data)
        };
        let valid_from = publication.rows().iter().map(|row| row.valid_from).min();
        EncodedEvent {
            id: event.id,
            event_type,
            data: data.into(),
            time: format_rfc3339_utc(valid_from.unwrap_or_default()),
            known_at: None,
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

fn set_to_wire(set: &FactorSet) -> wire::FactorSetPublishedV1 {
    wire::FactorSetPublishedV1 {
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
}

fn table_to_wire(publication: &FactorPublication) -> wire::FactorSetPublishedV2 {
    let head = publication.head();
    wire::FactorSetPublishedV2 {
        set: head.set.to_string(),
        version: head.version.clone(),
        publisher: head.publisher.clone(),
        published_on: head.published_on.clone(),
        document: head.source.clone(),
        rows: publication
            .rows()
            .iter()
            .map(|row| wire::PublishedFactor {
                row: row.detail.row.clone(),
                kind: row.kind.token().to_owned(),
                subject: row.detail.subject.clone(),
                region: row.region.clone(),
                unit: row.unit.token(),
                valid_from_s: row.valid_from.0,
                valid_to_s: row.valid_to.0,
                scale: row.scale,
                value: row.values[0],
                locator: row.detail.locator.clone(),
                mark: mark_to_wire(row.detail.mark).into(),
                u95_ppm: row.detail.u95_ppm,
                context: row.detail.context.clone(),
                tags: row.detail.tags.clone(),
                note: row.detail.note.clone(),
            })
            .collect(),
    }
}

/// The wire's word for how sure a source is.
pub fn mark_to_wire(mark: FactorMark) -> wire::FactorMark {
    match mark {
        FactorMark::Verified => wire::FactorMark::Verified,
        FactorMark::Secondary => wire::FactorMark::Secondary,
        FactorMark::Default => wire::FactorMark::Default,
    }
}

/// How sure a source is; `None` if it is not said.
pub fn mark_from_wire(mark: wire::FactorMark) -> Option<FactorMark> {
    match mark {
        wire::FactorMark::Verified => Some(FactorMark::Verified),
        wire::FactorMark::Secondary => Some(FactorMark::Secondary),
        wire::FactorMark::Default => Some(FactorMark::Default),
        wire::FactorMark::Unspecified => None,
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

/// Reads a recorded factor set: of the first version as one row, of the second as a table.
pub fn decode_factor_set(
    id: Uuid,
    event_type: &str,
    data: &Bytes,
) -> Result<FactorSetPublished, EventCodecError> {
    let malformed = |reason: String| EventCodecError::Malformed {
        event_type: event_type.to_owned(),
        reason,
    };
    let publication = match event_type {
        FACTOR_SET_PUBLISHED_V1 => {
            let message = wire::FactorSetPublishedV1::decode(data.clone())
                .map_err(|error| malformed(error.to_string()))?;
            FactorPublication::single(Arc::new(set_from_wire(message).map_err(malformed)?))
        }
        FACTOR_SET_PUBLISHED_V2 => {
            let message = wire::FactorSetPublishedV2::decode(data.clone())
                .map_err(|error| malformed(error.to_string()))?;
            let rows: Result<Vec<Arc<FactorSet>>, String> = message
                .rows
                .iter()
                .map(|row| row_from_wire(&message, row).map(Arc::new))
                .collect();
            FactorPublication::table(rows.map_err(malformed)?)
                .ok_or_else(|| malformed("it has no rows, or a row without an id".to_owned()))?
        }
        other => return Err(EventCodecError::UnknownType(other.to_owned())),
    };
    for row in publication.rows() {
        row.check().map_err(|error| malformed(error.to_string()))?;
    }
    Ok(FactorSetPublished { id, publication })
}

fn kind_from_wire(kind: &str) -> Result<FactorKind, String> {
    FactorKind::parse(kind).ok_or_else(|| format!("its kind \"{kind}\" is not known"))
}

fn set_from_wire(message: wire::FactorSetPublishedV1) -> Result<FactorSet, String> {
    Ok(FactorSet {
        set: FactorSetId::new(&message.set).map_err(|error| error.to_string())?,
        version: message.version,
        publisher: message.publisher,
        region: message.region,
        kind: kind_from_wire(&message.kind)?,
        unit: FactorUnit::parse(&message.unit).map_err(|error| error.to_string())?,
        valid_from: UnixSeconds(message.valid_from_s),
        valid_to: UnixSeconds(message.valid_to_s),
        published_on: message.published_on,
        source: message.source,
        scale: message.scale,
        step_seconds: (message.step_seconds > 0).then_some(message.step_seconds),
        values: message.values,
        detail: FactorDetail::default(),
    })
}

fn row_from_wire(
    table: &wire::FactorSetPublishedV2,
    row: &wire::PublishedFactor,
) -> Result<FactorSet, String> {
    let mark = mark_from_wire(row.mark())
        .ok_or_else(|| format!("row {} does not say how sure its source is", row.row))?;
    Ok(FactorSet {
        set: FactorSetId::new(&table.set).map_err(|error| error.to_string())?,
        version: table.version.clone(),
        publisher: table.publisher.clone(),
        region: row.region.clone(),
        kind: kind_from_wire(&row.kind)?,
        unit: FactorUnit::parse(&row.unit).map_err(|error| error.to_string())?,
        valid_from: UnixSeconds(row.valid_from_s),
        valid_to: UnixSeconds(row.valid_to_s),
        published_on: table.published_on.clone(),
        source: table.document.clone(),
        scale: row.scale,
        step_seconds: None,
        values: vec![row.value],
        detail: FactorDetail {
            row: row.row.clone(),
            subject: row.subject.clone(),
            locator: row.locator.clone(),
            mark,
            u95_ppm: row.u95_ppm,
            context: row.context.clone(),
            tags: row.tags.clone(),
            note: row.note.clone(),
        },
    })
}

#[cfg(test)]
mod tests;
