//! Stores, weather stations, sources of heat, setpoints and islands.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::AssetId;
use terrarium_proto::energy::v1 as wire;
use terrarium_twin::{PointName, Quality, Quantity};
use uuid::Uuid;

use super::samples::{ASKED, Happened, MISSED, OBEYED, Samples, Span, per_hour};

/// Event of the newest ask of each device and kind of setpoint.
pub(super) type Asks = BTreeMap<(AssetId, i32), Uuid>;

pub(super) fn observe(
    samples: &mut Samples<'_>,
    asks: &mut Asks,
    id: Uuid,
    message: &str,
    payload: Payload<'_>,
) -> Result<Option<Happened>, EventCodecError> {
    match message {
        "StorageReportedV1" => {
            let report: wire::StorageReportedV1 = payload.read()?;
            let storage = payload.asset(&report.storage)?;
            let time_s = report.time_s;
            samples.instant(&storage, Quantity::StoredWh, time_s, report.stored_wh);
            samples.instant(&storage, Quantity::StoragePowerW, time_s, report.power_w);
            Ok(Some(Happened::at(time_s, Some(storage))))
        }
        "StorageReportQuarantinedV1" => {
            let report: wire::StorageReportQuarantinedV1 = payload.read()?;
            let storage = payload.asset(&report.storage)?;
            for quantity in [Quantity::StoredWh, Quantity::StoragePowerW] {
                let point = PointName::of_asset(&storage, quantity);
                samples.uncertain(&point, Span::instant(report.time_s));
            }
            Ok(Some(Happened::at(report.time_s, Some(storage))))
        }
        "WeatherObservedV1" => weather(samples, payload).map(Some),
        "HeatMeteredV1" => heat(samples, payload).map(Some),
        "SetpointAskedV1" => {
            let message: wire::SetpointAskedV1 = payload.read()?;
            let device = payload.asset(&message.device)?;
            asks.insert((device.clone(), message.kind), id);
            let kind = message.kind();
            let asked = setpoint_point(&device, asked_quantity(kind), kind);
            samples.of_instant(&asked, message.time_s, message.value);
            let state = setpoint_point(&device, Quantity::AskState, kind);
            samples.of_instant(&state, message.time_s, ASKED);
            Ok(Some(Happened::at(message.time_s, Some(device))))
        }
        "SetpointObeyedV1" => {
            let message: wire::SetpointObeyedV1 = payload.read()?;
            let device = payload.asset(&message.device)?;
            let asked = payload.event_id(&message.asked_event_id)?;
            if asks.get(&(device.clone(), message.kind)) == Some(&asked) {
                let state = setpoint_point(&device, Quantity::AskState, message.kind());
                samples.of_instant(&state, message.time_s, OBEYED);
            }
            Ok(Some(Happened::at(message.time_s, Some(device))))
        }
        "SetpointMissedV1" => {
            let message: wire::SetpointMissedV1 = payload.read()?;
            let device = payload.asset(&message.device)?;
            let asked = payload.event_id(&message.asked_event_id)?;
            if asks.get(&(device.clone(), message.kind)) == Some(&asked) {
                let state = setpoint_point(&device, Quantity::AskState, message.kind());
                samples.of_instant(&state, message.time_s, MISSED);
            }
            Ok(Some(Happened::at(message.time_s, Some(device))))
        }
        "IslandStartedV1" => {
            let message: wire::IslandStartedV1 = payload.read()?;
            let node = payload.asset(&message.node)?;
            samples.instant(&node, Quantity::Islanded, message.time_s, 1);
            Ok(Some(Happened::at(message.time_s, Some(node))))
        }
        "IslandEndedV1" => {
            let message: wire::IslandEndedV1 = payload.read()?;
            let node = payload.asset(&message.node)?;
            samples.instant(&node, Quantity::Islanded, message.time_s, 0);
            Ok(Some(Happened::at(message.time_s, Some(node))))
        }
        _ => Ok(None),
    }
}

fn weather(samples: &mut Samples<'_>, payload: Payload<'_>) -> Result<Happened, EventCodecError> {
    let message: wire::WeatherObservedV1 = payload.read()?;
    let station = payload.asset(&message.station)?;
    let span = Span::of_interval(message.interval_start_s, message.interval_seconds);
    for (quantity, value) in [
        (
            Quantity::AirTemperatureMc,
            message.air_temperature_mc.map(i64::from),
        ),
        (
            Quantity::IrradianceWPerM2,
            message.irradiance_w_per_m2.map(i64::from),
        ),
        (Quantity::WindMmPerS, message.wind_mm_per_s.map(i64::from)),
        (Quantity::RainUmPerH, message.rain_um_per_h.map(i64::from)),
        (
            Quantity::CloudPermille,
            message.cloud_permille.map(i64::from),
        ),
    ] {
        if let Some(value) = value {
            let point = PointName::of_asset(&station, quantity);
            samples.over(&point, span, value, Quality::Good);
        }
    }
    Ok(Happened::at(span.to_s, Some(station)))
}

fn heat(samples: &mut Samples<'_>, payload: Payload<'_>) -> Result<Happened, EventCodecError> {
    let message: wire::HeatMeteredV1 = payload.read()?;
    let source = payload.asset(&message.source)?;
    let span = Span::of_interval(message.interval_start_s, message.interval_seconds);
    let point = PointName::of_asset(&source, Quantity::HeatW);
    let heat_w = per_hour(message.heat_wh, span.seconds());
    samples.over(&point, span, heat_w, Quality::Good);
    Ok(Happened::at(span.to_s, Some(source)))
}

fn asked_quantity(kind: wire::SetpointKind) -> Quantity {
    match kind {
        wire::SetpointKind::ReserveWh => Quantity::AskedReserveWh,
        _ => Quantity::AskedLimitW,
    }
}

fn setpoint_point(device: &AssetId, quantity: Quantity, kind: wire::SetpointKind) -> PointName {
    let kind = kind.as_str_name().trim_start_matches("SETPOINT_KIND_");
    PointName {
        asset: device.clone(),
        quantity,
        source: Arc::from(kind.to_lowercase()),
    }
}
