//! Unit tokens that meters and connectors use, and what they are units of.

use std::fmt;

use thiserror::Error;

use crate::found::shown;

/// What a unit is a unit of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    Energy,
    Power,
    ApparentPower,
    ApparentEnergy,
    ReactivePower,
    ReactiveEnergy,
    Volume,
    Mass,
    StandardCoal,
    Current,
    Voltage,
    Frequency,
    Temperature,
    Ratio,
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Dimension::Energy => "energy",
            Dimension::Power => "power",
            Dimension::ApparentPower => "apparent power",
            Dimension::ApparentEnergy => "apparent energy",
            Dimension::ReactivePower => "reactive power",
            Dimension::ReactiveEnergy => "reactive energy",
            Dimension::Volume => "volume",
            Dimension::Mass => "mass",
            Dimension::StandardCoal => "standard coal equivalent",
            Dimension::Current => "current",
            Dimension::Voltage => "voltage",
            Dimension::Frequency => "frequency",
            Dimension::Temperature => "temperature",
            Dimension::Ratio => "ratio",
        })
    }
}

macro_rules! units {
    ($($unit:ident $token:literal $dimension:ident,)+) => {
        /// A unit that a reading may name. Tokens are case-sensitive: `mWh` is not `MWh`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Unit {
            $(#[doc = $token] $unit,)+
        }

        impl Unit {
            /// The unit of a token.
            pub fn parse(token: &str) -> Result<Unit, UnknownUnit> {
                match token {
                    $($token => Ok(Unit::$unit),)+
                    _ => Err(UnknownUnit { found: shown(token) }),
                }
            }

            /// The token, as [`Unit::parse`] takes it.
            pub fn token(self) -> &'static str {
                match self {
                    $(Unit::$unit => $token,)+
                }
            }

            /// What this is a unit of.
            pub fn dimension(self) -> Dimension {
                match self {
                    $(Unit::$unit => Dimension::$dimension,)+
                }
            }

            /// Every known unit.
            pub const ALL: &[Unit] = &[$(Unit::$unit,)+];
        }
    };
}

units! {
    WattHour "Wh" Energy,
    KilowattHour "kWh" Energy,
    MegawattHour "MWh" Energy,
    GigawattHour "GWh" Energy,
    Joule "J" Energy,
    Kilojoule "kJ" Energy,
    Megajoule "MJ" Energy,
    Gigajoule "GJ" Energy,
    Watt "W" Power,
    Kilowatt "kW" Power,
    Megawatt "MW" Power,
    Gigawatt "GW" Power,
    VoltAmpere "VA" ApparentPower,
    KilovoltAmpere "kVA" ApparentPower,
    MegavoltAmpere "MVA" ApparentPower,
    VoltAmpereHour "VAh" ApparentEnergy,
    KilovoltAmpereHour "kVAh" ApparentEnergy,
    MegavoltAmpereHour "MVAh" ApparentEnergy,
    Var "var" ReactivePower,
    Kilovar "kvar" ReactivePower,
    Megavar "Mvar" ReactivePower,
    VarHour "varh" ReactiveEnergy,
    KilovarHour "kvarh" ReactiveEnergy,
    MegavarHour "Mvarh" ReactiveEnergy,
    Litre "L" Volume,
    CubicMetre "m3" Volume,
    NormalCubicMetre "Nm3" Volume,
    Gram "g" Mass,
    Kilogram "kg" Mass,
    Tonne "t" Mass,
    KilogramCoalEquivalent "kgce" StandardCoal,
    TonneCoalEquivalent "tce" StandardCoal,
    Ampere "A" Current,
    Volt "V" Voltage,
    Hertz "Hz" Frequency,
    DegreeCelsius "degC" Temperature,
    Percent "%" Ratio,
}

/// A token that names no known unit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{found} is no known unit: write one of {} (upper and lower case matter)",
    Unit::ENERGY_TOKENS
)]
pub struct UnknownUnit {
    found: String,
}

impl Unit {
    /// The tokens of energy, for messages.
    pub const ENERGY_TOKENS: &str = "Wh, kWh, MWh, GWh, J, kJ, MJ, GJ";

    /// One of this unit is multiplier / divisor Wh, exactly; `None` if it is no unit of energy. 1 Wh = 3,600 J.
    pub(crate) fn watt_hours(self) -> Option<(i128, i128)> {
        match self {
            Unit::WattHour => Some((1, 1)),
            Unit::KilowattHour => Some((1_000, 1)),
            Unit::MegawattHour => Some((1_000_000, 1)),
            Unit::GigawattHour => Some((1_000_000_000, 1)),
            Unit::Joule => Some((1, 3_600)),
            Unit::Kilojoule => Some((10, 36)),
            Unit::Megajoule => Some((10_000, 36)),
            Unit::Gigajoule => Some((10_000_000, 36)),
            _ => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_back_from_its_token_and_only_energy_has_watt_hours() {
        let mut energy_tokens = Vec::new();
        for unit in Unit::ALL {
            assert_eq!(Unit::parse(unit.token()), Ok(*unit));
            let is_energy = unit.dimension() == Dimension::Energy;
            assert_eq!(unit.watt_hours().is_some(), is_energy, "{unit}");
            if is_energy {
                energy_tokens.push(unit.token());
            }
        }
        assert_eq!(energy_tokens.join(", "), Unit::ENERGY_TOKENS);
    }

    #[test]
    fn an_unknown_token_is_refused_with_the_units_of_energy() {
        assert_eq!(
            Unit::parse("kwh").unwrap_err().to_string(),
            "\"kwh\" is no known unit: write one of Wh, kWh, MWh, GWh, J, kJ, MJ, GJ (upper and lower case matter)"
        );
        assert!(Unit::parse("").is_err());
        assert!(Unit::parse("kWh ").is_err());
    }
}
