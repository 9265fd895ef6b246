//! The record over gRPC: every event once, in order, from any position on.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use terrarium_journal::{
    EventRef, EventStore, Position, ReadError, StreamName, Subscription, field_status, read_status,
};
use terrarium_proto::feed::v1 as wire;
use terrarium_proto::feed::v1::feed_service_server::{FeedService, FeedServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use crate::feed_wire::{ColumnsPage, cloud_event};

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
        if after.is_some() {
            // What it asks for shows whether the position is one of this record, also where the event was scavenged since.
            self.store
                .read_all(after, 1)
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
    let mut columns = ColumnsPage::default();
    loop {
        let mut rows = Vec::new();
        let mut take = |event: &EventRef<'_>| {
            if !filter.takes(event) {
                return;
            }
            match layout {
                wire::Layout::Columns => columns.push(event),
                wire::Layout::Events | wire::Layout::Unspecified => rows.push(cloud_event(event)),
            }
        };
        let events = subscription
            .visit_available(EVENTS_PER_ANSWER, &mut take)
            .await?;
        let caught_up = events == 0;
        if !caught_up || !told_caught_up {
            told_caught_up = caught_up;
            let answer = wire::SubscribeResponse {
                position: subscription.position().map(|position| position.0),
                caught_up,
                events: rows,
                columns: columns.take(),
            };
            if answers.send(Ok(answer)).await.is_err() || shutdown.is_triggered() {
                return Ok(());
            }
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
    fn takes(&self, event: &EventRef<'_>) -> bool {
        if !self.types.is_empty() && !self.types.contains(event.event_type) {
            return false;
        }
        self.park.as_deref().is_none_or(|park| {
            StreamName::parse(event.stream).is_ok_and(|stream| stream.park() == park)
        })
    }
}
