//! Scavenging gives back space and changes nothing that a reader of a stream can see.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use support::answers::{STREAMS, Step, WHOLE, open_sized, random_step, take, without_random_ids};
use support::{Random, all, append, commit, event, ids, open, open_in_segments, scan, wait};
use tempfile::TempDir;
use terrarium_eventlog::{FaultyDisk, LogFiles, check_segment, list_segments, segment_file_name};
use terrarium_eventstore::{
    AllCursor, Append, Clock, ContentType, Direction, EventStore, ExpectedRevision, ImportError,
    METADATA_TYPE, PageLimit, ProposedEvent, RecordedEvent, Scan, ScavengeError, Scavenged,
    StreamItem, StreamPage, Ticks, back_up, check_export, export, restore, scavenge, scavenge_on,
};

fn set_metadata(store: &EventStore, stream: &str, metadata: &str, id: u128) {
    let event = ProposedEvent {
        event_type: Arc::from(METADATA_TYPE),
        content_type: ContentType::Json,
        data: Bytes::copy_from_slice(metadata.as_bytes()),
        ..event(id, "")
    };
    let append = Append {
        stream: Arc::from(format!("$${stream}")),
        expected: ExpectedRevision::Any,
        events: vec![event],
    };
    wait(store.append_to(append)).expect("appended");
}

/// Streams with every kind of rule, and one without, in many segments.
fn filled(folder: &Path, rounds: u64) {
    let store = open_in_segments(folder);
    for round in 0..rounds {
        for (place, stream) in ["kept-1", "few-1", "cut-1", "gone-1", "ended-1"]
            .iter()
            .enumerate()
        {
            let first = u128::from(round) * 100 + place as u128 * 10 + 1;
            append(&store, vec![commit(stream, round * 2, &[first, first + 1])]);
        }
    }
    set_metadata(&store, "few-1", r#"{"$maxCount":3}"#, 90_001);
    set_metadata(&store, "cut-1", &format!(r#"{{"$tb":{}}}"#, rounds), 90_002);
    wait(store.delete("gone-1", ExpectedRevision::Any)).expect("deleted softly");
    wait(store.tombstone("ended-1", ExpectedRevision::Any)).expect("deleted for ever");
    // Until all of the above is sealed.
    for number in 0..12u64 {
        let id = 80_000 + u128::from(number);
        append(&store, vec![commit("kept-2", number, &[id])]);
    }
    store.close();
}

/// What readers of streams see.
fn pages(store: &EventStore, streams: &[&str]) -> Vec<String> {
    let mut pages = Vec::new();
    for stream in streams {
        pages.push(format!("{stream} {}", store.stream_revision(stream)));
        for direction in [Direction::Forwards, Direction::Backwards] {
            for (from, events) in [(None, usize::MAX), (None, 1), (Some(2), 3), (Some(9), 2)] {
                let bytes = usize::MAX;
                let limit = PageLimit { events, bytes };
                let page = store.read_page(stream, from, direction, limit, true);
                pages.push(format!("{:?}", page.expect("readable")));
            }
        }
    }
    pages
}

const FILLED: [&str; 8] = [
    "kept-1", "kept-2", "few-1", "cut-1", "gone-1", "ended-1", "$$few-1", "none",
];

fn blocks(folder: &Path) -> u64 {
    let log = folder.join("log");
    list_segments(&log)
        .expect("a log")
        .into_iter()
        .map(|base| {
            fs::metadata(log.join(segment_file_name(base)))
                .expect("there")
                .blocks()
        })
        .sum()
}

#[test]
fn what_streams_no_longer_show_is_removed_and_all_else_stays_where_it_was() {
    let folder = TempDir::new().expect("a temporary folder");
    filled(folder.path(), 40);
    let store = open(folder.path());
    let (before, seen, statistics) = (all(&store), pages(&store, &FILLED), store.statistics());
    store.close();
    let (sealed, last_seal) = Scan::open(folder.path()).expect("a log").seals();

    let done = scavenge(folder.path()).expect("scavenged");
    assert!(done.rewritten > 10, "{done:?}");
    // 80 events each of four streams: 3 and a half commit, 40, none, and the tombstone are kept.
    assert_eq!(done.removed_events, 76 + 40 + 80 + 80);
    assert_eq!(done.removed_commits * 2, done.removed_events);

    let (scanned, error) = scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    let scan_again = Scan::open(folder.path()).expect("a log");
    assert_eq!(
        scan_again.seals(),
        (sealed, last_seal),
        "the chain is as it was"
    );
    assert_eq!(
        scan_again.scavenged(),
        (done.rewritten, done.removed_commits)
    );
    let store = open(folder.path());
    let is_kept = |event: &&RecordedEvent| match &*event.stream {
        "few-1" => event.revision >= 76,
        "cut-1" => event.revision >= 40,
        "gone-1" => false,
        "ended-1" => event.revision > 1_000,
        _ => true,
    };
    let kept: Vec<RecordedEvent> = before.iter().filter(is_kept).cloned().collect();
    assert_eq!(scanned, kept);
    assert_eq!(all(&store), kept);
    assert_eq!(pages(&store, &FILLED), seen);
    let now = store.statistics();
    assert_eq!(
        (now.events, now.bytes),
        (statistics.events, statistics.bytes)
    );
    for event in &kept {
        assert_eq!(store.event_at(event.position).expect("there"), *event);
    }
    // Whoever was at an event that is gone goes on behind it.
    for event in before.iter().step_by(7) {
        let after = kept.partition_point(|kept| kept.position <= event.position);
        let few = store.read_all(Some(event.position), 3, usize::MAX);
        assert_eq!(
            few.expect("readable"),
            kept[after..kept.len().min(after + 3)]
        );
        let mut replayed = Vec::new();
        for commit in store.replay(Some(event.position)).expect("readable") {
            replayed.extend(commit.expect("readable").events().expect("readable"));
        }
        assert_eq!(replayed, kept[after..]);
        let cursor = AllCursor::BackwardsBefore(event.position);
        let backwards = store.read_all_page(cursor, WHOLE).expect("readable");
        let at = kept.partition_point(|kept| kept.position < event.position);
        assert!(backwards.iter().eq(kept[..at].iter().rev()));
    }
    // Streams go on with the numbers that they had.
    let next = |stream: &str, revision, id| append(&store, vec![commit(stream, revision, &[id])]);
    assert!(next("gone-1", 80, 70_001)[0].is_ok());
    assert!(next("few-1", 80, 70_002)[0].is_ok());
    assert!(next("few-1", 4, 70_003)[0].is_err(), "that place is taken");
    assert!(next("ended-1", 80, 70_004)[0].is_err());
    store.close();
    assert!(scan(folder.path()).1.is_none());

    let again = scavenge(folder.path()).expect("scavenged again");
    assert!(
        again.removed_events <= 2,
        "one commit of few-1 more: {again:?}"
    );
    let third = scavenge(folder.path()).expect("scavenged again");
    assert_eq!((third.rewritten, third.removed_events), (0, 0));
    assert!(scan(folder.path()).1.is_none());
}

#[test]
fn a_store_without_rules_is_not_touched() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for number in 0..40u64 {
        append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
    }
    store.close();
    let files = |folder: &Path| -> Vec<Vec<u8>> {
        let log = folder.join("log");
        let bases = list_segments(&log).expect("a log");
        let read = |base| fs::read(log.join(segment_file_name(base))).expect("read");
        bases.into_iter().map(read).collect()
    };
    let before = files(folder.path());
    let done = scavenge(folder.path()).expect("scavenged");
    assert_eq!(done.segments + 1, before.len() as u64);
    let nothing = Scavenged {
        segments: done.segments,
        ..Scavenged::default()
    };
    assert_eq!(done, nothing);
    assert_eq!(files(folder.path()), before);
    let store = open(folder.path());
    assert!(scavenge(folder.path()).is_err(), "somebody has it open");
    store.close();
}

#[test]
fn the_space_of_what_is_removed_is_given_back_also_in_copies() {
    let folder = TempDir::new().expect("a temporary folder");
    let (store, _) = EventStore::open_settings(
        &FaultyDisk::without_syncs(),
        folder.path(),
        Clock::system(),
        terrarium_eventstore::LogSettings {
            segment_bytes: 1 << 20,
            low_disk_bytes: 0,
        },
    )
    .expect("the store opens");
    for round in 0..600u64 {
        let large = |place: u64| event(u128::from(round * 10 + place), &"d".repeat(3_000));
        let append = Append {
            stream: Arc::from("diary-1"),
            expected: ExpectedRevision::Any,
            events: vec![large(1), large(2)],
        };
        wait(store.append_to(append)).expect("appended");
    }
    set_metadata(&store, "diary-1", r#"{"$maxCount":10}"#, 900_000);
    store.close();
    let before = blocks(folder.path());
    let done = scavenge(folder.path()).expect("scavenged");
    assert!(done.removed_bytes > 3_000_000, "{done:?}");
    let after = blocks(folder.path());
    // Blocks are 512 bytes (POSIX); what is left is an index, hashes and the unsealed segment.
    assert!(
        (before - after) * 512 > done.removed_bytes * 9 / 10,
        "{before} {after}"
    );
    let copy = TempDir::new().expect("a temporary folder");
    back_up(folder.path(), copy.path()).expect("copied");
    assert!(blocks(copy.path()) * 512 < before * 512 - done.removed_bytes * 9 / 10);
    assert!(scan(copy.path()).1.is_none());
}

/// A random step whose events are all new: a retry of what was scavenged is a new event to the store. Once something was
/// removed no rule may be loosened, which would show events that only the twin still has.
fn next_step(random: &mut Random, next_id: &mut u128, is_scavenged: bool) -> Step {
    loop {
        let mut step = random_step(random, next_id);
        if let Step::Append(append) = &mut step {
            if is_scavenged && append.stream.starts_with("$$") {
                continue;
            }
            for event in &mut append.events {
                *next_id += 1;
                event.id = uuid::Uuid::from_u128(*next_id);
            }
        }
        return step;
    }
}

#[test]
fn readers_see_the_same_before_and_after_whatever_the_store_holds() {
    for seed in 0..8 {
        let mut random = Random(1_000 + seed);
        let (folder, twin) = (TempDir::new(), TempDir::new());
        let folder = folder.expect("a temporary folder");
        let twin = twin.expect("a temporary folder");
        let now = Arc::new(AtomicU64::new(1_000 * Ticks::PER_SECOND));
        let open = |folder: &TempDir, size| open_sized(folder.path(), size, &now);
        let sizes = [150 + random.below(500), 300];
        let mut next_id = 0;
        let mut number = 0;
        for (round, steps) in [(0, 150), (1, 60), (2, 60)] {
            let stores = [open(&folder, sizes[0]), open(&twin, sizes[1])];
            for _ in 0..steps {
                let step = next_step(&mut random, &mut next_id, round > 0);
                number += 1;
                now.store((1_000 + number / 4) * Ticks::PER_SECOND, Ordering::Relaxed);
                let answers = stores.each_ref().map(|store| take(store, &step));
                assert_eq!(
                    answers[0], answers[1],
                    "seed {seed}, step {number}: {step:?}"
                );
            }
            for store in stores {
                store.close();
            }
            let clock = Clock::new({
                let now = now.clone();
                move || Ticks(now.load(Ordering::Relaxed))
            });
            let disk = FaultyDisk::without_syncs();
            scavenge_on(&disk, folder.path(), clock).expect("scavenged");
            let stores = [open(&folder, sizes[0]), open(&twin, sizes[1])];
            let seen = stores.each_ref().map(|store| {
                let pages = pages(store, &STREAMS);
                let pages: Vec<String> = pages.iter().map(|page| without_positions(page)).collect();
                without_random_ids(&pages)
            });
            for (scavenged, whole) in seen[0].iter().zip(&seen[1]) {
                assert_eq!(scavenged, whole, "seed {seed}, round {round}");
            }
            let kept = all(&stores[0]);
            for store in stores {
                store.close();
            }
            let (scanned, error) = scan(folder.path());
            assert!(error.is_none(), "seed {seed}, round {round}: {error:?}");
            assert_eq!(scanned, kept, "seed {seed}, round {round}");
        }
        let (segments, _) = Scan::open(folder.path()).expect("a log").scavenged();
        assert!(segments > 0, "seed {seed}");
    }
}

/// Positions differ between the two logs.
fn without_positions(text: &str) -> String {
    let mut parts = text.split("Position(");
    let mut kept = parts.next().unwrap_or("").to_owned();
    for part in parts {
        kept.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    kept
}

/// A copy without any sync.
fn copy_files(from: &Path, to: &Path) {
    fs::create_dir(to.join("log")).expect("an empty folder");
    for entry in fs::read_dir(from.join("log")).expect("a log") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join("log").join(entry.file_name())).expect("copied");
    }
}

#[test]
fn a_power_cut_at_any_step_leaves_each_segment_as_it_was_or_as_it_is_to_be() {
    let original = TempDir::new().expect("a temporary folder");
    filled(original.path(), 12);
    let store = open(original.path());
    let (before, seen) = (all(&store), pages(&store, &FILLED));
    store.close();
    let whole = TempDir::new().expect("a temporary folder");
    copy_files(original.path(), whole.path());
    let disk = FaultyDisk::without_syncs();
    scavenge_on(&disk, whole.path(), Clock::system()).expect("scavenged");
    let kept = scan(whole.path()).0;
    let operations = disk.operations();
    assert!(operations > 50, "{operations}");
    for step in 1..operations {
        let folder = TempDir::new().expect("a temporary folder");
        copy_files(original.path(), folder.path());
        let disk = FaultyDisk::new();
        disk.crash_after(step, step * 77);
        let outcome = scavenge_on(&disk, folder.path(), Clock::system());
        assert_eq!(
            outcome.is_err(),
            disk.has_crashed(),
            "step {step}: {outcome:?}"
        );
        disk.power_cut().expect("the real disk works");
        let (found, error) = scan(folder.path());
        assert!(error.is_none(), "step {step}: {error:?}");
        assert!(
            kept.iter().all(|event| found.contains(event)),
            "step {step}"
        );
        assert!(
            found.iter().all(|event| before.contains(event)),
            "step {step}"
        );
        let disk = FaultyDisk::without_syncs();
        let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
        assert_eq!(pages(&store, &FILLED), seen, "step {step}");
        store.close();
        scavenge_on(&disk, folder.path(), Clock::system()).expect("it is finished by the next");
        assert_eq!(scan(folder.path()).0, kept, "step {step}");
    }
}

#[test]
fn a_disk_that_fills_up_under_scavenging_leaves_the_segments_as_they_were() {
    let folder = TempDir::new().expect("a temporary folder");
    filled(folder.path(), 12);
    let before = scan(folder.path()).0;
    let disk = FaultyDisk::new();
    disk.full_at(300);
    let error = scavenge_on(&disk, folder.path(), Clock::system()).expect_err("it is full");
    assert!(error.to_string().contains("free as much"), "{error}");
    assert_eq!(scan(folder.path()).0, before);
    assert!(scan(folder.path()).1.is_none());
    let left = fs::read_dir(folder.path().join("log")).expect("a log");
    let is_left = |entry: fs::DirEntry| entry.path().extension().is_some_and(|end| end == "new");
    assert!(!left.map(|entry| entry.expect("an entry")).any(is_left));
}

#[test]
fn copies_of_before_are_brought_back_whole_and_keep_what_they_have() {
    let folder = TempDir::new().expect("a temporary folder");
    filled(folder.path(), 20);
    let before = scan(folder.path()).0;
    let copy = TempDir::new().expect("a temporary folder");
    back_up(folder.path(), copy.path()).expect("copied");
    scavenge(folder.path()).expect("scavenged");
    let kept = scan(folder.path()).0;
    let store = open(folder.path());
    append(&store, vec![commit("kept-3", 0, &[60_001])]);
    store.close();

    back_up(folder.path(), copy.path()).expect("what is new is added");
    let back = TempDir::new().expect("a temporary folder");
    restore(copy.path(), back.path()).expect("brought back");
    let (found, error) = scan(back.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found[..before.len()], before, "all that it had");
    assert_eq!(ids(&found[before.len()..]), [60_001]);

    let small = TempDir::new().expect("a temporary folder");
    back_up(folder.path(), small.path()).expect("copied as it is now");
    let (found, error) = scan(small.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found[..kept.len()], kept);
    // A fuller copy of the same log takes the place of one with less.
    back_up(copy.path(), small.path()).expect("the same log");
    assert_eq!(scan(small.path()).0[..before.len()], before);
    for sealed in LogFiles::open(&small.path().join("log"))
        .expect("a log")
        .sealed()
    {
        check_segment(sealed).expect("a good segment");
    }
}

#[test]
fn any_changed_byte_of_a_scavenged_segment_is_found() {
    let folder = TempDir::new().expect("a temporary folder");
    filled(folder.path(), 6);
    let before = scan(folder.path()).0;
    let done = scavenge(folder.path()).expect("scavenged");
    assert!(done.rewritten > 1);
    let log = folder.path().join("log");
    let files = LogFiles::open(&log).expect("a log");
    let sealed = files.sealed().iter();
    let scavenged = sealed.filter(|sealed| sealed.footer().scavenged.is_some());
    let path = scavenged.map(|sealed| sealed.path()).nth(1).expect("one");
    let clean = fs::read(&path).expect("read");
    for at in 0..clean.len() {
        let mut changed = clean.clone();
        changed[at] ^= 0x11;
        fs::write(&path, &changed).expect("write");
        let (scanned, error) = scan(folder.path());
        assert!(error.is_some(), "byte {at} was not found");
        assert!(
            scanned.iter().all(|event| before.contains(event)),
            "byte {at}"
        );
    }
    fs::write(&path, &clean).expect("write");
    assert!(scan(folder.path()).1.is_none());
}

#[test]
fn rules_that_are_loosened_later_bring_nothing_back_and_break_no_reader() {
    let folder = TempDir::new().expect("a temporary folder");
    filled(folder.path(), 20);
    scavenge(folder.path()).expect("scavenged");
    let store = open(folder.path());
    set_metadata(&store, "few-1", "{}", 95_001);
    set_metadata(&store, "cut-1", r#"{"$maxAge":100000000}"#, 95_002);
    for (stream, first) in [("few-1", 36), ("cut-1", 20)] {
        let mut forwards = Vec::new();
        let mut from = None;
        loop {
            let limit = PageLimit {
                events: 3,
                bytes: usize::MAX,
            };
            let page = store.read_page(stream, from, Direction::Forwards, limit, false);
            let StreamPage::Events { events, next, .. } = page.expect("readable") else {
                panic!("{stream} has events")
            };
            let events = events.into_iter().map(|event| event.original().revision);
            forwards.extend(events);
            from = next;
            if from.is_none() {
                break;
            }
        }
        assert!(forwards.into_iter().eq(first..40), "{stream}");
        let mut backwards = 0;
        let mut from = None;
        loop {
            let page = store.read_page(stream, from, Direction::Backwards, WHOLE, false);
            let StreamPage::Events { events, next, .. } = page.expect("readable") else {
                panic!("{stream} has events")
            };
            backwards += events.len() as u64;
            from = next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(backwards, 40 - first, "{stream}");
    }
    // The ids of what is gone are still known, and lead nowhere.
    let again = Append {
        stream: Arc::from("gone-1"),
        expected: ExpectedRevision::Any,
        events: vec![event(31, "")],
    };
    assert!(
        !wait(store.append_to(again))
            .expect("a new event")
            .already_there
    );
    // Links of virtual streams keep their numbers.
    let page = store.read_page("$ce-few", None, Direction::Forwards, WHOLE, true);
    let StreamPage::Events { events, .. } = page.expect("readable") else {
        panic!("the category has events")
    };
    let revisions = events.iter().map(|event| event.original().revision);
    assert!(revisions.eq(36..40));
    assert_eq!(
        store.last_position(),
        all(&store).last().map(|event| event.position)
    );
    store.close();
    assert!(scan(folder.path()).1.is_none());
}

#[test]
fn a_stream_is_read_on_behind_what_was_scavenged() {
    let folder = TempDir::new().expect("a temporary folder");
    filled(folder.path(), 40);
    scavenge(folder.path()).expect("scavenged");
    let store = open(folder.path());
    set_metadata(&store, "few-1", "{}", 95_001);
    let cases = [
        ("few-1", 0, 1, 76..77),
        ("few-1", 0, 3, 76..79),
        ("few-1", 74, 4, 76..80),
        ("few-1", 0, usize::MAX, 76..80),
        ("few-1", 77, 9, 77..80),
        ("few-1", 80, 9, 80..80),
        ("cut-1", 3, 50, 40..80),
        ("cut-1", 3, 20, 40..60),
        ("gone-1", 0, 9, 0..0),
        ("ended-1", 0, 9, 0..0),
        ("kept-1", 3, 9, 3..12),
        ("none", 0, 9, 0..0),
    ];
    for (stream, from, most, expected) in cases {
        let events = store.read_stream(stream, from, most).expect("readable");
        let revisions = events.iter().map(|event| event.revision);
        assert!(revisions.eq(expected), "{stream} from {from}: {events:?}");
        assert!(events.iter().all(|event| &*event.stream == stream));
    }
}

/// A stream of which much was scavenged, and one of the same category of which nothing was.
fn mostly_gone(folder: &Path) {
    let store = open_in_segments(folder);
    for round in 0..40u128 {
        let ids: Vec<u128> = (0..1_000)
            .map(|number| 1 + round * 1_000 + number)
            .collect();
        append(&store, vec![commit("x-1", round as u64 * 1_000, &ids)]);
    }
    wait(store.delete("x-1", ExpectedRevision::Any)).expect("deleted softly");
    append(&store, vec![commit("x-2", 0, &[90_001, 90_002, 90_003])]);
    store.close();
    let done = scavenge(folder).expect("scavenged");
    assert_eq!(done.removed_events, 40_000);
}

#[test]
fn what_was_scavenged_from_a_virtual_stream_is_passed_over_in_parts() {
    let folder = TempDir::new().expect("a temporary folder");
    mostly_gone(folder.path());
    let store = open(folder.path());
    let limit = PageLimit {
        events: 1,
        bytes: usize::MAX,
    };
    let (mut found, mut empty, mut from) = (Vec::new(), 0, None);
    loop {
        let page = store.read_page("$ce-x", from, Direction::Forwards, limit, true);
        let StreamPage::Events { events, next, .. } = page.expect("readable") else {
            panic!("the category has events")
        };
        assert!(events.len() <= 1);
        empty += u32::from(events.is_empty());
        let events = events.into_iter().filter_map(|event| event.event);
        found.extend(events.map(|event| event.id.as_u128()));
        from = next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(found, [90_001, 90_002, 90_003]);
    assert!((1..=3).contains(&empty), "{empty} empty pages");
    // Backwards from before what is left: there is nothing more.
    let mut from = Some(39_999);
    let mut pages = 0;
    while from.is_some() {
        let page = store.read_page("$ce-x", from, Direction::Backwards, limit, true);
        let StreamPage::Events { events, next, .. } = page.expect("readable") else {
            panic!("the category has events")
        };
        assert!(events.is_empty(), "{events:?}");
        from = next;
        pages += 1;
    }
    assert!((2..=4).contains(&pages), "{pages} pages");
}

#[tokio::test]
async fn a_subscription_goes_on_behind_what_was_scavenged() {
    let folder = TempDir::new().expect("a temporary folder");
    std::thread::scope(|scope| {
        let filling = scope.spawn(|| mostly_gone(folder.path()));
        filling.join().expect("filled");
    });
    let store = open(folder.path());
    let mut subscription = store.subscribe_to_stream("$ce-x", None, true);
    let mut numbers = Vec::new();
    loop {
        let items = subscription.next().await.expect("subscribed");
        if items == [StreamItem::CaughtUp] {
            break;
        }
        for item in items {
            let StreamItem::Event(event) = item else {
                panic!("{item:?}")
            };
            numbers.push(event.event.map(|event| event.id.as_u128()));
        }
    }
    assert_eq!(numbers, [90_001, 90_002, 90_003].map(Some));
}

#[test]
fn the_export_of_a_scavenged_store_is_refused_with_the_way_that_works() {
    // Of a wholly scavenged stream no line is left that would show a gap.
    let only_gone = |folder: &Path| {
        let store = open_in_segments(folder);
        for round in 0..6u64 {
            let ids = [u128::from(round) * 2 + 1, u128::from(round) * 2 + 2];
            append(&store, vec![commit("gone-1", round * 2, &ids)]);
        }
        wait(store.delete("gone-1", ExpectedRevision::Any)).expect("deleted softly");
        append(&store, vec![commit("kept-1", 0, &[100])]);
        store.close();
    };
    let fill: [&dyn Fn(&Path); 2] = [&only_gone, &|folder| filled(folder, 6)];
    for fill in fill {
        let folder = TempDir::new().expect("a temporary folder");
        fill(folder.path());
        let export_of = || {
            let mut text = Vec::new();
            export(Scan::open(folder.path()).expect("a log"), &mut text).expect("written");
            text
        };
        let whole = check_export(&mut export_of().as_slice()).expect("without gaps");
        let done = scavenge(folder.path()).expect("scavenged");
        assert!(done.removed_commits > 0);
        let text = export_of();
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(lines - 2, whole - done.removed_events);
        let error = check_export(&mut text.as_slice()).expect_err("scavenged");
        let removed = done.removed_commits;
        assert!(
            matches!(error, ImportError::Scavenged { removed_commits } if removed_commits == removed),
            "{error}"
        );
        assert!(error.to_string().contains("eventstore backup"), "{error}");
    }
}

#[test]
fn a_folder_without_a_store_is_not_scavenged_and_stays_as_it_is() {
    let folder = TempDir::new().expect("a temporary folder");
    let missing = folder.path().join("missing");
    for data in [folder.path(), &missing] {
        let error = scavenge(data).expect_err("there is no store");
        assert!(matches!(error, ScavengeError::NoStore { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
