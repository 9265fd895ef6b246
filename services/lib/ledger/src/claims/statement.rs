//! What a claim says: figures that lead back to the books, what is netted and what is not, and a verdict in words.

mod figure;

use terrarium_model::ParkId;

use crate::books::{AsOf, Books, InstrumentLine, Posting};
use crate::claims::ClaimKind;
use crate::entry::EnergyAccount;
use crate::gas::GwpSet;
use crate::park_ledger::Period;

pub use figure::{bare, figure, spoken};

/// A text in the two languages of the statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Words {
    /// Both.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Words {
        Words {
            en: en.into(),
            zh: zh.into(),
        }
    }
}

/// Unit of a figure: its smallest whole step, and how people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Milligrams of CO2 equivalent; read in tonnes.
    Co2eMg,
    /// Milligrams of CO2 alone; read in tonnes.
    Co2Mg,
    /// Wh; read in MWh.
    Wh,
    /// Millionths; read in per cent.
    Ppm,
    /// Grams of standard coal (29.3076 kJ); read in tonnes.
    StandardCoalG,
    /// Milligrams of CO2 per tonne of standard coal; read in tonnes.
    Co2MgPerTce,
    /// Unix seconds; read as a date.
    Date,
    /// A number.
    Count,
}

impl Unit {
    /// All units.
    pub const ALL: [Unit; 8] = [
        Unit::Co2eMg,
        Unit::Co2Mg,
        Unit::Wh,
        Unit::Ppm,
        Unit::StandardCoalG,
        Unit::Co2MgPerTce,
        Unit::Date,
        Unit::Count,
    ];

    /// From its token.
    pub fn parse(token: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.token() == token)
    }

    /// As in statements for machines.
    pub fn token(self) -> &'static str {
        match self {
            Unit::Co2eMg => "mgCO2e",
            Unit::Co2Mg => "mgCO2",
            Unit::Wh => "Wh",
            Unit::Ppm => "ppm",
            Unit::StandardCoalG => "gce",
            Unit::Co2MgPerTce => "mgCO2/tce",
            Unit::Date => "unix-s",
            Unit::Count => "count",
        }
    }

    /// The unit that people read it in, and how many powers of ten lie between.
    pub fn read_in(self) -> (&'static str, u32) {
        match self {
            Unit::Co2eMg => ("tCO2e", 9),
            Unit::Co2Mg => ("tCO2", 9),
            Unit::Wh => ("MWh", 6),
            Unit::Ppm => ("%", 4),
            Unit::StandardCoalG => ("tce", 6),
            Unit::Co2MgPerTce => ("tCO2/tce", 9),
            Unit::Date | Unit::Count => ("", 0),
        }
    }
}

/// What a line is within its statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRole {
    /// A part of a sum.
    Part,
    /// A sum of parts.
    Sum,
    /// What the claim is about.
    Result,
    /// Beside: in no sum.
    Beside,
    /// A limit to compare with.
    Limit,
}

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A posting of the books, by its place there, with the share that counts; negative where it is taken away.
    Posting {
        /// Place in [`Books::postings`].
        index: usize,
        /// Millionths.
        share_ppm: i64,
    },
    /// An account of the energy book over the period.
    Energy(EnergyAccount),
    /// An instrument, by its place in [`Books::instruments`].
    Instrument(usize),
    /// Another line of the statement, added (1) or taken away (-1), or a factor or divisor of it (0).
    Line {
        /// Its id.
        id: String,
        /// Its sign.
        sign: i8,
    },
    /// A decision of the park, by the position of its event.
    Decision {
        /// What was decided.
        what: &'static str,
        /// Position in the record.
        position: u64,
    },
    /// A constant of a standard.
    Standard(&'static str),
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Name that never changes: the same id says the same in every claim.
    pub id: String,
    /// What it is.
    pub words: Words,
    /// The figure; `None`: not known or not applicable, and `remark` says why.
    pub value: Option<i64>,
    /// Its unit.
    pub unit: Unit,
    /// Half of its 95 % interval, in its unit.
    pub half95: Option<i64>,
    /// What it is to the others.
    pub role: LineRole,
    /// How far it is set in.
    pub depth: u8,
    /// Where it comes from.
    pub from: Vec<Source>,
    /// What has to be said about it.
    pub remark: Option<Words>,
}

impl Line {
    /// A line without sources yet.
    pub fn new(id: impl Into<String>, words: Words, value: Option<i64>, unit: Unit) -> Line {
        Line {
            id: id.into(),
            words,
            value,
            unit,
            half95: None,
            role: LineRole::Part,
            depth: 0,
            from: Vec::new(),
            remark: None,
        }
    }

    /// Sets its role.
    pub fn role(mut self, role: LineRole) -> Line {
        self.role = role;
        self
    }

    /// Sets it in.
    pub fn depth(mut self, depth: u8) -> Line {
        self.depth = depth;
        self
    }

    /// Sets its interval.
    pub fn half95(mut self, half95: i64) -> Line {
        self.half95 = Some(half95);
        self
    }

    /// Adds a source.
    pub fn from(mut self, source: Source) -> Line {
        self.from.push(source);
        self
    }

    /// Adds other lines as sources: added (1), taken away (-1), used otherwise (0).
    pub fn from_lines(mut self, lines: &[(&str, i8)]) -> Line {
        let sources = lines.iter().map(|(id, sign)| Source::Line {
            id: (*id).to_owned(),
            sign: *sign,
        });
        self.from.extend(sources);
        self
    }

    /// Adds a remark.
    pub fn remark(mut self, en: impl Into<String>, zh: impl Into<String>) -> Line {
        self.remark = Some(Words::new(en, zh));
        self
    }
}

/// What becomes of a flow in a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Counted in.
    In,
    /// Taken away from what is counted.
    Netted,
    /// Told beside, in no total.
    Beside,
    /// Left out.
    Out,
}

impl Treatment {
    /// As in statements for machines.
    pub fn token(self) -> &'static str {
        match self {
            Treatment::In => "in",
            Treatment::Netted => "netted",
            Treatment::Beside => "beside",
            Treatment::Out => "out",
        }
    }
}

/// A line of the netting list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netting {
    /// The flow.
    pub flow: Words,
    /// What becomes of it.
    pub treatment: Treatment,
    /// How much; `None`: not known.
    pub amount: Option<(i64, Unit)>,
    /// Why.
    pub why: Words,
}

/// What a claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerdictKind {
    /// Figures, nothing claimed.
    Stated,
    /// Holds, with the whole interval.
    Holds,
    /// Holds on central values; the interval straddles zero.
    HoldsStraddling,
    /// Balanced by credits, not by reduction.
    ByCredits,
    /// Does not hold.
    Fails,
    /// The park or period is out of the rule's scope.
    NotApplicable,
    /// Something needed is not known.
    Unknown,
}

impl VerdictKind {
    /// As in statements for machines.
    pub fn token(self) -> &'static str {
        match self {
            VerdictKind::Stated => "stated",
            VerdictKind::Holds => "holds",
            VerdictKind::HoldsStraddling => "holds-straddling",
            VerdictKind::ByCredits => "by-credits",
            VerdictKind::Fails => "fails",
            VerdictKind::NotApplicable => "not-applicable",
            VerdictKind::Unknown => "unknown",
        }
    }
}

/// The verdict and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it comes to.
    pub kind: VerdictKind,
    /// In words.
    pub words: Words,
}

impl Verdict {
    /// Both.
    pub fn new(kind: VerdictKind, en: impl Into<String>, zh: impl Into<String>) -> Verdict {
        Verdict {
            kind,
            words: Words::new(en, zh),
        }
    }
}

/// A row of points with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub words: Words,
    /// One for each label of the chart; `None`: nothing known there.
    pub values: Vec<Option<i64>>,
}

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    /// Bars, one upon another.
    StackedBars,
    /// Lines over time.
    Lines,
}

/// A picture of some figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Its name.
    pub words: Words,
    /// How it is drawn.
    pub kind: ChartKind,
    /// Unit of its values.
    pub unit: Unit,
    /// Labels along it.
    pub labels: Vec<String>,
    /// Its rows.
    pub series: Vec<Series>,
}

/// What a claim says about a park and period.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The claim, as in requests; "portfolio" for several parks as one.
    pub claim: &'static str,
    /// Its name.
    pub title: Words,
    /// The standard or text it follows.
    pub standard: Words,
    /// The park, or the portfolio's parks.
    pub park: ParkId,
    /// The period.
    pub period: Period,
    /// Name of the period, if it has one on record.
    pub period_name: Option<String>,
    /// Whether the period is open still: figures may move.
    pub provisional: bool,
    /// The two times.
    pub as_of: AsOf,
    /// Warming potentials used.
    pub gwp: GwpSet,
    /// The figures.
    pub lines: Vec<Line>,
    /// What is in, what is netted, what is out and why.
    pub netting: Vec<Netting>,
    /// What it comes to.
    pub verdict: Verdict,
    /// What a reader has to know.
    pub notes: Vec<Words>,
    /// Pictures.
    pub charts: Vec<Chart>,
    /// The postings that sources name by their place.
    pub postings: Vec<Posting>,
    /// Of a portfolio: whose books each posting stands in; empty: the park's.
    pub posting_parks: Vec<ParkId>,
    /// The instruments that sources name by their place.
    pub instruments: Vec<InstrumentLine>,
}

impl Statement {
    /// A line by its id.
    pub fn line(&self, id: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// The figure of a line.
    pub fn value(&self, id: &str) -> Option<i64> {
        self.line(id)?.value
    }

    /// Postings behind a line, through all the lines it is made of, each once.
    pub fn postings_behind(&self, id: &str) -> Vec<usize> {
        let mut found = std::collections::BTreeSet::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            for source in self.line(&next).iter().flat_map(|line| &line.from) {
                match source {
                    Source::Posting { index, .. } => {
                        found.insert(*index);
                    }
                    Source::Line { id, .. } => open.push(id.clone()),
                    _ => {}
                }
            }
        }
        found.into_iter().collect()
    }
}

/// The frame of a statement, before its figures.
pub(crate) fn frame(
    claim: ClaimKind,
    books: &Books,
    gwp: GwpSet,
    title: Words,
    standard: Words,
) -> Statement {
    Statement {
        claim: claim.token(),
        title,
        standard,
        park: books.park.clone(),
        period: books.period,
        period_name: None,
        provisional: false,
        as_of: books.as_of,
        gwp,
        lines: Vec::new(),
        netting: Vec::new(),
        verdict: Verdict::new(VerdictKind::Stated, "", ""),
        notes: Vec::new(),
        charts: Vec::new(),
        postings: books.postings.clone(),
        posting_parks: Vec::new(),
        instruments: books.instruments.clone(),
    }
}
