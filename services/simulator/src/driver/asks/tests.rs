use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use terrarium_model::ParkDefinition;
use terrarium_proto::feed::v1::SubscribeResponse;
use terrarium_proto::feed::v1::feed_service_server::{FeedService, FeedServiceServer};
use terrarium_runtime::ServerAddress;
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response};

use super::*;
use crate::park::{Fact, SimulationOptions};
use crate::weather::{Location, Weather};

type Answers = Vec<Result<SubscribeResponse, Status>>;

/// A server whose streams break: each subscription gets the next of these answers, and the last ones again and again.
struct BreakingFeed {
    answers: Mutex<Vec<Answers>>,
    asked_after: Arc<Mutex<Vec<Option<u64>>>>,
}

#[tonic::async_trait]
impl FeedService for BreakingFeed {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let after = request.into_inner().after_position;
        self.asked_after.lock().expect("unpoisoned").push(after);
        let mut answers = self.answers.lock().expect("unpoisoned");
        let now = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        Ok(Response::new(Box::pin(tokio_stream::iter(now))))
    }
}

fn batch(position: u64, events: Vec<CloudEvent>) -> Result<SubscribeResponse, Status> {
    Ok(SubscribeResponse {
        events,
        position: Some(position),
        ..SubscribeResponse::default()
    })
}

/// The last batch of a record.
fn last_batch(position: u64, events: Vec<CloudEvent>) -> Result<SubscribeResponse, Status> {
    let batch = batch(position, events)?;
    Ok(SubscribeResponse {
        caught_up: true,
        ..batch
    })
}

fn ask_of_a_reserve() -> CloudEvent {
    let asked = energy::SetpointAskedV1 {
        device: "storage".into(),
        kind: energy::SetpointKind::ReserveWh.into(),
        value: 1_000,
        time_s: 1_748_707_200,
        ..energy::SetpointAskedV1::default()
    };
    CloudEvent {
        id: "00010203-0405-0607-0809-0a0b0c0d0e0f".into(),
        r#type: SETPOINT_ASKED.into(),
        data: asked.encode_to_vec().into(),
        ..CloudEvent::default()
    }
}

fn haotian() -> ParkSimulation {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/parks/haotian.toml");
    let text = std::fs::read_to_string(file).expect("the park file");
    let park = ParkDefinition::parse(&text, "haotian.toml").expect("a good park");
    let site = park.site.as_ref().expect("a site");
    let weather = Weather::generated(Location::of_site(site, park.time_zone.clone()), 1);
    let options = SimulationOptions::new(1, UnixSeconds(1_748_707_200), 900);
    ParkSimulation::new(&park, weather, &options).expect("it can be simulated")
}

const PATIENCE: Duration = Duration::from_millis(300);

/// Clients of such a server, and after which positions it is asked.
async fn clients_of(answers: Vec<Answers>) -> (Clients, Arc<Mutex<Vec<Option<u64>>>>) {
    let asked_after = Arc::new(Mutex::new(Vec::new()));
    let feed = BreakingFeed {
        answers: Mutex::new(answers),
        asked_after: Arc::clone(&asked_after),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let serving = tonic::transport::Server::builder()
        .add_service(FeedServiceServer::new(feed))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(serving);
    let address = ServerAddress {
        url,
        ..ServerAddress::default()
    };
    let channel = terrarium_runtime::connect(&address)
        .await
        .expect("it listens");
    (Clients::new(channel), asked_after)
}

async fn read_for(park: &mut ParkSimulation, clients: &Clients) -> (Result<(), DriveError>, Asks) {
    let id = ParkId::new("haotian").expect("valid");
    let mut asks = Asks::default();
    let read = asks.read(clients, &id, park, PATIENCE).await;
    (read, asks)
}

/// Reads from such a server: what came of it, the asks, and after which positions was asked.
async fn read_from(answers: Vec<Answers>) -> (Result<(), DriveError>, Asks, Vec<Option<u64>>) {
    let (clients, asked_after) = clients_of(answers).await;
    let (read, asks) = read_for(&mut haotian(), &clients).await;
    let asked_after = asked_after.lock().expect("unpoisoned").clone();
    (read, asks, asked_after)
}

fn broken() -> Result<SubscribeResponse, Status> {
    Err(Status::unavailable("the server is stopping"))
}

#[tokio::test]
async fn a_stream_that_breaks_is_read_on_from_where_it_was() {
    let answers = vec![
        vec![batch(7, vec![ask_of_a_reserve()]), broken()],
        vec![broken()],
        vec![last_batch(9, Vec::new())],
    ];
    let (read, asks, asked_after) = read_from(answers).await;
    read.expect("read to the end");
    assert_eq!(asked_after, [None, Some(7), Some(7)]);
    assert_eq!(asks.open.len(), 1);
    assert_eq!(asks.read_through, Some(9));
}

#[tokio::test]
async fn a_stream_that_ends_without_saying_that_it_was_all_is_read_on() {
    let answers = vec![
        vec![batch(7, vec![ask_of_a_reserve()])],
        vec![],
        vec![batch(8, Vec::new())],
        vec![last_batch(9, vec![ask_of_a_reserve()])],
    ];
    let (read, asks, asked_after) = read_from(answers).await;
    read.expect("read to the end");
    assert_eq!(asked_after, [None, Some(7), Some(7), Some(8)]);
    assert_eq!(asks.open.len(), 2);
}

#[tokio::test]
async fn a_feed_that_stays_away_or_refuses_is_told_of() {
    let (read, _, asked_after) = read_from(vec![vec![broken()]]).await;
    let error = read.expect_err("it stays away");
    assert!(error.is_unavailable(), "{error}");
    assert!(
        error.to_string().contains("run the same command again"),
        "{error}"
    );
    assert!(asked_after.len() > 1, "asked once only");
    let refusal = Err(Status::permission_denied("role device may not read"));
    let (read, _, asked_after) = read_from(vec![vec![refusal]]).await;
    let error = read.expect_err("refused");
    assert!(error.to_string().contains("may not read"), "{error}");
    assert_eq!(asked_after.len(), 1);
}

fn irrigation_started(request_id: &str, at: i64, id: u8) -> CloudEvent {
    let started = water::IrrigationStartedV1 {
        zone: "irrigation.lawn".into(),
        litres: 800,
        client_request_id: request_id.into(),
        time_s: at,
        ..water::IrrigationStartedV1::default()
    };
    CloudEvent {
        id: hyphenated(&[id; 16]).expect("16 bytes"),
        r#type: IRRIGATION_STARTED.into(),
        data: started.encode_to_vec().into(),
        ..CloudEvent::default()
    }
}

/// Told at `recorded`, RFC 3339 in UTC, to have ended at `at`.
fn irrigation_ended(started: u8, at: i64, recorded: &str) -> CloudEvent {
    let ended = water::IrrigationEndedV1 {
        zone: "irrigation.lawn".into(),
        started_event_id: vec![started; 16].into(),
        time_s: at,
        litres: 100,
        ..water::IrrigationEndedV1::default()
    };
    CloudEvent {
        r#type: IRRIGATION_ENDED.into(),
        data: ended.encode_to_vec().into(),
        metadata: format!("{{\"recordedtime\":\"{recorded}\"}}").into(),
        ..CloudEvent::default()
    }
}

/// Litres that the lawn's meter sees in each of the next steps.
fn given_to_the_lawn(park: &mut ParkSimulation, steps: usize) -> Vec<i64> {
    let of_the_lawn = |fact| match fact {
        Fact::WaterMetered { asset, litres, .. } if asset.as_str() == "irrigation.lawn" => {
            Some(litres)
        }
        _ => None,
    };
    let steps = (0..steps).map(|_| park.step().facts.into_iter().find_map(of_the_lawn));
    steps.map(|litres| litres.expect("metered")).collect()
}

#[tokio::test]
async fn a_persons_irrigation_is_given_whatever_its_id_looks_like_and_ends_when_that_was_told() {
    const MIDNIGHT: i64 = 1_748_707_200;
    let mut park = haotian();
    given_to_the_lawn(&mut park, 12 * 4);
    let noon = MIDNIGHT + 12 * 3_600;
    // The end was dated back by half an hour when it was told at one o'clock.
    let events = vec![
        irrigation_started("valve-7", noon, 1),
        irrigation_ended(1, noon + 1_800, "2025-06-01T05:00:00.000Z"),
    ];
    let (clients, _) = clients_of(vec![vec![last_batch(3, events)]]).await;
    read_for(&mut park, &clients).await.0.expect("read");
    let given = given_to_the_lawn(&mut park, 12);
    let expected = [0, 100, 100, 100, 100, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(given, expected);
    let id = clients.irrigation_id("irrigation.lawn", UnixSeconds(noon));
    assert_eq!(id, hyphenated(&[1; 16]));
}

#[tokio::test]
async fn each_irrigation_of_a_zone_keeps_its_id_the_controllers_own_too() {
    let at = 1_748_721_600;
    let own = format!("valve-{at}");
    let events = vec![
        irrigation_started(&own, at, 1),
        irrigation_ended(1, at + 7_200, "2025-06-01T06:00:00.000Z"),
        irrigation_started("by hand", at + 18_000, 2),
    ];
    let (clients, _) = clients_of(vec![vec![last_batch(3, events)]]).await;
    let (read, asks) = read_for(&mut haotian(), &clients).await;
    read.expect("read");
    for (started, id) in [(at, 1), (at + 18_000, 2)] {
        let known = clients.irrigation_id("irrigation.lawn", UnixSeconds(started));
        assert_eq!(known, hyphenated(&[id; 16]));
    }
    assert_eq!(asks.irrigations.len(), 1, "the second one runs");
}

#[test]
fn ids_are_written_as_the_feed_writes_them() {
    let bytes: Vec<u8> = (0..16).collect();
    let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    assert_eq!(hyphenated(&bytes).as_deref(), Some(text));
    assert_eq!(hyphenated(&bytes[1..]), None);
}
