//! What is recorded of a simulated park and waits until its moment is decided. Pure.
//!
//! The order is that of time; of one moment, that of the streams' names and of the events within their stream: the same however
//! the reports of several moments were sent together. A new definition of the park holds from the millisecond after its moment: what
//! is said at that moment comes before it, also where it was recorded later.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::RecordedEvent;
use terrarium_model::{MeterId, ParkDefinition, SECONDS_PER_HOUR, UnixMillis};
use uuid::Uuid;

use crate::conditions::{Observation, ParkWatch, Transition};
use crate::observer::Observed;

/// What waits of one event.
pub(crate) enum Said {
    Heard(Heard),
    /// The park is defined anew: reports of moments before it may come after it.
    Defined(Box<ParkDefinition>, Heard),
}

/// What one event says to the alarms.
pub(crate) struct Heard {
    pub(crate) event: Uuid,
    /// The meter that sent it, if one did.
    pub(crate) meter: Option<MeterId>,
    pub(crate) observed: Vec<Observed>,
}

/// Everything that waits of one park.
#[derive(Default)]
pub(crate) struct Waiting {
    said: BTreeMap<(UnixMillis, Arc<str>, u64), Said>,
}

impl Waiting {
    pub(crate) fn add(&mut self, recorded: UnixMillis, event: &RecordedEvent, said: Said) {
        let moment = match said {
            Said::Heard(_) => recorded,
            Said::Defined(..) => after(recorded),
        };
        let key = (moment, Arc::clone(&event.stream), event.revision);
        self.said.insert(key, said);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// The moment of the first that waits.
    pub(crate) fn first(&self) -> Option<UnixMillis> {
        let ((moment, ..), _) = self.said.first_key_value()?;
        Some(*moment)
    }

    /// Takes out, in order, what is of a moment or before it.
    pub(crate) fn take_until(&mut self, until: UnixMillis) -> Vec<(UnixMillis, Said)> {
        let later = self.said.split_off(&(after(until), Arc::from(""), 0));
        let ready = std::mem::replace(&mut self.said, later);
        let ready = ready.into_iter();
        ready.map(|((moment, ..), said)| (moment, said)).collect()
    }
}

fn after(moment: UnixMillis) -> UnixMillis {
    UnixMillis(moment.0.saturating_add(1))
}

impl Heard {
    pub(crate) fn says_nothing(&self) -> bool {
        self.meter.is_none() && self.observed.is_empty()
    }

    /// Tells it to the park's watch.
    pub(crate) fn tell(
        self,
        recorded: UnixMillis,
        watch: &mut ParkWatch,
        transitions: &mut Vec<Transition>,
    ) {
        if let Some(meter) = &self.meter {
            watch.hear(meter, self.event, recorded, transitions);
        }
        for observed in self.observed {
            match observed {
                Observed::Point { name, sample } => {
                    let observation = Observation {
                        value: sample.value,
                        time: UnixMillis(sample.time_ms),
                        start: UnixMillis(sample.start_ms()),
                        event: self.event,
                        recorded,
                    };
                    watch.observe(&name, observation, transitions);
                }
                Observed::Balance {
                    of,
                    node,
                    hour_start,
                    unexplained,
                } => {
                    let observation = Observation {
                        value: unexplained,
                        time: UnixMillis((hour_start.0 + SECONDS_PER_HOUR) * 1_000),
                        start: UnixMillis(hour_start.0 * 1_000),
                        event: self.event,
                        recorded,
                    };
                    watch.balance(of, &node, observation, transitions);
                }
            }
        }
    }
}
