//! Statements over gRPC.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrarium_journal::field_status;
use terrarium_ledger::claims::base_year::{calendar_year, counterpart};
use terrarium_ledger::claims::policy::Policy;
use terrarium_ledger::claims::portfolio::{self, Transfer, UnbalancedTransfer, roll_up};
use terrarium_ledger::claims::{ClaimKind, Question, Refusal, make};
use terrarium_ledger::{AsOf, Books, GwpSet, Period, View};
use terrarium_model::{AssetId, ParkDefinition, ParkId, TimeZone, UnixSeconds};
use terrarium_proto::ledger::v1 as wire;
use terrarium_proto::ledger::v1::report_service_server::{ReportService, ReportServiceServer};
use terrarium_runtime::actor;
use tonic::{Code, Request, Response, Status};

use super::{LedgerApi, MAY_READ, on_park, period_of};
use crate::statement_wire;

/// Years that a statement looks back at most.
const MOST_YEARS: i64 = 50;
/// Parks in one portfolio at most.
const MOST_PARKS: usize = 1_000;

impl LedgerApi {
    /// The statements, as tonic serves them.
    pub fn into_report_server(self) -> ReportServiceServer<LedgerApi> {
        ReportServiceServer::new(self)
    }

    fn books_of(&self, park: &str, as_of: AsOf, period: Period) -> Result<(Books, Policy), Status> {
        on_park(self, park, as_of, |view, _, _| {
            Ok((books(view, period)?, Policy::of(view)))
        })
    }
}

/// Everything that a claim of one park is made from.
struct Grounds {
    books: Books,
    policy: Policy,
    base_year: Option<Books>,
    years: Vec<Books>,
    state: String,
    definition: Arc<ParkDefinition>,
    position: u64,
}

#[tonic::async_trait]
impl ReportService for LedgerApi {
    async fn list_claims(
        &self,
        request: Request<wire::ListClaimsRequest>,
    ) -> Result<Response<wire::ListClaimsResponse>, Status> {
        actor(&request)?.require_role(MAY_READ)?;
        let claims = ClaimKind::ALL
            .into_iter()
            .map(|kind| wire::ClaimName {
                claim: kind.token().to_owned(),
                promise: kind.is_a_promise(),
            })
            .collect();
        Ok(Response::new(wire::ListClaimsResponse { claims }))
    }

    async fn report(
        &self,
        request: Request<wire::ReportRequest>,
    ) -> Result<Response<wire::ReportResponse>, Status> {
        let caller = actor(&request)?;
        caller.require(MAY_READ, &request.get_ref().park)?;
        if !request.get_ref().beside.is_empty() {
            caller.require(MAY_READ, &request.get_ref().beside)?;
        }
        self.level().await?;
        let request = request.into_inner();
        let kind = kind_of(&request.claim)?;
        let gwp = gwp_of(&request.gwp)?;
        let as_of = self.as_of(&request.park, request.as_of.as_ref()).await?;
        let grounds = on_park(self, &request.park, as_of, |view, definition, position| {
            grounds(view, definition, position, &request)
        })?;
        let beside = match request.beside.as_str() {
            "" => None,
            park => {
                let period = on_park(self, park, as_of, |view, _, _| {
                    Ok(view.metered_period().unwrap_or(grounds.books.period))
                })?;
                Some(self.books_of(park, as_of, period)?.0)
            }
        };
        let question = Question {
            books: &grounds.books,
            policy: &grounds.policy,
            base_year: grounds.base_year.as_ref(),
            years: &grounds.years,
            beside: beside.as_ref(),
            gwp,
            provisional: request.provisional,
            now: grounds.books.period.to,
            zone: &grounds.definition.time_zone,
        };
        let made = make(kind, &question).map_err(|refusal| refused(&refusal))?;
        let mut statement = statement_wire::statement(&made, &grounds.definition);
        statement.period_state = grounds.state.clone();
        statement.as_of = request.as_of;
        if !kind.is_a_promise() && grounds.years.len() > 1 {
            statement.years = year_figures(kind, &question, &grounds.definition.time_zone)?;
        }
        Ok(Response::new(wire::ReportResponse {
            statement: Some(statement),
            position: grounds.position,
        }))
    }

    async fn portfolio(
        &self,
        request: Request<wire::PortfolioRequest>,
    ) -> Result<Response<wire::PortfolioResponse>, Status> {
        let caller = actor(&request)?;
        for park in &request.get_ref().parks {
            caller.require(MAY_READ, park)?;
        }
        self.level().await?;
        let request = request.into_inner();
        let gwp = gwp_of(&request.gwp)?;
        if request.parks.len() < 2 || request.parks.len() > MOST_PARKS {
            return Err(field_status(
                Code::InvalidArgument,
                "parks",
                format!(
                    "there are {}; name 2 to {MOST_PARKS} parks",
                    request.parks.len()
                ),
            ));
        }
        let named: BTreeSet<&String> = request.parks.iter().collect();
        if named.len() < request.parks.len() {
            return Err(field_status(
                Code::InvalidArgument,
                "parks",
                "a park is named twice; name each once, or it counts twice",
            ));
        }
        let transfers = transfers_of(&request.transfers)?;
        let mut all = Vec::new();
        let mut position = 0;
        for park in &request.parks {
            let as_of = self.as_of(park, request.as_of.as_ref()).await?;
            let of_park = on_park(self, park, as_of, |view, definition, at| {
                position = at;
                let period = period_of(view, definition, request.period.as_ref())?;
                let definition = Arc::clone(definition);
                Ok((books(view, period)?, Policy::of(view), definition))
            })?;
            all.push(of_park);
        }
        let questions: Vec<Question<'_>> = all
            .iter()
            .map(|(books, policy, definition)| Question {
                books,
                policy,
                base_year: None,
                years: &[],
                beside: None,
                gwp,
                provisional: request.provisional,
                now: books.period.to,
                zone: &definition.time_zone,
            })
            .collect();
        let refused = |error: UnbalancedTransfer| {
            let (code, field) = match &error {
                UnbalancedTransfer::Refused { refusal, .. } => {
                    (Code::FailedPrecondition, field_of(refusal))
                }
                UnbalancedTransfer::OtherPeriod { .. } => (Code::InvalidArgument, "period"),
                _ => (Code::InvalidArgument, "transfers"),
            };
            field_status(code, field, error.to_string())
        };
        let whole = roll_up(&questions, &transfers).map_err(refused)?;
        let (sum_mg, twice_mg, total_mg) = (whole.sum_mg, whole.twice_mg, whole.total_mg());
        let made = portfolio::statement(whole, &questions, &transfers).map_err(refused)?;
        let mut statement = statement_wire::statement(&made, &all[0].2);
        let join = |name: fn(&ParkDefinition) -> &str| {
            let names: Vec<&str> = all.iter().map(|(_, _, park)| name(park)).collect();
            names.join(" + ")
        };
        statement.park = join(|park| park.id.as_str());
        statement.park_name = Some(wire::Words {
            en: join(|park| &park.name.en),
            zh: join(|park| &park.name.zh),
        });
        statement.as_of = request.as_of;
        Ok(Response::new(wire::PortfolioResponse {
            sum_mg,
            twice_mg,
            total_mg,
            lines: made.lines.iter().map(statement_wire::bare_line).collect(),
            position,
            statement: Some(statement),
        }))
    }
}

fn kind_of(claim: &str) -> Result<ClaimKind, Status> {
    ClaimKind::parse(claim).ok_or_else(|| {
        let known: Vec<&str> = ClaimKind::ALL.iter().map(|kind| kind.token()).collect();
        field_status(
            Code::InvalidArgument,
            "claim",
            format!(
                "\"{claim}\" is no claim; ask for one of {}",
                known.join(", ")
            ),
        )
    })
}

fn gwp_of(token: &str) -> Result<GwpSet, Status> {
    if token.is_empty() {
        return Ok(GwpSet::Ar6);
    }
    GwpSet::parse(token).ok_or_else(|| {
        let known: Vec<&str> = GwpSet::ALL.iter().map(|set| set.token()).collect();
        field_status(
            Code::InvalidArgument,
            "gwp",
            format!(
                "\"{token}\" is no set of warming potentials; send one of {}",
                known.join(", ")
            ),
        )
    })
}

fn books(view: &View<'_>, period: Period) -> Result<Books, Status> {
    view.books(period)
        .ok_or_else(|| Status::failed_precondition("no park definition is in force"))
}

fn grounds(
    view: &View<'_>,
    definition: &Arc<ParkDefinition>,
    position: u64,
    request: &wire::ReportRequest,
) -> Result<Grounds, Status> {
    let policy = Policy::of(view);
    let period = if request.period_name.is_empty() {
        period_of(view, definition, request.period.as_ref())?
    } else {
        let known = policy.periods.get(&request.period_name).ok_or_else(|| {
            let names: Vec<&str> = policy.periods.keys().map(String::as_str).collect();
            let known = match names.as_slice() {
                [] => "it has none yet; open one".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            field_status(
                Code::NotFound,
                "period_name",
                format!(
                    "park {} has no reporting period \"{}\": {known}",
                    definition.id, request.period_name
                ),
            )
        })?;
        known.what.period
    };
    let zone = &definition.time_zone;
    let like = policy
        .base_year
        .as_ref()
        .and_then(|base| counterpart(period, base.what.year, zone));
    let base_year = like.map(|like| books(view, like.period)).transpose()?;
    let first = view
        .metered_period()
        .map_or(period.from, |metered| metered.from);
    let mut years = Vec::new();
    let last = zone.year(UnixSeconds(period.to.0 - 1));
    for number in zone.year(first).max(last - MOST_YEARS)..=last {
        let whole = calendar_year(number, zone);
        if let Some(whole) = whole.filter(|whole| first <= whole.from && whole.to <= period.to) {
            years.push(books(view, whole)?);
        }
    }
    let state = policy
        .period_of(period)
        .map_or_else(String::new, |(_, known)| known.state.token().to_owned());
    Ok(Grounds {
        books: books(view, period)?,
        base_year,
        years,
        state,
        policy,
        definition: Arc::clone(definition),
        position,
    })
}

/// Figures of whole years one by one.
fn year_figures(
    kind: ClaimKind,
    question: &Question<'_>,
    zone: &TimeZone,
) -> Result<Vec<wire::YearFigures>, Status> {
    let within = |books: &&Books| {
        question.books.period.from <= books.period.from
            && books.period.to <= question.books.period.to
    };
    question
        .years
        .iter()
        .filter(within)
        .map(|books| {
            let of_year = Question {
                books,
                years: &[],
                provisional: true,
                ..*question
            };
            let statement = make(kind, &of_year).map_err(|refusal| refused(&refusal))?;
            let figures = statement
                .lines
                .iter()
                .filter_map(|line| {
                    Some(wire::NamedFigure {
                        id: line.id.clone(),
                        value: line.value?,
                        unit: line.unit.token().to_owned(),
                    })
                })
                .collect();
            Ok(wire::YearFigures {
                year: zone.year(books.period.from).to_string(),
                figures,
            })
        })
        .collect()
}

fn refused(refusal: &Refusal) -> Status {
    field_status(
        Code::FailedPrecondition,
        field_of(refusal),
        refusal.to_string(),
    )
}

/// Of the request: what has to be changed in it.
fn field_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoPotential(_) => "gwp",
        Refusal::OpenPeriod { .. } | Refusal::NoPeriod { .. } | Refusal::Unlike { .. } => "period",
        Refusal::Unpriced { .. } | Refusal::OtherBaseYear { .. } | Refusal::Undecided { .. } => {
            "claim"
        }
    }
}

fn transfers_of(sent: &[wire::PortfolioTransfer]) -> Result<BTreeSet<Transfer>, Status> {
    let refused = |number: usize, error: String| {
        field_status(
            Code::InvalidArgument,
            "transfers",
            format!("transfer {number}: {error}"),
        )
    };
    sent.iter()
        .enumerate()
        .map(|(number, transfer)| {
            let park =
                |id: &str| ParkId::new(id).map_err(|error| refused(number, error.to_string()));
            Ok(Transfer {
                from: park(&transfer.from)?,
                to: park(&transfer.to)?,
                asset: AssetId::new(&transfer.asset)
                    .map_err(|error| refused(number, error.to_string()))?,
                activity: transfer.activity.clone(),
            })
        })
        .collect()
}
