//! Published emission factors, and which of them prices an hour.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    FactorSetId, FactorUnit, FactorValue, SECONDS_PER_HOUR, UnixSeconds, event_id,
};
use uuid::Uuid;

use crate::books::{FactorMark, FactorUse};
use crate::fact::Origin;

/// An hourly series has at most this many values: a leap year.
pub const MOST_VALUES: usize = 8_784;
/// Longest text of a descriptive field in bytes.
pub const LONGEST_TEXT_BYTES: usize = 500;

/// Half of the 95 % interval of a grid's average where its publisher gives none: 10 % (worked example of the project's carbon
/// accounting note, section 4.1).
pub const GRID_U95_PPM: u32 = 100_000;

/// What factors tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorKind {
    /// Average of the grid's generation: location-based scope 2 (GHG Protocol Scope 2 Guidance, chapter 6).
    GridAverage,
    /// What one kWh more or less changes in the grid's emissions; prices the avoided book. The only kind that may be negative.
    GridMarginal,
    /// Average of what is left in the grid once claimed attributes are taken out: market-based, where nothing better covers.
    ResidualMix,
    /// Electricity bought under a contract that conveys its attributes.
    Contract,
    /// Rate of the supplier, with retired attributes only.
    Supplier,
    /// Emissions of what transmission and distribution lose per kWh taken: scope 3, category 3.
    GridLosses,
    /// Emissions upstream of the power plants per kWh taken: scope 3, category 3.
    ElectricityUpstream,
}

impl FactorKind {
    /// All kinds, in order.
    pub const ALL: [FactorKind; 7] = [
        FactorKind::GridAverage,
        FactorKind::GridMarginal,
        FactorKind::ResidualMix,
        FactorKind::Contract,
        FactorKind::Supplier,
        FactorKind::GridLosses,
        FactorKind::ElectricityUpstream,
    ];

    /// From its token.
    pub fn parse(token: &str) -> Option<FactorKind> {
        FactorKind::ALL
            .into_iter()
            .find(|kind| kind.token() == token)
    }

    /// The token.
    pub fn token(self) -> &'static str {
        match self {
            FactorKind::GridAverage => "grid_average",
            FactorKind::GridMarginal => "grid_marginal",
            FactorKind::ResidualMix => "residual_mix",
            FactorKind::Contract => "contract",
            FactorKind::Supplier => "supplier",
            FactorKind::GridLosses => "grid_losses",
            FactorKind::ElectricityUpstream => "electricity_upstream",
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
        ] {
            if text.is_empty() || text.len() > longest {
                return invalid(
                    field,
                    format!("it has {} bytes; write 1 to {longest}", text.len()),
                );
            }
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

    /// Id of the event that publishes it: the same content always gets the same id.
    pub fn event_id(&self, park: &str) -> Uuid {
        let mut values = Vec::with_capacity(self.values.len() * 8);
        for value in &self.values {
            values.extend_from_slice(&value.to_le_bytes());
        }
        event_id(&[
            b"terrarium.carbon.factor-set",
            park.as_bytes(),
            self.set.as_str().as_bytes(),
            self.version.as_bytes(),
            self.publisher.as_bytes(),
            self.region.as_bytes(),
            self.kind.token().as_bytes(),
            self.unit.token().as_bytes(),
            &self.valid_from.0.to_le_bytes(),
            &self.valid_to.0.to_le_bytes(),
            self.published_on.as_bytes(),
            self.source.as_bytes(),
            &self.scale.to_le_bytes(),
            &self.step_seconds.unwrap_or(0).to_le_bytes(),
            &values,
        ])
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
    fn precedence(&self) -> (bool, &str, &str, &FactorSetId) {
        (
            self.step_seconds.is_some(),
            &self.published_on,
            &self.version,
            &self.set,
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

/// A factor row that prices an hour.
#[derive(Clone, Debug)]
pub struct FactorRow {
    /// The set.
    pub set: Arc<FactorSet>,
    /// Row in it, from 0.
    pub row: usize,
    /// Event that published it.
    pub origin: Origin,
}

impl FactorRow {
    /// Value of the row.
    pub fn value(&self) -> FactorValue {
        self.set.value(self.row)
    }

    /// As postings name it. All values of a series share one key: they share their publisher's error.
    pub fn used(&self) -> FactorUse {
        FactorUse {
            key: format!("{}/{}", self.set.set, self.set.version),
            mark: FactorMark::Default,
            u95_ppm: GRID_U95_PPM,
        }
    }
}

/// All factor sets of a park.
#[derive(Default)]
pub struct FactorBook {
    sets: BTreeMap<(FactorSetId, String), (Arc<FactorSet>, Origin)>,
    /// By kind and region, those before others first.
    ranked: BTreeMap<FactorKind, BTreeMap<String, Vec<(Arc<FactorSet>, Origin)>>>,
}

impl FactorBook {
    /// Takes in a set.
    pub fn publish(&mut self, set: Arc<FactorSet>, origin: Origin) {
        let key = (set.set.clone(), set.version.clone());
        if let Some((replaced, _)) = self.sets.insert(key, (Arc::clone(&set), origin)) {
            let ranked = self
                .ranked
                .get_mut(&replaced.kind)
                .and_then(|regions| regions.get_mut(&replaced.region));
            if let Some(ranked) = ranked {
                ranked.retain(|(known, _)| !Arc::ptr_eq(known, &replaced));
            }
        }
        let ranked = self
            .ranked
            .entry(set.kind)
            .or_default()
            .entry(set.region.clone())
            .or_default();
        let place = ranked.partition_point(|(known, _)| known.precedence() > set.precedence());
        ranked.insert(place, (set, origin));
    }

    /// Sets in order of id and version.
    pub fn sets(&self) -> impl Iterator<Item = &(Arc<FactorSet>, Origin)> {
        self.sets.values()
    }

    /// Number of sets.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether nothing was published.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The row that prices an hour in a region, as known at a position: of all that hold at its start an hourly series before
    /// a constant, then the latest publication, then the greatest version, then the greatest id.
    pub fn row(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<FactorRow> {
        let (set, row, origin) = self.find(region, kind, hour_start, known_at)?;
        Some(FactorRow {
            set: Arc::clone(set),
            row,
            origin,
        })
    }

    /// Value of the row that prices an hour.
    pub fn value(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<FactorValue> {
        let (set, row, _) = self.find(region, kind, hour_start, known_at)?;
        Some(set.value(row))
    }

    /// Event that published the row that prices an hour.
    pub fn winner(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<Origin> {
        let (_, _, origin) = self.find(region, kind, hour_start, known_at)?;
        Some(origin)
    }

    fn find(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<(&Arc<FactorSet>, usize, Origin)> {
        self.ranked
            .get(&kind)?
            .get(region)?
            .iter()
            .filter(|(_, origin)| origin.position <= known_at)
            .find_map(|(set, origin)| Some((set, set.row_at(hour_start)?, *origin)))
    }
}
