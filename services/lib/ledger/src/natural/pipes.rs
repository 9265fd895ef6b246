//! Which tank a flow goes into and comes out of, by the park definition.

use std::collections::BTreeMap;

use terrarium_model::{
    Asset, AssetId, AssetKind, AssetParameters, ConnectionKind, ConnectionSource, ParkDefinition,
    WaterClass,
};

use super::account::{Network, TankPipe};
use super::tanks::DefinedTank;

/// A metered flow of water: through a pipe of a tank, or to a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Pipe(AssetId, TankPipe),
    User(AssetId, Network),
}

/// How water gets about in a park.
#[derive(Default)]
pub(super) struct Pipes {
    /// Tanks that users drink from: user and network -> tank.
    tank_of_user: BTreeMap<(AssetId, Network), AssetId>,
    /// Tanks that other tanks are filled from.
    filled_from: BTreeMap<AssetId, AssetId>,
}

impl Pipes {
    /// The pipes of a park. A fixture and a zone name their tank; a tank that holds no rain is filled from the first tank that
    /// a water connection leads from to it, else from a main.
    pub(super) fn of(park: &ParkDefinition) -> Pipes {
        let mut pipes = Pipes::default();
        for asset in park.assets.values() {
            match &asset.parameters {
                AssetParameters::Fixture {
                    tank: Some(tank), ..
                }
                | AssetParameters::IrrigationZone { tank, .. } => {
                    if let Some(network) = park.assets.get(tank.as_str()).and_then(network_of) {
                        pipes
                            .tank_of_user
                            .insert((asset.id.clone(), network), tank.clone());
                    }
                }
                AssetParameters::Tank { water, .. } if *water != WaterClass::Rain => {
                    if let Some(above) = tank_above(park, &asset.id) {
                        pipes.filled_from.insert(asset.id.clone(), above);
                    }
                }
                _ => {}
            }
        }
        pipes
    }

    /// What has to report of each tank: those who take from it, what runs into it, and what spills.
    pub(super) fn tanks(&self, park: &ParkDefinition) -> BTreeMap<AssetId, DefinedTank> {
        let mut tanks: BTreeMap<AssetId, DefinedTank> = BTreeMap::new();
        for asset in park.assets.values() {
            let Some(network) = network_of(asset) else {
                continue;
            };
            let runs_in = match network {
                Network::Rain => TankPipe::RainIn,
                Network::Reclaimed => TankPipe::ReclaimedIn,
                Network::Supply => TankPipe::SupplyIn,
            };
            let pipes = runs_in.bit() | TankPipe::SpillOut.bit();
            tanks.insert(asset.id.clone(), DefinedTank { takers: 0, pipes });
        }
        for tank in self.tank_of_user.values().chain(self.filled_from.values()) {
            tanks.entry(tank.clone()).or_default().takers += 1;
        }
        tanks
    }

    /// The tank that a flow runs into, if it does.
    pub(super) fn tank_it_fills<'a>(&'a self, channel: &'a Channel) -> Option<&'a AssetId> {
        match channel {
            Channel::Pipe(_, TankPipe::SpillOut) | Channel::User(..) => None,
            Channel::Pipe(tank, _) => Some(tank),
        }
    }

    /// The tank that a flow comes out of, if it does.
    pub(super) fn tank_it_drains<'a>(&'a self, channel: &'a Channel) -> Option<&'a AssetId> {
        match channel {
            Channel::Pipe(tank, TankPipe::SpillOut) => Some(tank),
            Channel::Pipe(tank, TankPipe::ReclaimedIn) => self.filled_from.get(tank),
            Channel::Pipe(..) => None,
            Channel::User(asset, network) => self.tank_of_user.get(&(asset.clone(), *network)),
        }
    }
}

fn network_of(tank: &Asset) -> Option<Network> {
    match tank.parameters {
        AssetParameters::Tank { water, .. } => Some(match water {
            WaterClass::Rain => Network::Rain,
            WaterClass::Reclaimed => Network::Reclaimed,
            WaterClass::Drinking => Network::Supply,
        }),
        _ => None,
    }
}

fn tank_above(park: &ParkDefinition, tank: &AssetId) -> Option<AssetId> {
    let leads_here = park
        .connections
        .iter()
        .filter(|connection| connection.kind == ConnectionKind::Water && connection.to == *tank);
    leads_here
        .filter_map(|connection| match &connection.from {
            ConnectionSource::Asset(from) => Some(from),
            ConnectionSource::Grid => None,
        })
        .find(|from| {
            let source = park.assets.get(from.as_str());
            source.is_some_and(|source| source.kind == AssetKind::Tank)
        })
        .cloned()
}
