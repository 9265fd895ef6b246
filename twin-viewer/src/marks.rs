//! Signs over the scene, drawn with the panels: names, alarms with their arrows at the rim, what is selected, north.

use bevy::prelude::{Camera, GlobalTransform, Vec3};
use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2,
};
use terrarium_model::AssetKind;
use terrarium_scene::Anchor;
use terrarium_view_model::color::{Rgb, of_priority};
use terrarium_view_model::{
    AlarmPriority, AssetIndex, AssetView, Overlay, OverlayCell, ViewState, format,
};

use crate::dress::middle;

const INK: Color32 = Color32::from_gray(38);
const PAPER: Color32 = Color32::from_rgba_premultiplied(216, 216, 214, 216);
const LABEL_PX: f32 = 12.0;
const LABEL_MARGIN: Vec2 = vec2(5.0, 2.0);
/// Names drawn at most; those that matter come first.
const MOST_LABELS: usize = 40;

/// Where things are on the screen.
pub struct Projection<'a> {
    pub camera: &'a Camera,
    pub place: &'a GlobalTransform,
    /// Of the texts: points of the panels are so many of the camera's.
    pub zoom: f32,
}

impl Projection<'_> {
    fn point(&self, world: Vec3) -> Option<Pos2> {
        let at = self.camera.world_to_viewport(self.place, world).ok()?;
        Some(pos2(at.x / self.zoom, at.y / self.zoom))
    }

    /// Where to look for what is behind the eye or beyond the rim: a direction from the middle of the picture.
    fn direction(&self, world: Vec3) -> Vec2 {
        let local = self.place.affine().inverse().transform_point3(world);
        let depth = if local.z < 0.0 { -local.z } else { 1e-3 };
        vec2(local.x / depth, -local.y / depth)
    }
}

/// Draws all signs into the room that the panels leave.
pub fn draw(
    painter: &Painter,
    room: Rect,
    state: &ViewState,
    anchors: &[Anchor],
    eye: &Projection<'_>,
) {
    let painter = painter.with_clip_rect(room);
    let mut taken: Vec<Rect> = vec![compass_room(room)];
    selected(&painter, state, anchors, eye);
    alarms(&painter, room, state, anchors, eye, &mut taken);
    labels(&painter, room, state, anchors, eye, &mut taken);
    compass(&painter, room, eye);
}

/// Corners around what is selected, through everything that hides it.
fn selected(painter: &Painter, state: &ViewState, anchors: &[Anchor], eye: &Projection<'_>) {
    for asset in state.selection.all() {
        let Some(rect) = anchors
            .get(asset.0 as usize)
            .and_then(|anchor| outline(anchor, eye))
        else {
            continue;
        };
        let rect = rect.expand(6.0);
        let arm = (rect.width().min(rect.height()) * 0.3).clamp(6.0, 22.0);
        for (corner, x, y) in [
            (rect.left_top(), 1.0, 1.0),
            (rect.right_top(), -1.0, 1.0),
            (rect.left_bottom(), 1.0, -1.0),
            (rect.right_bottom(), -1.0, -1.0),
        ] {
            for (width, color) in [
                (4.0, Color32::from_white_alpha(200)),
                (2.0, Color32::from_gray(20)),
            ] {
                let stroke = Stroke::new(width, color);
                painter.line_segment([corner, corner + vec2(x * arm, 0.0)], stroke);
                painter.line_segment([corner, corner + vec2(0.0, y * arm)], stroke);
            }
        }
    }
}

/// The box on the screen around an asset.
fn outline(anchor: &Anchor, eye: &Projection<'_>) -> Option<Rect> {
    let reach = anchor.radius.max(0.4);
    let mut rect = Rect::NOTHING;
    for x in [-reach, reach] {
        for z in [-reach, reach] {
            for y in [anchor.foot.y, anchor.top.y] {
                rect.extend_with(eye.point(Vec3::new(anchor.foot.x + x, y, anchor.foot.z + z))?);
            }
        }
    }
    Some(rect)
}

/// A sign over every asset with an alarm; one at the rim with an arrow where it is out of sight.
fn alarms(
    painter: &Painter,
    room: Rect,
    state: &ViewState,
    anchors: &[Anchor],
    eye: &Projection<'_>,
    taken: &mut Vec<Rect>,
) {
    const REACH: f32 = 30.0;
    let Some(park) = state.park() else {
        return;
    };
    for (index, asset) in park.indexed() {
        let Some(alarm) = state.state_of(index).and_then(|of| of.alarm) else {
            continue;
        };
        let Some(anchor) = anchors.get(index.0 as usize) else {
            continue;
        };
        let foot = eye.point(anchor.top);
        let inner = room.shrink(26.0);
        let at = match foot {
            Some(foot) if inner.contains(foot - vec2(0.0, REACH)) => {
                let sign = foot - vec2(0.0, REACH);
                let color = rgb(of_priority(alarm.priority));
                painter.line_segment(
                    [foot, sign],
                    Stroke::new(3.0, Color32::from_white_alpha(190)),
                );
                painter.line_segment([foot, sign], Stroke::new(1.5, color));
                sign
            }
            _ => {
                let at = rim_arrow(
                    painter,
                    inner,
                    eye.direction(middle(anchor)),
                    alarm.priority,
                );
                taken.push(Rect::from_center_size(at, Vec2::splat(26.0)));
                name_at_rim(painter, room, at, asset.name_in(state.language), taken);
                at
            }
        };
        sign(painter, at, alarm.priority, alarm.is_unacknowledged);
        taken.push(Rect::from_center_size(at, Vec2::splat(26.0)));
    }
}

/// What is out of sight is named too: beside its sign, towards the middle.
fn name_at_rim(painter: &Painter, room: Rect, at: Pos2, name: &str, taken: &mut Vec<Rect>) {
    let galley = painter.layout_no_wrap(
        name.to_owned(),
        FontId::proportional(LABEL_PX),
        Color32::BLACK,
    );
    let size = galley.size() + LABEL_MARGIN * 2.0;
    let reach = size / 2.0 + Vec2::splat(18.0);
    let ways = [Vec2::RIGHT, Vec2::LEFT, Vec2::UP, Vec2::DOWN];
    let rects = ways.map(|way| held_in(room, Rect::from_center_size(at + way * reach, size)));
    if let Some(rect) = rects.into_iter().find(|rect| is_free(taken, *rect)) {
        label(painter, rect, galley, Color32::BLACK);
        taken.push(rect);
    }
}

/// Moved as little as it takes to stand in the room.
fn held_in(room: Rect, rect: Rect) -> Rect {
    let over =
        |low: f32, high: f32, from: f32, to: f32| (low - from).max(0.0) - (to - high).max(0.0);
    rect.translate(vec2(
        over(room.left(), room.right(), rect.left(), rect.right()),
        over(room.top(), room.bottom(), rect.top(), rect.bottom()),
    ))
}

fn is_free(taken: &[Rect], rect: Rect) -> bool {
    taken
        .iter()
        .all(|other| !other.intersects(rect.expand(2.0)))
}

fn label(painter: &Painter, rect: Rect, galley: std::sync::Arc<egui::Galley>, ink: Color32) {
    painter.rect(
        rect,
        3.0,
        PAPER,
        Stroke::new(1.0, Color32::from_black_alpha(40)),
        StrokeKind::Inside,
    );
    painter.galley(rect.min + LABEL_MARGIN, galley, ink);
}

/// Where the ray from the middle of the room meets its rim, with an arrow that points on.
fn rim_arrow(painter: &Painter, inner: Rect, direction: Vec2, priority: AlarmPriority) -> Pos2 {
    let way = direction.normalized();
    let half = inner.size() / 2.0;
    let to_rim = (half.x / way.x.abs().max(1e-4)).min(half.y / way.y.abs().max(1e-4));
    let at = inner.center() + way * to_rim;
    let side = vec2(-way.y, way.x);
    let tip = at + way * 23.0;
    let points = vec![
        tip,
        at + way * 13.0 + side * 8.0,
        at + way * 13.0 - side * 8.0,
    ];
    painter.add(Shape::convex_polygon(
        points,
        rgb(of_priority(priority)),
        Stroke::new(1.0, Color32::WHITE),
    ));
    at
}

/// Shape, letter and colour tell the priority; filled: nobody has acknowledged it.
fn sign(painter: &Painter, at: Pos2, priority: AlarmPriority, is_unacknowledged: bool) {
    const REACH: f32 = 11.0;
    let color = rgb(of_priority(priority));
    let (sides, turn, text) = match priority {
        AlarmPriority::High => (4, 0.0, "1"),
        AlarmPriority::Medium => (3, -std::f32::consts::FRAC_PI_2, "2"),
        AlarmPriority::Low => (24, 0.0, "3"),
    };
    let reach = if sides == 3 { REACH * 1.25 } else { REACH };
    let points: Vec<Pos2> = (0..sides)
        .map(|side| {
            let angle = turn + side as f32 / sides as f32 * std::f32::consts::TAU;
            at + reach * Vec2::angled(angle)
        })
        .collect();
    let (fill, ink) = if is_unacknowledged {
        (color, Color32::WHITE)
    } else {
        (Color32::from_gray(246), color)
    };
    painter.add(Shape::convex_polygon(
        points.clone(),
        fill,
        Stroke::new(3.5, Color32::from_white_alpha(220)),
    ));
    painter.add(Shape::convex_polygon(points, fill, Stroke::new(1.8, color)));
    let place = if sides == 3 { at + vec2(0.0, 1.5) } else { at };
    painter.text(
        place,
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(12.0),
        ink,
    );
}

/// Names, and values where an overlay is on; those that would cover another are left out, the least important first.
fn labels(
    painter: &Painter,
    room: Rect,
    state: &ViewState,
    anchors: &[Anchor],
    eye: &Projection<'_>,
    taken: &mut Vec<Rect>,
) {
    let Some(park) = state.park() else {
        return;
    };
    let mut wanted: Vec<(u8, f32, AssetIndex, Pos2)> = park
        .indexed()
        .filter_map(|(index, asset)| {
            let rank = rank(state, index, asset)?;
            let anchor = anchors.get(index.0 as usize)?;
            let at = eye.point(anchor.top + Vec3::Y * 0.6)?;
            let away = eye.place.translation().distance(anchor.top);
            room.contains(at).then_some((rank, away, index, at))
        })
        .collect();
    wanted.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut drawn = 0;
    for (rank, _, index, at) in wanted {
        if drawn == MOST_LABELS {
            break;
        }
        let asset = park.asset(index);
        let text = text_of(state, index, asset);
        let ink = if rank <= 1 { Color32::BLACK } else { INK };
        let galley = painter.layout_no_wrap(text, FontId::proportional(LABEL_PX), ink);
        let has_sign = state.state_of(index).is_some_and(|of| of.alarm.is_some());
        let lift = if has_sign { 46.0 } else { 9.0 };
        let above = Align2::CENTER_BOTTOM
            .anchor_size(at - vec2(0.0, lift), galley.size())
            .expand2(LABEL_MARGIN);
        // What is selected or in alarm is named wherever there is room for it.
        let below = Rect::from_center_size(at + vec2(0.0, 22.0), above.size());
        let aside = vec2(above.width() / 2.0 + 22.0, -lift / 2.0);
        let beside = [aside, vec2(-aside.x, aside.y)]
            .map(|way| Rect::from_center_size(at + way, above.size()));
        let found = if rank <= 1 {
            [above, held_in(room, above), below, beside[0], beside[1]]
                .into_iter()
                .find(|rect| room.contains_rect(*rect) && is_free(taken, *rect))
        } else {
            Some(above).filter(|rect| room.contains_rect(*rect) && is_free(taken, *rect))
        };
        let Some(rect) = found else {
            continue;
        };
        if rect == above {
            painter.line_segment(
                [pos2(at.x, rect.bottom()), at],
                Stroke::new(1.0, Color32::from_black_alpha(90)),
            );
        }
        label(painter, rect, galley, ink);
        taken.push(rect);
        drawn += 1;
    }
}

/// How important the name of an asset is now, 0 first; `None`: not shown.
fn rank(state: &ViewState, index: AssetIndex, asset: &AssetView) -> Option<u8> {
    if state.selection.contains(index) {
        return Some(0);
    }
    if state.state_of(index).is_some_and(|of| of.alarm.is_some()) {
        return Some(1);
    }
    if state.shown_overlay() != Overlay::None {
        return value_of(state, index).map(|_| {
            if asset.kind == AssetKind::TreeGroup {
                4
            } else {
                2
            }
        });
    }
    match asset.kind {
        AssetKind::Building | AssetKind::Wind => Some(2),
        AssetKind::Battery
        | AssetKind::Display
        | AssetKind::ConnectionPoint
        | AssetKind::Chiller => Some(3),
        AssetKind::Tank => Some(4),
        _ => None,
    }
}

fn value_of(state: &ViewState, index: AssetIndex) -> Option<f64> {
    match state
        .overlay_view()?
        .values
        .get(index.0 as usize)
        .copied()
        .flatten()?
    {
        OverlayCell::Value(value) => Some(value.value),
        OverlayCell::NoData => None,
    }
}

fn text_of(state: &ViewState, index: AssetIndex, asset: &AssetView) -> String {
    let name = asset.name_in(state.language);
    let unit = state
        .overlay_view()
        .and_then(|view| view.legend.as_ref())
        .map(|legend| legend.unit);
    match unit.zip(value_of(state, index)) {
        Some((unit, value)) => format!(
            "{name}  {}",
            format::legend_text(unit, value, state.language)
        ),
        None => name.to_owned(),
    }
}

/// The place that the compass takes.
fn compass_room(room: Rect) -> Rect {
    Rect::from_center_size(room.right_bottom() - vec2(34.0, 36.0), Vec2::splat(66.0))
}

/// North, at the lower right of the scene.
fn compass(painter: &Painter, room: Rect, eye: &Projection<'_>) {
    let centre = compass_room(room).center();
    let ahead = eye.place.forward();
    // North is -z; seen from above, up on the screen is the heading.
    let heading = ahead.x.atan2(-ahead.z);
    let north = Vec2::angled(-std::f32::consts::FRAC_PI_2 - heading);
    let side = vec2(-north.y, north.x);
    painter.circle(
        centre,
        19.0,
        Color32::from_white_alpha(150),
        Stroke::new(1.0, Color32::from_black_alpha(60)),
    );
    let needle = [
        centre + north * 12.0,
        centre + side * 4.5 - north * 7.0,
        centre - north * 4.0,
        centre - side * 4.5 - north * 7.0,
    ];
    painter.add(Shape::convex_polygon(
        needle[..3].to_vec(),
        INK,
        Stroke::NONE,
    ));
    painter.add(Shape::convex_polygon(
        vec![needle[0], needle[2], needle[3]],
        Color32::from_gray(120),
        Stroke::NONE,
    ));
    // Read by night too.
    painter.circle_filled(centre + north * 26.0, 7.5, Color32::from_white_alpha(150));
    painter.text(
        centre + north * 26.0,
        Align2::CENTER_CENTER,
        "N",
        FontId::proportional(11.0),
        INK,
    );
}

fn rgb(Rgb([red, green, blue]): Rgb) -> Color32 {
    Color32::from_rgb(red, green, blue)
}
