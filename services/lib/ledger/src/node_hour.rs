//! The balance of one node in one hour, and its price in carbon.

use terrarium_model::{EnergyWh, FactorValue, MassMg, Measures, NodeMetering, emission_mg};

use crate::bytes::{Bytes, Damaged, Unread};
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
    /// Wh put into the node's stores.
    pub charge: i64,
    /// Wh taken out of them.
    pub discharge: i64,
}

impl MeteredSums {
    /// Adds what one meter measured.
    pub fn add(&mut self, measures: Measures, energy: EnergyWh) {
        match measures {
            Measures::Consumption => self.consumption += energy.0,
            Measures::Generation => self.generation += energy.0,
            Measures::GridImport => self.grid_import += energy.0,
            Measures::GridExport => self.grid_export += energy.0,
            Measures::StorageCharge => self.charge += energy.0,
            Measures::StorageDischarge => self.discharge += energy.0,
            // These count in their networks.
            Measures::HeatSupply | Measures::HeatUse | Measures::ColdSupply | Measures::ColdUse => {
            }
        }
    }
}

/// The energy book of a node and hour. Always
/// `generation + import + discharge = consumption + export + charge + unexplained`, to the Wh.
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
    /// Wh put into the node's stores.
    pub charge: i64,
    /// Wh taken out of them.
    pub discharge: i64,
}

impl HourAmounts {
    /// Adds others `times` over.
    pub fn add(&mut self, other: &HourAmounts, times: i64) {
        self.consumption += times * other.consumption;
        self.generation += times * other.generation;
        self.import += times * other.import;
        self.export += times * other.export;
        self.self_use += times * other.self_use;
        self.unexplained += times * other.unexplained;
        self.charge += times * other.charge;
        self.discharge += times * other.discharge;
    }

    /// Balances an hour from what is metered.
    pub fn balance(metering: NodeMetering, sums: MeteredSums) -> HourAmounts {
        let MeteredSums {
            consumption,
            generation,
            grid_import,
            grid_export,
            charge,
            discharge,
        } = sums;
        let unmetered = HourAmounts {
            generation,
            charge,
            discharge,
            ..HourAmounts::default()
        };
        match metering {
            NodeMetering::Consumption => {
                let lacking = consumption + charge - generation - discharge;
                HourAmounts {
                    consumption,
                    import: lacking.max(0),
                    export: (-lacking).max(0),
                    self_use: consumption.min(generation).max(0),
                    ..unmetered
                }
            }
            NodeMetering::Grid => {
                let consumption = generation + grid_import + discharge - grid_export - charge;
                HourAmounts {
                    consumption,
                    import: grid_import,
                    export: grid_export,
                    self_use: self_use_of_grid_node(&sums, consumption),
                    ..unmetered
                }
            }
            NodeMetering::ConsumptionAndGrid => HourAmounts {
                consumption,
                import: grid_import,
                export: grid_export,
                self_use: self_use_of_grid_node(&sums, consumption),
                unexplained: generation + grid_import + discharge
                    - consumption
                    - grid_export
                    - charge,
                ..unmetered
            },
        }
    }

    /// How an account is worked out, in words and symbols.
    pub fn formula(
        metering: NodeMetering,
        has_storage_meters: bool,
        of: crate::entry::EnergyAccount,
    ) -> &'static str {
        use crate::entry::EnergyAccount as Account;
        match (metering, of, has_storage_meters) {
            (NodeMetering::Consumption, Account::Import, false) => {
                "import = max(0, consumption - generation)"
            }
            (NodeMetering::Consumption, Account::Import, true) => {
                "import = max(0, consumption + charge - generation - discharge)"
            }
            (NodeMetering::Consumption, Account::Export, false) => {
                "export = max(0, generation - consumption)"
            }
            (NodeMetering::Consumption, Account::Export, true) => {
                "export = max(0, generation + discharge - consumption - charge)"
            }
            (NodeMetering::Consumption, Account::SelfUse, _) => {
                "self_use = max(0, min(consumption, generation))"
            }
            (NodeMetering::Grid, Account::Consumption, false) => {
                "consumption = generation + import - export"
            }
            (NodeMetering::Grid, Account::Consumption, true) => {
                "consumption = generation + import + discharge - export - charge"
            }
            (_, Account::SelfUse, false) => "self_use = max(0, generation - export)",
            (_, Account::SelfUse, true) => {
                "self_use = max(0, generation - export), at most consumption while something is charged"
            }
            (NodeMetering::ConsumptionAndGrid, Account::Unexplained, false) => {
                "unexplained = generation + import - consumption - export"
            }
            (NodeMetering::ConsumptionAndGrid, Account::Unexplained, true) => {
                "unexplained = generation + import + discharge - consumption - export - charge"
            }
            (_, Account::Unexplained, _) => "unexplained = 0",
            (_, Account::Consumption, _) => "consumption = sum of its meters",
            (_, Account::Generation, _) => "generation = sum of its meters",
            (_, Account::Import, _) => "import = sum of its meters",
            (_, Account::Export, _) => "export = sum of its meters",
            (_, Account::Charge, _) => "charge = sum of its meters",
            (_, Account::Discharge, _) => "discharge = sum of its meters",
        }
    }
}

/// Generation that was used in the same hour, where the grid's side is metered. Loads are served before stores: what is
/// neither exported nor used went into a store, and a store gives nothing back in the name of this hour's generation.
fn self_use_of_grid_node(sums: &MeteredSums, consumption: i64) -> i64 {
    let not_exported = (sums.generation - sums.grid_export).max(0);
    if sums.charge == 0 {
        return not_exported;
    }
    not_exported.min(consumption.max(0))
}

/// Whether an hour has a price in carbon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pricing {
    /// Nothing crossed the grid; no factor is needed.
    #[default]
    NotNeeded,
    /// Energy crossed the grid, and no factor is known: no carbon is counted, and the hour is shown as such.
    NoFactor,
    /// Priced.
    Priced {
        /// All imports at the grid's average factor.
        scope2_location: MassMg,
        /// All exports at the grid's marginal factor, or its average where no marginal one is known; kept apart.
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
    /// Prices the hour at the factors that hold for it: of the grid's average for imports, of the baseline for exports.
    pub fn price(
        amounts: &HourAmounts,
        location: impl FnOnce() -> Option<FactorValue>,
        baseline: impl FnOnce() -> Option<FactorValue>,
    ) -> Pricing {
        let priced = |wh: i64, factor: Option<FactorValue>| {
            // A product beyond 64 bits of mg is no plausible park; it must not pass for a figure.
            factor.and_then(|factor| emission_mg(EnergyWh(wh), factor))
        };
        let nothing = Some(MassMg(0));
        let (scope2_location, avoided) = match (amounts.import, amounts.export) {
            (0, 0) => return Pricing::NotNeeded,
            (import, 0) => (priced(import, location()), nothing),
            (0, export) => (nothing, priced(export, baseline())),
            (import, export) => (priced(import, location()), priced(export, baseline())),
        };
        match (scope2_location, avoided) {
            (Some(scope2_location), Some(avoided)) => Pricing::Priced {
                scope2_location,
                avoided,
            },
            _ => Pricing::NoFactor,
        }
    }
}

/// Sums over complete node hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The energy book.
    pub amounts: HourAmounts,
    /// mg of all imports at the grid's average. That is scope 2, location-based, wherever nothing is sold on to others' cars nor
    /// bought out of them: which Wh are whose needs the whole history of the stores, and is told by the
    /// [postings](crate::books::Posting) of a period.
    pub scope2_location_mg: i64,
    /// mg of all exports at their baseline. That is what they avoid wherever all of them are the park's own generation; postings
    /// tell that too.
    pub avoided_mg: i64,
    /// Complete hours.
    pub metered: u32,
    /// Complete, but without the factor they need.
    pub without_factor: u32,
    /// Complete, with a reading that was spread over hour borders.
    pub estimated: u32,
}

impl Totals {
    /// Of one hour; an incomplete one counts for nothing.
    pub fn of(hour: &NodeHour) -> Totals {
        if !hour.complete {
            return Totals::default();
        }
        let (scope2_location_mg, avoided_mg) = match hour.pricing {
            Pricing::Priced {
                scope2_location,
                avoided,
            } => (scope2_location.0, avoided.0),
            Pricing::NotNeeded | Pricing::NoFactor => (0, 0),
        };
        Totals {
            amounts: hour.amounts,
            scope2_location_mg,
            avoided_mg,
            metered: 1,
            without_factor: u32::from(hour.pricing == Pricing::NoFactor),
            estimated: u32::from(hour.quality.has(Quality::SPREAD)),
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Totals) {
        self.amounts.add(&other.amounts, 1);
        self.scope2_location_mg += other.scope2_location_mg;
        self.avoided_mg += other.avoided_mg;
        self.metered += other.metered;
        self.without_factor += other.without_factor;
        self.estimated += other.estimated;
    }

    /// Takes out what was added before.
    pub fn take_out(&mut self, other: &Totals) {
        self.amounts.add(&other.amounts, -1);
        self.scope2_location_mg -= other.scope2_location_mg;
        self.avoided_mg -= other.avoided_mg;
        self.metered -= other.metered;
        self.without_factor -= other.without_factor;
        self.estimated -= other.estimated;
    }

    pub(crate) fn write_to(&self, bytes: &mut Bytes) {
        let amounts = &self.amounts;
        for wh in [
            amounts.consumption,
            amounts.generation,
            amounts.import,
            amounts.export,
            amounts.self_use,
            amounts.unexplained,
            amounts.charge,
            amounts.discharge,
            self.scope2_location_mg,
            self.avoided_mg,
        ] {
            bytes.i64(wh);
        }
        bytes
            .u32(self.metered)
            .u32(self.without_factor)
            .u32(self.estimated);
    }

    pub(crate) fn read_from(unread: &mut Unread<'_>) -> Result<Totals, Damaged> {
        Ok(Totals {
            amounts: HourAmounts {
                consumption: unread.i64()?,
                generation: unread.i64()?,
                import: unread.i64()?,
                export: unread.i64()?,
                self_use: unread.i64()?,
                unexplained: unread.i64()?,
                charge: unread.i64()?,
                discharge: unread.i64()?,
            },
            scope2_location_mg: unread.i64()?,
            avoided_mg: unread.i64()?,
            metered: unread.u32()?,
            without_factor: unread.u32()?,
            estimated: unread.u32()?,
        })
    }
}
