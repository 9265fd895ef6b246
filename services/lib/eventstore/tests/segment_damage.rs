//! Damage of a sealed segment is named, whatever was changed.

mod support;

use std::fs;

use support::{all, append, commit, open_in_segments, scan};
use tempfile::TempDir;
use terrarium_eventlog::{
    FaultyDisk, LogFiles, SealFault, frame_checksum, list_segments, segment_file_name,
};
use terrarium_eventstore::{EventStore, ScanProblem};

#[test]
fn any_changed_byte_of_a_sealed_segment_is_named_by_a_scan_and_never_read_as_something_else() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for number in 0..30u64 {
        append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
    }
    let events = all(&store);
    store.close();
    let bases = list_segments(&folder.path().join("log")).expect("a log");
    let path = folder.path().join("log").join(segment_file_name(bases[1]));
    let clean = fs::read(&path).expect("read");
    for at in 0..clean.len() {
        let mut changed = clean.clone();
        changed[at] ^= 0x40;
        fs::write(&path, &changed).expect("write");
        let (scanned, error) = scan(folder.path());
        let error = error.unwrap_or_else(|| panic!("byte {at} was not found"));
        assert!(
            error.path == path || matches!(error.problem, ScanProblem::Segment(_)),
            "byte {at}: {error}"
        );
        assert_eq!(scanned, events[..scanned.len()]);
        // A store that opens all the same refuses to read what is damaged.
        let opened = EventStore::open_on(&FaultyDisk::without_syncs(), folder.path());
        let Ok((store, _)) = opened else {
            continue;
        };
        match store.read_stream("a-1", 0, usize::MAX) {
            Ok(read) => assert_eq!(read, events),
            Err(error) => assert!(error.to_string().contains("backup"), "{error}"),
        }
        if let Ok(read) = store.read_all(None, usize::MAX, usize::MAX) {
            assert_eq!(read, events);
        }
        store.close();
    }
    fs::write(&path, &clean).expect("write");
    assert!(scan(folder.path()).1.is_none());
}

#[test]
fn a_forged_record_with_its_checksum_made_good_is_named_by_the_tree_hash() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for number in 0..30u64 {
        append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
    }
    let forged = all(&store)[1].clone();
    store.close();
    let frame = LogFiles::open(&folder.path().join("log"))
        .expect("a log")
        .frames(1 << 20)
        .map(|frame| frame.expect("a good frame"))
        .find(|frame| frame.next_position() > forged.position.0)
        .expect("the event's frame");
    let path = support::log_file(folder.path());
    let mut bytes = fs::read(&path).expect("read");
    let mut body = frame.body.to_vec();
    let digit = body.windows(9).position(|text| text == b"data of 1");
    body[digit.expect("the event's data") + 8] = b'7';
    let (at, body_at) = (frame.position as usize, frame.body_position() as usize);
    let checksum = frame_checksum(frame.position, frame.batch, &body);
    bytes[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
    bytes[body_at..body_at + body.len()].copy_from_slice(&body);
    fs::write(&path, bytes).expect("write");
    let error = scan(folder.path()).1.expect("forged");
    assert!(
        matches!(error.problem, ScanProblem::Seal(SealFault::Records { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("changed"), "{error}");
}
