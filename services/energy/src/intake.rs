//! From a reading as reported to one that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_model::{
    Decimal, Interval, Meter, MeterId, ParkDefinition, Reports, Unit, UnixSeconds,
    format_rfc3339_utc, parse_rfc3339_with_offset,
};
use terrarium_proto::energy::v1::{Correction, Reading, SwapMeterRequest};

use crate::domain::{
    MeterRejection, RejectionCode, ReportedCorrection, ReportedReading, ReportedSwap,
};

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
    let meter = find_meter(park, &reading.meter)?;
    let meter_id = meter.id.clone();
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

/// Checks the exchange of a register as sent. Gives the meter and the exchange.
pub fn take_in_swap(
    park: &ParkDefinition,
    sent: &SwapMeterRequest,
) -> Result<(MeterId, ReportedSwap), MeterRejection> {
    let meter = find_meter(park, &sent.meter)?;
    let decimal =
        |field, text: &str| Decimal::parse(text).map_err(|error| invalid(field, error.to_string()));
    let time = parse_rfc3339_with_offset(&sent.time)
        .map_err(|error| invalid("time", error.to_string()))?;
    let swap = ReportedSwap {
        time,
        last: decimal("last_value", &sent.last_value)?,
        first: decimal("first_value", &sent.first_value)?,
        unit: Unit::parse(&sent.unit).map_err(|error| invalid("unit", error.to_string()))?,
        reason: take_in_reason("reason", &sent.reason)?,
    };
    Ok((meter.id.clone(), swap))
}

fn find_meter<'p>(park: &'p ParkDefinition, id: &str) -> Result<&'p Meter, MeterRejection> {
    let id = MeterId::new(id).map_err(|error| invalid("meter", error.to_string()))?;
    park.meters.get(&id).ok_or_else(|| {
        invalid(
            "meter",
            format!(
                "park {} has no meter \"{id}\"; add it to the park definition, or correct the name",
                park.id
            ),
        )
    })
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
