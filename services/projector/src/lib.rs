//! The projector: folds the record into the ledger and serves what it holds.
//!
//! - [`projection`]: the fold, pure: events in, books and twins out, two hashes
//! - [`twin`]: the fold that makes samples of points out of events
//! - `alarm_observer`: the same folds, for the alarms
//! - `carbon_facts`: what events of water, waste and carbon mean to the carbon books
//! - `kept_blocks`: day blocks in a file, for a quicker start
//! - [`follow`]: keeps a projection level with the store and tells watchers what changed
//! - `natural`: what events say to the natural books; [`natural_api`]: GetNaturalBalance
//! - [`ledger_api`]: Balance, Entries, Watch, Explain, Completeness, GetState, Restatements; statements
//! - `carbon_wire`: lines of the carbon books as the wire carries them
//! - [`carbon_api`]: ListPostings, ExplainPosting, ExplainFactor, Reconcile
//! - [`twin_api`]: ListParks, GetPark, Snapshot, Follow, Replay, History, Density, ListEvents
//! - [`feed_api`]: the record itself for partners and auditors

mod alarm_observer;
pub mod carbon_api;
mod carbon_facts;
mod carbon_wire;
mod claim_facts;
pub mod feed_api;
mod feed_wire;
pub mod follow;
mod kept_blocks;
pub mod ledger_api;
mod ledger_facts;
mod ledger_wire;
mod natural;
pub mod natural_api;
pub mod projection;
pub mod recorded;
pub mod shelf;
mod statement_wire;
mod twin;
pub mod twin_api;
mod twin_wire;

pub use alarm_observer::AlarmObserver;
pub use carbon_api::CarbonBooksApi;
pub use feed_api::FeedApi;
pub use follow::{Checkpoint, Projector, ProjectorError};
pub use ledger_api::LedgerApi;
pub use natural_api::NaturalBookApi;
pub use projection::{FoldError, Hashes, Projection};
pub use twin::ParkTwin;
pub use twin_api::TwinApi;
