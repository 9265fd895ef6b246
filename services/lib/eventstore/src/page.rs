//! Reading streams as clients do: in both directions, without what metadata hides, with links and the virtual streams.
//!
//! `$ce-<category>` and `$et-<type>` are not stored: their events are links that are made from the index.

use std::ops::Range;
use std::sync::Arc;

use crate::encoding::CommitReader;
use crate::error::ReadError;
use crate::event::{Position, RecordedEvent, Ticks};
use crate::links::{ResolvedEvent, link_to};
use crate::lists::{ListKind, Run};
use crate::names::NameCache;
use crate::read::{Contents, damaged_commit};
use crate::retention::described_stream;

const CATEGORY_PREFIX: &str = "$ce-";
const EVENT_TYPE_PREFIX: &str = "$et-";
/// Revisions that were scavenged are passed over for one page, at most, and looked at together.
const PASSED_OVER: u64 = 16 * 1024;

/// Which way a reader goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Forwards,
    Backwards,
}

/// How much one page may have; it has at least one event if there is any.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    pub events: usize,
    /// Of data and metadata.
    pub bytes: usize,
}

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPage {
    /// There is no such stream, or it was deleted softly.
    NotFound,
    /// It was deleted for ever.
    Tombstoned { position: Position },
    Events {
        /// May be none although there are more: long stretches that were scavenged are passed over in parts.
        events: Vec<ResolvedEvent>,
        /// Where the next page begins; `None`: there is no more in this direction.
        next: Option<u64>,
        /// Revision of the first event that readers see.
        first_revision: u64,
        /// Revision of the last event.
        last_revision: u64,
    },
}

/// What the index says about a stream before any event is read.
pub(crate) enum Outline {
    NotFound,
    Tombstoned(u64),
    Stored {
        count: u64,
        first_kept: u64,
        max_age: Option<Ticks>,
    },
    /// A stream of links.
    Virtual {
        count: u64,
    },
}

impl Contents {
    pub fn read_page(
        &self,
        stream: &str,
        from: Option<u64>,
        direction: Direction,
        limit: PageLimit,
        resolve_links: bool,
        now: Ticks,
    ) -> Result<StreamPage, ReadError> {
        let outline = self.outline(stream)?;
        let (count, first_kept, is_virtual) = match outline {
            Outline::NotFound => return Ok(StreamPage::NotFound),
            Outline::Tombstoned(position) => {
                return Ok(StreamPage::Tombstoned {
                    position: Position(position),
                });
            }
            Outline::Stored {
                count,
                first_kept,
                max_age,
            } => {
                let first_kept = self.first_young(stream, first_kept, count, max_age, now)?;
                (count, first_kept, false)
            }
            Outline::Virtual { count } => (count, 0, true),
        };
        let (kind, name) = list_of(stream);
        let mut from = from;
        let mut window = limit.events;
        let mut passed_over = 0;
        let (found, next) = loop {
            let wanted = wanted_revisions(direction, from, first_kept, count, window);
            let mut runs = self.runs(kind, name, &wanted)?;
            if direction == Direction::Backwards {
                runs.reverse();
            }
            let found = self.events_of_runs(&runs, direction, limit)?;
            let next = match direction {
                _ if wanted.is_empty() => None,
                Direction::Forwards => Some(wanted.end).filter(|next| *next < count),
                Direction::Backwards if wanted.start <= first_kept => None,
                Direction::Backwards => wanted.start.checked_sub(1),
            };
            passed_over += wanted.end - wanted.start;
            if !found.is_empty() || next.is_none() || passed_over >= PASSED_OVER {
                break (found, next);
            }
            from = next;
            window = next_window(window);
        };
        let mut events = Vec::with_capacity(found.len());
        let virtual_name: Option<Arc<str>> = is_virtual.then(|| self.names.intern(stream));
        let mut last_revision = None;
        for (event, revision) in found {
            last_revision = Some(revision);
            events.push(match &virtual_name {
                Some(name) => {
                    let link = link_to(&event, name, revision);
                    if resolve_links {
                        let event = self.is_visible(&event, now)?.then_some(event);
                        ResolvedEvent {
                            event,
                            link: Some(link),
                        }
                    } else {
                        ResolvedEvent::plain(link)
                    }
                }
                None => self.resolve(event, resolve_links, now)?,
            });
        }
        let next = match (last_revision, direction) {
            (None, _) => next,
            (Some(last), Direction::Forwards) => Some(last + 1).filter(|next| *next < count),
            (Some(last), Direction::Backwards) => {
                last.checked_sub(1).filter(|next| *next >= first_kept)
            }
        };
        Ok(StreamPage::Events {
            events,
            next,
            first_revision: first_kept,
            last_revision: count.saturating_sub(1),
        })
    }

    /// The first revision from `first_kept` on that is not older than `max_age`. Times in a log never fall.
    fn first_young(
        &self,
        stream: &str,
        first_kept: u64,
        count: u64,
        max_age: Option<Ticks>,
        now: Ticks,
    ) -> Result<u64, ReadError> {
        let Some(max_age) = max_age else {
            return Ok(first_kept);
        };
        let oldest = Ticks(now.0.saturating_sub(max_age.0));
        let (mut low, mut high) = (first_kept, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let event = self.read_revision(stream, middle)?;
            // What was scavenged was old, or truncated and so before what is old.
            if event.is_none_or(|event| event.recorded < oldest) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The events of these runs with their revisions in the list, in the order of reading, until there are enough; without
    /// those that were scavenged.
    pub fn events_of_runs(
        &self,
        runs: &[Run],
        direction: Direction,
        limit: PageLimit,
    ) -> Result<Vec<(RecordedEvent, u64)>, ReadError> {
        let mut found = Vec::new();
        let mut found_bytes = 0;
        let mut fetcher = self.log.fetcher();
        let names = self.name_cache();
        for run in runs {
            let missing = limit.events - found.len();
            if missing == 0 {
                break;
            }
            if self.is_removed(run.frame)? {
                continue;
            }
            let run = run.part(direction, missing as u64);
            let mut events = Vec::with_capacity(run.count as usize);
            self.events_of_run(&mut fetcher, &names, &run, |event| {
                let revision = run.first_revision + events.len() as u64;
                events.push((event.build(), revision));
                Ok(())
            })?;
            if direction == Direction::Backwards {
                events.reverse();
            }
            for event in events {
                found_bytes += event.0.data.len() + event.0.metadata.len();
                found.push(event);
                if found_bytes >= limit.bytes {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    fn is_removed(&self, frame: u64) -> Result<bool, ReadError> {
        self.log
            .is_removed(frame)
            .map_err(|error| ReadError::Damaged {
                what: error.to_string(),
            })
    }

    pub fn events_of_frame(
        &self,
        names: &NameCache<'_>,
        frame: &terrarium_eventlog::Frame,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let commit =
            CommitReader::new(&frame.body).map_err(|fault| damaged_commit(frame, &fault))?;
        let stream = names.intern(commit.stream);
        commit
            .map(|view| {
                let view = view.map_err(|fault| damaged_commit(frame, &fault))?;
                Ok(view.to_recorded(&frame.body, frame.body_position(), &stream, names))
            })
            .collect()
    }

    /// Whether reading this page may have to wait for the disk: what is not sealed was written lately, and is in memory.
    pub fn is_stream_cold(
        &self,
        stream: &str,
        from: Option<u64>,
        direction: Direction,
        limit: PageLimit,
    ) -> bool {
        let (kind, name) = list_of(stream);
        let index = self.index();
        if index.sealed.is_empty() {
            return false;
        }
        let list = index.active.list(kind, name).filter(|list| list.count > 0);
        let Some((list, first)) = list.and_then(|list| Some((list, list.first_revision?))) else {
            return true;
        };
        wanted_revisions(direction, from, 0, list.end(), limit.events).start < first
    }

    pub fn outline(&self, stream: &str) -> Result<Outline, ReadError> {
        let (kind, name) = list_of(stream);
        if kind != ListKind::Stream {
            return Ok(match self.list_count(kind, name)? {
                0 => Outline::NotFound,
                count => Outline::Virtual { count },
            });
        }
        let described = described_stream(stream);
        if let Some(described) = described
            && let Some(position) = self.stream_facts(described)?.tombstone
        {
            return Ok(Outline::Tombstoned(position));
        }
        let facts = self.stream_facts(stream)?;
        if let Some(position) = facts.tombstone {
            return Ok(Outline::Tombstoned(position));
        }
        let count = facts.count;
        let mut retention = facts.retention.unwrap_or_default();
        if count == 0 || retention.is_deleted(count) {
            return Ok(Outline::NotFound);
        }
        if described.is_some() {
            // Only the newest metadata counts.
            retention.max_count = Some(1);
        }
        Ok(Outline::Stored {
            count,
            first_kept: retention.first_kept(count),
            max_age: retention.max_age,
        })
    }
}

impl Run {
    /// The first of its events in a direction, at most so many.
    fn part(&self, direction: Direction, most: u64) -> Run {
        let left_out = match direction {
            Direction::Forwards => 0,
            Direction::Backwards => self.count.saturating_sub(most),
        };
        Run {
            frame: self.frame,
            ordinal: self.ordinal + left_out as u32,
            first_revision: self.first_revision + left_out,
            count: self.count.min(most),
        }
    }
}

/// How many revisions are looked at next, when all before were scavenged.
pub(crate) fn next_window(window: usize) -> usize {
    window.saturating_mul(2).min(PASSED_OVER as usize)
}

/// By what the events of a stream are found: virtual ones by category or type.
fn list_of(stream: &str) -> (ListKind, &str) {
    if let Some(category) = stream.strip_prefix(CATEGORY_PREFIX) {
        (ListKind::Category, category)
    } else if let Some(event_type) = stream.strip_prefix(EVENT_TYPE_PREFIX) {
        (ListKind::EventType, event_type)
    } else {
        (ListKind::Stream, stream)
    }
}

/// Revisions to read; those of a reader who goes backwards are read from the end.
fn wanted_revisions(
    direction: Direction,
    from: Option<u64>,
    first_kept: u64,
    count: u64,
    max_events: usize,
) -> Range<u64> {
    let max_events = max_events as u64;
    match direction {
        Direction::Forwards => {
            let begin = from.unwrap_or(0).max(first_kept).min(count);
            begin..begin.saturating_add(max_events).min(count)
        }
        Direction::Backwards => {
            let end = from.map_or(count, |from| from.saturating_add(1).min(count));
            let begin = end.saturating_sub(max_events).max(first_kept);
            begin.min(end)..end
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_wanted_from_the_start_or_the_end_and_only_those_that_are_kept() {
        let wanted = |direction, from| wanted_revisions(direction, from, 2, 6, 3);
        assert_eq!(wanted(Direction::Forwards, None), 2..5);
        assert_eq!(wanted(Direction::Forwards, Some(4)), 4..6);
        assert!(wanted(Direction::Forwards, Some(6)).is_empty());
        assert!(wanted(Direction::Forwards, Some(60)).is_empty());
        assert_eq!(wanted(Direction::Backwards, None), 3..6);
        assert_eq!(wanted(Direction::Backwards, Some(3)), 2..4);
        assert_eq!(wanted(Direction::Backwards, Some(u64::MAX)), 3..6);
        assert!(wanted(Direction::Backwards, Some(1)).is_empty());
    }

    #[test]
    fn a_run_is_cut_at_the_end_that_is_read_last() {
        let run = Run {
            frame: 64,
            ordinal: 2,
            first_revision: 10,
            count: 5,
        };
        let part = |direction, most| {
            let part = run.part(direction, most);
            (part.ordinal, part.first_revision, part.count)
        };
        assert_eq!(part(Direction::Forwards, 2), (2, 10, 2));
        assert_eq!(part(Direction::Backwards, 2), (5, 13, 2));
        for direction in [Direction::Forwards, Direction::Backwards] {
            assert_eq!(run.part(direction, 5), run);
            assert_eq!(run.part(direction, u64::MAX), run);
        }
    }
}
