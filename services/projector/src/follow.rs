//! Keeps a projection level with the store and tells watchers what changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use terrarium_journal::{EventStore, Position, ReadError, Subscription};
use terrarium_ledger::park_ledger::TouchedHour;
use terrarium_model::ParkId;
use terrarium_proto::ledger::v1 as wire;
use terrarium_runtime::Shutdown;
use tokio::sync::{broadcast, watch};

use crate::kept_blocks::{KeptBlocks, Mark};
use crate::ledger_wire::hour_balance;
use crate::projection::{FoldError, Projection};
use crate::shelf::FileShelf;

/// Events folded under one lock.
const FOLD_BATCH_EVENTS: usize = 2_000;
/// Change batches a slow watcher may be behind before it is cut off.
const WATCH_BATCHES: usize = 1_024;
/// Hours in one watch answer at most.
const WATCH_BATCH_HOURS: usize = 1_000;
/// A checkpoint is written at most this often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// Day blocks are kept at most this often ...
const BLOCKS_EVERY: Duration = Duration::from_secs(600);
/// ... and when at least this many events came since: fewer are folded in less than a second.
const BLOCKS_AFTER_EVENTS: u64 = 100_000;
/// Between two tries to read from a store that is away.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// A query waits this long for the projection to reach what was recorded before it.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(10);

/// Why a projector has to stop.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// An event that this version can't fold.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The record can't be read.
    #[error("the event store can't be read: {0}")]
    Store(#[from] ReadError),
}

/// Grows when the same events give another state hash than before: checkpoints of other versions can't be compared.
const FOLD_VERSION: u32 = 4;

/// Where a projection was, so that a later rebuild can be compared with it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// Position of the last event folded.
    pub position: u64,
    /// Events folded.
    pub events: u64,
    /// Hexadecimal.
    pub state_hash: String,
    /// Hexadecimal.
    pub content_hash: String,
    #[serde(default)]
    fold_version: u32,
}

impl Checkpoint {
    /// Place of the checkpoint below a data folder.
    pub fn path(data: &Path) -> PathBuf {
        data.join("projection").join("checkpoint.json")
    }

    /// Reads the checkpoint of a data folder; `None` when there is none of this version (or none that can be read:
    /// projections are disposable).
    pub fn read(data: &Path) -> Option<Checkpoint> {
        let checkpoint: Checkpoint =
            serde_json::from_slice(&std::fs::read(Checkpoint::path(data)).ok()?).ok()?;
        (checkpoint.fold_version == FOLD_VERSION).then_some(checkpoint)
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let unfinished = path.with_extension("tmp");
        std::fs::write(&unfinished, serde_json::to_vec(self)?)?;
        std::fs::rename(unfinished, path)
    }
}

/// Hours of one park that changed in one step.
#[derive(Debug)]
pub(crate) struct HourChanges {
    pub park: ParkId,
    pub hours: Vec<wire::HourBalance>,
    pub position: u64,
}

/// A projection that follows a store.
pub struct Projector {
    pub(crate) store: Arc<dyn EventStore>,
    projection: RwLock<Projection>,
    changes: broadcast::Sender<Arc<HourChanges>>,
    folded: watch::Sender<Option<Position>>,
    checkpoint_path: Option<PathBuf>,
    blocks_path: Option<PathBuf>,
}

impl Projector {
    /// An empty projection over a store. `data`: folder that gets checkpoints, and the far past of the twins.
    pub fn new(store: Arc<dyn EventStore>, data: Option<&Path>) -> Arc<Projector> {
        let folder = data.map(|data| data.join("projection"));
        let shelf = folder.and_then(|folder| {
            FileShelf::create(&folder)
                .inspect_err(|error| {
                    tracing::warn!(%error, folder = %folder.display(), "the projection keeps its far past in memory");
                })
                .ok()
        });
        let projection = match shelf {
            Some(shelf) => Projection::shelved(Arc::new(shelf)),
            None => Projection::default(),
        };
        Arc::new(Projector {
            store,
            projection: RwLock::new(projection),
            changes: broadcast::channel(WATCH_BATCHES).0,
            folded: watch::channel(None).0,
            checkpoint_path: data.map(Checkpoint::path),
            blocks_path: data.map(KeptBlocks::path),
        })
    }

    /// Folds what is recorded, then goes on live until `shutdown`.
    pub async fn run(&self, shutdown: Shutdown) -> Result<(), ProjectorError> {
        self.take_kept_blocks().await;
        let mut subscription = Subscription::new(Arc::clone(&self.store), None);
        let mut blocks = BlocksKept::now(&self.read());
        let mut checkpointed = None;
        let mut checkpointed_at = Instant::now();
        loop {
            let events = match subscription.available(FOLD_BATCH_EVENTS).await {
                // A store of its own may be started again; what was folded stays.
                Err(ReadError::Unavailable(reason)) => {
                    tracing::warn!(reason, "the event store is away, trying again");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_AFTER) => continue,
                        () = shutdown.triggered() => break,
                    }
                }
                events => events?,
            };
            if events.is_empty() {
                if checkpointed_at.elapsed() >= CHECKPOINT_EVERY
                    && checkpointed != subscription.position()
                {
                    self.write_checkpoint();
                    checkpointed = subscription.position();
                    checkpointed_at = Instant::now();
                    if blocks.are_due(&self.read()) {
                        self.keep_blocks().await;
                        blocks = BlocksKept::now(&self.read());
                    }
                }
                tokio::select! {
                    grown = subscription.grown() => if !grown { break },
                    () = shutdown.triggered() => break,
                    () = tokio::time::sleep(CHECKPOINT_EVERY), if checkpointed != subscription.position() => {}
                }
                continue;
            }
            self.fold(&events)?;
            if shutdown.is_triggered() {
                break;
            }
        }
        self.write_checkpoint();
        if blocks.are_worth_it(&self.read()) {
            self.keep_blocks().await;
        }
        Ok(())
    }

    /// Starts from day blocks, if there are some that fit the record.
    async fn take_kept_blocks(&self) {
        let Some(path) = &self.blocks_path else {
            return;
        };
        match KeptBlocks::load(path, &*self.store).await {
            Ok(None) => {}
            Ok(Some(kept)) => {
                tracing::info!(
                    position = kept.mark.position,
                    "readings come from day blocks"
                );
                self.write().await_readings(kept);
            }
            Err(reason) => {
                tracing::warn!(%reason, path = %path.display(), "day blocks are not used and made anew");
            }
        }
    }

    async fn keep_blocks(&self) {
        let Some(path) = self.blocks_path.clone() else {
            return;
        };
        let Some(position) = self.read().position() else {
            return;
        };
        let event = match self.store.event_at(Position(position)).await {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "day blocks were not written");
                return;
            }
        };
        let Some(mark) = Mark::of(position, event.id, &event.metadata) else {
            return;
        };
        let bytes = {
            let projection = self.read();
            // More came in the meantime: it is quiet again soon.
            if projection.position() != Some(position) || projection.waits_for_readings() {
                return;
            }
            KeptBlocks::bytes_of(&projection, mark)
        };
        let written = tokio::task::spawn_blocking({
            let path = path.clone();
            move || KeptBlocks::write(&bytes, &path)
        });
        let failed = match written.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(failed, path = %path.display(), "day blocks were not written");
    }

    /// Waits until everything that was recorded before this call is folded.
    pub async fn caught_up(&self) -> bool {
        let target = *self.store.watch_last_position().borrow();
        let mut folded = self.folded.subscribe();
        tokio::time::timeout(
            CATCH_UP_DEADLINE,
            folded.wait_for(|position| *position >= target),
        )
        .await
        .is_ok()
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Projection> {
        self.projection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Projection> {
        self.projection
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Position of the last event folded, now and as it moves on.
    pub(crate) fn watch_folded(&self) -> watch::Receiver<Option<Position>> {
        self.folded.subscribe()
    }

    /// Position of the last event on record.
    pub(crate) fn head(&self) -> Option<u64> {
        let last_position = self.store.watch_last_position();
        let head = *last_position.borrow();
        head.map(|position| position.0)
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<HourChanges>> {
        self.changes.subscribe()
    }

    fn fold(&self, events: &[terrarium_journal::RecordedEvent]) -> Result<(), FoldError> {
        let mut touched: BTreeMap<ParkId, Vec<TouchedHour>> = BTreeMap::new();
        let mut projection = self.write();
        for event in events {
            projection.apply(event, &mut touched)?;
        }
        let position = projection.position();
        let changes = if self.changes.receiver_count() > 0 {
            collect_changes(&projection, touched)
        } else {
            Vec::new()
        };
        drop(projection);
        for change in changes {
            // No watcher any more: nobody misses it.
            let _ = self.changes.send(Arc::new(change));
        }
        self.folded.send_replace(position.map(Position));
        Ok(())
    }

    fn write_checkpoint(&self) {
        let Some(path) = &self.checkpoint_path else {
            return;
        };
        let checkpoint = {
            let mut projection = self.write();
            let Some(position) = projection
                .position()
                .filter(|_| !projection.waits_for_readings())
            else {
                return;
            };
            let hashes = projection.hashes();
            Checkpoint {
                position,
                events: projection.events(),
                state_hash: hex::encode(hashes.state),
                content_hash: hex::encode(hashes.content),
                fold_version: FOLD_VERSION,
            }
        };
        if let Err(error) = checkpoint.write(path) {
            tracing::warn!(%error, path = %path.display(), "the projection's checkpoint was not written");
        }
    }
}

/// When day blocks were kept last.
struct BlocksKept {
    at: Instant,
    events: u64,
}

impl BlocksKept {
    fn now(projection: &Projection) -> BlocksKept {
        BlocksKept {
            at: Instant::now(),
            events: projection.events(),
        }
    }

    fn are_worth_it(&self, projection: &Projection) -> bool {
        let kept = self.events.max(projection.events_of_blocks());
        projection.events() >= kept + BLOCKS_AFTER_EVENTS
    }

    fn are_due(&self, projection: &Projection) -> bool {
        self.at.elapsed() >= BLOCKS_EVERY && self.are_worth_it(projection)
    }
}

fn collect_changes(
    projection: &Projection,
    touched: BTreeMap<ParkId, Vec<TouchedHour>>,
) -> Vec<HourChanges> {
    let mut changes = Vec::new();
    for (park, mut hours) in touched {
        hours.sort_unstable();
        hours.dedup();
        let Some(ledger) = projection.park(&park) else {
            continue;
        };
        for chunk in hours.chunks(WATCH_BATCH_HOURS) {
            changes.push(HourChanges {
                park: park.clone(),
                hours: chunk
                    .iter()
                    .map(|(asset, hour_start)| {
                        hour_balance(asset, *hour_start, &ledger.node_hour(asset, *hour_start))
                    })
                    .collect(),
                position: projection.position().unwrap_or(0),
            });
        }
    }
    changes
}
