//! Alarms.
pub mod conditions;
pub mod domain;
pub mod events;
