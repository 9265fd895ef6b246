//! The waste service: bins and their collection by people, composting, and the custody of hazardous waste.
//!
//! - [`domain`]: what bins, collections, compost bays and consignments decide (pure)
//! - [`events`]: the events as they are recorded
//! - [`intake`]: from reports as sent to ones that can be decided about (pure)
//! - [`service`]: the gRPC shell

pub mod domain;
pub mod events;
pub mod intake;
pub mod service;

pub use service::WasteApi;
