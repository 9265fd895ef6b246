//! Opening a store: the index of the last segment is built from its frames, those of the others lie with them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use terrarium_eventlog::{Disk, FolderLock, Frame, LogOpening, LogSettings, RealDisk, Recovery};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::active::{ActiveIndex, IndexedCommit, MAX_SEGMENT_BYTES};
use crate::clock::{Clock, RecordingClock};
use crate::encoding::CommitReader;
use crate::error::OpenError;
use crate::event::{METADATA_TYPE, Position, Ticks};
use crate::group::Unsettled;
use crate::index::{Index, sealed_count};
use crate::lists::ListKind;
use crate::names::NameTable;
use crate::read::Contents;
use crate::recent::RecentEvents;
use crate::retention::{Retention, described_stream};
use crate::sealed::SealedSet;
use crate::store::{EventStore, LOG_FOLDER, OpenStore};
use crate::table::Totals;
use crate::writer::{LastGroup, QUEUED_BYTES, QUEUED_REQUESTS, Writer};

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
        let store = EventStore::of(OpenStore {
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
        Ok((store, opened.recovery))
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
