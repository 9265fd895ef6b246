//! The carbon ledger: its balance by book and scope, how far the park is from zero, and the way from a kilogram through entry
//! and explanation down to its events. Avoided emissions stand apart and are never subtracted.

use egui::{
    ComboBox, CornerRadius, Grid, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, WidgetType,
    vec2,
};
use terrarium_view_model::{
    CarbonLine, Command, Contribution, EntryList, EventMark, Explanation, Language, LedgerBook,
    LedgerEntry, LedgerPeriod, ParkView, Quality, ViewState, VisitorFigures, Word, format,
};

use crate::shapes::quality_mark;
use crate::theme::{FAINT_INK, INK, LINE, quality_ink};
use crate::{banner, claims_panel};

/// Rows of entries that are seen at once.
const ENTRY_ROWS: f32 = 9.0;

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal(|ui| {
        ui.heading(Word::CarbonLedger.text(language));
        period_chooser(ui, state, commands);
    });
    let carbon = &state.carbon;
    banner::show_failure(ui, state, "carbon");
    let Some(position) = carbon.position else {
        ui.weak(Word::NoLedger.text(language));
        ui.separator();
        return;
    };
    ui.small(RichText::new(period_text(state)).color(FAINT_INK));
    mark_other_moment(ui, state);
    progress(ui, state);
    figures(ui, language, &carbon.total);
    let position = position.to_string();
    ui.small(Word::VerifiedTo.with(language, &[("position", &position)]));
    // One step of the way at a time, each in the place of the one before it, which closing brings back.
    match (state.park(), &state.trail.entry, &state.trail.asked) {
        (Some(park), Some(_), _) => explanation(ui, state, park, commands),
        (Some(park), None, Some(_)) => entries(ui, state, park, commands),
        _ => {
            claims_panel::show(ui, state, commands);
            by_asset(ui, state, commands);
        }
    }
    ui.separator();
}

fn period_text(state: &ViewState) -> String {
    let [from, to] = [&state.carbon.from, &state.carbon.to].map(|moment| short(moment));
    let parts = [("from", from.as_str()), ("to", to.as_str())];
    Word::Period.with(state.language, &parts)
}

/// The figures stand as they are until those of the moment shown have come; until then they are marked. Whether they are.
fn mark_other_moment(ui: &mut Ui, state: &ViewState) -> bool {
    if state.is_balance_of_moment() {
        return false;
    }
    ui.horizontal_wrapped(|ui| {
        let label = Word::of_quality(Quality::Stale).text(state.language);
        quality_mark(ui, Some(Quality::Stale), label);
        let text = RichText::new(label).color(quality_ink(Some(Quality::Stale)));
        ui.label(text.strong());
    });
    true
}

/// The figures of an asset, and of which period they are where it is not that of the moment shown.
pub(crate) fn of_asset(ui: &mut Ui, state: &ViewState, line: &CarbonLine) {
    if mark_other_moment(ui, state) {
        ui.small(period_text(state));
    }
    figures(ui, state.language, line);
}

fn period_chooser(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ComboBox::from_id_salt("ledger-period")
        .selected_text(state.trail.period.title().text(language))
        .show_ui(ui, |ui| {
            for period in LedgerPeriod::ALL {
                let is_chosen = period == state.trail.period;
                let title = period.title().text(language);
                if ui.selectable_label(is_chosen, title).clicked() {
                    commands.push(Command::SetLedgerPeriod(period));
                }
            }
        });
}

/// `2026-05-01 14:00` of RFC 3339 in the park's zone.
pub(crate) fn short(moment: &str) -> String {
    let minutes = moment.get(.."2026-05-01T14:00".len()).unwrap_or(moment);
    minutes.replacen('T', " ", 1)
}

/// How much of the consumption is covered hour by hour, and what is left to avoid. What trees hold stands beside it.
fn progress(ui: &mut Ui, state: &ViewState) {
    let language = state.language;
    let total = &state.carbon.total;
    if let Some(ppm) = total.matched_ppm {
        let share = format::ppm(ppm);
        let text = Word::LedgerProgress.with(language, &[("share", &share)]);
        bar(ui, ppm as f32 / 1e6, &text);
        ui.label(text);
    }
    let mass = format::co2(total.scope2_location_mg);
    ui.strong(Word::LedgerToGo.with(language, &[("mass", &mass)]));
    if let Some(held_g) = VisitorFigures::of(state).trees_co2_g {
        let mass = format::co2(held_g.saturating_mul(1_000));
        ui.small(Word::LedgerTrees.with(language, &[("mass", &mass)]));
    }
}

/// A bar from nothing to all.
pub(crate) fn bar(ui: &mut Ui, share: f32, label: &str) {
    let size = vec2(ui.available_width().min(360.0), 12.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, label));
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::ZERO, LINE);
    let width = rect.width() * share.clamp(0.0, 1.0);
    let filled = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    painter.rect_filled(filled, CornerRadius::ZERO, FAINT_INK);
    painter.vline(rect.right(), rect.y_range(), (2.0, INK));
}

/// The figures of one line.
fn figures(ui: &mut Ui, language: Language, line: &CarbonLine) {
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

/// The assets that the ledger balances, the greatest emission first; each kilogram leads to its entries.
fn by_asset(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let Some(park) = state.park() else {
        return;
    };
    let mut lines: Vec<_> = state.carbon.by_asset.iter().collect();
    lines.sort_by_key(|(asset, line)| (std::cmp::Reverse(line.scope2_location_mg), *asset));
    ui.strong(Word::ByAsset.text(language));
    Grid::new("ledger-by-asset")
        .num_columns(4)
        .striped(true)
        .show(ui, |ui| {
            for (id, line) in lines {
                let asset = park.index_of(id);
                let name = asset.map_or(id.as_str(), |asset| park.asset(asset).name_in(language));
                let is_selected = asset.is_some_and(|asset| state.selection.contains(asset));
                if ui.selectable_label(is_selected, name).clicked()
                    && let Some(asset) = asset
                {
                    commands.push(Command::Select(asset));
                    commands.push(Command::FlyTo(asset));
                }
                for (book, text) in [
                    (LedgerBook::Emission, format::co2(line.scope2_location_mg)),
                    (LedgerBook::Avoided, format::co2(line.avoided_mg)),
                    (
                        LedgerBook::Energy,
                        format::watt_hours(line.consumption_wh as f64),
                    ),
                ] {
                    let wanted = Some((id.clone(), book));
                    let is_open = state.trail.asked == wanted;
                    let figure = ui.selectable_label(is_open, text);
                    let figure = figure.on_hover_text(book.title().text(language));
                    if figure.clicked() {
                        commands.push(Command::ListEntries(wanted.filter(|_| !is_open)));
                    }
                }
                ui.end_row();
            }
        });
}

/// The entries behind a figure, the newest first.
fn entries(ui: &mut Ui, state: &ViewState, park: &ParkView, commands: &mut Vec<Command>) {
    let language = state.language;
    let Some((asset, book)) = &state.trail.asked else {
        return;
    };
    let name = match park.index_of(asset) {
        Some(index) => park.asset(index).name_in(language),
        None => asset,
    };
    ui.separator();
    ui.horizontal_wrapped(|ui| {
        ui.strong(Word::Entries.with(language, &[("asset", name)]));
        ui.weak(book.title().text(language));
        if ui.small_button(Word::Back.text(language)).clicked() {
            commands.push(Command::ListEntries(None));
        }
    });
    let Some(list) = &state.trail.list else {
        banner::show_waiting(ui, state, "entries");
        return;
    };
    let [from, to] = [list.from_ms, list.to_ms].map(|ms| format::moment(&park.time_zone, ms));
    let parts = [("from", from.as_str()), ("to", to.as_str())];
    ui.small(RichText::new(Word::Period.with(language, &parts)).color(FAINT_INK));
    if list.entries.is_empty() {
        ui.weak(Word::NoEntries.text(language));
    }
    if list.is_cut_short {
        let count = list.entries.len().to_string();
        ui.small(Word::EntriesCutShort.with(language, &[("count", &count)]));
    }
    rows(ui, state, list, commands);
}

fn rows(ui: &mut Ui, state: &ViewState, list: &EntryList, commands: &mut Vec<Command>) {
    let row_height = ui.spacing().interact_size.y;
    let count = list.entries.len();
    ScrollArea::vertical()
        .id_salt("ledger-entries")
        .max_height(row_height * ENTRY_ROWS)
        .show_rows(ui, row_height, count, |ui, range| {
            for row in range {
                let entry = &list.entries[count - 1 - row];
                let is_open = state.trail.entry.as_deref() == Some(&entry.id);
                let text = entry_text(entry, list.book, state.language);
                let line = ui.selectable_label(is_open, text).on_hover_text(&entry.id);
                if line.clicked() {
                    commands.push(Command::Explain((!is_open).then(|| entry.id.clone())));
                }
            }
        });
}

/// An entry in a line: when, how much, of what.
pub(crate) fn entry_text(entry: &LedgerEntry, book: LedgerBook, language: Language) -> String {
    let start = short(&entry.interval_start);
    let energy = format::watt_hours(entry.energy_wh as f64);
    match book {
        LedgerBook::Energy => {
            let account = entry
                .account
                .map_or("–", |account| account.title().text(language));
            format!("{start}  {energy}  {account}")
        }
        LedgerBook::Emission | LedgerBook::Avoided => {
            format!("{start}  {}  ({energy})", format::co2(entry.mass_mg))
        }
    }
}

/// Where an entry comes from, down to its events.
fn explanation(ui: &mut Ui, state: &ViewState, park: &ParkView, commands: &mut Vec<Command>) {
    let language = state.language;
    let Some(id) = &state.trail.entry else {
        return;
    };
    ui.separator();
    ui.horizontal_wrapped(|ui| {
        ui.strong(Word::Explain.text(language));
        if ui.small_button(Word::Back.text(language)).clicked() {
            commands.push(Command::Explain(None));
        }
    });
    ui.small(RichText::new(id).color(FAINT_INK));
    let Some(explanation) = &state.trail.explanation else {
        banner::show_waiting(ui, state, "explanation");
        return;
    };
    result(ui, explanation, language);
    factor(ui, explanation, language);
    let titled = |ui: &mut Ui, word: Word, text: &str| {
        ui.horizontal_wrapped(|ui| {
            ui.small(RichText::new(word.text(language)).strong());
            ui.small(text);
        });
    };
    titled(ui, Word::ExplainActivity, &explanation.activity_formula);
    for (account, energy_wh) in &explanation.inputs {
        let name = account.map_or("–", |account| account.title().text(language));
        let energy = format::watt_hours(*energy_wh as f64);
        ui.small(format!("{name} {energy}"));
    }
    for contribution in &explanation.contributions {
        reading(ui, state, park, contribution, commands);
    }
}

fn result(ui: &mut Ui, explanation: &Explanation, language: Language) {
    let entry = &explanation.entry;
    let energy = format::watt_hours(entry.energy_wh as f64);
    ui.horizontal_wrapped(|ui| {
        ui.small(RichText::new(Word::ExplainResult.text(language)).strong());
        match entry.account {
            Some(account) => ui.strong(format!("{} {energy}", account.title().text(language))),
            None => ui.strong(format!("{}  ({energy})", format::co2(entry.mass_mg))),
        };
        ui.small(&entry.method);
    });
    if !explanation.result_formula.is_empty() {
        ui.small(&explanation.result_formula);
    }
    if !explanation.exact_denominator.is_empty() {
        let parts = [
            ("numerator", explanation.exact_numerator.as_str()),
            ("denominator", explanation.exact_denominator.as_str()),
            ("rounding", explanation.rounding.as_str()),
        ];
        ui.small(Word::ExplainExact.with(language, &parts));
    }
}

fn factor(ui: &mut Ui, explanation: &Explanation, language: Language) {
    let Some(factor) = &explanation.entry.factor else {
        return;
    };
    let row = factor.row.to_string();
    let parts = [
        ("value", factor.value.as_str()),
        ("unit", factor.unit.as_str()),
        ("set", factor.set.as_str()),
        ("version", factor.version.as_str()),
        ("row", row.as_str()),
        ("publisher", factor.publisher.as_str()),
    ];
    ui.horizontal_wrapped(|ui| {
        ui.small(RichText::new(Word::ExplainFactor.text(language)).strong());
        ui.small(Word::ExplainFactorRow.with(language, &parts));
    });
    let parts = [
        ("from", factor.valid_from.as_str()),
        ("to", factor.valid_to.as_str()),
    ];
    ui.small(Word::ExplainValid.with(language, &parts));
    if let Some(event) = &factor.event {
        // A factor set has no moment of the park: there is nothing to show.
        ui.small(event_text(event, language));
    }
}

/// A reading with its events: each leads to its moment and to the asset that its meter belongs to.
fn reading(
    ui: &mut Ui,
    state: &ViewState,
    park: &ParkView,
    contribution: &Contribution,
    commands: &mut Vec<Command>,
) {
    let language = state.language;
    let energy = format::watt_hours(contribution.energy_wh as f64);
    let revision = contribution.revision.to_string();
    let parts = [
        ("meter", contribution.meter.as_str()),
        ("energy", energy.as_str()),
        ("value", contribution.value.as_str()),
        ("unit", contribution.unit.as_str()),
        ("revision", revision.as_str()),
    ];
    ui.label(Word::ExplainReading.with(language, &parts));
    for event in &contribution.events {
        let is_sought = state.trail.sought_event == Some(event.position);
        let line = ui.selectable_label(is_sought, event_text(event, language));
        let parts = [
            ("time", event.recorded_time.as_str()),
            ("actor", event.actor.as_str()),
        ];
        let line = line.on_hover_text(format!(
            "{} · {} · {}#{} · {}",
            Word::JumpTo.text(language),
            Word::ExplainRecorded.with(language, &parts),
            event.stream,
            event.revision,
            event.id
        ));
        if line.clicked()
            && let Some(moment_ms) = contribution.end_ms()
        {
            commands.push(Command::JumpToEvent {
                moment_ms,
                position: event.position,
                asset: contribution.asset(park),
            });
        }
    }
}

fn event_text(event: &EventMark, language: Language) -> String {
    let kind = event.kind.rsplit('.').next().unwrap_or(&event.kind);
    let position = event.position.to_string();
    let parts = [("position", position.as_str()), ("kind", kind)];
    Word::ExplainEvent.with(language, &parts)
}
