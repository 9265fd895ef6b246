//! The index of the unsealed segment, in memory: some 60 bytes an event in commits of one, and one entry a stream.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use crate::event::{Position, Ticks};
use crate::lists::{ListKind, Run, StoredRun, cut_runs};
use crate::retention::{Retention, described_stream};

/// How many of a segment's newest events are kept by their ids.
pub(crate) const KEPT_IDS: usize = 64 * 1024;

/// Frames are found by offsets of 32 bits in units of 8 bytes: 32 GiB.
pub(crate) const MAX_SEGMENT_BYTES: u64 = 32 << 30;

/// What the unsealed segment holds.
#[derive(Debug)]
pub(crate) struct ActiveIndex {
    base: u64,
    streams: HashMap<Arc<str>, List>,
    categories: HashMap<Arc<str>, List>,
    types: HashMap<Arc<str>, List>,
    /// Where each commit's frame begins, from the segment's beginning in units of 8 bytes.
    frames: Vec<u32>,
    /// Ids of the newest events, and their frames.
    ids: VecDeque<(Uuid, u32)>,
    events: u64,
    new_streams: u64,
    last_position: Option<Position>,
    last_recorded: Ticks,
    /// End of the last commit: how far readers may go.
    end: u64,
}

/// What the index knows of a stream, category or type. A stream without events has metadata or a tombstone.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// How many events were before; `None` until somebody asked the sealed segments.
    pub first_revision: Option<u64>,
    pub count: u64,
    pub runs: Vec<StoredRun>,
    pub tombstone: Option<u64>,
    pub retention: Option<Box<Retention>>,
}

/// A durable commit on its way into the index.
pub(crate) struct IndexedCommit<'a> {
    pub stream: &'a str,
    pub is_tombstone: bool,
    pub first_revision: u64,
    pub recorded: Ticks,
    /// Where the frame begins, and the one after it.
    pub begin: u64,
    pub end: u64,
    /// Position of the commit's last event.
    pub last_position: u64,
    /// What the described stream keeps, if this is a commit of metadata.
    pub retention: Option<Retention>,
}

impl List {
    pub fn end(&self) -> u64 {
        self.first_revision.unwrap_or(0) + self.count
    }

    fn add(&mut self, frame: u32, ordinal: u32, count: u64) {
        self.runs.push(StoredRun {
            frame,
            ordinal,
            revision: self.count as u32,
        });
        self.count += count;
    }
}

impl ActiveIndex {
    /// Of a segment that begins at `base`.
    pub fn new(base: u64) -> ActiveIndex {
        ActiveIndex {
            base,
            streams: HashMap::new(),
            categories: HashMap::new(),
            types: HashMap::new(),
            frames: Vec::new(),
            ids: VecDeque::new(),
            events: 0,
            new_streams: 0,
            last_position: None,
            last_recorded: Ticks::default(),
            end: base,
        }
    }

    /// Takes a commit and its events' ids and types.
    pub fn add<T: AsRef<str>>(&mut self, commit: &IndexedCommit<'_>, events: &[(Uuid, T)]) {
        assert!(
            commit.begin >= self.end && commit.end > commit.begin,
            "commits are added in the order of the log"
        );
        let frame = u32::try_from((commit.begin - self.base) / 8);
        let frame = frame.expect("a segment ends before MAX_SEGMENT_BYTES");
        let count = events.len() as u64;
        let list = list_of(&mut self.streams, commit.stream);
        if commit.is_tombstone {
            list.tombstone = Some(commit.last_position);
        } else {
            list.first_revision.get_or_insert(commit.first_revision);
            list.add(frame, 0, count);
            self.new_streams += u64::from(commit.first_revision == 0);
        }
        if !is_system(commit.stream) && !commit.is_tombstone {
            if let Some((category, _)) = commit.stream.split_once('-') {
                list_of(&mut self.categories, category).add(frame, 0, count);
            }
            self.add_types(frame, events);
        }
        if let (Some(described), Some(retention)) =
            (described_stream(commit.stream), commit.retention)
        {
            list_of(&mut self.streams, described).retention = Some(Box::new(retention));
        }
        self.frames.push(frame);
        self.ids.extend(events.iter().map(|(id, _)| (*id, frame)));
        let forgotten = self.ids.len().saturating_sub(KEPT_IDS);
        self.ids.drain(..forgotten);
        self.events += count;
        self.last_position = Some(Position(commit.last_position));
        self.last_recorded = self.last_recorded.max(commit.recorded);
        self.end = commit.end;
    }

    fn add_types<T: AsRef<str>>(&mut self, frame: u32, events: &[(Uuid, T)]) {
        let mut ordinal = 0;
        for run in events.chunk_by(|one, next| one.1.as_ref() == next.1.as_ref()) {
            let list = list_of(&mut self.types, run[0].1.as_ref());
            list.add(frame, ordinal, run.len() as u64);
            ordinal += run.len() as u32;
        }
    }

    fn lists(&self, kind: ListKind) -> &HashMap<Arc<str>, List> {
        match kind {
            ListKind::Stream => &self.streams,
            ListKind::Category => &self.categories,
            ListKind::EventType => &self.types,
        }
    }

    pub fn list(&self, kind: ListKind, name: &str) -> Option<&List> {
        self.lists(kind).get(name)
    }

    /// Every list with a name, unordered.
    pub fn all_lists(&self, kind: ListKind) -> impl Iterator<Item = (&Arc<str>, &List)> {
        self.lists(kind).iter()
    }

    /// The places of a list's events with revisions in `wanted`; `first_revision` is that of its first event here.
    pub fn runs(&self, list: &List, first_revision: u64, wanted: &Range<u64>) -> Vec<Run> {
        let end = first_revision + list.count;
        cut_runs(self.base, first_revision, &list.runs, end, wanted)
    }

    /// The commit around `position`, as its beginning and end; `None` before the first and past the last.
    pub fn commit_around(&self, position: u64) -> Option<(u64, u64)> {
        let after = self.commits_until(position);
        let begin = self.commit(after.checked_sub(1)?)?;
        let end = self.commit(after).unwrap_or(self.end);
        (position < end).then_some((begin, end))
    }

    /// Where the last commits before `position` begin that together have about `bytes`; at least one if there is any here.
    pub fn commits_before(&self, position: u64, bytes: u64) -> Option<u64> {
        let before = self.commits_until(position.saturating_sub(1));
        let last = self.commit(before.checked_sub(1)?)?;
        let wanted = position.saturating_sub(bytes);
        let first = self.commits_until(wanted.saturating_sub(1));
        Some(self.commit(first).unwrap_or(last).min(last))
    }

    fn commits_until(&self, position: u64) -> usize {
        self.frames
            .partition_point(|frame| self.base + u64::from(*frame) * 8 <= position)
    }

    fn commit(&self, place: usize) -> Option<u64> {
        let frame = self.frames.get(place)?;
        Some(self.base + u64::from(*frame) * 8)
    }

    pub fn base(&self) -> u64 {
        self.base
    }

    pub fn frames(&self) -> &[u32] {
        &self.frames
    }

    /// Ids of the newest events and the offsets of their frames, oldest first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = (Uuid, u32)> + '_ {
        self.ids.iter().copied()
    }

    /// How many streams, categories and types are here.
    pub fn names(&self) -> usize {
        self.streams.len() + self.categories.len() + self.types.len()
    }

    pub fn events(&self) -> u64 {
        self.events
    }

    pub fn commits(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Streams whose first event is here.
    pub fn new_streams(&self) -> u64 {
        self.new_streams
    }

    pub fn last_position(&self) -> Option<Position> {
        self.last_position
    }

    pub fn last_recorded(&self) -> Ticks {
        self.last_recorded
    }

    pub fn end(&self) -> u64 {
        self.end
    }
}

fn list_of<'a>(lists: &'a mut HashMap<Arc<str>, List>, name: &str) -> &'a mut List {
    // Two look-ups for a new name, one copy of it.
    if !lists.contains_key(name) {
        lists.insert(Arc::from(name), List::default());
    }
    lists.get_mut(name).expect("it was there or put there")
}

/// Names that begin with `$` are the store's own.
pub(crate) fn is_system(stream: &str) -> bool {
    stream.starts_with('$')
}
