use proptest::prelude::*;
use terrarium_journal::RejectionCode;

use super::*;

const DUE: i64 = 10_000;

fn at(now: i64) -> CollectionContext {
    CollectionContext {
        park: ParkId::new("haotian").expect("valid"),
        collection: "round-1".into(),
        now: UnixSeconds(now),
    }
}

fn order(bins: &[&str]) -> CollectionOrder {
    CollectionOrder {
        bins: bins
            .iter()
            .map(|bin| AssetId::new(bin).expect("valid"))
            .collect(),
        assignee: "crew-3".into(),
        due: UnixSeconds(DUE),
        route: "".into(),
    }
}

fn execution(time: i64) -> Execution {
    Execution {
        time: UnixSeconds(time),
        ticket: "T-1".into(),
        weight_g: 52_300,
        evidence_sha256: Some([7; 32]),
    }
}

fn name(event: &CollectionEvent) -> &'static str {
    match event.fact {
        CollectionFact::Ordered { .. } => "ordered",
        CollectionFact::Acknowledged { .. } => "acknowledged",
        CollectionFact::Executed { .. } => "executed",
        CollectionFact::Missed { .. } => "missed",
    }
}

fn carry_out(
    collection: &mut Collection,
    now: i64,
    command: &CollectionCommand,
) -> Result<Vec<&'static str>, (RejectionCode, &'static str)> {
    let events = collection
        .decide(&at(now), command)
        .map_err(|refusal| (refusal.code, refusal.field))?;
    for event in &events {
        collection.evolve(event);
    }
    Ok(events.iter().map(name).collect())
}

fn ordered() -> Collection {
    let mut collection = Collection::default();
    let command = CollectionCommand::Order(order(&["bin-1", "bin-2"]));
    assert_eq!(carry_out(&mut collection, 0, &command), Ok(vec!["ordered"]));
    collection
}

#[test]
fn an_order_is_acknowledged_and_executed_in_time() {
    let mut collection = ordered();
    let execute = CollectionCommand::ReportExecution(execution(9_000));
    assert_eq!(
        carry_out(&mut collection, 50, &CollectionCommand::Acknowledge),
        Ok(vec!["acknowledged"])
    );
    assert_eq!(
        carry_out(&mut collection, 60, &CollectionCommand::Acknowledge),
        Ok(vec![])
    );
    assert_eq!(
        carry_out(&mut collection, 9_000, &execute),
        Ok(vec!["executed"])
    );
    assert_eq!(carry_out(&mut collection, 20_000, &execute), Ok(vec![]));
    assert!(!collection.is_missed());
}

#[test]
fn what_is_done_after_it_was_due_is_missed_too() {
    let mut collection = ordered();
    let execute = CollectionCommand::ReportExecution(execution(DUE + 1));
    assert_eq!(
        carry_out(&mut collection, DUE + 5, &execute),
        Ok(vec!["missed", "executed"])
    );
    // Reported late, but done in time: not missed.
    let mut collection = ordered();
    let execute = CollectionCommand::ReportExecution(execution(DUE));
    assert_eq!(
        carry_out(&mut collection, DUE + 5, &execute),
        Ok(vec!["executed"])
    );
}

#[test]
fn a_collection_is_missed_by_the_parks_clock_and_may_still_be_executed() {
    let mut collection = ordered();
    let too_early = carry_out(&mut collection, DUE, &CollectionCommand::ReportMissed);
    assert_eq!(
        too_early,
        Err((RejectionCode::FailedPrecondition, "collection"))
    );
    assert_eq!(
        carry_out(&mut collection, DUE + 1, &CollectionCommand::ReportMissed),
        Ok(vec!["missed"])
    );
    assert_eq!(
        carry_out(&mut collection, DUE + 2, &CollectionCommand::ReportMissed),
        Ok(vec![])
    );
    let execute = CollectionCommand::ReportExecution(execution(DUE + 100));
    assert_eq!(
        carry_out(&mut collection, DUE + 100, &execute),
        Ok(vec!["executed"])
    );
}

#[test]
fn an_executed_collection_can_not_be_executed_missed_or_acknowledged_again() {
    let mut collection = ordered();
    let execute = CollectionCommand::ReportExecution(execution(5));
    carry_out(&mut collection, 5, &execute).expect("in time");
    let other = CollectionCommand::ReportExecution(Execution {
        weight_g: 1,
        ..execution(5)
    });
    assert_eq!(
        carry_out(&mut collection, 6, &other),
        Err((RejectionCode::AlreadyExists, "collection"))
    );
    for command in [
        CollectionCommand::ReportMissed,
        CollectionCommand::Acknowledge,
    ] {
        let refusal = carry_out(&mut collection, DUE + 1, &command);
        assert_eq!(
            refusal,
            Err((RejectionCode::FailedPrecondition, "collection"))
        );
    }
}

#[test]
fn the_same_order_again_changes_nothing_and_another_under_its_id_is_refused() {
    let mut collection = ordered();
    let same = CollectionCommand::Order(order(&["bin-1", "bin-2"]));
    assert_eq!(carry_out(&mut collection, DUE + 9, &same), Ok(vec![]));
    let other = CollectionCommand::Order(order(&["bin-1"]));
    assert_eq!(
        carry_out(&mut collection, 0, &other),
        Err((RejectionCode::AlreadyExists, "collection"))
    );
}

#[test]
fn orders_that_nobody_can_carry_out_are_refused() {
    let many: Vec<String> = (0..201).map(|number| format!("bin-{number:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (now, bins, code, field) in [
        (0, &[][..], RejectionCode::InvalidArgument, "bins"),
        (0, &many[..], RejectionCode::InvalidArgument, "bins"),
        (
            0,
            &["bin-1", "bin-1"][..],
            RejectionCode::InvalidArgument,
            "bins",
        ),
        (
            DUE,
            &["bin-1"][..],
            RejectionCode::FailedPrecondition,
            "due",
        ),
    ] {
        let refusal = carry_out(
            &mut Collection::default(),
            now,
            &CollectionCommand::Order(order(bins)),
        );
        assert_eq!(refusal, Err((code, field)));
    }
}

#[test]
fn what_was_never_ordered_is_not_found() {
    for command in [
        CollectionCommand::Acknowledge,
        CollectionCommand::ReportMissed,
        CollectionCommand::ReportExecution(execution(0)),
    ] {
        let refusal = carry_out(&mut Collection::default(), 0, &command);
        assert_eq!(refusal, Err((RejectionCode::NotFound, "collection")));
    }
}

#[test]
fn an_execution_in_the_future_or_with_less_than_nothing_is_refused() {
    let mut collection = ordered();
    let future = CollectionCommand::ReportExecution(execution(161));
    assert_eq!(
        carry_out(&mut collection, 100, &future),
        Err((RejectionCode::FailedPrecondition, "time"))
    );
    let negative = CollectionCommand::ReportExecution(Execution {
        weight_g: -1,
        ..execution(5)
    });
    assert_eq!(
        carry_out(&mut collection, 100, &negative),
        Err((RejectionCode::InvalidArgument, "weight_g"))
    );
}

proptest! {
    #[test]
    fn each_thing_happens_to_a_collection_once_and_only_after_its_order(
        steps in prop::collection::vec((0u8..4, 0i64..20_000), 1..30)
    ) {
        let mut collection = Collection::default();
        let mut happened: Vec<&str> = Vec::new();
        for (kind, now) in steps {
            let command = match kind {
                0 => CollectionCommand::Order(order(&["bin-1"])),
                1 => CollectionCommand::Acknowledge,
                2 => CollectionCommand::ReportExecution(execution(now)),
                _ => CollectionCommand::ReportMissed,
            };
            if let Ok(events) = carry_out(&mut collection, now, &command) {
                happened.extend(events);
            }
        }
        prop_assert!(happened.is_empty() || happened[0] == "ordered");
        let mut sorted = happened.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), happened.len());
    }
}
