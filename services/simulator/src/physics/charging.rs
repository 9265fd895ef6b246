//! Cars that come to be charged: when, for how long, and with what wish.
//!
//! The shapes are those met at public chargers of a city (two humps a day; energy and stay log-normal, as in Lee, Li and
//! Low 2019, ACN-Data); the figures are assumed.

use crate::chance::Chance;

/// A car and its owner's wish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    /// Seconds of the local day.
    pub arrives_s: i64,
    pub stays_s: i64,
    /// What the owner wants to have more when leaving.
    pub wants_wh: i64,
    pub capacity_wh: i64,
    /// What is in it on arrival.
    pub stored_wh: i64,
    /// The owner lets energy be taken, down to the reserve.
    pub allows_discharge: bool,
    /// Never to be taken.
    pub reserve_wh: i64,
}

/// Cars an hour, for a mean day of one car: two humps, at 10 and at 15 o'clock.
fn hourly_share(hour: f64) -> f64 {
    let hump = |middle: f64, width: f64| (-0.5 * ((hour - middle) / width).powi(2)).exp();
    // The two humps sum to 1 over a day: 0.5 / (width x sqrt(2 pi)) each.
    0.5 * hump(10.0, 1.6) / (1.6 * 2.506_628) + 0.5 * hump(15.0, 2.0) / (2.0 * 2.506_628)
}

/// At weekends so many more cars come.
const WEEKEND_FACTOR: f64 = 1.8;

/// The cars of one day, in the order of their arrival. `cars_per_weekday` is the mean of a working day.
pub fn visits_of_day(chance: &mut Chance, cars_per_weekday: f64, is_weekend: bool) -> Vec<Visit> {
    let cars = cars_per_weekday * if is_weekend { WEEKEND_FACTOR } else { 1.0 };
    let mut visits = Vec::new();
    for quarter in 0..96_i64 {
        let hour = (quarter as f64 + 0.5) / 4.0;
        for _ in 0..chance.poisson(cars * hourly_share(hour) / 4.0) {
            visits.push(visit(chance, quarter * 900));
        }
    }
    visits.sort_by_key(|visit| visit.arrives_s);
    visits
}

fn visit(chance: &mut Chance, quarter_start_s: i64) -> Visit {
    let capacity_wh = 45_000 + (chance.uniform() * 35_000.0) as i64;
    let wants_wh = chance.log_normal(15_000.0, 0.6).clamp(2_000.0, 45_000.0) as i64;
    let stored_share = 0.25 + 0.45 * chance.uniform();
    let stored_wh = (capacity_wh as f64 * stored_share) as i64;
    Visit {
        arrives_s: quarter_start_s + (chance.uniform() * 900.0) as i64,
        stays_s: chance.log_normal(5_400.0, 0.5).clamp(900.0, 36_000.0) as i64,
        wants_wh: wants_wh.min(capacity_wh - stored_wh),
        capacity_wh,
        stored_wh,
        allows_discharge: chance.happens(0.5),
        reserve_wh: (capacity_wh as f64 * 0.55) as i64,
    }
}

/// The most power in W that a car takes: all that the charger gives up to 80 % of its capacity, then less and less
/// (constant current, then constant voltage).
pub fn acceptance_w(charger_w: i64, stored_wh: i64, capacity_wh: i64) -> i64 {
    let share = stored_wh as f64 / capacity_wh as f64;
    let taper = ((1.0 - share) / 0.2).clamp(0.05, 1.0);
    (charger_w as f64 * taper).round() as i64
}

/// Share of the energy at the charger's meter that reaches the car, and of the car's that reaches the meter. Assumed;
/// the round trip is 0.85.
pub const CHARGER_EFFICIENCY: f64 = 0.92;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_cars_come_as_wanted_and_more_at_weekends() {
        let cars = |is_weekend| -> usize {
            (0..400)
                .map(|day| {
                    let mut chance = Chance::of(1, "chargers", day, "cars");
                    visits_of_day(&mut chance, 6.0, is_weekend).len()
                })
                .sum()
        };
        assert!((cars(false) as f64 / 400.0 - 6.0).abs() < 0.4);
        assert!((cars(true) as f64 / 400.0 - 10.8).abs() < 0.6);
    }

    #[test]
    fn nearly_full_cars_take_less() {
        assert_eq!(acceptance_w(60_000, 30_000, 60_000), 60_000);
        assert_eq!(acceptance_w(60_000, 54_000, 60_000), 30_000);
        assert_eq!(acceptance_w(60_000, 60_000, 60_000), 3_000);
    }
}
