//! The park's own vehicles: carts that drive in working hours, shuttles that make their rounds, and all of them at a charger in
//! the evening. What is in their batteries came through a charger and is driven off, to the Wh.

use terrarium_model::{AssetId, AssetKind, AssetParameters, Interval, ParkDefinition, UnixSeconds};

use super::cars::Chargers;
use super::fact::{Fact, VehicleDoing};
use super::plan;
use crate::calendar::LocalTime;
use crate::chance::Chance;

/// Local hours in which carts and trucks drive, and in which shuttles go round. Assumed.
const WORK_HOURS: std::ops::Range<i64> = 8..17;
const ROUND_HOURS: std::ops::Range<i64> = 9..18;
/// From this hour on they look for a charger, until this one, when somebody fetches them. Assumed.
const PLUG_IN_HOUR: i64 = 20;
const FETCHED_HOUR: i64 = 6;
/// A round of the park's walk, and how long it takes. Assumed.
const ROUND_M: i64 = 1_800;
const ROUND_S: i64 = 720;
/// Nobody drives with less than this share left; who has more than the other one needs no charger. Assumed.
const LEAST_SHARE: f64 = 0.15;
const FULL_SHARE: f64 = 0.90;

struct Vehicle {
    id: AssetId,
    capacity_wh: i64,
    /// Seats of a shuttle.
    seats: Option<i64>,
    stored_wh: i64,
    odometer_m: i64,
    doing: VehicleDoing,
}

/// All vehicles of a park.
pub struct Fleet {
    seed: u64,
    vehicles: Vec<Vehicle>,
    /// Wh driven off in the last interval.
    pub driven_wh: i64,
    /// Wh that came from chargers in the last interval.
    pub charged_wh: i64,
}

impl Fleet {
    pub fn new(park: &ParkDefinition, seed: u64) -> Fleet {
        let kinds = [AssetKind::Vehicle, AssetKind::Shuttle];
        let assets = kinds.into_iter().flat_map(|kind| plan::of_kind(park, kind));
        let vehicles = assets.filter_map(|asset| {
            let (capacity_wh, seats) = match asset.parameters {
                AssetParameters::Vehicle { capacity_wh } => (capacity_wh, None),
                AssetParameters::Shuttle { capacity_wh, seats } => (capacity_wh, Some(seats)),
                _ => return None,
            };
            Some(Vehicle {
                id: asset.id.clone(),
                capacity_wh,
                seats,
                stored_wh: capacity_wh * 4 / 5,
                odometer_m: 0,
                doing: VehicleDoing::Parked,
            })
        });
        Fleet {
            seed,
            vehicles: vehicles.collect(),
            driven_wh: 0,
            charged_wh: 0,
        }
    }

    /// Lets one interval pass, with so many visitors in the park. Reports at full hours, and when a trip is over.
    pub fn step(
        &mut self,
        local: LocalTime,
        interval: Interval,
        present: i64,
        chargers: &mut Chargers,
        facts: &mut Vec<Fact>,
    ) {
        self.driven_wh = 0;
        self.charged_wh = 0;
        for (place, in_wh) in chargers.fleet_left() {
            let vehicle = &mut self.vehicles[place];
            vehicle.stored_wh += in_wh;
            vehicle.doing = VehicleDoing::Parked;
            self.charged_wh += in_wh;
        }
        let hour = local.second_of_day / 3_600;
        let begins_hour = local.second_of_day % 3_600 == 0;
        let ends_s = local.second_of_day + i64::from(interval.seconds);
        let round_ends_s = hour * 3_600 + ROUND_S;
        let ends_round = local.second_of_day < round_ends_s && ends_s >= round_ends_s;
        for place in 0..self.vehicles.len() {
            if begins_hour {
                self.begin_hour(place, hour, interval, chargers, facts);
            }
            if ends_round && self.vehicles[place].seats.is_some() && ROUND_HOURS.contains(&hour) {
                let ended = UnixSeconds(interval.start.0 - local.second_of_day + round_ends_s);
                self.end_round(place, ended, present, facts);
            }
            if ends_s % 3_600 == 0 {
                let vehicle = &self.vehicles[place];
                facts.push(Fact::VehicleReported {
                    vehicle: vehicle.id.clone(),
                    at: interval.end(),
                    doing: vehicle.doing,
                    stored_wh: vehicle.stored_wh,
                    odometer_m: vehicle.odometer_m,
                });
            }
        }
    }

    /// Wh in all batteries.
    pub fn stored_wh(&self) -> i64 {
        self.vehicles.iter().map(|vehicle| vehicle.stored_wh).sum()
    }

    fn begin_hour(
        &mut self,
        place: usize,
        hour: i64,
        interval: Interval,
        chargers: &mut Chargers,
        facts: &mut Vec<Fact>,
    ) {
        let vehicle = &mut self.vehicles[place];
        if vehicle.doing == VehicleDoing::Charging {
            return;
        }
        vehicle.doing = VehicleDoing::Parked;
        if WORK_HOURS.contains(&hour) && vehicle.seats.is_none() {
            let mut chance = Chance::of(self.seed, vehicle.id.as_str(), interval.start.0, "drive");
            let wanted_m = chance.gamma(2.0, 700.0) as i64;
            self.driven_wh += vehicle.drive(wanted_m);
        }
        let is_night = !(FETCHED_HOUR - 1..PLUG_IN_HOUR).contains(&hour);
        let is_full = vehicle.stored_wh as f64 > FULL_SHARE * vehicle.capacity_wh as f64;
        if is_night && !is_full {
            let hours_left = (FETCHED_HOUR - hour).rem_euclid(24);
            let fetched = UnixSeconds(interval.start.0 + hours_left * 3_600);
            let wants_wh = vehicle.capacity_wh - vehicle.stored_wh;
            let has_charger = chargers.plug_in_fleet(
                place,
                (vehicle.capacity_wh, vehicle.stored_wh, wants_wh),
                interval.start,
                fetched,
                facts,
            );
            if has_charger {
                vehicle.doing = VehicleDoing::Charging;
            }
        }
    }

    fn end_round(&mut self, place: usize, ended: UnixSeconds, present: i64, facts: &mut Vec<Fact>) {
        let vehicle = &mut self.vehicles[place];
        let Some(seats) = vehicle.seats else { return };
        if vehicle.doing == VehicleDoing::Charging || vehicle.range_m() < ROUND_M {
            return;
        }
        let driven_wh = vehicle.drive(ROUND_M);
        self.driven_wh += driven_wh;
        let mut chance = Chance::of(self.seed, vehicle.id.as_str(), ended.0, "round");
        // One in thirty of those in the park takes a round (assumed).
        let passengers = chance.poisson(present as f64 / 30.0).min(seats);
        facts.push(Fact::ShuttleTripEnded {
            vehicle: vehicle.id.clone(),
            trip: format!("t{}", ended.0),
            started: UnixSeconds(ended.0 - ROUND_S),
            ended,
            distance_m: ROUND_M,
            energy_wh: driven_wh,
            passengers: passengers as u32,
        });
    }
}

impl Vehicle {
    /// Wh for a kilometre: 70 for a cart of 10 kWh, 190 for a truck or shuttle of 40 (assumed).
    fn wh_per_km(&self) -> f64 {
        30.0 + 0.004 * self.capacity_wh as f64
    }

    fn range_m(&self) -> i64 {
        let spare_wh = self.stored_wh as f64 - LEAST_SHARE * self.capacity_wh as f64;
        (spare_wh / self.wh_per_km() * 1_000.0).max(0.0) as i64
    }

    /// Drives as far as wanted, or as it can. Gives the energy it took.
    fn drive(&mut self, wanted_m: i64) -> i64 {
        let driven_m = wanted_m.min(self.range_m());
        let driven_wh = (driven_m as f64 * self.wh_per_km() / 1_000.0).round() as i64;
        self.odometer_m += driven_m;
        self.stored_wh -= driven_wh;
        if driven_m > 0 {
            self.doing = VehicleDoing::Driving;
        }
        driven_wh
    }
}
