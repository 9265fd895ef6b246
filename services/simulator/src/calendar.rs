//! The civil calendar of a park's place.

use terrarium_model::{TimeZone, UnixSeconds};

const SECONDS_PER_DAY: i64 = 86_400;

/// An instant as the clocks and calendars of a place show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Local days since 1970-01-01.
    pub day: i64,
    /// Seconds since local midnight, 0 to 86,399.
    pub second_of_day: i64,
}

impl LocalTime {
    /// The local time of an instant.
    pub fn of(instant: UnixSeconds, time_zone: &TimeZone) -> LocalTime {
        let local_s = instant.0 + i64::from(time_zone.offset_seconds(instant));
        LocalTime {
            day: local_s.div_euclid(SECONDS_PER_DAY),
            second_of_day: local_s.rem_euclid(SECONDS_PER_DAY),
        }
    }

    /// Hours since local midnight.
    pub fn hour(self) -> f64 {
        self.second_of_day as f64 / 3_600.0
    }

    /// Saturday or Sunday.
    pub fn is_weekend(self) -> bool {
        // 1970-01-01 was a Thursday.
        matches!((self.day + 3).rem_euclid(7), 5 | 6)
    }

    /// The weekday, Monday being 0.
    pub fn weekday(self) -> i64 {
        (self.day + 3).rem_euclid(7)
    }
}

/// A date of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The date of a day counted from 1970-01-01 (Hinnant's algorithm).
    pub fn of_day(day: i64) -> Date {
        let shifted = day + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Date {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as u32,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32,
        }
    }

    /// The day counted from 1970-01-01.
    pub fn day_number(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day of the year, from 1.
    pub fn day_of_year(self) -> u32 {
        let first = Date {
            month: 1,
            day: 1,
            ..self
        };
        (self.day_number() - first.day_number() + 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse_over_centuries() {
        for day in (-200_000..200_000).step_by(13) {
            assert_eq!(Date::of_day(day).day_number(), day);
        }
        assert_eq!(
            Date::of_day(0),
            Date {
                year: 1970,
                month: 1,
                day: 1
            }
        );
        let leap_day = Date {
            year: 2024,
            month: 2,
            day: 29,
        };
        assert_eq!(leap_day.day_of_year(), 60);
        assert_eq!(Date::of_day(leap_day.day_number() + 1).month, 3);
    }

    #[test]
    fn local_time_is_that_of_the_parks_zone() {
        let beijing = TimeZone::named("Asia/Shanghai").unwrap();
        // 2025-01-03 (a Friday) 17:30 UTC is Saturday 01:30 in Beijing.
        let local = LocalTime::of(UnixSeconds(1_735_925_400), &beijing);
        assert_eq!(local.hour(), 1.5);
        assert!(local.is_weekend());
        assert_eq!(local.weekday(), 5);
    }
}
