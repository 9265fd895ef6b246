//! When what was recorded: from a moment of a park's clock back to a position of the record.
//!
//! Recorded times rise within each stream. Across streams they need not: the simulator sends the reports of several hours
//! together, and each is recorded as of its own moment. What was known at a moment is all of the record up to the last event
//! that was recorded by then, so that nothing that was known is left out.

use terrarium_journal::{RecordedEvent, recorded_time};
use terrarium_model::UnixMillis;

/// So many events of a park are noted together; where among them a moment lies is read back from the record.
const NOTED_TOGETHER: u64 = 1_024;

/// Events of a park that follow one another in the record.
struct Stretch {
    /// Position of the last one.
    last: u64,
    /// The earliest and the latest moment at which any of them was recorded.
    earliest: UnixMillis,
    latest: UnixMillis,
}

/// Where in the record the last event lies that was recorded by a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// At this position.
    Exactly(u64),
    /// After the first position (`None`: from the beginning), up to the second.
    Between(Option<u64>, u64),
}

/// The moments at which a park's events were recorded.
#[derive(Default)]
pub(crate) struct RecordedTimes {
    events: u64,
    stretches: Vec<Stretch>,
}

impl RecordedTimes {
    /// Takes in the park's next event.
    pub fn take_in(&mut self, event: &RecordedEvent) {
        if let Some(time) = recorded_time(event) {
            self.note(event.position.0, time);
        }
    }

    fn note(&mut self, position: u64, time: UnixMillis) {
        let begins = self.events.is_multiple_of(NOTED_TOGETHER);
        self.events += 1;
        match self.stretches.last_mut() {
            Some(stretch) if !begins => {
                stretch.last = position;
                stretch.earliest = stretch.earliest.min(time);
                stretch.latest = stretch.latest.max(time);
            }
            _ => self.stretches.push(Stretch {
                last: position,
                earliest: time,
                latest: time,
            }),
        }
    }

    /// Where the last event of the park lies that was recorded by a moment; `None`: nothing was.
    pub fn known_by(&self, moment: UnixMillis) -> Option<KnownBy> {
        let is_known = |stretch: &Stretch| stretch.earliest <= moment;
        let place = self.stretches.iter().rposition(is_known)?;
        let stretch = &self.stretches[place];
        Some(match stretch.latest <= moment {
            true => KnownBy::Exactly(stretch.last),
            false => {
                let before = place.checked_sub(1).map(|before| &self.stretches[before]);
                KnownBy::Between(before.map(|before| before.last), stretch.last)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_by_a_moment_ends_with_the_last_such_event_wherever_it_stands() {
        let mut times = RecordedTimes::default();
        assert_eq!(times.known_by(UnixMillis(9_000)), None);
        // Two streams, one after the other, each over the same hours.
        for stream in 0..2 {
            for hour in 0..600 {
                times.note(stream * 1_000 + hour, UnixMillis(hour as i64 * 10));
            }
        }
        // Event 1,423 is the 1,024th, recorded at 4,230.
        assert_eq!(
            times.known_by(UnixMillis(6_000)),
            Some(KnownBy::Exactly(1_599))
        );
        assert_eq!(
            times.known_by(UnixMillis(5_000)),
            Some(KnownBy::Between(Some(1_423), 1_599))
        );
        assert_eq!(
            times.known_by(UnixMillis(300)),
            Some(KnownBy::Between(None, 1_423))
        );
        assert_eq!(times.known_by(UnixMillis(-1)), None);
    }
}
