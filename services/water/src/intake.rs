//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use terrarium_journal::{
    Rejection, find_any_asset, find_asset, take_in_evidence, take_in_instant, take_in_interval,
    take_in_token,
};
use terrarium_model::{AssetId, AssetKind, AssetParameters, ParkDefinition};
use terrarium_proto::water::v1 as wire;

use crate::domain::{MeteredWater, TankLevel, WaterNetwork};
use crate::events::network_from_wire;

/// Longest interval of one reading: 366 days.
const LONGEST_INTERVAL_S: u32 = 366 * 86_400;

/// A tank of the park definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TankDefinition {
    /// The tank.
    pub id: AssetId,
    /// Litres it holds.
    pub capacity_l: i64,
    /// Litres that are kept.
    pub reserve_l: i64,
}

/// Finds a tank.
pub fn find_tank(
    park: &ParkDefinition,
    field: &'static str,
    id: &str,
) -> Result<TankDefinition, Rejection> {
    let asset = find_asset(park, field, id, AssetKind::Tank)?;
    let AssetParameters::Tank {
        capacity_l,
        reserve_l,
        ..
    } = asset.parameters
    else {
        unreachable!("the parameters follow from the kind");
    };
    Ok(TankDefinition {
        id: asset.id.clone(),
        capacity_l,
        reserve_l,
    })
}

/// Finds an irrigation zone and the tank it draws from.
pub fn find_irrigation_zone(
    park: &ParkDefinition,
    id: &str,
) -> Result<(AssetId, TankDefinition), Rejection> {
    let asset = find_asset(park, "zone", id, AssetKind::IrrigationZone)?;
    let AssetParameters::IrrigationZone { tank, .. } = &asset.parameters else {
        unreachable!("the parameters follow from the kind");
    };
    Ok((asset.id.clone(), find_tank(park, "zone", tank.as_str())?))
}

/// Irrigation zones that draw from a tank, but for one.
pub fn other_zones_of_tank<'a>(
    park: &'a ParkDefinition,
    tank: &'a AssetId,
    but: &'a AssetId,
) -> impl Iterator<Item = &'a AssetId> {
    park.assets
        .values()
        .filter_map(move |asset| match &asset.parameters {
            AssetParameters::IrrigationZone { tank: its_tank, .. }
                if its_tank == tank && asset.id != *but =>
            {
                Some(&asset.id)
            }
            _ => None,
        })
}

/// Checks a level as sent.
pub fn take_in_level(
    park: &ParkDefinition,
    sent: &wire::TankLevel,
) -> Result<(TankDefinition, TankLevel), Rejection> {
    let level = TankLevel {
        time: take_in_instant("time", &sent.time)?,
        level_l: sent.level_l,
    };
    Ok((find_tank(park, "tank", &sent.tank)?, level))
}

/// Checks a water reading as sent.
pub fn take_in_reading(
    park: &ParkDefinition,
    sent: &wire::WaterReading,
) -> Result<(AssetId, MeteredWater), Rejection> {
    let water = MeteredWater {
        network: take_in_network(sent.network())?,
        interval: take_in_interval(
            &sent.interval_start,
            sent.interval_seconds,
            LONGEST_INTERVAL_S,
        )?,
        litres: sent.litres,
    };
    let asset = find_any_asset(park, "asset", &sent.asset)?;
    Ok((asset.id.clone(), water))
}

/// Checks a network as sent.
pub fn take_in_network(sent: wire::WaterNetwork) -> Result<WaterNetwork, Rejection> {
    network_from_wire(sent).ok_or_else(|| {
        Rejection::invalid("network", "it is not known; send SUPPLY, RECLAIMED or RAIN")
    })
}

/// Checks a flow of a tank as sent.
pub fn take_in_flow(
    park: &ParkDefinition,
    sent: &wire::TankFlowReading,
) -> Result<(AssetId, wire::TankFlowMeteredV1), Rejection> {
    let tank = find_tank(park, "tank", &sent.tank)?;
    if sent.flow() == wire::TankFlow::Unspecified {
        return Err(Rejection::invalid(
            "flow",
            "it is not known; send RAIN_IN, RECLAIMED_IN, SUPPLY_IN or SPILL_OUT",
        ));
    }
    let interval = take_in_interval(
        &sent.interval_start,
        sent.interval_seconds,
        LONGEST_INTERVAL_S,
    )?;
    let flow = wire::TankFlowMeteredV1 {
        tank: tank.id.to_string(),
        flow: sent.flow,
        interval_start_s: interval.start.0,
        interval_seconds: interval.seconds,
        litres: sent.litres,
    };
    Ok((tank.id, flow))
}

/// Checks a sample as sent; its class is worked out later.
pub fn take_in_sample(
    park: &ParkDefinition,
    sent: &wire::QualitySample,
) -> Result<(AssetId, wire::WaterQualitySampledV1), Rejection> {
    let tank = find_tank(park, "tank", &sent.tank)?;
    let sample = wire::WaterQualitySampledV1 {
        tank: tank.id.to_string(),
        sample: take_in_token("sample", &sent.sample)?.to_string(),
        time_s: take_in_instant("time", &sent.time)?.0,
        ph_milli: sent.ph_milli,
        turbidity_mntu: sent.turbidity_mntu,
        cod_ug_per_l: sent.cod_ug_per_l,
        ammonia_n_ug_per_l: sent.ammonia_n_ug_per_l,
        class: wire::WaterQualityClass::Unspecified.into(),
        fit_for_irrigation: false,
        evidence_sha256: take_in_evidence("evidence_sha256", &sent.evidence_sha256)?,
    };
    Ok((tank.id, sample))
}

#[cfg(test)]
mod tests;
