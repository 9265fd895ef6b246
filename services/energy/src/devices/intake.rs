//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::ops::RangeInclusive;

use terrarium_journal::{Rejection, take_in_instant};
use terrarium_model::{
    Asset, AssetId, AssetKind, AssetParameters, Interval, ParkDefinition, UnixSeconds,
};
use terrarium_proto::energy::v1 as wire;
use uuid::Uuid;

use super::domain::{DeviceRating, IslandCommand, SetpointKind, StorageReport, Weather};
use super::events::kind_from_wire;

/// Longest interval of one observation: a day.
const LONGEST_INTERVAL_S: u32 = 86_400;
/// Rated heat of solar collectors, W/m2: what reaches them under a clear sky at most (ISO 9806 names 1,000 W/m2 as its
/// reference irradiance).
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

/// Finds an asset.
fn find_asset<'p>(
    park: &'p ParkDefinition,
    field: &'static str,
    id: &str,
) -> Result<&'p Asset, Rejection> {
    let id = AssetId::new(id).map_err(|error| Rejection::invalid(field, error.to_string()))?;
    park.assets.get(&id).ok_or_else(|| {
        Rejection::invalid(
            field,
            format!(
                "park {} has no asset \"{id}\"; add it to the park definition, or correct the name",
                park.id
            ),
        )
    })
}

fn wrong_kind(park: &ParkDefinition, field: &'static str, asset: &Asset, wanted: &str) -> Rejection {
    Rejection::invalid(
        field,
        format!(
            "{} of park {} is of kind {}; name {wanted}",
            asset.id, park.id, asset.kind
        ),
    )
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

/// Checks how a store stands, as sent.
pub fn take_in_storage(
    park: &ParkDefinition,
    sent: &wire::StorageState,
) -> Result<(StorageDefinition, StorageReport), Rejection> {
    let asset = find_asset(park, "storage", &sent.storage)?;
    let storage = storage_definition(asset)
        .ok_or_else(|| wrong_kind(park, "storage", asset, "an asset of kind battery"))?;
    let report = StorageReport {
        time: take_in_instant("time", &sent.time)?,
        stored_wh: sent.stored_wh,
        power_w: sent.power_w,
        charged_wh: sent.charged_wh,
        discharged_wh: sent.discharged_wh,
    };
    Ok((storage, report))
}

/// Checks what a weather station saw, as sent.
pub fn take_in_weather(
    park: &ParkDefinition,
    sent: &wire::WeatherObservation,
) -> Result<(AssetId, Interval, Weather), Rejection> {
    let station = find_asset(park, "station", &sent.station)?;
    if station.kind != AssetKind::WeatherStation {
        return Err(wrong_kind(
            park,
            "station",
            station,
            "an asset of kind weather_station",
        ));
    }
    let interval = take_in_interval(&sent.interval_start, sent.interval_seconds)?;
    // Beyond what was ever measured on Earth (WMO world weather and climate extremes archive): a slip of unit or sign.
    refuse_outside(
        "air_temperature_mc",
        sent.air_temperature_mc.map(i64::from),
        -90_000..=60_000,
    )?;
    for (field, value, most) in [
        ("irradiance_w_per_m2", sent.irradiance_w_per_m2, 2_000),
        ("wind_mm_per_s", sent.wind_mm_per_s, 120_000),
        ("rain_um_per_h", sent.rain_um_per_h, 2_000_000),
        ("cloud_permille", sent.cloud_permille, 1_000),
    ] {
        refuse_outside(field, value.map(i64::from), 0..=most)?;
    }
    let weather = Weather {
        air_temperature_mc: sent.air_temperature_mc,
        irradiance_w_per_m2: sent.irradiance_w_per_m2,
        wind_mm_per_s: sent.wind_mm_per_s,
        rain_um_per_h: sent.rain_um_per_h,
        cloud_permille: sent.cloud_permille,
    };
    if weather == Weather::default() {
        return Err(Rejection::invalid(
            "air_temperature_mc",
            "the observation says nothing; send what at least one sensor saw",
        ));
    }
    Ok((station.id.clone(), interval, weather))
}

fn refuse_outside(
    field: &'static str,
    value: Option<i64>,
    bounds: RangeInclusive<i64>,
) -> Result<(), Rejection> {
    match value.filter(|value| !bounds.contains(value)) {
        None => Ok(()),
        Some(value) => Err(Rejection::invalid(
            field,
            format!(
                "{value} is not from {} to {}; check the unit",
                bounds.start(),
                bounds.end()
            ),
        )),
    }
}

/// Checks an amount of heat as sent. Gives the source, its rated heat where it is known, the interval and Wh.
pub fn take_in_heat(
    park: &ParkDefinition,
    sent: &wire::HeatAmount,
) -> Result<(AssetId, Option<i64>, Interval, i64), Rejection> {
    let source = find_asset(park, "source", &sent.source)?;
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
    let interval = take_in_interval(&sent.interval_start, sent.interval_seconds)?;
    Ok((source.id.clone(), rated_heat_w, interval, sent.heat_wh))
}

fn take_in_interval(start: &str, seconds: u32) -> Result<Interval, Rejection> {
    let start = take_in_instant("interval_start", start)?;
    if !(1..=LONGEST_INTERVAL_S).contains(&seconds) {
        return Err(Rejection::invalid(
            "interval_seconds",
            format!("{seconds} s is no interval; it must have 1 to {LONGEST_INTERVAL_S} s"),
        ));
    }
    Ok(Interval { start, seconds })
}

/// Finds a device that can be asked for something. What its store holds is for the caller to add.
pub fn find_device(
    park: &ParkDefinition,
    id: &str,
) -> Result<(AssetId, DeviceRating), Rejection> {
    let asset = find_asset(park, "device", id)?;
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
            "a battery, or an asset with a rated power of kind pv, wind, heat_pump, chiller, lighting, display or load",
        )
    })?;
    Ok((asset.id.clone(), rating))
}

/// Checks what is asked for.
pub fn take_in_kind(kind: wire::SetpointKind) -> Result<SetpointKind, Rejection> {
    kind_from_wire(kind)
        .ok_or_else(|| Rejection::invalid("kind", "it is not known; send one of SetpointKind"))
}

/// Checks an answer as sent. Gives the event that asked, time and value.
pub fn take_in_answer(
    sent: &wire::ReportSetpointRequest,
) -> Result<(Uuid, UnixSeconds, i64), Rejection> {
    let asked = Uuid::parse_str(&sent.ask_id).map_err(|_| {
        Rejection::invalid(
            "ask_id",
            format!(
                "\"{}\" is no id; send the one that AskSetpoint gave",
                sent.ask_id
            ),
        )
    })?;
    Ok((asked, take_in_instant("time", &sent.time)?, sent.value))
}

/// Checks a report about an island as sent.
pub fn take_in_island(
    park: &ParkDefinition,
    sent: &wire::ReportIslandRequest,
) -> Result<(AssetId, IslandCommand), Rejection> {
    let node = find_asset(park, "node", &sent.node)?;
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
