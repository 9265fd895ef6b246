use thiserror::Error;

/// First bytes of every log file.
pub const MAGIC: [u8; 8] = *b"TERRALOG";
/// Version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Length of the file header; the first frame begins here.
pub const HEADER_BYTES: u64 = 64;

const HEADER_LEN: usize = HEADER_BYTES as usize;
const CHECKSUM_AT: usize = HEADER_LEN - 4;

/// What is wrong with a file header.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HeaderFault {
    #[error("the file has {0} bytes, fewer than its 64-byte header")]
    TooShort(u64),
    #[error("the file does not begin with TERRALOG, so it is no event log")]
    Magic,
    #[error(
        "the log has format version {0}, this program reads version 1: open it with the program version that wrote it"
    )]
    Version(u32),
    #[error("the header's checksum is {stored:08x}, its bytes give {computed:08x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("the header's reserved bytes are not as version 1 writes them")]
    Reserved,
}

pub(crate) fn encode_header() -> [u8; HEADER_LEN] {
    let mut header = [0u8; HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&(HEADER_LEN as u32).to_le_bytes());
    let checksum = crc32c::crc32c(&header[..CHECKSUM_AT]);
    header[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Checks the first bytes of a log file; `start` holds at least the header, or the whole file if that is shorter.
pub fn check_header(start: &[u8]) -> Result<(), HeaderFault> {
    if start.len() < HEADER_LEN {
        return Err(HeaderFault::TooShort(start.len() as u64));
    }
    let header = &start[..HEADER_LEN];
    if header[..8] != MAGIC {
        return Err(HeaderFault::Magic);
    }
    let version = read_u32(header, 8);
    if version != FORMAT_VERSION {
        return Err(HeaderFault::Version(version));
    }
    let stored = read_u32(header, CHECKSUM_AT);
    let computed = crc32c::crc32c(&header[..CHECKSUM_AT]);
    if stored != computed {
        return Err(HeaderFault::Checksum { stored, computed });
    }
    if header != encode_header() {
        return Err(HeaderFault::Reserved);
    }
    Ok(())
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
