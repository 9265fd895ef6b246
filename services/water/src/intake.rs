//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use terrarium_journal::{Rejection, take_in_instant};
use terrarium_model::{AssetId, AssetParameters, Interval, ParkDefinition};
use terrarium_proto::water::v1 as wire;

use crate::domain::{MeteredWater, TankLevel};
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
    let (id, parameters) = find_asset(park, field, id)?;
    match parameters {
        AssetParameters::Tank {
            capacity_l,
            reserve_l,
            ..
        } => Ok(TankDefinition {
            id: id.clone(),
            capacity_l: *capacity_l,
            reserve_l: *reserve_l,
        }),
        _ => Err(Rejection::invalid(
            field,
            format!(
                "{id} of park {} is no tank; name an asset of kind tank",
                park.id
            ),
        )),
    }
}

/// Finds an irrigation zone and the tank it draws from.
pub fn find_irrigation_zone(
    park: &ParkDefinition,
    id: &str,
) -> Result<(AssetId, TankDefinition), Rejection> {
    let (id, parameters) = find_asset(park, "zone", id)?;
    match parameters {
        AssetParameters::IrrigationZone { tank, .. } => {
            Ok((id.clone(), find_tank(park, "zone", tank.as_str())?))
        }
        _ => Err(Rejection::invalid(
            "zone",
            format!(
                "{id} of park {} is no irrigation zone; name an asset of kind irrigation_zone",
                park.id
            ),
        )),
    }
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
    let (asset, _) = find_asset(park, "asset", &sent.asset)?;
    let network = network_from_wire(sent.network()).ok_or_else(|| {
        Rejection::invalid("network", "it is not known; send SUPPLY, RECLAIMED or RAIN")
    })?;
    if !(1..=LONGEST_INTERVAL_S).contains(&sent.interval_seconds) {
        return Err(Rejection::invalid(
            "interval_seconds",
            format!(
                "{} s is no interval; it must have 1 to {LONGEST_INTERVAL_S} s",
                sent.interval_seconds
            ),
        ));
    }
    let interval = Interval {
        start: take_in_instant("interval_start", &sent.interval_start)?,
        seconds: sent.interval_seconds,
    };
    let water = MeteredWater {
        network,
        interval,
        litres: sent.litres,
    };
    Ok((asset.clone(), water))
}

fn find_asset<'a>(
    park: &'a ParkDefinition,
    field: &'static str,
    id: &str,
) -> Result<(&'a AssetId, &'a AssetParameters), Rejection> {
    let id = AssetId::new(id).map_err(|error| Rejection::invalid(field, error.to_string()))?;
    match park.assets.get(&id) {
        Some(asset) => Ok((&asset.id, &asset.parameters)),
        None => Err(Rejection::invalid(
            field,
            format!(
                "park {} has no asset \"{id}\"; add it to the park definition, or correct the name",
                park.id
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    const PARK: &str = r#"
[park]
id = "demo"
name = { en = "Demo", zh = "演示" }
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "garden"
name = { en = "Garden", zh = "花园" }

[[assets]]
id = "rain-tank"
kind = "tank"
zone = "garden"
name = { en = "Rain tank", zh = "雨水箱" }
capacity_l = 20000
reserve_l = 2000
water = "rain"

[[assets]]
id = "lawn"
kind = "irrigation_zone"
zone = "garden"
name = { en = "Lawn", zh = "草坪" }
area_m2 = 400
tank = "rain-tank"

[[assets]]
id = "beds"
kind = "irrigation_zone"
zone = "garden"
name = { en = "Beds", zh = "花坛" }
area_m2 = 100
tank = "rain-tank"

[[assets]]
id = "shed"
kind = "building"
zone = "garden"
name = { en = "Shed", zh = "棚" }

[[connections]]
kind = "electric"
from = "grid"
to = "shed"

[[meters]]
id = "shed.load"
asset = "shed"
measures = "consumption"
reports = "interval"
rated_kw = 10.0
"#;

    fn park() -> ParkDefinition {
        ParkDefinition::parse(PARK, "demo.toml").expect("a good park")
    }

    #[test]
    fn a_zone_leads_to_its_tank_and_to_the_zones_beside_it() {
        let park = park();
        let (zone, tank) = find_irrigation_zone(&park, "lawn").expect("a zone");
        assert_eq!(
            (tank.id.as_str(), tank.capacity_l, tank.reserve_l),
            ("rain-tank", 20_000, 2_000)
        );
        let others: Vec<&str> = other_zones_of_tank(&park, &tank.id, &zone)
            .map(AssetId::as_str)
            .collect();
        assert_eq!(others, ["beds"]);
    }

    #[test]
    fn malformed_reports_are_refused_with_their_field() {
        let park = park();
        let good_level = wire::TankLevel {
            tank: "rain-tank".into(),
            time: "2025-08-01T06:00:00+08:00".into(),
            level_l: 5,
        };
        let good_reading = wire::WaterReading {
            asset: "lawn".into(),
            network: wire::WaterNetwork::Rain.into(),
            interval_start: "2025-08-01T06:00:00+08:00".into(),
            interval_seconds: 900,
            litres: 5,
        };
        assert!(take_in_level(&park, &good_level).is_ok());
        assert!(take_in_reading(&park, &good_reading).is_ok());
        let level = |change: fn(&mut wire::TankLevel)| {
            let mut sent = good_level.clone();
            change(&mut sent);
            take_in_level(&park, &sent).expect_err("malformed")
        };
        let reading = |change: fn(&mut wire::WaterReading)| {
            let mut sent = good_reading.clone();
            change(&mut sent);
            take_in_reading(&park, &sent).expect_err("malformed")
        };
        for (refusal, field, said) in [
            (
                level(|sent| sent.tank = "pond".into()),
                "tank",
                "has no asset \"pond\"",
            ),
            (
                level(|sent| sent.tank = "lawn".into()),
                "tank",
                "is no tank",
            ),
            (
                level(|sent| sent.time = "2025-08-01T06:00:00".into()),
                "time",
                "offset",
            ),
            (
                reading(|sent| sent.asset = "Lawn".into()),
                "asset",
                "is no asset id",
            ),
            (reading(|sent| sent.network = 0), "network", "SUPPLY"),
            (reading(|sent| sent.network = 99), "network", "SUPPLY"),
            (
                reading(|sent| sent.interval_seconds = 0),
                "interval_seconds",
                "is no interval",
            ),
            (
                reading(|sent| sent.interval_start = "now".into()),
                "interval_start",
                "RFC 3339",
            ),
            (
                find_irrigation_zone(&park, "rain-tank").expect_err("no zone"),
                "zone",
                "is no irrigation zone",
            ),
        ] {
            assert_eq!(
                (refusal.code, refusal.field),
                (RejectionCode::InvalidArgument, field),
                "{refusal}"
            );
            assert!(refusal.message.contains(said), "{refusal}");
        }
    }
}
