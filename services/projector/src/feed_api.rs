//! The record over gRPC: every event once, in order, from any position on.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use terrarium_journal::{
    EventStore, Position, ReadError, RecordedEvent, StreamName, Subscription, field_status,
    read_status,
};
use terrarium_proto::feed::v1 as wire;
use terrarium_proto::feed::v1::feed_service_server::{FeedService, FeedServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use crate::feed_wire::{cloud_event, event_columns};

const MAY_READ: &[Role] = &Role::ALL;
/// Events in one answer at most.
const EVENTS_PER_ANSWER: usize = 1_000;
const ANSWERS_IN_FLIGHT: usize = 4;

/// The feed service over a store.
#[derive(Clone)]
pub struct FeedApi {
    store: Arc<dyn EventStore>,
    shutdown: Shutdown,
}

struct Filter {
    park: Option<String>,
    types: BTreeSet<String>,
}

impl FeedApi {
    /// Serves the events of `store`.
    pub fn new(store: Arc<dyn EventStore>, shutdown: Shutdown) -> FeedApi {
        FeedApi { store, shutdown }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> FeedServiceServer<FeedApi> {
        FeedServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl FeedService for FeedApi {
    type SubscribeStream =
        Pin<Box<dyn Stream<Item = Result<wire::SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<wire::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let caller = actor(&request)?;
        let request = request.into_inner();
        let park = match (request.park.is_empty(), &caller.park) {
            (true, None) => {
                caller.require_role(MAY_READ)?;
                None
            }
            (true, Some(own)) => Some(own.to_string()),
            (false, _) => {
                caller.require(MAY_READ, &request.park)?;
                Some(request.park)
            }
        };
        let after = request.after_position.map(Position);
        if let Some(after) = after {
            self.store
                .event_at(after)
                .await
                .map_err(|error| match error {
                    ReadError::Unavailable(_) => read_status(&error),
                    error => {
                        field_status(Code::InvalidArgument, "after_position", error.to_string())
                    }
                })?;
        }
        let layout = match wire::Layout::try_from(request.layout) {
            Ok(wire::Layout::Unspecified | wire::Layout::Events) => wire::Layout::Events,
            Ok(wire::Layout::Columns) => wire::Layout::Columns,
            Err(_) => {
                return Err(field_status(
                    Code::InvalidArgument,
                    "layout",
                    format!("{} is no layout: ask for events or columns", request.layout),
                ));
            }
        };
        let filter = Filter {
            park,
            types: request.types.into_iter().collect(),
        };
        let (answers, responses) = mpsc::channel(ANSWERS_IN_FLIGHT);
        let subscription = Subscription::new(Arc::clone(&self.store), after);
        let shutdown = self.shutdown.clone();
        let stop_when_caught_up = request.stop_when_caught_up;
        tokio::spawn(async move {
            if let Err(error) = send_events(
                subscription,
                &filter,
                layout,
                stop_when_caught_up,
                &answers,
                &shutdown,
            )
            .await
            {
                let _ = answers.send(Err(read_status(&error))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }
}

async fn send_events(
    mut subscription: Subscription,
    filter: &Filter,
    layout: wire::Layout,
    stop_when_caught_up: bool,
    answers: &mpsc::Sender<Result<wire::SubscribeResponse, Status>>,
    shutdown: &Shutdown,
) -> Result<(), ReadError> {
    let mut told_caught_up = false;
    loop {
        let events = subscription.available(EVENTS_PER_ANSWER).await?;
        let caught_up = events.is_empty();
        if !caught_up || !told_caught_up {
            told_caught_up = caught_up;
            let taken = events.iter().filter(|event| filter.takes(event));
            let mut answer = wire::SubscribeResponse {
                position: subscription.position().map(|position| position.0),
                caught_up,
                ..wire::SubscribeResponse::default()
            };
            match layout {
                wire::Layout::Columns => answer.columns = event_columns(taken),
                wire::Layout::Events | wire::Layout::Unspecified => {
                    answer.events = taken.map(cloud_event).collect();
                }
            }
            if answers.send(Ok(answer)).await.is_err() {
                return Ok(());
            }
        }
        if !caught_up && shutdown.is_triggered() {
            // Whoever wants the whole record must not take this for its end.
            return Err(ReadError::Unavailable(
                "the server is stopping before all events were sent; subscribe again after the last position".to_owned(),
            ));
        }
        if !caught_up {
            continue;
        }
        if stop_when_caught_up {
            return Ok(());
        }
        tokio::select! {
            grown = subscription.grown() => if !grown { return Ok(()) },
            () = shutdown.triggered() => return Ok(()),
            () = answers.closed() => return Ok(()),
        }
    }
}

impl Filter {
    fn takes(&self, event: &RecordedEvent) -> bool {
        if !self.types.is_empty() && !self.types.contains(&*event.event_type) {
            return false;
        }
        self.park.as_deref().is_none_or(|park| {
            StreamName::parse(&event.stream).is_ok_and(|stream| stream.park() == park)
        })
    }
}

#[cfg(test)]
mod tests {
    use terrarium_journal::{ContentType, ProposedCommit, ProposedEvent};
    use terrarium_proto::feed::v1::SubscribeResponse;
    use uuid::Uuid;

    use super::*;

    /// A store with so many events.
    async fn store_of(events: usize) -> (tempfile::TempDir, Arc<dyn EventStore>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (store, _) =
            terrarium_eventstore::EventStore::open(folder.path()).expect("a new store");
        let store: Arc<dyn EventStore> = Arc::new(store);
        let event = |number: usize| ProposedEvent {
            id: Uuid::from_u128(number as u128 + 1),
            event_type: "x.V1".into(),
            content_type: ContentType::Binary,
            data: Vec::new().into(),
            metadata: "{}".into(),
        };
        let commit = ProposedCommit {
            stream: "energy.meter-p.a".into(),
            expected_revision: 0,
            events: (0..events).map(event).collect(),
        };
        for appended in store.append(vec![commit]).await {
            appended.expect("a sound commit");
        }
        (folder, store)
    }

    /// What a subscriber gets who wants the whole record.
    async fn subscribed(
        store: Arc<dyn EventStore>,
        shutdown: &Shutdown,
    ) -> (Vec<SubscribeResponse>, Result<(), ReadError>) {
        let (answers, mut responses) = mpsc::channel(64);
        let everything = Filter {
            park: None,
            types: BTreeSet::new(),
        };
        let subscription = Subscription::new(store, None);
        let layout = wire::Layout::Events;
        let sent = send_events(subscription, &everything, layout, true, &answers, shutdown).await;
        drop(answers);
        let mut batches = Vec::new();
        while let Some(batch) = responses.recv().await {
            batches.push(batch.expect("a batch"));
        }
        (batches, sent)
    }

    #[tokio::test]
    async fn a_server_that_stops_says_that_not_all_was_sent() {
        let (_folder, store) = store_of(2 * EVENTS_PER_ANSWER).await;
        let shutdown = Shutdown::new();
        let (batches, sent) = subscribed(Arc::clone(&store), &shutdown).await;
        sent.expect("all of it");
        assert_eq!(batches.iter().filter(|batch| batch.caught_up).count(), 1);
        shutdown.trigger();
        let (batches, sent) = subscribed(store, &shutdown).await;
        assert!(matches!(sent, Err(ReadError::Unavailable(_))), "{sent:?}");
        assert!(batches.iter().all(|batch| !batch.caught_up));
        let events: usize = batches.iter().map(|batch| batch.events.len()).sum();
        assert_eq!(events, EVENTS_PER_ANSWER);
    }
}
