//! When what was recorded: from a moment of a park's clock back to a position of the record.

use terrarium_journal::{RecordedEvent, recorded_time};
use terrarium_model::UnixMillis;

/// Every so many events of a park one is noted; the rest is read back from the record.
const NOTED_EVERY: u64 = 256;

/// Some of the moments at which a park's events were recorded.
#[derive(Default)]
pub(crate) struct RecordedTimes {
    events: u64,
    /// Latest moment until then and position, both rising.
    noted: Vec<(UnixMillis, u64)>,
}

impl RecordedTimes {
    /// Takes in the park's next event.
    pub fn take_in(&mut self, event: &RecordedEvent) {
        if self.events.is_multiple_of(NOTED_EVERY)
            && let Some(time) = recorded_time(event)
        {
            let latest = self
                .noted
                .last()
                .map_or(time, |(latest, _)| time.max(*latest));
            self.noted.push((latest, event.position.0));
        }
        self.events += 1;
    }

    /// A position by which everything was recorded by a moment, not more than some hundred events of the park before the last
    /// such; `None`: nothing was.
    pub fn known_by(&self, moment: UnixMillis) -> Option<u64> {
        let later = self.noted.partition_point(|(latest, _)| *latest <= moment);
        later.checked_sub(1).map(|place| self.noted[place].1)
    }
}
