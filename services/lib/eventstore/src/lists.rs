//! What the index lists events by, and the places in the log that it answers with.

use std::ops::Range;

/// By what events are found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum ListKind {
    Stream,
    /// All streams whose names begin the same, up to the first `-`.
    Category,
    EventType,
}

impl ListKind {
    pub const ALL: [ListKind; 3] = [ListKind::Stream, ListKind::Category, ListKind::EventType];

    /// The byte that stands before the name in a sealed index.
    pub fn tag(self) -> u8 {
        match self {
            ListKind::Stream => 0,
            ListKind::Category => 1,
            ListKind::EventType => 2,
        }
    }

    /// Bytes of one run in a sealed index: only the events of a type may begin inside a commit.
    pub fn run_bytes(self) -> usize {
        match self {
            ListKind::Stream | ListKind::Category => 8,
            ListKind::EventType => 12,
        }
    }
}

/// Neighbouring events of a list that stand in one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Position of the commit's frame.
    pub frame: u64,
    /// Which event of the commit is the first of the run.
    pub ordinal: u32,
    /// Its revision in the list.
    pub first_revision: u64,
    pub count: u64,
}

/// A run as the index keeps it; it ends where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredRun {
    /// Offset of the commit's frame in the segment, in units of 8 bytes.
    pub frame: u32,
    pub ordinal: u32,
    /// Revision less the list's first one in the segment.
    pub revision: u32,
}

/// The runs that have revisions in `wanted`, cut to it. `runs` are neighbours; the last one ends before revision `end`.
pub(crate) fn cut_runs(
    base: u64,
    first_revision: u64,
    runs: &[StoredRun],
    end: u64,
    wanted: &Range<u64>,
) -> Vec<Run> {
    let begins = |run: &StoredRun| first_revision + u64::from(run.revision);
    let first = runs
        .partition_point(|run| begins(run) <= wanted.start)
        .saturating_sub(1);
    let mut cut = Vec::new();
    for (place, run) in runs.iter().enumerate().skip(first) {
        let run_end = runs.get(place + 1).map_or(end, begins).min(wanted.end);
        let start = begins(run).max(wanted.start);
        if begins(run) >= wanted.end {
            break;
        }
        if start < run_end {
            cut.push(Run {
                frame: base + u64::from(run.frame) * 8,
                ordinal: run.ordinal + (start - begins(run)) as u32,
                first_revision: start,
                count: run_end - start,
            });
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut_to_the_revisions_that_are_wanted() {
        let stored = |frame, ordinal, revision| StoredRun {
            frame,
            ordinal,
            revision,
        };
        let runs = [stored(8, 0, 0), stored(10, 2, 3), stored(20, 0, 4)];
        let cut = |wanted| cut_runs(1000, 50, &runs, 60, &wanted);
        let run = |frame, ordinal, first_revision, count| Run {
            frame,
            ordinal,
            first_revision,
            count,
        };
        assert_eq!(
            cut(50..60),
            [
                run(1064, 0, 50, 3),
                run(1080, 2, 53, 1),
                run(1160, 0, 54, 6)
            ]
        );
        assert_eq!(cut(51..52), [run(1064, 1, 51, 1)]);
        assert_eq!(cut(52..54), [run(1064, 2, 52, 1), run(1080, 2, 53, 1)]);
        assert_eq!(cut(57..80), [run(1160, 3, 57, 3)]);
        assert_eq!(cut(53..53), []);
    }
}
