//! The fold: from recorded events to the books and twins of all parks. Deterministic: the same events give the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_carbon::events::{FACTOR_SET_PUBLISHED_V1, decode_factor_set, decode_park_defined};
use terrarium_energy::{MeterFact, events as energy_events};
use terrarium_journal::{
    EventCodecError, InvalidStreamName, PARK_DEFINED_V1, RecordedEvent, StreamName,
};
use terrarium_ledger::park_ledger::TouchedHour;
use terrarium_ledger::{Fact, How, Origin, ParkLedger, hash::Hasher};
use terrarium_mobility::events as mobility_events;
use terrarium_model::{EnergyWh, InvalidId, ParkDefinition, ParkErrors, ParkId};
use terrarium_waste::events as waste_events;
use terrarium_water::events as water_events;

use crate::twin::{Twin, TwinEvent};

/// All parks as of one position.
#[derive(Default)]
pub struct Projection {
    parks: BTreeMap<ParkId, ParkLedger>,
    /// Of the parks that have events of water, waste or mobility.
    twins: BTreeMap<ParkId, Twin>,
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
        let (park, folded) = read(event).map_err(|reason| FoldError {
            stream: event.stream.to_string(),
            revision: event.revision,
            position: event.position.0,
            reason,
        })?;
        match folded {
            Folded::Ledger(fact) => {
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
                    None => self
                        .parks
                        .entry(park)
                        .or_default()
                        .apply(&fact, origin, touched),
                }
            }
            Folded::Twin(twin_event) => {
                let twin = match self.twins.get_mut(&park) {
                    Some(twin) => twin,
                    None => self.twins.entry(park).or_default(),
                };
                twin.apply(&twin_event, event.id, event.position.0);
            }
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

    /// Water, waste and mobility of a park, once it has events of them.
    pub fn twin(&self, park: &ParkId) -> Option<&Twin> {
        self.twins.get(park)
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
        Hashes {
            content: content.finish(),
            state: state.finish(),
        }
    }
}

/// Where an event goes.
enum Folded {
    Ledger(Fact),
    Twin(TwinEvent),
}

fn read(event: &RecordedEvent) -> Result<(ParkId, Folded), FoldProblem> {
    let stream = StreamName::parse(&event.stream)?;
    let park = ParkId::new(stream.park())?;
    let fact = match &*event.event_type {
        PARK_DEFINED_V1 => {
            let defined = decode_park_defined(event.id, &event.event_type, &event.data)?;
            Fact::ParkDefined {
                definition: Arc::new(ParkDefinition::parse(
                    &defined.definition_toml,
                    "the recorded definition",
                )?),
                sha256: defined.sha256,
            }
        }
        FACTOR_SET_PUBLISHED_V1 => {
            let published = decode_factor_set(event.id, &event.event_type, &event.data)?;
            Fact::FactorSetPublished(published.factor_set)
        }
        water if water.starts_with(water_events::TYPE_PREFIX) => {
            let read = water_events::decode(event.id, water, &event.data)?;
            return Ok((park, Folded::Twin(TwinEvent::Water(read))));
        }
        waste if waste.starts_with(waste_events::TYPE_PREFIX) => {
            let read = waste_events::decode(event.id, waste, &event.data)?;
            return Ok((park, Folded::Twin(TwinEvent::Waste(read))));
        }
        mobility if mobility.starts_with(mobility_events::TYPE_PREFIX) => {
            let read = mobility_events::decode(event.id, mobility, &event.data)?;
            return Ok((park, Folded::Twin(TwinEvent::Charger(read))));
        }
        _ => meter_fact(energy_events::decode(event.id, &event.event_type, &event.data)?.fact),
    };
    Ok((park, Folded::Ledger(fact)))
}

fn meter_fact(fact: MeterFact) -> Fact {
    let (reading, how) = match fact {
        MeterFact::IntervalMetered(reading) | MeterFact::RegisterRead(reading) => {
            (reading, How::Reported)
        }
        MeterFact::Corrected { reading, .. } => (reading, How::Corrected),
        MeterFact::QuarantineDecided {
            quarantine_id,
            reading,
            ..
        } => (
            reading,
            How::Released {
                quarantined: quarantine_id,
            },
        ),
        MeterFact::Quarantined { reading, .. } => {
            return Fact::ReadingQuarantined {
                meter: reading.meter,
            };
        }
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
