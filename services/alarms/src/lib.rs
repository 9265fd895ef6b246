//! Alarms.
pub mod domain;
pub mod events;
