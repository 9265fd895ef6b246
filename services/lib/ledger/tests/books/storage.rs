//! Nodes with stores: what goes in and comes out is part of the balance, to the Wh.

use std::sync::Arc;

use proptest::prelude::*;
use terrarium_ledger::{EnergyAccount, Grouping, HourAmounts, MeteredSums, ParkLedger, balance};
use terrarium_model::{NodeMetering, ParkDefinition};

use crate::world::*;

/// A node of each way of metering, each with panels and a store.
const NODES: [(&str, &[&str]); 3] = [
    ("barn", &["consumption"]),
    ("mill", &["grid_import", "grid_export"]),
    ("plant", &["consumption", "grid_import", "grid_export"]),
];

pub fn stored_park() -> Arc<ParkDefinition> {
    let mut text = String::from(
        "[park]\nid = \"demo\"\nname = { en = \"Demo\", zh = \"演示\" }\ntime_zone = \"Etc/UTC\"\nclock = \"wall\"\n\
         grid_region = \"caiso\"\n\n[[zones]]\nid = \"street\"\nname = { en = \"Street\", zh = \"街区\" }\n",
    );
    for (node, sides) in NODES {
        text.push_str(&format!(
            "\n[[assets]]\nid = \"{node}\"\nkind = \"building\"\nzone = \"street\"\nname = {{ en = \"A\", zh = \"甲\" }}\n\
             \n[[assets]]\nid = \"{node}.store\"\nkind = \"battery\"\nzone = \"street\"\nname = {{ en = \"B\", zh = \"乙\" }}\n\
             rated_kw = 50\ncapacity_wh = 100000\nchemistry = \"lithium\"\n\
             \n[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"{node}\"\n\
             \n[[connections]]\nkind = \"electric\"\nfrom = \"{node}.store\"\nto = \"{node}\"\n"
        ));
        let metered = sides
            .iter()
            .chain(&["generation"])
            .map(|side| (node.to_owned(), *side));
        let stored = ["storage_charge", "storage_discharge"]
            .iter()
            .map(|side| (format!("{node}.store"), *side));
        for (asset, measures) in metered.chain(stored) {
            text.push_str(&format!(
                "\n[[meters]]\nid = \"{node}.{measures}\"\nasset = \"{asset}\"\nmeasures = \"{measures}\"\n\
                 reports = \"interval\"\nrated_kw = 100.0\naccuracy = \"0.5S\"\n"
            ));
        }
    }
    parse_park(&text)
}

/// A ledger with one hour of every meter that the node has.
fn one_hour(node: &str, sums: &MeteredSums) -> ParkLedger {
    let mut facts = vec![defined(&stored_park(), 1)];
    for (measures, wh) in [
        ("consumption", sums.consumption),
        ("generation", sums.generation),
        ("grid_import", sums.grid_import),
        ("grid_export", sums.grid_export),
        ("storage_charge", sums.charge),
        ("storage_discharge", sums.discharge),
    ] {
        let id = format!("{node}.{measures}");
        if stored_park().meters.contains_key(id.as_str()) {
            facts.push(hourly(&id, 0, wh));
        }
    }
    ledger_of(&facts)
}

#[test]
fn a_store_charged_at_noon_and_emptied_at_night_moves_import_and_export() {
    let noon = MeteredSums {
        consumption: 3_000,
        generation: 10_000,
        charge: 5_000,
        ..MeteredSums::default()
    };
    let barn = one_hour("barn", &noon).node_hour(&asset("barn"), hour(0));
    assert!(barn.complete);
    assert_eq!(
        barn.amounts,
        HourAmounts {
            consumption: 3_000,
            generation: 10_000,
            export: 2_000,
            self_use: 3_000,
            charge: 5_000,
            ..HourAmounts::default()
        }
    );
    let night = MeteredSums {
        consumption: 3_000,
        discharge: 2_500,
        ..MeteredSums::default()
    };
    let barn = one_hour("barn", &night).node_hour(&asset("barn"), hour(0));
    assert_eq!((barn.amounts.import, barn.amounts.export), (500, 0));
    assert_eq!(
        barn.amounts.self_use, 0,
        "nothing was generated in this hour"
    );
}

#[test]
fn where_the_grid_is_metered_consumption_follows_and_where_the_load_is_too_the_rest_shows() {
    let sums = MeteredSums {
        consumption: 4_990,
        generation: 10_000,
        grid_import: 0,
        grid_export: 1_000,
        charge: 4_000,
        discharge: 0,
    };
    let mill = one_hour("mill", &sums)
        .node_hour(&asset("mill"), hour(0))
        .amounts;
    assert_eq!((mill.consumption, mill.unexplained), (5_000, 0));
    assert_eq!(
        mill.self_use, 5_000,
        "what was stored was not used in this hour"
    );
    let plant = one_hour("plant", &sums)
        .node_hour(&asset("plant"), hour(0))
        .amounts;
    assert_eq!((plant.consumption, plant.unexplained), (4_990, 10));
}

#[test]
fn an_hour_without_its_store_is_incomplete_and_counts_in_no_total() {
    let park = stored_park();
    let facts = [
        defined(&park, 1),
        hourly("barn.consumption", 0, 100),
        hourly("barn.generation", 0, 100),
        hourly("barn.storage_charge", 0, 0),
    ];
    let ledger = ledger_of(&facts);
    let (_, total) = balance(
        &ledger.present(),
        period(0, 1),
        Grouping::Total,
        Some(&asset("barn")),
    );
    assert_eq!((total.hours_missing, total.consumption_wh), (1, 0));
}

#[test]
fn charge_and_discharge_are_entries_and_columns_of_their_own() {
    let sums = MeteredSums {
        consumption: 700,
        generation: 900,
        charge: 300,
        discharge: 50,
        ..MeteredSums::default()
    };
    let ledger = one_hour("barn", &sums);
    let entries = ledger.entries(&asset("barn"), hour(0));
    for (account, wh) in [(EnergyAccount::Charge, 300), (EnergyAccount::Discharge, 50)] {
        let id = format!("energy/barn/2016-08-01T00:00:00Z/{}", account.token());
        let entry = entries.iter().find(|entry| entry.id.to_string() == id);
        assert_eq!(entry.expect("an entry").energy.0, wh);
    }
    let (_, total) = balance(
        &ledger.present(),
        period(0, 1),
        Grouping::Total,
        Some(&asset("barn")),
    );
    assert_eq!((total.charge_wh, total.discharge_wh), (300, 50));
}

fn any_wh() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0_i64..100_000, -10_i64..100]
}

proptest! {
    #[test]
    fn every_hour_is_conserved_to_the_watt_hour(
        (consumption, generation, charge, discharge) in (any_wh(), any_wh(), any_wh(), any_wh()),
        (grid_import, grid_export) in (any_wh(), any_wh()),
    ) {
        let sums = MeteredSums { consumption, generation, grid_import, grid_export, charge, discharge };
        for metering in [NodeMetering::Consumption, NodeMetering::Grid, NodeMetering::ConsumptionAndGrid] {
            let amounts = HourAmounts::balance(metering, sums);
            prop_assert_eq!(
                amounts.generation + amounts.import + amounts.discharge,
                amounts.consumption + amounts.export + amounts.charge + amounts.unexplained
            );
            prop_assert_eq!((amounts.charge, amounts.discharge), (charge, discharge));
            if metering != NodeMetering::ConsumptionAndGrid {
                prop_assert_eq!(amounts.unexplained, 0);
            }
            prop_assert!(amounts.self_use >= 0 && amounts.self_use <= generation.max(0).max(generation - grid_export));
            if charge > 0 {
                prop_assert!(amounts.self_use <= amounts.consumption.max(0));
            }
            if metering == NodeMetering::Consumption {
                prop_assert!(amounts.import == 0 || amounts.export == 0);
            }
        }
    }

    #[test]
    fn the_books_say_of_a_node_with_a_store_what_the_balance_of_its_sums_is(
        consumption in 0_i64..50_000, generation in 0_i64..50_000, grid_import in 0_i64..50_000,
        grid_export in 0_i64..50_000, charge in 0_i64..50_000, discharge in 0_i64..50_000,
    ) {
        let sums = MeteredSums { consumption, generation, grid_import, grid_export, charge, discharge };
        for (node, sides) in NODES {
            let hour = one_hour(node, &sums).node_hour(&asset(node), hour(0));
            prop_assert!(hour.complete);
            let told = MeteredSums {
                consumption: if sides.contains(&"consumption") { consumption } else { 0 },
                grid_import: if sides.contains(&"grid_import") { grid_import } else { 0 },
                grid_export: if sides.contains(&"grid_export") { grid_export } else { 0 },
                ..sums
            };
            let metering = stored_park().nodes[node].metering;
            prop_assert_eq!(hour.amounts, HourAmounts::balance(metering, told));
        }
    }
}
