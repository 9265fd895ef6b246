//! What stands behind the frames of a sealed segment.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::header::{FORMAT_VERSION, HEADER_BYTES, SCAVENGED_FORMAT_VERSION, read_u32, read_u64};
use crate::tree::{Digest, GROUP_FRAMES};

/// Length of the mark that ends a segment's frames.
pub const SEAL_START_BYTES: u64 = 64;
/// Length of a segment's last part.
pub const FOOTER_BYTES: u64 = 192;
/// The index is checked and read in pages of this size.
pub const INDEX_PAGE_BYTES: u64 = 4096;

/// Length of what stands before the footer of a scavenged segment.
pub(crate) const SCAVENGE_BYTES: u64 = 96;
/// Of the list of gaps, for each of them.
pub(crate) const GAP_ENTRY_BYTES: u64 = 16;

const SCAVENGE_MAGIC: [u8; 8] = *b"TERRSCAV";
const SCAVENGE_LEN: usize = SCAVENGE_BYTES as usize;
const SEAL_START_MAGIC: [u8; 8] = *b"TERRSEAL";
const FOOTER_MAGIC: [u8; 8] = *b"TERRFOOT";
const FOOTER_LEN: usize = FOOTER_BYTES as usize;
const SEAL_START_LEN: usize = SEAL_START_BYTES as usize;

/// What is wrong with a footer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FooterFault {
    #[error("the file of {0} bytes has no footer: it was cut, or never sealed")]
    Missing(u64),
    #[error("the footer's checksum is {stored:08x}, its bytes give {computed:08x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("the footer's fields are not as versions 2 and 3 write them")]
    Fields,
    #[error("the footer's seal is not the hash of its fields")]
    Seal,
    #[error("the file has {actual} bytes, its footer speaks of {expected}")]
    Length { expected: u64, actual: u64 },
    #[error("the footer is that of the segment at {0}")]
    Base(u64),
}

/// The last part of a sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    pub base: u64,
    /// How many segments are before this one.
    pub number: u32,
    /// Position after the last frame.
    pub end: u64,
    /// Frames that are there, those that fill gaps among them.
    pub frames: u64,
    /// Length of the index that the layer above gave.
    pub index_bytes: u64,
    /// CRC32C of the list of the index pages' checksums.
    pub page_checksums: u32,
    /// Hash of the tree over all frames.
    pub root: Digest,
    /// SHA-256 of the index.
    pub index_digest: Digest,
    /// Seal of the segment before this one; zero for the first.
    pub previous_seal: Digest,
    /// What was removed after the segment was sealed.
    pub scavenged: Option<Scavenged>,
}

/// What was removed from a segment after it was sealed, and what it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scavenged {
    /// Frames that the segment was sealed with.
    pub sealed_frames: u64,
    /// Hash of the tree over these.
    pub sealed_root: Digest,
    /// How many of them were removed, and their bytes.
    pub removed_frames: u64,
    pub removed_bytes: u64,
    /// How many gaps are in their place.
    pub gaps: u64,
    /// CRC32C of the list of these.
    pub gaps_checksum: u32,
}

impl Scavenged {
    fn encode(&self) -> [u8; SCAVENGE_LEN] {
        let mut bytes = [0u8; SCAVENGE_LEN];
        bytes[..8].copy_from_slice(&SCAVENGE_MAGIC);
        bytes[8..12].copy_from_slice(&SCAVENGED_FORMAT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(SCAVENGE_LEN as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sealed_frames.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.sealed_root);
        bytes[56..64].copy_from_slice(&self.removed_frames.to_le_bytes());
        bytes[64..72].copy_from_slice(&self.removed_bytes.to_le_bytes());
        bytes[72..80].copy_from_slice(&self.gaps.to_le_bytes());
        bytes[80..84].copy_from_slice(&self.gaps_checksum.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..SCAVENGE_LEN - 4]);
        bytes[SCAVENGE_LEN - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; SCAVENGE_LEN]) -> Option<Scavenged> {
        let scavenged = Scavenged {
            sealed_frames: read_u64(bytes, 16),
            sealed_root: bytes[24..56].try_into().expect("32 bytes"),
            removed_frames: read_u64(bytes, 56),
            removed_bytes: read_u64(bytes, 64),
            gaps: read_u64(bytes, 72),
            gaps_checksum: read_u32(bytes, 80),
        };
        (*bytes == scavenged.encode()).then_some(scavenged)
    }
}

impl Footer {
    /// The hash of the segment as it was sealed, and so of the log up to here: the next segment's header repeats it.
    /// Scavenging does not change it.
    pub fn seal(&self) -> Digest {
        let sealed = match &self.scavenged {
            None => self.encode_fields(),
            Some(scavenged) => Footer {
                frames: scavenged.sealed_frames,
                root: scavenged.sealed_root,
                scavenged: None,
                ..self.clone()
            }
            .encode_fields(),
        };
        Sha256::digest(sealed).into()
    }

    /// The hash of the segment as it is now: differs from [`seal`](Self::seal) once it was scavenged.
    pub fn present_seal(&self) -> Digest {
        match &self.scavenged {
            None => self.seal(),
            Some(scavenged) => Sha256::new()
                .chain_update(self.encode_fields())
                .chain_update(scavenged.encode())
                .finalize()
                .into(),
        }
    }

    pub(crate) fn groups(&self) -> u64 {
        self.frames.div_ceil(GROUP_FRAMES as u64)
    }

    pub(crate) fn index_pages(&self) -> u64 {
        self.index_bytes.div_ceil(INDEX_PAGE_BYTES)
    }

    /// Byte offset in the file where the seal begins: the length of the frames with the header.
    pub(crate) fn seal_at(&self) -> u64 {
        self.end - self.base
    }

    pub(crate) fn groups_at(&self) -> u64 {
        self.seal_at() + SEAL_START_BYTES
    }

    pub(crate) fn index_at(&self) -> u64 {
        self.groups_at() + self.groups() * 32
    }

    pub(crate) fn page_checksums_at(&self) -> u64 {
        self.index_at() + self.index_bytes
    }

    pub(crate) fn gaps_at(&self) -> u64 {
        self.page_checksums_at() + self.index_pages() * 4
    }

    pub(crate) fn gaps(&self) -> u64 {
        self.scavenged
            .as_ref()
            .map_or(0, |scavenged| scavenged.gaps)
    }

    pub(crate) fn footer_at(&self) -> u64 {
        let scavenge_bytes = self.scavenged.as_ref().map_or(0, |_| SCAVENGE_BYTES);
        self.gaps_at() + self.gaps() * GAP_ENTRY_BYTES + scavenge_bytes
    }

    /// Length of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.footer_at() + FOOTER_BYTES
    }

    fn encode_fields(&self) -> [u8; 152] {
        let mut bytes = [0u8; 152];
        bytes[..8].copy_from_slice(&FOOTER_MAGIC);
        let version = match self.scavenged {
            None => FORMAT_VERSION,
            Some(_) => SCAVENGED_FORMAT_VERSION,
        };
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        bytes[12..16].copy_from_slice(&(FOOTER_LEN as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.base.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.end.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.frames.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.index_bytes.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.number.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.page_checksums.to_le_bytes());
        bytes[56..88].copy_from_slice(&self.root);
        bytes[88..120].copy_from_slice(&self.index_digest);
        bytes[120..152].copy_from_slice(&self.previous_seal);
        bytes
    }

    /// What stands before the footer of a scavenged segment, behind the list of gaps.
    pub(crate) fn encode_scavenged(&self) -> Vec<u8> {
        let scavenged = self.scavenged.as_ref();
        scavenged.map_or_else(Vec::new, |scavenged| scavenged.encode().to_vec())
    }

    pub(crate) fn encode(&self) -> [u8; FOOTER_LEN] {
        let mut bytes = [0u8; FOOTER_LEN];
        bytes[..152].copy_from_slice(&self.encode_fields());
        bytes[152..184].copy_from_slice(&self.present_seal());
        let checksum = crc32c::crc32c(&bytes[..FOOTER_LEN - 4]);
        bytes[FOOTER_LEN - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// Length of the end of a file that [`parse_footer`] looks at.
pub const FOOTER_WITH_SCAVENGE_BYTES: u64 = FOOTER_BYTES + SCAVENGE_BYTES;

/// Reads the footer of a file of `file_bytes`; `end` holds the file's last [`FOOTER_WITH_SCAVENGE_BYTES`], or all of it if it is
/// shorter.
pub fn parse_footer(end: &[u8], file_bytes: u64) -> Result<Footer, FooterFault> {
    let shortest = HEADER_BYTES + SEAL_START_BYTES + FOOTER_BYTES;
    let Some(bytes) = end
        .last_chunk::<FOOTER_LEN>()
        .filter(|_| file_bytes >= shortest)
    else {
        return Err(FooterFault::Missing(file_bytes));
    };
    let stored = read_u32(bytes, FOOTER_LEN - 4);
    let computed = crc32c::crc32c(&bytes[..FOOTER_LEN - 4]);
    if stored != computed {
        return Err(if bytes[..8] == FOOTER_MAGIC {
            FooterFault::Checksum { stored, computed }
        } else {
            FooterFault::Missing(file_bytes)
        });
    }
    let digest = |at: usize| -> Digest { bytes[at..at + 32].try_into().expect("32 bytes") };
    let mut scavenged = None;
    if read_u32(bytes, 8) == SCAVENGED_FORMAT_VERSION {
        let before = end[..end.len() - FOOTER_LEN].last_chunk::<SCAVENGE_LEN>();
        scavenged = before.and_then(Scavenged::decode);
        if scavenged.is_none() {
            return Err(FooterFault::Fields);
        }
    }
    let footer = Footer {
        base: read_u64(bytes, 16),
        end: read_u64(bytes, 24),
        frames: read_u64(bytes, 32),
        index_bytes: read_u64(bytes, 40),
        number: read_u32(bytes, 48),
        page_checksums: read_u32(bytes, 52),
        root: digest(56),
        index_digest: digest(88),
        previous_seal: digest(120),
        scavenged,
    };
    let is_in_range = footer.end <= i64::MAX as u64
        && footer.base.saturating_add(HEADER_BYTES) <= footer.end
        && footer.frames <= footer.end - footer.base
        && footer.index_bytes <= file_bytes
        && footer.gaps() <= footer.frames;
    if bytes[..152] != footer.encode_fields() || bytes[184..188] != [0; 4] || !is_in_range {
        return Err(FooterFault::Fields);
    }
    if digest(152) != footer.present_seal() {
        return Err(FooterFault::Seal);
    }
    if footer.file_bytes() != file_bytes {
        return Err(FooterFault::Length {
            expected: footer.file_bytes(),
            actual: file_bytes,
        });
    }
    Ok(footer)
}

/// The mark that ends the frames of the segment at `base`. No frame begins like it: it would be over the longest.
pub(crate) fn encode_seal_start(base: u64, end: u64, frames: u64) -> [u8; SEAL_START_LEN] {
    let mut bytes = [0u8; SEAL_START_LEN];
    bytes[..8].copy_from_slice(&SEAL_START_MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&(SEAL_START_LEN as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&base.to_le_bytes());
    bytes[24..32].copy_from_slice(&end.to_le_bytes());
    bytes[32..40].copy_from_slice(&frames.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..SEAL_START_LEN - 4]);
    bytes[SEAL_START_LEN - 4..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Whether the frames of the segment at `base` end here with the mark of a seal.
pub(crate) fn is_seal_start(bytes: &[u8], base: u64, end: u64) -> bool {
    bytes.len() >= SEAL_START_LEN && {
        let frames = read_u64(bytes, 32);
        bytes[..SEAL_START_LEN] == encode_seal_start(base, end, frames)
    }
}

/// The checksum of every page of an index.
pub(crate) fn page_checksums(index: &[u8]) -> Vec<u8> {
    index
        .chunks(INDEX_PAGE_BYTES as usize)
        .flat_map(|page| crc32c::crc32c(page).to_le_bytes())
        .collect()
}
