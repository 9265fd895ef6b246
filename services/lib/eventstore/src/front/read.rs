//! The answers to Read: a number of events, or a subscription.

use std::sync::Arc;

use tonic::Status;

use super::failure::{read_status, stream_deleted};
use super::follow::{follow_all, follow_stream};
use super::pages::{Answers, NextPage, PageReader, Pages, at_most, not_read, read_away};
use super::protocol::streams::read_resp::{Content, StreamNotFound};
use super::read_all::{AllRead, Walk};
use super::read_answer::AnswerPage;
use super::reply::stream_identifier;
use super::request::{Extent, ReadRequest, Source, Start};
use crate::all_page::AllCursor;
use crate::error::ReadError;
use crate::event::{Position, RecordedEvent};
use crate::links::{LINK_TYPE, ResolvedEvent};
use crate::page::{Direction, PageLimit, StreamPage};
use crate::replay::EventRef;
use crate::store::EventStore;

/// Begins to answer. What fails before the first event fails the call itself.
pub(super) async fn answer(store: &EventStore, request: ReadRequest) -> Result<Answers, Status> {
    let store = store.clone();
    let structured_ids = request.structured_ids;
    match (request.source, request.extent) {
        (Source::Stream { name, start }, Extent::Count(count)) => {
            let read = StreamRead {
                store,
                name,
                next: match (start, request.direction) {
                    (Start::At(revision), _) => Next::At(revision),
                    (Start::Beginning, Direction::Forwards)
                    | (Start::End, Direction::Backwards) => Next::First,
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
            };
            read.answers().await
        }
        (Source::All { start }, Extent::Count(count)) => {
            if let Start::At(position) = start {
                let contents = store.contents();
                let is_cold = contents.is_cold(AllCursor::ForwardsFrom(position));
                let check = move |store: &EventStore| store.contents().check_position(position);
                store.read_by(is_cold, check).await?;
            }
            let walk = match (start, request.direction) {
                (Start::Beginning, Direction::Forwards) => Walk::forwards(None),
                (Start::At(position), Direction::Forwards) => {
                    Walk::forwards(position.0.checked_sub(1).map(Position))
                }
                (Start::End, Direction::Forwards) => Walk::Done,
                (Start::Beginning, Direction::Backwards) => Walk::Done,
                (Start::At(position), Direction::Backwards) => {
                    Walk::Backwards(AllCursor::BackwardsBefore(position))
                }
                (Start::End, Direction::Backwards) => Walk::Backwards(AllCursor::END),
            };
            Ok(AllRead {
                store,
                walk,
                left: count,
                filter: request.filter,
                resolve_links: request.resolve_links,
                structured_ids,
            }
            .answers())
        }
        (Source::Stream { name, start }, Extent::Subscription) => {
            follow_stream(store, name, start, request.resolve_links, structured_ids).await
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
    async fn answers(self) -> Result<Answers, Status> {
        // The first page is read at once, because a deleted stream fails the call and not the stream of answers.
        let (reader, first) = if self.is_cold() {
            read_away(self).await.map_err(not_read)?
        } else {
            let mut reader = self;
            let first = reader.next_page();
            (reader, first)
        };
        Ok(Box::pin(Pages::after(first?, reader)))
    }

    fn limit(&self) -> PageLimit {
        at_most(usize::try_from(self.left).unwrap_or(usize::MAX))
    }
}

impl PageReader for StreamRead {
    fn is_cold(&self) -> bool {
        let from = match self.next {
            Next::First => None,
            Next::At(revision) => Some(revision),
            Next::Nowhere => return false,
        };
        let contents = self.store.contents();
        contents.is_stream_cold(&self.name, from, self.direction, self.limit())
    }

    fn next_page(&mut self) -> NextPage {
        let from = match self.next {
            Next::First => None,
            Next::At(revision) => Some(revision),
            Next::Nowhere => return Ok(None),
        };
        let limit = self.limit();
        let page = self
            .store
            .read_page(&self.name, from, self.direction, limit, self.resolve_links)
            .map_err(|error| read_status(&error))?;
        let is_first_page = std::mem::replace(&mut self.is_first_page, false);
        let mut answers = AnswerPage::new(self.structured_ids);
        let (events, next, first_revision, last_revision) = match page {
            StreamPage::Tombstoned { .. } => return Err(stream_deleted(&self.name)),
            StreamPage::NotFound => {
                self.next = Next::Nowhere;
                let not_found = Content::StreamNotFound(StreamNotFound {
                    stream_identifier: Some(stream_identifier(&self.name)),
                });
                if !is_first_page {
                    return Ok(None);
                }
                answers.push_content(not_found);
                return Ok(Some(answers));
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
        for event in &events {
            push_resolved(&mut answers, event);
        }
        if matches!(self.next, Next::Nowhere) && self.tells_ends {
            if !self.has_events && first_revision > 0 {
                answers.push_content(Content::FirstStreamPosition(first_revision));
            }
            answers.push_content(Content::LastStreamPosition(last_revision));
        }
        Ok(Some(answers))
    }
}

/// Adds an event, and what it points to if it is a link and links are resolved.
pub(super) fn push_event(
    store: &EventStore,
    answers: &mut AnswerPage,
    event: &EventRef<'_>,
    resolve_links: bool,
) -> Result<(), Status> {
    if !resolve_links || event.event_type != LINK_TYPE {
        answers.push_event(Some(event), None);
        return Ok(());
    }
    let target = store.resolve_link_to(event.data)?;
    answers.push_event(
        target.as_ref().map(RecordedEvent::view).as_ref(),
        Some(event),
    );
    Ok(())
}

pub(super) fn push_resolved(answers: &mut AnswerPage, resolved: &ResolvedEvent) {
    let event = resolved.event.as_ref().map(RecordedEvent::view);
    let link = resolved.link.as_ref().map(RecordedEvent::view);
    answers.push_event(event.as_ref(), link.as_ref());
}

impl From<ReadError> for Status {
    fn from(error: ReadError) -> Status {
        read_status(&error)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;
    use futures::stream::StreamExt;
    use terrarium_eventlog::{LogSettings, RealDisk};
    use uuid::Uuid;

    use super::super::pages::PAGE;
    use super::*;
    use crate::clock::Clock;
    use crate::event::{ContentType, ProposedCommit, ProposedEvent};
    use crate::filter::{Filter, FilterOn};
    use crate::subscribe::AllItem;

    /// No segment is ever full.
    const WHOLE: u64 = 1 << 30;

    const EVENTS: usize = 20 * PAGE.events;

    /// A store with many events, and how often others got their turn while `work` was done on the only thread.
    async fn turns_while<F>(segment_bytes: u64, work: impl FnOnce(EventStore) -> F) -> u32
    where
        F: Future<Output = ()>,
    {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let settings = LogSettings {
            segment_bytes,
            ..LogSettings::default()
        };
        let open = || {
            let clock = Clock::system();
            let opened = EventStore::open_settings(&RealDisk, folder.path(), clock, settings);
            opened.expect("a store opens").0
        };
        let store = open();
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
            events: (0..EVENTS).map(event).collect(),
        };
        for result in store.append(vec![commit]).await {
            result.expect("appended");
        }
        // A full segment is sealed some time after the answer; who closes waits for it.
        store.close();
        let store = open();
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
        let turns = turns_while(WHOLE, |store| async {
            let read = AllRead {
                store,
                walk: Walk::forwards(None),
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
        let turns = turns_while(WHOLE, |store| async move {
            let mut subscription = store.subscribe_to_all(None, Some(nothing()));
            let items = subscription.next().await.expect("caught up");
            assert!(matches!(items.last(), Some(AllItem::CaughtUp)));
        })
        .await;
        assert!(turns >= 10, "{turns} turns");
    }

    fn all_of(store: EventStore, walk: Walk) -> Answers {
        AllRead {
            store,
            walk,
            left: u64::MAX,
            filter: None,
            resolve_links: false,
            structured_ids: false,
        }
        .answers()
    }

    fn stream_of(store: EventStore, direction: Direction) -> StreamRead {
        StreamRead {
            store,
            name: Arc::from("a"),
            next: Next::First,
            direction,
            left: u64::MAX,
            is_first_page: true,
            has_events: false,
            resolve_links: false,
            structured_ids: false,
            tells_ends: false,
        }
    }

    /// Reads all that there is, in one way or another.
    async fn read_in_way(store: EventStore, way: usize) {
        let answers = match way {
            0 => all_of(store, Walk::forwards(None)),
            1 => all_of(store, Walk::Backwards(AllCursor::END)),
            2 | 3 => {
                let directions = [Direction::Forwards, Direction::Backwards];
                let read = stream_of(store, directions[way - 2]).answers();
                read.await.expect("the stream is there")
            }
            4 => {
                let mut subscription = store.subscribe_to_all(None, None);
                let mut events = 0;
                while events < EVENTS {
                    events += subscription.next().await.expect("an event").len();
                }
                return;
            }
            _ => {
                let mut subscription = store.subscribe_to_stream("a", None, false);
                let mut events = 0;
                while events < EVENTS {
                    events += subscription.next().await.expect("an event").len();
                }
                return;
            }
        };
        assert_eq!(answers.count().await, EVENTS);
    }

    #[tokio::test]
    async fn whoever_reads_sealed_segments_keeps_no_one_waiting_for_the_disk() {
        for way in 0..6 {
            // The one commit is sealed at once.
            let turns = turns_while(1, |store| read_in_way(store, way)).await;
            assert!(turns >= 10, "way {way}: {turns} turns");
        }
    }
}
