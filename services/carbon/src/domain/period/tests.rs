use terrarium_journal::RejectionCode;

use super::*;

const YEAR_END: i64 = 31_536_000;

fn by(who: &str, now: i64) -> PeriodContext {
    PeriodContext {
        park: ParkId::new("haotian").expect("valid"),
        by: who.into(),
        now: UnixSeconds(now),
    }
}

fn step(period: &str, step: PeriodStep) -> PeriodCommand {
    PeriodCommand {
        period: period.into(),
        step,
    }
}

fn open(period: &str, from: i64, to: i64) -> PeriodCommand {
    let (from, to) = (UnixSeconds(from), UnixSeconds(to));
    step(period, PeriodStep::Open { from, to })
}

fn close() -> PeriodCommand {
    step("2025", PeriodStep::Close)
}

fn review() -> PeriodCommand {
    step("2025", PeriodStep::Review)
}

fn verify() -> PeriodCommand {
    let verify = PeriodStep::Verify {
        assurance: Assurance::Limited,
        statement_sha256: vec![7; 32].into(),
    };
    step("2025", verify)
}

fn restate(request: &str) -> PeriodCommand {
    let restate = PeriodStep::Restate {
        reason: RestatementReason::LateData,
        explanation: "two meters came late".into(),
        client_request_id: request.into(),
    };
    step("2025", restate)
}

fn carry_out(periods: &mut Periods, who: &str, command: &PeriodCommand) -> usize {
    let events = periods
        .decide(&by(who, YEAR_END), command)
        .expect("a good command");
    for event in &events {
        periods.evolve(event);
    }
    events.len()
}

fn refused(
    periods: &Periods,
    context: &PeriodContext,
    command: &PeriodCommand,
) -> (RejectionCode, &'static str) {
    let refusal = periods.decide(context, command).expect_err("refused");
    (refusal.code, refusal.field)
}

#[test]
fn a_period_is_closed_by_one_reviewed_by_another_and_verified_by_a_third_until_it_is_restated() {
    let mut periods = Periods::default();
    assert_eq!(carry_out(&mut periods, "li", &open("2025", 0, YEAR_END)), 1);
    assert_eq!(carry_out(&mut periods, "li", &open("2025", 0, YEAR_END)), 0);
    assert_eq!(carry_out(&mut periods, "li", &close()), 1);
    assert_eq!(
        refused(&periods, &by("li", YEAR_END), &verify()),
        (RejectionCode::FailedPrecondition, "period")
    );
    let unreviewed = periods
        .decide(&by("auditor-1", YEAR_END), &verify())
        .expect_err("not reviewed");
    assert!(
        unreviewed.message.contains("was not reviewed"),
        "{unreviewed}"
    );
    assert_eq!(
        refused(&periods, &by("li", YEAR_END), &review()),
        (RejectionCode::FailedPrecondition, "period")
    );
    assert_eq!(carry_out(&mut periods, "zhao", &review()), 1);
    assert_eq!(carry_out(&mut periods, "zhao", &review()), 0);
    assert_eq!(
        refused(&periods, &by("zhao", YEAR_END), &verify()),
        (RejectionCode::FailedPrecondition, "period")
    );
    assert_eq!(carry_out(&mut periods, "auditor-1", &verify()), 1);
    assert_eq!(carry_out(&mut periods, "auditor-1", &verify()), 0);
    assert_eq!(carry_out(&mut periods, "wang", &restate("r-1")), 1);
    assert_eq!(carry_out(&mut periods, "wang", &restate("r-1")), 0);
    let period = periods.get("2025").expect("known");
    assert_eq!(
        (period.state, period.restatements, &*period.verified_by),
        (PeriodState::Closed, 1, "")
    );
    for author in ["li", "wang"] {
        let refusal = periods
            .decide(&by(author, YEAR_END), &verify())
            .expect_err("an author");
        assert!(refusal.message.contains("can't verify it"), "{refusal}");
    }
    assert_eq!(carry_out(&mut periods, "zhao", &review()), 1);
    assert_eq!(carry_out(&mut periods, "auditor-1", &verify()), 1);
}

#[test]
fn a_closed_period_can_not_be_closed_again() {
    let mut periods = Periods::default();
    carry_out(&mut periods, "li", &open("2025", 0, YEAR_END));
    carry_out(&mut periods, "li", &close());
    let refusal = periods
        .decide(&by("wang", YEAR_END), &close())
        .expect_err("closed");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::FailedPrecondition, "period")
    );
    assert!(refusal.message.contains("was closed by li"), "{refusal}");
}

#[test]
fn what_does_not_fit_a_period_is_refused() {
    use RejectionCode::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    let mut periods = Periods::default();
    let now = by("li", YEAR_END);
    assert_eq!(refused(&periods, &now, &close()), (NotFound, "period"));
    carry_out(&mut periods, "li", &open("2025", 0, YEAR_END));
    let early = by("li", YEAR_END - 1);
    for (context, command, expected) in [
        (&early, close(), (FailedPrecondition, "period")),
        (&now, verify(), (FailedPrecondition, "period")),
        (&now, restate("r"), (FailedPrecondition, "period")),
        (&now, open("2025", 0, 5), (AlreadyExists, "period")),
        (
            &now,
            open("h2", 5, YEAR_END + 5),
            (FailedPrecondition, "from"),
        ),
        (&now, open("x", YEAR_END, YEAR_END), (InvalidArgument, "to")),
    ] {
        assert_eq!(
            refused(&periods, context, &command),
            expected,
            "{command:?}"
        );
    }
    carry_out(&mut periods, "li", &close());
    carry_out(&mut periods, "zhao", &review());
    let statement = |assurance, bytes: usize| {
        let verify = PeriodStep::Verify {
            assurance,
            statement_sha256: vec![7; bytes].into(),
        };
        step("2025", verify)
    };
    let auditor = by("auditor-1", YEAR_END);
    for (command, field) in [
        (statement(Assurance::Unspecified, 32), "assurance"),
        (statement(Assurance::Limited, 0), "statement_sha256"),
    ] {
        assert_eq!(
            refused(&periods, &auditor, &command),
            (InvalidArgument, field)
        );
    }
    assert_eq!(
        carry_out(&mut periods, "li", &open("2026", YEAR_END, YEAR_END + 5)),
        1
    );
    let order: Vec<&String> = periods.in_order().into_iter().map(|(id, _)| id).collect();
    assert_eq!(order, ["2025", "2026"]);
}
