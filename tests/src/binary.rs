//! Where the program under test and the repository's files are, and running a command to its end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

/// The program under test: `TERRARIUM_BIN`, or `terrarium` in the folder that cargo builds into.
///
/// # Panics
/// When it is not there, saying how to build it.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TERRARIUM_BIN") {
        let path = PathBuf::from(path);
        assert!(
            path.is_file(),
            "TERRARIUM_BIN names {}, which is no file",
            path.display()
        );
        return path;
    }
    let own = std::env::current_exe().expect("a running program has a path");
    // A test lies in target/release/deps, a program in target/release.
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("terrarium"))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no `terrarium` near {}: build it first with `cargo build --release -p terrarium`, or name it with \
             TERRARIUM_BIN",
            own.display()
        )
    })
}

/// The viewer under test: `TERRARIUM_VIEWER_BIN`, or `twin-viewer` in the folder that cargo builds into.
///
/// # Panics
/// When it is not there, saying how to build it.
pub fn viewer_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TERRARIUM_VIEWER_BIN") {
        return PathBuf::from(path);
    }
    let own = std::env::current_exe().expect("a running program has a path");
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("twin-viewer"))
        .find(|path| path.is_file());
    found.expect(
        "there is no `twin-viewer` beside the tests: build it with `cargo build --release --workspace --bin twin-viewer`, or \
         name it with TERRARIUM_VIEWER_BIN",
    )
}

/// Root of the repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests lies in the repository")
        .to_owned()
}

/// Folder of the ten homes' year, if it is there.
///
/// # Panics
/// With `CI=true` when it is not there.
pub fn zne_homes_folder() -> Option<PathBuf> {
    shared_folder(
        "TERRARIUM_ZNE_HOMES",
        "zne-homes",
        "readings.csv",
        "readings of the ten homes",
    )
}

/// Folder of one grid's marginal emissions in three releases, if it is there.
///
/// # Panics
/// With `CI=true` when it is not there.
pub fn avert_te_folder() -> Option<PathBuf> {
    shared_folder(
        "TERRARIUM_AVERT_TE",
        "avert-te",
        "marginal_co2_2023.csv",
        "marginal emissions",
    )
}

fn shared_folder(variable: &str, name: &str, file: &str, what: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os(variable) {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("../shared/data").join(name),
    };
    if folder.join(file).is_file() {
        return Some(folder);
    }
    let message = format!(
        "no {what} in {}; name their folder with {variable}",
        folder.display()
    );
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
    println!("left out: {message}");
    None
}

/// The program with nothing of our own environment that it would take for settings.
pub fn command() -> Command {
    clean(Command::new(binary()))
}

fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("TERRARIUM_") || text.starts_with("OTEL_") || text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
    command
}

/// What a command ended with.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The command line, for messages.
    pub line: String,
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Passes if the exit code is this one.
    ///
    /// # Panics
    /// Otherwise, with all that was printed.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Outcome {
        assert_eq!(
            self.code, code,
            "exit code of `{}`\nstdout: {}\nstderr: {}",
            self.line, self.stdout, self.stderr
        );
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "`{}` printed no JSON ({error}): {}{}",
                self.line, self.stdout, self.stderr
            )
        })
    }

    /// Standard output as one JSON value per line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Json> {
        let read = |line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("`{}` printed no JSON ({error}): {line}", self.line))
        };
        self.stdout.lines().map(read).collect()
    }

    /// Passes if standard error says all of this.
    #[track_caller]
    pub fn expect_said(self, parts: &[&str]) -> Outcome {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "`{}` does not say {part:?} but: {}{}",
                self.line,
                self.stderr,
                self.stdout
            );
        }
        self
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Outcome {
    run_with_input(command, "")
}

/// Runs a command to its end with this on its standard input.
pub fn run_with_input(command: &mut Command, input: &str) -> Outcome {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for word in command.get_args() {
        line.push(' ');
        line.push_str(&word.to_string_lossy());
    }
    let spawned = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("can't run `{line}`: {error}"));
    if let Some(mut stdin) = child.stdin.take() {
        // A command that ends without reading closes the pipe; its exit code tells what happened.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .unwrap_or_else(|error| panic!("`{line}` failed: {error}"));
    Outcome {
        line,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
