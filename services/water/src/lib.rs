//! The water service: tanks, water meters, irrigation, water quality and leaks.
//!
//! - [`domain`]: what tanks, irrigation zones and meters decide (pure)
//! - [`events`]: the events as they are recorded
//! - [`intake`]: from reports as sent to ones that can be decided about (pure)
//! - [`service`]: the gRPC shell

pub mod domain;
pub mod events;
pub mod intake;
pub mod service;

pub use service::WaterApi;
