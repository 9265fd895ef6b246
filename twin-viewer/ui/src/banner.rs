//! What must not be overlooked: how the connection stands, and that this is a replay.

use egui::{Color32, CornerRadius, Frame, Margin, RichText, Stroke, StrokeKind, Ui};
use terrarium_view_model::{AlarmPriority, Command, Connection, RateBand, ViewState, Word, format};

use crate::theme::{self, FAINT_INK, REPLAY};

/// Something that must not be overlooked.
pub(crate) struct Notice {
    text: String,
    fill: Color32,
    offers_live: bool,
}

impl Notice {
    fn grey(text: String) -> Notice {
        Notice {
            text,
            fill: FAINT_INK,
            offers_live: false,
        }
    }
}

/// What has to be said, the most pressing last: it stands next to the scene.
pub(crate) fn notices(state: &ViewState) -> Vec<Notice> {
    let language = state.language;
    let mut notices: Vec<Notice> = connection_text(state)
        .into_iter()
        .map(Notice::grey)
        .collect();
    if let Some(reason) = &state.park_problem {
        notices.push(Notice::grey(
            Word::BadPark.with(language, &[("reason", reason)]),
        ));
    } else if state.park().is_some_and(|park| !park.has_geometry()) {
        notices.push(Notice::grey(Word::NoGeometry.text(language).to_owned()));
    }
    if let Some((park, false)) = state.park().map(|park| (park, state.timeline.is_live())) {
        let time = format::moment(&park.time_zone, state.timeline.shown_ms());
        notices.push(Notice {
            text: Word::ReplayBanner.with(language, &[("time", &time)]),
            fill: REPLAY,
            offers_live: true,
        });
    }
    if let Some((park, (a_ms, b_ms))) = state.park().zip(compared(state)) {
        let [a, b] = [a_ms, b_ms].map(|ms| format::moment(&park.time_zone, ms));
        let parts = [("a", a.as_str()), ("b", b.as_str())];
        notices.push(Notice {
            text: Word::CompareBanner.with(language, &parts),
            fill: REPLAY,
            offers_live: false,
        });
    }
    notices.extend(outcome_texts(state).into_iter().map(Notice::grey));
    let rate = state.alarms.rate(state.timeline.now_ms());
    if rate.band == RateBand::Flood && state.audience.sees_alarms() {
        let first = state.alarms.first_out();
        let first = first.map_or("–", |alarm| language.of(&alarm.definition.name));
        let count = rate.in_ten_minutes.to_string();
        notices.push(Notice {
            text: Word::AlarmFlood.with(language, &[("count", &count), ("alarm", first)]),
            fill: theme::priority_color(AlarmPriority::High),
            offers_live: false,
        });
    }
    notices
}

pub(crate) fn show(
    ui: &mut Ui,
    state: &ViewState,
    notices: Vec<Notice>,
    commands: &mut Vec<Command>,
) {
    // No seam between them through which the scene would show.
    ui.spacing_mut().item_spacing.y = 0.0;
    for notice in notices {
        bar(ui, notice.fill, |ui| {
            ui.label(RichText::new(notice.text).strong().color(Color32::WHITE));
            let to_live = Word::ReturnToLive.text(state.language);
            if notice.offers_live && ui.button(to_live).clicked() {
                commands.push(Command::Follow);
            }
        });
    }
}

fn compared(state: &ViewState) -> Option<(i64, i64)> {
    let comparison = &state.comparison;
    comparison.moments_ms().filter(|_| comparison.is_on())
}

/// What became of the file that was asked for last, and what could not be done.
fn outcome_texts(state: &ViewState) -> Vec<String> {
    let language = state.language;
    let saved = state.saved.as_ref().map(|saved| match saved {
        Ok(path) => Word::Saved.with(language, &[("path", path)]),
        Err(reason) => Word::NotSaved.with(language, &[("reason", reason)]),
    });
    let failed = state
        .failures_of_no_panel()
        .map(|(what, reason)| match what {
            // It says itself what it is about.
            "command line" => reason.to_owned(),
            _ => not_fetched(state, what, reason),
        });
    saved.into_iter().chain(failed).collect()
}

fn not_fetched(state: &ViewState, what: &str, reason: &str) -> String {
    Word::NotFetched.with(state.language, &[("what", what), ("reason", reason)])
}

/// Says in a panel that it lacks what was asked for under this name, where that is so.
pub(crate) fn show_failure(ui: &mut Ui, state: &ViewState, what: &str) -> bool {
    let reason = state.failure_of(what);
    if let Some(reason) = reason {
        let text = RichText::new(not_fetched(state, what, reason)).strong();
        ui.add(egui::Label::new(text).wrap());
    }
    reason.is_some()
}

/// Says in a panel that something is on its way, or why it is not.
pub(crate) fn show_waiting(ui: &mut Ui, state: &ViewState, what: &str) {
    if !show_failure(ui, state, what) {
        ui.weak(Word::Waiting.text(state.language));
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
            let Some(park) = state.park() else {
                return Some(Word::NoServer.with(language, &[("reason", reason)]));
            };
            let time = format::time_of_day(&park.time_zone, *since_ms);
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
