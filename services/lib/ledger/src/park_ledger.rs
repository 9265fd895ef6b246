//! The books of one park.

mod counting;
mod day_blocks;
mod hashes;
mod restating;

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    AssetId, Interval, MeterId, NodeMetering, ParkDefinition, Shelf, UnixSeconds,
};

use crate::accounts::{InstrumentBook, PeriodBook, PolicyBook};
use crate::books::{AsOf, Books, Posting};
use crate::carbon::ActivityBook;
use crate::carbon::postings::{WorkedPeriod, by_month, work_period};
use crate::carbon::worked::Unpriced;
use crate::claims::policy::DecisionBook;
use crate::energy::kept::{NodeBook, ParkHours};
use crate::energy::layout::Defined;
use crate::energy::meter_book::MeterBook;
use crate::energy::sessions::SessionBook;
use crate::entry::{Entry, EntryId, Quality};
use crate::fact::{Fact, How, Origin, RestatementReason};
use crate::factor_book::{FactorBook, FactorKind, FactorRow};
use crate::node_hour::{NodeHour, Totals};
pub use crate::period::Period;
use crate::view::View;
pub use day_blocks::DayBlocks;

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
    pub(crate) sessions: SessionBook,
    shelf: Option<Arc<dyn Shelf>>,
    before: Vec<Totals>,
}

/// A node and hour that may have changed.
pub type TouchedHour = (AssetId, UnixSeconds);

impl ParkLedger {
    /// An empty one, whose far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> ParkLedger {
        ParkLedger {
            activities: ActivityBook::shelved(shelf.clone()),
            shelf,
            ..ParkLedger::default()
        }
    }

    /// Takes in a fact. The node hours that may have changed are added to `touched`.
    pub fn apply(&mut self, fact: &Fact, origin: Origin, touched: &mut Vec<TouchedHour>) {
        match fact {
            Fact::ParkDefined { definition, sha256 } => {
                let numbers = &mut self.meter_numbers;
                let meters = &mut self.meters;
                let shelf = self.shelf.as_ref();
                let defined = Defined::lay_out(Arc::clone(definition), *sha256, origin, |meter| {
                    number_of(numbers, meters, meter, shelf)
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
            Fact::Decided { decision, at } => {
                self.decisions.decided(decision, *at, origin);
                if decision.moves_the_boundary() {
                    self.note_everything(RestatementReason::BoundaryChange, origin.position);
                }
            }
            Fact::ChargeSession {
                charger,
                owner,
                start,
                end,
            } => {
                self.sessions.told(charger, *owner, *start, *end, origin);
                // What cars were sold and gave back; of a session that goes on from its start on.
                let until = end.unwrap_or(UnixSeconds(i64::MAX));
                let reason = RestatementReason::LateData;
                self.periods
                    .moved_figures(*start, until, reason, origin.position);
            }
            Fact::Carbon(fact) => {
                let replaced = self.activities.extent_of_replaced(fact);
                self.activities.take_in(fact, origin);
                self.note_carbon(fact, replaced, origin.position);
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

    fn number(&mut self, meter: &MeterId) -> usize {
        number_of(
            &mut self.meter_numbers,
            &mut self.meters,
            meter,
            self.shelf.as_ref(),
        )
    }
}

fn number_of(
    numbers: &mut BTreeMap<MeterId, usize>,
    meters: &mut Vec<MeterBook>,
    meter: &MeterId,
    shelf: Option<&Arc<dyn Shelf>>,
) -> usize {
    if let Some(number) = numbers.get(meter) {
        return *number;
    }
    let number = meters.len();
    numbers.insert(meter.clone(), number);
    meters.push(MeterBook::shelved(shelf.cloned()));
    number
}

impl NodeHour {
    /// Whether a reading of it was spread over hour borders.
    pub fn is_estimated(&self) -> bool {
        self.quality.has(Quality::SPREAD)
    }
}
