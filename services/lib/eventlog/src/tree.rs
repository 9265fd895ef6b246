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
        self.push_leaf(leaf_of(frame));
    }

    /// Takes the hash of a frame.
    pub(crate) fn push_leaf(&mut self, leaf: Digest) {
        self.leaves.push(leaf);
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

/// The hash of a tree whose leaves come one by one, or as whole subtrees of which only the hash is known.
#[derive(Debug, Default)]
pub(crate) struct SubtreeHasher {
    /// Subtrees of ever fewer leaves: levels and hashes. A subtree of level `n` has `2^n` leaves.
    subtrees: Vec<(u8, Digest)>,
    leaves: u64,
}

impl SubtreeHasher {
    /// Takes the next subtree; false: one of this level can't begin here.
    pub fn push(&mut self, level: u8, digest: Digest) -> bool {
        let leaves = 1u64.checked_shl(u32::from(level)).unwrap_or(0);
        if leaves == 0 || !self.leaves.is_multiple_of(leaves) || self.leaves > i64::MAX as u64 {
            return false;
        }
        self.leaves = self.leaves.saturating_add(leaves);
        let mut subtree = (level, digest);
        while let Some((_, left)) = self.subtrees.pop_if(|(level, _)| *level == subtree.0) {
            subtree = (subtree.0 + 1, node_of(&left, &subtree.1));
        }
        self.subtrees.push(subtree);
        true
    }

    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    pub fn root(&self) -> Digest {
        let mut subtrees = self.subtrees.iter().rev().map(|(_, digest)| *digest);
        match subtrees.next() {
            None => Sha256::digest([]).into(),
            Some(last) => subtrees.fold(last, |right, left| node_of(&left, &right)),
        }
    }
}

/// The hash of a frame as a leaf.
pub(crate) fn leaf_of(frame: &[u8]) -> Digest {
    Sha256::new()
        .chain_update(LEAF)
        .chain_update(frame)
        .finalize()
        .into()
}

/// The hash of two neighbouring subtrees.
pub(crate) fn node_of(left: &Digest, right: &Digest) -> Digest {
    Sha256::new()
        .chain_update(NODE)
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
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
            node_of(&tree_root(&nodes[..left]), &tree_root(&nodes[left..]))
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

    #[test]
    fn subtrees_of_which_only_the_hash_is_known_lead_to_the_same_root() {
        let leaves: Vec<Digest> = (0..300u32).map(|n| leaf_of(&n.to_le_bytes())).collect();
        for count in [1usize, 2, 3, 7, 64, 65, 299, 300] {
            for step in [1, 3, 5] {
                let mut hasher = SubtreeHasher::default();
                let mut at = 0;
                while at < count {
                    let mut level = (at / step) as u8 % 4;
                    while at % (1 << level) != 0 || at + (1 << level) > count {
                        level -= 1;
                    }
                    let subtree = &leaves[at..at + (1 << level)];
                    assert!(hasher.push(level, tree_root(subtree)));
                    at += 1 << level;
                }
                assert_eq!(hasher.leaves(), count as u64);
                assert_eq!(hasher.root(), tree_root(&leaves[..count]), "{count}");
            }
        }
        let mut hasher = SubtreeHasher::default();
        assert!(hasher.push(0, leaves[0]));
        assert!(!hasher.push(1, leaves[1]), "not at a multiple of its size");
        assert!(!hasher.push(64, leaves[1]));
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
