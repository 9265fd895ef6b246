//! A store written out as text and taken in again.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use terrarium_eventlog::RealDisk;
use terrarium_eventstore::{
    Clock, ContentType, EventStore, ExpectedRevision, ImportClock, ImportError, Imported,
    LogSettings, ProposedCommit, ProposedEvent, RecordedEvent, Scan, TOMBSTONE_REVISION, Ticks,
    check_export, export, import,
};
use uuid::Uuid;

fn event(number: u128) -> ProposedEvent {
    ProposedEvent {
        id: Uuid::from_u128(number),
        event_type: Arc::from(format!("happened-{}", number % 3)),
        content_type: if number.is_multiple_of(2) {
            ContentType::Json
        } else {
            ContentType::Binary
        },
        data: Bytes::from(vec![number as u8; (number % 300) as usize]),
        metadata: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

/// Streams with commits of several events, metadata, a soft deletion that was written on, and a tombstone.
async fn filled() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let (store, _) = EventStore::open(folder.path()).expect("an empty store opens");
    let mut number = 0;
    for round in 0..40 {
        let commits = ["a-1", "a-2", "b \"quoted\" \u{1f333}"]
            .map(|stream| ProposedCommit {
                stream: Arc::from(stream),
                expected_revision: round * 2,
                events: (0..2)
                    .map(|_| {
                        number += 1;
                        event(number)
                    })
                    .collect(),
            })
            .to_vec();
        for result in store.append(commits).await {
            result.expect("appended");
        }
    }
    store
        .delete("a-2", ExpectedRevision::Any)
        .await
        .expect("deleted softly");
    let on = ProposedCommit {
        stream: Arc::from("a-2"),
        expected_revision: 80,
        events: vec![event(9_001)],
    };
    store.append(vec![on]).await.remove(0).expect("written on");
    store
        .tombstone("a-1", ExpectedRevision::Any)
        .await
        .expect("deleted for ever");
    store.close();
    folder
}

fn exported(folder: &TempDir) -> Vec<u8> {
    let mut text = Vec::new();
    let scan = Scan::open(folder.path()).expect("an undamaged log");
    export(scan, &mut text).expect("written");
    text
}

async fn imported(folder: &TempDir, text: &[u8]) -> Result<Imported, ImportError> {
    let clock = ImportClock::default();
    let (store, _) =
        EventStore::open_with(&RealDisk, folder.path(), clock.clock()).expect("it opens");
    let imported = import(&store, &clock, &mut Cursor::new(text)).await;
    store.close();
    imported
}

/// What a move may not change.
fn content(folder: &TempDir) -> Vec<RecordedEvent> {
    let scan = Scan::open(folder.path()).expect("an undamaged log");
    scan.map(|event| {
        let mut event = event.expect("an undamaged log");
        event.position = terrarium_eventstore::Position(0);
        if event.revision == TOMBSTONE_REVISION {
            event.id = Uuid::nil();
        }
        event
    })
    .collect()
}

#[tokio::test]
async fn what_is_written_out_and_taken_in_is_the_same_and_taken_in_again_changes_nothing() {
    let original = filled().await;
    let text = exported(&original);
    let events = content(&original).len() as u64;
    assert_eq!(check_export(&mut Cursor::new(&text)).expect("good"), events);

    let copy = TempDir::new().expect("a temporary folder");
    let first = imported(&copy, &text).await.expect("taken in");
    assert_eq!((first.imported, first.already_there), (events, 0));
    assert_eq!(content(&copy), content(&original));
    let again = imported(&copy, &text).await.expect("taken in again");
    assert_eq!((again.imported, again.already_there), (0, events));
    assert_eq!(content(&copy), content(&original));
    let same = imported(&original, &text).await.expect("its own export");
    assert_eq!((same.imported, same.already_there), (0, events));
}

#[tokio::test]
async fn an_import_that_was_cut_off_anywhere_is_finished_by_the_next() {
    let original = filled().await;
    let text = exported(&original);
    let events = content(&original).len() as u64;
    for cut in (10..text.len()).step_by(text.len() / 17) {
        let copy = TempDir::new().expect("a temporary folder");
        let error = imported(&copy, &text[..cut]).await.expect_err("cut off");
        assert!(
            matches!(error, ImportError::CutOff { .. } | ImportError::Line { .. }),
            "{error}"
        );
        let finished = imported(&copy, &text).await.expect("taken in");
        assert_eq!(finished.imported + finished.already_there, events);
        assert_eq!(content(&copy), content(&original), "cut at {cut}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_line() {
    let original = filled().await;
    let text = String::from_utf8(exported(&original)).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let with_line = |place: usize, line: &str| {
        let mut lines = lines.clone();
        lines[place] = line;
        lines.join("\n") + "\n"
    };
    let long = format!("{{\"stream\":\"{}\"}}", "x".repeat(2 << 20));
    let cases = [
        ("".to_owned(), "ends after line 0"),
        ("{}\n".to_owned(), "line 1 of the export is wrong"),
        (
            with_line(0, "{\"terrarium_eventstore_export\":2}"),
            "form 2",
        ),
        (with_line(3, "{\"stream\":\"a\"}"), "line 4"),
        (
            with_line(3, &long),
            "line 4 of the export is wrong: it has more than",
        ),
        (
            with_line(3, &lines[3].replace("\"data\":\"", "\"data\":\"*")),
            "line 4",
        ),
        (
            with_line(3, &lines[3].replace("\"json\"", "\"jason\"")),
            "line 4",
        ),
        (
            with_line(lines.len() - 1, "{\"events\":7,\"sha256\":\"\"}"),
            "number of events",
        ),
        (text.replacen("happened-1", "happened-4", 1), "the bytes"),
        (text.clone() + "more\n", "nothing may follow"),
        (
            lines[..lines.len() - 1].join("\n") + "\n",
            "without its last line",
        ),
        (text.trim_end().to_owned(), "ends after line"),
    ];
    for (wrong, said) in cases {
        let error = check_export(&mut Cursor::new(&wrong)).expect_err(said);
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
}

#[tokio::test]
async fn what_contradicts_the_store_is_refused_and_leaves_it_as_it_was() {
    let original = filled().await;
    let text = exported(&original);
    let other = TempDir::new().expect("a temporary folder");
    let (store, _) = EventStore::open(other.path()).expect("an empty store opens");
    let commit = ProposedCommit {
        stream: Arc::from("a-1"),
        expected_revision: 0,
        events: vec![event(77_777)],
    };
    store
        .append(vec![commit])
        .await
        .remove(0)
        .expect("appended");
    store.close();
    let error = imported(&other, &text)
        .await
        .expect_err("another stream a-1");
    assert!(
        matches!(error, ImportError::Conflict { line: 2, .. }),
        "{error}"
    );
    let kept = content(&other);
    assert_eq!(kept[0].id, Uuid::from_u128(77_777));
    assert!(kept[1..].iter().all(|event| &*event.stream != "a-1"));
}

#[tokio::test]
async fn a_tombstone_of_an_export_ends_no_stream_that_holds_other_events() {
    let original = filled().await;
    let text = exported(&original);
    let ended = content(&original)
        .iter()
        .filter(|event| &*event.stream == "a-1")
        .count() as u64
        - 1;
    for tombstoned_before in [false, true] {
        let other = TempDir::new().expect("a temporary folder");
        imported(&other, &text).await.expect("taken in");
        // The same store, but a-1 had one event more before it ended.
        let longer = TempDir::new().expect("a temporary folder");
        let long_ago = Clock::new(|| Ticks(1));
        let (store, _) = EventStore::open_with(&RealDisk, longer.path(), long_ago)
            .expect("an empty store opens");
        for event in content(&other) {
            if &*event.stream != "a-1" || event.revision == TOMBSTONE_REVISION {
                continue;
            }
            let commit = ProposedCommit {
                stream: event.stream.clone(),
                expected_revision: event.revision,
                events: vec![ProposedEvent {
                    id: event.id,
                    event_type: event.event_type,
                    content_type: event.content_type,
                    data: event.data,
                    metadata: event.metadata,
                }],
            };
            store.append(vec![commit]).await.remove(0).expect("there");
        }
        let one_more = ProposedCommit {
            stream: Arc::from("a-1"),
            expected_revision: ended,
            events: vec![event(88_888)],
        };
        store.append(vec![one_more]).await.remove(0).expect("new");
        if tombstoned_before {
            let ended = store.tombstone("a-1", ExpectedRevision::Any).await;
            ended.expect("deleted for ever");
        }
        store.close();
        let error = imported(&longer, &text).await.expect_err("it holds more");
        assert!(matches!(error, ImportError::Conflict { .. }), "{error}");
        let said = format!(
            "ends a-1 after {ended} events, and the store has {}",
            ended + 1
        );
        assert!(error.to_string().contains(&said), "{error}");
        let tombstones = content(&longer)
            .iter()
            .filter(|event| event.revision == TOMBSTONE_REVISION)
            .count();
        assert_eq!(tombstones, usize::from(tombstoned_before));
    }
}

#[tokio::test]
async fn what_is_older_than_the_newest_event_of_the_store_is_refused_and_keeps_no_other_time() {
    let original = filled().await;
    let text = exported(&original);
    let newest = content(&original).last().expect("an event").recorded;
    // Part of it is there, and something that is newer: in the unsealed segment, or in a sealed one.
    for segment_bytes in [1, LogSettings::DEFAULT_SEGMENT_BYTES] {
        let other = TempDir::new().expect("a temporary folder");
        let cut = text.len() / 2;
        imported(&other, &text[..cut]).await.expect_err("cut off");
        let settings = LogSettings {
            segment_bytes,
            ..LogSettings::default()
        };
        let later = Clock::new(move || Ticks(newest.0 + 1));
        let opened = EventStore::open_settings(&RealDisk, other.path(), later, settings);
        let (store, _) = opened.expect("the store opens");
        let commit = ProposedCommit {
            stream: Arc::from("newer"),
            expected_revision: 0,
            events: vec![event(77_777)],
        };
        let appended = store.append(vec![commit]).await.remove(0);
        appended.expect("appended");
        store.close();
        let before = content(&other);
        let error = imported(&other, &text).await.expect_err("older");
        // The head, then what is there.
        let there = before.len() as u64 - 1;
        assert!(
            matches!(error, ImportError::Older { line } if line > there && line <= there + 2),
            "{there} are there: {error}"
        );
        assert!(error.to_string().contains("an empty one"), "{error}");
        assert_eq!(content(&other), before);
    }
}
