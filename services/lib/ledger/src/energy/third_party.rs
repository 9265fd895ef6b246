//! What a park sells to others' cars and buys out of them: the meters of stores and chargers, laid over charging sessions.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, AssetKind, EnergyWh, Measures, ParkDefinition, UnixSeconds, emission_mg,
    round_half_even_div,
};

use super::layout::Defined;
use super::lots::{LotOrder, ROUND_TRIP_PERMILLE, Taken, ThirdPartyPurchase, third_party_purchase};
use super::sessions::{CarOwner, Session};
use super::stores::{NodeStores, StoreFlow, StoreHour, StoreOwner};
use crate::factor_book::FactorKind;
use crate::node_hour::HourAmounts;
use crate::period::Period;
use crate::view::View;

/// What a node sold to cars and bought from them in one hour, and what of its export is not its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThirdPartyHour {
    /// Wh exported that avoid nothing, at most all that was exported.
    pub foreign_export_wh: i64,
    /// Wh of the grid sold on at two-way chargers: charged, and nobody's consumption.
    pub resold_charge_wh: i64,
    /// Wh of the grid sold on at one-way chargers, whose cars are loads: a part of the consumption.
    pub resold_load_wh: i64,
    /// Bought for the park itself.
    pub bought: Vec<BoughtPart>,
    /// Bought to be sold on.
    pub bought_to_sell: Vec<BoughtPart>,
}

impl ThirdPartyHour {
    /// Wh of the grid sold on.
    pub fn resold_grid_wh(&self) -> i64 {
        self.resold_charge_wh + self.resold_load_wh
    }
}

/// A part of what was bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoughtPart {
    /// With the emissions that it was charged with, at that hour's factor.
    Carried {
        since: UnixSeconds,
        wh: i64,
        mg: i64,
    },
    /// At the grid's factor of the hour.
    AtGridFactor { wh: i64 },
}

fn bought_parts(taken: &[Taken]) -> Vec<BoughtPart> {
    let mut parts = Vec::new();
    for part in taken {
        let ThirdPartyPurchase {
            carried_wh,
            carried_mg,
            at_grid_factor_wh,
        } = third_party_purchase(&[*part]);
        if carried_wh > 0 {
            parts.push(BoughtPart::Carried {
                since: part.since,
                wh: carried_wh,
                mg: carried_mg,
            });
        }
        if at_grid_factor_wh > 0 {
            parts.push(BoughtPart::AtGridFactor {
                wh: at_grid_factor_wh,
            });
        }
    }
    parts
}

/// The meters of a store or charger, by number.
struct StoreMeters {
    store: AssetId,
    is_charger: bool,
    charge: Vec<usize>,
    discharge: Vec<usize>,
}

/// A charger that only gives: its cars are loads.
struct OneWayCharger {
    charger: AssetId,
    meters: Vec<usize>,
}

/// What a definition says of the stores and chargers of a node.
#[derive(Default)]
struct StorePlan {
    stores: Vec<StoreMeters>,
    one_way: Vec<OneWayCharger>,
}

impl StorePlan {
    fn of(definition: &ParkDefinition, defined: &Defined, node: usize) -> StorePlan {
        let laid = &defined.nodes[node];
        let mut stores: BTreeMap<AssetId, StoreMeters> = BTreeMap::new();
        let mut one_way: BTreeMap<AssetId, OneWayCharger> = BTreeMap::new();
        let Some(of_node) = definition.nodes.get(&laid.asset) else {
            return StorePlan::default();
        };
        for (id, (number, measures)) in of_node.meters.iter().zip(&laid.meters) {
            let asset = &definition.meters[id].asset;
            let kind = definition.assets.get(asset).map(|asset| asset.kind);
            let is_charger = kind == Some(AssetKind::Charger);
            let new_store = || StoreMeters {
                store: asset.clone(),
                is_charger,
                charge: Vec::new(),
                discharge: Vec::new(),
            };
            let store = stores.entry(asset.clone());
            match measures {
                Measures::StorageCharge => store.or_insert_with(new_store).charge.push(*number),
                Measures::StorageDischarge => {
                    store.or_insert_with(new_store).discharge.push(*number)
                }
                Measures::Consumption if is_charger => one_way
                    .entry(asset.clone())
                    .or_insert_with(|| OneWayCharger {
                        charger: asset.clone(),
                        meters: Vec::new(),
                    })
                    .meters
                    .push(*number),
                _ => {}
            }
        }
        StorePlan {
            stores: stores.into_values().collect(),
            one_way: one_way.into_values().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.stores.is_empty() && self.one_way.is_empty()
    }
}

impl View<'_> {
    /// The stores of a node, hour by hour from its first metered hour to the end of a period, those of one hour in the order of
    /// their ids. Hours that are not complete, and stores into or out of which nothing went, are not there.
    pub fn store_hours(
        &self,
        node: &AssetId,
        until: UnixSeconds,
        order: LotOrder,
    ) -> Vec<StoreHour> {
        let mut found = Vec::new();
        self.walk_stores(node, until, order, |_, stores, _| found.extend(stores));
        found
    }

    /// What a node sold to others' cars and bought from them until a moment, by hour.
    pub(crate) fn third_party_hours(
        &self,
        node: &AssetId,
        until: UnixSeconds,
    ) -> BTreeMap<UnixSeconds, ThirdPartyHour> {
        let mut found: BTreeMap<UnixSeconds, ThirdPartyHour> = BTreeMap::new();
        self.walk_stores(node, until, LotOrder::Fifo, |amounts, stores, one_way| {
            let Some(hour_start) = stores
                .first()
                .map(|store| store.hour_start)
                .or(one_way.first().map(|sold| sold.hour_start))
            else {
                return;
            };
            let mut of_hour = ThirdPartyHour {
                foreign_export_wh: foreign_export_wh(amounts, &stores),
                ..ThirdPartyHour::default()
            };
            for store in &stores {
                of_hour.resold_charge_wh += store.resold_grid_wh();
                let (for_itself, to_sell) = store.bought();
                of_hour.bought.extend(bought_parts(&for_itself));
                of_hour.bought_to_sell.extend(bought_parts(&to_sell));
            }
            let charged: i64 = stores.iter().map(|store| store.charged_grid_wh).sum();
            let to_loads = (amounts.import - charged).max(0);
            for sold in &one_way {
                of_hour.resold_load_wh += sold.of_grid(to_loads, amounts.consumption);
            }
            // Meters may differ by their tolerance: no more is sold on than was bought.
            let import = amounts.import.max(0);
            of_hour.resold_charge_wh = of_hour.resold_charge_wh.clamp(0, import);
            let import = import - of_hour.resold_charge_wh;
            of_hour.resold_load_wh = of_hour.resold_load_wh.clamp(0, import);
            if of_hour != ThirdPartyHour::default() {
                found.insert(hour_start, of_hour);
            }
        });
        found
    }

    fn walk_stores(
        &self,
        node: &AssetId,
        until: UnixSeconds,
        order: LotOrder,
        mut take: impl FnMut(&HourAmounts, Vec<StoreHour>, Vec<SoldHour>),
    ) {
        let (Some(definition), Some((defined, place))) = (self.definition(), self.node(node))
        else {
            return;
        };
        let plan = StorePlan::of(definition, defined, place);
        if plan.is_empty() {
            return;
        }
        let Some(metered) = self.metered_period() else {
            return;
        };
        let seen = Period {
            from: metered.from,
            to: metered.to.min(until),
        };
        let mut stores = NodeStores::new(order, ROUND_TRIP_PERMILLE);
        for hour_start in seen.hour_starts() {
            let (flows, one_way) = self.store_flows(&plan, hour_start);
            let is_still = flows
                .iter()
                .all(|flow| (flow.charge, flow.discharge) == (0, 0));
            if is_still && one_way.is_empty() {
                continue;
            }
            let hour = self.hour(defined, place, hour_start);
            if !hour.complete {
                continue;
            }
            let grid_mg = |wh| {
                self.factor_row(FactorKind::GridAverage, hour_start)
                    .and_then(|row| emission_mg(EnergyWh(wh), row.value()))
                    .map_or(0, |mass| mass.0)
            };
            let mut done = stores.hour(hour_start, &hour.amounts, &flows, grid_mg);
            let mut flow = flows.iter();
            done.retain(|_| {
                flow.next()
                    .is_some_and(|flow| (flow.charge, flow.discharge) != (0, 0))
            });
            take(&hour.amounts, done, one_way);
        }
    }

    /// What each store did in an hour, and what one-way chargers gave to others' cars. Cars without any flow are there too.
    fn store_flows(
        &self,
        plan: &StorePlan,
        hour_start: UnixSeconds,
    ) -> (Vec<StoreFlow>, Vec<SoldHour>) {
        let wh = |meters: &[usize]| -> i64 {
            let books = &self.ledger().meters;
            let hours = meters
                .iter()
                .map(|meter| books[*meter].hour(hour_start, self.sight()));
            hours.map(|hour| hour.energy.0).sum()
        };
        let sessions_at = |charger| {
            self.ledger()
                .sessions
                .in_hour(charger, hour_start, self.sight())
        };
        let mut flows = Vec::new();
        for store in &plan.stores {
            let (charge, discharge) = (wh(&store.charge), wh(&store.discharge));
            if !store.is_charger {
                flows.push(StoreFlow {
                    store: store.store.clone(),
                    owner: StoreOwner::Park,
                    session: None,
                    charge,
                    discharge,
                });
                continue;
            }
            let sessions = sessions_at(&store.store);
            if sessions.is_empty() {
                if (charge, discharge) != (0, 0) {
                    flows.push(StoreFlow {
                        store: store.store.clone(),
                        owner: StoreOwner::Unknown,
                        session: None,
                        charge,
                        discharge,
                    });
                }
                continue;
            }
            let charged = split(charge, &sessions);
            let discharged = split(discharge, &sessions);
            for (((session, _), charge), discharge) in sessions.iter().zip(charged).zip(discharged)
            {
                flows.push(StoreFlow {
                    store: store.store.clone(),
                    owner: match session.owner {
                        CarOwner::Park => StoreOwner::Park,
                        CarOwner::Other => StoreOwner::Other,
                    },
                    session: Some(session.start),
                    charge,
                    discharge,
                });
            }
        }
        let mut sold = Vec::new();
        for charger in &plan.one_way {
            let sessions = sessions_at(&charger.charger);
            let wh = split(wh(&charger.meters), &sessions);
            let of_others = sessions.iter().zip(wh);
            let wh: i64 = of_others
                .filter(|((session, _), _)| session.owner == CarOwner::Other)
                .map(|(_, wh)| wh)
                .sum();
            if wh != 0 {
                sold.push(SoldHour { hour_start, wh });
            }
        }
        (flows, sold)
    }
}

/// What of an hour's export avoids nothing. Where stores were at work, only what is known to be of the park's own generation does:
/// what its loads and stores left over of the hour's sun, and what came out of its own stores of another hour's.
fn foreign_export_wh(amounts: &HourAmounts, stores: &[StoreHour]) -> i64 {
    if stores.is_empty() {
        return 0;
    }
    let stored: i64 = stores.iter().map(|store| store.charged_on_site_wh).sum();
    let surplus = (amounts.generation - amounts.self_use).max(0) - stored;
    let released: i64 = stores.iter().map(StoreHour::own_export_wh).sum();
    (amounts.export.max(0) - surplus - released).max(0)
}

/// Energy over the sessions of an hour, by their seconds; the parts add up.
fn split(wh: i64, sessions: &[(Session, i64)]) -> Vec<i64> {
    let total: i64 = sessions.iter().map(|(_, seconds)| seconds).sum();
    let (mut through, mut given) = (0_i64, 0_i64);
    sessions
        .iter()
        .map(|(_, seconds)| {
            through += seconds;
            let until =
                round_half_even_div(i128::from(wh) * i128::from(through), i128::from(total)) as i64;
            let part = until - given;
            given = until;
            part
        })
        .collect()
}

/// What a one-way charger gave to others' cars in an hour.
struct SoldHour {
    hour_start: UnixSeconds,
    wh: i64,
}

impl SoldHour {
    /// The part of it that the grid gave, as of everything that the loads of its node used.
    fn of_grid(&self, grid_to_loads: i64, consumption: i64) -> i64 {
        if consumption <= 0 {
            return 0;
        }
        let product = i128::from(self.wh) * i128::from(grid_to_loads);
        round_half_even_div(product, i128::from(consumption)) as i64
    }
}
