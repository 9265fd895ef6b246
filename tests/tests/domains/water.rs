//! The water service: levels, alarms, irrigation, meters, leaks, rain, quality.

use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::expect_refused;
use tonic::Code;
use tonic::transport::Channel;

use crate::{PARK, at, counts, from_now, quarantined};

pub fn levels(levels: &[(&str, u32, i64)]) -> water::ReportTankLevelsRequest {
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
pub async fn drive(channel: Channel) -> u64 {
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
    assert_eq!(answer.counts, quarantined(2, 1, 1, 1));
    let rejected: Vec<(u32, &str)> = answer
        .rejections
        .iter()
        .map(|rejection| (rejection.index, rejection.field.as_str()))
        .collect();
    assert_eq!(rejected, [(3, "tank")]);
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

    release_a_level(&mut service).await;
    catch_rain_and_sample_it(&mut service).await;
    find_a_leak(&mut service).await
}

/// The level of 20,001 l in a tank of 20,000 l is in quarantine until someone decides.
async fn release_a_level(service: &mut WaterServiceClient<Channel>) {
    let list = water::ListQuarantinedWaterRequest { park: PARK.into() };
    let reports = service
        .list_quarantined_water(list.clone())
        .await
        .expect("a list")
        .into_inner()
        .reports;
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].reason.contains("more than tank rain-tank holds"));
    let release = water::ReleaseTankLevelRequest {
        park: PARK.into(),
        tank: "rain-tank".into(),
        event_id: reports[0].event_id.clone(),
        reason: "the overflow pipe stands a little higher".into(),
        client_request_id: String::new(),
    };
    let unexplained = water::ReleaseTankLevelRequest {
        reason: " ".into(),
        ..release.clone()
    };
    expect_refused(
        service.release_tank_level(unexplained).await,
        Code::InvalidArgument,
        "reason",
        "1 to 500 bytes",
    );
    for recorded in [true, false] {
        let answer = service
            .release_tank_level(release.clone())
            .await
            .expect("released")
            .into_inner();
        assert_eq!(answer.recorded, recorded);
    }
    let left = service
        .list_quarantined_water(list)
        .await
        .expect("a list")
        .into_inner();
    assert_eq!(left.reports, []);
}

async fn catch_rain_and_sample_it(service: &mut WaterServiceClient<Channel>) {
    let rain = water::TankFlowReading {
        tank: "rain-tank".into(),
        flow: water::TankFlow::RainIn.into(),
        interval_start: at(0),
        interval_seconds: 900,
        litres: 420,
    };
    let overlapping = water::TankFlowReading {
        interval_start: at(10),
        ..rain.clone()
    };
    let caught = service
        .report_tank_flows(water::ReportTankFlowsRequest {
            park: PARK.into(),
            readings: vec![rain.clone(), overlapping, rain],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(caught.counts, counts(1, 1, 1));

    let sample = |id: &str, minute, turbidity_mntu| water::QualitySample {
        tank: "rain-tank".into(),
        sample: id.into(),
        time: at(minute),
        ph_milli: Some(7_100),
        turbidity_mntu: Some(turbidity_mntu),
        cod_ug_per_l: Some(28_000),
        ..water::QualitySample::default()
    };
    let sampled = service
        .report_quality_samples(water::ReportQualitySamplesRequest {
            park: PARK.into(),
            samples: vec![
                sample("s-1", 5, 4_000),
                sample("s-2", 6, 60_000),
                water::QualitySample {
                    sample: "s-3".into(),
                    tank: "rain-tank".into(),
                    time: at(7),
                    ..water::QualitySample::default()
                },
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(sampled.counts, counts(2, 0, 1));
    let judged = service
        .list_quality(water::ListQualityRequest { park: PARK.into() })
        .await
        .expect("a list")
        .into_inner()
        .tanks;
    assert_eq!(judged.len(), 1);
    assert_eq!(judged[0].class(), water::WaterQualityClass::Iv);
    assert!(!judged[0].fit_for_irrigation);
    expect_refused(
        service.start_irrigation(irrigate(100, "turbid")).await,
        Code::FailedPrecondition,
        "zone",
        "not fit for irrigation by its newest sample, s-2",
    );
}

/// Gives a position that covers all of it.
async fn find_a_leak(service: &mut WaterServiceClient<Channel>) -> u64 {
    let watch = water::SetLeakWatchRequest {
        park: PARK.into(),
        asset: "centre".into(),
        network: water::WaterNetwork::Supply.into(),
        limit_l_per_h: 10,
        nights: 2,
        client_request_id: String::new(),
    };
    let endless = water::SetLeakWatchRequest {
        nights: 31,
        ..watch.clone()
    };
    expect_refused(
        service.set_leak_watch(endless).await,
        Code::InvalidArgument,
        "nights",
        "1 to 30",
    );
    service.set_leak_watch(watch).await.expect("set");
    let night = |day: u32, litres| water::WaterReading {
        asset: "centre".into(),
        network: water::WaterNetwork::Supply.into(),
        interval_start: format!("2025-08-{day:02}T02:00:00+08:00"),
        interval_seconds: 7_200,
        litres,
    };
    let mut position = 0;
    for (readings, leaks) in [
        (vec![night(2, 30)], 0),
        (vec![night(3, 40)], 1),
        (vec![night(4, 20)], 0),
        (vec![night(5, 30), night(6, 30), night(7, -5)], 1),
    ] {
        let request = water::ReportWaterMetersRequest {
            park: PARK.into(),
            readings,
            client_request_id: String::new(),
        };
        position = service
            .report_water_meters(request)
            .await
            .expect("an answer")
            .into_inner()
            .recorded_position;
        let list = water::ListLeaksRequest { park: PARK.into() };
        let suspected = service.list_leaks(list).await.expect("a list").into_inner();
        assert_eq!(suspected.leaks.len(), leaks, "{suspected:?}");
    }
    position
}
