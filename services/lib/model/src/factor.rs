//! Emission factors and the one multiplication they are for.

use std::fmt;

use crate::quantity::{Decimal, EnergyWh, MassMg, round_half_even_div};

/// An emission factor: `mantissa` x 10^-`scale` of its [`FactorUnit`](crate::FactorUnit). May be negative: a marginal factor can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FactorValue {
    pub mantissa: i64,
    /// At most 38; a factor of a larger scale is out of range everywhere.
    pub scale: u32,
}

impl FactorValue {
    /// The decimal as a factor; `None` if its mantissa does not fit 64 bits.
    pub fn from_decimal(decimal: &Decimal) -> Option<Self> {
        Some(Self {
            mantissa: i64::try_from(decimal.mantissa()).ok()?,
            scale: u32::from(decimal.scale()),
        })
    }
}

impl fmt::Display for FactorValue {
    /// All digits of the scale: mantissa 53060 of scale 5 is `0.53060`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.scale as usize;
        let digits = format!(
            "{:0width$}",
            self.mantissa.unsigned_abs(),
            width = scale + 1
        );
        let (integer_digits, decimals) = digits.split_at(digits.len() - scale);
        let point = if scale == 0 { "" } else { "." };
        formatter.pad_integral(
            self.mantissa >= 0,
            "",
            &format!("{integer_digits}{point}{decimals}"),
        )
    }
}

/// The emission in mg before rounding, as (numerator, denominator): energy x mantissa x 1000, and 10^scale.
///
/// 1 kg/kWh is 1000 mg/Wh. `None` if the numerator or 10^scale does not fit 128 bits.
pub fn emission_fraction_mg(energy: EnergyWh, factor: FactorValue) -> Option<(i128, i128)> {
    let numerator = (i128::from(energy.0) * i128::from(factor.mantissa)).checked_mul(1_000)?;
    let denominator = 10_i128.checked_pow(factor.scale)?;
    Some((numerator, denominator))
}

/// The emission of `energy` at `factor`, rounded once, half to even; `None` if it does not fit 64 bits.
pub fn emission_mg(energy: EnergyWh, factor: FactorValue) -> Option<MassMg> {
    let (numerator, denominator) = emission_fraction_mg(energy, factor)?;
    i64::try_from(round_half_even_div(numerator, denominator))
        .ok()
        .map(MassMg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(text: &str) -> FactorValue {
        FactorValue::from_decimal(&Decimal::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn one_kilowatt_hour_at_half_a_kilogram_is_half_a_kilogram() {
        assert_eq!(
            emission_mg(EnergyWh(1_000), factor("0.5306")),
            Some(MassMg(530_600))
        );
        assert_eq!(
            emission_mg(EnergyWh(2_276), factor("0.17072")),
            Some(MassMg(388_559))
        );
        assert_eq!(emission_mg(EnergyWh(-1), factor("1")), Some(MassMg(-1_000)));
        assert_eq!(
            emission_mg(EnergyWh(1_000), factor("-0.03")),
            Some(MassMg(-30_000))
        );
    }

    #[test]
    fn a_half_milligram_goes_to_the_even_side() {
        assert_eq!(emission_mg(EnergyWh(1), factor("0.0005")), Some(MassMg(0)));
        assert_eq!(emission_mg(EnergyWh(3), factor("0.0005")), Some(MassMg(2)));
        assert_eq!(
            emission_mg(EnergyWh(-3), factor("0.0005")),
            Some(MassMg(-2))
        );
        assert_eq!(
            emission_fraction_mg(EnergyWh(3), factor("0.0005")),
            Some((15_000, 10_000))
        );
    }

    #[test]
    fn the_greatest_hour_at_the_greatest_factor_is_out_of_range_and_no_panic() {
        let greatest = FactorValue {
            mantissa: i64::MAX,
            scale: 0,
        };
        assert_eq!(emission_mg(EnergyWh(i64::MAX), greatest), None);
        assert_eq!(
            emission_mg(
                EnergyWh(1),
                FactorValue {
                    mantissa: 1,
                    scale: 39
                }
            ),
            None
        );
        assert_eq!(
            emission_mg(
                EnergyWh(1),
                FactorValue {
                    mantissa: 1,
                    scale: u32::MAX
                }
            ),
            None
        );
    }

    #[test]
    fn a_factor_shows_all_its_digits() {
        assert_eq!(
            FactorValue {
                mantissa: 53_060,
                scale: 5
            }
            .to_string(),
            "0.53060"
        );
        assert_eq!(
            FactorValue {
                mantissa: -7,
                scale: 3
            }
            .to_string(),
            "-0.007"
        );
        assert_eq!(
            FactorValue {
                mantissa: 12,
                scale: 0
            }
            .to_string(),
            "12"
        );
    }
}
