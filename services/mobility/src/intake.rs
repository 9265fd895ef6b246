//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_journal::{
    Rejection, find_any_asset, find_asset, take_in_instant, take_in_interval,
    take_in_optional_token, take_in_token,
};
use terrarium_model::{Asset, AssetId, AssetKind, AssetParameters, ParkDefinition, UnixSeconds};
use terrarium_proto::mobility::v1 as wire;
use uuid::Uuid;

use crate::domain::{ChargerCommand, OwnerTerms, SessionStart, Totals};
use crate::events::class_from_wire;

/// Longest interval of one count of people: a day.
const LONGEST_COUNT_S: u32 = 86_400;

/// A charger of the park definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargerDefinition {
    /// The charger.
    pub id: AssetId,
    /// Rated power in W.
    pub rated_w: i64,
    /// It can take energy from a car.
    pub bidirectional: bool,
}

/// Finds a charger.
pub fn find_charger(park: &ParkDefinition, id: &str) -> Result<ChargerDefinition, Rejection> {
    let asset = find_asset(park, "charger", id, AssetKind::Charger)?;
    let (AssetParameters::Charger { bidirectional }, Some(rated_w)) =
        (&asset.parameters, asset.rated_w)
    else {
        unreachable!("the parameters follow from the kind, and a charger has a rating");
    };
    Ok(ChargerDefinition {
        id: asset.id.clone(),
        rated_w,
        bidirectional: *bidirectional,
    })
}

/// A vehicle of the park definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VehicleDefinition {
    /// The vehicle.
    pub id: AssetId,
    /// Wh that its battery holds when full.
    pub battery_wh: i64,
    /// It takes visitors round.
    pub is_shuttle: bool,
}

/// What an asset is as a vehicle, if it is one.
pub fn as_vehicle(asset: &Asset) -> Option<VehicleDefinition> {
    let (battery_wh, is_shuttle) = match asset.parameters {
        AssetParameters::Vehicle { capacity_wh } => (capacity_wh, false),
        AssetParameters::Shuttle { capacity_wh, .. } => (capacity_wh, true),
        _ => return None,
    };
    Some(VehicleDefinition {
        id: asset.id.clone(),
        battery_wh,
        is_shuttle,
    })
}

/// Finds a vehicle or shuttle.
pub fn find_vehicle(park: &ParkDefinition, id: &str) -> Result<VehicleDefinition, Rejection> {
    let asset = find_any_asset(park, "vehicle", id)?;
    as_vehicle(asset).ok_or_else(|| {
        Rejection::invalid(
            "vehicle",
            format!(
                "{id} of park {} is no vehicle; name an asset of kind vehicle or shuttle",
                park.id
            ),
        )
    })
}

/// Checks what a vehicle told.
pub fn take_in_vehicle_report(
    sent: &wire::FleetVehicleReport,
) -> Result<wire::FleetVehicleReportedV1, Rejection> {
    if sent.state() == wire::VehicleState::Unspecified {
        return Err(Rejection::invalid(
            "state",
            "it is not known; send PARKED, DRIVING, CHARGING or OUT_OF_SERVICE",
        ));
    }
    Ok(wire::FleetVehicleReportedV1 {
        vehicle: sent.vehicle.clone(),
        time_s: take_in_instant("time", &sent.time)?.0,
        state: sent.state,
        stored_wh: sent.stored_wh,
        odometer_m: sent.odometer_m,
    })
}

/// Checks a trip as sent.
pub fn take_in_trip(
    park: &ParkDefinition,
    sent: &wire::ShuttleTrip,
) -> Result<wire::ShuttleTripEndedV1, Rejection> {
    find_asset(park, "vehicle", &sent.vehicle, AssetKind::Shuttle)?;
    Ok(wire::ShuttleTripEndedV1 {
        vehicle: sent.vehicle.clone(),
        trip: take_in_token("trip", &sent.trip)?.to_string(),
        line: take_in_optional_token("line", &sent.line)?,
        started_s: take_in_instant("started", &sent.started)?.0,
        ended_s: take_in_instant("ended", &sent.ended)?.0,
        distance_m: sent.distance_m,
        energy_wh: sent.energy_wh,
        passengers: sent.passengers,
    })
}

/// Checks a count of people as sent.
pub fn take_in_count(
    park: &ParkDefinition,
    sent: &wire::VisitorCount,
) -> Result<(AssetId, wire::VisitorsCountedV1), Rejection> {
    let counter = find_asset(park, "counter", &sent.counter, AssetKind::EntranceCounter)?;
    let interval = take_in_interval(&sent.interval_start, sent.interval_seconds, LONGEST_COUNT_S)?;
    let counted = wire::VisitorsCountedV1 {
        counter: counter.id.to_string(),
        interval_start_s: interval.start.0,
        interval_seconds: interval.seconds,
        entered: sent.entered,
        left: sent.left,
    };
    Ok((counter.id.clone(), counted))
}

/// Checks what a car's owner asks for.
fn take_in_terms(
    sent: &wire::V2gTerms,
    allows_discharge: bool,
    start: UnixSeconds,
) -> Result<OwnerTerms, Rejection> {
    if !allows_discharge {
        return Err(Rejection::invalid(
            "v2g",
            "the owner does not allow energy to be taken; send allows_discharge too, or no terms",
        ));
    }
    if sent.battery_wh < 1 {
        return Err(Rejection::invalid(
            "v2g.battery_wh",
            format!(
                "{} Wh is no battery; send what it holds when full",
                sent.battery_wh
            ),
        ));
    }
    for (field, energy_wh) in [
        ("v2g.stored_wh", sent.stored_wh),
        ("v2g.reserve_wh", sent.reserve_wh),
    ] {
        if !(0..=sent.battery_wh).contains(&energy_wh) {
            return Err(Rejection::invalid(
                field,
                format!(
                    "{energy_wh} Wh; send 0 to the {} Wh that the battery holds",
                    sent.battery_wh
                ),
            ));
        }
    }
    let departure = take_in_instant("v2g.departure", &sent.departure)?;
    if departure <= start {
        return Err(Rejection::invalid(
            "v2g.departure",
            "it is not after the start of the session; send when the owner leaves",
        ));
    }
    Ok(OwnerTerms {
        battery_wh: sent.battery_wh,
        stored_wh: sent.stored_wh,
        reserve_wh: sent.reserve_wh,
        departure,
    })
}

/// Checks the start of a session as sent.
pub fn take_in_start(sent: &wire::ReportSessionStartRequest) -> Result<ChargerCommand, Rejection> {
    let vehicle_class = class_from_wire(sent.vehicle_class()).ok_or_else(|| {
        Rejection::invalid(
            "vehicle_class",
            "it is not known; send FLEET, PUBLIC or VISITOR",
        )
    })?;
    let session = take_in_token("session", &sent.session)?;
    let time = take_in_instant("time", &sent.time)?;
    let owner = sent
        .v2g
        .as_ref()
        .map(|terms| take_in_terms(terms, sent.allows_discharge, time))
        .transpose()?;
    Ok(ChargerCommand::StartSession {
        session,
        start: SessionStart {
            vehicle_class,
            time,
            allows_discharge: sent.allows_discharge,
            owner,
        },
    })
}

/// Checks totals as sent. Gives session, time and totals.
pub fn take_in_totals(
    sent: &wire::SessionMeter,
) -> Result<(Arc<str>, UnixSeconds, Totals), Rejection> {
    for (field, energy_wh) in [
        ("energy_in_wh", sent.energy_in_wh),
        ("energy_out_wh", sent.energy_out_wh),
    ] {
        if energy_wh < 0 {
            return Err(Rejection::invalid(
                field,
                format!(
                    "{energy_wh} Wh is below zero; energy in the other direction has a total of its own"
                ),
            ));
        }
    }
    let totals = Totals {
        energy_in_wh: sent.energy_in_wh,
        energy_out_wh: sent.energy_out_wh,
    };
    Ok((
        take_in_token("session", &sent.session)?,
        take_in_instant("time", &sent.time)?,
        totals,
    ))
}

/// Checks a fault as sent.
pub fn take_in_fault(sent: &wire::ReportChargerFaultRequest) -> Result<ChargerCommand, Rejection> {
    let present = match sent.state() {
        wire::FaultState::Present => true,
        wire::FaultState::Gone => false,
        wire::FaultState::Unspecified => {
            return Err(Rejection::invalid(
                "state",
                "it is not known; send PRESENT or GONE",
            ));
        }
    };
    Ok(ChargerCommand::ReportFault {
        fault: take_in_token("fault", &sent.fault)?,
        present,
        time: take_in_instant("time", &sent.time)?,
    })
}

/// Checks an answer as sent. Gives the event that asked, time and power in W.
pub fn take_in_answer(
    sent: &wire::ReportChargePowerRequest,
) -> Result<(Uuid, UnixSeconds, i64), Rejection> {
    let asked = Uuid::parse_str(&sent.ask_id).map_err(|_| {
        Rejection::invalid(
            "ask_id",
            format!(
                "\"{}\" is no id; send the one that SetChargePower gave",
                sent.ask_id
            ),
        )
    })?;
    Ok((asked, take_in_instant("time", &sent.time)?, sent.power_w))
}

#[cfg(test)]
mod tests;
