//! What becomes of a past moment, of a replay and of a page on its way when the connection is cut.

use terrarium_view_model::Report;

use super::*;

/// The moments of the record that come while a new connection stands long enough to tell the park's clock so many times.
fn moments_over_a_new_connection(viewer: &mut LiveView, tellings: u32) -> Vec<i64> {
    let mut moments = Vec::new();
    let (mut is_live, mut told) = (false, 0);
    wait::until(SHOWN_WITHIN, "the clock is told again", || {
        for report in viewer.network.take() {
            match &report {
                Report::Connection(connection) => is_live = *connection == Connection::Live,
                Report::LiveMoment { .. } if is_live => told += 1,
                Report::Replay { delta, .. } => moments.push(delta.moment_ms),
                _ => {}
            }
            for request in viewer.state.take(report) {
                viewer.network.send(request);
            }
        }
        (told >= tellings).then_some(())
    });
    moments
}

fn is_cut(viewer: &mut LiveView) {
    viewer.until("the cut is told", |state| {
        matches!(state.connection, Connection::StaleSince { .. })
    });
}

/// Two levels are on record, and a replay over them is begun. Where it begins.
async fn play(channel: &Channel, viewer: &mut LiveView, speed: u32) -> i64 {
    show_two_levels(channel, viewer).await;
    let newest_ms = viewer.state.timeline.shown_ms();
    let (from_ms, to_ms) = (newest_ms - 100_000, newest_ms - 30_000);
    viewer.does(Command::SelectRange(Some((from_ms, to_ms))));
    viewer.does(Command::SetSpeed { speed });
    viewer.does(Command::SeekExact { moment_ms: from_ms });
    viewer.until("the start of the range is shown", |state| {
        !state.timeline.is_waiting()
    });
    viewer.does(Command::Play { backwards: false });
    from_ms
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_has_ended_stands_where_it_ended_after_a_cut() {
    let (mut park, channel, mut viewer) = shown().await;
    play(&channel, &mut viewer, 60).await;
    viewer.until("the replay has ended", |state| {
        !state.timeline.wants_to_play()
    });
    let end_ms = viewer.state.timeline.shown_ms();
    park.kill();
    is_cut(&mut viewer);
    park.start();
    let moments = moments_over_a_new_connection(&mut viewer, 3);
    assert_eq!(moments, [] as [i64; 0], "it has been shown already");
    assert_eq!(viewer.state.timeline.shown_ms(), end_ms);
    assert!(is_full_to(&viewer.state, "rain-tank", 0.4));
    viewer.does(Command::StepEvent { backwards: true });
    viewer.until("the event before is shown", |state| {
        state.timeline.shown_ms() < end_ms
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_goes_on_after_a_cut_from_where_it_was() {
    let (mut park, channel, mut viewer) = shown().await;
    let from_ms = play(&channel, &mut viewer, 1).await;
    viewer.until("the replay runs", |state| {
        state.timeline.shown_ms() > from_ms + 500
    });
    park.kill();
    is_cut(&mut viewer);
    let reached_ms = viewer.state.timeline.shown_ms();
    park.start();
    let moments = moments_over_a_new_connection(&mut viewer, 3);
    assert!(!moments.is_empty(), "it goes on");
    assert!(
        moments.iter().all(|moment_ms| *moment_ms >= reached_ms),
        "it jumped back from {reached_ms} to {moments:?}"
    );
    assert!(viewer.state.timeline.is_playing());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_a_cut_takes_along_is_told_and_asked_for_again() {
    let (park, channel, mut viewer) = shown().await;
    show_two_levels(&channel, &mut viewer).await;
    processes::send(park.pid(), Signal::STOP);
    let tank = viewer
        .state
        .park()
        .and_then(|park| park.index_of("rain-tank"));
    viewer.does(Command::Select(tank.expect("the park has it")));
    let to_ms = viewer.state.timeline.now_ms();
    viewer.does(Command::MakeShiftReport {
        from_ms: to_ms - 3_600_000,
        to_ms,
    });
    is_cut(&mut viewer);
    for what in ["history", "events", "shift"] {
        let reason = viewer.state.failure_of(what);
        assert!(reason.is_some(), "nobody says that {what} does not come");
    }
    processes::send(park.pid(), Signal::CONT);
    viewer.until("its course and its events are there", |state| {
        !state.history.is_empty() && state.events.len() >= 2
    });
    assert_eq!(viewer.state.failure_of("history"), None);
    // A report is only made for who asks for it.
    assert!(viewer.state.failure_of("shift").is_some() && viewer.state.shift.is_none());
}
