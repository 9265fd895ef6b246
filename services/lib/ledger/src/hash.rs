//! Two hashes of a ledger, both made of day blocks that are hashed again only when they have changed.
//!
//! The *content* hash covers what happened and the current hours in canonical order, without positions: it tells whether two
//! runs say the same. The *state* hash covers positions too: it tells whether a projection was rebuilt bit for bit.
//! Both are SHA-256; numbers are little endian, texts are preceded by their length (4 bytes).

use sha2::{Digest, Sha256};
use terrarium_model::UnixSeconds;

use crate::meter_book::CountedReading;
use crate::node_hour::{NodeHour, Pricing};

/// Content and state hash of one day block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayHash {
    /// Without positions.
    pub content: [u8; 32],
    /// With positions.
    pub state: [u8; 32],
}

/// Feeds values to SHA-256 in an unambiguous way.
pub struct Hasher(Sha256);

impl Hasher {
    /// Starts with a label that keeps kinds of hash apart.
    pub fn new(label: &str) -> Hasher {
        let mut hasher = Hasher(Sha256::new());
        hasher.text(label);
        hasher
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u32).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }

    /// Bytes of a length that is fixed by their kind.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// A number.
    pub fn number(&mut self, number: i64) -> &mut Self {
        self.0.update(number.to_le_bytes());
        self
    }

    /// The hash.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Hash of the readings that start on one day.
pub fn meter_day<'a>(
    readings: impl Iterator<Item = (&'a UnixSeconds, &'a CountedReading)>,
) -> DayHash {
    let mut content = Hasher::new("meter-day");
    let mut state = Hasher::new("meter-day-positions");
    for (start, reading) in readings {
        content
            .number(start.0)
            .number(i64::from(reading.seconds))
            .number(i64::from(reading.revision))
            .number(reading.energy.0)
            .bytes(&[reading.quality.0])
            .bytes(reading.origin.event.as_bytes());
        state.number(reading.origin.position as i64);
    }
    let content = content.finish();
    state.bytes(&content);
    DayHash {
        content,
        state: state.finish(),
    }
}

/// Hash of a node's hours of one day.
pub fn node_day(hours: &[NodeHour]) -> [u8; 32] {
    let mut hasher = Hasher::new("node-day");
    for hour in hours {
        hasher.bytes(&[u8::from(hour.any), u8::from(hour.complete), hour.quality.0]);
        if !hour.complete {
            continue;
        }
        let amounts = &hour.amounts;
        hasher
            .number(amounts.consumption)
            .number(amounts.generation)
            .number(amounts.import)
            .number(amounts.export)
            .number(amounts.self_use)
            .number(amounts.unexplained);
        // Said only where it is, so that the hashes of nodes without stores stay what they were.
        if (amounts.charge, amounts.discharge) != (0, 0) {
            hasher
                .text("storage")
                .number(amounts.charge)
                .number(amounts.discharge);
        }
        match hour.pricing {
            Pricing::NotNeeded => hasher.bytes(&[0]),
            Pricing::NoFactor => hasher.bytes(&[1]),
            Pricing::Priced {
                factor,
                scope2_location,
                avoided,
            } => hasher
                .bytes(&[2])
                .number(factor.mantissa)
                .number(i64::from(factor.scale))
                .number(scope2_location.0)
                .number(avoided.0),
        };
    }
    hasher.finish()
}
