use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use terrarium_eventlog::{AppendError as LogError, LogWriter};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::active::{ActiveIndex, IndexedCommit};
use crate::clock::RecordingClock;
use crate::decide::{Decision, Group};
use crate::encoding::EVENT_FIXED_BYTES;
use crate::error::AppendError;
use crate::event::{ExpectedRevision, Position, ProposedEvent, Written};
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
pub(crate) struct Writer {
    pub log: LogWriter,
    pub contents: Arc<Contents>,
    pub queue: mpsc::Receiver<Request>,
    pub closing: Arc<AtomicBool>,
    pub fsyncs: Arc<AtomicU64>,
    pub last_position: watch::Sender<Option<Position>>,
    pub recent: RecentEvents,
    pub clock: RecordingClock,
}

impl Writer {
    /// Works until the store is closed and the queue is empty.
    pub fn run(mut self) {
        self.seal_if_full();
        while !self.closing.load(Ordering::Acquire) {
            let Some(request) = self.queue.blocking_recv() else {
                return;
            };
            self.write_group(request);
        }
        self.queue.close();
        while let Ok(request) = self.queue.try_recv() {
            self.write_group(request);
        }
    }

    /// Carries out `first` and whatever is queued behind it, with one fsync.
    fn write_group(&mut self, first: Request) {
        let mut group = Group::new(self.clock.now());
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            if let Request::Write {
                operations,
                answer,
                room,
            } = request
            {
                let decisions: Vec<Decision> = operations
                    .into_iter()
                    .map(|operation| {
                        group.decide(&mut self.log, &self.contents, &mut self.recent, operation)
                    })
                    .collect();
                drop(room);
                answers.push((answer, decisions));
            }
            next = if self.log.staged_bytes() < GROUP_BYTES {
                self.queue.try_recv().ok()
            } else {
                None
            };
        }
        let written = self.log.flush();
        self.fsyncs.store(self.log.syncs(), Ordering::Relaxed);
        match &written {
            Ok(_) => {
                self.recent.settle();
                self.publish(&group);
            }
            Err(error) => {
                log_write_error(error);
                self.recent.undo();
            }
        }
        let failure = written.err().map(append_error);
        for (answer, decisions) in answers {
            let results = decisions
                .into_iter()
                .map(|decision| decision.settle(failure.as_ref()))
                .collect();
            // Whoever asked may have stopped waiting; the commits are durable all the same.
            let _ = answer.send(results);
        }
        self.log.hash_flushed();
        self.seal_if_full();
    }

    /// Seals a segment that is full, with its index.
    fn seal_if_full(&mut self) {
        if self.contents.index().active.names() >= MOST_ACTIVE_NAMES {
            self.log.fill_up();
        }
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
    fn publish(&self, group: &Group) {
        let staged = group.staged();
        if staged.is_empty() {
            return;
        }
        let end_of_log = self.log.durable_bytes();
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
                recorded: group.recorded(),
                begin: commit.commit_position,
                end,
                last_position: *last.expect("what is staged has an event"),
                retention: commit.retention,
            };
            index.active.add(&indexed, &commit.events);
        }
        let last_position = index.last_position();
        drop(index);
        self.last_position.send_replace(last_position);
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
