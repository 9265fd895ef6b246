//! All points of a park.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{AssetId, Shelf};

use crate::event_index::EventIndex;
use crate::history::{History, Sample, Value};
use crate::point::{PointId, PointName, Quantity};

/// A point and what was observed of it.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its name.
    pub name: PointName,
    /// Its samples.
    pub history: History,
}

impl Point {
    /// How often it usually reports, in seconds, as seen so far; 0: not known, or it reports when something happens.
    pub fn usual_interval_s(&self) -> u32 {
        if !self.name.quantity.reports_regularly() {
            return 0;
        }
        self.history.usual_interval_s()
    }
}

/// A park as points with values.
#[derive(Clone, Debug, Default)]
pub struct Twin {
    ids: BTreeMap<PointName, PointId>,
    points: Vec<Point>,
    events: EventIndex,
    /// Only the newest sample of each point is kept, and no events.
    is_brief: bool,
    shelf: Option<Arc<dyn Shelf>>,
}

impl Twin {
    /// A twin for those who only want to know what is so now: it grows with the points, not with time.
    pub fn brief() -> Twin {
        Twin {
            is_brief: true,
            ..Twin::default()
        }
    }

    /// A twin whose far past goes to a shelf.
    pub fn shelved(shelf: Arc<dyn Shelf>) -> Twin {
        Twin {
            events: EventIndex::shelved(Some(Arc::clone(&shelf))),
            shelf: Some(shelf),
            ..Twin::default()
        }
    }

    /// Takes in a sample. A point is there from its first sample on.
    pub fn observe(&mut self, name: &PointName, sample: Sample) -> PointId {
        let id = match self.ids.get(name) {
            Some(id) => *id,
            None => {
                let id = PointId(u32::try_from(self.points.len()).unwrap_or(u32::MAX));
                self.ids.insert(name.clone(), id);
                self.points.push(Point {
                    name: name.clone(),
                    history: History::shelved(self.shelf.clone()),
                });
                id
            }
        };
        let history = &mut self.points[id.0 as usize].history;
        match self.is_brief {
            true => history.insert_brief(sample),
            false => history.insert(sample),
        }
        id
    }

    /// Takes in that something happened.
    pub fn happened(&mut self, time_ms: i64, position: u64, domain: &str, asset: Option<&AssetId>) {
        if !self.is_brief {
            self.events.insert(time_ms, position, domain, asset);
        }
    }

    /// All points; their place is their id.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The point of an id.
    pub fn point(&self, id: PointId) -> Option<&Point> {
        self.points.get(id.0 as usize)
    }

    /// The id of a point, once it has a sample.
    pub fn id(&self, name: &PointName) -> Option<PointId> {
        self.ids.get(name).copied()
    }

    /// The newest value of a point.
    pub fn newest(&self, name: &PointName) -> Option<Value> {
        let point = self.point(self.id(name)?)?;
        point.history.newest().map(Sample::at_end)
    }

    /// Ids of all points in the order of their names.
    pub fn ids(&self) -> impl Iterator<Item = (&PointName, PointId)> {
        self.ids.iter().map(|(name, id)| (name, *id))
    }

    /// The points of an asset, in the order of their names.
    pub fn of_asset<'a>(
        &'a self,
        asset: &'a AssetId,
    ) -> impl Iterator<Item = (PointId, &'a Point)> {
        let first = PointName::of_asset(asset, Quantity::ALL[0]);
        self.ids
            .range(first..)
            .take_while(move |(name, _)| name.asset == *asset)
            .map(|(_, id)| (*id, &self.points[id.0 as usize]))
    }

    /// The newest values that became another after a position; all of them for `None`.
    pub fn changed_after(&self, position: Option<u64>) -> impl Iterator<Item = (PointId, Value)> {
        self.points
            .iter()
            .zip(0..)
            .filter(move |(point, _)| {
                position.is_none_or(|position| point.history.changed_position() > position)
            })
            .filter_map(|(point, id)| Some((PointId(id), point.history.newest()?.at_end())))
    }

    /// The newest values when the record ended at a position.
    pub fn at_position(&self, position: u64) -> impl Iterator<Item = (PointId, Value)> {
        self.points.iter().zip(0..).filter_map(move |(point, id)| {
            Some((PointId(id), point.history.at_position(position)?))
        })
    }

    /// When what happened.
    pub fn events(&self) -> &EventIndex {
        &self.events
    }

    /// Heap bytes of the samples and of the event index.
    pub fn heap_bytes(&self) -> usize {
        let histories: usize = self
            .points
            .iter()
            .map(|point| size_of::<Point>() + point.history.heap_bytes())
            .sum();
        histories + self.events.heap_bytes()
    }
}
