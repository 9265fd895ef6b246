//! What a meter decides about readings. Pure.
//!
//! A reading is *counted* (it is in the balances), *quarantined* (kept, but counted nowhere until a person decides),
//! *already recorded* (no event), or *rejected* (not recorded, with the field at fault).
//!
//! What counts never overlaps: for an interval meter the counted intervals are disjoint; for a register meter the counted
//! reads grow with time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_model::{
    Decimal, Dimension, EnergyWh, Interval, MeterId, ParkId, Reports, Unit, UnixSeconds, energy_wh,
    event_id, format_rfc3339_utc,
};
use uuid::Uuid;

/// A reading is too large beyond this many times what the meter's rating allows.
pub const RATING_FACTOR: i64 = 10;
/// A reading may end this long after the park's clock, so that slightly fast meters are not held up.
pub const CLOCK_TOLERANCE_S: i64 = 60;

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
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be asked of a meter.
#[derive(Clone, Debug)]
pub enum MeterCommand {
    /// Take in a reading.
    Report(ReportedReading),
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

/// A meter, as its past left it.
#[derive(Default)]
pub struct Meter {
    counted: BTreeMap<UnixSeconds, Counted>,
    /// Events of readings that counted before a correction took their place.
    superseded: BTreeSet<Uuid>,
    undecided: BTreeMap<Uuid, Undecided>,
    /// Quarantined events, and the event that decided about each.
    decided: BTreeMap<Uuid, Uuid>,
}

/// A reading that counts.
struct Counted {
    first_event: Uuid,
    event: Uuid,
    energy: EnergyWh,
    value: Decimal,
    unit: Unit,
    seconds: u32,
    revision: u32,
}

/// A quarantined reading nobody has decided about.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// The reading.
    pub reading: RecordedReading,
    /// What is wrong with it.
    pub reason: QuarantineReason,
    /// For people.
    pub finding: String,
}

impl Meter {
    /// A meter without readings.
    pub fn new() -> Meter {
        Meter::default()
    }

    /// Quarantined readings that wait for a decision, by event id.
    pub fn undecided(&self) -> &BTreeMap<Uuid, Undecided> {
        &self.undecided
    }

    /// Whether a reading is or was in quarantine here.
    pub fn knows_quarantine(&self, quarantine_id: &Uuid) -> bool {
        self.undecided.contains_key(quarantine_id) || self.decided.contains_key(quarantine_id)
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &MeterContext,
        command: &MeterCommand,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        match command {
            MeterCommand::Report(reported) => match &reported.correction {
                None => self.report(context, reported),
                Some(correction) => self.correct(context, reported, correction),
            },
            MeterCommand::Release {
                quarantine_id,
                reason,
            } => self.release(context, *quarantine_id, reason),
            MeterCommand::CorrectQuarantined {
                quarantine_id,
                value,
                unit,
                reason,
            } => self.correct_quarantined(context, *quarantine_id, value, *unit, reason),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &MeterEvent) {
        match &event.fact {
            MeterFact::IntervalMetered(reading) | MeterFact::RegisterRead(reading) => {
                self.count(event.id, event.id, reading);
            }
            MeterFact::Corrected {
                reading, replaces, ..
            } => {
                self.superseded.insert(*replaces);
                let first_event = self
                    .counted
                    .get(&reading.interval.start)
                    .map_or(event.id, |replaced| replaced.first_event);
                self.count(first_event, event.id, reading);
            }
            MeterFact::Quarantined {
                reading,
                reason,
                finding,
            } => {
                self.undecided.insert(
                    event.id,
                    Undecided {
                        reading: reading.clone(),
                        reason: *reason,
                        finding: finding.clone(),
                    },
                );
            }
            MeterFact::QuarantineDecided {
                quarantine_id,
                reading,
                ..
            } => {
                self.undecided.remove(quarantine_id);
                self.decided.insert(*quarantine_id, event.id);
                self.count(*quarantine_id, event.id, reading);
            }
        }
    }

    fn count(&mut self, first_event: Uuid, event: Uuid, reading: &RecordedReading) {
        self.counted.insert(
            reading.interval.start,
            Counted {
                first_event,
                event,
                energy: reading.energy.unwrap_or(EnergyWh::ZERO),
                value: reading.value,
                unit: reading.unit,
                seconds: reading.interval.seconds,
                revision: reading.revision,
            },
        );
    }

    fn report(
        &self,
        context: &MeterContext,
        reported: &ReportedReading,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        let id = reading_id(
            context,
            reported.interval,
            0,
            &reported.value,
            reported.unit,
        );
        if self.undecided.contains_key(&id) || self.decided.contains_key(&id) {
            return Ok(Vec::new());
        }
        if let Some(counted) = self.counted.get(&reported.interval.start)
            && counted.seconds == reported.interval.seconds
        {
            let says_what_counts = counted.value == reported.value && counted.unit == reported.unit;
            if says_what_counts || counted.first_event == id {
                return Ok(Vec::new());
            }
            return Err(MeterRejection {
                code: RejectionCode::AlreadyExists,
                field: "value",
                message: format!(
                    "meter {} at {}: {} {} is recorded (revision {}), and {} {} was sent; if the new value is right, send it \
                     as a correction",
                    context.meter,
                    format_rfc3339_utc(reported.interval.start),
                    counted.value,
                    counted.unit,
                    counted.revision,
                    reported.value,
                    reported.unit
                ),
            });
        }
        let energy = to_energy(&reported.value, reported.unit)?;
        let reading = RecordedReading {
            meter: context.meter.clone(),
            interval: reported.interval,
            value: reported.value,
            unit: reported.unit,
            energy,
            revision: 0,
        };
        let fact = match self.finding(context, &reading) {
            Some((reason, finding)) => MeterFact::Quarantined {
                reading,
                reason,
                finding,
            },
            None if context.reports == Reports::Register => MeterFact::RegisterRead(reading),
            None => MeterFact::IntervalMetered(reading),
        };
        Ok(vec![MeterEvent { id, fact }])
    }

    fn correct(
        &self,
        context: &MeterContext,
        reported: &ReportedReading,
        correction: &ReportedCorrection,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        let start = reported.interval.start;
        let Some(counted) = self
            .counted
            .get(&start)
            .filter(|counted| counted.seconds == reported.interval.seconds)
        else {
            return Err(MeterRejection {
                code: RejectionCode::NotFound,
                field: "interval_start",
                message: format!(
                    "meter {} has no counted reading of {} s at {} to correct; send it as a plain reading, or correct it in \
                     the quarantine",
                    context.meter,
                    reported.interval.seconds,
                    format_rfc3339_utc(start)
                ),
            });
        };
        if counted.value == reported.value && counted.unit == reported.unit {
            return Ok(Vec::new());
        }
        if let Some(expected) = correction.replaces_revision
            && expected != counted.revision
        {
            let id = reading_id(
                context,
                reported.interval,
                expected.saturating_add(1),
                &reported.value,
                reported.unit,
            );
            if self.superseded.contains(&id) {
                // It was carried out before, and corrected again since.
                return Ok(Vec::new());
            }
            return Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "correction.replaces_revision",
                message: format!(
                    "meter {} at {} is at revision {}, not {expected}; look at it and send the correction again",
                    context.meter,
                    format_rfc3339_utc(start),
                    counted.revision
                ),
            });
        }
        let revision = counted.revision + 1;
        let reading = RecordedReading {
            meter: context.meter.clone(),
            interval: reported.interval,
            value: reported.value,
            unit: reported.unit,
            energy: to_energy(&reported.value, reported.unit)?,
            revision,
        };
        self.refuse_findings(context, &reading)?;
        Ok(vec![MeterEvent {
            id: reading_id(
                context,
                reported.interval,
                revision,
                &reported.value,
                reported.unit,
            ),
            fact: MeterFact::Corrected {
                reading,
                replaces: counted.event,
                reason: Arc::clone(&correction.reason),
            },
        }])
    }

    fn release(
        &self,
        context: &MeterContext,
        quarantine_id: Uuid,
        reason: &Arc<str>,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        let id = event_id(&[
            b"terrarium.energy.quarantine-released",
            quarantine_id.as_bytes(),
        ]);
        let Some(undecided) = self.undecided.get(&quarantine_id) else {
            return self.no_such_quarantine(quarantine_id, id);
        };
        self.refuse_taken_place(context, &undecided.reading)?;
        if undecided.reading.energy.is_none() {
            return Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "quarantine_id",
                message: format!(
                    "{} {} is no energy and can't count; give the right value and unit with `terrarium quarantine correct`",
                    undecided.reading.value, undecided.reading.unit
                ),
            });
        }
        // What a person may vouch for: a surprising size or sign, a clock. What nobody can: two truths for one time.
        if let Some((
            finding @ (QuarantineReason::Overlap | QuarantineReason::CounterBackwards),
            message,
        )) = self.place_finding(context, &undecided.reading)
        {
            return Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "quarantine_id",
                message: format!(
                    "it still can't count ({finding:?}): {message}; correct what is wrong"
                ),
            });
        }
        Ok(vec![MeterEvent {
            id,
            fact: MeterFact::QuarantineDecided {
                quarantine_id,
                reading: undecided.reading.clone(),
                corrected: false,
                reason: Arc::clone(reason),
            },
        }])
    }

    fn correct_quarantined(
        &self,
        context: &MeterContext,
        quarantine_id: Uuid,
        value: &Decimal,
        unit: Unit,
        reason: &Arc<str>,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        let id = event_id(&[
            b"terrarium.energy.quarantine-corrected",
            quarantine_id.as_bytes(),
            value.to_string().as_bytes(),
            unit.token().as_bytes(),
        ]);
        let Some(undecided) = self.undecided.get(&quarantine_id) else {
            return self.no_such_quarantine(quarantine_id, id);
        };
        self.refuse_taken_place(context, &undecided.reading)?;
        let reading = RecordedReading {
            value: *value,
            unit,
            energy: to_energy(value, unit)?,
            ..undecided.reading.clone()
        };
        self.refuse_findings(context, &reading)?;
        Ok(vec![MeterEvent {
            id,
            fact: MeterFact::QuarantineDecided {
                quarantine_id,
                reading,
                corrected: true,
                reason: Arc::clone(reason),
            },
        }])
    }

    /// A decision that was made before is no error when it was this very one.
    fn no_such_quarantine(
        &self,
        quarantine_id: Uuid,
        decision_id: Uuid,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        let Some(made) = self.decided.get(&quarantine_id) else {
            return Err(MeterRejection {
                code: RejectionCode::NotFound,
                field: "quarantine_id",
                message: format!(
                    "{quarantine_id} is not in quarantine; `terrarium quarantine list` shows what is"
                ),
            });
        };
        if *made == decision_id {
            return Ok(Vec::new());
        }
        Err(MeterRejection {
            code: RejectionCode::AlreadyExists,
            field: "quarantine_id",
            message: format!(
                "{quarantine_id} was decided before, in another way; send a correction of the reading instead"
            ),
        })
    }

    /// A quarantined reading can't take the place of one that counts by now.
    fn refuse_taken_place(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
    ) -> Result<(), MeterRejection> {
        match self.counted.get(&reading.interval.start) {
            Some(counted) if counted.seconds == reading.interval.seconds => Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "quarantine_id",
                message: format!(
                    "meter {} at {} counts {} {} by now; if that is wrong, send a correction of it",
                    context.meter,
                    format_rfc3339_utc(reading.interval.start),
                    counted.value,
                    counted.unit
                ),
            }),
            _ => Ok(()),
        }
    }

    fn refuse_findings(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
    ) -> Result<(), MeterRejection> {
        match self.finding(context, reading) {
            None => Ok(()),
            Some((_, finding)) => Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "value",
                message: format!("a correction has to be right, but {finding}"),
            }),
        }
    }

    /// What looks wrong with a reading, if something does.
    fn finding(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
    ) -> Option<(QuarantineReason, String)> {
        let meter = &context.meter;
        let (value, unit) = (&reading.value, reading.unit);
        let Some(energy) = reading.energy else {
            return Some((
                QuarantineReason::WrongDimension,
                format!(
                    "meter {meter}: {value} {unit} is {}, not energy; if the meter means {}, correct it",
                    unit.dimension(),
                    Unit::ENERGY_TOKENS
                ),
            ));
        };
        if energy < EnergyWh::ZERO {
            return Some((
                QuarantineReason::Negative,
                format!(
                    "meter {meter}: {value} {unit} is below zero; energy in the other direction belongs to another meter"
                ),
            ));
        }
        if reading.interval.end().0 > context.now.0 + CLOCK_TOLERANCE_S {
            return Some((
                QuarantineReason::InFuture,
                format!(
                    "meter {meter}: the reading ends at {}, after the park's time {}; check the meter's clock",
                    format_rfc3339_utc(reading.interval.end()),
                    format_rfc3339_utc(context.now)
                ),
            ));
        }
        if context.reports == Reports::Interval
            && let Some(finding) =
                above_rating(context, energy, i64::from(reading.interval.seconds))
        {
            return Some(finding);
        }
        self.place_finding(context, reading)
    }

    /// What does not fit among the readings that count.
    fn place_finding(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
    ) -> Option<(QuarantineReason, String)> {
        match context.reports {
            Reports::Interval => self.overlap(context, reading.interval),
            Reports::Register => {
                self.register_finding(context, reading.interval.start, reading.energy?)
            }
        }
    }

    fn overlap(
        &self,
        context: &MeterContext,
        interval: Interval,
    ) -> Option<(QuarantineReason, String)> {
        let before = self.counted.range(..interval.end()).next_back()?;
        let other = Interval {
            start: *before.0,
            seconds: before.1.seconds,
        };
        (other != interval && other.overlaps(interval)).then(|| {
            (
                QuarantineReason::Overlap,
                format!(
                    "meter {}: {} s from {} overlap the recorded {} s from {}",
                    context.meter,
                    interval.seconds,
                    format_rfc3339_utc(interval.start),
                    other.seconds,
                    format_rfc3339_utc(other.start)
                ),
            )
        })
    }

    fn register_finding(
        &self,
        context: &MeterContext,
        at: UnixSeconds,
        content: EnergyWh,
    ) -> Option<(QuarantineReason, String)> {
        let earlier = self.counted.range(..at).next_back();
        let later = self.counted.range(UnixSeconds(at.0 + 1)..).next();
        let steps = [
            earlier.map(|(time, read)| (*time, read.energy, content)),
            later.map(|(time, read)| (*time, content, read.energy)),
        ];
        // Backwards on either side comes first: a person may vouch for a size, but not for that.
        let backwards = steps
            .iter()
            .flatten()
            .find(|(_, lower, upper)| upper < lower);
        if let Some((neighbour, lower, upper)) = backwards {
            return Some((
                QuarantineReason::CounterBackwards,
                format!(
                    "meter {}: the register would go from {} Wh down to {} Wh between {} and {}",
                    context.meter,
                    lower.0,
                    upper.0,
                    format_rfc3339_utc(at.min(*neighbour)),
                    format_rfc3339_utc(at.max(*neighbour))
                ),
            ));
        }
        steps
            .iter()
            .flatten()
            .find_map(|(neighbour, lower, upper)| {
                let energy = EnergyWh(upper.0 - lower.0);
                above_rating(context, energy, (neighbour.0 - at.0).abs())
            })
    }
}

fn above_rating(
    context: &MeterContext,
    energy: EnergyWh,
    seconds: i64,
) -> Option<(QuarantineReason, String)> {
    let allowed_ws = i128::from(RATING_FACTOR) * i128::from(context.rated_w) * i128::from(seconds);
    (i128::from(energy.0) * 3600 > allowed_ws).then(|| {
        (
            QuarantineReason::AboveRating,
            format!(
                "meter {}: {} Wh in {seconds} s is more than {RATING_FACTOR} times its rating of {} W; check unit and \
                 transformer ratio",
                context.meter, energy.0, context.rated_w
            ),
        )
    })
}

fn to_energy(value: &Decimal, unit: Unit) -> Result<Option<EnergyWh>, MeterRejection> {
    if unit.dimension() != Dimension::Energy {
        return Ok(None);
    }
    energy_wh(value, unit)
        .map(Some)
        .map_err(|error| MeterRejection {
            code: RejectionCode::InvalidArgument,
            field: "value",
            message: error.to_string(),
        })
}

/// Id of a reading: the same statement always gets the same id.
pub fn reading_id(
    context: &MeterContext,
    interval: Interval,
    revision: u32,
    value: &Decimal,
    unit: Unit,
) -> Uuid {
    let channel: &[u8] = match context.reports {
        Reports::Interval => b"active_energy",
        Reports::Register => b"active_energy_register",
    };
    event_id(&[
        b"terrarium.energy.reading",
        context.park.as_str().as_bytes(),
        context.meter.as_str().as_bytes(),
        channel,
        &interval.start.0.to_le_bytes(),
        &interval.seconds.to_le_bytes(),
        &revision.to_le_bytes(),
        value.to_string().as_bytes(),
        unit.token().as_bytes(),
    ])
}

#[cfg(test)]
mod tests;
