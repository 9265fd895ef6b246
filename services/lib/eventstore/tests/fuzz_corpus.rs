//! Fuzzing on the stable toolchain: replays the corpus of `tests/fuzz`, and what a seeded mutator makes of it.
//!
//! A few seconds for each target, a minute with `TERRARIUM_TEST_LONG=1`: the long search is that of cargo-fuzz.
//! `TERRARIUM_TEST_SEED` makes a run's mutations again.
//! An input that fails is written into the corpus's folder, so that it stays.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use terrarium_eventstore::fuzzing;

const LARGEST_INPUT_BYTES: usize = 64 * 1024;

fn corpus(target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    root.join("tests/fuzz/corpus").join(target)
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// What fuzzers do to bytes: flip, set, cut, repeat, splice, and put numbers where lengths may be.
fn mutate(input: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    const INTERESTING: [u32; 8] = [0, 1, 7, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF];
    for _ in 0..=chance.below(4) {
        let place = chance.below(input.len());
        match chance.below(7) {
            0 if !input.is_empty() => input[place] ^= 1 << chance.below(8),
            1 if !input.is_empty() => input[place] = chance.next() as u8,
            2 => input.truncate(place),
            3 => {
                let end = (place + 1 + chance.below(64)).min(input.len());
                let repeated = input[place.min(end)..end].to_vec();
                input.splice(place..place, repeated);
            }
            4 => {
                let begin = chance.below(other.len());
                let end = (begin + 1 + chance.below(512)).min(other.len());
                input.splice(place..place, other[begin.min(end)..end].iter().copied());
            }
            5 if input.len() >= 4 => {
                let place = place.min(input.len() - 4);
                let number = INTERESTING[chance.below(INTERESTING.len())];
                input[place..place + 4].copy_from_slice(&number.to_le_bytes());
            }
            _ => {
                let end = (place + chance.below(32)).min(input.len());
                input.drain(place.min(end)..end);
            }
        }
    }
    input.truncate(LARGEST_INPUT_BYTES);
}

fn try_out(target: &str, run: fn(&[u8])) {
    let folder = corpus(target);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the repository has a corpus")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    let inputs: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs::read(file).expect("readable"))
        .collect();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    for (file, input) in files.iter().zip(&inputs) {
        println!("{target}: {}", file.display());
        run(input);
    }
    let seed = std::env::var("TERRARIUM_TEST_SEED").map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            u64::from(now.expect("after 1970").subsec_nanos())
        },
        |text| text.parse().expect("TERRARIUM_TEST_SEED is a whole number"),
    );
    let is_long = std::env::var("TERRARIUM_TEST_LONG").is_ok_and(|value| value == "1");
    let time = Duration::from_secs(if is_long { 60 } else { 5 });
    println!("{target}: seed {seed} (TERRARIUM_TEST_SEED={seed} repeats it)");
    let mut chance = Chance(seed);
    let started = Instant::now();
    let mut tried = 0_u64;
    while started.elapsed() < time {
        let mut input = inputs[chance.below(inputs.len())].clone();
        let other = &inputs[chance.below(inputs.len())];
        mutate(&mut input, other, &mut chance);
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&input)));
        if let Err(panic) = outcome {
            let found = folder.join(format!("found-{seed}-{tried}"));
            fs::write(&found, &input).expect("the corpus is writable");
            println!("{target}: {} brings it down", found.display());
            std::panic::resume_unwind(panic);
        }
        tried += 1;
    }
    println!(
        "{target}: {tried} inputs in {} s, nothing found",
        time.as_secs()
    );
}

#[test]
fn no_bytes_bring_down_the_reading_and_recovery_of_a_log() {
    try_out("log", fuzzing::log);
}

#[test]
fn no_bytes_bring_down_what_reads_them_as_commits() {
    try_out("commits", fuzzing::commits);
}

#[test]
fn no_bytes_bring_down_the_front_that_gets_them_as_requests() {
    try_out("requests", fuzzing::requests);
}
