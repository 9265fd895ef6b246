//! What happened in a shift, as it was fetched: the input of the shift report.

use std::collections::BTreeMap;

use crate::carbon::CarbonLine;

/// A shift with all that its report tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShiftRecord {
    pub from_ms: i64,
    pub to_ms: i64,
    /// In the order recorded.
    pub alarms: Vec<AlarmLine>,
    /// What was asked of devices, and what became of it, in the order recorded.
    pub orders: Vec<OrderLine>,
    /// Whole hours of the shift that the balance holds for, RFC 3339 in the park's zone.
    pub balance_from: String,
    pub balance_to: String,
    pub balance: CarbonLine,
    pub by_asset: BTreeMap<String, CarbonLine>,
    pub meters: Vec<MeterQuality>,
    /// Hours for which the grid has a factor, and hours of the balance.
    pub hours_with_factor: u64,
    pub hours_of_factors: u64,
    /// The ledger's position that the figures hold for.
    pub position: u64,
}

/// What an alarm's event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmEvent {
    Raised,
    Cleared,
    Acknowledged,
    Shelved,
    Unshelved,
    Suppressed,
    Released,
    RemovedFromService,
    ReturnedToService,
}

impl AlarmEvent {
    /// By its full protobuf name; `None`: not known to this viewer.
    pub fn from_kind(kind: &str) -> Option<AlarmEvent> {
        match kind.strip_prefix("terrarium.alarm.v1.")? {
            "AlarmRaisedV1" => Some(AlarmEvent::Raised),
            "AlarmClearedV1" => Some(AlarmEvent::Cleared),
            "AlarmAcknowledgedV1" => Some(AlarmEvent::Acknowledged),
            "AlarmShelvedV1" => Some(AlarmEvent::Shelved),
            "AlarmUnshelvedV1" => Some(AlarmEvent::Unshelved),
            "AlarmSuppressedV1" => Some(AlarmEvent::Suppressed),
            "AlarmReleasedV1" => Some(AlarmEvent::Released),
            "AlarmRemovedFromServiceV1" => Some(AlarmEvent::RemovedFromService),
            "AlarmReturnedToServiceV1" => Some(AlarmEvent::ReturnedToService),
            _ => None,
        }
    }

    /// A person did it.
    pub fn is_by_person(self) -> bool {
        matches!(
            self,
            AlarmEvent::Acknowledged
                | AlarmEvent::Shelved
                | AlarmEvent::Unshelved
                | AlarmEvent::RemovedFromService
                | AlarmEvent::ReturnedToService
        )
    }
}

/// A change of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmLine {
    /// Id of its definition, "/", the asset.
    pub alarm: String,
    pub event: AlarmEvent,
    /// The occurrence that it belongs to.
    pub occurrence: String,
    pub time_ms: i64,
    pub position: u64,
    /// Whose credential; empty where the service did it.
    pub actor: String,
    pub reason: String,
}

/// What was asked of a device, or what it made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    pub step: OrderStep,
    pub asset: String,
    pub value: Option<OrderValue>,
    pub time_ms: i64,
    pub position: u64,
    pub actor: String,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderStep {
    Asked,
    Obeyed,
    Missed,
}

/// How much was asked for, or told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderValue {
    Watt(i64),
    WattHour(i64),
    Litre(i64),
    /// In a unit that this viewer does not know.
    Plain(i64),
}

/// How complete a meter's hours are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeterQuality {
    pub meter: String,
    pub asset: String,
    pub hours_expected: u64,
    pub hours_metered: u64,
    pub quarantined: u64,
    /// The first gap, RFC 3339 in the park's zone.
    pub first_gap: Option<(String, String)>,
}
