//! Claims over the books: figures, the netting list, what it comes to, and the way from a figure down to its entries and its
//! place in the park.

use egui::{ComboBox, Grid, RichText, Ui};
use terrarium_view_model::{
    ClaimName, Command, FigureSource, Language, NettingLine, ParkView, Statement, StatementLine,
    StatementPosting, ViewState, Word, figure_text,
};

use crate::banner;
use crate::ledger_panel::short;
use crate::theme::FAINT_INK;

/// Postings of a figure that are listed.
const MOST_POSTINGS: usize = 24;
/// Points that a line is set in by.
const INDENT: f32 = 12.0;

pub(crate) fn show(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let claims = &state.claims;
    ui.horizontal_wrapped(|ui| {
        let title = Word::Claims.text(language);
        if ui.selectable_label(claims.shows, title).clicked() {
            commands.push(Command::ShowClaims(!claims.shows));
        }
        if claims.shows {
            chooser(ui, state, commands);
        }
    });
    if claims.shows {
        banner::show_failure(ui, state, "claims");
    }
    if !claims.shows || claims.asked.is_none() {
        return;
    }
    let Some(statement) = &claims.statement else {
        banner::show_waiting(ui, state, "claim");
        return;
    };
    head(ui, statement, language, commands);
    ui.strong(Word::ClaimFigures.text(language));
    for line in &statement.lines {
        let is_open = claims.line.as_deref() == Some(&line.id);
        figure(ui, line, is_open, language, commands);
        if is_open {
            sources(ui, state, statement, line, commands);
        }
    }
    netting(ui, &statement.netting, language);
    for note in &statement.notes {
        ui.small(note.of(language));
    }
}

fn chooser(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let asked = state.claims.asked.as_deref();
    let known = |claim: &str| {
        let mut names = state.claims.names.iter();
        names.find(|name| name.claim == claim).cloned()
    };
    let present = asked.map(|claim| known(claim).unwrap_or_else(|| unlisted(claim)));
    let text = match &present {
        Some(name) => name.title(language),
        None => Word::ClaimChoose.text(language),
    };
    let width = ui.available_width().clamp(120.0, 320.0);
    ComboBox::from_id_salt("claim")
        .selected_text(text)
        .width(width)
        .truncate()
        .show_ui(ui, |ui| {
            for name in &state.claims.names {
                let is_chosen = asked == Some(&name.claim);
                let label = ui.selectable_label(is_chosen, name.title(language));
                let label = if name.is_promise {
                    label.on_hover_text(Word::ClaimPromise.text(language))
                } else {
                    label
                };
                if label.clicked() {
                    commands.push(Command::MakeClaim(Some(name.claim.clone())));
                }
            }
        });
}

fn unlisted(claim: &str) -> ClaimName {
    ClaimName {
        claim: claim.to_owned(),
        is_promise: false,
    }
}

/// What is claimed after which standard, for when, and what it comes to.
fn head(ui: &mut Ui, statement: &Statement, language: Language, commands: &mut Vec<Command>) {
    wrapped(ui, RichText::new(statement.title.of(language)).strong());
    wrapped(
        ui,
        RichText::new(statement.standard.of(language))
            .small()
            .color(FAINT_INK),
    );
    let [from, to] = [&statement.from, &statement.to].map(|moment| short(moment));
    let parts = [("from", from.as_str()), ("to", to.as_str())];
    ui.small(RichText::new(Word::Period.with(language, &parts)).color(FAINT_INK));
    if statement.is_provisional {
        ui.small(Word::ClaimProvisional.text(language));
    }
    wrapped(ui, RichText::new(statement.verdict.of(language)).strong());
    let position = statement.position.to_string();
    ui.horizontal_wrapped(|ui| {
        ui.small(Word::ClaimPosition.with(language, &[("position", &position)]));
        ui.small(&statement.gwp);
        if ui.small_button(Word::ClaimAnew.text(language)).clicked() {
            let claim = Some(statement.claim.clone());
            commands.push(Command::MakeClaim(claim));
        }
    });
}

fn wrapped(ui: &mut Ui, text: RichText) {
    ui.add(egui::Label::new(text).wrap());
}

/// A line of the statement; a click shows where it comes from.
fn figure(
    ui: &mut Ui,
    line: &StatementLine,
    is_open: bool,
    language: Language,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.add_space(INDENT * line.depth as f32);
        let words = RichText::new(line.words.of(language));
        let words = if line.is_beside {
            words.italics()
        } else {
            words
        };
        ui.add(egui::Label::new(words.small()).wrap());
        let text = RichText::new(line.text());
        let text = if line.is_result { text.strong() } else { text };
        let answer = ui.selectable_label(is_open, text);
        if answer.on_hover_text(&line.id).clicked() {
            let open = (!is_open).then(|| line.id.clone());
            commands.push(Command::OpenFigure(open));
        }
    });
    if let Some(remark) = &line.remark {
        wrapped(
            ui,
            RichText::new(remark.of(language)).small().color(FAINT_INK),
        );
    }
}

/// Where a figure comes from: other figures, postings with their assets, decisions, standards.
fn sources(
    ui: &mut Ui,
    state: &ViewState,
    statement: &Statement,
    line: &StatementLine,
    commands: &mut Vec<Command>,
) {
    let language = state.language;
    ui.indent(("claim-sources", &line.id), |ui| {
        ui.small(RichText::new(Word::ClaimSources.text(language)).strong());
        if line.sources.is_empty() {
            wrapped(
                ui,
                RichText::new(Word::ClaimNoSources.text(language)).small(),
            );
        }
        let mut listed = 0;
        for source in &line.sources {
            match source {
                FigureSource::Line(id) => {
                    let Some(other) = statement.line(id) else {
                        continue;
                    };
                    let text = format!("{}  {}", other.words.of(language), other.text());
                    if ui.selectable_label(false, text).clicked() {
                        commands.push(Command::OpenFigure(Some(id.clone())));
                    }
                }
                FigureSource::Posting(place) => {
                    listed += 1;
                    if listed <= MOST_POSTINGS
                        && let Some((posting, park)) =
                            statement.postings.get(*place).zip(state.park())
                    {
                        self::posting(ui, park, posting, language, commands);
                    }
                }
                FigureSource::Account(account) => {
                    ui.small(account.title().text(language));
                }
                FigureSource::Decision(position) => {
                    let position = position.to_string();
                    ui.small(Word::ClaimDecision.with(language, &[("position", &position)]));
                }
                FigureSource::Told(text) => {
                    wrapped(ui, RichText::new(text).small());
                }
            }
        }
        if listed > MOST_POSTINGS {
            let count = (listed - MOST_POSTINGS).to_string();
            ui.small(Word::ClaimMorePostings.with(language, &[("count", &count)]));
        }
    });
}

/// A posting leads to its place in the park and, where the ledger has entries of it, on to their events.
fn posting(
    ui: &mut Ui,
    park: &ParkView,
    posting: &StatementPosting,
    language: Language,
    commands: &mut Vec<Command>,
) {
    let asset = park.index_of(&posting.asset);
    let name = match asset {
        Some(asset) => park.asset(asset).name_in(language),
        None => &posting.asset,
    };
    let mass = figure_text(posting.co2e_mg, "mgCO2e");
    let start = short(&posting.interval_start);
    let text = format!("{start}  {name}  {}  {mass}", posting.activity);
    ui.horizontal_wrapped(|ui| {
        let label = ui.selectable_label(false, RichText::new(text).small());
        let label = label.on_hover_text(&posting.method);
        if label.clicked()
            && let Some(asset) = asset
        {
            commands.push(Command::Select(asset));
            commands.push(Command::FlyTo(asset));
        }
        if let Some(book) = posting.entries()
            && ui
                .small_button(Word::ClaimOpenEntries.text(language))
                .clicked()
        {
            commands.push(Command::ListEntries(Some((posting.asset.clone(), book))));
        }
    });
}

/// What becomes of every flow, and why.
fn netting(ui: &mut Ui, lines: &[NettingLine], language: Language) {
    if lines.is_empty() {
        return;
    }
    ui.strong(Word::ClaimNetting.text(language));
    // A third of the room for each text, so that both wrap within it.
    let width = (ui.available_width() - 30.0).max(180.0);
    let text = |ui: &mut Ui, share: f32, text: RichText| {
        ui.allocate_ui(egui::vec2(width * share, 0.0), |ui| {
            ui.set_max_width(width * share);
            ui.add(egui::Label::new(text.small()).wrap());
        });
    };
    Grid::new("claim-netting")
        .num_columns(3)
        .striped(true)
        .show(ui, |ui| {
            for line in lines {
                text(ui, 0.32, RichText::new(line.flow.of(language)));
                let treatment = line
                    .treatment
                    .map_or("–", |treatment| treatment.title().text(language));
                let amount = line
                    .amount
                    .map_or_else(|| "–".to_owned(), |amount| figure_text(amount, &line.unit));
                text(ui, 0.28, RichText::new(format!("{treatment}\n{amount}")));
                text(
                    ui,
                    0.4,
                    RichText::new(line.why.of(language)).color(FAINT_INK),
                );
                ui.end_row();
            }
        });
}
