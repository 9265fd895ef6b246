//! Reports about many aggregates in one call, and single commands: from the wire to the desk and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_proto::report::v1 as wire;
use tonic::{Code, Status};

use crate::aggregate::Aggregate;
use crate::clocks::RecordingTime;
use crate::desk::{Desk, Submission};
use crate::provenance::Provenance;
use crate::refusal::field_status;
use crate::rejection::Rejection;
use crate::stream::StreamName;

/// Reports of one call at most.
pub const MOST_REPORTS_PER_CALL: usize = 2_000;

/// Refuses a call with too many reports.
pub fn refuse_too_many_reports(field: &'static str, reports: usize) -> Result<(), Status> {
    if reports <= MOST_REPORTS_PER_CALL {
        return Ok(());
    }
    Err(field_status(
        Code::InvalidArgument,
        field,
        format!("there are {reports}; send at most {MOST_REPORTS_PER_CALL} at once"),
    ))
}

/// The caller's own id of a command, which makes sending it again harmless.
pub fn take_in_required_request_id(provenance: &Provenance) -> Result<Arc<str>, Status> {
    provenance.client_request_id.clone().ok_or_else(|| {
        field_status(
            Code::InvalidArgument,
            "client_request_id",
            "a command needs one, so that sending it again is harmless; make one up for each command",
        )
    })
}

/// The reports of one call, sorted by the aggregate that decides about each.
pub struct Reports<A: Aggregate<Rejection = Rejection>> {
    by_stream: BTreeMap<StreamName, ForOne<A>>,
    rejections: Vec<wire::ReportRejection>,
}

struct ForOne<A: Aggregate> {
    context: A::Context,
    /// Place in the call of each command.
    indices: Vec<u32>,
    commands: Vec<A::Command>,
}

/// A well-formed report and the aggregate that decides about it.
pub struct Addressed<A: Aggregate> {
    /// Stream of the aggregate.
    pub stream: StreamName,
    /// What the decision needs; of several reports to one aggregate the first one's counts.
    pub context: A::Context,
    /// The report.
    pub command: A::Command,
}

/// What became of the reports of one call, once it is on disk.
#[derive(Debug)]
pub struct ReportOutcome {
    /// How many of each kind.
    pub counts: wire::ReportCounts,
    /// In the order of the call.
    pub rejections: Vec<wire::ReportRejection>,
    /// Covers all of the call.
    pub recorded_position: u64,
}

impl<A: Aggregate<Rejection = Rejection>> Default for Reports<A> {
    fn default() -> Self {
        Reports {
            by_stream: BTreeMap::new(),
            rejections: Vec::new(),
        }
    }
}

impl<A: Aggregate<Rejection = Rejection>> Reports<A> {
    /// Takes in reports one by one; what `address` refuses is rejected with its place in the call.
    pub fn take_in<R>(
        reports: &[R],
        address: impl Fn(&R) -> Result<Addressed<A>, Rejection>,
    ) -> Reports<A> {
        let mut taken: Reports<A> = Reports::default();
        for (index, report) in (0u32..).zip(reports) {
            match address(report) {
                Ok(addressed) => {
                    let one = taken
                        .by_stream
                        .entry(addressed.stream)
                        .or_insert_with(|| ForOne {
                            context: addressed.context,
                            indices: Vec::new(),
                            commands: Vec::new(),
                        });
                    one.indices.push(index);
                    one.commands.push(addressed.command);
                }
                Err(rejection) => taken.rejections.push(rejection_to_wire(index, rejection)),
            }
        }
        taken
    }

    /// Decides about all of them, one commit for each aggregate, and waits until everything is on disk.
    pub async fn record(
        self,
        desk: &Arc<Desk<A>>,
        recorded_time: RecordingTime,
        provenance: &Provenance,
    ) -> Result<ReportOutcome, Status> {
        let mut in_flight = Vec::with_capacity(self.by_stream.len());
        for (stream, one) in self.by_stream {
            let submission = Submission {
                stream,
                commands: one.commands,
                context: one.context,
                recorded_time,
                provenance: provenance.clone(),
            };
            in_flight.push((one.indices, desk.submit(submission).await?));
        }
        let mut outcome = ReportOutcome {
            counts: wire::ReportCounts::default(),
            rejections: self.rejections,
            recorded_position: 0,
        };
        for (indices, pending) in in_flight {
            let (results, position) = pending.recorded().await?;
            outcome.recorded_position = outcome
                .recorded_position
                .max(position.map_or(0, |position| position.0));
            for (index, result) in indices.into_iter().zip(results) {
                match result {
                    Ok(events) if events.is_empty() => outcome.counts.already_recorded += 1,
                    Ok(events) if events.iter().any(A::is_quarantine) => {
                        outcome.counts.quarantined += 1;
                    }
                    Ok(_) => outcome.counts.recorded += 1,
                    Err(rejection) => outcome.rejections.push(rejection_to_wire(index, rejection)),
                }
            }
        }
        outcome.rejections.sort_by_key(|rejection| rejection.index);
        outcome.counts.rejected = outcome.rejections.len() as u64;
        Ok(outcome)
    }
}

impl<A: Aggregate<Rejection = Rejection>> Desk<A> {
    /// Decides about a single command and waits until it is on disk. Gives the new events (none: it was so already) and a
    /// position that covers all they rest on.
    pub async fn carry_out(
        self: &Arc<Self>,
        addressed: Addressed<A>,
        recorded_time: RecordingTime,
        provenance: Provenance,
    ) -> Result<(Vec<A::Event>, u64), Status> {
        let submission = Submission {
            stream: addressed.stream,
            commands: vec![addressed.command],
            context: addressed.context,
            recorded_time,
            provenance,
        };
        let (mut results, position) = self.submit(submission).await?.recorded().await?;
        let events = results.pop().expect("one command, one result")?;
        Ok((events, position.map_or(0, |position| position.0)))
    }
}

fn rejection_to_wire(index: u32, rejection: Rejection) -> wire::ReportRejection {
    wire::ReportRejection {
        index,
        field: rejection.field.to_owned(),
        code: rejection.code as u32,
        message: rejection.message,
    }
}
