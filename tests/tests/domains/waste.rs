//! The waste service: bins, collections, weighbridge, compost, hazardous waste.

use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::compost_report::What;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_tests::expect_refused;
use tonic::Code;
use tonic::transport::Channel;

use crate::{PARK, at, counts, from_now, quarantined};

pub fn weigh(measurements: &[(&str, u32, i64, i64)]) -> waste::ReportBinsRequest {
    waste::ReportBinsRequest {
        park: PARK.into(),
        measurements: measurements
            .iter()
            .map(|(bin, minute, fill_l, weight_g)| waste::BinMeasurement {
                bin: (*bin).into(),
                time: at(*minute),
                fill_l: *fill_l,
                weight_g: *weight_g,
            })
            .collect(),
        client_request_id: "bins".into(),
    }
}

async fn open_collections(service: &mut WasteServiceClient<Channel>) -> Vec<waste::OpenCollection> {
    let request = waste::ListOpenCollectionsRequest { park: PARK.into() };
    service
        .list_open_collections(request)
        .await
        .expect("a list")
        .into_inner()
        .collections
}

/// Gives a position that covers all of it.
pub async fn drive(channel: Channel) -> u64 {
    let mut service = WasteServiceClient::new(channel);
    let answer = service
        .report_bins(weigh(&[
            ("bin-1", 0, 100, 10_000),
            ("bin-1", 60, 216, 30_000),
            ("bin-2", 0, 10, 80_000),
            ("bin-9", 0, 10, 10),
            ("bin-2", 1, 9_999, 10),
        ]))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, quarantined(3, 0, 1, 1));
    assert!(
        answer.rejections[0]
            .message
            .contains("has no bin \"bin-9\""),
        "{answer:?}"
    );

    let order = waste::OrderCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        bins: vec!["bin-2".into(), "bin-1".into()],
        assignee: "crew-3".into(),
        due: from_now(3_600),
        client_request_id: String::new(),
        route: "east".into(),
    };
    let past = waste::OrderCollectionRequest {
        due: at(0),
        ..order.clone()
    };
    expect_refused(
        service.order_collection(past).await,
        Code::FailedPrecondition,
        "due",
        "give people time",
    );
    assert!(
        service
            .order_collection(order.clone())
            .await
            .expect("ordered")
            .into_inner()
            .recorded
    );
    assert!(
        !service
            .order_collection(order.clone())
            .await
            .expect("again")
            .into_inner()
            .recorded
    );
    let other = waste::OrderCollectionRequest {
        assignee: "crew-4".into(),
        ..order
    };
    expect_refused(
        service.order_collection(other).await,
        Code::AlreadyExists,
        "collection",
        "an id of its own",
    );
    let missed = waste::ReportMissedCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        client_request_id: String::new(),
    };
    expect_refused(
        service.report_missed_collection(missed).await,
        Code::FailedPrecondition,
        "collection",
        "wait until then",
    );
    let acknowledge = waste::AcknowledgeCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        client_request_id: String::new(),
    };
    service
        .acknowledge_collection(acknowledge)
        .await
        .expect("seen");
    let open = open_collections(&mut service).await;
    assert_eq!(open.len(), 1);
    assert!(open[0].acknowledged && !open[0].missed);
    assert_eq!(open[0].bins, ["bin-1", "bin-2"]);

    let executed = waste::ReportCollectionRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        time: at(120),
        ticket: "T-2025-0801-17".into(),
        weight_g: 109_400,
        evidence_sha256: vec![7; 32].into(),
        client_request_id: String::new(),
    };
    let unknown = waste::ReportCollectionRequest {
        collection: "round-9".into(),
        ..executed.clone()
    };
    expect_refused(
        service.report_collection(unknown).await,
        Code::NotFound,
        "collection",
        "order it first",
    );
    let answer = service
        .report_collection(executed.clone())
        .await
        .expect("done")
        .into_inner();
    assert!(answer.recorded && !answer.late);
    let again = service
        .report_collection(executed)
        .await
        .expect("again")
        .into_inner();
    assert!(!again.recorded);
    assert_eq!(open_collections(&mut service).await, []);
    weigh_on_the_bridge(&mut service).await;
    find_contamination_and_release(&mut service).await;
    compost_a_batch(&mut service).await;
    follow_hazardous_waste(&mut service).await
}

async fn weigh_on_the_bridge(service: &mut WasteServiceClient<Channel>) {
    let ticket = waste::ReportWeighbridgeTicketRequest {
        park: PARK.into(),
        collection: "round-1".into(),
        ticket: "T-2025-0801-17".into(),
        time: at(180),
        gross_g: 7_609_400,
        tare_g: 7_500_000,
        ..waste::ReportWeighbridgeTicketRequest::default()
    };
    let answer = service
        .report_weighbridge_ticket(ticket.clone())
        .await
        .expect("a ticket")
        .into_inner();
    // The bins weighed 30,000 g and 80,000 g themselves.
    assert_eq!((answer.net_g, answer.difference_g), (109_400, Some(-600)));
    let reversed = waste::ReportWeighbridgeTicketRequest {
        ticket: "T-2".into(),
        gross_g: 1,
        ..ticket.clone()
    };
    expect_refused(
        service.report_weighbridge_ticket(reversed).await,
        Code::InvalidArgument,
        "gross_g",
        "make no load",
    );
    let unknown = waste::ReportWeighbridgeTicketRequest {
        collection: "round-9".into(),
        ..ticket
    };
    expect_refused(
        service.report_weighbridge_ticket(unknown).await,
        Code::NotFound,
        "collection",
        "order it first",
    );
}

async fn find_contamination_and_release(service: &mut WasteServiceClient<Channel>) {
    let found = waste::ReportContaminationRequest {
        park: PARK.into(),
        bin: "bin-2".into(),
        time: at(30),
        foreign_stream: waste::WasteStream::Kitchen.into(),
        share_permille: 80,
        ..waste::ReportContaminationRequest::default()
    };
    service
        .report_contamination(found.clone())
        .await
        .expect("a finding");
    let own = waste::ReportContaminationRequest {
        foreign_stream: waste::WasteStream::Recyclable.into(),
        ..found.clone()
    };
    expect_refused(
        service.report_contamination(own).await,
        Code::InvalidArgument,
        "foreign_stream",
        "name the other stream",
    );
    let nowhere = waste::ReportContaminationRequest {
        bin: "bin-9".into(),
        ..found
    };
    expect_refused(
        service.report_contamination(nowhere).await,
        Code::InvalidArgument,
        "bin",
        "has no bin \"bin-9\"",
    );
    let list = waste::ListQuarantinedBinMeasurementsRequest { park: PARK.into() };
    let quarantined = service
        .list_quarantined_bin_measurements(list)
        .await
        .expect("a list")
        .into_inner()
        .reports;
    assert_eq!(quarantined.len(), 1, "{quarantined:?}");
    assert_eq!(quarantined[0].report, "9999 l, 10 g");
    let release = waste::ReleaseBinMeasurementRequest {
        park: PARK.into(),
        bin: "bin-1".into(),
        event_id: quarantined[0].event_id.clone(),
        reason: "it was so".into(),
        client_request_id: String::new(),
    };
    expect_refused(
        service.release_bin_measurement(release).await,
        Code::NotFound,
        "event_id",
        "no measurement",
    );
}

async fn compost_a_batch(service: &mut WasteServiceClient<Channel>) {
    let report = |minute, what| waste::CompostReport {
        bay: "bay".into(),
        batch: "b-1".into(),
        time: at(minute),
        what: Some(what),
    };
    let core = |minute, temperature_mc| {
        let measurement = waste::CompostMeasurement {
            temperature_mc,
            moisture_permille: Some(560),
        };
        report(minute, What::Measurement(measurement))
    };
    let feed = |minute, weight_g| {
        let source = "lawn".into();
        report(minute, What::Feed(waste::CompostFeed { weight_g, source }))
    };
    let take = |minute, weight_g| report(minute, What::Product(waste::CompostProduct { weight_g }));
    let answer = service
        .report_compost(waste::ReportCompostRequest {
            park: PARK.into(),
            reports: vec![
                core(0, 20_000),
                feed(0, 300_000),
                core(10, 56_000),
                core(40, 57_000),
                report(50, What::Turning(waste::CompostTurning {})),
                take(60, 300_001),
                take(60, 120_000),
                feed(70, 2_000_000),
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts, counts(5, 0, 3));
    let rejected: Vec<(u32, &str)> = answer
        .rejections
        .iter()
        .map(|rejection| (rejection.index, rejection.field.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [(0, "batch"), (5, "product.weight_g"), (7, "feed.weight_g")]
    );
    let list = waste::ListCompostBatchesRequest { park: PARK.into() };
    let batches = service
        .list_compost_batches(list)
        .await
        .expect("a list")
        .into_inner()
        .batches;
    assert_eq!(batches.len(), 1);
    assert_eq!(
        (batches[0].fed_g, batches[0].product_g, batches[0].turns),
        (300_000, 120_000, 1)
    );
    assert_eq!(
        (batches[0].hot_s, batches[0].temperature_mc),
        (1_800, Some(57_000))
    );
}

/// Gives a position that covers all of it.
async fn follow_hazardous_waste(service: &mut WasteServiceClient<Channel>) -> u64 {
    let consign = waste::ConsignHazardousRequest {
        park: PARK.into(),
        manifest: "m-1".into(),
        bin: "bin-1".into(),
        waste_code: "900-023-29".into(),
        holder: "park".into(),
        weight_g: 2_000,
        time: at(0),
        client_request_id: String::new(),
    };
    expect_refused(
        service.consign_hazardous(consign.clone()).await,
        Code::InvalidArgument,
        "bin",
        "for residual waste",
    );
    let hazardous = waste::ConsignHazardousRequest {
        bin: "bin-3".into(),
        ..consign
    };
    service
        .consign_hazardous(hazardous)
        .await
        .expect("it begins");
    let hand_over = |from: &str, to: &str, weight_g, minute| waste::HandOverCustodyRequest {
        park: PARK.into(),
        manifest: "m-1".into(),
        from: from.into(),
        to: to.into(),
        weight_g,
        time: at(minute),
        ..waste::HandOverCustodyRequest::default()
    };
    for (refused, field, said) in [
        (
            hand_over("plant-7", "x", 2_000, 10),
            "from",
            "does not hold",
        ),
        (
            hand_over("park", "carrier-1", 1_000, 10),
            "weight_g",
            "find out where",
        ),
    ] {
        expect_refused(
            service.hand_over_custody(refused).await,
            Code::FailedPrecondition,
            field,
            said,
        );
    }
    service
        .hand_over_custody(hand_over("park", "carrier-1", 1_990, 10))
        .await
        .expect("handed over");
    let treated = service
        .report_hazardous_treated(waste::ReportHazardousTreatedRequest {
            park: PARK.into(),
            manifest: "m-1".into(),
            holder: "carrier-1".into(),
            treatment: waste::HazardousTreatment::Recycled.into(),
            time: at(20),
            ..waste::ReportHazardousTreatedRequest::default()
        })
        .await
        .expect("treated")
        .into_inner();
    let list = waste::ListConsignmentsRequest { park: PARK.into() };
    let chains = service
        .list_consignments(list)
        .await
        .expect("a list")
        .into_inner()
        .consignments;
    assert_eq!(chains[0].holders, ["park", "carrier-1"]);
    assert_eq!(chains[0].weight_g, 1_990);
    treated.recorded_position
}
