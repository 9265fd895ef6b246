//! A park's life in hourly intervals, through every service, the bus, the store, the projector and the alarms: what happened in
//! the first hours can still be asked for and corrected, and from the fifth year on memory grows within a bound.
//!
//! The far past lies on the shelf: readings, sums by day and by hour, histories. What still grows, by a heap profile from before
//! the sums went there, are things that a park has some of every day: collections, sessions, streams that the recorder knows,
//! water samples.
//!
//! 100 days by default, which say nothing of memory; 25 years with `TERRARIUM_TEST_LONG=1` (a release build), or as many as
//! `TERRARIUM_TEST_YEARS` says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use terrarium_proto::clock::v1::GetNowRequest;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_tests::processes::memory_bytes;
use terrarium_tests::{Park, is_long, repository};

const FIRST_YEAR: i64 = 2025;
/// Beijing's.
const OFFSET_S: i64 = 8 * 3_600;
/// What has to be in memory is there after so many years.
const YEARS_OF_GROWTH: i64 = 5;
/// The server may have grown by this much from then to the last year.
const MOST_GROWTH_OF_25_YEARS: f64 = 1.6;

/// What a year left behind.
#[derive(Debug, Clone, Copy)]
struct Year {
    number: i64,
    elapsed: Duration,
    server_mb: u64,
    nats_mb: u64,
    events: u64,
}

fn haotian() -> PathBuf {
    repository().join("deploy/parks/haotian.toml")
}

/// Date of the end of its life.
fn end_of_life() -> String {
    let years = std::env::var("TERRARIUM_TEST_YEARS").ok();
    let years = match years {
        Some(years) => years
            .parse()
            .expect("TERRARIUM_TEST_YEARS is a number of years"),
        None if is_long() => 25,
        None => return format!("{FIRST_YEAR}-04-11"),
    };
    format!("{}-01-01", FIRST_YEAR + years)
}

/// Years that have passed at a moment.
fn years_lived(now_s: i64) -> i64 {
    let start_s = |year: i64| {
        let leap_days = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - 477;
        ((year - 1970) * 365 + leap_days) * 86_400 - OFFSET_S
    };
    (0..)
        .take_while(|lived| start_s(FIRST_YEAR + lived + 1) <= now_s)
        .count() as i64
}

async fn now_s(clock: &mut ClockServiceClient<tonic::transport::Channel>) -> Option<i64> {
    let request = GetNowRequest {
        park: "haotian".to_owned(),
    };
    let now_ms = clock.get_now(request).await.ok()?.into_inner().now_ms?;
    Some(now_ms.div_euclid(1_000))
}

fn mb(pid: u32) -> u64 {
    memory_bytes(pid, "VmRSS").map_or(0, |bytes| bytes >> 20)
}

/// Lives on until the end, and measures after every year.
async fn live(park: &Arc<Park>, to: String) -> (Json, Vec<Year>) {
    let started = Instant::now();
    let run = tokio::task::spawn_blocking({
        let park = Arc::clone(park);
        move || {
            let file = haotian();
            let file = file.to_str().expect("a path of plain letters");
            let words = [
                "simulate",
                "--format",
                "json",
                "--park",
                file,
                "--from",
                "2025-01-01",
                "--to",
                &to,
                "--interval",
                "1h",
                "--batch",
                "--together",
                "24",
            ];
            park.cli(&words).expect_code(0).json()
        }
    });
    let mut clock = ClockServiceClient::new(park.clients().await.channel);
    let endpoint = park.endpoint();
    let mut years: Vec<Year> = Vec::new();
    let mut look = tokio::time::interval(Duration::from_millis(250));
    loop {
        look.tick().await;
        let is_over = run.is_finished();
        let year = now_s(&mut clock).await.map_or(0, years_lived);
        if year > years.last().map_or(0, |newest| newest.number) {
            let measured = Year {
                number: year,
                elapsed: started.elapsed(),
                server_mb: mb(endpoint.pid),
                nats_mb: endpoint.nats_pid.map_or(0, mb),
                events: park.state().events,
            };
            println!(
                "year {:>2}: {:>10} events, {:>6.1} min, {:>7.0} events/s, server {} MB, nats-server {} MB",
                measured.number,
                measured.events,
                measured.elapsed.as_secs_f64() / 60.0,
                measured.events as f64 / measured.elapsed.as_secs_f64(),
                measured.server_mb,
                measured.nats_mb
            );
            years.push(measured);
        }
        if is_over {
            return (run.await.expect("it ran"), years);
        }
    }
}

/// Every value of the twin, a line each.
fn moment(park: &Park, at: &str) -> String {
    park.cli(&[
        "twin", "snapshot", "--format", "json", "--park", "haotian", "--at", at,
    ])
    .expect_code(0)
    .stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_leaves_its_first_hours_in_reach_and_a_long_one_memory_within_a_bound() {
    let to = end_of_life();
    let mut park = Park::new(&[]);
    park.start();
    let first_hours = "2025-01-01T06:00:00+08:00";
    let park = Arc::new(park);
    let (summary, years) = live(&park, to.clone()).await;
    assert_eq!(summary["rejected"].as_u64(), Some(0), "{summary}");
    assert_eq!(summary["not_taken"].as_u64(), Some(0), "{summary}");
    let state = park.state();
    println!(
        "until {to}: {} reports, {} events, {:.1} min, {} MB at most",
        summary["recorded"],
        state.events,
        summary["seconds"].as_f64().unwrap_or(0.0) / 60.0,
        memory_bytes(park.pid(), "VmHWM").map_or(0, |bytes| bytes >> 20)
    );

    // The first hours: as they were, and open to a correction, though no service has them at hand any more.
    let before = moment(&park, first_hours);
    let corrected = park.scratch("corrected.csv");
    std::fs::write(
        &corrected,
        "interval_start,interval_seconds,meter,quantity,value,unit\n\
         2025-01-01T05:00:00+08:00,3600,toilet-building.load,active_energy,0.123,kWh\n",
    )
    .expect("a file");
    let file = corrected.to_str().expect("a path of plain letters");
    let again = park
        .cli(&[
            "import",
            "readings",
            file,
            "--park",
            "haotian",
            "--as-correction",
            "--format",
            "json",
        ])
        .expect_code(0)
        .json();
    assert_eq!(again["recorded"].as_u64(), Some(1), "{again}");
    let after = moment(&park, first_hours);
    assert_ne!(before, after, "the correction shows at its moment");
    assert_eq!(park.state().readings_superseded, 1);

    if let Some(last) = years.last()
        && last.number > YEARS_OF_GROWTH
    {
        let fifth = years.iter().find(|year| year.number == YEARS_OF_GROWTH);
        let fifth =
            fifth.unwrap_or_else(|| panic!("year {YEARS_OF_GROWTH} was not measured: {years:?}"));
        let growth = last.server_mb as f64 / fifth.server_mb as f64;
        assert!(
            growth < MOST_GROWTH_OF_25_YEARS,
            "from {} MB after {} years to {} MB after {}",
            fifth.server_mb,
            fifth.number,
            last.server_mb,
            last.number
        );
    }
}
