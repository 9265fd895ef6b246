//! The waste events as they are recorded, and what decides as aggregates.

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{
    Aggregate, EncodedEvent, Event, EventCodecError, Payload, Rejection, aggregate, event_id_bytes,
};
use terrarium_model::{AssetId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::waste::v1 as wire;
use uuid::Uuid;

use crate::domain::{
    Bin, BinCommand, BinContext, BinEvent, BinFact, BinMeasurement, Collection, CollectionCommand,
    CollectionContext, CollectionEvent, CollectionFact, CollectionOrder, CompostBay,
    CompostCommand, CompostContext, CompostFact, Consignment, Contamination, ContaminationContext,
    ContaminationFact, CustodyCommand, CustodyContext, CustodyFact, Execution, Weighing,
    WeighingContext, WeighingFact,
};

aggregate!(CompostBay: "waste" "compost", CompostContext, CompostCommand => CompostFact {
    fn forget_old(&mut self) {
        CompostBay::forget_old(self);
    }

    fn needs_forgotten(&self, command: &CompostCommand) -> bool {
        CompostBay::needs_forgotten(self, command)
    }
});
aggregate!(Consignment: "waste" "custody", CustodyContext, CustodyCommand => CustodyFact);
aggregate!(Weighing: "waste" "weighing", WeighingContext, wire::WeighbridgeTicketRecordedV1 => WeighingFact);
aggregate!(Contamination: "waste" "contamination", ContaminationContext, wire::ContaminationFoundV1 => ContaminationFact);

/// Every event type of this domain starts with it.
pub const TYPE_PREFIX: &str = "terrarium.waste.v1.";
/// See [`wire::BinWeighedV1`].
pub const BIN_WEIGHED_V1: &str = "terrarium.waste.v1.BinWeighedV1";
/// See [`wire::BinOverflowRaisedV1`].
pub const BIN_OVERFLOW_RAISED_V1: &str = "terrarium.waste.v1.BinOverflowRaisedV1";
/// See [`wire::BinOverflowClearedV1`].
pub const BIN_OVERFLOW_CLEARED_V1: &str = "terrarium.waste.v1.BinOverflowClearedV1";
/// See [`wire::BinEmptiedV1`].
pub const BIN_EMPTIED_V1: &str = "terrarium.waste.v1.BinEmptiedV1";
/// See [`wire::CollectionOrderedV1`].
pub const COLLECTION_ORDERED_V1: &str = "terrarium.waste.v1.CollectionOrderedV1";
/// See [`wire::CollectionAcknowledgedV1`].
pub const COLLECTION_ACKNOWLEDGED_V1: &str = "terrarium.waste.v1.CollectionAcknowledgedV1";
/// See [`wire::CollectionExecutedV1`].
pub const COLLECTION_EXECUTED_V1: &str = "terrarium.waste.v1.CollectionExecutedV1";
/// See [`wire::CollectionMissedV1`].
pub const COLLECTION_MISSED_V1: &str = "terrarium.waste.v1.CollectionMissedV1";
/// See [`wire::BinMeasurementQuarantinedV1`].
pub const BIN_MEASUREMENT_QUARANTINED_V1: &str = "terrarium.waste.v1.BinMeasurementQuarantinedV1";
/// See [`wire::BinMeasurementReleasedV1`].
pub const BIN_MEASUREMENT_RELEASED_V1: &str = "terrarium.waste.v1.BinMeasurementReleasedV1";
/// See [`wire::WeighbridgeTicketRecordedV1`].
const WEIGHBRIDGE_TICKET_RECORDED_V1: &str = "terrarium.waste.v1.WeighbridgeTicketRecordedV1";
/// See [`wire::ContaminationFoundV1`].
const CONTAMINATION_FOUND_V1: &str = "terrarium.waste.v1.ContaminationFoundV1";
/// Events of compost bays start with it.
const COMPOST_PREFIX: &str = "terrarium.waste.v1.Compost";
/// Events of bins start with it.
const BIN_PREFIX: &str = "terrarium.waste.v1.Bin";

/// Any event of this domain.
#[derive(Clone, Debug, PartialEq)]
pub enum WasteEvent {
    /// Of a bin.
    Bin(BinEvent),
    /// Of a collection.
    Collection(CollectionEvent),
    /// Of the weighbridge.
    Weighing(Event<WeighingFact>),
    /// Of what was found in a bin.
    Contamination(Event<ContaminationFact>),
    /// Of a compost bay.
    Compost(Event<CompostFact>),
    /// Of the custody of hazardous waste.
    Custody(Event<CustodyFact>),
}

/// Reads a recorded event of this domain.
pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<WasteEvent, EventCodecError> {
    match event_type {
        COLLECTION_ORDERED_V1
        | COLLECTION_ACKNOWLEDGED_V1
        | COLLECTION_EXECUTED_V1
        | COLLECTION_MISSED_V1 => {
            Collection::decode(id, event_type, data).map(WasteEvent::Collection)
        }
        WEIGHBRIDGE_TICKET_RECORDED_V1 => {
            Event::decode(id, event_type, data).map(WasteEvent::Weighing)
        }
        CONTAMINATION_FOUND_V1 => {
            Event::decode(id, event_type, data).map(WasteEvent::Contamination)
        }
        bin if bin.starts_with(BIN_PREFIX) => {
            Bin::decode(id, event_type, data).map(WasteEvent::Bin)
        }
        compost if compost.starts_with(COMPOST_PREFIX) => {
            Event::decode(id, event_type, data).map(WasteEvent::Compost)
        }
        _ => Event::decode(id, event_type, data).map(WasteEvent::Custody),
    }
}

impl Aggregate for Bin {
    type Command = BinCommand;
    type Event = BinEvent;
    type Rejection = Rejection;
    type Context = BinContext;

    const DOMAIN: &'static str = "waste";
    const KIND: &'static str = "bin";

    fn new() -> Bin {
        Bin::default()
    }

    fn decide(
        &self,
        context: &BinContext,
        command: &BinCommand,
    ) -> Result<Vec<BinEvent>, Rejection> {
        Bin::decide(self, context, command)
    }

    fn evolve(&mut self, event: &BinEvent) {
        Bin::evolve(self, event);
    }

    fn forget_old(&mut self) {
        Bin::forget_old(self);
    }

    fn needs_forgotten(&self, command: &BinCommand) -> bool {
        Bin::needs_forgotten(self, command)
    }

    fn is_quarantine(event: &BinEvent) -> bool {
        matches!(event.fact, BinFact::Quarantined { .. })
    }

    fn encode(event: &BinEvent) -> EncodedEvent {
        let bin = event.bin.to_string();
        let (event_type, data, time, causation) = match &event.fact {
            BinFact::Weighed(measurement) => (
                BIN_WEIGHED_V1,
                wire::BinWeighedV1 {
                    bin,
                    time_s: measurement.time.0,
                    fill_l: measurement.fill_l,
                    weight_g: measurement.weight_g,
                }
                .encode_to_vec(),
                measurement.time,
                None,
            ),
            BinFact::OverflowRaised {
                measurement,
                limit_l,
                limit_g,
            } => (
                BIN_OVERFLOW_RAISED_V1,
                wire::BinOverflowRaisedV1 {
                    bin,
                    time_s: measurement.time.0,
                    fill_l: measurement.fill_l,
                    weight_g: measurement.weight_g,
                    limit_l: *limit_l,
                    limit_g: *limit_g,
                }
                .encode_to_vec(),
                measurement.time,
                None,
            ),
            BinFact::OverflowCleared { measurement } => (
                BIN_OVERFLOW_CLEARED_V1,
                wire::BinOverflowClearedV1 {
                    bin,
                    time_s: measurement.time.0,
                    fill_l: measurement.fill_l,
                    weight_g: measurement.weight_g,
                }
                .encode_to_vec(),
                measurement.time,
                None,
            ),
            BinFact::Emptied {
                time,
                collection,
                executed,
                weight_g,
            } => (
                BIN_EMPTIED_V1,
                wire::BinEmptiedV1 {
                    bin,
                    time_s: time.0,
                    collection: collection.to_string(),
                    executed_event_id: event_id_bytes(executed),
                    weight_g: *weight_g,
                }
                .encode_to_vec(),
                *time,
                Some(*executed),
            ),
            BinFact::Quarantined {
                measurement,
                reason,
            } => (
                BIN_MEASUREMENT_QUARANTINED_V1,
                wire::BinMeasurementQuarantinedV1 {
                    bin,
                    time_s: measurement.time.0,
                    fill_l: measurement.fill_l,
                    weight_g: measurement.weight_g,
                    reason: reason.to_string(),
                }
                .encode_to_vec(),
                measurement.time,
                None,
            ),
            BinFact::Released {
                quarantined,
                time,
                reason,
            } => (
                BIN_MEASUREMENT_RELEASED_V1,
                wire::BinMeasurementReleasedV1 {
                    bin,
                    quarantined_event_id: event_id_bytes(quarantined),
                    time_s: time.0,
                    reason: reason.to_string(),
                }
                .encode_to_vec(),
                *time,
                Some(*quarantined),
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

    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<BinEvent, EventCodecError> {
        let payload = Payload::new(event_type, data);
        let measurement = |time_s: i64, fill_l: i64, weight_g: i64| BinMeasurement {
            time: UnixSeconds(time_s),
            fill_l,
            weight_g,
        };
        let (bin, fact) = match event_type {
            BIN_WEIGHED_V1 => {
                let message: wire::BinWeighedV1 = payload.read()?;
                let measurement = measurement(message.time_s, message.fill_l, message.weight_g);
                (message.bin, BinFact::Weighed(measurement))
            }
            BIN_OVERFLOW_RAISED_V1 => {
                let message: wire::BinOverflowRaisedV1 = payload.read()?;
                let fact = BinFact::OverflowRaised {
                    measurement: measurement(message.time_s, message.fill_l, message.weight_g),
                    limit_l: message.limit_l,
                    limit_g: message.limit_g,
                };
                (message.bin, fact)
            }
            BIN_OVERFLOW_CLEARED_V1 => {
                let message: wire::BinOverflowClearedV1 = payload.read()?;
                let measurement = measurement(message.time_s, message.fill_l, message.weight_g);
                (message.bin, BinFact::OverflowCleared { measurement })
            }
            BIN_EMPTIED_V1 => {
                let message: wire::BinEmptiedV1 = payload.read()?;
                let fact = BinFact::Emptied {
                    time: UnixSeconds(message.time_s),
                    collection: message.collection.into(),
                    executed: payload.event_id(&message.executed_event_id)?,
                    weight_g: message.weight_g,
                };
                (message.bin, fact)
            }
            BIN_MEASUREMENT_QUARANTINED_V1 => {
                let message: wire::BinMeasurementQuarantinedV1 = payload.read()?;
                let fact = BinFact::Quarantined {
                    measurement: measurement(message.time_s, message.fill_l, message.weight_g),
                    reason: message.reason.into(),
                };
                (message.bin, fact)
            }
            BIN_MEASUREMENT_RELEASED_V1 => {
                let message: wire::BinMeasurementReleasedV1 = payload.read()?;
                let fact = BinFact::Released {
                    quarantined: payload.event_id(&message.quarantined_event_id)?,
                    time: UnixSeconds(message.time_s),
                    reason: message.reason.into(),
                };
                (message.bin, fact)
            }
            _ => return Err(payload.unknown_type()),
        };
        Ok(BinEvent {
            id,
            bin: payload.asset(&bin)?,
            fact,
        })
    }
}

impl Aggregate for Collection {
    type Command = CollectionCommand;
    type Event = CollectionEvent;
    type Rejection = Rejection;
    type Context = CollectionContext;

    const DOMAIN: &'static str = "waste";
    const KIND: &'static str = "collection";

    fn new() -> Collection {
        Collection::default()
    }

    fn decide(
        &self,
        context: &CollectionContext,
        command: &CollectionCommand,
    ) -> Result<Vec<CollectionEvent>, Rejection> {
        Collection::decide(self, context, command)
    }

    fn evolve(&mut self, event: &CollectionEvent) {
        Collection::evolve(self, event);
    }

    fn due(&self) -> Option<UnixSeconds> {
        Collection::due(self)
    }

    fn encode(event: &CollectionEvent) -> EncodedEvent {
        let collection = event.collection.to_string();
        let (event_type, data, time) = match &event.fact {
            CollectionFact::Ordered { order, time } => (
                COLLECTION_ORDERED_V1,
                wire::CollectionOrderedV1 {
                    collection,
                    bins: bins_to_wire(&order.bins),
                    assignee: order.assignee.to_string(),
                    time_s: time.0,
                    due_s: order.due.0,
                    route: order.route.to_string(),
                }
                .encode_to_vec(),
                *time,
            ),
            CollectionFact::Acknowledged { time } => (
                COLLECTION_ACKNOWLEDGED_V1,
                wire::CollectionAcknowledgedV1 {
                    collection,
                    time_s: time.0,
                }
                .encode_to_vec(),
                *time,
            ),
            CollectionFact::Executed { bins, execution } => (
                COLLECTION_EXECUTED_V1,
                wire::CollectionExecutedV1 {
                    collection,
                    bins: bins_to_wire(bins),
                    time_s: execution.time.0,
                    ticket: execution.ticket.to_string(),
                    weight_g: execution.weight_g,
                    evidence_sha256: execution
                        .evidence_sha256
                        .map_or_else(Bytes::new, |sha256| Bytes::copy_from_slice(&sha256)),
                }
                .encode_to_vec(),
                execution.time,
            ),
            CollectionFact::Missed { time, due } => (
                COLLECTION_MISSED_V1,
                wire::CollectionMissedV1 {
                    collection,
                    time_s: time.0,
                    due_s: due.0,
                }
                .encode_to_vec(),
                *time,
            ),
        };
        EncodedEvent {
            id: event.id,
            event_type,
            data: data.into(),
            time: format_rfc3339_utc(time),
            known_at: Some(time),
            causation: None,
        }
    }

    fn decode(
        id: Uuid,
        event_type: &str,
        data: &Bytes,
    ) -> Result<CollectionEvent, EventCodecError> {
        let payload = Payload::new(event_type, data);
        let (collection, fact) = match event_type {
            COLLECTION_ORDERED_V1 => {
                let message: wire::CollectionOrderedV1 = payload.read()?;
                let order = CollectionOrder {
                    bins: bins_from_wire(payload, &message.bins)?,
                    assignee: message.assignee.into(),
                    due: UnixSeconds(message.due_s),
                    route: message.route.into(),
                };
                let time = UnixSeconds(message.time_s);
                (message.collection, CollectionFact::Ordered { order, time })
            }
            COLLECTION_ACKNOWLEDGED_V1 => {
                let message: wire::CollectionAcknowledgedV1 = payload.read()?;
                let time = UnixSeconds(message.time_s);
                (message.collection, CollectionFact::Acknowledged { time })
            }
            COLLECTION_EXECUTED_V1 => {
                let message: wire::CollectionExecutedV1 = payload.read()?;
                let evidence_sha256 =
                    evidence_from_wire(&message.evidence_sha256).ok_or_else(|| {
                        payload.malformed("its evidence_sha256 has neither 0 nor 32 bytes")
                    })?;
                let fact = CollectionFact::Executed {
                    bins: bins_from_wire(payload, &message.bins)?,
                    execution: Execution {
                        time: UnixSeconds(message.time_s),
                        ticket: message.ticket.into(),
                        weight_g: message.weight_g,
                        evidence_sha256,
                    },
                };
                (message.collection, fact)
            }
            COLLECTION_MISSED_V1 => {
                let message: wire::CollectionMissedV1 = payload.read()?;
                let fact = CollectionFact::Missed {
                    time: UnixSeconds(message.time_s),
                    due: UnixSeconds(message.due_s),
                };
                (message.collection, fact)
            }
            _ => return Err(payload.unknown_type()),
        };
        Ok(CollectionEvent {
            id,
            collection: collection.into(),
            fact,
        })
    }
}

/// A SHA-256 or nothing; `None` when it has another length.
pub fn evidence_from_wire(bytes: &Bytes) -> Option<Option<[u8; 32]>> {
    if bytes.is_empty() {
        return Some(None);
    }
    bytes.as_ref().try_into().ok().map(Some)
}

/// Bins as the wire carries them.
pub fn bins_to_wire(bins: &[AssetId]) -> Vec<String> {
    bins.iter().map(AssetId::to_string).collect()
}

fn bins_from_wire(payload: Payload<'_>, bins: &[String]) -> Result<Vec<AssetId>, EventCodecError> {
    bins.iter().map(|bin| payload.asset(bin)).collect()
}

#[cfg(test)]
mod tests;
