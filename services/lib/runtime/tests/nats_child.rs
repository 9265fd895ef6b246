//! The child `nats-server`, with the real program: these tests need Debian's `nats-server` package.

use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use terrarium_runtime::{NatsChild, NatsError};

const PROGRAM: &str = "nats-server";
const DEADLINE: Duration = Duration::from_secs(20);
const STOP_DEADLINE: Duration = Duration::from_secs(5);
const ORPHAN_FOLDER: &str = "TERRARIUM_TEST_ORPHAN_FOLDER";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

async fn start(folder: &Path) -> NatsChild {
    NatsChild::start(Path::new(PROGRAM), folder)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Waits for a condition; the pause only keeps the processor free for what is waited for.
fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < DEADLINE, "no {what} in {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn answers(url: &str) -> bool {
    use std::io::Read;
    let address = url.strip_prefix("nats://").expect("a NATS URL");
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting).is_ok() && &greeting == b"INFO "
}

/// Whether the process lives, zombies not counted.
fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(!stat.rsplit_once(')')?.1.trim_start().starts_with('Z')))
        .unwrap_or(false)
}

fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    rustix::process::kill_process(pid.expect("a pid"), Signal::KILL).expect("it lives");
}

#[tokio::test]
async fn it_starts_on_a_free_port_with_jetstream_and_stops_when_told() {
    let folder = folder();
    let child = start(folder.path()).await;
    let pid = child.pid().expect("it lives");
    assert!(answers(&child.url()));
    assert!(folder.path().join("jetstream").is_dir());
    let version = std::fs::read_to_string(folder.path().join("server-version")).expect("written");
    assert!(version.starts_with("2."), "{version}");
    child.stop(STOP_DEADLINE).await;
    assert!(!lives(pid));
}

#[tokio::test]
async fn two_children_in_two_folders_get_two_ports() {
    let (first_folder, second_folder) = (folder(), folder());
    let first = start(first_folder.path()).await;
    let second = start(second_folder.path()).await;
    assert_ne!(first.url(), second.url());
    first.stop(STOP_DEADLINE).await;
    assert!(answers(&second.url()));
}

#[tokio::test]
async fn killed_again_and_again_it_comes_back_on_the_same_port() {
    let folder = folder();
    let child = start(folder.path()).await;
    let url = child.url();
    for _ in 0..3 {
        let old = child.pid().expect("it lives");
        kill(old);
        wait_for("new child", || child.pid().filter(|pid| *pid != old));
        wait_for("answer", || answers(&url).then_some(()));
        assert_eq!(child.url(), url);
    }
    assert_eq!(child.starts(), 4);
    child.stop(STOP_DEADLINE).await;
}

#[tokio::test]
async fn a_restart_on_request_comes_back_on_the_same_port() {
    let folder = folder();
    let child = start(folder.path()).await;
    let old = child.pid().expect("it lives");
    child.restart();
    wait_for("new child", || child.pid().filter(|pid| *pid != old));
    wait_for("answer", || answers(&child.url()).then_some(()));
    child.stop(STOP_DEADLINE).await;
}

#[tokio::test]
async fn it_comes_back_after_its_folder_was_deleted_under_it() {
    let folder = folder();
    let store = folder.path().join("nats");
    let child = start(&store).await;
    let old = child.pid().expect("it lives");
    std::fs::remove_dir_all(&store).expect("deleted");
    kill(old);
    wait_for("answer", || answers(&child.url()).then_some(()));
    child.stop(STOP_DEADLINE).await;
}

#[tokio::test]
async fn dropping_it_ends_the_child() {
    let folder = folder();
    let child = start(folder.path()).await;
    let pid = child.pid().expect("it lives");
    drop(child);
    assert!(!lives(pid));
}

#[tokio::test]
async fn a_store_of_another_version_is_refused_and_left_as_it_is() {
    let folder = folder();
    start(folder.path()).await.stop(STOP_DEADLINE).await;
    let mark = folder.path().join("server-version");
    for other in ["1.4.0\n", "2.99.1\n", "rubbish\n"] {
        std::fs::write(&mark, other).expect("writable");
        let refusal = NatsChild::start(Path::new(PROGRAM), folder.path())
            .await
            .expect_err("another version");
        assert!(matches!(refusal, NatsError::OtherVersion { .. }));
        let message = refusal.to_string();
        assert!(message.contains(other.trim()), "{message}");
        assert!(message.contains("Delete the folder"), "{message}");
        assert_eq!(std::fs::read_to_string(&mark).expect("there"), other);
    }
    std::fs::remove_file(&mark).expect("deleted");
    let unknown = NatsChild::start(Path::new(PROGRAM), folder.path()).await;
    assert!(matches!(unknown, Err(NatsError::OtherVersion { .. })));
}

#[tokio::test]
async fn a_missing_program_is_named_with_the_way_to_install_it() {
    let folder = folder();
    let refusal = NatsChild::start(Path::new("no-such-nats-server"), folder.path())
        .await
        .expect_err("missing");
    let message = refusal.to_string();
    assert!(message.contains("no-such-nats-server"), "{message}");
    assert!(message.contains("apt-get install nats-server"), "{message}");
}

#[tokio::test]
async fn a_program_that_is_no_nats_server_is_refused() {
    let folder = folder();
    let refusal = NatsChild::start(Path::new("/bin/false"), folder.path())
        .await
        .expect_err("no nats-server");
    assert!(
        matches!(refusal, NatsError::NotRunnable { .. }),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_folder_in_use_is_refused_and_its_child_is_left_alone() {
    let folder = folder();
    let child = start(folder.path()).await;
    let second = NatsChild::start(Path::new(PROGRAM), folder.path()).await;
    assert!(matches!(second, Err(NatsError::InUse { .. })));
    assert!(answers(&child.url()));
    child.stop(STOP_DEADLINE).await;
}

#[tokio::test]
async fn a_server_left_by_an_earlier_process_is_ended_first() {
    let folder = folder();
    start(folder.path()).await.stop(STOP_DEADLINE).await;
    let mut stale = Command::new(PROGRAM)
        .arg("--config")
        .arg(
            folder
                .path()
                .canonicalize()
                .expect("there")
                .join("nats-server.conf"),
        )
        .args(["--addr", "127.0.0.1", "--port", "-1"])
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("starts");
    let pid_file = folder.path().join("nats-server.pid");
    let stale_pid = stale.id().to_string();
    wait_for("pid file", || {
        let text = std::fs::read_to_string(&pid_file).ok()?;
        (text.trim() == stale_pid).then_some(())
    });
    let child = start(folder.path()).await;
    let status = stale.wait().expect("ours");
    assert!(!status.success());
    assert!(answers(&child.url()));
    child.stop(STOP_DEADLINE).await;
}

/// Runs itself in a second process, which starts a child and is then killed.
#[tokio::test]
async fn a_killed_process_leaves_no_orphan() {
    if let Some(folder) = std::env::var_os(ORPHAN_FOLDER).map(PathBuf::from) {
        let child = start(&folder).await;
        let pid = child.pid().expect("it lives").to_string();
        std::fs::write(folder.join("child.new"), pid).expect("writable");
        std::fs::rename(folder.join("child.new"), folder.join("child")).expect("renamed");
        std::future::pending::<()>().await;
    }
    let folder = folder();
    let mut parent = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_killed_process_leaves_no_orphan"])
        .env(ORPHAN_FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let child_pid: u32 = wait_for("child", || {
        let text = std::fs::read_to_string(folder.path().join("child")).ok()?;
        text.parse().ok()
    });
    assert!(lives(child_pid));
    parent.kill().expect("SIGKILL");
    parent.wait().expect("ours");
    wait_for("end of the child", || (!lives(child_pid)).then_some(()));
}
