//! What holds for any readings in any order.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// One plausible reading for each of some hours, in lengths that do not overlap.
fn valid_intervals() -> impl Strategy<Value = Vec<MeterCommand>> {
    proptest::collection::vec((0_u8..4, 0_i64..10_000), 1..40).prop_map(|pieces| {
        let mut start = 0;
        let mut readings = Vec::new();
        for (kind, wh) in pieces {
            let seconds = [900, 3_600, 7_200, 60][usize::from(kind)];
            let wh = wh * i64::from(seconds) / 3_600;
            readings.push(report(start, seconds, &wh.to_string(), Unit::WattHour));
            start += i64::from(seconds) + i64::from(kind % 2) * 300;
        }
        readings
    })
}

/// A register that grows no faster than ten times its rating between any two reads.
fn valid_registers() -> impl Strategy<Value = Vec<MeterCommand>> {
    proptest::collection::vec((1_i64..200_000, 0_i64..=100), 1..30).prop_map(|steps| {
        let (mut at, mut wh) = (0, 5_000_000_i64);
        let mut reads = Vec::new();
        for (seconds, percent) in steps {
            reads.push(report(at, 0, &wh.to_string(), Unit::WattHour));
            at += seconds;
            wh += seconds * 10_000 * percent / 100 / 3_600;
        }
        reads
    })
}

fn any_order_gives_the_same(
    reports: Reports,
    readings: &[MeterCommand],
    picks: &[Index],
    order: &[Index],
) {
    let mut shuffled: Vec<&MeterCommand> = readings.iter().collect();
    shuffled.extend(picks.iter().map(|pick| pick.get(readings)));
    for (place, other) in order.iter().enumerate() {
        let place = place % shuffled.len();
        let other = other.index(shuffled.len());
        shuffled.swap(place, other);
    }
    let take_in = |commands: &[&MeterCommand]| {
        let mut bench = Bench::of(reports);
        bench.context.now = UnixSeconds(MIDNIGHT + 1_000 * 86_400);
        let events: usize = commands
            .iter()
            .map(|command| bench.send(command).expect("valid").len())
            .sum();
        (events, bench.counted(), bench.meter.undecided().len())
    };
    let in_order: Vec<&MeterCommand> = readings.iter().collect();
    let expected = take_in(&in_order);
    assert_eq!((expected.0, expected.2), (readings.len(), 0));
    assert_eq!(take_in(&shuffled), expected);
}

/// Any command at all: small ranges, so that they meet.
fn any_command() -> impl Strategy<Value = (u8, i64, u8, i64, bool, Index)> {
    (
        0_u8..8,
        0_i64..12,
        0_u8..4,
        -50_i64..300,
        any::<bool>(),
        any::<Index>(),
    )
}

fn nothing_that_counts_ever_contradicts_itself(
    reports: Reports,
    commands: &[(u8, i64, u8, i64, bool, Index)],
) {
    let mut bench = Bench::of(reports);
    bench.context.now = UnixSeconds(MIDNIGHT + 4 * 3_600);
    let mut quarantined: Vec<Uuid> = Vec::new();
    let mut seen: BTreeSet<Uuid> = BTreeSet::new();
    for (kind, quarter, length, tenths, named, pick) in commands {
        let value = format!(
            "{}{}.{}",
            if *tenths < 0 { "-" } else { "" },
            tenths.abs() / 10,
            tenths.abs() % 10
        );
        let seconds = if reports == Reports::Register {
            0
        } else {
            [900, 1_800, 3_600, 7_200][usize::from(*length)]
        };
        let unit = if *kind == 7 {
            Unit::KilovoltAmpere
        } else {
            KWH
        };
        let plain = report(quarter * 900, seconds, &value, unit);
        let command = match kind {
            0..=3 | 7 => plain,
            4 => as_correction(plain, named.then_some(u32::from(*length))),
            _ if quarantined.is_empty() => continue,
            5 => release(*pick.get(&quarantined)),
            _ => correct_quarantined(*pick.get(&quarantined), &value, unit),
        };
        let before = bench.counted();
        match bench.send(&command) {
            Err(_) => assert_eq!(bench.counted(), before),
            Ok(events) => {
                for event in events {
                    assert!(seen.insert(event.id), "an id is used once: {event:?}");
                    if matches!(event.fact, MeterFact::Quarantined { .. }) {
                        quarantined.push(event.id);
                        assert_eq!(bench.counted(), before, "quarantine counts nowhere");
                    }
                    let encoded = crate::events::encode(&event);
                    let decoded =
                        crate::events::decode(encoded.id, encoded.event_type, &encoded.data);
                    assert_eq!(decoded.expect("own event"), event);
                }
                // What was carried out once is carried out: the same again is no news, unless it is unnamed.
                let is_unnamed_correction = *kind == 4 && !named;
                if !is_unnamed_correction {
                    bench.changes_nothing(&command);
                }
            }
        }
        let counted = bench.counted();
        for pair in counted.windows(2) {
            let ((start, seconds, wh, _), (next_start, _, next_wh, _)) = (pair[0], pair[1]);
            match reports {
                Reports::Interval => assert!(
                    start + i64::from(seconds) <= next_start,
                    "overlap: {counted:?}"
                ),
                Reports::Register => assert!(wh <= next_wh, "backwards: {counted:?}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_valid_intervals_with_duplicates_counts_the_same_with_one_event_each(
        readings in valid_intervals(),
        picks in proptest::collection::vec(any::<Index>(), 0..20),
        order in proptest::collection::vec(any::<Index>(), 60),
    ) {
        any_order_gives_the_same(Reports::Interval, &readings, &picks, &order);
    }

    #[test]
    fn any_order_of_valid_register_reads_with_duplicates_counts_the_same_with_one_event_each(
        readings in valid_registers(),
        picks in proptest::collection::vec(any::<Index>(), 0..20),
        order in proptest::collection::vec(any::<Index>(), 50),
    ) {
        any_order_gives_the_same(Reports::Register, &readings, &picks, &order);
    }

    #[test]
    fn counted_intervals_never_overlap_whatever_is_sent(commands in proptest::collection::vec(any_command(), 1..60)) {
        nothing_that_counts_ever_contradicts_itself(Reports::Interval, &commands);
    }

    #[test]
    fn counted_registers_never_go_down_whatever_is_sent(commands in proptest::collection::vec(any_command(), 1..60)) {
        nothing_that_counts_ever_contradicts_itself(Reports::Register, &commands);
    }
}
