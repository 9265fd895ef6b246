//! What the park keeps beside its meters: instruments, reporting periods, decisions. Each with all that happened to it.

pub mod instruments;
pub mod periods;
pub mod restatement;

use terrarium_model::UnixSeconds;

pub use instruments::InstrumentBook;
pub use periods::PeriodBook;

use crate::energy::meter_book::Sight;
use crate::fact::Origin;
use crate::hash::Hasher;

/// A base year and what it takes to work it out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseYear {
    /// The year.
    pub year: u32,
    /// Materiality: thousandths of its total.
    pub recalculation_permille: u32,
    /// When it was decided.
    pub at: UnixSeconds,
    /// Position of the decision.
    pub position: u64,
}

/// What a park decided about its accounts.
#[derive(Default)]
pub struct PolicyBook {
    base_years: Vec<BaseYear>,
}

impl PolicyBook {
    /// Takes in a decision.
    pub(crate) fn base_year_set(
        &mut self,
        year: u32,
        recalculation_permille: u32,
        at: UnixSeconds,
        origin: Origin,
    ) {
        self.base_years.push(BaseYear {
            year,
            recalculation_permille,
            at,
            position: origin.position,
        });
    }

    /// The base year, as seen.
    pub fn base_year(&self, sight: Sight) -> Option<BaseYear> {
        self.base_years
            .iter()
            .rev()
            .find(|set| set.position <= sight.known_at && set.at < sight.before)
            .copied()
    }

    pub(crate) fn hash(&self, content: &mut Hasher, state: &mut Hasher) {
        for set in &self.base_years {
            content
                .text("base-year")
                .number(i64::from(set.year))
                .number(i64::from(set.recalculation_permille))
                .number(set.at.0);
            state.number(set.position as i64);
        }
    }
}
