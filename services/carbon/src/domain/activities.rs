//! Activities of one asset that no meter sees: reported with an interval, corrected by revisions, never overlapping.

use std::collections::BTreeMap;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::carbon::v1::ActivityReportedV1;

facts! {
    /// What was reported of an asset's activities.
    pub enum ActivityFact in "terrarium.carbon.v1" {
        ActivityReportedV1 at interval_start_s,
    }
}

/// Everything a decision needs beside what is recorded.
#[derive(Clone, Debug)]
pub struct ActivitiesContext {
    /// Park of the asset.
    pub park: ParkId,
    /// The asset.
    pub asset: AssetId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The reported activities of one asset.
#[derive(Default)]
pub struct Activities {
    /// By kind and id: all revisions in order.
    reports: BTreeMap<(String, String), Vec<ActivityReportedV1>>,
}

impl Activities {
    /// The newest revision of each activity, in the order of kind and id.
    pub fn newest(&self) -> impl Iterator<Item = &ActivityReportedV1> {
        self.reports
            .values()
            .filter_map(|revisions| revisions.last())
    }

    /// Decides about a report.
    pub fn decide(
        &self,
        context: &ActivitiesContext,
        sent: &ActivityReportedV1,
    ) -> Result<Vec<Event<ActivityFact>>, Rejection> {
        let revisions = self
            .reports
            .get(&(sent.kind.clone(), sent.activity.clone()))
            .map_or(&[][..], Vec::as_slice);
        if revisions.get(sent.revision as usize) == Some(sent) {
            return Ok(Vec::new());
        }
        let next = revisions.len();
        if (sent.revision as usize) < next {
            let recorded = &revisions[next - 1];
            return Err(Rejection::already_exists(
                "revision",
                format!(
                    "activity {} of {} is recorded with {} {}; send another value as revision {next}, with a reason",
                    sent.activity, context.asset, recorded.value, recorded.unit
                ),
            ));
        }
        if sent.revision as usize > next {
            return Err(Rejection::failed_precondition(
                "revision",
                format!(
                    "activity {} of {} has {next} revisions; the next one is {next}, not {}",
                    sent.activity, context.asset, sent.revision
                ),
            ));
        }
        if next == 0 && sent.amount == 0 {
            return Err(Rejection::invalid(
                "value",
                "it is 0; report what was done, and withdraw a report with its next revision",
            ));
        }
        if next > 0 && sent.reason.is_empty() {
            return Err(Rejection::invalid(
                "reason",
                "a correction says why; write 1 to 500 bytes",
            ));
        }
        let interval = interval_of(sent);
        refuse_future("interval_start", interval.end(), context.now)?;
        self.refuse_overlap(context, sent, interval)?;
        Ok(vec![Event::of(&context.park, sent.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<ActivityFact>) {
        let ActivityFact::ActivityReportedV1(report) = &event.fact;
        self.reports
            .entry((report.kind.clone(), report.activity.clone()))
            .or_default()
            .push(report.clone());
    }

    /// Two reports of one kind, subject and party over the same time count the same twice. What happens at once can't overlap: two
    /// deliveries of one second are two activities.
    fn refuse_overlap(
        &self,
        context: &ActivitiesContext,
        sent: &ActivityReportedV1,
        interval: Interval,
    ) -> Result<(), Rejection> {
        let overlapped = self.newest().find(|report| {
            report.kind == sent.kind
                && report.subject == sent.subject
                && report.party == sent.party
                && report.activity != sent.activity
                && report.amount != 0
                && interval_of(report).overlaps(interval)
        });
        overlapped.map_or(Ok(()), |recorded| {
            Err(Rejection::failed_precondition(
                "interval_start",
                format!(
                    "{} of {} overlaps activity {}, which is recorded from {} for {} s; correct that one, or report the rest of the time",
                    sent.subject,
                    context.asset,
                    recorded.activity,
                    format_rfc3339_utc(UnixSeconds(recorded.interval_start_s)),
                    recorded.interval_seconds
                ),
            ))
        })
    }
}

fn interval_of(report: &ActivityReportedV1) -> Interval {
    Interval {
        start: UnixSeconds(report.interval_start_s),
        seconds: report.interval_seconds,
    }
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> ActivitiesContext {
        ActivitiesContext {
            park: ParkId::new("haotian").expect("valid"),
            asset: AssetId::new("mower").expect("valid"),
            now: UnixSeconds(1_000_000),
        }
    }

    fn diesel(activity: &str, start_s: i64, revision: u32, amount: i64) -> ActivityReportedV1 {
        ActivityReportedV1 {
            asset: "mower".into(),
            activity: activity.into(),
            kind: "fuel".into(),
            subject: "diesel".into(),
            interval_start_s: start_s,
            interval_seconds: 3_600,
            value: (amount / 1_000).to_string(),
            unit: "L".into(),
            amount,
            amount_unit: "ml".into(),
            revision,
            party: "park".into(),
            tier: 2,
            u95_ppm: 50_000,
            source: "delivery note 7".into(),
            reason: if revision > 0 {
                "misread".into()
            } else {
                String::new()
            },
            ..ActivityReportedV1::default()
        }
    }

    #[test]
    fn a_report_is_corrected_by_its_next_revision_and_withdrawn_by_nothing() {
        let mut activities = Activities::default();
        for sent in [
            diesel("d-1", 0, 0, 20_000),
            diesel("d-1", 0, 1, 25_000),
            diesel("d-1", 0, 2, 0),
            // The time is free again.
            diesel("d-2", 1_800, 0, 5_000),
        ] {
            let events = activities.decide(&context(), &sent).expect("in order");
            activities.evolve(&events[0]);
            assert_eq!(activities.decide(&context(), &sent), Ok(Vec::new()));
        }
        assert_eq!(activities.newest().count(), 2);
    }

    #[test]
    fn what_contradicts_the_record_is_refused_with_its_field() {
        let mut activities = Activities::default();
        let first = diesel("d-1", 0, 0, 20_000);
        let events = activities.decide(&context(), &first).expect("first");
        activities.evolve(&events[0]);
        let without_reason = ActivityReportedV1 {
            reason: String::new(),
            ..diesel("d-1", 0, 1, 1)
        };
        for (sent, code, field) in [
            (
                diesel("d-1", 0, 0, 1),
                RejectionCode::AlreadyExists,
                "revision",
            ),
            (
                diesel("d-1", 0, 2, 1),
                RejectionCode::FailedPrecondition,
                "revision",
            ),
            (without_reason, RejectionCode::InvalidArgument, "reason"),
            (
                diesel("d-2", 3_000, 0, 1),
                RejectionCode::FailedPrecondition,
                "interval_start",
            ),
            (
                diesel("d-3", 999_000, 0, 1),
                RejectionCode::FailedPrecondition,
                "interval_start",
            ),
            (
                diesel("d-4", 9_000, 0, 0),
                RejectionCode::InvalidArgument,
                "value",
            ),
        ] {
            let refusal = activities.decide(&context(), &sent).expect_err(field);
            assert_eq!((refusal.code, refusal.field), (code, field), "{refusal}");
        }
        // Another party's diesel is another activity.
        let of_tenant = ActivityReportedV1 {
            party: "tenant-1".into(),
            ..diesel("d-5", 0, 0, 1)
        };
        assert!(activities.decide(&context(), &of_tenant).is_ok());
    }
}
