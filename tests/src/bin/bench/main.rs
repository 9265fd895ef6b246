//! How fast it is on this machine, beside the floors of the same run.
//!
//!     cargo run --release -p terrarium-tests --bin bench [-- --check]
//!
//! The server is the real program in its own process; the import is the real client in another, over TCP. With `--check` it
//! ends with 1 when a target is missed.

mod floors;
mod latency;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use terrarium_eventstore::Scan;
use terrarium_tests::readings::{made_for_ten_homes, write_csv};
use terrarium_tests::{Park, Seed, command, processes, repository, run, zne_homes_folder};

use table::Table;

const PARK: &str = "zne-homes";
const IMPORTS: usize = 3;
const IMPORT_TARGET_S: f64 = 5.0;
const P50_TARGET_MS: f64 = 2.0;
const P99_TARGET_MS: f64 = 10.0;
const MEMORY_TARGET_MB: f64 = 300.0;

fn main() -> ExitCode {
    let check = std::env::args().skip(1).any(|word| word == "--check");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    print_machine();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let readings = readings_file(scratch.path());

    let mut table = Table::default();
    let mut park = started_park();
    // Before anything else is written: what the imports leave to be written back slows every fsync for a while.
    let fdatasync = floors::fdatasync_4_kib(park.data());
    let (round_trip, publish) = runtime.block_on(async {
        let endpoint = park.endpoint();
        (
            floors::grpc_round_trip(&endpoint.grpc).await,
            floors::jetstream_publish(&endpoint.nats).await,
        )
    });
    table.floor("fdatasync of 4 KiB on the data disk", &fdatasync);
    table.floor("unary gRPC round trip (health check)", &round_trip);
    table.floor("JetStream publish with ack, 512 bytes", &publish);

    let mut imports: Vec<Import> = (0..IMPORTS).map(|_| import_once(&readings)).collect();
    let import = import_into(&park, &readings);
    let through_position = import.through_position;
    imports.push(import);
    imports.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    let median = &imports[imports.len() / 2];
    let all: Vec<String> = imports
        .iter()
        .map(|import| format!("{:.2}", import.seconds))
        .collect();
    table.target(
        "import, client process included",
        median.seconds,
        "s",
        IMPORT_TARGET_S,
    );
    table.note("all imports, sorted", &format!("{} s", all.join(", ")));
    let readings_per_s = median.readings as f64 / median.seconds;
    table.note("readings per second", &format!("{readings_per_s:.0}"));
    let bound = 1e6 / publish.p50_us;
    table.note(
        "... for each JetStream publish one could wait for",
        &format!("{:.1}", readings_per_s / bound),
    );
    table.note(
        "server's processor time of an import",
        &format!("{:.2} s", median.server_cpu_s),
    );

    let pid = park.pid();
    let memory_mb = |pid: u32, field: &str| {
        processes::memory_bytes(pid, field).map_or(f64::NAN, |bytes| bytes as f64 / 1e6)
    };
    let after_import = memory_mb(pid, "VmRSS");
    table.floor(
        "fdatasync of 4 KiB again, after the imports",
        &floors::fdatasync_4_kib(park.data()),
    );
    let latency = runtime.block_on(latency::reading_in_to_ledger_line_out(&park));
    let floor_ms = (fdatasync.p50_us + round_trip.p50_us + publish.p50_us) / 1e3;
    let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1e3;
    let rate = latency::READINGS_PER_S;
    table.target(
        &format!("reading in to ledger line out, {rate}/s, p50"),
        ms(0.5),
        "ms",
        P50_TARGET_MS,
    );
    table.target(
        &format!("reading in to ledger line out, {rate}/s, p99"),
        ms(0.99),
        "ms",
        P99_TARGET_MS,
    );
    table.note("... p99.9", &format!("{:.2} ms", ms(0.999)));
    table.note(
        "... longest",
        &format!("{:.2} ms", latency.max() as f64 / 1e3),
    );
    table.note(
        "... p50 for each sum of the three floors",
        &format!("{:.2}", ms(0.5) / floor_ms),
    );

    table.target(
        "memory of all roles, after the import",
        after_import,
        "MB",
        MEMORY_TARGET_MB,
    );
    table.target(
        "memory of all roles, highest",
        memory_mb(pid, "VmHWM"),
        "MB",
        MEMORY_TARGET_MB,
    );
    for nats in processes::nats_servers_under(park.data()) {
        table.note(
            "memory of nats-server, highest",
            &format!("{:.0} MB", memory_mb(nats, "VmHWM")),
        );
    }
    park.stop();
    let (events_per_sync, log_mb) = log_figures(park.data(), through_position);
    table.note("events per fsync, import", &format!("{events_per_sync:.0}"));
    table.note("log after it", &format!("{log_mb:.1} MB"));
    table.note("load average at the end", &first_line("/proc/loadavg"));
    table.print();
    if check && table.any_missed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

struct Import {
    seconds: f64,
    through_position: u64,
    readings: u64,
    server_cpu_s: f64,
}

fn started_park() -> Park {
    let mut park = Park::of_ten_homes();
    park.start();
    if let Some(folder) = zne_homes_folder() {
        let factors = repository().join("deploy/factors/zne-homes.toml");
        let series = folder.join("grid_intensity.csv");
        let words = [
            "import",
            "factors",
            &factors.to_string_lossy(),
            "--park",
            PARK,
            "--series",
            &series.to_string_lossy(),
        ];
        park.cli(&words).expect_code(0);
    }
    park
}

fn import_once(readings: &Path) -> Import {
    let mut park = started_park();
    let import = import_into(&park, readings);
    park.stop();
    import
}

fn import_into(park: &Park, readings: &Path) -> Import {
    let cpu_before = processes::cpu_seconds(park.pid()).unwrap_or(0.0);
    let started = Instant::now();
    let summary = park.import_readings(readings, &["--park", PARK], 0);
    let seconds = started.elapsed().as_secs_f64();
    let readings = summary["readings"].as_u64().expect("a number");
    assert_eq!(summary["recorded"], readings, "{summary}");
    let server_cpu_s = processes::cpu_seconds(park.pid()).unwrap_or(0.0) - cpu_before;
    let through_position = summary["through_position"].as_u64().expect("a position");
    park.state_at(through_position);
    Import {
        seconds,
        through_position,
        readings,
        server_cpu_s,
    }
}

/// The ten homes' year, or as many made readings.
fn readings_file(scratch: &Path) -> PathBuf {
    match zne_homes_folder() {
        Some(folder) => folder.join("readings.csv"),
        None => {
            println!("made readings are imported instead");
            let file = scratch.join("readings.csv");
            write_csv(&file, &made_for_ten_homes(&mut Seed::of(0), 8_760));
            file
        }
    }
}

/// Events per group commit up to a position, which is one fsync each, and the log's size in MB.
fn log_figures(data: &Path, through_position: u64) -> (f64, f64) {
    let files =
        terrarium_eventlog::LogFiles::open(&data.join("log")).expect("the log is undamaged");
    let frames = files.frames(1 << 20);
    let bytes = frames.end();
    let frames = frames.map(|frame| frame.expect("an undamaged log"));
    let mut batches: Vec<u64> = frames
        .take_while(|frame| frame.position <= through_position)
        .map(|frame| frame.batch)
        .collect();
    batches.dedup();
    let events = Scan::open(data)
        .expect("an undamaged log")
        .map(|event| event.expect("an undamaged log").position.0);
    let events = events
        .take_while(|position| *position <= through_position)
        .count();
    (
        events as f64 / batches.len().max(1) as f64,
        bytes as f64 / 1e6,
    )
}

fn print_machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "machine:      {model}, {cores} cores, kernel {}",
        first_line("/proc/sys/kernel/osrelease")
    );
    println!(
        "terrarium:    {}",
        run(command().arg("--version")).stdout.trim()
    );
    println!(
        "nats-server:  {}",
        run(Command::new("nats-server").arg("--version"))
            .stdout
            .trim()
    );
    println!("load average: {}", first_line("/proc/loadavg"));
}

fn first_line(path: &str) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
