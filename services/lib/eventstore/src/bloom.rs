//! A filter that says of most names that they are not in a segment without looking.
//!
//! The split block Bloom filter of Apache Parquet (`BloomFilter.md` in parquet-format): a key sets one bit in each of the
//! eight 32-bit words of one 32-byte block, so that a look-up touches one cache line.

use crate::lists::ListKind;

/// Length of a block.
pub(crate) const BLOCK_BYTES: usize = 32;
/// Bits for each key: about one false answer in 200 (Parquet's table for this kind of filter).
const BITS_PER_KEY: usize = 14;
/// From the specification.
const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// Hash of a name: FNV-1a, mixed by the finalizer of MurmurHash3 so that all bits count.
pub(crate) fn hash_of(kind: ListKind, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in std::iter::once(kind.tag()).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn block_of(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

fn bit(hash: u64, word: usize) -> u32 {
    1 << ((hash as u32).wrapping_mul(SALT[word]) >> 27)
}

/// The filter for some keys.
pub(crate) fn build(hashes: &[u64]) -> Vec<u8> {
    let blocks = (hashes.len() * BITS_PER_KEY)
        .div_ceil(BLOCK_BYTES * 8)
        .max(1);
    let mut filter = vec![0; blocks * BLOCK_BYTES];
    for hash in hashes {
        let at = block_of(*hash, blocks) * BLOCK_BYTES;
        for word in 0..SALT.len() {
            let bytes = &mut filter[at + word * 4..at + word * 4 + 4];
            for (byte, set) in bytes.iter_mut().zip(bit(*hash, word).to_le_bytes()) {
                *byte |= set;
            }
        }
    }
    filter
}

/// False: the key is not among those that the filter was built for.
pub(crate) fn may_hold(filter: &[u8], hash: u64) -> bool {
    let blocks = filter.len() / BLOCK_BYTES;
    if blocks == 0 {
        return false;
    }
    let at = block_of(hash, blocks) * BLOCK_BYTES;
    filter[at..at + BLOCK_BYTES]
        .chunks_exact(4)
        .enumerate()
        .all(|(word, bytes)| {
            let stored = u32::from_le_bytes(bytes.try_into().expect("a chunk of four bytes"));
            stored & bit(hash, word) != 0
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_few_others_are() {
        let name = |number: u32| format!("energy.meter-{number}");
        let hashes: Vec<u64> = (0..20_000)
            .map(|number| hash_of(ListKind::Stream, &name(number)))
            .collect();
        let filter = build(&hashes);
        assert!(hashes.iter().all(|hash| may_hold(&filter, *hash)));
        let wrong = (20_000..120_000)
            .filter(|number| may_hold(&filter, hash_of(ListKind::Stream, &name(*number))))
            .count();
        assert!(wrong < 1_000, "{wrong} of 100,000");
    }
}
