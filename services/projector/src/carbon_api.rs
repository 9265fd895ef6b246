//! The carbon books beside electricity over gRPC.

use std::sync::Arc;

use terrarium_journal::{Metadata, Position, field_status};
use terrarium_ledger::carbon::competency::answers;
use terrarium_ledger::carbon::uncertainty::data_quality_tenths;
use terrarium_ledger::carbon::{gross_removal_net, reconcile};
use terrarium_ledger::{Basis, FactorRow, GwpSet, ParkLedger, Period, Posting, Sight};
use terrarium_model::{
    Interval, MeterId, ParkDefinition, ParkId, SECONDS_PER_HOUR, UnixSeconds,
    parse_rfc3339_with_offset,
};
use terrarium_proto::ledger::v1 as wire;
use terrarium_proto::ledger::v1::carbon_books_service_server::{
    CarbonBooksService, CarbonBooksServiceServer,
};
use terrarium_runtime::{Role, Shutdown, actor};
use tonic::{Code, Request, Response, Status};

use crate::carbon_wire::{explanation, gross_or_removed, posting, replaced, spread};
use crate::follow::Projector;
use crate::ledger_api::LedgerApi;
use crate::ledger_wire;

const MAY_READ: &[Role] = &Role::ALL;

/// The carbon books over a projector.
#[derive(Clone)]
pub struct CarbonBooksApi {
    projector: Arc<Projector>,
    ledger: LedgerApi,
}

impl CarbonBooksApi {
    /// Serves what `projector` holds.
    pub fn new(projector: Arc<Projector>, shutdown: Shutdown) -> CarbonBooksApi {
        CarbonBooksApi {
            ledger: LedgerApi::new(Arc::clone(&projector), shutdown),
            projector,
        }
    }

    /// As tonic serves it.
    pub fn into_server(self) -> CarbonBooksServiceServer<CarbonBooksApi> {
        CarbonBooksServiceServer::new(self)
    }

    /// Runs a query on a park's books, once everything recorded before the question is folded.
    async fn on_park<R>(
        &self,
        park: &str,
        query: impl FnOnce(&ParkLedger, &ParkDefinition, u64) -> Result<R, Status>,
    ) -> Result<R, Status> {
        if !self.projector.caught_up().await {
            return Err(Status::unavailable(
                "the projection is still catching up with the record; try again in a moment",
            ));
        }
        let projection = self.projector.read();
        let known = ParkId::new(park)
            .ok()
            .and_then(|park| projection.park(&park));
        let Some((ledger, definition)) =
            known.and_then(|ledger| Some((ledger, ledger.definition()?)))
        else {
            return Err(field_status(
                Code::NotFound,
                "park",
                format!("no park \"{park}\" is defined here; `terrarium status` lists the parks"),
            ));
        };
        query(ledger, definition, projection.position().unwrap_or(0))
    }

    async fn event(&self, position: u64) -> Result<wire::EventRef, Status> {
        let event = self
            .projector
            .store
            .event_at(Position(position))
            .await
            .map_err(|error| Status::data_loss(error.to_string()))?;
        let metadata = Metadata::parse(&event.metadata)
            .map_err(|error| Status::data_loss(error.to_string()))?;
        Ok(wire::EventRef {
            position,
            event_id: event.id.to_string(),
            r#type: event.event_type.to_string(),
            stream: event.stream.to_string(),
            revision: event.revision,
            recorded_time: metadata.recordedtime,
            actor: metadata.actor,
        })
    }
}

fn period_of(asked: Option<&wire::Period>) -> Result<Period, Status> {
    let bound = |field: &'static str, text: Option<&String>| {
        let text = text.map_or("", String::as_str);
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
        from: bound("period.from", asked.map(|asked| &asked.from))?,
        to: bound("period.to", asked.map(|asked| &asked.to))?,
    };
    if period.to <= period.from {
        return Err(field_status(
            Code::InvalidArgument,
            "period.to",
            "it is not after period.from",
        ));
    }
    Ok(period)
}

fn gwp_of(token: &str) -> Result<GwpSet, Status> {
    if token.is_empty() {
        return Ok(GwpSet::Ar6);
    }
    GwpSet::parse(token).ok_or_else(|| {
        let sets: Vec<&str> = GwpSet::ALL.iter().map(|set| set.token()).collect();
        field_status(
            Code::InvalidArgument,
            "gwp",
            format!("\"{token}\" is not known; write one of {}", sets.join(", ")),
        )
    })
}

#[tonic::async_trait]
impl CarbonBooksService for CarbonBooksApi {
    async fn list_postings(
        &self,
        request: Request<wire::ListPostingsRequest>,
    ) -> Result<Response<wire::ListPostingsResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let request = request.into_inner();
        let period = period_of(request.period.as_ref())?;
        let gwp = gwp_of(&request.gwp)?;
        let as_of = self
            .ledger
            .as_of(&request.park, request.as_of.as_ref())
            .await?;
        self.on_park(&request.park, |ledger, definition, position| {
            let zone = &definition.time_zone;
            let is_asked =
                |posting: &Posting| request.party.is_empty() || posting.party == request.party;
            let worked = ledger.worked(period, as_of, false);
            let view = ledger.view(as_of);
            let mut sums = ledger.activity_postings(period, as_of);
            if request.electricity {
                sums.extend(view.purchased_electricity(period));
            }
            sums.retain(is_asked);
            let no_potential = |error: terrarium_ledger::NoPotential| {
                field_status(Code::InvalidArgument, "gwp", error.to_string())
            };
            let is_in_totals = |posting: &Posting| posting.basis != Basis::Market;
            let totals = gross_removal_net(&sums, gwp, is_in_totals).map_err(no_potential)?;
            let quality = data_quality_tenths(&sums, gwp).map_err(no_potential)?;
            let postings = if request.lines {
                let lines = worked.lines.iter();
                lines
                    .filter(|line| is_asked(&line.posting))
                    .map(|line| posting(&line.posting, line.id(), zone))
                    .collect()
            } else {
                let sums = sums.iter();
                sums.map(|sum| posting(sum, String::new(), zone)).collect()
            };
            Ok(Response::new(wire::ListPostingsResponse {
                postings,
                unpriced: worked
                    .unpriced
                    .into_iter()
                    .map(|unpriced| wire::UnpricedActivity {
                        activity: unpriced.activity,
                        asset: unpriced.asset.to_string(),
                        interval_start: zone.format_rfc3339(unpriced.interval.0),
                        problem: unpriced.problem,
                    })
                    .collect(),
                gross: Some(spread(totals.gross)),
                removal: Some(spread(totals.removal)),
                net: Some(spread(totals.net)),
                data_quality_tenths: quality,
                position,
            }))
        })
        .await
    }

    async fn explain_posting(
        &self,
        request: Request<wire::ExplainPostingRequest>,
    ) -> Result<Response<wire::ExplainPostingResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let request = request.into_inner();
        let gwp = gwp_of(&request.gwp)?;
        let as_of = self
            .ledger
            .as_of(&request.park, request.as_of.as_ref())
            .await?;
        let unknown = || {
            field_status(
                Code::NotFound,
                "posting_id",
                format!(
                    "\"{}\" names no line; `terrarium ledger postings --lines` lists them",
                    request.posting_id
                ),
            )
        };
        let start = request
            .posting_id
            .split('/')
            .nth(2)
            .and_then(|start| parse_rfc3339_with_offset(start).ok())
            .ok_or_else(unknown)?;
        let moment = Period {
            from: start,
            to: UnixSeconds(start.0 + 1),
        };
        let (line, mut response, replaced) = self
            .on_park(&request.park, |ledger, definition, position| {
                let line = ledger
                    .worked(moment, as_of, true)
                    .lines
                    .into_iter()
                    .find(|line| line.id() == request.posting_id)
                    .ok_or_else(unknown)?;
                let attached = ledger
                    .activities()
                    .evidence_about(line.posting.asset.as_str(), as_of)
                    .map(|(_, record)| format!("{}: {}", record.kind, record.note))
                    .collect();
                let mut response = explanation(&line, &definition.time_zone, attached, position);
                let result = gross_or_removed(&line.posting, gwp).map_err(|error| {
                    field_status(Code::InvalidArgument, "gwp", error.to_string())
                })?;
                response.result = Some(spread(result));
                response.place = Some(ledger_wire::place(definition, &line.posting.asset));
                let replaced = replaced(ledger, &line, as_of);
                Ok((line, response, replaced))
            })
            .await?;
        for position in &line.told_at {
            response.events.push(self.event(*position).await?);
        }
        for (mut report, origin) in replaced {
            report.event = Some(self.event(origin.position).await?);
            response.corrected.push(report);
        }
        for factor in &mut response.factors {
            if let Some(event) = &mut factor.event {
                *event = self.event(event.position).await?;
            }
        }
        Ok(Response::new(response))
    }

    async fn explain_factor(
        &self,
        request: Request<wire::ExplainFactorRequest>,
    ) -> Result<Response<wire::ExplainFactorResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let request = request.into_inner();
        let at =
            match request.at.as_str() {
                "" => None,
                text => Some(parse_rfc3339_with_offset(text).map_err(|error| {
                    field_status(Code::InvalidArgument, "at", error.to_string())
                })?),
            };
        self.on_park(&request.park, |ledger, _, position| {
            let book = ledger.factors();
            let (set, origin) = book
                .sets()
                .find(|(set, _)| set.key() == request.key)
                .ok_or_else(|| {
                    field_status(
                        Code::NotFound,
                        "key",
                        format!(
                            "no factor \"{}\" is published to the park; postings name those that were used",
                            request.key
                        ),
                    )
                })?;
            let holds = at.map_or(Some(0), |at| set.row_at(at)).ok_or_else(|| {
                field_status(
                    Code::NotFound,
                    "at",
                    format!("\"{}\" does not hold at {}", request.key, request.at),
                )
            })?;
            let row = FactorRow {
                set: Arc::clone(set),
                row: holds,
                origin: *origin,
            };
            Ok(Response::new(wire::ExplainFactorResponse {
                factor: Some(ledger_wire::factor_ref(&row)),
                answers: answers(&row, book)
                    .into_iter()
                    .map(|answer| wire::FactorAnswer {
                        question: answer.question.into(),
                        asked: answer.asked.to_owned(),
                        answers: answer.answers,
                    })
                    .collect(),
                position,
            }))
        })
        .await
    }

    async fn reconcile(
        &self,
        request: Request<wire::ReconcileRequest>,
    ) -> Result<Response<wire::ReconcileResponse>, Status> {
        actor(&request)?.require(MAY_READ, &request.get_ref().park)?;
        let request = request.into_inner();
        let period = period_of(request.period.as_ref())?;
        let as_of = self
            .ledger
            .as_of(&request.park, request.as_of.as_ref())
            .await?;
        self.on_park(&request.park, |ledger, definition, position| {
            let zone = &definition.time_zone;
            let sight = ledger.view(as_of).sight();
            let electricity =
                |meter: &MeterId, interval: Interval| metered_wh(ledger, meter, interval, sight);
            let found = reconcile(
                ledger.activities(),
                electricity,
                period.from,
                period.to,
                as_of,
            );
            Ok(Response::new(wire::ReconcileResponse {
                invoices: found
                    .into_iter()
                    .map(|one| wire::ReconciledInvoice {
                        supplier: one.invoice.supplier,
                        number: one.invoice.number,
                        revision: one.invoice.revision,
                        from: zone.format_rfc3339(one.invoice.interval.start),
                        to: zone.format_rfc3339(one.invoice.interval.end()),
                        charged: one.invoice.amount,
                        metered: one.metered,
                        gap: one.gap,
                        gap_ppm: one.gap_ppm,
                        agrees: one.agrees,
                    })
                    .collect(),
                position,
            }))
        })
        .await
    }
}

/// What a meter has for an interval of whole hours; `None`: some of it is missing.
fn metered_wh(
    ledger: &ParkLedger,
    meter: &MeterId,
    interval: Interval,
    sight: Sight,
) -> Option<i64> {
    let (_, book) = ledger.meters().find(|(id, _)| *id == meter)?;
    let mut sum = 0;
    for hour_start in interval.hour_starts() {
        let hour = book.hour(hour_start, sight);
        if !hour.is_complete() {
            return None;
        }
        sum += hour.energy.0;
    }
    Some(sum)
}
