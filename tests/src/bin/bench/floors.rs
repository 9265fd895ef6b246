//! What nothing built on this machine can be faster than.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use terrarium_tests::connect;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const SYNCS: usize = 300;
const ROUND_TRIPS: usize = 3_000;
const PUBLISHES: usize = 3_000;
const PAYLOAD_BYTES: usize = 512;

/// How long something took, many times over.
pub struct Floor {
    /// Median in microseconds.
    pub p50_us: f64,
    /// 99th percentile in microseconds.
    pub p99_us: f64,
}

fn floor_of(mut times: Vec<Duration>) -> Floor {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    Floor {
        p50_us: at(0.5),
        p99_us: at(0.99),
    }
}

/// Appends 4 KiB to a file beside `data` and waits until it is on disk, one after the other.
pub fn fdatasync_4_kib(data: &Path) -> Floor {
    let path = data.with_extension("fdatasync");
    let mut file = File::create(&path).expect("the scratch folder is writable");
    let block = [7; 4096];
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&block).expect("there is space");
        file.sync_data().expect("the disk works");
        times.push(started.elapsed());
    }
    std::fs::remove_file(&path).expect("it was just made");
    floor_of(times)
}

/// The standard health check over one connection, one after the other.
pub async fn grpc_round_trip(url: &str) -> Floor {
    let channel = connect(url).await.expect("the server is up").channel;
    let mut client = HealthClient::new(channel);
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let started = Instant::now();
        client
            .check(HealthCheckRequest::default())
            .await
            .expect("the server is healthy");
        times.push(started.elapsed());
    }
    floor_of(times)
}

/// Publishes to a stream of its own on the server's nats-server and waits for the ack, one after the other.
pub async fn jetstream_publish(url: &str) -> Floor {
    let client = async_nats::connect(url)
        .await
        .expect("the server's nats-server answers");
    let jetstream = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::stream::Config {
        name: "bench".to_owned(),
        subjects: vec!["bench.floor".to_owned()],
        ..Default::default()
    };
    jetstream
        .create_stream(config)
        .await
        .expect("a stream can be made");
    let payload = bytes::Bytes::from(vec![7; PAYLOAD_BYTES]);
    let mut times = Vec::with_capacity(PUBLISHES);
    for _ in 0..PUBLISHES {
        let started = Instant::now();
        let ack = jetstream
            .publish("bench.floor", payload.clone())
            .await
            .expect("it is published");
        ack.await.expect("it is acknowledged");
        times.push(started.elapsed());
    }
    jetstream
        .delete_stream("bench")
        .await
        .expect("the stream can be deleted");
    floor_of(times)
}
