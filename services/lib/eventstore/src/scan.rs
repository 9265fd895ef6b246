// A scan ends with its first error, which tells all it knows.
#![allow(clippy::result_large_err)]

use std::collections::HashMap;

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use terrarium_eventlog::{
    Digest, FRAME_HEADER_BYTES, Frame, FrameCursor, FrameError, FrameFault, FrameProblem, LogFiles,
    OpenError, SealFault, check_segment, locate_changed_byte,
};
use thiserror::Error;

use crate::encoding::{CommitFault, CommitReader};
use crate::event::{Position, RecordedEvent};
use crate::names::{NameCache, NameTable};
use crate::segment_scan::SegmentScan;
use crate::store::LOG_FOLDER;

const CHUNK_BYTES: usize = 1024 * 1024;
/// Stands for the number of events of a stream that can have no more.
const TOMBSTONED: u64 = u64::MAX;
/// More than the largest frame, so that a damaged one can be looked at whole.
const DAMAGED_FRAME_BYTES: u64 = 4 * 1024 * 1024 + 64;

/// Reads a log from its first byte and trusts nothing: every event in order, or the first thing that is wrong.
///
/// What it compares: headers, footers and how the segments follow each other, every frame, every commit and how its stream goes
/// on; and at the end of a sealed segment its records with their tree hash, and its index with one that is made again.
///
/// Needs no lock and changes nothing, so a store may be appending meanwhile. The scan ends where the log ended when
/// it was opened; a store that is just writing may have half a commit there, which [`until`](Scan::until) leaves out.
#[derive(Debug)]
pub struct Scan {
    files: LogFiles,
    /// How many sealed segments are behind the scan.
    segments_done: usize,
    segment: SegmentScan,
    frames: FrameCursor,
    until: Option<Position>,
    names: NameTable,
    revisions: HashMap<Arc<str>, u64>,
    events_before: u64,
    last_position: Option<Position>,
    ready: VecDeque<RecordedEvent>,
    /// What is wrong behind the events that are ready.
    fault_behind_ready: Option<ScanError>,
    finished: bool,
}

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

impl Scan {
    /// Opens the log of the data folder `folder` for reading.
    pub fn open(folder: &Path) -> Result<Scan, ScanError> {
        let folder = folder.join(LOG_FOLDER);
        let files = LogFiles::open(&folder).map_err(|error| open_error(&folder, error))?;
        let frames = files
            .frames(CHUNK_BYTES)
            .map_err(|error| file_error(folder, 0, error.into()))?;
        Ok(Scan {
            files,
            segments_done: 0,
            segment: SegmentScan::new(),
            frames,
            until: None,
            names: NameTable::default(),
            revisions: HashMap::new(),
            events_before: 0,
            last_position: None,
            ready: VecDeque::new(),
            fault_behind_ready: None,
            finished: false,
        })
    }

    /// Ends after the event at `position`; a log that does not reach it is an error.
    pub fn until(mut self, position: Position) -> Scan {
        self.until = Some(position);
        self
    }

    /// How many segments are sealed, and the seal of the last: the hash of the log up to its end.
    pub fn seals(&self) -> (u64, Option<Digest>) {
        let sealed = self.files.sealed();
        let last = sealed.last().map(|last| last.footer().seal());
        (sealed.len() as u64, last)
    }

    /// What is wrong with each sealed segment by itself. Reads all of them; a scan ends at the first thing that is wrong.
    pub fn segment_problems(&self) -> Vec<ScanError> {
        let problems = self.files.sealed().iter().filter_map(|sealed| {
            let fault = check_segment(sealed).err()?;
            let position = match &fault {
                SealFault::Frame(error) => error.position,
                SealFault::Records { start, .. } => *start,
                _ => sealed.end(),
            };
            let problem = ScanProblem::Seal(fault);
            Some(file_error(sealed.path(), position, problem))
        });
        problems.collect()
    }

    /// Length of the log when the scan was opened, in bytes: for a progress bar.
    pub fn log_bytes(&self) -> u64 {
        self.frames.end()
    }

    /// How far the scan is, in bytes.
    pub fn scanned_bytes(&self) -> u64 {
        self.frames.position()
    }

    fn reached_until(&self) -> bool {
        self.until
            .is_some_and(|until| self.last_position.is_some_and(|last| last >= until))
    }

    fn end_of_log(&self) -> Option<ScanError> {
        let until = self.until?;
        if self.reached_until() {
            return None;
        }
        let end = self.frames.end();
        Some(self.error(
            end,
            None,
            None,
            self.events_before,
            ScanProblem::Shortened { end, until },
        ))
    }

    fn error(
        &self,
        position: u64,
        stream: Option<Arc<str>>,
        revision: Option<u64>,
        event_index: u64,
        problem: ScanProblem,
    ) -> ScanError {
        ScanError {
            path: self.files.path_at(position).unwrap_or_default(),
            position,
            stream,
            revision,
            event_index,
            problem,
        }
    }

    fn revision_of(&self, stream: &str) -> u64 {
        self.revisions.get(stream).copied().unwrap_or(0)
    }

    /// What is wrong with a segment is told behind the events of its last frame.
    fn take_frame_and_seal(&mut self, frame: &Frame) -> Result<(), ScanError> {
        self.take_frame(frame)?;
        if self.fault_behind_ready.is_none()
            && let Err(error) = self.take_into_segment(frame)
        {
            self.fault_behind_ready = Some(error);
        }
        Ok(())
    }

    /// Takes a frame into what is compared at the end of its segment.
    fn take_into_segment(&mut self, frame: &Frame) -> Result<(), ScanError> {
        let Some(sealed) = self.files.sealed().get(self.segments_done) else {
            return Ok(());
        };
        let raw = self.frames.raw_frame(frame);
        let revisions = &self.revisions;
        self.segment.take(frame, &raw, |stream| {
            revisions.get(stream).copied().unwrap_or(0)
        });
        if frame.next_position() < sealed.end() {
            return Ok(());
        }
        self.segments_done += 1;
        self.segment.compare(sealed).map_err(|problem| {
            let position = match &problem {
                ScanProblem::Seal(SealFault::Records { start, .. }) => *start,
                _ => sealed.end(),
            };
            ScanError {
                event_index: self.events_before,
                ..file_error(sealed.path(), position, problem)
            }
        })
    }

    /// Checks a whole frame, then makes its events ready.
    fn take_frame(&mut self, frame: &Frame) -> Result<(), ScanError> {
        let commit_problem = |fault: &CommitFault| ScanProblem::Commit(fault.to_string());
        let mut commit = CommitReader::new(&frame.body).map_err(|fault| {
            self.error(
                frame.position,
                None,
                None,
                self.events_before,
                commit_problem(&fault),
            )
        })?;
        let names = NameCache::over(&self.names);
        let stream = names.intern(commit.stream);
        let expected = self.revision_of(&stream);
        let found = commit.first_revision;
        if found != expected && !(commit.is_tombstone && expected != TOMBSTONED) {
            let problem = ScanProblem::Revision { found, expected };
            return Err(self.error(
                frame.position,
                Some(stream),
                Some(found),
                self.events_before,
                problem,
            ));
        }
        let next_revision = if commit.is_tombstone {
            TOMBSTONED
        } else {
            commit.next_revision()
        };
        let mut events = VecDeque::new();
        while let Some(event) = commit.next() {
            match event {
                Ok(event) => {
                    events.push_back(event.to_recorded(
                        &frame.body,
                        frame.body_position(),
                        &stream,
                        &names,
                    ));
                }
                Err(fault) => {
                    let position = frame.body_position() + commit.offset as u64;
                    let revision = found + u64::from(commit.events_read);
                    let event_index = self.events_before + u64::from(commit.events_read);
                    let problem = commit_problem(&fault);
                    let error =
                        self.error(position, Some(stream), Some(revision), event_index, problem);
                    // Where a length was changed, the event that holds it still parses and the next one is what can't be
                    // read. Handing out the events before it lets their digests tell which one was changed.
                    self.events_before += events.len() as u64;
                    self.ready = events;
                    self.fault_behind_ready = Some(error);
                    return Ok(());
                }
            }
        }
        if let Some(until) = self.until {
            let passed = until.0 < frame.next_position();
            if passed && !events.iter().any(|event| event.position == until) {
                let problem = ScanProblem::NotAnEvent { until };
                return Err(self.error(until.0, Some(stream), None, self.events_before, problem));
            }
            events.retain(|event| event.position <= until);
        }
        self.events_before += events.len() as u64;
        self.last_position = events
            .back()
            .map(|event| event.position)
            .or(self.last_position);
        self.revisions.insert(stream, next_revision);
        self.ready = events;
        Ok(())
    }

    /// Says as much as can be said about a frame that cannot be read.
    fn describe(&self, error: FrameError) -> ScanError {
        let position = error.position;
        let fault = match error.problem {
            FrameProblem::Io(error) => {
                return self.error(position, None, None, self.events_before, error.into());
            }
            outside @ FrameProblem::Outside => {
                let problem = ScanProblem::Segment(outside.to_string());
                return self.error(position, None, None, self.events_before, problem);
            }
            FrameProblem::Fault(fault) => fault,
        };
        let raw = self
            .frames
            .raw_bytes(position, DAMAGED_FRAME_BYTES)
            .unwrap_or_default();
        let named = self.name_damage(position, &raw, &fault);
        let problem = ScanProblem::Frame {
            fault,
            changed_byte: named.changed_byte,
        };
        let position = named.event_position.unwrap_or(position);
        self.error(
            position,
            named.stream,
            named.revision,
            self.events_before + named.events_in_commit_before,
            problem,
        )
    }

    fn name_damage(&self, position: u64, raw: &Bytes, fault: &FrameFault) -> NamedDamage {
        let mut named = NamedDamage::default();
        let Some(length) = raw.get(..4) else {
            return named;
        };
        let body_bytes =
            u32::from_le_bytes(length.try_into().expect("four bytes were taken")) as usize;
        let mut frame_bytes_now = raw.to_vec();
        if let FrameFault::Checksum { stored, computed } = fault
            && let Some(changed) = locate_changed_byte(stored ^ computed, body_bytes)
        {
            frame_bytes_now[changed.offset_in_frame] ^= changed.difference;
            named.changed_byte = Some(position + changed.offset_in_frame as u64);
        }
        let body_end = (FRAME_HEADER_BYTES + body_bytes).min(frame_bytes_now.len());
        let Some(body) = frame_bytes_now.get(FRAME_HEADER_BYTES..body_end) else {
            return named;
        };
        let Ok(commit) = CommitReader::new(body) else {
            return named;
        };
        // Only a commit that continues its stream is believed.
        if commit.first_revision != self.revision_of(commit.stream) {
            return named;
        }
        named.stream = Some(Arc::from(commit.stream));
        named.revision = Some(commit.first_revision);
        let Some(changed_byte) = named.changed_byte else {
            return named;
        };
        for (event, number) in commit.map_while(Result::ok).zip(0u64..) {
            let event_position = position + (FRAME_HEADER_BYTES + event.offset) as u64;
            if event_position > changed_byte {
                break;
            }
            named.event_position = Some(event_position);
            named.revision = Some(event.revision);
            named.events_in_commit_before = number;
        }
        named
    }
}

#[derive(Default)]
struct NamedDamage {
    changed_byte: Option<u64>,
    stream: Option<Arc<str>>,
    revision: Option<u64>,
    event_position: Option<u64>,
    events_in_commit_before: u64,
}

fn open_error(folder: &Path, error: OpenError) -> ScanError {
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

fn file_error(path: PathBuf, position: u64, problem: ScanProblem) -> ScanError {
    ScanError {
        path,
        position,
        stream: None,
        revision: None,
        event_index: 0,
        problem,
    }
}

impl Iterator for Scan {
    type Item = Result<RecordedEvent, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if let Some(error) = self.fault_behind_ready.take() {
                self.finished = true;
                return Some(Err(error));
            }
            if self.finished || self.reached_until() {
                return None;
            }
            let taken = match self.frames.next() {
                None => {
                    self.finished = true;
                    return self.end_of_log().map(Err);
                }
                Some(Ok(frame)) => self.take_frame_and_seal(&frame),
                Some(Err(error)) => Err(self.describe(error)),
            };
            if let Err(error) = taken {
                self.finished = true;
                return Some(Err(error));
            }
        }
    }
}
