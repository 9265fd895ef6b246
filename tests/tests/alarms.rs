//! Alarms through the whole path: a condition holds, an operator acknowledges, shelves, takes out of service; every transition
//! is recorded once, whatever stops and starts in between.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use prost::Message;
use tempfile::TempDir;
use terrarium_proto::alarm::v1 as wire;
use terrarium_proto::alarm::v1::alarm_service_client::AlarmServiceClient;
use terrarium_proto::alarm::v1::{AlarmState, AlarmTransition};
use terrarium_proto::clock::v1::AdvanceRequest;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::feed::v1::CloudEvent;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{Park, command, feed, repository, run};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

const PARK: &str = "domains";
/// 2025-08-01T06:00:00+08:00.
const MORNING_MS: i64 = 1_753_999_200_000;
const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const BIN: &str = "bin-overflow/bin-1";
const TANK: &str = "tank-low/rain-tank";

/// The park of the domains with alarms and the simulator's clock, so that time moves when the test says so.
fn park_of(clock: &str) -> (TempDir, Park) {
    let read = |file: &str| {
        let path: PathBuf = repository().join("tests/data").join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let text = read("domains/park.toml") + &read("alarms.toml");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("park.toml");
    let text = text.replace("clock = \"wall\"", &format!("clock = \"{clock}\""));
    std::fs::write(&file, text).expect("a park file");
    let park = Park::new(&[file]);
    (folder, park)
}

fn rfc3339(time_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(time_ms)
        .expect("a time of this century")
        .to_string()
}

async fn advance(channel: &Channel, now_ms: i64) {
    let request = AdvanceRequest {
        park: PARK.into(),
        now_ms,
        reports_follow: false,
    };
    ClockServiceClient::new(channel.clone())
        .advance(request)
        .await
        .expect("time moves");
}

async fn report_bin(channel: &Channel, bin: &str, time_ms: i64, fill_l: i64) {
    let measurement = waste::BinMeasurement {
        bin: bin.into(),
        time: rfc3339(time_ms),
        fill_l,
        weight_g: 1_000,
    };
    let request = waste::ReportBinsRequest {
        park: PARK.into(),
        measurements: vec![measurement],
        client_request_id: String::new(),
    };
    let answer = WasteServiceClient::new(channel.clone())
        .report_bins(request)
        .await
        .expect("a report")
        .into_inner();
    assert_eq!(answer.rejections, []);
}

async fn report_level(channel: &Channel, time_ms: i64, level_l: i64) {
    let level = water::TankLevel {
        tank: "rain-tank".into(),
        time: rfc3339(time_ms),
        level_l,
    };
    let request = water::ReportTankLevelsRequest {
        park: PARK.into(),
        levels: vec![level],
        client_request_id: String::new(),
    };
    let answer = WaterServiceClient::new(channel.clone())
        .report_tank_levels(request)
        .await
        .expect("a report")
        .into_inner();
    assert_eq!(answer.rejections, []);
}

async fn list(channel: &Channel) -> wire::ListAlarmsResponse {
    let request = wire::ListAlarmsRequest { park: PARK.into() };
    AlarmServiceClient::new(channel.clone())
        .list_alarms(request)
        .await
        .expect("a list")
        .into_inner()
}

async fn alarm(channel: &Channel, id: &str) -> wire::Alarm {
    let listed = list(channel).await.alarms;
    let found = listed
        .into_iter()
        .find(|alarm| alarm.definition.as_ref().is_some_and(|of| of.alarm == id));
    found.unwrap_or_else(|| panic!("no alarm {id}"))
}

/// A watch, transition by transition.
struct Watch {
    answers: tonic::Streaming<wire::WatchAlarmsResponse>,
    told: VecDeque<AlarmTransition>,
}

impl Watch {
    async fn begin(channel: &Channel, token: &str) -> Watch {
        let request = wire::WatchAlarmsRequest {
            park: PARK.into(),
            after_position: None,
        };
        let answers = AlarmServiceClient::new(channel.clone())
            .watch_alarms(with_token(token, request))
            .await
            .expect("whoever has a token may watch")
            .into_inner();
        Watch {
            answers,
            told: VecDeque::new(),
        }
    }

    /// The next transition of this type and alarm.
    async fn next(&mut self, alarm: &str, event: &str) -> AlarmTransition {
        let wanted = format!("terrarium.alarm.v1.{event}");
        let next = async {
            loop {
                while let Some(transition) = self.told.pop_front() {
                    if id_of(&transition) == alarm && transition.r#type == wanted {
                        return transition;
                    }
                }
                let answer = self.answers.message().await.expect("goes on");
                self.told.extend(answer.expect("goes on").transitions);
            }
        };
        tokio::time::timeout(ANSWER_WITHIN, next)
            .await
            .unwrap_or_else(|_| panic!("no {event} of {alarm}"))
    }
}

/// All that a watch tells until it says that this is all so far.
async fn told_so_far(channel: &Channel, after_position: Option<u64>) -> Vec<AlarmTransition> {
    let request = wire::WatchAlarmsRequest {
        park: PARK.into(),
        after_position,
    };
    let mut answers = AlarmServiceClient::new(channel.clone())
        .watch_alarms(request)
        .await
        .expect("a watch")
        .into_inner();
    let mut transitions = Vec::new();
    loop {
        let answer = answers.message().await.expect("goes on").expect("goes on");
        transitions.extend(answer.transitions);
        if answer.caught_up {
            return transitions;
        }
    }
}

fn id_of(transition: &AlarmTransition) -> &str {
    let alarm = transition.alarm.as_ref().expect("an alarm");
    &alarm.definition.as_ref().expect("its id").alarm
}

fn acknowledge(alarm: &str, occurrence: &str, id: &str) -> wire::AcknowledgeAlarmRequest {
    wire::AcknowledgeAlarmRequest {
        park: PARK.into(),
        alarm: alarm.into(),
        occurrence: occurrence.into(),
        comment: "on my way".into(),
        client_request_id: id.into(),
    }
}

fn shelve(alarm: &str, until_ms: i64, reason: &str, id: &str) -> wire::ShelveAlarmRequest {
    wire::ShelveAlarmRequest {
        park: PARK.into(),
        alarm: alarm.into(),
        until_ms,
        reason: reason.into(),
        client_request_id: id.into(),
    }
}

fn unshelve(alarm: &str, id: &str) -> wire::UnshelveAlarmRequest {
    wire::UnshelveAlarmRequest {
        park: PARK.into(),
        alarm: alarm.into(),
        client_request_id: id.into(),
    }
}

fn set_service(alarm: &str, out_of_service: bool, id: &str) -> wire::SetAlarmServiceRequest {
    wire::SetAlarmServiceRequest {
        park: PARK.into(),
        alarm: alarm.into(),
        out_of_service,
        reason: "new sensor".into(),
        client_request_id: id.into(),
    }
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

fn of_alarms(events: &[CloudEvent]) -> Vec<&CloudEvent> {
    let is_of_alarms = |event: &&CloudEvent| event.r#type.starts_with("terrarium.alarm.v1.");
    events.iter().filter(is_of_alarms).collect()
}

fn short_types(events: &[&CloudEvent]) -> Vec<String> {
    let last = |event: &&CloudEvent| event.r#type.rsplit('.').next().unwrap_or("").to_owned();
    events.iter().map(last).collect()
}

fn token(tokens: &std::path::Path, name: &str, role: &str) -> String {
    let mut create = command();
    create
        .args([
            "token", "create", "--name", name, "--role", role, "--format", "json", "--tokens",
        ])
        .arg(tokens);
    let made = run(&mut create).expect_code(0).json();
    made["token"].as_str().expect("a token").to_owned()
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("plain text");
    request.metadata_mut().insert("authorization", value);
    request
}

/// By the wall's clock, with tokens, and a restart between the raise and whoever sees it.
#[tokio::test(flavor = "multi_thread")]
async fn an_overflowing_bin_is_raised_seen_by_an_operator_and_cleared() {
    let (_folder, park) = park_of("wall");
    let tokens = park.scratch("tokens.toml");
    let operator = token(&tokens, "shift-2", "operator");
    let auditor = token(&tokens, "auditor-1", "auditor");
    let mut park = park.with_variable("TERRARIUM_TOKENS", &tokens.to_string_lossy());
    park.start();
    let report = |fill_l: i64, minute: i64| waste::ReportBinsRequest {
        park: PARK.into(),
        measurements: vec![waste::BinMeasurement {
            bin: "bin-1".into(),
            time: rfc3339(MORNING_MS + minute * MINUTE_MS),
            fill_l,
            weight_g: 1_000,
        }],
        client_request_id: String::new(),
    };
    let channel = park.clients().await.channel;
    WasteServiceClient::new(channel.clone())
        .report_bins(with_token(&operator, report(230, 0)))
        .await
        .expect("a full bin");
    let mut watch = Watch::begin(&channel, &auditor).await;
    let raised = watch.next(BIN, "AlarmRaisedV1").await;
    assert_eq!(raised.time_ms, MORNING_MS);
    drop((watch, channel));
    park.stop();
    park.start();

    let channel = park.clients().await.channel;
    let mut service = AlarmServiceClient::new(channel.clone());
    let request = wire::ListAlarmsRequest { park: PARK.into() };
    let listed = service
        .list_alarms(with_token(&auditor, request))
        .await
        .expect("an auditor may look")
        .into_inner();
    let states: Vec<(String, AlarmState)> = listed
        .alarms
        .iter()
        .filter(|alarm| alarm.is_active)
        .map(|alarm| {
            let definition = alarm.definition.clone().expect("defined");
            (definition.alarm, alarm.state())
        })
        .collect();
    assert_eq!(states, [(BIN.to_owned(), AlarmState::Unacknowledged)]);
    let seen = acknowledge(BIN, &raised.event_id, "ack-1");
    let refused = service
        .acknowledge_alarm(with_token(&auditor, seen.clone()))
        .await
        .expect_err("an auditor decides nothing");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let answer = service
        .acknowledge_alarm(with_token(&operator, seen.clone()))
        .await
        .expect("seen")
        .into_inner();
    assert_eq!(
        (answer.state(), answer.recorded),
        (AlarmState::Acknowledged, true)
    );
    let again = service
        .acknowledge_alarm(with_token(&operator, seen))
        .await
        .expect("sent again")
        .into_inner();
    assert_eq!(
        (again.state(), again.recorded),
        (AlarmState::Acknowledged, false)
    );

    WasteServiceClient::new(channel.clone())
        .report_bins(with_token(&operator, report(0, 10)))
        .await
        .expect("an empty bin");
    let mut watch = Watch::begin(&channel, &auditor).await;
    let seen = watch.next(BIN, "AlarmAcknowledgedV1").await;
    let shown = seen.alarm.expect("an alarm");
    assert_eq!(
        (shown.actor.as_str(), shown.reason.as_str()),
        ("shift-2", "on my way")
    );
    let cleared = watch.next(BIN, "AlarmClearedV1").await;
    assert_eq!(cleared.time_ms, MORNING_MS + 10 * MINUTE_MS);
    let shown = cleared.alarm.expect("an alarm");
    assert_eq!(
        (shown.state(), shown.is_active),
        (AlarmState::Normal, false)
    );
    assert_eq!(shown.occurrence, raised.event_id);
    drop((watch, service, channel));
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_raising_leaves_exactly_one_raise() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let mut now_ms = MORNING_MS;
    for round in 0..6u32 {
        now_ms += 10 * MINUTE_MS;
        let channel = park.clients().await.channel;
        advance(&channel, now_ms).await;
        // Killed at another moment each round: the report is on record, the raise may be or not.
        report_bin(&channel, "bin-1", now_ms, 230).await;
        for _ in 0..round {
            tokio::task::yield_now().await;
            list(&channel).await;
        }
        drop(channel);
        park.kill();
        park.start();

        let channel = park.clients().await.channel;
        now_ms += MINUTE_MS;
        advance(&channel, now_ms).await;
        assert_eq!(
            alarm(&channel, BIN).await.state(),
            AlarmState::Unacknowledged
        );
        report_bin(&channel, "bin-1", now_ms, 0).await;
        now_ms += MINUTE_MS;
        advance(&channel, now_ms).await;
        assert_eq!(
            alarm(&channel, BIN).await.state(),
            AlarmState::ReturnedUnacknowledged
        );
    }
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    feed::expect_sound(&events);
    let alarms = of_alarms(&events);
    let expected: Vec<&str> = (0..12)
        .map(|place| ["AlarmRaisedV1", "AlarmClearedV1"][place % 2])
        .collect();
    assert_eq!(short_types(&alarms), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn shelving_ends_at_its_time_and_the_alarm_shows_itself_again() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let channel = park.clients().await.channel;
    let mut service = AlarmServiceClient::new(channel.clone());
    advance(&channel, MORNING_MS).await;
    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS).await;
    assert_eq!(list(&channel).await.annunciated_in_10_minutes, 1);
    let until_ms = MORNING_MS + 5 * MINUTE_MS;
    let answer = service
        .shelve_alarm(shelve(BIN, until_ms, "the crew is on its way", "s-1"))
        .await
        .expect("shelved")
        .into_inner();
    assert_eq!(answer.state(), AlarmState::Shelved);
    // What is shelved stays shelved over a restart, and its time still comes.
    drop((service, channel));
    park.stop();
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, until_ms - 1).await;
    let shelved = alarm(&channel, BIN).await;
    assert_eq!(shelved.state(), AlarmState::Shelved);
    assert_eq!(shelved.shelved_until_ms, Some(until_ms));
    assert_eq!(shelved.reason, "the crew is on its way");
    advance(&channel, until_ms + HOUR_MS).await;
    let back = alarm(&channel, BIN).await;
    assert_eq!(back.state(), AlarmState::Unacknowledged);
    assert_eq!(
        back.changed_ms,
        Some(until_ms),
        "it ended when its time came"
    );
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    let alarms = of_alarms(&events);
    assert_eq!(
        short_types(&alarms),
        ["AlarmRaisedV1", "AlarmShelvedV1", "AlarmUnshelvedV1"]
    );
    let ended = wire::AlarmUnshelvedV1::decode(alarms[2].data.clone()).expect("a payload");
    assert_eq!(ended.cause(), wire::UnshelveCause::Time);
    drop(channel);
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_is_refused_and_says_what_to_do() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let channel = park.clients().await.channel;
    let mut service = AlarmServiceClient::new(channel.clone());
    let early = service
        .shelve_alarm(shelve(BIN, MORNING_MS, "why not", "early"))
        .await;
    expect_refused(
        early,
        Code::FailedPrecondition,
        "park",
        "ClockService.Advance",
    );
    advance(&channel, MORNING_MS).await;
    let later = MORNING_MS + HOUR_MS;
    let nil = uuid_of_nothing();

    let nowhere = service
        .unshelve_alarm(unshelve("bin-overflow/bin-9", "1"))
        .await;
    expect_refused(nowhere, Code::NotFound, "alarm", "as ListAlarms gives it");
    let normal = service.acknowledge_alarm(acknowledge(BIN, &nil, "2")).await;
    expect_refused(
        normal,
        Code::FailedPrecondition,
        "alarm",
        "is normal; nothing waits",
    );
    let no_uuid = service.acknowledge_alarm(acknowledge(BIN, "7", "3")).await;
    expect_refused(no_uuid, Code::InvalidArgument, "occurrence", "no UUID");
    let no_id = service.unshelve_alarm(unshelve(BIN, "")).await;
    expect_refused(
        no_id,
        Code::InvalidArgument,
        "client_request_id",
        "needs one",
    );
    let in_service = service
        .set_alarm_service(set_service(BIN, false, "4"))
        .await;
    expect_refused(
        in_service,
        Code::FailedPrecondition,
        "alarm",
        "it is in service",
    );
    let not_shelved = service.unshelve_alarm(unshelve(BIN, "5")).await;
    expect_refused(
        not_shelved,
        Code::FailedPrecondition,
        "alarm",
        "only a shelved alarm",
    );
    let no_reason = service.shelve_alarm(shelve(BIN, later, " ", "6")).await;
    expect_refused(no_reason, Code::InvalidArgument, "reason", "say why");
    let long = "x".repeat(501);
    let too_long = service.shelve_alarm(shelve(BIN, later, &long, "7")).await;
    expect_refused(too_long, Code::InvalidArgument, "reason", "at most 500");
    for until_ms in [0, MORNING_MS + 59_999, MORNING_MS + 24 * HOUR_MS + 1] {
        let too_far = service.shelve_alarm(shelve(BIN, until_ms, "r", "8")).await;
        expect_refused(
            too_far,
            Code::InvalidArgument,
            "until_ms",
            "1 minute to 24 hours",
        );
    }

    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS).await;
    let old = service.acknowledge_alarm(acknowledge(BIN, &nil, "9")).await;
    expect_refused(
        old,
        Code::FailedPrecondition,
        "occurrence",
        "not the newest occurrence",
    );
    service
        .shelve_alarm(shelve(BIN, later, "works", "10"))
        .await
        .expect("shelved");
    let twice = service
        .shelve_alarm(shelve(BIN, later, "works", "11"))
        .await;
    expect_refused(
        twice,
        Code::FailedPrecondition,
        "alarm",
        "is shelved until 2025-",
    );
    let other = service.shelve_alarm(shelve(BIN, later, "else", "10")).await;
    expect_refused(
        other,
        Code::AlreadyExists,
        "client_request_id",
        "an id of its own",
    );
    let hidden = service
        .acknowledge_alarm(acknowledge(
            BIN,
            &alarm(&channel, BIN).await.occurrence,
            "12",
        ))
        .await;
    expect_refused(
        hidden,
        Code::FailedPrecondition,
        "alarm",
        "unshelve it first",
    );
    service
        .unshelve_alarm(unshelve(BIN, "13"))
        .await
        .expect("unshelved");
    service
        .set_alarm_service(set_service(BIN, true, "14"))
        .await
        .expect("out of service");
    let out = service
        .set_alarm_service(set_service(BIN, true, "15"))
        .await;
    expect_refused(out, Code::FailedPrecondition, "alarm", "is out of service");
    let hidden = service
        .shelve_alarm(shelve(BIN, later, "works", "16"))
        .await;
    expect_refused(
        hidden,
        Code::FailedPrecondition,
        "alarm",
        "take it back into service",
    );
    let ahead = wire::WatchAlarmsRequest {
        park: PARK.into(),
        after_position: Some(u64::MAX),
    };
    let ahead = service.watch_alarms(ahead).await;
    expect_refused(
        ahead.map(|_| Response::new(())),
        Code::InvalidArgument,
        "after_position",
        "ends before",
    );

    let back = service
        .set_alarm_service(set_service(BIN, false, "17"))
        .await
        .expect("back in service")
        .into_inner();
    assert_eq!(
        back.state(),
        AlarmState::Unacknowledged,
        "its condition holds"
    );
    drop((service, channel));
    park.stop();
}

fn uuid_of_nothing() -> String {
    "00000000-0000-0000-0000-000000000000".to_owned()
}

/// Things that lead to raised, cleared, delayed, suppressed and silent alarms, with time in steps.
async fn a_bad_day(channel: &Channel, step_ms: i64) {
    let mut now_ms = MORNING_MS;
    advance(channel, now_ms).await;
    let reading = |meter: &str, value: &str| energy::Reading {
        meter: meter.into(),
        interval_start: rfc3339(MORNING_MS - HOUR_MS),
        interval_seconds: 3_600,
        quantity: "active_energy".into(),
        value: value.into(),
        unit: "kWh".into(),
        ..energy::Reading::default()
    };
    energy::energy_service_client::EnergyServiceClient::new(channel.clone())
        .report_readings(energy::ReportReadingsRequest {
            park: PARK.into(),
            readings: vec![
                reading("centre.load", "1.5"),
                reading("centre.import", "2.1"),
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("readings");
    report_level(channel, now_ms, 1_500).await;
    let mut chargers = MobilityServiceClient::new(channel.clone());
    let fault = |time_ms: i64, present: mobility::FaultState| mobility::ReportChargerFaultRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        fault: "ground-failure".into(),
        state: present as i32,
        time: rfc3339(time_ms),
        client_request_id: String::new(),
    };
    for minutes in [5, 20, 40, 60, 90] {
        let to_ms = MORNING_MS + minutes * MINUTE_MS;
        while now_ms < to_ms {
            now_ms = to_ms.min(now_ms + step_ms);
            advance(channel, now_ms).await;
        }
        match minutes {
            5 => report_bin(channel, "bin-2", now_ms, 240).await,
            20 => {
                chargers
                    .report_charger_fault(fault(now_ms, mobility::FaultState::Present))
                    .await
                    .expect("a fault");
                report_level(channel, now_ms, 100).await;
            }
            40 => {
                chargers
                    .report_charger_fault(fault(now_ms, mobility::FaultState::Gone))
                    .await
                    .expect("none");
                report_level(channel, now_ms, 1_000).await;
            }
            _ => report_level(channel, now_ms, 9_000).await,
        }
    }
    advance(channel, now_ms + HOUR_MS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_day_gives_the_same_alarms_at_any_speed_and_a_watch_resumes_anywhere() {
    let mut days = Vec::new();
    for step_ms in [MINUTE_MS, 24 * HOUR_MS] {
        let (_folder, mut park) = park_of("simulated");
        park.start();
        let channel = park.clients().await.channel;
        a_bad_day(&channel, step_ms).await;
        let events = feed::read_all(&mut park.clients().await, PARK).await;
        let mut day: Vec<(String, String, String)> = of_alarms(&events)
            .iter()
            .map(|event| {
                (
                    event.subject.clone(),
                    event.r#type.clone(),
                    event.id.clone(),
                )
            })
            .collect();
        day.sort();
        days.push(day);

        let all = told_so_far(&channel, None).await;
        let brief: Vec<String> = all
            .iter()
            .map(|told| {
                let minute = (told.time_ms - MORNING_MS) / MINUTE_MS;
                let event = told.r#type.rsplit('.').next().unwrap_or_default();
                format!("{minute} {} {event}", id_of(told))
            })
            .collect();
        for expected in [
            "10 tank-low/rain-tank AlarmRaisedV1",
            "5 bin-overflow/bin-2 AlarmRaisedV1",
            "20 charger-fault/charger-1 AlarmRaisedV1",
            "20 tank-empty/rain-tank AlarmRaisedV1",
            "20 tank-low/rain-tank AlarmSuppressedV1",
            "40 charger-fault/charger-1 AlarmClearedV1",
            "40 tank-empty/rain-tank AlarmClearedV1",
            "40 tank-low/rain-tank AlarmReleasedV1",
            "0 balance-open/centre AlarmRaisedV1",
            "60 meter-silent/centre.load AlarmRaisedV1",
            "60 meter-silent/centre.import AlarmRaisedV1",
            "60 tank-low/rain-tank AlarmClearedV1",
        ] {
            assert!(
                brief.contains(&expected.to_owned()),
                "{expected}: {brief:#?}"
            );
        }
        assert_eq!(brief.len(), 12, "{brief:#?}");
        for (place, transition) in all.iter().enumerate() {
            let rest = told_so_far(&channel, Some(transition.position)).await;
            assert_eq!(
                rest,
                all[place + 1..],
                "resumed after {}",
                transition.position
            );
        }
        let balance = alarm(&channel, "balance-open/centre").await;
        assert_eq!((balance.value, balance.limit), (Some(600), Some(500)));
        let tank = alarm(&channel, TANK).await;
        assert_eq!(tank.state(), AlarmState::ReturnedUnacknowledged);
        assert_eq!(tank.limit, Some(2_000));
        drop(channel);
        park.stop();
    }
    assert_eq!(days[0], days[1]);
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

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_and_decides() {
    let (_folder, mut park) = park_of("simulated");
    park.start();
    let channel = park.clients().await.channel;
    advance(&channel, MORNING_MS).await;
    report_bin(&channel, "bin-1", MORNING_MS, 230).await;
    advance(&channel, MORNING_MS).await;
    drop(channel);

    let said = |words: &[&str]| park.cli(words).expect_code(0).stdout;
    let listed = said(&["alarms", "list"]);
    for part in [
        BIN,
        "unacknowledged",
        "Order a collection",
        "1 of the 10 alarms of park domains are not normal; 1 in the last 10 minutes (manageable by EEMUA 191)",
    ] {
        assert!(listed.contains(part), "{part:?} is not in:\n{listed}");
    }
    let json = park
        .cli(&["alarms", "list", "--all", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(json["alarms"].as_array().map(Vec::len), Some(10));
    assert_eq!(json["annunciated_in_10_minutes"], 1);

    assert!(said(&["alarms", "acknowledge", BIN, "--comment", "seen"]).contains("is acknowledged"));
    assert!(
        said(&[
            "alarms",
            "shelve",
            BIN,
            "--minutes",
            "30",
            "--reason",
            "works"
        ])
        .contains("is shelved")
    );
    assert!(said(&["alarms", "unshelve", BIN]).contains("is unacknowledged"));
    assert!(
        said(&["alarms", "service", BIN, "out", "--reason", "repair"])
            .contains("is out of service")
    );
    assert!(
        said(&["alarms", "service", BIN, "in", "--reason", "done"]).contains("is unacknowledged")
    );
    let transitions = park
        .cli(&["alarms", "watch", "--recorded", "--format", "json"])
        .expect_code(0)
        .json_lines();
    let types: Vec<&str> = transitions
        .iter()
        .map(|line| line["type"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(types.len(), 6, "{types:?}");
    assert_eq!(types[1], "terrarium.alarm.v1.AlarmAcknowledgedV1");
    park.cli(&[
        "alarms",
        "shelve",
        BIN,
        "--minutes",
        "0",
        "--reason",
        "works",
    ])
    .expect_code(1)
    .expect_said(&["1 minute to 24 hours", "until_ms"]);
    park.cli(&["alarms", "acknowledge", "bin-overflow/bin-9"])
        .expect_code(1)
        .expect_said(&["has no alarm"]);
    park.cli(&["verify"]).expect_code(0);
    park.stop();
}
