//! What stores, weather stations, sources of heat, devices with setpoints and islands decide. Pure.
//!
//! - [`storage`]: how a battery stands
//! - [`observation`]: what is measured over intervals that never overlap: weather, heat
//! - [`setpoint`]: what devices are asked to keep: asked, and then obeyed or missed
//! - [`island`]: parts of the park that run without the grid
//! - here: the events of all of them

pub mod island;
pub mod observation;
pub mod setpoint;
pub mod storage;

use std::sync::Arc;

use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds, event_id};
use uuid::Uuid;

pub use island::{Island, IslandCommand, IslandContext};
pub use observation::{HeatSource, ObservationContext, Weather, WeatherStation};
pub use setpoint::{
    DeviceRating, MissReason, SetpointAsk, SetpointCommand, SetpointContext, SetpointKind,
    Setpoints, ask_id,
};
pub use storage::{Storage, StorageContext, StorageReport, StorageSuspicion};

/// An event of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The device, or the node of an island.
    pub asset: AssetId,
    /// What happened.
    pub fact: DeviceFact,
}

/// What happened to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceFact {
    /// A store told how it stands.
    StorageReported(StorageReport),
    /// A store told something that can't be.
    StorageQuarantined {
        /// What it told.
        report: StorageReport,
        /// Why it is kept apart.
        reason: StorageSuspicion,
        /// For people.
        finding: Arc<str>,
    },
    /// A weather station saw something.
    WeatherObserved {
        /// When.
        interval: Interval,
        /// What.
        weather: Weather,
    },
    /// Heat was given.
    HeatMetered {
        /// When.
        interval: Interval,
        /// Wh of heat.
        heat_wh: i64,
    },
    /// A device was asked to keep a setpoint.
    SetpointAsked(SetpointAsk),
    /// It does.
    SetpointObeyed {
        /// What.
        kind: SetpointKind,
        /// Event that asked.
        asked: Uuid,
        /// When.
        time: UnixSeconds,
        /// What it keeps.
        value: i64,
    },
    /// It does not.
    SetpointMissed {
        /// What.
        kind: SetpointKind,
        /// Event that asked.
        asked: Uuid,
        /// When.
        time: UnixSeconds,
        /// Why.
        reason: MissReason,
        /// What it told.
        value: Option<i64>,
    },
    /// A part of the park left the grid.
    IslandStarted {
        /// When.
        time: UnixSeconds,
        /// The grid failed.
        grid_failed: bool,
    },
    /// It is connected again.
    IslandEnded {
        /// When it left.
        started: UnixSeconds,
        /// When.
        time: UnixSeconds,
    },
}

/// An event whose id follows from the device and these parts.
fn device_event(
    park: &ParkId,
    asset: &AssetId,
    parts: &[&[u8]],
    fact: DeviceFact,
) -> DeviceEvent {
    let mut all: Vec<&[u8]> = vec![
        b"terrarium.energy.device",
        park.as_str().as_bytes(),
        asset.as_str().as_bytes(),
    ];
    all.extend(parts);
    DeviceEvent {
        id: event_id(&all),
        asset: asset.clone(),
        fact,
    }
}
