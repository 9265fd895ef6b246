//! What factors tell, and in which units.

use terrarium_model::{ActivityUnit, FactorUnit, Gas, ParameterUnit};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $token:literal,)+) => {
        /// What factors tell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FactorKind {
            $($(#[$doc])* $kind,)+
        }

        impl FactorKind {
            /// All kinds.
            pub const ALL: &[FactorKind] = &[$(FactorKind::$kind,)+];

            /// From its token.
            pub fn parse(token: &str) -> Option<FactorKind> {
                match token {
                    $($token => Some(FactorKind::$kind),)+
                    _ => None,
                }
            }

            /// The token.
            pub fn token(self) -> &'static str {
                match self {
                    $(FactorKind::$kind => $token,)+
                }
            }
        }
    };
}

kinds! {
    /// Average of the grid's generation: location-based scope 2 (GHG Protocol Scope 2 Guidance, chapter 6).
    GridAverage "grid_average",
    /// What is left of the grid when contractual instruments are taken out: market-based scope 2.
    ResidualMix "residual_mix",
    /// Fossil generation of the grid alone: a crude upper bound of the margin.
    FossilOnly "fossil_only",
    /// Operating margin of a grid (CDM tool 07.0); avoided book only.
    OperatingMargin "operating_margin",
    /// Build margin of a grid (CDM tool 07.0); avoided book only.
    BuildMargin "build_margin",
    /// Weighed operating and build margin; avoided book only.
    CombinedMargin "combined_margin",
    /// What an emission trading scheme prescribes; never in one series with an average.
    TradingScheme "trading_scheme",
    /// Life cycle of electricity, generation included.
    ElectricityLifeCycle "electricity_life_cycle",
    /// What one more kWh of the grid emits, hour by hour; may be below zero.
    GridMarginal "grid_marginal",
    /// By contract with a plant or supplier: market-based scope 2.
    Contract "contract",
    /// A supplier's own mix: market-based scope 2.
    Supplier "supplier",
    /// Losses of transmission and distribution (scope 3 category 3).
    GridLosses "grid_losses",
    /// Upstream of electricity: fuels, transmission and distribution (scope 3 category 3).
    ElectricityUpstream "electricity_upstream",
    /// Purchased heat.
    Heat "heat",
    /// Burning a fuel.
    Fuel "fuel",
    /// What a fuel is like: calorific value, carbon content, oxidised share, density.
    FuelProperty "fuel_property",
    /// Making and bringing a fuel (scope 3 category 3).
    FuelUpstream "fuel_upstream",
    /// Standard coal equivalent of an energy carrier.
    CoalEquivalent "coal_equivalent",
    /// Water supply or treatment, where only carbon is published.
    Water "water",
    /// Energy of water.
    WaterEnergy "water_energy",
    /// Waste by stream and route.
    Waste "waste",
    /// CO2 of living origin of a waste route: a memo.
    WasteBiogenic "waste_biogenic",
    /// Parameters of first-order decay.
    Decay "decay",
    /// Composting and digestion.
    Compost "compost",
    /// Carrying goods and people.
    Transport "transport",
    /// Making a material (modules A1 to A3).
    Material "material",
    /// Uptake of trees and green.
    Tree "tree",
    /// What a refrigerant is made of, by mass.
    Refrigerant "refrigerant",
    /// Share of a charge that leaks in a year.
    RefrigerantLeak "refrigerant_leak",
    /// Industrial processes.
    Process "process",
    /// Warming potential of a gas.
    WarmingPotential "warming_potential",
}

impl FactorKind {
    /// Whether it is per kWh of electricity, so that hours are priced with it.
    pub fn is_of_electricity(self) -> bool {
        matches!(
            self,
            FactorKind::GridAverage
                | FactorKind::ResidualMix
                | FactorKind::FossilOnly
                | FactorKind::OperatingMargin
                | FactorKind::BuildMargin
                | FactorKind::CombinedMargin
                | FactorKind::TradingScheme
                | FactorKind::ElectricityLifeCycle
                | FactorKind::ElectricityUpstream
                | FactorKind::GridMarginal
                | FactorKind::Contract
                | FactorKind::Supplier
                | FactorKind::GridLosses
        )
    }

    /// Whether it is of use in the avoided book only.
    pub fn is_marginal(self) -> bool {
        matches!(
            self,
            FactorKind::OperatingMargin
                | FactorKind::BuildMargin
                | FactorKind::CombinedMargin
                | FactorKind::GridMarginal
        )
    }

    /// What such a factor may be per, and of which gas, in words; `None` if the unit fits.
    pub fn refuses_unit(self, unit: FactorUnit) -> Option<&'static str> {
        let is_energy = |per: ActivityUnit| {
            matches!(
                per,
                ActivityUnit::KilowattHour
                    | ActivityUnit::Megajoule
                    | ActivityUnit::Gigajoule
                    | ActivityUnit::Terajoule
                    | ActivityUnit::TonneCoalEquivalent
            )
        };
        let fits = match (self, unit) {
            (kind, FactorUnit::Emission { gas, per }) if kind.is_of_electricity() => {
                if per == ActivityUnit::KilowattHour && matches!(gas, Gas::Co2 | Gas::Co2e) {
                    return None;
                }
                return Some("electricity is priced in kgCO2/kWh or kgCO2e/kWh");
            }
            (FactorKind::FuelProperty, FactorUnit::Parameter(parameter)) => matches!(
                parameter,
                ParameterUnit::GigajoulePerTonne
                    | ParameterUnit::MegajoulePerNormalCubicMetre
                    | ParameterUnit::KilogramCarbonPerGigajoule
                    | ParameterUnit::KilogramPerLitre
                    | ParameterUnit::Fraction
            ),
            (FactorKind::WaterEnergy, FactorUnit::Parameter(parameter)) => {
                parameter == ParameterUnit::KilowattHourPerCubicMetre
            }
            (FactorKind::Decay, FactorUnit::Parameter(parameter)) => {
                matches!(parameter, ParameterUnit::Fraction | ParameterUnit::PerYear)
            }
            (FactorKind::RefrigerantLeak, FactorUnit::Parameter(parameter)) => {
                parameter == ParameterUnit::PerYear
            }
            (FactorKind::CoalEquivalent, FactorUnit::Parameter(parameter)) => matches!(
                parameter,
                ParameterUnit::KgcePerKilowattHour
                    | ParameterUnit::KgcePerMegajoule
                    | ParameterUnit::KgcePerKilogram
                    | ParameterUnit::KgcePerCubicMetre
            ),
            (FactorKind::Heat, FactorUnit::Emission { per, .. }) => is_energy(per),
            (FactorKind::Transport, FactorUnit::Emission { per, .. }) => matches!(
                per,
                ActivityUnit::Kilometre
                    | ActivityUnit::TonneKilometre
                    | ActivityUnit::PassengerKilometre
            ),
            (FactorKind::Tree, FactorUnit::Emission { gas, per }) => {
                gas == Gas::Co2 && matches!(per, ActivityUnit::TreeYear | ActivityUnit::HectareYear)
            }
            (
                FactorKind::Refrigerant | FactorKind::WarmingPotential,
                FactorUnit::Emission { per, .. },
            ) => per == ActivityUnit::Kilogram,
            (FactorKind::WasteBiogenic, FactorUnit::Emission { gas, .. }) => gas == Gas::Co2,
            (
                FactorKind::FuelProperty
                | FactorKind::WaterEnergy
                | FactorKind::Decay
                | FactorKind::RefrigerantLeak
                | FactorKind::CoalEquivalent,
                FactorUnit::Emission { .. },
            ) => false,
            (_, FactorUnit::Emission { .. }) => true,
            (_, FactorUnit::Parameter(_)) => false,
        };
        (!fits).then_some(match self {
            FactorKind::FuelProperty => "a fuel's property is in GJ/t, MJ/Nm3, kgC/GJ, kg/L or 1",
            FactorKind::WaterEnergy => "energy of water is in kWh/m3",
            FactorKind::Decay => "parameters of decay are in 1 or 1/yr",
            FactorKind::RefrigerantLeak => "leaks are in 1/yr",
            FactorKind::CoalEquivalent => {
                "coal equivalents are in kgce/kWh, kgce/MJ, kgce/kg or kgce/m3"
            }
            FactorKind::Heat => "heat is priced in kg<gas> per kWh, MJ, GJ, TJ or tce",
            FactorKind::Transport => "transport is priced in kg<gas> per km, tkm or pkm",
            FactorKind::Tree => "uptake is in kgCO2/tree.yr or kgCO2/ha.yr",
            FactorKind::Refrigerant => "a refrigerant's parts are in kg<gas>/kg",
            FactorKind::WarmingPotential => "warming potentials are in kgCO2e/kg",
            FactorKind::WasteBiogenic => "the memo of living origin is in kgCO2 per unit of waste",
            _ => "emission factors are in kg<gas> per unit of activity",
        })
    }
}
