//! Whatever a park is made of and whatever its weather: electricity, stores, heat, cold, water, waste and compost balance to the unit in
//! every interval.

use std::fmt::Write;

use proptest::prelude::*;
use terrarium_model::{AssetId, ParkDefinition, UnixSeconds};
use terrarium_simulator::park::{
    Balance, Fact, Keep, Kept, ParkSimulation, SimulationOptions, Step,
};
use terrarium_simulator::weather::{Location, Weather};

#[derive(Debug, Clone)]
struct Shape {
    pv_kw: Vec<u32>,
    wind_kw: Option<u32>,
    batteries: Vec<(u32, u32, &'static str)>,
    chargers: Vec<(u32, bool)>,
    building_kw: u32,
    /// kW of heat, whether from the ground, m2 of collectors, W that each line loses, and kW of cold.
    heat: Option<(u32, bool, u32, u32)>,
    cold: Option<(u32, u32)>,
    has_annex: bool,
    tanks: Vec<(u32, &'static str)>,
    zone_m2: u32,
    bins: Vec<u32>,
    has_bay: bool,
    has_fleet: bool,
    /// What devices are asked to keep: every so many steps one of them something.
    asks: Vec<(usize, u8, i64)>,
    seed: u64,
    start_day: i64,
    interval_s: u32,
}

fn shape() -> impl Strategy<Value = Shape> {
    let chemistry = prop_oneof![Just("lithium"), Just("flow"), Just("supercapacitor")];
    let water = prop_oneof![Just("rain"), Just("reclaimed")];
    let electric = (
        prop::collection::vec(1..200_u32, 0..4),
        prop::option::of(10..3_000_u32),
        prop::collection::vec((1..500_u32, 1..900_u32, chemistry), 0..3),
        prop::collection::vec((7..120_u32, any::<bool>()), 0..4),
        1..900_u32,
    );
    let thermal = (
        prop::option::of((1..600_u32, any::<bool>(), 0..900_u32, 0..9_000_u32)),
        prop::option::of((1..2_000_u32, 0..9_000_u32)),
        any::<bool>(),
    );
    let rest = (
        prop::collection::vec((1..400_u32, water), 1..4),
        10..20_000_u32,
        prop::collection::vec(60..1_000_u32, 0..5),
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec((0..1_400_usize, any::<u8>(), 0..200_000_i64), 0..8),
    );
    let run = (
        any::<u64>(),
        0..3_000_i64,
        prop_oneof![Just(300), Just(900), Just(3_600)],
    );
    (electric, thermal, rest, run).prop_map(|(electric, thermal, rest, run)| Shape {
        heat: thermal.0,
        cold: thermal.1,
        has_annex: thermal.2,
        pv_kw: electric.0,
        wind_kw: electric.1,
        batteries: electric.2,
        chargers: electric.3,
        building_kw: electric.4,
        tanks: rest.0,
        zone_m2: rest.1,
        bins: rest.2,
        has_bay: rest.3,
        has_fleet: rest.4,
        asks: rest.5,
        seed: run.0,
        start_day: run.1,
        interval_s: run.2,
    })
}

fn definition(shape: &Shape) -> String {
    let mut toml = String::from(
        "[park]\nid = \"random\"\nname = { en = \"Random\", zh = \"随机\" }\ntime_zone = \"Asia/Shanghai\"\nclock = \"simulated\"\n\
         grid_region = \"north-china\"\n[site]\nlatitude = \"39.73\"\nlongitude = \"116.14\"\n\
         [[zones]]\nid = \"all\"\nname = { en = \"All\", zh = \"全园\" }\n",
    );
    let mut electric: Vec<String> = Vec::new();
    let mut asset = |id: &str, kind: &str, parameters: String| {
        writeln!(
            toml,
            "[[assets]]\nid = \"{id}\"\nkind = \"{kind}\"\nzone = \"all\"\nname = {{ en = \"{id}\", zh = \"{id}\" }}\n{parameters}"
        )
        .unwrap();
        let is_electric = [
            "pv",
            "wind",
            "battery",
            "charger",
            "building",
            "heat_pump",
            "chiller",
        ];
        if is_electric.contains(&kind) {
            electric.push(id.to_owned());
        }
    };
    asset("gate", "connection_point", String::new());
    asset(
        "house",
        "building",
        format!("rated_kw = {}.0", shape.building_kw),
    );
    for (place, kw) in shape.pv_kw.iter().enumerate() {
        asset(
            &format!("pv-{place}"),
            "pv",
            format!("rated_kw = {kw}.0\ntilt_deg = 20\nazimuth_deg = 170"),
        );
    }
    if let Some(kw) = shape.wind_kw {
        asset(
            "wind",
            "wind",
            format!("rated_kw = {kw}.0\nhub_height_m = 80\nrotor_m = 90"),
        );
    }
    for (place, (kw, kwh, chemistry)) in shape.batteries.iter().enumerate() {
        asset(
            &format!("battery-{place}"),
            "battery",
            format!(
                "rated_kw = {kw}.0\ncapacity_wh = {}\nchemistry = \"{chemistry}\"",
                kwh * 1_000
            ),
        );
    }
    for (place, (kw, both_ways)) in shape.chargers.iter().enumerate() {
        asset(
            &format!("charger-{place}"),
            "charger",
            format!("rated_kw = {kw}.0\nbidirectional = {both_ways}"),
        );
    }
    for (place, (m3, water)) in shape.tanks.iter().enumerate() {
        asset(
            &format!("tank-{place}"),
            "tank",
            format!(
                "capacity_l = {}\nreserve_l = {}\nwater = \"{water}\"",
                m3 * 1_000,
                m3 * 50
            ),
        );
    }
    asset(
        "taps",
        "fixture",
        "count = 10\nwater = \"drinking\"".to_owned(),
    );
    asset(
        "toilets",
        "fixture",
        format!(
            "count = 10\nwater = \"{}\"\ntank = \"tank-0\"",
            shape.tanks[0].1
        ),
    );
    asset(
        "green",
        "irrigation_zone",
        format!("area_m2 = {}\ntank = \"tank-0\"", shape.zone_m2),
    );
    for (place, litres) in shape.bins.iter().enumerate() {
        let stream = ["residual", "recyclable"][place % 2];
        asset(
            &format!("bin-{place}"),
            "bin",
            format!("capacity_l = {litres}\nlimit_g = 50000\nwaste = \"{stream}\""),
        );
    }
    if shape.has_fleet {
        asset("cart", "vehicle", "capacity_wh = 9600".to_owned());
        asset(
            "bus",
            "shuttle",
            "capacity_wh = 20000\nseats = 14".to_owned(),
        );
    }
    if shape.has_bay {
        asset("bay", "compost_bay", "capacity_kg = 2000".to_owned());
    }
    asset(
        "oaks",
        "tree_group",
        "count = 50\nspecies = \"Quercus variabilis\"".to_owned(),
    );
    add_thermal_assets(shape, &mut asset);
    let mut connect = |kind: &str, from: &str, to: &str| {
        writeln!(
            toml,
            "[[connections]]\nkind = \"{kind}\"\nfrom = \"{from}\"\nto = \"{to}\""
        )
        .unwrap();
    };
    connect("electric", "grid", "gate");
    for id in &electric {
        connect("electric", id, "gate");
    }
    connect("water", "house", "tank-0");
    if shape.tanks.len() > 1 {
        connect("water", "tank-0", "tank-1");
    }
    add_networks(shape, &mut toml);
    for (id, measures) in [("import", "grid_import"), ("export", "grid_export")] {
        writeln!(
            toml,
            "[[meters]]\nid = \"{id}\"\nasset = \"gate\"\nmeasures = \"{measures}\"\nreports = \"interval\"\nrated_kw = 9000.0"
        )
        .unwrap();
    }
    toml
}

fn add_thermal_assets(shape: &Shape, asset: &mut impl FnMut(&str, &str, String)) {
    if shape.has_annex {
        asset(
            "annex",
            "building",
            "rated_kw = 20.0\nat = [10, 10]\nsize = [30, 7, 4]".to_owned(),
        );
    }
    if let Some((kw, is_ground, collectors_m2, _)) = shape.heat {
        let from = if is_ground { "ground" } else { "air" };
        let electric_kw = f64::from(kw) / 3.0;
        asset(
            "pump",
            "heat_pump",
            format!(
                "rated_kw = {electric_kw:.1}\nheat_w = {}\nheat_source = \"{from}\"",
                kw * 1_000
            ),
        );
        if collectors_m2 > 0 {
            asset(
                "collectors",
                "solar_thermal",
                format!("area_m2 = {collectors_m2}"),
            );
        }
    }
    if let Some((kw, _)) = shape.cold {
        let electric_kw = f64::from(kw) / 4.0 + 0.1;
        asset(
            "chiller",
            "chiller",
            format!("rated_kw = {electric_kw:.1}\ncooling_w = {}", kw * 1_000),
        );
    }
}

/// Lines of heat and cold from every source to every building, and a meter at both ends.
fn add_networks(shape: &Shape, toml: &mut String) {
    let mut users = vec!["house"];
    users.extend(shape.has_annex.then_some("annex"));
    let mut sources = Vec::new();
    if let Some((_, _, collectors_m2, loss_w)) = shape.heat {
        sources.push(("heat", "pump", loss_w));
        sources.extend((collectors_m2 > 0).then_some(("heat", "collectors", loss_w)));
    }
    sources.extend(shape.cold.map(|(_, loss_w)| ("cold", "chiller", loss_w)));
    let mut meter = |carrier: &str, side: &str, asset: &str| {
        writeln!(
            toml,
            "[[meters]]\nid = \"{asset}.{carrier}\"\nasset = \"{asset}\"\nmeasures = \"{carrier}_{side}\"\n\
             reports = \"interval\"\nrated_kw = 9000.0"
        )
        .unwrap();
    };
    for (carrier, source, _) in &sources {
        meter(carrier, "supply", source);
    }
    for carrier in ["heat", "cold"] {
        if sources.iter().any(|(of, ..)| *of == carrier) {
            users.iter().for_each(|user| meter(carrier, "use", user));
        }
    }
    for (carrier, source, loss_w) in &sources {
        for user in &users {
            writeln!(
                toml,
                "[[connections]]\nkind = \"{carrier}\"\nfrom = \"{source}\"\nto = \"{user}\"\nloss_w = {loss_w}"
            )
            .unwrap();
        }
    }
}

/// Somebody asks a device for something, at the end of the last step.
fn ask(what: u8, value: i64, since: UnixSeconds) -> Kept {
    let (device, what, value) = match what % 8 {
        0 => ("battery-0", Keep::ChargeLimitW, value),
        1 => ("battery-0", Keep::ReserveWh, value),
        2 => ("battery-0", Keep::StoragePowerW, value - 100_000),
        3 => ("house", Keep::ConsumptionLimitW, value),
        4 => ("pv-0", Keep::GenerationLimitW, value),
        5 => ("pump", Keep::ConsumptionLimitW, value / 4),
        6 => ("chiller", Keep::ConsumptionLimitW, value / 4),
        _ => ("charger-0", Keep::ChargePowerW, value - 100_000),
    };
    Kept {
        device: AssetId::new(device).unwrap(),
        what,
        value,
        since,
    }
}

fn check(before: &Balance, after: &Balance) -> Result<(), TestCaseError> {
    let mut charged_wh = 0;
    for node in &after.nodes {
        prop_assert_eq!(node.open_wh(), 0);
        prop_assert!(node.imported_wh == 0 || node.exported_wh == 0);
        charged_wh += node.charged_wh - node.discharged_wh;
    }
    prop_assert_eq!(
        after.stored_wh,
        before.stored_wh + charged_wh - after.store_losses_wh
    );
    for network in &after.thermal {
        prop_assert_eq!(network.open_wh(), 0);
        prop_assert!(network.lost_wh >= 0 && network.used_wh >= 0, "{network:?}");
    }
    let water = after.water;
    prop_assert_eq!(
        after.stored_l,
        before.stored_l + water.caught_l + water.from_main_l + water.supply_l
            - water.used_l
            - water.spilled_l
    );
    let waste = after.waste;
    prop_assert_eq!(
        after.binned_g,
        before.binned_g + waste.thrown_g - waste.littered_g - waste.collected_g
    );
    let compost = after.compost;
    prop_assert_eq!(
        after.heaped_g,
        before.heaped_g + compost.fed_g - compost.product_g - compost.rotted_g
    );
    prop_assert_eq!(
        after.in_fleet_wh,
        before.in_fleet_wh + after.to_fleet_wh - after.driven_wh
    );
    prop_assert!(compost.rotted_g >= 0);
    Ok(())
}

/// What meters of heat and cold report is what flowed: supply, less use, is what the lines lost.
fn check_meters(park: &ParkDefinition, step: &Step, after: &Balance) -> Result<(), TestCaseError> {
    for (network, balance) in park.thermal_networks.values().zip(&after.thermal) {
        prop_assert!(network.is_metered);
        let (mut supplied_wh, mut used_wh) = (0, 0);
        for fact in &step.facts {
            if let Fact::EnergyMetered {
                meter, energy_wh, ..
            } = fact
                && network.meters.contains(meter)
            {
                match park.meters[meter.as_str()].measures.is_thermal_supply() {
                    true => supplied_wh += energy_wh,
                    false => used_wh += energy_wh,
                }
            }
        }
        prop_assert_eq!((supplied_wh, used_wh), (balance.given_wh, balance.used_wh));
        prop_assert_eq!(supplied_wh - used_wh, balance.lost_wh);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn everything_balances_in_every_interval(shape in shape()) {
        let park = ParkDefinition::parse(&definition(&shape), "random.toml")
            .map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        let start = UnixSeconds(1_577_836_800 + shape.start_day * 86_400);
        let location = Location::of_site(park.site.as_ref().unwrap(), park.time_zone.clone());
        let options = SimulationOptions::new(shape.seed, start, shape.interval_s);
        let weather = Weather::generated(location, shape.seed);
        let mut simulation = ParkSimulation::new(&park, weather, &options).unwrap();
        let mut before = simulation.balance();
        for step in 0..1_500 {
            for (_, what, value) in shape.asks.iter().filter(|(at, ..)| *at == step) {
                simulation.keep(ask(*what, *value, simulation.next_start()));
            }
            let step = simulation.step();
            let after = simulation.balance();
            check(&before, &after)?;
            check_meters(&park, &step, &after)?;
            before = after;
        }
    }
}
