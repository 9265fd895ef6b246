//! The books of one park.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    AssetId, Interval, MeterId, NodeMetering, ParkDefinition, SECONDS_PER_HOUR, UnixSeconds,
};

use crate::books::{AsOf, Posting};
use crate::carbon::ActivityBook;
use crate::carbon::postings::{WorkedPeriod, by_month, work_period};
use crate::entry::{EnergyAccount, Entry, EntryId, EntryLine, Quality};
use crate::fact::{Fact, Origin};
use crate::factor_book::{FactorBook, FactorKind, FactorRow};
use crate::hash::{Hasher, node_day};
use crate::meter_book::{HOURS_PER_DAY, MeterBook, day_and_hour, hour_start_of};
use crate::node_hour::{HourAmounts, MeteredSums, NodeHour, Pricing};

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
}

/// Everything that is known about one park.
#[derive(Default)]
pub struct ParkLedger {
    definition: Option<(Arc<ParkDefinition>, [u8; 32], Origin)>,
    meters: BTreeMap<MeterId, MeterBook>,
    factors: FactorBook,
    nodes: BTreeMap<AssetId, NodeBook>,
    activities: ActivityBook,
}

#[derive(Default)]
struct NodeBook {
    days: BTreeMap<i64, NodeDay>,
}

#[derive(Clone, Default)]
struct NodeDay {
    hours: [NodeHour; HOURS_PER_DAY],
    hash: Option<[u8; 32]>,
}

/// A node and hour that may have changed.
pub type TouchedHour = (AssetId, UnixSeconds);

impl ParkLedger {
    /// Takes in a fact. The node hours that may have changed are added to `touched`.
    pub fn apply(&mut self, fact: &Fact, origin: Origin, touched: &mut Vec<TouchedHour>) {
        match fact {
            Fact::ParkDefined { definition, sha256 } => {
                self.definition = Some((Arc::clone(definition), *sha256, origin));
                self.balance_everything(touched);
            }
            Fact::FactorSetPublished(set) => {
                self.factors.publish(Arc::clone(set), origin);
                if set.kind == FactorKind::GridAverage {
                    self.price_again(set.valid_from, set.valid_to, touched);
                }
            }
            Fact::ReadingCounted {
                meter,
                interval,
                energy,
                revision,
                how,
            } => {
                if !self.meters.contains_key(meter) {
                    self.meters.insert(meter.clone(), MeterBook::default());
                }
                let book = self.meters.get_mut(meter).expect("inserted above");
                let changed = book.count(*interval, *energy, *revision, *how, origin);
                self.balance_hours(meter, changed, touched);
            }
            Fact::RegisterContinued {
                meter,
                at,
                energy,
                offset,
                next_offset,
            } => {
                let book = self.meters.entry(meter.clone()).or_default();
                let changed = book.count_continued(*at, *energy, *offset, *next_offset, origin);
                self.balance_hours(meter, changed, touched);
            }
            Fact::ReadingQuarantined { meter } => {
                self.meters
                    .entry(meter.clone())
                    .or_default()
                    .quarantine(origin);
            }
            Fact::Carbon(fact) => self.activities.take_in(fact, origin),
        }
    }

    /// What the carbon books were told beside electricity.
    pub fn activities(&self) -> &ActivityBook {
        &self.activities
    }

    /// Everything beside electricity that touches a period, line by line; nothing before the park is defined. With `explains`
    /// lines carry the steps that led to them.
    pub fn worked(&self, period: Period, as_of: AsOf, explains: bool) -> WorkedPeriod {
        self.definition()
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
        let worked = self.worked(period, as_of, false);
        self.definition().map_or_else(Vec::new, |definition| {
            by_month(&definition.time_zone, period, as_of, &worked.lines)
        })
    }

    /// The definition in force.
    pub fn definition(&self) -> Option<&Arc<ParkDefinition>> {
        self.definition.as_ref().map(|(definition, ..)| definition)
    }

    /// Books of all meters that reported.
    pub fn meters(&self) -> &BTreeMap<MeterId, MeterBook> {
        &self.meters
    }

    /// Published factors.
    pub fn factors(&self) -> &FactorBook {
        &self.factors
    }

    /// Nodes of the definition, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &AssetId> {
        self.definition
            .iter()
            .flat_map(|(definition, ..)| definition.nodes.keys())
    }

    /// A node hour as it stands.
    pub fn node_hour(&self, asset: &AssetId, hour_start: UnixSeconds) -> NodeHour {
        let (day, hour) = day_and_hour(hour_start);
        self.nodes
            .get(asset)
            .and_then(|node| node.days.get(&day))
            .map_or_else(NodeHour::default, |day| day.hours[hour])
    }

    /// Which side of a node is metered.
    pub fn node_metering(&self, asset: &AssetId) -> Option<NodeMetering> {
        Some(self.definition()?.nodes.get(asset)?.metering)
    }

    /// The factor row that prices an hour of this park.
    pub fn factor_row(&self, hour_start: UnixSeconds) -> Option<FactorRow> {
        self.factors.row(
            &self.definition()?.grid_region,
            FactorKind::GridAverage,
            hour_start,
        )
    }

    /// From the first hour with a reading to the end of the last; `None` without readings.
    pub fn metered_period(&self) -> Option<Period> {
        let extents = || self.meters.values().filter_map(MeterBook::extent);
        let first = extents().map(|(first, _)| first).min()?;
        let last = extents().map(|(_, last)| last).max()?;
        Some(Period {
            from: first.start_of_hour(),
            to: UnixSeconds(UnixSeconds(last.0 + SECONDS_PER_HOUR - 1).start_of_hour().0),
        })
    }

    /// The entries of a node hour. An incomplete hour has none, a carbon entry needs a factor.
    pub fn entries(&self, asset: &AssetId, hour_start: UnixSeconds) -> Vec<Entry> {
        let hour = self.node_hour(asset, hour_start);
        if !hour.complete {
            return Vec::new();
        }
        let factor = match hour.pricing {
            Pricing::Priced { .. } => self.factor_row(hour_start),
            _ => None,
        };
        EntryLine::all()
            .filter_map(|line| {
                let (energy, mass) = match (line, hour.pricing) {
                    (EntryLine::Energy(account), _) => (amount(&hour.amounts, account), None),
                    (
                        EntryLine::Scope2Location,
                        Pricing::Priced {
                            scope2_location, ..
                        },
                    ) => (hour.amounts.import, Some(scope2_location)),
                    (EntryLine::AvoidedExport, Pricing::Priced { avoided, .. }) => {
                        (hour.amounts.export, Some(avoided))
                    }
                    _ => return None,
                };
                // Lines of nothing say nothing; that the hour is there says the energy book.
                let says_nothing =
                    energy == 0 && !matches!(line, EntryLine::Energy(EnergyAccount::Consumption));
                (!says_nothing).then(|| Entry {
                    id: EntryId {
                        asset: asset.clone(),
                        hour_start,
                        line,
                    },
                    energy: terrarium_model::EnergyWh(energy),
                    mass,
                    factor: mass.and(factor.clone()),
                    quality: hour.quality,
                })
            })
            .collect()
    }

    /// One entry by its id.
    pub fn entry(&self, id: &EntryId) -> Option<Entry> {
        self.entries(&id.asset, id.hour_start)
            .into_iter()
            .find(|entry| entry.id == *id)
    }

    /// Content hash and state hash. Only days that have changed are hashed again.
    pub fn hashes(&mut self) -> ([u8; 32], [u8; 32]) {
        let mut content = Hasher::new("park-content");
        let mut state = Hasher::new("park-state");
        if let Some((_, sha256, origin)) = &self.definition {
            content.bytes(sha256);
            state.number(origin.position as i64);
        }
        for (set, origin) in self.factors.sets() {
            content
                .bytes(origin.event.as_bytes())
                .text(set.set.as_str());
            state.number(origin.position as i64);
        }
        for (meter, book) in &mut self.meters {
            content.text(meter.as_str());
            for day in book.days().collect::<Vec<_>>() {
                let hash = book.day_hash(day);
                content.number(day).bytes(&hash.content);
                state.bytes(&hash.state);
            }
            for ((start, revision), origin) in book.superseded() {
                content
                    .number(start.0)
                    .number(i64::from(*revision))
                    .bytes(origin.event.as_bytes());
                state.number(origin.position as i64);
            }
            for (event, quarantined) in book.quarantined() {
                content
                    .bytes(event.as_bytes())
                    .bytes(&[u8::from(quarantined.undecided)]);
                state.number(quarantined.position as i64);
            }
        }
        self.activities.hash_into(&mut content, &mut state);
        for (asset, node) in &mut self.nodes {
            content.text(asset.as_str());
            for (day, block) in &mut node.days {
                let hash = *block.hash.get_or_insert_with(|| node_day(&block.hours));
                content.number(*day).bytes(&hash);
            }
        }
        let content = content.finish();
        state.bytes(&content);
        (content, state.finish())
    }

    fn balance_hours(
        &mut self,
        meter: &MeterId,
        changed: Interval,
        touched: &mut Vec<TouchedHour>,
    ) {
        let Some((definition, ..)) = &self.definition else {
            return;
        };
        let Some(node) = definition.meters.get(meter).map(|meter| meter.node.clone()) else {
            return;
        };
        for hour_start in changed.hour_starts() {
            self.balance_hour(&node, hour_start);
            touched.push((node.clone(), hour_start));
        }
    }

    fn balance_hour(&mut self, asset: &AssetId, hour_start: UnixSeconds) {
        let Some((definition, ..)) = &self.definition else {
            return;
        };
        let Some(node) = definition.nodes.get(asset) else {
            return;
        };
        let mut sums = MeteredSums::default();
        let mut hour = NodeHour {
            complete: true,
            ..NodeHour::default()
        };
        for meter in &node.meters {
            let metered = self
                .meters
                .get(meter)
                .map_or_else(Default::default, |book| book.hour(hour_start));
            hour.any |= metered.covered_s > 0;
            hour.complete &= metered.is_complete();
            hour.quality = hour.quality | metered.quality;
            sums.add(definition.meters[meter].measures, metered.energy);
        }
        hour.amounts = HourAmounts::balance(node.metering, sums);
        if hour.complete {
            hour.pricing = NodeHour::price(&hour.amounts, || {
                self.factors
                    .row(&definition.grid_region, FactorKind::GridAverage, hour_start)
                    .map(|row| row.value())
            });
        }
        let (day, hour_of_day) = day_and_hour(hour_start);
        let block = self
            .nodes
            .entry(asset.clone())
            .or_default()
            .days
            .entry(day)
            .or_default();
        block.hours[hour_of_day] = hour;
        block.hash = None;
    }

    fn price_again(&mut self, from: UnixSeconds, to: UnixSeconds, touched: &mut Vec<TouchedHour>) {
        let mut hours = Vec::new();
        for (asset, node) in &self.nodes {
            for (day, block) in &node.days {
                for (hour_of_day, hour) in block.hours.iter().enumerate() {
                    let hour_start = hour_start_of(*day, hour_of_day);
                    if hour.any && from <= hour_start && hour_start < to {
                        hours.push((asset.clone(), hour_start));
                    }
                }
            }
        }
        for (asset, hour_start) in &hours {
            self.balance_hour(asset, *hour_start);
        }
        touched.append(&mut hours);
    }

    fn balance_everything(&mut self, touched: &mut Vec<TouchedHour>) {
        self.nodes.clear();
        let days: Vec<(MeterId, i64)> = self
            .meters
            .iter()
            .flat_map(|(meter, book)| book.days().map(|day| (meter.clone(), day)))
            .collect();
        for (meter, day) in days {
            for hour_of_day in 0..HOURS_PER_DAY {
                let hour_start = hour_start_of(day, hour_of_day);
                if self.meters[&meter].hour(hour_start).covered_s > 0 {
                    self.balance_hours(&meter, Interval::hour_of(hour_start), touched);
                }
            }
        }
    }
}

/// Amount of an account.
pub fn amount(amounts: &HourAmounts, account: EnergyAccount) -> i64 {
    match account {
        EnergyAccount::Consumption => amounts.consumption,
        EnergyAccount::Generation => amounts.generation,
        EnergyAccount::Import => amounts.import,
        EnergyAccount::Export => amounts.export,
        EnergyAccount::SelfUse => amounts.self_use,
        EnergyAccount::Unexplained => amounts.unexplained,
        EnergyAccount::Charge => amounts.charge,
        EnergyAccount::Discharge => amounts.discharge,
    }
}

impl NodeHour {
    /// Whether a reading of it was spread over hour borders.
    pub fn is_estimated(&self) -> bool {
        self.quality.has(Quality::SPREAD)
    }
}
