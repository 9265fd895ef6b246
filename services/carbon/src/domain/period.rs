//! The reporting periods of a park: opened, closed, verified by someone else, restated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use terrarium_journal::{Event, Rejection, facts};
use terrarium_model::{ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1::{
    Assurance, PeriodClosedV1, PeriodOpenedV1, PeriodRestatedV1, PeriodReviewedV1, PeriodState,
    PeriodVerifiedV1, RestatementReason,
};
use uuid::Uuid;

facts! {
    /// What happened to the reporting periods of a park.
    pub enum PeriodFact in "terrarium.carbon.v1" {
        PeriodOpenedV1 at time_s,
        PeriodClosedV1 at time_s,
        PeriodReviewedV1 at time_s,
        PeriodVerifiedV1 at time_s,
        PeriodRestatedV1 at time_s,
    }
}

/// Everything a decision needs beside the periods' own past.
#[derive(Clone, Debug)]
pub struct PeriodContext {
    /// The park.
    pub park: ParkId,
    /// Who asks: name of the credential.
    pub by: Arc<str>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// Something to do with one period.
#[derive(Clone, Debug)]
pub struct PeriodCommand {
    /// Id of the period.
    pub period: Arc<str>,
    /// What to do with it.
    pub step: PeriodStep,
}

/// What can be done with a period.
#[derive(Clone, Debug)]
pub enum PeriodStep {
    /// Open it.
    Open {
        /// Its start.
        from: UnixSeconds,
        /// Its end, exclusive.
        to: UnixSeconds,
    },
    /// Close it: from then on late data restates it.
    Close,
    /// Someone who did not prepare it looked it through.
    Review,
    /// A third person checked it.
    Verify {
        /// How sure they are.
        assurance: Assurance,
        /// SHA-256 of their statement.
        statement_sha256: Bytes,
    },
    /// Its figures changed.
    Restate {
        /// Why.
        reason: RestatementReason,
        /// What changed, in a person's words.
        explanation: Arc<str>,
        /// The caller's own id of the command.
        client_request_id: Arc<str>,
    },
}

/// A period, as its past left it.
#[derive(Clone, Debug)]
pub struct Period {
    /// Its start.
    pub from: UnixSeconds,
    /// Its end, exclusive.
    pub to: UnixSeconds,
    /// Where it stands.
    pub state: PeriodState,
    /// Who closed it.
    pub closed_by: String,
    /// Who reviewed it as it stands.
    pub reviewed_by: String,
    /// Who verified it as it stands.
    pub verified_by: String,
    /// How often it was restated.
    pub restatements: u32,
    /// Everyone who closed or restated it: none of them may verify it.
    authors: BTreeSet<String>,
    statement_sha256: Bytes,
}

/// The periods of one park.
#[derive(Default)]
pub struct Periods {
    by_id: BTreeMap<String, Period>,
    restated: BTreeMap<Uuid, u32>,
}

impl Periods {
    /// A period.
    pub fn get(&self, id: &str) -> Option<&Period> {
        self.by_id.get(id)
    }

    /// All of them, in the order of time.
    pub fn in_order(&self) -> Vec<(&String, &Period)> {
        let mut periods: Vec<_> = self.by_id.iter().collect();
        periods.sort_by_key(|(_, period)| period.from);
        periods
    }

    /// Which restatement of its period a command made.
    pub fn restatement(&self, park: &ParkId, period: &str, client_request_id: &str) -> Option<u32> {
        self.restated
            .get(&restatement_id(park, period, client_request_id))
            .copied()
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &PeriodContext,
        command: &PeriodCommand,
    ) -> Result<Vec<Event<PeriodFact>>, Rejection> {
        let id = &command.period;
        match &command.step {
            PeriodStep::Open { from, to } => self.open(context, id, *from, *to),
            PeriodStep::Close => self.close(context, id),
            PeriodStep::Review => self.review(context, id),
            PeriodStep::Verify {
                assurance,
                statement_sha256,
            } => self.verify(context, id, *assurance, statement_sha256),
            PeriodStep::Restate {
                reason,
                explanation,
                client_request_id,
            } => self.restate(context, id, *reason, explanation, client_request_id),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<PeriodFact>) {
        match &event.fact {
            PeriodFact::PeriodOpenedV1(opened) => {
                let period = Period {
                    from: UnixSeconds(opened.from_s),
                    to: UnixSeconds(opened.to_s),
                    state: PeriodState::Open,
                    closed_by: String::new(),
                    reviewed_by: String::new(),
                    verified_by: String::new(),
                    restatements: 0,
                    authors: BTreeSet::new(),
                    statement_sha256: Bytes::new(),
                };
                self.by_id.insert(opened.period.clone(), period);
            }
            PeriodFact::PeriodClosedV1(closed) => self.change(&closed.period, |period| {
                period.state = PeriodState::Closed;
                period.closed_by.clone_from(&closed.by);
                period.authors.insert(closed.by.clone());
            }),
            PeriodFact::PeriodReviewedV1(reviewed) => self.change(&reviewed.period, |period| {
                period.state = PeriodState::Reviewed;
                period.reviewed_by.clone_from(&reviewed.by);
            }),
            PeriodFact::PeriodVerifiedV1(verified) => self.change(&verified.period, |period| {
                period.state = PeriodState::Verified;
                period.verified_by.clone_from(&verified.by);
                period
                    .statement_sha256
                    .clone_from(&verified.statement_sha256);
            }),
            PeriodFact::PeriodRestatedV1(restated) => {
                self.restated.insert(event.id, restated.restatement);
                self.change(&restated.period, |period| {
                    period.state = PeriodState::Closed;
                    period.reviewed_by.clear();
                    period.verified_by.clear();
                    period.restatements = restated.restatement;
                    period.authors.insert(restated.by.clone());
                });
            }
        }
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Period)) {
        if let Some(period) = self.by_id.get_mut(id) {
            change(period);
        }
    }

    fn open(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
        from: UnixSeconds,
        to: UnixSeconds,
    ) -> Result<Vec<Event<PeriodFact>>, Rejection> {
        match self.by_id.get(&**id) {
            Some(recorded) if (recorded.from, recorded.to) == (from, to) => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "period",
                    format!(
                        "period {id} is recorded from {} to {}; give another one an id of its own",
                        format_rfc3339_utc(recorded.from),
                        format_rfc3339_utc(recorded.to)
                    ),
                ));
            }
            None => {}
        }
        if to <= from {
            return Err(Rejection::invalid(
                "to",
                format!(
                    "{} is not after {}; a period has a length",
                    format_rfc3339_utc(to),
                    format_rfc3339_utc(from)
                ),
            ));
        }
        let overlapping = self
            .by_id
            .iter()
            .find(|(_, other)| other.from < to && from < other.to);
        if let Some((other_id, other)) = overlapping {
            return Err(Rejection::failed_precondition(
                "from",
                format!(
                    "period {other_id} has {} to {}; periods don't overlap",
                    format_rfc3339_utc(other.from),
                    format_rfc3339_utc(other.to)
                ),
            ));
        }
        let opened = PeriodOpenedV1 {
            period: id.to_string(),
            from_s: from.0,
            to_s: to.0,
            time_s: context.now.0,
            by: context.by.to_string(),
        };
        Ok(vec![Event::once(&context.park, &[id.as_bytes()], opened)])
    }

    fn close(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
    ) -> Result<Vec<Event<PeriodFact>>, Rejection> {
        let period = self.known(context, id)?;
        if period.state != PeriodState::Open {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "period {id} was closed by {}; what changed since restates it",
                    period.closed_by
                ),
            ));
        }
        if context.now < period.to {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "period {id} ends at {}, and it is {}; close it when it is over",
                    format_rfc3339_utc(period.to),
                    format_rfc3339_utc(context.now)
                ),
            ));
        }
        let closed = PeriodClosedV1 {
            period: id.to_string(),
            time_s: context.now.0,
            by: context.by.to_string(),
        };
        Ok(vec![Event::once(&context.park, &[id.as_bytes()], closed)])
    }

    fn review(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
    ) -> Result<Vec<Event<PeriodFact>>, Rejection> {
        let period = self.known(context, id)?;
        match period.state {
            PeriodState::Reviewed if *period.reviewed_by == *context.by => return Ok(Vec::new()),
            PeriodState::Closed => {}
            PeriodState::Reviewed | PeriodState::Verified => {
                return Err(Rejection::failed_precondition(
                    "period",
                    format!(
                        "period {id} was reviewed by {} as it stands",
                        period.reviewed_by
                    ),
                ));
            }
            PeriodState::Open | PeriodState::Unspecified => {
                return Err(Rejection::failed_precondition(
                    "period",
                    format!("period {id} is open; only a closed one can be reviewed"),
                ));
            }
        }
        if period.authors.contains(&*context.by) {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "{} closed or restated period {id} and can't review it; someone else has to, with a credential of their own",
                    context.by
                ),
            ));
        }
        let reviewed = PeriodReviewedV1 {
            period: id.to_string(),
            time_s: context.now.0,
            by: context.by.to_string(),
        };
        let restatements = period.restatements.to_le_bytes();
        let parts: [&[u8]; 2] = [id.as_bytes(), &restatements];
        Ok(vec![Event::once(&context.park, &parts, reviewed)])
    }

    fn verify(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
        assurance: Assurance,
        statement_sha256: &Bytes,
    ) -> Result<Vec<Event<PeriodFact>>, Rejection> {
        let period = self.known(context, id)?;
        match period.state {
            PeriodState::Verified
                if *period.verified_by == *context.by
                    && period.statement_sha256 == *statement_sha256 =>
            {
                return Ok(Vec::new());
            }
            PeriodState::Verified => {
                return Err(Rejection::failed_precondition(
                    "period",
                    format!(
                        "period {id} was verified by {} as it stands",
                        period.verified_by
                    ),
                ));
            }
            PeriodState::Closed | PeriodState::Reviewed => {}
            PeriodState::Open | PeriodState::Unspecified => {
                return Err(Rejection::failed_precondition(
                    "period",
                    format!("period {id} is open; only a closed one can be verified"),
                ));
            }
        }
        if period.authors.contains(&*context.by) {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "{} closed or restated period {id} and can't verify it; someone else has to, with a credential of their own",
                    context.by
                ),
            ));
        }
        if period.state == PeriodState::Closed {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "period {id} was not reviewed as it stands; someone who did not prepare it has to, before a third person \
                     verifies it"
                ),
            ));
        }
        if *period.reviewed_by == *context.by {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "{} reviewed period {id} and can't verify it; a third person has to, with a credential of their own",
                    context.by
                ),
            ));
        }
        if assurance == Assurance::Unspecified {
            return Err(Rejection::invalid(
                "assurance",
                "it is not known; send LIMITED or REASONABLE",
            ));
        }
        if statement_sha256.len() != 32 {
            return Err(Rejection::invalid(
                "statement_sha256",
                format!(
                    "it has {} bytes; send the 32 bytes of the statement's SHA-256",
                    statement_sha256.len()
                ),
            ));
        }
        let verified = PeriodVerifiedV1 {
            period: id.to_string(),
            time_s: context.now.0,
            by: context.by.to_string(),
            assurance: assurance.into(),
            statement_sha256: statement_sha256.clone(),
        };
        let restatements = period.restatements.to_le_bytes();
        let parts: [&[u8]; 2] = [id.as_bytes(), &restatements];
        Ok(vec![Event::once(&context.park, &parts, verified)])
    }

    fn restate(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
        reason: RestatementReason,
        explanation: &Arc<str>,
        client_request_id: &Arc<str>,
    ) -> Result<Vec<Event<PeriodFact>>, Rejection> {
        let period = self.known(context, id)?;
        let event_id = restatement_id(&context.park, id, client_request_id);
        if self.restated.contains_key(&event_id) {
            return Ok(Vec::new());
        }
        if period.state == PeriodState::Open {
            return Err(Rejection::failed_precondition(
                "period",
                format!("period {id} is open; its figures move by themselves until it is closed"),
            ));
        }
        if reason == RestatementReason::Unspecified {
            return Err(Rejection::invalid(
                "reason",
                "it is not known; send LATE_DATA, CORRECTED_DATA, NEW_FACTORS, METHOD_CHANGE or BOUNDARY_CHANGE",
            ));
        }
        let restated = PeriodRestatedV1 {
            period: id.to_string(),
            restatement: period.restatements + 1,
            time_s: context.now.0,
            by: context.by.to_string(),
            reason: reason.into(),
            explanation: explanation.to_string(),
        };
        Ok(vec![Event {
            id: event_id,
            fact: restated.into(),
            causation: None,
        }])
    }

    fn known(&self, context: &PeriodContext, id: &str) -> Result<&Period, Rejection> {
        self.by_id.get(id).ok_or_else(|| {
            Rejection::not_found(
                "period",
                format!(
                    "park {} has no period \"{id}\"; open it first",
                    context.park
                ),
            )
        })
    }
}

fn restatement_id(park: &ParkId, period: &str, client_request_id: &str) -> Uuid {
    terrarium_model::event_id(&[
        b"terrarium.carbon.period-restated",
        park.as_str().as_bytes(),
        period.as_bytes(),
        client_request_id.as_bytes(),
    ])
}

#[cfg(test)]
mod tests;
