//! Comparing a sealed segment with what its records give: tree hash and index.

use std::collections::HashMap;

use terrarium_eventlog::{Frame, SealCheck, SealedSegment, check_index};

use crate::active::{ActiveIndex, IndexedCommit};
use crate::encoding::CommitReader;
use crate::event::METADATA_TYPE;
use crate::lists::ListKind;
use crate::retention::{Retention, described_stream};
use crate::scan::ScanProblem;
use crate::table::{Totals, build};

/// What is known of a segment while its frames are walked, and of the log before it.
#[derive(Debug)]
pub(crate) struct SegmentScan {
    seal: SealCheck,
    index: ActiveIndex,
    totals: Totals,
    /// How many events categories and types had before the segment.
    list_counts: HashMap<(ListKind, Box<str>), u64>,
}

impl SegmentScan {
    /// Before the first frame of a log.
    pub fn new() -> SegmentScan {
        SegmentScan {
            seal: SealCheck::default(),
            index: ActiveIndex::new(0),
            totals: Totals::default(),
            list_counts: HashMap::new(),
        }
    }

    /// Takes a frame whose commit was checked, and its bytes. `revision_of` says how many events a stream has.
    pub fn take(&mut self, frame: &Frame, raw: &[u8], revision_of: impl Fn(&str) -> u64) {
        self.seal.push(frame.position, raw);
        let Ok(mut commit) = CommitReader::new(&frame.body) else {
            return;
        };
        let mut events = Vec::new();
        let mut last_position = 0;
        let mut metadata = None;
        for event in commit.by_ref().map_while(Result::ok) {
            last_position = frame.body_position() + event.offset as u64;
            metadata = (event.event_type == METADATA_TYPE).then_some(event.data.clone());
            events.push((event.id, event.event_type));
        }
        let described = described_stream(commit.stream).zip(metadata);
        let indexed = IndexedCommit {
            stream: commit.stream,
            is_tombstone: commit.is_tombstone,
            first_revision: commit.first_revision,
            recorded: commit.recorded,
            begin: frame.position,
            end: frame.next_position(),
            last_position,
            retention: described.map(|(described, metadata)| {
                Retention::parse(&frame.body[metadata], revision_of(described))
            }),
        };
        self.index.add(&indexed, &events);
    }

    /// Compares the segment whose frames were all taken with its seal, and goes on with the next.
    pub fn compare(&mut self, sealed: &SealedSegment) -> Result<(), ScanProblem> {
        let seal = std::mem::take(&mut self.seal);
        let index = std::mem::replace(&mut self.index, ActiveIndex::new(sealed.end()));
        seal.finish(sealed).map_err(ScanProblem::Seal)?;
        check_index(sealed).map_err(ScanProblem::Seal)?;
        let Ok(table) = build(&index, self.totals, |kind, name, list| {
            if kind == ListKind::Stream {
                return Ok::<_, std::convert::Infallible>(list.first_revision.unwrap_or(0));
            }
            let count = self.list_counts.entry((kind, Box::from(name))).or_default();
            let before = *count;
            *count += list.count;
            Ok(before)
        });
        self.totals = Totals {
            events: self.totals.events + index.events(),
            commits: self.totals.commits + index.commits(),
            streams: self.totals.streams + index.new_streams(),
        };
        let is_same = sealed.index_bytes() == table.len() as u64
            && sealed
                .read_index(0..table.len() as u64)
                .is_ok_and(|stored| stored == table);
        if is_same {
            Ok(())
        } else {
            Err(ScanProblem::Index)
        }
    }
}
