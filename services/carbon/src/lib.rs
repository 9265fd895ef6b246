//! The carbon service: what the ledger judges by becomes events.
//!
//! - [`domain`]: the park's definition, factor sets, trees, embodied carbon, instruments, periods and policy (pure)
//! - [`intake`]: from a factor set as sent to one that can be published (pure)
//! - [`table_intake`]: the same for a table of factors of any kinds (pure)
//! - [`accounts_intake`]: the same for trees, embodied carbon and instruments (pure)
//! - [`activities_intake`]: the same for reported activities, documents, invoices and profiles (pure)
//! - [`events`]: the events as they are recorded
//! - [`service`]: the gRPC shell

pub mod accounts_intake;
pub mod activities_intake;
pub mod domain;
pub mod events;
pub mod intake;
pub mod service;
pub mod table_intake;

pub use service::CarbonApi;
