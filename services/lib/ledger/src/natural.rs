//! The books in natural units beside electricity: water, heat, mass, vehicles' energy, trees' CO2 and visitors. Pure.
//!
//! Everything here is a function of the set of facts taken in, whatever their order. Amounts are whole litres, Wh and grams;
//! nothing is ever spread but an interval that crosses an hour (to the unit, [`terrarium_model::hour_shares`]).
//!
//! - [`NaturalFact`]: what the books are told
//! - [`NaturalAccount`]: what is added up by asset and day of the park
//! - `pipes`: which tank each flow goes into and comes out of, by the park definition
//! - `tanks`: water, balanced for each tank and hour
//! - [`Thermal`]: heat and cold, balanced for each network and hour, from the meters' books
//! - `masses`: collections and batches of compost, balanced one by one
//! - [`NaturalBook`]: all of it for one park

mod account;
mod book;
mod masses;
mod pipes;
mod tanks;
mod thermal;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod thermal_tests;

pub use account::{NaturalAccount, NaturalFact, Network, TankPipe};
pub use book::{DayPeriod, NaturalBook, OpenBalance};
pub use tanks::{BalanceSums, NaturalMedium};
pub use thermal::{Thermal, ThermalHour, balanced_by};
