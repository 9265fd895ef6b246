use thiserror::Error;

use crate::tree::Digest;

/// First bytes of every segment.
pub const MAGIC: [u8; 8] = *b"TERRALOG";
/// Version of the format that this crate writes.
pub const FORMAT_VERSION: u32 = 2;
/// A log of this version is one file without end, which is read as the first segment.
pub const FIRST_FORMAT_VERSION: u32 = 1;
/// Version in the footer of a segment from which something was removed.
pub const SCAVENGED_FORMAT_VERSION: u32 = 3;
/// Length of a segment's header; its first frame begins here.
pub const HEADER_BYTES: u64 = 64;

const HEADER_LEN: usize = HEADER_BYTES as usize;
const CHECKSUM_AT: usize = HEADER_LEN - 4;

/// What is wrong with a segment's header.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HeaderFault {
    #[error("the file has {0} bytes, fewer than its 64-byte header")]
    TooShort(u64),
    #[error("the file does not begin with TERRALOG, so it is no event log")]
    Magic,
    #[error(
        "the log has format version {0}, this program reads versions 1 and 2: open it with the program version that wrote it"
    )]
    Version(u32),
    #[error("the header's checksum is {stored:08x}, its bytes give {computed:08x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("the header's reserved bytes are not as its version writes them")]
    Reserved,
}

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// 2, or 1 for a first segment that was a log of format 1.
    pub version: u32,
    /// Position of the header in the log: the segment's name.
    pub base: u64,
    /// How many segments are before it.
    pub number: u32,
    /// Seal of the segment before it; zero for the first.
    pub previous_seal: Digest,
}

impl SegmentHeader {
    /// The header of a log of format 1.
    pub const FIRST_FORMAT: SegmentHeader = SegmentHeader {
        version: FIRST_FORMAT_VERSION,
        base: 0,
        number: 0,
        previous_seal: [0; 32],
    };

    /// Position of the segment's first frame.
    pub fn first_frame(&self) -> u64 {
        self.base + HEADER_BYTES
    }
}

/// The bytes of a segment's header.
pub fn encode_header(header: &SegmentHeader) -> [u8; HEADER_LEN] {
    let mut bytes = [0u8; HEADER_LEN];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&header.version.to_le_bytes());
    bytes[12..16].copy_from_slice(&(HEADER_LEN as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&header.base.to_le_bytes());
    bytes[24..56].copy_from_slice(&header.previous_seal);
    bytes[56..60].copy_from_slice(&header.number.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
    bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads the first bytes of a segment; `start` holds at least the header, or the whole file if that is shorter.
pub fn check_header(start: &[u8]) -> Result<SegmentHeader, HeaderFault> {
    if start.len() < HEADER_LEN {
        return Err(HeaderFault::TooShort(start.len() as u64));
    }
    let bytes = &start[..HEADER_LEN];
    if bytes[..8] != MAGIC {
        return Err(HeaderFault::Magic);
    }
    let version = read_u32(bytes, 8);
    if version != FORMAT_VERSION && version != FIRST_FORMAT_VERSION {
        return Err(HeaderFault::Version(version));
    }
    let stored = read_u32(bytes, CHECKSUM_AT);
    let computed = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
    if stored != computed {
        return Err(HeaderFault::Checksum { stored, computed });
    }
    let header = SegmentHeader {
        version,
        base: read_u64(bytes, 16),
        number: read_u32(bytes, 56),
        previous_seal: bytes[24..56].try_into().expect("a slice of 32 bytes"),
    };
    let is_first_format = version == FIRST_FORMAT_VERSION;
    if bytes != encode_header(&header)
        || is_first_format && header != SegmentHeader::FIRST_FORMAT
        || !header.base.is_multiple_of(crate::frame::FRAME_ALIGNMENT)
    {
        return Err(HeaderFault::Reserved);
    }
    Ok(header)
}

pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a slice of four bytes"))
}

pub(crate) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(
        bytes[at..at + 8]
            .try_into()
            .expect("a slice of eight bytes"),
    )
}
