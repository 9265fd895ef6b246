//! What moved the figures of a closed period: restatement entries with both values.
//!
//! Nothing is overwritten: both values of an entry are the books as known at two positions of the record, and can be asked for
//! again at any time. Readings of one reason that follow each other make one entry; each release of factors, method and boundary
//! makes its own.
//!
//! Figures as known at a position stay what they are, whatever is recorded after it. So a [`RestatementPlan`] says which figures
//! are needed, each can be worked out and kept by itself, and the entries are made of them at the end: whoever serves live
//! books need not hold them still all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_model::{TimeZone, UnixSeconds};

use crate::accounts::periods::ReportingPeriod;
use crate::books::{AsOf, Basis, Books, CarbonBook, FactorMark, FactorUse};
use crate::claims::boundary::{Boundary, Place, share};
use crate::claims::policy::Policy;
use crate::fact::{PeriodStep, RestatementReason};
use crate::gas::{GwpSet, NoPotential};
use crate::park_ledger::Period;
use crate::view::View;

/// Threshold where the park has decided none: 5 %, as in common use with the GHG Protocol and SBTi.
pub const USUAL_MATERIALITY_PERMILLE: u32 = 50;

/// Facts of one reason that moved a closed period's figures one after the other, or might have: through what a store carried over,
/// or what a certificate of several months stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Why.
    pub reason: RestatementReason,
    /// Position of the first.
    pub first: u64,
    /// Position of the last.
    pub last: u64,
    /// How many.
    pub facts: u64,
}

/// Figures of a period, as known at a position: what of the books is within the boundary that the park had decided by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The position.
    pub known_at: u64,
    /// Emissions with scope 2 location-based, mg of CO2 equivalent.
    pub location_mg: i64,
    /// Emissions with scope 2 market-based, mg of CO2 equivalent.
    pub market_mg: i64,
    /// The avoided book, mg of CO2 equivalent; never netted.
    pub avoided_mg: i64,
    /// The removal book less its reversals, mg of CO2 equivalent.
    pub removal_mg: i64,
    /// The embodied book, mg of CO2 equivalent.
    pub embodied_mg: i64,
    /// SHA-256 of the whole books of the period.
    pub books_sha256: [u8; 32],
}

impl Figures {
    /// Sums up what of the books is within a boundary.
    pub fn of(books: &Books, boundary: &Boundary, gwp: GwpSet) -> Result<Figures, NoPotential> {
        let mut figures = Figures {
            known_at: books.as_of.known_at.unwrap_or(u64::MAX),
            location_mg: 0,
            market_mg: 0,
            avoided_mg: 0,
            removal_mg: 0,
            embodied_mg: 0,
            books_sha256: books.sha256(),
        };
        for posting in &books.postings {
            let Place::In(_, share_ppm) = boundary.place(posting) else {
                continue;
            };
            let mg = share(posting.gases.co2e_mg(gwp)?, share_ppm);
            match posting.book {
                CarbonBook::Emission => {
                    if posting.basis != Basis::Market {
                        figures.location_mg += mg;
                    }
                    if posting.basis != Basis::Location {
                        figures.market_mg += mg;
                    }
                }
                CarbonBook::Avoided => figures.avoided_mg += mg,
                CarbonBook::Removal => {
                    let is_reversal = matches!(
                        posting.detail,
                        crate::books::Detail::Removal { reversal: true, .. }
                    );
                    figures.removal_mg += if is_reversal { -mg } else { mg };
                }
                CarbonBook::Embodied => figures.embodied_mg += mg,
                CarbonBook::Biogenic | CarbonBook::Instrument => {}
            }
        }
        Ok(figures)
    }

    /// Whether anything is different, whenever either was known.
    fn differs_from(&self, other: &Figures) -> bool {
        Figures {
            known_at: other.known_at,
            ..*self
        } != *other
    }

    /// Whether any figure has moved by so many thousandths or more.
    pub fn has_moved(&self, since: &Figures, permille: u32) -> bool {
        [
            (since.location_mg, self.location_mg),
            (since.market_mg, self.market_mg),
            (since.avoided_mg, self.avoided_mg),
            (since.removal_mg, self.removal_mg),
            (since.embodied_mg, self.embodied_mg),
        ]
        .into_iter()
        .any(|(before, after)| {
            let moved = (i128::from(after) - i128::from(before)).abs();
            moved > 0 && moved * 1_000 >= i128::from(before).abs() * i128::from(permille)
        })
    }
}

/// A change of what was reported of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restatement {
    /// Id of the period.
    pub period: Arc<str>,
    /// 1 for what moved it first since the period was closed; what moved nothing after all has its number too, and no entry.
    pub number: u32,
    /// What moved it.
    pub run: Run,
    /// Just before the first fact.
    pub before: Figures,
    /// With the last.
    pub after: Figures,
    /// By how much the base year's location-based total moved; `None`: no base year was set, or the period is outside of it.
    pub base_year_effect_mg: Option<i64>,
    /// Threshold that was in force, thousandths.
    pub materiality_permille: u32,
    /// Whether any figure moved by that much or more.
    pub is_material: bool,
    /// Position of the person's restatement that took it over; `None`: nobody has yet.
    pub taken_over_at: Option<u64>,
}

/// What may have moved a period, and which figures tell whether it did.
#[derive(Clone, Debug)]
pub struct RestatementPlan {
    /// The period.
    pub reporting: ReportingPeriod,
    steps: Vec<PlannedStep>,
    /// More was recorded than was asked for: to go on, ask for what came after this position.
    pub more_after: Option<u64>,
}

#[derive(Clone, Debug)]
struct PlannedStep {
    number: u32,
    run: Run,
    base_year: Option<Period>,
    materiality_permille: u32,
}

impl PlannedStep {
    /// Positions before and after it.
    fn positions(&self) -> [u64; 2] {
        [self.run.first.saturating_sub(1), self.run.last]
    }
}

impl RestatementPlan {
    /// Figures that are needed: of a period, as known at a position.
    pub fn needed(&self) -> BTreeSet<(Period, u64)> {
        let mut needed = BTreeSet::new();
        for step in &self.steps {
            for position in step.positions() {
                needed.insert((self.reporting.period, position));
                needed.extend(step.base_year.map(|year| (year, position)));
            }
        }
        needed
    }

    /// The entries, made of those figures. A step without its figures has no entry.
    pub fn entries(&self, figures: &BTreeMap<(Period, u64), Figures>) -> Vec<Restatement> {
        self.steps
            .iter()
            .filter_map(|step| self.entry(step, figures))
            .collect()
    }

    fn entry(
        &self,
        step: &PlannedStep,
        figures: &BTreeMap<(Period, u64), Figures>,
    ) -> Option<Restatement> {
        let period = self.reporting.period;
        let of = |period: Period| {
            let [before, after] = step.positions();
            Some((
                *figures.get(&(period, before))?,
                *figures.get(&(period, after))?,
            ))
        };
        let (before, after) = of(period)?;
        // What moved and moved back, or moved nothing after all, restates nothing.
        if !after.differs_from(&before) {
            return None;
        }
        let base_year_effect_mg = step
            .base_year
            .and_then(of)
            .map(|(old, new)| new.location_mg - old.location_mg);
        let taken_over = self.reporting.events.iter().find(|event| {
            matches!(event.step, PeriodStep::Restated(_)) && event.position > step.run.last
        });
        Some(Restatement {
            period: Arc::clone(&self.reporting.id),
            number: step.number,
            run: step.run,
            base_year_effect_mg,
            materiality_permille: step.materiality_permille,
            is_material: after.has_moved(&before, step.materiality_permille),
            before,
            after,
            taken_over_at: taken_over.map(|event| event.position),
        })
    }
}

impl View<'_> {
    /// What may have moved a period after a position of the record, at most so many steps; `None` if no such period was opened by
    /// then.
    pub fn restatement_plan(&self, id: &str, after: u64, most: usize) -> Option<RestatementPlan> {
        let reporting = self.ledger().periods.get(id, self.sight())?;
        let known_at = self.sight().known_at;
        let mut runs = (1..)
            .zip(self.ledger().periods.runs(id))
            .filter(|(_, run)| after < run.first && run.first <= known_at);
        let steps: Vec<PlannedStep> = runs
            .by_ref()
            .take(most)
            .map(|(number, run)| {
                let run = Run {
                    last: run.last.min(known_at),
                    ..*run
                };
                self.planned(&reporting, number, run)
            })
            .collect();
        let more_after = runs
            .next()
            .and_then(|_| steps.last())
            .map(|step| step.run.first);
        Some(RestatementPlan {
            reporting,
            steps,
            more_after,
        })
    }

    fn planned(&self, reporting: &ReportingPeriod, number: u32, run: Run) -> PlannedStep {
        let then = self.known_at(run.last);
        let base_year = self.ledger().policy.base_year(then.sight());
        let zone = self.definition().map(|definition| &definition.time_zone);
        PlannedStep {
            number,
            run,
            base_year: base_year
                .zip(zone)
                .map(|(set, zone)| civil_year(zone, set.year))
                .filter(|year| year.from < reporting.period.to && reporting.period.from < year.to),
            materiality_permille: base_year
                .map_or(USUAL_MATERIALITY_PERMILLE, |set| set.recalculation_permille),
        }
    }

    /// All restatement entries of a period, in the order of the record; `None` if no such period was opened by then.
    pub fn restatements(
        &self,
        id: &str,
        gwp: GwpSet,
    ) -> Option<Result<Vec<Restatement>, NoPotential>> {
        let plan = self.restatement_plan(id, 0, usize::MAX)?;
        let figures: Result<BTreeMap<_, _>, NoPotential> = plan
            .needed()
            .into_iter()
            .map(|(period, known_at)| {
                let figures = self.figures(period, known_at, gwp)?;
                Ok(((period, known_at), figures))
            })
            .collect();
        Some(figures.map(|figures| plan.entries(&figures)))
    }

    /// What was reported of a period by then: its figures when it was last closed or restated. `None` while it was live.
    pub fn reported(&self, id: &str, gwp: GwpSet) -> Option<Result<Figures, NoPotential>> {
        let reporting = self.ledger().periods.get(id, self.sight())?;
        let (position, _) = reporting.reported_at().last()?;
        Some(self.figures(reporting.period, position, gwp))
    }

    /// Factors behind a period's figures whose source was not checked; while there is one, the period can't be verified.
    pub fn unchecked_factors(&self, period: Period) -> Vec<FactorUse> {
        let mut unchecked: Vec<FactorUse> = self
            .books(period)
            .into_iter()
            .flat_map(|books| books.postings)
            .flat_map(|posting| posting.factors)
            .filter(|used| used.mark == FactorMark::Default)
            .collect();
        unchecked.sort_unstable();
        unchecked.dedup();
        unchecked
    }

    /// Figures of a period as known at a position.
    pub fn figures(
        &self,
        period: Period,
        known_at: u64,
        gwp: GwpSet,
    ) -> Result<Figures, NoPotential> {
        let then = self.known_at(known_at);
        match then.books(period) {
            Some(books) => Figures::of(&books, &then.boundary_of(period), gwp),
            None => Ok(Figures {
                known_at,
                location_mg: 0,
                market_mg: 0,
                avoided_mg: 0,
                removal_mg: 0,
                embodied_mg: 0,
                books_sha256: [0; 32],
            }),
        }
    }

    /// The boundary that a period was reported in.
    pub fn boundary_of(&self, period: Period) -> Boundary {
        let policy = Policy::of(self);
        let decided = policy.boundary_at(period.from);
        decided.map_or_else(Boundary::default, |decided| decided.what.clone())
    }

    fn known_at(&self, position: u64) -> View<'_> {
        self.ledger().view(AsOf {
            known_at: Some(position),
            ..self.as_of()
        })
    }
}

/// A calendar year of a zone.
pub fn civil_year(zone: &TimeZone, year: u32) -> Period {
    let start = |year: i64| {
        // Days from 1970 to 1 January (proleptic Gregorian calendar).
        let before = year - 1;
        let days = before * 365 + before.div_euclid(4) - before.div_euclid(100)
            + before.div_euclid(400)
            - 719_162;
        let utc = UnixSeconds(days * 86_400);
        UnixSeconds(utc.0 - i64::from(zone.offset_seconds(utc)))
    };
    Period {
        from: start(i64::from(year)),
        to: start(i64::from(year) + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_begins_at_midnight_of_its_zone() {
        let shanghai = TimeZone::named("Asia/Shanghai").expect("known");
        let year = civil_year(&shanghai, 2025);
        assert_eq!(
            shanghai.format_rfc3339(year.from),
            "2025-01-01T00:00:00+08:00"
        );
        assert_eq!(
            shanghai.format_rfc3339(year.to),
            "2026-01-01T00:00:00+08:00"
        );
        let utc = TimeZone::named("Etc/UTC").expect("known");
        assert_eq!(civil_year(&utc, 1970).from, UnixSeconds(0));
        assert_eq!(civil_year(&utc, 2024).hours(), 8_784);
    }
}
