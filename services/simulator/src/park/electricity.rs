//! Panels, turbines, stores and everything that uses electricity, node by node.
//!
//! In each interval: generation first serves the loads, then fills stores, then cars that need not be charged yet; the
//! rest is exported. What is missing comes from stores, then from cars whose owners allow it, then from the grid.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, AssetKind, AssetParameters, Interval, Measures, MeterId, ParkDefinition, Reports,
};

use super::cars::Chargers;
use super::fact::Fact;
use super::plan::{self, ElectricTree};
use super::register::Register;
use crate::calendar::LocalTime;
use crate::physics::battery::{Battery, BatteryTraits};
use crate::physics::heat;
use crate::physics::pv::{self, PvLosses};
use crate::physics::sky::{self, Plane, SkyModel};
use crate::physics::wind::{self, PowerCurve};
use crate::weather::WeatherStep;

/// Shading beyond that of PVWatts' defaults: panels of a park stand between trees. Calibrated, so that Haotian's 98 kW
/// yield the 112 MWh a year that were planned for them.
const PARK_SHADING: f64 = 0.13;
/// Power of crystalline silicon per K, of the module's rating (PVWatts version 5, standard module: -0.47 %; -0.35 % is
/// typical of today's). Assumed.
const GAMMA_PER_K: f64 = -0.0035;
/// Exponent of the wind profile at the edge of a city. Assumed.
const HELLMAN_EXPONENT: f64 = 0.22;

/// Where a meter's energy is counted.
pub type MeterIndex = usize;

/// A meter and what it has counted.
struct MeterCount {
    id: MeterId,
    reports: Reports,
    wraps_at_wh: Option<i64>,
    interval_wh: i64,
    total_wh: i64,
}

struct Generator {
    node: usize,
    meter: Option<MeterIndex>,
    register: Register,
    what: Generation,
}

enum Generation {
    Panels { plane: Plane, rated_w: f64 },
    Turbine { curve: PowerCurve, hub_m: f64 },
}

struct Store {
    id: AssetId,
    node: usize,
    charge_meter: Option<MeterIndex>,
    discharge_meter: Option<MeterIndex>,
    battery: Battery,
    charged_wh: i64,
    discharged_wh: i64,
    /// Into it in the last interval, negative out of it.
    net_wh: i64,
}

struct Load {
    node: usize,
    meter: Option<MeterIndex>,
    register: Register,
    rated_w: f64,
    what: LoadUse,
}

/// What decides how much a load uses.
enum LoadUse {
    Building {
        is_workplace: bool,
    },
    /// Goes with the water that is moved.
    IrrigationPump,
    ReclaimedPump,
    Shredder,
    /// Day and night.
    Steady,
    Lighting,
    Display,
    Chiller {
        cooling_w: f64,
        is_workplace: bool,
    },
    /// Index of the heat source that it drives.
    HeatPump {
        heat: usize,
    },
}

/// A heat pump or solar collectors that warm a building.
struct HeatSource {
    id: AssetId,
    register: Register,
    heat_wh: i64,
    what: HeatKind,
}

enum HeatKind {
    /// `solar` are collectors that serve the same building first.
    Pump {
        heat_w: f64,
        is_ground: bool,
        solar: Vec<usize>,
    },
    Collectors {
        area_m2: f64,
        plane: Plane,
    },
}

struct NodeMeters {
    import: Option<MeterIndex>,
    export: Option<MeterIndex>,
}

/// Energy of one node in one interval, Wh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeBalance {
    pub generated_wh: i64,
    pub imported_wh: i64,
    pub discharged_wh: i64,
    pub from_cars_wh: i64,
    pub used_wh: i64,
    pub to_cars_wh: i64,
    pub charged_wh: i64,
    pub exported_wh: i64,
}

impl NodeBalance {
    /// What comes in less what goes out: 0.
    pub fn open_wh(&self) -> i64 {
        self.generated_wh + self.imported_wh + self.discharged_wh + self.from_cars_wh
            - self.used_wh
            - self.to_cars_wh
            - self.charged_wh
            - self.exported_wh
    }
}

/// What other devices need electricity for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    pub irrigation_l: i64,
    pub reclaimed_l: i64,
    pub shredded_g: i64,
}

/// All electric devices of a park.
pub struct Electricity {
    nodes: Vec<NodeMeters>,
    meters: Vec<MeterCount>,
    generators: Vec<Generator>,
    stores: Vec<Store>,
    loads: Vec<Load>,
    heat: Vec<HeatSource>,
    /// Of each node in the last interval.
    pub balances: Vec<NodeBalance>,
    /// Energy lost in stores in the last interval, Wh.
    pub store_losses_wh: i64,
}

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
            heat: Vec::new(),
            balances: vec![NodeBalance::default(); park.nodes.len()],
            store_losses_wh: 0,
        };
        electricity.add_heat(park);
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

    fn add_heat(&mut self, park: &ParkDefinition) {
        use terrarium_model::{ConnectionKind, HeatSource as Source};
        for asset in plan::of_kind(park, AssetKind::SolarThermal) {
            let AssetParameters::SolarThermal {
                area_m2,
                tilt_deg,
                azimuth_deg,
            } = asset.parameters
            else {
                continue;
            };
            let plane = plane(tilt_deg, azimuth_deg);
            let what = HeatKind::Collectors {
                area_m2: area_m2 as f64,
                plane,
            };
            self.heat.push(heat_source(&asset.id, what));
        }
        for asset in plan::of_kind(park, AssetKind::HeatPump) {
            let AssetParameters::HeatPump {
                heat_w,
                heat_source: from,
            } = asset.parameters
            else {
                continue;
            };
            let served = plan::targets(park, ConnectionKind::Heat, &asset.id);
            let solar = (0..self.heat.len())
                .filter(|place| {
                    plan::targets(park, ConnectionKind::Heat, &self.heat[*place].id)
                        .iter()
                        .any(|target| served.iter().any(|building| building.id == target.id))
                })
                .filter(|place| matches!(self.heat[*place].what, HeatKind::Collectors { .. }))
                .collect();
            let what = HeatKind::Pump {
                heat_w: heat_w as f64,
                is_ground: from != Source::Air,
                solar,
            };
            self.heat.push(heat_source(&asset.id, what));
        }
    }

    fn add(
        &mut self,
        park: &ParkDefinition,
        asset: &terrarium_model::Asset,
        node: usize,
        meter: &dyn Fn(Measures) -> Option<MeterIndex>,
    ) {
        let rated_w = asset.rated_w.unwrap_or(0);
        let generator = |what| Generator {
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
                charged_wh: 0,
                discharged_wh: 0,
                net_wh: 0,
            }),
            _ => {
                if let Some(what) = self.load_use(park, asset) {
                    self.loads.push(Load {
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

    /// Loads have no kind of their own in a park definition, so pumps and shredders are known by their English names.
    fn load_use(&self, park: &ParkDefinition, asset: &terrarium_model::Asset) -> Option<LoadUse> {
        let name = asset.name.en.to_lowercase();
        let is_workplace = plan::is_workplace(park, asset);
        Some(match asset.kind {
            AssetKind::Building => LoadUse::Building { is_workplace },
            AssetKind::Load if name.contains("shredder") => LoadUse::Shredder,
            AssetKind::Load if name.contains("pump") && name.contains("irrigation") => {
                LoadUse::IrrigationPump
            }
            AssetKind::Load if name.contains("pump") => LoadUse::ReclaimedPump,
            AssetKind::Load => LoadUse::Steady,
            AssetKind::Lighting => LoadUse::Lighting,
            AssetKind::Display => LoadUse::Display,
            AssetKind::Chiller => {
                let AssetParameters::Chiller { cooling_w } = asset.parameters else {
                    return None;
                };
                LoadUse::Chiller {
                    cooling_w: cooling_w as f64,
                    is_workplace,
                }
            }
            AssetKind::HeatPump => LoadUse::HeatPump {
                heat: self.heat.iter().position(|source| source.id == asset.id)?,
            },
            _ => return None,
        })
    }

    /// Lets one interval pass.
    pub fn step(
        &mut self,
        weather: &WeatherStep,
        local: LocalTime,
        interval: Interval,
        work: Work,
        chargers: &mut Chargers,
        facts: &mut Vec<Fact>,
    ) {
        let hours = f64::from(interval.seconds) / 3_600.0;
        self.balances.fill(NodeBalance::default());
        self.generate(weather, hours);
        self.warm(weather, local, hours);
        self.use_power(weather, local, hours, work);
        for (node, node_wh, meter) in chargers.charge_what_must_be(interval) {
            self.balances[node].to_cars_wh += node_wh;
            self.count(meter, node_wh);
        }
        self.dispatch(interval, chargers);
        self.report(interval, facts);
    }

    fn generate(&mut self, weather: &WeatherStep, hours: f64) {
        // Many tables stand alike.
        let mut planes: Vec<(Plane, f64)> = Vec::new();
        for place in 0..self.generators.len() {
            let power_w = match &self.generators[place].what {
                Generation::Panels { plane, rated_w } => {
                    let known = planes.iter().find(|(known, _)| known == plane);
                    let in_plane = known.map(|(_, in_plane)| *in_plane).unwrap_or_else(|| {
                        let in_plane = irradiance_in(*plane, weather);
                        planes.push((*plane, in_plane));
                        in_plane
                    });
                    panels_w(in_plane, weather, *rated_w)
                }
                Generation::Turbine { curve, hub_m } => turbine_w(curve, *hub_m, weather),
            };
            let generator = &mut self.generators[place];
            let energy_wh = generator.register.take(power_w * hours);
            let (node, meter) = (generator.node, generator.meter);
            self.balances[node].generated_wh += energy_wh;
            self.count(meter, energy_wh);
        }
    }

    /// Collectors and heat pumps: the building's need of heat, the sun's part first.
    fn warm(&mut self, weather: &WeatherStep, local: LocalTime, hours: f64) {
        const WARM_TO_C: f64 = 18.0;
        const COLDEST_C: f64 = -10.0;
        const HOT_WATER_SHARE: f64 = 0.04;
        for place in 0..self.heat.len() {
            let heat_w = match &self.heat[place].what {
                HeatKind::Collectors { area_m2, plane } => {
                    let in_plane = irradiance_in(*plane, weather);
                    heat::flat_plate_w(*area_m2, in_plane, 45.0 - weather.air_c)
                }
                HeatKind::Pump { heat_w, solar, .. } => {
                    let cold = ((WARM_TO_C - weather.air_c) / (WARM_TO_C - COLDEST_C)).max(0.0);
                    let is_open = (7.0..21.0).contains(&local.hour());
                    let setback = if is_open { 1.0 } else { 0.6 };
                    let need_w = heat_w * (cold * setback + HOT_WATER_SHARE);
                    let from_sun_w: f64 = solar
                        .iter()
                        .map(|place| self.heat[*place].heat_wh as f64 / hours)
                        .sum();
                    (need_w - from_sun_w).clamp(0.0, *heat_w)
                }
            };
            let source = &mut self.heat[place];
            source.heat_wh = source.register.take(heat_w * hours);
        }
    }

    fn use_power(&mut self, weather: &WeatherStep, local: LocalTime, hours: f64, work: Work) {
        let is_dark = weather.sun.zenith_deg > 92.0;
        for place in 0..self.loads.len() {
            let load = &self.loads[place];
            let rated_w = load.rated_w;
            let power_w = match &load.what {
                LoadUse::Building { is_workplace } => {
                    rated_w * building_share(*is_workplace, local, weather.air_c)
                }
                // 0.5 Wh lift a litre by about 100 m at 55 % (assumed: drip and sprinkler lines).
                LoadUse::IrrigationPump => work.irrigation_l as f64 * 0.5 / hours,
                LoadUse::ReclaimedPump => work.reclaimed_l as f64 * 0.3 / hours,
                // 20 Wh a kg (assumed: 500 kg/h for 11 kW at nine tenths).
                LoadUse::Shredder => work.shredded_g as f64 / 1_000.0 * 20.0 / hours,
                LoadUse::Steady => 0.55 * rated_w,
                LoadUse::Lighting if !is_dark => 0.0,
                // Dimmed to a third from 23 to 5 o'clock.
                LoadUse::Lighting if local.hour() >= 23.0 || local.hour() < 5.0 => 0.33 * rated_w,
                LoadUse::Lighting => rated_w,
                LoadUse::Display if (7.0..21.0).contains(&local.hour()) => 0.45 * rated_w,
                LoadUse::Display => 0.02 * rated_w,
                LoadUse::Chiller {
                    cooling_w,
                    is_workplace,
                } => {
                    let open = opening(*is_workplace, local);
                    let warm = ((weather.air_c - 23.0) / 12.0).clamp(0.0, 1.0);
                    cooling_w * warm * open / heat::chiller_cop(weather.air_c)
                }
                LoadUse::HeatPump { heat: source } => {
                    let source = &self.heat[*source];
                    source.heat_wh as f64 / hours / source.coefficient_of_performance(weather.air_c)
                }
            };
            let load = &mut self.loads[place];
            let energy_wh = load.register.take(power_w.min(rated_w) * hours);
            let (node, meter) = (load.node, load.meter);
            self.balances[node].used_wh += energy_wh;
            self.count(meter, energy_wh);
        }
    }

    /// Stores, cars and the grid take what is over and give what is missing.
    fn dispatch(&mut self, interval: Interval, chargers: &mut Chargers) {
        self.store_losses_wh = 0;
        for node in 0..self.balances.len() {
            let mut over_wh = self.balances[node].open_wh();
            for place in 0..self.stores.len() {
                if self.stores[place].node == node {
                    over_wh -= self.use_store(place, over_wh, interval.seconds);
                }
            }
            if over_wh > 0 {
                for (taken_wh, meter) in chargers.take_surplus(node, over_wh, interval) {
                    self.balances[node].to_cars_wh += taken_wh;
                    self.count(meter, taken_wh);
                }
            } else if over_wh < 0 {
                for (given_wh, meter) in chargers.give(node, -over_wh, interval) {
                    self.balances[node].from_cars_wh += given_wh;
                    self.count(meter, given_wh);
                }
            }
            let rest_wh = self.balances[node].open_wh();
            self.balances[node].exported_wh = rest_wh.max(0);
            self.balances[node].imported_wh = (-rest_wh).max(0);
            self.count(self.nodes[node].export, rest_wh.max(0));
            self.count(self.nodes[node].import, (-rest_wh).max(0));
        }
    }

    /// How much of `over_wh` the store took (or gave, negative).
    fn use_store(&mut self, place: usize, over_wh: i64, seconds: u32) -> i64 {
        let store = &mut self.stores[place];
        let step = store.battery.step(over_wh, seconds);
        store.charged_wh += step.charged_wh;
        store.discharged_wh += step.discharged_wh;
        store.net_wh = step.charged_wh - step.discharged_wh;
        let (node, charge, discharge) = (store.node, store.charge_meter, store.discharge_meter);
        self.store_losses_wh += step.lost_wh;
        self.balances[node].charged_wh += step.charged_wh;
        self.balances[node].discharged_wh += step.discharged_wh;
        self.count(charge, step.charged_wh);
        self.count(discharge, step.discharged_wh);
        step.charged_wh - step.discharged_wh
    }

    fn count(&mut self, meter: Option<MeterIndex>, energy_wh: i64) {
        if let Some(meter) = meter {
            self.meters[meter].interval_wh += energy_wh;
        }
    }

    fn report(&mut self, interval: Interval, facts: &mut Vec<Fact>) {
        for meter in &mut self.meters {
            let energy_wh = std::mem::take(&mut meter.interval_wh);
            meter.total_wh += energy_wh;
            facts.push(match meter.reports {
                Reports::Interval => Fact::EnergyMetered {
                    meter: meter.id.clone(),
                    interval,
                    energy_wh,
                },
                Reports::Register => Fact::RegisterRead {
                    meter: meter.id.clone(),
                    at: interval.end(),
                    total_wh: meter
                        .wraps_at_wh
                        .map_or(meter.total_wh, |wrap| meter.total_wh % wrap),
                },
            });
        }
        for store in &self.stores {
            facts.push(Fact::StorageReported {
                storage: store.id.clone(),
                at: interval.end(),
                stored_wh: store.battery.stored_wh(),
                power_w: store.net_wh * 3_600 / i64::from(interval.seconds),
                charged_wh: store.charged_wh,
                discharged_wh: store.discharged_wh,
            });
        }
        for source in &self.heat {
            facts.push(Fact::HeatMetered {
                source: source.id.clone(),
                interval,
                heat_wh: source.heat_wh,
            });
        }
    }

    /// Wh in all stores.
    pub fn stored_wh(&self) -> i64 {
        self.stores
            .iter()
            .map(|store| store.battery.stored_wh())
            .sum()
    }
}

impl HeatSource {
    /// At the heating's temperature of 45 C; ground and water are as warm as the year, 12 C (assumed).
    fn coefficient_of_performance(&self, air_c: f64) -> f64 {
        match &self.what {
            HeatKind::Pump {
                is_ground: true, ..
            } => heat::ground_source_cop(45.0 - 12.0),
            _ => heat::air_source_cop(45.0 - air_c),
        }
    }
}

fn heat_source(id: &AssetId, what: HeatKind) -> HeatSource {
    HeatSource {
        id: id.clone(),
        register: Register::default(),
        heat_wh: 0,
        what,
    }
}

fn plane(tilt_deg: i32, azimuth_deg: i32) -> Plane {
    Plane {
        tilt_deg: f64::from(tilt_deg),
        azimuth_deg: f64::from(azimuth_deg),
    }
}

fn irradiance_in(plane: Plane, weather: &WeatherStep) -> f64 {
    if weather.sky.ghi <= 0.0 {
        return 0.0;
    }
    sky::in_plane(
        plane,
        weather.sun,
        weather.sky,
        weather.extraterrestrial,
        sky::URBAN_ALBEDO,
        SkyModel::Perez,
    )
}

fn panels_w(in_plane: f64, weather: &WeatherStep, rated_w: f64) -> f64 {
    let cell_c = pv::faiman_cell_c(in_plane, weather.air_c, weather.wind_m_s);
    let dc_w = pv::pvwatts_dc_w(in_plane, cell_c, rated_w, GAMMA_PER_K);
    let after_losses_w = dc_w * (1.0 - PvLosses::PVWATTS.share()) * (1.0 - PARK_SHADING);
    pv::pvwatts_inverter_w(after_losses_w, rated_w)
}

fn turbine_w(curve: &PowerCurve, hub_m: f64, weather: &WeatherStep) -> f64 {
    let at_hub = wind::power_law(weather.wind_m_s, 10.0, hub_m, HELLMAN_EXPONENT);
    let density = wind::hub_density(weather.pressure_pa, 0.0, hub_m, weather.air_c + 273.15);
    curve.power_at_density_w(at_hub, density)
}

/// How much of a building is open: 1 in the day, 0 at night, a quarter of a workplace at weekends.
fn opening(is_workplace: bool, local: LocalTime) -> f64 {
    let open = (7.0..20.0).contains(&local.hour());
    match (open, is_workplace && local.is_weekend()) {
        (false, _) => 0.0,
        (true, true) => 0.25,
        (true, false) => 1.0,
    }
}

/// Share of a building's rating that it uses: a base, people, and heating or cooling outside of 16 to 24 C. Assumed; that
/// of places of work is calibrated, so that Yizhuang makes about half of its electricity, as was published for 2020.
fn building_share(is_workplace: bool, local: LocalTime, air_c: f64) -> f64 {
    let (base, people) = if is_workplace {
        (0.20, 0.34)
    } else {
        (0.07, 0.15)
    };
    let beyond_k = (16.0 - air_c).max(air_c - 24.0).max(0.0);
    base + opening(is_workplace, local) * (people + 0.012 * beyond_k).min(0.6)
}
