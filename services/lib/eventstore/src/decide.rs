//! Whether a write happens, and staging it: the rules of expected revisions and of retries.
//!
//! The order of the rules is the one that clients of EventStoreDB rely on: a tombstone refuses everything; then the
//! expectation is checked, and where it fails the events may turn out to be there already, by their ids.

use std::sync::Arc;

use bytes::Bytes;
use terrarium_eventlog::LogWriter;
use uuid::Uuid;

use crate::encoding::{CommitHead, check_limits, encode_commit};
use crate::error::{AppendError, ReadError};
use crate::event::{
    ContentType, METADATA_TYPE, Position, ProposedEvent, TOMBSTONE_REVISION, TOMBSTONE_TYPE, Ticks,
    Written,
};
use crate::group::{Decision, FoundEvent, StagedCommit, Unsettled};
use crate::read::Contents;
use crate::recent::RecentEvents;
use crate::retention::{METADATA_PREFIX, Retention, deletion, described_stream, revival};
use crate::verdict::{StreamState, Verdict, verdict};
use crate::writer::{Change, Expected, Operation};

/// What a decision looks at, and stages into.
pub(crate) struct Deciding<'a> {
    pub log: &'a mut LogWriter,
    pub contents: &'a Contents,
    pub recent: &'a mut RecentEvents,
    pub unsettled: &'a mut Unsettled,
    /// When what is staged was recorded.
    pub recorded: Ticks,
}

impl Deciding<'_> {
    /// Carries out one operation, or finds out why not.
    pub fn decide(&mut self, operation: &Operation) -> Decision {
        let unreadable = |error: ReadError| Decision {
            result: Err(AppendError::Failed(error.to_string())),
            rests_on_group: false,
        };
        if let Err(error) = self.recent.load(self.contents) {
            return unreadable(error);
        }
        let state = match self.state(&operation.stream) {
            Ok(state) => state,
            Err(error) => return unreadable(error),
        };
        let described = described_stream(&operation.stream);
        let is_described_staged =
            described.is_some_and(|described| self.unsettled.tail_of(described).is_some());
        let staged_before = self.unsettled.staging.staged.len();
        let (result, rests_on_recent) = self.carry_out(operation, &state);
        let has_staged = self.unsettled.staging.staged.len() > staged_before;
        Decision {
            result,
            rests_on_group: state.in_group || is_described_staged || rests_on_recent || has_staged,
        }
    }

    fn state(&self, stream: &str) -> Result<StreamState, ReadError> {
        let facts = self.contents.stream_facts(stream)?;
        Ok(match self.unsettled.tail_of(stream) {
            None => StreamState {
                count: facts.count,
                is_tombstoned: facts.tombstone.is_some(),
                retention: facts.retention,
                in_group: false,
            },
            Some(tail) => StreamState {
                count: tail.next_revision(),
                is_tombstoned: facts.tombstone.is_some() || tail.is_tombstoned,
                retention: tail.retention.or(facts.retention),
                in_group: true,
            },
        })
    }

    /// The result, and whether it rests on recent events that may not yet be durable.
    fn carry_out(
        &mut self,
        operation: &Operation,
        state: &StreamState,
    ) -> (Result<Written, AppendError>, bool) {
        let events: &[ProposedEvent] = match &operation.change {
            Change::Append(events) | Change::Restore(events) => events,
            Change::Delete | Change::Tombstone => &[],
        };
        if let Err(error) = check_limits(&operation.stream, events) {
            return (Err(error), false);
        }
        if matches!(operation.expected, Expected::Count(_)) && events.is_empty() {
            return (Err(AppendError::Empty), false);
        }
        match self.describes_tombstoned(&operation.stream) {
            Ok(false) if !state.is_tombstoned => {}
            Ok(_) => return (Err(AppendError::StreamDeleted), false),
            Err(error) => return (Err(AppendError::Failed(error.to_string())), false),
        }
        let misfit = AppendError::WrongExpectedRevision {
            actual: state.count,
        };
        let found = match verdict(operation.expected, state) {
            Verdict::Fits => Ok(None),
            Verdict::FitsWeakly => {
                return match self.find_recent(&operation.stream, events) {
                    Err(error) => (Err(AppendError::Failed(error.to_string())), false),
                    Ok(found) => match found {
                        Recent::None => (self.write(operation, state, events), false),
                        Recent::All(written) => (Ok(written), true),
                        Recent::Some => (Err(misfit), true),
                    },
                };
            }
            Verdict::PerhapsAt(_) | Verdict::FitsUnlessAt(_) if events.is_empty() => {
                return (Err(misfit), false);
            }
            Verdict::PerhapsAt(revision) => {
                match self.find_at(operation, events, revision, state) {
                    Ok(None) => Err(misfit),
                    found => found,
                }
            }
            Verdict::FitsUnlessAt(revision) => self.find_at(operation, events, revision, state),
            Verdict::Misfits => Err(misfit),
        };
        match found {
            Ok(Some(written)) => (Ok(written), false),
            Ok(None) => (self.write(operation, state, events), false),
            Err(error) => (Err(error), false),
        }
    }

    fn describes_tombstoned(&self, stream: &str) -> Result<bool, ReadError> {
        match described_stream(stream) {
            None => Ok(false),
            Some(described) => Ok(self.state(described)?.is_tombstoned),
        }
    }

    /// Stages what the operation asks for; its expectation was checked.
    fn write(
        &mut self,
        operation: &Operation,
        state: &StreamState,
        events: &[ProposedEvent],
    ) -> Result<Written, AppendError> {
        match operation.change {
            Change::Append(_) | Change::Restore(_) if events.is_empty() => Ok(Written {
                revision: state.count.checked_sub(1),
                position: None,
                already_there: false,
            }),
            Change::Append(_) | Change::Restore(_) => {
                let position = self.stage(&operation.stream, state.count, state.count, events)?;
                // What is restored brings the metadata that revived the stream along.
                if state.is_deleted() && !matches!(operation.change, Change::Restore(_)) {
                    self.write_metadata(&operation.stream, |present| {
                        revival(present, state.count)
                    })?;
                }
                Ok(Written {
                    revision: Some(state.count + events.len() as u64 - 1),
                    position: Some(position),
                    already_there: false,
                })
            }
            Change::Delete => {
                let position = self.write_metadata(&operation.stream, deletion)?;
                Ok(Written {
                    revision: state.count.checked_sub(1),
                    position: Some(position),
                    already_there: false,
                })
            }
            Change::Tombstone => {
                let tombstone = [ProposedEvent {
                    id: Uuid::new_v4(),
                    event_type: Arc::from(TOMBSTONE_TYPE),
                    content_type: ContentType::Binary,
                    data: Bytes::new(),
                    metadata: Bytes::new(),
                }];
                let position = self.stage(
                    &operation.stream,
                    state.count,
                    TOMBSTONE_REVISION,
                    &tombstone,
                )?;
                Ok(Written {
                    revision: Some(TOMBSTONE_REVISION),
                    position: Some(position),
                    already_there: false,
                })
            }
        }
    }

    /// Stages new metadata for a stream, made from the present one.
    fn write_metadata(
        &mut self,
        stream: &str,
        change: impl FnOnce(Option<&[u8]>) -> Vec<u8>,
    ) -> Result<Position, AppendError> {
        let metadata_stream: Arc<str> = Arc::from(format!("{METADATA_PREFIX}{stream}"));
        let state = self
            .state(&metadata_stream)
            .map_err(|error| AppendError::Failed(error.to_string()))?;
        let staged = self
            .unsettled
            .tail_of(&metadata_stream)
            .and_then(|tail| tail.metadata.clone());
        let present = match (staged, state.count.checked_sub(1)) {
            (Some(staged), _) => Some(staged),
            (None, None) => None,
            (None, Some(last)) => self
                .contents
                .read_revision(&metadata_stream, last)
                .map_err(|error| AppendError::Failed(error.to_string()))?
                .map(|event| event.data),
        };
        let event = [ProposedEvent {
            id: Uuid::new_v4(),
            event_type: Arc::from(METADATA_TYPE),
            content_type: ContentType::Json,
            data: Bytes::from(change(present.as_deref())),
            metadata: Bytes::new(),
        }];
        check_limits(&metadata_stream, &event)?;
        self.stage(&metadata_stream, state.count, state.count, &event)
    }

    /// Puts a commit into the log's buffer; returns the position of its last event.
    fn stage(
        &mut self,
        stream: &Arc<str>,
        count: u64,
        first_revision: u64,
        events: &[ProposedEvent],
    ) -> Result<Position, AppendError> {
        let stream = self.contents.names.intern(stream);
        let metadata = metadata_of(&stream, events);
        // Asked before anything is staged, so that nothing is when it can't be answered.
        let described = match (described_stream(&stream), &metadata) {
            (Some(described), Some(metadata)) => {
                let state = self
                    .state(described)
                    .map_err(|error| AppendError::Failed(error.to_string()))?;
                let retention = Retention::parse(metadata, state.count);
                Some((Arc::<str>::from(described), state.count, retention))
            }
            _ => None,
        };
        let head = CommitHead {
            stream: &stream,
            first_revision,
            recorded: self.recorded,
        };
        let mut offsets = Vec::new();
        let frame = self
            .log
            .stage(|buffer| offsets = encode_commit(buffer, &head, events));
        let event_positions: Vec<u64> = offsets
            .iter()
            .map(|offset| frame.body_position + *offset as u64)
            .collect();
        for event in events {
            self.recent.add(event.id, frame.position);
        }
        let is_tombstone = first_revision == TOMBSTONE_REVISION;
        let tail = self.unsettled.tail_mut(&stream, count);
        if is_tombstone {
            tail.is_tombstoned = true;
        } else {
            let ids = events.iter().map(|event| event.id);
            tail.events
                .extend(ids.zip(event_positions.iter().copied().map(Position)));
        }
        tail.metadata = metadata.or(tail.metadata.take());
        let retention = described.as_ref().map(|(_, _, retention)| *retention);
        if let Some((described, described_count, retention)) = described {
            let tail = self.unsettled.tail_mut(&described, described_count);
            tail.retention = Some(retention);
        }
        let last_position = Position(*event_positions.last().expect("what is staged has an event"));
        let mut last_type: Option<(&str, Arc<str>)> = None;
        let mut intern_type = |event_type| match &last_type {
            Some((last, name)) if *last == event_type => Arc::clone(name),
            _ => {
                let name = self.contents.names.intern(event_type);
                last_type = Some((event_type, Arc::clone(&name)));
                name
            }
        };
        let ids_and_types = events
            .iter()
            .map(|event| (event.id, intern_type(&event.event_type)))
            .collect();
        self.unsettled.staging.staged.push(StagedCommit {
            stream,
            is_tombstone,
            recorded: self.recorded,
            commit_position: frame.position,
            first_revision,
            event_positions,
            events: ids_and_types,
            retention,
        });
        Ok(last_position)
    }

    /// Where a recent event with this id is.
    fn place_of(&self, id: &Uuid) -> Result<Option<FoundEvent>, ReadError> {
        let Some(frame) = self.recent.frame_of(id) else {
            return Ok(None);
        };
        match self.unsettled.event_in_frame(frame, id) {
            Some(staged) => Ok(Some(staged)),
            None => self.contents.event_in_frame(frame, id),
        }
    }

    fn find_recent(&self, stream: &str, events: &[ProposedEvent]) -> Result<Recent, ReadError> {
        let mut last = None;
        for (place, event) in events.iter().enumerate() {
            let found = self
                .place_of(&event.id)?
                .filter(|found| &*found.stream == stream);
            match found {
                None if place == 0 => return Ok(Recent::None),
                None => return Ok(Recent::Some),
                found => last = found,
            }
        }
        Ok(last.map_or(Recent::None, |last| {
            Recent::All(Written {
                revision: Some(last.revision),
                position: Some(last.position),
                already_there: true,
            })
        }))
    }

    /// What was written, if the stream already holds exactly these events at `revision`.
    fn find_at(
        &self,
        operation: &Operation,
        events: &[ProposedEvent],
        revision: u64,
        state: &StreamState,
    ) -> Result<Option<Written>, AppendError> {
        let until = revision.checked_add(events.len() as u64);
        let Some(until) = until.filter(|until| *until <= state.count) else {
            return Ok(None);
        };
        let mut there: Vec<(Uuid, Position)> = self
            .contents
            .read_revisions(&operation.stream, &(revision..until))
            .map_err(|error| AppendError::Failed(error.to_string()))?
            .into_iter()
            .map(|event| (event.id, event.position))
            .collect();
        let next = revision + there.len() as u64;
        let missing = events.len() - there.len();
        there.extend(self.unsettled.events_from(&operation.stream, next, missing));
        let same = events
            .iter()
            .map(|event| event.id)
            .eq(there.iter().map(|(id, _)| *id));
        Ok(there.last().filter(|_| same).map(|(_, position)| Written {
            revision: Some(revision + events.len() as u64 - 1),
            position: Some(*position),
            already_there: true,
        }))
    }
}

/// What the recent ids say about events that are to be appended.
enum Recent {
    /// The first one is new: so are all.
    None,
    /// The stream has all of them.
    All(Written),
    /// The stream has the first, but not all.
    Some,
}

/// The metadata that a commit sets, if its stream is one of metadata.
fn metadata_of(stream: &str, events: &[ProposedEvent]) -> Option<Bytes> {
    let last = events.last()?;
    (described_stream(stream).is_some() && &*last.event_type == METADATA_TYPE)
        .then(|| last.data.clone())
}
