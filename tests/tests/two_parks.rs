//! Two parks of one owner: what one gives the other is counted once, and what one has used the other can't.

use serde_json::Value as Json;
use terrarium_proto::carbon::v1 as carbon;
use terrarium_tests::{Clients, Park, expect_status, one_building, repository};
use tonic::Code;

const MIDNIGHT: &str = "2023-03-01T00:00:00+08:00";
const DAY: [&str; 4] = ["--from", MIDNIGHT, "--to", "2023-03-02T00:00:00+08:00"];

fn activity(
    park: &str,
    kind: &str,
    subject: &str,
    value: &str,
    unit: &str,
) -> carbon::ReportActivityRequest {
    carbon::ReportActivityRequest {
        park: park.into(),
        asset: "centre".into(),
        activity: format!("{kind}-1"),
        kind: kind.into(),
        subject: subject.into(),
        interval_start: MIDNIGHT.into(),
        interval_seconds: 3_600,
        value: value.into(),
        unit: unit.into(),
        tier: 2,
        source: "log".into(),
        ..Default::default()
    }
}

async fn two_parks() -> (Park, Clients) {
    let mut park = Park::new(&[]);
    for id in ["plant", "office"] {
        let file = park.scratch(&format!("{id}.toml"));
        std::fs::write(&file, one_building(id, &format!("园区 {id}"))).expect("a file");
        park = park.with_park_file(file);
    }
    park.start();
    let clients = park.clients().await;
    (park, clients)
}

/// Opens the day as a reporting period, or closes it.
async fn set_period(clients: &mut Clients, park: &str, state: &str) {
    let period = "spring".to_owned();
    match state {
        "open" => {
            let open = carbon::OpenPeriodRequest {
                park: park.into(),
                period,
                from: DAY[1].into(),
                to: DAY[3].into(),
                ..Default::default()
            };
            clients.carbon.open_period(open).await.expect("opened");
        }
        _ => {
            let close = carbon::ClosePeriodRequest {
                park: park.into(),
                period,
                ..Default::default()
            };
            clients.carbon.close_period(close).await.expect("closed");
        }
    }
}

/// The plant burns gas for the heat that the office takes: counted at the plant, and not again at the office.
#[tokio::test(flavor = "multi_thread")]
async fn a_portfolio_counts_the_heat_that_one_park_gives_the_other_once() {
    let (mut park, mut clients) = two_parks().await;
    let library = repository().join("deploy/factors/library");
    let library = library.to_string_lossy().into_owned();
    for id in ["plant", "office"] {
        park.cli(&["import", "factors", &library, "--park", id])
            .expect_code(0);
    }
    for report in [
        activity("plant", "fuel", "diesel", "500", "L"),
        activity("office", "heat", "heat", "1000", "kWh"),
        activity("office", "freight", "lorry-diesel-10t", "100", "tkm"),
    ] {
        let answer = clients.carbon.report_activity(report).await;
        assert!(answer.expect("reported").into_inner().recorded);
    }
    let ask = |more: &[&str]| {
        let mut words = vec!["report", "--portfolio", "plant,office"];
        words.extend(DAY);
        words.extend(more);
        park.cli(&words)
    };
    let figures = |more: &[&str]| -> Json {
        let mut words = more.to_vec();
        words.extend(["--format", "json"]);
        ask(&words).expect_code(0).json()
    };
    let mg = |statement: &Json, id: &str| {
        statement["figures"][id]
            .as_i64()
            .unwrap_or_else(|| panic!("no {id}: {}", statement["figures"]))
    };
    let heat = "plant:office:centre:heat-import";

    // Nothing is rolled up over days that somebody may still report of, unless as provisional.
    ask(&[]).expect_said(&["plant: no reporting period"]);
    for park in ["plant", "office"] {
        set_period(&mut clients, park, "open").await;
    }
    let provisional = figures(&["--provisional"]);
    assert_eq!(provisional["provisional"], true);
    set_period(&mut clients, "plant", "closed").await;
    ask(&[]).expect_said(&["office: period spring is open"]);
    set_period(&mut clients, "office", "closed").await;

    let apart = figures(&[]);
    let (plant, office) = (mg(&apart, "park-plant"), mg(&apart, "park-office"));
    assert_eq!(mg(&apart, "portfolio-total"), plant + office);
    assert_eq!(apart["provisional"], false);
    assert_eq!(mg(&provisional, "portfolio-total"), plant + office);
    let verdict = |statement: &Json| statement["verdict"]["words"]["en"].to_string();
    assert!(verdict(&apart).contains("no transfers"), "{apart}");
    let whole = figures(&["--transfer", heat]);
    assert!(verdict(&whole).contains("each tonne once"), "{whole}");
    // 3.6 GJ x 110 kg/GJ.
    assert_eq!(mg(&whole, "twice-office"), 396_000_000);
    assert_eq!(mg(&whole, "portfolio-total"), plant + office - 396_000_000);
    assert_eq!(whole["claim"], "portfolio");
    assert_eq!(whole["park"], "plant + office");
    assert_eq!(whole["netting"][0]["treatment"], "netted");
    // Each figure leads back to postings, and each of those to its park.
    let postings = whole["postings"].as_array().expect("postings");
    let parks: Vec<&str> = postings
        .iter()
        .filter_map(|of| of["park"].as_str())
        .collect();
    assert!(
        parks.contains(&"plant") && parks.contains(&"office"),
        "{parks:?}"
    );
    assert_eq!(parks.len(), postings.len());
    // Every activity has its price.
    let notes = whole["notes"].to_string();
    assert!(!notes.contains("Not everything"), "{notes}");

    for format in ["table", "csv", "xlsx", "pdf", "parquet"] {
        let file = park.scratch(&format!("portfolio.{format}"));
        let output = file.to_string_lossy().into_owned();
        ask(&[
            "--transfer",
            heat,
            "--format",
            format,
            "--lang",
            "zh",
            "--output",
            &output,
        ])
        .expect_code(0);
        assert!(std::fs::metadata(&file).expect("written").len() > 100);
    }
    for (transfer, said) in [
        ("plant:office:centre", &["four parts"][..]),
        (
            "plant:office:centre:cooling-import",
            &["nothing of it is posted at centre"],
        ),
        (
            "plant:elsewhere:centre:heat-import",
            &["elsewhere is no park of this portfolio"],
        ),
        ("office:office:centre:heat-import", &["gives it to itself"]),
    ] {
        ask(&["--transfer", transfer]).expect_said(said);
    }
    park.cli(&["report", "--portfolio", "plant", "--from", MIDNIGHT])
        .expect_said(&["name 2 to"]);
    park.cli(&["report", "--portfolio", "plant,plant"])
        .expect_said(&["named twice"]);

    // An activity that no factor prices: the roll-up states it, with its park.
    let unpriced = activity("office", "freight", "airship", "3", "tkm");
    let unpriced = carbon::ReportActivityRequest {
        activity: "freight-2".into(),
        interval_start: "2023-03-01T05:00:00+08:00".into(),
        ..unpriced
    };
    clients
        .carbon
        .report_activity(unpriced)
        .await
        .expect("reported");
    let stated = figures(&["--transfer", heat])["notes"].to_string();
    assert!(
        stated.contains("office: Not everything is in these figures"),
        "{stated}"
    );
    assert_eq!(
        mg(&figures(&["--transfer", heat]), "portfolio-total"),
        mg(&whole, "portfolio-total")
    );
    park.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_number_that_another_park_retired_is_refused_with_where_and_for_what() {
    let (mut park, mut clients) = two_parks().await;
    let issue = |park: &str| carbon::IssueInstrumentRequest {
        park: park.into(),
        registry: "ccer".into(),
        serial: "CN-1".into(),
        kind: carbon::InstrumentKind::Credit.into(),
        amount: 1_000_000,
        vintage_from: "2022-01-01T00:00:00+08:00".into(),
        vintage_to: "2023-01-01T00:00:00+08:00".into(),
        time: MIDNIGHT.into(),
        project: "an afforestation project".into(),
        ..Default::default()
    };
    let hold = |park: &str| carbon::HoldInstrumentRequest {
        park: park.into(),
        registry: "ccer".into(),
        serial: "CN-1".into(),
        time: "2023-03-02T00:00:00+08:00".into(),
        acquired_from: "exchange".into(),
        client_request_id: String::new(),
    };
    let retire = |park: &str| carbon::RetireInstrumentRequest {
        park: park.into(),
        registry: "ccer".into(),
        serial: "CN-1".into(),
        time: "2023-03-03T00:00:00+08:00".into(),
        period: "2022".into(),
        purpose: "residual emissions".into(),
        ..Default::default()
    };
    let carbon = &mut clients.carbon;
    // Both know of it; whoever holds it first has it.
    for id in ["plant", "office"] {
        carbon.issue_instrument(issue(id)).await.expect("known");
    }
    carbon.hold_instrument(hold("plant")).await.expect("held");
    let refused = carbon
        .hold_instrument(hold("office"))
        .await
        .expect_err("held elsewhere");
    assert!(
        refused.message().contains("is held in park plant"),
        "{refused}"
    );
    let retired = carbon.retire_instrument(retire("plant")).await;
    assert!(retired.expect("retired").into_inner().recorded);
    let refused = carbon
        .hold_instrument(hold("office"))
        .await
        .expect_err("retired elsewhere");
    let said = "is retired in park plant for 2022 since 2023-03-02T16:00:00Z; a serial number is used once";
    expect_status(&refused, Code::FailedPrecondition, "serial", said);
    // The one that has it may send again.
    let again = carbon.retire_instrument(retire("plant")).await;
    assert!(!again.expect("sent again").into_inner().recorded);
    park.stop();
}
