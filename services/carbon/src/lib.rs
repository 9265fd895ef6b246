//! The carbon service: what the ledger judges by becomes events.
//!
//! - [`domain`]: the park's definition and its factor sets (pure)
//! - [`intake`]: from a factor set as sent to one that can be published (pure)
//! - [`events`]: the events as they are recorded
//! - [`service`]: the gRPC shell

pub mod domain;
pub mod events;
pub mod intake;
pub mod service;

pub use service::CarbonApi;
