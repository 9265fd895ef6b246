//! Clients that others wrote, against the event store's front.
//!
//! The store's protocol is theirs, so they are the judges: `tests/clients.rs` runs one suite with the crates `eventstore` and
//! `kurrentdb`; `python/` and `node/` do the same in their languages, started by `tests/run`. This crate keeps their old
//! versions of tonic and prost out of the product's own tests.

use std::net::SocketAddr;

use tempfile::TempDir;
use terrarium_eventstore::EventStore;
use terrarium_eventstore::front::{Front, FrontSettings, TlsIdentity, Users};
use tokio::sync::watch;

/// A front on a free port of loopback, with an empty store in a folder of its own.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    store: EventStore,
    stop: watch::Sender<bool>,
    _folder: TempDir,
}

impl Server {
    /// Opens a store and serves it in the background, in plain text and to everybody.
    pub async fn start() -> Server {
        Server::start_with(None, None).await
    }

    /// [`start`](Self::start) with TLS and users.
    pub async fn start_with(tls: Option<TlsIdentity>, users: Option<Users>) -> Server {
        let folder = TempDir::new().expect("a temporary folder");
        let (store, _) = EventStore::open(folder.path()).expect("an empty store opens");
        let settings = FrontSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls,
            users,
            advertise: None,
        };
        let front = Front::bind(store.clone(), settings)
            .await
            .expect("a free port");
        let address = front.address();
        let (stop, mut stopped) = watch::channel(false);
        tokio::spawn(front.serve(async move {
            // A dropped sender stops it too.
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        Server {
            address,
            store,
            stop,
            _folder: folder,
        }
    }

    /// Connection string without TLS; clients wait half a second before they connect unless told otherwise.
    pub fn url(&self) -> String {
        format!("esdb://{}?tls=false&discoveryInterval=1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The store behind it.
    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// Stops it; connections end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
