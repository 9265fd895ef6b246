//! Tanks, irrigation zones and water meters.

use std::collections::BTreeMap;
use std::ops::Bound;

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::AssetId;
use terrarium_proto::water::v1 as wire;
use terrarium_twin::{PointName, Quality, Quantity};
use uuid::Uuid;

use super::samples::{Happened, Samples, Span, per_hour};

/// An irrigation zone, as its past left it.
#[derive(Default)]
pub(super) struct Zone {
    /// Event of the irrigation that runs.
    running: Option<Uuid>,
    /// Litres given up to a time, at each time that an irrigation ended.
    given_l: BTreeMap<i64, i64>,
}

pub(super) fn observe(
    samples: &mut Samples<'_>,
    zones: &mut BTreeMap<AssetId, Zone>,
    id: Uuid,
    message: &str,
    payload: Payload<'_>,
) -> Result<Option<Happened>, EventCodecError> {
    let (time_s, asset) = match message {
        "TankLevelMeasuredV1" => {
            let message: wire::TankLevelMeasuredV1 = payload.read()?;
            let tank = payload.asset(&message.tank)?;
            samples.instant(&tank, Quantity::LevelL, message.time_s, message.level_l);
            (message.time_s, tank)
        }
        "IrrigationStartedV1" => {
            let message: wire::IrrigationStartedV1 = payload.read()?;
            let zone = payload.asset(&message.zone)?;
            zones.entry(zone.clone()).or_default().running = Some(id);
            samples.instant(&zone, Quantity::Irrigating, message.time_s, 1);
            (message.time_s, zone)
        }
        "IrrigationEndedV1" => {
            let message: wire::IrrigationEndedV1 = payload.read()?;
            let zone = payload.asset(&message.zone)?;
            let started = payload.event_id(&message.started_event_id)?;
            let past = zones.entry(zone.clone()).or_default();
            if past
                .running
                .take_if(|running| *running == started)
                .is_some()
            {
                samples.instant(&zone, Quantity::Irrigating, message.time_s, 0);
            }
            past.gave(samples, &zone, message.time_s, message.litres);
            (message.time_s, zone)
        }
        "WaterMeteredV1" => {
            let message: wire::WaterMeteredV1 = payload.read()?;
            let asset = payload.asset(&message.asset)?;
            let point = flow_point(&asset, message.network(), payload)?;
            let span = Span {
                from_s: message.interval_start_s,
                to_s: message.interval_start_s + i64::from(message.interval_seconds),
            };
            let flow_l_per_h = per_hour(message.litres, span.seconds());
            samples.over(&point, span, flow_l_per_h, Quality::Good);
            (span.to_s, asset)
        }
        _ => return Ok(None),
    };
    Ok(Some(Happened::at(time_s, Some(asset))))
}

fn flow_point(
    asset: &AssetId,
    network: wire::WaterNetwork,
    payload: Payload<'_>,
) -> Result<PointName, EventCodecError> {
    let quantity = match network {
        wire::WaterNetwork::Supply => Quantity::SupplyLPerH,
        wire::WaterNetwork::Reclaimed => Quantity::ReclaimedLPerH,
        wire::WaterNetwork::Rain => Quantity::RainLPerH,
        wire::WaterNetwork::Unspecified => {
            return Err(payload.malformed("it names no water network"));
        }
    };
    Ok(PointName::of_asset(asset, quantity))
}

impl Zone {
    /// An irrigation that is told late adds to what was given by the later ones, too.
    fn gave(&mut self, samples: &mut Samples<'_>, zone: &AssetId, time_s: i64, litres: i64) {
        let until_then_l = self
            .given_l
            .range(..=time_s)
            .next_back()
            .map_or(0, |(_, given_l)| *given_l);
        let given_l = until_then_l.saturating_add(litres);
        self.given_l.insert(time_s, given_l);
        samples.instant(zone, Quantity::IrrigatedL, time_s, given_l);
        let later = (Bound::Excluded(time_s), Bound::Unbounded);
        for (later_s, given_l) in self.given_l.range_mut(later) {
            *given_l = given_l.saturating_add(litres);
            samples.instant(zone, Quantity::IrrigatedL, *later_s, *given_l);
        }
    }
}
