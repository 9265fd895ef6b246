use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::disk::{Disk, LogFile, RealDisk};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// A real disk that fails on demand, for tests of this crate and of those that stand on it. Clones share the faults.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct Faults {
    full_at: AtomicU64,
    longest_write: AtomicUsize,
    writes_fail: AtomicBool,
    syncs_fail: AtomicBool,
    truncates_fail: AtomicBool,
    syncs: AtomicU64,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            full_at: AtomicU64::new(u64::MAX),
            longest_write: AtomicUsize::new(usize::MAX),
            writes_fail: AtomicBool::new(false),
            syncs_fail: AtomicBool::new(false),
            truncates_fail: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
        }
    }
}

impl FaultyDisk {
    pub fn new() -> FaultyDisk {
        FaultyDisk::default()
    }

    /// No byte at or after `position` can be written: short write up to it, then ENOSPC. `u64::MAX` is unlimited.
    pub fn full_at(&self, position: u64) {
        self.faults.full_at.store(position, Ordering::SeqCst);
    }

    /// Each write takes at most `bytes`.
    pub fn short_writes(&self, bytes: usize) {
        self.faults.longest_write.store(bytes, Ordering::SeqCst);
    }

    /// Every write fails with EIO.
    pub fn fail_writes(&self, fail: bool) {
        self.faults.writes_fail.store(fail, Ordering::SeqCst);
    }

    /// Every `fdatasync` fails with EIO.
    pub fn fail_syncs(&self, fail: bool) {
        self.faults.syncs_fail.store(fail, Ordering::SeqCst);
    }

    /// Every truncation fails with EIO.
    pub fn fail_truncates(&self, fail: bool) {
        self.faults.truncates_fail.store(fail, Ordering::SeqCst);
    }

    /// How many `fdatasync` were asked for.
    pub fn syncs(&self) -> u64 {
        self.faults.syncs.load(Ordering::SeqCst)
    }
}

impl Disk for FaultyDisk {
    fn open_log(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(FaultyFile {
            real: RealDisk.open_log(path)?,
            faults: self.faults.clone(),
        }))
    }
}

struct FaultyFile {
    real: Box<dyn LogFile>,
    faults: Arc<Faults>,
}

impl LogFile for FaultyFile {
    fn write_at(&mut self, bytes: &[u8], position: u64) -> io::Result<usize> {
        if self.faults.writes_fail.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let room = self
            .faults
            .full_at
            .load(Ordering::SeqCst)
            .saturating_sub(position);
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let taken = bytes
            .len()
            .min(room)
            .min(self.faults.longest_write.load(Ordering::SeqCst));
        self.real.write_at(&bytes[..taken], position)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.faults.syncs.fetch_add(1, Ordering::SeqCst);
        if self.faults.syncs_fail.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.real.sync_data()
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        if self.faults.truncates_fail.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.real.set_len(length)
    }
}
