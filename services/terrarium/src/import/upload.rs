//! Sends the batches of a readings file over one stream after another until all are acknowledged.
//!
//! The server's `through` is the only thing that counts: a batch leaves the window when it is covered. When a stream
//! breaks, the file is read again from the first batch that is not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use csv::Position;
use indicatif::ProgressBar;
use terrarium_proto::energy::v1::{
    Correction, QuarantineNotice, QuarantineReason, ReadingCounts, ReadingRejection,
    StreamReadingsRequest, StreamReadingsResponse,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::client::{CallError, Client, ClientArgs};
use crate::import::readings_file::{ReadingsFile, ReadingsFileProblem};

/// Readings in one batch.
const BATCH_READINGS: usize = 1_000;
/// Batches that may be on their way without an acknowledgement.
const WINDOW_BATCHES: usize = 16;
/// Rejections and quarantine notices that are kept for printing, of each.
const MAX_NOTICES: usize = 10_000;
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(2);
/// A server that answers nothing for so long is as good as gone, even when the connection stands.
const SHORTEST_SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long the server may take to end the stream after it acknowledged everything.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);

/// A reading that was not recorded.
#[derive(Debug, serde::Serialize)]
pub struct Rejection {
    /// Line in the file; 0 when the server named a reading that was not sent.
    pub line: u64,
    pub field: String,
    /// gRPC status code.
    pub code: u32,
    pub message: String,
}

/// A reading that was recorded but is kept out of the balances.
#[derive(Debug, serde::Serialize)]
pub struct QuarantinedLine {
    /// Line in the file; 0 when the server named a reading that was not sent.
    pub line: u64,
    pub quarantine_id: String,
    pub reason: String,
    pub finding: String,
}

/// What became of the readings so far.
#[derive(Debug, Default)]
pub struct Tally {
    pub acknowledged: u64,
    pub counts: ReadingCounts,
    pub through_position: u64,
    pub reconnections: u64,
    pub rejections: Vec<Rejection>,
    pub quarantined: Vec<QuarantinedLine>,
}

/// Why an upload stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum UploadStopped {
    /// No connection, or the server refused the stream.
    #[error(transparent)]
    Refused(CallError),
    /// The server was away for too long.
    #[error("{0}\n  gave up {1:.1} s after the last progress; run the same command again to go on")]
    GaveUp(CallError, f64),
    /// The file changed since it was checked.
    #[error("{0}; the file was changed during the import")]
    File(#[from] ReadingsFileProblem),
    /// The server's answers make no sense.
    #[error(
        "the server's answer does not fit what was sent ({0}); are client and server of the same version?"
    )]
    Protocol(String),
}

/// What is sent, and how.
pub struct UploadPlan<'a> {
    pub client: &'a ClientArgs,
    pub park: String,
    pub correction: Option<Correction>,
    /// How long without progress until giving up.
    pub retry_for: Duration,
    pub client_request_id: String,
}

struct SentBatch {
    /// Number in the stream that it was sent over.
    number: u64,
    start: Position,
    lines: Vec<u64>,
}

/// An import under way.
pub struct Upload<'a> {
    plan: UploadPlan<'a>,
    file: ReadingsFile,
    in_flight: VecDeque<SentBatch>,
    all_read: bool,
    last_progress: Instant,
    progress: ProgressBar,
    /// What became of the readings so far; right at every moment, also after a failure.
    pub tally: Tally,
}

impl<'a> Upload<'a> {
    /// Starts with nothing sent.
    pub fn new(plan: UploadPlan<'a>, file: ReadingsFile, progress: ProgressBar) -> Upload<'a> {
        Upload {
            plan,
            file,
            in_flight: VecDeque::with_capacity(WINDOW_BATCHES),
            all_read: false,
            last_progress: Instant::now(),
            progress,
            tally: Tally::default(),
        }
    }

    /// Sends everything; returns when all is acknowledged or there is no hope.
    pub async fn run(&mut self) -> Result<(), UploadStopped> {
        let mut delay = FIRST_RETRY_DELAY;
        self.last_progress = Instant::now();
        loop {
            let acknowledged_before = self.tally.acknowledged;
            let error = match self.run_stream().await {
                Ok(()) => return Ok(()),
                Err(UploadStopped::Refused(error)) if error.is_unavailable() => error,
                Err(other) => return Err(other),
            };
            if self.tally.acknowledged > acknowledged_before {
                delay = FIRST_RETRY_DELAY;
            }
            if self.last_progress.elapsed() + delay > self.plan.retry_for {
                return Err(UploadStopped::GaveUp(
                    error,
                    self.last_progress.elapsed().as_secs_f64(),
                ));
            }
            if delay == FIRST_RETRY_DELAY {
                let retry_for_s = self.plan.retry_for.as_secs();
                self.progress
                    .suspend(|| eprintln!("{error}; trying again for up to {retry_for_s} s"));
            }
            self.progress
                .set_message("server unavailable, trying again");
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(LONGEST_RETRY_DELAY);
            self.tally.reconnections += 1;
            self.rewind_to_first_unacknowledged()?;
        }
    }

    fn rewind_to_first_unacknowledged(&mut self) -> Result<(), UploadStopped> {
        if let Some(first) = self.in_flight.pop_front() {
            self.file.rewind(first.start)?;
            self.all_read = false;
        }
        self.in_flight.clear();
        Ok(())
    }

    async fn run_stream(&mut self) -> Result<(), UploadStopped> {
        let client = self
            .plan
            .client
            .connect()
            .await
            .map_err(UploadStopped::Refused)?;
        let (sender, receiver) = mpsc::channel(WINDOW_BATCHES);
        let mut sender = Some(sender);
        let mut next_number = 1;
        // A server may wait for the first batch before it answers at all, so fill the window before asking.
        self.fill_window(&mut sender, &mut next_number)?;
        if self.in_flight.is_empty() {
            return Ok(());
        }
        let silence_limit = self.plan.retry_for.max(SHORTEST_SILENCE_LIMIT);
        let mut energy = client.energy();
        let call = energy.stream_readings(ReceiverStream::new(receiver));
        let refused = |status| UploadStopped::Refused(client.failed(status));
        let mut answers = within(silence_limit, call)
            .await
            .map_err(refused)?
            .into_inner();
        while !self.in_flight.is_empty() {
            match within(silence_limit, answers.message())
                .await
                .map_err(refused)?
            {
                Some(answer) => self.take(answer)?,
                None => return Err(ended_too_early(&client)),
            }
            self.fill_window(&mut sender, &mut next_number)?;
        }
        // All is acknowledged; whatever the stream ends with changes nothing.
        let closing = async { while let Ok(Some(_)) = answers.message().await {} };
        let _ = tokio::time::timeout(CLOSING_LIMIT, closing).await;
        Ok(())
    }

    fn fill_window(
        &mut self,
        sender: &mut Option<mpsc::Sender<StreamReadingsRequest>>,
        next_number: &mut u64,
    ) -> Result<(), UploadStopped> {
        while self.in_flight.len() < WINDOW_BATCHES && !self.all_read {
            let Some(batch) = self
                .file
                .next_batch(BATCH_READINGS, self.plan.correction.as_ref())?
            else {
                self.all_read = true;
                break;
            };
            let request = StreamReadingsRequest {
                park: self.plan.park.clone(),
                batch: *next_number,
                readings: batch.readings,
                client_request_id: self.plan.client_request_id.clone(),
            };
            // The channel has room for the whole window; it only refuses when the stream broke, and then the answers
            // tell why.
            if let Some(sender) = sender {
                let _ = sender.try_send(request);
            }
            self.in_flight.push_back(SentBatch {
                number: *next_number,
                start: batch.start,
                lines: batch.lines,
            });
            *next_number += 1;
        }
        if self.all_read {
            // Ends the request side of the stream.
            *sender = None;
        }
        Ok(())
    }

    fn take(&mut self, answer: StreamReadingsResponse) -> Result<(), UploadStopped> {
        for rejection in answer.rejections {
            self.note_rejection(rejection);
        }
        for notice in answer.quarantined {
            self.note_quarantined(notice);
        }
        let counts = answer.counts.unwrap_or_default();
        self.tally.counts.recorded += counts.recorded;
        self.tally.counts.already_recorded += counts.already_recorded;
        self.tally.counts.quarantined += counts.quarantined;
        self.tally.counts.rejected += counts.rejected;
        let last_sent = self.in_flight.back().map_or(0, |batch| batch.number);
        if answer.through > last_sent {
            let claim = format!(
                "it covers batch {}, the last one sent is {last_sent}",
                answer.through
            );
            return Err(UploadStopped::Protocol(claim));
        }
        let mut newly_acknowledged = 0;
        while self
            .in_flight
            .front()
            .is_some_and(|batch| batch.number <= answer.through)
        {
            newly_acknowledged += self
                .in_flight
                .pop_front()
                .map_or(0, |batch| batch.lines.len() as u64);
        }
        if newly_acknowledged > 0 {
            self.tally.acknowledged += newly_acknowledged;
            self.tally.through_position = self.tally.through_position.max(answer.recorded_position);
            self.last_progress = Instant::now();
            self.progress.set_message("");
            self.progress.set_position(self.tally.acknowledged);
        }
        Ok(())
    }

    fn line_of(&self, batch: u64, index: u32) -> u64 {
        let sent = self.in_flight.iter().find(|sent| sent.number == batch);
        sent.and_then(|sent| sent.lines.get(index as usize))
            .copied()
            .unwrap_or(0)
    }

    fn note_rejection(&mut self, rejection: ReadingRejection) {
        if self.tally.rejections.len() < MAX_NOTICES {
            let line = self.line_of(rejection.batch, rejection.index);
            let ReadingRejection {
                field,
                code,
                message,
                ..
            } = rejection;
            self.tally.rejections.push(Rejection {
                line,
                field,
                code,
                message,
            });
        }
    }

    fn note_quarantined(&mut self, notice: QuarantineNotice) {
        if self.tally.quarantined.len() < MAX_NOTICES {
            let line = self.line_of(notice.batch, notice.index);
            let reason = QuarantineReason::try_from(notice.reason)
                .unwrap_or_default()
                .as_str_name()
                .to_owned();
            let QuarantineNotice {
                quarantine_id,
                finding,
                ..
            } = notice;
            self.tally.quarantined.push(QuarantinedLine {
                line,
                quarantine_id,
                reason,
                finding,
            });
        }
    }
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<T, tonic::Status> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(tonic::Status::unavailable(format!(
            "the server did not answer for {} s",
            limit.as_secs()
        ))),
    }
}

fn ended_too_early(client: &Client) -> UploadStopped {
    let status = tonic::Status::unavailable(
        "the server ended the stream before everything was acknowledged",
    );
    UploadStopped::Refused(client.failed(status))
}

#[cfg(test)]
mod tests;
