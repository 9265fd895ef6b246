//! All devices of a park, interval by interval.

use terrarium_model::{AssetId, AssetKind, Interval, ParkDefinition, TimeZone, UnixSeconds};
use thiserror::Error;

use super::cars::Chargers;
use super::composting::{CompostBalance, Composting};
use super::electricity::{Electricity, NodeBalance, ThermalBalance, Work};
use super::fact::Fact;
use super::fleet::Fleet;
use super::groves::Groves;
use super::orders::{Kept, Orders};
use super::plan;
use super::waste::{Waste, WasteBalance};
use super::water::{Irrigation, Water, WaterBalance};
use crate::calendar::{Date, LocalTime};
use crate::chance::Chance;
use crate::physics::visits;
use crate::weather::{Location, Weather, WeatherStep};

/// What a run may choose.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    pub seed: u64,
    pub start: UnixSeconds,
    /// 60 to 3,600 and a part of an hour.
    pub interval_s: u32,
    /// Of a mean day.
    pub visitors_per_day: f64,
    /// When the trees were planted.
    pub trees_planted_on: UnixSeconds,
    /// Share of trees that die in a year once they have settled.
    pub tree_mortality: f64,
}

impl SimulationOptions {
    /// Haotian's published 1,000 visitors a day and April 2022; mortality is assumed.
    pub fn new(seed: u64, start: UnixSeconds, interval_s: u32) -> SimulationOptions {
        let opening = Date {
            year: 2022,
            month: 4,
            day: 1,
        };
        SimulationOptions {
            seed,
            start,
            interval_s,
            visitors_per_day: 1_000.0,
            trees_planted_on: UnixSeconds(opening.day_number() * 86_400),
            tree_mortality: 0.015,
        }
    }
}

/// Why a park can't be simulated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SimulationError {
    #[error(
        "park {0} has no [site] with latitude and longitude, so its sun is not known; add them to its definition"
    )]
    NoSite(String),
    #[error(
        "{0} s is no interval to simulate in: choose one of 60 to 3600 s that divides an hour, such as 15m"
    )]
    BadInterval(u32),
    #[error(
        "the run would begin at {0}, which is not the start of an interval; choose a full hour"
    )]
    BadStart(UnixSeconds),
}

/// One interval and what was reported in it, in the order in which it happened for each device.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub interval: Interval,
    pub facts: Vec<Fact>,
}

/// What flowed in the last interval. Each part adds up to nothing left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    pub nodes: Vec<NodeBalance>,
    pub stored_wh: i64,
    pub store_losses_wh: i64,
    /// Of each network of heat or cold.
    pub thermal: Vec<ThermalBalance>,
    pub water: WaterBalance,
    pub stored_l: i64,
    pub waste: WasteBalance,
    pub binned_g: i64,
    pub compost: CompostBalance,
    pub heaped_g: i64,
    /// In the batteries of the park's own vehicles, what they got and what they drove off, Wh.
    pub in_fleet_wh: i64,
    pub to_fleet_wh: i64,
    pub driven_wh: i64,
}

/// People in the park.
struct Visitors {
    counters: Vec<AssetId>,
    mean_per_day: f64,
    present: i64,
}

/// A park's devices, stepped together.
pub struct ParkSimulation {
    seed: u64,
    time_zone: TimeZone,
    weather: Weather,
    next: UnixSeconds,
    interval_s: u32,
    stations: Vec<AssetId>,
    visitors: Visitors,
    chargers: Chargers,
    fleet: Fleet,
    orders: Orders,
    electricity: Electricity,
    water: Water,
    waste: Waste,
    composting: Composting,
    groves: Groves,
}

impl ParkSimulation {
    /// The devices of a park under a weather.
    pub fn new(
        park: &ParkDefinition,
        weather: Weather,
        options: &SimulationOptions,
    ) -> Result<ParkSimulation, SimulationError> {
        let site = park
            .site
            .as_ref()
            .ok_or_else(|| SimulationError::NoSite(park.id.to_string()))?;
        let interval_s = options.interval_s;
        if !(60..=3_600).contains(&interval_s) || 3_600 % interval_s != 0 {
            return Err(SimulationError::BadInterval(interval_s));
        }
        if options.start.0.rem_euclid(i64::from(interval_s)) != 0 {
            return Err(SimulationError::BadStart(options.start));
        }
        let location = Location::of_site(site, park.time_zone.clone());
        let (electricity, nodes, meters) = Electricity::new(park);
        let ids = |kind| {
            plan::of_kind(park, kind)
                .map(|asset| asset.id.clone())
                .collect()
        };
        Ok(ParkSimulation {
            seed: options.seed,
            time_zone: park.time_zone.clone(),
            weather,
            next: options.start,
            interval_s,
            stations: ids(AssetKind::WeatherStation),
            visitors: Visitors {
                counters: ids(AssetKind::EntranceCounter),
                mean_per_day: options.visitors_per_day,
                present: 0,
            },
            chargers: Chargers::new(park, options.seed, &nodes, &meters),
            fleet: Fleet::new(park, options.seed),
            orders: Orders::default(),
            electricity,
            water: Water::new(park, location, options.seed),
            waste: Waste::new(park, options.seed),
            composting: Composting::new(park, options.seed),
            groves: Groves::new(
                park,
                options.seed,
                options.trees_planted_on,
                options.tree_mortality,
            ),
        })
    }

    /// When the next interval begins.
    pub fn next_start(&self) -> UnixSeconds {
        self.next
    }

    /// Length of an interval.
    pub fn interval_s(&self) -> u32 {
        self.interval_s
    }

    /// Lets the next interval pass.
    pub fn step(&mut self) -> Step {
        let interval = Interval {
            start: self.next,
            seconds: self.interval_s,
        };
        self.next = interval.end();
        for kept in self.orders.begin_step(interval.start, interval.seconds) {
            self.chargers.follow(&kept);
            self.electricity.follow(&kept);
        }
        let local = LocalTime::of(interval.start, &self.time_zone);
        let weather = self.weather.step(interval.start, interval.seconds);
        let mut facts = Vec::with_capacity(128);
        self.observe(&weather, interval, &mut facts);
        let entered = self.let_visitors_in(&weather, local, interval, &mut facts);
        self.water
            .step(&weather, local, interval, entered, &mut facts);
        self.waste.step(local, interval, entered, &mut facts);
        self.composting
            .step(local, interval, weather.air_c, &mut facts);
        self.groves.step(local, interval, &mut facts);
        self.chargers.arrive(local, interval, &mut facts);
        let present = self.visitors.present;
        self.fleet
            .step(local, interval, present, &mut self.chargers, &mut facts);
        let work = Work {
            irrigation_l: self.water.irrigation_l(),
            reclaimed_l: self.water.reclaimed_moved_l,
            shredded_g: self.composting.balance.fed_g,
        };
        self.electricity.step(
            &weather,
            local,
            interval,
            work,
            &mut self.chargers,
            &mut facts,
        );
        self.chargers.report(interval, &mut facts);
        Step { interval, facts }
    }

    /// The seed of everything that happens by chance.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A device keeps something that it was asked for.
    pub fn keep(&mut self, kept: Kept) {
        self.orders.keep(kept);
    }

    /// People were asked by somebody else than the simulated crew's own planning to empty bins.
    pub fn order_collection(&mut self, collection: &str, bins: &[AssetId], ordered: UnixSeconds) {
        self.waste.order(collection, bins, ordered);
    }

    /// An irrigation is on record as started: somebody else than the simulated controller opened a zone's valve, or what the
    /// controller itself began was not refused. Starts and ends are told in the order of the record.
    pub fn irrigation_started(&mut self, irrigation: Irrigation, litres: i64) {
        self.water.irrigation_started(irrigation, litres);
    }

    /// That an irrigation has ended is on record since `at`.
    pub fn irrigation_ended(&mut self, irrigation: Irrigation, at: UnixSeconds) {
        self.water.irrigation_ended(irrigation, at);
    }

    /// What flowed in the last interval.
    pub fn balance(&self) -> Balance {
        Balance {
            nodes: self.electricity.balances.clone(),
            stored_wh: self.electricity.stored_wh(),
            store_losses_wh: self.electricity.store_losses_wh,
            thermal: self.electricity.thermal_balances(),
            water: self.water.balance,
            stored_l: self.water.stored_l(),
            waste: self.waste.balance,
            binned_g: self.waste.held_g(),
            compost: self.composting.balance,
            heaped_g: self.composting.held_g(),
            in_fleet_wh: self.fleet.stored_wh(),
            to_fleet_wh: self.fleet.charged_wh,
            driven_wh: self.fleet.driven_wh,
        }
    }

    /// Trees that live, and the CO2 that they hold now in g.
    pub fn trees(&self) -> (i64, i64) {
        (self.groves.living(), self.groves.co2_g(self.next))
    }

    fn observe(&self, weather: &WeatherStep, interval: Interval, facts: &mut Vec<Fact>) {
        let per_hour = 3_600.0 / f64::from(interval.seconds);
        for station in &self.stations {
            facts.push(Fact::WeatherObserved {
                station: station.clone(),
                interval,
                air_mc: (weather.air_c * 1_000.0).round() as i32,
                irradiance_w_per_m2: weather.sky.ghi.round() as u32,
                wind_mm_per_s: (weather.wind_m_s * 1_000.0).round() as u32,
                rain_um_per_h: (weather.rain_mm * 1_000.0 * per_hour).round() as u32,
                cloud_permille: (weather.cloud * 1_000.0).round() as u32,
            });
        }
    }

    /// How many came in.
    fn let_visitors_in(
        &mut self,
        weather: &WeatherStep,
        local: LocalTime,
        interval: Interval,
        facts: &mut Vec<Fact>,
    ) -> i64 {
        /// They stay for a mean of an hour and a half (assumed), and the park closes at 22 o'clock.
        const STAY_S: f64 = 5_400.0;
        const CLOSING_HOUR: f64 = 22.0;
        let hours = f64::from(interval.seconds) / 3_600.0;
        let expected = visits::expected_per_hour(
            self.visitors.mean_per_day,
            local.hour() as usize,
            local.is_weekend(),
            weather.air_c,
            weather.rain_mm / hours,
        ) * hours;
        let mut chance = Chance::of(self.seed, "entrance", interval.start.0, "visitors");
        let entered = chance.poisson(expected);
        let is_closed = local.hour() >= CLOSING_HOUR || local.hour() < 4.0;
        let leave_share = 1.0 - (-f64::from(interval.seconds) / STAY_S).exp();
        let left = if is_closed {
            self.visitors.present
        } else {
            (self.visitors.present as f64 * leave_share).round() as i64
        };
        self.visitors.present += entered - left;
        // Of several entrances each takes an even share.
        let counters = self.visitors.counters.len() as i64;
        for (place, counter) in self.visitors.counters.iter().enumerate() {
            let share = |people: i64| {
                (people / counters + i64::from((place as i64) < people % counters)) as u32
            };
            facts.push(Fact::VisitorsCounted {
                counter: counter.clone(),
                interval,
                entered: share(entered),
                left: share(left),
            });
        }
        entered
    }
}
