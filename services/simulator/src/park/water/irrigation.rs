//! Zones that are watered: by the controller at four in the morning, or because somebody opened the valve.

use std::collections::BTreeMap;

use terrarium_model::{AssetId, Interval, UnixSeconds};

use super::{Water, source_of};
use crate::calendar::LocalTime;
use crate::park::fact::Fact;
use crate::physics::soil::Soil;

/// When zones are watered, seconds of the local day, and for how long. Assumed.
const IRRIGATION_START_S: i64 = 4 * 3_600;
const IRRIGATION_SECONDS: i64 = 2 * 3_600;

pub(super) struct Zone {
    pub(super) id: AssetId,
    pub(super) tank: usize,
    pub(super) area_m2: f64,
    pub(super) soil: Soil,
    pub(super) given_today_l: i64,
    pub(super) watering: Option<Watering>,
}

pub(super) struct Watering {
    started: UnixSeconds,
    total_l: i64,
    left_l: i64,
    /// The controller opened the valve, and nobody else.
    is_own: bool,
}

/// An irrigation as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irrigation {
    pub zone: AssetId,
    pub started: UnixSeconds,
    /// The simulated controller started it, and nobody else.
    pub is_own: bool,
}

/// What is on record of irrigations beside what the controller knows of its own. What somebody else said holds from the second
/// step on after it was said, because the next one may be under way already.
#[derive(Default)]
pub(super) struct OnRecord {
    /// What does not hold yet, in the order of the record.
    coming: Vec<Said>,
    /// What the controller started and is on record, with its place in the record; all else that it started was refused.
    own: BTreeMap<(AssetId, UnixSeconds), u64>,
    starts: u64,
}

/// What was said to a valve.
enum Said {
    Start {
        irrigation: Irrigation,
        litres: i64,
        /// In the record.
        place: u64,
    },
    End {
        irrigation: Irrigation,
        at: UnixSeconds,
    },
}

impl Said {
    fn holds(&self, interval: Interval) -> bool {
        let since = match self {
            Said::Start { irrigation, .. } => irrigation.started,
            Said::End { at, .. } => *at,
        };
        since.0 + i64::from(interval.seconds) <= interval.start.0
    }
}

impl Water {
    /// An irrigation is on record as started: somebody opened a valve, or the controller's own was not refused.
    pub fn irrigation_started(&mut self, irrigation: Irrigation, litres: i64) {
        self.on_record.starts += 1;
        let place = self.on_record.starts;
        if irrigation.is_own {
            let own = (irrigation.zone, irrigation.started);
            self.on_record.own.insert(own, place);
        } else {
            self.on_record.coming.push(Said::Start {
                irrigation,
                litres,
                place,
            });
        }
    }

    /// That it has ended is on record since `at`.
    pub fn irrigation_ended(&mut self, irrigation: Irrigation, at: UnixSeconds) {
        self.on_record.coming.push(Said::End { irrigation, at });
    }

    /// Valves do what was asked of them.
    pub(super) fn follow_irrigations(&mut self, interval: Interval) {
        let coming = std::mem::take(&mut self.on_record.coming);
        let (now, later) = coming.into_iter().partition(|said| said.holds(interval));
        self.on_record.coming = later;
        for said in now {
            match said {
                Said::Start {
                    irrigation,
                    litres,
                    place,
                } => self.begin(irrigation, litres, place),
                Said::End { irrigation, .. } => self.stop(&irrigation),
            }
        }
    }

    /// Gives as much as was asked for, as far as the tank has it by now.
    ///
    /// Of one zone one irrigation runs at a time, so what is given at present was refused, or is over, if it is not newer on
    /// record; and if it is, the one that was asked for is over.
    fn begin(&mut self, irrigation: Irrigation, litres: i64, place: u64) {
        let Some(zone) = self
            .zones
            .iter_mut()
            .find(|zone| zone.id == irrigation.zone)
        else {
            return;
        };
        let tank = &mut self.tanks[zone.tank];
        if let Some(watering) = &zone.watering {
            let own = (irrigation.zone, watering.started);
            let own_place = self.on_record.own.get(&own);
            if watering.is_own && own_place.is_some_and(|own_place| *own_place > place) {
                return;
            }
            tank.promised_l -= watering.left_l;
            self.on_record.own.remove(&own);
        }
        let available_l = (tank.level_l - tank.reserve_l - tank.promised_l).max(0);
        let litres = litres.min(available_l);
        tank.promised_l += litres;
        zone.watering = Some(Watering {
            started: irrigation.started,
            total_l: litres,
            left_l: litres,
            is_own: false,
        });
    }

    /// Somebody else reported the end before the water was given.
    fn stop(&mut self, ended: &Irrigation) {
        let Some(zone) = self.zones.iter_mut().find(|zone| zone.id == ended.zone) else {
            return;
        };
        let is_meant = |watering: &mut Watering| {
            (watering.started, watering.is_own) == (ended.started, ended.is_own)
        };
        if let Some(watering) = zone.watering.take_if(is_meant) {
            self.tanks[zone.tank].promised_l -= watering.left_l;
            let own = (zone.id.clone(), watering.started);
            self.on_record.own.remove(&own);
        }
    }

    pub(super) fn water_zones(&mut self, interval: Interval, facts: &mut Vec<Fact>) {
        for zone in &mut self.zones {
            let tank = &mut self.tanks[zone.tank];
            let mut litres = 0;
            if let Some(watering) = &mut zone.watering {
                let end_s = watering.started.0 + IRRIGATION_SECONDS;
                let is_last = interval.end().0 >= end_s;
                let even_l = watering.total_l * i64::from(interval.seconds) / IRRIGATION_SECONDS;
                litres = if is_last {
                    watering.left_l
                } else {
                    even_l.min(watering.left_l)
                };
                watering.left_l -= litres;
                tank.promised_l -= litres;
                tank.level_l -= litres;
                zone.given_today_l += litres;
                self.balance.irrigated_l += litres;
                self.balance.used_l += litres;
                if is_last {
                    let started = watering.started;
                    facts.push(Fact::IrrigationEnded {
                        zone: zone.id.clone(),
                        started,
                        at: interval.end(),
                        litres: watering.total_l,
                    });
                    zone.watering = None;
                    let own = (zone.id.clone(), started);
                    self.on_record.own.remove(&own);
                }
            }
            facts.push(Fact::WaterMetered {
                asset: zone.id.clone(),
                source: source_of(tank.water),
                interval,
                litres,
            });
        }
    }

    /// At four in the morning zones that need water are given it, as far as their tank allows.
    pub(super) fn start_watering(
        &mut self,
        local: LocalTime,
        interval: Interval,
        facts: &mut Vec<Fact>,
    ) {
        let ends_s = local.second_of_day + i64::from(interval.seconds);
        if !(local.second_of_day < IRRIGATION_START_S && ends_s >= IRRIGATION_START_S) {
            return;
        }
        for zone in &mut self.zones {
            // Whether somebody else's waits to begin depends on when the record was read, so that is not asked here.
            if zone.watering.is_some() {
                continue;
            }
            let tank = &mut self.tanks[zone.tank];
            if tank.is_unfit {
                continue;
            }
            let need_l = (zone.soil.need_mm() * zone.area_m2) as i64;
            let available_l = (tank.level_l - tank.reserve_l - tank.promised_l).max(0);
            let litres = need_l.min(available_l);
            if litres == 0 {
                continue;
            }
            tank.promised_l += litres;
            zone.watering = Some(Watering {
                started: interval.end(),
                total_l: litres,
                left_l: litres,
                is_own: true,
            });
            facts.push(Fact::IrrigationStarted {
                zone: zone.id.clone(),
                at: interval.end(),
                litres,
            });
        }
    }
}
