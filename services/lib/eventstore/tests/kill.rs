//! A process that appends is killed with SIGKILL at random moments: what it was told is durable is there, in order, once.
//!
//! Ten kills by default, 500 with `TERRARIUM_TEST_LONG=1`.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{all, event, ids, scan, wait};
use tempfile::TempDir;
use terrarium_eventlog::RealDisk;
use terrarium_eventstore::{Append, Clock, EventStore, ExpectedRevision, LogSettings};

/// Set in the process that is killed; its value is the data folder.
const APPENDER: &str = "TERRARIUM_TEST_APPENDER";
const FIRST_ID: &str = "TERRARIUM_TEST_FIRST_ID";
const NAME: &str = "a_killed_store_has_everything_that_it_acknowledged_and_nothing_else";
const STREAMS: u128 = 7;

/// Segments of a few groups, so that kills hit sealing too.
const SETTINGS: LogSettings = LogSettings {
    segment_bytes: 6_000,
    low_disk_bytes: 0,
};

fn open(folder: &Path) -> EventStore {
    EventStore::open_settings(&RealDisk, folder, Clock::system(), SETTINGS)
        .expect("the store opens")
        .0
}

/// Appends until it is killed, and tells each id that is durable.
fn append_for_ever(folder: &Path) {
    let first: u128 = std::env::var(FIRST_ID)
        .expect("it is set")
        .parse()
        .expect("a number");
    let store = open(folder);
    let mut out = std::io::stdout();
    for group in 0.. {
        let ids: Vec<u128> = (0..1 + group % 5)
            .map(|place| first + group * 5 + place)
            .collect();
        let appends = ids
            .iter()
            .map(|id| Append {
                stream: Arc::from(format!("s-{}", id % STREAMS)),
                expected: ExpectedRevision::Any,
                events: vec![event(*id, &"z".repeat((id % 90) as usize))],
            })
            .collect();
        let results = wait(async { store.queue(appends).await.results().await });
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        for id in ids {
            writeln!(out, "durable {id}").expect("somebody listens");
        }
    }
}

#[test]
fn a_killed_store_has_everything_that_it_acknowledged_and_nothing_else() {
    if let Some(folder) = std::env::var_os(APPENDER) {
        return append_for_ever(Path::new(&folder));
    }
    let rounds = if std::env::var_os("TERRARIUM_TEST_LONG").is_some() {
        500
    } else {
        10
    };
    let folder = TempDir::new().expect("a temporary folder");
    let mut acknowledged: Vec<u128> = Vec::new();
    let mut seed = 1u64;
    for round in 0..rounds {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(round);
        let lives_for = Duration::from_micros(300 + (seed >> 33) % 60_000);
        let first = 1 + u128::from(round) * 10_000_000;
        let told = append_and_kill(folder.path(), first, lives_for);
        acknowledged.extend(told);
        let store = open(folder.path());
        let found = all(&store);
        let found_ids = ids(&found);
        assert!(found_ids.is_sorted(), "round {round}");
        let mut place = found_ids.iter();
        for id in &acknowledged {
            assert!(
                place.any(|found| found == id),
                "round {round}: {id} is lost"
            );
        }
        let last_group = acknowledged.last().map_or(first, |last| last + 10);
        assert!(
            found_ids
                .last()
                .is_none_or(|last| *last <= last_group.max(first + 10)),
            "round {round}: an event was invented"
        );
        let mut revisions: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        for event in &found {
            let next = revisions.entry(event.stream.clone()).or_default();
            assert_eq!(event.revision, *next, "round {round}");
            *next += 1;
        }
        store.close();
    }
    let (scanned, error) = scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    println!(
        "{rounds} kills: {} events acknowledged, {} found",
        acknowledged.len(),
        scanned.len()
    );
    assert!(acknowledged.len() > rounds as usize);
}

/// Runs an appender for a while after its first word; answers which ids it said are durable.
fn append_and_kill(folder: &Path, first: u128, lives_for: Duration) -> Vec<u128> {
    let mut appender = Command::new(std::env::current_exe().expect("a running program has a path"))
        .args(["--exact", NAME, "--nocapture"])
        .env(APPENDER, folder)
        .env(FIRST_ID, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(appender.stdout.take().expect("it was piped")).lines();
    let mut told = Vec::new();
    let mut kill_at = None;
    for line in lines {
        // The test's own words are in between; the last line may be cut.
        let id = line.expect("text").strip_prefix("durable ").map(str::parse);
        if let Some(Ok(id)) = id {
            told.push(id);
            let at = *kill_at.get_or_insert_with(|| Instant::now() + lives_for);
            if Instant::now() >= at {
                // What it says until it is dead is in the pipe and is read too.
                let _ = appender.kill();
            }
        }
    }
    appender.wait().expect("it ended");
    told
}
