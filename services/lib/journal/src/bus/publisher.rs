//! The services' side of the bus: publishes commits and hears what became of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, Shared};
use futures::stream::StreamExt;
use prost::Message;
use terrarium_eventstore::{Position, ProposedCommit};
use terrarium_proto::journal::v1 as wire;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{BusAddress, BusError, COMMIT_MAX_BYTES, CommitResult, Connection, OUTCOME_DEADLINE};
use crate::stream::StreamName;

/// At most this many commits of one service wait for their outcomes; publishing more waits.
const COMMITS_IN_FLIGHT: usize = 4_096;
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// Resolves to what became of one commit. May be awaited by many and more than once.
pub type CommitTicket = Shared<BoxFuture<'static, CommitResult>>;

/// Why a commit was not published.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// The bus does not take it for now; try again.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// It never fits.
    #[error("the commit has {bytes} bytes, over the limit of {most}")]
    TooLarge {
        /// Bytes of the commit.
        bytes: usize,
        /// The limit.
        most: usize,
    },
}

/// Publishes commits in order and matches the recorder's outcomes to them.
#[derive(Clone)]
pub struct CommitPublisher {
    shared: Arc<PublisherState>,
}

struct PublisherState {
    connection: Connection,
    outcome_subject: String,
    next_number: AtomicU64,
    waiting: Mutex<BTreeMap<u64, Waiting>>,
    in_flight: Arc<Semaphore>,
}

struct Waiting {
    sender: oneshot::Sender<CommitResult>,
    since: Instant,
    _permit: OwnedSemaphorePermit,
}

impl CommitPublisher {
    /// Connects a service to the bus.
    pub async fn connect(
        bus: impl Into<BusAddress>,
        service: &str,
    ) -> Result<CommitPublisher, BusError> {
        let connection = Connection::open(&bus.into(), service).await?;
        let outcome_subject = connection.client.new_inbox();
        let mut outcomes = connection
            .client
            .subscribe(outcome_subject.clone())
            .await
            .map_err(|error| BusError::JetStream(error.to_string()))?;
        let shared = Arc::new(PublisherState {
            connection,
            outcome_subject,
            next_number: AtomicU64::new(1),
            waiting: Mutex::new(BTreeMap::new()),
            in_flight: Arc::new(Semaphore::new(COMMITS_IN_FLIGHT)),
        });

        let listener = Arc::downgrade(&shared);
        let mut losses = shared.connection.losses.clone();
        tokio::spawn(async move {
            let mut sweep = tokio::time::interval(SWEEP_EVERY);
            loop {
                tokio::select! {
                    outcome = outcomes.next() => {
                        let (Some(message), Some(state)) = (outcome, listener.upgrade()) else { return };
                        state.take_outcomes(&message.payload);
                    }
                    lost = losses.changed() => {
                        let (Ok(()), Some(state)) = (lost, listener.upgrade()) else { return };
                        state.fail_all("the connection to NATS was lost");
                    }
                    _ = sweep.tick() => {
                        let Some(state) = listener.upgrade() else { return };
                        state.fail_overdue();
                    }
                }
            }
        });
        Ok(CommitPublisher { shared })
    }

    /// Puts a commit on the bus. Commits of one caller reach the recorder in the order of these calls.
    ///
    /// `Err` says why it could not be published (nothing was decided); whether it was recorded says the ticket.
    pub async fn publish(
        &self,
        stream: &StreamName,
        commit: ProposedCommit,
        traceparent: Option<&str>,
    ) -> Result<CommitTicket, PublishError> {
        let state = &self.shared;
        let permit = Arc::clone(&state.in_flight)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        if state.connection.client.connection_state() != async_nats::connection::State::Connected {
            return Err(PublishError::Unavailable("NATS is not connected".into()));
        }
        let number = state.next_number.fetch_add(1, Ordering::Relaxed);
        let payload: Bytes = encode(commit, &state.outcome_subject, number);
        if payload.len() > COMMIT_MAX_BYTES {
            return Err(PublishError::TooLarge {
                bytes: payload.len(),
                most: COMMIT_MAX_BYTES,
            });
        }
        let mut headers = HeaderMap::new();
        if let Some(traceparent) = traceparent {
            headers.insert("traceparent", traceparent);
        }

        let (sender, receiver) = oneshot::channel();
        state.lock_waiting().insert(
            number,
            Waiting {
                sender,
                since: Instant::now(),
                _permit: permit,
            },
        );
        let published = state
            .connection
            .jetstream
            .publish_with_headers(stream.subject(), headers, payload)
            .await;
        let acknowledgement = match published {
            Ok(acknowledgement) => acknowledgement,
            Err(error) => {
                state.lock_waiting().remove(&number);
                let reason = format!("NATS did not take the commit: {error}");
                return Err(PublishError::Unavailable(reason.into()));
            }
        };
        // The outcome comes from the recorder; JetStream's own answer only matters when it refuses.
        let refused = Arc::downgrade(state);
        tokio::spawn(async move {
            if let Err(error) = acknowledgement.await
                && let Some(state) = refused.upgrade()
            {
                state.resolve(
                    number,
                    CommitResult::Unavailable(
                        format!("JetStream did not take the commit: {error}").into(),
                    ),
                );
            }
        });
        Ok(receiver
            .map(|outcome| {
                outcome
                    .unwrap_or_else(|_| CommitResult::Unavailable("the service is stopping".into()))
            })
            .boxed()
            .shared())
    }
}

impl PublisherState {
    fn lock_waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, number: u64, result: CommitResult) {
        if let Some(waiting) = self.lock_waiting().remove(&number) {
            // Nobody may be waiting any more; that is their choice.
            let _ = waiting.sender.send(result);
        }
    }

    fn take_outcomes(&self, payload: &Bytes) {
        let outcomes = match wire::OutcomesV1::decode(payload.clone()) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, "malformed outcomes on the bus were ignored");
                return;
            }
        };
        for outcome in outcomes.outcomes {
            use wire::outcome::Result as Outcome;
            let result = match outcome.result {
                Some(Outcome::RecordedPosition(position)) => {
                    CommitResult::Recorded(Position(position))
                }
                Some(Outcome::ActualRevision(actual_revision)) => {
                    CommitResult::Conflict { actual_revision }
                }
                Some(Outcome::Failed(reason)) => CommitResult::Unavailable(reason.into()),
                None => {
                    CommitResult::Unavailable("the recorder's outcome is of an unknown kind".into())
                }
            };
            self.resolve(outcome.commit_number, result);
        }
    }

    fn fail_all(&self, reason: &str) {
        let reason: Arc<str> = reason.into();
        for waiting in std::mem::take(&mut *self.lock_waiting()).into_values() {
            let _ = waiting
                .sender
                .send(CommitResult::Unavailable(Arc::clone(&reason)));
        }
    }

    fn fail_overdue(&self) {
        let overdue: Vec<u64> = self
            .lock_waiting()
            .iter()
            .filter(|(_, waiting)| waiting.since.elapsed() > OUTCOME_DEADLINE)
            .map(|(number, _)| *number)
            .collect();
        for number in overdue {
            self.resolve(
                number,
                CommitResult::Unavailable(
                    "the recorder did not answer in time; is it running?".into(),
                ),
            );
        }
    }
}

fn encode(commit: ProposedCommit, outcome_subject: &str, commit_number: u64) -> Bytes {
    wire::CommitV1 {
        stream: commit.stream.to_string(),
        expected_revision: commit.expected_revision,
        events: commit
            .events
            .into_iter()
            .map(|event| wire::CommitEvent {
                id: Bytes::copy_from_slice(event.id.as_bytes()),
                r#type: event.event_type.to_string(),
                data: event.data,
                metadata: event.metadata,
            })
            .collect(),
        outcome_subject: outcome_subject.to_owned(),
        commit_number,
    }
    .encode_to_vec()
    .into()
}
