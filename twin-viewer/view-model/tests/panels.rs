//! What the panels tell is of the moment shown: what is asked for again and when, what is lost with a cut, what failed.

use terrarium_view_model::{
    CarbonBalances, CarbonLine, Command, Connection, EventsAround, FileWish, LedgerBook, Mark,
    NewPoint, Overlay, OverlayCell, PointName, Quality, Quantity, Report, Request, Sample,
    TwinDelta, ViewState, Want,
};

const HAOTIAN: &str = include_str!("../../../deploy/parks/haotian.toml");
const NOW_MS: i64 = 1_777_615_200_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A year is on record.
fn park(definition: &str) -> Report {
    Report::Park {
        definition: definition.to_owned(),
        first_ms: Some(NOW_MS - 365 * DAY_MS),
        now_ms: NOW_MS,
    }
}

fn live_at(moment_ms: i64) -> Report {
    let mut delta = TwinDelta {
        moment_ms,
        position: Some(7),
        head_position: Some(7),
        ..TwinDelta::default()
    };
    let name = PointName {
        asset: "bin-1".to_owned(),
        quantity: Quantity::FillPermille,
        source: String::new(),
    };
    let point = NewPoint {
        name,
        usual_interval_s: 60,
    };
    let sample = Sample {
        value: 300,
        time_ms: moment_ms,
        recorded: Quality::Good,
    };
    delta.new_points.insert(0, point);
    delta.values.insert(0, Some(sample));
    Report::Live {
        delta,
        waited_ms: 1,
    }
}

/// Both moments that are compared were told.
fn take_compared(state: &mut ViewState) {
    for moment_ms in [NOW_MS, NOW_MS + 1_000] {
        let delta = TwinDelta {
            moment_ms,
            ..TwinDelta::default()
        };
        state.take(Report::Compared(delta));
    }
}

fn replay_at(moment_ms: i64) -> Report {
    let delta = TwinDelta {
        moment_ms,
        ..TwinDelta::default()
    };
    Report::Replay {
        delta,
        is_end: true,
    }
}

fn clock(now_ms: i64) -> Report {
    Report::LiveMoment {
        first_ms: None,
        now_ms,
    }
}

fn live() -> ViewState {
    let mut state = ViewState::default();
    state.take(park(HAOTIAN));
    state.take(Report::Connection(Connection::Live));
    state.take(live_at(NOW_MS));
    state
}

fn select(state: &mut ViewState, id: &str) {
    let asset = state.park().and_then(|park| park.index_of(id));
    state.apply(Command::Select(asset.expect("Haotian has it")));
}

fn balance_to(to: &str) -> Report {
    let line = CarbonLine {
        consumption_wh: 1_000,
        scope2_location_mg: 570_000,
        hours_expected: 24,
        hours_metered: 24,
        ..CarbonLine::default()
    };
    Report::Carbon(Box::new(CarbonBalances {
        to: to.to_owned(),
        by_asset: [("visitor-centre".to_owned(), line)].into(),
        position: Some(7),
        ..CarbonBalances::default()
    }))
}

fn names(requests: &[Request]) -> Vec<&'static str> {
    requests.iter().map(Request::name).collect()
}

fn failed(what: &'static str) -> Report {
    Report::Failed {
        what,
        reason: format!("no {what}"),
    }
}

fn cut() -> Report {
    Report::Connection(Connection::StaleSince {
        since_ms: NOW_MS,
        reason: "gone".into(),
    })
}

#[test]
fn what_is_told_of_the_selected_asset_follows_the_present_although_a_year_is_on_record() {
    let mut state = live();
    select(&mut state, "bin-1");
    state.take(clock(NOW_MS + 1_000));
    let soon = state.take(clock(NOW_MS + 2_000));
    assert!(!names(&soon).contains(&"history"), "{soon:?}");
    state.take(live_at(NOW_MS + 12_000));
    let asked = state.take(clock(NOW_MS + 12_000));
    let of_now = |request: &&Request| matches!(request, Request::History { to_ms, .. } if *to_ms == NOW_MS + 12_000);
    assert!(asked.iter().any(|request| of_now(&request)), "{asked:?}");
    assert!(names(&asked).contains(&"events") && names(&asked).contains(&"carbon"));
}

#[test]
fn back_from_a_replay_the_panels_are_told_of_now() {
    let mut state = live();
    select(&mut state, "bin-1");
    let moment_ms = NOW_MS - 9 * HOUR_MS;
    state.apply(Command::SeekExact { moment_ms });
    state.take(replay_at(moment_ms));
    assert_eq!(state.apply(Command::Follow), [Request::Show(Want::Follow)]);
    let asked = state.take(live_at(NOW_MS + 1_000));
    assert_eq!(names(&asked), ["history", "events", "carbon"]);
    let to_ms = NOW_MS;
    let from_ms = NOW_MS - DAY_MS;
    assert!(asked.contains(&Request::Carbon { from_ms, to_ms }));
    assert_eq!(state.take(live_at(NOW_MS + 2_000)), [], "once is enough");
}

#[test]
fn another_hour_asks_for_another_balance_although_nothing_is_recorded() {
    let mut state = live();
    state.apply(Command::ShowCarbon(true));
    state.take(clock(NOW_MS + 1_000));
    assert_eq!(state.take(clock(NOW_MS + 2_000)), []);
    let asked = state.take(clock(NOW_MS + HOUR_MS));
    let of_next_hour = Request::Carbon {
        from_ms: NOW_MS - 23 * HOUR_MS,
        to_ms: NOW_MS + HOUR_MS,
    };
    assert!(asked.contains(&of_next_hour), "{asked:?}");
}

#[test]
fn the_ledger_of_another_moment_is_in_doubt_until_that_of_the_moment_shown_is_there() {
    let mut state = live();
    state.apply(Command::SetOverlay(Overlay::CarbonIntensity));
    state.take(balance_to("2026-05-01T14:00:00+08:00"));
    let is_doubtful = |state: &ViewState| {
        let centre = state.park()?.index_of("visitor-centre")?;
        match state.overlay_view()?.values[centre.0 as usize] {
            Some(OverlayCell::Value(value)) => Some(value.is_doubtful),
            _ => None,
        }
    };
    let trusted = |state: &ViewState| {
        let legend = state.overlay_view()?.legend.as_ref()?;
        Some(legend.coverage.have)
    };
    assert_eq!(
        (is_doubtful(&state), trusted(&state)),
        (Some(false), Some(1))
    );
    let moment_ms = NOW_MS - 3 * HOUR_MS;
    state.apply(Command::SeekExact { moment_ms });
    state.take(replay_at(moment_ms));
    assert!(!state.is_balance_of_moment());
    assert_eq!(
        (is_doubtful(&state), trusted(&state)),
        (Some(true), Some(0))
    );
    state.take(balance_to("2026-05-01T11:00:00+08:00"));
    assert_eq!(
        (is_doubtful(&state), trusted(&state)),
        (Some(false), Some(1))
    );
}

#[test]
fn what_a_cut_took_along_is_asked_for_over_the_next_connection() {
    let mut state = live();
    select(&mut state, "visitor-centre");
    state.apply(Command::ListEntries(Some((
        "visitor-centre".into(),
        LedgerBook::Emission,
    ))));
    state.apply(Command::ShowClaims(true));
    state.apply(Command::MakeClaim(Some("iso14064".into())));
    state.apply(Command::SetMark(Mark::A));
    state.take(live_at(NOW_MS + 1_000));
    state.apply(Command::SetMark(Mark::B));
    state.take(cut());
    let asked = state.take(Report::Connection(Connection::Live));
    let lost = [
        "history",
        "events",
        "entries",
        "claims",
        "claim",
        "comparison",
        "comparison",
    ];
    assert_eq!(names(&asked), lost);
    assert_eq!(
        state.take(Report::Connection(Connection::Live)),
        [],
        "it is the same connection"
    );
}

#[test]
fn a_failure_stands_beside_what_was_saved_and_both_go_with_the_next_command() {
    let mut state = live();
    state.apply(Command::SavePicture);
    state.take(Report::Saved(Ok("a.png".into())));
    state.take(failed("shift"));
    state.take(failed("claim"));
    assert!(state.saved.is_some());
    let told: Vec<_> = state.failures_of_no_panel().collect();
    assert_eq!(told, [("shift", "no shift")]);
    assert_eq!(state.failure_of("claim"), Some("no claim"));
    state.apply(Command::ShowHelp(true));
    assert_eq!(state.saved, None);
    assert_eq!(state.failures_of_no_panel().count(), 0);
    assert!(state.failure_of("claim").is_some(), "its panel lacks it");
}

#[test]
fn a_moment_that_can_not_be_shown_leaves_the_one_that_is_shown() {
    let mut state = live();
    let moment_ms = NOW_MS - HOUR_MS;
    state.apply(Command::SeekExact { moment_ms });
    state.take(replay_at(moment_ms));
    state.apply(Command::SeekExact { moment_ms: 5 });
    assert!(state.timeline.is_waiting());
    state.take(failed("replay"));
    assert!(!state.timeline.is_waiting(), "nothing comes any more");
    assert_eq!(state.timeline.asked_ms(), moment_ms);
    assert!(state.failure_of("replay").is_some());
    state.take(replay_at(moment_ms));
    assert_eq!(state.failure_of("replay"), None, "a moment is shown");
    state.apply(Command::SeekExact { moment_ms: 5 });
    state.take(failed("replay"));
    state.apply(Command::Follow);
    assert_eq!(state.failure_of("replay"), None, "it is not about now");
    // The answer to a question before that unlocks nothing.
    state.take(failed("replay"));
    assert!(!state.allows_commands());
}

#[test]
fn neither_now_nor_a_running_replay_is_coloured_by_a_comparison() {
    for leave in [Command::Follow, Command::Play { backwards: false }] {
        let mut state = live();
        state.apply(Command::Compare(true));
        state.apply(Command::SetMark(Mark::A));
        state.take(live_at(NOW_MS + 1_000));
        state.apply(Command::SetMark(Mark::B));
        assert!(
            !state.comparison.is_on(),
            "nobody compares by marking, least of all live"
        );
        take_compared(&mut state);
        state.apply(Command::Compare(true));
        assert!(state.comparison.is_on() && state.comparison.is_complete());
        assert_eq!(state.overlay, Overlay::None);
        assert_eq!(state.shown_overlay(), Overlay::Power, "its colours say so");
        state.apply(leave);
        assert!(!state.comparison.is_on());
        assert_eq!(state.shown_overlay(), Overlay::None);
        let legend = state.overlay_view().and_then(|view| view.legend.as_ref());
        assert_eq!(legend, None);
    }
}

#[test]
fn a_park_that_is_defined_anew_leaves_the_person_where_they_were() {
    const ONE_MORE: &str = r#"
[[assets]]
id = "a-bin"
kind = "bin"
zone = "entrance"
name = { en = "One more", zh = "新增" }
capacity_l = 240
limit_g = 60000
waste = "recyclable"
at = [12, -80]
size = [1.1, 0.8, 1.4]
"#;
    let mut state = live();
    assert!(
        state.take_camera_wish().is_some(),
        "the first park is seen whole"
    );
    select(&mut state, "bin-2");
    select(&mut state, "bin-1");
    state.apply(Command::SetMark(Mark::A));
    state.take(live_at(NOW_MS + 1_000));
    state.apply(Command::SetMark(Mark::B));
    take_compared(&mut state);
    state.apply(Command::Compare(true));
    let before = state.park().and_then(|park| park.index_of("bin-1"));
    let asked = state.take(park(&format!("{HAOTIAN}{ONE_MORE}")));
    assert_eq!(state.park_problem, None);
    let after = state.park().and_then(|park| park.index_of("bin-1"));
    assert_ne!(before, after, "its number is another one");
    assert_eq!(state.selection.single(), after);
    assert_eq!(state.take_camera_wish(), None, "nobody asked to fly");
    let compared = asked
        .iter()
        .filter(|request| request.name() == "comparison");
    assert_eq!(compared.count(), 2, "both moments are numbered anew");
    assert!(state.comparison.is_on() && !state.comparison.is_complete());
    state.apply(Command::SelectionBack);
    let other = state.park().and_then(|park| park.index_of("bin-2"));
    assert_eq!(state.selection.single(), other);
    // Another park is another place.
    let yizhuang = include_str!("../../../deploy/parks/yizhuang.toml");
    state.take(park(yizhuang));
    assert!(state.take_camera_wish().is_some() && state.selection.all().is_empty());
}

#[test]
fn an_incident_is_of_the_moment_at_which_it_was_asked_for() {
    let mut state = live();
    state.apply(Command::SaveIncident);
    let wishes = state.take_file_wishes();
    let [FileWish::BundlePicture { name: of_picture }] = &wishes[..] else {
        panic!("its picture is taken at once: {wishes:?}");
    };
    state.apply(Command::SeekExact { moment_ms: 5 });
    state.take(replay_at(5));
    state.take(Report::Around(EventsAround {
        from_ms: NOW_MS - 10,
        to_ms: NOW_MS + 20,
        events: Vec::new(),
        is_cut_short: true,
    }));
    let wishes = state.take_file_wishes();
    let [FileWish::Bundle { name, files }] = &wishes[..] else {
        panic!("one bundle: {wishes:?}");
    };
    assert_eq!(name, of_picture);
    assert_eq!(name, "haotian-2026-05-01T140000-incident.zip");
    let head: serde_json::Value = serde_json::from_str(&files[0].text).expect("JSON");
    assert_eq!(head["moment_ms"], NOW_MS);
    assert_eq!(head["is_live"], true);
    assert_eq!(head["alarms_as_of_ms"], NOW_MS);
    assert_eq!(head["events_cut_short"], true);
    assert_eq!(head["events_from_ms"], NOW_MS - 10);
    assert_eq!(head["events_to_ms"], NOW_MS + 20);
    let values = files.iter().find(|file| file.name == "values.json");
    assert!(values.is_some_and(|file| file.text.contains("\"value\": 300")));
}

#[test]
fn an_incident_whose_events_do_not_come_is_given_up_and_told() {
    let mut state = live();
    state.apply(Command::SaveIncident);
    state.take_file_wishes();
    state.take(failed("events around"));
    assert_eq!(state.failures_of_no_panel().count(), 1);
    state.take(Report::Around(EventsAround::default()));
    assert_eq!(state.take_file_wishes(), []);
}
