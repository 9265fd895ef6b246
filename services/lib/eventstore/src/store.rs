use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use terrarium_eventlog::{Copied, FolderLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::all_page::AllCursor;
use crate::backup::CopyError;
use crate::clock::Clock;
use crate::error::{AppendError, ReadError};
use crate::event::{
    Append, Appended, ExpectedRevision, Position, ProposedCommit, ProposedEvent, RecordedEvent,
    Statistics, Written,
};
use crate::filter::Filter;
use crate::page::{Direction, PageLimit, StreamPage};
use crate::pending::Pending;
use crate::read::Contents;
use crate::replay::Replay;
use crate::subscribe::{AllSubscription, StreamSubscription};
use crate::walk::Walk;
use crate::writer::{Change, Expected, Operation, QUEUED_BYTES, Request};

/// Folder of the log inside the data folder.
pub(crate) const LOG_FOLDER: &str = "log";

/// A store that is open. Clones are handles of the same store; it closes when the last one is dropped.
///
/// Reading is synchronous and usually answered from the page cache; a caller that reads much wraps it in `spawn_blocking`.
#[derive(Clone)]
pub struct EventStore {
    open: Arc<OpenStore>,
}

pub(crate) struct OpenStore {
    pub log_folder: PathBuf,
    pub contents: Arc<Contents>,
    pub requests: mpsc::Sender<Request>,
    /// A permit for each byte that may still be queued.
    pub room: Arc<Semaphore>,
    pub closing: Arc<AtomicBool>,
    pub fsyncs: Arc<AtomicU64>,
    pub last_position: watch::Receiver<Option<Position>>,
    pub clock: Clock,
    /// Taken by the first to close: the thread is waited for, then the folder is free.
    pub running: Mutex<Option<(JoinHandle<()>, FolderLock)>>,
}

impl EventStore {
    pub(crate) fn of(open: OpenStore) -> EventStore {
        EventStore {
            open: Arc::new(open),
        }
    }

    /// Appends commits, each whole or not at all; the results are in the order of the commits.
    ///
    /// All of one call share one fsync, usually with other calls. A commit may expect what an earlier one of the
    /// same call leads to. A caller that stops waiting does not stop the append.
    pub async fn append(&self, commits: Vec<ProposedCommit>) -> Vec<Result<Appended, AppendError>> {
        self.append_as(commits, Change::Append).await
    }

    /// [`append`](Self::append) of what another log held: no metadata is added that the other log would hold, too.
    pub(crate) async fn restore(
        &self,
        commits: Vec<ProposedCommit>,
    ) -> Vec<Result<Appended, AppendError>> {
        self.append_as(commits, Change::Restore).await
    }

    async fn append_as(
        &self,
        commits: Vec<ProposedCommit>,
        change: fn(Vec<ProposedEvent>) -> Change,
    ) -> Vec<Result<Appended, AppendError>> {
        let operations = commits
            .into_iter()
            .map(|commit| Operation {
                stream: commit.stream,
                expected: Expected::Count(commit.expected_revision),
                change: change(commit.events),
            })
            .collect();
        let results = self.submit(operations).await.results().await;
        results
            .into_iter()
            .map(|result| {
                result.map(|written| Appended {
                    last_position: written.position.expect("a commit has an event"),
                    next_revision: written.revision.expect("a commit has an event") + 1,
                    already_there: written.already_there,
                })
            })
            .collect()
    }

    /// Queues appends, each whole or not at all; they happen in the order in which they are queued.
    ///
    /// Waits for room in the queue, not for the appends: [`Pending::results`] does.
    pub async fn queue(&self, appends: Vec<Append>) -> Pending {
        self.submit(operations(appends)).await
    }

    /// [`queue`](Self::queue) of events that hold `bytes` of memory, such as the messages that they came in.
    pub(crate) async fn queue_holding(&self, appends: Vec<Append>, bytes: usize) -> Pending {
        self.submit_holding(operations(appends), bytes).await
    }

    /// [`queue_holding`](Self::queue_holding) if there is room at once; gives the appends back if there is not.
    pub(crate) fn try_queue(
        &self,
        appends: Vec<Append>,
        bytes: usize,
    ) -> Result<Pending, Vec<Append>> {
        let permit = match self.open.requests.try_reserve() {
            Err(mpsc::error::TrySendError::Full(())) => return Err(appends),
            permit => permit.ok(),
        };
        let Ok(room) = Arc::clone(&self.open.room).try_acquire_many_owned(permits(bytes)) else {
            return Err(appends);
        };
        let count = appends.len();
        let (answer, answered) = oneshot::channel();
        if let Some(permit) = permit {
            permit.send(Request::Write {
                operations: operations(appends),
                answer,
                room,
            });
        }
        Ok(Pending::of(answered, count))
    }

    /// Appends to one stream as [`queue`](Self::queue) does, and waits until the events are durable.
    pub async fn append_to(&self, append: Append) -> Result<Written, AppendError> {
        self.queue(vec![append]).await.result().await
    }

    /// Deletes a stream softly: readers no longer see its events, and the next append continues its numbering.
    pub async fn delete(
        &self,
        stream: &str,
        expected: ExpectedRevision,
    ) -> Result<Written, AppendError> {
        self.change(stream, expected, Change::Delete).await
    }

    /// Deletes a stream for ever: its name can't be used again.
    pub async fn tombstone(
        &self,
        stream: &str,
        expected: ExpectedRevision,
    ) -> Result<Written, AppendError> {
        self.change(stream, expected, Change::Tombstone).await
    }

    async fn change(
        &self,
        stream: &str,
        expected: ExpectedRevision,
        change: Change,
    ) -> Result<Written, AppendError> {
        let operation = Operation {
            stream: Arc::from(stream),
            expected: Expected::Rule(expected),
            change,
        };
        self.submit(vec![operation]).await.result().await
    }

    async fn submit(&self, operations: Vec<Operation>) -> Pending {
        let bytes = operations.iter().map(Operation::bytes).sum();
        self.submit_holding(operations, bytes).await
    }

    async fn submit_holding(&self, operations: Vec<Operation>, bytes: usize) -> Pending {
        let count = operations.len();
        let (answer, answered) = oneshot::channel();
        let room = self.room_for(bytes).await;
        let request = Request::Write {
            operations,
            answer,
            room,
        };
        // A closed store drops the request, and with it the sender that `answered` waits for.
        let _ = self.open.requests.send(request).await;
        Pending::of(answered, count)
    }

    pub(crate) async fn room_for(&self, bytes: usize) -> OwnedSemaphorePermit {
        Arc::clone(&self.open.room)
            .acquire_many_owned(permits(bytes))
            .await
            .expect("nobody closes it")
    }

    /// A part of a stream as clients see it: without what its metadata hides, and with `$ce-` and `$et-` streams.
    ///
    /// `from`: the first revision wanted, `None` for the first in this direction. `resolve_links`: whether events that
    /// link to another event come with that event.
    pub fn read_page(
        &self,
        stream: &str,
        from: Option<u64>,
        direction: Direction,
        limit: PageLimit,
        resolve_links: bool,
    ) -> Result<StreamPage, ReadError> {
        let now = self.open.clock.now();
        self.open
            .contents
            .read_page(stream, from, direction, limit, resolve_links, now)
    }

    /// A part of the global order from a cursor on, which need not be the position of an event. Empty: no more.
    pub fn read_all_page(
        &self,
        cursor: AllCursor,
        limit: PageLimit,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.open.contents.read_all_page(cursor, limit)
    }

    /// The event that a link event points to, unless there is none any more.
    pub fn resolve_link(&self, link: &RecordedEvent) -> Result<Option<RecordedEvent>, ReadError> {
        self.resolve_link_to(&link.data)
    }

    /// The event that the data of a link points to.
    pub(crate) fn resolve_link_to(
        &self,
        target: &[u8],
    ) -> Result<Option<RecordedEvent>, ReadError> {
        let now = self.open.clock.now();
        self.open.contents.resolve_link(target, now)
    }

    /// Follows all events after a position (exclusive; `None`: from the first), or those that a filter lets through.
    pub fn subscribe_to_all(
        &self,
        after: Option<Position>,
        filter: Option<Filter>,
    ) -> AllSubscription {
        AllSubscription::new(self.clone(), after, filter)
    }

    /// Follows the events of a stream after a revision (exclusive; `None`: from the first).
    pub fn subscribe_to_stream(
        &self,
        stream: &str,
        after: Option<u64>,
        resolve_links: bool,
    ) -> StreamSubscription {
        StreamSubscription::new(self.clone(), stream, after, resolve_links)
    }

    /// Events of a stream from `from_revision` on, at most `max_events`; empty past its end or without such a stream. What
    /// metadata hides is there until it is scavenged, and is then passed over.
    pub fn read_stream(
        &self,
        stream: &str,
        from_revision: u64,
        max_events: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.open
            .contents
            .read_stream(stream, from_revision, max_events)
    }

    /// Reads on a thread that may wait for the disk, unless what is read is in memory.
    pub(crate) async fn read_by<T: Send + 'static>(
        &self,
        is_cold: bool,
        read: impl FnOnce(&EventStore) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        if !is_cold {
            return read(self);
        }
        let store = self.clone();
        let reading = tokio::task::spawn_blocking(move || read(&store)).await;
        match reading.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(outcome) => outcome,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => Err(ReadError::Unavailable(
                "the process is ending: read again when it is back".to_owned(),
            )),
        }
    }

    /// Number of events in a stream, 0 when there is none, or when its index can't be read (which is logged).
    pub fn stream_revision(&self, stream: &str) -> u64 {
        let facts = self.open.contents.stream_facts(stream);
        facts.map_or_else(
            |error| {
                tracing::error!(error = %error, stream, "the revision of a stream can't be read");
                0
            },
            |facts| facts.count,
        )
    }

    /// Walks everything after a position (exclusive; `None`: from the first event) to the present end, as fast as it can be read.
    pub fn replay(&self, after: Option<Position>) -> Result<Replay, ReadError> {
        self.open.contents.replay(after)
    }

    /// Walks everything after a position (exclusive; `None`: from the first event) page by page, and goes on with what is recorded
    /// meanwhile.
    pub fn walk(&self, after: Option<Position>) -> Result<Walk, ReadError> {
        Ok(Walk::new(self.replay(after)?))
    }

    /// Names of the streams that begin with `prefix`, sorted.
    pub fn list_streams(&self, prefix: &str) -> Result<Vec<Arc<str>>, ReadError> {
        self.open.contents.streams_with_prefix(prefix)
    }

    /// [`list_streams`](Self::list_streams); none when an index can't be read (which is logged).
    pub fn streams_with_prefix(&self, prefix: &str) -> Vec<Arc<str>> {
        let names = self.list_streams(prefix);
        names.unwrap_or_else(|error| {
            tracing::error!(error = %error, prefix, "the names of the streams can't be read");
            Vec::new()
        })
    }

    /// Copies the store to the data folder `to` while it is open, or adds what is new to a copy that is there.
    ///
    /// The copy can be opened as it is. Blocks for as long as the copying takes.
    pub fn back_up(&self, to: &Path) -> Result<Copied, CopyError> {
        let _lock = FolderLock::take(to)?;
        Ok(terrarium_eventlog::back_up(
            &self.open.log_folder,
            &to.join(LOG_FOLDER),
            &|| Ok(true),
        )?)
    }

    /// Events in the global order after `after` (`None`: from the first), at most `max_events`.
    ///
    /// Ends early once data and metadata reach `max_bytes`, with at least one event if there is any.
    pub fn read_all(
        &self,
        after: Option<Position>,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.open.contents.read_all(after, max_events, max_bytes)
    }

    /// The event at exactly this position.
    pub fn event_at(&self, position: Position) -> Result<RecordedEvent, ReadError> {
        self.open.contents.event_at(position)
    }

    /// Position of the last durable event.
    pub fn last_position(&self) -> Option<Position> {
        self.open.contents.index().last_position()
    }

    /// Follows [`last_position`](Self::last_position); what it shows can be read.
    pub fn watch_last_position(&self) -> watch::Receiver<Option<Position>> {
        self.open.last_position.clone()
    }

    pub fn statistics(&self) -> Statistics {
        let index = self.open.contents.index();
        let totals = index.totals();
        Statistics {
            events: totals.events,
            commits: totals.commits,
            streams: totals.streams,
            fsyncs: self.open.fsyncs.load(Ordering::Relaxed),
            bytes: index.end(),
        }
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.open.contents
    }

    /// Appends what is queued, stops the writer and frees the folder. Other handles can still read.
    ///
    /// Blocks for as long as the queued appends take. Dropping the last handle does the same.
    pub fn close(self) {
        self.open.close();
    }
}

/// What a request takes of the queue's room. One that is larger than all of it waits until nothing else is queued.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).map_or(QUEUED_BYTES, |bytes| bytes.min(QUEUED_BYTES))
}

fn operations(appends: Vec<Append>) -> Vec<Operation> {
    appends
        .into_iter()
        .map(|append| Operation {
            stream: append.stream,
            expected: Expected::Rule(append.expected),
            change: Change::Append(append.events),
        })
        .collect()
}

impl std::fmt::Debug for EventStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EventStore")
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

impl OpenStore {
    fn close(&self) {
        let mut running = self
            .running
            .lock()
            .expect("no one panics holding the writer");
        let Some((thread, lock)) = running.take() else {
            return;
        };
        // The flag first: if the queue is full the writer is awake and looks at the flag after its present group.
        self.closing.store(true, Ordering::Release);
        let _ = self.requests.try_send(Request::Close);
        if thread.join().is_err() {
            tracing::error!("the event log's writer thread panicked");
        }
        drop(lock);
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        self.close();
    }
}
