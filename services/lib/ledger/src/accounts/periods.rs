//! The reporting periods and what happened to each: opened, closed, reviewed, verified, restated.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::UnixSeconds;

use crate::energy::meter_book::Sight;
use crate::fact::{Origin, PeriodStep, RestatementReason};
use crate::hash::Hasher;
use crate::park_ledger::Period;

/// Where a period stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeriodState {
    /// Its figures move by themselves.
    Live,
    /// What changes restates it.
    Closed,
    /// Looked through by someone who did not prepare it.
    Reviewed,
    /// Approved by a third person.
    Verified,
    /// Closed once, and changed since: to be reviewed and verified again.
    Restated,
}

impl PeriodState {
    /// As in tables and on the wire.
    pub fn token(self) -> &'static str {
        match self {
            PeriodState::Live => "live",
            PeriodState::Closed => "closed",
            PeriodState::Reviewed => "reviewed",
            PeriodState::Verified => "verified",
            PeriodState::Restated => "restated",
        }
    }
}

/// A step of a period, with who took it and where in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodEvent {
    /// When.
    pub at: UnixSeconds,
    /// Credential.
    pub by: Arc<str>,
    /// What.
    pub step: PeriodStep,
    /// Position of the event.
    pub position: u64,
}

/// A reporting period, as seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportingPeriod {
    /// Its id.
    pub id: Arc<str>,
    /// Its time.
    pub period: Period,
    /// Where it stands.
    pub state: PeriodState,
    /// Everything that happened to it, in order.
    pub events: Vec<PeriodEvent>,
}

impl ReportingPeriod {
    /// Positions at which its figures were reported: when it was closed, and at each restatement.
    pub fn reported_at(&self) -> impl Iterator<Item = (u64, Option<RestatementReason>)> + '_ {
        self.events.iter().filter_map(|event| match event.step {
            PeriodStep::Closed => Some((event.position, None)),
            PeriodStep::Restated(reason) => Some((event.position, Some(reason))),
            PeriodStep::Opened { .. } | PeriodStep::Reviewed | PeriodStep::Verified => None,
        })
    }
}

/// All periods of a park, by id.
#[derive(Default)]
pub struct PeriodBook {
    by_id: BTreeMap<Arc<str>, Vec<(PeriodEvent, uuid::Uuid)>>,
}

impl PeriodBook {
    /// Takes in what happened to one.
    pub(crate) fn moved(
        &mut self,
        period: &Arc<str>,
        at: UnixSeconds,
        by: &Arc<str>,
        step: PeriodStep,
        origin: Origin,
    ) {
        let event = PeriodEvent {
            at,
            by: Arc::clone(by),
            step,
            position: origin.position,
        };
        self.by_id
            .entry(Arc::clone(period))
            .or_default()
            .push((event, origin.event));
    }

    /// A period as seen; `None` if it was not opened by then.
    pub fn get(&self, id: &str, sight: Sight) -> Option<ReportingPeriod> {
        let (id, events) = self.by_id.get_key_value(id)?;
        let events: Vec<PeriodEvent> = events
            .iter()
            .map(|(event, _)| event)
            .filter(|event| event.position <= sight.known_at && event.at < sight.before)
            .cloned()
            .collect();
        let PeriodStep::Opened { from, to } = events.first()?.step else {
            return None;
        };
        let mut state = PeriodState::Live;
        for event in &events {
            state = match event.step {
                PeriodStep::Opened { .. } => PeriodState::Live,
                PeriodStep::Closed => PeriodState::Closed,
                PeriodStep::Reviewed => PeriodState::Reviewed,
                PeriodStep::Verified => PeriodState::Verified,
                PeriodStep::Restated(_) => PeriodState::Restated,
            };
        }
        Some(ReportingPeriod {
            id: Arc::clone(id),
            period: Period { from, to },
            state,
            events,
        })
    }

    /// All periods that were opened, as seen, in order of their ids.
    pub fn all(&self, sight: Sight) -> Vec<ReportingPeriod> {
        self.by_id
            .keys()
            .filter_map(|id| self.get(id, sight))
            .collect()
    }

    pub(crate) fn hash(&self, content: &mut Hasher, state: &mut Hasher) {
        for (id, events) in &self.by_id {
            content.text(id);
            for (event, event_id) in events {
                content.bytes(event_id.as_bytes());
                state.number(event.position as i64);
            }
        }
    }
}
