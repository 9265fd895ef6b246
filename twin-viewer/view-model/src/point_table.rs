//! The values that arrive, by point: applied as columns, asked for by asset and quantity.

use std::collections::{BTreeMap, BTreeSet};

use crate::park_view::{AssetIndex, ParkView};
use crate::quality::{Quality, Shown, fade, quality_at};
use crate::quantity::Quantity;

/// What a point is: one quantity of one asset, from one meter or alarm, or from the asset itself (empty source).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointName {
    pub asset: String,
    pub quantity: Quantity,
    pub source: String,
}

/// A value and when it was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub value: i64,
    pub time_ms: i64,
    /// As recorded; its age is not looked at yet.
    pub recorded: Quality,
}

/// A point with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPoint {
    pub name: PointName,
    /// 0: not known, or told only when it changes.
    pub usual_interval_s: u32,
}

/// Changes of the twin, any number of messages merged into one: of each point only the newest value. Points are numbered
/// by whoever makes the deltas, each name once and for ever, whatever streams the values come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TwinDelta {
    /// What is not told here has no value: the start of another view.
    pub begins_anew: bool,
    /// Points not told before, or told anew because their usual interval became another.
    pub new_points: BTreeMap<u32, NewPoint>,
    /// `None`: the point has no value any more.
    pub values: BTreeMap<u32, Option<Sample>>,
    /// The moment shown.
    pub moment_ms: i64,
    /// Every event up to it is in.
    pub position: Option<u64>,
    /// Newest event on record.
    pub head_position: Option<u64>,
    /// All that was asked for, or is recorded so far, is in.
    pub caught_up: bool,
}

impl TwinDelta {
    /// Takes a later delta in: applying the result is the same as applying one after the other.
    pub fn merge(&mut self, later: TwinDelta) {
        self.new_points.extend(later.new_points);
        if later.begins_anew {
            self.begins_anew = true;
            self.values = later.values;
            self.position = later.position;
            self.head_position = later.head_position;
        } else {
            self.values.extend(later.values);
            self.position = later.position.or(self.position);
            self.head_position = later.head_position.or(self.head_position);
        }
        self.moment_ms = later.moment_ms;
        self.caught_up = later.caught_up;
    }
}

/// Place of a point in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PointId(u32);

/// A point with its newest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointSlot {
    pub name: PointName,
    /// `None`: the park definition has no such asset.
    pub asset: Option<AssetIndex>,
    pub usual_interval_s: u32,
    pub sample: Option<Sample>,
}

/// One or more values as shown: their sum, the oldest of their times and the worst of their qualities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub value: i64,
    pub time_ms: i64,
    pub quality: Quality,
    /// How strongly it is drawn, 0.3 (old) to 1.
    pub fade: f32,
}

impl Reading {
    fn and(self, other: Reading) -> Reading {
        Reading {
            value: self.value.saturating_add(other.value),
            time_ms: self.time_ms.min(other.time_ms),
            quality: self.quality.max(other.quality),
            fade: self.fade.min(other.fade),
        }
    }
}

/// Every point of a park with its newest value.
#[derive(Debug, Clone, Default)]
pub struct PointTable {
    slots: Vec<PointSlot>,
    by_name: BTreeMap<PointName, PointId>,
    by_asset: Vec<Vec<PointId>>,
    /// By their numbers in the deltas.
    numbered: BTreeMap<u32, PointId>,
}

impl PointTable {
    /// An empty table for a park.
    pub fn new(park: &ParkView) -> PointTable {
        PointTable {
            by_asset: vec![Vec::new(); park.assets.len()],
            ..PointTable::default()
        }
    }

    /// The same points and values over another definition of the park.
    pub fn moved_to(mut self, park: &ParkView) -> PointTable {
        self.by_asset = vec![Vec::new(); park.assets.len()];
        for (place, slot) in (0..).zip(&mut self.slots) {
            slot.asset = park.index_of(&slot.name.asset);
            if let Some(asset) = slot.asset {
                self.by_asset[asset.0 as usize].push(PointId(place));
            }
        }
        self
    }

    /// Takes changes in. The assets that changed, in order.
    pub fn apply(&mut self, park: &ParkView, delta: &TwinDelta) -> BTreeSet<AssetIndex> {
        let mut changed = BTreeSet::new();
        if delta.begins_anew {
            for slot in &mut self.slots {
                if slot.sample.take().is_some() {
                    changed.extend(slot.asset);
                }
            }
        }
        for (number, point) in &delta.new_points {
            let id = self.slot_for(park, point);
            self.numbered.insert(*number, id);
        }
        for (number, sample) in &delta.values {
            // A value of a point that was never told means that the quantity is unknown to this viewer.
            let Some(id) = self.numbered.get(number) else {
                continue;
            };
            let slot = &mut self.slots[id.0 as usize];
            slot.sample = *sample;
            changed.extend(slot.asset);
        }
        changed
    }

    fn slot_for(&mut self, park: &ParkView, point: &NewPoint) -> PointId {
        if let Some(id) = self.by_name.get(&point.name) {
            self.slots[id.0 as usize].usual_interval_s = point.usual_interval_s;
            return *id;
        }
        let id = PointId(u32::try_from(self.slots.len()).expect("fewer than 2^32 points"));
        let asset = park.index_of(&point.name.asset);
        if let Some(asset) = asset {
            self.by_asset[asset.0 as usize].push(id);
        }
        self.by_name.insert(point.name.clone(), id);
        self.slots.push(PointSlot {
            name: point.name.clone(),
            asset,
            usual_interval_s: point.usual_interval_s,
            sample: None,
        });
        id
    }

    /// Every point, in the order in which they became known.
    pub fn slots(&self) -> &[PointSlot] {
        &self.slots
    }

    /// The points of an asset.
    pub fn points_of(&self, asset: AssetIndex) -> impl Iterator<Item = &PointSlot> {
        self.by_asset[asset.0 as usize]
            .iter()
            .map(|id| &self.slots[id.0 as usize])
    }

    /// A point's value as shown at a moment; `None` where it has none.
    pub fn reading(&self, slot: &PointSlot, shown: Shown) -> Option<Reading> {
        let sample = slot.sample?;
        let interval_s = slot.usual_interval_s;
        Some(Reading {
            value: sample.value,
            time_ms: sample.time_ms,
            quality: quality_at(sample.recorded, sample.time_ms, interval_s, shown),
            fade: fade(sample.time_ms, interval_s, shown),
        })
    }

    /// A quantity of an asset, all its meters together; `None` where none has a value.
    pub fn total(&self, asset: AssetIndex, quantity: Quantity, shown: Shown) -> Option<Reading> {
        self.points_of(asset)
            .filter(|slot| slot.name.quantity == quantity)
            .filter_map(|slot| self.reading(slot, shown))
            .reduce(Reading::and)
    }

    /// When the newest value of a point that reports at intervals was so.
    pub fn newest_metered_ms(&self) -> Option<i64> {
        self.slots
            .iter()
            .filter(|slot| slot.usual_interval_s > 0)
            .filter_map(|slot| slot.sample)
            .map(|sample| sample.time_ms)
            .max()
    }

    /// The newest value of a quantity anywhere in the park.
    pub fn newest_of(&self, quantity: Quantity, shown: Shown) -> Option<Reading> {
        self.slots
            .iter()
            .filter(|slot| slot.name.quantity == quantity)
            .filter_map(|slot| self.reading(slot, shown))
            .max_by_key(|reading| reading.time_ms)
    }
}
