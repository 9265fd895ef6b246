//! Following events: first what is there, then "caught up", then each event as it becomes durable.
//!
//! There is no buffer that could overflow: a subscription reads from the log at the pace of whoever asks it, and one that
//! falls a page behind is catching up again.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;

use crate::all_page::AllCursor;
use crate::error::ReadError;
use crate::event::{Position, RecordedEvent};
use crate::filter::{Filter, FilterError};
use crate::links::ResolvedEvent;
use crate::page::{Direction, PageLimit, StreamPage};
use crate::store::EventStore;

/// What a subscription reads at a time.
const PAGE: PageLimit = PageLimit {
    events: 256,
    bytes: 1024 * 1024,
};

/// What a subscription to all events hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllItem {
    Event(RecordedEvent),
    /// Everything up to here was looked at; whoever starts again may start after it.
    Checkpoint(Position),
    /// What follows is new.
    CaughtUp,
}

/// What a subscription to a stream hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamItem {
    Event(ResolvedEvent),
    /// What follows is new.
    CaughtUp,
    /// The stream was deleted for ever, by this event if it happened while subscribed. There is no more.
    Tombstoned(Option<RecordedEvent>),
}

/// Why a subscription ends.
#[derive(Debug, Error)]
pub enum SubscriptionError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("the event store was closed: subscribe again when it is open")]
    Closed,
}

/// Follows all events.
#[derive(Debug)]
pub struct AllSubscription {
    store: EventStore,
    cursor: AllCursor,
    filter: Option<Filter>,
    grown: watch::Receiver<Option<Position>>,
    is_live: bool,
    /// Events looked at since the last checkpoint.
    considered: u64,
    last_considered: Option<Position>,
    last_checkpoint: Option<Position>,
}

impl AllSubscription {
    pub(crate) fn new(
        store: EventStore,
        after: Option<Position>,
        filter: Option<Filter>,
    ) -> AllSubscription {
        let grown = store.watch_last_position();
        let cursor = match after {
            None => AllCursor::START,
            Some(after) => AllCursor::START.after(after),
        };
        AllSubscription {
            store,
            cursor,
            filter,
            grown,
            is_live: false,
            considered: 0,
            last_considered: after,
            last_checkpoint: None,
        }
    }

    /// The next items, at least one; waits for events when all that is durable was handed out.
    pub async fn next(&mut self) -> Result<Vec<AllItem>, SubscriptionError> {
        loop {
            self.grown.mark_unchanged();
            let cursor = self.cursor;
            let is_cold = self.store.contents().is_cold(cursor);
            let read = move |store: &EventStore| store.read_all_page(cursor, PAGE);
            let events = self.store.read_by(is_cold, read).await?;
            let items = if events.is_empty() {
                if self.is_live {
                    self.grown
                        .changed()
                        .await
                        .map_err(|_| SubscriptionError::Closed)?;
                    continue;
                }
                self.catch_up()
            } else {
                if events.len() == PAGE.events {
                    self.is_live = false;
                }
                self.take(events)?
            };
            if !items.is_empty() {
                return Ok(items);
            }
            // A filter that lets nothing through must not hold the thread until the end of the log.
            tokio::task::yield_now().await;
        }
    }

    fn catch_up(&mut self) -> Vec<AllItem> {
        self.is_live = true;
        let mut items = Vec::new();
        if self.filter.is_some()
            && let Some(position) = self.last_considered
        {
            self.checkpoint(position, &mut items);
        }
        items.push(AllItem::CaughtUp);
        items
    }

    fn take(&mut self, events: Vec<RecordedEvent>) -> Result<Vec<AllItem>, SubscriptionError> {
        let mut items = Vec::with_capacity(events.len());
        for event in events {
            let position = event.position;
            self.cursor = self.cursor.after(position);
            let Some(filter) = &mut self.filter else {
                items.push(AllItem::Event(event));
                continue;
            };
            let is_due = self.considered + 1 >= filter.checkpoint_every();
            if filter.lets_through(&event)? {
                items.push(AllItem::Event(event));
            }
            self.considered += 1;
            self.last_considered = Some(position);
            if is_due {
                self.checkpoint(position, &mut items);
            }
        }
        Ok(items)
    }

    fn checkpoint(&mut self, position: Position, items: &mut Vec<AllItem>) {
        self.considered = 0;
        if self.last_checkpoint != Some(position) {
            self.last_checkpoint = Some(position);
            items.push(AllItem::Checkpoint(position));
        }
    }
}

/// Follows one stream, which need not exist yet.
#[derive(Debug)]
pub struct StreamSubscription {
    store: EventStore,
    stream: Arc<str>,
    next_revision: u64,
    resolve_links: bool,
    grown: watch::Receiver<Option<Position>>,
    is_live: bool,
    has_begun: bool,
}

impl StreamSubscription {
    pub(crate) fn new(
        store: EventStore,
        stream: &str,
        after: Option<u64>,
        resolve_links: bool,
    ) -> StreamSubscription {
        let grown = store.watch_last_position();
        StreamSubscription {
            store,
            stream: Arc::from(stream),
            next_revision: after.map_or(0, |after| after.saturating_add(1)),
            resolve_links,
            grown,
            is_live: false,
            has_begun: false,
        }
    }

    async fn read_page(&self) -> Result<StreamPage, ReadError> {
        let (stream, resolve_links) = (Arc::clone(&self.stream), self.resolve_links);
        let (from, direction) = (Some(self.next_revision), Direction::Forwards);
        // Whoever is live is at the end, where the unsealed segment is.
        let contents = self.store.contents();
        let is_cold = !self.is_live && contents.is_stream_cold(&stream, from, direction, PAGE);
        let read = move |store: &EventStore| {
            store.read_page(&stream, from, direction, PAGE, resolve_links)
        };
        self.store.read_by(is_cold, read).await
    }

    /// The next items, at least one; waits for events when all that is durable was handed out.
    pub async fn next(&mut self) -> Result<Vec<StreamItem>, SubscriptionError> {
        loop {
            self.grown.mark_unchanged();
            let page = self.read_page().await?;
            let events = match page {
                StreamPage::Tombstoned { position } => {
                    let tombstone = self
                        .has_begun
                        .then(|| self.store.event_at(position))
                        .transpose()?;
                    return Ok(vec![StreamItem::Tombstoned(tombstone)]);
                }
                StreamPage::NotFound => Vec::new(),
                StreamPage::Events {
                    events,
                    next: Some(next),
                    ..
                } if events.is_empty() => {
                    // What was scavenged is passed over in parts, so that nobody is kept waiting.
                    self.next_revision = next;
                    tokio::task::yield_now().await;
                    continue;
                }
                StreamPage::Events {
                    events,
                    last_revision,
                    ..
                } => {
                    if events.is_empty() {
                        self.next_revision = self.next_revision.max(last_revision + 1);
                    }
                    events
                }
            };
            self.has_begun = true;
            if let Some(last) = events.last() {
                if events.len() == PAGE.events {
                    self.is_live = false;
                }
                self.next_revision = last.original().revision + 1;
                return Ok(events.into_iter().map(StreamItem::Event).collect());
            }
            if !self.is_live {
                self.is_live = true;
                return Ok(vec![StreamItem::CaughtUp]);
            }
            self.grown
                .changed()
                .await
                .map_err(|_| SubscriptionError::Closed)?;
        }
    }
}
