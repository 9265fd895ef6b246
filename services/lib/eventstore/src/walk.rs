//! Walking everything that was recorded page by page, without finding the place anew for each.

use crate::error::ReadError;
use crate::event::Position;
use crate::replay::{EventRef, RecordedCommit, Replay};

/// A walk through all events that goes on where its last page ended, also with what was recorded since.
#[derive(Debug)]
pub struct Walk {
    replay: Replay,
    /// A commit in the middle of which a page was full.
    begun: Option<RecordedCommit>,
}

/// What a page of a [`Walk`] gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    pub events: usize,
    /// Position of the last of them.
    pub last: Position,
}

impl Walk {
    pub(crate) fn new(replay: Replay) -> Walk {
        Walk {
            replay,
            begun: None,
        }
    }

    /// Gives the next events to `visit`, at most `max_events`, without those of streams whose names begin with `$`. `None`: there
    /// are no more yet.
    ///
    /// Ends early once data and metadata reach `max_bytes`, with at least one event if there is any.
    pub fn page(
        &mut self,
        max_events: usize,
        max_bytes: usize,
        visit: &mut dyn FnMut(&EventRef<'_>),
    ) -> Result<Option<Walked>, ReadError> {
        let mut walked: Option<Walked> = None;
        let mut bytes = 0;
        while let Some(mut commit) = self.next_commit()? {
            let outcome = commit.each(|event| {
                if event.stream.starts_with('$') {
                    return Ok(());
                }
                let events = walked.map_or(0, |walked| walked.events);
                if events >= max_events || bytes >= max_bytes {
                    return Err(Interruption::PageIsFull);
                }
                bytes += event.data.len() + event.metadata.len();
                walked = Some(Walked {
                    events: events + 1,
                    last: event.position,
                });
                visit(event);
                Ok(())
            });
            match outcome {
                Ok(()) => {}
                Err(Interruption::Failed(error)) => return Err(error),
                Err(Interruption::PageIsFull) => {
                    if let Some(walked) = walked {
                        commit.go_on_after(Some(walked.last));
                    }
                    self.begun = Some(commit);
                    break;
                }
            }
        }
        Ok(walked)
    }

    fn next_commit(&mut self) -> Result<Option<RecordedCommit>, ReadError> {
        if let Some(begun) = self.begun.take() {
            return Ok(Some(begun));
        }
        if let Some(commit) = self.replay.next() {
            return commit.map(Some);
        }
        self.replay.go_on();
        self.replay.next().transpose()
    }
}

/// Why a commit is not walked to its end.
enum Interruption {
    PageIsFull,
    Failed(ReadError),
}

impl From<ReadError> for Interruption {
    fn from(error: ReadError) -> Interruption {
        Interruption::Failed(error)
    }
}
