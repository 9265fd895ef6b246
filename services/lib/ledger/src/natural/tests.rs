use std::sync::Arc;

use proptest::prelude::*;
use terrarium_model::{AssetId, Interval, ParkDefinition, UnixSeconds};

use super::*;

/// 2025-06-01T00:00 in Beijing.
const MIDNIGHT_S: i64 = 1_748_707_200;
const HOUR_S: i64 = 3_600;

/// A rain tank that spills, a reclaimed tank above one for flushing, toilets and a lawn.
fn park() -> ParkDefinition {
    let text = r#"
[park]
id = "water"
name = { en = "Water", zh = "水" }
time_zone = "Asia/Shanghai"
clock = "simulated"
grid_region = "north-china"

[[zones]]
id = "all"
name = { en = "All", zh = "全园" }

[[assets]]
id = "gate"
kind = "connection_point"
zone = "all"
name = { en = "Gate", zh = "并网点" }

[[assets]]
id = "main-tank"
kind = "tank"
zone = "all"
name = { en = "Main tank", zh = "中水池" }
capacity_l = 100000
reserve_l = 0
water = "reclaimed"

[[assets]]
id = "flush-tank"
kind = "tank"
zone = "all"
name = { en = "Flush tank", zh = "冲厕水箱" }
capacity_l = 10000
reserve_l = 0
water = "reclaimed"

[[assets]]
id = "rain-tank"
kind = "tank"
zone = "all"
name = { en = "Rain tank", zh = "雨水箱" }
capacity_l = 50000
reserve_l = 0
water = "rain"

[[assets]]
id = "toilets"
kind = "fixture"
zone = "all"
name = { en = "Toilets", zh = "便器" }
count = 4
water = "reclaimed"
tank = "flush-tank"

[[assets]]
id = "lawn"
kind = "irrigation_zone"
zone = "all"
name = { en = "Lawn", zh = "草坪" }
area_m2 = 500
tank = "rain-tank"

[[connections]]
kind = "electric"
from = "grid"
to = "gate"

[[connections]]
kind = "water"
from = "main-tank"
to = "flush-tank"

[[meters]]
id = "gate.import"
asset = "gate"
measures = "grid_import"
reports = "interval"
rated_kw = 100.0
"#;
    ParkDefinition::parse(text, "water.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("valid")
}

fn interval(start_s: i64, seconds: u32) -> Interval {
    Interval {
        start: UnixSeconds(start_s),
        seconds,
    }
}

fn book_of(facts: &[NaturalFact]) -> NaturalBook {
    let mut book = NaturalBook::default();
    book.define(&park());
    for fact in facts {
        book.apply(fact, &mut Vec::new());
    }
    book
}

/// Some quarter hours of what flows, as litres for each of: main in, main to flush, flushed, rain in, spilled, watered.
fn water_facts(quarters: &[[i64; 6]], leak_l: i64) -> Vec<NaturalFact> {
    let mut levels = [60_000_i64, 5_000, 20_000];
    let tanks = ["main-tank", "flush-tank", "rain-tank"];
    let mut facts = Vec::new();
    let tell_levels = |at: i64, levels: &[i64; 3], facts: &mut Vec<NaturalFact>| {
        for (tank, litres) in tanks.iter().zip(levels) {
            facts.push(NaturalFact::TankLevel {
                tank: asset(tank),
                at: UnixSeconds(at),
                litres: *litres,
            });
        }
    };
    tell_levels(MIDNIGHT_S, &levels, &mut facts);
    for (place, litres) in quarters.iter().enumerate() {
        let [main_in, to_flush, flushed, rain_in, spilled, watered] = *litres;
        let span = interval(MIDNIGHT_S + place as i64 * 900, 900);
        let pipe = |tank: &str, pipe, litres| NaturalFact::TankFlow {
            tank: asset(tank),
            pipe,
            interval: span,
            litres,
        };
        let used = |user: &str, network, litres| NaturalFact::WaterUsed {
            asset: asset(user),
            network,
            interval: span,
            litres,
        };
        facts.extend([
            pipe("main-tank", TankPipe::ReclaimedIn, main_in),
            pipe("main-tank", TankPipe::SpillOut, 0),
            pipe("flush-tank", TankPipe::ReclaimedIn, to_flush),
            pipe("flush-tank", TankPipe::SpillOut, 0),
            used("toilets", Network::Reclaimed, flushed),
            used("toilets", Network::Supply, 1),
            pipe("rain-tank", TankPipe::RainIn, rain_in),
            pipe("rain-tank", TankPipe::SpillOut, spilled),
            used("lawn", Network::Rain, watered),
        ]);
        levels[0] += main_in - to_flush;
        levels[1] += to_flush - flushed;
        levels[2] += rain_in - spilled - watered - leak_l;
        tell_levels(span.end().0, &levels, &mut facts);
    }
    facts
}

fn unexplained_of(book: &NaturalBook, tank: &str, hour: i64) -> Option<i64> {
    book.unexplained_l(&asset(tank), UnixSeconds(MIDNIGHT_S + hour * HOUR_S))
}

fn day() -> DayPeriod {
    DayPeriod {
        from: UnixSeconds(MIDNIGHT_S),
        to: UnixSeconds(MIDNIGHT_S + 86_400),
    }
}

proptest! {
    /// Whatever flows and in whatever order it is told, every tank and hour balances to the litre, and what leaks is what is
    /// left over.
    #[test]
    fn water_balances_to_the_litre_in_any_order(
        quarters in prop::collection::vec(prop::array::uniform6(0..500_i64), 4..16),
        leak_l in 0..50_i64,
        order in any::<prop::sample::Index>(),
    ) {
        let facts = water_facts(&quarters, leak_l);
        let mut book = book_of(&facts);
        let mut turned = facts.clone();
        turned.rotate_left(order.index(facts.len()));
        turned.reverse();
        prop_assert_eq!(book_of(&turned).hash(), book.hash());
        let hours = quarters.len() as i64 / 4;
        for hour in 0..hours {
            prop_assert_eq!(unexplained_of(&book, "main-tank", hour), Some(0));
            prop_assert_eq!(unexplained_of(&book, "flush-tank", hour), Some(0));
            prop_assert_eq!(unexplained_of(&book, "rain-tank", hour), Some(4 * leak_l));
        }
        // The hour that is not over is not balanced.
        prop_assert_eq!(unexplained_of(&book, "main-tank", hours), None);
        for (_, _, sums) in book.balances(day()) {
            prop_assert_eq!(
                sums.incoming,
                sums.outgoing + sums.stored + sums.unexplained
            );
        }
    }
}

#[test]
fn an_hour_is_not_balanced_while_what_spills_is_not_told() {
    let mut facts = water_facts(&[[0, 0, 0, 400, 390, 0]; 4], 0);
    facts.retain(|fact| {
        !matches!(
            fact,
            NaturalFact::TankFlow {
                pipe: TankPipe::SpillOut,
                ..
            }
        )
    });
    let book = book_of(&facts);
    assert_eq!(unexplained_of(&book, "rain-tank", 0), None);
}

#[test]
fn an_hour_without_a_users_meter_is_not_balanced() {
    let mut facts = water_facts(&[[100, 50, 20, 0, 0, 10]; 4], 0);
    facts.retain(
        |fact| !matches!(fact, NaturalFact::WaterUsed { asset, .. } if asset.as_str() == "lawn"),
    );
    let book = book_of(&facts);
    assert_eq!(unexplained_of(&book, "main-tank", 0), Some(0));
    assert_eq!(unexplained_of(&book, "rain-tank", 0), None);
}

#[test]
fn a_ticket_is_held_beside_what_the_bins_weighed_and_compost_beside_its_end() {
    let at = UnixSeconds(MIDNIGHT_S + 10 * HOUR_S);
    let collection: Arc<str> = "round-1".into();
    let emptied = |bin: &str, weight_g| NaturalFact::BinEmptied {
        bin: asset(bin),
        at,
        collection: Arc::clone(&collection),
        weight_g,
    };
    let moved = |weight_g| NaturalFact::CompostMoved {
        bay: asset("bay"),
        batch: "b1".into(),
        at,
        weight_g,
    };
    let book = book_of(&[
        NaturalFact::CollectionWeighed {
            collection: Arc::clone(&collection),
            at,
            bins: 2,
            weight_g: 21_000,
        },
        emptied("bin-1", Some(8_300)),
        emptied("bin-2", Some(12_200)),
        moved(500_000),
        moved(-200_000),
        NaturalFact::CompostEnded {
            bay: asset("bay"),
            batch: "b1".into(),
            at,
            fed_g: 500_000,
            product_g: 200_000,
        },
    ]);
    assert_eq!(book.weighing_difference_g("round-1"), Some(500));
    let balances = book.balances(day());
    let collections = balances[0].2;
    assert_eq!((collections.closed, collections.open), (1, 1));
    assert_eq!(collections.unexplained, -500);
    let (_, bay, compost) = &balances[1];
    assert_eq!(bay.map(AssetId::as_str), Some("bay"));
    assert_eq!((compost.closed, compost.open), (1, 0));
    let totals = book.totals(day());
    assert_eq!(totals[&(NaturalAccount::TicketsG, None)], 21_000);
    let bay = asset("bay");
    assert_eq!(totals[&(NaturalAccount::CompostLostG, Some(&bay))], 300_000);
}

#[test]
fn trees_take_up_what_surveys_find_more_and_lose_what_dies() {
    let group = asset("trees");
    let at = |day: i64| UnixSeconds(MIDNIGHT_S + day * 86_400 + HOUR_S);
    let surveyed = |day, co2_g| NaturalFact::TreesSurveyed {
        group: group.clone(),
        at: at(day),
        co2_g,
    };
    let book = book_of(&[
        surveyed(0, 1_000_000),
        surveyed(1, 1_030_000),
        NaturalFact::TreesDied {
            group: group.clone(),
            at: at(2),
            count: 3,
            co2_g: 1_010_000,
        },
        surveyed(3, 1_015_000),
    ]);
    let days = DayPeriod {
        from: UnixSeconds(MIDNIGHT_S),
        to: UnixSeconds(MIDNIGHT_S + 4 * 86_400),
    };
    let totals = book.totals(days);
    assert_eq!(totals[&(NaturalAccount::TreesGrownG, Some(&group))], 35_000);
    assert_eq!(totals[&(NaturalAccount::TreesLostG, Some(&group))], 20_000);
    assert_eq!(totals[&(NaturalAccount::TreesDied, Some(&group))], 3);
    assert_eq!(book.days(), Some(days));
    assert!(book.is_midnight(days.to) && !book.is_midnight(at(1)));
}
