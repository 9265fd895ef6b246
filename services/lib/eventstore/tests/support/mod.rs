//! What the tests of this folder share: making events and running the store.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod answers;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use terrarium_eventlog::FaultyDisk;
use terrarium_eventstore::{
    AppendError, Appended, Clock, ContentType, EventStore, LogSettings, Position, ProposedCommit,
    ProposedEvent, RecordedEvent, Scan,
};
use uuid::Uuid;

/// Random numbers from a seed: SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Waits for a future on a runtime of its own.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

pub fn open(folder: &Path) -> EventStore {
    EventStore::open(folder).expect("the store opens").0
}

/// A store whose segments hold a few commits each, so that most of what is read is sealed.
pub fn open_in_segments(folder: &Path) -> EventStore {
    let settings = LogSettings {
        segment_bytes: 700,
        low_disk_bytes: 0,
    };
    EventStore::open_settings(
        &FaultyDisk::without_syncs(),
        folder,
        Clock::system(),
        settings,
    )
    .expect("the store opens")
    .0
}

/// The segment that is not sealed.
pub fn last_log_file(folder: &Path) -> std::path::PathBuf {
    let log = folder.join("log");
    let bases = terrarium_eventlog::list_segments(&log).expect("a log");
    log.join(terrarium_eventlog::segment_file_name(
        *bases.last().expect("a segment"),
    ))
}

pub fn event(id: u128, data: &str) -> ProposedEvent {
    ProposedEvent {
        id: Uuid::from_u128(id),
        event_type: Arc::from("terrarium.test.v1.HappenedV1"),
        content_type: ContentType::Binary,
        data: Bytes::copy_from_slice(data.as_bytes()),
        metadata: Bytes::from_static(b"{}"),
    }
}

/// A commit whose events have the ids `ids`.
pub fn commit(stream: &str, expected_revision: u64, ids: &[u128]) -> ProposedCommit {
    let events = ids
        .iter()
        .map(|id| event(*id, &format!("data of {id}")))
        .collect();
    ProposedCommit {
        stream: Arc::from(stream),
        expected_revision,
        events,
    }
}

pub fn append(
    store: &EventStore,
    commits: Vec<ProposedCommit>,
) -> Vec<Result<Appended, AppendError>> {
    wait(store.append(commits))
}

pub fn append_one(store: &EventStore, commit: ProposedCommit) -> Result<Appended, AppendError> {
    append(store, vec![commit])
        .pop()
        .expect("one result for one commit")
}

pub fn all(store: &EventStore) -> Vec<RecordedEvent> {
    store
        .read_all(None, usize::MAX, usize::MAX)
        .expect("the log can be read")
}

/// What a scan finds: the events before the first error, and the error.
pub fn scan(folder: &Path) -> (Vec<RecordedEvent>, Option<terrarium_eventstore::ScanError>) {
    let scan = match Scan::open(folder) {
        Ok(scan) => scan,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut events = Vec::new();
    for event in scan {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

pub fn log_file(folder: &Path) -> std::path::PathBuf {
    folder
        .join("log")
        .join(terrarium_eventlog::segment_file_name(0))
}

pub fn ids(events: &[RecordedEvent]) -> Vec<u128> {
    events.iter().map(|event| event.id.as_u128()).collect()
}

pub fn positions(events: &[RecordedEvent]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}
