//! Who may do what: devices report, operators decide, and an auditor verifies what someone else closed.

use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_proto::carbon::v1::claims_service_client::ClaimsServiceClient;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{GuardedPark, with_token};
use tonic::{Code, Status};

use crate::water::levels;
use crate::{PARK, park};

#[track_caller]
fn expect_denied<T: std::fmt::Debug>(answer: Result<T, Status>, said: &str) {
    let status = answer.expect_err("this must be denied");
    assert_eq!(status.code(), Code::PermissionDenied, "{status}");
    assert!(status.message().contains(said), "{status}");
}

fn verify() -> carbon::VerifyPeriodRequest {
    carbon::VerifyPeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        assurance: carbon::Assurance::Reasonable.into(),
        statement_sha256: vec![7; 32].into(),
        client_request_id: String::new(),
    }
}

#[tokio::test]
async fn a_period_is_verified_by_an_auditor_who_did_not_close_it() {
    let mut guarded = GuardedPark::new(park());
    let operator = guarded.token("li", "operator", Some(PARK));
    let reviewer = guarded.token("reviewer", "operator", Some(PARK));
    let auditor = guarded.token("auditor-1", "auditor", None);
    guarded.park.start();
    let channel = guarded.park.clients().await.channel;
    let mut claims = ClaimsServiceClient::new(channel.clone());
    let mut service = CarbonServiceClient::new(channel);
    let open = carbon::OpenPeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        from: "2024-01-01T00:00:00+08:00".into(),
        to: "2025-01-01T00:00:00+08:00".into(),
        client_request_id: String::new(),
    };
    let close = carbon::ClosePeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        client_request_id: String::new(),
    };
    expect_denied(
        service
            .open_period(with_token(&auditor, open.clone()))
            .await,
        "role operator",
    );
    service
        .open_period(with_token(&operator, open))
        .await
        .expect("opened");
    service
        .close_period(with_token(&operator, close))
        .await
        .expect("closed");
    expect_denied(
        service.verify_period(with_token(&operator, verify())).await,
        "role auditor",
    );
    let review = carbon::ReviewPeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        client_request_id: String::new(),
    };
    service
        .review_period(with_token(&reviewer, review))
        .await
        .expect("reviewed");
    let unplanned = service
        .verify_period(with_token(&auditor, verify()))
        .await
        .expect_err("reasonable assurance needs a plan");
    assert_eq!(unplanned.code(), Code::FailedPrecondition, "{unplanned}");
    let plan = carbon::PlanSamplingRequest {
        park: PARK.into(),
        period: "2024".into(),
        materiality_permille: 50,
        items: vec![carbon::SampledItem {
            area: "electricity".into(),
            selection: "every meter".into(),
            test: "recalculation".into(),
            risk: "unit of a register".into(),
        }],
        client_request_id: String::new(),
    };
    claims
        .plan_sampling(with_token(&auditor, plan))
        .await
        .expect("planned");
    let verified = service
        .verify_period(with_token(&auditor, verify()))
        .await
        .expect("verified")
        .into_inner();
    assert!(verified.recorded);
    let list = carbon::ListPeriodsRequest { park: PARK.into() };
    let periods = service
        .list_periods(with_token(&auditor, list))
        .await
        .expect("a list")
        .into_inner()
        .periods;
    assert_eq!(periods[0].state(), carbon::PeriodState::Verified);
    assert_eq!(
        (&*periods[0].closed_by, &*periods[0].verified_by),
        ("li", "auditor-1")
    );
}

#[tokio::test]
async fn a_device_reports_and_decides_nothing() {
    let mut guarded = GuardedPark::new(park());
    let device = guarded.token("gateway-1", "device", Some(PARK));
    let stranger = guarded.token("gateway-2", "device", Some("another-park"));
    guarded.park.start();
    let channel = guarded.park.clients().await.channel;
    let mut water = WaterServiceClient::new(channel.clone());
    let report = levels(&[("rain-tank", 0, 5_000)]);
    water
        .report_tank_levels(with_token(&device, report.clone()))
        .await
        .expect("a device reports");
    expect_denied(
        water
            .report_tank_levels(with_token(&stranger, report))
            .await,
        "park another-park",
    );
    let release = water::ReleaseTankLevelRequest {
        park: PARK.into(),
        ..water::ReleaseTankLevelRequest::default()
    };
    expect_denied(
        water.release_tank_level(with_token(&device, release)).await,
        "role operator",
    );
    let order = waste::OrderCollectionRequest {
        park: PARK.into(),
        ..waste::OrderCollectionRequest::default()
    };
    expect_denied(
        WasteServiceClient::new(channel.clone())
            .order_collection(with_token(&device, order))
            .await,
        "role operator",
    );
    let emergency = mobility::StartEmergencySupplyRequest {
        park: PARK.into(),
        ..mobility::StartEmergencySupplyRequest::default()
    };
    expect_denied(
        MobilityServiceClient::new(channel.clone())
            .start_emergency_supply(with_token(&device, emergency))
            .await,
        "role operator",
    );
    let retire = carbon::RetireInstrumentRequest {
        park: PARK.into(),
        ..carbon::RetireInstrumentRequest::default()
    };
    expect_denied(
        CarbonServiceClient::new(channel)
            .retire_instrument(with_token(&device, retire))
            .await,
        "role operator",
    );
}
