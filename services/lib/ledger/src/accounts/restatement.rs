//! What moved the figures of a closed period: restatement entries with both values.
//!
//! Nothing is overwritten: both values of an entry are the books as known at two positions of the record, and can be asked for
//! again at any time. Readings of one reason that follow each other make one entry; each release of factors, method and boundary
//! makes its own.

use std::sync::Arc;

use terrarium_model::{TimeZone, UnixSeconds};

use crate::accounts::periods::ReportingPeriod;
use crate::books::{AsOf, Basis, Books, CarbonBook, FactorMark, FactorUse};
use crate::fact::{PeriodStep, RestatementReason};
use crate::gas::{GwpSet, NoPotential};
use crate::park_ledger::Period;
use crate::view::View;

/// Threshold where the park has decided none: 5 %, as in common use with the GHG Protocol and SBTi.
pub const USUAL_MATERIALITY_PERMILLE: u32 = 50;

/// Facts of one reason that moved a closed period's figures one after the other.
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

/// Figures of a period, as known at a position.
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
    /// SHA-256 of the whole books of the period.
    pub books_sha256: [u8; 32],
}

impl Figures {
    /// Sums books up.
    pub fn of(books: &Books, gwp: GwpSet) -> Result<Figures, NoPotential> {
        let mut figures = Figures {
            known_at: books.as_of.known_at.unwrap_or(u64::MAX),
            location_mg: 0,
            market_mg: 0,
            avoided_mg: 0,
            removal_mg: 0,
            books_sha256: books.sha256(),
        };
        for posting in &books.postings {
            let mg = posting.gases.co2e_mg(gwp)?;
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
                CarbonBook::Biogenic | CarbonBook::Instrument | CarbonBook::Embodied => {}
            }
        }
        Ok(figures)
    }

    /// Whether any figure has moved by so many thousandths or more.
    pub fn has_moved(&self, since: &Figures, permille: u32) -> bool {
        [
            (since.location_mg, self.location_mg),
            (since.market_mg, self.market_mg),
            (since.avoided_mg, self.avoided_mg),
            (since.removal_mg, self.removal_mg),
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
    /// 1 for the first since the period was closed.
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

impl View<'_> {
    /// The restatement entries of a period, in the order of the record; `None` if no such period was opened by then.
    pub fn restatements(
        &self,
        id: &str,
        gwp: GwpSet,
    ) -> Option<Result<Vec<Restatement>, NoPotential>> {
        let reporting = self.ledger().periods.get(id, self.sight())?;
        let runs = self.ledger().periods.runs(id).iter();
        let seen: Vec<Run> = runs
            .filter(|run| run.first <= self.sight().known_at)
            .map(|run| Run {
                last: run.last.min(self.sight().known_at),
                ..*run
            })
            .collect();
        let mut entries = Vec::new();
        for run in seen {
            match self.restatement(&reporting, entries.len() as u32 + 1, run, gwp) {
                // What moved and moved back, or moved nothing after all, restates nothing.
                Ok(entry) if entry.before.books_sha256 == entry.after.books_sha256 => {}
                Ok(entry) => entries.push(entry),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(entries))
    }

    fn restatement(
        &self,
        reporting: &ReportingPeriod,
        number: u32,
        run: Run,
        gwp: GwpSet,
    ) -> Result<Restatement, NoPotential> {
        let before = self.figures(reporting.period, run.first.saturating_sub(1), gwp)?;
        let after = self.figures(reporting.period, run.last, gwp)?;
        let then = self.known_at(run.last);
        let base_year = self.ledger().policy.base_year(then.sight());
        let zone = self.definition().map(|definition| &definition.time_zone);
        let base_period = base_year
            .zip(zone)
            .map(|(set, zone)| civil_year(zone, set.year))
            .filter(|year| year.from < reporting.period.to && reporting.period.from < year.to);
        let base_year_effect_mg = match base_period {
            None => None,
            Some(year) => {
                let old = self.figures(year, run.first.saturating_sub(1), gwp)?;
                let new = self.figures(year, run.last, gwp)?;
                Some(new.location_mg - old.location_mg)
            }
        };
        let materiality_permille =
            base_year.map_or(USUAL_MATERIALITY_PERMILLE, |set| set.recalculation_permille);
        let taken_over = reporting.events.iter().find(|event| {
            matches!(event.step, PeriodStep::Restated(_)) && event.position > run.last
        });
        Ok(Restatement {
            period: Arc::clone(&reporting.id),
            number,
            run,
            base_year_effect_mg,
            materiality_permille,
            is_material: after.has_moved(&before, materiality_permille),
            before,
            after,
            taken_over_at: taken_over.map(|event| event.position),
        })
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

    fn figures(&self, period: Period, known_at: u64, gwp: GwpSet) -> Result<Figures, NoPotential> {
        match self.known_at(known_at).books(period) {
            Some(books) => Figures::of(&books, gwp),
            None => Ok(Figures {
                known_at,
                location_mg: 0,
                market_mg: 0,
                avoided_mg: 0,
                removal_mg: 0,
                books_sha256: [0; 32],
            }),
        }
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
