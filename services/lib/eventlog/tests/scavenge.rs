//! Removing frames from sealed segments: of groups that were written together, again and again, in any pattern.

use std::collections::BTreeSet;
use std::path::Path;

use tempfile::TempDir;
use terrarium_eventlog::{
    FaultyDisk, HEADER_BYTES, LogFiles, LogSettings, OpenedLog, SealFault, check_segment, is_gap,
    open_log, scavenge_segment,
};

const SETTINGS: LogSettings = LogSettings {
    segment_bytes: 20_000,
    low_disk_bytes: 0,
};

/// Random numbers from a seed: SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn open(folder: &Path) -> OpenedLog {
    let disk = FaultyDisk::without_syncs();
    open_log(folder, &disk, SETTINGS, &mut |_| Ok(())).expect("the log opens")
}

/// Frames with their positions and bodies, gaps left out.
fn frames(folder: &Path) -> Vec<(u64, Vec<u8>)> {
    let log = open(folder);
    log.reader
        .frames(HEADER_BYTES, u64::MAX, 1)
        .map(|frame| frame.expect("a good frame"))
        .filter(|frame| !is_gap(&frame.body))
        .map(|frame| (frame.position, frame.body.to_vec()))
        .collect()
}

/// Groups of several frames in two segments and a part of a third.
fn log_of(folder: &Path, random: &mut Random) {
    let mut log = open(folder);
    let mut number = 0u32;
    while log.reader.sealed().len() < 2 {
        for _ in 0..1 + random.below(6) {
            number += 1;
            // As long as the shortest commit, at least.
            let length = 48 + random.below(300) as usize;
            let body = number.to_le_bytes().into_iter().cycle().take(length);
            log.writer.stage(|buffer| buffer.extend(body));
        }
        log.writer.flush().expect("written");
        if log.writer.is_full() {
            log.writer
                .seal(b"the index of a layer above")
                .expect("sealed");
        }
    }
    log.writer
        .stage(|buffer| buffer.extend_from_slice(&[9; 80]));
    log.writer.flush().expect("written");
}

#[test]
fn what_is_left_stays_where_it_was_whatever_is_removed() {
    for seed in 0..25 {
        let mut random = Random(seed);
        let folder = TempDir::new().expect("a temporary folder");
        log_of(folder.path(), &mut random);
        let mut left = frames(folder.path());
        let seals = |folder: &Path| -> Vec<_> {
            let files = LogFiles::open(folder).expect("a log");
            let sealed = files.sealed().iter();
            sealed.map(|sealed| sealed.footer().seal()).collect()
        };
        let sealed_before = seals(folder.path());
        let all = left.len() as u64;
        for _ in 0..4 {
            let share = 1 + random.below(9);
            let end = LogFiles::open(folder.path()).expect("a log").sealed()[1].end();
            let removed: BTreeSet<u64> = left
                .iter()
                .map(|(position, _)| *position)
                .filter(|position| *position < end && random.below(10) < share)
                .collect();
            for sealed in LogFiles::open(folder.path()).expect("a log").sealed() {
                let disk = FaultyDisk::without_syncs();
                let mut is_removable = |frame: &terrarium_eventlog::Frame| {
                    assert!(!is_gap(&frame.body), "nobody is asked about gaps");
                    Ok(removed.contains(&frame.position))
                };
                let range = sealed.first_frame()..sealed.end();
                let here = removed.range(range).count() as u64;
                let done = scavenge_segment(folder.path(), &disk, sealed, &mut is_removable);
                let frames = done.expect("scavenged").map_or(0, |done| done.frames);
                assert_eq!(frames, here, "seed {seed}");
            }
            left.retain(|(position, _)| !removed.contains(position));
            assert_eq!(frames(folder.path()), left, "seed {seed}");
            assert_eq!(seals(folder.path()), sealed_before, "seed {seed}");
            let files = LogFiles::open(folder.path()).expect("a log");
            for sealed in files.sealed() {
                check_segment(sealed).expect("a good segment");
                for position in &removed {
                    let gap = sealed.gap_around(*position).expect("readable");
                    let is_here = (sealed.base()..sealed.end()).contains(position);
                    assert_eq!(gap.is_some(), is_here, "seed {seed}");
                }
            }
            let log = open(folder.path());
            for (position, body) in &left {
                let frame = log.reader.frame_at(*position).expect("there");
                assert_eq!(frame.body, body[..], "seed {seed}");
                assert!(!log.reader.is_removed(*position).expect("readable"));
            }
        }
        let files = LogFiles::open(folder.path()).expect("a log");
        let removed = files.sealed().iter().filter_map(|sealed| {
            let scavenged = sealed.footer().scavenged.as_ref();
            scavenged.map(|scavenged| scavenged.removed_frames)
        });
        assert_eq!(removed.sum::<u64>(), all - left.len() as u64, "seed {seed}");
    }
}

/// Somebody who removes more than the footer says, or puts another record in, can make every checksum right but not the seal.
#[test]
fn a_record_that_was_exchanged_before_scavenging_is_not_hidden_by_it() {
    let mut random = Random(7);
    let folder = TempDir::new().expect("a temporary folder");
    log_of(folder.path(), &mut random);
    let files = LogFiles::open(folder.path()).expect("a log");
    let sealed = &files.sealed()[0];
    let path = sealed.path();
    let mut bytes = std::fs::read(&path).expect("read");
    let first = frames(folder.path())[0].clone();
    let body_at = first.0 as usize + 16;
    bytes[body_at] ^= 1;
    let body = &bytes[body_at..body_at + first.1.len()];
    let checksum = terrarium_eventlog::frame_checksum(first.0, first.0, body);
    bytes[body_at - 12..body_at - 8].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&path, &bytes).expect("write");
    let disk = FaultyDisk::without_syncs();
    let mut asked = 0;
    let done = scavenge_segment(folder.path(), &disk, sealed, &mut |_| {
        asked += 1;
        Ok(asked == 1)
    });
    let error = done.expect_err("the record is not the one that was sealed");
    assert!(error.to_string().contains("changed"), "{error}");
    assert_eq!(std::fs::read(&path).expect("read"), bytes, "left as it was");
    assert!(matches!(
        check_segment(sealed),
        Err(SealFault::Records { .. })
    ));
}
