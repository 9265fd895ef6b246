//! Alarms: the state of each, as a point of the asset that it is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_alarms::domain::{Alarm, AlarmFact};
use terrarium_alarms::events::{decode, state_to_wire};
use terrarium_journal::{EventCodecError, RecordedEvent};
use terrarium_model::{AssetId, ParkDefinition};
use terrarium_twin::{PointName, Quantity};

use super::samples::{Happened, Samples};

pub(super) fn observe(
    samples: &mut Samples<'_>,
    alarms: &mut BTreeMap<Arc<str>, Alarm>,
    event: &RecordedEvent,
    definition: Option<&ParkDefinition>,
) -> Result<Option<Happened>, EventCodecError> {
    let read = decode(event.id, &event.event_type, &event.data)?;
    let alarm = alarms.entry(Arc::clone(&read.alarm)).or_default();
    alarm.evolve(&read);
    let time_ms = read.fact.time().0;
    let asset = match &read.fact {
        AlarmFact::Raised(raise) => Some(raise.asset.clone()),
        _ => asset_of(&read.alarm, definition),
    };
    if let Some(asset) = &asset {
        let point = PointName {
            asset: asset.clone(),
            quantity: Quantity::AlarmState,
            source: Arc::clone(&read.alarm),
        };
        let state = state_to_wire(alarm.state()) as i32;
        samples.of_millisecond(&point, time_ms, state.into());
    }
    Ok(Some(Happened { time_ms, asset }))
}

/// The asset of an alarm that the park defines.
fn asset_of(alarm: &str, definition: Option<&ParkDefinition>) -> Option<AssetId> {
    let (id, _) = alarm.split_once('/')?;
    let definition = definition?.alarms.get(id)?;
    let mut watches = definition.watches.iter();
    let watch = watches.find(|watch| definition.alarm_id(watch) == alarm)?;
    Some(watch.asset.clone())
}
