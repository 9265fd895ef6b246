//! The carbon ledger's balance. Avoided emissions stand apart and are never subtracted.

use egui::{Grid, RichText, Ui};
use terrarium_view_model::{CarbonLine, Command, Language, ViewState, Word, format};

use crate::theme::FAINT_INK;

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.heading(Word::CarbonLedger.text(language));
    let carbon = &state.carbon;
    let Some(position) = carbon.position else {
        ui.weak(Word::NoLedger.text(language));
        ui.separator();
        return;
    };
    let parts = [("from", carbon.from.as_str()), ("to", carbon.to.as_str())];
    ui.small(RichText::new(Word::Period.with(language, &parts)).color(FAINT_INK));
    figures(ui, language, &carbon.total);
    by_asset(ui, state, commands);
    let position = position.to_string();
    ui.small(Word::VerifiedTo.with(language, &[("position", &position)]));
    ui.separator();
}

/// The figures of one line.
pub(crate) fn figures(ui: &mut Ui, language: Language, line: &CarbonLine) {
    let energy = |wh: i64| format::watt_hours(wh as f64);
    let mut rows = vec![
        (Word::Scope2, format::co2(line.scope2_location_mg)),
        (Word::Avoided, format::co2(line.avoided_mg)),
        (
            Word::MatchedShare,
            line.matched_ppm.map_or("–".into(), format::ppm),
        ),
        (Word::Consumption, energy(line.consumption_wh)),
        (Word::Generation, energy(line.generation_wh)),
        (Word::SelfUse, energy(line.self_use_wh)),
        (Word::GridImport, energy(line.import_wh)),
        (Word::GridExport, energy(line.export_wh)),
    ];
    if line.unexplained_wh != 0 {
        rows.push((Word::Unexplained, energy(line.unexplained_wh)));
    }
    ui.push_id(rows.len(), |ui| {
        Grid::new("carbon-figures")
            .num_columns(2)
            .striped(true)
            .show(ui, |ui| {
                for (word, text) in rows {
                    ui.label(word.text(language));
                    ui.strong(text);
                    ui.end_row();
                }
            });
    });
    let (have, of) = (
        line.hours_metered.to_string(),
        line.hours_expected.to_string(),
    );
    let parts = [("have", have.as_str()), ("of", of.as_str())];
    ui.small(Word::HoursCovered.with(language, &parts));
    if line.hours_without_factor > 0 {
        let count = line.hours_without_factor.to_string();
        ui.small(Word::HoursWithoutFactor.with(language, &[("count", &count)]));
    }
}

/// From a kilogram to the place: the assets that the ledger balances, the greatest emission first.
fn by_asset(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let Some(park) = state.park() else {
        return;
    };
    let mut lines: Vec<_> = state.carbon.by_asset.iter().collect();
    lines.sort_by_key(|(asset, line)| (std::cmp::Reverse(line.scope2_location_mg), *asset));
    for (id, line) in lines {
        let Some(asset) = park.index_of(id) else {
            continue;
        };
        let name = park.asset(asset).name_in(language);
        let text = format!("{name} · {}", format::co2(line.scope2_location_mg));
        let is_selected = state.selection.contains(asset);
        if ui.selectable_label(is_selected, text).clicked() {
            commands.push(Command::Select(asset));
            commands.push(Command::FlyTo(asset));
        }
    }
}
