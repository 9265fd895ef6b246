//! What the record says of the things that alarms watch.

use terrarium_journal::RecordedEvent;
use terrarium_model::{AssetId, Balanced, UnixSeconds};
use terrarium_twin::{PointName, Sample};

/// Reads events for what they say of points and balances. The projector does so for the twin and the ledger; alarms go by the
/// same reading.
pub trait Observer: Send {
    /// Takes in the next event of the record, and adds what it says.
    fn observe(
        &mut self,
        event: &RecordedEvent,
        observed: &mut Vec<Observed>,
    ) -> Result<(), ObserverError>;
}

/// Makes observers that have seen nothing yet.
pub type NewObserver = Box<dyn Fn() -> Box<dyn Observer> + Send + Sync>;

/// Something that an event says.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Of a point.
    Point {
        /// Which.
        name: PointName,
        /// What.
        sample: Sample,
    },
    /// Of an hour that every meter covers, of a node, a tank or a network.
    Balance {
        /// Which balance of it.
        of: Balanced,
        /// Which.
        node: AssetId,
        /// Its first moment.
        hour_start: UnixSeconds,
        /// What no meter explains: Wh of a node or a network, litres of a tank.
        unexplained: i64,
    },
}

/// An event that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ObserverError(pub String);
