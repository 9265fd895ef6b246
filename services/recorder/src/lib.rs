//! The recorder: takes commits from the bus and appends each to the event store, whole and in order.
//!
//! It holds no state that matters. The exact expected revision of every commit is checked by the store, which makes replays
//! harmless and fences out a recorder that was paused and woke up late.

use std::sync::Arc;
use std::time::Duration;

use terrarium_journal::{AppendError, BusError, CommitConsumer, CommitResult, EventStore};
use terrarium_runtime::Shutdown;

/// How often recorded commits are removed from the bus.
const TIDY_EVERY: Duration = Duration::from_millis(500);
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LONGEST_RETRY: Duration = Duration::from_secs(2);

/// Why the recorder has to stop.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The bus could not be reached at the start.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store failed in a way that must not be tried again.
    #[error("the event store can't be written any more: {0}; stop, check the disk, and start again")]
    Store(String),
}

/// Records commits until `shutdown`. A bus that fails is tried again; a store that fails for good ends it.
pub async fn run(
    store: Arc<dyn EventStore>,
    mut commits: CommitConsumer,
    shutdown: Shutdown,
) -> Result<(), RecorderError> {
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    tidy.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut retry_after = FIRST_RETRY;
    loop {
        let batch = tokio::select! {
            batch = commits.next_batch() => batch,
            _ = tidy.tick() => commits.tidy().await.map(|()| Vec::new()),
            () = shutdown.triggered() => {
                // What is still on the bus is recorded by the next start.
                let _ = commits.tidy().await;
                return Ok(());
            }
        };
        match batch {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                retry_after = FIRST_RETRY;
                record(&*store, &mut commits, batch).await?;
            }
            Err(error) => {
                tracing::warn!(%error, retry_after_ms = retry_after.as_millis() as u64, "the bus failed, trying again");
                tokio::select! {
                    () = tokio::time::sleep(retry_after) => {}
                    () = shutdown.triggered() => return Ok(()),
                }
                retry_after = (retry_after * 2).min(LONGEST_RETRY);
            }
        }
    }
}

async fn record(
    store: &dyn EventStore,
    commits: &mut CommitConsumer,
    batch: Vec<terrarium_journal::ReceivedCommit>,
) -> Result<(), RecorderError> {
    let results = store
        .append(batch.iter().map(|received| received.commit.clone()).collect())
        .await;
    let mut fatal = None;
    let outcomes: Vec<CommitResult> = results
        .into_iter()
        .map(|result| match result {
            Ok(appended) => CommitResult::Recorded(appended.last_position),
            Err(AppendError::WrongExpectedRevision { actual }) => CommitResult::Conflict { actual_revision: actual },
            Err(AppendError::Failed(reason)) => {
                fatal = Some(reason.to_string());
                CommitResult::Unavailable("the event store can't be written any more".into())
            }
            // Too large, or the disk is full: this commit is not recorded, and its caller is told so and may try again.
            Err(error) => {
                tracing::warn!(%error, "a commit was not recorded");
                CommitResult::Unavailable(error.to_string().into())
            }
        })
        .collect();
    let recorded_position = *store.watch_last_position().borrow();
    commits
        .send_outcomes(batch.into_iter().zip(outcomes), recorded_position)
        .await;
    fatal.map_or(Ok(()), |reason| Err(RecorderError::Store(reason)))
}
