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

use terrarium_journal::{Event, facts};
use terrarium_proto::energy::v1::{
    HeatMeteredV1, IslandEndedV1, IslandStartedV1, SetpointAskedV1, SetpointMissedV1,
    SetpointObeyedV1, StorageReportQuarantinedV1, StorageReportedV1, WeatherObservedV1,
};

pub use island::{Island, IslandCommand, IslandContext};
pub use observation::{HeatSource, ObservationContext, WeatherStation};
pub use setpoint::{DeviceRating, SetpointCommand, SetpointContext, Setpoints, ask_id};
pub use storage::{Storage, StorageContext};

facts! {
    /// What happened to a device.
    pub enum DeviceFact in "terrarium.energy.v1" {
        StorageReportedV1 at time_s,
        StorageReportQuarantinedV1 at time_s,
        WeatherObservedV1 at interval_start_s for interval_seconds,
        HeatMeteredV1 at interval_start_s for interval_seconds,
        SetpointAskedV1 at time_s,
        SetpointObeyedV1 at time_s,
        SetpointMissedV1 at time_s,
        IslandStartedV1 at time_s,
        IslandEndedV1 at time_s,
    }
}

/// An event of a device.
pub type DeviceEvent = Event<DeviceFact>;

impl DeviceFact {
    /// Asset id of what it happened to.
    pub fn asset(&self) -> &str {
        match self {
            DeviceFact::StorageReportedV1(report) => &report.storage,
            DeviceFact::StorageReportQuarantinedV1(report) => &report.storage,
            DeviceFact::WeatherObservedV1(observed) => &observed.station,
            DeviceFact::HeatMeteredV1(metered) => &metered.source,
            DeviceFact::SetpointAskedV1(ask) => &ask.device,
            DeviceFact::SetpointObeyedV1(obeyed) => &obeyed.device,
            DeviceFact::SetpointMissedV1(missed) => &missed.device,
            DeviceFact::IslandStartedV1(started) => &started.node,
            DeviceFact::IslandEndedV1(ended) => &ended.node,
        }
    }
}
