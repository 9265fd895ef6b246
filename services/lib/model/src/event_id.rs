//! Ids of events, made from what the events say.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A UUIDv8 (RFC 9562 section 5.8) that depends on nothing but the parts, so that sending the same thing again
/// makes the same id.
///
/// How anyone can recompute it: for each part in order, append its length in bytes as an unsigned 32-bit
/// little-endian number, then its bytes. Take SHA-256 of all that and keep the first 16 bytes. Set the high four
/// bits of byte 6 to 8 (the version) and the high two bits of byte 8 to binary 10 (the variant).
///
/// # Panics
/// If a part is 4 GiB or longer; message limits keep parts far below.
pub fn event_id(parts: &[&[u8]]) -> Uuid {
    let mut hasher = Sha256::new();
    for part in parts {
        let length = u32::try_from(part.len()).expect("message limits keep a part below 4 GiB");
        hasher.update(length.to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut first_128_bits = [0; 16];
    first_128_bits.copy_from_slice(&digest[..16]);
    Uuid::new_v8(first_128_bits)
}

#[cfg(test)]
mod tests {
    use super::event_id;

    #[test]
    fn the_id_is_the_one_an_outsider_computes() {
        // python3: h = hashlib.sha256(b"".join(struct.pack("<I", len(p)) + p for p in (b"zne-homes", b"home-01.load", b"")))
        //          b = bytearray(h.digest()[:16]); b[6] = b[6] & 15 | 128; b[8] = b[8] & 63 | 128; uuid.UUID(bytes=bytes(b))
        assert_eq!(
            event_id(&[b"zne-homes", b"home-01.load", b""]).to_string(),
            "103ff6cf-02f0-8065-a4b7-5182e8f67ca2"
        );
    }

    #[test]
    fn version_and_variant_are_those_of_rfc_9562() {
        let id = event_id(&[b"anything"]);
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn the_border_between_parts_matters() {
        assert_ne!(event_id(&[b"ab", b"c"]), event_id(&[b"a", b"bc"]));
        assert_ne!(event_id(&[b"a"]), event_id(&[b"a", b""]));
    }
}
