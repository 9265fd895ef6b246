//! One suite for both Rust clients: what they need of a server, each test with streams of its own names on its own server.

use std::time::Duration;

/// No answer takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

macro_rules! suite {
    ($client:ident, $state:ident, $exact:ident, $expecting:ident) => {
        mod $client {
            use std::time::Duration;

            use $client::{
                AppendToStreamOptions, Client, CurrentRevision, DeleteStreamOptions, Error,
                EventData, Position, ReadAllOptions, ReadEvent, ReadStreamOptions, ResolvedEvent,
                StreamMetadataBuilder, StreamMetadataResult, StreamPosition,
                SubscribeToAllOptions, SubscribeToStreamOptions, Subscription, SubscriptionEvent,
                SubscriptionFilter, TombstoneStreamOptions, $state,
            };
            use bytes::Bytes;
            use terrarium_conformance::Server;
            use uuid::Uuid;

            use super::PATIENCE;

            async fn connect() -> (Server, Client) {
                let server = Server::start().await;
                let settings = server.url().parse().expect("a connection string");
                let client = Client::new(settings).expect("a client");
                (server, client)
            }

            /// Events with the ids first, first + 1, ...
            fn events(first: u128, count: u128) -> Vec<EventData> {
                (first..first + count)
                    .map(|number| {
                        EventData::json("happened", &serde_json::json!({ "number": number as u64 }))
                            .expect("JSON")
                            .id(Uuid::from_u128(number))
                    })
                    .collect()
            }

            fn expecting(state: $state) -> AppendToStreamOptions {
                AppendToStreamOptions::default().$expecting(state)
            }

            async fn append(
                client: &Client,
                stream: &str,
                state: $state,
                first: u128,
                count: u128,
            ) -> Result<(u64, Position), Error> {
                let options = expecting(state);
                let written = client
                    .append_to_stream(stream, &options, events(first, count))
                    .await?;
                Ok((written.next_expected_version, written.position))
            }

            fn number(event: &ResolvedEvent) -> u128 {
                event.get_original_event().id.as_u128()
            }

            /// Ids of the events, and the last revision of the stream as the server tells it.
            async fn read(
                client: &Client,
                stream: &str,
                options: &ReadStreamOptions,
            ) -> Result<(Vec<u128>, Option<u64>), Error> {
                let mut reading = client.read_stream(stream, options).await?;
                let (mut ids, mut last) = (Vec::new(), None);
                while let Some(event) = reading.next_read_event().await? {
                    match event {
                        ReadEvent::Event(event) => ids.push(number(&event)),
                        ReadEvent::LastStreamPosition(revision) => last = Some(revision),
                        _ => {}
                    }
                }
                Ok((ids, last))
            }

            async fn read_all(client: &Client, options: &ReadAllOptions) -> Vec<ResolvedEvent> {
                let mut reading = client.read_all(options).await.expect("readable");
                let mut events = Vec::new();
                while let Some(event) = reading.next().await.expect("readable") {
                    events.push(event);
                }
                events
            }

            async fn next(subscription: &mut Subscription) -> SubscriptionEvent {
                tokio::time::timeout(PATIENCE, subscription.next_subscription_event())
                    .await
                    .expect("in time")
                    .expect("subscribed")
            }

            /// Ids of the events until the subscription is caught up.
            async fn until_caught_up(subscription: &mut Subscription) -> Vec<u128> {
                let mut ids = Vec::new();
                loop {
                    match next(subscription).await {
                        SubscriptionEvent::EventAppeared(event) => ids.push(number(&event)),
                        // A bare word in one client, with fields in the other.
                        SubscriptionEvent::CaughtUp { .. } => return ids,
                        _ => {}
                    }
                }
            }

            async fn next_event(subscription: &mut Subscription) -> ResolvedEvent {
                tokio::time::timeout(PATIENCE, subscription.next())
                    .await
                    .expect("in time")
                    .expect("subscribed")
            }

            fn assert_wrong_version(error: &Error, at: Option<u64>) {
                match (error, at) {
                    (
                        Error::WrongExpectedVersion {
                            current: CurrentRevision::Current(current),
                            ..
                        },
                        Some(at),
                    ) => assert_eq!(*current, at),
                    (
                        Error::WrongExpectedVersion {
                            current: CurrentRevision::NoStream,
                            ..
                        },
                        None,
                    ) => {}
                    _ => panic!("{error:?}, expected a wrong version at {at:?}"),
                }
            }

            #[tokio::test]
            async fn every_expected_revision_is_kept() {
                let (_server, client) = connect().await;
                let error = append(&client, "a", $state::StreamExists, 1, 1)
                    .await
                    .expect_err("no stream");
                assert_wrong_version(&error, None);
                let error = append(&client, "a", $state::$exact(0), 1, 1)
                    .await
                    .expect_err("no stream");
                assert_wrong_version(&error, None);
                let (revision, position) = append(&client, "a", $state::NoStream, 1, 2)
                    .await
                    .expect("a new stream");
                assert_eq!(revision, 1);
                assert_eq!(position.commit, position.prepare);
                let error = append(&client, "a", $state::NoStream, 3, 1)
                    .await
                    .expect_err("a stream");
                assert_wrong_version(&error, Some(1));
                for revision in [0, 2, 40] {
                    let error = append(&client, "a", $state::$exact(revision), 3, 1)
                        .await
                        .expect_err("another revision");
                    assert_wrong_version(&error, Some(1));
                }
                for (state, id) in [
                    ($state::$exact(1), 3),
                    ($state::StreamExists, 4),
                    ($state::Any, 5),
                ] {
                    let (revision, _) = append(&client, "a", state, id, 1).await.expect("fits");
                    assert_eq!(u128::from(revision), id - 1);
                }
                let options = ReadStreamOptions::default();
                let (ids, last) = read(&client, "a", &options).await.expect("readable");
                assert_eq!((ids, last), (vec![1, 2, 3, 4, 5], Some(4)));
            }

            #[tokio::test]
            async fn sending_again_changes_nothing_and_answers_as_before() {
                let (server, client) = connect().await;
                let first = append(&client, "a", $state::NoStream, 1, 2).await.expect("new");
                let second = append(&client, "a", $state::$exact(1), 3, 2).await.expect("fits");
                let third = append(&client, "a", $state::Any, 5, 1).await.expect("fits");
                let before = server.store().statistics().events;
                for (state, id, count, answer) in [
                    ($state::NoStream, 1, 2, first),
                    ($state::$exact(1), 3, 2, second),
                    ($state::Any, 5, 1, third),
                    ($state::StreamExists, 3, 2, second),
                    ($state::Any, 1, 2, first),
                ] {
                    let again = append(&client, "a", state, id, count).await.expect("there");
                    assert_eq!(again, answer);
                }
                assert_eq!(server.store().statistics().events, before);
                // Begins with an old event and goes on with a new one.
                let error = append(&client, "a", $state::Any, 5, 2).await.expect_err("mixed");
                assert_wrong_version(&error, Some(4));
                assert_eq!(server.store().statistics().events, before);
            }

            #[tokio::test]
            async fn an_event_comes_back_as_it_was_sent() {
                let (_server, client) = connect().await;
                let binary = EventData::binary("raw", Bytes::from_static(b"\x00\xff"))
                    .id(Uuid::from_u128(7))
                    .metadata(Bytes::from_static(b"about it"));
                let json = events(8, 1).remove(0);
                let written = client
                    .append_to_stream("a", &expecting($state::Any), vec![binary, json])
                    .await
                    .expect("appended");
                let mut reading = client
                    .read_stream("a", &ReadStreamOptions::default())
                    .await
                    .expect("readable");
                let first = reading.next().await.expect("readable").expect("an event");
                assert_eq!(first.get_original_stream_id(), "a");
                let first = first.get_original_event();
                assert_eq!(first.event_type, "raw");
                assert_eq!((first.id, first.revision), (Uuid::from_u128(7), 0));
                assert_eq!(&first.data[..], b"\x00\xff");
                assert_eq!(&first.custom_metadata[..], b"about it");
                assert!(!first.is_json);
                assert!(first.created.timestamp() > 1_600_000_000);
                let second = reading.next().await.expect("readable").expect("an event");
                let second = second.get_original_event();
                assert!(second.is_json && second.custom_metadata.is_empty());
                assert_eq!(&second.data[..], br#"{"number":8}"#);
                assert_eq!(second.position, written.position);
            }

            #[tokio::test]
            async fn a_stream_is_read_both_ways_from_every_start() {
                let (_server, client) = connect().await;
                append(&client, "a", $state::Any, 0, 10).await.expect("appended");
                // A position sets a direction, too: the direction comes last.
                let forwards = |from| ReadStreamOptions::default().position(from).forwards();
                let backwards = |from| ReadStreamOptions::default().position(from).backwards();
                for (options, expected) in [
                    (forwards(StreamPosition::Start), (0..10).collect::<Vec<_>>()),
                    (forwards(StreamPosition::Position(4)), (4..10).collect()),
                    (forwards(StreamPosition::Position(10)), vec![]),
                    (forwards(StreamPosition::End), vec![]),
                    (forwards(StreamPosition::Position(4)).max_count(3), vec![4, 5, 6]),
                    (backwards(StreamPosition::End), (0..10).rev().collect()),
                    (backwards(StreamPosition::Position(4)), (0..5).rev().collect()),
                    (backwards(StreamPosition::Start), vec![0]),
                    (backwards(StreamPosition::End).max_count(2), vec![9, 8]),
                ] {
                    let (ids, last) = read(&client, "a", &options).await.expect("readable");
                    assert_eq!(ids, expected);
                    assert_eq!(last, Some(9));
                }
                let missing = read(&client, "b", &forwards(StreamPosition::Start)).await;
                assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
            }

            #[tokio::test]
            async fn everything_is_read_both_ways_from_every_start() {
                let (_server, client) = connect().await;
                for (stream, first) in [("a", 0), ("b", 3), ("a", 6)] {
                    append(&client, stream, $state::Any, first, 3).await.expect("appended");
                }
                let ids = |events: &[ResolvedEvent]| events.iter().map(number).collect::<Vec<_>>();
                // A position sets a direction, too: the direction comes last.
                let forwards = |from| ReadAllOptions::default().position(from).forwards();
                let backwards = |from| ReadAllOptions::default().position(from).backwards();
                let all = read_all(&client, &forwards(StreamPosition::Start)).await;
                assert_eq!(ids(&all), (0..9).collect::<Vec<_>>());
                let positions: Vec<Position> = all
                    .iter()
                    .map(|event| event.get_original_event().position)
                    .collect();
                assert!(positions.is_sorted());
                let at = |number: usize| StreamPosition::Position(positions[number]);
                for (options, expected) in [
                    (forwards(at(4)), (4..9).collect::<Vec<_>>()),
                    (forwards(at(4)).max_count(2), vec![4, 5]),
                    (forwards(StreamPosition::End), vec![]),
                    (backwards(StreamPosition::End), (0..9).rev().collect()),
                    (backwards(StreamPosition::End).max_count(1), vec![8]),
                    // Going backwards a position is where the reader stands, after the event before it.
                    (backwards(at(4)), (0..4).rev().collect()),
                    (backwards(StreamPosition::Start), vec![]),
                ] {
                    assert_eq!(ids(&read_all(&client, &options).await), expected);
                }
            }

            #[tokio::test]
            async fn a_batch_session_appends_to_many_streams() {
                let (_server, client) = connect().await;
                let batch = client.batch_append(&Default::default()).await.expect("a session");
                for number in 0..20u128 {
                    let stream = format!("batch-{}", number % 5);
                    let state = match number / 5 {
                        0 => $state::NoStream,
                        times => $state::$exact(times as u64 * 3 - 1),
                    };
                    let written = batch
                        .append_to_stream(stream, state, events(number * 3, 3))
                        .await
                        .expect("appended");
                    assert_eq!(written.current_revision(), Some(number as u64 / 5 * 3 + 2));
                    assert!(written.current_position().is_some());
                }
                let options = ReadStreamOptions::default();
                let (ids, _) = read(&client, "batch-4", &options).await.expect("readable");
                assert_eq!(ids, [12, 13, 14, 27, 28, 29, 42, 43, 44, 57, 58, 59]);
                let error = batch
                    .append_to_stream("batch-0", $state::NoStream, events(900, 1))
                    .await
                    .expect_err("a stream");
                let code_name = match &error {
                    Error::Grpc { code, .. } => format!("{code:?}"),
                    other => panic!("{other:?}"),
                };
                assert_eq!(code_name, "AlreadyExists");
            }

            #[tokio::test]
            async fn many_appends_of_a_batch_session_are_on_their_way_at_once() {
                let (server, client) = connect().await;
                let batch = client.batch_append(&Default::default()).await.expect("a session");
                let appends = (0..2_500u128).map(|number| {
                    let stream = format!("many-{}", number % 5);
                    batch.append_to_stream(stream, $state::Any, events(number * 2, 2))
                });
                for written in futures::future::join_all(appends).await {
                    assert!(written.expect("appended").current_position().is_some());
                }
                assert_eq!(server.store().statistics().events, 5_000);
                for place in 0..5u128 {
                    let options = ReadStreamOptions::default();
                    let stream = format!("many-{place}");
                    let (mut ids, last) = read(&client, &stream, &options).await.expect("readable");
                    assert_eq!(last, Some(999));
                    // The two events of an append stand together.
                    assert!(ids.chunks(2).all(|pair| pair[0] + 1 == pair[1]));
                    ids.sort_unstable();
                    let sent = (0..500u128).map(|round| (round * 5 + place) * 2);
                    assert!(ids.into_iter().eq(sent.flat_map(|id| [id, id + 1])));
                }
            }

            #[tokio::test]
            async fn a_stream_is_followed_from_before_through_caught_up_to_live() {
                let (_server, client) = connect().await;
                append(&client, "a", $state::Any, 0, 600).await.expect("appended");
                let from = |position| SubscribeToStreamOptions::default().start_from(position);
                let mut all = client.subscribe_to_stream("a", &from(StreamPosition::Start)).await;
                assert_eq!(until_caught_up(&mut all).await, (0..600).collect::<Vec<_>>());
                // A revision is the last one that was seen.
                let resumed = from(StreamPosition::Position(597));
                let mut resumed = client.subscribe_to_stream("a", &resumed).await;
                assert_eq!(until_caught_up(&mut resumed).await, [598, 599]);
                let mut live = client.subscribe_to_stream("a", &from(StreamPosition::End)).await;
                assert!(until_caught_up(&mut live).await.is_empty());
                let mut early = client
                    .subscribe_to_stream("not-yet", &from(StreamPosition::Start))
                    .await;
                assert!(until_caught_up(&mut early).await.is_empty());
                append(&client, "a", $state::Any, 600, 1).await.expect("appended");
                append(&client, "not-yet", $state::Any, 700, 1).await.expect("appended");
                for subscription in [&mut all, &mut resumed, &mut live] {
                    assert_eq!(number(&next_event(subscription).await), 600);
                }
                assert_eq!(number(&next_event(&mut early).await), 700);
            }

            #[tokio::test]
            async fn everything_is_followed_with_filters_checkpoints_and_resuming() {
                let (_server, client) = connect().await;
                for number in 0..200u128 {
                    let stream = if number % 10 == 0 { "rare-1" } else { "often-1" };
                    append(&client, stream, $state::Any, number, 1).await.expect("appended");
                }
                let follow = |filter: SubscriptionFilter, from| {
                    SubscribeToAllOptions::default().position(from).filter(filter)
                };
                let rare: Vec<u128> = (0..200).step_by(10).collect();
                for filter in [
                    SubscriptionFilter::on_stream_name().add_prefix("rare-"),
                    SubscriptionFilter::on_stream_name().add_prefix("no").add_prefix("ra"),
                    SubscriptionFilter::on_stream_name().regex("^rare"),
                    // Expressions with look-ahead are what Python sends by default.
                    SubscriptionFilter::on_stream_name().regex(r"^(?!(\$.+|often-\d+)$)"),
                ] {
                    let options = follow(filter, StreamPosition::Start);
                    let mut subscription = client.subscribe_to_all(&options).await;
                    assert_eq!(until_caught_up(&mut subscription).await, rare);
                }
                let filter = SubscriptionFilter::on_event_type().exclude_system_events().max(8);
                let options = follow(filter.clone(), StreamPosition::Start);
                let mut subscription = client.subscribe_to_all(&options).await;
                let (mut seen, mut checkpoints) = (Vec::new(), Vec::new());
                while seen.len() < 100 {
                    match next(&mut subscription).await {
                        SubscriptionEvent::EventAppeared(event) => seen.push(number(&event)),
                        SubscriptionEvent::Checkpoint(position) => checkpoints.push(position),
                        _ => {}
                    }
                }
                assert!(checkpoints.len() >= 10, "{}", checkpoints.len());
                assert!(checkpoints.windows(2).all(|two| two[0] < two[1]));
                let last = *checkpoints.last().expect("checkpoints");
                let options = follow(filter, StreamPosition::Position(last));
                let mut resumed = client.subscribe_to_all(&options).await;
                let rest = until_caught_up(&mut resumed).await;
                assert_eq!(rest.last(), Some(&199));
                assert_eq!(rest.len() as u128, 200 - rest[0]);
                assert!(rest[0] <= 100);
                append(&client, "often-1", $state::Any, 200, 1).await.expect("appended");
                assert_eq!(number(&next_event(&mut resumed).await), 200);
            }

            #[tokio::test]
            async fn a_deleted_stream_is_gone_until_it_goes_on_where_it_ended() {
                let (_server, client) = connect().await;
                append(&client, "a", $state::Any, 0, 3).await.expect("appended");
                let wrong = DeleteStreamOptions::default().$expecting($state::$exact(7));
                assert!(client.delete_stream("a", &wrong).await.is_err());
                let right = DeleteStreamOptions::default().$expecting($state::$exact(2));
                let deleted = client.delete_stream("a", &right).await.expect("deleted");
                assert!(deleted.is_some());
                let options = ReadStreamOptions::default();
                let gone = read(&client, "a", &options).await;
                assert!(matches!(gone, Err(Error::ResourceNotFound)), "{gone:?}");
                let error = append(&client, "a", $state::StreamExists, 3, 1)
                    .await
                    .expect_err("deleted");
                assert_wrong_version(&error, Some(2));
                let (revision, _) = append(&client, "a", $state::NoStream, 3, 2)
                    .await
                    .expect("it goes on");
                assert_eq!(revision, 4);
                let (ids, last) = read(&client, "a", &options).await.expect("readable");
                assert_eq!((ids, last), (vec![3, 4], Some(4)));
            }

            #[tokio::test]
            async fn a_tombstone_ends_a_stream_for_ever_also_for_those_who_follow_it() {
                let (_server, client) = connect().await;
                append(&client, "a", $state::Any, 0, 1).await.expect("appended");
                let mut subscription = client
                    .subscribe_to_stream("a", &SubscribeToStreamOptions::default())
                    .await;
                until_caught_up(&mut subscription).await;
                let options = TombstoneStreamOptions::default().$expecting($state::$exact(0));
                client.tombstone_stream("a", &options).await.expect("tombstoned");
                let read = client.read_stream("a", &ReadStreamOptions::default()).await;
                assert!(matches!(read, Err(Error::ResourceDeleted)));
                for state in [$state::Any, $state::NoStream, $state::$exact(0)] {
                    let error = append(&client, "a", state, 1, 1).await.expect_err("deleted");
                    assert!(matches!(error, Error::ResourceDeleted), "{error:?}");
                }
                let again = client.tombstone_stream("a", &Default::default()).await;
                assert!(matches!(again, Err(Error::ResourceDeleted)), "{again:?}");
                let last = next_event(&mut subscription).await;
                assert_eq!(last.get_original_event().event_type, "$streamDeleted");
            }

            #[tokio::test]
            async fn metadata_hides_what_it_says_and_comes_back_as_it_was_sent() {
                let (_server, client) = connect().await;
                let missing = client
                    .get_stream_metadata("a", &Default::default())
                    .await
                    .expect("answered");
                assert!(missing.is_not_found());
                append(&client, "a", $state::Any, 0, 10).await.expect("appended");
                let metadata = StreamMetadataBuilder::new()
                    .max_count(3)
                    .max_age(Duration::from_secs(3600))
                    .cache_control(Duration::from_secs(9))
                    .insert_custom_property("owner", "ada")
                    .build();
                client
                    .set_stream_metadata("a", &Default::default(), &metadata)
                    .await
                    .expect("set");
                let options = ReadStreamOptions::default();
                let (ids, last) = read(&client, "a", &options).await.expect("readable");
                assert_eq!((ids, last), (vec![7, 8, 9], Some(9)));
                let back = client
                    .get_stream_metadata("a", &Default::default())
                    .await
                    .expect("answered");
                let StreamMetadataResult::Success(back) = back else {
                    panic!("{back:?}");
                };
                assert_eq!(back.metadata(), &metadata);
                let truncated = StreamMetadataBuilder::new().truncate_before(9).build();
                client
                    .set_stream_metadata("a", &Default::default(), &truncated)
                    .await
                    .expect("set");
                let (ids, _) = read(&client, "a", &options).await.expect("readable");
                assert_eq!(ids, [9]);
                let everything = read_all(&client, &ReadAllOptions::default()).await;
                assert_eq!(everything.len(), 12, "everything still has all of it");
            }

            #[tokio::test]
            async fn categories_and_types_are_streams_of_links() {
                let (_server, client) = connect().await;
                append(&client, "meter-1", $state::Any, 0, 2).await.expect("appended");
                append(&client, "tank-1", $state::Any, 2, 1).await.expect("appended");
                append(&client, "meter-2", $state::Any, 3, 1).await.expect("appended");
                let resolving = ReadStreamOptions::default().resolve_link_tos();
                let mut reading = client
                    .read_stream("$ce-meter", &resolving)
                    .await
                    .expect("readable");
                let mut found = Vec::new();
                while let Some(event) = reading.next().await.expect("readable") {
                    let target = event.event.as_ref().expect("what it links to");
                    let link = event.link.as_ref().expect("a link");
                    assert_eq!(event.get_original_stream_id(), "$ce-meter");
                    found.push((target.id.as_u128(), link.data.clone(), link.revision));
                }
                assert_eq!(
                    found,
                    [
                        (0, Bytes::from_static(b"0@meter-1"), 0),
                        (1, Bytes::from_static(b"1@meter-1"), 1),
                        (3, Bytes::from_static(b"0@meter-2"), 2)
                    ]
                );
                let plain = ReadStreamOptions::default().position(StreamPosition::End);
                let mut reading = client
                    .read_stream("$et-happened", &plain.max_count(1))
                    .await
                    .expect("readable");
                let link = reading.next().await.expect("readable").expect("a link");
                let link = link.get_original_event();
                assert_eq!((&*link.event_type, link.revision), ("$>", 3));
                assert_eq!(&link.data[..], b"0@meter-2");
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn no_append_waits_for_a_delayed_acknowledgement() {
                let (_server, client) = connect().await;
                let mut quickest = Duration::MAX;
                for number in 0..20 {
                    let began = std::time::Instant::now();
                    append(&client, "a", $state::Any, number, 1).await.expect("appended");
                    quickest = quickest.min(began.elapsed());
                }
                // Linux delays acknowledgements by 40 ms, and these clients wait for them.
                assert!(quickest < Duration::from_millis(20), "{quickest:?}");
            }

            #[tokio::test]
            async fn a_cluster_address_leads_here_through_gossip() {
                let (server, _) = connect().await;
                let port = server.address().port();
                let url = format!(
                    "esdb://127.0.0.1:{port},127.0.0.1:{port}?tls=false&discoveryInterval=1"
                );
                let client = Client::new(url.parse().expect("a connection string"))
                    .expect("a client");
                append(&client, "a", $state::Any, 0, 1).await.expect("appended");
            }
        }
    };
}

suite!(eventstore, ExpectedRevision, Exact, expected_revision);
suite!(kurrentdb, StreamState, StreamRevision, stream_state);
