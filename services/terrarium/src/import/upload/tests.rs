//! Uploads to a server in this process that fails on purpose and remembers every reading.

use std::collections::{BTreeSet, VecDeque};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use terrarium_proto::energy::v1::energy_service_server::{EnergyService, EnergyServiceServer};
use terrarium_proto::energy::v1::{
    CorrectQuarantinedRequest, CorrectQuarantinedResponse, ListQuarantinedRequest,
    ListQuarantinedResponse, ReleaseQuarantinedRequest, ReleaseQuarantinedResponse,
    ReportReadingsRequest, ReportReadingsResponse, SwapMeterRequest, SwapMeterResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

use super::*;
use crate::output::{Form, Format};

/// How one stream goes.
enum StreamScript {
    /// Records so many batches, acknowledges all but the last two of them, then ends with UNAVAILABLE.
    UnavailableAfter(u64),
    /// The same, but ends without a status.
    EndsAfter(u64),
    /// Refuses the first batch for good.
    Refuses,
}

#[derive(Default)]
struct Memory {
    scripts: VecDeque<StreamScript>,
    recorded: BTreeSet<String>,
    largest_batch: usize,
}

#[derive(Clone, Default)]
struct ForgetfulServer(Arc<Mutex<Memory>>);

impl ForgetfulServer {
    fn with(scripts: impl IntoIterator<Item = StreamScript>) -> ForgetfulServer {
        let server = ForgetfulServer::default();
        server.memory().scripts.extend(scripts);
        server
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0
            .lock()
            .expect("no test panics while it holds the memory")
    }

    /// Records one batch; values "bad" are rejected and "odd" ones quarantined.
    fn record(&self, batch: &StreamReadingsRequest) -> StreamReadingsResponse {
        let mut memory = self.memory();
        memory.largest_batch = memory.largest_batch.max(batch.readings.len());
        let mut counts = ReadingCounts::default();
        let mut answer = StreamReadingsResponse {
            recorded_position: 7,
            ..Default::default()
        };
        for (index, reading) in (0..).zip(&batch.readings) {
            if reading.value == "bad" {
                counts.rejected += 1;
                let field = "value".to_owned();
                answer.rejections.push(ReadingRejection {
                    batch: batch.batch,
                    index,
                    field,
                    code: 3,
                    message: "no number".into(),
                });
            } else if !memory.recorded.insert(format!("{reading:?}")) {
                counts.already_recorded += 1;
            } else if reading.value == "odd" {
                counts.quarantined += 1;
                let reason = QuarantineReason::Negative as i32;
                answer.quarantined.push(QuarantineNotice {
                    batch: batch.batch,
                    index,
                    reason,
                    ..Default::default()
                });
            } else {
                counts.recorded += 1;
            }
        }
        answer.counts = Some(counts);
        answer
    }
}

#[tonic::async_trait]
impl EnergyService for ForgetfulServer {
    type StreamReadingsStream = ReceiverStream<Result<StreamReadingsResponse, Status>>;

    async fn stream_readings(
        &self,
        request: Request<Streaming<StreamReadingsRequest>>,
    ) -> Result<Response<Self::StreamReadingsStream>, Status> {
        let mut batches = request.into_inner();
        let script = self.memory().scripts.pop_front();
        let server = self.clone();
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut expected = 1;
            let mut held_back = VecDeque::new();
            let (last, error) = match script {
                None => (u64::MAX, None),
                Some(StreamScript::UnavailableAfter(batches)) => {
                    (batches, Some(Status::unavailable("the bus was reset")))
                }
                Some(StreamScript::EndsAfter(batches)) => (batches, None),
                Some(StreamScript::Refuses) => {
                    (0, Some(Status::permission_denied("auditors don't report")))
                }
            };
            while expected <= last
                && let Ok(Some(batch)) = batches.message().await
            {
                assert_eq!(
                    batch.batch, expected,
                    "batches are numbered without gaps from 1"
                );
                expected += 1;
                let answer = server.record(&batch);
                held_back.push_back(StreamReadingsResponse {
                    through: batch.batch,
                    ..answer
                });
                if held_back.len() > 2 {
                    let answer = held_back.pop_front().expect("there are three");
                    if sender.send(Ok(answer)).await.is_err() {
                        return;
                    }
                }
            }
            if last == u64::MAX {
                for answer in held_back {
                    let _ = sender.send(Ok(answer)).await;
                }
            }
            if let Some(error) = error {
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn report_readings(
        &self,
        _: Request<ReportReadingsRequest>,
    ) -> Result<Response<ReportReadingsResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn list_quarantined(
        &self,
        _: Request<ListQuarantinedRequest>,
    ) -> Result<Response<ListQuarantinedResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn release_quarantined(
        &self,
        _: Request<ReleaseQuarantinedRequest>,
    ) -> Result<Response<ReleaseQuarantinedResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn correct_quarantined(
        &self,
        _: Request<CorrectQuarantinedRequest>,
    ) -> Result<Response<CorrectQuarantinedResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn swap_meter(
        &self,
        _: Request<SwapMeterRequest>,
    ) -> Result<Response<SwapMeterResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }
}

async fn serve(server: ForgetfulServer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let service = EnergyServiceServer::new(server);
    let serving = tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(serving);
    address
}

fn readings_file(values: impl IntoIterator<Item = String>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut text = "interval_start,interval_seconds,meter,quantity,value,unit\n".to_owned();
    for value in values {
        text.push_str(&format!(
            "2016-07-31T23:00:00-08:00,3600,home-01.load,active_energy,{value},kWh\n"
        ));
    }
    file.write_all(text.as_bytes()).expect("writes");
    file
}

async fn upload(
    address: SocketAddr,
    file: &tempfile::NamedTempFile,
    retry_for: Duration,
) -> (Result<(), UploadStopped>, Tally) {
    let client = ClientArgs {
        url: Some(format!("http://{address}")),
        token: None,
        tls_ca: None,
        data: None,
        form: Form::Json,
        format: Format::Json,
    };
    let plan = UploadPlan {
        client: &client,
        park: "zne-homes".into(),
        correction: None,
        retry_for,
        client_request_id: "test".into(),
    };
    let file = ReadingsFile::open(file.path()).expect("a good file");
    let mut upload = Upload::new(plan, file, ProgressBar::hidden());
    let outcome = upload.run().await;
    (outcome, upload.tally)
}

const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn everything_is_sent_once_over_a_stream_that_holds() {
    let server = ForgetfulServer::default();
    let file = readings_file((0..40_500).map(|n| n.to_string()));
    let (outcome, tally) = upload(serve(server.clone()).await, &file, PATIENT).await;
    outcome.expect("the stream holds");
    assert_eq!(
        (
            tally.acknowledged,
            tally.counts.recorded,
            tally.reconnections
        ),
        (40_500, 40_500, 0)
    );
    assert_eq!(tally.through_position, 7);
    assert_eq!(server.memory().largest_batch, BATCH_READINGS);
}

#[tokio::test]
async fn after_each_break_only_what_was_not_acknowledged_is_sent_again() {
    let scripts = [
        StreamScript::UnavailableAfter(5),
        StreamScript::EndsAfter(0),
        StreamScript::UnavailableAfter(1),
        StreamScript::EndsAfter(9),
    ];
    let server = ForgetfulServer::with(scripts);
    let file = readings_file((0..30_000).map(|n| n.to_string()));
    let (outcome, tally) = upload(serve(server.clone()).await, &file, PATIENT).await;
    outcome.expect("the last stream holds");
    assert_eq!(server.memory().recorded.len(), 30_000);
    assert_eq!((tally.acknowledged, tally.reconnections), (30_000, 4));
    let counts = tally.counts;
    // Recorded but not acknowledged before a break: two batches of 1,000 at the first, one more at the third, two at the last.
    assert_eq!(counts.recorded + counts.already_recorded, 30_000);
    assert_eq!(counts.already_recorded, 4_000);
}

#[tokio::test]
async fn rejections_and_quarantine_are_told_with_their_lines_also_after_a_break() {
    let server = ForgetfulServer::with([StreamScript::UnavailableAfter(3)]);
    let values = (0..5_000).map(|n| match n {
        10 | 4_200 => "bad".to_owned(),
        4_999 => "odd".to_owned(),
        other => other.to_string(),
    });
    let (outcome, tally) = upload(serve(server).await, &readings_file(values), PATIENT).await;
    outcome.expect("the second stream holds");
    let lines: Vec<u64> = tally
        .rejections
        .iter()
        .map(|rejection| rejection.line)
        .collect();
    assert_eq!(lines, [12, 4_202]);
    assert_eq!(
        (tally.quarantined.len(), tally.quarantined[0].line),
        (1, 5_001)
    );
    assert_eq!(tally.quarantined[0].reason, "QUARANTINE_REASON_NEGATIVE");
    assert_eq!((tally.counts.rejected, tally.counts.quarantined), (2, 1));
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let server = ForgetfulServer::with([StreamScript::Refuses]);
    let (outcome, tally) = upload(
        serve(server).await,
        &readings_file(["1".to_owned()]),
        PATIENT,
    )
    .await;
    let error = outcome.expect_err("refused");
    assert!(matches!(error, UploadStopped::Refused(_)), "{error}");
    assert_eq!(error.to_string(), "auditors don't report");
    assert_eq!(tally.reconnections, 0);
}

#[tokio::test]
async fn an_absent_server_is_given_up_and_the_rest_can_be_sent_later() {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let (outcome, tally) = upload(
        address,
        &readings_file(["1".to_owned()]),
        Duration::from_millis(200),
    )
    .await;
    let error = outcome.expect_err("nobody listens");
    assert!(matches!(error, UploadStopped::GaveUp(..)), "{error}");
    assert_eq!(tally.acknowledged, 0);
}
