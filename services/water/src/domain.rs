//! What tanks, irrigation zones and water meters decide. Pure.
//!
//! - [`tank`]: levels, alarms, and levels in quarantine
//! - [`flow`]: what flows into and out of a tank
//! - [`quality`]: samples and their classes
//! - [`irrigation`]: one irrigation at a time
//! - [`meter`]: metered water, and leaks by night

pub mod flow;
pub mod irrigation;
pub mod meter;
pub mod quality;
pub mod tank;

pub use flow::{FlowContext, FlowFact, TankFlows};
pub use irrigation::{
    Irrigation, IrrigationCommand, IrrigationContext, IrrigationEvent, IrrigationFact,
};
pub use meter::{
    LeakWatch, MeteredWater, WaterMeter, WaterMeterCommand, WaterMeterContext, WaterMeterFact,
    WaterMetered, WaterNetwork,
};
pub use quality::{QualityContext, QualityFact, WaterQuality};
pub use tank::{Tank, TankAlarm, TankCommand, TankContext, TankEvent, TankFact, TankLevel};
