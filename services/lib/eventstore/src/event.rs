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

/// Revision of the event that ends a tombstoned stream: the largest signed one, as clients of EventStoreDB know it.
pub const TOMBSTONE_REVISION: u64 = i64::MAX as u64;
/// Type of that event.
pub const TOMBSTONE_TYPE: &str = "$streamDeleted";
/// Type of the events of a `$$` stream, which hold the metadata of the stream without the `$$`.
pub const METADATA_TYPE: &str = "$metadata";

/// When an event was recorded: units of 100 ns since 1970-01-01 UTC, never less than before it in the log.
///
/// 0 for events of logs that were written before times were kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Ticks in a second.
    pub const PER_SECOND: u64 = 10_000_000;
}

/// What the data of an event is, as its writer said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ContentType {
    /// `application/octet-stream`
    #[default]
    Binary,
    /// `application/json`
    Json,
}

/// An event to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedEvent {
    /// Says which fact this is: the same id at the same revision is the same event.
    pub id: Uuid,
    pub event_type: Arc<str>,
    pub content_type: ContentType,
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

/// What a stream must be like for an append, a deletion or a tombstone to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpectedRevision {
    /// Whatever it is.
    Any,
    /// Without events, or softly deleted.
    NoStream,
    /// With events or metadata, and not deleted.
    StreamExists,
    /// Its last event has this revision.
    Exact(u64),
}

/// Events to append to one stream, all or none. Without events it only checks the revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    pub stream: Arc<str>,
    pub expected: ExpectedRevision,
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
    /// Place in the stream, from 0; [`TOMBSTONE_REVISION`] for a tombstone.
    pub revision: u64,
    pub id: Uuid,
    pub event_type: Arc<str>,
    pub content_type: ContentType,
    pub recorded: Ticks,
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

/// The answer to an append, a deletion or a tombstone under an [`ExpectedRevision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Revision of the stream's last event of this write; `None`: the stream has none.
    pub revision: Option<u64>,
    /// Position of that event; `None` when nothing had to be written.
    pub position: Option<Position>,
    /// True when the same events were there before and nothing was written.
    pub already_there: bool,
}

/// Counts since the log began (`events`, `commits`, `bytes`) and since it was opened (`fsyncs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub events: u64,
    pub commits: u64,
    /// Streams that have or had events or metadata.
    pub streams: u64,
    /// `fdatasync` calls for appends since the store was opened.
    pub fsyncs: u64,
    /// Length of the log in bytes.
    pub bytes: u64,
}
