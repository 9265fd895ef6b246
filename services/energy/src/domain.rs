//! What a meter decides about readings. Pure.
//!
//! A reading is *counted* (it is in the balances), *quarantined* (kept, but counted nowhere until a person decides),
//! *already recorded* (no event), or *rejected* (not recorded, with the field at fault).
//!
//! What counts never overlaps: for an interval meter the counted intervals are disjoint; for a register meter the counted
//! reads grow with time.

//!
//! - `words`: readings, commands, events and rejections
//! - `findings`: what looks wrong with a reading
//! - `registers`: registers that come round or are exchanged
//! - `quarantined`: what a person may decide about a quarantined reading

mod findings;
mod quarantined;
mod registers;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_journal::TimeBook;
use terrarium_model::{
    Decimal, EnergyWh, Interval, Reports, Unit, UnixSeconds, event_id, format_rfc3339_utc,
};
use uuid::Uuid;

use findings::to_energy;
pub use findings::{CLOCK_TOLERANCE_S, RATING_FACTOR};
pub use words::{
    MeterCommand, MeterContext, MeterEvent, MeterFact, MeterRejection, QuarantineReason,
    RecordedReading, RejectionCode, ReportedCorrection, ReportedReading, ReportedSwap,
};

/// A meter, as its past left it.
#[derive(Default)]
pub struct Meter {
    counted: TimeBook<Counted>,
    /// Events of readings that counted before a correction took their place.
    superseded: BTreeSet<Uuid>,
    undecided: BTreeMap<Uuid, Undecided>,
    /// Instants at which the register was exchanged, and the event that says so.
    swaps: BTreeMap<UnixSeconds, Uuid>,
    /// Quarantined events, and the event that decided about each.
    decided: BTreeMap<Uuid, Uuid>,
}

/// A reading that counts.
struct Counted {
    first_event: Uuid,
    event: Uuid,
    energy: EnergyWh,
    /// Of a register: what has to be added to go on where the reads before left off ...
    offset: EnergyWh,
    /// ... and for the reads that follow; another one where the register was exchanged.
    next_offset: EnergyWh,
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

    /// Lets go of readings of the far past.
    pub fn forget_old(&mut self) {
        self.counted.forget_old();
    }

    /// Whether a command is about readings that were let go of.
    pub fn needs_forgotten(&self, command: &MeterCommand) -> bool {
        let start = match command {
            MeterCommand::Report(reported) => Some(reported.interval.start),
            // An exchange is later than all readings, or refused.
            MeterCommand::Swap(_) => None,
            MeterCommand::Release { quarantine_id, .. }
            | MeterCommand::CorrectQuarantined { quarantine_id, .. } => {
                let undecided = self.undecided.get(quarantine_id);
                undecided.map(|undecided| undecided.reading.interval.start)
            }
        };
        start.is_some_and(|start| self.counted.is_forgotten(start))
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
            MeterCommand::Swap(swap) => self.swap(context, swap),
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
                self.count(event.id, event.id, reading, EnergyWh::ZERO);
            }
            MeterFact::RegisterContinued { reading, offset } => {
                self.count(event.id, event.id, reading, *offset);
            }
            MeterFact::Swapped {
                last,
                last_offset,
                offset,
                ..
            } => {
                self.count(event.id, event.id, last, *last_offset);
                let at = last.interval.start;
                self.swaps.insert(at, event.id);
                self.counted
                    .get_mut(&at)
                    .expect("counted above")
                    .next_offset = *offset;
            }
            MeterFact::Corrected {
                reading, replaces, ..
            } => {
                self.superseded.insert(*replaces);
                let (first_event, offset) = self
                    .counted
                    .get(&reading.interval.start)
                    .map_or((event.id, EnergyWh::ZERO), |replaced| {
                        (replaced.first_event, replaced.offset)
                    });
                self.count(first_event, event.id, reading, offset);
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
                let offset = self.offset_before(reading.interval.start);
                self.count(*quarantine_id, event.id, reading, offset);
            }
        }
    }

    fn count(
        &mut self,
        first_event: Uuid,
        event: Uuid,
        reading: &RecordedReading,
        offset: EnergyWh,
    ) {
        self.counted.insert(
            reading.interval.start,
            Counted {
                first_event,
                event,
                energy: reading.energy.unwrap_or(EnergyWh::ZERO),
                offset,
                next_offset: offset,
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
        let offset = self.offset_of_new_read(context, &reading);
        let fact = match self.finding(context, &reading, offset) {
            Some((reason, finding)) => MeterFact::Quarantined {
                reading,
                reason,
                finding,
            },
            None if offset != EnergyWh::ZERO => MeterFact::RegisterContinued { reading, offset },
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
        if self.swaps.contains_key(&start) {
            return Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "interval_start",
                message: format!(
                    "meter {} was exchanged at {}, and the reads after it go on from there; they can't be corrected by this one",
                    context.meter,
                    format_rfc3339_utc(start)
                ),
            });
        }
        self.refuse_findings(context, &reading, counted.offset)?;
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
