//! Claims over the books, as the ledger states them: figures, what is netted and what is not, and what it comes to
//! (`terrarium.ledger.v1.Statement`). Avoided emissions stand beside, whatever is claimed.

use terrarium_model::parse_rfc3339_with_offset;

use crate::format;
use crate::ledger_trail::{EnergyAccount, LedgerBook};
use crate::words::{Language, Word};

/// A claim that the server makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimName {
    /// Its token, such as `ghgp_inventory_location`.
    pub claim: String,
    /// It says more than figures: over an open period it is only provisional.
    pub is_promise: bool,
}

impl ClaimName {
    /// What people call it; a claim that this viewer does not know is called by its token.
    pub fn title(&self, language: Language) -> &str {
        Word::of_claim(&self.claim).map_or(&self.claim, |word| word.text(language))
    }
}

/// A text of the server in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    pub en: String,
    pub zh: String,
}

impl Words {
    /// The text.
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

/// What becomes of a flow in a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    Counted,
    Netted,
    /// Told, and in no sum.
    Beside,
    LeftOut,
}

impl Treatment {
    /// By its token on the wire; `None`: not known to this viewer.
    pub fn from_wire(token: &str) -> Option<Treatment> {
        match token {
            "in" => Some(Treatment::Counted),
            "netted" => Some(Treatment::Netted),
            "beside" => Some(Treatment::Beside),
            "out" => Some(Treatment::LeftOut),
            _ => None,
        }
    }

    /// Its name.
    pub fn title(self) -> Word {
        match self {
            Treatment::Counted => Word::NettingIn,
            Treatment::Netted => Word::NettingNetted,
            Treatment::Beside => Word::NettingBeside,
            Treatment::LeftOut => Word::NettingOut,
        }
    }
}

/// A flow, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NettingLine {
    pub flow: Words,
    pub treatment: Option<Treatment>,
    /// `None`: not known.
    pub amount: Option<i64>,
    pub unit: String,
    pub why: Words,
}

/// Where a figure comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FigureSource {
    /// Place in [`Statement::postings`].
    Posting(usize),
    Account(EnergyAccount),
    /// Id of another line.
    Line(String),
    /// Position of the event that recorded it.
    Decision(u64),
    /// What else: an instrument by its serial, a constant of a standard.
    Told(String),
}

/// A figure of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementLine {
    pub id: String,
    pub words: Words,
    /// `None`: not known or not applicable, and the remark says why.
    pub value: Option<i64>,
    pub unit: String,
    /// Half of the 95 % interval.
    pub half95: Option<i64>,
    /// It is what the claim is about.
    pub is_result: bool,
    /// It stands beside: in no sum.
    pub is_beside: bool,
    pub depth: u32,
    pub sources: Vec<FigureSource>,
    pub remark: Option<Words>,
}

impl StatementLine {
    /// The figure with its interval, such as `1.20 t CO₂ ± 0.10 t CO₂`.
    pub fn text(&self) -> String {
        let Some(value) = self.value else {
            return "–".to_owned();
        };
        let text = figure_text(value, &self.unit);
        match self.half95 {
            Some(half) if half > 0 => {
                format!("{text} ± {}", figure_text(half, &self.unit))
            }
            _ => text,
        }
    }
}

/// A line of a carbon book behind a figure, summed up over a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementPosting {
    /// `emission`, `removal`, `biogenic`, `avoided`, `instrument`, `embodied`.
    pub book: String,
    pub asset: String,
    pub activity: String,
    /// RFC 3339 in the park's zone.
    pub interval_start: String,
    pub interval_seconds: u32,
    pub co2e_mg: i64,
    pub method: String,
}

impl StatementPosting {
    /// The book whose entries of the asset lead on to events, where there is one.
    pub fn entries(&self) -> Option<LedgerBook> {
        match (self.book.as_str(), self.activity.as_str()) {
            ("emission", "grid-import") => Some(LedgerBook::Emission),
            ("avoided", "grid-export") => Some(LedgerBook::Avoided),
            _ => None,
        }
    }

    /// End of its interval; the park is shown at most at the present.
    pub fn end_ms(&self) -> Option<i64> {
        let start = parse_rfc3339_with_offset(&self.interval_start).ok()?;
        Some((start.0 + i64::from(self.interval_seconds)) * 1_000)
    }
}

/// What a claim says about the park and a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    pub claim: String,
    pub title: Words,
    pub standard: Words,
    /// RFC 3339 in the park's zone.
    pub from: String,
    pub to: String,
    /// `live`, `closed`, `verified`, `restated`; empty: no period on record.
    pub period_state: String,
    pub is_provisional: bool,
    /// Set of warming potentials.
    pub gwp: String,
    pub lines: Vec<StatementLine>,
    pub netting: Vec<NettingLine>,
    pub verdict: Words,
    pub notes: Vec<Words>,
    pub postings: Vec<StatementPosting>,
    /// Everything up to this event is in it.
    pub position: u64,
}

impl Statement {
    /// A line by its id.
    pub fn line(&self, id: &str) -> Option<&StatementLine> {
        self.lines.iter().find(|line| line.id == id)
    }
}

/// What is open of the claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    pub shows: bool,
    /// What can be claimed; empty: not told yet.
    pub names: Vec<ClaimName>,
    /// The claim that is asked for.
    pub asked: Option<String>,
    /// The statement that came, of what was asked for last.
    pub statement: Option<Box<Statement>>,
    /// Id of the line whose sources are shown.
    pub line: Option<String>,
}

impl Claims {
    /// Another claim: what was open of the last one is closed.
    pub(crate) fn ask(&mut self, claim: Option<String>) {
        if self.asked != claim {
            self.line = None;
        }
        self.statement = None;
        self.asked = claim;
    }

    /// Takes a statement in, where it is what was asked for last.
    pub(crate) fn take(&mut self, statement: Box<Statement>) {
        if self.asked.as_deref() == Some(&statement.claim) {
            self.statement = Some(statement);
        }
    }
}

/// A figure by the unit of its statement.
pub fn figure_text(value: i64, unit: &str) -> String {
    match unit {
        "mgCO2e" => format!("{}e", format::co2(value)),
        "mgCO2" => format::co2(value),
        "Wh" => format::watt_hours(value as f64),
        "ppm" => format::share_ppm(value),
        "gce" => format!("{}ce", format::grams(value as f64)),
        "mgCO2/tce" => format!("{}/tce", format::co2(value)),
        "unix-s" => {
            let moment = terrarium_model::format_rfc3339_utc(terrarium_model::UnixSeconds(value));
            moment.get(..10).unwrap_or(&moment).to_owned()
        }
        "count" | "" => format::whole(value),
        other => format!("{} {other}", format::whole(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_the_unit_of_people() {
        let text = figure_text;
        assert_eq!(text(1_234_000_000, "mgCO2e"), "1.23 t CO₂e");
        assert_eq!(text(-512_000, "mgCO2"), "−512 g CO₂");
        assert_eq!(text(2_500_000, "Wh"), "2.50 MWh");
        assert_eq!(text(987_654, "ppm"), "98.8 %");
        assert_eq!(text(-10_000, "ppm"), "−1.0 %");
        assert_eq!(text(7, "count"), "7");
        assert_eq!(text(7, "moons"), "7 moons");
    }

    #[test]
    fn a_figure_that_is_not_known_is_no_zero() {
        let mut line = StatementLine {
            unit: "mgCO2e".into(),
            ..StatementLine::default()
        };
        assert_eq!(line.text(), "–");
        line.value = Some(2_000_000);
        line.half95 = Some(100_000);
        assert_eq!(line.text(), "2.00 kg CO₂e ± 100 g CO₂e");
    }

    #[test]
    fn a_statement_of_another_claim_is_not_shown() {
        let mut claims = Claims::default();
        claims.ask(Some("iso14064".into()));
        let of = |claim: &str| {
            Box::new(Statement {
                claim: claim.into(),
                ..Statement::default()
            })
        };
        claims.take(of("sbti"));
        assert_eq!(claims.statement, None);
        claims.take(of("iso14064"));
        assert!(claims.statement.is_some());
        claims.line = Some("gross".into());
        claims.ask(Some("sbti".into()));
        assert_eq!((claims.statement, claims.line), (None, None));
    }
}
