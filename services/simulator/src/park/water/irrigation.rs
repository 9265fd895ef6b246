//! Zones that are watered: by the controller at four in the morning, or because somebody opened the valve.

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
}

/// What somebody else than the controller said to valves, until it holds: from the second step on after it was said, because
/// the next one may be under way already.
#[derive(Default)]
pub(super) struct AskedFor {
    starts: Vec<Start>,
    ends: Vec<End>,
}

struct Start {
    zone: AssetId,
    litres: i64,
    started: UnixSeconds,
}

struct End {
    zone: AssetId,
    started: UnixSeconds,
    at: UnixSeconds,
}

impl AskedFor {
    /// Whether a zone is about to be watered.
    fn waits(&self, zone: &AssetId) -> bool {
        self.starts.iter().any(|start| start.zone == *zone)
    }
}

fn holds(since: UnixSeconds, interval: Interval) -> bool {
    since.0 + i64::from(interval.seconds) <= interval.start.0
}

impl Water {
    /// A valve was opened by somebody.
    pub fn ask(&mut self, zone: AssetId, litres: i64, started: UnixSeconds) {
        self.asked_for.starts.push(Start {
            zone,
            litres,
            started,
        });
    }

    /// An irrigation is on record as ended.
    pub fn end(&mut self, zone: AssetId, started: UnixSeconds, at: UnixSeconds) {
        self.asked_for.ends.push(End { zone, started, at });
    }

    /// Valves do what was asked of them.
    pub(super) fn follow_irrigations(&mut self, interval: Interval) {
        let starts = std::mem::take(&mut self.asked_for.starts);
        let (now, later) = starts
            .into_iter()
            .partition(|start| holds(start.started, interval));
        self.asked_for.starts = later;
        for start in now {
            self.begin(start);
        }
        let ends = std::mem::take(&mut self.asked_for.ends);
        let (now, later): (Vec<End>, Vec<End>) =
            ends.into_iter().partition(|end| holds(end.at, interval));
        self.asked_for.ends = later;
        for end in now {
            self.stop(&end);
        }
    }

    /// As much as was asked for, as far as the tank has it by now.
    fn begin(&mut self, start: Start) {
        let Some(zone) = self.zones.iter_mut().find(|zone| zone.id == start.zone) else {
            return;
        };
        if zone.watering.is_some() {
            return;
        }
        let tank = &mut self.tanks[zone.tank];
        let available_l = (tank.level_l - tank.reserve_l - tank.promised_l).max(0);
        let litres = start.litres.min(available_l);
        tank.promised_l += litres;
        zone.watering = Some(Watering {
            started: start.started,
            total_l: litres,
            left_l: litres,
        });
    }

    /// Somebody else reported the end before the water was given.
    fn stop(&mut self, end: &End) {
        let Some(zone) = self.zones.iter_mut().find(|zone| zone.id == end.zone) else {
            return;
        };
        let is_meant = |watering: &mut Watering| watering.started == end.started;
        if let Some(watering) = zone.watering.take_if(is_meant) {
            self.tanks[zone.tank].promised_l -= watering.left_l;
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
                    facts.push(Fact::IrrigationEnded {
                        zone: zone.id.clone(),
                        started: watering.started,
                        at: interval.end(),
                        litres: watering.total_l,
                    });
                    zone.watering = None;
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
            if zone.watering.is_some() || self.asked_for.waits(&zone.id) {
                continue;
            }
            let tank = &mut self.tanks[zone.tank];
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
            });
            facts.push(Fact::IrrigationStarted {
                zone: zone.id.clone(),
                at: interval.end(),
                litres,
            });
        }
    }
}
