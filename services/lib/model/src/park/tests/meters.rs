//! What a meter may say beside what it measures: its accuracy, its digits, and that stores are metered both ways.

use super::*;

const STORE: &str = "[[assets]]\nid = 'store'\nkind = 'battery'\nzone = 'street'\nname = { en = 'B', zh = '乙' }\nrated_kw = 5\n\
                     capacity_wh = 10000\nchemistry = 'lithium'\n";

fn with_store(meters: &str) -> String {
    good_with(&(STORE.to_owned() + &connection("store", "home-01") + meters))
}

#[test]
fn a_store_metered_both_ways_makes_its_node_one_with_storage() {
    let text = with_store(
        &(meter("store.in", "store", "storage_charge")
            + &meter("store.out", "store", "storage_discharge")),
    );
    let park = parse(&text).unwrap();
    assert!(park.nodes["home-01"].has_storage_meters);
    assert_eq!(park.meters["store.in"].measures, Measures::StorageCharge);
    assert_eq!(park.nodes["home-01"].metering, NodeMetering::Consumption);
}

#[test]
fn a_store_metered_one_way_only_is_told() {
    for (there, missing) in [
        ("storage_charge", "storage_discharge"),
        ("storage_discharge", "storage_charge"),
    ] {
        let found = problems(&with_store(&meter("store.m", "store", there)));
        assert!(
            found.contains(&format!(
                "asset \"store\" has its \"{there}\" metered, but not its \"{missing}\"; write [[meters]] with measures = \
                 \"{missing}\" on it too"
            )),
            "{found}"
        );
    }
}

#[test]
fn what_stores_nothing_has_no_storage_meters() {
    let text = good_with(
        &(meter("a.in", "home-01", "storage_charge")
            + &meter("a.out", "home-01", "storage_discharge")),
    );
    let found = problems(&text);
    assert!(
        found.contains("\"storage_charge\" of an asset of kind \"building\", which stores nothing"),
        "{found}"
    );
}

#[test]
fn a_meter_may_have_an_accuracy_class_and_a_register_digits() {
    let text = GOOD.replacen(
        "reports = \"register\"",
        "reports = \"register\"\naccuracy = \"0.5S\"\nregister_digits = 6",
        1,
    );
    let park = parse(&text).unwrap();
    let meter = &park.meters["home-01.pv"];
    assert_eq!(meter.accuracy, Some(AccuracyClass::Class05S));
    assert_eq!(
        meter.accuracy.map(AccuracyClass::error_limit_permille),
        Some(5)
    );
    assert_eq!(meter.register_wraps_at_wh(), Some(1_000_000_000));
    let plain = parse(GOOD).unwrap();
    assert_eq!(plain.meters["home-01.pv"].accuracy, None);
    assert_eq!(plain.meters["home-01.pv"].register_wraps_at_wh(), None);
}

#[test]
fn unknown_classes_and_digits_of_an_interval_meter_are_told() {
    let found = problems_with(
        "reports = \"interval\"",
        "reports = \"interval\"\naccuracy = \"0.7\"\nregister_digits = 6",
    );
    assert!(found.contains("accuracy = \"0.7\" is not known"), "{found}");
    assert!(
        found.contains("has register_digits, but reports intervals; leave it out, or write reports = \"register\""),
        "{found}"
    );
    let found = problems_with(
        "reports = \"register\"",
        "reports = \"register\"\nregister_digits = 40",
    );
    assert!(
        found.contains("register_digits = 40 is out of range"),
        "{found}"
    );
}

const WARM: &str = "[[assets]]\nid = 'pump'\nkind = 'heat_pump'\nzone = 'street'\nname = { en = 'P', zh = '泵' }\nrated_kw = 4\n\
                    heat_w = 12000\nheat_source = 'air'\n";

fn with_heat(lines_and_meters: &str) -> String {
    good_with(&(WARM.to_owned() + lines_and_meters))
}

fn heat_line(from: &str, to: &str) -> String {
    format!("[[connections]]\nkind = 'heat'\nfrom = '{from}'\nto = '{to}'\nloss_w = 80\n")
}

#[test]
fn lines_of_heat_make_a_network_that_is_told_by_the_asset_where_they_meet() {
    let text = with_heat(
        &(heat_line("pump", "home-01")
            + &meter("pump.heat", "pump", "heat_supply")
            + &meter("home-01.heat", "home-01", "heat_use")),
    );
    let park = parse(&text).unwrap();
    let home = AssetId::new("home-01").unwrap();
    let network = &park.thermal_networks[&(Carrier::Heat, home.clone())];
    assert!(network.is_metered);
    assert_eq!(network.lines[0].loss_w, 80);
    let meters: Vec<&str> = network.meters.iter().map(MeterId::as_str).collect();
    assert_eq!(meters, ["home-01.heat", "pump.heat"]);
    assert_eq!(park.meters["pump.heat"].node, home);
    assert!(!park.nodes["home-01"].meters.contains(&network.meters[1]));
}

#[test]
fn a_meter_of_heat_stands_at_an_end_of_its_network() {
    let found = problems(&with_heat(&meter("pump.heat", "pump", "heat_supply")));
    assert!(
        found.contains("no line of heat leads from or to its asset \"pump\"; write [[connections]] with kind = \"heat\""),
        "{found}"
    );
    let found = problems(&with_heat(
        &(heat_line("pump", "home-01") + &meter("home-01.heat", "home-01", "heat_supply")),
    ));
    assert!(
        found.contains(
            "measures \"heat_supply\" of \"home-01\", where lines of heat do not only begin"
        ),
        "{found}"
    );
    let found = problems(&with_heat(
        &heat_line("pump", "home-01").replace("'heat'", "'water'"),
    ));
    assert!(
        found.contains("of kind \"water\" has a loss_w; leave it out"),
        "{found}"
    );
}

#[test]
fn only_a_network_with_meters_at_all_ends_can_be_watched_for_what_is_open() {
    let alarm = "[[alarms]]\nid = 'open'\ncondition = 'heat_balance_open'\nassets = ['home-01']\npriority = 'low'\n\
                 name = { en = 'N', zh = '名' }\ncause = { en = 'C', zh = '因' }\nconsequence = { en = 'F', zh = '果' }\n\
                 action = { en = 'A', zh = '做' }\nrespond_within_s = 600\nlimit_wh = 500\n";
    let half = heat_line("pump", "home-01") + &meter("pump.heat", "pump", "heat_supply");
    let found = problems(&with_heat(&(half.clone() + alarm)));
    assert!(
        found.contains("the heat of network \"home-01\" can't be balanced: not all of its sources and users have a meter"),
        "{found}"
    );
    let found = problems(&with_heat(
        &(half.clone() + &alarm.replace("home-01", "pump")),
    ));
    assert!(
        found.contains("\"pump\" is no node of a network of heat"),
        "{found}"
    );
    let whole = half + &meter("home-01.heat", "home-01", "heat_use") + alarm;
    let park = parse(&with_heat(&whole)).unwrap_or_else(|errors| panic!("{errors}"));
    let test = &park.alarms["open"].watches[0].test;
    let of = Balanced::Thermal(Carrier::Heat);
    assert!(matches!(test, AlarmTest::BalanceOpen { of: found, limit: 500, .. } if *found == of));
}
