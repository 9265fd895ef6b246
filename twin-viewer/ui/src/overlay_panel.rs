//! One theme at a time, with a legend that says unit, range, park total and how much of the park it stands on.

use egui::{ComboBox, CornerRadius, Mesh, RichText, Sense, Shape, Ui, pos2, vec2};
use terrarium_view_model::{Command, Legend, LegendUnit, Overlay, ViewState, Word, format};

use crate::shapes::hatch;
use crate::theme::{EQUIPMENT, FAINT_INK, INK, color};

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal(|ui| {
        ui.label(RichText::new(Word::Overlays.text(language)).strong());
        ComboBox::from_id_salt("overlay")
            .selected_text(state.overlay.title().text(language))
            .show_ui(ui, |ui| {
                for overlay in Overlay::ALL {
                    let is_chosen = overlay == state.overlay;
                    let title = overlay.title().text(language);
                    if ui.selectable_label(is_chosen, title).clicked() {
                        commands.push(Command::SetOverlay(overlay));
                    }
                }
            });
        let shown = state.shown_overlay();
        if shown != state.overlay {
            ui.label(shown.title().text(language));
        }
    });
    let view = state.overlay_view();
    if let Some(legend) = view.and_then(|view| view.legend.as_ref()) {
        show_legend(ui, state, legend);
    }
    ui.separator();
}

fn show_legend(ui: &mut Ui, state: &ViewState, legend: &Legend) {
    const STEPS: u16 = 48;
    let language = state.language;
    let width = ui.available_width().min(280.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width, 14.0), Sense::hover());
    let mut mesh = Mesh::default();
    for step in 0..STEPS {
        let at = |step: u16| f32::from(step) / f32::from(STEPS);
        let (from, to) = (at(step), at(step + 1));
        let x = |share: f32| rect.left() + rect.width() * share;
        let cell = egui::Rect::from_min_max(pos2(x(from), rect.top()), pos2(x(to), rect.bottom()));
        mesh.add_colored_rect(cell, color(legend.color_at((from + to) / 2.0)));
    }
    ui.painter().add(Shape::mesh(mesh));
    if let Some(marker) = legend.marker {
        let x = rect.left() + rect.width() * marker;
        ui.painter().vline(x, rect.y_range(), (2.5, INK));
    }
    let figure = |value: f64| format::legend_text(legend.unit, value, language);
    ui.horizontal(|ui| {
        ui.set_width(width);
        ui.small(figure(legend.range.0));
        if state.comparison.is_on() {
            ui.small(Word::Difference.text(language));
        } else if legend.is_diverging && legend.unit == LegendUnit::Watt {
            ui.small(format!(
                "{} · {}",
                Word::Gives.text(language),
                Word::Takes.text(language)
            ));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.small(figure(legend.range.1));
        });
    });
    ui.horizontal_wrapped(|ui| {
        if let Some(total) = legend.total {
            let text = format!("{} {}", Word::ParkTotal.text(language), figure(total));
            ui.label(RichText::new(text).strong());
        }
        let (have, of) = (
            legend.coverage.have.to_string(),
            legend.coverage.of.to_string(),
        );
        let parts = [("have", have.as_str()), ("of", of.as_str())];
        let coverage = RichText::new(Word::CoverageMeters.with(language, &parts)).small();
        let coverage = if legend.coverage.is_whole() {
            coverage.color(FAINT_INK)
        } else {
            coverage.strong()
        };
        ui.label(coverage);
        let (swatch, _) = ui.allocate_exact_size(vec2(14.0, 12.0), Sense::hover());
        ui.painter()
            .rect_filled(swatch, CornerRadius::ZERO, EQUIPMENT);
        hatch(ui.painter(), swatch, INK);
        ui.small(Word::NoData.text(language));
    });
}
