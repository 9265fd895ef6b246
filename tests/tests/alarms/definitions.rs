//! Alarms that come into the park file later, and leave it.

use terrarium_proto::carbon::v1::DefineParkRequest;
use terrarium_proto::energy::v1::energy_service_client::EnergyServiceClient;

use super::*;

async fn report_hours(channel: &Channel, meters: &[&str], hours: std::ops::Range<i64>) {
    let readings = meters.iter().flat_map(|meter| {
        hours.clone().map(|hour| energy::Reading {
            meter: (*meter).into(),
            interval_start: rfc3339(MORNING_MS + hour * HOUR_MS),
            interval_seconds: 3_600,
            quantity: "active_energy".into(),
            value: "1".into(),
            unit: "kWh".into(),
            ..energy::Reading::default()
        })
    });
    let request = energy::ReportReadingsRequest {
        park: PARK.into(),
        readings: readings.collect(),
        client_request_id: String::new(),
    };
    let mut energy = EnergyServiceClient::new(channel.clone());
    let answer = energy.report_readings(request).await.expect("readings");
    assert_eq!(answer.into_inner().rejections, []);
}

async fn define(park: &Park, definition_toml: String) {
    let request = DefineParkRequest {
        definition_toml,
        client_request_id: "anew".into(),
    };
    let mut carbon = park.clients().await.carbon;
    carbon.define_park(request).await.expect("a park");
}

/// Some of what follows stands behind the new definition in the record, and before it in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_park_defined_anew_while_reports_follow_takes_no_meter_for_silent() {
    const METERS: [&str; 2] = ["centre.load", "centre.import"];
    const SILENT: &str = "meter-silent/centre.load";
    let (folder, mut park) = park_of("simulated");
    let file = folder.path().join("park.toml");
    let before = std::fs::read_to_string(&file).expect("a park file");
    let now = before.replace("Consumption is missing", "Nobody knows what is used");
    assert_ne!(now, before);
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS + HOUR_MS).await;
    report_hours(&channel, &METERS, 0..1).await;
    advance(&channel, MORNING_MS + HOUR_MS).await;

    move_clock(&channel, MORNING_MS + 7 * HOUR_MS, true).await;
    report_hours(&channel, &METERS[..1], 1..7).await;
    define(&park, now).await;
    list(&channel).await;
    report_hours(&channel, &METERS[1..], 1..7).await;
    advance(&channel, MORNING_MS + 7 * HOUR_MS).await;
    let transitions = told_so_far(&channel, None).await;
    let of_meters = transitions
        .iter()
        .filter(|transition| id_of(transition).starts_with("meter-silent"));
    assert_eq!(of_meters.count(), 0, "{transitions:?}");

    // When they are, they are.
    advance(&channel, MORNING_MS + 9 * HOUR_MS).await;
    let silent = alarm(&channel, SILENT).await;
    assert_eq!(silent.state(), AlarmState::Unacknowledged);
    assert_eq!(silent.raised_ms, Some(MORNING_MS + 8 * HOUR_MS));
    drop(channel);
    park.stop();
}

/// What is reported at the moment of a definition is judged by the one before it, whoever looks when.
#[tokio::test(flavor = "multi_thread")]
async fn a_definition_holds_from_after_its_moment_and_does_so_after_a_restart_too() {
    const EMPTY: &str = "tank-empty/rain-tank";
    let (folder, mut park) = park_of("simulated");
    let file = folder.path().join("park.toml");
    // Of 20,000 l, so that 500 l are low by the one and not by the other.
    let low = std::fs::read_to_string(&file).expect("a park file");
    let high = low.replace("limit_percent = 1\n", "limit_percent = 5\n");
    assert_ne!(high, low);
    std::fs::write(&file, high).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS).await;
    define(&park, low.clone()).await;
    list(&channel).await;
    report_level(&channel, MORNING_MS, 500).await;
    advance(&channel, MORNING_MS + MINUTE_MS).await;
    let once = told_so_far(&channel, None).await;
    let of_the_tank = once.iter().filter(|one| id_of(one) == EMPTY);
    let types: Vec<&str> = of_the_tank.map(|one| one.r#type.as_str()).collect();
    assert_eq!(
        types,
        [
            "terrarium.alarm.v1.AlarmRaisedV1",
            "terrarium.alarm.v1.AlarmClearedV1"
        ]
    );
    drop(channel);
    park.stop();

    std::fs::write(&file, low).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS + 2 * MINUTE_MS).await;
    assert_eq!(told_so_far(&channel, None).await, once);
    drop(channel);
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_that_are_defined_later_judge_by_what_is_on_record() {
    let (folder, mut park) = park_of("simulated");
    let file = folder.path().join("park.toml");
    let with_alarms = std::fs::read_to_string(&file).expect("a park file");
    let (without, _) = with_alarms.split_once("[[alarms]]").expect("it has alarms");
    std::fs::write(&file, without).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS).await;
    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS + MINUTE_MS).await;
    assert_eq!(list(&channel).await.alarms, []);
    drop(channel);
    park.stop();

    std::fs::write(&file, &with_alarms).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS + 2 * MINUTE_MS).await;
    let bin = alarm(&channel, BIN).await;
    assert_eq!(bin.state(), AlarmState::Unacknowledged);
    assert_eq!(bin.raised_ms, Some(MORNING_MS));
    drop(channel);
    park.stop();

    // Left out again: what is not watched can't stay wrong.
    std::fs::write(&file, without).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS + 3 * MINUTE_MS).await;
    let transitions = told_so_far(&channel, None).await;
    let last = transitions.last().expect("told");
    assert_eq!(last.r#type, "terrarium.alarm.v1.AlarmClearedV1");
    assert_eq!(id_of(last), BIN);
    drop(channel);
    park.stop();
}
