//! How fast the event store is on this machine, beside the floors of the same run and beside UmaDB on the same work.
//!
//!     cargo run --release -p terrarium-tests --bin storebench [-- --quick] [--tools FOLDER]
//!
//! Servers are the real programs in processes of their own, over TCP; the client is this process, tonic on the protos of the
//! official EventStoreDB clients (and of UmaDB). "without fsync" is the same server on a disk in memory (`/dev/shm`), where
//! fdatasync does nothing. Targets are printed with their verdicts and never asserted: `--quick` does a twentieth of the work
//! and only shows that everything runs. `--tools`: where UmaDB is installed (PyPI, by hash), and kept for the next time.

mod ours;
mod umadb;
mod work;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::StreamExt;
use terrarium_eventstore::{EventStore, ReadError};
use terrarium_proto::feed::v1::feed_service_client::FeedServiceClient;
use terrarium_proto::feed::v1::{Layout, SubscribeRequest};
use terrarium_tests::readings::{made_for_ten_homes, write_csv};
use terrarium_tests::{Park, Seed, command, run};
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use work::{DATA_BYTES, Throughput, Waits};

/// As in the program that is measured, part of which runs in this process too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SYNCS: u64 = 2_000;
/// The disk has nothing to do for so long, or longer, between two appends that come one at a time, and may take longer then.
const PAUSE: Duration = Duration::from_micros(100);
const USAGE: &str = "storebench [--quick] [--tools FOLDER]";
const BLOCK: [u8; 4096] = [7; 4096];

/// How much of each work is done.
#[derive(Clone, Copy)]
struct Amounts {
    one_by_one: usize,
    in_flight_256: usize,
    hundreds: usize,
    subscribed: usize,
    feed_hours: u32,
}

/// Figures of one store.
struct Figures {
    one_by_one: Waits,
    in_flight_256: Throughput,
    in_flight_256_waits: Waits,
    hundreds: Throughput,
    read_all: Throughput,
    subscribed: Waits,
}

fn main() {
    let (mut share, mut tools) = (1, std::env::temp_dir().join("terrarium-umadb"));
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => share = 20,
            "--tools" => match words.next() {
                Some(folder) => tools = PathBuf::from(folder),
                None => refuse("--tools needs a folder"),
            },
            _ => refuse(&format!("unknown argument {word}")),
        }
    }
    let amounts = Amounts {
        one_by_one: 4_000 / share,
        in_flight_256: 200_000 / share,
        hundreds: 10_000 / share,
        subscribed: 2_000 / share,
        feed_hours: 8_760 / share as u32,
    };
    print_machine();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let memory = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let file = scratch.path().join("floor");
    let sync_us = fdatasync_us(&file, Duration::ZERO);
    let paused_us = fdatasync_us(&file, PAUSE);
    println!(
        "floor: fdatasync of 4 KiB, preallocated file: p50 {sync_us:.0} us one after the other, {paused_us:.0} us after a pause \
         of at least {} us",
        PAUSE.as_micros()
    );

    let disk_data = scratch.path().join("ours");
    let disk = on_a_worker(&runtime, measure_ours(disk_data.clone(), amounts));
    println!("load after our store: {}", load());
    let unsynced = on_a_worker(&runtime, measure_ours(memory.path().join("ours"), amounts));
    let umadb_data = scratch.path().join("umadb");
    let umadb = on_a_worker(&runtime, measure_umadb(tools, umadb_data, amounts));
    if let Err(reason) = &umadb {
        println!("UmaDB could not be measured: {reason}");
    }
    println!("load after UmaDB: {}", load());
    let umadb = umadb.ok();
    let page_cache = page_cache_gb_per_s(&disk_data);
    let (replay, owned) = replay(&disk_data);
    let (feed, feed_rows) = runtime.block_on(feed(amounts.feed_hours));

    let round_trip_us = unsynced.one_by_one.p50_us();
    println!("floor: the same append without fsync: p50 {round_trip_us:.0} us\n");
    println!(
        "{:58} {:>14} {:>14} {:>14}  target, and the floor",
        "200-byte events", "ours", "no fsync", "UmaDB 0.7.8"
    );
    let us = |value: f64| format!("{value:.0} us");
    let rate = |value: f64| format!("{value:.0}/s");
    let uma = |figure: &dyn Fn(&Figures) -> String| umadb.as_ref().map_or("-".to_owned(), figure);
    let line = |name: &str, ours: String, unsynced: String, umadb: String, note: String| {
        println!("{name:58} {ours:>14} {unsynced:>14} {umadb:>14}  {note}");
    };
    let p50 = disk.one_by_one.p50_us();
    line(
        "durable append, one at a time, p50",
        us(p50),
        us(round_trip_us),
        uma(&|figures| us(figures.one_by_one.p50_us())),
        format!(
            "{}; {:.2} x (fdatasync after a pause + no fsync)",
            at_most(p50, 250.0),
            p50 / (paused_us + round_trip_us)
        ),
    );
    line(
        "... p99",
        us(disk.one_by_one.p99_us()),
        us(unsynced.one_by_one.p99_us()),
        uma(&|figures| us(figures.one_by_one.p99_us())),
        String::new(),
    );
    let percent = 100.0 * disk.in_flight_256.per_s / unsynced.in_flight_256.per_s;
    line(
        "durable appends, 256 in flight",
        rate(disk.in_flight_256.per_s),
        rate(unsynced.in_flight_256.per_s),
        uma(&|figures| rate(figures.in_flight_256.per_s)),
        format!("{:.0} % of no fsync, {}", percent, at_least(percent, 90.0)),
    );
    line(
        "... p99",
        us(disk.in_flight_256_waits.p99_us()),
        us(unsynced.in_flight_256_waits.p99_us()),
        uma(&|figures| us(figures.in_flight_256_waits.p99_us())),
        String::new(),
    );
    line(
        "events in durable appends of 100, 16 in flight",
        rate(disk.hundreds.per_s),
        rate(unsynced.hundreds.per_s),
        uma(&|figures| rate(figures.hundreds.per_s)),
        at_least(disk.hundreds.per_s, 400_000.0),
    );
    line(
        "reading all events over gRPC",
        rate(disk.read_all.per_s),
        rate(unsynced.read_all.per_s),
        uma(&|figures| rate(figures.read_all.per_s)),
        format!(
            "{} ({} events)",
            at_least(disk.read_all.per_s, 500_000.0),
            disk.read_all.count
        ),
    );
    let subscribed = disk.subscribed.p50_us();
    line(
        "append to a subscriber to all events, p50",
        us(subscribed),
        us(unsynced.subscribed.p50_us()),
        uma(&|figures| us(figures.subscribed.p50_us())),
        format!(
            "{}; p99 {:.0} us",
            at_most(subscribed, 500.0),
            disk.subscribed.p99_us()
        ),
    );
    line(
        "replay in process",
        rate(replay.per_s),
        "-".to_owned(),
        "-".to_owned(),
        format!(
            "{}; {:.2} GB/s of data, floor {:.1} GB/s read from the page cache",
            at_least(replay.per_s, 10e6),
            replay.per_s * DATA_BYTES as f64 / 1e9,
            page_cache
        ),
    );
    line(
        "... page by page, as events to keep",
        rate(owned.per_s),
        "-".to_owned(),
        "-".to_owned(),
        String::new(),
    );
    line(
        "reading through our batched Feed (metered readings)",
        rate(feed.per_s),
        "-".to_owned(),
        "-".to_owned(),
        format!(
            "{} ({} events, in columns)",
            at_least(feed.per_s, 1e6),
            feed.count
        ),
    );
    line(
        "... one message an event",
        rate(feed_rows.per_s),
        "-".to_owned(),
        "-".to_owned(),
        String::new(),
    );
    println!("\nload at the end: {}", load());
}

fn at_most(value: f64, target: f64) -> String {
    let verdict = if value <= target { "met" } else { "MISSED" };
    format!("at most {target:.0}: {verdict}")
}

fn at_least(value: f64, target: f64) -> String {
    let verdict = if value >= target { "met" } else { "MISSED" };
    format!("at least {target:.0}: {verdict}")
}

/// Runs a client where its connections are served: from the main thread every answer would cost two more switches of threads.
fn on_a_worker<T: Send + 'static>(
    runtime: &Runtime,
    client: impl Future<Output = T> + Send + 'static,
) -> T {
    let outcome = runtime.block_on(runtime.spawn(client));
    outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

async fn measure_ours(data: PathBuf, amounts: Amounts) -> Figures {
    let server = ours::Server::start(&data);
    let mut client = server.client().await;
    client.append(amounts.one_by_one / 10 + 1, 1, 1).await;
    let (_, one_by_one) = client.append(amounts.one_by_one, 1, 1).await;
    let (in_flight_256, in_flight_256_waits) = client.append(amounts.in_flight_256, 1, 256).await;
    let (hundreds, _) = client.append(amounts.hundreds, 100, 16).await;
    let subscribed = client.append_to_subscriber(amounts.subscribed).await;
    let read_all = client.read_all().await;
    server.stop();
    Figures {
        one_by_one,
        in_flight_256,
        in_flight_256_waits,
        hundreds,
        read_all,
        subscribed,
    }
}

async fn measure_umadb(tools: PathBuf, data: PathBuf, amounts: Amounts) -> Result<Figures, String> {
    let mut server = umadb::Server::start(&tools, &data)?;
    let mut client = server.client().await?;
    client.append(amounts.one_by_one / 10 + 1, 1, 1).await;
    let (_, one_by_one) = client.append(amounts.one_by_one, 1, 1).await;
    let (in_flight_256, in_flight_256_waits) = client.append(amounts.in_flight_256, 1, 256).await;
    let (hundreds, _) = client.append(amounts.hundreds, 100, 16).await;
    let subscribed = client.append_to_subscriber(amounts.subscribed).await;
    let read_all = client.read_all().await;
    Ok(Figures {
        one_by_one,
        in_flight_256,
        in_flight_256_waits,
        hundreds,
        read_all,
        subscribed,
    })
}

/// Every event from the log into a sum, in this process: as views into what was read, and page by page as events to keep.
fn replay(data: &Path) -> (Throughput, Throughput) {
    let (store, _) = EventStore::open(data).expect("the store was stopped");
    let (mut events, mut sum) = (0, 0_u64);
    let started = Instant::now();
    let mut walk = store.replay(None).expect("an undamaged log");
    let walked = walk.each(|event| {
        events += 1;
        sum += u64::from(event.data[0]);
        Ok::<(), ReadError>(())
    });
    let views = Throughput::of(events, started.elapsed());
    walked.expect("an undamaged log");
    assert_eq!(sum, events as u64 * 7, "every event's own data");

    let (mut events, mut sum) = (0, 0_u64);
    let started = Instant::now();
    let mut after = None;
    loop {
        let page = store
            .read_all(after, 16_384, 4 << 20)
            .expect("an undamaged log");
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        events += page.len();
        sum += page
            .iter()
            .map(|event| u64::from(event.data[0]))
            .sum::<u64>();
    }
    let owned = Throughput::of(events, started.elapsed());
    assert_eq!(sum, events as u64 * 7, "every event's own data");
    (views, owned)
}

/// All of a park's record through the Feed, in columns and as one message an event.
async fn feed(hours: u32) -> (Throughput, Throughput) {
    let mut park = Park::of_ten_homes();
    park.start();
    let file = park.scratch("readings.csv");
    write_csv(&file, &made_for_ten_homes(&mut Seed::of(0), hours));
    park.import_readings(&file, &["--park", "zne-homes"], 0);
    let mut feed = park.clients().await.feed;
    let reading = tokio::spawn(async move {
        let columns = read_feed(&mut feed, Layout::Columns).await;
        (columns, read_feed(&mut feed, Layout::Events).await)
    });
    let (columns, rows) = reading.await.expect("it does not panic");
    assert!(
        rows.count >= columns.count,
        "the same events either way, and perhaps newer ones"
    );
    park.stop();
    (columns, rows)
}

async fn read_feed(feed: &mut FeedServiceClient<Channel>, layout: Layout) -> Throughput {
    let request = SubscribeRequest {
        stop_when_caught_up: true,
        layout: layout.into(),
        ..SubscribeRequest::default()
    };
    let started = Instant::now();
    let mut batches = feed
        .subscribe(request)
        .await
        .expect("the feed answers")
        .into_inner();
    let mut events = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch.expect("it goes on");
        let columns = batch.columns.unwrap_or_default();
        let data: usize = columns.data_bytes.iter().map(|bytes| *bytes as usize).sum();
        assert_eq!(data, columns.data.len(), "every payload");
        events += batch.events.len() + columns.positions.len();
    }
    Throughput::of(events, started.elapsed())
}

fn refuse(what: &str) -> ! {
    eprintln!("{what}\n{USAGE}");
    std::process::exit(2)
}

/// Writes 4 KiB over what is there already and waits until it is on disk, again and again with a pause between.
fn fdatasync_us(path: &Path, pause: Duration) -> f64 {
    let file = File::create(path).expect("the scratch folder is writable");
    for block in 0..SYNCS {
        file.write_all_at(&BLOCK, block * BLOCK.len() as u64)
            .expect("there is space");
    }
    file.sync_all().expect("the disk works");
    let mut waits = Waits::default();
    for block in 0..SYNCS {
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        let started = Instant::now();
        file.write_all_at(&BLOCK, block * BLOCK.len() as u64)
            .expect("it is there");
        file.sync_data().expect("the disk works");
        waits.add(started.elapsed());
    }
    waits.p50_us()
}

/// Reads all files of the log twice, in pieces of 1 MiB: how fast the second time, when all of it is in the page cache and was
/// looked at before.
fn page_cache_gb_per_s(data: &Path) -> f64 {
    let read_all = || {
        let mut buffer = vec![0; 1 << 20];
        let (mut bytes, started) = (0, Instant::now());
        for entry in std::fs::read_dir(data.join("log")).expect("a log folder") {
            let file = File::open(entry.expect("readable").path()).expect("readable");
            let mut offset = 0;
            loop {
                let read = file.read_at(&mut buffer, offset).expect("readable");
                if read == 0 {
                    break;
                }
                offset += read as u64;
            }
            bytes += offset;
        }
        let elapsed = started.elapsed().max(Duration::from_micros(1));
        bytes as f64 / elapsed.as_secs_f64() / 1e9
    };
    read_all();
    read_all()
}

fn print_machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine:   {model}, {cores} cores");
    println!(
        "terrarium: {}",
        run(command().arg("--version")).stdout.trim()
    );
    println!("load:      {}", load());
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
