use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use thiserror::Error;

use crate::disk::{Disk, is_out_of_space, write_all};
use crate::files::segment_file_name;
use crate::flush::{ActiveFile, Flush, FlushFault, Flushed};
use crate::frame::{FRAME_HEADER_BYTES, frame_bytes, seal_frame};
use crate::header::{FORMAT_VERSION, HEADER_BYTES, SegmentHeader, encode_header, read_u32};
use crate::reader::Shared;
use crate::settings::LogSettings;
use crate::tree::{Digest, TreeHasher};

/// A buffer that grew beyond this is given back after its flush.
const KEPT_BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// Read at a time when frames from before the opening are hashed.
const HASHED_CHUNK_BYTES: u64 = 4 * 1024 * 1024;

/// Why staged frames were not made durable, or a segment was not sealed. Either way nothing of it is in the log.
#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// Undone; the same frames can be appended again once there is space.
    #[error("no space left for {path} at byte {position} ({cause}): free some space, then send again", path = path.display())]
    StorageFull {
        path: PathBuf,
        position: u64,
        cause: String,
    },
    /// Refused before the disk is full; the same frames can be appended again once there is space.
    #[error(
        "only {free_bytes} bytes are free for {folder}, and the last {kept_bytes} are kept free: free some space, then send again",
        folder = folder.display()
    )]
    LowDisk {
        folder: PathBuf,
        free_bytes: u64,
        kept_bytes: u64,
    },
    /// Final for this writer: a segment that can't be sealed would grow without end, and opening reads all of it.
    #[error(
        "the log takes no more writes: its segment {path} has {bytes} bytes and can't be sealed ({cause}); remove the cause, \
         then restart, which seals it and goes on",
        path = path.display()
    )]
    Overgrown {
        path: PathBuf,
        bytes: u64,
        cause: String,
    },
    /// Final for this writer: nobody knows what is on the disk until the log is reopened and read.
    #[error(
        "the log {path} takes no more writes: {cause} at byte {position}; check the disk, then restart, which reads the log's end \
         and writes it again",
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

/// The segment that frames are added to.
pub(crate) struct Active {
    pub base: u64,
    pub number: u32,
    pub previous_seal: Digest,
    /// Position after the last durable frame, or of the first frame to come.
    pub end: u64,
    pub frames: u64,
    /// `None` until the file is made, which the first flush does, and while a [`Flush`] has it.
    pub file: Option<ActiveFile>,
}

/// Frames that are being written.
struct InFlight {
    /// Position after the last one.
    end: u64,
    frames: u64,
}

/// The one writer of a log.
///
/// `active.base < active.end <= in_flight.end`; the staged frames stand behind these. Behind `active.end` the file is zero
/// unless a group is being written or the log failed.
pub struct LogWriter {
    pub(crate) folder: PathBuf,
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) settings: LogSettings,
    pub(crate) shared: Arc<Shared>,
    pub(crate) active: Active,
    /// Hashes of the active segment's frames up to `hashed_until`.
    pub(crate) tree: TreeHasher,
    pub(crate) hashed_until: u64,
    /// Sealing is next tried when the active segment ends here or later.
    pub(crate) seal_from: u64,
    in_flight: Option<InFlight>,
    staged: Vec<u8>,
    staged_frames: u64,
    /// Durable frames from `hashed_until` on that are still to be hashed; empty when they are to be read again.
    unhashed: Vec<u8>,
    /// An empty buffer for the next frames.
    spare: Vec<u8>,
    /// Why the active segment was not sealed when it was full.
    pub(crate) unsealed_because: Option<String>,
    pub(crate) failure: Option<AppendError>,
    pub(crate) syncs: u64,
}

impl LogWriter {
    pub(crate) fn new(
        folder: &Path,
        disk: Box<dyn Disk>,
        settings: LogSettings,
        shared: Arc<Shared>,
        active: Active,
    ) -> LogWriter {
        LogWriter {
            folder: folder.to_owned(),
            disk,
            shared,
            tree: TreeHasher::default(),
            hashed_until: active.base + HEADER_BYTES,
            seal_from: active.base.saturating_add(settings.segment_bytes),
            settings,
            active,
            in_flight: None,
            staged: Vec::new(),
            staged_frames: 0,
            unhashed: Vec::new(),
            spare: Vec::new(),
            unsealed_because: None,
            failure: None,
            syncs: 0,
        }
    }

    /// End of the log that a power cut cannot take away.
    pub fn durable_bytes(&self) -> u64 {
        // Only this writer stores it.
        self.shared.durable.load(Ordering::Relaxed)
    }

    /// Where the segment begins that frames are added to.
    pub fn active_base(&self) -> u64 {
        self.active.base
    }

    /// Where the first staged frame stands or will stand.
    fn staged_from(&self) -> u64 {
        self.in_flight
            .as_ref()
            .map_or(self.active.end, |in_flight| in_flight.end)
    }

    /// Where the next staged frame will stand.
    fn next_position(&self) -> u64 {
        self.staged_from() + self.staged.len() as u64
    }

    /// How many `fdatasync` were done.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Nothing is staged, and nothing in flight.
    pub fn is_settled(&self) -> bool {
        self.staged.is_empty() && self.in_flight.is_none()
    }

    /// How many bytes wait for [`begin_flush`](Self::begin_flush).
    pub fn staged_bytes(&self) -> usize {
        self.staged.len()
    }

    /// Puts one frame into the buffer; `write_body` appends its body to the given buffer.
    ///
    /// Panics when the body is empty or longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES): the caller checks its limits first.
    pub fn stage(&mut self, write_body: impl FnOnce(&mut Vec<u8>)) -> StagedFrame {
        let start = self.staged.len();
        let batch = self.staged_from();
        let position = batch + start as u64;
        self.staged.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        write_body(&mut self.staged);
        seal_frame(&mut self.staged, start, position, batch);
        self.staged_frames += 1;
        StagedFrame {
            position,
            body_position: position + FRAME_HEADER_BYTES as u64,
        }
    }

    /// Makes all staged frames durable with one write and one `fdatasync`; returns the new end of the log.
    ///
    /// On an error none of them is in the log and the buffer is empty.
    pub fn flush(&mut self) -> Result<u64, AppendError> {
        match self.begin_flush()? {
            None => Ok(self.durable_bytes()),
            Some(flush) => self.finish_flush(flush.run()),
        }
    }

    /// Takes the staged frames out to be written, while the next ones are staged behind them; `None`: there are none.
    ///
    /// One group is written at a time: `batch` promises that everything before it is durable. On an error the staged frames are gone.
    pub fn begin_flush(&mut self) -> Result<Option<Flush>, AppendError> {
        assert!(self.in_flight.is_none(), "a group is being written");
        let ready = self.check_before_writing();
        if self.staged.is_empty() || ready.is_err() {
            self.drop_staged();
            return ready.map(|()| None);
        }
        let frames = std::mem::replace(&mut self.staged, std::mem::take(&mut self.spare));
        self.in_flight = Some(InFlight {
            end: self.active.end + frames.len() as u64,
            frames: std::mem::take(&mut self.staged_frames),
        });
        Ok(Some(Flush {
            file: self.active.file.take().expect("it was made"),
            offset: self.active.end - self.active.base,
            frames,
        }))
    }

    fn check_before_writing(&mut self) -> Result<(), AppendError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.staged.is_empty() {
            return Ok(());
        }
        self.refuse_overgrown()?;
        self.refuse_low_disk()?;
        self.create_active()
    }

    /// Takes the outcome of the flush that was begun; returns the new end of the log.
    ///
    /// On an error nothing of it is in the log, and what was staged since is gone: it stands behind what is not there.
    pub fn finish_flush(&mut self, flushed: Flushed) -> Result<u64, AppendError> {
        let in_flight = self.in_flight.take().expect("a flush was begun");
        let Flushed {
            mut file,
            frames,
            outcome,
        } = flushed;
        self.syncs += std::mem::take(&mut file.syncs);
        self.active.file = Some(file);
        if let Err(fault) = outcome {
            self.drop_staged();
            return Err(self.append_error(fault));
        }
        self.hash_flushed();
        if self.hashed_until == self.active.end {
            self.unhashed = frames;
        }
        self.active.end = in_flight.end;
        self.active.frames += in_flight.frames;
        self.shared.durable.store(in_flight.end, Ordering::Release);
        Ok(in_flight.end)
    }

    fn drop_staged(&mut self) {
        self.staged.clear();
        self.staged_frames = 0;
    }

    fn refuse_overgrown(&mut self) -> Result<(), AppendError> {
        let bytes = self.active.end - self.active.base + self.staged.len() as u64;
        let Some(cause) = &self.unsealed_because else {
            return Ok(());
        };
        if bytes <= self.settings.largest_segment_bytes() {
            return Ok(());
        }
        let failure = AppendError::Overgrown {
            path: self.active_path(),
            bytes: self.active.end - self.active.base,
            cause: cause.clone(),
        };
        self.failure = Some(failure.clone());
        Err(failure)
    }

    fn refuse_low_disk(&self) -> Result<(), AppendError> {
        let kept_bytes = self.settings.low_disk_bytes;
        if kept_bytes == 0 {
            return Ok(());
        }
        // A disk that does not tell is found to be full when it is.
        match self.disk.free_bytes(&self.folder) {
            Ok(free_bytes) if free_bytes < kept_bytes => Err(AppendError::LowDisk {
                folder: self.folder.clone(),
                free_bytes,
                kept_bytes,
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn append_error(&mut self, fault: FlushFault) -> AppendError {
        match fault {
            FlushFault::NotWritten(error) => self.storage_full_or_failed(&error),
            FlushFault::Unknown(cause) => self.fail(cause),
        }
    }

    fn storage_full_or_failed(&mut self, error: &io::Error) -> AppendError {
        if is_out_of_space(error) {
            return AppendError::StorageFull {
                path: self.active_path(),
                position: self.active.end,
                cause: error.to_string(),
            };
        }
        self.fail(format!("a write failed ({error})"))
    }

    fn active_path(&self) -> PathBuf {
        self.folder.join(segment_file_name(self.active.base))
    }

    pub(crate) fn fail(&mut self, cause: String) -> AppendError {
        let failure = AppendError::Failed {
            path: self.active_path(),
            position: self.active.end,
            cause,
        };
        self.failure = Some(failure.clone());
        failure
    }

    /// Makes the active segment's file, which appears under its name only with its whole header durable.
    pub(crate) fn create_active(&mut self) -> Result<(), AppendError> {
        if self.active.file.is_some() {
            return Ok(());
        }
        let header = SegmentHeader {
            version: FORMAT_VERSION,
            base: self.active.base,
            number: self.active.number,
            previous_seal: self.active.previous_seal,
        };
        let path = self.active_path();
        let new_path = path.with_extension("segment.new");
        let written = self.disk.create(&new_path).and_then(|mut file| {
            write_all(&mut *file, &encode_header(&header), 0)?;
            Ok(file)
        });
        let mut file = match written {
            Ok(file) => file,
            Err(error) => return Err(self.storage_full_or_failed(&error)),
        };
        let created = file
            .sync_data()
            .and_then(|()| self.disk.rename(&new_path, &path))
            .and_then(|()| self.disk.sync_folder(&self.folder))
            .and_then(|()| std::fs::File::open(&path));
        match created {
            Ok(reading) => {
                self.segments_mut().active_file = Some(Arc::new(reading));
                self.active.file = Some(ActiveFile::new(file, HEADER_BYTES));
                Ok(())
            }
            Err(error) => Err(self.fail(format!("the segment could not be made ({error})"))),
        }
    }

    pub(crate) fn segments_mut(&self) -> std::sync::RwLockWriteGuard<'_, crate::reader::Segments> {
        self.shared
            .segments
            .write()
            .expect("no one panics holding the segments")
    }

    /// Hashes what the last flush wrote. A caller that has nothing to do calls it before it waits; otherwise the end of the next
    /// flush does.
    pub fn hash_flushed(&mut self) {
        let mut at = 0;
        while at < self.unhashed.len() {
            let whole = frame_bytes(read_u32(&self.unhashed, at) as usize) as usize;
            self.tree.push(&self.unhashed[at..at + whole]);
            at += whole;
        }
        self.hashed_until += at as u64;
        let mut hashed = std::mem::take(&mut self.unhashed);
        if (1..=KEPT_BUFFER_BYTES).contains(&hashed.capacity()) {
            hashed.clear();
            self.spare = hashed;
        }
    }

    /// Hashes the frames that were there before the log was opened.
    pub(crate) fn hash_the_rest(&mut self) -> io::Result<()> {
        self.hash_flushed();
        if self.hashed_until == self.active.end {
            return Ok(());
        }
        let file = std::fs::File::open(self.active_path())?;
        let span = crate::reader::Span {
            file: Arc::new(file),
            base: self.active.base,
            end: self.active.end,
        };
        let mut frames = crate::reader::FrameCursor::over(span, HASHED_CHUNK_BYTES as usize);
        self.tree = TreeHasher::default();
        let mut hashed_until = self.active.base + HEADER_BYTES;
        while let Some(frame) = frames.next() {
            let frame = frame.map_err(|error| io::Error::other(error.to_string()))?;
            self.tree.push(&frames.raw_frame(&frame));
            hashed_until = frame.next_position();
        }
        self.hashed_until = hashed_until;
        Ok(())
    }

    /// True when the active segment is to be sealed with [`seal`](Self::seal) before more is staged, once everything that was
    /// staged is flushed.
    pub fn is_full(&self) -> bool {
        let next = self.next_position();
        let has_frames = next > self.active.base + HEADER_BYTES;
        self.failure.is_none() && has_frames && next >= self.seal_from
    }

    /// Has the active segment sealed now although it is not full, unless that was tried and postponed.
    pub fn fill_up(&mut self) {
        if self.unsealed_because.is_none() {
            self.seal_from = self.seal_from.min(self.active.end);
        }
    }

    /// Lets the active segment grow by an eighth before it is full again, up to
    /// [`largest_segment_bytes`](LogSettings::largest_segment_bytes).
    pub fn postpone_seal(&mut self, cause: String) {
        self.unsealed_because = Some(cause);
        self.seal_from = self.active.end + self.settings.segment_bytes / 8;
    }
}

impl Drop for LogWriter {
    /// Gives back the space that was prepared but not used; a crash leaves it, which is harmless.
    fn drop(&mut self) {
        let used = self.active.end - self.active.base;
        if self.failure.is_none()
            && let Some(active) = &mut self.active.file
            && active.bytes > used
        {
            let _ = active.file.set_len(used);
        }
    }
}
