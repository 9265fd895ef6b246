use tempfile::TempDir;
use terrarium_eventlog::{FaultyDisk, LogOpening, LogSettings};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::event::{ContentType, Ticks};
use crate::index::Index;
use crate::lists::ListKind;
use crate::names::NameTable;
use crate::sealed::SealedSet;
use crate::store::EventStore;
use crate::table::Totals;
use ExpectedRevision::{Any, Exact, NoStream, StreamExists};

/// A writer without a thread of its own: each test says when it stages, writes and settles.
struct Steps {
    folder: TempDir,
    disk: FaultyDisk,
    writer: Writer,
}

impl Steps {
    fn new() -> Steps {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let disk = FaultyDisk::new();
        let settings = LogSettings {
            low_disk_bytes: 0,
            ..LogSettings::default()
        };
        let opening = LogOpening::begin(&folder.path().join("log"), &disk, settings);
        let opened = opening.and_then(|opening| opening.recover(&mut |_| Ok(())));
        let opened = opened.expect("an empty log");
        let index = Index {
            active: ActiveIndex::new(0),
            sealed: Arc::new(SealedSet::new(&[])),
            before: Totals::default(),
            last_before: None,
        };
        let contents = Arc::new(Contents {
            index: index.into(),
            names: NameTable::default(),
            log: opened.reader,
        });
        let writer = Writer {
            log: opened.writer,
            contents,
            queue: mpsc::channel(1).1,
            closing: Arc::default(),
            fsyncs: Arc::default(),
            last_position: watch::channel(None).0,
            recent: RecentEvents::default(),
            clock: RecordingClock::new(Clock::system(), Ticks::default()),
            unsettled: Unsettled::default(),
            asked: Vec::new(),
            last_group: LastGroup::default(),
        };
        Steps {
            folder,
            disk,
            writer,
        }
    }

    /// Stages one operation as a request of its own.
    fn stage(&mut self, operation: Operation) -> Answer {
        let (answer, results) = oneshot::channel();
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned();
        self.writer.stage(Request::Write {
            operations: vec![operation],
            answer,
            room: room.expect("nobody else has it"),
        });
        Answer(results)
    }

    /// Begins to write what is staged on another thread; its outcome is not looked at yet.
    fn begin(&mut self) -> InFlight {
        self.writer.write_group().expect("more than one request")
    }

    async fn finish(&mut self, group: InFlight) {
        assert!(self.writer.stage_beside(group).await.is_none());
    }

    fn count(&self, stream: &str) -> u64 {
        let facts = self.writer.contents.stream_facts(stream);
        facts.expect("a readable index").count
    }

    /// The ids of a stream's events once everything is closed and opened again.
    fn reopened(self, stream: &str) -> Vec<u128> {
        drop(self.writer);
        let (store, _) = EventStore::open(self.folder.path()).expect("an undamaged log");
        let events = store.read_stream(stream, 0, 100).expect("readable");
        events.iter().map(|event| event.id.as_u128()).collect()
    }
}

struct Answer(oneshot::Receiver<WriteResults>);

impl Answer {
    fn has_come(&mut self) -> bool {
        !self.0.is_empty()
    }

    fn result(mut self) -> Result<Written, AppendError> {
        let mut results = self.0.try_recv().expect("it was answered");
        results.pop().expect("one result for one operation")
    }
}

fn operation(stream: &str, expected: ExpectedRevision, change: Change) -> Operation {
    Operation {
        stream: Arc::from(stream),
        expected: Expected::Rule(expected),
        change,
    }
}

fn append(stream: &str, expected: ExpectedRevision, ids: &[u128]) -> Operation {
    let event = |id: &u128| ProposedEvent {
        id: Uuid::from_u128(*id),
        event_type: Arc::from("happened"),
        content_type: ContentType::Binary,
        data: vec![7; 20].into(),
        metadata: bytes::Bytes::new(),
    };
    let events = ids.iter().map(event).collect();
    operation(stream, expected, Change::Append(events))
}

/// It may come when the writer has just looked whether the store is closing.
#[test]
fn the_request_to_close_ends_the_writer_by_itself() {
    let mut steps = Steps::new();
    let (requests, queue) = mpsc::channel(1);
    steps.writer.queue = queue;
    let sent = requests.try_send(Request::Close);
    assert!(sent.is_ok(), "there is room");
    let runtime = Writer::runtime().expect("a runtime");
    runtime.block_on(steps.writer.run());
}

#[tokio::test]
async fn what_is_staged_beside_a_group_goes_on_from_it_and_is_not_answered_with_it() {
    let mut steps = Steps::new();
    let mut first = steps.stage(append("a", NoStream, &[1, 2]));
    let second = steps.stage(append("b", NoStream, &[3]));
    let group = steps.begin();
    let mut behind = steps.stage(append("a", Exact(1), &[4]));
    let retried = steps.stage(append("a", Any, &[1, 2]));
    let misfit = steps.stage(append("a", Exact(0), &[5]));
    assert_eq!(steps.count("a"), 0, "nothing is read before it is durable");
    steps.finish(group).await;
    assert!(first.has_come() && !behind.has_come());
    assert_eq!(steps.count("a"), 2);
    let first = first.result().expect("written");
    assert!(second.result().is_ok());
    let group = steps.begin();
    steps.finish(group).await;
    assert_eq!(behind.result().expect("written").revision, Some(2));
    let retried = retried.result().expect("it is there");
    assert!(retried.already_there);
    assert_eq!(retried.position, first.position);
    assert_eq!(
        misfit.result(),
        Err(AppendError::WrongExpectedRevision { actual: 3 })
    );
    assert_eq!(steps.reopened("a"), [1, 2, 4]);
}

#[tokio::test]
async fn a_failed_sync_takes_the_group_that_was_staged_beside_it_along_and_ends_the_writing() {
    let mut steps = Steps::new();
    let durable = steps.stage(append("a", NoStream, &[1]));
    assert!(steps.writer.write_group().is_none(), "one request alone");
    assert!(durable.result().is_ok());
    steps.disk.fail_syncs(true);
    let in_flight = [
        steps.stage(append("a", Exact(0), &[2])),
        steps.stage(append("b", NoStream, &[3])),
    ];
    let group = steps.begin();
    let behind = [
        steps.stage(append("a", Exact(1), &[4])),
        // Rests on the group only in that it finds its event there.
        steps.stage(append("b", Any, &[3])),
        steps.stage(append("c", NoStream, &[5])),
    ];
    let rests_on_what_is_durable = steps.stage(append("d", StreamExists, &[6]));
    steps.finish(group).await;
    for answer in in_flight.into_iter().chain(behind) {
        let result = answer.result();
        assert!(matches!(result, Err(AppendError::Failed(_))), "{result:?}");
    }
    assert_eq!(
        rests_on_what_is_durable.result(),
        Err(AppendError::WrongExpectedRevision { actual: 0 })
    );
    assert_eq!(steps.count("a"), 1);
    assert_eq!((steps.count("b"), steps.count("c")), (0, 0));
    assert!(steps.writer.unsettled.tail_of("a").is_none());
    assert_eq!(steps.writer.recent.frame_of(&Uuid::from_u128(4)), None);
    steps.disk.fail_syncs(false);
    let later = steps.stage(append("a", Exact(0), &[7]));
    assert!(steps.writer.write_group().is_none());
    let later = later.result();
    assert!(matches!(later, Err(AppendError::Failed(_))), "{later:?}");
}

#[tokio::test]
async fn a_full_disk_refuses_a_group_and_the_one_beside_it_whole_and_takes_both_later() {
    let mut steps = Steps::new();
    let durable = steps.stage(append("a", NoStream, &[1]));
    assert!(steps.writer.write_group().is_none());
    assert!(durable.result().is_ok());
    let asks = || {
        [
            append("a", Exact(0), &[2]),
            append("b", NoStream, &[3]),
            append("a", Exact(1), &[4, 5]),
            operation("b", Exact(0), Change::Tombstone),
            append("b", Any, &[6]),
        ]
    };
    let end = steps.writer.log.durable_bytes();
    steps.disk.full_at(end + 90);
    let [two, three, four, dead, six] = asks();
    let in_flight = [two, three].map(|asked| steps.stage(asked));
    let group = steps.begin();
    let behind = [four, dead, six].map(|asked| steps.stage(asked));
    steps.finish(group).await;
    for answer in in_flight.into_iter().chain(behind) {
        let result = answer.result();
        assert!(
            matches!(result, Err(AppendError::StorageFull(_))),
            "{result:?}"
        );
    }
    assert_eq!(steps.writer.log.durable_bytes(), end);
    assert!(steps.writer.log.is_settled());

    steps.disk.full_at(u64::MAX);
    let [two, three, four, dead, six] = asks();
    let in_flight = [two, three].map(|asked| steps.stage(asked));
    let group = steps.begin();
    let behind = [four, dead, six].map(|asked| steps.stage(asked));
    steps.finish(group).await;
    let group = steps.begin();
    steps.finish(group).await;
    for answer in in_flight {
        assert!(answer.result().is_ok());
    }
    let [four, dead, six] = behind.map(Answer::result);
    assert_eq!(four.expect("written").revision, Some(3));
    assert!(dead.is_ok());
    assert_eq!(six, Err(AppendError::StreamDeleted));
    assert_eq!(steps.reopened("a"), [1, 2, 4, 5]);
}

#[tokio::test]
async fn metadata_and_tombstones_in_flight_count_for_what_is_staged_beside_them() {
    let mut steps = Steps::new();
    let written = steps.stage(append("a", NoStream, &[1, 2]));
    assert!(steps.writer.write_group().is_none());
    assert!(written.result().is_ok());
    let deleted = steps.stage(operation("a", Exact(1), Change::Delete));
    let dead = steps.stage(operation("b", Any, Change::Tombstone));
    let group = steps.begin();
    // As on a new stream, numbered on; with metadata that revives it.
    let revived = steps.stage(append("a", NoStream, &[3]));
    let on_dead = steps.stage(append("b", Any, &[4]));
    let on_metadata_of_dead = steps.stage(append("$$b", Any, &[5]));
    steps.finish(group).await;
    assert!(deleted.result().is_ok() && dead.result().is_ok());
    let group = steps.begin();
    steps.finish(group).await;
    assert_eq!(revived.result().expect("written").revision, Some(2));
    assert_eq!(on_dead.result(), Err(AppendError::StreamDeleted));
    assert_eq!(
        on_metadata_of_dead.result(),
        Err(AppendError::StreamDeleted)
    );
    assert_eq!(steps.count("$$a"), 2, "of the deletion and of the revival");
}

#[tokio::test]
async fn a_segment_that_is_full_with_what_is_staged_takes_no_more_and_is_sealed_when_all_is_durable()
 {
    let mut steps = Steps::new();
    let one = steps.stage(append("a", NoStream, &[1]));
    let two = steps.stage(append("a", Exact(0), &[2]));
    let group = steps.begin();
    let three = steps.stage(append("a", Exact(1), &[3]));
    assert!(steps.writer.takes_more());
    steps.writer.log.fill_up();
    assert!(!steps.writer.takes_more());
    steps.finish(group).await;
    assert!(steps.writer.write_group().is_none());
    steps.writer.seal_if_full();
    assert!(steps.writer.takes_more());
    for answer in [one, two, three] {
        assert!(answer.result().is_ok());
    }
    let index = steps.writer.contents.index();
    assert!(index.active.list(ListKind::Stream, "a").is_none());
    drop(index);
    assert_eq!(steps.count("a"), 3);
    let four = steps.stage(append("a", Exact(2), &[4]));
    assert!(steps.writer.write_group().is_none());
    assert!(four.result().is_ok());
    assert_eq!(steps.reopened("a"), [1, 2, 3, 4]);
}
