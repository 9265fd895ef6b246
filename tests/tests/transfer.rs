//! A park's record as text, and a new store from it.

use std::fs;

use tempfile::TempDir;
use terrarium_tests::{Outcome, Park, command, run};

fn on(data: &std::path::Path, words: &[&str]) -> Outcome {
    run(command().args(words).arg("--data").arg(data))
}

#[test]
fn a_record_that_was_exported_and_imported_folds_into_the_same_ledger() {
    let mut park = Park::of_demo();
    park.start();
    let readings = terrarium_tests::repository().join("tests/data/demo/readings.csv");
    park.import_readings(&readings, &["--park", "demo"], 0);
    let state = park.state();
    park.stop();

    let file = park.scratch("record.jsonl");
    let name = file.to_string_lossy().into_owned();
    on(park.data(), &["eventstore", "export", "--output", &name])
        .expect_code(0)
        .expect_said(&["events are in"]);
    // The file is never written over, and standard output is the same.
    on(park.data(), &["eventstore", "export", "--output", &name])
        .expect_code(1)
        .expect_said(&["is there already"]);
    let printed = on(park.data(), &["eventstore", "export"]).expect_code(0);
    assert_eq!(printed.stdout, fs::read_to_string(&file).expect("written"));

    let copy = TempDir::new().expect("a temporary folder");
    let import = ["eventstore", "import", &name, "--format", "json"];
    let first = on(copy.path(), &import).expect_code(0).json();
    let again = on(copy.path(), &import).expect_code(0).json();
    assert_eq!(first["already_there"], 0);
    assert_eq!(again["imported"], 0);
    assert_eq!(again["already_there"], first["imported"]);
    on(copy.path(), &["eventstore", "check"]).expect_code(0);
    let rebuilt = on(copy.path(), &["verify", "--format", "json"])
        .expect_code(0)
        .json();
    assert_eq!(rebuilt["content_hash"], state.content_hash.as_str());
    assert_eq!(rebuilt["events"], state.events);
}

#[test]
fn an_export_that_is_cut_off_or_changed_is_refused_before_anything_is_taken_in() {
    let mut park = Park::of_demo();
    park.start();
    park.stop();
    let text = on(park.data(), &["eventstore", "export"])
        .expect_code(0)
        .stdout;
    let folder = TempDir::new().expect("a temporary folder");
    let cases = [
        (text[..text.len() / 2].to_owned(), "get a whole copy"),
        (
            text.replacen("\"revision\":0", "\"revision\":00", 1),
            "line 2",
        ),
        (
            text.replacen("ParkDefinedV1", "ParkDefinedV2", 1),
            "get a good copy",
        ),
    ];
    for (wrong, said) in cases {
        let file = folder.path().join("wrong.jsonl");
        fs::write(&file, wrong).expect("writable");
        let data = folder.path().join("data");
        on(&data, &["eventstore", "import", &file.to_string_lossy()])
            .expect_code(1)
            .expect_said(&["nothing was imported", said]);
        assert!(!data.exists(), "{said}");
    }
    on(folder.path(), &["eventstore", "import", "/nowhere.jsonl"])
        .expect_code(1)
        .expect_said(&["/nowhere.jsonl"]);
}
