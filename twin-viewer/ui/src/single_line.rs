//! The electric or the water network as a single-line drawing, of equal rank with scene and plan: the same selection, overlay
//! and alarms.

use egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2,
    WidgetInfo, WidgetType, pos2, vec2,
};
use terrarium_model::ConnectionKind;
use terrarium_view_model::{
    AssetIndex, AssetState, AssetView, Command, DiagramItem, DiagramNode, Drawing, OverlayCell,
    ParkView, SingleLine, ViewState, Word, format,
};

use crate::layout::Drafts;
use crate::shapes::{alarm_mark, hatch};
use crate::symbols;
use crate::theme::{FAINT_INK, FIELD, INK, LINE, PANEL, SELECTED, color};

const ROW: f32 = 150.0;
const SYMBOL: f32 = 30.0;
const LEAST_COLUMN: f32 = 46.0;
const MOST_COLUMN: f32 = 150.0;
const LEAST_ZOOM: f32 = 0.2;
const MOST_ZOOM: f32 = 6.0;
/// Smaller, and names would only be a grey mass.
const LEAST_ZOOM_OF_TEXTS: f32 = 0.45;
/// From its node down to the bar that it feeds.
const TO_BAR: f32 = 62.0;

/// Draws a network into the room that is left and tells what was clicked.
pub(crate) fn show(
    ui: &mut Ui,
    state: &ViewState,
    drafts: &mut Drafts,
    kind: ConnectionKind,
    commands: &mut Vec<Command>,
) {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let title = Word::of_drawing(state.drawing).text(state.language);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, title));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, CornerRadius::ZERO, PANEL);
    let Some(park) = state.park() else {
        return;
    };
    let drawing = SingleLine::of(park, kind);
    if drawing.nodes.is_empty() {
        let text = Word::NotConnected.text(state.language);
        let font = FontId::proportional(14.0);
        painter.text(rect.center(), Align2::CENTER_CENTER, text, font, FAINT_INK);
        return;
    }
    move_view(ui, rect, &response, drafts, &drawing);
    let sheet = Sheet {
        painter: &painter,
        state,
        park,
        kind,
        sight: Sight::of(rect, &drawing, drafts),
        nodes: &drawing.nodes,
    };
    sheet.wires(&drawing);
    for node in &drawing.nodes {
        sheet.node(node);
    }
    let hit = response.hover_pos().and_then(|at| {
        let reach = SYMBOL * sheet.sight.zoom.max(0.6);
        drawing.nodes.iter().find_map(|node| match node.item {
            DiagramItem::Asset(asset) if sheet.sight.at(node).distance(at) < reach => Some(asset),
            _ => None,
        })
    });
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
        commands.push(Command::ShowDrawing(Drawing::Scene));
        commands.push(Command::FlyTo(asset));
    }
}

/// From columns and rows to points on the screen.
struct Sight {
    middle: Pos2,
    column: f32,
    zoom: f32,
    shift: Vec2,
    columns: f32,
    rows: u32,
}

impl Sight {
    fn of(rect: Rect, drawing: &SingleLine, drafts: &Drafts) -> Sight {
        // Room for the names at the rims.
        let column = (rect.width() - 150.0) / drawing.columns;
        // All of it is seen at first, however small.
        let height = drawing.rows as f32 * ROW;
        let whole = (column / LEAST_COLUMN).min(rect.height() / height).min(1.0);
        let usual = (whole.max(LEAST_ZOOM), Vec2::ZERO);
        let (zoom, shift) = drafts.diagram_view.unwrap_or(usual);
        Sight {
            middle: rect.center(),
            column: column.clamp(LEAST_COLUMN, MOST_COLUMN),
            zoom,
            shift,
            columns: drawing.columns,
            rows: drawing.rows,
        }
    }

    fn point(&self, x: f32, row: f32) -> Pos2 {
        let height = (self.rows.max(1) - 1) as f32 * ROW;
        let from_middle = vec2(
            (x - self.columns / 2.0) * self.column,
            row * ROW - height / 2.0 - 10.0,
        );
        self.middle + (from_middle + self.shift) * self.zoom
    }

    fn at(&self, node: &DiagramNode) -> Pos2 {
        self.point(node.x, node.row as f32)
    }
}

/// Where a node is drawn while nobody has moved the drawing.
#[cfg(test)]
pub(crate) fn place_of(rect: Rect, drawing: &SingleLine, node: &DiagramNode) -> Pos2 {
    Sight::of(rect, drawing, &Drafts::default()).at(node)
}

/// Dragging moves, the wheel zooms around the pointer, a middle click shows all of it again.
fn move_view(
    ui: &Ui,
    rect: Rect,
    response: &egui::Response,
    drafts: &mut Drafts,
    drawing: &SingleLine,
) {
    if response.middle_clicked() {
        drafts.diagram_view = None;
        return;
    }
    let sight = Sight::of(rect, drawing, drafts);
    let drag = response.drag_delta();
    if drag != Vec2::ZERO {
        drafts.diagram_view = Some((sight.zoom, sight.shift + drag / sight.zoom));
    }
    let wheel = ui.input(|input| input.smooth_scroll_delta().y);
    if let Some(pointer) = response.hover_pos().filter(|_| wheel != 0.0) {
        let zoom = (sight.zoom * (wheel / 200.0).exp()).clamp(LEAST_ZOOM, MOST_ZOOM);
        let offset = pointer - rect.center();
        let shift = sight.shift + offset / zoom - offset / sight.zoom;
        drafts.diagram_view = Some((zoom, shift));
    }
}

struct Sheet<'a> {
    painter: &'a Painter,
    state: &'a ViewState,
    park: &'a ParkView,
    kind: ConnectionKind,
    sight: Sight,
    nodes: &'a [DiagramNode],
}

impl Sheet<'_> {
    fn wires(&self, drawing: &SingleLine) {
        for node in &drawing.nodes {
            let Some((first, last)) = node.bar else {
                continue;
            };
            let at = self.sight.at(node);
            let bar_y = at.y + TO_BAR * self.sight.zoom;
            let end = |x: f32| pos2(self.sight.point(x, 0.0).x, bar_y);
            let stroke = Stroke::new(1.5, FAINT_INK);
            self.painter.line_segment([at, pos2(at.x, bar_y)], stroke);
            // A busbar is a thick line with room at its ends.
            let spare = vec2(10.0 * self.sight.zoom, 0.0);
            let bar = [end(first) - spare, end(last) + spare];
            let is_bar = last > first;
            if is_bar {
                self.painter.line_segment(bar, Stroke::new(4.0, INK));
            }
        }
        for wire in &drawing.wires {
            let (above, below) = (&drawing.nodes[wire.above], &drawing.nodes[wire.below]);
            let from = self.sight.at(above) + vec2(0.0, TO_BAR * self.sight.zoom);
            let to = self.sight.at(below);
            if wire.is_cross {
                let line = [self.sight.at(above), pos2(to.x, from.y), to];
                let stroke = Stroke::new(1.2, LINE);
                self.painter
                    .extend(Shape::dashed_line(&line, stroke, 5.0, 4.0));
                continue;
            }
            self.wire(pos2(to.x, from.y), to, below);
        }
    }

    /// The line down to a node, as wide as what flows, with an arrow that points where it flows to.
    fn wire(&self, from: Pos2, to: Pos2, below: &DiagramNode) {
        let known = self.known(below.item);
        let (flow, is_doubtful) = match (known, self.kind) {
            // Above zero it takes: from the bar down to it.
            (Some(known), ConnectionKind::Electric) => {
                let size = known.load.unwrap_or(if known.power_w.unwrap_or(0) == 0 {
                    0.0
                } else {
                    0.4
                });
                let sign = known.power_w.unwrap_or(0).signum() as f32;
                (
                    size * sign,
                    !known.quality.is_some_and(|quality| quality.is_trusted()),
                )
            }
            (Some(known), _) => {
                let flows = known.is_irrigating || known.flow_l_per_h.is_some_and(|flow| flow > 0);
                (f32::from(u8::from(flows)) * 0.5, false)
            }
            (None, _) => (0.0, false),
        };
        let is_selected = self.is_selected(below.item);
        let ink = if is_selected { SELECTED } else { FAINT_INK };
        let stroke = Stroke::new(1.2 + 2.2 * flow.abs(), ink);
        if is_doubtful && flow != 0.0 {
            self.painter
                .extend(Shape::dashed_line(&[from, to], stroke, 6.0, 3.0));
        } else {
            self.painter.line_segment([from, to], stroke);
        }
        if flow.abs() > 0.004 {
            let middle = from + (to - from) * 0.42;
            symbols::arrow_head(
                self.painter,
                middle,
                if flow > 0.0 { 1.0 } else { -1.0 },
                7.0 * self.sight.zoom.min(1.6),
                INK,
            );
        }
    }

    fn known(&self, item: DiagramItem) -> Option<&AssetState> {
        match item {
            DiagramItem::Public => None,
            DiagramItem::Asset(asset) => self.state.state_of(asset),
        }
    }

    fn is_selected(&self, item: DiagramItem) -> bool {
        matches!(item, DiagramItem::Asset(asset) if self.state.selection.contains(asset))
    }

    fn node(&self, node: &DiagramNode) {
        let at = self.sight.at(node);
        let size = SYMBOL * self.sight.zoom;
        let rect = Rect::from_center_size(at, Vec2::splat(size));
        if !self.painter.clip_rect().expand(200.0).intersects(rect) {
            return;
        }
        match node.item {
            DiagramItem::Public => {
                symbols::public_network(self.painter, rect, INK);
                let word = match self.kind {
                    ConnectionKind::Water => Word::PublicWater,
                    _ => Word::PublicGrid,
                };
                self.text(
                    at + vec2(0.0, -size * 0.75),
                    Align2::CENTER_BOTTOM,
                    word.text(self.state.language),
                    INK,
                );
            }
            DiagramItem::Asset(asset) => self.asset(node, asset, self.park.asset(asset), rect),
        }
    }

    fn asset(&self, node: &DiagramNode, asset: AssetIndex, view: &AssetView, rect: Rect) {
        let known = self.state.state_of(asset);
        let cell = self
            .state
            .overlay_view()
            .and_then(|overlay| overlay.values.get(asset.0 as usize).copied().flatten());
        let fade = known.map_or(1.0, |known| known.fade);
        let fill = cell.map_or(FIELD, |cell| color(cell.color()));
        symbols::asset(
            self.painter,
            view.kind,
            rect,
            fill,
            INK.gamma_multiply(fade.max(0.45)),
        );
        if let Some(full) = known.and_then(|known| known.full) {
            symbols::level(self.painter, rect, full);
        }
        let is_doubtful = match cell {
            Some(OverlayCell::NoData) => true,
            Some(OverlayCell::Value(value)) => value.is_doubtful,
            None => false,
        };
        if is_doubtful {
            hatch(self.painter, rect, FAINT_INK);
        }
        if self.state.selection.contains(asset) {
            let around = rect.expand(5.0);
            let stroke = Stroke::new(2.5, SELECTED);
            self.painter.rect_stroke(
                around,
                CornerRadius::ZERO,
                stroke,
                egui::StrokeKind::Outside,
            );
        }
        if let Some(alarm) = known.and_then(|known| known.alarm) {
            let beside = rect.right_top() + vec2(4.0, -4.0);
            alarm_mark(
                self.painter,
                beside,
                13.0,
                alarm.priority,
                alarm.is_unacknowledged,
            );
        }
        self.labels(node, view, known, rect);
    }

    /// Name and value: beside a node that feeds a bar, below one that ends here, in two heights so that neighbours fit.
    fn labels(&self, node: &DiagramNode, view: &AssetView, known: Option<&AssetState>, rect: Rect) {
        let name = view.name_in(self.state.language);
        let value = known.and_then(|known| self.value(known));
        let ink = match known.and_then(|known| known.quality) {
            Some(quality) if quality.is_trusted() => INK,
            _ => FAINT_INK,
        };
        let line = vec2(0.0, 13.0);
        if node.bar.is_some() {
            // Beside the line where it leads down; higher where a neighbour is near.
            let is_tight = self.sight.column * self.sight.zoom < 110.0 && (node.x as i64) % 2 == 0;
            let up = if is_tight { 34.0 } else { 7.0 };
            let right = rect.right_center() + vec2(8.0, -up);
            let room = self.room_beside(node, right);
            self.sign(right, &self.fitted(name, room), INK);
            if let Some(value) = value {
                self.sign(right + line, &value, ink);
            }
            return;
        }
        let width = self.sight.column * self.sight.zoom;
        let is_odd = (node.x as i64) % 2 != 0 && width < 110.0;
        let down = if is_odd { vec2(0.0, 28.0) } else { Vec2::ZERO };
        let below = rect.center_bottom() + vec2(0.0, 4.0) + down;
        let room = if width < 110.0 { width * 1.9 } else { width };
        self.text(below, Align2::CENTER_TOP, &self.fitted(name, room), INK);
        if let Some(value) = value {
            self.text(below + line, Align2::CENTER_TOP, &value, ink);
        }
    }

    /// From there to the next node of the row, with its gauge, or to the rim of the paper.
    fn room_beside(&self, node: &DiagramNode, from: Pos2) -> f32 {
        let reach = (SYMBOL / 2.0 + 14.0) * self.sight.zoom;
        let beside = self
            .nodes
            .iter()
            .filter(|other| other.row == node.row && other.x > node.x)
            .map(|other| self.sight.at(other).x - reach);
        let rim = self.painter.clip_rect().right() - 4.0;
        beside.fold(rim, f32::min) - from.x
    }

    fn value(&self, known: &AssetState) -> Option<String> {
        match self.kind {
            ConnectionKind::Electric => known.power_w.map(|power_w| format::watts(power_w as f64)),
            _ => {
                let flow = known
                    .flow_l_per_h
                    .map(|flow| format!("{} L/h", format::whole(flow)));
                let full = known.full.map(|full| format!("{:.0} %", full * 100.0));
                full.or(flow)
            }
        }
    }

    /// Cut to the room with dots, so that no two names run into each other; the whole name is in the tooltip.
    fn fitted(&self, text: &str, room: f32) -> String {
        let font = FontId::proportional(11.0);
        let width = |text: &str| {
            let galley = self
                .painter
                .layout_no_wrap(text.to_owned(), font.clone(), INK);
            galley.size().x
        };
        if width(text) <= room {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.len() > 1 {
            kept.pop();
            let shorter: String = kept.iter().collect::<String>() + "…";
            if width(&shorter) <= room {
                return shorter;
            }
        }
        text.to_owned()
    }

    /// A text on paper, so that it is read over lines.
    fn sign(&self, at: Pos2, text: &str, ink: Color32) {
        if self.sight.zoom < LEAST_ZOOM_OF_TEXTS {
            return;
        }
        let font = FontId::proportional(11.0);
        let galley = self.painter.layout_no_wrap(text.to_owned(), font, ink);
        let place = at - vec2(0.0, galley.size().y / 2.0);
        let paper = Rect::from_min_size(place, galley.size()).expand2(vec2(2.0, 0.0));
        self.painter.rect_filled(paper, CornerRadius::ZERO, PANEL);
        self.painter.galley(place, galley, ink);
    }

    fn text(&self, at: Pos2, align: Align2, text: &str, ink: Color32) {
        if self.sight.zoom < LEAST_ZOOM_OF_TEXTS {
            return;
        }
        self.painter
            .text(at, align, text, FontId::proportional(11.0), ink);
    }
}
