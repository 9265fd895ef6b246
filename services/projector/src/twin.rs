//! The live state of a park's water, waste and mobility: what each asset is doing now. Deterministic.
//!
//! Nothing here depends on how the streams were interleaved: every asset's state follows from its own stream alone. The
//! content hash covers that state and *which* events made it (their number and the sum of their ids, which follow from what
//! they say); the state hash covers positions too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_ledger::hash::Hasher;
use terrarium_mobility::domain::{ChargerEvent, ChargerFact, Totals};
use terrarium_model::{AssetId, UnixSeconds};
use terrarium_waste::domain::{BinEvent, BinFact, BinMeasurement, CollectionEvent, CollectionFact};
use terrarium_waste::events::WasteEvent;
use terrarium_water::domain::{
    IrrigationEvent, IrrigationFact, MeteredWater, TankAlarm, TankEvent, TankFact, TankLevel,
    WaterNetwork,
};
use terrarium_water::events::WaterEvent;
use uuid::Uuid;

/// An event that the twin takes in.
#[derive(Clone, Debug)]
pub enum TwinEvent {
    /// Of the water domain.
    Water(WaterEvent),
    /// Of the waste domain.
    Waste(WasteEvent),
    /// Of the mobility domain.
    Charger(ChargerEvent),
}

/// One park's water, waste and mobility as of one position.
#[derive(Default)]
pub struct Twin {
    tanks: BTreeMap<AssetId, Tracked<TankState>>,
    irrigation_zones: BTreeMap<AssetId, Tracked<IrrigationState>>,
    water_meters: BTreeMap<AssetId, Tracked<WaterMeterState>>,
    bins: BTreeMap<AssetId, Tracked<BinState>>,
    collections: BTreeMap<Arc<str>, Tracked<CollectionState>>,
    chargers: BTreeMap<AssetId, Tracked<ChargerState>>,
}

/// A tank as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TankState {
    /// The newest level.
    pub newest: Option<TankLevel>,
    /// Alarms that are raised.
    pub alarms: BTreeSet<TankAlarm>,
}

/// An irrigation zone as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IrrigationState {
    /// The running irrigation: its event, its start, and the litres asked for.
    pub running: Option<(Uuid, UnixSeconds, i64)>,
    /// Litres given in all.
    pub given_l: i64,
}

/// What an asset used of each network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaterMeterState {
    /// Litres in all.
    pub metered_l: BTreeMap<WaterNetwork, i64>,
}

/// A bin as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinState {
    /// The newest measurement; nothing in it after it was emptied.
    pub newest: Option<BinMeasurement>,
    /// The overflow alarm is raised.
    pub is_overflowing: bool,
    /// How often it was emptied.
    pub emptied: u64,
}

/// A collection as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionState {
    /// By when it was to be done.
    pub due: Option<UnixSeconds>,
    /// Whoever was asked has seen it.
    pub is_acknowledged: bool,
    /// It was not done in time.
    pub is_missed: bool,
    /// Grams collected, once it was executed.
    pub executed_g: Option<i64>,
}

/// A charger as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChargerState {
    /// The running session and when it began.
    pub session: Option<(Arc<str>, UnixSeconds)>,
    /// The newest totals of the running session and their time.
    pub session_totals: Option<(UnixSeconds, Totals)>,
    /// Sessions that ended.
    pub sessions_ended: u64,
    /// Energy of all sessions that ended.
    pub ended_totals: Totals,
    /// Faults that are present.
    pub faults: BTreeSet<Arc<str>>,
    /// The newest ask: its event, its limit in W, and whether it was obeyed once that is known.
    pub ask: Option<(Uuid, i64, Option<bool>)>,
}

/// A state and the events that made it.
#[derive(Default)]
struct Tracked<S> {
    state: S,
    events: u64,
    /// Sum of their ids modulo 2^128: the same whatever order they came in.
    event_ids: u128,
    last_position: u64,
}

impl Twin {
    /// Takes in an event.
    pub fn apply(&mut self, event: &TwinEvent, id: Uuid, position: u64) {
        match event {
            TwinEvent::Water(WaterEvent::Tank(event)) => {
                track(&mut self.tanks, &event.tank, id, position).apply(event)
            }
            TwinEvent::Water(WaterEvent::Irrigation(event)) => {
                track(&mut self.irrigation_zones, &event.zone, id, position).apply(event);
            }
            TwinEvent::Water(WaterEvent::Metered(event)) => {
                track(&mut self.water_meters, &event.asset, id, position).apply(&event.water);
            }
            TwinEvent::Waste(WasteEvent::Bin(event)) => {
                track(&mut self.bins, &event.bin, id, position).apply(event)
            }
            TwinEvent::Waste(WasteEvent::Collection(event)) => {
                track(&mut self.collections, &event.collection, id, position).apply(event);
            }
            TwinEvent::Charger(event) => {
                track(&mut self.chargers, &event.charger, id, position).apply(event)
            }
        }
    }

    /// A tank that reported.
    pub fn tank(&self, tank: &AssetId) -> Option<&TankState> {
        self.tanks.get(tank).map(|tracked| &tracked.state)
    }

    /// An irrigation zone that was used.
    pub fn irrigation_zone(&self, zone: &AssetId) -> Option<&IrrigationState> {
        self.irrigation_zones
            .get(zone)
            .map(|tracked| &tracked.state)
    }

    /// What a metered asset used.
    pub fn water_meter(&self, asset: &AssetId) -> Option<&WaterMeterState> {
        self.water_meters.get(asset).map(|tracked| &tracked.state)
    }

    /// A bin that reported.
    pub fn bin(&self, bin: &AssetId) -> Option<&BinState> {
        self.bins.get(bin).map(|tracked| &tracked.state)
    }

    /// A collection that was ordered.
    pub fn collection(&self, collection: &str) -> Option<&CollectionState> {
        self.collections
            .get(collection)
            .map(|tracked| &tracked.state)
    }

    /// A charger that reported.
    pub fn charger(&self, charger: &AssetId) -> Option<&ChargerState> {
        self.chargers.get(charger).map(|tracked| &tracked.state)
    }

    /// Content and state hash.
    pub fn hashes(&self) -> ([u8; 32], [u8; 32]) {
        let mut hashers = Hashers {
            content: Hasher::new("twin"),
            state: Hasher::new("twin-positions"),
        };
        hashers.all("tank", &self.tanks, AssetId::as_str, TankState::hash);
        hashers.all(
            "irrigation",
            &self.irrigation_zones,
            AssetId::as_str,
            IrrigationState::hash,
        );
        hashers.all(
            "water-meter",
            &self.water_meters,
            AssetId::as_str,
            WaterMeterState::hash,
        );
        hashers.all("bin", &self.bins, AssetId::as_str, BinState::hash);
        hashers.all(
            "collection",
            &self.collections,
            |collection| collection,
            CollectionState::hash,
        );
        hashers.all(
            "charger",
            &self.chargers,
            AssetId::as_str,
            ChargerState::hash,
        );
        let content = hashers.content.finish();
        hashers.state.bytes(&content);
        (content, hashers.state.finish())
    }
}

fn track<'a, K: Ord + Clone, S: Default>(
    assets: &'a mut BTreeMap<K, Tracked<S>>,
    key: &K,
    id: Uuid,
    position: u64,
) -> &'a mut S {
    if !assets.contains_key(key) {
        assets.insert(key.clone(), Tracked::default());
    }
    let tracked = assets.get_mut(key).expect("inserted above");
    tracked.events += 1;
    tracked.event_ids = tracked.event_ids.wrapping_add(id.as_u128());
    tracked.last_position = position;
    &mut tracked.state
}

impl TankState {
    fn apply(&mut self, event: &TankEvent) {
        match &event.fact {
            TankFact::LevelMeasured(level) => {
                if self.newest.is_none_or(|newest| newest.time < level.time) {
                    self.newest = Some(*level);
                }
            }
            TankFact::AlarmRaised { alarm, .. } => {
                self.alarms.insert(*alarm);
            }
            TankFact::AlarmCleared { alarm, .. } => {
                self.alarms.remove(alarm);
            }
        }
    }

    fn hash(&self, hasher: &mut Hasher) {
        option(hasher, self.newest, |hasher, newest| {
            hasher.number(newest.time.0).number(newest.level_l);
        });
        hasher.number(self.alarms.len() as i64);
        for alarm in &self.alarms {
            hasher.text(match alarm {
                TankAlarm::Low => "low",
                TankAlarm::High => "high",
            });
        }
    }
}

impl IrrigationState {
    fn apply(&mut self, event: &IrrigationEvent) {
        match &event.fact {
            IrrigationFact::Started { time, litres, .. } => {
                self.running = Some((event.id, *time, *litres))
            }
            IrrigationFact::Ended {
                started, litres, ..
            } => {
                self.given_l = self.given_l.saturating_add(*litres);
                self.running = self.running.filter(|(running, ..)| running != started);
            }
        }
    }

    fn hash(&self, hasher: &mut Hasher) {
        option(hasher, self.running, |hasher, (id, time, litres)| {
            hasher.bytes(id.as_bytes()).number(time.0).number(litres);
        });
        hasher.number(self.given_l);
    }
}

impl WaterMeterState {
    fn apply(&mut self, water: &MeteredWater) {
        let metered_l = self.metered_l.entry(water.network).or_default();
        *metered_l = metered_l.saturating_add(water.litres);
    }

    fn hash(&self, hasher: &mut Hasher) {
        hasher.number(self.metered_l.len() as i64);
        for (network, metered_l) in &self.metered_l {
            let network = match network {
                WaterNetwork::Supply => "supply",
                WaterNetwork::Reclaimed => "reclaimed",
                WaterNetwork::Rain => "rain",
            };
            hasher.text(network).number(*metered_l);
        }
    }
}

impl BinState {
    fn apply(&mut self, event: &BinEvent) {
        match &event.fact {
            BinFact::Weighed(measurement) => self.measured(*measurement),
            BinFact::OverflowRaised { .. } => self.is_overflowing = true,
            BinFact::OverflowCleared { .. } => self.is_overflowing = false,
            BinFact::Emptied { time, .. } => {
                self.emptied += 1;
                self.measured(BinMeasurement {
                    time: *time,
                    fill_l: 0,
                    weight_g: 0,
                });
            }
        }
    }

    fn measured(&mut self, measurement: BinMeasurement) {
        if self
            .newest
            .is_none_or(|newest| newest.time <= measurement.time)
        {
            self.newest = Some(measurement);
        }
    }

    fn hash(&self, hasher: &mut Hasher) {
        option(hasher, self.newest, |hasher, newest| {
            hasher
                .number(newest.time.0)
                .number(newest.fill_l)
                .number(newest.weight_g);
        });
        hasher
            .bytes(&[u8::from(self.is_overflowing)])
            .number(self.emptied as i64);
    }
}

impl CollectionState {
    fn apply(&mut self, event: &CollectionEvent) {
        match &event.fact {
            CollectionFact::Ordered { order, .. } => self.due = Some(order.due),
            CollectionFact::Acknowledged { .. } => self.is_acknowledged = true,
            CollectionFact::Executed { execution, .. } => {
                self.executed_g = Some(execution.weight_g)
            }
            CollectionFact::Missed { .. } => self.is_missed = true,
        }
    }

    fn hash(&self, hasher: &mut Hasher) {
        option(hasher, self.due, |hasher, due| {
            hasher.number(due.0);
        });
        hasher.bytes(&[u8::from(self.is_acknowledged), u8::from(self.is_missed)]);
        option(hasher, self.executed_g, |hasher, executed_g| {
            hasher.number(executed_g);
        });
    }
}

impl ChargerState {
    fn apply(&mut self, event: &ChargerEvent) {
        match &event.fact {
            ChargerFact::SessionStarted { session, start } => {
                self.session = Some((Arc::clone(session), start.time));
                self.session_totals = None;
            }
            ChargerFact::SessionMetered {
                session,
                time,
                totals,
            } => {
                let is_running = self
                    .session
                    .as_ref()
                    .is_some_and(|(running, _)| running == session);
                if is_running && self.session_totals.is_none_or(|(newest, _)| newest < *time) {
                    self.session_totals = Some((*time, *totals));
                }
            }
            ChargerFact::SessionEnded { totals, .. } => {
                self.session = None;
                self.session_totals = None;
                self.sessions_ended += 1;
                let ended = &mut self.ended_totals;
                ended.energy_in_wh = ended.energy_in_wh.saturating_add(totals.energy_in_wh);
                ended.energy_out_wh = ended.energy_out_wh.saturating_add(totals.energy_out_wh);
            }
            ChargerFact::FaultRaised { fault, .. } => {
                self.faults.insert(Arc::clone(fault));
            }
            ChargerFact::FaultCleared { fault, .. } => {
                self.faults.remove(fault);
            }
            ChargerFact::PowerAsked(ask) => self.ask = Some((event.id, ask.limit_w, None)),
            ChargerFact::PowerObeyed { asked, .. } => self.answered(asked, true),
            ChargerFact::PowerMissed { asked, .. } => self.answered(asked, false),
        }
    }

    fn answered(&mut self, asked: &Uuid, obeyed: bool) {
        if let Some((newest, _, outcome)) = &mut self.ask
            && newest == asked
        {
            *outcome = Some(obeyed);
        }
    }

    fn hash(&self, hasher: &mut Hasher) {
        option(
            hasher,
            self.session.as_ref(),
            |hasher, (session, started)| {
                hasher.text(session).number(started.0);
            },
        );
        option(hasher, self.session_totals, |hasher, (time, totals)| {
            hasher
                .number(time.0)
                .number(totals.energy_in_wh)
                .number(totals.energy_out_wh);
        });
        hasher
            .number(self.sessions_ended as i64)
            .number(self.ended_totals.energy_in_wh)
            .number(self.ended_totals.energy_out_wh)
            .number(self.faults.len() as i64);
        for fault in &self.faults {
            hasher.text(fault);
        }
        option(hasher, self.ask, |hasher, (id, limit_w, obeyed)| {
            hasher.bytes(id.as_bytes()).number(limit_w);
            option(hasher, obeyed, |hasher, obeyed| {
                hasher.bytes(&[u8::from(obeyed)]);
            });
        });
    }
}

/// A value that may be absent, unambiguously.
fn option<T>(hasher: &mut Hasher, value: Option<T>, hash: impl FnOnce(&mut Hasher, T)) {
    hasher.bytes(&[u8::from(value.is_some())]);
    if let Some(value) = value {
        hash(hasher, value);
    }
}

struct Hashers {
    content: Hasher,
    state: Hasher,
}

impl Hashers {
    fn all<K, S>(
        &mut self,
        kind: &str,
        assets: &BTreeMap<K, Tracked<S>>,
        name: impl Fn(&K) -> &str,
        hash: impl Fn(&S, &mut Hasher),
    ) {
        self.content.text(kind).number(assets.len() as i64);
        for (key, tracked) in assets {
            self.content
                .text(name(key))
                .number(tracked.events as i64)
                .bytes(&tracked.event_ids.to_le_bytes());
            hash(&tracked.state, &mut self.content);
            self.state.number(tracked.last_position as i64);
        }
    }
}

#[cfg(test)]
mod tests;
