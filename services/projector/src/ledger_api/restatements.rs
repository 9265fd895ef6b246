//! What was reported of a period, and what has changed since.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use terrarium_journal::field_status;
use terrarium_ledger::{
    AsOf, Figures, GwpSet, Period, PeriodState, Restatement, RestatementReason, View,
};
use terrarium_model::UnixSeconds;
use terrarium_proto::ledger::v1 as wire;
use tonic::{Code, Response, Status};

use super::{LedgerApi, on_park, period_to_wire};

/// Steps of a period in one answer; each needs up to four sums of a whole period or year.
const MOST_STEPS: usize = 64;
/// Figures that are kept for the next question.
const MOST_KNOWN_FIGURES: usize = 4_096;

/// Figures by park, warming potentials, what had happened, period, and position they are known at.
pub(super) type KnownFigures =
    BTreeMap<(String, &'static str, Option<UnixSeconds>, Period, u64), Figures>;

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
        let asked = on_park(self, &request.park, as_of, |view, definition, position| {
            let plan = view.restatement_plan(&request.period, request.after_position, MOST_STEPS);
            let plan = plan.ok_or_else(|| {
                field_status(
                    Code::NotFound,
                    "period",
                    format!(
                        "park {} had no period \"{}\" by then; open it first",
                        request.park, request.period
                    ),
                )
            })?;
            let time = period_to_wire(plan.reporting.period, definition);
            Ok((plan, time, position))
        })?;
        let (plan, time, position) = asked;
        let period = plan.reporting.period;
        let reported_at = plan.reporting.reported_at().last();
        let mut needed = plan.needed();
        needed.insert((period, position));
        needed.extend(reported_at.map(|(position, _)| (period, position)));
        let mut known = BTreeMap::new();
        for (period, known_at) in needed {
            let figures = self
                .figures(&request.park, as_of, period, known_at, gwp)
                .await?;
            known.insert((period, known_at), figures);
        }
        let unchecked = self
            .worked_out(&request.park, as_of, move |view| {
                Ok(view.unchecked_factors(period))
            })
            .await?;
        let reported = reported_at.and_then(|(position, _)| known.get(&(period, position)));
        Ok(Response::new(wire::RestatementsResponse {
            park: request.park.clone(),
            period: request.period.clone(),
            time: Some(time),
            state: state(plan.reporting.state).into(),
            reported: reported.map(figures),
            current: known.get(&(period, position)).map(figures),
            restatements: plan.entries(&known).iter().map(entry).collect(),
            unchecked_factors: unchecked.into_iter().map(|used| used.key).collect(),
            position,
            more_after_position: plan.more_after,
        }))
    }

    /// Figures of a period as known at a position. They never change again, so that each is worked out once.
    async fn figures(
        &self,
        park: &str,
        as_of: AsOf,
        period: Period,
        known_at: u64,
        gwp: GwpSet,
    ) -> Result<Figures, Status> {
        let key = (park.to_owned(), gwp.token(), as_of.at, period, known_at);
        if let Some(figures) = self.known_figures().get(&key) {
            return Ok(*figures);
        }
        let figures = self
            .worked_out(park, as_of, move |view| {
                view.figures(period, known_at, gwp)
                    .map_err(|error| field_status(Code::InvalidArgument, "gwp", error.to_string()))
            })
            .await?;
        let mut known = self.known_figures();
        if known.len() >= MOST_KNOWN_FIGURES {
            known.clear();
        }
        known.insert(key, figures);
        Ok(figures)
    }

    /// What takes whole books of a period: on a thread that may be busy, and the projection is read for one of them at a time.
    async fn worked_out<R: Send + 'static>(
        &self,
        park: &str,
        as_of: AsOf,
        query: impl FnOnce(&View<'_>) -> Result<R, Status> + Send + 'static,
    ) -> Result<R, Status> {
        let (api, park) = (self.clone(), park.to_owned());
        tokio::task::spawn_blocking(move || on_park(&api, &park, as_of, |view, _, _| query(view)))
            .await
            .map_err(|error| Status::internal(format!("figures were not worked out: {error}")))?
    }

    fn known_figures(&self) -> MutexGuard<'_, KnownFigures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
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
        embodied_mg: figures.embodied_mg,
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
