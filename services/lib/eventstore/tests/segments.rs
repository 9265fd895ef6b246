//! A store in many segments answers like one in a single segment, and a log of the first format goes on.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use support::answers::{
    Step, WHOLE, everything, open_sized, random_step, take, without_random_ids,
};
use support::{Random, all, append, commit, event, ids, open_in_segments, scan, wait};
use tempfile::TempDir;
use terrarium_eventlog::{FaultyDisk, list_segments};
use terrarium_eventstore::{
    AllCursor, Append, Direction, EventStore, ExpectedRevision, LogSettings, PageLimit, Position,
    RecordedEvent, StreamPage, Ticks, back_up,
};

#[test]
fn a_store_in_many_segments_answers_like_one_in_a_single_segment() {
    for seed in 0..6 {
        let mut random = Random(seed);
        let (folder, one_folder) = (TempDir::new(), TempDir::new());
        let folder = folder.expect("a temporary folder");
        let one_folder = one_folder.expect("a temporary folder");
        let now = Arc::new(AtomicU64::new(1_000 * Ticks::PER_SECOND));
        let sizes = [120 + random.below(900), u64::MAX];
        let mut stores = [&folder, &one_folder]
            .iter()
            .zip(sizes)
            .map(|(folder, size)| open_sized(folder.path(), size, &now))
            .collect::<Vec<_>>();
        let mut next_id = 0;
        for number in 0..120 {
            let step = random_step(&mut random, &mut next_id);
            // A clock that goes back now and then.
            let second = 1_000 + number / 4 - random.below(3);
            now.store(second * Ticks::PER_SECOND, Ordering::Relaxed);
            if matches!(step, Step::Reopen) {
                for store in stores.drain(..) {
                    store.close();
                }
                stores = [&folder, &one_folder]
                    .iter()
                    .zip(sizes)
                    .map(|(folder, size)| open_sized(folder.path(), size, &now))
                    .collect();
            }
            let answers: Vec<String> = stores.iter().map(|store| take(store, &step)).collect();
            assert_eq!(
                answers[0], answers[1],
                "seed {seed}, step {number}: {step:?}"
            );
            if number % 40 == 39 {
                let found: Vec<_> = stores
                    .iter()
                    .map(|store| without_random_ids(&everything(store)))
                    .collect();
                for (many, one) in found[0].iter().zip(&found[1]) {
                    assert_eq!(many, one, "seed {seed}, step {number}");
                }
            }
        }
        assert!(
            list_segments(&folder.path().join("log"))
                .expect("a log")
                .len()
                > 5
        );
        let events = all(&stores[0]);
        let (scanned, error) = scan(folder.path());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(scanned, events);
        check_every_position(&stores[0], &events);
    }
}

fn check_every_position(store: &EventStore, events: &[RecordedEvent]) {
    let few = PageLimit {
        events: 2,
        bytes: usize::MAX,
    };
    let end = store.statistics().bytes;
    let around_events = events
        .iter()
        .flat_map(|event| event.position.0 - 2..event.position.0 + 2);
    // Headers of segments are between events that are far from each other.
    let between = events.windows(2).flat_map(|pair| {
        let gap = pair[0].position.0 + 16..pair[1].position.0;
        gap.step_by(23)
    });
    for byte in around_events
        .chain(between)
        .chain(0..64)
        .chain(end - 9..end + 9)
    {
        let position = Position(byte);
        let after = events.partition_point(|event| event.position <= position);
        let at = events.partition_point(|event| event.position < position);
        let is_event = after > at;
        let page = store.read_all(Some(position), 2, usize::MAX);
        assert_eq!(page.is_ok(), is_event, "byte {byte}");
        if let Ok(page) = page {
            assert_eq!(page, events[after..events.len().min(after + 2)]);
        }
        assert_eq!(store.event_at(position).is_ok(), is_event, "byte {byte}");
        let forwards = store.read_all_page(AllCursor::ForwardsFrom(position), few);
        assert_eq!(
            forwards.expect("readable"),
            events[at..events.len().min(at + 2)],
            "byte {byte}"
        );
        let backwards = store.read_all_page(AllCursor::BackwardsBefore(position), few);
        let expected: Vec<_> = events[..at].iter().rev().take(2).cloned().collect();
        assert_eq!(backwards.expect("readable"), expected, "byte {byte}");
    }
}

/// What the metadata and the tombstone in `fixtures/format-1.log` hide.
fn has_rules_of_the_first_format(store: &EventStore) {
    let revisions =
        ["meter-0", "meter-1", "many-1", "links"].map(|stream| store.stream_revision(stream));
    assert_eq!(revisions, [7, 7, 4, 1]);
    let page = |stream: &str| {
        store
            .read_page(stream, None, Direction::Forwards, WHOLE, true)
            .expect("readable")
    };
    let StreamPage::Events { first_revision, .. } = page("meter-0") else {
        panic!("its metadata keeps two events")
    };
    assert_eq!(first_revision, 5);
    assert_eq!(page("meter-1"), StreamPage::NotFound);
    assert!(matches!(page("meter-2"), StreamPage::Tombstoned { .. }));
}

#[test]
fn indexes_that_do_not_count_the_streams_with_rules_are_asked_for_them() {
    let names = [
        "00000000000000000000.segment",
        "00000000000000003176.segment",
        "00000000000000003912.segment",
        "00000000000000004648.segment",
        "events.log",
    ];
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("log")).expect("made");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/index-1");
    for name in names {
        fs::copy(fixtures.join(name), folder.path().join("log").join(name)).expect("copied");
    }
    let (before, error) = scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    let store = open_in_segments(folder.path());
    assert_eq!(all(&store), before);
    has_rules_of_the_first_format(&store);
    // Metadata of before hides events of afterwards: in the unsealed segment, and in segments that count such streams.
    let first_seen = || match store.read_page("meter-0", None, Direction::Forwards, WHOLE, true) {
        Ok(StreamPage::Events { first_revision, .. }) => first_revision,
        other => panic!("{other:?}"),
    };
    let results = append(&store, vec![commit("meter-0", 7, &[900])]);
    assert!(results[0].is_ok());
    assert_eq!(first_seen(), 6, "it keeps two events");
    for number in 12..40u64 {
        let results = append(
            &store,
            vec![commit("new", number, &[1_000 + u128::from(number)])],
        );
        assert!(results[0].is_ok());
    }
    assert_eq!(first_seen(), 6, "it keeps two events");
    store.close();
    let segments = list_segments(&folder.path().join("log")).expect("a log");
    assert!(segments.len() > names.len());
    assert!(scan(folder.path()).1.is_none());
}

#[test]
fn a_store_of_the_first_format_is_taken_over_whole_and_goes_on_in_segments() {
    let old = include_bytes!("fixtures/format-1.log");
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("log")).expect("made");
    fs::write(folder.path().join("log/events.log"), old).expect("written");
    let (before, error) = scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(before.len(), 28);
    let copy = TempDir::new().expect("a temporary folder");
    back_up(folder.path(), copy.path()).expect("copied in the first format");
    for folder in [folder.path(), copy.path()] {
        let store = open_in_segments(folder);
        assert_eq!(all(&store), before);
        has_rules_of_the_first_format(&store);
        for number in 0..40u64 {
            let results = append(
                &store,
                vec![commit("new", number, &[1_000 + u128::from(number)])],
            );
            assert!(results[0].is_ok());
        }
        // Retries without a revision are known from the index of what was sealed.
        store.close();
        let store = open_in_segments(folder);
        let again = Append {
            stream: Arc::from("many-1"),
            expected: ExpectedRevision::Any,
            events: [100, 101, 102, 103].map(|id| event(id, "")).to_vec(),
        };
        assert!(wait(store.append_to(again)).expect("there").already_there);
        assert_eq!(ids(&all(&store))[..28], ids(&before));
        assert_eq!(all(&store).len(), 68);
        store.close();
        assert!(list_segments(&folder.join("log")).expect("a log").len() > 3);
        assert!(scan(folder).1.is_none());
    }
}

#[test]
fn a_segment_with_very_many_streams_is_sealed_before_it_is_full() {
    let folder = TempDir::new().expect("a temporary folder");
    let (store, _) = EventStore::open_on(&FaultyDisk::without_syncs(), folder.path())
        .expect("an empty store opens");
    for first in (0..70_000u64).step_by(5_000) {
        let commits = (first..first + 5_000)
            .map(|number| commit(&format!("s-{number}"), 0, &[u128::from(number)]))
            .collect();
        assert!(append(&store, commits).iter().all(Result::is_ok));
    }
    assert!(store.statistics().bytes < LogSettings::DEFAULT_SEGMENT_BYTES);
    store.close();
    let (store, recovery) = EventStore::open(folder.path()).expect("the store opens");
    assert_eq!(recovery.sealed_segments, 1);
    assert_eq!(store.statistics().streams, 70_000);
    assert_eq!(store.stream_revision("s-3"), 1);
    assert_eq!(store.stream_revision("s-69999"), 1);
}
