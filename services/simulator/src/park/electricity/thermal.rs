//! Heat and cold: what heat pumps, collectors and chillers give, what lines lose on the way, and what arrives.
//!
//! Heat pumps and collectors of a network give what its buildings need, the sun's part first; collectors stand still when
//! nobody takes more. A chiller gives what its electricity is worth. What does not get lost in the lines is used.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, AssetParameters, Carrier, HeatSource, Interval, Measures, MeterId, ParkDefinition,
    ThermalNetwork,
};

use super::MeterIndex;
use super::power::irradiance_in;
use super::wiring::plane;
use crate::calendar::LocalTime;
use crate::park::fact::Fact;
use crate::park::plan;
use crate::park::register::Register;
use crate::physics::heat;
use crate::physics::sky::Plane;
use crate::weather::WeatherStep;

/// Heat flows at this temperature. Assumed.
const HEATING_C: f64 = 45.0;
/// Ground and water are as warm as the year. Assumed.
const GROUND_C: f64 = 12.0;
/// Chilled water flows at this temperature, a usual design. Assumed.
const CHILLED_C: f64 = 7.0;
/// Air at which lines lose what the definition says: that of a heating season and of a cooling season. Assumed.
const USUAL_HEATING_AIR_C: f64 = 3.0;
const USUAL_COOLING_AIR_C: f64 = 29.0;

/// Electric power in W that heat pumps may use, by the index of their source.
pub(super) type PumpLimits = BTreeMap<usize, f64>;

/// All sources and networks of a park.
pub(super) struct Thermal {
    sources: Vec<Source>,
    networks: Vec<Network>,
}

struct Source {
    id: AssetId,
    what: SourceKind,
    register: Register,
    /// In the last interval.
    given_wh: i64,
    /// Index of its network.
    network: Option<usize>,
    meter: Option<MeterIndex>,
}

enum SourceKind {
    Pump { heat_w: f64, is_ground: bool },
    Collectors { area_m2: f64, plane: Plane },
    Chiller,
}

struct Network {
    carrier: Carrier,
    /// Source that each line begins at, if it is one, and W that it loses.
    lines: Vec<(Option<usize>, f64)>,
    /// Part of what arrives, cumulative up to 1, and the meter of each user.
    users: Vec<(f64, Option<MeterIndex>)>,
    losses: Register,
    balance: ThermalBalance,
}

/// Heat or cold of one network in one interval, Wh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThermalBalance {
    pub given_wh: i64,
    pub lost_wh: i64,
    pub used_wh: i64,
}

impl ThermalBalance {
    /// What comes in less what goes out: 0.
    pub fn open_wh(&self) -> i64 {
        self.given_wh - self.lost_wh - self.used_wh
    }
}

impl Thermal {
    /// The sources of a park and its networks.
    pub(super) fn new(park: &ParkDefinition, meters: &BTreeMap<MeterId, MeterIndex>) -> Thermal {
        let mut thermal = Thermal {
            sources: Vec::new(),
            networks: Vec::new(),
        };
        for asset in park.assets.values() {
            let what = match asset.parameters {
                AssetParameters::SolarThermal {
                    area_m2,
                    tilt_deg,
                    azimuth_deg,
                } => SourceKind::Collectors {
                    area_m2: area_m2 as f64,
                    plane: plane(tilt_deg, azimuth_deg),
                },
                AssetParameters::HeatPump {
                    heat_w,
                    heat_source,
                } => SourceKind::Pump {
                    heat_w: heat_w as f64,
                    is_ground: heat_source != HeatSource::Air,
                },
                AssetParameters::Chiller { .. } => SourceKind::Chiller,
                _ => continue,
            };
            let measures = match what {
                SourceKind::Chiller => Measures::ColdSupply,
                SourceKind::Pump { .. } | SourceKind::Collectors { .. } => Measures::HeatSupply,
            };
            thermal.sources.push(Source {
                id: asset.id.clone(),
                what,
                register: Register::default(),
                given_wh: 0,
                network: None,
                meter: meter_of(park, meters, &asset.id, measures),
            });
        }
        for network in park.thermal_networks.values() {
            thermal.add(park, network, meters);
        }
        thermal
    }

    fn add(
        &mut self,
        park: &ParkDefinition,
        network: &ThermalNetwork,
        meters: &BTreeMap<MeterId, MeterIndex>,
    ) {
        let number = self.networks.len();
        for source in &mut self.sources {
            let gives = match source.what {
                SourceKind::Chiller => Carrier::Cold,
                SourceKind::Pump { .. } | SourceKind::Collectors { .. } => Carrier::Heat,
            };
            if gives == network.carrier && network.sources.contains(&source.id) {
                source.network = Some(number);
            }
        }
        let measures = match network.carrier {
            Carrier::Heat => Measures::HeatUse,
            Carrier::Cold => Measures::ColdUse,
        };
        // Users share what arrives by the ground that they stand on.
        let ground_m2 = |user: &AssetId| plan::roof_m2(&park.assets[user.as_str()]);
        let all_m2: f64 = network.users.iter().map(ground_m2).sum();
        let mut up_to = 0.0;
        let users = network.users.iter().map(|user| {
            up_to += ground_m2(user) / all_m2;
            (up_to, meter_of(park, meters, user, measures))
        });
        let lines = network.lines.iter().map(|line| {
            let source = self.source(&line.from);
            (source, line.loss_w as f64)
        });
        self.networks.push(Network {
            carrier: network.carrier,
            users: users.collect(),
            lines: lines.collect(),
            losses: Register::default(),
            balance: ThermalBalance::default(),
        });
    }

    /// The index of a source.
    pub(super) fn source(&self, asset: &AssetId) -> Option<usize> {
        self.sources.iter().position(|source| source.id == *asset)
    }

    /// Collectors and heat pumps: the need of heat, the sun's part first.
    pub(super) fn warm(
        &mut self,
        weather: &WeatherStep,
        local: LocalTime,
        hours: f64,
        limits: &PumpLimits,
    ) {
        let needs_w: Vec<f64> = self
            .sources
            .iter()
            .map(|source| need_w(source, weather.air_c, local))
            .collect();
        let mut from_sun_w = vec![0.0; self.networks.len()];
        for place in 0..self.sources.len() {
            let SourceKind::Collectors { area_m2, plane } = self.sources[place].what else {
                continue;
            };
            let in_plane = irradiance_in(plane, weather);
            let could_w = heat::flat_plate_w(area_m2, in_plane, HEATING_C - weather.air_c);
            let network = self.sources[place].network;
            let taken_w = match network {
                // Without a heat pump beside them nobody knows the need.
                Some(network) if self.has_pump(network) => {
                    let need_w = self.need_of(network, &needs_w);
                    could_w.min((need_w - from_sun_w[network]).max(0.0))
                }
                _ => could_w,
            };
            if let Some(network) = network {
                from_sun_w[network] += taken_w;
            }
            self.sources[place].give(taken_w * hours);
        }
        for (place, need_w) in needs_w.iter().copied().enumerate() {
            let source = &self.sources[place];
            let SourceKind::Pump { heat_w, .. } = source.what else {
                continue;
            };
            // Of what the sun gives to a network, each of its heat pumps is spared its part of the need.
            let spared_w = source.network.map_or(0.0, |network| {
                let part = need_w / self.need_of(network, &needs_w);
                from_sun_w[network] * if part.is_finite() { part } else { 0.0 }
            });
            let most_w = limits.get(&place).map_or(f64::INFINITY, |electric_w| {
                electric_w * source.coefficient_of_performance(weather.air_c)
            });
            let pumped_w = (need_w - spared_w).clamp(0.0, heat_w).min(most_w);
            self.sources[place].give(pumped_w * hours);
        }
    }

    fn has_pump(&self, network: usize) -> bool {
        self.sources.iter().any(|source| {
            source.network == Some(network) && matches!(source.what, SourceKind::Pump { .. })
        })
    }

    fn need_of(&self, network: usize, needs_w: &[f64]) -> f64 {
        let sources = self.sources.iter().zip(needs_w);
        sources
            .filter(|(source, _)| source.network == Some(network))
            .map(|(_, need_w)| need_w)
            .sum()
    }

    /// The electric power of a heat pump in W that its heat takes.
    pub(super) fn pump_w(&self, source: usize, air_c: f64, hours: f64) -> f64 {
        let source = &self.sources[source];
        source.given_wh as f64 / hours / source.coefficient_of_performance(air_c)
    }

    /// A chiller gave so much cold.
    pub(super) fn chill(&mut self, source: usize, cold_wh: f64) {
        self.sources[source].give(cold_wh);
    }

    /// What was given gets lost or arrives. Gives what each meter counts.
    pub(super) fn distribute(
        &mut self,
        weather: &WeatherStep,
        hours: f64,
    ) -> Vec<(MeterIndex, i64)> {
        let mut counted = Vec::new();
        for source in &self.sources {
            counted.extend(source.meter.map(|meter| (meter, source.given_wh)));
        }
        for (number, network) in self.networks.iter_mut().enumerate() {
            let of_network = self
                .sources
                .iter()
                .filter(|source| source.network == Some(number));
            let given_wh: i64 = of_network.map(|source| source.given_wh).sum();
            let loss_w: f64 = network
                .lines
                .iter()
                .filter(|(source, _)| {
                    source.map_or(given_wh, |source| self.sources[source].given_wh) > 0
                })
                .map(|(_, loss_w)| loss_w)
                .sum();
            let lost = loss_w * hours * network.usual_share(weather.air_c);
            let lost_wh = network.losses.take(lost).min(given_wh);
            let used_wh = given_wh - lost_wh;
            network.balance = ThermalBalance {
                given_wh,
                lost_wh,
                used_wh,
            };
            let mut before_wh = 0;
            for (place, (up_to, meter)) in network.users.iter().enumerate() {
                let is_last = place + 1 == network.users.len();
                let up_to_wh = match is_last {
                    true => used_wh,
                    false => (used_wh as f64 * up_to).floor() as i64,
                };
                counted.extend(meter.map(|meter| (meter, up_to_wh - before_wh)));
                before_wh = up_to_wh;
            }
        }
        counted
    }

    /// Sources of heat report themselves what they give.
    pub(super) fn report(&self, interval: Interval, facts: &mut Vec<Fact>) {
        for source in &self.sources {
            if !matches!(source.what, SourceKind::Chiller) {
                facts.push(Fact::HeatMetered {
                    source: source.id.clone(),
                    interval,
                    heat_wh: source.given_wh,
                });
            }
        }
    }

    /// Of each network in the last interval.
    pub(super) fn balances(&self) -> Vec<ThermalBalance> {
        self.networks
            .iter()
            .map(|network| network.balance)
            .collect()
    }
}

impl Source {
    fn give(&mut self, wh: f64) {
        self.given_wh = self.register.take(wh);
    }

    fn coefficient_of_performance(&self, air_c: f64) -> f64 {
        match self.what {
            SourceKind::Pump {
                is_ground: true, ..
            } => heat::ground_source_cop(HEATING_C - GROUND_C),
            _ => heat::air_source_cop(HEATING_C - air_c),
        }
    }
}

impl Network {
    /// What its lines lose at an air's temperature, of what they usually do.
    fn usual_share(&self, air_c: f64) -> f64 {
        let share = match self.carrier {
            Carrier::Heat => (HEATING_C - air_c) / (HEATING_C - USUAL_HEATING_AIR_C),
            Carrier::Cold => (air_c - CHILLED_C) / (USUAL_COOLING_AIR_C - CHILLED_C),
        };
        share.max(0.0)
    }
}

/// What a heat pump's buildings need, W: heating below 18 C, in full at -10 C, and hot water. Assumed.
fn need_w(source: &Source, air_c: f64, local: LocalTime) -> f64 {
    const WARM_TO_C: f64 = 18.0;
    const COLDEST_C: f64 = -10.0;
    const HOT_WATER_SHARE: f64 = 0.04;
    let SourceKind::Pump { heat_w, .. } = source.what else {
        return 0.0;
    };
    let cold = ((WARM_TO_C - air_c) / (WARM_TO_C - COLDEST_C)).max(0.0);
    let is_open = (7.0..21.0).contains(&local.hour());
    let setback = if is_open { 1.0 } else { 0.6 };
    heat_w * (cold * setback + HOT_WATER_SHARE)
}

fn meter_of(
    park: &ParkDefinition,
    meters: &BTreeMap<MeterId, MeterIndex>,
    asset: &AssetId,
    measures: Measures,
) -> Option<MeterIndex> {
    let found = park
        .meters
        .values()
        .find(|meter| meter.asset == *asset && meter.measures == measures)?;
    meters.get(&found.id).copied()
}

#[cfg(test)]
mod tests;
