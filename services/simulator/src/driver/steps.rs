//! From steps to bundles.

use terrarium_model::{Interval, ParkId, UnixSeconds};

use super::bundle::Bundle;
use crate::faults::FaultyDelivery;
use crate::park::{Fact, ParkSimulation};

/// The steps of a run, and what of them is delivered when.
pub struct Steps<'a> {
    simulation: &'a mut ParkSimulation,
    faults: &'a mut FaultyDelivery,
    until: UnixSeconds,
    /// A step that did not fit into the bundle before it.
    held: Option<Delivered>,
    /// Steps that are in bundles.
    taken: u64,
}

/// What is delivered in one step.
struct Delivered {
    interval: Interval,
    facts: Vec<Fact>,
}

impl Delivered {
    /// Whether nothing else may be sent with it: it says something of another time than its own, which is late or ahead only
    /// now.
    fn stands_alone(&self) -> bool {
        let own = self.interval.start.0 + 1..=self.interval.end().0;
        self.facts
            .iter()
            .any(|fact| !own.contains(&fact.known_at().0))
    }

    /// Whether nothing may be sent before it without a decision in between: it says something that has to wait for what is due
    /// before it.
    fn comes_first(&self) -> bool {
        self.facts.iter().any(Fact::meets_a_deadline)
    }

    fn has_command(&self) -> bool {
        self.facts.iter().any(Fact::is_command)
    }
}

impl<'a> Steps<'a> {
    pub fn new(
        simulation: &'a mut ParkSimulation,
        faults: &'a mut FaultyDelivery,
        until: UnixSeconds,
    ) -> Steps<'a> {
        Steps {
            simulation,
            faults,
            until,
            held: None,
            taken: 0,
        }
    }

    pub fn simulation(&mut self) -> &mut ParkSimulation {
        self.simulation
    }

    pub fn interval_s(&self) -> u32 {
        self.simulation.interval_s()
    }

    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The next bundle, of so many steps at most; `None` at the end of the run.
    pub fn bundle(&mut self, park: &ParkId, most_steps: u32) -> Option<Bundle> {
        let first = self.next()?;
        let mut is_full = first.stands_alone();
        let mut bundle = Bundle::new(park, first.interval.start);
        let mut steps = 0;
        let mut next = Some(first);
        while let Some(step) = next {
            is_full |= step.has_command();
            bundle.add_step(step.interval, step.facts);
            steps += 1;
            next = None;
            if !is_full && steps < most_steps {
                match self.next() {
                    Some(step) if step.stands_alone() || step.comes_first() => {
                        self.held = Some(step);
                    }
                    step => next = step,
                }
            }
        }
        self.taken += u64::from(steps);
        Some(bundle)
    }

    fn next(&mut self) -> Option<Delivered> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        let ends_s = self.simulation.next_start().0 + i64::from(self.simulation.interval_s());
        if ends_s > self.until.0 {
            return None;
        }
        let step = self.simulation.step();
        let (now, seconds) = (step.interval.end(), step.interval.seconds);
        Some(Delivered {
            interval: step.interval,
            facts: self.faults.deliver(step.facts, now, seconds),
        })
    }
}
