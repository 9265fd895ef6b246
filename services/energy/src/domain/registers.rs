//! Registers that come round to 0 after their last digit, or are exchanged.
//!
//! A read is moved by an *offset* so that the energy between any two reads is the difference of what they say: 0 at first, one
//! turn more each time the register comes round, and whatever the new register lacks after an exchange.

use terrarium_model::{EnergyWh, Interval, Reports, UnixSeconds, event_id, format_rfc3339_utc};

use super::findings::{above_rating, to_energy};
use super::{
    Counted, Meter, MeterContext, MeterEvent, MeterFact, MeterRejection, RecordedReading,
    RejectionCode, ReportedSwap,
};

impl Counted {
    /// Content of a register that goes on for ever.
    pub(super) fn continued(&self) -> EnergyWh {
        EnergyWh(self.energy.0 + self.offset.0)
    }
}

impl Meter {
    /// The offset that the read before a moment hands on.
    pub(super) fn offset_before(&self, at: UnixSeconds) -> EnergyWh {
        let before = self.counted.range(..at).next_back();
        before.map_or(EnergyWh::ZERO, |(_, read)| read.next_offset)
    }

    /// The offset of a read that is new: that of the read before it, or one turn more where only that makes sense of it. A
    /// register that seems to have gone back has come round if what it would have counted since is possible by its rating.
    pub(super) fn offset_of_new_read(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
    ) -> EnergyWh {
        let at = reading.interval.start;
        let offset = self.offset_before(at);
        let (Some(turn_wh), Some(content), Some((before, read))) = (
            context.register_wraps_at_wh,
            reading.energy,
            self.counted.range(..at).next_back(),
        ) else {
            return offset;
        };
        let before_wh = read.energy.0 + read.offset.0;
        if content.0 + offset.0 >= before_wh || !(0..turn_wh).contains(&content.0) {
            return offset;
        }
        let turned = EnergyWh(offset.0 + turn_wh);
        let since = EnergyWh(content.0 + turned.0 - before_wh);
        let is_possible =
            since >= EnergyWh::ZERO && above_rating(context, since, at.0 - before.0).is_none();
        if is_possible { turned } else { offset }
    }

    /// Takes in that the register was exchanged.
    pub(super) fn swap(
        &self,
        context: &MeterContext,
        swap: &ReportedSwap,
    ) -> Result<Vec<MeterEvent>, MeterRejection> {
        let refused = |field, message: String| {
            Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field,
                message,
            })
        };
        let at = format_rfc3339_utc(swap.time);
        let id = event_id(&[
            b"terrarium.energy.meter-swapped",
            context.park.as_str().as_bytes(),
            context.meter.as_str().as_bytes(),
            &swap.time.0.to_le_bytes(),
            swap.last.to_string().as_bytes(),
            swap.first.to_string().as_bytes(),
            swap.unit.token().as_bytes(),
        ]);
        if self.swaps.get(&swap.time) == Some(&id) {
            return Ok(Vec::new());
        }
        if context.reports != Reports::Register {
            return refused(
                "meter",
                format!(
                    "meter {} reports intervals, which go on with any device; only a register has to be told of",
                    context.meter
                ),
            );
        }
        if let Some((newest, _)) = self.counted.last_key_value()
            && swap.time <= *newest
        {
            return refused(
                "time",
                format!(
                    "meter {} has a read of {}, and {at} is no later; the reads after an exchange are of the new register",
                    context.meter,
                    format_rfc3339_utc(*newest)
                ),
            );
        }
        let last = self.read_at(context, swap, &swap.last)?;
        let first = self.read_at(context, swap, &swap.first)?;
        let last_offset = self.offset_of_new_read(context, &last);
        for (field, read) in [("last_value", &last), ("first_value", &first)] {
            // Of the new register nothing is known before; it only has to be a content.
            let offset = if field == "last_value" {
                last_offset
            } else {
                EnergyWh(last_offset.0 + content(&last) - content(read))
            };
            if let Some((_, finding)) = self.finding(context, read, offset) {
                return refused(field, format!("it has to be right, but {finding}"));
            }
        }
        let offset = EnergyWh(last_offset.0 + content(&last) - content(&first));
        let fact = MeterFact::Swapped {
            last,
            first,
            last_offset,
            offset,
            reason: swap.reason.clone(),
        };
        Ok(vec![MeterEvent { id, fact }])
    }

    fn read_at(
        &self,
        context: &MeterContext,
        swap: &ReportedSwap,
        value: &terrarium_model::Decimal,
    ) -> Result<RecordedReading, MeterRejection> {
        Ok(RecordedReading {
            meter: context.meter.clone(),
            interval: Interval {
                start: swap.time,
                seconds: 0,
            },
            value: *value,
            unit: swap.unit,
            energy: to_energy(value, swap.unit)?,
            revision: 0,
        })
    }
}

fn content(read: &RecordedReading) -> i64 {
    read.energy.unwrap_or(EnergyWh::ZERO).0
}
