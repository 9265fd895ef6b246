//! What was reported of a period, and what has changed since.

use terrarium_journal::field_status;
use terrarium_ledger::{
    Figures, GwpSet, PeriodState, Restatement, RestatementReason, accounts::restatement,
};
use terrarium_proto::ledger::v1 as wire;
use tonic::{Code, Response, Status};

use super::{LedgerApi, on_park, period_to_wire};

impl LedgerApi {
    pub(super) async fn restatements_of(
        &self,
        request: &wire::RestatementsRequest,
    ) -> Result<Response<wire::RestatementsResponse>, Status> {
        let gwp = match request.gwp.as_str() {
            "" => GwpSet::Ar6,
            token => GwpSet::parse(token).ok_or_else(|| {
                field_status(
                    Code::InvalidArgument,
                    "gwp",
                    format!(
                        "\"{token}\" is not known; send one of {}",
                        GwpSet::ALL.map(GwpSet::token).join(", ")
                    ),
                )
            })?,
        };
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        on_park(self, &request.park, as_of, |view, definition, position| {
            let id = &request.period;
            let reporting = view
                .ledger()
                .periods()
                .get(id, view.sight())
                .ok_or_else(|| {
                    field_status(
                        Code::NotFound,
                        "period",
                        format!(
                            "park {} had no period \"{id}\" by then; open it first",
                            request.park
                        ),
                    )
                })?;
            let no_potential = |error: terrarium_ledger::NoPotential| {
                field_status(Code::InvalidArgument, "gwp", error.to_string())
            };
            let restatements = view
                .restatements(id, gwp)
                .unwrap_or(Ok(Vec::new()))
                .map_err(no_potential)?;
            let reported = view.reported(id, gwp).transpose().map_err(no_potential)?;
            let books = view.books(reporting.period);
            let current = books
                .map(|books| restatement::Figures::of(&books, gwp))
                .transpose()
                .map_err(no_potential)?;
            Ok(Response::new(wire::RestatementsResponse {
                park: request.park.clone(),
                period: id.clone(),
                time: Some(period_to_wire(reporting.period, definition)),
                state: state(reporting.state).into(),
                reported: reported.as_ref().map(figures),
                current: current.as_ref().map(|found| wire::PeriodFigures {
                    known_at_position: position,
                    ..figures(found)
                }),
                restatements: restatements.iter().map(entry).collect(),
                unchecked_factors: view
                    .unchecked_factors(reporting.period)
                    .into_iter()
                    .map(|used| used.key)
                    .collect(),
                position,
            }))
        })
    }
}

fn state(state: PeriodState) -> wire::ReportingState {
    match state {
        PeriodState::Live => wire::ReportingState::Live,
        PeriodState::Closed => wire::ReportingState::Closed,
        PeriodState::Reviewed => wire::ReportingState::Reviewed,
        PeriodState::Verified => wire::ReportingState::Verified,
        PeriodState::Restated => wire::ReportingState::Restated,
    }
}

fn figures(figures: &Figures) -> wire::PeriodFigures {
    wire::PeriodFigures {
        known_at_position: figures.known_at,
        location_mg: figures.location_mg,
        market_mg: figures.market_mg,
        avoided_mg: figures.avoided_mg,
        removal_mg: figures.removal_mg,
        books_sha256: figures.books_sha256.to_vec().into(),
    }
}

fn entry(entry: &Restatement) -> wire::Restatement {
    let reason = match entry.run.reason {
        RestatementReason::LateData => wire::ChangeReason::LateData,
        RestatementReason::CorrectedData => wire::ChangeReason::CorrectedData,
        RestatementReason::NewFactors => wire::ChangeReason::NewFactors,
        RestatementReason::MethodChange => wire::ChangeReason::MethodChange,
        RestatementReason::BoundaryChange => wire::ChangeReason::BoundaryChange,
    };
    wire::Restatement {
        number: entry.number,
        reason: reason.into(),
        first_position: entry.run.first,
        last_position: entry.run.last,
        facts: entry.run.facts,
        before: Some(figures(&entry.before)),
        after: Some(figures(&entry.after)),
        base_year_effect_mg: entry.base_year_effect_mg,
        materiality_permille: entry.materiality_permille,
        material: entry.is_material,
        taken_over_position: entry.taken_over_at,
    }
}
