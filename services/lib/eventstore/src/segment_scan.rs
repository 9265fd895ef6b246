//! Comparing a sealed segment with what its records give: tree hash and index.

use std::collections::HashMap;
use std::sync::Arc;

use terrarium_eventlog::{Frame, SealCheck, SealedSegment, check_index};

use crate::active::{ActiveIndex, IndexedCommit};
use crate::encoding::CommitReader;
use crate::error::ReadError;
use crate::event::METADATA_TYPE;
use crate::lists::ListKind;
use crate::retention::{Retention, described_stream};
use crate::scan_error::ScanProblem;
use crate::sealed::SealedSet;
use crate::table::{TableEntry, Totals, build, write_as};

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
        if commit.is_removed {
            return;
        }
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

    /// Compares a scavenged segment, whose index is the one that it was sealed with: its hash is in the seal, and what it counts
    /// holds from here on. `revise` gets the streams with what they had at the segment's end, `None` after a tombstone.
    fn compare_scavenged(
        &mut self,
        sealed: &Arc<SealedSegment>,
        revise: &mut dyn FnMut(&str, Option<u64>),
    ) -> Result<(), ScanProblem> {
        let index = SealedSet::new(std::slice::from_ref(sealed));
        let unreadable = |error: ReadError| ScanProblem::Segment(error.to_string());
        let header = index.last_header().map_err(unreadable)?;
        let header = header.expect("the set has a segment");
        if header.before != self.totals {
            return Err(ScanProblem::Index);
        }
        self.totals = header.totals();
        for kind in ListKind::ALL {
            let mut visit = |name: &str, entry: &TableEntry| {
                let end = entry.first_revision + entry.count;
                match kind {
                    ListKind::Stream if entry.tombstone.is_some() => revise(name, None),
                    ListKind::Stream if entry.count > 0 => revise(name, Some(end)),
                    ListKind::Stream => {}
                    _ => {
                        self.list_counts.insert((kind, Box::from(name)), end);
                    }
                }
            };
            index
                .each_with_prefix(kind, "", &mut visit)
                .map_err(unreadable)?;
        }
        Ok(())
    }

    /// Compares the segment whose frames were all taken with its seal, and goes on with the next.
    ///
    /// `revise` is told what a scavenged segment's own records no longer tell of its streams.
    pub fn compare(
        &mut self,
        sealed: &Arc<SealedSegment>,
        revise: &mut dyn FnMut(&str, Option<u64>),
    ) -> Result<(), ScanProblem> {
        let seal = std::mem::take(&mut self.seal);
        let index = std::mem::replace(&mut self.index, ActiveIndex::new(sealed.end()));
        seal.finish(sealed).map_err(ScanProblem::Seal)?;
        check_index(sealed).map_err(ScanProblem::Seal)?;
        if sealed.footer().scavenged.is_some() {
            return self.compare_scavenged(sealed, revise);
        }
        let Ok(mut table) = build(&index, self.totals, |kind, name, list| {
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
        if let Ok(Some(stored)) = SealedSet::new(std::slice::from_ref(sealed)).last_header() {
            write_as(&mut table, &stored);
        }
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
