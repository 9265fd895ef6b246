//! Sums that are kept: of each node by day and by stretches of days, of the park by hour, each with what held before a release
//! of factors.

use std::sync::Arc;

use terrarium_model::{Shelf, UnixSeconds};

use super::meter_book::{HOURS_PER_DAY, hour_start_of};
use crate::bytes::{Bytes, Damaged, Unread};
use crate::days::{Day, Days, Looked};
use crate::hash::{DayHash, node_day};
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
    hash: Option<[u8; 32]>,
}

impl Day for NodeDay {
    fn day(&self) -> i64 {
        self.day
    }

    fn hash(&mut self) -> DayHash {
        let sums = &self.kept.sums;
        let hash = *self.hash.get_or_insert_with(|| node_day(self.any, sums));
        DayHash {
            content: hash,
            state: hash,
        }
    }

    fn write_to(&self, bytes: &mut Bytes) {
        bytes.i64(self.day).u32(self.any);
        self.kept.write_to(bytes, Totals::write_to);
    }

    fn read_from(unread: &mut Unread<'_>) -> Result<NodeDay, Damaged> {
        Ok(NodeDay {
            day: unread.i64()?,
            any: unread.u32()?,
            kept: Kept::read_from(unread, Totals::read_from)?,
            hash: None,
        })
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
    pub days: Days<NodeDay>,
    stretches: Vec<NodeStretch>,
}

impl NodeBook {
    /// An empty one, whose far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> NodeBook {
        NodeBook {
            days: Days::shelved(shelf),
            stretches: Vec::new(),
        }
    }

    /// A day.
    pub fn day(&self, day: i64) -> Option<Looked<'_, NodeDay>> {
        self.days.at(day)
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
        self.days.forget_before(day, false);
        let stretch = day.div_euclid(STRETCH_DAYS);
        let first_kept = self
            .stretches
            .partition_point(|known| known.number < stretch);
        self.stretches.drain(..first_kept);
    }

    fn day_mut(&mut self, day: i64, position: u64) -> &mut NodeDay {
        self.days.at_mut(day, || NodeDay {
            day,
            kept: Kept::new(Totals::default(), position),
            any: 0,
            hash: None,
        })
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

    fn stretch_place(&self, number: i64) -> Result<usize, usize> {
        let is_last = self.stretches.last().filter(|last| last.number == number);
        match is_last {
            Some(_) => Ok(self.stretches.len() - 1),
            None => self
                .stretches
                .binary_search_by_key(&number, |stretch| stretch.number),
        }
    }

    pub(crate) fn write_to(&self, bytes: &mut Bytes) {
        self.days.write_to(bytes);
        bytes.count(self.stretches.len());
        for stretch in &self.stretches {
            bytes.i64(stretch.number);
            stretch.kept.write_to(bytes, Totals::write_to);
        }
    }

    pub(crate) fn read_from(unread: &mut Unread<'_>) -> Result<NodeBook, Damaged> {
        let mut book = NodeBook {
            days: Days::read_from(unread)?,
            stretches: Vec::new(),
        };
        for _ in 0..unread.count()? {
            book.stretches.push(NodeStretch {
                number: unread.i64()?,
                kept: Kept::read_from(unread, Totals::read_from)?,
            });
        }
        Ok(book)
    }
}

type DayHours = Box<[Totals; HOURS_PER_DAY]>;

/// Sums of the whole park in the hours of one day.
struct ParkDay {
    day: i64,
    kept: Kept<DayHours>,
}

impl Day for ParkDay {
    fn day(&self) -> i64 {
        self.day
    }

    /// Nothing: the sums of the nodes, which these follow from, are hashed.
    fn hash(&mut self) -> DayHash {
        DayHash {
            content: [0; 32],
            state: [0; 32],
        }
    }

    fn write_to(&self, bytes: &mut Bytes) {
        bytes.i64(self.day);
        self.kept.write_to(bytes, |hours, bytes| {
            hours.iter().for_each(|totals| totals.write_to(bytes));
        });
    }

    fn read_from(unread: &mut Unread<'_>) -> Result<ParkDay, Damaged> {
        let day = unread.i64()?;
        let kept = Kept::read_from(unread, |unread| {
            let mut hours = Box::new([Totals::default(); HOURS_PER_DAY]);
            for totals in hours.iter_mut() {
                *totals = Totals::read_from(unread)?;
            }
            Ok(hours)
        })?;
        Ok(ParkDay { day, kept })
    }
}

/// Stretches of hours that are kept after a look: several may ask for several years at a time, hour by hour.
const HOURS_OPENED: usize = 8;

/// Sums of the whole park, hour by hour.
#[derive(Default)]
pub(crate) struct ParkHours(Days<ParkDay, HOURS_OPENED>);

impl ParkHours {
    /// None yet; their far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> ParkHours {
        ParkHours(Days::shelved(shelf))
    }

    /// From now on their far past goes to a shelf.
    pub fn put_on(&mut self, shelf: Arc<dyn Shelf>) {
        self.0.put_on(shelf);
    }

    /// Puts the far past on the shelf.
    pub fn shelve(&mut self) {
        self.0.shelve();
    }

    /// Sums of an hour as known at a position; `None`: they have to be worked out.
    pub fn known_at(&self, day: i64, hour: usize, position: u64) -> Option<Totals> {
        let Some(found) = self.0.at(day) else {
            return Some(Totals::default());
        };
        let known = found.kept.known_at(position).ok()?;
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
        let kept = self.day_mut(day, position);
        kept.changed.1 = position;
        kept.sums[hour].add(after);
        kept.sums[hour].take_out(before);
    }

    /// A day has other prices since a position.
    pub fn reprice(&mut self, day: i64, position: u64, hours: [Totals; HOURS_PER_DAY]) {
        let kept = self.day_mut(day, position);
        kept.keep_before(position);
        kept.changed.1 = position;
        *kept.sums = hours;
    }

    fn day_mut(&mut self, day: i64, position: u64) -> &mut Kept<DayHours> {
        let new = || ParkDay {
            day,
            kept: Kept::new(Box::new([Totals::default(); HOURS_PER_DAY]), position),
        };
        &mut self.0.at_mut(day, new).kept
    }

    /// Days from a first to a last one, in order.
    pub fn days_within(&self, first: i64, last: i64) -> Vec<i64> {
        let after = |day: i64| self.0.from(day).map(|found| found.day);
        std::iter::successors(after(first), |day| after(day + 1))
            .take_while(|day| *day <= last)
            .collect()
    }

    /// Lets go of the days before one.
    pub fn forget_days_before(&mut self, day: i64) {
        self.0.forget_before(day, false);
    }

    pub(crate) fn write_to(&self, bytes: &mut Bytes) {
        self.0.write_to(bytes);
    }

    pub(crate) fn read_from(unread: &mut Unread<'_>) -> Result<ParkHours, Damaged> {
        Days::read_from(unread).map(ParkHours)
    }
}

/// Start of a stretch of days, by its number.
pub(crate) fn stretch_start(number: i64) -> UnixSeconds {
    hour_start_of(number * STRETCH_DAYS, 0)
}
