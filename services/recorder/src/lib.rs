//! The recorder: takes commits from the bus and appends each to the event store, whole and in order.
//!
//! It holds no state that matters. The store checks the exact expected revision of every commit, which fences out a
//! recorder that was paused and woke up late. That the events up to that revision are those the commit was decided on, its
//! digest tells. Together they make replays harmless.

mod continuity;

use std::sync::Arc;
use std::time::Duration;

use terrarium_journal::{
    AppendError, BusError, CommitConsumer, CommitResult, EventStore, ReceivedCommit,
};
use terrarium_runtime::Shutdown;

use crate::continuity::{Continuation, Continuity};

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
    #[error(
        "the event store can't be written any more: {0}; stop, check the disk, and start again"
    )]
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
    let mut continuation = Continuation::default();
    loop {
        let is_open = commits.is_open();
        let batch = tokio::select! {
            batch = commits.next_batch() => batch,
            // Not while the bus is being opened: that may take longer than a tick, and would never come to an end.
            _ = tidy.tick(), if is_open => commits.tidy().await.map(|()| Vec::new()),
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
                record(&*store, &mut continuation, &mut commits, batch).await?;
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
    continuation: &mut Continuation,
    commits: &mut CommitConsumer,
    batch: Vec<ReceivedCommit>,
) -> Result<(), RecorderError> {
    let mut outcomes: Vec<Option<CommitResult>> = Vec::with_capacity(batch.len());
    let mut to_append = Vec::with_capacity(batch.len());
    let mut digests = Vec::with_capacity(batch.len());
    for received in &batch {
        let commit = &received.commit;
        outcomes.push(match continuation.judge(store, commit).await {
            Continuity::Continues(digest) => {
                to_append.push(commit.clone());
                digests.push(digest);
                None
            }
            Continuity::Stale => Some(CommitResult::Conflict {
                actual_revision: commit.expected_revision,
            }),
            Continuity::Unjudged(reason) => {
                tracing::warn!(stream = %commit.stream, reason, "a commit was not recorded");
                Some(CommitResult::Unavailable(reason.into()))
            }
        });
    }

    let results = store.append(to_append).await;
    let mut fatal = None;
    let mut ends = Vec::new();
    let open = batch
        .iter()
        .zip(&mut outcomes)
        .filter(|(_, outcome)| outcome.is_none());
    for (((received, outcome), result), digest) in open.zip(results).zip(digests) {
        *outcome = Some(match result {
            Ok(appended) => {
                if let Some(digest) = digest.filter(|_| !appended.already_there) {
                    ends.push((
                        Arc::clone(&received.commit.stream),
                        appended.next_revision,
                        digest,
                    ));
                }
                CommitResult::Recorded(appended.last_position)
            }
            Err(AppendError::WrongExpectedRevision { actual }) => CommitResult::Conflict {
                actual_revision: actual,
            },
            Err(AppendError::Failed(reason)) => {
                fatal = Some(reason);
                CommitResult::Unavailable("the event store can't be written any more".into())
            }
            // Too large, or the disk is full: this commit is not recorded, and its caller is told so and may try again.
            Err(error) => {
                tracing::warn!(%error, "a commit was not recorded");
                CommitResult::Unavailable(error.to_string().into())
            }
        });
    }
    continuation.batch_is_recorded(ends);

    let recorded_position = *store.watch_last_position().borrow();
    let outcomes = outcomes
        .into_iter()
        .map(|outcome| outcome.expect("the store answers each commit"));
    commits
        .send_outcomes(batch.into_iter().zip(outcomes), recorded_position)
        .await;
    fatal.map_or(Ok(()), |reason| Err(RecorderError::Store(reason)))
}
