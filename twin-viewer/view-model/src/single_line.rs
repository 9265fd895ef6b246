//! A network of the park as a single-line drawing: sources on top, one row for each step away from them. Where a node stands
//! follows from the connections alone, so the same park always gives the same drawing.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::ConnectionKind;

use crate::park_view::{AssetIndex, ConnectionView, ParkView};

/// How the park is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drawing {
    #[default]
    Scene,
    /// From above.
    Plan,
    /// Single-line drawing of the electric network.
    Electric,
    /// Of the water network.
    Water,
}

impl Drawing {
    /// In the order of the chooser.
    pub const ALL: [Drawing; 4] = [
        Drawing::Scene,
        Drawing::Plan,
        Drawing::Electric,
        Drawing::Water,
    ];

    /// As it is written in links and files.
    pub fn token(self) -> &'static str {
        match self {
            Drawing::Scene => "scene",
            Drawing::Plan => "plan",
            Drawing::Electric => "electric",
            Drawing::Water => "water",
        }
    }

    /// By its token.
    pub fn from_token(token: &str) -> Option<Drawing> {
        Drawing::ALL
            .into_iter()
            .find(|drawing| drawing.token() == token)
    }

    /// What flows in it, where it is a single-line drawing.
    pub fn network(self) -> Option<ConnectionKind> {
        match self {
            Drawing::Scene | Drawing::Plan => None,
            Drawing::Electric => Some(ConnectionKind::Electric),
            Drawing::Water => Some(ConnectionKind::Water),
        }
    }
}

/// What stands at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiagramItem {
    /// The public network outside of the park.
    Public,
    Asset(AssetIndex),
}

/// A node and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct DiagramNode {
    pub item: DiagramItem,
    /// In columns from the left.
    pub x: f32,
    /// In rows from the top.
    pub row: u32,
    /// Columns of the first and the last node below it; `None`: it ends here.
    pub bar: Option<(f32, f32)>,
}

/// A line from a node to one below it, or to another one that it is connected to as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// Places in [`SingleLine::nodes`].
    pub above: usize,
    pub below: usize,
    /// It leads to a second source: drawn beside the bars.
    pub is_cross: bool,
}

/// A drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SingleLine {
    pub nodes: Vec<DiagramNode>,
    pub wires: Vec<Wire>,
    /// How many columns and rows it takes.
    pub columns: f32,
    pub rows: u32,
}

impl SingleLine {
    /// Draws up the network of a kind.
    pub fn of(park: &ParkView, kind: ConnectionKind) -> SingleLine {
        let mut below: BTreeMap<DiagramItem, BTreeSet<DiagramItem>> = BTreeMap::new();
        let mut has_above: BTreeSet<DiagramItem> = BTreeSet::new();
        for connection in park.connections.iter().filter(|one| one.kind == kind) {
            let (upper, lower) = ends(connection);
            below.entry(upper).or_default().insert(lower);
            below.entry(lower).or_default();
            has_above.insert(lower);
        }
        let mut drawing = SingleLine::default();
        let mut layout = Layout {
            park,
            below: &below,
            placed: BTreeMap::new(),
            next_column: 0.0,
        };
        let sources = below.keys().filter(|item| !has_above.contains(item));
        // A ring has no source: its first node stands for one.
        for item in sources.chain(below.keys()).copied().collect::<Vec<_>>() {
            if !layout.placed.contains_key(&item) {
                layout.place(item, 0, &mut drawing);
            }
        }
        drawing.columns = layout.next_column.max(1.0);
        drawing.rows = drawing
            .nodes
            .iter()
            .map(|node| node.row + 1)
            .max()
            .unwrap_or(0);
        drawing
    }

    /// The node of an asset.
    pub fn node_of(&self, asset: AssetIndex) -> Option<&DiagramNode> {
        let item = DiagramItem::Asset(asset);
        self.nodes.iter().find(|node| node.item == item)
    }
}

/// Electric connections lead towards the grid, all others away from their source.
fn ends(connection: &ConnectionView) -> (DiagramItem, DiagramItem) {
    let to = DiagramItem::Asset(connection.to);
    match (connection.from, connection.kind) {
        (None, _) => (DiagramItem::Public, to),
        (Some(from), ConnectionKind::Electric) => (to, DiagramItem::Asset(from)),
        (Some(from), _) => (DiagramItem::Asset(from), to),
    }
}

struct Layout<'a> {
    park: &'a ParkView,
    below: &'a BTreeMap<DiagramItem, BTreeSet<DiagramItem>>,
    placed: BTreeMap<DiagramItem, usize>,
    next_column: f32,
}

impl Layout<'_> {
    /// Places an item and all that is below it; its place in the drawing.
    fn place(&mut self, item: DiagramItem, row: u32, drawing: &mut SingleLine) -> usize {
        let place = drawing.nodes.len();
        drawing.nodes.push(DiagramNode {
            item,
            x: 0.0,
            row,
            bar: None,
        });
        self.placed.insert(item, place);
        let mut children: Vec<DiagramItem> = self.below[&item].iter().copied().collect();
        children.sort_by_key(|child| self.order(*child));
        let mut columns: Vec<f32> = Vec::new();
        for child in children {
            let known = self.placed.get(&child).copied();
            let below = known.unwrap_or_else(|| self.place(child, row + 1, drawing));
            if known.is_none() {
                columns.push(drawing.nodes[below].x);
            }
            drawing.wires.push(Wire {
                above: place,
                below,
                is_cross: known.is_some(),
            });
        }
        let node = &mut drawing.nodes[place];
        match (columns.first(), columns.last()) {
            (Some(first), Some(last)) => {
                node.x = (first + last) / 2.0;
                node.bar = Some((*first, *last));
            }
            _ => {
                node.x = self.next_column + 0.5;
                self.next_column += 1.0;
            }
        }
        place
    }

    /// Busbars first, then kinds together, then by id.
    fn order(&self, item: DiagramItem) -> (bool, Option<terrarium_model::AssetKind>, DiagramItem) {
        let ends_here = self.below[&item].is_empty();
        let kind = match item {
            DiagramItem::Public => None,
            DiagramItem::Asset(asset) => Some(self.park.asset(asset).kind),
        };
        (ends_here, kind, item)
    }
}

#[cfg(test)]
mod tests {
    use terrarium_model::ParkDefinition;

    use super::*;

    fn park(text: &str) -> ParkView {
        ParkView::new(&ParkDefinition::parse(text, "park").expect("a park of ours"))
    }

    #[test]
    fn both_parks_electric_networks_hang_below_the_grid_without_crossings() {
        for text in [
            include_str!("../../../deploy/parks/haotian.toml"),
            include_str!("../../../deploy/parks/yizhuang.toml"),
        ] {
            let park = park(text);
            let drawing = SingleLine::of(&park, ConnectionKind::Electric);
            assert_eq!(drawing.nodes[0].item, DiagramItem::Public);
            assert_eq!(drawing.nodes[0].row, 0);
            assert!(drawing.wires.iter().all(|wire| !wire.is_cross));
            for wire in &drawing.wires {
                let (above, below) = (&drawing.nodes[wire.above], &drawing.nodes[wire.below]);
                assert_eq!(above.row + 1, below.row);
                let (first, last) = above.bar.expect("something is below it");
                assert!((first..=last).contains(&below.x));
            }
            let ends = drawing.nodes.iter().filter(|node| node.bar.is_none());
            let mut columns: Vec<f32> = ends.map(|node| node.x).collect();
            let count = columns.len();
            columns.dedup();
            assert_eq!(columns.len(), count, "no two ends share a column");
            assert_eq!(drawing, SingleLine::of(&park, ConnectionKind::Electric));
        }
    }

    #[test]
    fn every_connected_asset_is_drawn_once() {
        let park = park(include_str!("../../../deploy/parks/haotian.toml"));
        for kind in [ConnectionKind::Electric, ConnectionKind::Water] {
            let drawing = SingleLine::of(&park, kind);
            let mut connected: BTreeSet<AssetIndex> = BTreeSet::new();
            let of_kind = park.connections.iter().filter(|one| one.kind == kind);
            for connection in of_kind {
                connected.insert(connection.to);
                connected.extend(connection.from);
            }
            let drawn: Vec<AssetIndex> = drawing
                .nodes
                .iter()
                .filter_map(|node| match node.item {
                    DiagramItem::Public => None,
                    DiagramItem::Asset(asset) => Some(asset),
                })
                .collect();
            assert_eq!(drawn.len(), connected.len(), "{kind:?}");
            assert_eq!(drawn.into_iter().collect::<BTreeSet<_>>(), connected);
        }
    }
}
