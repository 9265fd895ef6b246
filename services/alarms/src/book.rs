//! The alarms of a park as they stand on record. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{EventCodecError, Metadata, RecordedEvent};
use terrarium_model::{AlarmDefinition, AlarmTest, AlarmWatch, Name, ParkDefinition, UnixMillis};
use terrarium_proto::alarm::v1 as wire;
use terrarium_twin::Quantity;

use crate::domain::{Alarm, AlarmEvent, AlarmFact, AlarmState};
use crate::events::{decode, priority_to_wire, state_to_wire};

/// EEMUA 191 and ISA-18.2 count alarms over ten minutes.
const RATE_WINDOW_MS: i64 = 600_000;

/// All alarms of a park that have events.
#[derive(Default)]
pub struct AlarmBook {
    alarms: BTreeMap<Arc<str>, Recorded>,
    /// When alarms came to be seen by the operator; older ones than ten minutes before the newest are left out.
    annunciated: BTreeMap<UnixMillis, u32>,
}

/// One alarm with what its events say beside its state.
#[derive(Default)]
struct Recorded {
    alarm: Alarm,
    changed: Option<UnixMillis>,
    /// Who did the last thing that a person did, and why.
    actor: Arc<str>,
    reason: Arc<str>,
}

impl AlarmBook {
    /// Takes in an event of an alarm, and gives it back as read.
    pub fn apply(&mut self, event: &RecordedEvent) -> Result<AlarmEvent, EventCodecError> {
        let read = decode(event.id, &event.event_type, &event.data)?;
        let recorded = self.alarms.entry(Arc::clone(&read.alarm)).or_default();
        let before = recorded.alarm.state();
        recorded.alarm.evolve(&read);
        let after = recorded.alarm.state();
        let time = read.fact.time();
        if before != after {
            recorded.changed = Some(time);
        }
        if read.fact.client_request_id().is_some() {
            let metadata = Metadata::parse(&event.metadata).ok();
            recorded.actor = metadata
                .map(|metadata| metadata.actor)
                .unwrap_or_default()
                .into();
            recorded.reason = read.fact.words().into();
        } else if matches!(read.fact, AlarmFact::Raised(_)) && after == AlarmState::Unacknowledged {
            recorded.actor = Arc::from("");
            recorded.reason = Arc::from("");
        }
        if after == AlarmState::Unacknowledged && before != AlarmState::Unacknowledged {
            self.annunciate(time);
        }
        Ok(read)
    }

    /// An alarm that has events.
    pub fn alarm(&self, alarm: &str) -> Option<&Alarm> {
        self.alarms.get(alarm).map(|recorded| &recorded.alarm)
    }

    /// Every alarm that has events.
    pub fn alarms(&self) -> impl Iterator<Item = (&Arc<str>, &Alarm)> {
        self.alarms
            .iter()
            .map(|(name, recorded)| (name, &recorded.alarm))
    }

    /// Alarms that came to be seen by the operator in the ten minutes before `now`.
    pub fn annunciated_before(&self, now: UnixMillis) -> u32 {
        let from = UnixMillis(now.0.saturating_sub(RATE_WINDOW_MS));
        self.annunciated
            .range(from..=now)
            .map(|(_, count)| count)
            .sum()
    }

    /// An alarm as the wire carries it; without its definition only with its id.
    pub fn to_wire(&self, alarm: &str, definition: Option<wire::AlarmDefinition>) -> wire::Alarm {
        let definition = definition.unwrap_or_else(|| wire::AlarmDefinition {
            alarm: alarm.to_owned(),
            ..wire::AlarmDefinition::default()
        });
        let Some(recorded) = self.alarms.get(alarm) else {
            return wire::Alarm {
                definition: Some(definition),
                state: wire::AlarmState::Normal as i32,
                ..wire::Alarm::default()
            };
        };
        let newest = recorded.alarm.newest();
        wire::Alarm {
            definition: Some(definition),
            state: state_to_wire(recorded.alarm.state()) as i32,
            is_active: recorded.alarm.is_active(),
            occurrence: newest
                .map(|newest| newest.id.to_string())
                .unwrap_or_default(),
            raised_ms: newest.map(|newest| newest.time.0),
            changed_ms: recorded.changed.map(|changed| changed.0),
            shelved_until_ms: recorded.alarm.shelving().map(|shelving| shelving.until.0),
            actor: recorded.actor.to_string(),
            reason: recorded.reason.to_string(),
            value: newest.and_then(|newest| newest.value),
            limit: newest.and_then(|newest| newest.limit),
            suppressed_by: recorded
                .alarm
                .suppression()
                .map(|suppression| suppression.by_alarm.to_string())
                .unwrap_or_default(),
        }
    }

    fn annunciate(&mut self, time: UnixMillis) {
        *self.annunciated.entry(time).or_default() += 1;
        let newest = self.annunciated.keys().next_back().copied().unwrap_or(time);
        let from = UnixMillis(newest.0.saturating_sub(RATE_WINDOW_MS));
        self.annunciated = self.annunciated.split_off(&from);
    }
}

/// Every alarm of a park definition, in the order of their ids.
pub fn definitions(park: &ParkDefinition) -> BTreeMap<String, wire::AlarmDefinition> {
    park.alarms
        .values()
        .flat_map(|definition| {
            let of_watch = |watch| definition_to_wire(park, definition, watch);
            definition.watches.iter().map(of_watch)
        })
        .map(|definition| (definition.alarm.clone(), definition))
        .collect()
}

fn definition_to_wire(
    park: &ParkDefinition,
    definition: &AlarmDefinition,
    watch: &AlarmWatch,
) -> wire::AlarmDefinition {
    let quantity = match &watch.test {
        AlarmTest::Point { quantity, .. } => Quantity::from_code(quantity.number()),
        AlarmTest::Silent { .. } | AlarmTest::BalanceOpen { .. } => None,
    };
    let suppressed_while = definition.suppressed_while.as_ref().and_then(|by| {
        let by = park.alarms.get(by.as_str())?;
        let of_same = by
            .watches
            .iter()
            .find(|other| (&other.meter, &other.asset) == (&watch.meter, &watch.asset));
        Some(of_same.map_or_else(|| by.id.to_string(), |other| by.alarm_id(other)))
    });
    wire::AlarmDefinition {
        alarm: definition.alarm_id(watch),
        asset: watch.asset.to_string(),
        condition: definition.condition.token().to_owned(),
        priority: priority_to_wire(definition.priority) as i32,
        name: Some(text(&definition.name)),
        cause: Some(text(&definition.cause)),
        consequence: Some(text(&definition.consequence)),
        action: Some(text(&definition.action)),
        respond_within_s: definition.respond_within_s,
        meter: watch
            .meter
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        quantity: quantity.map_or(0, Quantity::code),
        suppressed_while: suppressed_while.unwrap_or_default(),
    }
}

fn text(name: &Name) -> wire::AlarmText {
    wire::AlarmText {
        en: name.en.clone(),
        zh: name.zh.clone(),
    }
}
