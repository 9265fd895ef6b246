//! For a terminal, and as CSV.

use terrarium_proto::ledger::v1 as wire;

use crate::ReportError;
use crate::sheet::{self, Language};

/// Columns that a terminal has.
const WIDTH: usize = 110;
/// Columns of the label, of a figure and of its interval.
const LABEL: usize = 66;
const FIGURE: usize = 16;

/// The statement for people in a terminal.
pub fn table(statement: &wire::Statement, language: Language) -> String {
    let mut text = format!("{}\n", language.of(statement.title.as_ref()));
    for (name, value) in sheet::heading(statement, language) {
        text.push_str(&format!("{} {value}\n", padded(&name, 20)));
    }
    text.push('\n');
    for row in sheet::rows(statement, language) {
        let label = format!("{}{}", "  ".repeat(row.depth as usize), row.label);
        let figure = format!("{} {}", row.shown, row.unit);
        let half = if row.shown_half95.is_empty() {
            String::new()
        } else {
            format!("± {}", row.shown_half95)
        };
        let line = format!(
            "{}{}{}  {}",
            padded(&clipped(&label, LABEL), LABEL),
            right(figure.trim_end(), FIGURE),
            right(&half, 14),
            row.remark
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&format!(
        "\n{}\n",
        language.pick("What is counted and what is not", "计入与不计入")
    ));
    for netting in &statement.netting {
        let amount = sheet::amount(netting.amount, &netting.unit);
        text.push_str(&format!(
            "  {} {} {}  {}\n",
            padded(sheet::treatment(&netting.treatment, language), 12),
            padded(&clipped(language.of(netting.flow.as_ref()), 44), 44),
            right(&amount, 18),
            language.of(netting.why.as_ref())
        ));
    }
    let verdict = statement.verdict.clone().unwrap_or_default();
    text.push('\n');
    for line in wrapped(
        &format!(
            "{}: {}",
            sheet::verdict(&verdict.kind, language),
            language.of(verdict.words.as_ref())
        ),
        WIDTH,
    ) {
        text.push_str(&format!("{line}\n"));
    }
    for note in &statement.notes {
        text.push('\n');
        for line in wrapped(language.of(Some(note)), WIDTH) {
            text.push_str(&format!("{line}\n"));
        }
    }
    text.trim_end().to_owned()
}

/// The figures as CSV: the same columns for every claim.
pub fn csv(statement: &wire::Statement, language: Language) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "id",
        "label",
        "value",
        "unit",
        "half95",
        "role",
        "depth",
        "shown",
        "shown_unit",
        "remark",
        "sources",
    ])?;
    let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    for row in sheet::rows(statement, language) {
        writer.write_record([
            &row.id,
            &row.label,
            &number(row.exact),
            &row.exact_unit,
            &number(row.exact_half95),
            &row.role,
            &row.depth.to_string(),
            &row.shown,
            &row.unit,
            &row.remark,
            &row.sources,
        ])?;
    }
    Ok(writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?)
}

/// Columns of a text: Chinese characters have two.
fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

fn column(character: char) -> usize {
    if character >= '\u{1100}' && !('\u{2000}'..'\u{2e80}').contains(&character) {
        2
    } else {
        1
    }
}

fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(columns(text))))
}

fn right(text: &str, to: usize) -> String {
    format!("{}{text}", " ".repeat(to.saturating_sub(columns(text))))
}

fn clipped(text: &str, to: usize) -> String {
    if columns(text) <= to {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += column(character);
        if used >= to {
            break;
        }
        clipped.push(character);
    }
    format!("{clipped}…")
}

fn wrapped(text: &str, to: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in sheet_words(text) {
        let width = columns(word);
        if used + width > to && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        let word = if used == 0 { word.trim_start() } else { word };
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
        used += columns(word);
    }
    lines
}

/// Pieces that a line may be broken between: words with the space before them, and single Chinese characters.
pub(crate) fn sheet_words(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (place, character) in text.char_indices() {
        if (character == ' ' || column(character) == 2) && place > start {
            // Marks that close a clause stay with what they close.
            if "，。；：、）！？".contains(character) {
                continue;
            }
            pieces.push(&text[start..place]);
            start = place;
        }
    }
    pieces.push(&text[start..]);
    pieces
}
