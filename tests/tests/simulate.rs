//! `terrarium simulate` against the real server: every domain takes what the devices of Haotian say, the same seed gives the
//! same events at any speed, and a run goes on where the record ends.

use std::path::PathBuf;

use serde_json::Value as Json;
use terrarium_tests::{Park, repository};

/// Morning to evening of a summer day: sun, visitors, cars, a collection with its deadline, irrigation at four.
const FROM: &str = "2025-06-01T00:00:00+08:00";
const NOON: &str = "2025-06-01T12:00:00+08:00";
const TO: &str = "2025-06-01T20:00:00+08:00";

fn haotian() -> PathBuf {
    repository().join("deploy/parks/haotian.toml")
}

/// Seed 1, unless `more` says another.
fn simulate(park: &Park, to: &str, more: &[&str]) -> Json {
    let file = haotian();
    let file = file.to_str().expect("a path of plain letters");
    let words = [
        "simulate", "--format", "json", "--park", file, "--from", FROM, "--to", to,
    ];
    park.cli(&[words.as_slice(), more].concat())
        .expect_code(0)
        .json()
}

fn count(summary: &Json, field: &str) -> u64 {
    summary[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} of {summary}"))
}

fn started_park() -> Park {
    let mut park = Park::new(&[]);
    park.start();
    park
}

#[test]
fn the_same_seed_gives_the_same_record_at_any_speed_and_in_parts() {
    let in_bundles = started_park();
    let summary = simulate(&in_bundles, TO, &["--batch"]);
    assert_eq!(count(&summary, "rejected"), 0, "{summary}");
    assert_eq!(count(&summary, "not_taken"), 0, "{summary}");
    assert_eq!(count(&summary, "steps"), 80);
    // At least 70 points report in every step.
    assert!(count(&summary, "recorded") > 70 * 80, "{summary}");

    let step_by_step = started_park();
    let first = simulate(&step_by_step, NOON, &["--speed", "x1000000"]);
    let rest = simulate(&step_by_step, TO, &["--speed", "x1000000"]);
    assert!(count(&rest, "already_recorded") > 0, "{rest}");
    assert_eq!(
        count(&first, "recorded") + count(&rest, "recorded"),
        count(&summary, "recorded")
    );
    let content = |park: &Park, summary: &Json| {
        let position = count(summary, "recorded_position");
        park.state_at(position).content_hash
    };
    let bundled = content(&in_bundles, &summary);
    assert_eq!(content(&step_by_step, &rest), bundled);

    let another_seed = started_park();
    let other = simulate(&another_seed, NOON, &["--batch", "--seed", "8"]);
    assert_ne!(content(&another_seed, &other), bundled);
}

#[test]
fn a_unit_slip_is_quarantined_and_the_rest_is_recorded() {
    let park = started_park();
    let summary = simulate(
        &park,
        NOON,
        &[
            "--batch",
            "--fault",
            "monitoring.load:unit-slip@2025-06-01..2025-06-02",
        ],
    );
    // 660 W a thousandfold is far beyond ten times the rating of 1.2 kW; the fault begins at midnight UTC, four hours before
    // noon in Beijing.
    assert_eq!(count(&summary, "quarantined"), 16 + 1, "{summary}");
}

#[test]
fn what_can_t_be_simulated_is_told_before_anything_is_sent() {
    let park = started_park();
    let file = haotian();
    let file = file.to_str().expect("a path of plain letters");
    let refused = |more: &[&str], code: i32, said: &str| {
        let words = ["simulate", "--park", file, "--from", FROM];
        park.cli(&[words.as_slice(), more].concat())
            .expect_code(code)
            .expect_said(&[said]);
    };
    refused(&["--to", "2024-01-01"], 1, "--to is not after --from");
    refused(&["--interval", "7m"], 1, "divides an hour");
    refused(
        &["--fault", "no-such-thing:stuck"],
        1,
        "no asset and no meter",
    );
    refused(&["--fault", "bin-1:melted"], 2, "is no fault");
    refused(
        &["--speed", "fast"],
        2,
        "write real, batch, or x and a number",
    );
    refused(&["--weather", file], 1, "neither a PVGIS TMY file");
}
