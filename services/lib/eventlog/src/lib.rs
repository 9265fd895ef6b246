//! The append-only log on disk: segments, framing, checksums, group commit, recovery. Synchronous: no tokio, no network.
//!
//! # Map
//!
//! - [`open_log`] or [`LogOpening`] (`recovery.rs`) opens or creates a log; `tail.rs` walks the unsealed segment, cuts a torn
//!   end off and refuses a damaged middle.
//! - [`LogWriter`] (`writer.rs`) stages frames in one buffer; a [`Flush`] (`flush.rs`) makes them durable with one write and one
//!   `fdatasync` while the next ones are staged; `seal.rs` seals full segments. [`LogSettings`] (`settings.rs`) has what can be chosen.
//! - [`LogReader`], [`FrameCursor`] and [`FrameFetcher`] (`reader.rs`) read with handles of their own, never past the durable end.
//! - [`SealedSegment`] (`segment.rs`) gives the index that the layer above put into a segment when it was sealed.
//! - [`parse_frame`], [`frame_checksum`] (`frame.rs`), [`check_header`] (`header.rs`), [`parse_footer`] (`footer.rs`) and
//!   [`TreeHasher`] (`tree.rs`) are the format itself; `files.rs` has the names of the files.
//! - [`LogFiles`], [`SealCheck`], [`check_segment`] (`offline.rs`) read and check a log that lies in a folder;
//!   [`back_up`] and [`restore`] (`backup.rs`) copy it.
//! - [`scavenge_segment`] (`scavenge.rs`) removes records from a sealed segment; `gap.rs` has what stands in their place.
//! - [`locate_changed_byte`] (`locate.rs`) finds which one byte of a damaged frame was changed, from its checksum.
//! - [`FolderLock`] (`lock.rs`) keeps a second process out of a data folder.
//! - [`Disk`], [`LogFile`] (`disk.rs`) are what the writer needs of a disk; [`FaultyDisk`] (`fault.rs`) fails on demand.
//!
//! # Promises
//!
//! - A frame is one commit: after a crash it is there whole or not at all.
//! - When [`LogWriter::flush`] or [`LogWriter::finish_flush`] answers `Ok`, its frames survive a power cut. Readers see nothing earlier than that.
//! - A failed write is undone and can be tried again. A failed `fsync` is never tried again: the kernel may already have
//!   dropped the pages and would answer "fine" the second time, so the log takes no more writes until it is reopened.
//!   Opening writes the last frames, and the footer of a segment that is the last, again before it syncs them.
//! - Appends are refused before the disk is full ([`LogSettings::low_disk_bytes`]), and accepted again when space is back.
//! - Opening reads the frames of the unsealed segment only. A crash at any step of sealing or of making the next segment
//!   leaves a log that opens with all its frames.
//! - Sealed segments never change, unless records are removed by [`scavenge_segment`]. Each has a hash over its records, and the
//!   hash of the segment before it: whoever keeps one seal can tell whether anything before it was changed. A removal leaves the
//!   seals as they are, and the hashes of what was removed: what is left can still be compared with what was sealed.
//!
//! # Folder
//!
//! | file | what |
//! |---|---|
//! | `<position>.segment` | a segment; its name is the 20 decimal digits of the position where it begins |
//! | `<position>.segment.new` | a segment that was being made or copied; harmless |
//! | `events.log` | a header of version 2 and nothing else, so that programs of format 1 refuse the folder; in format 1, the log |
//! | `torn-<position>.bin` | an unfinished end that a crash left and that opening cut off |
//!
//! # Format, version 2
//!
//! All integers are little endian. A position in the log is the position of its segment plus the byte offset in the file;
//! the next segment begins where the frames of the one before end, so that what follows the frames takes no positions.
//!
//! | offset | size | header of a segment |
//! |---|---|---|
//! | 0 | 8 | magic `TERRALOG` |
//! | 8 | 4 | format version, 2 |
//! | 12 | 4 | header length, 64 |
//! | 16 | 8 | position of the segment |
//! | 24 | 32 | seal of the segment before; zero in the first |
//! | 56 | 4 | how many segments are before |
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
//!
//! Behind the frames of an unsealed segment the file may hold zeros: space that is prepared so that a sync does not wait for
//! the file's metadata. Behind those of a sealed one stand, with nothing in between:
//!
//! | size | part |
//! |---|---|
//! | 64 | mark: magic `TERRSEAL`, version u32, its length u32, position of the segment u64, its end u64, frames u64, zeros, CRC32C of the 60 bytes before |
//! | 32 each | SHA-256 tree hash of every 256 frames (the last may be fewer) |
//! | n | index of the layer above |
//! | 4 each | CRC32C of every 4096 bytes of the index |
//! | 192 | footer |
//!
//! | offset | size | footer |
//! |---|---|---|
//! | 0 | 8 | magic `TERRFOOT` |
//! | 8 | 4 | format version, 2 |
//! | 12 | 4 | footer length, 192 |
//! | 16 | 8 | position of the segment |
//! | 24 | 8 | position after its last frame |
//! | 32 | 8 | number of frames |
//! | 40 | 8 | length of the index |
//! | 48 | 4 | how many segments are before |
//! | 52 | 4 | CRC32C of the list of the index pages' checksums |
//! | 56 | 32 | root of the Merkle tree over the frames (RFC 9162, section 2.1.1, with SHA-256; a leaf is a frame with header and padding) |
//! | 88 | 32 | SHA-256 of the index |
//! | 120 | 32 | seal of the segment before; zero in the first |
//! | 152 | 32 | seal: SHA-256 of bytes 0..152 |
//! | 184 | 4 | zero |
//! | 188 | 4 | CRC32C of bytes 0..188 |
//!
//! Scavenging removes records from a sealed segment and leaves a gap in their place (`gap.rs`), so that all others keep their
//! positions, and the index stays as it is. The footer then has version 3, `frames` and `root` are those of the file as it is now,
//! the seal at 152 is SHA-256 of bytes 0..152 and of the 96 bytes before the footer, and between the checksums of the index and
//! the footer stand:
//!
//! | size | part |
//! |---|---|
//! | 16 each | position of a gap u64, its end u64 |
//! | 96 | magic `TERRSCAV`, version u32, its length u32, frames that were sealed u64, root over these, frames removed u64, bytes removed u64, gaps u64, CRC32C of the list of gaps u32, zeros, CRC32C of the 92 bytes before |
//!
//! With the frames and the root of before in their places in a footer of version 2 its seal is the one that the next segment repeats.
//!
//! Sealing writes and syncs the mark, then the parts up to the footer with the file's length, then the footer; then the next segment is written as
//! `<position>.segment.new`, synced, renamed, and its folder synced. A segment is sealed when its footer is good; a mark
//! without a footer is an unfinished seal, which opening cuts off.
//!
//! # Format 1
//!
//! One file `events.log`: a header of version 1 whose bytes 16..60 are zero, and frames as above. Opening renames it to the segment
//! at position 0, which keeps its header; it is sealed like any other.

mod backup;
mod disk;
mod fault;
mod files;
mod flush;
mod footer;
mod frame;
mod gap;
mod header;
mod locate;
mod lock;
mod offline;
mod reader;
mod recovery;
mod scavenge;
mod seal;
mod segment;
mod settings;
mod tail;
mod tree;
mod writer;

pub use backup::{BackupError, Copied, back_up, restore};
pub use disk::{Disk, LogFile, RealDisk};
pub use fault::FaultyDisk;
pub use files::{FIRST_FORMAT_FILE_NAME, list_segments, segment_file_name};
pub use flush::{Flush, Flushed};
pub use footer::{
    FOOTER_BYTES, FOOTER_WITH_SCAVENGE_BYTES, Footer, FooterFault, INDEX_PAGE_BYTES, Scavenged,
    parse_footer,
};
pub use frame::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameFault, MAX_BODY_BYTES, frame_bytes,
    frame_checksum, parse_frame,
};
pub use gap::is_gap;
pub use header::{
    FIRST_FORMAT_VERSION, FORMAT_VERSION, HEADER_BYTES, HeaderFault, MAGIC,
    SCAVENGED_FORMAT_VERSION, SegmentHeader, check_header, encode_header,
};
pub use locate::{ChangedByte, locate_changed_byte};
pub use lock::{FolderLock, LockError};
pub use offline::{LogFiles, SealCheck, SealFault, check_index, check_segment};
pub use reader::{FrameCursor, FrameError, FrameFetcher, FrameProblem, LogReader};
pub use recovery::{LogOpening, OpenError, OpenedLog, Recovery, TornTail, open_log};
pub use scavenge::{Removed, ScavengeError, scavenge_segment};
pub use segment::{
    IndexError, IndexProblem, SealedSegment, SegmentError, read_header, read_sealed,
};
pub use settings::LogSettings;
pub use tree::{Digest, GROUP_FRAMES, TreeHasher, tree_root};
pub use writer::{AppendError, LogWriter, StagedFrame};
