//! What a claim reads: the books of a park over a period, as known at a moment.
//!
//! ```text
//! facts --> ParkLedger --(period, AsOf)--> Books { postings, energy, instruments } --> claims, statements
//! ```
//!
//! A [`Posting`] is a line of a carbon book. The ledger makes one per asset, activity, method and interval; summed up over a
//! month or year it is a posting again, so that claims work the same on either.

use std::collections::BTreeMap;

use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds};

use crate::carbon::worked::Unpriced;
use crate::entry::{EnergyAccount, amount};
use crate::gas::GasMasses;
use crate::hash::Hasher;
use crate::node_hour::HourAmounts;
use crate::park_ledger::Period;

/// The park itself, as [`Posting::party`].
pub const PARK: &str = "park";

/// The two times of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsOf {
    /// Only what happened before this moment; `None`: everything.
    pub at: Option<UnixSeconds>,
    /// Only what was recorded up to and with this position of the record; `None`: everything. Times are turned into positions
    /// by the projector, which knows when each was recorded.
    pub known_at: Option<u64>,
}

impl AsOf {
    /// Whether what stands at a position of the record was known.
    pub fn knows(self, position: u64) -> bool {
        self.known_at.is_none_or(|known_at| position <= known_at)
    }

    /// The end of what had happened, if it is before `to`.
    pub fn clip(self, to: UnixSeconds) -> UnixSeconds {
        self.at.map_or(to, |at| at.min(to))
    }
}

/// The six books in carbon; the seventh is in natural units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CarbonBook {
    /// What is emitted, never below zero.
    Emission,
    /// What is taken up, gross, by pool; a reversal is a posting of its own.
    Removal,
    /// CO2 of living origin: a memo, in no total.
    Biogenic,
    /// Against a stated baseline; never touches emissions.
    Avoided,
    /// Certificates, credits, allowances.
    Instrument,
    /// By asset and module of EN 15978.
    Embodied,
}

/// Scope of the GHG Protocol Corporate Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Direct.
    One,
    /// Purchased electricity, heat, cooling.
    Two,
    /// Everything else in the value chain: category 1 to 15.
    Three(u8),
}

/// Which of the two totals of scope 2 a posting belongs to (GHG Protocol Scope 2 Guidance).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// In both: the question does not arise.
    Both,
    /// Average of the grid.
    Location,
    /// By contract: certificates, supplier, residual mix.
    Market,
}

/// A method of working out a posting; another result of the same activity is another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MethodId {
    /// Such as "scope2-location".
    pub token: &'static str,
    /// From 1.
    pub version: u32,
}

/// How sure the source of a factor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorMark {
    /// Checked against the primary document.
    Verified,
    /// Read in a secondary source.
    Secondary,
    /// A default of the project; blocks a period from being verified.
    Default,
}

/// A factor behind a posting. Postings with the same `key` share its error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactorUse {
    /// "set/version/row".
    pub key: String,
    /// How sure its source is.
    pub mark: FactorMark,
    /// Half of the 95 % interval, in millionths of the factor.
    pub u95_ppm: u32,
}

/// Where removed carbon is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// Stems, branches, leaves.
    AboveGround,
    /// Roots.
    BelowGround,
    /// Above and below ground together, where the source does not tell them apart.
    LivingBiomass,
    /// Soil organic carbon.
    Soil,
    /// Products such as timber.
    Product,
}

/// Module of the life cycle of a building (EN 15978); use of energy and water (B6, B7) is no embodied carbon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum LifeCycleModule {
    A1A3,
    A4,
    A5,
    B1,
    B2,
    B3,
    B4,
    B5,
    C1,
    C2,
    C3,
    C4,
    D,
}

/// What only some books say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing more.
    None,
    /// Removal book: the pool, and whether it is a reversal (then the masses left it again).
    Removal {
        /// Where the carbon is.
        pool: Pool,
        /// Whether it went back.
        reversal: bool,
    },
    /// Avoided book: what it is measured against.
    Avoided {
        /// Id of the baseline, such as "grid-average".
        baseline: String,
    },
    /// Embodied book.
    Embodied {
        /// Module of EN 15978.
        module: LifeCycleModule,
        /// Material or work within the asset.
        item: String,
    },
}

/// A line of a carbon book: one activity of one asset in one interval, or the sum of several such.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    /// The book.
    pub book: CarbonBook,
    /// Where it happened.
    pub asset: AssetId,
    /// Who answers for it: "park", or the opaque id of a tenant or partner.
    pub party: String,
    /// Scope and category, as the party sees it; what it is to the park says the boundary of a claim. `None` outside of
    /// inventories (removal, avoided, memo).
    pub scope: Option<Scope>,
    /// Category of ISO 14064-1:2018, 1 to 6.
    pub iso_category: Option<u8>,
    /// Which total of scope 2.
    pub basis: Basis,
    /// What was done: "grid-import", "diesel", "water-supply", "waste-landfill", "tree-growth", ...
    pub activity: String,
    /// When.
    pub interval: Interval,
    /// How much, in the unit's smallest whole step.
    pub amount: i64,
    /// Unit of `amount`: "Wh", "l", "g", "m", "count", ...
    pub unit: &'static str,
    /// How it was worked out.
    pub method: MethodId,
    /// With which factors; empty where the masses were measured or reported.
    pub factors: Vec<FactorUse>,
    /// The result, never below zero; embodied carbon of modules A1-A3 and D may be.
    pub gases: GasMasses,
    /// Half of the 95 % interval of the activity, in millionths.
    pub activity_u95_ppm: u32,
    /// Tier of the data, 1 (metered and calibrated) to 6 (assumed).
    pub tier: u8,
    /// What only this book says.
    pub detail: Detail,
}

/// State of an instrument within the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum InstrumentState {
    Issued,
    Held,
    Retired,
    Sold,
    Surrendered,
}

/// What an instrument stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstrumentKind {
    /// Energy attributes, Wh.
    Certificate,
    /// Reduction or removal, grams of CO2 equivalent.
    Credit,
    /// Right to emit, grams of CO2 equivalent.
    Allowance,
}

/// An instrument as the books know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentLine {
    /// Registry that issued it.
    pub registry: String,
    /// Serial number there.
    pub serial: String,
    /// What it stands for.
    pub kind: InstrumentKind,
    /// Wh or grams of CO2 equivalent, by kind.
    pub amount: i64,
    /// What it was issued for.
    pub vintage: (UnixSeconds, UnixSeconds),
    /// Where it stands, and since when.
    pub state: InstrumentState,
    /// When it came to stand there.
    pub since: UnixSeconds,
    /// Reporting period that it was retired or surrendered for.
    pub used_for: Option<String>,
    /// Whether the park's own plants were issued it.
    pub own_generation: bool,
}

/// What no known factor prices: it is in no posting, and counts as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithoutFactor {
    /// Complete node hours with energy across the grid.
    pub hours: u64,
    /// The first of them.
    pub first_hour: Option<UnixSeconds>,
    /// Region whose factors would price them.
    pub region: String,
    /// Activities, in order.
    pub activities: Vec<Unpriced>,
}

impl WithoutFactor {
    /// Whether everything has its price.
    pub fn is_empty(&self) -> bool {
        self.hours == 0 && self.activities.is_empty()
    }
}

/// The books of a park over a period, as known at a moment.
#[derive(Clone, Debug)]
pub struct Books {
    /// The park.
    pub park: ParkId,
    /// The period.
    pub period: Period,
    /// The two times.
    pub as_of: AsOf,
    /// The energy book: the park's whole hours, nodes summed.
    pub energy: BTreeMap<UnixSeconds, HourAmounts>,
    /// Node hours that the period should have, and those that are complete.
    pub node_hours: (u64, u64),
    /// What no known factor prices.
    pub without_factor: WithoutFactor,
    /// The carbon books, summed up by month of the park's zone, in order.
    pub postings: Vec<Posting>,
    /// Instruments that were held, used or sold until the period's end.
    pub instruments: Vec<InstrumentLine>,
    /// Wh of the park's own generation that were exported in the period and whose certificates were sold, also after it.
    pub exports_sold_wh: i64,
    /// Wh of the grid that others' cars took at chargers that both give and take: imported, and in nobody's consumption.
    pub resold_charge_wh: i64,
}

impl Books {
    /// SHA-256 of everything the books hold, in their order; not of the times that they were asked for at.
    pub fn sha256(&self) -> [u8; 32] {
        let mut hasher = Hasher::new("books");
        hasher
            .text(self.park.as_str())
            .number(self.period.from.0)
            .number(self.period.to.0)
            .number(self.node_hours.0 as i64)
            .number(self.node_hours.1 as i64);
        for (hour_start, amounts) in &self.energy {
            hasher.number(hour_start.0);
            for account in EnergyAccount::ALL {
                hasher.number(amount(amounts, account));
            }
        }
        for posting in &self.postings {
            hash_posting(posting, &mut hasher);
        }
        for line in &self.instruments {
            hasher
                .text(&line.registry)
                .text(&line.serial)
                .bytes(&[line.kind as u8, line.state as u8])
                .number(line.amount)
                .number(line.vintage.0.0)
                .number(line.vintage.1.0)
                .number(line.since.0)
                .text(line.used_for.as_deref().unwrap_or_default());
        }
        // Said only where it is.
        for (what, wh) in [
            ("exports-sold", self.exports_sold_wh),
            ("resold-charge", self.resold_charge_wh),
        ] {
            if wh != 0 {
                hasher.text(what).number(wh);
            }
        }
        hasher.finish()
    }
}

fn hash_posting(posting: &Posting, hasher: &mut Hasher) {
    let (scope, category) = match posting.scope {
        None => (0, 0),
        Some(Scope::One) => (1, 0),
        Some(Scope::Two) => (2, 0),
        Some(Scope::Three(category)) => (3, category),
    };
    hasher
        .text("posting")
        .bytes(&[posting.book as u8, scope, category, posting.basis as u8])
        .text(posting.asset.as_str())
        .text(&posting.party)
        .text(&posting.activity)
        .number(posting.interval.start.0)
        .number(i64::from(posting.interval.seconds))
        .number(posting.amount)
        .text(posting.unit)
        .text(posting.method.token)
        .number(i64::from(posting.method.version));
    for factor in &posting.factors {
        hasher.text(&factor.key).number(i64::from(factor.u95_ppm));
    }
    for (gas, mg) in posting.gases.iter() {
        hasher.text(gas.token()).number(mg);
    }
    match &posting.detail {
        Detail::None => {}
        Detail::Removal { pool, reversal } => {
            hasher.bytes(&[*pool as u8, u8::from(*reversal)]);
        }
        Detail::Avoided { baseline } => {
            hasher.text(baseline);
        }
        Detail::Embodied { module, item } => {
            hasher.bytes(&[*module as u8]).text(item);
        }
    }
}
