//! What a park decided about its accounts, as claims need it. Filled from recorded decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::UnixSeconds;

pub use crate::accounts::periods::PeriodState;
use crate::books::Scope;
use crate::claims::boundary::{Boundary, ParkRole, Party};
use crate::claims::life_cycle::LifeCyclePlan;
use crate::claims::stage::{Indicator, StageCriteria};
use crate::energy::meter_book::Sight;
use crate::fact::Origin;
use crate::hash::Hasher;
use crate::park_ledger::Period;
use crate::view::View;

/// A reporting period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportingPeriod {
    /// Its stretch of time.
    pub period: Period,
    /// Where it stands.
    pub state: PeriodState,
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

/// Something that a park decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// What belongs to the inventory; kind of park, owner and parties are decided apart.
    Boundary {
        /// It holds from here.
        valid_from: UnixSeconds,
        /// Without kind, owner and parties.
        boundary: Boundary,
    },
    /// Kind of park and who owns it.
    Profile {
        /// Kind of park.
        role: ParkRole,
        /// Share of the owner, millionths.
        equity_ppm: u32,
        /// Whether it is a development zone.
        development_zone: bool,
    },
    /// What somebody in the park is to it.
    Party(String, Party),
    /// A target, by its id.
    Target(String, Target),
    /// What the stages ask for.
    Stages(StageCriteria),
    /// A reported indicator, by its token.
    Indicator(String, Indicator),
    /// The plan of the park's life.
    LifeCycle(LifeCyclePlan),
}

impl Decision {
    /// Whether inventories may have another boundary after it.
    pub fn moves_the_boundary(&self) -> bool {
        matches!(
            self,
            Decision::Boundary { .. } | Decision::Profile { .. } | Decision::Party(..)
        )
    }
}

/// All decisions of a park, in the order of the record.
#[derive(Default)]
pub struct DecisionBook {
    decisions: Vec<(Arc<Decision>, UnixSeconds, Origin)>,
}

impl DecisionBook {
    pub(crate) fn decided(&mut self, decision: &Arc<Decision>, at: UnixSeconds, origin: Origin) {
        self.decisions.push((Arc::clone(decision), at, origin));
    }

    fn seen(&self, sight: Sight) -> impl Iterator<Item = (&Decision, UnixSeconds, u64)> {
        self.decisions
            .iter()
            .filter(move |(_, at, origin)| origin.position <= sight.known_at && *at < sight.before)
            .map(|(decision, at, origin)| (&**decision, *at, origin.position))
    }

    pub(crate) fn hash(&self, content: &mut Hasher, state: &mut Hasher) {
        for (_, at, origin) in &self.decisions {
            content
                .text("decision")
                .bytes(origin.event.as_bytes())
                .number(at.0);
            state.number(origin.position as i64);
        }
    }
}

impl Policy {
    /// What a park had decided, as seen.
    pub fn of(view: &View<'_>) -> Policy {
        let sight = view.sight();
        let ledger = view.ledger();
        let mut policy = Policy::default();
        for (decision, at, position) in ledger.decisions.seen(sight) {
            policy.take_in(decision, at, position);
        }
        let mut parts = Parts::seen(&ledger.decisions, sight);
        if parts.profile.is_none() {
            parts.landlord_at = landlord_at(view);
        }
        for decided in policy.boundaries.values_mut() {
            parts.complete(&mut decided.what);
        }
        if policy.boundaries.is_empty()
            && let Some(position) = parts.position.or(parts.landlord_at)
        {
            let mut what = Boundary::default();
            parts.complete(&mut what);
            policy
                .boundaries
                .insert(UnixSeconds(0), Decided { what, position });
        }
        policy.base_year = ledger.policy().base_year(sight).map(|base| Decided {
            what: BaseYear {
                year: base.year,
                recalculation_permille: base.recalculation_permille,
            },
            position: base.position,
        });
        for period in ledger.periods().all(sight) {
            let position = period.events.last().map_or(0, |event| event.position);
            let what = ReportingPeriod {
                period: period.period,
                state: period.state,
            };
            policy
                .periods
                .insert(period.id.to_string(), Decided { what, position });
        }
        policy
    }

    fn take_in(&mut self, decision: &Decision, at: UnixSeconds, position: u64) {
        match decision {
            Decision::Boundary {
                valid_from,
                boundary,
            } => {
                let what = boundary.clone();
                self.boundaries
                    .insert(*valid_from, Decided { what, position });
            }
            Decision::Target(id, target) => {
                let what = target.clone();
                self.targets.insert(id.clone(), Decided { what, position });
            }
            Decision::Stages(criteria) => {
                let what = criteria.clone();
                self.stages = Some(Decided { what, position });
            }
            Decision::Indicator(token, indicator) => {
                let is_newer = self
                    .indicators
                    .get(token)
                    .is_none_or(|known| known.what.at <= at);
                if is_newer {
                    let what = indicator.clone();
                    self.indicators
                        .insert(token.clone(), Decided { what, position });
                }
            }
            Decision::LifeCycle(plan) => {
                let what = plan.clone();
                self.life_cycle = Some(Decided { what, position });
            }
            Decision::Profile { .. } | Decision::Party(..) => {}
        }
    }
}

/// Kind, owner and parties: they complete every boundary.
#[derive(Default)]
struct Parts {
    profile: Option<(ParkRole, u32, bool)>,
    parties: BTreeMap<String, Party>,
    position: Option<u64>,
    /// Where the accounting profile says that space is let, if nothing else is said.
    landlord_at: Option<u64>,
}

/// Position of the accounting profile, if it says that the park lets space.
fn landlord_at(view: &View<'_>) -> Option<u64> {
    let newest = view.ledger().activities().newest_profile(view.as_of())?;
    newest.1.is_landlord.then_some(newest.0.position)
}

impl Parts {
    fn seen(book: &DecisionBook, sight: Sight) -> Parts {
        let mut parts = Parts::default();
        for (decision, _, position) in book.seen(sight) {
            match decision {
                Decision::Profile {
                    role,
                    equity_ppm,
                    development_zone,
                } => parts.profile = Some((*role, *equity_ppm, *development_zone)),
                Decision::Party(id, party) => {
                    parts.parties.insert(id.clone(), party.clone());
                }
                _ => continue,
            }
            parts.position = Some(position);
        }
        parts
    }

    fn complete(&self, boundary: &mut Boundary) {
        if let Some((role, equity_ppm, development_zone)) = self.profile {
            boundary.role = role;
            boundary.equity_ppm = equity_ppm;
            boundary.development_zone = development_zone;
        }
        if self.landlord_at.is_some() {
            boundary.role = ParkRole::Landlord;
        }
        boundary.parties.clone_from(&self.parties);
    }
}
