use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

/// Name of the lock file inside the folder.
const LOCK_FILE_NAME: &str = "lock";

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
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
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
}
