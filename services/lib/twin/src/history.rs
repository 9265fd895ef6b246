//! The samples of one point.

use std::sync::Arc;

use terrarium_model::Shelf;

use crate::point::Quality;
use crate::rows::{Row, Rows};
use crate::thin::ChartSample;

/// Gaps between samples that the usual interval is the median of.
const GAPS: usize = 7;
/// Gaps that are needed to say anything.
const FEWEST_GAPS: usize = 2;

/// One observation of a point, as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The instant, or the end of the interval; milliseconds since 1970.
    pub time_ms: i64,
    /// Length of the interval; 0 for an instant.
    pub span_ms: i64,
    /// In the unit of the point's quantity.
    pub value: i64,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Of the event that it comes from.
    pub position: u64,
}

impl Sample {
    /// The instant, or the start of the interval.
    pub fn start_ms(&self) -> i64 {
        self.time_ms.saturating_sub(self.span_ms)
    }

    /// What it says from its end on.
    pub fn at_end(&self) -> Value {
        self.said_at(self.time_ms)
    }

    fn said_at(&self, time_ms: i64) -> Value {
        Value {
            time_ms,
            value: self.value,
            quality: self.quality,
        }
    }

    fn row(&self) -> Row<5> {
        [
            self.time_ms,
            self.position as i64,
            self.span_ms,
            self.value,
            self.quality.code().into(),
        ]
    }

    fn of_row([time_ms, position, span_ms, value, quality]: Row<5>) -> Sample {
        Sample {
            time_ms,
            span_ms,
            value,
            quality: Quality::from_code(quality),
            position: position as u64,
        }
    }
}

/// What a point shows at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// When it was so: never after the moment.
    pub time_ms: i64,
    /// In the unit of the point's quantity.
    pub value: i64,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// A stretch of time over which a point shows the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Nothing before the first sample.
    pub value: Option<Value>,
    /// Start, inclusive.
    pub from_ms: i64,
    /// End, exclusive.
    pub until_ms: i64,
}

impl Segment {
    /// Whether the moment is in it.
    pub fn contains(&self, moment_ms: i64) -> bool {
        self.from_ms <= moment_ms && moment_ms < self.until_ms
    }
}

/// All samples of one point. Of samples of the same time the one of the greatest position counts; the others stay, so that it
/// can be told what was on record before.
#[derive(Clone, Debug, Default)]
pub struct History {
    rows: Rows<5>,
    newest: Option<Sample>,
    /// Position at which the newest sample last became another.
    changed_position: u64,
    /// Grows with every sample.
    revision: u64,
    /// Samples whose place another one took.
    superseded: u64,
    /// Sum of all samples' marks; see [`History::sum`].
    sum: u64,
    gaps_s: [u32; GAPS],
    gaps: u64,
}

impl History {
    /// One whose far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> History {
        History {
            rows: Rows::shelved(shelf),
            ..History::default()
        }
    }

    /// Takes in a sample; one of the same time and position is replaced.
    pub fn insert(&mut self, sample: Sample) {
        let newest = self.newest;
        if let Some(newest) = newest.filter(|newest| newest.time_ms >= sample.time_ms) {
            let (_, same_time) = self.rows.around([sample.time_ms, i64::MIN]);
            let is_there = newest.time_ms == sample.time_ms
                || same_time.is_some_and(|row| row[0] == sample.time_ms);
            self.superseded += u64::from(is_there);
        }
        self.note_gap(&sample);
        self.note_newest(sample);
        self.sum = self.sum.wrapping_add(mark(&sample.row()));
        if let Some(replaced) = self.rows.insert(sample.row()) {
            self.sum = self.sum.wrapping_sub(mark(&replaced));
        }
        self.revision += 1;
    }

    /// Takes in a sample for its own sake: only the newest is kept. Nothing before it can be told then.
    pub fn insert_brief(&mut self, sample: Sample) {
        self.note_gap(&sample);
        self.note_newest(sample);
        self.revision += 1;
    }

    fn note_gap(&mut self, sample: &Sample) {
        if let Some(newest) = self.newest.filter(|newest| newest.time_ms < sample.time_ms) {
            let gap_s = (sample.time_ms - newest.time_ms).div_euclid(1_000);
            self.gaps_s[(self.gaps % GAPS as u64) as usize] =
                u32::try_from(gap_s).unwrap_or(u32::MAX);
            self.gaps += 1;
        }
    }

    fn note_newest(&mut self, sample: Sample) {
        let is_newest = self.newest.is_none_or(|newest| {
            (newest.time_ms, newest.position) <= (sample.time_ms, sample.position)
        });
        if is_newest {
            self.newest = Some(sample);
            self.changed_position = self.changed_position.max(sample.position);
        }
    }

    /// The newest sample by time: the live value.
    pub fn newest(&self) -> Option<&Sample> {
        self.newest.as_ref()
    }

    /// Position at which the live value last became another.
    pub fn changed_position(&self) -> u64 {
        self.changed_position
    }

    /// Grows whenever anything changes.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Number of samples, those that no longer count included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    /// A sum over all samples with their positions that follows from them alone, in whatever order they came. It finds
    /// mistakes of a fold; against tampering there are the digests of the record.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Median of the newest gaps between samples, in seconds; 0 while there are too few.
    pub fn usual_interval_s(&self) -> u32 {
        let known = self.gaps.min(GAPS as u64) as usize;
        if known < FEWEST_GAPS {
            return 0;
        }
        let mut gaps_s = self.gaps_s;
        gaps_s[..known].sort_unstable();
        gaps_s[known / 2]
    }

    /// What the point shows at a moment, as known now, and how long it does. A sample holds from its end (inclusive) until the
    /// next begins, and inside of its span as far as no earlier one reaches into it.
    pub fn at(&self, moment_ms: i64) -> Segment {
        let (before, after) = self.rows.around([moment_ms.saturating_add(1), i64::MIN]);
        let before = before.map(Sample::of_row);
        let after = after.map(|row| self.counting(Sample::of_row(row)));
        let before_ms = before.map_or(i64::MIN, |before| before.time_ms);
        let next_from_ms = after.map_or(i64::MAX, |after| {
            after.start_ms().max(before_ms.saturating_add(1))
        });
        match after {
            Some(after) if next_from_ms <= moment_ms => Segment {
                value: Some(after.said_at(after.start_ms().max(before_ms))),
                from_ms: next_from_ms,
                until_ms: after.time_ms,
            },
            _ => Segment {
                value: before.map(|before| before.at_end()),
                from_ms: before_ms,
                until_ms: next_from_ms,
            },
        }
    }

    /// What was the live value when the record ended at a position.
    pub fn at_position(&self, position: u64) -> Option<Value> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let row = self.rows.last_up_to_position(position)?;
        Some(Sample::of_row(row).at_end())
    }

    /// The sample of one event at one time.
    pub fn sample_of(&self, time_ms: i64, position: u64) -> Option<Sample> {
        self.rows.get(time_ms, position as i64).map(Sample::of_row)
    }

    /// The course over a range (both ends inclusive) as known now: what held at its start, then the start and the end of every
    /// sample that counts.
    pub fn course(&self, from_ms: i64, to_ms: i64) -> Vec<ChartSample> {
        let mut course: Vec<ChartSample> = Vec::new();
        let mut add = |sample: ChartSample| {
            if course.last() != Some(&sample) {
                course.push(sample);
            }
        };
        let (before, _) = self.rows.around([from_ms, i64::MIN]);
        let mut before_ms = before.map_or(i64::MIN, |before| before[0]);
        if let Some(held) = self.at(from_ms).value {
            add(held);
        }
        let mut rows = self.rows.ascending([from_ms, i64::MIN]).peekable();
        while let Some(row) = rows.next() {
            if rows.peek().is_some_and(|next| next[0] == row[0]) {
                continue;
            }
            let sample = Sample::of_row(row);
            let start_ms = sample.start_ms().max(before_ms);
            if sample.span_ms > 0 && from_ms <= start_ms && start_ms <= to_ms {
                add(sample.said_at(start_ms));
            }
            if sample.time_ms > to_ms {
                break;
            }
            add(sample.at_end());
            before_ms = sample.time_ms;
        }
        course
    }

    /// Heap bytes in use.
    pub fn heap_bytes(&self) -> usize {
        self.rows.heap_bytes()
    }

    /// The sample that counts of those of the same time.
    fn counting(&self, sample: Sample) -> Sample {
        if self.superseded == 0 {
            return sample;
        }
        let (counting, _) = self
            .rows
            .around([sample.time_ms.saturating_add(1), i64::MIN]);
        counting.map_or(sample, Sample::of_row)
    }
}

/// A number that looks random and follows from the row: SplitMix64's finalizer (Steele, Lea, Flood 2014) chained over it.
fn mark(row: &Row<5>) -> u64 {
    row.iter().fold(0x9E37_79B9_7F4A_7C15, |state: u64, value| {
        let mut bits = (state ^ *value as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    })
}

#[cfg(test)]
mod tests;
