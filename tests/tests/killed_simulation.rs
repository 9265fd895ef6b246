//! The server is killed inside bundles of reports while a simulation runs, and the simulator with it: the record is the same as
//! if nothing had happened, recorded times and alarms included.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use terrarium_proto::clock::v1::GetNowRequest;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_proto::ledger::v1::GetStateRequest;
use terrarium_tests::haotian::{FROM, PARK};
use terrarium_tests::record::{assert_same, lines_of};
use terrarium_tests::{Clients, Park, command, repository};

const TO: &str = "2025-06-01T20:00:00+08:00";
/// A silent meter, late reports and a stuck value: alarms are raised and cleared.
const FAULTS: [&str; 3] = [
    "grid.import:dropout=1@2025-05-31T20:00:00Z..2025-06-01T05:00:00Z",
    "canopy.pv-2:late=9000@2025-06-01T01:00:00Z..2025-06-01T03:00:00Z",
    "bin-3:stuck@2025-06-01T00:00:00Z..2025-06-01T09:00:00Z",
];
/// A debug build on a busy machine needs a while for 80 steps and seven starts.
const RUN_WITHIN: Duration = Duration::from_secs(600);

/// When in a bundle the server is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So many events after its reports began to come.
    Reports(u64),
    /// While it is decided what became due.
    Decisions,
}

/// A server that is found at the same place when it is started again.
fn park_at_a_place_of_its_own() -> Park {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let mut park = Park::new(&[]).with_flags(&["--listen", &place]);
    park.start();
    park
}

/// A simulator that does not outlive a test that fails: it would go on trying to reach its server.
struct Simulation(Child);

impl Simulation {
    fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("our own child").is_some()
    }

    fn expect_good_end(mut self) {
        let status = self.0.wait().expect("our own child");
        assert!(status.success(), "`terrarium simulate` ended with {status}");
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `terrarium simulate`; it goes on while the server is away.
fn simulation(data: &Path) -> Simulation {
    let mut simulate = command();
    let file = repository().join("deploy/parks/haotian.toml");
    simulate.arg("simulate").arg("--data").arg(data);
    simulate.arg("--park").arg(file).args([
        "--from",
        FROM,
        "--to",
        TO,
        "--batch",
        "--together",
        "32",
        "--retry-for",
        "300",
    ]);
    for fault in FAULTS {
        simulate.args(["--fault", fault]);
    }
    simulate.stdin(Stdio::null()).stdout(Stdio::null());
    Simulation(simulate.spawn().expect("the program can be run"))
}

async fn events(clients: &Clients) -> u64 {
    let request = GetStateRequest { hashes: false };
    let state = clients.ledger.clone().get_state(request).await;
    state.expect("the state").into_inner().events
}

/// From when the newest bundle is open, and until when it is decided; `None`: none is open.
async fn open_bundle(clients: &Clients) -> Option<(i64, i64)> {
    let request = GetNowRequest { park: PARK.into() };
    let answer = ClockServiceClient::new(clients.channel.clone())
        .get_now(request)
        .await;
    // Not found: it is not defined yet.
    let now = answer.ok()?.into_inner();
    let (now_ms, decided_ms) = (now.now_ms?, now.decided_until_ms?);
    (decided_ms < now_ms).then_some((now_ms, decided_ms))
}

/// Waits for a moment inside a bundle and kills the server then. False: the simulation ended before.
async fn kill_inside_a_bundle(
    park: &mut Park,
    simulation: &mut Simulation,
    moment: Moment,
) -> bool {
    let clients = park.clients().await;
    let started = Instant::now();
    let mut began: Option<(i64, i64, u64)> = None;
    loop {
        assert!(started.elapsed() < RUN_WITHIN, "no bundle was open in time");
        if simulation.has_ended() {
            return false;
        }
        let Some((now_ms, decided_ms)) = open_bundle(&clients).await else {
            began = None;
            continue;
        };
        let (_, decided_before_ms, events_before) = match began {
            Some(began) if began.0 == now_ms => began,
            _ => *began.insert((now_ms, decided_ms, events(&clients).await)),
        };
        let is_now = match moment {
            Moment::Reports(count) => events(&clients).await >= events_before + count,
            Moment::Decisions => decided_ms > decided_before_ms,
        };
        if is_now {
            park.kill();
            return true;
        }
    }
}

async fn record_and_content(park: &Park) -> (Vec<String>, String) {
    let position = park.state().position.expect("a record");
    let content = park.state_at(position).content_hash;
    (lines_of(park, PARK).await, content)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_inside_bundles_leaves_the_same_record() {
    let undisturbed = park_at_a_place_of_its_own();
    simulation(undisturbed.data()).expect_good_end();
    let (lines, content) = record_and_content(&undisturbed).await;
    assert!(
        lines.iter().any(|line| line.contains("AlarmRaisedV1")),
        "no alarm was raised"
    );

    let mut park = park_at_a_place_of_its_own();
    let mut running = simulation(park.data());
    let mut kills = 0;
    for moment in [
        Moment::Reports(0),
        Moment::Reports(60),
        Moment::Decisions,
        Moment::Reports(400),
        Moment::Reports(200),
        Moment::Decisions,
    ] {
        if kill_inside_a_bundle(&mut park, &mut running, moment).await {
            kills += 1;
            park.start();
        }
    }
    running.expect_good_end();
    assert!(kills >= 3, "only {kills} kills inside a bundle");
    let (killed_lines, killed_content) = record_and_content(&park).await;
    assert_same(&lines, &killed_lines, "undisturbed and server killed");
    assert_eq!(killed_content, content);

    let mut park = park_at_a_place_of_its_own();
    let mut kills = 0;
    for moment in [Moment::Reports(30), Moment::Decisions, Moment::Reports(300)] {
        let mut running = simulation(park.data());
        if kill_inside_a_bundle(&mut park, &mut running, moment).await {
            kills += 1;
            drop(running);
            park.start();
        } else {
            running.expect_good_end();
        }
    }
    simulation(park.data()).expect_good_end();
    assert!(kills >= 2, "only {kills} kills of both inside a bundle");
    let (killed_lines, killed_content) = record_and_content(&park).await;
    assert_same(&lines, &killed_lines, "undisturbed and both killed");
    assert_eq!(killed_content, content);
}
