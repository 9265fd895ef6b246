//! The fold: from recorded events to the books of all parks. Deterministic: the same events give the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_carbon::events::{FACTOR_SET_PUBLISHED_V1, decode_factor_set, decode_park_defined};
use terrarium_energy::{MeterFact, events as energy_events};
use terrarium_journal::{EventCodecError, InvalidStreamName, PARK_DEFINED_V1, RecordedEvent, StreamName};
use terrarium_ledger::park_ledger::TouchedHour;
use terrarium_ledger::{Fact, How, Origin, ParkLedger, hash::Hasher};
use terrarium_model::{EnergyWh, InvalidId, ParkDefinition, ParkErrors, ParkId};

/// All parks as of one position.
#[derive(Default)]
pub struct Projection {
    parks: BTreeMap<ParkId, ParkLedger>,
    position: Option<u64>,
    events: u64,
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
    /// Takes in the next event. Node hours that may have changed are added to `touched`.
    pub fn apply(
        &mut self,
        event: &RecordedEvent,
        touched: &mut BTreeMap<ParkId, Vec<TouchedHour>>,
    ) -> Result<(), FoldError> {
        let (park, fact) = fact_of(event).map_err(|reason| FoldError {
            stream: event.stream.to_string(),
            revision: event.revision,
            position: event.position.0,
            reason,
        })?;
        let origin = Origin {
            position: event.position.0,
            event: event.id,
        };
        let touched = match touched.get_mut(&park) {
            Some(touched) => touched,
            None => touched.entry(park.clone()).or_default(),
        };
        match self.parks.get_mut(&park) {
            Some(ledger) => ledger.apply(&fact, origin, touched),
            None => self.parks.entry(park).or_default().apply(&fact, origin, touched),
        }
        self.position = Some(event.position.0);
        self.events += 1;
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

    /// Content hash of each park.
    pub fn park_content_hashes(&mut self) -> BTreeMap<ParkId, [u8; 32]> {
        self.parks
            .iter_mut()
            .map(|(park, ledger)| (park.clone(), ledger.hashes().0))
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
        Hashes {
            content: content.finish(),
            state: state.finish(),
        }
    }
}

fn fact_of(event: &RecordedEvent) -> Result<(ParkId, Fact), FoldProblem> {
    let stream = StreamName::parse(&event.stream)?;
    let park = ParkId::new(stream.park())?;
    let fact = match &*event.event_type {
        PARK_DEFINED_V1 => {
            let defined = decode_park_defined(event.id, &event.event_type, &event.data)?;
            Fact::ParkDefined {
                definition: Arc::new(ParkDefinition::parse(&defined.definition_toml, "the recorded definition")?),
                sha256: defined.sha256,
            }
        }
        FACTOR_SET_PUBLISHED_V1 => {
            let published = decode_factor_set(event.id, &event.event_type, &event.data)?;
            Fact::FactorSetPublished(published.factor_set)
        }
        _ => meter_fact(energy_events::decode(event.id, &event.event_type, &event.data)?.fact),
    };
    Ok((park, fact))
}

fn meter_fact(fact: MeterFact) -> Fact {
    let (reading, how) = match fact {
        MeterFact::IntervalMetered(reading) | MeterFact::RegisterRead(reading) => (reading, How::Reported),
        MeterFact::Corrected { reading, .. } => (reading, How::Corrected),
        MeterFact::QuarantineDecided {
            quarantine_id, reading, ..
        } => (
            reading,
            How::Released {
                quarantined: quarantine_id,
            },
        ),
        MeterFact::Quarantined { reading, .. } => return Fact::ReadingQuarantined { meter: reading.meter },
    };
    Fact::ReadingCounted {
        meter: reading.meter,
        interval: reading.interval,
        // Only readings with energy ever count; the domain sees to that.
        energy: reading.energy.unwrap_or(EnergyWh::ZERO),
        revision: reading.revision,
        how,
    }
}
