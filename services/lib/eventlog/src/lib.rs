//! The append-only log on disk: framing, checksums, group commit, recovery. Synchronous: no tokio, no network.
//!
//! # Map
//!
//! - [`open_log`] (`recovery.rs`) opens or creates a log, walks it, cuts a torn tail and refuses a damaged middle.
//! - [`LogWriter`] (`writer.rs`) stages frames in one buffer and makes them durable with one write and one `fdatasync`.
//! - [`LogReader`] and [`FrameCursor`] (`reader.rs`) read with their own handle, never past the durable length.
//! - [`parse_frame`], [`frame_checksum`] (`frame.rs`) and `header.rs` are the format itself.
//! - [`locate_changed_byte`] (`locate.rs`) finds which one byte of a damaged frame was changed, from its checksum.
//! - [`FolderLock`] (`lock.rs`) keeps a second process out of a data folder.
//! - [`Disk`], [`LogFile`] (`disk.rs`) are what the writer needs of a disk; [`FaultyDisk`] (`fault.rs`) fails on demand.
//!
//! # Promises
//!
//! - A frame is one commit: after a crash it is there whole or not at all.
//! - When [`LogWriter::flush`] answers `Ok`, its frames survive a power cut. Readers see nothing earlier than that.
//! - A failed write is undone and can be tried again. A failed `fsync` is never tried again: the kernel may already have
//!   dropped the pages and would answer "fine" the second time, so the log takes no more writes until it is reopened.
//!
//! # Format of `events.log`, version 1
//!
//! All integers are little endian.
//!
//! | offset | size | file header |
//! |---|---|---|
//! | 0 | 8 | magic `TERRALOG` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | header length, 64 |
//! | 16 | 44 | zero |
//! | 60 | 4 | CRC32C of bytes 0..60 |
//!
//! Frames follow, each at a multiple of 8:
//!
//! | offset | size | frame |
//! |---|---|---|
//! | 0 | 4 | `len`, length of the body, 1 ..= 4 MiB |
//! | 4 | 4 | CRC32C of: the frame's own position (u64), `len`, `batch`, the body |
//! | 8 | 8 | `batch`, position of the first frame that was written together with this one |
//! | 16 | `len` | the body |
//! | 16 + `len` | 0 ..= 7 | zero, up to the next multiple of 8 |
//!
//! The position is part of the checksum, so a frame that was copied elsewhere, or bytes inside an event that happen
//! to look like a frame, are not taken for one.
//!
//! `batch` says what was durable when the frame was written: everything before it. A disk may persist the pages of one
//! unsynced write in any order, so after a power cut a bad frame can be followed by good ones *of the same batch*; those were
//! never acknowledged and are cut with it. A good frame of a *later* batch proves that the bad frame was once
//! durable: that is damage, and the log refuses to open.

mod disk;
mod fault;
mod frame;
mod header;
mod locate;
mod lock;
mod reader;
mod recovery;
mod writer;

pub use disk::{Disk, LogFile, RealDisk};
pub use fault::FaultyDisk;
pub use frame::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameFault, MAX_BODY_BYTES, frame_bytes,
    frame_checksum, parse_frame,
};
pub use header::{FORMAT_VERSION, HEADER_BYTES, HeaderFault, MAGIC, check_header};
pub use locate::{ChangedByte, locate_changed_byte};
pub use lock::{FolderLock, LockError};
pub use reader::{FrameCursor, FrameError, FrameProblem, LogReader, open_for_reading};
pub use recovery::{LOG_FILE_NAME, OpenError, OpenedLog, Recovery, TornTail, open_log};
pub use writer::{AppendError, LogWriter, StagedFrame};
