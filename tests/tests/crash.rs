//! The server or its nats-server is killed at random moments of an import; a model outside remembers every ack.
//!
//! A round is one import on a data folder of its own, with one to four faults in it. `TERRARIUM_TEST_SEED` makes a run's
//! faults again, up to the scheduling of the processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use terrarium_proto::energy::v1::Reading;
use terrarium_tests::{
    AckModel, Ingest, Park, Seed, feed, is_long, processes, readings, run, wait,
};
use tokio::sync::watch;

const PARK: &str = "zne-homes";
const HOURS: u32 = 1_000;
const METERS: u64 = 20;
const MOST_FAULTS: u64 = 4;
/// Readings acknowledged between copying what the bus keeps and putting the copy back.
const ACKS_SINCE_COPY: usize = 1_500;
const LONGEST_DELAY_US: u64 = 30_000;
const IMPORT_WITHIN: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// SIGKILL to `terrarium up`, start again.
    Server,
    /// The same, and what the bus kept is gone.
    ServerAndBusDeleted,
    /// The same, and the bus gets an older copy of what it kept (two kills: one to copy, one to put it back).
    ServerAndBusRestored,
    /// SIGKILL to nats-server; `terrarium up` goes on.
    Nats,
    /// The same, and what the bus kept is deleted at the same moment.
    NatsAndBusDeleted,
}

impl Fault {
    const ALL: [Fault; 5] = [
        Fault::Server,
        Fault::ServerAndBusDeleted,
        Fault::ServerAndBusRestored,
        Fault::Nats,
        Fault::NatsAndBusDeleted,
    ];
}

struct PlannedFault {
    fault: Fault,
    /// Strikes once so many readings are acknowledged ...
    after_readings: usize,
    /// ... and this time later.
    delay: Duration,
}

#[derive(Debug, Default)]
struct Figures {
    rounds: u64,
    faults: BTreeMap<Fault, u64>,
    /// Faults that struck after the last ack.
    late_faults: u64,
    sent: u64,
    stored: u64,
    projected: u64,
    already_recorded: u64,
    streams: u64,
    ended_by: BTreeMap<String, u64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_when_processes_are_killed_at_random_moments() {
    let mut seed = Seed::from_environment("crash");
    let rounds = if is_long() { 200 } else { 20 };
    let readings = readings::made_for_ten_homes(&mut Seed::of(1), HOURS);
    let undisturbed = undisturbed_content_hash(&readings).await;
    let mut figures = Figures::default();
    let started = Instant::now();
    for round in 0..rounds {
        let mut round_seed = seed.split();
        let mut order = readings.clone();
        if round % 2 == 1 {
            round_seed.shuffle(&mut order);
        }
        let content_hash = round_with_faults(order, &mut round_seed, &mut figures).await;
        assert_eq!(content_hash, undisturbed, "content hash of round {round}");
        figures.rounds += 1;
    }
    println!("{figures:#?}");
    println!(
        "{rounds} rounds of {} readings in {:.1} s",
        readings.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(figures.sent, figures.stored);
    assert_eq!(figures.sent, figures.projected);
}

async fn undisturbed_content_hash(readings: &[Reading]) -> String {
    let mut park = Park::of_ten_homes();
    park.start();
    let (progress, _) = watch::channel(0);
    let started = Instant::now();
    let model = Ingest::new(PARK, park.data())
        .run(AckModel::new(readings.to_vec()), &progress)
        .await;
    println!(
        "undisturbed: {} readings in {:.2} s",
        readings.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(model.counts.recorded as usize, readings.len());
    let state = park.state_at(model.recorded_position);
    park.stop();
    state.content_hash
}

/// One import with faults; returns the content hash that it ends with.
async fn round_with_faults(
    readings: Vec<Reading>,
    seed: &mut Seed,
    figures: &mut Figures,
) -> String {
    let count = readings.len();
    let plan = plan_faults(count, seed);
    let mut park = Park::of_ten_homes();
    park.start();
    let mut ingest = Ingest::new(PARK, park.data());
    ingest.batch_readings = seed.between(50, 600) as usize;
    ingest.window_batches = seed.between(1, 12) as usize;
    let (progress, acknowledged) = watch::channel(0);
    let import = tokio::spawn(async move { ingest.run(AckModel::new(readings), &progress).await });

    let wait_for = |readings: usize| {
        wait::until(IMPORT_WITHIN, "the import gets to the next fault", || {
            (*acknowledged.borrow() >= readings || import.is_finished()).then_some(())
        });
    };
    for planned in plan {
        wait_for(planned.after_readings);
        spin(planned.delay);
        *figures.faults.entry(planned.fault).or_default() += 1;
        figures.late_faults += u64::from(import.is_finished());
        strike(&mut park, planned.fault, || {
            // Not borrowed while waiting: the sender would wait for us.
            let readings = *acknowledged.borrow();
            wait_for(readings + ACKS_SINCE_COPY);
        });
    }
    let model = tokio::time::timeout(IMPORT_WITHIN, import)
        .await
        .expect("the import ends in time")
        .expect("the import succeeds");

    assert!(
        model.acks.iter().all(Option::is_some),
        "every reading is acknowledged"
    );
    assert_eq!((model.counts.quarantined, model.counts.rejected), (0, 0));
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    let stored = feed::expect_agrees_with(&model, &events);
    let last = events.last().expect("there are events").position;
    let state = park.state_at(last);
    assert_eq!(stored, count, "sent against stored");
    assert_eq!(state.readings as usize, count, "sent against projected");
    assert_eq!(
        state.events as usize,
        events.len(),
        "projected against stored events"
    );
    park.stop();
    let rebuilt = park
        .cli(&["verify", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(
        rebuilt["state_hash"],
        state.state_hash.as_str(),
        "live against rebuilt"
    );

    figures.sent += count as u64;
    figures.stored += stored as u64;
    figures.projected += state.readings;
    figures.already_recorded += model.counts.already_recorded;
    figures.streams += model.streams;
    for (kind, times) in model.ended_by {
        *figures.ended_by.entry(kind).or_default() += times;
    }
    state.content_hash
}

fn plan_faults(readings: usize, seed: &mut Seed) -> Vec<PlannedFault> {
    let faults = seed.between(1, MOST_FAULTS + 1);
    let mut moments: Vec<usize> = (0..faults)
        .map(|_| seed.below(readings as u64) as usize)
        .collect();
    moments.sort_unstable();
    let plan = |after_readings| PlannedFault {
        fault: Fault::ALL[seed.below(Fault::ALL.len() as u64) as usize],
        after_readings,
        delay: Duration::from_micros(seed.below(LONGEST_DELAY_US)),
    };
    moments.into_iter().map(plan).collect()
}

/// Waits more exactly than a sleep does, because the moment is what is tried out.
fn spin(delay: Duration) {
    let started = Instant::now();
    while started.elapsed() < delay {
        std::hint::spin_loop();
    }
}

fn strike(park: &mut Park, fault: Fault, wait_for_some_acks: impl Fn()) {
    match fault {
        Fault::Server => park.kill(),
        Fault::ServerAndBusDeleted => {
            park.kill();
            park.delete_nats_folder();
        }
        Fault::ServerAndBusRestored => {
            park.kill();
            let older_copy = park.scratch("older-nats");
            copy_folder(&park.nats_folder(), &older_copy);
            park.start();
            wait_for_some_acks();
            park.kill();
            park.delete_nats_folder();
            std::fs::rename(&older_copy, park.nats_folder()).expect("both lie on one disk");
        }
        Fault::Nats => {
            park.kill_nats();
        }
        Fault::NatsAndBusDeleted => {
            park.kill_nats();
            // The supervisor may be making it again at this very moment.
            let _ = std::fs::remove_dir_all(park.nats_folder().join("jetstream"));
        }
    }
    if !park.is_running() {
        park.start();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    run(Command::new("cp").arg("--archive").arg(from).arg(to)).expect_code(0);
}

#[test]
fn a_killed_server_leaves_no_nats_server_behind_and_its_successor_goes_on() {
    let mut park = Park::of_ten_homes();
    for _ in 0..3 {
        let endpoint = park.start();
        let servers = processes::nats_servers_under(park.data());
        assert_eq!(servers.len(), 1, "one child nats-server");
        assert_eq!(
            endpoint.nats_pid,
            Some(servers[0]),
            "endpoint.json names it"
        );
        // Waits until no nats-server of this data folder is in the list of processes.
        park.kill();
    }
    park.start();
    let readings = readings::made_for_ten_homes(&mut Seed::of(2), 1);
    let file = park.scratch("readings.csv");
    readings::write_csv(&file, &readings);
    let summary = park.import_readings(&file, &["--park", PARK], 0);
    assert_eq!(summary["recorded"], METERS, "{summary}");
    park.stop();
}
