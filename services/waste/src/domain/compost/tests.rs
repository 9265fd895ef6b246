use proptest::prelude::*;
use terrarium_journal::{ForgetfulPair, RejectionCode};

use super::*;

const DAY_S: i64 = 86_400;

fn context() -> CompostContext {
    CompostContext {
        park: ParkId::new("haotian").expect("valid"),
        bay: AssetId::new("bay-1").expect("valid"),
        capacity_g: 1_000_000,
        now: UnixSeconds(100 * DAY_S),
    }
}

fn step(batch: &str, time: i64, step: CompostStep) -> CompostCommand {
    CompostCommand {
        batch: batch.into(),
        time: UnixSeconds(time),
        step,
    }
}

fn feed(batch: &str, time: i64, weight_g: i64) -> CompostCommand {
    let source = "lawn".into();
    step(batch, time, CompostStep::Feed { weight_g, source })
}

fn core(time: i64, temperature_mc: i64) -> CompostCommand {
    let measure = CompostStep::Measure {
        temperature_mc,
        moisture_permille: Some(550),
    };
    step("b1", time, measure)
}

fn take(time: i64, weight_g: i64) -> CompostCommand {
    step("b1", time, CompostStep::TakeProduct { weight_g })
}

fn carry_out(bay: &mut CompostBay, command: &CompostCommand) -> usize {
    let events = bay.decide(&context(), command).expect("a good command");
    for event in &events {
        bay.evolve(event);
    }
    events.len()
}

fn refused(bay: &CompostBay, command: &CompostCommand) -> (RejectionCode, &'static str) {
    let refusal = bay
        .decide(&context(), command)
        .expect_err("this must be refused");
    (refusal.code, refusal.field)
}

#[test]
fn a_batch_is_fed_turned_measured_and_closed_with_its_sums() {
    let mut bay = CompostBay::default();
    for command in [
        feed("b1", 0, 400_000),
        feed("b1", 10, 200_000),
        core(20, 40_000),
        core(20 + DAY_S, 60_000),
        core(20 + 2 * DAY_S, 61_000),
        step("b1", 3 * DAY_S, CompostStep::Turn),
        core(20 + 3 * DAY_S, 58_000),
        core(20 + 5 * DAY_S, 58_000),
        take(60 * DAY_S, 250_000),
    ] {
        assert_eq!(carry_out(&mut bay, &command), 1);
        assert_eq!(carry_out(&mut bay, &command), 0, "sent again");
    }
    let closed = bay
        .decide(&context(), &step("b1", 61 * DAY_S, CompostStep::Close))
        .expect("it ends");
    let CompostFact::CompostBatchClosedV1(sums) = &closed[0].fact else {
        panic!("{closed:?}");
    };
    assert_eq!(
        (sums.fed_g, sums.product_g, sums.turns),
        (600_000, 250_000, 1)
    );
    // Two gaps of a day between hot measurements; what two days apart say is not known.
    assert_eq!(sums.hot_s, 2 * DAY_S);
    bay.evolve(&closed[0]);
    assert_eq!(bay.open(), None);
    assert_eq!(
        carry_out(&mut bay, &step("b1", 61 * DAY_S, CompostStep::Close)),
        0
    );
    assert_eq!(carry_out(&mut bay, &feed("b1", 0, 400_000)), 0);
    assert_eq!(
        refused(&bay, &feed("b1", 62 * DAY_S, 1)),
        (RejectionCode::FailedPrecondition, "batch")
    );
    assert_eq!(carry_out(&mut bay, &feed("b2", 62 * DAY_S, 1)), 1);
}

#[test]
fn what_a_bay_can_not_do_is_refused() {
    use RejectionCode::{FailedPrecondition, InvalidArgument, NotFound};
    let mut bay = CompostBay::default();
    assert_eq!(refused(&bay, &core(1, 50_000)), (NotFound, "batch"));
    assert_eq!(carry_out(&mut bay, &feed("b1", 100, 900_000)), 1);
    for (command, expected) in [
        (feed("b2", 200, 1), (FailedPrecondition, "batch")),
        (
            feed("b1", 200, 100_001),
            (FailedPrecondition, "feed.weight_g"),
        ),
        (feed("b1", 200, 0), (InvalidArgument, "feed.weight_g")),
        (feed("b1", 99, 5), (FailedPrecondition, "time")),
        (
            core(200, 100_001),
            (InvalidArgument, "measurement.temperature_mc"),
        ),
        (take(200, 900_001), (FailedPrecondition, "product.weight_g")),
        (take(200, -1), (InvalidArgument, "product.weight_g")),
        (core(100 * DAY_S + 61, 50_000), (FailedPrecondition, "time")),
    ] {
        assert_eq!(refused(&bay, &command), expected, "{command:?}");
    }
}

proptest! {
    #[test]
    fn no_more_comes_out_than_went_in_and_no_more_goes_in_than_the_bay_takes(
        steps in prop::collection::vec((any::<bool>(), 1i64..600_000), 1..40)
    ) {
        let mut bay = CompostBay::default();
        for (time, (feeds, weight_g)) in (1i64..).zip(steps) {
            let command = if feeds { feed("b1", time, weight_g) } else { take(time, weight_g) };
            if let Ok(events) = bay.decide(&context(), &command) {
                for event in &events {
                    bay.evolve(event);
                }
            }
            if let Some(batch) = bay.open() {
                prop_assert!(batch.fed_g <= 1_000_000 && batch.product_g <= batch.fed_g);
            }
        }
    }
}

#[test]
fn a_bay_that_let_go_of_ended_batches_decides_as_one_that_did_not_or_says_that_it_cannot() {
    const BATCHES: i64 = 5;
    let life_of = |number: i64| {
        let (batch, begun) = (format!("b{number}"), number * 10 * DAY_S);
        [
            feed(&batch, begun, 40_000),
            step(&batch, begun + DAY_S, CompostStep::Turn),
            step(
                &batch,
                begun + 2 * DAY_S,
                CompostStep::TakeProduct { weight_g: 9_000 },
            ),
            step(&batch, begun + 3 * DAY_S, CompostStep::Close),
        ]
    };
    let mut pair = ForgetfulPair::<CompostBay>::default();
    for command in (0..BATCHES).flat_map(life_of) {
        assert!(pair.carry_out(&context(), &command), "{command:?}");
    }
    let mut undecided = 0;
    for number in 0..=BATCHES {
        for command in life_of(number) {
            let later = CompostCommand {
                time: UnixSeconds(command.time.0 + 60),
                ..command.clone()
            };
            for command in [command, later] {
                undecided += i64::from(!pair.decide_alike(&context(), &command));
            }
        }
    }
    assert_eq!(
        undecided,
        8 * (BATCHES - 1),
        "all but the last was let go of"
    );
}
