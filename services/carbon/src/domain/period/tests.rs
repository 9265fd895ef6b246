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

fn plan_sampling() -> PeriodCommand {
    use terrarium_proto::carbon::v1::SampledItem;
    step(
        "2025",
        PeriodStep::PlanSampling(PeriodSamplingPlannedV1 {
            materiality_permille: 50,
            items: vec![SampledItem {
                area: "electricity".into(),
                selection: "the three largest meters".into(),
                test: "recalculation".into(),
                risk: "wrong current transformer ratio".into(),
            }],
            ..PeriodSamplingPlannedV1::default()
        }),
    )
}

fn raise(finding: &str) -> PeriodCommand {
    step(
        "2025",
        PeriodStep::RaiseFinding(PeriodFindingRaisedV1 {
            finding: finding.into(),
            text: "an invoice is missing".into(),
            misstatement_mg: 5_000_000,
            ..PeriodFindingRaisedV1::default()
        }),
    )
}

fn resolve(finding: &str) -> PeriodCommand {
    step(
        "2025",
        PeriodStep::ResolveFinding(PeriodFindingResolvedV1 {
            finding: finding.into(),
            resolution: "the invoice was found".into(),
            ..PeriodFindingResolvedV1::default()
        }),
    )
}

fn verify_reasonably() -> PeriodCommand {
    let verify = PeriodStep::Verify {
        assurance: Assurance::Reasonable,
        statement_sha256: vec![7; 32].into(),
    };
    step("2025", verify)
}

#[test]
fn a_verification_plans_finds_resolves_and_only_then_states() {
    let mut periods = Periods::default();
    carry_out(&mut periods, "lin", &open("2025", 0, YEAR_END));
    carry_out(&mut periods, "lin", &close());
    carry_out(&mut periods, "mei", &review());
    let auditor = by("wu", YEAR_END);
    // Without a plan there is no finding and no reasonable assurance; the author plans nothing.
    for (context, command) in [
        (&auditor, raise("f-1")),
        (&auditor, verify_reasonably()),
        (&by("lin", YEAR_END), plan_sampling()),
    ] {
        let refusal = periods.decide(context, &command).expect_err("too early");
        assert_eq!(refusal.code, RejectionCode::FailedPrecondition);
    }
    assert_eq!(carry_out(&mut periods, "wu", &plan_sampling()), 1);
    assert_eq!(carry_out(&mut periods, "wu", &plan_sampling()), 0);
    assert_eq!(carry_out(&mut periods, "wu", &raise("f-1")), 1);
    let refusal = periods
        .decide(&auditor, &verify_reasonably())
        .expect_err("an open finding");
    assert!(refusal.to_string().contains("f-1"), "{refusal}");
    let refusal = periods
        .decide(&by("someone", YEAR_END), &resolve("f-1"))
        .expect_err("not theirs");
    assert_eq!(refusal.code, RejectionCode::FailedPrecondition);
    assert_eq!(carry_out(&mut periods, "wu", &resolve("f-1")), 1);
    assert_eq!(carry_out(&mut periods, "wu", &resolve("f-1")), 0);
    assert_eq!(carry_out(&mut periods, "wu", &verify_reasonably()), 1);
    let known = periods.verification("2025").expect("planned");
    assert_eq!(known.findings().count(), 1);
    // A restatement makes the plan stale.
    carry_out(&mut periods, "lin", &restate("r-1"));
    carry_out(&mut periods, "mei", &review());
    assert!(periods.decide(&auditor, &verify_reasonably()).is_err());
    carry_out(&mut periods, "wu", &plan_sampling());
    assert_eq!(carry_out(&mut periods, "wu", &verify_reasonably()), 1);
}

/// Sent again after something newer, each step finds what it led to, and nothing else.
#[test]
fn a_step_is_known_by_what_it_set_alone() {
    let plan_again = || {
        let PeriodStep::PlanSampling(plan) = plan_sampling().step else {
            unreachable!("it plans")
        };
        let stricter = PeriodSamplingPlannedV1 {
            materiality_permille: 20,
            ..plan
        };
        step("2025", PeriodStep::PlanSampling(stricter))
    };
    let steps = [
        ("mei", review()),
        ("wu", plan_sampling()),
        ("wu", plan_again()),
        ("wu", verify_reasonably()),
    ];
    let led_to =
        |command: &PeriodCommand, set: &PeriodFact| command.setting() == Periods::setting(set);
    let mut periods = Periods::default();
    carry_out(&mut periods, "lin", &open("2025", 0, YEAR_END));
    carry_out(&mut periods, "lin", &close());
    let mut decided = Vec::new();
    for (who, command) in &steps {
        let events = periods.decide(&by(who, YEAR_END), command);
        let events = events.expect("a good command");
        periods.evolve(&events[0]);
        assert!(Periods::setting(&events[0].fact).is_some(), "{command:?}");
        decided.push(events[0].fact.clone());
    }
    for (place, (_, command)) in steps.iter().enumerate() {
        let led_to: Vec<bool> = decided.iter().map(|set| led_to(command, set)).collect();
        let only_its_own: Vec<bool> = (0..decided.len()).map(|other| other == place).collect();
        assert_eq!(led_to, only_its_own, "{command:?}");
    }
    // Of another period, or with another statement, it is another step.
    let others = [
        step("2024", review().step),
        step("2024", plan_sampling().step),
        step("2024", verify_reasonably().step),
        verify(),
    ];
    for other in others {
        assert!(!decided.iter().any(|set| led_to(&other, set)), "{other:?}");
    }
}
