//! From a park definition to devices: who hangs on which node, and which meter counts whom.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::{
    Asset, AssetId, AssetKind, ConnectionKind, ConnectionSource, Measures, MeterId, ParkDefinition,
};

/// Electric lines, followed from each asset towards its node.
pub struct ElectricTree<'a> {
    park: &'a ParkDefinition,
    next: BTreeMap<&'a AssetId, &'a AssetId>,
    measured: BTreeMap<(&'a AssetId, Measures), &'a MeterId>,
}

impl<'a> ElectricTree<'a> {
    /// The lines of a park.
    pub fn new(park: &'a ParkDefinition) -> ElectricTree<'a> {
        let mut next = BTreeMap::new();
        for connection in &park.connections {
            if let (ConnectionKind::Electric, ConnectionSource::Asset(from)) =
                (connection.kind, &connection.from)
            {
                // Of several lines the first counts: all lead to one node.
                next.entry(from).or_insert(&connection.to);
            }
        }
        let measured = park
            .meters
            .values()
            .map(|meter| ((&meter.asset, meter.measures), &meter.id))
            .collect();
        ElectricTree {
            park,
            next,
            measured,
        }
    }

    /// The asset and everything on its way to the node.
    fn way(&self, asset: &'a AssetId) -> impl Iterator<Item = &'a AssetId> + '_ {
        std::iter::successors(Some(asset), |on_way| self.next.get(*on_way).copied())
    }

    /// The node whose balance the asset counts in.
    pub fn node_of(&self, asset: &'a AssetId) -> Option<&'a AssetId> {
        self.way(asset)
            .find(|on_way| self.park.nodes.contains_key(on_way.as_str()))
    }

    /// The meter that counts this flow of the asset: its own, or the next one on the way to the node.
    pub fn meter_of(&self, asset: &'a AssetId, measures: Measures) -> Option<&'a MeterId> {
        self.way(asset)
            .find_map(|on_way| self.measured.get(&(on_way, measures)).copied())
    }

    /// The meter of this flow right at the asset.
    pub fn own_meter(&self, asset: &'a AssetId, measures: Measures) -> Option<&'a MeterId> {
        self.measured.get(&(asset, measures)).copied()
    }
}

/// Where connections of one kind lead from an asset.
pub fn targets<'a>(
    park: &'a ParkDefinition,
    kind: ConnectionKind,
    from: &AssetId,
) -> Vec<&'a Asset> {
    park.connections
        .iter()
        .filter(|connection| {
            connection.kind == kind
                && matches!(&connection.from, ConnectionSource::Asset(source) if source == from)
        })
        .filter_map(|connection| park.assets.get(connection.to.as_str()))
        .collect()
}

/// Assets of one kind that connections of one kind lead from to an asset.
pub fn sources<'a>(park: &'a ParkDefinition, kind: ConnectionKind, to: &AssetId) -> Vec<&'a Asset> {
    park.connections
        .iter()
        .filter(|connection| connection.kind == kind && connection.to == *to)
        .filter_map(|connection| match &connection.from {
            ConnectionSource::Asset(source) => park.assets.get(source.as_str()),
            ConnectionSource::Grid => None,
        })
        .collect()
}

/// Assets of one kind, in the order of their ids.
pub fn of_kind(park: &ParkDefinition, kind: AssetKind) -> impl Iterator<Item = &Asset> {
    park.assets.values().filter(move |asset| asset.kind == kind)
}

/// Zones that are planted: ground that is irrigated or that trees stand on.
pub fn planted_zones(park: &ParkDefinition) -> BTreeSet<&str> {
    park.assets
        .values()
        .filter(|asset| matches!(asset.kind, AssetKind::IrrigationZone | AssetKind::TreeGroup))
        .map(|asset| asset.zone.as_str())
        .collect()
}

/// Ground of a zone in m2, where its outline is known.
pub fn zone_area_m2(park: &ParkDefinition, zone: &str) -> f64 {
    park.zones
        .get(zone)
        .and_then(|zone| zone.outline.as_ref())
        .map_or(0.0, |outline| outline.area_m2() as f64)
}

/// Roof of a building in m2; 200 where its size is not known (assumed).
pub fn roof_m2(building: &Asset) -> f64 {
    building
        .place
        .and_then(|place| place.size)
        .map_or(200.0, |size| {
            f64::from(size.width_cm) * f64::from(size.depth_cm) / 1e4
        })
}

/// A building from this rating on is a place of work: it rests at weekends, and water is used there all day. Assumed.
pub const WORKPLACE_FROM_W: i64 = 200_000;

/// Whether an asset is a place of work, or a part of one.
pub fn is_workplace(park: &ParkDefinition, asset: &Asset) -> bool {
    let is_large = |asset: &Asset| {
        asset.kind == AssetKind::Building && asset.rated_w.unwrap_or(0) >= WORKPLACE_FROM_W
    };
    is_large(asset)
        || targets(park, ConnectionKind::Water, &asset.id)
            .into_iter()
            .any(is_large)
        || targets(park, ConnectionKind::Heat, &asset.id)
            .into_iter()
            .any(is_large)
        || targets(park, ConnectionKind::Electric, &asset.id)
            .into_iter()
            .any(is_large)
}
