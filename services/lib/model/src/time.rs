//! Instants, intervals, and their texts.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use thiserror::Error;

use crate::found::shown;

/// Seconds of a clock hour.
pub const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 86_400;

/// An instant: seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// Start of the clock hour (UTC) that this instant is in.
    pub fn start_of_hour(self) -> UnixSeconds {
        UnixSeconds(self.0 - self.0.rem_euclid(SECONDS_PER_HOUR))
    }
}

impl fmt::Display for UnixSeconds {
    /// RFC 3339 in UTC.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_civil(formatter, self.0)?;
        formatter.write_str("Z")
    }
}

/// An instant: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The second that this instant is in.
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0.div_euclid(1_000))
    }
}

impl fmt::Display for UnixMillis {
    /// RFC 3339 in UTC, such as `2026-11-20T19:05:01.123Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_civil(formatter, self.seconds().0)?;
        write!(formatter, ".{:03}Z", self.0.rem_euclid(1_000))
    }
}

/// Tells the time. The wall clock lives outside of this crate, and a simulated park has the simulator's.
pub trait Clock: Send + Sync {
    /// The instant it is now.
    fn now(&self) -> UnixMillis;
}

/// A clock that stands still until it is set, for tests.
#[derive(Debug)]
pub struct FixedClock {
    now_ms: AtomicI64,
}

impl FixedClock {
    /// A clock that says `now`.
    pub fn new(now: UnixMillis) -> Self {
        Self {
            now_ms: AtomicI64::new(now.0),
        }
    }

    /// Moves the clock to `now`, forwards or back.
    pub fn set(&self, now: UnixMillis) {
        self.now_ms.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now_ms.load(Ordering::SeqCst))
    }
}

/// A stretch of time from `start` (inclusive) to `start + seconds` (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    pub start: UnixSeconds,
    pub seconds: u32,
}

impl Interval {
    /// The clock hour (UTC) that the instant is in.
    pub fn hour_of(instant: UnixSeconds) -> Interval {
        Interval {
            start: instant.start_of_hour(),
            seconds: SECONDS_PER_HOUR as u32,
        }
    }

    /// The first instant after the interval.
    pub fn end(self) -> UnixSeconds {
        UnixSeconds(self.start.0 + i64::from(self.seconds))
    }

    /// Whether a second belongs to both. Neighbours that only touch do not overlap, and an empty interval overlaps nothing.
    pub fn overlaps(self, other: Interval) -> bool {
        self.start.max(other.start) < self.end().min(other.end())
    }

    /// Whether the instant is in the interval.
    pub fn contains(self, instant: UnixSeconds) -> bool {
        self.start <= instant && instant < self.end()
    }

    /// Whether all 3600 s of the hour that starts at `hour_start` are in the interval.
    pub fn contains_hour(self, hour_start: UnixSeconds) -> bool {
        self.start <= hour_start && hour_start.0 + SECONDS_PER_HOUR <= self.end().0
    }

    /// Whether seconds of the interval belong to two clock hours (UTC) or more.
    pub fn crosses_hour_border(self) -> bool {
        self.end().0 > self.start.start_of_hour().0 + SECONDS_PER_HOUR
    }

    /// Starts of the clock hours (UTC) that the interval has seconds in, in order.
    pub fn hour_starts(self) -> impl Iterator<Item = UnixSeconds> {
        let end = if self.seconds == 0 {
            self.start.0
        } else {
            self.end().0
        };
        let first = if self.seconds == 0 {
            end
        } else {
            self.start.start_of_hour().0
        };
        (first..end)
            .step_by(SECONDS_PER_HOUR as usize)
            .map(UnixSeconds)
    }
}

/// Why a text is no instant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Date and time are there, but nothing says of which zone (`-00:00` says the same of itself).
    #[error(
        "{found} has no UTC offset: write Z for UTC, or the offset after the seconds, such as {example}"
    )]
    NoOffset { found: String, example: String },
    /// Not of the form.
    #[error(
        "{found} is no RFC 3339 time: write date, T, time with seconds, and offset, such as 2016-07-31T23:00:00-08:00"
    )]
    NotRfc3339 { found: String },
    /// Parts of seconds that are not zero.
    #[error("{found} has a fraction of a second: write whole seconds")]
    FractionOfSecond { found: String },
    /// Of the form, but there is no such day, time or offset.
    #[error("{found} does not exist: its {field} is out of range")]
    OutOfRange { found: String, field: &'static str },
}

/// Reads an RFC 3339 instant: `YYYY-MM-DDTHH:MM:SS`, then `Z` or an offset `±HH:MM`, capitals only.
///
/// A fraction of zero (`.0`) is taken and any other refused; so are leap seconds (`:60`), `24:00:00`, and `-00:00`,
/// by which RFC 3339 says that the offset is unknown.
pub fn parse_rfc3339_with_offset(text: &str) -> Result<UnixSeconds, TimeError> {
    let bytes = text.as_bytes();
    let not_rfc3339 = || TimeError::NotRfc3339 { found: shown(text) };
    let Some((civil, rest)) = bytes.split_first_chunk::<19>() else {
        return Err(not_rfc3339());
    };
    let separators = [civil[4], civil[7], civil[10], civil[13], civil[16]];
    if separators != *b"--T::" {
        return Err(not_rfc3339());
    }
    let number = |at: usize| two_digits(civil[at], civil[at + 1]);
    let (Some(century), Some(year_of_century), Some(month), Some(day)) =
        (number(0), number(2), number(5), number(8))
    else {
        return Err(not_rfc3339());
    };
    let (Some(hour), Some(minute), Some(second)) = (number(11), number(14), number(17)) else {
        return Err(not_rfc3339());
    };
    let rest = after_zero_fraction(rest, text)?;
    let offset_s = parse_offset(rest, text)?;

    let year = century * 100 + year_of_century;
    let out_of_range = |field| TimeError::OutOfRange {
        found: shown(text),
        field,
    };
    if !(1..=12).contains(&month) {
        return Err(out_of_range("month"));
    }
    if day < 1 || day > days_in_month(year, month) {
        return Err(out_of_range("day"));
    }
    if hour > 23 {
        return Err(out_of_range("hour"));
    }
    if minute > 59 {
        return Err(out_of_range("minute"));
    }
    if second > 59 {
        return Err(out_of_range("second"));
    }
    let civil_s =
        days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    Ok(UnixSeconds(civil_s - offset_s))
}

fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// What follows the fraction of the second, which must be zero if there is one.
fn after_zero_fraction<'t>(rest: &'t [u8], text: &str) -> Result<&'t [u8], TimeError> {
    let Some((b'.', fraction_and_offset)) = rest.split_first() else {
        return Ok(rest);
    };
    let digits = fraction_and_offset
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (fraction, offset) = fraction_and_offset.split_at(digits);
    if fraction.is_empty() {
        return Err(TimeError::NotRfc3339 { found: shown(text) });
    }
    if fraction.iter().any(|digit| *digit != b'0') {
        return Err(TimeError::FractionOfSecond { found: shown(text) });
    }
    Ok(offset)
}

/// The offset in seconds east of Greenwich.
fn parse_offset(rest: &[u8], text: &str) -> Result<i64, TimeError> {
    let no_offset = || {
        let written = text.get(..19).unwrap_or("2016-07-31T23:00:00");
        TimeError::NoOffset {
            found: shown(text),
            example: format!("{written}Z or {written}+08:00"),
        }
    };
    let (sign, hours, minutes) = match *rest {
        [b'Z'] => return Ok(0),
        [] => return Err(no_offset()),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            match (two_digits(h1, h2), two_digits(m1, m2)) {
                (Some(hours), Some(minutes)) => (sign, hours, minutes),
                _ => return Err(TimeError::NotRfc3339 { found: shown(text) }),
            }
        }
        _ => return Err(TimeError::NotRfc3339 { found: shown(text) }),
    };
    if hours > 23 || minutes > 59 {
        return Err(TimeError::OutOfRange {
            found: shown(text),
            field: "offset",
        });
    }
    let magnitude_s = hours * 3_600 + minutes * 60;
    match (sign, magnitude_s) {
        (b'-', 0) => Err(no_offset()),
        (b'-', _) => Ok(-magnitude_s),
        _ => Ok(magnitude_s),
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms", days_from_civil).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year_from_march = if month <= 2 { year - 1 } else { year };
    let era = year_from_march.div_euclid(400);
    let year_of_era = year_from_march.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days from 1970-01-01 (same source, civil_from_days).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days_from_march_0000 = days + 719_468;
    let era = days_from_march_0000.div_euclid(146_097);
    let day_of_era = days_from_march_0000.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// `YYYY-MM-DDTHH:MM:SS` of seconds since 1970 on some local clock.
fn write_civil(to: &mut impl fmt::Write, civil_s: i64) -> fmt::Result {
    let (year, month, day) = civil_from_days(civil_s.div_euclid(SECONDS_PER_DAY));
    let second_of_day = civil_s.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (
        second_of_day / 3_600,
        second_of_day / 60 % 60,
        second_of_day % 60,
    );
    if !(0..10_000).contains(&year) {
        return write!(
            to,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        );
    }
    // Every event has several of them.
    let mut text = *b"0000-00-00T00:00:00";
    let parts = [
        (0, year / 100),
        (2, year % 100),
        (5, month),
        (8, day),
        (11, hour),
        (14, minute),
        (17, second),
    ];
    for (place, part) in parts {
        text[place] += (part / 10) as u8;
        text[place + 1] += (part % 10) as u8;
    }
    to.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

/// RFC 3339 in UTC, such as `2016-08-01T07:00:00Z`.
pub fn format_rfc3339_utc(instant: UnixSeconds) -> String {
    instant.to_string()
}

/// A time zone of the IANA database that is built in, so that every machine has the same days and months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone {
    zone: jiff::tz::TimeZone,
    name: String,
}

/// A name that is no IANA time zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found} is no IANA time zone: write a name such as Asia/Shanghai, or Etc/GMT+8 for a fixed UTC-8 (the sign is the other way round there)"
)]
pub struct UnknownTimeZone {
    found: String,
}

impl TimeZone {
    /// The zone of an IANA name, in any case of letters.
    pub fn named(name: &str) -> Result<Self, UnknownTimeZone> {
        let unknown = || UnknownTimeZone { found: shown(name) };
        let zone = jiff::tz::TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_| unknown())?;
        let name = zone.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { zone, name })
    }

    /// Every name of the database.
    pub(crate) fn known_names() -> Vec<String> {
        jiff::tz::TimeZoneDatabase::bundled()
            .available()
            .map(|name| name.to_string())
            .collect()
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds east of Greenwich at the instant; 0 far outside the calendar (beyond the year 9999).
    pub fn offset_seconds(&self, instant: UnixSeconds) -> i32 {
        match jiff::Timestamp::from_second(instant.0) {
            Ok(timestamp) => self.zone.to_offset(timestamp).seconds(),
            Err(_) => 0,
        }
    }

    /// RFC 3339 with the zone's offset, such as `2016-07-31T23:00:00-08:00`.
    ///
    /// In UTC with `Z` where the offset has seconds (local mean times before about 1900), which RFC 3339 can't say.
    pub fn format_rfc3339(&self, instant: UnixSeconds) -> String {
        let offset_s = self.offset_seconds(instant);
        if offset_s % 60 != 0 {
            return format_rfc3339_utc(instant);
        }
        let sign = if offset_s < 0 { '-' } else { '+' };
        let offset_min = offset_s.unsigned_abs() / 60;
        let civil = self.civil(instant);
        format!("{civil}{sign}{:02}:{:02}", offset_min / 60, offset_min % 60)
    }

    /// The day the instant is in, such as `2016-08-01`.
    pub fn day_key(&self, instant: UnixSeconds) -> String {
        self.civil_up_to('T', instant)
    }

    /// The month the instant is in, such as `2016-08`.
    pub fn month_key(&self, instant: UnixSeconds) -> String {
        let mut key = self.day_key(instant);
        key.truncate(key.len() - "-01".len());
        key
    }

    /// The calendar year the instant is in; that of 1970 far outside the calendar.
    pub fn year(&self, instant: UnixSeconds) -> i64 {
        jiff::Timestamp::from_second(instant.0).map_or(1970, |timestamp| {
            self.zone.to_datetime(timestamp).year().into()
        })
    }

    /// The same date and time of day in another year; 29 February is 1 March where there is none. `None` outside the calendar.
    pub fn in_year(&self, instant: UnixSeconds, year: i64) -> Option<UnixSeconds> {
        let civil = self
            .zone
            .to_datetime(jiff::Timestamp::from_second(instant.0).ok()?);
        let year = i16::try_from(year).ok()?;
        let date = jiff::civil::Date::new(year, civil.month(), civil.day())
            .or_else(|_| jiff::civil::Date::new(year, 3, 1))
            .ok()?;
        let there = self
            .zone
            .to_timestamp(date.to_datetime(civil.time()))
            .ok()?;
        Some(UnixSeconds(there.as_second()))
    }

    /// The clock hour (UTC) the instant is in, by its start in this zone: `2016-08-01T13:00:00-08:00`. The offset
    /// keeps apart the two hours of one name when clocks are set back.
    pub fn hour_key(&self, instant: UnixSeconds) -> String {
        self.format_rfc3339(instant.start_of_hour())
    }

    fn civil(&self, instant: UnixSeconds) -> String {
        let mut civil = String::with_capacity(25);
        let local_s = instant.0 + i64::from(self.offset_seconds(instant));
        write_civil(&mut civil, local_s).expect("a String takes all writes");
        civil
    }

    fn civil_up_to(&self, mark: char, instant: UnixSeconds) -> String {
        let mut civil = self.civil(instant);
        if let Some(end) = civil.find(mark) {
            civil.truncate(end);
        }
        civil
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.name)
    }
}

#[cfg(test)]
mod tests;
