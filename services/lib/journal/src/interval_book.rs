//! What was reported over intervals that never overlap. Pure.

use std::fmt;

use terrarium_model::{Interval, UnixSeconds, format_rfc3339_utc};

use crate::rejection::Rejection;
use crate::time_book::TimeBook;

/// Values over intervals; no instant has two.
#[derive(Clone, Debug)]
pub struct IntervalBook<V> {
    by_start: TimeBook<(u32, V)>,
}

impl<V> Default for IntervalBook<V> {
    fn default() -> Self {
        IntervalBook {
            by_start: TimeBook::default(),
        }
    }
}

impl<V: PartialEq + fmt::Display> IntervalBook<V> {
    /// Whether a value is new; refused if another one stands there or overlaps it. `field` names the value, `what` says whose
    /// it is.
    pub fn is_new(
        &self,
        field: &'static str,
        what: &str,
        interval: Interval,
        value: &V,
    ) -> Result<bool, Rejection> {
        let Some((start, (seconds, recorded_value))) =
            self.by_start.range(..interval.end()).next_back()
        else {
            return Ok(true);
        };
        let recorded = Interval {
            start: *start,
            seconds: *seconds,
        };
        if recorded == interval && recorded_value == value {
            return Ok(false);
        }
        if recorded == interval {
            return Err(Rejection::already_exists(
                field,
                format!(
                    "{what} at {}: {recorded_value} is recorded, and {value} was sent; check which one is right",
                    format_rfc3339_utc(interval.start),
                ),
            ));
        }
        if recorded.overlaps(interval) {
            return Err(Rejection::failed_precondition(
                "interval_start",
                format!(
                    "{} s from {} overlap the recorded {} s from {}; send everything once",
                    interval.seconds,
                    format_rfc3339_utc(interval.start),
                    recorded.seconds,
                    format_rfc3339_utc(recorded.start)
                ),
            ));
        }
        Ok(true)
    }

    /// Takes in a value.
    pub fn insert(&mut self, interval: Interval, value: V) {
        self.by_start
            .insert(interval.start, (interval.seconds, value));
    }

    /// Lets go of the far past when there is much of it.
    pub fn forget_old(&mut self) {
        self.by_start.forget_old();
    }

    /// Whether [`IntervalBook::forget_old`] would let go of something.
    pub fn is_large(&self) -> bool {
        self.by_start.is_large()
    }

    /// Whether what stood at a time, or next to it, may have been let go of.
    pub fn is_forgotten(&self, time: UnixSeconds) -> bool {
        self.by_start.is_forgotten(time)
    }

    /// Values whose intervals begin in this one, in order.
    pub fn begun_in(&self, interval: Interval) -> impl Iterator<Item = (Interval, &V)> {
        self.by_start
            .range(interval.start..interval.end())
            .map(|(start, (seconds, value))| {
                let interval = Interval {
                    start: *start,
                    seconds: *seconds,
                };
                (interval, value)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_once_and_nothing_overlaps_it() {
        let interval = |start, seconds| Interval {
            start: UnixSeconds(start),
            seconds,
        };
        let mut book = IntervalBook::default();
        book.insert(interval(0, 3_600), 12);
        assert_eq!(
            book.is_new("litres", "tank 1", interval(0, 3_600), &12),
            Ok(false)
        );
        let refusal = book
            .is_new("litres", "tank 1", interval(0, 3_600), &13)
            .expect_err("another value");
        assert!(refusal.message.contains("12 is recorded"), "{refusal}");
        let refusal = book
            .is_new("litres", "tank 1", interval(1_800, 3_600), &5)
            .expect_err("an overlap");
        assert_eq!(refusal.field, "interval_start");
        assert_eq!(
            book.is_new("litres", "tank 1", interval(3_600, 1), &5),
            Ok(true)
        );
        assert_eq!(book.begun_in(interval(0, 1)).count(), 1);
    }
}
