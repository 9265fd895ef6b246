//! What the keyboard does. Nothing of it while a text is written.

use egui::{Key, Modifiers, Ui};
use terrarium_view_model::{Command, Drawing, Mark, Overlay, ParkCommand, ViewState, Word};

use crate::search_box;

pub(crate) fn read(ui: &Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let ctx = ui.ctx();
    let find = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F));
    if find {
        ctx.memory_mut(|memory| memory.request_focus(search_box::id()));
    }
    if ctx.egui_wants_keyboard_input() {
        return;
    }
    let mut on = |modifiers: Modifiers, key: Key, command: Command| {
        if ui.input_mut(|input| input.consume_key(modifiers, key)) {
            commands.push(command);
        }
    };
    let pause_or_play = if state.timeline.wants_to_play() || state.timeline.is_live() {
        Command::Pause
    } else {
        Command::Play { backwards: false }
    };
    // Those with modifiers first: a key without one fits with any.
    on(Modifiers::ALT, Key::ArrowLeft, Command::SelectionBack);
    on(Modifiers::ALT, Key::ArrowRight, Command::SelectionForward);
    const TURN_DEG: f32 = 15.0;
    const TILT_DEG: f32 = 8.0;
    const NEARER: f32 = 0.8;
    let camera = |turn_deg, tilt_deg, distance| Command::MoveCamera {
        turn_deg,
        tilt_deg,
        distance,
    };
    on(
        Modifiers::SHIFT,
        Key::ArrowLeft,
        camera(-TURN_DEG, 0.0, 1.0),
    );
    on(
        Modifiers::SHIFT,
        Key::ArrowRight,
        camera(TURN_DEG, 0.0, 1.0),
    );
    on(Modifiers::SHIFT, Key::ArrowUp, camera(0.0, TILT_DEG, 1.0));
    on(
        Modifiers::SHIFT,
        Key::ArrowDown,
        camera(0.0, -TILT_DEG, 1.0),
    );
    on(Modifiers::NONE, Key::PageUp, camera(0.0, 0.0, NEARER));
    on(
        Modifiers::NONE,
        Key::PageDown,
        camera(0.0, 0.0, 1.0 / NEARER),
    );
    let scale = state.ui_scale.unwrap_or(1.0);
    on(
        Modifiers::COMMAND,
        Key::Plus,
        Command::SetUiScale(scale * 1.1),
    );
    on(
        Modifiers::COMMAND,
        Key::Equals,
        Command::SetUiScale(scale * 1.1),
    );
    on(
        Modifiers::COMMAND,
        Key::Minus,
        Command::SetUiScale(scale / 1.1),
    );
    on(Modifiers::COMMAND, Key::Num0, Command::SetUiScale(1.0));
    on(Modifiers::NONE, Key::Space, pause_or_play);
    let step = |backwards| Command::StepEvent { backwards };
    on(Modifiers::NONE, Key::ArrowLeft, step(true));
    on(Modifiers::NONE, Key::ArrowRight, step(false));
    on(
        Modifiers::NONE,
        Key::ArrowDown,
        Command::SelectNext { backwards: false },
    );
    on(
        Modifiers::NONE,
        Key::ArrowUp,
        Command::SelectNext { backwards: true },
    );
    on(Modifiers::NONE, Key::End, Command::Follow);
    on(Modifiers::NONE, Key::OpenBracket, Command::SetMark(Mark::A));
    on(
        Modifiers::NONE,
        Key::CloseBracket,
        Command::SetMark(Mark::B),
    );
    if state.comparison.moments_ms().is_some() {
        on(
            Modifiers::NONE,
            Key::M,
            Command::Compare(!state.comparison.is_on()),
        );
    }
    on(Modifiers::NONE, Key::Home, Command::CameraHome);
    on(Modifiers::NONE, Key::N, Command::CameraNorthUp);
    let plan_or_scene = match state.drawing {
        Drawing::Plan => Drawing::Scene,
        _ => Drawing::Plan,
    };
    on(Modifiers::NONE, Key::P, Command::ShowDrawing(plan_or_scene));
    let drawing = after(&Drawing::ALL, state.drawing);
    on(Modifiers::NONE, Key::D, Command::ShowDrawing(drawing));
    let overlay = after(&Overlay::ALL, state.overlay);
    on(Modifiers::NONE, Key::O, Command::SetOverlay(overlay));
    on(
        Modifiers::NONE,
        Key::C,
        Command::ShowCarbon(!state.shows_carbon),
    );
    on(
        Modifiers::NONE,
        Key::L,
        Command::SetLanguage(state.language.other()),
    );
    on(
        Modifiers::NONE,
        Key::F1,
        Command::ShowHelp(!state.shows_help),
    );
    on(
        Modifiers::NONE,
        Key::Questionmark,
        Command::ShowHelp(!state.shows_help),
    );
    on(
        Modifiers::SHIFT,
        Key::Slash,
        Command::ShowHelp(!state.shows_help),
    );
    if state.camera.is_some() {
        let count = (state.bookmarks.len() + 1).to_string();
        let name = Word::Bookmark.with(state.language, &[("count", &count)]);
        on(Modifiers::NONE, Key::B, Command::AddBookmark { name });
    }
    if let Some(asset) = state.selection.single() {
        on(Modifiers::NONE, Key::F, Command::FlyTo(asset));
    }
    let listed = state.alarms.listed();
    let open = state.open_alarm.as_deref();
    let place = listed
        .iter()
        .position(|alarm| Some(alarm.id.as_str()) == open);
    let next = place.map_or(0, |place| place + 1) % listed.len().max(1);
    if let Some(alarm) = listed.get(next) {
        on(
            Modifiers::NONE,
            Key::A,
            Command::OpenAlarm(Some(alarm.id.clone())),
        );
    }
    let open = open.and_then(|alarm| state.alarms.get(alarm));
    let unseen = open.filter(|alarm| alarm.status.state.is_unacknowledged());
    if let Some(alarm) = unseen.filter(|_| state.allows_commands())
        && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::K))
    {
        commands.push(Command::Propose(ParkCommand::Acknowledge {
            alarm: alarm.id.clone(),
            occurrence: alarm.status.occurrence.clone(),
        }));
        commands.push(Command::Confirm);
    }
    let closes = if state.shows_help {
        Command::ShowHelp(false)
    } else if state.shift.is_some() {
        Command::CloseShiftReport
    } else if state.proposed.is_some() {
        Command::Dismiss
    } else {
        Command::ClearSelection
    };
    let mut on = |modifiers: Modifiers, key: Key, command: Command| {
        if ui.input_mut(|input| input.consume_key(modifiers, key)) {
            commands.push(command);
        }
    };
    on(Modifiers::NONE, Key::Escape, closes);
    const DIGITS: [Key; 9] = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
    ];
    for (place, key) in DIGITS.into_iter().enumerate() {
        if place < state.bookmarks.len() {
            on(Modifiers::NONE, key, Command::GoToBookmark(place));
        }
    }
}

/// The one after it; after the last the first.
fn after<T: Copy + PartialEq>(all: &[T], present: T) -> T {
    let place = all.iter().position(|one| *one == present);
    all[place.map_or(0, |place| place + 1) % all.len()]
}
