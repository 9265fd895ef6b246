//! UmaDB (MIT or Apache-2.0) in a process of its own, from PyPI, and a client of its protocol.
//!
//! The messages are those of `umadb.proto` 0.7.8 that the work needs, over tonic: the same way its own Rust client goes. Each append
//! is a call of its own, as its protocol has it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use prost::Message;
use terrarium_tests::repository;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::work::{DATA_BYTES, Ids, Throughput, Waits};

const STARTED_WITHIN: Duration = Duration::from_secs(30);
const WINDOW_BYTES: u32 = 8 << 20;
const READ_BATCH_EVENTS: u32 = 1_000;

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(string, tag = "1")]
    event_type: String,
    #[prost(string, repeated, tag = "2")]
    tags: Vec<String>,
    #[prost(bytes = "bytes", tag = "3")]
    data: bytes::Bytes,
    #[prost(string, tag = "4")]
    uuid: String,
}

#[derive(Clone, PartialEq, Message)]
struct SequencedEvent {
    #[prost(uint64, tag = "1")]
    position: u64,
    #[prost(message, optional, tag = "2")]
    event: Option<Event>,
}

#[derive(Clone, PartialEq, Message)]
struct AppendRequest {
    #[prost(message, repeated, tag = "1")]
    events: Vec<Event>,
}

#[derive(Clone, PartialEq, Message)]
struct AppendResponse {
    #[prost(uint64, tag = "1")]
    position: u64,
}

#[derive(Clone, PartialEq, Message)]
struct ReadRequest {
    #[prost(uint32, optional, tag = "6")]
    batch_size: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct SubscribeRequest {
    #[prost(uint64, optional, tag = "2")]
    after: Option<u64>,
}

/// Of reads and subscriptions.
#[derive(Clone, PartialEq, Message)]
struct Events {
    #[prost(message, repeated, tag = "1")]
    events: Vec<SequencedEvent>,
}

/// Its server; killed when dropped.
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Fetches the package with pip into `tools` when it is not there; `Err` says why there is none.
    pub fn start(tools: &Path, data: &Path) -> Result<Server, String> {
        let packages = tools.join("packages");
        if !packages.join("umadb").is_dir() {
            let pip = Command::new("python3")
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--require-hashes",
                ])
                .args(["--disable-pip-version-check", "--requirement"])
                .arg(repository().join("tests/umadb/requirements.txt"))
                .arg("--target")
                .arg(&packages)
                .output()
                .map_err(|error| error.to_string())?;
            if !pip.status.success() {
                return Err(String::from_utf8_lossy(&pip.stderr).trim().to_owned());
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        drop(listener);
        let log = std::fs::File::create(data.with_extension("umadb-log"))
            .map_err(|error| error.to_string())?;
        let child = Command::new("python3")
            .args(["-c", "from umadb.umadb_server_cli import main; main()"])
            .args(["--listen", &address.to_string(), "--db-path"])
            .arg(data)
            .env("PYTHONPATH", &packages)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .spawn()
            .map_err(|error| error.to_string())?;
        Ok(Server {
            child,
            url: format!("http://{address}"),
        })
    }

    /// Waits until it answers.
    pub async fn client(&mut self) -> Result<Client, String> {
        let endpoint = Endpoint::from_shared(self.url.clone())
            .expect("a URL")
            .tcp_nodelay(true)
            .connect_timeout(STARTED_WITHIN)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        let deadline = Instant::now() + STARTED_WITHIN;
        loop {
            match endpoint.connect().await {
                Ok(channel) => {
                    return Ok(Client {
                        grpc: tonic::client::Grpc::new(channel),
                        ids: Ids::of(1),
                    });
                }
                Err(error) if Instant::now() > deadline => return Err(error.to_string()),
                Err(_) => {
                    if let Ok(Some(status)) = self.child.try_wait() {
                        return Err(format!("its server ended: {status}"));
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone)]
pub struct Client {
    grpc: tonic::client::Grpc<Channel>,
    ids: Ids,
}

fn request(ids: &mut Ids, stream: usize, events: usize) -> AppendRequest {
    let event = |_| Event {
        event_type: "happened".to_owned(),
        tags: vec![format!("bench-{stream}")],
        data: bytes::Bytes::from(vec![7; DATA_BYTES]),
        uuid: ids.next_id().to_string(),
    };
    AppendRequest {
        events: (0..events).map(event).collect(),
    }
}

impl Client {
    async fn append_one(mut self, request: AppendRequest) -> u64 {
        self.grpc.ready().await.expect("connected");
        let path = "/umadb.v1.DCB/Append".parse().expect("a path");
        let codec = ProstCodec::<AppendRequest, AppendResponse>::default();
        let answer = self
            .grpc
            .unary(tonic::Request::new(request), path, codec)
            .await;
        answer.expect("appended").into_inner().position
    }

    pub async fn append(
        &mut self,
        requests: usize,
        events: usize,
        in_flight: usize,
    ) -> (Throughput, Waits) {
        let mut waits = Waits::default();
        let mut running = FuturesUnordered::new();
        let started = Instant::now();
        let mut next = 0;
        for _ in 0..requests {
            while next < requests && running.len() < in_flight {
                let request = request(&mut self.ids, next % 64, events);
                let since = Instant::now();
                running.push(
                    self.clone()
                        .append_one(request)
                        .map(move |_| since.elapsed()),
                );
                next += 1;
            }
            waits.add(running.next().await.expect("one is running"));
        }
        (Throughput::of(requests * events, started.elapsed()), waits)
    }

    pub async fn read_all(&mut self) -> Throughput {
        let started = Instant::now();
        self.grpc.ready().await.expect("connected");
        let path = "/umadb.v1.DCB/Read".parse().expect("a path");
        let codec = ProstCodec::<ReadRequest, Events>::default();
        let request = ReadRequest {
            batch_size: Some(READ_BATCH_EVENTS),
        };
        let answer = self
            .grpc
            .server_streaming(tonic::Request::new(request), path, codec);
        let mut batches = answer.await.expect("a read").into_inner();
        let mut events = 0;
        while let Some(batch) = batches.next().await {
            events += batch.expect("it goes on").events.len();
        }
        Throughput::of(events, started.elapsed())
    }

    pub async fn append_to_subscriber(&mut self, appends: usize) -> Waits {
        let first = request(&mut self.ids, 1, 1);
        let last = self.clone().append_one(first).await;
        self.grpc.ready().await.expect("connected");
        let path = "/umadb.v1.DCB/Subscribe".parse().expect("a path");
        let codec = ProstCodec::<SubscribeRequest, Events>::default();
        let subscribe = SubscribeRequest { after: Some(last) };
        let answer = self
            .grpc
            .server_streaming(tonic::Request::new(subscribe), path, codec);
        let mut batches = answer.await.expect("a subscription").into_inner();
        let mut waits = Waits::default();
        for _ in 0..appends {
            let started = Instant::now();
            let request = request(&mut self.ids, 1, 1);
            let appending = self.clone().append_one(request);
            let (_, batch) = tokio::join!(appending, batches.next());
            assert_eq!(
                batch.expect("it goes on").expect("a good one").events.len(),
                1
            );
            waits.add(started.elapsed());
        }
        waits
    }
}
