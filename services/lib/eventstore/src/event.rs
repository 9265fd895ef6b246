use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

/// Data and metadata of one event together, at most.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// One commit as it is stored (names, lengths and all events), at most.
pub const MAX_COMMIT_BYTES: usize = terrarium_eventlog::MAX_BODY_BYTES;
/// Length of a stream name, at most.
pub const MAX_STREAM_NAME_BYTES: usize = 256;
/// Length of an event type, at most.
pub const MAX_TYPE_BYTES: usize = 128;

/// Where an event stands in the global order: the byte offset of its record in the log. Opaque, only grows, has gaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An event to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedEvent {
    /// Says which fact this is: the same id at the same revision is the same event.
    pub id: Uuid,
    pub event_type: Arc<str>,
    pub data: Bytes,
    pub metadata: Bytes,
}

/// Events to append to one stream, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedCommit {
    pub stream: Arc<str>,
    /// Number of events the stream must hold before this commit.
    pub expected_revision: u64,
    pub events: Vec<ProposedEvent>,
}

/// An event of the log.
///
/// `data` and `metadata` are slices of the chunk that was read (up to 4 MiB): whoever keeps a few events
/// for long copies them, or keeps their whole chunks alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    pub position: Position,
    pub stream: Arc<str>,
    /// Place in the stream, from 0.
    pub revision: u64,
    pub id: Uuid,
    pub event_type: Arc<str>,
    pub data: Bytes,
    pub metadata: Bytes,
}

/// The answer to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the commit's last event.
    pub last_position: Position,
    /// Number of events in the stream right after the commit: what the next commit expects.
    pub next_revision: u64,
    /// True when the same events were there before and nothing was written.
    pub already_there: bool,
}

/// Counts since the log began (`events`, `commits`, `bytes`) and since it was opened (`fsyncs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub events: u64,
    pub commits: u64,
    /// `fdatasync` calls for appends since the store was opened.
    pub fsyncs: u64,
    /// Length of the log in bytes.
    pub bytes: u64,
}
