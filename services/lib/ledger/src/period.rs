//! A stretch of whole hours.

use terrarium_model::{SECONDS_PER_HOUR, UnixSeconds};

/// A stretch of whole hours: from (inclusive) to (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// Start of the first hour.
    pub from: UnixSeconds,
    /// End of the last hour.
    pub to: UnixSeconds,
}

impl Period {
    /// Number of hours.
    pub fn hours(&self) -> u64 {
        ((self.to.0 - self.from.0).max(0) / SECONDS_PER_HOUR) as u64
    }

    /// Starts of all hours.
    pub fn hour_starts(&self) -> impl Iterator<Item = UnixSeconds> + use<> {
        (self.from.0..self.to.0)
            .step_by(SECONDS_PER_HOUR as usize)
            .map(UnixSeconds)
    }

    /// Whether an instant is in it.
    pub fn contains(&self, instant: UnixSeconds) -> bool {
        self.from <= instant && instant < self.to
    }
}
