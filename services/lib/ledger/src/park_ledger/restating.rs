//! Which facts may move the figures of periods that were closed.

use terrarium_model::{Interval, SECONDS_PER_HOUR, UnixSeconds};

use super::ParkLedger;
use crate::books::InstrumentState;
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
        let Some(defined) = self.definitions.last() else {
            return;
        };
        if !self.periods.has_closed() || !defined.regions.contains(&set.region) {
            return;
        }
        let (first_day, _) = day_and_hour(set.valid_from);
        let (last_day, _) = day_and_hour(set.valid_to);
        for day in self.park_hours.days_within(first_day, last_day) {
            for hour in 0..HOURS_PER_DAY {
                let hour_start = hour_start_of(day, hour);
                let winner = defined.winner(&self.factors, set.kind, hour_start);
                if winner.is_some_and(|origin| origin.position == position) {
                    let hour_end = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
                    let reason = RestatementReason::NewFactors;
                    self.periods
                        .moved_figures(hour_start, hour_end, reason, position);
                }
            }
        }
    }

    /// A certificate that is retired for a period that was closed moves its market-based figure. One of the park's own plants that
    /// is sold takes the zero from what was generated when it was issued for.
    pub(super) fn note_instrument(&mut self, registry: &str, serial: &str, position: u64) {
        if !self.periods.has_closed() {
            return;
        }
        let Some(line) = self.instruments.line(registry, serial) else {
            return;
        };
        let used_for = line.used_for.as_deref();
        let period = used_for.and_then(|id| self.periods.get(id, Sight::ALL));
        let reason = RestatementReason::LateData;
        if let Some(reporting) = period {
            let Period { from, to } = reporting.period;
            self.periods.moved_figures(from, to, reason, position);
        }
        if line.state == InstrumentState::Sold && line.own_generation {
            let (from, to) = line.vintage;
            self.periods.moved_figures(from, to, reason, position);
        }
    }

    /// A fact beside electricity moves the figures of its time, and of the time of what it takes the place of.
    pub(super) fn note_carbon(
        &mut self,
        fact: &CarbonFact,
        replaced: Option<(UnixSeconds, UnixSeconds)>,
        position: u64,
    ) {
        let Some((from, to, reason)) = moves(fact) else {
            return;
        };
        self.periods.moved_figures(from, to, reason, position);
        if let Some((from, to)) = replaced {
            self.periods.moved_figures(from, to, reason, position);
        }
    }
}

/// The time whose figures a fact beside electricity may move, and why; `None`: it moves none, or electricity's books see to it.
fn moves(fact: &CarbonFact) -> Option<(UnixSeconds, UnixSeconds, RestatementReason)> {
    const ALWAYS: (UnixSeconds, UnixSeconds) = (UnixSeconds(i64::MIN), UnixSeconds(i64::MAX));
    let late_or_corrected = |revision: u32| match revision {
        0 => RestatementReason::LateData,
        _ => RestatementReason::CorrectedData,
    };
    // An instant is a moment of its period, also at its very start.
    let extent = |interval: Interval| {
        let end = interval.end().0.max(interval.start.0 + 1);
        (interval.start, UnixSeconds(end))
    };
    let ((from, to), reason) = match fact {
        CarbonFact::Water(water) => (extent(water.interval), RestatementReason::LateData),
        CarbonFact::Activity(activity) => (
            extent(activity.interval),
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
