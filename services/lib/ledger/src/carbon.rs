//! The carbon books of everything but electricity: from recorded activities to postings that explain themselves. Pure.
//!
//! ```text
//! facts of water, waste, mobility, carbon --> ActivityBook --(methods, factors, attribution)--> Worked --> Posting by month
//! ```
//!
//! - [`fact`]: what these books are told
//! - [`activity_book`]: what was told, with its versions
//! - [`attribution`]: which activity is counted where; data, not code
//! - [`method`]: how an activity becomes masses of gases; one file a method
//! - [`worked`]: a line with every step behind it
//! - [`postings`]: lines by month
//! - [`uncertainty`]: intervals of totals, with shared factors
//! - [`reconciliation`]: invoices against meters
//! - [`competency`]: what a factor answers about itself
//! - [`exact`]: fractions that stay exact until the one rounding

pub mod activity_book;
pub mod attribution;
pub mod competency;
pub mod exact;
pub mod fact;
pub mod method;
pub mod postings;
pub mod reconciliation;
pub mod uncertainty;
pub mod worked;

pub use activity_book::ActivityBook;
pub use attribution::{Place, Profile};
pub use fact::{
    Activity, ActivityKind, BinEmptied, CarbonFact, Carrier, EmbodiedRecord, EvidenceRecord,
    InvoiceRecord, ProfileRecord, TreeHappening, TreeMethod, TreeRecord, WasteCollected,
    WasteWeighed, WaterFlow, WaterMetered, u95_ppm_of_tier,
};
pub use method::Workbench;
pub use reconciliation::{Reconciliation, reconcile};
pub use uncertainty::{GrossRemovalNet, Spread, gross_removal_net, half_width, spread};
pub use worked::{Quantity, Step, Unpriced, Worked};
