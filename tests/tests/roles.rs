//! Every role its own process, on an event store and a bus of their own: the record is reached with the official client.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;
use terrarium_tests::{Outcome, Park, command, processes, repository, run, wait};

const WITHIN: Duration = Duration::from_secs(90);
const DEMO: &str = "demo";

/// A process that is killed when its test ends.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path) -> Process {
        let log = File::create(log).expect("a log file");
        let errors = log.try_clone().expect("the log file again");
        Process(
            command
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(errors)
                .spawn()
                .expect("the program starts"),
        )
    }

    fn kill(&mut self) {
        processes::kill(self.0.id());
        self.0.wait().expect("it was ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// The processes of one park, each with a data folder of its own.
struct Cluster {
    folder: TempDir,
    store_port: u16,
    nats_port: u16,
    store: Process,
    _nats: Process,
    roles: Vec<(&'static str, Process)>,
}

impl Cluster {
    fn start() -> Cluster {
        let folder = TempDir::new().expect("a temporary folder");
        let (store_port, nats_port) = (free_port(), free_port());
        let mut nats = Command::new("nats-server");
        nats.args([
            "-js",
            "-a",
            "127.0.0.1",
            "-p",
            &nats_port.to_string(),
            "-sd",
        ])
        .arg(folder.path().join("nats"));
        let nats = Process::start(&mut nats, &folder.path().join("nats.log"));
        let store = start_store(folder.path(), store_port);
        let mut cluster = Cluster {
            folder,
            store_port,
            nats_port,
            store,
            _nats: nats,
            roles: Vec::new(),
        };
        for role in ["recorder", "projector", "energy", "carbon"] {
            let process = cluster.start_role(role);
            cluster.roles.push((role, process));
        }
        cluster
    }

    fn data(&self, role: &str) -> PathBuf {
        self.folder.path().join(role)
    }

    fn start_role(&self, role: &str) -> Process {
        let mut serve = command();
        serve
            .args(["serve", role, "--listen", "127.0.0.1:0", "--eventstore"])
            .arg(format!("esdb://127.0.0.1:{}?tls=false", self.store_port))
            .args([
                "--nats-url",
                &format!("nats://127.0.0.1:{}", self.nats_port),
            ])
            .arg("--data")
            .arg(self.data(role));
        if role == "carbon" {
            serve
                .arg("--park")
                .arg(repository().join("deploy/parks/demo.toml"));
        }
        // One that was killed leaves its endpoint behind.
        let endpoint = self.data(role).join("endpoint.json");
        let _ = std::fs::remove_file(&endpoint);
        let log = self.folder.path().join(format!("{role}.log"));
        let process = Process::start(&mut serve, &log);
        wait::until(WITHIN, &format!("{role} to listen"), || {
            endpoint.exists().then_some(())
        });
        process
    }

    fn restart_role(&mut self, role: &'static str) {
        let place = self
            .roles
            .iter()
            .position(|(name, _)| *name == role)
            .expect("it runs");
        self.roles[place].1.kill();
        self.roles[place].1 = self.start_role(role);
    }

    fn restart_store(&mut self) {
        self.store.kill();
        self.store = start_store(self.folder.path(), self.store_port);
    }

    fn cli(&self, role: &str, words: &[&str]) -> Outcome {
        run(command().arg("--data").arg(self.data(role)).args(words))
    }

    fn state(&self) -> Json {
        self.cli("projector", &["status", "--format", "json"])
            .expect_code(0)
            .json()
    }
}

fn start_store(folder: &Path, port: u16) -> Process {
    let mut serve = command();
    serve
        .args(["eventstore", "serve", "--listen"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("--data")
        .arg(folder.join("store"));
    Process::start(&mut serve, &folder.join("store.log"))
}

fn readings() -> String {
    let file = repository().join("tests/data/demo/readings.csv");
    file.to_string_lossy().into_owned()
}

/// Sends the demo park's factors and readings, again after an outage, as people do.
fn import(cli: impl Fn(&str, &[&str]) -> Outcome) {
    for set in ["demo.toml", "demo-hourly.toml"] {
        let file = repository().join("deploy/factors").join(set);
        let file = file.to_string_lossy().into_owned();
        wait::until(WITHIN, "the factors to be recorded", || {
            let sent = cli("carbon", &["import", "factors", &file, "--park", DEMO]);
            (sent.code == 0).then_some(())
        });
    }
    wait::until(WITHIN, "the readings to be recorded", || {
        let sent = cli(
            "energy",
            &["import", "readings", &readings(), "--park", DEMO],
        );
        (sent.code == 0).then_some(())
    });
}

#[test]
fn roles_that_are_killed_in_turn_record_and_project_the_same_as_one_process_that_is_not() {
    let mut park = Park::of_demo();
    park.start();
    import(|_, words| park.cli(words));
    let events = readings_of(
        &park
            .cli(&["status", "--format", "json"])
            .expect_code(0)
            .json(),
    );
    let undisturbed = wait::until(WITHIN, "the park to be projected", || {
        let state = park
            .cli(&["status", "--format", "json"])
            .expect_code(0)
            .json();
        (readings_of(&state) >= events && events > 0).then_some(state)
    });
    park.stop();

    let mut cluster = Cluster::start();
    import(|role, words| cluster.cli(role, words));
    for victim in ["store", "recorder", "projector", "energy", "carbon"] {
        match victim {
            "store" => cluster.restart_store(),
            role => cluster.restart_role(role),
        }
        // Everything again: nothing of it is new.
        import(|role, words| cluster.cli(role, words));
    }
    let state = wait::until(WITHIN, "the cluster's park to be projected", || {
        let state = cluster.state();
        (readings_of(&state) >= readings_of(&undisturbed)).then_some(state)
    });
    assert_eq!(readings_of(&state), readings_of(&undisturbed));
    assert_eq!(state["content_hash"], undisturbed["content_hash"]);
    assert_eq!(state["events"], undisturbed["events"]);
    cluster.store.kill();
    cluster
        .cli("store", &["eventstore", "check"])
        .expect_code(0);
}

fn readings_of(state: &Json) -> u64 {
    state["parks"][0]["readings"]
        .as_u64()
        .or_else(|| state["parks"][0]["readings"].as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("no readings in {state}"))
}
