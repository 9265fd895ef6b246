//! A park under test: a data folder of its own, and the `terrarium up` on it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::binary::{Outcome, command, repository, run};
use crate::clients::{Clients, connect};
use crate::{processes, wait};

const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(30);
const ORPHANS_GONE_WITHIN: Duration = Duration::from_secs(10);
const PROJECTED_WITHIN: Duration = Duration::from_secs(30);
const LOG_TAIL_BYTES: usize = 6_000;

/// What a running server writes into its data folder.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `http://127.0.0.1:PORT`
    pub grpc: String,
    /// `nats://127.0.0.1:PORT`
    pub nats: String,
    /// Of `terrarium up`.
    pub pid: u32,
    /// Of its nats-server when the server became healthy; it may have been started again since.
    pub nats_pid: Option<u32>,
}

/// A server that ended instead of becoming healthy.
#[derive(Debug)]
pub struct StartFailure {
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// All that it printed.
    pub log: String,
}

/// What `terrarium status` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Of the last event folded.
    pub position: Option<u64>,
    /// Events folded.
    pub events: u64,
    /// Over everything the projection holds.
    pub state_hash: String,
    /// Over what happened.
    pub content_hash: String,
    /// Readings that count, of all parks.
    pub readings: u64,
    /// Readings replaced by a correction, of all parks.
    pub readings_superseded: u64,
    /// Quarantined and undecided, of all parks.
    pub quarantined: u64,
}

/// A data folder and, when it is started, its `terrarium up`. Dropping it kills what it started and removes the folder.
#[derive(Debug)]
pub struct Park {
    scratch: TempDir,
    data: PathBuf,
    park_files: Vec<PathBuf>,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    running: Option<Child>,
    /// Whether the data folder was ever ours, and so a nats-server on it.
    has_started: bool,
    logs: Vec<PathBuf>,
}

impl Park {
    /// A new folder for these park files; nothing is started.
    pub fn new(park_files: &[PathBuf]) -> Park {
        let scratch = tempfile::Builder::new()
            .prefix("terrarium-test-")
            .tempdir()
            .expect("a temporary folder");
        let data = scratch.path().join("data");
        Park {
            scratch,
            data,
            park_files: park_files.to_vec(),
            flags: Vec::new(),
            environment: Vec::new(),
            running: None,
            has_started: false,
            logs: Vec::new(),
        }
    }

    /// For the park of the ten homes.
    pub fn of_ten_homes() -> Park {
        Park::new(&[repository().join("deploy/parks/zne-homes.toml")])
    }

    /// For the demo park.
    pub fn of_demo() -> Park {
        Park::new(&[repository().join("deploy/parks/demo.toml")])
    }

    /// A further park file, such as one that the test wrote into [`Park::scratch`].
    pub fn with_park_file(mut self, file: PathBuf) -> Park {
        self.park_files.push(file);
        self
    }

    /// Keeps the data elsewhere, such as on a disk of its own.
    pub fn with_data_in(mut self, folder: &Path) -> Park {
        self.data = folder.to_owned();
        self
    }

    /// Further flags of `terrarium up`.
    pub fn with_flags(mut self, flags: &[&str]) -> Park {
        self.flags
            .extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// A further environment variable of `terrarium up`.
    pub fn with_variable(mut self, name: &str, value: &str) -> Park {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A file of this test beside the data folder.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Starts `terrarium up` and waits until it is healthy.
    ///
    /// # Panics
    /// When it does not get there, with its log.
    pub fn start(&mut self) -> Endpoint {
        match self.try_start() {
            Ok(endpoint) => endpoint,
            Err(StartFailure { code, log }) => {
                panic!("`terrarium up` ended with {code} instead of starting:\n{log}")
            }
        }
    }

    /// Starts `terrarium up` and waits until it is healthy or has ended.
    pub fn try_start(&mut self) -> Result<Endpoint, StartFailure> {
        assert!(self.running.is_none(), "this park's server runs already");
        let log = self.scratch(&format!("up-{}.log", self.logs.len()));
        self.logs.push(log.clone());
        let child = self
            .up_command(&log)
            .spawn()
            .expect("the program can be run");
        let pid = child.id();
        self.running = Some(child);
        let healthy = wait::until(
            START_WITHIN,
            "`terrarium up` is healthy or has ended",
            || {
                if let Some(endpoint) =
                    read_endpoint(&self.data).filter(|endpoint| endpoint.pid == pid)
                {
                    return Some(Ok(endpoint));
                }
                let status = self
                    .running
                    .as_mut()?
                    .try_wait()
                    .expect("our own child can be waited for")?;
                Some(Err(status.code().unwrap_or(-1)))
            },
        );
        match healthy {
            Ok(endpoint) => {
                self.has_started = true;
                Ok(endpoint)
            }
            Err(code) => {
                self.running = None;
                Err(StartFailure {
                    code,
                    log: fs::read_to_string(&log).unwrap_or_default(),
                })
            }
        }
    }

    fn up_command(&self, log: &Path) -> Command {
        let log = File::create(log).expect("the scratch folder is writable");
        let mut up = command();
        up.arg("up").arg("--data").arg(&self.data);
        for park_file in &self.park_files {
            up.arg("--park").arg(park_file);
        }
        if !self.flags.iter().any(|flag| flag == "--listen") {
            up.args(["--listen", "127.0.0.1:0"]);
        }
        up.args(&self.flags);
        up.envs(self.environment.iter().map(|(name, value)| (name, value)));
        up.stdin(Stdio::null());
        up.stdout(log.try_clone().expect("a file can be shared"));
        up.stderr(log);
        up
    }

    /// Where the running server is.
    ///
    /// # Panics
    /// When none runs.
    pub fn endpoint(&self) -> Endpoint {
        assert!(self.running.is_some(), "this park's server does not run");
        read_endpoint(&self.data).expect("a running server wrote it")
    }

    /// Of `terrarium up`.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("this park's server runs").id()
    }

    /// Whether the server still runs.
    pub fn is_running(&mut self) -> bool {
        self.running
            .as_mut()
            .is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_none()))
    }

    /// gRPC clients of the running server.
    pub async fn clients(&self) -> Clients {
        let url = self.endpoint().grpc;
        connect(&url)
            .await
            .unwrap_or_else(|error| panic!("can't connect to {url}: {error}"))
    }

    /// SIGTERM; waits for the end, which must be a good one.
    pub fn stop(&mut self) {
        let mut child = self.running.take().expect("this park's server runs");
        processes::send(child.id(), Signal::TERM);
        let status = wait::until(STOP_WITHIN, "`terrarium up` ends after SIGTERM", || {
            child.try_wait().expect("our own child can be waited for")
        });
        assert_eq!(
            status.code(),
            Some(0),
            "`terrarium up` after SIGTERM: {status}\n{}",
            self.log_tail()
        );
        self.expect_no_orphan();
    }

    /// SIGKILL; waits until it is gone and its nats-server too.
    pub fn kill(&mut self) {
        let mut child = self.running.take().expect("this park's server runs");
        child.kill().expect("our own child can be killed");
        child.wait().expect("our own child can be waited for");
        self.expect_no_orphan();
    }

    /// Kills the nats-server of the running `terrarium up`. False when it had none at this moment.
    pub fn kill_nats(&self) -> bool {
        let pids = processes::nats_servers_under(&self.data);
        pids.into_iter()
            .map(processes::kill)
            .fold(false, |any, killed| any | killed)
    }

    fn expect_no_orphan(&self) {
        wait::until(
            ORPHANS_GONE_WITHIN,
            "no nats-server of an ended `terrarium up` is left",
            || {
                processes::nats_servers_under(&self.data)
                    .is_empty()
                    .then_some(())
            },
        );
    }

    /// Folder of the child nats-server.
    pub fn nats_folder(&self) -> PathBuf {
        self.data.join("nats")
    }

    /// Deletes what the bus keeps.
    pub fn delete_nats_folder(&self) {
        let folder = self.nats_folder();
        fs::remove_dir_all(&folder)
            .unwrap_or_else(|error| panic!("can't delete {}: {error}", folder.display()));
    }

    /// Runs a client command on this data folder.
    pub fn cli(&self, words: &[&str]) -> Outcome {
        run(command().args(words).arg("--data").arg(&self.data))
    }

    /// Imports a readings file with `--format json` and gives its summary.
    pub fn import_readings(&self, file: &Path, more: &[&str], expected_code: i32) -> Json {
        let file = file.to_string_lossy();
        let words = [&["import", "readings", &*file, "--format", "json"], more].concat();
        self.cli(&words).expect_code(expected_code).json()
    }

    /// What `terrarium status` tells.
    pub fn state(&self) -> State {
        let status = self
            .cli(&["status", "--format", "json"])
            .expect_code(0)
            .json();
        state_of(&status)
    }

    /// The state once the projection has reached `position`.
    pub fn state_at(&self, position: u64) -> State {
        wait::until(
            PROJECTED_WITHIN,
            "the projection has folded what is recorded",
            || {
                let state = self.state();
                (state.position >= Some(position)).then_some(state)
            },
        )
    }

    /// The tail of all logs.
    pub fn log_tail(&self) -> String {
        let mut tail = String::new();
        let nats_log = self.nats_folder().join("nats-server.log");
        for log in self.logs.iter().rev().take(2).rev().chain([&nats_log]) {
            let text = fs::read_to_string(log).unwrap_or_default();
            // nats-server's log begins with a banner and its settings.
            let text: String = text
                .lines()
                .filter(|line| !line.contains("[INF]"))
                .map(|line| format!("{line}\n"))
                .collect();
            let from = text.len().saturating_sub(LOG_TAIL_BYTES);
            let from = (from..=text.len())
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(text.len());
            tail.push_str(&format!(
                "--- end of {}\n{}\n",
                log.display(),
                &text[from..]
            ));
        }
        tail
    }
}

impl Drop for Park {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if self.has_started {
            for pid in processes::nats_servers_under(&self.data) {
                processes::kill(pid);
            }
        }
    }
}

fn read_endpoint(data: &Path) -> Option<Endpoint> {
    let text = fs::read_to_string(data.join("endpoint.json")).ok()?;
    let json: Json = serde_json::from_str(&text).ok()?;
    let pid = |key: &str| json[key].as_u64().and_then(|pid| u32::try_from(pid).ok());
    Some(Endpoint {
        grpc: json["grpc"].as_str()?.to_owned(),
        nats: json["nats"].as_str().unwrap_or_default().to_owned(),
        pid: pid("pid")?,
        nats_pid: pid("nats_pid"),
    })
}

/// Reads `GetStateResponse` as the command line prints it.
pub(crate) fn state_of(status: &Json) -> State {
    let parks = status["parks"].as_array().cloned().unwrap_or_default();
    let sum = |key: &str| {
        parks
            .iter()
            .map(|park| park[key].as_u64().unwrap_or(0))
            .sum()
    };
    State {
        position: status["position"].as_u64(),
        events: status["events"].as_u64().unwrap_or(0),
        state_hash: status["state_hash"].as_str().unwrap_or_default().to_owned(),
        content_hash: status["content_hash"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        readings: sum("readings"),
        readings_superseded: sum("readings_superseded"),
        quarantined: sum("quarantined"),
    }
}
