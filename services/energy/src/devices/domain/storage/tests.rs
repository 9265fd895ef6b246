use proptest::prelude::*;
use terrarium_journal::{ForgetfulPair, RejectionCode};

use super::*;

fn context() -> StorageContext {
    StorageContext {
        park: ParkId::new("haotian").expect("valid"),
        capacity_wh: 100_000,
        rated_w: 50_000,
        now: UnixSeconds(1_000_000),
    }
}

fn report(time_s: i64, stored_wh: i64, charged_wh: i64, discharged_wh: i64) -> StorageReportedV1 {
    StorageReportedV1 {
        storage: "store".into(),
        time_s,
        stored_wh,
        power_w: 10_000,
        charged_wh,
        discharged_wh,
    }
}

/// What became of a report: counted, or why it is in quarantine.
fn tell(
    storage: &mut Storage,
    report: &StorageReportedV1,
) -> Result<Vec<Option<StorageSuspicion>>, (RejectionCode, &'static str)> {
    let events = storage
        .decide(&context(), report)
        .map_err(|refusal| (refusal.code, refusal.field))?;
    for event in &events {
        storage.evolve(event);
    }
    Ok(events
        .iter()
        .map(|event| match &event.fact {
            DeviceFact::StorageReportQuarantinedV1(report) => Some(report.reason()),
            _ => None,
        })
        .collect())
}

#[test]
fn a_report_counts_once_and_another_of_the_same_time_is_refused() {
    let mut storage = Storage::default();
    assert_eq!(tell(&mut storage, &report(0, 5_000, 0, 0)), Ok(vec![None]));
    assert_eq!(tell(&mut storage, &report(0, 5_000, 0, 0)), Ok(vec![]));
    assert_eq!(
        tell(&mut storage, &report(0, 5_001, 0, 0)),
        Err((RejectionCode::AlreadyExists, "time"))
    );
    assert_eq!(storage.newest().map(|newest| newest.stored_wh), Some(5_000));
}

#[test]
fn a_state_of_charge_that_can_not_be_is_refused() {
    let mut storage = Storage::default();
    for (stored_wh, charged_wh, field) in [
        (-1, 0, "stored_wh"),
        (100_001, 0, "stored_wh"),
        (0, -1, "charged_wh"),
    ] {
        let refused = tell(&mut storage, &report(0, stored_wh, charged_wh, 0));
        assert_eq!(refused, Err((RejectionCode::InvalidArgument, field)));
    }
    for stored_wh in [0, 100_000] {
        assert!(tell(&mut storage, &report(stored_wh, stored_wh, 0, 0)).is_ok());
    }
    assert_eq!(
        tell(&mut storage, &report(1_000_061, 0, 0, 0)),
        Err((RejectionCode::FailedPrecondition, "time"))
    );
}

#[test]
fn what_looks_wrong_is_kept_apart_until_a_better_report_of_the_same_time_comes() {
    let mut storage = Storage::default();
    tell(&mut storage, &report(0, 5_000, 10_000, 2_000)).expect("good");
    let slip = StorageReportedV1 {
        power_w: -500_001,
        ..report(900, 5_000, 10_000, 2_000)
    };
    let above = Ok(vec![Some(StorageSuspicion::AboveRating)]);
    assert_eq!(tell(&mut storage, &slip), above);
    assert_eq!(tell(&mut storage, &slip), Ok(vec![]), "told again");
    // Ten times the rating of 50 kW is 125 kWh in a quarter of an hour.
    assert_eq!(
        tell(&mut storage, &report(900, 5_000, 135_001, 2_000)),
        above
    );
    assert_eq!(
        tell(&mut storage, &report(900, 5_000, 9_999, 2_000)),
        Ok(vec![Some(StorageSuspicion::CounterBackwards)])
    );
    assert_eq!(storage.quarantined().count(), 3);
    assert_eq!(storage.newest().map(|newest| newest.time_s), Some(0));
    assert_eq!(
        tell(&mut storage, &report(900, 5_000, 10_500, 2_000)),
        Ok(vec![None])
    );
    assert_eq!(storage.quarantined().count(), 0);
}

#[test]
fn a_report_that_comes_late_has_to_fit_between_its_neighbours() {
    let mut storage = Storage::default();
    tell(&mut storage, &report(0, 0, 1_000, 0)).expect("good");
    tell(&mut storage, &report(1_800, 0, 3_000, 0)).expect("good");
    assert_eq!(
        tell(&mut storage, &report(900, 0, 3_001, 0)),
        Ok(vec![Some(StorageSuspicion::CounterBackwards)])
    );
    assert_eq!(
        tell(&mut storage, &report(900, 0, 2_000, 0)),
        Ok(vec![None])
    );
    assert_eq!(storage.newest().map(|newest| newest.time_s), Some(1_800));
}

proptest! {
    #[test]
    fn whatever_is_sent_what_counts_stays_within_the_store_and_its_counters_grow(
        sent in prop::collection::vec((0i64..20, -10i64..120_000, 0i64..4_000, 0i64..4_000), 1..40)
    ) {
        let mut storage = Storage::default();
        for (quarter, stored_wh, charged_wh, discharged_wh) in sent {
            let _ = tell(&mut storage, &report(quarter * 900, stored_wh, charged_wh, discharged_wh));
        }
        let reports: Vec<_> = storage.reports.range(..).map(|(_, report)| report).collect();
        prop_assert!(reports.iter().all(|report| (0..=100_000).contains(&report.stored_wh)));
        for pair in reports.windows(2) {
            prop_assert!(pair[0].charged_wh <= pair[1].charged_wh);
            prop_assert!(pair[0].discharged_wh <= pair[1].discharged_wh);
        }
    }
}

#[test]
fn a_store_that_lets_go_decides_as_one_that_remembers() {
    const QUARTERS: i64 = 7_000;
    let context = StorageContext {
        now: UnixSeconds(QUARTERS * 1_000),
        ..context()
    };
    let in_order = |quarter: i64| {
        let stored_wh = quarter * 370 % 100_000;
        report(quarter * 900, stored_wh, quarter * 400, quarter * 300)
    };
    let mut pair = ForgetfulPair::<Storage>::default();
    for quarter in 0..QUARTERS {
        assert!(pair.carry_out(&context, &in_order(quarter)));
    }
    let mut undecided = 0;
    for quarter in (0..QUARTERS + 3).step_by(3) {
        let between = quarter * 900 + 450;
        for sent in [
            in_order(quarter),
            report(quarter * 900, 5, 0, 0),
            report(between, 5_000, quarter * 400 + 200, quarter * 300 + 150),
            report(between, 5_000, quarter * 400 - 1, quarter * 300),
            report(between, 5_000, quarter * 400 + 500_000, quarter * 300),
        ] {
            undecided += i64::from(!pair.decide_alike(&context, &sent));
        }
    }
    assert!(undecided > 0, "nothing was let go of");
}
