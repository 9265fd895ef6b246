//! Walking all events page by page.

mod support;

use support::{Random, all, append, append_one, commit, open_in_segments};
use tempfile::TempDir;
use terrarium_eventstore::{EventStore, Position, RecordedEvent, Walk};

/// The events of one page: their positions, ids and data.
fn page(walk: &mut Walk, max_events: usize, max_bytes: usize) -> Vec<(Position, u128, Vec<u8>)> {
    let mut events = Vec::new();
    let walked = walk
        .page(max_events, max_bytes, &mut |event| {
            events.push((event.position, event.id.as_u128(), event.data.to_vec()));
        })
        .expect("an undamaged log");
    let last = events.last().map(|(position, ..)| *position);
    assert_eq!(
        walked.map(|walked| (walked.events, walked.last)),
        last.map(|last| (events.len(), last))
    );
    events
}

fn told(events: &[RecordedEvent]) -> Vec<(Position, u128, Vec<u8>)> {
    events
        .iter()
        .filter(|event| !event.stream.starts_with('$'))
        .map(|event| (event.position, event.id.as_u128(), event.data.to_vec()))
        .collect()
}

/// A few commits of one to four events to a few streams, one of them the store's own.
fn grow(store: &EventStore, random: &mut Random, next_id: &mut u128) {
    let streams = ["a-1", "b-1", "$c"];
    for _ in 0..random.below(6) {
        let stream = streams[random.below(3) as usize];
        let ids: Vec<u128> = (0..1 + random.below(4))
            .map(|_| {
                *next_id += 1;
                *next_id
            })
            .collect();
        let expected = store.stream_revision(stream);
        append_one(store, commit(stream, expected, &ids)).expect("written");
    }
}

#[test]
fn pages_of_any_size_give_every_event_once_in_order_also_what_is_recorded_between_them() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let folder = TempDir::new().expect("a temporary folder");
        let store = open_in_segments(folder.path());
        let mut next_id = 0;
        grow(&store, &mut random, &mut next_id);
        let mut walk = store.walk(None).expect("an undamaged log");
        let mut walked = Vec::new();
        for _ in 0..60 {
            let most = 1 + random.below(5) as usize;
            let next = page(&mut walk, most, 1 << 20);
            assert!(next.len() <= most);
            let is_over = next.is_empty();
            walked.extend(next);
            if is_over {
                assert_eq!(walked, told(&all(&store)), "seed {seed}");
            }
            if is_over || random.below(4) == 0 {
                grow(&store, &mut random, &mut next_id);
            }
        }
        // From the middle of a commit.
        if let Some((after, ..)) = walked.get(walked.len() / 2) {
            let mut walk = store.walk(Some(*after)).expect("an undamaged log");
            let rest = page(&mut walk, usize::MAX, usize::MAX);
            let expected: Vec<_> = told(&all(&store))
                .into_iter()
                .filter(|(position, ..)| position > after)
                .collect();
            assert_eq!(rest, expected, "seed {seed}");
        }
        store.close();
    }
}

#[test]
fn a_page_ends_with_the_event_that_reaches_its_bytes() {
    let folder = TempDir::new().expect("a temporary folder");
    let store = open_in_segments(folder.path());
    assert!(append(&store, vec![commit("a-1", 0, &[1, 2, 3])])[0].is_ok());
    let mut walk = store.walk(None).expect("an undamaged log");
    // Data and metadata of each are 11 bytes.
    assert_eq!(page(&mut walk, 9, 1).len(), 1);
    assert_eq!(page(&mut walk, 9, 12).len(), 2);
    assert_eq!(page(&mut walk, 9, 12).len(), 0);
}
