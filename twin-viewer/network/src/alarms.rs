//! The alarm list, and every transition after it: ordered, none left out, none twice. It goes on in replay.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrarium_proto::alarm::v1 as wire;
use terrarium_proto::alarm::v1::alarm_service_client::AlarmServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::Report;
use tokio::sync::watch;
use tonic::{Code, Status};

use crate::decode;
use crate::lanes::Lanes;
use crate::supervisor::{Ended, MAX_ANSWER_BYTES};

/// Ends when the connection breaks. A server without alarms is told once and then left in peace.
/// `definition`: position of the park's definition; the list begins anew with every other one.
pub(crate) async fn watch(
    channel: AuthorizedChannel,
    park: String,
    lanes: Arc<Lanes>,
    mut definition: watch::Receiver<Option<u64>>,
) -> Ended {
    let client = AlarmServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    let followed = loop {
        definition.mark_unchanged();
        match follow(client.clone(), park.clone(), &lanes, &mut definition).await {
            Ok(Next::BeginAnew) => {}
            Ok(Next::End) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    match followed {
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

enum Next {
    /// There may be alarms that the list does not have.
    BeginAnew,
    /// The server has nothing more to say.
    End,
}

async fn follow(
    mut client: AlarmServiceClient<AuthorizedChannel>,
    park: String,
    lanes: &Lanes,
    definition: &mut watch::Receiver<Option<u64>>,
) -> Result<Next, Status> {
    let list = client
        .list_alarms(wire::ListAlarmsRequest { park: park.clone() })
        .await?
        .into_inner();
    let alarms: Vec<_> = list.alarms.into_iter().map(decode::alarm).collect();
    let known: BTreeSet<String> = alarms.iter().map(|alarm| alarm.id.clone()).collect();
    lanes
        .put(Report::Alarms {
            alarms,
            position: list.position,
            counted: Some((list.now_ms, list.annunciated_in_10_minutes)),
        })
        .await;
    let mut transitions = client
        .watch_alarms(wire::WatchAlarmsRequest {
            park,
            after_position: list.position,
        })
        .await?
        .into_inner();
    loop {
        let message = tokio::select! {
            message = transitions.message() => message?,
            changed = definition.changed() => match changed {
                Ok(()) => return Ok(Next::BeginAnew),
                // Nobody asks for definitions any more: the session ends by itself.
                Err(_) => std::future::pending().await,
            },
        };
        let Some(message) = message else {
            return Ok(Next::End);
        };
        let transitions: Vec<_> = message
            .transitions
            .into_iter()
            .filter_map(decode::transition)
            .collect();
        let is_known = |alarm: &String| known.contains(alarm);
        let has_unknown = transitions.iter().any(|one| !is_known(&one.alarm));
        if has_unknown {
            return Ok(Next::BeginAnew);
        }
        if !transitions.is_empty() {
            lanes.put(Report::AlarmTransitions(transitions)).await;
        }
    }
}
