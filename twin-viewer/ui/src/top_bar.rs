use egui::{RichText, Ui};
use terrarium_view_model::{Command, Drawing, ViewState, Word, format};

use crate::shapes::{Sign, sign_button};
use crate::theme::{FAINT_INK, REPLAY};

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal_wrapped(|ui| {
        name_and_time(ui, state);
        ui.separator();
        lags(ui, state);
        ui.separator();
        let other = language.other();
        if ui
            .button(other.own_name())
            .on_hover_text(Word::Language.text(language))
            .clicked()
        {
            commands.push(Command::SetLanguage(other));
        }
        for drawing in Drawing::ALL {
            let title = Word::of_drawing(drawing).text(language);
            if ui
                .selectable_label(state.drawing == drawing, title)
                .clicked()
            {
                commands.push(Command::ShowDrawing(drawing));
            }
        }
        ui.separator();
        let carbon = ui.selectable_label(state.shows_carbon, Word::CarbonLedger.text(language));
        if carbon.clicked() {
            commands.push(Command::ShowCarbon(!state.shows_carbon));
        }
        view_menu(ui, state, commands);
        file_menu(ui, state, commands);
        if ui.button(Word::Keys.text(language)).clicked() {
            commands.push(Command::ShowHelp(!state.shows_help));
        }
        if sign_button(ui, Sign::Home, Word::Home.text(language), false).clicked() {
            commands.push(Command::CameraHome);
        }
        if sign_button(ui, Sign::North, Word::NorthUp.text(language), false).clicked() {
            commands.push(Command::CameraNorthUp);
        }
    });
}

/// Only what a wall needs: the park, its time, how many alarms wait.
pub(crate) fn title(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal_wrapped(|ui| {
        name_and_time(ui, state);
        ui.separator();
        lags(ui, state);
        let count = state.alarms.unacknowledged();
        if state.audience.sees_alarms() && count > 0 {
            ui.separator();
            let count = count.to_string();
            ui.strong(Word::Unacknowledged.with(language, &[("count", &count)]));
        }
        ui.separator();
        let other = language.other();
        if ui.button(other.own_name()).clicked() {
            commands.push(Command::SetLanguage(other));
        }
    });
}

fn name_and_time(ui: &mut Ui, state: &ViewState) {
    let language = state.language;
    let Some(park) = state.park() else {
        return;
    };
    ui.heading(language.of(&park.name));
    ui.separator();
    let moment = format::moment(&park.time_zone, state.timeline.shown_ms());
    if state.timeline.is_live() {
        ui.label(Word::Live.text(language));
        ui.label(RichText::new(moment).strong());
    } else {
        ui.colored_label(REPLAY, Word::Replay.text(language));
        ui.label(RichText::new(moment).strong().color(REPLAY));
    }
    if state.timeline.is_waiting() {
        ui.weak(Word::Waiting.text(language));
    }
}

/// Shift report, incident bundle, picture, link.
fn file_menu(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    const HOUR_MS: i64 = 3_600_000;
    let language = state.language;
    ui.menu_button(Word::ShiftReport.text(language), |ui| {
        let to_ms = state.timeline.shown_ms();
        for hours in [8, 12, 24] {
            let length_ms = hours * HOUR_MS;
            let time = format::duration(length_ms, language);
            let text = Word::ReportLast.with(language, &[("time", &time)]);
            if ui.button(text).clicked() {
                let from_ms = to_ms - length_ms;
                commands.push(Command::MakeShiftReport { from_ms, to_ms });
            }
        }
        if let Some((from_ms, to_ms)) = state.timeline.selection()
            && ui.button(Word::ReportSelection.text(language)).clicked()
        {
            commands.push(Command::MakeShiftReport { from_ms, to_ms });
        }
        ui.separator();
        for (word, command) in [
            (Word::SaveIncident, Command::SaveIncident),
            (Word::SavePicture, Command::SavePicture),
            (Word::SaveLink, Command::SaveLink),
        ] {
            if ui.button(word.text(language)).clicked() {
                commands.push(command);
            }
        }
        let link = state.link();
        ui.small(Word::LinkToView.text(language));
        ui.add(egui::TextEdit::singleline(&mut link.as_str()).desired_width(260.0));
    });
}

/// Bookmarks of the camera, motion, size of texts.
fn view_menu(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    const SCALES: [f32; 5] = [0.8, 1.0, 1.25, 1.5, 2.0];
    let language = state.language;
    ui.menu_button(Word::View.text(language), |ui| {
        let mut reduced = state.reduced_motion;
        if ui
            .checkbox(&mut reduced, Word::ReducedMotion.text(language))
            .changed()
        {
            commands.push(Command::SetReducedMotion(reduced));
        }
        ui.separator();
        let present = state.ui_scale.unwrap_or(1.0);
        for scale in SCALES {
            let percent = format!("{:.0}", scale * 100.0);
            let text = Word::UiScale.with(language, &[("count", &percent)]);
            if ui.selectable_label(scale == present, text).clicked() {
                commands.push(Command::SetUiScale(scale));
            }
        }
        ui.separator();
        for (place, bookmark) in state.bookmarks.iter().enumerate() {
            if ui.button(&bookmark.name).clicked() {
                commands.push(Command::GoToBookmark(place));
            }
        }
        let may_keep = state.camera.is_some();
        let keep = egui::Button::new(Word::AddBookmark.text(language));
        if ui.add_enabled(may_keep, keep).clicked() {
            let count = (state.bookmarks.len() + 1).to_string();
            let name = Word::Bookmark.with(language, &[("count", &count)]);
            commands.push(Command::AddBookmark { name });
        }
    });
}

/// Three lags apart: of the sensors, of the way here, and of the projection behind the record.
fn lags(ui: &mut Ui, state: &ViewState) {
    let language = state.language;
    let mut lag = |word: Word, text: Option<String>| {
        let text = text.unwrap_or_else(|| "–".into());
        let text = format!("{} {text}", word.text(language));
        ui.label(RichText::new(text).small().color(FAINT_INK));
    };
    let lags = state.lags;
    lag(
        Word::LagSensor,
        lags.sensor_ms.map(|ms| format::duration(ms, language)),
    );
    lag(Word::LagStream, lags.stream_ms.map(|ms| format!("{ms} ms")));
    lag(
        Word::LagProjection,
        lags.projection_events.map(|events| {
            let count = format::whole(i64::try_from(events).unwrap_or(i64::MAX));
            Word::LagEvents.with(language, &[("count", &count)])
        }),
    );
    if let Some(position) = state.position {
        let position = position.to_string();
        let text = Word::VerifiedTo.with(language, &[("position", &position)]);
        ui.label(RichText::new(text).small().color(FAINT_INK));
    }
}
