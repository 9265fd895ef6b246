use terrarium_journal::RejectionCode;
use terrarium_model::UnixSeconds;

use super::*;

const TIME: &str = "2025-08-01T06:00:00+08:00";

/// A park with one of each device.
fn park() -> ParkDefinition {
    let mut text = String::from(
        "[park]\nid = \"haotian\"\nname = { en = \"H\", zh = \"昊\" }\ntime_zone = \"Asia/Shanghai\"\nclock = \"simulated\"\n\
         grid_region = \"north-china\"\n\n[[zones]]\nid = \"yard\"\nname = { en = \"Yard\", zh = \"院\" }\n",
    );
    for (id, kind, lines) in [
        ("centre", "building", ""),
        ("bus", "dc_bus", "voltage_v = 750"),
        (
            "store",
            "battery",
            "rated_kw = 50\ncapacity_wh = 100000\nchemistry = \"lithium\"",
        ),
        ("station", "weather_station", ""),
        (
            "pump",
            "heat_pump",
            "rated_kw = 4\nheat_w = 12000\nheat_source = \"air\"",
        ),
        ("collectors", "solar_thermal", "area_m2 = 12"),
        ("panels", "pv", "rated_kw = 7"),
        ("shed", "load", ""),
    ] {
        text.push_str(&format!(
            "\n[[assets]]\nid = \"{id}\"\nkind = \"{kind}\"\nzone = \"yard\"\nname = {{ en = \"A\", zh = \"甲\" }}\n{lines}\n"
        ));
    }
    text.push_str(
        "\n[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"centre\"\n\n[[meters]]\nid = \"centre.load\"\n\
         asset = \"centre\"\nmeasures = \"consumption\"\nreports = \"interval\"\nrated_kw = 50\n",
    );
    ParkDefinition::parse(&text, "park.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn expect_invalid<T: std::fmt::Debug>(taken: Result<T, Rejection>, field: &str, said: &str) {
    let refusal = taken.expect_err(field);
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::InvalidArgument, field),
        "{refusal}"
    );
    assert!(refusal.message.contains(said), "{refusal}");
}

#[test]
fn a_store_is_an_asset_of_kind_battery() {
    let sent = |storage: &str, time: &str| wire::StorageState {
        storage: storage.into(),
        time: time.into(),
        ..wire::StorageState::default()
    };
    let (definition, report) = take_in_storage(&park(), &sent("store", TIME)).expect("good");
    assert_eq!(
        (definition.capacity_wh, definition.rated_w),
        (100_000, 50_000)
    );
    assert_eq!(report.time_s, 1_753_999_200);
    for (storage, time, field, said) in [
        ("panels", TIME, "storage", "no battery"),
        ("none", TIME, "storage", "has no battery \"none\""),
        ("store", "2025-08-01 06:00", "time", ""),
    ] {
        expect_invalid(take_in_storage(&park(), &sent(storage, time)), field, said);
    }
}

#[test]
fn an_observation_has_to_say_something_that_can_be() {
    let good = wire::WeatherObservation {
        station: "station".into(),
        interval_start: TIME.into(),
        interval_seconds: 600,
        air_temperature_mc: Some(-12_300),
        irradiance_w_per_m2: Some(0),
        wind_mm_per_s: Some(3_400),
        rain_um_per_h: Some(0),
        cloud_permille: Some(1_000),
    };
    let observed = take_in_weather(&park(), &good).expect("good");
    assert_eq!(observed.air_temperature_mc, Some(-12_300));
    type Change = fn(&mut wire::WeatherObservation);
    for (change, field, said) in [
        (
            (|sent| sent.air_temperature_mc = Some(61_000)) as Change,
            "air_temperature_mc",
            "check the unit",
        ),
        (
            |sent| sent.cloud_permille = Some(1_001),
            "cloud_permille",
            "0 to 1000",
        ),
        (
            |sent| sent.interval_seconds = 0,
            "interval_seconds",
            "no interval",
        ),
        (
            |sent| sent.station = "store".into(),
            "station",
            "no weather station",
        ),
        (
            |sent| {
                *sent = wire::WeatherObservation {
                    station: "station".into(),
                    interval_start: TIME.into(),
                    interval_seconds: 600,
                    ..wire::WeatherObservation::default()
                };
            },
            "air_temperature_mc",
            "says nothing",
        ),
    ] {
        let mut sent = good.clone();
        change(&mut sent);
        expect_invalid(take_in_weather(&park(), &sent), field, said);
    }
}

#[test]
fn heat_comes_from_heat_pumps_and_collectors() {
    let sent = |source: &str| wire::HeatAmount {
        source: source.into(),
        interval_start: TIME.into(),
        interval_seconds: 900,
        heat_wh: 2_000,
    };
    for (source, rated_w) in [("pump", 12_000), ("collectors", 12_000)] {
        let (rated, metered) = take_in_heat(&park(), &sent(source)).expect("good");
        assert_eq!((rated, metered.heat_wh), (Some(rated_w), 2_000));
    }
    expect_invalid(
        take_in_heat(&park(), &sent("store")),
        "source",
        "name an asset of kind heat_pump or solar_thermal",
    );
}

#[test]
fn only_what_can_keep_a_setpoint_is_asked_for_one() {
    for (device, rating) in [
        (
            "store",
            DeviceRating::Storage {
                rated_w: 50_000,
                capacity_wh: 100_000,
                stored_wh: None,
            },
        ),
        ("pump", DeviceRating::Consumer { rated_w: 4_000 }),
        ("panels", DeviceRating::Generator { rated_w: 7_000 }),
    ] {
        assert_eq!(find_device(&park(), device).expect("known").1, rating);
    }
    for device in ["centre", "station", "shed"] {
        expect_invalid(find_device(&park(), device), "device", "with a rated power");
    }
}

#[test]
fn an_island_is_a_node_a_connection_point_or_a_bus() {
    let sent = |node: &str, state: wire::IslandState, grid_failed| wire::ReportIslandRequest {
        node: node.into(),
        state: state.into(),
        time: TIME.into(),
        grid_failed,
        ..wire::ReportIslandRequest::default()
    };
    let islanded = wire::IslandState::Islanded;
    for node in ["centre", "bus"] {
        let (_, command) = take_in_island(&park(), &sent(node, islanded, true)).expect("good");
        let expected = IslandCommand::Start {
            time: UnixSeconds(1_753_999_200),
            grid_failed: true,
        };
        assert_eq!(command, expected);
    }
    expect_invalid(
        take_in_island(&park(), &sent("store", islanded, false)),
        "node",
        "what the grid connects to",
    );
    expect_invalid(
        take_in_island(&park(), &sent("bus", wire::IslandState::Connected, true)),
        "grid_failed",
        "connected again",
    );
    expect_invalid(
        take_in_island(&park(), &sent("bus", wire::IslandState::Unspecified, false)),
        "state",
        "ISLANDED or CONNECTED",
    );
}
