//! The ledger over gRPC.

mod as_of;
mod explain;
mod report;
mod restatements;

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use terrarium_journal::field_status;
use terrarium_ledger::{AsOf, Book, Grouping, Period, View, balance, completeness};
use terrarium_model::{
    AssetId, ParkDefinition, ParkId, SECONDS_PER_HOUR, UnixSeconds, parse_rfc3339_with_offset,
};
use terrarium_proto::ledger::v1 as wire;
use terrarium_proto::ledger::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use terrarium_runtime::{Role, Shutdown, actor};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use crate::follow::Projector;
use crate::ledger_wire;

const MAY_READ: &[Role] = &Role::ALL;
/// Node hours one query may look at: a thousand nodes over two years.
const MOST_NODE_HOURS: u64 = 20_000_000;
const ENTRIES_PER_ANSWER: usize = 1_000;
const ANSWERS_IN_FLIGHT: usize = 8;

/// The ledger service over a projector.
#[derive(Clone)]
pub struct LedgerApi {
    projector: Arc<Projector>,
    shutdown: Shutdown,
    figures: Arc<Mutex<restatements::KnownFigures>>,
}

impl LedgerApi {
    /// Serves what `projector` holds.
    pub fn new(projector: Arc<Projector>, shutdown: Shutdown) -> LedgerApi {
        LedgerApi {
            projector,
            shutdown,
            figures: Arc::default(),
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> LedgerServiceServer<LedgerApi> {
        LedgerServiceServer::new(self)
    }

    /// Waits until everything recorded before the question is folded, so that one reads what one wrote.
    async fn level(&self) -> Result<(), Status> {
        if self.projector.caught_up().await {
            return Ok(());
        }
        Err(Status::unavailable(
            "the projection is still catching up with the record; try again in a moment",
        ))
    }
}

/// Runs a query on a park's books as they were at two times. The query gets the position that the answer holds for.
fn on_park<R>(
    api: &LedgerApi,
    park: &str,
    as_of: AsOf,
    query: impl FnOnce(&View<'_>, &Arc<ParkDefinition>, u64) -> Result<R, Status>,
) -> Result<R, Status> {
    let projection = api.projector.read();
    let known = ParkId::new(park)
        .ok()
        .and_then(|park| projection.park(&park));
    let Some(ledger) = known.filter(|ledger| ledger.definition().is_some()) else {
        return Err(field_status(
            Code::NotFound,
            "park",
            format!("no park \"{park}\" is defined here; `terrarium status` lists the parks"),
        ));
    };
    let view = ledger.view(as_of);
    let Some(definition) = view.definition() else {
        return Err(field_status(
            Code::NotFound,
            "as_of",
            format!("park {park} was not defined by then; ask for a later moment"),
        ));
    };
    let position = projection.position().unwrap_or(0);
    let position = as_of.known_at.map_or(position, |known| known.min(position));
    query(&view, definition, position)
}

fn period_of(
    view: &View<'_>,
    definition: &ParkDefinition,
    asked: Option<&wire::Period>,
) -> Result<Period, Status> {
    let metered = view.metered_period().unwrap_or(Period {
        from: UnixSeconds(0),
        to: UnixSeconds(0),
    });
    let bound = |field: &'static str, text: &str, default: UnixSeconds| {
        if text.is_empty() {
            return Ok(default);
        }
        let instant = parse_rfc3339_with_offset(text)
            .map_err(|error| field_status(Code::InvalidArgument, field, error.to_string()))?;
        if instant.0.rem_euclid(SECONDS_PER_HOUR) != 0 {
            return Err(field_status(
                Code::InvalidArgument,
                field,
                format!("{text} is no full hour; the ledger is kept by the hour"),
            ));
        }
        Ok(instant)
    };
    let period = Period {
        from: bound(
            "period.from",
            asked.map_or("", |asked| &asked.from),
            metered.from,
        )?,
        to: bound("period.to", asked.map_or("", |asked| &asked.to), metered.to)?,
    };
    if period.to < period.from {
        return Err(field_status(
            Code::InvalidArgument,
            "period.to",
            "it is before period.from",
        ));
    }
    let node_hours = period.hours() * definition.nodes.len().max(1) as u64;
    if node_hours > MOST_NODE_HOURS {
        return Err(field_status(
            Code::InvalidArgument,
            "period",
            format!("it has {node_hours} node hours; ask for at most {MOST_NODE_HOURS} at once"),
        ));
    }
    Ok(period)
}

fn period_to_wire(period: Period, definition: &ParkDefinition) -> wire::Period {
    wire::Period {
        from: definition.time_zone.format_rfc3339(period.from),
        to: definition.time_zone.format_rfc3339(period.to),
    }
}

fn asset_of(definition: &ParkDefinition, asset: &str) -> Result<Option<AssetId>, Status> {
    if asset.is_empty() {
        return Ok(None);
    }
    match AssetId::new(asset) {
        Ok(id) if definition.nodes.contains_key(&id) => Ok(Some(id)),
        _ => Err(field_status(
            Code::NotFound,
            "asset",
            format!(
                "park {} keeps no books for asset \"{asset}\"; its nodes are {}",
                definition.id,
                definition
                    .nodes
                    .keys()
                    .map(AssetId::as_str)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl LedgerService for LedgerApi {
    type EntriesStream = Answers<wire::EntriesResponse>;
    type WatchStream = Answers<wire::WatchResponse>;

    async fn balance(
        &self,
        request: Request<wire::BalanceRequest>,
    ) -> Result<Response<wire::BalanceResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        self.level().await?;
        let request = request.into_inner();
        let grouping = match request.by() {
            wire::Grouping::Unspecified | wire::Grouping::Total => Grouping::Total,
            wire::Grouping::Asset => Grouping::Asset,
            wire::Grouping::Hour => Grouping::Hour,
            wire::Grouping::Day => Grouping::Day,
            wire::Grouping::Month => Grouping::Month,
        };
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        on_park(self, &request.park, as_of, |view, definition, position| {
            let period = period_of(view, definition, request.period.as_ref())?;
            let only = asset_of(definition, &request.asset)?;
            let (lines, total) = balance(view, period, grouping, only.as_ref());
            Ok(Response::new(wire::BalanceResponse {
                park: definition.id.to_string(),
                period: Some(period_to_wire(period, definition)),
                lines: lines.into_iter().map(ledger_wire::balance_line).collect(),
                total: Some(ledger_wire::balance_line(total)),
                position,
            }))
        })
    }

    async fn entries(
        &self,
        request: Request<wire::EntriesRequest>,
    ) -> Result<Response<Self::EntriesStream>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        self.level().await?;
        let request = request.into_inner();
        let book = match request.book() {
            wire::Book::Unspecified => None,
            wire::Book::Energy => Some(Book::Energy),
            wire::Book::Emission => Some(Book::Emission),
            wire::Book::Avoided => Some(Book::Avoided),
        };
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        let (period, assets) = on_park(self, &request.park, as_of, |view, definition, _| {
            let period = period_of(view, definition, request.period.as_ref())?;
            let only = asset_of(definition, &request.asset)?;
            let assets: Vec<AssetId> = definition
                .nodes
                .keys()
                .filter(|asset| only.as_ref().is_none_or(|only| only == *asset))
                .cloned()
                .collect();
            Ok((period, assets))
        })?;
        let (answers, responses) = mpsc::channel(ANSWERS_IN_FLIGHT);
        let api = self.clone();
        tokio::spawn(async move {
            let mut hours = assets.iter().flat_map(|asset| {
                period
                    .hour_starts()
                    .map(move |hour_start| (asset, hour_start))
            });
            let mut is_last = false;
            while !is_last {
                let answer = on_park(&api, &request.park, as_of, |view, definition, position| {
                    let mut entries = Vec::new();
                    while entries.len() < ENTRIES_PER_ANSWER {
                        let Some((asset, hour_start)) = hours.next() else {
                            is_last = true;
                            break;
                        };
                        entries.extend(
                            view.entries(asset, hour_start)
                                .iter()
                                .filter(|entry| {
                                    book.is_none_or(|book| entry.id.line.book() == book)
                                })
                                .map(|entry| ledger_wire::entry(entry, &definition.time_zone)),
                        );
                    }
                    Ok(wire::EntriesResponse { entries, position })
                });
                let failed = answer.is_err();
                if answers.send(answer).await.is_err() || failed || api.shutdown.is_triggered() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let request = request.into_inner();
        let mut changes = self.projector.watch();
        let park = on_park(self, &request.park, AsOf::default(), |_, definition, _| {
            asset_of(definition, &request.asset)?;
            Ok(definition.id.clone())
        })?;
        let (answers, responses) = mpsc::channel(ANSWERS_IN_FLIGHT);
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            loop {
                let change = tokio::select! {
                    change = changes.recv() => change,
                    () = shutdown.triggered() => return,
                    () = answers.closed() => return,
                };
                let answer = match change {
                    Ok(change) if change.park == park => {
                        let hours: Vec<wire::HourBalance> = change
                            .hours
                            .iter()
                            .filter(|hour| request.asset.is_empty() || hour.asset == request.asset)
                            .cloned()
                            .collect();
                        if hours.is_empty() {
                            continue;
                        }
                        Ok(wire::WatchResponse {
                            hours,
                            position: change.position,
                        })
                    }
                    Ok(_) => continue,
                    Err(RecvError::Lagged(missed)) => Err(Status::unavailable(format!(
                        "this watcher fell {missed} batches behind; read the balance and watch again"
                    ))),
                    Err(RecvError::Closed) => return,
                };
                let failed = answer.is_err();
                if answers.send(answer).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn explain(
        &self,
        request: Request<wire::ExplainRequest>,
    ) -> Result<Response<wire::ExplainResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        self.level().await?;
        self.explain_entry(request.get_ref())
            .await
            .map(Response::new)
    }

    async fn completeness(
        &self,
        request: Request<wire::CompletenessRequest>,
    ) -> Result<Response<wire::CompletenessResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        self.level().await?;
        let request = request.into_inner();
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        on_park(self, &request.park, as_of, |view, definition, position| {
            let period = period_of(view, definition, request.period.as_ref())?;
            let found = completeness(view, period);
            let zone = &definition.time_zone;
            Ok(Response::new(wire::CompletenessResponse {
                period: Some(period_to_wire(period, definition)),
                meters: found
                    .meters
                    .iter()
                    .map(|meter| wire::MeterCompleteness {
                        meter: meter.meter.to_string(),
                        asset: definition.meters[&meter.meter].asset.to_string(),
                        hours_expected: meter.hours_expected,
                        hours_metered: meter.hours_metered,
                        readings: meter.readings,
                        quarantined: meter.quarantined,
                        gaps: ledger_wire::gaps(&meter.gaps, zone),
                    })
                    .collect(),
                factors: vec![wire::FactorCompleteness {
                    region: definition.grid_region.clone(),
                    hours_expected: period.hours(),
                    hours_covered: found.factor_hours,
                    gaps: ledger_wire::gaps(&found.factor_gaps, zone),
                }],
                position,
            }))
        })
    }

    async fn restatements(
        &self,
        request: Request<wire::RestatementsRequest>,
    ) -> Result<Response<wire::RestatementsResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        self.level().await?;
        self.restatements_of(request.get_ref()).await
    }

    async fn get_state(
        &self,
        request: Request<wire::GetStateRequest>,
    ) -> Result<Response<wire::GetStateResponse>, Status> {
        let caller = actor(&request)?;
        caller.require_role(MAY_READ)?;
        self.level().await?;
        let with_hashes = request.get_ref().hashes;
        let mut projection = self.projector.write();
        let hashes = with_hashes.then(|| projection.hashes());
        let park_hashes = with_hashes.then(|| projection.park_content_hashes());
        let parks = projection
            .parks()
            .iter()
            .filter(|(park, _)| {
                caller
                    .park
                    .as_deref()
                    .is_none_or(|own| own == park.as_str())
            })
            .map(|(park, ledger)| wire::ParkState {
                park: park.to_string(),
                readings: ledger.meters().map(|(_, book)| book.counted()).sum(),
                readings_superseded: ledger
                    .meters()
                    .map(|(_, book)| book.superseded().len() as u64)
                    .sum(),
                quarantined: ledger
                    .meters()
                    .flat_map(|(_, book)| book.quarantined().values())
                    .filter(|item| item.decided_at.is_none())
                    .count() as u64,
                factor_sets: ledger.factors().len() as u64,
                content_hash: park_hashes
                    .as_ref()
                    .and_then(|hashes| hashes.get(park))
                    .map(|hash| hash.to_vec().into())
                    .unwrap_or_default(),
            })
            .collect();
        Ok(Response::new(wire::GetStateResponse {
            position: projection.position(),
            events: projection.events(),
            state_hash: hashes
                .map(|hashes| hashes.state.to_vec().into())
                .unwrap_or_default(),
            content_hash: hashes
                .map(|hashes| hashes.content.to_vec().into())
                .unwrap_or_default(),
            parks,
        }))
    }
}
