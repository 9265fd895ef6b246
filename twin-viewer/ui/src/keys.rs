//! What the keyboard does. Nothing of it while a text is written; what a focused control wants of it is left to the control.

use egui::{Event, Key, Modifiers, Ui};
use terrarium_view_model::{Command, Drawing, Mark, Overlay, ParkCommand, ViewState, Word};

use crate::search_box;

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

pub(crate) fn read(ui: &Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let ctx = ui.ctx();
    if is_pressed(ui, Key::F, |held| held.matches_exact(Modifiers::COMMAND)) {
        ctx.memory_mut(|memory| memory.request_focus(search_box::id()));
    }
    if ctx.text_edit_focused() {
        return;
    }
    let mut keys = Keys {
        ui,
        is_control_focused: ctx.memory(|memory| memory.focused().is_some()),
        commands,
    };
    time(&mut keys, state);
    camera(&mut keys, state);
    view(&mut keys, state);
    selection(&mut keys);
    alarms(&mut keys, state);
}

/// The keys that are pressed, and what comes of them.
struct Keys<'a> {
    ui: &'a Ui,
    /// A button or another control has the focus.
    is_control_focused: bool,
    commands: &'a mut Vec<Command>,
}

impl Keys<'_> {
    /// A key with these modifiers and no others: a chord of the window system must not do what its letter does.
    fn on(&mut self, modifiers: Modifiers, key: Key, command: Command) {
        // A focused control is pressed by the space bar, and the arrows lead to the next one.
        let is_of_control = matches!(
            key,
            Key::Space | Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown
        );
        if self.is_control_focused && is_of_control && modifiers.is_none() {
            return;
        }
        if is_pressed(self.ui, key, |held| held.matches_exact(modifiers)) {
            self.commands.push(command);
        }
    }

    /// A sign or digit: some keyboards have it under Shift.
    fn on_sign(&mut self, modifiers: Modifiers, key: Key, command: Command) {
        let is_held = |held: Modifiers| {
            let without_shift = Modifiers {
                shift: false,
                ..held
            };
            without_shift.matches_exact(modifiers)
        };
        if is_pressed(self.ui, key, is_held) {
            self.commands.push(command);
        }
    }
}

/// Whether a key is pressed with fitting modifiers; then nobody else gets it.
fn is_pressed(ui: &Ui, wanted: Key, fits: impl Fn(Modifiers) -> bool) -> bool {
    ui.input_mut(|input| {
        let count = input.events.len();
        input.events.retain(|event| {
            !matches!(
                event,
                Event::Key { key, pressed: true, modifiers, .. } if *key == wanted && fits(*modifiers)
            )
        });
        input.events.len() < count
    })
}

fn time(keys: &mut Keys<'_>, state: &ViewState) {
    let pause_or_play = if state.timeline.wants_to_play() || state.timeline.is_live() {
        Command::Pause
    } else {
        Command::Play { backwards: false }
    };
    keys.on(Modifiers::NONE, Key::Space, pause_or_play);
    let step = |backwards| Command::StepEvent { backwards };
    keys.on(Modifiers::NONE, Key::ArrowLeft, step(true));
    keys.on(Modifiers::NONE, Key::ArrowRight, step(false));
    keys.on(Modifiers::NONE, Key::End, Command::Follow);
    for (key, mark) in [Key::OpenBracket, Key::CloseBracket]
        .into_iter()
        .zip(Mark::ALL)
    {
        keys.on_sign(Modifiers::NONE, key, Command::SetMark(mark));
    }
    if state.comparison.moments_ms().is_some() {
        let compare = Command::Compare(!state.comparison.is_on());
        keys.on(Modifiers::NONE, Key::M, compare);
    }
}

fn camera(keys: &mut Keys<'_>, state: &ViewState) {
    const TURN_DEG: f32 = 15.0;
    const TILT_DEG: f32 = 8.0;
    const NEARER: f32 = 0.8;
    let moved = |turn_deg, tilt_deg, distance| Command::MoveCamera {
        turn_deg,
        tilt_deg,
        distance,
    };
    for (key, turn_deg, tilt_deg) in [
        (Key::ArrowLeft, -TURN_DEG, 0.0),
        (Key::ArrowRight, TURN_DEG, 0.0),
        (Key::ArrowUp, 0.0, TILT_DEG),
        (Key::ArrowDown, 0.0, -TILT_DEG),
    ] {
        keys.on(Modifiers::SHIFT, key, moved(turn_deg, tilt_deg, 1.0));
    }
    keys.on(Modifiers::NONE, Key::PageUp, moved(0.0, 0.0, NEARER));
    keys.on(
        Modifiers::NONE,
        Key::PageDown,
        moved(0.0, 0.0, 1.0 / NEARER),
    );
    keys.on(Modifiers::NONE, Key::Home, Command::CameraHome);
    keys.on(Modifiers::NONE, Key::N, Command::CameraNorthUp);
    if let Some(asset) = state.selection.single() {
        keys.on(Modifiers::NONE, Key::F, Command::FlyTo(asset));
    }
    if state.camera.is_some() {
        let count = (state.bookmarks.len() + 1).to_string();
        let name = Word::Bookmark.with(state.language, &[("count", &count)]);
        keys.on(Modifiers::NONE, Key::B, Command::AddBookmark { name });
    }
    for (place, key) in DIGITS.into_iter().enumerate().take(state.bookmarks.len()) {
        keys.on_sign(Modifiers::NONE, key, Command::GoToBookmark(place));
    }
}

fn view(keys: &mut Keys<'_>, state: &ViewState) {
    let scale = state.ui_scale.unwrap_or(1.0);
    for (key, scale) in [
        (Key::Plus, scale * 1.1),
        (Key::Equals, scale * 1.1),
        (Key::Minus, scale / 1.1),
        (Key::Num0, 1.0),
    ] {
        keys.on_sign(Modifiers::COMMAND, key, Command::SetUiScale(scale));
    }
    let plan_or_scene = match state.drawing {
        Drawing::Plan => Drawing::Scene,
        _ => Drawing::Plan,
    };
    let drawing = after(&Drawing::ALL, state.drawing);
    let overlay = after(&Overlay::ALL, state.overlay);
    for (key, command) in [
        (Key::P, Command::ShowDrawing(plan_or_scene)),
        (Key::D, Command::ShowDrawing(drawing)),
        (Key::O, Command::SetOverlay(overlay)),
        (Key::C, Command::ShowCarbon(!state.shows_carbon)),
        (Key::L, Command::SetLanguage(state.language.other())),
        (Key::F1, Command::ShowHelp(!state.shows_help)),
    ] {
        keys.on(Modifiers::NONE, key, command);
    }
    let help = || Command::ShowHelp(!state.shows_help);
    keys.on_sign(Modifiers::NONE, Key::Questionmark, help());
    keys.on(Modifiers::SHIFT, Key::Slash, help());
    let closes = if state.shows_help {
        Command::ShowHelp(false)
    } else if state.shift.is_some() {
        Command::CloseShiftReport
    } else if state.proposed.is_some() {
        Command::Dismiss
    } else {
        Command::ClearSelection
    };
    keys.on(Modifiers::NONE, Key::Escape, closes);
}

fn selection(keys: &mut Keys<'_>) {
    let next = |backwards| Command::SelectNext { backwards };
    keys.on(Modifiers::ALT, Key::ArrowLeft, Command::SelectionBack);
    keys.on(Modifiers::ALT, Key::ArrowRight, Command::SelectionForward);
    keys.on(Modifiers::NONE, Key::ArrowDown, next(false));
    keys.on(Modifiers::NONE, Key::ArrowUp, next(true));
}

fn alarms(keys: &mut Keys<'_>, state: &ViewState) {
    let listed = state.alarms.listed();
    let open = state.open_alarm.as_deref();
    let place = listed
        .iter()
        .position(|alarm| Some(alarm.id.as_str()) == open);
    let next = place.map_or(0, |place| place + 1) % listed.len().max(1);
    if let Some(alarm) = listed.get(next) {
        let open = Command::OpenAlarm(Some(alarm.id.clone()));
        keys.on(Modifiers::NONE, Key::A, open);
    }
    let open = open.and_then(|alarm| state.alarms.get(alarm));
    let unseen = open.filter(|alarm| alarm.status.state.is_unacknowledged());
    if let Some(alarm) = unseen.filter(|_| state.allows_commands())
        && is_pressed(keys.ui, Key::K, |held| held.is_none())
    {
        keys.commands
            .push(Command::Propose(ParkCommand::Acknowledge {
                alarm: alarm.id.clone(),
                occurrence: alarm.status.occurrence.clone(),
            }));
        keys.commands.push(Command::Confirm);
    }
}

/// The one after it; after the last the first.
fn after<T: Copy + PartialEq>(all: &[T], present: T) -> T {
    let place = all.iter().position(|one| *one == present);
    all[place.map_or(0, |place| place + 1) % all.len()]
}
