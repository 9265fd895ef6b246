//! A park as pieces: which shape stands where, in which layer, for which asset. Pure.

mod builder;

use std::collections::BTreeMap;

use bevy::math::{Affine3A, Quat, Vec3};
use terrarium_model::{AssetKind, ConnectionKind};
use terrarium_view_model::{AssetIndex, ParkView};

use self::builder::Builder;
use crate::coarse::coarse;
use crate::models::Motion;
use crate::shape::Shape;

/// Shadows lie here, above all that is flat and below all that stands.
pub const SHADOW_M: f32 = 0.11;

/// Features below so many metres are left out at each level of detail; level 0 leaves nothing out.
pub const GRAINS_M: [f32; 5] = [0.0, 0.15, 0.32, 0.64, 1.3];

/// How a piece is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Lies flat and receives shadows.
    Ground,
    Clay,
    /// Seen only as its shadow on the ground.
    Shadow,
    /// The light of lamps on the ground.
    Glow,
    /// Something flows along it.
    Flow,
}

/// A shape at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Place in [`Layout::shapes`].
    pub shape: usize,
    pub layer: Layer,
    /// What one means by pointing at it.
    pub asset: Option<AssetIndex>,
    pub tag: Tag,
    pub place: Place,
    pub role: Role,
}

/// Position, turn and size of a piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub at: Vec3,
    pub turn: Quat,
    pub scale: f32,
}

/// What makes a piece change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    Still,
    Moves(Motion),
    /// A tree: how high against the mean of its group, and which of the group in the order of felling.
    Tree {
        height_share: f32,
        number: u32,
    },
    /// A line of a network, shown when its network is.
    Line {
        kind: ConnectionKind,
        connection: usize,
    },
    /// From a charger to its car.
    Cable,
}

/// How often a piece stands otherwise than before. Light and what flows stay where they are; their layer says that they are drawn
/// anew with every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stirs {
    Never,
    /// With the years.
    Seldom,
    /// With every value or every frame.
    Often,
}

impl Role {
    pub fn stirs(self) -> Stirs {
        match self {
            Role::Still | Role::Line { .. } => Stirs::Never,
            Role::Tree { .. } => Stirs::Seldom,
            Role::Moves(_) | Role::Cable => Stirs::Often,
        }
    }
}

/// Number under which the renderer keeps how a piece looks now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

/// Which tags a park has: nothing, assets, connections, zones, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tags {
    assets: u32,
    connections: u32,
    zones: u32,
}

impl Tags {
    pub fn of(park: &ParkView) -> Tags {
        Tags {
            assets: park.assets.len() as u32,
            connections: park.connections.len() as u32,
            zones: park.zones.len() as u32,
        }
    }

    /// What belongs to nothing that has values.
    pub const NOTHING: Tag = Tag(0);

    pub fn asset(self, asset: AssetIndex) -> Tag {
        Tag(1 + asset.0)
    }

    pub fn connection(self, connection: usize) -> Tag {
        Tag(1 + self.assets + connection as u32)
    }

    pub fn zone(self, zone: usize) -> Tag {
        Tag(1 + self.assets + self.connections + zone as u32)
    }

    pub fn count(self) -> u32 {
        1 + self.assets + self.connections + self.zones
    }
}

/// Where to point at an asset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    pub foot: Vec3,
    pub top: Vec3,
    /// Half of its greatest extent along the ground.
    pub radius: f32,
}

/// A whole park.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub shapes: Vec<Shape>,
    pub pieces: Vec<Piece>,
    pub tags: Tags,
    /// By asset index.
    pub anchors: Vec<Anchor>,
    /// By asset index: the mean height that a group's trees are built with; 0 for all else.
    pub built_trees_m: Vec<f32>,
    /// By asset index: cars come to it.
    pub chargers: Vec<bool>,
    /// By shape: what is drawn of it at the levels of detail above 0; empty where it is always drawn in full.
    coarser: Vec<Vec<Shape>>,
}

impl Layout {
    pub fn new(park: &ParkView) -> Layout {
        let mut builder = Builder {
            park,
            layout: Layout {
                shapes: Vec::new(),
                pieces: Vec::new(),
                tags: Tags::of(park),
                anchors: Vec::with_capacity(park.assets.len()),
                built_trees_m: vec![0.0; park.assets.len()],
                chargers: park
                    .assets
                    .iter()
                    .map(|asset| asset.kind == AssetKind::Charger)
                    .collect(),
                coarser: Vec::new(),
            },
            models: BTreeMap::new(),
            far: BTreeMap::new(),
        };
        builder.ground();
        for (index, asset) in park.indexed() {
            builder.asset(index, asset);
        }
        builder.lines();
        let Builder {
            mut layout, far, ..
        } = builder;
        layout.coarser = coarser(&layout, far);
        layout
    }

    /// A shape at a level of detail.
    pub fn shape(&self, shape: usize, level: usize) -> &Shape {
        let coarser = self.coarser.get(shape).and_then(|levels| {
            let level = level.checked_sub(1)?;
            levels.get(level)
        });
        coarser.unwrap_or(&self.shapes[shape])
    }

    /// Triangles of all pieces, shadows counted too.
    pub fn triangles(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| self.shapes[piece.shape].triangles())
            .sum()
    }
}

/// Coarser shapes of all that stands or moves; `far` holds those that were modelled by hand.
fn coarser(layout: &Layout, mut far: BTreeMap<usize, Vec<Shape>>) -> Vec<Vec<Shape>> {
    /// Bars and blades tell something, so they are left out later than what only adorns.
    const TELLS_SOMETHING: f32 = 0.3;
    let mut levels: Vec<Vec<Shape>> = vec![Vec::new(); layout.shapes.len()];
    for piece in &layout.pieces {
        let is_solid = matches!(piece.layer, Layer::Clay | Layer::Shadow);
        if !is_solid || !levels[piece.shape].is_empty() {
            continue;
        }
        let shape = &layout.shapes[piece.shape];
        levels[piece.shape] = far.remove(&piece.shape).unwrap_or_else(|| {
            let (share, turns) = match piece.role {
                Role::Moves(Motion::Spin(_)) => (TELLS_SOMETHING, true),
                Role::Moves(Motion::Gauge(_)) => (TELLS_SOMETHING, false),
                _ => (1.0, false),
            };
            GRAINS_M[1..]
                .iter()
                .map(|grain| coarse(shape, grain * share, turns))
                .collect()
        });
    }
    levels
}

/// Trees are drawn at least this high.
pub const LEAST_TREE_M: f32 = 1.2;

impl Place {
    pub const ORIGIN: Place = Place {
        at: Vec3::ZERO,
        turn: Quat::IDENTITY,
        scale: 1.0,
    };

    pub fn affine(self) -> Affine3A {
        Affine3A::from_scale_rotation_translation(Vec3::splat(self.scale), self.turn, self.at)
    }
}
