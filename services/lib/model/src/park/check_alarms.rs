//! The alarms as a whole: that each watches what is there and fits its condition, and that none suppresses itself.

use std::collections::{BTreeMap, BTreeSet};

use super::alarm::{
    AlarmCondition, AlarmDefinition, AlarmTest, AlarmTrigger, AlarmWatch, Balanced, PointQuantity,
};
use super::alarm_limits::{kind_for, of_capacity, one_sided, quantity_of};
use super::definition::{Carrier, NodeMetering};
use super::parse::Draft;
use super::problem::{Problems, list};
use super::read_alarm::{DraftAlarm, DraftLimits, DraftWatched};
use super::references::{Places, resolve, unique};
use super::table::Located;
use super::thermal::DraftNetworks;
use crate::found::shown;
use crate::id::{AlarmDefinitionId, AssetId, MeterId};

/// What the alarms may refer to.
pub(super) struct Watchable<'d> {
    pub(super) draft: &'d Draft,
    pub(super) assets: &'d Places<'d>,
    pub(super) meters: &'d Places<'d>,
    /// Places of the nodes, and how each is metered.
    pub(super) nodes: &'d BTreeMap<usize, Option<NodeMetering>>,
    pub(super) networks: &'d DraftNetworks,
}

/// The alarms; `None` if any problem was noted, now or earlier, of what they need.
pub(super) fn build_alarms(
    watchable: &Watchable<'_>,
    problems: &mut Problems<'_>,
) -> Option<BTreeMap<AlarmDefinitionId, AlarmDefinition>> {
    let alarms = &watchable.draft.alarms;
    let ids = alarms.iter().map(|alarm| alarm.id.as_ref());
    let places = unique("alarms", ids, AlarmDefinitionId::new, problems);
    note_circles_of_suppression(alarms, &places, problems);
    let watches: Vec<Option<Vec<AlarmWatch>>> = alarms
        .iter()
        .map(|alarm| watchable.watches(alarm, problems))
        .collect();
    note_same_alarm_twice(alarms, &watches, problems);

    let mut definitions = BTreeMap::new();
    for (alarm, watches) in alarms.iter().zip(watches) {
        let id = AlarmDefinitionId::new(&alarm.id.as_ref()?.value).ok()?;
        let suppressed_while = match &alarm.suppressed_while {
            Some(other) => Some(AlarmDefinitionId::new(&other.value).ok()?),
            None => None,
        };
        let definition = AlarmDefinition {
            id: id.clone(),
            condition: alarm.condition?,
            priority: alarm.priority?,
            name: alarm.name.clone()?,
            cause: alarm.cause.clone()?,
            consequence: alarm.consequence.clone()?,
            action: alarm.action.clone()?,
            respond_within_s: alarm.respond_within_s?,
            delay_s: alarm.delay_s?,
            off_delay_s: alarm.off_delay_s?,
            suppressed_while,
            watches: watches?,
        };
        definitions.insert(id, definition);
    }
    Some(definitions)
}

impl Watchable<'_> {
    /// What one alarm watches, and the test for each.
    fn watches(&self, alarm: &DraftAlarm, problems: &mut Problems<'_>) -> Option<Vec<AlarmWatch>> {
        let (condition, limits) = (alarm.condition?, alarm.limits.as_ref()?);
        let takes_meters = match (condition, limits) {
            (AlarmCondition::MeterSilent, _) => true,
            (
                AlarmCondition::PointAbove | AlarmCondition::PointBelow,
                DraftLimits::Point { quantity, .. },
            ) => quantity.is_none_or(PointQuantity::is_metered),
            _ => false,
        };
        let (wanted, other, other_key) = match takes_meters {
            true => (&alarm.meters, &alarm.assets, "assets"),
            false => (&alarm.assets, &alarm.meters, "meters"),
        };
        let wanted_key = if takes_meters { "meters" } else { "assets" };
        if !matches!(other, DraftWatched::Absent) {
            problems.note(
                alarm.at,
                format!(
                    "{} of condition \"{condition}\" watches {wanted_key}, but it has a key \"{other_key}\"",
                    alarm.place
                ),
                match condition {
                    AlarmCondition::PointAbove | AlarmCondition::PointBelow => {
                        "for meters leave \"quantity\" out, it follows from what they measure; for assets write the \
                         quantity that they tell themselves"
                            .to_owned()
                    }
                    _ => format!("write {wanted_key} = [...]"),
                },
            );
            return None;
        }
        if matches!(wanted, DraftWatched::Absent) {
            problems.note(
                alarm.at,
                format!("{} has no key \"{wanted_key}\"", alarm.place),
                format!("write {wanted_key} = [\"id\", \"id\"], or {wanted_key} = \"all\""),
            );
            return None;
        }
        let places = if takes_meters {
            self.meter_places(alarm, wanted, limits, problems)?
        } else {
            self.asset_places(alarm, wanted, condition, limits, problems)?
        };
        let watch = |place: usize| match takes_meters {
            true => self.watch_of_meter(place, alarm, limits),
            false => self.watch_of_asset(place, limits),
        };
        places.into_iter().map(watch).collect()
    }

    fn meter_places(
        &self,
        alarm: &DraftAlarm,
        wanted: &DraftWatched,
        limits: &DraftLimits,
        problems: &mut Problems<'_>,
    ) -> Option<Vec<usize>> {
        let needed = match limits {
            DraftLimits::Point { quantity, .. } => *quantity,
            _ => None,
        };
        let fits = |place: usize| match (needed, self.draft.meters[place].measures) {
            (Some(needed), Some(measures)) => quantity_of(measures) == needed,
            _ => true,
        };
        match wanted {
            DraftWatched::All { at } => {
                let all = (0..self.draft.meters.len()).filter(|place| fits(*place));
                some_of(all.collect(), *at, alarm, problems)
            }
            DraftWatched::Listed(ids) => {
                let mut places = Vec::with_capacity(ids.len());
                for id in ids {
                    let place = resolve("meter", id, self.meters, problems)?;
                    if !fits(place) {
                        problems.note(
                            id.at,
                            format!(
                                "meter {} does not measure the quantity of this alarm",
                                shown(&id.value)
                            ),
                            "leave \"quantity\" out, it follows from what the meter measures",
                        );
                        return None;
                    }
                    places.push(place);
                }
                Some(places)
            }
            DraftWatched::Absent | DraftWatched::Unread => None,
        }
    }

    fn asset_places(
        &self,
        alarm: &DraftAlarm,
        wanted: &DraftWatched,
        condition: AlarmCondition,
        limits: &DraftLimits,
        problems: &mut Problems<'_>,
    ) -> Option<Vec<usize>> {
        match wanted {
            DraftWatched::All { at } => {
                let kind = kind_for(condition, limits);
                let balance = balance_of(limits);
                if kind.is_none() && balance.is_none() {
                    problems.note(
                        *at,
                        format!(
                            "{}: it could be any asset, so \"all\" says nothing",
                            alarm.place
                        ),
                        "list the assets that it watches",
                    );
                    return None;
                }
                let all = (0..self.draft.assets.len()).filter(|place| match kind {
                    Some(kind) => self.draft.assets[*place].kind == Some(kind),
                    None => match balance {
                        Some(Balanced::Thermal(carrier)) => {
                            self.networks.is_metered(carrier, *place) == Some(true)
                        }
                        _ => self.nodes.get(place) == Some(&Some(NodeMetering::ConsumptionAndGrid)),
                    },
                });
                some_of(all.collect(), *at, alarm, problems)
            }
            DraftWatched::Listed(ids) => {
                let mut places = Vec::with_capacity(ids.len());
                let mut all_fit = true;
                for id in ids {
                    match resolve("asset", id, self.assets, problems) {
                        Some(place) => {
                            all_fit &= self.note_misfit(id, place, condition, limits, problems);
                            places.push(place);
                        }
                        None => all_fit = false,
                    }
                }
                all_fit.then_some(places)
            }
            DraftWatched::Absent | DraftWatched::Unread => None,
        }
    }

    fn note_misfit_of_network(
        &self,
        id: &Located<String>,
        place: usize,
        carrier: Carrier,
        problems: &mut Problems<'_>,
    ) -> bool {
        let (problem, remedy) = match self.networks.is_metered(carrier, place) {
            Some(true) => return true,
            Some(false) => (
                format!(
                    "the {carrier} of network {} can't be balanced: not all of its sources and users have a meter",
                    shown(&id.value)
                ),
                format!(
                    "write [[meters]] with measures = \"{carrier}_supply\" on each source and \"{carrier}_use\" on each user"
                ),
            ),
            None => (
                format!("{} is no node of a network of {carrier}", shown(&id.value)),
                format!("name the asset where most lines of {carrier} meet"),
            ),
        };
        problems.note(id.at, problem, remedy);
        false
    }

    /// Whether the condition can hold of an asset; noted as a problem if not.
    fn note_misfit(
        &self,
        id: &Located<String>,
        place: usize,
        condition: AlarmCondition,
        limits: &DraftLimits,
        problems: &mut Problems<'_>,
    ) -> bool {
        if let Some(Balanced::Thermal(carrier)) = balance_of(limits) {
            return self.note_misfit_of_network(id, place, carrier, problems);
        }
        if condition == AlarmCondition::BalanceOpen {
            return match self.nodes.get(&place) {
                Some(Some(NodeMetering::ConsumptionAndGrid) | None) => true,
                Some(Some(_)) => {
                    problems.note(
                        id.at,
                        format!(
                            "the balance of node {} closes by itself: only one side of it is metered",
                            shown(&id.value)
                        ),
                        "write [[meters]] for both its consumption and its grid import, or leave it out here",
                    );
                    false
                }
                None => {
                    problems.note(
                        id.at,
                        format!("{} is no node, so it has no balance", shown(&id.value)),
                        "name an asset that the grid connects to",
                    );
                    false
                }
            };
        }
        let (Some(needed), Some(kind)) =
            (kind_for(condition, limits), self.draft.assets[place].kind)
        else {
            return true;
        };
        if kind == needed {
            return true;
        }
        let of_kind = self
            .draft
            .assets
            .iter()
            .filter(|asset| asset.kind == Some(needed));
        let ids: Vec<&str> = of_kind
            .filter_map(|asset| Some(asset.id.as_ref()?.value.as_str()))
            .collect();
        let remedy = match ids.is_empty() {
            true => {
                format!("there is no asset of kind \"{needed}\" in this park; leave the alarm out")
            }
            false => format!("write one of {}", list(ids.into_iter())),
        };
        problems.note(
            id.at,
            format!(
                "{} is of kind \"{kind}\", but \"{condition}\" is about kind \"{needed}\"",
                shown(&id.value)
            ),
            remedy,
        );
        false
    }

    fn watch_of_meter(
        &self,
        place: usize,
        alarm: &DraftAlarm,
        limits: &DraftLimits,
    ) -> Option<AlarmWatch> {
        let meter = &self.draft.meters[place];
        let id = MeterId::new(&meter.id.as_ref()?.value).ok()?;
        let test = match limits {
            DraftLimits::Point {
                is_above,
                limit,
                deadband,
                ..
            } => AlarmTest::Point {
                quantity: quantity_of(meter.measures?),
                trigger: one_sided(*is_above, *limit),
                deadband: *deadband,
            },
            _ => AlarmTest::Silent {
                meter: id.clone(),
                after_s: i64::from(alarm.delay_s?),
            },
        };
        Some(AlarmWatch {
            asset: AssetId::new(&meter.asset.as_ref()?.value).ok()?,
            meter: Some(id),
            test,
        })
    }

    fn watch_of_asset(&self, place: usize, limits: &DraftLimits) -> Option<AlarmWatch> {
        let asset = &self.draft.assets[place];
        let test = match limits {
            DraftLimits::Flag(quantity) => AlarmTest::Point {
                quantity: *quantity,
                trigger: AlarmTrigger::Above(0),
                deadband: 0,
            },
            DraftLimits::Point {
                quantity,
                is_above,
                limit,
                deadband,
            } => AlarmTest::Point {
                quantity: (*quantity)?,
                trigger: one_sided(*is_above, *limit),
                deadband: *deadband,
            },
            DraftLimits::Balance {
                of,
                limit,
                deadband,
            } => AlarmTest::BalanceOpen {
                of: *of,
                limit: *limit,
                deadband: *deadband,
            },
            DraftLimits::Silent => return None,
            DraftLimits::TankLow { .. }
            | DraftLimits::TankHigh { .. }
            | DraftLimits::Storage { .. } => of_capacity(limits, asset.parameters.as_ref()?)?,
        };
        Some(AlarmWatch {
            asset: AssetId::new(&asset.id.as_ref()?.value).ok()?,
            meter: None,
            test,
        })
    }
}

fn balance_of(limits: &DraftLimits) -> Option<Balanced> {
    match limits {
        DraftLimits::Balance { of, .. } => Some(*of),
        _ => None,
    }
}

fn some_of(
    places: Vec<usize>,
    at: usize,
    alarm: &DraftAlarm,
    problems: &mut Problems<'_>,
) -> Option<Vec<usize>> {
    if places.is_empty() {
        problems.note(
            at,
            format!(
                "{} watches nothing: nothing in this park fits it",
                alarm.place
            ),
            "leave the alarm out",
        );
        return None;
    }
    Some(places)
}

fn note_circles_of_suppression(
    alarms: &[DraftAlarm],
    places: &Places<'_>,
    problems: &mut Problems<'_>,
) {
    let suppressor: Vec<Option<usize>> = alarms
        .iter()
        .map(|alarm| {
            let other = alarm.suppressed_while.as_ref()?;
            resolve("alarm", other, places, problems)
        })
        .collect();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for (start, alarm) in alarms.iter().enumerate() {
        let mut circle = vec![start];
        let mut next = suppressor[start];
        while let Some(place) = next
            && !circle.contains(&place)
        {
            circle.push(place);
            next = suppressor[place];
        }
        // Only whoever stands in the circle itself is told, and each circle once.
        if next != Some(start) || circle.iter().any(|place| told.contains(place)) {
            continue;
        }
        told.extend(&circle);
        let names: Vec<&str> = circle
            .iter()
            .chain([&start])
            .filter_map(|place| Some(alarms[*place].id.as_ref()?.value.as_str()))
            .collect();
        let at = alarm.suppressed_while.as_ref().map_or(alarm.at, |id| id.at);
        problems.note(
            at,
            format!(
                "alarms suppress each other in a circle: {}",
                names.join(" -> ")
            ),
            "leave out one suppressed_while",
        );
    }
}

/// Two alarms for one thing would only double the operator's work.
fn note_same_alarm_twice(
    alarms: &[DraftAlarm],
    watches: &[Option<Vec<AlarmWatch>>],
    problems: &mut Problems<'_>,
) {
    let mut first: Vec<(&AlarmWatch, usize)> = Vec::new();
    for (place, watches) in watches.iter().enumerate() {
        for watch in watches.iter().flatten() {
            let same = first.iter().find(|(known, _)| *known == watch);
            let Some((_, of)) = same else {
                first.push((watch, place));
                continue;
            };
            let watched = watch
                .meter
                .as_ref()
                .map_or(watch.asset.as_str(), MeterId::as_str);
            problems.note(
                alarms[place].at,
                format!(
                    "{} and {} watch \"{watched}\" for the same",
                    alarms[*of].place, alarms[place].place
                ),
                "leave one out, or give it another limit",
            );
            break;
        }
    }
}
