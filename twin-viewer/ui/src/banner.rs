//! What must not be overlooked: how the connection stands, and that this is a replay.

use egui::{Color32, CornerRadius, Frame, Margin, RichText, Stroke, StrokeKind, Ui};
use terrarium_view_model::{Command, Connection, RateBand, ViewState, Word, format};

use crate::theme::{self, FAINT_INK, REPLAY};

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    if let Some(text) = connection_text(state) {
        bar(ui, FAINT_INK, |ui| {
            ui.label(RichText::new(text).color(Color32::WHITE));
        });
    }
    if let Some(reason) = &state.park_problem {
        let text = Word::BadPark.with(language, &[("reason", reason)]);
        bar(ui, FAINT_INK, |ui| {
            ui.label(RichText::new(text).color(Color32::WHITE));
        });
    } else if state.park().is_some_and(|park| !park.has_geometry()) {
        bar(ui, FAINT_INK, |ui| {
            ui.label(RichText::new(Word::NoGeometry.text(language)).color(Color32::WHITE));
        });
    }
    if let Some((park, false)) = state.park().map(|park| (park, state.timeline.is_live())) {
        let time = format::moment(&park.time_zone, state.timeline.shown_ms());
        let text = Word::ReplayBanner.with(language, &[("time", &time)]);
        bar(ui, REPLAY, |ui| {
            ui.label(RichText::new(text).strong().color(Color32::WHITE));
            if ui.button(Word::ReturnToLive.text(language)).clicked() {
                commands.push(Command::Follow);
            }
        });
    }
    let rate = state.alarms.rate(state.timeline.now_ms());
    if rate.band == RateBand::Flood {
        let first = state.alarms.first_out();
        let first = first.map_or("–", |alarm| language.of(&alarm.definition.name));
        let count = rate.in_ten_minutes.to_string();
        let text = Word::AlarmFlood.with(language, &[("count", &count), ("alarm", first)]);
        let high = theme::priority_color(terrarium_view_model::AlarmPriority::High);
        bar(ui, high, |ui| {
            ui.label(RichText::new(text).strong().color(Color32::WHITE));
        });
    }
}

fn bar(ui: &mut Ui, fill: Color32, add: impl FnOnce(&mut Ui)) {
    Frame::new()
        .fill(fill)
        .inner_margin(Margin::symmetric(10, 4))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(add);
        });
}

fn connection_text(state: &ViewState) -> Option<String> {
    let language = state.language;
    match &state.connection {
        Connection::Idle | Connection::Live => None,
        Connection::Connecting { server } => {
            Some(Word::Connecting.with(language, &[("server", server)]))
        }
        Connection::StaleSince { since_ms, reason } => {
            let time = match state.park() {
                Some(park) => format::time_of_day(&park.time_zone, *since_ms),
                None => "–".into(),
            };
            let text = Word::StaleSince.with(language, &[("time", &time)]);
            Some(format!("{text} ({reason})"))
        }
        Connection::WrongVersion { reason } => {
            Some(Word::WrongVersion.with(language, &[("reason", reason)]))
        }
        Connection::NotAllowed { reason } => {
            Some(Word::NotAllowed.with(language, &[("reason", reason)]))
        }
        Connection::NoSuchPark { park, parks } => {
            let parks = parks.join(", ");
            let parts = [("park", park.as_str()), ("parks", parks.as_str())];
            Some(Word::NoSuchPark.with(language, &parts))
        }
    }
}

/// A frame around the whole screen while a past moment is shown.
pub(crate) fn frame(ui: &Ui, state: &ViewState) {
    if state.timeline.is_live() {
        return;
    }
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::new("replay-frame"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_stroke(
        ui.ctx().content_rect(),
        CornerRadius::ZERO,
        Stroke::new(5.0, REPLAY),
        StrokeKind::Inside,
    );
}
