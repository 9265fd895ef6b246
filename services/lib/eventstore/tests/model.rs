//! The store against a model that is a few lines long.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use support::{all, append, commit, ids, open, open_in_segments, scan, wait};
use tempfile::TempDir;
use terrarium_eventstore::{AppendError, EventStore, Position};

/// Streams as lists of ids, and the global order.
#[derive(Default)]
struct Model {
    streams: BTreeMap<String, Vec<u128>>,
    order: Vec<u128>,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Appended(u64),
    AlreadyThere(u64),
    Wrong(u64),
}

impl Model {
    fn append(&mut self, stream: &str, expected: u64, new: &[u128]) -> Answer {
        let present = self.streams.entry(stream.to_owned()).or_default();
        let actual = present.len() as u64;
        let next = expected + new.len() as u64;
        if expected == actual {
            present.extend(new);
            self.order.extend(new);
            return Answer::Appended(next);
        }
        if next <= actual && present[expected as usize..next as usize] == *new {
            return Answer::AlreadyThere(next);
        }
        Answer::Wrong(actual)
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Commits of (stream, offset from the actual revision, number of events, repeat the ids that are there).
    Append(Vec<(u8, i8, u8, bool)>),
    Reopen,
    TornEnd(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let commit = (
        0..4u8,
        prop_oneof![4 => Just(0i8), 2 => -4..3i8],
        1..4u8,
        any::<bool>(),
    );
    prop_oneof![
        12 => prop::collection::vec(commit, 0..6).prop_map(Step::Append),
        1 => Just(Step::Reopen),
        1 => prop::collection::vec(1..=u8::MAX, 1..60).prop_map(Step::TornEnd),
    ]
}

fn check_against(store: &EventStore, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(ids(&all(store)), model.order.clone());
    for (stream, expected) in &model.streams {
        prop_assert_eq!(store.stream_revision(stream), expected.len() as u64);
        for from in 0..=expected.len() {
            let page = store.read_stream(stream, from as u64, 3).expect("readable");
            prop_assert_eq!(
                ids(&page),
                expected[from..].iter().copied().take(3).collect::<Vec<_>>()
            );
            prop_assert!(
                page.iter()
                    .zip(from as u64..)
                    .all(|(event, revision)| event.revision == revision)
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_like_the_model_through_appends_reopenings_and_torn_ends(
        steps in prop::collection::vec(step(), 1..25)
    ) {
        let folder = TempDir::new().expect("a temporary folder");
        let mut store = open_in_segments(folder.path());
        let mut model = Model::default();
        let mut next_id = 1u128;
        for step in steps {
            match step {
                Step::Append(wanted) => {
                    let mut commits = Vec::new();
                    let mut expected_answers = Vec::new();
                    for (stream, offset, count, repeat) in wanted {
                        let stream = format!("stream-{stream}");
                        let present = model.streams.get(&stream).cloned().unwrap_or_default();
                        let expected = (present.len() as i64 + i64::from(offset)).max(0) as usize;
                        let there = present.get(expected..expected + usize::from(count)).filter(|_| repeat);
                        let new: Vec<u128> = match there {
                            Some(ids) => ids.to_vec(),
                            None => (0..u128::from(count)).map(|number| next_id + number).collect(),
                        };
                        next_id += u128::from(count);
                        expected_answers.push(model.append(&stream, expected as u64, &new));
                        commits.push(commit(&stream, expected as u64, &new));
                    }
                    let answers: Vec<Answer> = append(&store, commits)
                        .into_iter()
                        .map(|result| match result {
                            Ok(done) if done.already_there => Answer::AlreadyThere(done.next_revision),
                            Ok(done) => Answer::Appended(done.next_revision),
                            Err(AppendError::WrongExpectedRevision { actual }) => Answer::Wrong(actual),
                            Err(other) => panic!("{other}"),
                        })
                        .collect();
                    prop_assert_eq!(answers, expected_answers);
                }
                Step::Reopen => {
                    store.close();
                    store = open_in_segments(folder.path());
                }
                Step::TornEnd(garbage) => {
                    store.close();
                    let path = support::last_log_file(folder.path());
                    let mut bytes = std::fs::read(&path).expect("read");
                    bytes.extend_from_slice(&garbage);
                    std::fs::write(&path, bytes).expect("write");
                    let (reopened, recovery) = EventStore::open(folder.path()).expect("a torn end is cut");
                    prop_assert_eq!(recovery.torn_tail.expect("torn").bytes, garbage.len() as u64);
                    store = reopened;
                }
            }
            check_against(&store, &model)?;
        }
        let events = all(&store);
        let (scanned, error) = scan(folder.path());
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(scanned, events);
    }
}

#[test]
fn of_many_that_race_for_a_revision_exactly_one_wins_and_readers_see_only_whole_durable_commits() {
    const WRITERS: u128 = 8;
    const ROUNDS: u64 = 150;
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    let wins: Arc<Mutex<Vec<(u64, u128, Position)>>> = Arc::default();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, wins) = (store.clone(), wins.clone());
            scope.spawn(move || {
                wait(async {
                    let mut expected = 0;
                    let mut attempt = 0;
                    while expected < ROUNDS {
                        attempt += 1;
                        let id = writer << 64 | attempt;
                        let results = store
                            .append(vec![commit("raced", expected, &[id, id | 1 << 120])])
                            .await;
                        match &results[0] {
                            Ok(done) => {
                                assert!(!done.already_there);
                                wins.lock().expect("no panic").push((
                                    expected,
                                    id,
                                    done.last_position,
                                ));
                                assert_eq!(
                                    store
                                        .event_at(done.last_position)
                                        .expect("readable")
                                        .id
                                        .as_u128(),
                                    id | 1 << 120
                                );
                                expected = done.next_revision;
                            }
                            Err(AppendError::WrongExpectedRevision { actual }) => {
                                assert!(*actual > expected);
                                expected = *actual;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                });
            });
        }
        let store = store.clone();
        scope.spawn(move || {
            let mut after = None;
            let mut seen = 0;
            while seen < ROUNDS {
                let page = store
                    .read_all(after, usize::MAX, usize::MAX)
                    .expect("readable");
                assert!(
                    page.len().is_multiple_of(2),
                    "commits of two are seen whole"
                );
                assert!(
                    page.iter()
                        .zip(seen..)
                        .all(|(event, revision)| event.revision == revision)
                );
                seen += page.len() as u64;
                after = page.last().map(|event| event.position).or(after);
                std::thread::yield_now();
            }
        });
    });
    let mut wins = wins.lock().expect("no panic").clone();
    wins.sort();
    let stored = store.read_stream("raced", 0, usize::MAX).expect("readable");
    let stored_wins: Vec<_> = stored
        .chunks(2)
        .map(|pair| (pair[0].revision, pair[0].id.as_u128(), pair[1].position))
        .collect();
    assert_eq!(wins, stored_wins, "what was acknowledged is what is stored");
    assert!(store.statistics().fsyncs <= store.statistics().commits);
}

#[test]
fn waiting_appends_share_fsyncs() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open(folder.path());
    wait(async {
        let tasks: Vec<_> = (0..500u128)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    store
                        .append(vec![commit(&format!("s-{number}"), 0, &[number])])
                        .await
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.expect("no panic")[0].is_ok());
        }
    });
    let statistics = store.statistics();
    assert_eq!(statistics.commits, 500);
    assert!(statistics.fsyncs < 250, "{statistics:?}");
}
