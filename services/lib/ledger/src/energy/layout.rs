//! A definition, laid out for speed: which meters a node has, by number.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, Measures, MeterId, NodeMetering, ParkDefinition, UnixSeconds};

use super::meter_book::{HOURS_PER_DAY, MeterBook, Sight};
use crate::fact::Origin;
use crate::factor_book::{FactorBook, FactorKind};
use crate::node_hour::{HourAmounts, MeteredSums, NodeHour, Totals};

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
    node_of_meter: BTreeMap<usize, usize>,
}

impl Defined {
    /// Lays a definition out; `number` gives each meter its number.
    pub fn lay_out(
        definition: Arc<ParkDefinition>,
        sha256: [u8; 32],
        origin: Origin,
        mut number: impl FnMut(&MeterId) -> usize,
    ) -> Defined {
        let mut node_of_meter = BTreeMap::new();
        let mut nodes = Vec::with_capacity(definition.nodes.len());
        for (asset, node) in &definition.nodes {
            let mut meters = Vec::with_capacity(node.meters.len());
            for meter in &node.meters {
                let meter_number = number(meter);
                node_of_meter.insert(meter_number, nodes.len());
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
        self.node_of_meter.get(&meter).copied()
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
            let region = &self.definition.grid_region;
            let value = |kind| factors.value(region, kind, hour_start, sight.known_at);
            hour.pricing = NodeHour::price(
                &hour.amounts,
                || value(FactorKind::GridAverage),
                || value(FactorKind::GridMarginal).or_else(|| value(FactorKind::GridAverage)),
            );
        }
        hour
    }

    /// Whether every meter of a node covers an hour; cheaper than the hour itself where one does not.
    pub fn is_complete(&self, node: usize, hour_start: UnixSeconds, meters: &[MeterBook]) -> bool {
        self.nodes[node]
            .meters
            .iter()
            .all(|(meter, _)| meters[*meter].hour(hour_start, Sight::ALL).is_complete())
    }
}

/// Sums of a node's hours of one day.
pub(crate) struct NodeDay {
    /// Days since 1970, UTC.
    pub day: i64,
    pub totals: Totals,
    /// A bit for each hour that any meter has something for.
    pub any: u32,
    /// Position of the first and the last fact that changed anything here.
    pub changed: (u64, u64),
    pub hash: Option<[u8; 32]>,
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
    pub changed: (u64, u64),
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
            })
        });
        found.changed.1 = position;
        found
    }

    /// Days from a first to a last one, in order.
    pub fn days_within(&self, first: i64, last: i64) -> Vec<i64> {
        self.days.range(first..=last).map(|(day, _)| *day).collect()
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        self.days.clear();
    }
}
