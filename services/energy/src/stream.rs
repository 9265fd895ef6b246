//! Batches of readings: decided one after the other, recorded many at a time, acknowledged in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_journal::{
    Pending, Provenance, RecordingTime, StreamName, Submission, field_status, take_in_request_id,
};
use terrarium_model::{MeterId, ParkDefinition};
use terrarium_proto::energy::v1 as wire;
use terrarium_runtime::{Actor, blame_the_request};
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};

use crate::domain::{Meter, MeterCommand, MeterFact, MeterRejection};
use crate::events::reason_to_wire;
use crate::intake::take_in;
use crate::service::{BatchOutcome, EnergyApi, MAY_REPORT, MOST_READINGS_PER_BATCH};

/// Batches of one stream that are decided but not yet recorded; beyond it the stream is read no further.
const BATCHES_IN_FLIGHT: usize = 16;

/// A batch that is decided and published.
pub(crate) struct BatchInFlight {
    batch: u64,
    rejections: Vec<wire::ReadingRejection>,
    meters: Vec<MeterInFlight>,
}

struct MeterInFlight {
    /// Place in the batch of each command.
    indices: Vec<u32>,
    pending: Pending<Meter>,
}

impl EnergyApi {
    /// Decides about a batch and publishes the decisions, one commit for each meter.
    pub(crate) async fn decide_batch(
        &self,
        park: &Arc<ParkDefinition>,
        batch: u64,
        readings: &[wire::Reading],
        recorded_time: RecordingTime,
        provenance: &Provenance,
    ) -> Result<BatchInFlight, Status> {
        if readings.len() > MOST_READINGS_PER_BATCH {
            return Err(field_status(
                Code::InvalidArgument,
                "readings",
                format!(
                    "batch {batch} has {} readings; send at most {MOST_READINGS_PER_BATCH} at once",
                    readings.len()
                ),
            ));
        }
        let now = recorded_time.now();
        let mut rejections = Vec::new();
        let mut by_meter: BTreeMap<MeterId, (Vec<u32>, Vec<MeterCommand>)> = BTreeMap::new();
        for (index, reading) in (0u32..).zip(readings) {
            match take_in(park, reading) {
                Ok((meter, reported)) => {
                    let (indices, commands) = by_meter.entry(meter).or_default();
                    indices.push(index);
                    commands.push(MeterCommand::Report(reported));
                }
                Err(rejection) => rejections.push(rejection_to_wire(batch, index, &rejection)),
            }
        }
        let mut meters = Vec::with_capacity(by_meter.len());
        for (meter, (indices, commands)) in by_meter {
            let context = self
                .context(park, &meter, now)
                .expect("take_in found the meter in this park");
            let submission = Submission {
                stream: StreamName::new("energy", "meter", park.id.as_str(), meter.as_str()),
                commands,
                context,
                recorded_time,
                provenance: provenance.clone(),
            };
            let pending = self.desk.submit(submission).await?;
            meters.push(MeterInFlight { indices, pending });
        }
        Ok(BatchInFlight {
            batch,
            rejections,
            meters,
        })
    }
}

impl BatchInFlight {
    /// Waits until everything of the batch is on disk.
    pub(crate) async fn recorded(self) -> Result<BatchOutcome, Status> {
        let mut rejections = self.rejections;
        let mut counts = wire::ReadingCounts::default();
        let mut quarantined = Vec::new();
        let mut recorded_position = 0;
        for MeterInFlight { indices, pending } in self.meters {
            let (results, position) = pending.recorded().await?;
            recorded_position = recorded_position.max(position.map_or(0, |position| position.0));
            for (index, result) in indices.into_iter().zip(results) {
                match result {
                    Err(rejection) => {
                        rejections.push(rejection_to_wire(self.batch, index, &rejection))
                    }
                    Ok(events) => match events.into_iter().next() {
                        None => counts.already_recorded += 1,
                        Some(event) => match event.fact {
                            MeterFact::Quarantined {
                                reason, finding, ..
                            } => {
                                counts.quarantined += 1;
                                quarantined.push(wire::QuarantineNotice {
                                    batch: self.batch,
                                    index,
                                    quarantine_id: event.id.to_string(),
                                    reason: reason_to_wire(reason).into(),
                                    finding,
                                });
                            }
                            _ => counts.recorded += 1,
                        },
                    },
                }
            }
        }
        counts.rejected = rejections.len() as u64;
        rejections.sort_by_key(|rejection| rejection.index);
        quarantined.sort_by_key(|notice| notice.index);
        Ok(BatchOutcome {
            counts: Some(counts),
            rejections,
            quarantined,
            recorded_position,
        })
    }
}

/// Takes in a stream of batches. One task decides, one waits for the record and acknowledges; between them at most
/// [`BATCHES_IN_FLIGHT`] batches.
pub(crate) fn take_in_stream(
    api: EnergyApi,
    caller: Actor,
    provenance: Provenance,
    batches: Streaming<wire::StreamReadingsRequest>,
) -> mpsc::Receiver<Result<wire::StreamReadingsResponse, Status>> {
    let (answers, responses) = mpsc::channel(BATCHES_IN_FLIGHT);
    let (decided, in_flight) = mpsc::channel(BATCHES_IN_FLIGHT);
    tokio::spawn(async move {
        let end = decide_batches(&api, &caller, provenance, batches, &decided).await;
        // The reason for the end goes the way of the batches, so that those before it are still acknowledged.
        if let Err(status) = end {
            let _ = decided.send(Err(status)).await;
        }
    });
    tokio::spawn(acknowledge_batches(in_flight, answers));
    responses
}

async fn decide_batches(
    api: &EnergyApi,
    caller: &Actor,
    mut provenance: Provenance,
    mut batches: Streaming<wire::StreamReadingsRequest>,
    decided: &mpsc::Sender<Result<BatchInFlight, Status>>,
) -> Result<(), Status> {
    let mut expected_batch = 1;
    loop {
        let request = tokio::select! {
            request = batches.message() => request.map_err(blame_the_request)?,
            () = api.shutdown.triggered() => {
                return Err(Status::unavailable("the server is stopping; open a new stream and send again what is not acknowledged"));
            }
        };
        let Some(request) = request else {
            return Ok(());
        };
        caller.require(MAY_REPORT, &request.park)?;
        if request.batch != expected_batch {
            return Err(field_status(
                Code::InvalidArgument,
                "batch",
                format!(
                    "batch {} came where {expected_batch} was due; number batches 1, 2, 3, ... in each stream",
                    request.batch
                ),
            ));
        }
        if expected_batch == 1 {
            provenance.client_request_id = take_in_request_id(&request.client_request_id)?;
        }
        expected_batch += 1;
        let park = api.park(&request.park).await?;
        let recorded_time = api.recording_time(&park, None).await?;
        let batch = api
            .decide_batch(
                &park,
                request.batch,
                &request.readings,
                recorded_time,
                &provenance,
            )
            .await?;
        if decided.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
}

async fn acknowledge_batches(
    mut in_flight: mpsc::Receiver<Result<BatchInFlight, Status>>,
    answers: mpsc::Sender<Result<wire::StreamReadingsResponse, Status>>,
) {
    let mut recorded_position = 0;
    while let Some(batch) = in_flight.recv().await {
        let answer = match batch {
            Err(status) => Err(status),
            Ok(batch) => {
                let through = batch.batch;
                batch.recorded().await.map(|outcome| {
                    recorded_position = outcome.recorded_position.max(recorded_position);
                    wire::StreamReadingsResponse {
                        through,
                        recorded_position,
                        counts: outcome.counts,
                        rejections: outcome.rejections,
                        quarantined: outcome.quarantined,
                    }
                })
            }
        };
        let ended = answer.is_err();
        if answers.send(answer).await.is_err() || ended {
            return;
        }
    }
}

fn rejection_to_wire(batch: u64, index: u32, rejection: &MeterRejection) -> wire::ReadingRejection {
    wire::ReadingRejection {
        batch,
        index,
        field: rejection.field.to_owned(),
        code: rejection.code as u32,
        message: rejection.message.clone(),
    }
}
