use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use thiserror::Error;

use crate::frame::{
    FRAME_HEADER_BYTES, Frame, FrameFault, frame_bytes, parse_frame, parse_frame_header,
};
use crate::header::{HEADER_BYTES, HeaderFault, check_header};

const SMALLEST_CHUNK_BYTES: usize = 4 * 1024;

/// A frame that could not be read.
#[derive(Debug, Error)]
#[error("frame at byte {position}: {problem}")]
pub struct FrameError {
    /// Byte offset in the log of the frame that failed.
    pub position: u64,
    pub problem: FrameProblem,
}

/// Why a frame could not be read.
#[derive(Debug, Error)]
pub enum FrameProblem {
    #[error(transparent)]
    Fault(#[from] FrameFault),
    #[error("cannot read the log: {0}")]
    Io(#[from] io::Error),
}

/// Reads durable frames with a handle of its own. Cheap to clone; safe to use from many threads.
#[derive(Clone, Debug)]
pub struct LogReader {
    file: Arc<File>,
    durable_bytes: Arc<AtomicU64>,
}

impl LogReader {
    pub(crate) fn new(file: Arc<File>, durable_bytes: Arc<AtomicU64>) -> LogReader {
        LogReader {
            file,
            durable_bytes,
        }
    }

    /// Length of the log that a power cut cannot take away; nothing beyond is ever read.
    pub fn durable_bytes(&self) -> u64 {
        self.durable_bytes.load(Ordering::Acquire)
    }

    /// Reads the one frame from `position` to `end`, both frame boundaries.
    pub fn read_frame(&self, position: u64, end: u64) -> Result<Frame, FrameError> {
        let end = end.min(self.durable_bytes());
        let bytes = read_range(&self.file, position, end).map_err(|source| FrameError {
            position,
            problem: FrameProblem::Io(source),
        })?;
        parse_frame(position, &bytes, end.saturating_sub(position), None).map_err(|fault| {
            FrameError {
                position,
                problem: FrameProblem::Fault(fault),
            }
        })
    }

    /// Walks the frames from `start` (a frame boundary) to `end`, reading about `chunk_bytes` at a time.
    pub fn frames(&self, start: u64, end: u64, chunk_bytes: usize) -> FrameCursor {
        FrameCursor::new(
            self.file.clone(),
            start,
            end.min(self.durable_bytes()),
            chunk_bytes,
            None,
        )
    }
}

/// Opens a log file to walk it without any lock and without changing anything: the walker and its end, which
/// is the file's present length.
pub fn open_for_reading(
    path: &Path,
    chunk_bytes: usize,
) -> io::Result<Result<FrameCursor, HeaderFault>> {
    let file = Arc::new(File::open(path)?);
    let length = file.metadata()?.len();
    let start = read_range(&file, 0, length.min(HEADER_BYTES))?;
    if let Err(fault) = check_header(&start) {
        return Ok(Err(fault));
    }
    Ok(Ok(FrameCursor::from_first_frame(file, length, chunk_bytes)))
}

/// Walks frames in order. Ends after the last frame, or after the first error.
#[derive(Debug)]
pub struct FrameCursor {
    file: Arc<File>,
    position: u64,
    end: u64,
    previous_batch: Option<u64>,
    chunk: Bytes,
    chunk_position: u64,
    chunk_bytes: usize,
    failed: bool,
}

impl FrameCursor {
    fn new(
        file: Arc<File>,
        position: u64,
        end: u64,
        chunk_bytes: usize,
        previous_batch: Option<u64>,
    ) -> FrameCursor {
        FrameCursor {
            file,
            position,
            end,
            previous_batch,
            chunk: Bytes::new(),
            chunk_position: position,
            chunk_bytes: chunk_bytes.max(SMALLEST_CHUNK_BYTES),
            failed: false,
        }
    }

    /// The first frame must begin a batch, which `previous_batch = HEADER_BYTES` demands.
    pub(crate) fn from_first_frame(file: Arc<File>, end: u64, chunk_bytes: usize) -> FrameCursor {
        FrameCursor::new(file, HEADER_BYTES, end, chunk_bytes, Some(HEADER_BYTES))
    }

    /// Byte offset of the next frame.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the walk ends: the length of the log when it began.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The bytes of the log from `position` on, at most `most`, however damaged: to say more about a bad frame.
    pub fn raw_bytes(&self, position: u64, most: u64) -> io::Result<Bytes> {
        read_range(
            &self.file,
            position,
            self.end.min(position.saturating_add(most)),
        )
    }

    fn available(&self) -> &[u8] {
        let begin = (self.position - self.chunk_position) as usize;
        self.chunk.get(begin..).unwrap_or(&[])
    }

    fn load(&mut self, wanted_bytes: usize) -> io::Result<()> {
        let load_bytes = wanted_bytes.max(self.chunk_bytes) as u64;
        let end = self.end.min(self.position.saturating_add(load_bytes));
        self.chunk = read_range(&self.file, self.position, end)?;
        self.chunk_position = self.position;
        Ok(())
    }

    fn read_next(&mut self) -> Result<Frame, FrameProblem> {
        let bytes_to_end = self.end - self.position;
        if self.available().len() < FRAME_HEADER_BYTES
            && (self.available().len() as u64) < bytes_to_end
        {
            self.load(FRAME_HEADER_BYTES)?;
        }
        let header = parse_frame_header(
            self.position,
            self.available(),
            bytes_to_end,
            self.previous_batch,
        )?;
        let whole = frame_bytes(header.body_bytes) as usize;
        if self.available().len() < whole {
            self.load(whole)?;
        }
        let begin = (self.position - self.chunk_position) as usize;
        let available = self.chunk.slice(begin..begin + whole);
        Ok(parse_frame(
            self.position,
            &available,
            bytes_to_end,
            self.previous_batch,
        )?)
    }
}

impl Iterator for FrameCursor {
    type Item = Result<Frame, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.position >= self.end {
            return None;
        }
        match self.read_next() {
            Ok(frame) => {
                self.position = frame.next_position();
                self.previous_batch = Some(frame.batch);
                Some(Ok(frame))
            }
            Err(problem) => {
                self.failed = true;
                Some(Err(FrameError {
                    position: self.position,
                    problem,
                }))
            }
        }
    }
}

pub(crate) fn read_range(file: &File, start: u64, end: u64) -> io::Result<Bytes> {
    let mut buffer = vec![0u8; end.saturating_sub(start) as usize];
    file.read_exact_at(&mut buffer, start)?;
    Ok(Bytes::from(buffer))
}
