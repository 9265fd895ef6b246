//! Where events are: the sealed segments' indexes on disk and that of the unsealed one in memory, as one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use crate::active::ActiveIndex;
use crate::error::ReadError;
use crate::event::{Position, Ticks};
use crate::lists::{ListKind, Run};
use crate::read::{Contents, damaged_frame};
use crate::retention::Retention;
use crate::sealed::SealedSet;
use crate::table::Totals;

/// What is known of the log. Changed by the writer alone.
#[derive(Debug)]
pub(crate) struct Index {
    pub active: ActiveIndex,
    pub sealed: Arc<SealedSet>,
    /// Counts of the sealed segments, and their last event.
    pub before: Totals,
    pub last_before: Option<Position>,
}

/// What the index knows of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamFacts {
    pub count: u64,
    pub tombstone: Option<u64>,
    pub retention: Option<Retention>,
}

impl StreamFacts {
    /// With what was known before, where this says nothing.
    pub fn or_of_before(self, before: &StreamFacts) -> StreamFacts {
        StreamFacts {
            count: match self.count {
                0 => before.count,
                count => count,
            },
            tombstone: self.tombstone.or(before.tombstone),
            retention: self.retention.or(before.retention),
        }
    }
}

impl Index {
    pub fn totals(&self) -> Totals {
        Totals {
            events: self.before.events + self.active.events(),
            commits: self.before.commits + self.active.commits(),
            streams: self.before.streams + self.active.new_streams(),
        }
    }

    pub fn last_position(&self) -> Option<Position> {
        self.active.last_position().or(self.last_before)
    }

    /// End of the last commit: how far readers may go.
    pub fn end(&self) -> u64 {
        self.active.end()
    }
}

/// How many events of a list are in sealed segments.
pub(crate) fn sealed_count(
    sealed: &SealedSet,
    kind: ListKind,
    name: &str,
) -> Result<u64, ReadError> {
    if sealed.is_empty() {
        return Ok(0);
    }
    let parts = sealed.parts(kind, name)?;
    let last = parts.iter().rev().find(|part| part.entry.count > 0);
    Ok(last.map_or(0, |part| part.entry.first_revision + part.entry.count))
}

impl Contents {
    /// Time of the last event; times in a log never fall.
    pub fn last_recorded(&self) -> Result<Ticks, ReadError> {
        let (last, sealed) = {
            let index = self.index();
            (index.active.last_recorded(), index.sealed.clone())
        };
        let before = sealed.last_header()?;
        Ok(before.map_or(last, |header| header.last_recorded.max(last)))
    }

    /// Everything but where the events are; a stream that nothing is known of has no events.
    pub fn stream_facts(&self, stream: &str) -> Result<StreamFacts, ReadError> {
        let (facts, has_events, sealed) = {
            let index = self.index();
            let list = index.active.list(ListKind::Stream, stream);
            let facts = list.map_or_else(StreamFacts::default, |list| StreamFacts {
                count: list.end(),
                tombstone: list.tombstone,
                retention: list.retention.as_deref().copied(),
            });
            let has_events = list.is_some_and(|list| list.count > 0);
            (facts, has_events, index.sealed.clone())
        };
        let is_complete = has_events && facts.retention.is_some();
        if is_complete || sealed.is_empty() || (has_events && !sealed.has_rules()?) {
            return Ok(facts);
        }
        Ok(facts.or_of_before(&sealed.stream_facts(stream)?))
    }

    /// How many events a list has.
    pub fn list_count(&self, kind: ListKind, name: &str) -> Result<u64, ReadError> {
        let (active, sealed) = {
            let index = self.index();
            let list = index.active.list(kind, name).filter(|list| list.count > 0);
            let active = list.map(|list| (list.first_revision, list.count));
            (active, index.sealed.clone())
        };
        match active {
            Some((Some(first), count)) => Ok(first + count),
            Some((None, count)) => Ok(sealed_count(&sealed, kind, name)? + count),
            None => sealed_count(&sealed, kind, name),
        }
    }

    /// The places of a list's events with revisions in `wanted`, in order.
    pub fn runs(
        &self,
        kind: ListKind,
        name: &str,
        wanted: &Range<u64>,
    ) -> Result<Vec<Run>, ReadError> {
        let mut known_before: Option<(Arc<SealedSet>, u64)> = None;
        let (mut active, sealed, active_first) = loop {
            let index = self.index();
            let sealed = index.sealed.clone();
            let Some(list) = index.active.list(kind, name).filter(|list| list.count > 0) else {
                break (Vec::new(), sealed, u64::MAX);
            };
            let before = known_before
                .as_ref()
                .filter(|(set, _)| Arc::ptr_eq(set, &sealed))
                .map(|(_, count)| *count);
            if let Some(first) = list.first_revision.or(before) {
                break (index.active.runs(list, first, wanted), sealed, first);
            }
            // Asked without the lock; if a segment is sealed meanwhile, it is asked again.
            drop(index);
            let count = sealed_count(&sealed, kind, name)?;
            known_before = Some((sealed, count));
        };
        if active_first <= wanted.start || sealed.is_empty() {
            return Ok(active);
        }
        let mut runs = Vec::new();
        for part in sealed.parts(kind, name)?.iter() {
            let end = part.entry.first_revision + part.entry.count;
            if part.entry.first_revision < wanted.end && end > wanted.start {
                runs.extend(sealed.runs(kind, part, wanted)?);
            }
        }
        runs.append(&mut active);
        Ok(runs)
    }

    /// The commit that holds `position`, as its beginning and end; `None` outside the commits.
    pub fn commit_around(&self, position: u64) -> Result<Option<(u64, u64)>, ReadError> {
        let sealed = {
            let index = self.index();
            if position >= index.active.base() {
                return Ok(index.active.commit_around(position));
            }
            index.sealed.clone()
        };
        match sealed.checkpoint_before(position)? {
            None => Ok(None),
            Some(from) => self.log.frame_around(from, position).map_err(damaged_frame),
        }
    }

    /// Where the last commits before `position` begin that together have about `bytes`; at least one if there is any.
    /// `None`: none begins before it.
    pub fn commits_before(&self, position: u64, bytes: u64) -> Result<Option<u64>, ReadError> {
        let (sealed, active_base) = {
            let index = self.index();
            if let Some(begin) = index.active.commits_before(position, bytes) {
                return Ok(Some(begin));
            }
            (index.sealed.clone(), index.active.base())
        };
        if sealed.is_empty() {
            return Ok(None);
        }
        let first = terrarium_eventlog::HEADER_BYTES;
        let until = position.min(active_base);
        if until <= first {
            return Ok(None);
        }
        let from = sealed.checkpoint_before(until.saturating_sub(bytes))?;
        Ok(Some(from.unwrap_or(first)))
    }

    /// Names of the streams with events that begin with `prefix`, sorted.
    pub fn streams_with_prefix(&self, prefix: &str) -> Result<Vec<Arc<str>>, ReadError> {
        let (mut names, sealed) = {
            let index = self.index();
            let lists = index.active.all_lists(ListKind::Stream);
            let names: Vec<Arc<str>> = lists
                .filter(|(name, list)| list.count > 0 && name.starts_with(prefix))
                .map(|(name, _)| Arc::clone(name))
                .collect();
            (names, index.sealed.clone())
        };
        sealed.each_with_prefix(ListKind::Stream, prefix, &mut |name, entry| {
            if entry.count > 0 {
                names.push(Arc::from(name));
            }
        })?;
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Names of the streams that have metadata or a tombstone: of others nothing is ever hidden.
    pub fn streams_with_rules(&self) -> Result<BTreeSet<Box<str>>, ReadError> {
        let (mut names, sealed) = {
            let index = self.index();
            let lists = index.active.all_lists(ListKind::Stream);
            let names: BTreeSet<Box<str>> = lists
                .filter(|(_, list)| list.retention.is_some() || list.tombstone.is_some())
                .map(|(name, _)| Box::from(&**name))
                .collect();
            (names, index.sealed.clone())
        };
        sealed.each_with_prefix(ListKind::Stream, "", &mut |name, entry| {
            if entry.retention.is_some() || entry.tombstone.is_some() {
                names.insert(Box::from(name));
            }
        })?;
        Ok(names)
    }

    /// Ids of the newest events and their frames, at most `most`, oldest first.
    pub fn newest_ids(&self, most: usize) -> Result<Vec<(Uuid, u64)>, ReadError> {
        let index = self.index();
        let base = index.active.base();
        let missing = most.saturating_sub(index.active.ids().len());
        let mut ids = index.sealed.newest_ids(missing)?;
        ids.reverse();
        let here = index.active.ids();
        ids.extend(here.map(|(id, frame)| (id, base + u64::from(frame) * 8)));
        Ok(ids)
    }
}
