//! The park in squares of ground, each of which is merged at the level of detail that its distance asks for. Pure.

use std::collections::BTreeMap;

use bevy::ecs::component::Component;
use bevy::math::Vec3;

use crate::layout::{GRAINS_M, Layer, Layout, Role, Stirs};
use crate::merge::Merged;

/// Side of a square, unless that would make too many.
const SIDE_M: f32 = 60.0;
/// Squares along each axis at most.
const MOST_ALONG: f32 = 12.0;
/// What is smaller than so many pixels is left out.
const SMALLEST_PX: f32 = 1.5;

/// What is drawn as one mesh: all of a layer that stirs as often as each other.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    pub layer: Layer,
    pub stirs: Stirs,
}

/// Pieces that are drawn at one level of detail together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chunk {
    /// Places in [`Layout::pieces`], by layer and how often they stir.
    batches: BTreeMap<(Layer, Stirs), Vec<usize>>,
    /// The middle of what stands in it, and how far that reaches.
    pub middle: Vec3,
    pub radius: f32,
}

/// Cuts what stands in the park into squares.
pub fn chunks(layout: &Layout) -> Vec<Chunk> {
    let standing = || {
        let is_standing = |layer| matches!(layer, Layer::Clay | Layer::Shadow);
        let pieces = layout.pieces.iter().enumerate();
        pieces.filter(move |(_, piece)| is_standing(piece.layer))
    };
    let (mut least, mut most) = (Vec3::MAX, Vec3::MIN);
    for (_, piece) in standing() {
        least = least.min(piece.place.at);
        most = most.max(piece.place.at);
    }
    let longest = (most - least).max_element().max(0.0);
    let side = SIDE_M.max(longest / MOST_ALONG);
    let mut by_square: BTreeMap<(i32, i32), Chunk> = BTreeMap::new();
    for (number, piece) in standing() {
        let square = (piece.place.at - least) / side;
        let chunk = by_square
            .entry((square.x as i32, square.z as i32))
            .or_default();
        let batch = chunk
            .batches
            .entry((piece.layer, piece.role.stirs()))
            .or_default();
        batch.push(number);
    }
    let mut chunks: Vec<Chunk> = by_square.into_values().collect();
    chunks.iter_mut().for_each(|chunk| chunk.measure(layout));
    chunks
}

impl Chunk {
    fn measure(&mut self, layout: &Layout) {
        let (mut least, mut most) = (Vec3::MAX, Vec3::MIN);
        for number in self.batches.values().flatten() {
            let piece = &layout.pieces[*number];
            let top = layout.shapes[piece.shape].bounds().1.y * piece.place.scale;
            least = least.min(piece.place.at);
            most = most.max(piece.place.at + Vec3::Y * top.max(0.0));
        }
        self.middle = (least + most) / 2.0;
        self.radius = least.distance(most) / 2.0;
    }

    /// The level of detail that leaves out what fills no pixel, seen from `eye`, where a metre that is a metre away is
    /// `px_at_1_m` pixels large.
    pub fn level(&self, eye: Vec3, px_at_1_m: f32) -> usize {
        let nearest_m = (eye.distance(self.middle) - self.radius).max(1.0);
        let smallest_m = SMALLEST_PX * nearest_m / px_at_1_m.max(1.0);
        GRAINS_M
            .iter()
            .rposition(|grain| *grain <= smallest_m)
            .unwrap_or(0)
    }

    /// Its meshes at a level of detail.
    pub fn merged(&self, layout: &Layout, level: usize) -> Vec<(Drawn, Merged)> {
        self.batches
            .iter()
            .map(|((layer, stirs), batch)| {
                let pieces = batch.iter().map(|number| &layout.pieces[*number]);
                // Nobody looks as closely at a shadow.
                let level = match layer {
                    Layer::Shadow => (level + 1).min(GRAINS_M.len() - 1),
                    _ => level,
                };
                let drawn = Drawn {
                    layer: *layer,
                    stirs: *stirs,
                };
                (drawn, Merged::of(layout, drawn.layer, pieces, level))
            })
            .filter(|(_, merged)| !merged.is_empty())
            .collect()
    }
}

/// What lies flat, its uppermost parts first, so that what they hide is not drawn.
pub fn ground(layout: &Layout) -> Merged {
    let mut flat: Vec<_> = layout
        .pieces
        .iter()
        .filter(|piece| piece.layer == Layer::Ground)
        .collect();
    let height =
        |piece: &&crate::layout::Piece| layout.shapes[piece.shape].bounds().0.y + piece.place.at.y;
    flat.sort_by(|one, other| height(other).total_cmp(&height(one)));
    Merged::of(layout, Layer::Ground, flat, 0)
}

/// The light of the lamps.
pub fn glow(layout: &Layout) -> Merged {
    let glows = |piece: &&crate::layout::Piece| piece.layer == Layer::Glow;
    Merged::of(layout, Layer::Glow, layout.pieces.iter().filter(glows), 0)
}

/// Lines of a network, or the cables of the cars.
pub fn lines(layout: &Layout, belongs: impl Fn(Role) -> bool) -> Merged {
    let is_one = |piece: &&crate::layout::Piece| piece.layer == Layer::Flow && belongs(piece.role);
    Merged::of(layout, Layer::Flow, layout.pieces.iter().filter(is_one), 0)
}
