use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use thiserror::Error;

use crate::files::{Files, read_range, read_range_over, read_up_to};
use crate::frame::{
    FRAME_HEADER_BYTES, Frame, FrameFault, MAX_BODY_BYTES, check_frame_body, frame_bytes,
    parse_frame, parse_frame_header,
};
use crate::header::{HEADER_BYTES, read_u32};
use crate::segment::{IndexError, SealedSegment};

const SMALLEST_CHUNK_BYTES: usize = 4 * 1024;
/// What one frame is read with at first: most fit.
const SINGLE_FRAME_BYTES: usize = 4 * 1024;
/// Read ahead when frames are fetched one soon after the other.
const NEIGHBOUR_BYTES: usize = 64 * 1024;

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
    #[error("the log has no frame there")]
    Outside,
}

impl FrameProblem {
    fn at(self, position: u64) -> FrameError {
        FrameError {
            position,
            problem: self,
        }
    }
}

/// The frames of one file: positions from `first_frame` to `end`.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub file: Arc<File>,
    pub base: u64,
    pub end: u64,
}

impl Span {
    pub fn first_frame(&self) -> u64 {
        self.base + HEADER_BYTES
    }

    fn read(&self, position: u64, end: u64) -> io::Result<Bytes> {
        read_range(&self.file, position - self.base, end - self.base)
    }

    fn read_over(&self, done: Bytes, position: u64, end: u64) -> io::Result<Bytes> {
        read_range_over(done, &self.file, position - self.base, end - self.base)
    }
}

/// What the writer and the readers of a log share.
///
/// `sealed` end to end, then `active`: every position below `durable` is in one of them.
#[derive(Debug)]
pub(crate) struct Shared {
    pub files: Arc<Files>,
    pub durable: AtomicU64,
    pub segments: RwLock<Segments>,
}

#[derive(Debug)]
pub(crate) struct Segments {
    pub sealed: Vec<Arc<SealedSegment>>,
    pub active_base: u64,
    /// `None` until the file is made.
    pub active_file: Option<Arc<File>>,
}

impl Shared {
    fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    fn segments(&self) -> std::sync::RwLockReadGuard<'_, Segments> {
        self.segments
            .read()
            .expect("no one panics holding the segments")
    }

    /// The file that holds `position`, or the first one after it.
    fn span_from(&self, position: u64) -> io::Result<Option<Span>> {
        let durable = self.durable();
        let segments = self.segments();
        if position < segments.active_base {
            let place = segments
                .sealed
                .partition_point(|sealed| sealed.end() <= position);
            return segments.sealed[place].span().map(Some);
        }
        let file = segments.active_file.clone();
        Ok(file.map(|file| Span {
            file,
            base: segments.active_base,
            end: durable.max(segments.active_base),
        }))
    }
}

/// Reads durable frames with handles of its own. Cheap to clone; safe to use from many threads.
#[derive(Clone, Debug)]
pub struct LogReader {
    shared: Arc<Shared>,
}

impl LogReader {
    pub(crate) fn new(shared: Arc<Shared>) -> LogReader {
        LogReader { shared }
    }

    /// End of the log that a power cut cannot take away; nothing beyond is ever read.
    pub fn durable_bytes(&self) -> u64 {
        self.shared.durable()
    }

    /// The sealed segments, in order.
    pub fn sealed(&self) -> Vec<Arc<SealedSegment>> {
        self.shared.segments().sealed.clone()
    }

    /// Whether a record that was at `position` was removed since.
    pub fn is_removed(&self, position: u64) -> Result<bool, IndexError> {
        let sealed = {
            let segments = self.shared.segments();
            let place = segments
                .sealed
                .partition_point(|sealed| sealed.end() <= position);
            segments.sealed.get(place).cloned()
        };
        match sealed {
            Some(sealed) => Ok(sealed.gap_around(position)?.is_some()),
            None => Ok(false),
        }
    }

    /// Reads the one frame at `position`, a frame boundary.
    pub fn frame_at(&self, position: u64) -> Result<Frame, FrameError> {
        self.fetcher().frame(position)
    }

    /// Reads frames one by one, which need not be neighbours.
    pub fn fetcher(&self) -> FrameFetcher {
        FrameFetcher {
            shared: self.shared.clone(),
            span: None,
            chunk: Bytes::new(),
            chunk_position: 0,
        }
    }

    /// Walks the frames from `start` (a frame boundary, or where a segment begins) to `end`, reading about `chunk_bytes` at a time.
    pub fn frames(&self, start: u64, end: u64, chunk_bytes: usize) -> FrameCursor {
        let end = end.min(self.durable_bytes());
        FrameCursor::new(Source::Log(self.shared.clone()), start, end, chunk_bytes)
    }

    /// The frame around `position`, as its beginning and end, looked for from the frame boundary `from` on by the
    /// frames' lengths alone; `None` past the end of the segment.
    pub fn frame_around(&self, from: u64, position: u64) -> Result<Option<(u64, u64)>, FrameError> {
        let span = self
            .shared
            .span_from(from)
            .map_err(|error| FrameProblem::Io(error).at(from))?
            .ok_or(FrameProblem::Outside.at(from))?;
        let mut begin = from.max(span.first_frame());
        let mut chunk = Bytes::new();
        let mut chunk_position = begin;
        while begin < span.end {
            let at = (begin - chunk_position) as usize;
            let header = match chunk.get(at..at + FRAME_HEADER_BYTES) {
                Some(header) => header,
                None => {
                    let until = span
                        .end
                        .min(position.max(begin) + SINGLE_FRAME_BYTES as u64);
                    let until = until.min(begin + NEIGHBOUR_BYTES as u64);
                    chunk = span
                        .read(begin, until)
                        .map_err(|error| FrameProblem::Io(error).at(begin))?;
                    chunk_position = begin;
                    &chunk[..]
                }
            };
            let parsed = parse_frame_header(begin, header, span.end - begin, None)
                .map_err(|fault| FrameProblem::Fault(fault).at(begin))?;
            let end = begin + frame_bytes(parsed.body_bytes);
            if position < end {
                return Ok(Some((begin, end)));
            }
            begin = end;
        }
        Ok(None)
    }
}

/// Reads single frames; frames that are near each other cost one read together.
#[derive(Debug)]
pub struct FrameFetcher {
    shared: Arc<Shared>,
    span: Option<Span>,
    chunk: Bytes,
    chunk_position: u64,
}

impl FrameFetcher {
    /// The frame at `position`, a frame boundary.
    pub fn frame(&mut self, position: u64) -> Result<Frame, FrameError> {
        self.read_frame(position)
            .map_err(|problem| problem.at(position))
    }

    fn read_frame(&mut self, position: u64) -> Result<Frame, FrameProblem> {
        let is_known = |span: &Span| (span.base..span.end).contains(&position);
        let span = match self.span.take().filter(is_known) {
            Some(span) => span,
            None => {
                self.chunk = Bytes::new();
                self.shared
                    .span_from(position)?
                    .filter(is_known)
                    .ok_or(FrameProblem::Outside)?
            }
        };
        let span = self.span.insert(span);
        if position < span.first_frame() {
            return Err(FrameProblem::Outside);
        }
        let chunk_end = self.chunk_position + self.chunk.len() as u64;
        let is_near = !self.chunk.is_empty()
            && (self.chunk_position..chunk_end + NEIGHBOUR_BYTES as u64).contains(&position);
        let mut wanted = if is_near {
            NEIGHBOUR_BYTES
        } else {
            SINGLE_FRAME_BYTES
        };
        let bytes_to_end = span.end - position;
        loop {
            let begin = position.wrapping_sub(self.chunk_position) as usize;
            let available = self.chunk.get(begin..).unwrap_or(&[]);
            let is_enough = match available.get(..FRAME_HEADER_BYTES) {
                None => available.len() as u64 == bytes_to_end,
                Some(header) => {
                    let header = parse_frame_header(position, header, bytes_to_end, None)?;
                    let whole = frame_bytes(header.body_bytes) as usize;
                    wanted = wanted.max(whole);
                    available.len() >= whole
                }
            };
            if is_enough {
                let rest = self.chunk.slice(begin..);
                return Ok(parse_frame(position, &rest, bytes_to_end, None)?);
            }
            let end = span.end.min(position + wanted as u64);
            self.chunk = span.read(position, end)?;
            self.chunk_position = position;
        }
    }
}

#[derive(Debug)]
pub(crate) enum Source {
    /// An open log: its spans are asked for when they are reached.
    Log(Arc<Shared>),
    /// Files that lie there: sealed segments, opened when they are reached, and the frames behind them.
    Files {
        sealed: Vec<Arc<SealedSegment>>,
        last: Option<Span>,
    },
}

impl Source {
    fn span_from(&self, position: u64) -> io::Result<Option<Span>> {
        match self {
            Source::Log(shared) => shared.span_from(position),
            Source::Files { sealed, last } => {
                let place = sealed.partition_point(|sealed| sealed.end() <= position);
                match sealed.get(place) {
                    Some(sealed) => sealed.span().map(Some),
                    None => Ok(last.clone().filter(|span| position < span.end)),
                }
            }
        }
    }
}

/// Walks frames in order, from segment to segment. Ends after the last frame, or after the first error.
#[derive(Debug)]
pub struct FrameCursor {
    source: Source,
    span: Option<Span>,
    position: u64,
    end: u64,
    previous_batch: Option<u64>,
    chunk: Bytes,
    chunk_position: u64,
    chunk_bytes: usize,
    finished: bool,
}

impl FrameCursor {
    pub(crate) fn new(source: Source, start: u64, end: u64, chunk_bytes: usize) -> FrameCursor {
        FrameCursor {
            source,
            span: None,
            position: start,
            end,
            previous_batch: None,
            chunk: Bytes::new(),
            chunk_position: start,
            chunk_bytes: chunk_bytes.max(SMALLEST_CHUNK_BYTES),
            finished: false,
        }
    }

    /// Walks all frames of one file.
    pub(crate) fn over(span: Span, chunk_bytes: usize) -> FrameCursor {
        let start = span.base;
        FrameCursor::from(span, start, chunk_bytes)
    }

    /// Walks the frames of one file from the frame at `start` on.
    pub(crate) fn from(span: Span, start: u64, chunk_bytes: usize) -> FrameCursor {
        let end = span.end;
        let source = Source::Files {
            sealed: Vec::new(),
            last: Some(span),
        };
        FrameCursor::new(source, start, end, chunk_bytes)
    }

    /// Byte offset of the next frame, or of the end of a segment when that is next.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the walk ends: the end of the log when it began.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The bytes of the log from `position` on, at most `most` and not beyond the segment, however damaged: to say more
    /// about a bad frame.
    pub fn raw_bytes(&self, position: u64, most: u64) -> io::Result<Bytes> {
        let span = match &self.span {
            Some(span) if (span.base..span.end).contains(&position) => Some(span.clone()),
            _ => self.source.span_from(position)?,
        };
        match span.filter(|span| span.base <= position) {
            Some(span) => read_up_to(
                &span.file,
                position - span.base,
                most.min(span.end - position) as usize,
            ),
            None => Ok(Bytes::new()),
        }
    }

    /// All bytes of the frame that was just read, with header and padding.
    pub fn raw_frame(&self, frame: &Frame) -> Bytes {
        let begin = (frame.position - self.chunk_position) as usize;
        let whole = (frame.next_position() - frame.position) as usize;
        self.chunk.slice(begin..begin + whole)
    }

    /// Goes to the next segment once this one is at its end; false: there is no more.
    fn enter_span(&mut self) -> io::Result<bool> {
        if self
            .span
            .as_ref()
            .is_some_and(|span| self.position < span.end)
        {
            return Ok(true);
        }
        let Some(span) = self.source.span_from(self.position)? else {
            return Ok(false);
        };
        self.position = self.position.max(span.first_frame());
        // The first frame of a segment begins a batch.
        self.previous_batch = (self.position == span.first_frame()).then_some(self.position);
        self.chunk = Bytes::new();
        self.chunk_position = self.position;
        let has_more = self.position < span.end;
        self.span = Some(span);
        Ok(has_more)
    }

    fn available(&self) -> &[u8] {
        let begin = (self.position - self.chunk_position) as usize;
        self.chunk.get(begin..).unwrap_or(&[])
    }

    fn load(&mut self, wanted_bytes: usize) -> io::Result<()> {
        let span = self.span.as_ref().expect("a span was entered");
        let load_bytes = wanted_bytes.max(self.chunk_bytes) as u64;
        let end = self.position.saturating_add(load_bytes);
        let end = end.min(span.end).min(self.end.max(self.position));
        let done = std::mem::take(&mut self.chunk);
        self.chunk = span.read_over(done, self.position, end)?;
        self.chunk_position = self.position;
        Ok(())
    }

    fn read_next(&mut self) -> Result<Frame, FrameProblem> {
        let span_end = self.span.as_ref().map_or(0, |span| span.end);
        let bytes_to_end = self.end.min(span_end) - self.position;
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
        check_frame_body(self.position, &header, self.available())?;
        let body = (self.position - self.chunk_position) as usize + FRAME_HEADER_BYTES;
        Ok(Frame {
            position: self.position,
            batch: header.batch,
            body: self.chunk.slice(body..body + header.body_bytes),
        })
    }

    fn fail(&mut self, problem: FrameProblem) -> Option<Result<Frame, FrameError>> {
        self.finished = true;
        Some(Err(problem.at(self.position)))
    }
}

impl Iterator for FrameCursor {
    type Item = Result<Frame, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished || self.position >= self.end {
            return None;
        }
        match self.enter_span() {
            Ok(true) if self.position < self.end => {}
            Ok(_) => return None,
            Err(error) => return self.fail(error.into()),
        }
        match self.read_next() {
            Ok(frame) => {
                self.position = frame.next_position();
                self.previous_batch = Some(frame.batch);
                Some(Ok(frame))
            }
            Err(problem) => self.fail(problem),
        }
    }
}

/// Where the frames of an unsealed segment end, by the lengths that the frames say: at the first one that is none.
pub(crate) fn end_by_lengths(file: &File, base: u64, file_bytes: u64) -> io::Result<u64> {
    let mut offset = HEADER_BYTES;
    let mut chunk = Bytes::new();
    let mut chunk_offset = 0;
    while offset + FRAME_HEADER_BYTES as u64 <= file_bytes {
        let at = offset.wrapping_sub(chunk_offset) as usize;
        if chunk.get(at..at + FRAME_HEADER_BYTES).is_none() {
            let wanted = (file_bytes - offset).min(NEIGHBOUR_BYTES as u64) as usize;
            chunk = read_up_to(file, offset, wanted)?;
            chunk_offset = offset;
            if chunk.len() < FRAME_HEADER_BYTES {
                break;
            }
        }
        let length = read_u32(&chunk, (offset - chunk_offset) as usize) as usize;
        if !(1..=MAX_BODY_BYTES).contains(&length) {
            break;
        }
        let end = offset + frame_bytes(length);
        if end > file_bytes {
            break;
        }
        offset = end;
    }
    Ok(base + offset)
}
