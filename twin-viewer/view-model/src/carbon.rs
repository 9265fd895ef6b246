//! Figures of the carbon ledger as the viewer shows them: `terrarium.ledger.v1.BalanceLine`.

use std::collections::BTreeMap;

/// One line of a balance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CarbonLine {
    pub consumption_wh: i64,
    pub generation_wh: i64,
    pub import_wh: i64,
    pub export_wh: i64,
    pub self_use_wh: i64,
    pub unexplained_wh: i64,
    /// All imports at the grid's average, in mg of CO2: scope 2, location-based, where nothing of them is sold on.
    pub scope2_location_mg: i64,
    /// All exports at their baseline, in mg of CO2; never netted.
    pub avoided_mg: i64,
    /// Share of the consumption covered in the same hour by own generation, in millionths.
    pub matched_ppm: Option<u32>,
    pub hours_expected: u64,
    pub hours_metered: u64,
    pub hours_missing: u64,
    pub hours_without_factor: u64,
    pub hours_estimated: u64,
}

impl CarbonLine {
    /// Grams of CO2 per kWh consumed; `None` where nothing was consumed or a factor is missing.
    pub fn grams_per_kwh(&self) -> Option<f64> {
        if self.consumption_wh <= 0 || self.hours_without_factor > 0 {
            return None;
        }
        // mg per Wh is g per kWh.
        Some(self.scope2_location_mg as f64 / self.consumption_wh as f64)
    }
}

/// The balance of a period: in all, by asset and by hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarbonBalances {
    /// RFC 3339 in the park's zone; empty: not told yet.
    pub from: String,
    pub to: String,
    pub total: CarbonLine,
    pub by_asset: BTreeMap<String, CarbonLine>,
    /// By hour of the park's zone.
    pub by_hour: Vec<(String, CarbonLine)>,
    /// The ledger's position that it holds for; `None`: not told yet.
    pub position: Option<u64>,
}

impl CarbonBalances {
    /// The line of an asset that the ledger balances.
    pub fn of(&self, asset: &str) -> Option<&CarbonLine> {
        self.by_asset.get(asset)
    }
}
