//! Hashes of the books of one park.

use super::ParkLedger;
use crate::hash::Hasher;

impl ParkLedger {
    /// Content hash and state hash. Only days that have changed are hashed again.
    pub fn hashes(&mut self) -> ([u8; 32], [u8; 32]) {
        let mut content = Hasher::new("park-content");
        let mut state = Hasher::new("park-state");
        if let Some(defined) = self.definitions.last() {
            content.bytes(&defined.sha256);
            state.number(defined.origin.position as i64);
        }
        for (set, origin) in self.factors.sets() {
            content
                .bytes(origin.event.as_bytes())
                .text(set.set.as_str());
            state.number(origin.position as i64);
        }
        for (meter, number) in &self.meter_numbers {
            let book = &mut self.meters[*number];
            if book.is_empty() {
                continue;
            }
            content.text(meter.as_str());
            book.hash_readings(&mut content, &mut state);
            for ((start, position), superseded) in book.superseded() {
                content
                    .number(start.0)
                    .number(i64::from(superseded.reading.revision))
                    .number(superseded.reading.energy.0);
                state
                    .number(*position as i64)
                    .number(superseded.replaced_at as i64);
            }
            for (event, quarantined) in book.quarantined() {
                content
                    .bytes(event.as_bytes())
                    .bytes(&[u8::from(quarantined.decided_at.is_none())]);
                state.number(quarantined.position as i64);
            }
        }
        self.activities.hash_into(&mut content, &mut state);
        self.sessions.hash(&mut content, &mut state);
        if let Some(defined) = self.definitions.last() {
            for (laid, node) in defined.nodes.iter().zip(&mut self.nodes) {
                content.text(laid.asset.as_str());
                node.days.hash_into(&mut content, &mut state);
            }
        }
        self.instruments.hash(&mut content, &mut state);
        self.periods.hash(&mut content, &mut state);
        self.policy.hash(&mut content, &mut state);
        self.decisions.hash(&mut content, &mut state);
        let content = content.finish();
        state.bytes(&content);
        (content, state.finish())
    }
}
