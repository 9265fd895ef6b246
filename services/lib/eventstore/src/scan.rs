// A scan ends with its first error, which tells all it knows.
#![allow(clippy::result_large_err)]

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use terrarium_eventlog::{
    Digest, FRAME_HEADER_BYTES, FolderLock, Frame, FrameCursor, FrameError, FrameFault,
    FrameProblem, LogFiles, SealFault, check_segment, locate_changed_byte,
};

use crate::encoding::{CommitFault, CommitReader};
use crate::event::{Position, RecordedEvent};
use crate::names::{NameCache, NameTable};
use crate::scan_error::{ScanError, ScanProblem, file_error, open_error};
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
/// Needs no lock and changes nothing, so a store may be appending meanwhile ([`is_live`](Scan::is_live)). The scan ends where the
/// log ended when it was opened, and leaves out what the store has not finished writing.
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

impl Scan {
    /// Opens the log of the data folder `data` for reading.
    pub fn open(data: &Path) -> Result<Scan, ScanError> {
        let folder = data.join(LOG_FOLDER);
        let is_in_use = || FolderLock::is_held(data);
        let files = LogFiles::open_beside(&folder, &is_in_use)
            .map_err(|error| open_error(&folder, error))?;
        let frames = files.frames(CHUNK_BYTES);
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

    /// True when a store had the log open and could append to it.
    pub fn is_live(&self) -> bool {
        self.files.unproven_from().is_some()
    }

    /// Of how many segments something was scavenged, and how many commits that were.
    pub fn scavenged(&self) -> (u64, u64) {
        let sealed = self.files.sealed().iter();
        let scavenged = sealed.filter_map(|sealed| sealed.footer().scavenged.as_ref());
        scavenged.fold((0, 0), |(segments, commits), scavenged| {
            (segments + 1, commits + scavenged.removed_frames)
        })
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
        let (names, revisions) = (&self.names, &mut self.revisions);
        let mut revise = |stream: &str, count: Option<u64>| {
            revisions.insert(names.intern(stream), count.unwrap_or(TOMBSTONED));
        };
        self.segment
            .compare(sealed, &mut revise)
            .map_err(|problem| {
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
        let segment = self.files.sealed().get(self.segments_done);
        let is_scavenged = segment.is_some_and(|segment| segment.footer().scavenged.is_some());
        if commit.is_removed {
            if is_scavenged {
                return Ok(());
            }
            let what = "commits were removed from a segment that was not scavenged";
            let problem = ScanProblem::Commit(what.to_owned());
            let before = self.events_before;
            return Err(self.error(frame.position, None, None, before, problem));
        }
        let names = NameCache::over(&self.names);
        let stream = names.intern(commit.stream);
        let expected = self.revision_of(&stream);
        let found = commit.first_revision;
        let goes_on = match expected {
            TOMBSTONED => false,
            _ if commit.is_tombstone => true,
            // Commits between may have been removed.
            _ if is_scavenged => found >= expected,
            _ => found == expected,
        };
        if !goes_on {
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

    /// A store takes back what it could not write whole. It was never acknowledged.
    fn was_taken_back(&self, error: &FrameError) -> bool {
        let unproven_from = self.files.unproven_from();
        unproven_from.is_some_and(|from| error.position >= from)
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
                Some(Err(error)) if self.was_taken_back(&error) => {
                    self.finished = true;
                    return self.end_of_log().map(Err);
                }
                Some(Err(error)) => Err(self.describe(error)),
            };
            if let Err(error) = taken {
                self.finished = true;
                return Some(Err(error));
            }
        }
    }
}
