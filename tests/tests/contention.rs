//! Two replicas of the carbon service, each its own process, and callers who all want to retire the same few credits, while the
//! bus, the recorder and the store are killed: each credit is retired once, and every OK names the event that says so.
//!
//! 10,000 commands with `TERRARIUM_TEST_LONG=1`, fewer otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_tests::{Cluster, ClusterPlan, Seed, connect, feed, is_long, repository, wait};
use tonic::transport::Channel;
use tonic::{Code, Status};

const PARK: &str = "demo";
const REPLICAS: [&str; 2] = ["carbon", "carbon-2"];
const SERIALS: usize = 100;
const CALLERS: usize = 16;
const WITHIN: Duration = Duration::from_secs(300);
const RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETIRED: &str = "terrarium.carbon.v1.InstrumentRetiredV1";

#[derive(Clone, Copy, Debug)]
enum Strike {
    Nats(usize),
    Recorder,
    Store,
    Replica(&'static str),
}

/// What became of the commands.
#[derive(Debug, Default)]
struct Tally {
    retired: u64,
    already_so: u64,
    refused: u64,
    sent_again: BTreeMap<String, u64>,
}

/// An OK: the serial, the period that it was retired for, and the position that the answer named.
struct Granted {
    serial: usize,
    purpose: String,
    position: u64,
    is_new: bool,
}

fn serial(number: usize) -> String {
    format!("CN-11/2025:{number:04}")
}

fn at(minute: usize) -> String {
    format!("2026-03-01T{:02}:{:02}:00+08:00", minute / 60, minute % 60)
}

async fn service(cluster: &Cluster, name: &str) -> CarbonServiceClient<Channel> {
    CarbonServiceClient::new(cluster.clients(name).await.channel)
}

async fn issue_and_hold(cluster: &Cluster) {
    let mut service = service(cluster, REPLICAS[0]).await;
    for number in 0..SERIALS {
        let issue = carbon::IssueInstrumentRequest {
            park: PARK.into(),
            registry: "ccer".into(),
            serial: serial(number),
            kind: carbon::InstrumentKind::Credit.into(),
            amount: 1_000_000,
            vintage_from: "2024-01-01T00:00:00+08:00".into(),
            vintage_to: "2025-01-01T00:00:00+08:00".into(),
            time: at(0),
            project: "an afforestation project".into(),
            ..carbon::IssueInstrumentRequest::default()
        };
        service.issue_instrument(issue).await.expect("issued");
        let hold = carbon::HoldInstrumentRequest {
            park: PARK.into(),
            registry: "ccer".into(),
            serial: serial(number),
            time: at(1),
            acquired_from: "exchange".into(),
            client_request_id: String::new(),
        };
        service.hold_instrument(hold).await.expect("held");
    }
}

/// Sends one command until it is answered for good, to one replica and then the other.
async fn retire(
    urls: &[std::path::PathBuf],
    connections: &mut [Option<Channel>],
    request: &carbon::RetireInstrumentRequest,
    mut replica: usize,
    tally: &mut Tally,
) -> Result<carbon::RetireInstrumentResponse, Status> {
    let started = Instant::now();
    loop {
        let place = replica % urls.len();
        replica += 1;
        if connections[place].is_none() {
            let url = terrarium_tests::cluster::url_in(&urls[place]);
            connections[place] = match url {
                Some(url) => connect(&url).await.ok().map(|clients| clients.channel),
                None => None,
            };
        }
        let trouble = match &connections[place] {
            None => "not connected".to_owned(),
            Some(channel) => {
                let answer = CarbonServiceClient::new(channel.clone())
                    .retire_instrument(request.clone())
                    .await;
                match answer {
                    Ok(answer) => return Ok(answer.into_inner()),
                    Err(status) => {
                        let is_broken = std::error::Error::source(&status).is_some();
                        if is_broken {
                            connections[place] = None;
                        }
                        let may_pass = [Code::Unavailable, Code::Aborted, Code::Cancelled];
                        if !is_broken && !may_pass.contains(&status.code()) {
                            return Err(status);
                        }
                        if is_broken {
                            "broken connection".to_owned()
                        } else {
                            format!("{:?}", status.code())
                        }
                    }
                }
            }
        };
        *tally.sent_again.entry(trouble).or_default() += 1;
        assert!(started.elapsed() < WITHIN, "no answer in time: {request:?}");
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// One caller's share of the commands, one after the other.
async fn call(
    caller: usize,
    commands: usize,
    urls: Vec<std::path::PathBuf>,
    mut seed: Seed,
    done: Arc<AtomicUsize>,
) -> (Tally, Vec<Granted>) {
    let mut tally = Tally::default();
    let mut granted = Vec::new();
    let mut connections: Vec<Option<Channel>> = vec![None; urls.len()];
    for command in 0..commands {
        let number = seed.below(SERIALS as u64) as usize;
        let purpose = format!("caller {caller}, command {command}");
        let request = carbon::RetireInstrumentRequest {
            park: PARK.into(),
            registry: "ccer".into(),
            serial: serial(number),
            // Each wants something of its own, so that only one can have it.
            time: at(2 + (caller * 61 + command) % 1_200),
            period: "2025".into(),
            purpose: purpose.clone(),
            client_request_id: purpose.clone(),
            ..carbon::RetireInstrumentRequest::default()
        };
        let replica = seed.below(2) as usize;
        match retire(&urls, &mut connections, &request, replica, &mut tally).await {
            Ok(answer) => {
                *(if answer.recorded {
                    &mut tally.retired
                } else {
                    &mut tally.already_so
                }) += 1;
                granted.push(Granted {
                    serial: number,
                    purpose,
                    position: answer.recorded_position,
                    is_new: answer.recorded,
                });
            }
            Err(status) => {
                assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
                assert!(status.message().contains("is retired since"), "{status}");
                tally.refused += 1;
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    (tally, granted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_want_to_retire_a_credit_one_does_and_every_ok_names_its_event() {
    let mut seed = Seed::from_environment("contention");
    let commands = if is_long() { 10_000 } else { 2_000 };
    let mut cluster = Cluster::start(ClusterPlan {
        parks: vec![repository().join("deploy/parks/demo.toml")],
        bus_of_three: true,
        is_guarded: false,
        roles: vec![
            ("recorder", "recorder"),
            ("projector", "projector"),
            (REPLICAS[0], "carbon"),
            (REPLICAS[1], "carbon"),
        ],
    });
    issue_and_hold(&cluster).await;

    let done = Arc::new(AtomicUsize::new(0));
    let urls: Vec<_> = REPLICAS.iter().map(|name| cluster.data(name)).collect();
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (urls, seed, done) = (urls.clone(), seed.split(), Arc::clone(&done));
            tokio::spawn(call(caller, commands / CALLERS, urls, seed, done))
        })
        .collect();

    let mut strikes = vec![
        Strike::Recorder,
        Strike::Nats(0),
        Strike::Store,
        Strike::Nats(1),
        Strike::Replica(REPLICAS[0]),
        Strike::Nats(2),
        Strike::Recorder,
        Strike::Replica(REPLICAS[1]),
    ];
    seed.shuffle(&mut strikes);
    // Most credits are gone after the first few commands each, so the first strikes come at once.
    let sent = commands / CALLERS * CALLERS;
    let mut moments: Vec<usize> = (0..strikes.len())
        .map(|place| match place {
            0..4 => seed.below(SERIALS as u64) as usize,
            _ => seed.below(sent as u64 * 9 / 10) as usize,
        })
        .collect();
    moments.sort_unstable();
    for (strike, moment) in strikes.iter().zip(moments) {
        wait::until(WITHIN, "the callers get to the next moment", || {
            (done.load(Ordering::Relaxed) >= moment).then_some(())
        });
        println!(
            "{:7.2} s, {:5} answered: {strike:?}",
            started.elapsed().as_secs_f64(),
            done.load(Ordering::Relaxed)
        );
        match strike {
            Strike::Nats(server) => cluster.restart_nats(*server),
            Strike::Recorder => cluster.restart_role("recorder"),
            Strike::Store => cluster.restart_store(),
            Strike::Replica(name) => cluster.restart_role(name),
        }
    }

    let mut tally = Tally::default();
    let mut granted = Vec::new();
    for caller in callers {
        let (own, oks) = tokio::time::timeout(WITHIN, caller)
            .await
            .expect("the callers end in time")
            .expect("no caller panics");
        tally.retired += own.retired;
        tally.already_so += own.already_so;
        tally.refused += own.refused;
        for (why, times) in own.sent_again {
            *tally.sent_again.entry(why).or_default() += times;
        }
        granted.extend(oks);
    }

    let events = feed::read_all(&mut cluster.clients("projector").await, PARK).await;
    feed::expect_sound(&events);
    let mut retired: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.r#type == RETIRED) {
        let fact: carbon::InstrumentRetiredV1 =
            prost::Message::decode(event.data.clone()).expect("a readable event");
        let before = retired.insert(fact.serial.clone(), (event.position, fact.purpose));
        assert!(
            before.is_none(),
            "{} is retired twice in the store",
            fact.serial
        );
    }
    println!(
        "{sent} commands on {SERIALS} credits in {:.1} s: {tally:?}; {} retirements in the store",
        started.elapsed().as_secs_f64(),
        retired.len()
    );
    assert_eq!(retired.len(), SERIALS, "every credit was wanted by many");
    assert_eq!(
        tally.retired + tally.already_so + tally.refused,
        sent as u64
    );
    let mut winners: BTreeMap<usize, &str> = BTreeMap::new();
    for ok in &granted {
        let (position, purpose) = &retired[&serial(ok.serial)];
        assert_eq!(&ok.purpose, purpose, "an OK for what another has");
        if ok.is_new {
            assert_eq!(ok.position, *position, "an OK names its stored event");
        } else {
            assert!(ok.position >= *position, "an OK covers its stored event");
        }
        let before = winners.insert(ok.serial, &ok.purpose);
        assert!(before.is_none(), "two OKs for {}", serial(ok.serial));
    }
    assert_eq!(
        winners.len(),
        SERIALS,
        "whoever retired a credit was told so"
    );
    cluster.kill_store();
    cluster
        .cli("store", &["eventstore", "check"])
        .expect_code(0);
}
