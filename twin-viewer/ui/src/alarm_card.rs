//! The card of one alarm: what it means, what to do, how long there is, and the fifteen minutes before it.

use egui::{Button, DragValue, Grid, RichText, TextEdit, Ui};
use terrarium_view_model::{
    Alarm, AlarmState, Command, ParkCommand, Quantity, ViewState, Word, format,
};

use crate::layout::Drafts;
use crate::orders::locked;

const BEFORE_MS: i64 = 15 * 60_000;
const MINUTE_MS: i64 = 60_000;
/// What AlarmService takes: 1 minute to 24 hours.
const SHELVE_MINUTES: std::ops::RangeInclusive<i64> = 1..=1_440;

pub(crate) fn show(
    ui: &mut Ui,
    state: &ViewState,
    drafts: &mut Drafts,
    commands: &mut Vec<Command>,
) {
    let open = state.open_alarm.as_ref();
    let Some(alarm) = open.and_then(|alarm| state.alarms.get(alarm)) else {
        return;
    };
    let language = state.language;
    ui.separator();
    ui.horizontal_wrapped(|ui| {
        ui.strong(language.of(&alarm.definition.name));
        ui.weak(Word::of_alarm_state(alarm.status.state).text(language));
        ui.weak(Word::of_priority(alarm.definition.priority).text(language));
    });
    facts(ui, state, alarm);
    let meaning = [
        (Word::Cause, &alarm.definition.cause),
        (Word::Consequence, &alarm.definition.consequence),
        (Word::Action, &alarm.definition.action),
    ];
    Grid::new("alarm-meaning").num_columns(1).show(ui, |ui| {
        for (word, text) in meaning {
            ui.vertical(|ui| {
                ui.small(RichText::new(word.text(language)).strong());
                ui.label(language.of(text));
            });
            ui.end_row();
        }
    });
    buttons(ui, state, alarm, commands);
    if !state.audience.may_command() {
        return;
    }
    if state.allows_commands() {
        shelve(ui, state, alarm, drafts, commands);
    } else {
        ui.weak(locked(state).text(language));
    }
}

fn facts(ui: &mut Ui, state: &ViewState, alarm: &Alarm) {
    let language = state.language;
    if let Some((park, raised_ms)) = state.park().zip(alarm.status.raised_ms) {
        let time = format::moment(&park.time_zone, raised_ms);
        ui.label(Word::RaisedAt.with(language, &[("time", &time)]));
    }
    let in_words = |value: i64| match alarm.definition.quantity {
        Some(quantity) if quantity != Quantity::AlarmState => {
            format::value_text(quantity, value, language)
        }
        _ => format::whole(value),
    };
    if let Some((value, limit)) = alarm.status.value.zip(alarm.status.limit) {
        let (value, limit) = (in_words(value), in_words(limit));
        let parts = [("value", value.as_str()), ("limit", limit.as_str())];
        ui.label(Word::ValueAndLimit.with(language, &parts));
    }
    // The clock of now, also in replay: an alarm presses now.
    if let Some(left_ms) = alarm.time_left_ms(state.timeline.now_ms()) {
        let word = if left_ms >= 0 {
            Word::TimeLeft
        } else {
            Word::TimeOver
        };
        let time = format::duration(left_ms, language);
        ui.strong(word.with(language, &[("time", &time)]));
    }
}

fn buttons(ui: &mut Ui, state: &ViewState, alarm: &Alarm, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal_wrapped(|ui| {
        let may_acknowledge = state.allows_commands() && alarm.status.state.is_unacknowledged();
        let acknowledge = Button::new(Word::Acknowledge.text(language));
        if ui.add_enabled(may_acknowledge, acknowledge).clicked() {
            // One step: it changes nothing in the park, and the person has its card open.
            commands.push(Command::Propose(ParkCommand::Acknowledge {
                alarm: alarm.id.clone(),
                occurrence: alarm.status.occurrence.clone(),
            }));
            commands.push(Command::Confirm);
        }
        if let Some(raised_ms) = alarm.status.raised_ms
            && ui.button(Word::Before15.text(language)).clicked()
        {
            let from_ms = raised_ms - BEFORE_MS;
            commands.push(Command::SelectRange(Some((from_ms, raised_ms))));
            commands.push(Command::SeekExact { moment_ms: from_ms });
        }
        let asset = state
            .park()
            .and_then(|park| park.index_of(&alarm.definition.asset));
        if let Some(asset) = asset
            && ui.button(Word::FlyTo.text(language)).clicked()
        {
            commands.push(Command::Select(asset));
            commands.push(Command::FlyTo(asset));
        }
        if ui.button(Word::Close.text(language)).clicked() {
            commands.push(Command::OpenAlarm(None));
        }
    });
}

fn shelve(
    ui: &mut Ui,
    state: &ViewState,
    alarm: &Alarm,
    drafts: &mut Drafts,
    commands: &mut Vec<Command>,
) {
    if !matches!(
        alarm.status.state,
        AlarmState::Unacknowledged | AlarmState::Acknowledged | AlarmState::ReturnedUnacknowledged
    ) {
        return;
    }
    let language = state.language;
    ui.collapsing(Word::Shelve.text(language), |ui| {
        ui.add(
            TextEdit::singleline(&mut drafts.shelve_reason)
                .hint_text(Word::ReasonNeeded.text(language))
                .char_limit(500),
        );
        ui.horizontal(|ui| {
            ui.add(DragValue::new(&mut drafts.shelve_minutes).range(SHELVE_MINUTES));
            let length_ms = drafts.shelve_minutes * MINUTE_MS;
            let time = format::duration(length_ms, language);
            let text = Word::ShelveFor.with(language, &[("time", &time)]);
            let reason = drafts.shelve_reason.trim();
            if ui
                .add_enabled(!reason.is_empty(), Button::new(text))
                .clicked()
            {
                commands.push(Command::Propose(ParkCommand::Shelve {
                    alarm: alarm.id.clone(),
                    until_ms: state.timeline.now_ms() + length_ms,
                    reason: reason.to_owned(),
                }));
                commands.push(Command::Confirm);
                drafts.shelve_reason.clear();
            }
        });
    });
}
