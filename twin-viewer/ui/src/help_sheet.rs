//! All keys on one sheet.

use egui::{Grid, Ui, Window};
use terrarium_view_model::{Command, ViewState, Word};

/// What each key does, as [`crate::keys`] reads them.
const KEYS: [(&str, Word); 25] = [
    ("F1, ?", Word::Keys),
    ("Tab / Enter", Word::KeyPanels),
    ("Esc", Word::KeyClose),
    ("Ctrl F", Word::Search),
    ("Space", Word::Pause),
    ("←", Word::StepBack),
    ("→", Word::StepForward),
    ("End", Word::ReturnToLive),
    ("[ / ]", Word::SetMark),
    ("M", Word::Compare),
    ("Alt ← / Alt →", Word::KeySelection),
    ("↓ / ↑", Word::KeyAsset),
    ("F", Word::FlyTo),
    ("A", Word::KeyAlarm),
    ("K", Word::KeyAcknowledge),
    ("O", Word::KeyOverlay),
    ("D", Word::KeyDrawing),
    ("P", Word::Plan),
    ("C", Word::CarbonLedger),
    ("L", Word::Language),
    ("Home, N", Word::Home),
    ("1 – 9", Word::KeyBookmarks),
    ("B", Word::AddBookmark),
    ("Shift ← → ↑ ↓, Page Up / Down", Word::KeyCamera),
    ("Ctrl + / Ctrl −", Word::KeyScale),
];

pub(crate) fn show(ui: &Ui, state: &ViewState, commands: &mut Vec<Command>) {
    if !state.shows_help {
        return;
    }
    let language = state.language;
    Window::new(Word::Keys.text(language))
        .id(egui::Id::new("help-sheet"))
        .collapsible(false)
        .resizable(false)
        .anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO)
        .show(ui.ctx(), |ui| {
            Grid::new("keys")
                .num_columns(2)
                .striped(true)
                .show(ui, |ui| {
                    for (keys, word) in KEYS {
                        ui.strong(keys);
                        ui.label(word.with(language, &[("mark", "A / B")]));
                        ui.end_row();
                    }
                });
            if ui.button(Word::Close.text(language)).clicked() {
                commands.push(Command::ShowHelp(false));
            }
        });
}
