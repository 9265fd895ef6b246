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
            (|sent| sent.session = "京A·12345".into()) as fn(&mut wire::ReportSessionStartRequest),
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

#[test]
fn an_owners_terms_fit_the_battery_and_the_day() {
    let terms = wire::V2gTerms {
        battery_wh: 60_000,
        stored_wh: 30_000,
        reserve_wh: 20_000,
        departure: "2025-08-01T20:00:00+08:00".into(),
    };
    let start = wire::ReportSessionStartRequest {
        session: "s-1".into(),
        vehicle_class: wire::VehicleClass::Public.into(),
        time: TIME.into(),
        allows_discharge: true,
        v2g: Some(terms.clone()),
        ..wire::ReportSessionStartRequest::default()
    };
    assert!(take_in_start(&start).is_ok());
    let unwilling = wire::ReportSessionStartRequest {
        allows_discharge: false,
        ..start.clone()
    };
    expect_invalid(take_in_start(&unwilling), "v2g");
    for (change, field) in [
        (
            (|terms| terms.battery_wh = 0) as fn(&mut wire::V2gTerms),
            "v2g.battery_wh",
        ),
        (|terms| terms.stored_wh = 60_001, "v2g.stored_wh"),
        (|terms| terms.reserve_wh = -1, "v2g.reserve_wh"),
        (|terms| terms.departure = TIME.into(), "v2g.departure"),
        (|terms| terms.departure.clear(), "v2g.departure"),
    ] {
        let mut changed = terms.clone();
        change(&mut changed);
        let sent = wire::ReportSessionStartRequest {
            v2g: Some(changed),
            ..start.clone()
        };
        expect_invalid(take_in_start(&sent), field);
    }
}
