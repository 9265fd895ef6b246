//! Stored energy as lots: a day worked by hand, and what holds for any.

use proptest::prelude::*;
use terrarium_ledger::energy::lots::{
    Lot, LotOrder, Lots, ROUND_TRIP_PERMILLE, Source, Taken, third_party_purchase,
};
use terrarium_ledger::energy::stores::{NodeStores, StoreFlow, StoreHour, StoreOwner};
use terrarium_ledger::{AsOf, CarbonBook, Fact, HourAmounts, ParkLedger};
use terrarium_model::{EnergyWh, FactorValue, UnixSeconds, emission_mg};

use crate::storage::stored_park;
use crate::world::*;

/// Grid average of the day, 0.6361 kg/kWh.
const GRID: FactorValue = FactorValue {
    mantissa: 6_361,
    scale: 4,
};

fn grid_mg(wh: i64) -> i64 {
    emission_mg(EnergyWh(wh), GRID).expect("small").0
}

/// A day of a house with panels and a store, hour by hour: (generation, consumption, charge, discharge) in Wh.
///
/// Night: 2,000 Wh are charged from the grid. Noon: of 9,000 Wh generated, 3,000 are used, 5,000 charged and 1,000 exported.
/// Evening: 4,000 Wh are discharged, 3,000 of them used and 1,000 exported; later 1,500 more are used.
const DAY: [(i64, i64, i64, i64); 4] = [
    (0, 1_000, 2_000, 0),
    (9_000, 3_000, 5_000, 0),
    (0, 3_000, 0, 4_000),
    (0, 1_500, 0, 1_500),
];

fn amounts((generation, consumption, charge, discharge): (i64, i64, i64, i64)) -> HourAmounts {
    let lacking = consumption + charge - generation - discharge;
    HourAmounts {
        generation,
        consumption,
        charge,
        discharge,
        import: lacking.max(0),
        export: (-lacking).max(0),
        self_use: consumption.min(generation),
        unexplained: 0,
    }
}

/// The park's battery alone.
fn battery(amounts: &HourAmounts) -> [StoreFlow; 1] {
    [StoreFlow {
        store: asset("battery"),
        owner: StoreOwner::Park,
        session: None,
        charge: amounts.charge,
        discharge: amounts.discharge,
    }]
}

fn store_hour(stores: &mut NodeStores, at: UnixSeconds, amounts: &HourAmounts) -> StoreHour {
    let mut hours = stores.hour(at, amounts, &battery(amounts), grid_mg);
    hours.pop().expect("one store")
}

#[test]
fn a_day_of_grid_and_sun_in_one_store_worked_by_hand() {
    let mut stores = NodeStores::new(LotOrder::Fifo, ROUND_TRIP_PERMILLE);
    let hours: Vec<_> = (0..)
        .zip(DAY)
        .map(|(number, day)| store_hour(&mut stores, hour(number), &amounts(day)))
        .collect();
    // 2,000 Wh x 0.6361 kg/kWh = 1,272,200 mg.
    assert_eq!(
        (hours[0].charged_grid_wh, hours[0].charged_on_site_wh),
        (2_000, 0)
    );
    assert_eq!(
        (hours[1].charged_grid_wh, hours[1].charged_on_site_wh),
        (0, 5_000)
    );
    assert_eq!(hours[1].stored_wh, 7_000);
    // The night's lot gives 2,000 x 0.9 = 1,800 Wh first; the noon's gives the other 1,200, for which it takes
    // 1,200 / 0.9 = 1,333.3, rounded up: 1,334 Wh.
    let grid = Taken {
        source: Source::Grid,
        since: hour(0),
        delivered_wh: 1_800,
        delivered_mg: 1_144_980,
        lost_wh: 200,
        lost_mg: 127_220,
    };
    let sun = |delivered_wh, lost_wh| Taken {
        source: Source::OnSite,
        since: hour(1),
        delivered_wh,
        delivered_mg: 0,
        lost_wh,
        lost_mg: 0,
    };
    assert_eq!(hours[2].used, [grid, sun(1_200, 134)]);
    // 1,000 / 0.9 = 1,111.1: 1,112 Wh of the noon's lot leave for the grid.
    assert_eq!(hours[2].exported, [sun(1_000, 112)]);
    assert_eq!(hours[2].own_export_wh(), 1_000);
    // 1,500 / 0.9 = 1,666.7: 1,667 Wh; 5,000 - 1,334 - 1,112 - 1,667 = 887 Wh are left, all of the sun.
    assert_eq!(hours[3].used, [sun(1_500, 167)]);
    assert_eq!(hours[3].stored_wh, 887);
}

#[test]
fn the_newest_first_gives_other_origins_and_the_same_sums() {
    let run = |order| {
        let mut lots = Lots::new(order, 1_000);
        for (number, source, wh) in [(0, Source::Grid, 2_000), (1, Source::OnSite, 5_000)] {
            lots.charge(Lot {
                source,
                since: hour(number),
                wh,
                mg: 0,
            });
        }
        lots.discharge(hour(3), 3_000)
    };
    let origins = |taken: Vec<Taken>| -> Vec<(Source, i64)> {
        taken
            .iter()
            .map(|taken| (taken.source, taken.delivered_wh))
            .collect()
    };
    assert_eq!(
        origins(run(LotOrder::Fifo)),
        [(Source::Grid, 2_000), (Source::OnSite, 1_000)]
    );
    assert_eq!(origins(run(LotOrder::Lifo)), [(Source::OnSite, 3_000)]);
}

#[test]
fn emissions_of_a_lot_are_split_half_to_even_and_add_up() {
    let mut lots = Lots::new(LotOrder::Fifo, 1_000);
    lots.charge(Lot {
        source: Source::Grid,
        since: hour(0),
        wh: 3,
        mg: 10,
    });
    // 10 / 3 = 3.3; of the 7 left one of two Wh has 3.5, to even 4; the last has what is left.
    let split: Vec<i64> = (1..4)
        .map(|number| lots.discharge(hour(number), 1)[0].delivered_mg)
        .collect();
    assert_eq!(split, [3, 4, 3]);
}

#[test]
fn a_car_gives_back_the_parks_sun_at_the_grids_factor_and_the_grids_power_with_what_it_carries() {
    let mut car = Lots::new(LotOrder::Fifo, 1_000);
    for (source, wh) in [(Source::OnSite, 10_000), (Source::Grid, 2_000)] {
        let mg = match source {
            Source::Grid => grid_mg(wh),
            _ => 0,
        };
        let since = hour(0);
        car.charge(Lot {
            source,
            since,
            wh,
            mg,
        });
    }
    // Sold to the driver as the park's own power: it was zero there, and is not zero again. Of 1,000 Wh no lot is known.
    let bought = third_party_purchase(&car.discharge(hour(5), 13_000));
    assert_eq!(bought.at_grid_factor_wh, 11_000);
    assert_eq!((bought.carried_wh, bought.carried_mg), (2_000, 1_272_200));
}

/// No load, no sun: the battery takes 3,000 Wh and gives 5,000 in one hour, of which the node's balance knows 2,000.
#[test]
fn what_a_store_takes_and_gives_in_one_hour_leaves_for_the_grid_only_as_far_as_it_left() {
    let mut stores = NodeStores::new(LotOrder::Fifo, 1_000);
    store_hour(&mut stores, hour(0), &amounts((4_000, 0, 4_000, 0)));
    let both_ways = store_hour(&mut stores, hour(1), &amounts((0, 0, 3_000, 5_000)));
    assert_eq!((both_ways.turned_wh, both_ways.charged_grid_wh), (3_000, 0));
    let exported: i64 = both_ways
        .exported
        .iter()
        .map(|taken| taken.delivered_wh)
        .sum();
    assert_eq!((exported, both_ways.own_export_wh()), (2_000, 2_000));
    assert_eq!(both_ways.stored_wh, 2_000);
    // Where the grid's meter saw both ways, both were the grid's.
    let metered = HourAmounts {
        import: 3_000,
        export: 5_000,
        ..amounts((0, 0, 3_000, 5_000))
    };
    let both_ways = store_hour(&mut stores, hour(2), &metered);
    assert_eq!((both_ways.turned_wh, both_ways.charged_grid_wh), (0, 3_000));
}

/// The barn's meters over the day, with a grid average of 0.6361 kg/kWh.
fn day_of_the_barn() -> Vec<Fact> {
    let mut average = constant_factor("average", "1", "2020-01-01", 0, 24, 6_361);
    average.scale = 4;
    let mut facts = vec![published(average)];
    for (number, (generation, consumption, charge, discharge)) in (0..).zip(DAY) {
        for (measures, wh) in [
            ("generation", generation),
            ("consumption", consumption),
            ("storage_charge", charge),
            ("storage_discharge", discharge),
        ] {
            facts.push(hourly(&format!("barn.{measures}"), number, wh));
        }
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_moves_no_lot(facts in Just(day_of_the_barn()).prop_shuffle()) {
        let told = |facts: &[Fact]| {
            let mut all = vec![defined(&stored_park(), 1)];
            all.extend(facts.iter().cloned());
            ledger_of(&all)
        };
        let (mut one, mut other) = (told(&day_of_the_barn()), told(&facts));
        let barn = asset("barn");
        let hours = one.present().store_hours(&barn, hour(24), LotOrder::Fifo);
        prop_assert_eq!(hours.len(), 4);
        prop_assert_eq!(hours[3].stored_wh, 887);
        prop_assert_eq!(&other.present().store_hours(&barn, hour(24), LotOrder::Fifo), &hours);
        let books = |ledger: &ParkLedger| ledger.books(period(0, 4), AsOf::default()).expect("defined").sha256();
        prop_assert_eq!(books(&other), books(&one));
        prop_assert_eq!(other.hashes().0, one.hashes().0);
    }
}

/// Invariant 3: what was charged from the grid was emitted there; giving it back avoids nothing.
#[test]
fn only_the_sun_avoids_anything_when_a_store_gives_to_the_grid() {
    let mut facts = vec![defined(&stored_park(), 1)];
    facts.extend(day_of_the_barn());
    // A fifth hour: what is left of the noon, 887 Wh, gives 798; the other 202 of 1,000 Wh have no known origin.
    for (measures, wh) in [
        ("generation", 0),
        ("consumption", 0),
        ("storage_charge", 0),
        ("storage_discharge", 1_000),
    ] {
        facts.push(hourly(&format!("barn.{measures}"), 4, wh));
    }
    let ledger = ledger_of(&facts);
    let books = ledger
        .books(period(0, 5), AsOf::default())
        .expect("defined");
    let avoided: i64 = books
        .postings
        .iter()
        .filter(|posting| posting.book == CarbonBook::Avoided)
        .map(|posting| posting.amount)
        .sum();
    // 1,000 at noon, 1,000 in the evening, 798 at night; of 3,000 Wh that the barn exported.
    assert_eq!(avoided, 2_798);
    let exported: i64 = books.energy.values().map(|amounts| amounts.export).sum();
    assert_eq!(exported, 3_000);
}

/// Generation, consumption, and what each of two batteries of the park does, in Wh.
type AnyHour = (i64, i64, [(i64, i64); 2]);

fn any_hours() -> impl Strategy<Value = Vec<AnyHour>> {
    let wh = || prop_oneof![Just(0_i64), 0_i64..20_000, 0_i64..10];
    let store = move || (wh(), wh());
    proptest::collection::vec((wh(), wh(), [store(), store()]), 1..60)
}

/// An hour of the node, and of its two batteries.
fn two_batteries((generation, consumption, stores): AnyHour) -> (HourAmounts, Vec<StoreFlow>) {
    let (charge, discharge) = (stores[0].0 + stores[1].0, stores[0].1 + stores[1].1);
    let flows = ["battery-1", "battery-2"]
        .iter()
        .zip(stores)
        .map(|(id, (charge, discharge))| StoreFlow {
            store: asset(id),
            owner: StoreOwner::Park,
            session: None,
            charge,
            discharge,
        });
    let amounts = amounts((generation, consumption, charge, discharge));
    (amounts, flows.collect())
}

fn all_taken(hour: &StoreHour) -> impl Iterator<Item = &Taken> {
    let passed_on = hour.passed_on.iter().map(|(taken, _)| taken);
    hour.used.iter().chain(passed_on).chain(&hour.exported)
}

proptest! {
    /// Invariant 8: storage carries attributes, losses bear emissions, nothing is made or lost.
    #[test]
    fn what_went_in_came_out_was_lost_or_is_there(hours in any_hours(), efficiency in 1_i64..=1_000, newest_first in any::<bool>()) {
        let order = if newest_first { LotOrder::Lifo } else { LotOrder::Fifo };
        let mut stores = NodeStores::new(order, efficiency);
        let (mut charged, mut grid_charged_mg) = (0, 0);
        let (mut delivered, mut lost, mut left_mg) = (0, 0, 0);
        // What came without a loss and from nowhere known: out of no lot at all, or out of one that another store had filled so.
        let (mut unfounded, mut passed_on_unfounded) = (0, 0);
        for (number, any) in (0..).zip(hours) {
            let (amounts, flows) = two_batteries(any);
            let done = stores.hour(hour(number), &amounts, &flows, grid_mg);
            let sum = |of: fn(&StoreHour) -> i64| -> i64 { done.iter().map(of).sum() };
            let on_site = sum(|store| store.charged_on_site_wh);
            prop_assert!(on_site <= amounts.generation - amounts.self_use, "no Wh of the sun is used twice");
            let mut passed_on = 0;
            for (store, flow) in done.iter().zip(&flows) {
                let charged_from = store.charged_grid_wh + store.charged_on_site_wh + store.charged_store_wh;
                prop_assert_eq!(charged_from + store.turned_wh, flow.charge);
                charged += charged_from;
                grid_charged_mg += grid_mg(store.charged_grid_wh);
                let out: i64 = all_taken(store).map(|taken| taken.delivered_wh).sum();
                prop_assert_eq!(out + store.turned_wh, flow.discharge);
                passed_on += store.passed_on.iter().map(|(taken, _)| taken.delivered_wh).sum::<i64>();
                left_mg += store.used.iter().chain(&store.exported).map(|taken| taken.delivered_mg).sum::<i64>();
                for taken in all_taken(store) {
                    prop_assert!(taken.delivered_wh >= 0 && taken.lost_wh >= 0 && taken.lost_mg >= 0 && taken.delivered_mg >= 0);
                    prop_assert!(taken.source == Source::Grid || taken.delivered_mg + taken.lost_mg == 0);
                    lost += taken.lost_wh;
                    left_mg += taken.lost_mg;
                    if taken.source != Source::Unknown || taken.lost_wh > 0 {
                        // Each part gives back its share, to the Wh, and never more.
                        let part = taken.delivered_wh + taken.lost_wh;
                        prop_assert!(taken.delivered_wh * 1_000 <= part * efficiency, "{:?}", taken);
                        prop_assert!((part * efficiency / 1_000 - taken.delivered_wh).abs() <= 1, "{:?}", taken);
                        delivered += taken.delivered_wh;
                    } else {
                        unfounded += taken.delivered_wh;
                    }
                }
                let of_no_origin = store.passed_on.iter().filter(|(taken, _)| taken.source == Source::Unknown);
                passed_on_unfounded += of_no_origin.map(|(taken, _)| taken.delivered_wh).sum::<i64>();
            }
            prop_assert_eq!(passed_on, sum(|store| store.charged_store_wh));
            let used: i64 = done.iter().flat_map(|store| &store.used).map(|taken| taken.delivered_wh).sum();
            prop_assert!(used <= (amounts.consumption - amounts.self_use).max(0));
            let exported: i64 = done.iter().flat_map(|store| &store.exported).map(|taken| taken.delivered_wh).sum();
            prop_assert_eq!(exported + amounts.generation - amounts.self_use - on_site, amounts.export, "the sun's or a store's");
            prop_assert!(sum(|store| store.charged_grid_wh) <= amounts.import);
        }
        let stored: i64 = stores.lots().map(|lot| lot.wh).sum();
        let stored_mg: i64 = stores.lots().map(|lot| lot.mg).sum();
        let drawn = charged - stored - lost;
        prop_assert!(delivered <= drawn && drawn <= delivered + unfounded.min(passed_on_unfounded));
        prop_assert_eq!(grid_charged_mg, left_mg + stored_mg);
    }

    /// First in, first out: no lot gives before an older one is empty.
    #[test]
    fn the_oldest_lot_is_empty_before_the_next_one_gives(hours in any_hours()) {
        let mut stores = NodeStores::new(LotOrder::Fifo, ROUND_TRIP_PERMILLE);
        let mut last = UnixSeconds(i64::MIN);
        for (number, (generation, consumption, [(charge, discharge), _])) in (0..).zip(hours) {
            let amounts = amounts((generation, consumption, charge, discharge));
            let done = store_hour(&mut stores, hour(number), &amounts);
            for taken in all_taken(&done) {
                prop_assert!(taken.since >= last, "{:?}", taken);
                last = taken.since;
            }
        }
    }
}
