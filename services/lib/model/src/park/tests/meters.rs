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
