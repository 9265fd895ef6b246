//! Published emission factors, and which of them prices an hour or an activity.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    ActivityUnit, FactorSetId, FactorUnit, FactorValue, Gas, ParameterUnit, SECONDS_PER_HOUR,
    UnixSeconds, event_id,
};
use uuid::Uuid;

use crate::books::{AsOf, FactorMark, FactorUse};
use crate::fact::Origin;

/// An hourly series has at most this many values: a leap year.
pub const MOST_VALUES: usize = 8_784;
/// Longest text of a descriptive field in bytes.
pub const LONGEST_TEXT_BYTES: usize = 500;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $token:literal,)+) => {
        /// What factors tell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FactorKind {
            $($(#[$doc])* $kind,)+
        }

        impl FactorKind {
            /// All kinds.
            pub const ALL: &[FactorKind] = &[$(FactorKind::$kind,)+];

            /// From its token.
            pub fn parse(token: &str) -> Option<FactorKind> {
                match token {
                    $($token => Some(FactorKind::$kind),)+
                    _ => None,
                }
            }

            /// The token.
            pub fn token(self) -> &'static str {
                match self {
                    $(FactorKind::$kind => $token,)+
                }
            }
        }
    };
}

kinds! {
    /// Average of the grid's generation: location-based scope 2 (GHG Protocol Scope 2 Guidance, chapter 6).
    GridAverage "grid_average",
    /// What is left of the grid when contractual instruments are taken out: market-based scope 2.
    ResidualMix "residual_mix",
    /// Fossil generation of the grid alone: a crude upper bound of the margin.
    FossilOnly "fossil_only",
    /// Operating margin of a grid (CDM tool 07.0); avoided book only.
    OperatingMargin "operating_margin",
    /// Build margin of a grid (CDM tool 07.0); avoided book only.
    BuildMargin "build_margin",
    /// Weighed operating and build margin; avoided book only.
    CombinedMargin "combined_margin",
    /// What an emission trading scheme prescribes; never in one series with an average.
    TradingScheme "trading_scheme",
    /// Life cycle of electricity, generation included.
    ElectricityLifeCycle "electricity_life_cycle",
    /// What one more kWh of the grid emits, hour by hour; may be below zero.
    GridMarginal "grid_marginal",
    /// By contract with a plant or supplier: market-based scope 2.
    Contract "contract",
    /// A supplier's own mix: market-based scope 2.
    Supplier "supplier",
    /// Losses of transmission and distribution (scope 3 category 3).
    GridLosses "grid_losses",
    /// Upstream of electricity: fuels, transmission and distribution (scope 3 category 3).
    ElectricityUpstream "electricity_upstream",
    /// Purchased heat.
    Heat "heat",
    /// Burning a fuel.
    Fuel "fuel",
    /// What a fuel is like: calorific value, carbon content, oxidised share, density.
    FuelProperty "fuel_property",
    /// Making and bringing a fuel (scope 3 category 3).
    FuelUpstream "fuel_upstream",
    /// Standard coal equivalent of an energy carrier.
    CoalEquivalent "coal_equivalent",
    /// Water supply or treatment, where only carbon is published.
    Water "water",
    /// Energy of water.
    WaterEnergy "water_energy",
    /// Waste by stream and route.
    Waste "waste",
    /// CO2 of living origin of a waste route: a memo.
    WasteBiogenic "waste_biogenic",
    /// Parameters of first-order decay.
    Decay "decay",
    /// Composting and digestion.
    Compost "compost",
    /// Carrying goods and people.
    Transport "transport",
    /// Making a material (modules A1 to A3).
    Material "material",
    /// Uptake of trees and green.
    Tree "tree",
    /// What a refrigerant is made of, by mass.
    Refrigerant "refrigerant",
    /// Share of a charge that leaks in a year.
    RefrigerantLeak "refrigerant_leak",
    /// Industrial processes.
    Process "process",
    /// Warming potential of a gas.
    WarmingPotential "warming_potential",
}

impl FactorKind {
    /// Whether it is per kWh of electricity, so that hours are priced with it.
    pub fn is_of_electricity(self) -> bool {
        matches!(
            self,
            FactorKind::GridAverage
                | FactorKind::ResidualMix
                | FactorKind::FossilOnly
                | FactorKind::OperatingMargin
                | FactorKind::BuildMargin
                | FactorKind::CombinedMargin
                | FactorKind::TradingScheme
                | FactorKind::ElectricityLifeCycle
                | FactorKind::ElectricityUpstream
                | FactorKind::GridMarginal
                | FactorKind::Contract
                | FactorKind::Supplier
                | FactorKind::GridLosses
        )
    }

    /// Whether it is of use in the avoided book only.
    pub fn is_marginal(self) -> bool {
        matches!(
            self,
            FactorKind::OperatingMargin
                | FactorKind::BuildMargin
                | FactorKind::CombinedMargin
                | FactorKind::GridMarginal
        )
    }

    /// What such a factor may be per, and of which gas, in words; `None` if the unit fits.
    pub fn refuses_unit(self, unit: FactorUnit) -> Option<&'static str> {
        let is_energy = |per: ActivityUnit| {
            matches!(
                per,
                ActivityUnit::KilowattHour
                    | ActivityUnit::Megajoule
                    | ActivityUnit::Gigajoule
                    | ActivityUnit::Terajoule
                    | ActivityUnit::TonneCoalEquivalent
            )
        };
        let fits = match (self, unit) {
            (kind, FactorUnit::Emission { gas, per }) if kind.is_of_electricity() => {
                if per == ActivityUnit::KilowattHour && matches!(gas, Gas::Co2 | Gas::Co2e) {
                    return None;
                }
                return Some("electricity is priced in kgCO2/kWh or kgCO2e/kWh");
            }
            (FactorKind::FuelProperty, FactorUnit::Parameter(parameter)) => matches!(
                parameter,
                ParameterUnit::GigajoulePerTonne
                    | ParameterUnit::MegajoulePerNormalCubicMetre
                    | ParameterUnit::KilogramCarbonPerGigajoule
                    | ParameterUnit::KilogramPerLitre
                    | ParameterUnit::Fraction
            ),
            (FactorKind::WaterEnergy, FactorUnit::Parameter(parameter)) => {
                parameter == ParameterUnit::KilowattHourPerCubicMetre
            }
            (FactorKind::Decay, FactorUnit::Parameter(parameter)) => {
                matches!(parameter, ParameterUnit::Fraction | ParameterUnit::PerYear)
            }
            (FactorKind::RefrigerantLeak, FactorUnit::Parameter(parameter)) => {
                parameter == ParameterUnit::PerYear
            }
            (FactorKind::CoalEquivalent, FactorUnit::Parameter(parameter)) => matches!(
                parameter,
                ParameterUnit::KgcePerKilowattHour
                    | ParameterUnit::KgcePerMegajoule
                    | ParameterUnit::KgcePerKilogram
                    | ParameterUnit::KgcePerCubicMetre
            ),
            (FactorKind::Heat, FactorUnit::Emission { per, .. }) => is_energy(per),
            (FactorKind::Transport, FactorUnit::Emission { per, .. }) => matches!(
                per,
                ActivityUnit::Kilometre
                    | ActivityUnit::TonneKilometre
                    | ActivityUnit::PassengerKilometre
            ),
            (FactorKind::Tree, FactorUnit::Emission { gas, per }) => {
                gas == Gas::Co2 && matches!(per, ActivityUnit::TreeYear | ActivityUnit::HectareYear)
            }
            (
                FactorKind::Refrigerant | FactorKind::WarmingPotential,
                FactorUnit::Emission { per, .. },
            ) => per == ActivityUnit::Kilogram,
            (FactorKind::WasteBiogenic, FactorUnit::Emission { gas, .. }) => gas == Gas::Co2,
            (
                FactorKind::FuelProperty
                | FactorKind::WaterEnergy
                | FactorKind::Decay
                | FactorKind::RefrigerantLeak
                | FactorKind::CoalEquivalent,
                FactorUnit::Emission { .. },
            ) => false,
            (_, FactorUnit::Emission { .. }) => true,
            (_, FactorUnit::Parameter(_)) => false,
        };
        (!fits).then_some(match self {
            FactorKind::FuelProperty => "a fuel's property is in GJ/t, MJ/Nm3, kgC/GJ, kg/L or 1",
            FactorKind::WaterEnergy => "energy of water is in kWh/m3",
            FactorKind::Decay => "parameters of decay are in 1 or 1/yr",
            FactorKind::RefrigerantLeak => "leaks are in 1/yr",
            FactorKind::CoalEquivalent => {
                "coal equivalents are in kgce/kWh, kgce/MJ, kgce/kg or kgce/m3"
            }
            FactorKind::Heat => "heat is priced in kg<gas> per kWh, MJ, GJ, TJ or tce",
            FactorKind::Transport => "transport is priced in kg<gas> per km, tkm or pkm",
            FactorKind::Tree => "uptake is in kgCO2/tree.yr or kgCO2/ha.yr",
            FactorKind::Refrigerant => "a refrigerant's parts are in kg<gas>/kg",
            FactorKind::WarmingPotential => "warming potentials are in kgCO2e/kg",
            FactorKind::WasteBiogenic => "the memo of living origin is in kgCO2 per unit of waste",
            _ => "emission factors are in kg<gas> per unit of activity",
        })
    }
}

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
    fn precedence(&self) -> (bool, &str, &str, &FactorSetId, &str) {
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

/// A factor row that prices an hour or an activity.
#[derive(Clone, Debug)]
pub struct FactorRow {
    /// The set, or the row of a table.
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
            key: self.set.key(),
            mark: self.set.detail.mark,
            u95_ppm: self.set.detail.u95_ppm,
        }
    }
}

/// What is asked of the factors.
#[derive(Clone, Copy, Debug)]
pub struct FactorQuery<'a> {
    /// What they should tell.
    pub kind: FactorKind,
    /// What is priced.
    pub subject: &'a str,
    /// Unit, if only this one is of use.
    pub unit: Option<FactorUnit>,
    /// Regions, best first.
    pub regions: &'a [String],
    /// Only of this set, if one is pinned.
    pub set: Option<&'a str>,
}

type RowKey = (FactorSetId, String, String);
type Published = (Arc<FactorSet>, Origin);

/// All factor sets of a park, and the rows of all tables.
#[derive(Default)]
pub struct FactorBook {
    /// By kind and region.
    sets: BTreeMap<FactorKind, BTreeMap<String, BTreeMap<RowKey, Published>>>,
    count: usize,
    /// Those of electricity that hours are priced with, by kind and region, those that go before others first.
    ranked: BTreeMap<FactorKind, BTreeMap<String, Vec<Published>>>,
}

impl FactorBook {
    /// Takes in a set, or a row of a table.
    pub fn publish(&mut self, set: Arc<FactorSet>, origin: Origin) {
        let key = (set.set.clone(), set.version.clone(), set.detail.row.clone());
        let of_region = self
            .sets
            .entry(set.kind)
            .or_default()
            .entry(set.region.clone())
            .or_default();
        let replaced = of_region.insert(key, (Arc::clone(&set), origin));
        self.count += usize::from(replaced.is_none());
        if !set.kind.is_of_electricity() {
            return;
        }
        let ranked = self
            .ranked
            .entry(set.kind)
            .or_default()
            .entry(set.region.clone())
            .or_default();
        if let Some((replaced, _)) = replaced {
            ranked.retain(|(known, _)| !Arc::ptr_eq(known, &replaced));
        }
        let place = ranked.partition_point(|(known, _)| known.precedence() > set.precedence());
        ranked.insert(place, (set, origin));
    }

    /// Sets in order of kind, region, id, version and row.
    pub fn sets(&self) -> impl Iterator<Item = &(Arc<FactorSet>, Origin)> {
        self.sets
            .values()
            .flat_map(|regions| regions.values())
            .flat_map(|sets| sets.values())
    }

    /// Number of sets and rows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was published.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The row that prices an hour in a region: of all that hold at its start an hourly series before a constant, then
    /// the latest publication, then the greatest version, then the greatest id.
    pub fn row(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
    ) -> Option<FactorRow> {
        self.row_as_of(region, kind, hour_start, AsOf::default())
    }

    /// [`FactorBook::row`], of what was known then.
    pub fn row_as_of(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        as_of: AsOf,
    ) -> Option<FactorRow> {
        best(self.of(kind, region), hour_start, as_of)
    }

    /// Value of the row of electricity that prices an hour, as known at a position.
    pub fn value(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<FactorValue> {
        let (set, row, _) = self.first(region, kind, hour_start, known_at)?;
        Some(set.value(row))
    }

    /// The row of electricity that prices an hour, as known at a position.
    pub fn row_known_at(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
        known_at: u64,
    ) -> Option<FactorRow> {
        let (set, row, origin) = self.first(region, kind, hour_start, known_at)?;
        Some(FactorRow {
            set: Arc::clone(set),
            row,
            origin,
        })
    }

    /// Event that published the row of electricity that prices an hour.
    pub fn winner(
        &self,
        region: &str,
        kind: FactorKind,
        hour_start: UnixSeconds,
    ) -> Option<Origin> {
        let (_, _, origin) = self.first(region, kind, hour_start, u64::MAX)?;
        Some(origin)
    }

    fn first(
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

    /// The row that prices an activity: of the first region that has one the same order as [`FactorBook::row`].
    pub fn find(
        &self,
        query: &FactorQuery<'_>,
        instant: UnixSeconds,
        as_of: AsOf,
    ) -> Option<FactorRow> {
        query.regions.iter().find_map(|region| {
            let fitting = self
                .of(query.kind, region)
                .filter(|(set, _)| query.fits(set));
            best(fitting, instant, as_of)
        })
    }

    /// All rows that fit, whatever their time and region, in order.
    pub fn all<'a>(
        &'a self,
        kind: FactorKind,
        subject: &'a str,
    ) -> impl Iterator<Item = &'a (Arc<FactorSet>, Origin)> {
        self.sets
            .get(&kind)
            .into_iter()
            .flat_map(|regions| regions.values())
            .flat_map(|sets| sets.values())
            .filter(move |(set, _)| set.detail.subject == subject)
    }

    fn of(&self, kind: FactorKind, region: &str) -> impl Iterator<Item = &Published> {
        self.sets
            .get(&kind)
            .and_then(|regions| regions.get(region))
            .into_iter()
            .flat_map(|sets| sets.values())
    }
}

impl FactorQuery<'_> {
    fn fits(&self, set: &FactorSet) -> bool {
        set.detail.subject == self.subject
            && self.unit.is_none_or(|unit| set.unit == unit)
            && self.set.is_none_or(|id| set.set.as_str() == id)
    }
}

fn best<'a>(
    candidates: impl Iterator<Item = &'a Published>,
    instant: UnixSeconds,
    as_of: AsOf,
) -> Option<FactorRow> {
    candidates
        .filter(|(_, origin)| as_of.knows(origin.position))
        .filter_map(|(set, origin)| set.row_at(instant).map(|row| (set, row, origin)))
        .max_by(|(one, ..), (other, ..)| one.precedence().cmp(&other.precedence()))
        .map(|(set, row, origin)| FactorRow {
            set: Arc::clone(set),
            row,
            origin: *origin,
        })
}
