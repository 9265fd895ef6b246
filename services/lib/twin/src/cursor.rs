//! The state of a park at a moment, and what changes on the way to another.

use crate::history::{Segment, Value};
use crate::point::PointId;
use crate::twin::Twin;

/// Stands at a moment of a twin and moves to others, forwards or backwards. Late samples that came in between are seen at the
/// next move.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    seen: Vec<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    segment: Segment,
    /// Of the history that the segment was found in.
    revision: u64,
}

/// What became another by a move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order of the ids.
    pub values: Vec<(PointId, Value)>,
    /// Points that show nothing any more.
    pub cleared: Vec<PointId>,
}

impl Changes {
    /// Whether nothing did.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.cleared.is_empty()
    }
}

impl Cursor {
    /// Moves to a moment. The first move tells every point that shows something there.
    pub fn seek(&mut self, twin: &Twin, moment_ms: i64) -> Changes {
        let mut changes = Changes::default();
        for (index, point) in twin.points().iter().enumerate() {
            let revision = point.history.revision();
            let seen = self.seen.get(index).copied();
            if seen
                .is_some_and(|seen| seen.revision == revision && seen.segment.contains(moment_ms))
            {
                continue;
            }
            let segment = point.history.at(moment_ms);
            let id = PointId(index as u32);
            let shown = seen.and_then(|seen| seen.segment.value);
            match segment.value {
                Some(value) if shown != Some(value) => changes.values.push((id, value)),
                None if shown.is_some() => changes.cleared.push(id),
                _ => {}
            }
            let seen = Seen { segment, revision };
            match self.seen.get_mut(index) {
                Some(place) => *place = seen,
                None => self.seen.push(seen),
            }
        }
        changes
    }
}
