//! How far the record goes, as it grows.

use std::sync::Arc;
use std::time::Duration;

use eventstore::{Error, StreamPosition, SubscribeToAllOptions, SubscriptionEvent};
use terrarium_journal::Position;
use tokio::sync::watch;

use crate::convert::position;
use crate::supervisor::{Held, Supervisor};

/// Before the next subscription, when one has ended.
const RETRY: Duration = Duration::from_millis(200);

/// Moves `last_position` on with every new event, until the task is ended.
pub(crate) async fn follow(
    supervisor: Arc<Supervisor>,
    last_position: watch::Sender<Option<Position>>,
) {
    loop {
        let held = supervisor.hold();
        let Err(error) = subscribe(&held, &last_position).await;
        tracing::debug!(%error, "the subscription to the event store ended, subscribing again");
        supervisor.replace(&held);
        tokio::time::sleep(RETRY).await;
    }
}

async fn subscribe(
    held: &Held,
    last_position: &watch::Sender<Option<Position>>,
) -> Result<std::convert::Infallible, Error> {
    let seen = *last_position.borrow();
    let start = seen.map_or(StreamPosition::Start, |seen| {
        StreamPosition::Position(position(seen))
    });
    let options = SubscribeToAllOptions::default().position(start);
    let mut subscription = held.client.subscribe_to_all(&options).await;
    loop {
        if let SubscriptionEvent::EventAppeared(event) =
            subscription.next_subscription_event().await?
        {
            let event = event.get_original_event();
            // Readers never get those, and would wait for them in vain.
            if !event.stream_id.starts_with('$') {
                advance(last_position, Position(event.position.commit));
            }
        }
    }
}

/// Positions only grow, whoever learns of them first.
pub(crate) fn advance(last_position: &watch::Sender<Option<Position>>, position: Position) {
    last_position.send_if_modified(|last| {
        let is_new = last.is_none_or(|last| last < position);
        if is_new {
            *last = Some(position);
        }
        is_new
    });
}
