//! What a person tells the park to do. Each command carries its own request id, so sending it again changes nothing, and is
//! answered exactly once.

use std::sync::Arc;
use std::time::Duration;

use terrarium_proto::alarm::v1 as alarm;
use terrarium_proto::alarm::v1::alarm_service_client::AlarmServiceClient;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::{Outcome, ParkCommand, Report, Request};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::lanes::Lanes;

const MOST_ATTEMPTS: u32 = 5;
const PAUSE_BETWEEN_ATTEMPTS: Duration = Duration::from_millis(400);
/// A command that nobody answered in this time has an unknown outcome, and the person is told so.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Why a command without a connection, or of an earlier one, is not sent.
pub(crate) const NOT_CONNECTED: &str =
    "not connected: nothing was sent; give it again when the view is live";

pub(crate) struct Commands {
    client: CommandClient,
    lanes: Arc<Lanes>,
}

#[derive(Clone)]
struct CommandClient {
    channel: AuthorizedChannel,
    park: String,
}

impl Commands {
    pub(crate) fn new(channel: AuthorizedChannel, park: String, lanes: Arc<Lanes>) -> Commands {
        Commands {
            client: CommandClient { channel, park },
            lanes,
        }
    }

    /// Gives a command in the background. Its task outlives the session: a cut must not swallow the answer.
    pub(crate) fn give(&mut self, number: u64, command: ParkCommand) {
        let client = self.client.clone();
        let lanes = Arc::clone(&self.lanes);
        tokio::spawn(async move {
            let request_id = Uuid::new_v4().to_string();
            let given = client.give_surely(&command, &request_id);
            let outcome = match tokio::time::timeout(ANSWER_WITHIN, given).await {
                Ok(Ok(position)) => Outcome::Recorded {
                    position: Some(position),
                },
                Ok(Err(status)) => Outcome::Refused {
                    reason: reason_of(&status),
                },
                Err(_) => Outcome::Refused {
                    reason: unknown_outcome("no answer came in time"),
                },
            };
            lanes.put(Report::Outcome { number, outcome }).await;
        });
    }

    /// Answers what can't be done without a connection.
    pub(crate) async fn refuse_unconnected(lanes: &Lanes, request: Request) {
        let report = match request {
            Request::Command { number, .. } => Report::Outcome {
                number,
                outcome: Outcome::Refused {
                    reason: NOT_CONNECTED.into(),
                },
            },
            Request::Show(_) => return,
            page => Report::Failed {
                what: page.name(),
                reason: "not connected".into(),
            },
        };
        lanes.put(report).await;
    }
}

fn reason_of(status: &Status) -> String {
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::Unknown => unknown_outcome(status.message()),
        _ => status.message().to_owned(),
    }
}

fn unknown_outcome(why: &str) -> String {
    format!(
        "{why}: whether it was recorded is not known; look at the present state before giving it again"
    )
}

impl CommandClient {
    /// Sends it again under the same id while the server can't be reached or says that it is busy.
    async fn give_surely(&self, command: &ParkCommand, request_id: &str) -> Result<u64, Status> {
        let mut attempt = 1;
        loop {
            match self.give(command, request_id).await {
                Err(status)
                    if matches!(status.code(), Code::Unavailable | Code::Aborted)
                        && attempt < MOST_ATTEMPTS =>
                {
                    attempt += 1;
                    tokio::time::sleep(PAUSE_BETWEEN_ATTEMPTS).await;
                }
                other => return other,
            }
        }
    }

    /// The position that covers it.
    async fn give(&self, command: &ParkCommand, request_id: &str) -> Result<u64, Status> {
        let park = self.park.clone();
        let client_request_id = request_id.to_owned();
        let mut alarms = AlarmServiceClient::new(self.channel.clone());
        let position = match command.clone() {
            ParkCommand::Acknowledge { alarm, occurrence } => {
                alarms
                    .acknowledge_alarm(alarm::AcknowledgeAlarmRequest {
                        park,
                        alarm,
                        occurrence,
                        comment: String::new(),
                        client_request_id,
                    })
                    .await?
                    .into_inner()
                    .recorded_position
            }
            ParkCommand::Shelve {
                alarm,
                until_ms,
                reason,
            } => {
                alarms
                    .shelve_alarm(alarm::ShelveAlarmRequest {
                        park,
                        alarm,
                        until_ms,
                        reason,
                        client_request_id,
                    })
                    .await?
                    .into_inner()
                    .recorded_position
            }
            ParkCommand::Unshelve { alarm } => {
                alarms
                    .unshelve_alarm(alarm::UnshelveAlarmRequest {
                        park,
                        alarm,
                        client_request_id,
                    })
                    .await?
                    .into_inner()
                    .recorded_position
            }
            ParkCommand::StartIrrigation { zone, litres } => {
                let request = water::StartIrrigationRequest {
                    park,
                    zone,
                    litres,
                    client_request_id,
                };
                let mut water = WaterServiceClient::new(self.channel.clone());
                let answer = water.start_irrigation(request).await?;
                answer.into_inner().recorded_position
            }
            ParkCommand::LimitCharging { charger, limit_w } => {
                let request = mobility::SetChargePowerRequest {
                    park,
                    charger,
                    limit_w,
                    client_request_id,
                };
                let mut mobility = MobilityServiceClient::new(self.channel.clone());
                let answer = mobility.set_charge_power(request).await?;
                answer.into_inner().recorded_position
            }
        };
        Ok(position)
    }
}
