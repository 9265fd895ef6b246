//! The pure side of a service: from a state and a command to events, from a state and an event to the next state.

use bytes::Bytes;
use terrarium_model::UnixSeconds;
use uuid::Uuid;

use crate::settings::Setting;

/// A thing that decides about commands by what happened to it before.
///
/// All methods are functions of their arguments: no clock, no file, no network. What a decision needs beside the
/// aggregate's own past comes in `Context`.
pub trait Aggregate: Send + 'static {
    /// What is asked for.
    type Command: Send + Sync;
    /// What happened.
    type Event: Clone + Send + Sync;
    /// Why a command is not carried out.
    type Rejection: Clone + Send + Sync;
    /// What a decision needs beside the state: definitions and the park's time.
    type Context: Clone + Send + Sync + 'static;

    /// Service domain, such as `energy`.
    const DOMAIN: &'static str;
    /// Kind of aggregate, such as `meter`.
    const KIND: &'static str;

    /// The aggregate before its first event.
    fn new() -> Self;

    /// Decides. No events: what was asked for is so already.
    fn decide(
        &self,
        context: &Self::Context,
        command: &Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Takes in an event.
    fn evolve(&mut self, event: &Self::Event);

    /// Lets go of the far past, so that it does not grow with time. What it decides afterwards about anything else than
    /// [`needs_forgotten`](Aggregate::needs_forgotten) says is the same. Kinds that stay small leave it as it is.
    fn forget_old(&mut self) {}

    /// Whether a command has to be decided by what it let go of: the whole past is read again then.
    fn needs_forgotten(&self, _command: &Self::Command) -> bool {
        false
    }

    /// The first second at which something has to be decided about it though nobody asks, such as that a deadline was
    /// missed ([`crate::due`]). Kinds of which nothing is ever due leave it as it is.
    fn due(&self) -> Option<UnixSeconds> {
        None
    }

    /// What an event sets that a later command may set otherwise. The request that led to it is remembered then: sent again
    /// after a newer one ([`Aggregate::asks_to_set`]), it changes nothing.
    fn sets(_event: &Self::Event) -> Option<Setting> {
        None
    }

    /// What a command asks to set: what [`Aggregate::sets`] says of the event that it leads to.
    fn asks_to_set(_command: &Self::Command) -> Option<Setting> {
        None
    }

    /// Whether an event records a report without letting it count: it can't be, or looks like a mistake.
    fn is_quarantine(_event: &Self::Event) -> bool {
        false
    }

    /// Writes an event as it is recorded.
    fn encode(event: &Self::Event) -> EncodedEvent;

    /// Reads a recorded event of any released version.
    fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<Self::Event, EventCodecError>;
}

/// An event as it is recorded.
#[derive(Clone, Debug)]
pub struct EncodedEvent {
    /// Follows from what the event says, so that saying it again creates nothing new.
    pub id: Uuid,
    /// Full protobuf name of the payload.
    pub event_type: &'static str,
    /// Protobuf payload.
    pub data: Bytes,
    /// When it happened, RFC 3339 UTC.
    pub time: String,
    /// From when on it can be known: the instant, or the end of the interval. `None`: when it is decided.
    pub known_at: Option<UnixSeconds>,
    /// Id of the event that led to it, if one did.
    pub causation: Option<Uuid>,
}

/// A recorded event that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EventCodecError {
    /// This build does not know the type.
    #[error("event type {0} is not known to this version; update terrarium")]
    UnknownType(String),
    /// The payload is not of its type.
    #[error("the payload is no {event_type}: {reason}; check the record with `terrarium verify`")]
    Malformed {
        /// Full protobuf name.
        event_type: String,
        /// What does not fit.
        reason: String,
    },
}
