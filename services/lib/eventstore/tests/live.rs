//! Reading a log offline while a store has it open.

mod support;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use support::{all, append, commit, event, ids, last_log_file, open, scan, wait};
use tempfile::TempDir;
use terrarium_eventlog::{FolderLock, RealDisk};
use terrarium_eventstore::{
    Append, Clock, EventStore, ExpectedRevision, LogSettings, Scan, back_up,
};

/// A log of one segment with these commits, each of one event, and where the last begins.
fn log_of(folder: &Path, commits: u64) -> u64 {
    let store = open(folder);
    let mut last_commit = 0;
    for number in 0..commits {
        last_commit = store.statistics().bytes;
        append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
    }
    store.close();
    last_commit
}

fn write_at(folder: &Path, bytes: &[u8], offset: u64) {
    let file = OpenOptions::new().write(true).open(last_log_file(folder));
    file.and_then(|file| file.write_all_at(bytes, offset))
        .expect("a file that can be written");
}

#[test]
fn what_a_store_is_still_writing_is_no_damage_and_what_nobody_writes_is() {
    let folder = TempDir::new().expect("a temporary folder");
    let last_commit = log_of(folder.path(), 3);
    let whole = std::fs::read(last_log_file(folder.path())).expect("read");
    let frame = &whole[last_commit as usize..];
    // A frame of which a part has arrived: its header, its header and some of its body, its body without its header.
    let mut without_header = frame.to_vec();
    without_header[..16].fill(0);
    for part in [&frame[..16], &frame[..frame.len() - 20], &without_header] {
        write_at(folder.path(), &vec![0; frame.len() + 4096], last_commit);
        write_at(folder.path(), part, last_commit);
        let lock = FolderLock::take(folder.path()).expect("nobody has it");
        assert!(Scan::open(folder.path()).expect("a log").is_live());
        let (events, error) = scan(folder.path());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(ids(&events), [0, 1]);
        drop(lock);
        assert!(!Scan::open(folder.path()).expect("a log").is_live());
        let (events, error) = scan(folder.path());
        assert!(error.is_some(), "{} bytes", part.len());
        assert_eq!(ids(&events), [0, 1]);
    }
}

#[test]
fn damage_before_what_is_being_written_is_told_beside_a_store_too() {
    let folder = TempDir::new().expect("a temporary folder");
    let last_commit = log_of(folder.path(), 4);
    let whole = std::fs::read(last_log_file(folder.path())).expect("read");
    let at = last_commit as usize - 30;
    write_at(folder.path(), &[whole[at] ^ 1], at as u64);
    let _lock = FolderLock::take(folder.path()).expect("nobody has it");
    let (events, error) = scan(folder.path());
    assert_eq!(ids(&events), [0, 1]);
    let error = error.expect("damage");
    assert_eq!(&**error.stream.as_ref().expect("known"), "a-1");
}

#[test]
fn a_busy_store_is_read_and_copied_beside_it_without_a_complaint() {
    const SCANS: usize = 100;
    const EVENTS: usize = 3_000;
    let folder = TempDir::new().expect("a temporary folder");
    let settings = LogSettings {
        segment_bytes: 60_000,
        low_disk_bytes: 0,
    };
    let (store, _) = EventStore::open_settings(&RealDisk, folder.path(), Clock::system(), settings)
        .expect("the store opens");
    let is_over = Arc::new(AtomicBool::new(false));
    let writing = std::thread::spawn({
        let is_over = is_over.clone();
        move || {
            let mut next_id = 0u128;
            while !is_over.load(Ordering::Relaxed) {
                let appends = (0..20)
                    .map(|place| {
                        next_id += 1;
                        Append {
                            stream: Arc::from(format!("s-{place}")),
                            expected: ExpectedRevision::Any,
                            events: vec![event(next_id, &"w".repeat(400))],
                        }
                    })
                    .collect();
                let results = wait(async { store.queue(appends).await.results().await });
                assert!(results.iter().all(Result::is_ok), "{results:?}");
            }
            let found = all(&store).len();
            store.close();
            (next_id as usize, found)
        }
    });
    let mut before = 0;
    for number in 0.. {
        if number >= SCANS && before >= EVENTS {
            break;
        }
        let (events, error) = scan(folder.path());
        assert!(error.is_none(), "scan {number}: {}", error.expect("some"));
        assert!(events.len() >= before, "scan {number}");
        before = events.len();
        if number % 50 == 0 {
            let copy = TempDir::new().expect("a temporary folder");
            back_up(folder.path(), copy.path()).expect("copied");
            assert!(scan(copy.path()).1.is_none());
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let (written, found) = writing.join().expect("it wrote");
    assert_eq!(written, found);
}
