//! A factor file (TOML), and the CSV series that it may name, checked and read as one factor set.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use terrarium_model::{
    Decimal, SECONDS_PER_HOUR, UnixSeconds, format_rfc3339_utc, parse_rfc3339_with_offset,
};
use terrarium_proto::carbon::v1::factor_set::Values;
use terrarium_proto::carbon::v1::{FactorSeries, FactorSet};

/// Hours of a leap year; more than that is another set.
const MOST_HOURS: i64 = 8_784;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a factor file cannot be published. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum FactorFileProblem {
    #[error("{file}: cannot be read: {source}; check the path and its permissions")]
    CannotRead {
        file: String,
        source: std::io::Error,
    },
    #[error("{file}: {reason}")]
    Malformed { file: String, reason: String },
    #[error("{file}, {key}: {reason}")]
    Key {
        file: String,
        key: &'static str,
        reason: String,
    },
    #[error("{file}, row \"{row}\": {reason}")]
    Row {
        file: String,
        row: String,
        reason: String,
    },
    #[error("{file}, line {line}: {reason}")]
    SeriesLine {
        file: String,
        line: u64,
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorFile {
    set: String,
    version: String,
    publisher: String,
    region: String,
    kind: String,
    unit: String,
    valid_from: String,
    valid_to: String,
    published_on: String,
    source: String,
    constant: Option<String>,
    hourly: Option<HourlySeries>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HourlySeries {
    file: PathBuf,
    time_column: String,
    value_column: String,
}

/// Reads a factor file; `series_override` takes the place of the series that it names.
pub fn read_factor_set(
    path: &Path,
    series_override: Option<&Path>,
) -> Result<FactorSet, FactorFileProblem> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    let content: FactorFile =
        toml::from_str(&text).map_err(|error| FactorFileProblem::Malformed {
            file: file.clone(),
            reason: error.to_string(),
        })?;
    let key_problem = |key, reason| FactorFileProblem::Key {
        file: file.clone(),
        key,
        reason,
    };
    let hour = |key, text: &str| {
        let instant =
            parse_rfc3339_with_offset(text).map_err(|error| key_problem(key, error.to_string()))?;
        if instant != instant.start_of_hour() {
            return Err(key_problem(
                key,
                format!("{text} is not the start of an hour; factors are hourly"),
            ));
        }
        Ok(instant)
    };
    let valid_from = hour("valid_from", &content.valid_from)?;
    let valid_to = hour("valid_to", &content.valid_to)?;
    if valid_to <= valid_from {
        return Err(key_problem(
            "valid_to",
            "it is not after valid_from; it is the first moment that is no longer valid".into(),
        ));
    }
    let values = match (content.constant, content.hourly) {
        (Some(constant), None) => {
            Decimal::parse(&constant)
                .map_err(|error| key_problem("constant", error.to_string()))?;
            if series_override.is_some() {
                return Err(key_problem(
                    "constant",
                    "--series is for a set with an [hourly] section".into(),
                ));
            }
            Values::Constant(constant)
        }
        (None, Some(hourly)) => {
            if (valid_to.0 - valid_from.0) / SECONDS_PER_HOUR > MOST_HOURS {
                let reason = format!(
                    "more than {MOST_HOURS} hours after valid_from; publish each year as a set of its own"
                );
                return Err(key_problem("valid_to", reason));
            }
            let series_path = match series_override {
                Some(path) => path.to_owned(),
                None => path.parent().unwrap_or(Path::new("")).join(&hourly.file),
            };
            let hourly = read_series(
                &series_path,
                &hourly.time_column,
                &hourly.value_column,
                valid_from,
                valid_to,
            )?;
            Values::Series(FactorSeries { hourly })
        }
        (Some(_), Some(_)) => {
            return Err(key_problem(
                "constant",
                "there is an [hourly] section too; keep one of the two".into(),
            ));
        }
        (None, None) => {
            return Err(key_problem(
                "constant",
                "missing; write constant = \"0.5306\" or an [hourly] section".into(),
            ));
        }
    };
    Ok(FactorSet {
        set: content.set,
        version: content.version,
        publisher: content.publisher,
        region: content.region,
        kind: content.kind,
        unit: content.unit,
        valid_from: content.valid_from,
        valid_to: content.valid_to,
        published_on: content.published_on,
        source: content.source,
        values: Some(values),
    })
}

pub(super) fn read_text(path: &Path) -> Result<String, FactorFileProblem> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| FactorFileProblem::CannotRead {
        file: file.clone(),
        source,
    })?;
    if text.starts_with(BYTE_ORDER_MARK) {
        let reason =
            "the file starts with a byte-order mark; save it as UTF-8 without one".to_owned();
        return Err(FactorFileProblem::SeriesLine {
            file,
            line: 1,
            reason,
        });
    }
    Ok(text)
}

/// The values of an hourly series: one row per hour, from `valid_from` to the hour before `valid_to`, without a gap.
fn read_series(
    path: &Path,
    time_column: &str,
    value_column: &str,
    valid_from: UnixSeconds,
    valid_to: UnixSeconds,
) -> Result<Vec<String>, FactorFileProblem> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    let problem = |line, reason| FactorFileProblem::SeriesLine {
        file: file.clone(),
        line,
        reason,
    };
    // Lines are counted here, so that they are right for both \n and \r\n.
    let mut lines = text
        .lines()
        .zip(1_u64..)
        .filter(|(line, _)| !line.is_empty());
    let header = lines
        .next()
        .map(|(line, _)| fields_of(line))
        .unwrap_or_default();
    let column = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| {
                problem(
                    1,
                    format!(
                        "there is no column \"{name}\"; the columns are \"{}\"",
                        header.join(",")
                    ),
                )
            })
    };
    let (time_index, value_index) = (column(time_column)?, column(value_column)?);
    let mut expected = valid_from;
    let mut hourly = Vec::new();
    let mut last_line = 1;
    for (text, line) in lines {
        let fields = fields_of(text);
        if fields.len() != header.len() {
            let reason = format!(
                "{} fields where the header has {}; is the file cut off?",
                fields.len(),
                header.len()
            );
            return Err(problem(line, reason));
        }
        let time = parse_rfc3339_with_offset(&fields[time_index])
            .map_err(|error| problem(line, error.to_string()))?;
        if time != expected {
            let (found, expected) = (&fields[time_index], format_rfc3339_utc(expected));
            let reason = format!(
                "{found} where {expected} is to be; give every hour of the valid time once, in order"
            );
            return Err(problem(line, reason));
        }
        if time >= valid_to {
            let reason = format!(
                "{} is not before valid_to; remove the row or extend valid_to",
                fields[time_index]
            );
            return Err(problem(line, reason));
        }
        Decimal::parse(&fields[value_index]).map_err(|error| problem(line, error.to_string()))?;
        hourly.push(fields[value_index].clone());
        expected = UnixSeconds(expected.0 + SECONDS_PER_HOUR);
        last_line = line;
    }
    if expected != valid_to {
        let (end, valid_to) = (format_rfc3339_utc(expected), format_rfc3339_utc(valid_to));
        let reason = format!(
            "the series ends at {end}, valid_to is {valid_to}; add the missing hours or correct valid_to"
        );
        return Err(problem(last_line, reason));
    }
    Ok(hourly)
}

/// The fields of one CSV line.
fn fields_of(line: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(line.as_bytes());
    match reader.records().next() {
        Some(Ok(record)) => record.iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"
set = "caiso-hourly"
version = "2017-1"
publisher = "EPRI"
region = "caiso"
kind = "grid_average"
unit = "kgCO2/kWh"
valid_from = "2016-07-31T23:00:00-08:00"
valid_to = "2016-08-01T02:00:00-08:00"
published_on = "2022-07-01"
source = "a table"
"#;
    const HOURLY: &str =
        "[hourly]\nfile = \"x.csv\"\ntime_column = \"interval_start\"\nvalue_column = \"kg\"\n";
    const SERIES: &str = "interval_start,interval_seconds,kg\r\n\
        2016-07-31T23:00:00-08:00,3600,0.17072440\r\n\
        2016-08-01T00:00:00-08:00,3600,0.15731905\r\n\
        2016-08-01T01:00:00-08:00,3600,-0.1\r\n";

    fn read(toml: &str, series: &str) -> Result<FactorSet, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("set.toml");
        fs::write(&path, toml).expect("writes");
        fs::write(folder.path().join("x.csv"), series).expect("writes");
        let prefix = format!("{}/", folder.path().display());
        read_factor_set(&path, None).map_err(|problem| problem.to_string().replace(&prefix, ""))
    }

    fn series_problem(from: &str, to: &str) -> String {
        read(&format!("{SET}{HOURLY}"), &SERIES.replace(from, to)).expect_err("a fault")
    }

    #[test]
    fn an_hourly_series_keeps_its_decimals_letter_for_letter() {
        let set = read(&format!("{SET}{HOURLY}"), SERIES).expect("good");
        let Some(Values::Series(series)) = set.values else {
            panic!("a series")
        };
        assert_eq!(series.hourly, ["0.17072440", "0.15731905", "-0.1"]);
        assert_eq!(
            (set.set.as_str(), set.valid_to.as_str()),
            ("caiso-hourly", "2016-08-01T02:00:00-08:00")
        );
    }

    #[test]
    fn a_constant_is_enough() {
        let set = read(&format!("{SET}constant = \"0.5306\"\n"), "").expect("good");
        assert_eq!(set.values, Some(Values::Constant("0.5306".into())));
        let problem = read(&format!("{SET}constant = \"0,5306\"\n"), "").expect_err("a comma");
        assert!(problem.starts_with("set.toml, constant: "), "{problem}");
    }

    #[test]
    fn constant_and_series_exclude_each_other() {
        let problem =
            read(&format!("{SET}constant = \"0.5\"\n{HOURLY}"), SERIES).expect_err("both");
        assert_eq!(
            problem,
            "set.toml, constant: there is an [hourly] section too; keep one of the two"
        );
        let problem = read(SET, SERIES).expect_err("neither");
        assert!(problem.contains("missing; write constant"), "{problem}");
    }

    #[test]
    fn a_gap_in_the_series_is_named_with_its_line() {
        assert_eq!(
            series_problem("2016-08-01T00:00:00-08:00,3600,0.15731905\r\n", ""),
            "x.csv, line 3: 2016-08-01T01:00:00-08:00 where 2016-08-01T08:00:00Z is to be; give every hour of the valid \
             time once, in order"
        );
    }

    #[test]
    fn a_series_that_ends_early_or_late_is_named() {
        let early = series_problem("2016-08-01T01:00:00-08:00,3600,-0.1\r\n", "");
        assert!(
            early.starts_with("x.csv, line 3: the series ends at 2016-08-01T09:00:00Z"),
            "{early}"
        );
        let late = series_problem("-0.1\r\n", "-0.1\r\n2016-08-01T02:00:00-08:00,3600,1\r\n");
        assert!(
            late.starts_with("x.csv, line 5: 2016-08-01T02:00:00-08:00 is not before valid_to"),
            "{late}"
        );
    }

    #[test]
    fn a_column_or_value_that_does_not_fit_is_named() {
        let column = series_problem("kg\r\n", "lb\r\n");
        assert_eq!(
            column,
            "x.csv, line 1: there is no column \"kg\"; the columns are \"interval_start,interval_seconds,lb\""
        );
        assert!(series_problem("0.15731905", "n/a").starts_with("x.csv, line 3: "));
        assert!(
            series_problem(",-0.1", "")
                .starts_with("x.csv, line 4: 2 fields where the header has 3")
        );
        assert!(
            series_problem("interval_start,i", "\u{feff}interval_start,i")
                .contains("byte-order mark")
        );
    }

    #[test]
    fn unknown_keys_are_named() {
        let problem = read(
            &format!("{SET}constant = \"1\"\nvalid_until = \"2017\"\n"),
            "",
        )
        .expect_err("unknown");
        assert!(problem.contains("valid_until"), "{problem}");
    }
}
