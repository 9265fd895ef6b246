//! What the panels say of what was done or could not be done, keys with modifiers, and the room that panels leave.

use egui::{Key, Modifiers};
use terrarium_view_model::{ClaimName, Mark};

use super::*;

fn failed(what: &'static str, reason: &str) -> Report {
    Report::Failed {
        what,
        reason: reason.into(),
    }
}

#[test]
fn a_refusal_is_told_beside_a_file_that_was_saved_and_in_the_panel_that_lacks_the_answer() {
    let mut state = live(HAOTIAN);
    state.apply(Command::ShowCarbon(true));
    state.apply(Command::ShowClaims(true));
    state.take(Report::ClaimNames(vec![ClaimName {
        claim: "sbti".into(),
        is_promise: true,
    }]));
    state.apply(Command::MakeClaim(Some("sbti".into())));
    state.take(Report::Saved(Ok("a-picture.png".into())));
    state.take(failed("claim", "no base year: set one"));
    state.take(failed("shift", "the feed is closed"));
    let mut harness = desk(state, Vec2::new(1_920.0, 2_400.0));
    harness.run();
    harness.get_by_label_contains("a-picture.png");
    harness.get_by_label_contains("the feed is closed");
    harness.get_by_label_contains("no base year: set one");
    harness.key_press(Key::F1);
    harness.run();
    assert!(harness.query_by_label_contains("a-picture.png").is_none());
    assert!(harness.query_by_label_contains("the feed is").is_none());
    harness.get_by_label_contains("no base year: set one");
}

#[test]
fn the_panel_of_the_selected_asset_says_which_of_its_answers_did_not_come() {
    let mut state = live(HAOTIAN);
    select(&mut state, "visitor-centre");
    for what in ["history", "events", "carbon"] {
        state.take(failed(what, &format!("{what} took too long")));
    }
    let mut harness = desk(state, Vec2::new(1_920.0, 2_400.0));
    harness.run();
    for what in ["history", "events", "carbon"] {
        harness.get_by_label_contains(&format!("{what} took too long"));
    }
}

#[test]
fn the_carbon_of_another_moment_is_marked() {
    let mut state = live(HAOTIAN);
    select(&mut state, "visitor-centre");
    let mut harness = desk(state, Vec2::new(1_920.0, 2_400.0));
    harness.run();
    let period = "2026-04-30 14:00";
    assert!(harness.query_by_label_contains(period).is_none());
    harness.state_mut().state.take(Report::LiveMoment {
        first_ms: None,
        now_ms: NOW_MS + HOUR_MS,
    });
    harness.run();
    harness.get_by_label_contains(period);
}

#[test]
fn a_wide_panel_leaves_its_room_when_it_is_closed() {
    let mut state = live(HAOTIAN);
    state.apply(Command::SetMark(Mark::A));
    state.apply(Command::SetMark(Mark::B));
    let mut harness = full_hd(state);
    harness.run();
    let scene = harness.state().scene;
    harness.state_mut().state.apply(Command::ShowCarbon(true));
    harness.run();
    harness.run();
    let taken = scene.right() - harness.state().scene.right();
    assert!(taken > 1.0, "the ledger takes {taken} points more");
    harness.state_mut().state.apply(Command::ShowCarbon(false));
    for (opens, closes) in [
        (Command::ShowCarbon(true), Command::ShowCarbon(false)),
        (Command::Compare(true), Command::Compare(false)),
    ] {
        harness.state_mut().state.apply(opens.clone());
        harness.run();
        harness.run();
        harness.state_mut().state.apply(closes);
        harness.run();
        let right = harness.state().scene.right();
        assert_eq!(right, scene.right(), "after {opens:?}");
    }
}

#[test]
fn a_chord_does_not_do_what_its_letter_does() {
    let mut state = live(HAOTIAN);
    state.apply(Command::OpenAlarm(Some("bin-overflow/bin-1".into())));
    let mut harness = full_hd(state);
    harness.run();
    for modifiers in [Modifiers::ALT, Modifiers::SHIFT, Modifiers::COMMAND] {
        for key in [Key::K, Key::P, Key::D, Key::O, Key::C, Key::L, Key::Escape] {
            harness.key_press_modifiers(modifiers, key);
            harness.run();
            let done = &harness.state().done;
            assert!(done.is_empty(), "{modifiers:?} {key:?}: {done:?}");
        }
    }
    // Where a keyboard has a sign only with Shift, it is that sign all the same.
    harness.key_press_modifiers(Modifiers::SHIFT, Key::OpenBracket);
    harness.run();
    assert_eq!(harness.state().done, [Command::SetMark(Mark::A)]);
    harness.key_press(Key::K);
    harness.run();
    assert_eq!(harness.state().done.last(), Some(&Command::Confirm));
}

#[test]
fn a_focused_button_keeps_the_space_bar_and_leaves_the_letters() {
    let mut harness = full_hd(live(HAOTIAN));
    harness.run();
    harness.key_press(Key::Tab);
    harness.run();
    assert!(harness.ctx.memory(|memory| memory.focused().is_some()));
    harness.key_press(Key::P);
    harness.run();
    let done = &harness.state().done;
    assert_eq!(done[..], [Command::ShowDrawing(Drawing::Plan)]);
    harness.key_press(Key::Space);
    harness.key_press(Key::ArrowRight);
    harness.run();
    let done = &harness.state().done[1..];
    let is_time = |done: &Command| matches!(done, Command::Pause | Command::StepEvent { .. });
    assert!(!done.iter().any(is_time), "{done:?}");
}
