//! A streaming client that sends readings until all are acknowledged, and remembers every ack.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use terrarium_proto::energy::v1::{
    Reading, ReadingCounts, StreamReadingsRequest, StreamReadingsResponse,
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::clients::connect;
use crate::cluster::url_in;
use crate::readings::ReadingKey;

const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// A stream that answers nothing for so long is given up and opened again.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);

/// What the server acknowledged about one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// It is recorded and counts.
    Recorded,
    /// It is recorded and kept apart.
    Quarantined {
        /// UUID text.
        id: String,
    },
    /// It is not recorded.
    Rejected {
        /// Field at fault.
        field: String,
        /// gRPC status code.
        code: u32,
    },
}

/// Remembers, outside the server, what was sent and what was acknowledged.
#[derive(Debug)]
pub struct AckModel {
    /// In the order of sending.
    pub readings: Vec<Reading>,
    /// What was acknowledged about each.
    pub acks: Vec<Option<Ack>>,
    /// The server's own counts of acknowledged readings.
    pub counts: ReadingCounts,
    /// Streams that were opened.
    pub streams: u64,
    /// How often each status code ended a stream; `Unavailable` includes broken connections.
    pub ended_by: BTreeMap<String, u64>,
    /// Highest position that an ack named.
    pub recorded_position: u64,
}

impl AckModel {
    /// Nothing is sent yet.
    pub fn new(readings: Vec<Reading>) -> AckModel {
        AckModel {
            acks: vec![None; readings.len()],
            readings,
            counts: ReadingCounts::default(),
            streams: 0,
            ended_by: BTreeMap::new(),
            recorded_position: 0,
        }
    }

    /// Readings that are acknowledged from the first on.
    pub fn acknowledged(&self) -> usize {
        self.acks.iter().take_while(|ack| ack.is_some()).count()
    }

    /// Keys of all readings that were acknowledged as recorded, counting or kept apart.
    pub fn recorded_keys(&self) -> impl Iterator<Item = ReadingKey> {
        self.readings
            .iter()
            .zip(&self.acks)
            .filter_map(|(reading, ack)| match ack {
                Some(Ack::Recorded | Ack::Quarantined { .. }) => {
                    Some(ReadingKey::of_report(reading))
                }
                Some(Ack::Rejected { .. }) | None => None,
            })
    }

    fn take(&mut self, answer: &StreamReadingsResponse, covered: &[SentBatch]) {
        let mut told = BTreeMap::new();
        for rejection in &answer.rejections {
            let ack = Ack::Rejected {
                field: rejection.field.clone(),
                code: rejection.code,
            };
            told.insert((rejection.batch, rejection.index as usize), ack);
        }
        for notice in &answer.quarantined {
            let ack = Ack::Quarantined {
                id: notice.quarantine_id.clone(),
            };
            told.insert((notice.batch, notice.index as usize), ack);
        }
        let mut readings = 0;
        for batch in covered {
            for index in 0..batch.length {
                let ack = told.remove(&(batch.number, index)).unwrap_or(Ack::Recorded);
                self.acks[batch.first + index] = Some(ack);
                readings += 1;
            }
        }
        assert!(
            told.is_empty(),
            "notices about readings that this answer does not cover: {told:?}"
        );
        let counts = answer.counts.unwrap_or_default();
        let counted =
            counts.recorded + counts.already_recorded + counts.quarantined + counts.rejected;
        assert_eq!(
            counted, readings,
            "the counts {counts:?} through {} add up to the readings covered",
            answer.through
        );
        self.counts.recorded += counts.recorded;
        self.counts.already_recorded += counts.already_recorded;
        self.counts.quarantined += counts.quarantined;
        self.counts.rejected += counts.rejected;
        assert!(
            readings == 0 || answer.recorded_position >= self.recorded_position || self.streams > 1,
            "the recorded position goes back within a stream"
        );
        self.recorded_position = self.recorded_position.max(answer.recorded_position);
    }
}

struct SentBatch {
    number: u64,
    first: usize,
    length: usize,
}

/// How readings are sent.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// Park of the readings.
    pub park: String,
    /// Data folder whose `endpoint.json` tells where the server is; read again for every stream.
    pub data: PathBuf,
    /// Readings of one batch.
    pub batch_readings: usize,
    /// Batches on their way at most.
    pub window_batches: usize,
    /// Gives up after this time without an ack.
    pub give_up_after: Duration,
}

impl Ingest {
    /// Batches of 500, eight on their way.
    pub fn new(park: &str, data: &Path) -> Ingest {
        Ingest {
            park: park.to_owned(),
            data: data.to_owned(),
            batch_readings: 500,
            window_batches: 8,
            give_up_after: Duration::from_secs(60),
        }
    }

    /// Sends everything of the model that is not acknowledged yet; tells `progress` how many readings are.
    ///
    /// # Panics
    /// When the server ends a stream with anything but `UNAVAILABLE` or a broken connection, or its acks make no sense.
    pub async fn run(&self, mut model: AckModel, progress: &watch::Sender<usize>) -> AckModel {
        let mut last_ack = Instant::now();
        loop {
            let before = model.acknowledged();
            model.streams += 1;
            let end = self.run_stream(&mut model, before, progress).await;
            if model.acknowledged() > before {
                last_ack = Instant::now();
            }
            match end {
                Ok(()) => return model,
                Err(status) => {
                    let is_broken_connection = std::error::Error::source(&status).is_some();
                    assert!(
                        is_broken_connection
                            || matches!(
                                status.code(),
                                Code::Unavailable | Code::Cancelled | Code::Aborted
                            ),
                        "a stream ended with {status:?}"
                    );
                    let kind = if is_broken_connection {
                        "broken connection".to_owned()
                    } else {
                        format!("{:?}", status.code())
                    };
                    *model.ended_by.entry(kind).or_default() += 1;
                    assert!(
                        last_ack.elapsed() < self.give_up_after,
                        "no ack for {} s, {} of {} readings acknowledged; the last stream ended with {status:?}",
                        self.give_up_after.as_secs(),
                        model.acknowledged(),
                        model.readings.len()
                    );
                }
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn run_stream(
        &self,
        model: &mut AckModel,
        from: usize,
        progress: &watch::Sender<usize>,
    ) -> Result<(), Status> {
        let url = self
            .url()
            .ok_or_else(|| Status::unavailable("there is no endpoint.json"))?;
        let mut clients = connect(&url)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let (sender, receiver) = mpsc::channel(self.window_batches);
        let mut sender = Some(sender);
        let mut next = from;
        let mut number = 0;
        let mut in_flight: VecDeque<SentBatch> = VecDeque::new();
        let mut fill = |model: &AckModel, in_flight: &mut VecDeque<SentBatch>| {
            while in_flight.len() < self.window_batches && next < model.readings.len() {
                let end = (next + self.batch_readings).min(model.readings.len());
                number += 1;
                let request = StreamReadingsRequest {
                    park: self.park.clone(),
                    batch: number,
                    readings: model.readings[next..end].to_vec(),
                    client_request_id: "ack-model".to_owned(),
                };
                // There is room for the whole window; it only fails when the stream broke, and then the answers tell why.
                if let Some(sender) = &sender {
                    let _ = sender.try_send(request);
                }
                in_flight.push_back(SentBatch {
                    number,
                    first: next,
                    length: end - next,
                });
                next = end;
            }
            if next == model.readings.len() {
                sender = None;
            }
        };
        fill(model, &mut in_flight);
        let call = clients
            .energy
            .stream_readings(ReceiverStream::new(receiver));
        let mut answers = answer_in_time(call).await?.into_inner();
        while !in_flight.is_empty() {
            let answer = answer_in_time(answers.message()).await?;
            let answer =
                answer.ok_or_else(|| Status::unavailable("the server ended the stream early"))?;
            let mut covered = Vec::new();
            while in_flight
                .front()
                .is_some_and(|batch| batch.number <= answer.through)
            {
                covered.extend(in_flight.pop_front());
            }
            model.take(&answer, &covered);
            if let Some(last) = covered.last() {
                progress.send_replace(last.first + last.length);
            }
            fill(model, &mut in_flight);
        }
        Ok(())
    }

    fn url(&self) -> Option<String> {
        url_in(&self.data)
    }
}

async fn answer_in_time<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    match tokio::time::timeout(SILENCE_LIMIT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Status::unavailable(format!(
            "no answer for {} s",
            SILENCE_LIMIT.as_secs()
        ))),
    }
}
