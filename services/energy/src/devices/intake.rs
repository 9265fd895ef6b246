//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::ops::RangeInclusive;

use terrarium_journal::{Rejection, find_any_asset, find_asset, take_in_instant, take_in_interval};
use terrarium_model::{Asset, AssetId, AssetKind, AssetParameters, ParkDefinition};
use terrarium_proto::energy::v1 as wire;

use super::domain::{DeviceRating, IslandCommand};

/// Longest interval of one observation: a day.
const LONGEST_INTERVAL_S: u32 = 86_400;
/// What solar collectors give at most, W/m2: all that reaches them at the reference irradiance of ISO 9806.
const COLLECTOR_W_PER_M2: i64 = 1_000;

/// A battery of the park definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageDefinition {
    /// The battery.
    pub id: AssetId,
    /// Wh between empty and full.
    pub capacity_wh: i64,
    /// Rated power in W.
    pub rated_w: i64,
}

/// What a battery needs to be known by; `None` for any other asset.
pub fn storage_definition(asset: &Asset) -> Option<StorageDefinition> {
    match (&asset.parameters, asset.rated_w) {
        (AssetParameters::Battery { capacity_wh, .. }, Some(rated_w)) => Some(StorageDefinition {
            id: asset.id.clone(),
            capacity_wh: *capacity_wh,
            rated_w,
        }),
        _ => None,
    }
}

fn wrong_kind(
    park: &ParkDefinition,
    field: &'static str,
    asset: &Asset,
    wanted: &str,
) -> Rejection {
    Rejection::invalid(
        field,
        format!(
            "{} of park {} is of kind {}; name {wanted}",
            asset.id, park.id, asset.kind
        ),
    )
}

/// Checks how a store stands, as sent.
pub fn take_in_storage(
    park: &ParkDefinition,
    sent: &wire::StorageState,
) -> Result<(StorageDefinition, wire::StorageReportedV1), Rejection> {
    let asset = find_asset(park, "storage", &sent.storage, AssetKind::Battery)?;
    let storage = storage_definition(asset)
        .ok_or_else(|| wrong_kind(park, "storage", asset, "a battery with a rated power"))?;
    let report = wire::StorageReportedV1 {
        storage: storage.id.to_string(),
        time_s: take_in_instant("time", &sent.time)?.0,
        stored_wh: sent.stored_wh,
        power_w: sent.power_w,
        charged_wh: sent.charged_wh,
        discharged_wh: sent.discharged_wh,
    };
    Ok((storage, report))
}

/// Checks what a weather station saw, as sent. Beyond the bounds nothing was ever measured on Earth (WMO archive of weather
/// and climate extremes): it is a slip of unit or sign.
pub fn take_in_weather(
    park: &ParkDefinition,
    sent: &wire::WeatherObservation,
) -> Result<wire::WeatherObservedV1, Rejection> {
    let station = find_asset(park, "station", &sent.station, AssetKind::WeatherStation)?;
    let interval = take_in_interval(
        &sent.interval_start,
        sent.interval_seconds,
        LONGEST_INTERVAL_S,
    )?;
    let values: [(&'static str, Option<i64>, RangeInclusive<i64>); 5] = [
        (
            "air_temperature_mc",
            sent.air_temperature_mc.map(i64::from),
            -90_000..=60_000,
        ),
        (
            "irradiance_w_per_m2",
            sent.irradiance_w_per_m2.map(i64::from),
            0..=2_000,
        ),
        (
            "wind_mm_per_s",
            sent.wind_mm_per_s.map(i64::from),
            0..=120_000,
        ),
        (
            "rain_um_per_h",
            sent.rain_um_per_h.map(i64::from),
            0..=2_000_000,
        ),
        (
            "cloud_permille",
            sent.cloud_permille.map(i64::from),
            0..=1_000,
        ),
    ];
    if values.iter().all(|(_, value, _)| value.is_none()) {
        return Err(Rejection::invalid(
            "air_temperature_mc",
            "the observation says nothing; send what at least one sensor saw",
        ));
    }
    for (field, value, bounds) in values {
        if let Some(value) = value.filter(|value| !bounds.contains(value)) {
            return Err(Rejection::invalid(
                field,
                format!(
                    "{value} is not from {} to {}; check the unit",
                    bounds.start(),
                    bounds.end()
                ),
            ));
        }
    }
    Ok(wire::WeatherObservedV1 {
        station: station.id.to_string(),
        interval_start_s: interval.start.0,
        interval_seconds: interval.seconds,
        air_temperature_mc: sent.air_temperature_mc,
        irradiance_w_per_m2: sent.irradiance_w_per_m2,
        wind_mm_per_s: sent.wind_mm_per_s,
        rain_um_per_h: sent.rain_um_per_h,
        cloud_permille: sent.cloud_permille,
    })
}

/// Checks an amount of heat as sent. Gives the most heat in W that the source gives, and what it metered.
pub fn take_in_heat(
    park: &ParkDefinition,
    sent: &wire::HeatAmount,
) -> Result<(Option<i64>, wire::HeatMeteredV1), Rejection> {
    let source = find_any_asset(park, "source", &sent.source)?;
    let rated_heat_w = match &source.parameters {
        AssetParameters::HeatPump { heat_w, .. } => Some(*heat_w),
        AssetParameters::SolarThermal { area_m2, .. } => area_m2.checked_mul(COLLECTOR_W_PER_M2),
        _ => {
            return Err(wrong_kind(
                park,
                "source",
                source,
                "an asset of kind heat_pump or solar_thermal",
            ));
        }
    };
    let interval = take_in_interval(
        &sent.interval_start,
        sent.interval_seconds,
        LONGEST_INTERVAL_S,
    )?;
    let metered = wire::HeatMeteredV1 {
        source: source.id.to_string(),
        interval_start_s: interval.start.0,
        interval_seconds: interval.seconds,
        heat_wh: sent.heat_wh,
    };
    Ok((rated_heat_w, metered))
}

/// Finds a device that can be asked for something. What its store holds is for the caller to add.
pub fn find_device(park: &ParkDefinition, id: &str) -> Result<(AssetId, DeviceRating), Rejection> {
    let asset = find_any_asset(park, "device", id)?;
    let rating = match (asset.kind, asset.rated_w) {
        (AssetKind::Battery, _) => storage_definition(asset).map(|storage| DeviceRating::Storage {
            rated_w: storage.rated_w,
            capacity_wh: storage.capacity_wh,
            stored_wh: None,
        }),
        (
            AssetKind::HeatPump
            | AssetKind::Chiller
            | AssetKind::Lighting
            | AssetKind::Display
            | AssetKind::Load,
            Some(rated_w),
        ) => Some(DeviceRating::Consumer { rated_w }),
        (AssetKind::Pv | AssetKind::Wind, Some(rated_w)) => {
            Some(DeviceRating::Generator { rated_w })
        }
        _ => None,
    };
    let rating = rating.ok_or_else(|| {
        wrong_kind(
            park,
            "device",
            asset,
            "an asset with a rated power of kind battery, pv, wind, heat_pump, chiller, lighting, display or load",
        )
    })?;
    Ok((asset.id.clone(), rating))
}

/// Checks a report about an island as sent.
pub fn take_in_island(
    park: &ParkDefinition,
    sent: &wire::ReportIslandRequest,
) -> Result<(AssetId, IslandCommand), Rejection> {
    let node = find_any_asset(park, "node", &sent.node)?;
    let may_be_island = park.nodes.contains_key(&node.id)
        || matches!(node.kind, AssetKind::ConnectionPoint | AssetKind::DcBus);
    if !may_be_island {
        return Err(wrong_kind(
            park,
            "node",
            node,
            "what the grid connects to, a connection point or a direct-current bus",
        ));
    }
    let time = take_in_instant("time", &sent.time)?;
    let command = match sent.state() {
        wire::IslandState::Islanded => IslandCommand::Start {
            time,
            grid_failed: sent.grid_failed,
        },
        wire::IslandState::Connected if sent.grid_failed => {
            return Err(Rejection::invalid(
                "grid_failed",
                "the node is connected again; say that the grid failed when it is separated",
            ));
        }
        wire::IslandState::Connected => IslandCommand::End { time },
        wire::IslandState::Unspecified => {
            return Err(Rejection::invalid(
                "state",
                "it is not known; send ISLANDED or CONNECTED",
            ));
        }
    };
    Ok((node.id.clone(), command))
}

#[cfg(test)]
mod tests;
