//! A park as pieces: which shape stands where, in which layer, for which asset. Pure.

mod builder;

use std::collections::BTreeMap;

use bevy::math::{Affine3A, Quat, Vec3};
use terrarium_model::ConnectionKind;
use terrarium_view_model::{AssetIndex, ParkView};

use self::builder::Builder;
use crate::models::Motion;
use crate::shape::Shape;

/// Shadows lie here, above all that is flat and below all that stands.
pub const SHADOW_M: f32 = 0.11;

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
            },
            models: BTreeMap::new(),
        };
        builder.ground();
        for (index, asset) in park.indexed() {
            builder.asset(index, asset);
        }
        builder.lines();
        builder.layout
    }

    /// Triangles of all pieces, shadows counted too.
    pub fn triangles(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| self.shapes[piece.shape].triangles())
            .sum()
    }
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
