//! Chargers and the cars at them.
//!
//! A one-way charger charges at once. A two-way charger waits for surplus while there is time, and gives back what the
//! owner allows: never below the reserve, and only while the wish can still be met before departure.

use std::collections::{BTreeMap, VecDeque};

use terrarium_model::{
    AssetId, AssetKind, AssetParameters, Interval, Measures, MeterId, ParkDefinition, UnixSeconds,
};

use super::electricity::MeterIndex;
use super::fact::{Fact, V2gWish, VehicleOwner};
use super::orders::{Keep, Kept};
use super::plan::{self, ElectricTree};
use super::register::Register;
use crate::calendar::LocalTime;
use crate::chance::Chance;
use crate::physics::charging::{self, CHARGER_EFFICIENCY, Visit};

/// Cars a working day for each charger. Assumed.
const CARS_PER_CHARGER: f64 = 1.7;
/// A flexible car is charged at full power once that takes this share of the time that is left.
const URGENT_SHARE: f64 = 0.7;

struct Charger {
    id: AssetId,
    node: usize,
    in_meter: Option<MeterIndex>,
    out_meter: Option<MeterIndex>,
    rated_w: i64,
    is_bidirectional: bool,
    session: Option<Session>,
    /// What it was asked to keep its power within, until the car leaves.
    limit_w: Option<i64>,
    /// When the last car came and left.
    last_visit: Option<(UnixSeconds, UnixSeconds)>,
}

struct Session {
    id: String,
    /// Place of the vehicle of the park's own fleet.
    fleet: Option<usize>,
    visit: Visit,
    arrived: UnixSeconds,
    departure: UnixSeconds,
    energy_in_wh: i64,
    energy_out_wh: i64,
    to_car: Register,
    from_car: Register,
    /// Taken at the meter in this interval.
    taken_wh: i64,
}

impl Charger {
    /// The most that it charges with.
    fn charges_w(&self) -> i64 {
        self.limit_w
            .map_or(self.rated_w, |limit_w| limit_w.clamp(0, self.rated_w))
    }

    /// Whether a car that has left since was there at a moment.
    fn had_another_car(&self, at: UnixSeconds) -> bool {
        self.last_visit
            .is_some_and(|(arrived, left)| (arrived..=left).contains(&at))
    }

    /// The most that it takes from a car: none while it is asked to charge at most so much.
    fn gives_w(&self) -> i64 {
        self.limit_w
            .map_or(self.rated_w, |limit_w| (-limit_w).clamp(0, self.rated_w))
    }
}

impl Session {
    fn begin(
        id: String,
        fleet: Option<usize>,
        visit: Visit,
        arrived: UnixSeconds,
        departure: UnixSeconds,
    ) -> Session {
        Session {
            id,
            fleet,
            visit,
            arrived,
            departure,
            energy_in_wh: 0,
            energy_out_wh: 0,
            to_car: Register::default(),
            from_car: Register::default(),
            taken_wh: 0,
        }
    }

    fn stored_wh(&self) -> i64 {
        self.visit.stored_wh + self.energy_in_wh - self.energy_out_wh
    }

    /// What the owner still wants to have.
    fn needs_wh(&self) -> i64 {
        (self.visit.wants_wh - self.energy_in_wh + self.energy_out_wh).max(0)
    }

    /// Seconds of the interval that the car is there.
    fn present_s(&self, interval: Interval) -> i64 {
        (self.departure.0.min(interval.end().0) - self.arrived.0.max(interval.start.0)).max(0)
    }

    /// The most that can be taken at the meter in the rest of the interval.
    fn room_wh(&self, rated_w: i64, interval: Interval) -> i64 {
        let accepts_w =
            charging::acceptance_w(rated_w, self.stored_wh(), self.visit.capacity_wh).min(rated_w);
        let by_power_wh = accepts_w * self.present_s(interval) / 3_600 - self.taken_wh;
        let by_need_wh = (self.needs_wh() as f64 / CHARGER_EFFICIENCY) as i64;
        by_power_wh.min(by_need_wh).max(0)
    }

    fn take(&mut self, at_meter_wh: i64) {
        self.taken_wh += at_meter_wh;
        self.energy_in_wh += self.to_car.take(at_meter_wh as f64 * CHARGER_EFFICIENCY);
    }

    /// The most that the car may give at the meter in this interval.
    fn spare_wh(&self, rated_w: i64, interval: Interval) -> i64 {
        if !self.visit.allows_discharge || self.taken_wh > 0 {
            return 0;
        }
        let left_s = self.departure.0 - interval.end().0;
        let can_return_wh = (rated_w as f64 * left_s.max(0) as f64 / 3_600.0
            * URGENT_SHARE
            * CHARGER_EFFICIENCY) as i64;
        let by_time_wh = can_return_wh - self.needs_wh();
        let by_reserve_wh = self.stored_wh() - self.visit.reserve_wh;
        let in_car_wh = by_time_wh.min(by_reserve_wh).max(0);
        let at_meter_wh = (in_car_wh as f64 * CHARGER_EFFICIENCY) as i64 - 1;
        at_meter_wh.clamp(0, rated_w * self.present_s(interval) / 3_600)
    }

    fn give(&mut self, at_meter_wh: i64) {
        self.energy_out_wh += self.from_car.take(at_meter_wh as f64 / CHARGER_EFFICIENCY);
    }
}

/// All chargers of a park.
pub struct Chargers {
    seed: u64,
    chargers: Vec<Charger>,
    today: i64,
    coming: VecDeque<Visit>,
    /// Vehicles of the park that left, with what they got in Wh.
    fleet_left: Vec<(usize, i64)>,
    /// Cars that found every charger taken.
    pub turned_away: u64,
}

impl Chargers {
    pub fn new(
        park: &ParkDefinition,
        seed: u64,
        nodes: &BTreeMap<AssetId, usize>,
        meters: &BTreeMap<MeterId, MeterIndex>,
    ) -> Chargers {
        let tree = ElectricTree::new(park);
        let chargers = plan::of_kind(park, AssetKind::Charger)
            .filter_map(|asset| {
                let AssetParameters::Charger { bidirectional } = asset.parameters else {
                    return None;
                };
                let own = |measures| tree.own_meter(&asset.id, measures).map(|id| meters[id]);
                let counted = tree.meter_of(&asset.id, Measures::Consumption);
                Some(Charger {
                    id: asset.id.clone(),
                    node: nodes[tree.node_of(&asset.id)?],
                    in_meter: own(Measures::StorageCharge).or(counted.map(|id| meters[id])),
                    out_meter: own(Measures::StorageDischarge),
                    rated_w: asset.rated_w.unwrap_or(0),
                    is_bidirectional: bidirectional,
                    session: None,
                    limit_w: None,
                    last_visit: None,
                })
            })
            .collect();
        Chargers {
            seed,
            chargers,
            today: i64::MIN,
            coming: VecDeque::new(),
            fleet_left: Vec::new(),
            turned_away: 0,
        }
    }

    /// Cars that come in the interval. `midnight` is the start of the local day.
    pub fn arrive(&mut self, local: LocalTime, interval: Interval, facts: &mut Vec<Fact>) {
        let midnight_s = interval.start.0 - local.second_of_day;
        if self.today != local.day {
            self.today = local.day;
            let mut chance = Chance::of(self.seed, "chargers", local.day, "cars");
            let cars = CARS_PER_CHARGER * self.chargers.len() as f64;
            self.coming = charging::visits_of_day(&mut chance, cars, local.is_weekend()).into();
            // A run that begins in the middle of a day missed the cars before.
            let passed = |visit: &Visit| midnight_s + visit.arrives_s < interval.start.0;
            while self.coming.front().is_some_and(passed) {
                self.coming.pop_front();
            }
        }
        for charger in &mut self.chargers {
            if let Some(session) = &mut charger.session {
                session.taken_wh = 0;
            }
        }
        while let Some(visit) = self.coming.front().copied() {
            let arrived = UnixSeconds(midnight_s + visit.arrives_s);
            if arrived >= interval.end() {
                break;
            }
            self.coming.pop_front();
            self.plug_in(visit, arrived, facts);
        }
    }

    fn plug_in(&mut self, visit: Visit, arrived: UnixSeconds, facts: &mut Vec<Fact>) {
        // Owners who allow energy to be taken look for a two-way charger, the others for a one-way one.
        let fits = |charger: &Charger| charger.is_bidirectional == visit.allows_discharge;
        let is_free = |charger: &Charger| charger.session.is_none();
        let place = self
            .chargers
            .iter()
            .position(|charger| is_free(charger) && fits(charger))
            .or_else(|| self.chargers.iter().position(is_free));
        let Some(place) = place else {
            self.turned_away += 1;
            return;
        };
        let charger = &mut self.chargers[place];
        let visit = Visit {
            allows_discharge: visit.allows_discharge && charger.is_bidirectional,
            ..visit
        };
        let departure = UnixSeconds(arrived.0 + visit.stays_s);
        let id = format!("s{}", arrived.0);
        facts.push(Fact::SessionStarted {
            charger: charger.id.clone(),
            session: id.clone(),
            owner: if visit.allows_discharge {
                VehicleOwner::Visitor
            } else {
                VehicleOwner::Public
            },
            at: arrived,
            v2g: visit.allows_discharge.then_some(V2gWish {
                battery_wh: visit.capacity_wh,
                stored_wh: visit.stored_wh,
                reserve_wh: visit.reserve_wh.min(visit.stored_wh),
                departure,
            }),
        });
        let visit = Visit {
            reserve_wh: visit.reserve_wh.min(visit.stored_wh),
            ..visit
        };
        charger.session = Some(Session::begin(id, None, visit, arrived, departure));
    }

    /// Plugs a vehicle of the park's own in, if a charger is free: what it holds, has in it and wants, Wh.
    pub fn plug_in_fleet(
        &mut self,
        vehicle: usize,
        (capacity_wh, stored_wh, wants_wh): (i64, i64, i64),
        arrived: UnixSeconds,
        departure: UnixSeconds,
        facts: &mut Vec<Fact>,
    ) -> bool {
        let is_free = |charger: &&mut Charger| charger.session.is_none();
        let Some(charger) = self.chargers.iter_mut().find(is_free) else {
            return false;
        };
        let id = format!("f{vehicle}-{}", arrived.0);
        // It was plugged in a second after the hour began, so that it is of this interval.
        let arrived = UnixSeconds(arrived.0 + 1);
        facts.push(Fact::SessionStarted {
            charger: charger.id.clone(),
            session: id.clone(),
            owner: VehicleOwner::Fleet,
            at: arrived,
            v2g: None,
        });
        let visit = Visit {
            arrives_s: 0,
            stays_s: departure.0 - arrived.0,
            wants_wh,
            capacity_wh,
            stored_wh,
            allows_discharge: false,
            reserve_wh: stored_wh,
        };
        charger.session = Some(Session::begin(id, Some(vehicle), visit, arrived, departure));
        true
    }

    /// Vehicles of the park that left since the last time, with what they got in Wh.
    pub fn fleet_left(&mut self) -> Vec<(usize, i64)> {
        std::mem::take(&mut self.fleet_left)
    }

    /// A charger keeps what it was asked to, until the car leaves that was there then; or, where none was, the next one.
    pub fn follow(&mut self, kept: &Kept) {
        for charger in &mut self.chargers {
            let is_meant = kept.what == Keep::ChargePowerW && charger.id == kept.device;
            if is_meant && !charger.had_another_car(kept.since) {
                charger.limit_w = Some(kept.value);
            }
        }
    }

    /// Charges the cars that can't wait: (node, Wh at the meter, meter).
    pub fn charge_what_must_be(
        &mut self,
        interval: Interval,
    ) -> Vec<(usize, i64, Option<MeterIndex>)> {
        let mut charged = Vec::new();
        for charger in &mut self.chargers {
            let charges_w = charger.charges_w();
            let Some(session) = &mut charger.session else {
                continue;
            };
            let left_s = (session.departure.0 - interval.start.0).max(1);
            let full_power_s = session.needs_wh() as f64 * 3_600.0
                / (charger.rated_w.max(1) as f64 * CHARGER_EFFICIENCY);
            let can_wait = charger.is_bidirectional
                && session.visit.allows_discharge
                && full_power_s < URGENT_SHARE * left_s as f64;
            if can_wait {
                continue;
            }
            let taken_wh = session.room_wh(charges_w, interval);
            session.take(taken_wh);
            if taken_wh > 0 {
                charged.push((charger.node, taken_wh, charger.in_meter));
            }
        }
        charged
    }

    /// Charges waiting cars of a node with what is over: (Wh at the meter, meter).
    pub fn take_surplus(
        &mut self,
        node: usize,
        mut over_wh: i64,
        interval: Interval,
    ) -> Vec<(i64, Option<MeterIndex>)> {
        let mut taken = Vec::new();
        for charger in self
            .chargers
            .iter_mut()
            .filter(|charger| charger.node == node)
        {
            let charges_w = charger.charges_w();
            let Some(session) = &mut charger.session else {
                continue;
            };
            let taken_wh = session.room_wh(charges_w, interval).min(over_wh);
            session.take(taken_wh);
            over_wh -= taken_wh;
            if taken_wh > 0 {
                taken.push((taken_wh, charger.in_meter));
            }
        }
        taken
    }

    /// Takes energy from cars of a node, as far as their owners allow: (Wh at the meter, meter).
    pub fn give(
        &mut self,
        node: usize,
        mut missing_wh: i64,
        interval: Interval,
    ) -> Vec<(i64, Option<MeterIndex>)> {
        let mut given = Vec::new();
        for charger in self
            .chargers
            .iter_mut()
            .filter(|charger| charger.node == node)
        {
            let gives_w = charger.gives_w();
            let Some(session) = &mut charger.session else {
                continue;
            };
            let given_wh = session.spare_wh(gives_w, interval).min(missing_wh);
            session.give(given_wh);
            missing_wh -= given_wh;
            if given_wh > 0 {
                given.push((given_wh, charger.out_meter));
            }
        }
        given
    }

    /// Totals of running sessions, and the ends of those whose owners leave.
    pub fn report(&mut self, interval: Interval, facts: &mut Vec<Fact>) {
        for charger in &mut self.chargers {
            let Some(session) = &charger.session else {
                continue;
            };
            let (energy_in_wh, energy_out_wh) = (session.energy_in_wh, session.energy_out_wh);
            let (id, name) = (charger.id.clone(), session.id.clone());
            if session.departure <= interval.end() {
                charger.last_visit = Some((session.arrived, session.departure));
                facts.push(Fact::SessionEnded {
                    charger: id,
                    session: name,
                    at: session.departure,
                    energy_in_wh,
                    energy_out_wh,
                });
                if let Some(vehicle) = session.fleet {
                    self.fleet_left.push((vehicle, energy_in_wh));
                }
                charger.session = None;
                charger.limit_w = None;
            } else {
                facts.push(Fact::SessionMetered {
                    charger: id,
                    session: name,
                    at: interval.end(),
                    energy_in_wh,
                    energy_out_wh,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixSeconds {
        UnixSeconds(seconds)
    }

    fn chargers() -> Chargers {
        let charger = Charger {
            id: AssetId::new("charger-1").unwrap(),
            node: 0,
            in_meter: None,
            out_meter: None,
            rated_w: 7_000,
            is_bidirectional: false,
            session: None,
            limit_w: None,
            last_visit: None,
        };
        Chargers {
            seed: 1,
            chargers: vec![charger],
            today: i64::MIN,
            coming: VecDeque::new(),
            fleet_left: Vec::new(),
            turned_away: 0,
        }
    }

    fn come_and_go(chargers: &mut Chargers, arrived: i64, left: i64) {
        let mut facts = Vec::new();
        let wish = (50_000, 10_000, 20_000);
        assert!(chargers.plug_in_fleet(0, wish, at(arrived), at(left), &mut facts));
        let interval = Interval {
            start: at(left - 900),
            seconds: 900,
        };
        chargers.report(interval, &mut facts);
    }

    fn limit(since: i64) -> Kept {
        Kept {
            device: AssetId::new("charger-1").unwrap(),
            what: Keep::ChargePowerW,
            value: 3_000,
            since: at(since),
        }
    }

    #[test]
    fn a_limit_for_a_car_that_left_is_not_for_the_next_one() {
        let mut chargers = chargers();
        come_and_go(&mut chargers, 900, 2_700);
        chargers.follow(&limit(1_800));
        assert_eq!(chargers.chargers[0].charges_w(), 7_000);
        // Asked while no car was there, it is for the next one.
        chargers.follow(&limit(3_600));
        assert_eq!(chargers.chargers[0].charges_w(), 3_000);
        come_and_go(&mut chargers, 4_500, 5_400);
        assert_eq!(chargers.chargers[0].charges_w(), 7_000);
    }
}
