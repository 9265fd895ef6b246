//! What a scan says about the first thing that is wrong.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use terrarium_eventlog::{FrameFault, OpenError, SealFault};
use thiserror::Error;

use crate::event::Position;

/// The first thing that is wrong in a log.
///
/// Stream and revision are given where they are known: for a damaged commit they are what its readable part says,
/// if that continues the stream; the event itself is named when its own record, or a single changed byte of it, is the cause.
#[derive(Debug, Error)]
pub struct ScanError {
    pub path: PathBuf,
    /// Byte offset in the log: of the damaged event's record when it is known, of the damaged commit otherwise.
    pub position: u64,
    pub stream: Option<Arc<str>>,
    pub revision: Option<u64>,
    /// Number of events in the log before the damaged event (or commit): its index in the global order.
    pub event_index: u64,
    #[source]
    pub problem: ScanProblem,
}

/// What is wrong.
#[derive(Debug, Error)]
pub enum ScanProblem {
    #[error("cannot read the log: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Header(terrarium_eventlog::HeaderFault),
    /// A segment that is missing, or a footer that is damaged.
    #[error("{0}")]
    Segment(String),
    /// Records or an index that are not as they were sealed.
    #[error("{0}")]
    Seal(SealFault),
    #[error("the index of the segment is not what its records give")]
    Index,
    #[error("{fault}{}", describe_changed_byte(*changed_byte))]
    Frame {
        fault: FrameFault,
        /// Byte offset in the log of the one changed byte that explains the checksum, if exactly one does.
        changed_byte: Option<u64>,
    },
    #[error("the commit cannot be read: {0}")]
    Commit(String),
    #[error(
        "the commit continues the stream at revision {found}, but the stream has {expected} events"
    )]
    Revision { found: u64, expected: u64 },
    #[error("the log ends at byte {end}, before the event at {until} that it should hold")]
    Shortened { end: u64, until: Position },
    #[error("position {until} is inside an event, not at its start")]
    NotAnEvent { until: Position },
}

fn describe_changed_byte(changed_byte: Option<u64>) -> String {
    changed_byte.map_or_else(String::new, |position| {
        format!("; a change of the one byte {position} explains it")
    })
}

impl fmt::Display for ScanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: byte {}", self.path.display(), self.position)?;
        if let Some(stream) = &self.stream {
            write!(formatter, ", stream {stream}")?;
        }
        if let Some(revision) = self.revision {
            write!(formatter, ", revision {revision}")?;
        }
        write!(
            formatter,
            ", event {} of the log: {}",
            self.event_index, self.problem
        )
    }
}

pub(crate) fn open_error(folder: &Path, error: OpenError) -> ScanError {
    match error {
        OpenError::Header { path, fault } => file_error(path, 0, ScanProblem::Header(fault)),
        OpenError::Io { path, source, .. } => file_error(path, 0, source.into()),
        OpenError::Footer { path, fault } => {
            let problem = ScanProblem::Segment(fault.to_string());
            file_error(path, 0, problem)
        }
        OpenError::Layout { path, what } => file_error(path, 0, ScanProblem::Segment(what)),
        other => file_error(
            folder.to_owned(),
            0,
            ScanProblem::Segment(other.to_string()),
        ),
    }
}

pub(crate) fn file_error(path: PathBuf, position: u64, problem: ScanProblem) -> ScanError {
    ScanError {
        path,
        position,
        stream: None,
        revision: None,
        event_index: 0,
        problem,
    }
}
