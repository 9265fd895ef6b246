//! Snapshots, courses and events.

use terrarium_proto::feed::v1::CloudEvent;
use terrarium_proto::twin::v1 as twin;
use terrarium_proto::twin::v1::{Quantity, moment::At};
use terrarium_tests::{Clients, Seed, feed};

use crate::recomputed::Recomputed;
use crate::{PARK, data, extent_ms, imported, state};

#[tokio::test]
async fn a_snapshot_shows_what_the_events_say_at_any_moment_and_any_position() {
    let park = imported();
    let corrections = park.import_readings(
        &data("corrections.csv"),
        &["--park", PARK, "--as-correction"],
        0,
    );
    park.state_at(
        corrections["through_position"]
            .as_u64()
            .expect("a position"),
    );
    let mut clients = park.clients().await;
    let events = feed::read_all(&mut clients, PARK).await;
    let mut seed = Seed::from_environment("twin snapshots");
    let (first_ms, last_ms) = extent_ms(&mut clients).await;
    let recomputed = Recomputed::of(&events, u64::MAX);
    for round in 0..150 {
        let length_ms = (last_ms - first_ms) as u64;
        let mut moment_ms = first_ms + seed.below(length_ms) as i64;
        if round % 3 == 0 {
            // Ends of intervals and the moments beside them are where it may go wrong.
            moment_ms = moment_ms - moment_ms % 900_000 + seed.below(3) as i64 - 1;
        }
        let moment_ms = moment_ms.clamp(first_ms, last_ms);
        let shown = state(&mut clients, Some(At::TimeMs(moment_ms))).await.shown;
        assert_eq!(shown, recomputed.at_time(moment_ms), "at {moment_ms}");
    }
    for _ in 0..40 {
        let position = events[seed.below(events.len() as u64) as usize].position;
        let shown = state(&mut clients, Some(At::Position(position)))
            .await
            .shown;
        let recomputed = Recomputed::of(&events, position);
        assert_eq!(shown, recomputed.newest(), "at position {position}");
    }
    let now = state(&mut clients, None).await.shown;
    assert_eq!(now, recomputed.newest());

    let range = (first_ms, last_ms + 1);
    every_event_is_counted_and_listed(&mut clients, &events, range).await;
    a_course_has_the_values_of_its_moments(&mut clients, range).await;
}

async fn every_event_is_counted_and_listed(
    clients: &mut Clients,
    events: &[CloudEvent],
    (from_ms, to_ms): (i64, i64),
) {
    let density = clients
        .twin
        .density(twin::DensityRequest {
            park: PARK.into(),
            from_ms,
            to_ms,
            buckets: 200,
        })
        .await
        .expect("a density")
        .into_inner();
    let readings = events
        .iter()
        .filter(|event| event.r#type.starts_with("terrarium.energy."))
        .count();
    assert_eq!(density.domains.len(), 1);
    assert_eq!(density.domains[0].domain, "energy");
    let counted: u32 = density.domains[0].events.iter().sum();
    assert_eq!(counted as usize, readings);

    let mut listed = Vec::new();
    for backwards in [false, true] {
        let mut request = twin::ListEventsRequest {
            park: PARK.into(),
            asset: "office.roof".into(),
            domain: "energy".into(),
            from_ms: if backwards { to_ms } else { from_ms },
            backwards,
            most_events: 300,
            beyond_position: None,
        };
        let mut positions = Vec::new();
        loop {
            let page = clients
                .twin
                .list_events(request.clone())
                .await
                .expect("events")
                .into_inner()
                .events;
            let Some(last) = page.last() else { break };
            request.from_ms = last.time_ms;
            request.beyond_position = Some(last.position);
            for event in &page {
                let recorded = events
                    .iter()
                    .find(|recorded| recorded.position == event.position)
                    .expect("an event of the record");
                assert_eq!((&recorded.id, &recorded.r#type), (&event.id, &event.r#type));
                assert_eq!(event.values.len(), 1, "{event:?}");
                assert_eq!(event.values[0].quantity(), Quantity::GenerationW);
                assert_eq!(event.values[0].source, "office.pv");
            }
            positions.extend(page.iter().map(|event| event.position));
        }
        if backwards {
            positions.reverse();
        }
        listed.push(positions);
    }
    assert_eq!(listed[0], listed[1]);
    let of_roof = events
        .iter()
        .filter(|event| event.stream == "energy.meter-demo.office.pv")
        .count();
    assert_eq!(listed[0].len(), of_roof);
}

async fn a_course_has_the_values_of_its_moments(
    clients: &mut Clients,
    (from_ms, to_ms): (i64, i64),
) {
    let point = |asset: &str, quantity: Quantity, source: &str| twin::PointName {
        asset: asset.into(),
        quantity: quantity.into(),
        source: source.into(),
    };
    let request = twin::HistoryRequest {
        park: PARK.into(),
        points: vec![
            point("office.roof", Quantity::GenerationW, "office.pv"),
            point("depot", Quantity::GridImportW, "depot.import"),
            point("depot", Quantity::Session, ""),
        ],
        from_ms,
        to_ms,
        most_samples: 20_000,
    };
    let whole = clients
        .twin
        .history(request.clone())
        .await
        .expect("courses")
        .into_inner()
        .histories;
    assert!(whole[2].times_ms.is_empty(), "the depot has no sessions");
    for course in &whole[..2] {
        let in_range = course.times_ms.iter().filter(|time| **time >= from_ms);
        assert_eq!(course.samples, in_range.count() as u64);
        let name = course.point.clone().expect("a name");
        for place in (1..course.times_ms.len()).step_by(97) {
            let moment_ms = course.times_ms[place];
            let state = state(clients, Some(At::TimeMs(moment_ms))).await;
            let key = (name.asset.clone(), name.quantity(), name.source.clone());
            // Of the end of one interval and the start of the next, the end is the moment's own.
            let first = course.times_ms.partition_point(|time| *time < moment_ms);
            assert_eq!(state.shown[&key].value, course.values[first], "{name:?}");
        }
    }
    let thinned = clients
        .twin
        .history(twin::HistoryRequest {
            most_samples: 80,
            ..request
        })
        .await
        .expect("courses")
        .into_inner()
        .histories;
    for (whole, thinned) in whole.iter().zip(&thinned) {
        assert!(thinned.values.len() <= 80);
        assert_eq!(thinned.samples, whole.samples);
        assert_eq!(thinned.values.iter().max(), whole.values.iter().max());
        assert_eq!(thinned.values.iter().min(), whole.values.iter().min());
        assert_eq!(thinned.times_ms.first(), whole.times_ms.first());
        assert_eq!(thinned.times_ms.last(), whole.times_ms.last());
    }
}
