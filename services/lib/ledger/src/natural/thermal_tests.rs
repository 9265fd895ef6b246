//! Heat and cold balance to the Wh, in whatever order, and whatever is corrected.

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use terrarium_model::{
    AssetId, Carrier, EnergyWh, Interval, MeterId, ParkDefinition, SECONDS_PER_HOUR, UnixSeconds,
};
use uuid::Uuid;

use super::*;
use crate::fact::{Fact, How, Origin};
use crate::park_ledger::ParkLedger;

/// 2025-06-01T00:00 in Beijing.
const MIDNIGHT_S: i64 = 1_748_707_200;
const LOSS_W: i64 = 40;

/// A heat pump and collectors that warm a house, and a chiller that cools it and an annex.
fn park() -> ParkDefinition {
    let mut toml = String::from(
        "[park]\nid = 'warm'\nname = { en = 'W', zh = '暖' }\ntime_zone = 'Asia/Shanghai'\nclock = 'simulated'\n\
         grid_region = 'north-china'\n[[zones]]\nid = 'all'\nname = { en = 'All', zh = '全园' }\n",
    );
    for (id, kind, parameters) in [
        ("house", "building", ""),
        ("annex", "building", ""),
        (
            "pump",
            "heat_pump",
            "rated_kw = 4\nheat_w = 12000\nheat_source = 'air'",
        ),
        ("collectors", "solar_thermal", "area_m2 = 20"),
        ("chiller", "chiller", "rated_kw = 9\ncooling_w = 30000"),
    ] {
        writeln!(
            toml,
            "[[assets]]\nid = '{id}'\nkind = '{kind}'\nzone = 'all'\nname = {{ en = '{id}', zh = '{id}' }}\n{parameters}"
        )
        .unwrap();
    }
    for (kind, from, to) in [
        ("electric", "grid", "house"),
        ("heat", "pump", "house"),
        ("heat", "collectors", "house"),
        ("cold", "chiller", "house"),
        ("cold", "chiller", "annex"),
    ] {
        writeln!(
            toml,
            "[[connections]]\nkind = '{kind}'\nfrom = '{from}'\nto = '{to}'"
        )
        .unwrap();
        if kind != "electric" {
            writeln!(toml, "loss_w = {LOSS_W}").unwrap();
        }
    }
    for (id, asset, measures) in [
        ("house.load", "house", "consumption"),
        ("pump.heat", "pump", "heat_supply"),
        ("collectors.heat", "collectors", "heat_supply"),
        ("house.heat", "house", "heat_use"),
        ("chiller.cold", "chiller", "cold_supply"),
        ("house.cold", "house", "cold_use"),
        ("annex.cold", "annex", "cold_use"),
    ] {
        writeln!(
            toml,
            "[[meters]]\nid = '{id}'\nasset = '{asset}'\nmeasures = '{measures}'\nreports = 'interval'\nrated_kw = 50"
        )
        .unwrap();
    }
    ParkDefinition::parse(&toml, "warm.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn counted(meter: &str, quarter: usize, wh: i64, revision: u32) -> Fact {
    Fact::ReadingCounted {
        meter: MeterId::new(meter).expect("valid"),
        interval: Interval {
            start: UnixSeconds(MIDNIGHT_S + quarter as i64 * 900),
            seconds: 900,
        },
        energy: EnergyWh(wh),
        revision,
        how: if revision == 0 {
            How::Reported
        } else {
            How::Corrected
        },
    }
}

fn ledger_of(facts: &[Fact]) -> ParkLedger {
    let mut ledger = ParkLedger::default();
    let defined = Fact::ParkDefined {
        definition: Arc::new(park()),
        sha256: [7; 32],
    };
    for (number, fact) in std::iter::once(&defined).chain(facts).enumerate() {
        let origin = Origin {
            position: number as u64,
            event: Uuid::from_u128(number as u128 + 1),
        };
        ledger.apply(fact, origin, &mut Vec::new());
    }
    ledger
}

fn hour_of(ledger: &ParkLedger, carrier: Carrier, node: &str, hour: i64) -> Option<ThermalHour> {
    let node = AssetId::new(node).expect("valid");
    let start = UnixSeconds(MIDNIGHT_S + hour * SECONDS_PER_HOUR);
    Thermal::of(ledger).hour(carrier, &node, start)
}

fn day() -> DayPeriod {
    DayPeriod {
        from: UnixSeconds(MIDNIGHT_S),
        to: UnixSeconds(MIDNIGHT_S + 86_400),
    }
}

const METERS: [&str; 6] = [
    "pump.heat",
    "collectors.heat",
    "house.heat",
    "chiller.cold",
    "house.cold",
    "annex.cold",
];

proptest! {
    /// Whatever is metered, in whatever order and however corrected: every hour that is whole adds up to the Wh.
    #[test]
    fn heat_and_cold_balance_to_the_wh(
        quarters in prop::collection::vec(prop::array::uniform6(0..20_000_i64), 4..24),
        corrected in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, 0..20_000_i64), 0..5),
        order in any::<prop::sample::Index>(),
    ) {
        let mut amounts = quarters.clone();
        let mut facts = Vec::new();
        for (quarter, wh) in quarters.iter().enumerate() {
            facts.extend(METERS.iter().zip(wh).map(|(meter, wh)| counted(meter, quarter, *wh, 0)));
        }
        let turn = order.index(facts.len());
        facts.rotate_left(turn);
        facts.reverse();
        for (number, (quarter, meter, wh)) in corrected.iter().enumerate() {
            let quarter = quarter.index(quarters.len());
            amounts[quarter][*meter] = *wh;
            facts.push(counted(METERS[*meter], quarter, *wh, number as u32 + 1));
        }
        let ledger = ledger_of(&facts);
        let hours = amounts.len() / 4;
        let mut unexplained = [0, 0];
        for hour in 0..hours {
            let of_hour = &amounts[hour * 4..hour * 4 + 4];
            let sum = |meter: usize| of_hour.iter().map(|wh| wh[meter]).sum::<i64>();
            let in_use = |meter: usize| if sum(meter) > 0 { 1 } else { 0 };
            let heat = hour_of(&ledger, Carrier::Heat, "house", hour as i64).expect("a whole hour");
            let supplied = sum(0) + sum(1);
            let lost = (LOSS_W * (in_use(0) + in_use(1))).min(supplied);
            prop_assert_eq!(heat, ThermalHour { supplied_wh: supplied, used_wh: sum(2), lost_wh: lost });
            let cold = hour_of(&ledger, Carrier::Cold, "chiller", hour as i64).expect("a whole hour");
            let lost = (2 * LOSS_W * in_use(3)).min(sum(3));
            prop_assert_eq!(cold, ThermalHour { supplied_wh: sum(3), used_wh: sum(4) + sum(5), lost_wh: lost });
            unexplained[0] += heat.unexplained_wh();
            unexplained[1] += cold.unexplained_wh();
        }
        prop_assert_eq!(hour_of(&ledger, Carrier::Heat, "house", hours as i64), None);
        let balances = Thermal::of(&ledger).balances(day());
        for ((medium, _, sums), unexplained) in balances.iter().zip(unexplained) {
            prop_assert_eq!(sums.closed, hours as u64, "{:?}", medium);
            prop_assert_eq!(sums.unexplained, unexplained);
            prop_assert_eq!(sums.incoming, sums.outgoing + sums.stored + sums.unexplained);
        }
        // What the meters counted, counted once.
        let totals = Thermal::of(&ledger).totals(day());
        let house = AssetId::new("house").expect("valid");
        let used: i64 = amounts.iter().map(|wh| wh[2]).sum();
        prop_assert_eq!(totals.get(&(NaturalAccount::HeatUsedWh, &house)).copied().unwrap_or(0), used);
    }
}

#[test]
fn a_reading_tells_the_hours_that_it_balances_anew_and_electricity_does_not_count_heat() {
    let mut facts = Vec::new();
    for quarter in 0..4 {
        facts.extend([
            counted("pump.heat", quarter, 1_000, 0),
            counted("collectors.heat", quarter, 0, 0),
            counted("house.heat", quarter, 900, 0),
            counted("house.load", quarter, 500, 0),
        ]);
    }
    let ledger = ledger_of(&facts);
    let house = AssetId::new("house").expect("valid");
    let electricity = ledger.node_hour(&house, UnixSeconds(MIDNIGHT_S));
    assert_eq!(electricity.amounts.consumption, 2_000);
    let mut told = Vec::new();
    let quarter = Interval {
        start: UnixSeconds(MIDNIGHT_S + 900),
        seconds: 900,
    };
    let pump = MeterId::new("pump.heat").expect("valid");
    balanced_by(&ledger, &pump, quarter, &mut told);
    let open = OpenBalance {
        medium: NaturalMedium::HeatWh,
        asset: house,
        hour_start: UnixSeconds(MIDNIGHT_S),
        unexplained: 4_000 - 3_600 - LOSS_W,
    };
    assert_eq!(told, [open]);
    let load = MeterId::new("house.load").expect("valid");
    balanced_by(&ledger, &load, quarter, &mut told);
    assert_eq!(told.len(), 1);
}
