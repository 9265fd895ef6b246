//! Burning fuels: `E = amount x NCV x CC x OF x 44/12` (form of GB/T 32150-2015 and the 24 guidelines of industries), or a
//! factor that is published per amount; and what it took to make and bring the fuel.

use terrarium_model::{AmountUnit, Gas, ParameterUnit};

use super::super::exact::Exact;
use super::super::fact::Activity;
use super::super::worked::{Quantity, Step};
use super::bench::{Line, MG_PER_KG, Workbench, label_of, no_factor, out_of_range};
use crate::books::{CarbonBook, Detail, MethodId};
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::GasMasses;

/// Gigajoules of a Wh: 3600 / 10^9.
const GJ_PER_WH: (i128, i128) = (9, 2_500_000);
/// Grams of CO2 per gram of carbon: 44/12.
const CO2_PER_CARBON: (i128, i128) = (44, 12);

/// Energy of a fuel, and the rows that gave it.
struct FuelEnergy {
    gigajoules: Exact,
    rows: Vec<FactorRow>,
}

impl Workbench<'_> {
    /// A fuel in plant or vehicles.
    pub(super) fn combustion(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let mut lines = vec![match self.by_properties(activity)? {
            Some(line) => line,
            None => self
                .priced(
                    activity,
                    FactorKind::Fuel,
                    CarbonBook::Emission,
                    Detail::None,
                )?
                .remove(0),
        }];
        lines.extend(self.upstream(activity)?);
        Ok(lines)
    }

    /// By calorific value, carbon content and oxidised share of one set; `None` if a set with all of them is not there.
    fn by_properties(&self, activity: &Activity) -> Result<Option<Line>, String> {
        let property = |unit| self.property(activity, unit);
        let (Some(carbon), Some(oxidised)) = (
            property(ParameterUnit::KilogramCarbonPerGigajoule),
            property(ParameterUnit::Fraction),
        ) else {
            return Ok(None);
        };
        let Some(energy) = self.energy_of(activity)? else {
            return Ok(None);
        };
        let kilograms = Exact::decimal(carbon.value())
            .and_then(|carbon| energy.gigajoules.times(carbon))
            .and_then(|carbon| carbon.times(Exact::decimal(oxidised.value())?))
            .and_then(|carbon| carbon.times(Exact::fraction(CO2_PER_CARBON.0, CO2_PER_CARBON.1)?))
            .ok_or_else(out_of_range)?;
        let mg = kilograms
            .times(Exact::whole(MG_PER_KG))
            .and_then(Exact::rounded)
            .ok_or_else(out_of_range)?;
        let mut rows = energy.rows;
        rows.extend([carbon, oxidised]);
        let mut steps = Vec::new();
        if self.explains {
            let mut inputs = vec![Quantity::new("amount", activity.amount, activity.unit)];
            inputs.extend(
                rows.iter()
                    .map(|row| Quantity::new(&row.set.key(), row.value(), row.set.unit)),
            );
            steps.push(Step {
                formula: "energy = amount x density x net calorific value".to_owned(),
                inputs: inputs.clone(),
                output: Quantity::new("energy", energy.gigajoules.shown(6), "GJ"),
            });
            steps.push(Step {
                formula: "mass = round_half_even(energy x carbon content x oxidised share x 44/12)"
                    .to_owned(),
                inputs,
                output: Quantity::new("mass of CO2", mg, "mg"),
            });
        }
        Ok(Some(Line {
            book: CarbonBook::Emission,
            rule: Some(activity.kind.token()),
            label: label_of(activity),
            method: MethodId {
                token: "combustion",
                version: 1,
            },
            gases: GasMasses::of(Gas::Co2, mg),
            rows,
            detail: Detail::None,
            steps,
        }))
    }

    fn property(&self, activity: &Activity, unit: ParameterUnit) -> Option<FactorRow> {
        self.parameter(
            FactorKind::FuelProperty,
            &activity.subject,
            unit,
            activity.interval.start,
        )
    }

    fn energy_of(&self, activity: &Activity) -> Result<Option<FuelEnergy>, String> {
        let amount = Exact::whole(activity.amount);
        let of = |numerator, denominator| {
            Exact::fraction(numerator, denominator)
                .and_then(|step| step.times(amount))
                .ok_or_else(out_of_range)
        };
        let (quantity, value_unit, mut rows) = match activity.unit {
            AmountUnit::WattHour => {
                return Ok(Some(FuelEnergy {
                    gigajoules: of(GJ_PER_WH.0, GJ_PER_WH.1)?,
                    rows: Vec::new(),
                }));
            }
            AmountUnit::Gram => (
                of(1, 1_000_000)?,
                ParameterUnit::GigajoulePerTonne,
                Vec::new(),
            ),
            AmountUnit::Millilitre => {
                let Some(density) = self.property(activity, ParameterUnit::KilogramPerLitre) else {
                    return Ok(None);
                };
                let tonnes = Exact::decimal(density.value())
                    .and_then(|density| density.times(of(1, 1_000_000).ok()?))
                    .ok_or_else(out_of_range)?;
                (tonnes, ParameterUnit::GigajoulePerTonne, vec![density])
            }
            // MJ/Nm3 x litres / 1000 = MJ; / 1000 = GJ
            AmountUnit::NormalLitre => (
                of(1, 1_000_000)?,
                ParameterUnit::MegajoulePerNormalCubicMetre,
                Vec::new(),
            ),
            other => {
                return Err(no_factor(FactorKind::Fuel, &activity.subject, other));
            }
        };
        let Some(value) = self.property(activity, value_unit) else {
            return Ok(None);
        };
        let gigajoules = Exact::decimal(value.value())
            .and_then(|value| value.times(quantity))
            .ok_or_else(out_of_range)?;
        rows.push(value);
        Ok(Some(FuelEnergy { gigajoules, rows }))
    }

    /// What was emitted to make and bring the fuel, where a factor is published.
    fn upstream(&self, activity: &Activity) -> Result<Option<Line>, String> {
        let rows = self.gas_rows(
            FactorKind::FuelUpstream,
            &activity.subject,
            activity.unit,
            activity.interval.start,
        );
        if rows.is_empty() {
            return Ok(None);
        }
        let mut gases = GasMasses::NONE;
        let mut steps = Vec::new();
        for row in &rows {
            let (gas, mg) = self.emission(activity.amount, activity.unit, row, &mut steps)?;
            gases.add(gas, mg);
        }
        Ok(Some(Line {
            book: CarbonBook::Emission,
            rule: Some("fuel-upstream"),
            label: format!("energy-upstream:{}", activity.subject),
            method: MethodId {
                token: "activity-factor",
                version: 1,
            },
            gases,
            rows,
            detail: Detail::None,
            steps,
        }))
    }
}
