//! BatchAppend: many appends over one call, told apart by their correlation ids.
//!
//! The stream of answers does all of it when it is asked for the next one: it takes what has come, queues it in its order, and
//! answers what is done, so that an append takes no way between tasks but the one to the writer and back. What is on its way
//! is bounded: by the number of appends that are not answered, and by the bytes of appends whose last chunk has not come.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::append_chunk::{AppendChunk, ChunkEvent};
use super::failure::{
    refused_in_band, server_is_stopping, timeout_in_band, too_large_in_band, write_in_band,
};
use super::protocol::google::rpc;
use super::protocol::shared;
use super::protocol::streams::BatchAppendResp;
use super::protocol::streams::batch_append_req;
use super::protocol::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use super::reply::{batch_result, echoed_expectation, stream_identifier};
use super::request::{batch_expectation, missing, stream_name, uuid};
use super::streams::WRITE_DEADLINE;
use crate::error::AppendError;
use crate::event::{Append, ExpectedRevision, MAX_COMMIT_BYTES, ProposedEvent, Written};
use crate::pending::Pending;
use crate::store::EventStore;

/// Appends that came and are not yet answered, at most.
const APPENDS_IN_FLIGHT: usize = 1024;
/// Appends that are queued as one, at most: the writer begins with them while the next ones are read.
const QUEUED_TOGETHER: usize = 32;
/// They are queued once they have this many bytes.
const QUEUED_TOGETHER_BYTES: usize = 64 * 1024;
/// Appends of one call whose last chunk has not come, at most, ...
const UNFINISHED_APPENDS: usize = 1024;
/// ... and the messages that they came in.
const UNFINISHED_BYTES: usize = 16 * MAX_COMMIT_BYTES;

pub(super) type Answers = Pin<Box<dyn Stream<Item = Result<BatchAppendResp, Status>> + Send>>;

/// Begins to receive and to answer. When the server stops no more is received, and what was is answered.
pub(super) fn answer(
    store: EventStore,
    requests: Streaming<AppendChunk>,
    mut stopped: watch::Receiver<bool>,
) -> Answers {
    let stop = async move {
        // A dropped sender means that the server is gone, too.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    Box::pin(Session {
        store,
        requests: Some(requests),
        unfinished: UnfinishedAppends::default(),
        queueing: None,
        groups: VecDeque::new(),
        in_flight: 0,
        alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
        stop: Some(Box::pin(stop)),
        end: None,
    })
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
    fn answer(self, result: Result<Written, rpc::Status>) -> BatchAppendResp {
        BatchAppendResp {
            correlation_id: Some(self.correlation_id),
            result: Some(batch_result(result)),
            stream_identifier: Some(stream_identifier(&self.stream)),
            expected_stream_position: Some(echoed_expectation(&self.echoed)),
        }
    }
}

/// An append whose last chunk has not come.
struct Unfinished {
    asked: Asked,
    events: Vec<ProposedEvent>,
    /// What the events count as an append.
    bytes: usize,
    /// Of the messages that they came in, which stay in memory as long as they do.
    held_bytes: usize,
    refusal: Option<rpc::Status>,
}

/// One call.
struct Session {
    store: EventStore,
    /// `None` when no more is received.
    requests: Option<Streaming<AppendChunk>>,
    unfinished: UnfinishedAppends,
    /// A group that waits for room in the store's queue.
    queueing: Option<(Asks, BoxFuture<'static, Pending>)>,
    /// Appends finish in the order in which they were queued, so they are answered in that order.
    groups: VecDeque<Group>,
    in_flight: usize,
    /// Set to some deadline of an append, and moved on only when it has passed.
    alarm: Pin<Box<Sleep>>,
    stop: Option<BoxFuture<'static, ()>>,
    /// What the call ends with once everything is answered.
    end: Option<Status>,
}

/// Appends and, if they were refused before they were queued, why.
type Asks = VecDeque<(Asked, Option<rpc::Status>)>;

/// Appends that were queued as one.
struct Group {
    asks: Asks,
    pending: Pending,
    results: Option<std::vec::IntoIter<Result<Written, AppendError>>>,
    /// Appends that were answered before their results came.
    overdue: usize,
}

impl Stream for Session {
    type Item = Result<BatchAppendResp, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = self.get_mut();
        loop {
            if let Poll::Ready(answer) = session.poll_answer(context) {
                session.in_flight -= 1;
                return Poll::Ready(Some(Ok(answer)));
            }
            if !session.receive(context) {
                break;
            }
        }
        let is_over =
            session.requests.is_none() && session.groups.is_empty() && session.queueing.is_none();
        if is_over {
            Poll::Ready(session.end.take().map(Err))
        } else {
            Poll::Pending
        }
    }
}

impl Session {
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<BatchAppendResp> {
        while let Some(group) = self.groups.front_mut() {
            if let Some(answer) = ready!(group.poll_answer(context, &mut self.alarm)) {
                return Poll::Ready(answer);
            }
            self.groups.pop_front();
        }
        Poll::Pending
    }

    /// Queues what has come; false when there is nothing more for now.
    fn receive(&mut self, context: &mut Context<'_>) -> bool {
        if let Some((asks, queueing)) = &mut self.queueing {
            let Poll::Ready(pending) = queueing.as_mut().poll(context) else {
                return false;
            };
            let asks = std::mem::take(asks);
            self.queueing = None;
            self.groups.push_back(Group::new(asks, pending));
            return true;
        }
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(context).is_ready()
        {
            self.stop = None;
            self.requests = None;
            self.end.get_or_insert_with(server_is_stopping);
        }
        let mut asks = Asks::new();
        let mut appends = Vec::new();
        let mut bytes = 0;
        while asks.len() < QUEUED_TOGETHER
            && bytes < QUEUED_TOGETHER_BYTES
            && self.in_flight < APPENDS_IN_FLIGHT
        {
            let Some(finished) = self.next_append(context) else {
                break;
            };
            self.in_flight += 1;
            bytes += finished.held_bytes;
            if finished.refusal.is_none() {
                appends.push(Append {
                    stream: Arc::clone(&finished.asked.stream),
                    expected: finished.asked.expected,
                    events: finished.events,
                });
            }
            asks.push_back((finished.asked, finished.refusal));
        }
        if asks.is_empty() {
            return false;
        }
        match self.store.try_queue(appends, bytes) {
            Ok(pending) => self.groups.push_back(Group::new(asks, pending)),
            Err(appends) => {
                let store = self.store.clone();
                let queueing = async move { store.queue_holding(appends, bytes).await };
                self.queueing = Some((asks, Box::pin(queueing)));
            }
        }
        true
    }

    /// The next append whose chunks have all come; `None` when there is none for now, or no more.
    fn next_append(&mut self, context: &mut Context<'_>) -> Option<Unfinished> {
        loop {
            let requests = self.requests.as_mut()?;
            let Poll::Ready(received) = Pin::new(requests).poll_next(context) else {
                return None;
            };
            let chunk = match received {
                Some(Ok(chunk)) => chunk,
                Some(Err(status)) => {
                    // Which append it was can't be told, so what came before is answered and the call ends with it.
                    self.requests = None;
                    self.end = Some(status);
                    return None;
                }
                None => {
                    self.requests = None;
                    return None;
                }
            };
            match self.unfinished.take(chunk) {
                Ok(None) => {}
                Ok(finished) => return finished,
                Err(status) => {
                    // Nobody would know which append this is about, so the call ends.
                    self.requests = None;
                    self.end = Some(status);
                }
            }
        }
    }
}

impl Group {
    fn new(asks: Asks, pending: Pending) -> Group {
        Group {
            asks,
            pending,
            results: None,
            overdue: 0,
        }
    }

    /// The next answer; `None` after the last.
    fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
        alarm: &mut Pin<Box<Sleep>>,
    ) -> Poll<Option<BatchAppendResp>> {
        let deadline = match self.asks.front() {
            None => return Poll::Ready(None),
            Some((asked, None)) => asked.deadline,
            Some((_, Some(_))) => return Poll::Ready(self.answer_refused()),
        };
        if self.results.is_none()
            && let Poll::Ready(results) = self.pending.poll_results(context)
        {
            let mut results = results.into_iter();
            results.by_ref().take(self.overdue).for_each(drop);
            self.results = Some(results);
        }
        let Some(results) = &mut self.results else {
            if !is_overdue(deadline, alarm, context) {
                return Poll::Pending;
            }
            self.overdue += 1;
            let overdue = self.asks.pop_front();
            return Poll::Ready(overdue.map(|(asked, _)| asked.answer(Err(timeout_in_band()))));
        };
        let result = results.next().expect("a result for each append");
        Poll::Ready(self.asks.pop_front().map(|(asked, _)| {
            let result =
                result.map_err(|error| write_in_band(&asked.stream, asked.expected, &error));
            asked.answer(result)
        }))
    }

    fn answer_refused(&mut self) -> Option<BatchAppendResp> {
        let (asked, refusal) = self.asks.pop_front()?;
        refusal.map(|refusal| asked.answer(Err(refusal)))
    }
}

/// Whether a deadline has passed; if not, the task is woken when it has, or earlier.
fn is_overdue(deadline: Instant, alarm: &mut Pin<Box<Sleep>>, context: &mut Context<'_>) -> bool {
    // Deadlines mostly come in order, so an alarm that rings too early costs less than one that is set for every append.
    while alarm.deadline() > deadline || alarm.as_mut().poll(context).is_ready() {
        if deadline <= Instant::now() {
            return true;
        }
        alarm.as_mut().reset(deadline);
    }
    false
}

#[derive(Default)]
struct UnfinishedAppends {
    by_correlation: HashMap<Uuid, Unfinished>,
    bytes: usize,
}

impl UnfinishedAppends {
    /// Takes a chunk; returns the append that it completes. An error ends the call.
    fn take(&mut self, request: AppendChunk) -> Result<Option<Unfinished>, Status> {
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
                held_bytes: 0,
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
        self.bytes -= append.held_bytes;
        append.held_bytes += request.message_bytes;
        append.add(request.events);
        if request.is_final {
            return Ok(Some(append));
        }
        self.bytes += append.held_bytes;
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
    fn add(&mut self, events: Vec<ChunkEvent>) {
        if self.refusal.is_some() {
            return;
        }
        self.events.reserve(events.len());
        for event in events {
            let bytes = event.bytes();
            match event.propose() {
                Ok(event) if self.bytes + bytes <= MAX_COMMIT_BYTES => {
                    self.bytes += bytes;
                    self.events.push(event);
                }
                Ok(_) => {
                    return self.refuse(too_large_in_band(&format!(
                        "the append has more than {MAX_COMMIT_BYTES} bytes: send it in smaller ones"
                    )));
                }
                Err(status) => return self.refuse(refused_in_band(&status)),
            }
        }
    }

    fn refuse(&mut self, refusal: rpc::Status) {
        self.refusal = Some(refusal);
        self.events = Vec::new();
        self.bytes = 0;
        self.held_bytes = 0;
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

#[cfg(test)]
mod tests;
