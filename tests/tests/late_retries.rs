//! A request that is sent again after somebody has set something newer changes nothing, in every domain, also after a restart.

use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_proto::carbon::v1::claims_service_client::ClaimsServiceClient;
use terrarium_proto::clock::v1::AdvanceRequest;
use terrarium_proto::clock::v1::clock_service_client::ClockServiceClient;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::energy::v1::energy_device_service_client::EnergyDeviceServiceClient;
use terrarium_proto::mobility::v1 as mobility;
use terrarium_proto::mobility::v1::mobility_service_client::MobilityServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{Park, repository};
use tonic::transport::Channel;

const PARK: &str = "domains";

fn park_file() -> std::path::PathBuf {
    repository().join("tests/data/domains/park.toml")
}

/// Sends each of two requests that set the same thing otherwise: whether each was new, and the version it is answered with.
macro_rules! send_each {
    ($client:expr, $method:ident, $requests:expr) => {{
        let mut answers = Vec::new();
        for request in $requests {
            let answer = $client.$method(request.clone()).await.expect("taken");
            answers.push(answer.into_inner());
        }
        answers
    }};
}

fn boundary(id: &str, valid_from: &str) -> carbon::SetBoundaryPolicyRequest {
    carbon::SetBoundaryPolicyRequest {
        park: PARK.into(),
        consolidation: carbon::Consolidation::OperationalControl.into(),
        scope3_categories: vec![5, 1],
        tenant_electricity: carbon::TenantElectricity::None.into(),
        exclusions: String::new(),
        valid_from: valid_from.into(),
        client_request_id: id.into(),
    }
}

fn base_year(id: &str, year: u32) -> carbon::SetBaseYearRequest {
    carbon::SetBaseYearRequest {
        park: PARK.into(),
        year,
        recalculation_permille: 50,
        reason: "a full year".into(),
        client_request_id: id.into(),
    }
}

fn target(id: &str, reduction_permille: u32) -> carbon::SetTargetRequest {
    carbon::SetTargetRequest {
        park: PARK.into(),
        target: "half".into(),
        scopes: vec![2, 1],
        target_year: 2035,
        reduction_permille,
        standard: String::new(),
        client_request_id: id.into(),
    }
}

fn accounting(id: &str, valid_from: &str) -> carbon::SetAccountingProfileRequest {
    carbon::SetAccountingProfileRequest {
        park: PARK.into(),
        valid_from: valid_from.into(),
        reason: "let to tenants".into(),
        client_request_id: id.into(),
        ..carbon::SetAccountingProfileRequest::default()
    }
}

fn reporting(id: &str, equity_ppm: u32) -> carbon::SetReportingProfileRequest {
    carbon::SetReportingProfileRequest {
        park: PARK.into(),
        role: carbon::ParkRole::Landlord.into(),
        equity_ppm,
        development_zone: false,
        client_request_id: id.into(),
    }
}

fn party(id: &str, equity_ppm: u32) -> carbon::SetPartyRequest {
    carbon::SetPartyRequest {
        park: PARK.into(),
        party: "cafe".into(),
        relation: carbon::PartyRelation::Tenant.into(),
        park_operates: false,
        park_controls_financially: false,
        equity_ppm,
        client_request_id: id.into(),
    }
}

fn leak_watch(id: &str, nights: u32) -> water::SetLeakWatchRequest {
    water::SetLeakWatchRequest {
        park: PARK.into(),
        asset: "centre".into(),
        network: water::WaterNetwork::Supply.into(),
        limit_l_per_h: 10,
        nights,
        client_request_id: id.into(),
    }
}

fn charge_power(id: &str, limit_w: i64) -> mobility::SetChargePowerRequest {
    mobility::SetChargePowerRequest {
        park: PARK.into(),
        charger: "charger-2".into(),
        limit_w,
        client_request_id: id.into(),
    }
}

const SPRING: &str = "2024-04-01T00:00:00+08:00";
const AUTUMN: &str = "2024-10-01T00:00:00+08:00";

/// Whether each of all these was new when it was sent, with its version where it has one.
async fn set_all(channel: &Channel, ids: &[&str]) -> Vec<(&'static str, bool, u32)> {
    let is_first = |id: &str| id == "first";
    let mut service = CarbonServiceClient::new(channel.clone());
    let mut claims = ClaimsServiceClient::new(channel.clone());
    let mut answers = Vec::new();
    let requests = ids
        .iter()
        .map(|id| boundary(id, if is_first(id) { SPRING } else { AUTUMN }));
    for answer in send_each!(service, set_boundary_policy, requests) {
        answers.push(("boundary", answer.recorded, answer.version));
    }
    let requests = ids
        .iter()
        .map(|id| base_year(id, if is_first(id) { 2023 } else { 2024 }));
    for answer in send_each!(service, set_base_year, requests) {
        answers.push(("base year", answer.recorded, answer.version));
    }
    let requests = ids
        .iter()
        .map(|id| target(id, if is_first(id) { 400 } else { 500 }));
    for answer in send_each!(service, set_target, requests) {
        answers.push(("target", answer.recorded, answer.version));
    }
    let requests = ids
        .iter()
        .map(|id| accounting(id, if is_first(id) { SPRING } else { AUTUMN }));
    for answer in send_each!(service, set_accounting_profile, requests) {
        answers.push(("accounting profile", answer.recorded, answer.version));
    }
    let equity_ppm = |id: &&str| if is_first(id) { 300_000 } else { 600_000 };
    let requests = ids.iter().map(|id| reporting(id, equity_ppm(id)));
    for answer in send_each!(claims, set_reporting_profile, requests) {
        answers.push(("reporting profile", answer.recorded, 0));
    }
    let requests = ids.iter().map(|id| party(id, equity_ppm(id)));
    for answer in send_each!(claims, set_party, requests) {
        answers.push(("party", answer.recorded, 0));
    }
    let mut service = WaterServiceClient::new(channel.clone());
    let requests = ids
        .iter()
        .map(|id| leak_watch(id, if is_first(id) { 2 } else { 3 }));
    for answer in send_each!(service, set_leak_watch, requests) {
        answers.push(("leak watch", answer.recorded, 0));
    }
    let mut service = MobilityServiceClient::new(channel.clone());
    let requests = ids
        .iter()
        .map(|id| charge_power(id, if is_first(id) { 5_000 } else { 6_000 }));
    for answer in send_each!(service, set_charge_power, requests) {
        answers.push(("charge power", answer.recorded, 0));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_after_something_newer_was_set_changes_nothing() {
    let mut park = Park::new(&[park_file()]);
    park.start();
    let channel = park.clients().await.channel;
    for (place, (what, is_new, version)) in set_all(&channel, &["first", "second"])
        .await
        .into_iter()
        .enumerate()
    {
        assert!(is_new, "{what}");
        assert!(version == 0 || version == 1 + place as u32 % 2, "{what}");
    }
    let events = park.state().events;
    for is_restarted in [false, true] {
        let channel = park.clients().await.channel;
        // The first once more, and then the second, which is still in force.
        for (place, (what, is_new, version)) in set_all(&channel, &["first", "second"])
            .await
            .into_iter()
            .enumerate()
        {
            assert!(!is_new, "{what}, restarted {is_restarted}");
            assert!(version == 0 || version == 1 + place as u32 % 2, "{what}");
        }
        assert_eq!(park.state().events, events);
        let policy = CarbonServiceClient::new(channel.clone())
            .get_policy(carbon::GetPolicyRequest { park: PARK.into() })
            .await
            .expect("the policy")
            .into_inner();
        assert_eq!(policy.base_year.expect("set").year, 2024);
        assert_eq!(policy.targets[0].reduction_permille, 500);
        drop(channel);
        if !is_restarted {
            park.kill();
            park.start();
        }
    }
    // The same again, on purpose, is a request of its own.
    let mut service = CarbonServiceClient::new(park.clients().await.channel);
    let back = service
        .set_base_year(base_year("third", 2023))
        .await
        .expect("set")
        .into_inner();
    assert!(back.recorded);
    assert_eq!(back.version, 3);
}

#[tokio::test]
async fn a_definition_that_is_sent_again_after_a_newer_one_changes_nothing() {
    let mut park = Park::new(&[park_file()]);
    park.start();
    let mut service = park.clients().await.carbon;
    let text = std::fs::read_to_string(park_file()).expect("the park of the domains");
    let definition = |id: &str, note: &str| carbon::DefineParkRequest {
        definition_toml: format!("{text}\n# {note}\n"),
        client_request_id: id.into(),
    };
    let mut recorded = Vec::new();
    for (id, note) in [
        ("first", "one"),
        ("second", "two"),
        ("first", "one"),
        ("third", "one"),
    ] {
        let answer = service.define_park(definition(id, note)).await;
        recorded.push(answer.expect("defined").into_inner().recorded);
    }
    assert_eq!(recorded, [true, true, false, true]);
}

#[tokio::test]
async fn an_ask_that_is_sent_again_after_a_newer_one_asks_nothing_new() {
    let mut park = Park::new(&[repository().join("deploy/parks/haotian.toml")]);
    park.start();
    let channel = park.clients().await.channel;
    let noon = AdvanceRequest {
        park: "haotian".into(),
        // 2025-08-01T12:00:00+08:00.
        now_ms: 1_754_020_800_000,
        ..AdvanceRequest::default()
    };
    ClockServiceClient::new(channel.clone())
        .advance(noon)
        .await
        .expect("set");
    let mut service = EnergyDeviceServiceClient::new(channel);
    let mut recorded = Vec::new();
    for (id, value) in [("first", 1_000), ("second", 2_000), ("first", 1_000)] {
        let request = energy::AskSetpointRequest {
            park: "haotian".into(),
            device: "storage".into(),
            kind: energy::SetpointKind::ReserveWh.into(),
            value,
            client_request_id: id.into(),
        };
        let answer = service.ask_setpoint(request).await;
        recorded.push(answer.expect("asked").into_inner().recorded);
    }
    assert_eq!(recorded, [true, true, false]);
}
