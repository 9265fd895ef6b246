//! Frames that fill the place of removed ones.
//!
//! A gap is a frame as others are, from where the first removed frame began to where the last one ended, so that every other
//! frame keeps its position. Its body holds the hashes of what was removed, as whole subtrees of the segment's tree where that
//! is possible, and zeros behind them, which take no space on the disk:
//!
//! | size | field |
//! |---|---|
//! | 4 | byte 3, then `GAP`; no other body may begin so |
//! | 4 | number of subtrees |
//! | 33 each | level of the subtree (it has `2^level` frames), its hash |
//!
//! With these the tree over what was sealed is computed again from what is left: a removal can't hide a change.

use crate::frame::{FRAME_HEADER_BYTES, seal_frame};
use crate::header::read_u32;
use crate::tree::{Digest, node_of};

const GAP_MAGIC: [u8; 4] = *b"\x03GAP";
const FIXED_BYTES: usize = 8;
const SUBTREE_BYTES: usize = 33;
/// A segment has fewer frames than `2^MAX_LEVEL`: 32 GiB of the shortest.
const MAX_LEVEL: u8 = 32;
/// A gap is not continued beyond this, so that one who walks over it reads little at a time.
pub(crate) const LONG_GAP_BYTES: u64 = 1024 * 1024;

/// Whether the body of a frame says that others were removed here.
pub fn is_gap(body: &[u8]) -> bool {
    body.starts_with(&GAP_MAGIC)
}

/// A subtree of removed frames: its level and hash.
pub(crate) type Subtree = (u8, Digest);

/// The subtrees of a gap; `None`: the body is not as this version writes it.
pub(crate) fn parse_gap(body: &[u8]) -> Option<Vec<Subtree>> {
    if !is_gap(body) || body.len() < FIXED_BYTES {
        return None;
    }
    let count = read_u32(body, 4) as usize;
    let (subtrees, rest) =
        body[FIXED_BYTES..].split_at_checked(count.checked_mul(SUBTREE_BYTES)?)?;
    let subtrees = subtrees.chunks_exact(SUBTREE_BYTES);
    let is_valid = count > 0
        && subtrees.clone().all(|subtree| subtree[0] <= MAX_LEVEL)
        && rest.iter().all(|byte| *byte == 0);
    is_valid.then(|| {
        subtrees
            .map(|subtree| (subtree[0], subtree[1..].try_into().expect("32 bytes")))
            .collect()
    })
}

/// A gap that grows by one removed frame after the other.
#[derive(Debug)]
pub(crate) struct Gap {
    pub begin: u64,
    pub end: u64,
    batch: u64,
    /// Each with the number of its first leaf in the segment's tree.
    subtrees: Vec<(u64, u8, Digest)>,
}

impl Gap {
    pub fn new(begin: u64, batch: u64) -> Gap {
        Gap {
            begin,
            end: begin,
            batch,
            subtrees: Vec::new(),
        }
    }

    /// Goes on with a removed subtree whose first leaf has this number.
    pub fn push(&mut self, leaf: u64, subtree: Subtree) {
        let (mut begin, mut level, mut digest) = (leaf, subtree.0, subtree.1);
        let joins = |left: &mut (u64, u8, Digest), level: u8| {
            left.1 == level && left.0.is_multiple_of(2 << level)
        };
        while let Some(left) = self.subtrees.pop_if(|left| joins(left, level)) {
            digest = node_of(&left.2, &digest);
            (begin, level) = (left.0, level + 1);
        }
        self.subtrees.push((begin, level, digest));
    }

    /// The whole frame, and how much of its beginning is not zero.
    pub fn encode(&self) -> (Vec<u8>, usize) {
        let mut frame = vec![0; FRAME_HEADER_BYTES];
        frame.extend_from_slice(&GAP_MAGIC);
        frame.extend_from_slice(&(self.subtrees.len() as u32).to_le_bytes());
        for (_, level, digest) in &self.subtrees {
            frame.push(*level);
            frame.extend_from_slice(digest);
        }
        let used = frame.len();
        let whole = (self.end - self.begin) as usize;
        assert!(used <= whole, "a frame is longer than its hash");
        frame.resize(whole, 0);
        seal_frame(&mut frame, 0, self.begin, self.batch);
        (frame, used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_of_more_frames_than_a_segment_can_have_is_none() {
        let body = |level: u8| {
            let mut gap = Gap::new(64, 64);
            gap.end = 64 + 256;
            gap.subtrees.push((0, level, [7; 32]));
            gap.encode().0.split_off(FRAME_HEADER_BYTES)
        };
        for level in [0, 5, MAX_LEVEL] {
            assert_eq!(parse_gap(&body(level)), Some(vec![(level, [7; 32])]));
        }
        for level in [MAX_LEVEL + 1, 63, 64, 255] {
            assert_eq!(parse_gap(&body(level)), None, "{level}");
        }
    }
}
