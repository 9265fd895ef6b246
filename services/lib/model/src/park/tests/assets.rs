//! Kinds of assets and their parameters.

use super::super::*;
use super::{GOOD, good_with, parse, problems};
use crate::AssetId;

/// An asset of the good park's street, with lines for its parameters.
fn asset_of(kind: &str, id: &str, lines: &str) -> String {
    format!(
        "[[assets]]\nid = '{id}'\nkind = '{kind}'\nzone = 'street'\nname = {{ en = 'A', zh = '甲' }}\n{lines}\n"
    )
}

const TANK: &str = "capacity_l = 20000\nreserve_l = 2000\nwater = 'rain'";

fn parameters_of(kind: &str, lines: &str) -> AssetParameters {
    let text = good_with(&(asset_of("tank", "tank-1", TANK) + &asset_of(kind, "a", lines)));
    let park = parse(&text).unwrap_or_else(|errors| panic!("{kind}: {errors}"));
    park.assets["a"].parameters.clone()
}

/// The problems of the good park with a tank and one more asset.
fn problems_of(kind: &str, lines: &str) -> String {
    problems(&good_with(
        &(asset_of("tank", "tank-1", TANK) + &asset_of(kind, "a", lines)),
    ))
}

#[test]
fn every_kind_is_read_with_its_parameters() {
    let tank = AssetId::new("tank-1").unwrap();
    let expected = [
        (
            "building",
            "height_m = 12",
            AssetParameters::Building { height_m: 12 },
        ),
        (
            "pv",
            "rated_kw = 7\ntilt_deg = 10\nazimuth_deg = 170",
            AssetParameters::Pv {
                tilt_deg: 10,
                azimuth_deg: 170,
            },
        ),
        (
            "wind",
            "rated_kw = 2500\nhub_height_m = 90\nrotor_m = 121",
            AssetParameters::Wind {
                hub_height_m: 90,
                rotor_m: 121,
            },
        ),
        (
            "battery",
            "rated_kw = 50\ncapacity_wh = 100000\nchemistry = 'flow'",
            AssetParameters::Battery {
                capacity_wh: 100_000,
                chemistry: Chemistry::Flow,
            },
        ),
        (
            "charger",
            "rated_kw = 30\nbidirectional = true",
            AssetParameters::Charger {
                bidirectional: true,
            },
        ),
        (
            "load",
            "rated_kw = 3",
            AssetParameters::Load {
                role: LoadRole::General,
            },
        ),
        (
            "load",
            "rated_kw = 3\nrole = 'shredder'",
            AssetParameters::Load {
                role: LoadRole::Shredder,
            },
        ),
        ("connection_point", "", AssetParameters::None),
        (
            "dc_bus",
            "voltage_v = 750",
            AssetParameters::DcBus { voltage_v: 750 },
        ),
        (
            "tank",
            "capacity_l = 500\nreserve_l = 0\nwater = 'reclaimed'",
            AssetParameters::Tank {
                capacity_l: 500,
                reserve_l: 0,
                water: WaterClass::Reclaimed,
            },
        ),
        (
            "irrigation_zone",
            "area_m2 = 2500\ntank = 'tank-1'",
            AssetParameters::IrrigationZone {
                area_m2: 2_500,
                tank: tank.clone(),
            },
        ),
        (
            "fixture",
            "count = 24\nwater = 'rain'\ntank = 'tank-1'",
            AssetParameters::Fixture {
                count: 24,
                water: WaterClass::Rain,
                tank: Some(tank),
            },
        ),
        (
            "fixture",
            "count = 10\nwater = 'drinking'",
            AssetParameters::Fixture {
                count: 10,
                water: WaterClass::Drinking,
                tank: None,
            },
        ),
        (
            "bin",
            "capacity_l = 240\nlimit_g = 60000\nwaste = 'residual'",
            AssetParameters::Bin {
                capacity_l: 240,
                limit_g: 60_000,
                waste: WasteStream::Residual,
            },
        ),
        (
            "compost_bay",
            "capacity_kg = 4000",
            AssetParameters::CompostBay { capacity_kg: 4_000 },
        ),
        (
            "tree_group",
            "count = 300\nspecies = 'Ginkgo biloba'",
            AssetParameters::TreeGroup {
                count: 300,
                species: "Ginkgo biloba".to_owned(),
            },
        ),
        (
            "heat_pump",
            "rated_kw = 4\nheat_w = 12000\nheat_source = 'air'",
            AssetParameters::HeatPump {
                heat_w: 12_000,
                heat_source: HeatSource::Air,
            },
        ),
        (
            "solar_thermal",
            "area_m2 = 20\ntilt_deg = 40\nazimuth_deg = 185",
            AssetParameters::SolarThermal {
                area_m2: 20,
                tilt_deg: 40,
                azimuth_deg: 185,
            },
        ),
        (
            "chiller",
            "rated_kw = 350\ncooling_w = 1750000",
            AssetParameters::Chiller {
                cooling_w: 1_750_000,
            },
        ),
        (
            "lighting",
            "rated_kw = 1.2\nlamps = 40",
            AssetParameters::Lighting { lamps: 40 },
        ),
        ("display", "rated_kw = 3", AssetParameters::None),
        ("weather_station", "", AssetParameters::None),
        ("entrance_counter", "", AssetParameters::None),
        (
            "vehicle",
            "capacity_wh = 60000",
            AssetParameters::Vehicle {
                capacity_wh: 60_000,
            },
        ),
        (
            "shuttle",
            "capacity_wh = 20000\nseats = 14",
            AssetParameters::Shuttle {
                capacity_wh: 20_000,
                seats: 14,
            },
        ),
    ];
    for (token, kind) in AssetKind::TOKENS {
        assert!(
            expected.iter().any(|(expected, _, _)| expected == token),
            "kind {kind} is not tested"
        );
    }
    for (kind, lines, parameters) in expected {
        assert_eq!(parameters_of(kind, lines), parameters, "{kind}");
    }
}

#[test]
fn a_missing_parameter_is_told_for_each_that_its_kind_needs() {
    let needed = [
        ("pv", "rated_kw"),
        ("wind", "rated_kw"),
        ("battery", "rated_kw capacity_wh chemistry"),
        ("charger", "rated_kw"),
        ("dc_bus", "voltage_v"),
        ("tank", "capacity_l reserve_l water"),
        ("irrigation_zone", "area_m2 tank"),
        ("fixture", "count water"),
        ("bin", "capacity_l limit_g waste"),
        ("compost_bay", "capacity_kg"),
        ("tree_group", "count species"),
        ("heat_pump", "rated_kw heat_w heat_source"),
        ("solar_thermal", "area_m2"),
        ("chiller", "rated_kw cooling_w"),
        ("lighting", "rated_kw lamps"),
        ("display", "rated_kw"),
        ("vehicle", "capacity_wh"),
        ("shuttle", "capacity_wh seats"),
    ];
    for (kind, keys) in needed {
        let found = problems_of(kind, "");
        for key in keys.split(' ') {
            assert!(
                found.contains(&format!(
                    "[[assets]] \"a\" of kind \"{kind}\" has no key \"{key}\"; write {key} = "
                )),
                "{found}"
            );
        }
        assert_eq!(found.lines().count(), keys.split(' ').count(), "{found}");
    }
    let found = problems_of("tank", "capacity_l = 500\nreserve_l = 0");
    let line = good_with(&asset_of("tank", "tank-1", TANK)).lines().count() + 1;
    assert_eq!(
        found,
        format!(
            "x.toml:{line}:1: [[assets]] \"a\" of kind \"tank\" has no key \"water\"; write water = one of \"rain\", \
             \"reclaimed\", \"drinking\""
        )
    );
}

#[test]
fn a_key_of_another_kind_is_told_with_those_of_this_kind() {
    let found = problems_of(
        "bin",
        "capacity_l = 240\nlimit_g = 9\nwaste = 'garden'\nchemistry = 'flow'",
    );
    assert!(
        found.contains("[[assets]] \"a\" has an unknown key \"chemistry\"; leave it out; known keys are \"id\", "),
        "{found}"
    );
    assert!(
        found.ends_with("\"capacity_l\", \"limit_g\", \"waste\""),
        "{found}"
    );
    let found = problems_of("tank", "capacity_1 = 500\nreserve_l = 0\nwater = 'rain'");
    assert!(
        found.contains("unknown key \"capacity_1\"; did you mean \"capacity_l\"?"),
        "{found}"
    );
}

#[test]
fn a_figure_out_of_range_or_of_the_wrong_type_is_told_with_its_bounds() {
    for (kind, lines, expected) in [
        (
            "dc_bus",
            "voltage_v = 0",
            "voltage_v = 0 is out of range; write voltage_v = a whole number from 1 to 100000",
        ),
        (
            "compost_bay",
            "capacity_kg = -5",
            "capacity_kg = -5 is out of range",
        ),
        (
            "compost_bay",
            "capacity_kg = 99999999999999999999",
            "99999999999999999999",
        ),
        (
            "compost_bay",
            "capacity_kg = 40.5",
            "capacity_kg is of type float; write capacity_kg = a whole number",
        ),
        (
            "compost_bay",
            "capacity_kg = '40'",
            "capacity_kg is of type string; write capacity_kg = a whole number",
        ),
        (
            "pv",
            "rated_kw = 7\ntilt_deg = 91",
            "tilt_deg = 91 is out of range; write tilt_deg = a whole number from 0 to 90",
        ),
        (
            "pv",
            "rated_kw = 7\nazimuth_deg = 360",
            "azimuth_deg = 360 is out of range",
        ),
        (
            "charger",
            "rated_kw = 7\nbidirectional = 'yes'",
            "bidirectional is of type string; write bidirectional = true or",
        ),
        (
            "tree_group",
            "count = 0\nspecies = 'Ginkgo biloba'",
            "count = 0 is out of range",
        ),
        ("tree_group", "count = 1\nspecies = ''", "species is empty"),
        (
            "tank",
            "capacity_l = 500\nreserve_l = 501\nwater = 'rain'",
            "reserve_l = 501 is more than the tank holds (500 l); write a reserve of at most capacity_l",
        ),
        (
            "tank",
            "capacity_l = 500\nreserve_l = 1\nwater = 'ran'",
            "water = \"ran\" is not known; did you mean \"rain\"?",
        ),
        (
            "bin",
            "capacity_l = 5\nlimit_g = 1\nwaste = 'glass'",
            "waste = \"glass\" is not known; write one of \"recyclable\"",
        ),
    ] {
        let found = problems_of(kind, lines);
        assert!(found.contains(expected), "{kind}: {found}");
        assert_eq!(
            found.lines().count(),
            1,
            "one mistake is told once: {found}"
        );
    }
}

#[test]
fn a_tank_that_is_none_or_not_there_is_told() {
    let found = problems_of("irrigation_zone", "area_m2 = 5\ntank = 'home-01'");
    assert!(
        found.contains(
            ":8: tank = \"home-01\" is an asset of kind \"building\", not \"tank\"; write one of \"tank-1\""
        ),
        "{found}"
    );
    let found = problems_of("fixture", "count = 5\nwater = 'rain'\ntank = 'tank-2'");
    assert!(
        found.contains(":8: there is no asset \"tank-2\"; did you mean \"tank-1\"?"),
        "{found}"
    );
    let found = problems_of("irrigation_zone", "area_m2 = 5\ntank = 'Tank 2'");
    assert!(found.contains("there is no asset \"Tank 2\""), "{found}");
    let alone = asset_of("irrigation_zone", "a", "area_m2 = 5\ntank = 'home-01'");
    let found = problems(&good_with(&alone));
    assert!(
        found.contains("add an asset of kind \"tank\", and write its id"),
        "{found}"
    );
}

#[test]
fn figures_without_source_are_those_listed_and_those_left_to_their_default() {
    let roof = GOOD.replacen(
        "rated_kw = 4.0",
        "rated_kw = 4.0\nazimuth_deg = 190\nassumed = ['rated_kw']",
        1,
    );
    let park = parse(&roof).unwrap();
    let pv = &park.assets["home-01.pv"];
    assert_eq!(
        pv.parameters,
        AssetParameters::Pv {
            tilt_deg: 30,
            azimuth_deg: 190
        }
    );
    assert_eq!(pv.assumed, ["rated_kw", "tilt_deg"]);
    assert_eq!(pv.source, None);
    let found = problems_of("load", "rated_kw = 2\nassumed = ['rated_kv', 'tilt_deg']");
    assert!(
        found.contains("assumed names \"rated_kv\", which [[assets]] \"a\" does not have; did you mean \"rated_kw\"?"),
        "{found}"
    );
    assert!(
        found.contains("assumed names \"tilt_deg\", which [[assets]] \"a\" does not have; write keys that this asset has: "),
        "{found}"
    );
    let found = problems_of("load", "rated_kw = 2\nassumed = 'rated_kw'");
    assert!(
        found.contains("assumed is of type string; write a list of keys"),
        "{found}"
    );
    let sourced = good_with(&asset_of("load", "a", "rated_kw = 2\nsource = 'nameplate'"));
    assert_eq!(
        parse(&sourced).unwrap().assets["a"].source.as_deref(),
        Some("nameplate")
    );
}

#[test]
fn an_asset_of_unknown_kind_is_told_once_whatever_its_keys() {
    let found = problems_of("fountain", "jets = 5");
    assert!(
        found.contains("kind = \"fountain\" is not known; write one of \"building\""),
        "{found}"
    );
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn water_and_waste_lines_lead_nowhere_for_the_energy_balance() {
    let line = |kind: &str, from: &str, to: &str| {
        format!("[[connections]]\nkind = '{kind}'\nfrom = '{from}'\nto = '{to}'\n")
    };
    let tanks = asset_of("tank", "t1", TANK) + &asset_of("tank", "t2", TANK);
    let round = tanks.clone()
        + &line("water", "t1", "t2")
        + &line("water", "t2", "t1")
        + &line("water", "home-01.pv", "t1")
        + &line("heat", "home-01.pv", "home-01");
    let park = parse(&good_with(&round)).unwrap();
    assert_eq!(park.connections.last().unwrap().kind, ConnectionKind::Heat);
    assert_eq!(park.nodes.len(), 1);
    let found = problems(&good_with(&(tanks.clone() + &line("water", "grid", "t1"))));
    assert!(
        found.contains(
            "a connection of kind \"water\" starts at \"grid\", the public electric grid"
        ),
        "{found}"
    );
    let twice = tanks + &line("water", "t1", "t2") + &line("water", "t1", "t2");
    let found = problems(&good_with(&twice));
    assert!(
        found.contains("this connection is written twice; leave one out"),
        "{found}"
    );
}
