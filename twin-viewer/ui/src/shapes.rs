//! Signs that are drawn, not written: no font has to have them, and a screen reader hears their label.

use egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2,
    WidgetInfo, WidgetType, pos2, vec2,
};
use terrarium_view_model::{AlarmPriority, Quality};

use crate::theme::{FAINT_INK, INK, LINE, priority_color};

/// A transport control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Play,
    PlayBackwards,
    Pause,
    StepForward,
    StepBack,
    Loop,
    Home,
    North,
}

/// A button with a drawn sign; `label` is what a screen reader says and what stands in the tooltip.
pub(crate) fn sign_button(ui: &mut Ui, sign: Sign, label: &str, is_on: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(24.0), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, enabled, is_on, label));
    let visuals = ui.style().interact_selectable(&response, is_on);
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(3),
        visuals.bg_fill,
        visuals.bg_stroke,
        egui::StrokeKind::Inside,
    );
    let ink = if enabled { INK } else { LINE };
    draw_sign(painter, sign, rect.shrink(7.0), ink);
    response.on_hover_text(label)
}

fn draw_sign(painter: &Painter, sign: Sign, rect: Rect, ink: Color32) {
    let triangle = |rect: Rect, points_right: bool| {
        let (tip_x, base_x) = if points_right {
            (rect.right(), rect.left())
        } else {
            (rect.left(), rect.right())
        };
        let corners = vec![
            pos2(base_x, rect.top()),
            pos2(tip_x, rect.center().y),
            pos2(base_x, rect.bottom()),
        ];
        painter.add(Shape::convex_polygon(corners, ink, Stroke::NONE));
    };
    let bar = |x: f32| {
        let bar = Rect::from_min_max(pos2(x, rect.top()), pos2(x + 3.0, rect.bottom()));
        painter.rect_filled(bar, CornerRadius::ZERO, ink);
    };
    match sign {
        Sign::Play => triangle(rect, true),
        Sign::PlayBackwards => triangle(rect, false),
        Sign::Pause => {
            bar(rect.left() + 1.0);
            bar(rect.right() - 4.0);
        }
        Sign::StepForward => {
            triangle(rect.with_max_x(rect.right() - 3.0), true);
            bar(rect.right() - 3.0);
        }
        Sign::StepBack => {
            triangle(rect.with_min_x(rect.left() + 3.0), false);
            bar(rect.left());
        }
        Sign::Loop => {
            let stroke = Stroke::new(1.8, ink);
            painter.circle_stroke(rect.center(), rect.width() / 2.2, stroke);
            let tip = Rect::from_center_size(rect.center_top() + vec2(1.0, 0.5), vec2(6.0, 6.0));
            triangle(tip, true);
        }
        Sign::Home => {
            let stroke = Stroke::new(1.8, ink);
            painter.rect_stroke(rect, CornerRadius::ZERO, stroke, egui::StrokeKind::Inside);
            painter.circle_filled(rect.center(), 2.0, ink);
        }
        Sign::North => {
            let corners = vec![rect.center_top(), rect.right_bottom(), rect.left_bottom()];
            painter.add(Shape::convex_polygon(corners, ink, Stroke::NONE));
        }
    }
}

/// An alarm's mark: the shape says the priority as well as the colour does (square, triangle, circle; filled while nobody
/// has acknowledged it).
pub(crate) fn alarm_mark(
    painter: &Painter,
    center: Pos2,
    size: f32,
    priority: AlarmPriority,
    is_unacknowledged: bool,
) {
    let ink = priority_color(priority);
    let fill = if is_unacknowledged {
        ink
    } else {
        Color32::WHITE
    };
    let stroke = Stroke::new(2.0, ink);
    let half = size / 2.0;
    match priority {
        AlarmPriority::High => {
            let rect = Rect::from_center_size(center, Vec2::splat(size));
            painter.rect(
                rect,
                CornerRadius::ZERO,
                fill,
                stroke,
                egui::StrokeKind::Inside,
            );
        }
        AlarmPriority::Medium => {
            let corners = vec![
                center + vec2(0.0, -half),
                center + vec2(half, half * 0.8),
                center + vec2(-half, half * 0.8),
            ];
            painter.add(Shape::convex_polygon(corners, fill, stroke));
        }
        AlarmPriority::Low => {
            painter.circle(center, half * 0.9, fill, stroke);
        }
    }
}

/// A mark beside a number that can't be trusted fully: dashes for estimated, a ring for corrected, a cross for the others.
pub(crate) fn quality_mark(ui: &mut Ui, quality: Option<Quality>, label: &str) {
    if quality == Some(Quality::Good) {
        return;
    }
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, label));
    let painter = ui.painter();
    let stroke = Stroke::new(1.5, FAINT_INK);
    let inner = rect.shrink(2.0);
    match quality {
        Some(Quality::Estimated) => {
            let (left, right) = (inner.left_center(), inner.right_center());
            painter.add(Shape::dashed_line(&[left, right], stroke, 2.0, 2.0));
        }
        Some(Quality::Substituted) => {
            painter.circle_stroke(inner.center(), inner.width() / 2.0, stroke);
        }
        _ => {
            painter.line_segment([inner.left_top(), inner.right_bottom()], stroke);
            painter.line_segment([inner.right_top(), inner.left_bottom()], stroke);
        }
    }
    response.on_hover_text(label);
}

/// Hatching for what has no data or can't be trusted.
pub(crate) fn hatch(painter: &Painter, rect: Rect, ink: Color32) {
    const APART: f32 = 5.0;
    let painter = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    let steps = ((rect.width() + rect.height()) / APART).ceil().min(200.0) as u32;
    for step in 0..steps {
        let x = rect.left() + step as f32 * APART;
        let line = [pos2(x, rect.top()), pos2(x - rect.height(), rect.bottom())];
        painter.line_segment(line, Stroke::new(1.0, ink));
    }
}
