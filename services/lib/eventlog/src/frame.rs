use bytes::Bytes;
use thiserror::Error;

use crate::header::{HEADER_BYTES, read_u32, read_u64};

/// Bytes before a frame's body: length, checksum, batch.
pub const FRAME_HEADER_BYTES: usize = 16;
/// Frames begin at multiples of this.
pub const FRAME_ALIGNMENT: u64 = 8;
/// The longest body a frame can have.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A frame as it stands in the log. `body` is a slice of the chunk that was read, not a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Byte offset of the frame in the log.
    pub position: u64,
    /// Position of the first frame that was written together with this one.
    pub batch: u64,
    pub body: Bytes,
}

impl Frame {
    /// Byte offset of the body in the log.
    pub fn body_position(&self) -> u64 {
        self.position + FRAME_HEADER_BYTES as u64
    }

    /// Byte offset of the next frame.
    pub fn next_position(&self) -> u64 {
        self.position + frame_bytes(self.body.len())
    }
}

/// What is wrong with a frame.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FrameFault {
    #[error("the log ends {missing} bytes before the frame does")]
    Incomplete { missing: u64 },
    #[error("the frame's length {length} is outside 1 ..= {max}", max = MAX_BODY_BYTES)]
    Length { length: u32 },
    #[error(
        "the frame's batch {batch} is neither the batch of the frame before it nor the frame's own position"
    )]
    Batch { batch: u64 },
    #[error("the frame's checksum is {stored:08x}, its bytes give {computed:08x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("the padding after the frame is not zero")]
    Padding,
}

/// Length of a frame in the log: header, body of `body_bytes`, padding.
pub fn frame_bytes(body_bytes: usize) -> u64 {
    ((FRAME_HEADER_BYTES + body_bytes) as u64).next_multiple_of(FRAME_ALIGNMENT)
}

/// The checksum of a frame at `position`: CRC32C of position, body length, batch and body.
pub fn frame_checksum(position: u64, batch: u64, body: &[u8]) -> u32 {
    let mut covered = [0u8; 20];
    covered[..8].copy_from_slice(&position.to_le_bytes());
    covered[8..12].copy_from_slice(&(body.len() as u32).to_le_bytes());
    covered[12..].copy_from_slice(&batch.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&covered), body)
}

/// Completes a frame whose header space and body lie in `buffer` from `start` to its end.
pub(crate) fn seal_frame(buffer: &mut Vec<u8>, start: usize, position: u64, batch: u64) {
    let body_start = start + FRAME_HEADER_BYTES;
    let body_bytes = buffer.len() - body_start;
    assert!(
        (1..=MAX_BODY_BYTES).contains(&body_bytes),
        "a frame body of {body_bytes} bytes: the caller checks the limit"
    );
    assert!(
        position.is_multiple_of(FRAME_ALIGNMENT),
        "frames are aligned"
    );
    let checksum = frame_checksum(position, batch, &buffer[body_start..]);
    buffer[start..start + 4].copy_from_slice(&(body_bytes as u32).to_le_bytes());
    buffer[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
    buffer[start + 8..start + 16].copy_from_slice(&batch.to_le_bytes());
    buffer.resize(start + frame_bytes(body_bytes) as usize, 0);
}

/// The parts of a frame header that say how much to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameHeader {
    pub body_bytes: usize,
    pub batch: u64,
    pub checksum: u32,
}

/// Reads a frame header and checks what can be checked before the body is read.
///
/// `previous_batch` is the batch of the frame before; `None` when that is not known.
pub(crate) fn parse_frame_header(
    position: u64,
    header: &[u8],
    bytes_to_end: u64,
    previous_batch: Option<u64>,
) -> Result<FrameHeader, FrameFault> {
    if bytes_to_end < FRAME_HEADER_BYTES as u64 {
        return Err(FrameFault::Incomplete {
            missing: FRAME_HEADER_BYTES as u64 - bytes_to_end,
        });
    }
    let length = read_u32(header, 0);
    let body_bytes = length as usize;
    if !(1..=MAX_BODY_BYTES).contains(&body_bytes) {
        return Err(FrameFault::Length { length });
    }
    let whole = frame_bytes(body_bytes);
    if whole > bytes_to_end {
        return Err(FrameFault::Incomplete {
            missing: whole - bytes_to_end,
        });
    }
    let batch = read_u64(header, 8);
    let batch_is_possible = match previous_batch {
        Some(previous) => batch == previous || batch == position,
        None => (HEADER_BYTES..=position).contains(&batch) && batch.is_multiple_of(FRAME_ALIGNMENT),
    };
    if !batch_is_possible {
        return Err(FrameFault::Batch { batch });
    }
    Ok(FrameHeader {
        body_bytes,
        batch,
        checksum: read_u32(header, 4),
    })
}

/// Checks the frame that begins `available`; `bytes_to_end` is the distance from `position` to the end of the log.
///
/// `available` must hold the whole frame, or as much of it as the log has.
pub fn parse_frame(
    position: u64,
    available: &Bytes,
    bytes_to_end: u64,
    previous_batch: Option<u64>,
) -> Result<Frame, FrameFault> {
    let header = parse_frame_header(position, available, bytes_to_end, previous_batch)?;
    check_frame_body(position, &header, available)?;
    Ok(Frame {
        position,
        batch: header.batch,
        body: available.slice(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + header.body_bytes),
    })
}

/// Checks a frame whose header was read; `available` holds the whole frame.
pub(crate) fn check_frame_body(
    position: u64,
    header: &FrameHeader,
    available: &[u8],
) -> Result<(), FrameFault> {
    let body_end = FRAME_HEADER_BYTES + header.body_bytes;
    let body = &available[FRAME_HEADER_BYTES..body_end];
    let computed = frame_checksum(position, header.batch, body);
    if computed != header.checksum {
        return Err(FrameFault::Checksum {
            stored: header.checksum,
            computed,
        });
    }
    let frame_end = frame_bytes(header.body_bytes) as usize;
    if available[body_end..frame_end].iter().any(|byte| *byte != 0) {
        return Err(FrameFault::Padding);
    }
    Ok(())
}
