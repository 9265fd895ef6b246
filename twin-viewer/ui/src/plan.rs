//! The park from above: the same selection, overlay and alarms as the scene, of equal rank. North is up.

use egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui,
    WidgetInfo, WidgetType, pos2, vec2,
};
use terrarium_model::{AssetKind, ConnectionKind};
use terrarium_view_model::{
    AssetIndex, AssetState, AssetView, Command, GroundPoint, Overlay, OverlayCell, ParkView,
    ViewState,
};

use crate::layout::Drafts;
use crate::shapes::{alarm_mark, hatch};
use crate::theme::{EQUIPMENT, FAINT_INK, GROUND, INK, LINE, PANEL, SELECTED, color};

/// An asset is drawn at least this large, so that it can be seen and clicked.
const LEAST_SIZE: f32 = 9.0;
/// Names are written from this scale on, in points a metre.
const NAMES_FROM_SCALE: f32 = 3.5;

/// Draws the plan into the room that is left and tells what was clicked.
pub fn plan(ui: &mut Ui, state: &ViewState, drafts: &mut Drafts, commands: &mut Vec<Command>) {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    response.widget_info(|| {
        let title = terrarium_view_model::Word::Plan.text(state.language);
        WidgetInfo::labeled(WidgetType::Other, true, title)
    });
    let Some(park) = state.park() else {
        return;
    };
    move_view(ui, park, rect, &response, drafts);
    let sight = Sight::of(park, rect, drafts.plan_view);
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, CornerRadius::ZERO, PANEL);
    ground(&painter, park, &sight);
    connections(&painter, state, park, &sight);
    // What grows on the ground lies under what stands on it, and a roof under its panels.
    let mut order: Vec<(AssetIndex, &AssetView)> = park.indexed().collect();
    order.sort_by(|(_, one), (_, other)| {
        let area = |view: &AssetView| view.size_m[0] * view.size_m[1];
        let above = is_ground(other).cmp(&is_ground(one));
        above.then(area(other).total_cmp(&area(one)))
    });
    for (asset, view) in &order {
        draw_asset(&painter, state, *asset, view, &sight);
    }
    names(&painter, rect, state, &order, &sight);
    scale_bar(&painter, rect, &sight);

    let hit = response
        .hover_pos()
        .and_then(|position| asset_at(park, &sight, position));
    if let Some(asset) = hit {
        let name = park.asset(asset).name_in(state.language).to_owned();
        response.clone().on_hover_text_at_pointer(name);
    }
    if response.clicked() {
        let extends = ui.input(|input| input.modifiers.command || input.modifiers.shift);
        commands.push(match (hit, extends) {
            (Some(asset), true) => Command::ToggleSelect(asset),
            (Some(asset), false) => Command::Select(asset),
            (None, _) => Command::ClearSelection,
        });
    }
    if let Some(asset) = hit.filter(|_| response.double_clicked()) {
        commands.push(Command::FlyTo(asset));
    }
}

/// From metres to points on the screen.
struct Sight {
    rect: Rect,
    /// In the middle of `rect`.
    middle: [f32; 2],
    /// Points a metre.
    scale: f32,
}

impl Sight {
    fn of(park: &ParkView, rect: Rect, view: Option<(f32, [f32; 2])>) -> Sight {
        let (low, high) = park.bounds();
        let whole = (rect.width() / (high.east_m - low.east_m))
            .min(rect.height() / (high.north_m - low.north_m))
            .max(0.01);
        let (zoom, middle) = view.unwrap_or((
            1.0,
            [
                (low.east_m + high.east_m) / 2.0,
                (low.north_m + high.north_m) / 2.0,
            ],
        ));
        Sight {
            rect,
            middle,
            scale: whole * zoom,
        }
    }

    fn at(&self, point: GroundPoint) -> Pos2 {
        self.rect.center()
            + vec2(
                (point.east_m - self.middle[0]) * self.scale,
                (self.middle[1] - point.north_m) * self.scale,
            )
    }

    fn line(&self, points: &[GroundPoint]) -> Vec<Pos2> {
        points.iter().map(|point| self.at(*point)).collect()
    }
}

/// Dragging moves the view, the wheel zooms around the pointer, a middle click shows the whole park again.
fn move_view(ui: &Ui, park: &ParkView, rect: Rect, response: &egui::Response, drafts: &mut Drafts) {
    const LEAST_ZOOM: f32 = 0.5;
    const MOST_ZOOM: f32 = 40.0;
    if response.middle_clicked() {
        drafts.plan_view = None;
        return;
    }
    let sight = Sight::of(park, rect, drafts.plan_view);
    let zoom = drafts.plan_view.map_or(1.0, |(zoom, _)| zoom);
    let mut middle = sight.middle;
    let drag = response.drag_delta();
    if drag != vec2(0.0, 0.0) {
        middle = [
            middle[0] - drag.x / sight.scale,
            middle[1] + drag.y / sight.scale,
        ];
        drafts.plan_view = Some((zoom, middle));
    }
    let wheel = ui.input(|input| input.smooth_scroll_delta().y);
    if let Some(pointer) = response.hover_pos().filter(|_| wheel != 0.0) {
        let wanted = (zoom * (wheel / 200.0).exp()).clamp(LEAST_ZOOM, MOST_ZOOM);
        let kept = 1.0 - zoom / wanted;
        let offset = pointer - rect.center();
        middle = [
            middle[0] + offset.x / sight.scale * kept,
            middle[1] - offset.y / sight.scale * kept,
        ];
        drafts.plan_view = Some((wanted, middle));
    }
}

fn ground(painter: &Painter, park: &ParkView, sight: &Sight) {
    let border = Stroke::new(1.0, LINE);
    if park.outline.len() > 2 {
        painter.add(Shape::closed_line(sight.line(&park.outline), border));
    }
    for zone in park.zones.iter().filter(|zone| zone.outline.len() > 2) {
        painter.add(Shape::closed_line(
            sight.line(&zone.outline),
            Stroke::new(0.8, GROUND),
        ));
    }
    for path in &park.paths {
        let width = (path.width_m * sight.scale).max(1.0);
        let stroke = Stroke::new(width, GROUND);
        painter.add(Shape::line(sight.line(&path.line), stroke));
    }
    for water in park.waters.iter().filter(|water| water.outline.len() > 2) {
        let line = sight.line(&water.outline);
        painter.add(Shape::closed_line(line, Stroke::new(1.5, FAINT_INK)));
    }
}

/// Lines between assets, told apart by their dashes; what flows is drawn stronger. Electric ones always; the others where
/// they are asked for: by the water overlay, or by selecting an end of them.
fn connections(painter: &Painter, state: &ViewState, park: &ParkView, sight: &Sight) {
    for connection in &park.connections {
        let Some(from) = connection.from else {
            continue;
        };
        let is_selected = state.selection.contains(from) || state.selection.contains(connection.to);
        let is_asked_for = match connection.kind {
            ConnectionKind::Electric => true,
            ConnectionKind::Water => is_selected || state.shown_overlay() == Overlay::Water,
            ConnectionKind::Heat | ConnectionKind::Cold | ConnectionKind::Waste => is_selected,
        };
        if !is_asked_for {
            continue;
        }
        let ends = [from, connection.to].map(|end| sight.at(park.asset(end).at));
        let flows = state
            .state_of(from)
            .and_then(|state| state.load.or(state.flow_l_per_h.map(|_| 0.5)))
            .unwrap_or(0.0);
        let ink = if is_selected { INK } else { LINE };
        let stroke = Stroke::new(0.8 + 1.6 * flows, ink);
        let shapes = match connection.kind {
            ConnectionKind::Electric => vec![Shape::line_segment(ends, stroke)],
            ConnectionKind::Water => Shape::dashed_line(&ends, stroke, 6.0, 3.0),
            ConnectionKind::Heat | ConnectionKind::Cold => {
                Shape::dashed_line(&ends, stroke, 2.0, 2.0)
            }
            ConnectionKind::Waste => Shape::dashed_line(&ends, stroke, 1.5, 5.0),
        };
        painter.extend(shapes);
    }
}

fn draw_asset(
    painter: &Painter,
    state: &ViewState,
    asset: AssetIndex,
    view: &AssetView,
    sight: &Sight,
) {
    let at = sight.at(view.at);
    let [width, depth] =
        [view.size_m[0], view.size_m[1]].map(|metres| (metres * sight.scale).max(LEAST_SIZE));
    let corners = corners(at, width, depth, view.turn_deg);
    let known = state.state_of(asset);
    let cell = state
        .overlay_view()
        .and_then(|overlay| overlay.values.get(asset.0 as usize).copied().flatten());
    let fill = match &cell {
        Some(cell) => color(cell.color()),
        None if is_ground(view) => GROUND,
        None => EQUIPMENT,
    };
    let fill = fill.gamma_multiply(known.map_or(1.0, |known| known.fade));
    let is_selected = state.selection.contains(asset);
    let stroke = if is_selected {
        Stroke::new(3.0, SELECTED)
    } else {
        Stroke::new(1.0, FAINT_INK)
    };
    painter.add(Shape::convex_polygon(corners.to_vec(), fill, stroke));
    let is_doubtful = match cell {
        Some(OverlayCell::NoData) => true,
        Some(OverlayCell::Value(value)) => value.is_doubtful,
        None => false,
    };
    let bounds = Rect::from_points(&corners);
    if is_doubtful {
        hatch(painter, bounds, FAINT_INK);
    }
    if let Some(known) = known {
        draw_state(painter, known, at, bounds);
    }
}

fn is_ground(view: &AssetView) -> bool {
    matches!(view.kind, AssetKind::TreeGroup | AssetKind::IrrigationZone)
}

/// Names under what they belong to: what is selected or in alarm first, then what stands, the largest first. One that would
/// cover another is left out.
fn names(
    painter: &Painter,
    room: Rect,
    state: &ViewState,
    assets: &[(AssetIndex, &AssetView)],
    sight: &Sight,
) {
    let rank = |asset: AssetIndex, view: &AssetView| {
        if state.selection.contains(asset) {
            return 0;
        }
        match state.state_of(asset).and_then(|known| known.alarm) {
            Some(_) => 1,
            None if is_ground(view) => 3,
            None => 2,
        }
    };
    let mut wanted: Vec<(u8, AssetIndex, &AssetView)> = assets
        .iter()
        .map(|(asset, view)| (rank(*asset, view), *asset, *view))
        .filter(|(rank, ..)| *rank <= 1 || sight.scale >= NAMES_FROM_SCALE)
        .collect();
    wanted.sort_by_key(|(rank, ..)| *rank);
    let mut taken: Vec<Rect> = Vec::new();
    for (rank, _, view) in wanted {
        let depth = (view.size_m[1] * sight.scale).max(LEAST_SIZE);
        let width = (view.size_m[0] * sight.scale).max(LEAST_SIZE);
        let at = sight.at(view.at);
        let bounds = Rect::from_points(&corners(at, width, depth, view.turn_deg));
        let name = view.name_in(state.language).to_owned();
        let galley = painter.layout_no_wrap(name, FontId::proportional(11.0), INK);
        let below = bounds.center_bottom() + vec2(0.0, 2.0);
        let rect = Align2::CENTER_TOP.anchor_size(below, galley.size());
        let is_free = taken.iter().all(|other| !other.intersects(rect));
        if !room.contains_rect(rect) || (rank > 0 && !is_free) {
            continue;
        }
        if rank <= 1 {
            painter.rect_filled(rect.expand(1.0), CornerRadius::same(2), PANEL);
        }
        painter.galley(rect.min, galley, INK);
        taken.push(rect);
    }
}

/// How full, who charges, and the worst alarm.
fn draw_state(painter: &Painter, known: &AssetState, at: Pos2, bounds: Rect) {
    if let Some(full) = known.full {
        let bar = Rect::from_min_size(
            pos2(bounds.right() + 2.0, bounds.top()),
            vec2(3.0, bounds.height()),
        );
        painter.rect_filled(bar, CornerRadius::ZERO, LINE);
        let filled = bar.with_min_y(bar.bottom() - bar.height() * full);
        painter.rect_filled(filled, CornerRadius::ZERO, INK);
    }
    if let Some(session) = known.session {
        // A car: filled while it takes, open while it gives back.
        let fill = if session.gives_back() {
            Color32::WHITE
        } else {
            INK
        };
        painter.circle(bounds.left_center(), 3.5, fill, Stroke::new(1.5, INK));
    }
    if let Some(alarm) = known.alarm {
        let above = pos2(at.x, bounds.top() - 9.0);
        alarm_mark(
            painter,
            above,
            13.0,
            alarm.priority,
            alarm.is_unacknowledged,
        );
    }
}

fn corners(at: Pos2, width: f32, depth: f32, turn_deg: f32) -> [Pos2; 4] {
    let (sine, cosine) = turn_deg.to_radians().sin_cos();
    [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(east, south)| {
        let (x, y) = (east * width, south * depth);
        // Clockwise as seen from above; the screen's y points south.
        at + vec2(x * cosine - y * sine, x * sine + y * cosine)
    })
}

/// The asset under the pointer; of several the smallest, so that a bin on a lawn can be picked.
fn asset_at(park: &ParkView, sight: &Sight, pointer: Pos2) -> Option<AssetIndex> {
    park.indexed()
        .filter(|(_, view)| {
            let offset = pointer - sight.at(view.at);
            let (sine, cosine) = (-view.turn_deg).to_radians().sin_cos();
            let x = offset.x * cosine - offset.y * sine;
            let y = offset.x * sine + offset.y * cosine;
            let half = |metres: f32| (metres * sight.scale).max(LEAST_SIZE) / 2.0;
            x.abs() <= half(view.size_m[0]) && y.abs() <= half(view.size_m[1])
        })
        .min_by(|(_, one), (_, other)| {
            let area = |view: &AssetView| view.size_m[0] * view.size_m[1];
            area(one).total_cmp(&area(other))
        })
        .map(|(asset, _)| asset)
}

/// A bar of a round length, and north.
fn scale_bar(painter: &Painter, rect: Rect, sight: &Sight) {
    const WANTED: f32 = 110.0;
    let wanted_m = WANTED / sight.scale;
    let decade = 10_f32.powf(wanted_m.log10().floor());
    let length_m = [5.0, 2.0, 1.0]
        .into_iter()
        .map(|step| step * decade)
        .find(|length| *length <= wanted_m)
        .unwrap_or(decade);
    let left = rect.left_bottom() + vec2(14.0, -14.0);
    let right = left + vec2(length_m * sight.scale, 0.0);
    painter.line_segment([left, right], Stroke::new(2.0, INK));
    let text = format!("{length_m} m");
    let font = FontId::proportional(11.0);
    painter.text(
        left + vec2(0.0, -4.0),
        Align2::LEFT_BOTTOM,
        text,
        font.clone(),
        INK,
    );
    let north = rect.right_top() + vec2(-20.0, 14.0);
    let arrow = vec![north, north + vec2(5.0, 14.0), north + vec2(-5.0, 14.0)];
    painter.add(Shape::convex_polygon(arrow, INK, Stroke::NONE));
    painter.text(north + vec2(0.0, 16.0), Align2::CENTER_TOP, "N", font, INK);
}
