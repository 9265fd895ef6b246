//! What a person may decide about a quarantined reading.

use std::sync::Arc;

use terrarium_model::{Decimal, Unit, event_id, format_rfc3339_utc};
use uuid::Uuid;

use super::findings::to_energy;
use super::{
    Meter, MeterContext, MeterEvent, MeterFact, MeterRejection, QuarantineReason, RecordedReading,
    RejectionCode,
};

impl Meter {
    pub(super) fn release(
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
        )) = self.place_finding(
            context,
            &undecided.reading,
            self.offset_before(undecided.reading.interval.start),
        ) {
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

    pub(super) fn correct_quarantined(
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
        let offset = self.offset_before(reading.interval.start);
        self.refuse_findings(context, &reading, offset)?;
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
}
