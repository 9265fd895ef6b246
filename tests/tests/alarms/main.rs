//! Alarms through the whole path: a condition holds, an operator acknowledges, shelves, takes out of service; every transition
//! is recorded once, whatever stops and starts in between.

mod any_speed;
mod command_line;
mod definitions;
mod life_cycle;
mod refusals;

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
use terrarium_tests::{GuardedPark, Park, expect_refused, feed, repository, with_token};
use tonic::Code;
use tonic::transport::Channel;

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
    move_clock(channel, now_ms, false).await;
}

async fn move_clock(channel: &Channel, now_ms: i64, reports_follow: bool) {
    let request = AdvanceRequest {
        park: PARK.into(),
        now_ms,
        reports_follow,
        decided_until_ms: None,
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

fn of_alarms(events: &[CloudEvent]) -> Vec<&CloudEvent> {
    let is_of_alarms = |event: &&CloudEvent| event.r#type.starts_with("terrarium.alarm.v1.");
    events.iter().filter(is_of_alarms).collect()
}

fn short_types(events: &[&CloudEvent]) -> Vec<String> {
    let last = |event: &&CloudEvent| event.r#type.rsplit('.').next().unwrap_or("").to_owned();
    events.iter().map(last).collect()
}
