use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use terrarium_eventlog::HEADER_BYTES;

use crate::event::Position;
use crate::retention::{Retention, described_stream};

/// What is kept in memory: 24 bytes an event, 8 bytes a commit, and one entry a stream.
#[derive(Debug)]
pub(crate) struct Index {
    streams: BTreeMap<Arc<str>, StreamEntry>,
    /// Positions of the events of all streams of a category, the part of their names before the first `-`.
    categories: HashMap<Arc<str>, Vec<u64>>,
    /// Positions of the events of a type.
    types: HashMap<Arc<str>, Vec<u64>>,
    /// Where each commit's frame begins, in order.
    commits: Vec<u64>,
    events: u64,
    last_position: Option<Position>,
    /// End of the last commit: how far readers may go.
    end: u64,
}

/// What the index knows of a stream. One without events has metadata or a tombstone.
#[derive(Debug, Default)]
pub(crate) struct StreamEntry {
    /// Position of every event; the revision is the place in the vector. A tombstone is not among them.
    pub positions: Vec<u64>,
    pub tombstone: Option<u64>,
    pub retention: Option<Box<Retention>>,
}

/// A durable commit on its way into the index.
pub(crate) struct IndexedCommit<'a> {
    pub stream: &'a Arc<str>,
    pub is_tombstone: bool,
    /// Where the frame begins, and the one after it.
    pub begin: u64,
    pub end: u64,
    pub positions: &'a [u64],
    pub types: &'a [Arc<str>],
    /// What the described stream keeps, if this is a commit of metadata.
    pub metadata: Option<&'a [u8]>,
}

impl Index {
    pub fn new() -> Index {
        Index {
            streams: BTreeMap::new(),
            categories: HashMap::new(),
            types: HashMap::new(),
            commits: Vec::new(),
            events: 0,
            last_position: None,
            end: HEADER_BYTES,
        }
    }

    pub fn add(&mut self, commit: &IndexedCommit<'_>) {
        assert!(
            commit.begin >= self.end && commit.end > commit.begin,
            "commits are added in the order of the log"
        );
        let entry = self.streams.entry(Arc::clone(commit.stream)).or_default();
        if commit.is_tombstone {
            entry.tombstone = commit.positions.first().copied();
        } else {
            entry.positions.extend_from_slice(commit.positions);
        }
        if !is_system(commit.stream) && !commit.is_tombstone {
            self.add_to_categories(commit);
        }
        if let (Some(described), Some(metadata)) =
            (described_stream(commit.stream), commit.metadata)
        {
            let described = self.streams.entry(Arc::from(described)).or_default();
            let count = described.positions.len() as u64;
            described.retention = Some(Box::new(Retention::parse(metadata, count)));
        }
        self.commits.push(commit.begin);
        self.events += commit.positions.len() as u64;
        self.last_position = commit
            .positions
            .last()
            .map(|position| Position(*position))
            .or(self.last_position);
        self.end = commit.end;
    }

    fn add_to_categories(&mut self, commit: &IndexedCommit<'_>) {
        if let Some((category, _)) = commit.stream.split_once('-') {
            match self.categories.get_mut(category) {
                Some(positions) => positions.extend_from_slice(commit.positions),
                None => {
                    let positions = commit.positions.to_vec();
                    self.categories.insert(Arc::from(category), positions);
                }
            }
        }
        for (position, event_type) in commit.positions.iter().zip(commit.types) {
            match self.types.get_mut(event_type) {
                Some(positions) => positions.push(*position),
                None => {
                    self.types.insert(Arc::clone(event_type), vec![*position]);
                }
            }
        }
    }

    pub fn stream(&self, stream: &str) -> Option<&StreamEntry> {
        self.streams.get(stream)
    }

    pub fn positions(&self, stream: &str) -> &[u64] {
        self.streams
            .get(stream)
            .map_or(&[], |entry| entry.positions.as_slice())
    }

    pub fn category(&self, category: &str) -> &[u64] {
        self.categories.get(category).map_or(&[], Vec::as_slice)
    }

    pub fn event_type(&self, event_type: &str) -> &[u64] {
        self.types.get(event_type).map_or(&[], Vec::as_slice)
    }

    pub fn revision(&self, stream: &str) -> u64 {
        self.positions(stream).len() as u64
    }

    pub fn streams(&self) -> u64 {
        self.streams.len() as u64
    }

    pub fn streams_with_prefix(&self, prefix: &str) -> Vec<Arc<str>> {
        let from_prefix = self
            .streams
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from_prefix
            .take_while(|(name, _)| name.starts_with(prefix))
            .filter(|(_, entry)| !entry.positions.is_empty())
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// The commit that holds `position`, as its beginning and end; `None` outside the log.
    pub fn commit_around(&self, position: u64) -> Option<(u64, u64)> {
        let after = self.commits.partition_point(|commit| *commit <= position);
        let begin = *self.commits.get(after.checked_sub(1)?)?;
        let end = self.commits.get(after).copied().unwrap_or(self.end);
        (position < end).then_some((begin, end))
    }

    /// Where the last commits before `position` begin that together have about `bytes`; at least one if there is any.
    /// `None`: none begins before it.
    pub fn commits_before(&self, position: u64, bytes: u64) -> Option<u64> {
        let before = self.commits.partition_point(|commit| *commit < position);
        let last = *self.commits.get(before.checked_sub(1)?)?;
        let wanted = position.saturating_sub(bytes);
        let first = self.commits[..before].partition_point(|commit| *commit < wanted);
        Some(self.commits.get(first).copied().unwrap_or(last).min(last))
    }

    pub fn last_position(&self) -> Option<Position> {
        self.last_position
    }

    pub fn events(&self) -> u64 {
        self.events
    }

    pub fn commits(&self) -> u64 {
        self.commits.len() as u64
    }

    pub fn end(&self) -> u64 {
        self.end
    }
}

/// Names that begin with `$` are the store's own.
pub(crate) fn is_system(stream: &str) -> bool {
    stream.starts_with('$')
}
