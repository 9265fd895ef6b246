use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use terrarium_journal::{ContentType, Position, Ticks};
use terrarium_model::ParkId;
use terrarium_proto::carbon::v1::ParkDefinedV1;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::water::v1 as water;
use terrarium_twin::{PointName, Quality, Quantity, Value};
use uuid::Uuid;

use super::*;
use crate::Projection;

const PARK: &str = "domains";
const DEFINITION: &str = include_str!("../../../../tests/data/domains/park.toml");

/// A projection that is fed with events one after the other.
#[derive(Default)]
struct Feeder {
    projection: Projection,
    revisions: BTreeMap<String, u64>,
    position: u64,
}

impl Feeder {
    fn with_park() -> Feeder {
        let mut feeder = Feeder::default();
        let defined = ParkDefinedV1 {
            park: PARK.into(),
            definition_toml: DEFINITION.into(),
            definition_sha256: Bytes::from_static(&[7; 32]),
        };
        let id = feeder.feed(
            "carbon.park",
            "definition",
            &defined,
            terrarium_journal::PARK_DEFINED_V1,
        );
        assert_eq!(id, Uuid::from_u128(1));
        feeder
    }

    /// Gives the event's id, which is its number.
    fn feed(&mut self, category: &str, id: &str, message: &impl Message, event_type: &str) -> Uuid {
        let stream = format!("{category}-{PARK}.{id}");
        self.feed_as(
            &stream,
            self.position as u128 / 100 + 1,
            message,
            event_type,
        )
    }

    fn feed_as(
        &mut self,
        stream: &str,
        number: u128,
        message: &impl Message,
        event_type: &str,
    ) -> Uuid {
        let revision = self.revisions.entry(stream.to_owned()).or_default();
        let event = RecordedEvent {
            position: Position(self.position),
            stream: stream.into(),
            revision: *revision,
            id: Uuid::from_u128(number),
            event_type: event_type.into(),
            content_type: ContentType::Binary,
            recorded: Ticks::default(),
            data: message.encode_to_vec().into(),
            metadata: Bytes::from_static(
                br#"{"id":"","source":"","specversion":"1.0","type":"","subject":"","time":"2025-08-01T00:00:00Z","recordedtime":"","schemaversion":1,"actor":"t","digest":""}"#,
            ),
        };
        *revision += 1;
        self.position += 100;
        self.projection
            .apply(&event, &mut BTreeMap::new())
            .expect("it folds");
        event.id
    }

    fn water(&mut self, id: &str, kind: &str, message: &impl Message, name: &str) -> Uuid {
        let category = format!("water.{kind}");
        self.feed(
            &category,
            id,
            message,
            &format!("terrarium.water.v1.{name}"),
        )
    }

    fn waste(&mut self, message: &impl Message, name: &str) {
        let event_type = format!("terrarium.waste.v1.{name}");
        self.feed("waste.bin", "bin-1", message, &event_type);
    }

    fn charger(&mut self, message: &impl Message, name: &str) -> Uuid {
        let event_type = format!("terrarium.mobility.v1.{name}");
        self.feed("mobility.charger", "charger-1", message, &event_type)
    }

    fn meter(&mut self, message: &impl Message, name: &str) {
        let event_type = format!("terrarium.energy.v1.{name}");
        self.feed("energy.meter", "centre.load", message, &event_type);
    }

    fn twin(&self) -> &Twin {
        let park = ParkId::new(PARK).expect("valid");
        self.projection.twin(&park).expect("it has events").points()
    }

    /// Value and second of a point at a second.
    fn at(&self, asset: &str, quantity: Quantity, moment_s: i64) -> Option<(i64, i64)> {
        let value = self.value_at(&PointName::of_asset(&asset_id(asset), quantity), moment_s)?;
        Some((value.value, value.time_ms.div_euclid(1_000)))
    }

    fn value_at(&self, name: &PointName, moment_s: i64) -> Option<Value> {
        let twin = self.twin();
        let point = twin.point(twin.id(name)?)?;
        point.history.at(moment_s * 1_000).value
    }

    fn newest(&self, asset: &str, quantity: Quantity) -> Option<i64> {
        let name = PointName::of_asset(&asset_id(asset), quantity);
        Some(self.twin().newest(&name)?.value)
    }
}

fn asset_id(id: &str) -> AssetId {
    AssetId::new(id).expect("a valid id")
}

fn started(session: &str, time_s: i64) -> mobility::ChargeSessionStartedV1 {
    mobility::ChargeSessionStartedV1 {
        charger: "charger-1".into(),
        session: session.into(),
        vehicle_class: mobility::VehicleClass::Public.into(),
        time_s,
        allows_discharge: true,
        ..Default::default()
    }
}

fn metered(
    session: &str,
    time_s: i64,
    in_wh: i64,
    out_wh: i64,
) -> mobility::ChargeSessionMeteredV1 {
    mobility::ChargeSessionMeteredV1 {
        charger: "charger-1".into(),
        session: session.into(),
        time_s,
        energy_in_wh: in_wh,
        energy_out_wh: out_wh,
    }
}

#[test]
fn the_power_of_a_session_follows_from_its_totals_and_ends_with_it() {
    let mut feeder = Feeder::with_park();
    feeder.charger(&started("s-1", 1_000), "ChargeSessionStartedV1");
    feeder.charger(&metered("s-1", 4_600, 7_000, 0), "ChargeSessionMeteredV1");
    feeder.charger(
        &metered("s-1", 8_200, 7_000, 3_000),
        "ChargeSessionMeteredV1",
    );
    let power = |feeder: &Feeder, moment_s| {
        feeder
            .at("charger-1", Quantity::SessionPowerW, moment_s)
            .map(|(power_w, _)| power_w)
    };
    assert_eq!(power(&feeder, 999), None);
    assert_eq!(power(&feeder, 1_001), Some(7_000));
    assert_eq!(power(&feeder, 8_200), Some(-3_000));
    assert_eq!(feeder.newest("charger-1", Quantity::Session), Some(1));
    assert_eq!(feeder.newest("charger-1", Quantity::VehicleClass), Some(2));

    // Totals told late part the first hour in two.
    feeder.charger(&metered("s-1", 2_800, 5_000, 0), "ChargeSessionMeteredV1");
    assert_eq!(power(&feeder, 2_000), Some(10_000));
    assert_eq!(power(&feeder, 4_600), Some(4_000));

    let ended = mobility::ChargeSessionEndedV1 {
        charger: "charger-1".into(),
        session: "s-1".into(),
        vehicle_class: mobility::VehicleClass::Public.into(),
        started_s: 1_000,
        ended_s: 9_100,
        energy_in_wh: 7_000,
        energy_out_wh: 4_000,
    };
    feeder.charger(&ended, "ChargeSessionEndedV1");
    assert_eq!(power(&feeder, 9_099), Some(-4_000));
    assert_eq!(power(&feeder, 9_100), Some(0));
    assert_eq!(feeder.newest("charger-1", Quantity::SessionPowerW), Some(0));
    assert_eq!(feeder.newest("charger-1", Quantity::Session), Some(0));
    assert_eq!(feeder.newest("charger-1", Quantity::VehicleClass), Some(0));
    assert_eq!(
        feeder.newest("charger-1", Quantity::SessionOutWh),
        Some(4_000)
    );
    feeder.charger(&started("s-2", 10_000), "ChargeSessionStartedV1");
    assert_eq!(feeder.newest("charger-1", Quantity::SessionOutWh), Some(0));
}

#[test]
fn faults_are_counted_when_they_are_told_late_too() {
    let mut feeder = Feeder::with_park();
    let fault = |fault: &str, time_s| mobility::ChargerFaultRaisedV1 {
        charger: "charger-1".into(),
        fault: fault.into(),
        time_s,
    };
    feeder.charger(&fault("overheated", 100), "ChargerFaultRaisedV1");
    feeder.charger(&fault("ground-failure", 50), "ChargerFaultRaisedV1");
    let cleared = mobility::ChargerFaultClearedV1 {
        charger: "charger-1".into(),
        fault: "ground-failure".into(),
        time_s: 120,
    };
    feeder.charger(&cleared, "ChargerFaultClearedV1");
    let faults = |moment_s| feeder.at("charger-1", Quantity::Faults, moment_s);
    assert_eq!(faults(49), None);
    assert_eq!(faults(60), Some((1, 50)));
    assert_eq!(faults(110), Some((2, 100)));
    assert_eq!(faults(130), Some((1, 120)));
}

#[test]
fn only_the_newest_ask_is_obeyed_or_missed() {
    let mut feeder = Feeder::with_park();
    let ask = |limit_w, time_s| mobility::ChargePowerAskedV1 {
        charger: "charger-1".into(),
        limit_w,
        time_s,
        ..Default::default()
    };
    let missed = |asked: Uuid, time_s| mobility::ChargePowerMissedV1 {
        charger: "charger-1".into(),
        asked_event_id: terrarium_journal::event_id_bytes(&asked),
        time_s,
        reason: mobility::ChargePowerMiss::Replaced.into(),
        power_w: None,
    };
    let first = feeder.charger(&ask(7_000, 10), "ChargePowerAskedV1");
    let second = feeder.charger(&ask(-5_000, 20), "ChargePowerAskedV1");
    feeder.charger(&missed(first, 20), "ChargePowerMissedV1");
    assert_eq!(
        feeder.at("charger-1", Quantity::AskState, 20),
        Some((1, 20))
    );
    let obeyed = mobility::ChargePowerObeyedV1 {
        charger: "charger-1".into(),
        asked_event_id: terrarium_journal::event_id_bytes(&second),
        time_s: 25,
        power_w: -4_000,
    };
    feeder.charger(&obeyed, "ChargePowerObeyedV1");
    assert_eq!(
        feeder.at("charger-1", Quantity::AskState, 30),
        Some((2, 25))
    );
    assert_eq!(
        feeder.newest("charger-1", Quantity::AskedLimitW),
        Some(-5_000)
    );
}

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
fn an_event_of_no_point_has_its_place_in_time() {
    let mut feeder = Feeder::with_park();
    assert!(
        feeder.twin().events().is_empty(),
        "a definition has no moment"
    );
    let ordered = waste::CollectionOrderedV1::default();
    let event_type = "terrarium.waste.v1.CollectionOrderedV1";
    feeder.feed("waste.collection", "round-1", &ordered, event_type);
    let marks: Vec<_> = feeder.twin().events().forwards((i64::MIN, 0)).collect();
    assert_eq!(
        (marks.len(), marks[0].domain, marks[0].asset),
        (1, "waste", None)
    );
    assert_eq!(marks[0].time_ms, 1_754_006_400_000);
}

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

fn interval(start_s: i64, seconds: u32, wh: i64) -> energy::IntervalMeteredV1 {
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
fn the_content_hash_does_not_depend_on_how_the_streams_are_interleaved_the_state_hash_does() {
    let level = |time_s| water::TankLevelMeasuredV1 {
        tank: "rain-tank".into(),
        time_s,
        level_l: 10,
    };
    let tank = |feeder: &mut Feeder, number: u128| {
        feeder.feed_as(
            "water.tank-domains.rain-tank",
            number,
            &level(number as i64),
            "terrarium.water.v1.TankLevelMeasuredV1",
        );
    };
    let meter = |feeder: &mut Feeder, number: u128| {
        feeder.feed_as(
            "energy.meter-domains.centre.load",
            number,
            &interval(900 * number as i64, 900, 5),
            "terrarium.energy.v1.IntervalMeteredV1",
        );
    };
    let mut one = Feeder::with_park();
    tank(&mut one, 10);
    meter(&mut one, 20);
    tank(&mut one, 11);
    let mut other = Feeder::with_park();
    meter(&mut other, 20);
    tank(&mut other, 10);
    tank(&mut other, 11);
    let (one_hashes, other_hashes) = (one.projection.hashes(), other.projection.hashes());
    assert_eq!(one_hashes.content, other_hashes.content);
    assert_ne!(one_hashes.state, other_hashes.state);
    tank(&mut other, 12);
    assert_ne!(one_hashes.content, other.projection.hashes().content);
}

#[test]
fn an_event_type_of_a_newer_build_is_refused() {
    let mut projection = Projection::default();
    let event = RecordedEvent {
        position: Position(0),
        stream: "water.tank-domains.rain-tank".into(),
        revision: 0,
        id: Uuid::from_u128(1),
        event_type: "terrarium.water.v1.TankPaintedV1".into(),
        content_type: ContentType::Binary,
        recorded: Ticks::default(),
        data: Bytes::new(),
        metadata: Bytes::new(),
    };
    let error = projection
        .apply(&event, &mut BTreeMap::new())
        .expect_err("nobody knows what it means");
    assert!(error.to_string().contains("TankPaintedV1"), "{error}");
}

#[test]
fn every_quantity_of_the_wire_is_one_of_the_twin_and_the_other_way_round() {
    use terrarium_proto::twin::v1 as wire;
    for code in 1..200 {
        let on_wire = wire::Quantity::try_from(code).is_ok();
        assert_eq!(
            on_wire,
            Quantity::from_code(code).is_some(),
            "quantity {code}"
        );
        if let Ok(quality) = wire::Quality::try_from(code) {
            let known = [
                Quality::Good,
                Quality::Estimated,
                Quality::Substituted,
                Quality::Uncertain,
            ];
            assert!(
                known.iter().any(|known| known.code() == code),
                "{quality:?}"
            );
        }
    }
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
