use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use terrarium_eventlog::{AppendError as LogError, LogWriter};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::encoding::{check_limits, encode_commit};
use crate::error::AppendError;
use crate::event::{Appended, Position, ProposedCommit};
use crate::read::Contents;

/// Requests that wait, at most; a full queue makes appenders wait.
pub(crate) const QUEUED_REQUESTS: usize = 1024;
/// A group is written once this much is staged, even if more is queued.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

pub(crate) type AppendResults = Vec<Result<Appended, AppendError>>;

pub(crate) enum Request {
    Append {
        commits: Vec<ProposedCommit>,
        answer: oneshot::Sender<AppendResults>,
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
}

impl Writer {
    /// Works until the store is closed and the queue is empty.
    pub fn run(mut self) {
        while !self.closing.load(Ordering::Acquire) {
            let Some(request) = self.queue.blocking_recv() else {
                return;
            };
            self.append_group(request);
        }
        self.queue.close();
        while let Ok(request) = self.queue.try_recv() {
            self.append_group(request);
        }
    }

    /// Appends `first` and whatever is queued behind it, with one fsync.
    fn append_group(&mut self, first: Request) {
        let mut group = Group::default();
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            if let Request::Append { commits, answer } = request {
                let decisions: Vec<Decision> = commits
                    .into_iter()
                    .map(|commit| group.decide(&mut self.log, &self.contents, commit))
                    .collect();
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
            Ok(_) => self.publish(&group),
            Err(error) => log_write_error(error),
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
    }

    /// Makes durable commits readable.
    fn publish(&self, group: &Group) {
        if group.staged.is_empty() {
            return;
        }
        let end_of_log = self.log.durable_bytes();
        let mut index = self
            .contents
            .index
            .write()
            .expect("no one panics holding the index");
        for (number, commit) in group.staged.iter().enumerate() {
            let end = group
                .staged
                .get(number + 1)
                .map_or(end_of_log, |next| next.commit_position);
            index.add(
                &commit.stream,
                commit.commit_position,
                &commit.event_positions,
                end,
            );
        }
        let last_position = index.last_position();
        drop(index);
        self.last_position.send_replace(last_position);
    }
}

fn log_write_error(error: &LogError) {
    match error {
        LogError::StorageFull { .. } => tracing::warn!(error = %error, "no space for events"),
        LogError::Failed { .. } => tracing::error!(error = %error, "the event log failed"),
    }
}

fn append_error(error: LogError) -> AppendError {
    match error {
        LogError::StorageFull { .. } => AppendError::StorageFull(error.to_string()),
        LogError::Failed { .. } => AppendError::Failed(error.to_string()),
    }
}

/// An answer, and whether it rests on commits that are not yet durable.
struct Decision {
    result: Result<Appended, AppendError>,
    rests_on_group: bool,
}

impl Decision {
    /// What is answered once it is known whether the group became durable.
    fn settle(self, failure: Option<&AppendError>) -> Result<Appended, AppendError> {
        match failure {
            Some(failure) if self.rests_on_group => Err(failure.clone()),
            _ => self.result,
        }
    }
}

/// Commits staged for one fsync.
#[derive(Default)]
struct Group {
    staged: Vec<StagedCommit>,
    /// The staged end of each stream that has one.
    tails: HashMap<Arc<str>, StagedTail>,
}

struct StagedCommit {
    stream: Arc<str>,
    commit_position: u64,
    event_positions: Vec<u64>,
}

/// Events of a stream that are staged but not yet durable.
struct StagedTail {
    first_revision: u64,
    events: Vec<(Uuid, Position)>,
}

impl StagedTail {
    fn next_revision(&self) -> u64 {
        self.first_revision + self.events.len() as u64
    }
}

impl Group {
    fn decide(
        &mut self,
        log: &mut LogWriter,
        contents: &Contents,
        commit: ProposedCommit,
    ) -> Decision {
        if let Err(error) = check_limits(&commit.stream, &commit.events) {
            return Decision {
                result: Err(error),
                rests_on_group: false,
            };
        }
        let tail = self.tails.get(&commit.stream);
        let actual = tail.map_or_else(
            || contents.stream_revision(&commit.stream),
            StagedTail::next_revision,
        );
        if commit.expected_revision == actual {
            let appended = self.stage(log, contents, &commit);
            return Decision {
                result: Ok(appended),
                rests_on_group: true,
            };
        }
        let rests_on_group = tail.is_some();
        let result = match find_same_events(contents, tail, &commit, actual) {
            Ok(Some(last_position)) => Ok(Appended {
                last_position,
                next_revision: commit.expected_revision + commit.events.len() as u64,
                already_there: true,
            }),
            Ok(None) => Err(AppendError::WrongExpectedRevision { actual }),
            Err(error) => Err(error),
        };
        Decision {
            result,
            rests_on_group,
        }
    }

    fn stage(
        &mut self,
        log: &mut LogWriter,
        contents: &Contents,
        commit: &ProposedCommit,
    ) -> Appended {
        let stream = contents.names.intern(&commit.stream);
        let mut offsets = Vec::new();
        let frame = log.stage(|buffer| {
            offsets = encode_commit(
                buffer,
                &commit.stream,
                commit.expected_revision,
                &commit.events,
            );
        });
        let event_positions: Vec<u64> = offsets
            .iter()
            .map(|offset| frame.body_position + *offset as u64)
            .collect();
        let last_position = Position(
            *event_positions
                .last()
                .expect("a checked commit has an event"),
        );
        let tail = self
            .tails
            .entry(stream.clone())
            .or_insert_with(|| StagedTail {
                first_revision: commit.expected_revision,
                events: Vec::new(),
            });
        let ids = commit.events.iter().map(|event| event.id);
        tail.events
            .extend(ids.zip(event_positions.iter().copied().map(Position)));
        let next_revision = tail.next_revision();
        self.staged.push(StagedCommit {
            stream,
            commit_position: frame.position,
            event_positions,
        });
        Appended {
            last_position,
            next_revision,
            already_there: false,
        }
    }
}

/// The position of the commit's last event if the stream already holds exactly these events at the expected revision.
fn find_same_events(
    contents: &Contents,
    tail: Option<&StagedTail>,
    commit: &ProposedCommit,
    actual: u64,
) -> Result<Option<Position>, AppendError> {
    let count = commit.events.len() as u64;
    let fits = commit
        .expected_revision
        .checked_add(count)
        .is_some_and(|until| until <= actual);
    if !fits {
        return Ok(None);
    }
    let mut there: Vec<(Uuid, Position)> = contents
        .read_stream(
            &commit.stream,
            commit.expected_revision,
            commit.events.len(),
        )
        .map_err(|error| AppendError::Failed(error.to_string()))?
        .into_iter()
        .map(|event| (event.id, event.position))
        .collect();
    if let Some(tail) = tail {
        let first = commit.expected_revision.saturating_sub(tail.first_revision) as usize;
        let missing = commit.events.len() - there.len();
        there.extend(tail.events.iter().skip(first).take(missing).copied());
    }
    let same = commit
        .events
        .iter()
        .map(|event| event.id)
        .eq(there.iter().map(|(id, _)| *id));
    Ok(there.last().filter(|_| same).map(|(_, position)| *position))
}
