//! What a charger shows of its sessions, faults and asks.

use terrarium_proto::mobility::v1 as mobility;
use terrarium_twin::Quantity;
use uuid::Uuid;

use super::Feeder;

fn started(session: &str, time_s: i64) -> mobility::ChargeSessionStartedV1 {
    mobility::ChargeSessionStartedV1 {
        charger: "charger-1".into(),
        session: session.into(),
        vehicle_class: mobility::VehicleClass::Public.into(),
        time_s,
        allows_discharge: true,
        ..Default::default()
    }
}

fn metered(
    session: &str,
    time_s: i64,
    in_wh: i64,
    out_wh: i64,
) -> mobility::ChargeSessionMeteredV1 {
    mobility::ChargeSessionMeteredV1 {
        charger: "charger-1".into(),
        session: session.into(),
        time_s,
        energy_in_wh: in_wh,
        energy_out_wh: out_wh,
    }
}

#[test]
fn the_power_of_a_session_follows_from_its_totals_and_ends_with_it() {
    let mut feeder = Feeder::with_park();
    feeder.charger(&started("s-1", 1_000), "ChargeSessionStartedV1");
    feeder.charger(&metered("s-1", 4_600, 7_000, 0), "ChargeSessionMeteredV1");
    feeder.charger(
        &metered("s-1", 8_200, 7_000, 3_000),
        "ChargeSessionMeteredV1",
    );
    let power = |feeder: &Feeder, moment_s| {
        feeder
            .at("charger-1", Quantity::SessionPowerW, moment_s)
            .map(|(power_w, _)| power_w)
    };
    assert_eq!(power(&feeder, 999), None);
    assert_eq!(power(&feeder, 1_001), Some(7_000));
    assert_eq!(power(&feeder, 8_200), Some(-3_000));
    assert_eq!(feeder.newest("charger-1", Quantity::Session), Some(1));
    assert_eq!(feeder.newest("charger-1", Quantity::VehicleClass), Some(2));

    // Totals told late part the first hour in two.
    feeder.charger(&metered("s-1", 2_800, 5_000, 0), "ChargeSessionMeteredV1");
    assert_eq!(power(&feeder, 2_000), Some(10_000));
    assert_eq!(power(&feeder, 4_600), Some(4_000));

    let ended = mobility::ChargeSessionEndedV1 {
        charger: "charger-1".into(),
        session: "s-1".into(),
        vehicle_class: mobility::VehicleClass::Public.into(),
        started_s: 1_000,
        ended_s: 9_100,
        energy_in_wh: 7_000,
        energy_out_wh: 4_000,
    };
    feeder.charger(&ended, "ChargeSessionEndedV1");
    assert_eq!(power(&feeder, 9_099), Some(-4_000));
    assert_eq!(power(&feeder, 9_100), Some(0));
    assert_eq!(feeder.newest("charger-1", Quantity::SessionPowerW), Some(0));
    assert_eq!(feeder.newest("charger-1", Quantity::Session), Some(0));
    assert_eq!(feeder.newest("charger-1", Quantity::VehicleClass), Some(0));
    assert_eq!(
        feeder.newest("charger-1", Quantity::SessionOutWh),
        Some(4_000)
    );
    feeder.charger(&started("s-2", 10_000), "ChargeSessionStartedV1");
    assert_eq!(feeder.newest("charger-1", Quantity::SessionOutWh), Some(0));
}

#[test]
fn faults_are_counted_when_they_are_told_late_too() {
    let mut feeder = Feeder::with_park();
    let fault = |fault: &str, time_s| mobility::ChargerFaultRaisedV1 {
        charger: "charger-1".into(),
        fault: fault.into(),
        time_s,
    };
    feeder.charger(&fault("overheated", 100), "ChargerFaultRaisedV1");
    feeder.charger(&fault("ground-failure", 50), "ChargerFaultRaisedV1");
    let cleared = mobility::ChargerFaultClearedV1 {
        charger: "charger-1".into(),
        fault: "ground-failure".into(),
        time_s: 120,
    };
    feeder.charger(&cleared, "ChargerFaultClearedV1");
    let faults = |moment_s| feeder.at("charger-1", Quantity::Faults, moment_s);
    assert_eq!(faults(49), None);
    assert_eq!(faults(60), Some((1, 50)));
    assert_eq!(faults(110), Some((2, 100)));
    assert_eq!(faults(130), Some((1, 120)));
}

#[test]
fn only_the_newest_ask_is_obeyed_or_missed() {
    let mut feeder = Feeder::with_park();
    let ask = |limit_w, time_s| mobility::ChargePowerAskedV1 {
        charger: "charger-1".into(),
        limit_w,
        time_s,
        ..Default::default()
    };
    let missed = |asked: Uuid, time_s| mobility::ChargePowerMissedV1 {
        charger: "charger-1".into(),
        asked_event_id: terrarium_journal::event_id_bytes(&asked),
        time_s,
        reason: mobility::ChargePowerMiss::Replaced.into(),
        power_w: None,
    };
    let first = feeder.charger(&ask(7_000, 10), "ChargePowerAskedV1");
    let second = feeder.charger(&ask(-5_000, 20), "ChargePowerAskedV1");
    feeder.charger(&missed(first, 20), "ChargePowerMissedV1");
    assert_eq!(
        feeder.at("charger-1", Quantity::AskState, 20),
        Some((1, 20))
    );
    let obeyed = mobility::ChargePowerObeyedV1 {
        charger: "charger-1".into(),
        asked_event_id: terrarium_journal::event_id_bytes(&second),
        time_s: 25,
        power_w: -4_000,
    };
    feeder.charger(&obeyed, "ChargePowerObeyedV1");
    assert_eq!(
        feeder.at("charger-1", Quantity::AskState, 30),
        Some((2, 25))
    );
    assert_eq!(
        feeder.newest("charger-1", Quantity::AskedLimitW),
        Some(-5_000)
    );
}
