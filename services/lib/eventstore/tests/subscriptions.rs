//! Following events from the past through the present.

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{event, open_in_segments};
use tempfile::TempDir;
use terrarium_eventstore::{
    AllItem, AllSubscription, Append, EventStore, ExpectedRevision, Filter, FilterError, FilterOn,
    StreamItem, SubscriptionError,
};

/// No item takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn append(store: &EventStore, stream: &str, numbers: std::ops::Range<u128>) {
    store
        .append_to(Append {
            stream: Arc::from(stream),
            expected: ExpectedRevision::Any,
            events: numbers.map(|number| event(number, "data")).collect(),
        })
        .await
        .expect("appended");
}

async fn next(subscription: &mut AllSubscription) -> Vec<AllItem> {
    tokio::time::timeout(PATIENCE, subscription.next())
        .await
        .expect("in time")
        .expect("subscribed")
}

/// What comes until the subscription is caught up: a number for an event, `None` for a checkpoint.
async fn until_caught_up(subscription: &mut AllSubscription) -> Vec<Option<u128>> {
    let mut found = Vec::new();
    loop {
        for item in next(subscription).await {
            match item {
                AllItem::Event(event) => found.push(Some(event.id.as_u128())),
                AllItem::Checkpoint(_) => found.push(None),
                AllItem::CaughtUp => return found,
            }
        }
    }
}

#[tokio::test]
async fn one_that_falls_behind_catches_up_again_and_misses_nothing() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    append(&store, "a", 0..10).await;
    let mut subscription = store.subscribe_to_all(None, None);
    assert_eq!(until_caught_up(&mut subscription).await.len(), 10);
    append(&store, "a", 10..12).await;
    assert_eq!(next(&mut subscription).await.len(), 2);
    // More than one page at once.
    append(&store, "a", 12..1500).await;
    let found = until_caught_up(&mut subscription).await;
    assert_eq!(found, (12..1500).map(Some).collect::<Vec<_>>());
    let resumed_at = store.last_position();
    append(&store, "b", 1500..1501).await;
    let mut resumed = store.subscribe_to_all(resumed_at, None);
    assert_eq!(until_caught_up(&mut resumed).await, [Some(1500)]);
}

#[tokio::test]
async fn checkpoints_come_with_every_so_many_events_that_were_looked_at_and_never_twice() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for number in 0..20 {
        let stream = if number % 5 == 0 { "rare" } else { "often" };
        append(&store, stream, number..number + 1).await;
    }
    let filter = Filter::by_prefix(FilterOn::StreamName, vec!["ra".to_owned()], 5).expect("fits");
    let mut subscription = store.subscribe_to_all(None, Some(filter));
    let found = until_caught_up(&mut subscription).await;
    let with_checkpoints: Vec<_> = [0, 5, 10, 15]
        .into_iter()
        .flat_map(|number| [Some(number), None])
        .collect();
    // The one at the end is that of the last event: it does not come again.
    assert_eq!(found, with_checkpoints);
    append(&store, "often", 20..22).await;
    append(&store, "rare", 22..23).await;
    let items = next(&mut subscription).await;
    assert!(
        matches!(&items[..], [AllItem::Event(event)] if event.id.as_u128() == 22),
        "{items:?}"
    );
}

#[tokio::test]
async fn filters_that_say_nothing_or_nonsense_are_refused() {
    let nothing = Filter::by_prefix(FilterOn::EventType, Vec::new(), 1);
    assert!(matches!(nothing, Err(FilterError::Empty)));
    let never = Filter::by_expression(FilterOn::EventType, "a", 0);
    assert!(matches!(never, Err(FilterError::NoInterval)));
    let broken = Filter::by_expression(FilterOn::EventType, "(a", 1).expect_err("broken");
    assert!(broken.to_string().contains("\"(a\""), "{broken}");
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    append(&store, &"a".repeat(200), 0..1).await;
    let endless = Filter::by_expression(FilterOn::StreamName, r"^(?:(a+)+)+\1$(?<!a)", 1);
    let mut subscription = store.subscribe_to_all(None, Some(endless.expect("an expression")));
    let ended = subscription.next().await.expect_err("it gives up");
    assert!(
        matches!(
            ended,
            SubscriptionError::Filter(FilterError::TooHard { .. })
        ),
        "{ended}"
    );
}

#[tokio::test]
async fn a_stream_is_followed_before_it_exists_until_it_is_tombstoned() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    let mut subscription = store.subscribe_to_stream("a-1", None, false);
    assert_eq!(
        subscription.next().await.expect("subscribed"),
        [StreamItem::CaughtUp]
    );
    append(&store, "other", 0..3).await;
    append(&store, "a-1", 3..5).await;
    let items = subscription.next().await.expect("subscribed");
    assert_eq!(items.len(), 2);
    store
        .tombstone("a-1", ExpectedRevision::Exact(1))
        .await
        .expect("tombstoned");
    let items = subscription.next().await.expect("subscribed");
    assert!(
        matches!(&items[..], [StreamItem::Tombstoned(Some(event))] if &*event.event_type == "$streamDeleted"),
        "{items:?}"
    );
    let mut late = store.subscribe_to_stream("a-1", None, false);
    assert_eq!(
        late.next().await.expect("subscribed"),
        [StreamItem::Tombstoned(None)]
    );
}

#[tokio::test]
async fn subscriptions_end_when_the_store_is_closed() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    let mut subscription = store.subscribe_to_all(None, None);
    assert_eq!(next(&mut subscription).await, [AllItem::CaughtUp]);
    store.close();
    let ended = subscription.next().await;
    assert!(matches!(ended, Err(SubscriptionError::Closed)), "{ended:?}");
}
