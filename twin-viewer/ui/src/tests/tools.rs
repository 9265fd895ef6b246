//! Ledger, comparison, drawings, report, pages and keys.

use egui::accesskit::Role;
use egui_kittest::kittest::NodeT;
use terrarium_view_model::{
    Audience, CarbonBalances, Contribution, DiagramItem, Drawing, EnergyAccount, EntryList,
    EventMark, Explanation, FactorUsed, LedgerBook, LedgerEntry, Mark, Page, ShiftRecord,
    SingleLine,
};

use super::*;

fn entry(hour: u8, mass_mg: i64) -> LedgerEntry {
    LedgerEntry {
        id: format!("emission/visitor-centre/2026-05-01T{hour:02}:00:00Z/scope2-location"),
        asset: "visitor-centre".into(),
        interval_start: format!("2026-05-01T{:02}:00:00+08:00", hour + 8),
        interval_seconds: 3_600,
        energy_wh: 1_234,
        mass_mg,
        method: "scope2-location/1".into(),
        ..LedgerEntry::default()
    }
}

fn event(position: u64, kind: &str) -> EventMark {
    EventMark {
        position,
        kind: kind.into(),
        ..EventMark::default()
    }
}

fn explanation() -> Explanation {
    Explanation {
        entry: LedgerEntry {
            factor: Some(FactorUsed {
                set: "north-china".into(),
                value: "0.5703".into(),
                unit: "kgCO2/kWh".into(),
                publisher: "MEE".into(),
                event: Some(event(7, "terrarium.carbon.v1.FactorSetPublishedV1")),
                ..FactorUsed::default()
            }),
            ..entry(4, 703_750)
        },
        activity_formula: "import = max(0, consumption - generation)".into(),
        inputs: vec![(Some(EnergyAccount::Consumption), 1_234)],
        contributions: vec![Contribution {
            meter: "visitor-centre.load".into(),
            account: Some(EnergyAccount::Consumption),
            energy_wh: 1_234,
            interval_start: "2026-05-01T12:00:00+08:00".into(),
            interval_seconds: 900,
            value: "1.234".into(),
            unit: "kWh".into(),
            revision: 0,
            reading_wh: 1_234,
            events: vec![event(42, "terrarium.energy.v1.IntervalMeteredV1")],
        }],
        exact_numerator: "703750200".into(),
        exact_denominator: "1000".into(),
        rounding: "half to even".into(),
        ..Explanation::default()
    }
}

#[test]
fn a_kilogram_leads_through_its_entry_to_the_event_and_into_the_park() {
    let mut state = live(HAOTIAN);
    state.apply(Command::ShowCarbon(true));
    let mut harness = desk(state, Vec2::new(1_920.0, 2_400.0));
    harness.run();
    // Of the park's own line and of the asset's: the last one is the asset's.
    let kilograms = harness.get_all_by_label("39.0 kg CO₂").last();
    kilograms.expect("the asset's emission").click();
    harness.run();
    let wanted = Some(("visitor-centre".to_owned(), LedgerBook::Emission));
    assert_eq!(harness.state().state.trail.asked, wanted);
    harness.state_mut().state.take(Report::Entries(EntryList {
        asset: "visitor-centre".into(),
        book: LedgerBook::Emission,
        entries: vec![entry(3, 500_000), entry(4, 703_750)],
        ..EntryList::default()
    }));
    harness.run();
    harness.get_by_label_contains("704 g CO₂").click();
    harness.run();
    let because = Report::Explanation(Box::new(explanation()));
    harness.state_mut().state.take(because);
    harness.run();
    harness.get_by_label_contains("703750200 / 1000 mg");
    harness.get_by_label_contains("0.5703 kgCO2/kWh");
    harness
        .get_by_label_contains("Event 42: IntervalMeteredV1")
        .click();
    harness.run();
    let state = &harness.state().state;
    let park = state.park().expect("drawn");
    assert_eq!(state.selection.single(), park.index_of("visitor-centre"));
    assert_eq!(
        state.timeline.asked_ms(),
        1_777_608_900_000,
        "12:15 in Haotian"
    );
    assert!(!state.timeline.is_live());
}

#[test]
fn differences_stand_beside_both_values() {
    let mut state = live(HAOTIAN);
    state.apply(Command::SetMark(Mark::A));
    let values = |watts: i64, moment_ms: i64| {
        let mut delta = TwinDelta {
            moment_ms,
            ..TwinDelta::default()
        };
        let name = PointName {
            asset: "charger-1".into(),
            quantity: Quantity::SessionPowerW,
            source: String::new(),
        };
        let point = NewPoint {
            name,
            usual_interval_s: 60,
        };
        let sample = Sample {
            value: watts,
            time_ms: moment_ms,
            recorded: Quality::Good,
        };
        delta.new_points.insert(0, point);
        delta.values.insert(0, Some(sample));
        Report::Compared(delta)
    };
    state.take(values(2_000, NOW_MS));
    let later_ms = NOW_MS + HOUR_MS;
    let mut delta = everything(&state);
    delta.moment_ms = later_ms;
    state.take(Report::Live {
        delta,
        waited_ms: 1,
    });
    state.apply(Command::SetMark(Mark::B));
    state.take(values(7_500, later_ms));
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label("Compare A and B").click();
    harness.run();
    harness.get_by_label_contains("COMPARE: A 2026-05-01 14:00:00");
    for text in ["Power", "1 values differ", "2.00 kW", "7.50 kW", "+5.50 kW"] {
        harness.get_by_label(text);
    }
    assert!(
        !harness.state().state.timeline.is_live(),
        "commands are locked"
    );
}

#[test]
fn a_click_in_the_electric_drawing_selects_what_is_drawn_there() {
    let mut state = live(HAOTIAN);
    state.apply(Command::ShowDrawing(Drawing::Electric));
    let park = state.park().expect("drawn").clone();
    let mut harness = full_hd(state);
    harness.run();
    let scene = harness.state().scene;
    let drawing = SingleLine::of(&park, terrarium_model::ConnectionKind::Electric);
    let storage = park.index_of("storage").expect("Haotian has one");
    let node = drawing.node_of(storage).expect("it is connected");
    assert_eq!(node.item, DiagramItem::Asset(storage));
    let at = crate::single_line::place_of(scene, &drawing, node);
    harness.hover_at(at);
    harness.run();
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run();
    assert_eq!(harness.state().state.selection.single(), Some(storage));
}

fn shift() -> ShiftRecord {
    ShiftRecord {
        from_ms: NOW_MS - 8 * HOUR_MS,
        to_ms: NOW_MS,
        position: 4_711,
        ..ShiftRecord::default()
    }
}

#[test]
fn every_drawing_page_and_window_fits_in_both_languages() {
    for park in [HAOTIAN, YIZHUANG] {
        for language in Language::ALL {
            for (page, drawing, shows_window) in [
                (Page::Desk, Drawing::Electric, false),
                (Page::Desk, Drawing::Water, false),
                (Page::Desk, Drawing::Plan, true),
                (Page::Park, Drawing::Scene, false),
                (Page::Ledger, Drawing::Scene, false),
                (Page::Visitors, Drawing::Scene, false),
            ] {
                let mut state = live(park);
                state.apply(Command::SetLanguage(language));
                state.apply(Command::ShowDrawing(drawing));
                state.apply(Command::ShowPage(page));
                if shows_window {
                    state.apply(Command::ShowHelp(true));
                    state.take(Report::Shift(Box::new(shift())));
                }
                let size = Vec2::new(1_280.0, 1_600.0);
                let screen = Rect::from_min_size(Pos2::ZERO, size);
                let mut harness = desk(state, size);
                harness.run();
                let texts = drawn_texts(&harness.output().shapes);
                assert!(texts.len() > 5, "{page:?} says something");
                // Names in a drawing may be cut at the rim: it can be moved. Panels may not.
                let scene = harness.state().scene;
                for (rect, clip, text) in texts {
                    let room = clip.intersect(screen);
                    let is_drawing =
                        drawing != Drawing::Scene && scene.expand(1.0).contains_rect(clip);
                    assert!(
                        is_drawing
                            || (rect.left() >= room.left() - 1.0
                                && rect.right() <= room.right() + 1.0),
                        "{page:?} {language:?}: {text:?} at {rect:?} does not fit into {room:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn visitors_see_figures_and_neither_alarms_nor_people() {
    let mut state = live(HAOTIAN);
    state.audience = Audience::Visitors;
    state.apply(Command::ShowPage(Page::Desk));
    state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
    let mut harness = full_hd(state);
    harness.run();
    let texts = drawn_texts(&harness.output().shapes);
    let all: Vec<&str> = texts.iter().map(|(_, _, text)| text.as_str()).collect();
    assert!(all.iter().any(|text| text.contains("47.0 %")), "{all:?}");
    for hidden in ["Bin overflows", "Acknowledge", "alarm", "Alarm"] {
        assert!(all.iter().all(|text| !text.contains(hidden)), "{hidden}");
    }
}

#[test]
fn the_keyboard_alone_reaches_every_control() {
    let mut state = live(HAOTIAN);
    state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
    state.apply(Command::ShowCarbon(true));
    select(&mut state, "irrigation.south-grove");
    let mut harness = desk(state, Vec2::new(1_920.0, 2_400.0));
    harness.run();
    let controls = |harness: &Harness<'static, Desk>| {
        let mut names: Vec<String> = Vec::new();
        for role in [
            Role::Button,
            Role::CheckBox,
            Role::ComboBox,
            Role::TextInput,
        ] {
            let nodes = harness.query_all_by_role(role);
            let enabled = nodes.filter(|node| !node.accesskit_node().is_disabled());
            names.extend(enabled.map(|node| name_of(&node)));
        }
        names.sort();
        names
    };
    let wanted = controls(&harness);
    assert!(wanted.len() > 30, "{wanted:?}");
    let mut reached: Vec<String> = Vec::new();
    for _ in 0..wanted.len() + 20 {
        harness.key_press(egui::Key::Tab);
        harness.run();
        let focused =
            harness.query_all(egui_kittest::kittest::By::new().predicate(|node| node.is_focused()));
        reached.extend(focused.map(|node| name_of(&node)));
    }
    // A field for numbers turns into one for text while it is written in.
    for name in wanted.into_iter().chain(["500".to_owned()]) {
        assert!(
            reached.contains(&name),
            "{name:?} is not reached: {reached:?}"
        );
    }
}

fn name_of(node: &egui_kittest::Node<'_>) -> String {
    let node = node.accesskit_node();
    node.label().or(node.value()).unwrap_or_default()
}

#[test]
fn keys_mark_compare_draw_and_explain_themselves() {
    let mut harness = full_hd(live(HAOTIAN));
    harness.run();
    for (key, expected) in [
        (egui::Key::OpenBracket, Command::SetMark(Mark::A)),
        (egui::Key::CloseBracket, Command::SetMark(Mark::B)),
        (egui::Key::M, Command::Compare(true)),
        (egui::Key::M, Command::Compare(false)),
        (egui::Key::D, Command::ShowDrawing(Drawing::Plan)),
        (egui::Key::O, Command::SetOverlay(Overlay::Power)),
        (egui::Key::C, Command::ShowCarbon(true)),
        (
            egui::Key::ArrowDown,
            Command::SelectNext { backwards: false },
        ),
        (
            egui::Key::A,
            Command::OpenAlarm(Some("bin-overflow/bin-1".into())),
        ),
        (egui::Key::F1, Command::ShowHelp(true)),
        (egui::Key::Escape, Command::ShowHelp(false)),
        (egui::Key::Escape, Command::ClearSelection),
    ] {
        harness.key_press(key);
        harness.run();
        assert_eq!(harness.state().done.last(), Some(&expected), "{key:?}");
    }
}

#[test]
fn what_the_ledger_says_of_nothing_is_said_and_never_a_crash() {
    let mut state = live(HAOTIAN);
    state.take(Report::Carbon(Box::new(CarbonBalances {
        position: Some(0),
        ..CarbonBalances::default()
    })));
    state.apply(Command::ShowCarbon(true));
    state.apply(Command::ListEntries(Some((
        "gone".into(),
        LedgerBook::Energy,
    ))));
    state.apply(Command::Explain(Some("gone".into())));
    state.take(Report::Failed {
        what: "explanation",
        reason: "there is no such entry".into(),
    });
    let mut harness = full_hd(state);
    harness.run();
    harness.get_by_label_contains("there is no such entry");
}

#[test]
fn a_drag_from_live_goes_on_when_the_banner_of_the_replay_comes_up() {
    let mut harness = full_hd(live(HAOTIAN));
    harness.run();
    let strip = harness.get_by_role(Role::Slider).rect();
    let at = |share: f32| Pos2::new(strip.left() + strip.width() * share, strip.center().y);
    harness.hover_at(at(0.9));
    harness.run();
    harness.drag_at(at(0.9));
    harness.run();
    harness.hover_at(at(0.8));
    harness.run();
    assert!(!harness.state().state.timeline.is_live());
    harness.hover_at(at(0.5));
    harness.run();
    let middle_ms = NOW_MS - 24 * HOUR_MS;
    let asked_ms = harness.state().state.timeline.asked_ms();
    assert!((asked_ms - middle_ms).abs() < HOUR_MS, "{asked_ms}");
    // Moved and let go within one frame.
    harness.hover_at(at(0.25));
    harness.drop_at(at(0.25));
    harness.run();
    let asked_ms = harness.state().state.timeline.asked_ms();
    assert!(
        (asked_ms - middle_ms + 12 * HOUR_MS).abs() < HOUR_MS,
        "{asked_ms}"
    );
}
