//! Giving back the space of events that nobody can read any more.
//!
//! What the metadata of a stream hides (`$tb`, `$maxCount`, `$maxAge`, a soft deletion), and everything of a tombstoned stream but
//! the tombstone, is removed from the sealed segments, commit by commit: one of which an event is still seen stays whole. Streams
//! without metadata are never touched, nor are metadata streams, so that the log keeps saying who asked for what; nor is the
//! unsealed segment. What is left keeps its position and revision, and the index stays as it was: a stream goes on with the
//! number it had, and the names of removed streams stay in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use terrarium_eventlog::{
    Disk, FIRST_FORMAT_FILE_NAME, Frame, LogSettings, RealDisk, list_segments, scavenge_segment,
};
use thiserror::Error;

use crate::clock::Clock;
use crate::encoding::CommitReader;
use crate::error::{OpenError, ReadError};
use crate::event::Ticks;
use crate::retention::described_stream;
use crate::store::{EventStore, LOG_FOLDER};

/// Why a store was not scavenged, or not to the end: what was done before stays, and can be gone on with.
#[derive(Debug, Error)]
pub enum ScavengeError {
    #[error("there is no event store in {}: name the data folder of one", data.display())]
    NoStore { data: PathBuf },
    #[error("cannot look for an event store in {}: {source}", data.display())]
    Folder {
        data: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Segment(#[from] terrarium_eventlog::ScavengeError),
}

/// What scavenging did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Scavenged {
    /// Sealed segments that were looked at, and those of which something was removed.
    pub segments: u64,
    pub rewritten: u64,
    pub removed_commits: u64,
    pub removed_events: u64,
    /// Bytes that these had in the log.
    pub removed_bytes: u64,
}

/// Removes from the store in the data folder `data`, which nobody has open, what its streams no longer show.
pub fn scavenge(data: &Path) -> Result<Scavenged, ScavengeError> {
    scavenge_on(&RealDisk, data, Clock::system())
}

/// [`scavenge`] on a disk and with a clock of the caller's.
pub fn scavenge_on(disk: &dyn Disk, data: &Path, clock: Clock) -> Result<Scavenged, ScavengeError> {
    require_store(data)?;
    let now = clock.now();
    let (store, _) = EventStore::open_settings(disk, data, clock, LogSettings::default())?;
    let outcome = scavenge_open(disk, data, &store, now);
    store.close();
    outcome
}

/// Opening would make one.
fn require_store(data: &Path) -> Result<(), ScavengeError> {
    let folder = data.join(LOG_FOLDER);
    let is_there = list_segments(&folder).and_then(|segments| {
        Ok(!segments.is_empty() || folder.join(FIRST_FORMAT_FILE_NAME).try_exists()?)
    });
    let data = data.to_owned();
    match is_there {
        Ok(true) => Ok(()),
        Ok(false) => Err(ScavengeError::NoStore { data }),
        Err(source) => Err(ScavengeError::Folder { data, source }),
    }
}

fn scavenge_open(
    disk: &dyn Disk,
    data: &Path,
    store: &EventStore,
    now: Ticks,
) -> Result<Scavenged, ScavengeError> {
    let rules = rules(store, now)?;
    let mut done = Scavenged::default();
    for sealed in store.contents().log.sealed() {
        done.segments += 1;
        let mut events = 0;
        let mut is_removable = |frame: &Frame| {
            let commit = CommitReader::new(&frame.body).map_err(|fault| fault.to_string())?;
            let removable = rules
                .get(commit.stream)
                .is_some_and(|rule| rule.removes(&commit));
            events += if removable {
                u64::from(commit.count)
            } else {
                0
            };
            Ok(removable)
        };
        let folder = data.join(LOG_FOLDER);
        if let Some(removed) = scavenge_segment(&folder, disk, &sealed, &mut is_removable)? {
            done.rewritten += 1;
            done.removed_commits += removed.frames;
            done.removed_events += events;
            done.removed_bytes += removed.bytes;
        }
    }
    Ok(done)
}

/// What of a stream is no longer shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    is_tombstoned: bool,
    /// Revision of the first event that is shown.
    first_kept: u64,
    /// What was recorded before is too old.
    oldest: Ticks,
}

impl Rule {
    fn removes(&self, commit: &CommitReader<'_>) -> bool {
        let is_hidden = self.is_tombstoned
            || commit.next_revision() <= self.first_kept
            || commit.recorded < self.oldest;
        is_hidden && !commit.is_tombstone
    }
}

/// The rules of all streams that have some. Metadata streams are left alone.
fn rules(store: &EventStore, now: Ticks) -> Result<BTreeMap<Box<str>, Rule>, ReadError> {
    let mut rules = BTreeMap::new();
    for stream in store.contents().streams_with_rules()? {
        if described_stream(&stream).is_some() {
            continue;
        }
        let facts = store.contents().stream_facts(&stream)?;
        let retention = facts.retention.unwrap_or_default();
        let rule = Rule {
            is_tombstoned: facts.tombstone.is_some(),
            first_kept: retention.first_kept(facts.count),
            oldest: Ticks(
                retention
                    .max_age
                    .map_or(0, |age| now.0.saturating_sub(age.0)),
            ),
        };
        rules.insert(stream, rule);
    }
    Ok(rules)
}
