//! What fuzzing tries: any bytes as a log, any bytes as requests. `tests/fuzz` drives them with cargo-fuzz, and
//! `tests/fuzz_corpus.rs` of this crate with the corpus on the stable toolchain.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::event::{ContentType, Position, ProposedCommit, ProposedEvent};
use crate::scan::Scan;
use crate::store::{EventStore, LOG_FOLDER};

pub use crate::front::fuzzing::requests;

/// Of a log of the first form, which every version opens.
const LOG_FILE: &str = "events.log";
const MAX_EVENTS: usize = 100_000;

/// Bytes as a log: frame decoding, offline reading and recovery.
///
/// # Panics
/// When something is not as promised: an undamaged log does not open, an opened one changes what it holds, or can't go on.
pub fn log(bytes: &[u8]) {
    let folder = Folder::new();
    let file = folder.0.join(LOG_FOLDER);
    std::fs::create_dir_all(&file).expect("a temporary folder");
    std::fs::write(file.join(LOG_FILE), bytes).expect("a temporary file");
    let scanned: Option<Vec<Position>> = Scan::open(&folder.0)
        .ok()
        .and_then(|scan| scan.map(|event| Some(event.ok()?.position)).collect());

    let Ok((store, _)) = EventStore::open(&folder.0) else {
        assert!(scanned.is_none(), "a log that reads well does not open");
        return;
    };
    let opened = positions(&store);
    if let Some(scanned) = scanned {
        assert_eq!(opened, scanned, "opening changed what the log holds");
    }
    let revision = store.stream_revision("fuzzed");
    let commit = ProposedCommit {
        stream: Arc::from("fuzzed"),
        expected_revision: revision,
        events: vec![ProposedEvent {
            id: Uuid::from_u128(1),
            event_type: Arc::from("happened"),
            content_type: ContentType::Binary,
            data: Bytes::from_static(b"data"),
            metadata: Bytes::new(),
        }],
    };
    let appended = runtime().block_on(store.append(vec![commit]));
    let is_over = appended[0].is_err();
    store.close();

    let (store, _) = EventStore::open(&folder.0).expect("what was opened and closed opens");
    let reopened = positions(&store);
    assert_eq!(
        reopened[..opened.len()],
        opened[..],
        "opening again lost events"
    );
    assert_eq!(reopened.len(), opened.len() + usize::from(!is_over));
}

fn positions(store: &EventStore) -> Vec<Position> {
    let mut found: Vec<Position> = Vec::new();
    while found.len() < MAX_EVENTS {
        let page = store
            .read_all(found.last().copied(), 1_000, 1 << 20)
            .expect("what was opened is readable");
        if page.is_empty() {
            break;
        }
        found.extend(page.iter().map(|event| event.position));
    }
    found
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A folder of its own, removed in the end.
pub(crate) struct Folder(pub(crate) std::path::PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        let name = format!("terrarium-fuzz-{}", Uuid::new_v4());
        // In memory where there is such a place: nothing here has to outlive the process.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
