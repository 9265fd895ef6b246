use std::sync::{Arc, RwLock};

use terrarium_eventlog::{Frame, FrameError, HEADER_BYTES, LogReader};

use crate::encoding::{CommitFault, CommitReader};
use crate::error::ReadError;
use crate::event::{Position, RecordedEvent};
use crate::index::Index;
use crate::names::NameTable;
use crate::page::{AllCursor, PageLimit};
use crate::recent::{RecentEvent, RecentEvents};

const LARGEST_CHUNK_BYTES: usize = 1024 * 1024;
/// The newest events that are looked at for their ids have at most this much data.
const RECENT_BYTES: usize = 32 * 1024 * 1024;
/// A guess at the size of one event, to not read a megabyte for the sake of ten.
const GUESSED_EVENT_BYTES: usize = 1024;

/// The readable side of the store, shared by its handles and its writer thread.
#[derive(Debug)]
pub(crate) struct Contents {
    pub index: RwLock<Index>,
    pub names: NameTable,
    pub log: LogReader,
}

impl Contents {
    pub fn stream_revision(&self, stream: &str) -> u64 {
        self.index().revision(stream)
    }

    pub fn index(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().expect("no one panics holding the index")
    }

    pub fn read_stream(
        &self,
        stream: &str,
        from_revision: u64,
        max_events: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let (commits, until_revision) = self.commits_of_stream(stream, from_revision, max_events);
        let mut events =
            Vec::with_capacity((until_revision.saturating_sub(from_revision)) as usize);
        for (begin, end) in commits {
            let frame = self.log.read_frame(begin, end).map_err(damaged_frame)?;
            self.each_event(&frame, |event| {
                if event.revision >= from_revision && event.revision < until_revision {
                    events.push(event.build());
                }
                Ok(event.revision + 1 < until_revision)
            })?;
        }
        Ok(events)
    }

    /// Boundaries of the commits that hold the wanted events of a stream, and the revision to stop before.
    fn commits_of_stream(
        &self,
        stream: &str,
        from_revision: u64,
        max_events: usize,
    ) -> (Vec<(u64, u64)>, u64) {
        let index = self.index();
        let positions = index.positions(stream);
        let first = usize::try_from(from_revision)
            .unwrap_or(usize::MAX)
            .min(positions.len());
        let until = first.saturating_add(max_events).min(positions.len());
        let mut commits: Vec<(u64, u64)> = Vec::new();
        for position in &positions[first..until] {
            if commits.last().is_some_and(|(_, end)| position < end) {
                continue;
            }
            commits.push(
                index
                    .commit_around(*position)
                    .expect("every indexed event lies in an indexed commit"),
            );
        }
        (commits, until as u64)
    }

    /// The newest events, by their ids.
    pub fn recent_events(&self) -> Result<RecentEvents, ReadError> {
        let mut recent = RecentEvents::default();
        let newest = self.read_all_page(
            AllCursor::END,
            PageLimit {
                events: RecentEvents::capacity(),
                bytes: RECENT_BYTES,
            },
        )?;
        for event in newest.into_iter().rev() {
            let place = RecentEvent {
                stream: event.stream,
                revision: event.revision,
                position: event.position,
            };
            recent.add(event.id, place);
        }
        Ok(recent)
    }

    pub fn read_all(
        &self,
        after: Option<Position>,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let (start, end) = self.range_after(after)?;
        if max_events == 0 || start == end {
            return Ok(Vec::new());
        }
        let wanted_bytes = max_events
            .saturating_mul(GUESSED_EVENT_BYTES)
            .min(max_bytes)
            .min(LARGEST_CHUNK_BYTES);
        let mut events = Vec::new();
        let mut event_bytes = 0;
        let mut after_is_event = after.is_none();
        for frame in self.log.frames(start, end, wanted_bytes) {
            let frame = frame.map_err(damaged_frame)?;
            let mut full = false;
            self.each_event(&frame, |event| {
                if let Some(after) = after.filter(|after| event.position() <= *after) {
                    after_is_event |= event.position() == after;
                    return Ok(true);
                }
                if !after_is_event {
                    return Err(not_an_event(after));
                }
                event_bytes += event.content_bytes();
                events.push(event.build());
                full = events.len() >= max_events || event_bytes >= max_bytes;
                Ok(!full)
            })?;
            if !after_is_event {
                return Err(not_an_event(after));
            }
            if full {
                break;
            }
        }
        Ok(events)
    }

    /// From the commit that holds `after` to the end of the log.
    fn range_after(&self, after: Option<Position>) -> Result<(u64, u64), ReadError> {
        let index = self.index();
        let Some(position) = after else {
            return Ok((HEADER_BYTES, index.end()));
        };
        let last = index.last_position();
        if last.is_none_or(|last| position > last) {
            return Err(ReadError::BeyondEnd { position, last });
        }
        if last == Some(position) {
            return Ok((index.end(), index.end()));
        }
        let (begin, _) = index
            .commit_around(position.0)
            .ok_or(ReadError::NotAnEvent { position })?;
        Ok((begin, index.end()))
    }

    pub fn event_at(&self, position: Position) -> Result<RecordedEvent, ReadError> {
        let around = {
            let index = self.index();
            let last = index.last_position();
            if last.is_none_or(|last| position > last) {
                return Err(ReadError::BeyondEnd { position, last });
            }
            index.commit_around(position.0)
        };
        let (begin, end) = around.ok_or(ReadError::NotAnEvent { position })?;
        let frame = self.log.read_frame(begin, end).map_err(damaged_frame)?;
        let mut found = None;
        self.each_event(&frame, |event| {
            if event.position() == position {
                found = Some(event.build());
            }
            Ok(event.position() < position)
        })?;
        found.ok_or(ReadError::NotAnEvent { position })
    }

    /// Gives the events of a frame to `visit` until it answers `false`.
    fn each_event(
        &self,
        frame: &Frame,
        mut visit: impl FnMut(&EventInFrame<'_>) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let commit =
            CommitReader::new(&frame.body).map_err(|fault| damaged_commit(frame, &fault))?;
        let stream = self.names.intern(commit.stream);
        for view in commit {
            let view = view.map_err(|fault| damaged_commit(frame, &fault))?;
            let event = EventInFrame {
                frame,
                stream: &stream,
                names: &self.names,
                revision: view.revision,
                view,
            };
            if !visit(&event)? {
                break;
            }
        }
        Ok(())
    }
}

/// An event that was walked over and is only built when it is wanted.
struct EventInFrame<'a> {
    frame: &'a Frame,
    stream: &'a Arc<str>,
    names: &'a NameTable,
    revision: u64,
    view: crate::encoding::EventView<'a>,
}

impl EventInFrame<'_> {
    fn position(&self) -> Position {
        Position(self.frame.body_position() + self.view.offset as u64)
    }

    fn content_bytes(&self) -> usize {
        self.view.data.len() + self.view.metadata.len()
    }

    fn build(&self) -> RecordedEvent {
        self.view.to_recorded(
            &self.frame.body,
            self.frame.body_position(),
            self.stream,
            self.names,
        )
    }
}

fn not_an_event(after: Option<Position>) -> ReadError {
    ReadError::NotAnEvent {
        position: after.expect("only a given position can be wrong"),
    }
}

pub(crate) fn damaged_frame(error: FrameError) -> ReadError {
    ReadError::Damaged {
        what: error.to_string(),
    }
}

pub(crate) fn damaged_commit(frame: &Frame, fault: &CommitFault) -> ReadError {
    ReadError::Damaged {
        what: format!("commit at byte {}: {fault}", frame.position),
    }
}
