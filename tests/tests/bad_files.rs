//! Bad readings files: the message names file and line, and nothing of a broken file is sent.

use std::path::PathBuf;

use serde_json::Value as Json;
use terrarium_proto::energy::v1::Reading;
use terrarium_tests::Park;
use terrarium_tests::readings::{HEADER, reading, write_csv};

const PARK: &str = "zne-homes";

fn good(hour: u32) -> Reading {
    reading(
        "home-01.load",
        &format!("2016-08-01T{hour:02}:00:00-08:00"),
        3600,
        "1.5",
    )
}

fn broken_files(park: &Park) -> Vec<(PathBuf, &'static [&'static str])> {
    let header = HEADER.join(",");
    let row = "2016-08-01T00:00:00-08:00,3600,home-01.load,active_energy,1.5,kWh";
    let file = |name: &str, content: String| {
        let path = park.scratch(name);
        std::fs::write(&path, content).expect("the scratch folder is writable");
        path
    };
    vec![
        (
            file("cut.csv", format!("{header}\n{row}\n{}", &row[..40])),
            &["cut.csv, line 3", "ends in the middle"],
        ),
        (
            file(
                "cut-value.csv",
                format!("{header}\n{row}\n{}", &row[..row.len() - 2]),
            ),
            &["cut-value.csv, line 3"],
        ),
        (
            file("columns.csv", format!("time,meter,kWh\n{row}\n")),
            &["columns.csv, line 1", "time,meter,kWh", "rename or reorder"],
        ),
        (
            file("bom.csv", format!("\u{feff}{header}\n{row}\n")),
            &["bom.csv, line 1", "byte-order mark", "UTF-8 without one"],
        ),
        (file("empty.csv", String::new()), &["empty.csv", "empty"]),
        (
            file("fields.csv", format!("{header}\n{row}\n{row},more\n")),
            &["fields.csv, line 3", "7 fields"],
        ),
        (
            file(
                "seconds.csv",
                format!("{header}\n{}\n", row.replace("3600", "1h")),
            ),
            &["seconds.csv, line 2", "1h"],
        ),
        (
            park.scratch("not-there.csv"),
            &["not-there.csv", "cannot be read"],
        ),
    ]
}

#[test]
fn a_broken_readings_file_is_refused_before_anything_of_it_is_sent() {
    let mut park = Park::of_ten_homes();
    park.start();
    let before = park.state();
    for (file, said) in broken_files(&park) {
        park.cli(&[
            "import",
            "readings",
            &file.to_string_lossy(),
            "--park",
            PARK,
        ])
        .expect_code(1)
        .expect_said(said);
    }
    assert_eq!(park.state(), before, "nothing was sent");
}

#[test]
fn the_lines_of_bad_readings_are_named_and_the_others_are_imported() {
    let mut park = Park::of_ten_homes();
    park.start();
    let file = park.scratch("mixed.csv");
    let bad = Reading {
        value: "n/a".to_owned(),
        ..good(1)
    };
    let suspicious = Reading {
        unit: "kVA".to_owned(),
        ..good(2)
    };
    write_csv(&file, [&good(0), &bad, &suspicious, &good(3)]);
    let summary = park.import_readings(&file, &["--park", PARK], 3);
    assert_eq!(
        (
            &summary["recorded"],
            &summary["rejected"],
            &summary["quarantined"]
        ),
        (&2.into(), &1.into(), &1.into())
    );
    let place = |list: &str, key: &str| summary[list][0][key].clone();
    assert_eq!(place("rejections", "line"), Json::from(3), "{summary}");
    assert_eq!(place("rejections", "field"), "value", "{summary}");
    assert_eq!(
        place("quarantined_readings", "line"),
        Json::from(4),
        "{summary}"
    );
    let in_words = park
        .cli(&[
            "import",
            "readings",
            &file.to_string_lossy(),
            "--park",
            PARK,
        ])
        .expect_code(3);
    assert!(
        in_words
            .stdout
            .contains("mixed.csv, line 3: rejected: value"),
        "{}",
        in_words.stdout
    );
}

#[test]
fn a_client_without_a_server_gives_up_with_a_code_of_its_own() {
    let park = Park::of_ten_homes();
    let file = park.scratch("readings.csv");
    write_csv(&file, [&good(0)]);
    let words = [
        "import",
        "readings",
        &file.to_string_lossy(),
        "--park",
        PARK,
        "--url",
        "http://127.0.0.1:1",
        "--retry-for",
        "1",
    ];
    park.cli(&words)
        .expect_code(5)
        .expect_said(&["http://127.0.0.1:1"]);
    park.cli(&["frobnicate"]).expect_code(2);
}
