//! Appending at exact revisions.
//!
//! All commits of a call travel over one batch session at once, which costs a twentieth of single appends with the released
//! client. A refused commit ends the session and leaves the others of the call without an answer; these are then sent one
//! by one, which is harmless: an exact revision makes every commit idempotent. The refused one is not sent again, because
//! it could succeed after a later commit of the same call.

use std::sync::Arc;

use eventstore::{AppendToStreamOptions, Error};
use futures::future::join_all;
use terrarium_journal::{AppendError, Appended, Position, ProposedCommit};

use crate::convert::{count, event_data, expecting};
use crate::read::event_count;
use crate::supervisor::{Failure, Supervisor, TRY_DEADLINE, is_out_of_space, is_wrong_revision};

/// Appends every commit. `seen`: the newest position that was known before; what stands before it was there already.
pub(crate) async fn append(
    supervisor: &Supervisor,
    commits: &[ProposedCommit],
    seen: Option<Position>,
) -> Vec<Result<Appended, AppendError>> {
    let mut results = batch(supervisor, commits, seen).await;
    for (commit, result) in commits.iter().zip(&mut results) {
        if result.is_none() {
            *result = Some(one(supervisor, commit, seen).await);
        }
    }
    results
        .into_iter()
        .map(|result| result.expect("every commit has its answer by now"))
        .collect()
}

/// What a batch session answers; `None` where it does not, or refuses without saying why.
async fn batch(
    supervisor: &Supervisor,
    commits: &[ProposedCommit],
    seen: Option<Position>,
) -> Vec<Option<Result<Appended, AppendError>>> {
    let unanswered = || vec![None; commits.len()];
    let held = supervisor.hold();
    let session = match tokio::time::timeout(TRY_DEADLINE, supervisor.batch(&held)).await {
        Ok(Ok(session)) => session,
        Ok(Err(_)) | Err(_) => return unanswered(),
    };
    let sending = join_all(commits.iter().map(|commit| {
        let events = commit.events.iter().map(event_data).collect();
        session.append_to_stream(&*commit.stream, expecting(commit.expected_revision), events)
    }));
    let Ok(answers) = tokio::time::timeout(TRY_DEADLINE, sending).await else {
        supervisor.end_batch(&session);
        supervisor.replace(&held);
        return unanswered();
    };
    if answers.iter().any(Result::is_err) {
        supervisor.end_batch(&session);
    }
    let mut results = Vec::with_capacity(commits.len());
    for (answer, commit) in answers.into_iter().zip(commits) {
        results.push(match answer {
            Ok(written) => written
                .current_position()
                .zip(written.current_revision())
                .map(|(position, revision)| {
                    Ok(appended(Position(position.commit), revision, seen))
                }),
            Err(error) if is_wrong_revision(&error) => {
                let counted = event_count(supervisor, &commit.stream).await;
                Some(Err(counted.map_or_else(
                    |failure| AppendError::Unavailable(failure.to_string()),
                    |actual| AppendError::WrongExpectedRevision { actual },
                )))
            }
            Err(_) => None,
        });
    }
    results
}

/// One commit by itself, until it is answered.
async fn one(
    supervisor: &Supervisor,
    commit: &ProposedCommit,
    seen: Option<Position>,
) -> Result<Appended, AppendError> {
    if commit.events.is_empty() {
        return Err(AppendError::Empty);
    }
    let options =
        AppendToStreamOptions::default().expected_revision(expecting(commit.expected_revision));
    let stream: Arc<str> = Arc::clone(&commit.stream);
    let written = supervisor
        .until_answered(|client| {
            let events: Vec<_> = commit.events.iter().map(event_data).collect();
            let (stream, options) = (Arc::clone(&stream), options.clone());
            async move { client.append_to_stream(&*stream, &options, events).await }
        })
        .await;
    match written {
        Ok(written) => Ok(appended(
            Position(written.position.commit),
            written.next_expected_version,
            seen,
        )),
        Err(Failure::Refused(Error::WrongExpectedVersion { current, .. })) => {
            Err(AppendError::WrongExpectedRevision {
                actual: count(current),
            })
        }
        Err(Failure::Refused(Error::ResourceDeleted)) => Err(AppendError::StreamDeleted),
        Err(Failure::Refused(error)) if is_out_of_space(&error) => {
            Err(AppendError::StorageFull(error.to_string()))
        }
        Err(failure) => Err(AppendError::Unavailable(failure.to_string())),
    }
}

/// The protocol does not tell whether the events were new, but new ones stand behind all that was seen before.
fn appended(last_position: Position, revision: u64, seen: Option<Position>) -> Appended {
    Appended {
        last_position,
        next_revision: revision + 1,
        already_there: seen.is_some_and(|seen| last_position <= seen),
    }
}
