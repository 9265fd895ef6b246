//! Segments: sealing, what a crash at any step of it leaves, damage of sealed parts, and copying.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use terrarium_eventlog::{
    AppendError, BackupError, Disk, FOOTER_BYTES, FaultyDisk, HEADER_BYTES, LogFiles, LogSettings,
    LogWriter, OpenError, OpenedLog, RealDisk, SealFault, back_up, check_segment, frame_bytes,
    frame_checksum, list_segments, open_log, restore, segment_file_name,
};

const SMALL: LogSettings = LogSettings {
    segment_bytes: 400,
    low_disk_bytes: 0,
};

fn open_on(disk: &dyn Disk, folder: &Path) -> Result<OpenedLog, OpenError> {
    open_log(folder, disk, SMALL, &mut |_| Ok(()))
}

fn open(folder: &Path) -> OpenedLog {
    open_on(&RealDisk, folder).expect("the log opens")
}

fn body(number: u32) -> Vec<u8> {
    let length = 10 + number as usize * 7 % 60;
    number
        .to_le_bytes()
        .into_iter()
        .cycle()
        .take(length)
        .collect()
}

fn index_of(base: u64) -> Vec<u8> {
    format!("index of {base} ").repeat(600).into_bytes()
}

fn append(writer: &mut LogWriter, number: u32) -> Result<(), AppendError> {
    writer.stage(|buffer| buffer.extend_from_slice(&body(number)));
    writer.flush()?;
    if writer.is_full() {
        let index = index_of(writer.active_base());
        writer.seal(&index)?;
    }
    Ok(())
}

fn all_bodies(log: &OpenedLog) -> Vec<Vec<u8>> {
    log.reader
        .frames(HEADER_BYTES, u64::MAX, 1)
        .map(|frame| frame.expect("a good frame").body.to_vec())
        .collect()
}

fn bodies(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(body).collect()
}

fn log_of(count: u32) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let mut log = open(folder.path());
    for number in 0..count {
        append(&mut log.writer, number).expect("the disk is fine");
    }
    folder
}

#[test]
fn segments_follow_each_other_and_are_read_as_one_log() {
    let folder = log_of(60);
    let log = open(folder.path());
    assert!(log.recovery.sealed_segments >= 4);
    assert_eq!(log.recovery.frames, 60);
    assert_eq!(all_bodies(&log), bodies(60));
    let sealed = log.reader.sealed();
    assert_eq!(
        list_segments(folder.path()).expect("a folder").len(),
        sealed.len() + 1
    );
    for (segment, next) in sealed.iter().zip(&sealed[1..]) {
        assert_eq!(segment.end(), next.base());
        assert_eq!(next.footer().previous_seal, segment.footer().seal());
    }
    for segment in &sealed {
        check_segment(segment).expect("a good segment");
        let index = index_of(segment.base());
        assert_eq!(
            segment.read_index(0..index.len() as u64).expect("good"),
            index
        );
        assert_eq!(
            segment.read_index(4090..4100).expect("good"),
            index[4090..4100]
        );
        assert!(segment.read_index(0..index.len() as u64 + 1).is_err());
    }
    let mut fetcher = log.reader.fetcher();
    let frames: Vec<_> = log
        .reader
        .frames(HEADER_BYTES, u64::MAX, 1 << 20)
        .map(|frame| frame.expect("a good frame"))
        .collect();
    for frame in frames.iter().chain(frames.iter().rev()) {
        assert_eq!(fetcher.frame(frame.position).expect("a frame"), *frame);
        for position in [
            frame.position,
            frame.body_position(),
            frame.next_position() - 1,
        ] {
            let base = sealed
                .iter()
                .rev()
                .map(|segment| segment.end())
                .find(|end| *end <= position)
                .unwrap_or(0);
            let around = log.reader.frame_around(base, position).expect("readable");
            assert_eq!(around, Some((frame.position, frame.next_position())));
        }
    }
    for (start, frame) in frames.iter().enumerate() {
        let after = log.reader.frames(frame.position, u64::MAX, 1).count();
        assert_eq!(after, frames.len() - start);
    }
}

#[test]
fn frames_written_before_an_opening_are_in_the_tree_of_the_segment_too() {
    let folder = TempDir::new().expect("a temporary folder");
    for number in 0..50 {
        let mut log = open(folder.path());
        append(&mut log.writer, number).expect("the disk is fine");
    }
    let log = open(folder.path());
    assert_eq!(all_bodies(&log), bodies(50));
    assert!(log.reader.sealed().len() >= 3);
    for segment in log.reader.sealed() {
        check_segment(&segment).expect("a good segment");
    }
}

/// Appends until the power goes; answers how many frames were acknowledged.
fn append_until_crash(disk: &FaultyDisk, folder: &Path, from: u32, until: u32) -> u32 {
    let Ok(mut log) = open_on(disk, folder) else {
        return from;
    };
    for number in from..until {
        match append(&mut log.writer, number) {
            Ok(()) => {}
            // The frame itself may be acknowledged although sealing failed.
            Err(_) => {
                let durable = log.reader.durable_bytes();
                let acknowledged = log.reader.frames(HEADER_BYTES, durable, 1).count();
                return acknowledged as u32;
            }
        }
    }
    until
}

#[test]
fn a_power_cut_at_any_change_loses_nothing_that_was_acknowledged_and_invents_nothing() {
    const FRAMES: u32 = 40;
    let whole = {
        let folder = TempDir::new().expect("a temporary folder");
        let disk = FaultyDisk::new();
        append_until_crash(&disk, folder.path(), 0, FRAMES);
        disk.operations()
    };
    assert!(whole > 100, "{whole}");
    for crash_after in 1..=whole {
        let folder = TempDir::new().expect("a temporary folder");
        let disk = FaultyDisk::new();
        disk.crash_after(crash_after, crash_after * 31);
        let acknowledged = append_until_crash(&disk, folder.path(), 0, FRAMES);
        disk.power_cut().expect("the real disk works");
        let log = open_on(&disk, folder.path())
            .unwrap_or_else(|error| panic!("cut after {crash_after}: {error}"));
        let found = all_bodies(&log);
        assert!(
            found.len() as u32 >= acknowledged && found.len() as u32 <= acknowledged + 1,
            "cut after {crash_after}: {acknowledged} acknowledged, {} found",
            found.len()
        );
        assert_eq!(found, bodies(found.len() as u32), "cut after {crash_after}");
        drop(log);
        let from = found.len() as u32;
        assert_eq!(
            append_until_crash(&disk, folder.path(), from, FRAMES),
            FRAMES
        );
        let log = open(folder.path());
        assert_eq!(all_bodies(&log), bodies(FRAMES));
        for segment in log.reader.sealed() {
            check_segment(&segment).expect("a good segment");
        }
    }
}

#[test]
fn any_changed_byte_behind_the_frames_of_a_sealed_segment_is_found() {
    let folder = log_of(30);
    let first = folder.path().join(segment_file_name(0));
    let clean = fs::read(&first).expect("read");
    let end = LogFiles::open(folder.path()).expect("a log").sealed()[0].end();
    for at in end as usize..clean.len() {
        let mut changed = clean.clone();
        changed[at] ^= 0x10;
        fs::write(&first, &changed).expect("write");
        let in_footer = at >= clean.len() - FOOTER_BYTES as usize;
        match LogFiles::open(folder.path()) {
            Err(error) => {
                assert!(in_footer, "byte {at}: {error}");
                assert!(matches!(error, OpenError::Footer { .. }), "{error}");
                let error = open_on(&RealDisk, folder.path()).err().expect("refused");
                assert!(error.to_string().contains(&segment_file_name(0)), "{error}");
            }
            Ok(files) => {
                assert!(!in_footer, "byte {at} of the footer");
                check_segment(&files.sealed()[0]).expect_err("changed");
            }
        }
    }
    for cut in (0..clean.len()).step_by(13) {
        fs::write(&first, &clean[..cut]).expect("write");
        assert!(open_on(&RealDisk, folder.path()).is_err(), "cut at {cut}");
    }
}

#[test]
fn records_that_were_changed_with_their_checksums_are_named_by_the_tree() {
    let folder = log_of(30);
    let first = folder.path().join(segment_file_name(0));
    let mut changed = fs::read(&first).expect("read");
    let at = HEADER_BYTES as usize;
    let length = u32::from_le_bytes(changed[at..at + 4].try_into().expect("four bytes")) as usize;
    changed[at + 20] ^= 1;
    let body = changed[at + 16..at + 16 + length].to_vec();
    let checksum = frame_checksum(HEADER_BYTES, HEADER_BYTES, &body);
    changed[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&first, &changed).expect("write");
    let files = LogFiles::open(folder.path()).expect("a log");
    let fault = check_segment(&files.sealed()[0]).expect_err("changed");
    let SealFault::Records { start, end } = fault else {
        panic!("{fault}")
    };
    assert_eq!((start, end), (HEADER_BYTES, files.sealed()[0].end()));
    let target = TempDir::new().expect("a temporary folder");
    let error = back_up(folder.path(), target.path(), &|| Ok(false)).expect_err("damaged");
    assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
}

#[test]
fn a_missing_or_exchanged_segment_is_named() {
    let folder = log_of(60);
    let other = TempDir::new().expect("a temporary folder");
    let mut log = open(other.path());
    for number in 0..60 {
        append(&mut log.writer, number + u32::from(number == 3) * 60).expect("the disk is fine");
    }
    drop(log);
    let bases = list_segments(folder.path()).expect("a folder");
    let second = segment_file_name(bases[1]);
    let clean = fs::read(folder.path().join(&second)).expect("read");
    fs::remove_file(folder.path().join(&second)).expect("removed");
    let error = open_on(&RealDisk, folder.path()).err().expect("refused");
    assert!(error.to_string().contains("missing"), "{error}");
    // The same lengths, but another past.
    assert_eq!(bases, list_segments(other.path()).expect("a folder"));
    fs::copy(other.path().join(&second), folder.path().join(&second)).expect("copied");
    let error = open_on(&RealDisk, folder.path()).err().expect("refused");
    assert!(error.to_string().contains("exchanged"), "{error}");
    fs::write(folder.path().join(&second), clean).expect("write");
    open(folder.path());
}

#[test]
fn a_log_of_format_one_becomes_the_first_segment_and_old_programs_refuse_the_folder() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut old = Vec::new();
    old.extend_from_slice(b"TERRALOG");
    old.extend_from_slice(&1u32.to_le_bytes());
    old.extend_from_slice(&64u32.to_le_bytes());
    old.resize(60, 0);
    // CRC32C of the first 60 bytes, as in every log of format 1.
    old.extend_from_slice(&0x6afd_a6e5u32.to_le_bytes());
    for number in 0..30 {
        let body = body(number);
        let position = old.len() as u64;
        old.extend_from_slice(&(body.len() as u32).to_le_bytes());
        old.extend_from_slice(&frame_checksum(position, position, &body).to_le_bytes());
        old.extend_from_slice(&position.to_le_bytes());
        old.extend_from_slice(&body);
        old.resize((position + frame_bytes(body.len())) as usize, 0);
    }
    fs::write(folder.path().join("events.log"), &old).expect("written");
    let backup = TempDir::new().expect("a temporary folder");
    back_up(folder.path(), backup.path(), &|| Ok(false)).expect("copied before it is opened");
    for folder in [folder.path(), backup.path()] {
        let mut log = open(folder);
        assert_eq!(log.recovery.frames, 30);
        assert_eq!(log.recovery.durable_bytes, old.len() as u64);
        for number in 30..60 {
            append(&mut log.writer, number).expect("the disk is fine");
        }
        drop(log);
        let log = open(folder);
        assert_eq!(all_bodies(&log), bodies(60));
        check_segment(&log.reader.sealed()[0]).expect("a good segment");
        let marker = fs::read(folder.join("events.log")).expect("a marker");
        assert_eq!(marker[8], 2, "the version that old programs refuse");
        drop(log);
        for segment in list_segments(folder).expect("a folder") {
            fs::remove_file(folder.join(segment_file_name(segment))).expect("removed");
        }
        assert!(matches!(
            open_on(&RealDisk, folder),
            Err(OpenError::Layout { .. })
        ));
    }
}

#[test]
fn a_full_disk_leaves_the_segment_unsealed_and_it_is_sealed_when_there_is_space() {
    for room in [0u64, 1, 63, 64, 65, 200, 4000] {
        let folder = TempDir::new().expect("a temporary folder");
        let disk = FaultyDisk::new();
        let mut log = open_on(&disk, folder.path()).expect("the log opens");
        let mut number = 0;
        while !log.writer.is_full() {
            log.writer
                .stage(|buffer| buffer.extend_from_slice(&body(number)));
            log.writer.flush().expect("the disk is fine");
            number += 1;
        }
        disk.full_at(log.writer.durable_bytes() + room);
        let error = log.writer.seal(&index_of(0)).expect_err("no space");
        assert!(matches!(error, AppendError::StorageFull { .. }), "{error}");
        assert!(!log.writer.is_full(), "not at every append again");
        disk.full_at(u64::MAX);
        for next in number..number + 20 {
            append(&mut log.writer, next).expect("there is space again");
        }
        assert!(!log.reader.sealed().is_empty());
        drop(log);
        let log = open(folder.path());
        assert_eq!(all_bodies(&log), bodies(number + 20));
        for segment in log.reader.sealed() {
            check_segment(&segment).expect("a good segment");
        }
    }
}

#[test]
fn appends_are_refused_before_the_disk_is_full_and_accepted_when_space_is_back() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let settings = LogSettings {
        low_disk_bytes: 1 << 20,
        ..SMALL
    };
    let mut log = open_log(folder.path(), &disk, settings, &mut |_| Ok(())).expect("the log opens");
    append(&mut log.writer, 0).expect("there is space");
    disk.say_free_bytes((1 << 20) - 1);
    let error = append(&mut log.writer, 1).expect_err("refused");
    assert!(matches!(error, AppendError::LowDisk { .. }), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
    disk.say_free_bytes(1 << 20);
    append(&mut log.writer, 1).expect("there is space again");
    assert_eq!(all_bodies(&log), bodies(2));
}

#[test]
fn a_copy_is_made_while_appending_copies_only_what_is_new_and_opens_like_the_log() {
    let folder = TempDir::new().expect("a temporary folder");
    let copy = TempDir::new().expect("a temporary folder");
    let mut log = open(folder.path());
    let mut kept = 0;
    for round in 1..=5u32 {
        for number in (round - 1) * 20..round * 20 {
            append(&mut log.writer, number).expect("the disk is fine");
        }
        // Staged frames are not in the copy, whatever the disk holds of them.
        let copied = back_up(folder.path(), copy.path(), &|| Ok(true)).expect("copied");
        assert_eq!(copied.end, log.reader.durable_bytes());
        assert_eq!(copied.kept, kept);
        kept += copied.segments;
        let restored = TempDir::new().expect("a temporary folder");
        restore(copy.path(), restored.path()).expect("restored");
        let restored_log = open(restored.path());
        assert_eq!(all_bodies(&restored_log), bodies(round * 20));
        let error = restore(copy.path(), restored.path()).expect_err("taken");
        assert!(matches!(error, BackupError::Taken { .. }), "{error}");
    }
    assert!(kept >= 5);
    let other = log_of(10);
    let error = back_up(other.path(), copy.path(), &|| Ok(false)).expect_err("another log");
    assert!(matches!(error, BackupError::Other { .. }), "{error}");
}

#[test]
fn a_copy_of_another_log_is_not_replaced_while_its_only_segment_is_unsealed() {
    let copy = TempDir::new().expect("a temporary folder");
    for (number, is_copied) in [(1, true), (2, false)] {
        let folder = TempDir::new().expect("a temporary folder");
        let mut log = open(folder.path());
        append(&mut log.writer, number).expect("the disk is fine");
        let answer = back_up(folder.path(), copy.path(), &|| Ok(true));
        assert_eq!(answer.is_ok(), is_copied, "{answer:?}");
        if let Err(error) = answer {
            assert!(matches!(error, BackupError::Other { .. }), "{error}");
        }
    }
}

#[test]
fn damage_in_the_unsealed_segment_is_told_and_the_earlier_copy_stays() {
    let folder = TempDir::new().expect("a temporary folder");
    let copy = TempDir::new().expect("a temporary folder");
    let mut log = open(folder.path());
    for number in 0..3 {
        append(&mut log.writer, number).expect("the disk is fine");
    }
    back_up(folder.path(), copy.path(), &|| Ok(true)).expect("copied");
    let name = segment_file_name(0);
    let earlier = std::fs::read(copy.path().join(&name)).expect("the copy");
    let path = folder.path().join(&name);
    let mut bytes = std::fs::read(&path).expect("the segment");
    bytes[64 + 16] ^= 1;
    std::fs::write(&path, &bytes).expect("damaged");
    let error = back_up(folder.path(), copy.path(), &|| Ok(true)).expect_err("damaged");
    assert!(matches!(error, BackupError::Unreadable { .. }), "{error}");
    let now = std::fs::read(copy.path().join(&name)).expect("the copy");
    assert!(now == earlier, "the earlier copy was changed");
}

#[test]
fn a_segment_that_cannot_be_sealed_stops_taking_frames_and_is_sealed_after_a_restart() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut log = open(folder.path());
    let mut written = 0;
    let refused = loop {
        log.writer
            .stage(|buffer| buffer.extend_from_slice(&body(written)));
        if let Err(error) = log.writer.flush() {
            break error;
        }
        written += 1;
        if log.writer.is_full() {
            log.writer
                .postpone_seal("the index of another segment is damaged".to_owned());
        }
        assert!(log.writer.durable_bytes() <= SMALL.largest_segment_bytes());
    };
    assert!(
        matches!(refused, AppendError::Overgrown { .. }),
        "{refused}"
    );
    let said = refused.to_string();
    assert!(said.contains("index of another segment"), "{said}");
    assert!(said.contains("restart"), "{said}");
    log.writer
        .stage(|buffer| buffer.extend_from_slice(&body(written)));
    assert!(log.writer.flush().is_err(), "it stays so");
    drop(log);

    let mut log = open(folder.path());
    assert_eq!(all_bodies(&log), bodies(written));
    assert!(log.writer.is_full());
    log.writer.seal(b"index").expect("sealed");
    append(&mut log.writer, written).expect("it goes on");
    assert_eq!(all_bodies(&log), bodies(written + 1));
}

#[test]
fn a_footer_whose_sync_failed_is_on_the_disk_after_a_restart() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    disk.crash_after(u64::MAX, 7);
    let mut log = open_on(&disk, folder.path()).expect("an empty log opens");
    let mut written = 0;
    while !log.writer.is_full() {
        log.writer
            .stage(|buffer| buffer.extend_from_slice(&body(written)));
        log.writer.flush().expect("the disk is fine");
        written += 1;
    }
    // The mark and the parts before the footer are synced, the footer is not.
    disk.fail_syncs_from(disk.syncs() + 2);
    let error = log.writer.seal(&index_of(0)).expect_err("a sync fails");
    assert!(matches!(error, AppendError::Failed { .. }), "{error}");
    drop(log);
    disk.fail_syncs(false);

    let mut log = open_on(&disk, folder.path()).expect("the log reopens");
    assert_eq!(log.recovery.sealed_segments, 1);
    append(&mut log.writer, written).expect("it goes on");
    drop(log);
    disk.power_cut().expect("the real disk works");
    let log = open(folder.path());
    assert_eq!(log.recovery.sealed_segments, 1);
    assert_eq!(all_bodies(&log), bodies(written + 1));
}

#[test]
fn a_log_of_many_segments_is_walked_with_few_files_open_at_a_time() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::without_syncs();
    let mut log = open_on(&disk, folder.path()).expect("an empty log opens");
    let mut number = 0;
    while log.reader.sealed().len() < 300 {
        append(&mut log.writer, number).expect("the disk is fine");
        number += 1;
    }
    drop(log);
    let files = LogFiles::open(folder.path()).expect("a log");
    let mut frames = 0;
    for frame in files.frames(1 << 20) {
        frame.expect("a good frame");
        frames += 1;
    }
    assert_eq!(frames, number);
    let walk = files.frames(1 << 20);
    let open_files = fs::read_dir("/proc/self/fd").expect("Linux has it");
    let of_log = open_files
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| path.starts_with(folder.path()))
        .count();
    drop(walk);
    assert!(of_log <= 257, "{of_log} files are open");
}
