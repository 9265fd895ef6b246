//! Whose the attribute of an exported kWh is.

use terrarium_ledger::claims::{ClaimKind, Scope2Total};
use terrarium_ledger::{Books, HourAmounts, InstrumentLine, InstrumentState};
use terrarium_model::UnixSeconds;

use crate::world::*;

/// LEED Zero counts exported renewables only while the project retains their attributes (carbon accounting note, section 1.7).
#[test]
fn what_was_exported_and_whose_certificate_was_sold_avoids_nothing_in_leed_zero() {
    let mut books = books(grid(10_000_000, 600_000).into());
    books.energy = hour(HourAmounts {
        import: 10_000_000,
        export: 20_000_000,
        ..HourAmounts::default()
    });
    let balance =
        |books: &Books| claim(ClaimKind::LeedZero, books, &policy()).value("leed-balance");
    // 10 MWh at 0.6 t in, 20 MWh out.
    assert_eq!(balance(&books), Some(-6 * T));
    // Half of a vintage of two years, the second of them after the period.
    books.instruments.push(InstrumentLine {
        state: InstrumentState::Sold,
        own_generation: true,
        used_for: None,
        vintage: (
            UnixSeconds(START_OF_2025),
            UnixSeconds(START_OF_2025 + 2 * YEAR_S),
        ),
        ..certificate(30_000_000, "")
    });
    assert_eq!(balance(&books), Some(3 * T));
    let inventory = claim(
        ClaimKind::GhgpInventory(Scope2Total::Location),
        &books,
        &policy(),
    );
    assert_eq!(inventory.value("total-location"), Some(6 * T));
}
