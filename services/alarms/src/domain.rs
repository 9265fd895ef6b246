//! The life cycle of one alarm (ANSI/ISA-18.2-2016, figure 2). Pure.
//!
//! ```text
//!             raised                    acknowledged
//!   normal ----------> unacknowledged ---------------> acknowledged ---cleared---> normal
//!                        |        ^
//!                 cleared|        |raised
//!                        v        |
//!              returned, unacknowledged ---acknowledged---> normal
//!
//!   any of these --shelved | suppressed | out of service--> hidden --all of it over--> unacknowledged if its condition
//!                                                                                      holds, else normal
//! ```
//!
//! An alarm that is hidden goes on being raised and cleared on record. It can be hidden in several ways at once; then it
//! shows as out of service before shelved before suppressed.

mod commands;
mod identity;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::Rejection;
use terrarium_model::UnixMillis;
use uuid::Uuid;

pub use identity::{cleared_id, raised_id, transition_id};
pub use words::{
    AlarmCommand, AlarmContext, AlarmEvent, AlarmFact, AlarmState, Clear, Raise, UnshelveCause,
};

/// An alarm, as its past left it.
#[derive(Clone, Debug)]
pub struct Alarm {
    newest: Option<Occurrence>,
    is_active: bool,
    /// Nothing waits to be seen by a person.
    is_acknowledged: bool,
    shelving: Option<Shelving>,
    suppression: Option<Suppression>,
    /// The event that took it out of service.
    removal: Option<Uuid>,
    /// When the condition last began or ceased to hold.
    condition_changed: Option<UnixMillis>,
    /// When suppression last began or ended.
    suppression_changed: Option<UnixMillis>,
    /// Raised, cleared, suppressed and released: what the service itself records.
    own_events: BTreeSet<Uuid>,
    /// What people asked for, by the id that follows from their request's own.
    asked: BTreeMap<Uuid, AlarmFact>,
}

/// The alarm was raised once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The event that raised it.
    pub id: Uuid,
    /// Since when it counts.
    pub time: UnixMillis,
    /// What crossed the limit.
    pub value: Option<i64>,
    /// The limit.
    pub limit: Option<i64>,
}

/// The alarm is kept out of the list for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelving {
    /// The event that shelved it.
    pub id: Uuid,
    /// Until when.
    pub until: UnixMillis,
}

/// The alarm says nothing of its own for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The event that suppressed it.
    pub id: Uuid,
    /// The alarm that does.
    pub by_alarm: Arc<str>,
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm {
            newest: None,
            is_active: false,
            is_acknowledged: true,
            shelving: None,
            suppression: None,
            removal: None,
            condition_changed: None,
            suppression_changed: None,
            own_events: BTreeSet::new(),
            asked: BTreeMap::new(),
        }
    }
}

impl Alarm {
    /// The state of the standard.
    pub fn state(&self) -> AlarmState {
        if self.removal.is_some() {
            return AlarmState::OutOfService;
        }
        if self.shelving.is_some() {
            return AlarmState::Shelved;
        }
        if self.suppression.is_some() {
            return AlarmState::Suppressed;
        }
        match (self.is_active, self.is_acknowledged) {
            (true, false) => AlarmState::Unacknowledged,
            (true, true) => AlarmState::Acknowledged,
            (false, false) => AlarmState::ReturnedUnacknowledged,
            (false, true) => AlarmState::Normal,
        }
    }

    /// Whether its condition holds, whatever the state.
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// The newest occurrence.
    pub fn newest(&self) -> Option<&Occurrence> {
        self.newest.as_ref()
    }

    /// How it is shelved, if it is.
    pub fn shelving(&self) -> Option<&Shelving> {
        self.shelving.as_ref()
    }

    /// How it is suppressed, if it is.
    pub fn suppression(&self) -> Option<&Suppression> {
        self.suppression.as_ref()
    }

    /// Whether the service itself recorded this event of it.
    pub fn has_recorded(&self, event: &Uuid) -> bool {
        self.own_events.contains(event)
    }

    /// When the condition last began or ceased to hold.
    pub fn condition_changed(&self) -> Option<UnixMillis> {
        self.condition_changed
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &AlarmContext,
        command: &AlarmCommand,
    ) -> Result<Vec<AlarmEvent>, Rejection> {
        commands::decide(self, context, command)
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &AlarmEvent) {
        match &event.fact {
            AlarmFact::Raised(raise) => {
                self.own_events.insert(event.id);
                self.condition_changed = Some(raise.time);
                self.is_active = true;
                self.is_acknowledged = false;
                self.newest = Some(Occurrence {
                    id: event.id,
                    time: raise.time,
                    value: raise.value,
                    limit: raise.limit,
                });
            }
            AlarmFact::Cleared { clear, .. } => {
                self.own_events.insert(event.id);
                self.condition_changed = Some(clear.time);
                self.is_active = false;
                // Nobody saw it while it was hidden, and nobody needs to any more.
                self.is_acknowledged |= self.is_hidden();
            }
            AlarmFact::Suppressed { by_alarm, time, .. } => {
                self.own_events.insert(event.id);
                self.suppression_changed = Some(*time);
                self.suppression = Some(Suppression {
                    id: event.id,
                    by_alarm: Arc::clone(by_alarm),
                });
            }
            AlarmFact::Released { time, .. } => {
                self.own_events.insert(event.id);
                self.suppression_changed = Some(*time);
                self.suppression = None;
                self.come_back();
            }
            AlarmFact::Acknowledged { .. } => self.is_acknowledged = true,
            AlarmFact::Shelved { until, .. } => {
                self.shelving = Some(Shelving {
                    id: event.id,
                    until: *until,
                });
            }
            AlarmFact::Unshelved { .. } => {
                self.shelving = None;
                self.come_back();
            }
            AlarmFact::RemovedFromService { .. } => self.removal = Some(event.id),
            AlarmFact::ReturnedToService { .. } => {
                self.removal = None;
                self.come_back();
            }
        }
        if event.fact.client_request_id().is_some() {
            self.asked.insert(event.id, event.fact.clone());
        }
    }

    fn is_hidden(&self) -> bool {
        self.removal.is_some() || self.shelving.is_some() || self.suppression.is_some()
    }

    /// What is not hidden any more wants to be seen (again) if its condition holds.
    fn come_back(&mut self) {
        if !self.is_hidden() {
            self.is_acknowledged = !self.is_active;
        }
    }
}
