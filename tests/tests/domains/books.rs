//! The factor library, reported activities, documents and invoices through the real server, down to postings that explain
//! themselves.

use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_proto::ledger::v1 as ledger;
use terrarium_proto::ledger::v1::carbon_books_service_client::CarbonBooksServiceClient;
use terrarium_tests::expect_refused;
use terrarium_tests::{Park, repository};
use tonic::Code;
use tonic::transport::Channel;

use crate::{PARK, at};

fn import(park: &Park, what: &str) -> Vec<serde_json::Value> {
    let path = repository().join("deploy/factors").join(what);
    let printed = park
        .cli(&[
            "import",
            "factors",
            &path.to_string_lossy(),
            "--park",
            PARK,
            "--format",
            "json",
        ])
        .expect_code(0);
    printed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect()
}

fn diesel(revision: u32, litres: &str) -> carbon::ReportActivityRequest {
    carbon::ReportActivityRequest {
        park: PARK.into(),
        asset: "centre".into(),
        activity: "d-1".into(),
        kind: "fuel".into(),
        subject: "diesel".into(),
        interval_start: at(0),
        interval_seconds: 3_600,
        value: litres.into(),
        unit: "L".into(),
        revision,
        tier: 2,
        source: "delivery note 7".into(),
        evidence_sha256: vec![7; 32].into(),
        reason: if revision > 0 {
            "misread".into()
        } else {
            String::new()
        },
        ..carbon::ReportActivityRequest::default()
    }
}

async fn report(service: &mut CarbonServiceClient<Channel>) {
    let answer = service.report_activity(diesel(0, "100")).await;
    assert!(answer.expect("reported").into_inner().recorded);
    let again = service.report_activity(diesel(0, "100")).await;
    assert!(!again.expect("sent again").into_inner().recorded);
    for (request, code, field, said) in [
        (
            diesel(0, "120"),
            Code::AlreadyExists,
            "revision",
            "as revision 1",
        ),
        (
            diesel(2, "120"),
            Code::FailedPrecondition,
            "revision",
            "the next one is 1",
        ),
        (
            carbon::ReportActivityRequest {
                unit: "kVA".into(),
                ..diesel(0, "1")
            },
            Code::InvalidArgument,
            "unit",
            "write one of",
        ),
        (
            carbon::ReportActivityRequest {
                kind: "waste".into(),
                ..diesel(0, "1")
            },
            Code::InvalidArgument,
            "kind",
            "refrigerant",
        ),
        (
            carbon::ReportActivityRequest {
                activity: "d-2".into(),
                ..diesel(0, "1")
            },
            Code::FailedPrecondition,
            "interval_start",
            "overlaps activity d-1",
        ),
        (
            carbon::ReportActivityRequest {
                tier: 7,
                ..diesel(0, "1")
            },
            Code::InvalidArgument,
            "tier",
            "no tier",
        ),
        (
            carbon::ReportActivityRequest {
                asset: "nowhere".into(),
                ..diesel(0, "1")
            },
            Code::InvalidArgument,
            "asset",
            "has no asset",
        ),
    ] {
        expect_refused(service.report_activity(request).await, code, field, said);
    }
    service
        .report_activity(diesel(1, "120"))
        .await
        .expect("corrected");
    let listed = service
        .list_activities(carbon::ListActivitiesRequest { park: PARK.into() })
        .await
        .expect("a list")
        .into_inner()
        .activities;
    assert_eq!(
        (listed.len(), listed[0].revision, listed[0].amount),
        (1, 1, 120_000)
    );
}

async fn attach(service: &mut CarbonServiceClient<Channel>) {
    let evidence = |about: &str| carbon::AttachEvidenceRequest {
        park: PARK.into(),
        sha256: vec![9; 32].into(),
        kind: carbon::EvidenceKind::Calibration.into(),
        about: about.into(),
        from: at(0),
        to: at(60),
        note: "flow meter, class 2".into(),
        client_request_id: String::new(),
    };
    service
        .attach_evidence(evidence("centre"))
        .await
        .expect("attached");
    expect_refused(
        service.attach_evidence(evidence("no-such")).await,
        Code::InvalidArgument,
        "about",
        "no meter or asset",
    );
    let list = carbon::ListEvidenceRequest { park: PARK.into() };
    let attached = service
        .list_evidence(list)
        .await
        .expect("a list")
        .into_inner();
    assert_eq!(attached.evidence.len(), 1);
    let invoice = |meter: &str| carbon::RecordInvoiceRequest {
        park: PARK.into(),
        supplier: "state-grid".into(),
        number: "2025-08".into(),
        carrier: carbon::InvoiceCarrier::Electricity.into(),
        meters: vec![meter.into()],
        from: at(0),
        to: at(60),
        value: "5".into(),
        unit: "kWh".into(),
        ..carbon::RecordInvoiceRequest::default()
    };
    service
        .record_invoice(invoice("centre.load"))
        .await
        .expect("recorded");
    expect_refused(
        service.record_invoice(invoice("no-such")).await,
        Code::InvalidArgument,
        "meters",
        "has no meter",
    );
    let profile = |valid_from: String, landlord| carbon::SetAccountingProfileRequest {
        park: PARK.into(),
        valid_from,
        landlord,
        waste_routes: vec![carbon::WasteRouting {
            stream: "residual".into(),
            route: "landfill".into(),
        }],
        pinned_sets: vec![carbon::PinnedFactorSet {
            kind: "fuel_property".into(),
            set: "cn-fuels-guidelines".into(),
        }],
        reason: "set A of the 24 guidelines".into(),
        ..carbon::SetAccountingProfileRequest::default()
    };
    let set = service.set_accounting_profile(profile(at(0), false)).await;
    assert_eq!(set.expect("set").into_inner().version, 1);
    expect_refused(
        service.set_accounting_profile(profile(at(0), true)).await,
        Code::FailedPrecondition,
        "valid_from",
        "later moment",
    );
}

async fn read(channel: Channel) {
    let mut books = CarbonBooksServiceClient::new(channel);
    let period = Some(ledger::Period {
        from: "2025-08-01T00:00:00+08:00".into(),
        to: "2025-09-01T00:00:00+08:00".into(),
    });
    let ask = |lines| ledger::ListPostingsRequest {
        park: PARK.into(),
        period: period.clone(),
        lines,
        ..ledger::ListPostingsRequest::default()
    };
    let answer = books
        .list_postings(ask(true))
        .await
        .expect("lines")
        .into_inner();
    assert_eq!(answer.unpriced, []);
    let burnt = answer
        .postings
        .iter()
        .find(|posting| posting.activity == "diesel")
        .expect("burnt");
    // 120 l x 0.84 kg/l x 43.33 GJ/t x 20.20 kgC/GJ x 0.98 x 44/12: set A, as pinned.
    assert_eq!(burnt.gases[0].mg, 317_028_347);
    assert_eq!((burnt.scope, burnt.method.as_str()), (1, "combustion/1"));
    let sums = books
        .list_postings(ask(false))
        .await
        .expect("sums")
        .into_inner();
    assert_eq!(sums.gross, answer.gross);
    let gross = sums.gross.expect("gross");
    assert!(gross.half_width_mg > 0 && gross.half_width_mg < gross.total_mg);

    let explained = books
        .explain_posting(ledger::ExplainPostingRequest {
            park: PARK.into(),
            posting_id: burnt.posting_id.clone(),
            ..ledger::ExplainPostingRequest::default()
        })
        .await
        .expect("explained")
        .into_inner();
    assert_eq!(explained.steps.len(), 2);
    assert!(explained.events[0].r#type.ends_with("ActivityReportedV1"));
    assert_eq!(explained.evidence_sha256.len(), 1);
    assert_eq!(explained.attached, ["calibration: flow meter, class 2"]);
    assert!(
        explained
            .factors
            .iter()
            .all(|factor| factor.set == "cn-fuels-guidelines")
    );
    expect_not_found(
        books
            .explain_posting(ledger::ExplainPostingRequest {
                park: PARK.into(),
                posting_id: "emission/centre/2025-08-01T00:00:00Z/diesel/no".into(),
                ..ledger::ExplainPostingRequest::default()
            })
            .await,
    );
    let factor = books
        .explain_factor(ledger::ExplainFactorRequest {
            park: PARK.into(),
            key: burnt.factors[0].key.clone(),
            at: String::new(),
        })
        .await
        .expect("a factor")
        .into_inner();
    assert_eq!(factor.answers.len(), 15);
    let reconciled = books
        .reconcile(ledger::ReconcileRequest {
            park: PARK.into(),
            period,
            as_of: None,
        })
        .await
        .expect("reconciled")
        .into_inner()
        .invoices;
    assert_eq!(
        (reconciled[0].charged, reconciled[0].metered),
        (5_000, None)
    );
    assert!(!reconciled[0].agrees);
}

fn expect_not_found<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) {
    assert_eq!(answer.expect_err("unknown").code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_is_imported_and_activities_become_postings_that_explain_themselves() {
    let mut park = crate::park();
    park.start();
    let tables = import(&park, "library");
    assert!(tables.len() >= 20 && tables.iter().all(|table| table["recorded"] == true));
    assert!(
        import(&park, "library")
            .iter()
            .all(|table| table["recorded"] == false)
    );
    import(&park, "north-china-carried.toml");
    let channel = park.clients().await.channel;
    let mut service = CarbonServiceClient::new(channel.clone());
    report(&mut service).await;
    attach(&mut service).await;
    read(channel).await;
    let before = park.state();
    park.cli(&["verify"]).expect_code(0);
    park.stop();
    park.start();
    assert_eq!(park.state(), before);
    park.stop();
}
