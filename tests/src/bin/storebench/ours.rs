//! Our store in a process of its own, and a client of its protocol, generated from the protos of the official clients.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use terrarium_eventstore::front::protocol::shared::uuid::Value;
use terrarium_eventstore::front::protocol::shared::{Empty, StreamIdentifier, Uuid as WireUuid};
use terrarium_eventstore::front::protocol::streams::batch_append_req::options::ExpectedStreamPosition;
use terrarium_eventstore::front::protocol::streams::batch_append_req::{Options, ProposedMessage};
use terrarium_eventstore::front::protocol::streams::read_req::options::all_options::AllOption;
use terrarium_eventstore::front::protocol::streams::read_req::options::{
    AllOptions, CountOption, FilterOption, ReadDirection, StreamOption, SubscriptionOptions,
    UuidOption, uuid_option,
};
use terrarium_eventstore::front::protocol::streams::read_resp::Content;
use terrarium_eventstore::front::protocol::streams::streams_client::StreamsClient;
use terrarium_eventstore::front::protocol::streams::{
    BatchAppendReq, BatchAppendResp, ReadReq, batch_append_resp, read_req,
};
use terrarium_tests::{command, processes, wait};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use crate::work::{DATA_BYTES, Ids, Throughput, Waits};

const STARTED_WITHIN: Duration = Duration::from_secs(30);
const WINDOW_BYTES: u32 = 8 << 20;
const MESSAGE_BYTES: usize = 17 << 20;

/// `terrarium eventstore serve` on a folder; killed when dropped.
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    pub fn start(data: &Path) -> Server {
        let log = data.with_extension("url");
        let printed = std::fs::File::create(&log).expect("the scratch folder is writable");
        let mut serve: Command = command();
        serve
            .args(["eventstore", "serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(printed)
            .stderr(Stdio::null());
        let child = serve.spawn().expect("the program starts");
        let url = wait::until(STARTED_WITHIN, "the store prints its URL", || {
            let text = std::fs::read_to_string(&log).ok()?;
            let address = text.trim().strip_prefix("esdb://")?.split('?').next()?;
            text.ends_with('\n').then(|| format!("http://{address}"))
        });
        Server { child, url }
    }

    pub async fn client(&self) -> Client {
        let channel = Endpoint::from_shared(self.url.clone())
            .expect("a URL")
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .connect()
            .await
            .expect("the store answers");
        Client {
            streams: StreamsClient::new(channel).max_decoding_message_size(MESSAGE_BYTES),
            ids: Ids::of(1),
        }
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(mut self) {
        processes::send(self.child.id(), rustix::process::Signal::TERM);
        self.child.wait().expect("it was ours");
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
    streams: StreamsClient<Channel>,
    ids: Ids,
}

fn wire_uuid(id: Uuid) -> Option<WireUuid> {
    let (most, least) = id.as_u64_pair();
    let parts = terrarium_eventstore::front::protocol::shared::uuid::Structured {
        most_significant_bits: most.cast_signed(),
        least_significant_bits: least.cast_signed(),
    };
    Some(WireUuid {
        value: Some(Value::Structured(parts)),
    })
}

/// An append of so many events to a stream of the caller's choice, whatever it holds.
fn append(ids: &mut Ids, stream: u64, events: usize) -> BatchAppendReq {
    let metadata = [
        ("type", "happened"),
        ("content-type", "application/octet-stream"),
    ];
    let correlation_id = wire_uuid(ids.next_id());
    let event = |_| ProposedMessage {
        id: wire_uuid(ids.next_id()),
        metadata: metadata
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        custom_metadata: bytes::Bytes::new(),
        data: bytes::Bytes::from(vec![7; DATA_BYTES]),
    };
    BatchAppendReq {
        correlation_id,
        options: Some(Options {
            stream_identifier: Some(StreamIdentifier {
                stream_name: format!("bench-{stream}").into(),
            }),
            deadline_option: None,
            expected_stream_position: Some(ExpectedStreamPosition::Any(())),
        }),
        proposed_messages: (0..events).map(event).collect(),
        is_final: true,
    }
}

fn expect_written(answer: Option<Result<BatchAppendResp, tonic::Status>>) {
    let answer = answer.expect("an answer").expect("a good one");
    assert!(
        matches!(answer.result, Some(batch_append_resp::Result::Success(_))),
        "{answer:?}"
    );
}

impl Client {
    /// Appends with so many in flight over one BatchAppend call; each is timed from sending to its answer.
    pub async fn append(
        &mut self,
        requests: usize,
        events: usize,
        in_flight: usize,
    ) -> (Throughput, Waits) {
        let (sender, receiver) = mpsc::channel(in_flight);
        let mut answers = self
            .streams
            .batch_append(ReceiverStream::new(receiver))
            .await
            .expect("a session")
            .into_inner();
        let mut waits = Waits::default();
        let mut sent = std::collections::VecDeque::with_capacity(in_flight);
        let started = Instant::now();
        let mut next = 0;
        for _ in 0..requests {
            while next < requests && sent.len() < in_flight {
                let request = append(&mut self.ids, next as u64 % 64, events);
                sent.push_back(Instant::now());
                sender.send(request).await.expect("the session is open");
                next += 1;
            }
            // The server answers in the order of the appends.
            expect_written(answers.next().await);
            let since = sent.pop_front().expect("as many are sent as answered");
            waits.add(since.elapsed());
        }
        (Throughput::of(requests * events, started.elapsed()), waits)
    }

    /// Reads all events from the first.
    pub async fn read_all(&mut self) -> Throughput {
        let started = Instant::now();
        let request = read(CountOption::Count(u64::MAX), AllOption::Start(Empty {}));
        let mut answers = self
            .streams
            .read(request)
            .await
            .expect("a read")
            .into_inner();
        let mut events = 0;
        while let Some(answer) = answers.next().await {
            if let Some(Content::Event(event)) = answer.expect("it goes on").content {
                events += usize::from(event.event.is_some());
            }
        }
        Throughput::of(events, started.elapsed())
    }

    /// From sending an append to its event's arrival at a subscriber to all events.
    pub async fn append_to_subscriber(&mut self, appends: usize) -> Waits {
        let subscription = CountOption::Subscription(SubscriptionOptions {});
        let request = read(subscription, AllOption::End(Empty {}));
        let mut events = self
            .streams
            .clone()
            .read(request)
            .await
            .expect("a read")
            .into_inner();
        loop {
            let answer = events
                .next()
                .await
                .expect("it goes on")
                .expect("a good one");
            if matches!(answer.content, Some(Content::CaughtUp(_))) {
                break;
            }
        }
        let (sender, receiver) = mpsc::channel(1);
        let session = self
            .streams
            .batch_append(ReceiverStream::new(receiver))
            .await;
        let mut answers = session.expect("a session").into_inner();
        let mut waits = Waits::default();
        for _ in 0..appends {
            let started = Instant::now();
            sender
                .send(append(&mut self.ids, 1, 1))
                .await
                .expect("open");
            loop {
                let answer = events
                    .next()
                    .await
                    .expect("it goes on")
                    .expect("a good one");
                if matches!(answer.content, Some(Content::Event(_))) {
                    break;
                }
            }
            waits.add(started.elapsed());
            expect_written(answers.next().await);
        }
        waits
    }
}

fn read(count: CountOption, from: AllOption) -> ReadReq {
    ReadReq {
        options: Some(read_req::Options {
            read_direction: ReadDirection::Forwards.into(),
            resolve_links: false,
            stream_option: Some(StreamOption::All(AllOptions {
                all_option: Some(from),
            })),
            count_option: Some(count),
            filter_option: Some(FilterOption::NoFilter(Empty {})),
            uuid_option: Some(UuidOption {
                content: Some(uuid_option::Content::Structured(Empty {})),
            }),
            control_option: None,
        }),
    }
}
