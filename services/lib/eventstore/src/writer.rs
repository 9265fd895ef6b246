use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use terrarium_eventlog::{AppendError as LogError, Flushed, LogWriter};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::active::{ActiveIndex, IndexedCommit};
use crate::clock::RecordingClock;
use crate::decide::Deciding;
use crate::encoding::EVENT_FIXED_BYTES;
use crate::error::AppendError;
use crate::event::{ExpectedRevision, Position, ProposedEvent, Written};
use crate::group::{Decision, Group, Unsettled};
use crate::index::sealed_count;
use crate::read::Contents;
use crate::recent::RecentEvents;
use crate::table::build;

/// Requests that wait, at most, ...
pub(crate) const QUEUED_REQUESTS: usize = 1024;
/// ... and what they hold in memory; a full queue makes appenders wait.
pub(crate) const QUEUED_BYTES: u32 = 64 * 1024 * 1024;
/// A group is written once this much is staged, even if more is queued.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// The part of the last group's time that the next one waits for company, ...
const PATIENCE_PART: u32 = 4;
/// ... and at most.
const MOST_PATIENCE: Duration = Duration::from_millis(1);

/// A segment with so many streams, categories and types is sealed before it is full: opening puts each of them into memory,
/// which takes about 2 us a name.
const MOST_ACTIVE_NAMES: usize = 64 * 1024;

pub(crate) type WriteResults = Vec<Result<Written, AppendError>>;

/// What the writer is asked to do to one stream.
pub(crate) struct Operation {
    pub stream: Arc<str>,
    pub expected: Expected,
    pub change: Change,
}

pub(crate) enum Change {
    Append(Vec<ProposedEvent>),
    /// Events of another log, which holds all that was added to them.
    Restore(Vec<ProposedEvent>),
    /// Softly: the stream continues with the next append.
    Delete,
    /// For ever.
    Tombstone,
}

impl Operation {
    /// What its events take in memory, about.
    pub fn bytes(&self) -> usize {
        match &self.change {
            Change::Append(events) | Change::Restore(events) => events
                .iter()
                .map(|event| EVENT_FIXED_BYTES + event.data.len() + event.metadata.len())
                .sum(),
            Change::Delete | Change::Tombstone => 0,
        }
    }
}

/// What an operation expects of its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    /// As the protocol has it.
    Rule(ExpectedRevision),
    /// Exactly this many events, also when the stream was deleted softly.
    Count(u64),
}

pub(crate) enum Request {
    Write {
        operations: Vec<Operation>,
        answer: oneshot::Sender<WriteResults>,
        /// What it takes of the queue's room until its events are staged.
        room: OwnedSemaphorePermit,
    },
    /// Wakes the writer so that it sees the `closing` flag.
    Close,
}

/// The thread that appends: the only one that changes the log and the index.
///
/// Requests go through three steps in the order of the queue: they are decided and staged; all that was staged is written and
/// synced, with one fsync; they are published and answered. While one group is written the next one is staged.
pub(crate) struct Writer {
    pub log: LogWriter,
    pub contents: Arc<Contents>,
    pub queue: mpsc::Receiver<Request>,
    pub closing: Arc<AtomicBool>,
    pub fsyncs: Arc<AtomicU64>,
    pub last_position: watch::Sender<Option<Position>>,
    pub recent: RecentEvents,
    pub clock: RecordingClock,
    pub unsettled: Unsettled,
    /// Who waits for what is staged.
    pub asked: Vec<Asked>,
    pub last_group: LastGroup,
}

/// What the next group can expect.
#[derive(Default)]
pub(crate) struct LastGroup {
    requests: usize,
    /// Those who asked for it have their answers, and may have asked for more by then.
    company_until: Option<Instant>,
}

/// Whom to answer once it is known whether the group became durable.
pub(crate) struct Asked {
    answer: oneshot::Sender<WriteResults>,
    decisions: Vec<Decision>,
}

/// A group that another thread writes.
struct InFlight {
    asked: Vec<Asked>,
    begun: Instant,
    flushed: JoinHandle<Flushed>,
}

impl Writer {
    /// The writer's runtime: the thread that calls [`run`](Self::run), and one to write a group while the next is staged.
    pub fn runtime() -> io::Result<Runtime> {
        tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .thread_name("event-log-sync")
            .build()
    }

    /// Works until the store is closed and the queue is empty.
    pub async fn run(mut self) {
        let mut in_flight = None;
        loop {
            self.stage_queued();
            match in_flight.take() {
                None if self.asked.is_empty() => {
                    self.log.hash_flushed();
                    self.seal_if_full();
                    match self.queue.recv().await {
                        Some(request) => self.stage(request),
                        None => return,
                    }
                }
                None => {
                    self.wait_for_company();
                    in_flight = self.write_group();
                }
                Some(group) => in_flight = self.stage_beside(group).await,
            }
        }
    }

    fn stage_queued(&mut self) {
        if self.closing.load(Ordering::Acquire) {
            self.queue.close();
        }
        while self.takes_more() {
            match self.queue.try_recv() {
                Ok(request) => self.stage(request),
                Err(_) => return,
            }
        }
    }

    fn takes_more(&self) -> bool {
        self.log.staged_bytes() < GROUP_BYTES && !self.log.is_full()
    }

    fn stage(&mut self, request: Request) {
        let Request::Write {
            operations,
            answer,
            room,
        } = request
        else {
            // The flag may have been looked at before it was set.
            self.queue.close();
            return;
        };
        let mut deciding = Deciding {
            log: &mut self.log,
            contents: &self.contents,
            recent: &mut self.recent,
            unsettled: &mut self.unsettled,
            recorded: self.clock.now(),
        };
        let decide = |operation: Operation| deciding.decide(&operation);
        let decisions = operations.into_iter().map(decide).collect();
        drop(room);
        self.asked.push(Asked { answer, decisions });
    }

    /// Those who were answered with the last group ask again about now. A group that begins with the first of them would have the
    /// others wait for its sync and then for their own, so it waits for some, a small part of what a sync takes.
    fn wait_for_company(&mut self) {
        while self.asked.len() < self.last_group.requests / 2
            && self.takes_more()
            && let Some(until) = self.last_group.company_until
            && Instant::now() < until
        {
            std::thread::yield_now();
            self.stage_queued();
        }
    }

    /// Writes what is staged: a single request at once, more of them on another thread, because others will soon follow.
    fn write_group(&mut self) -> Option<InFlight> {
        let begun = Instant::now();
        let asked = std::mem::take(&mut self.asked);
        self.unsettled.in_flight = Some(std::mem::take(&mut self.unsettled.staging));
        let outcome = match self.log.begin_flush() {
            Ok(Some(flush)) if asked.len() > 1 => {
                let flushed = tokio::task::spawn_blocking(|| flush.run());
                return Some(InFlight {
                    asked,
                    begun,
                    flushed,
                });
            }
            Ok(Some(flush)) => self.log.finish_flush(flush.run()),
            Ok(None) => Ok(self.log.durable_bytes()),
            Err(error) => Err(error),
        };
        self.settle(asked, begun, outcome);
        None
    }

    /// Stages what comes until the group is written or the next one is full.
    async fn stage_beside(&mut self, mut group: InFlight) -> Option<InFlight> {
        self.log.hash_flushed();
        tokio::select! {
            biased;
            flushed = &mut group.flushed => {
                let outcome = self.log.finish_flush(flushed.expect("writing does not panic"));
                self.settle(group.asked, group.begun, outcome);
                None
            }
            Some(request) = self.queue.recv(), if self.takes_more() => {
                self.stage(request);
                Some(group)
            }
        }
    }

    /// Publishes the group that was in flight and answers who asked for it.
    ///
    /// When it did not become durable, what was staged since rests on what is not there: it fails with it.
    fn settle(&mut self, mut asked: Vec<Asked>, begun: Instant, outcome: Result<u64, LogError>) {
        let group = self.unsettled.in_flight.take().unwrap_or_default();
        self.last_group.requests = asked.len();
        let patience = (begun.elapsed() / PATIENCE_PART).min(MOST_PATIENCE);
        self.fsyncs.store(self.log.syncs(), Ordering::Relaxed);
        match &outcome {
            Ok(end) => {
                self.recent.settle(*end);
                self.publish(&group, *end);
            }
            Err(error) => {
                log_write_error(error);
                self.recent.undo();
                self.unsettled.staging = Group::default();
                asked.append(&mut self.asked);
            }
        }
        let failure = outcome.err().map(append_error);
        for Asked { answer, decisions } in asked {
            let results = decisions
                .into_iter()
                .map(|decision| decision.settle(failure.as_ref()))
                .collect();
            // Whoever asked may have stopped waiting; the commits are durable all the same.
            let _ = answer.send(results);
        }
        self.last_group.company_until = Some(Instant::now() + patience);
    }

    /// Seals a segment that is full, with its index.
    fn seal_if_full(&mut self) {
        if !self.log.is_full() {
            return;
        }
        let (table, totals, last) = {
            let index = self.contents.index();
            let table = build(&index.active, index.before, |kind, name, list| {
                match list.first_revision {
                    Some(first) => Ok(first),
                    None => sealed_count(&index.sealed, kind, name),
                }
            });
            (table, index.totals(), index.last_position())
        };
        let table = match table {
            Ok(table) => table,
            Err(error) => {
                tracing::error!(error = %error, "the segment can't be sealed");
                self.log.postpone_seal(error.to_string());
                return;
            }
        };
        let sealed = match self.log.seal(&table) {
            Ok(sealed) => sealed,
            Err(error) => return log_write_error(&error),
        };
        let mut index = self
            .contents
            .index
            .write()
            .expect("no one panics holding the index");
        index.sealed = Arc::new(index.sealed.with(&sealed));
        index.active = ActiveIndex::new(sealed.end());
        index.before = totals;
        index.last_before = last;
    }

    /// Makes durable commits readable.
    fn publish(&mut self, group: &Group, end_of_log: u64) {
        let staged = &group.staged;
        if staged.is_empty() {
            return;
        }
        let mut index = self
            .contents
            .index
            .write()
            .expect("no one panics holding the index");
        for (number, commit) in staged.iter().enumerate() {
            let end = staged
                .get(number + 1)
                .map_or(end_of_log, |next| next.commit_position);
            let last = commit.event_positions.last();
            let indexed = IndexedCommit {
                stream: &commit.stream,
                is_tombstone: commit.is_tombstone,
                first_revision: commit.first_revision,
                recorded: commit.recorded,
                begin: commit.commit_position,
                end,
                last_position: *last.expect("what is staged has an event"),
                retention: commit.retention,
            };
            index.active.add(&indexed, &commit.events);
        }
        let last_position = index.last_position();
        let names = index.active.names();
        drop(index);
        self.last_position.send_replace(last_position);
        if names >= MOST_ACTIVE_NAMES {
            self.log.fill_up();
        }
    }
}

fn log_write_error(error: &LogError) {
    match error {
        LogError::StorageFull { .. } | LogError::LowDisk { .. } => {
            tracing::warn!(error = %error, "no space for events")
        }
        LogError::Overgrown { .. } | LogError::Failed { .. } => {
            tracing::error!(error = %error, "the event log failed")
        }
    }
}

fn append_error(error: LogError) -> AppendError {
    match error {
        LogError::StorageFull { .. } | LogError::LowDisk { .. } => {
            AppendError::StorageFull(error.to_string())
        }
        LogError::Overgrown { .. } | LogError::Failed { .. } => {
            AppendError::Failed(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
