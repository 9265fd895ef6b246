//! The twin of the demo park over gRPC, against what a test makes of the recorded events by itself.
//!
//! - `recomputed`: what the events say, worked out independently of the projector
//! - `moments`: snapshots, courses and events
//! - `streams`: follow and replay
//! - `refusals`: questions that can't be answered

mod moments;
mod recomputed;
mod refusals;
mod streams;

use std::path::PathBuf;

use terrarium_proto::twin::v1 as twin;
use terrarium_proto::twin::v1::{Quality, Quantity, moment::At};
use terrarium_tests::{Clients, Park, Shown, TwinState, repository};
use tonic::Status;

const PARK: &str = "demo";

fn data(name: &str) -> PathBuf {
    repository().join("tests/data/demo").join(name)
}

/// A running demo park with these readings of its first day or later: all whose row `takes` it.
fn import(park: &Park, takes: impl Fn(usize) -> bool) -> u64 {
    let text = std::fs::read_to_string(data("readings.csv")).expect("the readings");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let rows = lines.enumerate().filter(|(row, _)| takes(*row));
    let part: Vec<&str> = std::iter::once(header)
        .chain(rows.map(|(_, line)| line))
        .collect();
    let file = park.scratch("part.csv");
    std::fs::write(&file, part.join("\n") + "\n").expect("the scratch folder is writable");
    let summary = park.import_readings(&file, &["--park", PARK], 0);
    summary["through_position"].as_u64().expect("a position")
}

fn imported() -> Park {
    let mut park = Park::of_demo();
    park.start();
    let position = import(&park, |_| true);
    park.state_at(position);
    park
}

async fn snapshot(clients: &mut Clients, at: Option<At>) -> Result<twin::TwinUpdate, Status> {
    let request = twin::SnapshotRequest {
        park: PARK.into(),
        moment: at.map(|at| twin::Moment { at: Some(at) }),
    };
    let answer = clients.twin.snapshot(request).await?;
    Ok(answer.into_inner())
}

async fn state(clients: &mut Clients, at: Option<At>) -> TwinState {
    TwinState::of(&snapshot(clients, at).await.expect("a snapshot"))
}

async fn extent_ms(clients: &mut Clients) -> (i64, i64) {
    let parks = clients
        .twin
        .list_parks(twin::ListParksRequest {})
        .await
        .expect("a list")
        .into_inner()
        .parks;
    assert_eq!(parks.len(), 1);
    assert_eq!(
        (parks[0].name_en.as_str(), parks[0].name_zh.as_str()),
        ("Demo park", "示范园区")
    );
    (
        parks[0].first_ms.expect("something happened"),
        parks[0].last_ms.expect("something happened"),
    )
}

#[tokio::test]
async fn a_quarantined_report_makes_the_last_value_uncertain_until_someone_decides() {
    let mut park = Park::of_demo();
    park.start();
    let file = park.scratch("office.csv");
    let readings = "interval_start,interval_seconds,meter,quantity,value,unit\n\
                    2023-06-05T10:00:00+08:00,900,office.load,active_energy,5,kWh\n\
                    2023-06-05T10:15:00+08:00,900,office.load,active_energy,5000,kWh\n";
    std::fs::write(&file, readings).expect("the scratch folder is writable");
    let summary = park.import_readings(&file, &["--park", PARK], 4);
    park.state_at(summary["through_position"].as_u64().expect("a position"));
    let mut clients = park.clients().await;
    let name = (
        "office".to_owned(),
        Quantity::ConsumptionW,
        "office.load".to_owned(),
    );
    let ten_oclock_ms = 1_685_930_400_000;
    let uncertain = Shown {
        value: 20_000,
        time_ms: ten_oclock_ms + 1_800_000,
        quality: Quality::Uncertain,
    };
    assert_eq!(state(&mut clients, None).await.shown[&name], uncertain);
    let before = state(&mut clients, Some(At::TimeMs(ten_oclock_ms + 900_000))).await;
    assert_eq!(before.shown[&name].quality, Quality::Good);

    let quarantined = park
        .cli(&["quarantine", "list", "--park", PARK, "--format", "json"])
        .expect_code(0)
        .json_lines();
    let id = quarantined[0]["quarantine_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let words = [
        "quarantine",
        "correct",
        &id,
        "--park",
        PARK,
        "--value",
        "7",
        "--unit",
        "kWh",
        "--reason",
        "a typo",
    ];
    park.cli(&words).expect_code(0);
    let substituted = Shown {
        value: 28_000,
        quality: Quality::Substituted,
        ..uncertain
    };
    assert_eq!(state(&mut clients, None).await.shown[&name], substituted);
    park.stop();
    park.cli(&["verify"]).expect_code(0);
}
