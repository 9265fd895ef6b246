//! What the keyboard does. Nothing of it while a text is written.

use egui::{Key, Modifiers, Ui};
use terrarium_view_model::{Command, ViewState};

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
    on(Modifiers::NONE, Key::Space, pause_or_play);
    let step = |backwards| Command::StepEvent { backwards };
    on(Modifiers::NONE, Key::ArrowLeft, step(true));
    on(Modifiers::NONE, Key::ArrowRight, step(false));
    on(Modifiers::NONE, Key::End, Command::Follow);
    on(Modifiers::NONE, Key::Home, Command::CameraHome);
    on(Modifiers::NONE, Key::N, Command::CameraNorthUp);
    on(
        Modifiers::NONE,
        Key::P,
        Command::ShowPlan(!state.shows_plan),
    );
    on(
        Modifiers::NONE,
        Key::L,
        Command::SetLanguage(state.language.other()),
    );
    if let Some(asset) = state.selection.single() {
        on(Modifiers::NONE, Key::F, Command::FlyTo(asset));
    }
    if state.proposed.is_some() {
        on(Modifiers::NONE, Key::Escape, Command::Dismiss);
    } else {
        on(Modifiers::NONE, Key::Escape, Command::ClearSelection);
    }
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
