//! The answers to a Read of a number of all events.

use tonic::Status;

use super::failure::{filter_status, read_status};
use super::pages::{Answers, NextPage, PAGE, PageReader, Pages, at_most};
use super::read::push_event;
use super::read_answer::AnswerPage;
use crate::all_page::AllCursor;
use crate::error::ReadError;
use crate::event::Position;
use crate::filter::Filter;
use crate::replay::{EventRef, RecordedCommit, Replay};
use crate::store::EventStore;

/// Commits that are walked for one page, at most.
const PAGE_COMMITS: usize = 4 * PAGE.events;

/// A number of all events.
pub(super) struct AllRead {
    pub store: EventStore,
    pub walk: Walk,
    pub left: u64,
    pub filter: Option<Filter>,
    pub resolve_links: bool,
    pub structured_ids: bool,
}

/// Where a reader of all events is.
pub(super) enum Walk {
    Forwards {
        /// The last event that was looked at.
        after: Option<Position>,
        replay: Option<Box<Replay>>,
        /// A commit in the middle of which a page was full.
        begun: Option<Box<RecordedCommit>>,
        /// Whether the replay gave anything: if not, its end is the end of the log.
        has_moved: bool,
    },
    Backwards(AllCursor),
    Done,
}

impl Walk {
    pub fn forwards(after: Option<Position>) -> Walk {
        Walk::Forwards {
            after,
            replay: None,
            begun: None,
            has_moved: true,
        }
    }
}

impl AllRead {
    pub fn answers(self) -> Answers {
        Box::pin(Pages::new(self))
    }

    /// Adds the events of the next commits; true when there are no more.
    fn go_forwards(&mut self, answers: &mut AnswerPage) -> Result<bool, Status> {
        let Walk::Forwards {
            after,
            replay,
            begun,
            has_moved,
        } = &mut self.walk
        else {
            return Ok(true);
        };
        let mut considered = 0;
        // Also commits that have no events for the reader take a while.
        for _ in 0..PAGE_COMMITS {
            let mut commit = match begun.take() {
                Some(begun) => *begun,
                None => match replay.as_mut().and_then(Iterator::next) {
                    Some(commit) => commit?,
                    None if !*has_moved => return Ok(true),
                    None => {
                        // What was recorded since the replay began.
                        *replay = Some(Box::new(self.store.replay(*after)?));
                        *has_moved = false;
                        continue;
                    }
                },
            };
            let walked = commit.each(|event| {
                let is_full = considered >= PAGE.events || answers.encoded_bytes() >= PAGE.bytes;
                if is_full || self.left == 0 {
                    return Err(Interruption::PageIsFull);
                }
                *after = Some(event.position);
                *has_moved = true;
                considered += 1;
                if is_wanted(&mut self.filter, event)? {
                    self.left -= 1;
                    push_event(&self.store, answers, event, self.resolve_links)?;
                }
                Ok(())
            });
            match walked {
                Ok(()) => {}
                Err(Interruption::PageIsFull) => {
                    commit.go_on_after(*after);
                    *begun = Some(Box::new(commit));
                    return Ok(false);
                }
                Err(Interruption::Failed(status)) => return Err(status),
            }
        }
        Ok(false)
    }

    /// Adds the next events; true when there are no more.
    fn go_backwards(
        &mut self,
        cursor: AllCursor,
        answers: &mut AnswerPage,
    ) -> Result<bool, Status> {
        let limit = match self.filter {
            None => at_most(usize::try_from(self.left).unwrap_or(usize::MAX)),
            Some(_) => PAGE,
        };
        let events = self.store.read_all_page(cursor, limit)?;
        let Some(last) = events.last() else {
            return Ok(true);
        };
        self.walk = Walk::Backwards(cursor.after(last.position));
        for event in &events {
            let event = event.view();
            if self.left > 0 && is_wanted(&mut self.filter, &event)? {
                self.left -= 1;
                push_event(&self.store, answers, &event, self.resolve_links)?;
            }
        }
        Ok(false)
    }
}

impl PageReader for AllRead {
    fn is_cold(&self) -> bool {
        let cursor = match &self.walk {
            _ if self.left == 0 => return false,
            Walk::Done => return false,
            Walk::Forwards { after: None, .. } => AllCursor::START,
            Walk::Forwards {
                after: Some(after), ..
            } => AllCursor::START.after(*after),
            Walk::Backwards(cursor) => *cursor,
        };
        self.store.contents().is_cold(cursor)
    }

    fn next_page(&mut self) -> NextPage {
        if self.left == 0 {
            return Ok(None);
        }
        let mut answers = AnswerPage::new(self.structured_ids);
        let is_over = match &self.walk {
            Walk::Forwards { .. } => self.go_forwards(&mut answers)?,
            Walk::Backwards(cursor) => self.go_backwards(*cursor, &mut answers)?,
            Walk::Done => true,
        };
        if is_over {
            self.walk = Walk::Done;
        }
        Ok((!is_over || answers.len() > 0).then_some(answers))
    }
}

fn is_wanted(filter: &mut Option<Filter>, event: &EventRef<'_>) -> Result<bool, Status> {
    match filter {
        None => Ok(true),
        Some(filter) => filter
            .lets_names_through(event.stream, event.event_type)
            .map_err(|error| filter_status(&error)),
    }
}

/// Why a commit is not walked to its end.
enum Interruption {
    PageIsFull,
    Failed(Status),
}

impl From<ReadError> for Interruption {
    fn from(error: ReadError) -> Interruption {
        Interruption::Failed(read_status(&error))
    }
}

impl From<Status> for Interruption {
    fn from(status: Status) -> Interruption {
        Interruption::Failed(status)
    }
}
