//! What the store promises while nothing goes wrong.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use support::{all, append, append_one, commit, event, ids, open, positions, scan, wait};
use tempfile::TempDir;
use terrarium_eventstore::{
    AppendError, EventStore, MAX_COMMIT_BYTES, MAX_EVENT_BYTES, OpenError, Position,
    ProposedCommit, ReadError, Scan, ScanProblem, TooLarge,
};

#[test]
fn what_was_appended_is_read_back_by_stream_by_position_in_order_and_by_scan() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    assert_eq!(store.last_position(), None);
    assert!(all(&store).is_empty());
    let first = append_one(&store, commit("a", 0, &[1, 2])).expect("appended");
    assert_eq!((first.next_revision, first.already_there), (2, false));
    append_one(&store, commit("b", 0, &[3])).expect("appended");
    let last = append_one(&store, commit("a", 2, &[4])).expect("appended");

    let check = |store: &EventStore| {
        let events = all(store);
        assert_eq!(ids(&events), [1, 2, 3, 4]);
        assert!(positions(&events).is_sorted());
        assert_eq!(events[1].position, first.last_position);
        assert_eq!(store.last_position(), Some(last.last_position));
        let in_a = store.read_stream("a", 0, 100).expect("readable");
        assert_eq!(ids(&in_a), [1, 2, 4]);
        assert_eq!(
            in_a.iter().map(|event| event.revision).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert_eq!(&*in_a[2].stream, "a");
        assert_eq!(&*in_a[2].event_type, "terrarium.test.v1.HappenedV1");
        assert_eq!(in_a[2].data, "data of 4");
        assert_eq!(in_a[2].metadata, "{}");
        for event in &events {
            assert_eq!(store.event_at(event.position).expect("an event"), *event);
        }
        assert_eq!(
            (
                store.stream_revision("a"),
                store.stream_revision("b"),
                store.stream_revision("c")
            ),
            (3, 1, 0)
        );
        let (scanned, error) = scan(folder.path());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(scanned, events);
    };
    check(&store);
    store.close();
    let (store, recovery) = EventStore::open(folder.path()).expect("the store reopens");
    assert_eq!((recovery.frames, recovery.torn_tail), (3, None));
    check(&store);
    let statistics = store.statistics();
    assert_eq!(
        (statistics.events, statistics.commits, statistics.fsyncs),
        (4, 3, 0)
    );
}

#[test]
fn appending_the_same_again_writes_nothing_and_answers_the_first_positions() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let first = append_one(&store, commit("a", 0, &[1, 2])).expect("appended");
    let second = append_one(&store, commit("a", 2, &[3])).expect("appended");
    let before = store.statistics();
    for (again, original) in [
        (commit("a", 0, &[1, 2]), first),
        (commit("a", 2, &[3]), second),
    ] {
        let answer = append_one(&store, again).expect("already there");
        assert!(answer.already_there);
        assert_eq!(
            (answer.last_position, answer.next_revision),
            (original.last_position, original.next_revision)
        );
    }
    let across_commits = append_one(&store, commit("a", 1, &[2, 3])).expect("already there");
    assert!(across_commits.already_there);
    assert_eq!(across_commits.last_position, second.last_position);
    assert_eq!(store.statistics(), before);
}

#[test]
fn a_commit_at_another_revision_is_refused_with_the_actual_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    append_one(&store, commit("a", 0, &[1, 2])).expect("appended");
    let refused = Err(AppendError::WrongExpectedRevision { actual: 2 });
    assert_eq!(append_one(&store, commit("a", 0, &[9])), refused);
    assert_eq!(
        append_one(&store, commit("a", 1, &[2, 3])),
        refused,
        "only partly there"
    );
    assert_eq!(
        append_one(&store, commit("a", 0, &[2, 1])),
        refused,
        "another order"
    );
    assert_eq!(append_one(&store, commit("a", 3, &[4])), refused);
    assert_eq!(append_one(&store, commit("a", u64::MAX, &[4])), refused);
    assert_eq!(
        append_one(&store, commit("b", 1, &[4])),
        Err(AppendError::WrongExpectedRevision { actual: 0 })
    );
    assert_eq!(ids(&all(&store)), [1, 2]);
}

#[test]
fn commits_of_one_call_build_on_each_other_and_share_one_fsync() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let results = append(
        &store,
        vec![
            commit("a", 0, &[1, 2]),
            commit("a", 2, &[3]),
            commit("b", 0, &[4]),
            commit("a", 7, &[5]),
            commit("a", 2, &[3]),
            commit("a", 1, &[2, 3]),
            commit("a", 3, &[6]),
        ],
    );
    let revisions: Vec<_> = results
        .iter()
        .map(|result| result.as_ref().map(|done| done.next_revision))
        .collect();
    let wrong = AppendError::WrongExpectedRevision { actual: 3 };
    assert_eq!(
        revisions,
        [Ok(2), Ok(3), Ok(1), Err(&wrong), Ok(3), Ok(3), Ok(4)]
    );
    let again = results[4].as_ref().expect("already there");
    assert!(again.already_there);
    assert_eq!(
        again.last_position,
        results[1].as_ref().expect("appended").last_position
    );
    assert_eq!(store.statistics().fsyncs, 1);

    let thousand = (0..1000)
        .map(|number| commit("many", number, &[1000 + u128::from(number)]))
        .collect();
    assert!(append(&store, thousand).iter().all(Result::is_ok));
    assert_eq!(store.statistics().fsyncs, 2);
    // The same again, half durable and half staged in the same call.
    let results = append(
        &store,
        vec![
            commit("b", 1, &[70]),
            commit("b", 2, &[71]),
            commit("b", 0, &[4, 70, 71]),
        ],
    );
    assert!(results[2].as_ref().expect("already there").already_there);
    assert!(append(&store, vec![]).is_empty());
}

#[test]
fn a_commit_over_a_limit_is_refused_with_the_limit_and_the_others_of_the_call_are_not() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let with_data = |bytes: usize| {
        let mut large = event(1, "");
        large.data = Bytes::from(vec![1; bytes - large.metadata.len()]);
        large
    };
    let of = |stream: String, events| ProposedCommit {
        stream: stream.into(),
        expected_revision: 0,
        events,
    };
    let long_type = |bytes: usize| {
        let mut typed = event(1, "");
        typed.event_type = Arc::from("t".repeat(bytes));
        typed
    };
    let results = append(
        &store,
        vec![
            of("e".repeat(256), vec![with_data(MAX_EVENT_BYTES)]),
            of("s".repeat(257), vec![event(1, "")]),
            of("t".to_owned(), vec![event(1, ""), long_type(129)]),
            of("d".to_owned(), vec![with_data(MAX_EVENT_BYTES + 1)]),
            of("c".to_owned(), vec![with_data(MAX_EVENT_BYTES); 4]),
            of("n".to_owned(), vec![]),
            of(String::new(), vec![event(1, "")]),
            of("u".to_owned(), vec![long_type(0)]),
            of("f".to_owned(), vec![long_type(128)]),
        ],
    );
    assert!(results[0].is_ok() && results[8].is_ok());
    let too_large = |error: TooLarge| Err(AppendError::TooLarge(error));
    assert_eq!(results[1], too_large(TooLarge::StreamName { bytes: 257 }));
    assert_eq!(
        results[2],
        too_large(TooLarge::EventType {
            index: 1,
            bytes: 129
        })
    );
    assert_eq!(
        results[3],
        too_large(TooLarge::Event {
            index: 0,
            bytes: MAX_EVENT_BYTES + 1
        })
    );
    let Err(AppendError::TooLarge(TooLarge::Commit { bytes })) = results[4] else {
        panic!("{:?}", results[4])
    };
    assert!(bytes > MAX_COMMIT_BYTES);
    assert_eq!(
        &results[5..8],
        [
            Err(AppendError::Empty),
            Err(AppendError::Empty),
            Err(AppendError::Empty)
        ]
    );
    store.close();
    assert_eq!(all(&open(folder.path())).len(), 2);
}

#[test]
fn a_long_stream_is_read_in_pages_and_so_is_everything() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let total = 20_000u64;
    let mut commits = Vec::new();
    let mut revision = 0;
    while revision < total {
        let count = 1 + revision % 7;
        let ids: Vec<u128> = (revision..revision + count).map(u128::from).collect();
        commits.push(commit("long", revision, &ids));
        commits.push(commit(
            &format!("other-{revision}"),
            0,
            &[u128::from(total * 2 + revision)],
        ));
        revision += count;
    }
    assert!(append(&store, commits).iter().all(Result::is_ok));

    let mut read = Vec::new();
    loop {
        let page = store
            .read_stream("long", read.len() as u64, 333)
            .expect("readable");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 333);
        read.extend(page);
    }
    assert_eq!(ids(&read), (0..u128::from(revision)).collect::<Vec<_>>());
    assert!(
        store
            .read_stream("long", 0, 0)
            .expect("readable")
            .is_empty()
    );
    assert!(
        store
            .read_stream("long", u64::MAX, usize::MAX)
            .expect("readable")
            .is_empty()
    );
    assert!(
        store
            .read_stream("none", 0, 10)
            .expect("readable")
            .is_empty()
    );

    let everything = all(&store);
    assert_eq!(everything.len() as u64, store.statistics().events);
    for (max_events, max_bytes) in [(997, usize::MAX), (usize::MAX, 5000), (50_000, 1)] {
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = store
                .read_all(after, max_events, max_bytes)
                .expect("readable");
            let Some(last) = page.last() else { break };
            assert!(page.len() <= max_events);
            let bytes_before_last: usize = page[..page.len() - 1]
                .iter()
                .map(|e| e.data.len() + e.metadata.len())
                .sum();
            assert!(bytes_before_last < max_bytes);
            after = Some(last.position);
            paged.extend(page);
        }
        assert_eq!(paged, everything);
    }
}

#[test]
fn streams_are_listed_by_prefix_in_order() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    for stream in [
        "energy.meter-b.2",
        "carbon.park-a",
        "energy.meter-a.1",
        "energy.meter-b.1",
        "energy.meter-ba.1",
    ] {
        append_one(&store, commit(stream, 0, &[1])).expect("appended");
    }
    let listed = |prefix: &str| {
        store
            .streams_with_prefix(prefix)
            .iter()
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        listed("energy.meter-b."),
        ["energy.meter-b.1", "energy.meter-b.2"]
    );
    assert_eq!(listed("").len(), 5);
    assert!(listed("water").is_empty());
}

#[test]
fn every_position_that_is_no_event_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    append(&store, vec![commit("a", 0, &[1, 2]), commit("b", 0, &[3])]);
    append(&store, vec![commit("a", 2, &[4, 5])]);
    let known = positions(&all(&store));
    let last = *known.last().expect("five events");
    for byte in 0..store.statistics().bytes + 20 {
        let position = Position(byte);
        let after = store.read_all(Some(position), 10, usize::MAX);
        let at = store.event_at(position);
        let until: Vec<_> = Scan::open(folder.path())
            .expect("a log")
            .until(position)
            .collect();
        match known.iter().position(|known| *known == position) {
            Some(index) => {
                assert_eq!(positions(&after.expect("an event")), known[index + 1..]);
                assert_eq!(at.expect("an event").position, position);
                assert_eq!(until.len(), index + 1);
                assert!(until.iter().all(Result::is_ok));
            }
            None if position > last => {
                assert!(matches!(after, Err(ReadError::BeyondEnd { .. })));
                assert!(matches!(at, Err(ReadError::BeyondEnd { .. })));
                assert!(matches!(until.last(), Some(Err(_))));
            }
            None => {
                assert!(matches!(after, Err(ReadError::NotAnEvent { .. })), "{byte}");
                assert!(matches!(at, Err(ReadError::NotAnEvent { .. })), "{byte}");
                let Some(Err(error)) = until.last() else {
                    panic!("byte {byte} is no event")
                };
                assert!(
                    matches!(error.problem, ScanProblem::NotAnEvent { .. }),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn a_second_open_is_refused_with_the_holders_pid_until_the_store_is_closed_or_dropped() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let other_handle = store.clone();
    let error = EventStore::open(folder.path()).expect_err("in use");
    assert!(matches!(error, OpenError::Lock(_)));
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    drop(store);
    assert!(EventStore::open(folder.path()).is_err(), "a handle is left");
    append_one(&other_handle, commit("a", 0, &[1])).expect("still open");
    drop(other_handle);
    let store = open(folder.path());
    let reader = store.clone();
    store.close();
    let reopened = open(folder.path());
    assert_eq!(ids(&all(&reader)), [1], "a closed store can still be read");
    let error = append_one(&reader, commit("a", 1, &[2])).expect_err("closed");
    assert!(
        matches!(&error, AppendError::Failed(message) if message.contains("closed")),
        "{error}"
    );
    append_one(&reopened, commit("a", 1, &[2])).expect("open");
}

#[test]
fn appends_that_nobody_waits_for_are_still_done_before_the_store_closes() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    wait(async {
        for number in 0..200 {
            let append = store.append(vec![commit("a", number, &[u128::from(number)])]);
            let mut append = Box::pin(append);
            // One poll puts the request into the queue; then the caller loses interest.
            assert!(
                poll_once(&mut append)
                    .await
                    .is_none_or(|results| results[0].is_ok())
            );
            tokio::task::yield_now().await;
        }
    });
    store.close();
    assert_eq!(all(&open(folder.path())).len(), 200);
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(
        |context| match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        },
    )
    .await
}

#[test]
fn whoever_watches_the_last_position_can_read_what_it_shows() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let mut watch = store.watch_last_position();
    assert_eq!(*watch.borrow_and_update(), None);
    let mut read = Vec::new();
    wait(async {
        let appender = async {
            for number in 0..100u64 {
                store
                    .append(vec![commit("a", number, &[u128::from(number)])])
                    .await[0]
                    .as_ref()
                    .expect("appended");
            }
        };
        let reader = async {
            while read.len() < 100 {
                watch.changed().await.expect("the store is open");
                let shown = (*watch.borrow_and_update()).expect("something was appended");
                let after = read
                    .last()
                    .map(|event: &terrarium_eventstore::RecordedEvent| event.position);
                read.extend(
                    store
                        .read_all(after, usize::MAX, usize::MAX)
                        .expect("readable"),
                );
                assert!(read.last().expect("shown").position >= shown);
            }
        };
        tokio::join!(appender, reader);
    });
    assert_eq!(ids(&read), (0..100).collect::<Vec<u128>>());
}

#[test]
fn a_scan_until_the_last_durable_event_is_not_disturbed_by_half_a_commit_behind_it() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    append(&store, vec![commit("a", 0, &[1, 2])]);
    let last = store.last_position().expect("two events");
    store.close();
    let mut bytes = std::fs::read(support::log_file(folder.path())).expect("read");
    bytes.extend_from_slice(&[40, 0, 0, 0, 1, 2, 3]);
    std::fs::write(support::log_file(folder.path()), bytes).expect("write");
    assert!(scan(folder.path()).1.is_some());
    let until_last: Vec<_> = Scan::open(folder.path())
        .expect("a log")
        .until(last)
        .collect();
    assert_eq!(until_last.len(), 2);
    assert!(until_last.iter().all(Result::is_ok));
}
