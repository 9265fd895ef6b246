//! Copies of a store, and bringing them back.

mod support;

use support::{all, append, commit, open, open_in_segments};
use tempfile::TempDir;
use terrarium_eventlog::{LogFiles, check_segment};
use terrarium_eventstore::{Scan, restore};

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
