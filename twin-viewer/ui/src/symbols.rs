//! Symbols of single-line drawings, after IEC 60617 where it has one; each also has its own outline, so that no colour is
//! needed to tell them apart.

use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};
use terrarium_model::AssetKind;

use crate::theme::{INK, LINE};

/// The network outside of the park: a feeder, a square with crossed diagonals.
pub(crate) fn public_network(painter: &Painter, rect: Rect, ink: Color32) {
    let stroke = Stroke::new(1.5, ink);
    painter.rect(
        rect,
        CornerRadius::ZERO,
        Color32::WHITE,
        stroke,
        StrokeKind::Inside,
    );
    painter.line_segment([rect.left_top(), rect.right_bottom()], stroke);
    painter.line_segment([rect.right_top(), rect.left_bottom()], stroke);
}

/// An asset.
pub(crate) fn asset(painter: &Painter, kind: AssetKind, rect: Rect, fill: Color32, ink: Color32) {
    let stroke = Stroke::new(1.5, ink);
    let square = |painter: &Painter| {
        painter.rect(rect, CornerRadius::ZERO, fill, stroke, StrokeKind::Inside);
    };
    let round = |painter: &Painter| {
        painter.circle(rect.center(), rect.width() / 2.0, fill, stroke);
    };
    let part = |x: f32, y: f32| {
        pos2(
            rect.left() + rect.width() * x,
            rect.top() + rect.height() * y,
        )
    };
    let line = |painter: &Painter, points: &[(f32, f32)]| {
        let points: Vec<Pos2> = points.iter().map(|(x, y)| part(*x, *y)).collect();
        painter.add(Shape::line(points, stroke));
    };
    match kind {
        // A transformer: two rings.
        AssetKind::ConnectionPoint => {
            let radius = rect.width() * 0.32;
            for y in [0.33, 0.67] {
                painter.circle(part(0.5, y), radius, fill, stroke);
            }
            painter.circle_stroke(part(0.5, 0.33), radius, stroke);
        }
        AssetKind::DcBus => {
            square(painter);
            line(painter, &[(0.2, 0.4), (0.8, 0.4)]);
            painter.add(Shape::dashed_line(
                &[part(0.2, 0.6), part(0.8, 0.6)],
                stroke,
                4.0,
                3.0,
            ));
        }
        // A cell in the light.
        AssetKind::Pv | AssetKind::SolarThermal => {
            square(painter);
            line(painter, &[(0.0, 0.0), (0.5, 0.4), (1.0, 0.0)]);
            if kind == AssetKind::SolarThermal {
                line(
                    painter,
                    &[(0.2, 0.75), (0.4, 0.65), (0.6, 0.85), (0.8, 0.75)],
                );
            }
        }
        AssetKind::Wind => {
            round(painter);
            line(painter, &[(0.5, 0.5), (0.5, 0.1)]);
            line(painter, &[(0.5, 0.5), (0.85, 0.7)]);
            line(painter, &[(0.5, 0.5), (0.15, 0.7)]);
        }
        // Long and short plates.
        AssetKind::Battery | AssetKind::Vehicle | AssetKind::Shuttle => {
            square(painter);
            for (y, x) in [(0.3, 0.15), (0.45, 0.32), (0.6, 0.15), (0.75, 0.32)] {
                line(painter, &[(x, y), (1.0 - x, y)]);
            }
        }
        // A socket.
        AssetKind::Charger => {
            square(painter);
            painter.circle_stroke(part(0.5, 0.5), rect.width() * 0.28, stroke);
            line(painter, &[(0.4, 0.4), (0.4, 0.6)]);
            line(painter, &[(0.6, 0.4), (0.6, 0.6)]);
        }
        AssetKind::Tank => {
            square(painter);
            line(painter, &[(0.0, 0.18), (1.0, 0.18)]);
        }
        AssetKind::Fixture => {
            round(painter);
            line(painter, &[(0.3, 0.4), (0.7, 0.4)]);
            line(painter, &[(0.5, 0.4), (0.5, 0.75)]);
        }
        AssetKind::IrrigationZone => {
            square(painter);
            for y in [0.35, 0.65] {
                line(
                    painter,
                    &[
                        (0.1, y),
                        (0.3, y - 0.12),
                        (0.5, y),
                        (0.7, y - 0.12),
                        (0.9, y),
                    ],
                );
            }
        }
        AssetKind::HeatPump | AssetKind::Chiller => {
            round(painter);
            line(painter, &[(0.2, 0.5), (0.4, 0.3), (0.6, 0.7), (0.8, 0.5)]);
        }
        AssetKind::Lighting => {
            round(painter);
            line(painter, &[(0.15, 0.15), (0.85, 0.85)]);
            line(painter, &[(0.85, 0.15), (0.15, 0.85)]);
        }
        // Any other load: an arrow to the ground.
        _ => {
            let corners = vec![part(0.05, 0.15), part(0.95, 0.15), part(0.5, 0.95)];
            painter.add(Shape::convex_polygon(corners, fill, stroke));
        }
    }
}

/// How full: a bar beside the symbol.
pub(crate) fn level(painter: &Painter, rect: Rect, full: f32) {
    let bar = Rect::from_min_size(rect.left_top() - vec2(7.0, 0.0), vec2(4.0, rect.height()));
    painter.rect_filled(bar, CornerRadius::ZERO, LINE);
    let filled = bar.with_min_y(bar.bottom() - bar.height() * full.clamp(0.0, 1.0));
    painter.rect_filled(filled, CornerRadius::ZERO, INK);
}

/// An arrow head; `down` 1: downwards, -1: upwards.
pub(crate) fn arrow_head(painter: &Painter, at: Pos2, down: f32, size: f32, ink: Color32) {
    let corners = vec![
        at + vec2(0.0, size * down),
        at + vec2(-size * 0.6, -size * 0.4 * down),
        at + vec2(size * 0.6, -size * 0.4 * down),
    ];
    painter.add(Shape::convex_polygon(corners, ink, Stroke::NONE));
}
