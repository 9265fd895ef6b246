//! What the carbon books were told, with all versions, so that any moment's knowledge can be asked for again.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, EnergyWh, Interval, Shelf, UnixSeconds};

use super::fact::{
    Activity, ActivityKind, BinEmptied, CarbonFact, EmbodiedRecord, EvidenceRecord, InvoiceRecord,
    ProfileRecord, TreeRecord, WasteCollected, WasteWeighed, WaterFlow,
};
use crate::books::{AsOf, LifeCycleModule};
use crate::energy::meter_book::{MeterBook, Sight};
use crate::fact::{How, Origin};
use crate::hash::Hasher;

/// All versions of one thing, in the order of the record.
type Versions<T> = Vec<(Origin, T)>;

/// What was told of one collection of waste. There are some every day for as long as the park lives.
#[derive(Default)]
struct Load {
    collected: Versions<WasteCollected>,
    weighed: Versions<WasteWeighed>,
    /// In order of the bins; grams that each weighed.
    emptied: Vec<(AssetId, Versions<Option<i64>>)>,
}

impl Load {
    /// Grams that a bin weighed.
    fn emptied_mut(&mut self, bin: &AssetId) -> &mut Versions<Option<i64>> {
        let found = self.emptied.binary_search_by(|(known, _)| known.cmp(bin));
        let place = found.unwrap_or_else(|place| {
            self.emptied.reserve_exact(1);
            self.emptied.insert(place, (bin.clone(), Vec::new()));
            place
        });
        &mut self.emptied[place].1
    }

    fn emptied(&self, bin: &AssetId) -> Option<&Versions<Option<i64>>> {
        let found = self.emptied.binary_search_by(|(known, _)| known.cmp(bin));
        Some(&self.emptied[found.ok()?].1)
    }

    /// When it was collected.
    fn time(&self) -> Option<UnixSeconds> {
        Some(self.collected.last()?.1.time)
    }
}

/// A reading of a water meter.
#[derive(Clone, Copy, Debug)]
pub struct WaterReading {
    /// When.
    pub interval: Interval,
    /// How much.
    pub litres: i64,
    /// Position of the event that told it.
    pub position: u64,
}

/// Everything the carbon books of one park were told.
#[derive(Default)]
pub struct ActivityBook {
    shelf: Option<Arc<dyn Shelf>>,
    /// Litres, kept as a meter's Wh are.
    water: BTreeMap<(AssetId, WaterFlow), MeterBook>,
    activities: BTreeMap<(ActivityKind, AssetId, String), Versions<Arc<Activity>>>,
    /// By collection.
    loads: BTreeMap<String, Load>,
    trees: BTreeMap<AssetId, Versions<TreeRecord>>,
    embodied: BTreeMap<(AssetId, LifeCycleModule, String), Versions<EmbodiedRecord>>,
    profiles: BTreeMap<u32, Versions<ProfileRecord>>,
    evidence: BTreeMap<(String, [u8; 32]), Versions<EvidenceRecord>>,
    invoices: BTreeMap<(String, String), Versions<InvoiceRecord>>,
}

impl ActivityBook {
    /// An empty one, whose far past goes to a shelf.
    pub(crate) fn shelved(shelf: Option<Arc<dyn Shelf>>) -> ActivityBook {
        ActivityBook {
            shelf,
            ..ActivityBook::default()
        }
    }

    /// Takes in a fact.
    pub fn take_in(&mut self, fact: &CarbonFact, origin: Origin) {
        match fact {
            CarbonFact::Water(water) => {
                let series = self
                    .water
                    .entry((water.asset.clone(), water.flow))
                    .or_insert_with(|| MeterBook::shelved(self.shelf.clone()));
                let litres = EnergyWh(water.litres);
                series.count(water.interval, litres, 0, How::Reported, origin);
            }
            CarbonFact::Activity(activity) => add_by(
                &mut self.activities,
                (activity.kind, activity.asset.clone(), activity.name.clone()),
                origin,
                Arc::clone(activity),
            ),
            CarbonFact::Collected(told) => {
                let load = self.load_mut(&told.collection);
                add(&mut load.collected, origin, told.clone());
            }
            CarbonFact::Weighed(told) => {
                let load = self.load_mut(&told.collection);
                add(&mut load.weighed, origin, told.clone());
            }
            CarbonFact::Emptied(told) => {
                let load = self.load_mut(&told.collection);
                add(load.emptied_mut(&told.bin), origin, told.weight_g);
            }
            CarbonFact::Trees(record) => add_by(
                &mut self.trees,
                record.group.clone(),
                origin,
                record.clone(),
            ),
            CarbonFact::Embodied(record) => add_by(
                &mut self.embodied,
                (record.asset.clone(), record.module, record.item.clone()),
                origin,
                record.clone(),
            ),
            CarbonFact::Profile(record) => {
                add_by(&mut self.profiles, record.version, origin, record.clone());
            }
            CarbonFact::Evidence(record) => add_by(
                &mut self.evidence,
                (record.about.clone(), record.sha256),
                origin,
                record.clone(),
            ),
            CarbonFact::Invoice(record) => add_by(
                &mut self.invoices,
                (record.supplier.clone(), record.number.clone()),
                origin,
                record.clone(),
            ),
        }
    }

    fn load_mut(&mut self, collection: &str) -> &mut Load {
        if !self.loads.contains_key(collection) {
            self.loads.insert(collection.to_owned(), Load::default());
        }
        self.loads.get_mut(collection).expect("inserted above")
    }

    /// The time of what a fact takes the place of, if it takes any.
    pub fn extent_of_replaced(&self, fact: &CarbonFact) -> Option<(UnixSeconds, UnixSeconds)> {
        fn last<T>(versions: Option<&Versions<T>>) -> Option<&T> {
            versions?.last().map(|(_, value)| value)
        }
        let for_ever = |time: UnixSeconds| (time, UnixSeconds(i64::MAX));
        let extent = |interval: Interval| {
            let end = interval.end().0.max(interval.start.0 + 1);
            (interval.start, UnixSeconds(end))
        };
        match fact {
            CarbonFact::Water(water) => {
                let series = self.water.get(&(water.asset.clone(), water.flow))?;
                let replaced = series.reading_at(water.interval.start)?;
                Some(extent(Interval {
                    start: water.interval.start,
                    seconds: replaced.seconds,
                }))
            }
            CarbonFact::Activity(activity) => {
                let key = (activity.kind, activity.asset.clone(), activity.name.clone());
                last(self.activities.get(&key)).map(|replaced| extent(replaced.interval))
            }
            CarbonFact::Embodied(record) => {
                let key = (record.asset.clone(), record.module, record.item.clone());
                let replaced = last(self.embodied.get(&key))?;
                Some((replaced.time, UnixSeconds(replaced.time.0 + 1)))
            }
            CarbonFact::Collected(WasteCollected { collection, .. })
            // A weighing moves the load when that was collected.
            | CarbonFact::Weighed(WasteWeighed { collection, .. })
            | CarbonFact::Emptied(BinEmptied { collection, .. }) => {
                self.loads.get(collection)?.time().map(for_ever)
            }
            CarbonFact::Trees(_)
            | CarbonFact::Profile(_)
            | CarbonFact::Evidence(_)
            | CarbonFact::Invoice(_) => None,
        }
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.water.is_empty()
            && self.activities.is_empty()
            && self.loads.is_empty()
            && self.trees.is_empty()
            && self.embodied.is_empty()
            && self.profiles.is_empty()
            && self.evidence.is_empty()
            && self.invoices.is_empty()
    }

    /// Flows of water, in order of asset and flow.
    pub fn water_flows(&self) -> impl Iterator<Item = (&AssetId, WaterFlow)> {
        self.water.keys().map(|(asset, flow)| (asset, *flow))
    }

    /// Readings of a flow that overlap a stretch of time, as they were known.
    pub fn water_readings(
        &self,
        asset: &AssetId,
        flow: WaterFlow,
        from: UnixSeconds,
        to: UnixSeconds,
        as_of: AsOf,
    ) -> impl Iterator<Item = WaterReading> {
        let series = self.water.get(&(asset.clone(), flow));
        let sight = Sight {
            known_at: as_of.known_at.unwrap_or(u64::MAX),
            ..Sight::ALL
        };
        let longest_s = series.map_or(0, MeterBook::longest_s);
        let start = UnixSeconds(from.0.saturating_sub(i64::from(longest_s)));
        let readings = series
            .into_iter()
            .flat_map(move |series| series.readings_from(start, sight));
        readings
            .take_while(move |(start, _)| *start < to)
            .map(|(start, reading)| WaterReading {
                interval: Interval {
                    start,
                    seconds: reading.seconds,
                },
                litres: reading.energy.0,
                position: reading.position,
            })
            .filter(move |reading| reading.interval.end() > from)
    }

    /// Activities as they stand: of each the greatest revision that was known.
    pub fn activities(&self, as_of: AsOf) -> impl Iterator<Item = (Origin, &Arc<Activity>)> {
        newest_of(&self.activities, as_of, |activity| activity.revision)
    }

    /// All versions of one activity.
    pub fn activity_versions(
        &self,
        kind: ActivityKind,
        asset: &AssetId,
        name: &str,
    ) -> &[(Origin, Arc<Activity>)] {
        self.activities
            .get(&(kind, asset.clone(), name.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// All versions of the activity that an event told, in the order of the record; none: that event told another kind of thing.
    pub fn versions_told_at(&self, position: u64) -> &[(Origin, Arc<Activity>)] {
        self.activities
            .values()
            .find(|versions| {
                versions
                    .iter()
                    .any(|(origin, _)| origin.position == position)
            })
            .map_or(&[], Vec::as_slice)
    }

    /// Collections, each with its weighing if there is one.
    pub fn collections(
        &self,
        as_of: AsOf,
    ) -> impl Iterator<Item = (Origin, &WasteCollected, Option<(Origin, &WasteWeighed)>)> {
        self.loads.values().filter_map(move |load| {
            let (origin, collected) = newest(&load.collected, as_of, |_| 0)?;
            Some((origin, collected, newest(&load.weighed, as_of, |_| 0)))
        })
    }

    /// What a bin weighed when a collection emptied it.
    pub fn emptied_g(&self, collection: &str, bin: &AssetId, as_of: AsOf) -> Option<i64> {
        let versions = self.loads.get(collection)?.emptied(bin)?;
        *newest(versions, as_of, |_| 0)?.1
    }

    /// What happened to each tree group, in order of time.
    pub fn trees(
        &self,
        as_of: AsOf,
    ) -> impl Iterator<Item = (&AssetId, Vec<(Origin, &TreeRecord)>)> {
        self.trees.iter().map(move |(group, records)| {
            let mut history: Vec<(Origin, &TreeRecord)> = records
                .iter()
                .filter(|(origin, record)| {
                    as_of.knows(origin.position) && as_of.at.is_none_or(|at| record.time < at)
                })
                .map(|(origin, record)| (*origin, record))
                .collect();
            // What came at one moment stays in the order of its stream.
            history.sort_by_key(|(_, record)| record.time);
            (group, history)
        })
    }

    /// Embodied carbon as it stands.
    pub fn embodied(&self, as_of: AsOf) -> impl Iterator<Item = (Origin, &EmbodiedRecord)> {
        newest_of(&self.embodied, as_of, |record| record.revision)
    }

    /// The decision about accounting that holds at an instant.
    pub fn profile_at(&self, instant: UnixSeconds, as_of: AsOf) -> Option<&ProfileRecord> {
        newest_of(&self.profiles, as_of, |_| 0)
            .map(|(_, record)| record)
            .filter(|record| record.valid_from <= instant)
            .max_by_key(|record| (record.valid_from, record.version))
    }

    /// The newest decision about accounting.
    pub fn newest_profile(&self, as_of: AsOf) -> Option<(Origin, &ProfileRecord)> {
        newest_of(&self.profiles, as_of, |_| 0).max_by_key(|(_, record)| record.version)
    }

    /// Documents about something: an asset, a meter, an activity.
    pub fn evidence_about(
        &self,
        about: &str,
        as_of: AsOf,
    ) -> impl Iterator<Item = (Origin, &EvidenceRecord)> {
        let about = about.to_owned();
        newest_of(&self.evidence, as_of, |_| 0).filter(move |(_, record)| record.about == about)
    }

    /// Invoices as they stand.
    pub fn invoices(&self, as_of: AsOf) -> impl Iterator<Item = (Origin, &InvoiceRecord)> {
        newest_of(&self.invoices, as_of, |record| record.revision)
    }

    /// Adds to content and state hash. An event's id follows from what it says, so that ids in the order of what they are about
    /// cover it all.
    pub fn hash_into(&mut self, content: &mut Hasher, state: &mut Hasher) {
        if self.is_empty() {
            return;
        }
        content.text("activities");
        for ((asset, flow), series) in &mut self.water {
            content.text(asset.as_str()).text(flow.token());
            series.hash_readings(content, state);
        }
        hash_versions("activity", self.activities.values(), content, state);
        let loads = || self.loads.values();
        let collected = loads().map(|load| &load.collected);
        hash_versions("collection", collected, content, state);
        let weighed = loads().map(|load| &load.weighed);
        hash_versions("weighing", weighed, content, state);
        let emptied = loads().flat_map(|load| load.emptied.iter().map(|(_, versions)| versions));
        hash_versions("emptied", emptied, content, state);
        hash_versions("trees", self.trees.values(), content, state);
        hash_versions("embodied", self.embodied.values(), content, state);
        hash_versions("profile", self.profiles.values(), content, state);
        hash_versions("evidence", self.evidence.values(), content, state);
        hash_versions("invoice", self.invoices.values(), content, state);
    }
}

fn add_by<K: Ord, T>(map: &mut BTreeMap<K, Versions<T>>, key: K, origin: Origin, value: T) {
    add(map.entry(key).or_default(), origin, value);
}

fn add<T>(versions: &mut Versions<T>, origin: Origin, value: T) {
    let place = versions.partition_point(|(known, _)| known.position <= origin.position);
    // Nearly everything is told once.
    if versions.is_empty() {
        versions.reserve_exact(1);
    }
    versions.insert(place, (origin, value));
}

fn newest<T>(
    versions: &[(Origin, T)],
    as_of: AsOf,
    revision: impl Fn(&T) -> u32,
) -> Option<(Origin, &T)> {
    versions
        .iter()
        .filter(|(origin, _)| as_of.knows(origin.position))
        .max_by_key(|(origin, value)| (revision(value), origin.position))
        .map(|(origin, value)| (*origin, value))
}

fn newest_of<'a, K, T>(
    map: &'a BTreeMap<K, Versions<T>>,
    as_of: AsOf,
    revision: impl Fn(&T) -> u32 + 'a,
) -> impl Iterator<Item = (Origin, &'a T)> {
    map.values()
        .filter_map(move |versions| newest(versions, as_of, &revision))
}

fn hash_versions<'a, T: 'a>(
    label: &str,
    all: impl Iterator<Item = &'a Versions<T>>,
    content: &mut Hasher,
    state: &mut Hasher,
) {
    let mut is_first = true;
    for versions in all.filter(|versions| !versions.is_empty()) {
        if std::mem::take(&mut is_first) {
            content.text(label);
        }
        content.number(versions.len() as i64);
        for (origin, _) in versions {
            content.bytes(origin.event.as_bytes());
            state.number(origin.position as i64);
        }
    }
}
