use terrarium_mobility::domain::{SessionStart, VehicleClass};

use super::*;

fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("valid")
}

fn level(id: u128, time: i64, level_l: i64) -> TwinEvent {
    TwinEvent::Water(WaterEvent::Tank(TankEvent {
        id: Uuid::from_u128(id),
        tank: asset("rain-tank-1"),
        fact: TankFact::LevelMeasured(TankLevel {
            time: UnixSeconds(time),
            level_l,
        }),
    }))
}

fn charger(id: u128, fact: ChargerFact) -> TwinEvent {
    TwinEvent::Charger(ChargerEvent {
        id: Uuid::from_u128(id),
        charger: asset("charger-1"),
        fact,
    })
}

fn bin(id: u128, fact: BinFact) -> TwinEvent {
    TwinEvent::Waste(WasteEvent::Bin(BinEvent {
        id: Uuid::from_u128(id),
        bin: asset("bin-1"),
        fact,
    }))
}

/// Takes in events in this order, at positions 0, 100, 200, ...
fn twin_of(events: &[(u128, TwinEvent)]) -> Twin {
    let mut twin = Twin::default();
    for (place, (id, event)) in (0u64..).zip(events) {
        twin.apply(event, Uuid::from_u128(*id), place * 100);
    }
    twin
}

fn session() -> Vec<(u128, TwinEvent)> {
    let totals = Totals {
        energy_in_wh: 9_000,
        energy_out_wh: 200,
    };
    let start = SessionStart {
        vehicle_class: VehicleClass::Fleet,
        time: UnixSeconds(10),
        allows_discharge: false,
    };
    vec![
        (
            20,
            charger(
                20,
                ChargerFact::SessionStarted {
                    session: "s-1".into(),
                    start,
                },
            ),
        ),
        (
            21,
            charger(
                21,
                ChargerFact::SessionEnded {
                    session: "s-1".into(),
                    vehicle_class: VehicleClass::Fleet,
                    started: UnixSeconds(10),
                    ended: UnixSeconds(3_610),
                    totals,
                },
            ),
        ),
    ]
}

#[test]
fn the_newest_level_counts_however_late_older_ones_arrive() {
    let twin = twin_of(&[(1, level(1, 60, 500)), (2, level(2, 30, 900))]);
    let newest = twin
        .tank(&asset("rain-tank-1"))
        .expect("it reported")
        .newest
        .expect("a level");
    assert_eq!((newest.time.0, newest.level_l), (60, 500));
}

#[test]
fn a_session_that_ended_adds_to_the_chargers_totals() {
    let twin = twin_of(&session());
    let state = twin.charger(&asset("charger-1")).expect("it reported");
    assert_eq!(state.session, None);
    assert_eq!(
        (state.sessions_ended, state.ended_totals.energy_in_wh),
        (1, 9_000)
    );
}

#[test]
fn an_emptied_bin_is_empty_unless_something_newer_is_known() {
    let weighed = |time: i64| {
        BinFact::Weighed(BinMeasurement {
            time: UnixSeconds(time),
            fill_l: 200,
            weight_g: 5_000,
        })
    };
    let emptied = |time: i64| BinFact::Emptied {
        time: UnixSeconds(time),
        collection: "round-1".into(),
        executed: Uuid::nil(),
    };
    for (facts, fill_l) in [
        ([weighed(10), emptied(20)], 0),
        ([weighed(30), emptied(20)], 200),
        ([emptied(20), weighed(10)], 0),
    ] {
        let events: Vec<_> = (1u128..)
            .zip(facts)
            .map(|(id, fact)| (id, bin(id, fact)))
            .collect();
        let twin = twin_of(&events);
        let newest = twin
            .bin(&asset("bin-1"))
            .expect("it reported")
            .newest
            .expect("known");
        assert_eq!(newest.fill_l, fill_l);
    }
}

#[test]
fn the_content_hash_is_the_same_for_any_interleaving_of_streams_and_the_state_hash_tells_them_apart()
 {
    let levels = vec![(1, level(1, 10, 500)), (2, level(2, 20, 600))];
    let one_after_the_other = [levels.clone(), session()].concat();
    let mut woven = session();
    woven.insert(1, levels[1].clone());
    woven.insert(0, levels[0].clone());
    let first = twin_of(&one_after_the_other).hashes();
    let second = twin_of(&woven).hashes();
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_eq!(first, twin_of(&one_after_the_other).hashes());
}

#[test]
fn the_content_hash_tells_apart_what_ends_in_the_same_state() {
    let detour = [
        (1, level(1, 10, 500)),
        (3, level(3, 15, 900)),
        (2, level(2, 20, 600)),
    ];
    let direct = [(1, level(1, 10, 500)), (2, level(2, 20, 600))];
    assert_ne!(twin_of(&detour).hashes().0, twin_of(&direct).hashes().0);
}
