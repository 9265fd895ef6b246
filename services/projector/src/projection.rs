//! The fold: from recorded events to the books and twins of all parks. Deterministic: the same events give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use prost::Message;
use terrarium_carbon::events::{
    FACTOR_SET_PUBLISHED_V1, FACTOR_SET_PUBLISHED_V2, decode_factor_set, decode_park_defined,
};
use terrarium_energy::domain::RecordedReading;
use terrarium_energy::{MeterFact, events as energy_events};
use terrarium_journal::{
    EventCodecError, InvalidStreamName, PARK_DEFINED_V1, RecordedEvent, StreamName,
};
use terrarium_ledger::natural::{NaturalBook, OpenBalance, balanced_by};
use terrarium_ledger::park_ledger::TouchedHour;
use terrarium_ledger::{Fact, FactorSet, How, Origin, ParkLedger, hash::Hasher};
use terrarium_model::{
    EnergyWh, Interval, InvalidId, MeterId, ParkDefinition, ParkErrors, ParkId, Shelf,
};

use crate::carbon_facts;
use crate::kept_blocks::KeptBlocks;
use crate::ledger_facts;
use crate::natural;
use crate::recorded::RecordedTimes;
use crate::twin::{Known, ParkTwin};

/// Grows when the same events give other sums or another state hash than before: checkpoints and day blocks of other versions
/// can't be used.
pub(crate) const FOLD_VERSION: u32 = 5;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days that a brief projection can balance again when something comes late. Alarms take no notice of what is older than the
/// newest balance, so that hardly one would do.
const BALANCED_DAYS: i64 = 14;

/// All parks as of one position.
#[derive(Default)]
pub struct Projection {
    parks: BTreeMap<ParkId, ParkLedger>,
    twins: BTreeMap<ParkId, ParkTwin>,
    natural: BTreeMap<ParkId, NaturalBook>,
    /// What the newest event balances in the natural books.
    balanced: Vec<OpenBalance>,
    recorded: BTreeMap<ParkId, RecordedTimes>,
    position: Option<u64>,
    events: u64,
    /// Its twins know only what is so now.
    is_brief: bool,
    /// Readings of the ledgers that are taken in when their position is reached, all at once.
    ahead: Option<KeptBlocks>,
    /// Where the far past of its twins goes.
    shelf: Option<Arc<dyn Shelf>>,
    /// Of a brief one: the newest day that readings of a park are of.
    newest_days: BTreeMap<ParkId, i64>,
    /// Events taken in until readings came out of day blocks.
    events_of_blocks: u64,
}

/// The two hashes of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// Of what happened and the current entries, without positions.
    pub content: [u8; 32],
    /// Of everything, positions included.
    pub state: [u8; 32],
}

/// A recorded event that can't be folded.
#[derive(Debug, thiserror::Error)]
#[error("event {stream}#{revision} at position {position} can't be folded: {reason}")]
pub struct FoldError {
    stream: String,
    revision: u64,
    position: u64,
    reason: FoldProblem,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
enum FoldProblem {
    #[error(transparent)]
    Stream(#[from] InvalidStreamName),
    #[error(transparent)]
    Park(#[from] InvalidId),
    #[error(transparent)]
    Payload(#[from] EventCodecError),
    #[error("its park definition is not valid: {0}")]
    Definition(#[from] ParkErrors),
}

impl Projection {
    /// For those who only want to know what is so now: points and balances of the last days, no carbon.
    pub fn brief() -> Projection {
        Projection {
            is_brief: true,
            ..Projection::default()
        }
    }

    /// One whose twins put their far past on a shelf.
    pub fn shelved(shelf: Arc<dyn Shelf>) -> Projection {
        Projection {
            shelf: Some(shelf),
            ..Projection::default()
        }
    }

    /// Takes the readings up to a position from day blocks. For one that has seen nothing yet.
    pub(crate) fn await_readings(&mut self, kept: KeptBlocks) {
        self.ahead = Some(kept);
    }

    /// Whether its ledgers still wait for their readings: they answer nothing yet.
    pub(crate) fn waits_for_readings(&self) -> bool {
        self.ahead.is_some()
    }

    /// Events that the day blocks cover which it started from.
    pub(crate) fn events_of_blocks(&self) -> u64 {
        self.events_of_blocks
    }

    /// Takes in the next event. Node hours that may have changed are added to `touched`.
    pub fn apply(
        &mut self,
        event: &RecordedEvent,
        touched: &mut BTreeMap<ParkId, Vec<TouchedHour>>,
    ) -> Result<(), FoldError> {
        self.fold(event, touched).map_err(|reason| FoldError {
            stream: event.stream.to_string(),
            revision: event.revision,
            position: event.position.0,
            reason,
        })?;
        self.position = Some(event.position.0);
        self.events += 1;
        let has_reached = |kept: &KeptBlocks| kept.mark.position <= event.position.0;
        if let Some(kept) = self.ahead.take_if(|kept| has_reached(kept)) {
            self.events_of_blocks = self.events;
            for (park, blocks) in kept.parks {
                let shelf = || self.shelf.clone();
                let ledger = self
                    .parks
                    .entry(park)
                    .or_insert_with(|| ParkLedger::shelved(shelf()));
                ledger.take_day_blocks(blocks);
            }
        }
        if self.is_brief {
            self.forget_old(touched);
        }
        Ok(())
    }

    /// Who only wants to know what is so now needs no balance of the far past.
    fn forget_old(&mut self, touched: &BTreeMap<ParkId, Vec<TouchedHour>>) {
        for (park, hours) in touched {
            let Some(newest) = hours.iter().map(|(_, hour_start)| hour_start.0).max() else {
                continue;
            };
            let day = newest.div_euclid(SECONDS_PER_DAY);
            match self.newest_days.get_mut(park) {
                Some(known) if *known >= day => continue,
                Some(known) => *known = day,
                None => {
                    self.newest_days.insert(park.clone(), day);
                }
            }
            if let Some(ledger) = self.parks.get_mut(park) {
                ledger.forget_days_before(day - BALANCED_DAYS);
            }
            if let Some(book) = self.natural.get_mut(park) {
                book.forget_days_before(day - BALANCED_DAYS);
            }
        }
    }

    fn fold(
        &mut self,
        event: &RecordedEvent,
        touched: &mut BTreeMap<ParkId, Vec<TouchedHour>>,
    ) -> Result<(), FoldProblem> {
        self.balanced.clear();
        let stream = StreamName::parse(Arc::clone(&event.stream))?;
        let park = ParkId::new(stream.park())?;
        if !self.twins.contains_key(&park) {
            let twin = match (self.is_brief, &self.shelf) {
                (true, _) => ParkTwin::brief(),
                (false, Some(shelf)) => ParkTwin::shelved(Arc::clone(shelf)),
                (false, None) => ParkTwin::default(),
            };
            self.twins.insert(park.clone(), twin);
        }
        let twin = self.twins.get_mut(&park).expect("inserted above");
        if !self.recorded.contains_key(&park) {
            self.recorded.insert(park.clone(), RecordedTimes::default());
        }
        // What is so now needs neither prices, nor carbon, nor when what was recorded.
        let is_whole = !self.is_brief;
        if is_whole {
            let recorded = self.recorded.get_mut(&park).expect("inserted above");
            recorded.take_in(event);
        }
        let mut tell = |fact: &Fact| {
            let origin = Origin {
                position: event.position.0,
                event: event.id,
            };
            if !touched.contains_key(&park) {
                touched.insert(park.clone(), Vec::new());
            }
            let touched = touched.get_mut(&park).expect("inserted above");
            if !self.parks.contains_key(&park) {
                let ledger = ParkLedger::shelved(self.shelf.clone());
                self.parks.insert(park.clone(), ledger);
            }
            let ledger = self.parks.get_mut(&park).expect("inserted above");
            ledger.apply(fact, origin, touched);
        };
        match read(event)? {
            Read::Defined { fact, toml } => {
                tell(&fact);
                if let Fact::ParkDefined { definition, .. } = &fact {
                    let shelf = || self.shelf.clone();
                    let book = self.natural.entry(park);
                    book.or_insert_with(|| NaturalBook::shelved(shelf()))
                        .define(definition);
                }
                twin.defined(event, toml);
            }
            Read::Factors(rows) => {
                for row in rows.into_iter().filter(|_| is_whole) {
                    tell(&Fact::FactorSetPublished(row));
                }
                twin.tally(event);
            }
            Read::Meter(meter_fact) => {
                if self.ahead.is_none() {
                    let fact = ledger_fact(&meter_fact);
                    tell(&fact);
                    if let (Some(ledger), Some((meter, interval))) =
                        (self.parks.get(&park), counted_reading(&fact))
                    {
                        balanced_by(ledger, meter, interval, &mut self.balanced);
                    }
                }
                let ahead = self.ahead.as_ref();
                let known = Known {
                    ledger: self.parks.get(&park),
                    meter_fact: Some(&meter_fact),
                    blocks: ahead.and_then(|kept| kept.parks.get(&park)),
                };
                twin.apply(event, &stream, &known)?;
            }
            Read::OfTwin => {
                if is_whole {
                    let facts = [
                        ledger_facts::of_carbon(event)?,
                        ledger_facts::of_mobility(event)?,
                        carbon_facts::read(event)?.map(Fact::Carbon),
                    ];
                    facts.iter().flatten().for_each(&mut tell);
                }
                let known = Known {
                    ledger: self.parks.get(&park),
                    meter_fact: None,
                    blocks: None,
                };
                twin.apply(event, &stream, &known)?;
                if let Some(fact) = natural::read(event)? {
                    let shelf = || self.shelf.clone();
                    let book = self.natural.entry(park);
                    let book = book.or_insert_with(|| NaturalBook::shelved(shelf()));
                    book.apply(&fact, &mut self.balanced);
                }
            }
        }
        Ok(())
    }

    /// Position of the last event taken in.
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// Number of events taken in.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The books of a park.
    pub fn park(&self, park: &ParkId) -> Option<&ParkLedger> {
        self.parks.get(park)
    }

    /// All parks, in order.
    pub fn parks(&self) -> &BTreeMap<ParkId, ParkLedger> {
        &self.parks
    }

    /// When a park's events were recorded.
    pub(crate) fn recorded(&self, park: &ParkId) -> Option<&RecordedTimes> {
        self.recorded.get(park)
    }

    /// The points of a park, once it has events.
    pub fn twin(&self, park: &ParkId) -> Option<&ParkTwin> {
        self.twins.get(park)
    }

    /// The natural books of a park.
    pub fn natural(&self, park: &ParkId) -> Option<&NaturalBook> {
        self.natural.get(park)
    }

    /// What the newest event balances in the natural books of its park, or balances anew.
    pub fn balanced(&self) -> &[OpenBalance] {
        &self.balanced
    }

    /// Content hash of each park.
    pub fn park_content_hashes(&mut self) -> BTreeMap<ParkId, [u8; 32]> {
        let twins = &self.twins;
        self.parks
            .iter_mut()
            .map(|(park, ledger)| {
                let ledger_content = ledger.hashes().0;
                let content = twins.get(park).map_or(ledger_content, |twin| {
                    let mut both = Hasher::new("park-content");
                    both.bytes(&ledger_content).bytes(&twin.hashes().0);
                    both.finish()
                });
                (park.clone(), content)
            })
            .collect()
    }

    /// Both hashes. Only what has changed since the last call is hashed again.
    pub fn hashes(&mut self) -> Hashes {
        let mut content = Hasher::new("terrarium-content");
        let mut state = Hasher::new("terrarium-state");
        state.number(self.position.map_or(-1, |position| position as i64));
        state.number(self.events as i64);
        for (park, ledger) in &mut self.parks {
            let (park_content, park_state) = ledger.hashes();
            content.text(park.as_str()).bytes(&park_content);
            state.text(park.as_str()).bytes(&park_state);
        }
        for (park, twin) in &self.twins {
            let (twin_content, twin_state) = twin.hashes();
            // No park's name has a slash.
            let label = format!("twin/{park}");
            content.text(&label).bytes(&twin_content);
            state.text(&label).bytes(&twin_state);
        }
        for (park, book) in &mut self.natural {
            // They follow from the events that the twin's content counts already.
            state.text(&format!("natural/{park}")).bytes(&book.hash());
        }
        Hashes {
            content: content.finish(),
            state: state.finish(),
        }
    }
}

/// What an event is to the folds.
enum Read {
    Defined { fact: Fact, toml: Arc<str> },
    Factors(Vec<Arc<FactorSet>>),
    Meter(MeterFact),
    OfTwin,
}

fn read(event: &RecordedEvent) -> Result<Read, FoldProblem> {
    Ok(match &*event.event_type {
        PARK_DEFINED_V1 => {
            let defined = decode_park_defined(event.id, &event.event_type, &event.data)?;
            let fact = Fact::ParkDefined {
                definition: Arc::new(ParkDefinition::parse(
                    &defined.definition_toml,
                    "the recorded definition",
                )?),
                sha256: defined.sha256,
            };
            Read::Defined {
                fact,
                toml: defined.definition_toml,
            }
        }
        FACTOR_SET_PUBLISHED_V1 | FACTOR_SET_PUBLISHED_V2 => {
            let published = decode_factor_set(event.id, &event.event_type, &event.data)?;
            Read::Factors(published.publication.rows().to_vec())
        }
        energy_events::INTERVAL_METERED_V1
        | energy_events::REGISTER_READ_V1
        | energy_events::REGISTER_READ_V2
        | energy_events::METER_SWAPPED_V1
        | energy_events::READING_CORRECTED_V1
        | energy_events::READING_QUARANTINED_V1
        | energy_events::QUARANTINE_RELEASED_V1
        | energy_events::QUARANTINE_CORRECTED_V1 => {
            Read::Meter(energy_events::decode(event.id, &event.event_type, &event.data)?.fact)
        }
        known if KNOWN_TYPES.contains(known) => Read::OfTwin,
        unknown => return Err(EventCodecError::UnknownType(unknown.to_owned()).into()),
    })
}

/// Full names of all messages of this build. An event of another type comes from a newer one, and who can't read it can't tell
/// the state of its park.
static KNOWN_TYPES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let files = prost_types::FileDescriptorSet::decode(terrarium_proto::DESCRIPTORS)
        .expect("the build script wrote these descriptors");
    files
        .file
        .iter()
        .flat_map(|file| {
            let names = file.message_type.iter().map(|message| message.name());
            names.map(|name| format!("{}.{name}", file.package()))
        })
        .collect()
});

/// Of which meter a reading counts now, and over which interval.
fn counted_reading(fact: &Fact) -> Option<(&MeterId, Interval)> {
    match fact {
        Fact::ReadingCounted {
            meter, interval, ..
        } => Some((meter, *interval)),
        Fact::RegisterContinued { meter, at, .. } => {
            let read = Interval {
                start: *at,
                seconds: 0,
            };
            Some((meter, read))
        }
        _ => None,
    }
}

fn continued_fact(read: &RecordedReading, offset: EnergyWh, next_offset: EnergyWh) -> Fact {
    Fact::RegisterContinued {
        meter: read.meter.clone(),
        at: read.interval.start,
        energy: read.energy.unwrap_or(EnergyWh::ZERO),
        offset,
        next_offset,
    }
}

fn ledger_fact(fact: &MeterFact) -> Fact {
    let (reading, how) = match fact {
        MeterFact::IntervalMetered(reading) | MeterFact::RegisterRead(reading) => {
            (reading, How::Reported)
        }
        MeterFact::RegisterContinued { reading, offset } => {
            return continued_fact(reading, *offset, *offset);
        }
        MeterFact::Swapped {
            last,
            last_offset,
            offset,
            ..
        } => return continued_fact(last, *last_offset, *offset),
        MeterFact::Corrected { reading, .. } => (reading, How::Corrected),
        MeterFact::QuarantineDecided {
            quarantine_id,
            reading,
            ..
        } => (
            reading,
            How::Released {
                quarantined: *quarantine_id,
            },
        ),
        MeterFact::Quarantined { reading, .. } => {
            return Fact::ReadingQuarantined {
                meter: reading.meter.clone(),
            };
        }
    };
    Fact::ReadingCounted {
        meter: reading.meter.clone(),
        interval: reading.interval,
        // Only readings with energy ever count; the domain sees to that.
        energy: reading.energy.unwrap_or(EnergyWh::ZERO),
        revision: reading.revision,
        how,
    }
}
