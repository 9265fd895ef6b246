use terrarium_model::SunPosition;

use super::*;
use crate::physics::sky::Irradiance;

const FLAT: Plane = Plane {
    tilt_deg: 0.0,
    azimuth_deg: 180.0,
};

/// A clear noon as cold as ice.
const CLEAR_NOON: WeatherStep = WeatherStep {
    sun: SunPosition {
        azimuth_deg: 180.0,
        zenith_deg: 40.0,
    },
    extraterrestrial: 1_361.0,
    sky: Irradiance {
        ghi: 700.0,
        dni: 780.0,
        dhi: 100.0,
    },
    air_c: 0.0,
    wind_m_s: 2.0,
    pressure_pa: 101_325.0,
    vapour_kpa: 0.4,
    rain_mm: 0.0,
    cloud: 0.0,
};

const NOON: LocalTime = LocalTime {
    day: 20_100,
    second_of_day: 12 * 3_600,
};

fn source(id: &str, what: SourceKind) -> Source {
    Source {
        id: AssetId::new(id).expect("valid"),
        what,
        register: Register::default(),
        given_wh: 0,
        network: Some(0),
        meter: None,
    }
}

fn pump(id: &str, heat_w: f64) -> Source {
    let is_ground = false;
    source(id, SourceKind::Pump { heat_w, is_ground })
}

fn collectors(area_m2: f64) -> Source {
    let plane = FLAT;
    source("collectors", SourceKind::Collectors { area_m2, plane })
}

/// What each source of one network gives in an hour at noon, Wh.
fn given_wh(sources: Vec<Source>) -> Vec<i64> {
    let network = Network {
        carrier: Carrier::Heat,
        lines: Vec::new(),
        users: Vec::new(),
        losses: Register::default(),
        balance: ThermalBalance::default(),
    };
    let mut thermal = Thermal {
        sources,
        networks: vec![network],
    };
    thermal.warm(&CLEAR_NOON, NOON, 1.0, &PumpLimits::new());
    let given = thermal.sources.iter().map(|source| source.given_wh);
    given.collect()
}

/// What the buildings of a heat pump need at noon, W.
fn need_at_noon_w(heat_w: f64) -> f64 {
    need_w(&pump("pump", heat_w), CLEAR_NOON.air_c, NOON)
}

fn from_sun_w(area_m2: f64) -> f64 {
    let in_plane = irradiance_in(FLAT, &CLEAR_NOON);
    heat::flat_plate_w(area_m2, in_plane, HEATING_C - CLEAR_NOON.air_c)
}

/// Registers cut each source's part to whole Wh.
fn assert_near(given_wh: i64, expected_wh: f64) {
    let off = given_wh as f64 - expected_wh;
    assert!(off.abs() <= 2.0, "{given_wh} is not {expected_wh} Wh");
}

#[test]
fn the_sun_gives_first_and_the_heat_pump_what_is_left_of_the_need() {
    let given = given_wh(vec![pump("pump", 10_000.0), collectors(10.0)]);
    let (need_w, sun_w) = (need_at_noon_w(10_000.0), from_sun_w(10.0));
    assert!(sun_w > 1_000.0 && sun_w < need_w, "{sun_w} of {need_w} W");
    assert_near(given[0], need_w - sun_w);
    assert_near(given[1], sun_w);
}

#[test]
fn the_suns_heat_is_spared_once_however_many_heat_pumps_a_network_has() {
    let pumps = [20_000.0, 10_000.0];
    let given = given_wh(vec![
        collectors(20.0),
        pump("large", pumps[0]),
        pump("small", pumps[1]),
    ]);
    let needs_w = pumps.map(need_at_noon_w);
    let need_w: f64 = needs_w.iter().sum();
    assert_near(given.iter().sum(), need_w);
    let left = 1.0 - from_sun_w(20.0) / need_w;
    assert!((0.1..0.9).contains(&left), "{left}");
    assert_near(given[1], needs_w[0] * left);
    assert_near(given[2], needs_w[1] * left);
}

#[test]
fn collectors_stand_still_when_nobody_takes_more_and_give_all_where_nobody_knows_the_need() {
    let given = given_wh(vec![collectors(500.0), pump("pump", 10_000.0)]);
    let need_w = need_at_noon_w(10_000.0);
    assert!(from_sun_w(500.0) > 2.0 * need_w);
    assert_near(given[0], need_w);
    assert_eq!(given[1], 0);
    let alone = given_wh(vec![collectors(500.0)]);
    assert_near(alone[0], from_sun_w(500.0));
}

#[test]
fn two_fields_of_collectors_share_the_need() {
    let mut second = collectors(500.0);
    second.id = AssetId::new("collectors-2").expect("valid");
    let given = given_wh(vec![collectors(12.0), second, pump("pump", 10_000.0)]);
    assert_near(given[0], from_sun_w(12.0));
    assert_near(given[0] + given[1], need_at_noon_w(10_000.0));
    assert_eq!(given[2], 0);
}
