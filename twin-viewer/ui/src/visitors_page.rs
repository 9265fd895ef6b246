//! The public display: progress, today's sun, water, waste and trees, in large. No alarms, no people, nothing to command.

use egui::{RichText, Ui};
use terrarium_view_model::{
    Command, Coverage, Language, ParkView, ViewState, VisitorFigures, Word, format,
};

use crate::ledger_panel;
use crate::theme::FAINT_INK;

const TITLE: f32 = 26.0;
const FIGURE: f32 = 30.0;
const TEXT: f32 = 16.0;

/// Title, clock and language.
pub(crate) fn title(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.horizontal(|ui| {
        if let Some(park) = state.park() {
            ui.label(RichText::new(language.of(&park.name)).size(TITLE).strong());
            let moment = format::moment(&park.time_zone, state.timeline.shown_ms());
            ui.label(RichText::new(moment).size(TEXT).color(FAINT_INK));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let other = language.other();
            let name = RichText::new(other.own_name()).size(TEXT);
            if ui.button(name).clicked() {
                commands.push(Command::SetLanguage(other));
            }
        });
    });
}

/// The figures.
pub(crate) fn show(ui: &mut Ui, state: &ViewState) {
    let Some(park) = state.park() else {
        return;
    };
    let figures = VisitorFigures::of(state);
    let page = Sheet {
        language: state.language,
        figures,
    };
    page.progress(ui);
    page.sun(ui, park);
    page.water(ui);
    page.waste(ui);
    page.trees(ui);
}

struct Sheet {
    language: Language,
    figures: VisitorFigures,
}

impl Sheet {
    fn heading(&self, ui: &mut Ui, word: Word) {
        ui.add_space(10.0);
        ui.label(
            RichText::new(word.text(self.language))
                .size(TEXT)
                .color(FAINT_INK),
        );
    }

    fn figure(&self, ui: &mut Ui, text: Option<String>) {
        match text {
            Some(text) => ui.label(RichText::new(text).size(FIGURE).strong()),
            None => ui.label(RichText::new(Word::VisitorsNoData.text(self.language)).size(TEXT)),
        };
    }

    fn line(&self, ui: &mut Ui, word: Word, name: &str, text: Option<String>) {
        if let Some(text) = text {
            let text = word.with(self.language, &[(name, &text)]);
            ui.label(RichText::new(text).size(TEXT));
        }
    }

    /// Where not every part of the park told something, how many did.
    fn coverage(&self, ui: &mut Ui, coverage: Coverage) {
        if coverage.is_whole() {
            return;
        }
        let (have, of) = (coverage.have.to_string(), coverage.of.to_string());
        let parts = [("have", have.as_str()), ("of", of.as_str())];
        let text = Word::CoverageMeters.with(self.language, &parts);
        ui.label(RichText::new(text).color(FAINT_INK));
    }

    fn progress(&self, ui: &mut Ui) {
        self.heading(ui, Word::VisitorsProgress);
        self.figure(ui, self.figures.matched_ppm.map(format::ppm));
        if let Some(ppm) = self.figures.matched_ppm {
            let text = Word::VisitorsMatched.text(self.language);
            ledger_panel::bar(ui, ppm as f32 / 1e6, text);
            ui.label(RichText::new(text).size(TEXT));
        }
        let mass = self.figures.emitted_mg.map(format::co2);
        self.line(ui, Word::VisitorsEmitted, "mass", mass);
    }

    fn sun(&self, ui: &mut Ui, park: &ParkView) {
        self.heading(ui, Word::VisitorsSun);
        let power = self
            .figures
            .generation_w
            .map(|power_w| format::watts(power_w as f64));
        self.figure(ui, power);
        self.coverage(ui, self.figures.generation);
        let energy = |wh: Option<i64>| wh.map(|wh| format::watt_hours(wh as f64));
        self.line(
            ui,
            Word::VisitorsGenerated,
            "value",
            energy(self.figures.generated_wh),
        );
        self.line(
            ui,
            Word::VisitorsConsumed,
            "value",
            energy(self.figures.consumed_wh),
        );
        if park.location.is_some() {
            match self.figures.sun_elevation_deg {
                Some(angle) if angle > 0.0 => {
                    self.line(
                        ui,
                        Word::VisitorsSunUp,
                        "angle",
                        Some(format!("{angle:.0}°")),
                    );
                }
                _ => {
                    let text = Word::VisitorsSunDown.text(self.language);
                    ui.label(RichText::new(text).size(TEXT));
                }
            }
        }
    }

    fn water(&self, ui: &mut Ui) {
        if self.figures.rain.of == 0 {
            return;
        }
        self.heading(ui, Word::VisitorsWater);
        self.figure(ui, self.figures.rain_l.map(format::litres));
        self.coverage(ui, self.figures.rain);
        if let Some(held_l) = self
            .figures
            .rain_l
            .filter(|_| self.figures.rain_capacity_l > 0)
        {
            let share = held_l as f32 / self.figures.rain_capacity_l as f32;
            let held = format::litres(held_l);
            let text = Word::VisitorsRainHeld.with(self.language, &[("value", &held)]);
            ledger_panel::bar(ui, share, &text);
        }
    }

    fn waste(&self, ui: &mut Ui) {
        if self.figures.bins.of == 0 {
            return;
        }
        self.heading(ui, Word::VisitorsWaste);
        let share = self
            .figures
            .bins_full
            .map(|full| format!("{:.0} %", full * 100.0));
        self.figure(ui, share.clone());
        self.coverage(ui, self.figures.bins);
        self.line(ui, Word::VisitorsBins, "share", share);
        let mass = self
            .figures
            .compost_g
            .map(|mass_g| format::grams(mass_g as f64));
        self.line(ui, Word::VisitorsCompost, "mass", mass);
    }

    fn trees(&self, ui: &mut Ui) {
        if self.figures.tree_groups.of == 0 {
            return;
        }
        self.heading(ui, Word::VisitorsTrees);
        self.figure(ui, self.figures.trees.map(format::whole));
        self.coverage(ui, self.figures.tree_groups);
        let count = self.figures.trees.map(format::whole);
        self.line(ui, Word::VisitorsTreesAlive, "count", count);
        let mass = self
            .figures
            .trees_co2_g
            .map(|held_g| format::co2(held_g.saturating_mul(1_000)));
        self.line(ui, Word::VisitorsTreesHold, "mass", mass);
    }
}
