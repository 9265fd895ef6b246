//! A published version of factors: one constant, one value an hour, or a row of a table.

use terrarium_model::{
    FactorSetId, FactorUnit, FactorValue, SECONDS_PER_HOUR, UnixSeconds, event_id,
};
use uuid::Uuid;

use super::kind::FactorKind;
use crate::books::FactorMark;

/// An hourly series has at most this many values: a leap year.
pub const MOST_VALUES: usize = 8_784;
/// Longest text of a descriptive field in bytes.
pub const LONGEST_TEXT_BYTES: usize = 500;

/// Half of the 95 % interval of a grid's average where its publisher gives none: 10 % (worked example of the project's carbon
/// accounting note, section 4.1).
pub const GRID_U95_PPM: u32 = 100_000;

/// What the rows of a published table say beside their value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorDetail {
    /// Id of the row in its set; empty: the set has one value or series only.
    pub row: String,
    /// What is priced: "electricity", "diesel", "residual/landfill", ...
    pub subject: String,
    /// Table, row or page of the document.
    pub locator: String,
    /// How sure the source is.
    pub mark: FactorMark,
    /// Half of the 95 % interval in millionths of the value.
    pub u95_ppm: u32,
    /// What has to be known to use it: "net calorific value", "wet mass"; empty: nothing.
    pub context: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Warnings and how to use it; empty: none.
    pub note: String,
}

impl Default for FactorDetail {
    /// Of a set that was published without: its source was not checked.
    fn default() -> FactorDetail {
        FactorDetail {
            row: String::new(),
            subject: "electricity".to_owned(),
            locator: String::new(),
            mark: FactorMark::Default,
            u95_ppm: GRID_U95_PPM,
            context: String::new(),
            tags: Vec::new(),
            note: String::new(),
        }
    }
}

/// A published version of a factor set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorSet {
    /// Id of the set.
    pub set: FactorSetId,
    /// Version as its publisher names it.
    pub version: String,
    /// Who published it.
    pub publisher: String,
    /// Region it holds for.
    pub region: String,
    /// What the factors tell.
    pub kind: FactorKind,
    /// Unit of the values.
    pub unit: FactorUnit,
    /// Holds from here (inclusive) ...
    pub valid_from: UnixSeconds,
    /// ... to here (exclusive).
    pub valid_to: UnixSeconds,
    /// YYYY-MM-DD.
    pub published_on: String,
    /// Document, table and row, or URL.
    pub source: String,
    /// Decimals of all values.
    pub scale: u32,
    /// Seconds of each value; `None`: one constant.
    pub step_seconds: Option<u32>,
    /// One for a constant, else one per step.
    pub values: Vec<i64>,
    /// What a row of a table says beside its value.
    pub detail: FactorDetail,
}

/// Why a factor set can't be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidFactorSet {
    /// Field at fault.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub problem: String,
}

impl FactorSet {
    /// Checks what the types leave open.
    pub fn check(&self) -> Result<(), InvalidFactorSet> {
        let invalid = |field, problem: String| Err(InvalidFactorSet { field, problem });
        for (field, text, longest) in [
            ("version", &self.version, 64),
            ("publisher", &self.publisher, LONGEST_TEXT_BYTES),
            ("region", &self.region, 64),
            ("source", &self.source, LONGEST_TEXT_BYTES),
            ("subject", &self.detail.subject, 64),
        ] {
            if text.is_empty() || text.len() > longest {
                return invalid(
                    field,
                    format!("it has {} bytes; write 1 to {longest}", text.len()),
                );
            }
        }
        if let Some(problem) = self.kind.refuses_unit(self.unit) {
            return invalid(
                "unit",
                format!(
                    "{} does not fit {}: {problem}",
                    self.unit,
                    self.kind.token()
                ),
            );
        }
        if !is_date(&self.published_on) {
            return invalid(
                "published_on",
                format!(
                    "\"{}\" is no date; write it as YYYY-MM-DD",
                    self.published_on
                ),
            );
        }
        let valid_seconds = self.valid_to.0.saturating_sub(self.valid_from.0);
        if valid_seconds <= 0 {
            return invalid("valid_to", "it is not after valid_from".to_owned());
        }
        match self.step_seconds {
            None if self.values.len() == 1 => Ok(()),
            None => invalid("constant", "a constant set has one value".to_owned()),
            Some(step) if i64::from(step) != SECONDS_PER_HOUR => invalid(
                "series",
                format!("a step of {step} s is not supported; give one value per hour"),
            ),
            Some(_) if self.valid_from.0 % SECONDS_PER_HOUR != 0 => invalid(
                "valid_from",
                "an hourly series starts at a full hour".to_owned(),
            ),
            Some(step) => {
                let expected = valid_seconds / i64::from(step);
                if valid_seconds % i64::from(step) != 0 || expected != self.values.len() as i64 {
                    return invalid(
                        "series.hourly",
                        format!(
                            "{} values for {} h of valid time; give exactly one per hour",
                            self.values.len(),
                            valid_seconds as f64 / 3600.0
                        ),
                    );
                }
                if self.values.len() > MOST_VALUES {
                    return invalid(
                        "series.hourly",
                        format!(
                            "{} values; publish at most {MOST_VALUES} (a year) as one set",
                            self.values.len()
                        ),
                    );
                }
                Ok(())
            }
        }
    }

    /// Only factors of the margin can be below zero: one more kWh may save some, an average can't. What was recorded before
    /// this was asked for stays as it is.
    pub fn refuse_below_zero(&self) -> Result<(), InvalidFactorSet> {
        if self.kind.is_marginal() {
            return Ok(());
        }
        let Some(row) = self.values.iter().position(|value| *value < 0) else {
            return Ok(());
        };
        let field = match self.step_seconds {
            None => "constant",
            Some(_) => "series.hourly",
        };
        let problem = format!(
            "row {row}: {} is below zero; only factors of the margin can be (operating_margin, build_margin, combined_margin, \
             grid_marginal)",
            self.value(row)
        );
        Err(InvalidFactorSet { field, problem })
    }

    /// Id of the event that publishes it: the same content always gets the same id.
    pub fn event_id(&self, park: &str) -> Uuid {
        let mut values = Vec::with_capacity(self.values.len() * 8);
        for value in &self.values {
            values.extend_from_slice(&value.to_le_bytes());
        }
        let unit = self.unit.token();
        let (valid_from, valid_to) = (
            self.valid_from.0.to_le_bytes(),
            self.valid_to.0.to_le_bytes(),
        );
        let scale = self.scale.to_le_bytes();
        let step = self.step_seconds.unwrap_or(0).to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![
            b"terrarium.carbon.factor-set",
            park.as_bytes(),
            self.set.as_str().as_bytes(),
            self.version.as_bytes(),
            self.publisher.as_bytes(),
            self.region.as_bytes(),
            self.kind.token().as_bytes(),
            unit.as_bytes(),
            &valid_from,
            &valid_to,
            self.published_on.as_bytes(),
            self.source.as_bytes(),
            &scale,
            &step,
            &values,
        ];
        let detail = &self.detail;
        let u95 = detail.u95_ppm.to_le_bytes();
        let mark = [detail.mark as u8];
        let tags = detail.tags.join("\n");
        // Said only of rows, so that sets without keep their ids.
        if !detail.row.is_empty() {
            parts.extend([
                detail.row.as_bytes(),
                detail.subject.as_bytes(),
                detail.locator.as_bytes(),
                &mark,
                &u95,
                detail.context.as_bytes(),
                tags.as_bytes(),
                detail.note.as_bytes(),
            ]);
        }
        event_id(&parts)
    }

    /// As postings name it: "set/version", and "/row" of a table.
    pub fn key(&self) -> String {
        if self.detail.row.is_empty() {
            return format!("{}/{}", self.set, self.version);
        }
        format!("{}/{}/{}", self.set, self.version, self.detail.row)
    }

    /// Row that holds at an instant.
    pub fn row_at(&self, instant: UnixSeconds) -> Option<usize> {
        if instant < self.valid_from || instant >= self.valid_to {
            return None;
        }
        match self.step_seconds {
            None => Some(0),
            Some(step) => usize::try_from((instant.0 - self.valid_from.0) / i64::from(step)).ok(),
        }
    }

    /// Value of a row.
    pub fn value(&self, row: usize) -> FactorValue {
        FactorValue {
            mantissa: self.values[row],
            scale: self.scale,
        }
    }

    /// When a row holds: from (inclusive), to (exclusive).
    pub fn row_validity(&self, row: usize) -> (UnixSeconds, UnixSeconds) {
        match self.step_seconds {
            None => (self.valid_from, self.valid_to),
            Some(step) => {
                let from = self.valid_from.0 + row as i64 * i64::from(step);
                (UnixSeconds(from), UnixSeconds(from + i64::from(step)))
            }
        }
    }

    /// Which of two sets prices an hour that both hold for: the greater one. By content alone, never by arrival.
    pub(super) fn precedence(&self) -> (bool, &str, &str, &FactorSetId, &str) {
        (
            self.step_seconds.is_some(),
            &self.published_on,
            &self.version,
            &self.set,
            &self.detail.row,
        )
    }
}

fn is_date(text: &str) -> bool {
    let digits = text.as_bytes();
    if digits.len() != 10 || digits[4] != b'-' || digits[7] != b'-' {
        return false;
    }
    // A sign would read as a number too.
    if digits
        .iter()
        .enumerate()
        .any(|(place, digit)| ![4, 7].contains(&place) && !digit.is_ascii_digit())
    {
        return false;
    }
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    let (Some(_), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    (1..=12).contains(&month) && (1..=31).contains(&day)
}
