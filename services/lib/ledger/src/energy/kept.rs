//! Sums that are kept: of each node by day and by stretches of days, of the park by hour, each with what held before a release
//! of factors.

use std::collections::BTreeMap;

use terrarium_model::UnixSeconds;

use super::meter_book::{HOURS_PER_DAY, hour_start_of};
use crate::bytes::{Bytes, Damaged, Unread};
use crate::node_hour::Totals;

/// Days of a stretch that is summed up as a whole.
pub(crate) const STRETCH_DAYS: i64 = 32;

/// Sums that held from one position of the record to another, both included.
struct Older<T> {
    since: u64,
    until: u64,
    sums: T,
}

/// Sums, since when they hold, and what held before.
pub(crate) struct Kept<T> {
    pub sums: T,
    /// Position of the first and the last fact that changed anything here.
    changed: (u64, u64),
    /// What held before each release of factors.
    older: Vec<Older<T>>,
}

impl<T: Clone> Kept<T> {
    fn new(sums: T, position: u64) -> Kept<T> {
        Kept {
            sums,
            changed: (position, position),
            older: Vec::new(),
        }
    }

    /// The sums as known at a position: `Ok(None)`, before the first fact; `Err`: they have to be worked out.
    fn known_at(&self, position: u64) -> Result<Option<&T>, NotKept> {
        if self.changed.1 <= position {
            return Ok(Some(&self.sums));
        }
        if self.changed.0 > position {
            return Ok(None);
        }
        self.older
            .iter()
            .find(|older| older.since <= position && position <= older.until)
            .map(|older| Some(&older.sums))
            .ok_or(NotKept)
    }

    /// Prices change at a position: what held before is kept, once a position.
    fn keep_before(&mut self, position: u64) {
        if self.changed.1 < position {
            self.older.reserve_exact(1);
            self.older.push(Older {
                since: self.changed.1,
                until: position.saturating_sub(1),
                sums: self.sums.clone(),
            });
        }
    }

    fn write_to(&self, bytes: &mut Bytes, write: impl Fn(&T, &mut Bytes)) {
        bytes.u64(self.changed.0).u64(self.changed.1);
        write(&self.sums, bytes);
        bytes.count(self.older.len());
        for older in &self.older {
            bytes.u64(older.since).u64(older.until);
            write(&older.sums, bytes);
        }
    }

    fn read_from(
        unread: &mut Unread<'_>,
        read: impl Fn(&mut Unread<'_>) -> Result<T, Damaged>,
    ) -> Result<Kept<T>, Damaged> {
        let changed = (unread.u64()?, unread.u64()?);
        let sums = read(unread)?;
        let mut older = Vec::new();
        for _ in 0..unread.count()? {
            older.push(Older {
                since: unread.u64()?,
                until: unread.u64()?,
                sums: read(unread)?,
            });
        }
        Ok(Kept {
            sums,
            changed,
            older,
        })
    }
}

impl Kept<Totals> {
    fn move_sums(&mut self, position: u64, before: &Totals, after: &Totals) {
        self.sums.add(after);
        self.sums.take_out(before);
        self.changed.1 = position;
    }
}

/// What held at a position was not kept.
struct NotKept;

/// Sums of a node's hours of one day.
pub(crate) struct NodeDay {
    /// Days since 1970, UTC.
    pub day: i64,
    kept: Kept<Totals>,
    /// A bit for each hour that any meter has something for.
    pub any: u32,
    pub hash: Option<[u8; 32]>,
}

impl NodeDay {
    /// The sums as they stand.
    pub fn totals(&self) -> &Totals {
        &self.kept.sums
    }
}

/// Sums of a node over [`STRETCH_DAYS`] days.
struct NodeStretch {
    /// Number of the stretch since 1970.
    number: i64,
    kept: Kept<Totals>,
}

/// The days of one node, in order.
#[derive(Default)]
pub(crate) struct NodeBook {
    pub days: Vec<NodeDay>,
    stretches: Vec<NodeStretch>,
}

impl NodeBook {
    /// A day.
    pub fn day(&self, day: i64) -> Option<&NodeDay> {
        self.place(day).ok().map(|place| &self.days[place])
    }

    /// Sums of a day as known at a position; `None`: they have to be worked out.
    pub fn day_known_at(&self, day: i64, position: u64) -> Option<Totals> {
        let Some(found) = self.day(day) else {
            return Some(Totals::default());
        };
        let known = found.kept.known_at(position).ok()?;
        Some(known.copied().unwrap_or_default())
    }

    /// The same of a stretch of days, by its number.
    pub fn stretch_known_at(&self, number: i64, position: u64) -> Option<Totals> {
        let Ok(place) = self.stretch_place(number) else {
            return Some(Totals::default());
        };
        let known = self.stretches[place].kept.known_at(position).ok()?;
        Some(known.copied().unwrap_or_default())
    }

    /// An hour counts for something else since a position.
    pub fn move_hour(
        &mut self,
        day: i64,
        hour: usize,
        position: u64,
        before: &Totals,
        after: &Totals,
    ) {
        let found = self.day_mut(day, position);
        found.any |= 1 << hour;
        found.hash = None;
        found.kept.move_sums(position, before, after);
        let stretch = self.stretch_mut(day.div_euclid(STRETCH_DAYS), position);
        stretch.kept.move_sums(position, before, after);
    }

    /// A day has other prices since a position.
    pub fn reprice(&mut self, day: i64, position: u64, totals: Totals) {
        let found = self.day_mut(day, position);
        found.kept.keep_before(position);
        found.kept.changed.1 = position;
        found.hash = None;
        let before = std::mem::replace(&mut found.kept.sums, totals);
        let stretch = self.stretch_mut(day.div_euclid(STRETCH_DAYS), position);
        stretch.kept.keep_before(position);
        stretch.kept.changed.1 = position;
        stretch.kept.sums.add(&totals);
        stretch.kept.sums.take_out(&before);
    }

    /// Lets go of the days before one, and of the stretches that end before it.
    pub fn forget_days_before(&mut self, day: i64) {
        let first_kept = self.days.partition_point(|known| known.day < day);
        self.days.drain(..first_kept);
        let stretch = day.div_euclid(STRETCH_DAYS);
        let first_kept = self
            .stretches
            .partition_point(|known| known.number < stretch);
        self.stretches.drain(..first_kept);
    }

    fn day_mut(&mut self, day: i64, position: u64) -> &mut NodeDay {
        let place = self.place(day).unwrap_or_else(|place| {
            let node_day = NodeDay {
                day,
                kept: Kept::new(Totals::default(), position),
                any: 0,
                hash: None,
            };
            self.days.insert(place, node_day);
            place
        });
        &mut self.days[place]
    }

    fn stretch_mut(&mut self, number: i64, position: u64) -> &mut NodeStretch {
        let place = self.stretch_place(number).unwrap_or_else(|place| {
            let stretch = NodeStretch {
                number,
                kept: Kept::new(Totals::default(), position),
            };
            self.stretches.insert(place, stretch);
            place
        });
        &mut self.stretches[place]
    }

    fn place(&self, day: i64) -> Result<usize, usize> {
        place_of(&self.days, day, |found| found.day)
    }

    fn stretch_place(&self, number: i64) -> Result<usize, usize> {
        place_of(&self.stretches, number, |found| found.number)
    }

    pub(crate) fn write_to(&self, bytes: &mut Bytes) {
        bytes.count(self.days.len());
        for day in &self.days {
            bytes.i64(day.day).u32(day.any);
            day.kept.write_to(bytes, Totals::write_to);
        }
        bytes.count(self.stretches.len());
        for stretch in &self.stretches {
            bytes.i64(stretch.number);
            stretch.kept.write_to(bytes, Totals::write_to);
        }
    }

    pub(crate) fn read_from(unread: &mut Unread<'_>) -> Result<NodeBook, Damaged> {
        let mut book = NodeBook::default();
        let days = unread.count()?;
        book.days.reserve_exact(days);
        for _ in 0..days {
            book.days.push(NodeDay {
                day: unread.i64()?,
                any: unread.u32()?,
                kept: Kept::read_from(unread, Totals::read_from)?,
                hash: None,
            });
        }
        for _ in 0..unread.count()? {
            book.stretches.push(NodeStretch {
                number: unread.i64()?,
                kept: Kept::read_from(unread, Totals::read_from)?,
            });
        }
        Ok(book)
    }
}

/// Where something of a number stands among those in order, or would. Numbers follow each other nearly always.
fn place_of<T>(all: &[T], number: i64, of: impl Fn(&T) -> i64) -> Result<usize, usize> {
    if let Some(first) = all.first()
        && let Ok(guess) = usize::try_from(number - of(first))
        && all.get(guess).is_some_and(|found| of(found) == number)
    {
        return Ok(guess);
    }
    match all.last() {
        Some(last) if of(last) < number => Err(all.len()),
        _ => all.binary_search_by_key(&number, of),
    }
}

type DayHours = Box<[Totals; HOURS_PER_DAY]>;

/// Sums of the whole park, hour by hour.
#[derive(Default)]
pub(crate) struct ParkHours {
    days: BTreeMap<i64, Kept<DayHours>>,
}

impl ParkHours {
    /// Sums of an hour as known at a position; `None`: they have to be worked out.
    pub fn known_at(&self, day: i64, hour: usize, position: u64) -> Option<Totals> {
        let Some(found) = self.days.get(&day) else {
            return Some(Totals::default());
        };
        let known = found.known_at(position).ok()?;
        Some(known.map_or_else(Totals::default, |hours| hours[hour]))
    }

    /// An hour counts for something else since a position.
    pub fn move_hour(
        &mut self,
        day: i64,
        hour: usize,
        position: u64,
        before: &Totals,
        after: &Totals,
    ) {
        let found = self.day_mut(day, position);
        found.changed.1 = position;
        found.sums[hour].add(after);
        found.sums[hour].take_out(before);
    }

    /// A day has other prices since a position.
    pub fn reprice(&mut self, day: i64, position: u64, hours: [Totals; HOURS_PER_DAY]) {
        let found = self.day_mut(day, position);
        found.keep_before(position);
        found.changed.1 = position;
        *found.sums = hours;
    }

    fn day_mut(&mut self, day: i64, position: u64) -> &mut Kept<DayHours> {
        self.days
            .entry(day)
            .or_insert_with(|| Kept::new(Box::new([Totals::default(); HOURS_PER_DAY]), position))
    }

    /// Days from a first to a last one, in order.
    pub fn days_within(&self, first: i64, last: i64) -> Vec<i64> {
        self.days.range(first..=last).map(|(day, _)| *day).collect()
    }

    /// Lets go of the days before one.
    pub fn forget_days_before(&mut self, day: i64) {
        self.days = self.days.split_off(&day);
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        self.days.clear();
    }

    pub(crate) fn write_to(&self, bytes: &mut Bytes) {
        bytes.count(self.days.len());
        for (day, kept) in &self.days {
            bytes.i64(*day);
            kept.write_to(bytes, |hours, bytes| {
                for totals in hours.iter() {
                    totals.write_to(bytes);
                }
            });
        }
    }

    pub(crate) fn read_from(unread: &mut Unread<'_>) -> Result<ParkHours, Damaged> {
        let mut park_hours = ParkHours::default();
        for _ in 0..unread.count()? {
            let day = unread.i64()?;
            let kept = Kept::read_from(unread, |unread| {
                let mut hours = Box::new([Totals::default(); HOURS_PER_DAY]);
                for totals in hours.iter_mut() {
                    *totals = Totals::read_from(unread)?;
                }
                Ok(hours)
            })?;
            park_hours.days.insert(day, kept);
        }
        Ok(park_hours)
    }
}

/// Start of a stretch of days, by its number.
pub(crate) fn stretch_start(number: i64) -> UnixSeconds {
    hour_start_of(number * STRETCH_DAYS, 0)
}
