//! The twin of the demo park over gRPC, against what a test makes of the recorded events by itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use prost::Message;
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::feed::v1::CloudEvent;
use terrarium_proto::twin::v1 as twin;
use terrarium_proto::twin::v1::{Quality, Quantity, moment::At};
use terrarium_tests::{Clients, Park, Seed, Shown, TwinState, feed, repository};
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_types::StatusExt;

const PARK: &str = "demo";

fn data(name: &str) -> PathBuf {
    repository().join("tests/data/demo").join(name)
}

/// A running demo park with these readings of its first day or later: all whose row `takes` it.
fn import(park: &Park, takes: impl Fn(usize) -> bool) -> u64 {
    let text = std::fs::read_to_string(data("readings.csv")).expect("the readings");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let rows = lines.enumerate().filter(|(row, _)| takes(*row));
    let part: Vec<&str> = std::iter::once(header)
        .chain(rows.map(|(_, line)| line))
        .collect();
    let file = park.scratch("part.csv");
    std::fs::write(&file, part.join("\n") + "\n").expect("the scratch folder is writable");
    let summary = park.import_readings(&file, &["--park", PARK], 0);
    summary["through_position"].as_u64().expect("a position")
}

fn imported() -> Park {
    let mut park = Park::of_demo();
    park.start();
    let position = import(&park, |_| true);
    park.state_at(position);
    park
}

async fn snapshot(clients: &mut Clients, at: Option<At>) -> Result<twin::TwinUpdate, Status> {
    let request = twin::SnapshotRequest {
        park: PARK.into(),
        moment: at.map(|at| twin::Moment { at: Some(at) }),
    };
    let answer = clients.twin.snapshot(request).await?;
    Ok(answer.into_inner())
}

async fn state(clients: &mut Clients, at: Option<At>) -> TwinState {
    TwinState::of(&snapshot(clients, at).await.expect("a snapshot"))
}

/// What a meter measured over an interval, read independently of the projector.
#[derive(Clone, Copy, Debug)]
struct Metered {
    start_s: i64,
    end_s: i64,
    energy_wh: i64,
    corrected: bool,
}

impl Metered {
    fn shown(&self, at_s: i64) -> Shown {
        let seconds = i128::from(self.end_s - self.start_s);
        let twice = 2 * i128::from(self.energy_wh) * 3_600;
        // Half to even.
        let floor = (twice / 2).div_euclid(seconds);
        let rest = twice - 2 * floor * seconds;
        let value = floor + i128::from(rest > seconds || (rest == seconds && floor % 2 != 0));
        let quality = match (self.corrected, seconds > 3_600) {
            (true, _) => Quality::Substituted,
            (false, true) => Quality::Estimated,
            (false, false) => Quality::Good,
        };
        Shown {
            value: value as i64,
            time_ms: at_s * 1_000,
            quality,
        }
    }
}

/// The demo park as its events up to a position have it: for each meter its intervals, in order of time.
struct Recomputed {
    /// Asset and quantity of each meter, as the park file has them.
    points: BTreeMap<String, (String, Quantity)>,
    meters: BTreeMap<String, Vec<Metered>>,
}

impl Recomputed {
    fn of(events: &[CloudEvent], up_to: u64) -> Recomputed {
        let mut counted: BTreeMap<String, BTreeMap<i64, (energy::MeteredReading, bool)>> =
            BTreeMap::new();
        for event in events.iter().filter(|event| event.position <= up_to) {
            let (reading, corrected) = match event.r#type.as_str() {
                "terrarium.energy.v1.IntervalMeteredV1" => {
                    let message = energy::IntervalMeteredV1::decode(event.data.clone());
                    (message.expect("readable").reading, false)
                }
                "terrarium.energy.v1.RegisterReadV1" => {
                    let message = energy::RegisterReadV1::decode(event.data.clone());
                    (message.expect("readable").reading, false)
                }
                "terrarium.energy.v1.ReadingCorrectedV1" => {
                    let message = energy::ReadingCorrectedV1::decode(event.data.clone());
                    (message.expect("readable").reading, true)
                }
                _ => continue,
            };
            let reading = reading.expect("a reading");
            let of_meter = counted.entry(reading.meter.clone()).or_default();
            of_meter.insert(reading.interval_start_s, (reading, corrected));
        }
        let intervals = |readings: BTreeMap<i64, (energy::MeteredReading, bool)>| {
            let mut register: Option<(i64, i64)> = None;
            let mut intervals = Vec::new();
            for (start_s, (reading, corrected)) in readings {
                let energy_wh = reading.energy_wh.expect("energy");
                if reading.interval_seconds > 0 {
                    intervals.push(Metered {
                        start_s,
                        end_s: start_s + i64::from(reading.interval_seconds),
                        energy_wh,
                        corrected,
                    });
                } else if let Some((opened_s, opening_wh)) = register.replace((start_s, energy_wh))
                {
                    intervals.push(Metered {
                        start_s: opened_s,
                        end_s: start_s,
                        energy_wh: energy_wh - opening_wh,
                        corrected,
                    });
                }
            }
            intervals
        };
        Recomputed {
            points: points_of_park_file(),
            meters: counted
                .into_iter()
                .map(|(meter, readings)| (meter, intervals(readings)))
                .collect(),
        }
    }

    fn shown(
        &self,
        choose: impl Fn(&[Metered]) -> Option<Shown>,
    ) -> BTreeMap<(String, Quantity, String), Shown> {
        let shown = self.meters.iter().filter_map(|(meter, intervals)| {
            let (asset, quantity) = self.points[meter].clone();
            Some(((asset, quantity, meter.clone()), choose(intervals)?))
        });
        shown.collect()
    }

    /// What was so at a moment: of the interval that ended last, unless another one was under way.
    fn at_time(&self, moment_ms: i64) -> BTreeMap<(String, Quantity, String), Shown> {
        self.shown(|intervals| {
            let ended = intervals
                .iter()
                .rfind(|metered| metered.end_s * 1_000 <= moment_ms);
            let under_way = intervals.iter().find(|metered| {
                metered.start_s * 1_000 <= moment_ms && moment_ms < metered.end_s * 1_000
            });
            match (ended, under_way) {
                (Some(ended), _) if ended.end_s * 1_000 == moment_ms => {
                    Some(ended.shown(ended.end_s))
                }
                (_, Some(under_way)) => Some(under_way.shown(under_way.start_s)),
                (ended, None) => ended.map(|ended| ended.shown(ended.end_s)),
            }
        })
    }

    fn newest(&self) -> BTreeMap<(String, Quantity, String), Shown> {
        self.shown(|intervals| intervals.last().map(|newest| newest.shown(newest.end_s)))
    }
}

fn points_of_park_file() -> BTreeMap<String, (String, Quantity)> {
    let file = repository().join("deploy/parks/demo.toml");
    let text = std::fs::read_to_string(file).expect("the park file");
    let park: toml::Table = text.parse().expect("TOML");
    let meters = park["meters"].as_array().expect("meters");
    meters
        .iter()
        .map(|meter| {
            let word = |key: &str| meter[key].as_str().expect("a text").to_owned();
            let quantity = match word("measures").as_str() {
                "consumption" => Quantity::ConsumptionW,
                "generation" => Quantity::GenerationW,
                "grid_import" => Quantity::GridImportW,
                "grid_export" => Quantity::GridExportW,
                other => panic!("the demo park measures {other}"),
            };
            (word("id"), (word("asset"), quantity))
        })
        .collect()
}

async fn extent_ms(clients: &mut Clients) -> (i64, i64) {
    let parks = clients
        .twin
        .list_parks(twin::ListParksRequest {})
        .await
        .expect("a list")
        .into_inner()
        .parks;
    assert_eq!(parks.len(), 1);
    assert_eq!(
        (parks[0].name_en.as_str(), parks[0].name_zh.as_str()),
        ("Demo park", "示范园区")
    );
    (
        parks[0].first_ms.expect("something happened"),
        parks[0].last_ms.expect("something happened"),
    )
}

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
    bad_questions_are_refused_with_a_remedy(&mut clients, range).await;
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

#[track_caller]
fn expect_refused<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    code: Code,
    field: &str,
    said: &str,
) {
    let status = answer.expect_err("this must be refused");
    assert_eq!(status.code(), code, "{status}");
    let details = status.get_details_bad_request().expect("a field is named");
    assert_eq!(details.field_violations[0].field, field, "{status}");
    assert!(status.message().contains(said), "{status}");
}

async fn bad_questions_are_refused_with_a_remedy(
    clients: &mut Clients,
    (from_ms, to_ms): (i64, i64),
) {
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

/// Takes updates until all that is recorded is in. Gives how many there were, and how many values told nothing new.
async fn take_until(
    updates: &mut tonic::Streaming<twin::TwinUpdate>,
    state: &mut TwinState,
    position: u64,
) -> (usize, usize) {
    let (mut taken, mut told_again) = (0, 0);
    let mut last_position = None;
    loop {
        let update = updates
            .next()
            .await
            .expect("it goes on")
            .expect("an update");
        assert!(update.position >= last_position, "positions never go back");
        last_position = update.position;
        told_again += state.take(&update);
        taken += 1;
        if update.caught_up && update.position >= Some(position) {
            assert_eq!(update.position, update.head_position);
            return (taken, told_again);
        }
    }
}

async fn follow(
    clients: &mut Clients,
    after_position: Option<u64>,
    every_ms: u32,
) -> tonic::Streaming<twin::TwinUpdate> {
    let request = twin::FollowRequest {
        park: PARK.into(),
        after_position,
        every_ms,
    };
    clients
        .twin
        .follow(request)
        .await
        .expect("it follows")
        .into_inner()
}

#[tokio::test]
async fn a_follower_goes_on_after_a_restart_without_a_gap_or_doubling() {
    let mut park = Park::of_demo();
    park.start();
    let mut known = TwinState::default();
    let mut position = import(&park, |row| row % 5 == 0);
    let mut clients = park.clients().await;
    take_until(
        &mut follow(&mut clients, None, 0).await,
        &mut known,
        position,
    )
    .await;
    for part in 1..5 {
        if part % 2 == 1 {
            park.stop();
        } else {
            park.kill();
        }
        park.start();
        clients = park.clients().await;
        let mut updates = follow(&mut clients, Some(position), 0).await;
        // Nothing is new yet: the first update says so.
        let first = updates
            .next()
            .await
            .expect("an update")
            .expect("a good one");
        assert_eq!(first.values.clone().unwrap_or_default().points.len(), 0);
        assert_eq!(first.position, Some(position));
        // Numbers are told anew, so the values before are known by name only.
        let mut later = known.with_new_numbers();
        position = import(&park, |row| row % 5 == part);
        let (_, told_again) = take_until(&mut updates, &mut later, position).await;
        assert_eq!(told_again, 0, "values that were known");
        assert_eq!(later.shown, state(&mut clients, None).await.shown);
        known = later;
    }
    park.cli(&["verify"]).expect_code(0);
}

#[tokio::test]
async fn a_slow_follower_gets_merged_updates_and_holds_nobody_up() {
    let mut park = Park::of_demo();
    park.start();
    let mut clients = park.clients().await;
    let mut slow = follow(&mut clients, None, 0).await;
    let mut paced = follow(&mut clients, None, 100).await;
    let started = Instant::now();
    let readings = 5_711;
    let position = import(&park, |_| true);
    park.state_at(position);
    // The slow one has taken nothing until now. The paced one lets a tenth of a second pass between two.
    let mut known = TwinState::default();
    let (slow_updates, _) = take_until(&mut slow, &mut known, position).await;
    assert_eq!(known.shown, state(&mut clients, None).await.shown);
    assert!(slow_updates < readings / 10, "{slow_updates} updates");
    let mut known = TwinState::default();
    let (paced_updates, _) = take_until(&mut paced, &mut known, position).await;
    assert_eq!(known.shown, state(&mut clients, None).await.shown);
    let most = started.elapsed().as_millis() / 100 + 2;
    assert!(
        paced_updates as u128 <= most,
        "{paced_updates} updates, {most} at most"
    );
}

#[tokio::test]
async fn a_replay_shows_each_moment_as_its_snapshot_does_forwards_and_backwards() {
    let park = imported();
    let mut clients = park.clients().await;
    let mut other = park.clients().await;
    let (first_ms, last_ms) = extent_ms(&mut clients).await;
    let middle_ms = first_ms + (last_ms - first_ms) / 3;
    for (from_ms, to_ms) in [
        (first_ms, middle_ms),
        (middle_ms, first_ms),
        (last_ms, middle_ms),
    ] {
        let request = twin::ReplayRequest {
            park: PARK.into(),
            from_ms,
            to_ms,
            step_ms: 1_234_567,
            speed: 0.0,
        };
        let mut updates = clients
            .twin
            .replay(request)
            .await
            .expect("a replay")
            .into_inner();
        let mut replayed = TwinState::default();
        let mut steps = 0;
        let mut shown_ms = from_ms;
        while let Some(update) = updates.next().await {
            let update = update.expect("a good update");
            assert_eq!(replayed.take(&update), 0, "values that were known");
            assert!((update.moment_ms > shown_ms) == (to_ms > from_ms) || steps == 0);
            shown_ms = update.moment_ms;
            if steps % 29 == 0 || update.caught_up {
                let snapshot = state(&mut other, Some(At::TimeMs(shown_ms))).await;
                assert_eq!(replayed.shown, snapshot.shown, "at {shown_ms}");
            }
            assert_eq!(update.caught_up, shown_ms == to_ms);
            steps += 1;
        }
        assert_eq!(shown_ms, to_ms);
        assert_eq!(steps, 1 + from_ms.abs_diff(to_ms).div_ceil(1_234_567));
    }

    // An hour of park time in a second: it takes its time, and letting go of it ends it.
    let request = twin::ReplayRequest {
        park: PARK.into(),
        from_ms: middle_ms,
        to_ms: middle_ms + 1_800_000,
        step_ms: 60_000,
        speed: 3_600.0,
    };
    let started = Instant::now();
    let mut paced = clients
        .twin
        .replay(request.clone())
        .await
        .expect("a replay")
        .into_inner();
    let mut last_ms = 0;
    while let Some(update) = paced.next().await {
        last_ms = update.expect("a good update").moment_ms;
    }
    assert_eq!(last_ms, middle_ms + 1_800_000);
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    drop(clients.twin.replay(request).await.expect("a replay"));
    state(&mut clients, None).await;
}

#[tokio::test]
async fn a_quarantined_report_makes_the_last_value_uncertain_until_someone_decides() {
    let mut park = Park::of_demo();
    park.start();
    let file = park.scratch("office.csv");
    let readings = "interval_start,interval_seconds,meter,quantity,value,unit\n\
                    2023-06-05T10:00:00+08:00,900,office.load,active_energy,5,kWh\n\
                    2023-06-05T10:15:00+08:00,900,office.load,active_energy,5000,kWh\n";
    std::fs::write(&file, readings).expect("the scratch folder is writable");
    let summary = park.import_readings(&file, &["--park", PARK], 4);
    park.state_at(summary["through_position"].as_u64().expect("a position"));
    let mut clients = park.clients().await;
    let name = (
        "office".to_owned(),
        Quantity::ConsumptionW,
        "office.load".to_owned(),
    );
    let ten_oclock_ms = 1_685_930_400_000;
    let uncertain = Shown {
        value: 20_000,
        time_ms: ten_oclock_ms + 1_800_000,
        quality: Quality::Uncertain,
    };
    assert_eq!(state(&mut clients, None).await.shown[&name], uncertain);
    let before = state(&mut clients, Some(At::TimeMs(ten_oclock_ms + 900_000))).await;
    assert_eq!(before.shown[&name].quality, Quality::Good);

    let quarantined = park
        .cli(&["quarantine", "list", "--park", PARK, "--format", "json"])
        .expect_code(0)
        .json_lines();
    let id = quarantined[0]["quarantine_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let words = [
        "quarantine",
        "correct",
        &id,
        "--park",
        PARK,
        "--value",
        "7",
        "--unit",
        "kWh",
        "--reason",
        "a typo",
    ];
    park.cli(&words).expect_code(0);
    let substituted = Shown {
        value: 28_000,
        quality: Quality::Substituted,
        ..uncertain
    };
    assert_eq!(state(&mut clients, None).await.shown[&name], substituted);
    park.stop();
    park.cli(&["verify"]).expect_code(0);
}
