//! The twin of one park: the fold that makes samples out of events.
//!
//! Every event of a park is taken in. Those that say what an asset does become samples of its points (one module per
//! domain); all are counted and find their place in time. What an event means for a point may need what came before it in
//! the same stream (the total of a session, the other faults of a charger) and the park's definition, never anything of
//! another stream, so that the samples do not depend on how the streams were interleaved.
//!
//! - `samples`: how samples are written down
//! - `meters`, `devices`, `water`, `waste`, `chargers`, `traffic`, `trees`, `alarms`: what the events of a domain say of its
//!   points

mod alarms;
mod chargers;
mod devices;
mod meters;
mod samples;
mod traffic;
mod trees;
mod waste;
mod water;

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_alarms::domain::Alarm;
use terrarium_energy::MeterFact;
use terrarium_journal::{EventCodecError, Metadata, Payload, RecordedEvent, StreamName};
use terrarium_ledger::hash::Hasher;
use terrarium_ledger::{DayBlocks, MeterBook, ParkLedger};
use terrarium_model::{AssetId, MeterId, ParkDefinition, Shelf, parse_rfc3339_with_offset};
use terrarium_twin::{PointName, Sample, Twin};

use samples::{Happened, Samples};

/// One park as points with values, as of one position.
#[derive(Default)]
pub struct ParkTwin {
    twin: Twin,
    streams: BTreeMap<Arc<str>, StreamTally>,
    definitions: Vec<RecordedDefinition>,
    zones: BTreeMap<AssetId, water::Zone>,
    chargers: BTreeMap<AssetId, chargers::Charger>,
    devices: devices::Asks,
    batches: waste::Batches,
    trees: trees::Living,
    alarms: BTreeMap<Arc<str>, Alarm>,
    /// Samples of the newest event.
    fresh: Vec<(PointName, Sample)>,
}

/// A park's definition as recorded.
#[derive(Clone, Debug)]
pub struct RecordedDefinition {
    /// Of the event that recorded it.
    pub position: u64,
    /// The park file (TOML).
    pub toml: Arc<str>,
}

/// The events of one stream.
#[derive(Default)]
struct StreamTally {
    events: u64,
    /// Sum of their ids modulo 2^128. Ids follow from what events say; the sum is the same in whatever order they came.
    event_ids: u128,
    last_position: u64,
}

/// What a park's events are read with.
pub(crate) struct Known<'a> {
    /// The books, the event already in.
    pub ledger: Option<&'a ParkLedger>,
    /// What the event says of a meter, if it is of one.
    pub meter_fact: Option<&'a MeterFact>,
    /// Readings that the books don't have yet, these and later ones.
    pub blocks: Option<&'a DayBlocks>,
}

impl Known<'_> {
    fn definition(&self) -> Option<&ParkDefinition> {
        self.ledger?.definition().map(Arc::as_ref)
    }

    /// The readings of a meter, maybe later ones among them.
    fn meter(&self, meter: &MeterId) -> Option<&MeterBook> {
        match self.blocks {
            Some(blocks) => blocks.meter(meter),
            None => self.ledger?.meter(meter),
        }
    }
}

impl ParkTwin {
    /// One that knows only what is so now.
    pub(crate) fn brief() -> ParkTwin {
        ParkTwin {
            twin: Twin::brief(),
            ..ParkTwin::default()
        }
    }

    /// One whose far past goes to a shelf.
    pub(crate) fn shelved(shelf: Arc<dyn Shelf>) -> ParkTwin {
        ParkTwin {
            twin: Twin::shelved(shelf),
            ..ParkTwin::default()
        }
    }

    /// The points and their histories.
    pub fn points(&self) -> &Twin {
        &self.twin
    }

    /// The samples that the newest event made.
    pub fn fresh(&self) -> &[(PointName, Sample)] {
        &self.fresh
    }

    /// The definitions in the order they were recorded.
    pub fn definitions(&self) -> &[RecordedDefinition] {
        &self.definitions
    }

    /// Takes in that the park was defined. A definition has no moment of the park.
    pub(crate) fn defined(&mut self, event: &RecordedEvent, toml: Arc<str>) {
        self.tally(event);
        self.definitions.push(RecordedDefinition {
            position: event.position.0,
            toml,
        });
    }

    /// Takes in an event that says nothing of any moment of the park.
    pub(crate) fn tally(&mut self, event: &RecordedEvent) {
        self.fresh.clear();
        if !self.streams.contains_key(&event.stream) {
            self.streams
                .insert(Arc::clone(&event.stream), StreamTally::default());
        }
        let tally = self.streams.get_mut(&event.stream).expect("inserted above");
        tally.events += 1;
        tally.event_ids = tally.event_ids.wrapping_add(event.id.as_u128());
        tally.last_position = event.position.0;
    }

    /// Takes in any other event.
    pub(crate) fn apply(
        &mut self,
        event: &RecordedEvent,
        stream: &StreamName,
        known: &Known<'_>,
    ) -> Result<(), EventCodecError> {
        self.tally(event);
        let happened = match self.observe(event, known)? {
            Some(happened) => Some(happened),
            None => happened_by_metadata(event, stream, known),
        };
        if let Some(happened) = happened {
            self.twin.happened(
                happened.time_ms,
                event.position.0,
                stream.domain(),
                happened.asset.as_ref(),
            );
        }
        Ok(())
    }

    /// The samples of an event, and when and where it happened; `None` when it is of no point.
    fn observe(
        &mut self,
        event: &RecordedEvent,
        known: &Known<'_>,
    ) -> Result<Option<Happened>, EventCodecError> {
        let samples = &mut Samples::new(&mut self.twin, &mut self.fresh, event.position.0);
        if let Some(fact) = known.meter_fact {
            return Ok(Some(meters::observe(
                samples,
                fact,
                known,
                event.position.0,
            )));
        }
        let payload = Payload::new(&event.event_type, &event.data);
        let Some((domain, message)) = split_type(&event.event_type) else {
            return Ok(None);
        };
        match domain {
            "energy" => devices::observe(samples, &mut self.devices, event.id, message, payload),
            "water" => water::observe(samples, &mut self.zones, event.id, message, payload),
            "waste" => {
                let definition = known.definition();
                waste::observe(samples, &mut self.batches, message, payload, definition)
            }
            "carbon" => trees::observe(samples, &mut self.trees, message, payload),
            "mobility" => match traffic::observe(samples, message, payload)? {
                Some(happened) => Ok(Some(happened)),
                None => chargers::observe(samples, &mut self.chargers, event.id, message, payload),
            },
            "alarm" => alarms::observe(samples, &mut self.alarms, event, known.definition()),
            _ => Ok(None),
        }
    }

    /// Content and state hash. The content hash covers which events there are, stream by stream; the state hash also where
    /// they stand in the record, and every sample made of them.
    pub fn hashes(&self) -> ([u8; 32], [u8; 32]) {
        let mut content = Hasher::new("twin");
        let mut state = Hasher::new("twin-positions");
        for (stream, tally) in &self.streams {
            content
                .text(stream)
                .number(tally.events as i64)
                .bytes(&tally.event_ids.to_le_bytes());
            state.number(tally.last_position as i64);
        }
        let content = content.finish();
        state.bytes(&content);
        for (name, id) in self.twin.ids() {
            let history = &self.twin.points()[id.0 as usize].history;
            state
                .text(name.asset.as_str())
                .number(name.quantity.code().into())
                .text(&name.source)
                .number(history.len() as i64)
                .number(history.sum() as i64);
        }
        (content, state.finish())
    }
}

/// `terrarium.water.v1.TankLevelMeasuredV1` is of `water` and says `TankLevelMeasuredV1`.
fn split_type(event_type: &str) -> Option<(&str, &str)> {
    let (package, message) = event_type.rsplit_once('.')?;
    let domain = package.strip_prefix("terrarium.")?.strip_suffix(".v1")?;
    Some((domain, message))
}

/// Of an event that moves no point, its metadata tell when it happened, and its stream may be named after an asset.
fn happened_by_metadata(
    event: &RecordedEvent,
    stream: &StreamName,
    known: &Known<'_>,
) -> Option<Happened> {
    let metadata = Metadata::parse(&event.metadata).ok()?;
    let time = parse_rfc3339_with_offset(&metadata.time).ok()?;
    let asset = AssetId::new(stream.id()).ok().filter(|asset| {
        known
            .definition()
            .is_some_and(|definition| definition.assets.contains_key(asset))
    });
    Some(Happened::at(time.0, asset))
}

#[cfg(test)]
mod tests;
