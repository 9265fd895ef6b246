//! The viewer's network and model against the real server: what they show is what the services say, also after a cut, and
//! what a person does is on record.
//!
//! - here: live values, commands, alarms, pages
//! - `cuts`: what becomes of a past moment, of a replay and of a page on its way when the connection is cut

mod cuts;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use terrarium_proto::twin::v1 as twin;
use terrarium_proto::waste::v1 as waste;
use terrarium_proto::waste::v1::waste_service_client::WasteServiceClient;
use terrarium_proto::water::v1 as water;
use terrarium_proto::water::v1::water_service_client::WaterServiceClient;
use terrarium_tests::{LiveView, Park, feed, processes, repository, wait};
use terrarium_view_model::{
    AlarmState, AssetState, Command, Connection, Outcome, ParkCommand, Quality, ViewState,
};
use tonic::transport::Channel;

const PARK: &str = "domains";
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

const ALARMS: &str = r#"
[[alarms]]
id = "bin-overflow"
condition = "bin_overflow"
assets = "all"
priority = "low"
name = { en = "Bin overflows", zh = "垃圾桶满溢" }
cause = { en = "More waste than planned", zh = "垃圾超出预期" }
consequence = { en = "Waste lies beside the bin", zh = "垃圾散落桶外" }
action = { en = "Empty it", zh = "清空" }
respond_within_s = 14400
"#;

/// The park of one of each, with alarms, always at the same address.
fn park() -> Park {
    let one_of_each = repository().join("tests/data/domains/park.toml");
    let text = std::fs::read_to_string(one_of_each).expect("the park file");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let park = Park::new(&[]).with_flags(&["--listen", &format!("127.0.0.1:{port}")]);
    let file = park.scratch("park.toml");
    std::fs::write(&file, text + ALARMS).expect("the scratch folder is writable");
    park.with_park_file(file)
}

/// Gives an order and waits for what comes of it.
fn orders(viewer: &mut LiveView, command: ParkCommand) -> Outcome {
    viewer.does(Command::Propose(command));
    viewer.does(Command::Confirm);
    viewer.until("a command has its outcome", |state| {
        state.sent.iter().all(|sent| sent.outcome.is_some())
    });
    let sent = viewer.state.sent.back().expect("it was sent");
    sent.outcome.clone().expect("it has one")
}

fn view_of(park: &Park, id: &str) -> LiveView {
    LiveView::of(park.endpoint().grpc, id, || ())
}

/// A park that runs, a way to report to it, and a viewer that shows it.
async fn shown() -> (Park, Channel, LiveView) {
    let mut park = park();
    park.start();
    let channel = park.clients().await.channel;
    let viewer = view_of(&park, PARK);
    (park, channel, viewer)
}

/// The tank held a fifth two minutes ago, and two fifths a minute ago.
async fn show_two_levels(channel: &Channel, viewer: &mut LiveView) {
    report_level(channel, 4_000, -120).await;
    report_level(channel, 8_000, -60).await;
    viewer.until("the newest level is shown", |state| {
        is_full_to(state, "rain-tank", 0.4)
    });
}

fn of<'a>(state: &'a ViewState, asset: &str) -> Option<&'a AssetState> {
    let asset = state.park()?.index_of(asset)?;
    state.state_of(asset)
}

fn is_full_to(state: &ViewState, asset: &str, share: f32) -> bool {
    let full = of(state, asset).and_then(|known| known.full);
    full.is_some_and(|full| (full - share).abs() < 1e-4)
}

/// So many seconds from now, RFC 3339.
fn from_now(seconds: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now + seconds)
        .expect("a time in this century")
        .to_string()
}

async fn report_level(channel: &Channel, level_l: i64, seconds: i64) {
    let answer = WaterServiceClient::new(channel.clone())
        .report_tank_levels(water::ReportTankLevelsRequest {
            park: PARK.into(),
            levels: vec![water::TankLevel {
                tank: "rain-tank".into(),
                time: from_now(seconds),
                level_l,
            }],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts.expect("counts").recorded, 1);
}

async fn report_bin(channel: &Channel, fill_l: i64, seconds: i64) {
    let answer = WasteServiceClient::new(channel.clone())
        .report_bins(waste::ReportBinsRequest {
            park: PARK.into(),
            measurements: vec![waste::BinMeasurement {
                bin: "bin-1".into(),
                time: from_now(seconds),
                fill_l,
                weight_g: 20_000,
            }],
            client_request_id: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.counts.expect("counts").recorded, 1);
}

/// Every value that the viewer shows is the one that TwinService gives for now, and none is left out.
async fn expect_as_the_service_says(park: &Park, state: &ViewState) {
    let snapshot = park
        .clients()
        .await
        .twin
        .snapshot(twin::SnapshotRequest {
            park: PARK.into(),
            moment: None,
        })
        .await
        .expect("a snapshot")
        .into_inner();
    let values = snapshot.values.expect("values");
    let mut told: Vec<String> = Vec::new();
    for (at, point) in values.points.iter().enumerate() {
        let point = snapshot
            .new_points
            .iter()
            .find(|new| new.index == *point)
            .expect("every point is told");
        told.push(format!(
            "{} {} {} {} {}",
            point.asset, point.quantity, point.source, values.values[at], values.times_ms[at]
        ));
    }
    let mut shown: Vec<String> = Vec::new();
    for slot in state.table().expect("the park is drawn").slots() {
        if let Some(sample) = slot.sample {
            let quantity = slot.name.quantity.wire();
            shown.push(format!(
                "{} {} {} {} {}",
                slot.name.asset, quantity, slot.name.source, sample.value, sample.time_ms
            ));
        }
    }
    told.sort();
    shown.sort();
    assert_eq!(shown, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_view_is_right_again_by_itself_and_was_marked_stale_meanwhile() {
    let mut park = park();
    park.start();
    let channel = park.clients().await.channel;
    let woken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&woken);
    let mut viewer = LiveView::of(park.endpoint().grpc, PARK, move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    report_level(&channel, 5_000, -50).await;
    viewer.until("the level is shown", |state| {
        state.connection == Connection::Live && is_full_to(state, "rain-tank", 0.25)
    });
    let level_quality = |state: &ViewState| of(state, "rain-tank").and_then(|tank| tank.quality);
    assert_eq!(level_quality(&viewer.state), Some(Quality::Good));
    assert!(woken.load(Ordering::SeqCst) > 0);

    park.kill();
    viewer.until("the cut is told and marked", |state| {
        matches!(state.connection, Connection::StaleSince { .. })
            && level_quality(state) == Some(Quality::Stale)
    });
    assert!(
        is_full_to(&viewer.state, "rain-tank", 0.25),
        "the old value stays"
    );
    let refused = orders(
        &mut viewer,
        ParkCommand::StartIrrigation {
            zone: "lawn".into(),
            litres: 100,
        },
    );
    assert!(
        matches!(&refused, Outcome::Refused { reason } if reason.contains("not connected")),
        "{refused:?}"
    );

    park.start();
    let channel = park.clients().await.channel;
    report_level(&channel, 10_000, -10).await;
    viewer.until("the new level is shown", |state| {
        state.connection == Connection::Live && is_full_to(state, "rain-tank", 0.5)
    });
    assert_ne!(level_quality(&viewer.state), Some(Quality::Stale));
    expect_as_the_service_says(&park, &viewer.state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_freezes_is_noticed_and_one_that_thaws_is_believed_again() {
    let (park, channel, mut viewer) = shown().await;
    report_level(&channel, 5_000, -20).await;
    viewer.until("the level is shown", |state| {
        state.connection == Connection::Live && is_full_to(state, "rain-tank", 0.25)
    });
    processes::send(park.pid(), Signal::STOP);
    viewer.until("the silence is told and marked", |state| {
        let tank = of(state, "rain-tank").expect("it is drawn");
        matches!(state.connection, Connection::StaleSince { .. })
            && tank.quality == Some(Quality::Stale)
    });
    processes::send(park.pid(), Signal::CONT);
    viewer.until("the view is live again", |state| {
        state.connection == Connection::Live
    });
    report_level(&channel, 15_000, -1).await;
    viewer.until("the new level is shown", |state| {
        is_full_to(state, "rain-tank", 0.75)
    });
    expect_as_the_service_says(&park, &viewer.state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_does_is_on_record() {
    let mut park = park();
    park.start();
    let mut clients = park.clients().await;
    let channel = clients.channel.clone();
    let mut viewer = view_of(&park, PARK);
    report_bin(&channel, 100, -60).await;
    report_bin(&channel, 230, -30).await;
    viewer.until("the overflow is in the alarm list", |state| {
        let listed = state.alarms.listed();
        listed
            .first()
            .is_some_and(|alarm| alarm.status.state == AlarmState::Unacknowledged)
    });
    viewer.until("the bin bears its alarm", |state| {
        of(state, "bin-1").is_some_and(|bin| bin.alarm.is_some() && bin.is_overflowing)
    });
    let (alarm, occurrence) = {
        let listed = viewer.state.alarms.listed();
        assert_eq!(listed[0].definition.name.zh, "垃圾桶满溢");
        (listed[0].id.clone(), listed[0].status.occurrence.clone())
    };
    let done = orders(
        &mut viewer,
        ParkCommand::Acknowledge {
            alarm: alarm.clone(),
            occurrence: occurrence.clone(),
        },
    );
    assert!(matches!(done, Outcome::Recorded { .. }), "{done:?}");
    viewer.until("the list says so", |state| {
        let alarm = state.alarms.get(&alarm);
        alarm.is_some_and(|alarm| alarm.status.state == AlarmState::Acknowledged)
    });
    let again = orders(&mut viewer, ParkCommand::Acknowledge { alarm, occurrence });
    assert!(matches!(again, Outcome::Refused { .. }), "{again:?}");

    report_level(&channel, 9_000, -5).await;
    let irrigates = orders(
        &mut viewer,
        ParkCommand::StartIrrigation {
            zone: "lawn".into(),
            litres: 500,
        },
    );
    assert!(
        matches!(irrigates, Outcome::Recorded { .. }),
        "{irrigates:?}"
    );
    viewer.until("the lawn is irrigated", |state| {
        of(state, "lawn").is_some_and(|lawn| lawn.is_irrigating)
    });
    let limits = orders(
        &mut viewer,
        ParkCommand::LimitCharging {
            charger: "charger-1".into(),
            limit_w: 7_000,
        },
    );
    assert!(
        matches!(limits, Outcome::Recorded { .. } | Outcome::Refused { .. }),
        "{limits:?}"
    );

    let events = feed::read_all(&mut clients, PARK).await;
    let recorded = |kind: &str| events.iter().filter(|event| event.r#type == kind).count();
    assert_eq!(recorded("terrarium.alarm.v1.AlarmAcknowledgedV1"), 1);
    assert_eq!(recorded("terrarium.water.v1.IrrigationStartedV1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_moment_is_shown_as_it_was_and_live_comes_back() {
    let (park, channel, mut viewer) = shown().await;
    show_two_levels(&channel, &mut viewer).await;
    let newest_ms = viewer.state.timeline.shown_ms();

    viewer.does(Command::SeekExact {
        moment_ms: newest_ms - 90_000,
    });
    viewer.until("the moment between the two is shown", |state| {
        !state.timeline.is_waiting()
    });
    assert!(is_full_to(&viewer.state, "rain-tank", 0.2));
    assert!(!viewer.state.timeline.allows_commands());

    viewer.does(Command::StepEvent { backwards: false });
    viewer.until("the second report is stepped to", |state| {
        !state.timeline.is_waiting()
    });
    assert!(is_full_to(&viewer.state, "rain-tank", 0.4));
    viewer.does(Command::StepEvent { backwards: true });
    viewer.until("the first report is stepped back to", |state| {
        !state.timeline.is_waiting()
    });
    assert!(is_full_to(&viewer.state, "rain-tank", 0.2));
    let first_ms = viewer.state.timeline.shown_ms();

    // What is recorded meanwhile does not show in the old picture.
    report_level(&channel, 12_000, -1).await;
    viewer.does(Command::SelectRange(Some((
        first_ms - 1_000,
        newest_ms - 50_000,
    ))));
    viewer.does(Command::SetSpeed { speed: 60 });
    viewer.does(Command::Play { backwards: false });
    viewer.until("the replay has reached the end of its range", |state| {
        !state.timeline.wants_to_play()
    });
    assert!(is_full_to(&viewer.state, "rain-tank", 0.4));
    assert!(!viewer.state.timeline.is_live());

    viewer.does(Command::Follow);
    viewer.until("the newest level is shown again", |state| {
        is_full_to(state, "rain-tank", 0.6)
    });
    expect_as_the_service_says(&park, &viewer.state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_arrive_for_what_is_selected() {
    let (_park, channel, mut viewer) = shown().await;
    show_two_levels(&channel, &mut viewer).await;
    let tank = viewer
        .state
        .park()
        .and_then(|park| park.index_of("rain-tank"));
    viewer.does(Command::Select(tank.expect("the park has it")));
    viewer.until("its course and its events are there", |state| {
        !state.history.is_empty() && state.events.len() >= 2
    });
    let course = &viewer.state.history[0];
    let values: Vec<i64> = course.samples.iter().map(|(_, value, _)| *value).collect();
    assert_eq!(values, [4_000, 8_000]);
    viewer.does(Command::ZoomTimeline(None));
    viewer.until("the density is there", |state| {
        let domains = &state.timeline.density.domains;
        domains.iter().any(|(domain, _)| domain == "water")
    });
}

#[test]
fn a_park_that_does_not_exist_is_told_with_those_that_do() {
    let mut park = park();
    park.start();
    let mut viewer = view_of(&park, "atlantis");
    viewer.until("the viewer says what is there", |state| {
        state.connection
            == Connection::NoSuchPark {
                park: "atlantis".into(),
                parks: vec![PARK.into()],
            }
    });
}

#[test]
fn no_server_is_told_and_waited_for() {
    let mut viewer = LiveView::of("http://127.0.0.1:9".into(), PARK, || ());
    viewer.until("the viewer says that nothing answers", |state| {
        matches!(&state.connection, Connection::StaleSince { reason, .. } if reason.contains("nothing answers"))
    });
    assert!(viewer.network.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_of_a_newer_definition_are_listed_over_the_same_connection() {
    const SECOND: &str = r#"
[[alarms]]
id = "charger-fault"
condition = "charger_fault"
assets = "all"
priority = "medium"
name = { en = "Charger reports a fault", zh = "充电桩故障" }
cause = { en = "A cable or a contactor", zh = "电缆或接触器" }
consequence = { en = "Nobody can charge", zh = "无法充电" }
action = { en = "Take it out of service", zh = "停用" }
respond_within_s = 14400
"#;
    let mut park = park();
    park.start();
    let mut viewer = view_of(&park, PARK);
    viewer.until("the first definition's alarms are listed", |state| {
        state.connection == Connection::Live && state.alarms.is_told()
    });
    assert!(viewer.state.alarms.get("charger-fault/charger-1").is_none());
    let file = std::fs::read_to_string(park.scratch("park.toml")).expect("the park file");
    let request = terrarium_proto::carbon::v1::DefineParkRequest {
        definition_toml: file + SECOND,
        client_request_id: "a newer definition".into(),
    };
    let mut carbon = park.clients().await.carbon;
    carbon.define_park(request).await.expect("it is a park");
    let mut was_cut = false;
    wait::until(
        SHOWN_WITHIN,
        "the newer definition's alarm is listed",
        || {
            viewer.take();
            was_cut |= viewer.state.connection != Connection::Live;
            let alarm = viewer.state.alarms.get("charger-fault/charger-1");
            alarm.map(|alarm| assert_eq!(alarm.definition.name.zh, "充电桩故障"))
        },
    );
    assert!(!was_cut, "the connection stood all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_given_without_a_connection_is_never_sent_afterwards() {
    let mut park = park();
    park.start();
    let mut viewer = view_of(&park, PARK);
    viewer.until("the view is live", |state| {
        state.connection == Connection::Live && !state.timeline.is_waiting()
    });
    park.kill();
    viewer.until("the cut is told", |state| {
        matches!(state.connection, Connection::StaleSince { .. })
    });
    // Past the view model, as a program would that has no picture: while nothing answers, and again and again while the
    // server comes up.
    let irrigate = ParkCommand::StartIrrigation {
        zone: "lawn".into(),
        litres: 77,
    };
    let mut number = 1_000;
    let give = |viewer: &LiveView, number: u64| {
        viewer.network.send(terrarium_view_model::Request::Command {
            number,
            command: irrigate.clone(),
        });
    };
    give(&viewer, number);
    park.start();
    let mut answered = 0;
    let mut is_live = false;
    wait::until(
        SHOWN_WITHIN,
        "the view is live again and every command answered",
        || {
            for report in viewer.network.take() {
                match report {
                    terrarium_view_model::Report::Outcome { outcome, .. } => {
                        assert!(
                            matches!(&outcome, Outcome::Refused { reason } if reason.contains("not connected")),
                            "{outcome:?}"
                        );
                        answered += 1;
                    }
                    terrarium_view_model::Report::Connection(connection) => {
                        is_live = connection == Connection::Live;
                    }
                    _ => {}
                }
            }
            if !is_live {
                number += 1;
                give(&viewer, number);
            }
            (is_live && answered == number - 999).then_some(())
        },
    );
    let mut clients = park.clients().await;
    let events = feed::read_all(&mut clients, PARK).await;
    let started = "terrarium.water.v1.IrrigationStartedV1";
    assert!(events.iter().all(|event| event.r#type != started));
}
