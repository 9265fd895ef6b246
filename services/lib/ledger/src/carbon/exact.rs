//! Exact fractions: what a method multiplies stays exact until its one rounding.

use terrarium_model::{FactorValue, round_half_even_div};

/// A fraction in 128 bits, reduced; the denominator is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Exact = Exact {
        numerator: 0,
        denominator: 1,
    };

    /// A whole number.
    pub fn whole(number: i64) -> Exact {
        Exact {
            numerator: i128::from(number),
            denominator: 1,
        }
    }

    /// numerator / denominator; `None` if the denominator is zero.
    pub fn fraction(numerator: i128, denominator: i128) -> Option<Exact> {
        let sign = denominator.signum();
        if sign == 0 || numerator == i128::MIN || denominator == i128::MIN {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.abs(), denominator.abs());
        Some(Exact {
            numerator: sign * numerator / divisor,
            denominator: denominator.abs() / divisor,
        })
    }

    /// A published decimal; `None` beyond 10^38.
    pub fn decimal(value: FactorValue) -> Option<Exact> {
        Exact::fraction(
            i128::from(value.mantissa),
            10_i128.checked_pow(value.scale)?,
        )
    }

    /// The product; `None` if it does not fit.
    pub fn times(self, other: Exact) -> Option<Exact> {
        // Crosswise first, so that what cancels out never has to fit.
        let one = Exact::fraction(self.numerator, other.denominator)?;
        let two = Exact::fraction(other.numerator, self.denominator)?;
        Some(Exact {
            numerator: one.numerator.checked_mul(two.numerator)?,
            denominator: one.denominator.checked_mul(two.denominator)?,
        })
    }

    /// The sum; `None` if it does not fit.
    pub fn plus(self, other: Exact) -> Option<Exact> {
        let divisor = greatest_common_divisor(self.denominator, other.denominator);
        let scaled = self
            .numerator
            .checked_mul(other.denominator / divisor)?
            .checked_add(other.numerator.checked_mul(self.denominator / divisor)?)?;
        Exact::fraction(
            scaled,
            (self.denominator / divisor).checked_mul(other.denominator)?,
        )
    }

    /// One less this.
    pub fn complement(self) -> Option<Exact> {
        Exact::whole(1).plus(Exact {
            numerator: -self.numerator,
            ..self
        })
    }

    /// Rounded once, half to even; `None` if it does not fit 64 bits.
    pub fn rounded(self) -> Option<i64> {
        i64::try_from(round_half_even_div(self.numerator, self.denominator)).ok()
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// With so many decimals, for people: rounded half to even.
    pub fn shown(self, decimals: u32) -> String {
        let scaled = 10_i128
            .checked_pow(decimals)
            .and_then(|scale| self.numerator.checked_mul(scale))
            .map(|numerator| round_half_even_div(numerator, self.denominator))
            .and_then(|mantissa| i64::try_from(mantissa).ok());
        scaled.map_or_else(
            || format!("{}/{}", self.numerator, self.denominator),
            |mantissa| {
                let value = FactorValue {
                    mantissa,
                    scale: decimals,
                };
                let text = value.to_string();
                if text.contains('.') {
                    return text.trim_end_matches('0').trim_end_matches('.').to_owned();
                }
                text
            },
        )
    }
}

fn greatest_common_divisor(mut one: i128, mut other: i128) -> i128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

/// e^-`rate` for a rate from 0 to 1, exact to 10^-15, without floating point: the series of 18 terms in fixed point, so that every
/// machine has the same digits.
pub fn decay_of(rate: Exact) -> Option<Exact> {
    const ONE: i128 = 1_000_000_000_000_000_000;
    let rate = round_half_even_div(rate.numerator.checked_mul(ONE)?, rate.denominator);
    if !(0..=ONE).contains(&rate) {
        return None;
    }
    let (mut term, mut sum) = (ONE, ONE);
    for divisor in 1..=18 {
        term = -round_half_even_div(term * rate, ONE * divisor);
        sum += term;
    }
    // 15 decimals keep the products of a century of years inside of 128 bits.
    Exact::fraction(round_half_even_div(sum, 1_000), ONE / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_stay_exact_and_are_rounded_once() {
        let third = Exact::fraction(1, 3).expect("a fraction");
        assert_eq!(third.times(Exact::whole(3)), Some(Exact::whole(1)));
        assert_eq!(
            Exact::fraction(5, 2).and_then(Exact::rounded),
            Some(2),
            "half to even"
        );
        assert_eq!(
            third.plus(third).map(|sum| sum.shown(4)).as_deref(),
            Some("0.6667")
        );
        assert_eq!(Exact::fraction(1, 0), None);
        let huge = Exact::whole(i64::MAX);
        let square = huge.times(huge).expect("126 bits");
        assert_eq!(square.times(huge), None);
    }

    #[test]
    fn decay_is_that_of_the_exponential_function() {
        for (numerator, denominator) in [(0, 1), (6, 100), (185, 1_000), (1, 1)] {
            let rate = Exact::fraction(numerator, denominator).expect("a rate");
            let exact = (-(numerator as f64) / denominator as f64).exp();
            let shown: f64 = decay_of(rate)
                .expect("in range")
                .shown(15)
                .parse()
                .expect("a number");
            assert!((shown - exact).abs() < 3e-15, "{shown} {exact}");
        }
        assert_eq!(decay_of(Exact::whole(2)), None);
    }
}
