//! Pages of the record. A newer request of a kind gives the older one up, so that what arrives is what was asked for last.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{UnixMillis, format_rfc3339_utc};
use terrarium_proto::ledger::v1 as ledger;
use terrarium_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use terrarium_proto::twin::v1 as wire;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::{CarbonBalances, CarbonLine, Density, Report, Request};
use tokio::task::{AbortHandle, JoinSet};
use tonic::Status;

use crate::decode;
use crate::lanes::Lanes;
use crate::supervisor::MAX_ANSWER_BYTES;

/// The service takes at most so many points at once.
const MOST_POINTS: usize = 200;
const MOST_SAMPLES: u32 = 2_000;
const MOST_EVENTS: u32 = 100;

pub(crate) struct Pages {
    client: PageClient,
    lanes: Arc<Lanes>,
    /// Ends with the session, so that no page of an old connection arrives.
    tasks: JoinSet<()>,
    running: BTreeMap<&'static str, AbortHandle>,
}

#[derive(Clone)]
struct PageClient {
    channel: AuthorizedChannel,
    park: String,
}

impl Pages {
    pub(crate) fn new(channel: AuthorizedChannel, park: String, lanes: Arc<Lanes>) -> Pages {
        Pages {
            client: PageClient { channel, park },
            lanes,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
        }
    }

    /// Fetches a page in the background; it arrives as a report, or as [`Report::Failed`].
    pub(crate) fn fetch(&mut self, request: Request) {
        while self.tasks.try_join_next().is_some() {}
        let what = match &request {
            Request::History { .. } => "history",
            Request::Events { .. } => "events",
            Request::Density { .. } => "density",
            Request::Carbon { .. } => "carbon",
            Request::Show(_) | Request::Command { .. } => return,
        };
        let client = self.client.clone();
        let lanes = Arc::clone(&self.lanes);
        let task = self.tasks.spawn(async move {
            let report = match client.page(request).await {
                Ok(report) => report,
                Err(status) => Report::Failed {
                    what,
                    reason: status.message().to_owned(),
                },
            };
            lanes.put(report).await;
        });
        if let Some(older) = self.running.insert(what, task) {
            older.abort();
        }
    }
}

impl PageClient {
    fn twin(&self) -> TwinServiceClient<AuthorizedChannel> {
        TwinServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    async fn page(&self, request: Request) -> Result<Report, Status> {
        match request {
            Request::History {
                points,
                from_ms,
                to_ms,
            } => {
                let points = points.iter().take(MOST_POINTS).map(decode::point_name);
                let points: Vec<_> = points.collect();
                if points.is_empty() {
                    return Ok(Report::History(Vec::new()));
                }
                let request = wire::HistoryRequest {
                    park: self.park.clone(),
                    points,
                    from_ms,
                    to_ms,
                    most_samples: MOST_SAMPLES,
                };
                let answer = self.twin().history(request).await?.into_inner();
                let histories = answer.histories.into_iter();
                Ok(Report::History(
                    histories.filter_map(decode::history).collect(),
                ))
            }
            Request::Events {
                asset,
                from_ms,
                backwards,
            } => {
                let request = wire::ListEventsRequest {
                    park: self.park.clone(),
                    asset: asset.clone(),
                    domain: String::new(),
                    // "Before" backwards, and what happens at the moment itself belongs to it.
                    from_ms: if backwards { from_ms + 1 } else { from_ms },
                    backwards,
                    most_events: MOST_EVENTS,
                    ..wire::ListEventsRequest::default()
                };
                let answer = self.twin().list_events(request).await?.into_inner();
                let mut events: Vec<_> = answer.events.into_iter().map(decode::event).collect();
                events.sort_by_key(|event| (event.time_ms, event.position));
                Ok(Report::Events { asset, events })
            }
            Request::Density {
                from_ms,
                to_ms,
                buckets,
            } => {
                let request = wire::DensityRequest {
                    park: self.park.clone(),
                    from_ms,
                    to_ms,
                    buckets,
                };
                let answer = self.twin().density(request).await?.into_inner();
                Ok(Report::Density(Density {
                    from_ms,
                    to_ms,
                    domains: answer
                        .domains
                        .into_iter()
                        .map(|domain| (domain.domain, domain.events))
                        .collect(),
                }))
            }
            Request::Carbon { from_ms, to_ms } => self.carbon(from_ms, to_ms).await,
            Request::Show(_) | Request::Command { .. } => Err(Status::internal(
                "this is no page: send it to the view or the commands",
            )),
        }
    }

    async fn carbon(&self, from_ms: i64, to_ms: i64) -> Result<Report, Status> {
        let mut client = LedgerServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES);
        let rfc3339 = |ms: i64| format_rfc3339_utc(UnixMillis(ms).seconds());
        let request = |by: ledger::Grouping| ledger::BalanceRequest {
            park: self.park.clone(),
            period: Some(ledger::Period {
                from: rfc3339(from_ms),
                to: rfc3339(to_ms),
            }),
            by: by.into(),
            asset: String::new(),
            as_of: None,
        };
        let by_asset = client
            .balance(request(ledger::Grouping::Asset))
            .await?
            .into_inner();
        let by_hour = client
            .balance(request(ledger::Grouping::Hour))
            .await?
            .into_inner();
        let lines = |answer: &ledger::BalanceResponse| -> Vec<(String, CarbonLine)> {
            let lines = answer.lines.iter();
            lines
                .map(|line| (line.key.clone(), decode::carbon_line(line)))
                .collect()
        };
        let period = by_asset.period.clone().unwrap_or_default();
        Ok(Report::Carbon(Box::new(CarbonBalances {
            from: period.from,
            to: period.to,
            total: by_asset
                .total
                .as_ref()
                .map(decode::carbon_line)
                .unwrap_or_default(),
            by_asset: lines(&by_asset).into_iter().collect(),
            by_hour: lines(&by_hour),
            position: Some(by_asset.position),
        })))
    }
}
