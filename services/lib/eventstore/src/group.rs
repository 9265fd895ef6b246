//! Commits that are staged for one fsync, and what streams will be like with them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::error::AppendError;
use crate::event::{Position, Ticks, Written};
use crate::retention::Retention;

/// An answer, and whether it rests on commits that are not yet durable.
pub(crate) struct Decision {
    pub result: Result<Written, AppendError>,
    pub rests_on_group: bool,
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
#[derive(Default)]
pub(crate) struct Group {
    pub staged: Vec<StagedCommit>,
    /// The staged changes of each stream that has some.
    tails: HashMap<Arc<str>, StagedTail>,
}

pub(crate) struct StagedCommit {
    pub stream: Arc<str>,
    pub is_tombstone: bool,
    pub recorded: Ticks,
    pub commit_position: u64,
    pub first_revision: u64,
    pub event_positions: Vec<u64>,
    /// Ids and types.
    pub events: Vec<(Uuid, Arc<str>)>,
    /// What the described stream keeps, if this is a commit of metadata.
    pub retention: Option<Retention>,
}

/// What a stream will be, beyond the index.
#[derive(Default)]
pub(crate) struct StagedTail {
    first_revision: u64,
    pub events: Vec<(Uuid, Position)>,
    pub is_tombstoned: bool,
    pub retention: Option<Retention>,
    /// Data of the last metadata event, if this is a metadata stream.
    pub metadata: Option<Bytes>,
}

/// The groups that are not yet durable.
#[derive(Default)]
pub(crate) struct Unsettled {
    /// The one that is being written.
    pub in_flight: Option<Group>,
    /// The one that commits are staged for.
    pub staging: Group,
}

impl Unsettled {
    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.in_flight.iter().chain([&self.staging])
    }

    /// What the staged commits make of a stream; `None`: they leave it as it is.
    pub fn tail_of(&self, stream: &str) -> Option<&StagedTail> {
        let staging = self.staging.tails.get(stream);
        staging.or_else(|| self.in_flight.as_ref()?.tails.get(stream))
    }

    /// The tail that a commit to a stream of `count` events changes.
    pub fn tail_mut(&mut self, stream: &Arc<str>, count: u64) -> &mut StagedTail {
        let in_flight = &self.in_flight;
        let tails = &mut self.staging.tails;
        tails.entry(Arc::clone(stream)).or_insert_with(|| {
            let before = in_flight.as_ref().and_then(|group| group.tails.get(stream));
            StagedTail::after(before, count)
        })
    }

    /// The staged events of a stream that follow `next`, at most `most`: their ids and positions.
    pub fn events_from(&self, stream: &str, next: u64, most: usize) -> Vec<(Uuid, Position)> {
        let mut events = Vec::new();
        for tail in self.groups().filter_map(|group| group.tails.get(stream)) {
            let wanted = next + events.len() as u64;
            let first = wanted.saturating_sub(tail.first_revision) as usize;
            let missing = most - events.len();
            events.extend(tail.events.iter().skip(first).take(missing));
        }
        events
    }

    /// The staged event that stands in the frame at `frame`, if there is one.
    pub fn event_in_frame(&self, frame: u64, id: &Uuid) -> Option<FoundEvent> {
        self.groups()
            .find_map(|group| group.event_in_frame(frame, id))
    }
}

impl Group {
    fn event_in_frame(&self, frame: u64, id: &Uuid) -> Option<FoundEvent> {
        let place = self
            .staged
            .binary_search_by_key(&frame, |commit| commit.commit_position)
            .ok()?;
        let commit = &self.staged[place];
        let ordinal = commit.events.iter().rposition(|(found, _)| found == id)?;
        Some(FoundEvent {
            stream: Arc::clone(&commit.stream),
            revision: commit.first_revision + ordinal as u64,
            position: Position(commit.event_positions[ordinal]),
        })
    }
}

impl StagedTail {
    fn after(before: Option<&StagedTail>, count: u64) -> StagedTail {
        StagedTail {
            first_revision: count,
            events: Vec::new(),
            is_tombstoned: before.is_some_and(|before| before.is_tombstoned),
            retention: before.and_then(|before| before.retention),
            metadata: before.and_then(|before| before.metadata.clone()),
        }
    }

    pub fn next_revision(&self) -> u64 {
        self.first_revision + self.events.len() as u64
    }
}

/// An event that was looked for by its id.
pub(crate) struct FoundEvent {
    pub stream: Arc<str>,
    pub revision: u64,
    pub position: Position,
}
