use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};

use uuid::Uuid;

use crate::active::KEPT_IDS;
use crate::error::ReadError;
use crate::read::Contents;

/// The ids of the last events, which make retries without an exact revision harmless for a while.
///
/// They are taken from the index when the first event is appended. The newest [`KEPT_IDS`] are there, and up to as many before
/// and a group more.
#[derive(Debug, Default)]
pub(crate) struct RecentEvents {
    new: FramesById,
    old: FramesById,
    /// What was added and is not durable, in order.
    unsettled: VecDeque<Unsettled>,
    is_loaded: bool,
}

#[derive(Debug)]
struct Unsettled {
    id: Uuid,
    frame: u64,
    /// What was known of the id before.
    before: Option<u64>,
}

/// Positions of the frames that hold the events.
type FramesById = HashMap<Uuid, u64, IdHashing>;

impl RecentEvents {
    /// Takes what the index knows, unless that was done before. Nothing may be staged.
    pub fn load(&mut self, contents: &Contents) -> Result<(), ReadError> {
        if !self.is_loaded {
            for (id, frame) in contents.newest_ids(KEPT_IDS)? {
                self.add(id, frame);
                self.settle(u64::MAX);
            }
            self.is_loaded = true;
        }
        Ok(())
    }

    /// Position of the frame that holds the newest event with this id.
    pub fn frame_of(&self, id: &Uuid) -> Option<u64> {
        self.new.get(id).or_else(|| self.old.get(id)).copied()
    }

    /// An id that comes again names its newest event.
    pub fn add(&mut self, id: Uuid, frame: u64) {
        let before = self.new.insert(id, frame);
        self.unsettled.push_back(Unsettled { id, frame, before });
    }

    /// What was added became durable, as far as it stands before `end`.
    pub fn settle(&mut self, end: u64) {
        let settled = self.unsettled.partition_point(|added| added.frame < end);
        self.unsettled.drain(..settled);
        // Only now: what is forgotten here can't come back when a group fails.
        if self.new.len() >= KEPT_IDS {
            std::mem::swap(&mut self.new, &mut self.old);
            self.new.clear();
        }
    }

    /// Forgets what was added and not settled, because it did not become durable: what was known before is known again.
    pub fn undo(&mut self) {
        while let Some(Unsettled { id, frame, before }) = self.unsettled.pop_back() {
            // It became old when the group before it was settled.
            let is_new = self.new.get(&id) == Some(&frame);
            let frames = if is_new { &mut self.new } else { &mut self.old };
            match before {
                Some(before) => frames.insert(id, before),
                None => frames.remove(&id),
            };
        }
    }
}

/// Hashes ids, most of which are random already. A key of its own for each table keeps clients from choosing ids that collide.
#[derive(Clone, Debug)]
struct IdHashing {
    key: [u64; 2],
}

impl Default for IdHashing {
    fn default() -> Self {
        let random = RandomState::new();
        IdHashing {
            key: [random.hash_one(0_u8), random.hash_one(1_u8)],
        }
    }
}

impl BuildHasher for IdHashing {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher {
            key: self.key,
            hash: 0,
        }
    }
}

struct IdHasher {
    key: [u64; 2],
    hash: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let half = |place: usize| {
            let mut word = [0; 8];
            let part = &bytes[place.min(bytes.len())..bytes.len().min(place + 8)];
            word[..part.len()].copy_from_slice(part);
            u64::from_le_bytes(word)
        };
        // A product of two 64-bit halves, both keyed, folded: as foldhash and wyhash do it.
        let one = half(0) ^ self.key[0] ^ self.hash;
        let other = half(8) ^ self.key[1];
        let product = u128::from(one) * u128::from(other);
        self.hash = (product as u64) ^ (product >> 64) as u64;
    }

    /// The length, which is the same for all ids.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_ids_are_known_and_what_was_undone_is_not() {
        let id = |number: usize| Uuid::from_u128(number as u128);
        let mut recent = RecentEvents::default();
        let count = 3 * KEPT_IDS + 17;
        for number in 0..count {
            recent.add(id(number), number as u64);
            recent.settle(u64::MAX);
        }
        for number in count - KEPT_IDS..count {
            assert_eq!(recent.frame_of(&id(number)), Some(number as u64));
        }
        assert_eq!(recent.frame_of(&id(0)), None, "memory is bounded");
        recent.add(id(count), 1);
        recent.add(id(count - 1), 2);
        assert_eq!(recent.frame_of(&id(count - 1)), Some(2));
        recent.undo();
        assert_eq!(recent.frame_of(&id(count)), None);
    }

    #[test]
    fn what_was_durable_is_known_again_when_a_group_that_took_its_place_is_undone() {
        let id = |number: usize| Uuid::from_u128(number as u128);
        let mut recent = RecentEvents::default();
        recent.add(id(1), 64);
        recent.settle(u64::MAX);
        // The same id elsewhere, twice.
        recent.add(id(1), 128);
        recent.add(id(1), 192);
        assert_eq!(recent.frame_of(&id(1)), Some(192));
        recent.undo();
        assert_eq!(recent.frame_of(&id(1)), Some(64));
        // More than are kept.
        for number in 0..2 * KEPT_IDS + 5 {
            recent.add(id(100 + number), 256);
        }
        recent.undo();
        assert_eq!(recent.frame_of(&id(1)), Some(64));
        assert_eq!(recent.frame_of(&id(100)), None);
    }
    #[test]
    fn what_was_added_beside_a_group_is_forgotten_also_when_that_group_made_it_old() {
        let id = |number: usize| Uuid::from_u128(number as u128);
        let mut recent = RecentEvents::default();
        for number in 0..KEPT_IDS {
            recent.add(id(number), 64);
        }
        // Behind the group: an event of its own, and one that the group has too.
        recent.add(id(KEPT_IDS), 128);
        recent.add(id(0), 128);
        recent.settle(128);
        recent.add(id(1), 192);
        assert_eq!(recent.frame_of(&id(0)), Some(128));
        recent.undo();
        assert_eq!(recent.frame_of(&id(KEPT_IDS)), None);
        assert_eq!(recent.frame_of(&id(0)), Some(64));
        assert_eq!(recent.frame_of(&id(1)), Some(64));
    }
}
