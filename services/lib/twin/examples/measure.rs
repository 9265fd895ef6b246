//! Prints what a year of a park costs in memory and time: `cargo run --release -p terrarium-twin --example measure`.

use std::time::Instant;

use terrarium_model::AssetId;
use terrarium_twin::event_index::{Buckets, DomainCounts};
use terrarium_twin::{Cursor, PointName, Quality, Quantity, Sample, Twin, thin};

const QUARTER_MS: i64 = 900_000;
const QUARTERS_PER_YEAR: i64 = 35_040;
/// Of an event of a meter in the log, with those of the other points before it.
const EVENT_BYTES: u64 = 575;

fn name(number: usize) -> PointName {
    PointName {
        asset: AssetId::new(&format!("asset-{number}")).expect("a valid id"),
        quantity: Quantity::ConsumptionW,
        source: format!("asset-{number}.load").into(),
    }
}

fn year_of(points: usize, quarters: i64) -> Twin {
    let names: Vec<PointName> = (0..points).map(name).collect();
    let mut twin = Twin::default();
    let mut position = 0;
    for quarter in 1..=quarters {
        for (number, name) in names.iter().enumerate() {
            position += EVENT_BYTES;
            // Any course that no packing can guess.
            let value = (quarter * 7_919 + number as i64 * 104_729) % 40_000;
            let sample = Sample {
                time_ms: quarter * QUARTER_MS,
                span_ms: QUARTER_MS,
                value,
                quality: Quality::Good,
                position,
            };
            twin.observe(name, sample);
            twin.happened(sample.time_ms, position, "energy", Some(&name.asset));
        }
    }
    twin
}

fn best_of<R>(rounds: u32, mut work: impl FnMut(u32) -> R) -> f64 {
    let times = (0..rounds).map(|round| {
        let started = Instant::now();
        std::hint::black_box(work(round));
        started.elapsed().as_secs_f64() * 1e3
    });
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    for (points, quarters) in [(80, QUARTERS_PER_YEAR), (2_000, QUARTERS_PER_YEAR / 25)] {
        let started = Instant::now();
        let twin = year_of(points, quarters);
        let samples = points as i64 * quarters;
        let made_s = started.elapsed().as_secs_f64();
        println!(
            "{points} points, {samples} samples and events: made in {made_s:.2} s ({:.0} ns each), {:.1} MB ({:.1} B each)",
            made_s * 1e9 / samples as f64,
            twin.heap_bytes() as f64 / 1e6,
            twin.heap_bytes() as f64 / samples as f64
        );
        let end_ms = quarters * QUARTER_MS;
        let moment_ms = |round: u32| i64::from(round) * 7_919_000_003 % end_ms;
        let now = best_of(101, |_| twin.changed_after(None).count());
        let past = best_of(101, |round| Cursor::default().seek(&twin, moment_ms(round)));
        let mut cursor = Cursor::default();
        let jump = best_of(101, |round| cursor.seek(&twin, moment_ms(round)));
        let last_position = points as u64 * quarters as u64 * EVENT_BYTES;
        let recorded = best_of(101, |round| {
            twin.at_position(last_position * u64::from(round) / 101)
                .count()
        });
        println!(
            "  state now {now:.3} ms, at a moment {past:.3} ms, jump {jump:.3} ms, at a position {recorded:.3} ms"
        );
        let mut minute = 0;
        cursor.seek(&twin, 0);
        let step = best_of(1_441, |_| {
            minute += 1;
            cursor.seek(&twin, minute * 60_000)
        });
        println!("  replay, a minute per step: {step:.4} ms per step (median of a day)");
        let course = best_of(11, |round| {
            let history = &twin.points()[round as usize].history;
            thin(history.course(0, end_ms), 0, end_ms, 2_000)
        });
        let buckets = Buckets {
            from_ms: 0,
            to_ms: end_ms,
            count: 1_000,
        };
        let density = best_of(11, |_| {
            twin.events().count(
                buckets,
                (0, 0),
                usize::MAX,
                u64::MAX,
                &mut DomainCounts::new(),
            )
        });
        println!(
            "  course of a point over all, thinned to 2,000: {course:.2} ms; density of all events: {density:.1} ms"
        );
    }
}
