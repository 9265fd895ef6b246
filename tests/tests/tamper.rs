//! `terrarium verify` names the event after any one byte of the stored log was changed, also when the checksum was repaired.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;
use terrarium_eventlog::{
    FRAME_HEADER_BYTES, HEADER_BYTES, LogFiles, MAX_BODY_BYTES, frame_bytes, frame_checksum,
    segment_file_name,
};
use terrarium_eventstore::Scan;
use terrarium_tests::{Park, Seed, command, readings, run};

const PARK: &str = "zne-homes";
const HOURS: u32 = 60;
const CHANGES: usize = 1_000;
/// A park like a real one has commits of several sizes.
const IMPORTS: usize = 6;

/// Where a frame lies, and the events in it.
#[derive(Debug)]
struct FramePlace {
    start: usize,
    body_bytes: usize,
    /// Byte offsets of the events' records, which are their positions.
    events: Vec<usize>,
}

impl FramePlace {
    fn body_start(&self) -> usize {
        self.start + FRAME_HEADER_BYTES
    }

    /// When the store took the commit, which is its own note and in no digest of an event: the time that counts stands in
    /// the event's metadata. Behind the kind and the flags, eight bytes.
    fn store_time(&self) -> std::ops::Range<usize> {
        self.body_start() + 2..self.body_start() + 10
    }

    fn end(&self) -> usize {
        self.start + frame_bytes(self.body_bytes) as usize
    }

    /// The event whose record holds this byte; none in the frame's and the commit's own headers and in padding.
    fn event_at(&self, byte: usize) -> Option<usize> {
        if byte >= self.body_start() + self.body_bytes {
            return None;
        }
        self.events
            .iter()
            .rev()
            .find(|event| **event <= byte)
            .copied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// One byte, as a bad disk changes it.
    Plain,
    /// One byte, and the checksum made good again, as a forger would.
    ChecksumRepaired,
}

/// A data folder of a stopped server with some thousand bytes of every kind in its log.
fn recorded_park() -> Park {
    let mut park = Park::of_ten_homes();
    park.start();
    let all = readings::made_for_ten_homes(&mut Seed::of(4), HOURS);
    for (number, part) in all.chunks(all.len() / IMPORTS).enumerate() {
        let file = park.scratch(&format!("part-{number}.csv"));
        readings::write_csv(&file, part);
        park.import_readings(&file, &["--park", PARK], 0);
    }
    park.stop();
    park
}

fn frames_of(log: &[u8], data: &Path) -> Vec<FramePlace> {
    let mut frames = Vec::new();
    let mut start = HEADER_BYTES as usize;
    while start < log.len() {
        let length = log[start..start + 4].try_into().expect("four bytes");
        let body_bytes = u32::from_le_bytes(length) as usize;
        let frame = FramePlace {
            start,
            body_bytes,
            events: Vec::new(),
        };
        start = frame.end();
        frames.push(frame);
    }
    for event in Scan::open(data).expect("an undamaged log opens") {
        let position = event.expect("an undamaged log can be read").position.0 as usize;
        let frame = frames.partition_point(|frame| frame.start <= position) - 1;
        frames[frame].events.push(position);
    }
    frames
}

fn repair_checksum(log: &mut [u8], frame: &FramePlace) {
    // The length itself may be what was changed.
    let length = u32::from_le_bytes(
        log[frame.start..frame.start + 4]
            .try_into()
            .expect("four bytes"),
    ) as usize;
    let is_possible =
        (1..=MAX_BODY_BYTES).contains(&length) && frame.body_start() + length <= log.len();
    let body_bytes = if is_possible {
        length
    } else {
        frame.body_bytes
    };
    let body = &log[frame.body_start()..frame.body_start() + body_bytes];
    let batch = log[frame.start + 8..frame.start + 16]
        .try_into()
        .expect("eight bytes");
    let checksum = frame_checksum(frame.start as u64, u64::from_le_bytes(batch), body);
    log[frame.start + 4..frame.start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// A data folder that holds nothing but a log.
struct Forgery {
    data: PathBuf,
}

impl Forgery {
    fn in_folder(data: PathBuf) -> Forgery {
        std::fs::create_dir_all(data.join("log")).expect("the scratch folder is writable");
        Forgery { data }
    }

    /// First problem that `terrarium verify` names, or why it named none.
    fn problem_of(&self, log: &[u8]) -> Result<Json, String> {
        std::fs::write(self.data.join("log").join(segment_file_name(0)), log)
            .expect("the scratch folder is writable");
        let outcome = run(command()
            .args(["verify", "--format", "json", "--data"])
            .arg(&self.data));
        if outcome.code != 1 {
            return Err(format!(
                "exit code {}: {}{}",
                outcome.code, outcome.stdout, outcome.stderr
            ));
        }
        let problem =
            serde_json::from_str::<Json>(&outcome.stdout).map(|found| found["problems"][0].clone());
        match problem {
            Ok(problem) if problem.is_object() => Ok(problem),
            _ => Err(format!(
                "no problem is named: {}{}",
                outcome.stdout, outcome.stderr
            )),
        }
    }
}

/// Why this problem does not name the place that was changed.
fn misnamed(problem: &Json, frame: &FramePlace, byte: usize) -> Option<String> {
    let position = problem["position"]
        .as_u64()
        .map(|position| position as usize);
    let wanted = match frame.event_at(byte) {
        Some(event) => event..event + 1,
        // No event's own bytes: the commit's start, or any event in it.
        None => frame.start..frame.end() + 1,
    };
    let is_named = position.is_some_and(|position| wanted.contains(&position));
    (!is_named).then(|| {
        format!("byte {byte} was changed, position {wanted:?} is to be named, and {problem} is")
    })
}

#[test]
fn verify_names_the_event_after_any_one_byte_of_the_log_was_changed() {
    let park = recorded_park();
    let log = park.data().join("log");
    let mut clean = std::fs::read(log.join(segment_file_name(0))).expect("the log is there");
    // A server that is killed leaves space that it prepared.
    let files = LogFiles::open(&log).expect("an undamaged log");
    let end = files.frames(1 << 20).end();
    clean.truncate(end as usize);
    let frames = frames_of(&clean, park.data());
    let events: usize = frames.iter().map(|frame| frame.events.len()).sum();
    println!(
        "{} bytes, {} commits, {events} events",
        clean.len(),
        frames.len()
    );
    Forgery::in_folder(park.scratch("clean"))
        .problem_of(&clean)
        .expect_err("an undamaged log has no problem");

    let mut seed = Seed::from_environment("tamper");
    let mut changes: Vec<(usize, u8, Change)> = Vec::new();
    for _ in 0..CHANGES {
        let byte = seed.below(clean.len() as u64) as usize;
        let flip = seed.between(1, 256) as u8;
        changes.push((byte, flip, Change::Plain));
        if !frames
            .iter()
            .any(|frame| frame.store_time().contains(&byte))
        {
            changes.push((byte, flip, Change::ChecksumRepaired));
        }
    }
    let next = AtomicUsize::new(0);
    let misses = Mutex::new(Vec::new());
    let tried = Mutex::new(BTreeMap::<Change, u64>::new());
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        for worker in 0..workers {
            let forgery = Forgery::in_folder(park.scratch(&format!("forged-{worker}")));
            let (next, misses, tried, clean, frames, changes) =
                (&next, &misses, &tried, &clean, &frames, &changes);
            scope.spawn(move || {
                while let Some(change) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(miss) = try_change(&forgery, clean, frames, *change) {
                        misses
                            .lock()
                            .expect("no worker panics")
                            .push(format!("{change:?}: {miss}"));
                    }
                    *tried
                        .lock()
                        .expect("no worker panics")
                        .entry(change.2)
                        .or_default() += 1;
                }
            });
        }
    });
    println!(
        "changed bytes tried: {:?}",
        tried.into_inner().expect("no worker panics")
    );
    let misses = misses.into_inner().expect("no worker panics");
    assert!(
        misses.is_empty(),
        "{} changes are not named, such as\n{}",
        misses.len(),
        misses[..misses.len().min(10)].join("\n")
    );
}

/// Changes one byte; answers what is wrong with what `terrarium verify` says about it.
fn try_change(
    forgery: &Forgery,
    clean: &[u8],
    frames: &[FramePlace],
    (byte, flip, change): (usize, u8, Change),
) -> Option<String> {
    let mut log = clean.to_vec();
    log[byte] ^= flip;
    let Some(place) = frames
        .partition_point(|frame| frame.start <= byte)
        .checked_sub(1)
    else {
        // The file's own header belongs to no event; naming its place in words is enough.
        let said = forgery.problem_of(&log);
        return said
            .err()
            .filter(|why| why.starts_with("exit code") || !why.contains("byte 0"));
    };
    let frame = &frames[place];
    if change == Change::ChecksumRepaired {
        repair_checksum(&mut log, frame);
        if log == clean {
            // The changed byte was in the checksum itself.
            return None;
        }
    }
    match forgery.problem_of(&log) {
        Ok(problem) => misnamed(&problem, frame, byte),
        Err(why) => Some(why),
    }
}
