//! The stores of a node and what flows between them, loads and the grid in an hour.
//!
//! Each store has lots of its own: a battery of the park one content for ever, a charger the content of the car that is plugged
//! in, as far as it was charged in this session. In an hour generation serves loads first, then the park's own stores, then
//! cars, then the grid. What is discharged, of the park's own stores before cars, serves what loads still lack, then other stores,
//! then the grid. What is charged beyond that came from the grid. No more leaves for the grid than its meter saw: of a store that
//! took and gave in one hour the node's balance knows only the difference, and the rest of it never was anybody else's.
//!
//! What goes into somebody else's car is sold (GHG Protocol Scope 2 Guidance 5.6: bought and resold electricity is scope 3,
//! category 3), and what comes back out of it is bought from a third party. Where no session is on record for what a charger
//! did, nothing is counted as sold, and what came out has no known origin.

use std::collections::BTreeMap;

use terrarium_model::{AssetId, UnixSeconds};

use super::lots::{Lot, LotOrder, Lots, Source, Taken, third_party_purchase};
use crate::node_hour::HourAmounts;

/// Whose a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreOwner {
    /// The park: its batteries, and the cars of its fleet.
    Park,
    /// Somebody else's car.
    Other,
    /// A car of which no session is on record.
    Unknown,
}

/// A store in one hour: what its meters measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFlow {
    /// The battery or charger.
    pub store: AssetId,
    /// Whose it is.
    pub owner: StoreOwner,
    /// When the session began; `None`: a battery, or no session is known.
    pub session: Option<UnixSeconds>,
    /// Wh put in.
    pub charge: i64,
    /// Wh taken out.
    pub discharge: i64,
}

/// What one store did in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreHour {
    /// Start of the hour.
    pub hour_start: UnixSeconds,
    /// The battery or charger.
    pub store: AssetId,
    /// Whose it is.
    pub owner: StoreOwner,
    /// Wh charged from the node's own generation.
    pub charged_on_site_wh: i64,
    /// Wh charged out of other stores of the node.
    pub charged_store_wh: i64,
    /// Wh charged from the grid.
    pub charged_grid_wh: i64,
    /// Wh charged and discharged within the hour that only this store's meters know of: they are in no lot.
    pub turned_wh: i64,
    /// What was discharged and used at the node, by lot.
    pub used: Vec<Taken>,
    /// What was discharged into other stores of the node, by lot, and whether they are the park's.
    pub passed_on: Vec<(Taken, StoreOwner)>,
    /// What was discharged and given to the grid, by lot.
    pub exported: Vec<Taken>,
    /// Wh in the store at the end, as charged.
    pub stored_wh: i64,
}

impl StoreHour {
    fn of(hour_start: UnixSeconds, flow: &StoreFlow) -> StoreHour {
        StoreHour {
            hour_start,
            store: flow.store.clone(),
            owner: flow.owner,
            charged_on_site_wh: 0,
            charged_store_wh: 0,
            charged_grid_wh: 0,
            turned_wh: 0,
            used: Vec::new(),
            passed_on: Vec::new(),
            exported: Vec::new(),
            stored_wh: 0,
        }
    }

    /// Exported Wh of the park's own generation. What came out of others' stores was theirs, also where they had it from the park.
    pub fn own_export_wh(&self) -> i64 {
        if self.owner != StoreOwner::Park {
            return 0;
        }
        let own = self.exported.iter();
        own.filter(|taken| taken.source == Source::OnSite)
            .map(|taken| taken.delivered_wh)
            .sum()
    }

    /// Wh of the grid that were sold on with what was charged.
    pub fn resold_grid_wh(&self) -> i64 {
        match self.owner {
            StoreOwner::Other => self.charged_grid_wh,
            StoreOwner::Park | StoreOwner::Unknown => 0,
        }
    }

    /// What the park bought out of somebody else's store: for itself, and to sell it on to the grid or another car.
    pub(super) fn bought(&self) -> (Vec<Taken>, Vec<Taken>) {
        if self.owner == StoreOwner::Park {
            return (Vec::new(), Vec::new());
        }
        let mut for_itself = self.used.clone();
        let mut sold_on = self.exported.clone();
        for (taken, to) in &self.passed_on {
            match to {
                StoreOwner::Park => for_itself.push(*taken),
                StoreOwner::Other | StoreOwner::Unknown => sold_on.push(*taken),
            }
        }
        (for_itself, sold_on)
    }
}

/// The contents of all stores of one node.
pub struct NodeStores {
    contents: BTreeMap<(AssetId, Option<UnixSeconds>), Lots>,
    order: LotOrder,
    round_trip_permille: i64,
}

impl NodeStores {
    /// All empty. Each gives back so many of a thousand Wh, 1 to 1000.
    pub fn new(order: LotOrder, round_trip_permille: i64) -> NodeStores {
        NodeStores {
            contents: BTreeMap::new(),
            order,
            round_trip_permille,
        }
    }

    /// What is stored: store by store, oldest first.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.contents.values().flat_map(Lots::lots)
    }

    /// Takes an hour through the stores. `flows`: what each did; those of one charger in the order of their sessions.
    pub fn hour(
        &mut self,
        hour_start: UnixSeconds,
        amounts: &HourAmounts,
        flows: &[StoreFlow],
        grid_mg: impl Fn(i64) -> i64,
    ) -> Vec<StoreHour> {
        // A car that left took its content with it.
        self.contents.retain(|(store, session), _| {
            session.is_none()
                || flows
                    .iter()
                    .any(|flow| flow.store == *store && flow.session == *session)
        });
        let mut hours: Vec<StoreHour> = flows
            .iter()
            .map(|flow| StoreHour::of(hour_start, flow))
            .collect();
        let own_first = own_first(flows);
        let mut charging: Vec<i64> = flows.iter().map(|flow| flow.charge.max(0)).collect();

        let mut surplus = (amounts.generation - amounts.self_use).max(0);
        for &place in &own_first {
            let wh = charging[place].min(surplus);
            surplus -= wh;
            charging[place] -= wh;
            hours[place].charged_on_site_wh = wh;
            let lot = Lot {
                source: Source::OnSite,
                since: hour_start,
                wh,
                mg: 0,
            };
            self.charge(&flows[place], lot);
        }
        let (routes, from_grid) = routes(amounts, flows, &own_first, charging, surplus);
        for (place, wh) in from_grid.into_iter().enumerate() {
            hours[place].charged_grid_wh = wh;
            let lot = Lot {
                source: Source::Grid,
                since: hour_start,
                wh,
                mg: if wh > 0 { grid_mg(wh) } else { 0 },
            };
            self.charge(&flows[place], lot);
        }
        for Route { from, to, wh } in routes {
            match to {
                RouteEnd::Loads => {
                    let taken = self.discharge(&flows[from], hour_start, wh);
                    hours[from].used.extend(taken);
                }
                RouteEnd::Grid => {
                    let taken = self.discharge(&flows[from], hour_start, wh);
                    hours[from].exported.extend(taken);
                }
                RouteEnd::Back => hours[from].turned_wh = wh,
                RouteEnd::Store(to) => {
                    hours[to].charged_store_wh += wh;
                    for part in self.discharge(&flows[from], hour_start, wh) {
                        let lot = passed_on(hour_start, &part, &flows[from], &grid_mg);
                        self.charge(&flows[to], lot);
                        hours[from].passed_on.push((part, flows[to].owner));
                    }
                }
            }
        }
        for (flow, hour) in flows.iter().zip(&mut hours) {
            let content = self.contents.get(&(flow.store.clone(), flow.session));
            hour.stored_wh = content.map_or(0, Lots::stored_wh);
        }
        hours
    }

    fn charge(&mut self, flow: &StoreFlow, lot: Lot) {
        // A car of which nothing is known leaves with what it got.
        if flow.owner != StoreOwner::Unknown && lot.wh > 0 {
            self.content(flow).charge(lot);
        }
    }

    fn discharge(&mut self, flow: &StoreFlow, at: UnixSeconds, wh: i64) -> Vec<Taken> {
        self.content(flow).discharge(at, wh)
    }

    fn content(&mut self, flow: &StoreFlow) -> &mut Lots {
        let (order, round_trip_permille) = (self.order, self.round_trip_permille);
        self.contents
            .entry((flow.store.clone(), flow.session))
            .or_insert_with(|| Lots::new(order, round_trip_permille))
    }
}

/// Places of the flows: those of the park before those of others, each in their order.
fn own_first(flows: &[StoreFlow]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..flows.len()).collect();
    places.sort_by_key(|place| flows[*place].owner);
    places
}

#[derive(Clone, Copy)]
enum RouteEnd {
    Loads,
    Store(usize),
    /// Into itself.
    Back,
    Grid,
}

/// Wh that leave a store for somewhere.
struct Route {
    from: usize,
    to: RouteEnd,
    wh: i64,
}

/// Where everything discharged goes, and what each store is left to take from the grid. `charging`: Wh that stores still lack;
/// `surplus`: Wh of the sun that are left for the grid.
fn routes(
    amounts: &HourAmounts,
    flows: &[StoreFlow],
    own_first: &[usize],
    mut charging: Vec<i64>,
    surplus: i64,
) -> (Vec<Route>, Vec<i64>) {
    let mut lacking = (amounts.consumption - amounts.self_use).max(0);
    let mut routes = Vec::new();
    let mut send = |from, to, most: i64, left: &mut i64| {
        let wh = most.min(*left);
        *left -= wh;
        if wh > 0 {
            routes.push(Route { from, to, wh });
        }
        wh
    };
    let mut left: Vec<i64> = flows.iter().map(|flow| flow.discharge.max(0)).collect();
    for &from in own_first {
        lacking -= send(from, RouteEnd::Loads, lacking, &mut left[from]);
        for &to in own_first {
            if flows[to].store != flows[from].store {
                charging[to] -= send(from, RouteEnd::Store(to), charging[to], &mut left[from]);
            }
        }
    }
    // What the grid's meter did not see leave.
    let left_for_grid: i64 = left.iter().sum();
    let mut unseen = (left_for_grid - (amounts.export - surplus).max(0)).max(0);
    for &place in own_first {
        let most = unseen.min(charging[place]);
        let turned = send(place, RouteEnd::Back, most, &mut left[place]);
        charging[place] -= turned;
        unseen -= turned;
    }
    for &from in own_first {
        unseen -= send(from, RouteEnd::Loads, unseen, &mut left[from]);
        send(from, RouteEnd::Grid, i64::MAX, &mut left[from]);
    }
    (routes, charging)
}

/// What a part taken out of one store is in another.
fn passed_on(
    hour_start: UnixSeconds,
    part: &Taken,
    from: &StoreFlow,
    grid_mg: impl Fn(i64) -> i64,
) -> Lot {
    let lot = Lot {
        source: part.source,
        since: part.since,
        wh: part.delivered_wh,
        mg: part.delivered_mg,
    };
    if from.owner == StoreOwner::Park {
        return lot;
    }
    // Bought: it carries what it was bought with.
    let bought = third_party_purchase(&[*part]);
    Lot {
        source: Source::ThirdParty,
        since: hour_start,
        mg: bought.carried_mg + grid_mg(bought.at_grid_factor_wh),
        ..lot
    }
}
