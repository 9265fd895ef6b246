//! Commits and their outcomes over NATS JetStream.
//!
//! The bus carries, it does not remember: it keeps a commit until the recorder has handled it, within bounded bytes, and
//! refuses new ones when full. Nothing rests on its sequences: they may repeat or go back after a crash. Whatever it still
//! holds may be replayed, because the store knows what it has.

mod address;
mod consumer;
mod probe;
mod publisher;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use terrarium_eventstore::Position;
use tokio::sync::watch;

pub use address::BusAddress;
pub use consumer::{CommitConsumer, ReceivedCommit};
pub use probe::{BusHealth, BusProbe};
pub use publisher::{CommitPublisher, CommitTicket, PublishError};

/// Name of the JetStream stream that carries the commits of all parks.
pub const COMMIT_STREAM: &str = "COMMITS";
/// Subjects of that stream.
pub const COMMIT_SUBJECTS: &str = "park.>";
/// Subject of the probe's empty messages; no park has it, because a commit's subject names more than a park.
const PROBE_SUBJECT: &str = "park.probe";
/// The bus holds at most this many bytes of commits that are not yet recorded; then it refuses new ones.
pub const COMMIT_STREAM_MAX_BYTES: i64 = 256 << 20;
/// Largest commit on the bus in bytes: the default `max_payload` of a NATS server, less room for headers.
pub const COMMIT_MAX_BYTES: usize = (1 << 20) - (8 << 10);
/// A commit without an outcome after this time is answered as unavailable; the caller sends again.
pub const OUTCOME_DEADLINE: Duration = Duration::from_secs(10);

/// JetStream's own answers (stream and consumer requests) are waited for this long.
const JETSTREAM_DEADLINE: Duration = Duration::from_secs(3);

/// What became of a commit.
#[derive(Clone, Debug)]
pub enum CommitResult {
    /// On disk; position of its last event.
    Recorded(Position),
    /// The stream held other events than the decision was made on.
    Conflict {
        /// Number of events in the stream; the expected one if they are as many, but others.
        actual_revision: u64,
    },
    /// Not known to be recorded: bus or store failed, or took too long. Sending again is harmless.
    Unavailable(Arc<str>),
}

/// Why the bus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The servers are not written as URLs.
    #[error(
        "{url} does not name NATS servers ({reason}): write nats://HOST:PORT or tls://NAME:PASSWORD@HOST:PORT, several with commas between"
    )]
    Address {
        /// As configured, without passwords.
        url: String,
        /// From the client.
        reason: String,
    },
    /// The authority's certificate can't be used.
    #[error(
        "can't use {path} as the certificate of the NATS servers' authority: {reason}; correct nats_ca"
    )]
    Authority {
        /// As configured.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No NATS server answers.
    #[error(
        "no NATS server answers at {url}: {reason}; start one, or leave the URL out so that `terrarium up` starts its own"
    )]
    Unreachable {
        /// As configured.
        url: String,
        /// From the client.
        reason: String,
    },
    /// The commit stream can't be made or read.
    #[error(
        "JetStream at the NATS server does not serve stream {COMMIT_STREAM}: {0}; is JetStream on (`nats-server -js`)?"
    )]
    JetStream(String),
}

/// A connection to NATS that counts its disconnections.
#[derive(Clone)]
struct Connection {
    client: async_nats::Client,
    jetstream: jetstream::Context,
    /// Grows with each lost connection.
    losses: watch::Receiver<u64>,
}

impl Connection {
    async fn open(bus: &BusAddress, name: &str) -> Result<Connection, BusError> {
        let (count_loss, losses) = watch::channel(0);
        let (servers, credentials) = bus.servers()?;
        let mut options = async_nats::ConnectOptions::new().name(name);
        if let Some(credentials) = credentials {
            options = options.user_and_password(credentials.name, credentials.password);
        }
        if let Some(authority) = bus.authority()? {
            options = options
                .add_root_certificates(authority.to_owned())
                .require_tls(true);
        }
        let client = options
            .connection_timeout(Duration::from_secs(5))
            .reconnect_delay_callback(|attempts| {
                Duration::from_millis(20 * (attempts as u64).clamp(1, 25))
            })
            .event_callback(move |event| {
                if matches!(event, async_nats::Event::Disconnected) {
                    count_loss.send_modify(|count| *count += 1);
                }
                async move { tracing::debug!(%event, "nats connection") }
            })
            .connect(servers)
            .await
            .map_err(|error| BusError::Unreachable {
                url: bus.to_string(),
                reason: error.to_string(),
            })?;
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(JETSTREAM_DEADLINE)
            .build(client.clone());
        Ok(Connection {
            client,
            jetstream,
            losses,
        })
    }
}
