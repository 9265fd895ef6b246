//! Answers that are read by the page, as the client takes them: pages that the disk may have to give on threads that may wait for
//! it.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::Stream;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tonic::Status;

use super::failure::server_is_stopping;
use super::read_answer::{AnswerPage, PageAnswers, ReadAnswer};
use crate::page::PageLimit;

/// What is read from the log at a time.
pub(super) const PAGE: PageLimit = PageLimit {
    events: 256,
    bytes: 1024 * 1024,
};

pub(super) type Answers = Pin<Box<dyn Stream<Item = Result<ReadAnswer, Status>> + Send>>;

pub(super) fn at_most(most: usize) -> PageLimit {
    PageLimit {
        events: PAGE.events.min(most),
        ..PAGE
    }
}

/// What answers are read from, page by page.
pub(super) trait PageReader: Send + Unpin + 'static {
    /// The next page, perhaps empty; `None` after the last.
    fn next_page(&mut self) -> NextPage;

    /// Whether the disk may have to be waited for.
    fn is_cold(&self) -> bool;
}

pub(super) type NextPage = Result<Option<AnswerPage>, Status>;

/// Answers by the page; each page is read when the one before it was taken.
pub(super) struct Pages<S> {
    reader: Reader<S>,
    page: PageAnswers,
}

/// Where the reader is.
enum Reader<S> {
    Here(S),
    /// On a thread that may wait for the disk.
    Away(JoinHandle<(S, NextPage)>),
    /// After the last page or a failure.
    Gone,
}

impl<S> Pages<S> {
    pub fn new(reader: S) -> Pages<S> {
        Pages {
            reader: Reader::Here(reader),
            page: PageAnswers::default(),
        }
    }

    /// After a first page that was read already.
    pub fn after(first: Option<AnswerPage>, reader: S) -> Pages<S> {
        Pages {
            page: first.map_or_else(PageAnswers::default, AnswerPage::into_answers),
            ..Pages::new(reader)
        }
    }
}

impl<S: PageReader> Stream for Pages<S> {
    type Item = Result<ReadAnswer, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pages = self.get_mut();
        loop {
            if let Some(answer) = pages.page.next() {
                return Poll::Ready(Some(Ok(answer)));
            }
            let next = match std::mem::replace(&mut pages.reader, Reader::Gone) {
                Reader::Gone => return Poll::Ready(None),
                Reader::Here(reader) if reader.is_cold() => {
                    pages.reader = Reader::Away(read_away(reader));
                    continue;
                }
                Reader::Here(mut reader) => {
                    let next = reader.next_page();
                    pages.reader = Reader::Here(reader);
                    next
                }
                Reader::Away(mut reading) => match Pin::new(&mut reading).poll(context) {
                    Poll::Pending => {
                        pages.reader = Reader::Away(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok((reader, next))) => {
                        pages.reader = Reader::Here(reader);
                        next
                    }
                    Poll::Ready(Err(error)) => Err(not_read(error)),
                },
            };
            match next {
                Ok(Some(page)) if page.len() == 0 => {
                    // Nothing to send that could wait for the client: whoever looks for what is not there gives way.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Some(page)) => pages.page = page.into_answers(),
                Ok(None) => pages.reader = Reader::Gone,
                Err(status) => {
                    pages.reader = Reader::Gone;
                    return Poll::Ready(Some(Err(status)));
                }
            }
        }
    }
}

pub(super) fn read_away<S: PageReader>(mut reader: S) -> JoinHandle<(S, NextPage)> {
    spawn_blocking(move || {
        let next = reader.next_page();
        (reader, next)
    })
}

pub(super) fn not_read(error: JoinError) -> Status {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        // The runtime is going away.
        Err(_) => server_is_stopping(),
    }
}
