//! The mobility service: chargers and charging sessions, the park's own vehicles, and visitors.
//!
//! - [`domain`]: what chargers, vehicles and entrance counters decide (pure)
//! - [`events`]: the events as they are recorded
//! - [`intake`]: from reports as sent to ones that can be decided about (pure)
//! - [`service`]: the gRPC shell

pub mod domain;
pub mod events;
pub mod intake;
pub mod service;

pub use service::MobilityApi;
