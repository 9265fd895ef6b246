//! The record as a strip: how much happened when, by domain; alarms as ticks; the moment shown; and the transport.

use egui::{
    Color32, ComboBox, CornerRadius, PointerButton, Rect, RichText, Sense, Stroke, Ui, WidgetInfo,
    WidgetType, pos2, vec2,
};
use terrarium_view_model::{Command, LoopMode, Mark, SPEEDS, ViewState, Word, format};

use crate::layout::Drafts;
use crate::shapes::{Sign, sign_button};
use crate::theme::{FAINT_INK, FIELD, INK, LINE, REPLAY, priority_color};

const STRIP_HEIGHT: f32 = 46.0;
const TICKS_HEIGHT: f32 = 8.0;
const ZOOM_STEP: f64 = 2.0;

pub(crate) fn show(
    ui: &mut Ui,
    state: &ViewState,
    drafts: &mut Drafts,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| transport(ui, state, commands));
    strip(ui, state, drafts, commands);
}

fn transport(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    let timeline = &state.timeline;
    let mut button = |ui: &mut Ui, sign, word: Word, is_on, command| {
        if sign_button(ui, sign, word.text(language), is_on).clicked() {
            commands.push(command);
        }
    };
    let step = |backwards| Command::StepEvent { backwards };
    let play = |backwards| Command::Play { backwards };
    let plays = |backwards| timeline.wants_to_play() && timeline.is_backwards() == backwards;
    button(ui, Sign::StepBack, Word::StepBack, false, step(true));
    button(
        ui,
        Sign::PlayBackwards,
        Word::PlayBackwards,
        plays(true),
        play(true),
    );
    let is_paused = !timeline.is_live() && !timeline.wants_to_play();
    button(ui, Sign::Pause, Word::Pause, is_paused, Command::Pause);
    button(ui, Sign::Play, Word::Play, plays(false), play(false));
    button(ui, Sign::StepForward, Word::StepForward, false, step(false));
    let loops = timeline.looping() == LoopMode::Range;
    let other_loop = if loops {
        LoopMode::Off
    } else {
        LoopMode::Range
    };
    button(
        ui,
        Sign::Loop,
        Word::Loop,
        loops,
        Command::SetLoop(other_loop),
    );
    let live = ui.selectable_label(timeline.is_live(), Word::Live.text(language));
    if live.clicked() {
        commands.push(Command::Follow);
    }
    ComboBox::from_id_salt("speed")
        .selected_text(format!("×{}", timeline.speed()))
        .width(70.0)
        .show_ui(ui, |ui| {
            for speed in SPEEDS {
                let is_chosen = speed == timeline.speed();
                if ui
                    .selectable_label(is_chosen, format!("×{speed}"))
                    .clicked()
                {
                    commands.push(Command::SetSpeed { speed });
                }
            }
        })
        .response
        .on_hover_text(Word::Speed.text(language));
    if let Some(park) = state.park() {
        let (from_ms, to_ms) = timeline.view();
        let [from, to] = [from_ms, to_ms].map(|ms| format::moment(&park.time_zone, ms));
        let parts = [("from", from.as_str()), ("to", to.as_str())];
        let text = Word::Period.with(language, &parts);
        ui.label(RichText::new(text).small().color(FAINT_INK));
    }
    marks(ui, state, commands);
    if timeline.is_zoomed() && ui.small_button(Word::WholeRecord.text(language)).clicked() {
        commands.push(Command::ZoomTimeline(None));
    }
}

/// Marks A and B, and comparing them.
fn marks(ui: &mut Ui, state: &ViewState, commands: &mut Vec<Command>) {
    let language = state.language;
    ui.separator();
    for mark in Mark::ALL {
        let moment_ms = state.comparison.moment_ms(mark);
        let parts = [("mark", mark.letter())];
        let set = Word::SetMark.with(language, &parts);
        if ui.small_button(mark.letter()).on_hover_text(set).clicked() {
            commands.push(Command::SetMark(mark));
        }
        if let Some((park, moment_ms)) = state.park().zip(moment_ms) {
            let text = format::moment(&park.time_zone, moment_ms);
            let is_shown = !state.timeline.is_live() && state.timeline.shown_ms() == moment_ms;
            let label = ui.selectable_label(is_shown, RichText::new(text).small());
            let go = Word::GoToMark.with(language, &parts);
            if label.on_hover_text(go).clicked() {
                commands.push(Command::SeekExact { moment_ms });
            }
        }
    }
    let is_on = state.comparison.is_on();
    let both = state.comparison.moments_ms().is_some();
    let compare = egui::Button::selectable(is_on, Word::Compare.text(language));
    if ui.add_enabled(both, compare).clicked() {
        commands.push(Command::Compare(!is_on));
    }
}

fn strip(ui: &mut Ui, state: &ViewState, drafts: &mut Drafts, commands: &mut Vec<Command>) {
    let size = vec2(ui.available_width(), STRIP_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let timeline = &state.timeline;
    let scale = Scale {
        rect,
        view: timeline.view(),
    };
    let label = state.park().map_or_else(String::new, |park| {
        format::moment(&park.time_zone, timeline.shown_ms())
    });
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Slider, true, &label));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, CornerRadius::ZERO, FIELD);
    density(&painter, state, &scale);
    if let Some((from_ms, to_ms)) = timeline.selection() {
        let range = Rect::from_x_y_ranges(scale.x(from_ms)..=scale.x(to_ms), rect.y_range());
        painter.rect_filled(range, CornerRadius::ZERO, REPLAY.gamma_multiply(0.15));
    }
    alarm_ticks(&painter, state, &scale);
    for mark in Mark::ALL {
        if let Some(moment_ms) = state.comparison.moment_ms(mark) {
            let x = scale.x(moment_ms);
            painter.vline(x, rect.y_range(), Stroke::new(1.5, REPLAY));
            let at = pos2(x + 3.0, rect.bottom() - 2.0);
            let font = egui::FontId::proportional(11.0);
            painter.text(at, egui::Align2::LEFT_BOTTOM, mark.letter(), font, REPLAY);
        }
    }
    let cursor = if timeline.is_live() { INK } else { REPLAY };
    let shown_x = scale.x(timeline.shown_ms());
    painter.vline(shown_x, rect.y_range(), Stroke::new(2.0, cursor));
    if timeline.is_waiting() {
        let asked = Stroke::new(1.0, FAINT_INK);
        painter.vline(scale.x(timeline.asked_ms()), rect.y_range(), asked);
    }
    painter.rect_stroke(
        rect,
        CornerRadius::ZERO,
        Stroke::new(1.0, LINE),
        egui::StrokeKind::Inside,
    );
    pointer(ui, state, drafts, &response, &scale, commands);
}

struct Scale {
    rect: Rect,
    view: (i64, i64),
}

impl Scale {
    fn x(&self, moment_ms: i64) -> f32 {
        let (from_ms, to_ms) = self.view;
        let share = (moment_ms - from_ms) as f64 / (to_ms - from_ms) as f64;
        self.rect.left() + (share * f64::from(self.rect.width())) as f32
    }

    fn moment_ms(&self, x: f32) -> i64 {
        let (from_ms, to_ms) = self.view;
        let share = f64::from((x - self.rect.left()) / self.rect.width().max(1.0));
        from_ms + (share * (to_ms - from_ms) as f64).round() as i64
    }
}

/// One row of greys for each domain: the darker, the more happened.
fn density(painter: &egui::Painter, state: &ViewState, scale: &Scale) {
    let density = &state.timeline.density;
    if density.domains.is_empty() || density.to_ms <= density.from_ms {
        return;
    }
    let area = scale.rect.with_min_y(scale.rect.top() + TICKS_HEIGHT);
    let row_height = area.height() / density.domains.len() as f32;
    for (row, (_, events)) in density.domains.iter().enumerate() {
        let most = events.iter().copied().max().unwrap_or(0).max(1) as f32;
        let top = area.top() + row as f32 * row_height;
        let span_ms = (density.to_ms - density.from_ms) as f64 / events.len().max(1) as f64;
        for (bucket, count) in events.iter().enumerate().filter(|(_, count)| **count > 0) {
            let at = |bucket: usize| density.from_ms + (bucket as f64 * span_ms) as i64;
            let cell = Rect::from_min_max(
                pos2(scale.x(at(bucket)), top),
                pos2(
                    scale.x(at(bucket + 1)).max(scale.x(at(bucket)) + 1.0),
                    top + row_height - 1.0,
                ),
            );
            // By the square root, so that one event beside a thousand is still seen.
            let share = (*count as f32 / most).sqrt();
            let grey = Color32::from_gray((225.0 - share * 130.0) as u8);
            painter.rect_filled(cell, CornerRadius::ZERO, grey);
        }
    }
}

fn alarm_ticks(painter: &egui::Painter, state: &ViewState, scale: &Scale) {
    let top = scale.rect.top();
    for alarm in state.alarms.all() {
        let Some(raised_ms) = alarm.status.raised_ms else {
            continue;
        };
        let x = scale.x(raised_ms);
        if scale.rect.x_range().contains(x) {
            let ink = if alarm.status.state.is_listed() {
                priority_color(alarm.definition.priority)
            } else {
                FAINT_INK
            };
            painter.vline(x, top..=top + TICKS_HEIGHT, Stroke::new(2.0, ink));
        }
    }
}

/// Click or drag: seek. With shift, or the other button: a range. Wheel: zoom around the pointer.
fn pointer(
    ui: &Ui,
    state: &ViewState,
    drafts: &mut Drafts,
    response: &egui::Response,
    scale: &Scale,
    commands: &mut Vec<Command>,
) {
    let Some(position) = response.interact_pointer_pos().or(response.hover_pos()) else {
        return;
    };
    let moment_ms = scale.moment_ms(position.x);
    let draws_range = response.dragged_by(PointerButton::Secondary)
        || (response.dragged() && ui.input(|input| input.modifiers.shift));
    if draws_range {
        let from_ms = *drafts.range_from_ms.get_or_insert(moment_ms);
        commands.push(Command::SelectRange(Some((from_ms, moment_ms))));
    } else if response.clicked_by(PointerButton::Secondary) {
        commands.push(Command::SelectRange(None));
    } else if response.clicked() || response.dragged() || response.drag_stopped() {
        // The end of a drag is where the button was let go, also when that came within one frame of the last move.
        // While it is dragged only what changed is asked for.
        if moment_ms != state.timeline.asked_ms() {
            commands.push(Command::SeekClamped { moment_ms });
        }
    }
    if response.drag_stopped() {
        drafts.range_from_ms = None;
    }
    let wheel = ui.input(|input| input.smooth_scroll_delta().y);
    if response.hovered() && wheel != 0.0 {
        let factor = if wheel > 0.0 {
            1.0 / ZOOM_STEP
        } else {
            ZOOM_STEP
        };
        let (from_ms, to_ms) = scale.view;
        let around = |edge_ms: i64| moment_ms + ((edge_ms - moment_ms) as f64 * factor) as i64;
        let (first, last) = state.timeline.record();
        let view = (around(from_ms).max(first), around(to_ms).min(last));
        let is_all = view == (first, last);
        commands.push(Command::ZoomTimeline((!is_all).then_some(view)));
    }
}
