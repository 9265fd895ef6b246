//! A line of a carbon book with every step behind it.

use terrarium_model::{AssetId, Interval, UnixSeconds, format_rfc3339_utc};

use crate::books::{CarbonBook, Posting};
use crate::factor_book::FactorRow;

/// A named quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// What it is.
    pub name: String,
    /// Decimal.
    pub value: String,
    /// Its unit; empty: a plain number.
    pub unit: String,
}

impl Quantity {
    /// A quantity.
    pub fn new(name: &str, value: impl ToString, unit: impl ToString) -> Quantity {
        Quantity {
            name: name.to_owned(),
            value: value.to_string(),
            unit: unit.to_string(),
        }
    }
}

/// One step of a calculation: what it took in, and what it put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In words and symbols.
    pub formula: String,
    /// What it took in.
    pub inputs: Vec<Quantity>,
    /// What it put out.
    pub output: Quantity,
}

/// A line of a carbon book, over its whole interval, with what it came from.
#[derive(Clone, Debug)]
pub struct Worked {
    /// The line.
    pub posting: Posting,
    /// Id of the activity among those of its asset.
    pub name: String,
    /// Factors that were used.
    pub rows: Vec<FactorRow>,
    /// Positions of the events that told the activity.
    pub told_at: Vec<u64>,
    /// Where it is written.
    pub source: String,
    /// SHA-256 of the documents behind it.
    pub evidence: Vec<[u8; 32]>,
    /// How it was worked out; only where it was asked for.
    pub steps: Vec<Step>,
}

impl Worked {
    /// Names the line: "book/asset/start/activity/name".
    pub fn id(&self) -> String {
        format!(
            "{}/{}/{}/{}/{}",
            book_token(self.posting.book),
            self.posting.asset,
            format_rfc3339_utc(self.posting.interval.start),
            self.posting.activity,
            self.name
        )
    }
}

/// As in ids.
pub fn book_token(book: CarbonBook) -> &'static str {
    match book {
        CarbonBook::Emission => "emission",
        CarbonBook::Removal => "removal",
        CarbonBook::Biogenic => "biogenic",
        CarbonBook::Avoided => "avoided",
        CarbonBook::Instrument => "instrument",
        CarbonBook::Embodied => "embodied",
    }
}

/// An activity that no line could be worked out for: it is shown, and counted in no total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpriced {
    /// What was done: kind and subject.
    pub activity: String,
    /// Where.
    pub asset: AssetId,
    /// When it began, and how long it took.
    pub interval: (UnixSeconds, u32),
    /// What is missing, and what to do.
    pub problem: String,
}

impl Unpriced {
    pub(super) fn new(
        activity: String,
        asset: &AssetId,
        interval: Interval,
        problem: String,
    ) -> Unpriced {
        Unpriced {
            activity,
            asset: asset.clone(),
            interval: (interval.start, interval.seconds),
            problem,
        }
    }
}
