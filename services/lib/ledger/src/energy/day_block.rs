//! The readings of one meter that start on one day (UTC), as columns.
//!
//! Most meters report in even steps all day long. Such a day is a row of 8 bytes per reading: energy and position, each as the
//! difference to the day's first; starts follow from the place in the row. What does not fit (another length, a correction, a
//! register that came round) stands beside it in full. Which of the two a reading lands in shows nowhere outside.

use std::collections::BTreeMap;

use terrarium_model::{EnergyWh, SECONDS_PER_HOUR, UnixSeconds};
use uuid::Uuid;

use super::meter_book::CountedReading;
use crate::bytes::{Bytes, Damaged, Unread};
use crate::days::Day;
use crate::entry::Quality;
use crate::hash::{DayHash, Hasher};

/// Seconds of a day.
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
/// A finer course than this is stored in full.
const SHORTEST_STEP_S: u32 = 60;
/// Reads of a register are expected this far apart.
const REGISTER_STEP_S: u32 = 3_600;
/// Position of a place in the row that no reading took.
const NOTHING: u32 = u32::MAX;

/// One reading of the even course.
#[derive(Clone, Copy)]
struct Row {
    /// Difference to the block's first energy.
    wh: i32,
    /// Difference to the block's first position; [`NOTHING`]: no reading.
    position: u32,
}

/// The readings of one day.
pub(crate) struct DayBlock {
    /// Days since 1970, UTC.
    pub day: i64,
    /// Length of each reading of the course; 0 for reads of a register.
    seconds: u32,
    step_s: u32,
    phase_s: u32,
    base_wh: i64,
    base_position: u64,
    /// Offset of each register read of the course.
    offset_wh: i64,
    rows: Vec<Row>,
    others: BTreeMap<u32, CountedReading>,
    /// Sum of the ids of all events that counted here, also of those replaced since; the order does not matter to a sum, and
    /// an id is a hash of what its event says.
    ids: u128,
    hash: Option<Box<DayHash>>,
}

impl DayBlock {
    /// A day whose course follows its first reading.
    pub fn new(day: i64, second: u32, first: &CountedReading) -> DayBlock {
        let step_s = match first.seconds {
            0 => REGISTER_STEP_S,
            seconds => seconds,
        };
        let is_even = step_s >= SHORTEST_STEP_S && SECONDS_PER_DAY % i64::from(step_s) == 0;
        let rows = if is_even {
            Vec::with_capacity((SECONDS_PER_DAY / i64::from(step_s)).min(96) as usize)
        } else {
            Vec::new()
        };
        DayBlock {
            day,
            seconds: first.seconds,
            step_s: if is_even { step_s } else { 0 },
            phase_s: if is_even { second % step_s } else { 0 },
            base_wh: first.energy.0,
            base_position: first.position,
            offset_wh: first.offset.0,
            rows,
            others: BTreeMap::new(),
            ids: 0,
            hash: None,
        }
    }

    /// Takes in the reading that starts at a second of the day. Gives the one that it replaces.
    pub fn insert(
        &mut self,
        second: u32,
        reading: CountedReading,
        event: Uuid,
    ) -> Option<CountedReading> {
        self.hash = None;
        self.ids = self.ids.wrapping_add(event.as_u128());
        let replaced = self.remove(second);
        match self.row_of(second, &reading) {
            Some((place, row)) => {
                if self.rows.len() <= place {
                    let nothing = Row {
                        wh: 0,
                        position: NOTHING,
                    };
                    self.rows.resize(place + 1, nothing);
                }
                self.rows[place] = row;
            }
            None => {
                self.others.insert(second, reading);
            }
        }
        replaced
    }

    fn remove(&mut self, second: u32) -> Option<CountedReading> {
        let place = self.place(second);
        if let Some(reading) = place.and_then(|place| self.reading(place)) {
            self.rows[place.expect("it has a reading")].position = NOTHING;
            return Some(reading);
        }
        self.others.remove(&second)
    }

    fn place(&self, second: u32) -> Option<usize> {
        let since = second.checked_sub(self.phase_s)?;
        (self.step_s > 0 && since % self.step_s == 0).then(|| (since / self.step_s) as usize)
    }

    /// Where a reading stands in the course, if it fits there.
    fn row_of(&self, second: u32, reading: &CountedReading) -> Option<(usize, Row)> {
        let fits = reading.seconds == self.seconds
            && reading.revision == 0
            && reading.quality == Quality::NONE
            && reading.offset.0 == self.offset_wh
            && reading.next_offset == reading.offset;
        let place = self.place(second).filter(|_| fits)?;
        let wh = i32::try_from(reading.energy.0.checked_sub(self.base_wh)?).ok()?;
        let position = u32::try_from(reading.position.checked_sub(self.base_position)?).ok()?;
        (position != NOTHING).then_some((place, Row { wh, position }))
    }

    /// The reading at a place of the course.
    fn reading(&self, place: usize) -> Option<CountedReading> {
        let row = self.rows.get(place).filter(|row| row.position != NOTHING)?;
        Some(CountedReading {
            seconds: self.seconds,
            revision: 0,
            energy: EnergyWh(self.base_wh + i64::from(row.wh)),
            offset: EnergyWh(self.offset_wh),
            next_offset: EnergyWh(self.offset_wh),
            position: self.base_position + u64::from(row.position),
            quality: Quality::NONE,
        })
    }

    /// The whole-hour reading of an hour of the day, without looking any further; `None` says nothing.
    pub fn whole_hour(&self, hour: usize) -> Option<CountedReading> {
        if i64::from(self.seconds) != SECONDS_PER_HOUR || self.phase_s != 0 {
            return None;
        }
        self.reading(hour)
    }

    /// The reading that starts at a second of the day.
    pub fn get(&self, second: u32) -> Option<CountedReading> {
        self.place(second)
            .and_then(|place| self.reading(place))
            .or_else(|| self.others.get(&second).copied())
    }

    /// The last reading that starts before a second of the day.
    pub fn before(&self, second: u32) -> Option<(u32, CountedReading)> {
        let places = match self.step_s {
            0 => 0,
            step => (second.saturating_sub(self.phase_s)).div_ceil(step) as usize,
        };
        let even = (0..places.min(self.rows.len()))
            .rev()
            .find_map(|place| Some((self.second_of(place), self.reading(place)?)));
        let other = self
            .others
            .range(..second)
            .next_back()
            .map(|(second, reading)| (*second, *reading));
        match (even, other) {
            (Some(one), Some(two)) => Some(if one.0 > two.0 { one } else { two }),
            (one, two) => one.or(two),
        }
    }

    /// The first reading that starts at a second of the day or later.
    pub fn from(&self, second: u32) -> Option<(u32, CountedReading)> {
        let first = match self.step_s {
            0 => 0,
            step => (second.saturating_sub(self.phase_s)).div_ceil(step) as usize,
        };
        let even = (first..self.rows.len())
            .find_map(|place| Some((self.second_of(place), self.reading(place)?)));
        let other = self
            .others
            .range(second..)
            .next()
            .map(|(second, reading)| (*second, *reading));
        match (even, other) {
            (Some(one), Some(two)) => Some(if one.0 < two.0 { one } else { two }),
            (one, two) => one.or(two),
        }
    }

    fn second_of(&self, place: usize) -> u32 {
        self.phase_s + place as u32 * self.step_s
    }
}

impl Day for DayBlock {
    fn day(&self) -> i64 {
        self.day
    }

    /// Hash of the day, worked out again only when it has changed.
    fn hash(&mut self) -> DayHash {
        if let Some(hash) = &self.hash {
            return **hash;
        }
        let mut content = Hasher::new("meter-day");
        let mut state = Hasher::new("meter-day-positions");
        let mut second = 0;
        while let Some((at, reading)) = self.from(second) {
            second = at + 1;
            content
                .number(self.day * SECONDS_PER_DAY + i64::from(at))
                .number(i64::from(reading.seconds))
                .number(i64::from(reading.revision))
                .number(reading.energy.0)
                .bytes(&[reading.quality.0]);
            // Said only where it is.
            if (reading.offset, reading.next_offset) != (EnergyWh::ZERO, EnergyWh::ZERO) {
                content
                    .text("offset")
                    .number(reading.offset.0)
                    .number(reading.next_offset.0);
            }
            state.number(reading.position as i64);
        }
        content.bytes(&self.ids.to_le_bytes());
        let content = content.finish();
        state.bytes(&content);
        let hash = DayHash {
            content,
            state: state.finish(),
        };
        self.hash = Some(Box::new(hash));
        hash
    }

    fn write_to(&self, bytes: &mut Bytes) {
        bytes
            .i64(self.day)
            .u32(self.seconds)
            .u32(self.step_s)
            .u32(self.phase_s)
            .i64(self.base_wh)
            .u64(self.base_position)
            .i64(self.offset_wh)
            .u128(self.ids)
            .count(self.rows.len());
        for row in &self.rows {
            bytes.raw(&row.wh.to_le_bytes()).u32(row.position);
        }
        bytes.count(self.others.len());
        for (second, reading) in &self.others {
            bytes.u32(*second);
            reading.write_to(bytes);
        }
    }

    fn read_from(unread: &mut Unread<'_>) -> Result<DayBlock, Damaged> {
        const ROW_BYTES: usize = 8;
        let mut block = DayBlock {
            day: unread.i64()?,
            seconds: unread.u32()?,
            step_s: unread.u32()?,
            phase_s: unread.u32()?,
            base_wh: unread.i64()?,
            base_position: unread.u64()?,
            offset_wh: unread.i64()?,
            ids: unread.u128()?,
            rows: Vec::new(),
            others: BTreeMap::new(),
            hash: None,
        };
        let rows = unread.count()?;
        block.rows = unread
            .raw(rows * ROW_BYTES)?
            .as_chunks::<ROW_BYTES>()
            .0
            .iter()
            .map(|[a, b, c, d, e, f, g, h]| Row {
                wh: i32::from_le_bytes([*a, *b, *c, *d]),
                position: u32::from_le_bytes([*e, *f, *g, *h]),
            })
            .collect();
        for _ in 0..unread.count()? {
            let second = unread.u32()?;
            block
                .others
                .insert(second, CountedReading::read_from(unread)?);
        }
        Ok(block)
    }
}

/// Day since 1970 (UTC) and second of it.
pub(crate) fn day_and_second(instant: UnixSeconds) -> (i64, u32) {
    let second = instant.0.rem_euclid(SECONDS_PER_DAY);
    (instant.0.div_euclid(SECONDS_PER_DAY), second as u32)
}
