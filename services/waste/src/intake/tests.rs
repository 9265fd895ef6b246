use terrarium_journal::RejectionCode;

use super::*;

const PARK: &str = r#"
[park]
id = "demo"
name = { en = "Demo", zh = "演示" }
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "yard"
name = { en = "Yard", zh = "院子" }

[[assets]]
id = "bin-1"
kind = "bin"
zone = "yard"
name = { en = "Bin 1", zh = "一号桶" }
capacity_l = 240
limit_g = 80000
waste = "residual"

[[assets]]
id = "bin-2"
kind = "bin"
zone = "yard"
name = { en = "Bin 2", zh = "二号桶" }
capacity_l = 240
limit_g = 80000
waste = "kitchen"

[[assets]]
id = "shed"
kind = "building"
zone = "yard"
name = { en = "Shed", zh = "棚" }

[[connections]]
kind = "electric"
from = "grid"
to = "shed"

[[meters]]
id = "shed.load"
asset = "shed"
measures = "consumption"
reports = "interval"
rated_kw = 10.0
"#;

fn park() -> ParkDefinition {
    ParkDefinition::parse(PARK, "demo.toml").expect("a good park")
}

#[test]
fn an_order_names_its_bins_in_order_however_they_were_sent() {
    let sent = wire::OrderCollectionRequest {
        collection: "round-1".into(),
        bins: vec!["bin-2".into(), "bin-1".into()],
        assignee: "crew-3".into(),
        due: "2025-08-01T18:00:00+08:00".into(),
        ..wire::OrderCollectionRequest::default()
    };
    let (_, order) = take_in_order(&park(), &sent).expect("a good order");
    assert_eq!(
        order.bins.iter().map(AssetId::as_str).collect::<Vec<_>>(),
        ["bin-1", "bin-2"]
    );
    for (change, field) in [
        (
            (|sent| sent.bins[0] = "bin-9".into()) as fn(&mut wire::OrderCollectionRequest),
            "bins",
        ),
        (|sent| sent.bins[0] = "shed".into(), "bins"),
        (|sent| sent.assignee = "王伟".into(), "assignee"),
        (|sent| sent.due = "2025-08-01".into(), "due"),
        (|sent| sent.collection.clear(), "collection"),
    ] {
        let mut changed = sent.clone();
        change(&mut changed);
        let refusal = take_in_order(&park(), &changed).expect_err(field);
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::InvalidArgument, field),
            "{refusal}"
        );
    }
}

#[test]
fn a_bin_that_does_not_exist_can_not_be_weighed() {
    let sent = wire::BinMeasurement {
        bin: "bin-9".into(),
        time: "2025-08-01T18:00:00+08:00".into(),
        fill_l: 1,
        weight_g: 1,
    };
    let refusal = take_in_measurement(&park(), &sent).expect_err("no such bin");
    assert_eq!(
        (refusal.code, refusal.field),
        (RejectionCode::InvalidArgument, "bin")
    );
    assert!(
        refusal.message.contains("has no bin \"bin-9\"; add it"),
        "{refusal}"
    );
}

#[test]
fn an_execution_needs_a_ticket_and_whole_evidence() {
    let sent = wire::ReportCollectionRequest {
        time: "2025-08-01T18:00:00+08:00".into(),
        ticket: " T-1 ".into(),
        weight_g: 5,
        ..wire::ReportCollectionRequest::default()
    };
    assert_eq!(&*take_in_execution(&sent).expect("good").ticket, "T-1");
    for (change, field) in [
        (
            (|sent| sent.ticket = "  ".into()) as fn(&mut wire::ReportCollectionRequest),
            "ticket",
        ),
        (|sent| sent.ticket = "a\nb".into(), "ticket"),
        (
            |sent| sent.evidence_sha256 = vec![1; 31].into(),
            "evidence_sha256",
        ),
        (|sent| sent.time.clear(), "time"),
    ] {
        let mut changed = sent.clone();
        change(&mut changed);
        let refusal = take_in_execution(&changed).expect_err(field);
        assert_eq!(
            (refusal.code, refusal.field),
            (RejectionCode::InvalidArgument, field),
            "{refusal}"
        );
    }
}

#[test]
fn hazardous_waste_leaves_only_a_bin_for_it_and_with_a_code() {
    let sent = wire::ConsignHazardousRequest {
        manifest: "m-1".into(),
        bin: "bin-1".into(),
        waste_code: "900-023-29".into(),
        holder: "park".into(),
        weight_g: 5,
        time: "2025-08-01T18:00:00+08:00".into(),
        ..wire::ConsignHazardousRequest::default()
    };
    let refusal = take_in_consignment(&park(), &sent).expect_err("a residual bin");
    assert!(refusal.message.contains("for residual waste"), "{refusal}");
    let hazardous = PARK.replacen("\"residual\"", "\"hazardous\"", 1);
    let park = ParkDefinition::parse(&hazardous, "demo.toml").expect("a good park");
    assert!(take_in_consignment(&park, &sent).is_ok());
    for code in ["", "HW29", "900-023-2", "900-023-2x", "900-023-29-1"] {
        let changed = wire::ConsignHazardousRequest {
            waste_code: code.into(),
            ..sent.clone()
        };
        let refusal = take_in_consignment(&park, &changed).expect_err(code);
        assert_eq!(refusal.field, "waste_code");
    }
}
