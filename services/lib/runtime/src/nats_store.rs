//! The folder of the child `nats-server`: its configuration, log, version mark and lock.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::Deserialize;

use crate::nats_server::NatsError;

const MAX_PAYLOAD_BYTES: u64 = 1 << 20;
const MAX_FILE_STORE_BYTES: u64 = 1 << 30;
const MAX_MEMORY_STORE_BYTES: u64 = 64 << 20;
const STALE_DEADLINE: Duration = Duration::from_secs(5);
const LOG_TAIL_BYTES: u64 = 4096;

/// One folder, used with one program.
#[derive(Debug)]
pub(crate) struct NatsStore {
    binary: PathBuf,
    /// Absolute: it identifies our own child in the list of processes.
    folder: PathBuf,
}

impl NatsStore {
    /// Checks that the program runs and may read the store, and makes the folder. Changes nothing that exists.
    pub(crate) fn open(binary: &Path, folder: &Path) -> Result<Self, NatsError> {
        let cannot_make = |source| NatsError::Folder {
            what: "can't make",
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(cannot_make)?;
        let store = Self {
            binary: binary.to_owned(),
            folder: folder.canonicalize().map_err(cannot_make)?,
        };
        store.check_version()?;
        Ok(store)
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn configuration_path(&self) -> PathBuf {
        self.folder.join("nats-server.conf")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.folder.join("nats-server.log")
    }

    fn version_path(&self) -> PathBuf {
        self.folder.join("server-version")
    }

    fn pid_path(&self) -> PathBuf {
        self.folder.join("nats-server.pid")
    }

    /// The lock lives as long as the returned file. The kernel gives it back when this process dies.
    pub(crate) fn lock(&self) -> Result<File, NatsError> {
        let path = self.folder.join("lock");
        let failed = |source| NatsError::Folder {
            what: "can't lock",
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(NatsError::InUse {
                folder: self.folder.clone(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Makes everything that the server needs to start, also when the folder was deleted meanwhile.
    pub(crate) fn prepare(&self) -> Result<(), NatsError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| NatsError::Folder {
            what: "can't make",
            path: self.folder.clone(),
            source,
        })?;
        let version = self.check_version()?;
        self.write_if_changed(&self.version_path(), &format!("{version}\n"))?;
        self.write_if_changed(&self.configuration_path(), &self.configuration())?;
        Ok(())
    }

    /// The running program's version, if it may use the store: only the same major.minor may.
    fn check_version(&self) -> Result<String, NatsError> {
        let running = version_of(&self.binary)?;
        let written_by = match std::fs::read_to_string(self.version_path()) {
            Ok(text) => text.trim().to_owned(),
            Err(_) if self.folder.join("jetstream").exists() => "of unknown version".to_owned(),
            Err(_) => return Ok(running),
        };
        if major_minor(&written_by) == major_minor(&running) {
            Ok(running)
        } else {
            Err(NatsError::OtherVersion {
                folder: self.folder.clone(),
                written_by,
                running,
            })
        }
    }

    fn configuration(&self) -> String {
        let quoted = |path: &Path| {
            let text = path.display().to_string();
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        };
        format!(
            "# Written by terrarium at each start; changes are lost.\n\
             server_name: terrarium\n\
             pid_file: {pid_file}\n\
             max_payload: {MAX_PAYLOAD_BYTES}\n\
             jetstream {{\n\
             \x20 store_dir: {store_dir}\n\
             \x20 max_file_store: {MAX_FILE_STORE_BYTES}\n\
             \x20 max_memory_store: {MAX_MEMORY_STORE_BYTES}\n\
             }}\n",
            pid_file = quoted(&self.pid_path()),
            store_dir = quoted(&self.folder),
        )
    }

    /// Writes nothing on the usual start, so that a full disk does not keep the server from coming back.
    fn write_if_changed(&self, path: &Path, text: &str) -> Result<(), NatsError> {
        if std::fs::read_to_string(path).is_ok_and(|known| known == text) {
            return Ok(());
        }
        let new_path = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&new_path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new_path, path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| NatsError::Folder {
            what: "can't write",
            path: path.to_owned(),
            source,
        })
    }

    /// The log of one life of the server: it starts empty, so that it stays small.
    pub(crate) fn new_log(&self) -> io::Result<File> {
        File::create(self.log_path())
    }

    /// The port from the ports file that the server writes once it listens.
    pub(crate) fn port_of(&self, pid: u32) -> Option<u16> {
        #[derive(Deserialize)]
        struct Ports {
            nats: Vec<String>,
        }
        let program = self.binary.file_name()?.to_str()?;
        let path = self.folder.join(format!("{program}_{pid}.ports"));
        // A half-written file does not parse: look again later.
        let ports: Ports = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let port = ports.nats.first()?.rsplit(':').next()?.parse().ok()?;
        // The file has done its work.
        let _ = std::fs::remove_file(&path);
        Some(port)
    }

    /// Ends a server that an earlier process left on this folder. The pid file may be old and its number in use by
    /// any other process: only one that was started with our own configuration file is ended.
    pub(crate) fn kill_stale_server(&self) -> Result<(), NatsError> {
        let pid = std::fs::read_to_string(self.pid_path())
            .ok()
            .and_then(|text| text.trim().parse::<i32>().ok())
            .and_then(Pid::from_raw);
        let Some(pid) = pid else {
            return Ok(());
        };
        let deadline = Instant::now() + STALE_DEADLINE;
        while self.is_our_server(pid) {
            tracing::warn!(%pid, "an earlier nats-server still runs on this folder, ending it");
            let killed = rustix::process::kill_process(pid, Signal::KILL);
            if let Err(error) = killed
                && error != rustix::io::Errno::SRCH
            {
                return Err(NatsError::Folder {
                    what: "can't end the server that still uses",
                    path: self.folder.clone(),
                    source: error.into(),
                });
            }
            if Instant::now() > deadline {
                return Err(NatsError::InUse {
                    folder: self.folder.clone(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn is_our_server(&self, pid: Pid) -> bool {
        let configuration = self.configuration_path();
        // A zombie's command line is empty.
        let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command_line
            .split(|byte| *byte == 0)
            .any(|argument| argument == configuration.as_os_str().as_encoded_bytes())
    }
}

/// `2.9.10` from `nats-server: v2.9.10`.
fn version_of(binary: &Path) -> Result<String, NatsError> {
    let not_runnable = |reason: String| NatsError::NotRunnable {
        binary: binary.to_owned(),
        reason,
    };
    let output = Command::new(binary)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => NatsError::Missing {
                binary: binary.to_owned(),
            },
            _ => not_runnable(error.to_string()),
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .rsplit_once('v')
        .map(|(_, version)| version.to_owned())
        .filter(|version| major_minor(version).is_some())
        .ok_or_else(|| not_runnable(format!("`--version` answers `{}`, no version", text.trim())))
}

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The last line of a log, for saying why its writer ended.
pub(crate) fn last_line(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))
        .ok()?;
    let mut tail = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail).into_owned();
    let line = tail.lines().rfind(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_major_and_minor() {
        assert_eq!(major_minor("2.9.10"), Some((2, 9)));
        assert_eq!(major_minor("2.10.0-RC.1"), Some((2, 10)));
        assert_eq!(major_minor("of unknown version"), None);
    }

    #[test]
    fn the_last_line_of_a_log_is_the_last_with_text() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log");
        assert_eq!(last_line(&path), None);
        std::fs::write(&path, format!("{}\nwhy\n\n", "x".repeat(10_000))).expect("writable");
        assert_eq!(last_line(&path).as_deref(), Some("why"));
    }
}
