//! Which byte was changed? CRC is linear: the difference between stored and computed checksum depends only on which
//! byte differs and by what, so undoing one zero byte at a time leads from the difference back to the changed byte.

use std::sync::OnceLock;

use crate::frame::FRAME_HEADER_BYTES;

/// The CRC32C polynomial, bits reflected.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// The one byte of a frame whose change explains a checksum that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedByte {
    /// Offset from the start of the frame, header included.
    pub offset_in_frame: usize,
    /// What the byte must be XORed with to be as it was written.
    pub difference: u8,
}

/// Finds the one changed byte of a frame with `body_bytes` of body, given `stored ^ computed` checksum.
///
/// `None` when no single byte explains it, or more than one does (possible in frames of megabytes), or the length was changed.
pub fn locate_changed_byte(checksum_difference: u32, body_bytes: usize) -> Option<ChangedByte> {
    let mut found = changed_checksum_byte(checksum_difference);
    let tables = tables();
    let mut difference = checksum_difference;
    // From the last covered byte backwards: the body, then the batch. The length and the position are not tried:
    // with another length the frame itself would be another one.
    for covered_from_end in 0..body_bytes + 8 {
        let byte = tables.byte_of_entry(difference);
        if let Some(byte) = byte.filter(|byte| *byte != 0) {
            let offset_in_frame = FRAME_HEADER_BYTES + body_bytes - 1 - covered_from_end;
            if found
                .replace(ChangedByte {
                    offset_in_frame,
                    difference: byte,
                })
                .is_some()
            {
                return None;
            }
        }
        difference = tables.undo_zero_byte(difference);
    }
    found
}

fn changed_checksum_byte(difference: u32) -> Option<ChangedByte> {
    let bytes = difference.to_le_bytes();
    let mut changed = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
    match (changed.next(), changed.next()) {
        (Some((index, byte)), None) => Some(ChangedByte {
            offset_in_frame: 4 + index,
            difference: *byte,
        }),
        _ => None,
    }
}

struct Tables {
    /// CRC of one byte followed by nothing.
    forward: [u32; 256],
    /// Index into `forward` by the entry's highest byte, which is different for every entry.
    by_highest_byte: [u8; 256],
}

impl Tables {
    fn byte_of_entry(&self, difference: u32) -> Option<u8> {
        let byte = self.by_highest_byte[(difference >> 24) as usize];
        (self.forward[byte as usize] == difference).then_some(byte)
    }

    fn undo_zero_byte(&self, difference: u32) -> u32 {
        let low = self.by_highest_byte[(difference >> 24) as usize];
        ((difference ^ self.forward[low as usize]) << 8) | u32::from(low)
    }
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables {
            forward: [0; 256],
            by_highest_byte: [0; 256],
        };
        for byte in 0..=255u8 {
            let mut value = u32::from(byte);
            for _ in 0..8 {
                value = if value & 1 == 1 {
                    (value >> 1) ^ POLYNOMIAL
                } else {
                    value >> 1
                };
            }
            tables.forward[byte as usize] = value;
            tables.by_highest_byte[(value >> 24) as usize] = byte;
        }
        tables
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::frame_checksum;

    #[test]
    fn a_single_changed_byte_of_body_or_checksum_or_batch_is_located() {
        let (position, batch) = (640, 576);
        let body: Vec<u8> = (0..3000u32).map(|n| (n * 31 % 251) as u8).collect();
        let stored = frame_checksum(position, batch, &body);
        for offset in [0, 1, 7, 1500, 2998, 2999] {
            for difference in [1u8, 0x80, 0xff, 0x5a] {
                let mut changed = body.clone();
                changed[offset] ^= difference;
                let computed = frame_checksum(position, batch, &changed);
                let expected = ChangedByte {
                    offset_in_frame: FRAME_HEADER_BYTES + offset,
                    difference,
                };
                assert_eq!(
                    locate_changed_byte(stored ^ computed, body.len()),
                    Some(expected)
                );
            }
        }
        let computed = frame_checksum(position, batch ^ 0x0800, &body);
        let expected = ChangedByte {
            offset_in_frame: 9,
            difference: 8,
        };
        assert_eq!(
            locate_changed_byte(stored ^ computed, body.len()),
            Some(expected)
        );
        let in_checksum = ChangedByte {
            offset_in_frame: 6,
            difference: 0x10,
        };
        assert_eq!(
            locate_changed_byte(0x0010_0000, body.len()),
            Some(in_checksum)
        );
    }

    #[test]
    fn two_changed_bytes_are_not_blamed_on_one() {
        let body = vec![7u8; 200];
        let mut changed = body.clone();
        changed[3] ^= 1;
        changed[150] ^= 9;
        let difference = frame_checksum(64, 64, &body) ^ frame_checksum(64, 64, &changed);
        assert_eq!(locate_changed_byte(difference, body.len()), None);
    }
}
