//! Water, waste and mobility in the twin: reports that come in any order, seen at any moment as the recorded events say it, and
//! the same after a restart.

use std::collections::BTreeMap;

use prost::Message;
use terrarium_proto::feed::v1::CloudEvent;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::twin::v1 as twin;
use terrarium_proto::twin::v1::Quantity;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{Clients, Park, Seed, TwinState, feed, repository};
use tonic::transport::Channel;

const PARK: &str = "domains";
const MORNING_S: i64 = 1_753_999_200;

/// An instant of a morning long past.
fn at(minute: i64) -> String {
    jiff::Timestamp::from_second(MORNING_S + 60 * minute)
        .expect("a time in this century")
        .to_string()
}

/// Minutes 0 to 239 in an order that nobody would choose.
fn minutes(seed: &mut Seed) -> Vec<i64> {
    let mut minutes: Vec<i64> = (0..240).collect();
    seed.shuffle(&mut minutes);
    minutes
}

async fn report_water(channel: Channel, seed: &mut Seed) {
    let mut service = WaterServiceClient::new(channel);
    for minutes in minutes(seed).chunks(60) {
        let level = |minute: &i64| water::TankLevel {
            tank: "rain-tank".into(),
            time: at(*minute),
            level_l: minute * 7_919 % 20_000,
        };
        let request = water::ReportTankLevelsRequest {
            park: PARK.into(),
            levels: minutes.iter().map(level).collect(),
            ..Default::default()
        };
        service.report_tank_levels(request).await.expect("levels");
        let reading = |minute: &i64| water::WaterReading {
            asset: "centre".into(),
            network: water::WaterNetwork::Supply.into(),
            interval_start: at(*minute),
            interval_seconds: 60,
            litres: minute * 31 % 50,
        };
        let request = water::ReportWaterMetersRequest {
            park: PARK.into(),
            readings: minutes.iter().map(reading).collect(),
            ..Default::default()
        };
        service.report_water_meters(request).await.expect("meters");
    }
}

async fn report_bins(channel: Channel, seed: &mut Seed) {
    let mut service = WasteServiceClient::new(channel);
    for minutes in minutes(seed).chunks(80) {
        let measurement = |minute: &i64| waste::BinMeasurement {
            bin: "bin-1".into(),
            time: at(*minute),
            fill_l: *minute,
            weight_g: minute * 100,
        };
        let request = waste::ReportBinsRequest {
            park: PARK.into(),
            measurements: minutes.iter().map(measurement).collect(),
            ..Default::default()
        };
        service.report_bins(request).await.expect("bins");
    }
}

fn totals(minute: i64, energy_in_wh: i64, energy_out_wh: i64) -> mobility::SessionMeter {
    mobility::SessionMeter {
        charger: "charger-1".into(),
        session: "s-1".into(),
        time: at(minute),
        energy_in_wh,
        energy_out_wh,
    }
}

/// A session from minute 10 to minute 100: it takes 12 kW for half an hour, gives 6 kW for half an hour, then rests.
async fn report_session(channel: Channel) {
    let mut service = MobilityServiceClient::new(channel);
    let start = mobility::ReportSessionStartRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        session: "s-1".into(),
        vehicle_class: mobility::VehicleClass::Visitor.into(),
        time: at(10),
        allows_discharge: true,
        ..Default::default()
    };
    service.report_session_start(start).await.expect("a start");
    for meter in [totals(40, 6_000, 0), totals(70, 6_000, 3_000)] {
        let request = mobility::ReportSessionMetersRequest {
            park: PARK.into(),
            meters: vec![meter],
            ..Default::default()
        };
        service
            .report_session_meters(request)
            .await
            .expect("totals");
    }
    let end = mobility::ReportSessionEndRequest {
        park: PARK.into(),
        meter: Some(totals(100, 6_000, 3_000)),
        ..Default::default()
    };
    service.report_session_end(end).await.expect("an end");
}

/// Time and value by point, of the events that tell an instant or an interval by themselves: (start, end, value).
type Told = BTreeMap<(String, Quantity), Vec<(i64, i64, i64)>>;

fn told(events: &[CloudEvent]) -> Told {
    let mut told = Told::new();
    let mut tell = |asset: &str, quantity, start_s: i64, end_s: i64, value| {
        let of_point = told.entry((asset.to_owned(), quantity)).or_default();
        // Of one moment the last one told counts.
        of_point.retain(|(_, other_s, _)| *other_s != end_s);
        of_point.push((start_s, end_s, value));
        of_point.sort_unstable();
    };
    for event in events {
        let data = event.data.clone();
        match event.r#type.as_str() {
            "terrarium.water.v1.TankLevelMeasuredV1" => {
                let level = water::TankLevelMeasuredV1::decode(data).expect("readable");
                let time_s = level.time_s;
                tell(&level.tank, Quantity::LevelL, time_s, time_s, level.level_l);
            }
            "terrarium.water.v1.WaterMeteredV1" => {
                let reading = water::WaterMeteredV1::decode(data).expect("readable");
                let start_s = reading.interval_start_s;
                let flow = reading.litres * 60;
                tell(
                    &reading.asset,
                    Quantity::SupplyLPerH,
                    start_s,
                    start_s + 60,
                    flow,
                );
            }
            "terrarium.waste.v1.BinWeighedV1" => {
                let bin = waste::BinWeighedV1::decode(data).expect("readable");
                let time_s = bin.time_s;
                // Of 240 l, half to even.
                let (whole, rest) = (bin.fill_l * 1_000 / 240, bin.fill_l * 1_000 % 240);
                let fill = whole + i64::from(rest > 120 || (rest == 120 && whole % 2 == 1));
                tell(&bin.bin, Quantity::FillPermille, time_s, time_s, fill);
                tell(&bin.bin, Quantity::WeightG, time_s, time_s, bin.weight_g);
            }
            "terrarium.waste.v1.BinOverflowRaisedV1" => {
                let raised = waste::BinOverflowRaisedV1::decode(data).expect("readable");
                let time_s = raised.time_s;
                tell(&raised.bin, Quantity::Overflowing, time_s, time_s, 1);
            }
            "terrarium.waste.v1.BinOverflowClearedV1" => {
                let cleared = waste::BinOverflowClearedV1::decode(data).expect("readable");
                let time_s = cleared.time_s;
                tell(&cleared.bin, Quantity::Overflowing, time_s, time_s, 0);
            }
            _ => {}
        }
    }
    told
}

fn value_at(told: &[(i64, i64, i64)], moment_ms: i64) -> Option<i64> {
    let ended = told
        .iter()
        .rfind(|(_, end_s, _)| end_s * 1_000 <= moment_ms);
    let under_way = told
        .iter()
        .find(|(start_s, end_s, _)| start_s * 1_000 <= moment_ms && moment_ms < end_s * 1_000);
    match (ended, under_way) {
        (Some((_, end_s, value)), _) if end_s * 1_000 == moment_ms => Some(*value),
        (_, Some((.., value))) => Some(*value),
        (ended, None) => ended.map(|(.., value)| *value),
    }
}

async fn state(clients: &mut Clients, at: Option<twin::moment::At>) -> TwinState {
    let request = twin::SnapshotRequest {
        park: PARK.into(),
        moment: at.map(|at| twin::Moment { at: Some(at) }),
    };
    let answer = clients.twin.snapshot(request).await;
    TwinState::of(&answer.expect("a snapshot").into_inner())
}

async fn expect_the_events(clients: &mut Clients, seed: &mut Seed) {
    let events = feed::read_all(clients, PARK).await;
    let told = told(&events);
    assert_eq!(told.len(), 5, "tank, flow, fill, weight, overflow");
    let parks = clients.twin.list_parks(twin::ListParksRequest {}).await;
    let first_ms = parks.expect("parks").into_inner().parks[0].first_ms;
    for _ in 0..100 {
        let moment_ms = MORNING_S * 1_000 + seed.below(240 * 60_000) as i64;
        let moment_ms = moment_ms.max(first_ms.expect("something happened"));
        let state = state(clients, Some(twin::moment::At::TimeMs(moment_ms))).await;
        for ((asset, quantity), values) in &told {
            let expected = value_at(values, moment_ms);
            let shown = state.value(asset, *quantity);
            assert_eq!(shown, expected, "{asset} {quantity:?} at {moment_ms}");
        }
        let minute = (moment_ms - MORNING_S * 1_000) as f64 / 60_000.0;
        let power_w = state.value("charger-1", Quantity::SessionPowerW);
        let expected_w = match minute {
            minute if minute <= 10.0 => continue,
            minute if minute <= 40.0 => 12_000,
            minute if minute <= 70.0 => -6_000,
            _ => 0,
        };
        assert_eq!(power_w, Some(expected_w), "at minute {minute}");
        let is_running = i64::from(minute < 100.0);
        assert_eq!(
            state.value("charger-1", Quantity::Session),
            Some(is_running)
        );
    }
    let density = twin::DensityRequest {
        park: PARK.into(),
        from_ms: MORNING_S * 1_000,
        to_ms: (MORNING_S + 86_400) * 1_000,
        buckets: 24,
    };
    let density = clients.twin.density(density).await.expect("a density");
    for domain in density.into_inner().domains {
        let prefix = format!("terrarium.{}.", domain.domain);
        let recorded = events
            .iter()
            .filter(|event| event.r#type.starts_with(&prefix));
        let counted: u32 = domain.events.iter().sum();
        assert_eq!(counted as usize, recorded.count(), "{}", domain.domain);
    }
}

#[tokio::test]
async fn reports_in_any_order_show_what_the_events_say_and_stay_so_after_a_restart() {
    let mut seed = Seed::from_environment("twin of the domains");
    let mut park = Park::new(&[repository().join("tests/data/domains/park.toml")]);
    park.start();
    let channel = park.clients().await.channel;
    report_water(channel.clone(), &mut seed).await;
    report_bins(channel.clone(), &mut seed).await;
    report_session(channel).await;
    let mut clients = park.clients().await;
    expect_the_events(&mut clients, &mut seed).await;
    let before = state(&mut clients, None).await;
    park.kill();
    park.start();
    let mut clients = park.clients().await;
    assert_eq!(state(&mut clients, None).await.shown, before.shown);
    expect_the_events(&mut clients, &mut seed).await;

    let words = [
        "twin",
        "snapshot",
        "--asset",
        "charger-1",
        "--format",
        "json",
    ];
    let points = park.cli(&words).expect_code(0).json_lines();
    assert_eq!(points.len(), 5, "{points:?}");
    let session = points
        .iter()
        .find(|point| point["quantity"] == "QUANTITY_SESSION_OUT_WH");
    assert_eq!(session.expect("its energy")["value"], 3_000);
    let words = [
        "twin",
        "history",
        "--asset",
        "rain-tank",
        "--quantity",
        "level_l",
        "--format",
        "csv",
    ];
    let course = park.cli(&words).expect_code(0).stdout;
    assert_eq!(course.lines().count(), 241, "a header and 240 levels");
    let words = ["twin", "events", "--domain", "mobility"];
    let listed = park.cli(&words).expect_code(0).stdout;
    assert!(
        listed.contains("ChargeSessionEndedV1") && listed.contains("session out wh 3000"),
        "{listed}"
    );
    let words = ["twin", "snapshot", "--at", "1999-01-01T00:00:00Z"];
    let refused = park.cli(&words).expect_code(1).stderr;
    assert!(refused.contains("outside of the record"), "{refused}");
    park.cli(&["verify"]).expect_code(0);
}
