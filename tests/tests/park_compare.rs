//! `terrarium park compare` against the real server: every figure is worked out from recorded events, so another park gives
//! another table.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tempfile::TempDir;
use terrarium_tests::{Park, repository};

/// Twelve summer days with the survey of the trees at the end of June.
const FROM: &str = "2025-06-20";
const TO: &str = "2025-07-02";

fn shipped(name: &str) -> PathBuf {
    repository().join("deploy/parks").join(name)
}

/// The rows of a park after twelve days at intervals of an hour.
fn rows_after_twelve_days(file: &Path, park_id: &str, more: &[&str]) -> Vec<Json> {
    let mut park = Park::new(&[]);
    park.start();
    let file = file.to_str().expect("a path of plain letters");
    let words = [
        "simulate",
        "--park",
        file,
        "--from",
        FROM,
        "--to",
        TO,
        "--interval",
        "1h",
        "--batch",
    ];
    park.cli(&[words.as_slice(), more].concat()).expect_code(0);
    let compared = park
        .cli(&["park", "compare", park_id, "--format", "json"])
        .expect_code(0)
        .expect_said(&["12 days are no year"]);
    let answer = compared.json();
    assert_eq!(answer["days"], 12, "{answer}");
    assert_eq!(answer["from"], "2025-06-20T00:00:00+08:00");
    park.cli(&["park", "compare", park_id]).expect_code(0);
    answer["rows"].as_array().expect("rows").clone()
}

fn row<'a>(rows: &'a [Json], figure: &str) -> &'a Json {
    rows.iter()
        .find(|row| row["figure"] == figure)
        .unwrap_or_else(|| panic!("no {figure} in {rows:#?}"))
}

fn simulated(rows: &[Json], figure: &str) -> f64 {
    let row = row(rows, figure);
    let text = row["simulated"].as_str();
    text.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no number in {row}"))
}

#[test]
fn another_tilt_and_another_mortality_move_the_table_of_haotian() {
    let rows = rows_after_twelve_days(&shipped("haotian.toml"), "haotian", &[]);
    let generation = row(&rows, "generation");
    assert_eq!(generation["unit"], "MWh/a");
    assert_eq!(generation["planned"], "112.000");
    assert_eq!(generation["basis"], "calibrated");
    let export = row(&rows, "export");
    assert_eq!(
        (&export["planned"], &export["measured"]),
        (&Json::from("30.000"), &Json::from("54.200"))
    );
    assert_eq!(export["basis"], "follows");
    // Own use and export are what was generated.
    let parts = simulated(&rows, "own_use") + simulated(&rows, "export");
    assert!(
        (parts - simulated(&rows, "generation")).abs() < 0.002,
        "{rows:#?}"
    );
    let percent: f64 = generation["difference_to_planned_percent"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a difference");
    let expected = (simulated(&rows, "generation") / 112.0 - 1.0) * 100.0;
    assert!((percent - expected).abs() < 0.06, "{percent} {expected}");
    assert_eq!(simulated(&rows, "irrigation_without_fresh_water"), 100.0);
    for figure in [
        "fresh_water",
        "to_vehicles",
        "waste_collected",
        "tree_uptake",
        "visitors",
    ] {
        assert!(simulated(&rows, figure) > 0.0, "{figure}: {rows:#?}");
    }

    let text = std::fs::read_to_string(shipped("haotian.toml")).expect("the park file");
    let steep = text.replace("tilt_deg = 10", "tilt_deg = 80");
    assert_ne!(steep, text);
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("steep.toml");
    std::fs::write(&file, steep).expect("a park file");
    let others = rows_after_twelve_days(&file, "haotian", &["--tree-mortality", "0.5"]);
    let ratio = simulated(&others, "generation") / simulated(&rows, "generation");
    assert!(ratio < 0.9, "panels at 80 degrees make {ratio} of before");
    assert!(simulated(&others, "tree_uptake") < simulated(&rows, "tree_uptake"));
    assert_eq!(simulated(&others, "visitors"), simulated(&rows, "visitors"));
}

#[test]
fn yizhuang_has_its_table_too() {
    let rows = rows_after_twelve_days(&shipped("yizhuang.toml"), "yizhuang", &[]);
    assert!((0.0..=100.0).contains(&simulated(&rows, "own_share")));
    let others = row(&rows, "other_emissions");
    assert_eq!(others["measured"], "11937.000");
    assert_eq!(others["simulated"], Json::Null);
    assert_eq!(others["basis"], "not_simulated");
}

#[test]
fn a_park_without_published_figures_or_without_a_day_says_so() {
    let mut park = Park::new(&[shipped("haotian.toml"), shipped("demo.toml")]);
    park.start();
    park.cli(&["park", "compare", "demo"])
        .expect_code(1)
        .expect_said(&["no [[published]] rows"]);
    park.cli(&["park", "compare", "haotian"])
        .expect_code(1)
        .expect_said(&["no whole day on record"]);
    park.cli(&["park", "compare", "nowhere"])
        .expect_code(1)
        .expect_said(&["nowhere"]);
}
