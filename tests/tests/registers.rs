//! A register that comes round and is exchanged: the balance goes on across both, and who looks closely sees each step.

use terrarium_proto::energy::v1::{
    Reading, ReportReadingsRequest, SwapMeterRequest, SwapMeterResponse,
};
use terrarium_tests::{Clients, Park, feed, repository};
use tonic::{Code, Status};

const PARK: &str = "demo";
const METER: &str = "depot.import";

/// An hour of a day long past.
fn at(hour: u32) -> String {
    format!("2026-03-01T{hour:02}:00:00+08:00")
}

async fn report(clients: &mut Clients, reads: &[(u32, &str)]) -> u64 {
    let readings = reads
        .iter()
        .map(|(hour, kwh)| Reading {
            meter: METER.into(),
            quantity: "active_energy_register".into(),
            interval_start: at(*hour),
            interval_seconds: 0,
            value: (*kwh).into(),
            unit: "kWh".into(),
            correction: None,
        })
        .collect();
    let request = ReportReadingsRequest {
        park: PARK.into(),
        readings,
        client_request_id: String::new(),
    };
    let answer = clients
        .energy
        .report_readings(request)
        .await
        .expect("an answer")
        .into_inner();
    let counts = answer.counts.expect("counts");
    assert_eq!(
        counts.recorded,
        reads.len() as u64,
        "{:?}",
        answer.quarantined
    );
    answer.recorded_position
}

async fn swap(
    clients: &mut Clients,
    hour: u32,
    last: &str,
    first: &str,
) -> Result<SwapMeterResponse, Status> {
    let request = SwapMeterRequest {
        park: PARK.into(),
        meter: METER.into(),
        time: at(hour),
        last_value: last.into(),
        first_value: first.into(),
        unit: "kWh".into(),
        reason: "calibration was due".into(),
        client_request_id: String::new(),
    };
    let answer = clients.energy.swap_meter(request).await?;
    Ok(answer.into_inner())
}

// Several threads, so that the connection can be closed while this one waits for the server's end.
#[tokio::test(flavor = "multi_thread")]
async fn a_register_comes_round_and_is_exchanged_and_no_energy_is_made_or_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("demo.toml");
    let text = std::fs::read_to_string(repository().join("deploy/parks/demo.toml"))
        .expect("the demo park");
    let digits = "reports = \"register\"\nregister_digits = 4\naccuracy = \"1\"";
    let with_digits = text.replace("reports = \"register\"", digits);
    assert_ne!(text, with_digits);
    std::fs::write(&file, with_digits).expect("a park file");
    let mut park = Park::new(&[file]);
    park.start();
    let mut clients = park.clients().await;

    report(&mut clients, &[(0, "9990"), (1, "9997.5"), (2, "3.5")]).await;
    let refused = swap(&mut clients, 2, "3.5", "0")
        .await
        .expect_err("no later");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let swapped = swap(&mut clients, 3, "8", "120").await.expect("swapped");
    assert!(swapped.recorded);
    let again = swap(&mut clients, 3, "8", "120").await.expect("again");
    assert!(!again.recorded);
    let position = report(&mut clients, &[(4, "125.25")]).await;

    let imports = |park: &Park| -> Vec<i64> {
        let balance = ["ledger", "balance", "--park", PARK, "--by", "hour"];
        let only = ["--asset", "depot", "--format", "json"];
        let told = park
            .cli(&[&balance[..], &only].concat())
            .expect_code(0)
            .json();
        told["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line["import_wh"].as_i64().expect("a figure"))
            .collect()
    };
    let before = park.state_at(position);
    assert_eq!(imports(&park), [7_500, 6_000, 4_500, 5_250]);
    let events = feed::read_all(&mut clients, PARK).await;
    let count = |name: &str| {
        events
            .iter()
            .filter(|event| event.r#type.ends_with(name))
            .count()
    };
    assert_eq!(
        (
            count("RegisterReadV1"),
            count("RegisterReadV2"),
            count("MeterSwappedV1")
        ),
        (2, 2, 1)
    );
    // From the swap's own event on, the new register counts.
    let entry = "energy/depot/2026-02-28T19:00:00Z/import";
    let explained = park
        .cli(&[
            "ledger", "explain", "--park", PARK, entry, "--format", "json",
        ])
        .expect_code(0)
        .stdout;
    assert!(explained.contains("MeterSwappedV1"), "{explained}");

    drop(clients);
    park.stop();
    park.start();
    assert_eq!(park.state_at(position), before);
    assert_eq!(imports(&park), [7_500, 6_000, 4_500, 5_250]);
    park.cli(&["verify"]).expect_code(0);
}
