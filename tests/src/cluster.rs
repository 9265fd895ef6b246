//! Every role its own process, on an event store and a bus of their own: the shape of a cluster, on one machine.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::binary::{Outcome, command, repository, run};
use crate::clients::{Clients, connect};
use crate::park::{State, state_of};
use crate::{nats, processes, wait};

const START_WITHIN: Duration = Duration::from_secs(90);
/// Less than what the store would wait for clients that take no answer.
const STOP_WITHIN: Duration = Duration::from_secs(8);
const NATS_PASSWORD: &str = "bus0secret";
const STORE_PASSWORD: &str = "store0secret";

/// A process that is killed when its test ends.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path) -> Process {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
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

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        processes::kill(self.0.id());
        self.0.wait().expect("it was ours");
    }

    /// SIGSTOP: it does nothing any more, and does not know.
    pub fn pause(&self) {
        assert!(processes::send(self.0.id(), Signal::STOP), "it runs");
    }

    /// SIGCONT: it goes on where it was.
    pub fn wake(&self) {
        assert!(processes::send(self.0.id(), Signal::CONT), "it is there");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a cluster is made of.
pub struct ClusterPlan {
    /// Park files, which the carbon role defines.
    pub parks: Vec<PathBuf>,
    /// Three NATS servers of the current release that keep each commit on all of them; otherwise one of the system's.
    pub bus_of_three: bool,
    /// TLS, names and passwords at the bus and at the store.
    pub is_guarded: bool,
    /// Name of each process and the role that it serves.
    pub roles: Vec<(&'static str, &'static str)>,
}

impl ClusterPlan {
    /// A park on one NATS server in plain text, with these roles.
    pub fn of(park: &str, roles: &[&'static str]) -> ClusterPlan {
        ClusterPlan {
            parks: vec![repository().join("deploy/parks").join(park)],
            bus_of_three: false,
            is_guarded: false,
            roles: roles.iter().map(|role| (*role, *role)).collect(),
        }
    }
}

/// The processes of one park, each with a data folder of its own. All are killed when it is dropped.
pub struct Cluster {
    folder: TempDir,
    plan: ClusterPlan,
    nats_program: PathBuf,
    /// Client, cluster and monitoring port of each server.
    nats_ports: Vec<[u16; 3]>,
    store_port: u16,
    store: Process,
    nats: Vec<Process>,
    roles: Vec<(&'static str, &'static str, Process)>,
}

impl Cluster {
    /// Starts all of it and waits until every process listens.
    ///
    /// # Panics
    /// When one does not, with its log.
    pub fn start(plan: ClusterPlan) -> Cluster {
        let folder = TempDir::new().expect("a temporary folder");
        let servers = if plan.bus_of_three { 3 } else { 1 };
        let nats_program = if plan.bus_of_three {
            nats::current_server()
        } else {
            PathBuf::from("nats-server")
        };
        if plan.is_guarded {
            let mut create = command();
            create.args(["ca", "create", "--host", "127.0.0.1", "--folder"]);
            run(create.arg(folder.path().join("tls"))).expect_code(0);
            let users = format!("admin:{STORE_PASSWORD}\n");
            fs::write(folder.path().join("users"), users).expect("writable");
        }
        let nats_ports: Vec<[u16; 3]> = (0..servers)
            .map(|_| [free_port(), free_port(), free_port()])
            .collect();
        let store_port = free_port();
        let store = start_store(folder.path(), store_port, plan.is_guarded);
        let mut cluster = Cluster {
            folder,
            plan,
            nats_program,
            nats_ports,
            store_port,
            store,
            nats: Vec::new(),
            roles: Vec::new(),
        };
        for server in 0..servers {
            let process = cluster.start_nats_process(server);
            cluster.nats.push(process);
        }
        cluster.await_bus();
        // All at once, as on a machine that comes up: none may count on another being there before it.
        for (name, role) in cluster.plan.roles.clone() {
            let process = cluster.spawn_role_process(name, role);
            cluster.roles.push((name, role, process));
        }
        for (name, _, process) in &mut cluster.roles {
            await_role(cluster.folder.path(), name, process);
        }
        cluster
    }

    /// A file of the cluster beside the data folders.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Data folder of a role's process, or of `store`.
    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Number of NATS servers.
    pub fn nats_servers(&self) -> usize {
        self.nats.len()
    }

    /// How the roles reach the store.
    pub fn store_url(&self) -> String {
        let port = self.store_port;
        if self.plan.is_guarded {
            let authority = self.data("tls").join("ca.pem");
            format!(
                "esdb://admin:{STORE_PASSWORD}@127.0.0.1:{port}?tls=true&tlsCaFile={}",
                authority.display()
            )
        } else {
            format!("esdb://127.0.0.1:{port}?tls=false")
        }
    }

    fn nats_url(&self) -> String {
        let urls: Vec<String> = self
            .nats_ports
            .iter()
            .map(|[port, ..]| {
                if self.plan.is_guarded {
                    format!("tls://terrarium:{NATS_PASSWORD}@127.0.0.1:{port}")
                } else {
                    format!("nats://127.0.0.1:{port}")
                }
            })
            .collect();
        urls.join(",")
    }

    /// Starts another process of a role.
    pub fn add_role(&mut self, name: &'static str, role: &'static str) {
        let process = self.start_role_process(name, role);
        self.roles.push((name, role, process));
    }

    fn start_role_process(&self, name: &str, role: &str) -> Process {
        let mut process = self.spawn_role_process(name, role);
        await_role(self.folder.path(), name, &mut process);
        process
    }

    fn spawn_role_process(&self, name: &str, role: &str) -> Process {
        let mut serve = command();
        serve.args(["serve", role, "--listen", "127.0.0.1:0", "--eventstore"]);
        serve
            .arg(self.store_url())
            .arg("--data")
            .arg(self.data(name));
        serve.args(["--nats-url", &self.nats_url()]);
        serve.args(["--nats-replicas", &self.nats_ports.len().to_string()]);
        if self.plan.is_guarded {
            serve.arg("--nats-ca").arg(self.data("tls").join("ca.pem"));
        }
        if role == "carbon" {
            serve.arg("--park").args(&self.plan.parks);
        }
        // One that was killed leaves its endpoint behind.
        let endpoint = self.data(name).join("endpoint.json");
        let _ = fs::remove_file(&endpoint);
        Process::start(&mut serve, &self.log(name))
    }

    /// What a process printed, over all its starts.
    pub fn log(&self, name: &str) -> PathBuf {
        log_in(self.folder.path(), name)
    }

    /// The process of a role.
    pub fn role(&mut self, name: &str) -> &mut Process {
        let found = self.roles.iter_mut().find(|(known, ..)| *known == name);
        &mut found.unwrap_or_else(|| panic!("there is no {name}")).2
    }

    /// SIGKILL, then starts it again.
    pub fn restart_role(&mut self, name: &str) {
        let place = self
            .roles
            .iter()
            .position(|(known, ..)| *known == name)
            .unwrap_or_else(|| panic!("there is no {name}"));
        self.roles[place].2.kill();
        self.roles[place].2 = self.start_role_process(name, self.roles[place].1);
    }

    /// SIGKILL to the store.
    pub fn kill_store(&mut self) {
        self.store.kill();
    }

    /// SIGTERM to the store, whose clients have calls open that never end by themselves; it must end well and soon.
    pub fn stop_store(&mut self) {
        assert!(processes::send(self.store.pid(), Signal::TERM), "it runs");
        let status = wait::until(STOP_WITHIN, "the store ends after SIGTERM", || {
            self.store.0.try_wait().expect("it was ours")
        });
        assert_eq!(status.code(), Some(0), "the store after SIGTERM: {status}");
    }

    /// Starts a store that was killed.
    pub fn start_store(&mut self) {
        self.store = start_store(self.folder.path(), self.store_port, self.plan.is_guarded);
    }

    /// SIGKILL to the store, then starts it again.
    pub fn restart_store(&mut self) {
        self.kill_store();
        self.start_store();
    }

    /// The store's process.
    pub fn store(&self) -> &Process {
        &self.store
    }

    /// SIGKILL to one NATS server, then starts it again on what it kept. Waits until the bus is whole again, so that never
    /// more than one is missing.
    pub fn restart_nats(&mut self, server: usize) {
        self.nats[server].kill();
        self.nats[server] = self.start_nats_process(server);
        self.await_bus();
    }

    fn start_nats_process(&self, server: usize) -> Process {
        let name = format!("nats-{server}");
        let configuration = self.scratch(&format!("{name}.conf"));
        fs::write(&configuration, self.nats_configuration(server)).expect("writable");
        let mut nats = Command::new(&self.nats_program);
        nats.arg("-c").arg(&configuration);
        Process::start(&mut nats, &self.log(&name))
    }

    /// As deploy/nats/nats.conf, with the ports and folders of one machine.
    fn nats_configuration(&self, server: usize) -> String {
        let [client, cluster, monitoring] = self.nats_ports[server];
        let folder = self.scratch(&format!("nats-{server}"));
        let tls = self.data("tls");
        let tls = format!(
            "cert_file: \"{0}/server.pem\"\n key_file: \"{0}/server-key.pem\"\n ca_file: \"{0}/ca.pem\"",
            tls.display()
        );
        let mut text = format!(
            "server_name: nats-{server}\nlisten: \"127.0.0.1:{client}\"\nhttp: \"127.0.0.1:{monitoring}\"\n\
             jetstream {{ store_dir: \"{}\", max_memory_store: 64MB, max_file_store: 1GB }}\n",
            folder.display()
        );
        if self.plan.is_guarded {
            text += &format!(
                "tls {{\n {tls}\n}}\nauthorization {{ user: terrarium, password: {NATS_PASSWORD} }}\n"
            );
        }
        if self.nats_ports.len() > 1 {
            let routes: Vec<String> = self
                .nats_ports
                .iter()
                .map(|[_, port, _]| format!("\"nats://127.0.0.1:{port}\""))
                .collect();
            let members = if self.plan.is_guarded {
                format!(" tls {{\n {tls}\n verify: true\n }}\n")
            } else {
                String::new()
            };
            text += &format!(
                "cluster {{\n name: terrarium\n listen: \"127.0.0.1:{cluster}\"\n{members} routes: [{}]\n}}\n",
                routes.join(", ")
            );
        }
        text
    }

    /// Every server answers that its JetStream is healthy, with all its streams level.
    fn await_bus(&self) {
        for (server, [_, _, monitoring]) in self.nats_ports.iter().enumerate() {
            wait::until(START_WITHIN, &format!("nats-{server} is healthy"), || {
                nats::is_healthy(*monitoring).then_some(())
            });
        }
    }

    /// Runs a client command on the data folder of a role's process.
    pub fn cli(&self, name: &str, words: &[&str]) -> Outcome {
        run(command().arg("--data").arg(self.data(name)).args(words))
    }

    /// What `terrarium status` of the projector tells.
    pub fn state(&self) -> State {
        let status = self.cli("projector", &["status", "--format", "json"]);
        state_of(&status.expect_code(0).json())
    }

    /// gRPC clients of a role's process.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn clients(&self, name: &str) -> Clients {
        let url = self.url(name).expect("it listens");
        connect(&url)
            .await
            .unwrap_or_else(|error| panic!("can't connect to {url}: {error}"))
    }

    /// Where a role's process listens, or listened before it was killed.
    pub fn url(&self, name: &str) -> Option<String> {
        url_in(&self.data(name))
    }
}

fn log_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

/// Waits until a role's process listens.
fn await_role(folder: &Path, name: &str, process: &mut Process) {
    let endpoint = folder.join(name).join("endpoint.json");
    wait::until(START_WITHIN, &format!("{name} listens"), || {
        assert!(
            process.is_running(),
            "{name} ended instead of starting:\n{}",
            fs::read_to_string(log_in(folder, name)).unwrap_or_default()
        );
        endpoint.exists().then_some(())
    });
}

/// URL of the server of a data folder.
pub fn url_in(data: &Path) -> Option<String> {
    let text = fs::read_to_string(data.join("endpoint.json")).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(json["grpc"].as_str()?.to_owned())
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

fn start_store(folder: &Path, port: u16, is_guarded: bool) -> Process {
    let mut serve = command();
    serve
        .args(["eventstore", "serve", "--listen"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("--data")
        .arg(folder.join("store"));
    if is_guarded {
        serve
            .arg("--tls-certificate")
            .arg(folder.join("tls/server.pem"))
            .arg("--tls-key")
            .arg(folder.join("tls/server-key.pem"))
            .arg("--users")
            .arg(folder.join("users"));
    }
    Process::start(&mut serve, &folder.join("store.log"))
}
