//! The shape of a cluster on one machine: an import runs while every role, the store and every NATS server is killed in turn at
//! random moments, and while the recorder that records is stopped, another one takes over, and the first is woken.
//!
//! Store and bus ask for TLS, names and passwords, and the bus keeps each commit on three servers.
//! `TERRARIUM_TEST_SEED` makes a run's moments again, up to the scheduling of the processes. The import is a part of the ten
//! homes' year, and all of it with `TERRARIUM_TEST_LONG=1`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use terrarium_proto::energy::v1::Reading;
use terrarium_tests::{
    AckModel, Cluster, ClusterPlan, Ingest, Outcome, Park, Seed, feed, is_long, readings,
    repository, wait, zne_homes_folder,
};
use tokio::sync::watch;

const PARK: &str = "zne-homes";
const PART_OF_THE_YEAR: usize = 24_000;
const IMPORT_WITHIN: Duration = Duration::from_secs(300);
const PROJECTED_WITHIN: Duration = Duration::from_secs(60);
const LONGEST_DELAY_US: u64 = 30_000;
const FIRST_RECORDER: &str = "recorder";
const SECOND_RECORDER: &str = "recorder-2";
/// Readings acknowledged while the first recorder is stopped: only the second can have recorded them.
const ACKS_OF_THE_SECOND: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    Role(&'static str),
    Store,
    Nats(usize),
    /// SIGSTOP to the recorder, another one takes over, SIGCONT.
    TakeOver,
}

const STRIKES: [Strike; 9] = [
    Strike::Role("energy"),
    Strike::Role("carbon"),
    Strike::Role("projector"),
    Strike::Role(FIRST_RECORDER),
    Strike::Store,
    Strike::Nats(0),
    Strike::Nats(1),
    Strike::Nats(2),
    Strike::TakeOver,
];

/// What is imported: factors (none without the homes' folder) and readings.
struct Import {
    series: Option<PathBuf>,
    readings: Vec<Reading>,
}

fn import() -> Import {
    let Some(folder) = zne_homes_folder() else {
        return Import {
            series: None,
            readings: readings::made_for_ten_homes(&mut Seed::of(1), 1_200),
        };
    };
    let mut readings = readings::read_csv(&folder.join("readings.csv"));
    if !is_long() {
        readings.truncate(PART_OF_THE_YEAR);
    }
    Import {
        series: Some(folder.join("grid_intensity.csv")),
        readings,
    }
}

impl Import {
    fn factors(&self, cli: impl Fn(&[&str]) -> Outcome) {
        let Some(series) = &self.series else { return };
        let file = repository().join("deploy/factors/zne-homes.toml");
        let (file, series) = (file.to_string_lossy(), series.to_string_lossy());
        wait::until(PROJECTED_WITHIN, "the factors are recorded", || {
            let words = [
                "import", "factors", &file, "--park", PARK, "--series", &series,
            ];
            (cli(&words).code == 0).then_some(())
        });
    }
}

/// Content hash and number of events of one process that nobody disturbs.
async fn undisturbed(import: &Import) -> (String, u64) {
    let mut park = Park::of_ten_homes();
    park.start();
    import.factors(|words| park.cli(words));
    let (progress, _) = watch::channel(0);
    let started = Instant::now();
    let model = Ingest::new(PARK, park.data())
        .run(AckModel::new(import.readings.clone()), &progress)
        .await;
    println!(
        "undisturbed: {} readings in {:.2} s",
        import.readings.len(),
        started.elapsed().as_secs_f64()
    );
    let state = park.state_at(model.recorded_position);
    park.stop();
    (state.content_hash, state.events)
}

fn spin(delay: Duration) {
    let started = Instant::now();
    while started.elapsed() < delay {
        std::hint::spin_loop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_is_stored_is_projected_when_every_process_of_a_cluster_is_killed_in_turn() {
    let mut seed = Seed::from_environment("distributed");
    let import = import();
    let (undisturbed_hash, undisturbed_events) = undisturbed(&import).await;
    let count = import.readings.len();

    let parks = vec![repository().join("deploy/parks/zne-homes.toml")];
    let mut cluster = Cluster::start(ClusterPlan {
        parks,
        bus_of_three: true,
        is_guarded: true,
        roles: vec![
            (FIRST_RECORDER, "recorder"),
            ("projector", "projector"),
            ("energy", "energy"),
            ("carbon", "carbon"),
        ],
    });
    import.factors(|words| cluster.cli("carbon", words));

    let mut strikes = STRIKES;
    seed.shuffle(&mut strikes);
    let mut moments: Vec<usize> = strikes
        .iter()
        .map(|_| seed.below(count as u64 * 9 / 10) as usize)
        .collect();
    moments.sort_unstable();

    let mut ingest = Ingest::new(PARK, &cluster.data("energy"));
    ingest.batch_readings = seed.between(50, 400) as usize;
    ingest.window_batches = seed.between(2, 10) as usize;
    let (progress, acknowledged) = watch::channel(0);
    let sent = import.readings.clone();
    let started = Instant::now();
    let importing = tokio::spawn(async move { ingest.run(AckModel::new(sent), &progress).await });
    let wait_for = |readings: usize| {
        wait::until(IMPORT_WITHIN, "the import gets to the next moment", || {
            (*acknowledged.borrow() >= readings || importing.is_finished()).then_some(())
        });
    };
    let mut late = 0;
    for (strike, after_readings) in strikes.into_iter().zip(moments) {
        wait_for(after_readings);
        spin(Duration::from_micros(seed.below(LONGEST_DELAY_US)));
        late += u64::from(importing.is_finished());
        let at = *acknowledged.borrow();
        println!(
            "{:7.2} s, {at:6} acknowledged: {strike:?}",
            started.elapsed().as_secs_f64()
        );
        match strike {
            Strike::Role(name) => cluster.restart_role(name),
            Strike::Store => cluster.restart_store(),
            Strike::Nats(server) => cluster.restart_nats(server),
            Strike::TakeOver => {
                cluster.role(FIRST_RECORDER).pause();
                cluster.add_role(SECOND_RECORDER, "recorder");
                // Not borrowed while waiting: the sender would wait for us.
                let acknowledged_now = *acknowledged.borrow();
                wait_for((acknowledged_now + ACKS_OF_THE_SECOND).min(count));
                cluster.role(FIRST_RECORDER).wake();
            }
        }
    }
    let model = tokio::time::timeout(IMPORT_WITHIN, importing)
        .await
        .expect("the import ends in time")
        .expect("the import succeeds");
    let seconds = started.elapsed().as_secs_f64();

    assert!(
        model.acks.iter().all(Option::is_some),
        "all are acknowledged"
    );
    assert_eq!(model.counts.rejected, 0);
    let events = feed::read_all(&mut cluster.clients("projector").await, PARK).await;
    let stored = feed::expect_agrees_with(&model, &events);
    let state = wait::until(PROJECTED_WITHIN, "all is projected", || {
        let state = cluster.state();
        (state.position >= events.last().map(|event| event.position)).then_some(state)
    });
    println!(
        "sent {count}, stored {stored}, projected {} readings; {} events; {} already recorded; {} streams, ended by {:?}; \
         {late} of {} strikes after the last ack; {seconds:.1} s",
        state.readings + state.quarantined,
        events.len(),
        model.counts.already_recorded,
        model.streams,
        model.ended_by,
        STRIKES.len(),
    );
    assert_eq!(stored, count, "sent against stored");
    assert_eq!(
        (state.readings + state.quarantined) as usize,
        count,
        "sent against projected"
    );
    assert_eq!(
        state.events as usize,
        events.len(),
        "stored against projected"
    );
    assert_eq!(
        state.events, undisturbed_events,
        "events of the undisturbed run"
    );
    assert_eq!(
        state.content_hash, undisturbed_hash,
        "content of the undisturbed run"
    );
    cluster.kill_store();
    cluster
        .cli("store", &["eventstore", "check"])
        .expect_code(0);
}
