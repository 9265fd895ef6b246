//! The carbon service: trees, embodied carbon, instruments, periods, policy.

use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_tests::expect_refused;
use tonic::Code;
use tonic::transport::Channel;

use crate::{PARK, at};

/// Gives a position that covers all of it.
pub async fn drive(channel: Channel) -> u64 {
    let mut service = CarbonServiceClient::new(channel);
    let trees = grow_and_lose_trees(&mut service).await;
    let embodied = record_embodied_carbon(&mut service).await;
    let instruments = use_an_instrument_once(&mut service).await;
    let periods = close_a_period(&mut service).await;
    let policy = set_a_target(&mut service).await;
    trees
        .max(embodied)
        .max(instruments)
        .max(periods)
        .max(policy)
}

async fn grow_and_lose_trees(service: &mut CarbonServiceClient<Channel>) -> u64 {
    let plant = |id: &str, count| carbon::PlantTreesRequest {
        park: PARK.into(),
        group: "pines".into(),
        planting: id.into(),
        time: at(0),
        count,
        ..carbon::PlantTreesRequest::default()
    };
    expect_refused(
        service.plant_trees(plant("p-1", 51)).await,
        Code::FailedPrecondition,
        "count",
        "has room for 50",
    );
    let planted = service
        .plant_trees(plant("p-1", 50))
        .await
        .expect("planted")
        .into_inner();
    assert_eq!((planted.recorded, planted.first_number), (true, 1));
    let survey = carbon::MonitorTreesRequest {
        park: PARK.into(),
        group: "pines".into(),
        time: at(10),
        living: 50,
        mean_diameter_mm: 42,
        mean_height_cm: 310,
        co2_g: 500_001,
        method: carbon::TreeCarbonMethod::Modelled.into(),
        source: "a growth model".into(),
        ..carbon::MonitorTreesRequest::default()
    };
    let miscounted = carbon::MonitorTreesRequest {
        living: 49,
        ..survey.clone()
    };
    expect_refused(
        service.monitor_trees(miscounted).await,
        Code::FailedPrecondition,
        "living",
        "report plantings and losses first",
    );
    service.monitor_trees(survey).await.expect("surveyed");
    let fell = |id: &str, numbers: &[u32]| carbon::ReportTreesDiedRequest {
        park: PARK.into(),
        group: "pines".into(),
        loss: id.into(),
        time: at(20),
        count: numbers.len() as u32,
        numbers: numbers.to_vec(),
        cause: carbon::TreeLossCause::Felled.into(),
        client_request_id: String::new(),
    };
    let lost = service
        .report_trees_died(fell("l-1", &[7, 8]))
        .await
        .expect("felled")
        .into_inner();
    assert_eq!(lost.reversed_co2_g, 20_000);
    expect_refused(
        service.report_trees_died(fell("l-2", &[8])).await,
        Code::FailedPrecondition,
        "numbers",
        "a dead tree can't be felled",
    );
    let list = carbon::ListTreeGroupsRequest { park: PARK.into() };
    let groups = service
        .list_tree_groups(list)
        .await
        .expect("a list")
        .into_inner()
        .groups;
    assert_eq!(
        (groups[0].living, groups[0].co2_g, groups[0].reversed_co2_g),
        (48, 480_001, 20_000)
    );
    lost.recorded_position
}

async fn record_embodied_carbon(service: &mut CarbonServiceClient<Channel>) -> u64 {
    let record = |revision, co2e_mg| carbon::RecordEmbodiedCarbonRequest {
        park: PARK.into(),
        asset: "centre".into(),
        module: carbon::LifeCycleModule::A1A3.into(),
        item: "concrete-c30".into(),
        revision,
        time: at(0),
        co2e_mg,
        source: "GB/T 51366-2019, annex D".into(),
        ..carbon::RecordEmbodiedCarbonRequest::default()
    };
    service
        .record_embodied_carbon(record(0, 29_500_000_000))
        .await
        .expect("recorded");
    expect_refused(
        service
            .record_embodied_carbon(record(0, 30_000_000_000))
            .await,
        Code::AlreadyExists,
        "revision",
        "as revision 1",
    );
    let corrected = service
        .record_embodied_carbon(record(1, 30_000_000_000))
        .await
        .expect("corrected")
        .into_inner();
    let list = carbon::ListEmbodiedCarbonRequest { park: PARK.into() };
    let items = service
        .list_embodied_carbon(list)
        .await
        .expect("a list")
        .into_inner()
        .items;
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].revision, items[0].co2e_mg), (1, 30_000_000_000));
    corrected.recorded_position
}

async fn use_an_instrument_once(service: &mut CarbonServiceClient<Channel>) -> u64 {
    let retire = |minute| carbon::RetireInstrumentRequest {
        park: PARK.into(),
        registry: "ccer".into(),
        serial: "CN-11/2025:0001".into(),
        time: at(minute),
        period: "2024".into(),
        purpose: "residual emissions of 2024".into(),
        ..carbon::RetireInstrumentRequest::default()
    };
    expect_refused(
        service.retire_instrument(retire(30)).await,
        Code::NotFound,
        "serial",
        "report its issue first",
    );
    let issue = carbon::IssueInstrumentRequest {
        park: PARK.into(),
        registry: "ccer".into(),
        serial: "CN-11/2025:0001".into(),
        kind: carbon::InstrumentKind::Credit.into(),
        amount: 1_000_000,
        vintage_from: "2023-01-01T00:00:00+08:00".into(),
        vintage_to: "2024-01-01T00:00:00+08:00".into(),
        time: at(0),
        project: "an afforestation project".into(),
        ..carbon::IssueInstrumentRequest::default()
    };
    service.issue_instrument(issue).await.expect("issued");
    expect_refused(
        service.retire_instrument(retire(30)).await,
        Code::FailedPrecondition,
        "serial",
        "only what is held can be retired",
    );
    let hold = carbon::HoldInstrumentRequest {
        park: PARK.into(),
        registry: "ccer".into(),
        serial: "CN-11/2025:0001".into(),
        time: at(10),
        acquired_from: "exchange".into(),
        client_request_id: String::new(),
    };
    service.hold_instrument(hold).await.expect("held");
    let retired = service
        .retire_instrument(retire(30))
        .await
        .expect("retired")
        .into_inner();
    let again = service
        .retire_instrument(retire(30))
        .await
        .expect("sent again")
        .into_inner();
    assert!(retired.recorded && !again.recorded);
    expect_refused(
        service.retire_instrument(retire(40)).await,
        Code::FailedPrecondition,
        "serial",
        "is retired since",
    );
    let sell = carbon::SellInstrumentRequest {
        park: PARK.into(),
        registry: "ccer".into(),
        serial: "CN-11/2025:0001".into(),
        time: at(50),
        buyer: "somebody".into(),
        client_request_id: String::new(),
    };
    expect_refused(
        service.sell_instrument(sell).await,
        Code::FailedPrecondition,
        "serial",
        "is retired since",
    );
    let list = carbon::ListInstrumentsRequest { park: PARK.into() };
    let instruments = service
        .list_instruments(list)
        .await
        .expect("a list")
        .into_inner()
        .instruments;
    assert_eq!(instruments[0].state(), carbon::InstrumentState::Retired);
    retired.recorded_position
}

async fn close_a_period(service: &mut CarbonServiceClient<Channel>) -> u64 {
    let open = carbon::OpenPeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        from: "2024-01-01T00:00:00+08:00".into(),
        to: "2025-01-01T00:00:00+08:00".into(),
        client_request_id: String::new(),
    };
    service.open_period(open.clone()).await.expect("opened");
    let overlapping = carbon::OpenPeriodRequest {
        period: "q4".into(),
        from: "2024-10-01T00:00:00+08:00".into(),
        ..open
    };
    expect_refused(
        service.open_period(overlapping).await,
        Code::FailedPrecondition,
        "from",
        "don't overlap",
    );
    let close = carbon::ClosePeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        client_request_id: String::new(),
    };
    service.close_period(close.clone()).await.expect("closed");
    expect_refused(
        service.close_period(close).await,
        Code::FailedPrecondition,
        "period",
        "was closed by local",
    );
    let verify = carbon::VerifyPeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        assurance: carbon::Assurance::Limited.into(),
        statement_sha256: vec![7; 32].into(),
        client_request_id: String::new(),
    };
    expect_refused(
        service.verify_period(verify).await,
        Code::FailedPrecondition,
        "period",
        "someone else has to",
    );
    let restate = carbon::RestatePeriodRequest {
        park: PARK.into(),
        period: "2024".into(),
        reason: carbon::RestatementReason::LateData.into(),
        explanation: "two meters came late".into(),
        client_request_id: "restate-1".into(),
    };
    let restated = service
        .restate_period(restate)
        .await
        .expect("restated")
        .into_inner();
    assert_eq!((restated.recorded, restated.restatement), (true, 1));
    let list = carbon::ListPeriodsRequest { park: PARK.into() };
    let periods = service
        .list_periods(list)
        .await
        .expect("a list")
        .into_inner()
        .periods;
    assert_eq!(periods.len(), 1);
    assert_eq!(periods[0].state(), carbon::PeriodState::Closed);
    restated.recorded_position
}

async fn set_a_target(service: &mut CarbonServiceClient<Channel>) -> u64 {
    let target = carbon::SetTargetRequest {
        park: PARK.into(),
        target: "half".into(),
        scopes: vec![2, 1],
        target_year: 2030,
        reduction_permille: 500,
        standard: "SBTi Corporate Net-Zero".into(),
        client_request_id: String::new(),
    };
    expect_refused(
        service.set_target(target.clone()).await,
        Code::FailedPrecondition,
        "target",
        "set it first",
    );
    let boundary = carbon::SetBoundaryPolicyRequest {
        park: PARK.into(),
        consolidation: carbon::Consolidation::OperationalControl.into(),
        scope3_categories: vec![1, 2, 5],
        tenant_electricity: carbon::TenantElectricity::None.into(),
        exclusions: "visitors' travel".into(),
        valid_from: "2024-01-01T00:00:00+08:00".into(),
        client_request_id: String::new(),
    };
    let set = service
        .set_boundary_policy(boundary)
        .await
        .expect("set")
        .into_inner();
    assert_eq!(set.version, 1);
    let base_year = carbon::SetBaseYearRequest {
        park: PARK.into(),
        year: 2024,
        recalculation_permille: 50,
        reason: "the first full year".into(),
        client_request_id: String::new(),
    };
    service.set_base_year(base_year).await.expect("set");
    let set = service.set_target(target).await.expect("set").into_inner();
    assert_eq!((set.recorded, set.version), (true, 1));
    let policy = service
        .get_policy(carbon::GetPolicyRequest { park: PARK.into() })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(policy.targets[0].base_year, 2024);
    assert_eq!(
        policy.boundary.expect("it was set").scope3_categories,
        [1, 2, 5]
    );
    set.recorded_position
}
