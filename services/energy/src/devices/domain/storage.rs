//! A battery: its reports, one at a time, whose counters never shrink.

use std::collections::BTreeMap;

use terrarium_journal::{Rejection, TimeBook, refuse_future};
use terrarium_model::{ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::energy::v1::{
    StorageReportQuarantinedV1, StorageReportedV1, StorageSuspicion,
};
use uuid::Uuid;

use super::{DeviceEvent, DeviceFact};
use crate::domain::RATING_FACTOR;

const SECONDS_PER_HOUR: i128 = 3_600;

/// Everything a decision needs beside the store's own past.
#[derive(Clone, Debug)]
pub struct StorageContext {
    /// Park of the store.
    pub park: ParkId,
    /// Wh between empty and full.
    pub capacity_wh: i64,
    /// Rated power in W, in both directions.
    pub rated_w: i64,
    /// The park's time.
    pub now: UnixSeconds,
}

/// A store, as its past left it.
#[derive(Default)]
pub struct Storage {
    reports: TimeBook<StorageReportedV1>,
    quarantined: BTreeMap<(UnixSeconds, Uuid), StorageReportQuarantinedV1>,
}

impl Storage {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.reports.forget_old();
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, report: &StorageReportedV1) -> bool {
        self.reports.is_forgotten(UnixSeconds(report.time_s))
    }

    /// The newest report that counts.
    pub fn newest(&self) -> Option<&StorageReportedV1> {
        self.reports.last_key_value().map(|(_, report)| report)
    }

    /// Reports that count nowhere, by their time, with their events.
    pub fn quarantined(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&Uuid, &StorageReportQuarantinedV1)> {
        self.quarantined
            .iter()
            .map(|((_, event), report)| (event, report))
    }

    /// Decides about a report.
    pub fn decide(
        &self,
        context: &StorageContext,
        report: &StorageReportedV1,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        refuse_impossible(context, report)?;
        let time = UnixSeconds(report.time_s);
        match self.reports.get(&time) {
            Some(recorded) if recorded == report => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "time",
                    format!(
                        "store {} at {}: {} Wh at {} W is recorded, and {} Wh at {} W was sent (or other counters); a store \
                         stands one way at a time",
                        report.storage,
                        format_rfc3339_utc(time),
                        recorded.stored_wh,
                        recorded.power_w,
                        report.stored_wh,
                        report.power_w
                    ),
                ));
            }
            None => {}
        }
        refuse_future("time", time, context.now)?;
        let Some((reason, finding)) = self.finding(context, report) else {
            return Ok(vec![DeviceEvent::of(&context.park, report.clone())]);
        };
        // What was found follows from the past and is no part of what the store said.
        let said = DeviceEvent::of(&context.park, report.clone()).id;
        let quarantined = StorageReportQuarantinedV1 {
            storage: report.storage.clone(),
            time_s: report.time_s,
            stored_wh: report.stored_wh,
            power_w: report.power_w,
            charged_wh: report.charged_wh,
            discharged_wh: report.discharged_wh,
            reason: reason.into(),
            finding,
        };
        let event = DeviceEvent::once(&context.park, &[said.as_bytes()], quarantined);
        if self.quarantined.contains_key(&(time, event.id)) {
            return Ok(Vec::new());
        }
        Ok(vec![event])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        match &event.fact {
            DeviceFact::StorageReportedV1(report) => {
                let time = UnixSeconds(report.time_s);
                self.quarantined.retain(|(of, _), _| *of != time);
                self.reports.insert(time, report.clone());
            }
            DeviceFact::StorageReportQuarantinedV1(report) => {
                self.quarantined
                    .insert((UnixSeconds(report.time_s), event.id), report.clone());
            }
            _ => {}
        }
    }

    /// What looks wrong with a report that is possible by itself.
    fn finding(
        &self,
        context: &StorageContext,
        report: &StorageReportedV1,
    ) -> Option<(StorageSuspicion, String)> {
        let most_w = i128::from(context.rated_w) * i128::from(RATING_FACTOR);
        if i128::from(report.power_w).abs() > most_w {
            let finding = format!(
                "{} W is more than {RATING_FACTOR} times the rating of {} ({} W); check the unit",
                report.power_w, report.storage, context.rated_w
            );
            return Some((StorageSuspicion::AboveRating, finding));
        }
        let time = UnixSeconds(report.time_s);
        let earlier = self.reports.range(..time).next_back();
        let later = self.reports.range(time..).next();
        let neighbours = [
            earlier.map(|(_, earlier)| (earlier, report)),
            later.map(|(_, later)| (report, later)),
        ];
        let mut neighbours = neighbours.into_iter().flatten();
        neighbours.find_map(|(before, after)| finding_between(before, after, most_w))
    }
}

/// What looks wrong with the counters from one report to the next.
fn finding_between(
    before: &StorageReportedV1,
    after: &StorageReportedV1,
    most_w: i128,
) -> Option<(StorageSuspicion, String)> {
    let counters = [
        ("charged_wh", before.charged_wh, after.charged_wh),
        ("discharged_wh", before.discharged_wh, after.discharged_wh),
    ];
    counters.into_iter().find_map(|(counter, low_wh, high_wh)| {
        let between = format!(
            "{counter} of {} goes from {low_wh} Wh at {} to {high_wh} Wh at {}",
            before.storage,
            format_rfc3339_utc(UnixSeconds(before.time_s)),
            format_rfc3339_utc(UnixSeconds(after.time_s))
        );
        let grown_wh = i128::from(high_wh) - i128::from(low_wh);
        let seconds = i128::from(after.time_s) - i128::from(before.time_s);
        if grown_wh < 0 {
            let finding = format!("{between}; give a store that was exchanged an id of its own");
            Some((StorageSuspicion::CounterBackwards, finding))
        } else if grown_wh * SECONDS_PER_HOUR > most_w * seconds {
            let finding =
                format!("{between}, faster than {RATING_FACTOR} times its rating; check the unit");
            Some((StorageSuspicion::AboveRating, finding))
        } else {
            None
        }
    })
}

fn refuse_impossible(
    context: &StorageContext,
    report: &StorageReportedV1,
) -> Result<(), Rejection> {
    if report.stored_wh < 0 {
        return Err(Rejection::invalid(
            "stored_wh",
            format!(
                "{} Wh is below zero; an empty store has 0 Wh",
                report.stored_wh
            ),
        ));
    }
    if report.stored_wh > context.capacity_wh {
        return Err(Rejection::invalid(
            "stored_wh",
            format!(
                "{} Wh is more than store {} holds ({} Wh); check the unit, or the capacity in the park definition",
                report.stored_wh, report.storage, context.capacity_wh
            ),
        ));
    }
    for (field, counter_wh) in [
        ("charged_wh", report.charged_wh),
        ("discharged_wh", report.discharged_wh),
    ] {
        if counter_wh < 0 {
            return Err(Rejection::invalid(
                field,
                format!("{counter_wh} Wh is below zero; each direction has a counter of its own"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
