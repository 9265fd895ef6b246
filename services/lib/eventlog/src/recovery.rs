use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use thiserror::Error;

use crate::disk::{Disk, sync_folder};
use crate::frame::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, frame_bytes, parse_frame, parse_frame_header,
};
use crate::header::{HEADER_BYTES, HeaderFault, check_header, encode_header};
use crate::reader::{FrameCursor, FrameError, FrameProblem, LogReader, read_range};
use crate::writer::LogWriter;

/// Name of the log file inside the log's folder.
pub const LOG_FILE_NAME: &str = "events.log";

const NEW_FILE_NAME: &str = "events.log.new";
const CHUNK_BYTES: usize = 1024 * 1024;

/// Why a log could not be opened. Nothing was changed.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "{path}: {fault}; if the file is damaged, restore the folder from a backup",
        path = path.display()
    )]
    Header { path: PathBuf, fault: HeaderFault },
    #[error(
        "{path} is damaged at byte {position}: {what}; nothing was changed. \
         Run `terrarium verify` to see what is affected, then restore the log from a backup",
        path = path.display()
    )]
    Corrupt {
        path: PathBuf,
        position: u64,
        what: String,
    },
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// True when there was no log and an empty one was made.
    pub created: bool,
    pub frames: u64,
    /// Length of the log after recovery, in bytes.
    pub durable_bytes: u64,
    /// The unfinished end that a crash left, if any. None of it was ever acknowledged.
    pub torn_tail: Option<TornTail>,
}

/// The end of a log that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where the log was cut.
    pub position: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// The file that keeps them.
    pub kept_in: PathBuf,
    /// What was wrong with the first frame of the tail.
    pub what: String,
}

/// An open log.
pub struct OpenedLog {
    pub writer: LogWriter,
    pub reader: LogReader,
    pub recovery: Recovery,
}

/// Opens the log in `folder`, or makes an empty one, and gives every frame to `visit` in order.
///
/// The caller holds the lock of the data folder. An error from `visit` says what is wrong with the frame's body and ends the opening.
pub fn open_log(
    folder: &Path,
    disk: &dyn Disk,
    visit: &mut dyn FnMut(&Frame) -> Result<(), String>,
) -> Result<OpenedLog, OpenError> {
    let path = folder.join(LOG_FILE_NAME);
    let created = create_if_missing(folder, &path)?;
    let file = Arc::new(File::open(&path).map_err(io_error("open", &path))?);
    let length = file
        .metadata()
        .map_err(io_error("read the length of", &path))?
        .len();
    let start = read_range(&file, 0, length.min(HEADER_BYTES)).map_err(io_error("read", &path))?;
    check_header(&start).map_err(|fault| OpenError::Header {
        path: path.clone(),
        fault,
    })?;

    let mut frames = 0;
    let mut durable_bytes = HEADER_BYTES;
    let mut bad_frame = None;
    for frame in FrameCursor::from_first_frame(file.clone(), length, CHUNK_BYTES) {
        match frame {
            Ok(frame) => {
                visit(&frame).map_err(|what| OpenError::Corrupt {
                    path: path.clone(),
                    position: frame.position,
                    what,
                })?;
                frames += 1;
                durable_bytes = frame.next_position();
            }
            Err(FrameError {
                problem: FrameProblem::Io(source),
                ..
            }) => {
                return Err(OpenError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
            Err(FrameError {
                problem: FrameProblem::Fault(fault),
                ..
            }) => bad_frame = Some(fault),
        }
    }

    let mut writer_file = disk
        .open_log(&path)
        .map_err(io_error("open for writing", &path))?;
    let mut torn_tail = None;
    if let Some(fault) = bad_frame {
        let later = find_frame_of_later_batch(&file, durable_bytes, length)
            .map_err(io_error("read", &path))?;
        if let Some(later_position) = later {
            let what =
                format!("{fault}, although the log goes on properly at byte {later_position}");
            return Err(OpenError::Corrupt {
                path,
                position: durable_bytes,
                what,
            });
        }
        let kept_in = keep_tail(folder, &file, durable_bytes, length)?;
        writer_file
            .set_len(durable_bytes)
            .map_err(io_error("cut the torn end off", &path))?;
        let bytes = length - durable_bytes;
        torn_tail = Some(TornTail {
            position: durable_bytes,
            bytes,
            kept_in,
            what: fault.to_string(),
        });
    }
    // After a killed process the last frames may stand in the page cache only; they count as durable from here on.
    writer_file.sync_data().map_err(io_error("sync", &path))?;

    let durable = Arc::new(AtomicU64::new(durable_bytes));
    Ok(OpenedLog {
        writer: LogWriter::new(&path, writer_file, durable.clone()),
        reader: LogReader::new(file, durable),
        recovery: Recovery {
            created,
            frames,
            durable_bytes,
            torn_tail,
        },
    })
}

/// A new log appears under its name only with its whole header durable, so a short header is always damage.
fn create_if_missing(folder: &Path, path: &Path) -> Result<bool, OpenError> {
    if path.try_exists().map_err(io_error("look for", path))? {
        return Ok(false);
    }
    std::fs::create_dir_all(folder).map_err(io_error("create the folder", folder))?;
    if let Some(parent) = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        sync_folder(parent).map_err(io_error("sync the folder", parent))?;
    }
    let new_path = folder.join(NEW_FILE_NAME);
    let written = File::create(&new_path).and_then(|mut file| {
        file.write_all(&encode_header())?;
        file.sync_all()
    });
    written.map_err(io_error("write", &new_path))?;
    std::fs::rename(&new_path, path).map_err(io_error("create", path))?;
    sync_folder(folder).map_err(io_error("sync the folder", folder))?;
    Ok(true)
}

/// Looks behind a bad frame for a good one that was written after the bad one had been synced.
fn find_frame_of_later_batch(file: &File, bad_position: u64, end: u64) -> io::Result<Option<u64>> {
    let mut window_position = bad_position + FRAME_ALIGNMENT;
    while window_position < end {
        let window_end = end.min(window_position + CHUNK_BYTES as u64);
        // A header may reach over the window's end.
        let window = read_range(
            file,
            window_position,
            end.min(window_end + FRAME_HEADER_BYTES as u64),
        )?;
        let mut position = window_position;
        while position < window_end {
            let candidate = &window[(position - window_position) as usize..];
            if is_frame_of_later_batch(file, position, candidate, bad_position, end)? {
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
    let whole: Bytes = read_range(file, position, position + frame_bytes(header.body_bytes))?;
    Ok(parse_frame(position, &whole, end - position, None).is_ok())
}

/// Copies the torn end into a file of its own, durable before anything is cut.
fn keep_tail(folder: &Path, file: &File, start: u64, end: u64) -> Result<PathBuf, OpenError> {
    let (path, mut kept) = create_tail_file(folder, start)?;
    let mut position = start;
    while position < end {
        let next = end.min(position + CHUNK_BYTES as u64);
        let copied = read_range(file, position, next).and_then(|bytes| kept.write_all(&bytes));
        copied.map_err(io_error("keep the torn end of the log in", &path))?;
        position = next;
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
            Err(source) => {
                return Err(OpenError::Io {
                    action: "keep the torn end of the log in",
                    path,
                    source,
                });
            }
        }
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io {
        action,
        path,
        source,
    }
}
