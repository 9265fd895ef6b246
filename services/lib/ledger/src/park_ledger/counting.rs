//! Readings, releases of factors and definitions, and the sums by node and day that they move.

use terrarium_model::{Interval, UnixSeconds};

use super::{ParkLedger, TouchedHour};
use crate::energy::kept::{NodeBook, ParkHours};
use crate::energy::meter_book::{HOURS_PER_DAY, MeterBook, Sight, day_and_hour, hour_start_of};
use crate::fact::RestatementReason;
use crate::factor_book::{FactorKind, FactorSet};
use crate::node_hour::Totals;
use crate::period::Period;

impl ParkLedger {
    /// Takes in a reading, and moves the sums of its node by what it changes.
    pub(super) fn count(
        &mut self,
        meter: usize,
        interval: Interval,
        reason: RestatementReason,
        position: u64,
        touched: &mut Vec<TouchedHour>,
        put: impl FnOnce(&mut MeterBook),
    ) {
        let changed = self.meters[meter].changed_by(interval);
        let node = self
            .definitions
            .last()
            .and_then(|defined| defined.node_of_meter(meter));
        let Some(node) = node else {
            put(&mut self.meters[meter]);
            return;
        };
        // Of days that were let go of there is no sum left that could be moved.
        let kept_from = self.kept_from;
        let kept_hours = || {
            let hours = changed.hour_starts();
            hours.skip_while(move |hour_start| kept_from.is_some_and(|from| *hour_start < from))
        };
        let mut before = std::mem::take(&mut self.before);
        before.clear();
        before.extend(kept_hours().map(|hour_start| self.present_totals(node, hour_start)));
        put(&mut self.meters[meter]);
        for (hour_start, before) in kept_hours().zip(&before) {
            let has_moved = self.replace_hour(node, hour_start, before, position);
            if has_moved && self.periods.has_closed() {
                self.note_hour(node, hour_start, reason, position);
            }
            let defined = self.definitions.last().expect("it has this node");
            touched.push((defined.nodes[node].asset.clone(), hour_start));
        }
        self.before = before;
    }

    /// What an hour of a node counts for at present.
    fn present_totals(&self, node: usize, hour_start: UnixSeconds) -> Totals {
        self.definitions
            .last()
            .map_or_else(Totals::default, |defined| {
                defined.totals(node, hour_start, &self.meters, &self.factors)
            })
    }

    fn replace_hour(
        &mut self,
        node: usize,
        hour_start: UnixSeconds,
        before: &Totals,
        position: u64,
    ) -> bool {
        let after = self.present_totals(node, hour_start);
        let (day, hour) = day_and_hour(hour_start);
        self.nodes[node].move_hour(day, hour, position, before, &after);
        self.park_hours
            .move_hour(day, hour, position, before, &after);
        after != *before
    }

    /// Prices anew what a set that was just published may change.
    pub(super) fn price_again(
        &mut self,
        set: &FactorSet,
        position: u64,
        touched: &mut Vec<TouchedHour>,
    ) {
        let prices = [FactorKind::GridAverage, FactorKind::GridMarginal].contains(&set.kind);
        let Some(defined) = self.definitions.last() else {
            return;
        };
        if !prices || !defined.regions.contains(&set.region) {
            return;
        }
        let last_definition = self.definitions.len() - 1;
        let (first_day, _) = day_and_hour(set.valid_from);
        let (last_day, _) = day_and_hour(set.valid_to);
        for day in self.park_hours.days_within(first_day, last_day) {
            let defined = &self.definitions[last_definition];
            let mut won = 0_u32;
            for hour in 0..HOURS_PER_DAY {
                let hour_start = hour_start_of(day, hour);
                let winner = defined.winner(&self.factors, set.kind, hour_start);
                if winner.is_some_and(|origin| origin.position == position) {
                    won |= 1 << hour;
                }
            }
            if won != 0 {
                self.price_day_again(day, won, position, touched);
            }
        }
        self.shelve_sums();
    }

    /// Sums of long ago that were changed go back to the shelf.
    fn shelve_sums(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.days.shelve());
        self.park_hours.shelve();
    }

    /// `won`: a bit for each hour that has another factor now.
    fn price_day_again(
        &mut self,
        day: i64,
        won: u32,
        position: u64,
        touched: &mut Vec<TouchedHour>,
    ) {
        let mut park = [Totals::default(); HOURS_PER_DAY];
        for node in 0..self.nodes.len() {
            let Some(any) = self.nodes[node].day(day).map(|node_day| node_day.any) else {
                continue;
            };
            let mut totals = Totals::default();
            for hour in (0..HOURS_PER_DAY).filter(|hour| any & (1 << hour) != 0) {
                let hour_start = hour_start_of(day, hour);
                let priced = self.present_totals(node, hour_start);
                totals.add(&priced);
                park[hour].add(&priced);
                let has_crossed = (priced.amounts.import, priced.amounts.export) != (0, 0);
                if won & (1 << hour) != 0 && has_crossed {
                    let defined = self.definitions.last().expect("it has this node");
                    touched.push((defined.nodes[node].asset.clone(), hour_start));
                }
            }
            if any & won != 0 {
                self.nodes[node].reprice(day, position, totals);
            }
        }
        self.park_hours.reprice(day, position, park);
    }

    pub(super) fn balance_everything(&mut self, position: u64, touched: &mut Vec<TouchedHour>) {
        let defined = self.definitions.last().expect("just defined");
        let shelf = || self.shelf.clone();
        self.nodes = (0..defined.nodes.len())
            .map(|_| NodeBook::shelved(shelf()))
            .collect();
        self.park_hours = ParkHours::shelved(shelf());
        let metered: Vec<(usize, Period)> = defined
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(place, node)| {
                let extents = || {
                    node.meters
                        .iter()
                        .filter_map(|(meter, _)| self.meters[*meter].extent(Sight::ALL))
                };
                let first = extents().map(|(first, _)| first).min()?;
                let last = extents().map(|(_, last)| last).max()?;
                let from = first.start_of_hour();
                let period = Period {
                    from: self.kept_from.map_or(from, |kept| kept.max(from)),
                    to: last,
                };
                Some((place, period))
            })
            .collect();
        for (node, period) in metered {
            for hour_start in period.hour_starts() {
                let defined = self.definitions.last().expect("just defined");
                let is_there = defined.nodes[node].meters.iter().any(|(meter, _)| {
                    self.meters[*meter].hour(hour_start, Sight::ALL).covered_s > 0
                });
                if is_there {
                    touched.push((defined.nodes[node].asset.clone(), hour_start));
                    self.replace_hour(node, hour_start, &Totals::default(), position);
                }
            }
        }
        self.shelve_sums();
    }
}
