//! Moments A and B side by side: every value that differs, and by how much.

use egui::{Grid, RichText, ScrollArea, Ui};
use terrarium_view_model::{
    Command, Difference, Language, Mark, Quantity, Unit, ViewState, Word, format,
};

use crate::banner;
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
        banner::show_waiting(ui, state, "comparison");
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
        let [a, b] = Mark::ALL.map(Mark::letter);
        ui.small(format!("{a} · {b} · {}", Word::Difference.text(language)));
    }
    ScrollArea::vertical()
        .id_salt("differences")
        .max_height(HEIGHT)
        .show(ui, |ui| table(ui, state, &differences, commands));
    ui.separator();
}

/// The asset over its values: side by side they would not fit beside the scene.
fn table(ui: &mut Ui, state: &ViewState, differences: &[Difference], commands: &mut Vec<Command>) {
    let shown = &differences[..differences.len().min(MOST_ROWS)];
    let of_one_asset = shown.chunk_by(|one, other| one.name.asset == other.name.asset);
    for of_asset in of_one_asset {
        let first = &of_asset[0];
        let known = state.park().zip(first.asset);
        let name = known.map_or(first.name.asset.as_str(), |(park, asset)| {
            park.asset(asset).name_in(state.language)
        });
        let is_selected = first
            .asset
            .is_some_and(|asset| state.selection.contains(asset));
        if ui.selectable_label(is_selected, name).clicked() {
            commands.extend(first.asset.map(Command::Select));
        }
        Grid::new(("differences", &first.name.asset))
            .num_columns(4)
            .striped(true)
            .min_col_width(56.0)
            .show(ui, |ui| {
                for difference in of_asset {
                    row(ui, state, difference);
                }
            });
    }
}

fn row(ui: &mut Ui, state: &ViewState, difference: &Difference) {
    let language = state.language;
    let quantity = difference.name.quantity;
    let name = Word::of_quantity(quantity).text(language);
    let mut faint = |text: String| ui.small(RichText::new(text).color(FAINT_INK));
    let label = faint(name.to_owned());
    label.on_hover_text(&difference.name.source);
    let text = |value: Option<i64>| {
        value.map_or("–".into(), |value| {
            format::value_text(quantity, value, language)
        })
    };
    ui.small(text(difference.a));
    ui.small(text(difference.b));
    let change = change_text(quantity, difference.change(), language);
    ui.small(RichText::new(change).strong());
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
