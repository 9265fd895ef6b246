//! Claims: pure functions over the books of a park. Each lists what it nets and says in words what it comes to.
//!
//! ```text
//! Books + Policy --(Question)--> make(claim) --> Statement { lines, netting list, verdict, charts }
//! ```
//!
//! - [`statement`]: what a claim says
//! - [`policy`], [`boundary`]: what the park decided; who controls, accounts
//! - [`ground`]: postings within the boundary, weighed, summed, with their interval ([`interval`])
//! - [`inventory`] (GHG Protocol), [`iso14064`], [`cn_guideline`] (GB/T 32150), [`zero_carbon_park`] (notice of 2025)
//! - [`neutrality`] (ISO 14068-1), [`leed_zero`], [`sbti`], [`cfe_hourly`], [`stage`]
//! - [`life_cycle`]: a park's whole life, as its founders tell it and as others would
//! - [`forecast`]: when the balance is expected to reach zero
//! - [`portfolio`]: several parks as one

pub mod boundary;
pub mod cfe_hourly;
pub mod cn_guideline;
pub mod forecast;
pub mod ground;
pub mod interval;
pub mod inventory;
pub mod iso14064;
pub mod leed_zero;
pub mod life_cycle;
pub mod neutrality;
pub mod policy;
pub mod portfolio;
pub mod sbti;
pub mod stage;
pub mod statement;
pub mod zero_carbon_park;

use terrarium_model::UnixSeconds;

use crate::books::Books;
use crate::claims::policy::{PeriodState, Policy};
use crate::gas::{GwpSet, NoPotential};

pub use statement::{Line, Statement, Verdict, VerdictKind, Words};

/// Which of the two totals of scope 2 an inventory adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope2Total {
    /// Average of the grid.
    Location,
    /// By contract.
    Market,
}

/// The claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// GHG Protocol Corporate Standard.
    GhgpInventory(Scope2Total),
    /// ISO 14064-1:2018.
    Iso14064,
    /// GB/T 32150-2015 and the industry guidelines.
    CnGuideline,
    /// Notice 910 of 2025 of NDRC, MIIT and NEA.
    NdrcZeroCarbonPark,
    /// ISO 14068-1:2023.
    Iso14068Neutrality,
    /// LEED Zero Carbon.
    LeedZero,
    /// Science Based Targets initiative.
    Sbti,
    /// The park's whole life.
    LifeCycleNeutrality,
    /// Matched hour by hour.
    CfeHourly,
    /// Low-carbon, near-zero, zero.
    Stage,
}

impl ClaimKind {
    /// All claims.
    pub const ALL: [ClaimKind; 11] = [
        ClaimKind::GhgpInventory(Scope2Total::Location),
        ClaimKind::GhgpInventory(Scope2Total::Market),
        ClaimKind::Iso14064,
        ClaimKind::CnGuideline,
        ClaimKind::NdrcZeroCarbonPark,
        ClaimKind::Iso14068Neutrality,
        ClaimKind::LeedZero,
        ClaimKind::Sbti,
        ClaimKind::LifeCycleNeutrality,
        ClaimKind::CfeHourly,
        ClaimKind::Stage,
    ];

    /// As in requests.
    pub fn token(self) -> &'static str {
        match self {
            ClaimKind::GhgpInventory(Scope2Total::Location) => "ghgp_inventory_location",
            ClaimKind::GhgpInventory(Scope2Total::Market) => "ghgp_inventory_market",
            ClaimKind::Iso14064 => "iso14064",
            ClaimKind::CnGuideline => "cn_guideline",
            ClaimKind::NdrcZeroCarbonPark => "ndrc_zero_carbon_park",
            ClaimKind::Iso14068Neutrality => "iso14068_neutrality",
            ClaimKind::LeedZero => "leed_zero",
            ClaimKind::Sbti => "sbti",
            ClaimKind::LifeCycleNeutrality => "lifecycle_neutrality",
            ClaimKind::CfeHourly => "cfe_hourly",
            ClaimKind::Stage => "stage",
        }
    }

    /// From its token.
    pub fn parse(token: &str) -> Option<ClaimKind> {
        ClaimKind::ALL
            .into_iter()
            .find(|claim| claim.token() == token)
    }

    /// Whether it says more than figures: such a claim is never made over a period that is open.
    pub fn is_a_promise(self) -> bool {
        !matches!(
            self,
            ClaimKind::GhgpInventory(_)
                | ClaimKind::Iso14064
                | ClaimKind::CnGuideline
                | ClaimKind::CfeHourly
        )
    }
}

/// Everything a claim is made from.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The books of the period.
    pub books: &'a Books,
    /// What the park decided.
    pub policy: &'a Policy,
    /// Books of the base year, as known at the same moment.
    pub base_year: Option<&'a Books>,
    /// Books of whole years before and with the period, in order: for courses and forecasts.
    pub years: &'a [Books],
    /// Books of another park beside this one, such as its simulation.
    pub beside: Option<&'a Books>,
    /// Warming potentials.
    pub gwp: GwpSet,
    /// Say it although the period is open: figures, marked as provisional.
    pub provisional: bool,
    /// The park's time.
    pub now: UnixSeconds,
}

/// A claim can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A gas without a potential.
    #[error(transparent)]
    NoPotential(#[from] NoPotential),
    /// The period is open.
    #[error(
        "period {period} is open and its figures still move: no claim \"{claim}\" is made over it; close the period first, or ask for \
         a provisional statement"
    )]
    OpenPeriod {
        /// The claim.
        claim: &'static str,
        /// Name of the period.
        period: String,
    },
    /// No reporting period holds it.
    #[error(
        "no reporting period of the park holds this stretch of time, so nothing says that its figures stand: no claim \"{claim}\" is \
         made over it; open a period and close it, or ask for a provisional statement"
    )]
    NoPeriod {
        /// The claim.
        claim: &'static str,
    },
    /// Something has to be decided first.
    #[error("{what}; {remedy}")]
    Undecided {
        /// What is missing.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
}

/// Makes a claim.
pub fn make(kind: ClaimKind, question: &Question<'_>) -> Result<Statement, Refusal> {
    let named = question.policy.period_of(question.books.period);
    let is_open = named.is_none_or(|(_, period)| period.state == PeriodState::Live);
    if is_open && !question.provisional {
        let claim = kind.token();
        return Err(match named {
            Some((period, _)) => Refusal::OpenPeriod {
                claim,
                period: period.to_owned(),
            },
            None => Refusal::NoPeriod { claim },
        });
    }
    let mut statement = match kind {
        ClaimKind::GhgpInventory(total) => inventory::ghgp(question, total)?,
        ClaimKind::Iso14064 => iso14064::inventory(question)?,
        ClaimKind::CnGuideline => cn_guideline::emissions(question)?,
        ClaimKind::NdrcZeroCarbonPark => zero_carbon_park::indicators(question)?,
        ClaimKind::Iso14068Neutrality => neutrality::claim(question)?,
        ClaimKind::LeedZero => leed_zero::balance(question)?,
        ClaimKind::Sbti => sbti::progress(question)?,
        ClaimKind::LifeCycleNeutrality => life_cycle::claim(question)?,
        ClaimKind::CfeHourly => cfe_hourly::matching(question)?,
        ClaimKind::Stage => stage::claim(question)?,
    };
    statement.period_name = named.map(|(name, _)| name.to_owned());
    statement.provisional = is_open;
    if is_open {
        statement.notes.insert(
            0,
            Words::new(
                "Provisional: the period is open, the figures move with every report and every new factor.",
                "暂定数据：报告期尚未关闭，数字会随新数据和新因子变化。",
            ),
        );
    }
    if let Some(note) = without_factor(question.books) {
        statement.notes.insert(0, note);
    }
    if let Some(note) = missing_hours(question.books) {
        statement.notes.push(note);
    }
    Ok(statement)
}

/// Says so when something could not be priced: it counts as nothing, which it is not.
fn without_factor(books: &Books) -> Option<Words> {
    let (hours, activities) = books.without_factor;
    (hours + activities > 0).then(|| {
        Words::new(
            format!(
                "Not everything is in these figures: no known factor prices {hours} metered hours with energy across the grid and \
                 {activities} activities, and they count as nothing. Publish their factors, and ask again."
            ),
            format!(
                "数字不完整：有 {hours} 个存在电网交换的计量小时和 {activities} 项活动没有可用因子，按零计入。请发布相应因子后重新查询。"
            ),
        )
    })
}

/// Says so when hours are missing: they count in no total.
fn missing_hours(books: &Books) -> Option<Words> {
    let (expected, complete) = books.node_hours;
    let missing = expected.saturating_sub(complete);
    (missing > 0).then(|| {
        Words::new(
            format!(
                "{missing} of {expected} metered hours are missing and count in no total; nothing was filled in for them."
            ),
            format!("{expected} 个应计量小时中有 {missing} 个缺失，未计入任何合计，也未作补值。"),
        )
    })
}

/// Text of a share for people.
pub(crate) fn per_cent(ppm: i64) -> String {
    statement::spoken(ppm, statement::Unit::Ppm)
}
