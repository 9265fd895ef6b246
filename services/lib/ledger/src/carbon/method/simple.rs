//! Methods of one multiplication, or none.

use terrarium_model::Gas;

use super::super::fact::Activity;
use super::super::worked::{Quantity, Step};
use super::bench::{Line, Workbench, label_of};
use crate::books::{CarbonBook, Detail, LifeCycleModule, MethodId};
use crate::factor_book::FactorKind;
use crate::gas::GasMasses;

impl Workbench<'_> {
    /// A gas as measured or worked out elsewhere.
    pub(super) fn gas_released(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        let gas = Gas::parse(&activity.subject)
            .ok_or_else(|| format!("\"{}\" is no gas that the books know", activity.subject))?;
        let mg = activity
            .amount
            .checked_mul(1_000)
            .ok_or_else(super::bench::out_of_range)?;
        let steps = if self.explains {
            vec![Step {
                formula: "mass = as reported".to_owned(),
                inputs: vec![Quantity::new("amount", activity.amount, activity.unit)],
                output: Quantity::new(&format!("mass of {gas}"), mg, "mg"),
            }]
        } else {
            Vec::new()
        };
        Ok(vec![Line {
            book: CarbonBook::Emission,
            rule: Some(activity.kind.token()),
            label: label_of(activity),
            method: MethodId {
                token: "gas-reported",
                version: 1,
            },
            gases: GasMasses::of(gas, mg),
            rows: Vec::new(),
            detail: Detail::None,
            steps,
        }])
    }

    /// A material that was built in: modules A1 to A3 of the asset.
    pub(super) fn material(&self, activity: &Activity) -> Result<Vec<Line>, String> {
        self.priced(
            activity,
            FactorKind::Material,
            CarbonBook::Embodied,
            Detail::Embodied {
                module: LifeCycleModule::A1A3,
                item: activity.subject.clone(),
            },
        )
    }
}
