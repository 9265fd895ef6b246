//! Bars upon bars, and lines over time. Colours after Okabe and Ito (2008), which most colour-blind readers tell apart.

use terrarium_ledger::claims::statement::{Unit, bare};
use terrarium_proto::ledger::v1 as wire;

use super::canvas::{Canvas, Colour, INK, LINE, QUIET, WIDTH};
use crate::sheet::Language;

const HEIGHT: f32 = 170.0;
const LEFT: f32 = 52.0;
const PALETTE: [Colour; 8] = [
    Colour(0.0, 0.447, 0.698),
    Colour(0.902, 0.624, 0.0),
    Colour(0.0, 0.620, 0.451),
    Colour(0.835, 0.369, 0.0),
    Colour(0.8, 0.475, 0.655),
    Colour(0.337, 0.706, 0.914),
    Colour(0.4, 0.4, 0.4),
    Colour(0.94, 0.894, 0.259),
];

/// A scale from values to places.
struct Scale {
    low: i64,
    high: i64,
    step: i64,
    bottom: f32,
}

impl Scale {
    fn place(&self, value: i64) -> f32 {
        let span = (self.high - self.low).max(1) as f32;
        self.bottom + (value - self.low) as f32 / span * HEIGHT
    }
}

/// Draws a chart where the canvas stands.
pub fn draw(canvas: &mut Canvas, chart: &wire::Chart, language: Language) {
    if chart.labels.is_empty() || chart.series.is_empty() {
        return;
    }
    canvas.need(HEIGHT + 88.0);
    canvas.space(4.0);
    let y = canvas.y() - 11.0;
    canvas.text_at(0.0, y, 10.5, INK, language.of(chart.title.as_ref()));
    canvas.down(32.0);
    let bottom = canvas.y() - HEIGHT;
    let (low, high) = extent(chart);
    let scale = scale(low, high, bottom);
    grid(canvas, chart, &scale);
    if chart.kind == "lines" {
        lines(canvas, chart, &scale);
    } else {
        bars(canvas, chart, &scale);
    }
    labels(canvas, chart, bottom);
    canvas.down(HEIGHT + 20.0);
    legend(canvas, chart, language);
    canvas.space(10.0);
}

fn values(series: &wire::ChartSeries) -> impl Iterator<Item = Option<i64>> + '_ {
    series.values.iter().map(|value| value.value)
}

fn extent(chart: &wire::Chart) -> (i64, i64) {
    if chart.kind == "lines" {
        let all = || chart.series.iter().flat_map(values).flatten();
        let low = all().min().unwrap_or(0).min(0);
        return (low, all().max().unwrap_or(1).max(0));
    }
    let (mut low, mut high) = (0, 0);
    for number in 0..chart.labels.len() {
        let of_label = || {
            chart
                .series
                .iter()
                .filter_map(|series| series.values.get(number)?.value)
        };
        high = high.max(of_label().filter(|value| *value > 0).sum());
        low = low.min(of_label().filter(|value| *value < 0).sum());
    }
    (low, high)
}

/// Ticks at 1, 2 or 5 times a power of ten, four to eight of them.
fn scale(low: i64, high: i64, bottom: f32) -> Scale {
    let span = (high - low).max(1);
    let mut step = 1_i64;
    'found: loop {
        for factor in [1, 2, 5] {
            if span / (step * factor) <= 6 {
                step *= factor;
                break 'found;
            }
        }
        step *= 10;
    }
    Scale {
        low: low.div_euclid(step) * step,
        high: -(-high).div_euclid(step) * step,
        step,
        bottom,
    }
}

fn grid(canvas: &mut Canvas, chart: &wire::Chart, scale: &Scale) {
    let unit = Unit::parse(&chart.unit);
    let name = unit.map_or("", |unit| unit.read_in().0);
    let mut tick = scale.low;
    while tick <= scale.high {
        let y = scale.place(tick);
        let (colour, width) = if tick == 0 { (QUIET, 0.7) } else { (LINE, 0.3) };
        canvas.line(&[(LEFT, y), (WIDTH, y)], colour, width);
        let text = unit.map_or_else(|| tick.to_string(), |unit| bare(tick, unit));
        let text = text
            .strip_suffix(".000")
            .or(text.strip_suffix(".0"))
            .unwrap_or(&text);
        canvas.text_right(LEFT - 5.0, y - 2.5, 7.0, QUIET, text);
        tick += scale.step;
    }
    let y = scale.place(scale.high) + 8.0;
    canvas.text_right(LEFT - 5.0, y, 7.0, QUIET, name);
}

fn slot(chart: &wire::Chart) -> f32 {
    (WIDTH - LEFT) / chart.labels.len() as f32
}

fn colour(number: usize) -> Colour {
    PALETTE[number % PALETTE.len()]
}

fn bars(canvas: &mut Canvas, chart: &wire::Chart, scale: &Scale) {
    let slot = slot(chart);
    for number in 0..chart.labels.len() {
        let x = LEFT + slot * (number as f32 + 0.18);
        let (mut above, mut below) = (0, 0);
        for (place, series) in chart.series.iter().enumerate() {
            let Some(value) = series.values.get(number).and_then(|value| value.value) else {
                continue;
            };
            let from = if value >= 0 { above } else { below };
            let (low, high) = (
                scale.place(from.min(from + value)),
                scale.place(from.max(from + value)),
            );
            canvas.fill(x, low, slot * 0.64, high - low, colour(place));
            if value >= 0 {
                above += value;
            } else {
                below += value;
            }
        }
    }
}

fn lines(canvas: &mut Canvas, chart: &wire::Chart, scale: &Scale) {
    let slot = slot(chart);
    for (place, series) in chart.series.iter().enumerate() {
        let mut run: Vec<(f32, f32)> = Vec::new();
        for (number, value) in values(series).enumerate() {
            match value {
                Some(value) => {
                    let x = LEFT + slot * (number as f32 + 0.5);
                    run.push((x, scale.place(value)));
                }
                None => finish_run(canvas, &mut run, colour(place)),
            }
        }
        finish_run(canvas, &mut run, colour(place));
    }
}

/// A run of points as a line; a single one as a dot.
fn finish_run(canvas: &mut Canvas, run: &mut Vec<(f32, f32)>, colour: Colour) {
    match run.as_slice() {
        [] => {}
        [(x, y)] => canvas.fill(x - 2.0, y - 2.0, 4.0, 4.0, colour),
        points => canvas.line(points, colour, 1.4),
    }
    run.clear();
}

fn labels(canvas: &mut Canvas, chart: &wire::Chart, bottom: f32) {
    let slot = slot(chart);
    let widest = chart
        .labels
        .iter()
        .map(|label| canvas.width(label, 7.0))
        .fold(0.0, f32::max);
    let every = ((widest + 6.0) / slot).ceil().max(1.0) as usize;
    for (number, label) in chart.labels.iter().enumerate().step_by(every) {
        let wide = canvas.width(label, 7.0);
        let x = LEFT + slot * (number as f32 + 0.5) - wide / 2.0;
        canvas.text_at(x, bottom - 10.0, 7.0, QUIET, label);
    }
}

fn legend(canvas: &mut Canvas, chart: &wire::Chart, language: Language) {
    let mut x = LEFT;
    let mut y = canvas.y() - 6.0;
    for (place, series) in chart.series.iter().enumerate() {
        let text = language.of(series.title.as_ref());
        let wide = canvas.width(text, 7.5) + 24.0;
        if x + wide > WIDTH {
            x = LEFT;
            y -= 12.0;
        }
        canvas.fill(x, y, 8.0, 6.0, colour(place));
        canvas.text_at(x + 11.0, y, 7.5, INK, text);
        x += wide;
    }
    let used = canvas.y() - y + 8.0;
    canvas.down(used);
}
