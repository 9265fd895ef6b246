use std::ops::Range;
use std::sync::{Arc, RwLock};

use terrarium_eventlog::{Frame, FrameError, FrameFetcher, HEADER_BYTES, LogReader, is_gap};
use uuid::Uuid;

use crate::encoding::{CommitFault, CommitReader};
use crate::error::ReadError;
use crate::event::{Position, RecordedEvent};
use crate::group::FoundEvent;
use crate::index::Index;
use crate::lists::{ListKind, Run};
use crate::names::{NameCache, NameTable};
use crate::page::{Direction, PageLimit, next_window};
use crate::replay::{REPLAY_CHUNK_BYTES, Replay};

const LARGEST_CHUNK_BYTES: usize = 1024 * 1024;
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
    pub fn index(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().expect("no one panics holding the index")
    }

    pub fn name_cache(&self) -> NameCache<'_> {
        NameCache::over(&self.names)
    }

    /// Events of a stream from a revision on, at most `max_events`; those that were scavenged are passed over.
    pub fn read_stream(
        &self,
        stream: &str,
        from_revision: u64,
        max_events: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut wanted = from_revision..from_revision.saturating_add(max_events as u64);
        let mut events = self.read_revisions(stream, &wanted)?;
        let mut window = max_events;
        while events.len() < max_events && wanted.end < self.stream_facts(stream)?.count {
            window = next_window(window);
            wanted = wanted.end..wanted.end.saturating_add(window as u64);
            let runs = self.runs(ListKind::Stream, stream, &wanted)?;
            let limit = PageLimit {
                events: max_events - events.len(),
                bytes: usize::MAX,
            };
            let more = self.events_of_runs(&runs, Direction::Forwards, limit)?;
            events.extend(more.into_iter().map(|(event, _)| event));
        }
        Ok(events)
    }

    /// The event of a stream at exactly this revision, unless it was scavenged.
    pub fn read_revision(
        &self,
        stream: &str,
        revision: u64,
    ) -> Result<Option<RecordedEvent>, ReadError> {
        let wanted = revision..revision.saturating_add(1);
        Ok(self.read_revisions(stream, &wanted)?.pop())
    }

    /// Events of a stream with these revisions, without those that were scavenged.
    pub fn read_revisions(
        &self,
        stream: &str,
        wanted: &Range<u64>,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        let mut fetcher = self.log.fetcher();
        let names = self.name_cache();
        for run in self.runs(ListKind::Stream, stream, wanted)? {
            self.events_of_run(&mut fetcher, &names, &run, |event| {
                if &**event.stream != stream || event.revision < wanted.start {
                    return Err(wrong_index(&run));
                }
                events.push(event.build());
                Ok(())
            })?;
        }
        Ok(events)
    }

    /// The frame of a commit that the index knows; `None`: it was scavenged.
    fn indexed_frame(
        &self,
        fetcher: &mut FrameFetcher,
        position: u64,
    ) -> Result<Option<Frame>, ReadError> {
        match fetcher.frame(position) {
            Ok(frame) if is_gap(&frame.body) => Ok(None),
            Ok(frame) => Ok(Some(frame)),
            Err(error) => match self.log.is_removed(position) {
                Ok(true) => Ok(None),
                _ => Err(damaged_frame(error)),
            },
        }
    }

    /// Gives the events of a run to `visit`, in order; none where they were scavenged.
    pub fn events_of_run(
        &self,
        fetcher: &mut FrameFetcher,
        names: &NameCache<'_>,
        run: &Run,
        mut visit: impl FnMut(&EventInFrame<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Some(frame) = self.indexed_frame(fetcher, run.frame)? else {
            return Ok(());
        };
        let first = u64::from(run.ordinal);
        let mut ordinal = 0;
        self.each_event(names, &frame, |event| {
            if ordinal >= first {
                visit(event)?;
            }
            ordinal += 1;
            Ok(ordinal < first + run.count)
        })?;
        if ordinal < first + run.count {
            return Err(wrong_index(run));
        }
        Ok(())
    }

    /// The newest event of the frame at `frame` with this id.
    pub fn event_in_frame(&self, frame: u64, id: &Uuid) -> Result<Option<FoundEvent>, ReadError> {
        let Some(frame) = self.indexed_frame(&mut self.log.fetcher(), frame)? else {
            return Ok(None);
        };
        let mut found = None;
        self.each_event(&self.name_cache(), &frame, |event| {
            if event.view.id == *id {
                found = Some(FoundEvent {
                    stream: event.stream.clone(),
                    revision: event.revision,
                    position: event.position(),
                });
            }
            Ok(true)
        })?;
        Ok(found)
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
        let names = self.name_cache();
        for frame in self.log.frames(start, end, wanted_bytes) {
            let frame = frame.map_err(damaged_frame)?;
            let mut full = false;
            // Whoever was at an event that was scavenged since goes on behind it.
            after_is_event |= is_gap(&frame.body);
            self.each_event(&names, &frame, |event| {
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

    /// Walks what is recorded after a position, which need not be that of an event.
    pub fn replay(self: &Arc<Self>, after: Option<Position>) -> Result<Replay, ReadError> {
        let end = self.index().end();
        let begin = match after {
            None => 0,
            Some(after) => self
                .commit_around(after.0)?
                .map_or(after.0, |(begin, _)| begin),
        };
        let frames = self.log.frames(begin.min(end), end, REPLAY_CHUNK_BYTES);
        Ok(Replay::new(self.clone(), frames, after))
    }

    /// From the commit that holds `after` to the end of the log.
    fn range_after(&self, after: Option<Position>) -> Result<(u64, u64), ReadError> {
        let (last, end) = {
            let index = self.index();
            (index.last_position(), index.end())
        };
        let Some(position) = after else {
            return Ok((HEADER_BYTES.min(end), end));
        };
        if last.is_none_or(|last| position > last) {
            return Err(ReadError::BeyondEnd { position, last });
        }
        if last == Some(position) {
            return Ok((end, end));
        }
        let (begin, _) = self
            .commit_around(position.0)?
            .ok_or(ReadError::NotAnEvent { position })?;
        Ok((begin, end))
    }

    /// Refuses a position that this log never gave out. One beyond its end may be of a later state of it.
    pub fn check_position(&self, position: Position) -> Result<(), ReadError> {
        let last = self.index().last_position();
        let Some((begin, _)) = self
            .commit_around(position.0)?
            .filter(|_| last.is_some_and(|last| position < last))
        else {
            return Ok(());
        };
        let frame = self.log.frame_at(begin).map_err(damaged_frame)?;
        let mut is_event = is_gap(&frame.body);
        self.each_event(&self.name_cache(), &frame, |event| {
            is_event |= event.position() == position;
            Ok(event.position() < position)
        })?;
        if is_event {
            Ok(())
        } else {
            Err(ReadError::NotAnEvent { position })
        }
    }

    pub fn event_at(&self, position: Position) -> Result<RecordedEvent, ReadError> {
        let last = self.index().last_position();
        if last.is_none_or(|last| position > last) {
            return Err(ReadError::BeyondEnd { position, last });
        }
        let (begin, _) = self
            .commit_around(position.0)?
            .ok_or(ReadError::NotAnEvent { position })?;
        let frame = self.log.frame_at(begin).map_err(damaged_frame)?;
        let mut found = None;
        self.each_event(&self.name_cache(), &frame, |event| {
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
        names: &NameCache<'_>,
        frame: &Frame,
        mut visit: impl FnMut(&EventInFrame<'_>) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        let commit =
            CommitReader::new(&frame.body).map_err(|fault| damaged_commit(frame, &fault))?;
        let stream = names.intern(commit.stream);
        for view in commit {
            let view = view.map_err(|fault| damaged_commit(frame, &fault))?;
            let event = EventInFrame {
                frame,
                stream: &stream,
                names,
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
pub(crate) struct EventInFrame<'a> {
    frame: &'a Frame,
    pub stream: &'a Arc<str>,
    names: &'a NameCache<'a>,
    pub revision: u64,
    view: crate::encoding::EventView<'a>,
}

impl EventInFrame<'_> {
    fn position(&self) -> Position {
        Position(self.frame.body_position() + self.view.offset as u64)
    }

    fn content_bytes(&self) -> usize {
        self.view.data.len() + self.view.metadata.len()
    }

    pub fn build(&self) -> RecordedEvent {
        self.view.to_recorded(
            &self.frame.body,
            self.frame.body_position(),
            self.stream,
            self.names,
        )
    }
}

fn wrong_index(run: &Run) -> ReadError {
    ReadError::Damaged {
        what: format!(
            "the index has an event in the commit at byte {} that is not there",
            run.frame
        ),
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
