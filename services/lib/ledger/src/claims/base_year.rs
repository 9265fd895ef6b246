//! Like with like: which part of the base year a period is compared with.
//!
//! A calendar year, or any twelve months, stand against the whole base year; a part of a year stands against the same days of
//! the base year, hour for hour, because no standard lets a quarter be a quarter of a year. Nothing is like a period that
//! is longer, or that reaches over New Year and is shorter.

use terrarium_model::{SECONDS_PER_HOUR, TimeZone, UnixSeconds, parse_rfc3339_with_offset};

use crate::claims::ground::Ground;
use crate::claims::statement::{Line, LineRole, Source, Words};
use crate::claims::{Question, Refusal};
use crate::park_ledger::Period;

/// What a period is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counterpart {
    /// Of the base year.
    pub period: Period,
    /// Whether it is all of it.
    pub is_whole_year: bool,
}

/// The part of a year that is like a period; `None`: nothing of it is.
pub fn counterpart(period: Period, year: u32, zone: &TimeZone) -> Option<Counterpart> {
    let year = i64::from(year);
    let first_year = zone.year(period.from);
    let last_year = zone.year(UnixSeconds(period.to.0 - 1));
    let there = |instant: UnixSeconds, year: i64| Some(up_to_hour(zone.in_year(instant, year)?));
    if first_year == last_year {
        let years_on = zone.year(period.to) - first_year;
        let of_base = Period {
            from: there(period.from, year)?,
            to: there(period.to, year + years_on)?,
        };
        let whole = calendar_year(year, zone)?;
        // 29 February alone has no counterpart in most years.
        return (of_base.from < of_base.to).then_some(Counterpart {
            period: of_base,
            is_whole_year: of_base == whole,
        });
    }
    let is_twelve_months = there(period.from, first_year + 1)? == period.to;
    is_twelve_months
        .then(|| calendar_year(year, zone))
        .flatten()
        .map(|period| Counterpart {
            period,
            is_whole_year: true,
        })
}

/// A calendar year of a zone, from full hour to full hour.
pub fn calendar_year(year: i64, zone: &TimeZone) -> Option<Period> {
    let start = |year: i64| {
        let utc = parse_rfc3339_with_offset(&format!("{year:04}-01-01T00:00:00Z")).ok()?;
        let local = UnixSeconds(utc.0 - i64::from(zone.offset_seconds(utc)));
        Some(up_to_hour(local))
    };
    Some(Period {
        from: start(year)?,
        to: start(year + 1)?,
    })
}

/// Zones with an offset of half an hour: the first full hour from there on.
fn up_to_hour(instant: UnixSeconds) -> UnixSeconds {
    UnixSeconds(instant.0 + (-instant.0).rem_euclid(SECONDS_PER_HOUR))
}

/// The base year as a claim compares with it.
pub struct BaseYear<'a> {
    /// The question, asked of the base year.
    pub question: Question<'a>,
    /// Which year.
    pub year: u32,
    /// Whether all of it is compared with.
    pub is_whole_year: bool,
}

impl BaseYear<'_> {
    /// "base year 2024", or "same months of 2024".
    pub fn words(&self) -> Words {
        let year = self.year;
        if self.is_whole_year {
            Words::new(format!("base year {year}"), format!("基准年 {year}"))
        } else {
            Words::new(
                format!("same months of base year {year}"),
                format!("基准年 {year} 同期"),
            )
        }
    }
}

/// What a question's period is compared with; `None`: no base year is decided, or nothing is on record of it.
pub fn base_year<'a>(question: &Question<'a>) -> Result<Option<BaseYear<'a>>, Refusal> {
    let Some(decided) = &question.policy.base_year else {
        return Ok(None);
    };
    let year = decided.what.year;
    let unlike = || Refusal::Unlike {
        from: question.zone.format_rfc3339(question.books.period.from),
        to: question.zone.format_rfc3339(question.books.period.to),
        base_year: year,
    };
    let like = counterpart(question.books.period, year, question.zone).ok_or_else(unlike)?;
    let Some(books) = question.base_year else {
        return Ok(None);
    };
    if books.period != like.period {
        return Err(unlike());
    }
    if books.postings.is_empty() && books.node_hours.1 == 0 {
        return Ok(None);
    }
    Ok(Some(BaseYear {
        question: Question {
            books,
            base_year: None,
            years: &[],
            beside: None,
            ..*question
        },
        year,
        is_whole_year: like.is_whole_year,
    }))
}

/// The base year's total, within the same boundary rule.
pub fn base_line(question: &Question<'_>) -> Result<Option<Line>, Refusal> {
    let Some(base) = base_year(question)? else {
        return Ok(None);
    };
    let ground = Ground::of(&base.question)?;
    let which = base.words();
    let mut line = ground
        .line(
            "base-year-total",
            Words::new(
                format!("Total of the {}, market-based", which.en),
                format!("{}合计（基于市场）", which.zh),
            ),
            ground.in_inventory(ground.market),
        )
        .role(LineRole::Beside);
    // Its postings stand in other books; the decision says which year it is.
    line.from.clear();
    if let Some(decided) = &question.policy.base_year {
        line = line.from(Source::Decision {
            what: "base year",
            position: decided.position,
        });
    }
    Ok(Some(line))
}

/// Says so when the base year's part lacks metered hours: then the two are not quite alike.
pub fn missing_hours(question: &Question<'_>) -> Option<Words> {
    let books = base_year(question).ok()??.question.books;
    let (expected, complete) = books.node_hours;
    let missing = expected.saturating_sub(complete);
    (missing > 0).then(|| {
        Words::new(
            format!(
                "What it is compared with lacks hours too: {missing} of {expected} metered hours of the base year are missing and \
                 count in no total."
            ),
            format!("对比基准同样有缺失：基准年应计量 {expected} 小时中缺 {missing} 小时，未计入任何合计。"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::named(name).expect("a zone")
    }

    fn period(from: &str, to: &str) -> Period {
        let instant = |text: &str| parse_rfc3339_with_offset(text).expect("a time");
        Period {
            from: instant(from),
            to: instant(to),
        }
    }

    #[test]
    fn a_quarter_stands_against_the_same_quarter_whatever_the_leap_year() {
        let first_quarter = period("2025-01-01T00:00:00+08:00", "2025-04-01T00:00:00+08:00");
        let like = counterpart(first_quarter, 2024, &zone("Asia/Shanghai")).expect("alike");
        assert_eq!(
            like.period,
            period("2024-01-01T00:00:00+08:00", "2024-04-01T00:00:00+08:00")
        );
        assert!(!like.is_whole_year);
        assert_eq!(like.period.hours(), first_quarter.hours() + 24, "leap day");
    }

    #[test]
    fn the_last_quarter_ends_at_new_year_in_zones_with_summer_time_too() {
        let last_quarter = period("2025-10-01T00:00:00+02:00", "2026-01-01T00:00:00+01:00");
        let like = counterpart(last_quarter, 2023, &zone("Europe/Berlin")).expect("alike");
        assert_eq!(
            like.period,
            period("2023-10-01T00:00:00+02:00", "2024-01-01T00:00:00+01:00")
        );
    }

    #[test]
    fn years_and_twelve_months_stand_against_the_whole_year() {
        let berlin = zone("Europe/Berlin");
        let whole = period("2024-01-01T00:00:00+01:00", "2025-01-01T00:00:00+01:00");
        for (from, to) in [
            ("2025-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
            ("2025-04-01T00:00:00+02:00", "2026-04-01T00:00:00+02:00"),
        ] {
            let like = counterpart(period(from, to), 2024, &berlin).expect("alike");
            assert_eq!((like.period, like.is_whole_year), (whole, true), "{from}");
        }
        // Half an hour off: the first full hour of the year.
        let adelaide = calendar_year(2024, &zone("Australia/Adelaide")).expect("a year");
        assert_eq!(
            adelaide,
            period("2024-01-01T00:30:00+10:30", "2025-01-01T00:30:00+10:30")
        );
    }

    #[test]
    fn nothing_is_like_a_winter_or_forty_months() {
        let shanghai = zone("Asia/Shanghai");
        for (from, to) in [
            ("2024-11-01T00:00:00+08:00", "2025-03-01T00:00:00+08:00"),
            ("2022-04-01T00:00:00+08:00", "2025-08-01T00:00:00+08:00"),
            ("2024-02-29T00:00:00+08:00", "2024-03-01T00:00:00+08:00"),
        ] {
            assert_eq!(
                counterpart(period(from, to), 2023, &shanghai),
                None,
                "{from}"
            );
        }
    }
}
