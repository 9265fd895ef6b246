//! What holds of every event, and the hashes.

use std::collections::BTreeMap;

use bytes::Bytes;
use terrarium_journal::{ContentType, Position, RecordedEvent, Ticks};
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::water::v1 as water;
use terrarium_twin::{Quality, Quantity};
use uuid::Uuid;

use super::Feeder;
use super::devices::interval;
use crate::Projection;

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
