//! A group of frames on its way to the disk.

use std::io;

use crate::disk::{LogFile, is_out_of_space, write_all};

/// Files grow by as much as they have, within these bounds: the group that makes a file grow waits for all those zeros, and
/// 4 MiB of them were measured to take 14 to 20 ms, 256 KiB 0.6 ms.
const LEAST_GROWTH_BYTES: u64 = 64 * 1024;
const MOST_GROWTH_BYTES: u64 = 512 * 1024;
/// A group of so many bytes makes its file longer by itself: writing zeros for it first would take longer than the sync of the file's
/// metadata.
const LARGE_GROUP_BYTES: usize = 128 * 1024;

/// The file of the unsealed segment. What is behind the frames is zero.
pub(crate) struct ActiveFile {
    pub file: Box<dyn LogFile>,
    pub bytes: u64,
    /// How many `fdatasync` were done.
    pub syncs: u64,
}

/// Frames to be written and synced, and the only handle that may do it: the next group waits until
/// [`LogWriter::finish_flush`](crate::LogWriter::finish_flush) has its outcome.
#[must_use = "the log takes no more writes without the outcome"]
pub struct Flush {
    pub(crate) file: ActiveFile,
    /// In the file.
    pub(crate) offset: u64,
    pub(crate) frames: Vec<u8>,
}

/// What became of a [`Flush`].
#[must_use = "the log takes no more writes without the outcome"]
pub struct Flushed {
    pub(crate) file: ActiveFile,
    pub(crate) frames: Vec<u8>,
    pub(crate) outcome: Result<(), FlushFault>,
}

pub(crate) enum FlushFault {
    /// Nothing of it is in the file.
    NotWritten(io::Error),
    /// Nobody knows what is in the file.
    Unknown(String),
}

impl FlushFault {
    pub fn of_sync(error: &io::Error) -> FlushFault {
        FlushFault::Unknown(format!("fsync failed ({error})"))
    }
}

impl Flush {
    /// Makes the frames durable with one write and one `fdatasync`. On whatever thread has the time to wait for it.
    pub fn run(self) -> Flushed {
        let Flush {
            mut file,
            offset,
            frames,
        } = self;
        let outcome = file.write_durably(&frames, offset);
        Flushed {
            file,
            frames,
            outcome,
        }
    }
}

impl ActiveFile {
    pub fn new(file: Box<dyn LogFile>, bytes: u64) -> ActiveFile {
        ActiveFile {
            file,
            bytes,
            syncs: 0,
        }
    }

    pub fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        self.file.sync_data()
    }

    fn write_durably(&mut self, frames: &[u8], offset: u64) -> Result<(), FlushFault> {
        let end = offset + frames.len() as u64;
        let grown = if frames.len() < LARGE_GROUP_BYTES {
            self.grow(end)
        } else {
            Ok(())
        };
        let written = grown.and_then(|()| write_all(&mut *self.file, frames, offset));
        self.bytes = self.bytes.max(end);
        if let Err(error) = written {
            return Err(self.undo_write(offset, error));
        }
        self.sync().map_err(|error| FlushFault::of_sync(&error))
    }

    /// Cuts off what was written from `length` on. The cut is synced too, so that a crash right after the refusal does not bring
    /// the refused bytes back.
    pub fn undo_write(&mut self, length: u64, error: io::Error) -> FlushFault {
        let undone = self.file.set_len(length).and_then(|()| self.sync());
        if let Err(undo_error) = undone {
            return FlushFault::Unknown(format!(
                "a write failed ({error}) and could not be undone ({undo_error})"
            ));
        }
        self.bytes = length;
        FlushFault::NotWritten(error)
    }

    /// Fills the file with zeros to beyond `needed`: a sync of bytes inside a file does not wait for its metadata.
    fn grow(&mut self, needed: u64) -> io::Result<()> {
        if needed <= self.bytes {
            return Ok(());
        }
        let growth = needed.clamp(LEAST_GROWTH_BYTES, MOST_GROWTH_BYTES);
        let target = (needed + growth).next_multiple_of(LEAST_GROWTH_BYTES);
        let zeros = vec![0; (target - needed) as usize];
        match write_all(&mut *self.file, &zeros, needed) {
            Ok(()) => self.bytes = target,
            // The frames may still fit.
            Err(error) if is_out_of_space(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
