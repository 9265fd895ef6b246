//! What has to be decided because time moves on: asks that nobody answered, collections that nobody made.
//!
//! A park's time reaches every moment at which something is due, one after the other, and what is due there is decided and
//! recorded before it moves on; so the same happens in steps of a second and of a year.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use terrarium_model::{ParkDefinition, ParkId, UnixMillis, UnixSeconds};
use tonic::Status;

use crate::aggregate::Aggregate;
use crate::desk::{Desk, Submission};
use crate::provenance::Provenance;
use crate::store::Position;
use crate::stream::StreamName;

/// A service that decides things because time moves on.
///
/// Both are asked again and again, in turns, while a park's time moves: a decision may make something else due.
pub trait DueDecisions: Send + Sync + 'static {
    /// The earliest moment at which something has to be decided in this park, as far as is recorded now.
    fn next_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
    ) -> BoxFuture<'a, Result<Option<UnixMillis>, Status>>;

    /// Decides all that is due at `now`, and waits until it is recorded. Afterwards nothing at or before `now` is due here.
    fn decide_due<'a>(
        &'a self,
        park: &'a ParkDefinition,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Position>, Status>>;
}

/// When something is due of the aggregates of one desk, by park.
#[derive(Default)]
pub(crate) struct Deadlines {
    parks: BTreeMap<String, ParkDeadlines>,
}

#[derive(Default)]
struct ParkDeadlines {
    /// Every stream of the record was looked at once.
    is_complete: bool,
    by_time: BTreeSet<(UnixSeconds, StreamName)>,
    of_stream: BTreeMap<StreamName, UnixSeconds>,
}

impl Deadlines {
    /// Notes when something is due of one aggregate.
    pub(crate) fn note(&mut self, stream: &StreamName, due: Option<UnixSeconds>) {
        if due.is_none() && !self.parks.contains_key(stream.park()) {
            return;
        }
        let park = self.parks.entry(stream.park().to_owned()).or_default();
        let before = match due {
            Some(due) => park.of_stream.insert(stream.clone(), due),
            None => park.of_stream.remove(stream),
        };
        if before == due {
            return;
        }
        if let Some(before) = before {
            park.by_time.remove(&(before, stream.clone()));
        }
        if let Some(due) = due {
            park.by_time.insert((due, stream.clone()));
        }
    }

    fn is_complete(&self, park: &ParkId) -> bool {
        self.parks
            .get(park.as_str())
            .is_some_and(|park| park.is_complete)
    }

    fn set_complete(&mut self, park: &ParkId) {
        self.parks
            .entry(park.as_str().to_owned())
            .or_default()
            .is_complete = true;
    }

    /// What is due of a park is read from the record again: a decision came to nothing, so what was noted may be wrong.
    pub(crate) fn doubt(&mut self, stream: &StreamName) {
        if let Some(park) = self.parks.get_mut(stream.park()) {
            park.is_complete = false;
        }
    }

    fn first(&self, park: &ParkId) -> Option<UnixSeconds> {
        let park = self.parks.get(park.as_str())?;
        park.by_time.first().map(|(due, _)| *due)
    }

    /// Streams with something due at or before a moment, in the order that it became due.
    fn due(&self, park: &ParkId, now: UnixSeconds) -> Vec<StreamName> {
        let Some(park) = self.parks.get(park.as_str()) else {
            return Vec::new();
        };
        park.by_time
            .iter()
            .take_while(|(due, _)| *due <= now)
            .map(|(_, stream)| stream.clone())
            .collect()
    }
}

impl<A: Aggregate> Desk<A> {
    /// The earliest moment at which something is due ([`Aggregate::due`]) of any aggregate of a park.
    pub async fn next_due(&self, park: &ParkId) -> Result<Option<UnixMillis>, Status> {
        self.know_all_deadlines(park).await?;
        let first = self.deadlines().first(park);
        Ok(first.map(|due| UnixMillis(due.0 * 1_000)))
    }

    /// Has every aggregate of a park decide that has something due. `command` gives what to ask of it and what the decision
    /// needs; `None`: the park knows it no more, and nothing is decided.
    pub async fn decide_due(
        self: &Arc<Self>,
        park: &ParkId,
        now: UnixMillis,
        command: impl Fn(&StreamName) -> Option<(A::Command, A::Context)>,
    ) -> Result<Option<Position>, Status>
    where
        A::Rejection: std::fmt::Display,
    {
        self.know_all_deadlines(park).await?;
        let due = self.deadlines().due(park, now.seconds());
        let mut in_flight = Vec::with_capacity(due.len());
        for stream in due {
            let Some((command, context)) = command(&stream) else {
                self.deadlines().note(&stream, None);
                tracing::warn!(%stream, "something is due of what the park has no more; it stays undecided");
                continue;
            };
            let submission = Submission {
                stream: stream.clone(),
                commands: vec![command],
                context,
                recorded_time: now.into(),
                provenance: Provenance::of_time(),
            };
            in_flight.push((stream, self.submit(submission).await?));
        }
        let mut recorded = None;
        for (stream, pending) in in_flight {
            let (results, position) = pending.recorded().await?;
            for rejection in results.into_iter().filter_map(Result::err) {
                tracing::warn!(%stream, %rejection, "what was due is not decided");
            }
            recorded = recorded.max(position);
        }
        Ok(recorded)
    }

    /// After a start the aggregates are in the record only; each is looked at once.
    async fn know_all_deadlines(&self, park: &ParkId) -> Result<(), Status> {
        if self.deadlines().is_complete(park) {
            return Ok(());
        }
        let prefix = format!("{}.{}-{park}.", A::DOMAIN, A::KIND);
        let streams = self
            .store()
            .streams_with_prefix(&prefix)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        for stream in streams {
            let stream =
                StreamName::parse(stream).map_err(|error| Status::data_loss(error.to_string()))?;
            let due = self.look(&stream, A::due).await?;
            self.deadlines().note(&stream, due);
        }
        self.deadlines().set_complete(park);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(id: &str) -> StreamName {
        StreamName::new("waste", "collection", "haotian", id)
    }

    #[test]
    fn what_is_due_comes_in_order_of_time_and_a_new_deadline_takes_the_old_ones_place() {
        let park = ParkId::new("haotian").expect("valid");
        let other = ParkId::new("yizhuang").expect("valid");
        let mut deadlines = Deadlines::default();
        deadlines.note(&stream("a"), Some(UnixSeconds(30)));
        deadlines.note(&stream("b"), Some(UnixSeconds(10)));
        deadlines.note(&stream("c"), Some(UnixSeconds(20)));
        assert_eq!(deadlines.first(&park), Some(UnixSeconds(10)));
        assert_eq!(deadlines.first(&other), None);
        assert_eq!(deadlines.due(&park, UnixSeconds(9)), []);
        assert_eq!(
            deadlines.due(&park, UnixSeconds(20)),
            [stream("b"), stream("c")]
        );
        deadlines.note(&stream("b"), Some(UnixSeconds(40)));
        deadlines.note(&stream("c"), None);
        assert_eq!(
            deadlines.due(&park, UnixSeconds(40)),
            [stream("a"), stream("b")]
        );
        deadlines.note(&stream("b"), Some(UnixSeconds(40)));
        assert_eq!(
            deadlines.due(&park, UnixSeconds(40)),
            [stream("a"), stream("b")]
        );
    }
}
