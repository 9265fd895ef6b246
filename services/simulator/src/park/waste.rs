//! Bins, and the crew that empties them.

use terrarium_model::{
    AssetId, AssetKind, AssetParameters, Interval, ParkDefinition, UnixSeconds, WasteStream,
};

use super::fact::Fact;
use super::orders::OWN_COLLECTIONS;
use super::plan;
use super::register::Register;
use crate::calendar::{Date, LocalTime};
use crate::chance::Chance;
use crate::physics::visits::{self, WasteTraits};

/// A bin that is so full is on the evening round ...
const ROUND_SHARE: f64 = 0.50;
/// ... and from here on the crew is called at once.
const CALL_SHARE: f64 = 0.80;
/// Local hours: of the evening round, and between which the crew works.
const ROUND_HOUR: f64 = 17.0;
const CREW_HOURS: std::ops::Range<f64> = 6.0..20.0;
/// The crew has so long, and is late once in a while. Assumed.
const DUE_S: i64 = 3 * 3_600;
const LATE_PROBABILITY: f64 = 0.03;
/// The weighbridge shows steps of 500 g (assumed: a scale for hand carts).
const SCALE_STEP_G: i64 = 500;

/// From the order to the collection.
fn crew_takes_s(chance: &mut Chance) -> i64 {
    if chance.happens(LATE_PROBABILITY) {
        DUE_S + 1_800 + chance.exponential(3_600.0) as i64
    } else {
        3_600 + (chance.uniform() * 3_600.0) as i64
    }
}

/// What visitors throw away of each stream, and how loose it lies. Assumed.
fn traits_of(stream: WasteStream) -> WasteTraits {
    let traits = |per_visit_g, kg_per_m3| WasteTraits {
        per_visit_g,
        kg_per_m3,
    };
    match stream {
        WasteStream::Recyclable => traits(22.0, 70.0),
        WasteStream::Residual => traits(26.0, 120.0),
        WasteStream::Kitchen => traits(15.0, 300.0),
        WasteStream::Garden => traits(0.5, 150.0),
        WasteStream::Hazardous => traits(0.3, 200.0),
    }
}

struct Bin {
    id: AssetId,
    capacity_l: i64,
    limit_g: i64,
    stream: WasteStream,
    /// Share of its stream that is thrown into this one.
    share: f64,
    register: Register,
    weight_g: i64,
}

impl Bin {
    fn fill_l(&self) -> i64 {
        let litres = self.weight_g as f64 / traits_of(self.stream).kg_per_m3;
        (litres as i64).min(self.capacity_l)
    }

    fn fullness(&self) -> f64 {
        let by_volume = self.fill_l() as f64 / self.capacity_l as f64;
        by_volume.max(self.weight_g as f64 / self.limit_g as f64)
    }

    /// What still fits, g.
    fn room_g(&self) -> i64 {
        let by_volume = self.capacity_l as f64 * traits_of(self.stream).kg_per_m3;
        (by_volume as i64).min(self.limit_g) - self.weight_g
    }
}

struct Order {
    id: String,
    bins: Vec<usize>,
    acknowledges: UnixSeconds,
    is_acknowledged: bool,
    collects: UnixSeconds,
}

/// Mass of one interval in g.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WasteBalance {
    pub thrown_g: i64,
    /// Beside full bins.
    pub littered_g: i64,
    pub collected_g: i64,
}

/// All bins of a park.
pub struct Waste {
    seed: u64,
    bins: Vec<Bin>,
    /// Of the crew's own planning.
    order: Option<Order>,
    /// Of somebody else's.
    ordered: Vec<Order>,
    /// Of the last interval.
    pub balance: WasteBalance,
}

impl Waste {
    pub fn new(park: &ParkDefinition, seed: u64) -> Waste {
        let mut bins: Vec<Bin> = plan::of_kind(park, AssetKind::Bin)
            .filter_map(|asset| match asset.parameters {
                AssetParameters::Bin {
                    capacity_l,
                    limit_g,
                    waste,
                } => Some(Bin {
                    id: asset.id.clone(),
                    capacity_l,
                    limit_g,
                    stream: waste,
                    share: 0.0,
                    register: Register::default(),
                    weight_g: 0,
                }),
                _ => None,
            })
            .collect();
        for place in 0..bins.len() {
            let stream = bins[place].stream;
            let same = bins.iter().filter(|bin| bin.stream == stream).count();
            bins[place].share = 1.0 / same as f64;
        }
        Waste {
            seed,
            bins,
            order: None,
            ordered: Vec::new(),
            balance: WasteBalance::default(),
        }
    }

    /// Lets one interval pass, with so many visitors who came in.
    pub fn step(
        &mut self,
        local: LocalTime,
        interval: Interval,
        visitors: i64,
        facts: &mut Vec<Fact>,
    ) {
        self.balance = WasteBalance::default();
        for place in 0..self.bins.len() {
            self.throw(place, interval, visitors);
        }
        self.collect(interval, facts);
        for bin in &self.bins {
            facts.push(Fact::BinMeasured {
                bin: bin.id.clone(),
                at: interval.end(),
                fill_l: bin.fill_l(),
                weight_g: bin.weight_g,
            });
        }
        self.acknowledge(interval, facts);
        self.call(local, interval, facts);
    }

    fn throw(&mut self, place: usize, interval: Interval, visitors: i64) {
        let bin = &mut self.bins[place];
        if visitors == 0 {
            return;
        }
        let mut chance = Chance::of(self.seed, bin.id.as_str(), interval.start.0, "waste");
        let traits = traits_of(bin.stream);
        let thrown = bin.share * visits::thrown_away_g(&mut chance, visitors, traits);
        let thrown_g = bin.register.take(thrown);
        let binned_g = thrown_g.min(bin.room_g().max(0));
        bin.weight_g += binned_g;
        self.balance.thrown_g += thrown_g;
        self.balance.littered_g += thrown_g - binned_g;
    }

    fn collect(&mut self, interval: Interval, facts: &mut Vec<Fact>) {
        let is_due = |order: &Order| order.is_acknowledged && order.collects <= interval.end();
        let own = self.order.take_if(|order| is_due(order));
        let others = self.ordered.extract_if(.., |order| is_due(order));
        let due: Vec<Order> = own.into_iter().chain(others).collect();
        for order in due {
            let mut weight_g = 0;
            for place in order.bins {
                weight_g += std::mem::take(&mut self.bins[place].weight_g);
            }
            self.balance.collected_g += weight_g;
            facts.push(Fact::Collected {
                ticket: format!("t-{}", order.id),
                collection: order.id,
                // The bins report empty at the end of the interval, so that is when they were emptied.
                at: UnixSeconds(interval.end().0 - 60),
                weight_g: (weight_g + SCALE_STEP_G / 2) / SCALE_STEP_G * SCALE_STEP_G,
            });
        }
    }

    fn acknowledge(&mut self, interval: Interval, facts: &mut Vec<Fact>) {
        for order in self.order.iter_mut().chain(&mut self.ordered) {
            if !order.is_acknowledged && order.acknowledges <= interval.end() {
                order.is_acknowledged = true;
                facts.push(Fact::CollectionAcknowledged {
                    collection: order.id.clone(),
                    at: interval.end(),
                });
            }
        }
    }

    /// Somebody else than the crew's own planning asks for bins to be emptied. It is late, too, once in a while.
    pub fn order(&mut self, collection: &str, bins: &[AssetId], ordered: UnixSeconds) {
        let places = bins
            .iter()
            .filter_map(|bin| self.bins.iter().position(|known| known.id == *bin));
        let mut chance = Chance::of(self.seed, "crew", ordered.0, collection);
        let takes_s = crew_takes_s(&mut chance);
        self.ordered.push(Order {
            id: collection.to_owned(),
            bins: places.collect(),
            acknowledges: UnixSeconds(ordered.0 + 600),
            is_acknowledged: false,
            collects: UnixSeconds(ordered.0 + takes_s),
        });
    }

    fn call(&mut self, local: LocalTime, interval: Interval, facts: &mut Vec<Fact>) {
        if self.order.is_some() || !CREW_HOURS.contains(&local.hour()) {
            return;
        }
        let hours = f64::from(interval.seconds) / 3_600.0;
        let is_round = local.hour() < ROUND_HOUR && local.hour() + hours >= ROUND_HOUR;
        let is_called = self.bins.iter().any(|bin| bin.fullness() >= CALL_SHARE);
        if !is_round && !is_called {
            return;
        }
        let bins: Vec<usize> = (0..self.bins.len())
            .filter(|place| self.bins[*place].fullness() >= ROUND_SHARE)
            .collect();
        if bins.is_empty() {
            return;
        }
        let at = interval.end();
        let mut chance = Chance::of(self.seed, "crew", at.0, "collection");
        let takes_s = crew_takes_s(&mut chance);
        let date = Date::of_day(local.day);
        let id = format!(
            "{OWN_COLLECTIONS}{:04}{:02}{:02}-{:02}{:02}",
            date.year,
            date.month,
            date.day,
            local.second_of_day / 3_600,
            local.second_of_day % 3_600 / 60
        );
        facts.push(Fact::CollectionOrdered {
            collection: id.clone(),
            bins: bins
                .iter()
                .map(|place| self.bins[*place].id.clone())
                .collect(),
            at,
            due: UnixSeconds(at.0 + DUE_S),
        });
        self.order = Some(Order {
            id,
            bins,
            acknowledges: UnixSeconds(at.0 + 600),
            is_acknowledged: false,
            collects: UnixSeconds(at.0 + takes_s),
        });
    }

    /// Mass in all bins, g.
    pub fn held_g(&self) -> i64 {
        self.bins.iter().map(|bin| bin.weight_g).sum()
    }
}
