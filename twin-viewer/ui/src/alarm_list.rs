//! The list of ISA-18.2: unacknowledged first, then by priority, then the newest first; and the rate gauge of EEMUA 191.

use egui::{Align, CornerRadius, Layout, Rect, RichText, Sense, Ui, WidgetInfo, WidgetType, vec2};
use terrarium_view_model::{
    Alarm, AlarmPriority, AlarmState, Command, ParkCommand, RateBand, ViewState, Word, format,
};

use crate::shapes::alarm_mark;
use crate::theme::{FAINT_INK, INK, LINE, priority_color};

/// Rows that are laid out at most; a longer list is a flood, and its banner says so.
const MOST_ROWS: usize = 200;

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal(|ui| {
        ui.heading(Word::Alarms.text(language));
        let count = state.alarms.unacknowledged();
        if count > 0 {
            let count = count.to_string();
            ui.strong(Word::Unacknowledged.with(language, &[("count", &count)]));
        }
    });
    rate_gauge(ui, state);
    let listed = state.alarms.listed();
    if listed.is_empty() {
        ui.weak(Word::NoAlarms.text(language));
    }
    let first_out = state.alarms.first_out().map(|alarm| alarm.id.clone());
    for alarm in listed.into_iter().take(MOST_ROWS) {
        row(
            ui,
            state,
            alarm,
            first_out.as_ref() == Some(&alarm.id),
            commands,
        );
    }
    shelved(ui, state, commands);
}

/// A bar from 0 to 12 with marks at 1 and 10.
fn rate_gauge(ui: &mut Ui, state: &ViewState) {
    const MOST: f32 = 12.0;
    let language = state.language;
    let rate = state.alarms.rate(state.timeline.now_ms());
    ui.horizontal(|ui| {
        ui.small(Word::AlarmRate.text(language));
        let (rect, response) = ui.allocate_exact_size(vec2(120.0, 10.0), Sense::hover());
        let text = format!("{} {}", Word::AlarmRate.text(language), rate.in_ten_minutes);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, &text));
        let painter = ui.painter();
        painter.rect_filled(rect, CornerRadius::ZERO, LINE);
        let share = (rate.in_ten_minutes as f32 / MOST).min(1.0);
        let fill = match rate.band {
            RateBand::Manageable | RateBand::Demanding => FAINT_INK,
            RateBand::Flood => priority_color(AlarmPriority::High),
        };
        let filled = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
        painter.rect_filled(filled, CornerRadius::ZERO, fill);
        for band in [1.0, 10.0] {
            let x = rect.left() + rect.width() * band / MOST;
            painter.vline(x, rect.y_range(), (1.0, INK));
        }
        ui.small(rate.in_ten_minutes.to_string());
    });
}

fn row(
    ui: &mut Ui,
    state: &ViewState,
    alarm: &Alarm,
    is_first_out: bool,
    commands: &mut Vec<Command>,
) {
    let language = state.language;
    let is_open = state.open_alarm.as_deref() == Some(&alarm.id);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 18.0), Sense::hover());
        let is_unacknowledged = alarm.status.state.is_unacknowledged();
        let priority = alarm.definition.priority;
        alarm_mark(
            ui.painter(),
            rect.center(),
            12.0,
            priority,
            is_unacknowledged,
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let raised = state.park().zip(alarm.status.raised_ms);
            if let Some((park, raised_ms)) = raised {
                ui.small(format::time_of_day(&park.time_zone, raised_ms));
            }
            if is_first_out {
                ui.small(RichText::new(Word::FirstOut.text(language)).strong());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(language.of(&alarm.definition.name));
                let name = if is_unacknowledged {
                    name.strong()
                } else {
                    name.color(FAINT_INK)
                };
                ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Truncate);
                let label = ui.selectable_label(is_open, name);
                let label = label.on_hover_text(format!(
                    "{}: {}",
                    Word::of_priority(priority).text(language),
                    Word::of_alarm_state(alarm.status.state).text(language),
                ));
                if label.clicked() {
                    commands.push(Command::OpenAlarm(Some(alarm.id.clone())));
                    let asset = state
                        .park()
                        .and_then(|park| park.index_of(&alarm.definition.asset));
                    commands.extend(asset.map(Command::Select));
                }
            });
        });
    });
}

fn shelved(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let shelved = state.alarms.hidden(AlarmState::Shelved);
    if shelved.is_empty() {
        return;
    }
    ui.collapsing(
        format!("{} ({})", Word::Shelved.text(language), shelved.len()),
        |ui| {
            for alarm in shelved.into_iter().take(MOST_ROWS) {
                ui.horizontal_wrapped(|ui| {
                    ui.label(language.of(&alarm.definition.name));
                    let until = state.park().zip(alarm.status.shelved_until_ms);
                    let time = until.map_or("–".into(), |(park, until_ms)| {
                        format::moment(&park.time_zone, until_ms)
                    });
                    let parts = [
                        ("time", time.as_str()),
                        ("actor", alarm.status.actor.as_str()),
                        ("reason", alarm.status.reason.as_str()),
                    ];
                    ui.weak(Word::ShelvedUntil.with(language, &parts));
                    let unshelve = egui::Button::new(Word::Unshelve.text(language));
                    if ui.add_enabled(state.allows_commands(), unshelve).clicked() {
                        commands.push(Command::Propose(ParkCommand::Unshelve {
                            alarm: alarm.id.clone(),
                        }));
                        commands.push(Command::Confirm);
                    }
                });
            }
        },
    );
}
