//! The alarms of a park, with the life cycle of ANSI/ISA-18.2 (IEC 62682).
//!
//! - [`conditions`]: when the conditions of the park file hold: limits, delays, silence, suppression by design (pure)
//! - [`domain`]: what becomes of one alarm: raised, acknowledged, shelved, cleared, out of service (pure)
//! - [`events`]: the events as they are recorded
//! - [`book`]: the alarms as they stand on record, and their rate (pure)
//! - [`observer`]: what the role needs of whoever reads events for points and balances
//! - `waiting`: what is recorded and not judged yet (pure)
//! - [`follow`]: follows the record and has transitions recorded
//! - [`intake`]: from requests as sent to ones that can be decided about (pure)
//! - [`service`]: the gRPC shell

pub mod book;
pub mod conditions;
pub mod domain;
pub mod events;
pub mod follow;
pub mod intake;
pub mod observer;
pub mod service;
mod waiting;

pub use follow::{Alarms, AlarmsError};
pub use observer::{NewObserver, Observed, Observer, ObserverError};
pub use service::AlarmApi;
