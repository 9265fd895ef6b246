use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, LogFile, RealDisk};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// A real disk that fails on demand, for tests of this crate and of those that stand on it. Clones share the faults.
///
/// With [`crash_after`](Self::crash_after) the machine loses power at an operation; [`power_cut`](Self::power_cut) then takes
/// away some of what was not synced, and all that a sync failed for: the kernel takes such pages for written (Rebello et al.,
/// "Can applications recover from fsync failures?", USENIX ATC 2020), so that only another write brings them to the disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct Faults {
    full_at: AtomicU64,
    free_bytes: AtomicU64,
    longest_write: AtomicUsize,
    writes_fail: AtomicBool,
    syncs_fail_from: AtomicU64,
    truncates_fail: AtomicBool,
    syncs_are_free: AtomicBool,
    syncs: AtomicU64,
    operations: AtomicU64,
    crash: Mutex<Option<Crash>>,
}

/// A power cut that is to come, or has come.
#[derive(Debug)]
struct Crash {
    operations_left: u64,
    random: u64,
    unsynced: Vec<Unsynced>,
    lost: Vec<Lost>,
    renamed: Vec<Renamed>,
}

/// A name that a power cut may take back.
#[derive(Debug)]
struct Renamed {
    from: PathBuf,
    to: PathBuf,
    /// Where the file is kept that had the name before.
    replaced: Option<PathBuf>,
}

impl Renamed {
    fn take_back(&self) -> io::Result<()> {
        if self.to.exists() && !self.from.exists() {
            std::fs::rename(&self.to, &self.from)?;
            if let Some(replaced) = &self.replaced {
                std::fs::rename(replaced, &self.to)?;
            }
        }
        Ok(())
    }

    fn stays(&self) -> io::Result<()> {
        self.replaced.as_ref().map_or(Ok(()), std::fs::remove_file)
    }
}

/// A change that a power cut may take away.
#[derive(Debug)]
struct Unsynced {
    file: Arc<File>,
    offset: u64,
    /// What was there; shorter than what was written where the file grew.
    before: Vec<u8>,
    written: usize,
    length_before: u64,
}

/// A change that a failed sync left in memory only.
#[derive(Debug)]
struct Lost {
    change: Unsynced,
    /// Device and number of the file, by which a handle that is opened later is known.
    file: (u64, u64),
    /// Parts that were written again and synced since.
    saved: Vec<Range<u64>>,
}

impl Lost {
    fn is_saved(&self, offset: u64) -> bool {
        self.saved.iter().any(|saved| saved.contains(&offset))
    }

    fn take_away(&self) -> io::Result<()> {
        for (offset, byte) in (self.change.offset..).zip(self.change.bytes_before()) {
            if !self.is_saved(offset) {
                self.change.file.write_all_at(&[byte], offset)?;
            }
        }
        Ok(())
    }
}

impl Unsynced {
    /// What was in the place of all that was changed.
    fn bytes_before(&self) -> Vec<u8> {
        let mut before = self.before.clone();
        before.resize(self.written.max(self.before.len()), 0);
        before
    }
}

fn identity(file: &File) -> io::Result<(u64, u64)> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            full_at: AtomicU64::new(u64::MAX),
            free_bytes: AtomicU64::new(u64::MAX),
            longest_write: AtomicUsize::new(usize::MAX),
            writes_fail: AtomicBool::new(false),
            syncs_fail_from: AtomicU64::new(u64::MAX),
            truncates_fail: AtomicBool::new(false),
            syncs_are_free: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            operations: AtomicU64::new(0),
            crash: Mutex::new(None),
        }
    }
}

impl FaultyDisk {
    pub fn new() -> FaultyDisk {
        FaultyDisk::default()
    }

    /// No byte at or after `offset` of any file can be written: short write up to it, then ENOSPC. `u64::MAX` is unlimited.
    pub fn full_at(&self, offset: u64) {
        self.faults.full_at.store(offset, Ordering::SeqCst);
    }

    /// What the disk says is free; `u64::MAX` is what really is.
    pub fn say_free_bytes(&self, bytes: u64) {
        self.faults.free_bytes.store(bytes, Ordering::SeqCst);
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
        self.fail_syncs_from(if fail { 0 } else { u64::MAX });
    }

    /// Every `fdatasync` fails with EIO once [`syncs`](Self::syncs) were asked for.
    pub fn fail_syncs_from(&self, syncs: u64) {
        self.faults.syncs_fail_from.store(syncs, Ordering::SeqCst);
    }

    /// Every truncation fails with EIO.
    pub fn fail_truncates(&self, fail: bool) {
        self.faults.truncates_fail.store(fail, Ordering::SeqCst);
    }

    /// Syncs cost nothing and do nothing, for tests that never lose power.
    pub fn without_syncs() -> FaultyDisk {
        let disk = FaultyDisk::default();
        disk.faults.syncs_are_free.store(true, Ordering::SeqCst);
        disk
    }

    /// How many `fdatasync` were asked for.
    pub fn syncs(&self) -> u64 {
        self.faults.syncs.load(Ordering::SeqCst)
    }

    /// How many changes (writes, syncs, truncations, new files, renames, folder syncs) were asked for.
    pub fn operations(&self) -> u64 {
        self.faults.operations.load(Ordering::SeqCst)
    }

    /// The power goes after so many more changes: the next one is done by half, and all later ones fail.
    pub fn crash_after(&self, operations: u64, seed: u64) {
        *self.crash() = Some(Crash {
            operations_left: operations,
            random: seed,
            unsynced: Vec::new(),
            lost: Vec::new(),
            renamed: Vec::new(),
        });
    }

    /// True once the power is gone.
    pub fn has_crashed(&self) -> bool {
        self.crash()
            .as_ref()
            .is_some_and(|crash| crash.operations_left == 0)
    }

    /// What a machine finds that has power again: of each change that was not synced all, a part, or nothing.
    ///
    /// Nothing may have the files open that still writes to them. The disk works again afterwards.
    pub fn power_cut(&self) -> io::Result<()> {
        let Some(mut crash) = self.crash().take() else {
            return Ok(());
        };
        while let Some(change) = crash.unsynced.pop() {
            crash.take_away(&change)?;
        }
        while let Some(lost) = crash.lost.pop() {
            lost.take_away()?;
        }
        while let Some(renamed) = crash.renamed.pop() {
            if crash.next_random().is_multiple_of(2) {
                renamed.take_back()?;
            } else {
                renamed.stays()?;
            }
        }
        Ok(())
    }

    fn crash(&self) -> MutexGuard<'_, Option<Crash>> {
        self.faults
            .crash
            .lock()
            .expect("no one panics holding the crash")
    }

    /// Counts a change; `Ok(true)`: the power goes with it.
    fn count_operation(&self) -> io::Result<bool> {
        self.faults.operations.fetch_add(1, Ordering::SeqCst);
        let mut crash = self.crash();
        let Some(crash) = crash.as_mut() else {
            return Ok(false);
        };
        if crash.operations_left == 0 {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        crash.operations_left -= 1;
        Ok(crash.operations_left == 0)
    }
}

impl Crash {
    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// What was written to a file is on the disk, and with it all that it was written over.
    fn save(&mut self, file: &Arc<File>) -> io::Result<()> {
        let identity = identity(file)?;
        let is_saved = |change: &mut Unsynced| Arc::ptr_eq(&change.file, file);
        for change in self.unsynced.extract_if(.., is_saved) {
            let saved = change.offset..change.offset + change.written as u64;
            let lost = self.lost.iter_mut().filter(|lost| lost.file == identity);
            lost.for_each(|lost| lost.saved.push(saved.clone()));
        }
        Ok(())
    }

    /// What was written to a file stays in memory, and no later sync brings it to the disk.
    fn lose(&mut self, file: &Arc<File>) -> io::Result<()> {
        let identity = identity(file)?;
        let is_lost = |change: &mut Unsynced| Arc::ptr_eq(&change.file, file);
        let lost = self.unsynced.extract_if(.., is_lost);
        self.lost.extend(lost.map(|change| Lost {
            change,
            file: identity,
            saved: Vec::new(),
        }));
        Ok(())
    }

    fn take_away(&mut self, change: &Unsynced) -> io::Result<()> {
        let length = change.file.metadata()?.len();
        match self.next_random() % 4 {
            0 => return Ok(()),
            1 if length > change.length_before => {
                return change.file.set_len(change.length_before);
            }
            _ => {}
        }
        let drops_all = self.next_random().is_multiple_of(2);
        let before = change.bytes_before();
        let mut at = 0;
        while at < before.len() {
            let in_file = change.offset as usize + at;
            let sector_end = (in_file / SECTOR_BYTES + 1) * SECTOR_BYTES - change.offset as usize;
            let end = sector_end.min(before.len());
            if drops_all || self.next_random().is_multiple_of(2) {
                change
                    .file
                    .write_all_at(&before[at..end], change.offset + at as u64)?;
            }
            at = end;
        }
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn open_log(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.open(path, false)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.count_operation()?;
        if self.faults.full_at.load(Ordering::SeqCst) == 0 {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        self.open(path, true)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.count_operation()?;
        let mut crash = self.crash();
        let Some(crash) = crash.as_mut() else {
            return RealDisk.rename(from, to);
        };
        let mut replaced = None;
        if to.exists() {
            let kept = to.with_extension("replaced");
            std::fs::rename(to, &kept)?;
            replaced = Some(kept);
        }
        RealDisk.rename(from, to)?;
        crash.renamed.push(Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
            replaced,
        });
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.count_operation()?;
        if let Some(crash) = self.crash().as_mut() {
            return crash
                .renamed
                .drain(..)
                .try_for_each(|renamed| renamed.stays());
        }
        if self.faults.syncs_are_free.load(Ordering::SeqCst) {
            return Ok(());
        }
        RealDisk.sync_folder(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        match self.faults.free_bytes.load(Ordering::SeqCst) {
            u64::MAX => RealDisk.free_bytes(folder),
            said => Ok(said),
        }
    }

    fn share(&self) -> Box<dyn Disk> {
        Box::new(self.clone())
    }
}

impl FaultyDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(create)
            .open(path)?;
        Ok(Box::new(FaultyFile {
            file: Arc::new(file),
            disk: self.clone(),
        }))
    }
}

struct FaultyFile {
    file: Arc<File>,
    disk: FaultyDisk,
}

impl FaultyFile {
    /// Remembers what a change of the bytes from `offset` to `end` takes away.
    fn remember(&self, offset: u64, end: u64, written: usize) -> io::Result<()> {
        let mut crash = self.disk.crash();
        let Some(crash) = crash.as_mut() else {
            return Ok(());
        };
        let length_before = self.file.metadata()?.len();
        let mut before = vec![0; end.min(length_before).saturating_sub(offset) as usize];
        self.file.read_exact_at(&mut before, offset)?;
        crash.unsynced.push(Unsynced {
            file: self.file.clone(),
            offset,
            before,
            written,
            length_before,
        });
        Ok(())
    }
}

impl LogFile for FaultyFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let faults = &self.disk.faults;
        let crashes = self.disk.count_operation()?;
        if faults.writes_fail.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let room = faults.full_at.load(Ordering::SeqCst).saturating_sub(offset);
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        let taken = bytes
            .len()
            .min(usize::try_from(room).unwrap_or(usize::MAX))
            .min(faults.longest_write.load(Ordering::SeqCst));
        self.remember(offset, offset + taken as u64, taken)?;
        let written = self.file.write_at(&bytes[..taken], offset)?;
        if crashes {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        Ok(written)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let faults = &self.disk.faults;
        let syncs_before = faults.syncs.fetch_add(1, Ordering::SeqCst);
        let crashes = self.disk.count_operation()?;
        let fails = syncs_before >= faults.syncs_fail_from.load(Ordering::SeqCst);
        if fails && let Some(crash) = self.disk.crash().as_mut() {
            crash.lose(&self.file)?;
        }
        if crashes || fails {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        // What a power cut may take away is only simulated, so the real disk need not be waited for then.
        match self.disk.crash().as_mut() {
            Some(crash) => crash.save(&self.file),
            None if self.disk.faults.syncs_are_free.load(Ordering::SeqCst) => Ok(()),
            None => self.file.sync_data(),
        }
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        let crashes = self.disk.count_operation()?;
        if self.disk.faults.truncates_fail.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.remember(length, u64::MAX, 0)?;
        self.file.set_len(length)?;
        if crashes {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        Ok(())
    }
}
