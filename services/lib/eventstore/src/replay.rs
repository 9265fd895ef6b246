//! Walking everything that was recorded as fast as memory allows: views into what was read, no copies.

use std::sync::Arc;

use terrarium_eventlog::{Frame, FrameCursor};
use uuid::Uuid;

use crate::encoding::{CommitReader, EventView};
use crate::error::ReadError;
use crate::event::{ContentType, Position, RecordedEvent, Ticks};
use crate::read::{Contents, damaged_commit, damaged_frame};

/// Read from the disk at a time; stays in a core's cache until it is walked.
pub(crate) const REPLAY_CHUNK_BYTES: usize = 256 * 1024;

/// Walks the commits of a store from a position to what was its end when the walk began.
///
/// Every frame's checksum and every commit's structure is checked on the way.
#[derive(Debug)]
pub struct Replay {
    contents: Arc<Contents>,
    frames: FrameCursor,
    /// Events up to here are left out.
    after: Option<Position>,
}

/// A commit in the log. Keeps the chunk that it was read in alive.
#[derive(Clone, Debug)]
pub struct RecordedCommit {
    contents: Arc<Contents>,
    frame: Frame,
    after: Option<Position>,
}

/// An event in the log, as slices of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRef<'a> {
    pub position: Position,
    pub stream: &'a str,
    /// Place in the stream, from 0; [`TOMBSTONE_REVISION`](crate::TOMBSTONE_REVISION) for a tombstone.
    pub revision: u64,
    pub id: Uuid,
    pub event_type: &'a str,
    pub content_type: ContentType,
    pub recorded: Ticks,
    pub data: &'a [u8],
    pub metadata: &'a [u8],
}

impl RecordedEvent {
    /// The event as slices of itself.
    pub fn view(&self) -> EventRef<'_> {
        EventRef {
            position: self.position,
            stream: &self.stream,
            revision: self.revision,
            id: self.id,
            event_type: &self.event_type,
            content_type: self.content_type,
            recorded: self.recorded,
            data: &self.data,
            metadata: &self.metadata,
        }
    }
}

impl Replay {
    pub(crate) fn new(
        contents: Arc<Contents>,
        frames: FrameCursor,
        after: Option<Position>,
    ) -> Replay {
        Replay {
            contents,
            frames,
            after,
        }
    }

    /// Takes what was recorded since the walk began, or last went on, behind what is left of it.
    pub(crate) fn go_on(&mut self) {
        let end = self.contents.index().end();
        if end > self.frames.end() {
            let from = self.frames.position();
            self.frames = self.contents.log.frames(from, end, REPLAY_CHUNK_BYTES);
        }
    }

    /// Gives every event to `visit`, in order. Ends with the first error, its own or of `visit`.
    pub fn each<E: From<ReadError>>(
        &mut self,
        mut visit: impl FnMut(&EventRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for frame in &mut self.frames {
            let frame = frame.map_err(|error| E::from(damaged_frame(error)))?;
            each_event(&frame, self.after, &mut visit)?;
        }
        Ok(())
    }
}

impl Iterator for Replay {
    type Item = Result<RecordedCommit, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let commit = self.frames.next()?.map_err(damaged_frame);
        Some(commit.map(|frame| RecordedCommit {
            contents: self.contents.clone(),
            frame,
            after: self.after,
        }))
    }
}

impl RecordedCommit {
    /// Gives every event of the commit to `visit`, in order.
    pub fn each<E: From<ReadError>>(
        &self,
        mut visit: impl FnMut(&EventRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        each_event(&self.frame, self.after, &mut visit)
    }

    /// Leaves out the events up to this one.
    pub(crate) fn go_on_after(&mut self, after: Option<Position>) {
        self.after = after;
    }

    /// The commit's events as other reads give them.
    pub fn events(&self) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut events = self
            .contents
            .events_of_frame(&self.contents.name_cache(), &self.frame)?;
        events.retain(|event| self.after.is_none_or(|after| event.position > after));
        Ok(events)
    }
}

fn each_event<E: From<ReadError>>(
    frame: &Frame,
    after: Option<Position>,
    visit: &mut impl FnMut(&EventRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let commit =
        CommitReader::new(&frame.body).map_err(|fault| E::from(damaged_commit(frame, &fault)))?;
    let stream = commit.stream;
    for view in commit {
        let view = view.map_err(|fault| E::from(damaged_commit(frame, &fault)))?;
        let event = event_ref(frame, stream, &view);
        if after.is_none_or(|after| event.position > after) {
            visit(&event)?;
        }
    }
    Ok(())
}

fn event_ref<'a>(frame: &'a Frame, stream: &'a str, view: &EventView<'a>) -> EventRef<'a> {
    EventRef {
        position: Position(frame.body_position() + view.offset as u64),
        stream,
        revision: view.revision,
        id: view.id,
        event_type: view.event_type,
        content_type: view.content_type,
        recorded: view.recorded,
        data: &frame.body[view.data.clone()],
        metadata: &frame.body[view.metadata.clone()],
    }
}
