//! A definition, laid out for speed: which meters a node has, by number.

use std::sync::Arc;

use terrarium_model::{AssetId, Measures, MeterId, NodeMetering, ParkDefinition, UnixSeconds};

use super::meter_book::{MeterBook, Sight};
use crate::carbon::attribution::grid_regions;
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

impl LaidNode {
    /// Whether what it does in an hour depends on what its stores took in before.
    pub fn has_stores(&self) -> bool {
        let mut measures = self.meters.iter().map(|(_, measures)| measures);
        measures.any(|measures| {
            matches!(
                measures,
                Measures::StorageCharge | Measures::StorageDischarge
            )
        })
    }
}

/// A version of the park's definition.
pub(crate) struct Defined {
    pub definition: Arc<ParkDefinition>,
    pub sha256: [u8; 32],
    pub origin: Origin,
    /// In the order of their assets.
    pub nodes: Vec<LaidNode>,
    /// Regions whose factors price its electricity, best first.
    pub regions: Vec<String>,
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
            regions: grid_regions(&definition),
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

    /// Event that published what prices an hour.
    pub fn winner(
        &self,
        factors: &FactorBook,
        kind: FactorKind,
        hour_start: UnixSeconds,
    ) -> Option<Origin> {
        self.regions
            .iter()
            .find_map(|region| factors.winner(region, kind, hour_start))
    }

    fn price(
        &self,
        amounts: &HourAmounts,
        hour_start: UnixSeconds,
        factors: &FactorBook,
        sight: Sight,
    ) -> Pricing {
        let value = |kind| {
            self.regions
                .iter()
                .find_map(|region| factors.value(region, kind, hour_start, sight.known_at))
        };
        NodeHour::price(
            amounts,
            || value(FactorKind::GridAverage),
            || value(FactorKind::GridMarginal).or_else(|| value(FactorKind::GridAverage)),
        )
    }
}
