//! The files of a log's folder: their names, and their open handles.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

/// The file that a log of format 1 consists of. Later formats keep 64 bytes under this name that make programs of
/// format 1 refuse the folder.
pub const FIRST_FORMAT_FILE_NAME: &str = "events.log";

const SEGMENT_SUFFIX: &str = ".segment";
const NAME_DIGITS: usize = 20;
/// Sealed segments that are open at a time, at most.
const OPEN_FILES: usize = 256;

/// Name of the segment that begins at `base`.
pub fn segment_file_name(base: u64) -> String {
    format!("{base:0NAME_DIGITS$}{SEGMENT_SUFFIX}")
}

/// The segments of a folder by the positions in their names, in order. A folder that is not there has none.
pub fn list_segments(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut bases = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let base = name
            .to_str()
            .and_then(|name| name.strip_suffix(SEGMENT_SUFFIX))
            .filter(|digits| digits.len() == NAME_DIGITS)
            .and_then(|digits| digits.parse::<u64>().ok());
        bases.extend(base);
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Opens sealed segments when they are needed and keeps some open.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// What follows the names of segments that are not yet in their place.
    name_end: &'static str,
    open: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    by_base: HashMap<u64, (Arc<File>, u64)>,
    uses: u64,
}

impl Files {
    pub fn of(folder: &Path) -> Files {
        Files {
            folder: folder.to_owned(),
            name_end: "",
            open: Mutex::default(),
        }
    }

    /// Segments that were copied and not yet put in their place.
    pub fn not_in_place(folder: &Path) -> Files {
        Files {
            name_end: ".new",
            ..Files::of(folder)
        }
    }

    pub fn path(&self, base: u64) -> PathBuf {
        self.folder.join(segment_file_name(base) + self.name_end)
    }

    pub fn open(&self, base: u64) -> io::Result<Arc<File>> {
        if let Some(file) = self.opened(base) {
            return Ok(file);
        }
        // Others need not wait for the disk.
        let file = Arc::new(File::open(self.path(base))?);
        let mut open = self.open.lock().expect("no one panics holding the files");
        open.uses += 1;
        let now = open.uses;
        if open.by_base.len() >= OPEN_FILES {
            let oldest = open.by_base.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(base, _)| *base) {
                open.by_base.remove(&oldest);
            }
        }
        open.by_base.insert(base, (file.clone(), now));
        Ok(file)
    }

    fn opened(&self, base: u64) -> Option<Arc<File>> {
        let mut open = self.open.lock().expect("no one panics holding the files");
        open.uses += 1;
        let now = open.uses;
        let (file, used) = open.by_base.get_mut(&base)?;
        *used = now;
        Some(file.clone())
    }
}

/// The bytes of a file from `start` to `end`, all of them.
pub(crate) fn read_range(file: &File, start: u64, end: u64) -> io::Result<Bytes> {
    read_range_into(Vec::new(), file, start, end)
}

/// The bytes of a file from `start` to `end`, all of them, in the room of what is not needed any more unless somebody else holds
/// some of it: fresh memory costs as much as reading.
pub(crate) fn read_range_over(done: Bytes, file: &File, start: u64, end: u64) -> io::Result<Bytes> {
    let room = done.try_into_mut().map(|mut room| {
        room.clear();
        Vec::from(room)
    });
    read_range_into(room.unwrap_or_default(), file, start, end)
}

fn read_range_into(room: Vec<u8>, file: &File, start: u64, end: u64) -> io::Result<Bytes> {
    let wanted = end.saturating_sub(start) as usize;
    let bytes = read_into(room, file, start, wanted)?;
    if bytes.len() < wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// The bytes of a file from `start` on, `wanted` of them or fewer where the file ends.
pub(crate) fn read_up_to(file: &File, start: u64, wanted: usize) -> io::Result<Bytes> {
    read_into(Vec::new(), file, start, wanted)
}

/// [`read_up_to`] into an empty buffer, which need not be new.
fn read_into(mut buffer: Vec<u8>, file: &File, start: u64, wanted: usize) -> io::Result<Bytes> {
    buffer.reserve(wanted);
    while buffer.len() < wanted {
        let from = start + buffer.len() as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut buffer), from) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(wanted);
    Ok(Bytes::from(buffer))
}
