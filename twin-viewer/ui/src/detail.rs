//! What is known of the selected asset: now, its course, its events, its alarms, what it is connected to, its carbon.

use egui::{Grid, RichText, Ui};
use terrarium_view_model::{
    AssetIndex, AssetView, Command, ParkView, PointSlot, Quantity, ViewState, Word, format,
};

use crate::layout::Drafts;
use crate::shapes::{alarm_mark, quality_mark};
use crate::theme::{FAINT_INK, quality_ink};
use crate::{banner, ledger_panel, orders, trend};

const MOST_EVENTS: usize = 30;

pub(crate) fn show(
    ui: &mut Ui,
    state: &ViewState,
    drafts: &mut Drafts,
    commands: &mut Vec<Command>,
) {
    let language = state.language;
    let Some(park) = state.park() else {
        return;
    };
    let Some(asset) = state.selection.single() else {
        many(ui, state, commands);
        return;
    };
    let view = park.asset(asset);
    ui.horizontal_wrapped(|ui| {
        ui.heading(view.name_in(language));
        if ui.small_button(Word::FlyTo.text(language)).clicked() {
            commands.push(Command::FlyTo(asset));
        }
        if ui.small_button(Word::Back.text(language)).clicked() {
            commands.push(Command::SelectionBack);
        }
    });
    facts(ui, state, park, view);
    orders::offer(ui, state, asset, drafts, commands);
    now(ui, state, asset);
    trend::show(ui, state);
    alarms(ui, state, view, commands);
    events(ui, state, park, commands);
    relations(ui, state, park, asset, commands);
    carbon(ui, state, view);
}

/// Nothing or several are selected.
fn many(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let count = state.selection.all().len();
    if count == 0 {
        ui.weak(Word::NothingSelected.text(language));
        return;
    }
    let shown = count.to_string();
    ui.heading(Word::SelectedCount.with(language, &[("count", &shown)]));
    let (power_w, coverage) = state.selected_power();
    let (have, of) = (coverage.have.to_string(), coverage.of.to_string());
    let parts = [("have", have.as_str()), ("of", of.as_str())];
    ui.label(format!(
        "{} ({})",
        format::watts(power_w as f64),
        Word::CoverageMeters.with(language, &parts)
    ));
    if ui.small_button(Word::Back.text(language)).clicked() {
        commands.push(Command::SelectionBack);
    }
}

fn facts(ui: &mut Ui, state: &ViewState, park: &ParkView, view: &AssetView) {
    let language = state.language;
    let mut line = |word: Word, text: &str| {
        ui.horizontal_wrapped(|ui| {
            ui.small(RichText::new(word.text(language)).color(FAINT_INK));
            ui.small(text);
        });
    };
    line(Word::Kind, Word::of_kind(view.kind).text(language));
    line(Word::Zone, language.of(&park.zones[view.zone].name));
    if let Some(rated_w) = view.rated_w {
        line(Word::RatedPower, &format::watts(rated_w as f64));
    }
    if !view.meters.is_empty() {
        line(Word::Meters, &view.meters.join(", "));
    }
}

/// Every point of the asset with its age and quality.
fn now(ui: &mut Ui, state: &ViewState, asset: AssetIndex) {
    let language = state.language;
    let Some((park, table)) = state.park().zip(state.table()) else {
        return;
    };
    let title = if state.timeline.is_live() {
        Word::Now.text(language).to_owned()
    } else {
        let time = format::moment(&park.time_zone, state.timeline.shown_ms());
        Word::AtMoment.with(language, &[("time", &time)])
    };
    ui.strong(title);
    let shown = state.shown();
    Grid::new("points")
        .num_columns(3)
        .striped(true)
        .show(ui, |ui| {
            for slot in table.points_of(asset).filter(|slot| is_told(slot)) {
                let Some(reading) = table.reading(slot, shown) else {
                    continue;
                };
                let quality = terrarium_view_model::quality_in_range(
                    park.asset(asset),
                    slot.name.quantity,
                    reading,
                );
                ui.label(Word::of_quantity(slot.name.quantity).text(language))
                    .on_hover_text(&slot.name.source);
                let text = format::value_text(slot.name.quantity, reading.value, language);
                ui.label(RichText::new(text).color(quality_ink(Some(quality))));
                ui.horizontal(|ui| {
                    let label = Word::of_quality(quality).text(language);
                    quality_mark(ui, Some(quality), label);
                    let age_ms = shown.moment_ms - reading.time_ms;
                    let time = format::duration(age_ms, language);
                    let age = Word::Age.with(language, &[("time", &time)]);
                    ui.small(RichText::new(age).color(FAINT_INK));
                });
                ui.end_row();
            }
        });
}

fn is_told(slot: &PointSlot) -> bool {
    slot.name.quantity != Quantity::AlarmState
}

fn alarms(ui: &mut Ui, state: &ViewState, view: &AssetView, commands: &mut Vec<Command>) {
    let language = state.language;
    let alarms = state.alarms_of(&view.id);
    if alarms.is_empty() {
        return;
    }
    ui.strong(Word::Alarms.text(language));
    for alarm in alarms {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(14.0, 14.0), egui::Sense::hover());
            if alarm.status.state.is_listed() {
                let is_new = alarm.status.state.is_unacknowledged();
                let priority = alarm.definition.priority;
                alarm_mark(ui.painter(), rect.center(), 11.0, priority, is_new);
            }
            let name = language.of(&alarm.definition.name);
            if ui.selectable_label(false, name).clicked() {
                commands.push(Command::OpenAlarm(Some(alarm.id.clone())));
            }
            ui.weak(Word::of_alarm_state(alarm.status.state).text(language));
        });
    }
}

fn events(ui: &mut Ui, state: &ViewState, park: &ParkView, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.strong(Word::Events.text(language));
    banner::show_failure(ui, state, "events");
    if state.events.is_empty() {
        ui.weak(Word::NoEvents.text(language));
    }
    for event in state.events.iter().rev().take(MOST_EVENTS) {
        // "terrarium.energy.v1.IntervalMeteredV1" is IntervalMeteredV1 of energy.
        let kind = event.kind.rsplit('.').next().unwrap_or(&event.kind);
        let time = format::moment(&park.time_zone, event.time_ms);
        let text = RichText::new(format!("{time}  {kind}")).small();
        let is_sought = state.trail.sought_event == Some(event.position);
        let row = ui.selectable_label(is_sought, text);
        let row = row.on_hover_text(format!(
            "{} · {} · {}",
            Word::JumpTo.text(language),
            event.position,
            event.id
        ));
        if row.clicked() {
            commands.push(Command::SeekExact {
                moment_ms: event.time_ms,
            });
        }
    }
}

fn relations(
    ui: &mut Ui,
    state: &ViewState,
    park: &ParkView,
    asset: AssetIndex,
    commands: &mut Vec<Command>,
) {
    let language = state.language;
    let mut neighbours = park.neighbours(asset).peekable();
    if neighbours.peek().is_none() {
        return;
    }
    ui.strong(Word::Relations.text(language));
    for (kind, other, leads_here) in neighbours {
        ui.horizontal(|ui| {
            let arrow = if leads_here { "←" } else { "→" };
            ui.small(format!(
                "{arrow} {}",
                Word::of_connection(kind).text(language)
            ));
            match other {
                None => {
                    ui.label(Word::PublicGrid.text(language));
                }
                Some(other) => {
                    let name = park.asset(other).name_in(language);
                    if ui.selectable_label(false, name).clicked() {
                        commands.push(Command::Select(other));
                    }
                }
            }
        });
    }
}

fn carbon(ui: &mut Ui, state: &ViewState, view: &AssetView) {
    let Some(line) = state.carbon.of(&view.id) else {
        return;
    };
    ui.strong(Word::Carbon.text(state.language));
    if !state.shows_carbon {
        banner::show_failure(ui, state, "carbon");
    }
    ledger_panel::of_asset(ui, state, line);
}
