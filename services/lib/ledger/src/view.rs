//! The books as they were at two times: what had happened until one, of what was recorded until the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, NodeMetering, ParkDefinition, SECONDS_PER_HOUR, UnixSeconds};

use crate::books::{AsOf, Books, InstrumentLine, Posting, WithoutFactor};
use crate::energy::kept::{STRETCH_DAYS, stretch_start};
use crate::energy::layout::Defined;
use crate::energy::meter_book::{Contribution, HOURS_PER_DAY, Sight, day_and_hour, hour_start_of};
use crate::energy::purchased::{self, Purchased};
use crate::entry::{EnergyAccount, Entry, EntryId, EntryLine, Quality};
use crate::factor_book::{FactorKind, FactorRow};
use crate::node_hour::{NodeHour, Pricing, Totals};
use crate::park_ledger::{ParkLedger, Period};

/// The books of one park, seen at two times.
#[derive(Clone, Copy)]
pub struct View<'a> {
    ledger: &'a ParkLedger,
    as_of: AsOf,
    sight: Sight,
    defined: Option<&'a Defined>,
    /// The definition seen is the one in force, whose sums are kept.
    is_in_force: bool,
    longest_s: i64,
}

impl<'a> View<'a> {
    pub(crate) fn of(ledger: &'a ParkLedger, as_of: AsOf) -> View<'a> {
        let sight = Sight {
            known_at: as_of.known_at.unwrap_or(u64::MAX),
            before: as_of.at.unwrap_or(Sight::ALL.before),
        };
        let known = ledger
            .definitions
            .partition_point(|defined| defined.origin.position <= sight.known_at);
        let longest = ledger.meters.iter().map(|book| book.longest_s()).max();
        View {
            ledger,
            as_of,
            sight,
            defined: known.checked_sub(1).map(|last| &ledger.definitions[last]),
            is_in_force: known == ledger.definitions.len(),
            longest_s: i64::from(longest.unwrap_or(0)),
        }
    }

    /// The books that are seen.
    pub fn ledger(&self) -> &'a ParkLedger {
        self.ledger
    }

    /// The two times.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// What of the record is seen.
    pub fn sight(&self) -> Sight {
        self.sight
    }

    /// The definition that was in force.
    pub fn definition(&self) -> Option<&'a Arc<ParkDefinition>> {
        self.defined.map(|defined| &defined.definition)
    }

    /// Nodes of that definition, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &'a AssetId> + use<'a> {
        self.defined
            .into_iter()
            .flat_map(|defined| defined.nodes.iter().map(|node| &node.asset))
    }

    /// Whether an asset is a node.
    pub fn has_node(&self, asset: &AssetId) -> bool {
        self.node(asset).is_some()
    }

    /// Which side of a node is metered.
    pub fn node_metering(&self, asset: &AssetId) -> Option<NodeMetering> {
        Some(self.definition()?.nodes.get(asset)?.metering)
    }

    /// From the first hour with a reading of electricity to the end of the last, as seen; `None` without readings.
    pub fn metered_period(&self) -> Option<Period> {
        let defined = self.defined?;
        self.extent_of(|number| defined.node_of_meter(number).is_some())
    }

    /// The same of all meters, of heat and cold too.
    pub fn reported_period(&self) -> Option<Period> {
        self.extent_of(|_| true)
    }

    fn extent_of(&self, pick: impl Fn(usize) -> bool) -> Option<Period> {
        let mut whole: Option<(UnixSeconds, UnixSeconds)> = None;
        for (number, book) in self.ledger.meters.iter().enumerate() {
            if pick(number)
                && let Some((first, last)) = book.extent(self.sight)
            {
                let (from, to) = whole.unwrap_or((first, last));
                whole = Some((from.min(first), to.max(last)));
            }
        }
        let (first, last) = whole?;
        Some(Period {
            from: first.start_of_hour(),
            to: UnixSeconds(last.0 + SECONDS_PER_HOUR - 1).start_of_hour(),
        })
    }

    /// A node hour.
    pub fn node_hour(&self, asset: &AssetId, hour_start: UnixSeconds) -> NodeHour {
        self.node(asset)
            .map_or_else(NodeHour::default, |(defined, node)| {
                self.hour(defined, node, hour_start)
            })
    }

    /// The readings that a meter's hour is made of.
    pub fn contributions(
        &self,
        meter: &terrarium_model::MeterId,
        hour_start: UnixSeconds,
    ) -> Vec<Contribution> {
        self.ledger
            .meter(meter)
            .map_or_else(Vec::new, |book| book.contributions(hour_start, self.sight))
    }

    /// The row of a kind that prices an hour: of the park's region, else of its regional grid, else of its country.
    pub fn factor_row(&self, kind: FactorKind, hour_start: UnixSeconds) -> Option<FactorRow> {
        let factors = &self.ledger.factors;
        self.defined?
            .regions
            .iter()
            .find_map(|region| factors.row_known_at(region, kind, hour_start, self.sight.known_at))
    }

    /// The row that prices exports: the grid's marginal factor, or its average where no marginal one is known.
    pub fn baseline_row(&self, hour_start: UnixSeconds) -> Option<FactorRow> {
        self.factor_row(FactorKind::GridMarginal, hour_start)
            .or_else(|| self.factor_row(FactorKind::GridAverage, hour_start))
    }

    /// Sums of a node over a period.
    pub fn node_totals(&self, asset: &AssetId, period: Period) -> Totals {
        let Some((defined, node)) = self.node(asset) else {
            return Totals::default();
        };
        let mut totals = Totals::default();
        let mut hour_start = period.from;
        while hour_start < period.to {
            let (day, hour) = day_and_hour(hour_start);
            let stretch = day.div_euclid(STRETCH_DAYS);
            if hour_start == stretch_start(stretch)
                && stretch_start(stretch + 1) <= period.to
                && let Some(kept) = self.node_stretch(node, stretch)
            {
                totals.add(&kept);
                hour_start = stretch_start(stretch + 1);
                continue;
            }
            let next_day = hour_start_of(day + 1, 0);
            if hour == 0 && hour_start == hour_start_of(day, 0) && next_day <= period.to {
                totals.add(&self.node_day(defined, node, day));
                hour_start = next_day;
            } else {
                totals.add(&Totals::of(&self.hour(defined, node, hour_start)));
                hour_start = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
            }
        }
        totals
    }

    /// Sums of all nodes of one hour.
    pub fn park_hour(&self, hour_start: UnixSeconds) -> Totals {
        let Some(defined) = self.defined else {
            return Totals::default();
        };
        let (day, hour) = day_and_hour(hour_start);
        if self.is_in_force && self.has_all_happened(day) {
            let known_at = self.sight.known_at;
            if let Some(kept) = self.ledger.park_hours.known_at(day, hour, known_at) {
                return kept;
            }
        }
        let mut totals = Totals::default();
        for node in 0..defined.nodes.len() {
            totals.add(&Totals::of(&self.hour(defined, node, hour_start)));
        }
        totals
    }

    /// The entries of a node hour. An incomplete hour has none, a carbon entry needs a factor.
    pub fn entries(&self, asset: &AssetId, hour_start: UnixSeconds) -> Vec<Entry> {
        let hour = self.node_hour(asset, hour_start);
        if !hour.complete {
            return Vec::new();
        }
        EntryLine::all()
            .filter_map(|line| {
                let (energy, mass) = match (line, hour.pricing) {
                    (EntryLine::Energy(account), _) => {
                        (crate::entry::amount(&hour.amounts, account), None)
                    }
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
                let factor = || match line {
                    EntryLine::AvoidedExport => self.baseline_row(hour_start),
                    _ => self.factor_row(FactorKind::GridAverage, hour_start),
                };
                if says_nothing {
                    return None;
                }
                let factor = mass.and_then(|_| factor());
                let stands_in = factor
                    .as_ref()
                    .is_some_and(|row| Some(&row.set.region) != self.grid_region());
                Some(Entry {
                    id: EntryId {
                        asset: asset.clone(),
                        hour_start,
                        line,
                    },
                    energy: terrarium_model::EnergyWh(energy),
                    mass,
                    factor,
                    quality: match stands_in {
                        true => hour.quality | Quality::WIDER_REGION,
                        false => hour.quality,
                    },
                })
            })
            .collect()
    }

    fn grid_region(&self) -> Option<&'a String> {
        Some(&self.definition()?.grid_region)
    }

    /// All books of a period; `None` while no park is defined.
    pub fn books(&self, period: Period) -> Option<Books> {
        let definition = self.definition()?;
        let nodes = self.nodes().count() as u64;
        let mut energy = BTreeMap::new();
        let mut complete = 0;
        let mut without_factor = WithoutFactor {
            region: definition.grid_region.clone(),
            ..WithoutFactor::default()
        };
        for hour_start in period.hour_starts() {
            let totals = self.park_hour(hour_start);
            complete += u64::from(totals.metered);
            if totals.without_factor > 0 {
                without_factor.hours += u64::from(totals.without_factor);
                without_factor.first_hour.get_or_insert(hour_start);
            }
            if totals.metered > 0 {
                energy.insert(hour_start, totals.amounts);
            }
        }
        let Purchased {
            mut postings,
            exports_sold_wh,
            resold_charge_wh,
        } = purchased::purchased(self, period);
        let (activities, unpriced) = self.ledger.priced_activities(period, self.as_of);
        without_factor.activities = unpriced;
        postings.extend(activities);
        postings.sort_unstable();
        Some(Books {
            park: definition.id.clone(),
            period,
            as_of: self.as_of,
            energy,
            node_hours: (nodes * period.hours(), complete),
            without_factor,
            postings,
            instruments: self.instruments_of(period),
            exports_sold_wh,
            resold_charge_wh,
        })
    }

    /// Purchased electricity and exports of a period, summed up by node and month of the park's zone.
    pub fn purchased_electricity(&self, period: Period) -> Vec<Posting> {
        purchased::purchased(self, period).postings
    }

    /// Instruments as they stood at a period's end; those that were used for a reporting period within it, also later: what is
    /// retired for a year is mostly retired after it.
    fn instruments_of(&self, period: Period) -> Vec<InstrumentLine> {
        let reporting = self.ledger.periods.all(self.sight);
        let is_of_period = |line: &InstrumentLine| {
            let used_for = line.used_for.as_deref();
            reporting.iter().any(|reporting| {
                used_for == Some(&*reporting.id)
                    && reporting.period.from < period.to
                    && period.from < reporting.period.to
            })
        };
        let of = |line: &InstrumentLine| (line.registry.clone(), line.serial.clone());
        let standing = self.ledger.instruments.lines(period.to, self.sight);
        let by_now = self
            .ledger
            .instruments
            .lines(UnixSeconds(i64::MAX), self.sight);
        let used = by_now.into_iter().filter(|line| is_of_period(line));
        let lines = standing.into_iter().chain(used);
        let by_name: BTreeMap<_, _> = lines.map(|line| (of(&line), line)).collect();
        by_name.into_values().collect()
    }

    /// One entry by its id.
    pub fn entry(&self, id: &EntryId) -> Option<Entry> {
        self.entries(&id.asset, id.hour_start)
            .into_iter()
            .find(|entry| entry.id == *id)
    }

    pub(crate) fn node(&self, asset: &AssetId) -> Option<(&'a Defined, usize)> {
        let defined = self.defined?;
        Some((defined, defined.node_of_asset(asset)?))
    }

    pub(crate) fn hour(&self, defined: &Defined, node: usize, hour_start: UnixSeconds) -> NodeHour {
        if hour_start.0.saturating_add(SECONDS_PER_HOUR) > self.sight.before.0 {
            return NodeHour::default();
        }
        let ledger = self.ledger;
        defined.hour(
            node,
            hour_start,
            &ledger.meters,
            &ledger.factors,
            self.sight,
        )
    }

    /// Sums of a day: as kept, where nothing that changed since could show.
    fn node_day(&self, defined: &Defined, node: usize, day: i64) -> Totals {
        if self.is_in_force && self.has_all_happened(day) {
            let known_at = self.sight.known_at;
            if let Some(kept) = self.ledger.nodes[node].day_known_at(day, known_at) {
                return kept;
            }
        }
        let mut totals = Totals::default();
        for hour in 0..HOURS_PER_DAY {
            totals.add(&Totals::of(&self.hour(
                defined,
                node,
                hour_start_of(day, hour),
            )));
        }
        totals
    }

    /// Sums of a stretch of days, if they were kept and nothing that changed since could show.
    fn node_stretch(&self, node: usize, stretch: i64) -> Option<Totals> {
        let (last_day, _) = day_and_hour(UnixSeconds(stretch_start(stretch + 1).0 - 1));
        if !self.is_in_force || !self.has_all_happened(last_day) {
            return None;
        }
        self.ledger.nodes[node].stretch_known_at(stretch, self.sight.known_at)
    }

    /// Whether every reading that could reach into a day was over.
    fn has_all_happened(&self, day: i64) -> bool {
        let end = hour_start_of(day + 1, 0).0.saturating_add(self.longest_s);
        end <= self.sight.before.0
    }
}
