use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the writer gets its file from. Tests give a [`FaultyDisk`](crate::FaultyDisk).
pub trait Disk {
    /// Opens an existing log file for writing.
    fn open_log(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
}

/// What the writer asks of its file.
pub trait LogFile: Send {
    /// Writes some of `bytes` at `position` and returns how many; may be fewer than all.
    fn write_at(&mut self, bytes: &[u8], position: u64) -> io::Result<usize>;
    /// Returns once everything written is on the disk (`fdatasync`). An error means that nobody knows what is.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file to `length` bytes.
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
}

struct RealFile(File);

impl LogFile for RealFile {
    fn write_at(&mut self, bytes: &[u8], position: u64) -> io::Result<usize> {
        self.0.write_at(bytes, position)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

/// Makes a created, renamed or removed name in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
