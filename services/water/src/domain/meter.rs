//! The water meters of an asset: litres over intervals that never overlap, and the watch for leaks by night.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::{Event, IntervalBook, Rejection, Setting, facts, refuse_future};
use terrarium_model::{AssetId, Interval, ParkId, TimeZone, UnixSeconds};
use terrarium_proto::water::v1::{
    LeakClearedV1, LeakSuspectedV1, LeakWatchSetV1, WaterMeteredV1, WaterReadingQuarantinedV1,
};
use uuid::Uuid;

use super::flow::Litres;
use crate::events::{network_from_wire, network_to_wire};

/// Nobody uses water in these hours of the park's day: from 02:00 ...
const NIGHT_FROM_S: i64 = 2 * 3_600;
/// ... for two hours, as in the minimum night flow of leakage control (IWA).
const NIGHT_S: u32 = 2 * 3_600;
/// Night flow that counts as a leak where nothing was set (assumed).
pub const DEFAULT_LIMIT_L_PER_H: i64 = 20;
/// Nights in a row that make a leak where nothing was set (assumed).
pub const DEFAULT_NIGHTS: u32 = 3;
/// Nights in a row at most.
pub const MOST_NIGHTS: u32 = 30;
const DAY_S: i64 = 86_400;

facts! {
    /// What happened to the water meters of an asset.
    pub enum WaterMeterFact in "terrarium.water.v1" {
        WaterMeteredV1 at interval_start_s for interval_seconds,
        WaterReadingQuarantinedV1 at interval_start_s for interval_seconds,
        LeakWatchSetV1 at time_s,
        LeakSuspectedV1 at time_s,
        LeakClearedV1 at time_s,
    }
}

/// Everything a decision needs beside the meter's own past.
#[derive(Clone, Debug)]
pub struct WaterMeterContext {
    /// Park of the asset.
    pub park: ParkId,
    /// What is metered.
    pub asset: AssetId,
    /// The park's zone, for its nights.
    pub time_zone: TimeZone,
    /// The park's time.
    pub now: UnixSeconds,
}

/// Where metered water comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaterNetwork {
    /// The public supply.
    Supply,
    /// Treated waste water.
    Reclaimed,
    /// Collected rain.
    Rain,
}

/// Water that flowed to an asset over one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeteredWater {
    /// Where it comes from.
    pub network: WaterNetwork,
    /// When it flowed.
    pub interval: Interval,
    /// How much.
    pub litres: i64,
}

/// The event that water was metered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaterMetered {
    /// Follows from what the event says.
    pub id: Uuid,
    /// What is metered.
    pub asset: AssetId,
    /// The water.
    pub water: MeteredWater,
}

/// What can be asked of the water meters of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaterMeterCommand {
    /// Take in a reading.
    Report(MeteredWater),
    /// Set from when on night flow counts as a leak.
    SetWatch(WaterNetwork, LeakWatch),
}

/// From when on night flow counts as a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakWatch {
    /// Flow above it ...
    pub limit_l_per_h: i64,
    /// ... in so many nights in a row.
    pub nights: u32,
}

impl LeakWatch {
    pub(crate) fn of(set: &LeakWatchSetV1) -> LeakWatch {
        LeakWatch {
            limit_l_per_h: set.limit_l_per_h,
            nights: set.nights,
        }
    }

    /// What it sets of a network.
    pub(crate) fn setting(&self, network: terrarium_proto::water::v1::WaterNetwork) -> Setting {
        let network = i32::from(network).to_le_bytes();
        let (limit, nights) = (self.limit_l_per_h.to_le_bytes(), self.nights.to_le_bytes());
        Setting::of(&[&network, &limit, &nights])
    }
}

impl Default for LeakWatch {
    fn default() -> Self {
        LeakWatch {
            limit_l_per_h: DEFAULT_LIMIT_L_PER_H,
            nights: DEFAULT_NIGHTS,
        }
    }
}

/// The water meters of one asset, as their past left them.
#[derive(Default)]
pub struct WaterMeter {
    networks: BTreeMap<WaterNetwork, OneMeter>,
    quarantined: BTreeMap<Uuid, WaterReadingQuarantinedV1>,
}

#[derive(Default)]
struct OneMeter {
    readings: IntervalBook<Litres>,
    watch: Option<LeakWatch>,
    leak: Option<LeakSuspectedV1>,
}

impl WaterMeter {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        let is_due = self
            .networks
            .values()
            .any(|meter| meter.readings.is_large());
        if !is_due {
            return;
        }
        // What a right reading took the place of is told no more, and without that reading nobody could say so.
        let waiting: BTreeSet<Uuid> = self.quarantined().map(|(id, _)| *id).collect();
        self.quarantined.retain(|id, _| waiting.contains(id));
        for meter in self.networks.values_mut() {
            meter.readings.forget_old();
        }
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, command: &WaterMeterCommand) -> bool {
        let WaterMeterCommand::Report(water) = command else {
            return false;
        };
        // A reading may complete the last of many nights.
        let nights_s = i64::from(MOST_NIGHTS) * DAY_S;
        let first_night = UnixSeconds(water.interval.start.0 - nights_s);
        let meter = self.networks.get(&water.network);
        meter.is_some_and(|meter| meter.readings.is_forgotten(first_night))
    }

    /// Leaks that are suspected, network by network.
    pub fn leaks(&self) -> impl Iterator<Item = &LeakSuspectedV1> {
        self.networks
            .values()
            .filter_map(|meter| meter.leak.as_ref())
    }

    /// Readings in quarantine that no right one took the place of.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Uuid, &WaterReadingQuarantinedV1)> {
        self.quarantined.iter().filter(|(_, reading)| {
            let interval = Interval {
                start: UnixSeconds(reading.interval_start_s),
                seconds: reading.interval_seconds,
            };
            let meter = network_from_wire(reading.network())
                .and_then(|network| self.networks.get(&network));
            meter.is_none_or(|meter| meter.readings.begun_in(interval).next().is_none())
        })
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &WaterMeterContext,
        command: &WaterMeterCommand,
    ) -> Result<Vec<Event<WaterMeterFact>>, Rejection> {
        match command {
            WaterMeterCommand::Report(water) => self.report(context, water),
            WaterMeterCommand::SetWatch(network, watch) => {
                self.set_watch(context, *network, *watch)
            }
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<WaterMeterFact>) {
        match &event.fact {
            WaterMeterFact::WaterMeteredV1(metered) => {
                let interval = Interval {
                    start: UnixSeconds(metered.interval_start_s),
                    seconds: metered.interval_seconds,
                };
                let litres = Litres(metered.litres);
                self.of(metered.network(), |meter| {
                    meter.readings.insert(interval, litres)
                });
            }
            WaterMeterFact::WaterReadingQuarantinedV1(reading) => {
                self.quarantined.insert(event.id, reading.clone());
            }
            WaterMeterFact::LeakWatchSetV1(set) => self.of(set.network(), |meter| {
                meter.watch = Some(LeakWatch::of(set));
            }),
            WaterMeterFact::LeakSuspectedV1(leak) => {
                self.of(leak.network(), |meter| meter.leak = Some(leak.clone()));
            }
            WaterMeterFact::LeakClearedV1(cleared) => {
                self.of(cleared.network(), |meter| meter.leak = None);
            }
        }
    }

    fn of(
        &mut self,
        network: terrarium_proto::water::v1::WaterNetwork,
        change: impl FnOnce(&mut OneMeter),
    ) {
        if let Some(network) = network_from_wire(network) {
            change(self.networks.entry(network).or_default());
        }
    }

    fn set_watch(
        &self,
        context: &WaterMeterContext,
        network: WaterNetwork,
        watch: LeakWatch,
    ) -> Result<Vec<Event<WaterMeterFact>>, Rejection> {
        if watch.limit_l_per_h < 0 {
            return Err(Rejection::invalid(
                "limit_l_per_h",
                format!("{} l/h is below zero; send 0 or more", watch.limit_l_per_h),
            ));
        }
        if !(1..=MOST_NIGHTS).contains(&watch.nights) {
            return Err(Rejection::invalid(
                "nights",
                format!("{} nights; send 1 to {MOST_NIGHTS}", watch.nights),
            ));
        }
        if self.networks.get(&network).and_then(|meter| meter.watch) == Some(watch) {
            return Ok(Vec::new());
        }
        let set = LeakWatchSetV1 {
            asset: context.asset.to_string(),
            network: network_to_wire(network).into(),
            limit_l_per_h: watch.limit_l_per_h,
            nights: watch.nights,
            time_s: context.now.0,
        };
        Ok(vec![Event::of(&context.park, set)])
    }

    fn report(
        &self,
        context: &WaterMeterContext,
        water: &MeteredWater,
    ) -> Result<Vec<Event<WaterMeterFact>>, Rejection> {
        let nothing = OneMeter::default();
        let meter = self.networks.get(&water.network).unwrap_or(&nothing);
        let what = context.asset.as_str();
        if !meter
            .readings
            .is_new("litres", what, water.interval, &Litres(water.litres))?
        {
            return Ok(Vec::new());
        }
        refuse_future("interval_start", water.interval.end(), context.now)?;
        if water.litres < 0 {
            let event = Event::of(&context.park, quarantined(context, water));
            let is_known = self.quarantined.contains_key(&event.id);
            return Ok(if is_known { Vec::new() } else { vec![event] });
        }
        let mut events = vec![metered_event(context, water)];
        events.extend(meter.leak_change(context, water));
        Ok(events)
    }
}

impl OneMeter {
    /// What a reading that completes a night says about a leak.
    fn leak_change(
        &self,
        context: &WaterMeterContext,
        water: &MeteredWater,
    ) -> Option<Event<WaterMeterFact>> {
        let mut night = night_of(&context.time_zone, water.interval)?;
        let mut flow_l_per_h = self.night_flow(night, Some(water))?;
        // Late readings may complete a night before others that are complete.
        while let Some((next, next_flow)) = self.next_night(night, water) {
            (night, flow_l_per_h) = (next, next_flow);
        }
        let watch = self.watch.unwrap_or_default();
        let network = network_to_wire(water.network).into();
        let asset = context.asset.to_string();
        if let Some(leak) = &self.leak {
            let is_over = flow_l_per_h <= watch.limit_l_per_h && night.end().0 > leak.time_s;
            return is_over.then(|| {
                let cleared = LeakClearedV1 {
                    asset,
                    network,
                    time_s: night.end().0,
                    night_flow_l_per_h: flow_l_per_h,
                    limit_l_per_h: watch.limit_l_per_h,
                };
                Event::of(&context.park, cleared)
            });
        }
        let mut flows = Vec::with_capacity(watch.nights as usize);
        for back in (0..i64::from(watch.nights)).rev() {
            let flow = self.night_flow(shifted(night, -back), Some(water))?;
            flows.push((flow > watch.limit_l_per_h).then_some(flow)?);
        }
        let suspected = LeakSuspectedV1 {
            asset,
            network,
            time_s: night.end().0,
            night_flows_l_per_h: flows,
            limit_l_per_h: watch.limit_l_per_h,
        };
        Some(Event::of(&context.park, suspected))
    }

    fn next_night(&self, night: Interval, water: &MeteredWater) -> Option<(Interval, i64)> {
        let next = shifted(night, 1);
        Some((next, self.night_flow(next, Some(water))?))
    }

    /// The least flow of a night in litres an hour, rounded down; `None` while readings are missing.
    fn night_flow(&self, night: Interval, with: Option<&MeteredWater>) -> Option<i64> {
        let new = with
            .filter(|water| night.contains(water.interval.start))
            .map(|water| (water.interval, water.litres));
        let known = self
            .readings
            .begun_in(night)
            .map(|(interval, litres)| (interval, litres.0));
        let mut covered_s = 0;
        let mut least = None;
        for (interval, litres) in known.chain(new) {
            if interval.end() > night.end() {
                return None;
            }
            covered_s += interval.seconds;
            let flow = i128::from(litres) * 3_600 / i128::from(interval.seconds);
            let flow = i64::try_from(flow).unwrap_or(i64::MAX);
            least = Some(least.map_or(flow, |least: i64| least.min(flow)));
        }
        least.filter(|_| covered_s == night.seconds)
    }
}

/// The night that an interval lies in, if it does.
fn night_of(time_zone: &TimeZone, interval: Interval) -> Option<Interval> {
    let offset_s = i64::from(time_zone.offset_seconds(interval.start));
    let local_day = (interval.start.0 + offset_s).div_euclid(DAY_S);
    let night = Interval {
        start: UnixSeconds(local_day * DAY_S + NIGHT_FROM_S - offset_s),
        seconds: NIGHT_S,
    };
    (night.contains(interval.start) && interval.end() <= night.end()).then_some(night)
}

fn shifted(night: Interval, days: i64) -> Interval {
    Interval {
        start: UnixSeconds(night.start.0 + days * DAY_S),
        ..night
    }
}

fn quarantined(context: &WaterMeterContext, water: &MeteredWater) -> WaterReadingQuarantinedV1 {
    WaterReadingQuarantinedV1 {
        asset: context.asset.to_string(),
        network: network_to_wire(water.network).into(),
        interval_start_s: water.interval.start.0,
        interval_seconds: water.interval.seconds,
        litres: water.litres,
        reason: format!(
            "{} l is below zero; water in the other direction belongs to another meter",
            water.litres
        ),
    }
}

fn metered_event(context: &WaterMeterContext, water: &MeteredWater) -> Event<WaterMeterFact> {
    let network: &[u8] = match water.network {
        WaterNetwork::Supply => b"supply",
        WaterNetwork::Reclaimed => b"reclaimed",
        WaterNetwork::Rain => b"rain",
    };
    let metered = WaterMeteredV1 {
        asset: context.asset.to_string(),
        network: network_to_wire(water.network).into(),
        interval_start_s: water.interval.start.0,
        interval_seconds: water.interval.seconds,
        litres: water.litres,
    };
    Event {
        id: terrarium_model::event_id(&[
            b"terrarium.water.metered",
            context.park.as_str().as_bytes(),
            context.asset.as_str().as_bytes(),
            network,
            &water.interval.start.0.to_le_bytes(),
            &water.interval.seconds.to_le_bytes(),
            &water.litres.to_le_bytes(),
        ]),
        fact: metered.into(),
        causation: None,
    }
}

/// The reason of a quarantined reading, for lists.
pub fn shown(reading: &WaterReadingQuarantinedV1) -> Arc<str> {
    format!(
        "{} l in {} s from the {} network",
        reading.litres,
        reading.interval_seconds,
        match network_from_wire(reading.network()) {
            Some(WaterNetwork::Supply) => "supply",
            Some(WaterNetwork::Reclaimed) => "reclaimed",
            Some(WaterNetwork::Rain) => "rain",
            None => "unknown",
        }
    )
    .into()
}

#[cfg(test)]
mod tests;
