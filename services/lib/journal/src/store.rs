//! The [`EventStore`] port: what the rest of the system needs of an event store, and no more.

use futures::future::BoxFuture;
use tokio::sync::watch;

use terrarium_eventstore::Walk;
pub use terrarium_eventstore::{
    AppendError, Appended, ContentType, EventRef, Position, ProposedCommit, ProposedEvent,
    ReadError, RecordedEvent, Ticks,
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

    /// Gives the events of all streams from a place on to `visit`, at most `max_events`, and moves the place behind them; answers
    /// how many. 0: there are no more yet.
    ///
    /// What [`read_all`](Self::read_all) reads, without copies where the store has none to make.
    fn visit_all<'a>(
        &'a self,
        place: &'a mut Place,
        max_events: usize,
        visit: &'a mut (dyn FnMut(&EventRef<'_>) + Send),
    ) -> BoxFuture<'a, Result<usize, ReadError>> {
        Box::pin(async move {
            let events = self.read_all(place.after, max_events).await?;
            events.iter().for_each(|event| visit(&event.view()));
            if let Some(last) = events.last() {
                place.after = Some(last.position);
            }
            Ok(events.len())
        })
    }

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

/// Where a reader of all events is: behind the event at a position, or before the first one.
#[derive(Debug, Default)]
pub struct Place {
    after: Option<Position>,
    /// How the embedded store goes on from there.
    walk: Option<Walk>,
}

impl Place {
    /// Behind the event at a position; `None` is before the first event.
    pub fn after(after: Option<Position>) -> Place {
        Place { after, walk: None }
    }
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

    fn visit_all<'a>(
        &'a self,
        place: &'a mut Place,
        max_events: usize,
        visit: &'a mut (dyn FnMut(&EventRef<'_>) + Send),
    ) -> BoxFuture<'a, Result<usize, ReadError>> {
        Box::pin(async move {
            let walk = match &mut place.walk {
                Some(walk) => walk,
                none => none.insert(self.walk(place.after)?),
            };
            let Some(walked) = walk.page(max_events, READ_CHUNK_BYTES, visit)? else {
                return Ok(0);
            };
            place.after = Some(walked.last);
            Ok(walked.events)
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
    place: Place,
    last_position: watch::Receiver<Option<Position>>,
}

impl Subscription {
    /// Starts after a position (exclusive); `None` is before the first event.
    pub fn new(store: std::sync::Arc<dyn EventStore>, after: Option<Position>) -> Subscription {
        let last_position = store.watch_last_position();
        Subscription {
            store,
            place: Place::after(after),
            last_position,
        }
    }

    /// Position of the last event handed out.
    pub fn position(&self) -> Option<Position> {
        self.place.after
    }

    /// The next events, at most `max_events`; empty when all events on disk were handed out.
    pub async fn available(&mut self, max_events: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.last_position.mark_unchanged();
        let events = self.store.read_all(self.place.after, max_events).await?;
        if let Some(last) = events.last() {
            self.place = Place::after(Some(last.position));
        }
        Ok(events)
    }

    /// Gives the next events to `visit`, at most `max_events`; answers how many. 0: all events on disk were handed out.
    pub async fn visit_available(
        &mut self,
        max_events: usize,
        visit: &mut (dyn FnMut(&EventRef<'_>) + Send),
    ) -> Result<usize, ReadError> {
        self.last_position.mark_unchanged();
        self.store
            .visit_all(&mut self.place, max_events, visit)
            .await
    }

    /// Waits until there may be more events than [`Subscription::available`] has found. False: the store was closed.
    pub async fn grown(&mut self) -> bool {
        self.last_position.changed().await.is_ok()
    }
}
