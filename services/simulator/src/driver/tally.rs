//! What became of the reports that were sent.

use std::collections::BTreeMap;

use terrarium_proto::report::v1::{ReportCounts, ReportRejection};
use tonic::Status;

/// Rejections that are kept for printing.
const MOST_REJECTED_KEPT: usize = 50;

/// A report that was not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub call: &'static str,
    pub message: String,
}

/// Counts of reports and commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub recorded: u64,
    pub already_recorded: u64,
    pub quarantined: u64,
    pub rejected: u64,
    /// Reports by service call that this server does not have.
    pub not_taken: BTreeMap<&'static str, u64>,
    /// Recorded by service call.
    pub by_call: BTreeMap<&'static str, u64>,
    /// The first of the rejected.
    pub first_rejected: Vec<Rejected>,
    /// The event store's position that covers everything acknowledged.
    pub position: u64,
}

impl Tally {
    /// Adds another one up.
    pub fn add(&mut self, other: Tally) {
        self.recorded += other.recorded;
        self.already_recorded += other.already_recorded;
        self.quarantined += other.quarantined;
        self.rejected += other.rejected;
        self.position = self.position.max(other.position);
        for (call, reports) in other.not_taken {
            *self.not_taken.entry(call).or_default() += reports;
        }
        for (call, reports) in other.by_call {
            *self.by_call.entry(call).or_default() += reports;
        }
        let room = MOST_REJECTED_KEPT - self.first_rejected.len();
        self.first_rejected
            .extend(other.first_rejected.into_iter().take(room));
    }

    /// What an answer to many reports says.
    pub fn note_counts(
        &mut self,
        call: &'static str,
        counts: Option<ReportCounts>,
        rejections: Vec<ReportRejection>,
        position: u64,
    ) {
        let counts = counts.unwrap_or_default();
        // What is in quarantine is on record too.
        let recorded = counts.recorded + counts.quarantined;
        self.note_recorded(call, recorded, counts.already_recorded, position);
        self.quarantined += counts.quarantined;
        self.rejected += counts.rejected;
        for rejection in rejections {
            let field = rejection.field;
            self.keep(call, format!("{field}: {}", rejection.message));
        }
    }

    pub fn note_recorded(
        &mut self,
        call: &'static str,
        recorded: u64,
        already_recorded: u64,
        position: u64,
    ) {
        self.recorded += recorded;
        self.already_recorded += already_recorded;
        self.position = self.position.max(position);
        *self.by_call.entry(call).or_default() += recorded;
    }

    /// A single report or command that was refused.
    pub fn note_refused(&mut self, call: &'static str, status: &Status) {
        self.rejected += 1;
        self.keep(call, status.message().to_owned());
    }

    pub fn note_not_taken(&mut self, call: &'static str, reports: u64) {
        *self.not_taken.entry(call).or_default() += reports;
    }

    pub fn keep(&mut self, call: &'static str, message: String) {
        if self.first_rejected.len() < MOST_REJECTED_KEPT {
            self.first_rejected.push(Rejected { call, message });
        }
    }
}
