//! The end of a log whose last segment is not sealed: what a crash left there, and cutting it off.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::LogFile;
use crate::files::{read_range, read_up_to};
use crate::footer::{SEAL_START_BYTES, is_seal_start};
use crate::frame::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, frame_bytes, parse_frame, parse_frame_header,
};
use crate::header::HEADER_BYTES;
use crate::reader::{FrameCursor, FrameError, FrameProblem, Span};
use crate::recovery::{OpenError, TornTail, io_error, sync_folder};

const CHUNK_BYTES: usize = 1024 * 1024;
/// A torn end longer than this is kept without the zeros at its end.
const KEPT_WHOLE_BYTES: u64 = 1024 * 1024;

/// What the walk over an unsealed segment found.
pub(crate) struct Walked {
    pub base: u64,
    /// Where the last good frames that were written together begin, and end.
    pub last_batch: u64,
    pub end: u64,
    pub frames: u64,
    pub file_bytes: u64,
    pub rest: Rest,
}

/// What stands behind the last good frame.
pub(crate) enum Rest {
    /// Nothing, or space that was prepared.
    Zero,
    /// A seal that was being written; the frames are all there.
    UnfinishedSeal,
    /// Frames that were being written; what is wrong with the first.
    Torn(String),
}

/// Gives the frames of an unsealed segment to `visit`, and looks at what is behind them. Damage is an error.
pub(crate) fn walk(
    path: &Path,
    file: &Arc<File>,
    base: u64,
    visit: &mut dyn FnMut(&Frame) -> Result<(), String>,
) -> Result<Walked, OpenError> {
    let file_bytes = file
        .metadata()
        .map_err(io_error("read the length of", path))?
        .len();
    // The disk reads ahead while the frames are looked at; without the advice it only does so later.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::WillNeed);
    let mut walked = Walked {
        base,
        last_batch: base + HEADER_BYTES,
        end: base + HEADER_BYTES,
        frames: 0,
        file_bytes,
        rest: Rest::Zero,
    };
    let span = Span {
        file: file.clone(),
        base,
        end: base + file_bytes,
    };
    for frame in FrameCursor::over(span, CHUNK_BYTES) {
        match frame {
            Ok(frame) => {
                visit(&frame).map_err(|what| OpenError::Corrupt {
                    path: path.to_owned(),
                    position: frame.position,
                    what,
                })?;
                walked.frames += 1;
                walked.last_batch = frame.batch;
                walked.end = frame.next_position();
            }
            Err(FrameError {
                problem: FrameProblem::Fault(fault),
                ..
            }) => {
                walked.rest =
                    rest_behind(file, base, walked.end, base + file_bytes, fault.to_string())
                        .map_err(io_error("read", path))?;
            }
            Err(error) => {
                return Err(OpenError::Io {
                    action: "read",
                    path: path.to_owned(),
                    source: io::Error::other(error.to_string()),
                });
            }
        }
    }
    if let Rest::Torn(fault) = &walked.rest {
        let later = find_frame_of_later_batch(file, base, walked.end, base + file_bytes)
            .map_err(io_error("read", path))?;
        if let Some(later_position) = later {
            return Err(OpenError::Corrupt {
                path: path.to_owned(),
                position: walked.end,
                what: format!(
                    "{fault}, although the log goes on properly at byte {later_position}"
                ),
            });
        }
    }
    Ok(walked)
}

impl Walked {
    /// Cuts off what is no frame and no prepared space; a torn end is kept in a file of its own.
    pub fn cut(
        &self,
        folder: &Path,
        path: &Path,
        file: &File,
        writing: &mut dyn LogFile,
    ) -> Result<Option<TornTail>, OpenError> {
        let used = self.end - self.base;
        let mut torn = None;
        if let Rest::Torn(what) = &self.rest {
            let kept_until =
                end_of_torn(file, used, self.file_bytes).map_err(io_error("read", path))?;
            let kept_in = keep_tail(folder, file, self.end, used, kept_until)?;
            torn = Some(TornTail {
                position: self.end,
                bytes: kept_until - used,
                kept_in,
                what: what.clone(),
            });
        }
        if !matches!(self.rest, Rest::Zero) {
            writing
                .set_len(used)
                .map_err(io_error("cut the torn end off", path))?;
        }
        Ok(torn)
    }
}

/// What stands in a file from `position` to `end`, where a frame was looked for and `fault` was found.
pub(crate) fn rest_behind(
    file: &File,
    base: u64,
    position: u64,
    end: u64,
    fault: String,
) -> io::Result<Rest> {
    let offset = position - base;
    let mark = read_up_to(file, offset, SEAL_START_BYTES as usize)?;
    if is_seal_start(&mark, base, position) {
        return Ok(Rest::UnfinishedSeal);
    }
    let last = last_byte_set(file, offset, end - base)?;
    Ok(match last {
        None => Rest::Zero,
        Some(_) => Rest::Torn(fault),
    })
}

/// Offset after the last byte from `start` to `end` that is not zero.
fn last_byte_set(file: &File, start: u64, end: u64) -> io::Result<Option<u64>> {
    let mut until = end;
    while until > start {
        let from = until.saturating_sub(CHUNK_BYTES as u64).max(start);
        let bytes = read_range(file, from, until)?;
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            return Ok(Some(from + last as u64 + 1));
        }
        until = from;
    }
    Ok(None)
}

fn end_of_torn(file: &File, start: u64, end: u64) -> io::Result<u64> {
    if end - start <= KEPT_WHOLE_BYTES {
        return Ok(end);
    }
    Ok(last_byte_set(file, start, end)?.unwrap_or(end))
}

/// Looks behind a bad frame for a good one that was written after the bad one had been synced.
pub(crate) fn find_frame_of_later_batch(
    file: &File,
    base: u64,
    bad_position: u64,
    end: u64,
) -> io::Result<Option<u64>> {
    let mut window_position = bad_position + FRAME_ALIGNMENT;
    while window_position < end {
        let window_end = end.min(window_position + CHUNK_BYTES as u64);
        // A header may reach over the window's end.
        let window = read_range(
            file,
            window_position - base,
            end.min(window_end + FRAME_HEADER_BYTES as u64) - base,
        )?;
        let mut position = window_position;
        while position < window_end {
            let candidate = &window[(position - window_position) as usize..];
            if is_frame_of_later_batch(file, base, position, candidate, bad_position, end)? {
                return Ok(Some(position));
            }
            position += FRAME_ALIGNMENT;
        }
        window_position = window_end;
    }
    Ok(None)
}

fn is_frame_of_later_batch(
    file: &File,
    base: u64,
    position: u64,
    header: &[u8],
    bad_position: u64,
    end: u64,
) -> io::Result<bool> {
    let Ok(header) = parse_frame_header(position, header, end - position, None) else {
        return Ok(false);
    };
    if header.batch <= bad_position {
        return Ok(false);
    }
    let offset = position - base;
    let whole: Bytes = read_range(file, offset, offset + frame_bytes(header.body_bytes))?;
    Ok(parse_frame(position, &whole, end - position, None).is_ok())
}

/// Copies the torn end into a file of its own, durable before anything is cut.
fn keep_tail(
    folder: &Path,
    file: &File,
    position: u64,
    start: u64,
    end: u64,
) -> Result<PathBuf, OpenError> {
    let (path, mut kept) = create_tail_file(folder, position)?;
    let mut at = start;
    while at < end {
        let next = end.min(at + CHUNK_BYTES as u64);
        let copied = read_range(file, at, next).and_then(|bytes| kept.write_all(&bytes));
        copied.map_err(io_error("keep the torn end of the log in", &path))?;
        at = next;
    }
    kept.sync_all()
        .map_err(io_error("keep the torn end of the log in", &path))?;
    sync_folder(folder).map_err(io_error("sync the folder", folder))?;
    Ok(path)
}

fn create_tail_file(folder: &Path, position: u64) -> Result<(PathBuf, File), OpenError> {
    let mut attempt = 1;
    loop {
        let name = match attempt {
            1 => format!("torn-{position}.bin"),
            n => format!("torn-{position}-{n}.bin"),
        };
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(io_error("keep the torn end of the log in", &path)(error)),
        }
    }
}
