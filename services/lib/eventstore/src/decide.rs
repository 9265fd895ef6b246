//! Whether a write happens, and staging it: the rules of expected revisions and of retries.
//!
//! The order of the rules is the one that clients of EventStoreDB rely on: a tombstone refuses everything; then the
//! expectation is checked, and where it fails the events may turn out to be there already, by their ids.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use terrarium_eventlog::LogWriter;
use uuid::Uuid;

use crate::encoding::{CommitHead, check_limits, encode_commit};
use crate::error::AppendError;
use crate::event::{
    ContentType, ExpectedRevision, METADATA_TYPE, Position, ProposedEvent, TOMBSTONE_REVISION,
    TOMBSTONE_TYPE, Ticks, Written,
};
use crate::read::Contents;
use crate::recent::{RecentEvent, RecentEvents};
use crate::retention::{METADATA_PREFIX, Retention, deletion, described_stream, revival};
use crate::writer::{Change, Expected, Operation};

/// An answer, and whether it rests on commits that are not yet durable.
pub(crate) struct Decision {
    result: Result<Written, AppendError>,
    rests_on_group: bool,
}

impl Decision {
    /// What is answered once it is known whether the group became durable.
    pub fn settle(self, failure: Option<&AppendError>) -> Result<Written, AppendError> {
        match failure {
            Some(failure) if self.rests_on_group => Err(failure.clone()),
            _ => self.result,
        }
    }
}

/// Commits staged for one fsync.
pub(crate) struct Group {
    recorded: Ticks,
    staged: Vec<StagedCommit>,
    /// The staged changes of each stream that has some.
    tails: HashMap<Arc<str>, StagedTail>,
}

pub(crate) struct StagedCommit {
    pub stream: Arc<str>,
    pub is_tombstone: bool,
    pub commit_position: u64,
    pub event_positions: Vec<u64>,
    pub types: Vec<Arc<str>>,
    pub metadata: Option<Bytes>,
}

/// What a stream will be, beyond the index.
struct StagedTail {
    first_revision: u64,
    events: Vec<(Uuid, Position)>,
    is_tombstoned: bool,
    retention: Option<Retention>,
    /// Data of the last metadata event, if this is a metadata stream.
    metadata: Option<Bytes>,
}

/// A stream as a decision sees it: with what is staged.
#[derive(Clone, Copy, Debug)]
struct StreamState {
    count: u64,
    is_tombstoned: bool,
    retention: Option<Retention>,
    in_group: bool,
}

impl StreamState {
    fn is_deleted(&self) -> bool {
        self.retention
            .is_some_and(|retention| retention.is_deleted(self.count))
    }

    /// A stream that only has metadata exists too.
    fn exists(&self) -> bool {
        (self.count > 0 || self.retention.is_some()) && !self.is_deleted()
    }
}

/// How an expectation stands to a stream.
enum Verdict {
    Fits,
    /// Retries are recognised by the recent ids.
    FitsWeakly,
    /// The events may stand at this revision already; if not, it does not fit.
    PerhapsAt(u64),
    /// The events may stand at this revision already; if not, it fits.
    FitsUnlessAt(u64),
    Misfits,
}

impl Group {
    pub fn new(recorded: Ticks) -> Group {
        Group {
            recorded,
            staged: Vec::new(),
            tails: HashMap::new(),
        }
    }

    pub fn staged(&self) -> &[StagedCommit] {
        &self.staged
    }

    pub fn decide(
        &mut self,
        log: &mut LogWriter,
        contents: &Contents,
        recent: &mut RecentEvents,
        operation: Operation,
    ) -> Decision {
        let state = self.state(contents, &operation.stream);
        let staged_before = self.staged.len();
        let mut writing = Writing {
            group: self,
            log,
            contents,
            recent,
        };
        let (result, rests_on_recent) = writing.carry_out(&operation, &state);
        Decision {
            result,
            rests_on_group: state.in_group || rests_on_recent || self.staged.len() > staged_before,
        }
    }

    fn state(&self, contents: &Contents, stream: &str) -> StreamState {
        let (count, is_tombstoned, retention) = {
            let index = contents.index();
            index.stream(stream).map_or((0, false, None), |entry| {
                (
                    entry.positions.len() as u64,
                    entry.tombstone.is_some(),
                    entry.retention.as_deref().copied(),
                )
            })
        };
        match self.tails.get(stream) {
            None => StreamState {
                count,
                is_tombstoned,
                retention,
                in_group: false,
            },
            Some(tail) => StreamState {
                count: tail.next_revision(),
                is_tombstoned: is_tombstoned || tail.is_tombstoned,
                retention: tail.retention.or(retention),
                in_group: true,
            },
        }
    }

    fn tail(&mut self, contents: &Contents, stream: &Arc<str>) -> &mut StagedTail {
        self.tails
            .entry(Arc::clone(stream))
            .or_insert_with(|| StagedTail {
                first_revision: contents.stream_revision(stream),
                events: Vec::new(),
                is_tombstoned: false,
                retention: None,
                metadata: None,
            })
    }
}

impl StagedTail {
    fn next_revision(&self) -> u64 {
        self.first_revision + self.events.len() as u64
    }
}

/// One operation on its way into a group.
struct Writing<'a> {
    group: &'a mut Group,
    log: &'a mut LogWriter,
    contents: &'a Contents,
    recent: &'a mut RecentEvents,
}

impl Writing<'_> {
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
        if state.is_tombstoned || self.describes_tombstoned(&operation.stream) {
            return (Err(AppendError::StreamDeleted), false);
        }
        let misfit = AppendError::WrongExpectedRevision {
            actual: state.count,
        };
        let found = match verdict(operation.expected, state) {
            Verdict::Fits => Ok(None),
            Verdict::FitsWeakly => {
                let found = self.find_recent(&operation.stream, events);
                return match found {
                    Recent::None => (self.write(operation, state, events), false),
                    Recent::All(written) => (Ok(written), true),
                    Recent::Some => (Err(misfit), true),
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

    fn describes_tombstoned(&self, stream: &str) -> bool {
        described_stream(stream)
            .is_some_and(|described| self.group.state(self.contents, described).is_tombstoned)
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
                let position = self.stage(&operation.stream, state.count, events);
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
                let position = self.stage(&operation.stream, TOMBSTONE_REVISION, &tombstone);
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
        let state = self.group.state(self.contents, &metadata_stream);
        let staged = self
            .group
            .tails
            .get(&metadata_stream)
            .and_then(|tail| tail.metadata.clone());
        let present = match (staged, state.count.checked_sub(1)) {
            (Some(staged), _) => Some(staged),
            (None, None) => None,
            (None, Some(last)) => self
                .contents
                .read_stream(&metadata_stream, last, 1)
                .map_err(|error| AppendError::Failed(error.to_string()))?
                .pop()
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
        Ok(self.stage(&metadata_stream, state.count, &event))
    }

    /// Puts a commit into the log's buffer; returns the position of its last event.
    fn stage(
        &mut self,
        stream: &Arc<str>,
        first_revision: u64,
        events: &[ProposedEvent],
    ) -> Position {
        let stream = self.contents.names.intern(stream);
        let head = CommitHead {
            stream: &stream,
            first_revision,
            recorded: self.group.recorded,
        };
        let mut offsets = Vec::new();
        let frame = self
            .log
            .stage(|buffer| offsets = encode_commit(buffer, &head, events));
        let event_positions: Vec<u64> = offsets
            .iter()
            .map(|offset| frame.body_position + *offset as u64)
            .collect();
        let is_tombstone = first_revision == TOMBSTONE_REVISION;
        let metadata = metadata_of(&stream, events);
        for ((event, position), revision) in
            events.iter().zip(&event_positions).zip(first_revision..)
        {
            let place = RecentEvent {
                stream: Arc::clone(&stream),
                revision,
                position: Position(*position),
            };
            self.recent.add(event.id, place);
        }
        let tail = self.group.tail(self.contents, &stream);
        if is_tombstone {
            tail.is_tombstoned = true;
        } else {
            let ids = events.iter().map(|event| event.id);
            tail.events
                .extend(ids.zip(event_positions.iter().copied().map(Position)));
        }
        if let (Some(described), Some(metadata)) = (described_stream(&stream), &metadata) {
            tail.metadata = Some(metadata.clone());
            let described: Arc<str> = Arc::from(described);
            let count = self.group.state(self.contents, &described).count;
            self.group.tail(self.contents, &described).retention =
                Some(Retention::parse(metadata, count));
        }
        let last_position = Position(*event_positions.last().expect("what is staged has an event"));
        self.group.staged.push(StagedCommit {
            stream,
            is_tombstone,
            commit_position: frame.position,
            event_positions,
            types: events
                .iter()
                .map(|event| self.contents.names.intern(&event.event_type))
                .collect(),
            metadata,
        });
        last_position
    }

    fn find_recent(&self, stream: &str, events: &[ProposedEvent]) -> Recent {
        let place_of = |event: &ProposedEvent| {
            self.recent
                .get(&event.id)
                .filter(|place| &*place.stream == stream)
        };
        let Some((first, last)) = events.first().zip(events.last()) else {
            return Recent::None;
        };
        if place_of(first).is_none() {
            return Recent::None;
        }
        match place_of(last).filter(|_| events.iter().all(|event| place_of(event).is_some())) {
            None => Recent::Some,
            Some(last) => Recent::All(Written {
                revision: Some(last.revision),
                position: Some(last.position),
                already_there: true,
            }),
        }
    }

    /// What was written, if the stream already holds exactly these events at `revision`.
    fn find_at(
        &self,
        operation: &Operation,
        events: &[ProposedEvent],
        revision: u64,
        state: &StreamState,
    ) -> Result<Option<Written>, AppendError> {
        let fits = revision
            .checked_add(events.len() as u64)
            .is_some_and(|until| until <= state.count);
        if !fits {
            return Ok(None);
        }
        let mut there: Vec<(Uuid, Position)> = self
            .contents
            .read_stream(&operation.stream, revision, events.len())
            .map_err(|error| AppendError::Failed(error.to_string()))?
            .into_iter()
            .map(|event| (event.id, event.position))
            .collect();
        if let Some(tail) = self.group.tails.get(&operation.stream) {
            let first = revision.saturating_sub(tail.first_revision) as usize;
            let missing = events.len() - there.len();
            there.extend(tail.events.iter().skip(first).take(missing).copied());
        }
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

fn verdict(expected: Expected, state: &StreamState) -> Verdict {
    let next = match expected {
        Expected::Rule(ExpectedRevision::Any) => return Verdict::FitsWeakly,
        Expected::Rule(ExpectedRevision::StreamExists) if state.exists() => {
            return Verdict::FitsWeakly;
        }
        Expected::Rule(ExpectedRevision::StreamExists) => return Verdict::Misfits,
        Expected::Rule(ExpectedRevision::NoStream) if state.count == 0 => return Verdict::Fits,
        Expected::Rule(ExpectedRevision::NoStream) if state.is_deleted() => {
            return Verdict::FitsUnlessAt(0);
        }
        Expected::Rule(ExpectedRevision::NoStream) => 0,
        Expected::Rule(ExpectedRevision::Exact(revision)) => match revision.checked_add(1) {
            Some(next) => next,
            None => return Verdict::Misfits,
        },
        Expected::Count(count) => count,
    };
    if next == state.count {
        Verdict::Fits
    } else if next < state.count {
        Verdict::PerhapsAt(next)
    } else {
        Verdict::Misfits
    }
}

/// The metadata that a commit sets, if its stream is one of metadata.
fn metadata_of(stream: &str, events: &[ProposedEvent]) -> Option<Bytes> {
    let last = events.last()?;
    (described_stream(stream).is_some() && &*last.event_type == METADATA_TYPE)
        .then(|| last.data.clone())
}
