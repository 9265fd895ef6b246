use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

use terrarium_eventlog::{Disk, FolderLock, Frame, RealDisk, Recovery, open_log};
use tokio::sync::{mpsc, oneshot, watch};

use crate::encoding::CommitReader;
use crate::error::{AppendError, OpenError, ReadError};
use crate::event::{Appended, Position, ProposedCommit, RecordedEvent, Statistics};
use crate::index::Index;
use crate::names::NameTable;
use crate::read::Contents;
use crate::writer::{QUEUED_REQUESTS, Request, Writer};

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
    contents: Arc<Contents>,
    requests: mpsc::Sender<Request>,
    closing: Arc<AtomicBool>,
    fsyncs: Arc<AtomicU64>,
    last_position: watch::Receiver<Option<Position>>,
    /// Taken by the first to close: the thread is waited for, then the folder is free.
    running: Mutex<Option<(JoinHandle<()>, FolderLock)>>,
}

impl EventStore {
    /// Opens the store in the data folder `folder`, or makes an empty one, and takes the folder's lock.
    ///
    /// Reads the whole log once. A torn end that a crash left is cut off and reported; damage before the end is refused.
    pub fn open(folder: &Path) -> Result<(EventStore, Recovery), OpenError> {
        EventStore::open_on(&RealDisk, folder)
    }

    /// [`open`](Self::open) on a disk of the caller's, so that tests can make it fail.
    pub fn open_on(disk: &dyn Disk, folder: &Path) -> Result<(EventStore, Recovery), OpenError> {
        let lock = FolderLock::take(folder)?;
        let names = NameTable::default();
        let mut index = Index::new();
        let opened = open_log(&folder.join(LOG_FOLDER), disk, &mut |frame| {
            add_frame(&mut index, &names, frame)
        })?;
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
            names,
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
        };
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || writer.run())
            .map_err(OpenError::Thread)?;
        let running = Mutex::new(Some((thread, lock)));
        let open = Arc::new(OpenStore {
            contents,
            requests,
            closing,
            fsyncs,
            last_position,
            running,
        });
        Ok((EventStore { open }, opened.recovery))
    }

    /// Appends commits, each whole or not at all; the results are in the order of the commits.
    ///
    /// All of one call share one fsync, usually with other calls. A commit may expect what an earlier one of the
    /// same call leads to. A caller that stops waiting does not stop the append.
    pub async fn append(&self, commits: Vec<ProposedCommit>) -> Vec<Result<Appended, AppendError>> {
        let count = commits.len();
        let (answer, answered) = oneshot::channel();
        let closed = || {
            vec![
                Err(AppendError::Failed(
                    "the event store is closed: open it again".to_owned()
                ));
                count
            ]
        };
        if self
            .open
            .requests
            .send(Request::Append { commits, answer })
            .await
            .is_err()
        {
            return closed();
        }
        answered.await.unwrap_or_else(|_| closed())
    }

    /// Events of a stream from `from_revision` on, at most `max_events`; empty past its end or without such a stream.
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

    /// Number of events in a stream, 0 when there is none.
    pub fn stream_revision(&self, stream: &str) -> u64 {
        self.open.contents.stream_revision(stream)
    }

    /// Names of the streams that begin with `prefix`, sorted.
    pub fn streams_with_prefix(&self, prefix: &str) -> Vec<Arc<str>> {
        self.open.contents.index().streams_with_prefix(prefix)
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
        Statistics {
            events: index.events(),
            commits: index.commits(),
            fsyncs: self.open.fsyncs.load(Ordering::Relaxed),
            bytes: index.end(),
        }
    }

    /// Appends what is queued, stops the writer and frees the folder. Other handles can still read.
    ///
    /// Blocks for as long as the queued appends take. Dropping the last handle does the same.
    pub fn close(self) {
        self.open.close();
    }
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

/// Takes a frame of the log into the index, refusing what no correct writer could have written.
fn add_frame(index: &mut Index, names: &NameTable, frame: &Frame) -> Result<(), String> {
    let commit = CommitReader::new(&frame.body)
        .map_err(|fault| format!("the commit cannot be read: {fault}"))?;
    let stream = names.intern(commit.stream);
    let present = index.revision(&stream);
    if commit.first_revision != present {
        return Err(format!(
            "the commit continues stream {stream} at revision {}, but the stream has {present} events",
            commit.first_revision
        ));
    }
    let mut positions = Vec::with_capacity(commit.count.min(4096) as usize);
    for event in commit {
        let event = event
            .map_err(|fault| format!("the commit to stream {stream} cannot be read: {fault}"))?;
        names.intern(event.event_type);
        positions.push(frame.body_position() + event.offset as u64);
    }
    index.add(&stream, frame.position, &positions, frame.next_position());
    Ok(())
}
