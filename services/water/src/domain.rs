//! What tanks, irrigation zones and water meters decide. Pure.

pub mod irrigation;
pub mod meter;
pub mod tank;

pub use irrigation::{
    Irrigation, IrrigationCommand, IrrigationContext, IrrigationEvent, IrrigationFact,
};
pub use meter::{MeteredWater, WaterMeter, WaterMeterContext, WaterMetered, WaterNetwork};
pub use tank::{Tank, TankAlarm, TankContext, TankEvent, TankFact, TankLevel};
