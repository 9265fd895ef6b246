//! The alarm list of ANSI/ISA-18.2 (IEC 62682) and the rate gauge of EEMUA 191.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use terrarium_model::Name;

use crate::asset_state::AssetAlarm;
use crate::park_view::AssetIndex;
use crate::point_table::PointTable;
use crate::quantity::Quantity;

/// How urgent an alarm is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmPriority {
    Low,
    Medium,
    High,
}

impl AlarmPriority {
    /// The least first.
    pub const ALL: [AlarmPriority; 3] = [
        AlarmPriority::Low,
        AlarmPriority::Medium,
        AlarmPriority::High,
    ];

    /// By its number on the wire; one that is not known is high, so that nobody misses it.
    pub fn from_wire(number: i32) -> AlarmPriority {
        match number {
            1 => AlarmPriority::Low,
            2 => AlarmPriority::Medium,
            _ => AlarmPriority::High,
        }
    }
}

/// States of ANSI/ISA-18.2-2016, figure 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    Normal,
    Unacknowledged,
    Acknowledged,
    ReturnedUnacknowledged,
    Shelved,
    Suppressed,
    OutOfService,
}

impl AlarmState {
    /// Every state, in the order of the standard.
    pub const ALL: [AlarmState; 7] = [
        AlarmState::Normal,
        AlarmState::Unacknowledged,
        AlarmState::Acknowledged,
        AlarmState::ReturnedUnacknowledged,
        AlarmState::Shelved,
        AlarmState::Suppressed,
        AlarmState::OutOfService,
    ];

    /// By its number in `terrarium.alarm.v1.AlarmState`; one that is not known is unacknowledged, so that nobody misses it.
    pub fn from_wire(number: i32) -> AlarmState {
        match number {
            1 => AlarmState::Normal,
            3 => AlarmState::Acknowledged,
            4 => AlarmState::ReturnedUnacknowledged,
            5 => AlarmState::Shelved,
            6 => AlarmState::Suppressed,
            7 => AlarmState::OutOfService,
            _ => AlarmState::Unacknowledged,
        }
    }

    /// Whether it stands in the operator's list.
    pub fn is_listed(self) -> bool {
        matches!(
            self,
            AlarmState::Unacknowledged
                | AlarmState::Acknowledged
                | AlarmState::ReturnedUnacknowledged
        )
    }

    /// Whether a person has still to say that they saw it.
    pub fn is_unacknowledged(self) -> bool {
        matches!(
            self,
            AlarmState::Unacknowledged | AlarmState::ReturnedUnacknowledged
        )
    }
}

/// What an alarm means: from the park file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmDefinition {
    pub asset: String,
    pub condition: String,
    pub priority: AlarmPriority,
    pub name: Name,
    pub cause: Name,
    pub consequence: Name,
    pub action: Name,
    /// Time there is to act, in seconds.
    pub respond_within_s: u32,
    /// What its value and limit are; `None`: seconds without a report, or Wh that no meter explains.
    pub quantity: Option<Quantity>,
}

/// How an alarm stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmStatus {
    pub state: AlarmState,
    /// The condition holds, whatever the state.
    pub is_active: bool,
    /// Id of the event that raised it last; empty: it never was.
    pub occurrence: String,
    pub raised_ms: Option<i64>,
    pub changed_ms: Option<i64>,
    pub shelved_until_ms: Option<i64>,
    pub actor: String,
    pub reason: String,
    /// The value that raised it and its limit, in the unit of the condition.
    pub value: Option<i64>,
    pub limit: Option<i64>,
}

/// An alarm with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Id of its definition, "/", the asset.
    pub id: String,
    pub definition: AlarmDefinition,
    pub status: AlarmStatus,
}

/// One change, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmTransition {
    pub alarm: String,
    pub status: AlarmStatus,
    /// It was raised by this change.
    pub is_raise: bool,
    pub position: u64,
    pub time_ms: i64,
}

/// How many alarms were raised in the last ten minutes, against the bands of EEMUA 191 (table of Nimmo: 1 is what an
/// operator can manage, more than 10 is a flood).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmRate {
    pub in_ten_minutes: u32,
    pub band: RateBand,
}

/// The bands of the rate gauge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateBand {
    /// At most 1.
    Manageable,
    /// 2 to 10.
    Demanding,
    /// More than 10.
    Flood,
}

const RATE_WINDOW_MS: i64 = 600_000;
const MOST_RAISES_KEPT: usize = 10_000;

/// All alarms of a park.
#[derive(Debug, Clone, Default)]
pub struct AlarmList {
    alarms: BTreeMap<String, Alarm>,
    /// When alarms were raised, in the order recorded.
    raises: VecDeque<i64>,
    /// Raises in the ten minutes before a moment that only the service knows the times of.
    unseen: Option<(i64, u32)>,
    /// The worst listed alarm of each asset.
    worst: BTreeMap<String, AssetAlarm>,
    position: Option<u64>,
    is_told: bool,
}

impl AlarmList {
    /// Whether the service has said which alarms there are.
    pub fn is_told(&self) -> bool {
        self.is_told
    }

    /// Begins anew with all alarms as they stand at a position. `counted`: how many the service says were raised in the ten
    /// minutes before a moment; the list itself knows only the newest time of each.
    pub fn reset(
        &mut self,
        alarms: Vec<Alarm>,
        position: Option<u64>,
        counted: Option<(i64, u32)>,
    ) {
        let mut raises: Vec<i64> = alarms
            .iter()
            .filter_map(|alarm| alarm.status.raised_ms)
            .collect();
        raises.extend(self.raises.iter().copied());
        raises.sort_unstable();
        raises.dedup();
        let surplus = raises.len().saturating_sub(MOST_RAISES_KEPT);
        self.raises = raises.split_off(surplus).into();
        self.alarms = alarms
            .into_iter()
            .map(|alarm| (alarm.id.clone(), alarm))
            .collect();
        self.is_told = true;
        self.position = position;
        self.unseen = None;
        self.unseen = counted.map(|(moment_ms, counted)| {
            let seen = self.rate(moment_ms).in_ten_minutes;
            (moment_ms, counted.saturating_sub(seen))
        });
        let assets: BTreeSet<String> = self
            .all()
            .map(|alarm| alarm.definition.asset.clone())
            .collect();
        self.worst.clear();
        for asset in assets {
            self.find_worst_of(asset);
        }
    }

    /// Takes a change in. False: it was known, or the alarm is not.
    pub fn apply(&mut self, transition: AlarmTransition) -> bool {
        if Some(transition.position) <= self.position {
            return false;
        }
        self.position = Some(transition.position);
        let Some(alarm) = self.alarms.get_mut(&transition.alarm) else {
            return false;
        };
        alarm.status = transition.status;
        let asset = alarm.definition.asset.clone();
        if transition.is_raise {
            self.raises.push_back(transition.time_ms);
            if self.raises.len() > MOST_RAISES_KEPT {
                self.raises.pop_front();
            }
        }
        self.find_worst_of(asset);
        true
    }

    fn find_worst_of(&mut self, asset: String) {
        let worst = self
            .all()
            .filter(|alarm| alarm.definition.asset == asset && alarm.status.state.is_listed())
            .max_by_key(|alarm| rank(alarm))
            .map(|alarm| AssetAlarm {
                priority: alarm.definition.priority,
                is_unacknowledged: alarm.status.state.is_unacknowledged(),
            });
        match worst {
            Some(worst) => self.worst.insert(asset, worst),
            None => self.worst.remove(&asset),
        };
    }

    /// Position of the newest change that is in.
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// An alarm by its id.
    pub fn get(&self, alarm: &str) -> Option<&Alarm> {
        self.alarms.get(alarm)
    }

    /// All of them, by id.
    pub fn all(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values()
    }

    /// The operator's list: unacknowledged first, then by priority, then the newest first.
    pub fn listed(&self) -> Vec<&Alarm> {
        let mut listed: Vec<&Alarm> = self
            .all()
            .filter(|alarm| alarm.status.state.is_listed())
            .collect();
        listed.sort_by(|one, other| rank(other).cmp(&rank(one)).then(one.id.cmp(&other.id)));
        listed
    }

    /// Those that are hidden in a state, such as shelved, the one that comes back first before the others.
    pub fn hidden(&self, state: AlarmState) -> Vec<&Alarm> {
        let mut hidden: Vec<&Alarm> = self
            .all()
            .filter(|alarm| alarm.status.state == state)
            .collect();
        hidden.sort_by_key(|alarm| (alarm.status.shelved_until_ms, alarm.id.clone()));
        hidden
    }

    /// The worst listed alarm of an asset.
    pub fn worst_of(&self, asset: &str) -> Option<AssetAlarm> {
        self.worst.get(asset).copied()
    }

    /// The worst alarm of an asset by the states that the twin tells of a moment. An alarm that is not in the list any more has
    /// no known priority: it counts as high, so that nobody misses it.
    pub(crate) fn worst_then(&self, table: &PointTable, asset: AssetIndex) -> Option<AssetAlarm> {
        table
            .points_of(asset)
            .filter(|slot| slot.name.quantity == Quantity::AlarmState)
            .filter_map(|slot| {
                let number = i32::try_from(slot.sample?.value).unwrap_or(0);
                let state = AlarmState::from_wire(number);
                let known = self.get(&slot.name.source);
                let priority = known.map_or(AlarmPriority::High, |alarm| alarm.definition.priority);
                state.is_listed().then_some(AssetAlarm {
                    priority,
                    is_unacknowledged: state.is_unacknowledged(),
                })
            })
            .max_by_key(|alarm| (alarm.is_unacknowledged, alarm.priority))
    }

    /// How many wait for acknowledgement.
    pub fn unacknowledged(&self) -> usize {
        let unacknowledged = |alarm: &&Alarm| alarm.status.state.is_unacknowledged();
        self.all().filter(unacknowledged).count()
    }

    /// The rate gauge.
    pub fn rate(&self, now_ms: i64) -> AlarmRate {
        let window = (now_ms - RATE_WINDOW_MS)..=now_ms;
        let in_window = self.raises.iter().filter(|raised| window.contains(raised));
        let seen = u32::try_from(in_window.count()).unwrap_or(u32::MAX);
        // When an unseen one leaves the window is not known, so they all stay until the last one has left for sure: the gauge
        // may say too much for some minutes, never too little.
        let unseen = self
            .unseen
            .filter(|(moment_ms, _)| now_ms < moment_ms + RATE_WINDOW_MS)
            .map_or(0, |(_, unseen)| unseen);
        let in_ten_minutes = seen.saturating_add(unseen);
        let band = match in_ten_minutes {
            0..=1 => RateBand::Manageable,
            2..=10 => RateBand::Demanding,
            _ => RateBand::Flood,
        };
        AlarmRate {
            in_ten_minutes,
            band,
        }
    }

    /// The alarm that came first among those whose condition still holds: where an upset began.
    pub fn first_out(&self) -> Option<&Alarm> {
        self.all()
            .filter(|alarm| alarm.status.is_active && alarm.status.state.is_listed())
            .filter(|alarm| alarm.status.raised_ms.is_some())
            .min_by_key(|alarm| (alarm.status.raised_ms, &alarm.id))
    }

    /// Listed alarms by condition: how many of each, the most frequent first.
    pub fn by_condition(&self) -> Vec<(&str, u32)> {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for alarm in self.listed() {
            *counts.entry(&alarm.definition.condition).or_default() += 1;
        }
        let mut counts: Vec<(&str, u32)> = counts.into_iter().collect();
        counts.sort_by_key(|(condition, count)| (std::cmp::Reverse(*count), *condition));
        counts
    }
}

/// Greater: nearer to the top of the list.
fn rank(alarm: &Alarm) -> (bool, AlarmPriority, Option<i64>) {
    (
        alarm.status.state.is_unacknowledged(),
        alarm.definition.priority,
        alarm.status.raised_ms,
    )
}

impl Alarm {
    /// Time left to act, in ms; below zero: the time is over. `None` where nothing presses.
    pub fn time_left_ms(&self, now_ms: i64) -> Option<i64> {
        if !self.status.is_active || !self.status.state.is_listed() {
            return None;
        }
        let raised_ms = self.status.raised_ms?;
        Some(raised_ms + i64::from(self.definition.respond_within_s) * 1_000 - now_ms)
    }
}
