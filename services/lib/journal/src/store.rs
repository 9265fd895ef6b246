//! The [`EventStore`] port: what the rest of the system needs of an event store, and no more.

use futures::future::BoxFuture;
use tokio::sync::watch;

pub use terrarium_eventstore::{
    AppendError, Appended, ContentType, Position, ProposedCommit, ProposedEvent, ReadError,
    RecordedEvent, Ticks,
};

/// An event store: the only authority about what happened.
///
/// - An append that answers `Ok` is on disk and stays.
/// - A commit is recorded whole or not at all, and only if its stream holds exactly `expected_revision` events; a commit
///   that is already there with the same ids is a success.
/// - Readers see only what is on disk. Positions grow from event to event, over all streams.
/// - Streams whose names begin with `$` are the store's own and stay out of what is read over all streams.
pub trait EventStore: Send + Sync + 'static {
    /// Appends commits in order; the results stand in the same order. Commits of one call may share an fsync.
    fn append(
        &self,
        commits: Vec<ProposedCommit>,
    ) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>>;

    /// Events of a stream from a revision on, at most `max_events`. A stream that does not exist is empty.
    fn read_stream<'a>(
        &'a self,
        stream: &'a str,
        from_revision: u64,
        max_events: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, ReadError>>;

    /// Events of all streams after a position (exclusive), at most `max_events`. Empty: there are no more yet.
    fn read_all(
        &self,
        after: Option<Position>,
        max_events: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>>;

    /// The one event at a position.
    fn event_at(&self, position: Position) -> BoxFuture<'_, Result<RecordedEvent, ReadError>>;

    /// Names of all streams that start with a prefix, sorted.
    fn streams_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<std::sync::Arc<str>>, ReadError>>;

    /// Position of the last event on disk, now and as it moves on.
    fn watch_last_position(&self) -> watch::Receiver<Option<Position>>;
}

const READ_CHUNK_BYTES: usize = 1 << 20;

impl EventStore for terrarium_eventstore::EventStore {
    fn append(
        &self,
        commits: Vec<ProposedCommit>,
    ) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>> {
        Box::pin(terrarium_eventstore::EventStore::append(self, commits))
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a str,
        from_revision: u64,
        max_events: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, ReadError>> {
        Box::pin(async move {
            terrarium_eventstore::EventStore::read_stream(self, stream, from_revision, max_events)
        })
    }

    fn read_all(
        &self,
        after: Option<Position>,
        max_events: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        Box::pin(async move {
            let mut from = after;
            loop {
                let mut events = terrarium_eventstore::EventStore::read_all(
                    self,
                    from,
                    max_events,
                    READ_CHUNK_BYTES,
                )?;
                let Some(last) = events.last() else {
                    return Ok(events);
                };
                from = Some(last.position);
                events.retain(|event| !event.stream.starts_with('$'));
                if !events.is_empty() {
                    return Ok(events);
                }
            }
        })
    }

    fn event_at(&self, position: Position) -> BoxFuture<'_, Result<RecordedEvent, ReadError>> {
        Box::pin(async move { terrarium_eventstore::EventStore::event_at(self, position) })
    }

    fn streams_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<std::sync::Arc<str>>, ReadError>> {
        Box::pin(async move {
            let mut names = terrarium_eventstore::EventStore::list_streams(self, prefix)?;
            names.retain(|name| !name.starts_with('$'));
            Ok(names)
        })
    }

    fn watch_last_position(&self) -> watch::Receiver<Option<Position>> {
        terrarium_eventstore::EventStore::watch_last_position(self)
    }
}

/// Follows all events of a store from a position on: first what is there, then live, each event once and in order.
pub struct Subscription {
    store: std::sync::Arc<dyn EventStore>,
    after: Option<Position>,
    last_position: watch::Receiver<Option<Position>>,
}

impl Subscription {
    /// Starts after a position (exclusive); `None` is before the first event.
    pub fn new(store: std::sync::Arc<dyn EventStore>, after: Option<Position>) -> Subscription {
        let last_position = store.watch_last_position();
        Subscription {
            store,
            after,
            last_position,
        }
    }

    /// Position of the last event handed out.
    pub fn position(&self) -> Option<Position> {
        self.after
    }

    /// The next events, at most `max_events`; empty when all events on disk were handed out.
    pub async fn available(&mut self, max_events: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.last_position.mark_unchanged();
        let events = self.store.read_all(self.after, max_events).await?;
        if let Some(last) = events.last() {
            self.after = Some(last.position);
        }
        Ok(events)
    }

    /// Waits until there may be more events than [`Subscription::available`] has found. False: the store was closed.
    pub async fn grown(&mut self) -> bool {
        self.last_position.changed().await.is_ok()
    }
}
