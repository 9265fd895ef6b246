//! `terrarium simulate` against the real server: every domain takes what the devices of Haotian say, the same seed gives the
//! same events at any speed, and a run goes on where the record ends.

use std::path::PathBuf;

use serde_json::Value as Json;
use terrarium_proto::energy::v1::energy_device_service_client::EnergyDeviceServiceClient;
use terrarium_proto::energy::v1::{AskSetpointRequest, SetpointKind};
use terrarium_proto::mobility::v1::SetChargePowerRequest;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::waste::v1::OrderCollectionRequest;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1::StartIrrigationRequest;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::record::{assert_same, lines_of, recorded_times};
use terrarium_tests::{Park, repository};

const PARK: &str = "haotian";
/// Morning to evening of a summer day: sun, visitors, cars, a collection with its deadline.
const FROM: &str = "2025-06-01T00:00:00+08:00";
const NOON: &str = "2025-06-01T12:00:00+08:00";
const TO: &str = "2025-06-01T20:00:00+08:00";

fn haotian() -> PathBuf {
    repository().join("deploy/parks/haotian.toml")
}

/// Seed 1, unless `more` says another.
fn simulate(park: &Park, to: &str, more: &[&str]) -> Json {
    let file = haotian();
    let file = file.to_str().expect("a path of plain letters");
    let words = [
        "simulate", "--format", "json", "--park", file, "--from", FROM, "--to", to,
    ];
    park.cli(&[words.as_slice(), more].concat())
        .expect_code(0)
        .json()
}

fn count(summary: &Json, field: &str) -> u64 {
    summary[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} of {summary}"))
}

fn started_park() -> Park {
    let mut park = Park::new(&[]);
    park.start();
    park
}

/// The last full hour that events were recorded at which stand in the record after one that was recorded later.
fn inside_a_bundle(recorded: &[String]) -> String {
    let mut latest = "";
    let mut inside = None;
    for time in recorded {
        if time.as_str() < latest && time.ends_with(":00:00.000Z") {
            inside = inside.max(Some(time));
        }
        latest = latest.max(time);
    }
    let inside = inside.expect("reports of several hours were sent together");
    inside.replace(".000Z", "Z")
}

/// A grid meter is silent for half a day, another sends late, a store is stuck: alarms are raised and cleared.
const FAULTS: &[&str] = &[
    "--fault",
    "grid.import:dropout=1@2025-05-31T20:00:00Z..2025-06-01T05:00:00Z",
    "--fault",
    "canopy.pv-2:late=9000@2025-06-01T01:00:00Z..2025-06-01T03:00:00Z",
    "--fault",
    "bin-3:stuck@2025-06-01T00:00:00Z..2025-06-01T09:00:00Z",
];

#[tokio::test]
async fn the_same_seed_gives_the_same_record_at_any_speed_in_bundles_and_in_parts_alarms_included()
{
    let in_bundles = started_park();
    let summary = simulate(
        &in_bundles,
        TO,
        &[FAULTS, &["--batch", "--together", "96"]].concat(),
    );
    assert_eq!(count(&summary, "rejected"), 0, "{summary}");
    assert_eq!(count(&summary, "not_taken"), 0, "{summary}");
    assert_eq!(count(&summary, "steps"), 80);
    // At least 70 points report in every step.
    assert!(count(&summary, "recorded") > 70 * 80, "{summary}");

    let step_by_step = started_park();
    let fast: &[&str] = &["--speed", "x1000000"];
    let first = simulate(&step_by_step, NOON, &[FAULTS, fast].concat());
    let rest = simulate(&step_by_step, TO, &[FAULTS, fast].concat());
    assert!(count(&rest, "already_recorded") > 0, "{rest}");
    // A report whose answer was lost is counted as recorded before when it is sent again; the records themselves are compared.
    assert!(count(&first, "recorded") > 70 * 40, "{first}");
    let bundled_record = lines_of(&in_bundles, PARK).await;
    assert_same(
        &bundled_record,
        &lines_of(&step_by_step, PARK).await,
        "bundles and steps",
    );
    let alarms = |name: &str| {
        let of_alarm = |line: &&String| line.contains(name);
        bundled_record.iter().filter(of_alarm).count()
    };
    assert!(
        alarms("terrarium.alarm.v1.AlarmRaisedV1") > 0,
        "no alarm was raised"
    );
    assert!(
        alarms("terrarium.alarm.v1.AlarmClearedV1") > 0,
        "no alarm was cleared"
    );

    // What was known at a moment is the same too: no report of the bundle that the moment lies in is left out.
    let moment = inside_a_bundle(&recorded_times(&in_bundles, PARK).await);
    let known_then = |park: &Park| {
        let words = [
            "ledger",
            "balance",
            "--park",
            PARK,
            "--format",
            "json",
            "--at",
            &moment,
            "--known-at",
            &moment,
        ];
        let balance = park.cli(&words).expect_code(0).json();
        (balance["lines"].clone(), balance["total"].clone())
    };
    let in_bundles_then = known_then(&in_bundles);
    assert!(count(&in_bundles_then.1, "hours_metered") > 3, "{moment}");
    assert_eq!(in_bundles_then, known_then(&step_by_step), "{moment}");

    let content = |park: &Park, summary: &Json| {
        let position = count(summary, "recorded_position");
        park.state_at(position).content_hash
    };
    let bundled = content(&in_bundles, &summary);
    assert_eq!(content(&step_by_step, &rest), bundled);

    let another_seed = started_park();
    let other = simulate(&another_seed, NOON, &["--batch", "--seed", "8"]);
    assert_ne!(content(&another_seed, &other), bundled);
}

/// Two steps of a minute, the second of which real time keeps waiting for a minute.
#[tokio::test]
async fn two_minutes_at_x1000_and_in_a_batch_give_the_same_events_as_in_real_time() {
    const TWO_MINUTES: &str = "2025-06-01T00:02:00+08:00";
    let mut records = Vec::new();
    for speed in ["real", "x1000", "batch"] {
        let park = started_park();
        let more = ["--interval", "1m", "--speed", speed];
        let summary = simulate(&park, TWO_MINUTES, &more);
        assert_eq!(count(&summary, "steps"), 2, "{summary}");
        records.push(lines_of(&park, PARK).await);
    }
    assert_same(&records[0], &records[1], "real time and x1000");
    assert_same(&records[0], &records[2], "real time and a batch");
}

#[test]
fn a_run_does_not_go_beyond_its_end() {
    let park = started_park();
    let summary = simulate(&park, "2025-06-01T00:50:00+08:00", &["--batch"]);
    assert_eq!(count(&summary, "steps"), 3, "{summary}");
    assert_eq!(summary["through"], "2025-06-01T00:45:00+08:00");
}

#[test]
fn a_unit_slip_is_quarantined_and_the_rest_is_recorded() {
    let park = started_park();
    let summary = simulate(
        &park,
        NOON,
        &[
            "--batch",
            "--fault",
            "monitoring.load:unit-slip@2025-06-01..2025-06-02",
        ],
    );
    // 660 W a thousandfold is far beyond ten times the rating of 1.2 kW; the fault begins at midnight UTC, four hours before
    // noon in Beijing.
    assert_eq!(count(&summary, "quarantined"), 16 + 1, "{summary}");
}

#[tokio::test]
async fn a_level_that_its_meters_do_not_explain_opens_the_water_balance() {
    let park = started_park();
    let fault = "reclaimed-tank-1:noise=0.05@2025-05-31T20:00:00Z..2025-06-01T01:00:00Z";
    simulate(&park, NOON, &["--batch", "--fault", fault]);
    let raised: Vec<String> = lines_of(&park, PARK)
        .await
        .into_iter()
        .filter(|line| line.starts_with("alarm.") && line.contains("water-balance-open"))
        .collect();
    let is_of_the_tank = |line: &String| line.contains("reclaimed-tank-1");
    assert!(!raised.is_empty(), "no balance was open");
    assert!(raised.iter().all(is_of_the_tank), "{raised:#?}");
}

/// Somebody asks the store for a reserve, limits a charger, and orders a collection while the park's time stands still.
async fn ask_for_things(park: &Park) {
    let channel = park.clients().await.channel;
    let reserve = AskSetpointRequest {
        park: "haotian".into(),
        device: "storage".into(),
        kind: SetpointKind::ReserveWh.into(),
        value: 60_000,
        client_request_id: "reserve".into(),
    };
    EnergyDeviceServiceClient::new(channel.clone())
        .ask_setpoint(reserve)
        .await
        .expect("asked");
    let limit = SetChargePowerRequest {
        park: "haotian".into(),
        charger: "charger-1".into(),
        limit_w: 5_000,
        client_request_id: "limit".into(),
    };
    MobilityServiceClient::new(channel.clone())
        .set_charge_power(limit)
        .await
        .expect("asked");
    let order = OrderCollectionRequest {
        park: "haotian".into(),
        collection: "operator-1".into(),
        bins: vec!["bin-1".into(), "bin-2".into()],
        assignee: "crew-1".into(),
        due: "2025-06-01T18:00:00+08:00".into(),
        client_request_id: "order".into(),
        ..OrderCollectionRequest::default()
    };
    WasteServiceClient::new(channel.clone())
        .order_collection(order)
        .await
        .expect("ordered");
    let irrigate = StartIrrigationRequest {
        park: PARK.into(),
        zone: "irrigation.lawn".into(),
        litres: 500,
        client_request_id: "by hand".into(),
    };
    WaterServiceClient::new(channel)
        .start_irrigation(irrigate)
        .await
        .expect("started");
}

#[tokio::test]
async fn simulated_devices_and_the_crew_do_what_they_are_asked() {
    let park = started_park();
    simulate(&park, NOON, &["--batch"]);
    ask_for_things(&park).await;
    let summary = simulate(&park, TO, &["--batch"]);
    assert_eq!(count(&summary, "rejected"), 0, "{summary}");
    let record = lines_of(&park, PARK).await;
    let of = |stream: &str, name: &str| {
        let is_meant = |line: &&String| line.starts_with(stream) && line.contains(name);
        record.iter().filter(is_meant).count()
    };
    assert_eq!(of("energy.setpoint", "SetpointObeyedV1"), 1);
    assert_eq!(
        of("mobility.charger-haotian.charger-1", "ChargePowerObeyedV1"),
        1
    );
    let collection = "waste.collection-haotian.operator-1";
    assert_eq!(of(collection, "CollectionAcknowledgedV1"), 1);
    assert_eq!(of(collection, "CollectionExecutedV1"), 1);
    // What a person started at noon is given within two hours and comes to its end.
    let zone = "water.irrigation-haotian.irrigation.lawn";
    let started = of(zone, "IrrigationStartedV1");
    assert!(started > 0, "{record:#?}");
    assert_eq!(of(zone, "IrrigationEndedV1"), started);
    // The fleet drove and a shuttle went round.
    assert!(of("mobility.", "ShuttleTripEndedV1") > 3);
    assert!(of("mobility.", "FleetVehicleReportedV1") > 40);
}

#[test]
fn what_can_t_be_simulated_is_told_before_anything_is_sent() {
    let park = started_park();
    let file = haotian();
    let file = file.to_str().expect("a path of plain letters");
    let refused = |more: &[&str], code: i32, said: &str| {
        let words = ["simulate", "--park", file, "--from", FROM];
        park.cli(&[words.as_slice(), more].concat())
            .expect_code(code)
            .expect_said(&[said]);
    };
    refused(&["--to", "2024-01-01"], 1, "--to is not after --from");
    refused(&["--interval", "7m"], 1, "divides an hour");
    refused(
        &["--fault", "no-such-thing:stuck"],
        1,
        "no asset and no meter",
    );
    refused(&["--fault", "bin-1:melted"], 2, "is no fault");
    refused(
        &["--speed", "fast"],
        2,
        "write real, batch, or x and a number",
    );
    refused(&["--weather", file], 1, "neither a PVGIS TMY file");
}
