//! The course of the selected asset's points, drawn apart by unit.

use std::collections::BTreeMap;

use egui::{Color32, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints, VLine};
use terrarium_view_model::{PointHistory, Quality, Quantity, Unit, ViewState, Word, format};

use crate::banner;
use crate::theme::{FAINT_INK, REPLAY};

/// Lines of one plot at most; more can't be told apart.
const MOST_LINES: usize = 5;
const HEIGHT: f32 = 110.0;

/// Okabe and Ito's colours that people with any colour vision tell apart on light grey, without the alarm colours.
const LINE_COLORS: [Color32; MOST_LINES] = [
    Color32::from_gray(40),
    Color32::from_rgb(0, 158, 115),
    Color32::from_rgb(86, 140, 190),
    Color32::from_rgb(150, 110, 0),
    Color32::from_rgb(160, 90, 130),
];

pub(crate) fn show(ui: &mut Ui, state: &ViewState) {
    let language = state.language;
    ui.strong(Word::Trend.text(language));
    banner::show_failure(ui, state, "history");
    let mut by_unit: BTreeMap<Unit, Vec<&PointHistory>> = BTreeMap::new();
    for history in state
        .history
        .iter()
        .filter(|history| history.samples.len() > 1)
    {
        let of_unit = by_unit.entry(history.point.quantity.unit()).or_default();
        of_unit.push(history);
    }
    if by_unit.is_empty() {
        ui.weak(Word::NoTrend.text(language));
    }
    for (unit, histories) in by_unit {
        plot(ui, state, unit, &histories);
    }
}

fn plot(ui: &mut Ui, state: &ViewState, unit: Unit, histories: &[&PointHistory]) {
    let language = state.language;
    let Some(zone) = state.park().map(|park| park.time_zone.clone()) else {
        return;
    };
    let quantity = histories[0].point.quantity;
    let cursor_color = if state.timeline.is_live() {
        FAINT_INK
    } else {
        REPLAY
    };
    let lines: Vec<Line<'_>> = histories
        .iter()
        .zip(LINE_COLORS)
        .map(|(history, color)| {
            let course = course(unit, &history.samples);
            Line::new("", PlotPoints::new(course))
                .color(color)
                .width(1.5)
        })
        .collect();
    // Over the plot and not in it, where they would cover the course.
    ui.horizontal_wrapped(|ui| {
        for (history, color) in histories.iter().zip(LINE_COLORS) {
            let name = RichText::new(name_of(history, language)).small();
            ui.label(name.color(color));
        }
    });
    Plot::new(("trend", unit))
        .height(HEIGHT)
        .show_x(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .x_axis_formatter(move |mark, _| {
            let mut text = format::time_of_day(&zone, mark.value as i64);
            text.truncate("14:03".len());
            text
        })
        .y_axis_formatter(move |mark, _| axis_text(quantity, mark.value))
        .y_axis_min_width(52.0)
        .show(ui, |plot| {
            for line in lines {
                plot.line(line);
            }
            let shown_ms = state.timeline.shown_ms() as f64;
            plot.vline(VLine::new("", shown_ms).color(cursor_color).width(1.0));
        });
}

/// A measured course is drawn from value to value; a state, a flag or a count stays what it is until it is told anew.
fn course(unit: Unit, samples: &[(i64, i64, Quality)]) -> Vec<[f64; 2]> {
    let stays = matches!(unit, Unit::State | Unit::Flag | Unit::Count);
    let mut points: Vec<[f64; 2]> = Vec::with_capacity(samples.len() * 2);
    for (time_ms, value, _) in samples {
        let (time, value) = (*time_ms as f64, *value as f64);
        if let Some([_, before]) = points.last().copied().filter(|_| stays) {
            points.push([time, before]);
        }
        points.push([time, value]);
    }
    points
}

fn axis_text(quantity: Quantity, value: f64) -> String {
    format::value_text(
        quantity,
        value as i64,
        terrarium_view_model::Language::English,
    )
}

fn name_of(history: &PointHistory, language: terrarium_view_model::Language) -> String {
    let quantity = Word::of_quantity(history.point.quantity).text(language);
    if history.point.source.is_empty() {
        quantity.to_owned()
    } else {
        format!("{quantity} {}", history.point.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stays_until_it_ends_and_does_not_fade_out() {
        let samples = [(0, 1, Quality::Good), (100, 0, Quality::Good)];
        assert_eq!(
            course(Unit::Flag, &samples),
            [[0.0, 1.0], [100.0, 1.0], [100.0, 0.0]]
        );
        assert_eq!(course(Unit::Watt, &samples), [[0.0, 1.0], [100.0, 0.0]]);
    }
}
