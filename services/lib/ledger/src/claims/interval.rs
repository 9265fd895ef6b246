//! Half-widths of 95 % intervals, after the error propagation of IPCC 2006 volume 1, section 3.2.3 (approach 1).
//!
//! The error of an activity is one for all postings of the same asset, activity and method: the same meter is wrong all year.
//! The error of a factor is one for all postings that share it: a shared factor does not average out.

use std::collections::BTreeMap;

use crate::books::Posting;

const PPM: i128 = 1_000_000;

/// Half-width for a signed sum of postings, in the unit of the amounts.
pub fn half95<'a>(parts: impl IntoIterator<Item = (&'a Posting, i64)>) -> i64 {
    let mut activities: BTreeMap<(&str, &str, &str), i128> = BTreeMap::new();
    let mut factors: BTreeMap<&str, i128> = BTreeMap::new();
    for (posting, amount) in parts {
        let amount = i128::from(amount);
        *activities
            .entry((
                posting.asset.as_str(),
                &posting.activity,
                posting.method.token,
            ))
            .or_default() += amount * i128::from(posting.activity_u95_ppm) / PPM;
        for factor in &posting.factors {
            *factors.entry(&factor.key).or_default() += amount * i128::from(factor.u95_ppm) / PPM;
        }
    }
    root_of_squares(activities.into_values().chain(factors.into_values()))
}

/// Half-width of a sum whose parts have independent errors.
pub fn combine(halves: impl IntoIterator<Item = i64>) -> i64 {
    root_of_squares(halves.into_iter().map(i128::from))
}

fn root_of_squares(parts: impl Iterator<Item = i128>) -> i64 {
    let squares: u128 = parts
        .map(|part| part.unsigned_abs())
        .map(|part| part * part)
        .fold(0, u128::saturating_add);
    i64::try_from(squares.isqrt()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_errors_add_as_squares() {
        assert_eq!(combine([3_000, 4_000]), 5_000);
        assert_eq!(combine([]), 0);
    }
}
