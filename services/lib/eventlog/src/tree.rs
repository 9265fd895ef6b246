//! The hash of a segment's records: a Merkle tree as RFC 9162 (Certificate Transparency), section 2.1.1, has it, with SHA-256.
//!
//! A leaf is a whole frame with header and padding. The hashes of every 256 neighbouring leaves are kept, so that a
//! changed record is found to within 256 without a second copy of the log.

use sha2::{Digest as _, Sha256};

/// A SHA-256 hash.
pub type Digest = [u8; 32];

/// Frames of which one hash is kept; a power of two, so that the kept hashes are nodes of the tree.
pub const GROUP_FRAMES: usize = 256;

const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// Grows with every frame of a segment.
#[derive(Debug, Default)]
pub struct TreeHasher {
    groups: Vec<Digest>,
    leaves: Vec<Digest>,
    frames: u64,
}

impl TreeHasher {
    /// Takes a whole frame with header and padding.
    pub fn push(&mut self, frame: &[u8]) {
        let leaf = Sha256::new()
            .chain_update(LEAF)
            .chain_update(frame)
            .finalize();
        self.leaves.push(leaf.into());
        self.frames += 1;
        if self.leaves.len() == GROUP_FRAMES {
            self.groups.push(tree_root(&self.leaves));
            self.leaves.clear();
        }
    }

    /// How many frames were taken.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The hash of each group of [`GROUP_FRAMES`] frames; the last group may have fewer.
    pub fn into_groups(mut self) -> Vec<Digest> {
        if !self.leaves.is_empty() {
            self.groups.push(tree_root(&self.leaves));
        }
        self.groups
    }
}

/// SHA-256 of some bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The hash of a tree over nodes: its leaves, or the hashes of groups of leaves.
pub fn tree_root(nodes: &[Digest]) -> Digest {
    match nodes {
        [] => Sha256::digest([]).into(),
        [node] => *node,
        _ => {
            let left = nodes.len().next_power_of_two() / 2;
            Sha256::new()
                .chain_update(NODE)
                .chain_update(tree_root(&nodes[..left]))
                .chain_update(tree_root(&nodes[left..]))
                .finalize()
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_over_groups_is_the_tree_over_their_leaves() {
        for count in [1usize, 2, 255, 256, 257, 511, 512, 513, 1500] {
            let mut hasher = TreeHasher::default();
            let mut leaves = Vec::new();
            for number in 0..count {
                let frame = number.to_le_bytes();
                hasher.push(&frame);
                let leaf = Sha256::new()
                    .chain_update(LEAF)
                    .chain_update(frame)
                    .finalize();
                leaves.push(leaf.into());
            }
            assert_eq!(hasher.frames(), count as u64);
            assert_eq!(
                tree_root(&hasher.into_groups()),
                tree_root(&leaves),
                "{count} frames"
            );
        }
    }

    /// The tree over one empty leaf, from the test vectors of RFC 9162's reference implementation (certificate-transparency-go).
    #[test]
    fn a_leaf_is_hashed_as_the_standard_says() {
        let mut hasher = TreeHasher::default();
        hasher.push(&[]);
        let root = tree_root(&hasher.into_groups());
        assert_eq!(root[..8], [0x6e, 0x34, 0x0b, 0x9c, 0xff, 0xb3, 0x7a, 0x98]);
    }
}
