use std::sync::Arc;

use eventstore::ClientSettings;
use futures::future::BoxFuture;
use terrarium_journal::{
    AppendError, Appended, EventStore, Position, ProposedCommit, ReadError, RecordedEvent,
};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinHandle;

use crate::follow::{advance, follow};
use crate::read::{KnownStreams, event_at, last_position, read_all, read_stream};
use crate::supervisor::Supervisor;
use crate::write;

/// Commits on their way to the server, at most: the client itself knows no bound.
const COMMITS_IN_FLIGHT: usize = 256;
/// The client waits this long before each try to connect, half a second unless told otherwise.
const DISCOVERY_INTERVAL: &str = "discoveryInterval=1";
/// Other names of the scheme, which the client does not know.
const OTHER_SCHEMES: [&str; 3] = ["kurrentdb", "kurrent", "kdb"];

/// An event store by URL.
pub struct RemoteStore {
    supervisor: Arc<Supervisor>,
    in_flight: Semaphore,
    streams: Mutex<KnownStreams>,
    last_position: watch::Sender<Option<Position>>,
    following: JoinHandle<()>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "\"{url}\" is no event store URL ({reason}); one looks like esdb://127.0.0.1:2113?tls=false"
    )]
    Url { url: String, reason: String },
    #[error(
        "no event store answers at {url}: {reason}; start one with `terrarium eventstore serve`, or correct the URL"
    )]
    Unreachable { url: String, reason: String },
}

impl RemoteStore {
    /// Connects to the server at `url`, such as `esdb://127.0.0.1:2113?tls=false`, and learns how far its record goes.
    pub async fn connect(url: &str) -> Result<RemoteStore, ConnectError> {
        let settings: ClientSettings =
            with_defaults(url)
                .parse()
                .map_err(|error| ConnectError::Url {
                    url: without_password(url),
                    reason: format!("{error:?}"),
                })?;
        check_files(&settings).map_err(|reason| ConnectError::Url {
            url: without_password(url),
            reason,
        })?;
        let unreachable = |reason: String| ConnectError::Unreachable {
            url: without_password(url),
            reason,
        };
        let supervisor =
            Arc::new(Supervisor::new(settings).map_err(|error| unreachable(error.to_string()))?);
        let newest = last_position(&supervisor)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let (last_position, _) = watch::channel(newest);
        let following = tokio::spawn(follow(Arc::clone(&supervisor), last_position.clone()));
        Ok(RemoteStore {
            supervisor,
            in_flight: Semaphore::new(COMMITS_IN_FLIGHT),
            streams: Mutex::new(KnownStreams::default()),
            last_position,
            following,
        })
    }
}

impl Drop for RemoteStore {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl EventStore for RemoteStore {
    fn append(
        &self,
        commits: Vec<ProposedCommit>,
    ) -> BoxFuture<'_, Vec<Result<Appended, AppendError>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(commits.len());
            for commits in commits.chunks(COMMITS_IN_FLIGHT) {
                let _room = self
                    .in_flight
                    .acquire_many(commits.len() as u32)
                    .await
                    .expect("the semaphore is never closed");
                let seen = *self.last_position.borrow();
                results.extend(write::append(&self.supervisor, commits, seen).await);
            }
            let newest = results
                .iter()
                .flatten()
                .map(|appended| appended.last_position)
                .max();
            if let Some(newest) = newest {
                advance(&self.last_position, newest);
            }
            results
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a str,
        from_revision: u64,
        max_events: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, ReadError>> {
        Box::pin(read_stream(
            &self.supervisor,
            stream,
            from_revision,
            max_events,
        ))
    }

    fn read_all(
        &self,
        after: Option<Position>,
        max_events: usize,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        Box::pin(read_all(&self.supervisor, after, max_events))
    }

    fn event_at(&self, position: Position) -> BoxFuture<'_, Result<RecordedEvent, ReadError>> {
        Box::pin(event_at(&self.supervisor, position))
    }

    fn streams_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Arc<str>>, ReadError>> {
        Box::pin(async move {
            let mut streams = self.streams.lock().await;
            streams.with_prefix(&self.supervisor, prefix).await
        })
    }

    fn watch_last_position(&self) -> watch::Receiver<Option<Position>> {
        self.last_position.subscribe()
    }
}

impl std::fmt::Debug for RemoteStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RemoteStore")
            .field("last_position", &*self.last_position.borrow())
            .finish_non_exhaustive()
    }
}

/// The URL with a scheme that the client knows, and without its half second of waiting.
fn with_defaults(url: &str) -> String {
    let known = OTHER_SCHEMES
        .iter()
        .find_map(|scheme| {
            let rest = url.strip_prefix(scheme)?;
            rest.starts_with([':', '+']).then(|| format!("esdb{rest}"))
        })
        .unwrap_or_else(|| url.to_owned());
    if known.to_ascii_lowercase().contains("discoveryinterval=") {
        return known;
    }
    let separator = if known.contains('?') { '&' } else { '?' };
    format!("{known}{separator}{DISCOVERY_INTERVAL}")
}

/// The client panics when a file that its URL names can't be read.
fn check_files(settings: &ClientSettings) -> Result<(), String> {
    let mut files: Vec<&String> = settings.tls_ca_file().into_iter().collect();
    if let Some((certificate, key)) = settings.user_certificate() {
        files.extend([certificate, key]);
    }
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        if !text.contains("-----BEGIN") {
            return Err(format!("{file} is not in PEM"));
        }
    }
    Ok(())
}

fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gets_a_known_scheme_and_no_waiting() {
        for (given, expected) in [
            (
                "esdb://h:1?tls=false",
                "esdb://h:1?tls=false&discoveryInterval=1",
            ),
            ("esdb://h:1", "esdb://h:1?discoveryInterval=1"),
            (
                "kurrentdb+discover://h:1",
                "esdb+discover://h:1?discoveryInterval=1",
            ),
            (
                "esdb://h?DiscoveryInterval=7",
                "esdb://h?DiscoveryInterval=7",
            ),
        ] {
            assert_eq!(with_defaults(given), expected);
        }
    }

    #[test]
    fn a_message_shows_no_password() {
        assert_eq!(
            without_password("esdb://ada:pass@word@h:1?tls=false"),
            "esdb://***@h:1?tls=false"
        );
        assert_eq!(without_password("esdb://h:1"), "esdb://h:1");
    }
}
