//! Claims: pure functions over the books of a park. Each lists what it nets and says in words what it comes to.
//!
//! ```text
//! Books + Policy --(Question)--> make(claim) --> Statement { lines, netting list, verdict, charts }
//! ```
//!
//! - [`statement`]: what a claim says
//! - [`policy`], [`boundary`]: what the park decided; who controls, accounts
//! - [`ground`]: postings within the boundary, weighed, summed, with their interval
//! - [`inventory`] (GHG Protocol), [`iso14064`], [`cn_guideline`] (GB/T 32150), [`zero_carbon_park`] (notice of 2025)
//! - [`neutrality`] (ISO 14068-1), [`leed_zero`], [`sbti`], [`cfe_hourly`], [`stage`]
//! - [`life_cycle`]: a park's whole life, as its founders tell it and as others would
//! - [`base_year`]: which part of the base year a period is compared with
//! - [`forecast`]: when the balance is expected to reach zero
//! - [`portfolio`]: several parks as one

pub mod base_year;
pub mod boundary;
pub mod cfe_hourly;
pub mod cn_guideline;
pub mod forecast;
pub mod ground;
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

use terrarium_model::{TimeZone, UnixSeconds, format_rfc3339_utc};

use crate::books::{Books, WithoutFactor};
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

    /// Whether it says more than figures: that something is reached or holds. Such a claim is not made while what it rests on has
    /// no price in carbon ([`Refusal::Unpriced`]). An open period refuses every claim, this or not.
    pub fn is_a_promise(self) -> bool {
        !matches!(
            self,
            ClaimKind::GhgpInventory(_)
                | ClaimKind::Iso14064
                | ClaimKind::CnGuideline
                | ClaimKind::CfeHourly
        )
    }

    /// Whether it promises something that rests on priced activities. The life cycle does not: it is told from embodied carbon,
    /// removals and energy, at the factors of its plan.
    pub fn promises_on_factors(self) -> bool {
        self.is_a_promise() && self != ClaimKind::LifeCycleNeutrality
    }

    /// Whether it compares with the base year.
    fn compares(self) -> bool {
        matches!(
            self,
            ClaimKind::Iso14068Neutrality | ClaimKind::Sbti | ClaimKind::Stage
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
    /// Books of what of the base year is like the period ([`base_year::counterpart`]), as known at the same moment.
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
    /// The park's zone: whose years and months are meant.
    pub zone: &'a TimeZone,
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
    /// Something has no price in carbon.
    #[error(
        "the claim \"{claim}\" promises something, and not everything it rests on has a price in carbon: {what}; publish the missing \
         factors and ask again, or ask for a provisional statement, which promises nothing"
    )]
    Unpriced {
        /// The claim.
        claim: &'static str,
        /// What has none.
        what: String,
    },
    /// Nothing of the base year is like the period.
    #[error(
        "the period from {from} to {to} is neither twelve months nor a part of one calendar year: nothing of base year {base_year} is \
         like it; ask year by year"
    )]
    Unlike {
        /// From.
        from: String,
        /// To.
        to: String,
        /// The base year.
        base_year: u32,
    },
    /// A target is measured against a year that is not the base year any more.
    #[error(
        "a target is measured against {target}, and the park's base year is {base_year} now; set the target again, so that both are \
         of one year"
    )]
    OtherBaseYear {
        /// The target's base year.
        target: u32,
        /// The park's.
        base_year: u32,
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
    let is_open = is_open(kind.token(), question)?;
    if !question.provisional
        && let Some(what) = unpriced(kind, question)
    {
        let claim = kind.token();
        return Err(Refusal::Unpriced { claim, what });
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
    if unpriced(kind, question).is_some() {
        promise_nothing(&mut statement);
    }
    if statement.verdict.kind == VerdictKind::Stated && !question.books.without_factor.is_empty() {
        say_what_is_left_out(kind, &mut statement.verdict.words);
    }
    if is_open {
        statement.notes.insert(0, provisional());
    }
    if let Some(note) = without_factor(question.books) {
        statement.notes.insert(0, note);
    }
    if let Some(note) = missing_hours(question.books) {
        statement.notes.push(note);
    }
    if kind.compares() {
        statement.notes.extend(base_year::missing_hours(question));
    }
    if statement.lines.iter().any(|line| line.half95.is_some()) {
        statement.notes.push(how_intervals_are_made());
    }
    Ok(statement)
}

/// Whether the period of the question is open; refused unless a provisional statement is asked for.
fn is_open(claim: &'static str, question: &Question<'_>) -> Result<bool, Refusal> {
    match question.policy.period_of(question.books.period) {
        Some((_, period)) if period.state != PeriodState::Live => Ok(false),
        _ if question.provisional => Ok(true),
        Some((period, _)) => Err(Refusal::OpenPeriod {
            claim,
            period: period.to_owned(),
        }),
        None => Err(Refusal::NoPeriod { claim }),
    }
}

/// Says that figures still move.
fn provisional() -> Words {
    Words::new(
        "Provisional: the period is open, the figures move with every report and every new factor.",
        "暂定数据：报告期尚未关闭，数字会随新数据和新因子变化。",
    )
}

/// What a promise rests on and has no price, in words; `None`: all has, or it promises nothing that needs one.
fn unpriced(kind: ClaimKind, question: &Question<'_>) -> Option<String> {
    if !kind.promises_on_factors() {
        return None;
    }
    let base = question.base_year.filter(|_| kind.compares());
    let of_period = named(&question.books.without_factor);
    let of_base = base.and_then(|books| named(&books.without_factor));
    let of_base = of_base.map(|what| format!("in the base year: {what}"));
    let parts: Vec<String> = of_period.into_iter().chain(of_base).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What has no price, by name: hours by their region, the first activities one by one.
fn named(without: &WithoutFactor) -> Option<String> {
    const NAMED: usize = 3;
    let hours = without.first_hour.map(|first| {
        format!(
            "{} metered hours from {} on with energy across the grid have no grid_average factor of region {}",
            without.hours,
            format_rfc3339_utc(first),
            without.region
        )
    });
    let activities = without.activities.iter().take(NAMED).map(|unpriced| {
        format!(
            "{} of {} from {}: {}",
            unpriced.activity,
            unpriced.asset,
            format_rfc3339_utc(unpriced.interval.0),
            unpriced.problem
        )
    });
    let mut parts: Vec<String> = hours.into_iter().chain(activities).collect();
    let more = without.activities.len().saturating_sub(NAMED);
    if more > 0 {
        parts.push(format!("and {more} more activities"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// A provisional statement shows figures; where something has no price it holds nothing to be so.
fn promise_nothing(statement: &mut Statement) {
    if !matches!(
        statement.verdict.kind,
        VerdictKind::Holds | VerdictKind::HoldsStraddling | VerdictKind::ByCredits
    ) {
        return;
    }
    statement.verdict = Verdict::new(
        VerdictKind::Unknown,
        "Nothing is claimed: not everything has a price in carbon. The figures stand for information.",
        "不作任何声明：部分活动没有可用因子。数字仅供参考。",
    );
}

/// A total that lacks what has no price does not stand as if it were all.
fn say_what_is_left_out(kind: ClaimKind, verdict: &mut Words) {
    if matches!(kind, ClaimKind::GhgpInventory(_) | ClaimKind::Iso14064) {
        verdict.en = format!("Incomplete, not everything has a factor: {}", verdict.en);
        verdict.zh = format!("不完整，部分活动没有可用因子：{}", verdict.zh);
    }
}

/// The method behind every "±".
fn how_intervals_are_made() -> Words {
    Words::new(
        "± is half of a 95 % interval: normal errors, products and shared errors of meters and factors worked out exactly (IPCC 2006, \
         volume 1, chapter 3).",
        "± 为 95% 区间的一半：误差按正态分布，乘积以及仪表与因子的共有误差均精确传播（IPCC 2006 第一卷第 3 章）。",
    )
}

/// Says so when something could not be priced: it counts as nothing, which it is not.
fn without_factor(books: &Books) -> Option<Words> {
    let without = &books.without_factor;
    let (hours, activities) = (without.hours, without.activities.len());
    (!without.is_empty()).then(|| {
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
