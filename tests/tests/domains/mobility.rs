//! The mobility service: sessions, power, owners' reserves, emergencies, fleet, visitors.

use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_tests::expect_refused;
use tonic::Code;
use tonic::transport::Channel;

use crate::{PARK, at, counts, from_now, quarantined};

fn session(
    charger: &str,
    session: &str,
    minute: u32,
    energy_in_wh: i64,
    energy_out_wh: i64,
) -> mobility::SessionMeter {
    mobility::SessionMeter {
        charger: charger.into(),
        session: session.into(),
        time: at(minute),
        energy_in_wh,
        energy_out_wh,
    }
}

fn set_power(
    charger: &str,
    limit_w: i64,
    client_request_id: &str,
) -> mobility::SetChargePowerRequest {
    mobility::SetChargePowerRequest {
        park: PARK.into(),
        charger: charger.into(),
        limit_w,
        client_request_id: client_request_id.into(),
    }
}

/// Gives a position that covers all of it.
pub async fn drive(channel: Channel) -> u64 {
    let mut service = MobilityServiceClient::new(channel);
    let start = mobility::ReportSessionStartRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        session: "s-1".into(),
        vehicle_class: mobility::VehicleClass::Fleet.into(),
        time: at(0),
        allows_discharge: true,
        client_request_id: String::new(),
        v2g: None,
    };
    expect_refused(
        service
            .set_charge_power(set_power("charger-1", -5_000, "early"))
            .await,
        Code::FailedPrecondition,
        "limit_w",
        "no session runs",
    );
    service
        .report_session_start(start.clone())
        .await
        .expect("it begins");
    let second = mobility::ReportSessionStartRequest {
        session: "s-2".into(),
        time: at(5),
        ..start
    };
    expect_refused(
        service.report_session_start(second).await,
        Code::FailedPrecondition,
        "session",
        "report its end first",
    );
    let metered = service
        .report_session_meters(mobility::ReportSessionMetersRequest {
            park: PARK.into(),
            meters: vec![
                session("charger-1", "s-1", 15, 6_000, 0),
                session("charger-1", "s-1", 30, 12_000, 0),
                session("charger-1", "s-1", 20, 13_000, 0),
                session("charger-2", "s-1", 20, 1, 0),
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(metered.counts, quarantined(2, 0, 1, 1));
    assert_eq!(metered.rejections[0].code, Code::NotFound as u32);

    for (charger, limit_w, said) in [
        ("charger-1", 30_001, "beyond the rating"),
        ("charger-2", -1, "not bidirectional"),
    ] {
        expect_refused(
            service
                .set_charge_power(set_power(charger, limit_w, "refused"))
                .await,
            Code::FailedPrecondition,
            "limit_w",
            said,
        );
    }
    let asked = service
        .set_charge_power(set_power("charger-1", -8_000, "evening"))
        .await
        .expect("asked")
        .into_inner();
    let answer = mobility::ReportChargePowerRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        ask_id: asked.ask_id.clone(),
        time: from_now(0),
        power_w: -7_900,
        client_request_id: String::new(),
    };
    let answered = service
        .report_charge_power(answer.clone())
        .await
        .expect("obeyed")
        .into_inner();
    assert!(answered.recorded && answered.obeyed);
    let again = service
        .report_charge_power(answer)
        .await
        .expect("again")
        .into_inner();
    assert!(!again.recorded && again.obeyed);

    let fault = |state: mobility::FaultState, minute| mobility::ReportChargerFaultRequest {
        park: PARK.into(),
        charger: "charger-2".into(),
        fault: "ground-failure".into(),
        state: state.into(),
        time: at(minute),
        client_request_id: String::new(),
    };
    service
        .report_charger_fault(fault(mobility::FaultState::Present, 10))
        .await
        .expect("raised");
    expect_refused(
        service
            .set_charge_power(set_power("charger-2", 5_000, "faulty"))
            .await,
        Code::FailedPrecondition,
        "charger",
        "ground-failure",
    );
    service
        .report_charger_fault(fault(mobility::FaultState::Gone, 20))
        .await
        .expect("cleared");

    let end = mobility::ReportSessionEndRequest {
        park: PARK.into(),
        meter: Some(session("charger-1", "s-1", 90, 14_000, 3_000)),
        client_request_id: String::new(),
    };
    let ended = service
        .report_session_end(end)
        .await
        .expect("it ends")
        .into_inner();
    let chargers = service
        .list_chargers(mobility::ListChargersRequest { park: PARK.into() })
        .await
        .expect("a list")
        .into_inner()
        .chargers;
    assert_eq!(chargers.len(), 2);
    assert_eq!(
        (chargers[0].session.as_str(), chargers[0].asked_limit_w),
        ("", Some(-8_000))
    );
    assert!(chargers.iter().all(|charger| charger.faults.is_empty()));
    let emergency = feed_the_park(&mut service).await;
    let fleet = drive_round(&mut service).await;
    ended.recorded_position.max(emergency).max(fleet)
}

/// A visitor lends 5 kWh above a reserve, and the park takes it in an emergency. Gives a position that covers all of it.
async fn feed_the_park(service: &mut MobilityServiceClient<Channel>) -> u64 {
    let lend = mobility::ReportSessionStartRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        session: "s-3".into(),
        vehicle_class: mobility::VehicleClass::Visitor.into(),
        time: at(100),
        allows_discharge: true,
        client_request_id: String::new(),
        v2g: Some(mobility::V2gTerms {
            battery_wh: 60_000,
            stored_wh: 30_000,
            reserve_wh: 25_000,
            departure: from_now(7_200),
        }),
    };
    let unwilling = mobility::ReportSessionStartRequest {
        allows_discharge: false,
        ..lend.clone()
    };
    expect_refused(
        service.report_session_start(unwilling).await,
        Code::InvalidArgument,
        "v2g",
        "does not allow",
    );
    service.report_session_start(lend).await.expect("it begins");

    let start = mobility::StartEmergencySupplyRequest {
        park: PARK.into(),
        need_w: 12_000,
        reason: "the grid is down".into(),
        client_request_id: "night".into(),
    };
    let emergency = service
        .start_emergency_supply(start.clone())
        .await
        .expect("an emergency")
        .into_inner();
    assert!(emergency.recorded && emergency.refusals.is_empty());
    let asks: Vec<(&str, i64)> = emergency
        .asks
        .iter()
        .map(|ask| (ask.charger.as_str(), ask.limit_w))
        .collect();
    assert_eq!(asks, [("charger-1", -12_000)]);
    let again = service
        .start_emergency_supply(start.clone())
        .await
        .expect("the same")
        .into_inner();
    assert_eq!((again.recorded, &again.asks), (false, &emergency.asks));
    let second = mobility::StartEmergencySupplyRequest {
        client_request_id: "another".into(),
        ..start
    };
    expect_refused(
        service.start_emergency_supply(second).await,
        Code::FailedPrecondition,
        "park",
        "end it first",
    );

    let given = service
        .report_session_meters(mobility::ReportSessionMetersRequest {
            park: PARK.into(),
            meters: vec![session("charger-1", "s-3", 130, 0, 5_000)],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(given.counts, counts(1, 0, 0));
    expect_refused(
        service
            .set_charge_power(set_power("charger-1", -1, "too much"))
            .await,
        Code::FailedPrecondition,
        "limit_w",
        "its owner keeps 25000 Wh",
    );
    let end = mobility::EndEmergencySupplyRequest {
        park: PARK.into(),
        emergency_id: emergency.emergency_id,
        client_request_id: "morning".into(),
    };
    let ended = service
        .end_emergency_supply(end)
        .await
        .expect("it ends")
        .into_inner();
    let chargers = service
        .list_chargers(mobility::ListChargersRequest { park: PARK.into() })
        .await
        .expect("a list")
        .into_inner()
        .chargers;
    assert_eq!(
        (
            chargers[0].asked_limit_w,
            chargers[0].stored_wh,
            chargers[0].reserve_wh
        ),
        (Some(0), Some(25_000), Some(25_000))
    );
    ended.recorded_position
}

/// Gives a position that covers all of it.
async fn drive_round(service: &mut MobilityServiceClient<Channel>) -> u64 {
    let told = |minute, odometer_m| mobility::FleetVehicleReport {
        vehicle: "shuttle-1".into(),
        time: at(minute),
        state: mobility::VehicleState::Parked.into(),
        stored_wh: 18_000,
        odometer_m,
    };
    let answer = service
        .report_fleet_vehicles(mobility::ReportFleetVehiclesRequest {
            park: PARK.into(),
            reports: vec![told(0, 5_000), told(60, 4_999), told(60, 7_400)],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, counts(2, 0, 1));
    assert_eq!(answer.rejections[0].field, "odometer_m");
    let trip = |vehicle: &str, id: &str| mobility::ShuttleTrip {
        vehicle: vehicle.into(),
        trip: id.into(),
        line: "round".into(),
        started: at(10),
        ended: at(20),
        distance_m: 2_400,
        energy_wh: 350,
        passengers: 9,
    };
    let answer = service
        .report_shuttle_trips(mobility::ReportShuttleTripsRequest {
            park: PARK.into(),
            trips: vec![
                trip("shuttle-1", "t-1"),
                trip("shuttle-1", "t-2"),
                trip("charger-1", "t-1"),
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, counts(1, 0, 2));
    let fleet = service
        .list_fleet(mobility::ListFleetRequest { park: PARK.into() })
        .await
        .expect("a list")
        .into_inner()
        .vehicles;
    assert_eq!(fleet.len(), 1);
    assert_eq!((fleet[0].trips, fleet[0].distance_m), (1, 2_400));

    let people = |minute, entered| mobility::VisitorCount {
        counter: "gate".into(),
        interval_start: at(minute),
        interval_seconds: 900,
        entered,
        left: 2,
    };
    let answer = service
        .report_visitors(mobility::ReportVisitorsRequest {
            park: PARK.into(),
            counts: vec![people(0, 12), people(15, 7), people(15, 8), people(0, 12)],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, counts(2, 1, 1));
    answer.recorded_position
}
