//! Questions that can't be answered.

use terrarium_proto::twin::v1 as twin;
use terrarium_proto::twin::v1::{Quantity, moment::At};
use terrarium_tests::expect_refused;
use tonic::Code;

use crate::{PARK, extent_ms, imported, snapshot};

#[tokio::test]
async fn bad_questions_are_refused_with_a_remedy() {
    let park = imported();
    let clients = &mut park.clients().await;
    let (from_ms, to_ms) = extent_ms(clients).await;
    let unknown = clients
        .twin
        .snapshot(twin::SnapshotRequest {
            park: "nowhere".into(),
            moment: None,
        })
        .await;
    expect_refused(unknown, Code::NotFound, "park", "terrarium status");
    let invalid = Code::InvalidArgument;
    let early = snapshot(clients, Some(At::TimeMs(from_ms - 1))).await;
    expect_refused(early, invalid, "moment.time_ms", "outside of the record");
    let late = snapshot(clients, Some(At::TimeMs(i64::MAX))).await;
    expect_refused(late, invalid, "moment.time_ms", "outside of the record");
    let beyond = snapshot(clients, Some(At::Position(u64::MAX))).await;
    expect_refused(beyond, invalid, "moment.position", "does not reach");
    let follow = twin::FollowRequest {
        park: PARK.into(),
        after_position: Some(u64::MAX),
        every_ms: 0,
    };
    let beyond = clients.twin.follow(follow).await;
    expect_refused(beyond, invalid, "after_position", "does not reach");

    let replay = twin::ReplayRequest {
        park: PARK.into(),
        from_ms,
        to_ms,
        step_ms: 60_000,
        speed: 0.0,
    };
    for (changed, field, said) in [
        (
            twin::ReplayRequest {
                step_ms: 0,
                ..replay.clone()
            },
            "step_ms",
            "never move",
        ),
        (
            twin::ReplayRequest {
                step_ms: 1,
                ..replay.clone()
            },
            "step_ms",
            "longer ones",
        ),
        (
            twin::ReplayRequest {
                speed: -1.0,
                ..replay.clone()
            },
            "speed",
            "backwards is",
        ),
        (
            twin::ReplayRequest {
                speed: f64::NAN,
                ..replay.clone()
            },
            "speed",
            "no speed",
        ),
        (
            twin::ReplayRequest {
                to_ms: from_ms - 9,
                ..replay.clone()
            },
            "to_ms",
            "outside",
        ),
    ] {
        expect_refused(clients.twin.replay(changed).await, invalid, field, said);
    }

    let history = twin::HistoryRequest {
        park: PARK.into(),
        points: vec![twin::PointName {
            asset: "office".into(),
            quantity: Quantity::ConsumptionW.into(),
            source: "office.load".into(),
        }],
        from_ms,
        to_ms,
        most_samples: 0,
    };
    let with_point = |asset: &str, quantity: i32| {
        let mut changed = history.clone();
        changed.points[0].asset = asset.into();
        changed.points[0].quantity = quantity;
        changed
    };
    let many = twin::HistoryRequest {
        points: vec![history.points[0].clone(); 200],
        most_samples: 20_000,
        ..history.clone()
    };
    let none = twin::HistoryRequest {
        points: Vec::new(),
        ..history.clone()
    };
    let few = twin::HistoryRequest {
        most_samples: 3,
        ..history.clone()
    };
    for (changed, code, field, said) in [
        (
            with_point("attic", 1),
            Code::NotFound,
            "points[0].asset",
            "GetPark",
        ),
        (
            with_point("office", 0),
            invalid,
            "points[0].quantity",
            "no quantity",
        ),
        (many, invalid, "most_samples", "at most 1000000"),
        (none, invalid, "points", "1 to 200"),
        (few, invalid, "most_samples", "4 to 20000"),
    ] {
        expect_refused(clients.twin.history(changed).await, code, field, said);
    }

    let density = twin::DensityRequest {
        park: PARK.into(),
        from_ms,
        to_ms,
        buckets: 10_001,
    };
    let refused = clients.twin.density(density.clone()).await;
    expect_refused(refused, invalid, "buckets", "1 to 10000");
    let nothing = twin::DensityRequest {
        to_ms: from_ms,
        buckets: 1,
        ..density
    };
    expect_refused(
        clients.twin.density(nothing).await,
        invalid,
        "to_ms",
        "not after",
    );

    let list = twin::ListEventsRequest {
        park: PARK.into(),
        ..Default::default()
    };
    expect_refused(
        clients.twin.list_events(list.clone()).await,
        invalid,
        "most_events",
        "1 to 1000",
    );
    let list = twin::ListEventsRequest {
        most_events: 1,
        ..list
    };
    let attic = twin::ListEventsRequest {
        asset: "attic".into(),
        ..list.clone()
    };
    expect_refused(
        clients.twin.list_events(attic).await,
        Code::NotFound,
        "asset",
        "GetPark",
    );
    let gas = twin::ListEventsRequest {
        domain: "gas".into(),
        ..list
    };
    expect_refused(
        clients.twin.list_events(gas).await,
        invalid,
        "domain",
        "mobility",
    );
}
