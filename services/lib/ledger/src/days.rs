//! What there is one of a day, in order: the last months at hand, the days before in stretches on a shelf.
//!
//! Whoever asks sees no difference but the time it takes. A stretch that is changed comes back from the shelf with all that
//! follow it, and they go there again when the next stretch begins.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use terrarium_model::Shelf;

use crate::bytes::{Bytes, Damaged, Unread};
use crate::hash::{DayHash, Hasher};

/// Days that go to the shelf together; stretches begin at multiples of it.
const STRETCH_DAYS: i64 = 32;
/// Stretches that stay at hand, the newest one among them.
const STRETCHES_AT_HAND: i64 = 4;

/// One of them.
pub(crate) trait Day: Sized {
    /// Days since 1970, UTC.
    fn day(&self) -> i64;

    /// Content and state.
    fn hash(&mut self) -> DayHash;

    /// Writes all of it, the day included.
    fn write_to(&self, bytes: &mut Bytes);

    /// Reads what [`Day::write_to`] wrote.
    fn read_from(unread: &mut Unread<'_>) -> Result<Self, Damaged>;
}

/// Days in order. So many stretches are kept after a look: who goes along a border looks at two.
pub(crate) struct Days<D, const OPENED: usize = 2> {
    shelf: Option<Arc<dyn Shelf>>,
    /// In order, all before those at hand.
    shelved: Vec<Shelved>,
    at_hand: Vec<D>,
    opened: Mutex<[Option<Opened<D>>; OPENED]>,
}

/// A stretch on the shelf.
struct Shelved {
    number: i64,
    /// First and last day that it has.
    first: i64,
    last: i64,
    days: usize,
    place: u64,
    bytes: u32,
    hash: DayHash,
}

/// A stretch that was looked at.
struct Opened<D> {
    number: i64,
    days: Arc<[D]>,
}

/// A day that is looked at.
pub(crate) enum Looked<'a, D> {
    AtHand(&'a D),
    Opened(Arc<[D]>, usize),
}

impl<D> Deref for Looked<'_, D> {
    type Target = D;

    fn deref(&self) -> &D {
        match self {
            Looked::AtHand(day) => day,
            Looked::Opened(days, place) => &days[*place],
        }
    }
}

impl<D, const OPENED: usize> Default for Days<D, OPENED> {
    fn default() -> Self {
        Days {
            shelf: None,
            shelved: Vec::new(),
            at_hand: Vec::new(),
            opened: Mutex::new([const { None }; OPENED]),
        }
    }
}

impl<D: Day, const OPENED: usize> Days<D, OPENED> {
    /// None yet.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> Self {
        Days {
            shelf,
            ..Days::default()
        }
    }

    /// From now on the far past goes to a shelf.
    pub fn put_on(&mut self, shelf: Arc<dyn Shelf>) {
        self.shelf = Some(shelf);
        self.shelve();
    }

    pub fn is_empty(&self) -> bool {
        self.at_hand.is_empty() && self.shelved.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        let shelved = self.shelved.iter().map(|stretch| stretch.days);
        shelved.sum::<usize>() + self.at_hand.len()
    }

    /// A day.
    pub fn at(&self, day: i64) -> Option<Looked<'_, D>> {
        match self.place(day) {
            Ok(place) => Some(Looked::AtHand(&self.at_hand[place])),
            Err(0) => {
                let found = self.from(day)?;
                (found.day() == day).then_some(found)
            }
            Err(_) => None,
        }
    }

    /// The last before a day.
    pub fn before(&self, day: i64) -> Option<Looked<'_, D>> {
        let (Ok(place) | Err(place)) = self.place(day);
        if let Some(place) = place.checked_sub(1) {
            return Some(Looked::AtHand(&self.at_hand[place]));
        }
        let stretches = self.shelved.partition_point(|stretch| stretch.first < day);
        let days = self.open(self.shelved[..stretches].last()?);
        let place = days.partition_point(|known| known.day() < day);
        Some(Looked::Opened(days, place - 1))
    }

    /// The first that is a day or later.
    pub fn from(&self, day: i64) -> Option<Looked<'_, D>> {
        let stretch = self.shelved.partition_point(|stretch| stretch.last < day);
        if let Some(stretch) = self.shelved.get(stretch) {
            let days = self.open(stretch);
            let place = days.partition_point(|known| known.day() < day);
            return Some(Looked::Opened(days, place));
        }
        let (Ok(place) | Err(place)) = self.place(day);
        self.at_hand.get(place).map(Looked::AtHand)
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = Looked<'_, D>> {
        let shelved = self.shelved.iter().flat_map(|stretch| {
            let days = self.open(stretch);
            (0..days.len()).map(move |place| Looked::Opened(Arc::clone(&days), place))
        });
        shelved.chain(self.at_hand.iter().map(Looked::AtHand))
    }

    /// A day, to be changed; a new one if it is not there.
    pub fn at_mut(&mut self, day: i64, new: impl FnOnce() -> D) -> &mut D {
        self.bring_back(day);
        let place = match self.place(day) {
            Ok(place) => place,
            Err(place) => {
                self.at_hand.insert(place, new());
                let begins_a_stretch = place.checked_sub(1).is_some_and(|before| {
                    place + 1 == self.at_hand.len()
                        && stretch_of(self.at_hand[before].day()) < stretch_of(day)
                });
                match begins_a_stretch {
                    true => {
                        self.shelve();
                        self.at_hand.len() - 1
                    }
                    false => place,
                }
            }
        };
        &mut self.at_hand[place]
    }

    /// Lets go of the days before one, but for the newest of them if `keeps_one`.
    pub fn forget_before(&mut self, day: i64, keeps_one: bool) {
        let first_kept = match self.before(day) {
            Some(before) if keeps_one => before.day(),
            _ => day,
        };
        let shelved = self
            .shelved
            .partition_point(|stretch| stretch.last < first_kept);
        self.shelved.drain(..shelved);
        if self.shelved.is_empty() {
            let at_hand = self
                .at_hand
                .partition_point(|known| known.day() < first_kept);
            self.at_hand.drain(..at_hand);
        }
    }

    /// Adds all days to content and state hash.
    pub fn hash_into(&mut self, content: &mut Hasher, state: &mut Hasher) {
        let mut add = |number: i64, hash: &DayHash| {
            content.number(number).bytes(&hash.content);
            state.bytes(&hash.state);
        };
        for stretch in &self.shelved {
            add(stretch.number, &stretch.hash);
        }
        let same = |one: &D, two: &D| stretch_of(one.day()) == stretch_of(two.day());
        for stretch in self.at_hand.chunk_by_mut(same) {
            let number = stretch_of(stretch[0].day());
            add(number, &hash_of(stretch));
        }
    }

    /// Writes all days.
    pub fn write_to(&self, bytes: &mut Bytes) {
        bytes.count(self.len());
        self.iter().for_each(|day| day.write_to(bytes));
    }

    /// Reads what [`Days::write_to`] wrote; all of it is at hand.
    pub fn read_from(unread: &mut Unread<'_>) -> Result<Self, Damaged> {
        let count = unread.count()?;
        let mut days = Self::default();
        days.at_hand.reserve_exact(count);
        for _ in 0..count {
            days.at_hand.push(D::read_from(unread)?);
        }
        match days.at_hand.is_sorted_by_key(Day::day) {
            true => Ok(days),
            false => Err(Damaged),
        }
    }

    /// Puts stretches of the far past on the shelf, as long as there is room. What came back from there need not wait for the next
    /// stretch to begin.
    pub fn shelve(&mut self) {
        let (Some(shelf), Some(newest)) = (&self.shelf, self.at_hand.last()) else {
            return;
        };
        let first_at_hand = stretch_of(newest.day()) - STRETCHES_AT_HAND + 1;
        let mut put = 0;
        let same = |one: &D, two: &D| stretch_of(one.day()) == stretch_of(two.day());
        for stretch in self.at_hand.chunk_by_mut(same) {
            let (first, last) = (stretch[0].day(), stretch[stretch.len() - 1].day());
            if stretch_of(first) >= first_at_hand {
                break;
            }
            let mut bytes = Bytes::default();
            bytes.count(stretch.len());
            stretch.iter().for_each(|day| day.write_to(&mut bytes));
            let written = bytes.into_vec();
            let (Some(place), Ok(bytes)) = (shelf.put(&written), u32::try_from(written.len()))
            else {
                break;
            };
            put += stretch.len();
            self.shelved.push(Shelved {
                number: stretch_of(first),
                first,
                last,
                days: stretch.len(),
                place,
                bytes,
                hash: hash_of(stretch),
            });
        }
        self.at_hand.drain(..put);
        self.at_hand.shrink_to_fit();
    }

    /// Takes what is shelved from the stretch of a day on back to hand.
    fn bring_back(&mut self, day: i64) {
        let number = stretch_of(day);
        if self
            .shelved
            .last()
            .is_none_or(|stretch| stretch.number < number)
        {
            return;
        }
        let first = self
            .shelved
            .partition_point(|stretch| stretch.number < number);
        let back: Vec<D> = self
            .shelved
            .drain(first..)
            .flat_map(|stretch| read(self.shelf.as_deref(), &stretch))
            .collect();
        self.at_hand.splice(..0, back);
        *self
            .opened
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner) = [const { None }; OPENED];
    }

    /// The days of a stretch on the shelf.
    fn open(&self, stretch: &Shelved) -> Arc<[D]> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |opened: &Option<Opened<D>>| {
            opened
                .as_ref()
                .is_some_and(|opened| opened.number == stretch.number)
        };
        match opened.iter().position(is_it) {
            Some(place) => opened[..=place].rotate_right(1),
            None => {
                opened.rotate_right(1);
                opened[0] = Some(Opened {
                    number: stretch.number,
                    days: read(self.shelf.as_deref(), stretch).into(),
                });
            }
        }
        let newest = opened[0].as_ref().expect("just looked at");
        Arc::clone(&newest.days)
    }

    /// Where a day stands among those at hand, or would.
    fn place(&self, day: i64) -> Result<usize, usize> {
        // Days follow each other nearly always.
        if let Some(first) = self.at_hand.first()
            && let Ok(guess) = usize::try_from(day - first.day())
            && let Some(known) = self.at_hand.get(guess)
            && known.day() == day
        {
            return Ok(guess);
        }
        match self.at_hand.last() {
            Some(last) if last.day() < day => Err(self.at_hand.len()),
            _ => self.at_hand.binary_search_by_key(&day, Day::day),
        }
    }
}

fn stretch_of(day: i64) -> i64 {
    day.div_euclid(STRETCH_DAYS)
}

fn hash_of<D: Day>(days: &mut [D]) -> DayHash {
    let mut content = Hasher::new("days");
    let mut state = Hasher::new("days-positions");
    for day in days {
        let hash = day.hash();
        content.number(day.day()).bytes(&hash.content);
        state.bytes(&hash.state);
    }
    DayHash {
        content: content.finish(),
        state: state.finish(),
    }
}

fn read<D: Day>(shelf: Option<&dyn Shelf>, stretch: &Shelved) -> Vec<D> {
    let shelf = shelf.expect("what is shelved has a shelf");
    let bytes = shelf.get(stretch.place, stretch.bytes as usize);
    let unread = &mut Unread::new(&bytes);
    let days = unread
        .count()
        .and_then(|count| (0..count).map(|_| D::read_from(unread)).collect());
    days.expect("it was written by this process")
}
