//! Reading the protobuf payloads of recorded events.

use bytes::Bytes;
use prost::Message;
use terrarium_model::AssetId;
use uuid::Uuid;

use crate::aggregate::EventCodecError;

/// The payload of one recorded event, and what to say when it is not what its type promises.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    event_type: &'a str,
    data: &'a Bytes,
}

impl<'a> Payload<'a> {
    /// Of an event.
    pub fn new(event_type: &'a str, data: &'a Bytes) -> Payload<'a> {
        Payload { event_type, data }
    }

    /// As a message.
    pub fn read<M: Message + Default>(self) -> Result<M, EventCodecError> {
        M::decode(self.data.clone()).map_err(|error| self.malformed(error.to_string()))
    }

    /// The error that something in the payload does not fit.
    pub fn malformed(self, reason: impl Into<String>) -> EventCodecError {
        EventCodecError::Malformed {
            event_type: self.event_type.to_owned(),
            reason: reason.into(),
        }
    }

    /// The error that this build does not know the type.
    pub fn unknown_type(self) -> EventCodecError {
        EventCodecError::UnknownType(self.event_type.to_owned())
    }

    /// An asset id.
    pub fn asset(self, text: &str) -> Result<AssetId, EventCodecError> {
        AssetId::new(text).map_err(|error| self.malformed(error.to_string()))
    }

    /// The id of another event.
    pub fn event_id(self, bytes: &Bytes) -> Result<Uuid, EventCodecError> {
        Uuid::from_slice(bytes).map_err(|_| {
            self.malformed(format!(
                "an event id has {} bytes instead of 16",
                bytes.len()
            ))
        })
    }
}

/// The id of another event, as a payload carries it.
pub fn event_id_bytes(id: &Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}
