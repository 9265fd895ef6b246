//! When the balance is expected to reach zero: a straight line through the years, with its interval.
//!
//! Least squares in whole numbers. The interval comes from the years' own uncertainty: the line is moved up and down by the
//! greatest half-width of a year; the dates at which those reach zero bound the forecast. It says nothing of what nobody
//! decided yet.

use terrarium_model::round_half_even_div;

use crate::books::Books;
use crate::claims::ground::Ground;
use crate::claims::{Question, Refusal};

/// A year's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearBalance {
    /// Start of the year, Unix seconds.
    pub start_s: i64,
    /// Emissions less removals, mg.
    pub net_mg: i64,
    /// Half of its 95 % interval.
    pub half95_mg: i64,
}

/// When the balance is expected to reach zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// On central values; `None`: not at this rate.
    pub date_s: Option<i64>,
    /// As early as this.
    pub earliest_s: Option<i64>,
    /// As late as this; `None`: perhaps never.
    pub latest_s: Option<i64>,
}

/// Balances of years.
pub fn balances(question: &Question<'_>) -> Result<Vec<YearBalance>, Refusal> {
    question
        .years
        .iter()
        .map(|books| year_balance(question, books))
        .collect()
}

fn year_balance(question: &Question<'_>, books: &Books) -> Result<YearBalance, Refusal> {
    let of_year = Question {
        books,
        base_year: None,
        beside: None,
        years: &[],
        ..*question
    };
    let ground = Ground::of(&of_year)?;
    let total = ground.line(
        "total",
        Default::default(),
        ground.in_inventory(ground.market),
    );
    let removed = ground.removal_lines().pop();
    let removed_mg = removed.and_then(|line| line.value).unwrap_or(0);
    Ok(YearBalance {
        start_s: books.period.from.0,
        net_mg: total.value.unwrap_or(0) - removed_mg,
        half95_mg: ground.net_half95(),
    })
}

/// The forecast; `None` with fewer than two years.
pub fn forecast(years: &[YearBalance]) -> Option<Forecast> {
    if years.len() < 2 {
        return None;
    }
    let half = years.iter().map(|year| year.half95_mg).max().unwrap_or(0);
    let line = Fit::through(years);
    Some(Forecast {
        date_s: line.zero_s(0),
        earliest_s: line.zero_s(-half),
        latest_s: line.zero_s(half),
    })
}

/// `net = mean_mg + slope x (t - mean_s)`, the slope as a fraction.
struct Fit {
    mean_s: i64,
    mean_mg: i64,
    slope_numerator: i128,
    slope_denominator: i128,
}

impl Fit {
    fn through(years: &[YearBalance]) -> Fit {
        let count = years.len() as i128;
        let mean = |sum: i128| round_half_even_div(sum, count) as i64;
        let mean_s = mean(years.iter().map(|year| i128::from(year.start_s)).sum());
        let mean_mg = mean(years.iter().map(|year| i128::from(year.net_mg)).sum());
        let (mut numerator, mut denominator) = (0_i128, 0_i128);
        for year in years {
            // Hours instead of seconds keep the products far inside of 128 bits.
            let along = i128::from((year.start_s - mean_s) / 3_600);
            numerator += along * i128::from(year.net_mg - mean_mg);
            denominator += along * along;
        }
        Fit {
            mean_s,
            mean_mg,
            slope_numerator: numerator,
            slope_denominator: denominator.max(1),
        }
    }

    /// Where the line, moved up by `shift_mg`, comes down to zero; `None` when it does not fall.
    fn zero_s(&self, shift_mg: i64) -> Option<i64> {
        if self.slope_numerator >= 0 {
            return None;
        }
        let level = i128::from(self.mean_mg + shift_mg);
        let hours = round_half_even_div(level * self.slope_denominator, -self.slope_numerator);
        i64::try_from(hours)
            .ok()
            .and_then(|hours| hours.checked_mul(3_600))
            .and_then(|seconds| self.mean_s.checked_add(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_S: i64 = 31_536_000;

    fn year(number: i64, net_mg: i64, half95_mg: i64) -> YearBalance {
        YearBalance {
            start_s: number * YEAR_S,
            net_mg,
            half95_mg,
        }
    }

    #[test]
    fn a_balance_that_falls_by_ten_a_year_from_thirty_is_zero_in_three_years() {
        let years = [year(0, 30_000, 5_000), year(1, 20_000, 5_000)];
        let forecast = forecast(&years).expect("two years");
        assert_eq!(forecast.date_s, Some(3 * YEAR_S));
        assert_eq!(forecast.earliest_s, Some(YEAR_S * 5 / 2));
        assert_eq!(forecast.latest_s, Some(YEAR_S * 7 / 2));
    }

    #[test]
    fn a_balance_that_grows_has_no_date() {
        let years = [year(0, 10, 1), year(1, 20, 1)];
        assert_eq!(forecast(&years).expect("two years").date_s, None);
        assert_eq!(forecast(&years[..1]), None);
    }
}
