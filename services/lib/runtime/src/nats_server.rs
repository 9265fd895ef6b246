//! The `nats-server` that `terrarium up` keeps as a child process: started with JetStream on a free loopback port,
//! started again on the same port when it dies, and never left behind, not even when this process is killed.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::nats_store::{NatsStore, last_line};

const START_DEADLINE: Duration = Duration::from_secs(15);
const PORTS_FILE_POLL: Duration = Duration::from_millis(5);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
const RESTART_DEADLINE: Duration = Duration::from_secs(5);
/// A child that lived this long did not die of the reason for which its predecessor did.
const HEALTHY_LIFE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    #[error(
        "there is no `{binary}`: install it with `apt-get install nats-server`, name another program with \
         `nats_server`, or use a running server with `nats_url`"
    )]
    Missing { binary: PathBuf },
    #[error("can't run `{binary}`: {reason}")]
    NotRunnable { binary: PathBuf, reason: String },
    #[error(
        "the NATS store in {folder} was written by nats-server {written_by}, but this is {running}: another version \
         may misread it. Delete the folder: it holds only commits on their way to the event store, and what was \
         never acknowledged is sent again. Or go back to nats-server {written_by}"
    )]
    OtherVersion {
        folder: PathBuf,
        written_by: String,
        running: String,
    },
    #[error("another process uses the NATS store in {folder}: stop it, or use another data folder")]
    InUse { folder: PathBuf },
    #[error("can't prepare the NATS store: {what} {path}: {source}")]
    Folder {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("nats-server did not start: {reason}; its log is {log}")]
    NotStarted { reason: String, log: PathBuf },
}

/// A supervised child. Dropping it kills the child at once; [`NatsChild::stop`] is the gentle way.
#[derive(Debug)]
pub struct NatsChild {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
    port: u16,
    /// Held as long as the child may live: one supervisor per folder.
    _folder_lock: std::fs::File,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Of the living child. It is set and cleared under the lock, so whoever holds the lock may signal it: a pid is
    /// given to another process only after its own was waited for.
    pid: Option<Pid>,
    /// Known from the first start on, and kept.
    port: Option<u16>,
    failure: Option<NatsError>,
    stop_wanted: bool,
    restart_wanted: bool,
    /// How often a child was started.
    starts: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }

    /// Waits until `is_reached` or the deadline; answers whether it is reached.
    fn wait_until(&self, deadline: Instant, is_reached: impl Fn(&State) -> bool) -> bool {
        let state = self.lock();
        let left = deadline.saturating_duration_since(Instant::now());
        let (state, _) = self
            .changed
            .wait_timeout_while(state, left, |state| !is_reached(state))
            .expect("no holder of the lock panics");
        is_reached(&state)
    }

    fn signal(&self, state: &State, signal: Signal) {
        if let Some(pid) = state.pid
            && let Err(error) = rustix::process::kill_process(pid, signal)
        {
            tracing::warn!(%error, ?signal, "can't signal nats-server");
        }
    }
}

impl NatsChild {
    /// Starts `binary` with its store in `folder` (made if missing) on a free loopback port and waits until it
    /// listens, 15 s at most.
    ///
    /// A child that an earlier process left in this folder is killed first. A store that another major.minor version
    /// of nats-server wrote is refused.
    pub async fn start(binary: &Path, folder: &Path) -> Result<Self, NatsError> {
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        tokio::task::spawn_blocking(move || Self::start_and_wait(&binary, &folder))
            .await
            .expect("starting nats-server does not panic")
    }

    fn start_and_wait(binary: &Path, folder: &Path) -> Result<Self, NatsError> {
        let store = NatsStore::open(binary, folder)?;
        let folder_lock = store.lock()?;
        store.kill_stale_server()?;
        let log = store.log_path();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let supervisor = std::thread::Builder::new()
            .name("nats-server".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || supervise(&store, &shared)
            })
            .map_err(|error| NatsError::NotStarted {
                reason: format!("no thread for it: {error}"),
                log: log.clone(),
            })?;
        // Dropped on every way out of here but the last, which kills the child.
        let mut child = Self {
            shared,
            supervisor: Some(supervisor),
            port: 0,
            _folder_lock: folder_lock,
        };
        child
            .shared
            .wait_until(Instant::now() + START_DEADLINE, |state| {
                state.port.is_some() || state.failure.is_some()
            });
        let (port, failure) = {
            let mut state = child.shared.lock();
            (state.port, state.failure.take())
        };
        match (port, failure) {
            (Some(port), _) => {
                child.port = port;
                tracing::info!(url = child.url(), "nats-server is up");
                Ok(child)
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(NatsError::NotStarted {
                reason: format!("no answer in {} s", START_DEADLINE.as_secs()),
                log,
            }),
        }
    }

    /// `nats://127.0.0.1:<port>`; stays the same when the child is started again.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Of the child that lives now; `None` between two of them.
    pub fn pid(&self) -> Option<u32> {
        self.shared.lock().pid.map(pid_number)
    }

    /// How often the child was started, the first time included.
    pub fn starts(&self) -> u64 {
        self.shared.lock().starts
    }

    /// Has the child started again, as is needed when JetStream has disabled itself after its disk was full.
    pub fn restart(&self) {
        self.restarter().restart();
    }

    /// A handle for starting the child again, for whoever watches over it.
    pub fn restarter(&self) -> NatsRestarter {
        NatsRestarter {
            shared: Arc::clone(&self.shared),
        }
    }

    /// SIGTERM, and SIGKILL if the child still lives at the deadline.
    pub async fn stop(mut self, deadline: Duration) {
        let stopping = tokio::task::spawn_blocking(move || self.stop_and_wait(deadline));
        if let Err(error) = stopping.await {
            tracing::warn!(%error, "stopping nats-server failed");
        }
    }

    fn stop_and_wait(&mut self, deadline: Duration) {
        let Some(supervisor) = self.supervisor.take() else {
            return;
        };
        {
            let mut state = self.shared.lock();
            state.stop_wanted = true;
            self.shared.signal(&state, Signal::TERM);
            self.shared.changed.notify_all();
        }
        let is_gone = self
            .shared
            .wait_until(Instant::now() + deadline, |state| state.pid.is_none());
        if !is_gone {
            let state = self.shared.lock();
            self.shared.signal(&state, Signal::KILL);
        }
        if supervisor.join().is_err() {
            tracing::error!("the supervisor of nats-server panicked");
        }
    }
}

/// Has a child started again.
#[derive(Clone, Debug)]
pub struct NatsRestarter {
    shared: Arc<Shared>,
}

impl NatsRestarter {
    /// Returns at once. A child that ignores SIGTERM for 5 s is killed.
    pub fn restart(&self) {
        let old_pid = {
            let mut state = self.shared.lock();
            state.restart_wanted = true;
            self.shared.signal(&state, Signal::TERM);
            self.shared.changed.notify_all();
            state.pid
        };
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            let is_gone = shared.wait_until(Instant::now() + RESTART_DEADLINE, |state| {
                state.pid != old_pid
            });
            if !is_gone {
                let state = shared.lock();
                shared.signal(&state, Signal::KILL);
            }
        });
    }
}

impl Drop for NatsChild {
    fn drop(&mut self) {
        self.stop_and_wait(Duration::ZERO);
    }
}

fn pid_number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// The life of the supervising thread. It must outlive every child it starts: the kernel delivers the parent death
/// signal when the *thread* that forked is gone.
fn supervise(store: &NatsStore, shared: &Shared) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let born = Instant::now();
        let outcome =
            start_child(store, shared).and_then(|child| live_and_die(child, store, shared));
        let mut state = shared.lock();
        if state.stop_wanted {
            return;
        }
        let reason = match outcome {
            Ok(reason) => reason,
            Err(failure) if state.port.is_none() => {
                state.failure = Some(failure);
                shared.changed.notify_all();
                return;
            }
            Err(failure) => failure.to_string(),
        };
        if std::mem::take(&mut state.restart_wanted) {
            tracing::info!("nats-server stopped as asked, starting it again");
            backoff = FIRST_BACKOFF;
            continue;
        }
        if born.elapsed() >= HEALTHY_LIFE {
            backoff = FIRST_BACKOFF;
        }
        tracing::warn!(
            reason,
            backoff_ms = backoff.as_millis(),
            log = %store.log_path().display(),
            "nats-server is gone, starting it again"
        );
        let (state, _) = shared
            .changed
            .wait_timeout_while(state, backoff, |state| {
                !state.stop_wanted && !state.restart_wanted
            })
            .expect("no holder of the lock panics");
        if state.stop_wanted {
            return;
        }
        drop(state);
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

fn start_child(store: &NatsStore, shared: &Shared) -> Result<Child, NatsError> {
    store.prepare()?;
    let mut state = shared.lock();
    if state.stop_wanted {
        return Err(NatsError::NotStarted {
            reason: "stopped meanwhile".to_owned(),
            log: store.log_path(),
        });
    }
    let mut command = Command::new(store.binary());
    command
        .arg("--config")
        .arg(store.configuration_path())
        .args(["--addr", "127.0.0.1", "--port"]);
    match state.port {
        Some(port) => command.arg(port.to_string()),
        None => command
            .arg("-1")
            .arg("--ports_file_dir")
            .arg(store.folder()),
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // A full disk must not keep the server from coming back.
        .stderr(store.new_log().map_or_else(|_| Stdio::null(), Stdio::from))
        // Ctrl-C in a terminal goes to the group of the foreground: the child must outlive our own draining.
        .process_group(0);
    die_with_this_thread(&mut command);
    let child = command.spawn().map_err(|error| NatsError::NotRunnable {
        binary: store.binary().to_owned(),
        reason: error.to_string(),
    })?;
    state.pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    state.starts += 1;
    shared.changed.notify_all();
    Ok(child)
}

/// Waits for the port on the first start, then for the child's end. Answers why it ended.
fn live_and_die(mut child: Child, store: &NatsStore, shared: &Shared) -> Result<String, NatsError> {
    let pid = Pid::from_child(&child);
    let needs_port = shared.lock().port.is_none();
    if needs_port {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline && !has_ended(pid, WaitIdOptions::NOHANG) {
            if let Some(port) = store.port_of(child.id()) {
                shared.lock().port = Some(port);
                shared.changed.notify_all();
                break;
            }
            std::thread::sleep(PORTS_FILE_POLL);
        }
    }
    has_ended(pid, WaitIdOptions::empty());
    // Only now is the pid given back to the system, with nobody able to signal it.
    let mut state = shared.lock();
    let status = child.wait();
    state.pid = None;
    shared.changed.notify_all();
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    let reason = match last_line(&store.log_path()) {
        Some(line) => format!("{status}: {line}"),
        None => status,
    };
    if state.port.is_some() {
        Ok(reason)
    } else {
        Err(NatsError::NotStarted {
            reason,
            log: store.log_path(),
        })
    }
}

/// Whether the child has ended, without waiting it away. Without `NOHANG` it blocks until then.
fn has_ended(pid: Pid, options: WaitIdOptions) -> bool {
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match rustix::process::waitid(WaitId::Pid(pid), options) {
            Ok(status) => return status.is_some(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return true,
        }
    }
}

/// `unsafe` because a hook between fork and exec has no safe form, and nothing else makes the kernel itself end the
/// child when this process is killed with SIGKILL.
#[allow(unsafe_code)]
fn die_with_this_thread(command: &mut Command) {
    let parent = rustix::process::getpid();
    let hook = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above: then nobody will send the signal.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::Error::from(rustix::io::Errno::SRCH))
        }
    };
    // SAFETY: between fork and exec only async-signal-safe work is allowed; the hook makes two system calls, builds
    // an error from an integer, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(hook);
    }
}
