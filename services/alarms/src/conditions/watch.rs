//! One alarm as it is watched.

use std::sync::Arc;

use terrarium_model::{
    AlarmCondition, AlarmDefinition, AlarmDefinitionId, AlarmPriority, AlarmWatch, AssetId,
    MeterId, ParkId,
};

use super::condition::Condition;
use super::{Watched, watched_by};

pub(super) struct Watch {
    pub(super) park: ParkId,
    pub(super) alarm: Arc<str>,
    pub(super) definition: AlarmDefinitionId,
    pub(super) asset: AssetId,
    meter: Option<MeterId>,
    pub(super) kind: AlarmCondition,
    pub(super) priority: AlarmPriority,
    pub(super) watched: Watched,
    pub(super) condition: Condition,
    /// Places of the alarms that it suppresses.
    pub(super) suppresses: Vec<usize>,
    /// Places of the alarms that suppress it.
    pub(super) suppressed_by: Vec<usize>,
    /// The alarm that suppresses it now.
    pub(super) suppressor: Option<Arc<str>>,
}

impl Watch {
    pub(super) fn new(park: &ParkId, definition: &AlarmDefinition, watch: &AlarmWatch) -> Watch {
        Watch {
            park: park.clone(),
            alarm: definition.alarm_id(watch).into(),
            definition: definition.id.clone(),
            asset: watch.asset.clone(),
            meter: watch.meter.clone(),
            kind: definition.condition,
            priority: definition.priority,
            watched: watched_by(watch),
            condition: Condition::new(&watch.test, definition.delay_s, definition.off_delay_s),
            suppresses: Vec::new(),
            suppressed_by: Vec::new(),
            suppressor: None,
        }
    }

    /// What it is about.
    pub(super) fn thing(&self) -> &str {
        self.meter
            .as_ref()
            .map_or(self.asset.as_str(), MeterId::as_str)
    }
}
