//! The energy service: meter readings become events.
//!
//! - [`domain`]: what a meter decides about a reading (pure)
//! - [`intake`]: from a reading as reported to one that can be decided about (pure)
//! - [`events`]: the events as they are recorded
//! - [`service`]: the gRPC shell
//! - [`devices`]: the same four for all that is no meter: stores, weather, heat, setpoints, islands

pub mod devices;
pub mod domain;
pub mod events;
pub mod intake;
mod quarantine;
pub mod service;
mod stream;

pub use devices::EnergyDeviceApi;
pub use domain::{
    Meter, MeterCommand, MeterContext, MeterEvent, MeterFact, MeterRejection, QuarantineReason,
};
pub use service::EnergyApi;
