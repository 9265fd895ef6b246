//! Quantities: decimals as reported, units, and the integers that balances are made of.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use thiserror::Error;

use crate::found::shown;
use crate::unit::{Dimension, Unit};

macro_rules! integer_quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The operators panic on overflow instead of wrapping; use `checked_add` where a sum has no bound.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The sum, or `None` if it does not fit 64 bits.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference, or `None` if it does not fit 64 bits.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                self.checked_add(other).expect("sum fits 64 bits")
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                self.checked_sub(other).expect("difference fits 64 bits")
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self::ZERO - self
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
                quantities.fold(Self::ZERO, Add::add)
            }
        }
    };
}

integer_quantity!(
    /// Energy in watt-hours.
    EnergyWh
);
integer_quantity!(
    /// Mass of gas in milligrams.
    MassMg
);

/// Energy of one reading, in Wh, is at most this much on either side of zero: 1 TWh, so that even millions of the largest
/// readings sum up within 64 bits.
pub const MOST_ENERGY_PER_READING_WH: i64 = 1_000_000_000_000;

/// A decimal number, exact, as texts of readings and factors give it.
///
/// Trailing zeros after the point are dropped when it is made, so equal numbers are equal values and
/// [`Display`](fmt::Display) gives the one canonical text of the number: `2.50` and `02.5` both read `2.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// A text that is no decimal number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Something else than an optional minus, digits, and optionally a point and digits.
    #[error(
        "{found} is not a decimal number: write digits, with a point for decimals, such as 2.2758 (no exponent, no spaces, no plus sign, no thousands separator)"
    )]
    NotADecimal { found: String },
    /// More digits after the point than are kept.
    #[error(
        "{found} has more than {} digits after the point: round it",
        Decimal::MOST_DECIMALS
    )]
    TooManyDecimals { found: String },
    /// More digits before the point than are kept.
    #[error(
        "{found} has more than {} digits before the point: use a larger unit",
        Decimal::MOST_INTEGER_DIGITS
    )]
    TooLarge { found: String },
}

impl Decimal {
    /// Digits that may stand after the point.
    pub const MOST_DECIMALS: usize = 12;
    /// Digits that may stand before the point, not counting leading zeros.
    pub const MOST_INTEGER_DIGITS: usize = 18;
    /// Leading zeros do not count as digits, but the whole text is bounded by this many bytes.
    const MOST_BYTES: usize = 64;

    /// Reads an optional `-`, digits, and optionally `.` and digits; nothing else.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let not_a_decimal = || DecimalError::NotADecimal { found: shown(text) };
        if text.len() > Self::MOST_BYTES {
            return Err(not_a_decimal());
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (integer_digits, decimals) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(not_a_decimal()),
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if integer_digits.is_empty() || !only_digits(integer_digits) || !only_digits(decimals) {
            return Err(not_a_decimal());
        }
        if decimals.len() > Self::MOST_DECIMALS {
            return Err(DecimalError::TooManyDecimals { found: shown(text) });
        }
        if integer_digits.trim_start_matches('0').len() > Self::MOST_INTEGER_DIGITS {
            return Err(DecimalError::TooLarge { found: shown(text) });
        }

        let significant_decimals = decimals.trim_end_matches('0');
        let mut magnitude: i128 = 0;
        for digit in integer_digits.bytes().chain(significant_decimals.bytes()) {
            // 18 + 12 digits stay below 10^30, far inside 128 bits.
            magnitude = magnitude * 10 + i128::from(digit - b'0');
        }
        Ok(Self {
            mantissa: if negative { -magnitude } else { magnitude },
            scale: significant_decimals.len() as u8,
        })
    }

    /// The number is `mantissa` x 10^-`scale`.
    pub fn mantissa(&self) -> i128 {
        self.mantissa
    }

    /// The digits after the point, 0 to 12.
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// The mantissa this number has with `scale` digits after the point, or `None` if that would lose digits or does
    /// not fit.
    pub fn mantissa_at_scale(&self, scale: u8) -> Option<i128> {
        let more_digits = scale.checked_sub(self.scale)?;
        self.mantissa
            .checked_mul(10_i128.checked_pow(u32::from(more_digits))?)
    }

    /// This number x `multiplier` / `divisor` as a whole number, rounded once, half to even; `None` if it does not
    /// fit 64 bits.
    ///
    /// # Panics
    /// If `divisor` is not positive.
    pub fn to_integer_units(self, multiplier: i128, divisor: i128) -> Option<i64> {
        let numerator = self.mantissa.checked_mul(multiplier)?;
        let denominator = 10_i128.pow(u32::from(self.scale)).checked_mul(divisor)?;
        i64::try_from(round_half_even_div(numerator, denominator)).ok()
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(u32::from(self.scale));
        let magnitude = self.mantissa.unsigned_abs();
        let decimals = if self.scale == 0 {
            String::new()
        } else {
            format!(
                ".{:0width$}",
                magnitude % one,
                width = usize::from(self.scale)
            )
        };
        formatter.pad_integral(
            self.mantissa >= 0,
            "",
            &format!("{}{decimals}", magnitude / one),
        )
    }
}

/// `numerator / denominator`, rounded to the nearest whole number, and to the even one of two that are equally near.
///
/// # Panics
/// If `denominator` is not positive.
pub fn round_half_even_div(numerator: i128, denominator: i128) -> i128 {
    assert!(
        denominator > 0,
        "denominator {denominator} must be positive"
    );
    let floor = numerator.div_euclid(denominator);
    let above_floor = numerator.rem_euclid(denominator);
    let below_ceiling = denominator - above_floor;
    let round_up = match above_floor.cmp(&below_ceiling) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => floor % 2 != 0,
    };
    if round_up { floor + 1 } else { floor }
}

/// Why a decimal with a unit is no energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EnergyError {
    /// A unit of something else, such as kVA.
    #[error(
        "{unit} is a unit of {dimension}, not of energy: report energy in one of {}",
        Unit::ENERGY_TOKENS
    )]
    WrongDimension { unit: Unit, dimension: Dimension },
    /// More than 10^12 Wh on either side of zero.
    #[error("the energy is beyond 10^12 Wh (1 TWh): check value and unit")]
    OutOfRange,
}

/// The energy in whole Wh, computed exactly and rounded once, half to even.
pub fn energy_wh(value: &Decimal, unit: Unit) -> Result<EnergyWh, EnergyError> {
    let Some((multiplier, divisor)) = unit.watt_hours() else {
        return Err(EnergyError::WrongDimension {
            unit,
            dimension: unit.dimension(),
        });
    };
    let rounded = value
        .to_integer_units(multiplier, divisor)
        .ok_or(EnergyError::OutOfRange)?;
    if rounded.unsigned_abs() > MOST_ENERGY_PER_READING_WH.unsigned_abs() {
        return Err(EnergyError::OutOfRange);
    }
    Ok(EnergyWh(rounded))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn decimals_are_read_exactly_and_printed_in_one_canonical_form() {
        for (text, canonical, mantissa, scale) in [
            ("0", "0", 0, 0),
            ("-0", "0", 0, 0),
            ("-0.0", "0", 0, 0),
            ("2.2758", "2.2758", 22_758, 4),
            ("2.50", "2.5", 25, 1),
            ("007.5", "7.5", 75, 1),
            ("-0.007", "-0.007", -7, 3),
            ("100", "100", 100, 0),
            ("0.000000000001", "0.000000000001", 1, 12),
        ] {
            let read = decimal(text);
            assert_eq!((read.mantissa(), read.scale()), (mantissa, scale), "{text}");
            assert_eq!(read.to_string(), canonical);
        }
        assert_eq!(
            decimal("-999999999999999999.999999999999").to_string(),
            "-999999999999999999.999999999999"
        );
    }

    #[test]
    fn anything_else_is_no_decimal() {
        for bad in [
            "", "-", ".", ".5", "1.", "-.5", "+1", "1e3", "1E3", " 1", "1 ", "1,5", "1_000", "--1",
            "1.2.3", "NaN", "inf", "0x1", "１", "1.-5",
        ] {
            let error = Decimal::parse(bad).expect_err(bad);
            assert!(
                matches!(error, DecimalError::NotADecimal { .. }),
                "{bad}: {error}"
            );
            assert!(error.to_string().contains(&format!("\"{bad}\"")), "{error}");
        }
        let zeros = format!("{}1", "0".repeat(64));
        assert!(matches!(
            Decimal::parse(&zeros),
            Err(DecimalError::NotADecimal { .. })
        ));
        assert!(matches!(
            Decimal::parse("0.0000000000001"),
            Err(DecimalError::TooManyDecimals { .. })
        ));
        assert!(matches!(
            Decimal::parse("1000000000000000000"),
            Err(DecimalError::TooLarge { .. })
        ));
    }

    #[test]
    fn a_mantissa_at_another_scale_loses_nothing() {
        assert_eq!(decimal("0.53").mantissa_at_scale(4), Some(5_300));
        assert_eq!(decimal("0.5306").mantissa_at_scale(2), None);
    }

    #[test]
    fn energy_of_every_unit_is_whole_watt_hours() {
        for (value, unit, expected_wh) in [
            ("2.2758", Unit::KilowattHour, 2_276),
            ("0.0005", Unit::KilowattHour, 0),
            ("0.0015", Unit::KilowattHour, 2),
            ("-0.0015", Unit::KilowattHour, -2),
            ("7", Unit::WattHour, 7),
            ("1.5", Unit::MegawattHour, 1_500_000),
            ("0.000000001", Unit::GigawattHour, 1),
            ("3600", Unit::Joule, 1),
            ("1800", Unit::Joule, 0),
            ("5400", Unit::Joule, 2),
            ("3.6", Unit::Kilojoule, 1),
            ("3.6", Unit::Megajoule, 1_000),
            ("3.6", Unit::Gigajoule, 1_000_000),
            ("1", Unit::Gigajoule, 277_778),
        ] {
            assert_eq!(
                energy_wh(&decimal(value), unit),
                Ok(EnergyWh(expected_wh)),
                "{value} {unit}"
            );
        }
    }

    #[test]
    fn energy_of_a_wrong_unit_or_beyond_the_limit_is_refused() {
        let refused = energy_wh(&decimal("1"), Unit::KilovoltAmpere).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "kVA is a unit of apparent power, not of energy: report energy in one of Wh, kWh, MWh, GWh, J, kJ, MJ, GJ"
        );
        let limit = "1000000000000";
        assert_eq!(
            energy_wh(&decimal(limit), Unit::WattHour),
            Ok(EnergyWh(10_i64.pow(12)))
        );
        assert_eq!(
            energy_wh(&decimal(&format!("-{limit}")), Unit::WattHour),
            Ok(EnergyWh(-10_i64.pow(12)))
        );
        for (value, unit) in [
            ("1000000000001", Unit::WattHour),
            ("1000.000000001", Unit::GigawattHour),
            ("999999999999999999.999999999999", Unit::GigawattHour),
            ("-999999999999999999.999999999999", Unit::Gigajoule),
        ] {
            assert_eq!(
                energy_wh(&decimal(value), unit),
                Err(EnergyError::OutOfRange),
                "{value} {unit}"
            );
        }
    }

    #[test]
    fn quantities_add_up() {
        let sum: EnergyWh = [EnergyWh(3), EnergyWh(-1)].into_iter().sum();
        assert_eq!(sum, EnergyWh(2));
        assert_eq!(EnergyWh(i64::MAX).checked_add(EnergyWh(1)), None);
        assert_eq!(-MassMg(5) - MassMg(1), MassMg(-6));
    }

    #[test]
    fn halves_go_to_the_even_side() {
        for (numerator, denominator, expected) in [
            (1, 2, 0),
            (3, 2, 2),
            (5, 2, 2),
            (-1, 2, 0),
            (-3, 2, -2),
            (-5, 2, -2),
            (2, 3, 1),
            (-2, 3, -1),
            (7, 1, 7),
        ] {
            assert_eq!(
                round_half_even_div(numerator, denominator),
                expected,
                "{numerator}/{denominator}"
            );
        }
        assert_eq!(round_half_even_div(i128::MIN, i128::MAX), -1);
        assert_eq!(round_half_even_div(i128::MAX, i128::MAX), 1);
    }

    proptest! {
        #[test]
        fn a_decimal_is_read_back_from_its_text(text in "-?[0-9]{1,18}(\\.[0-9]{1,12})?") {
            let read = decimal(&text);
            let canonical = read.to_string();
            prop_assert_eq!(decimal(&canonical), read);
            let is_whole = !text.contains('.');
            let unsigned = text.trim_start_matches('-').trim_start_matches('0');
            if is_whole && !unsigned.is_empty() {
                prop_assert_eq!(canonical.trim_start_matches('-'), unsigned);
            }
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,70}") {
            if let Ok(read) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::parse(&read.to_string()), Ok(read));
            }
        }

        #[test]
        fn rounding_is_that_of_the_naive_rational(numerator in -1_000_000_i64..1_000_000, denominator in 1_i64..5_000) {
            // The nearest of three candidates by |candidate x denominator - numerator|, the even one of equals.
            let truncated = numerator / denominator;
            let naive = (truncated - 1..=truncated + 1)
                .min_by_key(|candidate| ((candidate * denominator - numerator).abs(), candidate % 2 != 0))
                .expect("three candidates");
            prop_assert_eq!(round_half_even_div(i128::from(numerator), i128::from(denominator)), i128::from(naive));
        }

        #[test]
        fn energy_is_within_half_a_watt_hour(mantissa in -10_i64.pow(14)..10_i64.pow(14), decimals in 0..=12_usize) {
            let digits = format!("{:013}", mantissa.unsigned_abs());
            let (whole, fraction) = digits.split_at(digits.len() - decimals);
            let sign = if mantissa < 0 { "-" } else { "" };
            let whole = if whole.is_empty() { "0" } else { whole };
            let point = if fraction.is_empty() { "" } else { "." };
            let value = decimal(&format!("{sign}{whole}{point}{fraction}"));
            // value MJ in Wh is mantissa x 10^6 / (3600 x 10^decimals)
            if let Ok(energy) = energy_wh(&value, Unit::Megajoule) {
                let denominator = 3_600 * 10_i128.pow(decimals as u32);
                let error = i128::from(mantissa) * 1_000_000 - i128::from(energy.0) * denominator;
                prop_assert!(2 * error.abs() <= denominator);
            }
        }
    }
}
