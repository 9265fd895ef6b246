//! The calls of the Streams service.

use std::time::Duration;

use tonic::{Request, Response, Status, Streaming};

use super::append_chunk::AppendChunk;
use super::batch;
use super::failure::{append_too_large, server_is_stopping, write_status, write_timeout};
use super::follow::until_stopped;
use super::pages::Answers;
use super::protocol::served::streams_server::Streams;
use super::protocol::streams::{
    AppendReq, AppendResp, DeleteReq, DeleteResp, ReadReq, TombstoneReq, TombstoneResp, append_req,
};
use super::read::answer;
use super::reply::{appended, deleted, not_appended, tombstoned};
use super::request::{
    Extent, append_expectation, delete_expectation, missing, proposed_bytes, proposed_event,
    read_request, stream_name, tombstone_expectation,
};
use crate::error::AppendError;
use crate::event::{Append, ExpectedRevision, MAX_COMMIT_BYTES, ProposedEvent, Written};
use crate::store::EventStore;

/// An answer is given after this time even if the disk has not taken the events.
pub(super) const WRITE_DEADLINE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct StreamsApi {
    pub store: EventStore,
    /// Closed when the server stops.
    pub stopped: tokio::sync::watch::Receiver<bool>,
}

impl StreamsApi {
    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopped = self.stopped.clone();
        async move {
            // A dropped sender means that the server is gone, too.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    }
}

#[tonic::async_trait]
impl Streams for StreamsApi {
    type ReadStream = Answers;
    type BatchAppendStream = batch::Answers;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Answers>, Status> {
        let request = read_request(request.into_inner())?;
        let is_subscription = matches!(request.extent, Extent::Subscription);
        let answers = answer(&self.store, request).await?;
        Ok(Response::new(if is_subscription {
            until_stopped(answers, self.stopped())
        } else {
            answers
        }))
    }

    async fn append(
        &self,
        request: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        let append = tokio::select! {
            append = receive_append(request.into_inner()) => append?,
            // A client that has not sent all of it by now would hold up the stop.
            () = self.stopped() => return Err(server_is_stopping()),
        };
        let (stream, expected) = (append.stream.clone(), append.expected);
        let written = in_time(self.store.append_to(append)).await?;
        match written {
            Ok(written) => Ok(Response::new(appended(&written))),
            Err(AppendError::WrongExpectedRevision { actual }) => {
                Ok(Response::new(not_appended(expected, actual)))
            }
            Err(error) => Err(write_status(&stream, expected, &error)),
        }
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<AppendChunk>>,
    ) -> Result<Response<batch::Answers>, Status> {
        Ok(Response::new(batch::answer(
            self.store.clone(),
            request.into_inner(),
            self.stopped.clone(),
        )))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let options = request
            .into_inner()
            .options
            .ok_or_else(|| missing("options"))?;
        let stream = stream_name(options.stream_identifier)?;
        let expected = delete_expectation(options.expected_stream_revision)?;
        let written = in_time(self.store.delete(&stream, expected)).await?;
        let written = written.map_err(|error| write_status(&stream, expected, &error))?;
        Ok(Response::new(deleted(&written)))
    }

    async fn tombstone(
        &self,
        request: Request<TombstoneReq>,
    ) -> Result<Response<TombstoneResp>, Status> {
        let options = request
            .into_inner()
            .options
            .ok_or_else(|| missing("options"))?;
        let stream = stream_name(options.stream_identifier)?;
        let expected = tombstone_expectation(options.expected_stream_revision)?;
        let written = in_time(self.store.tombstone(&stream, expected)).await?;
        let written = written.map_err(|error| write_status(&stream, expected, &error))?;
        Ok(Response::new(tombstoned(&written)))
    }
}

async fn in_time(
    write: impl Future<Output = Result<Written, AppendError>>,
) -> Result<Result<Written, AppendError>, Status> {
    tokio::time::timeout(WRITE_DEADLINE, write)
        .await
        .map_err(|_| write_timeout())
}

/// Takes all messages of an append: options, then events.
async fn receive_append(mut messages: Streaming<AppendReq>) -> Result<Append, Status> {
    use append_req::Content;
    let first = messages.message().await?.and_then(|first| first.content);
    let Some(Content::Options(options)) = first else {
        return Err(missing("options in its first message"));
    };
    let stream = stream_name(options.stream_identifier)?;
    let expected: ExpectedRevision = append_expectation(options.expected_stream_revision)?;
    let mut events: Vec<ProposedEvent> = Vec::new();
    let mut bytes = 0;
    while let Some(message) = messages.message().await? {
        let Some(Content::ProposedMessage(event)) = message.content else {
            return Err(Status::invalid_argument(
                "after its first message an append has events and nothing else",
            ));
        };
        bytes += proposed_bytes(&event.metadata, &event.custom_metadata, &event.data);
        if bytes > MAX_COMMIT_BYTES {
            return Err(append_too_large(format!(
                "the append has more than {MAX_COMMIT_BYTES} bytes: send it in smaller ones"
            )));
        }
        events.push(proposed_event(
            event.id,
            &event.metadata,
            event.custom_metadata,
            event.data,
        )?);
    }
    Ok(Append {
        stream,
        expected,
        events,
    })
}
