//! A meter's counted readings, laid over the clock hours.

use std::collections::BTreeMap;

use terrarium_model::{EnergyWh, Interval, SECONDS_PER_HOUR, UnixSeconds, hour_share_at};
use uuid::Uuid;

use crate::entry::Quality;
use crate::fact::{How, Origin};

/// Hours of a day block.
pub const HOURS_PER_DAY: usize = 24;
const SECONDS_PER_DAY: i64 = 86_400;

/// A reading that counts.
#[derive(Clone, Copy, Debug)]
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
    /// Event that made it count.
    pub origin: Origin,
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

/// Everything counted of one meter.
#[derive(Default)]
pub struct MeterBook {
    readings: BTreeMap<UnixSeconds, CountedReading>,
    superseded: BTreeMap<(UnixSeconds, u32), Origin>,
    quarantined: BTreeMap<Uuid, Quarantined>,
    days: BTreeMap<i64, MeterDay>,
}

/// A reading that is or was in quarantine.
#[derive(Clone, Copy, Debug)]
pub struct Quarantined {
    /// Its position in the record.
    pub position: u64,
    /// Nobody has decided about it.
    pub undecided: bool,
}

#[derive(Clone, Default)]
struct MeterDay {
    hours: [MeterHour; HOURS_PER_DAY],
    hash: Option<crate::hash::DayHash>,
}

impl MeterBook {
    /// Takes in a reading; one of the same start is replaced. Gives the time whose hours have changed.
    pub fn count(
        &mut self,
        interval: Interval,
        energy: EnergyWh,
        revision: u32,
        how: How,
        origin: Origin,
    ) -> Interval {
        if let How::Released { quarantined } = how
            && let Some(decided) = self.quarantined.get_mut(&quarantined)
        {
            decided.undecided = false;
        }
        let quality = match how {
            How::Reported => Quality::NONE,
            How::Corrected => Quality::CORRECTED,
            How::Released { .. } => Quality::RELEASED,
        };
        let offset = match how {
            How::Reported => EnergyWh::ZERO,
            How::Corrected => self
                .readings
                .get(&interval.start)
                .map_or(EnergyWh::ZERO, |replaced| replaced.offset),
            How::Released { .. } => self
                .readings
                .range(..interval.start)
                .next_back()
                .map_or(EnergyWh::ZERO, |(_, before)| before.next_offset),
        };
        let reading = CountedReading {
            seconds: interval.seconds,
            revision,
            energy,
            offset,
            next_offset: offset,
            origin,
            quality,
        };
        self.put(interval, reading)
    }

    /// Takes in the read of a register that came round or was exchanged. Gives the time whose hours have changed.
    pub fn count_continued(
        &mut self,
        at: UnixSeconds,
        energy: EnergyWh,
        offset: EnergyWh,
        next_offset: EnergyWh,
        origin: Origin,
    ) -> Interval {
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
            origin,
            quality: Quality::NONE,
        };
        self.put(interval, reading)
    }

    fn put(&mut self, interval: Interval, reading: CountedReading) -> Interval {
        let replaced = self.readings.insert(interval.start, reading);
        if let Some(replaced) = replaced {
            self.superseded
                .insert((interval.start, replaced.revision), replaced.origin);
        }
        let replaced_end =
            interval.start.0 + i64::from(replaced.map_or(0, |replaced| replaced.seconds));
        let (from, to) = if interval.seconds == 0 {
            let earlier = self.readings.range(..interval.start).next_back();
            let later = self
                .readings
                .range(UnixSeconds(interval.start.0 + 1)..)
                .next();
            (
                earlier.map_or(interval.start.0, |(time, _)| time.0),
                later.map_or(interval.start.0, |(time, _)| time.0),
            )
        } else {
            (interval.start.0, interval.end().0.max(replaced_end))
        };
        self.touch_days(from, to.max(interval.start.0 + 1));
        let changed = Interval {
            start: UnixSeconds(from),
            seconds: u32::try_from(to - from).unwrap_or(u32::MAX),
        };
        for hour_start in changed.hour_starts() {
            self.lay_hour(hour_start);
        }
        changed
    }

    /// Keeps a reading apart.
    pub fn quarantine(&mut self, origin: Origin) {
        self.quarantined.insert(
            origin.event,
            Quarantined {
                position: origin.position,
                undecided: true,
            },
        );
    }

    /// What the meter has for an hour.
    pub fn hour(&self, hour_start: UnixSeconds) -> MeterHour {
        let (day, hour) = day_and_hour(hour_start);
        self.days
            .get(&day)
            .map_or_else(MeterHour::default, |day| day.hours[hour])
    }

    /// Days (since 1970, UTC) with any reading, in order.
    pub fn days(&self) -> impl Iterator<Item = i64> + '_ {
        self.days.keys().copied()
    }

    /// The readings that an hour is made of, in order of time.
    pub fn contributions(&self, hour_start: UnixSeconds) -> Vec<Contribution> {
        let hour = Interval {
            start: hour_start,
            seconds: SECONDS_PER_HOUR as u32,
        };
        let mut found = Vec::new();
        // What counts never overlaps, so walking back from the hour's end can stop at the first that ends before it.
        let mut later_read: Option<(UnixSeconds, CountedReading)> = self
            .readings
            .range(hour.end()..)
            .next()
            .filter(|(_, reading)| reading.seconds == 0)
            .map(|(time, reading)| (*time, *reading));
        for (start, reading) in self.readings.range(..hour.end()).rev() {
            let contribution = if reading.seconds == 0 {
                let closing = later_read.replace((*start, *reading));
                closing.and_then(|(closing_time, closing)| {
                    let interval = Interval {
                        start: *start,
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
                        opening_read: Some(*reading),
                    })
                })
            } else {
                let interval = Interval {
                    start: *start,
                    seconds: reading.seconds,
                };
                hour_share_at(interval, reading.energy, hour_start).map(|share| Contribution {
                    interval,
                    interval_energy: reading.energy,
                    energy: share.energy,
                    seconds: share.seconds,
                    reading: *reading,
                    opening_read: None,
                })
            };
            found.extend(contribution);
            if *start <= hour_start || contribution.is_none() && reading.seconds > 0 {
                break;
            }
        }
        found.reverse();
        found
    }

    /// Readings that count.
    pub fn readings(&self) -> &BTreeMap<UnixSeconds, CountedReading> {
        &self.readings
    }

    /// Readings that counted once, by start and revision.
    pub fn superseded(&self) -> &BTreeMap<(UnixSeconds, u32), Origin> {
        &self.superseded
    }

    /// Readings that are or were in quarantine, by event.
    pub fn quarantined(&self) -> &BTreeMap<Uuid, Quarantined> {
        &self.quarantined
    }

    /// First and last second that any reading covers; `None` without readings.
    pub fn extent(&self) -> Option<(UnixSeconds, UnixSeconds)> {
        let (first, _) = self.readings.first_key_value()?;
        let (start, last) = self.readings.last_key_value()?;
        Some((*first, UnixSeconds(start.0 + i64::from(last.seconds))))
    }

    /// Hash of a day, worked out again only when the day has changed.
    pub fn day_hash(&mut self, day: i64) -> crate::hash::DayHash {
        if let Some(hash) = self.days.get(&day).and_then(|day| day.hash) {
            return hash;
        }
        let from = UnixSeconds(day * SECONDS_PER_DAY);
        let to = UnixSeconds((day + 1) * SECONDS_PER_DAY);
        let hash = crate::hash::meter_day(self.readings.range(from..to));
        self.days.entry(day).or_default().hash = Some(hash);
        hash
    }

    fn lay_hour(&mut self, hour_start: UnixSeconds) {
        let mut laid = MeterHour::default();
        for contribution in self.contributions(hour_start) {
            laid.energy = EnergyWh(laid.energy.0 + contribution.energy.0);
            laid.covered_s += contribution.seconds;
            laid.quality = laid.quality | contribution.quality();
        }
        let (day, hour) = day_and_hour(hour_start);
        self.days.entry(day).or_default().hours[hour] = laid;
    }

    fn touch_days(&mut self, from: i64, to: i64) {
        for day in from.div_euclid(SECONDS_PER_DAY)..=(to - 1).div_euclid(SECONDS_PER_DAY) {
            self.days.entry(day).or_default().hash = None;
        }
    }
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
    let day = hour_start.0.div_euclid(SECONDS_PER_DAY);
    let hour = hour_start.0.rem_euclid(SECONDS_PER_DAY) / SECONDS_PER_HOUR;
    (day, hour as usize)
}

/// Start of an hour of a day since 1970 (UTC).
pub fn hour_start_of(day: i64, hour: usize) -> UnixSeconds {
    UnixSeconds(day * SECONDS_PER_DAY + hour as i64 * SECONDS_PER_HOUR)
}
