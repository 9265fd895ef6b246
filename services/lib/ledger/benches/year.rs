//! A year of a park with 2,000 hourly meters, 17.5 million single readings: how long the ledger takes to build it, what it weighs,
//! how long questions take, a restatement of all of it under a new release of factors, and how long it takes to have the same
//! ledger again from its day blocks.
//!
//! `cargo bench -p terrarium-ledger --bench year [-- METERS DAYS]`. What is asked for: built in 30 s or less (5 s from day blocks),
//! any balance under 50 ms, a full restatement in 10 s or less, under 1 GB. Readings come hour by hour, as they do live, as facts: reading the
//! record and decoding its events are not part of the figures.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use terrarium_ledger::{
    AsOf, DayBlocks, Fact, FactorDetail, FactorKind, FactorSet, Grouping, How, Origin, ParkLedger,
    Period, balance,
};
use terrarium_model::{
    EnergyWh, FactorSetId, FactorUnit, Interval, MeterId, ParkDefinition, SECONDS_PER_HOUR,
    UnixSeconds,
};
use uuid::Uuid;

/// 2025-01-01T00:00:00+08:00.
const NEW_YEAR: i64 = 1_735_660_800;
/// Each question is asked so often.
const QUESTIONS: usize = 9;

fn main() {
    let numbers: Vec<i64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let meters = numbers.first().copied().unwrap_or(2_000);
    let days = numbers.get(1).copied().unwrap_or(365);
    let definition = park(meters / 2);
    let ids: Vec<MeterId> = definition.meters.keys().cloned().collect();
    let readings = ids.len() as i64 * days * 24;
    println!(
        "{} meters at {} nodes, {days} days by the hour: {readings} readings",
        ids.len(),
        definition.nodes.len()
    );
    let before_kib = resident_kib();

    let mut ledger = ParkLedger::default();
    let mut touched = Vec::new();
    let mut position = 0;
    let mut tell = |ledger: &mut ParkLedger, fact: &Fact| {
        let event = Uuid::from_u128(mixed(position));
        ledger.apply(fact, Origin { position, event }, &mut touched);
        touched.clear();
        position += 1;
        position - 1
    };
    let defined = Fact::ParkDefined {
        definition: Arc::clone(&definition),
        sha256: [0; 32],
    };
    tell(&mut ledger, &defined);
    tell(&mut ledger, &release("2021", "2024-04-12", 7_120, days));
    let processor_before = processor_seconds();
    let started = Instant::now();
    for hour in 0..days * 24 {
        for (number, meter) in ids.iter().enumerate() {
            let wh = mixed((hour * 4_099 + number as i64) as u64) as i64 & 0x3fff;
            let fact = Fact::ReadingCounted {
                meter: meter.clone(),
                interval: Interval {
                    start: UnixSeconds(NEW_YEAR + hour * SECONDS_PER_HOUR),
                    seconds: SECONDS_PER_HOUR as u32,
                },
                energy: EnergyWh(wh),
                revision: 0,
                how: How::Reported,
            };
            tell(&mut ledger, &fact);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let processor = processor_seconds() - processor_before;
    println!(
        "built in {seconds:.1} s, {processor:.1} s of one processor, {:.2} million readings a processor second, {} MiB resident{}",
        readings as f64 / processor / 1e6,
        (resident_kib() - before_kib) / 1024,
        load()
    );

    let year = Period {
        from: UnixSeconds(NEW_YEAR),
        to: UnixSeconds(NEW_YEAR + days * 86_400),
    };
    let (_, first) = balance(&ledger.present(), year, Grouping::Total, None);
    assert_eq!(first.hours_missing, 0);
    questions(&ledger, &definition, year, AsOf::default(), "as known now");

    let last_before = AsOf {
        at: None,
        known_at: Some(readings as u64 + 1),
    };
    let processor_before = processor_seconds();
    let started = Instant::now();
    tell(&mut ledger, &release("2022", "2024-12-31", 6_776, days));
    println!(
        "restated under a new release in {:.2} s, {:.2} s of one processor{}",
        started.elapsed().as_secs_f64(),
        processor_seconds() - processor_before,
        load()
    );
    let (_, restated) = balance(&ledger.present(), year, Grouping::Total, None);
    println!(
        "  scope 2, location-based: {:.1} t before, {:.1} t after",
        first.scope2_location_mg as f64 / 1e9,
        restated.scope2_location_mg as f64 / 1e9
    );
    questions(
        &ledger,
        &definition,
        year,
        last_before,
        "as known before the release",
    );
    let (_, then) = balance(&ledger.view(last_before), year, Grouping::Total, None);
    assert_eq!(then, first, "what was reported then");

    let mut hashes = ([0; 32], [0; 32]);
    for what in ["the first time", "again, unchanged"] {
        let started = Instant::now();
        hashes = ledger.hashes();
        println!(
            "hashed {what} in {:.2} s: {}",
            started.elapsed().as_secs_f64(),
            hex::encode(&hashes.0[..8])
        );
    }
    println!(
        "{} MiB resident at the end",
        (resident_kib() - before_kib) / 1024
    );
    let rare = [
        (0, defined),
        (1, release("2021", "2024-04-12", 7_120, days)),
        (
            readings as u64 + 2,
            release("2022", "2024-12-31", 6_776, days),
        ),
    ];
    from_day_blocks(ledger, &rare, hashes);
}

/// Keeps the day blocks in a file and has the same ledger again from them and the few other facts.
fn from_day_blocks(ledger: ParkLedger, rare: &[(u64, Fact)], hashes: ([u8; 32], [u8; 32])) {
    let path = std::env::temp_dir().join(format!("terrarium-bench-year-{}", std::process::id()));
    let started = Instant::now();
    let bytes = ledger.day_blocks();
    std::fs::write(&path, &bytes).expect("the temporary folder takes it");
    println!(
        "day blocks: {} MiB, written in {:.2} s{}",
        bytes.len() >> 20,
        started.elapsed().as_secs_f64(),
        load()
    );
    drop(bytes);
    drop(ledger);
    let processor_before = processor_seconds();
    let started = Instant::now();
    let bytes = std::fs::read(&path).expect("just written");
    let blocks = DayBlocks::read(&bytes).expect("just written");
    let mut again = ParkLedger::default();
    for (position, fact) in rare {
        let event = Uuid::from_u128(mixed(*position));
        let origin = Origin {
            position: *position,
            event,
        };
        again.apply(fact, origin, &mut Vec::new());
    }
    again.take_day_blocks(blocks);
    println!(
        "built from day blocks in {:.2} s, {:.2} s of one processor{}",
        started.elapsed().as_secs_f64(),
        processor_seconds() - processor_before,
        load()
    );
    std::fs::remove_file(&path).expect("just written");
    assert_eq!(again.hashes(), hashes, "the same ledger");
}

fn questions(
    ledger: &ParkLedger,
    definition: &ParkDefinition,
    year: Period,
    as_of: AsOf,
    when: &str,
) {
    let node = definition.nodes.keys().nth(7);
    for (name, grouping, only) in [
        ("total", Grouping::Total, None),
        ("by asset", Grouping::Asset, None),
        ("by month", Grouping::Month, None),
        ("by day", Grouping::Day, None),
        ("by hour", Grouping::Hour, None),
        ("one asset by hour", Grouping::Hour, node),
    ] {
        // The best of some: other programs run on these processors too.
        let mut best_s = f64::INFINITY;
        let mut lines = 0;
        for _ in 0..QUESTIONS {
            let started = Instant::now();
            lines = balance(&ledger.view(as_of), year, grouping, only).0.len();
            best_s = best_s.min(started.elapsed().as_secs_f64());
        }
        println!(
            "  balance {name}, {when}: {:.1} ms, {lines} lines",
            best_s * 1e3
        );
    }
}

fn park(nodes: i64) -> Arc<ParkDefinition> {
    let mut text = String::from(
        "[park]\nid = \"year\"\nname = { en = \"Year\", zh = \"年\" }\ntime_zone = \"Asia/Shanghai\"\nclock = \"wall\"\n\
         grid_region = \"north-china\"\n\n[[zones]]\nid = \"z\"\nname = { en = \"Zone\", zh = \"区\" }\n",
    );
    for node in 0..nodes {
        write!(
            text,
            "\n[[assets]]\nid = \"house-{node:04}\"\nkind = \"building\"\nzone = \"z\"\nname = {{ en = \"House {node}\", zh = \"{node}号\" }}\n\
             \n[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"house-{node:04}\"\n"
        )
        .expect("a text takes it");
        for (meter, measures) in [("load", "consumption"), ("pv", "generation")] {
            write!(
                text,
                "\n[[meters]]\nid = \"house-{node:04}.{meter}\"\nasset = \"house-{node:04}\"\nmeasures = \"{measures}\"\n\
                 reports = \"interval\"\nrated_kw = 20.0\n"
            )
            .expect("a text takes it");
        }
    }
    Arc::new(
        ParkDefinition::parse(&text, "the benchmark's park")
            .unwrap_or_else(|error| panic!("{error}")),
    )
}

fn release(version: &str, published_on: &str, ten_thousandths: i64, days: i64) -> Fact {
    Fact::FactorSetPublished(Arc::new(FactorSet {
        set: FactorSetId::new("cn-north-average").expect("valid"),
        version: version.to_owned(),
        publisher: "benchmark".to_owned(),
        region: "north-china".to_owned(),
        kind: FactorKind::GridAverage,
        unit: FactorUnit::KG_CO2_PER_KWH,
        valid_from: UnixSeconds(NEW_YEAR),
        valid_to: UnixSeconds(NEW_YEAR + days * 86_400),
        published_on: published_on.to_owned(),
        source: "benchmark".to_owned(),
        scale: 4,
        step_seconds: None,
        values: vec![ten_thousandths],
        detail: FactorDetail::default(),
    }))
}

/// splitmix64 (Steele, Lea, Flood 2014), twice.
fn mixed(number: u64) -> u128 {
    let mix = |number: u64| {
        let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    u128::from(mix(number)) << 64 | u128::from(mix(!number))
}

fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

/// User and system time of this process; ticks are hundredths of a second on Linux.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text
        .rsplit_once(") ")
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    // Fields 14 and 15 of proc(5), counted from after the name.
    let ticks = |place: usize| -> f64 {
        fields
            .get(place)
            .and_then(|field| field.parse().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .map_or_else(String::new, |load| format!(", load average {load}"))
}
