//! A park's devices, stepped together: from a park definition and weather to what each device would report.
//!
//! - [`Fact`]: what a device, or a person with a device, reports
//! - [`ParkSimulation`]: all devices of a park; each [`step`](ParkSimulation::step) is one interval
//! - `plan`: how a park definition becomes devices
//! - `orders`: what devices are asked to do, and do
//! - `electricity`, `cars`, `fleet`, `water`, `waste`, `composting`, `groves`: the devices by kind
//!
//! Every balance is exact in integers in every interval: meters carry the fraction of their registers, and what flows out
//! of one account flows into another.

mod cars;
mod composting;
mod electricity;
mod fact;
mod fleet;
mod groves;
mod orders;
mod plan;
mod register;
mod simulation;
mod waste;
mod water;

pub use fact::{
    CompostWork, Fact, Quality, TankFlowKind, TreeSurvey, V2gWish, VehicleDoing, VehicleOwner,
    WaterSource,
};
pub use orders::{Keep, Kept, OWN_COLLECTIONS, answer, own_irrigation_id, own_irrigation_start};
pub use simulation::{Balance, ParkSimulation, SimulationError, SimulationOptions, Step};
pub use water::Irrigation;
