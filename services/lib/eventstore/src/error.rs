use thiserror::Error;

use crate::event::{
    MAX_COMMIT_BYTES, MAX_EVENT_BYTES, MAX_STREAM_NAME_BYTES, MAX_TYPE_BYTES, Position,
};

/// Why a commit was not appended. Nothing of it is in the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AppendError {
    /// The stream holds other events than the commit builds on: reload and decide again.
    #[error(
        "the stream holds {actual} events, which is not what the commit expects: reload it and decide again"
    )]
    WrongExpectedRevision { actual: u64 },
    /// Its name can't be used any more.
    #[error("the stream was deleted for ever (tombstoned): write to a stream with another name")]
    StreamDeleted,
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Retryable: the store goes on once there is space.
    #[error("{0}")]
    StorageFull(String),
    /// Retryable: nobody knows whether it happened, and sending the same again is harmless. A store in this process never
    /// answers it.
    #[error("{0}")]
    Unavailable(String),
    /// Final until the store is reopened.
    #[error("{0}")]
    Failed(String),
    #[error("a commit needs a stream name, at least one event, and a type for every event")]
    Empty,
}

/// Which limit a commit is over.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TooLarge {
    #[error("the stream name has {bytes} bytes, the limit is {max}: use a shorter name", max = MAX_STREAM_NAME_BYTES)]
    StreamName { bytes: usize },
    #[error("event {index} of the commit has a type of {bytes} bytes, the limit is {max}", max = MAX_TYPE_BYTES)]
    EventType { index: usize, bytes: usize },
    #[error(
        "event {index} of the commit has {bytes} bytes of data and metadata, the limit is {max}: split it",
        max = MAX_EVENT_BYTES
    )]
    Event { index: usize, bytes: usize },
    #[error("the commit has {bytes} bytes, the limit is {max}: decide in smaller steps", max = MAX_COMMIT_BYTES)]
    Commit { bytes: usize },
}

/// Why events could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The caller's position was not made by this log.
    #[error(
        "position {position} is not the start of an event: start from a position that this log gave out, or from the beginning"
    )]
    NotAnEvent { position: Position },
    /// The caller has seen more than the log holds, as after the log was restored from an older copy.
    #[error(
        "position {position} is beyond the last event ({}): the log is older than the reader, rebuild the reader from the beginning",
        last.map_or_else(|| "the log is empty".to_owned(), |last| last.to_string())
    )]
    BeyondEnd {
        position: Position,
        last: Option<Position>,
    },
    #[error(
        "the log cannot be read: {what}. Run `terrarium verify`, then restore the log from a backup"
    )]
    Damaged { what: String },
    /// A store in this process never answers it.
    #[error("{0}")]
    Unavailable(String),
}

/// Why the store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process, or another part of this one, has the folder open.
    #[error(transparent)]
    Lock(#[from] terrarium_eventlog::LockError),
    #[error(transparent)]
    Log(#[from] terrarium_eventlog::OpenError),
    #[error("cannot read the index of the last sealed segment: {0}")]
    Index(ReadError),
    #[error("cannot start the writer thread: {0}")]
    Thread(std::io::Error),
}
