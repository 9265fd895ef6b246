//! A definition, laid out for speed: which meters a node has, by number.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, Measures, MeterId, NodeMetering, ParkDefinition, UnixSeconds};

use super::meter_book::{HOURS_PER_DAY, MeterBook, Sight};
use crate::entry::Quality;
use crate::fact::Origin;
use crate::factor_book::{FactorBook, FactorKind};
use crate::node_hour::{HourAmounts, MeteredSums, NodeHour, Pricing, Totals};

/// A node and its meters.
pub(crate) struct LaidNode {
    pub asset: AssetId,
    pub metering: NodeMetering,
    pub meters: Vec<(usize, Measures)>,
}

/// A version of the park's definition.
pub(crate) struct Defined {
    pub definition: Arc<ParkDefinition>,
    pub sha256: [u8; 32],
    pub origin: Origin,
    /// In the order of their assets.
    pub nodes: Vec<LaidNode>,
    /// By the meter's number.
    node_of_meter: Vec<Option<usize>>,
}

impl Defined {
    /// Lays a definition out; `number` gives each meter its number.
    pub fn lay_out(
        definition: Arc<ParkDefinition>,
        sha256: [u8; 32],
        origin: Origin,
        mut number: impl FnMut(&MeterId) -> usize,
    ) -> Defined {
        let mut node_of_meter = Vec::new();
        let mut nodes = Vec::with_capacity(definition.nodes.len());
        for (asset, node) in &definition.nodes {
            let mut meters = Vec::with_capacity(node.meters.len());
            for meter in &node.meters {
                let meter_number = number(meter);
                if node_of_meter.len() <= meter_number {
                    node_of_meter.resize(meter_number + 1, None);
                }
                node_of_meter[meter_number] = Some(nodes.len());
                meters.push((meter_number, definition.meters[meter].measures));
            }
            nodes.push(LaidNode {
                asset: asset.clone(),
                metering: node.metering,
                meters,
            });
        }
        Defined {
            definition,
            sha256,
            origin,
            nodes,
            node_of_meter,
        }
    }

    /// Place of the node that a meter belongs to.
    pub fn node_of_meter(&self, meter: usize) -> Option<usize> {
        self.node_of_meter.get(meter).copied().flatten()
    }

    /// Place of the node of an asset.
    pub fn node_of_asset(&self, asset: &AssetId) -> Option<usize> {
        self.nodes
            .binary_search_by(|node| node.asset.cmp(asset))
            .ok()
    }

    /// Works out an hour of a node as it is seen.
    pub fn hour(
        &self,
        node: usize,
        hour_start: UnixSeconds,
        meters: &[MeterBook],
        factors: &FactorBook,
        sight: Sight,
    ) -> NodeHour {
        let laid = &self.nodes[node];
        let mut sums = MeteredSums::default();
        let mut hour = NodeHour {
            complete: true,
            ..NodeHour::default()
        };
        for (meter, measures) in &laid.meters {
            let metered = meters[*meter].hour(hour_start, sight);
            hour.any |= metered.covered_s > 0;
            hour.complete &= metered.is_complete();
            hour.quality = hour.quality | metered.quality;
            sums.add(*measures, metered.energy);
        }
        hour.amounts = HourAmounts::balance(laid.metering, sums);
        if hour.complete {
            hour.pricing = self.price(&hour.amounts, hour_start, factors, sight);
        }
        hour
    }

    /// What an hour of a node counts for at present: nothing while some meter does not cover it.
    pub fn totals(
        &self,
        node: usize,
        hour_start: UnixSeconds,
        meters: &[MeterBook],
        factors: &FactorBook,
    ) -> Totals {
        let laid = &self.nodes[node];
        let mut sums = MeteredSums::default();
        let mut quality = Quality::NONE;
        for (meter, measures) in &laid.meters {
            let metered = meters[*meter].hour(hour_start, Sight::ALL);
            if !metered.is_complete() {
                return Totals::default();
            }
            quality = quality | metered.quality;
            sums.add(*measures, metered.energy);
        }
        let amounts = HourAmounts::balance(laid.metering, sums);
        Totals::of(&NodeHour {
            any: true,
            complete: true,
            pricing: self.price(&amounts, hour_start, factors, Sight::ALL),
            amounts,
            quality,
        })
    }

    fn price(
        &self,
        amounts: &HourAmounts,
        hour_start: UnixSeconds,
        factors: &FactorBook,
        sight: Sight,
    ) -> Pricing {
        let region = &self.definition.grid_region;
        let value = |kind| factors.value(region, kind, hour_start, sight.known_at);
        NodeHour::price(
            amounts,
            || value(FactorKind::GridAverage),
            || value(FactorKind::GridMarginal).or_else(|| value(FactorKind::GridAverage)),
        )
    }
}

/// Sums that held from one position of the record to another, both included.
pub(crate) struct Older<T> {
    since: u64,
    until: u64,
    sums: T,
}

/// The older sums that held at a position, if they were kept.
fn older_at<T>(older: &[Older<T>], known_at: u64) -> Option<&T> {
    older
        .iter()
        .find(|older| older.since <= known_at && known_at <= older.until)
        .map(|older| &older.sums)
}

/// Sums of a node's hours of one day.
pub(crate) struct NodeDay {
    /// Days since 1970, UTC.
    pub day: i64,
    pub totals: Totals,
    /// A bit for each hour that any meter has something for.
    pub any: u32,
    /// Position of the first and the last fact that changed anything here.
    changed: (u64, u64),
    /// What held before each release of factors.
    older: Vec<Older<Totals>>,
    pub hash: Option<[u8; 32]>,
}

impl NodeDay {
    /// The sums as known at a position; `None`: they have to be worked out.
    pub fn known_at(&self, position: u64) -> Option<Totals> {
        if self.changed.1 <= position {
            return Some(self.totals);
        }
        if self.changed.0 > position {
            return Some(Totals::default());
        }
        older_at(&self.older, position).copied()
    }
}

/// The days of one node, in order.
#[derive(Default)]
pub(crate) struct NodeBook {
    pub days: Vec<NodeDay>,
}

impl NodeBook {
    /// A day.
    pub fn day(&self, day: i64) -> Option<&NodeDay> {
        self.place(day).ok().map(|place| &self.days[place])
    }

    /// A day that something changes at a position.
    pub fn change(&mut self, day: i64, position: u64) -> &mut NodeDay {
        let place = match self.place(day) {
            Ok(place) => place,
            Err(place) => {
                let node_day = NodeDay {
                    day,
                    totals: Totals::default(),
                    any: 0,
                    changed: (position, position),
                    older: Vec::new(),
                    hash: None,
                };
                self.days.insert(place, node_day);
                place
            }
        };
        let found = &mut self.days[place];
        found.changed.1 = position;
        found.hash = None;
        found
    }

    /// A day whose prices change at a position: what held before is kept.
    pub fn change_price(&mut self, day: i64, position: u64) -> &mut NodeDay {
        if let Ok(place) = self.place(day) {
            let found = &mut self.days[place];
            found.older.reserve_exact(1);
            found.older.push(Older {
                since: found.changed.1,
                until: position.saturating_sub(1),
                sums: found.totals,
            });
        }
        self.change(day, position)
    }

    fn place(&self, day: i64) -> Result<usize, usize> {
        if let Some(first) = self.days.first()
            && let Ok(guess) = usize::try_from(day - first.day)
            && self.days.get(guess).is_some_and(|found| found.day == day)
        {
            return Ok(guess);
        }
        match self.days.last() {
            Some(last) if last.day < day => Err(self.days.len()),
            _ => self.days.binary_search_by_key(&day, |found| found.day),
        }
    }
}

/// Sums of the whole park, hour by hour.
#[derive(Default)]
pub(crate) struct ParkHours {
    days: BTreeMap<i64, Box<ParkDay>>,
}

pub(crate) struct ParkDay {
    pub hours: [Totals; HOURS_PER_DAY],
    /// Position of the first and the last fact that changed anything here.
    changed: (u64, u64),
    /// What held before each release of factors.
    older: Vec<Older<Box<[Totals; HOURS_PER_DAY]>>>,
}

impl ParkDay {
    /// The sums as known at a position; `None`: they have to be worked out.
    pub fn known_at(&self, position: u64, hour: usize) -> Option<Totals> {
        if self.changed.1 <= position {
            return Some(self.hours[hour]);
        }
        if self.changed.0 > position {
            return Some(Totals::default());
        }
        older_at(&self.older, position).map(|hours| hours[hour])
    }
}

impl ParkHours {
    /// A day.
    pub fn day(&self, day: i64) -> Option<&ParkDay> {
        self.days.get(&day).map(|day| &**day)
    }

    /// A day that something changes at a position.
    pub fn change(&mut self, day: i64, position: u64) -> &mut ParkDay {
        let found = self.days.entry(day).or_insert_with(|| {
            Box::new(ParkDay {
                hours: [Totals::default(); HOURS_PER_DAY],
                changed: (position, position),
                older: Vec::new(),
            })
        });
        found.changed.1 = position;
        found
    }

    /// A day whose prices change at a position: what held before is kept.
    pub fn change_price(&mut self, day: i64, position: u64) -> &mut ParkDay {
        if let Some(found) = self.days.get_mut(&day) {
            found.older.push(Older {
                since: found.changed.1,
                until: position.saturating_sub(1),
                sums: Box::new(found.hours),
            });
        }
        self.change(day, position)
    }

    /// Days from a first to a last one, in order.
    pub fn days_within(&self, first: i64, last: i64) -> Vec<i64> {
        self.days.range(first..=last).map(|(day, _)| *day).collect()
    }

    /// Lets go of the days before one.
    pub fn forget_days_before(&mut self, day: i64) {
        self.days = self.days.split_off(&day);
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        self.days.clear();
    }
}
