//! The reporting periods and what happened to each: opened, closed, reviewed, verified, restated.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::UnixSeconds;

use crate::accounts::restatement::Run;
use crate::bytes::{Bytes, Damaged, Unread};
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

/// What moved the figures of closed periods, by period.
pub(crate) type Runs = BTreeMap<Arc<str>, Vec<Run>>;

/// All periods of a park, by id.
#[derive(Default)]
pub struct PeriodBook {
    by_id: BTreeMap<Arc<str>, Vec<(PeriodEvent, uuid::Uuid)>>,
    /// What moved the figures of closed periods.
    runs: Runs,
    /// Those that were closed, whatever happened to them since.
    closed: Vec<(Period, Arc<str>)>,
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
        if step == PeriodStep::Closed
            && let Some(PeriodStep::Opened { from, to }) = self.first_step(period)
        {
            self.closed.push((Period { from, to }, Arc::clone(period)));
        }
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

    fn first_step(&self, period: &str) -> Option<PeriodStep> {
        let (event, _) = self.by_id.get(period)?.first()?;
        Some(event.step)
    }

    /// Whether any period is closed.
    pub(crate) fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// Notes that a fact moved figures between two moments.
    pub(crate) fn moved_figures(
        &mut self,
        from: UnixSeconds,
        to: UnixSeconds,
        reason: RestatementReason,
        position: u64,
    ) {
        for (period, id) in &self.closed {
            if from >= period.to || period.from >= to {
                continue;
            }
            let last_restated = self.by_id[id].last().map_or(0, |(event, _)| event.position);
            let runs = self.runs.entry(Arc::clone(id)).or_default();
            // Readings come one by one; a release, a method, a boundary is a change of its own.
            let joins = matches!(
                reason,
                RestatementReason::LateData | RestatementReason::CorrectedData
            );
            match runs.last_mut() {
                Some(run) if run.last == position => {}
                Some(run) if joins && run.reason == reason && run.last > last_restated => {
                    run.last = position;
                    run.facts += 1;
                }
                _ => runs.push(Run {
                    reason,
                    first: position,
                    last: position,
                    facts: 1,
                }),
            }
        }
    }

    /// What moved the figures of a period since it was closed, in the order of the record.
    pub fn runs(&self, id: &str) -> &[Run] {
        self.runs.get(id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn write_runs(&self, bytes: &mut Bytes) {
        bytes.count(self.runs.len());
        for (id, runs) in &self.runs {
            bytes.text(id).count(runs.len());
            for run in runs {
                bytes
                    .text(run.reason.token())
                    .u64(run.first)
                    .u64(run.last)
                    .u64(run.facts);
            }
        }
    }

    pub(crate) fn read_runs(unread: &mut Unread<'_>) -> Result<Runs, Damaged> {
        let mut all = Runs::new();
        for _ in 0..unread.count()? {
            let id = Arc::from(unread.text()?);
            let mut runs = Vec::new();
            for _ in 0..unread.count()? {
                runs.push(Run {
                    reason: RestatementReason::parse(unread.text()?).ok_or(Damaged)?,
                    first: unread.u64()?,
                    last: unread.u64()?,
                    facts: unread.u64()?,
                });
            }
            all.insert(id, runs);
        }
        Ok(all)
    }

    /// What moved figures, as it was kept, in place of what was found without readings.
    pub(crate) fn take_runs(&mut self, runs: Runs) {
        self.runs = runs;
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
