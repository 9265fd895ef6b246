//! How large a store may be: opening, memory, replay and the first read after a kill. Small by default; the full sizes need
//! `TERRARIUM_TEST_LONG=1`, a release build and 15 GB of disk (`TERRARIUM_TEST_LARGE_FOLDER` says where).

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use support::wait;
use tempfile::TempDir;
use terrarium_eventlog::FaultyDisk;
use terrarium_eventstore::{
    Clock, ContentType, EventStore, LogSettings, ProposedCommit, ProposedEvent, ReadError,
};
use uuid::Uuid;

/// Set in the process that opens and reads; its value is the folder.
const READER: &str = "TERRARIUM_TEST_LARGE_READER";

/// One at a time: each measures, and the large sizes fit the disk one by one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_long() -> bool {
    std::env::var_os("TERRARIUM_TEST_LONG").is_some()
}

fn scratch() -> TempDir {
    let parent = std::env::var_os("TERRARIUM_TEST_LARGE_FOLDER");
    let parent = parent.map_or_else(std::env::temp_dir, PathBuf::from);
    TempDir::new_in(parent).expect("a temporary folder")
}

/// 200 bytes of data and metadata.
fn event_of_200_bytes(number: u64) -> ProposedEvent {
    let mut data = [7u8; 180];
    data[..8].copy_from_slice(&number.to_le_bytes());
    ProposedEvent {
        id: Uuid::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number),
        event_type: Arc::from(["metered", "weighed", "charged"][(number % 3) as usize]),
        content_type: ContentType::Binary,
        data: Bytes::copy_from_slice(&data),
        metadata: Bytes::from_static(&[b' '; 20]),
    }
}

/// Writes commits of `per_commit` events, `streams` streams in turn, and answers when it is durable.
fn fill(store: &EventStore, events: u64, streams: u64, per_commit: u64) {
    let commits = events / per_commit;
    wait(async {
        let mut next = 0;
        while next < commits {
            let until = commits.min(next + 4096);
            let batch = (next..until)
                .map(|commit| ProposedCommit {
                    stream: Arc::from(format!("meter-{:07}", commit % streams)),
                    expected_revision: commit / streams * per_commit,
                    events: (0..per_commit)
                        .map(|ordinal| event_of_200_bytes(commit * per_commit + ordinal))
                        .collect(),
                })
                .collect();
            for result in store.append(batch).await {
                result.expect("appended");
            }
            next = until;
        }
    });
}

fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.expect("the kernel tells the peak of memory") / 1024
}

/// Time that this thread had a processor, whatever else the machine does.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Asks the kernel to forget what it keeps of these files: as good as a dropped page cache for them.
fn drop_page_cache(folder: &Path) {
    for entry in std::fs::read_dir(folder.join("log")).expect("a log") {
        let file = std::fs::File::open(entry.expect("an entry").path()).expect("a file");
        file.sync_all().expect("the disk works");
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advised");
    }
    // Directories and inodes too, where this process may.
    let _ = std::fs::write("/proc/sys/vm/drop_caches", "3");
}

/// Runs a test of this file again in a process of its own, so that memory and caches are its own.
fn read_in_own_process(test: &str, folder: &Path) {
    let outcome = Command::new(std::env::current_exe().expect("a running program has a path"))
        .args(["--exact", test, "--nocapture"])
        .env(READER, folder)
        .status()
        .expect("it runs");
    assert!(outcome.success(), "{outcome}");
}

#[test]
fn ten_million_events_in_a_million_streams_open_quickly_in_little_memory() {
    let (events, streams, limit) = if is_long() {
        (10_000_000, 1_000_000, Duration::from_secs(2))
    } else {
        (20_000, 2_000, Duration::from_secs(60))
    };
    if let Some(folder) = std::env::var_os(READER) {
        let (started, began) = (Instant::now(), processor_time());
        let (store, recovery) = EventStore::open(Path::new(&folder)).expect("the store opens");
        let opened = started.elapsed();
        println!("opening had a processor for {:?}", processor_time() - began);
        let first = Instant::now();
        let page = store
            .read_stream("meter-0000007", 0, 100)
            .expect("readable");
        let first_stream = first.elapsed();
        assert_eq!(page.len() as u64, events / streams);
        println!(
            "{events} events in {streams} streams: open {opened:?}, first stream {first_stream:?}, {} sealed segments, \
             peak memory {} MiB",
            recovery.sealed_segments,
            peak_memory_mib()
        );
        assert_eq!(store.statistics().events, events);
        assert_eq!(store.statistics().streams, streams);
        assert!(opened < limit, "{opened:?}");
        for stream in (0..streams).step_by(streams as usize / 50) {
            let name = format!("meter-{stream:07}");
            assert_eq!(store.stream_revision(&name), events / streams);
        }
        let started = Instant::now();
        assert_eq!(store.stream_revision("meter-none"), 0);
        println!("a stream that is not there: {:?}", started.elapsed());
        assert!(peak_memory_mib() < 1024, "{} MiB", peak_memory_mib());
        return;
    }
    let _alone = alone();
    let folder = scratch();
    let settings = LogSettings {
        segment_bytes: if is_long() {
            LogSettings::DEFAULT_SEGMENT_BYTES
        } else {
            1 << 20
        },
        ..LogSettings::default()
    };
    let disk = FaultyDisk::without_syncs();
    let (store, _) = EventStore::open_settings(&disk, folder.path(), Clock::system(), settings)
        .expect("an empty store opens");
    let started = Instant::now();
    fill(&store, events, streams, 1);
    println!("written without syncs in {:?}", started.elapsed());
    store.close();
    read_in_own_process(
        "ten_million_events_in_a_million_streams_open_quickly_in_little_memory",
        folder.path(),
    );
}

#[test]
fn after_a_kill_under_load_the_first_read_comes_at_once_also_from_a_cold_disk() {
    let bytes: u64 = if is_long() { 10 << 30 } else { 6 << 20 };
    let name = "after_a_kill_under_load_the_first_read_comes_at_once_also_from_a_cold_disk";
    if let Some(folder) = std::env::var_os(READER) {
        let folder = Path::new(&folder);
        match std::env::var("TERRARIUM_TEST_LARGE_PART").as_deref() {
            Ok("write") => {
                let (store, _) = EventStore::open(folder).expect("the store opens");
                fill(&store, u64::MAX / 2, 20_000, 10);
            }
            _ => {
                let (started, began) = (Instant::now(), processor_time());
                let (store, recovery) = EventStore::open(folder).expect("the store opens");
                let opened = started.elapsed();
                println!("opening had a processor for {:?}", processor_time() - began);
                let last = store.last_position().expect("an event");
                let event = store.event_at(last).expect("readable");
                let first_read = started.elapsed();
                let page = store.read_stream(&event.stream, 0, 10).expect("readable");
                let first_stream = started.elapsed();
                assert_eq!(page.len(), 10);
                println!(
                    "after SIGKILL, {:.1} GB, cold: open {opened:?}, first read {first_read:?}, first stream from its start \
                     {first_stream:?}; {} sealed segments, {} frames, torn {:?}, peak memory {} MiB",
                    recovery.durable_bytes as f64 / 1e9,
                    recovery.sealed_segments,
                    recovery.frames,
                    recovery.torn_tail.map(|torn| torn.bytes),
                    peak_memory_mib()
                );
                let limit = if is_long() { 100 } else { 60_000 };
                assert!(first_read < Duration::from_millis(limit), "{first_read:?}");
            }
        }
        return;
    }
    let _alone = alone();
    let folder = scratch();
    let mut writer = Command::new(std::env::current_exe().expect("a running program has a path"))
        .args(["--exact", name, "--nocapture"])
        .env(READER, folder.path())
        .env("TERRARIUM_TEST_LARGE_PART", "write")
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    let log = folder.path().join("log");
    let started = Instant::now();
    // The space ahead of what is written is zero.
    let is_written = || {
        use std::os::unix::fs::FileExt as _;
        let bases = terrarium_eventlog::list_segments(&log).unwrap_or_default();
        let Some(base) = bases.into_iter().rfind(|base| *base <= bytes) else {
            return false;
        };
        let mut there = [0; 4096];
        let path = log.join(terrarium_eventlog::segment_file_name(base));
        let read =
            std::fs::File::open(path).and_then(|file| file.read_at(&mut there, bytes - base));
        read.is_ok_and(|read| there[..read].iter().any(|byte| *byte != 0))
    };
    while !is_written() {
        assert!(started.elapsed() < Duration::from_secs(1_200), "too slow");
        assert!(
            writer.try_wait().expect("a child").is_none(),
            "it ended by itself"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
    println!(
        "{:.1} GB written durably in {:?}",
        bytes as f64 / 1e9,
        started.elapsed()
    );
    writer.kill().expect("killed");
    writer.wait().expect("ended");
    drop_page_cache(folder.path());
    read_in_own_process(name, folder.path());
}

#[test]
fn replay_is_as_fast_as_memory_allows() {
    let _alone = alone();
    let events: u64 = if is_long() { 8_000_000 } else { 20_000 };
    for per_commit in [1, 100] {
        let folder = scratch();
        let disk = FaultyDisk::without_syncs();
        let (store, _) = EventStore::open_on(&disk, folder.path()).expect("an empty store opens");
        fill(&store, events, 10_000.min(events / per_commit), per_commit);
        let bytes = store.statistics().bytes;
        for _ in 0..2 {
            let (started, began) = (Instant::now(), processor_time());
            let (mut seen, mut sum) = (0u64, 0u64);
            let mut replay = store.replay(None).expect("readable");
            replay
                .each(|event| {
                    seen += 1;
                    sum = sum.wrapping_add(u64::from(event.data[0]) ^ event.revision);
                    Ok::<_, ReadError>(())
                })
                .expect("readable");
            let seconds = started.elapsed().as_secs_f64();
            let busy = (processor_time() - began).as_secs_f64();
            assert_eq!(seen, events);
            println!(
                "replay, {per_commit} events a commit: {:.1} million events/s, {:.2} GB/s; of processor time {:.1} million, \
                 {:.2} GB (sum {sum})",
                events as f64 / 1e6 / seconds,
                bytes as f64 / 1e9 / seconds,
                events as f64 / 1e6 / busy,
                bytes as f64 / 1e9 / busy
            );
        }
        store.close();
    }
}
