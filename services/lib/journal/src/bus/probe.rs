//! Asks the bus whether it still takes commits.

use std::time::Duration;

use super::{BusError, COMMIT_STREAM, Connection};

const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusHealth {
    /// JetStream answers for the commit stream.
    Serving,
    /// The server is connected, but JetStream does not answer: after a full disk it may stay so until the server is
    /// started again.
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
    pub async fn connect(url: &str) -> Result<BusProbe, BusError> {
        Ok(BusProbe {
            connection: Connection::open(url, "terrarium-probe").await?,
        })
    }

    /// Asks, and waits at most 2 s.
    pub async fn health(&self) -> BusHealth {
        let answer = self.connection.jetstream.get_stream(COMMIT_STREAM);
        match tokio::time::timeout(PROBE_DEADLINE, answer).await {
            Ok(Ok(_)) => BusHealth::Serving,
            _ if self.connection.client.connection_state()
                != async_nats::connection::State::Connected =>
            {
                BusHealth::Away
            }
            _ => BusHealth::Stuck,
        }
    }
}
