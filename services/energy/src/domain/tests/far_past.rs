//! What a meter lets go of changes no decision: either it decides the same, or it says that it needs its whole past.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const QUARTERS: i64 = 7_000;
const QUARTER_S: u32 = 900;

/// One that remembers everything and one that lets go, after the same long life.
fn both(reports: Reports) -> (Bench, Bench) {
    let [mut whole, mut forgetful] = [(); 2].map(|()| {
        let mut bench = Bench::of(reports);
        bench.context.now = UnixSeconds(MIDNIGHT + 1_000 * 86_400);
        bench
    });
    for quarter in 0..QUARTERS {
        let start = quarter * i64::from(QUARTER_S);
        let command = match reports {
            Reports::Interval => report(
                start,
                QUARTER_S,
                &(quarter % 90).to_string(),
                Unit::WattHour,
            ),
            Reports::Register => report(start, 0, &(quarter * 30).to_string(), Unit::WattHour),
        };
        for event in whole.event_of(&command) {
            forgetful.meter.evolve(&event);
        }
        forgetful.meter.forget_old();
    }
    (whole, forgetful)
}

fn correction(start: i64, seconds: u32, value: &str) -> MeterCommand {
    let MeterCommand::Report(reading) = report(start, seconds, value, Unit::WattHour) else {
        unreachable!("it is one")
    };
    MeterCommand::Report(ReportedReading {
        correction: Some(ReportedCorrection {
            reason: "late".into(),
            replaces_revision: None,
        }),
        ..reading
    })
}

impl Bench {
    fn event_of(&mut self, command: &MeterCommand) -> Vec<MeterEvent> {
        self.send(command).expect("valid")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_meter_that_lets_go_decides_as_one_that_remembers(
        is_register in any::<bool>(),
        asked in prop::collection::vec((any::<Index>(), 0_i64..3, 0_i64..400_000, any::<bool>()), 40..80),
    ) {
        let reports = if is_register { Reports::Register } else { Reports::Interval };
        let (whole, mut forgetful) = both(reports);
        let mut decided = 0;
        for (quarter, shift, value, is_correction) in asked {
            let start = quarter.index(QUARTERS as usize + 20) as i64 * i64::from(QUARTER_S) + shift * 450;
            let seconds = if is_register { 0 } else { QUARTER_S };
            let value = if is_register { value } else { value % 5_000 };
            let command = match is_correction {
                true => correction(start, seconds, &value.to_string()),
                false => report(start, seconds, &value.to_string(), Unit::WattHour),
            };
            if forgetful.meter.needs_forgotten(&command) {
                // What is younger than 32 days is never let go of.
                prop_assert!(start < QUARTERS * i64::from(QUARTER_S) - 32 * 86_400, "{start}");
                continue;
            }
            decided += 1;
            prop_assert_eq!(forgetful.decide(&command), whole.decide(&command));
        }
        prop_assert!(decided > 0);
        // The next reading is as new to both.
        let next = report(QUARTERS * i64::from(QUARTER_S), if is_register { 0 } else { QUARTER_S }, "220000", Unit::WattHour);
        prop_assert!(!forgetful.meter.needs_forgotten(&next));
        prop_assert_eq!(forgetful.decide(&next), whole.decide(&next));
        let oldest = report(0, if is_register { 0 } else { QUARTER_S }, "1", Unit::WattHour);
        prop_assert!(forgetful.meter.needs_forgotten(&oldest));
        forgetful.meter.forget_old();
    }
}
