//! The balance of one node in one hour, and its price in carbon.

use terrarium_model::{EnergyWh, FactorValue, MassMg, Measures, NodeMetering, emission_mg};

use crate::entry::Quality;

/// Sums over a node's meters in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeteredSums {
    /// Wh.
    pub consumption: i64,
    /// Wh.
    pub generation: i64,
    /// Wh.
    pub grid_import: i64,
    /// Wh.
    pub grid_export: i64,
}

impl MeteredSums {
    /// Adds what one meter measured.
    pub fn add(&mut self, measures: Measures, energy: EnergyWh) {
        match measures {
            Measures::Consumption => self.consumption += energy.0,
            Measures::Generation => self.generation += energy.0,
            Measures::GridImport => self.grid_import += energy.0,
            Measures::GridExport => self.grid_export += energy.0,
        }
    }
}

/// The energy book of a node and hour. Always
/// `generation + import = consumption + export + unexplained`, to the Wh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourAmounts {
    /// Wh used at the node.
    pub consumption: i64,
    /// Wh generated at the node.
    pub generation: i64,
    /// Wh taken from the grid.
    pub import: i64,
    /// Wh given to the grid.
    pub export: i64,
    /// Wh generated and used at the node in this hour: consumption matched by clean energy, hour by hour.
    pub self_use: i64,
    /// Wh that meters on both sides leave over.
    pub unexplained: i64,
}

impl HourAmounts {
    /// Balances an hour from what is metered.
    pub fn balance(metering: NodeMetering, sums: MeteredSums) -> HourAmounts {
        let MeteredSums {
            consumption,
            generation,
            grid_import,
            grid_export,
        } = sums;
        match metering {
            NodeMetering::Consumption => HourAmounts {
                consumption,
                generation,
                import: (consumption - generation).max(0),
                export: (generation - consumption).max(0),
                self_use: consumption.min(generation).max(0),
                unexplained: 0,
            },
            NodeMetering::Grid => HourAmounts {
                consumption: generation + grid_import - grid_export,
                generation,
                import: grid_import,
                export: grid_export,
                self_use: (generation - grid_export).max(0),
                unexplained: 0,
            },
            NodeMetering::ConsumptionAndGrid => HourAmounts {
                consumption,
                generation,
                import: grid_import,
                export: grid_export,
                self_use: (generation - grid_export).max(0),
                unexplained: generation + grid_import - consumption - grid_export,
            },
        }
    }

    /// What the formula for import is, in words and symbols.
    pub fn formula(metering: NodeMetering, of: crate::entry::EnergyAccount) -> &'static str {
        use crate::entry::EnergyAccount as Account;
        match (metering, of) {
            (NodeMetering::Consumption, Account::Import) => {
                "import = max(0, consumption - generation)"
            }
            (NodeMetering::Consumption, Account::Export) => {
                "export = max(0, generation - consumption)"
            }
            (NodeMetering::Consumption, Account::SelfUse) => {
                "self_use = max(0, min(consumption, generation))"
            }
            (NodeMetering::Grid, Account::Consumption) => {
                "consumption = generation + import - export"
            }
            (_, Account::SelfUse) => "self_use = max(0, generation - export)",
            (NodeMetering::ConsumptionAndGrid, Account::Unexplained) => {
                "unexplained = generation + import - consumption - export"
            }
            (_, Account::Unexplained) => "unexplained = 0",
            (_, Account::Consumption) => "consumption = sum of its meters",
            (_, Account::Generation) => "generation = sum of its meters",
            (_, Account::Import) => "import = sum of its meters",
            (_, Account::Export) => "export = sum of its meters",
        }
    }
}

/// Whether an hour has a price in carbon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pricing {
    /// Nothing crossed the grid; no factor is needed.
    #[default]
    NotNeeded,
    /// Energy crossed the grid, and no factor is known: no carbon is counted, and the hour is shown as such.
    NoFactor,
    /// Priced at this factor.
    Priced {
        /// The factor.
        factor: FactorValue,
        /// Scope 2, location-based.
        scope2_location: MassMg,
        /// Export at the same factor; kept apart.
        avoided: MassMg,
    },
}

/// One node hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeHour {
    /// Whether any meter has anything for it.
    pub any: bool,
    /// Whether every meter covers the whole hour. Only complete hours count.
    pub complete: bool,
    /// The energy book.
    pub amounts: HourAmounts,
    /// The carbon books.
    pub pricing: Pricing,
    /// Flags of all its readings.
    pub quality: Quality,
}

impl NodeHour {
    /// Prices the hour at the factor that holds for it.
    pub fn price(amounts: &HourAmounts, factor: impl FnOnce() -> Option<FactorValue>) -> Pricing {
        if amounts.import == 0 && amounts.export == 0 {
            return Pricing::NotNeeded;
        }
        let Some(factor) = factor() else {
            return Pricing::NoFactor;
        };
        let scope2_location = emission_mg(EnergyWh(amounts.import), factor);
        let avoided = emission_mg(EnergyWh(amounts.export), factor);
        match (scope2_location, avoided) {
            (Some(scope2_location), Some(avoided)) => Pricing::Priced {
                factor,
                scope2_location,
                avoided,
            },
            // A product beyond 64 bits of mg is no plausible park; it must not pass for a figure.
            _ => Pricing::NoFactor,
        }
    }
}
