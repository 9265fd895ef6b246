//! A client that is replaced when it has given up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventstore::{BatchAppendClient, Client, ClientSettings, Error};
use tokio::time::Instant;

/// One operation is tried for this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// One try of it, at most.
pub(crate) const TRY_DEADLINE: Duration = Duration::from_secs(5);
/// Between two tries.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// The present client. A client ends for good when it can't reconnect, so whoever meets a failure asks for another one.
pub(crate) struct Supervisor {
    settings: ClientSettings,
    present: Mutex<Present>,
}

struct Present {
    generation: u64,
    client: Client,
    batch: Option<Arc<BatchAppendClient>>,
}

/// A client and which one it is.
#[derive(Clone)]
pub(crate) struct Held {
    pub client: Client,
    generation: u64,
}

/// Why an operation gave up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server answered, and trying again would not help.
    #[error("{0}")]
    Refused(Error),
    #[error(
        "the event store does not answer ({0}): check that it runs and that the URL is right; what was sent may or may not be recorded"
    )]
    Unavailable(String),
}

impl Supervisor {
    pub fn new(settings: ClientSettings) -> Result<Supervisor, Error> {
        let client = Client::new(settings.clone())?;
        Ok(Supervisor {
            settings,
            present: Mutex::new(Present {
                generation: 0,
                client,
                batch: None,
            }),
        })
    }

    pub fn hold(&self) -> Held {
        let present = self.present.lock().expect("no one panics holding it");
        Held {
            client: present.client.clone(),
            generation: present.generation,
        }
    }

    /// Replaces the client that `held` is, unless somebody did already.
    pub fn replace(&self, held: &Held) {
        let mut present = self.present.lock().expect("no one panics holding it");
        if present.generation != held.generation {
            return;
        }
        match Client::new(self.settings.clone()) {
            Ok(client) => {
                *present = Present {
                    generation: held.generation + 1,
                    client,
                    batch: None,
                };
            }
            Err(error) => tracing::warn!(%error, "can't make a new event store client"),
        }
    }

    /// The present batch session, or a new one.
    pub async fn batch(&self, held: &Held) -> Result<Arc<BatchAppendClient>, Error> {
        let known = {
            let present = self.present.lock().expect("no one panics holding it");
            present
                .batch
                .clone()
                .filter(|_| present.generation == held.generation)
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let batch = Arc::new(held.client.batch_append(&Default::default()).await?);
        let mut present = self.present.lock().expect("no one panics holding it");
        if present.generation == held.generation {
            present.batch = Some(Arc::clone(&batch));
        }
        Ok(batch)
    }

    /// Forgets a batch session that ended: a single refused append ends it.
    pub fn end_batch(&self, ended: &Arc<BatchAppendClient>) {
        let mut present = self.present.lock().expect("no one panics holding it");
        if present
            .batch
            .as_ref()
            .is_some_and(|present| Arc::ptr_eq(present, ended))
        {
            present.batch = None;
        }
    }

    /// Tries an operation until it is answered, on new clients if need be.
    pub async fn until_answered<T, F>(
        &self,
        mut operation: impl FnMut(Client) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let held = self.hold();
            let trouble =
                match tokio::time::timeout(TRY_DEADLINE, operation(held.client.clone())).await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(error)) if !is_trouble(&error) => return Err(Failure::Refused(error)),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "no answer in time".to_owned(),
                };
            self.replace(&held);
            if Instant::now() + RETRY >= give_up {
                return Err(Failure::Unavailable(trouble));
            }
            tracing::debug!(trouble, "the event store is in trouble, trying again");
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Whether another client, or a later moment, may give an answer.
pub(crate) fn is_trouble(error: &Error) -> bool {
    match error {
        Error::ServerError(_)
        | Error::NotLeaderException(_)
        | Error::ConnectionClosed
        | Error::GrpcConnectionError(_)
        | Error::InternalClientError
        | Error::DeadlineExceeded
        | Error::InitializationError(_)
        | Error::IllegalStateError(_) => true,
        Error::Grpc { code, .. } => {
            // The client's own code type is of an older tonic that nothing else here knows by name.
            let code = i32::from(*code);
            [CANCELLED, UNKNOWN, ABORTED, INTERNAL, UNAVAILABLE].contains(&code)
        }
        _ => false,
    }
}

// Codes of gRPC.
const CANCELLED: i32 = 1;
const UNKNOWN: i32 = 2;
const INVALID_ARGUMENT: i32 = 3;
const ALREADY_EXISTS: i32 = 6;
const RESOURCE_EXHAUSTED: i32 = 8;
const ABORTED: i32 = 10;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

/// Whether a batch session was told that a stream has another revision; it is not told which.
pub(crate) fn is_wrong_revision(error: &Error) -> bool {
    matches!(error, Error::Grpc { code, .. } if i32::from(*code) == ALREADY_EXISTS)
}

/// Whether the server can't make sense of what it was asked, such as a position that it never gave out.
pub(crate) fn is_invalid(error: &Error) -> bool {
    matches!(error, Error::Grpc { code, .. } if i32::from(*code) == INVALID_ARGUMENT)
}

/// Whether the server has no room for events.
pub(crate) fn is_out_of_space(error: &Error) -> bool {
    matches!(error, Error::Grpc { code, .. } if i32::from(*code) == RESOURCE_EXHAUSTED)
}
