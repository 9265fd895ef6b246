//! What all methods work with: factors by region, the attribution, and the making of lines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    ActivityUnit, AmountUnit, FactorUnit, Gas, ParameterUnit, ParkDefinition, UnixSeconds,
};

use super::super::activity_book::ActivityBook;
use super::super::attribution::{Profile, place};
use super::super::exact::Exact;
use super::super::fact::{Activity, ActivityKind};
use super::super::worked::{Quantity, Step, Unpriced, Worked};
use crate::books::{AsOf, Basis, CarbonBook, Detail, MethodId, Posting};
use crate::factor_book::{FactorBook, FactorKind, FactorQuery, FactorRow};
use crate::gas::GasMasses;

/// Milligrams of a kilogram.
pub(super) const MG_PER_KG: i64 = 1_000_000;

/// Where activities become lines: the books of one park, as known at a moment.
pub struct Workbench<'a> {
    pub(super) definition: &'a ParkDefinition,
    pub(super) factors: &'a FactorBook,
    pub(super) book: &'a ActivityBook,
    pub(super) as_of: AsOf,
    /// Whether the steps are written down.
    pub(super) explains: bool,
    grid: RefCell<BTreeMap<i64, Option<FactorRow>>>,
    profiles: RefCell<BTreeMap<i64, Arc<Profile>>>,
}

/// Everything that makes a line but the activity.
pub(super) struct Line {
    pub book: CarbonBook,
    /// Rule of the attribution; `None`: outside of inventories.
    pub rule: Option<&'static str>,
    /// What was done.
    pub label: String,
    pub method: MethodId,
    pub gases: GasMasses,
    pub rows: Vec<FactorRow>,
    pub detail: Detail,
    pub steps: Vec<Step>,
}

impl<'a> Workbench<'a> {
    /// A bench for a park; with `explains` lines carry the steps that led to them.
    pub fn new(
        definition: &'a ParkDefinition,
        factors: &'a FactorBook,
        book: &'a ActivityBook,
        as_of: AsOf,
        explains: bool,
    ) -> Workbench<'a> {
        Workbench {
            definition,
            factors,
            book,
            as_of,
            explains,
            grid: RefCell::default(),
            profiles: RefCell::default(),
        }
    }

    /// The lines of an activity, or why there are none.
    pub fn work(&self, activity: &Activity, told_at: &[u64]) -> Result<Vec<Worked>, Unpriced> {
        let lines = match activity.kind {
            ActivityKind::Water | ActivityKind::WasteWater => self.water(activity),
            ActivityKind::Waste => self.waste(activity),
            ActivityKind::Compost => self.compost(activity),
            ActivityKind::FuelBurnt | ActivityKind::FuelDriven => self.combustion(activity),
            ActivityKind::RefrigerantLost => self.refrigerant_lost(activity),
            ActivityKind::RefrigerantHeld => self.refrigerant_held(activity),
            ActivityKind::GasReleased => self.gas_released(activity),
            ActivityKind::Process => self.priced(
                activity,
                FactorKind::Process,
                CarbonBook::Emission,
                Detail::None,
            ),
            ActivityKind::Heat => self.priced(
                activity,
                FactorKind::Heat,
                CarbonBook::Emission,
                Detail::None,
            ),
            ActivityKind::Freight
            | ActivityKind::FreightOut
            | ActivityKind::BusinessTravel
            | ActivityKind::Commuting
            | ActivityKind::VisitorTravel => self.priced(
                activity,
                FactorKind::Transport,
                CarbonBook::Emission,
                Detail::None,
            ),
            ActivityKind::Material => self.material(activity),
        };
        let lines = lines.map_err(|problem| {
            Unpriced::new(
                format!("{} {}", activity.kind.token(), activity.subject),
                &activity.asset,
                activity.interval,
                problem,
            )
        })?;
        Ok(lines
            .into_iter()
            .map(|line| self.line_of(activity, told_at, line))
            .collect())
    }

    /// How activities of an instant are accounted for.
    pub(super) fn profile(&self, instant: UnixSeconds) -> Arc<Profile> {
        let decided = self.book.profile_at(instant, self.as_of);
        let key = decided.map_or(i64::MIN, |decided| i64::from(decided.version));
        Arc::clone(
            self.profiles
                .borrow_mut()
                .entry(key)
                .or_insert_with(|| Arc::new(Profile::new(self.definition, decided))),
        )
    }

    /// A row that prices something at an instant.
    pub(super) fn find(
        &self,
        kind: FactorKind,
        subject: &str,
        unit: Option<FactorUnit>,
        instant: UnixSeconds,
    ) -> Option<FactorRow> {
        let profile = self.profile(instant);
        let query = FactorQuery {
            kind,
            subject,
            unit,
            regions: profile.regions(),
            set: profile.pinned_set(kind.token()),
        };
        self.factors.find(&query, instant, self.as_of)
    }

    /// A parameter of something at an instant.
    pub(super) fn parameter(
        &self,
        kind: FactorKind,
        subject: &str,
        unit: ParameterUnit,
        instant: UnixSeconds,
    ) -> Option<FactorRow> {
        self.find(kind, subject, Some(FactorUnit::Parameter(unit)), instant)
    }

    /// The rows of all gases of one source that an amount can be priced with: gases kept apart before their sum, and all from the
    /// set of the first.
    pub(super) fn gas_rows(
        &self,
        kind: FactorKind,
        subject: &str,
        unit: AmountUnit,
        instant: UnixSeconds,
    ) -> Vec<FactorRow> {
        let pers = || {
            ActivityUnit::ALL
                .iter()
                .filter(|per| unit.in_units_of(**per).is_some())
        };
        let row_of = |gas: Gas| {
            pers().find_map(|per| {
                let unit = FactorUnit::Emission { gas, per: *per };
                self.find(kind, subject, Some(unit), instant)
            })
        };
        let mut rows: Vec<FactorRow> = Vec::new();
        for gas in Gas::ALL.into_iter().filter(|gas| *gas != Gas::Co2e) {
            let Some(row) = row_of(gas) else { continue };
            if rows
                .first()
                .is_none_or(|first| first.set.set == row.set.set)
            {
                rows.push(row);
            }
        }
        if rows.is_empty() {
            rows.extend(row_of(Gas::Co2e));
        }
        rows
    }

    /// The grid's average factor of an hour.
    pub(super) fn grid_row(&self, hour_start: UnixSeconds) -> Option<FactorRow> {
        self.grid
            .borrow_mut()
            .entry(hour_start.0)
            .or_insert_with(|| self.find(FactorKind::GridAverage, "electricity", None, hour_start))
            .clone()
    }

    /// A line of an activity times the published factors of each gas.
    pub(super) fn priced(
        &self,
        activity: &Activity,
        kind: FactorKind,
        book: CarbonBook,
        detail: Detail,
    ) -> Result<Vec<Line>, String> {
        let rows = self.gas_rows(
            kind,
            &activity.subject,
            activity.unit,
            activity.interval.start,
        );
        if rows.is_empty() {
            return Err(no_factor(kind, &activity.subject, activity.unit));
        }
        let mut gases = GasMasses::NONE;
        let mut steps = Vec::new();
        for row in &rows {
            let (gas, mg) = self.emission(activity.amount, activity.unit, row, &mut steps)?;
            gases.add(gas, mg);
        }
        Ok(vec![Line {
            book,
            rule: Some(activity.kind.token()),
            label: label_of(activity),
            method: MethodId {
                token: "activity-factor",
                version: 1,
            },
            gases,
            rows,
            detail,
            steps,
        }])
    }

    /// amount x factor, rounded once to milligrams.
    pub(super) fn emission(
        &self,
        amount: i64,
        unit: AmountUnit,
        row: &FactorRow,
        steps: &mut Vec<Step>,
    ) -> Result<(Gas, i64), String> {
        let FactorUnit::Emission { gas, per } = row.set.unit else {
            return Err(format!("row {} is no emission factor", row.set.key()));
        };
        let mg = unit
            .in_units_of(per)
            .and_then(|(numerator, denominator)| Exact::fraction(numerator, denominator))
            .and_then(|step| step.times(Exact::whole(amount)))
            .and_then(|amount| amount.times(Exact::decimal(row.value())?))
            .and_then(|kilograms| kilograms.times(Exact::whole(MG_PER_KG)))
            .and_then(Exact::rounded)
            .ok_or_else(out_of_range)?;
        if self.explains {
            steps.push(Step {
                formula: "mass = round_half_even(amount x factor)".to_owned(),
                inputs: vec![
                    Quantity::new("amount", amount, unit),
                    Quantity::new(&row.set.key(), row.value(), row.set.unit),
                ],
                output: Quantity::new(&format!("mass of {gas}"), mg, "mg"),
            });
        }
        Ok((gas, mg))
    }

    pub(super) fn line_of(&self, activity: &Activity, told_at: &[u64], line: Line) -> Worked {
        let place = line.rule.map(place);
        let mut factors: Vec<_> = line.rows.iter().map(FactorRow::used).collect();
        factors.sort();
        factors.dedup();
        Worked {
            posting: Posting {
                book: line.book,
                asset: activity.asset.clone(),
                party: activity.party.clone(),
                scope: place.map(|place| place.scope),
                iso_category: place.map(|place| place.iso_category),
                basis: Basis::Both,
                activity: line.label,
                interval: activity.interval,
                amount: activity.amount,
                unit: activity.unit.token(),
                method: line.method,
                factors,
                gases: line.gases,
                activity_u95_ppm: activity.u95_ppm,
                tier: activity.tier,
                detail: line.detail,
            },
            name: activity.name.clone(),
            rows: line.rows,
            told_at: told_at.to_vec(),
            source: activity.source.clone(),
            evidence: activity.evidence.into_iter().collect(),
            steps: line.steps,
        }
    }
}

/// As lines name an activity: what was done, and behind a colon with what: "diesel", "diesel:vehicle", "water:tap-water",
/// "waste:residual-landfill".
pub(super) fn label_of(activity: &Activity) -> String {
    let subject = activity.subject.replace('/', "-");
    let done = match activity.kind {
        ActivityKind::FuelBurnt => return subject,
        ActivityKind::FuelDriven => return format!("{subject}:vehicle"),
        ActivityKind::Heat => return "heat-import".to_owned(),
        ActivityKind::RefrigerantLost | ActivityKind::RefrigerantHeld => "refrigerant-loss",
        ActivityKind::Process => "industrial-process",
        kind => kind.token(),
    };
    format!("{done}:{subject}")
}

pub(super) fn no_factor(kind: FactorKind, subject: &str, unit: AmountUnit) -> String {
    format!(
        "no factor of kind {} prices \"{subject}\" in {unit} in the park's regions at that time; publish one with `terrarium import \
         factors`",
        kind.token()
    )
}

pub(super) fn out_of_range() -> String {
    "the product is beyond 64 bits of milligrams; check amount and unit".to_owned()
}
