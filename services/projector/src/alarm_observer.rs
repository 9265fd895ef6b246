//! What events say of points and balances, for the alarms: the twin's and the ledger's own folds.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_alarms::{Observed, Observer, ObserverError};
use terrarium_journal::{RecordedEvent, StreamName};
use terrarium_ledger::natural::NaturalMedium;
use terrarium_model::{Balanced, Carrier, NodeMetering, ParkId};

use crate::projection::Projection;

/// A projection that tells what each event changed. It keeps no histories: alarms ask for what is so now.
pub struct AlarmObserver {
    projection: Projection,
}

impl Default for AlarmObserver {
    fn default() -> AlarmObserver {
        AlarmObserver {
            projection: Projection::brief(),
        }
    }
}

impl Observer for AlarmObserver {
    fn observe(
        &mut self,
        event: &RecordedEvent,
        observed: &mut Vec<Observed>,
    ) -> Result<(), ObserverError> {
        let unreadable = |error: &dyn std::fmt::Display| ObserverError(error.to_string());
        let mut touched = BTreeMap::new();
        self.projection
            .apply(event, &mut touched)
            .map_err(|error| unreadable(&error))?;
        let stream =
            StreamName::parse(Arc::clone(&event.stream)).map_err(|error| unreadable(&error))?;
        let park = ParkId::new(stream.park()).map_err(|error| unreadable(&error))?;
        if let Some(twin) = self.projection.twin(&park) {
            let fresh = twin.fresh().iter().map(|(name, sample)| Observed::Point {
                name: name.clone(),
                sample: *sample,
            });
            observed.extend(fresh);
        }
        let balanced = self.projection.balanced().iter();
        observed.extend(balanced.filter_map(|balance| {
            let of = match balance.medium {
                NaturalMedium::WaterL => Balanced::Water,
                NaturalMedium::HeatWh => Balanced::Thermal(Carrier::Heat),
                NaturalMedium::ColdWh => Balanced::Thermal(Carrier::Cold),
                NaturalMedium::MassG => return None,
            };
            Some(Observed::Balance {
                of,
                node: balance.asset.clone(),
                hour_start: balance.hour_start,
                unexplained: balance.unexplained,
            })
        }));
        let (Some(ledger), Some(hours)) = (self.projection.park(&park), touched.get(&park)) else {
            return Ok(());
        };
        for (node, hour_start) in hours {
            // Elsewhere nothing can be left unexplained.
            if ledger.node_metering(node) != Some(NodeMetering::ConsumptionAndGrid) {
                continue;
            }
            let hour = ledger.node_hour(node, *hour_start);
            if hour.complete {
                observed.push(Observed::Balance {
                    of: Balanced::Electricity,
                    node: node.clone(),
                    hour_start: *hour_start,
                    unexplained: hour.amounts.unexplained,
                });
            }
        }
        Ok(())
    }
}
