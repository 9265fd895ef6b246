use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

/// Name of the lock file inside the folder.
const LOCK_FILE_NAME: &str = "lock";
/// Somebody who looks whether the lock is held is waited for so often, so long.
const LOOKS_OUTWAITED: usize = 10;
const LOOK_TAKES_UP_TO: Duration = Duration::from_millis(5);

/// Why a folder could not be locked.
#[derive(Debug, Error)]
pub enum LockError {
    #[error(
        "the folder {folder} is in use by {holder}: stop that process, or give this one another data folder",
        folder = folder.display(), holder = describe_holder(*holder_pid)
    )]
    Held {
        folder: PathBuf,
        holder_pid: Option<u32>,
    },
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

fn describe_holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

/// An exclusive hold on a folder, until dropped or until the process ends, however it ends.
///
/// The file stays when the lock is given back: removing it would let two processes hold two files of one name.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock, creating the folder if needed, and writes this process's id into it.
    pub fn take(folder: &Path) -> Result<FolderLock, LockError> {
        std::fs::create_dir_all(folder).map_err(|source| LockError::Io {
            action: "create the folder",
            path: folder.to_owned(),
            source,
        })?;
        let path = folder.join(LOCK_FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| LockError::Io {
                action: "open",
                path: path.clone(),
                source,
            })?;
        match lock_exclusively(&file) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // The pid is only a courtesy of the message: without it the refusal is still right.
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    holder_pid: holder.trim().parse().ok(),
                });
            }
            Err(source) => {
                return Err(LockError::Io {
                    action: "lock",
                    path,
                    source: source.into(),
                });
            }
        }
        // A full disk must not keep the store from opening, so a pid that cannot be written is left out.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(FolderLock { _file: file })
    }

    /// Whether somebody has the lock of `folder` at this moment.
    pub fn is_held(folder: &Path) -> io::Result<bool> {
        let file = match File::open(folder.join(LOCK_FILE_NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// Who only looks whether the lock is held has it for microseconds, which must not keep anybody out.
fn lock_exclusively(file: &File) -> rustix::io::Result<()> {
    for _ in 0..LOOKS_OUTWAITED {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::park_timeout(LOOK_TAKES_UP_TO),
            outcome => return outcome,
        }
    }
    flock(file, FlockOperation::NonBlockingLockExclusive)
}
