//! Water as energy: kWh/m3 x the grid's factor of each hour, so that it moves with the grid.

use std::collections::BTreeMap;

use terrarium_model::{
    EnergyWh, FactorUnit, Gas, Interval, ParameterUnit, UnixSeconds, hour_shares,
};

use super::super::exact::Exact;
use super::super::fact::{Activity, ActivityKind};
use super::super::worked::{Quantity, Step};
use super::bench::{Line, MG_PER_KG, Workbench, label_of, no_factor, out_of_range};
use crate::books::{CarbonBook, Detail, MethodId};
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::GasMasses;

const METHOD: MethodId = MethodId {
    token: "water-energy",
    version: 1,
};

impl Workbench<'_> {
    /// With the energy of the water where it is published, else with its carbon.
    pub(super) fn water(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let start = activity.interval.start;
        let intensity = self.parameter(
            FactorKind::WaterEnergy,
            &activity.subject,
            ParameterUnit::KilowattHourPerCubicMetre,
            start,
        );
        let Some(intensity) = intensity else {
            return self
                .priced(
                    activity,
                    FactorKind::Water,
                    CarbonBook::Emission,
                    Detail::None,
                )
                .map_err(|_| no_factor(FactorKind::WaterEnergy, &activity.subject, activity.unit));
        };
        let kwh_per_m3 = Exact::decimal(intensity.value()).ok_or_else(out_of_range)?;
        let mut by_row: BTreeMap<String, (FactorRow, i64)> = BTreeMap::new();
        for (hour_start, litres) in litres_by_hour(activity.interval, activity.amount) {
            let row = self.grid_row(hour_start).ok_or_else(|| {
                format!(
                    "no factor of the grid holds at {}; publish one with `terrarium import factors`",
                    terrarium_model::format_rfc3339_utc(hour_start)
                )
            })?;
            // Each value of a series is priced by itself.
            let key = format!("{}#{}", row.set.key(), row.row);
            by_row.entry(key).or_insert((row, 0)).1 += litres;
        }
        let mut kilograms: BTreeMap<Gas, Exact> = BTreeMap::new();
        let mut inputs = vec![
            Quantity::new("amount", activity.amount, activity.unit),
            Quantity::new(&intensity.set.key(), intensity.value(), intensity.set.unit),
        ];
        let mut rows = vec![intensity];
        for (row, litres) in by_row.into_values() {
            let FactorUnit::Emission { gas, .. } = row.set.unit else {
                continue;
            };
            let product = Exact::fraction(i128::from(litres), 1_000)
                .and_then(|cubic_metres| cubic_metres.times(kwh_per_m3))
                .and_then(|kwh| kwh.times(Exact::decimal(row.value())?))
                .ok_or_else(out_of_range)?;
            let sum = kilograms.entry(gas).or_insert(Exact::ZERO);
            *sum = sum.plus(product).ok_or_else(out_of_range)?;
            if self.explains {
                inputs.push(Quantity::new(
                    &format!("litres at {}", row.set.key()),
                    litres,
                    "l",
                ));
                inputs.push(Quantity::new(&row.set.key(), row.value(), row.set.unit));
            }
            rows.push(row);
        }
        let mut gases = GasMasses::NONE;
        let mut steps = Vec::new();
        for (gas, kilograms) in kilograms {
            let mg = kilograms
                .times(Exact::whole(MG_PER_KG))
                .and_then(Exact::rounded)
                .ok_or_else(out_of_range)?;
            gases.add(gas, mg);
            if self.explains {
                steps.push(Step {
                    formula: "mass = round_half_even(sum over hours of litres / 1000 x kWh/m3 x grid factor)".to_owned(),
                    inputs: inputs.clone(),
                    output: Quantity::new(&format!("mass of {gas}"), mg, "mg"),
                });
            }
        }
        Ok(vec![Line {
            book: CarbonBook::Emission,
            rule: Some(if activity.kind == ActivityKind::WasteWater {
                "waste-water"
            } else {
                "water"
            }),
            label: label_of(activity),
            method: METHOD,
            gases,
            rows,
            detail: Detail::None,
            steps,
        }])
    }
}

/// Litres by hour, whole and summing up; all at the start if the interval has no length.
fn litres_by_hour(interval: Interval, litres: i64) -> Vec<(UnixSeconds, i64)> {
    if interval.seconds == 0 {
        return vec![(interval.start.start_of_hour(), litres)];
    }
    hour_shares(interval, EnergyWh(litres))
        .map(|share| (share.hour_start, share.energy.0))
        .collect()
}
