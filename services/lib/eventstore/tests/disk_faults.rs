//! Power cuts at any moment, and disks that are nearly full.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use support::{Random, all, append, commit, event, ids, scan, wait};
use tempfile::TempDir;
use terrarium_eventlog::FaultyDisk;
use terrarium_eventstore::{
    Append, AppendError, Clock, EventStore, ExpectedRevision, LogSettings, RecordedEvent,
};

/// Appends to a few streams, with new ids.
fn numbered_appends(random: &mut Random, next_id: &mut u128) -> Vec<Append> {
    let mut appends = Vec::new();
    for _ in 0..1 + random.below(4) {
        let stream = format!("s-{}", random.below(5));
        let events = (0..1 + random.below(3))
            .map(|_| {
                *next_id += 1;
                event(*next_id, &"y".repeat(random.below(90) as usize))
            })
            .collect();
        appends.push(Append {
            stream: Arc::from(stream),
            expected: ExpectedRevision::Any,
            events,
        });
    }
    appends
}

/// Appends numbered commits until the power goes, some requests at a time so that groups are staged while others are written;
/// answers what was acknowledged.
fn append_until_crash(store: &EventStore, random: &mut Random, next_id: &mut u128) -> Vec<u128> {
    let mut acknowledged = Vec::new();
    for _ in 0..200 {
        let requests: Vec<_> = (0..1 + random.below(5))
            .map(|_| numbered_appends(random, next_id))
            .collect();
        let mut expected = Vec::new();
        let results = wait(async {
            let mut pending = Vec::new();
            for appends in requests {
                let ids = |append: &Append| {
                    append
                        .events
                        .iter()
                        .map(|event| event.id.as_u128())
                        .collect()
                };
                expected.extend(appends.iter().map(ids));
                pending.push(store.queue(appends).await);
            }
            let mut results = Vec::new();
            for pending in pending {
                results.extend(pending.results().await);
            }
            results
        });
        let expected: Vec<Vec<u128>> = expected;
        let first_failure = results.iter().position(Result::is_err);
        assert!(
            results[first_failure.unwrap_or(results.len())..]
                .iter()
                .all(Result::is_err),
            "something was acknowledged behind what failed: {results:?}"
        );
        for (result, ids) in results.iter().zip(expected) {
            if result.is_ok() {
                acknowledged.extend(ids);
            }
        }
        if first_failure.is_some() {
            break;
        }
    }
    acknowledged
}

#[test]
fn power_cuts_at_random_moments_lose_nothing_acknowledged_and_keep_the_order() {
    let rounds = if std::env::var_os("TERRARIUM_TEST_LONG").is_some() {
        3_000
    } else {
        30
    };
    let settings = LogSettings {
        segment_bytes: 1_500,
        low_disk_bytes: 0,
    };
    for seed in 0..rounds {
        let mut random = Random(seed);
        let folder = TempDir::new().expect("a temporary folder");
        let mut acknowledged = Vec::new();
        let mut next_id = 0;
        for _ in 0..4 {
            let disk = FaultyDisk::new();
            disk.crash_after(1 + random.below(250), random.below(u64::MAX));
            let opened = EventStore::open_settings(&disk, folder.path(), Clock::system(), settings);
            if let Ok((store, _)) = opened {
                acknowledged.extend(append_until_crash(&store, &mut random, &mut next_id));
                store.close();
            } else {
                assert!(disk.has_crashed(), "seed {seed}: {opened:?}");
            }
            disk.power_cut().expect("the real disk works");
            let store = EventStore::open_settings(
                &FaultyDisk::without_syncs(),
                folder.path(),
                Clock::system(),
                settings,
            )
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
            .0;
            let found = all(&store);
            let found_ids = ids(&found);
            assert!(found_ids.is_sorted(), "seed {seed}");
            // What was not acknowledged may be there, but only between and behind what was.
            let mut place = found_ids.iter();
            for id in &acknowledged {
                assert!(place.any(|found| found == id), "seed {seed}: {id} is lost");
            }
            assert!(found_ids.last().is_none_or(|last| *last <= next_id));
            let mut by_stream: BTreeMap<Arc<str>, Vec<RecordedEvent>> = BTreeMap::new();
            for event in &found {
                by_stream
                    .entry(event.stream.clone())
                    .or_default()
                    .push(event.clone());
            }
            for (stream, events) in by_stream {
                let read = store.read_stream(&stream, 0, usize::MAX).expect("readable");
                assert_eq!(read, events, "seed {seed}");
                assert!(
                    events
                        .iter()
                        .zip(0..)
                        .all(|(event, revision)| event.revision == revision)
                );
            }
            store.close();
            let (scanned, error) = scan(folder.path());
            assert!(error.is_none(), "seed {seed}: {error:?}");
            assert_eq!(scanned, found, "seed {seed}");
        }
    }
}

#[test]
fn a_disk_that_is_nearly_full_takes_no_appends_and_takes_them_again_later() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
    assert!(append(&store, vec![commit("a-1", 0, &[1])])[0].is_ok());
    disk.say_free_bytes(LogSettings::DEFAULT_LOW_DISK_BYTES - 1);
    let refused = append(&store, vec![commit("a-1", 1, &[2])]).remove(0);
    assert!(
        matches!(refused, Err(AppendError::StorageFull(_))),
        "{refused:?}"
    );
    assert_eq!(ids(&all(&store)), [1]);
    disk.say_free_bytes(LogSettings::DEFAULT_LOW_DISK_BYTES);
    assert!(append(&store, vec![commit("a-1", 1, &[2])])[0].is_ok());
}
