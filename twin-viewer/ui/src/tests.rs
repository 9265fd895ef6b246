//! The panels without a window: what is pressed, what comes of it, and whether it can be read in both languages.

use egui::{Pos2, Rect, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use skrifa::MetadataProvider;
use terrarium_model::Name;
use terrarium_view_model::{
    Alarm, AlarmDefinition, AlarmPriority, AlarmState, AlarmStatus, CarbonBalances, CarbonLine,
    Command, Connection, Density, Drawing, Language, NewPoint, Overlay, ParkCommand, PointHistory,
    PointName, Quality, Quantity, Report, Sample, TwinDelta, ViewState, Word,
};

use crate::{Drafts, install, show};

mod answers;
mod claims;
mod tools;

const HAOTIAN: &str = include_str!("../../../deploy/parks/haotian.toml");
const YIZHUANG: &str = include_str!("../../../deploy/parks/yizhuang.toml");
const NOW_MS: i64 = 1_777_615_200_000;
const HOUR_MS: i64 = 3_600_000;

/// The panels with what is shown and all that was done.
struct Desk {
    state: ViewState,
    drafts: Drafts,
    done: Vec<Command>,
    scene: Rect,
    is_installed: bool,
}

fn desk(state: ViewState, size: Vec2) -> Harness<'static, Desk> {
    let desk = Desk {
        state,
        drafts: Drafts::default(),
        done: Vec::new(),
        scene: Rect::NOTHING,
        is_installed: false,
    };
    Harness::builder().with_size(size).build_ui_state(
        |ui, desk: &mut Desk| {
            if !desk.is_installed {
                desk.is_installed = true;
                install(ui.ctx());
                ui.ctx().request_repaint();
                return;
            }
            let answer = show(ui, &desk.state, &mut desk.drafts);
            desk.scene = answer.scene;
            for command in answer.commands {
                desk.state.apply(command.clone());
                desk.done.push(command);
            }
        },
        desk,
    )
}

fn full_hd(state: ViewState) -> Harness<'static, Desk> {
    desk(state, Vec2::new(1_920.0, 1_080.0))
}

fn text(en: &str, zh: &str) -> Name {
    Name {
        en: en.into(),
        zh: zh.into(),
    }
}

fn alarm(state: AlarmState) -> Alarm {
    Alarm {
        id: "bin-overflow/bin-1".into(),
        definition: AlarmDefinition {
            asset: "bin-1".into(),
            condition: "bin_overflow".into(),
            priority: AlarmPriority::Medium,
            name: text("Bin overflows", "垃圾箱满溢"),
            cause: text("More visitors than planned", "游客多于预期"),
            consequence: text("Litter on the lawn", "草坪上散落垃圾"),
            action: text("Empty it", "清空"),
            respond_within_s: 1_800,
            quantity: Some(Quantity::FillPermille),
        },
        status: AlarmStatus {
            state,
            is_active: true,
            occurrence: "01890000-0000-8000-8000-000000000001".into(),
            raised_ms: Some(NOW_MS - 60_000),
            changed_ms: Some(NOW_MS - 60_000),
            shelved_until_ms: None,
            actor: String::new(),
            reason: String::new(),
            value: Some(1_020),
            limit: Some(950),
        },
    }
}

/// Every point of the park told once, so that every panel has something to say.
fn everything(state: &ViewState) -> TwinDelta {
    let mut delta = TwinDelta {
        moment_ms: NOW_MS,
        position: Some(4_711),
        head_position: Some(4_713),
        caught_up: true,
        ..TwinDelta::default()
    };
    let park = state.park().expect("the park is drawn");
    let mut number = 0;
    for asset in &park.assets {
        for quantity in Quantity::ALL {
            let name = PointName {
                asset: asset.id.clone(),
                quantity: *quantity,
                source: String::new(),
            };
            let point = NewPoint {
                name,
                usual_interval_s: 60,
            };
            delta.new_points.insert(number, point);
            let sample = Sample {
                value: 987 + i64::from(number % 7),
                time_ms: NOW_MS - 30_000,
                recorded: Quality::ALL[number as usize % 4],
            };
            delta.values.insert(number, Some(sample));
            number += 1;
        }
    }
    delta
}

fn live(park: &str) -> ViewState {
    let mut state = ViewState::default();
    state.take(Report::Park {
        definition: park.into(),
        first_ms: Some(NOW_MS - 48 * HOUR_MS),
        now_ms: NOW_MS,
    });
    state.take(Report::Connection(Connection::Live));
    let delta = everything(&state);
    state.take(Report::Live {
        delta,
        waited_ms: 12,
    });
    state.take(Report::Alarms {
        alarms: vec![alarm(AlarmState::Unacknowledged)],
        position: Some(4_700),
        counted: None,
    });
    state.take(Report::Density(Density {
        from_ms: NOW_MS - 48 * HOUR_MS,
        to_ms: NOW_MS,
        domains: vec![
            ("energy".into(), (0..240).collect()),
            ("water".into(), vec![3; 240]),
        ],
    }));
    let line = CarbonLine {
        consumption_wh: 123_456,
        import_wh: 65_432,
        scope2_location_mg: 39_000_000,
        matched_ppm: Some(470_000),
        hours_expected: 48,
        hours_metered: 47,
        hours_missing: 1,
        ..CarbonLine::default()
    };
    state.take(Report::Carbon(Box::new(CarbonBalances {
        from: "2026-04-30T14:00:00+08:00".into(),
        to: "2026-05-01T14:00:00+08:00".into(),
        total: line,
        by_asset: [("visitor-centre".into(), line)].into(),
        by_hour: Vec::new(),
        position: Some(4_711),
    })));
    state
}

fn select(state: &mut ViewState, id: &str) {
    let asset = state.park().and_then(|park| park.index_of(id));
    state.apply(Command::Select(asset.expect("the park has it")));
}

#[test]
fn acknowledging_takes_one_click_and_names_the_occurrence_that_was_seen() {
    let mut state = live(HAOTIAN);
    state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label("Acknowledge").click();
    harness.run();
    let expected = ParkCommand::Acknowledge {
        alarm: "bin-overflow/bin-1".into(),
        occurrence: "01890000-0000-8000-8000-000000000001".into(),
    };
    let done = &harness.state().done;
    assert_eq!(
        done[..],
        [Command::Propose(expected.clone()), Command::Confirm]
    );
    assert_eq!(harness.state().state.sent[0].command, expected);
}

#[test]
fn in_replay_the_same_button_is_dead_and_the_banner_says_so() {
    let mut state = live(HAOTIAN);
    state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
    state.apply(Command::SeekExact {
        moment_ms: NOW_MS - HOUR_MS,
    });
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label("Acknowledge").click();
    harness.run();
    assert!(harness.state().done.is_empty());
    harness.get_by_label_contains("commands are locked");
    // The alarm list goes on being live.
    harness.get_by_label_contains("min left");
    harness.get_by_label("Return to live").click();
    harness.run();
    assert_eq!(harness.state().done, [Command::Follow]);
}

#[test]
fn a_setpoint_takes_two_steps_and_is_said_in_full_between_them() {
    let mut state = live(HAOTIAN);
    select(&mut state, "irrigation.south-grove");
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label("Start irrigation...").click();
    harness.run();
    assert!(harness.state().state.sent.is_empty(), "nothing is sent yet");
    harness.get_by_label_contains("500 L?");
    harness.get_by_label("Send").click();
    harness.run();
    assert_eq!(harness.state().state.sent.len(), 1);
}

#[test]
fn the_transport_is_heard_and_pressed_by_its_label() {
    let mut harness = full_hd(live(HAOTIAN));
    harness.run();
    for (label, expected) in [
        ("Previous event", Command::StepEvent { backwards: true }),
        ("Play backwards", Command::Play { backwards: true }),
        ("Pause", Command::Pause),
        ("Play", Command::Play { backwards: false }),
        ("Next event", Command::StepEvent { backwards: false }),
    ] {
        harness.get_by_label(label).click();
        harness.run();
        assert_eq!(harness.state().done.last(), Some(&expected));
    }
}

#[test]
fn the_keyboard_steps_through_events_and_leaves_texts_alone() {
    let mut harness = full_hd(live(HAOTIAN));
    harness.run();
    harness.key_press(egui::Key::ArrowLeft);
    harness.run();
    let step = Command::StepEvent { backwards: true };
    assert_eq!(harness.state().done, [step]);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::F);
    harness.run();
    harness.event(egui::Event::Text("ykfw".into()));
    harness.key_press(egui::Key::P);
    harness.run();
    assert!(harness.state().state.shows_scene());
    assert_eq!(harness.state().state.query, "ykfw");
    harness.get_by_label_contains("visitor-centre");
}

#[test]
fn a_click_on_the_plan_selects_what_stands_there() {
    let mut state = live(HAOTIAN);
    state.apply(Command::ShowDrawing(Drawing::Plan));
    let mut harness = full_hd(state);
    harness.run();
    let scene = harness.state().scene;
    let park = harness.state().state.park().expect("drawn").clone();
    let asset = park.index_of("bin-1").expect("Haotian has one");
    let (low, high) = park.bounds();
    let scale = (scene.width() / (high.east_m - low.east_m))
        .min(scene.height() / (high.north_m - low.north_m));
    let at = park.asset(asset).at;
    let middle = Pos2::new(
        (low.east_m + high.east_m) / 2.0,
        (low.north_m + high.north_m) / 2.0,
    );
    let offset = Vec2::new(at.east_m - middle.x, middle.y - at.north_m) * scale;
    let click = scene.center() + offset;
    harness.hover_at(click);
    harness.run();
    harness.drag_at(click);
    harness.drop_at(click);
    harness.run();
    assert_eq!(harness.state().state.selection.single(), Some(asset));
}

#[test]
fn a_click_on_the_timeline_seeks_into_the_record() {
    let mut harness = full_hd(live(HAOTIAN));
    harness.run();
    let strip = harness.get_by_role(egui::accesskit::Role::Slider).rect();
    let click = Pos2::new(strip.left() + strip.width() / 2.0, strip.center().y);
    harness.hover_at(click);
    harness.run();
    harness.drag_at(click);
    harness.drop_at(click);
    harness.run();
    let Some(Command::SeekClamped { moment_ms }) = harness.state().done.first() else {
        panic!("{:?}", harness.state().done);
    };
    let expected = NOW_MS - 24 * HOUR_MS;
    assert!((moment_ms - expected).abs() < HOUR_MS / 4, "{moment_ms}");
    assert!(!harness.state().state.timeline.is_live());
}

/// All texts that a frame draws, with their places.
fn drawn_texts(shapes: &[egui::epaint::ClippedShape]) -> Vec<(Rect, Rect, String)> {
    let mut texts = Vec::new();
    for clipped in shapes {
        collect(&clipped.shape, clipped.clip_rect, &mut texts);
    }
    texts
}

fn collect(shape: &egui::Shape, clip: Rect, texts: &mut Vec<(Rect, Rect, String)>) {
    match shape {
        egui::Shape::Text(text) => {
            let rect = text.galley.rect.translate(text.pos.to_vec2());
            texts.push((rect, clip, text.galley.text().to_owned()));
        }
        egui::Shape::Vec(shapes) => {
            for shape in shapes {
                collect(shape, clip, texts);
            }
        }
        _ => {}
    }
}

#[test]
fn every_panel_fits_in_both_languages() {
    for park in [HAOTIAN, YIZHUANG] {
        for language in Language::ALL {
            let mut state = live(park);
            state.apply(Command::SetLanguage(language));
            state.apply(Command::ShowCarbon(true));
            state.apply(Command::SetOverlay(Overlay::CarbonIntensity));
            state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
            let charger = state.park().expect("drawn").assets.iter();
            let charger = charger
                .clone()
                .find(|asset| asset.kind.token() == "charger");
            let charger = charger.expect("both have one").id.clone();
            select(&mut state, &charger);
            state.take(Report::History(vec![PointHistory {
                point: PointName {
                    asset: charger,
                    quantity: Quantity::SessionPowerW,
                    source: String::new(),
                },
                samples: (0..100)
                    .map(|step| (NOW_MS - (100 - step) * 60_000, step * 70, Quality::Good))
                    .collect(),
                recorded: 100,
            }]));
            let mut harness = desk(state, Vec2::new(1_280.0, 1_600.0));
            harness.run();
            let screen = Rect::from_min_size(Pos2::ZERO, Vec2::new(1_280.0, 1_600.0));
            let texts = drawn_texts(&harness.output().shapes);
            assert!(
                texts.len() > 60,
                "the panels say something: {}",
                texts.len()
            );
            for (rect, clip, text) in texts {
                // What a scroll area hides below is reached by scrolling; sideways nothing may be cut.
                let room = clip.intersect(screen);
                assert!(
                    rect.left() >= room.left() - 1.0 && rect.right() <= room.right() + 1.0,
                    "{language:?}: {text:?} at {rect:?} does not fit into {room:?}"
                );
            }
        }
    }
}

#[test]
fn every_connection_state_is_told_and_never_a_crash() {
    let reason = || "because".to_owned();
    let states = [
        Connection::Idle,
        Connection::Connecting { server: reason() },
        Connection::StaleSince {
            since_ms: NOW_MS,
            reason: reason(),
        },
        Connection::WrongVersion { reason: reason() },
        Connection::NotAllowed { reason: reason() },
        Connection::NoSuchPark {
            park: "atlantis".into(),
            parks: vec!["haotian".into()],
        },
    ];
    for language in Language::ALL {
        for connection in &states {
            let mut state = ViewState::default();
            state.apply(Command::SetLanguage(language));
            state.take(Report::Connection(connection.clone()));
            full_hd(state).run();
        }
    }
}

#[test]
fn what_is_wrong_at_the_start_is_said_with_its_remedy() {
    let mut state = ViewState::default();
    state.take(Report::Connection(Connection::StaleSince {
        since_ms: NOW_MS,
        reason: "connection refused".into(),
    }));
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label_contains("(connection refused). Is it running (deploy/up)");

    let mut state = live(HAOTIAN);
    state.take(Report::Failed {
        what: "command line",
        reason: "there is no camera `moon`".into(),
    });
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label("there is no camera `moon`");
}

#[test]
fn every_character_that_is_written_is_in_the_font() {
    let mut wanted: Vec<char> = Vec::new();
    for language in Language::ALL {
        wanted.extend(language.own_name().chars());
        for word in Word::ALL {
            wanted.extend(word.text(language).chars());
        }
    }
    for park in [HAOTIAN, YIZHUANG] {
        wanted.extend(park.chars());
    }
    wanted.extend("℃ m²³ CO₂ × − – ← → · % ₀₁₂₃₄₅₆₇₈₉".chars());
    wanted.retain(|character| !character.is_control());
    wanted.sort_unstable();
    wanted.dedup();
    let font = skrifa::FontRef::new(crate::theme::FONT).expect("our font can be read");
    let characters = font.charmap();
    wanted.retain(|character| characters.map(*character).is_none());
    let missing: String = wanted.into_iter().collect();
    assert!(
        missing.is_empty(),
        "not in the font: {missing}; run fonts/make-subset.py"
    );
}
