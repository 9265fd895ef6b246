//! The desk of a service: loads aggregates, decides, publishes, and waits until the decision is recorded.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use terrarium_eventstore::{ContentType, Position, ProposedCommit, ProposedEvent};
use terrarium_model::UnixMillis;
use tokio::sync::Mutex as AsyncMutex;

use crate::aggregate::{Aggregate, EncodedEvent};
use crate::bus::{CommitPublisher, CommitResult, CommitTicket, PublishError};
use crate::clocks::{RecordingTime, recorded_time};
use crate::due::Deadlines;
use crate::envelope::{Digest, Metadata, seal};
use crate::provenance::Provenance;
use crate::settings::Settings;
use crate::store::{EventStore, ReadError};
use crate::stream::StreamName;

/// Events of one commit at most.
const COMMIT_MAX_EVENTS: usize = 1_000;
/// Payload and metadata bytes of one commit at most, unless a single decision is larger.
const COMMIT_TARGET_BYTES: usize = 512 << 10;
/// Aggregates kept in memory; beyond it the least recently used ones are dropped and read again when needed.
const AGGREGATES_IN_MEMORY: usize = 10_000;
/// A decision is made again this often when the stream turned out to have moved on.
const CONFLICT_RETRIES: u32 = 16;
const CONFLICT_PAUSE: Duration = Duration::from_micros(500);
const LOAD_PAGE_EVENTS: usize = 2_000;
/// An aggregate that was asked about its far past keeps all of it for this many submissions more: late data seldom comes alone.
const WHOLE_FOR_SUBMISSIONS: u32 = 64;

/// Commands for one aggregate, to be decided in order.
pub struct Submission<A: Aggregate> {
    /// The aggregate's stream.
    pub stream: StreamName,
    /// What is asked for.
    pub commands: Vec<A::Command>,
    /// What the decision needs beside the aggregate's past.
    pub context: A::Context,
    /// The park's time of the decision.
    pub recorded_time: RecordingTime,
    /// Who asks.
    pub provenance: Provenance,
}

/// The new events of one command (none: it was so already), or why it is not carried out.
pub type CommandResult<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Rejection>;

/// Why a submission has no certain result. Sending it again is harmless.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// Bus or store do not answer, or refuse for now.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// Others kept changing the same aggregate.
    #[error(
        "\"{stream}\" was changed by others at the same time, {CONFLICT_RETRIES} times in a row; send again"
    )]
    Contended {
        /// Stream of the aggregate.
        stream: String,
    },
    /// One decision makes more events than fit into a commit. Sending it again does not help.
    #[error(
        "the decision makes a commit of {bytes} bytes, but at most {most} fit on the bus; send less at once"
    )]
    TooLarge {
        /// Bytes of the commit.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// The record itself can't be used.
    #[error("the events of \"{stream}\" can't be read: {reason}")]
    Unreadable {
        /// Stream of the aggregate.
        stream: String,
        /// What is wrong.
        reason: String,
    },
}

/// The loop around all aggregates of one kind.
pub struct Desk<A: Aggregate> {
    store: Arc<dyn EventStore>,
    publisher: CommitPublisher,
    source: String,
    slots: Mutex<HashMap<StreamName, Arc<Slot<A>>>>,
    uses: AtomicU64,
    deadlines: Mutex<Deadlines>,
}

struct Slot<A: Aggregate> {
    last_used: AtomicU64,
    state: AsyncMutex<SlotState<A>>,
}

struct SlotState<A: Aggregate> {
    /// Taken out while a decision is on its way to the bus, and put back when it is there: a caller who gives up in
    /// between leaves nothing, not a state with events that were never sent.
    loaded: Option<Loaded<A>>,
    /// Grows with each loading, so that of several failures of one state only the first throws it away.
    generation: u64,
    /// The last published commit: what is decided rests on it.
    tail: Option<CommitTicket>,
    /// Submissions for which it does not let go of its far past.
    whole_for: u32,
}

/// An aggregate as it will be when all published commits are recorded.
struct Loaded<A: Aggregate> {
    aggregate: A,
    revision: u64,
    digest: Digest,
    /// When the newest event was recorded.
    newest: Option<UnixMillis>,
    settings: Settings,
    /// Of the last event that was read from the record: what was there already lies at or before it.
    read_until: Option<Position>,
}

/// Decided and published, not yet known to be recorded.
pub struct Pending<A: Aggregate> {
    desk: Arc<Desk<A>>,
    submission: Submission<A>,
    decided: Decided<A>,
}

/// How much of its past an aggregate is loaded with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Past {
    /// What decisions about the present need.
    Newest,
    Whole,
}

struct Decided<A: Aggregate> {
    results: Vec<CommandResult<A>>,
    tickets: Vec<CommitTicket>,
    read_until: Option<Position>,
    generation: u64,
}

impl<A: Aggregate> Desk<A> {
    /// A desk over a store and a bus.
    pub fn new(store: Arc<dyn EventStore>, publisher: CommitPublisher) -> Arc<Desk<A>> {
        Arc::new(Desk {
            store,
            publisher,
            source: format!("/terrarium/{}", A::DOMAIN),
            slots: Mutex::new(HashMap::new()),
            uses: AtomicU64::new(0),
            deadlines: Mutex::new(Deadlines::default()),
        })
    }

    /// Decides about commands and publishes the decision; submissions to one aggregate keep the order of these calls.
    pub async fn submit(
        self: &Arc<Self>,
        submission: Submission<A>,
    ) -> Result<Pending<A>, SubmitError> {
        let decided = self.decide_and_publish(&submission).await?;
        Ok(Pending {
            desk: Arc::clone(self),
            submission,
            decided,
        })
    }

    /// Looks at an aggregate as it is now.
    pub async fn look<R>(
        &self,
        stream: &StreamName,
        look: impl FnOnce(&A) -> R,
    ) -> Result<R, SubmitError> {
        let slot = self.slot(stream);
        let mut state = slot.state.lock().await;
        let loaded = self.loaded(stream, &mut state).await?;
        Ok(look(&loaded.aggregate))
    }

    pub(crate) fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    pub(crate) fn deadlines(&self) -> std::sync::MutexGuard<'_, Deadlines> {
        self.deadlines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, stream: &StreamName) -> Arc<Slot<A>> {
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(stream) {
            slot.last_used.store(now, Ordering::Relaxed);
            return Arc::clone(slot);
        }
        if slots.len() >= AGGREGATES_IN_MEMORY {
            let mut ages: Vec<u64> = slots
                .values()
                .map(|slot| slot.last_used.load(Ordering::Relaxed))
                .collect();
            ages.sort_unstable();
            let oldest_kept = ages[ages.len() / 2];
            slots.retain(|_, slot| {
                slot.last_used.load(Ordering::Relaxed) >= oldest_kept || Arc::strong_count(slot) > 1
            });
        }
        let slot = Arc::new(Slot {
            last_used: AtomicU64::new(now),
            state: AsyncMutex::new(SlotState {
                loaded: None,
                generation: 0,
                tail: None,
                whole_for: 0,
            }),
        });
        slots.insert(stream.clone(), Arc::clone(&slot));
        slot
    }

    async fn loaded<'a>(
        &self,
        stream: &StreamName,
        state: &'a mut SlotState<A>,
    ) -> Result<&'a mut Loaded<A>, SubmitError> {
        if state.loaded.is_none() {
            let loaded = self.load(stream, Past::Newest).await?;
            self.deadlines().note(stream, loaded.aggregate.due());
            state.loaded = Some(loaded);
            state.generation += 1;
        }
        Ok(state.loaded.as_mut().expect("loaded above"))
    }

    /// Reads the whole past, also what was let go of. What was decided before is on record first.
    async fn load_whole(
        &self,
        stream: &StreamName,
        state: &mut SlotState<A>,
    ) -> Result<(), SubmitError> {
        if let Some(tail) = state.tail.clone() {
            // Whoever waits for it is told how it came out; here it only has to be over.
            let _ = tail.await;
        }
        state.loaded = Some(self.load(stream, Past::Whole).await?);
        state.generation += 1;
        Ok(())
    }

    async fn load(&self, stream: &StreamName, past: Past) -> Result<Loaded<A>, SubmitError> {
        let unreadable = |reason: String| SubmitError::Unreadable {
            stream: stream.to_string(),
            reason,
        };
        let mut loaded = Loaded {
            aggregate: A::new(),
            revision: 0,
            digest: Digest::BEFORE_FIRST,
            newest: None,
            settings: Settings::default(),
            read_until: None,
        };
        loop {
            let events = self
                .store
                .read_stream(stream.as_str(), loaded.revision, LOAD_PAGE_EVENTS)
                .await
                .map_err(|error| match error {
                    ReadError::Unavailable(reason) => SubmitError::Unavailable(reason.into()),
                    error => unreadable(error.to_string()),
                })?;
            let Some(last) = events.last() else {
                return Ok(loaded);
            };
            loaded.digest = Digest::of_metadata(&last.metadata)
                .map_err(|error| unreadable(error.to_string()))?;
            loaded.revision = last.revision + 1;
            loaded.read_until = Some(last.position);
            loaded.newest = recorded_time(last).max(loaded.newest);
            for recorded in &events {
                let event = A::decode(recorded.id, &recorded.event_type, &recorded.data)
                    .map_err(|error| unreadable(error.to_string()))?;
                loaded.aggregate.evolve(&event);
                let setting = A::sets(&event);
                if setting.is_some() {
                    let metadata = Metadata::parse(&recorded.metadata)
                        .map_err(|error| unreadable(error.to_string()))?;
                    let request_id = metadata.correlationid.as_deref();
                    loaded.settings.remember(request_id, setting);
                }
            }
            if past == Past::Newest {
                loaded.aggregate.forget_old();
            }
        }
    }

    async fn decide_and_publish(
        &self,
        submission: &Submission<A>,
    ) -> Result<Decided<A>, SubmitError> {
        let slot = self.slot(&submission.stream);
        let mut state = slot.state.lock().await;
        let aggregate = &self.loaded(&submission.stream, &mut state).await?.aggregate;
        let commands = &submission.commands;
        if commands
            .iter()
            .any(|command| aggregate.needs_forgotten(command))
        {
            self.load_whole(&submission.stream, &mut state).await?;
            state.whole_for = WHOLE_FOR_SUBMISSIONS;
        }
        let generation = state.generation;
        let mut loaded = state.loaded.take().expect("loaded above");

        let mut results = Vec::with_capacity(submission.commands.len());
        let mut commits = Vec::new();
        let mut open = OpenCommit::new(submission, loaded.revision);
        let request_id = submission.provenance.client_request_id.as_deref();
        for command in &submission.commands {
            let asked = A::asks_to_set(command);
            let decision = match loaded.settings.has_set(request_id, asked) {
                true => Ok(Vec::new()),
                false => loaded.aggregate.decide(&submission.context, command),
            };
            if let Ok(events) = &decision {
                let encoded: Vec<EncodedEvent> = events.iter().map(A::encode).collect();
                if !open.has_room_for(&encoded) {
                    let next_revision = open.next_revision();
                    commits.push(std::mem::replace(
                        &mut open,
                        OpenCommit::new(submission, next_revision),
                    ));
                }
                // What follows from a report can't be known before it.
                let known_at = encoded.iter().filter_map(|event| event.known_at).max();
                let recorded_time = submission.recorded_time.of(known_at, loaded.newest);
                if !events.is_empty() {
                    loaded.newest = loaded.newest.max(Some(recorded_time));
                }
                for (event, encoded) in events.iter().zip(encoded) {
                    loaded.aggregate.evolve(event);
                    loaded.settings.remember(request_id, A::sets(event));
                    loaded.digest = open.add(encoded, recorded_time, &loaded.digest, &self.source);
                }
            }
            results.push(decision);
        }
        commits.push(open);
        loaded.revision = commits
            .last()
            .map_or(loaded.revision, OpenCommit::next_revision);

        let mut tickets: Vec<CommitTicket> = Vec::new();
        for commit in commits {
            if commit.events.is_empty() {
                continue;
            }
            let proposed = ProposedCommit {
                stream: submission.stream.shared(),
                expected_revision: commit.expected_revision,
                events: commit.events,
            };
            let traceparent = submission.provenance.traceparent.as_deref();
            match self
                .publisher
                .publish(&submission.stream, proposed, traceparent)
                .await
            {
                Ok(ticket) => tickets.push(ticket),
                Err(error) => {
                    state.forget();
                    self.deadlines().doubt(&submission.stream);
                    return Err(error.into());
                }
            }
        }
        self.deadlines()
            .note(&submission.stream, loaded.aggregate.due());
        match state.whole_for.checked_sub(1) {
            Some(left) => state.whole_for = left,
            None => loaded.aggregate.forget_old(),
        }
        let read_until = loaded.read_until;
        state.loaded = Some(loaded);
        if let Some(last) = tickets.last() {
            state.tail = Some(last.clone());
        } else if let Some(tail) = &state.tail {
            // "It was so already" may rest on a commit that is still on its way.
            tickets.push(tail.clone());
        }
        Ok(Decided {
            results,
            tickets,
            read_until,
            generation,
        })
    }

    async fn forget(&self, stream: &StreamName, generation: u64) {
        let slot = self.slot(stream);
        let mut state = slot.state.lock().await;
        if state.generation == generation {
            state.forget();
            self.deadlines().doubt(stream);
        }
    }
}

impl<A: Aggregate> SlotState<A> {
    fn forget(&mut self) {
        self.loaded = None;
        self.tail = None;
    }
}

impl From<PublishError> for SubmitError {
    fn from(error: PublishError) -> SubmitError {
        match error {
            PublishError::Unavailable(reason) => SubmitError::Unavailable(reason),
            PublishError::TooLarge { bytes, most } => SubmitError::TooLarge { bytes, most },
        }
    }
}

impl<A: Aggregate> Pending<A> {
    /// Waits until the decision is on disk; decides again when someone else was quicker.
    ///
    /// Gives one result for each command, in order, and a position that covers all they rest on.
    pub async fn recorded(
        mut self,
    ) -> Result<(Vec<CommandResult<A>>, Option<Position>), SubmitError> {
        let stream = self.submission.stream.clone();
        let mut conflicts = 0;
        loop {
            // Not the end that the store has told of: a remote store may have read further than that.
            let mut position = self.decided.read_until;
            let mut conflict = false;
            for ticket in std::mem::take(&mut self.decided.tickets) {
                match ticket.await {
                    CommitResult::Recorded(recorded) => position = position.max(Some(recorded)),
                    CommitResult::Conflict { .. } => conflict = true,
                    CommitResult::Unavailable(reason) => {
                        self.desk.forget(&stream, self.decided.generation).await;
                        return Err(SubmitError::Unavailable(reason));
                    }
                }
            }
            if !conflict {
                return Ok((self.decided.results, position));
            }
            self.desk.forget(&stream, self.decided.generation).await;
            conflicts += 1;
            if conflicts > CONFLICT_RETRIES {
                return Err(SubmitError::Contended {
                    stream: stream.to_string(),
                });
            }
            // Whoever keeps losing gives way a little, so that not all try again in step.
            tokio::time::sleep(CONFLICT_PAUSE * conflicts).await;
            self.decided = self.desk.decide_and_publish(&self.submission).await?;
        }
    }
}

struct OpenCommit<'a> {
    stream: &'a StreamName,
    provenance: &'a Provenance,
    expected_revision: u64,
    events: Vec<ProposedEvent>,
    bytes: usize,
}

impl<'a> OpenCommit<'a> {
    fn new<A: Aggregate>(submission: &'a Submission<A>, expected_revision: u64) -> OpenCommit<'a> {
        OpenCommit {
            stream: &submission.stream,
            provenance: &submission.provenance,
            expected_revision,
            events: Vec::new(),
            bytes: 0,
        }
    }

    fn next_revision(&self) -> u64 {
        self.expected_revision + self.events.len() as u64
    }

    fn has_room_for(&self, events: &[EncodedEvent]) -> bool {
        self.events.is_empty()
            || (self.events.len() + events.len() <= COMMIT_MAX_EVENTS
                && self.bytes + events.iter().map(|event| event.data.len()).sum::<usize>()
                    <= COMMIT_TARGET_BYTES)
    }

    fn add(
        &mut self,
        event: EncodedEvent,
        recorded_time: UnixMillis,
        previous: &Digest,
        source: &str,
    ) -> Digest {
        let metadata = Metadata {
            id: event.id.to_string(),
            source: source.to_owned(),
            specversion: "1.0".to_owned(),
            event_type: event.event_type.to_owned(),
            subject: self.stream.id().to_owned(),
            time: event.time,
            recordedtime: recorded_time.to_string(),
            schemaversion: 1,
            actor: self.provenance.actor.to_string(),
            correlationid: self
                .provenance
                .client_request_id
                .as_deref()
                .map(str::to_owned),
            causationid: event.causation.map(|id| id.to_string()),
            traceparent: self.provenance.traceparent.as_deref().map(str::to_owned),
        };
        let (metadata, digest) = seal(
            previous,
            self.stream.as_str(),
            self.next_revision(),
            event.id,
            event.event_type,
            &event.data,
            &metadata,
        );
        self.bytes += event.data.len() + metadata.len();
        self.events.push(ProposedEvent {
            id: event.id,
            event_type: event.event_type.into(),
            content_type: ContentType::Binary,
            data: event.data,
            metadata,
        });
        digest
    }
}
