use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use thiserror::Error;

use crate::disk::{Disk, LogFile, copy_range, is_out_of_space, write_all};
use crate::files::{FIRST_FORMAT_FILE_NAME, Files, list_segments, segment_file_name};
use crate::flush::ActiveFile;
use crate::footer::FooterFault;
use crate::frame::Frame;
use crate::header::{
    FIRST_FORMAT_VERSION, FORMAT_VERSION, HEADER_BYTES, HeaderFault, SegmentHeader, encode_header,
};
use crate::reader::{LogReader, Segments, Shared};
use crate::segment::{SealedSegment, SegmentError, read_header, read_sealed};
use crate::settings::LogSettings;
use crate::tail::{Rest, walk};
use crate::writer::{Active, LogWriter};

/// Footers are read by so many threads at once where there are many.
const FOOTER_READERS: usize = 16;

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
        "{path} is damaged: {fault}; nothing was changed. Run `terrarium eventstore check` to see what is affected, then \
         restore this file from a backup",
        path = path.display()
    )]
    Footer { path: PathBuf, fault: FooterFault },
    #[error(
        "{path}: {what}; nothing was changed. Restore the folder's files from a backup",
        path = path.display()
    )]
    Layout { path: PathBuf, what: String },
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
    /// End of the log after recovery: its last position.
    pub durable_bytes: u64,
    /// Segments that were not read, because they are sealed.
    pub sealed_segments: u64,
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

/// A log whose sealed segments are known and whose unsealed one is still to be read.
///
/// Everything that changes the folder is done by [`recover`](Self::recover), except that a log of format 1 gets its new name.
pub struct LogOpening {
    folder: PathBuf,
    disk: Box<dyn Disk>,
    settings: LogSettings,
    shared: Arc<Shared>,
    sealed: Vec<Arc<SealedSegment>>,
    /// The unsealed segment, unless it is still to be made.
    unsealed: Option<(SegmentHeader, Arc<File>)>,
    created: bool,
}

/// Opens the log in `folder`, or makes an empty one, and gives every frame of the unsealed segment to `visit` in order.
///
/// The caller holds the lock of the data folder. An error from `visit` says what is wrong with the frame's body and ends the opening.
pub fn open_log(
    folder: &Path,
    disk: &dyn Disk,
    settings: LogSettings,
    visit: &mut dyn FnMut(&Frame) -> Result<(), String>,
) -> Result<OpenedLog, OpenError> {
    LogOpening::begin(folder, disk, settings)?.recover(visit)
}

impl LogOpening {
    /// Looks at the folder and reads the footers of the sealed segments.
    pub fn begin(
        folder: &Path,
        disk: &dyn Disk,
        settings: LogSettings,
    ) -> Result<LogOpening, OpenError> {
        make_folder(folder)?;
        take_over_first_format(folder, disk)?;
        let bases = list_segments(folder).map_err(io_error("list the segments in", folder))?;
        let files = Arc::new(Files::of(folder));
        let mut sealed = Vec::new();
        let mut unsealed = None;
        if let Some((last, others)) = bases.split_last() {
            sealed = read_footers(&files, others)?;
            let path = files.path(*last);
            let file = Arc::new(File::open(&path).map_err(io_error("open", &path))?);
            match read_sealed(&file) {
                Ok((_, footer)) => {
                    sealed.push(Arc::new(SealedSegment::new(footer, files.clone())));
                }
                Err(SegmentError::Footer(_)) => {
                    let header = read_header(&file).map_err(segment_error(&path))?;
                    unsealed = Some((header, file));
                }
                Err(error) => return Err(segment_error(&path)(error)),
            }
            check_chain(
                &files,
                &bases,
                &sealed,
                unsealed.as_ref().map(|(header, _)| header),
            )?;
        }
        let end = sealed.last().map_or(0, |last| last.end());
        let shared = Arc::new(Shared {
            files,
            durable: AtomicU64::new(end),
            segments: RwLock::new(Segments {
                sealed: sealed.clone(),
                active_base: end,
                active_file: None,
            }),
        });
        Ok(LogOpening {
            folder: folder.to_owned(),
            disk: disk.share(),
            settings,
            shared,
            sealed,
            unsealed,
            created: bases.is_empty(),
        })
    }

    /// The sealed segments, in order.
    pub fn sealed(&self) -> &[Arc<SealedSegment>] {
        &self.sealed
    }

    /// Reads of the sealed segments; the unsealed one can't be read before recovery.
    pub fn reader(&self) -> LogReader {
        LogReader::new(self.shared.clone())
    }

    /// Walks the unsealed segment, cuts a torn end off, and opens the log for writing.
    pub fn recover(
        self,
        visit: &mut dyn FnMut(&Frame) -> Result<(), String>,
    ) -> Result<OpenedLog, OpenError> {
        let LogOpening {
            folder,
            disk,
            settings,
            shared,
            sealed,
            unsealed,
            created,
        } = self;
        let base = sealed.last().map_or(0, |last| last.end());
        let mut torn_tail = None;
        let mut active = Active {
            base,
            number: sealed.len() as u32,
            previous_seal: sealed.last().map_or([0; 32], |last| last.footer().seal()),
            end: base + HEADER_BYTES,
            frames: 0,
            file: None,
        };
        if let (None, Some(last)) = (&unsealed, sealed.last()) {
            confirm_footer(last, &*disk, &folder)?;
        }
        if let Some((_, file)) = unsealed {
            let path = folder.join(segment_file_name(base));
            let found = walk(&path, &file, base, visit)?;
            let mut writing = disk
                .open_log(&path)
                .map_err(io_error("open for writing", &path))?;
            torn_tail = found.cut(&folder, &path, &file, &mut *writing)?;
            // After a killed process the last frames may stand in the page cache only, and after a failed sync the cache takes
            // them for written: they are written again, and count as durable from here on.
            write_again(
                &file,
                &mut *writing,
                found.last_batch - base..found.end - base,
            )
            .map_err(io_error("write the last frames again in", &path))?;
            writing.sync_data().map_err(io_error("sync", &path))?;
            disk.sync_folder(&folder)
                .map_err(io_error("sync the folder", &folder))?;
            active.end = found.end;
            active.frames = found.frames;
            let file_bytes = match found.rest {
                Rest::Zero => found.file_bytes,
                Rest::UnfinishedSeal | Rest::Torn(_) => found.end - base,
            };
            active.file = Some(ActiveFile::new(writing, file_bytes));
            let mut segments = shared
                .segments
                .write()
                .expect("no one panics holding the segments");
            segments.active_file = Some(file);
        }
        let sealed_frames: u64 = sealed.iter().map(|sealed| sealed.footer().frames).sum();
        let recovery = Recovery {
            created,
            frames: sealed_frames + active.frames,
            durable_bytes: active.end,
            sealed_segments: sealed.len() as u64,
            torn_tail,
        };
        if active.file.is_some() {
            shared
                .durable
                .store(active.end, std::sync::atomic::Ordering::Release);
        }
        let mut writer = LogWriter::new(&folder, disk, settings, shared.clone(), active);
        if created {
            // Later ones can wait for the first flush, so that a log on a full disk can be opened and read.
            writer.create_active().map_err(|error| OpenError::Layout {
                path: folder.clone(),
                what: error.to_string(),
            })?;
        }
        write_marker(&folder, &*writer.disk)?;
        Ok(OpenedLog {
            writer,
            reader: LogReader::new(shared),
            recovery,
        })
    }
}

/// Makes sure of the footer of a segment behind which nothing follows yet: its sync may have failed.
fn confirm_footer(last: &SealedSegment, disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
    let path = last.path();
    let footer = last.footer();
    let confirmed = last.file().and_then(|file| {
        let mut writing = disk.open_log(&path)?;
        write_again(
            &file,
            &mut *writing,
            footer.footer_at()..footer.file_bytes(),
        )?;
        writing.sync_data()
    });
    confirmed.map_err(io_error("write the footer again of", &path))?;
    disk.sync_folder(folder)
        .map_err(io_error("sync the folder", folder))
}

/// Writes what a file holds once more, so that a sync has something to do.
fn write_again(file: &File, writing: &mut dyn LogFile, range: Range<u64>) -> io::Result<()> {
    match copy_range(file, writing, range) {
        // Only a file system that copies on write wants space for it, and such a one does not keep in memory what it failed to
        // write (Rebello et al. 2020, as at `FaultyDisk`). A log on a full disk can be opened and read.
        Err(error) if is_out_of_space(&error) => Ok(()),
        written => written,
    }
}

fn make_folder(folder: &Path) -> Result<(), OpenError> {
    if folder.try_exists().map_err(io_error("look for", folder))? {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(io_error("create the folder", folder))?;
    if let Some(parent) = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        sync_folder(parent).map_err(io_error("sync the folder", parent))?;
    }
    Ok(())
}

/// A log of format 1 becomes the first segment, by its name alone.
fn take_over_first_format(folder: &Path, disk: &dyn Disk) -> Result<(), OpenError> {
    let path = folder.join(FIRST_FORMAT_FILE_NAME);
    let Some(header) = first_format_header(&path)? else {
        return Ok(());
    };
    let bases = list_segments(folder).map_err(io_error("list the segments in", folder))?;
    if header.version != FIRST_FORMAT_VERSION {
        if bases.is_empty() {
            return Err(OpenError::Layout {
                path,
                what: "the folder's log is in segments, and there are none".to_owned(),
            });
        }
        return Ok(());
    }
    if !bases.is_empty() {
        return Err(OpenError::Layout {
            path,
            what: "the folder holds a log of format 1 and one of format 2: two logs were mixed"
                .to_owned(),
        });
    }
    let segment = folder.join(segment_file_name(0));
    disk.rename(&path, &segment)
        .and_then(|()| disk.sync_folder(folder))
        .map_err(io_error("rename", &path))
}

pub(crate) fn first_format_header(path: &Path) -> Result<Option<SegmentHeader>, OpenError> {
    match File::open(path) {
        Ok(file) => Ok(Some(read_header(&file).map_err(segment_error(path))?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("open", path)(error)),
    }
}

/// Keeps programs of format 1 from making a log of their own beside the segments.
pub(crate) fn write_marker(folder: &Path, disk: &dyn Disk) -> Result<(), OpenError> {
    let path = folder.join(FIRST_FORMAT_FILE_NAME);
    if path.try_exists().map_err(io_error("look for", &path))? {
        return Ok(());
    }
    let new_path = folder.join("events.log.new");
    let header = encode_header(&SegmentHeader {
        version: FORMAT_VERSION,
        ..SegmentHeader::FIRST_FORMAT
    });
    let written = disk.create(&new_path).and_then(|mut file| {
        write_all(&mut *file, &header, 0)?;
        file.sync_data()?;
        disk.rename(&new_path, &path)?;
        disk.sync_folder(folder)
    });
    match written {
        Err(error) if !is_out_of_space(&error) => Err(io_error("write", &new_path)(error)),
        // It can be written at the next opening.
        _ => Ok(()),
    }
}

pub(crate) fn read_footers(
    files: &Arc<Files>,
    bases: &[u64],
) -> Result<Vec<Arc<SealedSegment>>, OpenError> {
    let read = |base: &u64| -> Result<Arc<SealedSegment>, OpenError> {
        let path = files.path(*base);
        let file = files.open(*base).map_err(io_error("open", &path))?;
        let (_, footer) = read_sealed(&file).map_err(segment_error(&path))?;
        Ok(Arc::new(SealedSegment::new(footer, files.clone())))
    };
    let share = bases.len().div_ceil(FOOTER_READERS).max(4);
    std::thread::scope(|scope| {
        let parts: Vec<_> = bases
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(read).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut sealed = Vec::with_capacity(bases.len());
        for part in parts {
            sealed.extend(part.join().expect("reading footers does not panic")?);
        }
        Ok(sealed)
    })
}

/// Each segment begins where the one before it ends, and repeats its seal.
pub(crate) fn check_chain(
    files: &Files,
    bases: &[u64],
    sealed: &[Arc<SealedSegment>],
    unsealed: Option<&SegmentHeader>,
) -> Result<(), OpenError> {
    let mut expected = (0u64, 0u32, [0u8; 32]);
    let footers = sealed.iter().map(|sealed| {
        let footer = sealed.footer();
        (footer.base, footer.number, footer.previous_seal)
    });
    let headers = unsealed
        .iter()
        .map(|header| (header.base, header.number, header.previous_seal));
    for (place, found) in footers.chain(headers).enumerate() {
        let what = if found.0 != bases[place] {
            format!("the file says that it is the segment at {}", found.0)
        } else if found.0 != expected.0 || found.1 != expected.1 {
            format!(
                "the segment at {} is missing, or this one is of another log",
                expected.0
            )
        } else if found.2 != expected.2 {
            "the segment does not continue the one before it: one of the two was exchanged"
                .to_owned()
        } else {
            let next = sealed.get(place).map(|sealed| sealed.footer());
            expected = next.map_or(expected, |footer| {
                (footer.end, footer.number + 1, footer.seal())
            });
            continue;
        };
        let path = files.path(bases[place]);
        return Err(OpenError::Layout { path, what });
    }
    Ok(())
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io {
        action,
        path,
        source,
    }
}

pub(crate) fn segment_error(path: &Path) -> impl FnOnce(SegmentError) -> OpenError {
    let path = path.to_owned();
    move |error| match error {
        SegmentError::Io(source) => OpenError::Io {
            action: "read",
            path,
            source,
        },
        SegmentError::Header(fault) => OpenError::Header { path, fault },
        SegmentError::Footer(fault) => OpenError::Footer { path, fault },
    }
}
