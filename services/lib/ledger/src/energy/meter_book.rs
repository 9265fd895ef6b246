//! A meter's counted readings with all their versions, laid over the clock hours.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{EnergyWh, Interval, SECONDS_PER_HOUR, Shelf, UnixSeconds, hour_share_at};
use uuid::Uuid;

use super::day_block::{DayBlock, SECONDS_PER_DAY, day_and_second};
use crate::days::Days;
use crate::entry::Quality;
use crate::fact::{How, Origin};
use crate::hash::Hasher;

/// Hours of a day block.
pub const HOURS_PER_DAY: usize = 24;

/// What of the record is looked at: only what was recorded up to and with a position, only what was over by a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Last position that is known.
    pub known_at: u64,
    /// What ends later has not happened.
    pub before: UnixSeconds,
}

impl Sight {
    /// Everything.
    pub const ALL: Sight = Sight {
        known_at: u64::MAX,
        before: UnixSeconds(i64::MAX),
    };
}

/// A reading that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedReading {
    /// Length; 0 for the read of a register.
    pub seconds: u32,
    /// 0 for the first report.
    pub revision: u32,
    /// Energy of the interval, or content of the register.
    pub energy: EnergyWh,
    /// Of a register: what has to be added to go on where the reads before left off (it came round, or was exchanged) ...
    pub offset: EnergyWh,
    /// ... and for the reads that follow.
    pub next_offset: EnergyWh,
    /// Position of the event that made it count; the rest of the event is read back from the record.
    pub position: u64,
    /// Flags that it passes on to its hours.
    pub quality: Quality,
}

impl CountedReading {
    /// Content of a register that goes on for ever, Wh.
    pub fn continued_wh(&self) -> i64 {
        self.energy.0 + self.offset.0
    }
}

/// What a meter has for one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterHour {
    /// Energy of the covered seconds.
    pub energy: EnergyWh,
    /// Seconds of the hour with a reading, 0 to 3600.
    pub covered_s: u32,
    /// How good it is.
    pub quality: Quality,
}

impl MeterHour {
    /// Whether every second is covered.
    pub fn is_complete(&self) -> bool {
        i64::from(self.covered_s) == SECONDS_PER_HOUR
    }
}

/// The share of one reading (or of two neighbouring reads of a register) in an hour.
#[derive(Clone, Copy, Debug)]
pub struct Contribution {
    /// The whole interval.
    pub interval: Interval,
    /// Energy of the whole interval.
    pub interval_energy: EnergyWh,
    /// Energy that falls into the hour.
    pub energy: EnergyWh,
    /// Seconds that fall into the hour.
    pub seconds: u32,
    /// The reading, or the read that ends the interval.
    pub reading: CountedReading,
    /// The read that starts the interval.
    pub opening_read: Option<CountedReading>,
}

/// A reading that counted until another took its place.
#[derive(Clone, Copy, Debug)]
pub struct Superseded {
    /// As it counted.
    pub reading: CountedReading,
    /// Position of what took its place.
    pub replaced_at: u64,
}

/// A reading that is or was in quarantine.
#[derive(Clone, Copy, Debug)]
pub struct Quarantined {
    /// Its position in the record.
    pub position: u64,
    /// Position at which a person let it count; `None`: nobody has decided about it.
    pub decided_at: Option<u64>,
}

impl Quarantined {
    /// Whether nobody had decided about it by a position.
    pub fn is_undecided(&self, known_at: u64) -> bool {
        self.position <= known_at && self.decided_at.is_none_or(|decided| decided > known_at)
    }
}

/// Everything counted of one meter.
#[derive(Default)]
pub struct MeterBook {
    pub(super) days: Days<DayBlock>,
    pub(super) counted: u64,
    /// By start and position.
    pub(super) superseded: BTreeMap<(UnixSeconds, u64), Superseded>,
    pub(super) quarantined: BTreeMap<Uuid, Quarantined>,
    pub(super) longest_s: u32,
}

impl MeterBook {
    /// An empty one, whose far past goes to a shelf.
    pub(crate) fn shelved(shelf: Option<Arc<dyn Shelf>>) -> MeterBook {
        MeterBook {
            days: Days::shelved(shelf),
            ..MeterBook::default()
        }
    }

    /// From now on its far past goes to a shelf.
    pub(crate) fn put_on(&mut self, shelf: Arc<dyn Shelf>) {
        self.days.put_on(shelf);
    }

    /// The time whose hours a reading of this interval changes: from the read before to the read after, for a register.
    pub fn changed_by(&self, interval: Interval) -> Interval {
        let (from, to) = if interval.seconds == 0 {
            let earlier = self.reading_before(interval.start);
            let later = self.reading_from(UnixSeconds(interval.start.0 + 1));
            (
                earlier.map_or(interval.start.0, |(time, _)| time.0),
                later.map_or(interval.start.0, |(time, _)| time.0),
            )
        } else {
            let replaced = self.reading_at(interval.start);
            let replaced_end =
                interval.start.0 + i64::from(replaced.map_or(0, |replaced| replaced.seconds));
            (interval.start.0, interval.end().0.max(replaced_end))
        };
        Interval {
            start: UnixSeconds(from),
            seconds: u32::try_from(to - from).unwrap_or(u32::MAX),
        }
    }

    /// Takes in a reading; one of the same start is replaced.
    pub fn count(
        &mut self,
        interval: Interval,
        energy: EnergyWh,
        revision: u32,
        how: How,
        origin: Origin,
    ) {
        if let How::Released { quarantined } = how
            && let Some(decided) = self.quarantined.get_mut(&quarantined)
        {
            decided.decided_at.get_or_insert(origin.position);
        }
        let quality = match how {
            How::Reported => Quality::NONE,
            How::Corrected => Quality::CORRECTED,
            How::Released { .. } => Quality::RELEASED,
        };
        let offset = match how {
            How::Reported => EnergyWh::ZERO,
            How::Corrected => self
                .reading_at(interval.start)
                .map_or(EnergyWh::ZERO, |replaced| replaced.offset),
            How::Released { .. } => self
                .reading_before(interval.start)
                .map_or(EnergyWh::ZERO, |(_, before)| before.next_offset),
        };
        let reading = CountedReading {
            seconds: interval.seconds,
            revision,
            energy,
            offset,
            next_offset: offset,
            position: origin.position,
            quality,
        };
        self.put(interval, reading, origin.event);
    }

    /// Takes in the read of a register that came round or was exchanged.
    pub fn count_continued(
        &mut self,
        at: UnixSeconds,
        energy: EnergyWh,
        offset: EnergyWh,
        next_offset: EnergyWh,
        origin: Origin,
    ) {
        let interval = Interval {
            start: at,
            seconds: 0,
        };
        let reading = CountedReading {
            seconds: 0,
            revision: 0,
            energy,
            offset,
            next_offset,
            position: origin.position,
            quality: Quality::NONE,
        };
        self.put(interval, reading, origin.event);
    }

    fn put(&mut self, interval: Interval, reading: CountedReading, event: Uuid) {
        let span_s = match interval.seconds {
            0 => {
                let earlier = self.reading_before(interval.start);
                let later = self.reading_from(UnixSeconds(interval.start.0 + 1));
                let before = earlier.map_or(0, |(time, _)| interval.start.0 - time.0);
                let after = later.map_or(0, |(time, _)| time.0 - interval.start.0);
                u32::try_from(before.max(after)).unwrap_or(u32::MAX)
            }
            seconds => seconds,
        };
        self.longest_s = self.longest_s.max(span_s);
        let (day, second) = day_and_second(interval.start);
        let block = self
            .days
            .at_mut(day, || DayBlock::new(day, second, &reading));
        match block.insert(second, reading, event) {
            None => self.counted += 1,
            Some(replaced) => {
                let superseded = Superseded {
                    reading: replaced,
                    replaced_at: reading.position,
                };
                self.superseded
                    .insert((interval.start, replaced.position), superseded);
            }
        }
    }

    /// Keeps a reading apart.
    pub fn quarantine(&mut self, origin: Origin) {
        self.quarantined.entry(origin.event).or_insert(Quarantined {
            position: origin.position,
            decided_at: None,
        });
    }

    /// What the meter has for an hour.
    pub fn hour(&self, hour_start: UnixSeconds, sight: Sight) -> MeterHour {
        let (day, hour) = day_and_hour(hour_start);
        let whole = self.days.at(day).and_then(|block| block.whole_hour(hour));
        if let Some(reading) = whole
            && reading.position <= sight.known_at
            && hour_start.0 + SECONDS_PER_HOUR <= sight.before.0
        {
            return MeterHour {
                energy: reading.energy,
                covered_s: SECONDS_PER_HOUR as u32,
                quality: Quality::NONE,
            };
        }
        let mut laid = MeterHour::default();
        for contribution in self.contributions(hour_start, sight) {
            laid.energy = EnergyWh(laid.energy.0 + contribution.energy.0);
            laid.covered_s += contribution.seconds;
            laid.quality = laid.quality | contribution.quality();
        }
        laid
    }

    /// The readings that an hour is made of, in order of time.
    pub fn contributions(&self, hour_start: UnixSeconds, sight: Sight) -> Vec<Contribution> {
        let hour = Interval::hour_of(hour_start);
        let mut found = Vec::new();
        // What counts never overlaps, so walking back from the hour's end can stop at the first that ends before it.
        let mut later_read = self
            .seen_from(hour.end(), sight)
            .filter(|(_, reading)| reading.seconds == 0);
        let mut before = hour.end();
        while let Some((start, reading)) = self.seen_before(before, sight) {
            before = start;
            let contribution = if reading.seconds == 0 {
                let closing = later_read.replace((start, reading));
                closing.and_then(|(closing_time, closing)| {
                    let interval = Interval {
                        start,
                        seconds: u32::try_from(closing_time.0 - start.0).ok()?,
                    };
                    let interval_energy = EnergyWh(closing.continued_wh() - reading.continued_wh());
                    let share = hour_share_at(interval, interval_energy, hour_start)?;
                    Some(Contribution {
                        interval,
                        interval_energy,
                        energy: share.energy,
                        seconds: share.seconds,
                        reading: closing,
                        opening_read: Some(reading),
                    })
                })
            } else {
                let interval = Interval {
                    start,
                    seconds: reading.seconds,
                };
                hour_share_at(interval, reading.energy, hour_start).map(|share| Contribution {
                    interval,
                    interval_energy: reading.energy,
                    energy: share.energy,
                    seconds: share.seconds,
                    reading,
                    opening_read: None,
                })
            };
            found.extend(contribution);
            if start <= hour_start || contribution.is_none() && reading.seconds > 0 {
                break;
            }
        }
        found.reverse();
        found
    }

    /// Number of readings that count.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    /// Number of readings that counted as seen.
    pub fn counted_as_seen(&self, sight: Sight) -> u64 {
        if sight == Sight::ALL {
            return self.counted;
        }
        self.readings(sight).count() as u64
    }

    /// Readings that counted as seen, in order of their starts.
    pub fn readings(
        &self,
        sight: Sight,
    ) -> impl Iterator<Item = (UnixSeconds, CountedReading)> + '_ {
        self.readings_from(UnixSeconds(i64::MIN), sight)
    }

    /// Readings that counted as seen and start at a moment or later, in order of their starts.
    pub fn readings_from(
        &self,
        time: UnixSeconds,
        sight: Sight,
    ) -> impl Iterator<Item = (UnixSeconds, CountedReading)> + '_ {
        let mut time = time;
        std::iter::from_fn(move || {
            let (start, reading) = self.seen_from(time, sight)?;
            time = UnixSeconds(start.0 + 1);
            Some((start, reading))
        })
    }

    /// Whether nothing was reported yet.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty() && self.quarantined.is_empty()
    }

    /// The reading that counts from a moment on.
    pub fn reading_at(&self, start: UnixSeconds) -> Option<CountedReading> {
        let (day, second) = day_and_second(start);
        self.days.at(day)?.get(second)
    }

    /// The last reading that starts before a moment.
    pub fn reading_before(&self, time: UnixSeconds) -> Option<(UnixSeconds, CountedReading)> {
        let (mut day, mut second) = day_and_second(time);
        let mut block = self.days.at(day).or_else(|| self.days.before(day));
        while let Some(known) = block {
            if known.day < day {
                (day, second) = (known.day, SECONDS_PER_DAY as u32);
            }
            if let Some((at, reading)) = known.before(second) {
                return Some((instant(day, at), reading));
            }
            block = self.days.before(day);
        }
        None
    }

    /// The first reading that starts at a moment or later.
    pub fn reading_from(&self, time: UnixSeconds) -> Option<(UnixSeconds, CountedReading)> {
        let (mut day, mut second) = day_and_second(time);
        while let Some(block) = self.days.from(day) {
            if block.day > day {
                (day, second) = (block.day, 0);
            }
            if let Some((at, reading)) = block.from(second) {
                return Some((instant(day, at), reading));
            }
            day += 1;
            second = 0;
        }
        None
    }

    /// The reading that counts from a moment on, as seen.
    pub fn seen_at(&self, start: UnixSeconds, sight: Sight) -> Option<CountedReading> {
        self.as_seen(start, self.reading_at(start)?, sight)
    }

    /// The last reading that starts before a moment, as seen.
    pub fn seen_before(
        &self,
        time: UnixSeconds,
        sight: Sight,
    ) -> Option<(UnixSeconds, CountedReading)> {
        let mut time = time;
        loop {
            let (start, reading) = self.reading_before(time)?;
            if let Some(seen) = self.as_seen(start, reading, sight) {
                return Some((start, seen));
            }
            time = start;
        }
    }

    /// The first reading that starts at a moment or later, as seen.
    pub fn seen_from(
        &self,
        time: UnixSeconds,
        sight: Sight,
    ) -> Option<(UnixSeconds, CountedReading)> {
        let mut time = time;
        loop {
            let (start, reading) = self.reading_from(time)?;
            if let Some(seen) = self.as_seen(start, reading, sight) {
                return Some((start, seen));
            }
            time = UnixSeconds(start.0 + 1);
        }
    }

    /// The version of a reading that was known, if it was over.
    fn as_seen(
        &self,
        start: UnixSeconds,
        current: CountedReading,
        sight: Sight,
    ) -> Option<CountedReading> {
        let known = if current.position <= sight.known_at {
            current
        } else {
            let (_, older) = self
                .superseded
                .range((start, 0)..=(start, sight.known_at))
                .next_back()?;
            older.reading
        };
        (start.0.saturating_add(i64::from(known.seconds)) <= sight.before.0).then_some(known)
    }

    /// Readings that counted once, by start and position.
    pub fn superseded(&self) -> &BTreeMap<(UnixSeconds, u64), Superseded> {
        &self.superseded
    }

    /// Readings that are or were in quarantine, by event.
    pub fn quarantined(&self) -> &BTreeMap<Uuid, Quarantined> {
        &self.quarantined
    }

    /// First and last second that any reading covers, as seen; `None` without readings.
    pub fn extent(&self, sight: Sight) -> Option<(UnixSeconds, UnixSeconds)> {
        let (first, _) = self.seen_from(UnixSeconds(i64::MIN), sight)?;
        let (start, last) = self.seen_before(UnixSeconds(i64::MAX), sight)?;
        Some((first, UnixSeconds(start.0 + i64::from(last.seconds))))
    }

    /// Longest stretch that one reading or two neighbouring reads ever covered.
    pub(crate) fn longest_s(&self) -> u32 {
        self.longest_s
    }

    /// Lets go of the readings of the days before one. The newest of them stays: what follows may go on from it.
    pub(crate) fn forget_days_before(&mut self, day: i64) {
        self.days.forget_before(day, true);
        let first_kept = (UnixSeconds(day * SECONDS_PER_DAY), 0);
        self.superseded = self.superseded.split_off(&first_kept);
    }

    /// Adds the readings that count to content and state hash.
    pub(crate) fn hash_readings(&mut self, content: &mut Hasher, state: &mut Hasher) {
        self.days.hash_into(content, state);
    }
}

fn instant(day: i64, second: u32) -> UnixSeconds {
    UnixSeconds(day * SECONDS_PER_DAY + i64::from(second))
}

impl Contribution {
    /// Flags that the hour gets from it.
    pub fn quality(&self) -> Quality {
        let mut quality = self.reading.quality;
        if let Some(opening) = self.opening_read {
            quality = quality | opening.quality | Quality::FROM_REGISTER;
        }
        if self.interval.crosses_hour_border() {
            quality = quality | Quality::SPREAD;
        }
        quality
    }
}

/// Day since 1970 (UTC) and hour of it.
pub fn day_and_hour(hour_start: UnixSeconds) -> (i64, usize) {
    let (day, second) = day_and_second(hour_start);
    (day, second as usize / SECONDS_PER_HOUR as usize)
}

/// Start of an hour of a day since 1970 (UTC).
pub fn hour_start_of(day: i64, hour: usize) -> UnixSeconds {
    UnixSeconds(day * SECONDS_PER_DAY + hour as i64 * SECONDS_PER_HOUR)
}
