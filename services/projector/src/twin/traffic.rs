//! Vehicles of the park, and the people who come in.

use terrarium_journal::{EventCodecError, Payload};
use terrarium_proto::mobility::v1 as wire;
use terrarium_twin::{PointName, Quality, Quantity};

use super::samples::{Happened, Samples, Span, per_hour};

pub(super) fn observe(
    samples: &mut Samples<'_>,
    message: &str,
    payload: Payload<'_>,
) -> Result<Option<Happened>, EventCodecError> {
    let (time_s, asset) = match message {
        "FleetVehicleReportedV1" => {
            let message: wire::FleetVehicleReportedV1 = payload.read()?;
            let vehicle = payload.asset(&message.vehicle)?;
            let time_s = message.time_s;
            let state = i64::from(message.state);
            samples.instant(&vehicle, Quantity::VehicleState, time_s, state);
            samples.instant(&vehicle, Quantity::StoredWh, time_s, message.stored_wh);
            (time_s, vehicle)
        }
        "VisitorsCountedV1" => {
            let message: wire::VisitorsCountedV1 = payload.read()?;
            let counter = payload.asset(&message.counter)?;
            let span = Span::of_interval(message.interval_start_s, message.interval_seconds);
            let point = PointName::of_asset(&counter, Quantity::VisitorsPerH);
            let visitors_per_h = per_hour(message.entered.into(), span.seconds());
            samples.over(&point, span, visitors_per_h, Quality::Good);
            (span.to_s, counter)
        }
        _ => return Ok(None),
    };
    Ok(Some(Happened::at(time_s, Some(asset))))
}
