//! A data folder with a store, a `nats-server` and a recorder that can be stopped, killed and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use terrarium_journal::{
    Aggregate, CommandResult, CommitConsumer, CommitPublisher, Desk, Digest, EventStore, Position,
    Provenance, RecordedEvent, StreamName, Submission, SubmitError, verify_digest,
};
use terrarium_model::UnixMillis;
use terrarium_recorder::RecorderError;
use terrarium_runtime::{NatsChild, Shutdown};

use crate::tickets::{Draw, Tickets};

pub const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

pub struct World {
    pub store: Arc<dyn EventStore>,
    pub nats: NatsChild,
    folder: tempfile::TempDir,
}

pub struct RunningRecorder {
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), RecorderError>>,
}

impl World {
    /// A new store and a new bus, and nobody who records.
    pub async fn new() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (store, _) =
            terrarium_eventstore::EventStore::open(folder.path()).expect("a new store");
        let nats = start_nats(folder.path()).await;
        World {
            store: Arc::new(store),
            nats,
            folder,
        }
    }

    /// [`World::new`] with a recorder.
    pub async fn with_recorder() -> (World, RunningRecorder) {
        let world = World::new().await;
        let recorder = world.start_recorder().await;
        (world, recorder)
    }

    pub async fn consumer(&self) -> CommitConsumer {
        CommitConsumer::connect(&self.nats.url(), 1)
            .await
            .expect("the bus is up")
    }

    pub async fn start_recorder(&self) -> RunningRecorder {
        self.record_from(self.consumer().await)
    }

    pub fn record_from(&self, commits: CommitConsumer) -> RunningRecorder {
        let shutdown = Shutdown::new();
        let task = tokio::spawn(terrarium_recorder::run(
            Arc::clone(&self.store),
            commits,
            shutdown.clone(),
        ));
        RunningRecorder { shutdown, task }
    }

    pub async fn desk(&self) -> Arc<Desk<Tickets>> {
        let publisher = CommitPublisher::connect(&self.nats.url(), "tickets")
            .await
            .expect("the bus is up");
        Desk::new(Arc::clone(&self.store), publisher)
    }

    /// A client of the bus that is none of ours.
    pub async fn stranger(&self) -> async_nats::jetstream::Context {
        let client = async_nats::connect(self.nats.url())
            .await
            .expect("the bus is up");
        async_nats::jetstream::new(client)
    }

    pub fn kill_nats(&self) {
        if let Some(pid) = self.nats.pid() {
            let pid = i32::try_from(pid)
                .ok()
                .and_then(Pid::from_raw)
                .expect("a pid");
            // It may have died meanwhile, which is what is wanted.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }

    /// Deletes what JetStream has on disk, under the running server.
    pub fn delete_jetstream(&self) {
        std::fs::remove_dir_all(self.folder.path().join("nats").join("jetstream"))
            .expect("it is there");
    }

    /// The same store with another `nats-server` on an empty folder.
    pub async fn with_new_bus(self) -> World {
        let World {
            store,
            nats,
            folder,
        } = self;
        nats.stop(Duration::from_secs(5)).await;
        std::fs::remove_dir_all(folder.path().join("nats")).expect("it is there");
        let nats = start_nats(folder.path()).await;
        World {
            store,
            nats,
            folder,
        }
    }

    /// Every event, after a check that the record is whole: revisions without gaps, digests that follow each other, no id
    /// twice, tickets in order.
    pub async fn sound_record(&self) -> Vec<RecordedEvent> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        loop {
            let after = events.last().map(|event| event.position);
            let page = self.store.read_all(after, 1_000).await.expect("readable");
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        let mut ends: BTreeMap<Arc<str>, (u64, Digest)> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for event in &events {
            let (next_revision, digest) = ends
                .entry(Arc::clone(&event.stream))
                .or_insert((0, Digest::BEFORE_FIRST));
            assert_eq!(event.revision, *next_revision, "{}", event.stream);
            *next_revision += 1;
            *digest = verify_digest(digest, event).expect("the digest follows the one before");
            assert!(
                ids.insert((Arc::clone(&event.stream), event.id)),
                "{} has {} twice",
                event.stream,
                event.id
            );
            let drawn =
                Tickets::decode(event.id, &event.event_type, &event.data).expect("a ticket");
            assert_eq!(drawn.ticket, event.revision, "tickets go up one by one");
        }
        events
    }
}

impl RunningRecorder {
    pub async fn stop(self) {
        self.shutdown.trigger();
        self.task.await.expect("no panic").expect("no fatal error");
    }
}

async fn start_nats(folder: &Path) -> NatsChild {
    NatsChild::start(Path::new("nats-server"), &folder.join("nats"))
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

pub fn stream(name: &str) -> StreamName {
    StreamName::new("test", "tickets", "demo", name)
}

pub fn submission(
    stream: &StreamName,
    people: impl IntoIterator<Item = u64>,
) -> Submission<Tickets> {
    heavy_submission(stream, people, 0)
}

pub fn heavy_submission(
    stream: &StreamName,
    people: impl IntoIterator<Item = u64>,
    ballast: usize,
) -> Submission<Tickets> {
    Submission {
        stream: stream.clone(),
        commands: people
            .into_iter()
            .map(|person| Draw { person, ballast })
            .collect(),
        context: (),
        // 2026-11-20T19:00:00Z.
        recorded_time: UnixMillis(1_795_201_200_000).into(),
        provenance: Provenance {
            actor: "tester".into(),
            client_request_id: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        },
    }
}

pub type Recorded = (Vec<CommandResult<Tickets>>, Option<Position>);

/// One try.
pub async fn draw(
    desk: &Arc<Desk<Tickets>>,
    stream: &StreamName,
    people: impl IntoIterator<Item = u64>,
) -> Result<Recorded, SubmitError> {
    desk.submit(submission(stream, people))
        .await?
        .recorded()
        .await
}

/// Sends again until it is recorded, as a caller does; gives also how often it was told to.
pub async fn draw_patiently(
    desk: &Arc<Desk<Tickets>>,
    stream: &StreamName,
    people: Vec<u64>,
) -> (Recorded, usize) {
    let begun = Instant::now();
    for refusals in 0.. {
        match draw(desk, stream, people.iter().copied()).await {
            Ok(recorded) => return (recorded, refusals),
            Err(SubmitError::Unavailable(reason)) => {
                assert!(begun.elapsed() < DEADLINE, "still not recorded: {reason}");
                tokio::time::sleep(PAUSE).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!("the loop ends by its deadline")
}

/// Waits for a condition; the pause only keeps the processor free for what is waited for.
pub async fn wait_for(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < DEADLINE, "no {what} in {DEADLINE:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Number of events that a submission led to.
pub fn new_events(recorded: &Recorded) -> usize {
    recorded
        .0
        .iter()
        .map(|result| {
            result
                .as_ref()
                .map_or_else(|never| match *never {}, Vec::len)
        })
        .sum()
}
