use prost::Message;
use terrarium_journal::{ContentType, PARK_DEFINED_V1, RecordedEvent, Ticks};
use terrarium_proto::carbon::v1::ParkDefinedV1;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::mobility::v1 as mobility;

use super::*;
use crate::projection::Hashes;

const PARK: &str = "demo";
/// A hub with panels and a two-way charger; the load's meter is a register.
const DEFINITION: &str = r#"
[park]
id = "demo"
name = { en = "Demo", zh = "演示" }
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "z"
name = { en = "Zone", zh = "区" }

[[assets]]
id = "hub"
kind = "building"
zone = "z"
name = { en = "Hub", zh = "站" }

[[connections]]
kind = "electric"
from = "grid"
to = "hub"

[[meters]]
id = "hub.load"
asset = "hub"
measures = "consumption"
reports = "register"
rated_kw = 50.0

[[meters]]
id = "hub.pv"
asset = "hub"
measures = "generation"
reports = "interval"
rated_kw = 50.0
"#;

fn event(position: u64, stream: &str, event_type: &str, message: &impl Message) -> RecordedEvent {
    RecordedEvent {
        position: Position(position),
        stream: format!("{stream}-{PARK}.x").into(),
        revision: 0,
        id: Uuid::from_u128(u128::from(position) + 1),
        event_type: event_type.into(),
        content_type: ContentType::Binary,
        recorded: Ticks::default(),
        data: message.encode_to_vec().into(),
        metadata: format!(
            r#"{{"id":"","source":"","specversion":"1.0","type":"","subject":"","time":"2025-08-01T00:00:00Z","recordedtime":"","schemaversion":1,"actor":"t","digest":"{}"}}"#,
            "0".repeat(64)
        )
        .into(),
    }
}

fn reading(
    meter: &str,
    start_s: i64,
    seconds: u32,
    wh: i64,
    revision: u32,
) -> Option<energy::MeteredReading> {
    Some(energy::MeteredReading {
        meter: meter.into(),
        interval_start_s: start_s,
        interval_seconds: seconds,
        value: wh.to_string(),
        unit: "Wh".into(),
        energy_wh: Some(wh),
        revision,
    })
}

/// Two days: registers, intervals, late and corrected ones, a quarantine, a session.
pub(crate) fn record() -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let defined = ParkDefinedV1 {
        park: PARK.into(),
        definition_toml: DEFINITION.into(),
        definition_sha256: vec![7; 32].into(),
    };
    events.push(event(0, "carbon.park", PARK_DEFINED_V1, &defined));
    let mut tell = |message: &dyn Fn(u64) -> RecordedEvent| {
        let position = events.len() as u64 * 10;
        events.push(message(position));
    };
    let meter_event = |position, name: &str, reading| match name {
        "RegisterReadV1" => event(
            position,
            "energy.meter",
            "terrarium.energy.v1.RegisterReadV1",
            &energy::RegisterReadV1 { reading },
        ),
        _ => event(
            position,
            "energy.meter",
            "terrarium.energy.v1.IntervalMeteredV1",
            &energy::IntervalMeteredV1 { reading },
        ),
    };
    // Every seventh read of the register comes last, and the first one too.
    let comes_late = |hour: &i64| *hour % 7 == 3 || *hour == 0;
    for hour in 0..48_i64 {
        if !comes_late(&hour) {
            tell(&|position| {
                let reading = reading("hub.load", hour * 3_600, 0, hour * 900, 0);
                meter_event(position, "RegisterReadV1", reading)
            });
        }
        tell(&|position| {
            let reading = reading("hub.pv", hour * 3_600, 3_600, hour * 40, 0);
            meter_event(position, "IntervalMeteredV1", reading)
        });
    }
    tell(&|position| {
        let started = mobility::ChargeSessionStartedV1 {
            charger: "hub".into(),
            session: "s".into(),
            vehicle_class: mobility::VehicleClass::Visitor.into(),
            time_s: 7_200,
            ..mobility::ChargeSessionStartedV1::default()
        };
        event(
            position,
            "mobility.charger",
            "terrarium.mobility.v1.ChargeSessionStartedV1",
            &started,
        )
    });
    tell(&|position| {
        let corrected = energy::ReadingCorrectedV1 {
            reading: reading("hub.pv", 10 * 3_600, 3_600, 5_000, 1),
            replaces_event_id: vec![0; 16].into(),
            reason: String::new(),
        };
        event(
            position,
            "energy.meter",
            "terrarium.energy.v1.ReadingCorrectedV1",
            &corrected,
        )
    });
    for hour in (0..48_i64).rev().filter(comes_late) {
        tell(&|position| {
            let reading = reading("hub.load", hour * 3_600, 0, hour * 900, 0);
            meter_event(position, "RegisterReadV1", reading)
        });
    }
    tell(&|position| {
        let quarantined = energy::ReadingQuarantinedV1 {
            reading: reading("hub.pv", 49 * 3_600, 3_600, -3, 0),
            reason: energy::QuarantineReason::Negative.into(),
            finding: String::new(),
        };
        event(
            position,
            "energy.meter",
            "terrarium.energy.v1.ReadingQuarantinedV1",
            &quarantined,
        )
    });
    events
}

fn fold(projection: &mut Projection, events: &[RecordedEvent]) {
    for event in events {
        projection
            .apply(event, &mut BTreeMap::new())
            .expect("it can be folded");
    }
}

fn mark_of(event: &RecordedEvent) -> Mark {
    Mark::of(event.position.0, event.id, &event.metadata).expect("it has a digest")
}

/// Live = replay = day blocks and the rest.
#[test]
fn a_start_from_day_blocks_gives_the_state_hash_of_the_whole_record() {
    let events = record();
    let mut whole = Projection::default();
    let mut hashes: Vec<Hashes> = Vec::new();
    for event in &events {
        fold(&mut whole, std::slice::from_ref(event));
        hashes.push(whole.hashes());
    }
    for cut in [0, 1, 20, 60, events.len() - 3, events.len() - 1] {
        let mut until_cut = Projection::default();
        fold(&mut until_cut, &events[..=cut]);
        let bytes = KeptBlocks::bytes_of(&until_cut, mark_of(&events[cut]));
        let kept = KeptBlocks::read(&bytes).expect("just written");
        assert_eq!(kept.mark, mark_of(&events[cut]));
        let mut again = Projection::default();
        again.await_readings(kept);
        fold(&mut again, &events[..cut]);
        assert!(again.waits_for_readings());
        fold(&mut again, &events[cut..=cut]);
        assert!(!again.waits_for_readings());
        assert_eq!(again.hashes(), hashes[cut], "at its position, {cut}");
        fold(&mut again, &events[cut + 1..]);
        assert_eq!(
            Some(&again.hashes()),
            hashes.last(),
            "at the end, from {cut}"
        );
    }
}

#[test]
fn damaged_bytes_and_those_of_another_version_are_not_used() {
    let events = record();
    let mut projection = Projection::default();
    fold(&mut projection, &events);
    let bytes = KeptBlocks::bytes_of(&projection, mark_of(&events[events.len() - 1]));
    for place in (0..bytes.len()).step_by(61) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(KeptBlocks::read(&changed).is_err(), "byte {place}");
    }
    assert!(KeptBlocks::read(&bytes[..bytes.len() - 1]).is_err());
    assert!(KeptBlocks::read(&[]).is_err());
    // Of the layout, and of the fold whose sums they hold.
    for version in [MAGIC.len(), MAGIC.len() + 4] {
        let mut newer = bytes.clone();
        newer[version] += 1;
        assert!(matches!(
            KeptBlocks::read(&newer),
            Err(NotUsed::OtherVersion)
        ));
    }
}
