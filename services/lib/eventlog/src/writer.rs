use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use thiserror::Error;

use crate::disk::{Disk, LogFile, is_out_of_space, write_all};
use crate::files::segment_file_name;
use crate::footer::{Footer, encode_seal_start};
use crate::frame::{FRAME_HEADER_BYTES, frame_bytes, seal_frame};
use crate::header::{FORMAT_VERSION, HEADER_BYTES, SegmentHeader, encode_header, read_u32};
use crate::reader::Shared;
use crate::segment::{SealedSegment, index_checksums, seal_body};
use crate::settings::LogSettings;
use crate::tree::{Digest, TreeHasher, tree_root};

/// A buffer that grew beyond this is given back after its flush.
const KEPT_BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// Files grow by as much as they have, within these bounds.
const LEAST_GROWTH_BYTES: u64 = 64 * 1024;
const MOST_GROWTH_BYTES: u64 = 4 * 1024 * 1024;
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
    /// Length of the file; what is beyond the frames is zero.
    pub file_bytes: u64,
    /// `None` until the file is made, which the first flush does.
    pub file: Option<Box<dyn LogFile>>,
}

/// The one writer of a log.
///
/// `base < end <= base + file_bytes`; between calls the file is zero from `end` on unless the log failed.
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
    staged: Vec<u8>,
    staged_frames: u64,
    /// Durable frames from `hashed_until` on that are still to be hashed; empty when they are to be read again.
    unhashed: Vec<u8>,
    /// Why the active segment was not sealed when it was full.
    unsealed_because: Option<String>,
    failure: Option<AppendError>,
    syncs: u64,
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
            staged: Vec::new(),
            staged_frames: 0,
            unhashed: Vec::new(),
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

    /// Where the body of the next staged frame will begin.
    pub fn next_body_position(&self) -> u64 {
        self.active.end + (self.staged.len() + FRAME_HEADER_BYTES) as u64
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
        let batch = self.active.end;
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
        let outcome = self.write_and_sync();
        if self.unhashed.is_empty() && outcome.is_ok() && self.hashed_until == self.active.end {
            std::mem::swap(&mut self.staged, &mut self.unhashed);
        }
        if let Ok(end) = outcome {
            self.active.end = end.max(self.active.end);
            self.active.frames += self.staged_frames;
        }
        self.staged_frames = 0;
        self.staged.clear();
        if self.staged.capacity() > KEPT_BUFFER_BYTES {
            self.staged = Vec::new();
        }
        outcome
    }

    fn write_and_sync(&mut self) -> Result<u64, AppendError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.staged.is_empty() {
            return Ok(self.durable_bytes());
        }
        self.hash_flushed();
        self.refuse_overgrown()?;
        self.refuse_low_disk()?;
        self.create_active()?;
        let end = self.active.end + self.staged.len() as u64;
        let offset = self.active.end - self.active.base;
        let file = self.active.file.as_mut().expect("it was made");
        let grown = grow(
            &mut **file,
            &mut self.active.file_bytes,
            end - self.active.base,
        );
        let written = grown.and_then(|()| write_all(&mut **file, &self.staged, offset));
        self.active.file_bytes = self.active.file_bytes.max(end - self.active.base);
        if let Err(error) = written {
            return Err(self.undo_write(&error));
        }
        if let Err(error) = self.sync() {
            return Err(self.fail(format!("fsync failed ({error})")));
        }
        self.shared.durable.store(end, Ordering::Release);
        Ok(end)
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

    /// The cut is synced too, so that a crash right after the refusal does not bring the refused frames back.
    fn undo_write(&mut self, error: &io::Error) -> AppendError {
        let length = self.active.end - self.active.base;
        let file = self.active.file.as_mut().expect("it was written to");
        let undone = file.set_len(length).and_then(|()| self.sync());
        if let Err(undo_error) = undone {
            return self.fail(format!(
                "a write failed ({error}) and could not be undone ({undo_error})"
            ));
        }
        self.active.file_bytes = length;
        self.storage_full_or_failed(error)
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

    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        self.active
            .file
            .as_mut()
            .expect("only a file is synced")
            .sync_data()
    }

    fn fail(&mut self, cause: String) -> AppendError {
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
                self.active.file = Some(file);
                self.active.file_bytes = HEADER_BYTES;
                Ok(())
            }
            Err(error) => Err(self.fail(format!("the segment could not be made ({error})"))),
        }
    }

    fn segments_mut(&self) -> std::sync::RwLockWriteGuard<'_, crate::reader::Segments> {
        self.shared
            .segments
            .write()
            .expect("no one panics holding the segments")
    }

    /// Hashes what the last flush wrote. A caller that has nothing to do calls it before it waits; otherwise the next flush does.
    pub fn hash_flushed(&mut self) {
        let mut at = 0;
        while at < self.unhashed.len() {
            let whole = frame_bytes(read_u32(&self.unhashed, at) as usize) as usize;
            self.tree.push(&self.unhashed[at..at + whole]);
            at += whole;
        }
        self.hashed_until += at as u64;
        self.unhashed.clear();
        if self.unhashed.capacity() > KEPT_BUFFER_BYTES {
            self.unhashed = Vec::new();
        }
    }

    /// Hashes the frames that were there before the log was opened.
    fn hash_the_rest(&mut self) -> io::Result<()> {
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

    /// True when the active segment is to be sealed with [`seal`](Self::seal) before more is staged.
    pub fn is_full(&self) -> bool {
        self.failure.is_none() && self.active.frames > 0 && self.active.end >= self.seal_from
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

    /// Seals the active segment with the index of the layer above, and goes on in a new one.
    ///
    /// Nothing may be staged. When there is no space for it the segment stays as it is, and takes frames for a while longer.
    pub fn seal(&mut self, index: &[u8]) -> Result<Arc<SealedSegment>, AppendError> {
        assert!(self.staged.is_empty(), "frames are staged");
        assert!(self.active.frames > 0, "there is nothing to seal");
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if let Err(error) = self.hash_the_rest() {
            return Err(self.fail(format!(
                "the segment to be sealed cannot be read again ({error})"
            )));
        }
        let groups = std::mem::take(&mut self.tree).into_groups();
        let (checksums, page_checksums) = index_checksums(index);
        let footer = Footer {
            base: self.active.base,
            number: self.active.number,
            end: self.active.end,
            frames: self.active.frames,
            index_bytes: index.len() as u64,
            page_checksums,
            root: tree_root(&groups),
            index_digest: crate::tree::digest_of(index),
            previous_seal: self.active.previous_seal,
            scavenged: None,
        };
        let body = seal_body(&groups, index, &checksums);
        self.write_seal(&footer, &body)?;
        let sealed = Arc::new(SealedSegment::new(footer, self.shared.files.clone()));
        self.continue_after(&sealed);
        // A disk that is full now may have space at the next flush, which makes the file then.
        let _ = self.create_active();
        Ok(sealed)
    }

    /// The mark is durable before anything follows it, so that recovery always knows an unfinished seal; and the footer
    /// comes when all before it is durable, so that a good footer vouches for it.
    fn write_seal(&mut self, footer: &Footer, body: &[u8]) -> Result<(), AppendError> {
        let mark = encode_seal_start(footer.base, footer.end, footer.frames);
        self.write_part_of_seal(footer.seal_at(), &mark, None)?;
        self.write_part_of_seal(footer.groups_at(), body, Some(footer.file_bytes()))?;
        self.write_part_of_seal(footer.footer_at(), &footer.encode(), None)
    }

    fn write_part_of_seal(
        &mut self,
        offset: u64,
        bytes: &[u8],
        file_bytes: Option<u64>,
    ) -> Result<(), AppendError> {
        let file = self
            .active
            .file
            .as_mut()
            .expect("a segment with frames has a file");
        let mut written = write_all(&mut **file, bytes, offset);
        if let Some(file_bytes) = file_bytes {
            written = written.and_then(|()| file.set_len(file_bytes));
        }
        if let Err(error) = written {
            return Err(self.undo_seal(&error));
        }
        self.sync()
            .map_err(|error| self.fail(format!("fsync failed ({error})")))
    }

    fn undo_seal(&mut self, error: &io::Error) -> AppendError {
        // The tree was taken for the footer; it is read again for the next attempt.
        self.hashed_until = self.active.base + HEADER_BYTES;
        self.postpone_seal(error.to_string());
        self.undo_write(error)
    }

    fn continue_after(&mut self, sealed: &Arc<SealedSegment>) {
        let base = sealed.end();
        self.active = Active {
            base,
            number: sealed.footer().number + 1,
            previous_seal: sealed.footer().seal(),
            end: base + HEADER_BYTES,
            frames: 0,
            file_bytes: 0,
            file: None,
        };
        self.hashed_until = self.active.end;
        self.unsealed_because = None;
        self.seal_from = base.saturating_add(self.settings.segment_bytes);
        let mut segments = self.segments_mut();
        segments.sealed.push(sealed.clone());
        segments.active_base = base;
        segments.active_file = None;
    }
}

impl Drop for LogWriter {
    /// Gives back the space that was prepared but not used; a crash leaves it, which is harmless.
    fn drop(&mut self) {
        let used = self.active.end - self.active.base;
        if self.failure.is_none()
            && self.active.file_bytes > used
            && let Some(file) = &mut self.active.file
        {
            let _ = file.set_len(used);
        }
    }
}

/// Fills the file with zeros to beyond `needed`: a sync of bytes inside a file does not wait for its metadata.
fn grow(file: &mut dyn LogFile, file_bytes: &mut u64, needed: u64) -> io::Result<()> {
    if needed <= *file_bytes {
        return Ok(());
    }
    let growth = needed.clamp(LEAST_GROWTH_BYTES, MOST_GROWTH_BYTES);
    let target = (needed + growth).next_multiple_of(LEAST_GROWTH_BYTES);
    let zeros = vec![0; (target - needed) as usize];
    match write_all(file, &zeros, needed) {
        Ok(()) => *file_bytes = target,
        // The frames may still fit.
        Err(error) if is_out_of_space(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
