//! Groups of trees.

use std::collections::BTreeMap;

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::AssetId;
use terrarium_proto::carbon::v1 as wire;
use terrarium_twin::Quantity;

use super::samples::{Happened, Samples};

/// Living trees by their group.
pub(super) type Living = BTreeMap<AssetId, i64>;

pub(super) fn observe(
    samples: &mut Samples<'_>,
    living: &mut Living,
    message: &str,
    payload: Payload<'_>,
) -> Result<Option<Happened>, EventCodecError> {
    let (time_s, group) = match message {
        "TreesPlantedV1" => {
            let message: wire::TreesPlantedV1 = payload.read()?;
            let group = payload.asset(&message.group)?;
            let count = living.entry(group.clone()).or_default();
            *count += i64::from(message.count);
            samples.instant(&group, Quantity::Trees, message.time_s, *count);
            (message.time_s, group)
        }
        "TreesMonitoredV1" => {
            let message: wire::TreesMonitoredV1 = payload.read()?;
            let group = payload.asset(&message.group)?;
            let time_s = message.time_s;
            let count = i64::from(message.living);
            living.insert(group.clone(), count);
            samples.instant(&group, Quantity::Trees, time_s, count);
            let height_cm = i64::from(message.mean_height_cm);
            samples.instant(&group, Quantity::TreeHeightCm, time_s, height_cm);
            samples.instant(&group, Quantity::TreeCo2G, time_s, message.co2_g);
            (time_s, group)
        }
        "TreesDiedV1" => {
            let message: wire::TreesDiedV1 = payload.read()?;
            let group = payload.asset(&message.group)?;
            let time_s = message.time_s;
            let count = i64::from(message.living);
            living.insert(group.clone(), count);
            samples.instant(&group, Quantity::Trees, time_s, count);
            samples.instant(&group, Quantity::TreeCo2G, time_s, message.co2_g);
            (time_s, group)
        }
        _ => return Ok(None),
    };
    Ok(Some(Happened::at(time_s, Some(group))))
}
