//! Moments A and B side by side: every value that differs, and by how much.

use egui::{Grid, RichText, ScrollArea, Ui};
use terrarium_view_model::{
    Command, Difference, Language, Mark, Quantity, Unit, ViewState, Word, format,
};

use crate::theme::FAINT_INK;

/// Rows that are laid out at most: those of the selected asset first, then the others in the order of their ids.
const MOST_ROWS: usize = 400;
const HEIGHT: f32 = 320.0;

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let comparison = &state.comparison;
    if !comparison.is_on() {
        return;
    }
    let language = state.language;
    ui.horizontal_wrapped(|ui| {
        ui.heading(Word::Compare.text(language));
        if ui.small_button(Word::CompareEnd.text(language)).clicked() {
            commands.push(Command::Compare(false));
        }
    });
    if !comparison.is_complete() {
        ui.weak(Word::Waiting.text(language));
        ui.separator();
        return;
    }
    let mut differences = comparison.differences();
    let is_other = |difference: &Difference| {
        !difference
            .asset
            .is_some_and(|asset| state.selection.contains(asset))
    };
    differences.sort_by_key(is_other);
    let count = differences.len().to_string();
    if differences.is_empty() {
        ui.label(Word::NoDifference.text(language));
    } else {
        ui.label(Word::DifferenceCount.with(language, &[("count", &count)]));
    }
    ScrollArea::both()
        .id_salt("differences")
        .max_height(HEIGHT)
        .show(ui, |ui| table(ui, state, &differences, commands));
    ui.separator();
}

fn table(ui: &mut Ui, state: &ViewState, differences: &[Difference], commands: &mut Vec<Command>) {
    let language = state.language;
    Grid::new("differences")
        .num_columns(5)
        .striped(true)
        .show(ui, |ui| {
            ui.strong(Word::ReportDevice.text(language));
            ui.label("");
            ui.strong(Mark::A.letter());
            ui.strong(Mark::B.letter());
            ui.strong(Word::Difference.text(language));
            ui.end_row();
            for difference in differences.iter().take(MOST_ROWS) {
                row(ui, state, difference, commands);
            }
        });
}

fn row(ui: &mut Ui, state: &ViewState, difference: &Difference, commands: &mut Vec<Command>) {
    let language = state.language;
    let asset = state.park().zip(difference.asset);
    let name = asset.map_or(difference.name.asset.as_str(), |(park, asset)| {
        park.asset(asset).name_in(language)
    });
    let is_selected = difference
        .asset
        .is_some_and(|asset| state.selection.contains(asset));
    if ui.selectable_label(is_selected, name).clicked() {
        commands.extend(difference.asset.map(Command::Select));
    }
    let quantity = difference.name.quantity;
    ui.small(RichText::new(Word::of_quantity(quantity).text(language)).color(FAINT_INK))
        .on_hover_text(&difference.name.source);
    let text = |value: Option<i64>| {
        value.map_or("–".into(), |value| {
            format::value_text(quantity, value, language)
        })
    };
    ui.label(text(difference.a));
    ui.label(text(difference.b));
    ui.strong(change_text(quantity, difference.change(), language));
    ui.end_row();
}

/// A difference with its sign. States have none.
pub(crate) fn change_text(quantity: Quantity, change: Option<i64>, language: Language) -> String {
    match change {
        None => "–".into(),
        Some(_) if quantity.unit() == Unit::State => "≠".into(),
        Some(change) => {
            let text = format::value_text(quantity, change, language);
            if change > 0 { format!("+{text}") } else { text }
        }
    }
}
