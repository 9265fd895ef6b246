//! Formulas, each with its source: functions from values to values, in SI units unless a name says otherwise.
//!
//! - [`sky`]: extraterrestrial and clear-sky irradiance, its split into beam and diffuse, and what falls on a tilted plane
//! - [`pv`]: cell temperature, panels, inverters
//! - [`wind`]: wind at hub height, air density, power curves
//! - [`battery`]: what a store takes, gives and loses
//! - [`heat`]: heat pumps and solar collectors
//! - [`charging`]: when cars come, how long they stay and what they need
//! - [`rain`]: rain that runs off ground and roofs
//! - [`soil`]: FAO-56 evapotranspiration and the soil's water
//! - [`visits`]: people, and what they throw away
//! - [`compost`]: how a heap warms up, rots and cools down
//! - [`trees`]: growth, carbon and death of trees

pub mod battery;
pub mod charging;
pub mod compost;
pub mod heat;
pub mod pv;
pub mod rain;
pub mod sky;
pub mod soil;
pub mod trees;
pub mod visits;
pub mod wind;
