use terrarium_journal::{ProposedCommit, ProposedEvent, RecordedEvent};
use uuid::Uuid;

use super::*;
use crate::kept_blocks::NotUsed;
use crate::kept_blocks::tests::record;
use crate::projection::Hashes;

/// A store that holds what was recorded, with ids that begin at one. Its positions are its own.
async fn store_of(folder: &Path, events: &[RecordedEvent], first_id: u128) -> Arc<dyn EventStore> {
    let (store, _) = terrarium_eventstore::EventStore::open(folder).expect("a new store");
    let mut revisions: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    let commits = (first_id..).zip(events).map(|(id, event)| {
        let next_revision = revisions.entry(Arc::clone(&event.stream)).or_default();
        let expected_revision = *next_revision;
        *next_revision += 1;
        ProposedCommit {
            stream: Arc::clone(&event.stream),
            expected_revision,
            events: vec![ProposedEvent {
                id: Uuid::from_u128(id),
                event_type: Arc::clone(&event.event_type),
                content_type: event.content_type,
                data: event.data.clone(),
                metadata: event.metadata.clone(),
            }],
        }
    });
    for appended in store.append(commits.collect()).await {
        appended.expect("it is appended");
    }
    Arc::new(store)
}

/// One that finds day blocks worth it early.
fn projector(store: &Arc<dyn EventStore>, data: &Path) -> Arc<Projector> {
    let mut projector = Projector::new(Arc::clone(store), Some(data));
    let own = Arc::get_mut(&mut projector).expect("nobody else has it");
    own.blocks_after_events = 10;
    projector
}

/// Runs until all is folded, and is stopped as a server stops it.
async fn run_to_the_end(projector: &Arc<Projector>) -> Hashes {
    let shutdown = Shutdown::new();
    let running = tokio::spawn({
        let (projector, shutdown) = (Arc::clone(projector), shutdown.clone());
        async move { projector.run(shutdown).await }
    });
    assert!(projector.caught_up().await);
    shutdown.trigger();
    let ended = running.await.expect("it does not panic");
    ended.expect("it folds what is recorded");
    projector.write().hashes()
}

/// What the whole record gives, without day blocks.
async fn from_the_record(store: &Arc<dyn EventStore>) -> Hashes {
    run_to_the_end(&Projector::new(Arc::clone(store), None)).await
}

#[tokio::test]
async fn a_start_takes_the_readings_that_the_last_stop_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let events = record();
    let store = store_of(&data.join("store"), &events, 1).await;
    let first = projector(&store, data);
    let hashes = run_to_the_end(&first).await;
    assert_eq!(first.read().events_of_blocks(), 0);
    assert_eq!(hashes, from_the_record(&store).await);

    let second = projector(&store, data);
    assert_eq!(run_to_the_end(&second).await, hashes);
    assert_eq!(second.read().events_of_blocks(), events.len() as u64);
}

#[tokio::test]
async fn day_blocks_of_another_record_are_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let events = record();
    let store = store_of(&data.join("store"), &events, 1).await;
    run_to_the_end(&projector(&store, data)).await;
    let path = KeptBlocks::path(data);
    let of_it = KeptBlocks::load(&path, &*store).await;
    let at = of_it
        .expect("they fit")
        .expect("they are there")
        .mark
        .position;
    let bytes = std::fs::read(&path).expect("they are there");

    // As many events of the same length, with other ids; and a record that does not go as far.
    let others = store_of(&data.join("others"), &events, 1_001).await;
    let shorter = store_of(&data.join("shorter"), &events[..events.len() / 2], 1).await;
    for store in [others, shorter] {
        std::fs::write(&path, &bytes).expect("it can be written");
        let refused = KeptBlocks::load(&path, &*store).await;
        assert!(matches!(refused, Err(NotUsed::OtherRecord(position)) if position == at));
        let anew = projector(&store, data);
        assert_eq!(run_to_the_end(&anew).await, from_the_record(&store).await);
        assert_eq!(anew.read().events_of_blocks(), 0);
    }
}

#[tokio::test]
async fn day_blocks_that_could_not_be_written_are_written_at_the_next_chance() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let store = store_of(&data.join("store"), &record(), 1).await;
    let projector = projector(&store, data);
    let mut kept = BlocksKept::now(&projector);
    let events = store.read_all(None, 1_000).await.expect("it can be read");
    projector.fold(&events).expect("it folds");

    // A folder stands where the file should be written.
    let path = KeptBlocks::path(data);
    let obstacle = path.with_extension("tmp");
    std::fs::create_dir_all(&obstacle).expect("a folder");
    projector.keep_blocks_if_worth_it(&mut kept).await;
    assert!(!path.exists());
    assert!(kept.are_worth_it(&projector));

    std::fs::remove_dir(&obstacle).expect("it was empty");
    projector.keep_blocks_if_worth_it(&mut kept).await;
    assert!(path.exists());
    assert!(!kept.are_worth_it(&projector));
}
