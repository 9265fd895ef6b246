//! What is known by time, of which the far past can be let go. Pure.
//!
//! An aggregate decides about what is reported now by what stands next to it in time; of the far past it needs nothing until
//! somebody reports something late or corrects it. [`TimeBook`] keeps the newest [`KEPT`] entries and at least those of
//! [`KEPT_S`]; the desk reads the whole stream again for a command that needs more
//! ([`Aggregate::needs_forgotten`](crate::Aggregate::needs_forgotten)).

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::RangeBounds;

use terrarium_model::UnixSeconds;

/// The newest entries stay, however old they are.
pub const KEPT: usize = 1_024;
/// What is no older than the newest entry by this many seconds stays: 32 days, so that a month can be reported late without
/// reading the record.
pub const KEPT_S: i64 = 32 * 86_400;

/// Values by time.
#[derive(Clone, Debug)]
pub struct TimeBook<V> {
    by_time: BTreeMap<UnixSeconds, V>,
    /// After this entry, the oldest one that is kept, it is whole; `None`: nothing was let go of.
    whole_after: Option<UnixSeconds>,
    /// Entries at which something is let go of.
    most: usize,
}

impl<V> Default for TimeBook<V> {
    fn default() -> Self {
        TimeBook {
            by_time: BTreeMap::new(),
            whole_after: None,
            most: 2 * KEPT,
        }
    }
}

impl<V> TimeBook<V> {
    /// The value of a time.
    pub fn get(&self, time: &UnixSeconds) -> Option<&V> {
        self.by_time.get(time)
    }

    /// The value of a time, to be changed.
    pub fn get_mut(&mut self, time: &UnixSeconds) -> Option<&mut V> {
        self.by_time.get_mut(time)
    }

    /// Whether a time has a value.
    pub fn contains_key(&self, time: &UnixSeconds) -> bool {
        self.by_time.contains_key(time)
    }

    /// Values of a range of times, in order.
    pub fn range(
        &self,
        range: impl RangeBounds<UnixSeconds>,
    ) -> impl DoubleEndedIterator<Item = (&UnixSeconds, &V)> {
        self.by_time.range(range)
    }

    /// The newest.
    pub fn last_key_value(&self) -> Option<(&UnixSeconds, &V)> {
        self.by_time.last_key_value()
    }

    /// Takes in a value; gives the one that stood there.
    pub fn insert(&mut self, time: UnixSeconds, value: V) -> Option<V> {
        self.by_time.insert(time, value)
    }

    /// Whether there is enough to let go of.
    pub fn is_large(&self) -> bool {
        self.by_time.len() >= self.most
    }

    /// Lets go of the far past when there is much of it.
    pub fn forget_old(&mut self) {
        if !self.is_large() {
            return;
        }
        let oldest_kept = self.by_time.keys().rev().nth(KEPT - 1);
        let newest = self.by_time.keys().next_back();
        let (Some(oldest_kept), Some(newest)) = (oldest_kept, newest) else {
            return;
        };
        let cut = (*oldest_kept).min(UnixSeconds(newest.0 - KEPT_S));
        // The one before the cut stays: what comes next to it is judged by it.
        let before = self.by_time.range(..cut).next_back();
        let before = before.map(|(before, _)| *before);
        if let Some(before) = before {
            self.by_time = self.by_time.split_off(&before);
            self.whole_after = Some(before);
        }
        self.most = (2 * self.by_time.len()).max(2 * KEPT);
    }

    /// Whether what stood at a time, or next to it, may have been let go of.
    pub fn is_forgotten(&self, time: UnixSeconds) -> bool {
        self.whole_after
            .is_some_and(|oldest_kept| time <= oldest_kept)
    }
}

/// Ids of what was let go of, as a hash each: an id that was never there passes for one of them once in 2^64 divided by their
/// number, and then the record is read for nothing.
#[derive(Clone, Debug, Default)]
pub struct ForgottenIds {
    /// Sorted.
    hashes: Vec<u64>,
}

impl ForgottenIds {
    /// Adds an id.
    pub fn add(&mut self, id: &str) {
        let hash = hash_of(id);
        if let Err(place) = self.hashes.binary_search(&hash) {
            self.hashes.insert(place, hash);
        }
    }

    /// Whether an id may be one of them.
    pub fn may_contain(&self, id: &str) -> bool {
        self.hashes.binary_search(&hash_of(id)).is_ok()
    }
}

fn hash_of(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is not forgotten is as if nothing ever was: its value, and the entries before and after it.
        #[test]
        fn what_is_not_forgotten_has_its_neighbours(
            gaps_s in prop::collection::vec(1_i64..20_000, 1..6_000),
            asked in prop::collection::vec(any::<prop::sample::Index>(), 20),
        ) {
            let mut book = TimeBook::default();
            let mut all = BTreeMap::new();
            let mut time = UnixSeconds(0);
            for gap_s in &gaps_s {
                time.0 += gap_s;
                book.insert(time, time.0);
                all.insert(time, time.0);
                book.forget_old();
            }
            prop_assert!(!book.is_forgotten(UnixSeconds(time.0 - KEPT_S + 20_000)));
            for asked in asked {
                let at = UnixSeconds(asked.index(time.0 as usize + 1) as i64);
                if book.is_forgotten(at) {
                    continue;
                }
                prop_assert_eq!(book.get(&at), all.get(&at));
                prop_assert_eq!(book.range(..at).next_back(), all.range(..at).next_back());
                prop_assert_eq!(book.range(at..).next(), all.range(at..).next());
            }
        }
    }

    #[test]
    fn all_that_lies_in_a_gap_is_known_however_long_it_is() {
        let mut book = TimeBook::default();
        let fell_silent = KEPT as i64 * 900;
        for quarter in 0..=KEPT as i64 {
            book.insert(UnixSeconds(quarter * 900), quarter);
        }
        let came_back = fell_silent + 50 * 86_400;
        for quarter in 0..2 * KEPT as i64 {
            book.insert(UnixSeconds(came_back + quarter * 900), quarter);
            book.forget_old();
        }
        assert!(book.is_forgotten(UnixSeconds(fell_silent - 900)));
        assert!(book.is_forgotten(UnixSeconds(fell_silent)));
        let in_the_gap = UnixSeconds(fell_silent + 1);
        assert!(!book.is_forgotten(in_the_gap));
        let before = book.range(..in_the_gap).next_back();
        assert_eq!(before.map(|(time, _)| time.0), Some(fell_silent));
    }

    #[test]
    fn a_long_life_in_hours_is_no_larger_than_a_few_months() {
        let mut book = TimeBook::default();
        let mut most = 0;
        for hour in 0..219_000 {
            book.insert(UnixSeconds(hour * 3_600), hour);
            book.forget_old();
            most = most.max(book.by_time.len());
        }
        assert!(most <= 2 * KEPT + 1, "{most} entries");
        assert!(book.is_forgotten(UnixSeconds(0)));
        assert!(!book.is_forgotten(UnixSeconds((219_000 - 24 * 31) * 3_600)));
    }

    #[test]
    fn an_id_that_was_let_go_of_is_known_and_another_one_is_not() {
        let mut ids = ForgottenIds::default();
        for number in 0..1_000 {
            ids.add(&format!("trip-{number}"));
        }
        assert!(ids.may_contain("trip-999"));
        assert!(!ids.may_contain("trip-1000"));
    }
}
