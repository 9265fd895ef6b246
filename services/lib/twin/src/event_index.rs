//! When something happened in a park, in which domain and to which asset.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, Shelf};

use crate::rows::{Row, Rows};

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventMark<'a> {
    /// When it happened; of an interval its end. Milliseconds since 1970.
    pub time_ms: i64,
    /// Its position in the record.
    pub position: u64,
    /// Its domain, such as `energy`.
    pub domain: &'a str,
    /// The asset that it happened to, where it did to one.
    pub asset: Option<&'a AssetId>,
}

/// A domain, and the asset where there is one.
type Kind = (Arc<str>, Option<AssetId>);

/// The events of a park, in the order they happened.
#[derive(Clone, Debug, Default)]
pub struct EventIndex {
    /// Time, position, number of the kind.
    rows: Rows<3>,
    kinds: Vec<Kind>,
    numbers: BTreeMap<Kind, i64>,
    last_ms: Option<i64>,
    first_ms: Option<i64>,
}

/// Stretches of equal length that a range is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Start of the first, inclusive.
    pub from_ms: i64,
    /// End of the last, exclusive; after `from_ms`.
    pub to_ms: i64,
    /// How many; at least 1.
    pub count: u32,
}

impl Buckets {
    fn index_of(&self, time_ms: i64) -> usize {
        let offset_ms = i128::from(time_ms) - i128::from(self.from_ms);
        let length_ms = i128::from(self.to_ms) - i128::from(self.from_ms);
        (offset_ms * i128::from(self.count) / length_ms) as usize
    }
}

/// Events in each bucket, by domain.
pub type DomainCounts = BTreeMap<Arc<str>, Vec<u32>>;

impl EventIndex {
    /// One whose far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> EventIndex {
        EventIndex {
            rows: Rows::shelved(shelf),
            ..EventIndex::default()
        }
    }

    /// Takes in an event.
    pub fn insert(&mut self, time_ms: i64, position: u64, domain: &str, asset: Option<&AssetId>) {
        let kind: Kind = (Arc::from(domain), asset.cloned());
        let number = match self.numbers.get(&kind) {
            Some(number) => *number,
            None => {
                let number = self.kinds.len() as i64;
                self.kinds.push(kind.clone());
                self.numbers.insert(kind, number);
                number
            }
        };
        self.rows.insert([time_ms, position as i64, number]);
        self.first_ms = Some(self.first_ms.map_or(time_ms, |first| first.min(time_ms)));
        self.last_ms = Some(self.last_ms.map_or(time_ms, |last| last.max(time_ms)));
    }

    /// First and last moment that something happened.
    pub fn extent_ms(&self) -> Option<(i64, i64)> {
        Some((self.first_ms?, self.last_ms?))
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The last moment that something had happened when the record ended at a position.
    pub fn last_ms_at_position(&self, position: u64) -> Option<i64> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.rows.last_up_to_position(position).map(|row| row[0])
    }

    /// Events at or after a time and position, in the order they happened.
    pub fn forwards(&self, from: (i64, u64)) -> impl Iterator<Item = EventMark<'_>> {
        self.rows
            .ascending([from.0, from.1 as i64])
            .map(|row| self.mark(row))
    }

    /// Events before a time and position, the last one first.
    pub fn backwards(&self, before: (i64, u64)) -> impl Iterator<Item = EventMark<'_>> {
        self.rows
            .descending([before.0, before.1 as i64])
            .map(|row| self.mark(row))
    }

    /// Adds up to `most_events` events at or after `from` to the counts of their buckets, leaving out those recorded after
    /// `up_to_position`. Gives where to go on; `None` when all are counted.
    pub fn count(
        &self,
        buckets: Buckets,
        from: (i64, u64),
        most_events: usize,
        up_to_position: u64,
        counts: &mut DomainCounts,
    ) -> Option<(i64, u64)> {
        let mut rows = self
            .rows
            .ascending([from.0.max(buckets.from_ms), from.1 as i64])
            .take_while(|row| row[0] < buckets.to_ms);
        for [time_ms, position, number] in rows.by_ref().take(most_events) {
            if position as u64 > up_to_position {
                continue;
            }
            let (domain, _) = &self.kinds[number as usize];
            let of_domain = match counts.get_mut(domain) {
                Some(of_domain) => of_domain,
                None => counts
                    .entry(Arc::clone(domain))
                    .or_insert_with(|| vec![0; buckets.count as usize]),
            };
            of_domain[buckets.index_of(time_ms)] += 1;
        }
        let [time_ms, position, _] = rows.next()?;
        Some((time_ms, position as u64))
    }

    /// Heap bytes in use, those of the kinds left out.
    pub fn heap_bytes(&self) -> usize {
        self.rows.heap_bytes()
    }

    fn mark(&self, [time_ms, position, number]: Row<3>) -> EventMark<'_> {
        let (domain, asset) = &self.kinds[number as usize];
        EventMark {
            time_ms,
            position: position as u64,
            domain,
            asset: asset.as_ref(),
        }
    }
}
