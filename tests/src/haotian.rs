//! Haotian with some of a summer on record, simulated.

use serde_json::Value as Json;

use crate::{Park, repository};

/// Its id.
pub const PARK: &str = "haotian";
/// When its record begins.
pub const FROM: &str = "2025-06-01T00:00:00+08:00";
/// When the record of [`park`] ends.
pub const TO: &str = "2025-06-02T12:00:00+08:00";

/// A running park with a day and a half on record, factors too; some devices may fail.
pub fn park(faults: &[&str]) -> Park {
    let mut park = Park::new(&[repository().join("deploy/parks/haotian.toml")]);
    park.start();
    let factors = repository().join("deploy/factors/north-china-carried.toml");
    let factors = factors.to_string_lossy();
    park.cli(&["import", "factors", &factors, "--park", PARK])
        .expect_code(0);
    simulate(&park, TO, faults);
    park
}

/// Lets the park run on until then. The position of what was recorded last, which the projection has reached.
pub fn simulate(park: &Park, to: &str, faults: &[&str]) -> u64 {
    let file = repository().join("deploy/parks/haotian.toml");
    let file = file.to_string_lossy();
    let mut words = vec![
        "simulate", "--format", "json", "--park", &file, "--from", FROM, "--to", to, "--batch",
    ];
    for fault in faults {
        words.extend(["--fault", fault]);
    }
    let summary: Json = park.cli(&words).expect_code(0).json();
    let position = summary["recorded_position"].as_u64().expect("a position");
    park.state_at(position);
    position
}

/// A moment in milliseconds since 1970.
pub fn ms(text: &str) -> i64 {
    let moment: jiff::Timestamp = text.parse().expect("a moment");
    moment.as_millisecond()
}
