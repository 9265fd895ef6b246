//! What looks wrong with a reading.

use terrarium_model::{
    Decimal, Dimension, EnergyWh, Interval, Reports, Unit, UnixSeconds, energy_wh,
    format_rfc3339_utc,
};

use super::{
    Meter, MeterContext, MeterRejection, QuarantineReason, RecordedReading, RejectionCode,
};

/// A reading is too large beyond this many times what the meter's rating allows.
pub const RATING_FACTOR: i64 = 10;
/// A reading may end this long after the park's clock, so that slightly fast meters are not held up.
pub const CLOCK_TOLERANCE_S: i64 = 60;

impl Meter {
    pub(super) fn refuse_findings(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
        offset: EnergyWh,
    ) -> Result<(), MeterRejection> {
        match self.finding(context, reading, offset) {
            None => Ok(()),
            Some((_, finding)) => Err(MeterRejection {
                code: RejectionCode::FailedPrecondition,
                field: "value",
                message: format!("a correction has to be right, but {finding}"),
            }),
        }
    }

    /// What looks wrong with a reading, if something does. `offset` is what a register's read has to be moved by.
    pub(super) fn finding(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
        offset: EnergyWh,
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
        self.place_finding(context, reading, offset)
    }

    /// What does not fit among the readings that count.
    pub(super) fn place_finding(
        &self,
        context: &MeterContext,
        reading: &RecordedReading,
        offset: EnergyWh,
    ) -> Option<(QuarantineReason, String)> {
        match context.reports {
            Reports::Interval => self.overlap(context, reading.interval),
            Reports::Register => {
                let content = EnergyWh(reading.energy?.0 + offset.0);
                self.register_finding(context, reading.interval.start, content)
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
            earlier.map(|(time, read)| (*time, read.continued(), content)),
            later.map(|(time, read)| (*time, content, read.continued())),
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

pub(super) fn above_rating(
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

pub(super) fn to_energy(value: &Decimal, unit: Unit) -> Result<Option<EnergyWh>, MeterRejection> {
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
