//! Published emission factors, and which of them prices an hour or an activity.
//!
//! - [`kind`]: what factors tell, and in which units
//! - [`set`]: a published version of factors

pub mod kind;
pub mod set;

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{FactorSetId, FactorUnit, FactorValue, UnixSeconds};

use crate::books::{AsOf, FactorUse};
use crate::fact::Origin;

pub use kind::FactorKind;
pub use set::{
    FactorDetail, FactorSet, GRID_U95_PPM, InvalidFactorSet, LONGEST_TEXT_BYTES, MOST_VALUES,
};

/// A factor row that prices an hour or an activity.
#[derive(Clone, Debug)]
pub struct FactorRow {
    /// The set, or the row of a table.
    pub set: Arc<FactorSet>,
    /// Row in it, from 0.
    pub row: usize,
    /// Event that published it.
    pub origin: Origin,
}

impl FactorRow {
    /// Value of the row.
    pub fn value(&self) -> FactorValue {
        self.set.value(self.row)
    }

    /// As postings name it. All values of a series share one key: they share their publisher's error.
    pub fn used(&self) -> FactorUse {
        FactorUse {
            key: self.set.key(),
            mark: self.set.detail.mark,
            u95_ppm: self.set.detail.u95_ppm,
        }
    }
}

/// What is asked of the factors.
#[derive(Clone, Copy, Debug)]
pub struct FactorQuery<'a> {
    /// What they should tell.
    pub kind: FactorKind,
    /// What is priced.
    pub subject: &'a str,
    /// Unit, if only this one is of use.
    pub unit: Option<FactorUnit>,
    /// Regions, best first.
    pub regions: &'a [String],
    /// Only of this set, if one is pinned.
    pub set: Option<&'a str>,
}

type RowKey = (FactorSetId, String, String);
type Published = (Arc<FactorSet>, Origin);

/// All factor sets of a park, and the rows of all tables.
#[derive(Default)]
pub struct FactorBook {
    /// By kind and region.
    sets: BTreeMap<FactorKind, BTreeMap<String, BTreeMap<RowKey, Published>>>,
    count: usize,
    /// Those of electricity that hours are priced with, by kind and region, those that go before others first.
    ranked: BTreeMap<FactorKind, BTreeMap<String, Vec<Published>>>,
}

impl FactorBook {
    /// Takes in a set, or a row of a table.
    pub fn publish(&mut self, set: Arc<FactorSet>, origin: Origin) {
        let key = (set.set.clone(), set.version.clone(), set.detail.row.clone());
        let of_region = self
            .sets
            .entry(set.kind)
            .or_default()
            .entry(set.region.clone())
            .or_default();
        let replaced = of_region.insert(key, (Arc::clone(&set), origin));
        self.count += usize::from(replaced.is_none());
        if !set.kind.is_of_electricity() {
            return;
        }
        let ranked = self
            .ranked
            .entry(set.kind)
            .or_default()
            .entry(set.region.clone())
            .or_default();
        if let Some((replaced, _)) = replaced {
            ranked.retain(|(known, _)| !Arc::ptr_eq(known, &replaced));
        }
        let place = ranked.partition_point(|(known, _)| known.precedence() > set.precedence());
        ranked.insert(place, (set, origin));
    }

    /// Sets in order of kind, region, id, version and row.
    pub fn sets(&self) -> impl Iterator<Item = &(Arc<FactorSet>, Origin)> {
        self.sets
            .values()
            .flat_map(|regions| regions.values())
            .flat_map(|sets| sets.values())
    }

    /// Number of sets and rows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was published.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The row that prices an hour in a region: of all that hold at its start an hourly series before a constant, then
    /// the latest publication, then the greatest version, then the greatest id.
    pub fn row(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
    ) -> Option<FactorRow> {
        self.row_as_of(region, kind, hour_start, AsOf::default())
    }

    /// [`FactorBook::row`], of what was known then.
    pub fn row_as_of(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        as_of: AsOf,
    ) -> Option<FactorRow> {
        best(self.of(kind, region), hour_start, as_of)
    }

    /// Value of the row of electricity that prices an hour, as known at a position.
    pub fn value(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<FactorValue> {
        let (set, row, _) = self.first(region, kind, hour_start, known_at)?;
        Some(set.value(row))
    }

    /// The row of electricity that prices an hour, as known at a position.
    pub fn row_known_at(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<FactorRow> {
        let (set, row, origin) = self.first(region, kind, hour_start, known_at)?;
        Some(FactorRow {
            set: Arc::clone(set),
            row,
            origin,
        })
    }

    /// Event that published the row of electricity that prices an hour.
    pub fn winner(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
    ) -> Option<Origin> {
        let (_, _, origin) = self.first(region, kind, hour_start, u64::MAX)?;
        Some(origin)
    }

    fn first(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<(&Arc<FactorSet>, usize, Origin)> {
        self.ranked
            .get(&kind)?
            .get(region)?
            .iter()
            .filter(|(_, origin)| origin.position <= known_at)
            .find_map(|(set, origin)| Some((set, set.row_at(hour_start)?, *origin)))
    }

    /// The row that prices an activity: of the first region that has one the same order as [`FactorBook::row`].
    pub fn find(
        &self,
        query: &FactorQuery<'_>,
        instant: UnixSeconds,
        as_of: AsOf,
    ) -> Option<FactorRow> {
        query.regions.iter().find_map(|region| {
            let fitting = self
                .of(query.kind, region)
                .filter(|(set, _)| query.fits(set));
            best(fitting, instant, as_of)
        })
    }

    /// All rows that fit, whatever their time and region, in order.
    pub fn all<'a>(
        &'a self,
        kind: FactorKind,
        subject: &'a str,
    ) -> impl Iterator<Item = &'a (Arc<FactorSet>, Origin)> {
        self.sets
            .get(&kind)
            .into_iter()
            .flat_map(|regions| regions.values())
            .flat_map(|sets| sets.values())
            .filter(move |(set, _)| set.detail.subject == subject)
    }

    fn of(&self, kind: FactorKind, region: &str) -> impl Iterator<Item = &Published> {
        self.sets
            .get(&kind)
            .and_then(|regions| regions.get(region))
            .into_iter()
            .flat_map(|sets| sets.values())
    }
}

impl FactorQuery<'_> {
    fn fits(&self, set: &FactorSet) -> bool {
        set.detail.subject == self.subject
            && self.unit.is_none_or(|unit| set.unit == unit)
            && self.set.is_none_or(|id| set.set.as_str() == id)
    }
}

fn best<'a>(
    candidates: impl Iterator<Item = &'a Published>,
    instant: UnixSeconds,
    as_of: AsOf,
) -> Option<FactorRow> {
    candidates
        .filter(|(_, origin)| as_of.knows(origin.position))
        .filter_map(|(set, origin)| set.row_at(instant).map(|row| (set, row, origin)))
        .max_by(|(one, ..), (other, ..)| one.precedence().cmp(&other.precedence()))
        .map(|(set, row, origin)| FactorRow {
            set: Arc::clone(set),
            row,
            origin: *origin,
        })
}
