use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use terrarium_eventlog::{
    AppendError, Disk, FaultyDisk, Flush, FolderLock, HEADER_BYTES, LockError, LogSettings,
    LogWriter, OpenError, OpenedLog, RealDisk, frame_bytes, frame_checksum, open_log,
    segment_file_name,
};

fn open(folder: &Path) -> Result<(OpenedLog, Vec<Vec<u8>>), OpenError> {
    open_on(&RealDisk, folder)
}

fn open_on(disk: &dyn Disk, folder: &Path) -> Result<(OpenedLog, Vec<Vec<u8>>), OpenError> {
    let mut bodies = Vec::new();
    let opened = open_log(folder, disk, LogSettings::default(), &mut |frame| {
        bodies.push(frame.body.to_vec());
        Ok(())
    })?;
    Ok((opened, bodies))
}

fn stage(writer: &mut LogWriter, body: &[u8]) {
    writer.stage(|buffer| buffer.extend_from_slice(body));
}

fn append(writer: &mut LogWriter, bodies: &[&[u8]]) -> Result<u64, AppendError> {
    for body in bodies {
        stage(writer, body);
    }
    writer.flush()
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join(segment_file_name(0))
}

/// A log with the given batches, and its bytes.
fn log_of(batches: &[&[&[u8]]]) -> (TempDir, Vec<u8>) {
    let folder = TempDir::new().expect("a temporary folder");
    let (mut log, _) = open(folder.path()).expect("an empty log opens");
    for batch in batches {
        append(&mut log.writer, batch).expect("the disk is fine");
    }
    drop(log);
    let bytes = fs::read(log_path(folder.path())).expect("the log is there");
    (folder, bytes)
}

#[test]
fn frames_come_back_in_order_after_reopening_and_by_cursor() {
    let (folder, bytes) = log_of(&[&[b"one", b"two two"], &[b"three"]]);
    let (log, bodies) = open(folder.path()).expect("the log opens");
    assert_eq!(
        bodies,
        [b"one".to_vec(), b"two two".to_vec(), b"three".to_vec()]
    );
    assert!(!log.recovery.created);
    assert_eq!(log.recovery.frames, 3);
    assert_eq!(log.recovery.torn_tail, None);
    assert_eq!(log.reader.durable_bytes(), bytes.len() as u64);
    let frames: Vec<_> = log
        .reader
        .frames(HEADER_BYTES, u64::MAX, 1)
        .map(|frame| frame.expect("a good frame"))
        .collect();
    assert_eq!(frames.len(), 3);
    let second = &frames[1];
    assert_eq!(
        log.reader.frame_at(second.position).expect("a good frame"),
        *second
    );
    assert_eq!(
        second.batch, HEADER_BYTES,
        "the first two were written together"
    );
    assert_eq!(frames[2].batch, frames[2].position);
}

#[test]
fn frames_larger_than_a_chunk_are_read_whole() {
    let large = vec![7u8; 3_000_000];
    let (folder, _) = log_of(&[&[b"small", &large, b"after"], &[&large]]);
    let (_, bodies) = open(folder.path()).expect("the log opens");
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[1], large);
}

#[test]
fn many_frames_of_one_flush_cost_one_fsync() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log opens");
    let before = disk.syncs();
    for number in 0..1000u32 {
        stage(&mut log.writer, &number.to_le_bytes());
    }
    log.writer.flush().expect("the disk is fine");
    assert_eq!(disk.syncs() - before, 1);
}

#[test]
fn a_log_cut_at_any_byte_keeps_every_whole_frame_and_keeps_the_rest_aside() {
    let (_folder, bytes) = log_of(&[&[b"first"], &[b"second of two", b"x"], &[b"the last one"]]);
    let ends = [
        64,
        64 + frame_bytes(5),
        64 + frame_bytes(5) + frame_bytes(13),
    ];
    let ends: Vec<u64> = ends
        .into_iter()
        .chain([ends[2] + frame_bytes(1), bytes.len() as u64])
        .collect();
    for cut in HEADER_BYTES..bytes.len() as u64 {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(log_path(folder.path()), &bytes[..cut as usize]).expect("write");
        let (mut log, bodies) = open(folder.path()).expect("a cut log opens");
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(bodies.len(), whole, "cut at {cut}");
        let durable = ends[whole];
        assert_eq!(log.recovery.durable_bytes, durable);
        match &log.recovery.torn_tail {
            None => assert_eq!(durable, cut),
            Some(torn) => {
                assert_eq!((torn.position, torn.bytes), (durable, cut - durable));
                assert_eq!(
                    fs::read(&torn.kept_in).expect("kept"),
                    &bytes[durable as usize..cut as usize]
                );
            }
        }
        append(&mut log.writer, &[b"again"]).expect("the disk is fine");
        drop(log);
        let (log, bodies) = open(folder.path()).expect("the log opens again");
        assert_eq!(bodies.len(), whole + 1);
        assert_eq!(log.recovery.torn_tail, None);
    }
}

#[test]
fn a_damaged_frame_before_a_later_batch_is_refused_and_nothing_is_changed() {
    let (folder, bytes) = log_of(&[&[b"first"], &[b"second", b"third"], &[b"fourth"]]);
    let last_begins = bytes.len() as u64 - frame_bytes(6);
    for damaged in HEADER_BYTES..last_begins {
        let mut changed = bytes.clone();
        changed[damaged as usize] ^= 0x20;
        fs::write(log_path(folder.path()), &changed).expect("write");
        let error = open(folder.path())
            .err()
            .unwrap_or_else(|| panic!("byte {damaged} was changed"));
        let OpenError::Corrupt { position, .. } = &error else {
            panic!("{error}")
        };
        assert!(*position <= damaged, "{error}");
        assert!(
            error.to_string().contains("terrarium verify") && error.to_string().contains("backup"),
            "{error}"
        );
        assert_eq!(fs::read(log_path(folder.path())).expect("read"), changed);
    }
}

#[test]
fn pages_of_one_unsynced_write_that_arrived_out_of_order_are_a_torn_tail() {
    let (folder, bytes) = log_of(&[&[b"first"], &[b"second", b"third", b"fourth"]]);
    let second = (64 + frame_bytes(5)) as usize;
    let mut changed = bytes.clone();
    changed[second..second + frame_bytes(6) as usize].fill(0);
    fs::write(log_path(folder.path()), &changed).expect("write");
    let (log, bodies) = open(folder.path()).expect("the unfinished batch is cut");
    assert_eq!(bodies, [b"first".to_vec()]);
    let torn = log.recovery.torn_tail.expect("a torn tail");
    assert_eq!(fs::read(torn.kept_in).expect("kept"), &changed[second..]);
}

#[test]
fn bytes_of_an_event_that_look_like_a_frame_do_not_make_a_torn_tail_look_like_damage() {
    let (_other, other) = log_of(&[&[b"first"], &[b"second"], &[b"inner frame"]]);
    let inner = &other[(64 + frame_bytes(5) + frame_bytes(6)) as usize..];
    let (folder, bytes) = log_of(&[&[b"first"], &[&[&[0u8; 16], inner].concat(), b"z"]]);
    fs::write(log_path(folder.path()), &bytes[..bytes.len() - 30]).expect("write");
    let (log, bodies) = open(folder.path()).expect("a torn tail");
    assert_eq!(bodies.len(), 1);
    assert!(log.recovery.torn_tail.is_some());
}

#[test]
fn any_changed_byte_of_the_file_header_is_refused() {
    let (folder, bytes) = log_of(&[&[b"first"]]);
    for at in 0..HEADER_BYTES as usize {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(log_path(folder.path()), &changed).expect("write");
        assert!(
            matches!(open(folder.path()), Err(OpenError::Header { .. })),
            "byte {at}"
        );
    }
    for length in 0..HEADER_BYTES as usize {
        fs::write(log_path(folder.path()), &bytes[..length]).expect("write");
        assert!(
            matches!(open(folder.path()), Err(OpenError::Header { .. })),
            "length {length}"
        );
    }
}

#[test]
fn a_file_left_by_a_crash_while_the_log_was_created_is_harmless() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("events.log.new"), b"TERRA").expect("write");
    let (log, _) = open(folder.path()).expect("a fresh log");
    assert!(log.recovery.created);
}

#[test]
fn a_full_disk_at_any_byte_is_undone_and_writing_goes_on_after_space_returns() {
    let body = b"a body of some length".as_slice();
    for missing in 1..=2 * frame_bytes(body.len()) {
        let folder = TempDir::new().expect("a temporary folder");
        let disk = FaultyDisk::new();
        let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log opens");
        let start = append(&mut log.writer, &[b"kept"]).expect("the disk is fine");
        disk.full_at(start + 2 * frame_bytes(body.len()) - missing);
        let error = append(&mut log.writer, &[body, body]).expect_err("the disk is full");
        assert!(matches!(error, AppendError::StorageFull { .. }), "{error}");
        assert_eq!(
            fs::metadata(log_path(folder.path())).expect("there").len(),
            start
        );
        assert_eq!(log.reader.durable_bytes(), start);
        disk.full_at(u64::MAX);
        append(&mut log.writer, &[body, b"later"]).expect("there is space again");
        drop(log);
        let (log, bodies) = open(folder.path()).expect("the log opens");
        assert_eq!(bodies, [b"kept".to_vec(), body.to_vec(), b"later".to_vec()]);
        assert_eq!(log.recovery.torn_tail, None);
    }
}

#[test]
fn short_writes_are_completed() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    disk.short_writes(3);
    let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log opens");
    append(&mut log.writer, &[b"in many small pieces", b"another"]).expect("short writes go on");
    drop(log);
    assert_eq!(open(folder.path()).expect("the log opens").1.len(), 2);
}

#[test]
fn a_failed_fsync_is_never_tried_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log opens");
    let durable = append(&mut log.writer, &[b"kept"]).expect("the disk is fine");
    disk.fail_syncs(true);
    let error = append(&mut log.writer, &[b"unknown"]).expect_err("fsync fails");
    assert!(matches!(error, AppendError::Failed { .. }), "{error}");
    disk.fail_syncs(false);
    let syncs = disk.syncs();
    let error = append(&mut log.writer, &[b"later"]).expect_err("the log has failed");
    assert!(
        error.to_string().contains("fsync failed") && error.to_string().contains("restart"),
        "{error}"
    );
    assert_eq!(disk.syncs(), syncs);
    assert_eq!(
        log.reader.durable_bytes(),
        durable,
        "readers never see the unknown part"
    );
    drop(log);
    assert!(!open(folder.path()).expect("the log reopens").1.is_empty());
}

/// A log with one frame, on a disk that keeps no other from now on.
fn log_whose_syncs_fail_now(disk: &FaultyDisk, folder: &Path) -> OpenedLog {
    disk.crash_after(u64::MAX, 7);
    let (mut log, _) = open_on(disk, folder).expect("an empty log opens");
    append(&mut log.writer, &[b"kept"]).expect("the disk is fine");
    disk.fail_syncs(true);
    log
}

#[test]
fn frames_that_a_failed_fsync_left_in_memory_are_on_the_disk_after_a_restart() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let mut log = log_whose_syncs_fail_now(&disk, folder.path());
    append(&mut log.writer, &[b"unknown", b"with it"]).expect_err("fsync fails");
    disk.fail_syncs(false);
    drop(log);
    let (mut log, bodies) = open_on(&disk, folder.path()).expect("the log reopens");
    assert_eq!(bodies.len(), 3, "the page cache has them");
    append(&mut log.writer, &[b"later"]).expect("the disk is fine again");
    drop(log);
    disk.power_cut().expect("the real disk works");
    let (_, bodies) = open(folder.path()).expect("nothing acknowledged is lost");
    assert_eq!(bodies, [&b"kept"[..], b"unknown", b"with it", b"later"]);
}

#[test]
fn frames_that_a_failed_fsync_left_in_memory_are_gone_after_a_power_cut() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let mut log = log_whose_syncs_fail_now(&disk, folder.path());
    append(&mut log.writer, &[b"unknown"]).expect_err("fsync fails");
    drop(log);
    disk.power_cut().expect("the real disk works");
    let (_, bodies) = open(folder.path()).expect("the log reopens");
    assert_eq!(bodies, [b"kept"]);
}

#[test]
fn a_failed_write_that_is_not_about_space_or_cannot_be_undone_is_final() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log opens");
    disk.fail_writes(true);
    assert!(matches!(
        append(&mut log.writer, &[b"a"]),
        Err(AppendError::Failed { .. })
    ));
    disk.fail_writes(false);
    assert!(matches!(
        append(&mut log.writer, &[b"a"]),
        Err(AppendError::Failed { .. })
    ));
    drop(log);

    let (mut log, bodies) = open_on(&disk, folder.path()).expect("the log reopens");
    assert!(bodies.is_empty());
    disk.full_at(log.reader.durable_bytes() + 5);
    disk.fail_truncates(true);
    let error = append(&mut log.writer, &[b"a"]).expect_err("it can't be undone");
    assert!(error.to_string().contains("could not be undone"), "{error}");
}

#[test]
fn the_checksum_covers_position_length_batch_and_body() {
    let checksum = frame_checksum(64, 64, b"body");
    let others = [
        frame_checksum(72, 64, b"body"),
        frame_checksum(64, 72, b"body"),
        frame_checksum(64, 64, b"bodx"),
        frame_checksum(64, 64, b"body\0"),
    ];
    assert!(!others.contains(&checksum));
    assert_eq!(checksum, frame_checksum(64, 64, b"body"));
}

#[test]
fn a_second_lock_of_a_folder_is_refused_with_the_holders_pid_until_the_first_is_dropped() {
    let folder = TempDir::new().expect("a temporary folder");
    let first = FolderLock::take(folder.path()).expect("free");
    let error = FolderLock::take(folder.path()).expect_err("taken");
    assert!(
        matches!(error, LockError::Held { holder_pid: Some(pid), .. } if pid == std::process::id()),
        "{error}"
    );
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
    drop(first);
    FolderLock::take(folder.path()).expect("free again");
}

/// Stages `body`, begins to write it, and stages `behind` behind it.
fn begin_and_stage(writer: &mut LogWriter, body: &[u8], behind: &[u8]) -> Flush {
    stage(writer, body);
    let flush = writer.begin_flush().expect("the log takes writes");
    stage(writer, behind);
    flush.expect("a frame is staged")
}

#[test]
fn frames_staged_while_a_group_is_written_stand_behind_it_in_a_batch_of_their_own() {
    let folder = TempDir::new().expect("a temporary folder");
    let (mut log, _) = open(folder.path()).expect("an empty log");
    let begin = append(&mut log.writer, &[b"zero"]).expect("the disk is fine");
    let flush = begin_and_stage(&mut log.writer, b"one", b"two");
    assert_eq!(log.writer.durable_bytes(), begin, "nothing is promised yet");
    let flushed = std::thread::spawn(|| flush.run()).join().expect("it ran");
    let middle = log.writer.finish_flush(flushed).expect("the disk is fine");
    assert_eq!(log.writer.durable_bytes(), middle);
    log.writer.flush().expect("the disk is fine");
    drop(log);
    let (log, bodies) = open(folder.path()).expect("a good log");
    assert_eq!(bodies, [b"zero".to_vec(), b"one".to_vec(), b"two".to_vec()]);
    let batches: Vec<u64> = log
        .reader
        .frames(begin, u64::MAX, 4096)
        .map(|frame| frame.expect("a good frame").batch)
        .collect();
    assert_eq!(batches, [begin, middle]);
}

#[test]
fn a_group_that_is_not_written_takes_the_frames_behind_it_along() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log");
    let begin = append(&mut log.writer, &[b"zero"]).expect("the disk is fine");
    let flush = begin_and_stage(&mut log.writer, b"one", b"two");
    disk.full_at(begin + 8);
    let refused = log.writer.finish_flush(flush.run());
    assert!(
        matches!(refused, Err(AppendError::StorageFull { .. })),
        "{refused:?}"
    );
    assert!(log.writer.is_settled());
    disk.full_at(u64::MAX);
    assert_eq!(log.writer.flush().expect("nothing is staged"), begin);
    append(&mut log.writer, &[b"three"]).expect("there is space");
    drop(log);
    let (_, bodies) = open(folder.path()).expect("a good log");
    assert_eq!(bodies, [b"zero".to_vec(), b"three".to_vec()]);
}

#[test]
fn after_a_failed_sync_the_frames_behind_the_group_are_never_written() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (mut log, _) = open_on(&disk, folder.path()).expect("an empty log");
    append(&mut log.writer, &[b"zero"]).expect("the disk is fine");
    let flush = begin_and_stage(&mut log.writer, b"one", b"two");
    disk.fail_syncs(true);
    let failed = log.writer.finish_flush(flush.run());
    assert!(
        matches!(failed, Err(AppendError::Failed { .. })),
        "{failed:?}"
    );
    disk.fail_syncs(false);
    let operations = disk.operations();
    stage(&mut log.writer, b"three");
    let refused = log.writer.begin_flush().map(|flush| flush.is_some());
    assert!(
        matches!(refused, Err(AppendError::Failed { .. })),
        "{refused:?}"
    );
    assert_eq!(disk.operations(), operations, "the disk is left alone");
}
