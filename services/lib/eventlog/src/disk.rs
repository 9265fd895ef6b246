use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::files::read_range;

const CHUNK_BYTES: u64 = 1024 * 1024;

/// Where the writer gets its files from. Tests give a [`FaultyDisk`](crate::FaultyDisk).
pub trait Disk: Send + Sync {
    /// Opens an existing file for writing.
    fn open_log(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
    /// Makes an empty file for writing, in place of one that is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
    /// Gives a file another name in its folder, in place of one that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes created, renamed and removed names in `folder` durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Bytes that can still be written to the disk of `folder`.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
    /// Another handle of the same disk.
    fn share(&self) -> Box<dyn Disk>;
}

/// What the writer asks of its file.
pub trait LogFile: Send {
    /// Writes some of `bytes` at `offset` and returns how many; may be fewer than all.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Returns once everything written is on the disk (`fdatasync`). An error means that nobody knows what is.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file to `length` bytes, or fills it up to that with zeros.
    fn set_len(&mut self, length: u64) -> io::Result<()>;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open_log(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(RealFile(
            OpenOptions::new().write(true).open(path)?,
        )))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(RealFile(File::create(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn share(&self) -> Box<dyn Disk> {
        Box::new(RealDisk)
    }
}

struct RealFile(File);

impl LogFile for RealFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

pub(crate) fn write_all(file: &mut dyn LogFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write_at(&bytes[written..], offset + written as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Copies bytes from a file to the same place in another one, or in itself.
pub(crate) fn copy_range(
    source: &File,
    target: &mut dyn LogFile,
    range: Range<u64>,
) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let next = range.end.min(at + CHUNK_BYTES);
        write_all(target, &read_range(source, at, next)?, at)?;
        at = next;
    }
    Ok(())
}

pub(crate) fn is_out_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull, WriteZero};
    matches!(
        error.kind(),
        StorageFull | QuotaExceeded | FileTooLarge | WriteZero
    )
}
