//! Whether a commit continues the very events it was decided on.
//!
//! The exact revision alone does not tell: a commit that was refused stays on the bus for a while, and when the bus is
//! replayed its stream may by then hold the expected *number* of other events. Its digest does tell, because the digest of
//! its first event covers everything before it.

use std::collections::HashMap;
use std::sync::Arc;

use terrarium_journal::{Digest, DigestError, EventStore, ProposedCommit, verify_continuation};

/// Streams whose last digest is remembered; beyond it all are forgotten and read again when needed.
const STREAMS_REMEMBERED: usize = 10_000;

/// What a commit is to the record.
#[derive(Debug)]
pub(crate) enum Continuity {
    /// It continues what is recorded or staged before it; this is the digest of its last event. Without one the store
    /// will find that it does not.
    Continues(Option<Digest>),
    /// It was decided on other events than are there.
    Stale,
    /// It can't be judged, and why.
    Unjudged(String),
}

/// Digests at the ends of streams.
#[derive(Default)]
pub(crate) struct Continuation {
    recorded: HashMap<Arc<str>, (u64, Digest)>,
    /// Of this batch, by the revision that each commit leads to.
    staged: HashMap<(Arc<str>, u64), Digest>,
}

impl Continuation {
    /// Judges the next commit of a batch.
    pub(crate) async fn judge(
        &mut self,
        store: &dyn EventStore,
        commit: &ProposedCommit,
    ) -> Continuity {
        let previous = match self
            .digest_at(store, &commit.stream, commit.expected_revision)
            .await
        {
            Ok(Some(previous)) => previous,
            // The stream is not that long: the store refuses it by its revision.
            Ok(None) => return Continuity::Continues(None),
            Err(reason) => return Continuity::Unjudged(reason),
        };
        match verify_continuation(&previous, commit) {
            Ok(last) => {
                let next_revision = commit.expected_revision + commit.events.len() as u64;
                // A decision that was made again carries the same event ids, but its own time and trail, so its digest is
                // another. Were it taken for the recorded one, what is decided on top of it would continue a digest that
                // is nowhere in the record.
                match self.digest_at(store, &commit.stream, next_revision).await {
                    Ok(Some(there)) if there != last => return Continuity::Stale,
                    Ok(_) => {}
                    Err(reason) => return Continuity::Unjudged(reason),
                }
                // Of two that want the same place the store takes the first.
                self.staged
                    .entry((Arc::clone(&commit.stream), next_revision))
                    .or_insert(last);
                Continuity::Continues(Some(last))
            }
            Err(DigestError::Mismatch { .. }) => Continuity::Stale,
            Err(DigestError::Missing) => {
                Continuity::Unjudged("the commit's events carry no digest".to_owned())
            }
        }
    }

    /// Keeps where the streams of a batch end on disk, and starts the next batch.
    pub(crate) fn batch_is_recorded(&mut self, ends: Vec<(Arc<str>, u64, Digest)>) {
        self.staged.clear();
        if self.recorded.len() > STREAMS_REMEMBERED {
            self.recorded.clear();
        }
        for (stream, next_revision, digest) in ends {
            let known = self
                .recorded
                .get(&stream)
                .map_or(0, |(revision, _)| *revision);
            if next_revision > known {
                self.recorded.insert(stream, (next_revision, digest));
            }
        }
    }

    /// Digest of a stream's first `revision` events; `None` if it has fewer.
    async fn digest_at(
        &self,
        store: &dyn EventStore,
        stream: &Arc<str>,
        revision: u64,
    ) -> Result<Option<Digest>, String> {
        let Some(last_revision) = revision.checked_sub(1) else {
            return Ok(Some(Digest::BEFORE_FIRST));
        };
        if let Some(digest) = self.staged.get(&(Arc::clone(stream), revision)) {
            return Ok(Some(*digest));
        }
        if let Some((_, digest)) = self.recorded.get(stream).filter(|(at, _)| *at == revision) {
            return Ok(Some(*digest));
        }
        let events = store
            .read_stream(stream, last_revision, 1)
            .await
            .map_err(|error| error.to_string())?;
        events
            .first()
            .map(|event| Digest::of_metadata(&event.metadata))
            .transpose()
            .map_err(|error| error.to_string())
    }
}
