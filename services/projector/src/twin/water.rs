//! Tanks, irrigation zones, water meters, and leaks that are suspected.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::AssetId;
use terrarium_proto::water::v1 as wire;
use terrarium_twin::{PointName, Quality, Quantity};
use uuid::Uuid;

use super::samples::{Happened, RunningTotal, Samples, Span, per_hour};

/// An irrigation zone, as its past left it.
#[derive(Default)]
pub(super) struct Zone {
    /// Event of the irrigation that runs.
    running: Option<Uuid>,
    given_l: RunningTotal,
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
        "TankLevelQuarantinedV1" => {
            let message: wire::TankLevelQuarantinedV1 = payload.read()?;
            let tank = payload.asset(&message.tank)?;
            let level = PointName::of_asset(&tank, Quantity::LevelL);
            samples.uncertain(&level, Span::instant(message.time_s));
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
            let given = PointName::of_asset(&zone, Quantity::IrrigatedL);
            past.given_l
                .add(samples, &given, message.time_s, message.litres);
            (message.time_s, zone)
        }
        "WaterMeteredV1" => {
            let message: wire::WaterMeteredV1 = payload.read()?;
            let asset = payload.asset(&message.asset)?;
            let point = flow_point(&asset, message.network(), payload)?;
            let span = Span::of_interval(message.interval_start_s, message.interval_seconds);
            let flow_l_per_h = per_hour(message.litres, span.seconds());
            samples.over(&point, span, flow_l_per_h, Quality::Good);
            (span.to_s, asset)
        }
        "WaterReadingQuarantinedV1" => {
            let message: wire::WaterReadingQuarantinedV1 = payload.read()?;
            let asset = payload.asset(&message.asset)?;
            let point = flow_point(&asset, message.network(), payload)?;
            let span = Span::of_interval(message.interval_start_s, message.interval_seconds);
            samples.uncertain(&point, span);
            (span.to_s, asset)
        }
        "LeakSuspectedV1" => {
            let message: wire::LeakSuspectedV1 = payload.read()?;
            let asset = payload.asset(&message.asset)?;
            let point = leak_point(&asset, message.network());
            samples.of_instant(&point, message.time_s, 1);
            (message.time_s, asset)
        }
        "LeakClearedV1" => {
            let message: wire::LeakClearedV1 = payload.read()?;
            let asset = payload.asset(&message.asset)?;
            let point = leak_point(&asset, message.network());
            samples.of_instant(&point, message.time_s, 0);
            (message.time_s, asset)
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

fn leak_point(asset: &AssetId, network: wire::WaterNetwork) -> PointName {
    let network = network.as_str_name().trim_start_matches("WATER_NETWORK_");
    PointName {
        asset: asset.clone(),
        quantity: Quantity::LeakSuspected,
        source: Arc::from(network.to_lowercase()),
    }
}
