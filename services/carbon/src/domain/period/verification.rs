//! How a period is verified after ISO 14064-3:2019: a sampling plan made on risk, findings with their size, and a statement
//! that nobody gives while a finding is open. The statement itself is [`PeriodVerifiedV1`](super::PeriodVerifiedV1).

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use terrarium_journal::{Event, Rejection, Setting};
use terrarium_proto::carbon::v1::{
    Assurance, PeriodFindingRaisedV1, PeriodFindingResolvedV1, PeriodSamplingPlannedV1, PeriodState,
};

use super::{Period, PeriodCommand, PeriodContext, PeriodFact, PeriodStep, Periods};

/// Items of a plan at most.
const MOST_ITEMS: usize = 200;
/// Entries that one finding names at most.
const MOST_ENTRIES: usize = 100;
/// Longest text of a finding, a resolution or a part of an item, in bytes.
const LONGEST_TEXT_BYTES: usize = 2_000;
/// What a verifier does with a sample.
const TESTS: [&str; 5] = [
    "recalculation",
    "tracing",
    "inspection",
    "analysis",
    "controls",
];

/// A finding and how it was dealt with.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What was found.
    pub raised: PeriodFindingRaisedV1,
    /// How it was dealt with; `None` while it is open.
    pub resolved: Option<PeriodFindingResolvedV1>,
}

/// The verification of one period so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    planned: Option<PeriodSamplingPlannedV1>,
    findings: BTreeMap<String, Finding>,
}

type Decided = Result<Vec<Event<PeriodFact>>, Rejection>;

impl Verification {
    /// The newest plan.
    pub fn planned(&self) -> Option<&PeriodSamplingPlannedV1> {
        self.planned.as_ref()
    }

    /// Findings in the order of their ids.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    fn open(&self) -> Vec<&str> {
        self.findings
            .iter()
            .filter(|(_, finding)| finding.resolved.is_none())
            .map(|(id, _)| id.as_str())
            .collect()
    }

    pub(super) fn plan(&mut self, planned: &PeriodSamplingPlannedV1) {
        self.planned = Some(planned.clone());
    }

    pub(super) fn raise(&mut self, raised: &PeriodFindingRaisedV1) {
        let finding = Finding {
            raised: raised.clone(),
            resolved: None,
        };
        self.findings.insert(raised.finding.clone(), finding);
    }

    pub(super) fn resolve(&mut self, resolved: &PeriodFindingResolvedV1) {
        if let Some(finding) = self.findings.get_mut(&resolved.finding) {
            finding.resolved = Some(resolved.clone());
        }
    }
}

impl Periods {
    /// What an event says of a period as it stands, which does not hold any more once it is restated, or planned anew.
    pub fn setting(fact: &PeriodFact) -> Option<Setting> {
        match fact {
            PeriodFact::PeriodReviewedV1(reviewed) => Some(review(&reviewed.period)),
            PeriodFact::PeriodVerifiedV1(verified) => Some(verification(
                &verified.period,
                verified.assurance(),
                &verified.statement_sha256,
            )),
            PeriodFact::PeriodSamplingPlannedV1(planned) => {
                Some(sampling(&planned.period, planned))
            }
            _ => None,
        }
    }
}

impl PeriodCommand {
    /// What it asks to set; what is filled in aside.
    pub fn setting(&self) -> Option<Setting> {
        match &self.step {
            PeriodStep::Review => Some(review(&self.period)),
            PeriodStep::Verify {
                assurance,
                statement_sha256,
            } => Some(verification(&self.period, *assurance, statement_sha256)),
            PeriodStep::PlanSampling(sent) => Some(sampling(&self.period, sent)),
            _ => None,
        }
    }
}

fn review(period: &str) -> Setting {
    Setting::of(&[b"reviewed", period.as_bytes()])
}

fn verification(period: &str, assurance: Assurance, statement_sha256: &[u8]) -> Setting {
    let assurance = i32::from(assurance).to_le_bytes();
    Setting::of(&[b"verified", period.as_bytes(), &assurance, statement_sha256])
}

fn sampling(period: &str, plan: &PeriodSamplingPlannedV1) -> Setting {
    let as_sent = PeriodSamplingPlannedV1 {
        period: period.to_owned(),
        restatement: 0,
        time_s: 0,
        by: String::new(),
        ..plan.clone()
    };
    Setting::of(&[b"sampling planned", &as_sent.encode_to_vec()])
}

impl Periods {
    pub(super) fn plan_sampling(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
        sent: &PeriodSamplingPlannedV1,
    ) -> Decided {
        let period = self.to_verify(context, id)?;
        let before = self.verification(id).and_then(Verification::planned);
        let mut planned = PeriodSamplingPlannedV1 {
            period: id.to_string(),
            restatement: period.restatements,
            time_s: before.map_or(0, |before| before.time_s),
            by: context.by.to_string(),
            ..sent.clone()
        };
        if before == Some(&planned) {
            return Ok(Vec::new());
        }
        if !(1..=1_000).contains(&planned.materiality_permille) {
            return Err(Rejection::invalid(
                "materiality_permille",
                format!(
                    "{} is no threshold; send thousandths, 1 to 1000 (50 in common use)",
                    planned.materiality_permille
                ),
            ));
        }
        if planned.items.is_empty() || planned.items.len() > MOST_ITEMS {
            return Err(Rejection::invalid(
                "items",
                format!("there are {}; send 1 to {MOST_ITEMS}", planned.items.len()),
            ));
        }
        for (number, item) in planned.items.iter().enumerate() {
            if !TESTS.contains(&item.test.as_str()) {
                return Err(Rejection::invalid(
                    "items",
                    format!(
                        "item {number} has test \"{}\"; send one of {}",
                        item.test,
                        TESTS.join(", ")
                    ),
                ));
            }
            for (name, text) in [
                ("area", &item.area),
                ("selection", &item.selection),
                ("risk", &item.risk),
            ] {
                if text.is_empty() || text.len() > LONGEST_TEXT_BYTES {
                    return Err(Rejection::invalid(
                        "items",
                        format!("item {number} needs its {name}, 1 to {LONGEST_TEXT_BYTES} bytes"),
                    ));
                }
            }
        }
        planned.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, planned)])
    }

    pub(super) fn raise_finding(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
        sent: &PeriodFindingRaisedV1,
    ) -> Decided {
        self.to_verify(context, id)?;
        let verification = self.verification(id);
        let mut raised = PeriodFindingRaisedV1 {
            period: id.to_string(),
            by: context.by.to_string(),
            ..sent.clone()
        };
        if let Some(known) = verification.and_then(|known| known.findings.get(&sent.finding)) {
            raised.time_s = known.raised.time_s;
            if known.raised == raised {
                return Ok(Vec::new());
            }
            return Err(Rejection::already_exists(
                "finding",
                format!(
                    "finding {} of period {id} says something else; give another one an id of its own",
                    sent.finding
                ),
            ));
        }
        if verification.and_then(Verification::planned).is_none() {
            return Err(Rejection::failed_precondition(
                "period",
                format!("period {id} has no sampling plan; plan what is looked at first"),
            ));
        }
        refuse_long("text", &raised.text)?;
        if raised.entries.len() > MOST_ENTRIES {
            return Err(Rejection::invalid(
                "entries",
                format!(
                    "there are {}; name {MOST_ENTRIES} at most",
                    raised.entries.len()
                ),
            ));
        }
        raised.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, raised)])
    }

    pub(super) fn resolve_finding(
        &self,
        context: &PeriodContext,
        id: &Arc<str>,
        sent: &PeriodFindingResolvedV1,
    ) -> Decided {
        self.known(context, id)?;
        let Some(finding) = self
            .verification(id)
            .and_then(|known| known.findings.get(&sent.finding))
        else {
            return Err(Rejection::not_found(
                "finding",
                format!("period {id} has no finding \"{}\"", sent.finding),
            ));
        };
        if finding.raised.by != *context.by {
            return Err(Rejection::failed_precondition(
                "finding",
                format!(
                    "{} raised finding {}; only they can say that it is dealt with",
                    finding.raised.by, sent.finding
                ),
            ));
        }
        let mut resolved = PeriodFindingResolvedV1 {
            period: id.to_string(),
            by: context.by.to_string(),
            ..sent.clone()
        };
        if let Some(known) = &finding.resolved {
            resolved.time_s = known.time_s;
            if *known == resolved {
                return Ok(Vec::new());
            }
            return Err(Rejection::failed_precondition(
                "finding",
                format!("finding {} is resolved; raise another one", sent.finding),
            ));
        }
        refuse_long("resolution", &resolved.resolution)?;
        resolved.time_s = context.now.0;
        Ok(vec![Event::of(&context.park, resolved)])
    }

    /// Nobody states anything while a finding is open, nor reasonable assurance without a plan for the figures as they stand.
    pub(super) fn refuse_unfinished_verification(
        &self,
        id: &str,
        period: &Period,
        assurance: Assurance,
    ) -> Result<(), Rejection> {
        let verification = self.verification(id);
        let open = verification.map(Verification::open).unwrap_or_default();
        if !open.is_empty() {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "period {id} has open findings ({}); resolve them before stating anything",
                    open.join(", ")
                ),
            ));
        }
        let planned = verification
            .and_then(Verification::planned)
            .is_some_and(|planned| planned.restatement == period.restatements);
        if assurance == Assurance::Reasonable && !planned {
            return Err(Rejection::failed_precondition(
                "assurance",
                format!(
                    "period {id} has no sampling plan for its figures as they stand; reasonable assurance needs one"
                ),
            ));
        }
        Ok(())
    }

    /// A closed period, asked about by someone who is no author of it.
    fn to_verify(&self, context: &PeriodContext, id: &str) -> Result<&Period, Rejection> {
        let period = self.known(context, id)?;
        if !matches!(period.state, PeriodState::Closed | PeriodState::Reviewed) {
            return Err(Rejection::failed_precondition(
                "period",
                format!(
                    "period {id} is not closed, or verified already; only a closed one is looked at"
                ),
            ));
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
        Ok(period)
    }
}

fn refuse_long(field: &'static str, text: &str) -> Result<(), Rejection> {
    if (1..=LONGEST_TEXT_BYTES).contains(&text.len()) {
        return Ok(());
    }
    Err(Rejection::invalid(
        field,
        format!(
            "it has {} bytes; write 1 to {LONGEST_TEXT_BYTES}",
            text.len()
        ),
    ))
}
