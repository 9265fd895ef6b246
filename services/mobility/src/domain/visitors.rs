//! People counted at an entrance, over intervals that never overlap.

use std::fmt;

use terrarium_journal::{Event, IntervalBook, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds};
use terrarium_proto::mobility::v1::VisitorsCountedV1;

facts! {
    /// What happened at an entrance.
    pub enum VisitorFact in "terrarium.mobility.v1" {
        VisitorsCountedV1 at interval_start_s for interval_seconds,
    }
}

/// Everything a decision needs beside the earlier counts.
#[derive(Clone, Debug)]
pub struct VisitorContext {
    /// Park of the counter.
    pub park: ParkId,
    /// The counter.
    pub counter: AssetId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The counts of one entrance.
#[derive(Default)]
pub struct EntranceCounter {
    counts: IntervalBook<Counted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    entered: u32,
    left: u32,
}

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in and {} out", self.entered, self.left)
    }
}

impl EntranceCounter {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.counts.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, sent: &VisitorsCountedV1) -> bool {
        self.counts.is_forgotten(UnixSeconds(sent.interval_start_s))
    }

    /// Decides about a count.
    pub fn decide(
        &self,
        context: &VisitorContext,
        sent: &VisitorsCountedV1,
    ) -> Result<Vec<Event<VisitorFact>>, Rejection> {
        let (interval, counted) = parts(sent);
        let what = format!("entrance counter {}", context.counter);
        if !self.counts.is_new("entered", &what, interval, &counted)? {
            return Ok(Vec::new());
        }
        refuse_future("interval_start", interval.end(), context.now)?;
        Ok(vec![Event::of(&context.park, sent.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<VisitorFact>) {
        let VisitorFact::VisitorsCountedV1(counted) = &event.fact;
        let (interval, counted) = parts(counted);
        self.counts.insert(interval, counted);
    }
}

fn parts(counted: &VisitorsCountedV1) -> (Interval, Counted) {
    let interval = Interval {
        start: UnixSeconds(counted.interval_start_s),
        seconds: counted.interval_seconds,
    };
    let counted = Counted {
        entered: counted.entered,
        left: counted.left,
    };
    (interval, counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_counted_once() {
        let context = VisitorContext {
            park: ParkId::new("haotian").expect("valid"),
            counter: AssetId::new("gate").expect("valid"),
            now: UnixSeconds(10_000),
        };
        let count = |start: i64, entered| VisitorsCountedV1 {
            counter: "gate".into(),
            interval_start_s: start,
            interval_seconds: 900,
            entered,
            left: 3,
        };
        let mut gate = EntranceCounter::default();
        let events = gate.decide(&context, &count(0, 12)).expect("a count");
        gate.evolve(&events[0]);
        assert_eq!(gate.decide(&context, &count(0, 12)), Ok(Vec::new()));
        for (sent, field) in [
            (count(0, 13), "entered"),
            (count(450, 1), "interval_start"),
            (count(9_900, 1), "interval_start"),
        ] {
            assert_eq!(gate.decide(&context, &sent).expect_err(field).field, field);
        }
        assert!(gate.decide(&context, &count(900, 1)).is_ok());
    }
}
