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
use crate::park::SimulationOptions;
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

/// Reads from such a server: what came of it, the asks, and after which positions was asked.
async fn read_from(answers: Vec<Answers>) -> (Result<(), DriveError>, Asks, Vec<Option<u64>>) {
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
    let server = tokio::spawn(serving);
    let address = ServerAddress {
        url,
        ..ServerAddress::default()
    };
    let channel = terrarium_runtime::connect(&address)
        .await
        .expect("it listens");
    let park = ParkId::new("haotian").expect("valid");
    let mut asks = Asks::default();
    let patience = Duration::from_millis(300);
    let clients = Clients::new(channel);
    let read = asks.read(&clients, &park, &mut haotian(), patience).await;
    server.abort();
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
        vec![batch(9, Vec::new())],
    ];
    let (read, asks, asked_after) = read_from(answers).await;
    read.expect("read to the end");
    assert_eq!(asked_after, [None, Some(7), Some(7)]);
    assert_eq!(asks.open.len(), 1);
    assert_eq!(asks.read_through, Some(9));
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

#[test]
fn ids_are_written_as_the_feed_writes_them() {
    let bytes: Vec<u8> = (0..16).collect();
    let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    assert_eq!(hyphenated(&bytes).as_deref(), Some(text));
    assert_eq!(hyphenated(&bytes[1..]), None);
}
