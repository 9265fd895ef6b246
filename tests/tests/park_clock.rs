//! A simulated park goes by the simulator's clock, which passes every moment at which something is due.

use std::path::PathBuf;

use serde_json::Value as Json;
use tempfile::TempDir;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_proto::clock::v1::{AdvanceRequest, GetNowRequest, GetNowResponse};
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{Park, feed, repository};
use tonic::transport::Channel;
use tonic::{Code, Status};

const PARK: &str = "domains";
/// 2025-08-01T06:00:00+08:00.
const MORNING_MS: i64 = 1_753_999_200_000;
const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The park of the domains with the simulator's clock; the folder holds its file.
fn simulated_park() -> (TempDir, Park) {
    let text = std::fs::read_to_string(repository().join("tests/data/domains/park.toml"))
        .expect("the park of the domains");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("park.toml");
    let simulated = text.replace("clock = \"wall\"", "clock = \"simulated\"");
    assert_ne!(text, simulated);
    std::fs::write(&file, simulated).expect("a park file");
    let park = Park::new(&[file]);
    (folder, park)
}

fn wall_park() -> PathBuf {
    repository().join("deploy/parks/demo.toml")
}

fn rfc3339(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms)
        .expect("a time of this century")
        .to_string()
}

async fn advance(channel: &Channel, park: &str, now_ms: i64) -> Result<Option<u64>, Status> {
    let request = AdvanceRequest {
        park: park.into(),
        now_ms,
        reports_follow: false,
        decided_until_ms: None,
    };
    let answer = ClockServiceClient::new(channel.clone())
        .advance(request)
        .await?;
    Ok(answer.into_inner().recorded_position)
}

async fn now(channel: &Channel, park: &str) -> GetNowResponse {
    let request = GetNowRequest { park: park.into() };
    let answer = ClockServiceClient::new(channel.clone())
        .get_now(request)
        .await;
    answer.expect("the time").into_inner()
}

async fn report_level(
    channel: &Channel,
    time_ms: i64,
) -> Result<water::ReportTankLevelsResponse, Status> {
    let level = water::TankLevel {
        tank: "rain-tank".into(),
        time: rfc3339(time_ms),
        level_l: 5_000,
    };
    let request = water::ReportTankLevelsRequest {
        park: PARK.into(),
        levels: vec![level],
        client_request_id: String::new(),
    };
    let answer = WaterServiceClient::new(channel.clone())
        .report_tank_levels(request)
        .await?;
    Ok(answer.into_inner())
}

// Several threads, so that the connection can be closed while this one waits for the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_park_goes_by_the_simulators_clock_and_remembers_it() {
    let (_folder, mut park) = simulated_park();
    park.start();
    let channel = park.clients().await.channel;
    assert_eq!(
        now(&channel, PARK).await,
        GetNowResponse {
            now_ms: None,
            is_simulated: true,
            decided_until_ms: None,
        }
    );
    let early = report_level(&channel, MORNING_MS)
        .await
        .expect_err("no time");
    assert_eq!(early.code(), Code::FailedPrecondition, "{early}");
    assert!(early.message().contains("ClockService.Advance"), "{early}");

    assert_eq!(
        advance(&channel, PARK, MORNING_MS).await.expect("set"),
        None
    );
    assert_eq!(now(&channel, PARK).await.now_ms, Some(MORNING_MS));
    let answer = report_level(&channel, MORNING_MS).await.expect("an answer");
    assert_eq!(answer.counts.expect("counts").recorded, 1);

    // Long past by the wall's clock, but in this park's future.
    let ahead = report_level(&channel, MORNING_MS + 10 * MINUTE_MS)
        .await
        .expect("an answer");
    assert_eq!(ahead.rejections[0].code, Code::FailedPrecondition as u32);
    assert!(
        ahead.rejections[0].message.contains("2025-07-31T22:00:00Z"),
        "{ahead:?}"
    );
    advance(&channel, PARK, MORNING_MS + 10 * MINUTE_MS)
        .await
        .expect("forward");
    let answer = report_level(&channel, MORNING_MS + 10 * MINUTE_MS)
        .await
        .expect("an answer");
    assert_eq!(answer.counts.expect("counts").recorded, 1);

    let back = advance(&channel, PARK, MORNING_MS)
        .await
        .expect_err("time never goes back");
    assert_eq!(back.code(), Code::InvalidArgument, "{back}");
    assert!(back.message().contains("never goes back"), "{back}");

    // What was recorded last is what is remembered, not how far the clock was moved with nothing to record.
    advance(&channel, PARK, MORNING_MS + HOUR_MS)
        .await
        .expect("forward");
    drop(channel);
    park.stop();
    park.cli(&["verify"]).expect_code(0);
    park.start();
    let channel = park.clients().await.channel;
    assert_eq!(
        now(&channel, PARK).await.now_ms,
        Some(MORNING_MS + 10 * MINUTE_MS)
    );
}

#[tokio::test]
async fn nobody_moves_the_clock_of_a_park_that_goes_by_wall_time() {
    let mut park = Park::new(&[wall_park()]);
    park.start();
    let channel = park.clients().await.channel;
    let refused = advance(&channel, "demo", MORNING_MS)
        .await
        .expect_err("a wall park");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let told = now(&channel, "demo").await;
    assert!(
        !told.is_simulated && told.now_ms > Some(MORNING_MS),
        "{told:?}"
    );
    let unknown = advance(&channel, "nowhere", MORNING_MS)
        .await
        .expect_err("no park");
    assert_eq!(unknown.code(), Code::NotFound, "{unknown}");
}

/// A collection due in an hour and a limit to be answered within a minute; nobody does anything.
async fn order_and_ask(channel: &Channel) {
    let order = waste::OrderCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        bins: vec!["bin-1".into()],
        assignee: "crew-3".into(),
        due: rfc3339(MORNING_MS + HOUR_MS),
        client_request_id: "order".into(),
        ..waste::OrderCollectionRequest::default()
    };
    WasteServiceClient::new(channel.clone())
        .order_collection(order)
        .await
        .expect("ordered");
    let ask = mobility::SetChargePowerRequest {
        park: PARK.into(),
        charger: "charger-2".into(),
        limit_w: 20_000,
        client_request_id: "ask".into(),
    };
    MobilityServiceClient::new(channel.clone())
        .set_charge_power(ask)
        .await
        .expect("asked");
}

/// What an event says, without the trail of its request, which is another each time.
fn said(event: &terrarium_proto::feed::v1::CloudEvent) -> String {
    let metadata: Json = serde_json::from_slice(&event.metadata).expect("JSON");
    format!(
        "{} #{} {} {} {} recorded {} by {} {:?}",
        event.stream,
        event.revision,
        event.id,
        event.r#type,
        event.time,
        metadata["recordedtime"],
        metadata["actor"],
        event.data
    )
}

async fn missed_of_type(park: &Park, name: &str) -> Vec<String> {
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    events
        .iter()
        .filter(|event| event.r#type.ends_with(name))
        .map(|event| event.time.clone())
        .collect()
}

#[tokio::test]
async fn a_deadline_is_missed_exactly_when_time_passes_it() {
    let (_folder, mut park) = simulated_park();
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, PARK, MORNING_MS).await.expect("set");
    order_and_ask(&channel).await;

    for still_open_ms in [MINUTE_MS, MINUTE_MS + SECOND_MS - 1] {
        let to = MORNING_MS + still_open_ms;
        assert_eq!(advance(&channel, PARK, to).await.expect("forward"), None);
    }
    assert_eq!(missed_of_type(&park, "ChargePowerMissedV1").await, [""; 0]);
    let position = advance(&channel, PARK, MORNING_MS + MINUTE_MS + SECOND_MS)
        .await
        .expect("forward");
    assert!(position.is_some());
    assert_eq!(
        missed_of_type(&park, "ChargePowerMissedV1").await,
        ["2025-07-31T22:01:01Z"]
    );

    // The deadline is still known after a restart that nobody was told of.
    park.kill();
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, PARK, MORNING_MS + HOUR_MS)
        .await
        .expect("forward");
    assert_eq!(missed_of_type(&park, "CollectionMissedV1").await, [""; 0]);
    advance(&channel, PARK, MORNING_MS + 24 * HOUR_MS)
        .await
        .expect("forward");
    assert_eq!(
        missed_of_type(&park, "CollectionMissedV1").await,
        ["2025-07-31T23:00:01Z"]
    );
    assert_eq!(missed_of_type(&park, "ChargePowerMissedV1").await.len(), 1);
}

#[tokio::test]
async fn the_same_happens_at_any_step() {
    let mut runs: Vec<(Vec<String>, String)> = Vec::new();
    for step_ms in [7 * SECOND_MS + 123, 10 * MINUTE_MS, 3 * HOUR_MS] {
        let (_folder, mut park) = simulated_park();
        park.start();
        let channel = park.clients().await.channel;
        advance(&channel, PARK, MORNING_MS).await.expect("set");
        order_and_ask(&channel).await;
        let mut moment_ms = MORNING_MS;
        while moment_ms < MORNING_MS + 3 * HOUR_MS {
            moment_ms = (moment_ms + step_ms).min(MORNING_MS + 3 * HOUR_MS);
            advance(&channel, PARK, moment_ms).await.expect("forward");
        }
        let events = feed::read_all(&mut park.clients().await, PARK).await;
        let mut lines: Vec<String> = events.iter().map(said).collect();
        lines.sort();
        let position = events.last().expect("events").position;
        runs.push((lines, park.state_at(position).content_hash));
    }
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
    let lines = &runs[0].0;
    let missed = |name| lines.iter().filter(|line| line.contains(name)).count();
    assert_eq!(missed("CollectionMissedV1"), 1, "{lines:#?}");
    assert_eq!(missed("ChargePowerMissedV1"), 1, "{lines:#?}");
}
