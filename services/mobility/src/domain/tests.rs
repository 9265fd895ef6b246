use proptest::prelude::*;
use terrarium_journal::{ForgetfulPair, RejectionCode};

use super::*;
use crate::domain::power::ask_id;

const NOW: i64 = 100_000;

fn context() -> ChargerContext {
    ChargerContext {
        park: ParkId::new("haotian").expect("valid"),
        charger: AssetId::new("charger-1").expect("valid"),
        rated_w: 20_000,
        bidirectional: true,
        now: UnixSeconds(NOW),
    }
}

fn at(now: i64) -> ChargerContext {
    ChargerContext {
        now: UnixSeconds(now),
        ..context()
    }
}

fn start(session: &str, time: i64) -> ChargerCommand {
    ChargerCommand::StartSession {
        session: session.into(),
        start: SessionStart {
            vehicle_class: VehicleClass::Visitor,
            time: UnixSeconds(time),
            allows_discharge: true,
            owner: None,
        },
    }
}

fn totals(energy_in_wh: i64, energy_out_wh: i64) -> Totals {
    Totals {
        energy_in_wh,
        energy_out_wh,
    }
}

fn meter(session: &str, time: i64, energy_in_wh: i64, energy_out_wh: i64) -> ChargerCommand {
    ChargerCommand::MeterSession {
        session: session.into(),
        time: UnixSeconds(time),
        totals: totals(energy_in_wh, energy_out_wh),
    }
}

fn end(session: &str, time: i64, energy_in_wh: i64, energy_out_wh: i64) -> ChargerCommand {
    ChargerCommand::EndSession {
        session: session.into(),
        time: UnixSeconds(time),
        totals: totals(energy_in_wh, energy_out_wh),
    }
}

fn fault(present: bool, time: i64) -> ChargerCommand {
    ChargerCommand::ReportFault {
        fault: "ground-failure".into(),
        present,
        time: UnixSeconds(time),
    }
}

fn set_power(limit_w: i64, request: &str) -> ChargerCommand {
    ChargerCommand::SetPower {
        limit_w,
        client_request_id: request.into(),
    }
}

fn answer(request: &str, time: i64, power_w: i64) -> ChargerCommand {
    ChargerCommand::ReportPower {
        asked: ask_id(&context().park, &context().charger, request),
        time: UnixSeconds(time),
        power_w,
    }
}

fn name(event: &ChargerEvent) -> &'static str {
    match &event.fact {
        ChargerFact::SessionStarted { .. } => "started",
        ChargerFact::SessionMetered { .. } => "metered",
        ChargerFact::SessionEnded { .. } => "ended",
        ChargerFact::MeterQuarantined { .. } => "quarantined",
        ChargerFact::ReserveUndercut { .. } => "undercut",
        ChargerFact::FaultRaised { .. } => "fault raised",
        ChargerFact::FaultCleared { .. } => "fault cleared",
        ChargerFact::PowerAsked(_) => "asked",
        ChargerFact::PowerObeyed { .. } => "obeyed",
        ChargerFact::PowerMissed { reason, .. } => match reason {
            MissReason::NotFollowed => "not followed",
            MissReason::TooLate => "too late",
            MissReason::Replaced => "replaced",
            MissReason::NotAnswered => "not answered",
        },
    }
}

fn carry_out_in(
    charger: &mut Charger,
    context: &ChargerContext,
    command: &ChargerCommand,
) -> Result<Vec<&'static str>, (RejectionCode, &'static str)> {
    let events = charger
        .decide(context, command)
        .map_err(|refusal| (refusal.code, refusal.field))?;
    for event in &events {
        charger.evolve(event);
    }
    Ok(events.iter().map(name).collect())
}

fn carry_out(
    charger: &mut Charger,
    command: &ChargerCommand,
) -> Result<Vec<&'static str>, (RejectionCode, &'static str)> {
    carry_out_in(charger, &context(), command)
}

/// A charger after these commands.
fn after(commands: &[ChargerCommand]) -> Charger {
    let mut charger = Charger::default();
    for command in commands {
        carry_out(&mut charger, command).expect("a good command");
    }
    charger
}

#[test]
fn a_session_begins_is_metered_and_ends_once() {
    let mut charger = Charger::default();
    for (command, happened) in [
        (start("s-1", 1_000), vec!["started"]),
        (start("s-1", 1_000), vec![]),
        (meter("s-1", 1_900, 4_000, 0), vec!["metered"]),
        (meter("s-1", 1_900, 4_000, 0), vec![]),
        (meter("s-1", 2_800, 8_000, 100), vec!["metered"]),
        (end("s-1", 3_700, 11_000, 100), vec!["ended"]),
        (end("s-1", 3_700, 11_000, 100), vec![]),
        (start("s-2", 3_700), vec!["started"]),
    ] {
        assert_eq!(
            carry_out(&mut charger, &command),
            Ok(happened),
            "{command:?}"
        );
    }
}

#[test]
fn one_session_at_a_time() {
    let mut charger = after(&[start("s-1", 1_000)]);
    let second = carry_out(&mut charger, &start("s-2", 2_000));
    assert_eq!(second, Err((RejectionCode::FailedPrecondition, "session")));
    let mut charger = after(&[start("s-1", 1_000), end("s-1", 2_000, 0, 0)]);
    let overlapping = carry_out(&mut charger, &start("s-2", 1_999));
    assert_eq!(
        overlapping,
        Err((RejectionCode::FailedPrecondition, "time"))
    );
    let under_an_old_id = carry_out(&mut charger, &start("s-1", 2_000));
    assert_eq!(
        under_an_old_id,
        Err((RejectionCode::AlreadyExists, "session"))
    );
}

#[test]
fn totals_never_shrink_also_when_they_arrive_late() {
    let mut charger = after(&[start("s-1", 0), meter("s-1", 3_600, 10_000, 500)]);
    for command in [
        meter("s-1", 7_200, 9_999, 500),
        meter("s-1", 7_200, 10_000, 499),
        meter("s-1", 1_800, 10_001, 0),
    ] {
        assert_eq!(carry_out(&mut charger, &command), Ok(vec!["quarantined"]));
        assert_eq!(carry_out(&mut charger, &command), Ok(vec![]), "sent again");
    }
    assert_eq!(
        carry_out(&mut charger, &end("s-1", 3_599, 10_000, 500)),
        Err((RejectionCode::FailedPrecondition, "time"))
    );
    assert_eq!(
        carry_out(&mut charger, &meter("s-1", 1_800, 5_000, 500)),
        Ok(vec!["metered"])
    );
    assert_eq!(
        carry_out(&mut charger, &end("s-1", 7_200, 10_000, 500)),
        Ok(vec!["ended"])
    );
    assert_eq!(
        carry_out(&mut charger, &meter("s-1", 5_400, 10_000, 500)),
        Ok(vec!["metered"])
    );
    let after_its_end = carry_out(&mut charger, &meter("s-1", 7_201, 10_000, 500));
    assert_eq!(
        after_its_end,
        Err((RejectionCode::FailedPrecondition, "time"))
    );
}

#[test]
fn a_car_that_left_has_ended_its_session_whatever_the_meter_says_at_last() {
    let mut charger = after(&[start("s-1", 0), meter("s-1", 3_600, 10_000, 500)]);
    let shrunk = end("s-1", 7_200, 9_999, 500);
    assert_eq!(
        carry_out(&mut charger, &shrunk),
        Ok(vec!["quarantined", "ended"])
    );
    assert_eq!(carry_out(&mut charger, &shrunk), Ok(vec![]), "sent again");
    assert_eq!(
        carry_out(&mut charger, &end("s-1", 7_200, 10_000, 500)),
        Ok(vec![]),
        "the totals that it ended with"
    );
    assert_eq!(
        carry_out(&mut charger, &end("s-1", 7_200, 9_998, 500)),
        Err((RejectionCode::AlreadyExists, "session"))
    );
    assert_eq!(
        carry_out(&mut charger, &start("s-2", 7_200)),
        Ok(vec!["started"])
    );
}

#[test]
fn energy_a_charger_can_not_have_moved_is_kept_in_quarantine() {
    let mut charger = after(&[start("s-1", 0)]);
    // 20 kW for an hour are 20 kWh; ten times that and the second that was cut off is the limit.
    for energy_in_wh in [200_056, -1] {
        assert_eq!(
            carry_out(&mut charger, &meter("s-1", 3_600, energy_in_wh, 0)),
            Ok(vec!["quarantined"])
        );
    }
    assert_eq!(
        carry_out(&mut charger, &meter("s-1", NOW + 61, 1, 0)),
        Err((RejectionCode::FailedPrecondition, "time"))
    );
    let one_way = ChargerContext {
        bidirectional: false,
        ..context()
    };
    assert_eq!(
        carry_out_in(&mut charger, &one_way, &meter("s-1", 3_600, 5, 1)),
        Ok(vec!["quarantined"])
    );
    assert_eq!(
        carry_out(&mut charger, &meter("s-1", 3_600, 200_055, 0)),
        Ok(vec!["metered"])
    );
}

#[test]
fn another_statement_in_place_of_a_recorded_one_is_refused() {
    let mut charger = after(&[
        start("s-1", 0),
        meter("s-1", 900, 5, 0),
        end("s-1", 1_800, 10, 0),
    ]);
    for (command, field) in [
        (meter("s-1", 900, 6, 0), "energy_in_wh"),
        (end("s-1", 1_800, 11, 0), "session"),
    ] {
        assert_eq!(
            carry_out(&mut charger, &command),
            Err((RejectionCode::AlreadyExists, field))
        );
    }
    for command in [meter("s-9", 900, 6, 0), end("s-9", 1_800, 11, 0)] {
        assert_eq!(
            carry_out(&mut charger, &command),
            Err((RejectionCode::NotFound, "session"))
        );
    }
}

#[test]
fn a_fault_is_raised_once_and_cleared_once() {
    let mut charger = Charger::default();
    assert_eq!(carry_out(&mut charger, &fault(false, 5)), Ok(vec![]));
    assert_eq!(
        carry_out(&mut charger, &fault(true, 10)),
        Ok(vec!["fault raised"])
    );
    assert_eq!(carry_out(&mut charger, &fault(true, 11)), Ok(vec![]));
    let too_old = carry_out(&mut charger, &fault(false, 9));
    assert_eq!(too_old, Err((RejectionCode::FailedPrecondition, "time")));
    assert_eq!(
        carry_out(&mut charger, &fault(false, 20)),
        Ok(vec!["fault cleared"])
    );
    let too_early = carry_out(&mut charger, &fault(true, NOW + 61));
    assert_eq!(too_early, Err((RejectionCode::FailedPrecondition, "time")));
}

#[test]
fn limits_beyond_the_rating_the_fault_or_the_owner_are_refused() {
    let refused = |charger: &mut Charger, context: &ChargerContext, limit_w: i64| {
        carry_out_in(charger, context, &set_power(limit_w, "a"))
            .expect_err("a limit that is refused")
    };
    let precondition = RejectionCode::FailedPrecondition;
    let mut charger = after(&[start("s-1", 0)]);
    assert_eq!(
        refused(&mut charger, &context(), 20_001),
        (precondition, "limit_w")
    );
    assert_eq!(
        refused(&mut charger, &context(), -20_001),
        (precondition, "limit_w")
    );
    assert_eq!(
        refused(&mut charger, &context(), i64::MIN),
        (precondition, "limit_w")
    );
    let one_way = ChargerContext {
        bidirectional: false,
        ..context()
    };
    assert_eq!(
        refused(&mut charger, &one_way, -1),
        (precondition, "limit_w")
    );
    assert_eq!(
        refused(&mut Charger::default(), &context(), -1),
        (precondition, "limit_w")
    );
    let unwilling = ChargerCommand::StartSession {
        session: "s-1".into(),
        start: SessionStart {
            vehicle_class: VehicleClass::Public,
            time: UnixSeconds(0),
            allows_discharge: false,
            owner: None,
        },
    };
    assert_eq!(
        refused(&mut after(&[unwilling]), &context(), -1),
        (precondition, "limit_w")
    );
    assert_eq!(
        refused(&mut after(&[fault(true, 5)]), &context(), 0),
        (precondition, "charger")
    );
    assert_eq!(
        carry_out(&mut charger, &set_power(-20_000, "a")),
        Ok(vec!["asked"])
    );
}

#[test]
fn nothing_is_taken_below_the_owners_reserve_or_after_the_owner_left() {
    let lent = ChargerCommand::StartSession {
        session: "s-1".into(),
        start: SessionStart {
            vehicle_class: VehicleClass::Visitor,
            time: UnixSeconds(NOW - 7_200),
            allows_discharge: true,
            owner: Some(OwnerTerms {
                battery_wh: 60_000,
                stored_wh: 30_000,
                reserve_wh: 25_000,
                departure: UnixSeconds(NOW + 1_000),
            }),
        },
    };
    let mut charger = after(&[lent]);
    assert_eq!(charger.sessions().stored_wh(), Some(30_000));
    assert_eq!(
        carry_out(&mut charger, &set_power(-5_000, "a")),
        Ok(vec!["asked"])
    );
    let leaving = at(NOW + 1_000);
    let refusal = charger
        .decide(&leaving, &set_power(-5_000, "b"))
        .expect_err("the owner leaves");
    assert!(refusal.message.contains("leaves at"), "{refusal}");

    carry_out(&mut charger, &meter("s-1", NOW - 3_600, 0, 5_000)).expect("given back");
    let refusal = charger
        .decide(&context(), &set_power(-1, "c"))
        .expect_err("at the reserve");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "limit_w")
    );
    assert!(
        refusal
            .message
            .contains("has 25000 Wh, and its owner keeps 25000 Wh"),
        "{refusal}"
    );
    assert_eq!(
        carry_out(&mut charger, &meter("s-1", NOW - 1_800, 0, 5_001)),
        Ok(vec!["metered", "undercut"])
    );
    assert_eq!(
        carry_out(&mut charger, &meter("s-1", NOW - 900, 0, 5_002)),
        Ok(vec!["metered"]),
        "it is said once"
    );
}

#[test]
fn an_ask_that_nobody_answers_is_missed_when_its_time_is_up() {
    let mut charger = after(&[start("s-1", 0), set_power(5_000, "a")]);
    assert_eq!(charger.asks().due(), Some(UnixSeconds(NOW + 61)));
    let expire = ChargerCommand::MissUnanswered;
    assert_eq!(
        carry_out_in(&mut charger, &at(NOW + 60), &expire),
        Ok(vec![])
    );
    assert_eq!(
        carry_out_in(&mut charger, &at(NOW + 61), &expire),
        Ok(vec!["not answered"])
    );
    assert_eq!(
        carry_out_in(&mut charger, &at(NOW + 62), &expire),
        Ok(vec![])
    );
}

#[test]
fn an_ask_is_obeyed_missed_or_replaced() {
    let mut charger = after(&[start("s-1", 0), set_power(5_000, "a")]);
    // Within the limit, and 2 % of the rating.
    assert_eq!(
        carry_out(&mut charger, &answer("a", NOW + 10, 5_400)),
        Ok(vec!["obeyed"])
    );
    assert_eq!(
        carry_out(&mut charger, &answer("a", NOW + 10, 5_400)),
        Ok(vec![])
    );
    let again = carry_out(&mut charger, &answer("a", NOW + 11, 5_000));
    assert_eq!(again, Err((RejectionCode::FailedPrecondition, "ask_id")));
    assert_eq!(carry_out(&mut charger, &set_power(5_000, "a")), Ok(vec![]));
    let another = carry_out(&mut charger, &set_power(6_000, "a"));
    assert_eq!(
        another,
        Err((RejectionCode::AlreadyExists, "client_request_id"))
    );

    assert_eq!(
        carry_out(&mut charger, &set_power(-3_000, "b")),
        Ok(vec!["asked"])
    );
    assert_eq!(
        carry_out(&mut charger, &answer("b", NOW + 10, 1_000)),
        Ok(vec!["not followed"])
    );
    assert_eq!(
        carry_out(&mut charger, &set_power(-3_000, "c")),
        Ok(vec!["asked"])
    );
    assert_eq!(
        carry_out(&mut charger, &set_power(-2_000, "d")),
        Ok(vec!["replaced", "asked"])
    );
    let late = carry_out_in(&mut charger, &at(NOW + 61), &answer("d", NOW + 61, -2_000));
    assert_eq!(late, Ok(vec!["too late"]));
    let unknown = carry_out(&mut charger, &answer("z", NOW, 0));
    assert_eq!(unknown, Err((RejectionCode::NotFound, "ask_id")));
    let before = after(&[set_power(0, "e")]).decide(&context(), &answer("e", NOW - 61, 0));
    assert_eq!(before.expect_err("before it was asked").field, "time");
}

proptest! {
    #[test]
    fn whatever_is_sent_totals_grow_with_time_and_sessions_never_overlap(
        steps in prop::collection::vec((0u8..3, 0u8..4, 0i64..5_000, 0i64..4_000), 1..80)
    ) {
        let mut charger = Charger::default();
        let mut recorded: BTreeMap<Arc<str>, BTreeMap<i64, Totals>> = BTreeMap::new();
        let mut spans: Vec<(i64, Option<i64>)> = Vec::new();
        for (kind, session, time, energy_wh) in steps {
            let session = format!("s-{session}");
            let command = match kind {
                0 => start(&session, time),
                1 => meter(&session, time, energy_wh, 0),
                _ => end(&session, time, energy_wh, 0),
            };
            let Ok(events) = charger.decide(&context(), &command) else { continue };
            for event in events {
                match &event.fact {
                    ChargerFact::SessionStarted { start, .. } => {
                        if let Some((_, ended)) = spans.last() {
                            prop_assert!(ended.is_some_and(|ended| ended <= start.time.0));
                        }
                        spans.push((start.time.0, None));
                    }
                    ChargerFact::SessionMetered { session, time, totals } => {
                        recorded.entry(Arc::clone(session)).or_default().insert(time.0, *totals);
                    }
                    ChargerFact::SessionEnded { session, ended, totals, .. } => {
                        recorded.entry(Arc::clone(session)).or_default().insert(ended.0, *totals);
                        spans.last_mut().expect("it began").1 = Some(ended.0);
                    }
                    _ => {}
                }
                charger.evolve(&event);
            }
        }
        for by_time in recorded.values() {
            let energies: Vec<i64> = by_time.values().map(|totals| totals.energy_in_wh).collect();
            prop_assert!(energies.is_sorted(), "{energies:?}");
        }
    }
}

#[test]
fn a_charger_that_lets_go_decides_as_one_that_remembers() {
    const SESSIONS: i64 = 900;
    let context = at(SESSIONS * 10_000);
    let mut pair = ForgetfulPair::<Charger>::default();
    for number in 0..SESSIONS {
        let (id, begun) = (format!("session-{number}"), number * 7_200);
        assert!(pair.carry_out(&context, &start(&id, begun)));
        for quarter in 1..4 {
            let time = begun + quarter * 900;
            assert!(pair.carry_out(&context, &meter(&id, time, quarter * 1_000, 0)));
        }
        assert!(pair.carry_out(&context, &end(&id, begun + 3_600, 4_000, 0)));
    }
    let mut undecided = 0;
    for number in 0..SESSIONS + 2 {
        let (id, begun) = (format!("session-{number}"), number * 7_200);
        for late in [
            start(&id, begun),
            start(&id, begun + 1),
            start(&format!("{id}-late"), begun + 4_000),
            meter(&id, begun + 900, 1_000, 0),
            meter(&id, begun + 900, 1_001, 0),
            meter(&id, begun + 1_000, 1_100, 0),
            meter(&id, begun + 1_000, 900, 0),
            end(&id, begun + 3_600, 4_000, 0),
            end(&id, begun + 3_601, 4_000, 0),
        ] {
            undecided += i64::from(!pair.decide_alike(&context, &late));
        }
    }
    assert!(undecided > 0, "nothing was let go of");
}
