//! What the store promises when the process dies, the disk fails or bytes change.

mod support;

use std::fs;
use std::sync::Arc;

use support::{all, append, append_one, commit, event, ids, log_file, open, scan};
use tempfile::TempDir;
use terrarium_eventlog::{FaultyDisk, RealDisk, frame_checksum};
use terrarium_eventstore::{
    AppendError, Clock, ContentType, EventStore, ProposedCommit, ProposedEvent, RecordedEvent,
    ScanProblem, Ticks,
};

/// A data folder with several batches of commits, closed; its log and its events.
fn sample() -> (TempDir, Vec<u8>, Vec<RecordedEvent>) {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    append(&store, vec![commit("a", 0, &[1, 2]), commit("b", 0, &[3])]);
    append(&store, vec![commit("b", 1, &[4])]);
    append(
        &store,
        vec![
            commit("a", 2, &[5, 6, 7]),
            commit("c", 0, &[8]),
            commit("a", 5, &[9]),
        ],
    );
    let events = all(&store);
    store.close();
    let bytes = fs::read(log_file(folder.path())).expect("read");
    (folder, bytes, events)
}

fn write_log(folder: &TempDir, bytes: &[u8]) {
    fs::create_dir_all(log_file(folder.path()).parent().expect("a folder")).expect("create");
    fs::write(log_file(folder.path()), bytes).expect("write");
}

/// Beginning and end of every frame, by the lengths the frames say.
fn frames(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut frames = Vec::new();
    let mut begin = 64;
    while begin < bytes.len() {
        let length =
            u32::from_le_bytes(bytes[begin..begin + 4].try_into().expect("four bytes")) as usize;
        let end = begin + (16 + length).next_multiple_of(8);
        frames.push((begin, end));
        begin = end;
    }
    frames
}

fn repair_checksum(bytes: &mut [u8], begin: usize) {
    let length =
        u32::from_le_bytes(bytes[begin..begin + 4].try_into().expect("four bytes")) as usize;
    let batch = u64::from_le_bytes(
        bytes[begin + 8..begin + 16]
            .try_into()
            .expect("eight bytes"),
    );
    let Some(body) = bytes.get(begin + 16..begin + 16 + length) else {
        return;
    };
    let checksum = frame_checksum(begin as u64, batch, body);
    bytes[begin + 4..begin + 8].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn a_crash_at_any_byte_of_the_last_commits_loses_no_whole_commit_and_invents_none() {
    let (_folder, bytes, events) = sample();
    let frames = frames(&bytes);
    for cut in 64..=bytes.len() {
        let folder = TempDir::new().expect("a temporary folder");
        write_log(&folder, &bytes[..cut]);
        let whole_end = frames
            .iter()
            .filter(|(_, end)| *end <= cut)
            .map(|(_, end)| *end)
            .max()
            .unwrap_or(64);
        let expected: Vec<_> = events
            .iter()
            .filter(|event| event.position.0 < whole_end as u64)
            .cloned()
            .collect();
        let (store, recovery) = EventStore::open(folder.path()).expect("a cut log opens");
        assert_eq!(all(&store), expected, "cut at {cut}");
        assert_eq!(
            recovery.torn_tail.map_or(0, |torn| torn.bytes),
            (cut - whole_end) as u64
        );
        for stream in ["a", "b", "c"] {
            let in_stream: Vec<_> = expected
                .iter()
                .filter(|event| &*event.stream == stream)
                .cloned()
                .collect();
            assert_eq!(
                store.read_stream(stream, 0, 100).expect("readable"),
                in_stream
            );
        }
        // Everything can be sent again: what is there is recognised, the rest is appended.
        let again = vec![
            commit("a", 0, &[1, 2]),
            commit("b", 0, &[3]),
            commit("b", 1, &[4]),
            commit("a", 2, &[5, 6, 7]),
            commit("c", 0, &[8]),
            commit("a", 5, &[9]),
        ];
        assert!(append(&store, again).iter().all(Result::is_ok));
        assert_eq!(ids(&all(&store)), ids(&events));
        store.close();
        assert!(scan(folder.path()).1.is_none());
    }
}

#[test]
fn every_changed_byte_is_found_by_a_scan_which_names_the_event_it_is_in() {
    let (folder, bytes, events) = sample();
    let frames = frames(&bytes);
    for at in 0..bytes.len() {
        for difference in [0x01u8, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= difference;
            write_log(&folder, &changed);
            let (before, error) = scan(folder.path());
            let error = error.unwrap_or_else(|| panic!("byte {at} ^ {difference} was not found"));
            assert_eq!(
                before,
                events[..before.len()],
                "nothing before the damage is different"
            );
            let Some((begin, _)) = frames.iter().rev().find(|(begin, _)| *begin <= at) else {
                assert!(matches!(error.problem, ScanProblem::Header(_)), "{error}");
                continue;
            };
            let ScanProblem::Frame { changed_byte, .. } = &error.problem else {
                panic!("byte {at}: {error}")
            };
            let commit_begins_with = events
                .iter()
                .find(|event| event.position.0 > *begin as u64)
                .expect("an event");
            if let Some(changed_byte) = changed_byte {
                assert_eq!(*changed_byte, at as u64);
                let named = events.iter().rev().find(|event| {
                    event.position.0 <= at as u64 && event.position.0 > *begin as u64
                });
                let named = named.unwrap_or(commit_begins_with);
                assert_eq!(
                    error.stream.as_ref(),
                    Some(&named.stream),
                    "byte {at}: {error}"
                );
                assert_eq!(error.revision, Some(named.revision), "byte {at}: {error}");
                assert_eq!(
                    ids(&events)[error.event_index as usize],
                    named.id.as_u128(),
                    "byte {at}: {error}"
                );
            } else {
                assert_eq!(error.position, *begin as u64);
                assert_eq!(error.event_index as usize, before.len());
                let in_length_or_batch_or_padding = at < begin + 4 || at >= begin + 8;
                assert!(in_length_or_batch_or_padding, "byte {at}: {error}");
            }
            if at >= begin + 16 && changed_byte.is_none() {
                assert_eq!(
                    changed[at], difference,
                    "only padding has no named byte: {error}"
                );
            }
        }
    }
}

#[test]
fn a_changed_byte_with_a_repaired_checksum_is_found_or_changes_only_what_that_byte_says() {
    let (folder, bytes, events) = sample();
    let mut found = 0;
    for (begin, end) in frames(&bytes) {
        for at in begin..end {
            let mut changed = bytes.clone();
            changed[at] ^= 0x11;
            repair_checksum(&mut changed, begin);
            write_log(&folder, &changed);
            let (scanned, error) = scan(folder.path());
            let Some(owner) = events.iter().rposition(|event| {
                event.position.0 <= at as u64 && event.position.0 > begin as u64
            }) else {
                let checksum_itself = (begin + 4..begin + 8).contains(&at);
                // The time of the commit, or the stream name of a first one.
                let is_no_structure = error.is_none() && !checksum_itself;
                if is_no_structure {
                    let different: Vec<_> = scanned
                        .iter()
                        .zip(&events)
                        .filter(|(new, old)| new != old)
                        .collect();
                    assert!(different.iter().all(|(new, old)| {
                        let says_other = new.stream != old.stream || new.recorded != old.recorded;
                        says_other && new.data == old.data
                    }));
                    assert!(!different.is_empty(), "byte {at} was not found");
                }
                found += u32::from(error.is_some());
                continue;
            };
            if error.is_some() {
                // The event that holds the byte may still parse before the fault; its digest tells that it was changed.
                for (index, (new, old)) in scanned.iter().zip(&events).enumerate() {
                    assert!(new == old || index == owner, "byte {at}, event {index}");
                }
                found += 1;
                continue;
            }
            assert_eq!(scanned.len(), events.len());
            for (index, (new, old)) in scanned.iter().zip(&events).enumerate() {
                assert_eq!(index == owner, new != old, "byte {at}, event {index}");
            }
        }
    }
    assert!(
        found > 100,
        "lengths, revisions, kinds and batches are structure: {found}"
    );
}

#[test]
fn a_commit_that_no_correct_writer_could_have_written_is_refused_by_scan_and_by_open() {
    let (folder, bytes, _) = sample();
    let (begin, _) = *frames(&bytes).last().expect("frames");
    // Kind, flags, time, stream name, then the revision of the last commit to stream `a`.
    let revision_at = begin + 16 + 1 + 1 + 8 + 2 + 1;
    let mut changed = bytes.clone();
    changed[revision_at] += 1;
    repair_checksum(&mut changed, begin);
    write_log(&folder, &changed);
    let (_, error) = scan(folder.path());
    let error = error.expect("a gap");
    assert!(
        matches!(
            error.problem,
            ScanProblem::Revision {
                found: 6,
                expected: 5
            }
        ),
        "{error}"
    );
    assert_eq!((error.stream.as_deref(), error.event_index), (Some("a"), 8));
    let error = EventStore::open(folder.path())
        .expect_err("a gap")
        .to_string();
    assert!(
        error.contains("revision 6") && error.contains("terrarium verify"),
        "{error}"
    );

    let mut count_less = bytes.clone();
    let (begin, _) = frames(&bytes)[0];
    count_less[begin + 16 + 1 + 1 + 8 + 2 + 1 + 8] = 1;
    repair_checksum(&mut count_less, begin);
    write_log(&folder, &count_less);
    let error = scan(folder.path()).1.expect("left over bytes");
    assert!(error.to_string().contains("left over"), "{error}");
}

#[test]
fn a_log_that_lost_its_end_is_noticed_by_a_scan_that_knows_how_far_it_went() {
    let (folder, bytes, events) = sample();
    let (begin, _) = *frames(&bytes).last().expect("frames");
    write_log(&folder, &bytes[..begin]);
    assert!(scan(folder.path()).1.is_none(), "the rest is whole");
    let last = events.last().expect("events").position;
    let scan = terrarium_eventstore::Scan::open(folder.path())
        .expect("a log")
        .until(last);
    let error = scan
        .last()
        .expect("an item")
        .expect_err("the log is too short");
    assert!(
        matches!(error.problem, ScanProblem::Shortened { .. }),
        "{error}"
    );
}

#[test]
fn a_scan_of_a_folder_without_a_log_says_so() {
    let folder = TempDir::new().expect("a temporary folder");
    let error = scan(folder.path()).1.expect("no log");
    assert!(matches!(error.problem, ScanProblem::Io(_)), "{error}");
    assert!(error.to_string().contains("events.log"), "{error}");
    assert_eq!(
        fs::read_dir(folder.path()).expect("the folder").count(),
        0,
        "a scan creates nothing"
    );
}

#[test]
fn a_full_disk_refuses_the_whole_group_and_the_store_goes_on_when_space_returns() {
    let commit_bytes = {
        let folder = TempDir::new().expect("a temporary folder");
        let store = open(folder.path());
        append_one(&store, commit("a", 0, &[1])).expect("appended");
        store.statistics().bytes - 64
    };
    for room in 0..2 * commit_bytes {
        let folder = TempDir::new().expect("a temporary folder");
        let disk = FaultyDisk::new();
        let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
        append_one(&store, commit("a", 0, &[1])).expect("appended");
        let before = all(&store);
        disk.full_at(store.statistics().bytes + room);
        let wrong = commit("a", 9, &[9]);
        let results = append(
            &store,
            vec![
                commit("a", 0, &[1]),
                commit("a", 1, &[2]),
                commit("a", 2, &[3]),
                wrong,
            ],
        );
        assert!(results[0].as_ref().expect("durable before").already_there);
        for result in &results[1..] {
            // The last one would have been told a revision that never came to be.
            assert!(
                matches!(result, Err(AppendError::StorageFull(_))),
                "{result:?}"
            );
        }
        assert_eq!(all(&store), before);
        assert_eq!(store.stream_revision("a"), 1);
        disk.full_at(u64::MAX);
        append_one(&store, commit("a", 1, &[4])).expect("there is space again");
        store.close();
        let (store, recovery) = EventStore::open(folder.path()).expect("the store reopens");
        assert_eq!(recovery.torn_tail, None);
        assert_eq!(ids(&all(&store)), [1, 4]);
    }
}

#[test]
fn after_a_failed_fsync_nothing_is_appended_until_the_store_is_reopened_and_reading_goes_on() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
    append_one(&store, commit("a", 0, &[1])).expect("appended");
    let last = store.last_position();
    disk.fail_syncs(true);
    assert!(matches!(
        append_one(&store, commit("a", 1, &[2])),
        Err(AppendError::Failed(_))
    ));
    disk.fail_syncs(false);
    let error = append_one(&store, commit("a", 1, &[2])).expect_err("the log has failed");
    assert!(error.to_string().contains("restart"), "{error}");
    assert_eq!(ids(&all(&store)), [1]);
    assert_eq!(store.last_position(), last);
    assert_eq!(store.stream_revision("a"), 1);
    assert!(
        append_one(&store, commit("a", 0, &[1]))
            .expect("durable before")
            .already_there
    );
    store.close();
    let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store reopens");
    append_one(&store, commit("a", 1, &[2])).expect("appended, or found to be there");
    assert_eq!(ids(&all(&store)), [1, 2]);
}

#[test]
fn damage_under_an_open_store_is_reported_and_not_served() {
    let (folder, bytes, events) = sample();
    let store = open(folder.path());
    let mut changed = bytes.clone();
    changed[events[3].position.0 as usize + 3] ^= 4;
    write_log(&folder, &changed);
    let error = store
        .event_at(events[3].position)
        .expect_err("damaged")
        .to_string();
    assert!(
        error.contains("checksum") && error.contains("terrarium verify"),
        "{error}"
    );
    assert!(store.read_all(None, 100, usize::MAX).is_err());
    assert_eq!(ids(&store.read_stream("c", 0, 10).expect("untouched")), [8]);
}

/// A log of one commit of kind 1, as the first release wrote it. It must stay readable for ever.
const FIRST_LOG: &str = concat!(
    "54455252414c4f470100000040000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000e5a6fd6a4f0000003991d2764000000000000000",
    "010100730000000000000000010000000102030405060708090a0b0c0d0e0f101c00746572726172",
    "69756d2e746573742e76312e48617070656e65645631070000007061796c6f6164020000007b7d00",
);

/// The same event in a segment of version 2 and a commit of kind 2. What is written must not change while these are.
const PRESENT_LOG: &str = concat!(
    "54455252414c4f470200000040000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000eacda28359000000350862eb4000000000000000",
    "020008070605040302010100730000000000000000010000000102030405060708090a0b0c0d0e0f",
    "10001c0074657272617269756d2e746573742e76312e48617070656e65645631070000007061796c",
    "6f6164020000007b7d00000000000000",
);

const PRESENT_TIME: Ticks = Ticks(0x0102_0304_0506_0708);

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(&text[place..place + 2], 16).expect("hexadecimal"))
        .collect()
}

fn released_event() -> ProposedEvent {
    event(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10, "payload")
}

fn check_released(folder: &TempDir, position: u64, recorded: Ticks) {
    let released = released_event();
    let (events, error) = scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    let [event] = &events[..] else {
        panic!("one event: {events:?}")
    };
    assert_eq!(
        (event.position.0, &*event.stream, event.revision, event.id),
        (position, "s", 0, released.id)
    );
    assert_eq!(
        (&event.event_type, &event.data, &event.metadata),
        (&released.event_type, &released.data, &released.metadata)
    );
    assert_eq!(
        (event.content_type, event.recorded),
        (ContentType::Binary, recorded)
    );
}

#[test]
fn the_present_format_is_written_and_read() {
    let folder = TempDir::new().expect("a temporary folder");
    let (store, _) = EventStore::open_with(&RealDisk, folder.path(), Clock::new(|| PRESENT_TIME))
        .expect("the store opens");
    let commit = ProposedCommit {
        stream: Arc::from("s"),
        expected_revision: 0,
        events: vec![released_event()],
    };
    append_one(&store, commit).expect("appended");
    store.close();
    let written = fs::read(log_file(folder.path())).expect("read");
    assert_eq!(hexadecimal(&written), PRESENT_LOG);
    check_released(&folder, 105, PRESENT_TIME);
}

#[test]
fn a_log_of_the_first_release_is_read_and_continued() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir_all(log_file(folder.path()).parent().expect("a folder")).expect("made");
    let old_file = folder.path().join("log").join("events.log");
    fs::write(old_file, from_hexadecimal(FIRST_LOG)).expect("written");
    check_released(&folder, 96, Ticks::default());
    let store = open(folder.path());
    append_one(&store, commit("s", 1, &[2])).expect("appended");
    assert_eq!(all(&store).len(), 2);
    assert!(all(&store)[1].recorded > Ticks::default());
}
