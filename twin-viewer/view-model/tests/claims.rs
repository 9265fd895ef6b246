//! Claims over the books, as a person asks for them.

use terrarium_view_model::{
    ClaimName, Command, Connection, LedgerPeriod, Report, Request, Statement, ViewState,
};

const NOW_MS: i64 = 1_777_615_200_000;
const HOUR_MS: i64 = 3_600_000;

fn live() -> ViewState {
    let mut state = ViewState::default();
    state.take(Report::Park {
        definition: include_str!("../../../deploy/parks/haotian.toml").into(),
        first_ms: Some(NOW_MS - 48 * HOUR_MS),
        now_ms: NOW_MS,
    });
    state.take(Report::Connection(Connection::Live));
    state.take(Report::LiveMoment {
        first_ms: Some(NOW_MS - 48 * HOUR_MS),
        now_ms: NOW_MS,
    });
    state
}

fn statement(claim: &str) -> Report {
    Report::Statement(Box::new(Statement {
        claim: claim.into(),
        position: 42,
        ..Statement::default()
    }))
}

#[test]
fn a_claim_is_asked_for_once_and_anew_for_another_period_or_by_hand() {
    let mut state = live();
    assert_eq!(
        state.apply(Command::ShowClaims(true)),
        [Request::ClaimNames]
    );
    state.take(Report::ClaimNames(vec![ClaimName {
        claim: "iso14064".into(),
        is_promise: false,
    }]));
    assert_eq!(
        state.apply(Command::ShowClaims(true)),
        [],
        "they are known by now"
    );
    let asked = state.apply(Command::MakeClaim(Some("iso14064".into())));
    let of_day = Request::Claim {
        claim: "iso14064".into(),
        from_ms: NOW_MS - 24 * HOUR_MS,
        to_ms: NOW_MS,
    };
    assert_eq!(asked, [of_day]);
    assert!(!state.is_settled(), "a picture of it has to wait");
    state.take(statement("sbti"));
    assert_eq!(state.claims.statement, None, "nobody asked for that");
    state.take(statement("iso14064"));
    assert!(state.claims.statement.is_some());

    let asked = state.apply(Command::SetLedgerPeriod(LedgerPeriod::Record));
    let of_record = Request::Claim {
        claim: "iso14064".into(),
        from_ms: NOW_MS - 48 * HOUR_MS,
        to_ms: NOW_MS,
    };
    assert!(asked.contains(&of_record), "{asked:?}");
    assert_eq!(state.claims.statement, None, "it was of another period");
    state.take(statement("iso14064"));
    let again = state.apply(Command::MakeClaim(Some("iso14064".into())));
    assert_eq!(again, [of_record]);
    assert_eq!(state.apply(Command::MakeClaim(None)), []);
    assert_eq!(state.claims.asked, None);
}

#[test]
fn a_claim_that_is_refused_is_told_with_its_reason_until_one_comes() {
    let mut state = live();
    state.apply(Command::MakeClaim(Some("sbti".into())));
    state.take(Report::Failed {
        what: "claim",
        reason: "no base year: set one with SetBaseYear".into(),
    });
    let told = state.failure_of("claim");
    assert!(told.is_some_and(|reason| reason.contains("base year")));
    state.apply(Command::ZoomTimeline(None));
    assert!(
        state.failure_of("claim").is_some(),
        "its panel still lacks it"
    );
    state.take(statement("sbti"));
    assert_eq!(state.failure_of("claim"), None);
    state.take(Report::Failed {
        what: "claim",
        reason: "gone".into(),
    });
    state.apply(Command::MakeClaim(Some("sbti".into())));
    assert_eq!(state.failure_of("claim"), None, "it is asked for again");
}
