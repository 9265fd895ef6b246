//! The answers to Read: a number of events, or a subscription. Pages are read as the client takes them.

use std::pin::Pin;
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use tonic::Status;
use uuid::Uuid;

use super::failure::{
    filter_status, read_status, server_is_stopping, stream_deleted, subscription_status,
};
use super::protocol::streams::ReadResp;
use super::protocol::streams::read_resp::{
    CaughtUp, Checkpoint, Content, StreamNotFound, SubscriptionConfirmation,
};
use super::reply::{read_content, read_event, stream_identifier};
use super::request::{Extent, ReadRequest, Source, Start};
use crate::event::{Position, RecordedEvent};
use crate::filter::Filter;
use crate::page::{AllCursor, Direction, LINK_TYPE, PageLimit, StreamPage};
use crate::store::EventStore;
use crate::subscribe::{AllItem, StreamItem};

/// What is read from the log at a time.
const PAGE: PageLimit = PageLimit {
    events: 256,
    bytes: 1024 * 1024,
};

pub(super) type Answers = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

/// Begins to answer. What fails before the first event fails the call itself.
pub(super) fn answer(store: &EventStore, request: ReadRequest) -> Result<Answers, Status> {
    let store = store.clone();
    let structured_ids = request.structured_ids;
    match (request.source, request.extent) {
        (Source::Stream { name, start }, Extent::Count(count)) => StreamRead {
            store,
            name,
            next: match (start, request.direction) {
                (Start::At(revision), _) => Next::At(revision),
                (Start::Beginning, Direction::Forwards) | (Start::End, Direction::Backwards) => {
                    Next::First
                }
                (Start::Beginning, Direction::Backwards) => Next::At(0),
                (Start::End, Direction::Forwards) => Next::At(u64::MAX),
            },
            direction: request.direction,
            left: count,
            is_first_page: true,
            has_events: false,
            resolve_links: request.resolve_links,
            structured_ids,
            tells_ends: request.tells_ends,
        }
        .answers(),
        (Source::All { start }, Extent::Count(count)) => {
            let cursor = match (start, request.direction) {
                (Start::Beginning, Direction::Forwards) => AllCursor::START,
                (Start::At(position), Direction::Forwards) => AllCursor::ForwardsFrom(position),
                (Start::End, Direction::Forwards) => AllCursor::ForwardsFrom(Position(u64::MAX)),
                (Start::Beginning, Direction::Backwards) => AllCursor::BackwardsBefore(Position(0)),
                (Start::At(position), Direction::Backwards) => AllCursor::BackwardsBefore(position),
                (Start::End, Direction::Backwards) => AllCursor::END,
            };
            Ok(AllRead {
                store,
                cursor: Some(cursor),
                left: count,
                filter: request.filter,
                resolve_links: request.resolve_links,
                structured_ids,
            }
            .answers())
        }
        (Source::Stream { name, start }, Extent::Subscription) => {
            follow_stream(&store, &name, &start, request.resolve_links, structured_ids)
        }
        (Source::All { start }, Extent::Subscription) => Ok(follow_all(
            &store,
            &start,
            request.filter,
            request.resolve_links,
            structured_ids,
        )),
    }
}

/// A stream of pages, each read when the one before it was taken.
fn pages<S, F>(state: S, next_page: F) -> Answers
where
    S: Send + 'static,
    F: Fn(&mut S) -> Result<Option<Vec<ReadResp>>, Status> + Send + 'static,
{
    Box::pin(
        stream::try_unfold((state, next_page), |(mut state, next_page)| async move {
            let page = next_page(&mut state)?;
            if page.as_ref().is_some_and(Vec::is_empty) {
                // Nothing to send that could wait for the client: whoever looks for what is not there gives way.
                tokio::task::yield_now().await;
            }
            Ok::<_, Status>(page.map(|page| {
                (
                    stream::iter(page.into_iter().map(Ok::<_, Status>)),
                    (state, next_page),
                )
            }))
        })
        .try_flatten(),
    )
}

/// Where the next page of a stream begins.
#[derive(Clone, Copy)]
enum Next {
    First,
    At(u64),
    Nowhere,
}

/// A number of events of a stream.
struct StreamRead {
    store: EventStore,
    name: Arc<str>,
    next: Next,
    direction: Direction,
    left: u64,
    is_first_page: bool,
    has_events: bool,
    resolve_links: bool,
    structured_ids: bool,
    tells_ends: bool,
}

impl StreamRead {
    fn answers(mut self) -> Result<Answers, Status> {
        // The first page is read at once, because a deleted stream fails the call and not the stream of answers.
        let first = self.next_page()?.unwrap_or_default();
        let rest = pages(self, StreamRead::next_page);
        Ok(Box::pin(
            stream::iter(first.into_iter().map(Ok)).chain(rest),
        ))
    }

    fn next_page(&mut self) -> Result<Option<Vec<ReadResp>>, Status> {
        let from = match self.next {
            Next::First => None,
            Next::At(revision) => Some(revision),
            Next::Nowhere => return Ok(None),
        };
        let limit = PageLimit {
            events: PAGE
                .events
                .min(usize::try_from(self.left).unwrap_or(usize::MAX)),
            ..PAGE
        };
        let page = self
            .store
            .read_page(&self.name, from, self.direction, limit, self.resolve_links)
            .map_err(|error| read_status(&error))?;
        let is_first_page = std::mem::replace(&mut self.is_first_page, false);
        let (events, next, first_revision, last_revision) = match page {
            StreamPage::Tombstoned { .. } => return Err(stream_deleted(&self.name)),
            StreamPage::NotFound => {
                self.next = Next::Nowhere;
                let not_found = Content::StreamNotFound(StreamNotFound {
                    stream_identifier: Some(stream_identifier(&self.name)),
                });
                return Ok(is_first_page.then(|| vec![read_content(not_found)]));
            }
            StreamPage::Events {
                events,
                next,
                first_revision,
                last_revision,
            } => (events, next, first_revision, last_revision),
        };
        self.left -= events.len() as u64;
        self.has_events |= !events.is_empty();
        self.next = match next {
            Some(next) if self.left > 0 => Next::At(next),
            _ => Next::Nowhere,
        };
        let mut answers: Vec<ReadResp> = events
            .into_iter()
            .map(|event| read_event(event.event, event.link, self.structured_ids))
            .collect();
        if matches!(self.next, Next::Nowhere) && self.tells_ends {
            if !self.has_events && first_revision > 0 {
                answers.push(read_content(Content::FirstStreamPosition(first_revision)));
            }
            answers.push(read_content(Content::LastStreamPosition(last_revision)));
        }
        Ok(Some(answers))
    }
}

/// A number of all events.
struct AllRead {
    store: EventStore,
    /// `None`: at the end.
    cursor: Option<AllCursor>,
    left: u64,
    filter: Option<Filter>,
    resolve_links: bool,
    structured_ids: bool,
}

impl AllRead {
    fn answers(self) -> Answers {
        pages(self, AllRead::next_page)
    }

    fn next_page(&mut self) -> Result<Option<Vec<ReadResp>>, Status> {
        let Some(cursor) = self.cursor.filter(|_| self.left > 0) else {
            return Ok(None);
        };
        let wanted = match self.filter {
            None => PAGE
                .events
                .min(usize::try_from(self.left).unwrap_or(usize::MAX)),
            Some(_) => PAGE.events,
        };
        let limit = PageLimit {
            events: wanted,
            ..PAGE
        };
        let events = self
            .store
            .read_all_page(cursor, limit)
            .map_err(|error| read_status(&error))?;
        self.cursor = events.last().map(|last| cursor.after(last.position));
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            let is_wanted = match &mut self.filter {
                None => true,
                Some(filter) => filter
                    .lets_through(&event)
                    .map_err(|error| filter_status(&error))?,
            };
            if is_wanted && self.left > 0 {
                self.left -= 1;
                answers.push(resolved(
                    &self.store,
                    event,
                    self.resolve_links,
                    self.structured_ids,
                )?);
            }
        }
        Ok(Some(answers))
    }
}

fn resolved(
    store: &EventStore,
    event: RecordedEvent,
    resolve_links: bool,
    structured_ids: bool,
) -> Result<ReadResp, Status> {
    if !resolve_links || &*event.event_type != LINK_TYPE {
        return Ok(read_event(Some(event), None, structured_ids));
    }
    let target = store
        .resolve_link(&event)
        .map_err(|error| read_status(&error))?;
    Ok(read_event(target, Some(event), structured_ids))
}

fn confirmation() -> Result<ReadResp, Status> {
    Ok(read_content(Content::Confirmation(
        SubscriptionConfirmation {
            subscription_id: Uuid::new_v4().to_string(),
        },
    )))
}

fn follow_stream(
    store: &EventStore,
    name: &Arc<str>,
    start: &Start<u64>,
    resolve_links: bool,
    structured_ids: bool,
) -> Result<Answers, Status> {
    let after = match start {
        Start::Beginning => None,
        Start::At(revision) => Some(*revision),
        Start::End => last_revision(store, name)?,
    };
    let subscription = store.subscribe_to_stream(name, after, resolve_links);
    let name = Arc::clone(name);
    // `None` ends the stream of answers, after its failure was sent.
    let events = stream::unfold(Some(subscription), move |subscription| {
        let name = Arc::clone(&name);
        async move {
            let mut subscription = subscription?;
            let items = match subscription.next().await {
                Ok(items) => items,
                Err(error) => return Some((vec![Err(subscription_status(&error))], None)),
            };
            let mut answers = Vec::with_capacity(items.len());
            for item in items {
                match item {
                    StreamItem::Event(event) => {
                        answers.push(Ok(read_event(event.event, event.link, structured_ids)));
                    }
                    StreamItem::CaughtUp => {
                        answers.push(Ok(read_content(Content::CaughtUp(CaughtUp {}))));
                    }
                    StreamItem::Tombstoned(tombstone) => {
                        answers.extend(
                            tombstone
                                .map(|event| Ok(read_event(Some(event), None, structured_ids))),
                        );
                        answers.push(Err(stream_deleted(&name)));
                        return Some((answers, None));
                    }
                }
            }
            Some((answers, Some(subscription)))
        }
    });
    let answers = events.flat_map(stream::iter);
    Ok(Box::pin(stream::iter([confirmation()]).chain(answers)))
}

/// Revision of the newest event, also of a stream that was deleted softly and may go on.
fn last_revision(store: &EventStore, name: &str) -> Result<Option<u64>, Status> {
    let newest = PageLimit { events: 1, ..PAGE };
    match store
        .read_page(name, None, Direction::Backwards, newest, false)
        .map_err(|error| read_status(&error))?
    {
        StreamPage::Events { last_revision, .. } => Ok(Some(last_revision)),
        StreamPage::NotFound | StreamPage::Tombstoned { .. } => {
            Ok(store.stream_revision(name).checked_sub(1))
        }
    }
}

fn follow_all(
    store: &EventStore,
    start: &Start<Position>,
    filter: Option<Filter>,
    resolve_links: bool,
    structured_ids: bool,
) -> Answers {
    let after = match start {
        Start::Beginning => None,
        Start::At(position) => Some(*position),
        Start::End => store.last_position(),
    };
    let subscription = store.subscribe_to_all(after, filter);
    let store = store.clone();
    let events = stream::unfold(Some(subscription), move |subscription| {
        let store = store.clone();
        async move {
            let mut subscription = subscription?;
            let items = match subscription.next().await {
                Ok(items) => items,
                Err(error) => return Some((vec![Err(subscription_status(&error))], None)),
            };
            let answers = items
                .into_iter()
                .map(|item| match item {
                    AllItem::Event(event) => resolved(&store, event, resolve_links, structured_ids),
                    AllItem::Checkpoint(position) => {
                        Ok(read_content(Content::Checkpoint(Checkpoint {
                            commit_position: position.0,
                            prepare_position: position.0,
                        })))
                    }
                    AllItem::CaughtUp => Ok(read_content(Content::CaughtUp(CaughtUp {}))),
                })
                .collect();
            Some((answers, Some(subscription)))
        }
    });
    let answers = events.flat_map(stream::iter);
    Box::pin(stream::iter([confirmation()]).chain(answers))
}

/// Ends answers that would never end by themselves when the server stops, so that the client looks for another.
pub(super) fn until_stopped(
    answers: Answers,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Answers {
    Box::pin(
        answers
            .take_until(stopped)
            .chain(stream::once(async { Err(server_is_stopping()) })),
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;

    use super::*;
    use crate::event::{ContentType, ProposedCommit, ProposedEvent};
    use crate::filter::FilterOn;

    /// A store with many events, and how often others got their turn while `work` was done on the only thread.
    async fn turns_while<F>(work: impl FnOnce(EventStore) -> F) -> u32
    where
        F: Future<Output = ()>,
    {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let (store, _) = EventStore::open(folder.path()).expect("an empty store opens");
        let event = |_| ProposedEvent {
            id: Uuid::new_v4(),
            event_type: Arc::from("happened"),
            content_type: ContentType::Binary,
            data: Bytes::new(),
            metadata: Bytes::new(),
        };
        let commit = ProposedCommit {
            stream: Arc::from("a"),
            expected_revision: 0,
            events: (0..20 * PAGE.events).map(event).collect(),
        };
        for result in store.append(vec![commit]).await {
            result.expect("appended");
        }
        let turns = Cell::new(0);
        let others = async {
            loop {
                turns.set(turns.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = work(store) => {}
            () = others => {}
        }
        turns.get()
    }

    fn nothing() -> Filter {
        let prefixes = vec!["there is no such".to_owned()];
        Filter::by_prefix(FilterOn::StreamName, prefixes, 1_000_000).expect("a filter")
    }

    #[tokio::test]
    async fn a_read_in_which_nothing_matches_gives_way_at_every_page() {
        let turns = turns_while(|store| async {
            let read = AllRead {
                store,
                cursor: Some(AllCursor::START),
                left: 1,
                filter: Some(nothing()),
                resolve_links: false,
                structured_ids: false,
            };
            assert_eq!(read.answers().count().await, 0);
        })
        .await;
        assert!(turns >= 10, "{turns} turns");
    }

    #[tokio::test]
    async fn a_subscription_to_which_nothing_matches_gives_way_at_every_page() {
        let turns = turns_while(|store| async move {
            let mut subscription = store.subscribe_to_all(None, Some(nothing()));
            let items = subscription.next().await.expect("caught up");
            assert!(matches!(items.last(), Some(AllItem::CaughtUp)));
        })
        .await;
        assert!(turns >= 10, "{turns} turns");
    }
}
