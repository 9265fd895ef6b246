//! Alarms that come into the park file later, and leave it.

use terrarium_proto::carbon::v1::DefineParkRequest;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;

use super::*;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_park_that_is_defined_anew_among_reports_that_are_sent_together_silences_no_meter() {
    const SILENT: &str = "meter-silent/centre.load";
    let (folder, mut park) = park_of("simulated");
    let text = std::fs::read_to_string(folder.path().join("park.toml")).expect("a park file");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS).await;
    let end_ms = MORNING_MS + 4 * HOUR_MS;
    open(&channel, end_ms).await;
    // Bins are sent up to the end already, the meter's readings only halfway.
    report_load(&channel, MORNING_MS, 4).await;
    report_bin(&channel, "bin-1", end_ms, 10).await;
    define(&channel, &format!("{text}# as before\n")).await;
    report_load(&channel, MORNING_MS + 2 * HOUR_MS, 4).await;
    advance(&channel, end_ms).await;
    assert_eq!(told_so_far(&channel, None).await, []);

    // What the new definition says holds from its own moment on.
    open(&channel, end_ms + 2 * HOUR_MS).await;
    report_bin(&channel, "bin-1", end_ms + HOUR_MS, 230).await;
    let (without, _) = text.split_once("[[alarms]]").expect("it has alarms");
    define(&channel, without).await;
    advance(&channel, end_ms + 2 * HOUR_MS).await;
    let told = told_so_far(&channel, None).await;
    let of_bin = told.iter().filter(|transition| id_of(transition) == BIN);
    let types: Vec<&str> = of_bin.map(|transition| &*transition.r#type).collect();
    let expected = [
        "terrarium.alarm.v1.AlarmRaisedV1",
        "terrarium.alarm.v1.AlarmClearedV1",
    ];
    assert_eq!(types, expected);
    let is_silent = told.iter().filter(|transition| id_of(transition) == SILENT);
    // Nothing was heard of the meter in the last two hours.
    assert_eq!(is_silent.count(), 2);
    drop(channel);
    park.stop();
}

/// Reports follow up to a moment.
async fn open(channel: &Channel, now_ms: i64) {
    let request = AdvanceRequest {
        park: PARK.into(),
        now_ms,
        reports_follow: true,
        decided_until_ms: None,
    };
    ClockServiceClient::new(channel.clone())
        .advance(request)
        .await
        .expect("reports may follow");
}

/// Half hours of a meter, from a moment on.
async fn report_load(channel: &Channel, from_ms: i64, half_hours: i64) {
    let reading = |half_hour: i64| energy::Reading {
        meter: "centre.load".into(),
        interval_start: rfc3339(from_ms + half_hour * HOUR_MS / 2),
        interval_seconds: 1_800,
        quantity: "active_energy".into(),
        value: "0.5".into(),
        unit: "kWh".into(),
        ..energy::Reading::default()
    };
    let request = energy::ReportReadingsRequest {
        park: PARK.into(),
        readings: (0..half_hours).map(reading).collect(),
        client_request_id: String::new(),
    };
    let answer = energy::energy_service_client::EnergyServiceClient::new(channel.clone())
        .report_readings(request)
        .await
        .expect("readings")
        .into_inner();
    assert_eq!(answer.rejections, []);
}

async fn define(channel: &Channel, definition_toml: &str) {
    let request = DefineParkRequest {
        definition_toml: definition_toml.to_owned(),
        client_request_id: format!("define-{}", definition_toml.len()),
    };
    CarbonServiceClient::new(channel.clone())
        .define_park(request)
        .await
        .expect("defined");
}
