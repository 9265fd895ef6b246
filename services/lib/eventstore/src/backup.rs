//! Copies of a data folder's log: what else lies there can be made again from it.

use std::path::Path;

use terrarium_eventlog::{BackupError, Copied, FolderLock, LockError};
use thiserror::Error;

use crate::store::LOG_FOLDER;

/// Why a store was not copied, or not brought back.
#[derive(Debug, Error)]
pub enum CopyError {
    /// A server has the folder open.
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Copies the store of the data folder `data` to the data folder `to`, or adds what is new to a copy that is there.
///
/// A server may have `data` open and go on appending, but not `to`. What is copied is checked, and the copy can be opened as it is.
pub fn back_up(data: &Path, to: &Path) -> Result<Copied, CopyError> {
    let _lock = FolderLock::take(to)?;
    Ok(terrarium_eventlog::back_up(
        &data.join(LOG_FOLDER),
        &to.join(LOG_FOLDER),
        &|| FolderLock::is_held(data),
    )?)
}

/// Copies a backup to the data folder `data`, which holds no store.
pub fn restore(backup: &Path, data: &Path) -> Result<Copied, CopyError> {
    let _lock = FolderLock::take(data)?;
    Ok(terrarium_eventlog::restore(
        &backup.join(LOG_FOLDER),
        &data.join(LOG_FOLDER),
    )?)
}
