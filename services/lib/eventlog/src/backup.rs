//! Copying a log while it is appended to, and back.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::disk::RealDisk;
use crate::files::{Files, list_segments, read_range, segment_file_name};
use crate::footer::Footer;
use crate::header::HEADER_BYTES;
use crate::offline::{LogFiles, SealFault, Unsealed, check_segment, durable_bytes};
use crate::reader::{FrameCursor, FrameError, Span};
use crate::recovery::{OpenError, segment_error, sync_folder, write_marker};
use crate::segment::{SealedSegment, read_header, read_sealed};

const CHUNK_BYTES: u64 = 4 * 1024 * 1024;
const BLOCK_BYTES: usize = 64 * 1024;

/// What a copy did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Sealed segments that were copied.
    pub segments: u64,
    /// Sealed segments that were there from an earlier copy.
    pub kept: u64,
    /// Bytes that were written.
    pub bytes: u64,
    /// The copy's end: every position before it is in the copy.
    pub end: u64,
}

/// Why a log was not copied. What was there before is still there.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error(transparent)]
    Source(#[from] OpenError),
    #[error("cannot copy to {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is damaged, and was not copied: {fault}", path.display())]
    Damaged { path: PathBuf, fault: SealFault },
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: FrameError },
    #[error(
        "{} is of another log, or of a later state of this one: copy to an empty folder",
        path.display()
    )]
    Other { path: PathBuf },
    #[error("{} holds a log already: give a folder without one", path.display())]
    Taken { path: PathBuf },
}

/// Copies the log in the folder `from` to the folder `to`, which may hold an earlier copy of it: then only what is new is copied.
///
/// What an earlier copy holds stays in it, also where it was removed from `from` since.
///
/// Needs no lock: whoever appends to `from`, as `is_in_use` says, goes on. The copy holds whole commits only, all of them durable
/// in `from`, and can be opened as it is. Everything that is copied is checked.
pub fn back_up(
    from: &Path,
    to: &Path,
    is_in_use: &dyn Fn() -> io::Result<bool>,
) -> Result<Copied, BackupError> {
    std::fs::create_dir_all(to).map_err(io_error(to))?;
    let files = LogFiles::open_beside(from, is_in_use)?;
    let end_of_sealed = files.sealed.last().map_or(0, |last| last.end());
    let present = list_segments(to).map_err(io_error(to))?;
    for base in &present {
        let is_known = files.sealed.iter().any(|sealed| sealed.base() == *base);
        if !is_known && *base != end_of_sealed {
            let path = to.join(segment_file_name(*base));
            return Err(BackupError::Other { path });
        }
    }
    let mut copied = Copied {
        end: end_of_sealed,
        ..Copied::default()
    };
    for sealed in &files.sealed {
        copy_sealed(sealed, to, &mut copied)?;
    }
    if let Some(unsealed) = &files.unsealed {
        copy_unsealed(unsealed, to, &mut copied)?;
    }
    write_marker(to, &RealDisk)?;
    sync_folder(to).map_err(io_error(to))?;
    Ok(copied)
}

/// Copies a backup to a folder that holds no log.
pub fn restore(backup: &Path, to: &Path) -> Result<Copied, BackupError> {
    let is_taken = !list_segments(to).map_err(io_error(to))?.is_empty()
        || to.join(crate::files::FIRST_FORMAT_FILE_NAME).exists();
    if is_taken {
        return Err(BackupError::Taken {
            path: to.to_owned(),
        });
    }
    std::fs::create_dir_all(to).map_err(io_error(to))?;
    let files = LogFiles::open(backup)?;
    let mut copied = Copied {
        end: files.sealed.last().map_or(0, |last| last.end()),
        ..Copied::default()
    };
    // From the end to the beginning: a log without its beginning is refused, so a restore that was cut off can't pass for one.
    if let Some(unsealed) = &files.unsealed {
        copy_unsealed(unsealed, to, &mut copied)?;
    }
    write_marker(to, &RealDisk)?;
    for sealed in files.sealed.iter().rev() {
        sync_folder(to).map_err(io_error(to))?;
        copy_sealed(sealed, to, &mut copied)?;
    }
    sync_folder(to).map_err(io_error(to))?;
    Ok(copied)
}

fn copy_sealed(sealed: &SealedSegment, to: &Path, copied: &mut Copied) -> Result<(), BackupError> {
    let path = to.join(segment_file_name(sealed.base()));
    if let Ok(file) = File::open(&path) {
        match read_sealed(&file) {
            Ok((_, footer)) if footer == *sealed.footer() => {
                copied.kept += 1;
                return Ok(());
            }
            Ok((_, footer)) if footer.seal() != sealed.footer().seal() => {
                return Err(BackupError::Other { path });
            }
            // Of two copies of one segment the one from which less was removed is kept.
            Ok((_, footer)) if removed_frames(&footer) <= removed_frames(sealed.footer()) => {
                copied.kept += 1;
                return Ok(());
            }
            Ok(_) => {}
            // What was there is the copy of this segment when it was not yet sealed.
            Err(_) => {
                let source = sealed.file().map_err(io_error(&sealed.path()))?;
                refuse_other(&file, &source, sealed.footer().file_bytes(), &path)?;
            }
        }
    }
    let source = sealed.file().map_err(io_error(&sealed.path()))?;
    let bytes = sealed.footer().file_bytes();
    let new_path = copy_bytes(&source, bytes, &path)?;
    // The copy is what is checked: it shows damage of the source and of the copying.
    let copy = SealedSegment::new(sealed.footer().clone(), Arc::new(Files::not_in_place(to)));
    check_segment(&copy).map_err(|fault| BackupError::Damaged {
        path: sealed.path(),
        fault,
    })?;
    put_in_place(&new_path, &path)?;
    copied.segments += 1;
    copied.bytes += bytes;
    Ok(())
}

fn removed_frames(footer: &Footer) -> u64 {
    let scavenged = footer.scavenged.as_ref();
    scavenged.map_or(0, |scavenged| scavenged.removed_frames)
}

fn copy_unsealed(unsealed: &Unsealed, to: &Path, copied: &mut Copied) -> Result<(), BackupError> {
    let unreadable = |error| BackupError::Unreadable {
        path: unsealed.path.clone(),
        error,
    };
    // A copy that is ahead of its source would not fit to it any more after a power cut.
    let bytes = durable_bytes(unsealed).map_err(unreadable)?;
    let path = to.join(segment_file_name(unsealed.header.base));
    if let Ok(file) = File::open(&path) {
        if read_sealed(&file).is_ok() {
            return Err(BackupError::Other { path });
        }
        refuse_other(&file, &unsealed.file, bytes, &path)?;
    }
    let new_path = copy_bytes(&unsealed.file, bytes, &path)?;
    let copy = File::open(&new_path).map_err(io_error(&new_path))?;
    read_header(&copy).map_err(segment_error(&unsealed.path))?;
    let span = Span {
        file: Arc::new(copy),
        base: unsealed.header.base,
        end: unsealed.header.base + bytes,
    };
    FrameCursor::over(span, CHUNK_BYTES as usize)
        .try_for_each(|frame| frame.map(drop))
        .map_err(unreadable)?;
    put_in_place(&new_path, &path)?;
    copied.bytes += bytes;
    if bytes > HEADER_BYTES {
        copied.end = unsealed.header.base + bytes;
    }
    Ok(())
}

/// An earlier copy of a segment is where the segment begins, byte for byte; anything else must not be replaced.
fn refuse_other(
    earlier: &File,
    source: &File,
    source_bytes: u64,
    path: &Path,
) -> Result<(), BackupError> {
    let io = |source| BackupError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = earlier.metadata().map_err(io)?.len();
    let mut is_same = bytes <= source_bytes;
    let mut at = 0;
    while is_same && at < bytes {
        let next = bytes.min(at + CHUNK_BYTES);
        let earlier = read_range(earlier, at, next).map_err(io)?;
        is_same = earlier == read_range(source, at, next).map_err(io)?;
        at = next;
    }
    if is_same {
        return Ok(());
    }
    Err(BackupError::Other {
        path: path.to_owned(),
    })
}

fn copy_bytes(source: &File, bytes: u64, path: &Path) -> Result<PathBuf, BackupError> {
    use std::os::unix::fs::FileExt as _;
    let new_path = path.with_extension("segment.new");
    let copy = || -> io::Result<()> {
        let target = File::create(&new_path)?;
        target.set_len(bytes)?;
        let mut at = 0;
        while at < bytes {
            let next = bytes.min(at + CHUNK_BYTES);
            let chunk = read_range(source, at, next)?;
            for block in chunk.chunks(BLOCK_BYTES) {
                // What is zero, as in the gaps that scavenging leaves, takes no space in the copy either.
                if block.iter().any(|byte| *byte != 0) {
                    target.write_all_at(block, at)?;
                }
                at += block.len() as u64;
            }
        }
        target.sync_all()
    };
    copy().map_err(io_error(&new_path))?;
    Ok(new_path)
}

fn put_in_place(new_path: &Path, path: &Path) -> Result<(), BackupError> {
    std::fs::rename(new_path, path).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}
