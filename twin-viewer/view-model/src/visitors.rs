//! What the public display tells: progress, today's sun, water, waste and trees. Sums of what is known, with how much of the
//! park they stand on.

use terrarium_model::{AssetKind, WaterClass};

use crate::overlay::Coverage;
use crate::quantity::Quantity;
use crate::view_state::ViewState;

/// Figures for visitors at the moment shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct VisitorFigures {
    /// Power of panels and turbines now, W.
    pub generation_w: Option<i64>,
    pub generation: Coverage,
    /// From the ledger, of the period that the ledger shows.
    pub generated_wh: Option<i64>,
    pub consumed_wh: Option<i64>,
    /// Share of the consumption covered in the same hour by own generation, in millionths.
    pub matched_ppm: Option<u32>,
    /// Scope 2 of the period, mg of CO2; never netted.
    pub emitted_mg: Option<i64>,
    /// Elevation of the sun in degrees.
    pub sun_elevation_deg: Option<f32>,
    pub irradiance_w_per_m2: Option<f32>,
    /// Rain water in tanks, litres.
    pub rain_l: Option<i64>,
    pub rain_capacity_l: i64,
    pub rain: Coverage,
    /// Mean fill of the bins, 0 to 1.
    pub bins_full: Option<f32>,
    pub bins: Coverage,
    /// Compost in the bays, grams.
    pub compost_g: Option<i64>,
    pub trees: Option<i64>,
    /// CO2 held in the living trees, grams.
    pub trees_co2_g: Option<i64>,
    pub tree_groups: Coverage,
}

impl VisitorFigures {
    /// Adds up what is shown.
    pub fn of(state: &ViewState) -> VisitorFigures {
        let mut figures = VisitorFigures::default();
        let Some(park) = state.park() else {
            return figures;
        };
        let shown = state.shown();
        let told = |asset, quantity| {
            let reading = state.table()?.total(asset, quantity, shown)?;
            Some(reading.value)
        };
        let mut bins_full = 0.0;
        for ((index, asset), known) in park.indexed().zip(state.states()) {
            match asset.kind {
                AssetKind::Pv | AssetKind::Wind => {
                    let gives_w = known.power_w.map(|power_w| (-power_w).max(0));
                    add(&mut figures.generation_w, &mut figures.generation, gives_w);
                }
                AssetKind::Tank if asset.water() == Some(WaterClass::Rain) => {
                    let held_l = told(index, Quantity::LevelL);
                    add(&mut figures.rain_l, &mut figures.rain, held_l);
                    if held_l.is_some() {
                        figures.rain_capacity_l += asset.capacity().unwrap_or(0);
                    }
                }
                AssetKind::Bin => {
                    figures.bins.of += 1;
                    if let Some(full) = known.full {
                        figures.bins.have += 1;
                        bins_full += full;
                    }
                }
                AssetKind::CompostBay => {
                    let held_g = told(index, Quantity::CompostG);
                    add(&mut figures.compost_g, &mut Coverage::default(), held_g);
                }
                AssetKind::TreeGroup => {
                    let living = known.trees.map(|trees| trees.living);
                    add(&mut figures.trees, &mut figures.tree_groups, living);
                    let held_g = known.trees.and_then(|trees| trees.co2_g);
                    add(&mut figures.trees_co2_g, &mut Coverage::default(), held_g);
                }
                _ => {}
            }
        }
        if figures.bins.have > 0 {
            figures.bins_full = Some(bins_full / figures.bins.have as f32);
        }
        if state.carbon.position.is_some() {
            let total = &state.carbon.total;
            figures.generated_wh = Some(total.generation_wh);
            figures.consumed_wh = Some(total.consumption_wh);
            figures.emitted_mg = Some(total.scope2_location_mg);
            figures.matched_ppm = total.matched_ppm;
        }
        figures.sun_elevation_deg = state.sun().map(|sun| sun.elevation_deg);
        figures.irradiance_w_per_m2 = state.weather.irradiance_w_per_m2;
        figures
    }
}

fn add(sum: &mut Option<i64>, coverage: &mut Coverage, value: Option<i64>) {
    coverage.of += 1;
    if let Some(value) = value {
        coverage.have += 1;
        *sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
}
