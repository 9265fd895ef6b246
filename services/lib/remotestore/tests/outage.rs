//! A server that goes away and comes back.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use support::{RunningFront, append_one, commit, in_time, open};
use terrarium_journal::{EventStore, Subscription};
use terrarium_remotestore::{ConnectError, RemoteStore};

#[tokio::test(flavor = "multi_thread")]
async fn after_the_server_comes_back_everything_goes_on_without_loss_or_repetition() {
    let (_folder, behind) = open();
    let mut server = RunningFront::start(&behind, SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let address = server.address;
    let remote = RemoteStore::connect(&server.url())
        .await
        .expect("connected");
    let store: Arc<dyn EventStore> = Arc::new(remote);
    let mut subscription = Subscription::new(Arc::clone(&store), None);
    let mut revision = 0;
    for round in 0..6 {
        for _ in 0..10 {
            let appended = append_one(&store, commit("a-1", revision, 1)).await;
            revision = appended.expect("appended").next_revision;
        }
        // A refused commit ends the client's batch session; the next ones need another.
        assert!(append_one(&store, commit("a-1", 0, 1)).await.is_err());
        let send_one = || {
            let (store, late) = (Arc::clone(&store), commit("a-1", revision, 1));
            tokio::spawn(async move { append_one(&store, late).await })
        };
        // In every other round the server goes the moment it has recorded what was sent, mostly before its answer is out.
        let mut record = behind.watch_last_position();
        record.borrow_and_update();
        let on_its_way = (round % 2 == 0).then(send_one);
        if on_its_way.is_some() {
            in_time(record.changed()).await.expect("the store is open");
        }
        server.kill().await;
        let waiting = on_its_way.unwrap_or_else(send_one);
        server = RunningFront::start(&behind, address).await;
        let appended = waiting.await.expect("no panic").expect("it was waited for");
        revision = appended.next_revision;
        assert_eq!(revision, (round + 1) * 11);
        let mut seen = Vec::new();
        while seen.last() != Some(&(revision - 1)) {
            let events = in_time(subscription.available(100))
                .await
                .expect("readable");
            if events.is_empty() {
                assert!(in_time(subscription.grown()).await);
            }
            seen.extend(events.iter().map(|event| event.revision));
        }
        assert_eq!(seen, (round * 11..revision).collect::<Vec<u64>>());
    }
    assert_eq!(behind.stream_revision("a-1"), 66);
}

#[tokio::test]
async fn a_wrong_url_and_an_absent_server_are_told_apart() {
    let wrong = RemoteStore::connect("http//nowhere").await;
    assert!(matches!(wrong, Err(ConnectError::Url { .. })), "{wrong:?}");
    let absent = RemoteStore::connect("esdb://127.0.0.1:1?tls=false&maxDiscoverAttempts=1").await;
    let error = absent.expect_err("nothing listens there");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn an_authority_that_is_not_there_is_named_instead_of_a_panic() {
    let url = "esdb://127.0.0.1:1?tls=true&tlsCaFile=/nowhere/ca.pem&maxDiscoverAttempts=1";
    let error = RemoteStore::connect(url).await.expect_err("no such file");
    assert!(matches!(error, ConnectError::Url { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_gathered_from_a_record_of_any_length_over_outages() {
    let (_folder, behind) = open();
    let server = RunningFront::start(&behind, SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let address = server.address;
    let remote = RemoteStore::connect(&server.url())
        .await
        .expect("connected");
    let commits = |first: u64| {
        (first..first + 5_000)
            .map(|number| commit(&format!("a-{number:05}"), 0, 1))
            .collect::<Vec<_>>()
    };
    for result in behind.append(commits(0)).await {
        result.expect("appended");
    }
    let store: Arc<dyn EventStore> = Arc::new(remote);
    let gathering = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.streams_with_prefix("a-").await })
    };
    server.kill().await;
    let _server = RunningFront::start(&behind, address).await;
    let streams = gathering.await.expect("no panic").expect("gathered");
    assert_eq!(streams.len(), 5_000);
    for result in behind.append(commits(5_000)).await {
        result.expect("appended");
    }
    let streams = in_time(store.streams_with_prefix("a-")).await;
    assert_eq!(streams.expect("gathered").len(), 10_000);
}

#[tokio::test]
async fn the_first_last_position_is_none_of_the_stores_own_events() {
    let (_folder, behind) = open();
    let server = RunningFront::start(&behind, SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let connect = async || {
        let remote = RemoteStore::connect(&server.url())
            .await
            .expect("connected");
        *remote.watch_last_position().borrow()
    };
    assert_eq!(connect().await, None);
    let own = |revision| commit("$settings", revision, 20);
    for result in behind.append(vec![own(0)]).await {
        result.expect("appended");
    }
    assert_eq!(connect().await, None);
    let mut written = behind.append(vec![commit("a-1", 0, 1)]).await;
    let event = written.remove(0).expect("appended").last_position;
    for result in behind.append(vec![own(20), own(40)]).await {
        result.expect("appended");
    }
    assert_eq!(connect().await, Some(event));
}
