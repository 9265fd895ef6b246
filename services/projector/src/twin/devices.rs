//! Energy devices: stores, weather stations, sources of heat, setpoints, islands.

use std::collections::BTreeMap;

use terrarium_energy::devices::domain::DeviceFact;
use terrarium_journal::{EventCodecError, Payload};
use terrarium_model::AssetId;
use terrarium_proto::energy::v1::{SetpointKind, WeatherObservedV1};
use terrarium_twin::{PointName, Quality, Quantity};
use uuid::Uuid;

use super::samples::{Happened, Samples, Span};

const ASKED: i64 = 1;
const OBEYED: i64 = 2;
const MISSED: i64 = 3;

/// `asks`: the event of each device's newest ask.
pub(super) fn observe(
    samples: &mut Samples<'_>,
    asks: &mut BTreeMap<AssetId, Uuid>,
    id: Uuid,
    fact: &DeviceFact,
    payload: Payload<'_>,
) -> Result<Happened, EventCodecError> {
    let asset = payload.asset(fact.asset())?;
    let time_s = match fact {
        DeviceFact::StorageReportedV1(report) => {
            let time_s = report.time_s;
            samples.instant(&asset, Quantity::StoredWh, time_s, report.stored_wh);
            samples.instant(&asset, Quantity::StoragePowerW, time_s, report.power_w);
            time_s
        }
        DeviceFact::StorageReportQuarantinedV1(report) => {
            let span = Span {
                from_s: report.time_s,
                to_s: report.time_s,
            };
            for quantity in [Quantity::StoredWh, Quantity::StoragePowerW] {
                samples.uncertain(&PointName::of_asset(&asset, quantity), span);
            }
            report.time_s
        }
        DeviceFact::WeatherObservedV1(observed) => weather(samples, &asset, observed),
        DeviceFact::HeatMeteredV1(metered) => {
            metered.interval_start_s + i64::from(metered.interval_seconds)
        }
        DeviceFact::SetpointAskedV1(ask) => {
            asks.insert(asset.clone(), id);
            samples.instant(&asset, Quantity::AskState, ask.time_s, ASKED);
            if ask.kind() != SetpointKind::ReserveWh {
                samples.instant(&asset, Quantity::AskedLimitW, ask.time_s, ask.value);
            }
            ask.time_s
        }
        DeviceFact::SetpointObeyedV1(obeyed) => {
            let asked = payload.event_id(&obeyed.asked_event_id)?;
            if asks.get(&asset) == Some(&asked) {
                samples.instant(&asset, Quantity::AskState, obeyed.time_s, OBEYED);
            }
            obeyed.time_s
        }
        DeviceFact::SetpointMissedV1(missed) => {
            let asked = payload.event_id(&missed.asked_event_id)?;
            if asks.get(&asset) == Some(&asked) {
                samples.instant(&asset, Quantity::AskState, missed.time_s, MISSED);
            }
            missed.time_s
        }
        DeviceFact::IslandStartedV1(started) => started.time_s,
        DeviceFact::IslandEndedV1(ended) => ended.time_s,
    };
    Ok(Happened::at(time_s, Some(asset)))
}

fn weather(samples: &mut Samples<'_>, station: &AssetId, observed: &WeatherObservedV1) -> i64 {
    let span = Span {
        from_s: observed.interval_start_s,
        to_s: observed.interval_start_s + i64::from(observed.interval_seconds),
    };
    let values = [
        (
            Quantity::AirTemperatureMc,
            observed.air_temperature_mc.map(i64::from),
        ),
        (
            Quantity::IrradianceWPerM2,
            observed.irradiance_w_per_m2.map(i64::from),
        ),
        (Quantity::WindMmPerS, observed.wind_mm_per_s.map(i64::from)),
        (Quantity::RainUmPerH, observed.rain_um_per_h.map(i64::from)),
        (
            Quantity::CloudPermille,
            observed.cloud_permille.map(i64::from),
        ),
    ];
    for (quantity, value) in values {
        if let Some(value) = value {
            let point = PointName::of_asset(station, quantity);
            samples.over(&point, span, value, Quality::Good);
        }
    }
    span.to_s
}
