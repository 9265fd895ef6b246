//! What the journal needs of an event store, asked of every adapter: the embedded store, the official client on our own
//! front, and the official client on the server that `TERRARIUM_TEST_EVENTSTORE_URL` names.

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use support::{RunningFront, Subject, append_one, commit, ids, in_time, new_event};
use tempfile::TempDir;
use terrarium_eventstore::{Clock, EventStore, ExpectedRevision, LogSettings, RealDisk, scavenge};
use terrarium_journal::{AppendError, Position, ReadError, RecordedEvent, Subscription};
use terrarium_remotestore::RemoteStore;

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test] async fn $name() { super::$name(super::Subject::embedded()).await; })*
        }
        mod client_on_our_front {
            $(#[tokio::test] async fn $name() { super::$name(super::Subject::on_our_front().await).await; })*
        }
        mod client_on_a_given_server {
            $(#[tokio::test] async fn $name() {
                if let Some(subject) = super::Subject::on_given_server().await {
                    super::$name(subject).await;
                }
            })*
        }
    };
}

contract!(
    commits_are_recorded_at_exactly_the_revision_they_expect,
    a_commit_that_is_already_there_is_a_success_and_changes_nothing,
    commits_of_one_call_may_build_on_each_other_and_fail_alone,
    more_commits_than_can_travel_at_once_are_all_recorded_in_order,
    events_come_back_byte_for_byte,
    a_stream_is_read_from_any_revision_in_any_portion,
    everything_is_read_in_one_order_from_any_position,
    a_position_that_is_not_of_this_store_is_refused,
    streams_are_found_by_prefix_also_new_ones,
    a_subscription_gives_each_event_once_through_the_present_into_the_future,
    of_many_that_race_for_one_revision_exactly_one_wins,
);

async fn commits_are_recorded_at_exactly_the_revision_they_expect(subject: Subject) {
    let (store, a) = (subject.store(), subject.stream("a"));
    let first = append_one(store, commit(&a, 0, 2))
        .await
        .expect("a new stream");
    assert_eq!((first.next_revision, first.already_there), (2, false));
    for wrong in [0, 1, 3, 40] {
        let refused = append_one(store, commit(&a, wrong, 1)).await;
        assert_eq!(
            refused,
            Err(AppendError::WrongExpectedRevision { actual: 2 })
        );
    }
    let second = append_one(store, commit(&a, 2, 1)).await.expect("it fits");
    assert_eq!(second.next_revision, 3);
    assert!(second.last_position > first.last_position);
    let missing = append_one(store, commit(&subject.stream("b"), 1, 1)).await;
    assert_eq!(
        missing,
        Err(AppendError::WrongExpectedRevision { actual: 0 })
    );
    let events = store.read_stream(&a, 0, 100).await.expect("readable");
    assert_eq!(events.len(), 3);
    assert_eq!(events[1].position, first.last_position);
    assert_eq!(events[2].position, second.last_position);
    assert!(*store.watch_last_position().borrow() >= Some(second.last_position));
}

async fn a_commit_that_is_already_there_is_a_success_and_changes_nothing(subject: Subject) {
    let (store, a) = (subject.store(), subject.stream("a"));
    let (first, second) = (commit(&a, 0, 2), commit(&a, 2, 1));
    let first_answer = append_one(store, first.clone()).await.expect("new");
    let second_answer = append_one(store, second.clone()).await.expect("new");
    for (again, answer) in [(&first, first_answer), (&second, second_answer)] {
        let repeated = append_one(store, again.clone()).await.expect("there");
        assert!(repeated.already_there);
        assert_eq!(
            (repeated.next_revision, repeated.last_position),
            (answer.next_revision, answer.last_position)
        );
    }
    let mut other = first.clone();
    other.events[1] = new_event();
    let refused = append_one(store, other).await;
    assert_eq!(
        refused,
        Err(AppendError::WrongExpectedRevision { actual: 3 })
    );
    let events = store.read_stream(&a, 0, 100).await.expect("readable");
    assert_eq!(events.len(), 3);
}

async fn commits_of_one_call_may_build_on_each_other_and_fail_alone(subject: Subject) {
    let (store, a, b) = (subject.store(), subject.stream("a"), subject.stream("b"));
    let c = subject.stream("c");
    let results = in_time(store.append(vec![
        commit(&a, 0, 1),
        commit(&a, 1, 2),
        commit(&c, 7, 1),
        commit(&a, 3, 1),
        commit(&b, 0, 1),
        commit(&a, 3, 1),
    ]))
    .await;
    let revisions: Vec<Result<u64, AppendError>> = results
        .into_iter()
        .map(|result| result.map(|appended| appended.next_revision))
        .collect();
    assert_eq!(
        revisions,
        [
            Ok(1),
            Ok(3),
            Err(AppendError::WrongExpectedRevision { actual: 0 }),
            Ok(4),
            Ok(1),
            Err(AppendError::WrongExpectedRevision { actual: 4 }),
        ]
    );
    // What a later commit leads to is too late for an earlier one.
    let results = in_time(store.append(vec![commit(&c, 1, 1), commit(&c, 0, 1)])).await;
    assert!(matches!(
        results[..],
        [Err(AppendError::WrongExpectedRevision { .. }), Ok(_)]
    ));
}

async fn more_commits_than_can_travel_at_once_are_all_recorded_in_order(subject: Subject) {
    let store = subject.store();
    let streams: Vec<String> = (0..7)
        .map(|number| subject.stream(&format!("s{number}")))
        .collect();
    let commits: Vec<_> = (0..700)
        .map(|number| commit(&streams[number % 7], number as u64 / 7, 1))
        .collect();
    let sent: Vec<_> = commits.iter().map(|commit| commit.events[0].id).collect();
    let results = in_time(store.append(commits)).await;
    assert_eq!(results.len(), 700);
    let mut positions = Vec::new();
    for (number, result) in results.into_iter().enumerate() {
        let appended = result.expect("it fits");
        assert_eq!(appended.next_revision, number as u64 / 7 + 1);
        positions.push(appended.last_position);
    }
    assert!(positions.is_sorted());
    for (number, stream) in streams.iter().enumerate() {
        let events = store.read_stream(stream, 0, 1000).await.expect("readable");
        let expected: Vec<_> = sent.iter().skip(number).step_by(7).copied().collect();
        assert_eq!(ids(&events), expected);
    }
}

async fn events_come_back_byte_for_byte(subject: Subject) {
    let (store, a) = (subject.store(), subject.stream("a"));
    let mut sent = commit(&a, 0, 3);
    sent.events[0].data = bytes::Bytes::from((0..=255u8).collect::<Vec<_>>());
    sent.events[0].metadata =
        bytes::Bytes::from_static(br#"{ "id" : "x",  "number": 1.50, "text": "\u00e9" }"#);
    sent.events[1].data = bytes::Bytes::new();
    sent.events[1].metadata = bytes::Bytes::new();
    sent.events[2].content_type = terrarium_journal::ContentType::Json;
    sent.events[2].data = bytes::Bytes::from_static(br#"{"b": 1,  "a":2}"#);
    append_one(store, sent.clone()).await.expect("appended");
    let events = store.read_stream(&a, 0, 10).await.expect("readable");
    assert_eq!(events.len(), 3);
    for ((event, sent), revision) in events.iter().zip(&sent.events).zip(0..) {
        assert_eq!(&*event.stream, a);
        assert_eq!(event.revision, revision);
        assert_eq!(event.id, sent.id);
        assert_eq!(event.event_type, sent.event_type);
        assert_eq!(event.content_type, sent.content_type);
        assert_eq!(event.data, sent.data);
        assert_eq!(event.metadata, sent.metadata);
    }
}

async fn a_stream_is_read_from_any_revision_in_any_portion(subject: Subject) {
    let (store, a) = (subject.store(), subject.stream("a"));
    append_one(store, commit(&a, 0, 10))
        .await
        .expect("appended");
    for (from, most, revisions) in [
        (0, 100, (0..10).collect::<Vec<u64>>()),
        (0, 3, vec![0, 1, 2]),
        (4, 2, vec![4, 5]),
        (9, 5, vec![9]),
        (10, 5, vec![]),
        (4000, 5, vec![]),
        (0, 0, vec![]),
    ] {
        let events = store.read_stream(&a, from, most).await.expect("readable");
        let found: Vec<u64> = events.iter().map(|event| event.revision).collect();
        assert_eq!(found, revisions, "{most} from {from}");
    }
    let missing = store
        .read_stream(&subject.stream("missing"), 0, 5)
        .await
        .expect("a missing stream is empty");
    assert!(missing.is_empty());
}

async fn everything_is_read_in_one_order_from_any_position(subject: Subject) {
    let store = subject.store();
    let before = *store.watch_last_position().borrow();
    let mut sent = Vec::new();
    for (stream, revision) in [("a", 0), ("b", 0), ("a", 3), ("c", 0)] {
        let commit = commit(&subject.stream(stream), revision, 3);
        sent.extend(commit.events.iter().map(|event| event.id));
        append_one(store, commit).await.expect("appended");
    }
    let mine = |events: Vec<_>| subject.only_mine(events);
    let all = mine(store.read_all(before, 100).await.expect("readable"));
    assert_eq!(ids(&all), sent);
    assert!(all.windows(2).all(|two| two[0].position < two[1].position));
    let mut after = before;
    let mut portions = Vec::new();
    loop {
        let portion = store.read_all(after, 5).await.expect("readable");
        assert!(portion.len() <= 5);
        let Some(last) = portion.last() else { break };
        after = Some(last.position);
        portions.extend(mine(portion));
    }
    assert_eq!(portions, all);
    for event in &all {
        let found = store.event_at(event.position).await.expect("an event");
        assert_eq!(found, *event);
    }
    let rest = mine(
        store
            .read_all(Some(all[7].position), 100)
            .await
            .expect("readable"),
    );
    assert_eq!(rest, all[8..]);
}

async fn a_position_that_is_not_of_this_store_is_refused(subject: Subject) {
    let store = subject.store();
    let appended = append_one(store, commit(&subject.stream("a"), 0, 2))
        .await
        .expect("appended");
    let inside = Position(appended.last_position.0 - 1);
    for refused in [
        store.event_at(inside).await.map(|_| ()),
        store.read_all(Some(inside), 5).await.map(|_| ()),
    ] {
        assert!(
            matches!(refused, Err(ReadError::NotAnEvent { .. })),
            "{refused:?}"
        );
    }
    let beyond = Position(appended.last_position.0 + (1 << 40));
    for refused in [
        store.event_at(beyond).await.map(|_| ()),
        store.read_all(Some(beyond), 5).await.map(|_| ()),
    ] {
        assert!(
            matches!(refused, Err(ReadError::BeyondEnd { .. })),
            "{refused:?}"
        );
    }
}

async fn streams_are_found_by_prefix_also_new_ones(subject: Subject) {
    let store = subject.store();
    let mut expected = BTreeSet::new();
    for name in ["pump-2", "pump-1", "pump-10", "pumice"] {
        let stream = subject.stream(name);
        append_one(store, commit(&stream, 0, 2))
            .await
            .expect("appended");
        expected.insert(stream);
    }
    let prefix = subject.stream("pump-");
    expected.retain(|stream| stream.starts_with(&prefix));
    let find = async || -> BTreeSet<String> {
        let names = in_time(store.streams_with_prefix(&prefix))
            .await
            .expect("known");
        assert!(names.is_sorted());
        names.iter().map(ToString::to_string).collect()
    };
    assert_eq!(find().await, expected);
    let new = subject.stream("pump-3");
    append_one(store, commit(&new, 0, 1))
        .await
        .expect("appended");
    expected.insert(new);
    assert_eq!(find().await, expected);
    let none = in_time(store.streams_with_prefix(&subject.stream("valve-"))).await;
    assert!(none.expect("known").is_empty());
}

async fn a_subscription_gives_each_event_once_through_the_present_into_the_future(
    subject: Subject,
) {
    let store = subject.store();
    let before = *store.watch_last_position().borrow();
    let a = subject.stream("a");
    append_one(store, commit(&a, 0, 5)).await.expect("appended");
    let mut subscription = Subscription::new(Arc::clone(store), before);
    let writer = {
        let (store, a) = (Arc::clone(store), a.clone());
        tokio::spawn(async move {
            for revision in 5..60 {
                append_one(&store, commit(&a, revision, 1))
                    .await
                    .expect("appended");
            }
        })
    };
    let mut revisions = Vec::new();
    while revisions.len() < 60 {
        let events = in_time(subscription.available(7)).await.expect("readable");
        if events.is_empty() {
            assert!(in_time(subscription.grown()).await, "the store is open");
        }
        revisions.extend(subject.only_mine(events).iter().map(|event| event.revision));
    }
    assert_eq!(revisions, (0..60).collect::<Vec<u64>>());
    writer.await.expect("the writer finished");
}

async fn of_many_that_race_for_one_revision_exactly_one_wins(subject: Subject) {
    let store = subject.store();
    let a = subject.stream("a");
    for revision in 0..5 {
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let (store, commit) = (Arc::clone(store), commit(&a, revision, 1));
                tokio::spawn(async move { append_one(&store, commit).await })
            })
            .collect();
        let mut winners = 0;
        for racer in racers {
            match racer.await.expect("no panic") {
                Ok(appended) => {
                    assert_eq!(appended.next_revision, revision + 1);
                    winners += 1;
                }
                Err(error) => assert_eq!(
                    error,
                    AppendError::WrongExpectedRevision {
                        actual: revision + 1
                    }
                ),
            }
        }
        assert_eq!(winners, 1);
    }
}

/// A store from whose middle events were scavenged: what was there, and what is left.
async fn scavenged() -> (TempDir, EventStore, Vec<RecordedEvent>, Vec<RecordedEvent>) {
    let folder = TempDir::new().expect("a temporary folder");
    let settings = LogSettings {
        segment_bytes: 700,
        low_disk_bytes: 0,
    };
    let opened = EventStore::open_settings(&RealDisk, folder.path(), Clock::system(), settings);
    let (store, _) = opened.expect("an empty store opens");
    for round in 0..12 {
        for stream in ["kept-1", "gone-1"] {
            let appended = store.append(vec![commit(stream, round * 2, 2)]).await;
            appended.into_iter().for_each(|result| {
                result.expect("appended");
            });
        }
    }
    let before = store.read_all(None, 1_000, 1 << 20).expect("readable");
    let deleted = store.delete("gone-1", ExpectedRevision::Any).await;
    deleted.expect("deleted softly");
    // Until all of the above is sealed.
    for round in 12..24 {
        let appended = store.append(vec![commit("kept-1", round * 2, 2)]).await;
        appended.into_iter().for_each(|result| {
            result.expect("appended");
        });
    }
    store.close();
    let done = scavenge(folder.path()).expect("scavenged");
    assert_eq!(done.removed_events, 24);
    let (store, _) = EventStore::open(folder.path()).expect("the store opens");
    let mut left = store.read_all(None, 1_000, 1 << 20).expect("readable");
    left.retain(|event| !event.stream.starts_with('$'));
    (folder, store, before, left)
}

#[tokio::test]
async fn whoever_was_at_an_event_that_was_scavenged_goes_on_behind_it() {
    let (_folder, store, before, left) = scavenged().await;
    let server = RunningFront::start(&store, SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let remote = RemoteStore::connect(&server.url()).await;
    let adapters: [Arc<dyn terrarium_journal::EventStore>; 2] =
        [Arc::new(store), Arc::new(remote.expect("connected"))];
    for (adapter, name) in adapters.iter().zip(["embedded", "client on our front"]) {
        for event in &before {
            let at = Some(event.position);
            let after = left.partition_point(|left| left.position <= event.position);
            for most in [1, 3] {
                let found = in_time(adapter.read_all(at, most)).await.expect("readable");
                // The store's own events count and are left out.
                let expected = ids(&left[after..left.len().min(after + most)]);
                assert!(expected.starts_with(&ids(&found)), "{name} after {at:?}");
                assert_eq!(found.is_empty(), expected.is_empty(), "{name} {at:?}");
            }
            let is_left = left.iter().any(|left| left.position == event.position);
            let found = in_time(adapter.event_at(event.position)).await;
            assert_eq!(found.is_ok(), is_left, "{name} at {at:?}");
            // Inside of an event, gone or not.
            let inside = Position(event.position.0 + 3);
            let found = in_time(adapter.read_all(Some(inside), 1)).await;
            let is_refused = matches!(found, Err(ReadError::NotAnEvent { .. }));
            assert_eq!(is_refused, is_left, "{name} inside of {at:?}: {found:?}");
        }
        let found = in_time(adapter.read_stream("gone-1", 0, 5)).await;
        assert!(found.expect("readable").is_empty(), "{name}");
    }
}
