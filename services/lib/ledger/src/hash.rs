//! Two hashes of a ledger, both made of day blocks that are hashed again only when they have changed.
//!
//! The *content* hash covers what happened and the current hours in canonical order, without positions: it tells whether two
//! runs say the same. The *state* hash covers positions too: it tells whether a projection was rebuilt bit for bit.
//! Both are SHA-256; numbers are little endian, texts are preceded by their length (4 bytes).

use sha2::{Digest, Sha256};

use crate::node_hour::Totals;

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

/// Hash of a node's sums of one day; the readings that its hours follow from are hashed with their meters.
pub fn node_day(any: u32, totals: &Totals) -> [u8; 32] {
    let amounts = &totals.amounts;
    let mut hasher = Hasher::new("node-day");
    hasher
        .number(i64::from(any))
        .number(i64::from(totals.metered))
        .number(i64::from(totals.estimated))
        .number(i64::from(totals.without_factor))
        .number(amounts.consumption)
        .number(amounts.generation)
        .number(amounts.import)
        .number(amounts.export)
        .number(amounts.self_use)
        .number(amounts.unexplained)
        .number(amounts.charge)
        .number(amounts.discharge)
        .number(totals.scope2_location_mg)
        .number(totals.avoided_mg);
    hasher.finish()
}
