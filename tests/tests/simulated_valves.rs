//! Simulated valves and people's: a run that goes on where the record ends does what the run before it would have done, also
//! with irrigations that people started, and with the controller's own that people ended.

use prost::Message;
use serde_json::Value as Json;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_proto::water::v1::{
    IrrigationStartedV1, ReportIrrigationEndRequest, StartIrrigationRequest,
};
use terrarium_tests::record::{assert_same, lines_of};
use terrarium_tests::{Park, feed, repository};

const PARK: &str = "haotian";
const LAWN: &str = "irrigation.lawn";
/// Six days without much rain, after which the controller waters the lawn at four.
const FROM: &str = "2025-06-01T00:00:00+08:00";
/// Half an hour after the controller opened the valve, before it would close it.
const EARLY: &str = "2025-06-07T04:30:00+08:00";
const NOON: &str = "2025-06-07T12:00:00+08:00";
/// While what a person started at noon is given.
const ONE: &str = "2025-06-07T13:00:00+08:00";
const NIGHT: &str = "2025-06-08T03:00:00+08:00";
const TO: &str = "2025-06-08T06:00:00+08:00";

/// Goes on to a moment: the past is simulated again, and the last days of it are sent again.
fn simulate(park: &Park, to: &str) {
    let file = repository().join("deploy/parks/haotian.toml");
    let file = file.to_str().expect("a path of plain letters");
    let words = [
        "simulate",
        "--format",
        "json",
        "--park",
        file,
        "--from",
        FROM,
        "--to",
        to,
        "--interval",
        "30m",
        "--batch",
    ];
    let summary: Json = park.cli(&words).expect_code(0).json();
    assert_eq!(summary["rejected"], 0, "to {to}: {summary}");
    assert_eq!(summary["through"], to, "{summary}");
}

/// The id of the lawn's irrigation, which is the only one so far.
async fn irrigation_of_the_lawn(park: &Park) -> String {
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    let of_the_lawn = events.iter().filter(|event| {
        let is_start = event.r#type == "terrarium.water.v1.IrrigationStartedV1";
        is_start
            && IrrigationStartedV1::decode(event.data.clone())
                .is_ok_and(|started| started.zone == LAWN)
    });
    let ids: Vec<&String> = of_the_lawn.map(|event| &event.id).collect();
    let [id] = ids[..] else {
        panic!("the controller was to water the lawn once: {ids:?}");
    };
    id.clone()
}

/// Simulates two dry days with a person at the valves, and stops at these moments besides; gives the record.
async fn run_with_stops(stops: [&[&str]; 2]) -> Vec<String> {
    let mut park = Park::new(&[]);
    park.start();
    simulate(&park, EARLY);
    let mut water = WaterServiceClient::new(park.clients().await.channel);
    let ended = ReportIrrigationEndRequest {
        park: PARK.into(),
        zone: LAWN.into(),
        irrigation_id: irrigation_of_the_lawn(&park).await,
        time: EARLY.into(),
        litres: 100,
        client_request_id: "enough".into(),
    };
    water.report_irrigation_end(ended).await.expect("ended");
    for stop in stops[0] {
        simulate(&park, stop);
    }
    simulate(&park, NOON);
    let started = StartIrrigationRequest {
        park: PARK.into(),
        zone: LAWN.into(),
        litres: 500,
        // As the controller's ids look.
        client_request_id: "valve-7".into(),
    };
    water.start_irrigation(started).await.expect("started");
    for stop in stops[1] {
        simulate(&park, stop);
    }
    simulate(&park, TO);
    lines_of(&park, PARK).await
}

#[tokio::test]
async fn valves_do_the_same_however_often_a_run_goes_on_where_the_record_ends() {
    let record = run_with_stops([&[], &[]]).await;
    let of_the_lawn = |name: &str| {
        let is_meant = |line: &&String| {
            line.starts_with("water.irrigation-haotian.irrigation.lawn") && line.contains(name)
        };
        record.iter().filter(is_meant).count()
    };
    // The controller's own one and the person's at least; none is left running.
    let started = of_the_lawn("IrrigationStartedV1");
    assert!(started >= 2, "{started}: {record:#?}");
    assert_eq!(of_the_lawn("IrrigationEndedV1"), started, "{record:#?}");
    let often = run_with_stops([&[], &[ONE, NIGHT]]).await;
    assert_same(&record, &often, "few stops and many");
}
