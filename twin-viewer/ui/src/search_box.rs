use egui::{Key, TextEdit, Ui};
use terrarium_view_model::{Command, ViewState, Word};

pub(crate) fn id() -> egui::Id {
    egui::Id::new("search-box")
}

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let mut query = state.query.clone();
    let response = ui.add(
        TextEdit::singleline(&mut query)
            .id(id())
            .hint_text(Word::Search.text(language))
            .char_limit(60)
            .desired_width(f32::INFINITY),
    );
    if response.changed() {
        commands.push(Command::Search(query.clone()));
    }
    let Some(park) = state.park() else {
        return;
    };
    if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        if let Some(first) = state.found.first() {
            commands.push(Command::Select(*first));
            commands.push(Command::FlyTo(*first));
        }
    }
    if !query.trim().is_empty() && query == state.query && state.found.is_empty() {
        ui.weak(Word::NothingFound.text(language));
    }
    for asset in &state.found {
        let view = park.asset(*asset);
        let text = format!("{} · {}", view.name_in(language), view.id);
        let is_selected = state.selection.contains(*asset);
        if ui.selectable_label(is_selected, text).clicked() {
            commands.push(Command::Select(*asset));
        }
    }
    ui.separator();
}
