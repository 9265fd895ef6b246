//! The carbon service: what the ledger judges by becomes events.
//!
//! - [`domain`]: the park's definition, factor sets, trees, embodied carbon, instruments, periods and policy (pure)
//! - [`intake`]: from a factor set as sent to one that can be published (pure)
//! - [`accounts_intake`]: the same for trees, embodied carbon and instruments (pure)
//! - [`events`]: the events as they are recorded
//! - [`service`]: the gRPC shell

pub mod accounts_intake;
pub mod domain;
pub mod events;
pub mod intake;
pub mod service;

pub use service::CarbonApi;
