//! Meters, stores and setpoints.

use bytes::Bytes;
use terrarium_proto::energy::v1 as energy;
use terrarium_twin::{PointName, Quality, Quantity};

use super::{Feeder, asset_id};

fn reading(start_s: i64, seconds: u32, wh: i64, revision: u32) -> Option<energy::MeteredReading> {
    Some(energy::MeteredReading {
        meter: "centre.load".into(),
        interval_start_s: start_s,
        interval_seconds: seconds,
        value: wh.to_string(),
        unit: "Wh".into(),
        energy_wh: Some(wh),
        revision,
    })
}

pub(super) fn interval(start_s: i64, seconds: u32, wh: i64) -> energy::IntervalMeteredV1 {
    energy::IntervalMeteredV1 {
        reading: reading(start_s, seconds, wh, 0),
    }
}

#[test]
fn a_meter_shows_its_mean_power_and_how_good_it_is() {
    let mut feeder = Feeder::with_park();
    let name = PointName {
        asset: asset_id("centre"),
        quantity: Quantity::ConsumptionW,
        source: "centre.load".into(),
    };
    let shown = |feeder: &Feeder, moment_s| {
        let value = feeder.value_at(&name, moment_s).expect("a value");
        (value.value, value.time_ms / 1_000, value.quality)
    };
    feeder.meter(&interval(0, 900, 250), "IntervalMeteredV1");
    feeder.meter(&interval(900, 7_200, 250), "IntervalMeteredV1");
    assert_eq!(shown(&feeder, 500), (1_000, 0, Quality::Good));
    assert_eq!(shown(&feeder, 9_000), (125, 8_100, Quality::Estimated));
    let quarantined = energy::ReadingQuarantinedV1 {
        reading: reading(8_100, 900, -3, 0),
        reason: energy::QuarantineReason::Negative.into(),
        finding: String::new(),
    };
    feeder.meter(&quarantined, "ReadingQuarantinedV1");
    assert_eq!(shown(&feeder, 9_000), (125, 9_000, Quality::Uncertain));
    let corrected = energy::ReadingCorrectedV1 {
        reading: reading(0, 900, 500, 1),
        replaces_event_id: Bytes::from_static(&[0; 16]),
        reason: String::new(),
    };
    feeder.meter(&corrected, "ReadingCorrectedV1");
    assert_eq!(shown(&feeder, 900), (2_000, 900, Quality::Substituted));
    // What was quarantined for its time says nothing about the moment it names.
    let in_future = energy::ReadingQuarantinedV1 {
        reading: reading(4_000_000_000, 900, 5, 0),
        reason: energy::QuarantineReason::InFuture.into(),
        finding: String::new(),
    };
    feeder.meter(&in_future, "ReadingQuarantinedV1");
    assert_eq!(shown(&feeder, 9_000_000_000).1, 9_000);
}

#[test]
fn a_store_a_setpoint_and_an_island_are_seen_as_they_are_told() {
    let mut feeder = Feeder::with_park();
    let report = energy::StorageReportedV1 {
        storage: "centre".into(),
        time_s: 100,
        stored_wh: 5_000,
        power_w: -1_200,
        ..Default::default()
    };
    let doubted = energy::StorageReportQuarantinedV1 {
        storage: "centre".into(),
        time_s: 160,
        stored_wh: 99_000,
        ..Default::default()
    };
    let energy_type = |name: &str| format!("terrarium.energy.v1.{name}");
    feeder.feed(
        "energy.storage",
        "centre",
        &report,
        &energy_type("StorageReportedV1"),
    );
    let kept_apart = energy_type("StorageReportQuarantinedV1");
    feeder.feed("energy.storage", "centre", &doubted, &kept_apart);
    let stored = PointName::of_asset(&asset_id("centre"), Quantity::StoredWh);
    let value = feeder.twin().newest(&stored).expect("a value");
    assert_eq!(
        (value.value, value.time_ms, value.quality),
        (5_000, 160_000, Quality::Uncertain)
    );
    assert_eq!(
        feeder.newest("centre", Quantity::StoragePowerW),
        Some(-1_200)
    );

    let ask = |kind: energy::SetpointKind, value| energy::SetpointAskedV1 {
        device: "centre".into(),
        kind: kind.into(),
        value,
        time_s: 200,
        ..Default::default()
    };
    let asked_type = energy_type("SetpointAskedV1");
    let limit = ask(energy::SetpointKind::ChargeLimitW, 900);
    let asked = feeder.feed("energy.setpoint", "centre", &limit, &asked_type);
    let reserve = ask(energy::SetpointKind::ReserveWh, 4_000);
    feeder.feed("energy.setpoint", "centre", &reserve, &asked_type);
    let obeyed = energy::SetpointObeyedV1 {
        device: "centre".into(),
        kind: energy::SetpointKind::ChargeLimitW.into(),
        asked_event_id: terrarium_journal::event_id_bytes(&asked),
        time_s: 205,
        value: 850,
    };
    feeder.feed(
        "energy.setpoint",
        "centre",
        &obeyed,
        &energy_type("SetpointObeyedV1"),
    );
    let of_kind = |quantity, kind: &str| {
        let name = PointName {
            asset: asset_id("centre"),
            quantity,
            source: kind.into(),
        };
        feeder.twin().newest(&name).map(|value| value.value)
    };
    assert_eq!(of_kind(Quantity::AskedLimitW, "charge_limit_w"), Some(900));
    assert_eq!(of_kind(Quantity::AskState, "charge_limit_w"), Some(2));
    assert_eq!(of_kind(Quantity::AskedReserveWh, "reserve_wh"), Some(4_000));
    assert_eq!(of_kind(Quantity::AskState, "reserve_wh"), Some(1));
}
