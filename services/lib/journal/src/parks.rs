//! The park definitions as recorded: what every service judges by.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prost::Message;
use terrarium_model::{ParkDefinition, ParkId};
use terrarium_proto::carbon::v1::ParkDefinedV1;

use crate::store::{EventStore, ReadError};
use crate::stream::StreamName;

/// Full name of the event that defines a park.
pub const PARK_DEFINED_V1: &str = "terrarium.carbon.v1.ParkDefinedV1";
/// A definition is looked up again after this time.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Stream of a park's definitions; the last event is the one in force.
pub fn park_definition_stream(park: &ParkId) -> StreamName {
    StreamName::new("carbon", "park", park.as_str(), "definition")
}

/// Reads park definitions from the store and keeps them while they are fresh.
pub struct Parks {
    store: Arc<dyn EventStore>,
    known: Mutex<BTreeMap<ParkId, Known>>,
}

#[derive(Clone)]
struct Known {
    definition: Option<Arc<ParkDefinition>>,
    next_revision: u64,
    looked_up: Instant,
}

/// Why a park can't be judged by.
#[derive(Debug, thiserror::Error)]
pub enum ParkError {
    /// No definition is recorded.
    #[error("no park \"{0}\" is defined here; start with `--park FILE`, or check the name")]
    Unknown(ParkId),
    /// The record does not answer for now; ask again.
    #[error("{0}")]
    Unavailable(String),
    /// The recorded definition can't be read.
    #[error("the recorded definition of park \"{park}\" can't be used: {reason}")]
    Unreadable {
        /// The park.
        park: ParkId,
        /// What is wrong.
        reason: String,
    },
}

impl Parks {
    /// Reads from this store.
    pub fn new(store: Arc<dyn EventStore>) -> Parks {
        Parks {
            store,
            known: Mutex::new(BTreeMap::new()),
        }
    }

    /// The definition in force.
    pub async fn get(&self, park: &ParkId) -> Result<Arc<ParkDefinition>, ParkError> {
        let unknown = || ParkError::Unknown(park.clone());
        let known = self.lock().get(park).cloned();
        if let Some(Known {
            definition: Some(definition),
            looked_up,
            ..
        }) = &known
            && looked_up.elapsed() < FRESH_FOR
        {
            return Ok(Arc::clone(definition));
        }
        let mut known = known.unwrap_or(Known {
            definition: None,
            next_revision: 0,
            looked_up: Instant::now(),
        });
        let unreadable = |reason: String| ParkError::Unreadable {
            park: park.clone(),
            reason,
        };
        let stream = park_definition_stream(park);
        loop {
            let events = self
                .store
                .read_stream(stream.as_str(), known.next_revision, 16)
                .await
                .map_err(|error| match error {
                    ReadError::Unavailable(reason) => ParkError::Unavailable(reason),
                    error => unreadable(error.to_string()),
                })?;
            let Some(last) = events.last() else { break };
            let defined = ParkDefinedV1::decode(last.data.clone())
                .map_err(|error| unreadable(error.to_string()))?;
            let definition = ParkDefinition::parse(&defined.definition_toml, stream.as_str())
                .map_err(|error| unreadable(error.to_string()))?;
            known.definition = Some(Arc::new(definition));
            known.next_revision = last.revision + 1;
        }
        known.looked_up = Instant::now();
        let definition = known.definition.clone();
        if definition.is_some() {
            self.lock().insert(park.clone(), known);
        }
        definition.ok_or_else(unknown)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ParkId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
