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
            "has no tank \"pond\"",
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
