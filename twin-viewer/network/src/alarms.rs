//! The alarm list, and every transition after it: ordered, none left out, none twice. It goes on in replay.

use std::sync::Arc;

use terrarium_proto::alarm::v1 as wire;
use terrarium_proto::alarm::v1::alarm_service_client::AlarmServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::Report;
use tonic::{Code, Status};

use crate::decode;
use crate::lanes::Lanes;
use crate::supervisor::{Ended, MAX_ANSWER_BYTES};

/// Ends when the connection breaks. A server without alarms is told once and then left in peace.
pub(crate) async fn watch(channel: AuthorizedChannel, park: String, lanes: Arc<Lanes>) -> Ended {
    let client = AlarmServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    match follow(client, park, &lanes).await {
        Ok(()) => Ended::Cut("the server ended the alarm stream".into()),
        Err(status) if status.code() == Code::Unimplemented => {
            lanes
                .put(Report::Failed {
                    what: "alarms",
                    reason: status.message().to_owned(),
                })
                .await;
            std::future::pending().await
        }
        Err(status) => Ended::from_status(&status),
    }
}

async fn follow(
    mut client: AlarmServiceClient<AuthorizedChannel>,
    park: String,
    lanes: &Lanes,
) -> Result<(), Status> {
    let list = client
        .list_alarms(wire::ListAlarmsRequest { park: park.clone() })
        .await?
        .into_inner();
    lanes
        .put(Report::Alarms {
            alarms: list.alarms.into_iter().map(decode::alarm).collect(),
            position: list.position,
        })
        .await;
    let mut transitions = client
        .watch_alarms(wire::WatchAlarmsRequest {
            park,
            after_position: list.position,
        })
        .await?
        .into_inner();
    while let Some(message) = transitions.message().await? {
        let transitions: Vec<_> = message
            .transitions
            .into_iter()
            .filter_map(decode::transition)
            .collect();
        if !transitions.is_empty() {
            lanes.put(Report::AlarmTransitions(transitions)).await;
        }
    }
    Ok(())
}
