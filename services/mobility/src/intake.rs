//! From reports as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_journal::{Rejection, take_in_instant, take_in_token};
use terrarium_model::{AssetId, AssetParameters, ParkDefinition, UnixSeconds};
use terrarium_proto::mobility::v1 as wire;
use uuid::Uuid;

use crate::domain::{ChargerCommand, SessionStart, Totals};
use crate::events::class_from_wire;

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
    let id = AssetId::new(id).map_err(|error| Rejection::invalid("charger", error.to_string()))?;
    let Some(asset) = park.assets.get(&id) else {
        return Err(Rejection::invalid(
            "charger",
            format!(
                "park {} has no charger \"{id}\"; add it to the park definition, or correct the name",
                park.id
            ),
        ));
    };
    match (&asset.parameters, asset.rated_w) {
        (AssetParameters::Charger { bidirectional }, Some(rated_w)) => Ok(ChargerDefinition {
            id,
            rated_w,
            bidirectional: *bidirectional,
        }),
        _ => Err(Rejection::invalid(
            "charger",
            format!(
                "{id} of park {} is no charger; name an asset of kind charger",
                park.id
            ),
        )),
    }
}

/// Checks the start of a session as sent.
pub fn take_in_start(sent: &wire::ReportSessionStartRequest) -> Result<ChargerCommand, Rejection> {
    let vehicle_class = class_from_wire(sent.vehicle_class()).ok_or_else(|| {
        Rejection::invalid(
            "vehicle_class",
            "it is not known; send FLEET, PUBLIC or VISITOR",
        )
    })?;
    Ok(ChargerCommand::StartSession {
        session: take_in_token("session", &sent.session)?,
        start: SessionStart {
            vehicle_class,
            time: take_in_instant("time", &sent.time)?,
            allows_discharge: sent.allows_discharge,
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
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    const TIME: &str = "2025-08-01T18:00:00+08:00";

    fn expect_invalid<T: std::fmt::Debug>(taken: Result<T, Rejection>, field: &str) {
        let refusal = taken.expect_err(field);
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::InvalidArgument, field),
            "{refusal}"
        );
    }

    #[test]
    fn malformed_reports_are_refused_with_their_field() {
        let start = wire::ReportSessionStartRequest {
            session: "s-1".into(),
            vehicle_class: wire::VehicleClass::Public.into(),
            time: TIME.into(),
            ..wire::ReportSessionStartRequest::default()
        };
        assert!(take_in_start(&start).is_ok());
        for (change, field) in [
            (
                (|sent| sent.session = "京A·12345".into())
                    as fn(&mut wire::ReportSessionStartRequest),
                "session",
            ),
            (|sent| sent.vehicle_class = 0, "vehicle_class"),
            (|sent| sent.time = "2025-08-01T18:00:00".into(), "time"),
        ] {
            let mut changed = start.clone();
            change(&mut changed);
            expect_invalid(take_in_start(&changed), field);
        }

        let totals = wire::SessionMeter {
            session: "s-1".into(),
            time: TIME.into(),
            ..wire::SessionMeter::default()
        };
        assert!(take_in_totals(&totals).is_ok());
        for (change, field) in [
            (
                (|sent| sent.energy_in_wh = -1) as fn(&mut wire::SessionMeter),
                "energy_in_wh",
            ),
            (|sent| sent.energy_out_wh = -1, "energy_out_wh"),
            (|sent| sent.session.clear(), "session"),
            (|sent| sent.time.clear(), "time"),
        ] {
            let mut changed = totals.clone();
            change(&mut changed);
            expect_invalid(take_in_totals(&changed), field);
        }

        let fault = wire::ReportChargerFaultRequest {
            fault: "ground-failure".into(),
            state: wire::FaultState::Present.into(),
            time: TIME.into(),
            ..wire::ReportChargerFaultRequest::default()
        };
        assert!(take_in_fault(&fault).is_ok());
        let stateless = wire::ReportChargerFaultRequest {
            state: 0,
            ..fault.clone()
        };
        expect_invalid(take_in_fault(&stateless), "state");
        let nameless = wire::ReportChargerFaultRequest {
            fault: "Ground failure".into(),
            ..fault
        };
        expect_invalid(take_in_fault(&nameless), "fault");

        let answer = wire::ReportChargePowerRequest {
            ask_id: "the last one".into(),
            time: TIME.into(),
            ..wire::ReportChargePowerRequest::default()
        };
        expect_invalid(take_in_answer(&answer), "ask_id");
    }
}
