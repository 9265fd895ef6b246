//! Refrigerants: what was topped up was lost before; where no log is kept, a share of the charge leaks every year.

use terrarium_model::{Gas, ParameterUnit};

use super::super::exact::Exact;
use super::super::fact::Activity;
use super::super::worked::{Quantity, Step};
use super::bench::{Line, Workbench, label_of, out_of_range};
use crate::books::{CarbonBook, Detail, MethodId};
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::GasMasses;

/// Seconds of a year of 365.25 days.
const SECONDS_PER_YEAR: i128 = 31_557_600;

impl Workbench<'_> {
    /// Mass balance: the grams topped up were lost.
    pub(super) fn refrigerant_lost(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let (gases, rows, steps) =
            self.parts(activity, &activity.subject, Exact::whole(activity.amount))?;
        Ok(vec![Line {
            book: CarbonBook::Emission,
            rule: Some(activity.kind.token()),
            label: label_of(activity),
            method: MethodId {
                token: "refrigerant-parts",
                version: 1,
            },
            gases,
            rows,
            detail: Detail::None,
            steps,
        }])
    }

    /// Charge x leak rate of the equipment x time; the subject is "refrigerant/equipment".
    pub(super) fn refrigerant_held(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let Some((refrigerant, equipment)) = activity.subject.split_once('/') else {
            return Err(format!(
                "\"{}\" is no refrigerant with its equipment; write such as R-410A/split-air-conditioner",
                activity.subject
            ));
        };
        let rate = self
            .parameter(
                FactorKind::RefrigerantLeak,
                equipment,
                ParameterUnit::PerYear,
                activity.interval.start,
            )
            .ok_or_else(|| {
                super::bench::no_factor(FactorKind::RefrigerantLeak, equipment, activity.unit)
            })?;
        let grams = Exact::fraction(i128::from(activity.interval.seconds), SECONDS_PER_YEAR)
            .and_then(|years| years.times(Exact::decimal(rate.value())?))
            .and_then(|share| share.times(Exact::whole(activity.amount)))
            .ok_or_else(out_of_range)?;
        let (gases, mut rows, mut steps) = self.parts(activity, refrigerant, grams)?;
        if self.explains {
            steps.insert(
                0,
                Step {
                    formula: "lost = charge x leak rate x years".to_owned(),
                    inputs: vec![
                        Quantity::new("charge", activity.amount, activity.unit),
                        Quantity::new(&rate.set.key(), rate.value(), rate.set.unit),
                        Quantity::new("time", activity.interval.seconds, "s"),
                    ],
                    output: Quantity::new("lost", grams.shown(6), "g"),
                },
            );
        }
        rows.push(rate);
        Ok(vec![Line {
            book: CarbonBook::Emission,
            rule: Some(activity.kind.token()),
            label: label_of(activity),
            method: MethodId {
                token: "refrigerant-rate",
                version: 1,
            },
            gases,
            rows,
            detail: Detail::None,
            steps,
        }])
    }

    /// The gases that a refrigerant is made of: itself, or the published parts of a blend.
    fn parts(
        &self,
        activity: &Activity,
        refrigerant: &str,
        grams: Exact,
    ) -> Result<(GasMasses, Vec<FactorRow>, Vec<Step>), String> {
        let mut gases = GasMasses::NONE;
        let mut steps = Vec::new();
        let rows = if Gas::parse(refrigerant).is_some() {
            Vec::new()
        } else {
            self.gas_rows(
                FactorKind::Refrigerant,
                refrigerant,
                activity.unit,
                activity.interval.start,
            )
        };
        let parts: Vec<(Gas, Exact)> = match Gas::parse(refrigerant) {
            Some(gas) => vec![(gas, Exact::whole(1))],
            None => rows
                .iter()
                .filter_map(|row| Some((row.set.unit.gas()?, Exact::decimal(row.value())?)))
                .collect(),
        };
        if parts.is_empty() {
            return Err(super::bench::no_factor(
                FactorKind::Refrigerant,
                refrigerant,
                activity.unit,
            ));
        }
        for (gas, part) in parts {
            let mg = grams
                .times(part)
                .and_then(|grams| grams.times(Exact::whole(1_000)))
                .and_then(Exact::rounded)
                .ok_or_else(out_of_range)?;
            gases.add(gas, mg);
            if self.explains {
                steps.push(Step {
                    formula: "mass = round_half_even(lost x part by mass)".to_owned(),
                    inputs: vec![
                        Quantity::new("lost", grams.shown(6), "g"),
                        Quantity::new(&format!("part of {gas}"), part.shown(6), "1"),
                    ],
                    output: Quantity::new(&format!("mass of {gas}"), mg, "mg"),
                });
            }
        }
        Ok((gases, rows, steps))
    }
}
