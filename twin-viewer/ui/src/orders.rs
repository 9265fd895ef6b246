//! Commands to the park, in two steps: what is asked for is said in full before it is sent, and what became of it is shown.

use egui::{Button, DragValue, Frame, Margin, RichText, Stroke, Ui};
use terrarium_model::AssetKind;
use terrarium_view_model::{
    Ask, AssetIndex, Command, Outcome, ParkCommand, ViewState, Word, format,
};

use crate::layout::Drafts;
use crate::theme::{FIELD, INK};

const MOST_SHOWN: usize = 5;
/// What WaterService takes for one irrigation, of which a person gives at most this by hand. Assumed.
const MOST_IRRIGATION_L: i64 = 100_000;

/// What can be asked of the selected asset.
pub(crate) fn offer(
    ui: &mut Ui,
    state: &ViewState,
    asset: AssetIndex,
    drafts: &mut Drafts,
    commands: &mut Vec<Command>,
) {
    let Some(view) = state.park().map(|park| park.asset(asset)) else {
        return;
    };
    let language = state.language;
    if !state.audience.may_command() {
        return;
    }
    let allowed = state.allows_commands();
    match view.kind {
        AssetKind::IrrigationZone => {
            ui.strong(Word::Commands.text(language));
            ui.horizontal(|ui| {
                let field = DragValue::new(&mut drafts.irrigate_l)
                    .range(1..=MOST_IRRIGATION_L)
                    .suffix(" L");
                ui.add_enabled(allowed, field);
                let start = Button::new(Word::StartIrrigation.text(language));
                if ui.add_enabled(allowed, start).clicked() {
                    commands.push(Command::Propose(ParkCommand::StartIrrigation {
                        zone: view.id.clone(),
                        litres: drafts.irrigate_l,
                    }));
                }
            });
        }
        AssetKind::Charger => {
            ui.strong(Word::Commands.text(language));
            ask_state(ui, state, asset);
            let most_kw = view.rated_w.unwrap_or(0) as f64 / 1_000.0;
            ui.horizontal(|ui| {
                let field = DragValue::new(&mut drafts.limit_kw)
                    .range(-most_kw..=most_kw)
                    .speed(0.1)
                    .suffix(" kW");
                ui.add_enabled(allowed, field);
                let limit = Button::new(Word::LimitCharging.text(language));
                if ui.add_enabled(allowed, limit).clicked() {
                    commands.push(Command::Propose(ParkCommand::LimitCharging {
                        charger: view.id.clone(),
                        limit_w: (drafts.limit_kw * 1_000.0).round() as i64,
                    }));
                }
            });
        }
        _ => return,
    }
    if !allowed {
        ui.weak(locked(state).text(language));
    }
}

/// Why no commands can be given.
pub(crate) fn locked(state: &ViewState) -> Word {
    if state.timeline.allows_commands() {
        Word::NotConnectedCommands
    } else {
        Word::CommandsLocked
    }
}

/// Asked, obeyed or missed, as the record has it.
fn ask_state(ui: &mut Ui, state: &ViewState, asset: AssetIndex) {
    let Some(asset) = state.state_of(asset) else {
        return;
    };
    let (word, limit_w) = match asset.ask {
        Ask::None => return,
        Ask::Asked { limit_w } => (Word::Asked, limit_w),
        Ask::Obeyed { limit_w } => (Word::Obeyed, limit_w),
        Ask::Missed { limit_w } => (Word::Missed, limit_w),
    };
    let value = format::watts(limit_w as f64);
    let text = RichText::new(word.with(state.language, &[("value", &value)]));
    ui.label(if matches!(asset.ask, Ask::Missed { .. }) {
        text.strong()
    } else {
        text
    });
}

/// The confirmation that is waited for, and the last commands with their outcome.
pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    if let Some(proposed) = &state.proposed {
        Frame::new()
            .fill(FIELD)
            .stroke(Stroke::new(2.0, INK))
            .inner_margin(Margin::same(8))
            .show(ui, |ui| {
                let what = in_words(state, proposed);
                ui.strong(Word::Confirm.with(language, &[("what", &what)]));
                ui.horizontal(|ui| {
                    if ui.button(Word::Send.text(language)).clicked() {
                        commands.push(Command::Confirm);
                    }
                    if ui.button(Word::Cancel.text(language)).clicked() {
                        commands.push(Command::Dismiss);
                    }
                });
            });
    }
    for sent in state.sent.iter().rev().take(MOST_SHOWN) {
        let what = in_words(state, &sent.command);
        let text = match &sent.outcome {
            None => Word::CommandSent.with(language, &[("what", &what)]),
            Some(Outcome::Recorded { .. }) => Word::CommandDone.with(language, &[("what", &what)]),
            Some(Outcome::Refused { reason }) => {
                let parts = [("what", what.as_str()), ("reason", reason.as_str())];
                Word::CommandFailed.with(language, &parts)
            }
        };
        let is_refused = matches!(sent.outcome, Some(Outcome::Refused { .. }));
        let text = RichText::new(text).small();
        ui.label(if is_refused { text.strong() } else { text });
    }
}

/// A command as a sentence.
pub(crate) fn in_words(state: &ViewState, command: &ParkCommand) -> String {
    let language = state.language;
    let asset_name = |id: &str| {
        let park = state.park();
        let asset = park.and_then(|park| park.index_of(id).map(|asset| park.asset(asset)));
        asset.map_or_else(|| id.to_owned(), |asset| asset.name_in(language).to_owned())
    };
    let alarm_name = |id: &str| match state.alarms.get(id) {
        Some(alarm) => language.of(&alarm.definition.name).to_owned(),
        None => id.to_owned(),
    };
    match command {
        ParkCommand::Acknowledge { alarm, .. } => {
            Word::AcknowledgeAlarm.with(language, &[("alarm", &alarm_name(alarm))])
        }
        ParkCommand::Shelve {
            alarm, until_ms, ..
        } => {
            let park = state.park();
            let time = park.map_or_else(String::new, |park| {
                format::moment(&park.time_zone, *until_ms)
            });
            let alarm = alarm_name(alarm);
            let parts = [("alarm", alarm.as_str()), ("time", time.as_str())];
            Word::ShelveAlarm.with(language, &parts)
        }
        ParkCommand::Unshelve { alarm } => {
            Word::UnshelveAlarm.with(language, &[("alarm", &alarm_name(alarm))])
        }
        ParkCommand::StartIrrigation { zone, litres } => {
            let (zone, value) = (asset_name(zone), format::litres(*litres));
            let parts = [("zone", zone.as_str()), ("value", value.as_str())];
            Word::IrrigateLitres.with(language, &parts)
        }
        ParkCommand::LimitCharging { charger, limit_w } => {
            let (charger, value) = (asset_name(charger), format::watts(*limit_w as f64));
            let parts = [("charger", charger.as_str()), ("value", value.as_str())];
            Word::LimitChargerTo.with(language, &parts)
        }
    }
}
