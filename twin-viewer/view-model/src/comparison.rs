//! Two moments of the record side by side: every point that differs, and the difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::alarm::AlarmList;
use crate::asset_state::{AssetState, Weather};
use crate::carbon::CarbonBalances;
use crate::overlay::{Overlay, OverlayView};
use crate::park_view::{AssetIndex, ParkView};
use crate::point_table::{PointName, PointTable, TwinDelta};
use crate::quality::Shown;
use crate::quantity::Quantity;

/// One of the two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    A,
    B,
}

impl Mark {
    /// Both, in their order.
    pub const ALL: [Mark; 2] = [Mark::A, Mark::B];

    /// How it is written.
    pub fn letter(self) -> &'static str {
        match self {
            Mark::A => "A",
            Mark::B => "B",
        }
    }
}

/// A moment with the park's values then, once they came.
#[derive(Debug, Clone, Default)]
struct Side {
    moment_ms: Option<i64>,
    table: Option<PointTable>,
    states: Vec<AssetState>,
}

/// Two moments and whether they are compared.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    a: Side,
    b: Side,
    is_on: bool,
}

/// A point at both moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub name: PointName,
    pub asset: Option<AssetIndex>,
    pub a: Option<i64>,
    pub b: Option<i64>,
}

impl Difference {
    /// B less A; `None` where one of them has no value.
    pub fn change(&self) -> Option<i64> {
        Some(self.b?.saturating_sub(self.a?))
    }
}

impl Comparison {
    /// The moment of a mark.
    pub fn moment_ms(&self, mark: Mark) -> Option<i64> {
        self.side(mark).moment_ms
    }

    /// Both moments are chosen.
    pub fn moments_ms(&self) -> Option<(i64, i64)> {
        self.a.moment_ms.zip(self.b.moment_ms)
    }

    /// A and B are compared, not only marked.
    pub fn is_on(&self) -> bool {
        self.is_on && self.moments_ms().is_some()
    }

    /// The values of both moments are there.
    pub fn is_complete(&self) -> bool {
        self.a.table.is_some() && self.b.table.is_some()
    }

    /// Puts a mark to a moment. False: it stands there already, with its values.
    pub(crate) fn put(&mut self, mark: Mark, moment_ms: i64) -> bool {
        let side = self.side_mut(mark);
        if side.moment_ms == Some(moment_ms) && side.table.is_some() {
            return false;
        }
        *side = Side {
            moment_ms: Some(moment_ms),
            ..Side::default()
        };
        true
    }

    /// Without both moments there is nothing to compare, and it does not begin by itself once there is.
    pub(crate) fn turn(&mut self, on: bool) {
        self.is_on = on && self.moments_ms().is_some();
    }

    /// The moments that were asked for and whose values have not come.
    pub(crate) fn missing_ms(&self) -> Vec<i64> {
        let sides = [&self.a, &self.b].into_iter();
        let missing = sides.filter(|side| side.table.is_none());
        let mut moments: Vec<i64> = missing.filter_map(|side| side.moment_ms).collect();
        moments.dedup();
        moments
    }

    /// The park was defined anew: its assets have other numbers, so the values of both moments are to be fetched again.
    pub(crate) fn forget_values(&mut self) {
        for side in [&mut self.a, &mut self.b] {
            *side = Side {
                moment_ms: side.moment_ms,
                ..Side::default()
            };
        }
    }

    /// Takes the values of a moment in; those of a moment that no mark stands at any more are dropped.
    pub(crate) fn take(&mut self, park: &ParkView, alarms: &AlarmList, delta: &TwinDelta) -> bool {
        let mut is_wanted = false;
        for mark in Mark::ALL {
            let side = self.side_mut(mark);
            if side.moment_ms != Some(delta.moment_ms) {
                continue;
            }
            is_wanted = true;
            let mut table = PointTable::new(park);
            table.apply(park, delta);
            let shown = Shown {
                moment_ms: delta.moment_ms,
                is_cut: false,
            };
            let weather = Weather::of(&table, shown);
            side.states = park
                .indexed()
                .map(|(asset, _)| AssetState::of(park, &table, alarms, asset, &weather, shown))
                .collect();
            side.table = Some(table);
        }
        is_wanted
    }

    /// Every point that is not the same at both moments, by asset and quantity. Alarms are told by the alarm list.
    pub fn differences(&self) -> Vec<Difference> {
        let (Some(a), Some(b)) = (&self.a.table, &self.b.table) else {
            return Vec::new();
        };
        let values = |table: &PointTable| -> BTreeMap<PointName, (Option<AssetIndex>, i64)> {
            let slots = table.slots().iter();
            slots
                .filter(|slot| slot.name.quantity != Quantity::AlarmState)
                .filter_map(|slot| {
                    let sample = slot.sample?;
                    Some((slot.name.clone(), (slot.asset, sample.value)))
                })
                .collect()
        };
        let (a, b) = (values(a), values(b));
        let names: BTreeSet<&PointName> = a.keys().chain(b.keys()).collect();
        names
            .into_iter()
            .map(|name| {
                let (at_a, at_b) = (a.get(name), b.get(name));
                Difference {
                    name: name.clone(),
                    asset: at_a.or(at_b).and_then(|(asset, _)| *asset),
                    a: at_a.map(|(_, value)| *value),
                    b: at_b.map(|(_, value)| *value),
                }
            })
            .filter(|difference| difference.a != difference.b)
            .collect()
    }

    /// The park coloured by what changed from A to B in the theme of an overlay; power where none is chosen. `None`: not
    /// both are there.
    pub(crate) fn overlay_view(&self, overlay: Overlay, park: &ParkView) -> Option<OverlayView> {
        if !self.is_on() || !self.is_complete() {
            return None;
        }
        let overlay = overlay.or_power();
        // Balances of the ledger belong to one period, so overlays of carbon have no two moments; they show power.
        let carbon = CarbonBalances::default();
        Some(OverlayView::of_change(
            overlay,
            park,
            (&self.a.states, &self.b.states),
            &carbon,
        ))
    }

    fn side(&self, mark: Mark) -> &Side {
        match mark {
            Mark::A => &self.a,
            Mark::B => &self.b,
        }
    }

    fn side_mut(&mut self, mark: Mark) -> &mut Side {
        match mark {
            Mark::A => &mut self.a,
            Mark::B => &mut self.b,
        }
    }
}
