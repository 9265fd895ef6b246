//! Waste by route, compost on site, and landfill by first-order decay.

use terrarium_model::{Gas, ParameterUnit};

use super::super::exact::Exact;
use super::super::fact::Activity;
use super::super::worked::{Quantity, Step};
use super::bench::{Line, Workbench, label_of, no_factor, out_of_range};
use super::decay::{DecayParameters, methane_within};
use crate::books::{CarbonBook, Detail, MethodId};
use crate::factor_book::{FactorKind, FactorRow};
use crate::gas::GasMasses;

/// Future emissions of waste count in the year it is generated, to the end of a century (Scope 3 Standard, category 5).
const HORIZON_YEARS: u32 = 100;

impl Workbench<'_> {
    /// Waste that left the park; the subject is "stream/route".
    pub(super) fn waste(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let (stream, route) = activity.subject.split_once('/').ok_or_else(|| {
            format!(
                "\"{}\" is no stream with its route; write such as residual/incineration",
                activity.subject
            )
        })?;
        let mut lines = Vec::new();
        let decayed = if route == "landfill" {
            self.landfill(activity, stream)?
        } else {
            None
        };
        match decayed {
            Some(line) => lines.push(line),
            None => lines.extend(self.priced(
                activity,
                FactorKind::Waste,
                CarbonBook::Emission,
                Detail::None,
            )?),
        }
        lines.extend(self.biogenic(activity)?);
        Ok(lines)
    }

    /// Composting on site: methane and nitrous oxide of wet mass, and the CO2 of what rots as a memo.
    pub(super) fn compost(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let mut lines = self.priced(
            activity,
            FactorKind::Compost,
            CarbonBook::Emission,
            Detail::None,
        )?;
        lines.extend(self.biogenic(activity)?);
        lines.extend(self.kept_from_landfill(activity)?);
        Ok(lines)
    }

    /// What the same mass would have given in a landfill: avoided, against a stated baseline, and netted with nothing.
    fn kept_from_landfill(&self, activity: &Activity) -> Result<Option<Line>, String> {
        let landfill = self.landfill(activity, "garden")?;
        Ok(landfill.map(|line| Line {
            book: CarbonBook::Avoided,
            rule: None,
            label: "compost-instead-of-landfill".to_owned(),
            detail: Detail::Avoided {
                baseline: "garden-waste-to-landfill".to_owned(),
            },
            ..line
        }))
    }

    /// CO2 of living origin: a memo, in no total.
    fn biogenic(&self, activity: &Activity) -> Result<Option<Line>, String> {
        let rows = self.gas_rows(
            FactorKind::WasteBiogenic,
            &activity.subject,
            activity.unit,
            activity.interval.start,
        );
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let mut steps = Vec::new();
        let (gas, mg) = self.emission(activity.amount, activity.unit, row, &mut steps)?;
        Ok(Some(Line {
            book: CarbonBook::Biogenic,
            rule: None,
            label: label_of(activity),
            method: MethodId {
                token: "activity-factor",
                version: 1,
            },
            gases: GasMasses::of(gas, mg),
            rows,
            detail: Detail::None,
            steps,
        }))
    }

    /// First-order decay; `None` if parameters of the material are missing.
    fn landfill(&self, activity: &Activity, material: &str) -> Result<Option<Line>, String> {
        let mut rows: Vec<FactorRow> = Vec::new();
        let mut parameter = |subject: String, unit| {
            let row = self.parameter(FactorKind::Decay, &subject, unit, activity.interval.start)?;
            let value = Exact::decimal(row.value())?;
            rows.push(row);
            Some(value)
        };
        let share = ParameterUnit::Fraction;
        let parameters = (|| {
            Some(DecayParameters {
                doc: parameter(format!("{material}/degradable-carbon"), share)?,
                rate: parameter(format!("{material}/decay-rate"), ParameterUnit::PerYear)?,
                doc_f: parameter("landfill/decomposing-share".to_owned(), share)?,
                mcf: parameter("landfill/methane-correction".to_owned(), share)?,
                methane_share: parameter("landfill/methane-share".to_owned(), share)?,
                oxidised: parameter("landfill/oxidised-share".to_owned(), share)?,
            })
        })();
        let Some(parameters) = parameters else {
            return Ok(None);
        };
        let mg =
            methane_within(&parameters, activity.amount, HORIZON_YEARS).ok_or_else(out_of_range)?;
        let mut steps = Vec::new();
        if self.explains {
            let mut inputs = vec![Quantity::new("amount", activity.amount, activity.unit)];
            inputs.extend(
                rows.iter()
                    .map(|row| Quantity::new(&row.set.detail.subject, row.value(), row.set.unit)),
            );
            inputs.push(Quantity::new("horizon", HORIZON_YEARS, "yr"));
            steps.push(Step {
                formula: "mass = round_half_even(amount x DOC x DOCf x MCF x F x 16/12 x (1 - OX) x (1 - e^(-k x horizon)))"
                    .to_owned(),
                inputs,
                output: Quantity::new("mass of CH4-biogenic", mg, "mg"),
            });
        }
        Ok(Some(Line {
            book: CarbonBook::Emission,
            rule: Some("waste"),
            label: label_of(activity),
            method: MethodId {
                token: "landfill-decay",
                version: 1,
            },
            gases: GasMasses::of(Gas::Ch4Biogenic, mg),
            rows,
            detail: Detail::None,
            steps,
        }))
    }

    /// The activity of a bin's part in a collection, routed as decided.
    pub(in crate::carbon) fn waste_subject(
        &self,
        bin: &terrarium_model::AssetId,
        time: terrarium_model::UnixSeconds,
    ) -> Result<String, String> {
        let Some(asset) = self.definition.assets.get(bin) else {
            return Err(no_factor(
                FactorKind::Waste,
                "a bin that left the park definition",
                terrarium_model::AmountUnit::Gram,
            ));
        };
        let terrarium_model::AssetParameters::Bin { waste, .. } = &asset.parameters else {
            return Err(format!("{bin} is no bin of the park definition"));
        };
        let stream = waste.to_string();
        let profile = self.profile(time);
        let route = profile.waste_route(&stream);
        Ok(format!("{stream}/{route}"))
    }
}
