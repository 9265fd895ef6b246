use terrarium_journal::RejectionCode;

use super::*;

const NOW: i64 = 100_000;

fn battery(now: i64, stored_wh: Option<i64>) -> SetpointContext {
    SetpointContext {
        park: ParkId::new("haotian").expect("valid"),
        device: AssetId::new("store").expect("valid"),
        rating: DeviceRating::Storage {
            rated_w: 50_000,
            capacity_wh: 100_000,
            stored_wh,
        },
        now: UnixSeconds(now),
    }
}

fn panels() -> SetpointContext {
    SetpointContext {
        rating: DeviceRating::Generator { rated_w: 7_000 },
        ..battery(NOW, None)
    }
}

fn ask(kind: SetpointKind, value: i64, id: &str) -> SetpointCommand {
    SetpointCommand::Ask {
        kind,
        value,
        client_request_id: id.into(),
    }
}

fn answer(id: &str, time: i64, value: i64) -> SetpointCommand {
    let context = battery(NOW, None);
    SetpointCommand::Answer {
        asked: ask_id(&context.park, &context.device, id),
        time: UnixSeconds(time),
        value,
    }
}

fn name(event: &DeviceEvent) -> String {
    match &event.fact {
        DeviceFact::SetpointAskedV1(ask) => format!("asked until {}", ask.answer_by_s),
        DeviceFact::SetpointObeyedV1(obeyed) => format!("obeyed with {}", obeyed.value),
        DeviceFact::SetpointMissedV1(missed) => {
            format!("missed at {}: {:?}", missed.time_s, missed.reason())
        }
        other => panic!("{other:?}"),
    }
}

fn carry_out(
    setpoints: &mut Setpoints,
    context: &SetpointContext,
    command: &SetpointCommand,
) -> Result<Vec<String>, (RejectionCode, &'static str)> {
    let events = setpoints
        .decide(context, command)
        .map_err(|refusal| (refusal.code, refusal.field))?;
    for event in &events {
        setpoints.evolve(event);
    }
    Ok(events.iter().map(name).collect())
}

use SetpointKind::{
    ChargeLimitW, ConsumptionLimitW, DischargeLimitW, GenerationLimitW, ReserveWh, StoragePowerW,
};

#[test]
fn an_ask_is_obeyed_or_not_followed_by_what_the_device_tells() {
    let context = battery(NOW, Some(60_000));
    for (kind, asked, told, is_obeyed) in [
        (ChargeLimitW, 20_000, 20_000, true),
        (ChargeLimitW, 20_000, 0, true),
        (DischargeLimitW, 20_000, 21_000, true),
        (DischargeLimitW, 20_000, 21_001, false),
        (DischargeLimitW, 20_000, -1, false),
        (ReserveWh, 30_000, 30_000, true),
        (ReserveWh, 30_000, 29_999, false),
        (StoragePowerW, -20_000, -19_000, true),
        (StoragePowerW, -20_000, -21_001, false),
    ] {
        let mut setpoints = Setpoints::default();
        let asked = carry_out(&mut setpoints, &context, &ask(kind, asked, "a"));
        assert_eq!(asked, Ok(vec![format!("asked until {}", NOW + 60)]));
        let answer = answer("a", NOW + 10, told);
        let expected = if is_obeyed {
            format!("obeyed with {told}")
        } else {
            format!("missed at {}: NotFollowed", NOW + 10)
        };
        assert_eq!(
            carry_out(&mut setpoints, &context, &answer),
            Ok(vec![expected]),
            "{kind:?}"
        );
        assert_eq!(carry_out(&mut setpoints, &context, &answer), Ok(vec![]));
    }
}

#[test]
fn an_ask_without_an_answer_is_missed_once_its_minute_is_over() {
    let mut setpoints = Setpoints::default();
    assert_eq!(setpoints.due(), None);
    carry_out(
        &mut setpoints,
        &battery(NOW, Some(5)),
        &ask(ChargeLimitW, 0, "a"),
    )
    .expect("asked");
    carry_out(
        &mut setpoints,
        &battery(NOW + 30, Some(5)),
        &ask(ReserveWh, 0, "b"),
    )
    .expect("asked");
    assert_eq!(setpoints.due(), Some(UnixSeconds(NOW + 61)));
    let miss = SetpointCommand::MissUnanswered;
    for (now, missed) in [
        (NOW + 60, vec![]),
        (
            NOW + 61,
            vec![format!("missed at {}: NotAnswered", NOW + 61)],
        ),
        (NOW + 61, vec![]),
        (
            NOW + 500,
            vec![format!("missed at {}: NotAnswered", NOW + 500)],
        ),
    ] {
        assert_eq!(
            carry_out(&mut setpoints, &battery(now, Some(5)), &miss),
            Ok(missed)
        );
    }
    assert_eq!(setpoints.due(), None);
    assert_eq!(
        carry_out(
            &mut setpoints,
            &battery(NOW + 600, Some(5)),
            &answer("a", NOW + 20, 0)
        ),
        Err((RejectionCode::FailedPrecondition, "ask_id"))
    );
}

#[test]
fn a_newer_ask_takes_the_place_of_an_open_one_of_its_kind_only() {
    let mut setpoints = Setpoints::default();
    let context = battery(NOW, Some(60_000));
    carry_out(&mut setpoints, &context, &ask(ChargeLimitW, 1, "a")).expect("asked");
    carry_out(&mut setpoints, &context, &ask(ReserveWh, 1, "b")).expect("asked");
    assert_eq!(
        carry_out(&mut setpoints, &context, &ask(ChargeLimitW, 2, "c")),
        Ok(vec![
            format!("missed at {NOW}: Replaced"),
            format!("asked until {}", NOW + 60)
        ])
    );
    assert_eq!(
        carry_out(&mut setpoints, &context, &ask(ChargeLimitW, 2, "c")),
        Ok(vec![])
    );
    assert_eq!(
        carry_out(&mut setpoints, &context, &ask(ChargeLimitW, 3, "c")),
        Err((RejectionCode::AlreadyExists, "client_request_id"))
    );
    assert_eq!(setpoints.newest().count(), 2);
}

#[test]
fn what_a_device_can_not_do_is_refused() {
    let mut setpoints = Setpoints::default();
    let invalid = RejectionCode::InvalidArgument;
    let failed = RejectionCode::FailedPrecondition;
    let store = battery(NOW, Some(60_000));
    for (context, kind, value, code, field) in [
        (&store, GenerationLimitW, 0, invalid, "kind"),
        (&store, ConsumptionLimitW, 0, invalid, "kind"),
        (&store, SetpointKind::Unspecified, 0, invalid, "kind"),
        (&store, ChargeLimitW, -1, invalid, "value"),
        (&store, ChargeLimitW, 50_001, failed, "value"),
        (&store, StoragePowerW, -50_001, failed, "value"),
        (&store, ReserveWh, 100_001, failed, "value"),
        (&panels(), ReserveWh, 0, invalid, "kind"),
        (&panels(), GenerationLimitW, 7_001, failed, "value"),
    ] {
        assert_eq!(
            carry_out(&mut setpoints, context, &ask(kind, value, "a")),
            Err((code, field)),
            "{kind:?} {value}"
        );
    }
}

#[test]
fn a_store_is_not_discharged_below_its_reserve() {
    let mut setpoints = Setpoints::default();
    let failed = Err((RejectionCode::FailedPrecondition, "value"));
    let out = |id| ask(StoragePowerW, -1_000, id);
    assert_eq!(
        carry_out(&mut setpoints, &battery(NOW, None), &out("a")),
        failed
    );
    assert_eq!(
        carry_out(&mut setpoints, &battery(NOW, Some(0)), &out("a")),
        failed
    );
    let holds = |stored_wh| battery(NOW, Some(stored_wh));
    carry_out(&mut setpoints, &holds(40_000), &ask(ReserveWh, 30_000, "r")).expect("asked");
    // From the moment it is asked for; what the store then says it keeps counts from there on.
    assert_eq!(setpoints.reserve_wh(), 30_000);
    assert_eq!(carry_out(&mut setpoints, &holds(30_000), &out("b")), failed);
    carry_out(
        &mut setpoints,
        &holds(30_000),
        &answer("r", NOW + 5, 35_000),
    )
    .expect("kept");
    assert_eq!(setpoints.reserve_wh(), 35_000);
    assert_eq!(carry_out(&mut setpoints, &holds(35_000), &out("c")), failed);
    assert!(carry_out(&mut setpoints, &holds(35_001), &out("d")).is_ok());
    let charge = ask(StoragePowerW, 1_000, "e");
    assert!(carry_out(&mut setpoints, &holds(0), &charge).is_ok());
}
