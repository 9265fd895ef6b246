//! What fuzzing tries: any bytes as a log, as commits in a log, and as requests. `tests/fuzz` drives them with cargo-fuzz, and
//! `tests/fuzz_corpus.rs` of this crate with the corpus on the stable toolchain.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use terrarium_eventlog::{MAGIC, frame_checksum, segment_file_name};
use uuid::Uuid;

use crate::error::ReadError;
use crate::event::{ContentType, ExpectedRevision, Position, ProposedCommit, ProposedEvent};
use crate::scan::Scan;
use crate::scavenge::scavenge;
use crate::store::{EventStore, LOG_FOLDER};

pub use crate::front::fuzzing::requests;

/// Of a log of the first form, which every version opens.
const LOG_FILE: &str = "events.log";
/// Magic, version 1, length 64, zeros, and the checksum of these.
const FIRST_FORM_HEADER: [u8; 64] = {
    let mut header = [0; 64];
    let start = *b"TERRALOG\x01\0\0\0\x40\0\0\0";
    let checksum = [0xE5, 0xA6, 0xFD, 0x6A];
    let mut place = 0;
    while place < start.len() {
        header[place] = start[place];
        place += 1;
    }
    place = 0;
    while place < checksum.len() {
        header[60 + place] = checksum[place];
        place += 1;
    }
    header
};
const FRAME_ALIGNMENT: usize = 8;
const MAX_EVENTS: usize = 100_000;
const ENDED_STREAMS: usize = 4;

/// Bytes as a log: frame decoding, footers, indexes, offline reading, recovery and scavenging.
///
/// As a log of the first format if they begin like one; otherwise four bytes for a length (little endian), then a segment of a
/// log of format 2, and so on.
///
/// # Panics
/// When something is not as promised: an undamaged log does not open, an opened one changes what it holds, or can't go on, or
/// scavenging leaves something else than a part of it.
pub fn log(bytes: &[u8]) {
    let folder = Folder::new();
    let log_folder = folder.0.join(LOG_FOLDER);
    std::fs::create_dir_all(&log_folder).expect("a temporary folder");
    let is_first_form = bytes.len() < 4 || bytes.starts_with(&MAGIC[..4]);
    if is_first_form {
        std::fs::write(log_folder.join(LOG_FILE), bytes).expect("a temporary file");
    } else {
        write_segments(&log_folder, bytes);
    }
    let scanned: Option<Vec<Position>> = Scan::open(&folder.0)
        .ok()
        .and_then(|scan| scan.map(|event| Some(event.ok()?.position)).collect());

    let Ok((store, _)) = EventStore::open(&folder.0) else {
        assert!(scanned.is_none(), "a log that reads well does not open");
        return;
    };
    let opened = positions(&store);
    if let Some(scanned) = &scanned {
        let opened = opened.as_ref().expect("what is undamaged is readable");
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
    let opened = match opened {
        Ok(opened) => opened,
        // Opening reads only the end of sealed segments, so that it may come to light later that they are damaged.
        Err(_) => {
            assert!(!is_first_form, "what was opened is readable");
            return;
        }
    };
    let reopened = positions(&store).expect("what was readable still is");
    assert_eq!(
        reopened[..opened.len()],
        opened[..],
        "opening again lost events"
    );
    assert_eq!(reopened.len(), opened.len() + usize::from(!is_over));
    scavenged(&folder.0, store, scanned.is_some());
}

/// Ends some streams and scavenges what is left of them.
fn scavenged(data: &Path, store: EventStore, is_undamaged: bool) {
    let streams = store.list_streams("").unwrap_or_default();
    runtime().block_on(async {
        for stream in streams.iter().take(ENDED_STREAMS) {
            // One that was ended before, or is described by one, stays as it is.
            let _ = store.tombstone(stream, ExpectedRevision::Any).await;
        }
    });
    let before = positions(&store).expect("what was readable still is");
    store.close();
    let outcome = scavenge(data);
    assert!(
        outcome.is_ok() || !is_undamaged,
        "an undamaged log is not scavenged: {outcome:?}"
    );
    let (store, _) = EventStore::open(data).expect("what was scavenged opens");
    let left = positions(&store).expect("what is left is readable");
    assert!(left.iter().all(|position| before.contains(position)));
    store.close();
    if is_undamaged {
        let mut scan = Scan::open(data).expect("what was scavenged is a log");
        assert!(scan.all(|event| event.is_ok()), "scavenging damaged it");
    }
}

fn write_segments(folder: &Path, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((length, following)) = rest.split_first_chunk::<4>() {
        let length = (u32::from_le_bytes(*length) as usize).min(following.len());
        let (segment, after) = following.split_at(length);
        rest = after;
        let base = segment.get(16..24).and_then(|base| base.try_into().ok());
        let name = segment_file_name(base.map_or(0, u64::from_le_bytes));
        std::fs::write(folder.join(name), segment).expect("a temporary file");
    }
}

/// Bytes as the bodies of frames that are right in themselves: two for a length (little endian), then a body.
///
/// # Panics
/// As [`log`] does.
pub fn commits(bytes: &[u8]) {
    let mut file = FIRST_FORM_HEADER.to_vec();
    let mut rest = bytes;
    while let [low, high, following @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(following.len());
        let (body, after) = following.split_at(length);
        rest = after;
        if body.is_empty() {
            continue;
        }
        let position = file.len() as u64;
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(frame_checksum(position, position, body).to_le_bytes());
        file.extend(position.to_le_bytes());
        file.extend(body);
        file.resize(file.len().next_multiple_of(FRAME_ALIGNMENT), 0);
    }
    log(&file);
}

fn positions(store: &EventStore) -> Result<Vec<Position>, ReadError> {
    let mut found: Vec<Position> = Vec::new();
    while found.len() < MAX_EVENTS {
        let page = store.read_all(found.last().copied(), 1_000, 1 << 20)?;
        if page.is_empty() {
            break;
        }
        found.extend(page.iter().map(|event| event.position));
    }
    Ok(found)
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
