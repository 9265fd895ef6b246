//! The statement as rows and words, which all forms share.

use terrarium_ledger::claims::statement::{Unit, bare, figure};
use terrarium_proto::ledger::v1 as wire;
use wire::figure_source::Source;

/// Language of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// One of two texts.
    pub fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// The text of words; empty without any.
    pub fn of(self, words: Option<&wire::Words>) -> &str {
        words.map_or("", |words| self.pick(&words.en, &words.zh))
    }
}

/// A figure, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Id of the line.
    pub id: String,
    /// What it is.
    pub label: String,
    /// How far it is set in.
    pub depth: u32,
    /// "part", "sum", "result", "beside", "limit".
    pub role: String,
    /// As stored; `None`: not known.
    pub exact: Option<i64>,
    /// Unit of `exact`.
    pub exact_unit: String,
    /// Half of the 95 % interval, as stored.
    pub exact_half95: Option<i64>,
    /// For people.
    pub shown: String,
    /// Half of the 95 % interval for people; empty: none.
    pub shown_half95: String,
    /// Unit for people.
    pub unit: String,
    /// What has to be said.
    pub remark: String,
    /// Where it comes from.
    pub sources: String,
}

/// The figures of a statement.
pub fn rows(statement: &wire::Statement, language: Language) -> Vec<Row> {
    statement
        .lines
        .iter()
        .map(|line| {
            let unit = Unit::parse(&line.unit);
            let show =
                |value: i64| unit.map_or_else(|| value.to_string(), |unit| bare(value, unit));
            Row {
                id: line.id.clone(),
                label: language.of(line.words.as_ref()).to_owned(),
                depth: line.depth,
                role: line.role.clone(),
                exact: line.value,
                exact_unit: line.unit.clone(),
                exact_half95: line.half95,
                shown: line.value.map_or_else(|| "–".to_owned(), show),
                shown_half95: line
                    .half95
                    .filter(|half| *half != 0)
                    .map_or_else(String::new, show),
                unit: unit.map_or("", |unit| unit.read_in().0).to_owned(),
                remark: language.of(line.remark.as_ref()).to_owned(),
                sources: sources(line),
            }
        })
        .collect()
}

/// Where a figure comes from, in one text: "postings 1-12; + scope1; - removals-net; decision at 77".
pub fn sources(line: &wire::StatementLine) -> String {
    let mut postings = Vec::new();
    let mut parts = Vec::new();
    for source in &line.sources {
        let sign = match source.share_ppm {
            0 => "",
            share if share < 0 => "- ",
            _ => "+ ",
        };
        match &source.source {
            Some(Source::Posting(place)) => postings.push(*place + 1),
            Some(Source::Energy(account)) => {
                let account = wire::EnergyAccount::try_from(*account).unwrap_or_default();
                let name = account
                    .as_str_name()
                    .trim_start_matches("ENERGY_ACCOUNT_")
                    .to_lowercase();
                parts.push(format!("energy book: {name}"));
            }
            Some(Source::Instrument(place)) => parts.push(format!("instrument {}", place + 1)),
            Some(Source::Line(id)) => parts.push(format!("{sign}{id}")),
            Some(Source::Decision(position)) => parts.push(format!("decision at {position}")),
            Some(Source::Standard(standard)) => parts.push(standard.clone()),
            None => {}
        }
    }
    if !postings.is_empty() {
        parts.insert(0, format!("postings {}", ranges(&postings)));
    }
    parts.join("; ")
}

/// "1-3, 7" of 1, 2, 3, 7.
fn ranges(numbers: &[u32]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let texts: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    texts.join(", ")
}

/// A treatment in words.
pub fn treatment(token: &str, language: Language) -> &str {
    match token {
        "in" => language.pick("counted in", "计入"),
        "netted" => language.pick("taken away", "扣减"),
        "beside" => language.pick("told beside", "另列"),
        "out" => language.pick("left out", "不计"),
        other => other,
    }
}

/// A verdict's kind in words.
pub fn verdict(token: &str, language: Language) -> &str {
    match token {
        "stated" => language.pick("Stated", "陈述"),
        "holds" => language.pick("Holds", "成立"),
        "holds-straddling" => language.pick("Holds on central values only", "仅按中值成立"),
        "by-credits" => language.pick("By credits, not by reduction", "靠抵销而非减排"),
        "fails" => language.pick("Does not hold", "不成立"),
        "not-applicable" => language.pick("Not applicable", "不适用"),
        "unknown" => language.pick("Can't be told", "无法判定"),
        other => other,
    }
}

/// An amount with its unit; a dash without one.
pub fn amount(value: Option<i64>, unit: &str) -> String {
    match (value, Unit::parse(unit)) {
        (Some(value), Some(unit)) => terrarium_ledger::claims::statement::spoken(value, unit),
        (Some(value), None) => value.to_string(),
        (None, _) => "–".to_owned(),
    }
}

/// What stands under the title: park, period, sets, times.
pub fn heading(statement: &wire::Statement, language: Language) -> Vec<(String, String)> {
    let period = statement.period.clone().unwrap_or_default();
    let mut rows = vec![
        (
            language.pick("Park", "园区").to_owned(),
            language.of(statement.park_name.as_ref()).to_owned(),
        ),
        (
            language.pick("Standard", "依据").to_owned(),
            language.of(statement.standard.as_ref()).to_owned(),
        ),
        (
            language.pick("Period", "报告期").to_owned(),
            format!(
                "{} {} {}{}",
                day(&period.from),
                language.pick("to", "至"),
                day(&period.to),
                if statement.period_name.is_empty() {
                    String::new()
                } else {
                    format!(
                        " ({}, {})",
                        statement.period_name,
                        state(statement, language)
                    )
                }
            ),
        ),
        (
            language
                .pick("Warming potentials", "全球增温潜势")
                .to_owned(),
            format!("IPCC {}", statement.gwp.to_uppercase()),
        ),
    ];
    if let Some(as_of) = &statement.as_of {
        let mut times = Vec::new();
        if !as_of.at.is_empty() {
            times.push(format!(
                "{} {}",
                language.pick("happened until", "发生截至"),
                as_of.at
            ));
        }
        if !as_of.known_at.is_empty() {
            times.push(format!(
                "{} {}",
                language.pick("known at", "知悉截至"),
                as_of.known_at
            ));
        }
        if let Some(position) = as_of.known_at_position {
            times.push(format!(
                "{} {position}",
                language.pick("known up to position", "记录位置截至")
            ));
        }
        rows.push((language.pick("As of", "时点").to_owned(), times.join(", ")));
    }
    rows
}

fn state(statement: &wire::Statement, language: Language) -> &str {
    match (statement.period_state.as_str(), language) {
        ("live", Language::Zh) => "未关闭",
        ("closed", Language::Zh) => "已关闭",
        ("reviewed", Language::Zh) => "已复核",
        ("verified", Language::Zh) => "已核查",
        ("restated", Language::Zh) => "已重述",
        (state, _) => state,
    }
}

/// The date of an RFC 3339 text.
fn day(text: &str) -> &str {
    text.get(..10).unwrap_or(text)
}

/// An amount of a posting in words.
pub fn posted(posting: &wire::StatementPosting) -> String {
    let (unit, power) = match posting.unit.as_str() {
        "Wh" => ("MWh", 6),
        "ml" => ("l", 3),
        "g" => ("kg", 3),
        "m" => ("km", 3),
        other => (other, 0),
    };
    format!("{} {unit}", figure(posting.amount, power, power.min(1)))
}

/// CO2 equivalent in tonnes.
pub fn tonnes(mg: i64) -> String {
    bare(mg, Unit::Co2eMg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_told_as_ranges() {
        assert_eq!(ranges(&[3, 1, 2, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
