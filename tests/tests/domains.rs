//! Water, waste and mobility through the whole path: reports, alarms, commands and their refusals, and the same state after a
//! restart.

use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::report::v1::ReportCounts;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{Park, feed, repository};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

const PARK: &str = "domains";

/// An instant of a morning long past.
fn at(minute: u32) -> String {
    format!(
        "2025-08-01T{:02}:{:02}:00+08:00",
        6 + minute / 60,
        minute % 60
    )
}

/// In so many seconds, in whole ones.
fn from_now(seconds: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now + seconds)
        .expect("a time in this century")
        .to_string()
}

fn park() -> Park {
    Park::new(&[repository().join("tests/data/domains/park.toml")])
}

/// Passes if the call was refused with this code and field, saying this.
#[track_caller]
fn expect_refused<T: std::fmt::Debug>(
    answer: Result<Response<T>, Status>,
    code: Code,
    field: &str,
    said: &str,
) {
    let status = answer.expect_err("this must be refused");
    assert_eq!(status.code(), code, "{status}");
    let named = status
        .get_details_bad_request()
        .expect("a refusal names its field")
        .field_violations;
    assert_eq!(named[0].field, field, "{status}");
    assert!(status.message().contains(said), "{status}");
}

fn counts(recorded: u64, already_recorded: u64, rejected: u64) -> Option<ReportCounts> {
    Some(ReportCounts {
        recorded,
        already_recorded,
        rejected,
        quarantined: 0,
    })
}

fn levels(levels: &[(&str, u32, i64)]) -> water::ReportTankLevelsRequest {
    water::ReportTankLevelsRequest {
        park: PARK.into(),
        levels: levels
            .iter()
            .map(|(tank, minute, level_l)| water::TankLevel {
                tank: (*tank).into(),
                time: at(*minute),
                level_l: *level_l,
            })
            .collect(),
        client_request_id: "levels".into(),
    }
}

fn irrigate(litres: i64, client_request_id: &str) -> water::StartIrrigationRequest {
    water::StartIrrigationRequest {
        park: PARK.into(),
        zone: "lawn".into(),
        litres,
        client_request_id: client_request_id.into(),
    }
}

async fn alarms(service: &mut WaterServiceClient<Channel>) -> Vec<i32> {
    let tanks = service
        .list_tanks(water::ListTanksRequest { park: PARK.into() })
        .await
        .expect("a list")
        .into_inner()
        .tanks;
    assert_eq!(tanks.len(), 1);
    tanks[0].alarms.clone()
}

/// Gives a position that covers all of it.
async fn drive_water(channel: Channel) -> u64 {
    let mut service = WaterServiceClient::new(channel);
    expect_refused(
        service.start_irrigation(irrigate(500, "early")).await,
        Code::FailedPrecondition,
        "zone",
        "has not reported its level",
    );
    let answer = service
        .report_tank_levels(levels(&[
            ("rain-tank", 0, 5_000),
            ("rain-tank", 1, 1_500),
            ("rain-tank", 2, 20_001),
            ("pond", 2, 5),
            ("rain-tank", 1, 1_500),
        ]))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, counts(2, 1, 2));
    let rejected: Vec<(u32, &str)> = answer
        .rejections
        .iter()
        .map(|rejection| (rejection.index, rejection.field.as_str()))
        .collect();
    assert_eq!(rejected, [(2, "level_l"), (3, "tank")]);
    assert_eq!(alarms(&mut service).await, [water::TankAlarm::Low as i32]);
    expect_refused(
        service.start_irrigation(irrigate(500, "dry")).await,
        Code::FailedPrecondition,
        "litres",
        "0 l can be given",
    );

    service
        .report_tank_levels(levels(&[("rain-tank", 3, 6_000)]))
        .await
        .expect("rain");
    assert_eq!(alarms(&mut service).await, [0i32; 0]);
    let started = service
        .start_irrigation(irrigate(500, "morning"))
        .await
        .expect("enough")
        .into_inner();
    assert!(started.recorded);
    let again = service
        .start_irrigation(irrigate(500, "morning"))
        .await
        .expect("the same")
        .into_inner();
    assert_eq!(
        (again.recorded, &again.irrigation_id),
        (false, &started.irrigation_id)
    );
    expect_refused(
        service.start_irrigation(irrigate(500, "noon")).await,
        Code::FailedPrecondition,
        "zone",
        "is irrigating since",
    );
    expect_refused(
        service.start_irrigation(irrigate(500, "")).await,
        Code::InvalidArgument,
        "client_request_id",
        "make one up",
    );
    let end = water::ReportIrrigationEndRequest {
        park: PARK.into(),
        zone: "lawn".into(),
        irrigation_id: started.irrigation_id,
        time: from_now(0),
        litres: 480,
        client_request_id: String::new(),
    };
    let early = water::ReportIrrigationEndRequest {
        time: at(0),
        ..end.clone()
    };
    expect_refused(
        service.report_irrigation_end(early).await,
        Code::InvalidArgument,
        "time",
        "before",
    );
    assert!(
        service
            .report_irrigation_end(end)
            .await
            .expect("it ends")
            .into_inner()
            .recorded
    );

    let reading = |network: water::WaterNetwork, litres| water::WaterReading {
        asset: "centre".into(),
        network: network.into(),
        interval_start: at(0),
        interval_seconds: 900,
        litres,
    };
    let metered = service
        .report_water_meters(water::ReportWaterMetersRequest {
            park: PARK.into(),
            readings: vec![
                reading(water::WaterNetwork::Supply, 12),
                reading(water::WaterNetwork::Reclaimed, 40),
                reading(water::WaterNetwork::Supply, 13),
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(metered.counts, counts(2, 0, 1));
    assert_eq!(metered.rejections[0].code, Code::AlreadyExists as u32);
    metered.recorded_position
}

fn weigh(measurements: &[(&str, u32, i64, i64)]) -> waste::ReportBinsRequest {
    waste::ReportBinsRequest {
        park: PARK.into(),
        measurements: measurements
            .iter()
            .map(|(bin, minute, fill_l, weight_g)| waste::BinMeasurement {
                bin: (*bin).into(),
                time: at(*minute),
                fill_l: *fill_l,
                weight_g: *weight_g,
            })
            .collect(),
        client_request_id: "bins".into(),
    }
}

async fn open_collections(service: &mut WasteServiceClient<Channel>) -> Vec<waste::OpenCollection> {
    let request = waste::ListOpenCollectionsRequest { park: PARK.into() };
    service
        .list_open_collections(request)
        .await
        .expect("a list")
        .into_inner()
        .collections
}

/// Gives a position that covers all of it.
async fn drive_waste(channel: Channel) -> u64 {
    let mut service = WasteServiceClient::new(channel);
    let answer = service
        .report_bins(weigh(&[
            ("bin-1", 0, 100, 10_000),
            ("bin-1", 60, 216, 30_000),
            ("bin-2", 0, 10, 80_000),
            ("bin-9", 0, 10, 10),
        ]))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, counts(3, 0, 1));
    assert!(
        answer.rejections[0]
            .message
            .contains("has no bin \"bin-9\""),
        "{answer:?}"
    );

    let order = waste::OrderCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        bins: vec!["bin-2".into(), "bin-1".into()],
        assignee: "crew-3".into(),
        due: from_now(3_600),
        client_request_id: String::new(),
    };
    let past = waste::OrderCollectionRequest {
        due: at(0),
        ..order.clone()
    };
    expect_refused(
        service.order_collection(past).await,
        Code::FailedPrecondition,
        "due",
        "give people time",
    );
    assert!(
        service
            .order_collection(order.clone())
            .await
            .expect("ordered")
            .into_inner()
            .recorded
    );
    assert!(
        !service
            .order_collection(order.clone())
            .await
            .expect("again")
            .into_inner()
            .recorded
    );
    let other = waste::OrderCollectionRequest {
        assignee: "crew-4".into(),
        ..order
    };
    expect_refused(
        service.order_collection(other).await,
        Code::AlreadyExists,
        "collection",
        "an id of its own",
    );
    let missed = waste::ReportMissedCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        client_request_id: String::new(),
    };
    expect_refused(
        service.report_missed_collection(missed).await,
        Code::FailedPrecondition,
        "collection",
        "wait until then",
    );
    let acknowledge = waste::AcknowledgeCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        client_request_id: String::new(),
    };
    service
        .acknowledge_collection(acknowledge)
        .await
        .expect("seen");
    let open = open_collections(&mut service).await;
    assert_eq!(open.len(), 1);
    assert!(open[0].acknowledged && !open[0].missed);
    assert_eq!(open[0].bins, ["bin-1", "bin-2"]);

    let executed = waste::ReportCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        time: at(120),
        ticket: "T-2025-0801-17".into(),
        weight_g: 109_400,
        evidence_sha256: vec![7; 32].into(),
        client_request_id: String::new(),
    };
    let unknown = waste::ReportCollectionRequest {
        collection: "round-9".into(),
        ..executed.clone()
    };
    expect_refused(
        service.report_collection(unknown).await,
        Code::NotFound,
        "collection",
        "order it first",
    );
    let answer = service
        .report_collection(executed.clone())
        .await
        .expect("done")
        .into_inner();
    assert!(answer.recorded && !answer.late);
    let again = service
        .report_collection(executed)
        .await
        .expect("again")
        .into_inner();
    assert!(!again.recorded);
    assert_eq!(open_collections(&mut service).await, []);
    again.recorded_position
}

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
async fn drive_mobility(channel: Channel) -> u64 {
    let mut service = MobilityServiceClient::new(channel);
    let start = mobility::ReportSessionStartRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        session: "s-1".into(),
        vehicle_class: mobility::VehicleClass::Fleet.into(),
        time: at(0),
        allows_discharge: true,
        client_request_id: String::new(),
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
    assert_eq!(metered.counts, counts(2, 0, 2));
    let codes: Vec<u32> = metered
        .rejections
        .iter()
        .map(|rejection| rejection.code)
        .collect();
    assert_eq!(
        codes,
        [Code::FailedPrecondition as u32, Code::NotFound as u32]
    );

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
    ended.recorded_position
}

// Several threads, so that the connection can be closed while this one waits for the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn water_waste_and_mobility_are_reported_alarmed_commanded_and_stay_the_same_after_a_restart()
{
    let mut park = park();
    park.start();
    let mut clients = park.clients().await;
    let channel = clients.channel.clone();
    let positions = tokio::join!(
        drive_water(channel.clone()),
        drive_waste(channel.clone()),
        drive_mobility(channel)
    );
    let position = positions.0.max(positions.1).max(positions.2);
    let before = park.state_at(position);

    let events = feed::read_all(&mut clients, PARK).await;
    let count = |name: &str| {
        events
            .iter()
            .filter(|event| event.r#type.ends_with(name))
            .count()
    };
    for (name, expected) in [
        ("TankLevelMeasuredV1", 3),
        ("TankAlarmRaisedV1", 1),
        ("TankAlarmClearedV1", 1),
        ("IrrigationStartedV1", 1),
        ("IrrigationEndedV1", 1),
        ("WaterMeteredV1", 2),
        ("BinWeighedV1", 3),
        ("BinOverflowRaisedV1", 2),
        ("BinOverflowClearedV1", 2),
        ("CollectionOrderedV1", 1),
        ("CollectionAcknowledgedV1", 1),
        ("CollectionExecutedV1", 1),
        ("CollectionMissedV1", 0),
        ("BinEmptiedV1", 2),
        ("ChargeSessionStartedV1", 1),
        ("ChargeSessionMeteredV1", 2),
        ("ChargeSessionEndedV1", 1),
        ("ChargerFaultRaisedV1", 1),
        ("ChargerFaultClearedV1", 1),
        ("ChargePowerAskedV1", 1),
        ("ChargePowerObeyedV1", 1),
        ("ChargePowerMissedV1", 0),
    ] {
        assert_eq!(count(name), expected, "events of type {name}");
    }
    let printed = park
        .cli(&["events", "--park", PARK, "--format", "json"])
        .expect_code(0);
    assert!(printed.stdout.contains("rain-tank"), "{}", printed.stdout);

    park.cli(&["verify"]).expect_code(0);
    park.stop();
    park.cli(&["verify"]).expect_code(0);
    park.start();
    assert_eq!(park.state_at(position), before);
    park.cli(&["verify"]).expect_code(0);
}

#[tokio::test]
async fn the_content_hash_does_not_depend_on_how_the_streams_are_interleaved() {
    let mut hashes = Vec::new();
    for tank_first in [true, false] {
        let mut park = park();
        park.start();
        let channel = park.clients().await.channel;
        let mut water = WaterServiceClient::new(channel.clone());
        let mut waste = WasteServiceClient::new(channel);
        let mut position = 0;
        for minute in 0..4 {
            let level = levels(&[("rain-tank", minute, 1_000 + i64::from(minute) * 1_500)]);
            let bin = weigh(&[("bin-1", minute, 210 + i64::from(minute) * 3, 10)]);
            if tank_first {
                water
                    .report_tank_levels(level.clone())
                    .await
                    .expect("an answer");
            }
            let answer = waste
                .report_bins(bin)
                .await
                .expect("an answer")
                .into_inner();
            position = answer.recorded_position;
            if !tank_first {
                let answer = water
                    .report_tank_levels(level)
                    .await
                    .expect("an answer")
                    .into_inner();
                position = answer.recorded_position;
            }
        }
        hashes.push(park.state_at(position));
    }
    assert_eq!(hashes[0].content_hash, hashes[1].content_hash);
    assert_ne!(hashes[0].state_hash, hashes[1].state_hash);
}
