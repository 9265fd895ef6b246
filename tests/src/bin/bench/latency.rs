//! From a reading sent to the ledger line that it changes, at a steady rate that does not wait for answers.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use terrarium_proto::energy::v1::StreamReadingsRequest;
use terrarium_proto::ledger::v1::WatchRequest;
use terrarium_tests::Park;
use terrarium_tests::readings::{instant_of, reading, seconds_of};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Rate of sending.
pub const READINGS_PER_S: u64 = 1_000;
/// Readings sent in all.
pub const READINGS: usize = 20_000;
const HOMES: usize = 10;
const FIRST_HOUR: &str = "2018-01-01T08:00:00Z";
/// Sent before measuring, so that connections and caches are warm.
const WARM_UP: usize = 1_000;
const ALL_LINES_WITHIN: Duration = Duration::from_secs(60);

/// Latencies in microseconds, from the moment a reading was due to be sent to the moment its ledger line arrived.
///
/// Each reading is of a home's hour of its own, so that the line tells which reading it is of.
pub async fn reading_in_to_ledger_line_out(park: &Park) -> Histogram<u64> {
    let mut clients = park.clients().await;
    let watch = WatchRequest {
        park: "zne-homes".to_owned(),
        asset: String::new(),
    };
    let mut lines = park
        .clients()
        .await
        .ledger
        .watch(watch)
        .await
        .expect("the ledger can be watched")
        .into_inner();
    let (sender, receiver) = mpsc::channel(READINGS);
    let mut acks = tokio::spawn(async move {
        let mut answers = clients
            .energy
            .stream_readings(ReceiverStream::new(receiver))
            .await?
            .into_inner();
        let mut through = 0;
        while let Some(answer) = answers.message().await? {
            through = answer.through;
        }
        Ok::<u64, tonic::Status>(through)
    });

    let begin = Instant::now() + Duration::from_millis(200);
    // A thread of its own: the runtime's timer ticks in whole milliseconds.
    let sending = std::thread::spawn(move || {
        for number in 0..READINGS {
            let due = due_at(begin, number);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            sender
                .try_send(request(number))
                .expect("the channel holds all readings");
        }
    });

    let mut latencies = Histogram::new(3).expect("three digits are allowed");
    let mut seen = vec![false; READINGS];
    let mut left = READINGS;
    let first_hour = seconds_of(FIRST_HOUR);
    let deadline = tokio::time::Instant::now() + ALL_LINES_WITHIN;
    while left > 0 {
        let answer = tokio::time::timeout_at(deadline, lines.message()).await;
        let answer =
            answer.unwrap_or_else(|_| panic!("{left} of {READINGS} ledger lines did not arrive"));
        let arrived = Instant::now();
        for hour in answer
            .expect("the ledger goes on")
            .expect("the watch does not end")
            .hours
        {
            let Some(number) = number_of(&hour.asset, hour.hour_start_s, first_hour) else {
                continue;
            };
            if std::mem::replace(&mut seen[number], true) {
                continue;
            }
            left -= 1;
            if number >= WARM_UP {
                let latency = arrived.saturating_duration_since(due_at(begin, number));
                latencies
                    .record(latency.as_micros() as u64)
                    .expect("the histogram grows");
            }
        }
    }
    sending.join().expect("sending does not panic");
    let through = (&mut acks)
        .await
        .expect("no panic")
        .expect("the stream ends well");
    assert_eq!(through, READINGS as u64, "all readings are acknowledged");
    latencies
}

fn due_at(begin: Instant, number: usize) -> Instant {
    begin
        + Duration::from_secs(1) * u32::try_from(number).expect("few readings")
            / READINGS_PER_S as u32
}

fn request(number: usize) -> StreamReadingsRequest {
    let home = number % HOMES + 1;
    let start = instant_of(seconds_of(FIRST_HOUR) + (number / HOMES) as i64 * 3600);
    let value = format!("{}.{:03}", number % 7, number % 1000);
    StreamReadingsRequest {
        park: "zne-homes".to_owned(),
        batch: number as u64 + 1,
        readings: vec![reading(
            &format!("home-{home:02}.load"),
            &start,
            3600,
            &value,
        )],
        client_request_id: "bench".to_owned(),
    }
}

fn number_of(asset: &str, hour_start_s: i64, first_hour_s: i64) -> Option<usize> {
    let home: usize = asset.strip_prefix("home-")?.parse().ok()?;
    let hour = usize::try_from((hour_start_s - first_hour_s) / 3600).ok()?;
    let number = hour * HOMES + home - 1;
    (hour_start_s >= first_hour_s && number < READINGS).then_some(number)
}
