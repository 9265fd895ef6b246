//! Which facts may move the figures of periods that were closed.

use terrarium_model::{SECONDS_PER_HOUR, UnixSeconds};

use super::ParkLedger;
use crate::carbon::CarbonFact;
use crate::energy::meter_book::{HOURS_PER_DAY, Sight, day_and_hour, hour_start_of};
use crate::fact::RestatementReason;
use crate::factor_book::FactorSet;
use crate::period::Period;

impl ParkLedger {
    /// A fact may have moved the figures of every closed period; those that it did not move get no entry.
    pub(super) fn note_everything(&mut self, reason: RestatementReason, position: u64) {
        let (from, to) = (UnixSeconds(i64::MIN), UnixSeconds(i64::MAX));
        self.periods.moved_figures(from, to, reason, position);
    }

    /// A set of factors moves the figures of the closed periods that it prices anything of.
    pub(super) fn note_factors(&mut self, set: &FactorSet, position: u64) {
        if !set.kind.is_of_electricity() {
            let (from, to) = (set.valid_from, set.valid_to);
            let reason = RestatementReason::NewFactors;
            self.periods.moved_figures(from, to, reason, position);
            return;
        }
        let region = self.definition().map(|definition| &definition.grid_region);
        if !self.periods.has_closed() || region != Some(&set.region) {
            return;
        }
        let (first_day, _) = day_and_hour(set.valid_from);
        let (last_day, _) = day_and_hour(set.valid_to);
        for day in self.park_hours.days_within(first_day, last_day) {
            for hour in 0..HOURS_PER_DAY {
                let hour_start = hour_start_of(day, hour);
                let winner = self.factors.winner(&set.region, set.kind, hour_start);
                if winner.is_some_and(|origin| origin.position == position) {
                    let hour_end = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
                    let reason = RestatementReason::NewFactors;
                    self.periods
                        .moved_figures(hour_start, hour_end, reason, position);
                }
            }
        }
    }

    /// A certificate that is retired for a period that was closed moves its market-based figure.
    pub(super) fn note_instrument(&mut self, registry: &str, serial: &str, position: u64) {
        if !self.periods.has_closed() {
            return;
        }
        let lines = self.instruments.lines(UnixSeconds(i64::MAX), Sight::ALL);
        let moved = lines
            .into_iter()
            .find(|line| line.registry == registry && line.serial == serial);
        let used_for = moved.and_then(|line| line.used_for);
        let period = used_for.and_then(|id| self.periods.get(&id, Sight::ALL));
        if let Some(reporting) = period {
            let Period { from, to } = reporting.period;
            let reason = RestatementReason::LateData;
            self.periods.moved_figures(from, to, reason, position);
        }
    }
}

/// The time whose figures a fact beside electricity may move, and why; `None`: it moves none, or electricity's books see to it.
pub(super) fn moves(fact: &CarbonFact) -> Option<(UnixSeconds, UnixSeconds, RestatementReason)> {
    const ALWAYS: (UnixSeconds, UnixSeconds) = (UnixSeconds(i64::MIN), UnixSeconds(i64::MAX));
    let late_or_corrected = |revision: u32| match revision {
        0 => RestatementReason::LateData,
        _ => RestatementReason::CorrectedData,
    };
    let ((from, to), reason) = match fact {
        CarbonFact::Water(water) => (
            (water.interval.start, water.interval.end()),
            RestatementReason::LateData,
        ),
        CarbonFact::Activity(activity) => (
            (activity.interval.start, activity.interval.end()),
            late_or_corrected(activity.revision),
        ),
        // What is landfilled decays for years.
        CarbonFact::Collected(collected) => {
            ((collected.time, ALWAYS.1), RestatementReason::LateData)
        }
        CarbonFact::Weighed(weighed) => ((weighed.time, ALWAYS.1), RestatementReason::LateData),
        CarbonFact::Emptied(emptied) => ((emptied.time, ALWAYS.1), RestatementReason::LateData),
        CarbonFact::Embodied(embodied) => (
            (embodied.time, UnixSeconds(embodied.time.0 + 1)),
            late_or_corrected(embodied.revision),
        ),
        // Growth is spread between surveys.
        CarbonFact::Trees(_) => (ALWAYS, RestatementReason::LateData),
        CarbonFact::Profile(_) => (ALWAYS, RestatementReason::MethodChange),
        CarbonFact::Evidence(_) | CarbonFact::Invoice(_) => {
            return None;
        }
    };
    Some((from, to, reason))
}
