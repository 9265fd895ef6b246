//! What the operating system says about processes (Linux: `/proc`).

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Sends SIGKILL. False when there is no such process any more.
pub fn kill(pid: u32) -> bool {
    send(pid, Signal::KILL)
}

/// Sends a signal. False when there is no such process any more.
pub fn send(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a pid is above zero");
    kill_process(pid, signal).is_ok()
}

/// The living nats-servers whose command line names a path under `folder`.
pub fn nats_servers_under(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let folder = folder.to_string_lossy();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is readable").flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // Empty for a process that is dead and only not waited for yet.
        let Ok(words) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let words = String::from_utf8_lossy(&words);
        if words.contains("nats-server") && words.contains(&*folder) {
            found.push(pid);
        }
    }
    found
}

/// A number of `/proc/PID/status` in bytes, such as `VmRSS`, or `VmHWM` for the highest it ever was.
pub fn memory_bytes(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of processor time that a process has used.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the command's name, which may hold spaces: state is field 3, utime 14, stime 15, in ticks of 1/100 s.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}
