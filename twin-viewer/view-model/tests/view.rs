//! The view model on the shipped parks: what reports and commands make of what is shown.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use terrarium_model::{Name, ParkDefinition};
use terrarium_view_model::{
    Alarm, AlarmDefinition, AlarmPriority, AlarmState, AlarmStatus, AlarmTransition, Ask, Command,
    Connection, Coverage, Legend, NewPoint, Outcome, Overlay, OverlayCell, ParkCommand, ParkView,
    PointHistory, PointName, PointTable, Quality, Quantity, RateBand, Report, Request, Sample,
    SearchIndex, Shown, TwinDelta, ViewState, Want,
};

const HAOTIAN: &str = include_str!("../../../deploy/parks/haotian.toml");
const YIZHUANG: &str = include_str!("../../../deploy/parks/yizhuang.toml");
const NOW_MS: i64 = 1_777_615_200_000;

fn park(text: &str) -> ParkView {
    ParkView::new(&ParkDefinition::parse(text, "park").expect("a shipped park is right"))
}

/// A delta that tells these points, all good and so many seconds old, reporting every minute.
fn delta(points: &[(&str, Quantity, &str, i64)], age_s: i64) -> TwinDelta {
    let mut delta = TwinDelta {
        moment_ms: NOW_MS,
        position: Some(7),
        head_position: Some(9),
        caught_up: true,
        ..TwinDelta::default()
    };
    for (number, (asset, quantity, source, value)) in (0..).zip(points) {
        let name = PointName {
            asset: (*asset).to_owned(),
            quantity: *quantity,
            source: (*source).to_owned(),
        };
        delta.new_points.insert(
            number,
            NewPoint {
                name,
                usual_interval_s: 60,
            },
        );
        let sample = Sample {
            value: *value,
            time_ms: NOW_MS - age_s * 1_000,
            recorded: Quality::Good,
        };
        delta.values.insert(number, Some(sample));
    }
    delta
}

/// A live view of Haotian with these points.
fn live(points: &[(&str, Quantity, &str, i64)]) -> ViewState {
    let mut state = ViewState::default();
    state.take(Report::Park {
        definition: HAOTIAN.to_owned(),
        first_ms: Some(NOW_MS - 86_400_000),
        now_ms: NOW_MS,
    });
    state.take(Report::Connection(Connection::Live));
    state.take(Report::Live {
        delta: delta(points, 30),
        waited_ms: 12,
    });
    state
}

fn first_of_kind(state: &ViewState, kind: &str) -> String {
    let park = state.park().expect("the park is drawn");
    let asset = park.assets.iter().find(|asset| asset.kind.token() == kind);
    asset.expect("Haotian has one").id.clone()
}

fn alarm(id: &str, asset: &str, priority: AlarmPriority) -> Alarm {
    let name = || Name {
        en: id.to_owned(),
        zh: id.to_owned(),
    };
    Alarm {
        id: id.to_owned(),
        definition: AlarmDefinition {
            asset: asset.to_owned(),
            condition: "bin_overflow".into(),
            priority,
            name: name(),
            cause: name(),
            consequence: name(),
            action: name(),
            respond_within_s: 600,
            quantity: None,
        },
        status: status(AlarmState::Normal, None),
    }
}

fn status(state: AlarmState, raised_ms: Option<i64>) -> AlarmStatus {
    AlarmStatus {
        state,
        is_active: state == AlarmState::Unacknowledged || state == AlarmState::Acknowledged,
        occurrence: "occurrence".into(),
        raised_ms,
        changed_ms: raised_ms,
        shelved_until_ms: None,
        actor: String::new(),
        reason: String::new(),
        value: None,
        limit: None,
    }
}

fn raise(alarm: &str, position: u64, time_ms: i64) -> AlarmTransition {
    AlarmTransition {
        alarm: alarm.to_owned(),
        status: status(AlarmState::Unacknowledged, Some(time_ms)),
        is_raise: true,
        position,
        time_ms,
    }
}

#[test]
fn both_shipped_parks_are_drawn_where_their_files_say() {
    for (text, assets) in [(HAOTIAN, 72), (YIZHUANG, 37)] {
        let park = park(text);
        assert!(park.assets.len() >= assets - 8, "{}", park.assets.len());
        assert!(park.has_geometry() && park.location.is_some());
        let (low, high) = park.bounds();
        for asset in &park.assets {
            assert!((low.east_m..=high.east_m).contains(&asset.at.east_m));
            assert!((low.north_m..=high.north_m).contains(&asset.at.north_m));
            assert!(
                asset.size_m.iter().all(|metres| *metres > 0.0),
                "{}",
                asset.id
            );
        }
        for (index, asset) in park.indexed() {
            assert_eq!(park.index_of(&asset.id), Some(index));
        }
    }
}

#[test]
fn assets_without_a_place_stand_apart_from_each_other() {
    let text = include_str!("../../../deploy/parks/zne-homes.toml");
    let park = park(text);
    assert!(!park.has_geometry());
    let mut places: Vec<String> = park
        .assets
        .iter()
        .map(|asset| format!("{:?}", asset.at))
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), park.assets.len());
}

#[test]
fn states_say_what_the_points_say() {
    let empty = live(&[]);
    let [battery, bin, charger, pv] =
        ["battery", "bin", "charger", "pv"].map(|kind| first_of_kind(&empty, kind));
    let capacity = |state: &ViewState, id: &str| {
        let park = state.park().expect("drawn");
        let asset = park.asset(park.index_of(id).expect("known"));
        asset.capacity().expect("a battery has one")
    };
    let half_wh = capacity(&empty, &battery) / 2;
    let state = live(&[
        (&battery, Quantity::StoredWh, "", half_wh),
        (&battery, Quantity::StoragePowerW, "", -4_000),
        (&bin, Quantity::FillPermille, "", 950),
        (&bin, Quantity::Overflowing, "", 1),
        (&charger, Quantity::Session, "", 1),
        (&charger, Quantity::SessionPowerW, "", -3_000),
        (&charger, Quantity::AskState, "", 3),
        (&charger, Quantity::AskedLimitW, "", 5_000),
        (&pv, Quantity::GenerationW, "one", 1_000),
        (&pv, Quantity::GenerationW, "two", 500),
    ]);
    let of = |id: &str| {
        let asset = state.park().and_then(|park| park.index_of(id));
        state.state_of(asset.expect("known")).expect("drawn")
    };
    assert!((of(&battery).full.expect("told") - 0.5).abs() < 1e-3);
    assert_eq!(of(&battery).power_w, Some(-4_000));
    assert!(of(&bin).is_overflowing);
    assert_eq!(of(&bin).quality, Some(Quality::Good));
    let session = of(&charger).session.expect("a car is there");
    assert!(session.gives_back());
    assert_eq!(of(&charger).ask, Ask::Missed { limit_w: 5_000 });
    assert_eq!(
        of(&pv).power_w,
        Some(-1_500),
        "two meters add up, and it gives"
    );
    assert_eq!(state.lags.projection_events, Some(2));
    assert_eq!(state.lags.sensor_ms, Some(30_000));
}

#[test]
fn a_cut_marks_everything_stale_until_the_stream_is_back() {
    let bin = first_of_kind(&live(&[]), "bin");
    let mut state = live(&[(&bin, Quantity::FillPermille, "", 200)]);
    let quality = |state: &ViewState| {
        let asset = state.park().and_then(|park| park.index_of(&bin));
        state
            .state_of(asset.expect("known"))
            .expect("drawn")
            .quality
    };
    assert_eq!(quality(&state), Some(Quality::Good));
    state.take(Report::Connection(Connection::StaleSince {
        since_ms: NOW_MS,
        reason: "gone".into(),
    }));
    assert_eq!(quality(&state), Some(Quality::Stale));
    state.take(Report::Connection(Connection::Live));
    assert_eq!(quality(&state), Some(Quality::Good));
    // Nothing new is recorded, the park's clock goes on: the value grows old.
    state.take(Report::LiveMoment {
        first_ms: None,
        now_ms: NOW_MS + 120_000,
    });
    assert_eq!(quality(&state), Some(Quality::Stale));
}

#[test]
fn a_value_out_of_range_is_told_as_such() {
    let tank = first_of_kind(&live(&[]), "tank");
    let state = live(&[(&tank, Quantity::LevelL, "", 99_000_000)]);
    let asset = state.park().and_then(|park| park.index_of(&tank));
    let known = state.state_of(asset.expect("known")).expect("drawn");
    assert_eq!(known.quality, Some(Quality::OutOfRange));
    assert_eq!(
        known.full,
        Some(1.0),
        "it is drawn full, not through the roof"
    );
}

#[test]
fn an_overlay_tells_its_total_and_on_how_much_of_the_park_it_stands() {
    let bins: Vec<String> = {
        let state = live(&[]);
        let park = state.park().expect("drawn");
        let bins = park
            .assets
            .iter()
            .filter(|asset| asset.kind.token() == "bin");
        bins.map(|asset| asset.id.clone()).collect()
    };
    let mut state = live(&[
        (&bins[0], Quantity::FillPermille, "", 200),
        (&bins[1], Quantity::FillPermille, "", 800),
    ]);
    state.apply(Command::SetOverlay(Overlay::WasteFill));
    let view = state.overlay_view().expect("drawn");
    let Some(Legend {
        total, coverage, ..
    }) = view.legend
    else {
        panic!("an overlay has a legend");
    };
    assert!((total.expect("two bins tell") - 50.0).abs() < 1e-3);
    let concerned = view.values.iter().flatten().count() as u32;
    assert_eq!(
        coverage,
        Coverage {
            have: 2,
            of: concerned
        }
    );
    let empty = view
        .values
        .iter()
        .flatten()
        .filter(|cell| **cell == OverlayCell::NoData)
        .count() as u32;
    assert_eq!(empty, concerned - 2);
}

#[test]
fn the_alarm_list_stands_in_the_order_of_the_standard() {
    let mut state = live(&[]);
    let alarms = ["a", "b", "c", "d"].map(|id| {
        let priority = if id == "b" {
            AlarmPriority::High
        } else {
            AlarmPriority::Low
        };
        alarm(id, "bin-1", priority)
    });
    state.take(Report::Alarms {
        alarms: alarms.into(),
        position: Some(10),
        counted: Some((NOW_MS - 60_000, 4)),
    });
    let acknowledged = AlarmTransition {
        status: status(AlarmState::Acknowledged, Some(NOW_MS - 5_000)),
        is_raise: false,
        ..raise("b", 14, NOW_MS)
    };
    state.take(Report::AlarmTransitions(vec![
        raise("b", 11, NOW_MS - 5_000),
        raise("a", 12, NOW_MS - 4_000),
        raise("c", 13, NOW_MS - 3_000),
        acknowledged,
        // Told again after a resume: known.
        raise("d", 9, NOW_MS),
    ]));
    let order: Vec<&str> = state
        .alarms
        .listed()
        .into_iter()
        .map(|alarm| alarm.id.as_str())
        .collect();
    assert_eq!(order, ["c", "a", "b"], "unacknowledged, priority, newest");
    assert_eq!(state.alarms.first_out().expect("three are active").id, "b");
    let rate = |after_ms| state.alarms.rate(NOW_MS + after_ms);
    assert_eq!(
        rate(0).in_ten_minutes,
        4 + 3,
        "those counted before and those seen since"
    );
    assert_eq!(rate(0).band, RateBand::Demanding);
    assert_eq!(rate(550_000).in_ten_minutes, 3);
    assert_eq!(rate(600_000).in_ten_minutes, 0);
    let left_ms = state.alarms.get("a").expect("known").time_left_ms(NOW_MS);
    assert_eq!(left_ms, Some(596_000));
}

#[test]
fn assets_are_found_by_names_ids_and_sound() {
    let park = park(HAOTIAN);
    let search = SearchIndex::new(&park);
    let centre = park.index_of("visitor-centre").expect("Haotian has one");
    for query in ["visitor c", "游客", "ykfwzx", "youke", "VISITOR-CENTRE"] {
        assert_eq!(search.find(query, 5).first(), Some(&centre), "{query}");
    }
    assert!(search.find("  ", 5).is_empty());
    assert!(search.find("zzzzqq", 5).is_empty());
}

#[test]
fn nothing_is_told_to_the_park_from_an_old_picture() {
    let mut state = live(&[]);
    let command = ParkCommand::StartIrrigation {
        zone: "lawn".into(),
        litres: 100,
    };
    state.apply(Command::Propose(command.clone()));
    state.apply(Command::Pause);
    assert_eq!(state.proposed, None, "it was proposed to the present");
    state.apply(Command::Propose(command.clone()));
    assert_eq!(state.apply(Command::Confirm), []);
    assert_eq!(state.apply(Command::Follow), [Request::Show(Want::Follow)]);
    state.apply(Command::Propose(command.clone()));
    assert_eq!(state.apply(Command::Confirm), [], "still the old picture");
    state.take(Report::Live {
        delta: delta(&[], 0),
        waited_ms: 0,
    });
    state.apply(Command::Propose(command.clone()));
    let sent = state.apply(Command::Confirm);
    assert_eq!(sent, [Request::Command { number: 1, command }]);
    let outcome = Outcome::Refused {
        reason: "dry".into(),
    };
    state.take(Report::Outcome {
        number: 1,
        outcome: outcome.clone(),
    });
    assert_eq!(state.sent[0].outcome, Some(outcome));
}

#[test]
fn a_course_of_values_is_kept_only_for_what_is_selected() {
    let mut state = live(&[]);
    let (bin, tank) = (first_of_kind(&state, "bin"), first_of_kind(&state, "tank"));
    let course_of = |asset: &str| PointHistory {
        point: PointName {
            asset: asset.into(),
            quantity: Quantity::FillPermille,
            source: String::new(),
        },
        samples: vec![(NOW_MS, 1, Quality::Good)],
        recorded: 1,
    };
    let index = state.park().and_then(|park| park.index_of(&tank));
    state.apply(Command::Select(index.expect("it is in the park")));
    state.take(Report::History(vec![course_of(&bin)]));
    assert_eq!(
        state.history,
        [],
        "it was asked for before another was selected"
    );
    state.take(Report::History(vec![course_of(&tank)]));
    assert_eq!(state.history, [course_of(&tank)]);
}

#[test]
fn live_values_do_not_reach_a_replay() {
    let bin = first_of_kind(&live(&[]), "bin");
    let mut state = live(&[(&bin, Quantity::FillPermille, "", 200)]);
    state.apply(Command::SeekExact {
        moment_ms: NOW_MS - 3_600_000,
    });
    let before = state.generation();
    state.take(Report::Live {
        delta: delta(&[(&bin, Quantity::FillPermille, "", 900)], 0),
        waited_ms: 0,
    });
    assert_eq!(state.generation(), before);
}

#[test]
fn an_asset_of_another_moment_bears_the_alarms_of_then_and_not_those_of_now() {
    let bin = first_of_kind(&live(&[]), "bin");
    let overflow = format!("overflow/{bin}");
    let mut state = live(&[]);
    let mut raised = alarm(&overflow, &bin, AlarmPriority::Medium);
    raised.status = status(AlarmState::Unacknowledged, Some(NOW_MS - 60_000));
    state.take(Report::Alarms {
        alarms: vec![raised],
        position: Some(7),
        counted: None,
    });
    let borne = |state: &ViewState| {
        let index = state.park().and_then(|park| park.index_of(&bin));
        state
            .state_of(index.expect("it is there"))
            .expect("drawn")
            .alarm
    };
    assert!(borne(&state).is_some(), "now it is raised");
    for (then, is_borne) in [(1, false), (3, true)] {
        let moment_ms = NOW_MS - 3_600_000 - then;
        state.apply(Command::SeekExact { moment_ms });
        let mut delta = delta(&[(&bin, Quantity::AlarmState, &overflow, then)], 7_200);
        delta.begins_anew = true;
        delta.moment_ms = moment_ms;
        state.take(Report::Replay {
            delta,
            is_end: true,
        });
        let alarm = borne(&state);
        assert_eq!(alarm.is_some(), is_borne, "in state {then}");
        let is_as_then = alarm.is_none_or(|alarm| {
            alarm.priority == AlarmPriority::Medium && !alarm.is_unacknowledged
        });
        assert!(is_as_then, "{alarm:?}");
    }
    assert_eq!(
        state.alarms.unacknowledged(),
        1,
        "the list is still that of now"
    );
}

#[test]
fn another_definition_of_the_park_keeps_the_values() {
    let bin = first_of_kind(&live(&[]), "bin");
    let mut state = live(&[(&bin, Quantity::FillPermille, "", 200)]);
    let renamed = HAOTIAN.replacen("昊天碳中和公园", "昊天公园", 1);
    state.take(Report::Park {
        definition: renamed,
        first_ms: None,
        now_ms: NOW_MS,
    });
    assert_eq!(state.park_generation(), 2);
    let asset = state.park().and_then(|park| park.index_of(&bin));
    let known = state.state_of(asset.expect("known")).expect("drawn");
    assert_eq!(known.full, Some(0.2));
}

#[test]
fn a_park_file_that_is_wrong_is_told_and_changes_nothing() {
    let mut state = live(&[]);
    state.take(Report::Park {
        definition: "[park]\nid = 3".into(),
        first_ms: None,
        now_ms: NOW_MS,
    });
    assert!(state.park_problem.is_some());
    assert!(state.park().is_some());
}

fn any_delta() -> impl Strategy<Value = TwinDelta> {
    let value = (0_u32..6, proptest::option::of(-50_i64..50));
    let values = proptest::collection::vec(value, 0..6);
    (any::<bool>(), values, 0_i64..1_000).prop_map(|(begins_anew, values, moment_ms)| TwinDelta {
        begins_anew,
        new_points: BTreeMap::new(),
        values: values
            .into_iter()
            .map(|(number, value)| {
                let sample = value.map(|value| Sample {
                    value,
                    time_ms: moment_ms,
                    recorded: Quality::Good,
                });
                (number, sample)
            })
            .collect(),
        moment_ms,
        position: Some(1),
        head_position: None,
        caught_up: false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merged_deltas_do_what_they_do_one_after_the_other(
        deltas in proptest::collection::vec(any_delta(), 1..8),
    ) {
        static PARK: LazyLock<ParkView> = LazyLock::new(|| park(YIZHUANG));
        let park = &*PARK;
        let told = delta(
            &park.assets.iter().take(6).map(|asset| {
                (asset.id.as_str(), Quantity::ConsumptionW, "", 1)
            }).collect::<Vec<_>>(),
            0,
        );
        let mut one_by_one = PointTable::new(park);
        one_by_one.apply(park, &told);
        let mut at_once = one_by_one.clone();
        for delta in &deltas {
            one_by_one.apply(park, delta);
        }
        let mut merged = deltas[0].clone();
        for delta in &deltas[1..] {
            merged.merge(delta.clone());
        }
        at_once.apply(park, &merged);
        prop_assert_eq!(one_by_one.slots(), at_once.slots());
        let shown = Shown { moment_ms: 0, is_cut: false };
        for slot in at_once.slots() {
            prop_assert_eq!(at_once.reading(slot, shown).is_some(), slot.sample.is_some());
        }
    }
}
