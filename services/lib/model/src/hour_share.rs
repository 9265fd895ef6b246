//! How the energy of an interval is laid over the clock hours it touches.

use crate::quantity::EnergyWh;
use crate::time::{Interval, SECONDS_PER_HOUR, UnixSeconds};

/// The part of an interval's energy that falls into one clock hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourShare {
    /// Start of the hour (UTC).
    pub hour_start: UnixSeconds,
    /// Seconds of the interval in this hour, 1 to 3600.
    pub seconds: u32,
    pub energy: EnergyWh,
}

/// Spreads the energy evenly over the seconds of the interval, hour by hour, in whole Wh that sum exactly to it.
///
/// The share from second `a` to second `b` of an interval of `T` seconds and `E` Wh is floor(E b / T) - floor(E a / T),
/// floor towards minus infinity, so each share is within 1 Wh of even and no remainder is left at the end.
/// An interval of no seconds has no shares.
pub fn hour_shares(interval: Interval, energy: EnergyWh) -> HourShares {
    HourShares {
        interval,
        energy,
        seconds_done: 0,
        energy_done: 0,
    }
}

/// The one share of [`hour_shares`] that falls into the clock hour from `hour_start`, if the interval touches it.
pub fn hour_share_at(
    interval: Interval,
    energy: EnergyWh,
    hour_start: UnixSeconds,
) -> Option<HourShare> {
    let offset =
        |instant: i64| (instant - interval.start.0).clamp(0, i64::from(interval.seconds)) as u32;
    let begin = offset(hour_start.0);
    let end = offset(hour_start.0 + SECONDS_PER_HOUR);
    (begin < end).then(|| HourShare {
        hour_start,
        seconds: end - begin,
        energy: EnergyWh(
            floor_share(energy, end, interval.seconds)
                - floor_share(energy, begin, interval.seconds),
        ),
    })
}

/// Iterator of [`hour_shares`], in order of time.
#[derive(Debug, Clone)]
pub struct HourShares {
    interval: Interval,
    energy: EnergyWh,
    seconds_done: u32,
    energy_done: i64,
}

impl Iterator for HourShares {
    type Item = HourShare;

    fn next(&mut self) -> Option<HourShare> {
        let seconds_left = self.interval.seconds - self.seconds_done;
        if seconds_left == 0 {
            return None;
        }
        let share_start = UnixSeconds(self.interval.start.0 + i64::from(self.seconds_done));
        let hour_start = share_start.start_of_hour();
        // Between 1 and 3600, because the start of the hour is at most 3599 seconds back.
        let seconds_to_hour_end = (SECONDS_PER_HOUR - (share_start.0 - hour_start.0)) as u32;
        let seconds = seconds_left.min(seconds_to_hour_end);

        self.seconds_done += seconds;
        let energy_through = floor_share(self.energy, self.seconds_done, self.interval.seconds);
        let share = energy_through - self.energy_done;
        self.energy_done = energy_through;
        Some(HourShare {
            hour_start,
            seconds,
            energy: EnergyWh(share),
        })
    }
}

/// floor(energy x seconds / of_seconds); between zero and the energy, so it fits.
fn floor_share(energy: EnergyWh, seconds: u32, of_seconds: u32) -> i64 {
    let product = i128::from(energy.0) * i128::from(seconds);
    i64::try_from(product.div_euclid(i128::from(of_seconds))).expect("a part of an i64 is an i64")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(start: i64, seconds: u32, energy: i64) -> Vec<(i64, u32, i64)> {
        let interval = Interval {
            start: UnixSeconds(start),
            seconds,
        };
        hour_shares(interval, EnergyWh(energy))
            .map(|share| (share.hour_start.0, share.seconds, share.energy.0))
            .collect()
    }

    #[test]
    fn an_interval_inside_an_hour_is_one_share() {
        assert_eq!(shares(7_200, 3_600, 2_276), [(7_200, 3_600, 2_276)]);
        assert_eq!(shares(7_300, 900, -5), [(7_200, 900, -5)]);
        assert_eq!(shares(7_200, 0, 5), []);
    }

    #[test]
    fn a_longer_interval_is_spread_by_cumulative_rounding() {
        // 10 Wh over three hours: floors of 10/3, 20/3, 30/3.
        assert_eq!(
            shares(0, 10_800, 10),
            [(0, 3_600, 3), (3_600, 3_600, 3), (7_200, 3_600, 4)]
        );
        // Below zero the floor goes away from zero: floors of -10/3, -20/3, -30/3.
        assert_eq!(
            shares(0, 10_800, -10),
            [(0, 3_600, -4), (3_600, 3_600, -3), (7_200, 3_600, -3)]
        );
        // Half an hour each side of a border, before 1970.
        assert_eq!(
            shares(-5_400, 3_600, 101),
            [(-7_200, 1_800, 50), (-3_600, 1_800, 51)]
        );
    }

    proptest! {
        #[test]
        fn shares_sum_exactly_and_each_is_within_one_watt_hour_of_even(
            start in -10_i64.pow(10)..10_i64.pow(10),
            seconds in 1_u32..2_000_000,
            energy in -10_i64.pow(15)..=10_i64.pow(15),
        ) {
            let shares = shares(start, seconds, energy);
            prop_assert_eq!(shares.iter().map(|share| share.2).sum::<i64>(), energy);
            prop_assert_eq!(shares.iter().map(|share| share.1).sum::<u32>(), seconds);
            let interval = Interval { start: UnixSeconds(start), seconds };
            let hours: Vec<i64> = interval.hour_starts().map(|hour| hour.0).collect();
            prop_assert_eq!(shares.iter().map(|share| share.0).collect::<Vec<i64>>(), hours);
            prop_assert_eq!(interval.crosses_hour_border(), shares.len() > 1);
            for (_, share_seconds, share_wh) in shares {
                let error = i128::from(share_wh) * i128::from(seconds) - i128::from(energy) * i128::from(share_seconds);
                prop_assert!(error.abs() < i128::from(seconds));
            }
        }
    }
}
