//! Reads the whole record through the feed and compares it with what was sent and acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use terrarium_proto::energy::v1::{
    IntervalMeteredV1, ReadingCorrectedV1, ReadingQuarantinedV1, RegisterReadV1,
};
use terrarium_proto::feed::v1::{CloudEvent, SubscribeRequest};

use crate::clients::Clients;
use crate::ingest::AckModel;
use crate::readings::ReadingKey;

/// All events of a park, or of all parks when `park` is empty.
///
/// # Panics
/// When the feed fails.
pub async fn read_all(clients: &mut Clients, park: &str) -> Vec<CloudEvent> {
    let request = SubscribeRequest {
        park: park.to_owned(),
        stop_when_caught_up: true,
        ..Default::default()
    };
    let mut batches = clients
        .feed
        .subscribe(request)
        .await
        .expect("the feed answers")
        .into_inner();
    let mut events = Vec::new();
    let mut caught_up = false;
    while let Some(batch) = batches.message().await.expect("the feed goes on") {
        events.extend(batch.events);
        caught_up |= batch.caught_up;
    }
    assert!(caught_up, "the feed ended without saying that all is sent");
    events
}

/// The reading that an event reports or corrects, if it is such an event.
pub fn reading_of(event: &CloudEvent) -> Option<ReadingKey> {
    let data = event.data.clone();
    let reading = match event.r#type.as_str() {
        "terrarium.energy.v1.IntervalMeteredV1" => {
            IntervalMeteredV1::decode(data)
                .expect("a readable event")
                .reading
        }
        "terrarium.energy.v1.RegisterReadV1" => {
            RegisterReadV1::decode(data)
                .expect("a readable event")
                .reading
        }
        "terrarium.energy.v1.ReadingQuarantinedV1" => {
            ReadingQuarantinedV1::decode(data)
                .expect("a readable event")
                .reading
        }
        "terrarium.energy.v1.ReadingCorrectedV1" => {
            ReadingCorrectedV1::decode(data)
                .expect("a readable event")
                .reading
        }
        _ => return None,
    };
    Some(ReadingKey::of_recorded(
        &reading.expect("such an event has its reading"),
    ))
}

/// Passes if the record is sound in itself: no event twice, positions grow, each stream counts 0, 1, 2, ...
///
/// # Panics
/// Otherwise.
pub fn expect_sound(events: &[CloudEvent]) {
    let mut ids = BTreeSet::new();
    let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
    let mut last_position = None;
    for event in events {
        assert!(
            ids.insert(&event.id),
            "event {} is in the record twice",
            event.id
        );
        assert!(
            last_position < Some(event.position),
            "position {} comes after {last_position:?}",
            event.position
        );
        last_position = Some(event.position);
        let expected = revisions.entry(&event.stream).or_default();
        assert_eq!(
            event.revision, *expected,
            "revision of an event in {}",
            event.stream
        );
        *expected += 1;
    }
}

/// Passes if the record holds every acknowledged reading exactly once, and no reading that was never sent.
///
/// Returns the number of readings in the record.
///
/// # Panics
/// Otherwise, with the first reading that differs.
pub fn expect_agrees_with(model: &AckModel, events: &[CloudEvent]) -> usize {
    expect_sound(events);
    let mut stored: BTreeMap<ReadingKey, u64> = BTreeMap::new();
    for key in events.iter().filter_map(reading_of) {
        *stored.entry(key).or_default() += 1;
    }
    for key in model.recorded_keys() {
        match stored.get(&key) {
            Some(1) => {}
            Some(times) => panic!("acknowledged, and {times} times in the record: {key:?}"),
            None => panic!("acknowledged, but not in the record: {key:?}"),
        }
    }
    let sent: BTreeSet<ReadingKey> = model.readings.iter().map(ReadingKey::of_report).collect();
    if let Some(unknown) = stored.keys().find(|key| !sent.contains(key)) {
        panic!("in the record, but never sent: {unknown:?}");
    }
    stored.len()
}
