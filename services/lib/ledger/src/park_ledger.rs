//! The books of one park.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    AssetId, Interval, MeterId, NodeMetering, ParkDefinition, SECONDS_PER_HOUR, UnixSeconds,
};

use crate::accounts::{InstrumentBook, PeriodBook, PolicyBook};
use crate::books::{AsOf, Books, Posting};
use crate::carbon::postings::{WorkedPeriod, by_month, work_period};
use crate::carbon::worked::Unpriced;
use crate::carbon::{ActivityBook, CarbonFact};
use crate::claims::policy::DecisionBook;
use crate::energy::layout::{Defined, NodeBook, ParkHours};
use crate::energy::meter_book::{HOURS_PER_DAY, MeterBook, Sight, day_and_hour, hour_start_of};
use crate::entry::{Entry, EntryId, Quality};
use crate::fact::{Fact, How, Origin, RestatementReason};
use crate::factor_book::{FactorBook, FactorKind, FactorRow, FactorSet};
use crate::hash::{Hasher, node_day};
use crate::node_hour::{NodeHour, Totals};
use crate::view::View;

/// A stretch of whole hours: from (inclusive) to (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Start of the first hour.
    pub from: UnixSeconds,
    /// End of the last hour.
    pub to: UnixSeconds,
}

impl Period {
    /// Number of hours.
    pub fn hours(&self) -> u64 {
        ((self.to.0 - self.from.0).max(0) / SECONDS_PER_HOUR) as u64
    }

    /// Starts of all hours.
    pub fn hour_starts(&self) -> impl Iterator<Item = UnixSeconds> + use<> {
        (self.from.0..self.to.0)
            .step_by(SECONDS_PER_HOUR as usize)
            .map(UnixSeconds)
    }

    /// Whether an instant is in it.
    pub fn contains(&self, instant: UnixSeconds) -> bool {
        self.from <= instant && instant < self.to
    }
}

/// Everything that is known about one park, and was known at any position of the record.
///
/// What holds now is kept summed up by node and day. Older knowledge ([`ParkLedger::view`]) takes those sums wherever nothing
/// changed since, and works out the rest anew from the versions of readings, factors and definitions.
#[derive(Default)]
pub struct ParkLedger {
    /// All versions of the definition; the last is in force.
    pub(crate) definitions: Vec<Defined>,
    pub(crate) meter_numbers: BTreeMap<MeterId, usize>,
    pub(crate) meters: Vec<MeterBook>,
    pub(crate) factors: FactorBook,
    /// Of the nodes of the definition in force, in its order.
    pub(crate) nodes: Vec<NodeBook>,
    pub(crate) park_hours: ParkHours,
    pub(crate) instruments: InstrumentBook,
    pub(crate) periods: PeriodBook,
    pub(crate) policy: PolicyBook,
    pub(crate) decisions: DecisionBook,
    pub(crate) activities: ActivityBook,
    before: Vec<Totals>,
}

/// A node and hour that may have changed.
pub type TouchedHour = (AssetId, UnixSeconds);

impl ParkLedger {
    /// Takes in a fact. The node hours that may have changed are added to `touched`.
    pub fn apply(&mut self, fact: &Fact, origin: Origin, touched: &mut Vec<TouchedHour>) {
        match fact {
            Fact::ParkDefined { definition, sha256 } => {
                let numbers = &mut self.meter_numbers;
                let meters = &mut self.meters;
                let defined = Defined::lay_out(Arc::clone(definition), *sha256, origin, |meter| {
                    number_of(numbers, meters, meter)
                });
                self.definitions.push(defined);
                self.balance_everything(origin.position, touched);
                self.note_everything(RestatementReason::BoundaryChange, origin.position);
            }
            Fact::FactorSetPublished(set) => {
                self.factors.publish(Arc::clone(set), origin);
                self.price_again(set, origin.position, touched);
                self.note_factors(set, origin.position);
            }
            Fact::ReadingCounted {
                meter,
                interval,
                energy,
                revision,
                how,
            } => {
                let meter = self.number(meter);
                let reason = match how {
                    How::Reported => RestatementReason::LateData,
                    How::Corrected | How::Released { .. } => RestatementReason::CorrectedData,
                };
                self.count(meter, *interval, reason, origin.position, touched, |book| {
                    book.count(*interval, *energy, *revision, *how, origin);
                });
            }
            Fact::RegisterContinued {
                meter,
                at,
                energy,
                offset,
                next_offset,
            } => {
                let meter = self.number(meter);
                let read = Interval {
                    start: *at,
                    seconds: 0,
                };
                let reason = RestatementReason::LateData;
                self.count(meter, read, reason, origin.position, touched, |book| {
                    book.count_continued(*at, *energy, *offset, *next_offset, origin);
                });
            }
            Fact::ReadingQuarantined { meter } => {
                let meter = self.number(meter);
                self.meters[meter].quarantine(origin);
            }
            Fact::InstrumentMoved {
                registry,
                serial,
                at,
                step,
            } => {
                self.instruments.moved(registry, serial, *at, step, origin);
                self.note_instrument(registry, serial, origin.position);
            }
            Fact::PeriodMoved {
                period,
                at,
                by,
                step,
            } => self.periods.moved(period, *at, by, *step, origin),
            Fact::BaseYearSet {
                year,
                recalculation_permille,
                at,
            } => self
                .policy
                .base_year_set(*year, *recalculation_permille, *at, origin),
            Fact::Decided { decision, at } => self.decisions.decided(decision, *at, origin),
            Fact::Carbon(fact) => {
                self.activities.take_in(fact, origin);
                if let Some((from, to, reason)) = moves(fact) {
                    self.periods
                        .moved_figures(from, to, reason, origin.position);
                }
            }
        }
    }

    /// The books as they were at two times.
    pub fn view(&self, as_of: AsOf) -> View<'_> {
        View::of(self, as_of)
    }

    /// The books as they stand.
    pub fn present(&self) -> View<'_> {
        self.view(AsOf::default())
    }

    /// The books of a period, as they were at two times.
    pub fn books(&self, period: Period, as_of: AsOf) -> Option<Books> {
        self.view(as_of).books(period)
    }

    /// What the carbon books were told beside electricity.
    pub fn activities(&self) -> &ActivityBook {
        &self.activities
    }

    /// Everything beside electricity that touches a period, line by line; nothing before the park is defined. With `explains`
    /// lines carry the steps that led to them.
    pub fn worked(&self, period: Period, as_of: AsOf, explains: bool) -> WorkedPeriod {
        self.view(as_of)
            .definition()
            .map_or_else(WorkedPeriod::default, |definition| {
                work_period(
                    definition,
                    &self.factors,
                    &self.activities,
                    period,
                    as_of,
                    explains,
                )
            })
    }

    /// The carbon books of a period beside electricity, summed up by month of the park's zone.
    pub fn activity_postings(&self, period: Period, as_of: AsOf) -> Vec<Posting> {
        self.priced_activities(period, as_of).0
    }

    /// [`activity_postings`](Self::activity_postings), and the activities that no known factor prices.
    pub fn priced_activities(&self, period: Period, as_of: AsOf) -> (Vec<Posting>, Vec<Unpriced>) {
        let worked = self.worked(period, as_of, false);
        let view = self.view(as_of);
        let postings = view.definition().map_or_else(Vec::new, |definition| {
            by_month(&definition.time_zone, period, as_of, &worked.lines)
        });
        (postings, worked.unpriced)
    }

    /// The definition in force.
    pub fn definition(&self) -> Option<&Arc<ParkDefinition>> {
        self.definitions.last().map(|defined| &defined.definition)
    }

    /// The book of a meter that reported.
    pub fn meter(&self, meter: &MeterId) -> Option<&MeterBook> {
        let number = self.meter_numbers.get(meter)?;
        Some(&self.meters[*number]).filter(|book| !book.is_empty())
    }

    /// Books of all meters that reported, in order.
    pub fn meters(&self) -> impl Iterator<Item = (&MeterId, &MeterBook)> {
        self.meter_numbers
            .iter()
            .map(|(meter, number)| (meter, &self.meters[*number]))
            .filter(|(_, book)| !book.is_empty())
    }

    /// Published factors.
    pub fn factors(&self) -> &FactorBook {
        &self.factors
    }

    /// The instruments.
    pub fn instruments(&self) -> &InstrumentBook {
        &self.instruments
    }

    /// The reporting periods.
    pub fn periods(&self) -> &PeriodBook {
        &self.periods
    }

    /// What the park decided.
    pub fn policy(&self) -> &PolicyBook {
        &self.policy
    }

    /// Nodes of the definition in force, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &AssetId> {
        self.definitions
            .last()
            .into_iter()
            .flat_map(|defined| defined.nodes.iter().map(|node| &node.asset))
    }

    /// A node hour as it stands.
    pub fn node_hour(&self, asset: &AssetId, hour_start: UnixSeconds) -> NodeHour {
        self.present().node_hour(asset, hour_start)
    }

    /// Which side of a node is metered.
    pub fn node_metering(&self, asset: &AssetId) -> Option<NodeMetering> {
        Some(self.definition()?.nodes.get(asset)?.metering)
    }

    /// The grid's average that prices the imports of an hour of this park.
    pub fn factor_row(&self, hour_start: UnixSeconds) -> Option<FactorRow> {
        self.present()
            .factor_row(FactorKind::GridAverage, hour_start)
    }

    /// From the first hour with a reading to the end of the last; `None` without readings.
    pub fn metered_period(&self) -> Option<Period> {
        self.present().metered_period()
    }

    /// The entries of a node hour as they stand.
    pub fn entries(&self, asset: &AssetId, hour_start: UnixSeconds) -> Vec<Entry> {
        self.present().entries(asset, hour_start)
    }

    /// One entry by its id.
    pub fn entry(&self, id: &EntryId) -> Option<Entry> {
        self.present().entry(id)
    }

    /// Content hash and state hash. Only days that have changed are hashed again.
    pub fn hashes(&mut self) -> ([u8; 32], [u8; 32]) {
        let mut content = Hasher::new("park-content");
        let mut state = Hasher::new("park-state");
        if let Some(defined) = self.definitions.last() {
            content.bytes(&defined.sha256);
            state.number(defined.origin.position as i64);
        }
        for (set, origin) in self.factors.sets() {
            content
                .bytes(origin.event.as_bytes())
                .text(set.set.as_str());
            state.number(origin.position as i64);
        }
        for (meter, number) in &self.meter_numbers {
            let book = &mut self.meters[*number];
            if book.is_empty() {
                continue;
            }
            content.text(meter.as_str());
            for block in book.blocks_mut() {
                let hash = block.hash();
                content.number(block.day).bytes(&hash.content);
                state.bytes(&hash.state);
            }
            for ((start, position), superseded) in book.superseded() {
                content
                    .number(start.0)
                    .number(i64::from(superseded.reading.revision))
                    .number(superseded.reading.energy.0);
                state
                    .number(*position as i64)
                    .number(superseded.replaced_at as i64);
            }
            for (event, quarantined) in book.quarantined() {
                content
                    .bytes(event.as_bytes())
                    .bytes(&[u8::from(quarantined.decided_at.is_none())]);
                state.number(quarantined.position as i64);
            }
        }
        self.activities.hash_into(&mut content, &mut state);
        if let Some(defined) = self.definitions.last() {
            for (laid, node) in defined.nodes.iter().zip(&mut self.nodes) {
                content.text(laid.asset.as_str());
                for day in &mut node.days {
                    let hash = *day
                        .hash
                        .get_or_insert_with(|| node_day(day.any, &day.totals));
                    content.number(day.day).bytes(&hash);
                }
            }
        }
        self.instruments.hash(&mut content, &mut state);
        self.periods.hash(&mut content, &mut state);
        self.policy.hash(&mut content, &mut state);
        self.decisions.hash(&mut content, &mut state);
        let content = content.finish();
        state.bytes(&content);
        (content, state.finish())
    }

    fn number(&mut self, meter: &MeterId) -> usize {
        number_of(&mut self.meter_numbers, &mut self.meters, meter)
    }

    /// Takes in a reading, and moves the sums of its node by what it changes.
    fn count(
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
        let mut before = std::mem::take(&mut self.before);
        before.clear();
        before.extend(
            changed
                .hour_starts()
                .map(|hour_start| self.present_totals(node, hour_start)),
        );
        put(&mut self.meters[meter]);
        for (hour_start, before) in changed.hour_starts().zip(&before) {
            let has_moved = self.replace_hour(node, hour_start, before, position);
            if has_moved && self.periods.has_closed() {
                let hour_end = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
                self.periods
                    .moved_figures(hour_start, hour_end, reason, position);
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
        let node_day = self.nodes[node].change(day, position);
        node_day.any |= 1 << hour;
        node_day.totals.add(&after);
        node_day.totals.take_out(before);
        let park_day = self.park_hours.change(day, position);
        park_day.hours[hour].add(&after);
        park_day.hours[hour].take_out(before);
        after != *before
    }

    /// A fact may have moved the figures of every closed period; those that it did not move get no entry.
    fn note_everything(&mut self, reason: RestatementReason, position: u64) {
        let (from, to) = (UnixSeconds(i64::MIN), UnixSeconds(i64::MAX));
        self.periods.moved_figures(from, to, reason, position);
    }

    /// A set of factors moves the figures of the closed periods that it prices anything of.
    fn note_factors(&mut self, set: &FactorSet, position: u64) {
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
    fn note_instrument(&mut self, registry: &str, serial: &str, position: u64) {
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

    /// Prices anew what a set that was just published may change.
    fn price_again(&mut self, set: &FactorSet, position: u64, touched: &mut Vec<TouchedHour>) {
        let prices = [FactorKind::GridAverage, FactorKind::GridMarginal].contains(&set.kind);
        let region = self.definition().map(|definition| &definition.grid_region);
        if !prices || region != Some(&set.region) {
            return;
        }
        let (first_day, _) = day_and_hour(set.valid_from);
        let (last_day, _) = day_and_hour(set.valid_to);
        for day in self.park_hours.days_within(first_day, last_day) {
            let mut won = 0_u32;
            for hour in 0..HOURS_PER_DAY {
                let hour_start = hour_start_of(day, hour);
                let winner = self.factors.winner(&set.region, set.kind, hour_start);
                if winner.is_some_and(|origin| origin.position == position) {
                    won |= 1 << hour;
                }
            }
            if won != 0 {
                self.price_day_again(day, won, position, touched);
            }
        }
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
                self.nodes[node].change_price(day, position).totals = totals;
            }
        }
        self.park_hours.change_price(day, position).hours = park;
    }

    fn balance_everything(&mut self, position: u64, touched: &mut Vec<TouchedHour>) {
        let defined = self.definitions.last().expect("just defined");
        self.nodes.clear();
        self.nodes
            .resize_with(defined.nodes.len(), NodeBook::default);
        self.park_hours.clear();
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
                let period = Period {
                    from: first.start_of_hour(),
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
    }
}

/// The time whose figures a fact beside electricity may move, and why; `None`: it moves none, or electricity's books see to it.
fn moves(fact: &CarbonFact) -> Option<(UnixSeconds, UnixSeconds, RestatementReason)> {
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

fn number_of(
    numbers: &mut BTreeMap<MeterId, usize>,
    meters: &mut Vec<MeterBook>,
    meter: &MeterId,
) -> usize {
    if let Some(number) = numbers.get(meter) {
        return *number;
    }
    let number = meters.len();
    numbers.insert(meter.clone(), number);
    meters.push(MeterBook::default());
    number
}

impl NodeHour {
    /// Whether a reading of it was spread over hour borders.
    pub fn is_estimated(&self) -> bool {
        self.quality.has(Quality::SPREAD)
    }
}
