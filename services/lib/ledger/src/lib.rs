//! The carbon ledger: from counted readings and factors to entries that explain themselves. Pure.
//!
//! Everything here is a function of the set of facts taken in, whatever their order: two parks with the same facts have the
//! same books and the same content hash. And it is a function of two times: what happened until one, as known at the other.
//!
//! ```text
//! facts --> MeterBook (readings and their versions, by day) --> node hours --> sums by node and day --> View(AsOf)
//!      |--> FactorBook (sets -> factor of an hour) ----------------^                                      |
//!      `--> instruments, periods, decisions --------------------------------------------------------------+--> Books
//! ```
//!
//! - [`fact`]: what the ledger is told
//! - [`energy`]: readings with all their versions, laid over hours; stores as lots; purchased electricity
//! - [`factor_book`]: published factor sets, and which row prices an hour
//! - [`factor_check`]: whether published rows can be what they say
//! - [`node_hour`]: the balance rule of one node and hour, and its price
//! - [`accounts`]: instruments, reporting periods, decisions
//! - [`park_ledger`]: the books of one park
//! - [`period`]: a stretch of whole hours
//! - [`view`]: the books as they were at two times
//! - [`balance()`]: totals over periods
//! - [`entry`]: the lines of the books, expanded on read
//! - [`activity`]: words for what was done
//! - [`gas`]: gases, their masses, and the warming potentials that a view weighs them with
//! - [`books`]: what claims read: the books of a period, as known at a moment
//! - [`bytes`]: day blocks as bytes, for whoever keeps them between two runs
//! - [`carbon`]: the carbon books of water, waste, fuels, gases, transport, materials and trees
//! - [`claims`]: what standards say of those books
//! - [`completeness()`]: which hours are there
//! - `days`: what there is one of a day; the far past on a shelf
//! - [`hash`]: the two hashes
//! - [`natural`]: water, heat, mass, vehicles and trees, in litres, Wh and grams

pub mod accounts;
pub mod activity;
pub mod balance;
pub mod books;
pub mod bytes;
pub mod carbon;
pub mod claims;
pub mod completeness;
mod days;
pub mod energy;
pub mod entry;
pub mod fact;
pub mod factor_book;
pub mod factor_check;
pub mod gas;
pub mod hash;
pub mod natural;
pub mod node_hour;
pub mod park_ledger;
pub mod period;
pub mod view;

pub use accounts::periods::{PeriodEvent, PeriodState, ReportingPeriod};
pub use accounts::restatement::{Figures, Restatement, RestatementPlan, Run};
pub use accounts::{BaseYear, InstrumentBook, PeriodBook, PolicyBook};
pub use balance::{BalanceLine, Grouping, balance};
pub use books::{
    AsOf, Basis, Books, CarbonBook, Detail, FactorMark, FactorUse, InstrumentKind, InstrumentLine,
    InstrumentState, LifeCycleModule, MethodId, Pool, Posting, Scope, WithoutFactor,
};
pub use carbon::{ActivityBook, CarbonFact};
pub use completeness::{Completeness, Gap, MeterCompleteness, completeness};
pub use energy::meter_book::{Contribution, CountedReading, MeterBook, MeterHour, Sight};
pub use entry::{Book, EnergyAccount, Entry, EntryId, InvalidEntryId, Method, Quality};
pub use fact::{Fact, How, InstrumentStep, Origin, PeriodStep, RestatementReason};
pub use factor_book::{
    FactorBook, FactorDetail, FactorKind, FactorQuery, FactorRow, FactorSet, InvalidFactorSet,
};
pub use gas::{Gas, GasMasses, GwpSet, NoPotential};
pub use node_hour::{HourAmounts, MeteredSums, NodeHour, Pricing, Totals};
pub use park_ledger::{DayBlocks, ParkLedger};
pub use period::Period;
pub use view::View;
