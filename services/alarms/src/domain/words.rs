//! What can be asked of an alarm and what happens to it.

use std::fmt;
use std::sync::Arc;

use terrarium_model::{AlarmCondition, AlarmPriority, AssetId, ParkId, UnixMillis};
use uuid::Uuid;

/// Everything a decision needs beside the alarm's own past.
#[derive(Clone, Debug)]
pub struct AlarmContext {
    /// Park of the alarm.
    pub park: ParkId,
    /// The alarm.
    pub alarm: Arc<str>,
    /// The park's time.
    pub now: UnixMillis,
}

/// States of ANSI/ISA-18.2-2016, figure 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmState {
    /// Nothing is wrong, and nothing waits to be seen.
    Normal,
    /// Its condition holds, and nobody has said that it was seen.
    Unacknowledged,
    /// Its condition holds, and a person has seen it.
    Acknowledged,
    /// Its condition held, and nobody saw it.
    ReturnedUnacknowledged,
    /// Hidden by the operator until a time.
    Shelved,
    /// Hidden by design while another alarm's condition holds.
    Suppressed,
    /// Hidden for maintenance.
    OutOfService,
}

impl AlarmState {
    /// Every state.
    pub const ALL: [AlarmState; 7] = [
        AlarmState::Normal,
        AlarmState::Unacknowledged,
        AlarmState::Acknowledged,
        AlarmState::ReturnedUnacknowledged,
        AlarmState::Shelved,
        AlarmState::Suppressed,
        AlarmState::OutOfService,
    ];
}

impl fmt::Display for AlarmState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            AlarmState::Normal => "normal",
            AlarmState::Unacknowledged => "unacknowledged",
            AlarmState::Acknowledged => "acknowledged",
            AlarmState::ReturnedUnacknowledged => "returned, unacknowledged",
            AlarmState::Shelved => "shelved",
            AlarmState::Suppressed => "suppressed by design",
            AlarmState::OutOfService => "out of service",
        })
    }
}

/// The condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    /// What is wrong.
    pub asset: AssetId,
    /// How.
    pub condition: AlarmCondition,
    /// As the park file has it then.
    pub priority: AlarmPriority,
    /// Since when it counts.
    pub time: UnixMillis,
    /// What crossed the limit, in the unit of the condition.
    pub value: Option<i64>,
    /// The limit.
    pub limit: Option<i64>,
    /// The event that brought the value.
    pub cause: Uuid,
}

/// The condition does not hold any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clear {
    /// Since when.
    pub time: UnixMillis,
    /// The value that is back inside.
    pub value: Option<i64>,
    /// The limit.
    pub limit: Option<i64>,
    /// The event that brought the value.
    pub cause: Uuid,
}

/// What can be asked of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmCommand {
    /// By the service: its condition holds.
    Raise(Raise),
    /// By the service: its condition does not hold any more.
    Clear(Clear),
    /// By the service: the alarm that suppresses it was raised.
    Suppress {
        /// That alarm.
        by_alarm: Arc<str>,
        /// The event that raised it.
        by_raised: Uuid,
        /// When.
        time: UnixMillis,
    },
    /// By the service: the alarm that suppresses it was cleared.
    Release {
        /// The event that cleared it.
        by_cleared: Uuid,
        /// When.
        time: UnixMillis,
    },
    /// By the service: the time of its shelving came.
    EndShelving {
        /// The event that shelved it.
        shelved: Uuid,
    },
    /// By a person, who has seen it.
    Acknowledge {
        /// What the person saw.
        occurrence: Uuid,
        /// In the person's own words.
        comment: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// By a person.
    Shelve {
        /// Until when.
        until: UnixMillis,
        /// Why.
        reason: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// By a person.
    Unshelve {
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// By a person.
    SetService {
        /// Take it out of service, or back in.
        out_of_service: bool,
        /// Why.
        reason: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
}

/// An event of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// The alarm.
    pub alarm: Arc<str>,
    /// What happened.
    pub fact: AlarmFact,
}

/// Why shelving ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnshelveCause {
    /// A person ended it.
    Person {
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// Its time came.
    Time,
}

/// What happened to an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmFact {
    /// Its condition holds.
    Raised(Raise),
    /// Its condition does not hold any more.
    Cleared {
        /// How.
        clear: Clear,
        /// The event that raised it.
        raised: Uuid,
    },
    /// A person has seen it.
    Acknowledged {
        /// The event that raised it.
        raised: Uuid,
        /// When.
        time: UnixMillis,
        /// In the person's own words.
        comment: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// A person keeps it out of the list.
    Shelved {
        /// When.
        time: UnixMillis,
        /// Until when.
        until: UnixMillis,
        /// Why.
        reason: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// Shelving ended.
    Unshelved {
        /// The event that shelved it.
        shelved: Uuid,
        /// When.
        time: UnixMillis,
        /// Why.
        cause: UnshelveCause,
    },
    /// The alarm that suppresses it was raised.
    Suppressed {
        /// That alarm.
        by_alarm: Arc<str>,
        /// The event that raised it.
        by_raised: Uuid,
        /// When.
        time: UnixMillis,
    },
    /// The alarm that suppressed it was cleared.
    Released {
        /// The event that suppressed this one.
        suppressed: Uuid,
        /// When.
        time: UnixMillis,
    },
    /// A person took it out of service.
    RemovedFromService {
        /// When.
        time: UnixMillis,
        /// Why.
        reason: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
    /// A person took it back into service.
    ReturnedToService {
        /// The event that took it out.
        removed: Uuid,
        /// When.
        time: UnixMillis,
        /// Why.
        reason: Arc<str>,
        /// The caller's own id of its request.
        client_request_id: Arc<str>,
    },
}

impl AlarmFact {
    /// When it happened.
    pub fn time(&self) -> UnixMillis {
        match self {
            AlarmFact::Raised(raise) => raise.time,
            AlarmFact::Cleared { clear, .. } => clear.time,
            AlarmFact::Acknowledged { time, .. }
            | AlarmFact::Shelved { time, .. }
            | AlarmFact::Unshelved { time, .. }
            | AlarmFact::Suppressed { time, .. }
            | AlarmFact::Released { time, .. }
            | AlarmFact::RemovedFromService { time, .. }
            | AlarmFact::ReturnedToService { time, .. } => *time,
        }
    }

    /// The request that a person made, if a person did.
    pub fn client_request_id(&self) -> Option<&Arc<str>> {
        match self {
            AlarmFact::Acknowledged {
                client_request_id, ..
            }
            | AlarmFact::Shelved {
                client_request_id, ..
            }
            | AlarmFact::Unshelved {
                cause: UnshelveCause::Person { client_request_id },
                ..
            }
            | AlarmFact::RemovedFromService {
                client_request_id, ..
            }
            | AlarmFact::ReturnedToService {
                client_request_id, ..
            } => Some(client_request_id),
            AlarmFact::Raised(_)
            | AlarmFact::Cleared { .. }
            | AlarmFact::Unshelved { .. }
            | AlarmFact::Suppressed { .. }
            | AlarmFact::Released { .. } => None,
        }
    }

    /// What the person said, if a person did this.
    pub fn words(&self) -> &str {
        match self {
            AlarmFact::Acknowledged { comment, .. } => comment,
            AlarmFact::Shelved { reason, .. }
            | AlarmFact::RemovedFromService { reason, .. }
            | AlarmFact::ReturnedToService { reason, .. } => reason,
            _ => "",
        }
    }
}
