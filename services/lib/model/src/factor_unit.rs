//! What factors give per what, and the whole steps that activities are counted in.

use std::fmt;

use thiserror::Error;

use crate::found::shown;
use crate::gas::Gas;

macro_rules! tokens {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $token:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// From its token.
            pub fn parse(token: &str) -> Option<$name> {
                match token {
                    $($token => Some($name::$variant),)+
                    _ => None,
                }
            }

            /// The token.
            pub fn token(self) -> &'static str {
                match self {
                    $($name::$variant => $token,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.token())
            }
        }
    };
}

tokens! {
    /// What a factor is per.
    ActivityUnit {
        /// Kilowatt-hours.
        KilowattHour "kWh",
        /// Megajoules.
        Megajoule "MJ",
        /// Gigajoules.
        Gigajoule "GJ",
        /// Terajoules.
        Terajoule "TJ",
        /// Tonnes of standard coal equivalent, 29.3076 GJ (GB/T 2589-2020).
        TonneCoalEquivalent "tce",
        /// Cubic metres as metered.
        CubicMetre "m3",
        /// Cubic metres of gas at 20 degrees Celsius and 101.325 kPa.
        NormalCubicMetre "Nm3",
        /// Litres.
        Litre "L",
        /// Kilograms.
        Kilogram "kg",
        /// Tonnes.
        Tonne "t",
        /// Kilometres of a vehicle.
        Kilometre "km",
        /// Tonnes carried times kilometres.
        TonneKilometre "tkm",
        /// People carried times kilometres.
        PassengerKilometre "pkm",
        /// Trees times years.
        TreeYear "tree.yr",
        /// Hectares times years.
        HectareYear "ha.yr",
    }
}

tokens! {
    /// The whole steps that an activity is counted in.
    AmountUnit {
        /// Watt-hours.
        WattHour "Wh",
        /// Litres.
        Litre "l",
        /// Millilitres.
        Millilitre "ml",
        /// Litres of gas at 20 degrees Celsius and 101.325 kPa.
        NormalLitre "Nl",
        /// Grams.
        Gram "g",
        /// Metres of a vehicle.
        Metre "m",
        /// Grams carried times metres.
        GramMetre "g.m",
        /// People carried times metres.
        PersonMetre "p.m",
        /// Trees times seconds.
        TreeSecond "tree.s",
        /// Square metres times seconds.
        SquareMetreSecond "m2.s",
        /// Things.
        Count "count",
    }
}

tokens! {
    /// Quantities that a method multiplies with, which are no emission factors by themselves.
    ParameterUnit {
        /// Energy of water.
        KilowattHourPerCubicMetre "kWh/m3",
        /// Net calorific value by mass.
        GigajoulePerTonne "GJ/t",
        /// Net calorific value of a gas.
        MegajoulePerNormalCubicMetre "MJ/Nm3",
        /// Carbon content by energy.
        KilogramCarbonPerGigajoule "kgC/GJ",
        /// Density.
        KilogramPerLitre "kg/L",
        /// A share of one.
        Fraction "1",
        /// A rate by year.
        PerYear "1/yr",
        /// Standard coal equivalent of energy.
        KgcePerKilowattHour "kgce/kWh",
        /// Standard coal equivalent of heat.
        KgcePerMegajoule "kgce/MJ",
        /// Standard coal equivalent by mass.
        KgcePerKilogram "kgce/kg",
        /// Standard coal equivalent by volume.
        KgcePerCubicMetre "kgce/m3",
    }
}

/// Seconds of a year of 365.25 days.
pub const SECONDS_PER_YEAR: i128 = 31_557_600;

impl AmountUnit {
    /// One step is so many of `per`, as an exact fraction; `None` where they measure different things. Volumes and masses of a
    /// substance are different things: a method brings its density.
    pub fn in_units_of(self, per: ActivityUnit) -> Option<(i128, i128)> {
        Some(match (self, per) {
            (AmountUnit::WattHour, ActivityUnit::KilowattHour) => (1, 1_000),
            (AmountUnit::WattHour, ActivityUnit::Megajoule) => (9, 2_500),
            (AmountUnit::WattHour, ActivityUnit::Gigajoule) => (9, 2_500_000),
            (AmountUnit::WattHour, ActivityUnit::Terajoule) => (9, 2_500_000_000),
            // 3600 J / 29.3076e9 J
            (AmountUnit::WattHour, ActivityUnit::TonneCoalEquivalent) => (3_600, 29_307_600_000),
            (AmountUnit::Litre, ActivityUnit::CubicMetre) => (1, 1_000),
            (AmountUnit::Litre, ActivityUnit::Litre) => (1, 1),
            (AmountUnit::Millilitre, ActivityUnit::CubicMetre) => (1, 1_000_000),
            (AmountUnit::Millilitre, ActivityUnit::Litre) => (1, 1_000),
            (AmountUnit::NormalLitre, ActivityUnit::NormalCubicMetre) => (1, 1_000),
            (AmountUnit::Gram, ActivityUnit::Kilogram) => (1, 1_000),
            (AmountUnit::Gram, ActivityUnit::Tonne) => (1, 1_000_000),
            (AmountUnit::Metre, ActivityUnit::Kilometre) => (1, 1_000),
            (AmountUnit::GramMetre, ActivityUnit::TonneKilometre) => (1, 1_000_000_000),
            (AmountUnit::PersonMetre, ActivityUnit::PassengerKilometre) => (1, 1_000),
            (AmountUnit::TreeSecond, ActivityUnit::TreeYear) => (1, SECONDS_PER_YEAR),
            (AmountUnit::SquareMetreSecond, ActivityUnit::HectareYear) => {
                (1, 10_000 * SECONDS_PER_YEAR)
            }
            _ => return None,
        })
    }
}

/// Unit of a factor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactorUnit {
    /// Kilograms of a gas per unit of an activity: `kgCO2/kWh`, `kgCH4/t`.
    Emission {
        /// The gas.
        gas: Gas,
        /// What it is per.
        per: ActivityUnit,
    },
    /// A quantity that a method multiplies with: `kWh/m3`, `GJ/t`.
    Parameter(ParameterUnit),
}

/// A text that names no factor unit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found} is no known factor unit: write kgCO2/kWh, kgCO2e/kWh or another kg<gas>/<unit> (gases: {gases}; units: {units}), or \
     a parameter such as kWh/m3, GJ/t, 1; and convert the values to it"
)]
pub struct UnknownFactorUnit {
    found: String,
    gases: String,
    units: String,
}

impl FactorUnit {
    /// Kilograms of carbon dioxide alone, per kWh.
    pub const KG_CO2_PER_KWH: FactorUnit = FactorUnit::Emission {
        gas: Gas::Co2,
        per: ActivityUnit::KilowattHour,
    };
    /// Kilograms of carbon dioxide equivalent, per kWh.
    pub const KG_CO2E_PER_KWH: FactorUnit = FactorUnit::Emission {
        gas: Gas::Co2e,
        per: ActivityUnit::KilowattHour,
    };

    /// The unit of a token.
    pub fn parse(token: &str) -> Result<Self, UnknownFactorUnit> {
        if let Some(parameter) = ParameterUnit::parse(token) {
            return Ok(FactorUnit::Parameter(parameter));
        }
        let emission = token
            .strip_prefix("kg")
            .and_then(|rest| rest.split_once('/'));
        if let Some((gas, per)) = emission
            && let Some(gas) = Gas::parse(gas)
            && let Some(per) = ActivityUnit::parse(per)
        {
            return Ok(FactorUnit::Emission { gas, per });
        }
        let listed = |tokens: Vec<&'static str>| tokens.join(", ");
        Err(UnknownFactorUnit {
            found: shown(token),
            gases: listed(Gas::ALL.iter().map(|gas| gas.token()).collect()),
            units: listed(ActivityUnit::ALL.iter().map(|unit| unit.token()).collect()),
        })
    }

    /// The token, as [`FactorUnit::parse`] takes it.
    pub fn token(self) -> String {
        match self {
            FactorUnit::Emission { gas, per } => format!("kg{gas}/{per}"),
            FactorUnit::Parameter(parameter) => parameter.token().to_owned(),
        }
    }

    /// The gas, of an emission factor.
    pub fn gas(self) -> Option<Gas> {
        match self {
            FactorUnit::Emission { gas, .. } => Some(gas),
            FactorUnit::Parameter(_) => None,
        }
    }

    /// What an emission factor is per.
    pub fn per(self) -> Option<ActivityUnit> {
        match self {
            FactorUnit::Emission { per, .. } => Some(per),
            FactorUnit::Parameter(_) => None,
        }
    }
}

impl fmt::Display for FactorUnit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_units_are_read_back_from_their_tokens_and_others_refused() {
        for token in [
            "kgCO2/kWh",
            "kgCO2e/kWh",
            "kgCH4/t",
            "kgHFC-134a/kg",
            "kgCO2e/tkm",
            "kgCO2/tree.yr",
            "kWh/m3",
            "GJ/t",
            "1",
            "1/yr",
        ] {
            assert_eq!(FactorUnit::parse(token).expect(token).token(), token);
        }
        for token in ["lb/MWh", "kgCO3/kWh", "kgCO2/mile", "CO2/kWh", "kg/kWh", ""] {
            let refused = FactorUnit::parse(token).unwrap_err().to_string();
            assert!(
                refused.contains(&format!("\"{token}\"")) && refused.contains("HFC-134a"),
                "{refused}"
            );
        }
    }

    #[test]
    fn steps_are_exact_fractions_of_the_units_that_factors_are_per() {
        assert_eq!(
            AmountUnit::WattHour.in_units_of(ActivityUnit::Gigajoule),
            Some((9, 2_500_000))
        );
        assert_eq!(AmountUnit::Litre.in_units_of(ActivityUnit::Tonne), None);
        assert_eq!(
            AmountUnit::Litre.in_units_of(ActivityUnit::NormalCubicMetre),
            None
        );
    }
}
