//! From a park definition to electric devices.

use std::collections::BTreeMap;

use terrarium_model::{
    Asset, AssetId, AssetKind, AssetParameters, LoadRole, Measures, MeterId, ParkDefinition,
};

use super::thermal::Thermal;
use super::{
    AskedOfStore, Electricity, Generation, Generator, Load, LoadUse, MeterCount, MeterIndex,
    NodeBalance, NodeMeters, Store,
};
use crate::park::plan::{self, ElectricTree};
use crate::park::register::Register;
use crate::physics::battery::{Battery, BatteryTraits};
use crate::physics::sky::Plane;
use crate::physics::wind::PowerCurve;

impl Electricity {
    /// The devices of a park, and the place of each node and meter.
    pub fn new(
        park: &ParkDefinition,
    ) -> (
        Electricity,
        BTreeMap<AssetId, usize>,
        BTreeMap<MeterId, MeterIndex>,
    ) {
        let tree = ElectricTree::new(park);
        let node_places: BTreeMap<AssetId, usize> = park
            .nodes
            .keys()
            .enumerate()
            .map(|(place, node)| (node.clone(), place))
            .collect();
        let meter_places: BTreeMap<MeterId, MeterIndex> = park
            .meters
            .keys()
            .enumerate()
            .map(|(place, meter)| (meter.clone(), place))
            .collect();
        let meters = park
            .meters
            .values()
            .map(|meter| MeterCount {
                id: meter.id.clone(),
                reports: meter.reports,
                wraps_at_wh: meter.register_wraps_at_wh(),
                interval_wh: 0,
                total_wh: 0,
            })
            .collect();
        let nodes = park
            .nodes
            .keys()
            .map(|node| {
                let meter = |measures| tree.own_meter(node, measures).map(|id| meter_places[id]);
                NodeMeters {
                    import: meter(Measures::GridImport),
                    export: meter(Measures::GridExport),
                }
            })
            .collect();
        let mut electricity = Electricity {
            nodes,
            meters,
            generators: Vec::new(),
            stores: Vec::new(),
            loads: Vec::new(),
            balances: vec![NodeBalance::default(); park.nodes.len()],
            store_losses_wh: 0,
            thermal: Thermal::new(park, &meter_places),
        };
        for asset in park.assets.values() {
            let Some(node) = tree.node_of(&asset.id).map(|node| node_places[node]) else {
                continue;
            };
            let meter = |measures| {
                tree.meter_of(&asset.id, measures)
                    .map(|id| meter_places[id])
            };
            electricity.add(park, asset, node, &meter);
        }
        (electricity, node_places, meter_places)
    }

    fn add(
        &mut self,
        park: &ParkDefinition,
        asset: &Asset,
        node: usize,
        meter: &dyn Fn(Measures) -> Option<MeterIndex>,
    ) {
        let rated_w = asset.rated_w.unwrap_or(0);
        let generator = |what| Generator {
            id: asset.id.clone(),
            limit_w: None,
            node,
            meter: meter(Measures::Generation),
            register: Register::default(),
            what,
        };
        match &asset.parameters {
            AssetParameters::Pv {
                tilt_deg,
                azimuth_deg,
            } => {
                self.generators.push(generator(Generation::Panels {
                    plane: plane(*tilt_deg, *azimuth_deg),
                    rated_w: rated_w as f64,
                }));
            }
            AssetParameters::Wind {
                hub_height_m,
                rotor_m,
            } => {
                self.generators.push(generator(Generation::Turbine {
                    curve: PowerCurve::of_rotor(rated_w as f64, *rotor_m as f64),
                    hub_m: *hub_height_m as f64,
                }));
            }
            AssetParameters::Battery {
                capacity_wh,
                chemistry,
            } => self.stores.push(Store {
                id: asset.id.clone(),
                node,
                charge_meter: meter(Measures::StorageCharge),
                discharge_meter: meter(Measures::StorageDischarge),
                battery: Battery::new(BatteryTraits::of(*chemistry), *capacity_wh, rated_w),
                asked: AskedOfStore::default(),
                charged_wh: 0,
                discharged_wh: 0,
                net_wh: 0,
            }),
            _ => {
                if let Some(what) = self.load_use(park, asset) {
                    self.loads.push(Load {
                        id: asset.id.clone(),
                        limit_w: None,
                        node,
                        meter: meter(Measures::Consumption),
                        register: Register::default(),
                        rated_w: rated_w as f64,
                        what,
                    });
                }
            }
        }
    }

    fn load_use(&self, park: &ParkDefinition, asset: &Asset) -> Option<LoadUse> {
        let is_workplace = plan::is_workplace(park, asset);
        Some(match (asset.kind, &asset.parameters) {
            (AssetKind::Building, _) => LoadUse::Building { is_workplace },
            (_, AssetParameters::Load { role }) => match role {
                LoadRole::General => LoadUse::Steady,
                LoadRole::IrrigationPump => LoadUse::IrrigationPump,
                LoadRole::ReclaimedPump => LoadUse::ReclaimedPump,
                LoadRole::Shredder => LoadUse::Shredder,
            },
            (AssetKind::Lighting, _) => LoadUse::Lighting,
            (AssetKind::Display, _) => LoadUse::Display,
            (_, AssetParameters::Chiller { cooling_w }) => LoadUse::Chiller {
                source: self.thermal.source(&asset.id)?,
                cooling_w: *cooling_w as f64,
                is_workplace,
            },
            (AssetKind::HeatPump, _) => LoadUse::HeatPump {
                heat: self.thermal.source(&asset.id)?,
            },
            _ => return None,
        })
    }
}

pub(super) fn plane(tilt_deg: i32, azimuth_deg: i32) -> Plane {
    Plane {
        tilt_deg: f64::from(tilt_deg),
        azimuth_deg: f64::from(azimuth_deg),
    }
}
