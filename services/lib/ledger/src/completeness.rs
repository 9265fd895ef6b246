//! Which hours of a period are there, and which are missing. Missing is shown, never counted as zero.

use terrarium_model::{MeterId, SECONDS_PER_HOUR, UnixSeconds};

use crate::factor_book::FactorKind;
use crate::park_ledger::Period;
use crate::view::View;

/// Gaps listed of one meter or region at most.
pub const MOST_GAPS: usize = 100;

/// A stretch of hours without what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Start of the first missing hour.
    pub from: UnixSeconds,
    /// End of the last.
    pub to: UnixSeconds,
}

/// How complete a meter is.
#[derive(Clone, Debug)]
pub struct MeterCompleteness {
    /// The meter.
    pub meter: MeterId,
    /// Hours of the period.
    pub hours_expected: u64,
    /// Hours whose every second is covered.
    pub hours_metered: u64,
    /// Readings that count, in the whole record.
    pub readings: u64,
    /// Undecided readings in quarantine, in the whole record.
    pub quarantined: u64,
    /// The first gaps.
    pub gaps: Vec<Gap>,
}

/// How complete a park is.
#[derive(Clone, Debug)]
pub struct Completeness {
    /// Every meter of the definition, in order.
    pub meters: Vec<MeterCompleteness>,
    /// Hours of the period with a factor for the park's region.
    pub factor_hours: u64,
    /// The first gaps in the factors.
    pub factor_gaps: Vec<Gap>,
}

/// Looks at every hour of a period.
pub fn completeness(view: &View<'_>, period: Period) -> Completeness {
    let Some(definition) = view.definition() else {
        return Completeness {
            meters: Vec::new(),
            factor_hours: 0,
            factor_gaps: Vec::new(),
        };
    };
    let sight = view.sight();
    let meters = definition
        .meters
        .keys()
        .map(|meter| {
            let book = view.ledger().meter(meter);
            let (hours_metered, gaps) = covered(period, |hour_start| {
                book.is_some_and(|book| book.hour(hour_start, sight).is_complete())
            });
            let quarantined = book
                .into_iter()
                .flat_map(|book| book.quarantined().values());
            MeterCompleteness {
                meter: meter.clone(),
                hours_expected: period.hours(),
                hours_metered,
                readings: book.map_or(0, |book| book.counted_as_seen(sight)),
                quarantined: quarantined
                    .filter(|item| item.is_undecided(sight.known_at))
                    .count() as u64,
                gaps,
            }
        })
        .collect();
    let (factor_hours, factor_gaps) = covered(period, |hour_start| {
        view.factor_row(FactorKind::GridAverage, hour_start)
            .is_some()
    });
    Completeness {
        meters,
        factor_hours,
        factor_gaps,
    }
}

fn covered(period: Period, is_there: impl Fn(UnixSeconds) -> bool) -> (u64, Vec<Gap>) {
    let mut hours = 0;
    let mut gaps: Vec<Gap> = Vec::new();
    for hour_start in period.hour_starts() {
        if is_there(hour_start) {
            hours += 1;
            continue;
        }
        let hour_end = UnixSeconds(hour_start.0 + SECONDS_PER_HOUR);
        if let Some(gap) = gaps.last_mut()
            && gap.to == hour_start
        {
            gap.to = hour_end;
        } else if gaps.len() < MOST_GAPS {
            gaps.push(Gap {
                from: hour_start,
                to: hour_end,
            });
        }
    }
    (hours, gaps)
}
