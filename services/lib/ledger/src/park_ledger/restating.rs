//! Which facts may move the figures of periods that were closed.

use terrarium_model::{Interval, SECONDS_PER_HOUR, UnixSeconds};

use super::ParkLedger;
use crate::books::{InstrumentKind, InstrumentState};
use crate::carbon::CarbonFact;
use crate::energy::meter_book::{HOURS_PER_DAY, Sight, day_and_hour, hour_start_of};
use crate::fact::RestatementReason;
use crate::factor_book::FactorSet;
use crate::period::Period;

/// Stretches of time of which each hour's energy decides what a certificate stands for in others: the vintages of the park's own
/// that were sold, and the periods that others were retired for. Apart from each other, in no order.
#[derive(Default)]
pub(crate) struct Tied(Vec<Period>);

impl Tied {
    /// Ties the hours of a stretch, and with them those of all stretches that it overlaps. Gives all that is tied to it now.
    fn tie(&mut self, (from, to): (UnixSeconds, UnixSeconds)) -> Period {
        let mut whole = Period {
            from: from.start_of_hour(),
            to: UnixSeconds(to.0.saturating_add(SECONDS_PER_HOUR - 1)).start_of_hour(),
        };
        self.0.retain(|stretch| {
            let overlaps = stretch.from < whole.to && whole.from < stretch.to;
            if overlaps {
                whole.from = whole.from.min(stretch.from);
                whole.to = whole.to.max(stretch.to);
            }
            !overlaps
        });
        self.0.push(whole);
        whole
    }
}

impl ParkLedger {
    /// A fact may have moved the figures of every closed period; those that it did not move get no entry.
    pub(super) fn note_everything(&mut self, reason: RestatementReason, position: u64) {
        let (from, to) = (UnixSeconds(i64::MIN), UnixSeconds(i64::MAX));
        self.periods.moved_figures(from, to, reason, position);
    }

    /// An hour of a node moved.
    pub(super) fn note_hour(
        &mut self,
        node: usize,
        hour_start: UnixSeconds,
        reason: RestatementReason,
        position: u64,
    ) {
        let defined = self.definitions.last().expect("it has this node");
        let to = match defined.nodes[node].has_stores() {
            true => UnixSeconds(i64::MAX),
            false => UnixSeconds(hour_start.0 + SECONDS_PER_HOUR),
        };
        self.note_electricity((hour_start, to), reason, position);
    }

    /// A charging session was told: what cars were sold and gave back.
    pub(super) fn note_session(
        &mut self,
        (start, end): (UnixSeconds, Option<UnixSeconds>),
        position: u64,
    ) {
        let to = match self.has_stores() {
            true => None,
            false => end,
        };
        let extent = (start, to.unwrap_or(UnixSeconds(i64::MAX)));
        self.note_electricity(extent, RestatementReason::LateData, position);
    }

    /// Whether anything of an hour's electricity depends on the hours before: what is in a store came from there.
    fn has_stores(&self) -> bool {
        let defined = self.definitions.last();
        defined.is_some_and(|defined| defined.nodes.iter().any(|node| node.has_stores()))
    }

    /// Electricity of these hours moved: and with it that of all hours that certificates tie to them.
    fn note_electricity(
        &mut self,
        (from, to): (UnixSeconds, UnixSeconds),
        reason: RestatementReason,
        position: u64,
    ) {
        self.periods.moved_figures(from, to, reason, position);
        for stretch in &self.tied.0 {
            if stretch.from < to && from < stretch.to {
                self.periods
                    .moved_figures(stretch.from, stretch.to, reason, position);
            }
        }
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
        // What was charged at these prices comes out of the stores later.
        let has_stores = self.has_stores();
        let (first_day, _) = day_and_hour(set.valid_from);
        let (last_day, _) = day_and_hour(set.valid_to);
        for day in self.park_hours.days_within(first_day, last_day) {
            for hour in 0..HOURS_PER_DAY {
                let hour_start = hour_start_of(day, hour);
                let winner = defined.winner(&self.factors, set.kind, hour_start);
                if winner.is_some_and(|origin| origin.position == position) {
                    let to = match has_stores {
                        true => UnixSeconds(i64::MAX),
                        false => UnixSeconds(hour_start.0 + SECONDS_PER_HOUR),
                    };
                    let reason = RestatementReason::NewFactors;
                    self.periods.moved_figures(hour_start, to, reason, position);
                    if has_stores {
                        return;
                    }
                }
            }
        }
    }

    /// A certificate that is retired for a period that was closed moves its market-based figure. One of the park's own plants that
    /// is sold takes the zero from what was generated when it was issued for, and leaves less of that to others of that time.
    pub(super) fn note_instrument(&mut self, registry: &str, serial: &str, position: u64) {
        let Some(line) = self.instruments.line(registry, serial) else {
            return;
        };
        let used_for = line.used_for.as_deref();
        let period = used_for.and_then(|id| self.periods.get(id, Sight::ALL));
        let is_certificate = line.kind == InstrumentKind::Certificate;
        let reason = RestatementReason::LateData;
        if let Some(reporting) = period {
            let Period { from, to } = reporting.period;
            if is_certificate && !line.own_generation {
                self.tied.tie((from, to));
            }
            self.periods.moved_figures(from, to, reason, position);
        }
        if is_certificate && line.state == InstrumentState::Sold && line.own_generation {
            let Period { from, to } = self.tied.tie(line.vintage);
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
