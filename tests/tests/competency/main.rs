//! The 25 competency questions about how an emission figure came about (PECO) and what a factor is (ECFO), asked one by one of a
//! running server, each with its real answer; then what an auditor asks beside: evidence, uncertainty, corrections, who and when.

mod answers;
mod questions;

use std::panic::{AssertUnwindSafe, catch_unwind};

use answers::Answers;
use questions::QUESTIONS;
use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::energy::v1::{Correction, Reading, ReportReadingsRequest};
use terrarium_tests::{Clients, Park, one_building, repository};

const PARK: &str = "asked";

/// 1 March 2023, midnight in the park, and the same hour in UTC.
const HOUR: &str = "2023-03-01T00:00:00+08:00";
const HOUR_UTC: &str = "2023-02-28T16:00:00Z";
const NORTH_2023: &str = "cn-electricity-regions/2023/north-china-2023";
const DENSITY: &str = "cn-fuels-guidelines/1/diesel-density";
const NET_VALUE: &str = "cn-fuels-guidelines/1/diesel-ncv";

/// A row with tags.
const BICYCLE: &str = "asked-modes/1/cargo-bicycle";
const TABLE: &str = r#"
[table]
set = "asked-modes"
version = "1"
publisher = "the park's own count"
published_on = "2023-01-01"
document = "count of deliveries"
kind = "transport"
region = "china"
u95_percent = "20"

[[row]]
row = "cargo-bicycle"
subject = "cargo-bicycle"
valid_from = "2023-01-01T00:00:00+08:00"
valid_to = "2024-01-01T00:00:00+08:00"
unit = "kgCO2e/tkm"
value = "0.02"
locator = "row 1"
mark = "secondary"
tags = ["last mile", "freight"]
"#;

/// A year's figures in one park: 120 L of diesel (first reported as 100), 1,000 kWh of heat of a tenant, 6 kWh from the grid
/// (first reported as 5).
async fn tell(park: &Park, clients: &mut Clients) {
    let library = repository().join("deploy/factors/library");
    let library = library.to_string_lossy().into_owned();
    park.cli(&["import", "factors", &library, "--park", PARK])
        .expect_code(0);
    let table = park.scratch("modes.toml");
    std::fs::write(&table, TABLE).expect("a file");
    park.cli(&[
        "import",
        "factors",
        &table.to_string_lossy(),
        "--park",
        PARK,
    ])
    .expect_code(0);
    let pinned = carbon::SetAccountingProfileRequest {
        park: PARK.into(),
        valid_from: "2023-01-01T00:00:00+08:00".into(),
        pinned_sets: vec![carbon::PinnedFactorSet {
            kind: "fuel_property".into(),
            set: "cn-fuels-guidelines".into(),
        }],
        reason: "set A of the 24 guidelines".into(),
        ..Default::default()
    };
    let set = clients.carbon.set_accounting_profile(pinned).await;
    set.expect("pinned");
    let diesel = |revision: u32, litres: &str| carbon::ReportActivityRequest {
        park: PARK.into(),
        asset: "centre".into(),
        activity: "d-1".into(),
        kind: "fuel".into(),
        subject: "diesel".into(),
        interval_start: HOUR.into(),
        interval_seconds: 3_600,
        value: litres.into(),
        unit: "L".into(),
        revision,
        tier: 2,
        source: format!("delivery note {}", 7 + revision),
        evidence_sha256: vec![7; 32].into(),
        reason: if revision > 0 {
            "misread".into()
        } else {
            String::new()
        },
        ..Default::default()
    };
    let heat = carbon::ReportActivityRequest {
        activity: "h-1".into(),
        kind: "heat".into(),
        subject: "heat".into(),
        value: "1000".into(),
        unit: "kWh".into(),
        party: "tenant-a".into(),
        source: "heat bill".into(),
        ..diesel(0, "1")
    };
    for report in [diesel(0, "100"), diesel(1, "120"), heat] {
        let answer = clients.carbon.report_activity(report).await;
        assert!(answer.expect("reported").into_inner().recorded);
    }
    let calibration = carbon::AttachEvidenceRequest {
        park: PARK.into(),
        sha256: vec![9; 32].into(),
        kind: carbon::EvidenceKind::Calibration.into(),
        about: "centre.in".into(),
        from: "2023-01-01T00:00:00+08:00".into(),
        to: "2024-01-01T00:00:00+08:00".into(),
        note: "class 1".into(),
        client_request_id: String::new(),
    };
    clients
        .carbon
        .attach_evidence(calibration)
        .await
        .expect("attached");
    for (value, correction) in [
        ("5", None),
        (
            "6",
            Some(Correction {
                replaces_revision: Some(0),
                reason: "misread".into(),
            }),
        ),
    ] {
        let reading = Reading {
            meter: "centre.in".into(),
            quantity: "active_energy".into(),
            interval_start: HOUR.into(),
            interval_seconds: 3_600,
            value: value.into(),
            unit: "kWh".into(),
            correction,
        };
        let report = ReportReadingsRequest {
            park: PARK.into(),
            readings: vec![reading],
            client_request_id: String::new(),
        };
        let answer = clients.energy.report_readings(report).await;
        let counts = answer.expect("reported").into_inner().counts;
        assert_eq!(counts.map(|counts| counts.recorded), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_competency_question_has_its_answer() {
    let mut park = Park::new(&[]);
    let file = park.scratch("asked.toml");
    std::fs::write(&file, one_building(PARK, "问园")).expect("a file");
    park = park.with_park_file(file);
    park.start();
    let mut clients = park.clients().await;
    tell(&park, &mut clients).await;
    let answers = Answers::ask(&mut clients).await;
    let mut unanswered = Vec::new();
    for (question, check) in QUESTIONS {
        if catch_unwind(AssertUnwindSafe(|| check(&answers))).is_err() {
            unanswered.push(question);
        }
    }
    assert!(unanswered.is_empty(), "no right answer to: {unanswered:#?}");

    // The same on the command line.
    let posting = format!("emission/centre/{HOUR_UTC}/diesel/d-1");
    let told = park
        .cli(&["ledger", "explain-posting", &posting, "--park", PARK])
        .expect_code(0)
        .stdout;
    for said in [
        "park answers for it",
        "at centre (building, Centre) in zone yard of park asked",
        "comes to 317.028 kg CO2e",
        "replaces revision 0: 100000 ml (delivery note 7)",
        "written in delivery note 8",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let entry = format!("emission/centre/{HOUR_UTC}/scope2-location");
    let told = park
        .cli(&["ledger", "explain", &entry, "--park", PARK])
        .expect_code(0)
        .stdout;
    for said in [
        "in zone yard of park asked; park answers for it",
        "attached calibration: class 1",
        "replaces revision 0: 5.000 kWh",
        "stands in: regional averages, North, 2023",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    park.stop();
}
