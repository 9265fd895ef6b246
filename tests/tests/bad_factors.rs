//! Bad factor sets: refused whole, with the field at fault.

use terrarium_proto::carbon::v1::factor_set::Values;
use terrarium_proto::carbon::v1::{FactorSeries, FactorSet, PublishFactorSetRequest};
use terrarium_tests::Park;
use tonic::Code;
use tonic_types::StatusExt;

const PARK: &str = "zne-homes";

fn factor_set(change: impl FnOnce(&mut FactorSet)) -> PublishFactorSetRequest {
    let mut set = FactorSet {
        set: "test".to_owned(),
        version: "1".to_owned(),
        publisher: "a test".to_owned(),
        region: "caiso".to_owned(),
        kind: "grid_average".to_owned(),
        unit: "kgCO2/kWh".to_owned(),
        valid_from: "2016-08-01T00:00:00-08:00".to_owned(),
        valid_to: "2016-08-01T03:00:00-08:00".to_owned(),
        published_on: "2022-01-01".to_owned(),
        source: "made".to_owned(),
        values: Some(Values::Constant("0.5".to_owned())),
    };
    change(&mut set);
    PublishFactorSetRequest {
        park: PARK.to_owned(),
        factor_set: Some(set),
        client_request_id: String::new(),
    }
}

#[tokio::test]
async fn a_bad_factor_set_is_refused_with_the_field_at_fault() {
    let mut park = Park::of_ten_homes();
    park.start();
    let mut clients = park.clients().await;
    let before = park.state();
    let series = |values: &[&str]| {
        Some(Values::Series(FactorSeries {
            hourly: values.iter().map(|value| (*value).to_owned()).collect(),
        }))
    };
    for (field, request) in [
        ("unit", factor_set(|set| set.unit = "lb/MWh".to_owned())),
        ("kind", factor_set(|set| set.kind = "guess".to_owned())),
        ("set", factor_set(|set| set.set = "No Id".to_owned())),
        ("version", factor_set(|set| set.version.clear())),
        (
            "valid_from",
            factor_set(|set| set.valid_from = "2016-08-01".to_owned()),
        ),
        (
            "valid_to",
            factor_set(|set| set.valid_to = set.valid_from.clone()),
        ),
        (
            "published_on",
            factor_set(|set| set.published_on = "last year".to_owned()),
        ),
        (
            "constant",
            factor_set(|set| set.values = Some(Values::Constant("a lot".to_owned()))),
        ),
        (
            "hourly",
            factor_set(|set| set.values = series(&["0.1", "0.2"])),
        ),
        (
            "hourly",
            factor_set(|set| set.values = series(&["0.1", "x", "0.3"])),
        ),
        (
            "constant",
            factor_set(|set| set.values = Some(Values::Constant("-0.5".to_owned()))),
        ),
        (
            "hourly",
            factor_set(|set| set.values = series(&["0.1", "-0.2", "0.3"])),
        ),
        ("unit", factor_set(|set| set.unit = "kgCO3/kWh".to_owned())),
        ("values", factor_set(|set| set.values = None)),
    ] {
        let status = clients
            .carbon
            .publish_factor_set(request)
            .await
            .expect_err(field);
        assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
        let details = status
            .get_details_bad_request()
            .unwrap_or_else(|| panic!("no field details: {status:?}"));
        assert!(
            details
                .field_violations
                .iter()
                .any(|violation| violation.field.contains(field)),
            "{field}: {details:?}"
        );
    }
    assert_eq!(park.state(), before, "nothing is half done");

    clients
        .carbon
        .publish_factor_set(factor_set(|_| ()))
        .await
        .expect("a good set");
    let other = factor_set(|set| set.values = Some(Values::Constant("0.6".to_owned())));
    let status = clients
        .carbon
        .publish_factor_set(other)
        .await
        .expect_err("other content under a recorded version");
    assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
    assert!(status.message().contains("version"), "{status:?}");
}
