//! When the conditions of a park's alarms hold. Pure: what was observed and the park's time go in, transitions come out.
//!
//! - A limit is judged by the samples' own times: the alarm is raised when its condition has held for its delay, and the
//!   raise says so, whenever it was found out. What is older than the newest sample of a point moves nothing.
//! - The park's clock only ends a delay during which nothing more was heard, counted from when the sample was recorded; it
//!   decides alone about meters that are silent.
//! - The same observations in the same order give the same transitions, so that a service that starts again finds out what
//!   it found out before.

mod condition;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    AlarmDefinition, AlarmDefinitionId, AlarmTest, AlarmWatch, AssetId, Balanced, MeterId,
    ParkDefinition, UnixMillis,
};
use terrarium_twin::{PointName, Quantity};
use uuid::Uuid;

use crate::domain::{AlarmCommand, Clear, Raise, cleared_id, raised_id};
use condition::{Change, Observed};
use watch::Watch;

/// A value of a point, or what stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// In the unit of what is watched.
    pub value: i64,
    /// The instant, or the end of the interval.
    pub time: UnixMillis,
    /// The instant, or the start of the interval.
    pub start: UnixMillis,
    /// The event that brought it.
    pub event: Uuid,
    /// The park's time when that was recorded.
    pub recorded: UnixMillis,
}

/// What an alarm has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The alarm.
    pub alarm: Arc<str>,
    /// Raise, clear, suppress or release.
    pub command: AlarmCommand,
}

/// What is watched for an alarm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Watched {
    Point(PointName),
    Meter(MeterId),
    Balance(Balanced, AssetId),
}

/// All alarms of a park, and what of them holds now.
#[derive(Default)]
pub struct ParkWatch {
    /// Whatever suppresses another stands before it.
    watches: Vec<Watch>,
    by_watched: BTreeMap<Watched, Vec<usize>>,
    /// The newest observation of everything that can be watched, so that an alarm that is defined later knows it.
    newest: BTreeMap<Watched, Observation>,
    /// Nothing is due before this.
    next_due: Option<UnixMillis>,
}

impl ParkWatch {
    /// The park is, from now on, as defined here. Alarms that it leaves out are cleared, and those that it changes judge anew
    /// by the newest that is known.
    pub fn define(
        &mut self,
        park: &ParkDefinition,
        event: Uuid,
        recorded: UnixMillis,
        transitions: &mut Vec<Transition>,
    ) {
        let mut known: BTreeMap<Arc<str>, Watch> = std::mem::take(&mut self.watches)
            .into_iter()
            .map(|watch| (Arc::clone(&watch.alarm), watch))
            .collect();
        self.by_watched.clear();
        let mut conditions_before = Vec::new();
        for definition in in_order_of_suppression(park) {
            for watched in &definition.watches {
                let mut watch = Watch::new(&park.id, definition, watched);
                let before = known.remove(&watch.alarm).map(|before| {
                    watch.suppressor = before.suppressor;
                    before.condition
                });
                conditions_before.push(before);
                self.by_watched
                    .entry(watch.watched.clone())
                    .or_default()
                    .push(self.watches.len());
                self.watches.push(watch);
            }
        }
        self.connect_suppression(park);
        for gone in known.into_values() {
            transitions.extend(gone.leave(event, recorded));
        }
        for (place, before) in conditions_before.into_iter().enumerate() {
            let watch = &mut self.watches[place];
            // From now on, not from when it was heard: this definition was not there then.
            let newest = self.newest.get(&watch.watched);
            let newest = newest.map(|newest| Observation {
                recorded,
                ..*newest
            });
            let changes = watch.condition.take_over(before, newest);
            self.tell(place, changes, transitions);
            self.settle_suppression(place, event, recorded, transitions);
        }
        self.find_next_due();
    }

    /// A sample of a point.
    pub fn observe(
        &mut self,
        point: &PointName,
        observation: Observation,
        transitions: &mut Vec<Transition>,
    ) {
        self.take_in(Watched::Point(point.clone()), observation, transitions);
    }

    /// A meter sent something, whatever it says.
    pub fn hear(
        &mut self,
        meter: &MeterId,
        event: Uuid,
        recorded: UnixMillis,
        transitions: &mut Vec<Transition>,
    ) {
        let heard = Observation {
            value: 0,
            time: recorded,
            start: recorded,
            event,
            recorded,
        };
        self.take_in(Watched::Meter(meter.clone()), heard, transitions);
    }

    /// What no meter explains of an hour of a node or a network (Wh) or a tank (litres), above or below zero.
    pub fn balance(
        &mut self,
        of: Balanced,
        node: &AssetId,
        unexplained: Observation,
        transitions: &mut Vec<Transition>,
    ) {
        let amount = Observation {
            value: unexplained.value.saturating_abs(),
            ..unexplained
        };
        self.take_in(Watched::Balance(of, node.clone()), amount, transitions);
    }

    /// Whether an alarm of this park watches balances, so that they need to be told.
    pub fn watches_balances(&self) -> bool {
        self.by_watched
            .keys()
            .any(|watched| matches!(watched, Watched::Balance(..)))
    }

    /// The park's clock says `now`: what became due until then is found out, in the order of time.
    pub fn advance(&mut self, now: UnixMillis, transitions: &mut Vec<Transition>) {
        while self.next_due.is_some_and(|due| due <= now) {
            let first = (0..self.watches.len())
                .filter_map(|place| Some((self.watches[place].condition.due()?, place)))
                .min();
            let Some((due, place)) = first else { break };
            self.judge(place, Observed::Due(due), transitions);
            self.find_next_due();
        }
    }

    /// When the clock has to be asked again, if nothing is heard until then.
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.next_due
    }

    /// Whether the condition of an alarm holds; `None`: it is not defined.
    pub fn holds(&self, alarm: &str) -> Option<bool> {
        let watch = self.watches.iter().find(|watch| &*watch.alarm == alarm)?;
        Some(watch.condition.holds())
    }

    /// Transitions that bring alarms on record in line with what holds: for those that recorded something else because the
    /// clock was asked at other times then.
    pub fn reconcile<'a>(
        &self,
        recorded: impl Fn(&str) -> Option<&'a crate::domain::Alarm>,
    ) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for watch in &self.watches {
            let alarm = recorded(&watch.alarm);
            let is_active = alarm.is_some_and(crate::domain::Alarm::is_active);
            let changed = alarm.and_then(crate::domain::Alarm::condition_changed);
            if watch.condition.holds() != is_active
                && let Some(change) = watch.condition.last_change()
            {
                let change = Change {
                    time: change.time.max(changed.unwrap_or(change.time)),
                    ..change.clone()
                };
                transitions.push(watch.transition(&change));
            }
        }
        transitions
    }

    fn take_in(
        &mut self,
        watched: Watched,
        observation: Observation,
        transitions: &mut Vec<Transition>,
    ) {
        let is_old = self
            .newest
            .get(&watched)
            .is_some_and(|newest| newest.time > observation.time);
        if is_old {
            return;
        }
        for place in self.by_watched.get(&watched).cloned().unwrap_or_default() {
            self.judge(place, Observed::Value(observation), transitions);
        }
        if self.by_watched.contains_key(&watched) {
            self.find_next_due();
        }
        self.newest.insert(watched, observation);
    }

    fn judge(&mut self, place: usize, observed: Observed, transitions: &mut Vec<Transition>) {
        let changes = self.watches[place].condition.judge(observed);
        self.tell(place, changes, transitions);
    }

    /// Tells what changed of one alarm, and lets go on those that it suppresses.
    fn tell(&mut self, place: usize, changes: Vec<Change>, transitions: &mut Vec<Transition>) {
        for change in changes {
            let watch = &self.watches[place];
            transitions.push(watch.transition(&change));
            for dependent in watch.suppresses.clone() {
                self.settle_suppression(dependent, change.cause, change.time, transitions);
            }
        }
    }

    /// Suppresses or releases an alarm, as those want that may suppress it.
    fn settle_suppression(
        &mut self,
        place: usize,
        cause: Uuid,
        time: UnixMillis,
        transitions: &mut Vec<Transition>,
    ) {
        let active = self.watches[place]
            .suppressed_by
            .iter()
            .map(|by| &self.watches[*by])
            .find(|by| by.condition.holds());
        let suppressor =
            active.map(|by| (Arc::clone(&by.alarm), by.condition.last_change().cloned()));
        let park = self.watches[place].park.clone();
        let watch = &mut self.watches[place];
        let command = match (suppressor, &watch.suppressor) {
            (Some((by_alarm, change)), None) => {
                let change = change.expect("what holds began to hold once");
                watch.suppressor = Some(Arc::clone(&by_alarm));
                AlarmCommand::Suppress {
                    by_raised: raised_id(&park, &by_alarm, &change.cause, change.time),
                    by_alarm,
                    time: change.time,
                }
            }
            (None, Some(by_alarm)) => {
                let by_cleared = cleared_id(&park, by_alarm, &cause, time);
                watch.suppressor = None;
                AlarmCommand::Release { by_cleared, time }
            }
            _ => return,
        };
        transitions.push(Transition {
            alarm: Arc::clone(&watch.alarm),
            command,
        });
    }

    fn find_next_due(&mut self) {
        self.next_due = self
            .watches
            .iter()
            .filter_map(|watch| watch.condition.due())
            .min();
    }

    /// An alarm is suppressed by the other one of the same thing, or where there is none, by each of the other definition.
    fn connect_suppression(&mut self, park: &ParkDefinition) {
        let places_of = |definition: &AlarmDefinitionId| -> Vec<usize> {
            let of_definition = |place: &usize| self.watches[*place].definition == *definition;
            (0..self.watches.len()).filter(of_definition).collect()
        };
        let mut pairs = Vec::new();
        for (place, watch) in self.watches.iter().enumerate() {
            let by = &park.alarms[watch.definition.as_str()].suppressed_while;
            let Some(by) = by else { continue };
            let all = places_of(by);
            let same_thing = all
                .iter()
                .filter(|by| self.watches[**by].thing() == watch.thing());
            let same_thing: Vec<usize> = same_thing.copied().collect();
            let by = if same_thing.is_empty() {
                all
            } else {
                same_thing
            };
            pairs.extend(by.into_iter().map(|by| (by, place)));
        }
        for (by, place) in pairs {
            self.watches[by].suppresses.push(place);
            self.watches[place].suppressed_by.push(by);
        }
    }
}

impl Watch {
    fn transition(&self, change: &Change) -> Transition {
        let command = match change.holds {
            true => AlarmCommand::Raise(Raise {
                asset: self.asset.clone(),
                condition: self.kind,
                priority: self.priority,
                time: change.time,
                value: change.value,
                limit: change.limit,
                cause: change.cause,
            }),
            false => AlarmCommand::Clear(Clear {
                time: change.time,
                value: change.value,
                limit: change.limit,
                cause: change.cause,
            }),
        };
        Transition {
            alarm: Arc::clone(&self.alarm),
            command,
        }
    }

    /// What an alarm has to be told when the park file leaves it out.
    fn leave(self, event: Uuid, recorded: UnixMillis) -> Vec<Transition> {
        let time = self
            .condition
            .last_change()
            .map_or(recorded, |change| change.time.max(recorded));
        let mut transitions = Vec::new();
        if self.condition.holds() {
            transitions.push(self.transition(&Change {
                holds: false,
                time,
                value: None,
                limit: None,
                cause: event,
            }));
        }
        if self.suppressor.is_some() {
            transitions.push(Transition {
                alarm: Arc::clone(&self.alarm),
                command: AlarmCommand::Release {
                    by_cleared: event,
                    time,
                },
            });
        }
        transitions
    }
}

/// Whatever suppresses another comes first. The park definition has no circles.
fn in_order_of_suppression(park: &ParkDefinition) -> Vec<&AlarmDefinition> {
    let mut definitions: Vec<&AlarmDefinition> = park.alarms.values().collect();
    definitions.sort_by_key(|definition| suppression_depth(park, definition));
    definitions
}

fn suppression_depth(park: &ParkDefinition, definition: &AlarmDefinition) -> usize {
    let by = definition.suppressed_while.as_ref();
    by.map_or(0, |by| {
        1 + suppression_depth(park, &park.alarms[by.as_str()])
    })
}

fn watched_by(watch: &AlarmWatch) -> Watched {
    let asset = &watch.asset;
    match &watch.test {
        AlarmTest::Silent { meter, .. } => Watched::Meter(meter.clone()),
        AlarmTest::Point { quantity, .. } => {
            let quantity = Quantity::from_code(quantity.number())
                .expect("every quantity of an alarm is one of the twin");
            Watched::Point(PointName {
                asset: asset.clone(),
                quantity,
                source: Arc::from(watch.meter.as_ref().map_or("", MeterId::as_str)),
            })
        }
        AlarmTest::BalanceOpen { of, .. } => Watched::Balance(*of, asset.clone()),
    }
}
