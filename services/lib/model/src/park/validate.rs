use std::collections::{BTreeMap, BTreeSet};

use super::asset::AssetKind;
use super::check_alarms::{Watchable, build_alarms};
use super::definition::{
    Asset, Connection, ConnectionKind, ConnectionSource, Measures, Meter, Node, NodeMetering,
    ParkDefinition, Zone,
};
use super::parse::{Draft, DraftMeter, DraftPark};
use super::problem::{ParkErrors, Problems, nearest};
use super::published::build_published;
use super::references::{Places, check_id, note_wrong_references, resolve, unique};
use super::thermal::DraftNetworks;
use super::topology::{Reach, Topology, follow};
use crate::found::shown;
use crate::id::{AssetId, MeterId, ParkId, ZoneId};
use crate::time::TimeZone;

/// What the definition calls the public grid.
const GRID: &str = "grid";

/// Checks what the draft says as a whole, and makes the definition if nothing at all is wrong.
pub(super) fn validate(
    draft: &Draft,
    mut problems: Problems<'_>,
) -> Result<ParkDefinition, ParkErrors> {
    match build(draft, &mut problems) {
        Some(definition) if problems.is_empty() => Ok(definition),
        _ => {
            assert!(
                !problems.is_empty(),
                "a definition that can't be built has a problem"
            );
            Err(problems.into_errors())
        }
    }
}

/// Notes every problem before giving up on any.
fn build(draft: &Draft, problems: &mut Problems<'_>) -> Option<ParkDefinition> {
    let header = draft
        .park
        .as_ref()
        .and_then(|park| build_header(park, problems));

    let zone_ids = draft.zones.iter().map(|zone| zone.id.as_ref());
    let zone_places = unique("zones", zone_ids, ZoneId::new, problems);
    let asset_ids = draft.assets.iter().map(|asset| asset.id.as_ref());
    let asset_places = unique("assets", asset_ids, AssetId::new, problems);
    note_asset_named_grid(draft, problems);
    let meter_ids = draft.meters.iter().map(|meter| meter.id.as_ref());
    let meter_places = unique("meters", meter_ids, MeterId::new, problems);

    for zone in draft.assets.iter().filter_map(|asset| asset.zone.as_ref()) {
        resolve("zone", zone, &zone_places, problems);
    }
    note_wrong_references(draft, &asset_places, problems);
    let wiring = connect(draft, &asset_places, problems);
    note_cycles(draft, &wiring, problems);
    note_assets_of_two_nodes(draft, &wiring, problems);
    let networks = DraftNetworks::of(draft, &asset_places);
    let node_of_meter: Vec<Option<usize>> = draft
        .meters
        .iter()
        .map(|meter| match meter.measures.and_then(Measures::carrier) {
            Some(carrier) => networks.node_of_meter(meter, carrier, draft, &asset_places, problems),
            None => node_of_meter(meter, draft, &asset_places, &wiring, problems),
        })
        .collect();
    if draft.meters.is_empty() {
        let at = draft.park.as_ref().map_or(0, |park| park.at);
        problems.note(
            at,
            "the park has no meters",
            "write at least one [[meters]]",
        );
    }
    note_wrong_storage_meters(draft, &asset_places, problems);
    let metering = node_metering(draft, &wiring, &node_of_meter, problems);
    let watchable = Watchable {
        draft,
        assets: &asset_places,
        meters: &meter_places,
        nodes: &metering,
        networks: &networks,
    };
    let alarms = build_alarms(&watchable, problems);
    let published = build_published(&draft.published, &asset_places, problems);

    // From here on an absent value only means that its problem was noted above.
    let mut definition = header?;
    for zone in &draft.zones {
        let id = ZoneId::new(&zone.id.as_ref()?.value).ok()?;
        let name = zone.name.clone()?;
        let zone = Zone {
            id: id.clone(),
            name,
            outline: zone.outline.clone(),
        };
        definition.zones.insert(id, zone);
    }
    for asset in &draft.assets {
        let id = AssetId::new(&asset.id.as_ref()?.value).ok()?;
        let built = Asset {
            id: id.clone(),
            kind: asset.kind?,
            zone: ZoneId::new(&asset.zone.as_ref()?.value).ok()?,
            name: asset.name.clone()?,
            rated_w: asset.rated_w,
            parameters: asset.parameters.clone()?,
            place: asset.place,
            assumed: asset.assumed.clone(),
            source: asset.source.clone(),
        };
        definition.assets.insert(id, built);
    }
    for connection in &draft.connections {
        let from = connection.from.as_ref()?.value.as_str();
        definition.connections.push(Connection {
            kind: connection.kind?,
            from: match from {
                GRID => ConnectionSource::Grid,
                asset => ConnectionSource::Asset(AssetId::new(asset).ok()?),
            },
            to: AssetId::new(&connection.to.as_ref()?.value).ok()?,
            loss_w: connection.loss_w,
        });
    }
    let asset_id = |place: usize| AssetId::new(&draft.assets[place].id.as_ref()?.value).ok();
    for (place, metering) in metering {
        let asset = asset_id(place)?;
        let node = Node {
            asset: asset.clone(),
            metering: metering?,
            has_storage_meters: false,
            meters: Vec::new(),
        };
        definition.nodes.insert(asset, node);
    }
    definition.thermal_networks = networks.build(draft)?;
    for (meter, node) in draft.meters.iter().zip(node_of_meter) {
        let id = MeterId::new(&meter.id.as_ref()?.value).ok()?;
        let node = asset_id(node?)?;
        match meter.measures?.carrier() {
            Some(carrier) => {
                let network = definition
                    .thermal_networks
                    .get_mut(&(carrier, node.clone()))?;
                network.meters.push(id.clone());
            }
            None => {
                let of_node = definition.nodes.get_mut(&node)?;
                of_node.meters.push(id.clone());
                of_node.has_storage_meters |= is_of_storage(meter.measures?);
            }
        }
        let built = Meter {
            id: id.clone(),
            asset: AssetId::new(&meter.asset.as_ref()?.value).ok()?,
            node,
            measures: meter.measures?,
            reports: meter.reports?,
            rated_w: meter.rated_w?,
            accuracy: meter.accuracy,
            register_digits: meter.register_digits,
        };
        definition.meters.insert(id, built);
    }
    for node in definition.nodes.values_mut() {
        node.meters.sort();
    }
    for network in definition.thermal_networks.values_mut() {
        network.meters.sort();
    }
    definition.alarms = alarms?;
    definition.published = published?;
    definition.site = draft.site.clone();
    definition.paths = draft.paths.iter().cloned().collect::<Option<_>>()?;
    definition.waters = draft.waters.iter().cloned().collect::<Option<_>>()?;
    Some(definition)
}

/// The definition with its header and nothing else yet.
fn build_header(park: &DraftPark, problems: &mut Problems<'_>) -> Option<ParkDefinition> {
    let id = park
        .id
        .as_ref()
        .and_then(|id| check_id(id, ParkId::new, problems));
    let time_zone = park.time_zone.as_ref().and_then(|name| {
        let zone = TimeZone::named(&name.value);
        if zone.is_err() {
            let remedy = match nearest_time_zone(&name.value, problems) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "write a name such as \"Asia/Shanghai\", or \"Etc/GMT+8\" for a fixed UTC-8 (the sign is the \
                         other way round there)"
                    .to_owned(),
            };
            problems.note(name.at, format!("{} is no IANA time zone", shown(&name.value)), remedy);
        }
        zone.ok()
    });
    Some(ParkDefinition {
        id: id?,
        name: park.name.clone()?,
        time_zone: time_zone?,
        clock: park.clock?,
        grid_region: park.grid_region.as_ref()?.value.clone(),
        zones: BTreeMap::new(),
        assets: BTreeMap::new(),
        connections: Vec::new(),
        meters: BTreeMap::new(),
        nodes: BTreeMap::new(),
        thermal_networks: BTreeMap::new(),
        site: None,
        paths: Vec::new(),
        waters: Vec::new(),
        alarms: BTreeMap::new(),
        published: Vec::new(),
    })
}

fn nearest_time_zone(found: &str, problems: &Problems<'_>) -> Option<String> {
    if problems.is_full() {
        return None;
    }
    let names: Vec<String> = TimeZone::known_names();
    nearest(found, names.iter().map(String::as_str)).map(str::to_owned)
}

fn note_asset_named_grid(draft: &Draft, problems: &mut Problems<'_>) {
    let ids = draft.assets.iter().filter_map(|asset| asset.id.as_ref());
    for id in ids.filter(|id| id.value == GRID) {
        problems.note(
            id.at,
            "an asset is named \"grid\", which means the public grid",
            "rename it",
        );
    }
}

/// Connections by places of assets.
struct Wiring {
    nodes: BTreeSet<usize>,
    /// (from, to) of electric connections -> byte of the text.
    connection_at: BTreeMap<(usize, usize), usize>,
    topology: Topology,
    /// An end of a connection could not be resolved, so what is missing may just be that.
    is_incomplete: bool,
}

fn connect(draft: &Draft, assets: &Places<'_>, problems: &mut Problems<'_>) -> Wiring {
    let mut nodes = BTreeSet::new();
    let mut targets = vec![Vec::new(); draft.assets.len()];
    let mut connection_at = BTreeMap::new();
    let mut other_connections = BTreeSet::new();
    let mut is_incomplete = false;
    for connection in &draft.connections {
        let to = connection.to.as_ref().and_then(|to| {
            if to.value == GRID {
                problems.note(
                    to.at,
                    "a connection leads to \"grid\"",
                    "write it from the grid inwards: from = \"grid\", to = the asset",
                );
                return None;
            }
            resolve("asset", to, assets, problems)
        });
        let from_grid = connection
            .from
            .as_ref()
            .is_some_and(|from| from.value == GRID);
        let from = match &connection.from {
            Some(from) if !from_grid => resolve("asset", from, assets, problems),
            _ => None,
        };
        let other_kind = connection
            .kind
            .filter(|kind| *kind != ConnectionKind::Electric);
        if let (true, Some(kind)) = (from_grid, other_kind) {
            problems.note(
                connection.at,
                format!(
                    "a connection of kind \"{kind}\" starts at \"grid\", the public electric grid"
                ),
                "write the asset that it starts at, or kind = \"electric\"",
            );
            continue;
        }
        let is_new = match (to, from) {
            (Some(to), Some(from)) if other_kind.is_some() => {
                other_connections.insert((connection.kind, from, to))
            }
            (Some(to), None) if from_grid => nodes.insert(to),
            (Some(to), Some(from)) => {
                let is_new = connection_at.insert((from, to), connection.at).is_none();
                if is_new {
                    targets[from].push(to);
                }
                is_new
            }
            _ => {
                is_incomplete |= other_kind.is_none();
                true
            }
        };
        if !is_new {
            problems.note(
                connection.at,
                "this connection is written twice",
                "leave one out",
            );
        }
    }
    Wiring {
        topology: follow(&targets, &nodes),
        nodes,
        connection_at,
        is_incomplete,
    }
}

fn note_cycles(draft: &Draft, wiring: &Wiring, problems: &mut Problems<'_>) {
    for cycle in &wiring.topology.cycles {
        let round: Vec<usize> = cycle.iter().chain(cycle.first()).copied().collect();
        let names: Vec<&str> = round
            .iter()
            .map(|asset| asset_name(draft, *asset))
            .collect();
        let last_written = round
            .windows(2)
            .filter_map(|pair| wiring.connection_at.get(&(pair[0], pair[1])))
            .max();
        problems.note(
            last_written.copied().unwrap_or(0),
            format!("connections go in a circle: {}", names.join(" -> ")),
            "leave one of them out; each line leads one way, towards the asset that the grid connects to",
        );
    }
}

fn note_assets_of_two_nodes(draft: &Draft, wiring: &Wiring, problems: &mut Problems<'_>) {
    for (place, reach) in wiring.topology.reach.iter().enumerate() {
        let (Reach::Two(one, other), Some(id)) = (reach, &draft.assets[place].id) else {
            continue;
        };
        problems.note(
            id.at,
            format!(
                "asset {} belongs to two nodes, \"{}\" and \"{}\"",
                shown(&id.value),
                asset_name(draft, *one),
                asset_name(draft, *other)
            ),
            "leave one connection out, so that its energy counts once",
        );
    }
}

/// The place of the node that a meter counts in.
fn node_of_meter(
    meter: &DraftMeter,
    draft: &Draft,
    assets: &Places<'_>,
    wiring: &Wiring,
    problems: &mut Problems<'_>,
) -> Option<usize> {
    let asset = resolve("asset", meter.asset.as_ref()?, assets, problems)?;
    match wiring.topology.reach[asset] {
        Reach::One(node) => Some(node),
        Reach::None if !wiring.is_incomplete => {
            let meter_id = meter.id.as_ref()?;
            let asset_name = asset_name(draft, asset);
            problems.note(
                meter_id.at,
                format!(
                    "meter {} measures nothing: its asset \"{asset_name}\" is connected to no node",
                    shown(&meter_id.value)
                ),
                format!(
                    "write [[connections]] with kind = \"electric\", and from = \"grid\", to = \"{asset_name}\", or \
                     from = \"{asset_name}\", to = the building it feeds"
                ),
            );
            None
        }
        _ => None,
    }
}

fn is_of_storage(measures: Measures) -> bool {
    matches!(
        measures,
        Measures::StorageCharge | Measures::StorageDischarge
    )
}

/// A store is metered both ways or not at all: one way alone would make energy, or lose it.
fn note_wrong_storage_meters(draft: &Draft, assets: &Places<'_>, problems: &mut Problems<'_>) {
    let measured: BTreeSet<(&str, Measures)> = draft
        .meters
        .iter()
        .filter_map(|meter| Some((meter.asset.as_ref()?.value.as_str(), meter.measures?)))
        .collect();
    let has_unread = draft
        .meters
        .iter()
        .any(|meter| meter.asset.is_none() || meter.measures.is_none());
    for meter in &draft.meters {
        let (Some(id), Some(asset), Some(measures)) = (&meter.id, &meter.asset, meter.measures)
        else {
            continue;
        };
        if !is_of_storage(measures) {
            continue;
        }
        let kind = assets
            .place_of(&asset.value)
            .and_then(|place| draft.assets[place].kind);
        if let Some(kind) = kind
            && !matches!(kind, AssetKind::Battery | AssetKind::Charger)
        {
            problems.note(
                asset.at,
                format!(
                    "meter {} measures \"{measures}\" of an asset of kind \"{kind}\", which stores nothing",
                    shown(&id.value)
                ),
                "name an asset of kind \"battery\", or a bidirectional charger",
            );
        }
        let other = if measures == Measures::StorageCharge {
            Measures::StorageDischarge
        } else {
            Measures::StorageCharge
        };
        if !has_unread && !measured.contains(&(asset.value.as_str(), other)) {
            problems.note(
                id.at,
                format!(
                    "asset {} has its \"{measures}\" metered, but not its \"{other}\"",
                    shown(&asset.value)
                ),
                format!("write [[meters]] with measures = \"{other}\" on it too"),
            );
        }
    }
}

/// How each node is metered; noted as a problem when that is not enough for a balance.
fn node_metering(
    draft: &Draft,
    wiring: &Wiring,
    node_of_meter: &[Option<usize>],
    problems: &mut Problems<'_>,
) -> BTreeMap<usize, Option<NodeMetering>> {
    let mut metered: BTreeSet<(usize, Measures)> = BTreeSet::new();
    // A meter whose node or quantity could not be read may be the very one that a node seems to lack.
    let mut maybe_metered: BTreeSet<usize> = BTreeSet::new();
    for (meter, node) in draft.meters.iter().zip(node_of_meter) {
        match (meter.measures, node) {
            (Some(measures), Some(node)) => {
                metered.insert((*node, measures));
            }
            (None, Some(node)) => {
                maybe_metered.insert(*node);
            }
            (Some(Measures::Consumption | Measures::GridImport) | None, None) => {
                maybe_metered.extend(&wiring.nodes);
            }
            (Some(_), None) => {}
        }
    }
    let mut metering = BTreeMap::new();
    for node in &wiring.nodes {
        let has_consumption = metered.contains(&(*node, Measures::Consumption));
        let has_grid_import = metered.contains(&(*node, Measures::GridImport));
        let of_node = match (has_consumption, has_grid_import) {
            (true, true) => Some(NodeMetering::ConsumptionAndGrid),
            (true, false) => Some(NodeMetering::Consumption),
            (false, true) => Some(NodeMetering::Grid),
            (false, false) => None,
        };
        let is_known = of_node.is_some() || maybe_metered.contains(node) || wiring.is_incomplete;
        if let (false, Some(id)) = (is_known, &draft.assets[*node].id) {
            problems.note(
                id.at,
                format!("node {} has neither its consumption nor its grid import metered", shown(&id.value)),
                "write [[meters]] with measures = \"consumption\" or \"grid_import\" on it, or on an asset connected to it",
            );
        }
        metering.insert(*node, of_node);
    }
    metering
}

pub(super) fn asset_name(draft: &Draft, place: usize) -> &str {
    match &draft.assets[place].id {
        Some(id) => &id.value,
        None => "(an asset without id)",
    }
}
