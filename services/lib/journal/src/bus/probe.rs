//! Finds out whether the bus still takes commits, by giving it something to take.
//!
//! Asking is not enough: after a full disk some versions of nats-server answer every question about a stream whose writes
//! they have stopped.

use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use bytes::Bytes;

use super::{BusAddress, BusError, Connection, PROBE_SUBJECT};

const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusHealth {
    /// JetStream takes what is published.
    Serving,
    /// The server is connected, but JetStream takes nothing: after a full disk it may stay so until the server is started
    /// again.
    Stuck,
    /// The server itself is away.
    Away,
}

/// A connection of its own for asking, so that a busy one does not delay the answer.
pub struct BusProbe {
    connection: Connection,
}

impl BusProbe {
    /// Connects to the bus.
    pub async fn connect(bus: impl Into<BusAddress>) -> Result<BusProbe, BusError> {
        Ok(BusProbe {
            connection: Connection::open(&bus.into(), "terrarium-probe").await?,
        })
    }

    /// Publishes an empty message that the recorder passes over, and waits at most 2 s for its acknowledgement.
    pub async fn health(&self) -> BusHealth {
        let taken = tokio::time::timeout(PROBE_DEADLINE, self.publish()).await;
        match taken {
            Ok(true) => BusHealth::Serving,
            _ if self.connection.client.connection_state()
                != async_nats::connection::State::Connected =>
            {
                BusHealth::Away
            }
            _ => BusHealth::Stuck,
        }
    }

    /// Whether the bus answered at all: a refusal (full, or no stream yet) is an answer.
    async fn publish(&self) -> bool {
        let published = self
            .connection
            .jetstream
            .publish(PROBE_SUBJECT, Bytes::new())
            .await;
        let outcome = match published {
            Ok(acknowledgement) => acknowledgement.await.map(|_| ()),
            Err(error) => Err(error),
        };
        outcome.map_or_else(
            |error| error.kind() != PublishErrorKind::TimedOut,
            |()| true,
        )
    }
}
