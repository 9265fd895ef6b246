//! Haotian's life cycle from events, through the public API: the founders' figures, the honest ones beside them, and the register
//! read that came as kVA.

use serde_json::Value as Json;
use terrarium_proto::carbon::v1::{
    ClosePeriodRequest, OpenPeriodRequest, PlanSamplingRequest, SampledItem,
};
use terrarium_proto::energy::v1::{Reading, ReportReadingsRequest};
use terrarium_tests::{Park, repository};

const PARK: &str = "haotian-record";
const MG_PER_T: i64 = 1_000_000_000;

fn haotian_as_published() -> Park {
    let file = repository().join("deploy/parks/haotian-record.toml");
    Park::new(&[file])
}

fn import_decisions(park: &Park) -> Json {
    let file = repository().join("deploy/decisions/haotian.toml");
    let file = file.to_string_lossy().into_owned();
    park.cli(&[
        "import",
        "decisions",
        &file,
        "--park",
        PARK,
        "--format",
        "json",
    ])
    .expect_code(0)
    .json()
}

fn statement(park: &Park, claim: &str, more: &[&str]) -> Json {
    let mut words = vec![
        "report", "--park", PARK, "--claim", claim, "--format", "json",
    ];
    words.extend(more);
    park.cli(&words).expect_code(0).json()
}

fn tonnes(statement: &Json, id: &str) -> i64 {
    let mg = statement["figures"][id]
        .as_i64()
        .unwrap_or_else(|| panic!("no figure {id}: {}", statement["figures"]));
    (mg + MG_PER_T / 2).div_euclid(MG_PER_T)
}

fn read(meter: &str, time: &str, value: &str, unit: &str) -> Reading {
    Reading {
        meter: meter.into(),
        quantity: "active_energy_register".into(),
        interval_start: time.into(),
        interval_seconds: 0,
        value: value.into(),
        unit: unit.into(),
        correction: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_founders_figures_and_the_honest_ones_come_from_events() {
    let mut park = haotian_as_published();
    park.start();
    let first = import_decisions(&park);
    assert_eq!(first["already_recorded"], 0, "{first}");
    let again = import_decisions(&park);
    assert_eq!(again["recorded"], 0, "{again}");

    let mut clients = park.clients().await;
    let report = ReportReadingsRequest {
        park: PARK.into(),
        readings: vec![
            read("feed-in.use", "2022-04-01T00:00:00+08:00", "0", "kWh"),
            read("feed-in.use", "2025-08-01T00:00:00+08:00", "0", "kWh"),
            read("feed-in.export", "2022-04-01T00:00:00+08:00", "0", "kWh"),
            // 1,807 x 100, published as "kVA": no energy.
            read(
                "feed-in.export",
                "2025-08-01T00:00:00+08:00",
                "180700",
                "kVA",
            ),
        ],
        client_request_id: String::new(),
    };
    let answer = clients
        .energy
        .report_readings(report)
        .await
        .expect("an answer")
        .into_inner();
    let counts = answer.counts.expect("counts");
    assert_eq!((counts.recorded, counts.quarantined), (3, 1));
    // The period is closed while the read lies in quarantine.
    let close = ClosePeriodRequest {
        park: PARK.into(),
        period: "trial".into(),
        client_request_id: String::new(),
    };
    clients.carbon.close_period(close).await.expect("closed");
    let before = statement(&park, "lifecycle_neutrality", &["--period", "trial"]);
    assert_eq!(before["figures"]["measured-export"], Json::Null);

    let quarantine = &answer.quarantined[0].quarantine_id;
    park.cli(&[
        "quarantine",
        "correct",
        quarantine,
        "--value",
        "180700",
        "--unit",
        "kWh",
        "--reason",
        "meter reading 1,807 x ratio 100, in kWh",
        "--park",
        PARK,
    ])
    .expect_code(0);

    let after = statement(&park, "lifecycle_neutrality", &["--period", "trial"]);
    assert_eq!(tonnes(&after, "founders-start"), -921);
    for (id, expected_t) in [
        ("founders-end", 2_139),
        ("founders-checkpoint-1", -799),
        ("founders-checkpoint-10", 303),
        ("founders-young-checkpoint-10", 94),
        ("export-end", 916),
        ("export-grid-end", 714),
        ("removals-end", 316),
        ("crown-end", -389),
    ] {
        assert!((tonnes(&after, id) - expected_t).abs() <= 1, "{id}");
    }
    // 54.2 MWh a year, 1.81 times the plan.
    let export_wh = after["figures"]["measured-export"]
        .as_i64()
        .expect("metered");
    assert_eq!(
        export_wh / 100_000,
        541 + i64::from(export_wh >= 54_200_000)
    );
    let notes = after["notes"].to_string();
    assert!(notes.contains("times the planned one"), "{notes}");
    assert!(notes.contains("October 2029, not in 2031"), "{notes}");

    // What was known before the correction is known still, and the closed period lists what changed.
    let position = before["position"].to_string();
    let then = statement(
        &park,
        "lifecycle_neutrality",
        &["--period", "trial", "--known-at", &position],
    );
    assert_eq!(then["figures"], before["figures"]);
    let restatements = park
        .cli(&[
            "ledger",
            "restatements",
            "trial",
            "--park",
            PARK,
            "--format",
            "json",
        ])
        .expect_code(0)
        .json();
    assert!(
        restatements.to_string().contains("corrected_data")
            || restatements.to_string().contains("CORRECTED_DATA"),
        "{restatements}"
    );
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_comes_in_every_form_and_language() {
    let mut park = haotian_as_published();
    park.start();
    import_decisions(&park);
    for (format, lang, magic) in [
        ("pdf", "zh", &b"%PDF-"[..]),
        ("pdf", "en", b"%PDF-"),
        ("xlsx", "zh", b"PK\x03\x04"),
        ("parquet", "en", b"PAR1"),
        ("csv", "en", b"id,label,value,unit"),
        ("table", "zh", "全生命周期".as_bytes()),
    ] {
        let file = park.scratch(&format!("statement-{lang}.{format}"));
        let output = file.to_string_lossy().into_owned();
        park.cli(&[
            "report",
            "--park",
            PARK,
            "--claim",
            "lifecycle_neutrality",
            "--period",
            "trial",
            "--provisional",
            "--format",
            format,
            "--lang",
            lang,
            "--output",
            &output,
        ])
        .expect_code(0);
        let bytes = std::fs::read(&file).expect("a file");
        assert!(
            bytes.starts_with(magic),
            "{format}: {:?}",
            &bytes[..bytes.len().min(40)]
        );
    }
    // A claim over an open period is refused, and so is an unknown one.
    park.cli(&[
        "report",
        "--park",
        PARK,
        "--claim",
        "lifecycle_neutrality",
        "--period",
        "trial",
    ])
    .expect_said(&["period trial is open", "close the period first"]);
    park.cli(&["report", "--park", PARK, "--claim", "green"])
        .expect_said(&["no claim", "iso14064"]);
    park.cli(&["status", "--format", "pdf"])
        .expect_said(&["forms of `terrarium report`"]);
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_at_is_planned_for_a_closed_period() {
    let mut park = haotian_as_published();
    park.start();
    let mut clients = park.clients().await;
    let open = OpenPeriodRequest {
        park: PARK.into(),
        period: "2025".into(),
        from: "2025-01-01T00:00:00+08:00".into(),
        to: "2026-01-01T00:00:00+08:00".into(),
        client_request_id: String::new(),
    };
    clients.carbon.open_period(open).await.expect("opened");
    let plan = PlanSamplingRequest {
        park: PARK.into(),
        period: "2025".into(),
        materiality_permille: 50,
        items: vec![SampledItem {
            area: "electricity".into(),
            selection: "feed-in.export".into(),
            test: "recalculation".into(),
            risk: "unit of the register".into(),
        }],
        client_request_id: String::new(),
    };
    let refused = clients
        .claims
        .plan_sampling(plan)
        .await
        .expect_err("the period is open");
    assert!(refused.message().contains("not closed"), "{refused}");
    park.stop();
}

/// Three days by default, a year where the long run is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn the_inventories_of_a_simulated_haotian_agree_on_every_figure_that_they_share() {
    let mut park = Park::new(&[]);
    park.start();
    let to = if terrarium_tests::is_long() {
        "2024-01-01T00:00:00+08:00"
    } else {
        "2023-01-04T00:00:00+08:00"
    };
    let definition = repository().join("deploy/parks/haotian.toml");
    let definition = definition.to_string_lossy().into_owned();
    park.cli(&[
        "simulate",
        "--park",
        &definition,
        "--from",
        "2023-01-01T00:00:00+08:00",
        "--to",
        to,
        "--interval",
        "1h",
        "--batch",
    ])
    .expect_code(0);
    for file in [
        "deploy/factors/north-china-2023.toml",
        "deploy/factors/library",
    ] {
        let file = repository().join(file).to_string_lossy().into_owned();
        park.cli(&["import", "factors", &file, "--park", "haotian"])
            .expect_code(0);
    }
    let statements = [
        "ghgp_inventory_location",
        "ghgp_inventory_market",
        "iso14064",
        "cn_guideline",
        "ndrc_zero_carbon_park",
    ]
    .map(|claim| {
        park.cli(&[
            "report",
            "--park",
            "haotian",
            "--claim",
            claim,
            "--provisional",
            "--format",
            "json",
        ])
        .expect_code(0)
        .json()
    });
    let mut shared = 0;
    for one in &statements {
        for (id, value) in one["figures"].as_object().expect("figures") {
            for other in &statements {
                if let Some(same) = other["figures"].get(id) {
                    assert_eq!(same, value, "{id}: {} and {}", one["claim"], other["claim"]);
                    shared += 1;
                }
            }
        }
    }
    assert!(shared > 40, "only {shared} comparisons");
    let figures = |statement: usize, id: &str| statements[statement]["figures"][id].clone();
    assert!(figures(0, "scope2-location").as_i64() > Some(0));
    assert_eq!(figures(2, "iso-1"), figures(0, "scope1"));
    assert_eq!(figures(2, "iso-2"), figures(0, "scope2-location"));
    // By the grid's meter, what went on into visitors' cars included.
    let mg = |id| figures(0, id).as_i64().unwrap_or(0);
    assert_eq!(
        figures(3, "co2-electricity-in").as_i64(),
        Some(mg("scope2-location-grid-import") + mg("electricity-resold"))
    );
    assert!(mg("electricity-resold") > 0, "visitors charge their cars");
    assert_eq!(
        statements[4]["verdict"]["kind"], "not-applicable",
        "a landscape park is out of the scheme"
    );
    // Every sum of the inventory leads back to postings.
    for line in statements[0]["lines"].as_array().expect("lines") {
        if line["role"] == "sum" && line["value"].as_i64() > Some(0) {
            assert!(!line["sources"].as_array().expect("sources").is_empty());
        }
    }
    park.stop();
}
