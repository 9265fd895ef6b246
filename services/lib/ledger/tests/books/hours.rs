//! A meter's hours against a model that goes second by second.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use terrarium_ledger::{How, MeterBook, MeterHour, Origin, Quality, Sight};
use terrarium_model::{EnergyWh, Interval, UnixSeconds};
use uuid::Uuid;

use crate::world::HOUR;

/// An arbitrary place: late in a day, and not at a full hour, so that readings cross hours, days and the year 1970.
const ORIGIN: i64 = -5_000;

#[derive(Clone, Debug)]
struct Told {
    start: i64,
    seconds: u32,
    wh: i64,
    revision: u32,
}

/// Energy of the second from `second` on: cumulative rounding down, as `hour_shares` promises.
fn energy_of_second(wh: i64, seconds: i64, second: i64) -> i64 {
    let through =
        |second: i64| (i128::from(wh) * i128::from(second)).div_euclid(i128::from(seconds)) as i64;
    through(second + 1) - through(second)
}

/// The hours of what counts at last, second by second.
fn naive_hours(told: &[Told]) -> BTreeMap<i64, MeterHour> {
    let mut counts: BTreeMap<i64, (u32, i64, u32)> = BTreeMap::new();
    for told in told {
        counts.insert(told.start, (told.seconds, told.wh, told.revision));
    }
    let mut pieces: Vec<(i64, i64, i64, Quality)> = Vec::new();
    let corrected = |revision: u32| {
        if revision > 0 {
            Quality::CORRECTED
        } else {
            Quality::NONE
        }
    };
    for (start, (seconds, wh, revision)) in &counts {
        if *seconds > 0 {
            pieces.push((*start, i64::from(*seconds), *wh, corrected(*revision)));
        }
    }
    let reads: Vec<_> = counts
        .iter()
        .filter(|(_, (seconds, ..))| *seconds == 0)
        .collect();
    for pair in reads.windows(2) {
        let ((from, (_, low, one)), (to, (_, high, other))) = (pair[0], pair[1]);
        let quality = corrected(*one) | corrected(*other) | Quality::FROM_REGISTER;
        pieces.push((*from, to - from, high - low, quality));
    }
    let mut hours: BTreeMap<i64, MeterHour> = BTreeMap::new();
    for (start, seconds, wh, mut quality) in pieces {
        if start.div_euclid(HOUR) != (start + seconds - 1).div_euclid(HOUR) {
            quality = quality | Quality::SPREAD;
        }
        for second in 0..seconds {
            let hour = hours
                .entry((start + second).div_euclid(HOUR) * HOUR)
                .or_default();
            hour.covered_s += 1;
            hour.energy = EnergyWh(hour.energy.0 + energy_of_second(wh, seconds, second));
            hour.quality = hour.quality | quality;
        }
    }
    hours
}

fn tell(book: &mut MeterBook, position: usize, told: &Told) -> Interval {
    let how = if told.revision > 0 {
        How::Corrected
    } else {
        How::Reported
    };
    let origin = Origin {
        position: position as u64,
        event: Uuid::from_u128(position as u128),
    };
    let interval = Interval {
        start: UnixSeconds(told.start),
        seconds: told.seconds,
    };
    let changed = book.changed_by(interval);
    book.count(interval, EnergyWh(told.wh), told.revision, how, origin);
    changed
}

/// Hours of the book from well before to well after everything that was told.
fn hours_of(book: &MeterBook, told: &[Told], sight: Sight) -> BTreeMap<i64, MeterHour> {
    let first = told
        .iter()
        .map(|told| told.start)
        .min()
        .unwrap_or(0)
        .div_euclid(HOUR)
        - 30;
    let last = told
        .iter()
        .map(|told| told.start + i64::from(told.seconds))
        .max()
        .unwrap_or(0)
        .div_euclid(HOUR)
        + 30;
    (first..=last)
        .map(|hour| (hour * HOUR, book.hour(UnixSeconds(hour * HOUR), sight)))
        .filter(|(_, hour)| *hour != MeterHour::default())
        .collect()
}

fn the_book_agrees_after_each_reading(told: &[Told]) {
    let mut book = MeterBook::default();
    for (number, next) in told.iter().enumerate() {
        let before = hours_of(&book, told, Sight::ALL);
        let changed = tell(&mut book, number, next);
        let after = hours_of(&book, told, Sight::ALL);
        assert_eq!(
            after,
            naive_hours(&told[..=number]),
            "after {next:?} of {told:?}"
        );
        // What has changed is inside the time that is said to have changed.
        for hour in before.keys().chain(after.keys()) {
            if before.get(hour) != after.get(hour) {
                let touched = changed.hour_starts().any(|start| start.0 == *hour);
                assert!(touched, "hour {hour} has changed outside of {changed:?}");
            }
        }
    }
    for number in 0..told.len() {
        let then = Sight {
            known_at: number as u64,
            ..Sight::ALL
        };
        assert_eq!(
            hours_of(&book, told, then),
            naive_hours(&told[..=number]),
            "as known after reading {number} of {told:?}"
        );
    }
    let mut energy = 0;
    for (hour, laid) in hours_of(&book, told, Sight::ALL) {
        let contributions = book.contributions(UnixSeconds(hour), Sight::ALL);
        let sum: i64 = contributions
            .iter()
            .map(|contribution| contribution.energy.0)
            .sum();
        let seconds: u32 = contributions
            .iter()
            .map(|contribution| contribution.seconds)
            .sum();
        assert_eq!(
            (sum, seconds),
            (laid.energy.0, laid.covered_s),
            "an explanation sums up to its hour"
        );
        assert!(
            contributions
                .windows(2)
                .all(|pair| pair[0].interval.end() <= pair[1].interval.start)
        );
        energy += sum;
    }
    assert_eq!(energy, total_energy(&book), "no Wh is lost or made");
}

/// What the readings themselves say.
fn total_energy(book: &MeterBook) -> i64 {
    let readings = || book.readings(Sight::ALL).map(|(_, reading)| reading);
    let intervals: i64 = readings()
        .filter(|reading| reading.seconds > 0)
        .map(|reading| reading.energy.0)
        .sum();
    let mut reads = readings().filter(|reading| reading.seconds == 0);
    let (first, last) = (reads.next(), reads.last());
    intervals
        + last.map_or(0, |last| {
            last.energy.0 - first.expect("before the last").energy.0
        })
}

/// Puts corrections behind all first reports, and shuffles each group.
fn in_some_order(
    mut told: Vec<Told>,
    corrections: Vec<(Index, i64)>,
    order: Vec<Index>,
) -> Vec<Told> {
    let count = told.len();
    for (place, other) in order.iter().enumerate() {
        told.swap(place % count, other.index(count));
    }
    let mut revisions: BTreeMap<i64, u32> = BTreeMap::new();
    for (pick, wh) in corrections {
        let mut corrected = told[pick.index(count)].clone();
        let revision = revisions.entry(corrected.start).or_default();
        *revision += 1;
        corrected.revision = *revision;
        corrected.wh = wh;
        told.push(corrected);
    }
    told
}

fn lengths() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(900),
        Just(3_600),
        Just(7_200),
        Just(1),
        Just(10_800),
        1_u32..9_000
    ]
}

fn intervals() -> impl Strategy<Value = Vec<Told>> {
    proptest::collection::vec(
        (
            lengths(),
            prop_oneof![Just(0_i64), 0_i64..8_000],
            -50_i64..5_000,
        ),
        1..14,
    )
    .prop_map(|pieces| {
        let mut start = ORIGIN;
        let mut told = Vec::new();
        for (seconds, gap, wh) in pieces {
            told.push(Told {
                start,
                seconds,
                wh,
                revision: 0,
            });
            start += i64::from(seconds) + gap;
        }
        told
    })
}

fn registers() -> impl Strategy<Value = Vec<Told>> {
    proptest::collection::vec((lengths(), 0_i64..5_000), 1..14).prop_map(|steps| {
        let (mut start, mut wh) = (ORIGIN, 1_000_000);
        let mut told = Vec::new();
        for (seconds, more) in steps {
            told.push(Told {
                start,
                seconds: 0,
                wh,
                revision: 0,
            });
            start += i64::from(seconds);
            wh += more;
        }
        told
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn interval_readings_in_any_order_with_corrections_lie_on_their_hours(
        told in intervals(),
        corrections in proptest::collection::vec((any::<Index>(), 0_i64..5_000), 0..4),
        order in proptest::collection::vec(any::<Index>(), 14),
    ) {
        the_book_agrees_after_each_reading(&in_some_order(told, corrections, order));
    }

    #[test]
    fn register_reads_in_any_order_with_corrections_lie_on_their_hours(
        told in registers(),
        corrections in proptest::collection::vec((any::<Index>(), 1_000_000_i64..1_050_000), 0..4),
        order in proptest::collection::vec(any::<Index>(), 14),
    ) {
        the_book_agrees_after_each_reading(&in_some_order(told, corrections, order));
    }
}

#[test]
fn reads_at_full_hours_give_the_same_energy_as_intervals_between_them() {
    let (mut reads, mut intervals) = (MeterBook::default(), MeterBook::default());
    let mut content = 5_000;
    for hour in 0..50 {
        let told = |seconds, wh| Told {
            start: hour * HOUR,
            seconds,
            wh,
            revision: 0,
        };
        tell(&mut reads, hour as usize, &told(0, content));
        tell(&mut intervals, hour as usize, &told(3_600, hour * 7));
        content += hour * 7;
    }
    for hour in 0..49 {
        let at = UnixSeconds(hour * HOUR);
        assert_eq!(
            reads.hour(at, Sight::ALL).energy,
            intervals.hour(at, Sight::ALL).energy
        );
        assert!(reads.hour(at, Sight::ALL).is_complete());
        assert_eq!(reads.hour(at, Sight::ALL).quality, Quality::FROM_REGISTER);
    }
    assert_eq!(
        reads.hour(UnixSeconds(49 * HOUR), Sight::ALL),
        MeterHour::default(),
        "a read alone is no energy"
    );
}

#[test]
fn the_longest_reading_lies_on_all_hours_of_its_year() {
    let mut book = MeterBook::default();
    tell(
        &mut book,
        0,
        &Told {
            start: 0,
            seconds: 366 * 86_400,
            wh: 1_000_003,
            revision: 0,
        },
    );
    let hours: Vec<MeterHour> = (0..366 * 24)
        .map(|hour| book.hour(UnixSeconds(hour * HOUR), Sight::ALL))
        .collect();
    assert!(
        hours
            .iter()
            .all(|hour| hour.is_complete() && hour.quality == Quality::SPREAD)
    );
    assert_eq!(
        hours.iter().map(|hour| hour.energy.0).sum::<i64>(),
        1_000_003
    );
}
