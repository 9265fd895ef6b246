//! From a reading as reported to one that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_model::{
    Decimal, Interval, MeterId, ParkDefinition, Reports, Unit, UnixSeconds, format_rfc3339_utc,
    parse_rfc3339_with_offset,
};
use terrarium_proto::energy::v1::{Correction, Reading};

use crate::domain::{MeterRejection, RejectionCode, ReportedCorrection, ReportedReading};

/// Longest interval of one reading: 366 days.
pub const LONGEST_INTERVAL_S: u32 = 366 * 86_400;
/// Readings start at 1990-01-01T00:00:00Z at the earliest: a clock that was never set must not stretch a park's history
/// over centuries of missing hours.
pub const EARLIEST_READING: UnixSeconds = UnixSeconds(631_152_000);
/// Longest reason text of a correction in bytes.
pub const LONGEST_REASON_BYTES: usize = 500;

/// Checks a reading against the park's definition. Gives the meter and the reading.
pub fn take_in(
    park: &ParkDefinition,
    reading: &Reading,
) -> Result<(MeterId, ReportedReading), MeterRejection> {
    let meter_id =
        MeterId::new(&reading.meter).map_err(|error| invalid("meter", error.to_string()))?;
    let Some(meter) = park.meters.get(&meter_id) else {
        return Err(invalid(
            "meter",
            format!(
                "park {} has no meter \"{meter_id}\"; add it to the park definition, or correct the name",
                park.id
            ),
        ));
    };
    let expected_quantity = match meter.reports {
        Reports::Interval => "active_energy",
        Reports::Register => "active_energy_register",
    };
    if reading.quantity != expected_quantity {
        return Err(invalid(
            "quantity",
            format!(
                "\"{}\" was sent, but meter {meter_id} reports \"{expected_quantity}\"",
                reading.quantity
            ),
        ));
    }
    let start = parse_rfc3339_with_offset(&reading.interval_start)
        .map_err(|error| invalid("interval_start", error.to_string()))?;
    if start < EARLIEST_READING {
        return Err(invalid(
            "interval_start",
            format!(
                "{} is before {}, when no meter of a park was read; check the meter's clock",
                reading.interval_start,
                format_rfc3339_utc(EARLIEST_READING)
            ),
        ));
    }
    match (meter.reports, reading.interval_seconds) {
        (Reports::Interval, 1..=LONGEST_INTERVAL_S) | (Reports::Register, 0) => {}
        (Reports::Interval, seconds) => {
            return Err(invalid(
                "interval_seconds",
                format!("{seconds} s is no interval; it must have 1 to {LONGEST_INTERVAL_S} s"),
            ));
        }
        (Reports::Register, seconds) => {
            return Err(invalid(
                "interval_seconds",
                format!("{seconds} s was sent, but a register is read at an instant; send 0"),
            ));
        }
    }
    let value =
        Decimal::parse(&reading.value).map_err(|error| invalid("value", error.to_string()))?;
    let unit = Unit::parse(&reading.unit).map_err(|error| invalid("unit", error.to_string()))?;
    let correction = reading
        .correction
        .as_ref()
        .map(take_in_correction)
        .transpose()?;
    Ok((
        meter_id,
        ReportedReading {
            interval: Interval {
                start,
                seconds: reading.interval_seconds,
            },
            value,
            unit,
            correction,
        },
    ))
}

/// Checks the reason text of a decision by a person.
pub fn take_in_reason(field: &'static str, reason: &str) -> Result<Arc<str>, MeterRejection> {
    if reason.len() > LONGEST_REASON_BYTES {
        return Err(invalid(
            field,
            format!(
                "the reason has {} bytes; at most {LONGEST_REASON_BYTES} are kept, say it shorter",
                reason.len()
            ),
        ));
    }
    Ok(reason.into())
}

fn take_in_correction(correction: &Correction) -> Result<ReportedCorrection, MeterRejection> {
    Ok(ReportedCorrection {
        replaces_revision: correction.replaces_revision,
        reason: take_in_reason("correction.reason", &correction.reason)?,
    })
}

fn invalid(field: &'static str, message: String) -> MeterRejection {
    MeterRejection {
        code: RejectionCode::InvalidArgument,
        field,
        message,
    }
}

#[cfg(test)]
mod tests;
