//! The stores that are tested, and what is written into them.
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use terrarium_eventstore::front::{Front, FrontSettings, TlsIdentity, Users};
use terrarium_journal::{
    AppendError, Appended, ContentType, EventStore, ProposedCommit, ProposedEvent, RecordedEvent,
};
use terrarium_remotestore::RemoteStore;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// No answer takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, answer)
        .await
        .expect("an answer in time")
}

/// A store and names of its own in it: a given server may be used by others.
pub struct Subject {
    store: Arc<dyn EventStore>,
    prefix: String,
    _folder: Option<TempDir>,
    _server: Option<RunningFront>,
}

impl Subject {
    fn new(store: Arc<dyn EventStore>) -> Subject {
        Subject {
            store,
            prefix: format!("contract.{}", Uuid::new_v4().simple()),
            _folder: None,
            _server: None,
        }
    }

    pub fn embedded() -> Subject {
        let (folder, store) = open();
        Subject {
            _folder: Some(folder),
            ..Subject::new(Arc::new(store))
        }
    }

    pub async fn on_our_front() -> Subject {
        let (folder, store) = open();
        let server = RunningFront::start(&store, SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let remote = RemoteStore::connect(&server.url())
            .await
            .expect("connected");
        Subject {
            _folder: Some(folder),
            _server: Some(server),
            ..Subject::new(Arc::new(remote))
        }
    }

    /// `None` without `TERRARIUM_TEST_EVENTSTORE_URL`.
    pub async fn on_given_server() -> Option<Subject> {
        let url = std::env::var("TERRARIUM_TEST_EVENTSTORE_URL").ok()?;
        let remote = RemoteStore::connect(&url).await.expect("connected");
        Some(Subject::new(Arc::new(remote)))
    }

    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    pub fn stream(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    pub fn only_mine(&self, events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
        events
            .into_iter()
            .filter(|event| event.stream.starts_with(&self.prefix))
            .collect()
    }
}

pub fn open() -> (TempDir, terrarium_eventstore::EventStore) {
    let folder = TempDir::new().expect("a temporary folder");
    let (store, _) =
        terrarium_eventstore::EventStore::open(folder.path()).expect("an empty store opens");
    (folder, store)
}

/// A front that serves in the background, on a runtime of its own, so that killing it leaves nothing of it behind.
pub struct RunningFront {
    pub address: SocketAddr,
    /// Always there until it is killed.
    runtime: Option<Runtime>,
}

impl RunningFront {
    pub async fn start(
        store: &terrarium_eventstore::EventStore,
        listen: SocketAddr,
    ) -> RunningFront {
        RunningFront::start_with(store, listen, None, None).await
    }

    pub async fn start_with(
        store: &terrarium_eventstore::EventStore,
        listen: SocketAddr,
        tls: Option<TlsIdentity>,
        users: Option<Users>,
    ) -> RunningFront {
        let settings = FrontSettings {
            listen,
            tls,
            users,
            advertise: None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let store = store.clone();
        let binding = runtime.spawn(Front::bind(store, settings));
        let front = binding.await.expect("no panic").expect("bound");
        let address = front.address();
        runtime.spawn(front.serve(std::future::pending()));
        RunningFront {
            address,
            runtime: Some(runtime),
        }
    }

    pub fn url(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    /// Cuts all connections in the middle of whatever they do, and frees the port.
    pub async fn kill(mut self) {
        let runtime = self.runtime.take().expect("it is killed once");
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE))
            .await
            .expect("no panic");
    }
}

impl Drop for RunningFront {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn new_event() -> ProposedEvent {
    let id = Uuid::new_v4();
    ProposedEvent {
        id,
        event_type: Arc::from("terrarium.test.v1.HappenedV1"),
        content_type: ContentType::Binary,
        data: Bytes::from(format!("data of {id}")),
        metadata: Bytes::from_static(b"{}"),
    }
}

pub fn commit(stream: &str, expected_revision: u64, events: usize) -> ProposedCommit {
    ProposedCommit {
        stream: Arc::from(stream),
        expected_revision,
        events: (0..events).map(|_| new_event()).collect(),
    }
}

pub async fn append_one(
    store: &Arc<dyn EventStore>,
    commit: ProposedCommit,
) -> Result<Appended, AppendError> {
    in_time(store.append(vec![commit]))
        .await
        .pop()
        .expect("one result for one commit")
}

pub fn ids(events: &[RecordedEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}
