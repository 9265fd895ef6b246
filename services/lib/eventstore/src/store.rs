use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use terrarium_eventlog::{
    Copied, Disk, FolderLock, Frame, LogOpening, LogSettings, RealDisk, Recovery,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::active::{ActiveIndex, IndexedCommit, MAX_SEGMENT_BYTES};
use crate::backup::CopyError;
use crate::clock::{Clock, RecordingClock};
use crate::encoding::CommitReader;
use crate::error::{AppendError, OpenError, ReadError};
use crate::event::{
    Append, Appended, ExpectedRevision, METADATA_TYPE, Position, ProposedCommit, ProposedEvent,
    RecordedEvent, Statistics, Ticks, Written,
};
use crate::filter::Filter;
use crate::group::Unsettled;
use crate::index::{Index, sealed_count};
use crate::lists::ListKind;
use crate::names::NameTable;
use crate::page::{AllCursor, Direction, PageLimit, StreamPage};
use crate::read::Contents;
use crate::recent::RecentEvents;
use crate::replay::Replay;
use crate::retention::{Retention, described_stream};
use crate::sealed::SealedSet;
use crate::subscribe::{AllSubscription, StreamSubscription};
use crate::table::Totals;
use crate::walk::Walk;
use crate::writer::{
    Change, Expected, LastGroup, Operation, QUEUED_BYTES, QUEUED_REQUESTS, Request, WriteResults,
    Writer,
};

/// Folder of the log inside the data folder.
pub(crate) const LOG_FOLDER: &str = "log";

/// A store that is open. Clones are handles of the same store; it closes when the last one is dropped.
///
/// Reading is synchronous and usually answered from the page cache; a caller that reads much wraps it in `spawn_blocking`.
#[derive(Clone)]
pub struct EventStore {
    open: Arc<OpenStore>,
}

struct OpenStore {
    log_folder: PathBuf,
    contents: Arc<Contents>,
    requests: mpsc::Sender<Request>,
    /// A permit for each byte that may still be queued.
    room: Arc<Semaphore>,
    closing: Arc<AtomicBool>,
    fsyncs: Arc<AtomicU64>,
    last_position: watch::Receiver<Option<Position>>,
    clock: Clock,
    /// Taken by the first to close: the thread is waited for, then the folder is free.
    running: Mutex<Option<(JoinHandle<()>, FolderLock)>>,
}

impl EventStore {
    /// Opens the store in the data folder `folder`, or makes an empty one, and takes the folder's lock.
    ///
    /// Reads the last segment of the log; the others have their indexes with them. A torn end that a crash left is cut off and
    /// reported; damage before the end is refused.
    pub fn open(folder: &Path) -> Result<(EventStore, Recovery), OpenError> {
        EventStore::open_on(&RealDisk, folder)
    }

    /// [`open`](Self::open) on a disk of the caller's, so that tests can make it fail.
    pub fn open_on(disk: &dyn Disk, folder: &Path) -> Result<(EventStore, Recovery), OpenError> {
        EventStore::open_with(disk, folder, Clock::system())
    }

    /// [`open_on`](Self::open_on) with a clock of the caller's, which gives the events their times.
    pub fn open_with(
        disk: &dyn Disk,
        folder: &Path,
        clock: Clock,
    ) -> Result<(EventStore, Recovery), OpenError> {
        EventStore::open_settings(disk, folder, clock, LogSettings::default())
    }

    /// [`open_with`](Self::open_with) with other sizes than the usual ones.
    pub fn open_settings(
        disk: &dyn Disk,
        folder: &Path,
        clock: Clock,
        mut settings: LogSettings,
    ) -> Result<(EventStore, Recovery), OpenError> {
        settings.segment_bytes = settings.segment_bytes.min(MAX_SEGMENT_BYTES / 2);
        let lock = FolderLock::take(folder)?;
        let opening = LogOpening::begin(&folder.join(LOG_FOLDER), disk, settings)?;
        let sealed = SealedSet::new(opening.sealed());
        let last_header = sealed.last_header().map_err(OpenError::Index)?;
        let base = opening.sealed().last().map_or(0, |last| last.end());
        let mut active = ActiveIndex::new(base);
        let opened = opening.recover(&mut |frame| add_frame(&mut active, &sealed, frame))?;
        let latest = last_header
            .map_or(Ticks::default(), |header| header.last_recorded)
            .max(active.last_recorded());
        let index = Index {
            active,
            sealed: Arc::new(sealed),
            before: last_header.map_or_else(Totals::default, |header| header.totals()),
            last_before: last_header.map(|header| Position(header.last_position)),
        };
        if let Some(torn) = &opened.recovery.torn_tail {
            tracing::warn!(
                position = torn.position,
                bytes = torn.bytes,
                kept_in = %torn.kept_in.display(),
                what = torn.what,
                "cut the unfinished end off the event log"
            );
        }
        let (last_position_sender, last_position) = watch::channel(index.last_position());
        let contents = Arc::new(Contents {
            index: RwLock::new(index),
            names: NameTable::default(),
            log: opened.reader,
        });
        let (requests, queue) = mpsc::channel(QUEUED_REQUESTS);
        let closing = Arc::new(AtomicBool::new(false));
        let fsyncs = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            log: opened.writer,
            contents: contents.clone(),
            queue,
            closing: closing.clone(),
            fsyncs: fsyncs.clone(),
            last_position: last_position_sender,
            recent: RecentEvents::default(),
            clock: RecordingClock::new(clock.clone(), latest),
            unsettled: Unsettled::default(),
            asked: Vec::new(),
            last_group: LastGroup::default(),
        };
        let runtime = Writer::runtime().map_err(OpenError::Thread)?;
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || runtime.block_on(writer.run()))
            .map_err(OpenError::Thread)?;
        let running = Mutex::new(Some((thread, lock)));
        let open = Arc::new(OpenStore {
            log_folder: folder.join(LOG_FOLDER),
            contents,
            requests,
            room: Arc::new(Semaphore::new(QUEUED_BYTES as usize)),
            closing,
            fsyncs,
            last_position,
            clock,
            running,
        });
        Ok((EventStore { open }, opened.recovery))
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

/// Appends that are queued.
pub struct Pending {
    answered: oneshot::Receiver<WriteResults>,
    count: usize,
}

impl Pending {
    pub(crate) fn of(answered: oneshot::Receiver<WriteResults>, count: usize) -> Pending {
        Pending { answered, count }
    }

    /// Waits until all are durable or refused; the results are in the order of the appends.
    pub async fn results(mut self) -> Vec<Result<Written, AppendError>> {
        std::future::poll_fn(|context| self.poll_results(context)).await
    }

    /// [`results`](Self::results) for a caller that waits for other things too; not to be asked again once it was ready.
    pub(crate) fn poll_results(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Vec<Result<Written, AppendError>>> {
        Pin::new(&mut self.answered).poll(context).map(|answered| {
            answered.unwrap_or_else(|_| {
                vec![
                    Err(AppendError::Failed(
                        "the event store is closed: open it again".to_owned()
                    ));
                    self.count
                ]
            })
        })
    }

    /// [`results`](Self::results) of a single append.
    pub async fn result(self) -> Result<Written, AppendError> {
        self.results()
            .await
            .pop()
            .expect("one result for one append")
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pending")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// Takes a frame of the unsealed segment into the index, refusing what no correct writer could have written.
///
/// How a stream goes on from a sealed segment is not looked at: that would read all of their indexes. A check of the whole log does.
fn add_frame(active: &mut ActiveIndex, sealed: &SealedSet, frame: &Frame) -> Result<(), String> {
    if frame.position - active.base() >= MAX_SEGMENT_BYTES {
        return Err(format!(
            "the file holds more than {MAX_SEGMENT_BYTES} bytes of events, which its index cannot: export its events and import \
             them into a new store"
        ));
    }
    let commit = CommitReader::new(&frame.body)
        .map_err(|fault| format!("the commit cannot be read: {fault}"))?;
    if commit.is_removed {
        return Err("commits were removed from a segment that is not sealed".to_owned());
    }
    let stream = commit.stream;
    let list = active.list(ListKind::Stream, stream);
    if list.is_some_and(|list| list.tombstone.is_some()) {
        return Err(format!(
            "the commit continues stream {stream}, which was tombstoned before"
        ));
    }
    let present = match list.filter(|list| list.count > 0) {
        Some(list) => Some(list.end()),
        None => sealed.is_empty().then_some(0),
    };
    if let Some(present) = present.filter(|present| commit.first_revision != *present)
        && !commit.is_tombstone
    {
        return Err(format!(
            "the commit continues stream {stream} at revision {}, but the stream has {present} events",
            commit.first_revision
        ));
    }
    let (is_tombstone, first_revision, recorded) =
        (commit.is_tombstone, commit.first_revision, commit.recorded);
    let mut events = Vec::with_capacity(commit.count.min(4096) as usize);
    let mut last_position = 0;
    let mut metadata = None;
    for event in commit {
        let event = event
            .map_err(|fault| format!("the commit to stream {stream} cannot be read: {fault}"))?;
        metadata = (event.event_type == METADATA_TYPE).then_some(event.data.clone());
        events.push((event.id, event.event_type));
        last_position = frame.body_position() + event.offset as u64;
    }
    let described = described_stream(stream).zip(metadata);
    let retention = described
        .map(|(described, metadata)| {
            let list = active.list(ListKind::Stream, described);
            let count = match list.filter(|list| list.count > 0) {
                Some(list) => list.end(),
                None => sealed_count(sealed, ListKind::Stream, described)
                    .map_err(|error| error.to_string())?,
            };
            Ok::<_, String>(Retention::parse(&frame.body[metadata], count))
        })
        .transpose()?;
    let commit = IndexedCommit {
        stream,
        is_tombstone,
        first_revision,
        recorded,
        begin: frame.position,
        end: frame.next_position(),
        last_position,
        retention,
    };
    active.add(&commit, &events);
    Ok(())
}
