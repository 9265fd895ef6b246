use proptest::prelude::*;
use terrarium_journal::RejectionCode;

use super::*;

fn context(tank_level_l: Option<i64>) -> IrrigationContext {
    IrrigationContext {
        park: ParkId::new("haotian").expect("valid"),
        zone: AssetId::new("lawn").expect("valid"),
        tank: AssetId::new("rain-tank-1").expect("valid"),
        tank_level_l,
        tank_reserve_l: 2_000,
        promised_l: 0,
        unfit_sample: None,
        now: UnixSeconds(1_000),
    }
}

fn start(litres: i64, request: &str) -> IrrigationCommand {
    IrrigationCommand::Start {
        litres,
        client_request_id: request.into(),
    }
}

fn running() -> (Irrigation, Uuid) {
    let mut irrigation = Irrigation::default();
    let events = irrigation
        .decide(&context(Some(10_000)), &start(500, "a"))
        .expect("enough water");
    irrigation.evolve(&events[0]);
    (irrigation, events[0].id)
}

#[test]
fn an_irrigation_takes_no_more_than_the_tank_has_above_its_reserve_and_its_promises() {
    let irrigation = Irrigation::default();
    assert_eq!(
        irrigation
            .decide(&context(Some(2_500)), &start(500, "a"))
            .map(|events| events.len()),
        Ok(1)
    );
    let refusal = irrigation
        .decide(&context(Some(2_499)), &start(500, "a"))
        .expect_err("too little");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "litres")
    );
    assert!(refusal.message.contains("499 l can be given"), "{refusal}");
    let promised = IrrigationContext {
        promised_l: 1,
        ..context(Some(2_500))
    };
    assert!(irrigation.decide(&promised, &start(500, "a")).is_err());
    let unfit = IrrigationContext {
        unfit_sample: Some("s-7".into()),
        ..context(Some(9_000))
    };
    let refusal = irrigation
        .decide(&unfit, &start(500, "a"))
        .expect_err("turbid");
    assert!(refusal.message.contains("s-7"), "{refusal}");
    let refusal = irrigation
        .decide(&context(None), &start(500, "a"))
        .expect_err("no level");
    assert!(
        refusal.message.contains("has not reported its level"),
        "{refusal}"
    );
}

#[test]
fn a_zone_irrigates_once_at_a_time_and_the_same_command_again_changes_nothing() {
    let (irrigation, _) = running();
    assert_eq!(irrigation.promised_l(), 500);
    assert_eq!(
        irrigation.decide(&context(Some(0)), &start(500, "a")),
        Ok(Vec::new())
    );
    let refusal = irrigation
        .decide(&context(Some(9_000)), &start(500, "b"))
        .expect_err("running");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "zone")
    );
    let refusal = irrigation
        .decide(&context(Some(9_000)), &start(501, "a"))
        .expect_err("another command");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::AlreadyExists, "client_request_id")
    );
    let refusal = irrigation
        .decide(&context(Some(9_000)), &start(0, "c"))
        .expect_err("nothing");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::InvalidArgument, "litres")
    );
}

#[test]
fn an_irrigation_ends_once_and_then_the_zone_can_start_again() {
    let (mut irrigation, id) = running();
    let end = |time: i64, litres: i64| IrrigationCommand::ReportEnd {
        started: id,
        time: UnixSeconds(time),
        litres,
    };
    for (command, code, field) in [
        (end(999, 480), RejectionCode::InvalidArgument, "time"),
        (end(1_061, 480), RejectionCode::FailedPrecondition, "time"),
        (end(1_000, -1), RejectionCode::InvalidArgument, "litres"),
    ] {
        let refusal = irrigation
            .decide(&context(None), &command)
            .expect_err("a bad end");
        assert_eq!((refusal.code, refusal.field), (code, field));
    }
    let events = irrigation
        .decide(&context(None), &end(1_000, 480))
        .expect("ends");
    irrigation.evolve(&events[0]);
    assert_eq!(irrigation.promised_l(), 0);
    assert_eq!(
        irrigation.decide(&context(None), &end(1_000, 480)),
        Ok(Vec::new())
    );
    let refusal = irrigation
        .decide(&context(None), &end(1_000, 481))
        .expect_err("another end");
    assert_eq!(refusal.code, RejectionCode::AlreadyExists);
    assert!(
        irrigation
            .decide(&context(Some(9_000)), &start(500, "b"))
            .is_ok()
    );
}

#[test]
fn the_end_of_an_unknown_irrigation_is_not_found() {
    let command = IrrigationCommand::ReportEnd {
        started: Uuid::nil(),
        time: UnixSeconds(0),
        litres: 0,
    };
    let refusal = Irrigation::default()
        .decide(&context(None), &command)
        .expect_err("unknown");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::NotFound, "irrigation_id")
    );
}

proptest! {
    #[test]
    fn whatever_is_started_the_tank_keeps_its_reserve(level_l in 0i64..20_000, litres in 1i64..20_000, promised_l in 0i64..5_000) {
        let context = IrrigationContext { promised_l, ..context(Some(level_l)) };
        let started = Irrigation::default().decide(&context, &start(litres, "a")).is_ok();
        prop_assert_eq!(started, level_l - promised_l - litres >= 2_000);
    }
}
