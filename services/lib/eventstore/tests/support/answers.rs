//! Random steps of a store's life, and everything that a reader can ask it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use terrarium_eventlog::FaultyDisk;
use terrarium_eventstore::{
    AllCursor, Append, Clock, Direction, EventStore, ExpectedRevision, LogSettings, METADATA_TYPE,
    PageLimit, ProposedEvent, RecordedEvent, ResolvedEvent, StreamPage, Ticks,
};

use super::{Random, event, wait};

pub const STREAMS: [&str; 7] = ["a-1", "a-2", "b-1", "b-2", "plain", "$own", "links-1"];
pub const WHOLE: PageLimit = PageLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

/// An event without where it stands in the log, which differs between the two.
pub type Seen = (Arc<str>, u64, u128, Arc<str>, Ticks, Bytes, Bytes);

pub fn seen(event: &RecordedEvent) -> Seen {
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

pub fn seen_pair(event: &ResolvedEvent) -> (Option<Seen>, Option<Seen>) {
    (
        event.event.as_ref().map(seen),
        event.link.as_ref().map(seen),
    )
}

/// Everything that a reader can ask for, without positions.
pub fn everything(store: &EventStore) -> Vec<String> {
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

pub fn random_event(random: &mut Random, next_id: &mut u128) -> ProposedEvent {
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
pub enum Step {
    Append(Append),
    Delete(&'static str),
    Tombstone(&'static str),
    Reopen,
}

pub fn random_step(random: &mut Random, next_id: &mut u128) -> Step {
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
pub fn take(store: &EventStore, step: &Step) -> String {
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

pub fn open_sized(folder: &Path, segment_bytes: u64, now: &Arc<AtomicU64>) -> EventStore {
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
pub fn without_random_ids(answers: &[String]) -> Vec<String> {
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
