//! The words of a meter: readings, commands, events and rejections.

use std::sync::Arc;

use terrarium_model::{Decimal, EnergyWh, Interval, MeterId, ParkId, Reports, Unit, UnixSeconds};
use uuid::Uuid;

/// Everything a decision needs beside the meter's own past.
#[derive(Clone, Debug)]
pub struct MeterContext {
    /// Park of the meter.
    pub park: ParkId,
    /// The meter.
    pub meter: MeterId,
    /// Intervals or register reads.
    pub reports: Reports,
    /// Rated power in W.
    pub rated_w: i64,
    /// The content in Wh at which a register reads 0 again, where the definition says so.
    pub register_wraps_at_wh: Option<i64>,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked of a meter.
#[derive(Clone, Debug)]
pub enum MeterCommand {
    /// Take in a reading.
    Report(ReportedReading),
    /// A register was taken out and another one put in its place.
    Swap(ReportedSwap),
    /// Let a quarantined reading count as it is.
    Release {
        /// The quarantined event.
        quarantine_id: Uuid,
        /// For the record.
        reason: Arc<str>,
    },
    /// Give the right value for a quarantined reading.
    CorrectQuarantined {
        /// The quarantined event.
        quarantine_id: Uuid,
        /// The right value ...
        value: Decimal,
        /// ... and its unit.
        unit: Unit,
        /// For the record.
        reason: Arc<str>,
    },
}

/// A well-formed reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedReading {
    /// The interval; of no length for a register.
    pub interval: Interval,
    /// As reported.
    pub value: Decimal,
    /// As reported.
    pub unit: Unit,
    /// Set when the reading replaces a recorded one.
    pub correction: Option<ReportedCorrection>,
}

/// Says that a reading replaces a recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedCorrection {
    /// The revision it replaces; any if absent.
    pub replaces_revision: Option<u32>,
    /// For the record.
    pub reason: Arc<str>,
}

/// That a register was taken out and another one put in its place, at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedSwap {
    /// When.
    pub time: UnixSeconds,
    /// Last read of the old one.
    pub last: Decimal,
    /// First read of the new one.
    pub first: Decimal,
    /// Of both.
    pub unit: Unit,
    /// For the record.
    pub reason: Arc<str>,
}

/// A reading as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedReading {
    /// The meter.
    pub meter: MeterId,
    /// The interval; of no length for a register.
    pub interval: Interval,
    /// As reported.
    pub value: Decimal,
    /// As reported.
    pub unit: Unit,
    /// Absent when the unit is none of energy.
    pub energy: Option<EnergyWh>,
    /// 0 for the first report, +1 with each correction.
    pub revision: u32,
}

/// An event of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEvent {
    /// Follows from what the event says.
    pub id: Uuid,
    /// What happened.
    pub fact: MeterFact,
}

/// What happened to a meter's readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeterFact {
    /// An interval's energy counts.
    IntervalMetered(RecordedReading),
    /// A register read counts.
    RegisterRead(RecordedReading),
    /// A read counts of a register that came round, or took the place of another one.
    RegisterContinued {
        /// The read.
        reading: RecordedReading,
        /// What has to be added to go on where the reads before left off.
        offset: EnergyWh,
    },
    /// A register was taken out and another one put in its place.
    Swapped {
        /// Last read of the old one.
        last: RecordedReading,
        /// First read of the new one.
        first: RecordedReading,
        /// As in `RegisterContinued`, of the old one.
        last_offset: EnergyWh,
        /// Of the new one, from now on.
        offset: EnergyWh,
        /// Why.
        reason: Arc<str>,
    },
    /// A reading took the place of one that counted.
    Corrected {
        /// Counts from now on.
        reading: RecordedReading,
        /// Event of the reading it replaces.
        replaces: Uuid,
        /// Why.
        reason: Arc<str>,
    },
    /// A reading is kept, but does not count.
    Quarantined {
        /// The reading.
        reading: RecordedReading,
        /// What is wrong with it.
        reason: QuarantineReason,
        /// For people.
        finding: String,
    },
    /// A quarantined reading counts from now on, as it is or corrected.
    QuarantineDecided {
        /// The quarantined event.
        quarantine_id: Uuid,
        /// Counts from now on.
        reading: RecordedReading,
        /// True when the value is another than the quarantined one.
        corrected: bool,
        /// Why.
        reason: Arc<str>,
    },
}

/// Why a reading is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuarantineReason {
    /// A known unit of another dimension.
    WrongDimension,
    /// More than ten times the rating.
    AboveRating,
    /// A register that goes down.
    CounterBackwards,
    /// Energy below zero.
    Negative,
    /// Overlaps another interval without being its correction.
    Overlap,
    /// Ends after the park's clock.
    InFuture,
}

/// Why a command is not carried out: the gRPC code says how a caller should act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MeterRejection {
    /// What kind of answer it is.
    pub code: RejectionCode,
    /// Field of the request that is at fault.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Kinds of rejection, named and numbered as gRPC's status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCode {
    /// The request is malformed, whatever was recorded before.
    InvalidArgument = 3,
    /// What it refers to is not recorded.
    NotFound = 5,
    /// Something else is recorded in its place.
    AlreadyExists = 6,
    /// What is recorded does not allow it.
    FailedPrecondition = 9,
}
