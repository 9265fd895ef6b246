//! Pages of the record. A newer request of a kind gives the older one up, so that what arrives is what was asked for last.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use terrarium_model::{UnixMillis, format_rfc3339_utc};
use terrarium_proto::ledger::v1 as ledger;
use terrarium_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use terrarium_proto::ledger::v1::report_service_client::ReportServiceClient;
use terrarium_proto::twin::v1 as wire;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::{
    CarbonBalances, CarbonLine, ClaimName, Density, EntryList, LedgerBook, LedgerEntry, Report,
    Request,
};
use tokio::task::{AbortHandle, JoinSet};
use tonic::Status;

use crate::decode;
use crate::lanes::Lanes;
use crate::numbering::{Numbering, StreamNumbers};
use crate::supervisor::MAX_ANSWER_BYTES;
use crate::{around, shift, statements};

/// The service takes at most so many points at once.
const MOST_POINTS: usize = 200;
const MOST_SAMPLES: u32 = 2_000;
const MOST_EVENTS: u32 = 100;

/// Entries that are listed at most: a year of one asset's hours.
const MOST_ENTRIES: usize = 9_000;

pub(crate) struct Pages {
    client: PageClient,
    lanes: Arc<Lanes>,
    /// Ends with the session, so that no page of an old connection arrives.
    tasks: JoinSet<()>,
    /// By the request's name: the newest one, of comparisons all.
    running: BTreeMap<&'static str, Vec<AbortHandle>>,
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
        let what = request.name();
        // Of a comparison both moments are wanted.
        let is_one_of_several = matches!(request, Request::Compare { .. });
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
        let running = self.running.entry(what).or_default();
        running.retain(|older| !older.is_finished());
        if !is_one_of_several {
            running.drain(..).for_each(|older| older.abort());
        }
        running.push(task);
    }

    /// The connection is gone: tells of every page that was on its way that it will not come.
    pub(crate) async fn give_up(mut self) {
        let is_awaited = |tasks: &Vec<AbortHandle>| tasks.iter().any(|task| !task.is_finished());
        self.running.retain(|_, tasks| is_awaited(tasks));
        self.tasks.abort_all();
        for what in self.running.into_keys() {
            let reason = "the connection was cut before the answer came: ask for it again";
            self.lanes
                .put(Report::Failed {
                    what,
                    reason: reason.to_owned(),
                })
                .await;
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
            Request::Entries {
                asset,
                book,
                from_ms,
                to_ms,
            } => self.entries(asset, book, from_ms, to_ms).await,
            Request::Explain { entry } => {
                let request = ledger::ExplainRequest {
                    park: self.park.clone(),
                    entry_id: entry,
                    as_of: None,
                };
                let answer = self.ledger().explain(request).await?.into_inner();
                Ok(Report::Explanation(Box::new(decode::explanation(answer))))
            }
            Request::ClaimNames => {
                let claims = ledger::ListClaimsRequest {};
                let answer = self.reports().list_claims(claims).await?.into_inner();
                let names = answer.claims.into_iter().map(|name| ClaimName {
                    claim: name.claim,
                    is_promise: name.promise,
                });
                Ok(Report::ClaimNames(names.collect()))
            }
            Request::Claim {
                claim,
                from_ms,
                to_ms,
            } => self.claim(claim, from_ms, to_ms).await,
            Request::Compare { moment_ms } => self.moment(moment_ms).await,
            Request::Around {
                from_ms,
                moment_ms,
                to_ms,
            } => around::fetch(self.twin(), &self.park, [from_ms, moment_ms, to_ms]).await,
            Request::Shift { from_ms, to_ms } => {
                shift::fetch(&self.channel, &self.park, from_ms, to_ms).await
            }
            Request::Show(_) | Request::Command { .. } => Err(Status::internal(
                "this is no page: send it to the view or the commands",
            )),
        }
    }

    fn ledger(&self) -> LedgerServiceClient<AuthorizedChannel> {
        LedgerServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    fn reports(&self) -> ReportServiceClient<AuthorizedChannel> {
        ReportServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// A claim is told for an open period too, and says so itself.
    async fn claim(&self, claim: String, from_ms: i64, to_ms: i64) -> Result<Report, Status> {
        let request = ledger::ReportRequest {
            park: self.park.clone(),
            claim,
            period: Some(period(from_ms, to_ms)),
            provisional: true,
            ..ledger::ReportRequest::default()
        };
        let answer = self.reports().report(request).await?.into_inner();
        let position = answer.position;
        let statement = answer
            .statement
            .ok_or_else(|| Status::internal("the server made no statement"))?;
        let statement = statements::statement(statement, position);
        Ok(Report::Statement(Box::new(statement)))
    }

    /// The newest entries of an asset in a book, in the order of time.
    async fn entries(
        &self,
        asset: String,
        book: LedgerBook,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Report, Status> {
        let request = ledger::EntriesRequest {
            park: self.park.clone(),
            period: Some(period(from_ms, to_ms)),
            asset: asset.clone(),
            book: book.wire(),
            as_of: None,
        };
        let mut batches = self.ledger().entries(request).await?.into_inner();
        let mut entries: VecDeque<LedgerEntry> = VecDeque::new();
        let mut is_cut_short = false;
        while let Some(batch) = batches.message().await? {
            entries.extend(batch.entries.into_iter().map(decode::entry));
            let surplus = entries.len().saturating_sub(MOST_ENTRIES);
            is_cut_short |= surplus > 0;
            entries.drain(..surplus);
        }
        Ok(Report::Entries(EntryList {
            asset,
            book,
            from_ms,
            to_ms,
            entries: entries.into(),
            is_cut_short,
        }))
    }

    /// The state at a moment, numbered by itself: it is merged with nothing.
    async fn moment(&self, moment_ms: i64) -> Result<Report, Status> {
        let request = wire::SnapshotRequest {
            park: self.park.clone(),
            moment: Some(wire::Moment {
                at: Some(wire::moment::At::TimeMs(moment_ms)),
            }),
        };
        let update = self.twin().snapshot(request).await?.into_inner();
        let mut delta = Numbering::default().read(&mut StreamNumbers::default(), update);
        delta.begins_anew = true;
        delta.moment_ms = moment_ms;
        Ok(Report::Compared(delta))
    }

    async fn carbon(&self, from_ms: i64, to_ms: i64) -> Result<Report, Status> {
        let mut client = self.ledger();
        let request = |by: ledger::Grouping| ledger::BalanceRequest {
            park: self.park.clone(),
            period: Some(period(from_ms, to_ms)),
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

/// A period of the ledger.
pub(crate) fn period(from_ms: i64, to_ms: i64) -> ledger::Period {
    let rfc3339 = |ms: i64| format_rfc3339_utc(UnixMillis(ms).seconds());
    ledger::Period {
        from: rfc3339(from_ms),
        to: rfc3339(to_ms),
    }
}
