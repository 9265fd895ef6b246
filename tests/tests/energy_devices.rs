//! Haotian's stores, weather station, heat and setpoints through the whole path, and an hour in which all its energy is metered.

use serde_json::Value as Json;
use terrarium_proto::clock::v1::AdvanceRequest;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::energy::v1::SetpointKind;
use terrarium_proto::energy::v1::energy_device_service_client::EnergyDeviceServiceClient;
use terrarium_proto::report::v1::ReportCounts;
use terrarium_tests::{Park, feed, repository};
use tonic::transport::Channel;
use tonic::{Code, Status};

const PARK: &str = "haotian";
/// 2025-08-01T12:00:00+08:00.
const NOON_MS: i64 = 1_754_020_800_000;
const HOUR_START: &str = "2025-08-01T11:00:00+08:00";
const MINUTE_MS: i64 = 60_000;

fn at(minute: i64) -> String {
    jiff::Timestamp::from_millisecond(NOON_MS + minute * MINUTE_MS)
        .expect("a time of this century")
        .to_string()
}

async fn advance(channel: &Channel, minute: i64) {
    let request = AdvanceRequest {
        park: PARK.into(),
        now_ms: NOON_MS + minute * MINUTE_MS,
        reports_follow: false,
        decided_until_ms: None,
    };
    ClockServiceClient::new(channel.clone())
        .advance(request)
        .await
        .expect("forward");
}

async fn started() -> (Park, Channel) {
    let mut park = Park::new(&[repository().join("deploy/parks/haotian.toml")]);
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, 0).await;
    (park, channel)
}

fn state(minute: i64, stored_wh: i64, power_w: i64, charged_wh: i64) -> energy::StorageState {
    energy::StorageState {
        storage: "storage".into(),
        time: at(minute),
        stored_wh,
        power_w,
        charged_wh,
        discharged_wh: 0,
    }
}

async fn report_storage(
    channel: &Channel,
    states: Vec<energy::StorageState>,
) -> energy::ReportStorageResponse {
    let request = energy::ReportStorageRequest {
        park: PARK.into(),
        states,
        client_request_id: String::new(),
    };
    EnergyDeviceServiceClient::new(channel.clone())
        .report_storage(request)
        .await
        .expect("an answer")
        .into_inner()
}

async fn ask(
    channel: &Channel,
    kind: SetpointKind,
    value: i64,
    id: &str,
) -> Result<String, Status> {
    let request = energy::AskSetpointRequest {
        park: PARK.into(),
        device: "storage".into(),
        kind: kind.into(),
        value,
        client_request_id: id.into(),
    };
    let answer = EnergyDeviceServiceClient::new(channel.clone())
        .ask_setpoint(request)
        .await?;
    Ok(answer.into_inner().ask_id)
}

async fn devices(channel: &Channel) -> energy::ListDevicesResponse {
    let request = energy::ListDevicesRequest { park: PARK.into() };
    EnergyDeviceServiceClient::new(channel.clone())
        .list_devices(request)
        .await
        .expect("a list")
        .into_inner()
}

async fn report_weather_and_heat(channel: &Channel) {
    let mut service = EnergyDeviceServiceClient::new(channel.clone());
    let observation = |start: i64, air_temperature_mc| energy::WeatherObservation {
        station: "weather-station".into(),
        interval_start: at(start),
        interval_seconds: 600,
        air_temperature_mc: Some(air_temperature_mc),
        irradiance_w_per_m2: Some(870),
        ..energy::WeatherObservation::default()
    };
    let weather = energy::ReportWeatherRequest {
        park: PARK.into(),
        observations: vec![
            observation(-20, 31_200),
            observation(-10, 31_400),
            observation(-15, 31_300),
            observation(-30, 99_000),
            observation(-20, 31_200),
        ],
        client_request_id: String::new(),
    };
    let answer = service
        .report_weather(weather)
        .await
        .expect("an answer")
        .into_inner();
    let counted = ReportCounts {
        recorded: 2,
        already_recorded: 1,
        rejected: 2,
        quarantined: 0,
    };
    assert_eq!(answer.counts, Some(counted), "{answer:?}");
    let amount = |source: &str| energy::HeatAmount {
        source: source.into(),
        interval_start: at(-15),
        interval_seconds: 900,
        heat_wh: 1_900,
    };
    let heat = energy::ReportHeatRequest {
        park: PARK.into(),
        amounts: vec![
            amount("toilet-building.heat-pump"),
            amount("toilet-building.solar-thermal"),
            amount("storage"),
        ],
        client_request_id: String::new(),
    };
    let answer = service
        .report_heat(heat)
        .await
        .expect("an answer")
        .into_inner();
    let counts = answer.counts.expect("counts");
    assert_eq!((counts.recorded, counts.rejected), (2, 1), "{answer:?}");
}

// Several threads, so that the connection can be closed while this one waits for the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn devices_report_are_asked_and_stay_the_same_after_a_restart() {
    let (mut park, channel) = started().await;
    let failed = Code::FailedPrecondition;
    let early = ask(&channel, SetpointKind::StoragePowerW, -5_000, "early").await;
    assert_eq!(early.expect_err("nothing is known").code(), failed);

    let answer = report_storage(
        &channel,
        vec![
            state(-15, 40_000, 10_000, 500_000),
            state(0, 100_001, 10_000, 502_500),
            state(0, 42_500, 510_000, 502_500),
            state(0, 42_500, 10_000, 499_999),
        ],
    )
    .await;
    let counted = ReportCounts {
        recorded: 1,
        already_recorded: 0,
        rejected: 1,
        quarantined: 2,
    };
    assert_eq!(answer.counts, Some(counted), "{answer:?}");
    assert_eq!(answer.rejections[0].field, "stored_wh");
    assert_eq!(devices(&channel).await.storages[0].quarantined.len(), 2);
    report_storage(&channel, vec![state(0, 42_500, 10_000, 502_500)]).await;

    report_weather_and_heat(&channel).await;

    // A reserve that is kept, a discharge below it, and a limit that nobody answers.
    let reserve = ask(&channel, SetpointKind::ReserveWh, 42_500, "reserve")
        .await
        .expect("asked");
    let kept = energy::ReportSetpointRequest {
        park: PARK.into(),
        device: "storage".into(),
        ask_id: reserve,
        time: at(0),
        value: 42_500,
        client_request_id: String::new(),
    };
    let mut service = EnergyDeviceServiceClient::new(channel.clone());
    assert!(
        service
            .report_setpoint(kept)
            .await
            .expect("kept")
            .into_inner()
            .obeyed
    );
    let below = ask(&channel, SetpointKind::StoragePowerW, -5_000, "below").await;
    let below = below.expect_err("below the reserve");
    assert_eq!(below.code(), failed, "{below}");
    assert!(
        below.message().contains("42500 Wh must stay in it"),
        "{below}"
    );
    let beyond = ask(&channel, SetpointKind::ChargeLimitW, 50_001, "beyond").await;
    assert_eq!(beyond.expect_err("beyond its rating").code(), failed);
    ask(&channel, SetpointKind::ChargeLimitW, 20_000, "limit")
        .await
        .expect("asked");
    let island = energy::ReportIslandRequest {
        park: PARK.into(),
        node: "dc-bus".into(),
        state: energy::IslandState::Islanded.into(),
        time: at(0),
        grid_failed: true,
        client_request_id: String::new(),
    };
    assert!(
        service
            .report_island(island)
            .await
            .expect("islanded")
            .into_inner()
            .recorded
    );
    advance(&channel, 5).await;

    let listed = devices(&channel).await;
    assert_eq!(listed.storages[0].reserve_wh, 42_500);
    assert_eq!(listed.storages[0].quarantined, []);
    let newest = listed.storages[0].newest.as_ref().expect("a report");
    assert_eq!(newest.stored_wh, 42_500);
    let states: Vec<(SetpointKind, energy::AskState)> = listed
        .setpoints
        .iter()
        .map(|setpoint| (setpoint.kind(), setpoint.state()))
        .collect();
    assert_eq!(
        states,
        [
            (SetpointKind::ChargeLimitW, energy::AskState::Missed),
            (SetpointKind::ReserveWh, energy::AskState::Obeyed)
        ]
    );
    assert_eq!(listed.islands[0].node, "dc-bus");

    let events = feed::read_all(&mut park.clients().await, PARK).await;
    let missed = events
        .iter()
        .find(|event| event.r#type.ends_with("SetpointMissedV1"))
        .expect("the limit was missed");
    assert_eq!(missed.time, "2025-08-01T04:01:01Z");
    let position = events.last().expect("events").position;
    let before = park.state_at(position);
    drop((service, channel));
    park.stop();
    park.cli(&["verify"]).expect_code(0);
    park.start();
    assert_eq!(park.state_at(position), before);
    let channel = park.clients().await.channel;
    assert_eq!(devices(&channel).await, listed);
}

/// Wh of the hour before noon, by what a meter measures: 60,000 Wh of sun, 20,000 Wh of them into stores.
fn hour_wh(meter: &str) -> i64 {
    match meter {
        "grid.export" => 4_000,
        "storage.charge" => 15_000,
        "charger-2.charge" => 5_000,
        "charger-3.discharge" => 1_000,
        "canopy.pv-1" => 60_000,
        "visitor-centre.load" => 9_000,
        "charger-1.load" => 27_990,
        _ => 0,
    }
}

#[tokio::test]
async fn an_hour_of_all_meters_balances_with_its_stores_and_shows_what_is_lost() {
    let (park, channel) = started().await;
    let text = std::fs::read_to_string(repository().join("deploy/parks/haotian.toml"))
        .expect("the park file");
    let readings: Vec<energy::Reading> = text
        .split("[[meters]]\nid = \"")
        .skip(1)
        .filter_map(|meter| meter.split('"').next())
        .map(|meter| energy::Reading {
            meter: meter.into(),
            quantity: "active_energy".into(),
            interval_start: HOUR_START.into(),
            interval_seconds: 3_600,
            value: hour_wh(meter).to_string(),
            unit: "Wh".into(),
            correction: None,
        })
        .collect();
    assert!(readings.len() >= 35, "{} meters", readings.len());
    let sent = readings.len() as u64;
    let request = energy::ReportReadingsRequest {
        park: PARK.into(),
        readings,
        client_request_id: String::new(),
    };
    let mut clients = park.clients().await;
    let answer = clients
        .energy
        .report_readings(request)
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(
        answer.counts.map(|counts| counts.recorded),
        Some(sent),
        "{answer:?}"
    );
    park.state_at(answer.recorded_position);
    drop(channel);

    let balance = ["ledger", "balance", "--park", PARK];
    let asked = park.cli(&[&balance[..], &["--format", "json"]].concat());
    let told = asked.expect_code(0).json();
    let total = &told["total"];
    let wh = |field: &str| {
        let value = &total[field];
        value
            .as_i64()
            .or_else(|| value.as_str()?.parse().ok())
            .unwrap_or_else(|| panic!("no {field} in {total}"))
    };
    assert_eq!(wh("hours_missing"), 0);
    assert_eq!(
        (wh("charge_wh"), wh("discharge_wh"), wh("unexplained_wh")),
        (20_000, 1_000, 10)
    );
    assert_eq!(
        wh("generation_wh") + wh("import_wh") + wh("discharge_wh"),
        wh("consumption_wh") + wh("export_wh") + wh("charge_wh") + wh("unexplained_wh")
    );
    assert_eq!(wh("self_use_wh"), 36_990);
    let table = park.cli(&balance).expect_code(0).stdout;
    assert!(
        table.contains("charge") && table.contains("discharge"),
        "{table}"
    );
    explains_its_charge(&park);
}

fn explains_its_charge(park: &Park) {
    let entry = "energy/grid-connection/2025-08-01T03:00:00Z/charge";
    let explained: Json = park
        .cli(&[
            "ledger", "explain", "--park", PARK, entry, "--format", "json",
        ])
        .expect_code(0)
        .json();
    let contributions = explained["contributions"]
        .as_array()
        .expect("contributions");
    let charging = contributions
        .iter()
        .filter(|part| {
            part["account"]
                .as_str()
                .is_some_and(|account| account.contains("CHARGE") && !account.contains("DISCHARGE"))
        })
        .count();
    assert_eq!(charging, 3, "storage and two chargers: {explained}");
}
