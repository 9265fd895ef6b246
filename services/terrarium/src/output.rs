//! How amounts, tables and lines look.

use std::io::{self, Write};

use anyhow::bail;
use comfy_table::{CellAlignment, Table};

/// What `--format` takes: the forms of every command, and those of statements alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people; may change.
    Table,
    /// For machines, with the field names of the protobuf messages.
    Json,
    /// For machines and spreadsheets, with the same names.
    Csv,
    /// Statements only: columns for analysis.
    Parquet,
    /// Statements only: a workbook with charts.
    Xlsx,
    /// Statements only: pages.
    Pdf,
}

impl Form {
    /// The form of everything printed to stdout; `None` for those of statements alone.
    pub fn format(self) -> Option<Format> {
        match self {
            Form::Table => Some(Format::Table),
            Form::Json => Some(Format::Json),
            Form::Csv => Some(Format::Csv),
            Form::Parquet | Form::Xlsx | Form::Pdf => None,
        }
    }
}

/// Form of everything printed to stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people; may change.
    #[default]
    Table,
    /// For machines, with the field names of the protobuf messages.
    Json,
    /// For machines and spreadsheets, with the same names.
    Csv,
}

impl Format {
    /// Refuses CSV where a command's answer is no table.
    pub fn or_refuse_csv(self, command: &str) -> anyhow::Result<Format> {
        if self == Format::Csv {
            bail!("`terrarium {command}` has no csv form; use --format table or --format json");
        }
        Ok(self)
    }
}

/// Writes a value as one JSON object per line.
pub fn print_json_line(value: &impl serde::Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, value)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Writes a value as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, value)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Writes text and a line end. Unlike `println!` a closed pipe is an error, not a panic.
pub fn print_line(text: impl AsRef<str>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref().as_bytes())?;
    stdout.write_all(b"\n")
}

/// A plain table; columns whose header is in `left` are texts, the others numbers.
pub fn table(
    headers: &[&str],
    left: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(headers.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    for (index, header) in headers.iter().enumerate() {
        let alignment = if left.contains(header) {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        };
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(alignment);
        }
    }
    table.trim_fmt()
}

/// Wh as kWh with three decimals, exact: `10,583.354`.
pub fn kwh(energy_wh: i64) -> String {
    thousandths(i128::from(energy_wh))
}

/// mg as kg with three decimals, rounded half to even: `1,117.622`.
pub fn kg(mass_mg: i64) -> String {
    let mass = i128::from(mass_mg);
    let (whole, rest) = (mass.div_euclid(1000), mass.rem_euclid(1000));
    let round_up = rest > 500 || (rest == 500 && whole.rem_euclid(2) == 1);
    thousandths(whole + i128::from(round_up))
}

/// Millionths as per cent with two decimals; a dash when absent.
pub fn per_cent(ppm: Option<u32>) -> String {
    match ppm {
        Some(ppm) => {
            let hundredths = (ppm + 50) / 100;
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        }
        None => "-".to_owned(),
    }
}

/// An enum value's protobuf name for people: `QUARANTINE_REASON_ABOVE_RATING` is `above rating`.
pub fn short_enum(full_name: &str, prefix: &str) -> String {
    full_name
        .strip_prefix(prefix)
        .unwrap_or(full_name)
        .to_lowercase()
        .replace('_', " ")
}

/// An integer with thousands separators.
pub fn count(number: u64) -> String {
    grouped(u128::from(number))
}

fn thousandths(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    format!(
        "{sign}{}.{:03}",
        grouped(magnitude / 1000),
        magnitude % 1000
    )
}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_exact_in_kwh() {
        assert_eq!(kwh(10_583_354), "10,583.354");
        assert_eq!(kwh(-5), "-0.005");
        assert_eq!(kwh(0), "0.000");
        assert_eq!(kwh(i64::MIN), "-9,223,372,036,854,775.808");
    }

    #[test]
    fn mass_is_rounded_half_to_even_at_grams() {
        assert_eq!(kg(1_117_621_500), "1,117.622");
        assert_eq!(kg(1_117_622_500), "1,117.622");
        assert_eq!(kg(1_117_622_501), "1,117.623");
        assert_eq!(kg(-1_500), "-0.002");
        assert_eq!(kg(-2_500), "-0.002");
    }

    #[test]
    fn shares_and_counts_are_readable() {
        assert_eq!(per_cent(Some(336_051)), "33.61");
        assert_eq!(per_cent(Some(1_000_000)), "100.00");
        assert_eq!(per_cent(None), "-");
        assert_eq!(count(175_200), "175,200");
        assert_eq!(count(200), "200");
    }

    #[test]
    fn numbers_are_aligned_right_and_texts_left() {
        let printed = table(
            &["asset", "kWh"],
            &["asset"],
            [
                vec!["a".into(), "1,000.000".into()],
                vec!["bb".into(), "2.000".into()],
            ],
        );
        let lines: Vec<&str> = printed.lines().collect();
        assert!(
            lines[1].trim_end().ends_with("1,000.000")
                && lines[2].trim_end().ends_with("    2.000"),
            "{printed}"
        );
    }
}
