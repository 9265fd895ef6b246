//! Reports of trees.

use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1 as carbon;

use super::{Bundle, TreeReport};
use crate::park::{Fact, TreeSurvey};

/// Equation behind the CO2 of surveys, for the record.
const TREE_METHOD: &str = "Chapman-Richards diameter by age, allometric biomass a x D^b, root share 0.26, carbon 0.48 (simulated)";

impl Bundle {
    pub(super) fn add_trees(&mut self, fact: Fact) {
        let park = self.park.clone();
        self.trees.push(match fact {
            Fact::TreesPlanted {
                group,
                planting,
                at,
                survey,
            } => TreeReport::Planted(carbon::PlantTreesRequest {
                park,
                client_request_id: format!("plant-{}", at.0),
                group: group.to_string(),
                planting,
                time: format_rfc3339_utc(at),
                count: survey.living,
                mean_diameter_mm: survey.mean_diameter_mm,
                mean_height_cm: survey.mean_height_cm,
            }),
            Fact::TreesDied {
                group,
                loss,
                at,
                count,
            } => TreeReport::Died(carbon::ReportTreesDiedRequest {
                park,
                client_request_id: format!("died-{loss}"),
                group: group.to_string(),
                loss,
                time: format_rfc3339_utc(at),
                count,
                numbers: Vec::new(),
                cause: carbon::TreeLossCause::Other.into(),
            }),
            Fact::TreesSurveyed { group, at, survey } => {
                TreeReport::Surveyed(tree_survey(park, group.to_string(), at, survey))
            }
            _ => unreachable!("only reports of trees come here"),
        });
    }
}

fn tree_survey(
    park: String,
    group: String,
    at: UnixSeconds,
    survey: TreeSurvey,
) -> carbon::MonitorTreesRequest {
    carbon::MonitorTreesRequest {
        park,
        client_request_id: format!("survey-{}", at.0),
        group,
        time: format_rfc3339_utc(at),
        living: survey.living,
        mean_diameter_mm: survey.mean_diameter_mm,
        mean_height_cm: survey.mean_height_cm,
        co2_g: survey.co2_g,
        method: carbon::TreeCarbonMethod::Modelled.into(),
        source: TREE_METHOD.to_owned(),
        evidence_sha256: Default::default(),
    }
}
