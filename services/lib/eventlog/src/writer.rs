use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::disk::LogFile;
use crate::frame::{FRAME_HEADER_BYTES, seal_frame};

/// A buffer that grew beyond this is given back after its flush.
const KEPT_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Why staged frames were not made durable. Either way none of them is in the log.
#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// Undone; the same frames can be appended again once there is space.
    #[error("no space left for {path} at byte {position} ({cause}): free some space, then send again", path = path.display())]
    StorageFull {
        path: PathBuf,
        position: u64,
        cause: String,
    },
    /// Final for this writer: nobody knows what is on the disk until the log is reopened and read.
    #[error(
        "the log {path} takes no more writes: {cause} at byte {position}; check the disk, then restart, which rereads what is really there",
        path = path.display()
    )]
    Failed {
        path: PathBuf,
        position: u64,
        cause: String,
    },
}

/// Where a staged frame will stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagedFrame {
    pub position: u64,
    pub body_position: u64,
}

/// The one writer of a log.
///
/// `durable_bytes <= file length <= durable_bytes + staged`; between calls the first two are equal unless the log failed.
pub struct LogWriter {
    path: PathBuf,
    file: Box<dyn LogFile>,
    durable_bytes: Arc<AtomicU64>,
    staged: Vec<u8>,
    failure: Option<AppendError>,
    syncs: u64,
}

impl LogWriter {
    pub(crate) fn new(
        path: &Path,
        file: Box<dyn LogFile>,
        durable_bytes: Arc<AtomicU64>,
    ) -> LogWriter {
        LogWriter {
            path: path.to_owned(),
            file,
            durable_bytes,
            staged: Vec::new(),
            failure: None,
            syncs: 0,
        }
    }

    /// Length of the log that a power cut cannot take away.
    pub fn durable_bytes(&self) -> u64 {
        // Only this writer stores it.
        self.durable_bytes.load(Ordering::Relaxed)
    }

    /// Where the body of the next staged frame will begin.
    pub fn next_body_position(&self) -> u64 {
        self.durable_bytes() + (self.staged.len() + FRAME_HEADER_BYTES) as u64
    }

    /// How many `fdatasync` were done.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// How many bytes wait for [`flush`](Self::flush).
    pub fn staged_bytes(&self) -> usize {
        self.staged.len()
    }

    /// Puts one frame into the buffer; `write_body` appends its body to the given buffer.
    ///
    /// Panics when the body is empty or longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES): the caller checks its limits first.
    pub fn stage(&mut self, write_body: impl FnOnce(&mut Vec<u8>)) -> StagedFrame {
        let start = self.staged.len();
        let batch = self.durable_bytes();
        let position = batch + start as u64;
        self.staged.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        write_body(&mut self.staged);
        seal_frame(&mut self.staged, start, position, batch);
        StagedFrame {
            position,
            body_position: position + FRAME_HEADER_BYTES as u64,
        }
    }

    /// Makes all staged frames durable with one write and one `fdatasync`; returns the new durable length.
    ///
    /// On an error none of them is in the log and the buffer is empty.
    pub fn flush(&mut self) -> Result<u64, AppendError> {
        let outcome = self.write_and_sync();
        self.staged.clear();
        if self.staged.capacity() > KEPT_BUFFER_BYTES {
            self.staged = Vec::new();
        }
        outcome
    }

    fn write_and_sync(&mut self) -> Result<u64, AppendError> {
        let start = self.durable_bytes();
        if self.staged.is_empty() {
            return Ok(start);
        }
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if let Err(error) = write_all(&mut *self.file, &self.staged, start) {
            return Err(self.undo_write(start, &error));
        }
        if let Err(error) = self.sync() {
            return Err(self.fail(start, format!("fsync failed ({error})")));
        }
        let end = start + self.staged.len() as u64;
        self.durable_bytes.store(end, Ordering::Release);
        Ok(end)
    }

    /// The cut is synced too, so that a crash right after the refusal does not bring the refused frames back.
    fn undo_write(&mut self, start: u64, error: &io::Error) -> AppendError {
        let undone = self.file.set_len(start).and_then(|()| self.sync());
        if let Err(undo_error) = undone {
            return self.fail(
                start,
                format!("a write failed ({error}) and could not be undone ({undo_error})"),
            );
        }
        if is_out_of_space(error) {
            return AppendError::StorageFull {
                path: self.path.clone(),
                position: start,
                cause: error.to_string(),
            };
        }
        self.fail(start, format!("a write failed ({error})"))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        self.file.sync_data()
    }

    fn fail(&mut self, position: u64, cause: String) -> AppendError {
        let failure = AppendError::Failed {
            path: self.path.clone(),
            position,
            cause,
        };
        self.failure = Some(failure.clone());
        failure
    }
}

fn write_all(file: &mut dyn LogFile, bytes: &[u8], position: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write_at(&bytes[written..], position + written as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_out_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull, WriteZero};
    matches!(
        error.kind(),
        StorageFull | QuotaExceeded | FileTooLarge | WriteZero
    )
}
