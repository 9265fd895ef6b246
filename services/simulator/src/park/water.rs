//! Rain, tanks, fixtures and irrigation.
//!
//! What a tank held, what flowed in and what flowed out make what it holds: exact to the litre in every interval.

use std::collections::BTreeMap;

mod irrigation;
mod wiring;

pub use irrigation::Irrigation;
use irrigation::{OnRecord, Zone};
use terrarium_model::{AssetId, Interval, ParkDefinition, WaterClass};

use super::fact::{Fact, Quality, TankFlowKind, WaterSource};
use super::register::Register;
use crate::calendar::{Date, LocalTime};
use crate::chance::Chance;
use crate::physics::rain::{self, Surface};
use crate::physics::soil::{self, DayOfWeather};
use crate::weather::{Location, WeatherStep};

/// The town's reclaimed-water main gives this much. Assumed.
const MAIN_L_PER_H: i64 = 20_000;

struct Tank {
    id: AssetId,
    capacity_l: i64,
    reserve_l: i64,
    water: WaterClass,
    level_l: i64,
    catchments: Vec<(Surface, f64)>,
    caught: Register,
    /// Where it spills to.
    spills_to: Option<usize>,
    /// The tank that fills it; else the main, for reclaimed water and for what zones hang on.
    filled_from: Option<usize>,
    is_filled_by_main: bool,
    is_filling: bool,
    /// Its newest sample says that nothing may be watered with it.
    is_unfit: bool,
    /// Water promised to zones that are being watered.
    promised_l: i64,
    flows: BTreeMap<TankFlowKind, i64>,
}

struct Fixture {
    id: AssetId,
    tank: Option<usize>,
    per_visitor_l: f64,
    per_workday_l: f64,
    register: Register,
}

/// Water of one interval, litres.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaterBalance {
    pub caught_l: i64,
    pub from_main_l: i64,
    pub supply_l: i64,
    pub used_l: i64,
    pub irrigated_l: i64,
    pub spilled_l: i64,
}

/// What was seen of the day's weather so far.
#[derive(Default)]
struct DaySoFar {
    seconds: f64,
    min_c: f64,
    max_c: f64,
    vapour_s: f64,
    wind_s: f64,
    radiation_mj: f64,
    rain_mm: f64,
}

/// All water of a park.
pub struct Water {
    seed: u64,
    location: Location,
    tanks: Vec<Tank>,
    fixtures: Vec<Fixture>,
    zones: Vec<Zone>,
    on_record: OnRecord,
    today: Option<i64>,
    so_far: DaySoFar,
    /// Rain of the present rain, for the first flush; dry hours end it.
    rain_fallen_mm: f64,
    dry_s: i64,
    /// Of the last interval.
    pub balance: WaterBalance,
    /// Moved by the reclaimed-water pumps in the last interval.
    pub reclaimed_moved_l: i64,
}

impl Water {
    pub fn new(park: &ParkDefinition, location: Location, seed: u64) -> Water {
        let mut water = Water {
            seed,
            location,
            tanks: Vec::new(),
            fixtures: Vec::new(),
            zones: Vec::new(),
            on_record: OnRecord::default(),
            today: None,
            so_far: DaySoFar::default(),
            rain_fallen_mm: 0.0,
            dry_s: i64::MAX / 2,
            balance: WaterBalance::default(),
            reclaimed_moved_l: 0,
        };
        let places = water.add_tanks(park);
        water.add_fixtures(park, &places);
        water.add_zones(park, &places);
        water
    }

    /// Litres that go to zones in this interval, for the pumps that move them.
    pub fn irrigation_l(&self) -> i64 {
        self.balance.irrigated_l
    }

    /// Lets one interval pass, with so many visitors who came in.
    pub fn step(
        &mut self,
        weather: &WeatherStep,
        local: LocalTime,
        interval: Interval,
        visitors: i64,
        facts: &mut Vec<Fact>,
    ) {
        self.balance = WaterBalance::default();
        self.reclaimed_moved_l = 0;
        for tank in &mut self.tanks {
            tank.flows.clear();
        }
        self.turn_the_day(local);
        self.note_weather(weather, interval);
        self.catch_rain(weather, interval);
        self.fill(interval);
        self.use_fixtures(local, interval, visitors, facts);
        self.follow_irrigations(interval);
        self.water_zones(interval, facts);
        self.report(interval, facts);
        self.sample(local, interval, facts);
        self.start_watering(local, interval, facts);
    }

    fn turn_the_day(&mut self, local: LocalTime) {
        if self.today == Some(local.day) {
            return;
        }
        if self.today.is_some() {
            self.dry_the_soil(Date::of_day(local.day - 1).day_of_year());
        }
        self.today = Some(local.day);
        self.so_far = DaySoFar {
            min_c: f64::INFINITY,
            max_c: f64::NEG_INFINITY,
            ..DaySoFar::default()
        };
    }

    fn dry_the_soil(&mut self, day_of_year: u32) {
        let so_far = &self.so_far;
        let day = DayOfWeather {
            min_c: so_far.min_c,
            max_c: so_far.max_c,
            vapour_kpa: so_far.vapour_s / so_far.seconds,
            wind_2m_m_s: soil::wind_at_2m(so_far.wind_s / so_far.seconds, 10.0),
            radiation_mj: so_far.radiation_mj,
            soil_heat_mj: 0.0,
        };
        let extraterrestrial = soil::extraterrestrial_mj(self.location.latitude_deg, day_of_year);
        let et0_mm =
            soil::reference_evapotranspiration_mm(&day, extraterrestrial, self.location.altitude_m);
        let infiltrated_mm = so_far.rain_mm * (1.0 - Surface::Planted.runoff());
        for zone in &mut self.zones {
            let given_mm = zone.given_today_l as f64 / zone.area_m2.max(1.0);
            zone.soil.pass_day(et0_mm, infiltrated_mm, given_mm);
            zone.given_today_l = 0;
        }
    }

    fn note_weather(&mut self, weather: &WeatherStep, interval: Interval) {
        let seconds = f64::from(interval.seconds);
        let so_far = &mut self.so_far;
        so_far.seconds += seconds;
        so_far.min_c = so_far.min_c.min(weather.air_c);
        so_far.max_c = so_far.max_c.max(weather.air_c);
        so_far.vapour_s += weather.vapour_kpa * seconds;
        so_far.wind_s += weather.wind_m_s * seconds;
        so_far.radiation_mj += weather.sky.ghi * seconds / 1e6;
        so_far.rain_mm += weather.rain_mm;
    }

    fn catch_rain(&mut self, weather: &WeatherStep, interval: Interval) {
        /// After so long without rain roofs are dirty again. Assumed.
        const DRY_S: i64 = 72 * 3_600;
        if weather.rain_mm <= 0.0 {
            self.dry_s = self.dry_s.saturating_add(i64::from(interval.seconds));
            return;
        }
        if self.dry_s > DRY_S {
            self.rain_fallen_mm = 0.0;
        }
        self.dry_s = 0;
        let gathered_mm = rain::after_first_flush_mm(self.rain_fallen_mm, weather.rain_mm);
        self.rain_fallen_mm += weather.rain_mm;
        for place in 0..self.tanks.len() {
            let tank = &mut self.tanks[place];
            let runoff_l: f64 = tank
                .catchments
                .iter()
                .map(|(surface, area_m2)| rain::runoff_l(*surface, *area_m2, gathered_mm))
                .sum();
            let caught_l = tank.caught.take(runoff_l);
            self.balance.caught_l += caught_l;
            self.let_in(place, caught_l, TankFlowKind::RainIn);
        }
    }

    /// Lets water into a tank; what does not fit spills into the next one or is lost.
    fn let_in(&mut self, place: usize, litres: i64, flow: TankFlowKind) {
        let tank = &mut self.tanks[place];
        *tank.flows.entry(flow).or_default() += litres;
        tank.level_l += litres;
        let spilled_l = (tank.level_l - tank.capacity_l).max(0);
        if spilled_l == 0 {
            return;
        }
        tank.level_l -= spilled_l;
        *tank.flows.entry(TankFlowKind::SpillOut).or_default() += spilled_l;
        let next = tank.spills_to.filter(|next| *next != place);
        // Tanks are connected downhill; in a ring of them the water is lost at the first full one.
        match next {
            Some(next) if self.tanks[next].level_l < self.tanks[next].capacity_l => {
                self.let_in(next, spilled_l, TankFlowKind::RainIn);
            }
            _ => self.balance.spilled_l += spilled_l,
        }
    }

    /// Float valves: a tank is filled from 40 % to 85 %; what catches rain only from near its reserve to a third.
    fn fill(&mut self, interval: Interval) {
        for place in 0..self.tanks.len() {
            let tank = &self.tanks[place];
            let source = tank.filled_from;
            if source.is_none() && !tank.is_filled_by_main {
                continue;
            }
            let usable_l = tank.capacity_l - tank.reserve_l;
            let (from_share, to_share) = match tank.water {
                WaterClass::Rain => (0.05, 0.35),
                WaterClass::Reclaimed | WaterClass::Drinking => (0.40, 0.85),
            };
            let at = |share: f64| tank.reserve_l + (usable_l as f64 * share) as i64;
            let is_filling = if tank.is_filling {
                tank.level_l < at(to_share)
            } else {
                tank.level_l < at(from_share)
            };
            let most_l = MAIN_L_PER_H * i64::from(interval.seconds) / 3_600;
            let mut litres = if is_filling {
                most_l.min(at(to_share) - tank.level_l).max(0)
            } else {
                0
            };
            self.tanks[place].is_filling = is_filling;
            match source {
                Some(source) => {
                    let source = &mut self.tanks[source];
                    litres =
                        litres.min((source.level_l - source.reserve_l - source.promised_l).max(0));
                    source.level_l -= litres;
                    self.reclaimed_moved_l += litres;
                }
                None => self.balance.from_main_l += litres,
            }
            self.let_in(place, litres, TankFlowKind::ReclaimedIn);
        }
    }

    fn use_fixtures(
        &mut self,
        local: LocalTime,
        interval: Interval,
        visitors: i64,
        facts: &mut Vec<Fact>,
    ) {
        let is_working = !local.is_weekend() && (8.0..18.0).contains(&local.hour());
        let share_of_workday = f64::from(interval.seconds) / (10.0 * 3_600.0);
        for place in 0..self.fixtures.len() {
            let fixture = &mut self.fixtures[place];
            let of_work_l = if is_working {
                fixture.per_workday_l * share_of_workday
            } else {
                0.0
            };
            let wanted_l = fixture
                .register
                .take(fixture.per_visitor_l * visitors as f64 + of_work_l);
            let id = fixture.id.clone();
            let mut from_tank_l = 0;
            if let Some(tank) = fixture.tank {
                let tank = &mut self.tanks[tank];
                from_tank_l =
                    wanted_l.min((tank.level_l - tank.reserve_l - tank.promised_l).max(0));
                tank.level_l -= from_tank_l;
                if tank.water == WaterClass::Reclaimed {
                    self.reclaimed_moved_l += from_tank_l;
                }
                facts.push(Fact::WaterMetered {
                    asset: id.clone(),
                    source: source_of(tank.water),
                    interval,
                    litres: from_tank_l,
                });
            }
            // What a tank can't give comes from the public supply, metered by itself.
            let supply_l = wanted_l - from_tank_l;
            facts.push(Fact::WaterMetered {
                asset: id,
                source: WaterSource::Supply,
                interval,
                litres: supply_l,
            });
            self.balance.supply_l += supply_l;
            self.balance.used_l += wanted_l;
        }
    }

    fn report(&self, interval: Interval, facts: &mut Vec<Fact>) {
        for tank in &self.tanks {
            facts.push(Fact::TankLevel {
                tank: tank.id.clone(),
                at: interval.end(),
                level_l: tank.level_l,
            });
            // Every pipe that the tank has carries a meter.
            let is_rain = tank.water == WaterClass::Rain;
            let is_filled = tank.is_filled_by_main || tank.filled_from.is_some();
            for (flow, has_pipe) in [
                (TankFlowKind::RainIn, is_rain),
                (TankFlowKind::ReclaimedIn, is_filled),
                (TankFlowKind::SpillOut, true),
            ] {
                if has_pipe {
                    facts.push(Fact::TankFlow {
                        tank: tank.id.clone(),
                        flow,
                        interval,
                        litres: tank.flows.get(&flow).copied().unwrap_or(0),
                    });
                }
            }
        }
    }

    /// On Mondays at nine somebody takes a sample of each tank. Turbidity, oxygen demand and ammonia are log-normal about what
    /// rain from roofs and the town's reclaimed water have (assumed).
    fn sample(&mut self, local: LocalTime, interval: Interval, facts: &mut Vec<Fact>) {
        const SAMPLED_S: i64 = 9 * 3_600;
        let ends_s = local.second_of_day + i64::from(interval.seconds);
        let is_now = local.second_of_day < SAMPLED_S && ends_s >= SAMPLED_S;
        if local.weekday() != 0 || !is_now {
            return;
        }
        let date = Date::of_day(local.day);
        for tank in &mut self.tanks {
            let mut chance = Chance::of(self.seed, tank.id.as_str(), local.day, "sample");
            let (turbidity_ntu, cod_mg, ammonia_mg) = match tank.water {
                WaterClass::Rain => (3.0, 14.0, 0.3),
                WaterClass::Reclaimed => (1.8, 22.0, 0.7),
                WaterClass::Drinking => (0.2, 1.5, 0.05),
            };
            let quality = Quality {
                ph_milli: (7_300.0 + 150.0 * chance.normal()).clamp(6_000.0, 9_500.0) as u32,
                turbidity_mntu: (chance.log_normal(turbidity_ntu, 0.4) * 1e3) as i64,
                cod_ug_per_l: (chance.log_normal(cod_mg, 0.2) * 1e3) as i64,
                ammonia_n_ug_per_l: (chance.log_normal(ammonia_mg, 0.4) * 1e3) as i64,
            };
            tank.is_unfit = !quality.is_fit_for_irrigation();
            facts.push(Fact::WaterSampled {
                tank: tank.id.clone(),
                sample: format!("w{:04}{:02}{:02}", date.year, date.month, date.day),
                at: interval.end(),
                quality,
            });
        }
    }

    /// Litres in all tanks.
    pub fn stored_l(&self) -> i64 {
        self.tanks.iter().map(|tank| tank.level_l).sum()
    }
}

fn source_of(water: WaterClass) -> WaterSource {
    match water {
        WaterClass::Rain => WaterSource::Rain,
        WaterClass::Reclaimed => WaterSource::Reclaimed,
        WaterClass::Drinking => WaterSource::Supply,
    }
}
