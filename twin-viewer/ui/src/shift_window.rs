//! The shift report as it will be written, and the buttons that write it.

use egui::{Grid, RichText, ScrollArea, Ui, Window};
use terrarium_view_model::{Block, Command, Document, Format, ViewState, Word, shift_report};

use crate::theme::FAINT_INK;

const SIZE: [f32; 2] = [760.0, 560.0];

pub(crate) fn show(ui: &Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let Some((shift, park)) = state.shift.as_ref().zip(state.park()) else {
        return;
    };
    let language = state.language;
    let document = shift_report(shift, park, &state.alarms, language);
    Window::new(Word::ShiftReport.text(language))
        .id(egui::Id::new("shift-report"))
        .default_size(SIZE)
        .collapsible(false)
        .anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO)
        .show(ui.ctx(), |ui| {
            ui.horizontal_wrapped(|ui| {
                for (word, format) in [
                    (Word::SaveMarkdown, Format::Markdown),
                    (Word::SaveHtml, Format::Html),
                ] {
                    if ui.button(word.text(language)).clicked() {
                        commands.push(Command::SaveShiftReport(format));
                    }
                }
                if ui.button(Word::Close.text(language)).clicked() {
                    commands.push(Command::CloseShiftReport);
                }
            });
            ScrollArea::both()
                .max_height(SIZE[1])
                .show(ui, |ui| written(ui, &document));
        });
}

fn written(ui: &mut Ui, document: &Document) {
    ui.heading(&document.title);
    for (number, block) in document.blocks.iter().enumerate() {
        match block {
            Block::Heading(text) => {
                ui.add_space(6.0);
                ui.strong(text);
            }
            Block::Paragraph(text) => {
                ui.label(text);
            }
            Block::Table(rows) => {
                Grid::new(("report-table", number))
                    .striped(true)
                    .show(ui, |ui| {
                        for (row_number, row) in rows.iter().enumerate() {
                            for cell in row {
                                let text = RichText::new(cell).small();
                                ui.label(if row_number == 0 {
                                    text.color(FAINT_INK)
                                } else {
                                    text
                                });
                            }
                            ui.end_row();
                        }
                    });
            }
        }
    }
}
