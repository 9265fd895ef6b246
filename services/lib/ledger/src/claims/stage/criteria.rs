//! What the stages of a park ask for: measures, cut-offs, and the indicators that are reported for them.

use std::collections::BTreeMap;

use terrarium_model::UnixSeconds;

use crate::claims::statement::Words;

/// The eight measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// One platform that measures and shows.
    Platform,
    /// Energy.
    Energy,
    /// Industry.
    Industry,
    /// Transport.
    Transport,
    /// Buildings.
    Buildings,
    /// Removal.
    Removal,
    /// Water, waste, materials.
    Resources,
    /// People.
    People,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 8] = [
        Measure::Platform,
        Measure::Energy,
        Measure::Industry,
        Measure::Transport,
        Measure::Buildings,
        Measure::Removal,
        Measure::Resources,
        Measure::People,
    ];

    /// As in requests.
    pub fn token(self) -> &'static str {
        match self {
            Measure::Platform => "platform",
            Measure::Energy => "energy",
            Measure::Industry => "industry",
            Measure::Transport => "transport",
            Measure::Buildings => "buildings",
            Measure::Removal => "removal",
            Measure::Resources => "resources",
            Measure::People => "people",
        }
    }

    /// For people.
    pub fn words(self) -> Words {
        match self {
            Measure::Platform => Words::new("Platform", "平台"),
            Measure::Energy => Words::new("Energy", "能源"),
            Measure::Industry => Words::new("Industry", "产业"),
            Measure::Transport => Words::new("Transport", "交通"),
            Measure::Buildings => Words::new("Buildings", "建筑"),
            Measure::Removal => Words::new("Removal", "碳汇"),
            Measure::Resources => Words::new("Resources", "资源"),
            Measure::People => Words::new("People", "公众"),
        }
    }
}

/// The stages, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// First.
    LowCarbon,
    /// Second.
    NearZero,
    /// Third.
    Zero,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Stage; 3] = [Stage::LowCarbon, Stage::NearZero, Stage::Zero];

    /// As in requests.
    pub fn token(self) -> &'static str {
        match self {
            Stage::LowCarbon => "low-carbon",
            Stage::NearZero => "near-zero",
            Stage::Zero => "zero",
        }
    }

    pub(super) fn words(self) -> Words {
        match self {
            Stage::LowCarbon => Words::new("Low-carbon", "低碳"),
            Stage::NearZero => Words::new("Near-zero", "近零碳"),
            Stage::Zero => Words::new("Zero", "零碳"),
        }
    }
}

/// What a criterion asks of its indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cutoff {
    /// This or more.
    AtLeast(i64),
    /// This or less.
    AtMost(i64),
}

impl Cutoff {
    pub(super) fn holds(self, value: i64) -> bool {
        match self {
            Cutoff::AtLeast(cut) => value >= cut,
            Cutoff::AtMost(cut) => value <= cut,
        }
    }
}

/// One predicate of a stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Criterion {
    /// The measure.
    pub measure: Measure,
    /// Token of the indicator: one of [`COMPUTED`], or a reported one.
    pub indicator: String,
    /// The cut-off, millionths or the indicator's own count.
    pub cutoff: Cutoff,
}

/// The park's cut-offs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageCriteria {
    /// By stage.
    pub stages: BTreeMap<Stage, Vec<Criterion>>,
    /// Where the cut-offs come from, or why these.
    pub source: String,
}

/// A reported indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Millionths.
    pub value: i64,
    /// For when.
    pub at: UnixSeconds,
    /// The document behind it.
    pub source: String,
    /// SHA-256 of that document; `None`: no evidence attached.
    pub evidence: Option<[u8; 32]>,
}
