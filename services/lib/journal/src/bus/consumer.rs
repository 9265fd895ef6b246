//! The recorder's side of the bus: takes commits in order and sends outcomes back.

use std::collections::BTreeMap;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use futures::stream::{ReadyChunks, StreamExt};
use prost::Message;
use terrarium_eventstore::{ContentType, Position, ProposedCommit, ProposedEvent};
use terrarium_proto::journal::v1 as wire;
use uuid::Uuid;

use crate::stream::StreamName;

use super::{
    BusAddress, BusError, COMMIT_STREAM, COMMIT_STREAM_MAX_BYTES, COMMIT_SUBJECTS, CommitResult,
    Connection, PROBE_SUBJECT,
};

/// Commits handed out at once; they share an fsync.
const BATCH_COMMITS: usize = 512;

/// A commit from the bus, and who waits for it.
pub struct ReceivedCommit {
    /// What is to be recorded.
    pub commit: ProposedCommit,
    outcome_subject: String,
    commit_number: u64,
}

/// Takes commits from the bus in its order. After a lost connection, or when the bus turns out to be another one than
/// before, it starts again at the first commit the bus holds: replaying is harmless, skipping is not.
pub struct CommitConsumer {
    connection: Connection,
    replicas: usize,
    max_bytes: i64,
    source: Option<Source>,
}

struct Source {
    stream: Stream,
    messages: ReadyChunks<Ordered>,
    /// When the bus's stream was made: another time is another stream.
    created: String,
    last_sequence: u64,
    purged_through: u64,
    losses_at_start: u64,
}

impl CommitConsumer {
    /// Connects the recorder to the bus, which holds at most [`COMMIT_STREAM_MAX_BYTES`].
    ///
    /// `replicas`: on how many servers each commit is kept. A stream that is kept on another number of them is moved.
    pub async fn connect(
        bus: impl Into<BusAddress>,
        replicas: usize,
    ) -> Result<CommitConsumer, BusError> {
        CommitConsumer::connect_with_room(bus, replicas, COMMIT_STREAM_MAX_BYTES).await
    }

    /// Connects the recorder to a bus that holds at most `max_bytes` of commits that are not yet recorded.
    pub async fn connect_with_room(
        bus: impl Into<BusAddress>,
        replicas: usize,
        max_bytes: i64,
    ) -> Result<CommitConsumer, BusError> {
        let connection = Connection::open(&bus.into(), "terrarium-recorder").await?;
        let mut consumer = CommitConsumer {
            connection,
            replicas,
            max_bytes,
            source: None,
        };
        let source = consumer.open_source().await?;
        consumer.source = Some(source);
        Ok(consumer)
    }

    /// Takes `&mut` so that the future can move between threads: the ordered consumer is not `Sync`.
    async fn open_source(&mut self) -> Result<Source, BusError> {
        let bus_error = |error: &dyn std::fmt::Display| BusError::JetStream(error.to_string());
        let losses_at_start = *self.connection.losses.borrow();
        let jetstream = &self.connection.jetstream;
        let mut stream = jetstream
            .get_or_create_stream(Config {
                name: COMMIT_STREAM.to_owned(),
                subjects: vec![COMMIT_SUBJECTS.to_owned()],
                retention: RetentionPolicy::Limits,
                discard: DiscardPolicy::New,
                max_bytes: self.max_bytes,
                storage: StorageType::File,
                num_replicas: self.replicas,
                ..Config::default()
            })
            .await
            .map_err(|error| bus_error(&error))?;
        let info = stream.info().await.map_err(|error| bus_error(&error))?;
        let created = info.created.to_string();
        if info.config.num_replicas != self.replicas {
            tracing::info!(
                from = info.config.num_replicas,
                to = self.replicas,
                "the bus keeps commits on another number of servers from now on"
            );
            let moved = Config {
                num_replicas: self.replicas,
                ..info.config.clone()
            };
            jetstream
                .update_stream(moved)
                .await
                .map_err(|error| bus_error(&error))?;
        }
        let messages = stream
            .create_consumer(OrderedConfig {
                description: Some("the recorder".to_owned()),
                deliver_policy: DeliverPolicy::All,
                ..OrderedConfig::default()
            })
            .await
            .map_err(|error| bus_error(&error))?
            .messages()
            .await
            .map_err(|error| bus_error(&error))?;
        Ok(Source {
            stream,
            messages: messages.ready_chunks(BATCH_COMMITS),
            created,
            last_sequence: 0,
            purged_through: 0,
            losses_at_start,
        })
    }

    /// Waits for the next commits. Cancel-safe. On an error: call again after a pause; it starts over at the first
    /// commit that the bus holds.
    pub async fn next_batch(&mut self) -> Result<Vec<ReceivedCommit>, BusError> {
        if self.source.is_none() {
            let source = self.open_source().await?;
            self.source = Some(source);
        }
        let mut losses = self.connection.losses.clone();
        let source = self.source.as_mut().expect("opened above");
        let losses_at_start = source.losses_at_start;
        let chunk = tokio::select! {
            chunk = source.messages.next() => chunk,
            _ = losses.wait_for(|count| *count != losses_at_start) => {
                self.source = None;
                return Err(BusError::JetStream("the connection to NATS was lost".to_owned()));
            }
        };
        let Some(chunk) = chunk else {
            self.source = None;
            return Err(BusError::JetStream(
                "the bus ended the delivery of commits".to_owned(),
            ));
        };
        let mut commits = Vec::new();
        for message in chunk {
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    self.source = None;
                    return if commits.is_empty() {
                        Err(BusError::JetStream(error.to_string()))
                    } else {
                        Ok(commits)
                    };
                }
            };
            match message.info() {
                Ok(info) => source.last_sequence = info.stream_sequence,
                Err(error) => {
                    tracing::warn!(%error, "a bus message without JetStream's reply subject")
                }
            }
            if message.subject.as_str() == PROBE_SUBJECT {
                continue;
            }
            match decode(&message.subject, &message.payload) {
                Ok(commit) => commits.push(commit),
                Err(reason) => {
                    tracing::warn!(subject = %message.subject, reason, "a message on the bus is no commit and was left out");
                }
            }
        }
        Ok(commits)
    }

    /// Tells the waiting services what became of their commits, one message for each service.
    pub async fn send_outcomes(
        &mut self,
        outcomes: impl IntoIterator<Item = (ReceivedCommit, CommitResult)>,
        recorded_position: Option<Position>,
    ) {
        let mut by_subject: BTreeMap<String, Vec<wire::Outcome>> = BTreeMap::new();
        for (received, result) in outcomes {
            if received.outcome_subject.is_empty() {
                continue;
            }
            use wire::outcome::Result as Outcome;
            let result = match result {
                CommitResult::Recorded(position) => Outcome::RecordedPosition(position.0),
                CommitResult::Conflict { actual_revision } => {
                    Outcome::ActualRevision(actual_revision)
                }
                CommitResult::Unavailable(reason) => Outcome::Failed(reason.to_string()),
            };
            by_subject
                .entry(received.outcome_subject)
                .or_default()
                .push(wire::Outcome {
                    commit_number: received.commit_number,
                    result: Some(result),
                });
        }
        for (subject, outcomes) in by_subject {
            let payload = wire::OutcomesV1 {
                outcomes,
                recorded_position: recorded_position.map_or(0, |position| position.0),
            }
            .encode_to_vec();
            // A lost outcome costs its caller a timeout and a harmless second try.
            if let Err(error) = self
                .connection
                .client
                .publish(subject, payload.into())
                .await
            {
                tracing::warn!(%error, "outcomes could not be sent");
            }
        }
    }

    /// Whether commits are being delivered; otherwise the next call of [`CommitConsumer::next_batch`] starts over.
    pub fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Removes from the bus what was handled, and looks whether it is still the same bus.
    ///
    /// A stream made at another time, or one whose last sequence is before what was already seen, is another
    /// incarnation: everything it holds is read again.
    pub async fn tidy(&mut self) -> Result<(), BusError> {
        let losses = *self.connection.losses.borrow();
        let Some(source) = self.source.as_mut() else {
            return Ok(());
        };
        if losses != source.losses_at_start {
            // Sequences may stand for other commits by now: nothing may be removed by what they were before.
            self.source = None;
            return Ok(());
        }
        if source.last_sequence > source.purged_through {
            source
                .stream
                .purge()
                .sequence(source.last_sequence + 1)
                .await
                .map_err(|error| BusError::JetStream(error.to_string()))?;
            source.purged_through = source.last_sequence;
        }
        let info = source
            .stream
            .get_info()
            .await
            .map_err(|error| BusError::JetStream(error.to_string()));
        let same_bus = match &info {
            Ok(info) => {
                info.created.to_string() == source.created
                    && info.state.last_sequence >= source.last_sequence
            }
            Err(_) => false,
        };
        if !same_bus {
            tracing::warn!(
                "the bus is another incarnation than before; reading again all that it holds"
            );
            self.source = None;
        }
        info.map(|_| ())
    }
}

fn decode(subject: &str, payload: &bytes::Bytes) -> Result<ReceivedCommit, &'static str> {
    let commit = wire::CommitV1::decode(payload.clone()).map_err(|_| "not a CommitV1")?;
    let stream = StreamName::parse(commit.stream).map_err(|_| "its stream has no valid name")?;
    if stream.subject() != subject {
        return Err("its stream belongs to another subject");
    }
    let mut events = Vec::with_capacity(commit.events.len());
    for event in commit.events {
        events.push(ProposedEvent {
            id: Uuid::from_slice(&event.id).map_err(|_| "an event id is not 16 bytes")?,
            event_type: event.r#type.into(),
            content_type: ContentType::Binary,
            data: event.data,
            metadata: event.metadata,
        });
    }
    Ok(ReceivedCommit {
        commit: ProposedCommit {
            stream: stream.shared(),
            expected_revision: commit.expected_revision,
            events,
        },
        outcome_subject: commit.outcome_subject,
        commit_number: commit.commit_number,
    })
}
