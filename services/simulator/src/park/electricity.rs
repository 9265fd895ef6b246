//! Panels, turbines, stores and everything that uses electricity, node by node.
//!
//! In each interval: generation first serves the loads, then fills stores, then cars that need not be charged yet; the
//! rest is exported. What is missing comes from stores, then from cars whose owners allow it, then from the grid.

mod power;
mod thermal;
mod wiring;

use terrarium_model::{AssetId, Interval, MeterId, Reports};

use super::cars::Chargers;
use super::fact::Fact;
use super::orders::{Keep, Kept};
use super::register::Register;
use crate::calendar::LocalTime;
use crate::physics::battery::{Battery, energy_wh};
use crate::physics::heat;
use crate::physics::sky::Plane;
use crate::physics::wind::PowerCurve;
use crate::weather::WeatherStep;
use power::{building_share, irradiance_in, opening, panels_w, turbine_w};
pub use thermal::ThermalBalance;
use thermal::{PumpLimits, Thermal};

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
    id: AssetId,
    /// What it was asked to stay below.
    limit_w: Option<f64>,
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
    asked: AskedOfStore,
    charged_wh: i64,
    discharged_wh: i64,
    /// Into it in the last interval, negative out of it.
    net_wh: i64,
}

/// What a store was asked to keep.
#[derive(Clone, Copy, Default)]
struct AskedOfStore {
    charge_limit_w: Option<i64>,
    discharge_limit_w: Option<i64>,
    reserve_wh: i64,
    /// Above zero: into it.
    power_w: Option<i64>,
}

impl AskedOfStore {
    /// What it takes (below zero: gives) of what the node has over.
    fn of_surplus(&self, over_wh: i64, battery: &Battery, seconds: u32) -> i64 {
        let limit_wh = |limit_w: Option<i64>| {
            limit_w.map_or(i64::MAX, |limit_w| energy_wh(limit_w.max(0), seconds))
        };
        let wished_wh = self
            .power_w
            .map_or(over_wh, |power_w| energy_wh(power_w, seconds));
        let most_out_wh = limit_wh(self.discharge_limit_w).min(match self.reserve_wh {
            0 => i64::MAX,
            reserve_wh => battery.most_discharge_above_wh(reserve_wh, seconds),
        });
        wished_wh.clamp(-most_out_wh, limit_wh(self.charge_limit_w))
    }
}

struct Load {
    id: AssetId,
    /// What it was asked to stay below.
    limit_w: Option<f64>,
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
        /// Index of the source of cold.
        source: usize,
        cooling_w: f64,
        is_workplace: bool,
    },
    /// Index of the heat source that it drives.
    HeatPump {
        heat: usize,
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
    thermal: Thermal,
    /// Of each node in the last interval.
    pub balances: Vec<NodeBalance>,
    /// Energy lost in stores in the last interval, Wh.
    pub store_losses_wh: i64,
}

impl Electricity {
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
        let limits = self.pump_limits();
        self.thermal.warm(weather, local, hours, &limits);
        self.use_power(weather, local, hours, work);
        for (meter, energy_wh) in self.thermal.distribute(weather, hours) {
            self.count(Some(meter), energy_wh);
        }
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
            let power_w = power_w.min(generator.limit_w.unwrap_or(f64::INFINITY));
            let made_wh = generator.register.take(power_w * hours);
            let (node, meter) = (generator.node, generator.meter);
            self.balances[node].generated_wh += made_wh;
            self.count(meter, made_wh);
        }
    }

    /// The electric power that each heat pump may use, by its source.
    fn pump_limits(&self) -> PumpLimits {
        let pumps = self.loads.iter().filter_map(|load| match load.what {
            LoadUse::HeatPump { heat } => {
                let most_w = load.limit_w.unwrap_or(load.rated_w).min(load.rated_w);
                Some((heat, most_w))
            }
            _ => None,
        });
        pumps.collect()
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
                    ..
                } => {
                    let open = opening(*is_workplace, local);
                    let warm = ((weather.air_c - 23.0) / 12.0).clamp(0.0, 1.0);
                    cooling_w * warm * open / heat::chiller_cop(weather.air_c)
                }
                LoadUse::HeatPump { heat: source } => {
                    self.thermal.pump_w(*source, weather.air_c, hours)
                }
            };
            let load = &mut self.loads[place];
            let most_w = load.limit_w.map_or(rated_w, |limit_w| limit_w.min(rated_w));
            let power_w = power_w.min(most_w);
            if let LoadUse::Chiller { source, .. } = &load.what {
                let cold_w = power_w * heat::chiller_cop(weather.air_c);
                self.thermal.chill(*source, cold_w * hours);
            }
            let used_wh = load.register.take(power_w * hours);
            let (node, meter) = (load.node, load.meter);
            self.balances[node].used_wh += used_wh;
            self.count(meter, used_wh);
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
        let wished_wh = store.asked.of_surplus(over_wh, &store.battery, seconds);
        let step = store.battery.step(wished_wh, seconds);
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
        self.thermal.report(interval, facts);
    }

    /// A device keeps what it was asked to.
    pub fn follow(&mut self, kept: &Kept) {
        let value = kept.value;
        for load in self.loads.iter_mut().filter(|load| load.id == kept.device) {
            if kept.what == Keep::ConsumptionLimitW {
                load.limit_w = Some(value as f64);
            }
        }
        for generator in &mut self.generators {
            if kept.what == Keep::GenerationLimitW && generator.id == kept.device {
                generator.limit_w = Some(value as f64);
            }
        }
        for store in &mut self.stores {
            if store.id != kept.device {
                continue;
            }
            match kept.what {
                Keep::ChargeLimitW => store.asked.charge_limit_w = Some(value),
                Keep::DischargeLimitW => store.asked.discharge_limit_w = Some(value),
                Keep::ReserveWh => store.asked.reserve_wh = value,
                Keep::StoragePowerW => store.asked.power_w = Some(value),
                Keep::ConsumptionLimitW | Keep::GenerationLimitW | Keep::ChargePowerW => {}
            }
        }
    }

    /// Heat and cold of each network in the last interval.
    pub fn thermal_balances(&self) -> Vec<ThermalBalance> {
        self.thermal.balances()
    }

    /// Wh in all stores.
    pub fn stored_wh(&self) -> i64 {
        self.stores
            .iter()
            .map(|store| store.battery.stored_wh())
            .sum()
    }
}
