//! The answers of a subscription: what is on record, then what is recorded.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use tonic::Status;
use uuid::Uuid;

use super::failure::{server_is_stopping, stream_deleted, subscription_status};
use super::pages::{Answers, at_most};
use super::protocol::streams::read_resp::{
    CaughtUp, Checkpoint, Content, SubscriptionConfirmation,
};
use super::read::{push_event, push_resolved};
use super::read_answer::{AnswerPage, PageAnswers, ReadAnswer};
use super::request::Start;
use crate::error::ReadError;
use crate::event::Position;
use crate::filter::Filter;
use crate::page::{Direction, StreamPage};
use crate::store::EventStore;
use crate::subscribe::{AllItem, StreamItem};

fn confirmation() -> Result<ReadAnswer, Status> {
    Ok(ReadAnswer::of_content(Content::Confirmation(
        SubscriptionConfirmation {
            subscription_id: Uuid::new_v4().to_string(),
        },
    )))
}

pub(super) async fn follow_stream(
    store: EventStore,
    name: Arc<str>,
    start: Start<u64>,
    resolve_links: bool,
    structured_ids: bool,
) -> Result<Answers, Status> {
    let after = match start {
        Start::Beginning => None,
        Start::At(revision) => Some(revision),
        Start::End => {
            let name = Arc::clone(&name);
            let read = move |store: &EventStore| last_revision(store, &name);
            store.read_by(true, read).await?
        }
    };
    let subscription = store.subscribe_to_stream(&name, after, resolve_links);
    // `None` ends the stream of answers, after its failure was sent.
    let events = stream::unfold(Some(subscription), move |subscription| {
        let name = Arc::clone(&name);
        async move {
            let mut subscription = subscription?;
            let items = match subscription.next().await {
                Ok(items) => items,
                Err(error) => return Some((Followed::Failed(subscription_status(&error)), None)),
            };
            let mut answers = AnswerPage::new(structured_ids);
            let mut end = None;
            for item in &items {
                match item {
                    StreamItem::Event(event) => push_resolved(&mut answers, event),
                    StreamItem::CaughtUp => answers.push_content(Content::CaughtUp(CaughtUp {})),
                    StreamItem::Tombstoned(tombstone) => {
                        if let Some(event) = tombstone {
                            answers.push_event(Some(&event.view()), None);
                        }
                        end = Some(stream_deleted(&name));
                    }
                }
            }
            let subscription = end.is_none().then_some(subscription);
            Some((Followed::Answers(answers.into_answers(), end), subscription))
        }
    });
    Ok(followed(events))
}

/// What a subscription gives at a time.
enum Followed {
    /// Perhaps followed by its end.
    Answers(PageAnswers, Option<Status>),
    Failed(Status),
}

fn followed(events: impl Stream<Item = Followed> + Send + 'static) -> Answers {
    let answers = events.flat_map(|followed| {
        let (page, end) = match followed {
            Followed::Answers(page, end) => (page, end),
            Followed::Failed(status) => (PageAnswers::default(), Some(status)),
        };
        stream::iter(page.map(Ok).chain(end.map(Err)))
    });
    Box::pin(stream::iter([confirmation()]).chain(answers))
}

/// Revision of the newest event, also of a stream that was deleted softly and may go on.
fn last_revision(store: &EventStore, name: &str) -> Result<Option<u64>, ReadError> {
    match store.read_page(name, None, Direction::Backwards, at_most(1), false)? {
        StreamPage::Events { last_revision, .. } => Ok(Some(last_revision)),
        StreamPage::NotFound | StreamPage::Tombstoned { .. } => {
            Ok(store.stream_revision(name).checked_sub(1))
        }
    }
}

pub(super) fn follow_all(
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
                Err(error) => return Some((Followed::Failed(subscription_status(&error)), None)),
            };
            let mut answers = AnswerPage::new(structured_ids);
            for item in &items {
                match item {
                    AllItem::Event(event) => {
                        let pushed = push_event(&store, &mut answers, &event.view(), resolve_links);
                        if let Err(status) = pushed {
                            let answers = answers.into_answers();
                            return Some((Followed::Answers(answers, Some(status)), None));
                        }
                    }
                    AllItem::Checkpoint(position) => {
                        answers.push_content(Content::Checkpoint(Checkpoint {
                            commit_position: position.0,
                            prepare_position: position.0,
                        }));
                    }
                    AllItem::CaughtUp => answers.push_content(Content::CaughtUp(CaughtUp {})),
                }
            }
            let answers = answers.into_answers();
            Some((Followed::Answers(answers, None), Some(subscription)))
        }
    });
    followed(events)
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
