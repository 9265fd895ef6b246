//! Embodied carbon as declared.

use terrarium_model::{Gas, Interval};

use super::super::attribution::PARK;
use super::super::fact::{EmbodiedRecord, u95_ppm_of_tier};
use super::super::worked::{Quantity, Step, Worked};
use super::bench::Workbench;
use crate::books::{Basis, CarbonBook, Detail, LifeCycleModule, MethodId, Posting};
use crate::fact::Origin;
use crate::gas::GasMasses;

/// An environmental product declaration or a table, times a bill of quantities.
const TIER: u8 = 4;

impl Workbench<'_> {
    /// The line of an item; it may be below zero in A1-A3 and D.
    pub(in crate::carbon) fn embodied_line(
        &self,
        record: &EmbodiedRecord,
        origin: Origin,
    ) -> Worked {
        let rule = match record.module {
            LifeCycleModule::A1A3 | LifeCycleModule::A4 | LifeCycleModule::A5 => Some("embodied-a"),
            LifeCycleModule::B1
            | LifeCycleModule::B2
            | LifeCycleModule::B3
            | LifeCycleModule::B4
            | LifeCycleModule::B5 => Some("embodied-b"),
            LifeCycleModule::C1
            | LifeCycleModule::C2
            | LifeCycleModule::C3
            | LifeCycleModule::C4 => Some("embodied-c"),
            // Beyond the boundary.
            LifeCycleModule::D => None,
        };
        let place = rule.map(super::super::attribution::place);
        let steps = if self.explains {
            vec![Step {
                formula: "mass = as declared".to_owned(),
                inputs: vec![Quantity::new("declared", record.co2e_mg, "mg")],
                output: Quantity::new("mass of CO2e", record.co2e_mg, "mg"),
            }]
        } else {
            Vec::new()
        };
        Worked {
            posting: Posting {
                book: CarbonBook::Embodied,
                asset: record.asset.clone(),
                party: PARK.to_owned(),
                scope: place.map(|place| place.scope),
                iso_category: place.map(|place| place.iso_category),
                basis: Basis::Both,
                activity: "embodied".to_owned(),
                interval: Interval {
                    start: record.time,
                    seconds: 0,
                },
                amount: 1,
                unit: "count",
                method: MethodId {
                    token: "embodied-reported",
                    version: 1,
                },
                factors: Vec::new(),
                gases: GasMasses::of(Gas::Co2e, record.co2e_mg),
                activity_u95_ppm: u95_ppm_of_tier(TIER),
                tier: TIER,
                detail: Detail::Embodied {
                    module: record.module,
                    item: record.item.clone(),
                },
            },
            name: format!("{:?}-{}", record.module, record.item).to_lowercase(),
            rows: Vec::new(),
            told_at: vec![origin.position],
            source: record.source.clone(),
            evidence: record.evidence.into_iter().collect(),
            steps,
        }
    }
}
