//! Certificates, credits and allowances, and where each stood when.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::UnixSeconds;

use crate::books::{InstrumentLine, InstrumentState};
use crate::energy::meter_book::Sight;
use crate::fact::{InstrumentStep, Origin};
use crate::hash::Hasher;

struct Moved {
    at: UnixSeconds,
    position: u64,
    event: uuid::Uuid,
    step: InstrumentStep,
}

/// All instruments of a park, by registry and serial number.
#[derive(Default)]
pub struct InstrumentBook {
    by_name: BTreeMap<(Arc<str>, Arc<str>), Vec<Moved>>,
}

impl InstrumentBook {
    /// Takes in what happened to one.
    pub(crate) fn moved(
        &mut self,
        registry: &Arc<str>,
        serial: &Arc<str>,
        at: UnixSeconds,
        step: &InstrumentStep,
        origin: Origin,
    ) {
        let name = (Arc::clone(registry), Arc::clone(serial));
        self.by_name.entry(name).or_default().push(Moved {
            at,
            position: origin.position,
            event: origin.event,
            step: step.clone(),
        });
    }

    /// Where each stood by a moment, as seen; those not issued by then are not there.
    pub fn lines(&self, until: UnixSeconds, sight: Sight) -> Vec<InstrumentLine> {
        self.by_name
            .iter()
            .filter_map(|(name, moves)| line(name, moves, until, sight))
            .collect()
    }

    /// Where one stands by now.
    pub(crate) fn line(&self, registry: &str, serial: &str) -> Option<InstrumentLine> {
        let name = (Arc::from(registry), Arc::from(serial));
        let (name, moves) = self.by_name.get_key_value(&name)?;
        line(name, moves, UnixSeconds(i64::MAX), Sight::ALL)
    }

    pub(crate) fn hash(&self, content: &mut Hasher, state: &mut Hasher) {
        for ((registry, serial), moves) in &self.by_name {
            content.text(registry).text(serial);
            for moved in moves {
                content.bytes(moved.event.as_bytes());
                state.number(moved.position as i64);
            }
        }
    }
}

fn line(
    (registry, serial): &(Arc<str>, Arc<str>),
    moves: &[Moved],
    until: UnixSeconds,
    sight: Sight,
) -> Option<InstrumentLine> {
    let mut line: Option<InstrumentLine> = None;
    let seen = moves.iter().filter(|moved| {
        moved.position <= sight.known_at && moved.at < sight.before && moved.at < until
    });
    for moved in seen {
        if let InstrumentStep::Issued {
            kind,
            amount,
            vintage,
        } = &moved.step
        {
            line = Some(InstrumentLine {
                registry: registry.to_string(),
                serial: serial.to_string(),
                kind: *kind,
                amount: *amount,
                vintage: *vintage,
                state: InstrumentState::Issued,
                since: moved.at,
                used_for: None,
                own_generation: false,
            });
        }
        if let Some(line) = &mut line {
            take_step(line, moved);
        }
    }
    line
}

fn take_step(line: &mut InstrumentLine, moved: &Moved) {
    line.since = moved.at;
    match &moved.step {
        InstrumentStep::Issued { .. } => {}
        InstrumentStep::Held { own_generation } => {
            line.state = InstrumentState::Held;
            line.own_generation |= own_generation;
        }
        InstrumentStep::Retired { period } => {
            line.state = InstrumentState::Retired;
            line.used_for = Some(period.to_string());
        }
        InstrumentStep::Sold => line.state = InstrumentState::Sold,
        InstrumentStep::Surrendered { period } => {
            line.state = InstrumentState::Surrendered;
            line.used_for = Some(period.to_string());
        }
    }
}
