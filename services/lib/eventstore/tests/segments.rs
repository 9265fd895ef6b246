//! A store in many segments answers like one in a single segment, and a log of the first format goes on.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use support::{all, append, commit, event, ids, open, open_in_segments, scan, wait};
use tempfile::TempDir;
use terrarium_eventlog::{
    FaultyDisk, LogFiles, SealFault, check_segment, frame_checksum, list_segments,
    segment_file_name,
};
use terrarium_eventstore::{
    AllCursor, Append, AppendError, Clock, Direction, EventStore, ExpectedRevision, LogSettings,
    METADATA_TYPE, PageLimit, Position, ProposedEvent, RecordedEvent, ResolvedEvent, Scan,
    ScanProblem, StreamPage, Ticks, back_up, restore,
};

/// Random numbers from a seed: SplitMix64.
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

const STREAMS: [&str; 7] = ["a-1", "a-2", "b-1", "b-2", "plain", "$own", "links-1"];
const WHOLE: PageLimit = PageLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

/// An event without where it stands in the log, which differs between the two.
type Seen = (Arc<str>, u64, u128, Arc<str>, Ticks, Bytes, Bytes);

fn seen(event: &RecordedEvent) -> Seen {
    (
        event.stream.clone(),
        event.revision,
        event.id.as_u128(),
        event.event_type.clone(),
        event.recorded,
        event.data.clone(),
        event.metadata.clone(),
    )
}

fn seen_pair(event: &ResolvedEvent) -> (Option<Seen>, Option<Seen>) {
    (
        event.event.as_ref().map(seen),
        event.link.as_ref().map(seen),
    )
}

/// Everything that a reader can ask for, without positions.
fn everything(store: &EventStore) -> Vec<String> {
    let mut answers = Vec::new();
    let statistics = store.statistics();
    answers.push(format!(
        "{} {} {}",
        statistics.events, statistics.commits, statistics.streams
    ));
    for cursor in [AllCursor::START, AllCursor::END] {
        let events = store.read_all_page(cursor, WHOLE).expect("readable");
        answers.push(format!("{:?}", events.iter().map(seen).collect::<Vec<_>>()));
    }
    for prefix in ["", "a-", "b", "$", "$$", "none"] {
        answers.push(format!("{:?}", store.streams_with_prefix(prefix)));
    }
    let virtual_streams = [
        "$ce-a",
        "$ce-b",
        "$ce-links",
        "$et-one",
        "$et-two",
        "$et-none",
    ];
    let metadata: Vec<String> = STREAMS.iter().map(|stream| format!("$${stream}")).collect();
    let streams = STREAMS.iter().copied().chain(virtual_streams);
    for stream in streams.chain(metadata.iter().map(String::as_str)) {
        answers.push(format!("{stream} {}", store.stream_revision(stream)));
        let events = store.read_stream(stream, 1, 5).expect("readable");
        answers.push(format!("{:?}", events.iter().map(seen).collect::<Vec<_>>()));
        for direction in [Direction::Forwards, Direction::Backwards] {
            for (from, events) in [(None, usize::MAX), (Some(2), 3), (Some(4), 1)] {
                let limit = PageLimit {
                    events,
                    bytes: usize::MAX,
                };
                let page = store
                    .read_page(stream, from, direction, limit, true)
                    .expect("readable");
                answers.push(match page {
                    StreamPage::NotFound => "not found".to_owned(),
                    StreamPage::Tombstoned { .. } => "tombstoned".to_owned(),
                    StreamPage::Events {
                        events,
                        next,
                        first_revision,
                        last_revision,
                    } => format!(
                        "{:?} {next:?} {first_revision} {last_revision}",
                        events.iter().map(seen_pair).collect::<Vec<_>>()
                    ),
                });
            }
        }
    }
    answers
}

fn random_event(random: &mut Random, next_id: &mut u128) -> ProposedEvent {
    // Now and then an id that was used before: a retry, or a part of one.
    let id = if random.below(6) == 0 {
        u128::from(random.below(*next_id as u64 + 1))
    } else {
        *next_id += 1;
        *next_id
    };
    let kind = ["one", "two", "three"][random.below(3) as usize];
    ProposedEvent {
        event_type: Arc::from(kind),
        ..event(id, &"x".repeat(random.below(60) as usize))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(Append),
    Delete(&'static str),
    Tombstone(&'static str),
    Reopen,
}

fn random_step(random: &mut Random, next_id: &mut u128) -> Step {
    let stream = STREAMS[random.below(6) as usize];
    let expected = match random.below(5) {
        0 => ExpectedRevision::NoStream,
        1 => ExpectedRevision::StreamExists,
        2 => ExpectedRevision::Exact(random.below(12)),
        _ => ExpectedRevision::Any,
    };
    let of = |stream: String, expected, events| {
        Step::Append(Append {
            stream: Arc::from(stream),
            expected,
            events,
        })
    };
    match random.below(40) {
        0 | 1 => Step::Reopen,
        2 | 3 => Step::Delete(stream),
        4 if random.below(4) == 0 => Step::Tombstone(stream),
        5..=7 => {
            let key = ["$maxCount", "$maxAge", "$tb"][random.below(3) as usize];
            let mut metadata = random_event(random, next_id);
            metadata.event_type = Arc::from(METADATA_TYPE);
            metadata.data = Bytes::from(format!("{{\"{key}\": {}}}", 1 + random.below(6)));
            of(format!("$${stream}"), ExpectedRevision::Any, vec![metadata])
        }
        8..=10 => {
            let mut link = random_event(random, next_id);
            link.event_type = Arc::from("$>");
            link.data = Bytes::from(format!("{}@{stream}", random.below(8)));
            of("links-1".to_owned(), ExpectedRevision::Any, vec![link])
        }
        _ => {
            let count = 1 + random.below(4);
            let events = (0..count).map(|_| random_event(random, next_id)).collect();
            of(stream.to_owned(), expected, events)
        }
    }
}

/// The answer without positions. Tombstones and deletions have random ids, so what they return is all that is compared.
fn take(store: &EventStore, step: &Step) -> String {
    let written = match step {
        Step::Append(append) => wait(store.append_to(append.clone())),
        Step::Delete(stream) => wait(store.delete(stream, ExpectedRevision::Any)),
        Step::Tombstone(stream) => wait(store.tombstone(stream, ExpectedRevision::Any)),
        Step::Reopen => return String::new(),
    };
    match written {
        Ok(written) => format!("{:?} {}", written.revision, written.already_there),
        Err(error) => error.to_string(),
    }
}

fn open_sized(folder: &Path, segment_bytes: u64, now: &Arc<AtomicU64>) -> EventStore {
    let now = now.clone();
    let settings = LogSettings {
        segment_bytes,
        low_disk_bytes: 0,
    };
    let clock = Clock::new(move || Ticks(now.load(Ordering::Relaxed)));
    EventStore::open_settings(&FaultyDisk::without_syncs(), folder, clock, settings)
        .expect("the store opens")
        .0
}

/// Ids of deletions and tombstones are random; the rest of what is told must be the same.
fn without_random_ids(answers: &[String]) -> Vec<String> {
    let is_id = |word: &str| word.len() > 30 && word.bytes().all(|byte| byte.is_ascii_digit());
    answers
        .iter()
        .map(|answer| {
            answer
                .split(", ")
                .map(|word| if is_id(word) { "id" } else { word })
                .collect::<Vec<_>>()
                .join(", ")
        })
        .collect()
}

#[test]
fn a_store_in_many_segments_answers_like_one_in_a_single_segment() {
    for seed in 0..6 {
        let mut random = Random(seed);
        let (folder, one_folder) = (TempDir::new(), TempDir::new());
        let folder = folder.expect("a temporary folder");
        let one_folder = one_folder.expect("a temporary folder");
        let now = Arc::new(AtomicU64::new(1_000 * Ticks::PER_SECOND));
        let sizes = [120 + random.below(900), u64::MAX];
        let mut stores = [&folder, &one_folder]
            .iter()
            .zip(sizes)
            .map(|(folder, size)| open_sized(folder.path(), size, &now))
            .collect::<Vec<_>>();
        let mut next_id = 0;
        for number in 0..120 {
            let step = random_step(&mut random, &mut next_id);
            // A clock that goes back now and then.
            let second = 1_000 + number / 4 - random.below(3);
            now.store(second * Ticks::PER_SECOND, Ordering::Relaxed);
            if matches!(step, Step::Reopen) {
                for store in stores.drain(..) {
                    store.close();
                }
                stores = [&folder, &one_folder]
                    .iter()
                    .zip(sizes)
                    .map(|(folder, size)| open_sized(folder.path(), size, &now))
                    .collect();
            }
            let answers: Vec<String> = stores.iter().map(|store| take(store, &step)).collect();
            assert_eq!(
                answers[0], answers[1],
                "seed {seed}, step {number}: {step:?}"
            );
            if number % 40 == 39 {
                let found: Vec<_> = stores
                    .iter()
                    .map(|store| without_random_ids(&everything(store)))
                    .collect();
                for (many, one) in found[0].iter().zip(&found[1]) {
                    assert_eq!(many, one, "seed {seed}, step {number}");
                }
            }
        }
        assert!(
            list_segments(&folder.path().join("log"))
                .expect("a log")
                .len()
                > 5
        );
        let events = all(&stores[0]);
        let (scanned, error) = scan(folder.path());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(scanned, events);
        check_every_position(&stores[0], &events);
    }
}

fn check_every_position(store: &EventStore, events: &[RecordedEvent]) {
    let few = PageLimit {
        events: 2,
        bytes: usize::MAX,
    };
    let end = store.statistics().bytes;
    let around_events = events
        .iter()
        .flat_map(|event| event.position.0 - 2..event.position.0 + 2);
    // Headers of segments are between events that are far from each other.
    let between = events.windows(2).flat_map(|pair| {
        let gap = pair[0].position.0 + 16..pair[1].position.0;
        gap.step_by(23)
    });
    for byte in around_events
        .chain(between)
        .chain(0..64)
        .chain(end - 9..end + 9)
    {
        let position = Position(byte);
        let after = events.partition_point(|event| event.position <= position);
        let at = events.partition_point(|event| event.position < position);
        let is_event = after > at;
        let page = store.read_all(Some(position), 2, usize::MAX);
        assert_eq!(page.is_ok(), is_event, "byte {byte}");
        if let Ok(page) = page {
            assert_eq!(page, events[after..events.len().min(after + 2)]);
        }
        assert_eq!(store.event_at(position).is_ok(), is_event, "byte {byte}");
        let forwards = store.read_all_page(AllCursor::ForwardsFrom(position), few);
        assert_eq!(
            forwards.expect("readable"),
            events[at..events.len().min(at + 2)],
            "byte {byte}"
        );
        let backwards = store.read_all_page(AllCursor::BackwardsBefore(position), few);
        let expected: Vec<_> = events[..at].iter().rev().take(2).cloned().collect();
        assert_eq!(backwards.expect("readable"), expected, "byte {byte}");
    }
}

#[test]
fn a_store_of_the_first_format_is_taken_over_whole_and_goes_on_in_segments() {
    let old = include_bytes!("fixtures/format-1.log");
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("log")).expect("made");
    fs::write(folder.path().join("log/events.log"), old).expect("written");
    let (before, error) = scan(folder.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(before.len(), 28);
    let copy = TempDir::new().expect("a temporary folder");
    back_up(folder.path(), copy.path()).expect("copied in the first format");
    for folder in [folder.path(), copy.path()] {
        let store = open_in_segments(folder);
        assert_eq!(all(&store), before);
        let revisions =
            ["meter-0", "meter-1", "many-1", "links"].map(|stream| store.stream_revision(stream));
        assert_eq!(revisions, [7, 7, 4, 1]);
        let page = |stream: &str| {
            store
                .read_page(stream, None, Direction::Forwards, WHOLE, true)
                .expect("readable")
        };
        let StreamPage::Events { first_revision, .. } = page("meter-0") else {
            panic!("its metadata keeps two events")
        };
        assert_eq!(first_revision, 5);
        assert_eq!(page("meter-1"), StreamPage::NotFound);
        assert!(matches!(page("meter-2"), StreamPage::Tombstoned { .. }));
        for number in 0..40u64 {
            let results = append(
                &store,
                vec![commit("new", number, &[1_000 + u128::from(number)])],
            );
            assert!(results[0].is_ok());
        }
        // Retries without a revision are known from the index of what was sealed.
        store.close();
        let store = open_in_segments(folder);
        let again = Append {
            stream: Arc::from("many-1"),
            expected: ExpectedRevision::Any,
            events: [100, 101, 102, 103].map(|id| event(id, "")).to_vec(),
        };
        assert!(wait(store.append_to(again)).expect("there").already_there);
        assert_eq!(ids(&all(&store))[..28], ids(&before));
        assert_eq!(all(&store).len(), 68);
        store.close();
        assert!(list_segments(&folder.join("log")).expect("a log").len() > 3);
        assert!(scan(folder).1.is_none());
    }
}

/// Appends numbered commits until the power goes; answers what was acknowledged.
fn append_until_crash(store: &EventStore, random: &mut Random, next_id: &mut u128) -> Vec<u128> {
    let mut acknowledged = Vec::new();
    for _ in 0..200 {
        let mut appends = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..1 + random.below(4) {
            let stream = format!("s-{}", random.below(5));
            let events: Vec<_> = (0..1 + random.below(3))
                .map(|_| {
                    *next_id += 1;
                    event(*next_id, &"y".repeat(random.below(90) as usize))
                })
                .collect();
            expected.push(
                events
                    .iter()
                    .map(|event| event.id.as_u128())
                    .collect::<Vec<_>>(),
            );
            appends.push(Append {
                stream: Arc::from(stream),
                expected: ExpectedRevision::Any,
                events,
            });
        }
        let results = wait(async { store.queue(appends).await.results().await });
        let failed = results.iter().any(Result::is_err);
        for (result, ids) in results.into_iter().zip(expected) {
            if result.is_ok() {
                acknowledged.extend(ids);
            }
        }
        if failed {
            break;
        }
    }
    acknowledged
}

#[test]
fn power_cuts_at_random_moments_lose_nothing_acknowledged_and_keep_the_order() {
    let rounds = if std::env::var_os("TERRARIUM_TEST_LONG").is_some() {
        3_000
    } else {
        30
    };
    let settings = LogSettings {
        segment_bytes: 1_500,
        low_disk_bytes: 0,
    };
    for seed in 0..rounds {
        let mut random = Random(seed);
        let folder = TempDir::new().expect("a temporary folder");
        let mut acknowledged = Vec::new();
        let mut next_id = 0;
        for _ in 0..4 {
            let disk = FaultyDisk::new();
            disk.crash_after(1 + random.below(250), random.below(u64::MAX));
            let opened = EventStore::open_settings(&disk, folder.path(), Clock::system(), settings);
            if let Ok((store, _)) = opened {
                acknowledged.extend(append_until_crash(&store, &mut random, &mut next_id));
                store.close();
            } else {
                assert!(disk.has_crashed(), "seed {seed}: {opened:?}");
            }
            disk.power_cut().expect("the real disk works");
            let store = EventStore::open_settings(
                &FaultyDisk::without_syncs(),
                folder.path(),
                Clock::system(),
                settings,
            )
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
            .0;
            let found = all(&store);
            let found_ids = ids(&found);
            assert!(found_ids.is_sorted(), "seed {seed}");
            // What was not acknowledged may be there, but only between and behind what was.
            let mut place = found_ids.iter();
            for id in &acknowledged {
                assert!(place.any(|found| found == id), "seed {seed}: {id} is lost");
            }
            assert!(found_ids.last().is_none_or(|last| *last <= next_id));
            let mut by_stream: BTreeMap<Arc<str>, Vec<RecordedEvent>> = BTreeMap::new();
            for event in &found {
                by_stream
                    .entry(event.stream.clone())
                    .or_default()
                    .push(event.clone());
            }
            for (stream, events) in by_stream {
                let read = store.read_stream(&stream, 0, usize::MAX).expect("readable");
                assert_eq!(read, events, "seed {seed}");
                assert!(
                    events
                        .iter()
                        .zip(0..)
                        .all(|(event, revision)| event.revision == revision)
                );
            }
            store.close();
            let (scanned, error) = scan(folder.path());
            assert!(error.is_none(), "seed {seed}: {error:?}");
            assert_eq!(scanned, found, "seed {seed}");
        }
    }
}

#[test]
fn any_changed_byte_of_a_sealed_segment_is_named_by_a_scan_and_never_read_as_something_else() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for number in 0..30u64 {
        append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
    }
    let events = all(&store);
    store.close();
    let bases = list_segments(&folder.path().join("log")).expect("a log");
    let path = folder.path().join("log").join(segment_file_name(bases[1]));
    let clean = fs::read(&path).expect("read");
    for at in 0..clean.len() {
        let mut changed = clean.clone();
        changed[at] ^= 0x40;
        fs::write(&path, &changed).expect("write");
        let (scanned, error) = scan(folder.path());
        let error = error.unwrap_or_else(|| panic!("byte {at} was not found"));
        assert!(
            error.path == path || matches!(error.problem, ScanProblem::Segment(_)),
            "byte {at}: {error}"
        );
        assert_eq!(scanned, events[..scanned.len()]);
        // A store that opens all the same refuses to read what is damaged.
        let opened = EventStore::open_on(&FaultyDisk::without_syncs(), folder.path());
        let Ok((store, _)) = opened else {
            continue;
        };
        match store.read_stream("a-1", 0, usize::MAX) {
            Ok(read) => assert_eq!(read, events),
            Err(error) => assert!(error.to_string().contains("backup"), "{error}"),
        }
        if let Ok(read) = store.read_all(None, usize::MAX, usize::MAX) {
            assert_eq!(read, events);
        }
        store.close();
    }
    fs::write(&path, &clean).expect("write");
    assert!(scan(folder.path()).1.is_none());
}

#[test]
fn a_forged_record_with_its_checksum_made_good_is_named_by_the_tree_hash() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for number in 0..30u64 {
        append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
    }
    let forged = all(&store)[1].clone();
    store.close();
    let frame = LogFiles::open(&folder.path().join("log"))
        .expect("a log")
        .frames(1 << 20)
        .expect("readable")
        .map(|frame| frame.expect("a good frame"))
        .find(|frame| frame.next_position() > forged.position.0)
        .expect("the event's frame");
    let path = support::log_file(folder.path());
    let mut bytes = fs::read(&path).expect("read");
    let mut body = frame.body.to_vec();
    let digit = body.windows(9).position(|text| text == b"data of 1");
    body[digit.expect("the event's data") + 8] = b'7';
    let (at, body_at) = (frame.position as usize, frame.body_position() as usize);
    let checksum = frame_checksum(frame.position, frame.batch, &body);
    bytes[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
    bytes[body_at..body_at + body.len()].copy_from_slice(&body);
    fs::write(&path, bytes).expect("write");
    let error = scan(folder.path()).1.expect("forged");
    assert!(
        matches!(error.problem, ScanProblem::Seal(SealFault::Records { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("changed"), "{error}");
}

#[test]
fn a_copy_of_an_open_store_is_a_store_and_is_brought_back() {
    let folder = TempDir::new().expect("a temporary folder");
    let copy = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    for round in 0..4u64 {
        for number in round * 10..round * 10 + 10 {
            append(&store, vec![commit("a-1", number, &[u128::from(number)])]);
        }
        let copied = store.back_up(copy.path()).expect("copied");
        assert_eq!(copied.end, store.statistics().bytes);
        let back = TempDir::new().expect("a temporary folder");
        restore(copy.path(), back.path()).expect("brought back");
        assert_eq!(all(&open(back.path())), all(&store));
        assert!(
            restore(copy.path(), back.path()).is_err(),
            "there is a store already"
        );
    }
    assert!(restore(copy.path(), folder.path()).is_err(), "it is in use");
    for sealed in LogFiles::open(&copy.path().join("log"))
        .expect("a log")
        .sealed()
    {
        check_segment(sealed).expect("a good segment");
    }
    let until = store.last_position().expect("an event");
    assert_eq!(
        Scan::open(copy.path()).expect("a log").until(until).count(),
        40
    );
}

#[test]
fn a_disk_that_is_nearly_full_takes_no_appends_and_takes_them_again_later() {
    let folder = TempDir::new().expect("a temporary folder");
    let disk = FaultyDisk::new();
    let (store, _) = EventStore::open_on(&disk, folder.path()).expect("the store opens");
    assert!(append(&store, vec![commit("a-1", 0, &[1])])[0].is_ok());
    disk.say_free_bytes(LogSettings::DEFAULT_LOW_DISK_BYTES - 1);
    let refused = append(&store, vec![commit("a-1", 1, &[2])]).remove(0);
    assert!(
        matches!(refused, Err(AppendError::StorageFull(_))),
        "{refused:?}"
    );
    assert_eq!(ids(&all(&store)), [1]);
    disk.say_free_bytes(LogSettings::DEFAULT_LOW_DISK_BYTES);
    assert!(append(&store, vec![commit("a-1", 1, &[2])])[0].is_ok());
}
