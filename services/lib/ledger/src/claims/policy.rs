//! What a park decided about its accounts, as claims need it. Filled from recorded decisions.

use std::collections::BTreeMap;

use terrarium_model::UnixSeconds;

use crate::books::Scope;
use crate::claims::boundary::Boundary;
use crate::claims::life_cycle::LifeCyclePlan;
use crate::claims::stage::{Indicator, StageCriteria};
use crate::park_ledger::Period;

/// Where a reporting period stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeriodState {
    /// Figures move.
    Live,
    /// Best known; what changes from here on restates it.
    Closed,
    /// Checked by someone else.
    Verified,
    /// Changed after it was closed, and not verified since.
    Restated,
}

/// A reporting period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportingPeriod {
    /// Its stretch of time.
    pub period: Period,
    /// Where it stands.
    pub state: PeriodState,
    /// Who closed it; empty while it is open.
    pub closed_by: String,
    /// Who verified it as it stands; empty: nobody.
    pub verified_by: String,
}

/// The base year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseYear {
    /// The year.
    pub year: u32,
    /// A change of its total by this many thousandths makes it be recalculated.
    pub recalculation_permille: u32,
}

/// A target against the base year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Scopes it covers: 1, 2, 3.
    pub scopes: Vec<u32>,
    /// From.
    pub base_year: u32,
    /// To.
    pub target_year: u32,
    /// Reduction in thousandths.
    pub reduction_permille: u32,
    /// Standard or scheme; empty: none.
    pub standard: String,
}

impl Target {
    /// Whether it covers a scope.
    pub fn covers(&self, scope: Scope) -> bool {
        let number = match scope {
            Scope::One => 1,
            Scope::Two => 2,
            Scope::Three(_) => 3,
        };
        self.scopes.contains(&number)
    }
}

/// With the position of the event that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<T> {
    /// What was decided.
    pub what: T,
    /// Position of the event.
    pub position: u64,
}

/// All decisions of one park.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Boundaries by the time they hold from.
    pub boundaries: BTreeMap<UnixSeconds, Decided<Boundary>>,
    /// The base year.
    pub base_year: Option<Decided<BaseYear>>,
    /// Targets by id.
    pub targets: BTreeMap<String, Decided<Target>>,
    /// Cut-offs of the stages.
    pub stages: Option<Decided<StageCriteria>>,
    /// Reported indicators, by token: the newest of each.
    pub indicators: BTreeMap<String, Decided<Indicator>>,
    /// The plan of the park's life cycle.
    pub life_cycle: Option<Decided<LifeCyclePlan>>,
    /// Reporting periods by id.
    pub periods: BTreeMap<String, Decided<ReportingPeriod>>,
}

impl Policy {
    /// The boundary in force at a moment; the first one before that.
    pub fn boundary_at(&self, moment: UnixSeconds) -> Option<&Decided<Boundary>> {
        self.boundaries
            .range(..=moment)
            .next_back()
            .or_else(|| self.boundaries.iter().next())
            .map(|(_, decided)| decided)
    }

    /// The reporting period of exactly this stretch, or the one that holds it.
    pub fn period_of(&self, period: Period) -> Option<(&str, &ReportingPeriod)> {
        self.periods
            .iter()
            .filter(|(_, known)| {
                known.what.period.from <= period.from && period.to <= known.what.period.to
            })
            .min_by_key(|(_, known)| known.what.period.to.0 - known.what.period.from.0)
            .map(|(id, known)| (id.as_str(), &known.what))
    }
}
