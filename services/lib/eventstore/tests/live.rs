//! Reading a log offline while a store has it open.

mod support;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use support::{append, commit, event, ids, last_log_file, open, scan, wait};
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

/// Appends groups of 20 events as fast as it can.
fn append_groups(store: &EventStore, groups: u128) {
    for group in 0..groups {
        let appends = (0..20)
            .map(|place| Append {
                stream: Arc::from(format!("s-{place}")),
                expected: ExpectedRevision::Any,
                events: vec![event(group * 20 + place + 1, &"w".repeat(400))],
            })
            .collect();
        let results = wait(async { store.queue(appends).await.results().await });
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
}

#[test]
fn a_busy_store_is_read_and_copied_beside_it_without_a_complaint() {
    const GROUPS: u128 = 40;
    let settings = LogSettings {
        segment_bytes: 60_000,
        low_disk_bytes: 0,
    };
    for round in 0..10 {
        let folder = TempDir::new().expect("a temporary folder");
        let (store, _) =
            EventStore::open_settings(&RealDisk, folder.path(), Clock::system(), settings)
                .expect("the store opens");
        let writing = std::thread::spawn(move || {
            append_groups(&store, GROUPS);
            store.close();
        });
        let mut before = 0;
        while !writing.is_finished() {
            let (events, error) = scan(folder.path());
            assert!(error.is_none(), "round {round}: {}", error.expect("some"));
            assert!(events.len() >= before, "round {round}");
            before = events.len();
            if round == 0 {
                let copy = TempDir::new().expect("a temporary folder");
                back_up(folder.path(), copy.path()).expect("copied");
                assert!(scan(copy.path()).1.is_none());
            }
        }
        writing.join().expect("it wrote");
        assert_eq!(scan(folder.path()).0.len() as u128, GROUPS * 20);
    }
}
