//! The devices as aggregates, and how their events are told from a meter's.

use bytes::Bytes;
use terrarium_journal::{EventCodecError, Fact, Payload, aggregate};
use terrarium_model::UnixSeconds;
use terrarium_proto::energy::v1::{HeatMeteredV1, StorageReportedV1, WeatherObservedV1};
use uuid::Uuid;

use super::domain::{
    DeviceEvent, DeviceFact, HeatSource, Island, IslandCommand, IslandContext, ObservationContext,
    SetpointCommand, SetpointContext, Setpoints, Storage, StorageContext, WeatherStation,
};

aggregate!(Storage: "energy" "storage", StorageContext, StorageReportedV1 => DeviceFact {
    fn is_quarantine(event: &DeviceEvent) -> bool {
        matches!(event.fact, DeviceFact::StorageReportQuarantinedV1(_))
    }

    fn forget_old(&mut self) {
        Storage::forget_old(self);
    }

    fn needs_forgotten(&self, command: &StorageReportedV1) -> bool {
        Storage::needs_forgotten(self, command)
    }
});
aggregate!(WeatherStation: "energy" "weather", ObservationContext, WeatherObservedV1 => DeviceFact {
    fn forget_old(&mut self) {
        WeatherStation::forget_old(self);
    }

    fn needs_forgotten(&self, command: &WeatherObservedV1) -> bool {
        WeatherStation::needs_forgotten(self, command)
    }
});
aggregate!(HeatSource: "energy" "heat", ObservationContext, HeatMeteredV1 => DeviceFact {
    fn forget_old(&mut self) {
        HeatSource::forget_old(self);
    }

    fn needs_forgotten(&self, command: &HeatMeteredV1) -> bool {
        HeatSource::needs_forgotten(self, command)
    }
});
aggregate!(Setpoints: "energy" "setpoint", SetpointContext, SetpointCommand => DeviceFact {
    fn due(&self) -> Option<UnixSeconds> {
        Setpoints::due(self)
    }
});
aggregate!(Island: "energy" "island", IslandContext, IslandCommand => DeviceFact);

/// Reads a recorded event of a device; `None`: it is of a meter.
pub fn decode(
    id: Uuid,
    event_type: &str,
    data: &Bytes,
) -> Option<Result<DeviceEvent, EventCodecError>> {
    let fact = DeviceFact::read(event_type, Payload::new(event_type, data))?;
    Some(fact.map(|fact| DeviceEvent {
        id,
        fact,
        causation: None,
    }))
}
