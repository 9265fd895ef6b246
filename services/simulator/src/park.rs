//! A park's devices, stepped together: from a park definition and weather to what each device would report.
//!
//! - [`Fact`]: what a device, or a person with a device, reports
//! - [`ParkSimulation`]: all devices of a park; each [`step`](ParkSimulation::step) is one interval
//! - `plan`: how a park definition becomes devices
//! - `electricity`, `cars`, `water`, `waste`, `composting`, `groves`: the devices by kind
//!
//! Every balance is exact in integers in every interval: meters carry the fraction of their registers, and what flows out
//! of one account flows into another.

mod cars;
mod composting;
mod electricity;
mod fact;
mod groves;
mod plan;
mod register;
mod simulation;
mod waste;
mod water;

pub use fact::{CompostWork, Fact, TankFlowKind, TreeSurvey, V2gWish, VehicleOwner, WaterSource};
pub use simulation::{Balance, ParkSimulation, SimulationError, SimulationOptions, Step};
