//! Water, waste, trees and visitors.

use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::water::v1 as water;
use terrarium_twin::{PointName, Quantity};
use uuid::Uuid;

use super::{Feeder, asset_id};

#[test]
fn irrigation_told_late_adds_to_what_was_given_later() {
    let mut feeder = Feeder::with_park();
    let start = water::IrrigationStartedV1 {
        zone: "lawn".into(),
        tank: "rain-tank".into(),
        time_s: 100,
        litres: 500,
        client_request_id: String::new(),
    };
    let end = |started: Uuid, time_s, litres| water::IrrigationEndedV1 {
        zone: "lawn".into(),
        tank: "rain-tank".into(),
        started_event_id: terrarium_journal::event_id_bytes(&started),
        time_s,
        litres,
    };
    let first = feeder.water("lawn", "irrigation", &start, "IrrigationStartedV1");
    assert_eq!(feeder.newest("lawn", Quantity::Irrigating), Some(1));
    feeder.water(
        "lawn",
        "irrigation",
        &end(first, 200, 480),
        "IrrigationEndedV1",
    );
    assert_eq!(feeder.newest("lawn", Quantity::Irrigating), Some(0));
    feeder.water(
        "lawn",
        "irrigation",
        &end(first, 150, 20),
        "IrrigationEndedV1",
    );
    assert_eq!(
        feeder.at("lawn", Quantity::IrrigatedL, 160),
        Some((20, 150))
    );
    assert_eq!(
        feeder.at("lawn", Quantity::IrrigatedL, 200),
        Some((500, 200))
    );
}

#[test]
fn water_flows_for_an_hour_and_bins_fill_by_their_capacity() {
    let mut feeder = Feeder::with_park();
    let reading = water::WaterMeteredV1 {
        asset: "centre".into(),
        network: water::WaterNetwork::Reclaimed.into(),
        interval_start_s: 900,
        interval_seconds: 900,
        litres: 12,
    };
    feeder.water("centre", "meter", &reading, "WaterMeteredV1");
    assert_eq!(
        feeder.at("centre", Quantity::ReclaimedLPerH, 1_000),
        Some((48, 900))
    );
    let weighed = waste::BinWeighedV1 {
        bin: "bin-1".into(),
        time_s: 10,
        fill_l: 100,
        weight_g: 9_000,
    };
    feeder.waste(&weighed, "BinWeighedV1");
    assert_eq!(feeder.newest("bin-1", Quantity::FillPermille), Some(417));
    let emptied = waste::BinEmptiedV1 {
        bin: "bin-1".into(),
        time_s: 10,
        collection: "round-1".into(),
        ..Default::default()
    };
    feeder.waste(&emptied, "BinEmptiedV1");
    assert_eq!(feeder.newest("bin-1", Quantity::FillPermille), Some(0));
    assert_eq!(feeder.newest("bin-1", Quantity::WeightG), Some(0));
}

#[test]
fn compost_trees_visitors_and_leaks_are_points_of_their_assets() {
    let mut feeder = Feeder::with_park();
    let fed = |time_s, weight_g| waste::CompostFedV1 {
        bay: "bin-1".into(),
        batch: "b-1".into(),
        time_s,
        weight_g,
        source: "lawn".into(),
    };
    let bay = |feeder: &mut Feeder, message: waste::CompostFedV1| {
        let event_type = "terrarium.waste.v1.CompostFedV1";
        feeder.feed("waste.compost", "bin-1", &message, event_type);
    };
    bay(&mut feeder, fed(100, 5_000));
    bay(&mut feeder, fed(300, 2_000));
    bay(&mut feeder, fed(200, 1_000));
    assert_eq!(
        feeder.at("bin-1", Quantity::CompostG, 250),
        Some((6_000, 200))
    );
    assert_eq!(feeder.newest("bin-1", Quantity::CompostG), Some(8_000));
    let closed = waste::CompostBatchClosedV1 {
        bay: "bin-1".into(),
        batch: "b-1".into(),
        time_s: 400,
        ..Default::default()
    };
    let event_type = "terrarium.waste.v1.CompostBatchClosedV1";
    feeder.feed("waste.compost", "bin-1", &closed, event_type);
    assert_eq!(feeder.newest("bin-1", Quantity::CompostG), Some(0));

    let planted = terrarium_proto::carbon::v1::TreesPlantedV1 {
        group: "lawn".into(),
        time_s: 10,
        count: 30,
        ..Default::default()
    };
    feeder.feed(
        "carbon.trees",
        "lawn",
        &planted,
        "terrarium.carbon.v1.TreesPlantedV1",
    );
    assert_eq!(feeder.newest("lawn", Quantity::Trees), Some(30));

    let counted = mobility::VisitorsCountedV1 {
        counter: "centre".into(),
        interval_start_s: 0,
        interval_seconds: 900,
        entered: 12,
        left: 3,
    };
    let event_type = "terrarium.mobility.v1.VisitorsCountedV1";
    feeder.feed("mobility.entrance", "centre", &counted, event_type);
    assert_eq!(feeder.newest("centre", Quantity::VisitorsPerH), Some(48));

    let leak = water::LeakSuspectedV1 {
        asset: "centre".into(),
        network: water::WaterNetwork::Supply.into(),
        time_s: 500,
        ..Default::default()
    };
    feeder.water("centre", "leak", &leak, "LeakSuspectedV1");
    let name = PointName {
        asset: asset_id("centre"),
        quantity: Quantity::LeakSuspected,
        source: "supply".into(),
    };
    assert_eq!(
        feeder.value_at(&name, 500).map(|value| value.value),
        Some(1)
    );
}
