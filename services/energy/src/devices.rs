//! Everything of the energy domain that is no meter: stores, weather stations, sources of heat, setpoints and islands.
//!
//! - [`domain`]: what each decides (pure)
//! - [`intake`]: from reports as sent to ones that can be decided about (pure)
//! - [`events`]: the events as they are recorded
//! - [`service`]: the gRPC shell

pub mod domain;
pub mod events;
pub mod intake;
pub mod service;

pub use service::EnergyDeviceApi;
