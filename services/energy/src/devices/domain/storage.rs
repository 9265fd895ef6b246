//! A battery: its reports, one at a time, whose counters never shrink.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_journal::{Rejection, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc};
use uuid::Uuid;

use super::{DeviceEvent, DeviceFact, device_event};
use crate::domain::RATING_FACTOR;

const SECONDS_PER_HOUR: i128 = 3_600;

/// Everything a decision needs beside the store's own past.
#[derive(Clone, Debug)]
pub struct StorageContext {
    /// Park of the store.
    pub park: ParkId,
    /// The store.
    pub storage: AssetId,
    /// Wh between empty and full.
    pub capacity_wh: i64,
    /// Rated power in W, in both directions.
    pub rated_w: i64,
    /// The park's time.
    pub now: UnixSeconds,
}

/// How a store stands, as it reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageReport {
    /// When.
    pub time: UnixSeconds,
    /// Wh held.
    pub stored_wh: i64,
    /// W; above zero: it is charged.
    pub power_w: i64,
    /// Wh put in since it was taken into service.
    pub charged_wh: i64,
    /// Wh taken out since it was taken into service.
    pub discharged_wh: i64,
}

/// Why a report is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageSuspicion {
    /// More than ten times its rated power, reported or as the counters have it.
    AboveRating,
    /// A counter lower than an earlier one, or higher than a later one.
    CounterBackwards,
}

/// A store, as its past left it.
#[derive(Default)]
pub struct Storage {
    reports: BTreeMap<UnixSeconds, StorageReport>,
    quarantined: BTreeSet<Uuid>,
}

impl Storage {
    /// The newest report that counts.
    pub fn newest(&self) -> Option<StorageReport> {
        self.reports.last_key_value().map(|(_, report)| *report)
    }

    /// Decides about a report.
    pub fn decide(
        &self,
        context: &StorageContext,
        report: &StorageReport,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        refuse_impossible(context, report)?;
        let reported = storage_event(
            context,
            b"storage-reported",
            report,
            DeviceFact::StorageReported(*report),
        );
        match self.reports.get(&report.time) {
            Some(recorded) if recorded == report => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "time",
                    format!(
                        "store {} at {}: {} Wh at {} W is recorded, and {} Wh at {} W was sent (or other counters); a store \
                         stands one way at a time",
                        context.storage,
                        format_rfc3339_utc(report.time),
                        recorded.stored_wh,
                        recorded.power_w,
                        report.stored_wh,
                        report.power_w
                    ),
                ));
            }
            None => {}
        }
        refuse_future("time", report.time, context.now)?;
        let Some((reason, finding)) = self.finding(context, report) else {
            return Ok(vec![reported]);
        };
        let fact = DeviceFact::StorageQuarantined {
            report: *report,
            reason,
            finding: finding.into(),
        };
        let quarantined = storage_event(context, b"storage-quarantined", report, fact);
        if self.quarantined.contains(&quarantined.id) {
            return Ok(Vec::new());
        }
        Ok(vec![quarantined])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        match &event.fact {
            DeviceFact::StorageReported(report) => {
                self.reports.insert(report.time, *report);
            }
            DeviceFact::StorageQuarantined { .. } => {
                self.quarantined.insert(event.id);
            }
            _ => {}
        }
    }

    /// What looks wrong with a report that is possible by itself.
    fn finding(
        &self,
        context: &StorageContext,
        report: &StorageReport,
    ) -> Option<(StorageSuspicion, String)> {
        let most_w = i128::from(context.rated_w) * i128::from(RATING_FACTOR);
        if i128::from(report.power_w).abs() > most_w {
            return Some((
                StorageSuspicion::AboveRating,
                format!(
                    "{} W is more than {RATING_FACTOR} times the rating of {} ({} W); check the unit",
                    report.power_w, context.storage, context.rated_w
                ),
            ));
        }
        let earlier = self.reports.range(..report.time).next_back();
        let later = self.reports.range(report.time..).next();
        let pairs = [
            earlier.map(|(_, earlier)| (earlier, report)),
            later.map(|(_, later)| (report, later)),
        ];
        pairs.into_iter().flatten().find_map(|(before, after)| {
            [
                ("charged_wh", before.charged_wh, after.charged_wh),
                ("discharged_wh", before.discharged_wh, after.discharged_wh),
            ]
            .into_iter()
            .find_map(|(counter, low_wh, high_wh)| {
                let between = format!(
                    "{counter} of {} goes from {low_wh} Wh at {} to {high_wh} Wh at {}",
                    context.storage,
                    format_rfc3339_utc(before.time),
                    format_rfc3339_utc(after.time)
                );
                let grown_wh = i128::from(high_wh) - i128::from(low_wh);
                let seconds = i128::from(after.time.0) - i128::from(before.time.0);
                if grown_wh < 0 {
                    Some((
                        StorageSuspicion::CounterBackwards,
                        format!("{between}; give a store that was exchanged an id of its own"),
                    ))
                } else if grown_wh * SECONDS_PER_HOUR > most_w * seconds {
                    Some((
                        StorageSuspicion::AboveRating,
                        format!(
                            "{between}, more than {RATING_FACTOR} times its rating of {} W allows; check the unit",
                            context.rated_w
                        ),
                    ))
                } else {
                    None
                }
            })
        })
    }
}

fn refuse_impossible(context: &StorageContext, report: &StorageReport) -> Result<(), Rejection> {
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
                report.stored_wh, context.storage, context.capacity_wh
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

fn storage_event(
    context: &StorageContext,
    statement: &[u8],
    report: &StorageReport,
    fact: DeviceFact,
) -> DeviceEvent {
    let parts: [&[u8]; 6] = [
        statement,
        &report.time.0.to_le_bytes(),
        &report.stored_wh.to_le_bytes(),
        &report.power_w.to_le_bytes(),
        &report.charged_wh.to_le_bytes(),
        &report.discharged_wh.to_le_bytes(),
    ];
    device_event(&context.park, &context.storage, &parts, fact)
}

#[cfg(test)]
mod tests;
