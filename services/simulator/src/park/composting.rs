//! Garden waste on its way through the shredder and the compost bays.

use terrarium_model::{AssetId, AssetKind, AssetParameters, Interval, ParkDefinition};

use super::fact::{CompostWork, Fact};
use super::plan;
use crate::calendar::{Date, LocalTime};
use crate::chance::Chance;
use crate::physics::compost::Heap;

/// Garden waste of planted ground in kg/m2 a year that is composted; the rest stays as mulch. Assumed.
const KG_PER_M2_YEAR: f64 = 0.35;
/// Share of a year's garden waste in each month, January first: leaves in autumn, hedges and lawns in summer. Assumed.
const MONTHLY_SHARE: [f64; 12] = [
    0.02, 0.02, 0.05, 0.07, 0.10, 0.10, 0.10, 0.09, 0.09, 0.14, 0.16, 0.06,
];
/// Garden work is brought in on Mondays at nine, and heaps are turned on Thursdays. Assumed.
const FEED: (i64, i64) = (0, 9 * 3_600);
const TURN: (i64, i64) = (3, 9 * 3_600);
/// A bay is closed to new material when it is so full, or so old in days.
const FULL_SHARE: f64 = 0.85;
const FEED_DAYS: i64 = 28;

struct Bay {
    id: AssetId,
    capacity_g: i64,
    heap: Heap,
    batch: Option<Batch>,
}

struct Batch {
    id: String,
    since_day: i64,
    fed_g: i64,
}

/// Mass of one interval in g.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompostBalance {
    pub fed_g: i64,
    pub product_g: i64,
    /// Rotted away.
    pub rotted_g: i64,
}

/// All compost bays of a park.
pub struct Composting {
    seed: u64,
    bays: Vec<Bay>,
    planted_m2: f64,
    /// Of the last interval.
    pub balance: CompostBalance,
}

impl Composting {
    pub fn new(park: &ParkDefinition, seed: u64) -> Composting {
        let bays = plan::of_kind(park, AssetKind::CompostBay)
            .filter_map(|asset| match asset.parameters {
                AssetParameters::CompostBay { capacity_kg } => Some(Bay {
                    id: asset.id.clone(),
                    capacity_g: capacity_kg * 1_000,
                    heap: Heap::new(10.0),
                    batch: None,
                }),
                _ => None,
            })
            .collect();
        let planted_m2 = plan::of_kind(park, AssetKind::IrrigationZone)
            .map(|asset| match asset.parameters {
                AssetParameters::IrrigationZone { area_m2, .. } => area_m2 as f64,
                _ => 0.0,
            })
            .sum();
        Composting {
            seed,
            bays,
            planted_m2,
            balance: CompostBalance::default(),
        }
    }

    /// Lets one interval pass.
    pub fn step(
        &mut self,
        local: LocalTime,
        interval: Interval,
        air_c: f64,
        facts: &mut Vec<Fact>,
    ) {
        self.balance = CompostBalance::default();
        let days = f64::from(interval.seconds) / 86_400.0;
        for bay in &mut self.bays {
            let before_g = bay.heap.mass_g();
            bay.heap.rot(days, air_c);
            self.balance.rotted_g += before_g - bay.heap.mass_g();
        }
        if is_at(local, interval, FEED) {
            self.finish(interval, air_c, facts);
            self.feed(local, interval, air_c, facts);
        }
        if is_at(local, interval, TURN) {
            for bay in self.bays.iter_mut().filter(|bay| bay.batch.is_some()) {
                bay.heap.turn(air_c);
                bay.note(interval, CompostWork::Turned, facts);
            }
        }
        for bay in self.bays.iter().filter(|bay| bay.batch.is_some()) {
            let temperature_mc = (bay.heap.temperature_c() * 1_000.0).round() as i64;
            bay.note(interval, CompostWork::Measured { temperature_mc }, facts);
        }
    }

    fn feed(&mut self, local: LocalTime, interval: Interval, air_c: f64, facts: &mut Vec<Fact>) {
        let month = Date::of_day(local.day).month as usize - 1;
        let mut chance = Chance::of(self.seed, "gardeners", local.day, "garden-waste");
        let kg = KG_PER_M2_YEAR * self.planted_m2 * MONTHLY_SHARE[month] / 4.345;
        let mut left_g = (kg * 1_000.0 * (0.7 + 0.6 * chance.uniform())) as i64;
        for bay in &mut self.bays {
            let takes_more = bay.batch.as_ref().is_none_or(|batch| {
                local.day - batch.since_day < FEED_DAYS
                    && (batch.fed_g as f64) < bay.capacity_g as f64 * FULL_SHARE
            });
            if !takes_more || left_g <= 0 {
                continue;
            }
            let date = Date::of_day(local.day);
            let batch = bay.batch.get_or_insert_with(|| Batch {
                id: format!("b{:04}{:02}{:02}", date.year, date.month, date.day),
                since_day: local.day,
                fed_g: 0,
            });
            let room_g = (bay.capacity_g as f64 * FULL_SHARE) as i64 - batch.fed_g;
            let fed_g = left_g.min(room_g);
            if fed_g <= 0 {
                continue;
            }
            batch.fed_g += fed_g;
            left_g -= fed_g;
            let before_g = bay.heap.mass_g();
            bay.heap.feed(fed_g, air_c);
            // Rounding of what is in the heap counts as rotted, so that the balance stays exact.
            self.balance.rotted_g += before_g + fed_g - bay.heap.mass_g();
            self.balance.fed_g += fed_g;
            let source = "garden".to_owned();
            bay.note(
                interval,
                CompostWork::Fed {
                    weight_g: fed_g,
                    source,
                },
                facts,
            );
        }
    }

    fn finish(&mut self, interval: Interval, air_c: f64, facts: &mut Vec<Fact>) {
        for bay in &mut self.bays {
            if !bay.heap.is_done() {
                continue;
            }
            let weight_g = bay.heap.empty(air_c);
            self.balance.product_g += weight_g;
            bay.note(interval, CompostWork::TakenOut { weight_g }, facts);
            bay.note(interval, CompostWork::Ended, facts);
            bay.batch = None;
        }
    }

    /// Mass in all bays, g.
    pub fn held_g(&self) -> i64 {
        self.bays.iter().map(|bay| bay.heap.mass_g()).sum()
    }
}

impl Bay {
    fn note(&self, interval: Interval, work: CompostWork, facts: &mut Vec<Fact>) {
        if let Some(batch) = &self.batch {
            facts.push(Fact::Compost {
                bay: self.id.clone(),
                batch: batch.id.clone(),
                at: interval.end(),
                work,
            });
        }
    }
}

/// Whether this moment of the week is in the interval that ends now.
fn is_at(local: LocalTime, interval: Interval, (weekday, second_of_day): (i64, i64)) -> bool {
    let ends_s = local.second_of_day + i64::from(interval.seconds);
    local.weekday() == weekday && local.second_of_day < second_of_day && ends_s >= second_of_day
}
