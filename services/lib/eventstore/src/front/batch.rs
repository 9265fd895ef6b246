//! BatchAppend: many appends over one call, told apart by their correlation ids.
//!
//! One task receives and queues them in their order; another one waits and answers. What is on its way is bounded: by the
//! number of appends between the two, and by the bytes of appends whose last chunk has not come.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::failure::{
    refused_in_band, server_is_stopping, timeout_in_band, too_large_in_band, write_in_band,
};
use super::protocol::google::rpc;
use super::protocol::shared;
use super::protocol::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use super::protocol::streams::batch_append_req::{self, ProposedMessage};
use super::protocol::streams::{BatchAppendReq, BatchAppendResp};
use super::reply::{batch_result, echoed_expectation, stream_identifier};
use super::request::{
    batch_expectation, missing, proposed_bytes, proposed_event, stream_name, uuid,
};
use super::streams::WRITE_DEADLINE;
use crate::event::{Append, ExpectedRevision, MAX_COMMIT_BYTES, ProposedEvent};
use crate::store::{EventStore, Pending};

/// Appends that are queued and not yet answered, at most.
const APPENDS_IN_FLIGHT: usize = 1024;
/// Answers that the client has not taken, at most.
const ANSWERS_AHEAD: usize = 256;
/// Appends of one call whose last chunk has not come, at most, ...
const UNFINISHED_APPENDS: usize = 1024;
/// ... and their data.
const UNFINISHED_BYTES: usize = 16 * MAX_COMMIT_BYTES;

pub(super) type Answers = Pin<Box<dyn Stream<Item = Result<BatchAppendResp, Status>> + Send>>;

/// Begins to receive and to answer. When the server stops no more is received, and what was is answered.
pub(super) fn answer(
    store: EventStore,
    requests: Streaming<BatchAppendReq>,
    stopped: watch::Receiver<bool>,
) -> Answers {
    let (asked, to_answer) = mpsc::channel(APPENDS_IN_FLIGHT);
    let (answers, answered) = mpsc::channel(ANSWERS_AHEAD);
    let receiving = receive(store, requests, asked, answers.clone());
    let mut stopping = stopped.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = receiving => {}
            // A dropped sender means that the server is gone, too.
            _ = stopping.wait_for(|stopped| *stopped) => {}
        }
    });
    tokio::spawn(async move {
        send_answers(to_answer, &answers).await;
        if *stopped.borrow() {
            // The client may be gone; then nobody misses it.
            let _ = answers.send(Err(server_is_stopping())).await;
        }
    });
    Box::pin(ReceiverStream::new(answered))
}

/// What an answer gives back of its append.
struct Asked {
    correlation_id: shared::Uuid,
    stream: Arc<str>,
    expected: ExpectedRevision,
    echoed: ExpectedStreamPosition,
    deadline: Instant,
}

impl Asked {
    fn answer(self, result: Result<crate::event::Written, rpc::Status>) -> BatchAppendResp {
        BatchAppendResp {
            correlation_id: Some(self.correlation_id),
            result: Some(batch_result(result)),
            stream_identifier: Some(stream_identifier(&self.stream)),
            expected_stream_position: Some(echoed_expectation(&self.echoed)),
        }
    }
}

/// An append that is on its way, or was refused before it could be.
enum OnItsWay {
    Queued(Pending),
    Refused(rpc::Status),
}

/// An append whose last chunk has not come.
struct Unfinished {
    asked: Asked,
    events: Vec<ProposedEvent>,
    bytes: usize,
    refusal: Option<rpc::Status>,
}

async fn receive(
    store: EventStore,
    mut requests: Streaming<BatchAppendReq>,
    asked: mpsc::Sender<(Asked, OnItsWay)>,
    answers: mpsc::Sender<Result<BatchAppendResp, Status>>,
) {
    let mut unfinished = UnfinishedAppends::default();
    loop {
        let finished = match requests.message().await {
            Ok(Some(request)) => unfinished.take(request),
            // The client is done, or gone.
            Ok(None) | Err(_) => return,
        };
        let Unfinished {
            asked: append,
            events,
            refusal,
            ..
        } = match finished {
            Ok(Some(finished)) => finished,
            Ok(None) => continue,
            Err(status) => {
                // Nobody would know which append this is about, so the call ends.
                let _ = answers.send(Err(status)).await;
                return;
            }
        };
        let on_its_way = match refusal {
            Some(refusal) => OnItsWay::Refused(refusal),
            None => OnItsWay::Queued(
                store
                    .queue(vec![Append {
                        stream: Arc::clone(&append.stream),
                        expected: append.expected,
                        events,
                    }])
                    .await,
            ),
        };
        if asked.send((append, on_its_way)).await.is_err() {
            return;
        }
    }
}

/// Appends finish in the order in which they were queued, so they are waited for in that order.
async fn send_answers(
    mut to_answer: mpsc::Receiver<(Asked, OnItsWay)>,
    answers: &mpsc::Sender<Result<BatchAppendResp, Status>>,
) {
    while let Some((asked, on_its_way)) = to_answer.recv().await {
        let result = match on_its_way {
            OnItsWay::Refused(refusal) => Err(refusal),
            OnItsWay::Queued(pending) => {
                match tokio::time::timeout_at(asked.deadline, pending.result()).await {
                    Ok(Ok(written)) => Ok(written),
                    Ok(Err(error)) => Err(write_in_band(&asked.stream, asked.expected, &error)),
                    Err(_) => Err(timeout_in_band()),
                }
            }
        };
        if answers.send(Ok(asked.answer(result))).await.is_err() {
            return;
        }
    }
}

#[derive(Default)]
struct UnfinishedAppends {
    by_correlation: HashMap<Uuid, Unfinished>,
    bytes: usize,
}

impl UnfinishedAppends {
    /// Takes a chunk; returns the append that it completes. An error ends the call.
    fn take(&mut self, request: BatchAppendReq) -> Result<Option<Unfinished>, Status> {
        let correlation_id = request
            .correlation_id
            .ok_or_else(|| missing("correlation id"))?;
        let key = uuid(Some(correlation_id.clone()))?;
        let mut append = match (self.by_correlation.remove(&key), request.options) {
            (Some(begun), None) => begun,
            (None, Some(options)) => Unfinished {
                asked: asked(correlation_id, options)?,
                events: Vec::new(),
                bytes: 0,
                refusal: None,
            },
            (None, None) => {
                return Err(missing("options in the first chunk of an append"));
            }
            (Some(_), Some(_)) => {
                return Err(Status::invalid_argument(format!(
                    "the append {key} has options in two chunks"
                )));
            }
        };
        self.bytes -= append.bytes;
        append.add(request.proposed_messages);
        if request.is_final {
            return Ok(Some(append));
        }
        self.bytes += append.bytes;
        if self.by_correlation.len() >= UNFINISHED_APPENDS || self.bytes > UNFINISHED_BYTES {
            return Err(Status::resource_exhausted(format!(
                "the call has more than {UNFINISHED_APPENDS} appends or {UNFINISHED_BYTES} bytes without a last chunk: finish some"
            )));
        }
        self.by_correlation.insert(key, append);
        Ok(None)
    }
}

impl Unfinished {
    /// Adds the events of a chunk, unless the append is refused already.
    fn add(&mut self, messages: Vec<ProposedMessage>) {
        for message in messages {
            if self.refusal.is_some() {
                return;
            }
            let bytes = proposed_bytes(&message.metadata, &message.custom_metadata, &message.data);
            let event = proposed_event(
                message.id,
                &message.metadata,
                message.custom_metadata,
                message.data,
            );
            match event {
                Ok(event) if self.bytes + bytes <= MAX_COMMIT_BYTES => {
                    self.bytes += bytes;
                    self.events.push(event);
                }
                Ok(_) => {
                    self.refuse(too_large_in_band(&format!(
                        "the append has more than {MAX_COMMIT_BYTES} bytes: send it in smaller ones"
                    )));
                }
                Err(status) => self.refuse(refused_in_band(&status)),
            }
        }
    }

    fn refuse(&mut self, refusal: rpc::Status) {
        self.refusal = Some(refusal);
        self.events = Vec::new();
        self.bytes = 0;
    }
}

fn asked(
    correlation_id: shared::Uuid,
    options: batch_append_req::Options,
) -> Result<Asked, Status> {
    let stream = stream_name(options.stream_identifier)?;
    let echoed = options
        .expected_stream_position
        .ok_or_else(|| missing("expected revision"))?;
    Ok(Asked {
        correlation_id,
        stream,
        expected: batch_expectation(Some(echoed))?,
        echoed,
        deadline: Instant::now() + patience(options.deadline_option),
    })
}

/// How long the answer may take. Some clients send a moment where a duration belongs, so ours is the most.
fn patience(deadline: Option<DeadlineOption>) -> Duration {
    match deadline {
        Some(DeadlineOption::Deadline(duration)) => {
            Duration::try_from(duration).map_or(WRITE_DEADLINE, |asked| asked.min(WRITE_DEADLINE))
        }
        Some(DeadlineOption::Deadline21100(_)) | None => WRITE_DEADLINE,
    }
}

/// One chunk as it comes over a call of its own, for fuzzing.
pub(super) async fn fuzzed_append(store: &EventStore, request: BatchAppendReq) {
    let mut unfinished = UnfinishedAppends::default();
    // Twice, so that the second completes or contradicts what the first began.
    for request in [request.clone(), request] {
        let Ok(Some(append)) = unfinished.take(request) else {
            continue;
        };
        let pending = store
            .queue(vec![Append {
                stream: Arc::clone(&append.asked.stream),
                expected: append.asked.expected,
                events: append.events,
            }])
            .await;
        let result = pending.result().await;
        let stream = Arc::clone(&append.asked.stream);
        let expected = append.asked.expected;
        append
            .asked
            .answer(result.map_err(|error| write_in_band(&stream, expected, &error)));
    }
}
