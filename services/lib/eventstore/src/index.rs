use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use terrarium_eventlog::HEADER_BYTES;

use crate::event::Position;

/// What is kept in memory: 8 bytes an event, 8 bytes a commit, and one entry a stream.
#[derive(Debug)]
pub(crate) struct Index {
    /// Position of every event of a stream; the revision is the place in the vector.
    streams: BTreeMap<Arc<str>, Vec<u64>>,
    /// Where each commit's frame begins, in order.
    commits: Vec<u64>,
    events: u64,
    last_position: Option<Position>,
    /// End of the last commit: how far readers may go.
    end: u64,
}

impl Index {
    pub fn new() -> Index {
        Index {
            streams: BTreeMap::new(),
            commits: Vec::new(),
            events: 0,
            last_position: None,
            end: HEADER_BYTES,
        }
    }

    /// Adds a durable commit that ends at `end`.
    pub fn add(
        &mut self,
        stream: &Arc<str>,
        commit_position: u64,
        event_positions: &[u64],
        end: u64,
    ) {
        assert!(
            commit_position >= self.end && end > commit_position,
            "commits are added in the order of the log"
        );
        match self.streams.get_mut(stream) {
            Some(positions) => positions.extend_from_slice(event_positions),
            None => {
                self.streams
                    .insert(stream.clone(), event_positions.to_vec());
            }
        }
        self.commits.push(commit_position);
        self.events += event_positions.len() as u64;
        self.last_position = event_positions
            .last()
            .map(|position| Position(*position))
            .or(self.last_position);
        self.end = end;
    }

    pub fn positions(&self, stream: &str) -> &[u64] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    pub fn revision(&self, stream: &str) -> u64 {
        self.positions(stream).len() as u64
    }

    pub fn streams_with_prefix(&self, prefix: &str) -> Vec<Arc<str>> {
        let from_prefix = self
            .streams
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from_prefix
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// The commit that holds `position`, as its beginning and end; `None` outside the log.
    pub fn commit_around(&self, position: u64) -> Option<(u64, u64)> {
        let after = self.commits.partition_point(|commit| *commit <= position);
        let begin = *self.commits.get(after.checked_sub(1)?)?;
        let end = self.commits.get(after).copied().unwrap_or(self.end);
        (position < end).then_some((begin, end))
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
