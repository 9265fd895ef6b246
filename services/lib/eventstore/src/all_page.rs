//! Reading everything in the global order, in both directions.

use crate::error::ReadError;
use crate::event::{Position, RecordedEvent};
use crate::page::PageLimit;
use crate::read::{Contents, damaged_frame};

/// Read at a time when going forwards through the whole log, and what one event is guessed to take of it.
const FORWARDS_CHUNK_BYTES: usize = 256 * 1024;
const GUESSED_EVENT_BYTES: usize = 512;
/// Read at a time when going backwards through the whole log.
const BACKWARDS_CHUNK_BYTES: u64 = 256 * 1024;

/// Where a reader of all events is: between events, so every position is a cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AllCursor {
    /// Next is the first event at this position or after it.
    ForwardsFrom(Position),
    /// Next is the last event before this position.
    BackwardsBefore(Position),
}

impl AllCursor {
    /// Before the first event.
    pub const START: AllCursor = AllCursor::ForwardsFrom(Position(0));
    /// After the last event, going backwards.
    pub const END: AllCursor = AllCursor::BackwardsBefore(Position(u64::MAX));

    /// The cursor that goes on after an event.
    pub fn after(self, event: Position) -> AllCursor {
        match self {
            AllCursor::ForwardsFrom(_) => {
                AllCursor::ForwardsFrom(Position(event.0.saturating_add(1)))
            }
            AllCursor::BackwardsBefore(_) => AllCursor::BackwardsBefore(event),
        }
    }
}

impl Contents {
    pub fn read_all_page(
        &self,
        cursor: AllCursor,
        limit: PageLimit,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        match cursor {
            AllCursor::ForwardsFrom(position) => self.read_forwards(position, limit),
            AllCursor::BackwardsBefore(position) => self.read_backwards(position, limit),
        }
    }

    fn read_forwards(
        &self,
        from: Position,
        limit: PageLimit,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let (last, end) = {
            let index = self.index();
            (index.last_position(), index.end())
        };
        if last.is_none_or(|last| from > last) {
            return Ok(Vec::new());
        }
        // Outside the commits a segment begins, and its first event is the next one.
        let begin = self
            .commit_around(from.0)?
            .map_or(from.0, |(begin, _)| begin);
        let mut events = Vec::new();
        let mut event_bytes = 0;
        let guessed_bytes = limit.events.saturating_mul(GUESSED_EVENT_BYTES);
        let chunk_bytes = guessed_bytes.min(limit.bytes).min(FORWARDS_CHUNK_BYTES);
        let names = self.name_cache();
        for frame in self.log.frames(begin, end, chunk_bytes) {
            let frame = frame.map_err(damaged_frame)?;
            for event in self.events_of_frame(&names, &frame)? {
                if event.position < from {
                    continue;
                }
                event_bytes += event.data.len() + event.metadata.len();
                events.push(event);
                if events.len() >= limit.events || event_bytes >= limit.bytes {
                    return Ok(events);
                }
            }
        }
        Ok(events)
    }

    fn read_backwards(
        &self,
        before: Position,
        limit: PageLimit,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut events = Vec::new();
        let mut event_bytes = 0;
        let names = self.name_cache();
        let end_of_log = self.index().end();
        let mut end = self
            .commit_around(before.0)?
            .map_or(before.0.min(end_of_log), |(_, end)| end);
        loop {
            let Some(begin) = self.commits_before(end, BACKWARDS_CHUNK_BYTES)? else {
                return Ok(events);
            };
            let mut chunk = Vec::new();
            for frame in self.log.frames(begin, end, BACKWARDS_CHUNK_BYTES as usize) {
                let frame = frame.map_err(damaged_frame)?;
                chunk.extend(self.events_of_frame(&names, &frame)?);
            }
            for event in chunk.into_iter().rev() {
                if event.position >= before {
                    continue;
                }
                event_bytes += event.data.len() + event.metadata.len();
                events.push(event);
                if events.len() >= limit.events || event_bytes >= limit.bytes {
                    return Ok(events);
                }
            }
            end = begin;
        }
    }

    /// Whether reading from here on may have to wait for the disk: what is not sealed was written lately, and is in memory.
    pub fn is_cold(&self, cursor: AllCursor) -> bool {
        let index = self.index();
        let base = index.active.base();
        match cursor {
            AllCursor::ForwardsFrom(position) => position.0 < base,
            AllCursor::BackwardsBefore(position) => {
                let end = position.0.min(index.end());
                !index.sealed.is_empty() && end.saturating_sub(BACKWARDS_CHUNK_BYTES) < base
            }
        }
    }
}
