//! Networks of heat and cold: what lines join, and which meters count in their balances. Works on places in a list, so that
//! drafts with bad ids can be followed too.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Carrier, Measures, ThermalLine, ThermalNetwork};
use super::parse::{Draft, DraftMeter};
use super::problem::Problems;
use super::references::{Places, resolve};
use super::validate::asset_name;
use crate::found::shown;
use crate::id::AssetId;

/// All networks of a draft.
pub(super) struct DraftNetworks {
    networks: Vec<DraftNetwork>,
    /// Carrier and asset -> network.
    of_asset: BTreeMap<(Carrier, usize), usize>,
}

struct DraftNetwork {
    carrier: Carrier,
    node: usize,
    /// From, to, loss.
    lines: Vec<(usize, usize, i64)>,
    sources: BTreeSet<usize>,
    users: BTreeSet<usize>,
    is_metered: bool,
}

impl DraftNetworks {
    /// Joins what lines join. Lines whose ends can't be found are noted elsewhere.
    pub(super) fn of(draft: &Draft, assets: &Places<'_>) -> DraftNetworks {
        let mut found = DraftNetworks {
            networks: Vec::new(),
            of_asset: BTreeMap::new(),
        };
        for carrier in [Carrier::Heat, Carrier::Cold] {
            let lines: Vec<(usize, usize, i64)> = draft
                .connections
                .iter()
                .filter(|connection| connection.kind == Some(carrier.connection()))
                .filter_map(|connection| {
                    let from = assets.place_of(&connection.from.as_ref()?.value)?;
                    let to = assets.place_of(&connection.to.as_ref()?.value)?;
                    Some((from, to, connection.loss_w))
                })
                .collect();
            for joined in join(&lines) {
                let number = found.networks.len();
                for asset in &joined {
                    found.of_asset.insert((carrier, *asset), number);
                }
                let lines = lines
                    .iter()
                    .filter(|(from, ..)| joined.contains(from))
                    .copied()
                    .collect();
                found
                    .networks
                    .push(DraftNetwork::new(carrier, &joined, lines, draft, assets));
            }
        }
        found
    }

    /// The place of the node that a meter of heat or cold counts in.
    pub(super) fn node_of_meter(
        &self,
        meter: &DraftMeter,
        carrier: Carrier,
        draft: &Draft,
        assets: &Places<'_>,
        problems: &mut Problems<'_>,
    ) -> Option<usize> {
        let asset = resolve("asset", meter.asset.as_ref()?, assets, problems)?;
        let (id, measures) = (meter.id.as_ref()?, meter.measures?);
        let name = asset_name(draft, asset);
        let Some(number) = self.of_asset.get(&(carrier, asset)) else {
            problems.note(
                id.at,
                format!(
                    "meter {} measures nothing: no line of {carrier} leads from or to its asset \"{name}\"",
                    shown(&id.value)
                ),
                format!("write [[connections]] with kind = \"{carrier}\", from the source of {carrier} to who uses it"),
            );
            return None;
        };
        let network = &self.networks[*number];
        let (fits, side) = match measures.is_thermal_supply() {
            true => (network.sources.contains(&asset), "begin"),
            false => (network.users.contains(&asset), "end"),
        };
        if !fits {
            problems.note(
                id.at,
                format!(
                    "meter {} measures \"{measures}\" of \"{name}\", where lines of {carrier} do not only {side}: its {carrier} \
                     would count twice or not at all",
                    shown(&id.value)
                ),
                "meter the supply of sources, where no line ends, and the use of users, where no line begins",
            );
            return None;
        }
        Some(network.node)
    }

    /// Whether an asset is the node of a network, and whether that can be balanced.
    pub(super) fn is_metered(&self, carrier: Carrier, node: usize) -> Option<bool> {
        let number = self.of_asset.get(&(carrier, node))?;
        let network = &self.networks[*number];
        (network.node == node).then_some(network.is_metered)
    }

    /// The networks, without their meters.
    pub(super) fn build(
        &self,
        draft: &Draft,
    ) -> Option<BTreeMap<(Carrier, AssetId), ThermalNetwork>> {
        let id = |place: usize| AssetId::new(&draft.assets[place].id.as_ref()?.value).ok();
        let ids = |places: &BTreeSet<usize>| -> Option<BTreeSet<AssetId>> {
            places.iter().map(|place| id(*place)).collect()
        };
        let mut built = BTreeMap::new();
        for network in &self.networks {
            let lines: Option<Vec<ThermalLine>> = network
                .lines
                .iter()
                .map(|(from, to, loss_w)| {
                    Some(ThermalLine {
                        from: id(*from)?,
                        to: id(*to)?,
                        loss_w: *loss_w,
                    })
                })
                .collect();
            let node = id(network.node)?;
            let thermal = ThermalNetwork {
                carrier: network.carrier,
                node: node.clone(),
                sources: ids(&network.sources)?,
                users: ids(&network.users)?,
                lines: lines?,
                meters: Vec::new(),
                is_metered: network.is_metered,
            };
            built.insert((network.carrier, node), thermal);
        }
        Some(built)
    }
}

impl DraftNetwork {
    fn new(
        carrier: Carrier,
        joined: &BTreeSet<usize>,
        lines: Vec<(usize, usize, i64)>,
        draft: &Draft,
        assets: &Places<'_>,
    ) -> DraftNetwork {
        let ends_at = |asset: usize| lines.iter().filter(|(_, to, _)| *to == asset).count();
        let begins_at = |asset: usize| lines.iter().filter(|(from, ..)| *from == asset).count();
        let meets = |asset: usize| {
            let id = Reverse(asset_name(draft, asset));
            (ends_at(asset) + begins_at(asset), ends_at(asset) > 0, id)
        };
        let node = joined.iter().copied().max_by_key(|asset| meets(*asset));
        let those = |is_one: &dyn Fn(usize) -> bool| -> BTreeSet<usize> {
            joined
                .iter()
                .copied()
                .filter(|asset| is_one(*asset))
                .collect()
        };
        let sources = those(&|asset| ends_at(asset) == 0);
        let users = those(&|asset| begins_at(asset) == 0);
        let measured: BTreeSet<(usize, Measures)> = draft
            .meters
            .iter()
            .filter_map(|meter| {
                let asset = assets.place_of(&meter.asset.as_ref()?.value)?;
                Some((asset, meter.measures?))
            })
            .collect();
        let (supply, consumed) = match carrier {
            Carrier::Heat => (Measures::HeatSupply, Measures::HeatUse),
            Carrier::Cold => (Measures::ColdSupply, Measures::ColdUse),
        };
        let all_have = |places: &BTreeSet<usize>, measures| {
            !places.is_empty()
                && places
                    .iter()
                    .all(|place| measured.contains(&(*place, measures)))
        };
        DraftNetwork {
            carrier,
            node: node.expect("a line joins two assets"),
            is_metered: all_have(&sources, supply) && all_have(&users, consumed),
            lines,
            sources,
            users,
        }
    }
}

/// Sets of what lines join, in the order of their first places.
fn join(lines: &[(usize, usize, i64)]) -> Vec<BTreeSet<usize>> {
    let mut sets: Vec<BTreeSet<usize>> = Vec::new();
    for (from, to, _) in lines {
        let mut joined = BTreeSet::from([*from, *to]);
        sets.retain(|set| {
            let touches = set.contains(from) || set.contains(to);
            if touches {
                joined.extend(set);
            }
            !touches
        });
        sets.push(joined);
    }
    sets.sort();
    sets
}
