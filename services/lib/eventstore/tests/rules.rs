//! Expected revisions, retries, deletion and metadata: what clients of EventStoreDB rely on, also after reopening.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use support::{event, ids, open_in_segments, wait};
use tempfile::TempDir;
use terrarium_eventlog::{FaultyDisk, RealDisk};
use terrarium_eventstore::{
    AllCursor, Append, AppendError, Clock, ContentType, Direction, EventStore, ExpectedRevision,
    METADATA_TYPE, PageLimit, Position, ProposedEvent, RecordedEvent, StreamPage,
    TOMBSTONE_REVISION, Ticks, Written,
};

use ExpectedRevision::{Any, Exact, NoStream, StreamExists};

const ALL: PageLimit = PageLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

fn append_of(stream: &str, expected: ExpectedRevision, numbers: &[u128]) -> Append {
    Append {
        stream: Arc::from(stream),
        expected,
        events: numbers
            .iter()
            .map(|number| event(*number, &format!("data of {number}")))
            .collect(),
    }
}

fn write(
    store: &EventStore,
    stream: &str,
    expected: ExpectedRevision,
    numbers: &[u128],
) -> Result<Written, AppendError> {
    wait(store.append_to(append_of(stream, expected, numbers)))
}

fn set_metadata(store: &EventStore, stream: &str, metadata: &str) {
    let event = ProposedEvent {
        content_type: ContentType::Json,
        event_type: Arc::from(METADATA_TYPE),
        ..event(
            u128::from_le_bytes(*uuid::Uuid::new_v4().as_bytes()),
            metadata,
        )
    };
    wait(store.append_to(Append {
        stream: Arc::from(format!("$${stream}")),
        expected: Any,
        events: vec![event],
    }))
    .expect("metadata is set");
}

/// Ids of the events that a reader sees; `None` when there is no such stream.
fn seen(store: &EventStore, stream: &str) -> Option<Vec<u128>> {
    match store
        .read_page(stream, None, Direction::Forwards, ALL, true)
        .expect("readable")
    {
        StreamPage::Events { events, .. } => Some(
            events
                .iter()
                .map(|event| event.event.as_ref().map_or(0, |event| event.id.as_u128()))
                .collect(),
        ),
        StreamPage::NotFound => None,
        StreamPage::Tombstoned { .. } => panic!("{stream} was tombstoned"),
    }
}

fn everything(store: &EventStore, cursor: AllCursor) -> Vec<RecordedEvent> {
    store.read_all_page(cursor, ALL).expect("readable")
}

const WRONG: fn(u64) -> Result<Written, AppendError> =
    |actual| Err(AppendError::WrongExpectedRevision { actual });

#[test]
fn an_append_without_events_only_checks_the_revision() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    let nothing = write(&store, "a", NoStream, &[]).expect("no stream");
    assert_eq!((nothing.revision, nothing.position), (None, None));
    write(&store, "a", Any, &[1, 2]).expect("appended");
    let before = store.statistics();
    for expected in [Any, StreamExists, Exact(1)] {
        let checked = write(&store, "a", expected, &[]).expect("it fits");
        assert_eq!((checked.revision, checked.position), (Some(1), None));
    }
    assert_eq!(write(&store, "a", NoStream, &[]), WRONG(2));
    assert_eq!(write(&store, "a", Exact(0), &[]), WRONG(2));
    assert_eq!(store.statistics(), before);
}

#[test]
fn recent_events_are_recognised_without_an_exact_revision_also_after_reopening() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    let first = write(&store, "a", Any, &[1, 2, 3]).expect("appended");
    write(&store, "b", Any, &[9]).expect("appended");
    store.close();
    let store = open_in_segments(folder.path());
    let again = write(&store, "a", Any, &[1, 2, 3]).expect("there");
    assert_eq!(
        (again.revision, again.position, again.already_there),
        (first.revision, first.position, true)
    );
    let part = write(&store, "a", StreamExists, &[2, 3]).expect("there");
    assert!(part.already_there);
    // Old first, new later: nothing fits such an append.
    assert_eq!(write(&store, "a", Any, &[3, 4]), WRONG(3));
    // New first: all are written, whatever comes behind.
    assert!(
        !write(&store, "a", Any, &[4, 3])
            .expect("written")
            .already_there
    );
    // The same ids in another stream are other events.
    assert!(
        !write(&store, "b", Any, &[1, 2])
            .expect("written")
            .already_there
    );
}

#[test]
fn queued_writes_to_one_stream_see_each_other_before_they_are_durable() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    let results = wait(async {
        let queued = store
            .queue(vec![
                append_of("a", NoStream, &[1]),
                append_of("a", Exact(0), &[2]),
                append_of("a", Any, &[1]),
                append_of("a", Exact(0), &[2]),
                append_of("a", Exact(0), &[3]),
                append_of("$$a", Any, &[]),
            ])
            .await;
        queued.results().await
    });
    let revisions: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .map(|written| (written.revision, written.already_there))
                .map_err(Clone::clone)
        })
        .collect();
    assert_eq!(
        revisions,
        [
            Ok((Some(0), false)),
            Ok((Some(1), false)),
            Ok((Some(0), true)),
            Ok((Some(1), true)),
            Err(AppendError::WrongExpectedRevision { actual: 2 }),
            Ok((None, false)),
        ]
    );
}

#[test]
fn what_a_full_disk_refused_is_not_taken_for_recorded_when_it_is_sent_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
    write(&store, "a", Any, &[1]).expect("appended");
    disk.full_at(store.statistics().bytes + 8);
    assert!(matches!(
        write(&store, "a", Any, &[2]),
        Err(AppendError::StorageFull(_))
    ));
    disk.full_at(u64::MAX);
    assert!(
        !write(&store, "a", Any, &[2])
            .expect("written")
            .already_there
    );
    assert_eq!(seen(&store, "a"), Some(vec![1, 2]));
}

#[test]
fn what_is_recorded_stays_known_when_its_ids_are_refused_elsewhere() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
    write(&store, "a", Any, &[1, 2]).expect("appended");
    disk.full_at(store.statistics().bytes + 8);
    assert!(matches!(
        write(&store, "b", Any, &[1, 2]),
        Err(AppendError::StorageFull(_))
    ));
    disk.full_at(u64::MAX);
    let again = write(&store, "a", Any, &[1, 2]).expect("it is there");
    assert!(again.already_there);
    assert_eq!(seen(&store, "a"), Some(vec![1, 2]));
}

#[test]
fn a_softly_deleted_stream_is_gone_and_goes_on_with_its_numbering() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    write(&store, "a", Any, &[1, 2, 3]).expect("appended");
    set_metadata(&store, "a", r#"{"owner":"ada"}"#);
    assert_eq!(wait(store.delete("a", Exact(7))), WRONG(3));
    wait(store.delete("a", Exact(2))).expect("deleted");
    let check_gone = |store: &EventStore| {
        assert_eq!(seen(store, "a"), None);
        assert_eq!(write(store, "a", StreamExists, &[4]), WRONG(3));
        assert_eq!(write(store, "a", Exact(1), &[4]), WRONG(3));
        assert_eq!(everything(store, AllCursor::START).len(), 5);
    };
    check_gone(&store);
    store.close();
    let store = open_in_segments(folder.path());
    check_gone(&store);
    let revived = write(&store, "a", NoStream, &[4]).expect("it goes on");
    assert_eq!(revived.revision, Some(3));
    let check_revived = |store: &EventStore| {
        assert_eq!(seen(store, "a"), Some(vec![4]));
        let metadata = store
            .read_page("$$a", None, Direction::Backwards, ALL, false)
            .expect("readable");
        let StreamPage::Events { events, .. } = metadata else {
            panic!("metadata: {metadata:?}")
        };
        let [newest] = &events[..] else {
            panic!("only the newest metadata counts: {events:?}")
        };
        assert_eq!(newest.original().data, r#"{"$tb":3,"owner":"ada"}"#);
        assert_eq!(write(store, "a", NoStream, &[5]), WRONG(4));
    };
    check_revived(&store);
    store.close();
    check_revived(&open_in_segments(folder.path()));
}

#[test]
fn a_tombstone_is_for_ever() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    write(&store, "a", Any, &[1, 2]).expect("appended");
    assert_eq!(wait(store.tombstone("a", Exact(5))), WRONG(2));
    let written = wait(store.tombstone("a", Exact(1))).expect("tombstoned");
    assert_eq!(written.revision, Some(TOMBSTONE_REVISION));
    wait(store.tombstone("never-was", NoStream)).expect("tombstoned");
    let check = |store: &EventStore| {
        for stream in ["a", "$$a", "never-was"] {
            for expected in [Any, NoStream, StreamExists, Exact(1)] {
                assert_eq!(
                    write(store, stream, expected, &[7]),
                    Err(AppendError::StreamDeleted),
                    "{stream} {expected:?}"
                );
            }
            let page = store.read_page(stream, None, Direction::Forwards, ALL, false);
            assert!(
                matches!(page, Ok(StreamPage::Tombstoned { .. })),
                "{page:?}"
            );
        }
        assert_eq!(
            wait(store.delete("a", Any)),
            Err(AppendError::StreamDeleted)
        );
        let events = everything(store, AllCursor::START);
        assert_eq!(&*events[2].event_type, "$streamDeleted");
        assert_eq!(events.len(), 4);
    };
    check(&store);
    store.close();
    check(&open_in_segments(folder.path()));
    let (scanned, error) = support::scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(scanned.len(), 4);
}

#[test]
fn age_hides_events_once_the_clock_says_so_and_a_clock_that_goes_back_does_not() {
    let folder = TempDir::new().expect("a temporary folder");
    let now = Arc::new(AtomicU64::new(1000));
    let clock = {
        let now = Arc::clone(&now);
        Clock::new(move || Ticks(now.load(Ordering::Relaxed) * Ticks::PER_SECOND))
    };
    let (store, _) =
        EventStore::open_with(&RealDisk, folder.path(), clock).expect("the store opens");
    set_metadata(&store, "a", r#"{"$maxAge":10}"#);
    for (number, second) in [(1, 1000), (2, 1005), (3, 1003), (4, 1020)] {
        now.store(second, Ordering::Relaxed);
        write(&store, "a", Any, &[number]).expect("appended");
    }
    let times: Vec<u64> = everything(&store, AllCursor::START)
        .iter()
        .map(|event| event.recorded.0 / Ticks::PER_SECOND)
        .collect();
    assert_eq!(times, [1000, 1000, 1005, 1005, 1020]);
    for (second, visible) in [
        (1005, vec![1, 2, 3, 4]),
        (1010, vec![1, 2, 3, 4]),
        (1011, vec![2, 3, 4]),
        (1016, vec![4]),
        (1031, vec![]),
    ] {
        now.store(second, Ordering::Relaxed);
        assert_eq!(seen(&store, "a"), Some(visible), "at {second}");
    }
}

#[test]
fn a_stream_is_read_backwards_in_pages_that_join() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for first in (0..60).step_by(3) {
        write(&store, "a", Any, &[first, first + 1, first + 2]).expect("appended");
        write(&store, "b", Any, &[first + 1000]).expect("appended");
    }
    set_metadata(&store, "a", r#"{"$tb":7}"#);
    for limit in [
        PageLimit {
            events: 4,
            bytes: usize::MAX,
        },
        PageLimit {
            events: 1000,
            bytes: 30,
        },
    ] {
        for (direction, expected) in [
            (Direction::Forwards, (7..60).collect::<Vec<u128>>()),
            (Direction::Backwards, (7..60).rev().collect()),
        ] {
            let (mut found, mut from) = (Vec::new(), None);
            loop {
                let page = store.read_page("a", from, direction, limit, false);
                let Ok(StreamPage::Events {
                    events,
                    next,
                    first_revision,
                    last_revision,
                }) = page
                else {
                    panic!("{page:?}")
                };
                assert_eq!((first_revision, last_revision), (7, 59));
                assert!((1..=4).contains(&events.len()));
                found.extend(events.iter().map(|event| event.original().id.as_u128()));
                from = next;
                if from.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn everything_is_read_backwards_as_it_is_forwards() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    // More than one chunk of reading back.
    let filling = "x".repeat(3000);
    for number in 0..300u128 {
        let mut append = append_of("a", Any, &[]);
        append.events.push(event(number, &filling));
        wait(store.append_to(append)).expect("appended");
    }
    let forwards = everything(&store, AllCursor::START);
    assert_eq!(forwards.len(), 300);
    let mut backwards = everything(&store, AllCursor::END);
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let (mut cursor, mut paged) = (AllCursor::END, Vec::new());
    let few = PageLimit {
        events: 7,
        bytes: usize::MAX,
    };
    loop {
        let page = store.read_all_page(cursor, few).expect("readable");
        let Some(last) = page.last() else { break };
        cursor = cursor.after(last.position);
        paged.extend(page);
    }
    paged.reverse();
    assert_eq!(paged, forwards);
    let middle = forwards[150].position;
    let from = |position| ids(&everything(&store, AllCursor::ForwardsFrom(position)));
    assert_eq!(from(middle), (150..300).collect::<Vec<_>>());
    assert_eq!(from(Position(middle.0 + 1)), (151..300).collect::<Vec<_>>());
    let before = |position| ids(&everything(&store, AllCursor::BackwardsBefore(position)));
    assert_eq!(before(middle), (0..150).rev().collect::<Vec<_>>());
    assert_eq!(
        before(Position(middle.0 + 1)),
        (0..151).rev().collect::<Vec<_>>()
    );
    assert!(before(Position(0)).is_empty());
    assert!(from(Position(u64::MAX)).is_empty());
}

#[test]
fn links_to_hidden_events_lead_nowhere_and_virtual_streams_outlive_reopening() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    write(&store, "pump-1", Any, &[1, 2]).expect("appended");
    write(&store, "pump-2", Any, &[3]).expect("appended");
    write(&store, "$pump-3", Any, &[4]).expect("appended");
    let link = ProposedEvent {
        event_type: Arc::from("$>"),
        data: Bytes::from_static(b"1@pump-1"),
        ..event(50, "")
    };
    wait(store.append_to(Append {
        stream: Arc::from("mine"),
        expected: Any,
        events: vec![link],
    }))
    .expect("appended");
    store.close();
    let store = open_in_segments(folder.path());
    assert_eq!(seen(&store, "$ce-pump"), Some(vec![1, 2, 3]));
    assert_eq!(
        seen(&store, "$et-terrarium.test.v1.HappenedV1"),
        Some(vec![1, 2, 3])
    );
    assert_eq!(seen(&store, "$ce-valve"), None);
    assert_eq!(seen(&store, "mine"), Some(vec![2]));
    wait(store.delete("pump-1", Any)).expect("deleted");
    assert_eq!(seen(&store, "$ce-pump"), Some(vec![0, 0, 3]));
    assert_eq!(seen(&store, "mine"), Some(vec![0]));
}
