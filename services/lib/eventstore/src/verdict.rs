//! How what a write expects stands to its stream.

use crate::event::ExpectedRevision;
use crate::retention::Retention;
use crate::writer::Expected;

/// A stream as a decision sees it: with what is staged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamState {
    pub count: u64,
    pub is_tombstoned: bool,
    pub retention: Option<Retention>,
    pub in_group: bool,
}

impl StreamState {
    pub fn is_deleted(&self) -> bool {
        self.retention
            .is_some_and(|retention| retention.is_deleted(self.count))
    }

    /// A stream that only has metadata exists too.
    pub fn exists(&self) -> bool {
        (self.count > 0 || self.retention.is_some()) && !self.is_deleted()
    }
}

/// How an expectation stands to a stream.
pub(crate) enum Verdict {
    Fits,
    /// Retries are recognised by the recent ids.
    FitsWeakly,
    /// The events may stand at this revision already; if not, it does not fit.
    PerhapsAt(u64),
    /// The events may stand at this revision already; if not, it fits.
    FitsUnlessAt(u64),
    Misfits,
}

/// Compares an expectation with a stream.
pub(crate) fn verdict(expected: Expected, state: &StreamState) -> Verdict {
    let next = match expected {
        Expected::Rule(ExpectedRevision::Any) => return Verdict::FitsWeakly,
        Expected::Rule(ExpectedRevision::StreamExists) if state.exists() => {
            return Verdict::FitsWeakly;
        }
        Expected::Rule(ExpectedRevision::StreamExists) => return Verdict::Misfits,
        Expected::Rule(ExpectedRevision::NoStream) if state.count == 0 => return Verdict::Fits,
        Expected::Rule(ExpectedRevision::NoStream) if state.is_deleted() => {
            return Verdict::FitsUnlessAt(0);
        }
        Expected::Rule(ExpectedRevision::NoStream) => 0,
        Expected::Rule(ExpectedRevision::Exact(revision)) => match revision.checked_add(1) {
            Some(next) => next,
            None => return Verdict::Misfits,
        },
        Expected::Count(count) => count,
    };
    if next == state.count {
        Verdict::Fits
    } else if next < state.count {
        Verdict::PerhapsAt(next)
    } else {
        Verdict::Misfits
    }
}
